/* Parameters that several schedules share. */
#ifndef CNNC_SCHEDULE_H
#define CNNC_SCHEDULE_H

#include "../optimizers/optimizer.h"

#define INITIAL_LEARNING_RATE {.name = "initial_learning_rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .help = "the rate at step 0"}
#define DECAY_STEPS(which, text)                                                                                               \
    {.name = which, .type = PARAMETER_NUMBER, .minimum = 0, .above_minimum = true, .maximum = 1e30, .help = text}
#define DECAY_RATE(text) {.name = "decay_rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .help = text}
#define STAIRCASE {.name = "staircase", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the rate changes every decay_steps steps only"}
#define ALPHA {.name = "alpha", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0", .help = "the part of the rate that is left at the end"}

#endif
