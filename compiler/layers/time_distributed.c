/* time_distributed: a layer applied to every step of a sequence by itself, with the same weights: time_distributed(conv2d(8, 3x3)).
 *
 * input (steps, ...), output (steps, what the layer gives). Nothing is computed here: the steps become frames, which are samples to the
 * nodes of the layer within. Source: keras.io/api/layers/recurrent_layers/time_distributed. */
#include "../cnnc.h"

static const Parameter parameters[] = {
    {.name = "layer", .type = PARAMETER_OBJECT, .table = &layer_table, .help = "what is applied to every step"},
    {0},
};

static void copy_reference(const Node *node, Reference *r)
{
    int64_t count = shape_count(&node->outputs[0]->shape) * node->outputs[0]->frames / node->frames;
    for (int64_t i = 0; i < count; i++) r->outputs[0][i] = r->inputs[0][i];
}

/* (steps, ...) as so many frames (...). */
static void split_shape(Graph *graph, Node *node)
{
    (void)graph;
    const Shape *x = &node->inputs[0]->shape;
    if (x->rank < 2) {
        diagnose(node->place, "time_distributed needs an input of steps, each with numbers of its own, such as (10, 28, 28, 1), not %s", shape_string(x));
        note_producer(node->inputs[0]);
        return;
    }
    node->outputs[0]->shape = shape_of(x->rank - 1, x->size + 1);
    if (__builtin_mul_overflow(node->frames, x->size[0], &node->outputs[0]->frames) || node->outputs[0]->frames > MAX_COUNT) {
        diagnose(node->place, "%s is too large: more than 2^31 - 1 steps", node->name);
        node->outputs[0]->shape.rank = -1;
    }
}

static Steps split_steps(const Node *node, Steps from)
{
    (void)node;
    (void)from;
    return STEPS_FRAMES;
}

static const Operator split_operator = {.name = "frames", .flags = OPERATOR_VIEW, .shape = split_shape, .steps = split_steps, .reference = copy_reference};

/* And back: the node that split them, its detail, says how many steps there were. */
static void join_shape(Graph *graph, Node *node)
{
    (void)graph;
    const Node *split = node->detail;
    const Shape *x = &node->inputs[0]->shape;
    if (x->rank == MAX_RANK) {
        diagnose(node->place, "%s would give more than %d axes", node->name, MAX_RANK);
        return;
    }
    Shape *y = &node->outputs[0]->shape;
    y->rank = x->rank + 1;
    y->size[0] = split->inputs[0]->shape.size[0];
    for (int i = 0; i < x->rank; i++) y->size[i + 1] = x->size[i];
    node->frames = node->outputs[0]->frames = split->frames;
}

static Steps join_steps(const Node *node, Steps from)
{
    (void)from;
    return ((const Node *)node->detail)->inputs[0]->steps;
}

static const Operator join_operator = {.name = "steps", .flags = OPERATOR_VIEW, .shape = join_shape, .steps = join_steps, .reference = copy_reference};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *frames = graph_node(graph, &split_operator, call, "frames", call->inputs, 1)->outputs[0];
    Tensor *y = graph_inner_layer(graph, call, argument_object(call->arguments, "layer"), "", frames, false);
    if (!y) return NULL;
    Node *join = graph_node(graph, &join_operator, call, NULL, &y, 1);
    join->detail = frames->producer;
    return join->outputs[0];
}

const Layer time_distributed_layer = {
    .entry = {"time_distributed", "Applies a layer to every step of a sequence.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
