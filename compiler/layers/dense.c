/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o], on the last axis; the other axes are further rows.
 *
 * kernel (inputs, units), packed in panels of units; bias (units). Source: keras.io/api/layers/core_layers/dense. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "units", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the number of outputs"},
    {.name = "activation",
     .type = PARAMETER_OBJECT,
     .table = &activation_table,
     .fallback = "none",
     .help = "what is applied to the result"},
    {.name = "use_bias", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether a bias is added"},
    {.name = "kernel_initializer",
     .type = PARAMETER_OBJECT,
     .table = &initializer_table,
     .fallback = "glorot_uniform",
     .help = "how the kernel is drawn at first"},
    {.name = "bias_initializer",
     .type = PARAMETER_OBJECT,
     .table = &initializer_table,
     .fallback = "zeros",
     .help = "how the bias is drawn at first"},
    REGULARIZER_PARAMETER("kernel", "the kernel"),
    REGULARIZER_PARAMETER("bias", "the bias"),
    REGULARIZER_PARAMETER("activity", "what the layer gives"),
    {0},
};

typedef struct {
    int64_t inputs, outputs, rows;
    bool bias;
} Dense;

static void shape(Graph *graph, Node *node)
{
    Shape *x = &node->inputs[0]->shape;
    if (x->rank < 1) {
        diagnose(node->place, "dense needs an input with at least one axis");
        return;
    }
    Dense *d = node->detail;
    d->inputs = x->size[x->rank - 1];
    d->rows = 1;
    for (int i = 0; i < x->rank - 1; i++) d->rows *= x->size[i];
    Shape kernel = shape_of(2, (const int64_t[]){d->inputs, d->outputs}), bias = shape_of(1, &d->outputs);
    Tensor *weight = graph_weight(graph, node, "kernel", &kernel, true);
    weight->initial = initializer_resolve(argument_object(node->arguments, "kernel_initializer"), &kernel);
    weight->packing = (Packing){d->inputs, d->outputs, graph->openblas ? 0 : graph->panel};
    regularize(weight, node->arguments, "kernel_regularizer");
    if (d->bias) {
        weight = graph_weight(graph, node, "bias", &bias, true);
        weight->initial = initializer_resolve(argument_object(node->arguments, "bias_initializer"), &bias);
        regularize(weight, node->arguments, "bias_regularizer");
    }
    node->outputs[0]->shape = *x;
    node->outputs[0]->shape.size[x->rank - 1] = d->outputs;
}

static int64_t macs(const Node *node)
{
    const Dense *d = node->detail;
    return d->rows * d->inputs * d->outputs;
}

static void reference(const Node *node, Reference *r)
{
    const Dense *d = node->detail;
    for (int64_t m = 0; m < d->rows; m++)
        for (int64_t o = 0; o < d->outputs; o++) {
            double sum = d->bias ? r->weights[1][o] : 0;
            for (int64_t i = 0; i < d->inputs; i++) sum += r->inputs[0][m * d->inputs + i] * r->weights[0][i * d->outputs + o];
            r->outputs[0][m * d->outputs + o] = sum;
        }
}

static void emit(Emit *e, const Node *node)
{
    const Dense *d = node->detail;
    matmul_emit(e, node, d->inputs, d->outputs, d->rows, d->bias ? "bias" : NULL);
}

static void emit_input_gradient(Emit *e, const Node *node)
{
    const Dense *d = node->detail;
    matmul_input_gradient_emit(e, node, d->inputs, d->outputs, d->rows);
}

static void emit_weight_gradient(Emit *e, const Node *node)
{
    const Dense *d = node->detail;
    matmul_weight_gradient_emit(e, node, d->inputs, d->outputs, d->rows, MATMUL_ALL);
}

static void workspace(Graph *graph, Node *node)
{
    const Dense *d = node->detail;
    matmul_workspace(graph, node, d->inputs, d->outputs, d->rows);
}

static bool absorb(Graph *graph, Node *node, Node *reader)
{
    const Dense *d = node->detail;
    return !graph->openblas && !matmul_weight_gradient_is_long(graph, d->rows) && absorb_update(graph, node, reader);
}

static void input_gradient_workspace(Graph *graph, Node *node)
{
    const Dense *d = node->detail;
    matmul_input_gradient_workspace(graph, node, d->inputs, d->outputs);
}

static void weight_gradient_workspace(Graph *graph, Node *node)
{
    const Dense *d = node->detail;
    matmul_weight_gradient_workspace(graph, node, d->inputs, d->outputs, d->rows);
}

static const char *formula(const Node *node)
{
    const Dense *d = node->detail;
    return memory_format("y[o] = %ssum over i of x[i] kernel[i][o]; %lld inputs, %lld outputs",
                         d->bias ? "bias[o] + " : "",
                         (long long)d->inputs,
                         (long long)d->outputs);
}

static const char *input_gradient_formula(const Node *node)
{
    (void)node;
    return "d_x[i] = sum over o of d_y[o] kernel[i][o]";
}

static const char *weight_gradient_formula(const Node *node)
{
    (void)node;
    return "d_kernel[i][o] = sum over samples of x[i] d_y[o]";
}

static const Operator input_gradient_operator = {
    .name = "dense_input_gradient",
    .suffix = "input_gradient",
    .operands = "d_y kernel; d_x work",
    .flags = OPERATOR_EPILOGUE,
    .workspace = input_gradient_workspace,
    .emit = emit_input_gradient,
    .formula = input_gradient_formula,
};

static const Operator weight_gradient_operator = {
    .name = "dense_weight_gradient",
    .suffix = "weight_gradient",
    .operands = "x d_y; d_kernel work",
    .absorb = absorb,
    .workspace = weight_gradient_workspace,
    .emit = emit_weight_gradient,
    .formula = weight_gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    const Dense *d = node->detail;
    gradient_product(
        graph, node, &input_gradient_operator, &weight_gradient_operator, d->bias ? node->weights[1] : NULL, d_output);
}

static const Operator dense_operator = {
    .name = "dense",
    .suffix = "forward",
    .operands = "x; y work",
    .flags = OPERATOR_EPILOGUE,
    .shape = shape,
    .steps = steps_of_rows,
    .macs = macs,
    .reference = reference,
    .gradient = gradient,
    .workspace = workspace,
    .emit = emit,
    .formula = formula,
};

Tensor *dense_product(Graph *graph, const LayerCall *call, const char *suffix, Tensor *x, int64_t outputs, bool bias)
{
    Node *node = graph_node(graph, &dense_operator, call, suffix, &x, 1);
    Dense *d = node->detail = NEW(Dense);
    *d = (Dense){.outputs = outputs, .bias = bias};
    return node->outputs[0];
}

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *y = dense_product(graph, call, NULL, call->inputs[0], argument_size(call->arguments, "units"), argument_boolean(call->arguments, "use_bias"));
    y = activation_apply(graph, call, y, argument_object(call->arguments, "activation"));
    regularize(y, call->arguments, "activity_regularizer");
    return y;
}

const Layer dense_layer = {
    .entry = {"dense", "Every output is a weighted sum of all inputs.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
