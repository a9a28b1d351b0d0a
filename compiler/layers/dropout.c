/* dropout: in training, y = 0 with probability `rate`, else x / (1 - rate); elsewhere y = x.
 *
 * Which numbers are dropped is a function of seed, step, layer and index (random.h): the gradient asks again, no mask is
 * stored. Source: Srivastava et al. 2014; keras.io/api/layers/regularization_layers/dropout. */
#include "noise.h"

static const Parameter parameters[] = {
    {.name = "rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .help = "the share of the numbers that is dropped"},
    SEED_PARAMETER,
    {0},
};

/* The same for the values and for their gradients. */
static void element(Emit *e, const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    if (!(rate > 0)) return;
    if (!(rate < 1)) {
        EMIT(e, "if (step) $X = (f32x$L){0};");
        return;
    }
    noise_threshold(e, node, rate);
    noise_number(e, node, "scale", 1 / (1 - rate), 1);
    EMIT(e, "$X = keep_f32x$L(~random_below_f32x$L(key$STREAM, $I, threshold$STREAM), $X * scale$STREAM);");
}

static const char *formula(const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    return memory_format("y = 0 with probability %.9g, else x / %.9g", rate, 1 - rate);
}

NOISE_LAYER(dropout, "Leaves out a random share of its input, in training only.", OPERATOR_KEEPS_SIGN, element, element)
