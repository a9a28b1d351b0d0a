/* Sequences: can the network take its input one step at a time?
 *
 * It reads a sequence where the steps of an input, its first axis, come to a node that carries something from each to the next. Then the
 * same network for sequences of one step, with what such nodes carry kept between the calls, gives the same numbers frame by frame, if no
 * other node mixes steps. Operators say what they do with them (`steps`); no layer is known here.
 *
 * What depends on the last step (the output of a recurrent layer without return_sequences, and all behind it) is computed anew at each
 * step, as if the sequence ended there. Inputs that are no sequences are given whole at each step.
 *
 * Needs: shapes. Gives: where each tensor has the steps, and which nodes carry. */
#include "cnnc.h"

#include <string.h>

Steps steps_kept(const Node *node, Steps from)
{
    (void)node;
    return from;
}

Steps steps_of_rows(const Node *node, Steps from)
{
    return from == STEPS_AXIS && node->inputs[0]->shape.rank < 2 ? STEPS_MIXED : from;
}

Steps steps_beside_axes(const Node *node, Steps from)
{
    const Shape *x = &node->inputs[0]->shape;
    int first, count;
    bool list = argument(node->arguments, "axis")->kind == VALUE_LIST;
    bool beside = (list ? neighbouring_axes(node, x, &first, &count) : axis_resolve(node, x, &first)) && first > 0;
    return from == STEPS_AXIS && !beside ? STEPS_MIXED : from;
}

/* ---- marking ---- */

/* Where the node finds the steps in its inputs. What is no sequence cannot meet one, but for exploring, where everything may be one. */
static Steps steps_read(const Node *node, bool exploring)
{
    Steps from = STEPS_NONE;
    const Tensor *first = NULL;
    for (int i = 0; i < node->input_count; i++) {
        const Tensor *x = node->inputs[i];
        if (!x->batched || (exploring && x->steps == STEPS_NONE)) continue;
        if (first && (x->steps != from || (from == STEPS_AXIS && (x->shape.rank != first->shape.rank || x->shape.size[0] != first->shape.size[0])))) return STEPS_MIXED;
        first = x;
        from = x->steps;
    }
    return from;
}

static Steps steps_given(const Node *node, Steps from)
{
    if (from == STEPS_NONE || from == STEPS_MIXED) return from;
    if (node->op->steps) return node->op->steps(node, from);
    bool keeps = node->op->flags & (OPERATOR_ELEMENTWISE | OPERATOR_NOISE);
    return keeps || from == STEPS_FRAMES ? from : STEPS_MIXED;
}

/* Marks all that lies behind the inputs; returns the first node that mixes steps, or NULL. */
static const Node *mark(Graph *graph, bool exploring)
{
    const Node *mixes = NULL;
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        Steps from = steps_read(node, exploring), to = steps_given(node, from);
        node->carries = node->op->flags & OPERATOR_CARRIES && from == STEPS_AXIS;
        for (int j = 0; j < node->output_count; j++) {
            Tensor *output = node->outputs[j];
            output->steps = output->batched ? to : STEPS_NONE; /* statistics of a batch are weights to a step */
            if (output->steps == STEPS_MIXED && !mixes) mixes = node;
        }
    }
    return mixes;
}

static bool has_steps(const Tensor *tensor)
{
    return tensor->steps == STEPS_AXIS || tensor->steps == STEPS_FRAMES;
}

/* Of all inputs taken for sequences, leaves those whose steps come to a node that carries. */
static void keep_sequences(Graph *graph)
{
    bool *wanted = NEW_ARRAY(bool, graph->tensor_count + 1); /* steps that come to such a node */
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const Node *node = graph->nodes[i];
        bool reads = node->carries;
        for (int j = 0; j < node->output_count; j++) reads = reads || (wanted[node->outputs[j]->index] && has_steps(node->outputs[j]));
        for (int j = 0; j < node->input_count && reads; j++) wanted[node->inputs[j]->index] = true;
    }
    for (int i = 0; i < graph->input_count; i++) {
        Tensor *input = graph->inputs[i];
        if (!wanted[input->index]) input->steps = STEPS_NONE;
    }
}

/* ---- what is in the way ---- */

static const char *hindrance(const Node *node)
{
    if (node->op->flags & OPERATOR_CARRIES && node->inputs[0]->steps == STEPS_AXIS) return memory_format("%s begins with the last step", node->name);
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]->batched && !has_steps(node->inputs[i])) return memory_format("%s joins what has steps and what has none", node->name);
    return memory_format("%s needs several steps at once", node->name);
}

static const char *other_length(const Graph *graph)
{
    const Tensor *first = NULL;
    for (int i = 0; i < graph->input_count; i++) {
        const Tensor *input = graph->inputs[i];
        if (input->steps != STEPS_AXIS) continue;
        if (first && first->shape.size[0] != input->shape.size[0]) return memory_format("%s and %s have different numbers of steps", first->name, input->name);
        first = input;
    }
    return NULL;
}

bool steps_pass(Graph *graph)
{
    for (int i = 0; i < graph->input_count; i++) graph->inputs[i]->steps = graph->inputs[i]->shape.rank > 0 ? STEPS_AXIS : STEPS_NONE;
    const Node *mixes = mark(graph, true);
    bool carries = false, late = false; /* late: what comes to a node that would carry is mixed already */
    for (int i = 0; i < graph->node_count; i++) {
        const Node *node = graph->nodes[i];
        carries = carries || node->carries;
        late = late || (node->op->flags & OPERATOR_CARRIES && node->inputs[0]->steps == STEPS_MIXED);
    }
    if (!carries) {
        if (late) graph->step_hindrance = hindrance(mixes);
        return false;
    }
    keep_sequences(graph);
    mixes = mark(graph, false);
    graph->step_hindrance = mixes ? hindrance(mixes) : other_length(graph);
    return !graph->step_hindrance;
}

/* A weight that the network does not have, or of other sizes. */
static const char *other_weight(const Graph *one_step, const Graph *source)
{
    Names names = {0};
    Tensor **weights = NEW_ARRAY(Tensor *, source->tensor_count + 1);
    for (int i = 0; i < source->tensor_count; i++) {
        Tensor *tensor = source->tensors[i];
        if (tensor->role == ROLE_WEIGHT || tensor->role == ROLE_DERIVED) weights[names_add(&names, tensor->identifier)] = tensor;
    }
    for (int i = 0; i < one_step->tensor_count; i++) {
        const Tensor *tensor = one_step->tensors[i];
        if (tensor->role != ROLE_WEIGHT && tensor->role != ROLE_DERIVED) continue;
        int number = names_find(&names, tensor->identifier);
        if (number < 0) return memory_format("%s needs another form of its weights for one step", tensor->name);
        if (!shape_same(&weights[number]->shape, &tensor->shape)) return memory_format("%s has numbers for each step", tensor->name);
    }
    return NULL;
}

const char *steps_one(Graph *one_step, const Graph *source)
{
    for (int i = 0; i < source->input_count; i++) {
        Tensor *input = one_step->inputs[i];
        input->steps = source->inputs[i]->steps;
        if (input->steps == STEPS_AXIS) input->shape.size[0] = 1;
    }
    shape_pass(one_step);
    if (diagnostics_errors()) return "its sizes do not fit one step";
    unused_pass(one_step, true);
    const Node *mixes = mark(one_step, false);
    return mixes ? hindrance(mixes) : other_weight(one_step, source);
}
