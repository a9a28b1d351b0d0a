/* What each layer gives: the same network with other outputs, those of all layers. So nothing is fused that would leave one out, and no
 * pass needs to know.
 *
 * The trainer's report shows it: a function `activations` in the trainer's table, not in model.c, the program `predict` of that network. It
 * runs for one digit now and then: the target's last level will do, and one thread. --selftest compares it (selftest.c). */
#include "generate.h"

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

int add_features(Text *text, const Generation *g)
{
    Generation generation = *layers_generation(g);
    Graph *seen = generation.source;
    const char *const *names = generation.layer_names;
    seen->shared = false;
    generation.options.unroll_full = false;
    const CompileOptions options = {.target = g->target, .emit = generation.options};
    const Graph *graph = compile_program(seen, PROGRAM_PREDICT, 1, false, &options);
    Emit *e = emit_new(&generation.options);
    const Level *level = g->target->levels[g->target->level_count - 1];
    emit_begin_level(e, level);
    emit_begin_program(e, graph);
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->op->emit) emit_node(e, graph->nodes[i]);
    emit_driver(e, &generation, graph, "run_features");
    const char *code = level_code(e);
    text_add(text, "/* ---- what each layer gives, for the report ---- */\n\n%s%s", generate_frame(&generation, code), code);
    text_add(text, "static const CnncPort model_features[] = {\n");
    for (int i = 0; i < seen->output_count; i++) {
        Tensor port = *seen->outputs[i];
        port.name = names[i];
        add_port(text, &port);
    }
    text_add(text, "    {0},\n};\n\nstatic void activations(const void *weights, const void *const *inputs, float *const *features, void *arena)\n{\n");
    if (!seen->output_count) text_add(text, "    (void)features;\n");
    text_add(text, "    run_features_%s(weights", level->suffix);
    for (int i = 0; i < seen->input_count; i++) text_add(text, ", inputs[%d]", i);
    for (int i = 0; i < seen->output_count; i++) text_add(text, ", features[%d]", i);
    text_add(text, ", arena);\n}\n\n#define FEATURES_ARENA_BYTES %lld\n\n", (long long)graph->arena_bytes);
    return seen->output_count;
}
