/* --selftest: a network's C together with a program that checks it, in one file, on the machine where it will run.
 *
 * Weights and data are drawn by the program as cnnc draws them here (runtime/selftest.h), or the weights are those given. What the
 * reference makes of them in double is written down as sums. For one sample and for a few, the outputs of all layers are compared: they
 * come from predict and predict_batch of the same network with these for outputs (features.c), so that kernels, plan and driver are
 * what the network itself uses, functions that are the same to the letter being emitted once. To give every layer's output these fuse
 * less than the network does; so the same goes on with those layers for outputs that it writes down with all its fusions, and a fault
 * in a fused form has a name, too. Then come the public functions.
 *
 * Gradients are compared with differences of the reference's loss: moving the weights of a share by +h or -h, each by its sign,
 * gives the sum of their gradients with these signs, for two runs of the reference. Where the network is too large for a sum of
 * each weight's gradients, sums of all of them have to do. */
#include "emission/generate.h"
#include "selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_SAMPLES = 3, MOST_SUMS = 64, MOST_DIFFERENCES = 600 };
static const double layer_tolerance = 1e-5, gradient_tolerance = 2e-3, loss_tolerance = 1e-5;
static const double gradient_rounding = 1e-6; /* of the largest: where gradients cancel out, as those of a bias before a normalisation do */
/* Multiply-adds of the reference for one sample: above the first it sees two, above the second one; and in all, for the gradients. */
static const double large = 1e8, vast = 2e9, work = 2e9;

enum { DRAW_INPUT, DRAW_TARGET, DRAW_SAMPLE_WEIGHTS, DRAW_WEIGHT, DRAW_SIGNS };

typedef struct {
    const Generation *g;
    const Graph *source;
    Text data, body; /* what is expected; the statements of main */
    int expected;    /* arrays so far */
    int64_t samples;
    const double **inputs, **targets;
    double **weights; /* in the order of the source's tensors */
    double *sample_weights;
    double largest_gradient; /* of the weights so far: the root of the mean square */
} Selftester;

static uint64_t draw_key(int purpose, int number)
{
    return random_key(random_key(random_key(0, 77), (uint64_t)purpose), (uint64_t)number);
}

static double *new_numbers(int64_t count)
{
    return memory_allocate(sizeof(double) * (size_t)(count + 1));
}

/* ---- drawing: here, and the line that does the same there ---- */

static void draw_uniform(Selftester *s, double *numbers, const char *to, int64_t count, uint64_t key, float middle, float half)
{
    for (int64_t i = 0; i < count; i++) numbers[i] = (double)selftest_number(key, (uint32_t)i, middle, half);
    text_add(&s->body, "selftest_draw(%s, %lld, 0x%llxu, %s, %s);\n", to, (long long)count, (unsigned long long)key, float_text((double)middle), float_text((double)half));
}

static void draw_whole(Selftester *s, double *numbers, const char *to, int64_t count, uint64_t key, int64_t limit, bool floats)
{
    for (int64_t i = 0; i < count; i++) numbers[i] = (double)(random_bits(key, (uint32_t)i) % (uint32_t)limit);
    text_add(&s->body, "selftest_draw_whole%s(%s, %lld, 0x%llxu, %lld);\n", floats ? "_floats" : "", to, (long long)count, (unsigned long long)key, (long long)limit);
}

static void draw_rows(Selftester *s, double *numbers, const char *to, int64_t rows, uint64_t key, int64_t classes)
{
    for (int64_t i = 0; i < rows; i++) numbers[i * classes + random_bits(key, (uint32_t)i) % classes] = 1;
    text_add(&s->body, "selftest_draw_classes(%s, %lld, 0x%llxu, %lld);\n", to, (long long)rows, (unsigned long long)key, (long long)classes);
}

/* A variable that points to so many numbers. */
static const char *add_memory(Selftester *s, const char *type, const char *name, const char *bytes)
{
    text_add(&s->body, "%s *const %s = (%s *)selftest_memory(%s);\n", type, name, type, bytes);
    return name;
}

