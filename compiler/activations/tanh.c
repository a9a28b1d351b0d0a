/* tanh: y = tanh(x); y' = 1 - y^2. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return tanh(x);
}

const Activation tanh_activation = {
    .entry = {"tanh", "The hyperbolic tangent.", parameters, NULL},
    .formula = "y = tanh(x)",
    .value = value,
    .forward = "$X = tanh_f32x$L($X);",
    .gradient = "{ const f32x$L value = $A; $X = $X * (1.0f - value * value); }",
    .monotone = true,
};

const Layer tanh_layer = ACTIVATION_LAYER("tanh", "The hyperbolic tangent.", parameters);
