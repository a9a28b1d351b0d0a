/* adagrad: s += g^2, w -= rate g / sqrt(s + epsilon); s is initial_accumulator_value at first.
 * Source: Duchi, Hazan and Singer 2011, in the form of keras.io/api/optimizers/adagrad. */
#include "optimizer.h"

static const Parameter parameters[] = {
    LEARNING_RATE("0.001"),
    {.name = "initial_accumulator_value", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.1", .help = "what the sums of squares are at first"},
    EPSILON("1e-7"),
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    slots[0] = (Slot){"accumulator", argument_number(arguments, "initial_accumulator_value")};
    return 1;
}

static void update(Emit *e, const Object *arguments)
{
    fill_epsilon(e, arguments);
    EMIT(e, "m0 += g * g;", "v -= rate * g / sqrt_f32x$L(m0 + $EPSILON);");
}

const Optimizer adagrad_optimizer = {
    .entry = {"adagrad", "Steps divided by the root of the sum of all squared gradients.", parameters, NULL},
    .slots = slots,
    .update = update,
};
