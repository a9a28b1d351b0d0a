/* model.h, the contract: sizes, structs, functions. */
#include "emission/generate.h"

#include <string.h>

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

/* Straight-line code has no loop over a batch. But where there is an evaluate, a batch's predictions are to be those that it makes, bit for
 * bit, and one sample's sums may be ordered otherwise. */
bool goes_singly(const Generation *g)
{
    return g->options.unroll_full && !g->evaluate;
}

int64_t batch_arena_bytes(const Generation *g)
{
    return (goes_singly(g) ? g->predict : g->predict_batch)->arena_bytes;
}

int64_t training_arena_bytes(const Generation *g)
{
    return arena_of(g->train, arena_of(g->gradients, arena_of(g->train_bytes, 0)));
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
    text_add(&text, "#define %s_BATCH_ARENA_BYTES %lld /* of predict_batch */\n", upper, (long long)batch_arena_bytes(g));
    add_arena(&text, upper);
    if (g->step) add_step_sizes(&text, g);
    if (g->train) {
        text_add(&text, "#define %s_EVALUATE_ARENA_BYTES %lld /* of evaluate */\n", upper, (long long)arena_of(g->evaluate, arena_of(g->evaluate_bytes, 0)));
        text_add(&text, "#define %s_TRAIN_ARENA_BYTES %lld /* of train_step and gradients */\n", upper, (long long)training_arena_bytes(g));
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
