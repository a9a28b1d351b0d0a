/* The command line of a trainer: what it says to people who mistype. */
#include "drive.h"
#include "toy.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(trainer_options, .init = drive_begin, .fini = drive_end);

#define FAILS(model, message, ...)                                                                                             \
    do {                                                                                                                       \
        const Run *failed = RUN(model, __VA_ARGS__);                                                                           \
        cr_expect_eq(failed->status, 1, "status %d", failed->status);                                                          \
        cr_expect(strstr(failed->err, message) != NULL, "wanted '%s', got '%s'", message, failed->err);                        \
        cr_expect(strstr(failed->err, ": error: ") != NULL, "%s", failed->err);                                                \
    } while (0)

Test(trainer_options, no_arguments_say_what_to_do)
{
    const Run *run = RUN(&toy_flowers, NULL);
    cr_expect_eq(run->status, 1);
    cr_expect(strstr(run->err, "toy_flowers fit") && strstr(run->err, "toy_flowers predict"), "%s", run->err);
}

Test(trainer_options, help)
{
    const Run *run = RUN(&toy_flowers, "--help");
    cr_expect_eq(run->status, 0);
    cr_expect(strstr(run->out, "toy_flowers evaluate") && !strstr(run->out, " \n"), "%s", run->out);
    run = RUN(&toy_flowers, "fit", "--help");
    cr_expect_eq(run->status, 0);
    cr_expect(strstr(run->out, "--validation-split F"), "%s", run->out);
    cr_expect_not(strstr(run->out, "--steps N"), "an option of evaluate: %s", run->out);
}

Test(trainer_options, summary)
{
    const Run *run = RUN(&toy_flowers, "summary");
    cr_expect_eq(run->status, 0);
    cr_expect_str_eq(run->out, toy_flowers.summary);
}

