/* Recurrent layers and layers within layers from outside: what is said of networks that cannot be. */
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(recurrent, .init = shell_enter, .fini = shell_leave);

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
