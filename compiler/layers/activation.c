/* activation: one function applied to every number: activation(relu). The functions are rows of a table of their own
 * (compiler/activations/), shared with the argument of that name in dense, conv2d and others. */
#include "../cnnc.h"

static const Parameter parameters[] = {
    {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .help = "the function"},
    {0},
};

Tensor *activation_apply(Graph *graph, const LayerCall *call, Tensor *x, const Object *object)
{
    if (!object) return x;
    const Activation *activation = (const Activation *)(const void *)object->entry;
    if (!activation->op) return x;
    LayerCall inner = *call;
    inner.arguments = object;
    bool own_layer = call->arguments->entry->parameters == parameters;
    if (own_layer) return graph_node(graph, activation->op, &inner, NULL, &x, 1)->outputs[0];
    Tensor *y = graph_node(graph, activation->op, &inner, object->entry->name, &x, 1)->outputs[0];
    tensor_rename(x, memory_format("%s/linear", call->name)); /* the layer's name is that of its result */
    tensor_rename(y, call->name);
    return y;
}

static void identity_shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

static void identity_reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i];
}

static const Operator identity_operator = {
    .name = "identity",
    .flags = OPERATOR_VIEW,
    .shape = identity_shape,
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
