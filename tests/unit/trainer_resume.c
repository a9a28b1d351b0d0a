/* Checkpoints: a training that is cut off anywhere and resumed ends in the same bits as one that is not. */
#include "drive.h"
#include "patience.h"
#include "toy.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

TestSuite(trainer_resume, .init = drive_begin, .fini = drive_end);

static const char CALLBACKS[] = "[early_stopping(val_loss, patience=1, restore_best_weights=true), csv_logger(history.csv),"
                                " model_checkpoint(best, monitor=val_accuracy, save_best_only=true)]";
static const char *callbacks = CALLBACKS;
enum { SAMPLES = 50, STEPS = 5 * 3 }; /* 40 to train on: 5 steps of 8, in 3 epochs */

static uint64_t fatal_step;
static int fatal_signal, fatal_times = 1;

/* The step during which a signal arrives. */
static float interrupted_step(void *weights, void *slots, const void *const *inputs, const void *const *targets,
                              const float *sample_weights, size_t n, const CnncStep *step, float *losses, float *const *outputs,
                       void *arena)
{
    for (int i = 0; i < fatal_times && step->step == fatal_step; i++) raise(fatal_signal);
    return toy_flowers.train_step(weights, slots, inputs, targets, sample_weights, n, step, losses, outputs, arena);
}

static const Run *train(const CnncModel *model, const char *const *more)
{
    const char *arguments[32] = {"fit",
                                 "--x",
                                 "x.npy",
                                 "--y",
                                 "y.npy",
                                 "--validation-split",
                                 "0.2",
                                 "--epochs",
                                 "3",
                                 "--seed",
                                 "5",
                                 "--callbacks",
                                 callbacks};
    int count = 13;
    for (; *more; more++) arguments[count++] = *more;
    return run_model(model, arguments);
}
#define TRAIN(model, ...) train(model, (const char *const[]){__VA_ARGS__, NULL})

/* Runs to the end once, then cuts a second run off at each step and resumes it. */
static void cut_everywhere(int signal, const char *const *flags, int status)
{
    CnncModel model = toy_flowers;
    model.train_step = interrupted_step;
    write_flowers("", SAMPLES, 3);
    fatal_step = UINT64_MAX;
    const Run *run = TRAIN(&model, "-o", "whole");
    cr_assert_eq(run->status, 0, "%s", run->err);
    rename("history.csv", "whole.csv");
    rename("best", "whole-best");
    int resumed = 0;
    for (uint64_t step = 1; step < STEPS; step++) {
        fatal_step = step;
        fatal_signal = signal;
        remove("checkpoint");
        remove("cut");
        run = TRAIN(&model, "--checkpoint", "checkpoint", flags[0], flags[1]);
        if (run->status == 0) continue; /* early_stopping came first */
        cr_assert_eq(run->status, status, "step %d: %d %s", (int)step, run->status, run->err);
        fatal_step = UINT64_MAX;
        run = TRAIN(&model, "--resume", "checkpoint", "-o", "cut");
        cr_assert_eq(run->status, 0, "step %d: %s", (int)step, run->err);
        cr_expect(files_equal("cut", "whole"), "step %d: other weights", (int)step);
        cr_expect(files_equal("history.csv", "whole.csv"), "step %d: another history", (int)step);
        cr_expect(files_equal("best", "whole-best"), "step %d: another best", (int)step);
        resumed++;
    }
    cr_expect(resumed >= 9, "only %d runs were cut off", resumed);
}

Test(trainer_resume, after_ctrl_c)
{
    cut_everywhere(SIGINT, (const char *const[]){"--verbose", "0"}, 130);
}

Test(trainer_resume, after_a_kill)
{
    cut_everywhere(SIGKILL, (const char *const[]){"--checkpoint-steps", "1"}, 1000 + SIGKILL);
}

/* A second one ends at once, in the middle of a step. */
Test(trainer_resume, after_ctrl_c_twice)
{
    fatal_times = 2;
    cut_everywhere(SIGINT, (const char *const[]){"--checkpoint-steps", "1"}, 1000 + SIGINT);
}

