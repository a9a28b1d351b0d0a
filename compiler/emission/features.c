/* What the trainer's report shows of a network at work: functions in the trainer's table, not in model.c.
 *
 * `activations` gives what each layer gives. It is the program `predict` of the same network with other outputs, those of all layers: so
 * nothing is fused that would leave one out, and no pass needs to know. It runs for some digits now and then: the target's last level will
 * do, and one thread. --selftest compares that network, too (selftest.c).
 *
 * `time_layers` is the program `predict` as it is, for one thread, whose driver says after each phase which layer that was for. */
#include "emission/generate.h"

#include <string.h>

/* The layers' outputs that are worth a look: not the inputs, nor what noise gives, which is off. Each once. */
static void find_outputs(const Graph *source, Graph *seen, const char **names)
{
    bool *known = NEW_ARRAY(bool, source->tensor_count + 1);
    seen->outputs = NEW_ARRAY(Tensor *, source->layer_count + 1);
    seen->output_count = 0;
    for (int i = 0; i < source->layer_count; i++) {
        Tensor *output = source->layers[i].output;
        if (known[output->index] || !output->producer || (output->producer->op->flags & OPERATOR_NOISE) || output->type != TYPE_FLOAT32) continue;
        known[output->index] = true;
        names[seen->output_count] = source->layers[i].name;
        seen->outputs[seen->output_count++] = output;
    }
}

Generation *layers_generation(const Generation *g)
{
    Graph *seen = NEW(Graph);
    const char **names = NEW_ARRAY(const char *, g->source->layer_count + 1);
    *seen = *g->source;
    seen->compile = NULL;
    seen->uses = NULL;
    find_outputs(g->source, seen, names);
    Generation *layers = NEW(Generation);
    *layers = (Generation){.source = seen, .target = g->target, .options = g->options, .layer_names = names};
    return layers;
}

/* Compiles the program `predict` for one thread. */
static void compile_alone(Generation *g)
{
    g->source->shared = false;
    g->options.unroll_full = false;
    g->predict = compile_program(g->source, PROGRAM_PREDICT, 1, false, &(CompileOptions){.target = g->target, .emit = g->options});
}

static void emit_program_of(Emit *e, const Generation *g, const char *name)
{
    emit_begin_program(e, g->predict);
    for (int i = 0; i < g->predict->node_count; i++)
        if (g->predict->nodes[i]->op->emit) emit_node(e, g->predict->nodes[i]);
    emit_driver(e, g, g->predict, name);
}

static void add_pointers(Text *text, const char *array, int count)
{
    for (int i = 0; i < count; i++) text_add(text, ", %s[%d]", array, i);
}

static void add_layers(Text *text, const Generation *g, const char *arguments)
{
    const LayerCost *costs = layer_costs(g->source);
    text_add(text, "static const CnncLayer model_layers[] = {\n");
    for (int i = 0; i < g->source->layer_count; i++) {
        text_add(text, "    {");
        text_add_string(text, g->source->layers[i].name);
        text_add(text, ", %lld},\n", (long long)costs[i].macs);
    }
    text_add(text, "    {0},\n};\n\n");
    add_level_function(text, g);
    text_add(text, "static void time_layers(const void *weights, const void *const *inputs, float *const *outputs, void (*lap)(void *context, int layer), void *context, void *arena)\n{\n");
    add_choice(text, g, "    ", "run_timed", arguments, false);
    text_add(text, "}\n\n#define TIMES_ARENA_BYTES %lld\n\n", (long long)g->predict->arena_bytes);
}

int add_features(Text *text, const Generation *g)
{
    Generation features = *layers_generation(g), times = {.source = NEW(Graph), .target = g->target, .options = g->options, .timed = true};
    const Graph *seen = features.source;
    *times.source = *g->source;
    times.source->compile = NULL;
    times.source->uses = NULL;
    compile_alone(&features);
    compile_alone(&times);
    Emit *e = emit_new(&features.options);
    Text code = {0}, arguments = {0};
    for (int i = 0; i < g->target->level_count; i++) {
        const Level *level = g->target->levels[i];
        e->text = (Text){0};
        emit_begin_level(e, level);
        emit_program_of(e, &times, "run_timed");
        if (i == g->target->level_count - 1) emit_program_of(e, &features, "run_features");
        add_section(&code, g->target, level, level_code(e));
    }
    text_add(text, "/* ---- the network at work, for the report ---- */\n\n%s%s", generate_frame(&features, code.data), code.data);
    text_add(&arguments, "weights");
    add_pointers(&arguments, "inputs", seen->input_count);
    add_pointers(&arguments, "outputs", g->source->output_count);
    text_add(&arguments, ", arena, lap, context");
    add_layers(text, &times, arguments.data);
    text_add(text, "static const CnncPort model_features[] = {\n");
    for (int i = 0; i < seen->output_count; i++) {
        Tensor port = *seen->outputs[i];
        port.name = features.layer_names[i];
        add_port(text, &port);
    }
    text_add(text, "    {0},\n};\n\nstatic void activations(const void *weights, const void *const *inputs, float *const *features, void *arena)\n{\n");
    if (!seen->output_count) text_add(text, "    (void)features;\n");
    text_add(text, "    run_features_%s(weights", g->target->levels[g->target->level_count - 1]->suffix);
    add_pointers(text, "inputs", seen->input_count);
    add_pointers(text, "features", seen->output_count);
    text_add(text, ", arena);\n}\n\n#define FEATURES_ARENA_BYTES %lld\n\n", (long long)features.predict->arena_bytes);
    return seen->output_count;
}
