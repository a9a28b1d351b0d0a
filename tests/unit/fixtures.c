/* What Keras computed (tests/fixtures, see make_fixtures.py there) against what the emitted C computes: a .net and a
 * .safetensors dropped into that folder are a further test. $FIXTURES, a pattern such as conv2d_*, chooses some.
 *
 * The fixtures are float64 computations, so that each tolerance below is all for the emitted float32:
 *   output      1e-5; absolute where it is probabilities (the loss is a cross-entropy), else relative to the largest entry
 *   loss        1e-5, relative
 *   gradients   1e-4 of the largest entry of the same tensor's gradient
 *   five steps  1e-4 of the largest change of the same tensor, the rounding of a weight at each step, and for adam and its like what `adam_allowance` grants
 * Keras's own float32 stays below a tenth of most of these and below a half of all (the script makes sure). */
#include "emitted.h"
#include "patience.h"
#include "trainer.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <float.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 5, MOST_PORTS = 8, MOST_LOSSES = 64 };

typedef struct {
    const char *name;
    const CnncModel *model;
    TensorFile file;
    size_t n;                       /* samples of the batch */
    const void *inputs[MOST_PORTS]; /* as the model wants them */
    const void *targets[MOST_PORTS];
    const float *truths[MOST_PORTS]; /* the outputs */
    const float *step_truths[MOST_PORTS]; /* those of the first step */
    float *outputs[MOST_PORTS];      /* room for the model's */
    const float *sample_weights;     /* or NULL */
    double loss, gradients_loss, penalty, losses[STEPS]; /* the penalty is a part of the loss */
    bool steps; /* whether the fixture has the weights after five steps */
} Fixture;

/* ---- comparing -------------------------------------------------------------------------------------- */

static void expect_near(const Fixture *fixture, const char *what, double got, double truth, double tolerance)
{
    double error = fabs(got - truth);
    cr_expect(error <= tolerance,
              "%s: %s is %.9g, not %.9g: off by %.2g, and %.2g are allowed",
              fixture->name,
              what,
              got,
              truth,
              error,
              tolerance);
}

static double largest(const float *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs((double)values[i]));
    return most;
}

/* Compares entry by entry, and reports how many are off and the worst of them. The tolerance is `tolerance` and, where
 * there are any, the entry's own allowance. */
static void expect_entries(const Fixture *fixture, const char *what, const float *got, const float *truth, size_t count,
                           double tolerance, const double *allowances)
{
    size_t wrong = 0, worst = 0;
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)got[i] - (double)truth[i]);
        double allowed = tolerance + (allowances ? allowances[i] : 0);
        if (error <= allowed) continue;
        wrong++;
        if (wrong == 1 || error > most) most = error, worst = i;
    }
    cr_expect(wrong == 0,
              "%s: %s: %zu of %zu entries are off; entry %zu is %.9g, not %.9g (%.2g are allowed)",
              fixture->name,
              what,
              wrong,
              count,
              worst,
              (double)got[worst],
              (double)truth[worst],
              tolerance + (allowances ? allowances[worst] : 0));
}

/* ---- reading a fixture ------------------------------------------------------------------------------ */

static size_t port_count(const CnncPort *port)
{
    return emitted_count(port->rank, port->shape);
}

/* The tensor KIND/NAME, or KIND alone where `name` is NULL, which must have this shape, in batches one of n samples. */
static const float *tensor(const Fixture *fixture, const char *kind, const char *name, int rank, const int64_t *shape,
                           bool batched)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s%s", kind, name ? "/" : "", name ? name : "");
    const Array *array = safetensors_find(&fixture->file, whole);
    cr_assert(array, "%s: the fixture has no %s", fixture->name, whole);
    cr_assert(array->type == ARRAY_FLOAT32, "%s: %s is not float32", fixture->name, whole);
    bool same = array->rank == rank + batched && (!batched || array->shape[0] == (int64_t)fixture->n);
    for (int i = 0; same && i < rank; i++) same = array->shape[i + batched] == shape[i];
    char text[128];
    cr_assert(
        same, "%s: the model has another shape for %s %s", fixture->name, whole, array_describe(array, text, sizeof text));
    return array->data;
}

