/* Chains: samples go through several nodes depth first.
 *
 * Without them each node's loop over the samples ends before the next one's begins, and what passes between the two is there for
 * the whole batch. In a chain one loop takes each sample through all the nodes: the numbers stay in the second-level cache, and the
 * plan gives them memory for one sample of each thread.
 *
 * chain_pass (needs: the final nodes, their flags OPERATOR_BY_SAMPLES): puts nodes that can be linked beside one another; what stood
 * between them and does not have to (updates of weights, say) comes behind the chain. Sums over samples (gradients of weights) are
 * complete behind the chain only, so nothing in it may read them. Breaks: the order of nodes, whose indices are renumbered. */
#include "cnnc.h"

enum { MOST_POSTPONED = 1000 }; /* nodes behind a chain, each of which is compared with those that might still join it */

typedef struct { Node **nodes; int count; } NodeList;

static bool goes_by_samples(const Node *node)
{
    if (node->op->flags & OPERATOR_ELEMENTWISE) return node->outputs[0]->batched;
    return node->op->flags & (OPERATOR_BY_SAMPLES | OPERATOR_VIEW) && !node->update;
}

static bool reads(const Node *node, const Tensor *base)
{
    Tensor *tensor;
    for (int i = 0; (tensor = node_operand(node, i)); i++)
        if (tensor_base(tensor) == base && !(i >= node->input_count + node->weight_count && i < node->input_count + node->weight_count + node->output_count)) return true;
    return false;
}

/* Does the node read what that one writes? Of a node in a chain only sums count: each sample's results are there when they are wanted. */
static bool depends(const Node *node, const Node *on, bool sums_only)
{
    Tensor *tensor;
    for (int i = 0; (tensor = node_operand(on, i)); i++) {
        Tensor *base = tensor_base(tensor);
        if (operand_written(on, i) && !(sums_only && base->batched) && reads(node, base)) return true;
    }
    return false;
}

static bool depends_on_any(const Node *node, const NodeList *list, bool sums_only)
{
    for (int i = 0; i < list->count; i++)
        if (depends(node, list->nodes[i], sums_only)) return true;
    return false;
}

/* Writes the chain down, from node `at` on, then what was postponed. */
static int close_chain(Graph *graph, int at, NodeList *linked, NodeList *postponed)
{
    int working = 0;
    for (int i = 0; i < linked->count; i++) working += linked->nodes[i]->op->emit != NULL;
    Chain *chain = working > 1 ? NEW(Chain) : NULL;
    if (chain) {
        *chain = (Chain){.first = at, .last = at + linked->count - 1};
        graph->chains = memory_grow(graph->chains, &graph->chain_capacity, graph->chain_count, sizeof(Chain *));
        graph->chains[graph->chain_count++] = chain;
    }
    NodeList *lists[] = {linked, postponed};
    for (int l = 0; l < 2; l++) {
        for (int i = 0; i < lists[l]->count; i++) {
            Node *node = lists[l]->nodes[i];
            if (l == 0) node->chain = chain;
            node->index = at;
            graph->nodes[at++] = node;
        }
        lists[l]->count = 0;
    }
    return at;
}

void chain_pass(Graph *graph)
{
    Node **nodes = NEW_ARRAY(Node *, graph->node_count + 1);
    NodeList linked = {NEW_ARRAY(Node *, graph->node_count + 1), 0}, postponed = {NEW_ARRAY(Node *, graph->node_count + 1), 0};
    int at = 0;
    for (int i = 0; i < graph->node_count; i++) nodes[i] = graph->nodes[i];
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = nodes[i];
        bool joins = goes_by_samples(node);
        if (joins ? depends_on_any(node, &linked, true) || depends_on_any(node, &postponed, false) : postponed.count == MOST_POSTPONED)
            at = close_chain(graph, at, &linked, &postponed);
        NodeList *list = joins || !linked.count ? &linked : &postponed;
        list->nodes[list->count++] = node;
        if (!joins && list == &linked) at = close_chain(graph, at, &linked, &postponed); /* nothing to postpone it for */
    }
    close_chain(graph, at, &linked, &postponed);
}
