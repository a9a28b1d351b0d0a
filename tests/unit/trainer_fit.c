/* fit of small networks, from outside. */
#include "drive.h"
#include "toy.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(trainer_fit, .init = drive_begin, .fini = drive_end);

Test(trainer_fit, learns)
{
    write_flowers("", 100, 1);
    write_flowers("test-", 50, 9);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "20", "-o", "w.safetensors"));
    const Run *run = RUN(&toy_flowers, "evaluate", "--weights", "w.safetensors", "--x", "test-x.npy", "--y", "test-y.npy");
    expect_success(run);
    cr_expect(figure(run->out, "accuracy") >= 0.95, "%s", run->out);
    cr_expect(figure(run->out, "loss") < 0.4, "%s", run->out);
    cr_expect_not(strstr(run->out, "test accuracy"), "that line is for a data folder's test set");
}

Test(trainer_fit, the_same_seed_gives_the_same_weights)
{
    write_flowers("", 100, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "-o", "a", "--seed", "7"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "-o", "b", "--seed", "7"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "-o", "c", "--seed", "8"));
    cr_expect(files_equal("a", "b"));
    cr_expect_not(files_equal("a", "c"));
}

Test(trainer_fit, history_as_keras_writes_it)
{
    write_flowers("", 60, 1);
    expect_success(RUN(&toy_flowers,
                       "fit",
                       "--x",
                       "x.npy",
                       "--y",
                       "y.npy",
                       "--epochs",
                       "2",
                       "--history",
                       "h.csv",
                       "--validation-split",
                       "0.25"));
    char *text = file_text("h.csv");
    cr_assert_not_null(text);
    cr_expect_eq(strncmp(text, "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.", 46), 0, "%s", text);
    cr_expect_not_null(strstr(text, "\n1,0."));
    free(text);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--history", "h.csv"));
    text = file_text("h.csv");
    cr_expect_eq(strncmp(text, "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.", 46), 0, "%s", text);
    cr_expect(strstr(text, ",NA,NA\n"), "without validation data: %s", text);
    free(text);
}

Test(trainer_fit, csv_logger_appends)
{
    write_flowers("", 60, 1);
    for (int i = 0; i < 2; i++) {
        expect_success(
            RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger(h.csv, \";\", append=true)"));
    }
    char *text = file_text("h.csv");
    cr_expect_eq(strncmp(text, "epoch;accuracy;loss;val_accuracy;val_loss\n0;0.", 46), 0, "%s", text);
    const char *second = strstr(text, "\n0;0.");
    cr_expect(strstr(second + 1, "\n0;0."), "two rows: %s", text);
    cr_expect_not(strstr(text + 1, "epoch"), "one header: %s", text);
    free(text);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger(\"a\\\"b\", \"\\t\")"));
    text = file_text("a\"b");
    cr_expect_eq(strncmp(text, "epoch\taccuracy\t", 15), 0, "escapes, as in a .net file: %s", text);
    free(text);
}