/* The same numbers as int32. */
static const int32_t *whole_numbers(const float *numbers, size_t count)
{
    int32_t *whole = emitted_memory(count * sizeof *whole);
    for (size_t i = 0; i < count; i++) whole[i] = (int32_t)numbers[i];
    return whole;
}

/* Rows of zeros with a one in them as class numbers. */
static const int32_t *class_numbers(const Fixture *fixture, const float *rows, size_t count, size_t classes)
{
    int32_t *numbers = emitted_memory(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++) {
        const float *row = rows + i * classes;
        int ones = 0, zeros = 0;
        for (size_t k = 0; k < classes; k++) {
            if (row[k] == 1) numbers[i] = (int32_t)k, ones++;
            if (row[k] == 0) zeros++;
        }
        cr_assert(ones == 1 && zeros + 1 == (int)classes,
                  "%s: the model takes class numbers only, and target %zu is a distribution",
                  fixture->name,
                  i);
    }
    return numbers;
}

/* Reads the metadata `losses`: none, or one for each step. */
static void read_losses(Fixture *fixture)
{
    const char *text = safetensors_value(&fixture->file, "losses");
    cr_assert(text, "%s: no losses in the metadata", fixture->name);
    fixture->steps = *text != '\0';
    if (!fixture->steps) return;
    for (int i = 0; i < STEPS; i++) {
        char *end;
        fixture->losses[i] = strtod(text, &end);
        cr_assert(end != text && *end == (i + 1 < STEPS ? ',' : '\0'), "%s: not %d losses", fixture->name, STEPS);
        text = end + 1;
    }
}

/* Every tensor of the model must be in the file, in its shape, and nothing else may be. */
static void read_fixture(Fixture *fixture, const char *net)
{
    char path[512], problem[4096];
    fixture->name = strrchr(net, '/') + 1;
    fixture->model = emitted_load(net, problem, sizeof problem);
    cr_assert(fixture->model, "%s: %s", net, problem);
    const CnncModel *model = fixture->model;
    snprintf(path, sizeof path, "%.*s.safetensors", (int)(strlen(net) - strlen(".net")), net);
    Failure failure;
    cr_assert(safetensors_read(path, &fixture->file, &failure), "%s", failure.text);

    cr_assert(model->input_count <= MOST_PORTS && model->output_count <= MOST_PORTS);
    bool one_input = model->input_count == 1, one_output = model->output_count == 1;
    const Array *x = safetensors_find(&fixture->file, one_input ? "x" : fixture->file.items[0].name);
    for (int i = 0; !one_input && i < fixture->file.count; i++)
        if (strncmp(fixture->file.items[i].name, "x/", 2) == 0) x = &fixture->file.items[i].array;
    cr_assert(x && x->rank > 0, "%s: no x", fixture->name);
    fixture->n = (size_t)x->shape[0];
    cr_assert(fixture->n >= 1 && fixture->n <= (size_t)model->batch_size);

    int expected = 0;
    for (int i = 0; i < model->input_count; i++, expected++) {
        const CnncPort *port = &model->inputs[i];
        const float *input = tensor(fixture, "x", one_input ? NULL : port->name, port->rank, port->shape, true);
        fixture->inputs[i] = port->type == CNNC_INT32 ? (const void *)whole_numbers(input, fixture->n * port_count(port)) : input;
    }
    for (int i = 0; i < model->output_count; i++, expected += 2 - model->targets[i - 1].inside) {
        const CnncPort *port = &model->outputs[i];
        const char *name = one_output ? NULL : port->name;
        size_t values = fixture->n * port_count(port);
        bool inside = model->targets[i].inside;
        const float *target = inside ? NULL : tensor(fixture, "y", name, port->rank, port->shape, true);
        fixture->truths[i] = tensor(fixture, "output", name, port->rank, port->shape, true);
        fixture->step_truths[i] = fixture->truths[i];
        char step_output[512];
        snprintf(step_output, sizeof step_output, one_output ? "step_output" : "step_output/%s", name);
        if (safetensors_find(&fixture->file, step_output)) {
            fixture->step_truths[i] = tensor(fixture, "step_output", name, port->rank, port->shape, true);
            expected++;
        }
        fixture->outputs[i] = emitted_memory(values * sizeof(float));
        size_t classes = (size_t)port->shape[port->rank - 1];
        fixture->targets[i] =
            model->targets[i].class_indices && !inside ? (const void *)class_numbers(fixture, target, values / classes, classes) : target;
    }
    if (safetensors_find(&fixture->file, "sample_weight")) {
        fixture->sample_weights = tensor(fixture, "sample_weight", NULL, model->weight_steps > 1, &model->weight_steps, true);
        expected++;
    }
    const char *loss = safetensors_value(&fixture->file, "loss");
    cr_assert(loss, "%s: no loss in the metadata", fixture->name);
    fixture->loss = strtod(loss, NULL);
    const char *gradients_loss = safetensors_value(&fixture->file, "gradients_loss"); /* where it is another */
    fixture->gradients_loss = strtod(gradients_loss ? gradients_loss : loss, NULL);
    const char *penalty = safetensors_value(&fixture->file, "penalty");
    fixture->penalty = penalty ? strtod(penalty, NULL) : 0;
    read_losses(fixture);
    for (int i = 0; i < model->tensor_count; i++) {
        const CnncTensor *t = &model->tensors[i];
        tensor(fixture, "weights", t->name, t->rank, t->shape, false);
        if (t->trainable) tensor(fixture, "gradients", t->name, t->rank, t->shape, false);
        if (fixture->steps) tensor(fixture, "after", t->name, t->rank, t->shape, false);
        expected += 1 + t->trainable + fixture->steps;
    }
    cr_assert(fixture->file.count == expected,
              "%s: the fixture has %d tensors, the model accounts for %d",
              fixture->name,
              fixture->file.count,
              expected);
}

