/* What cnnc says of nonsense in compile(), and what compile() makes of the trainer's names and data. */
#include "drive.h"
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void begin(void)
{
    shell_enter();
    enum { SAMPLES = 12, STEPS = 3 };
    static float x[SAMPLES][STEPS][4], weights[SAMPLES][STEPS];
    static int64_t y[SAMPLES][STEPS];
    for (int i = 0; i < SAMPLES; i++) {
        for (int s = 0; s < STEPS; s++) {
            for (int k = 0; k < 4; k++) x[i][s][k] = (float)((7 * i + 5 * s + 3 * k * k) % 11 - 5) / 5;
            y[i][s] = (i + s * s) % 2;
            weights[i][s] = (float)((i + s) % 3) / 2;
        }
    }
    write_array("x.npy", ARRAY_FLOAT32, 3, (const int64_t[]){SAMPLES, STEPS, 4}, x);
    write_array("y.npy", ARRAY_INT64, 2, (const int64_t[]){SAMPLES, STEPS}, y);
    write_array("w.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, STEPS}, weights);
    write_array("one.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, weights);
}

TestSuite(compiling, .init = begin, .fini = shell_leave);

#define TWO "model m\nx = input(3, 4)\na = dense(3)(x)\nb = dense(4, activation=softmax)(x)\noutputs(a, b)\n"

/* A least value of 0 without a greatest one is a bound as well. */
Test(compiling, layers_refuse_negative_numbers)
{
    static const char *const cases[][2] = {
        {"gaussian_noise(-1)", "`stddev` of gaussian_noise must be at least 0, not -1"},
        {"layer_normalization(epsilon=-1)", "`epsilon` of layer_normalization must be at least 0, not -1"},
        {"batch_normalization(epsilon=-1)", "`epsilon` of batch_normalization must be at least 0, not -1"},
        {"batch_normalization(momentum=1.5)", "`momentum` of batch_normalization must be at least 0 and at most 1, not 1.5"},
        {"local_response_normalization(bias=0)", "`bias` of local_response_normalization must be above 0, not 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "input(4, 4, 8)\n%s\n", cases[i][0]);
        shell_file("m.net", text);
        shell_refused(cases[i][1], "$CNNC m.net -o m.c");
    }
}

Test(compiling, nonsense_gets_a_diagnosis)
{
    static const struct {
        const char *compile, *message, *marked; /* marked: what the caret and underline stand under */
    } cases[] = {
        {"compile(sgd(), [mse])", "`loss` has 1 item, but the network has 2 outputs (a, b): a list has one for each", "[mse]"},
        {"compile(sgd(), [mse, mse, mae])", "`loss` has 3 items, but the network has 2 outputs (a, b): a list has one for each", "[mse, mse, mae]"},
        {"compile(sgd(), mse, loss_weights=[1])", "`loss_weights` has 1 item, but the network has 2 outputs (a, b)", "[1]"},
        {"compile(sgd(), mse, loss_weights={a: 1, c: 2})", "`c` is no output of the network; its outputs are: a, b", "c"},
        {"compile(sgd(), {a: mse})", "output b needs one loss", "{a: mse}"},
        {"compile(sgd(), {a: mse, a: mae})", "`a` stands twice in `loss`", "a"},
        {"compile(sgd(), mse, metrics=[mae, mae, mae])", "`metrics` has 3 items", "[mae, mae, mae]"},
        {"compile(sgd(), mse, metrics={1: mae})", "`metrics` of compile wants names of outputs here, not 1", "1"},
        {"compile(sgd(), mse, metrics=[accuracy, [acuracy]])", "unknown metric `acuracy`; did you mean `accuracy`?", "acuracy"},
        {"compile(sgd(), mse, metrics=[[precision(class_id=3)], []])", "there is no class 3: the output has 3, from 0", "3"},
        {"compile(sgd(), mse, metrics=[[recall(top_k=4)], []])", "`top_k` is 4, but the output has 3 classes", "4"},
        {"compile(sgd(), mse, metrics=[[auc(num_thresholds=1)], []])", "num_thresholds", "1"},
        {"compile(sgd(), mse, metrics=[[precision(thresholds=1.5)], []])", "thresholds", "1.5"},
        {"compile(sgd(), mse, metrics=[sparse_categorical_crossentropy, []])", "sparse_categorical_crossentropy takes class numbers, but the loss takes rows", "sparse_categorical_crossentropy"},
        {"compile(sgd(), [mse, huber(delta=0)])", "delta", "0"},
        {"compile(sgd(), categorical_crossentropy(label_smoothing=2))", "label_smoothing", "2"},
        {"compile(sgd(), mse, target_tensors=[x])", "`target_tensors` has 1 item, but the network has 2 outputs", "[x]"},
        {"compile(sgd(), mse, target_tensors=[x, x])", "the target `x` is (3, 4), but output a needs (3, 3)", "x"},
        {"compile(sgd(), [mse, sparse_categorical_crossentropy], target_tensors=[b, a])", "needs", "b"},
        {"compile(sgd(), mse, sample_weight_mode=temporary)", "sample_weight_mode", "temporary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512], line[512];
        snprintf(text, sizeof text, TWO "%s\n", cases[i].compile);
        shell_file("m.net", text);
        const Shell *ended = shell("$CNNC m.net -o m.c");
        cr_expect(ended->status == 1, "%s: status %d", cases[i].compile, ended->status);
        cr_expect(!strncmp(ended->err, "m.net:6:", 8) && strstr(ended->err, cases[i].message), "%s\n%s", cases[i].compile, ended->err);
        size_t length = strlen(cases[i].marked);
        char *at = line;
        at += sprintf(at, "^");
        for (size_t k = 1; k < length; k++) at += sprintf(at, "~");
        sprintf(at, "\n");
        cr_expect(strstr(ended->err, line), "%s: not this long a mark: %s\n%s", cases[i].compile, line, ended->err);
    }
    shell_file("m.net", "model m\ninput(4)\ndense(3)\ncompile(sgd(), mse, sample_weight_mode=temporal)\n");
    shell_refused("temporal is for outputs that are sequences, (steps, numbers); dense is (3,)", "$CNNC m.net -o m.c");
    shell_file("m.net", "model m\nx = input(4)\ndense(4)\ncompile(sgd(), mse, target_tensors=x)\nfit(y=\"y.npy\")\n");
    shell_refused("compile() says which tensors are the targets", "$CNNC m.net -o m.c");
}

/* The figures of the training and of the validation are told apart by their names. */
Test(compiling, outputs_that_are_called_as_the_validation_is)
{
    static const char *const refused[] = {"val", "val_b", "val_b_categorical"}, *const fine[] = {"value", "valb", "b_val"};
    for (int i = 0; i < 3; i++) {
        char text[512];
        snprintf(text, sizeof text, "model m\nx = input(4)\n%s = dense(3)(x)\nb = dense(3)(x)\noutputs(%s, b)\ncompile(sgd, mse, metrics=[accuracy, categorical_accuracy])\n", refused[i], refused[i]);
        shell_file("m.net", text);
        shell_refused("would be a figure of the validation too", "$CNNC m.net -o m.c");
        snprintf(text, sizeof text, "model m\nx = input(4)\n%s = dense(3)(x)\nb = dense(3)(x)\noutputs(%s, b)\ncompile(sgd, mse)\n", fine[i], fine[i]);
        shell_file("m.net", text);
        shell_good("$CNNC m.net -o m.c");
    }
    shell_file("m.net", "model m\ninput(4)\nval = dense(3)\ncompile(sgd, mse)\n");
    shell_good("$CNNC m.net -o m.c");
}

/* As in Keras's Model: with a word of warning. */
Test(compiling, layers_that_nothing_uses)
{
    shell_file("all.net",
               "model m\nx = input(4)\ny = input(3)\na = dense(3)(x)\nb = dense(3)(a)\nbatch_normalization()(a)\nc = dense(5)\nd = bidirectional(lstm(2))(e)\noutputs(b)\n");
    shell_good("sed -i 's/^d = .*/block unused(n) { dense(n) dropout(0.5) dense(n, activation=softmax) }\\nunused(7)(y)\\nunused(8)(y)/' all.net");
    shell_file("some.net", "model m\nx = input(4)\ny = input(3)\na = dense(3)(x)\nb = dense(3)(a)\noutputs(b)\n");
    const Shell *run = shell("$CNNC all.net --summary > all.txt");
    cr_expect_eq(run->status, 0);
    cr_expect(strstr(run->err, "all.net:7:5: warning: nothing uses the output of `c`: it is left out"), "%s", run->err);
    cr_expect(strstr(run->err, "all.net:8:41: warning: nothing uses the output of `unused/dense_1`"), "%s", run->err);
    cr_expect(strstr(run->err, "all.net:9:1: note: used here"), "%s", run->err);
    cr_expect(!strstr(run->err, "input") && !strstr(run->err, "batch_normalization"), "only where a branch ends: %s", run->err);
    run = shell("$CNNC some.net --summary > some.txt");
    cr_expect(!run->status && !strncmp(run->err, "some.net:3:5: warning: nothing uses the input `y`; its data must be given all the same\n", 82), "%s", run->err);
    shell_good("cmp all.txt some.txt && $CNNC some.net -o some.c && $CNNC all.net -o all.c && sed -E 's/all\\.(net|c|h)/some.\\1/g' all.c > b.c && cmp b.c some.c");
    /* Of the same numbers as without them, training too: a target counts as used. */
    shell_file("t.net",
               "model m\nx = input(3, 4)\nunused = gru(3)\nt = dense(2, activation=tanh)(x)\ny = dense(2)(x)\noutputs(y)\ncompile(sgd(0.1), mae, target_tensors=[t])\nfit(batch_size=12)\n");
    run = shell("CFLAGS=\"$QUICK\" $CNNC t.net -o t");
    cr_expect(!run->status && strstr(run->err, "`unused`") && !strstr(run->err, "`t`"), "%s", run->err);
    shell_good("./t fit --x x.npy --epochs 2 --seed 3 --shuffle false --verbose 0 -o t.st && ./t summary | grep -q 'Total params: 20$'");
}

/* Keras's other names for its classes and functions, in snake_case. */
Test(compiling, further_spellings)
{
    static const char *const pairs[][2] = {
        {"max_pool2d()", "max_pooling2d()"},
        {"avg_pool2d(2)", "average_pooling2d(2)"},
        {"global_avg_pool2d()", "global_average_pooling2d()"},
        {"global_max_pool2d()", "global_max_pooling2d()"},
        {"convolution2d(3, 3x3)", "conv2d(3, 3x3)"},
        {"re_lu(6)", "relu(max_value=6)"},
        {"prelu()", "p_re_lu()"},
        {"conv2d(2, 3, kernel_initializer=normal, bias_initializer=one)", "conv2d(2, 3, kernel_initializer=random_normal, bias_initializer=ones)"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[512];
        for (int k = 0; k < 2; k++) {
            snprintf(text, sizeof text, "model m\ninput(8, 8, 3)\n%s\nflatten()\ndense(1, activation=%s)\ncompile(sgd, mse)\n", pairs[i][k], k ? "silu" : "swish");
            shell_file("m.net", text);
            shell_good("$CNNC m.net -o m.c && mv m.c %d.c && $CNNC m.net --emit=trainer -o m_trainer.c && cat m_trainer.c >> %d.c", k, k);
        }
        cr_expect(shell("cmp 0.c 1.c")->status == 0, "%s is not %s", pairs[i][0], pairs[i][1]);
    }
}

/* An autoencoder takes no y, anywhere; and losses and metrics have Keras's names. */
Test(compiling, targets_within_the_network, .timeout = 120 * PATIENCE)
{
    shell_file("m.net",
               "model m\nx = input(3, 4)\ndense(2, activation=tanh)\ny = dense(4)\n"
               "compile(sgd(learning_rate=0.1), mae, metrics=[mae, mse, binary_accuracy], target_tensors=[x])\nfit(batch_size=12)\n");
    shell_good("CFLAGS=\"$QUICK\" $CNNC m.net -o m");
    shell_good("./m fit --x x.npy --epochs 2 --validation-split 0.25 --history h.csv --output m.st");
    shell_good("head -n 1 h.csv | grep -qx epoch,binary_accuracy,loss,mae,mse,val_binary_accuracy,val_loss,val_mae,val_mse");
    shell_good("./m evaluate --x x.npy --weights m.st > out && grep -q '^mae: ' out && grep '^loss' out | sed s/loss/mae/ | grep -qxFf - out");
    shell_good("./m gradients x.npy --weights m.st -o g.st && ./m gradients --x x.npy --weights m.st -o h.st && cmp g.st h.st");
    shell_refused("no targets are given", "./m fit --x x.npy --y x.npy");
    shell_refused("no targets are given", "./m evaluate --x x.npy --y x.npy --weights m.st");
    shell_refused("one file, x.npy", "./m gradients x.npy y.npy --weights m.st -o g.st");
}

Test(compiling, weights_of_steps, .timeout = 120 * PATIENCE)
{
    shell_file("m.net",
               "model m\ninput(3, 4)\ndense(2, activation=softmax)\n"
               "compile(sgd(learning_rate=0.1), sparse_categorical_crossentropy, metrics=accuracy, weighted_metrics=[accuracy, auc], sample_weight_mode=temporal)\n"
               "fit(batch_size=5)\n");
    shell_good("CFLAGS=\"$QUICK\" $CNNC m.net -o m");
    shell_good("./m fit --x x.npy --y y.npy --sample-weight w.npy --epochs 3 --history whole.csv --output whole.st");
    shell_good("head -n 1 whole.csv | grep -q ^epoch,accuracy,auc,loss,weighted_accuracy,val_accuracy");
    shell_refused("one weight for each step of each sample is wanted: (12, 3)", "./m fit --x x.npy --y y.npy --sample-weight one.npy");
    shell_good("./m evaluate --x x.npy --y y.npy --sample-weight w.npy --weights whole.st | grep -q '^weighted_accuracy: '");
}
