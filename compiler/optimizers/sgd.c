/* sgd: w -= rate g; with momentum m = momentum m - rate g and w += m, or, Nesterov's way, w += momentum m - rate g.
 * Source: keras.io/api/optimizers/sgd; Sutskever et al. 2013. */
#include "../cnnc.h"

static const Parameter parameters[] = {
    {.name = "learning_rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.01", .help = "the length of a step"},
    {.name = "momentum", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0", .help = "how much of the last step is kept"},
    {.name = "nesterov", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the gradient's step is applied ahead of the momentum"},
    {0},
};

static int slots(const Object *arguments, const char **names)
{
    names[0] = "momentum";
    return argument_number(arguments, "momentum") > 0;
}

static void update(Emit *e, const Object *arguments)
{
    double momentum = argument_number(arguments, "momentum");
    fill(e, "MOMENTUM", "%s", float_text(momentum));
    if (!(momentum > 0)) EMIT(e, "v -= rate * g;");
    else if (!argument_boolean(arguments, "nesterov")) EMIT(e, "m0 = $MOMENTUM * m0 - rate * g;", "v += m0;");
    else EMIT(e, "m0 = $MOMENTUM * m0 - rate * g;", "v += $MOMENTUM * m0 - rate * g;");
}

const Optimizer sgd_optimizer = {
    .entry = {"sgd", "Stochastic gradient descent, with momentum.", parameters, NULL},
    .slots = slots,
    .update = update,
};
