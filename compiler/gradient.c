/* The gradient graph: after the forward nodes come the losses, then, in reverse order, the nodes that carry the
 * gradient of the loss back to every weight, and the updates.
 *
 * PROGRAM_EVALUATE has the losses only. Needs: a program's graph with shapes. Gives: gradients of all trainable weights as
 * tensors; in PROGRAM_TRAIN a node that updates each weight as soon as its last reader is done. The rules stand with the
 * operators: op->gradient adds nodes through the functions here. Where several nodes read a tensor, their gradients are summed
 * by nodes of their own. */
#include "cnnc.h"

#include <string.h>

static const char *const sum_formula = "the sum of two gradients";
static const char *formula_of_sum(const Node *node)
{
    (void)node;
    return sum_formula;
}

static void element_of_sum(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = $X + $A;");
}

void elementwise_emit(Emit *, const Node *); /* kernels/elementwise.c */

static const Operator sum_operator = {
    .name = "gradient_sum",
    .suffix = "sum",
    .operands = "x a; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT,
    .emit = elementwise_emit,
    .element = element_of_sum,
    .formula = formula_of_sum,
};

/* A gradient that is handed on under another shape: what a view's gradient is. */
static const Operator view_operator = {.name = "gradient_view", .flags = OPERATOR_VIEW};

bool gradient_wanted(const Graph *graph, const Tensor *tensor)
{
    (void)graph;
    return tensor->role == ROLE_ACTIVATION && tensor->wanted;
}

void gradient_give(Graph *graph, Tensor *of, Tensor *gradient)
{
    if (of->gradient) {
        Tensor *both[] = {gradient, of->gradient};
        Node *node = graph_gradient_node(graph, &sum_operator, of->producer, "gradient_sum", both, 2);
        gradient = gradient_tensor(graph, node, of);
    }
    of->gradient = gradient;
}

void gradient_elementwise(Graph *graph, Node *node, const Operator *gradient, Tensor *d_output, Tensor *further)
{
    if (!gradient_wanted(graph, node->inputs[0])) return;
    Tensor *inputs[] = {d_output, further};
    Node *d = graph_gradient_node(graph, gradient, node, NULL, inputs, further ? 2 : 1);
    gradient_give(graph, node->inputs[0], gradient_tensor(graph, d, node->inputs[0]));
}

void gradient_product(Graph *graph, Node *node, const Operator *of_input, const Operator *of_kernel, Tensor *bias,
                      Tensor *d_output)
{
    Tensor *x = node->inputs[0], *kernel = node->weights[0];
    if (gradient_wanted(graph, x)) {
        Node *part = graph_gradient_node(graph, of_input, node, NULL, (Tensor *[]){d_output, kernel}, 2);
        gradient_give(graph, x, gradient_tensor(graph, part, x));
    }
    Node *part = graph_gradient_node(graph, of_kernel, node, NULL, (Tensor *[]){x, d_output}, 2);
    gradient_give(graph, kernel, gradient_tensor(graph, part, kernel));
    if (bias) bias_gradient(graph, node, bias, d_output);
}

Tensor *gradient_tensor(Graph *graph, Node *node, Tensor *of)
{
    Tensor *tensor = graph_tensor(graph, ROLE_ACTIVATION, memory_format("d_%s", of->name));
    tensor->shape = of->shape;
    tensor->batched = of->role != ROLE_WEIGHT;
    tensor->packing = of->packing;
    if (of->role == ROLE_WEIGHT) tensor->weight = of;
    graph_output(graph, node, tensor);
    return tensor;
}

/* Marks what a trainable weight lies behind: only there gradients are wanted. */
static void mark_wanted(Graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        bool wanted = false;
        for (int j = 0; j < node->weight_count; j++) wanted = wanted || node->weights[j]->trainable;
        for (int j = 0; j < node->input_count; j++) wanted = wanted || node->inputs[j]->wanted;
        for (int j = 0; j < node->output_count; j++) node->outputs[j]->wanted = wanted;
    }
}

static const char *formula_of_update(const Node *node)
{
    return memory_format("one step of %s on %s", node->arguments->entry->name, node->weights[0]->name);
}

static void emit_update(Emit *e, const Node *node);

static const Operator update_operator = {
    .name = "update",
    .suffix = "update",
    .operands = "d_w; ",
    .flags = OPERATOR_FLAT | OPERATOR_UPDATES,
    .emit = emit_update,
    .formula = formula_of_update,
};

void optimizer_emit(Emit *, const Node *); /* kernels/elementwise.c */
static void emit_update(Emit *e, const Node *node)
{
    optimizer_emit(e, node);
}

/* The update of one weight: reads its gradient, changes the weight and its slots. */
static void add_update(Graph *graph, Node *forward, Tensor *weight)
{
    const Object *object = argument_object(graph->compile, "optimizer");
    const Optimizer *optimizer = (const Optimizer *)(const void *)object->entry;
    const char *names[4];
    int slots = optimizer->slots(object, names);
    Node *node = graph_gradient_node(graph, &update_operator, forward, strrchr(weight->name, '/') + 1, &weight->gradient, 1);
    node->arguments = object;
    node->weights = NEW_ARRAY(Tensor *, 1 + slots);
    node->weights[0] = weight;
    node->weight_count = 1 + slots;
    for (int i = 0; i < slots; i++) {
        Tensor *slot = graph_tensor(graph, ROLE_SLOT, memory_format("%s/%s", names[i], weight->name));
        slot->shape = weight->shape;
        slot->packing = weight->packing;
        slot->weight = weight;
        slot->copies = i; /* which slot */
        node->weights[1 + i] = slot;
    }
}

/* In between nobody may read the weight: he would find it changed too early. */
bool absorb_update(Graph *graph, Node *node, Node *reader)
{
    if (!(reader->op->flags & OPERATOR_UPDATES)) return false;
    for (int i = node->index + 1; graph->nodes[i] != reader; i++)
        for (int j = 0; j < graph->nodes[i]->input_count; j++)
            if (graph->nodes[i]->inputs[j] == reader->weights[0]) return false;
    node->update = reader;
    node->weights = reader->weights;
    node->weight_count = reader->weight_count;
    node->output_count = 0;
    return true;
}

void gradient_pass(Graph *graph)
{
    for (int i = 0; i < graph->tensor_count; i++) graph->tensors[i]->gradient = NULL;
    mark_wanted(graph);
    int forward_count = graph->node_count;
    add_losses(graph);
    penalty_nodes(graph);
    for (int i = forward_count - 1; i >= 0 && graph->program != PROGRAM_EVALUATE; i--) {
        Node *node = graph->nodes[i];
        Tensor *d_output = node->outputs[0]->gradient;
        if (d_output && node->op->flags & OPERATOR_VIEW) {
            if (!gradient_wanted(graph, node->inputs[0])) continue;
            Node *view = graph_gradient_node(graph, &view_operator, node, "gradient", &d_output, 1);
            Tensor *d_input = gradient_tensor(graph, view, node->inputs[0]);
            d_input->view_of = d_output;
            gradient_give(graph, node->inputs[0], d_input);
        } else if (d_output && node->op->gradient) {
            node->op->gradient(graph, node, d_output);
        }
        for (int j = 0; j < node->weight_count; j++) {
            Tensor *weight = node->weights[j];
            if (!weight->trainable || !weight->gradient) continue;
            if (graph->program == PROGRAM_TRAIN) add_update(graph, node, weight);
            else if (is_penalized(weight)) penalty_gradient(graph, node, weight);
        }
    }
    if (graph->program == PROGRAM_TRAIN) graph_derive(graph, true);
}
