/* average: the mean of its inputs, number by number: their sum, multiplied by 1 / their number as the last one is added. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {{0}};

static double value(double x, double a)
{
    return x + a;
}

static const Merge merge = {
    .value = value,
    .forward = "$X = $X + $A;",
    .formula = "y = x + a",
};

static const Merge last = {
    .value = value,
    .forward = "$X = ($X + $A) * $FACTOR;",
    .gradients = {"$X = $X * $FACTOR;", "$X = $X * $FACTOR;"},
    .formula = "y = (x + a) / the number of inputs",
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return merge_build(graph, call, &merge, &last);
}

const Layer average_layer = {
    .entry = {"average", "The mean of its inputs.", parameters, NULL},
    .least_inputs = 2,
    .most_inputs = -1,
    .build = build,
};
