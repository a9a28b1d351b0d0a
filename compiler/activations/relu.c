/* relu: y = max(x, 0). Its derivative, 0 or 1, can be read off the output. */
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
        r->outputs[0][i] = x > 0 ? x : 0;
    }
}

static void element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = max_f32x$L((f32x$L){0}, $X);");
}

/* $X is the gradient of the output, $A the output. */
static void gradient_element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = keep_f32x$L($A > 0.0f, $X);");
}

static const Operator gradient_operator = {
    .name = "relu_gradient",
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
    return "y = max(x, 0)";
}

static const Operator relu_operator = {
    .name = "relu",
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

const Activation relu_activation = {.entry = {"relu", "max(x, 0).", parameters, NULL}, .op = &relu_operator};
