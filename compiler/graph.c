/* The graph: building it, naming what is in it, copying it for one program, printing it.
 *
 * Nodes stand in the order in which they are executed; a node only reads tensors that stand before it. */
#include "cnnc.h"

#include <ctype.h>
#include <string.h>

/* ---- shapes ---- */

int64_t shape_count(const Shape *shape)
{
    if (shape->rank < 0) return -1;
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++)
        if (__builtin_mul_overflow(count, shape->size[i], &count) || count > MAX_BYTES) return -1;
    return count;
}

const char *shape_string(const Shape *shape)
{
    const char *text = "(";
    for (int i = 0; i < shape->rank; i++) text = memory_format("%s%s%lld", text, i ? ", " : "", (long long)shape->size[i]);
    return memory_format("%s%s", text, shape->rank == 1 ? ",)" : ")");
}

bool shape_same(const Shape *a, const Shape *b)
{
    return a->rank == b->rank && (a->rank <= 0 || !memcmp(a->size, b->size, sizeof *a->size * (size_t)a->rank));
}

Shape shape_of(int rank, const int64_t *sizes)
{
    Shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++) shape.size[i] = sizes[i];
    return shape;
}

/* ---- building ---- */

Graph *graph_new(void)
{
    Graph *graph = NEW(Graph);
    graph->weight_identifiers = NEW(Names);
    return graph;
}

/* A name as part of a C identifier. What is appended to it (_forward, _kernel) keeps it apart from C's own words. */
static const char *identifier_from(const char *name)
{
    char *text = memory_copy(name, strlen(name));
    for (char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c)) *c = '_';
    return isdigit((unsigned char)text[0]) ? memory_format("_%s", text) : text;
}

void graph_shorten_views(Graph *graph)
{
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i]->output_count; j++) {
            Tensor *output = graph->nodes[i]->outputs[j];
            if (output->view_of) output->view_of = tensor_base(output);
        }
}

void tensor_rename(Tensor *tensor, const char *name)
{
    tensor->name = name;
    tensor->identifier = identifier_from(name);
}

Tensor *graph_tensor(Graph *graph, TensorRole role, const char *name)
{
    Tensor *tensor = NEW(Tensor);
    tensor->index = graph->tensor_count;
    tensor->name = name;
    tensor->identifier = identifier_from(name);
    tensor->role = role;
    tensor->batched = role != ROLE_WEIGHT && role != ROLE_DERIVED && role != ROLE_SLOT && role != ROLE_WORKSPACE;
    tensor->shape.rank = -1;
    tensor->offset = -1;
    tensor->frames = 1;
    tensor->copies = 1;
    graph->tensors = memory_grow(graph->tensors, &graph->tensor_capacity, graph->tensor_count, sizeof(Tensor *));
    graph->tensors[graph->tensor_count++] = tensor;
    return tensor;
}

Tensor *graph_input(Graph *graph, const LayerCall *call, DataType type)
{
    Tensor *tensor = graph_tensor(graph, ROLE_INPUT, call->name);
    tensor->type = type;
    graph->inputs = memory_grow(graph->inputs, &graph->input_capacity, graph->input_count, sizeof(Tensor *));
    graph->inputs[graph->input_count++] = tensor;
    return tensor;
}

static Tensor **append(Tensor **items, int *count, Tensor *tensor)
{
    Tensor **longer = NEW_ARRAY(Tensor *, *count + 1);
    if (*count) memcpy(longer, items, sizeof *items * (size_t)*count);
    longer[(*count)++] = tensor;
    return longer;
}

static Node *node_new(Graph *graph, const Operator *op, const char *name, Tensor *const *inputs, int input_count)
{
    Node *node = NEW(Node);
    node->op = op;
    node->name = name;
    node->identifier = identifier_from(name);
    node->index = graph->node_count;
    node->frames = 1;
    for (int i = 0; i < input_count; i++) {
        node->inputs = append(node->inputs, &node->input_count, inputs[i]);
        inputs[i]->consumers++;
    }
    graph->nodes = memory_grow(graph->nodes, &graph->node_capacity, graph->node_count, sizeof(Node *));
    graph->nodes[graph->node_count++] = node;
    return node;
}