Test(trainer_options, mistyped)
{
    write_flowers("", 20, 1);
    scratch_write("d", "damaged", 7);
    cr_expect_eq(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "d")->status, 0);
    scratch_write("program", "\177ELF and so on", 14);
    FAILS(&toy_flowers, "-o program: there is", "gradients", "--weights", "w", "x.npy", "y.npy", "-o", "program");
    int before = scratch_files();
    FAILS(&toy_flowers, "did you mean evaluate?", "evalute");
    FAILS(&toy_flowers, "did you mean fit?", "train");
    FAILS(&toy_flowers, "did you mean evaluate?", "test");
    FAILS(&toy_flowers, "fit has no option --learning-rate: the network's own compile(...) says that", "fit", "--learning-rate", "0.1");
    FAILS(&toy_flowers, "there are fit, evaluate", "xyz");
    FAILS(&toy_flowers, "did you mean --epochs?", "fit", "--epoch_s", "3");
    FAILS(&toy_flowers, "--epochs wants a value", "fit", "--epochs");
    FAILS(&toy_flowers, "fit has no option --steps", "fit", "--steps", "2");
    FAILS(&toy_flowers, "fit has no option -z", "fit", "-z");
    FAILS(&toy_flowers, "from 1 on, not '0'", "fit", "--epochs", "0");
    FAILS(&toy_flowers, "from 1 on, not '3x'", "fit", "--epochs", "3x");
    FAILS(&toy_flowers, "from 0 to 2, not '3'", "fit", "--verbose", "3");
    FAILS(&toy_flowers, "not '99999999999999999999'", "fit", "--epochs", "99999999999999999999");
    FAILS(&toy_flowers, "from 0 to below 1, not 'nan'", "fit", "--validation-split", "nan");
    FAILS(&toy_flowers, "true, false or batch", "fit", "--shuffle", "yes");
    FAILS(&toy_flowers, "not '-1'", "fit", "--seed", "-1");
    FAILS(&toy_flowers, "at most 8 samples", "fit", "--batch-size", "9");
    FAILS(&toy_flowers, "what is x.npy?", "fit", "x.npy");
    FAILS(&toy_flowers, "did you mean early_stopping?", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "early_stoping");
    FAILS(&toy_flowers, "wanted before", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "[early_stopping(patience=3]");
    FAILS(&toy_flowers,
          "no parameter patients",
          "fit",
          "--x",
          "x.npy",
          "--y",
          "y.npy",
          "--callbacks",
          "early_stopping(patients=3)");
    FAILS(&toy_flowers,
          "wants a whole number",
          "fit",
          "--x",
          "x.npy",
          "--y",
          "y.npy",
          "--callbacks",
          "early_stopping(patience=-1)");
    FAILS(&toy_flowers,
          "no val_accuracy_",
          "fit",
          "--x",
          "x.npy",
          "--y",
          "y.npy",
          "--callbacks",
          "early_stopping(val_accuracy_)");
    FAILS(&toy_flowers,
          "no loss_ for the path",
          "fit",
          "--x",
          "x.npy",
          "--y",
          "y.npy",
          "--callbacks",
          "model_checkpoint(\"{loss_}\")");
    FAILS(&toy_flowers, "wanted at the end", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "[early_stopping(");
    FAILS(&toy_flowers, "lacks a }", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "model_checkpoint(\"{loss\")");
    FAILS(&toy_flowers, "filename is missing", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger()");
    FAILS(&toy_flowers, "one character", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger(\"h\", separator=\"\")");
    FAILS(&toy_flowers, "one character", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger(\"h\", \"::\")");
    FAILS(&toy_flowers, "a value wanted", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger(\"h\\q\")");
    cr_expect_eq(scratch_files(), before, "a failed run leaves no file");
}

Test(trainer_options, places_are_checked_before_training)
{
    write_flowers("", 20, 1);
    int before = scratch_files();
    FAILS(&toy_flowers, "nowhere", "fit", "--x", "x.npy", "--y", "y.npy", "-o", "nowhere/w");
    FAILS(&toy_flowers, "nowhere", "fit", "--x", "x.npy", "--y", "y.npy", "--checkpoint", "nowhere/w");
    FAILS(&toy_flowers, "nowhere", "fit", "--x", "x.npy", "--y", "y.npy", "--history", "nowhere/w");
    FAILS(&toy_flowers, "nowhere", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "model_checkpoint(nowhere/w)");
    char long_name[400];
    memset(long_name, 'w', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    FAILS(&toy_flowers, "name is too long", "fit", "--x", "x.npy", "--y", "y.npy", "-o", long_name);
    FAILS(&toy_flowers, "this is a folder", "fit", "--x", "x.npy", "--y", "y.npy", "-o", ".");
    FAILS(&toy_flowers, "same file", "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w", "--checkpoint", "w");
    FAILS(&toy_flowers, "same file", "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w", "--history", "w");
    FAILS(&toy_flowers, "--history nowhere", "fit", "--x", "x.npy", "--y", "y.npy", "--history", "nowhere/w");
    FAILS(&toy_flowers, "/dev/stdout", "fit", "--x", "x.npy", "--y", "y.npy", "-o", "-");
    FAILS(&toy_flowers, "would replace", "fit", "--x", "x.npy", "--y", "y.npy", "-o", "./y.npy");
    FAILS(&toy_flowers, "would replace", "fit", "--x", "x.npy", "--y", "y.npy", "--history", "x.npy");
    FAILS(&toy_flowers, "needs --checkpoint", "fit", "--x", "x.npy", "--y", "y.npy", "--checkpoint-steps", "2");
    FAILS(&toy_flowers, "nothing to train", "fit", "--x", "x.npy", "--y", "y.npy", "--initial-epoch", "1");
    cr_expect_eq(scratch_files(), before);
}

/* A network's text, a program: files of other kinds are not replaced by results. Whatever else has the name is, as an earlier result. */
Test(trainer_options, results_replace_results_only)
{
    static const char text[] = "model precious\n";
    write_flowers("", 20, 1);
    scratch_write("m.net", text, sizeof text);
    scratch_write("w", "", 0);
    cr_expect_eq(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w", "--history", "h.csv")->status, 0);
    cr_expect_eq(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w", "--history", "h.csv", "--checkpoint", "c")->status, 0);
    cr_expect_eq(RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "a.npy")->status, 0);
    cr_expect_eq(RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "a.npy")->status, 0);
    int before = scratch_files();
    FAILS(&toy_flowers, "--output m.net: there is a file of another kind", "fit", "--x", "x.npy", "--y", "y.npy", "--output", "m.net");
    FAILS(&toy_flowers, "--checkpoint m.net", "fit", "--x", "x.npy", "--y", "y.npy", "--checkpoint", "m.net");
    FAILS(&toy_flowers, "which histories would replace", "fit", "--x", "x.npy", "--y", "y.npy", "--history", "m.net");
    FAILS(&toy_flowers, "model_checkpoint m.net", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "model_checkpoint(\"m.net\")");
    FAILS(&toy_flowers, "csv_logger m.net", "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger(\"m.net\")");
    FAILS(&toy_flowers, "which answers would replace", "predict", "--weights", "w", "x.npy", "-o", "m.net");
    FAILS(&toy_flowers, "of another kind", "gradients", "--weights", "w", "x.npy", "y.npy", "-o", "m.net");
    FAILS(&toy_flowers, "which pages would replace", "report", "--weights", "w", "-o", "m.net");
    FAILS(&toy_flowers, "written as .npy", "predict", "--weights", "w", "x.npy", "-o", "new.csv");
    char *after = file_text("m.net");
    cr_expect(after && !memcmp(after, text, sizeof text));
    free(after);
    cr_expect_eq(scratch_files(), before);
}

/* A cross-entropy of a target that is no share is computed all the same, but not in silence. */
Test(trainer_options, targets_that_are_no_shares)
{
    static float x[2 * 784], y[2 * 10];
    y[3] = y[10] = 1;
    write_array("x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){2, 784}, x);
    write_array("y.npy", ARRAY_FLOAT32, 2, (const int64_t[]){2, 10}, y);
    expect_success(RUN(&toy_digits, "fit", "--x", "x.npy", "--y", "y.npy"));
    y[12] = 2;
    write_array("y.npy", ARRAY_FLOAT32, 2, (const int64_t[]){2, 10}, y);
    const Run *run = RUN(&toy_digits, "fit", "--x", "x.npy", "--y", "y.npy");
    cr_expect(run->status == 0 && strstr(run->err, "y.npy holds 2 in sample 1, but categorical_crossentropy is for targets from 0 to 1"), "%s", run->err);
}

Test(trainer_options, wrong_data)
{
    write_flowers("", 20, 1);
    write_flowers("short-", 19, 1);
    int before = scratch_files();
    FAILS(&toy_flowers, "which data?", "fit");
    FAILS(&toy_flowers, "no such folder", "fit", "--data", "nowhere");
    FAILS(&toy_flowers, "train-images-idx3-ubyte", "fit", "--data", ".");
    FAILS(&toy_flowers, "--y FILE is missing", "fit", "--x", "x.npy");
    FAILS(&toy_flowers, "--y needs --x", "fit", "--y", "y.npy");
    FAILS(&toy_flowers, "short-y.npy has 19 samples, but x.npy has 20", "fit", "--x", "x.npy", "--y", "short-y.npy");
    FAILS(&toy_flowers, "takes samples of shape (4,)", "fit", "--x", "y.npy", "--y", "y.npy");
    FAILS(&toy_flowers, "class numbers", "fit", "--x", "x.npy", "--y", "x.npy");
    FAILS(&toy_flowers, "only input is named input", "fit", "--x", "inputs=x.npy", "--y", "y.npy");
    FAILS(&toy_flowers, "./rate=0.1/x.npy", "fit", "--x", "rate=0.1/x.npy", "--y", "y.npy");
    FAILS(&toy_flowers, "two files", "fit", "--x", "x.npy", "--x", "x.npy", "--y", "y.npy");
    FAILS(&toy_flowers,
          "leaves no sample to validate on",
          "fit",
          "--x",
          "x.npy",
          "--y",
          "y.npy",
          "--validation-split",
          "0.000000000000000000001");
    FAILS(&toy_flowers, "one weight each", "fit", "--x", "x.npy", "--y", "y.npy", "--sample-weight", "short-y.npy");
    FAILS(&toy_flowers, "there is no class 3", "fit", "--x", "x.npy", "--y", "y.npy", "--class-weight", "{0: 2, 3: 1}");
    static const char *const callbacks[][2] = {
        {"early_stopping(patience=3, patience=4)", "early_stopping: patience is given twice"},
        {"early_stopping(loss, monitor=loss)", "early_stopping: monitor is given twice"},
        {"early_stopping(patience=3, loss)", "early_stopping: 'loss' stands behind a named argument"},
        {"early_stopping(patience=-1)", "early_stopping: patience wants a whole number from 0 on, not '-1'"},
        {"csv_logger(\"\")", "csv_logger: the name of the file is empty"},
        {"terminate_on_nan(true, false)", "terminate_on_nan takes no more than 1 arguments"},
    };
    for (size_t i = 0; i < sizeof callbacks / sizeof *callbacks; i++)
        FAILS(&toy_flowers, callbacks[i][1], "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", callbacks[i][0]);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "[early_stopping(loss, patience=3), reduce_lr_on_plateau(loss, patience=1)]");
    cr_expect_eq(run->status, 0, "each callback has arguments of its own: %s", run->err);
    FAILS(&toy_flowers, "class_weight wants", "fit", "--x", "x.npy", "--y", "y.npy", "--class-weight", "{0: 2");

    uint8_t labels[20] = {[5] = 3};
    write_array("bad.npy", ARRAY_UINT8, 1, (const int64_t[]){20}, labels);
    FAILS(&toy_flowers, "label 3 at index 5 of bad.npy: the network has 3 classes, counted from 0", "fit", "--x", "x.npy", "--y", "bad.npy");
    float halves[20] = {[2] = 0.5F};
    write_array("bad.npy", ARRAY_FLOAT32, 1, (const int64_t[]){20}, halves);
    FAILS(&toy_flowers, "label 0.5 at index 2", "fit", "--x", "x.npy", "--y", "bad.npy");
    float rows[20][3] = {{0, 0, 1}, {0.5F, 0.5F, 0}};
    write_array("bad.npy", ARRAY_FLOAT32, 2, (const int64_t[]){20, 3}, rows);
    FAILS(&toy_flowers, "row 1 of bad.npy is not one-hot", "fit", "--x", "x.npy", "--y", "bad.npy");
    cr_expect_eq(scratch_files(), before + 1);
}