Test(trainer_fit, the_split_takes_the_last_samples)
{
    write_flowers("", 40, 1);
    Failure failure;
    Array x = {0}, y = {0};
    cr_assert(npy_read("x.npy", &x, &failure) && npy_read("y.npy", &y, &failure), "%s", failure.text);
    write_array("last-x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){13, 4}, (const float *)x.data + 27 * 4);
    write_array("last-y.npy", ARRAY_UINT8, 1, (const int64_t[]){13}, (const uint8_t *)y.data + 27);
    write_array("first-x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){27, 4}, x.data);
    write_array("first-y.npy", ARRAY_UINT8, 1, (const int64_t[]){27}, y.data);
    array_free(&x);
    array_free(&y);
    /* floor(40 * (1 - 0.3125)) = 27 to train on. */
    expect_success(RUN(
        &toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--validation-split", "0.3125", "--history", "a.csv", "-o", "a"));
    expect_success(RUN(&toy_flowers,
                       "fit",
                       "--x",
                       "first-x.npy",
                       "--y",
                       "first-y.npy",
                       "--validation-x",
                       "last-x.npy",
                       "--validation-y",
                       "last-y.npy",
                       "--history",
                       "b.csv",
                       "-o",
                       "b"));
    cr_expect(files_equal("a", "b"));
    cr_expect(files_equal("a.csv", "b.csv"));
    const Run *run = RUN(&toy_flowers, "evaluate", "--weights", "a", "--x", "last-x.npy", "--y", "last-y.npy");
    char *text = file_text("a.csv");
    double loss = strtod(strrchr(text, ',') + 1, NULL);
    EXPECT_NEAR(figure(run->out, "loss"), loss, 1e-5 * loss);
    free(text);
}

Test(trainer_fit, verbosity)
{
    write_flowers("", 20, 1);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--verbose", "0");
    expect_success(run);
    cr_expect_str_empty(run->out);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2");
    expect_success(run);
    cr_expect(strstr(run->out, "\nEpoch 1/2 - 3/3 - 0s - "), "%s", run->out);
    cr_expect(strstr(run->out, "/step - accuracy: 0."), "%s", run->out);
    cr_expect_not(strpbrk(run->out, "\r\033\b"), "no control characters in a pipe");
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--verbose", "2");
    cr_expect(strstr(run->out, "\nEpoch 2/2\n3/3 - 0s - "), "%s", run->out);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--verbose", "auto");
    cr_expect(strstr(run->out, "\nEpoch 1/2 - 3/3 - 0s - "), "%s", run->out);
}

/* Who forgets to say where the weights go is told so before the training, not after it. */
Test(trainer_fit, weights_that_will_be_lost)
{
    static const char note[] = "note: the trained weights will not be kept; --output weights.safetensors writes them";
    static const char *const keeping[][2] = {{"-o", "w"}, {"--checkpoint", "c"}, {"--callbacks", "model_checkpoint(w)"}};
    write_flowers("", 20, 1);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "early_stopping(loss)");
    expect_success(run);
    const char *said = strstr(run->out, note);
    cr_expect(said && said < strstr(run->out, "Epoch 1/1"), "%s", run->out);
    for (size_t i = 0; i < sizeof keeping / sizeof *keeping; i++) {
        run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", keeping[i][0], keeping[i][1]);
        expect_success(run);
        cr_expect_not(strstr(run->out, "note:"), "%s", run->out);
    }
}

Test(trainer_fit, steps_per_epoch_goes_on_where_the_last_epoch_ended)
{
    write_flowers("", 32, 1);
    /* 4 batches: 2 epochs of 2 steps are once through the data, as one epoch of 4 is. */
    expect_success(
        RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--steps-per-epoch", "2", "--epochs", "2", "-o", "a"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "b"));
    cr_expect(files_equal("a", "b"));
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--steps-per-epoch", "6");
    cr_expect_eq(run->status, 0);
    cr_expect(strstr(run->err, "the data ran out after 4 of 6 steps of epoch 1"), "%s", run->err);
}

Test(trainer_fit, weights_of_samples_and_classes)
{
    write_flowers("", 8, 4);
    Failure failure;
    Array y = {0};
    cr_assert(npy_read("y.npy", &y, &failure), "%s", failure.text);
    float weights[8];
    for (int i = 0; i < 8; i++) weights[i] = ((uint8_t *)y.data)[i] == 1 ? 2.5F : 1;
    write_array("w.npy", ARRAY_FLOAT32, 1, (const int64_t[]){8}, weights);
    array_free(&y);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "a", "--sample-weight", "w.npy"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "b", "--class-weight", "{1: 2.5}"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "c"));
    cr_expect(files_equal("a", "b"));
    cr_expect_not(files_equal("a", "c"));
}

Test(trainer_fit, one_hot_rows_are_class_numbers)
{
    write_flowers("", 30, 4);
    Failure failure;
    Array y = {0};
    cr_assert(npy_read("y.npy", &y, &failure), "%s", failure.text);
    double rows[30][3] = {{0}};
    for (int i = 0; i < 30; i++) rows[i][((uint8_t *)y.data)[i]] = 1;
    write_array("rows.npy", ARRAY_FLOAT64, 2, (const int64_t[]){30, 3}, rows);
    array_free(&y);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "a"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "rows.npy", "-o", "b"));
    cr_expect(files_equal("a", "b"));
}