/* ---- weights ---------------------------------------------------------------------------------------- */

/* The tensor's numbers in a struct of parameters. */
static float *inside(void *parameters, const CnncTensor *t)
{
    return (float *)((char *)parameters + t->offset);
}

/* The first weights as a struct of parameters. */
static void *first_parameters(const Fixture *fixture)
{
    const CnncModel *model = fixture->model;
    void *parameters = emitted_memory(model->parameters_size);
    for (int i = 0; i < model->tensor_count; i++) {
        const CnncTensor *t = &model->tensors[i];
        size_t size = emitted_count(t->rank, t->shape) * sizeof(float);
        cr_assert(t->offset % sizeof(float) == 0 && t->offset + size <= model->parameters_size);
        memcpy(inside(parameters, t), tensor(fixture, "weights", t->name, t->rank, t->shape, false), size);
    }
    return parameters;
}

/* The same, packed. */
static void *first_weights(const Fixture *fixture)
{
    const CnncModel *model = fixture->model;
    void *parameters = first_parameters(fixture);
    void *weights = emitted_memory(model->weights_size);
    model->pack(parameters, weights);
    cr_expect(emitted_memory_intact(weights, model->weights_size), "%s: pack writes too far", fixture->name);
    free(parameters);
    return weights;
}

static void *unpacked(const Fixture *fixture, const void *weights)
{
    const CnncModel *model = fixture->model;
    void *parameters = emitted_memory(model->parameters_size);
    model->unpack(weights, parameters);
    cr_expect(emitted_memory_intact(parameters, model->parameters_size), "%s: unpack writes too far", fixture->name);
    return parameters;
}

/* Whether two structs of parameters hold the same bits (padding apart). */
static bool same_parameters(const CnncModel *model, void *a, void *b)
{
    for (int i = 0; i < model->tensor_count; i++) {
        const CnncTensor *t = &model->tensors[i];
        if (memcmp(inside(a, t), inside(b, t), emitted_count(t->rank, t->shape) * sizeof(float)) != 0) return false;
    }
    return true;
}

/* ---- forward ---------------------------------------------------------------------------------------- */

static double output_tolerance(const Fixture *fixture, const float *const *truths, int i)
{
    if (strstr(fixture->model->targets[i].loss, "crossentropy")) return 1e-5;
    return 1e-5 * largest(truths[i], fixture->n * port_count(&fixture->model->outputs[i]));
}

