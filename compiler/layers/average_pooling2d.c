/* average_pooling2d: y[p][q][c] = the mean of the window's numbers x[p stride + r][q stride + s][c]; padding is not counted.
 * Source: keras.io/api/layers/pooling_layers/average_pooling2d. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const char *const paddings[] = {"valid", "same", NULL};

static const Parameter parameters[] = {
    {.name = "pool_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .help = "height x width of the window"},
    {.name = "strides", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "none", .help = "how far the window moves at each step; none: its own size"},
    {.name = "padding", .type = PARAMETER_WORD, .words = paddings, .fallback = "valid", .help = "valid: the window stays on the image; same: it may stand over the border"},
    {0},
};

static double sum(double a, double b)
{
    return a + b;
}

static double mean(double value, int64_t count)
{
    return value / (double)count;
}

static void reference(const Node *node, Reference *r)
{
    pooling_reference(node, r, 0, sum, mean);
}

static const char *formula(const Node *node)
{
    const Pooling *p = node->detail;
    return memory_format("the mean of each window of %lld x %lld, a step being %lld x %lld", (long long)p->window_height, (long long)p->window_width, (long long)p->stride_height, (long long)p->stride_width);
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = the sum over the windows that hold it of d_y / size of the window";
}

#define GRADIENT_OPERATOR(operator_name, operator_flags)                                                                       \
    static const Operator operator_name = {                                                                                    \
        .name = "average_pooling2d_gradient",                                                                                  \
        .suffix = "gradient",                                                                                                  \
        .operands = "d_y; d_x",                                                                                                \
        .flags = operator_flags,                                                                                               \
        .emit = average_pooling_gradient_emit,                                                                                 \
        .formula = gradient_formula,                                                                                           \
    };
GRADIENT_OPERATOR(gradient_operator, OPERATOR_BY_SAMPLES)
GRADIENT_OPERATOR(tiling_gradient_operator, OPERATOR_BY_SAMPLES | OPERATOR_EPILOGUE) /* each number of d_x is written once */

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    if (!gradient_wanted(graph, node->inputs[0])) return;
    Node *d = graph_gradient_node(graph, pooling_tiles(node->detail) ? &tiling_gradient_operator : &gradient_operator, node, NULL, &d_output, 1);
    gradient_give(graph, node->inputs[0], gradient_tensor(graph, d, node->inputs[0]));
}

static const Operator average_pooling2d_operator = {
    .name = "average_pooling2d",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .shape = pooling_shape,
    .reference = reference,
    .gradient = gradient,
    .emit = average_pooling_emit,
    .formula = formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return graph_node(graph, &average_pooling2d_operator, call, NULL, call->inputs, 1)->outputs[0];
}

const Layer average_pooling2d_layer = {
    .entry = {"average_pooling2d", "The mean of each window.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
