/* rescaling: y = x * scale + offset. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "scale", .type = PARAMETER_NUMBER, .help = "what each number is multiplied by"},
    {.name = "offset", .type = PARAMETER_NUMBER, .fallback = "0", .help = "what is added then"},
    {0},
};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

static void reference(const Node *node, Reference *r)
{
    double scale = argument_number(node->arguments, "scale"), offset = argument_number(node->arguments, "offset");
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i] * scale + offset;
}

static void element(Emit *e, const Node *node)
{
    double offset = argument_number(node->arguments, "offset");
    fill(e, "SCALE", "%s", float_text(argument_number(node->arguments, "scale")));
    fill(e, "OFFSET", "%s", float_text(offset < 0 ? -offset : offset));
    if (offset < 0) EMIT(e, "$X = $X * $SCALE - $OFFSET;");
    else if (offset > 0) EMIT(e, "$X = $X * $SCALE + $OFFSET;");
    else EMIT(e, "$X = $X * $SCALE;");
}

static void gradient_element(Emit *e, const Node *node)
{
    fill(e, "SCALE", "%s", float_text(argument_number(node->arguments, "scale")));
    EMIT(e, "$X = $X * $SCALE;");
}

static const Operator gradient_operator = {
    .name = "rescaling_gradient",
    .suffix = "gradient",
    .operands = "x; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .emit = elementwise_emit,
    .element = gradient_element,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, NULL);
}

static const char *formula(const Node *node)
{
    return memory_format("y = x * %.9g + %.9g", argument_number(node->arguments, "scale"), argument_number(node->arguments, "offset"));
}

#define RESCALING_OPERATOR(name_, flags_)                                                                                        \
    static const Operator name_ = {                                                                                            \
        .name = "rescaling",                                                                                                   \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y",                                                                                                    \
        .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE | (flags_),                                          \
        .shape = shape,                                                                                                        \
        .reference = reference,                                                                                                \
        .gradient = gradient,                                                                                                  \
        .emit = elementwise_emit,                                                                                              \
        .element = element,                                                                                                    \
        .formula = formula,                                                                                                    \
    };
RESCALING_OPERATOR(rescaling_operator, 0)
RESCALING_OPERATOR(scaling_operator, OPERATOR_KEEPS_SIGN) /* by a positive number, and nothing is added */

static Tensor *build(Graph *graph, const LayerCall *call)
{
    bool keeps_sign = argument_number(call->arguments, "scale") > 0 && !(fabs(argument_number(call->arguments, "offset")) > 0);
    return graph_node(graph, keeps_sign ? &scaling_operator : &rescaling_operator, call, NULL, call->inputs, 1)->outputs[0];
}

const Layer rescaling_layer = {
    .entry = {"rescaling", "Multiplies by a constant and adds another: rescaling(1/255) maps bytes to 0 .. 1.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
