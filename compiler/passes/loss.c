/* Losses in the graph: for each output a node that computes the loss of every sample and the gradient of what it reads.
 *
 * Keras's reduction: the mean over all rows of all samples, a sample's weight multiplied in; it is divided by the number of
 * samples, not by the sum of their weights. A loss that absorbs the activation before it reads that activation's input. */
#include "cnnc.h"

#include <string.h>

#include "kernels/kernels.h"

/* Whether the tensor is that activation's result. */
static bool comes_from(const Tensor *tensor, const char *activation)
{
    const Node *node = tensor->producer;
    if (!activation || !node || node->outputs[0] != tensor) return false;
    return !strcmp(node->op->name, activation) || ((node->op->flags & OPERATOR_ELEMENTWISE) && node->arguments && !strcmp(node->arguments->entry->name, activation));
}

static LossCase case_of(const Graph *graph, const Object *object, int output)
{
    const Tensor *prediction = graph->outputs[output];
    const Loss *loss = (const Loss *)(const void *)object->entry;
    const Shape *shape = &prediction->shape;
    LossCase c = {.loss = loss, .arguments = object, .count = shape_count(shape), .classes = shape->rank ? shape->size[shape->rank - 1] : 1, .weight = 1, .temporal = graph->temporal};
    c.absorbed = comes_from(prediction, loss->absorbs);
    c.logits = c.absorbed || (has_argument(object, "from_logits") && argument_boolean(object, "from_logits"));
    if (has_argument(object, "label_smoothing")) c.smoothing = argument_number(object, "label_smoothing");
    return c;
}

const Loss *loss_of_output(const Graph *graph, int output, LossCase *loss_case)
{
    *loss_case = case_of(graph, graph->uses[output].loss, output);
    loss_case->weight = graph->uses[output].weight;
    return loss_case->loss;
}

int64_t loss_target_count(const LossCase *c)
{
    return c->loss->class_indices ? c->count / c->classes : c->count;
}

bool loss_zero_or_one(const double *targets, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (targets[i] < 0 || targets[i] > 1 || (targets[i] > 0 && targets[i] < 1)) return false;
    return true;
}

double loss_value(const LossCase *c, const double *prediction, const double *target, const double *weights)
{
    const Loss *loss = c->loss;
    int64_t rows = c->count / c->classes;
    double sum = 0;
    for (int64_t m = 0; m < rows; m++) {
        const double *p = prediction + m * c->classes, *t = target + m * loss_target_count(c) / rows;
        double value = 0;
        for (int64_t i = 0; loss->element && i < c->classes; i++)
            value += loss->element(c, p[i], loss->signs && c->zero_or_one ? 2 * t[i] - 1 : t[i]);
        if (loss->row) value = loss->row(c, p, t);
        if (loss->element && !loss->summed) value /= (double)c->classes;
        sum += value * (weights ? weights[c->temporal ? m : 0] : 1);
    }
    return sum / (double)rows;
}

static const char *formula(const Node *node)
{
    const LossCase *c = node->detail;
    return memory_format("%s of %lld number%s a sample%s", c->loss->entry.name, (long long)c->count, c->count == 1 ? "" : "s", c->logits ? ", from the logits" : "");
}

static const Operator loss_operator = {
    .name = "loss",
    .suffix = "loss",
    .operands = "p target weight; loss d_p",
    .flags = OPERATOR_FLAT,
    .emit = loss_emit,
    .formula = formula,
};

/* A node that computes a loss, or a metric that is one, of an output; weights may be NULL. */
static Node *add_loss(Graph *graph, int output, const LossCase *c, const char *name, Tensor *target, Tensor *weights)
{
    Tensor *y = graph->outputs[output], *prediction = c->absorbed ? y->producer->inputs[0] : y;
    LayerCall call = {
        .arguments = c->arguments,
        .name = name,
        .place = c->arguments->place,
        .index = y->producer ? y->producer->layer : -1,
    };
    Node *node = graph_node(graph, &loss_operator, &call, NULL, (Tensor *[]){prediction, target, weights}, weights ? 3 : 2);
    LossCase *detail = NEW(LossCase);
    *detail = *c;
    node->detail = detail;
    if (!weights) node->operands = "p target; loss";
    node->outputs[0]->shape.rank = 0;
    return node;
}

static Tensor *new_target(Graph *graph, int output, const LossCase *c)
{
    const Tensor *y = graph->outputs[output];
    Tensor *target = graph_tensor(graph, ROLE_TARGET, memory_format("target/%s", y->name));
    target->shape = y->shape;
    target->copies = output;
    if (c->loss->class_indices) {
        target->type = TYPE_INT32;
        target->shape.rank--;
    }
    return target;
}

void add_losses(Graph *graph)
{
    Tensor **targets = NEW_ARRAY(Tensor *, graph->output_count);
    Tensor *weights = graph_tensor(graph, ROLE_SAMPLE_WEIGHT, "sample_weights");
    weights->shape = shape_of(graph->temporal, (int64_t[]){weight_steps(graph)});
    for (int i = 0; i < graph->output_count; i++) {
        LossCase c;
        loss_of_output(graph, i, &c);
        targets[i] = graph->uses[i].target ? graph->uses[i].target : new_target(graph, i, &c);
        Node *node = add_loss(graph, i, &c, graph->outputs[i]->name, targets[i], weights);
        tensor_rename(node->outputs[0], memory_format("%s/loss", graph->outputs[i]->name));
        node->outputs[0]->role = ROLE_LOSS;
        Tensor *prediction = node->inputs[0];
        if (graph->program == PROGRAM_EVALUATE || !gradient_wanted(graph, prediction)) continue;
        gradient_give(graph, prediction, gradient_tensor(graph, node, prediction));
    }
    for (int i = 0; i < graph->output_count && graph->program != PROGRAM_GRADIENTS; i++)
        for (int j = 0; j < graph->uses[i].metric_count; j++) {
            const MetricUse *metric = &graph->uses[i].metrics[j];
            if (!metric->loss) continue;
            LossCase c = case_of(graph, metric->loss, i);
            const char *name = memory_format("%s/%s", graph->outputs[i]->name, metric->name);
            add_loss(graph, i, &c, name, targets[i], metric->weighted ? weights : NULL)->outputs[0]->role = ROLE_METRIC;
        }
}
