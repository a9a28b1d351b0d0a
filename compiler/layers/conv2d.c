/* conv2d: y[p][q][k] = bias[k] + sum over r, s, c of x[p stride + r dilation - top][q stride + s dilation - left][c] kernel[r][s][c][k].
 *
 * Images are (height, width, channels); kernel (kernel_height, kernel_width, channels of a group, filters), packed in panels of
 * filters; bias (filters). Padding: kernels/convolution_shape.c. With groups, filter k sees the channels of its own group only.
 * Source: keras.io/api/layers/convolution_layers/convolution2d. */
#include "convolutions.h"

static const Parameter parameters[] = {
    FILTERS_PARAMETER,
    KERNEL_SIZE_PARAMETER,
    STRIDES_PARAMETER,
    PADDING_PARAMETER,
    DATA_FORMAT_PARAMETER,
    DILATION_PARAMETER,
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
    Convolution *c = convolution_windows(node, 2);
    if (!c) return;
    c->filters = argument_size(a, "filters");
    if (!convolution_groups(node, c, argument_size(a, "groups"))) return;
    Shape kernel = shape_of(4, (const int64_t[]){c->kernel_height, c->kernel_width, c->channels / c->groups, c->filters});
    convolution_weights(graph, node, "kernel", "kernel", &kernel, argument_boolean(a, "use_bias"));
    node->outputs[0]->shape = shape_of(3, (const int64_t[]){c->rows, c->columns, c->filters});
}

CONVOLUTION_OPERATOR(conv2d_operator, "conv2d", shape)

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return convolution_layer(graph, call, graph_node(graph, &conv2d_operator, call, NULL, call->inputs, 1)->outputs[0]);
}

const Layer conv2d_layer = {
    .entry = {"conv2d", "Slides small kernels over an image.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