/* `count` samples, sample k of them being the fixture's (first + k) modulo n. */
static void check_samples(const Fixture *fixture, const void *weights, size_t first, size_t count)
{
    const CnncModel *model = fixture->model;
    const void *inputs[MOST_PORTS];
    float *outputs[MOST_PORTS];
    for (int i = 0; i < model->input_count; i++) {
        size_t values = port_count(&model->inputs[i]);
        float *copy = emitted_memory(count * values * sizeof(float));
        for (size_t k = 0; k < count; k++)
            memcpy(copy + k * values,
                   (const float *)fixture->inputs[i] + (first + k) % fixture->n * values,
                   values * sizeof(float));
        inputs[i] = copy;
    }
    for (int i = 0; i < model->output_count; i++)
        outputs[i] = emitted_memory(count * port_count(&model->outputs[i]) * sizeof(float));
    void *arena = emitted_memory(model->predict_arena_size);
    model->predict_batch(weights, inputs, outputs, count, arena);
    cr_expect(emitted_memory_intact(arena, model->predict_arena_size), "%s: predict leaves its arena", fixture->name);
    for (int i = 0; i < model->output_count; i++) {
        size_t values = port_count(&model->outputs[i]);
        char what[256];
        snprintf(what, sizeof what, "output %s of a batch of %zu", model->outputs[i].name, count);
        cr_expect(
            emitted_memory_intact(outputs[i], count * values * sizeof(float)), "%s: predict writes too far", fixture->name);
        float *truth = emitted_memory(count * values * sizeof(float));
        for (size_t k = 0; k < count; k++)
            memcpy(truth + k * values, fixture->truths[i] + (first + k) % fixture->n * values, values * sizeof(float));
        expect_entries(fixture, what, outputs[i], truth, count * values, output_tolerance(fixture, fixture->truths, i), NULL);
        if (first == 0 && count == fixture->n) memcpy(fixture->outputs[i], outputs[i], count * values * sizeof(float));
        free(truth);
        free(outputs[i]);
    }
    for (int i = 0; i < model->input_count; i++) free((void *)(uintptr_t)inputs[i]);
    free(arena);
}

/* The metrics of the batch, and the losses of several outputs, by Keras's names. */
static void check_metrics(const Fixture *fixture, float loss, float *losses, float **outputs)
{
    Metrics metrics;
    Failure failure;
    cr_assert(metrics_new(&metrics, fixture->model, &failure), "%s", failure.text);
    Batch batch = {
        .inputs = (void **)(uintptr_t)fixture->inputs,
        .targets = (void **)(uintptr_t)fixture->targets,
        .outputs = outputs,
        .losses = losses,
        .sample_weights = fixture->sample_weights,
    };
    metrics_update(&metrics, fixture->model, loss, &batch, (int64_t)fixture->n);
    const char *text = safetensors_value(&fixture->file, "metrics");
    int found = 1; /* the loss */
    for (char name[128]; *text && sscanf(text, "%127s", name) == 1; found++) {
        char *end;
        double truth = strtod(text + strlen(name), &end);
        text = end + (*end == ' ');
        const Metric *metric = NULL;
        for (int i = 0; i < metrics.count; i++)
            if (!strcmp(metrics.items[i].name, name)) metric = &metrics.items[i];
        cr_assert(metric, "%s: there is no metric %s", fixture->name, name);
        expect_near(fixture, name, (double)metric_value(metric), truth, 1e-5 * fmax(1, fabs(truth)));
    }
    cr_expect(found == metrics.count, "%s: %d metrics, not %d", fixture->name, metrics.count, found);
    metrics_free(&metrics);
}

