/* activation: one function applied to every number: activation(relu). The functions are rows of a table of their own
 * (compiler/activations/), shared with the argument of that name in dense, conv2d and others. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .help = "the function"},
    {0},
};

static void same_shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

/* ---- the operators of element-wise functions: what they do is the row that the node's arguments are of ---- */

static const Activation *row_of(const Node *node)
{
    return (const Activation *)(const void *)node->arguments->entry;
}

static void reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = row_of(node)->value(node->arguments, r->inputs[0][i]);
}

void activation_value_emit(Emit *e, const Object *object)
{
    EMIT(e, ((const Activation *)(const void *)object->entry)->forward);
}

void activation_gradient_emit(Emit *e, const Object *object)
{
    EMIT(e, ((const Activation *)(const void *)object->entry)->gradient);
}

static void element(Emit *e, const Node *node)
{
    activation_value_emit(e, node->arguments);
}

static void gradient_element(Emit *e, const Node *node)
{
    activation_gradient_emit(e, node->arguments);
}

static const Operator gradient_operator = {
    .name = "activation_gradient",
    .suffix = "gradient",
    .operands = "x a; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .emit = elementwise_emit,
    .element = gradient_element,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, row_of(node)->gradient_reads_input ? node->inputs[0] : node->outputs[0]);
}

static const char *formula(const Node *node)
{
    return row_of(node)->formula;
}

#define FUNCTION_OPERATOR(operator_name, extra_flags)                                                                          \
    static const Operator operator_name = {                                                                                    \
        .name = "activation",                                                                                                  \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y",                                                                                                    \
        .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE | extra_flags,                                       \
        .shape = same_shape,                                                                                                   \
        .reference = reference,                                                                                                \
        .gradient = gradient,                                                                                                  \
        .emit = elementwise_emit,                                                                                              \
        .element = element,                                                                                                    \
        .formula = formula,                                                                                                    \
    };
FUNCTION_OPERATOR(function_operator, 0)
FUNCTION_OPERATOR(monotone_operator, OPERATOR_MONOTONE)

/* ---- the layer ---- */

Tensor *activation_apply(Graph *graph, const LayerCall *call, Tensor *x, const Object *object)
{
    if (!object) return x;
    const Activation *activation = (const Activation *)(const void *)object->entry;
    const Operator *op = activation->op ? activation->op : activation->monotone ? &monotone_operator : &function_operator;
    if (!activation->op && !activation->forward) return x;
    LayerCall inner = *call;
    inner.arguments = object;
    bool own_layer = call->arguments->entry->parameters == parameters;
    if (own_layer) return graph_node(graph, op, &inner, NULL, &x, 1)->outputs[0];
    Tensor *y = graph_node(graph, op, &inner, object->entry->name, &x, 1)->outputs[0];
    tensor_rename(x, memory_format("%s/linear", call->name)); /* the layer's name is that of its result */
    tensor_rename(y, call->name);
    return y;
}

static void identity_reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i];
}

static const Operator identity_operator = {
    .name = "identity",
    .flags = OPERATOR_VIEW,
    .shape = same_shape,
    .reference = identity_reference,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *y = activation_apply(graph, call, call->inputs[0], argument_object(call->arguments, "activation"));
    return y != call->inputs[0] ? y : graph_node(graph, &identity_operator, call, NULL, call->inputs, 1)->outputs[0];
}

const Layer activation_layer = {
    .entry = {"activation", "Applies a function to every number.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
