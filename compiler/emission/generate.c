/* The files: model.h, the contract, and model.c, its text from the banner down to the functions that choose a level. */
#include "emission/generate.h"

#include <ctype.h>
#include <string.h>

/* ---- the header ---- */

static void add_struct(Text *text, const Generation *g, const char *kind, bool packed)
{
    bool empty = true;
    text_add(text, "typedef struct %s_%s {\n", g->source->name, kind);
    for (int i = 0; i < g->source->tensor_count; i++) {
        const Tensor *tensor = g->source->tensors[i];
        if (tensor->role != ROLE_WEIGHT && !(packed && tensor->role == ROLE_DERIVED)) continue;
        Declared declared = tensor_declared(tensor);
        if (!packed) {
            declared.rank = tensor->shape.rank;
            memcpy(declared.sizes, tensor->shape.size, sizeof tensor->shape.size);
        }
        text_add(text, "    %sfloat %s", packed ? memory_format("%s_ALIGNED ", upper_case(g->source->name)) : "", tensor->identifier);
        for (int j = 0; j < declared.rank; j++) text_add(text, "[%lld]", (long long)declared.sizes[j]);
        text_add(text, ";%s\n", tensor->role == ROLE_DERIVED && tensor->derive->flags & OPERATOR_BEGINS ? " /* what a training step leaves to the next one */" : tensor->role == ROLE_DERIVED ? memory_format(" /* another form of %s */", tensor->weight->identifier) : packed && tensor->packing.panel ? memory_format(" /* panels of %lld columns */", (long long)tensor->packing.panel) : "");
        empty = false;
    }
    if (empty) text_add(text, "    %sfloat none[1]; /* the network has no weights */\n", packed ? memory_format("%s_ALIGNED ", upper_case(g->source->name)) : "");
    text_add(text, "} %s_%s;\n\n", g->source->name, kind);
}

static const char *port_comment(const Generation *g)
{
    Text text = {0};
    for (int i = 0; i < g->source->input_count; i++)
        text_add(&text, "%s%s %s", i ? ", " : "", port_name(g, g->source->inputs, g->source->input_count, i, "input"), shape_string(&g->source->inputs[i]->shape));
    text_add(&text, "; ");
    for (int i = 0; i < g->source->output_count; i++)
        text_add(&text, "%s%s %s", i ? ", " : "", port_name(g, g->source->outputs, g->source->output_count, i, "output"), shape_string(&g->source->outputs[i]->shape));
    return text.data;
}

static void add_arena(Text *text, const char *upper)
{
    text_add(text,
             "/* How to declare an arena, so that it is aligned and lies in the section that -D%s_ARENA_SECTION='\".fast\"' names, where there is one:\n"
             " * static %s_ARENA unsigned char arena[%s_ARENA_BYTES]; */\n",
             upper,
             upper,
             upper);
    text_add(text, "#ifdef %s_ARENA_SECTION\n#define %s_ARENA %s_ALIGNED __attribute__((section(%s_ARENA_SECTION)))\n#else\n", upper, upper, upper, upper);
    text_add(text, "#define %s_ARENA %s_ALIGNED\n#endif\n", upper, upper);
}

/* The larger of what the program, where there is one, and others need. */
static int64_t arena_of(const Graph *program, int64_t others)
{
    return program && program->arena_bytes > others ? program->arena_bytes : others;
}

static void add_slots(Text *text, const Generation *g)
{
    const char *upper = upper_case(g->source->name);
    Slot slots[MOST_SLOTS];
    int count;
    optimizer_of(g->source, slots, &count);
    text_add(text, "#define %s_SLOTS %d /* the optimiser's memories: each a struct of weights, zero at first where nothing else is said */\n", upper, count);
    for (int i = 0; i < count; i++)
        if (slots[i].start > 0)
            text_add(text, "#define %s_SLOT%d_START %s /* of all numbers of slots[%d], %s, before %s_pack */\n", upper, i, float_text(slots[i].start), i, slots[i].name, g->source->name);
}

static void add_pauses(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    text_add(text,
             "/* The same with pauses, in which a watchdog can be fed or other work be done: after %s_predict_begin, which is told what predict is, each\n"
             " * %s_predict_next computes a further piece, a layer or a part of one. It returns 1 while there is more to do, 0 when the outputs are there,\n"
             " * the same as predict's. What was handed over must stay as it is until then. */\n",
             name,
             name);
    text_add(text, "typedef struct %s_progress {\n%s    int piece; /* the next */\n} %s_progress;\n", name, pieces_fields(g), name);
    text_add(text, "void %s_predict_begin(%s_progress *progress, %s);\nint %s_predict_next(%s_progress *progress);\n\n", name, name, driver_parameters(g, PROGRAM_PREDICT, false, true), name, name);
}

