/* selu: y = scale x where x is positive, else scale alpha (e^x - 1), with constants that keep mean and variance of normalised numbers;
 * y' = scale, else y + scale alpha. Source: Klambauer et al. 2017. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    double scale = 1.05070098735548049342, alpha = 1.67326324235437728481;
    return x > 0 ? scale * x : scale * alpha * expm1(x);
}

const Activation selu_activation = {
    .entry = {"selu", "A scaled elu with constants that keep mean and variance.", parameters, NULL},
    .formula = "y = 1.05070099 x where x > 0, else 1.75809934 (e^x - 1)",
    .value = value,
    .forward = "$X = select_f32x$L($X > 0.0f, $X * 1.05070099f, expm1_f32x$L($X) * 1.75809934f);",
    .gradient = "{ const f32x$L value = $A; $X = $X * select_f32x$L(value > 0.0f, (f32x$L){0} + 1.05070099f, value + 1.75809934f); }",
    .monotone = true,
};

const Layer selu_layer = ACTIVATION_LAYER("selu", "A scaled elu with constants that keep mean and variance.", parameters);
