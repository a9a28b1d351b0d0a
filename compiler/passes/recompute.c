/* Recomputation: less memory for results that are wanted again on the way back.
 *
 * recompute_pass (needs: chains): a large result that a later chain reads again, and that takes few operations, is not kept for the
 * whole batch: the later chain begins with a copy of the node that makes it, for the sample at hand. Its inputs have to be there
 * still: the network's own, results that are kept anyway, or others that are recomputed. The first convolution of a network of images
 * is such a node: a few multiply-adds for each number. Breaks: the indices of nodes, which are renumbered.
 * Source: Chen et al.: Training Deep Nets with Sublinear Memory Cost, 2016. */
#include "cnnc.h"

#include <string.h>

enum {
    LEAST_BYTES = 1 << 18, /* for the whole batch: less stays in the cache */
    MOST_OPERATIONS = 4,   /* for each byte: about what it takes to write it to memory and to read it again */
};

typedef struct {
    Graph *graph;
    /* by tensor: */
    Chain **reader; /* the last chain, other than its maker's, that reads it, */
    int *last;      /* and the last node that does */
    bool *within;   /* a node of its maker's chain reads it */
    bool *single;   /* a node of no chain reads it, or it is handed out */
    bool *again;    /* it is made anew in each other chain */
    Tensor **copy;  /* in the chain at hand */
    int *changed;   /* by weight: the first node that writes it */
    Node **nodes;   /* the new list */
    int node_count, node_capacity;
} Recomputation;

/* The k-th tensor that a node or its epilogue reads. */
static Tensor **input_of(const Node *node, int k)
{
    if (k < node->input_count) return &node->inputs[k];
    k -= node->input_count;
    for (int i = 0; i < node->epilogue_count; i++) {
        int further = node->epilogue[i]->input_count - 1;
        if (k < further) return &node->epilogue[i]->inputs[1 + k];
        k -= further;
    }
    return NULL;
}

static void find_readers(Recomputation *r)
{
    const Graph *graph = r->graph;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const Node *node = graph->nodes[i];
        Tensor **input, *operand;
        for (int k = 0; (operand = node_operand(node, k)); k++)
            if ((operand->role == ROLE_WEIGHT || operand->role == ROLE_DERIVED) && operand_written(node, k)) r->changed[operand->index] = i;
        for (int k = 0; (input = input_of(node, k)); k++) {
            const Tensor *base = tensor_base(*input);
            if (base->role != ROLE_ACTIVATION) continue;
            if (!r->last[base->index]) r->last[base->index] = i;
            if (!node->chain) r->single[base->index] = true;
            else if (base->producer->chain == node->chain) r->within[base->index] = true;
            else if (!r->reader[base->index]) r->reader[base->index] = node->chain;
        }
    }
    for (int i = 0; i < graph->output_count; i++) r->single[tensor_base(graph->outputs[i])->index] = true;
}

/* Does it pay to make the node's result anew where it is read again? Is everything there for it? */
static bool pays(const Recomputation *r, const Node *node)
{
    if (!node->chain || node->output_count != 1 || node->outputs[0]->view_of || node->op->flags & OPERATOR_VIEW) return false;
    const Tensor *result = node->outputs[0];
    const Chain *reader = r->reader[result->index];
    if (!reader || !r->within[result->index] || r->single[result->index]) return false;
    int64_t size = shape_count(&result->shape), bytes = size * data_bytes(result->type);
    if (bytes * r->graph->batch < LEAST_BYTES || node_operations(node) + node->epilogue_count * size > MOST_OPERATIONS * bytes) return false;
    Tensor **input;
    for (int k = 0; (input = input_of(node, k)); k++) {
        const Tensor *base = tensor_base(*input);
        if (base->role == ROLE_ACTIVATION && !r->again[base->index] && r->last[base->index] < reader->first) return false;
    }
    for (int i = 0; i < node->weight_count; i++)
        if (r->changed[node->weights[i]->index] < reader->first) return false;
    return true;
}

static void add_node(Recomputation *r, Node *node)
{
    r->nodes = memory_grow(r->nodes, &r->node_capacity, r->node_count, sizeof(Node *));
    node->index = r->node_count;
    r->nodes[r->node_count++] = node;
}

static void read_copies(Recomputation *r, Node *node);

/* The tensor made anew in the chain: by a copy of its maker, which comes before what reads it. */
static Tensor *copy_in(Recomputation *r, const Tensor *tensor, Chain *chain)
{
    Tensor *copy = r->copy[tensor->index];
    if (copy && copy->producer->chain == chain) return copy;
    Node *node = NEW(Node);
    *node = *tensor->producer;
    node->chain = chain;
    node->inputs = NEW_ARRAY(Tensor *, node->input_count + 1);
    memcpy(node->inputs, tensor->producer->inputs, sizeof *node->inputs * (size_t)node->input_count);
    read_copies(r, node);
    node->outputs = NULL;
    node->output_count = 0;
    copy = graph_tensor(r->graph, ROLE_ACTIVATION, tensor->name);
    copy->identifier = tensor->identifier;
    copy->type = tensor->type;
    copy->shape = tensor->shape;
    graph_output(r->graph, node, copy);
    r->copy[tensor->index] = copy;
    add_node(r, node);
    return copy;
}

/* Lets the node read what is made anew in its chain. */
static void read_copies(Recomputation *r, Node *node)
{
    Tensor **input;
    for (int k = 0; (input = input_of(node, k)); k++) {
        const Tensor *base = tensor_base(*input);
        if (base->role != ROLE_ACTIVATION || !r->again[base->index] || base->producer->chain == node->chain) continue;
        Tensor *copy = copy_in(r, base, node->chain);
        if (*input != base) { /* another view of it */
            Tensor *view = NEW(Tensor);
            *view = **input;
            view->view_of = copy;
            copy = view;
        }
        *input = copy;
    }
}

/* The list of nodes anew, with the copies before what reads them. */
static void rebuild(Recomputation *r)
{
    Graph *graph = r->graph;
    const Chain *current = NULL;
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        Chain *chain = node->chain;
        int first = r->node_count;
        if (chain) read_copies(r, node);
        add_node(r, node);
        if (!chain) continue;
        if (chain != current) chain->first = first;
        chain->last = node->index;
        current = chain;
    }
    graph->nodes = r->nodes;
    graph->node_count = r->node_count;
    graph->node_capacity = r->node_capacity;
}

void recompute_pass(Graph *graph)
{
    int tensors = graph->tensor_count + 1, weights = 1;
    bool made = false;
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->index >= weights) weights = graph->tensors[i]->index + 1;
    Recomputation r = {
        .graph = graph,
        .reader = NEW_ARRAY(Chain *, tensors),
        .last = NEW_ARRAY(int, tensors),
        .within = NEW_ARRAY(bool, tensors),
        .single = NEW_ARRAY(bool, tensors),
        .again = NEW_ARRAY(bool, tensors),
        .copy = NEW_ARRAY(Tensor *, tensors),
        .changed = NEW_ARRAY(int, weights),
    };
    for (int i = 0; i < weights; i++) r.changed[i] = graph->node_count;
    find_readers(&r);
    for (int i = 0; i < graph->node_count; i++)
        if (pays(&r, graph->nodes[i])) r.again[graph->nodes[i]->outputs[0]->index] = true, made = true;
    if (made) rebuild(&r);
}
