/* model.c: its text from the banner down to the functions that choose a level. */
#include "emission/generate.h"

#include <string.h>

/* What stands over the code: the command, and a table of the layers. */
static void add_banner(Text *text, const Generation *g)
{
    text_add(text, "/* %s, written by cnnc " CNNC_VERSION ": %s\n *\n", g->source->name, g->command);
    text_add(text, " * %-32s %-20s %12s %14s   %s\n", "layer", "output", "parameters", "multiply-adds", "in the arena, for one sample: offset, bytes, steps");
    const LayerCost *costs = layer_costs(g->source);
    Names names = {0}; /* of the tensors of inference: the last of a name is what its layer gives */
    const Tensor **tensors = NEW_ARRAY(const Tensor *, g->predict->tensor_count + 1);
    for (int i = 0; i < g->predict->tensor_count; i++)
        if (g->predict->tensors[i]->role == ROLE_ACTIVATION) tensors[names_add(&names, g->predict->tensors[i]->name)] = tensor_base(g->predict->tensors[i]);
    for (int i = 0; i < g->source->layer_count; i++) {
        const LayerUse *layer = &g->source->layers[i];
        const char *place = "";
        int found = names_find(&names, layer->output->name);
        const Tensor *base = found < 0 ? NULL : tensors[found];
        if (base && base->offset >= 0) place = memory_format("%lld, %lld, %d to %d", (long long)base->offset, (long long)base->bytes, base->first, base->last);
        else if (base && output_number(g->predict, base) >= 0) place = "the caller's";
        text_add(text, " * %-32s %-20s %12lld %14lld   %s\n", layer->name, shape_string(&layer->output->shape), (long long)costs[i].parameters, (long long)costs[i].macs, place);
    }
    text_add(text, " */\n");
}

/* A program's functions, and the driver that calls them. */
static void add_program(Emit *e, const Generation *g, const Graph *graph, const char *name)
{
    emit_begin_program(e, graph);
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->op->emit) emit_node(e, graph->nodes[i]);
    emit_driver(e, g, graph, name);
}

/* The section of one level: its vectors, the functions of all programs, their drivers. */
static const char *level_section(Emit *e, const Generation *g, const Level *level)
{
    e->text = (Text){0};
    emit_begin_level(e, level);
    const Graph *programs[] = {g->derive, g->predict, g->step, g->predict_batch, g->evaluate, g->train, g->gradients, g->evaluate_bytes, g->train_bytes};
    static const char *const names[] = {"derive", "run_single", "run_step", "run_batch", "run_evaluation", "run_training", "run_gradients", "run_evaluation_bytes", "run_training_bytes"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        const Graph *graph = programs[i];
        if (graph && graph == g->train) text_add(&e->text, "/* ---- training ---- */\n\n");
        if (graph && !(graph == g->predict_batch && goes_singly(g))) add_program(e, g, graph, names[i]);
        if (graph == g->predict && g->options.pauses) emit_pieces(e, g, graph);
    }
    if (g->layers) text_add(&e->text, "/* ---- what each layer gives ---- */\n\n");
    if (g->layers) add_program(e, g->layers, g->layers->predict, "run_layers");
    if (g->layers && g->layers->predict_batch) add_program(e, g->layers, g->layers->predict_batch, "run_layers_batch");
    if (g->fused) add_program(e, g->fused, g->fused->predict, "run_fused");
    if (g->fused_batch) add_program(e, g->fused_batch, g->fused_batch->predict_batch, "run_fused_batch");
    return memory_join(memory_format("/* ---- %s: vectors of %d floats, %d registers ---- */\n\n", level->name, level->lanes, level->registers), level_code(e));
}

static void add_packing(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    for (int direction = 0; direction < 2; direction++) {
        text_add(text, direction ? "void %s_unpack(const %s_weights *from, %s_parameters *to)\n{\n" : "void %s_pack(const %s_parameters *from, %s_weights *to)\n{\n", name, name, name);
        bool any = false;
        for (int i = 0; i < g->source->tensor_count; i++) {
            const Tensor *tensor = g->source->tensors[i];
            if (tensor->role != ROLE_WEIGHT) continue;
            any = true;
            const Packing *p = &tensor->packing;
            if (p->panel)
                text_add(text,
                         "    %s((const float *)from->%s, (float *)to->%s, %lld, %lld, %lld);\n",
                         direction ? "unpack_panels" : "pack_panels",
                         tensor->identifier,
                         tensor->identifier,
                         (long long)p->rows,
                         (long long)p->columns,
                         (long long)p->panel);
            else text_add(text, "    memcpy(to->%s, from->%s, sizeof to->%s);\n", tensor->identifier, tensor->identifier, tensor->identifier);
        }
        if (!any) text_add(text, "    (void)from;\n    to->none[0] = 0.0f;\n");
        if (g->derive && !direction) add_choice(text, g, "    ", "derive", "to", false);
        text_add(text, "}\n\n");
    }
}

static void add_step_begin(Text *text, const Generation *g)
{
    if (optimizer_of(g->source, NULL, NULL)->prepare) text_add(text, "    const Step now = step_begin(step);\n");
}

static void add_learning_rate(Text *text, const Generation *g)
{
    const Object *object = schedule_of(g->source);
    if (!object) return;
    const char *lines = ((const Schedule *)(const void *)object->entry)->rate(object);
    text_add(text, "\nfloat %s_learning_rate(uint64_t step)\n", g->source->name);
    text_indent(text, memory_format("{\nconst double t = (double)step;\n%s}\n", lines));
}

