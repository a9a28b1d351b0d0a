/* Small hand-made networks, in the form in which cnnc emits them, to drive the trainer with. */
#ifndef TOY_H
#define TOY_H

#include "runtime.h"

extern const CnncModel toy_digits;  /* [28, 28, 1] -> 10 classes: softmax regression, SGD with momentum, batch 32 */
extern const CnncModel toy_flowers; /* [4] -> 3 classes, class numbers as targets, batch 8; it diverges at learning rate 1e30 */
extern const CnncModel toy_pair;    /* left [2], right [2] -> sum [1], product [1]: two linear units with squared errors */

#endif
