/* cosine_decay: r ((1 - alpha) (1 + cos(pi t / decay_steps)) / 2 + alpha) until t is decay_steps, with r = initial_learning_rate.
 * With a warmup_target the rate first rises along a line to that in warmup_steps, and then r is the target and t counted from there.
 * Source: Loshchilov and Hutter 2017; keras.io/api/optimizers/learning_rate_schedules/cosine_decay. */
#include "schedule.h"

static const Parameter parameters[] = {
    INITIAL_LEARNING_RATE,
    DECAY_STEPS("decay_steps", "steps of the decay"),
    ALPHA,
    {.name = "warmup_target", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "none", .help = "the rate to which it rises first"},
    {.name = "warmup_steps", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0", .help = "steps of the rise"},
    {0},
};

static const char *rate(const Object *arguments)
{
    double alpha = argument_number(arguments, "alpha");
    const char *steps = double_text(argument_number(arguments, "decay_steps")), *start = double_text(argument_number(arguments, "initial_learning_rate"));
    const char *warmup = "double decayed = t;\n";
    if (has_argument(arguments, "warmup_target")) {
        double rise = argument_number(arguments, "warmup_steps");
        const char *target = double_text(argument_number(arguments, "warmup_target")), *text = double_text(rise);
        if (rise > 0) warmup = memory_format("if (t < %s) return (float)(%s + (%s - %s) * (t / %s));\ndouble decayed = t - %s;\n", text, start, target, start, text, text);
        start = target;
    }
    return memory_format("%sif (decayed > %s) decayed = %s;\nreturn (float)(%s * (%s * (0.5 + 0.5 * cos(3.14159265358979324 * decayed / %s)) + %s));\n",
                         warmup,
                         steps,
                         steps,
                         start,
                         double_text(1 - alpha),
                         steps,
                         double_text(alpha));
}

const Schedule cosine_decay_schedule = {
    .entry = {"cosine_decay", "The rate falls along half a wave of the cosine, after a rise where that is wanted.", parameters, NULL},
    .rate = rate,
};
