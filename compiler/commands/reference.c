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

/* How many numbers a tensor has in each sample, so many times as it has frames. */
static int64_t sample_count(const Tensor *tensor)
{
    return shape_count(&tensor->shape) * tensor->frames;
}

/* A tensor's numbers from the node's sample n on; values[i] belongs to graph->tensors[i]. */
static double *numbers_of(double *const *values, const Node *node, const Tensor *tensor, int64_t n)
{
    return values[tensor->index] + (tensor->batched ? n * (sample_count(tensor) / node->frames) : 0);
}

static void run_node(const Node *node, double *const *values, bool training, int64_t samples)
{
    samples *= node->frames;
    bool together = training && node->op->batch_reference, once = !node->outputs[0]->batched;
    for (int64_t n = 0; n < (together || once ? 1 : samples); n++) {
        const double *inputs[MAX_OPERANDS], *weights[MAX_OPERANDS];
        double *outputs[MAX_OPERANDS];
        for (int j = 0; j < node->input_count; j++) inputs[j] = numbers_of(values, node, node->inputs[j], n);
        for (int j = 0; j < node->weight_count; j++) weights[j] = values[node->weights[j]->index];
        for (int j = 0; j < node->output_count; j++) outputs[j] = numbers_of(values, node, node->outputs[j], n);
        Reference r = {inputs, weights, outputs};
        if (together) node->op->batch_reference(node, &r, samples);
        else node->op->reference(node, &r);
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

/* Of the weights, or of all samples' activations. */
static double penalties(const Graph *graph, double *const *values, TensorRole role, int64_t samples)
{
    double sum = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        if (tensor->role != role || (role == ROLE_WEIGHT && !tensor->trainable)) continue;
        sum += penalty_reference(&tensor->penalty, values[i], sample_count(tensor) * (tensor->batched ? samples : 1));
    }
    return sum;
}

double **reference_values(const Graph *graph, bool training, int64_t samples, const double *const *inputs, double *const *weights)
{
    double **values = calloc((size_t)graph->tensor_count + 1, sizeof *values);
    if (!values) memory_short((size_t)graph->tensor_count * sizeof *values);
    int weight = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        int64_t count = sample_count(tensor) * (tensor->batched ? samples : 1);
        values[i] = tensor->role == ROLE_WEIGHT ? weights[weight++] : tensor->role == ROLE_DERIVED ? NULL : array_new(count);
    }
    for (int i = 0; i < graph->input_count; i++)
        memcpy(values[graph->inputs[i]->index], inputs[i], (size_t)(samples * shape_count(&graph->inputs[i]->shape)) * sizeof(double));
    for (int i = 0; i < graph->node_count; i++) run_node(graph->nodes[i], values, training, samples);
    return values;
}

void reference_free(const Graph *graph, double **values)
{
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->role != ROLE_WEIGHT) free(values[i]);
    free(values);
}

double reference_loss(const Graph *graph,
                      bool training,
                      int64_t samples,
                      const double *const *inputs,
                      const double *const *targets,
                      const double *sample_weights,
                      double *const *weights,
                      double *const *outputs)
{
    double **values = reference_values(graph, training, samples, inputs, weights);
    double total = 0;
    for (int i = 0; i < graph->output_count; i++) {
        const double *predictions = values[graph->outputs[i]->index];
        if (outputs) memcpy(outputs[i], predictions, (size_t)(samples * shape_count(&graph->outputs[i]->shape)) * sizeof(double));
        if (!targets) continue;
        const Tensor *inside = graph->uses[i].target;
        total += batch_loss(graph, i, samples, predictions, inside ? values[inside->index] : targets[i], sample_weights);
    }
    if (targets) total = (total + penalties(graph, values, ROLE_ACTIVATION, samples)) / (double)samples + penalties(graph, values, ROLE_WEIGHT, 1);
    reference_free(graph, values);
    return total;
}
