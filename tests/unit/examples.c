/* The small networks of examples/ learn: a short training on the data that `make test` has seen to, and most of the test set is read
 * right. $EXAMPLES, a part of a name, chooses some. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* steps of training, the name of the accuracy, and the least share that has to be right: of MNIST, and of Fashion-MNIST, which takes
 * its place where no mirror could be reached. */
typedef struct {
    char path[64];
    int steps;
    char metric[24];
    double least, least_of_fashion;
} Example;

static const Example examples[] = {
    {"connectivity/dense", 150, "accuracy", 0.9, 0.7},
    {"connectivity/locally_connected", 200, "accuracy", 0.85, 0.6},
    {"connectivity/convolutional", 300, "accuracy", 0.85, 0.6},
    {"lenet5/lenet5", 150, "accuracy", 0.9, 0.65},
    {"alexnet/alexnet_mnist", 250, "accuracy", 0.9, 0.65},
    {"vgg_cnn_m/vgg_cnn_m_mnist", 250, "accuracy", 0.9, 0.65},
    {"nin/nin_mnist", 500, "accuracy", 0.9, 0.6},
    {"googlenet/googlenet_mnist", 400, "answer_accuracy", 0.9, 0.6},
    {"vgg16/vgg16_mnist", 400, "accuracy", 0.9, 0.6},
    {"resnet18/resnet18_mnist", 200, "accuracy", 0.9, 0.65},
    {"two_outputs/two_outputs", 400, "late_accuracy", 0.9, 0.65},
    {"simple_rnn/simple_rnn", 400, "accuracy", 0.8, 0.6},
    {"lstm/lstm", 300, "accuracy", 0.85, 0.65},
    {"gru/gru", 300, "accuracy", 0.85, 0.65},
};

static char data[PATH_MAX];

static void enter(void)
{
    const char *folder = getenv("MNIST_DIR");
    folder = folder && *folder ? folder : "data/mnist";
    cr_assert(realpath(folder, data), "%s is missing: `make data`, or the name of the folder in MNIST_DIR", folder);
    shell_enter();
}

TestSuite(examples, .init = enter, .fini = shell_leave);

static size_t choose_examples(Example *chosen)
{
    const char *part = getenv("EXAMPLES");
    size_t count = 0;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (!part || strstr(examples[i].path, part)) chosen[count++] = examples[i];
    return count;
}

ParameterizedTestParameters(examples, learn)
{
    Example *chosen = cr_malloc(sizeof examples);
    return cr_make_param_array(Example, chosen, choose_examples(chosen), NULL);
}

ParameterizedTest(Example *example, examples, learn, .timeout = 600 * PATIENCE)
{
    const Shell *name = shell("MNIST_DIR='%s' $ROOT/tools/get_mnist.sh --name", data);
    double least = strstr(name->out, "Fashion") ? example->least_of_fashion : example->least;
    shell_good("CFLAGS=\"$EMITTED_CFLAGS\" $CNNC $ROOT/examples/%s.net --target=native -o trainer", example->path);
    shell_good("./trainer fit --data '%s' --epochs 1 --steps-per-epoch %d --validation-split 0 --callbacks none --verbose 0 --output weights", data, example->steps);
    const Shell *ended = shell("./trainer evaluate --data '%s' --weights weights --verbose 0", data);
    cr_assert(ended->status == 0, "%s", ended->err);
    char label[32];
    snprintf(label, sizeof label, "%s: ", example->metric);
    const char *found = strstr(ended->out, label);
    cr_assert(found, "no %s in: %s", example->metric, ended->out);
    double accuracy = strtod(found + strlen(label), NULL);
    cr_expect(accuracy >= least, "%s: after %d steps %.4f of the test set are right, not %.2f", example->path, example->steps, accuracy, least);
}
