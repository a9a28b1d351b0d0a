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

static LossCase case_of(const Object *object, const Tensor *prediction)
{
    const Loss *loss = (const Loss *)(const void *)object->entry;
    const Shape *shape = &prediction->shape;
    LossCase c = {.loss = loss, .arguments = object, .count = shape_count(shape), .classes = shape->rank ? shape->size[shape->rank - 1] : 1};
    c.absorbed = comes_from(prediction, loss->absorbs);
    c.logits = c.absorbed || (has_argument(object, "from_logits") && argument_boolean(object, "from_logits"));
    if (has_argument(object, "label_smoothing")) c.smoothing = argument_number(object, "label_smoothing");
    return c;
}

const Loss *loss_of_output(const Graph *graph, int output, LossCase *loss_case)
{
    const Value *losses = argument(graph->compile, "loss");
    *loss_case = case_of(losses->list.items[losses->list.count == 1 ? 0 : output].object, graph->outputs[output]);
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

double loss_value(const LossCase *c, const double *prediction, const double *target)
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
        sum += loss->element && !loss->summed ? value / (double)c->classes : value;
    }
    return sum / (double)rows;
}

static const char *formula(const Node *node)
{
    const LossCase *c = node->detail;
    return memory_format("%s of %lld number%s a sample%s", c->loss->entry.name, (long long)c->count, c->count == 1 ? "" : "s", c->logits ? memory_format(", from the input of %s", c->loss->absorbs) : "");
}

static const Operator loss_operator = {
    .name = "loss",
    .suffix = "loss",
    .operands = "p target weight; loss d_p",
    .flags = OPERATOR_FLAT,
    .emit = loss_emit,
    .formula = formula,
};

void add_losses(Graph *graph)
{
    for (int i = 0; i < graph->output_count; i++) {
        LossCase *c = NEW(LossCase);
        const Loss *loss = loss_of_output(graph, i, c);
        Tensor *output = graph->outputs[i], *prediction = c->absorbed ? output->producer->inputs[0] : output;
        Tensor *target = graph_tensor(graph, ROLE_TARGET, memory_format("target/%s", output->name));
        target->shape = output->shape;
        target->copies = i; /* of which output */
        if (loss->class_indices) {
            target->type = TYPE_INT32;
            target->shape.rank--;
        }
        Tensor *weights = graph_tensor(graph, ROLE_SAMPLE_WEIGHT, memory_format("sample_weight/%s", output->name));
        weights->shape.rank = 0;
        LayerCall call = {
            .arguments = c->arguments,
            .name = output->name,
            .place = c->arguments->place,
            .index = output->producer ? output->producer->layer : -1,
        };
        Node *node = graph_node(graph, &loss_operator, &call, NULL, (Tensor *[]){prediction, target, weights}, 3);
        node->detail = c;
        tensor_rename(node->outputs[0], memory_format("%s/loss", output->name));
        node->outputs[0]->role = ROLE_LOSS;
        node->outputs[0]->shape.rank = 0;
        if (graph->program == PROGRAM_EVALUATE || !gradient_wanted(graph, prediction)) continue;
        gradient_give(graph, prediction, gradient_tensor(graph, node, prediction));
    }
}
