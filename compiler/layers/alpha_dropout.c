/* alpha_dropout: dropout that keeps mean and variance of what selu gives: in training, y = a k + b, k being -1.7581 with
 * probability `rate`, else x; a and b make mean 0 of mean 0 and variance 1 of variance 1. Elsewhere y = x.
 * Source: Klambauer et al. 2017; keras.io/api/layers/regularization_layers/alpha_dropout. */
#include "noise.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .help = "the share of the numbers that is dropped"},
    SEED_PARAMETER,
    {0},
};

#define DROPPED (-1.6732632423543772848 * 1.0507009873554804934) /* selu of minus infinity */

static double factor(double rate)
{
    return 1 / sqrt((1 - rate) * (1 + rate * DROPPED * DROPPED));
}

static void element(Emit *e, const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    noise_threshold(e, node, rate);
    noise_number(e, node, "factor", factor(rate), 1);
    noise_number(e, node, "shift", -factor(rate) * DROPPED * rate, 0);
    fill(e, "DROPPED", "%s", float_text(DROPPED));
    EMIT(e, "$X = select_f32x$L(random_below_f32x$L(key$STREAM, $I, threshold$STREAM), (f32x$L){0} + $DROPPED, $X) * factor$STREAM + shift$STREAM;");
}

static void element_of_gradient(Emit *e, const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    noise_threshold(e, node, rate);
    noise_number(e, node, "factor", factor(rate), 1);
    EMIT(e, "$X = keep_f32x$L(~random_below_f32x$L(key$STREAM, $I, threshold$STREAM), $X * factor$STREAM);");
}

static const char *formula(const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    return memory_format("y = %.9g k + %.9g, k = %.9g with probability %.9g, else x", factor(rate), -factor(rate) * DROPPED * rate, DROPPED, rate);
}

NOISE_LAYER(alpha_dropout, "Dropout that keeps mean and variance of what selu gives, in training only.", 0, element, element_of_gradient)
