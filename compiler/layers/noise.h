/* Layers that change each number at random, in training only: operator, gradient, row. A layer says how a vector $X changes, given
 * key<stream>, the key of the step's random numbers, and $I, the number of the first; and how its gradient does, asking for the same
 * random numbers again, so that nothing is stored. */
#ifndef CNNC_NOISE_H
#define CNNC_NOISE_H

#include "../cnnc.h"
#include "../kernels/kernels.h"

static void noise_shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

static void noise_reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i]; /* as in inference */
}

/* Wants `parameters`, `formula`, and the elements of values and gradients. */
#define NOISE_LAYER(layer_name, text, extra_flags, element_of_value, element_of_gradient)                                      \
    static const Operator layer_name##_gradient_operator = {                                                                   \
        .name = #layer_name "_gradient",                                                                                       \
        .suffix = "gradient",                                                                                                  \
        .operands = "x; y",                                                                                                    \
        .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,                                                     \
        .emit = elementwise_emit,                                                                                              \
        .element = element_of_gradient,                                                                                        \
    };                                                                                                                         \
    static void gradient(Graph *graph, Node *node, Tensor *d_output)                                                           \
    {                                                                                                                          \
        gradient_elementwise(graph, node, &layer_name##_gradient_operator, d_output, NULL);                                    \
    }                                                                                                                          \
    static const Operator layer_name##_operator = {                                                                            \
        .name = #layer_name,                                                                                                   \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y",                                                                                                    \
        .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_NOISE | extra_flags,                      \
        .shape = noise_shape,                                                                                                  \
        .reference = noise_reference,                                                                                          \
        .gradient = gradient,                                                                                                  \
        .emit = elementwise_emit,                                                                                              \
        .element = element_of_value,                                                                                           \
        .formula = formula,                                                                                                    \
    };                                                                                                                         \
    ONE_NODE_LAYER(layer_name, text, parameters, layer_name##_operator)

#endif
