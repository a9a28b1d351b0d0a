/* cosine_decay_restarts: cosine decays one after the other, the first of first_decay_steps, each t_mul times as long as the one before
 * and starting from m_mul times its rate. Of the i-th, t being counted from its start: initial_learning_rate
 * ((1 - alpha) m_mul^i (1 + cos(pi t / steps)) / 2 + alpha).
 * Source: Loshchilov and Hutter 2017; keras.io/api/optimizers/learning_rate_schedules/cosine_decay_restarts. */
#include "schedule.h"

static const Parameter parameters[] = {
    INITIAL_LEARNING_RATE,
    DECAY_STEPS("first_decay_steps", "steps of the first decay"),
    {.name = "t_mul", .type = PARAMETER_NUMBER, .minimum = 1, .maximum = 1e30, .fallback = "2", .help = "how many times as long each decay is as the one before"},
    {.name = "m_mul", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "1", .help = "the rate at the start of each, in parts of that before"},
    ALPHA,
    {0},
};

static const char *rate(const Object *arguments)
{
    double alpha = argument_number(arguments, "alpha"), longer = argument_number(arguments, "t_mul");
    const char *steps = double_text(argument_number(arguments, "first_decay_steps")), *factor = double_text(longer);
    const char *place = longer > 1 ? memory_format("const double scale = pow(%s, floor(log(1.0 + part * (%s - 1.0)) / log(%s) + 1e-9));\n"
                                                   "const double restart = floor(log(scale) / log(%s) + 0.5);\n"
                                                   "part = (part - (scale - 1.0) / (%s - 1.0)) / scale;\n",
                                                   factor,
                                                   factor,
                                                   factor,
                                                   factor,
                                                   factor)
                                   : "const double restart = floor(part);\npart -= restart;\n";
    return memory_format("double part = t / %s;\n%sreturn (float)(%s * (%s * pow(%s, restart) * (0.5 + 0.5 * cos(3.14159265358979324 * part)) + %s));\n",
                         steps,
                         place,
                         double_text(argument_number(arguments, "initial_learning_rate")),
                         double_text(1 - alpha),
                         double_text(argument_number(arguments, "m_mul")),
                         double_text(alpha));
}

const Schedule cosine_decay_restarts_schedule = {
    .entry = {"cosine_decay_restarts", "Cosine decays one after the other.", parameters, NULL},
    .rate = rate,
};
