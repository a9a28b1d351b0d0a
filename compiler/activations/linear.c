/* linear: y = x. No operator: the layer's result stands as it is. */
#include "../cnnc.h"

static const Parameter parameters[] = {{0}};

const Activation linear_activation = {.entry = {"linear", "y = x: no function at all.", parameters, NULL}};

const Layer linear_layer = ACTIVATION_LAYER("linear", "y = x: no function at all.", parameters);
