/* Emitted code against the compiler's reference: forward passes, and gradients by finite differences. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "runtime.h"

/* Draws weights and data for the network, which was loaded as `model`, and reports what differs to Criterion. A network that was itself drawn at
 * random may have gradients of zero, and results that are no numbers; of it the other programs are run as well. */
void differences_check(const char *net, const CnncModel *model, bool drawn);

#endif
