/* gelu: y = x P(x), P(x) being the share of the standard normal distribution below x; y' = P(x) + x e^(-x^2 / 2) / sqrt(2 pi).
 * Approximately P is the sigmoid of 2 u, u = sqrt(2 / pi) (x + 0.044715 x^3). Source: Hendrycks and Gimpel 2016. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "approximate", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "by a tanh instead of the normal distribution"},
    {0},
};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return x * 0.5 * erfc(-x / sqrt(2));
}

static double approximate_value(const Object *arguments, double x)
{
    (void)arguments;
    return x / (1 + exp(-2 * sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}

static const Activation approximate = {
    .formula = "y = x / (1 + e^(-1.59576912 (x + 0.044715 x^3)))",
    .value = approximate_value,
    .forward = "$X = $X * sigmoid_f32x$L($X * ($X * $X * 0.0713548163f + 1.59576912f));",
    .gradient = "{ const f32x$L value = $A, square = value * value, share = sigmoid_f32x$L(value * (square * 0.0713548163f + 1.59576912f)); $X = $X * (share * (1.0f + value * (1.0f - share) * (square * 0.214064449f + 1.59576912f))); }",
    .gradient_reads_input = true,
};

static const Activation *variant(const Object *arguments)
{
    return argument_boolean(arguments, "approximate") ? &approximate : &gelu_activation;
}

const Activation gelu_activation = {
    .entry = {"gelu", "x times the share of the normal distribution below x.", parameters, NULL},
    .variant = variant,
    .formula = "y = x P(x), P(x) the share of the normal distribution below x",
    .value = value,
    .forward = "$X = gelu_f32x$L($X);",
    .gradient = "$X = $X * gelu_slope_f32x$L($A);",
    .gradient_reads_input = true,
};

const Layer gelu_layer = ACTIVATION_LAYER("gelu", "x times the share of the normal distribution below x.", parameters);
