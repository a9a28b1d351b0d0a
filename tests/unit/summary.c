/* What --summary says of the networks of examples/: the numbers of parameters are those of the papers, or of the builds that everybody
 * compares with. */
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(summary, .init = shell_enter, .fini = shell_leave);

static const struct { const char *name, *total; } examples[] = {
    {"mlp", "407,050"},
    {"mnist_cnn", "1,199,882"},
    {"lenet5", "61,706"},
    {"alexnet", "60,965,224"},
    {"vgg_cnn_m", "102,908,520"},
    {"nin", "7,595,176"},
    {"googlenet", "13,378,280"},
    {"resnet18", "11,699,112"}, /* of which 9,600 are moving means and variances */
    {"vgg16", "138,357,544"},
    {"simple_rnn", "21,386"},
    {"lstm", "81,674"},
    {"gru", "61,962"},
};

Test(summary, parameters, .timeout = 60)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char last[64];
        snprintf(last, sizeof last, "Total params: %s\n", examples[i].total);
        const Shell *ended = shell("$CNNC --summary $ROOT/examples/%s/%s.net", examples[i].name, examples[i].name);
        cr_assert(ended->status == 0, "%s", ended->err);
        size_t length = strlen(ended->out);
        cr_expect(length > strlen(last) && !strcmp(ended->out + length - strlen(last), last), "%s does not end with %s", examples[i].name, last);
    }
}
