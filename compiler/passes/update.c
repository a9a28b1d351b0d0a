/* The end of a training step: for each weight a node that updates it, and before that, where gradients are clipped to a norm,
 * nodes that sum their squares.
 *
 * A weight is updated as soon as its gradient is there, so that this needs no memory of its own for long; a norm of all gradients
 * together is only known behind the last of them. */
#include "cnnc.h"
#include "kernels/kernels.h"

#include <string.h>

const Optimizer *optimizer_of(const Graph *graph, Slot *slots, int *slot_count)
{
    const Object *object = argument_object(graph->compile, "optimizer");
    const Optimizer *optimizer = (const Optimizer *)(const void *)object->entry;
    if (!slots) return optimizer;
    memset(slots, 0, MOST_SLOTS * sizeof *slots);
    *slot_count = optimizer->slots(object, slots);
    return optimizer;
}

const Object *schedule_of(const Graph *graph)
{
    const Value *rate = argument(argument_object(graph->compile, "optimizer"), "learning_rate");
    return rate->kind == VALUE_OBJECT ? rate->object : NULL;
}

/* ---- the sum of squares of a gradient, plus that of the gradients before ---- */

static void squares_workspace(Graph *graph, Node *node)
{
    graph_workspace(graph, node, TASKS, 1);
}

static const char *formula_of_squares(const Node *node)
{
    (void)node;
    return "the sum of the squares of the gradient, or of all so far";
}

static const Operator squares_operator = {
    .name = "gradient_squares",
    .suffix = "squares",
    .flags = OPERATOR_FLAT,
    .workspace = squares_workspace,
    .emit = gradient_squares_emit,
    .formula = formula_of_squares,
};

static Tensor *add_squares(Graph *graph, Node *forward, Tensor *weight, Tensor *before)
{
    Tensor *inputs[3] = {weight->gradient};
    int count = 1;
    if (is_penalized(weight)) inputs[count++] = weight;
    if (before) inputs[count++] = before;
    Node *node = graph_gradient_node(graph, &squares_operator, forward, strrchr(weight->name, '/') + 1, inputs, count);
    node->operands = memory_format("d_w%s%s; squares work", is_penalized(weight) ? " w" : "", before ? " before" : "");
    Tensor *squares = graph_tensor(graph, ROLE_ACTIVATION, memory_format("%s/squares", node->name));
    squares->shape.rank = 0;
    squares->batched = false;
    graph_output(graph, node, squares);
    return squares;
}

/* ---- the update ---- */

static const char *formula_of_update(const Node *node)
{
    return memory_format("one step of %s on %s", node->arguments->entry->name, node->weights[0]->name);
}

static const Operator update_operator = {
    .name = "update",
    .suffix = "update",
    .operands = "d_w squares; ",
    .flags = OPERATOR_FLAT | OPERATOR_UPDATES,
    .emit = optimizer_emit,
    .formula = formula_of_update,
};

/* Reads the gradient, changes the weight and its slots. */
static void add_update(Graph *graph, Node *forward, Tensor *weight, Tensor *squares)
{
    Slot slots[MOST_SLOTS];
    int count;
    optimizer_of(graph, slots, &count);
    Tensor *inputs[] = {weight->gradient, squares};
    Node *node = graph_gradient_node(graph, &update_operator, forward, strrchr(weight->name, '/') + 1, inputs, squares ? 2 : 1);
    node->arguments = argument_object(graph->compile, "optimizer");
    node->weights = NEW_ARRAY(Tensor *, 1 + count);
    node->weights[0] = weight;
    node->weight_count = 1 + count;
    for (int i = 0; i < count; i++) {
        Tensor *slot = graph_tensor(graph, ROLE_SLOT, memory_format("%s/%s", slots[i].name, weight->name));
        slot->shape = weight->shape;
        slot->packing = weight->packing;
        slot->weight = weight;
        slot->copies = i; /* which slot */
        node->weights[1 + i] = slot;
    }
}

/* In between nobody may read the weight: he would find it changed too early. And a gradient of which the norm is wanted has to be
 * complete before the first of its numbers is used. */
bool absorb_update(Graph *graph, Node *node, Node *reader)
{
    if (!(reader->op->flags & OPERATOR_UPDATES) || reader->input_count > 1) return false;
    for (int i = node->index + 1; graph->nodes[i] != reader; i++)
        for (int j = 0; j < graph->nodes[i]->input_count; j++)
            if (graph->nodes[i]->inputs[j] == reader->weights[0]) return false;
    node->update = reader;
    node->weights = reader->weights;
    node->weight_count = reader->weight_count;
    node->output_count = 0;
    return true;
}

Tensor *update_weight(Graph *graph, Node *forward, Tensor *weight, Tensor *squares)
{
    const Object *optimizer = argument_object(graph->compile, "optimizer");
    if (clip_limit(optimizer, "global_clipnorm") > 0) return add_squares(graph, forward, weight, squares);
    add_update(graph, forward, weight, clip_limit(optimizer, "clipnorm") > 0 ? add_squares(graph, forward, weight, NULL) : NULL);
    return NULL;
}

void update_rest(Graph *graph, int forward_count, Tensor *squares)
{
    for (int i = forward_count - 1; i >= 0 && squares; i--) {
        Node *node = graph->nodes[i];
        for (int j = 0; j < node->weight_count; j++)
            if (node->weights[j]->trainable && node->weights[j]->gradient) add_update(graph, node, node->weights[j], squares);
    }
}
