/* sigmoid: y = 1 / (1 + e^-x); y' = y (1 - y). */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return 1 / (1 + exp(-x));
}

const Activation sigmoid_activation = {
    .entry = {"sigmoid", "1 / (1 + e^-x).", parameters, NULL},
    .formula = "y = 1 / (1 + e^-x)",
    .value = value,
    .forward = "$X = sigmoid_f32x$L($X);",
    .gradient = "{ const f32x$L value = $A; $X = $X * value * (1.0f - value); }",
    .monotone = true,
};

const Layer sigmoid_layer = ACTIVATION_LAYER("sigmoid", "1 / (1 + e^-x).", parameters);
