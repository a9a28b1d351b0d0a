/* elu: y = x where x is positive, else alpha (e^x - 1); y' = 1, else y + alpha. Source: Clevert et al. 2015. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "alpha", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = HUGE_VAL, .fallback = "1", .help = "-alpha is what very negative numbers come to"},
    {0},
};

static double value(const Object *arguments, double x)
{
    return x > 0 ? x : argument_number(arguments, "alpha") * expm1(x);
}

const Activation elu_activation = {
    .entry = {"elu", "x where it is positive, else alpha (e^x - 1).", parameters, NULL},
    .formula = "y = x where x > 0, else $ALPHA (e^x - 1)",
    .value = value,
    .forward = "$X = select_f32x$L($X > 0.0f, $X, expm1_f32x$L($X) * $ALPHA);",
    .gradient = "{ const f32x$L value = $A; $X = $X * select_f32x$L(value > 0.0f, (f32x$L){0} + 1.0f, value + $ALPHA); }",
    .monotone = true,
};

const Layer elu_layer = ACTIVATION_LAYER("elu", "x where it is positive, else alpha (e^x - 1).", parameters);
