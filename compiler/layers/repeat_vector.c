/* repeat_vector: y[i][c] = x[c] for i from 0 to n - 1. Source: keras.io/api/layers/reshaping_layers/repeat_vector. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "n", .type = PARAMETER_SIZE, .minimum = 1, .maximum = MAX_COUNT, .help = "how often"},
    {0},
};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Tensor *x = node->inputs[0];
    if (x->shape.rank != 1) {
        diagnose(node->place, "repeat_vector needs a row of numbers, not %s", shape_string(&x->shape));
        note_producer(x);
        return;
    }
    int64_t n = argument_size(node->arguments, "n"), count = x->shape.size[0];
    node->outputs[0]->shape = shape_of(2, (const int64_t[]){n, count});
    Strided *s = strided_new(node, count, n * count);
    strided_axis(s, n, 0, count);
    strided_axis(s, count, 1, 1);
}

static const char *formula(const Node *node)
{
    return memory_format("y = x, %lld times", (long long)argument_size(node->arguments, "n"));
}

static const Operator repeat_operator = STRIDED_OPERATOR("repeat_vector", shape, formula);

ONE_NODE_LAYER(repeat_vector, "A row of numbers several times, as a sequence.", parameters, repeat_operator)
