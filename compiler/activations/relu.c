/* relu: y = max(x, 0); its derivative, 0 or 1, can be read off the output. */
#include "../cnnc.h"

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return x > 0 ? x : 0;
}

const Activation relu_activation = {
    .entry = {"relu", "max(x, 0).", parameters, NULL},
    .formula = "y = max(x, 0)",
    .value = value,
    .forward = "$X = max_f32x$L((f32x$L){0}, $X);",
    .gradient = "$X = keep_f32x$L($A > 0.0f, $X);",
    .monotone = true,
};
