/* The trainer's table: a file that describes the network to the runtime (runtime/runtime.h) and holds the program's main. */
#include "emission/generate.h"
#include "runtime.h"

#include <string.h>

/* An argument's value as the runtime reads it: as it would be written, but strings without their quotes. */
static const char *value_text(const Value *value)
{
    if (value->kind == VALUE_STRING) return value->text;
    char *data = NULL;
    size_t size = 0;
    FILE *stream = stream_begin(&data, &size);
    dump_value(stream, value, false);
    return stream_end(stream, &data);
}

/* Initialisers of all arguments that are a single thing: {"epochs", "12"}, ... */
static void add_arguments(Text *text, const Object *object)
{
    const Parameter *parameter = object ? object->entry->parameters : NULL;
    for (int i = 0; parameter && parameter[i].name; i++) {
        if (parameter[i].list) continue;
        text_add(text, "{\"%s\", ", parameter[i].name);
        text_add_string(text, value_text(&object->values[i]));
        text_add(text, "}, ");
    }
}

/* The same of fit's lists of files, each with the name of what it is for: {"x", "input=images.npy"}. */
static void add_files(Text *text, const Object *fit, const char *name, Tensor *const *ports)
{
    const Value *files = argument(fit, name);
    for (int i = 0; i < files->list.count; i++) {
        text_add(text, "{\"%s\", ", name);
        text_add_string(text, memory_format("%s=%s", ports[i]->name, files->list.items[i].text));
        text_add(text, "}, ");
    }
}

static bool is_memory(const Tensor *tensor)
{
    return tensor->role == ROLE_DERIVED && tensor->derive->flags & OPERATOR_BEGINS;
}

/* The parameters, as files hold them; or what else a training step leaves to the next one, in the packed weights. */
static void add_tensors(Text *text, const Generation *g, bool memories)
{
    static const char *const kinds[] = {"CNNC_CONSTANT", "CNNC_UNIFORM", "CNNC_NORMAL", "CNNC_TRUNCATED_NORMAL", "CNNC_ORTHOGONAL", "CNNC_IDENTITY"};
    text_add(text, "static const CnncTensor model_%s[] = {\n", memories ? "memories" : "tensors");
    for (int i = 0; i < g->source->tensor_count; i++) {
        const Tensor *tensor = g->source->tensors[i];
        if (memories ? !is_memory(tensor) : tensor->role != ROLE_WEIGHT) continue;
        text_add(text, "    {");
        text_add_string(text, tensor->name);
        text_add(text, ", ");
        add_shape(text, &tensor->shape);
        text_add(text,
                 ", offsetof(%s_%s, %s), %s, %s, %.17g, %.17g, %lld, %lld},\n",
                 g->source->name,
                 memories ? "weights" : "parameters",
                 tensor->identifier,
                 tensor->trainable ? "true" : "false",
                 kinds[tensor->initial.kind],
                 tensor->initial.a,
                 tensor->initial.b,
                 (long long)tensor->ones_from,
                 (long long)tensor->ones_to);
    }
    text_add(text, "    {0},\n};\n\n");
}

static uint64_t network_hash(const Generation *g)
{
    char *data = NULL;
    size_t size = 0;
    FILE *stream = stream_begin(&data, &size);
    dump_graph(stream, g->source);
    dump_layers(stream, g->source);
    dump_object(stream, argument_object(g->source->compile, "optimizer"), true);
    fprintf(stream, " %lld", (long long)g->train->batch);
    return hash_text(stream_end(stream, &data));
}

/* Arguments of the emitted function from the table's arrays: (const float *)inputs[0], ... */
static const char *cast_list(const char *type, const char *array, int count)
{
    Text text = {0};
    for (int i = 0; i < count; i++) text_add(&text, ", %s%s[%d]", type, array, i);
    return text.data ? text.data : "";
}

/* Of the targets that are given with the data. */
static const char *target_list(const Graph *graph)
{
    Text text = {0};
    for (int i = 0; i < graph->output_count; i++)
        if (!graph->uses[i].target) text_add(&text, ", targets[%d]", i);
    return text.data ? text.data : "";
}

