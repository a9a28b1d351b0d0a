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

typedef struct { Node **nodes; int count; } NodeList;

typedef struct {
    Graph *graph;
    NodeList linked, postponed;
    int node_count; /* that have their places already */
    int number;     /* of the chain at hand, from 1 */
    /* By tensor, the number of the chain in which or behind which it is written as a sum, or by a postponed node: nothing in that chain may
     * read it. Weights are numbered apart. */
    int *tensors, *weights;
} Chaining;

static bool goes_by_samples(const Node *node)
{
    if (node->frames > 1) return false;
    if (node->op->flags & OPERATOR_ELEMENTWISE) return node->outputs[0]->batched;
    return node->op->flags & (OPERATOR_BY_SAMPLES | OPERATOR_VIEW) && !node->update;
}

static int *mark_of(const Chaining *c, const Tensor *base)
{
    return &(base->role == ROLE_WEIGHT || base->role == ROLE_DERIVED ? c->weights : c->tensors)[base->index];
}

static bool reads_marked(const Chaining *c, const Node *node)
{
    int own = node->input_count + node->weight_count;
    Tensor *tensor;
    for (int i = 0; (tensor = node_operand(node, i)); i++)
        if ((i < own || i >= own + node->output_count) && *mark_of(c, tensor_base(tensor)) == c->number) return true;
    return false;
}

static void add_node(Chaining *c, NodeList *list, Node *node)
{
    list->nodes[list->count++] = node;
    Tensor *tensor;
    for (int i = 0; (tensor = node_operand(node, i)); i++) {
        Tensor *base = tensor_base(tensor);
        if (operand_written(node, i) && !(list == &c->linked && base->batched)) *mark_of(c, base) = c->number;
    }
}

/* Gives the chain's nodes their places, and then those that were postponed. */
static void close_chain(Chaining *c)
{
    Graph *graph = c->graph;
    int working = 0;
    for (int i = 0; i < c->linked.count; i++) working += c->linked.nodes[i]->op->emit != NULL;
    Chain *chain = working > 1 ? NEW(Chain) : NULL;
    if (chain) {
        *chain = (Chain){.first = c->node_count, .last = c->node_count + c->linked.count - 1};
        graph->chains = memory_grow(graph->chains, &graph->chain_capacity, graph->chain_count, sizeof(Chain *));
        graph->chains[graph->chain_count++] = chain;
    }
    NodeList *lists[] = {&c->linked, &c->postponed};
    for (int l = 0; l < 2; l++) {
        for (int i = 0; i < lists[l]->count; i++) {
            Node *node = lists[l]->nodes[i];
            if (l == 0) node->chain = chain;
            node->index = c->node_count;
            graph->nodes[c->node_count++] = node;
        }
        lists[l]->count = 0;
    }
    c->number++;
}

void chain_pass(Graph *graph)
{
    int count = graph->node_count, marks = graph->tensor_count;
    graph_shorten_views(graph);
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->index >= marks) marks = graph->tensors[i]->index + 1;
    Chaining c = {
        .graph = graph,
        .linked = {NEW_ARRAY(Node *, count + 1), 0},
        .postponed = {NEW_ARRAY(Node *, count + 1), 0},
        .number = 1,
        .tensors = NEW_ARRAY(int, marks + 1),
        .weights = NEW_ARRAY(int, marks + 1),
    };
    Node **nodes = NEW_ARRAY(Node *, count + 1);
    for (int i = 0; i < count; i++) nodes[i] = graph->nodes[i];
    for (int i = 0; i < count; i++) {
        bool joins = goes_by_samples(nodes[i]);
        if (joins && reads_marked(&c, nodes[i])) close_chain(&c);
        add_node(&c, joins || !c.linked.count ? &c.linked : &c.postponed, nodes[i]);
        if (!joins && !c.postponed.count) close_chain(&c); /* there is no chain that it could be behind */
    }
    close_chain(&c);
}