static const char *add_numbers(Selftester *s, const char *type, const char *name, int64_t count)
{
    return add_memory(s, type, name, memory_format("%lld * sizeof(%s)", (long long)count, type));
}

static void draw_data(Selftester *s)
{
    const Graph *source = s->source;
    for (int i = 0; i < source->input_count; i++) {
        const Tensor *tensor = source->inputs[i];
        int64_t count = s->samples * shape_count(&tensor->shape);
        bool whole = tensor->type == TYPE_INT32;
        const char *name = add_numbers(s, whole ? "int32_t" : "float", memory_format("input%d", i), count);
        double *numbers = new_numbers(count);
        uint64_t key = draw_key(DRAW_INPUT, i);
        if (whole || tensor->limit) draw_whole(s, numbers, name, count, key, tensor->limit ? tensor->limit : 9, !whole);
        else draw_uniform(s, numbers, name, count, key, 0, 1);
        s->inputs[i] = numbers;
    }
    if (!s->g->train) return;
    for (int i = 0; i < source->output_count; i++) {
        LossCase c;
        const Loss *loss = loss_of_output(source, i, &c);
        if (source->uses[i].target) continue;
        int64_t count = s->samples * loss_target_count(&c);
        const char *name = add_numbers(s, loss->class_indices ? "int32_t" : "float", memory_format("target%d", i), count);
        double *numbers = new_numbers(count);
        uint64_t key = draw_key(DRAW_TARGET, i);
        if (loss->class_indices) draw_whole(s, numbers, name, count, key, c.classes, false);
        else if (loss->absorbs) draw_rows(s, numbers, name, count / c.classes, key, c.classes);
        else draw_uniform(s, numbers, name, count, key, 0, 1);
        s->targets[i] = numbers;
    }
    int64_t count = s->samples * weight_steps(source);
    s->sample_weights = new_numbers(count);
    draw_uniform(s, s->sample_weights, add_numbers(s, "float", "sample_weights", count), count, draw_key(DRAW_SAMPLE_WEIGHTS, 0), 1, 0.5f);
}

/* Weights as large as a fresh network's, biases that are not zero, statistics such as a variance above zero. */
static void draw_weight(Selftester *s, const Tensor *tensor, int number)
{
    int64_t count = shape_count(&tensor->shape);
    double *values = s->weights[number] = new_numbers(count);
    const char *to = memory_format("(float *)parameters->%s", tensor->identifier);
    float limit = 0.2f;
    int rank = tensor->shape.rank;
    if (rank >= 2) {
        double columns = (double)tensor->shape.size[rank - 1], rows = (double)tensor->shape.size[rank - 2];
        limit = (float)sqrt(6 / ((double)count / (rows * columns) * (rows + columns)));
    }
    if (tensor->trainable) draw_uniform(s, values, to, count, draw_key(DRAW_WEIGHT, number), 0, limit);
    else draw_uniform(s, values, to, count, draw_key(DRAW_WEIGHT, number), 1, 0.5f);
}

static void draw_weights(Selftester *s)
{
    const char *name = s->source->name;
    int number = 0;
    if (!s->g->baked) {
        add_memory(s, memory_format("%s_parameters", name), "parameters", memory_format("sizeof(%s_parameters)", name));
        add_memory(s, memory_format("%s_weights", name), "weights", memory_format("sizeof(%s_weights)", name));
    } else {
        text_add(&s->body, "const %s_weights *const weights = %s_trained;\n", name, name);
    }
    for (int i = 0; i < s->source->tensor_count; i++) {
        const Tensor *tensor = s->source->tensors[i];
        if (tensor->role != ROLE_WEIGHT) continue;
        if (!s->g->baked) {
            draw_weight(s, tensor, number++);
            continue;
        }
        int64_t count = shape_count(&tensor->shape);
        double *values = s->weights[number] = new_numbers(count);
        for (int64_t k = 0; k < count; k++) values[k] = (double)s->g->baked[number][k];
        number++;
    }
    if (!s->g->baked) text_add(&s->body, "%s_pack(parameters, weights);\n", name);
}