void graph_output(Graph *graph, Node *node, Tensor *tensor)
{
    (void)graph;
    tensor->producer = node;
    if (tensor->batched && tensor->frames == 1) tensor->frames = node->frames; /* else it is known already */
    node->outputs = append(node->outputs, &node->output_count, tensor);
}

/* The input, which comes as bytes or whole numbers, in float32. */
static Tensor *add_conversion(Graph *graph, Tensor *input)
{
    LayerCall call = {.name = memory_format("%s/float32", input->name), .index = -1};
    Tensor *output = graph_node(graph, &conversion_operator, &call, NULL, &input, 1)->outputs[0];
    output->shape = input->shape;
    return output;
}

Node *graph_node(Graph *graph,
                 const Operator *op,
                 const LayerCall *call,
                 const char *name_suffix,
                 Tensor *const *inputs,
                 int input_count)
{
    const char *name = name_suffix ? memory_format("%s/%s", call->name, name_suffix) : call->name;
    Tensor **read = NEW_ARRAY(Tensor *, input_count + 1);
    for (int i = 0; i < input_count; i++) {
        bool whole = inputs[i]->role == ROLE_INPUT && inputs[i]->type == TYPE_INT32 && !(op->flags & OPERATOR_WHOLE);
        read[i] = whole ? add_conversion(graph, inputs[i]) : inputs[i];
    }
    inputs = read;
    Node *node = node_new(graph, op, name, inputs, input_count);
    node->owner = call->name;
    node->arguments = call->arguments;
    node->place = call->place;
    node->layer = call->index;
    int before = node->index;
    while (before > 0 && graph->nodes[before - 1]->layer == call->index) before--;
    node->stream = (uint32_t)call->index + (uint32_t)(node->index - before) * MAX_LAYERS;
    Tensor *output = graph_tensor(graph, ROLE_ACTIVATION, name);
    if (op->flags & OPERATOR_VIEW) output->view_of = inputs[0];
    graph_output(graph, node, output);
    return node;
}

Node *graph_gradient_node(Graph *graph,
                          const Operator *op,
                          Node *forward,
                          const char *suffix,
                          Tensor *const *inputs,
                          int input_count)
{
    Node *node = node_new(graph, op, suffix ? memory_format("%s/%s", forward->name, suffix) : forward->name, inputs, input_count);
    node->owner = forward->owner;
    node->frames = forward->frames;
    node->arguments = forward->arguments;
    node->place = forward->place;
    node->layer = forward->layer;
    node->stream = forward->stream;
    node->detail = forward->detail;
    node->forward = forward;
    return node;
}

Tensor *graph_weight(Graph *graph, Node *node, const char *name, const Shape *shape, bool trainable)
{
    Tensor *tensor = graph_tensor(graph, ROLE_WEIGHT, memory_format("%s/%s", node->owner, name));
    tensor->shape = *shape;
    tensor->trainable = trainable;
    tensor->consumers = 1;
    node->weights = append(node->weights, &node->weight_count, tensor);
    const char *identifier = tensor->identifier; /* lstm_a/kernel and lstm/a_kernel must differ in C too */
    for (int i = 2; names_find(graph->weight_identifiers, tensor->identifier) >= 0; i++) tensor->identifier = memory_format("%s_%d", identifier, i);
    names_add(graph->weight_identifiers, tensor->identifier);
    return tensor;
}

Tensor *graph_derived(Graph *graph, Node *node, Tensor *weight, const char *suffix, const Shape *shape, const Operator *derive)
{
    Tensor *tensor = graph_weight(graph, node, memory_format("%s_%s", strrchr(weight->name, '/') + 1, suffix), shape, false);
    tensor->role = ROLE_DERIVED;
    tensor->weight = weight;
    tensor->derive = derive;
    tensor->reader = node;
    return tensor;
}

void graph_derive(Graph *graph, bool trainable_only)
{
    for (int i = 0; i < graph->tensor_count; i++) {
        Tensor *tensor = graph->tensors[i];
        if (tensor->role != ROLE_DERIVED || (trainable_only && (!tensor->weight->trainable || tensor->derive->flags & OPERATOR_BEGINS))) continue;
        Node *node = graph_gradient_node(graph, tensor->derive, tensor->reader, NULL, &tensor->weight, 1);
        graph_output(graph, node, tensor);
    }
}

