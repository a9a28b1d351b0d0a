/* The reference: a naive interpreter of the source graph, in double. Emitted code is checked against it, its gradients against
 * finite differences of the loss computed here, and this against Keras. Noise is off. */
#include "cnnc.h"

#include <stdlib.h>
#include <string.h>

static double *array_new(int64_t count)
{
    double *array = calloc((size_t)(count ? count : 1), sizeof *array);
    if (!array) memory_short((size_t)count * sizeof *array);
    return array;
}

/* One sample's forward pass; values[i] belongs to graph->tensors[i]. */
static void run_sample(Graph *graph, double **values)
{
    for (int i = 0; i < graph->node_count; i++) {
        const Node *node = graph->nodes[i];
        const double *inputs[MAX_OPERANDS], *weights[MAX_OPERANDS];
        double *outputs[MAX_OPERANDS];
        for (int j = 0; j < node->input_count; j++) inputs[j] = values[node->inputs[j]->index];
        for (int j = 0; j < node->weight_count; j++) weights[j] = values[node->weights[j]->index];
        for (int j = 0; j < node->output_count; j++) outputs[j] = values[node->outputs[j]->index];
        Reference r = {inputs, weights, outputs};
        node->op->reference(node, &r);
    }
}

static double batch_loss(const Graph *graph, int output, int64_t samples, const double *predictions, const double *targets,
                         const double *sample_weights)
{
    LossCase c;
    loss_of_output(graph, output, &c);
    int64_t target_count = loss_target_count(&c);
    double total = 0;
    c.zero_or_one = loss_zero_or_one(targets, samples * target_count);
    for (int64_t n = 0; n < samples; n++)
        total += loss_value(&c, predictions + n * c.count, targets + n * target_count, sample_weights ? sample_weights + n * weight_steps(graph) : NULL);
    return total * c.weight;
}

/* Of the weights, or of a sample's activations. */
static double penalties(const Graph *graph, double *const *values, TensorRole role)
{
    double sum = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        if (tensor->role != role || (role == ROLE_WEIGHT && !tensor->trainable)) continue;
        sum += penalty_reference(&tensor->penalty, values[i], shape_count(&tensor->shape));
    }
    return sum;
}

double reference_loss(Graph *graph,
                      int64_t samples,
                      const double *const *inputs,
                      const double *const *targets,
                      const double *sample_weights,
                      double *const *weights,
                      double *const *outputs)
{
    double **values = calloc((size_t)graph->tensor_count + 1, sizeof *values);
    if (!values) memory_short((size_t)graph->tensor_count * sizeof *values);
    int weight = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        Tensor *tensor = graph->tensors[i];
        values[i] = tensor->role == ROLE_WEIGHT ? weights[weight++] : tensor->role == ROLE_DERIVED ? NULL : array_new(shape_count(&tensor->shape));
    }
    double **predictions = calloc((size_t)graph->output_count, sizeof *predictions), total = 0;
    if (!predictions) memory_short((size_t)graph->output_count * sizeof *predictions);
    for (int i = 0; i < graph->output_count; i++)
        predictions[i] = outputs ? outputs[i] : array_new(samples * shape_count(&graph->outputs[i]->shape));
    for (int64_t n = 0; n < samples; n++) {
        for (int i = 0; i < graph->input_count; i++) {
            int64_t count = shape_count(&graph->inputs[i]->shape);
            memcpy(values[graph->inputs[i]->index], inputs[i] + n * count, (size_t)count * sizeof(double));
        }
        run_sample(graph, values);
        for (int i = 0; i < graph->output_count; i++) {
            int64_t count = shape_count(&graph->outputs[i]->shape);
            memcpy(predictions[i] + n * count, values[graph->outputs[i]->index], (size_t)count * sizeof(double));
        }
        if (targets) total += penalties(graph, values, ROLE_ACTIVATION);
    }
    for (int i = 0; i < graph->output_count; i++) {
        if (targets) total += batch_loss(graph, i, samples, predictions[i], targets[i], sample_weights);
        if (!outputs) free(predictions[i]);
    }
    free(predictions);
    total = total / (double)samples + (targets ? penalties(graph, values, ROLE_WEIGHT) : 0);
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->role != ROLE_WEIGHT) free(values[i]);
    free(values);
    return total;
}
