/* --ram=SIZE and --flash=SIZE: does inference on one sample fit? If not, what is largest, and what would help, which is tried.
 *
 * RAM holds the arena, inputs and outputs; the packed weights too, unless they are baked in, which makes them constant data, or --flash says that
 * they lie there. What the C compiler makes of the code is not counted: the linker knows it. */
#include "commands/command_line.h"
#include "emission/generate.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SHOWN = 6 };

typedef struct { int64_t arena, ports, weights; } Need;

/* Of `predict`, or of `step`, whose state is what lies between two frames. */
static Need need_of(const Generation *g, const Graph *program)
{
    Need need = {.arena = program->arena_bytes, .weights = graph_struct_offset(g->source, NULL, true)};
    for (int i = 0; i < program->input_count; i++) need.ports += 4 * shape_count(&program->inputs[i]->shape);
    for (int i = 0; i < program->output_count; i++) need.ports += 4 * shape_count(&program->outputs[i]->shape);
    return need;
}

/* Are the weights in flash? */
static bool weights_apart(const Options *o)
{
    return o->flash || o->weights;
}

static int64_t ram_of(const Options *o, const Need *need)
{
    return need->arena + need->ports + (weights_apart(o) ? 0 : need->weights);
}

static bool fits(const Options *o, const Need *need)
{
    return (!o->ram || ram_of(o, need) <= o->ram) && (!o->flash || need->weights <= o->flash);
}

static int by_size(const void *a, const void *b)
{
    const Tensor *x = *(Tensor *const *)a, *y = *(Tensor *const *)b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes) : x->index - y->index;
}

static void print_largest(Tensor **tensors, int count, const char *more)
{
    qsort(tensors, (size_t)count, sizeof *tensors, by_size);
    for (int i = 0; i < count && i < MOST_SHOWN; i++) {
        const Tensor *t = tensors[i];
        const char *what = t->role == ROLE_WORKSPACE ? ", scratch memory" : t->role == ROLE_DERIVED ? ", a further form for a faster kernel" : "";
        fprintf(stderr, "  %12s bytes  %s %s%s\n", number_with_commas(t->bytes), t->name, shape_string(&t->shape), what);
    }
    if (count > MOST_SHOWN) fprintf(stderr, "  and %d smaller %s\n", count - MOST_SHOWN, more);
}

/* What is alive together when the arena is fullest. */
static void print_arena(const Generation *g)
{
    const Graph *graph = g->predict;
    int64_t most = -1;
    int fullest = 0;
    for (int step = 0; step < graph->node_count; step++) {
        int64_t bytes = 0;
        for (int i = 0; i < graph->tensor_count; i++) {
            const Tensor *t = graph->tensors[i];
            if (t->offset >= 0 && !t->view_of && t->first <= step && step <= t->last) bytes += t->bytes;
        }
        if (bytes > most) most = bytes, fullest = step;
    }
    if (most <= 0) return;
    Tensor **alive = NEW_ARRAY(Tensor *, graph->tensor_count + 1);
    int count = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        Tensor *t = graph->tensors[i];
        if (t->offset >= 0 && !t->view_of && t->first <= fullest && fullest <= t->last) alive[count++] = t;
    }
    fprintf(stderr, "the arena is fullest while %s is computed:\n", g->source->layers[graph->nodes[fullest]->layer].name);
    print_largest(alive, count, "ones");
}

static void print_weights(const Generation *g)
{
    Tensor **weights = NEW_ARRAY(Tensor *, g->source->tensor_count + 1);
    int count = 0;
    for (int i = 0; i < g->source->tensor_count; i++) {
        const Tensor *t = g->source->tensors[i];
        if (t->role != ROLE_WEIGHT && t->role != ROLE_DERIVED) continue;
        Tensor *copy = weights[count++] = NEW(Tensor);
        *copy = *t;
        copy->bytes = 4 * packing_floats(t);
    }
    fputs("the largest weights, as they are packed:\n", stderr);
    print_largest(weights, count, "ones");
}

