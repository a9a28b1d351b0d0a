/* A network grows statement by statement, mostly from a layer with weights on. A layer is drawn from the table, blindly, and the compiler is asked whether the network with it
 * holds; if not, another is drawn. So the generator knows the rules of no layer, and a new one takes part at once. */
#include "network.h"

#include <string.h>

enum {
    MOST_NAMED = 16,
    MOST_LAYERS = 7,
    MOST_TRIES = 60,     /* of one layer */
    MOST_NUMBERS = 1500, /* of a tensor */
    MOST_WEIGHTS = 1200, /* in all: each is checked by differences */
    MOST_WORK = 60000,   /* multiply-adds of a sample */
    MOST_OUTPUTS = 3,
    MOST_ATTEMPTS = 1000, /* of a network */
};

/* What is there so far. A tensor that nobody reads yet has to become an output. */
typedef struct {
    Random random;
    char text[MOST_RANDOM_TEXT];
    size_t length;
    struct {
        char name[16];
        bool used;
        Shape shape;
    } named[MOST_NAMED];
    int count;
} Draft;

/* Appends a line; false: there is no room. */
static bool append(Draft *draft, const char *line)
{
    size_t length = strlen(line);
    if (draft->length + length + 1 > sizeof draft->text) return false;
    memcpy(draft->text + draft->length, line, length + 1);
    draft->length += length;
    return true;
}

static Graph *understand(const Draft *draft)
{
    return compile_forward("random.net", draft->text, draft->length, NULL, 0);
}

/* Is all of it small enough to be checked in a second? */
static bool is_small(const Graph *graph)
{
    int64_t weights = 0, work = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *t = graph->tensors[i];
        int64_t count = shape_count(&t->shape);
        if (__builtin_mul_overflow(count, t->frames ? t->frames : 1, &count) || count < 0 || count > MOST_NUMBERS) return false;
        if (t->role == ROLE_WEIGHT) weights += count;
    }
    for (int i = 0; i < graph->node_count; i++) work += node_operations(graph->nodes[i]);
    return weights <= MOST_WEIGHTS && work <= MOST_WORK;
}

/* Adds a line if the network holds with it. */
static bool try_line(Draft *draft, const char *line)
{
    size_t before = draft->length;
    const Graph *graph = append(draft, line) ? understand(draft) : NULL;
    if (graph && is_small(graph)) {
        if (graph->layer_count > draft->count) draft->named[draft->count].shape = graph->layers[graph->layer_count - 1].output->shape;
        return true;
    }
    draft->length = before;
    draft->text[before] = 0;
    return false;
}

static void draw_input(Draft *draft)
{
    static const int sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17};
    Random *random = &draft->random;
    Text line = {0};
    Shape *shape = &draft->named[draft->count].shape;
    snprintf(draft->named[draft->count].name, sizeof draft->named->name, "i%d", draft->count);
    text_add(&line, "%s = input(", draft->named[draft->count].name);
    shape->rank = 1 + (int)random_below(random, 4);
    if (shape->rank == 4 && !random_one_in(random, 6)) shape->rank = 3;
    for (int i = 0; i < shape->rank; i++) {
        shape->size[i] = sizes[random_below(random, i == shape->rank - 1 ? 11 : shape->rank == 4 ? 4 : 9)];
        text_add(&line, "%s%d", i ? ", " : "", (int)shape->size[i]);
    }
    text_add(&line, "%s)\n", random_one_in(random, 8) ? ", dtype=int32" : "");
    append(draft, line.data); /* the compiler would say that there is no layer yet */
    draft->count++;
}

/* The tensors that a layer shall read: the last one, an earlier one, or several of one shape. Marks them as used. */
static void draw_inputs(Draft *draft, const Layer *layer, Text *line, bool *used, int *first)
{
    Random *random = &draft->random;
    *first = random_one_in(random, 5) ? (int)random_below(random, (uint32_t)draft->count) : draft->count - 1;
    used[*first] = true;
    if (layer->most_inputs == 1 && *first == draft->count - 1) return;
    text_add(line, "(%s", draft->named[*first].name);
    int wanted = layer->most_inputs < 0 ? 2 + (int)random_below(random, 2) : layer->most_inputs;
    for (int i = 0, given = 1; given < wanted && i < 4 * MOST_NAMED; i++) {
        int other = (int)random_below(random, (uint32_t)draft->count);
        if (!random_one_in(random, 6) && !shape_same(&draft->named[other].shape, &draft->named[*first].shape)) continue;
        text_add(line, ", %s", draft->named[other].name);
        used[other] = true;
        given++;
    }
    text_add(line, ")");
}

