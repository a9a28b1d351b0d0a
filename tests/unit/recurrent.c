/* Recurrent layers and layers within layers from outside: what is said of networks that cannot be. */
#include "drive.h"
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(recurrent, .init = shell_enter, .fini = shell_leave);

/* What a stateful layer carries goes from step to step, into checkpoints and out of them, with any number of threads. */
Test(recurrent, stateful_training, .timeout = 120 * PATIENCE)
{
    enum { SAMPLES = 20, STEPS = 3 };
    static float x[SAMPLES][STEPS][2], y[SAMPLES];
    for (int n = 0; n < SAMPLES; n++) {
        y[n] = (float)(n % 7) / 7;
        for (int t = 0; t < STEPS; t++) x[n][t][0] = (float)((n * 5 + t) % 11) / 11, x[n][t][1] = (float)(n % 3);
    }
    write_array("x.npy", ARRAY_FLOAT32, 3, (const int64_t[]){SAMPLES, STEPS, 2}, x);
    write_array("y.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, y);
    shell_file("m.net", "model m\ninput(3, 2)\nlstm(4, stateful=true)\ndense(1)\ncompile(adam(learning_rate=0.02), mean_squared_error)\nfit(batch_size=4, epochs=6, shuffle=false, validation_split=0)\n");
    shell_good("CFLAGS=\"$QUICK -fopenmp\" $CNNC m.net -o m");
    shell_good("for t in 1 3; do ./m fit --x x.npy --y y.npy --verbose 0 --threads $t -o $t.st || exit 1; done; cmp 1.st 3.st");
    shell_good("./m fit --x x.npy --y y.npy --verbose 0 --epochs 2 --checkpoint c.st && grep -qa '\"optimizer/carried/lstm/state_c\"' c.st");
    shell_good("./m fit --x x.npy --y y.npy --verbose 0 --resume c.st --epochs 6 -o r.st && cmp 1.st r.st");
    shell_good("./m evaluate --x x.npy --y y.npy --weights c.st");
}

static void refused(const char *layer, const char *why)
{
    char text[512];
    snprintf(text, sizeof text, "image = input(28, 28, 1)\nseries = input(28, 28)\nvector = input(4)\n%s\n", layer);
    shell_file("m.net", text);
    shell_refused(why, "$CNNC m.net -o m.c");
}

Test(recurrent, networks_that_cannot_be)
{
    refused("lstm(4)(image)", "m.net:4:1: error: lstm needs an input of steps and features, such as (28, 28), not (28, 28, 1)");
    refused("gru(4, activation=softmax)(series)", "m.net:4:19: error: activation of a recurrent layer must be a function of single numbers");
    refused("lstm(4, recurrent_activation=relus)(series)", "unknown activation `relus`; did you mean `relu`?");
    refused("bidirectional(dense(4))(series)", "m.net:4:15: error: bidirectional takes a recurrent layer, simple_rnn, lstm or gru, not dense");
    refused("bidirectional(gru(4), backward_layer=gru(4))(series)", "m.net:4:38: error: the backward layer goes in the same direction as the layer");
    refused("bidirectional(gru(4), backward_layer=gru(4, go_backwards=true, return_sequences=true))(series)", "return_sequences must be the same in both");
    refused("time_distributed(dens(4))(series)", "unknown layer `dens`; did you mean `dense`?");
    refused("time_distributed(input(4))(series)", "m.net:4:18: error: input cannot stand within time_distributed");
    refused("time_distributed(dense(4))(vector)", "time_distributed needs an input of steps, each with numbers of its own");
    refused("time_distributed(lstm(4))(series)", "lstm needs an input of steps and features, such as (28, 28), not (28,)");
}
