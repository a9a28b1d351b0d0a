/* The emitted forward pass and gradients against the compiler's own double-precision reference: see differences.h.
 *
 * The reference has no backward pass. Its loss is differentiated numerically, weight by weight, so that the emitted
 * gradient is checked against nothing but the forward formula. Networks with many weights are checked at some entries
 * of each tensor: mistakes in tiles and blocks show at real sizes only. */
#include "differences.h"
#include "cnnc.h"
#include "emitted.h"
#include "random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_PORTS = 8,
    ALL_ENTRIES = 4000, /* weights up to which a network is small: every entry is checked */
    SOME_ENTRIES = 6,   /* of each tensor of larger networks */
    SMALL_SAMPLES = 3,
    LARGE_SAMPLES = 2, /* the reference takes its time */
};

/* The same numbers twice: float32 as the emitted code takes them, and the same values in double. */
typedef struct {
    float *single;
    int32_t *whole; /* class numbers; else NULL */
    double *exact;
    size_t count;
} Numbers;

typedef struct {
    const char *name;
    const CnncModel *model;
    Graph *graph;
    bool small;
    double loss; /* of the emitted code */
    double *rounding; /* of each tensor's gradient, where it had to be measured; else NULL */
    double loss_rounding;
    bool drawn; /* at random: gradients may vanish, and numbers may be too large or none */
    size_t n;
    Numbers inputs[MOST_PORTS], targets[MOST_PORTS], sample_weights;
    Numbers *weights; /* one for each tensor of the model */
} Check;

/* ---- numbers to compute with ------------------------------------------------------------------------ */

enum { DRAW_INPUT, DRAW_TARGET, DRAW_SAMPLE_WEIGHT, DRAW_WEIGHT, DRAW_NUDGE };

static uint64_t draw_number; /* which draw of all that a test computes with */

static uint64_t key_of(int purpose, int index)
{
    return random_key(random_key(20 + draw_number, (uint64_t)purpose), (uint64_t)index);
}

static Numbers numbers_new(size_t count)
{
    Numbers numbers = {.single = emitted_memory(count * sizeof(float)), .exact = calloc(count, sizeof(double)), .count = count};
    cr_assert(numbers.exact);
    return numbers;
}

static void numbers_free(Numbers *numbers)
{
    free(numbers->single);
    free(numbers->whole);
    free(numbers->exact);
}

/* Uniform numbers: 24 bits, so that hardly two are the same and no maximum has two candidates. */
static Numbers numbers_uniform(uint64_t key, size_t count, double minimum, double maximum)
{
    Numbers numbers = numbers_new(count);
    for (size_t i = 0; i < count; i++) {
        numbers.single[i] = (float)(minimum + (maximum - minimum) * random_uniform(key, (uint32_t)i));
        numbers.exact[i] = (double)numbers.single[i];
    }
    return numbers;
}

/* Whole numbers from 0 to below the limit, in every form. */
static Numbers numbers_whole(uint64_t key, size_t count, size_t limit)
{
    Numbers numbers = numbers_new(count);
    numbers.whole = emitted_memory(count * sizeof(int32_t));
    for (size_t i = 0; i < count; i++) {
        numbers.whole[i] = (int32_t)(random_bits(key, (uint32_t)i) % limit);
        numbers.single[i] = (float)numbers.whole[i];
        numbers.exact[i] = (double)numbers.whole[i];
    }
    return numbers;
}

/* An input as the model takes it. */
static const void *as_input(const CnncPort *port, const Numbers *numbers)
{
    return port->type == CNNC_INT32 ? (const void *)numbers->whole : numbers->single;
}

/* A class for each row: as one-hot rows, or as a number where the model takes numbers. */
static Numbers numbers_classes(uint64_t key, size_t rows, size_t classes, bool as_numbers)
{
    Numbers numbers = numbers_new(as_numbers ? rows : rows * classes);
    numbers.whole = as_numbers ? emitted_memory(rows * sizeof(int32_t)) : NULL;
    for (size_t i = 0; i < numbers.count; i++) numbers.single[i] = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t chosen = random_bits(key, (uint32_t)i) % classes;
        if (as_numbers)
            numbers.whole[i] = (int32_t)chosen, numbers.exact[i] = (double)chosen;
        else
            numbers.single[i * classes + chosen] = 1, numbers.exact[i * classes + chosen] = 1;
    }
    return numbers;
}