static void draw_layer(Draft *draft)
{
    Random *random = &draft->random;
    char name[sizeof draft->named->name];
    snprintf(name, sizeof name, "l%d", draft->count);
    const Entry *entry = draw_entry(random, &layer_table);
    if (table_find(&activation_table, entry->name) && !random_one_in(random, 4)) return; /* of these there are many, and other layers have them as arguments */
    for (int i = 0; i < MOST_TRIES; i++) {
        bool used[MOST_NAMED] = {false};
        int first;
        Text call = {0}, inputs = {0}, line = {0};
        text_add(&inputs, "%s", "");
        draw_inputs(draft, (const Layer *)(const void *)entry, &inputs, used, &first);
        draw_call(random, &(DrawContext){.input = &draft->named[first].shape}, &call, entry);
        text_add(&line, "%s = %s%s\n", name, call.data, inputs.data);
        if (!try_line(draft, line.data)) continue;
        for (int k = 0; k < draft->count; k++) draft->named[k].used = draft->named[k].used || used[k];
        memcpy(draft->named[draft->count].name, name, sizeof name);
        draft->named[draft->count++].used = false;
        return;
    }
}

static bool has_weights(const Draft *draft)
{
    const Graph *graph = understand(draft);
    for (int i = 0; graph && i < graph->tensor_count; i++)
        if (graph->tensors[i]->role == ROLE_WEIGHT && graph->tensors[i]->trainable) return true;
    return false;
}

/* A layer with weights: what is behind it has to pass gradients back. */
static void draw_weights(Draft *draft)
{
    for (int i = 0; i < MOST_TRIES; i++) {
        const Draft before = *draft;
        draw_layer(draft);
        if (has_weights(draft)) return;
        const Random random = draft->random;
        *draft = before;
        draft->random = random;
    }
}

/* All that is read by nobody becomes an output. */
static bool draw_outputs(Draft *draft)
{
    Text line = {0};
    int count = 0;
    for (int i = 0; i < draft->count; i++) {
        if (draft->named[i].used) continue;
        text_add(&line, "%s%s", count ? ", " : "outputs(", draft->named[i].name);
        count++;
    }
    text_add(&line, ")\n");
    return count <= MOST_OUTPUTS && try_line(draft, line.data);
}

/* Some things that do not hold show on the way back only. */
static bool trains(const Draft *draft)
{
    const CompileOptions options = {.target = target_find("x86-64-v3")};
    Generation generation = {0};
    Graph *graph = compile_source("random.net", draft->text, draft->length, NULL, 0, &options);
    return graph && compile_programs(graph, &options, &generation);
}

static bool draw_compile(Draft *draft)
{
    Random *random = &draft->random;
    static const DrawContext context = {0};
    for (int i = 0; i < MOST_TRIES; i++) {
        Text line = {0};
        text_add(&line, "compile(optimizer=");
        draw_call(random, &context, &line, draw_entry(random, &optimizer_table));
        text_add(&line, ", loss=");
        draw_call(random, &context, &line, draw_entry(random, &loss_table));
        if (random_one_in(random, 2)) {
            text_add(&line, ", metrics=[");
            draw_call(random, &context, &line, draw_entry(random, &metric_table));
            text_add(&line, "]");
        }
        text_add(&line, ")\nfit(batch_size=%u)\n", 1 + random_below(random, 5));
        size_t before = draft->length;
        if (!try_line(draft, line.data)) continue;
        if (trains(draft)) return true;
        draft->length = before;
    }
    return false;
}

Graph *random_network(uint64_t seed, char text[MOST_RANDOM_TEXT])
{
    for (uint32_t attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        Draft draft = {.random = random_begin(seed + ((uint64_t)attempt << 40))};
        append(&draft, "model random\n");
        for (int inputs = random_one_in(&draft.random, 6) ? 2 : 1; inputs; inputs--) draw_input(&draft);
        int wanted = draft.count + 1 + (int)random_below(&draft.random, MOST_LAYERS);
        for (uint32_t before = random_below(&draft.random, 3); before; before--) draw_layer(&draft); /* some layers want to be the first */
        if (!random_one_in(&draft.random, 8)) draw_weights(&draft);
        for (int i = 0; i < 4 * MOST_LAYERS && draft.count < wanted; i++) draw_layer(&draft);
        if (!draw_outputs(&draft) || !draw_compile(&draft)) {
            memory_release();
            continue;
        }
        memcpy(text, draft.text, draft.length + 1);
        memory_release();
        return compile_forward("random.net", text, draft.length, NULL, 0);
    }
    return NULL;
}
