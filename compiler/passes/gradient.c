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
    tensor->frames = of->frames;
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

void gradient_pass(Graph *graph)
{
    for (int i = 0; i < graph->tensor_count; i++) graph->tensors[i]->gradient = NULL;
    mark_wanted(graph);
    int forward_count = graph->node_count;
    Tensor *squares = NULL; /* of the gradients so far, where their norm is wanted */
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
            if (graph->program == PROGRAM_TRAIN) squares = update_weight(graph, node, weight, squares);
            else if (is_penalized(weight)) penalty_gradient(graph, node, weight);
        }
    }
    if (graph->program != PROGRAM_TRAIN) return;
    update_rest(graph, forward_count, squares);
    graph_derive(graph, true);
}