/* Weights as large as a fresh network's, biases that are not zero, statistics such as a variance above zero. */
static Numbers draw_weights(const CnncTensor *t, int index)
{
    size_t count = emitted_count(t->rank, t->shape);
    double limit = 0.2;
    if (!t->trainable) return numbers_uniform(key_of(DRAW_WEIGHT, index), count, 0.5, 1.5);
    if (t->rank >= 2) {
        size_t columns = (size_t)t->shape[t->rank - 1], rows = (size_t)t->shape[t->rank - 2];
        limit = sqrt(6 / (double)(count / (rows * columns) * (rows + columns)));
    }
    return numbers_uniform(key_of(DRAW_WEIGHT, index), count, -limit, limit);
}

static void draw(Check *check)
{
    const CnncModel *model = check->model;
    cr_assert(model->input_count <= MOST_PORTS && model->output_count <= MOST_PORTS);
    check->weights = calloc((size_t)model->tensor_count, sizeof *check->weights);
    cr_assert(check->weights);
    size_t total = 0;
    for (int i = 0; i < model->tensor_count; i++) {
        check->weights[i] = draw_weights(&model->tensors[i], i);
        total += check->weights[i].count;
    }
    check->small = total <= ALL_ENTRIES;
    int samples = check->small ? SMALL_SAMPLES : LARGE_SAMPLES;
    check->n = (size_t)(model->batch_size < samples ? model->batch_size : samples);
    for (int i = 0; i < model->input_count; i++) {
        const CnncPort *port = &model->inputs[i];
        size_t count = check->n * emitted_count(port->rank, port->shape), limit = port->limit ? (size_t)port->limit : 9;
        check->inputs[i] = port->type == CNNC_INT32 || port->limit ? numbers_whole(key_of(DRAW_INPUT, i), count, limit)
                                                                   : numbers_uniform(key_of(DRAW_INPUT, i), count, -1, 1);
    }
    for (int i = 0; i < model->output_count; i++) {
        const CnncPort *port = &model->outputs[i];
        size_t count = check->n * emitted_count(port->rank, port->shape), classes = (size_t)port->shape[port->rank - 1];
        uint64_t key = key_of(DRAW_TARGET, i);
        check->targets[i] = strstr(model->targets[i].loss, "crossentropy")
                                ? numbers_classes(key, count / classes, classes, model->targets[i].class_indices)
                                : numbers_uniform(key, count, -1, 1);
    }
    check->sample_weights = numbers_uniform(key_of(DRAW_SAMPLE_WEIGHT, 0), check->n * (size_t)weight_steps(check->graph), 0.5, 1.5);
}

/* ---- the two sides ---------------------------------------------------------------------------------- */

static void load_graph(Check *check, const char *net)
{
    FILE *file = fopen(net, "rb");
    cr_assert(file, "%s", net);
    static char text[1 << 16];
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    cr_assert(length < sizeof text);
    check->graph = compile_forward(net, text, length, NULL, 0);
    cr_assert(check->graph, "%s: the compiler refuses it", net);
    int index = 0;
    for (int i = 0; i < check->graph->tensor_count; i++) {
        const Tensor *tensor = check->graph->tensors[i];
        if (tensor->role != ROLE_WEIGHT) continue;
        cr_assert(index < check->model->tensor_count);
        const CnncTensor *t = &check->model->tensors[index++];
        cr_assert_str_eq(t->name, tensor->name);
        cr_assert(t->rank == tensor->shape.rank);
        cr_assert(memcmp(t->shape, tensor->shape.size, (size_t)t->rank * sizeof *t->shape) == 0);
    }
    cr_assert(index == check->model->tensor_count);
}

