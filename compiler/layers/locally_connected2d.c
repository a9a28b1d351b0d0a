/* locally_connected2d: y[p][q][k] = bias[p][q][k] + sum over i = (r, s, c) of x[p stride + r][q stride + s][c] kernel[p columns + q][i][k]:
 * a convolution without shared weights, each place having a kernel of its own.
 *
 * kernel (rows * columns, kernel_height * kernel_width * channels, filters); bias (rows, columns, filters). Source: Keras 2's
 * LocallyConnected2D, implementation 1 (github.com/keras-team/keras/blob/v2.12.0/keras/layers/locally_connected/locally_connected2d.py). */
#include "convolutions.h"

static const Parameter parameters[] = {
    FILTERS_PARAMETER,
    KERNEL_SIZE_PARAMETER,
    STRIDES_PARAMETER,
    {.name = "padding", .type = PARAMETER_WORD, .words = (const char *const[]){"valid", NULL}, .fallback = "valid", .help = "valid: the kernels stay on the image"},
    DATA_FORMAT_PARAMETER,
    ACTIVATION_PARAMETER,
    USE_BIAS_PARAMETER,
    INITIALIZER_PARAMETER("kernel", "glorot_uniform", "the kernels are"),
    INITIALIZER_PARAMETER("bias", "zeros", "the biases are"),
    REGULARIZER_PARAMETER("kernel", "the kernels"),
    REGULARIZER_PARAMETER("bias", "the biases"),
    REGULARIZER_PARAMETER("activity", "what the layer gives"),
    {0},
};

static void shape(Graph *graph, Node *node)
{
    const Object *a = node->arguments;
    Convolution *c = convolution_windows(node, 2);
    if (!c) return;
    c->filters = argument_size(a, "filters");
    Shape window = shape_of(3, (const int64_t[]){c->kernel_height, c->kernel_width, c->channels});
    Shape kernel = shape_of(3, (const int64_t[]){c->rows * c->columns, shape_count(&window), c->filters});
    Shape bias = shape_of(3, (const int64_t[]){c->rows, c->columns, c->filters});
    convolution_weight(graph, node, "kernel", "kernel", &kernel);
    if (argument_boolean(a, "use_bias")) convolution_weight(graph, node, "bias", "bias", &bias);
    node->outputs[0]->shape = bias;
}

static const char *bias_of(const Node *node)
{
    return node->weight_count > 1 ? "bias" : NULL;
}

static int64_t macs(const Node *node)
{
    return shape_count(&node->weights[0]->shape);
}

static void reference(const Node *node, Reference *r)
{
    const Convolution *c = node->detail;
    int64_t run = c->kernel_width * c->channels;
    for (int64_t place = 0; place < c->rows * c->columns; place++)
        for (int64_t k = 0; k < c->filters; k++) {
            double sum = bias_of(node) ? r->weights[1][place * c->filters + k] : 0;
            for (int64_t i = 0; i < c->kernel_height * run; i++) {
                int64_t h = place / c->columns * c->stride_height + i / run, w = place % c->columns * c->stride_width;
                double x = r->inputs[0][(h * c->width + w) * c->channels + i % run];
                sum += x * r->weights[0][(place * c->kernel_height * run + i) * c->filters + k];
            }
            r->outputs[0][place * c->filters + k] = sum;
        }
}

static void emit(Emit *e, const Node *node)
{
    local_emit(e, node, node->detail, bias_of(node));
}

static void emit_input_gradient(Emit *e, const Node *node)
{
    local_input_gradient_emit(e, node, node->detail);
}

static void emit_weight_gradient(Emit *e, const Node *node)
{
    local_weight_gradient_emit(e, node, node->detail);
}

static void input_gradient_workspace(Graph *graph, Node *node)
{
    graph_workspace(graph, node, local_turned_floats(node->detail), 1);
}

static const char *formula(const Node *node)
{
    return memory_format("y[p][q][k] = %ssum over i of the pixels x[][][] under the kernel at (p, q), times kernel[p, q][i][k]", bias_of(node) ? "bias[p][q][k] + " : "");
}

static const char *input_gradient_formula(const Node *node)
{
    (void)node;
    return "d_x[][][] under the kernel at (p, q) += sum over k of d_y[p][q][k] kernel[p, q][i][k]";
}

static const char *weight_gradient_formula(const Node *node)
{
    (void)node;
    return "d_kernel[p, q][i][k] = sum over samples of x[][][] under the kernel at (p, q), times d_y[p][q][k]";
}

static const Operator input_gradient_operator = {
    .name = "locally_connected2d_input_gradient",
    .suffix = "input_gradient",
    .operands = "d_y kernel; d_x turned",
    .workspace = input_gradient_workspace,
    .emit = emit_input_gradient,
    .formula = input_gradient_formula,
};

static const Operator weight_gradient_operator = {
    .name = "locally_connected2d_weight_gradient",
    .suffix = "weight_gradient",
    .operands = "x d_y; d_kernel",
    .absorb = absorb_update,
    .emit = emit_weight_gradient,
    .formula = weight_gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_product(graph, node, &input_gradient_operator, &weight_gradient_operator, bias_of(node) ? node->weights[1] : NULL, d_output);
}

static const Operator locally_connected2d_operator = {
    .name = "locally_connected2d",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_EPILOGUE,
    .shape = shape,
    .macs = macs,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return convolution_layer(graph, call, graph_node(graph, &locally_connected2d_operator, call, NULL, call->inputs, 1)->outputs[0]);
}

const Layer locally_connected2d_layer = {
    .entry = {"locally_connected2d", "A convolution with another kernel at each place.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
