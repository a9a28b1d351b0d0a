/* subtract: the first input less the second, number by number. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {{0}};

static double value(double x, double a)
{
    return x - a;
}

static const Merge merge = {
    .value = value,
    .forward = "$X = $X - $A;",
    .gradients = {NULL, "$X = -$X;"},
    .formula = "y = x - a",
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return merge_build(graph, call, &merge, NULL);
}

const Layer subtract_layer = {
    .entry = {"subtract", "The first input less the second.", parameters, NULL},
    .least_inputs = 2,
    .most_inputs = 2,
    .build = build,
};
