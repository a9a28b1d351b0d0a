/* Layers whose output reaches no output of the network: as Keras's Model does, they are left out, with their weights. That is seldom
 * meant, so each end of such a branch is worth a warning. An input that nothing reads stays, as in Keras, and its data must be given.
 *
 * Needs: shapes, so that faults are found in these layers too. Gives: a graph without them. */
#include "cnnc.h"

/* By their numbers, what is needed for outputs and target_tensors. */
typedef struct {
    bool *tensors, *nodes, *layers;
} Needed;

static void need_all(Needed *needed, Tensor *const *tensors, int count)
{
    for (int i = 0; i < count; i++) needed->tensors[tensors[i]->index] = true;
}

static Needed find_needed(const Graph *graph)
{
    Needed needed = {NEW_ARRAY(bool, graph->tensor_count + 1), NEW_ARRAY(bool, graph->node_count + 1), NEW_ARRAY(bool, graph->layer_count + 1)};
    need_all(&needed, graph->outputs, graph->output_count);
    const Value *targets = graph->compile ? argument(graph->compile, "target_tensors") : NULL;
    for (int i = 0; targets && i < targets->list.count; i++) need_all(&needed, &targets->list.items[i].tensor, 1);
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const Node *node = graph->nodes[i];
        for (int j = 0; j < node->output_count; j++) needed.nodes[i] = needed.nodes[i] || needed.tensors[node->outputs[j]->index];
        if (!needed.nodes[i]) continue;
        need_all(&needed, node->inputs, node->input_count);
        need_all(&needed, node->outputs, node->output_count);
        need_all(&needed, node->weights, node->weight_count);
    }
    for (int i = 0; i < graph->layer_count; i++) needed.layers[i] = needed.tensors[graph->layers[i].output->index];
    return needed;
}

static void warn(const Graph *graph, const Needed *needed)
{
    bool *read = NEW_ARRAY(bool, graph->tensor_count + 1);
    for (int i = 0; i < graph->layer_count; i++) {
        const LayerUse *use = &graph->layers[i];
        for (int j = 0; j < use->input_count; j++) read[use->inputs[j]->index] |= use->inputs[j] != use->output;
    }
    for (int i = 0; i < graph->layer_count; i++) {
        const LayerUse *use = &graph->layers[i];
        if (needed->layers[i] || read[use->output->index]) continue;
        read[use->output->index] = true;
        diagnose_warning(use->place,
                         use->output->role == ROLE_INPUT
                               ? "nothing uses the input `%s`; its data must be given all the same"
                               : "nothing uses the output of `%s`: it is left out of the network, with all that serves it alone; is it to be in outputs(...)?",
                         use->name);
    }
}

static void remove_nodes(Graph *graph, const bool *needed)
{
    int count = 0;
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        for (int j = 0; j < node->input_count && !needed[i]; j++) node->inputs[j]->consumers--;
        if (!needed[i]) continue;
        node->index = count;
        graph->nodes[count++] = node;
    }
    graph->node_count = count;
}

static void remove_tensors(Graph *graph, const bool *needed)
{
    int count = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        if (!needed[i]) continue;
        graph->tensors[i]->index = count;
        graph->tensors[count++] = graph->tensors[i];
    }
    graph->tensor_count = count;
}

/* Nodes know their layer by its number. */
static void remove_layers(Graph *graph, const bool *needed)
{
    int count = 0, *number = NEW_ARRAY(int, graph->layer_count + 1);
    for (int i = 0; i < graph->layer_count; i++) {
        number[i] = count;
        if (needed[i]) graph->layers[count++] = graph->layers[i];
    }
    graph->layer_count = count;
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->layer >= 0) graph->nodes[i]->layer = number[graph->nodes[i]->layer];
}

void unused_pass(Graph *graph, bool quiet)
{
    Needed needed = find_needed(graph);
    if (!quiet) warn(graph, &needed);
    need_all(&needed, graph->inputs, graph->input_count);
    for (int i = 0; i < graph->layer_count; i++) needed.layers[i] = needed.tensors[graph->layers[i].output->index];
    remove_nodes(graph, needed.nodes);
    remove_layers(graph, needed.layers);
    remove_tensors(graph, needed.tensors);
}
