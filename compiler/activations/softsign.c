/* softsign: y = x / (1 + |x|); y' = 1 / (1 + |x|)^2 = (1 - |y|)^2. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return x / (1 + fabs(x));
}

const Activation softsign_activation = {
    .entry = {"softsign", "x / (1 + |x|).", parameters, NULL},
    .formula = "y = x / (1 + |x|)",
    .value = value,
    .forward = "$X = $X / (abs_f32x$L($X) + 1.0f);",
    .gradient = "{ const f32x$L rest = 1.0f - abs_f32x$L($A); $X = $X * rest * rest; }",
    .monotone = true,
};

const Layer softsign_layer = ACTIVATION_LAYER("softsign", "x / (1 + |x|).", parameters);