Tensor *graph_workspace(Graph *graph, Node *node, int64_t floats, int64_t copies)
{
    Tensor *tensor = graph_tensor(graph, ROLE_WORKSPACE, memory_format("%s/workspace", node->name));
    tensor->shape = shape_of(1, &floats);
    tensor->copies = copies;
    graph_output(graph, node, tensor);
    return tensor;
}

Tensor *graph_row(Graph *graph, Node *node, const char *name, int64_t period)
{
    Tensor *tensor = graph_tensor(graph, ROLE_ACTIVATION, memory_format("%s/%s", graph->layers[node->layer].name, name));
    tensor->batched = false;
    tensor->period = period;
    tensor->shape = shape_of(1, &(int64_t){period + ROW_MARGIN});
    graph_output(graph, node, tensor);
    return tensor;
}

Tensor *graph_state(Graph *graph, Node *node, const char *name, int64_t floats)
{
    Tensor *tensor = graph_tensor(graph, ROLE_STATE, memory_format("%s/%s", node->name, name));
    tensor->batched = false;
    tensor->shape = shape_of(1, &floats);
    const char *identifier = tensor->identifier;
    for (int i = 2; names_find(graph->state_identifiers, tensor->identifier) >= 0; i++) tensor->identifier = memory_format("%s_%d", identifier, i);
    names_add(graph->state_identifiers, tensor->identifier);
    graph_output(graph, node, tensor);
    return tensor;
}

bool program_is_single(Program program)
{
    return program == PROGRAM_PREDICT || program == PROGRAM_STEP;
}

Graph graph_of_frames(const Graph *graph, const Node *node)
{
    Graph seen = *graph;
    if (node->frames == 1) return seen;
    seen.batch *= node->frames;
    if (program_is_single(seen.program)) seen.program = PROGRAM_PREDICT_BATCH; /* one sample is several */
    return seen;
}

int64_t node_operations(const Node *node)
{
    if (!node->op->macs) return node->frames * shape_count(node->input_count ? &node->inputs[0]->shape : &node->outputs[0]->shape);
    int64_t sum = node->frames * node->op->macs(node);
    for (int i = 0; i < node->weight_count; i++) sum += shape_count(&node->weights[i]->shape); /* each must be loaded as well */
    return sum;
}

bool node_is_shared(const Graph *graph, const Node *node, int64_t parts)
{
    enum { LEAST = 4096 }; /* operations: calling a function for each part must be worth it */
    return graph->shared && !node->forward && parts > 1 && node_operations(node) >= LEAST;
}

int64_t graph_tasks(const Graph *graph, const Node *node, int64_t parts)
{
    if (!program_is_single(graph->program)) return TASKS;
    if (!node_is_shared(graph, node, parts)) return 1;
    return parts < TASKS ? parts : TASKS;
}

Tensor *graph_layer(Graph *graph, LayerCall *call)
{
    const Layer *layer = call->layer;
    if (call->input_count < layer->least_inputs) {
        diagnose(call->arguments->name_place,
                 layer->least_inputs == 1 ? "%s needs an input: no layer stands before it" : "%s needs at least %d inputs: write %s(...)(a, b)",
                 layer->entry.name,
                 layer->least_inputs,
                 layer->entry.name);
        return NULL;
    }
    if (layer->most_inputs >= 0 && call->input_count > layer->most_inputs) {
        diagnose(call->place, "%s takes %d input%s, not %d", layer->entry.name, layer->most_inputs, layer->most_inputs == 1 ? "" : "s", call->input_count);
        return NULL;
    }
    call->index = graph->layer_count;
    graph->layers = memory_grow(graph->layers, &graph->layer_capacity, graph->layer_count, sizeof(LayerUse));
    graph->layers[graph->layer_count++] = (LayerUse){
        .layer = layer,
        .name = call->name,
        .arguments = call->arguments,
        .place = call->place,
        .inputs = call->inputs,
        .input_count = call->input_count,
    };
    Tensor *output = layer->build(graph, call);
    graph->layers[call->index].output = output;
    return output;
}

