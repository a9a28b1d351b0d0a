/* relu and what is made of it: y = x above a threshold, but no more than a largest value; below it a slope times x - threshold, 0 for the
 * plain max(x, 0). Which piece a number fell into can be read off the output: that is at most 0 below the threshold, and the largest value
 * where it is cut. Source: keras.io/api/layers/activations, activation_layers/relu. */
#include "../cnnc.h"

#include <math.h>

#define SLOPE(default_slope) {.name = "negative_slope", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = HUGE_VAL, .fallback = default_slope, .help = "the slope below the threshold"}
#define MOST {.name = "max_value", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = HUGE_VAL, .fallback = "none", .help = "the largest value; none: no limit"}
#define THRESHOLD {.name = "threshold", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = HUGE_VAL, .fallback = "0", .help = "below it numbers are damped"}

static const Parameter parameters[] = {SLOPE("0"), MOST, THRESHOLD, {0}}, layer_parameters[] = {MOST, SLOPE("0"), THRESHOLD, {0}};
static const Parameter leaky_parameters[] = {SLOPE("0.2"), {0}}, leaky_layer_parameters[] = {SLOPE("0.3"), {0}};
static const Parameter none[] = {{0}};

static double plain_value(const Object *arguments, double x)
{
    (void)arguments;
    return x > 0 ? x : 0;
}

static double leaky_value(const Object *arguments, double x)
{
    return x > 0 ? x : x * argument_number(arguments, "negative_slope");
}

static double six_value(const Object *arguments, double x)
{
    return fmin(plain_value(arguments, x), 6);
}

static double value(const Object *arguments, double x)
{
    double threshold = argument_number(arguments, "threshold"), most = has_argument(arguments, "max_value") ? argument_number(arguments, "max_value") : HUGE_VAL;
    return x > threshold ? fmin(x, most) : argument_number(arguments, "negative_slope") * (x - threshold);
}

/* The rows that arguments choose. */
static const Activation sloped = {
    .formula = "y = x above $THRESHOLD, at most $MAXVALUE; below it $NEGATIVESLOPE (x - $THRESHOLD)",
    .value = value,
    .forward = "$X = select_f32x$L($X <= $THRESHOLD, ($X - $THRESHOLD) * $NEGATIVESLOPE, min_f32x$L((f32x$L){0} + $MAXVALUE, $X));",
    .gradient = "{ const f32x$L value = $A; $X = select_f32x$L(value > 0.0f, keep_f32x$L(value < $MAXVALUE, $X), $X * $NEGATIVESLOPE); }",
    .monotone = true,
};

static const Activation bounded = {
    .formula = "y = x above $THRESHOLD, at most $MAXVALUE; else 0",
    .value = value,
    .forward = "$X = keep_f32x$L(~($X <= $THRESHOLD), min_f32x$L((f32x$L){0} + $MAXVALUE, $X));",
    .gradient = "{ const f32x$L value = $A; $X = keep_f32x$L((value > 0.0f) & (value < $MAXVALUE), $X); }",
    .monotone = true,
};

static const Activation *variant(const Object *arguments)
{
    bool leaks = argument_number(arguments, "negative_slope") > 0;
    if (has_argument(arguments, "max_value") || argument_number(arguments, "threshold") > 0) return leaks ? &sloped : &bounded;
    return leaks ? &leaky_relu_activation : &relu_activation;
}

const Activation relu_activation = {
    .entry = {"relu", "max(x, 0); with arguments the slope below a threshold, and a largest value.", parameters, NULL},
    .variant = variant,
    .formula = "y = max(x, 0)",
    .value = plain_value,
    .forward = "$X = max_f32x$L((f32x$L){0}, $X);",
    .gradient = "$X = keep_f32x$L($A > 0.0f, $X);",
    .gradient_reads_sign = true,
    .monotone = true,
    .rectifies = true,
};

const Activation leaky_relu_activation = {
    .entry = {"leaky_relu", "x where it is positive, else a small multiple of it.", leaky_parameters, NULL},
    .formula = "y = x, or $NEGATIVESLOPE x where x < 0",
    .value = leaky_value,
    .forward = "$X = select_f32x$L($X > 0.0f, $X, $X * $NEGATIVESLOPE);",
    .gradient = "$X = select_f32x$L($A > 0.0f, $X, $X * $NEGATIVESLOPE);",
    .gradient_reads_sign = true,
    .monotone = true,
};

const Activation relu6_activation = {
    .entry = {"relu6", "max(x, 0), but at most 6.", none, NULL},
    .formula = "y = min(max(x, 0), 6)",
    .value = six_value,
    .forward = "$X = min_f32x$L((f32x$L){0} + 6.0f, max_f32x$L((f32x$L){0}, $X));",
    .gradient = "{ const f32x$L value = $A; $X = keep_f32x$L((value > 0.0f) & (value < 6.0f), $X); }",
    .monotone = true,
};

const Layer relu_layer = ACTIVATION_LAYER("relu", "max(x, 0); with arguments a largest value, and the slope below a threshold.", layer_parameters);
const Layer relu6_layer = ACTIVATION_LAYER("relu6", "max(x, 0), but at most 6.", none);
const Layer leaky_relu_layer = ACTIVATION_LAYER("leaky_relu", "x where it is positive, else a small multiple of it.", leaky_layer_parameters);