/* In training the loss, in inference the outputs. */
static double reference(const Check *check, bool training, double *const *outputs)
{
    const double *inputs[MOST_PORTS], *targets[MOST_PORTS];
    for (int i = 0; i < check->model->input_count; i++) inputs[i] = check->inputs[i].exact;
    for (int i = 0; i < check->model->output_count; i++) targets[i] = check->targets[i].exact;
    double **weights = calloc((size_t)check->model->tensor_count, sizeof *weights);
    cr_assert(weights);
    for (int i = 0; i < check->model->tensor_count; i++) weights[i] = check->weights[i].exact;
    double loss =
        reference_loss(check->graph, training, (int64_t)check->n, inputs, targets, check->sample_weights.exact, weights, outputs);
    free(weights);
    return loss;
}

/* The drawn weights as the emitted code wants them. */
static void *pack(const Check *check)
{
    const CnncModel *model = check->model;
    void *parameters = emitted_memory(model->parameters_size), *weights = emitted_memory(model->weights_size);
    for (int i = 0; i < model->tensor_count; i++)
        memcpy(
            (char *)parameters + model->tensors[i].offset, check->weights[i].single, check->weights[i].count * sizeof(float));
    model->pack(parameters, weights);
    free(parameters);
    return weights;
}

/* One that float32 can hold. */
static bool is_number(double value)
{
    return fabs(value) < 1e30;
}

/* ---- rounding ------------------------------------------------------------------------------------------------ */

enum { TURNS = 8 }; /* changes of the last bits that show what rounding errors do */

/* The same number but for its last bit, or as it is. */
static float nudge(float number, uint32_t bits)
{
    if (number == 0 || bits % 3 == 0) return number;
    return nextafterf(number, bits % 3 == 1 ? HUGE_VALF : -HUGE_VALF);
}

static Numbers *changed_numbers(Check *check, int i)
{
    return i < check->model->tensor_count ? &check->weights[i] : &check->inputs[i - check->model->tensor_count];
}

/* Changes the last bits of weights and inputs, a turn's own way; what they were. */
static float **nudge_all(Check *check, int turn)
{
    int groups = check->model->tensor_count + check->model->input_count;
    float **kept = calloc((size_t)groups, sizeof *kept);
    cr_assert(kept);
    for (int i = 0; i < groups; i++) {
        Numbers *numbers = changed_numbers(check, i);
        kept[i] = numbers->single;
        if (numbers->whole) continue;
        numbers->single = emitted_memory(numbers->count * sizeof(float));
        for (size_t k = 0; k < numbers->count; k++) numbers->single[k] = nudge(kept[i][k], random_bits(key_of(DRAW_NUDGE + turn, i), (uint32_t)k));
    }
    return kept;
}

static void restore_all(Check *check, float **kept)
{
    for (int i = 0; i < check->model->tensor_count + check->model->input_count; i++) {
        Numbers *numbers = changed_numbers(check, i);
        if (numbers->single != kept[i]) free(numbers->single);
        numbers->single = kept[i];
    }
    free(kept);
}

static size_t output_count(const Check *check, int i)
{
    return check->n * emitted_count(check->model->outputs[i].rank, check->model->outputs[i].shape);
}

static void predict(const Check *check, const void *weights, float **outputs)
{
    const CnncModel *model = check->model;
    const void *inputs[MOST_PORTS];
    for (int i = 0; i < model->input_count; i++) inputs[i] = as_input(&model->inputs[i], &check->inputs[i]);
    for (int i = 0; i < model->output_count; i++) outputs[i] = emitted_memory(output_count(check, i) * sizeof(float));
    void *arena = emitted_memory(model->predict_arena_size);
    model->predict_batch(weights, inputs, outputs, check->n, arena);
    free(arena);
}

/* How far float's rounding errors move an output. Gates that are linear, say, make them grow from step to step. */
static double output_rounding(Check *check, int output, const float *predicted)
{
    double most = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        float **kept = nudge_all(check, turn), *others[MOST_PORTS];
        void *weights = pack(check);
        predict(check, weights, others);
        for (size_t k = 0; k < output_count(check, output); k++) most = fmax(most, fabs((double)predicted[k] - (double)others[output][k]));
        for (int i = 0; i < check->model->output_count; i++) free(others[i]);
        free(weights);
        restore_all(check, kept);
    }
    return most;
}

