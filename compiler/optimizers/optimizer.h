/* Parameters that all optimisers share, as Keras's base class has them, and what makes the C of them. */
#ifndef CNNC_OPTIMIZER_H
#define CNNC_OPTIMIZER_H

#include "../cnnc.h"

#define LEARNING_RATE(value)                                                                                                   \
    {.name = "learning_rate", .type = PARAMETER_NUMBER, .table = &schedule_table, .minimum = 0, .maximum = 1e30, .fallback = value, .help = "the length of a step"}
#define BETA(which, value, text)                                                                                               \
    {.name = "beta_" which, .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .fallback = value, .help = text}
#define EPSILON(value) {.name = "epsilon", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = value, .help = "keeps the quotient finite"}
#define WEIGHT_DECAY(value)                                                                                                    \
    {.name = "weight_decay", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = value, .help = "each step takes this part, times the learning rate, off the weights"}
#define CLIPPING                                                                                                               \
    {.name = "clipnorm", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "none", .help = "the most that the norm of a weight's gradient may be"},                             \
    {.name = "clipvalue", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "none", .help = "the most that a number of a gradient may be, but for its sign"},                  \
    {.name = "global_clipnorm", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "none", .help = "the most that the norm of all gradients together may be"}

/* Numbers as C constants in the bodies of `prepare` and of schedules, which compute in double. */
const char *double_text(double);

/* Fills $EPSILON. An epsilon of 0 becomes the least float, so that where the gradient is and was zero (the padding of packed weights) a
 * quotient is 0, not 0 / 0. */
void fill_epsilon(Emit *, const Object *);
void fill_number(Emit *, const char *hole, double); /* a float constant */

#endif