Tensor *graph_inner_layer(Graph *graph, const LayerCall *call, const Object *object, const char *prefix, Tensor *x, bool turned)
{
    const Layer *layer = (const Layer *)(const void *)object->entry;
    if (layer->least_inputs != 1) {
        diagnose(object->name_place, "%s cannot stand within %s, which has one input to give", layer->entry.name, call->layer->entry.name);
        return NULL;
    }
    LayerCall inner = *call;
    inner.layer = layer;
    inner.arguments = object;
    inner.name = memory_format("%s/%s%s", call->name, prefix, layer->entry.name);
    inner.inputs = &x;
    inner.turned = turned;
    /* cppcheck-suppress returnDanglingLifetime ; it returns a tensor of the graph, not what it is told */
    return layer->build(graph, &inner);
}

Tensor *tensor_base(Tensor *tensor)
{
    while (tensor->view_of) tensor = tensor->view_of;
    return tensor;
}

bool has_targets(Program program)
{
    return program >= PROGRAM_EVALUATE;
}

int output_number(const Graph *graph, const Tensor *base)
{
    if (has_targets(graph->program) || base->role != ROLE_ACTIVATION) return -1;
    for (int i = 0; i < graph->output_count; i++)
        if (tensor_base(graph->outputs[i]) == base) return i;
    return -1;
}

bool is_result(const Tensor *tensor)
{
    return tensor->role == ROLE_LOSS || tensor->role == ROLE_METRIC || tensor->role == ROLE_PENALTY;
}

int64_t round_up(int64_t count, int64_t multiple)
{
    return (count + multiple - 1) / multiple * multiple;
}

int64_t packing_floats(const Tensor *weight)
{
    const Packing *p = &weight->packing;
    return p->panel ? round_up(p->columns, p->panel) * p->rows : shape_count(&weight->shape);
}

int64_t data_bytes(DataType type)
{
    return type == TYPE_UINT8 ? 1 : 4;
}

int64_t graph_struct_offset(const Graph *graph, const Tensor *weight, bool packed)
{
    int64_t offset = 0, alignment = packed ? 64 : 4;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        if (tensor->role != ROLE_WEIGHT && !(packed && tensor->role == ROLE_DERIVED)) continue;
        offset = round_up(offset, alignment);
        if (tensor == weight) return offset;
        offset += 4 * (packed ? packing_floats(tensor) : shape_count(&tensor->shape));
    }
    offset = round_up(offset, alignment);
    return offset ? offset : alignment; /* a network without weights has a struct all the same */
}

/* ---- copying ---- */

/* What reads nothing but weights comes first, so that all others may have it in their epilogues. */
static void weights_first(Graph *graph)
{
    Node **ordered = NEW_ARRAY(Node *, graph->node_count + 1);
    int count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < graph->node_count; i++)
            if ((graph->nodes[i]->input_count > 0) == pass) ordered[count++] = graph->nodes[i];
    for (int i = 0; i < count; i++) ordered[i]->index = i;
    graph->nodes = ordered;
    graph->node_capacity = count + 1;
}

/* A copy of the source graph for one program. Activations are its own, since each program has its own plan; weights are
 * shared. Noise is left out where it is off: whoever read its output reads its input. */
