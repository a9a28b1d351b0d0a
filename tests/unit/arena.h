/* Whether the arenas' sizes in model.h are what the emitted functions touch, no more and no less. */
#ifndef ARENA_H
#define ARENA_H

#include "runtime.h"

/* Runs the functions of the network, which was loaded as `model`, at its whole batch, and reports what is wrong to Criterion. */
void arena_check(const char *net, const CnncModel *model);

#endif
