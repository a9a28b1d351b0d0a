/* Networks drawn at random: valid ones, of any layers, losses and optimizers that the tables have, with branches, odd sizes, several inputs
 * and outputs. */
#ifndef RANDOM_NETWORK_H
#define RANDOM_NETWORK_H

#include "draw.h"

enum { MOST_RANDOM_TEXT = 8192 };

/* Writes the text of a network, a function of the seed, and returns it as the compiler understands it: memory of the arena. Its diagnoses of
 * what was tried and refused go to standard error. NULL: it found none. */
Graph *random_network(uint64_t seed, char text[MOST_RANDOM_TEXT]);

#endif
