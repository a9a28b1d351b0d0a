/* sgd: w -= rate g; with momentum m = momentum m - rate g and w += m, or, Nesterov's way, w += momentum m - rate g.
 * Source: keras.io/api/optimizers/sgd; Sutskever et al. 2013. */
#include "optimizer.h"

static const Parameter parameters[] = {
    LEARNING_RATE("0.01"),
    {.name = "momentum", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0", .help = "how much of the last step is kept"},
    {.name = "nesterov", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the gradient's step is applied ahead of the momentum"},
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    slots[0].name = "momentum";
    return argument_number(arguments, "momentum") > 0;
}

static void update(Emit *e, const Object *arguments)
{
    double momentum = argument_number(arguments, "momentum");
    fill_number(e, "MOMENTUM", momentum);
    if (!(momentum > 0)) EMIT(e, "v -= rate * g;");
    else if (!argument_boolean(arguments, "nesterov")) EMIT(e, "m0 = $MOMENTUM * m0 - rate * g;", "v += m0;");
    else EMIT(e, "m0 = $MOMENTUM * m0 - rate * g;", "v += $MOMENTUM * m0 - rate * g;");
}

const Optimizer sgd_optimizer = {
    .entry = {"sgd", "Stochastic gradient descent, with momentum.", parameters, NULL},
    .slots = slots,
    .update = update,
};
