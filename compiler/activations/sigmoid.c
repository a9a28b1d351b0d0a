/* sigmoid: y = 1 / (1 + e^-x); y' = y (1 - y). */
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
        r->outputs[0][i] = 1 / (1 + exp(-x));
    }
}

static void element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = sigmoid_f32x$L($X);");
}

/* $X is the gradient of the output, $A the output. */
static void gradient_element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "{", "const f32x$L y = $A;", "$X = $X * y * (1.0f - y);", "}");
}

static const Operator gradient_operator = {
    .name = "sigmoid_gradient",
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
    return "y = 1 / (1 + e^-x)";
}

static const Operator sigmoid_operator = {
    .name = "sigmoid",
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

const Activation sigmoid_activation = {.entry = {"sigmoid", "1 / (1 + e^-x).", parameters, NULL}, .op = &sigmoid_operator};
