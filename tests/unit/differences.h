/* Emitted code against the compiler's reference: forward passes, and gradients by finite differences. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "runtime.h"

/* Draws weights and data for the network, which was loaded as `model`, and reports what differs to Criterion. */
void differences_check(const char *net, const CnncModel *model);

#endif
