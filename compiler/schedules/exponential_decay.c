/* exponential_decay: initial_learning_rate decay_rate^(t / decay_steps); staircase: the exponent rounded down.
 * Source: keras.io/api/optimizers/learning_rate_schedules/exponential_decay. */
#include "schedule.h"

static const Parameter parameters[] = {
    INITIAL_LEARNING_RATE,
    DECAY_STEPS("decay_steps", "steps after which the rate has been multiplied by decay_rate"),
    DECAY_RATE("what the rate is multiplied by in decay_steps steps"),
    STAIRCASE,
    {0},
};

static const char *rate(const Object *arguments)
{
    return memory_format(argument_boolean(arguments, "staircase") ? "return (float)(%s * pow(%s, floor(t / %s)));\n" : "return (float)(%s * pow(%s, t / %s));\n",
                         double_text(argument_number(arguments, "initial_learning_rate")),
                         double_text(argument_number(arguments, "decay_rate")),
                         double_text(argument_number(arguments, "decay_steps")));
}

const Schedule exponential_decay_schedule = {
    .entry = {"exponential_decay", "The rate is multiplied by decay_rate every decay_steps steps, little by little.", parameters, NULL},
    .rate = rate,
};
