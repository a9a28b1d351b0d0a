/* gaussian_noise: in training, y = x + stddev z, z being normal with mean 0 and variance 1; elsewhere y = x.
 * Source: keras.io/api/layers/regularization_layers/gaussian_noise. */
#include "noise.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "stddev", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = HUGE_VAL, .help = "the standard deviation of what is added"},
    SEED_PARAMETER,
    {0},
};

static void element(Emit *e, const Node *node)
{
    noise_begin(e, node);
    noise_number(e, node, "deviation", argument_number(node->arguments, "stddev"), 0);
    EMIT(e, "$X = $X + deviation$STREAM * random_normal_f32x$L(key$STREAM, $I);");
}

static void element_of_gradient(Emit *e, const Node *node)
{
    (void)e, (void)node; /* as it is */
}

static const char *formula(const Node *node)
{
    return memory_format("y = x + %.9g z, z normal", argument_number(node->arguments, "stddev"));
}

NOISE_LAYER(gaussian_noise, "Adds normal random numbers, in training only.", 0, element, element_of_gradient)