/* Of frames that come one by one none needs the memory of a whole sequence. */
static void print_frames(const Options *o, const Generation *g, const Need *than)
{
    if (!g->step) return;
    Need need = need_of(g, g->step);
    need.arena += state_bytes(g->step);
    int64_t ram = ram_of(o, &need);
    if (ram >= ram_of(o, than)) return;
    fprintf(stderr,
            "  %s_step instead of %s_predict, frame by frame: RAM %s bytes%s (--ram speaks of predict: leave it out then)\n",
            g->source->name,
            g->source->name,
            number_with_commas(ram),
            fits(o, &need) ? "; that fits" : "");
}

/* What the same network needs with other options; said where it is less than `than`. */
static Need try_options(const Options *o, const CompileInput *in, Need than, const char *option, bool strict, const Target *target)
{
    CompileOptions options = in->options;
    options.emit.strict = options.emit.strict || strict;
    options.target = target;
    options.inference_only = true;
    options.quiet = true;
    options.dump = NULL;
    options.choices = NULL;
    Generation g = {0};
    Graph *source = compile_source(in->file, in->text, in->length, in->definitions, in->definition_count, &options);
    if (!source || !compile_programs(source, &options, &g)) return than;
    Need need = need_of(&g, g.predict);
    int64_t ram = ram_of(o, &need);
    bool ram_short = o->ram && ram_of(o, &than) > o->ram, flash_short = o->flash && than.weights > o->flash;
    if ((ram_short && ram < ram_of(o, &than)) || (flash_short && need.weights < than.weights))
        fprintf(stderr, "  %s: RAM %s bytes, weights %s bytes%s\n", option, number_with_commas(ram), number_with_commas(need.weights), fits(o, &need) ? "; that fits" : "");
    return need;
}

bool limits_hold(const Options *o, const CompileInput *in, const Generation *g)
{
    Need need = need_of(g, g->predict);
    if (fits(o, &need)) return true;
    int64_t ram = ram_of(o, &need);
    bool ram_short = o->ram && ram > o->ram, flash_short = o->flash && need.weights > o->flash;
    if (ram_short)
        fprintf(stderr,
                "cnnc: error: %s needs %s bytes of RAM, %s more than there are: arena %s, input and output %s%s\n",
                g->source->name,
                number_with_commas(ram),
                number_with_commas(ram - o->ram),
                number_with_commas(need.arena),
                number_with_commas(need.ports),
                weights_apart(o) ? "" : memory_format(", weights %s", number_with_commas(need.weights)));
    if (flash_short)
        fprintf(stderr,
                "cnnc: error: %s needs %s bytes of flash for its weights, %s more than there are\n",
                g->source->name,
                number_with_commas(need.weights),
                number_with_commas(need.weights - o->flash));
    if (ram_short) print_arena(g);
    if (flash_short || !weights_apart(o)) print_weights(g);
    fputs("what would help:\n", stderr);
    if (!weights_apart(o)) {
        int64_t without = need.arena + need.ports;
        fprintf(stderr,
                "  weights in flash: --flash=SIZE, or --weights=FILE, which makes them constant data: RAM %s bytes%s\n",
                number_with_commas(without),
                without <= o->ram ? "; that fits" : "");
    }
    if (ram_short) print_frames(o, g, &need);
    const Target *generic = target_find("generic");
    bool strict = o->code.strict;
    if (!strict) try_options(o, in, need, "--math=strict", true, o->target);
    if (o->target != generic) {
        Need other = try_options(o, in, need, "--target=generic", strict, generic);
        if (!strict) try_options(o, in, other, "--target=generic --math=strict", true, generic);
    }
    if (ram_short) fputs("  a smaller arena: fewer filters or units, larger strides or earlier pooling in the layers named, or a smaller input\n", stderr);
    if (flash_short || !weights_apart(o)) fputs("  fewer weights: fewer units, or pooling before the first dense layer\n", stderr);
    return false;
}
