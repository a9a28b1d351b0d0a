/* tanh: y = tanh(x); y' = 1 - y^2. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

static void reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) {
        double x = r->inputs[0][i];
        r->outputs[0][i] = tanh(x);
    }
}

static void element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = tanh_f32x$L($X);");
}

/* $X is the gradient of the output, $A the output. */
static void gradient_element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "{", "const f32x$L y = $A;", "$X = $X * (1.0f - y * y);", "}");
}

static const Operator gradient_operator = {
    .name = "tanh_gradient",
    .suffix = "gradient",
    .operands = "x a; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .emit = elementwise_emit,
    .element = gradient_element,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, node->outputs[0]);
}

static const char *formula(const Node *node)
{
    (void)node;
    return "y = tanh(x)";
}

static const Operator tanh_operator = {
    .name = "tanh",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_MONOTONE,
    .shape = shape,
    .reference = reference,
    .gradient = gradient,
    .emit = elementwise_emit,
    .element = element,
    .formula = formula,
};

const Activation tanh_activation = {.entry = {"tanh", "The hyperbolic tangent.", parameters, NULL}, .op = &tanh_operator};
