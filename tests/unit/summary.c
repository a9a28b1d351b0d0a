/* What --summary says of the networks of examples/: the numbers of parameters are those of the papers, or of the builds that everybody
 * compares with. */
#include "patience.h"
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

Test(summary, parameters, .timeout = 60 * PATIENCE)
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

/* The arena's bytes in the summary's line that begins with `line`, as the macro says them. */
static void expect_arena(const char *line, const char *macro, const char *options)
{
    shell_good("$CNNC --summary %s m.net > summary && $CNNC %s m.net -o m.c", options, options);
    const Shell *ended = shell("test $(grep '^%s' summary | sed 's/.*arena \\([0-9,]*\\) bytes.*/\\1/; s/,//g') -eq $(awk '$2 == \"%s\" {print $3}' m.h)", line, macro);
    cr_expect(ended->status == 0, "%s%s: %s of m.h says otherwise %s", options, line, macro, ended->err);
}

Test(summary, arenas_are_those_of_the_header, .timeout = 60 * PATIENCE)
{
    shell_file("m.net", "model m\ninput(6)\ndense(8, activation=relu)\ndropout(0.25)\ndense(4, activation=softmax)\n"
                        "compile(adam, sparse_categorical_crossentropy)\nfit(batch_size=8)\n");
    static const char *const options[] = {"", "--unroll=full"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        expect_arena("Memory, one sample:", "M_ARENA_BYTES", options[i]);
        expect_arena("Memory, batch 8:", "M_BATCH_ARENA_BYTES", options[i]);
        expect_arena("Memory, training:", "M_TRAIN_ARENA_BYTES", options[i]);
    }
}
