/* mean_squared_error: the mean over the sample's numbers of (prediction - target)^2.
 * Source: keras.io/api/losses/regression_losses. */
#include "../cnnc.h"

static const Parameter parameters[] = {{0}};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    (void)node;
}

static void emit(Emit *e, const Node *node)
{
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "SIZE", shape_count(&node->inputs[0]->shape));
    EMIT(e,
         "for (ptrdiff_t n = first; n < last; n++) {",
         "const float scale = weight ? weight[n] : 1.0f;",
         "float sum = 0.0f;",
         "for (ptrdiff_t i = n * $SIZE; i < (n + 1) * $SIZE; i++) {",
         "const float error = p[i] - target[i];",
         "sum += error * error;",
         "d_p[i] = 2.0f / $SIZE.0f * scale / (float)count * error;",
         "}",
         "loss[n] = sum / $SIZE.0f * scale;",
         "}");
    phase_end(e);
}

static double reference(const LossCase *c, const double *prediction, const double *target)
{
    double sum = 0;
    for (int64_t i = 0; i < c->count; i++) sum += (prediction[i] - target[i]) * (prediction[i] - target[i]);
    return sum / (double)c->count;
}

static const Operator loss_operator = {
    .name = "mean_squared_error",
    .suffix = "loss",
    .operands = "p target weight; loss d_p",
    .flags = OPERATOR_FLAT,
    .shape = shape,
    .emit = emit,
};

const Loss mean_squared_error_loss = {
    .entry = {"mean_squared_error", "The mean of the squared differences.", parameters, NULL},
    .op = &loss_operator,
    .reference = reference,
};
