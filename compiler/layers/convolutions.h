/* Parameters that the layers that convolve have in common. */
#ifndef CNNC_CONVOLUTIONS_H
#define CNNC_CONVOLUTIONS_H

#include "../cnnc.h"
#include "../kernels/kernels.h"

#define FILTERS_PARAMETER {.name = "filters", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the number of kernels: channels of the output"}
#define KERNEL_SIZE_PARAMETER {.name = "kernel_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .help = "height x width of the kernels"}
#define STRIDES_PARAMETER {.name = "strides", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "1x1", .help = "how far the kernel moves at each step"}
#define PADDING_PARAMETER                                                                                                      \
    {.name = "padding", .type = PARAMETER_PAIR, .list = true, .words = (const char *const[]){"valid", "same", NULL}, .minimum = 0, .maximum = 0x1p53, .fallback = "valid", .help = "valid: the kernel stays on the image; same: zeros around it; or how many: height x width, [top x bottom, left x right]"}
#define DILATION_PARAMETER {.name = "dilation_rate", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "1x1", .help = "how far apart the pixels under the kernel lie; not with strides"}
#define GROUPS_PARAMETER {.name = "groups", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .fallback = "1", .help = "channels and filters are cut into so many groups, each filter seeing the channels of its own"}
#define DEPTH_MULTIPLIER_PARAMETER {.name = "depth_multiplier", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .fallback = "1", .help = "the number of kernels for each channel"}
#define ACTIVATION_PARAMETER {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "none", .help = "what is applied to the result"}
#define USE_BIAS_PARAMETER {.name = "use_bias", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether a bias is added to each filter's result"}
#define INITIALIZER_PARAMETER(what, first, text) {.name = what "_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = first, .help = "how " text " drawn at first"}

/* The operator of a layer that convolves: all but its shape are the functions of kernels/convolution_*.c. */
#define CONVOLUTION_OPERATOR(operator_name, its_name, its_shape)                                                               \
    static const Operator operator_name = {                                                                                    \
        .name = its_name,                                                                                                      \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y work",                                                                                               \
        .flags = OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,                                                                      \
        .shape = its_shape,                                                                                                    \
        .macs = convolution_macs,                                                                                              \
        .reference = convolution_reference,                                                                                    \
        .gradient = convolution_gradient,                                                                                      \
        .workspace = convolution_forward_workspace,                                                                            \
        .absorb = convolution_absorb,                                                                                          \
        .emit = convolution_forward_emit,                                                                                      \
        .formula = convolution_formula,                                                                                        \
    };

/* The shape of a depthwise convolution: as many groups as channels. */
static inline void depthwise_shape(Graph *graph, Node *node, const char *name, bool bias)
{
    Convolution *c = convolution_windows(node, 2);
    if (!c) return;
    int64_t multiplier = argument_size(node->arguments, "depth_multiplier");
    Shape kernel = shape_of(4, (const int64_t[]){c->kernel_height, c->kernel_width, c->channels, multiplier});
    c->groups = c->channels;
    c->filters = shape_count(&kernel) < 0 ? multiplier : c->channels * multiplier;
    convolution_weights(graph, node, name, "depthwise", &kernel, bias);
    node->outputs[0]->shape = shape_of(3, (const int64_t[]){c->rows, c->columns, c->filters});
}

/* What follows the convolution: the activation, and the penalty on it. */
static inline Tensor *convolution_layer(Graph *graph, const LayerCall *call, Tensor *y)
{
    y = activation_apply(graph, call, y, argument_object(call->arguments, "activation"));
    regularize(y, call->arguments, "activity_regularizer");
    return y;
}

#endif