static void add_step_sizes(Text *text, const Generation *g)
{
    const char *upper = upper_case(g->source->name);
    for (int i = 0; i < g->source->input_count; i++)
        if (g->source->inputs[i]->steps == STEPS_AXIS) text_add(text, "#define %s_%s_SIZE %lld /* numbers of one step of a sequence */\n", upper, upper_case(input_name(g, PROGRAM_STEP, i)), (long long)shape_count(&g->step->inputs[i]->shape));
    for (int i = 0; i < g->source->output_count; i++)
        text_add(text, "#define %s_STEP_%s_SIZE %lld /* what a step gives */\n", upper, upper_case(port_name(g, g->source->outputs, g->source->output_count, i, "output")), (long long)shape_count(&g->step->outputs[i]->shape));
    text_add(text, "#define %s_STEP_ARENA_BYTES %lld /* scratch memory of step */\n", upper, (long long)g->step->arena_bytes);
}

/* One step of a sequence at a time, or why that cannot be. */
static void add_step_interface(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    if (g->source->step_hindrance) text_add(text, "\n/* There is no %s_step, for one frame of a sequence at a time: %s. */\n", name, g->source->step_hindrance);
    if (!g->step) return;
    text_add(text, "\n/* What the network remembers of a sequence that it is given frame by frame: each sequence needs one of its own. */\ntypedef struct %s_state {\n", name);
    for (int i = 0; i < g->step->tensor_count; i++)
        if (g->step->tensors[i]->role == ROLE_STATE) text_add(text, "    float %s[%lld];\n", g->step->tensors[i]->identifier, (long long)shape_count(&g->step->tensors[i]->shape));
    text_add(text,
             "} %s_state;\n\n"
             "/* A sequence begins. */\n"
             "void %s_reset(%s_state *state);\n\n"
             "/* Its next frame, one step of the input. Gives what predict gives at this step, or, of outputs that belong to no step, what\n"
             " * predict would give if the sequence ended here; there is no limit to its length. Re-entrant as predict; the arena has\n"
             " * %s_STEP_ARENA_BYTES. */\n"
             "void %s_step(%s);\n",
             name,
             name,
             name,
             upper_case(name),
             name,
             driver_parameters(g, PROGRAM_STEP, false, true));
}

