/* What the layers that see an image under a random transform have in common: parameters, operator, row. The pixel at row p and
 * column q shows the place h = hh p + hw q + h0, w = wh p + ww q + w0 of the image; a layer says the six numbers of a sample. */
#ifndef CNNC_RANDOM_TRANSFORMS_H
#define CNNC_RANDOM_TRANSFORMS_H

#include "../cnnc.h"
#include "../kernels/kernels.h"

static const char *const fill_modes[] = {"constant", "nearest", "reflect", "wrap", NULL};
static const char *const interpolations[] = {"bilinear", "nearest", NULL};

#define RANDOM_TRANSFORM_PARAMETERS                                                                                            \
    {.name = "fill_mode", .type = PARAMETER_WORD, .words = fill_modes, .fallback = "reflect", .help = "what is seen beyond the border: constant (fill_value), nearest (the border), reflect (the image mirrored), wrap (the image again)"}, \
        {.name = "interpolation", .type = PARAMETER_WORD, .words = interpolations, .fallback = "bilinear", .help = "what is seen between pixels: bilinear (a mean of four), nearest (one of them)"}, \
        SEED_PARAMETER, \
        {.name = "fill_value", .type = PARAMETER_NUMBER, .fallback = "0", .help = "what is seen beyond the border with fill_mode=constant"}, \
        DATA_FORMAT_PARAMETER, {0}

/* The operator, which wants `shape` and `emit`, and the layer of that name. */
#define RANDOM_TRANSFORM_LAYER(layer_name, text, formula_text)                                                                 \
    static const char *formula(const Node *node)                                                                               \
    {                                                                                                                          \
        (void)node;                                                                                                            \
        return formula_text;                                                                                                   \
    }                                                                                                                          \
    static const Operator layer_name##_operator = {                                                                            \
        .name = #layer_name,                                                                                                   \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y",                                                                                                    \
        .flags = OPERATOR_FLAT | OPERATOR_NOISE,                                                                               \
        .shape = shape,                                                                                                        \
        .reference = random_transform_reference,                                                                               \
        .gradient = random_transform_gradient,                                                                                 \
        .emit = emit,                                                                                                          \
        .formula = formula,                                                                                                    \
    };                                                                                                                         \
    ONE_NODE_LAYER(layer_name, text, parameters, layer_name##_operator)

/* Emission with the layer's own numbers. */
static inline void transform_emit(Emit *e, const Node *node, const char *const *coefficients)
{
    random_transform_emit(e, node, coefficients, argument_word(node->arguments, "fill_mode"), argument_word(node->arguments, "interpolation"), argument_number(node->arguments, "fill_value"));
}

#endif