/* Compares the predictions of the two. */
static void check_outputs(Check *check, const void *weights)
{
    const CnncModel *model = check->model;
    float *outputs[MOST_PORTS];
    double *truths[MOST_PORTS];
    for (int i = 0; i < model->output_count; i++) {
        truths[i] = calloc(output_count(check, i), sizeof(double));
        cr_assert(truths[i]);
    }
    predict(check, weights, outputs);
    reference(check, false, truths);
    for (int i = 0; i < model->output_count; i++) {
        size_t count = output_count(check, i);
        double largest = 0, rounding = -1;
        for (size_t k = 0; k < count; k++)
            if (is_number(truths[i][k])) largest = fmax(largest, fabs(truths[i][k]));
        double tolerance = 1e-5 * fmax(largest, strstr(model->targets[i].loss, "crossentropy") ? 1 : 0);
        for (size_t k = 0; k < count; k++) {
            double error = fabs((double)outputs[i][k] - truths[i][k]);
            if (check->drawn && !is_number(truths[i][k])) continue;
            if (check->drawn && !(error <= tolerance) && rounding < 0) rounding = output_rounding(check, i, outputs[i]);
            cr_expect(error <= tolerance + fmax(2 * rounding, 0),
                      "%s: entry %zu of output %s is %.9g, by the reference %.9g",
                      check->name,
                      k,
                      model->outputs[i].name,
                      (double)outputs[i][k],
                      truths[i][k]);
        }
        free(truths[i]);
        free(outputs[i]);
    }
}

/* What the layers give, for the report: the outputs' own layers are among them, the first sample's numbers those of predict. */
static void check_features(const Check *check, const void *weights)
{
    const CnncModel *model = check->model;
    const void *inputs[MOST_PORTS];
    float *outputs[MOST_PORTS], **features = calloc((size_t)model->feature_count + 1, sizeof *features);
    cr_assert(features);
    for (int i = 0; i < model->input_count; i++) inputs[i] = as_input(&model->inputs[i], &check->inputs[i]);
    for (int i = 0; i < model->output_count; i++) outputs[i] = emitted_memory(emitted_count(model->outputs[i].rank, model->outputs[i].shape) * sizeof(float));
    for (int i = 0; i < model->feature_count; i++) features[i] = emitted_memory(emitted_count(model->features[i].rank, model->features[i].shape) * sizeof(float));
    void *arena = emitted_memory(model->predict_arena_size), *other = emitted_memory(model->features_arena_size);
    model->predict_batch(weights, inputs, outputs, 1, arena);
    model->activations(weights, inputs, features, other);
    cr_expect(emitted_memory_intact(other, model->features_arena_size), "%s: activations wrote behind its arena", check->name);
    for (int i = 0; i < model->feature_count; i++) {
        const CnncPort *port = &model->features[i];
        size_t count = emitted_count(port->rank, port->shape);
        cr_expect(emitted_memory_intact(features[i], count * sizeof(float)), "%s: activations wrote behind %s", check->name, port->name);
        bool numbers = true;
        for (size_t k = 0; k < count; k++) numbers = numbers && isfinite(features[i][k]);
        cr_expect(numbers || check->drawn, "%s: %s has entries that are no numbers", check->name, port->name);
        for (int j = 0; j < model->output_count && numbers; j++) {
            double largest = 1e-30;
            if (strcmp(port->name, model->outputs[j].name)) continue;
            for (size_t k = 0; k < count; k++) largest = fmax(largest, fabs((double)outputs[j][k]));
            for (size_t k = 0; k < count; k++)
                cr_expect(fabs((double)features[i][k] - (double)outputs[j][k]) <= 1e-5 * largest, "%s: entry %zu of %s is %.9g, predicted was %.9g", check->name, k, port->name, (double)features[i][k], (double)outputs[j][k]);
        }
        free(features[i]);
    }
    for (int i = 0; i < model->output_count; i++) free(outputs[i]);
    free(features);
    free(arena);
    free(other);
}

/* The gradients of the emitted code, as a struct of parameters. */
static void *emitted_gradients(const Check *check, const void *weights, double *loss)
{
    const CnncModel *model = check->model;
    const void *inputs[MOST_PORTS], *targets[MOST_PORTS];
    for (int i = 0; i < model->input_count; i++) inputs[i] = as_input(&model->inputs[i], &check->inputs[i]);
    for (int i = 0; i < model->output_count; i++)
        targets[i] = check->targets[i].whole ? (const void *)check->targets[i].whole : check->targets[i].single;
    void *packed = emitted_memory(model->weights_size), *parameters = emitted_memory(model->parameters_size);
    void *arena = emitted_memory(model->train_arena_size);
    *loss = (double)model->gradients(weights, packed, inputs, targets, check->sample_weights.single, check->n, arena);
    model->unpack(packed, parameters);
    free(arena);
    free(packed);
    return parameters;
}

