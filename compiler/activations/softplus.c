/* softplus: y = log(1 + e^x), a smooth relu; y' = 1 / (1 + e^-x) = 1 - e^-y. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

const Activation softplus_activation = {
    .entry = {"softplus", "log(1 + e^x), a smooth relu.", parameters, NULL},
    .formula = "y = log(1 + e^x)",
    .value = value,
    .forward = "$X = softplus_f32x$L($X);",
    .gradient = "$X = $X * -expm1_f32x$L(-$A);",
    .monotone = true,
};

const Layer softplus_layer = ACTIVATION_LAYER("softplus", "log(1 + e^x), a smooth relu.", parameters);