/* The loss by evaluate, whose outputs are predict_batch's, bit for bit. */
static void check_evaluation(const Fixture *fixture, const void *weights)
{
    const CnncModel *model = fixture->model;
    float *outputs[MOST_PORTS], losses[MOST_LOSSES];
    size_t sizes[MOST_PORTS];
    cr_assert(metric_losses(model) <= MOST_LOSSES);
    for (int i = 0; i < model->output_count; i++) {
        sizes[i] = fixture->n * emitted_count(model->outputs[i].rank, model->outputs[i].shape) * sizeof(float);
        outputs[i] = emitted_memory(sizes[i]);
    }
    void *arena = emitted_memory(model->evaluate_arena_size);
    float loss = model->evaluate(
        weights, fixture->inputs, fixture->targets, fixture->sample_weights, fixture->n, losses, outputs, arena);
    cr_expect(emitted_memory_intact(arena, model->evaluate_arena_size), "%s: evaluate leaves its arena", fixture->name);
    expect_near(fixture, "the loss of the predictions", (double)loss, fixture->loss, 1e-5 * fabs(fixture->loss));
    for (int i = 0; i < model->output_count; i++)
        cr_expect(!memcmp(outputs[i], fixture->outputs[i], sizes[i]), "%s: evaluate and predict_batch differ", fixture->name);
    if (model->output_count == 1) expect_near(fixture, "the output's loss and the penalty", (double)losses[0] + fixture->penalty, fixture->loss, 1e-5 * fabs(fixture->loss));
    if (safetensors_value(&fixture->file, "metrics")) check_metrics(fixture, loss, losses, outputs);
    for (int i = 0; i < model->output_count; i++) free(outputs[i]);
    free(arena);
}

/* The batch, each sample alone, and more samples than a batch holds; and the loss of the predictions. */
static void check_forward(const Fixture *fixture)
{
    const CnncModel *model = fixture->model;
    void *weights = first_weights(fixture);
    void *parameters = first_parameters(fixture), *again = unpacked(fixture, weights);
    cr_expect(same_parameters(model, parameters, again), "%s: pack and unpack change the weights", fixture->name);
    for (size_t k = 0; k < fixture->n; k++) check_samples(fixture, weights, k, 1);
    check_samples(fixture, weights, 1, 2 * (size_t)model->batch_size + 1);
    check_samples(fixture, weights, 0, fixture->n);
    check_evaluation(fixture, weights);
    free(again);
    free(parameters);
    free(weights);
}

/* ---- gradients -------------------------------------------------------------------------------------- */

/* The gradients, unpacked, by so many threads. */
static void *gradients(const Fixture *fixture, const void *weights, int threads, double *loss)
{
    const CnncModel *model = fixture->model;
    void *packed = emitted_memory(model->weights_size), *arena = emitted_memory(model->train_arena_size);
    emitted_threads(threads);
    *loss = (double)model->gradients(
        weights, packed, fixture->inputs, fixture->targets, fixture->sample_weights, fixture->n, arena);
    cr_expect(emitted_memory_intact(arena, model->train_arena_size), "%s: gradients leaves its arena", fixture->name);
    cr_expect(emitted_memory_intact(packed, model->weights_size), "%s: gradients writes too far", fixture->name);
    void *result = unpacked(fixture, packed);
    free(arena);
    free(packed);
    return result;
}

static void check_gradients(const Fixture *fixture)
{
    const CnncModel *model = fixture->model;
    double loss, other_loss;
    void *weights = first_weights(fixture);
    void *got = gradients(fixture, weights, 2, &loss), *other = gradients(fixture, weights, 1, &other_loss);
    cr_expect(loss == other_loss, "%s: the loss differs between one and two threads", fixture->name);
    expect_near(fixture, "the loss of the gradients", loss, fixture->gradients_loss, 1e-5 * fabs(fixture->gradients_loss));
    for (int i = 0; i < model->tensor_count; i++) {
        const CnncTensor *t = &model->tensors[i];
        if (!t->trainable) continue;
        size_t count = emitted_count(t->rank, t->shape);
        char what[256];
        snprintf(what, sizeof what, "the gradient of %s", t->name);
        const float *truth = tensor(fixture, "gradients", t->name, t->rank, t->shape, false);
        expect_entries(fixture, what, inside(got, t), truth, count, 1e-4 * largest(truth, count), NULL);
        cr_expect(memcmp(inside(got, t), inside(other, t), count * sizeof(float)) == 0,
                  "%s: %s differs between one and two threads",
                  fixture->name,
                  what);
    }
    free(other);
    free(got);
    free(weights);
}