Test(trainer_fit, a_loss_that_is_not_a_number)
{
    CnncModel wild = toy_flowers;
    wild.learning_rate = 1e38F;
    write_flowers("", 100, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "kept"));
    const Run *run =
        RUN(&wild, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "3", "-o", "w", "--callbacks", "terminate_on_nan()");
    cr_expect_eq(run->status, 1);
    cr_expect(strstr(run->out, ": Invalid loss, terminating training\n"), "%s", run->out);
    cr_expect_not(strstr(run->out, "Epoch 2/3"), "%s", run->out);
    cr_expect(strstr(run->err, "w was not written"), "%s", run->err);
    cr_expect(files_equal("w", "kept"), "the weights of the earlier run are intact");
    run = RUN(&wild, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "3");
    cr_expect_eq(run->status, 0, "without terminate_on_nan the training goes on");
    cr_expect(strstr(run->out, " - loss: nan"), "%s", run->out);
    run = RUN(&wild, "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "model_checkpoint(w)");
    cr_expect(strstr(run->err, "warning: dense/kernel holds values that are not finite: w was not written"), "%s", run->err);
    cr_expect(files_equal("w", "kept"));
    run = RUN(&wild, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "3");
    cr_expect(strstr(run->out, "Epoch 3/3"), "%s", run->out);
}

Test(trainer_fit, model_checkpoint_names_and_best)
{
    write_flowers("", 60, 1);
    const Run *run = RUN(&toy_flowers,
                         "fit",
                         "--x",
                         "x.npy",
                         "--y",
                         "y.npy",
                         "--epochs",
                         "3",
                         "--validation-split",
                         "0.2",
                         "-o",
                         "last",
                         "--callbacks",
                         "[model_checkpoint(\"e{epoch:02d}{{}}-{val_loss:.2f}.st\", verbose=1, save_weights_only=true), model_checkpoint(best, "
                         "monitor=val_loss, save_best_only=true, verbose=1, save_weights_only=true), model_checkpoint(whole)]");
    expect_success(run);
    cr_expect(strstr(run->out, "Epoch 1: saving model to e01{}-"), "%s", run->out);
    cr_expect(strstr(run->out, "Epoch 1: val_loss improved from None to "), "%s", run->out);
    cr_expect(strstr(run->out, "Epoch 3: val_loss improved from "), "%s", run->out);
    cr_expect(files_equal("best", "last"));
    const char *name = strstr(run->out, "e03{}-");
    char path[32] = "";
    cr_assert_not_null(name);
    memcpy(path, name, strcspn(name, "\n"));
    cr_expect(files_equal(path, "last"), "%s", path);
    const char *finished = strstr(run->out, "Epoch 3: finished saving model to e03{}-");
    cr_expect(finished && finished > name, "%s", run->out);
    /* A whole state: its weights are the last ones, and training goes on from it as if it had not stopped. */
    expect_success(RUN(&toy_flowers, "predict", "--weights", "whole", "x.npy", "-o", "a.npy"));
    expect_success(RUN(&toy_flowers, "predict", "--weights", "last", "x.npy", "-o", "b.npy"));
    cr_expect(files_equal("a.npy", "b.npy"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--validation-split", "0.2", "--epochs", "5", "--resume", "whole", "-o", "a"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--validation-split", "0.2", "--epochs", "5", "-o", "b"));
    cr_expect(files_equal("a", "b"));
}

/* From a file written in the middle of an epoch too. */
Test(trainer_fit, model_checkpoint_between_steps)
{
    write_flowers("", 60, 1);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "-o", "b", "--callbacks",
                         "model_checkpoint(\"{epoch}-{batch}-{loss:.1f}\", save_freq=5, verbose=1)");
    expect_success(run);
    const char *name = strstr(run->out, "finished saving model to 2-2-"); /* 8 batches an epoch: after 5, 10, 15 */
    char path[32] = "";
    cr_assert(name, "%s", run->out);
    name = strstr(name, "2-2-");
    memcpy(path, name, strcspn(name, "\n"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--resume", path, "-o", "a"));
    cr_expect(files_equal("a", "b"));
}

Test(trainer_fit, model_checkpoint_has_to_better_a_threshold)
{
    write_flowers("", 60, 1);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks",
                         "model_checkpoint(w, loss, save_best_only=true, verbose=1, initial_value_threshold=0.001)");
    expect_success(run);
    cr_expect(strstr(run->out, "Epoch 1: loss did not improve from 0.00100\n"), "%s", run->out);
    cr_expect_null(file_text("w"));
}

