/* lion: w -= rate sign(beta_1 m + (1 - beta_1) g), m = beta_2 m + (1 - beta_2) g.
 * Source: Chen et al. 2023; keras.io/api/optimizers/lion. */
#include "optimizer.h"

static const Parameter parameters[] = {
    LEARNING_RATE("0.001"),
    BETA("1", "0.9", "how much of the mean of the gradients is in the step's direction"),
    BETA("2", "0.99", "how slowly the mean of the gradients forgets"),
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    (void)arguments;
    slots[0].name = "momentum";
    return 1;
}

static void update(Emit *e, const Object *arguments)
{
    fill_number(e, "BETA1", argument_number(arguments, "beta_1"));
    fill_number(e, "REST1", 1 - argument_number(arguments, "beta_1"));
    fill_number(e, "BETA2", argument_number(arguments, "beta_2"));
    fill_number(e, "REST2", 1 - argument_number(arguments, "beta_2"));
    EMIT(e,
         "const f32x$L direction = $BETA1 * m0 + $REST1 * g, length = (f32x$L){0} + rate;",
         "v -= keep_f32x$L(direction > 0.0f, length) - keep_f32x$L(direction < 0.0f, length);",
         "m0 = $BETA2 * m0 + $REST2 * g;");
}

const Optimizer lion_optimizer = {
    .entry = {"lion", "Steps of one length in the direction of a running mean's signs.", parameters, NULL},
    .slots = slots,
    .update = update,
};
