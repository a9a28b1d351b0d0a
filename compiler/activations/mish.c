/* mish: y = x tanh(log(1 + e^x)). Source: Misra 2019. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return x * tanh(fmax(x, 0) + log1p(exp(-fabs(x))));
}

const Activation mish_activation = {
    .entry = {"mish", "x tanh(log(1 + e^x)).", parameters, NULL},
    .formula = "y = x tanh(log(1 + e^x))",
    .value = value,
    .forward = "$X = mish_f32x$L($X);",
    .gradient = "$X = $X * mish_slope_f32x$L($A);",
    .gradient_reads_input = true,
};

const Layer mish_layer = ACTIVATION_LAYER("mish", "x tanh(log(1 + e^x)).", parameters);