/* ---- a terminal -------------------------------------------------------------------------------------------------- */

/* A step that takes long enough for the bar to be redrawn during an epoch. */
static float slow_step(void *weights, void *slots, const void *const *inputs, const void *const *targets,
                       const float *sample_weights, size_t n, const CnncStep *step, float *losses, float *const *outputs,
                       void *arena)
{
    usleep(3000);
    return toy_flowers.train_step(weights, slots, inputs, targets, sample_weights, n, step, losses, outputs, arena);
}

/* Runs fit with its output on a terminal of so many columns; returns what arrived there. */
static const char *run_on_terminal(unsigned short columns)
{
    static char text[1 << 17];
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    int terminal;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    cr_assert(child >= 0);
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        char *argv[] = {
            "toy_flowers", "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--validation-split", "0.1", NULL};
        CnncModel slow = toy_flowers;
        slow.train_step = slow_step;
        drive_exit(cnnc_main(&slow, 10, argv));
    }
    size_t length = 0;
    ssize_t got;
    while (length < sizeof text - 1 && (got = read(terminal, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(terminal);
    return text;
}

/* The columns that the longest unfinished line took: colour codes take none, a character of several bytes takes one. */
static int widest_unfinished(const char *text)
{
    int widest = 0, columns = 0;
    for (; *text; text++) {
        if (*text == '\033') {
            text += strcspn(text, "mK");
        } else if (*text == '\r') {
            if (text[1] != '\n' && columns > widest) widest = columns;
            columns = 0;
        } else if (*text == '\n') {
            columns = 0;
        } else {
            columns += (*text & 0xc0) != 0x80;
        }
    }
    return widest;
}

Test(trainer_fit, the_bar_on_a_terminal)
{
    write_flowers("", 400, 1);
    unsetenv("NO_COLOR");
    const char *text = run_on_terminal(200);
    cr_expect(strstr(text, "Epoch 2/2\r\n"), "%s", text);
    cr_expect(strstr(text, "\r\033[K"), "drawn over itself");
    cr_expect(strstr(text, "\033[32m━"), "in colour");
    cr_expect(strstr(text, " left, "), "with the time that remains");
    cr_expect(strstr(text, " - val_loss: 0."), "%s", text);
    int free_width = widest_unfinished(text);
    cr_expect(free_width > 60 && free_width < 200, "%d", free_width);
    text = run_on_terminal(50);
    cr_expect(widest_unfinished(text) < 50, "%d columns of 50", widest_unfinished(text));
    setenv("NO_COLOR", "1", 1);
    text = run_on_terminal(200);
    cr_expect_not(strstr(text, "\033[32m"), "no colour where NO_COLOR is set");
    cr_expect(strstr(text, "━"));
}

/* ---- disks that are full ------------------------------------------------------------------------------------------ */

Test(trainer_fit, what_cannot_be_written)
{
    write_flowers("", 20, 1);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "/dev/full");
    cr_expect(run->status == 1 && strstr(run->err, "/dev/full"), "%s", run->err);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--history", "/dev/full", "--checkpoint", "c");
    cr_expect(run->status == 1 && strstr(run->err, "/dev/full"), "%s", run->err);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--resume", "c", "-o", "w");
    cr_expect_eq(run->status, 0, "the epoch before the failure is not lost: %s", run->err);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "9", "--history", "/dev/full", "-o", "reached");
    cr_expect(run->status == 1 && strstr(run->err, "/dev/full"), "%s", run->err);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "one");
    cr_expect(run->status == 0 && files_equal("reached", "one"), "the weights of the epoch before the failure are written: %s", run->err);
    run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "/dev/full");
    cr_expect(run->status == 1 && strstr(run->err, "/dev/full"), "%s", run->err);
}
