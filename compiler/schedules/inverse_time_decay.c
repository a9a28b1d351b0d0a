/* inverse_time_decay: initial_learning_rate / (1 + decay_rate t / decay_steps); staircase: the quotient rounded down.
 * Source: keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay. */
#include "schedule.h"

static const Parameter parameters[] = {
    INITIAL_LEARNING_RATE,
    DECAY_STEPS("decay_steps", "steps after which decay_rate has been added to the divisor"),
    DECAY_RATE("what the divisor, 1 at first, grows by in decay_steps steps"),
    STAIRCASE,
    {0},
};

static const char *rate(const Object *arguments)
{
    return memory_format(argument_boolean(arguments, "staircase") ? "return (float)(%s / (1.0 + %s * floor(t / %s)));\n" : "return (float)(%s / (1.0 + %s * (t / %s)));\n",
                         double_text(argument_number(arguments, "initial_learning_rate")),
                         double_text(argument_number(arguments, "decay_rate")),
                         double_text(argument_number(arguments, "decay_steps")));
}

const Schedule inverse_time_decay_schedule = {
    .entry = {"inverse_time_decay", "The rate is divided by a number that grows with the steps.", parameters, NULL},
    .rate = rate,
};