/* ---- comparisons ---- */

static void add_comparison(Selftester *s, const char *what, const char *got, int64_t count, int sums, uint64_t key, double tolerance, const double *expected)
{
    int number = s->expected++;
    text_add(&s->data, "static const double expected_%d[] = {", number); /* of `what` */
    for (int k = 0; k < sums; k++) text_add(&s->data, "%s%.10g", !k ? "" : k % 8 ? ", " : ",\n    ", expected[k]);
    text_add(&s->data, "}; /* %s */\n", what);
    text_add(&s->body, "selftest_compare(&test, \"%s\", %s, %lld, 0x%llxu, %d, %.3g, expected_%d);\n", what, got, (long long)count, (unsigned long long)key, sums, tolerance, number);
}

/* Numbers that the reference gave. */
static void compare_numbers(Selftester *s, const char *what, const char *got, const double *truth, int64_t count)
{
    int sums = count < MOST_SUMS ? (int)count : MOST_SUMS;
    double expected[MOST_SUMS], largest = 0;
    uint64_t key = draw_key(DRAW_SIGNS, s->expected);
    for (int k = 0; k < sums; k++) {
        expected[k] = 0;
        for (uint32_t i = selftest_share((uint32_t)count, sums, k); i < selftest_share((uint32_t)count, sums, k + 1); i++) {
            expected[k] += selftest_sign(key, i) * truth[i];
            largest = fmax(largest, fabs(truth[i]));
        }
    }
    add_comparison(s, what, got, count, sums, key, layer_tolerance * largest, expected);
}

static void add_part(Selftester *s, const char *part)
{
    text_add(&s->body, "\nselftest_part(&test, \"%s\");\n", part);
}

/* The arguments of every function begin so. */
static const char *first_arguments(const Selftester *s, const char *first)
{
    const char *text = first;
    for (int i = 0; i < s->source->input_count; i++) text = memory_format("%s, input%d", text, i);
    return text;
}

static const char *target_arguments(const Selftester *s, const char *first)
{
    const char *text = first_arguments(s, first);
    for (int i = 0; i < s->source->output_count; i++)
        if (!s->source->uses[i].target) text = memory_format("%s, target%d", text, i);
    return memory_format("%s, sample_weights, %lld", text, (long long)s->samples);
}

static void add_guards(Selftester *s, const char *prefix, const Graph *graph, int64_t samples)
{
    for (int i = 0; i < graph->output_count; i++)
        text_add(&s->body, "selftest_guard(&test, \"%s\", %s%d, %lld * sizeof(float));\n", graph->outputs[i]->name, prefix, i, (long long)(samples * shape_count(&graph->outputs[i]->shape)));
}

/* The outputs of a function that predicts: memory, the call, the guards; then what they should be. */
static void check_outputs(Selftester *s, const Graph *graph, const char *const *names, const char *prefix, const char *function, bool level, int64_t arena_bytes, double **values, int64_t samples)
{
    const char *arena = memory_format("%s_arena", prefix), *arguments = first_arguments(s, "weights"), *given = memory_format("%s_", prefix);
    for (int i = 0; i < graph->output_count; i++) {
        add_numbers(s, "float", memory_format("%s_%d", prefix, i), samples * shape_count(&graph->outputs[i]->shape));
        arguments = memory_format("%s, %s_%d", arguments, prefix, i);
    }
    add_memory(s, "unsigned char", arena, memory_format("%lld", (long long)arena_bytes));
    if (level) add_choice(&s->body, s->g, "", function, memory_format("%s%s, %s", arguments, strstr(function, "_batch") ? memory_format(", %lld", (long long)samples) : "", arena), false);
    else text_add(&s->body, "%s(%s%s, %s);\n", function, arguments, strstr(function, "_predict_batch") ? memory_format(", %lld", (long long)samples) : "", arena);
    for (int i = 0; i < graph->output_count; i++)
        compare_numbers(s, names ? names[i] : graph->outputs[i]->name, memory_format("%s_%d", prefix, i), values[graph->outputs[i]->index], samples * shape_count(&graph->outputs[i]->shape));
    add_guards(s, given, graph, samples);
    text_add(&s->body, "selftest_guard(&test, \"the arena\", %s, %lld);\n", arena, (long long)arena_bytes);
}

