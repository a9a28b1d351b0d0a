/* adadelta: s = rho s + (1 - rho) g^2, step = g sqrt(d + epsilon) / sqrt(s + epsilon), d = rho d + (1 - rho) step^2, w -= rate step.
 * Source: Zeiler 2012, in the form of keras.io/api/optimizers/adadelta. */
#include "optimizer.h"

static const Parameter parameters[] = {
    LEARNING_RATE("0.001"),
    {.name = "rho", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0.95", .help = "how slowly the means of the squares forget"},
    EPSILON("1e-7"),
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    (void)arguments;
    slots[0].name = "accumulated_grad";
    slots[1].name = "accumulated_delta_var";
    return 2;
}

static void update(Emit *e, const Object *arguments)
{
    fill_number(e, "RHO", argument_number(arguments, "rho"));
    fill_number(e, "REST", 1 - argument_number(arguments, "rho"));
    fill_epsilon(e, arguments);
    EMIT(e,
         "m0 = $RHO * m0 + $REST * (g * g);",
         "const f32x$L step_taken = sqrt_f32x$L(m1 + $EPSILON) * g / sqrt_f32x$L(m0 + $EPSILON);",
         "m1 = $RHO * m1 + $REST * (step_taken * step_taken);",
         "v -= rate * step_taken;");
}

const Optimizer adadelta_optimizer = {
    .entry = {"adadelta", "Steps in proportion to those before, by the roots of running means of squares.", parameters, NULL},
    .slots = slots,
    .update = update,
};
