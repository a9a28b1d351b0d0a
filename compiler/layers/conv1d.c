/* conv1d: y[p][k] = bias[k] + sum over s, c of x[p stride + s dilation - left][c] kernel[s][c][k].
 *
 * Sequences are (length, channels): images of one row. kernel (kernel_size, channels of a group, filters), bias (filters).
 * padding=causal: all zeros stand before the sequence. Source: keras.io/api/layers/convolution_layers/convolution1d. */
#include "convolutions.h"

static const char *const paddings[] = {"valid", "same", "causal", NULL};

static const Parameter parameters[] = {
    FILTERS_PARAMETER,
    {.name = "kernel_size", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the length of the kernels"},
    {.name = "strides", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .fallback = "1", .help = "how far the kernel moves at each step"},
    {.name = "padding", .type = PARAMETER_WORD, .words = paddings, .fallback = "valid", .help = "valid: the kernel stays on the sequence; same: zeros around it; causal: zeros before it"},
    DATA_FORMAT_PARAMETER,
    {.name = "dilation_rate", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .fallback = "1", .help = "how far apart the places under the kernel lie; not with strides"},
    GROUPS_PARAMETER,
    ACTIVATION_PARAMETER,
    USE_BIAS_PARAMETER,
    INITIALIZER_PARAMETER("kernel", "glorot_uniform", "the kernels are"),
    INITIALIZER_PARAMETER("bias", "zeros", "the biases are"),
    REGULARIZER_PARAMETER("kernel", "the kernel"),
    REGULARIZER_PARAMETER("bias", "the bias"),
    REGULARIZER_PARAMETER("activity", "what the layer gives"),
    {0},
};

static void shape(Graph *graph, Node *node)
{
    const Object *a = node->arguments;
    Convolution *c = convolution_windows(node, 1);
    if (!c) return;
    c->filters = argument_size(a, "filters");
    if (!convolution_groups(node, c, argument_size(a, "groups"))) return;
    Shape kernel = shape_of(3, (const int64_t[]){c->kernel_width, c->channels / c->groups, c->filters});
    convolution_weights(graph, node, "kernel", "kernel", &kernel, argument_boolean(a, "use_bias"));
    node->outputs[0]->shape = shape_of(2, (const int64_t[]){c->columns, c->filters});
}

CONVOLUTION_OPERATOR(conv1d_operator, "conv1d", shape)

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return convolution_layer(graph, call, graph_node(graph, &conv1d_operator, call, NULL, call->inputs, 1)->outputs[0]);
}

const Layer conv1d_layer = {
    .entry = {"conv1d", "Slides small kernels along a sequence.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