/* ---- the other programs ------------------------------------------------------------------------------- */

/* Is a probability so close to 0 or 1, or beyond, that a cross-entropy clips it? The bound 1 - 1e-7 has another value in float than in double:
 * its own logarithm differs by 2e-8, and that of what it lacks to 1 by a hundredth. Those of categories are first divided by their sum: a
 * single one is 1. */
static bool is_clipped(const Check *check, int output, const float *values, size_t count)
{
    const CnncPort *port = &check->model->outputs[output];
    const char *loss = check->model->targets[output].loss;
    bool categorical = strstr(loss, "categorical") != NULL;
    size_t classes = categorical ? (size_t)port->shape[port->rank - 1] : 1;
    if (!strstr(loss, "crossentropy")) return false;
    for (size_t row = 0; row < count; row += classes) {
        float sum = 0;
        for (size_t k = 0; k < classes; k++) sum += values[row + k];
        if (!categorical) sum = 1;
        for (size_t k = 0; k < classes; k++)
            if (!(values[row + k] / sum > 1e-3f && values[row + k] / sum < 1 - 1e-3f)) return true;
    }
    return false;
}

/* Some layers have noise within: dropout=0.2, recurrent_dropout=0.2. */
static bool drops(const Object *arguments)
{
    for (const Parameter *p = arguments->entry->parameters; p && p->name; p++)
        if (strstr(p->name, "dropout") && argument_number(arguments, p->name) > 0) return true;
    return false;
}

static bool has_noise(const Graph *graph)
{
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->op->flags & OPERATOR_NOISE || (graph->nodes[i]->arguments && drops(graph->nodes[i]->arguments))) return true;
    return false;
}

/* evaluate predicts what predict_batch does, bit for bit; train_step computes the loss that gradients does, where there is no noise. Both keep
 * within their memory. Returns whether a loss clips: then it, and its gradients, say nothing about the layers. */
static bool check_programs(const Check *check, const void *weights, double loss)
{
    bool clipped = false;
    const CnncModel *model = check->model;
    const void *inputs[MOST_PORTS], *targets[MOST_PORTS];
    float *outputs[MOST_PORTS], *predictions[MOST_PORTS], *losses = emitted_memory(64 * sizeof(float));
    size_t counts[MOST_PORTS], slots_size = model->weights_size * (size_t)model->slot_count;
    for (int i = 0; i < model->input_count; i++) inputs[i] = as_input(&model->inputs[i], &check->inputs[i]);
    for (int i = 0; i < model->output_count; i++) {
        counts[i] = check->n * emitted_count(model->outputs[i].rank, model->outputs[i].shape);
        targets[i] = check->targets[i].whole ? (const void *)check->targets[i].whole : check->targets[i].single;
        outputs[i] = emitted_memory(counts[i] * sizeof(float));
        predictions[i] = emitted_memory(counts[i] * sizeof(float));
    }
    void *arena = emitted_memory(model->predict_arena_size);
    model->predict_batch(weights, inputs, predictions, check->n, arena);
    cr_expect(emitted_memory_intact(arena, model->predict_arena_size), "%s: predict_batch wrote behind its arena", check->name);
    free(arena);
    arena = emitted_memory(model->evaluate_arena_size);
    model->evaluate(weights, inputs, targets, check->sample_weights.single, check->n, losses, outputs, arena);
    cr_expect(emitted_memory_intact(arena, model->evaluate_arena_size), "%s: evaluate wrote behind its arena", check->name);
    for (int i = 0; i < model->output_count; i++)
        cr_expect(!memcmp(outputs[i], predictions[i], counts[i] * sizeof(float)), "%s: evaluate predicts %s otherwise than predict_batch", check->name, model->outputs[i].name);
    for (int i = 0; i < model->output_count; i++) clipped = clipped || is_clipped(check, i, predictions[i], counts[i]);
    free(arena);

    char *trained = emitted_memory(model->weights_size), *slots = emitted_memory(slots_size), *parameters = emitted_memory(model->parameters_size);
    memcpy(trained, weights, model->weights_size);
    initial_slots(model, parameters, slots);
    arena = emitted_memory(model->train_arena_size);
    double trained_loss = (double)model->train_step(trained, slots, inputs, targets, check->sample_weights.single, check->n, &(CnncStep){.seed = 1, .learning_rate = 0.001f}, losses, outputs, arena);
    cr_expect(emitted_memory_intact(arena, model->train_arena_size) && emitted_memory_intact(trained, model->weights_size) && emitted_memory_intact(slots, slots_size), "%s: train_step wrote behind its memory", check->name);
    cr_expect(!is_number(loss) || has_noise(check->graph) || fabs(trained_loss - loss) <= 1e-5 * fabs(loss), "%s: the loss of train_step is %.9g, of gradients %.9g", check->name, trained_loss, loss);
    for (int i = 0; i < model->output_count; i++) {
        cr_expect(emitted_memory_intact(outputs[i], counts[i] * sizeof(float)) && emitted_memory_intact(predictions[i], counts[i] * sizeof(float)), "%s: %s was written behind its end", check->name, model->outputs[i].name);
        free(outputs[i]);
        free(predictions[i]);
    }
    free(arena);
    free(trained);
    free(slots);
    free(parameters);
    free(losses);
    return clipped;
}