char *generate_header(const Generation *g)
{
    const char *name = g->source->name, *upper = upper_case(name);
    Text text = {0};
    text_add(&text,
             "/* %s, by cnnc " CNNC_VERSION ": %s\n"
             " *\n"
             " * One sample, row by row, without the batch: %s.\n"
             " * Memory that is handed over (weights, arena) must be aligned to %s_ALIGNMENT bytes. */\n"
             "#ifndef %s_H\n"
             "#define %s_H\n\n"
             "#include <stddef.h>\n"
             "#include <stdint.h>\n\n"
             "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
             name,
             g->command,
             port_comment(g),
             upper,
             upper,
             upper);
    text_add(&text, "#define %s_ALIGNMENT 64\n", upper);
    text_add(&text, "#define %s_ALIGNED __attribute__((aligned(64)))\n", upper);
    text_add(&text, "#define %s_BATCH_SIZE %lld /* the most samples that one step takes */\n", upper, (long long)g->predict_batch->batch);
    for (int i = 0; i < g->source->input_count; i++)
        text_add(&text, "#define %s_%s_SIZE %lld /* numbers of one sample */\n", upper, upper_case(port_name(g, g->source->inputs, g->source->input_count, i, "input")), (long long)shape_count(&g->source->inputs[i]->shape));
    for (int i = 0; i < g->source->output_count; i++)
        text_add(&text, "#define %s_%s_SIZE %lld\n", upper, upper_case(port_name(g, g->source->outputs, g->source->output_count, i, "output")), (long long)shape_count(&g->source->outputs[i]->shape));
    text_add(&text, "#define %s_PARAMETERS_BYTES %lld\n", upper, (long long)graph_struct_offset(g->source, NULL, false));
    text_add(&text, "#define %s_WEIGHTS_BYTES %lld\n", upper, (long long)graph_struct_offset(g->source, NULL, true));
    text_add(&text, "#define %s_ARENA_BYTES %lld /* scratch memory of predict */\n", upper, (long long)g->predict->arena_bytes);
    text_add(&text, "#define %s_BATCH_ARENA_BYTES %lld /* of predict_batch */\n", upper, (long long)(g->options.unroll_full ? g->predict : g->predict_batch)->arena_bytes);
    add_arena(&text, upper);
    if (g->step) add_step_sizes(&text, g);
    if (g->train) {
        int64_t most = arena_of(g->train, arena_of(g->gradients, arena_of(g->train_bytes, 0)));
        text_add(&text, "#define %s_EVALUATE_ARENA_BYTES %lld /* of evaluate */\n", upper, (long long)arena_of(g->evaluate, arena_of(g->evaluate_bytes, 0)));
        text_add(&text, "#define %s_TRAIN_ARENA_BYTES %lld /* of train_step and gradients */\n", upper, (long long)most);
        add_slots(&text, g);
    }
    text_add(&text, "\n/* The weights as files hold them, in Keras's layouts. */\n");
    add_struct(&text, g, "parameters", false);
    text_add(&text, "/* The weights as the functions below read them; made by %s_pack. */\n", name);
    add_struct(&text, g, "weights", true);
    text_add(&text, "void %s_pack(const %s_parameters *from, %s_weights *to);\nvoid %s_unpack(const %s_weights *from, %s_parameters *to);\n\n", name, name, name, name, name, name);
    if (g->baked && g->form == WEIGHTS_BLOB) add_blob_header(&text, g);
    else if (g->baked) text_add(&text, "/* The trained weights, in the program itself. */\nextern const %s_weights *const %s_trained;\n\n", name, name);
    text_add(&text, "/* Inference on one sample. Re-entrant: nothing is written but the outputs and the arena of %s_ARENA_BYTES. */\nvoid %s_predict(%s);\n\n", upper, name, driver_parameters(g, PROGRAM_PREDICT, false, true));
    if (g->options.pauses) add_pauses(&text, g);
    text_add(&text, "/* Inference on n samples, one behind the other; the arena has %s_BATCH_ARENA_BYTES. */\nvoid %s_predict_batch(%s);\n", upper, name, driver_parameters(g, PROGRAM_PREDICT_BATCH, false, true));
    add_step_interface(&text, g);
    if (g->train) {
        bool indices = false;
        const char *metrics = "";
        for (int i = 0; i < g->source->output_count; i++) {
            const OutputUse *use = &g->source->uses[i];
            indices = indices || ((const Loss *)(const void *)use->loss->entry)->class_indices;
            for (int j = 0; j < use->metric_count; j++)
                if (use->metrics[j].loss) metrics = memory_format("%s, %s", metrics, use->metrics[j].name);
        }
        text_add(&text,
                 "\n/* What a training step is told beside its data. */\n"
                 "typedef struct %s_training_step {\n"
                 "    uint64_t seed;       /* of the random numbers of dropout and its like */\n"
                 "    uint64_t step;       /* steps made before this one: with the slots all that the optimiser knows of them */\n"
                 "    float learning_rate; /* of this step%s */\n"
                 "    int refuse_nan;      /* not 0: a step whose loss is not finite returns NaN and updates nothing */\n"
                 "} %s_training_step;\n\n",
                 name,
                 schedule_of(g->source) ? memory_format(": %s_learning_rate(step)", name) : "",
                 name);
        if (schedule_of(g->source)) text_add(&text, "/* The rate that %s, in compile(), gives after so many steps. */\nfloat %s_learning_rate(uint64_t step);\n\n", schedule_of(g->source)->entry->name, name);
        text_add(&text,
                 "/* The mean loss of 1 to %s_BATCH_SIZE samples, as in inference. Targets are rows like the outputs%s; sample_weights%s may be\n"
                 " * NULL, for all ones. losses may be NULL: the loss of each output%s. So may outputs. */\n"
                 "float %s_evaluate(%s);\n\n",
                 upper,
                 indices ? ", or class numbers" : "",
                 g->source->temporal ? memory_format(", %lld for each sample,", (long long)weight_steps(g->source)) : "",
                 metrics,
                 name,
                 driver_parameters(g, PROGRAM_EVALUATE, false, true));
        text_add(&text,
                 "/* One step on 1 to %s_BATCH_SIZE samples: updates the weights and the slots, returns the mean loss. The rest as for\n"
                 " * evaluate; outputs receive the predictions made on the way, with noise. */\n"
                 "float %s_train_step(%s);\n\n",
                 upper,
                 name,
                 driver_parameters(g, PROGRAM_TRAIN, false, true));
        if (g->train_bytes)
            text_add(&text,
                     "/* The same on inputs of whole numbers from 0 to 255, as image files hold them: they are converted as they are read. */\n"
                     "float %s_evaluate_bytes(%s);\n"
                     "float %s_train_step_bytes(%s);\n\n",
                     name,
                     driver_parameters(g, PROGRAM_EVALUATE, true, true),
                     name,
                     driver_parameters(g, PROGRAM_TRAIN, true, true));
        text_add(&text, "/* The loss and its gradients, noise off; nothing is updated. */\nfloat %s_gradients(%s);\n", name, driver_parameters(g, PROGRAM_GRADIENTS, false, true));
    }
    text_add(&text, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    return text.data;
}

/* ---- the source ---- */

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

static const char *level_condition(const Level *level)
{
    Text text = {0};
    const char *word = level->condition;
    while (*word) {
        size_t length = strcspn(word, " ");
        text_add(&text, "%s__builtin_cpu_supports(\"%.*s\")", text.length ? " && " : "", (int)length, word);
        word += length + (word[length] == ' ');
    }
    return text.data;
}

static void add_levels(Text *text, const Generation *g)
{
    const char *wanted = g->options.threads ? memory_format("%d", g->options.threads < TASKS ? g->options.threads : TASKS) : NULL;
    const char *threads = g->options.threads ? memory_format(" num_threads(%d)", g->options.threads) : "";
    text_add(text,
             "/* Loops have %d turns at most, and so many threads at most share them: WORKER is the number of one among them. */\n"
             "#ifdef _OPENMP\n"
             "extern int omp_get_max_threads(void), omp_get_thread_num(void);\n"
             "#define PARALLEL_FOR _Pragma(\"omp parallel for schedule(static) num_threads(%s)\")\n"
             "#define WORKER omp_get_thread_num()\n"
             "#else\n"
             "#define PARALLEL_FOR\n"
             "#define WORKER 0\n"
             "#endif\n\n",
             TASKS,
             wanted ? wanted : memory_format("omp_get_max_threads() < %d ? omp_get_max_threads() : %d", TASKS, TASKS));
    if (g->source->shared)
        text_add(text,
                 "/* What the threads do together for one sample. */\n"
                 "#ifdef _OPENMP\n"
                 "extern int omp_in_parallel(void);\n"
                 "#define ONE_THREAD (%somp_in_parallel())\n"
                 "#define PARALLEL _Pragma(\"omp parallel%s\")\n"
                 "#define SHARED_FOR _Pragma(\"omp for schedule(static)\")\n"
                 "#define SINGLE _Pragma(\"omp single\")\n"
                 "#else\n"
                 "#define ONE_THREAD 1\n"
                 "#define PARALLEL\n"
                 "#define SHARED_FOR\n"
                 "#define SINGLE\n"
                 "#endif\n\n",
                 g->options.threads ? "" : "omp_get_max_threads() == 1 || ",
                 threads);
    text_add(text,
             "/* gcc does not contract x * y + z to one instruction with -std=c11, nor with -O1, unless it is asked to; clang does. */\n"
             "#if defined(__GNUC__) && !defined(__clang__)\n#pragma GCC optimize(\"fp-contract=fast\", \"expensive-optimizations\")\n#endif\n");
    text_add(text, "#define INLINE __attribute__((always_inline)) /* in a large function gcc would rather call what loads a vector */\n");
    text_add(text, "#if defined(__clang__)\n#define UNROLL _Pragma(\"unroll\")\n#else\n#define UNROLL _Pragma(\"GCC unroll 8\")\n#endif\n");
    for (int i = 0; i < g->target->level_count; i++) {
        const Level *level = g->target->levels[i];
        if (level->attribute) text_add(text, "#define LEVEL_%s __attribute__((target(\"%s\")))\n", level->suffix, level->attribute);
        else text_add(text, "#define LEVEL_%s\n", level->suffix);
    }
    text_add(text, "\n");
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

const char *used_paragraphs(const char *header, const char *code, int lanes, const Level *level)
{
    const char *paragraphs[128];
    size_t lengths[128];
    int count = 0;
    for (const char *at = header; *at;) {
        const char *end = strstr(at, "\n\n");
        size_t length = end ? (size_t)(end - at) : strlen(at);
        if (count == 128) die("too many paragraphs in a header of the runtime");
        paragraphs[count] = at;
        lengths[count++] = length;
        at += length;
        while (*at == '\n') at++;
    }
    const char *result = "";
    for (int i = count - 1; i >= 0; i--) {
        Text copy = {0};
        const char *text = memory_copy(paragraphs[i], lengths[i]);
        bool is_code = strstr(text, "static") != NULL, is_type = !strncmp(text, "typedef", 7);
        if (!is_code && !is_type) continue;
        for (const char *c = text; *c;) {
            if (level && !strncmp(c, "LEVEL ", 6)) text_add(&copy, "LEVEL_%s ", level->suffix), c += 6;
            else if (level && !strncmp(c, "LANES", 5)) text_add(&copy, "%d", lanes), c += 5;
            else if (level && !strncmp(c, "MASKS", 5)) text_add(&copy, "%d", level->masks), c += 5;
            else text_add_bytes(&copy, c++, 1);
        }
        bool used = is_type;
        if (is_code) { /* the function's name stands before its first parenthesis */
            const char *open = strstr(copy.data, "static");
            open = strchr(open, '(');
            const char *name = open;
            while (is_word(name[-1])) name--;
            const char *word = memory_copy(name, (size_t)(open - name));
            used = text_names(code, word) || text_names(result, word);
        }
        if (used) result = memory_format("%s\n\n%s", copy.data, result);
    }
    return result;
}

/* The transforms of tiles of that size that the code uses. */
static const char *winograd_tiles(const char *tile, const char *side, const Level *level, const char *code)
{
    Text text = {0};
    for (const char *c = winograd_tiles_text; *c;) {
        if (!strncmp(c, "TILE", 4)) text_add(&text, "%s", tile), c += 4;
        else if (!strncmp(c, "SIDE", 4)) text_add(&text, "%s", side), c += 4;
        else text_add_bytes(&text, c++, 1);
    }
    return used_paragraphs(text.data, code, level->lanes, level);
}

/* Functions on vectors shorter than the level's, load_f32x8 say, become load_f32x8_v4: another level may have its own. */
static const char *shorter_vectors(const char *code, const Level *level, int lanes)
{
    if (lanes == level->lanes) return code;
    Text text = {0};
    const char *name = memory_format("32x%d(", lanes), *found;
    for (; (found = strstr(code, name)); code = found + strlen(name)) {
        text_add_bytes(&text, code, (size_t)(found - code));
        text_add(&text, "32x%d_%s(", lanes, level->suffix);
    }
    text_add(&text, "%s", code);
    return text.data;
}

const char *level_code(const Emit *e)
{
    const Level *level = e->level;
    const char *code = e->text.data, *vectors = "";
    code = memory_format("%s%s", winograd_tiles("2", "4", level, code), code);
    code = memory_format("%s%s", winograd_tiles("4", "6", level, code), code);
    code = memory_format("%s%s", used_paragraphs(winograd_text, code, level->lanes, level), code);
    for (int lanes = level->lanes; lanes >= SHORTEST_VECTOR; lanes /= 2) {
        if (!strstr(code, memory_format("f32x%d ", lanes))) continue;
        vectors = memory_format("%s%s", vectors, shorter_vectors(used_paragraphs(vector_text, code, lanes, level), level, lanes));
        code = shorter_vectors(code, level, lanes);
    }
    return memory_format("%s%s", vectors, code);
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
        if (graph && !(graph == g->predict_batch && g->options.unroll_full)) add_program(e, g, graph, names[i]); /* there each sample goes by itself */
        if (graph == g->predict && g->options.pauses) emit_pieces(e, g, graph);
    }
    if (g->layers) text_add(&e->text, "/* ---- what each layer gives ---- */\n\n");
    if (g->layers) add_program(e, g->layers, g->layers->predict, "run_layers");
    if (g->layers && g->layers->predict_batch) add_program(e, g->layers, g->layers->predict_batch, "run_layers_batch");
    return memory_format("/* ---- %s: vectors of %d floats, %d registers ---- */\n\n%s", level->name, level->lanes, level->registers, level_code(e));
}

void add_choice(Text *text, const Generation *g, const char *indent, const char *driver, const char *arguments, bool returns)
{
    int count = g->target->level_count;
    if (count > 1) text_add(text, "#if defined(__x86_64__)\n");
    for (int i = 0; i < count; i++) {
        const char *call = memory_format("%s%s_%s(%s);", returns ? "return " : "", driver, g->target->levels[i]->suffix, arguments);
        if (i < count - 1) text_add(text, "%s%sif (level() == %d) %s\n", indent, i ? "else " : "", count - i - 1, call);
        else text_add(text, "%s%s%s\n", count > 1 ? memory_format("%selse\n#endif\n", indent) : "", indent, call);
    }
}

void add_level_function(Text *text, const Generation *g)
{
    if (g->target->level_count < 2) return;
    text_add(text, "/* The best level that this machine has. Compiled with -DCNNC_LEVEL=1, say, no level above that is chosen. */\n#if defined(__x86_64__)\n#ifndef CNNC_LEVEL\n#define CNNC_LEVEL %d\n#endif\nstatic int level(void)\n{\n", g->target->level_count - 1);
    for (int i = 0; i < g->target->level_count - 1; i++)
        text_add(text, "    if (CNNC_LEVEL >= %d && %s) return %d;\n", g->target->level_count - i - 1, level_condition(g->target->levels[i]), g->target->level_count - i - 1);
    text_add(text, "    return 0;\n}\n#endif\n\n");
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
    bool singly = g->options.unroll_full;
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

/* What the functions of a training step are told: what the caller says, and what the optimiser makes of that, once a step. */
static void add_step(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    const Optimizer *optimizer = optimizer_of(g->source, NULL, NULL);
    if (!optimizer->prepare) {
        text_add(text, "typedef %s_training_step Step;\n\n", name);
        return;
    }
    text_add(text, "/* What is the same for all weights of a step. */\ntypedef struct {\n    uint64_t seed, step;\n    int refuse_nan;\n    float learning_rate");
    Text values = {0};
    for (int i = 0; optimizer->values[i]; i++) {
        text_add(text, ", %s", optimizer->values[i]);
        text_add(&values, ", (float)%s", optimizer->values[i]);
    }
    text_add(text, ";\n} Step;\n\nstatic inline Step step_begin(const %s_training_step *told)\n", name);
    text_indent(text,
                memory_format("{\nconst double rate = (double)told->learning_rate, t = (double)(told->step + 1);\n%s"
                              "const Step step = {told->seed, told->step, told->refuse_nan, told->learning_rate%s};\nreturn step;\n}\n\n",
                              optimizer->prepare(argument_object(g->source->compile, "optimizer")),
                              values.data));
}

const char *generate_frame(const Generation *g, const char *code)
{
    const char *name = g->source->name;
    Text text = {0};
    text_add(&text, "#include <math.h>\n#include <string.h>\n%s\n", strstr(code, "cblas_") ? "#include <cblas.h>\n" : "");
    if (g->target->level_count == 1 && g->target->levels[0]->attribute) text_add(&text, "#if !defined(__x86_64__)\n#error \"this file was written for %s; run cnnc with another --target\"\n#endif\n\n", g->target->levels[0]->name);
    add_levels(&text, g);
    text_add(&text, "#ifndef __cplusplus\n_Static_assert(sizeof(%s_parameters) == %s_PARAMETERS_BYTES && sizeof(%s_weights) == %s_WEIGHTS_BYTES, \"the sizes in the header\");\n#endif\n\n", name, upper_case(name), name, upper_case(name));
    if (g->train) add_step(&text, g);
    if (strstr(code, "random_key(") || strstr(code, "random_bits(")) text_add(&text, "%s", used_paragraphs(random_text, code, 0, NULL));
    if (strstr(code, "transform_pixel_")) text_add(&text, "%s", used_paragraphs(transform_text, code, 0, NULL));
    if (strstr(code, "step_key("))
        text_add(&text,
                 "/* Names the random numbers of one step. */\n"
                 "static inline uint64_t step_key(const Step *step)\n{\n    return random_key(random_key(step->seed, 3), step->step);\n}\n\n");
    return text.data;
}

void add_section(Text *text, const Target *target, const Level *level, const char *code)
{
    bool guarded = level->attribute && target->level_count > 1;
    text_add(text, "%s%s%s", guarded ? "#if defined(__x86_64__)\n" : "", code, guarded ? "#endif\n\n" : "");
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
    text_add(&text, "%s", generate_frame(g, memory_format("%s%s", code.data, test)));
    text_add(&text, "%s", code.data);
    text_add(&text, "%s", interface.data);
    if (g->baked && g->form == WEIGHTS_CODE) add_baked(&text, g);
    if (g->baked && g->form == WEIGHTS_BLOB) add_blob_function(&text, g);
    text_add(&text, "%s", test);
    return text.data;
}
