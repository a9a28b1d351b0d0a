/* silu, also called swish: y = x s, s = 1 / (1 + e^-x); y' = s (1 + x (1 - s)). */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return x / (1 + exp(-x));
}

const Activation silu_activation = {
    .entry = {"silu", "x times its sigmoid; also called swish.", parameters, NULL},
    .formula = "y = x / (1 + e^-x)",
    .value = value,
    .forward = "$X = $X * sigmoid_f32x$L($X);",
    .gradient = "{ const f32x$L value = $A, share = sigmoid_f32x$L(value); $X = $X * (share * (1.0f + value * (1.0f - share))); }",
    .gradient_reads_input = true,
};

const Layer silu_layer = ACTIVATION_LAYER("silu", "x times its sigmoid; also called swish.", parameters);
