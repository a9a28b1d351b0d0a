/* max_pooling2d: y[p][q][c] = the largest x[p stride + r][q stride + s][c] of the window. Padding never wins. max_pooling1d likewise along a
 * sequence; the global forms have one window, all of the input. Source: keras.io/api/layers/pooling_layers. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "pool_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "2x2", .help = "height x width of the window"},
    POOLING_REST(PARAMETER_PAIR),
};

static const Parameter parameters1d[] = {
    {.name = "pool_size", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .fallback = "2", .help = "the length of the window"},
    POOLING_REST(PARAMETER_SIZE),
};

static const Parameter global_parameters[] = {GLOBAL_POOLING_PARAMETERS};

static double larger(double a, double b)
{
    return b > a ? b : a;
}

static double as_it_is(double value, int64_t count)
{
    (void)count;
    return value;
}

static void reference(const Node *node, Reference *r)
{
    pooling_reference(node, r, -INFINITY, larger, as_it_is);
}

static const char *formula(const Node *node)
{
    return pooling_formula(node, "the largest of");
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = d_y at the first largest number of each window, else zero";
}

static const Operator gradient_operator = {
    .name = "max_pooling_gradient",
    .suffix = "gradient",
    .operands = "d_y selected; d_x",
    .flags = OPERATOR_BY_SAMPLES,
    .emit = max_pooling_gradient_emit,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    if (!gradient_wanted(graph, node->inputs[0])) return;
    Tensor *selected = graph_tensor(graph, ROLE_ACTIVATION, memory_format("%s/selected", node->name));
    selected->type = max_pooling_place_type(node->detail);
    selected->shape = node->outputs[0]->shape;
    graph_output(graph, node, selected);
    Node *d = graph_gradient_node(graph, &gradient_operator, node, NULL, (Tensor *[]){d_output, selected}, 2);
    gradient_give(graph, node->inputs[0], gradient_tensor(graph, d, node->inputs[0]));
}

static const Operator max_pooling_operator = {
    .name = "max_pooling",
    .suffix = "forward",
    .operands = "x; y selected",
    .flags = OPERATOR_EPILOGUE | OPERATOR_SELECTS | OPERATOR_BY_SAMPLES,
    .shape = pooling_shape,
    .reference = reference,
    .gradient = gradient,
    .emit = max_pooling_emit,
    .formula = formula,
};

POOLING_LAYER(max_pooling2d, "max_pooling2d", "Keeps the largest number of each window.", parameters, max_pooling_operator, 2, false)
POOLING_LAYER(max_pooling1d, "max_pooling1d", "Keeps the largest number of each window of a sequence.", parameters1d, max_pooling_operator, 1, false)
POOLING_LAYER(global_max_pooling2d, "global_max_pooling2d", "Keeps the largest number of each channel of an image.", global_parameters, max_pooling_operator, 2, true)
POOLING_LAYER(global_max_pooling1d, "global_max_pooling1d", "Keeps the largest number of each channel of a sequence.", global_parameters, max_pooling_operator, 1, true)
