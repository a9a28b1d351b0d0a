/* activation: one function applied to every number: activation(relu). The functions are rows of a table of their own
 * (compiler/activations/), shared with the argument of that name in dense, conv2d and others; each is a layer of its own as well. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

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

const Activation *activation_row(const Object *arguments)
{
    const Activation *row = (const Activation *)(const void *)table_find(&activation_table, arguments->entry->name);
    return row->variant ? row->variant(arguments) : row;
}

static void reference(const Node *node, Reference *r)
{
    const Activation *row = activation_row(node->arguments);
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = row->value(node->arguments, r->inputs[0][i]);
}

/* A hole is called like the parameter, in capitals alone. */
static bool is_called(const char *hole, size_t length, const char *parameter)
{
    size_t i = 0;
    for (const char *c = parameter; *c; c++)
        if (*c != '_' && (i == length || toupper((unsigned char)*c) != hole[i++])) return false;
    return i == length;
}

/* The template with the numbers among the arguments in their holes; those of the writer of templates stay. NULL stays NULL. */
static const char *with_numbers(const char *template, const Object *arguments, bool as_code)
{
    if (!template) return NULL;
    Text text = {0};
    text_add(&text, "%s", "");
    for (size_t length; *template; template += length) {
        length = strcspn(template, "$");
        text_add_bytes(&text, template, length);
        if (length) continue;
        for (length = 1; isupper((unsigned char)template[length]);) length++;
        const Parameter *p = arguments->entry->parameters;
        while (p->name && !is_called(template + 1, length - 1, p->name)) p++;
        double number = p->name && has_argument(arguments, p->name) ? argument_number(arguments, p->name) : HUGE_VAL;
        if (!p->name) text_add_bytes(&text, template, length);
        else text_add(&text, "%s", as_code ? float_text(number) : number_text(number));
    }
    return text.data;
}

void activation_value_emit(Emit *e, const Object *object)
{
    EMIT(e, with_numbers(activation_row(object)->forward, object, true));
}

void activation_gradient_emit(Emit *e, const Object *object)
{
    EMIT(e, with_numbers(activation_row(object)->gradient, object, true));
}

static void element(Emit *e, const Node *node)
{
    activation_value_emit(e, node->arguments);
}

static void gradient_element(Emit *e, const Node *node)
{
    activation_gradient_emit(e, node->arguments);
}

#define GRADIENT_OPERATOR(operator_name, extra_flags)                                                                          \
    static const Operator operator_name = {                                                                                    \
        .name = "activation_gradient",                                                                                         \
        .suffix = "gradient",                                                                                                  \
        .operands = "x a; y",                                                                                                  \
        .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE | extra_flags,                                       \
        .emit = elementwise_emit,                                                                                              \
        .element = gradient_element,                                                                                           \
    };
GRADIENT_OPERATOR(gradient_operator, 0)
GRADIENT_OPERATOR(sign_gradient_operator, OPERATOR_READS_SIGN)
GRADIENT_OPERATOR(rectifier_gradient_operator, OPERATOR_READS_SIGN | OPERATOR_RECTIFIES)

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    const Activation *row = activation_row(node->arguments);
    const Operator *op = row->rectifies ? &rectifier_gradient_operator : row->gradient_reads_sign ? &sign_gradient_operator : &gradient_operator;
    gradient_elementwise(graph, node, op, d_output, row->gradient_reads_input ? node->inputs[0] : node->outputs[0]);
}

static const char *formula(const Node *node)
{
    return with_numbers(activation_row(node->arguments)->formula, node->arguments, false);
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
FUNCTION_OPERATOR(rectifier_operator, OPERATOR_MONOTONE | OPERATOR_RECTIFIES)

/* ---- the layer ---- */

/* The function as a node of its own; where it does nothing, x. */
static Tensor *apply(Graph *graph, const LayerCall *call, const char *suffix, Tensor *x, const Object *arguments)
{
    const Activation *row = activation_row(arguments);
    if (!row->op && !row->forward) return x;
    LayerCall inner = *call;
    inner.arguments = arguments;
    return graph_node(graph, row->op ? row->op : row->rectifies ? &rectifier_operator : row->monotone ? &monotone_operator : &function_operator, &inner, suffix, &x, 1)->outputs[0];
}

Tensor *activation_apply(Graph *graph, const LayerCall *call, Tensor *x, const Object *object)
{
    Tensor *y = object ? apply(graph, call, object->entry->name, x, object) : x;
    if (y == x) return x;
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
    .steps = steps_kept,
    .reference = identity_reference,
};

static Tensor *build_layer(Graph *graph, const LayerCall *call, const Object *object)
{
    Tensor *x = call->inputs[0], *y = apply(graph, call, NULL, x, object);
    return y != x ? y : graph_node(graph, &identity_operator, call, NULL, &x, 1)->outputs[0];
}

Tensor *activation_build(Graph *graph, const LayerCall *call)
{
    return build_layer(graph, call, call->arguments);
}

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return build_layer(graph, call, argument_object(call->arguments, "activation"));
}

const Layer activation_layer = {
    .entry = {"activation", "Applies a function to every number.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