Graph *graph_program(const Graph *source, Program program, int64_t batch, bool bytes)
{
    Graph *graph = NEW(Graph);
    *graph = *source;
    graph->program = program;
    bool has_noise = program == PROGRAM_TRAIN || program == PROGRAM_GRADIENTS;
    graph->batch = batch;
    graph->bytes = bytes;
    graph->nodes = NULL;
    graph->node_count = graph->node_capacity = 0;
    graph->chains = NULL;
    graph->chain_count = graph->chain_capacity = 0;
    graph->state_identifiers = NEW(Names);
    graph->tensors = NULL;
    graph->tensor_count = graph->tensor_capacity = 0;
    Tensor **map = NEW_ARRAY(Tensor *, source->tensor_count + 1);
    for (int i = 0; i < source->tensor_count; i++) {
        Tensor *old = source->tensors[i];
        if (old->role == ROLE_WORKSPACE) continue;
        Tensor *copy = old;
        if (old->role != ROLE_WEIGHT && old->role != ROLE_DERIVED) {
            copy = NEW(Tensor);
            *copy = *old;
            copy->consumers = 0;
            if (old->view_of) copy->view_of = map[old->view_of->index];
        }
        if (old->role == ROLE_ACTIVATION && (old->producer->op->flags & OPERATOR_NOISE) && !has_noise) {
            map[i] = map[old->producer->inputs[0]->index];
            continue;
        }
        map[i] = copy;
        if (copy != old) copy->index = graph->tensor_count;
        graph->tensors = memory_grow(graph->tensors, &graph->tensor_capacity, graph->tensor_count, sizeof(Tensor *));
        graph->tensors[graph->tensor_count++] = copy;
        if (bytes && old->role == ROLE_INPUT && old->type == TYPE_FLOAT32) {
            copy->type = TYPE_UINT8;
            map[i] = add_conversion(graph, copy);
        }
    }
    for (int i = 0; i < source->node_count; i++) {
        const Node *old = source->nodes[i];
        if ((old->op->flags & OPERATOR_NOISE) && !has_noise) continue;
        Node *node = NEW(Node);
        *node = *old;
        node->index = graph->node_count;
        node->inputs = NEW_ARRAY(Tensor *, old->input_count);
        for (int j = 0; j < old->input_count; j++) node->inputs[j] = map[old->inputs[j]->index];
        node->outputs = NULL;
        node->output_count = 0;
        for (int j = 0; j < old->output_count; j++)
            if (old->outputs[j]->role != ROLE_WORKSPACE) graph_output(graph, node, map[old->outputs[j]->index]);
        if (node->op->specialise) node->op->specialise(graph, node);
        for (int j = 0; j < node->input_count; j++) node->inputs[j]->consumers++;
        graph->nodes = memory_grow(graph->nodes, &graph->node_capacity, graph->node_count, sizeof(Node *));
        graph->nodes[graph->node_count++] = node;
    }
    weights_first(graph);
    graph->inputs = NEW_ARRAY(Tensor *, source->input_count);
    for (int i = 0; i < source->input_count; i++) {
        Tensor *input = map[source->inputs[i]->index];
        graph->inputs[i] = input->role == ROLE_INPUT ? input : input->producer->inputs[0];
    }
    graph->outputs = NEW_ARRAY(Tensor *, source->output_count);
    for (int i = 0; i < source->output_count; i++) {
        graph->outputs[i] = map[source->outputs[i]->index];
        graph->outputs[i]->consumers++;
    }
    if (source->uses) graph->uses = NEW_ARRAY(OutputUse, source->output_count);
    for (int i = 0; source->uses && i < source->output_count; i++) {
        graph->uses[i] = source->uses[i];
        if (!source->uses[i].target) continue;
        graph->uses[i].target = map[source->uses[i].target->index];
        graph->uses[i].target->consumers++;
    }
    return graph;
}

/* ---- printing ---- */

static void dump_tensors(FILE *out, const char *title, Tensor *const *tensors, int count)
{
    if (!count) return;
    fprintf(out, "%s", title);
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%s%s", i ? ", " : "", tensors[i]->name, tensors[i]->shape.rank >= 0 ? shape_string(&tensors[i]->shape) : "");
}

void dump_graph(FILE *out, const Graph *graph)
{
    dump_tensors(out, "inputs  ", graph->inputs, graph->input_count);
    fprintf(out, "\n");
    for (int i = 0; i < graph->node_count; i++) {
        const Node *node = graph->nodes[i];
        fprintf(out, "%4d %c %-24s ", i, node->chain ? '|' : ' ', node->op->name);
        dump_tensors(out, "", node->outputs, node->output_count);
        dump_tensors(out, " <- ", node->inputs, node->input_count);
        dump_tensors(out, "; ", node->weights, node->weight_count);
        for (int j = 0; j < node->epilogue_count; j++) fprintf(out, "; then %s", node->epilogue[j]->name);
        fprintf(out, "\n");
    }
    dump_tensors(out, "outputs ", graph->outputs, graph->output_count);
    fprintf(out, "\n");
}

void dump_plan(FILE *out, const Graph *graph)
{
    fprintf(out, "batch %lld, arena %lld bytes\n", (long long)graph->batch, (long long)graph->arena_bytes);
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        if (tensor->offset >= 0 && !tensor->view_of)
            fprintf(out,
                    "%s%12lld %12lld  steps %d to %d  %s %s\n",
                    tensor->chain ? "|" : " ",
                    (long long)tensor->offset,
                    (long long)tensor->bytes,
                    tensor->first,
                    tensor->last,
                    tensor->name,
                    shape_string(&tensor->shape));
    }
}
