/* max_pooling2d: y[p][q][c] = the largest x[p stride + r][q stride + s][c] of the window. Padding never wins.
 * Source: keras.io/api/layers/pooling_layers/max_pooling2d. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const char *const paddings[] = {"valid", "same", NULL};

static const Parameter parameters[] = {
    {.name = "pool_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "2x2", .help = "height x width of the window"},
    {.name = "strides", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "none", .help = "how far the window moves at each step; none: its own size"},
    {.name = "padding", .type = PARAMETER_WORD, .words = paddings, .fallback = "valid", .help = "valid: the window stays on the image; same: it may stand over the border"},
    {0},
};

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
    const Pooling *p = node->detail;
    return memory_format("the largest of each window of %lld x %lld, a step being %lld x %lld", (long long)p->window_height, (long long)p->window_width, (long long)p->stride_height, (long long)p->stride_width);
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = d_y at the first largest number of each window, else zero";
}

static const Operator gradient_operator = {
    .name = "max_pooling2d_gradient",
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

static const Operator max_pooling2d_operator = {
    .name = "max_pooling2d",
    .suffix = "forward",
    .operands = "x; y selected",
    .flags = OPERATOR_EPILOGUE | OPERATOR_SELECTS | OPERATOR_BY_SAMPLES,
    .shape = pooling_shape,
    .reference = reference,
    .gradient = gradient,
    .emit = max_pooling_emit,
    .formula = formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return graph_node(graph, &max_pooling2d_operator, call, NULL, call->inputs, 1)->outputs[0];
}

const Layer max_pooling2d_layer = {
    .entry = {"max_pooling2d", "Keeps the largest number of each window.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