static void check_inference(Selftester *s)
{
    const Generation *g = s->g, *layers = g->layers;
    const char *name = s->source->name;
    double **values = reference_values(s->source, false, s->samples, s->inputs, s->weights);
    add_part(s, "one sample, layer by layer");
    check_outputs(s, layers->source, layers->layer_names, "layer", "run_layers", true, layers->predict->arena_bytes, values, 1);
    if (g->fused) {
        add_part(s, memory_format("one sample, fused as in %s_predict", name));
        check_outputs(s, g->fused->source, g->fused->layer_names, "fused", "run_fused", true, g->fused->predict->arena_bytes, values, 1);
    }
    add_part(s, memory_format("%s_predict", name));
    check_outputs(s, s->source, NULL, "one", memory_format("%s_predict", name), false, g->predict->arena_bytes, values, 1);
    if (layers->predict_batch) {
        add_part(s, memory_format("%lld samples, layer by layer", (long long)s->samples));
        check_outputs(s, layers->source, layers->layer_names, "layers", "run_layers_batch", true, layers->predict_batch->arena_bytes, values, s->samples);
    }
    if (g->fused_batch) {
        add_part(s, memory_format("%lld samples, fused as in %s_predict_batch", (long long)s->samples, name));
        check_outputs(s, g->fused_batch->source, g->fused_batch->layer_names, "fuseds", "run_fused_batch", true, g->fused_batch->predict_batch->arena_bytes, values, s->samples);
    }
    add_part(s, memory_format("%s_predict_batch", name));
    check_outputs(s, s->source, NULL, "few", memory_format("%s_predict_batch", name), false, batch_arena_bytes(g), values, s->samples);
    reference_free(s->source, values);
}

/* ---- training ---- */

static double loss_of(const Selftester *s, bool training)
{
    return reference_loss(s->source, training, s->samples, s->inputs, s->targets, s->sample_weights, s->weights, NULL);
}

/* Moves the trainable weights of a share of tensor `number`, or, where that is negative, of all weights as they lie one behind
 * the other, by h times their signs. The original values come back exactly with `from`. */
static void move(Selftester *s, int number, uint64_t key, uint32_t first, uint32_t last, double h)
{
    uint32_t at = 0;
    int weight = 0;
    for (int i = 0; i < s->source->tensor_count; i++) {
        const Tensor *tensor = s->source->tensors[i];
        if (tensor->role != ROLE_WEIGHT) continue;
        uint32_t count = (uint32_t)shape_count(&tensor->shape);
        for (uint32_t k = 0; k < count && tensor->trainable && (number < 0 || number == weight); k++) {
            uint32_t place = number < 0 ? at + k : k;
            if (place >= first && place < last) s->weights[weight][k] += h * selftest_sign(key, place);
        }
        at += count;
        weight++;
    }
}

static bool has_one_sign(uint64_t key, uint32_t count)
{
    uint32_t i = 1;
    while (i < count && selftest_sign(key, i) == selftest_sign(key, 0)) i++;
    return i >= count;
}

/* Sums of the gradients of one tensor, or of all. */
static void compare_gradients(Selftester *s, int number, const char *what, const char *got, int64_t count, int sums)
{
    double *expected = new_numbers(sums), squares = 0;
    uint64_t key = draw_key(DRAW_SIGNS, s->expected);
    /* With one sign for all the gradients of a softmax's bias add up to nothing, whatever they are. */
    while (sums == 1 && count > 1 && has_one_sign(key, (uint32_t)count)) key++;
    for (int k = 0; k < sums; k++) {
        uint32_t first = selftest_share((uint32_t)count, sums, k), last = selftest_share((uint32_t)count, sums, k + 1);
        double h = 1e-7 / sqrt((double)(last - first)), above;
        move(s, number, key, first, last, h);
        above = loss_of(s, true);
        move(s, number, key, first, last, -2 * h);
        expected[k] = (above - loss_of(s, true)) / (2 * h);
        move(s, number, key, first, last, h);
        squares += expected[k] * expected[k];
    }
    double size = sqrt(squares / (double)count);
    s->largest_gradient = fmax(s->largest_gradient, size);
    add_comparison(s, what, got, count, sums, key, fmax(gradient_tolerance * size, gradient_rounding * s->largest_gradient), expected);
}

