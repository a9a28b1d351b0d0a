/* exponential: y = e^x; y' = y. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return exp(x);
}

const Activation exponential_activation = {
    .entry = {"exponential", "e^x.", parameters, NULL},
    .formula = "y = e^x",
    .value = value,
    .forward = "$X = exp_f32x$L($X);",
    .gradient = "$X = $X * $A;",
    .monotone = true,
};

const Layer exponential_layer = ACTIVATION_LAYER("exponential", "e^x.", parameters);
