/* polynomial_decay: end_learning_rate + (initial_learning_rate - end_learning_rate) (1 - t / s)^power, t being decay_steps at most and s
 * decay_steps; with cycle s is the first multiple of decay_steps that t does not exceed, and the rate rises again behind each.
 * Source: keras.io/api/optimizers/learning_rate_schedules/polynomial_decay. */
#include "schedule.h"

static const Parameter parameters[] = {
    INITIAL_LEARNING_RATE,
    DECAY_STEPS("decay_steps", "steps until the rate is end_learning_rate"),
    {.name = "end_learning_rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.0001", .help = "the rate at the end"},
    {.name = "power", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "1", .help = "of the polynomial; 1: the rate falls along a line"},
    {.name = "cycle", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the rate rises again after decay_steps"},
    {0},
};

static const char *rate(const Object *arguments)
{
    const char *steps = double_text(argument_number(arguments, "decay_steps")), *end = double_text(argument_number(arguments, "end_learning_rate"));
    const char *part = argument_boolean(arguments, "cycle") ? memory_format("const double part = t > 0.0 ? t / (%s * ceil(t / %s)) : 0.0;\n", steps, steps)
                                                            : memory_format("const double part = t < %s ? t / %s : 1.0;\n", steps, steps);
    return memory_format("%sreturn (float)(%s + (%s - %s) * pow(1.0 - part, %s));\n",
                         part,
                         end,
                         double_text(argument_number(arguments, "initial_learning_rate")),
                         end,
                         double_text(argument_number(arguments, "power")));
}

const Schedule polynomial_decay_schedule = {
    .entry = {"polynomial_decay", "The rate falls to another along a polynomial.", parameters, NULL},
    .rate = rate,
};