static void check_gradients(Selftester *s, double macs)
{
    const Graph *source = s->source;
    const char *name = source->name;
    int trainable = 0, weight_count = 0;
    for (int i = 0; i < source->tensor_count; i++) {
        trainable += source->tensors[i]->role == ROLE_WEIGHT && source->tensors[i]->trainable;
        weight_count += source->tensors[i]->role == ROLE_WEIGHT;
    }
    double runs = fmin(MOST_DIFFERENCES, work / (2 * macs));
    add_part(s, memory_format("%s_gradients", name));
    add_memory(s, memory_format("%s_weights", name), "packed", memory_format("sizeof(%s_weights)", name));
    add_memory(s, memory_format("%s_parameters", name), "gradients", memory_format("sizeof(%s_parameters)", name));
    text_add(&s->body, "memset(packed, 0, sizeof *packed);\nloss = %s_gradients(weights, packed, %s, train_arena);\n%s_unpack(packed, gradients);\n", name, target_arguments(s, "") + 2, name);
    double loss = loss_of(s, true);
    uint64_t key = draw_key(DRAW_SIGNS, s->expected);
    add_comparison(s, "the loss", "&loss", 1, 1, key, loss_tolerance * fmax(fabs(loss), 0.1), &(double){selftest_sign(key, 0) * loss});
    int weight = weight_count;
    if (trainable && runs < trainable) {
        int64_t count = graph_struct_offset(source, NULL, false) / 4;
        compare_gradients(s, -1, "all weights", "(const float *)(const void *)gradients", count, runs > 4 ? (int)runs : 4);
    }
    for (int i = source->tensor_count - 1; i >= 0 && runs >= trainable; i--) { /* backward */
        const Tensor *tensor = source->tensors[i];
        if (tensor->role != ROLE_WEIGHT) continue;
        weight--;
        int64_t count = shape_count(&tensor->shape);
        if (tensor->trainable) compare_gradients(s, weight, tensor->name, memory_format("(const float *)gradients->%s", tensor->identifier), count, (int)fmin(fmin((double)count, MOST_SUMS), floor(runs / trainable)));
    }
    text_add(&s->body, "selftest_guard(&test, \"the arena\", train_arena, %s_TRAIN_ARENA_BYTES);\n", upper_case(name));
}

static bool has_noise(const Graph *source)
{
    for (int i = 0; i < source->node_count; i++)
        if (source->nodes[i]->op->flags & (OPERATOR_NOISE | OPERATOR_DRAWS)) return true;
    return false;
}

