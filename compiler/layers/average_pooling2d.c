/* average_pooling2d: y[p][q][c] = the mean of the window's numbers x[p stride + r][q stride + s][c]; padding is not counted.
 * average_pooling1d likewise along a sequence; the global forms have one window, all of the input. Source: keras.io/api/layers/pooling_layers. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "pool_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .help = "height x width of the window"},
    POOLING_REST(PARAMETER_PAIR),
};

static const Parameter parameters1d[] = {
    {.name = "pool_size", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the length of the window"},
    POOLING_REST(PARAMETER_SIZE),
};

static const Parameter global_parameters[] = {GLOBAL_POOLING_PARAMETERS};

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
    return pooling_formula(node, "the mean of");
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = the sum over the windows that hold it of d_y / size of the window";
}

#define GRADIENT_OPERATOR(operator_name, operator_flags)                                                                       \
    static const Operator operator_name = {                                                                                    \
        .name = "average_pooling_gradient",                                                                                  \
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

static const Operator average_pooling_operator = {
    .name = "average_pooling",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .shape = pooling_shape,
    .reference = reference,
    .gradient = gradient,
    .emit = average_pooling_emit,
    .formula = formula,
};

POOLING_LAYER(average_pooling2d, "average_pooling2d", "The mean of each window.", parameters, average_pooling_operator, 2, false)
POOLING_LAYER(average_pooling1d, "average_pooling1d", "The mean of each window of a sequence.", parameters1d, average_pooling_operator, 1, false)
POOLING_LAYER(global_average_pooling2d, "global_average_pooling2d", "The mean of each channel of an image.", global_parameters, average_pooling_operator, 2, true)
POOLING_LAYER(global_average_pooling1d, "global_average_pooling1d", "The mean of each channel of a sequence.", global_parameters, average_pooling_operator, 1, true)
