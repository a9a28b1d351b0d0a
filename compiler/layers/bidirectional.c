/* bidirectional: a recurrent layer twice, once in each direction, with weights of its own each; what both give is merged. Where they give
 * sequences, that of the second is turned round, so that what belongs to a step stands together.
 *
 * Source: Schuster and Paliwal, Bidirectional recurrent neural networks, 1997; keras.io/api/layers/recurrent_layers/bidirectional. */
#include "../cnnc.h"

#include <string.h>

static const char *const modes[] = {"concat", "sum", "mul", "ave", NULL};
static const Parameter parameters[] = {
    {.name = "layer", .type = PARAMETER_OBJECT, .table = &layer_table, .help = "simple_rnn, lstm or gru"},
    {.name = "merge_mode", .type = PARAMETER_WORD, .words = modes, .fallback = "concat", .help = "how the two outputs become one: side by side, their sum, product or mean"},
    {.name = "backward_layer", .type = PARAMETER_OBJECT, .table = &layer_table, .fallback = "none", .help = "the layer of the second direction, with go_backwards=true; none: the same layer in the other direction"},
    {0},
};

static bool is_recurrent(const Object *object)
{
    if (has_argument(object, "go_backwards")) return true;
    diagnose(object->name_place, "bidirectional takes a recurrent layer, simple_rnn, lstm or gru, not %s", object->entry->name);
    return false;
}

/* The same call with the other direction. */
static const Object *reversed(const Object *object)
{
    int count = 0, number = 0;
    for (; object->entry->parameters[count].name; count++)
        if (!strcmp(object->entry->parameters[count].name, "go_backwards")) number = count;
    Object *copy = NEW(Object);
    *copy = *object;
    copy->values = NEW_ARRAY(Value, count);
    memcpy(copy->values, object->values, sizeof(Value) * (size_t)count);
    copy->values[number].boolean = !copy->values[number].boolean;
    return copy;
}

/* The layer that merges, with its defaults. */
static Tensor *merge(Graph *graph, const LayerCall *call, Tensor **both)
{
    static const char *const names[] = {"concatenate", "add", "multiply", "average"};
    int mode = 0;
    while (strcmp(modes[mode], argument_word(call->arguments, "merge_mode"))) mode++;
    const Entry *entry = table_find(&layer_table, names[mode]);
    LayerCall inner = *call;
    inner.layer = (const Layer *)(const void *)entry;
    inner.arguments = default_call(entry, call->place);
    inner.inputs = both;
    inner.input_count = 2;
    /* cppcheck-suppress returnDanglingLifetime ; it returns a tensor of the graph, not what it is told */
    return inner.layer->build(graph, &inner);
}

static Tensor *build(Graph *graph, const LayerCall *call)
{
    const Object *forward = argument_object(call->arguments, "layer"), *backward = argument_object(call->arguments, "backward_layer");
    if (!is_recurrent(forward) || (backward && !is_recurrent(backward))) return NULL;
    if (!backward) backward = reversed(forward);
    if (argument_boolean(forward, "go_backwards") == argument_boolean(backward, "go_backwards")) {
        diagnose(argument_place(call->arguments, "backward_layer"), "the backward layer goes in the same direction as the layer; write go_backwards=true in one of them");
        return NULL;
    }
    if (argument_boolean(forward, "return_sequences") != argument_boolean(backward, "return_sequences")) {
        diagnose(argument_place(call->arguments, "backward_layer"), "one of the layers gives sequences, the other does not; return_sequences must be the same in both");
        return NULL;
    }
    Tensor *both[] = {graph_inner_layer(graph, call, forward, "forward_", call->inputs[0], false), graph_inner_layer(graph, call, backward, "backward_", call->inputs[0], true)};
    return both[0] && both[1] ? merge(graph, call, both) : NULL;
}

const Layer bidirectional_layer = {
    .entry = {"bidirectional", "A recurrent layer in both directions.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
