/* conv2d: y[p][q][k] = bias[k] + sum over r, s, c of x[p stride + r - top][q stride + s - left][c] kernel[r][s][c][k].
 *
 * Images are (height, width, channels); kernel (kernel_height, kernel_width, channels, filters), packed in panels of filters;
 * bias (filters). padding=same: rows = ceil(height / stride), zeros on both sides, the odd one at the end.
 * Source: keras.io/api/layers/convolution_layers/convolution2d. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const char *const paddings[] = {"valid", "same", NULL};

static const Parameter parameters[] = {
    {.name = "filters", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the number of kernels: channels of the output"},
    {.name = "kernel_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .help = "height x width of the kernels"},
    {.name = "strides", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "1x1", .help = "how far the kernel moves at each step"},
    {.name = "padding", .type = PARAMETER_WORD, .words = paddings, .fallback = "valid", .help = "valid: the kernel stays on the image; same: zeros around it"},
    {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "none", .help = "what is applied to the result"},
    {.name = "use_bias", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether a bias is added to each filter's result"},
    {.name = "kernel_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "glorot_uniform", .help = "how the kernels are drawn at first"},
    {.name = "bias_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "zeros", .help = "how the biases are drawn at first"},
    REGULARIZER_PARAMETER("kernel", "the kernel"),
    REGULARIZER_PARAMETER("bias", "the bias"),
    REGULARIZER_PARAMETER("activity", "what the layer gives"),
    {0},
};

static void shape(Graph *graph, Node *node)
{
    const Object *a = node->arguments;
    Tensor *x = node->inputs[0];
    if (x->shape.rank != 3) {
        diagnose(node->place, "conv2d needs images (height, width, channels), not %s", shape_string(&x->shape));
        note_producer(x);
        return;
    }
    Convolution *c = node->detail = NEW(Convolution);
    *c = (Convolution){.height = x->shape.size[0], .width = x->shape.size[1], .channels = x->shape.size[2], .filters = argument_size(a, "filters"), .spread_height = 1, .spread_width = 1};
    argument_pair(a, "kernel_size", &c->kernel_height, &c->kernel_width);
    argument_pair(a, "strides", &c->stride_height, &c->stride_width);
    bool same = argument_word(a, "padding")[0] == 's';
    if (!window_places(node, "kernel_size", x, 0, c->kernel_height, c->stride_height, same, &c->rows, &c->pad_top) ||
        !window_places(node, "kernel_size", x, 1, c->kernel_width, c->stride_width, same, &c->columns, &c->pad_left))
        return;
    Shape kernel = shape_of(4, (const int64_t[]){c->kernel_height, c->kernel_width, c->channels, c->filters}), bias = shape_of(1, &c->filters);
    Tensor *weight = graph_weight(graph, node, "kernel", &kernel, true);
    weight->initial = initializer_resolve(argument_object(a, "kernel_initializer"), &kernel);
    if (shape_count(&kernel) >= 0) weight->packing = (Packing){c->kernel_height * c->kernel_width * c->channels, c->filters, graph->panel};
    regularize(weight, a, "kernel_regularizer");
    if (argument_boolean(a, "use_bias")) {
        weight = graph_weight(graph, node, "bias", &bias, true);
        weight->initial = initializer_resolve(argument_object(a, "bias_initializer"), &bias);
        regularize(weight, a, "bias_regularizer");
    }
    convolution_derive(graph, node);
    node->outputs[0]->shape = shape_of(3, (const int64_t[]){c->rows, c->columns, c->filters});
}

static const Operator conv2d_operator = {
    .name = "conv2d",
    .suffix = "forward",
    .operands = "x; y work",
    .flags = OPERATOR_EPILOGUE,
    .shape = shape,
    .macs = convolution_macs,
    .reference = convolution_reference,
    .gradient = convolution_gradient,
    .workspace = convolution_forward_workspace,
    .absorb = convolution_absorb,
    .emit = convolution_forward_emit,
    .formula = convolution_formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *y = graph_node(graph, &conv2d_operator, call, NULL, call->inputs, 1)->outputs[0];
    y = activation_apply(graph, call, y, argument_object(call->arguments, "activation"));
    regularize(y, call->arguments, "activity_regularizer");
    return y;
}

const Layer conv2d_layer = {
    .entry = {"conv2d", "Slides small kernels over an image.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