/* Cuts runs off whose learning rate changes, and finds it in the history: 0.05, then these. */
static void cut_with(const char *list, double second, double third)
{
    callbacks = list;
    cut_everywhere(SIGKILL, (const char *const[]){"--checkpoint-steps", "1"}, 1000 + SIGKILL);
    char *text = file_text("whole.csv");
    double rates[3];
    cr_assert_eq(sscanf(text, "%*s 0,%*f,%lf,%*s 1,%*f,%lf,%*s 2,%*f,%lf", &rates[0], &rates[1], &rates[2]), 3, "%s", text);
    EXPECT_NEAR(rates[0], 0.05, 1e-8);
    EXPECT_NEAR(rates[1], second, 1e-8);
    EXPECT_NEAR(rates[2], third, 1e-8);
    free(text);
}

Test(trainer_resume, with_reduce_lr_on_plateau)
{
    cut_with("[reduce_lr_on_plateau(loss, 0.5, patience=1, mode=max, cooldown=1), csv_logger(history.csv), model_checkpoint(best, save_freq=4)]",
             0.05,
             0.025);
}

Test(trainer_resume, with_learning_rate_scheduler)
{
    cut_with("[learning_rate_scheduler({1: 0.04, 2: 0.01}), csv_logger(history.csv), model_checkpoint(best, save_freq=4)]", 0.04, 0.01);
}

Test(trainer_resume, ctrl_c_says_how_to_go_on)
{
    CnncModel model = toy_flowers;
    model.train_step = interrupted_step;
    write_flowers("", SAMPLES, 3);
    fatal_step = 2;
    fatal_signal = SIGINT;
    const Run *run = TRAIN(&model, "--checkpoint", "checkpoint");
    cr_expect_eq(run->status, 130);
    cr_expect(strstr(run->err, "interrupted in epoch 1 after 3 steps"), "%s", run->err);
    cr_expect(strstr(run->err, "--resume checkpoint"), "%s", run->err);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--validation-split", "0.2", "--resume", "checkpoint");
    cr_expect_eq(run->status, 0, "%s", run->err);
    cr_expect(strstr(run->out, "Epoch 3/3"), "the number of epochs is the checkpoint's: %s", run->out);
    run = TRAIN(&model, "-o", "w");
    cr_expect_eq(run->status, 130);
    cr_expect(strstr(run->err, "--weights w"), "%s", run->err);
    run = TRAIN(&model, "--verbose", "0");
    cr_expect_eq(run->status, 130);
    cr_expect(strstr(run->err, "nothing was saved"), "%s", run->err);
}

Test(trainer_resume, with_more_epochs)
{
    write_flowers("", SAMPLES, 3);
    cr_assert_eq(
        RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "5", "-o", "five", "--history", "five.csv")
            ->status,
        0);
    cr_assert_eq(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--checkpoint", "c")->status, 0);
    cr_assert_eq(RUN(&toy_flowers,
                     "fit",
                     "--x",
                     "x.npy",
                     "--y",
                     "y.npy",
                     "--epochs",
                     "5",
                     "--resume",
                     "c",
                     "-o",
                     "more",
                     "--history",
                     "more.csv")
                     ->status,
                 0);
    cr_expect(files_equal("five", "more"));
    cr_expect(files_equal("five.csv", "more.csv"));
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--resume", "c");
    cr_expect_eq(run->status, 0);
    cr_expect(strstr(run->out, "c has 2 epochs behind it"), "%s", run->out);
}

/* Ended by a callback, a training stays ended, unless more epochs are asked for than then. */
Test(trainer_resume, after_early_stopping)
{
    static const char STOPPING[] =
        "early_stopping(loss, mode=max, patience=1, restore_best_weights=true)"; /* the loss falls: it stops in epoch 2 */
    write_flowers("", SAMPLES, 3);
    cr_assert_eq(RUN(&toy_flowers,
                     "fit",
                     "--x",
                     "x.npy",
                     "--y",
                     "y.npy",
                     "--epochs",
                     "9",
                     "--callbacks",
                     STOPPING,
                     "--checkpoint",
                     "c",
                     "-o",
                     "a")
                     ->status,
                 0);
    const Run *run = RUN(&toy_flowers,
                         "fit",
                         "--x",
                         "x.npy",
                         "--y",
                         "y.npy",
                         "--epochs",
                         "9",
                         "--callbacks",
                         STOPPING,
                         "--resume",
                         "c",
                         "-o",
                         "b");
    cr_expect_eq(run->status, 0);
    cr_expect_not(strstr(run->out, "Epoch "), "%s", run->out);
    cr_expect(strstr(run->out, "c has 2 epochs behind it and was ended by a callback"), "%s", run->out);
    cr_expect(files_equal("a", "b"));
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "10", "--callbacks", "none", "--resume", "c");
    cr_expect(strstr(run->out, "Epoch 3/10") && strstr(run->out, "Epoch 10/10"), "%s", run->out);
}