/* ---- steps ------------------------------------------------------------------------------------------ */

/* Optimisers whose steps do not depend on the scale of the gradients. */
static bool is_normalizing(const char *optimizer)
{
    static const char *const names[] = {"adadelta", "adam", "adamax", "adamw", "nadam", "rmsprop"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(optimizer, names[i])) return true;
    return false;
}

/* What these may be off by beyond the tolerance, for each entry of a tensor, as adam shows.
 *
 * Adam's step is learning_rate * m / sqrt(v): a gradient's size cancels out, and an entry whose gradient is far below the
 * others' moves as far as they do, in a direction that rounding has a part in. So the error of a step is not relative to
 * the largest step. To first order a gradient off by `error` turns m / sqrt(v) by 2 * error / sqrt(v) at most, and
 * never by more than from -1 to 1. Of the gradients g of the first steps, v holds at least the first one's share,
 * g * g / STEPS. `error` is what float32 sums leave: 1e-6 of the tensor's largest gradient. An entry as large as a
 * hundredth of the largest is granted 5e-4 of a step in each step, and a wrong optimiser is off by much more there. */
static void adam_allowance(double learning_rate, const float *gradient, size_t count, double *allowances)
{
    double error = 1e-6 * largest(gradient, count);
    for (size_t i = 0; i < count; i++) {
        double size = fmax(fabs((double)gradient[i]), (double)FLT_MIN);
        allowances[i] = STEPS * learning_rate * fmin(2, 2 * sqrt(STEPS) * error / size);
    }
}

/* One step that must stay within its memory. */
static double train_step(const Fixture *fixture, void *weights, void *slots, uint64_t step, float *const *outputs)
{
    const CnncModel *model = fixture->model;
    CnncStep told = {.seed = 0, .step = step, .learning_rate = model->schedule ? model->schedule(step) : model->learning_rate};
    size_t slots_size = model->weights_size * (size_t)model->slot_count;
    void *arena = emitted_memory(model->train_arena_size);
    double loss = (double)model->train_step(
        weights, slots, fixture->inputs, fixture->targets, fixture->sample_weights, fixture->n, &told, NULL, outputs, arena);
    cr_expect(emitted_memory_intact(arena, model->train_arena_size), "%s: a step leaves its arena", fixture->name);
    cr_expect(emitted_memory_intact(weights, model->weights_size), "%s: a step writes beyond the weights", fixture->name);
    cr_expect(emitted_memory_intact(slots, slots_size), "%s: a step writes beyond the slots", fixture->name);
    free(arena);
    return loss;
}

static void *first_slots(const CnncModel *model)
{
    size_t size = model->weights_size * (size_t)model->slot_count;
    void *slots = emitted_memory(size);
    void *parameters = emitted_memory(model->parameters_size);
    initial_slots(model, parameters, slots);
    free(parameters);
    return slots;
}

static void check_steps(const Fixture *fixture)
{
    const CnncModel *model = fixture->model;
    void *weights = first_weights(fixture), *slots = first_slots(model);
    for (int step = 0; step < STEPS; step++) {
        char what[256];
        double loss = train_step(fixture, weights, slots, (uint64_t)step, step == 0 ? fixture->outputs : NULL);
        snprintf(what, sizeof what, "the loss of step %d", step + 1);
        expect_near(fixture, what, loss, fixture->losses[step], 1e-4 * fabs(fixture->losses[0]));
        for (int i = 0; step == 0 && i < model->output_count; i++) {
            size_t count = fixture->n * port_count(&model->outputs[i]);
            snprintf(what, sizeof what, "output %s of the first step", model->outputs[i].name);
            expect_entries(fixture, what, fixture->outputs[i], fixture->step_truths[i], count, output_tolerance(fixture, fixture->step_truths, i), NULL);
        }
    }
    void *got = unpacked(fixture, weights);
    for (int i = 0; i < model->tensor_count; i++) {
        const CnncTensor *t = &model->tensors[i];
        size_t count = emitted_count(t->rank, t->shape);
        const float *before = tensor(fixture, "weights", t->name, t->rank, t->shape, false);
        const float *after = tensor(fixture, "after", t->name, t->rank, t->shape, false);
        double change = 0;
        for (size_t k = 0; k < count; k++) change = fmax(change, fabs((double)after[k] - (double)before[k]));
        double *allowances = calloc(count, sizeof *allowances);
        cr_assert(allowances);
        if (t->trainable && is_normalizing(model->optimizer)) {
            const float *gradient = tensor(fixture, "gradients", t->name, t->rank, t->shape, false);
            adam_allowance((double)(model->schedule ? model->schedule(0) : model->learning_rate), gradient, count, allowances);
        }
        for (size_t k = 0; k < count; k++) allowances[k] += STEPS * 0x1p-24 * fabs((double)after[k]);
        char what[256];
        snprintf(what, sizeof what, "%s after %d steps", t->name, STEPS);
        expect_entries(fixture, what, inside(got, t), after, count, 1e-4 * change, allowances);
        free(allowances);
    }
    free(got);
    free(slots);
    free(weights);
}

