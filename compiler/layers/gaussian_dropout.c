/* gaussian_dropout: in training, y = x (1 + sqrt(rate / (1 - rate)) z), z being normal with mean 0 and variance 1; elsewhere y = x.
 * Source: Srivastava et al. 2014; keras.io/api/layers/regularization_layers/gaussian_dropout. */
#include "noise.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .help = "the noise has the variance of a dropout with that rate"},
    SEED_PARAMETER,
    {0},
};

static double deviation(const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    return sqrt(rate / (1 - rate));
}

/* The same for the values and for their gradients. */
static void element(Emit *e, const Node *node)
{
    noise_begin(e, node);
    noise_number(e, node, "deviation", deviation(node), 0);
    EMIT(e, "$X = $X + $X * (deviation$STREAM * random_normal_f32x$L(key$STREAM, $I));");
}

static const char *formula(const Node *node)
{
    return memory_format("y = x (1 + %.9g z), z normal", deviation(node));
}

NOISE_LAYER(gaussian_dropout, "Multiplies by normal random numbers around one, in training only.", 0, element, element)