Test(trainer_resume, weights_of_a_checkpoint)
{
    write_flowers("", SAMPLES, 3);
    cr_assert_eq(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--checkpoint", "c", "-o", "w")->status, 0);
    cr_assert_eq(RUN(&toy_flowers, "predict", "--weights", "c", "x.npy", "-o", "a.npy")->status, 0);
    cr_assert_eq(RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "b.npy")->status, 0);
    cr_expect(files_equal("a.npy", "b.npy"));
}

Test(trainer_resume, what_does_not_fit_is_refused)
{
    CnncModel other = toy_flowers;
    other.hash = "0e0e";
    write_flowers("", SAMPLES, 3);
    write_flowers("other-", SAMPLES + 1, 3);
    cr_assert_eq(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--checkpoint", "c", "-o", "w")->status, 0);
    int before = scratch_files();
    const struct {
        const CnncModel *model;
        const char *x, *y, *file, *flag, *value, *message;
    } cases[] = {
        {&other, "x.npy", "y.npy", "c", "--epochs", "2", "of another network"},
        {&toy_flowers, "other-x.npy", "other-y.npy", "c", "--epochs", "2", "on 50 samples, but these are 51"},
        {&toy_flowers, "x.npy", "y.npy", "w", "--epochs", "2", "w is no checkpoint"},
        {&toy_flowers, "x.npy", "y.npy", "x.npy", "--epochs", "2", "x.npy"},
        {&toy_flowers, "x.npy", "y.npy", "nothing", "--epochs", "2", "nothing"},
        {&toy_flowers, "x.npy", "y.npy", "c", "--seed", "1", "--seed differs"},
        {&toy_flowers, "x.npy", "y.npy", "c", "--batch-size", "4", "--batch-size differs"},
        {&toy_flowers, "x.npy", "y.npy", "c", "--shuffle", "false", "--shuffle differs"},
        {&toy_flowers, "x.npy", "y.npy", "c", "--initial-epoch", "1", "leave --initial-epoch out"},
        {&toy_flowers, "x.npy", "y.npy", "c", "--weights", "w", "exclude one another"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Run *run = RUN(cases[i].model,
                             "fit",
                             "--x",
                             cases[i].x,
                             "--y",
                             cases[i].y,
                             "--resume",
                             cases[i].file,
                             cases[i].flag,
                             cases[i].value);
        cr_expect_eq(run->status, 1, "case %zu", i);
        cr_expect(strstr(run->err, cases[i].message), "case %zu: %s", i, run->err);
    }
    cr_expect_eq(scratch_files(), before);
}

/* Every byte of a checkpoint, changed: the resumed run fails with a message, or ends as it would have. */
Test(trainer_resume, damaged_checkpoints, .timeout = 400 * PATIENCE)
{
    write_flowers("", 16, 3);
    cr_assert_eq(
        RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "1", "--checkpoint", "c", "--verbose", "0")
            ->status,
        0);
    cr_assert_eq(RUN(&toy_flowers,
                     "fit",
                     "--x",
                     "x.npy",
                     "--y",
                     "y.npy",
                     "--epochs",
                     "2",
                     "--resume",
                     "c",
                     "-o",
                     "right",
                     "--verbose",
                     "0")
                     ->status,
                 0);
    FILE *file = fopen("c", "rb");
    static unsigned char bytes[65536];
    cr_assert_not_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    cr_assert(size > 500 && size < sizeof bytes);
    int refused = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char right = bytes[i];
        bytes[i] = (unsigned char)(right ^ (1u << i % 8));
        file = fopen("damaged", "wb");
        cr_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
        bytes[i] = right;
        remove("out");
        const Run *run = RUN(&toy_flowers,
                             "fit",
                             "--x",
                             "x.npy",
                             "--y",
                             "y.npy",
                             "--epochs",
                             "2",
                             "--resume",
                             "damaged",
                             "-o",
                             "out",
                             "--verbose",
                             "0");
        bool harmless = run->status == 0 && files_equal("out", "right");
        bool detected = run->status == 1 && strstr(run->err, "damaged") && !file_text("out");
        cr_expect(harmless || detected, "byte %zu of %zu: status %d, %s", i, size, run->status, run->err);
        refused += detected;
    }
    cr_expect(refused > (int)size / 2, "%d of %zu damages were detected", refused, size);
}