/* Keras draws other random numbers, so with dropout there is nothing to compare: a step must depend on nothing but its
 * seed and number, and on these it must. */
static void check_random_steps(const Fixture *fixture)
{
    void *results[3];
    double losses[3];
    for (int i = 0; i < 3; i++) {
        void *weights = first_weights(fixture), *slots = first_slots(fixture->model);
        emitted_threads(i + 1);
        losses[i] = train_step(fixture, weights, slots, i < 2 ? 7 : 8, NULL);
        results[i] = unpacked(fixture, weights);
        free(slots);
        free(weights);
    }
    cr_expect(isfinite(losses[0]));
    cr_expect(losses[0] == losses[1] && same_parameters(fixture->model, results[0], results[1]),
              "%s: the same step gives two results",
              fixture->name);
    cr_expect(losses[0] != losses[2] && losses[0] != fixture->loss, "%s: dropout does nothing in a step", fixture->name);
    for (int i = 0; i < 3; i++) free(results[i]);
}

/* ---- the tests -------------------------------------------------------------------------------------- */

typedef struct {
    char net[256];
} Case;

/* The paths of the chosen fixtures' files with this suffix; to be freed with globfree. */
static size_t find_fixtures(const char *suffix, glob_t *found)
{
    char pattern[256];
    const char *chosen = getenv("FIXTURES");
    snprintf(pattern, sizeof pattern, "tests/fixtures/%s%s", chosen && *chosen ? chosen : "*", suffix);
    return glob(pattern, 0, NULL, found) == 0 ? found->gl_pathc : 0;
}

ParameterizedTestParameters(fixtures, keras)
{
    glob_t found;
    size_t count = find_fixtures(".net", &found);
    Case *cases = cr_malloc((count + 1) * sizeof *cases); /* never of size 0 */
    for (size_t i = 0; i < count; i++) snprintf(cases[i].net, sizeof cases[i].net, "%s", found.gl_pathv[i]);
    globfree(&found);
    return cr_make_param_array(Case, cases, count, NULL);
}

ParameterizedTest(Case *chosen, fixtures, keras, .timeout = 400 * PATIENCE)
{
    Fixture fixture = {0};
    read_fixture(&fixture, chosen->net);
    check_forward(&fixture);
    check_gradients(&fixture);
    if (fixture.steps)
        check_steps(&fixture);
    else
        check_random_steps(&fixture);
    for (int i = 0; i < fixture.model->output_count; i++) {
        free(fixture.outputs[i]);
        if (fixture.model->targets[i].class_indices) free((void *)(uintptr_t)fixture.targets[i]);
    }
    safetensors_free(&fixture.file);
}

/* Without its folder the test above would have nothing to do, and pass. */
Test(fixtures, are_there)
{
    glob_t nets, files;
    size_t count = find_fixtures(".net", &nets);
    cr_assert(count > 0, "no tests/fixtures/*.net: run the tests from the root of the checkout");
    cr_expect(count == find_fixtures(".safetensors", &files), "not every fixture has its .net and its .safetensors");
    globfree(&nets);
    globfree(&files);
}
