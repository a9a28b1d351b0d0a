/* Fusion: fewer passes over memory. Four rewrites, none of which knows any layer.
 *
 * swap_pass (needs: forward nodes with shapes, before the gradient pass): a function that never decreases commutes with a
 * choice by order, max(f(a), f(b)) = f(max(a, b)), so a rectifier before a max-pooling moves behind it: a quarter of the
 * work, and the pooling can read the convolution's sums directly.
 *
 * sign_pass (needs: the nodes of the way back): the derivative of a rectifier asks what was positive. Behind dropout the same can be seen,
 * as far as it matters: where a number was dropped its gradient is 0 as well. So what lies between the two need not be kept, and
 * dropout can go into the epilogue of what the rectifier is in.
 *
 * absorb_pass (needs: all nodes of the program): an operator may offer to do a neighbour's work on its way, where nobody else sees
 * what passes between them: a convolution whose tiles of results are at hand takes the largest of each window itself.
 *
 * fuse_pass (needs: all nodes of the program): an element-wise node whose input nobody else reads becomes part of the
 * epilogue of the node that produces that input: applied in registers, before the result is stored. Holds for forward
 * (relu behind a convolution, dropout behind a pooling) and backward (the derivative of a relu behind the
 * node that computes the gradient of its output) alike. Breaks: node indices; renumbers them. */
#include "cnnc.h"

#include <string.h>

void swap_pass(Graph *graph)
{
    Node **readers = NEW_ARRAY(Node *, graph->tensor_count + 1); /* of each tensor the last one */
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i]->input_count; j++) readers[graph->nodes[i]->inputs[j]->index] = graph->nodes[i];
    for (int i = graph->node_count - 1; i >= 0; i--) {
        Node *function = graph->nodes[i];
        if (!(function->op->flags & OPERATOR_MONOTONE)) continue;
        Tensor *source = function->inputs[0], *between = function->outputs[0];
        Node *selection = between->consumers == 1 && !is_penalized(between) ? readers[between->index] : NULL;
        if (!selection || !(selection->op->flags & OPERATOR_SELECTS)) continue;
        Tensor *result = selection->outputs[0];
        between->shape = result->shape;
        selection->inputs[0] = source;
        selection->outputs[0] = between;
        between->producer = selection;
        function->inputs[0] = between;
        function->outputs[0] = result;
        result->producer = function;
        readers[between->index] = function;
        if (readers[source->index] == function) readers[source->index] = selection;
        /* The selection takes the function's place; the function goes to where the selection stood. */
        for (int j = i; j < selection->index; j++) {
            graph->nodes[j] = graph->nodes[j + 1];
            graph->nodes[j]->index = j;
        }
        int place = selection->index + 1;
        graph->nodes[place] = function;
        function->index = place;
    }
}

void sign_pass(Graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        if (!(node->op->flags & OPERATOR_READS_SIGN)) continue;
        const Node *behind = node->inputs[0]->producer ? node->inputs[0]->producer->forward : NULL; /* whose gradient it continues */
        if (!behind || !(behind->op->flags & OPERATOR_KEEPS_SIGN) || behind->inputs[0] != node->inputs[1]) continue;
        node->inputs[1]->consumers--;
        node->inputs[1] = behind->outputs[0];
        node->inputs[1]->consumers++;
    }
}

/* The node that can take over this one's work: the producer of what only this one reads, or the reader of what it produces. */
void absorb_pass(Graph *graph)
{
    int kept = 0;
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i], *producer = node->input_count ? node->inputs[0]->producer : NULL;
        if (producer && producer->op->absorb && node->inputs[0]->consumers == 1 && producer->outputs[0] == node->inputs[0] && producer->op->absorb(graph, producer, node))
            continue;
        for (int j = 0; node->op->absorb && j < node->input_count; j++) {
            Node *maker = node->inputs[j]->producer;
            if (!maker || node->inputs[j]->consumers != 1 || maker->output_count != 1 || !node->op->absorb(graph, node, maker)) continue;
            int at = maker->index;
            for (kept--; at < kept; at++) {
                graph->nodes[at] = graph->nodes[at + 1];
                graph->nodes[at]->index = at;
            }
        }
        node->index = kept;
        graph->nodes[kept++] = node;
    }
    graph->node_count = kept;
}

/* The node into whose epilogue this one can go: it produces the memory of the first input, which nobody else reads. */
static Node *host_of(const Node *node)
{
    if (!(node->op->flags & OPERATOR_ELEMENTWISE)) return NULL;
    Tensor *tensor = node->inputs[0];
    for (; tensor->view_of; tensor = tensor->view_of)
        if (tensor->consumers != 1) return NULL;
    Node *host = tensor->producer;
    if (!host || tensor->consumers != 1 || !(host->op->flags & OPERATOR_EPILOGUE) || host->outputs[0] != tensor) return NULL;
    int operands = host->input_count + host->weight_count + host->output_count + node->input_count - 1;
    for (int i = 0; i < host->epilogue_count; i++) operands += host->epilogue[i]->input_count - 1;
    if (operands > MAX_OPERANDS) return NULL;
    for (int i = 1; i < node->input_count; i++) {
        Tensor *further = tensor_base(node->inputs[i]);
        if (further == tensor || (further->producer && further->producer->index >= host->index)) return NULL;
        const Shape *shape = &tensor->shape;
        if (further->period && !(host->op->flags & OPERATOR_FLAT) && (shape->rank < 1 || shape->size[shape->rank - 1] % further->period)) return NULL;
    }
    return host;
}

void fuse_pass(Graph *graph)
{
    int kept = 0;
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        Node *host = host_of(node);
        if (host) {
            Node **longer = NEW_ARRAY(Node *, host->epilogue_count + 1);
            if (host->epilogue_count) memcpy(longer, host->epilogue, sizeof *longer * (size_t)host->epilogue_count);
            longer[host->epilogue_count++] = node;
            host->epilogue = longer;
            Tensor *memory = tensor_base(node->inputs[0]);
            node->outputs[0]->view_of = memory;
            memory->consumers = node->outputs[0]->consumers;
            continue;
        }
        node->index = kept;
        graph->nodes[kept++] = node;
    }
    graph->node_count = kept;
}
