/* separable_conv2d: a depthwise convolution, then one of 1 x 1 over its channels:
 *
 *     z[p][q][c m] = sum over r, s of x[p stride + r dilation - top][q stride + s dilation - left][c] depthwise_kernel[r][s][c][m]
 *     y[p][q][k] = bias[k] + sum over i of z[p][q][i] pointwise_kernel[0][0][i][k]
 *
 * depthwise_kernel (kernel_height, kernel_width, channels, depth_multiplier); pointwise_kernel (1, 1, channels * depth_multiplier,
 * filters); bias (filters). Source: keras.io/api/layers/convolution_layers/separable_convolution2d. */
#include "convolutions.h"

static const Parameter parameters[] = {
    FILTERS_PARAMETER,
    KERNEL_SIZE_PARAMETER,
    STRIDES_PARAMETER,
    PADDING_PARAMETER,
    DATA_FORMAT_PARAMETER,
    DILATION_PARAMETER,
    DEPTH_MULTIPLIER_PARAMETER,
    ACTIVATION_PARAMETER,
    USE_BIAS_PARAMETER,
    INITIALIZER_PARAMETER("depthwise", "glorot_uniform", "the kernels of the channels are"),
    INITIALIZER_PARAMETER("pointwise", "glorot_uniform", "the kernels across the channels are"),
    INITIALIZER_PARAMETER("bias", "zeros", "the biases are"),
    REGULARIZER_PARAMETER("depthwise", "the kernels of the channels"),
    REGULARIZER_PARAMETER("pointwise", "the kernels across the channels"),
    REGULARIZER_PARAMETER("bias", "the bias"),
    REGULARIZER_PARAMETER("activity", "what the layer gives"),
    {0},
};

static void depthwise(Graph *graph, Node *node)
{
    depthwise_shape(graph, node, "depthwise_kernel", false);
}

static void pointwise(Graph *graph, Node *node)
{
    const Shape *x = &node->inputs[0]->shape;
    Convolution *c = node->detail = NEW(Convolution);
    *c = convolution_pointwise(x, argument_size(node->arguments, "filters"));
    Shape kernel = shape_of(4, (const int64_t[]){1, 1, c->channels, c->filters});
    convolution_weights(graph, node, "pointwise_kernel", "pointwise", &kernel, argument_boolean(node->arguments, "use_bias"));
    node->outputs[0]->shape = shape_of(3, (const int64_t[]){c->rows, c->columns, c->filters});
}

CONVOLUTION_OPERATOR(depthwise_operator, "separable_depthwise", depthwise)
CONVOLUTION_OPERATOR(pointwise_operator, "separable_pointwise", pointwise)

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *z = graph_node(graph, &depthwise_operator, call, "depthwise", call->inputs, 1)->outputs[0];
    return convolution_layer(graph, call, graph_node(graph, &pointwise_operator, call, NULL, &z, 1)->outputs[0]);
}

const Layer separable_conv2d_layer = {
    .entry = {"separable_conv2d", "Slides kernels over each channel of an image on its own, then combines the channels.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