static void add_public_functions(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    text_add(text, "/* ---- the interface ---- */\n\n");
    bool panels = false;
    for (int i = 0; i < g->source->tensor_count; i++) panels = panels || (g->source->tensors[i]->role == ROLE_WEIGHT && g->source->tensors[i]->packing.panel);
    if (panels) text_add(text, "%s", used_paragraphs(packing_text, "pack_panels unpack_panels", 0, NULL));
    add_level_function(text, g);
    add_packing(text, g);
    text_add(text, "void %s_predict(%s)\n{\n", name, driver_parameters(g, PROGRAM_PREDICT, false, true));
    add_choice(text, g, "    ", "run_single", driver_arguments(g, PROGRAM_PREDICT), false);
    text_add(text, "}\n\n");
    if (g->options.pauses) {
        text_add(text, "void %s_predict_begin(%s_progress *progress, %s)\n{\n", name, name, driver_parameters(g, PROGRAM_PREDICT, false, true));
        text_add(text, "%s    progress->piece = 0;\n}\n\nint %s_predict_next(%s_progress *progress)\n{\n", pieces_begin(g), name, name);
        add_choice(text, g, "    ", "run_piece", "progress", true);
        text_add(text, "}\n\n");
    }
    bool singly = goes_singly(g);
    const char *count = singly ? "1" : memory_format("n < %s_BATCH_SIZE ? n : %s_BATCH_SIZE", upper_case(name), upper_case(name));
    text_add(text, "void %s_predict_batch(%s)\n{\n    while (n > 0) {\n        const size_t count = %s;\n", name, driver_parameters(g, PROGRAM_PREDICT_BATCH, false, true), count);
    add_choice(text, g, "        ", singly ? "run_single" : "run_batch", driver_arguments(g, singly ? PROGRAM_PREDICT : PROGRAM_PREDICT_BATCH), false);
    for (int i = 0; i < g->source->input_count; i++) {
        const char *port = port_name(g, g->source->inputs, g->source->input_count, i, "input");
        text_add(text, "        %s += count * %s_%s_SIZE;\n", port, upper_case(name), upper_case(port));
    }
    for (int i = 0; i < g->source->output_count; i++) {
        const char *port = port_name(g, g->source->outputs, g->source->output_count, i, "output");
        text_add(text, "        %s += count * %s_%s_SIZE;\n", port, upper_case(name), upper_case(port));
    }
    text_add(text, "        n -= count;\n    }\n}\n");
    if (g->step) {
        text_add(text, "\nvoid %s_reset(%s_state *state)\n{\n    memset(state, 0, sizeof *state);\n}\n\nvoid %s_step(%s)\n{\n", name, name, name, driver_parameters(g, PROGRAM_STEP, false, true));
        add_choice(text, g, "    ", "run_step", driver_arguments(g, PROGRAM_STEP), false);
        text_add(text, "}\n");
    }
    if (!g->train) return;
    add_learning_rate(text, g);
    text_add(text, "\nfloat %s_evaluate(%s)\n{\n", name, driver_parameters(g, PROGRAM_EVALUATE, false, true));
    add_choice(text, g, "    ", "run_evaluation", driver_arguments(g, PROGRAM_EVALUATE), true);
    text_add(text, "}\n\nfloat %s_train_step(%s)\n{\n", name, driver_parameters(g, PROGRAM_TRAIN, false, true));
    add_step_begin(text, g);
    add_choice(text, g, "    ", "run_training", driver_arguments(g, PROGRAM_TRAIN), true);
    text_add(text, "}\n\nfloat %s_gradients(%s)\n{\n", name, driver_parameters(g, PROGRAM_GRADIENTS, false, true));
    add_choice(text, g, "    ", "run_gradients", driver_arguments(g, PROGRAM_GRADIENTS), true);
    text_add(text, "}\n");
    if (!g->train_bytes) return;
    text_add(text, "\nfloat %s_evaluate_bytes(%s)\n{\n", name, driver_parameters(g, PROGRAM_EVALUATE, true, true));
    add_choice(text, g, "    ", "run_evaluation_bytes", driver_arguments(g, PROGRAM_EVALUATE), true);
    text_add(text, "}\n\nfloat %s_train_step_bytes(%s)\n{\n", name, driver_parameters(g, PROGRAM_TRAIN, true, true));
    add_step_begin(text, g);
    add_choice(text, g, "    ", "run_training_bytes", driver_arguments(g, PROGRAM_TRAIN), true);
    text_add(text, "}\n");
}

char *generate_source(const Generation *g, const char *header_name)
{
    Emit *e = emit_new(&g->options);
    Text code = {0}, interface = {0};
    for (int i = 0; i < g->target->level_count; i++) {
        const Level *level = g->target->levels[i];
        const char *section = level_section(e, g, level);
        add_section(&code, g->target, level, section);
    }
    add_public_functions(&interface, g);
    Text text = {0};
    add_banner(&text, g);
    if (header_name) text_add(&text, "#include \"%s\"\n\n", header_name);
    else text_add(&text, "%s\n", generate_header(g));
    const char *test = g->layers ? generate_selftest(g) : "";
    text_add(&text, "%s", generate_frame(g, memory_join(code.data, test)));
    text_add_bytes(&text, code.data, code.length);
    text_add_bytes(&text, interface.data, interface.length);
    if (g->baked && g->form == WEIGHTS_CODE) add_baked(&text, g);
    if (g->baked && g->form == WEIGHTS_BLOB) add_blob_function(&text, g);
    text_add(&text, "%s", test);
    return text.data;
}