/* Two steps from the same state. */
static void check_step(Selftester *s)
{
    const Graph *source = s->source;
    const char *name = source->name, *type = memory_format("%s_weights", name), *arguments = target_arguments(s, "");
    Slot slots[MOST_SLOTS];
    int count;
    optimizer_of(source, slots, &count);
    add_part(s, memory_format("%s_train_step", name));
    text_add(&s->body, "const %s_training_step now = {.seed = 1, .learning_rate = 0.001f};\n", name);
    for (int turn = 0; turn < 2; turn++) {
        const char *slot = add_memory(s, type, memory_format("slots%d", turn), memory_format("%d * sizeof(%s)", count ? count : 1, type));
        add_memory(s, type, memory_format("stepped%d", turn), memory_format("sizeof(%s)", type));
        text_add(&s->body, "memset(%s, 0, %d * sizeof *%s);\n", slot, count ? count : 1, slot);
        for (int i = 0; i < count; i++)
            if (slots[i].start > 0) text_add(&s->body, "for (size_t i = 0; i < sizeof *gradients / sizeof(float); i++) ((float *)(void *)gradients)[i] = %s;\n%s_pack(gradients, %s + %d);\n", float_text(slots[i].start), name, slot, i);
        text_add(&s->body, "memcpy(stepped%d, weights, sizeof *weights);\n", turn);
        text_add(&s->body, "%sloss = %s_train_step(stepped%d, %s%s, &now, NULL", turn ? "const float again = loss;\n" : "", name, turn, slot, arguments);
        for (int i = 0; i < source->output_count; i++) text_add(&s->body, ", NULL");
        text_add(&s->body, ", train_arena);\n");
        add_memory(s, memory_format("%s_parameters", name), memory_format("unpacked%d", turn), memory_format("sizeof(%s_parameters)", name));
        text_add(&s->body, "%s_unpack(stepped%d, unpacked%d);\n", name, turn, turn);
        if (turn) continue;
        double loss = loss_of(s, true);
        uint64_t key = draw_key(DRAW_SIGNS, s->expected);
        if (!has_noise(source)) add_comparison(s, "the loss", "&loss", 1, 1, key, loss_tolerance * fmax(fabs(loss), 0.1), &(double){selftest_sign(key, 0) * loss});
    }
    text_add(&s->body, "selftest_same(&test, \"the loss of the same step again\", &loss, &again, sizeof loss);\n");
    text_add(&s->body, "selftest_same(&test, \"the weights behind it\", unpacked0, unpacked1, sizeof *unpacked0);\n");
    text_add(&s->body, "selftest_guard(&test, \"the arena\", train_arena, %s_TRAIN_ARENA_BYTES);\n", upper_case(name));
}

static void check_training(Selftester *s, double macs)
{
    const char *name = s->source->name, *upper = upper_case(name);
    add_part(s, memory_format("%s_evaluate", name));
    add_memory(s, "unsigned char", "train_arena", memory_format("%s_TRAIN_ARENA_BYTES", upper));
    add_memory(s, "unsigned char", "evaluate_arena", memory_format("%s_EVALUATE_ARENA_BYTES", upper));
    text_add(&s->body, "float loss = %s_evaluate(%s, NULL", name, target_arguments(s, "weights"));
    for (int i = 0; i < s->source->output_count; i++) text_add(&s->body, ", NULL");
    text_add(&s->body, ", evaluate_arena);\n");
    double loss = loss_of(s, false);
    uint64_t key = draw_key(DRAW_SIGNS, s->expected);
    add_comparison(s, "the loss", "&loss", 1, 1, key, loss_tolerance * fmax(fabs(loss), 0.1), &(double){selftest_sign(key, 0) * loss});
    text_add(&s->body, "selftest_guard(&test, \"the arena\", evaluate_arena, %s_EVALUATE_ARENA_BYTES);\n", upper);
    check_gradients(s, macs);
    check_step(s);
}

/* ---- the file ---- */

/* Do both have the same nodes with the same epilogues, in the same chains? */
static bool same_form(const Graph *a, const Graph *b)
{
    if (a->node_count != b->node_count || a->chain_count != b->chain_count) return false;
    for (int i = 0; i < a->node_count; i++) {
        const Node *one = a->nodes[i], *other = b->nodes[i];
        if (one->op != other->op || strcmp(one->name, other->name) || one->epilogue_count != other->epilogue_count) return false;
        for (int j = 0; j < one->epilogue_count; j++)
            if (one->epilogue[j]->op != other->epilogue[j]->op || strcmp(one->epilogue[j]->name, other->epilogue[j]->name)) return false;
    }
    for (int i = 0; i < a->chain_count; i++)
        if (a->chains[i]->first != b->chains[i]->first || a->chains[i]->last != b->chains[i]->last) return false;
    return true;
}

static bool is_output(const Graph *source, const Tensor *tensor)
{
    for (int i = 0; i < source->output_count; i++)
        if (source->outputs[i] == tensor) return true;
    return false;
}