static void add_adapters(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    int inputs = g->source->input_count, outputs = g->source->output_count;
    const char *in = cast_list("", "inputs", inputs), *out = cast_list("", "outputs", outputs), *target = target_list(g->source);
    text_add(text, "static void pack(const void *parameters, void *weights)\n{\n    %s_pack(parameters, weights);\n}\n\n", name);
    text_add(text, "static void unpack(const void *weights, void *parameters)\n{\n    %s_unpack(weights, parameters);\n}\n\n", name);
    text_add(text, "static void predict_batch(const void *weights, const void *const *inputs, float *const *outputs, size_t n, void *arena)\n{\n    %s_predict_batch(weights%s%s, n, arena);\n}\n\n", name, in, out);
    const char *unused = *target ? "" : "    (void)targets;\n";
    Text optional = {0};
    for (int i = 0; i < outputs; i++) text_add(&optional, ", outputs ? outputs[%d] : NULL", i);
    for (int bytes = 0; bytes <= (g->train_bytes != NULL); bytes++) {
        const char *suffix = bytes ? "_bytes" : "";
        text_add(text, "static float train_step%s(void *weights, void *slots, const void *const *inputs, const void *const *targets, const float *sample_weights, size_t n, const CnncStep *step, float *losses, float *const *outputs, void *arena)\n{\n", suffix);
        text_add(text, "%s    const %s_training_step now = {step->seed, step->step, step->learning_rate, step->refuse_nan};\n", unused, name);
        text_add(text, "    return %s_train_step%s(weights, slots%s%s, sample_weights, n, &now, losses%s, arena);\n}\n\n", name, suffix, in, target, optional.data);
        text_add(text, "static float evaluate%s(const void *weights, const void *const *inputs, const void *const *targets, const float *sample_weights, size_t n, float *losses, float *const *outputs, void *arena)\n{\n%s    return %s_evaluate%s(weights%s%s, sample_weights, n, losses%s, arena);\n}\n\n", suffix, unused, name, suffix, in, target, optional.data);
    }
    text_add(text, "static float gradients(const void *weights, void *result, const void *const *inputs, const void *const *targets, const float *sample_weights, size_t n, void *arena)\n{\n%s    return %s_gradients(weights, result%s%s, sample_weights, n, arena);\n}\n\n", unused, name, in, target);
}

static int input_number(const Graph *graph, const Tensor *tensor)
{
    for (int i = 0; i < graph->input_count; i++)
        if (graph->inputs[i] == tensor) return i;
    return -1;
}

static void add_targets(Text *text, const Generation *g)
{
    const Graph *source = g->source;
    int value = source->output_count; /* in the array of losses */
    text_add(text, "static const CnncTarget model_targets[] = {\n");
    for (int i = 0; i < source->output_count; i++) {
        const OutputUse *use = &source->uses[i];
        const Loss *loss = (const Loss *)(const void *)use->loss->entry;
        text_add(text, "    {\"%s\", %s, %s, %s, %d},\n", loss->entry.name, loss->class_indices ? "true" : "false", loss->shares ? "true" : "false", use->target ? "true" : "false", use->target ? input_number(source, use->target) : -1);
    }
    text_add(text, "};\n\nstatic const CnncMetric model_metrics[] = {\n");
    for (int i = 0; i < source->output_count; i++)
        for (int j = 0; j < source->uses[i].metric_count; j++) {
            const MetricUse *metric = &source->uses[i].metrics[j];
            text_add(text, "    {");
            text_add_string(text, metric->name);
            text_add(text, ", \"%s\", %d, %s, %d, (const CnncArgument[]){", metric->object->entry->name, i, metric->weighted ? "true" : "false", metric->loss ? value++ : -1);
            add_arguments(text, metric->object);
            text_add(text, "{0}}},\n");
        }
    text_add(text, "    {0},\n};\n\n");
}

/* A function for the schedule among a callback's arguments; returns its name. */
static const char *add_schedule(Text *text, const Object *callback, int number)
{
    const Parameter *parameters = callback->entry->parameters;
    for (int i = 0; parameters && parameters[i].name; i++) {
        const Value *value = &callback->values[i];
        if (parameters[i].table != &schedule_table || value->kind != VALUE_OBJECT) continue;
        const char *name = memory_format("schedule_%d", number);
        text_add(text, "static float %s(uint64_t step)\n", name);
        text_indent(text, memory_format("{\nconst double t = (double)step;\n%s}\n\n", ((const Schedule *)(const void *)value->object->entry)->rate(value->object)));
        return name;
    }
    return "NULL";
}

static void add_callbacks(Text *text, const Generation *g)
{
    const Value *callbacks = g->source->fit ? argument(g->source->fit, "callbacks") : NULL;
    int count = callbacks ? callbacks->list.count : 0;
    const char **schedules = NEW_ARRAY(const char *, count + 1);
    for (int i = 0; i < count; i++) schedules[i] = add_schedule(text, callbacks->list.items[i].object, i);
    text_add(text, "static const CnncCallback callbacks[] = {\n");
    for (int i = 0; i < count; i++) {
        const Object *object = callbacks->list.items[i].object;
        text_add(text, "    {\"%s\", (const CnncArgument[]){", object->entry->name);
        add_arguments(text, object);
        text_add(text, "{0}}, %s},\n", schedules[i]);
    }
    text_add(text, "    {0},\n};\n\n");
    text_add(text, "static const CnncArgument fit[] = {");
    add_arguments(text, g->source->fit);
    if (g->source->fit) {
        add_files(text, g->source->fit, "x", g->source->inputs);
        add_files(text, g->source->fit, "y", g->source->outputs);
        add_files(text, g->source->fit, "validation_x", g->source->inputs);
        add_files(text, g->source->fit, "validation_y", g->source->outputs);
    }
    text_add(text, "{0}};\n\n");
}

