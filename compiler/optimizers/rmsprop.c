/* rmsprop: s = rho s + (1 - rho) g^2, step = rate g / sqrt(s + epsilon), w -= step; centered: s less the square of the running mean of g.
 * With momentum m = momentum m + step, w -= m. Source: Hinton's lecture 6e, in the form of keras.io/api/optimizers/rmsprop. */
#include "optimizer.h"

static const Parameter parameters[] = {
    LEARNING_RATE("0.001"),
    {.name = "rho", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0.9", .help = "how slowly the mean of the squares forgets"},
    {.name = "momentum", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0", .help = "how much of the last step is kept"},
    EPSILON("1e-7"),
    {.name = "centered", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the variance takes the place of the mean of the squares"},
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    int count = 1;
    slots[0].name = "velocity";
    if (argument_number(arguments, "momentum") > 0) slots[count++].name = "momentum";
    if (argument_boolean(arguments, "centered")) slots[count++].name = "average_gradient";
    return count;
}

static void update(Emit *e, const Object *arguments)
{
    double rho = argument_number(arguments, "rho"), momentum = argument_number(arguments, "momentum");
    fill_number(e, "RHO", rho);
    fill_number(e, "REST", 1 - rho);
    fill_number(e, "MOMENTUM", momentum);
    fill_epsilon(e, arguments);
    fill(e, "MEAN", "%s", momentum > 0 ? "m2" : "m1");
    EMIT(e, "m0 = $RHO * m0 + $REST * (g * g);");
    if (argument_boolean(arguments, "centered")) /* where all gradients were the same rounding may leave less than nothing */
        EMIT(e,
             "$MEAN = $RHO * $MEAN + $REST * g;",
             "const f32x$L step_taken = rate * g / sqrt_f32x$L(max_f32x$L((f32x$L){0}, m0 - $MEAN * $MEAN) + $EPSILON);");
    else EMIT(e, "const f32x$L step_taken = rate * g / sqrt_f32x$L(m0 + $EPSILON);");
    if (momentum > 0) EMIT(e, "m1 = $MOMENTUM * m1 + step_taken;", "v -= m1;");
    else EMIT(e, "v -= step_taken;");
}

const Optimizer rmsprop_optimizer = {
    .entry = {"rmsprop", "Steps divided by the root of a running mean of the squared gradients.", parameters, NULL},
    .slots = slots,
    .update = update,
};
