/* hard_sigmoid: y = x / 6 + 1/2, cut off at 0 and 1; y' = 1/6 between. Source: Keras 3 (Keras 2 had x / 5 + 1/2). */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(const Object *arguments, double x)
{
    (void)arguments;
    return fmin(fmax(x / 6 + 0.5, 0), 1);
}

const Activation hard_sigmoid_activation = {
    .entry = {"hard_sigmoid", "x / 6 + 1/2, at least 0 and at most 1: a sigmoid of straight pieces.", parameters, NULL},
    .formula = "y = min(max(x / 6 + 1/2, 0), 1)",
    .value = value,
    .forward = "$X = min_f32x$L((f32x$L){0} + 1.0f, max_f32x$L((f32x$L){0}, $X * 0.166666667f + 0.5f));",
    .gradient = "{ const f32x$L value = $A; $X = keep_f32x$L((value > 0.0f) & (value < 1.0f), $X * 0.166666667f); }",
    .monotone = true,
};

const Layer hard_sigmoid_layer = ACTIVATION_LAYER("hard_sigmoid", "x / 6 + 1/2, at least 0 and at most 1: a sigmoid of straight pieces.", parameters);
