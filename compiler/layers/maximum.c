/* maximum: the largest of its inputs, number by number. Of equal ones the first gets the gradient, as in TensorFlow. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static double value(double x, double a)
{
    return fmax(x, a);
}

static const Merge merge = {
    .value = value,
    .forward = "$X = max_f32x$L($A, $X);",
    .gradients = {"$X = keep_f32x$L($A >= $B, $X);", "$X = keep_f32x$L($A < $B, $X);"},
    .reads = MERGE_READS_BOTH,
    .formula = "y = max(x, a)",
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return merge_build(graph, call, &merge, NULL);
}

const Layer maximum_layer = {
    .entry = {"maximum", "The largest of its inputs, number by number.", parameters, NULL},
    .least_inputs = 2,
    .most_inputs = -1,
    .build = build,
};
