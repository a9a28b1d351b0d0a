/* multiply: the product of its inputs, number by number. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {{0}};

static double value(double x, double a)
{
    return x * a;
}

static const Merge merge = {
    .value = value,
    .forward = "$X = $X * $A;",
    .gradients = {"$X = $X * $A;", "$X = $X * $A;"},
    .reads = MERGE_READS_OTHER,
    .formula = "y = x a",
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return merge_build(graph, call, &merge, NULL);
}

const Layer multiply_layer = {
    .entry = {"multiply", "The product of its inputs, number by number.", parameters, NULL},
    .least_inputs = 2,
    .most_inputs = -1,
    .build = build,
};