/* ---- differences ------------------------------------------------------------------------------------ */

/* The central difference of the loss with step h. */
static double difference(const Check *check, double *weight, double h)
{
    double middle = *weight;
    *weight = middle + h;
    double above = reference(check, true, NULL);
    *weight = middle - h;
    double below = reference(check, true, NULL);
    *weight = middle;
    return (above - below) / (2 * h);
}

/* Whether the gradient of one entry agrees. Where a relu or a maximum changes sides between the two points of a
 * difference, that is no derivative; a smaller step leaves the place outside, while a wrong gradient stays wrong. */
static bool agrees(const Check *check, double *weight, double got, double tolerance, double *numeric)
{
    for (double h = 1e-5; h > 5e-8; h /= 10) {
        *numeric = difference(check, weight, h * fmax(1, fabs(*weight)));
        if (fabs(got - *numeric) <= tolerance) return true;
    }
    return false;
}

/* How far float's rounding errors move the loss and each tensor's gradient: that is seen when the last bits of weights and inputs change. Where all that
 * a gradient is a sum of cancels, as before a normalisation, it is nothing else, and where numbers that are nearly equal are
 * normalised it is not small. */
static void measure_rounding(Check *check, const void *gradients)
{
    const CnncModel *model = check->model;
    check->rounding = calloc((size_t)model->tensor_count + 1, sizeof *check->rounding);
    cr_assert(check->rounding);
    for (int turn = 0; turn < TURNS; turn++) {
        float **kept = nudge_all(check, turn);
        double other_loss;
        void *weights = pack(check), *other = emitted_gradients(check, weights, &other_loss);
        check->loss_rounding = fmax(check->loss_rounding, fabs(check->loss - other_loss));
        for (int i = 0; i < model->tensor_count; i++) {
            const CnncTensor *t = &model->tensors[i];
            const float *one = (const float *)((const char *)gradients + t->offset), *two = (const float *)((const char *)other + t->offset);
            for (size_t k = 0; t->trainable && k < check->weights[i].count; k++) check->rounding[i] = fmax(check->rounding[i], fabs((double)one[k] - (double)two[k]));
        }
        free(weights);
        free(other);
        restore_all(check, kept);
    }
}

