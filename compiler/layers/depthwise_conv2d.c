/* depthwise_conv2d: each channel by kernels of its own: channel c * depth_multiplier + m of y is channel c of x under kernel[r][s][c][m].
 *
 * It is the convolution in as many groups as there are channels. kernel (kernel_height, kernel_width, channels, depth_multiplier);
 * bias (channels * depth_multiplier). Source: keras.io/api/layers/convolution_layers/depthwise_convolution2d. */
#include "convolutions.h"

static const Parameter parameters[] = {
    KERNEL_SIZE_PARAMETER,
    STRIDES_PARAMETER,
    PADDING_PARAMETER,
    DEPTH_MULTIPLIER_PARAMETER,
    DATA_FORMAT_PARAMETER,
    DILATION_PARAMETER,
    ACTIVATION_PARAMETER,
    USE_BIAS_PARAMETER,
    INITIALIZER_PARAMETER("depthwise", "glorot_uniform", "the kernels are"),
    INITIALIZER_PARAMETER("bias", "zeros", "the biases are"),
    REGULARIZER_PARAMETER("depthwise", "the kernel"),
    REGULARIZER_PARAMETER("bias", "the bias"),
    REGULARIZER_PARAMETER("activity", "what the layer gives"),
    {0},
};

static void shape(Graph *graph, Node *node)
{
    depthwise_shape(graph, node, "kernel", argument_boolean(node->arguments, "use_bias"));
}

CONVOLUTION_OPERATOR(depthwise_conv2d_operator, "depthwise_conv2d", shape)

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return convolution_layer(graph, call, graph_node(graph, &depthwise_conv2d_operator, call, NULL, call->inputs, 1)->outputs[0]);
}

const Layer depthwise_conv2d_layer = {
    .entry = {"depthwise_conv2d", "Slides kernels over each channel of an image on its own.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
