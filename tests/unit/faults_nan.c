/* Numbers that are not finite: training says in which batch they came up, and where from. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime.h"

static const char net[] = "model bad\n"
                          "input(4)\n"
                          "dense(8, activation=relu)\n"
                          "wide = dense(8, activation=exponential)\n"
                          "dropout(0.2)\n"
                          "dense(3, activation=softmax)\n"
                          "compile(optimizer=adam(learning_rate=0.1), loss=categorical_crossentropy, metrics=[accuracy])\n"
                          "fit(batch_size=8, epochs=2, shuffle=false)\n";

enum { SAMPLES = 40, FEATURES = 4, BAD = 20 }; /* in batch 2 */

static void write_npy(const char *path, ArrayType type, int rank, const int64_t *shape, const void *data)
{
    Failure failure;
    Array array;
    cr_assert(array_new(&array, type, rank, shape, &failure), "%s", failure.text);
    memcpy(array.data, data, (size_t)array_count(&array) * array_item_size(type));
    cr_assert(npy_write(path, &array, &failure), "%s", failure.text);
    array_free(&array);
}

/* Samples of which one holds this number. */
static void write_samples(const char *path, float number)
{
    float x[SAMPLES][FEATURES];
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < FEATURES; k++) x[i][k] = (float)((i * 7 + k * 3) % 11) / 11;
    x[BAD][1] = number;
    write_npy(path, ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, FEATURES}, x);
}

static void begin(void)
{
    shell_enter();
    shell_file("bad.net", net);
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" --target=generic bad.net -o bad");
    uint8_t y[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) y[i] = (uint8_t)(i % 3);
    write_npy("y.npy", ARRAY_UINT8, 1, (const int64_t[]){SAMPLES}, y);
    write_samples("good.npy", 0);
    write_samples("huge.npy", 1e6F);
    write_samples("nan.npy", NAN);
    write_samples("inf.npy", INFINITY);
}

TestSuite(faults_nan, .init = begin, .fini = shell_leave, .timeout = 120 * PATIENCE);

static int count_of(const char *text, const char *word)
{
    int count = 0;
    for (; (text = strstr(text, word)); text++) count++;
    return count;
}

/* One warning that says batch, layer or file, and sample; then the training goes on, as Keras's does. */
Test(faults_nan, is_reported_with_batch_and_origin)
{
    static const struct { const char *file, *origin; } cases[] = {
        {"huge", "is not finite: layer wide is the first that gives inf, for sample 20"},
        {"nan", "is not finite: nan.npy holds nan in sample 20"},
        {"inf", "is not finite: inf.npy holds inf in sample 20"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Shell *ended = shell("./bad fit --x %s.npy --y y.npy --verbose 2", cases[i].file);
        cr_expect_eq(ended->status, 0, "%s", ended->err);
        cr_expect(strstr(ended->err, "warning: the loss of batch 2 of epoch 1 ") && strstr(ended->err, cases[i].origin), "%s", ended->err);
        cr_expect_eq(count_of(ended->err, "the loss of batch"), 1, "once: %s", ended->err);
        cr_expect_eq(count_of(ended->out, "loss: nan"), 2, "in both epochs: %s", ended->out);
    }
    const Shell *ended = shell("./bad fit --x good.npy --y y.npy");
    cr_expect(ended->status == 0 && !*ended->err, "%s", ended->err);
}

/* Weights that a step spoils, though its loss is finite, are found in the next one. */
Test(faults_nan, of_the_step_before)
{
    shell_file("wild.net", "model wild\ninput(4)\nline = dense(1)\ncompile(optimizer=sgd(learning_rate=1e30), loss=mean_squared_error)\nfit(batch_size=8, shuffle=false)\n");
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" --target=generic wild.net -o wild");
    float x[SAMPLES][FEATURES] = {0}, y[SAMPLES] = {0};
    x[BAD][1] = 1e10F; /* nothing to learn but from this sample */
    write_npy("far.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, FEATURES}, x);
    write_npy("zeros.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, y);
    const Shell *ended = shell("./wild fit --x far.npy --y zeros.npy");
    cr_expect(strstr(ended->err, "batch 3 of epoch 1 is not finite: the step before it made line/kernel not finite; a smaller learning_rate"), "%s", ended->err);
}

Test(faults_nan, terminate_on_nan)
{
    const Shell *ended = shell("./bad fit --x huge.npy --y y.npy --callbacks '[terminate_on_nan()]'");
    cr_expect_eq(ended->status, 0, "%s", ended->err);
    cr_expect(strstr(ended->out, "Batch 2: Invalid loss, terminating training\n") && !strstr(ended->out, "Epoch 2"), "%s", ended->out);
    cr_expect(strstr(ended->err, "layer wide is the first that gives inf"), "%s", ended->err);
    ended = shell("./bad fit --x huge.npy --y y.npy --callbacks '[terminate_on_nan(raise_error=true)]'");
    cr_expect(ended->status == 1 && strstr(ended->err, "error: the loss is nan at batch 2 of epoch 1"), "%s", ended->err);
    cr_expect(strstr(ended->err, "layer wide is the first that gives inf"), "%s", ended->err);
}

Test(faults_nan, in_the_data_is_told_at_once)
{
    static const char *const commands[] = {"evaluate --weights w --x nan.npy --y y.npy", "predict --weights w nan.npy"};
    shell_good("./bad fit --x good.npy --y y.npy --output w");
    for (int i = 0; i < 2; i++) {
        const Shell *ended = shell("./bad %s", commands[i]);
        cr_expect_eq(ended->status, 0, "%s", ended->err);
        cr_expect_str_eq(ended->err, "bad: warning: nan.npy holds nan in sample 20\n");
    }
    double x[SAMPLES][FEATURES] = {{0}};
    x[BAD][2] = -1e300; /* a number, but none that a float can be */
    write_npy("double.npy", ARRAY_FLOAT64, 2, (const int64_t[]){SAMPLES, FEATURES}, x);
    const Shell *ended = shell("./bad predict --weights w double.npy");
    cr_expect_eq(ended->status, 0, "%s", ended->err);
    cr_expect_str_eq(ended->err, "bad: warning: double.npy holds -1e+300 in sample 20, which is infinity as a float\n");
}