/* Outputs in the order of the layers: those wanted, and the network's own. */
static void choose_outputs(Generation *fused, const Generation *layers, const Graph *source, const bool *wanted)
{
    Graph *seen = fused->source;
    const char **names = NEW_ARRAY(const char *, layers->source->output_count + source->output_count + 1);
    seen->outputs = NEW_ARRAY(Tensor *, layers->source->output_count + source->output_count + 1);
    seen->output_count = 0;
    fused->layer_names = names;
    for (int i = 0; i < layers->source->output_count; i++) {
        if (!wanted[i] && !is_output(source, layers->source->outputs[i])) continue;
        names[seen->output_count] = layers->layer_names[i];
        seen->outputs[seen->output_count++] = layers->source->outputs[i];
    }
    for (int i = 0; i < source->output_count; i++) { /* what noise gives is not among the layers' */
        if (is_output(seen, source->outputs[i])) continue;
        names[seen->output_count] = source->outputs[i]->name;
        seen->outputs[seen->output_count++] = source->outputs[i];
    }
}

/* The network with more outputs: those of layers that the program writes down in any case. Which these are is found by asking for one more
 * and looking whether the program stays the same. NULL: there are none but its own. */
static Generation *fused_generation(const Generation *g, const Graph *program, const CompileOptions *options)
{
    const Generation *layers = layers_generation(g);
    Generation *fused = layers_generation(g);
    Graph *compiled = NULL;
    int count = layers->source->output_count;
    bool *wanted = NEW_ARRAY(bool, count + 1);
    for (int i = 0; i < count; i++) {
        wanted[i] = !is_output(g->source, layers->source->outputs[i]);
        if (!wanted[i]) continue;
        choose_outputs(fused, layers, g->source, wanted);
        Graph *trial = compile_program(fused->source, program->program, program->batch, false, options);
        wanted[i] = same_form(trial, program);
        if (wanted[i]) compiled = trial;
    }
    choose_outputs(fused, layers, g->source, wanted);
    *(program->program == PROGRAM_PREDICT ? &fused->predict : &fused->predict_batch) = compiled;
    return compiled ? fused : NULL;
}

void selftest_programs(Generation *g, const CompileOptions *options)
{
    g->fused = fused_generation(g, g->predict, options);
    if (!goes_singly(g)) g->fused_batch = fused_generation(g, g->predict_batch, options);
    Generation *layers = g->layers = layers_generation(g);
    layers->predict = compile_program(layers->source, PROGRAM_PREDICT, 1, false, options);
    if (!goes_singly(g)) layers->predict_batch = compile_program(layers->source, PROGRAM_PREDICT_BATCH, g->predict_batch->batch, false, options);
}

const char *generate_selftest(const Generation *g)
{
    const Graph *source = g->source;
    double macs = 1;
    const LayerCost *costs = layer_costs(source);
    for (int i = 0; i < source->layer_count; i++) macs += (double)costs[i].macs;
    int64_t samples = macs > vast ? 1 : macs > large ? 2 : FEW_SAMPLES;
    if (samples > g->predict_batch->batch) samples = g->predict_batch->batch;
    Selftester s = {
        .g = g,
        .source = source,
        .samples = samples,
        .inputs = NEW_ARRAY(const double *, source->input_count + 1),
        .targets = NEW_ARRAY(const double *, source->output_count + 1),
        .weights = NEW_ARRAY(double *, source->tensor_count + 1),
    };
    text_add(&s.data, "%s", "");
    text_add(&s.body, "{\nSelftest test = {0};\n");
    draw_weights(&s);
    draw_data(&s);
    check_inference(&s);
    if (g->train) check_training(&s, macs * (double)samples);
    text_add(&s.body, "return selftest_end(&test, \"%s\");\n}\n", source->name);
    Text text = {0};
    text_add(&text,
             "\n/* ---- the test: of numbers drawn here, what the reference makes of them, in double ---- */\n\n"
             "#include <stdio.h>\n#include <stdlib.h>\n\n%s%s\nint main(void)\n",
             used_paragraphs(selftest_text, s.body.data, 0, NULL),
             s.data.data);
    text_indent(&text, s.body.data);
    return text.data;
}
