/* ftrl: follow the regularized leader. With p = -learning_rate_power and n the sum of g^2 so far, which is
 * initial_accumulator_value at first:
 * z += g + 2 l2_shrinkage w - (n_new^p - n_old^p) / rate w,
 * w = (z held between -l1 and l1, less z) / (n_new^p / rate + 2 l2 + beta / rate).
 * Source: McMahan et al. 2013, in the form of keras.io/api/optimizers/ftrl. */
#include "optimizer.h"

#define STRENGTH(which, text) {.name = which, .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0", .help = text}

static const Parameter parameters[] = {
    LEARNING_RATE("0.001"),
    {.name = "learning_rate_power", .type = PARAMETER_NUMBER, .minimum = -10, .maximum = 0, .fallback = "-0.5", .help = "of the sums of squares by which steps are divided; 0: the rate stays"},
    {.name = "initial_accumulator_value", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.1", .help = "what the sums of squares are at first"},
    STRENGTH("l1_regularization_strength", "how far from zero the sum of gradients must be for a weight to differ from zero"),
    STRENGTH("l2_regularization_strength", "a penalty that draws the weights to zero"),
    STRENGTH("l2_shrinkage_regularization_strength", "a penalty on the size of the weights, in the gradient"),
    STRENGTH("beta", "slows the first steps"),
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    slots[0] = (Slot){"accumulator", argument_number(arguments, "initial_accumulator_value")};
    slots[1].name = "linear";
    return 2;
}

/* n^p, for n >= 0. */
static void emit_power(Emit *e, const char *to, const char *n, double p)
{
    const char *value = p > 0 ? memory_format("exp_f32x$L($POWER * log_f32x$L(%s))", n) : "(f32x$L){0} + 1.0f";
    if (!(p < 0.5) && !(p > 0.5)) value = memory_format("sqrt_f32x$L(%s)", n);
    fill_number(e, "POWER", p);
    EMIT(e, memory_format("const f32x$L %s = %s;", to, value));
}

static void update(Emit *e, const Object *arguments)
{
    double power = -argument_number(arguments, "learning_rate_power");
    fill_number(e, "L1", argument_number(arguments, "l1_regularization_strength"));
    fill_number(e, "L2", 2 * argument_number(arguments, "l2_regularization_strength"));
    fill_number(e, "SHRINKAGE", 2 * argument_number(arguments, "l2_shrinkage_regularization_strength"));
    fill_number(e, "BETA", argument_number(arguments, "beta"));
    emit_power(e, "before", "m0", power);
    EMIT(e, "m0 += g * g;");
    emit_power(e, "after", "m0", power);
    /* The divisor is 0 in the padding only, where n is: there the least float keeps 0 / 0 away. */
    EMIT(e,
         "m1 += g + $SHRINKAGE * v - (after - before) / rate * v;",
         "const f32x$L edge = (f32x$L){0} - $L1, held = -max_f32x$L(edge, -max_f32x$L(edge, m1));",
         "v = (held - m1) / max_f32x$L((f32x$L){0} + 1.17549435e-38f, after / rate + $L2 + $BETA / rate);");
}

const Optimizer ftrl_optimizer = {
    .entry = {"ftrl", "Weights that sums of gradients hold, for large models with few inputs at a time.", parameters, NULL},
    .slots = slots,
    .update = update,
};