char *generate_table(const Generation *g, const char *header_name)
{
    const char *name = g->source->name, *upper = upper_case(name);
    Text text = {0};
    text_add(&text, "/* %s as the trainer's runtime sees it, by cnnc " CNNC_VERSION ": %s */\n#include \"%s\"\n#include \"runtime.h\"\n\n#include <math.h>\n\n", name, g->command, header_name);
    add_extensions(&text);
    text_add(&text, "#if CNNC_RUNTIME_VERSION != %d\n#error \"this file was written for another version of the runtime; run cnnc again\"\n#endif\n\n", CNNC_RUNTIME_VERSION);
    text_add(&text, "static const CnncPort model_inputs[] = {\n");
    for (int i = 0; i < g->source->input_count; i++) add_port(&text, g->source->inputs[i]);
    text_add(&text, "};\n\nstatic const CnncPort model_outputs[] = {\n");
    for (int i = 0; i < g->source->output_count; i++) add_port(&text, g->source->outputs[i]);
    text_add(&text, "};\n\n");
    add_tensors(&text, g, false);
    add_tensors(&text, g, true);
    add_targets(&text, g);
    add_callbacks(&text, g);
    const Object *optimizer = argument_object(g->source->compile, "optimizer");
    Slot slots[MOST_SLOTS];
    int slot_count;
    optimizer_of(g->source, slots, &slot_count);
    text_add(&text, "static const CnncSlot model_slots[] = {");
    for (int i = 0; i < slot_count; i++) text_add(&text, "{\"%s\", %s}, ", slots[i].name, float_text(slots[i].start));
    text_add(&text, "{0}};\n\n");
    add_adapters(&text, g);
    int features = add_features(&text, g);
    char *summary = NULL;
    size_t size = 0;
    FILE *stream = stream_begin(&summary, &size);
    print_summary(stream, g);
    const char *summarized = stream_end(stream, &summary);
    text_add(&text, "extern const CnncModel cnnc_model;\nconst CnncModel cnnc_model = {\n");
    text_add(&text, "    .runtime_version = CNNC_RUNTIME_VERSION,\n    .name = \"%s\",\n    .hash = \"%016llx\",\n    .summary =\n    ", name, (unsigned long long)network_hash(g));
    text_add_string(&text, summarized);
    text_add(&text, ",\n    .drawing =\n    ");
    text_add_string(&text, draw_network(g->source));
    text_add(&text, ",\n    .feature_count = %d,\n    .features = model_features,\n    .features_arena_size = FEATURES_ARENA_BYTES,\n    .activations = activations", features);
    text_add(&text, ",\n    .layer_count = %d,\n    .layers = model_layers,\n    .times_arena_size = TIMES_ARENA_BYTES,\n    .time_layers = time_layers", g->source->layer_count);
    text_add(&text, ",\n    .predict_memory =\n    ");
    text_add_string(&text, draw_memory(g->predict));
    text_add(&text, ",\n    .train_memory =\n    ");
    text_add_string(&text, draw_memory(g->train));
    text_add(&text, ",\n    .batch_size = %s_BATCH_SIZE,\n", upper);
    text_add(&text, "    .input_count = %d,\n    .output_count = %d,\n    .tensor_count = (int)(sizeof model_tensors / sizeof *model_tensors) - 1,\n", g->source->input_count, g->source->output_count);
    text_add(&text, "    .inputs = model_inputs,\n    .outputs = model_outputs,\n    .targets = model_targets,\n    .metrics = model_metrics,\n    .weight_steps = %lld,\n    .tensors = model_tensors,\n", (long long)weight_steps(g->source));
    text_add(&text, "    .parameters_size = sizeof(%s_parameters),\n    .weights_size = sizeof(%s_weights),\n", name, name);
    text_add(&text, "    .predict_arena_size = %s_BATCH_ARENA_BYTES,\n    .evaluate_arena_size = %s_EVALUATE_ARENA_BYTES,\n    .train_arena_size = %s_TRAIN_ARENA_BYTES,\n", upper, upper, upper);
    text_add(&text, "    .optimizer = \"%s\",\n    .slot_count = %d,\n    .slots = model_slots,\n    .memories = model_memories,\n    %s,\n",
             optimizer->entry->name,
             slot_count,
             schedule_of(g->source) ? memory_format(".schedule = %s_learning_rate", name) : memory_format(".learning_rate = %s", float_text(argument_number(optimizer, "learning_rate"))));
    text_add(&text, "    .fit = fit,\n    .callbacks = callbacks,\n    .pack = pack,\n    .unpack = unpack,\n    .predict_batch = predict_batch,\n    .train_step = train_step,\n    .gradients = gradients,\n    .evaluate = evaluate,\n%s};\n\n", g->train_bytes ? "    .train_step_bytes = train_step_bytes,\n    .evaluate_bytes = evaluate_bytes,\n" : "");
    text_add(&text, "#ifndef CNNC_NO_MAIN\nint main(int argc, char **argv)\n{\n    cnnc_begin(argv);\n    return cnnc_main(&cnnc_model, argc, argv);\n}\n#endif\n");
    return text.data;
}