/* How many entries of `gradients`, the struct of them all, disagree; says so where `aloud`. */
static int check_tensor(Check *check, int index, const void *gradients, double loss, bool aloud)
{
    int wrong = 0;
    const CnncTensor *t = &check->model->tensors[index];
    const float *gradient = (const float *)((const char *)gradients + t->offset);
    Numbers *weights = &check->weights[index];
    double largest = 0;
    for (size_t i = 0; i < weights->count; i++) {
        cr_assert(isfinite(gradient[i]), "%s: the gradient of %s has no number at entry %zu", check->name, t->name, i);
        largest = fmax(largest, fabs((double)gradient[i]));
    }
    size_t entries = check->small || weights->count < SOME_ENTRIES ? weights->count : SOME_ENTRIES;
    for (size_t k = 0; k < entries; k++) {
        size_t entry = k;
        if (entries < weights->count) { /* the first, the last and some between */
            entry = random_bits(key_of(DRAW_WEIGHT, index), (uint32_t)k) % weights->count;
            if (k < 2) entry = k == 0 ? 0 : weights->count - 1;
        }
        double numeric;
        double tolerance = 1e-4 * largest + (check->drawn ? 1e-9 * fabs(loss) : 0); /* the reference's own rounding errors, where a gradient is 0 */
        bool right = agrees(check, &weights->exact[entry], (double)gradient[entry], tolerance, &numeric);
        if (!right && check->drawn) {
            if (!check->rounding) measure_rounding(check, gradients);
            right = agrees(check, &weights->exact[entry], (double)gradient[entry], tolerance + 2 * check->rounding[index], &numeric);
        }
        wrong += !right;
        cr_expect(right || !aloud,
                  "%s: the gradient of %s is %.9g at entry %zu, by differences %.9g (the largest is %.3g)",
                  check->name,
                  t->name,
                  (double)gradient[entry],
                  entry,
                  numeric,
                  largest);
    }
    cr_expect(largest > 0 || check->drawn, "%s: the gradient of %s is zero throughout", check->name, t->name);
    return wrong;
}

/* One draw of weights and data; the number of gradient entries that disagree with the differences. */
static int check_draw(Check *check, bool aloud)
{
    draw(check);
    int wrong = 0;
    void *weights = pack(check);
    check_outputs(check, weights);
    check_features(check, weights);
    void *got = emitted_gradients(check, weights, &check->loss);
    double truth = reference(check, true, NULL);
    bool clipped = check->drawn && check_programs(check, weights, check->loss);
    double tolerance = clipped ? 2e-2 * fabs(truth) + 1e-7 : 1e-5 * fabs(truth);
    bool right = (check->drawn && !is_number(truth)) || fabs(check->loss - truth) <= tolerance;
    if (!right && check->drawn) { /* a loss may cancel too, as the cosines of a few samples do */
        measure_rounding(check, got);
        right = fabs(check->loss - truth) <= tolerance + 2 * check->loss_rounding;
    }
    cr_expect(right, "%s: the loss is %.9g, by the reference %.9g", check->name, check->loss, truth);
    for (int i = 0; i < check->model->tensor_count && is_number(truth) && !clipped; i++) {
        const CnncTensor *t = &check->model->tensors[i];
        if (t->trainable) wrong += check_tensor(check, i, got, truth, aloud || (check->small && !check->drawn));
    }
    free(got);
    free(weights);
    for (int i = 0; i < check->model->input_count; i++) numbers_free(&check->inputs[i]);
    for (int i = 0; i < check->model->output_count; i++) numbers_free(&check->targets[i]);
    for (int i = 0; i < check->model->tensor_count; i++) numbers_free(&check->weights[i]);
    numbers_free(&check->sample_weights);
    free(check->weights);
    free(check->rounding);
    check->rounding = NULL;
    check->loss_rounding = 0;
    return wrong;
}

/* A large network has some hundred thousand relus and maxima. Now and then two numbers lie so close that float and double put them
 * in a different order; the gradient then takes the other way at that place, and the first layer's entries differ by some
 * 1e-3, rightly. That happens for some draws of weights and data, a wrong gradient is wrong for every draw: so one whole draw of a few has
 * to agree. Small networks have one draw, which must; those that were drawn at random, with kinks one behind the other, as many as large ones. */
void differences_check(const char *net, const CnncModel *model, bool drawn)
{
    enum { DRAWS = 4 };
    Check check = {.name = strrchr(net, '/') + 1, .model = model, .drawn = drawn};
    load_graph(&check, net);
    for (draw_number = 0; draw_number < DRAWS; draw_number++)
        if (!check_draw(&check, draw_number == DRAWS - 1) || (check.small && !drawn)) break;
    memory_release();
}
