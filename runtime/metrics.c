/* Losses and metrics over the batches of an epoch, and the confusion matrix.
 *
 * Figures that are means of losses come from the emitted functions, a batch at a time, and are averaged here; the others are computed
 * from outputs and targets. Formulas and names are Keras 3's (keras.io/api/metrics). */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One row of an output, the numbers along its last axis, beside its target and its weight. */
typedef struct {
    const float *p, *t;
    int64_t classes;
    double weight;
    float *scratch;
} Row;

struct MetricKind {
    const char *name;
    bool maximize, classifies;
    int64_t (*size)(const Metric *, const CnncModel *); /* of the state; NULL: 2, a mean */
    double (*row)(const Metric *, const Row *);         /* a row's part in a mean */
    void (*gather)(const Metric *, const Row *);        /* or what it does to the state */
    double (*result)(const Metric *);                   /* NULL: the mean */
};

static double ratio(double part, double whole)
{
    return whole > 0 || whole < 0 || isnan(whole) ? part / whole : 0;
}

static double mean(const Metric *metric)
{
    return ratio(metric->state[0], metric->state[1]);
}

/* ---- accuracies: means over rows ------------------------------------------------------------------------------------- */

int64_t highest(const float *values, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++) {
        if (values[i] > values[best]) best = i;
    }
    return best;
}

static double binary_row(const Metric *metric, const Row *row)
{
    double right = 0;
    for (int64_t i = 0; i < row->classes; i++) right += ((double)row->p[i] > metric->threshold ? 1.0F : 0.0F) == row->t[i];
    return right / (double)row->classes;
}

static double categorical_row(const Metric *metric, const Row *row)
{
    (void)metric;
    return highest(row->p, row->classes) == highest(row->t, row->classes);
}

/* Binary for outputs of a single number; categorical and sparse differ in the form of the targets only. */
static double accuracy_row(const Metric *metric, const Row *row)
{
    return row->classes == 1 ? binary_row(metric, row) : categorical_row(metric, row);
}

/* Whether fewer than k are larger; equals share a place. */
static double top_k_row(const Metric *metric, const Row *row)
{
    float truth = row->p[highest(row->t, row->classes)];
    int64_t larger = 0;
    for (int64_t i = 0; i < row->classes; i++) larger += row->p[i] > truth;
    return larger < metric->top_k && isfinite(truth);
}

/* ---- counts of right and wrong decisions ------------------------------------------------------------------------------- */

/* The row with all but its k largest numbers far below any threshold. */
static const float *keep_top_k(const Metric *metric, const Row *row)
{
    const float none = -1e10F;
    if (!metric->top_k) return row->p;
    for (int64_t i = 0; i < row->classes; i++) row->scratch[i] = none;
    for (int64_t k = 0; k < metric->top_k; k++) {
        int64_t best = -1;
        for (int64_t i = 0; i < row->classes; i++) {
            if (row->scratch[i] == none && (best < 0 || row->p[i] > row->p[best])) best = i;
        }
        if (best >= 0) row->scratch[best] = row->p[best];
    }
    return row->scratch;
}

/* State: true positives, false positives, false negatives. */
static int64_t decision_size(const Metric *metric, const CnncModel *model)
{
    (void)metric;
    (void)model;
    return 3;
}

static void decision_gather(const Metric *metric, const Row *row)
{
    const float *p = keep_top_k(metric, row);
    int64_t first = metric->class_id < 0 ? 0 : metric->class_id;
    int64_t last = metric->class_id < 0 ? row->classes : metric->class_id + 1;
    for (int64_t i = first; i < last; i++) {
        bool truth = row->t[i] != 0, taken = (double)p[i] > metric->threshold;
        if (truth && taken) metric->state[0] += row->weight;
        if (!truth && taken) metric->state[1] += row->weight;
        if (truth && !taken) metric->state[2] += row->weight;
    }
}

static double precision_result(const Metric *metric)
{
    return ratio(metric->state[0], metric->state[0] + metric->state[1]);
}

static double recall_result(const Metric *metric)
{
    return ratio(metric->state[0], metric->state[0] + metric->state[2]);
}

/* ---- f1_score: of each class, or, averaged micro, of all together -------------------------------------------------------- */

static const char *argument(const Metric *metric, const char *name)
{
    for (const CnncArgument *a = metric->row ? metric->row->arguments : NULL; a && a->name; a++) {
        if (!strcmp(a->name, name)) return strcmp(a->value, "none") ? a->value : NULL;
    }
    return NULL;
}

/* State: true positives, false positives, false negatives and how often it is true, of each class. */
static int64_t f1_size(const Metric *metric, const CnncModel *model)
{
    const CnncPort *port = &model->outputs[metric->output];
    return 4 * (port->rank ? port->shape[port->rank - 1] : 1);
}

static void f1_gather(const Metric *metric, const Row *row)
{
    bool micro = !strcmp(argument(metric, "average"), "micro"), largest = !argument(metric, "threshold");
    float most = row->p[highest(row->p, row->classes)];
    for (int64_t i = 0; i < row->classes; i++) {
        double taken = largest ? row->p[i] >= most && fabsf(row->p[i]) > 1e-9F : (double)row->p[i] > metric->threshold;
        double truth = (double)row->t[i];
        double *state = metric->state + (micro ? 0 : 4 * i);
        state[0] += row->weight * taken * truth;
        state[1] += row->weight * taken * (1 - truth);
        state[2] += row->weight * (1 - taken) * truth;
        state[3] += row->weight * truth;
    }
}

static double f1_result(const Metric *metric)
{
    const char *average = argument(metric, "average");
    const double epsilon = 1e-7;
    int64_t classes = strcmp(average, "micro") ? metric->state_count / 4 : 1;
    double sum = 0, weights = 0;
    for (int64_t i = 0; i < classes; i++) {
        const double *state = metric->state + 4 * i;
        double precision = state[0] / (state[0] + state[1] + epsilon), recall = state[0] / (state[0] + state[2] + epsilon);
        double score = 2 * precision * recall / (precision + recall + epsilon);
        double weight = strcmp(average, "weighted") ? 1 : state[3];
        sum += weight * score;
        weights += weight;
    }
    return strcmp(average, "weighted") ? sum / (double)classes : sum / (weights + epsilon);
}

/* ---- auc ------------------------------------------------------------------------------------------------------------------ */

/* State: how many positives, then how many negatives, have an output between a threshold and the next. */
static int64_t auc_size(const Metric *metric, const CnncModel *model)
{
    (void)model;
    return 2 * (int64_t)strtoll(argument(metric, "num_thresholds"), NULL, 10);
}

static void auc_gather(const Metric *metric, const Row *row)
{
    int64_t thresholds = metric->state_count / 2;
    for (int64_t i = 0; i < row->classes; i++) {
        float p = row->p[i] < 0 ? 0 : row->p[i] > 1 ? 1 : row->p[i];
        int64_t place = isnan(p) ? 0 : (int64_t)ceilf(p * (float)(thresholds - 1)) - 1;
        metric->state[(row->t[i] != 0 ? 0 : thresholds) + (place < 0 ? 0 : place)] += row->weight;
    }
}

/* The area between two neighbouring thresholds: with a, b the true and c, d the false positives above the lower and the higher. */
static double auc_part(bool roc, const char *method, double positives, double negatives, double a, double b, double c, double d)
{
    if (!roc && !strcmp(method, "interpolation")) { /* precision is no straight line between two points (Davis and Goadrich 2006) */
        double slope = a + c - b - d > 0 ? (a - b) / (a + c - b - d) : 0, intercept = b - slope * (b + d);
        double share = a + c > 0 && b + d > 0 ? (a + c) / (b + d) : 1;
        return ratio(slope * (a - b + intercept * log(share)), positives);
    }
    double width = roc ? ratio(c - d, negatives) : ratio(a - b, positives);
    double low = roc ? ratio(a, positives) : ratio(a, a + c), high = roc ? ratio(b, positives) : ratio(b, b + d);
    if (!strcmp(method, "interpolation")) return width * (low + high) / 2;
    return width * (!strcmp(method, "minoring") ? fmin(low, high) : fmax(low, high));
}

static double auc_result(const Metric *metric)
{
    int64_t thresholds = metric->state_count / 2;
    const char *curve = argument(metric, "curve"), *method = argument(metric, "summation_method");
    double positives = 0, negatives = 0, area = 0, b = 0, d = 0;
    for (int64_t i = 0; i < thresholds; i++) positives += metric->state[i], negatives += metric->state[thresholds + i];
    for (int64_t i = thresholds - 1; i >= 0; i--) {
        double a = b + metric->state[i], c = d + metric->state[thresholds + i];
        if (i < thresholds - 1) area += auc_part(*curve == 'R' || *curve == 'r', method, positives, negatives, a, b, c, d);
        b = a;
        d = c;
    }
    return area;
}

/* ---- means of losses ------------------------------------------------------------------------------------------------------- */

static double root_result(const Metric *metric)
{
    return sqrt(mean(metric));
}

static double negative_result(const Metric *metric)
{
    return -mean(metric);
}

static const MetricKind kinds[] = {
    {.name = "accuracy", .maximize = true, .classifies = true, .row = accuracy_row},
    {.name = "binary_accuracy", .maximize = true, .classifies = true, .row = binary_row},
    {.name = "categorical_accuracy", .maximize = true, .classifies = true, .row = categorical_row},
    {.name = "sparse_categorical_accuracy", .maximize = true, .classifies = true, .row = categorical_row},
    {.name = "top_k_categorical_accuracy", .maximize = true, .classifies = true, .row = top_k_row},
    {.name = "sparse_top_k_categorical_accuracy", .maximize = true, .classifies = true, .row = top_k_row},
    {.name = "precision", .maximize = true, .size = decision_size, .gather = decision_gather, .result = precision_result},
    {.name = "recall", .maximize = true, .size = decision_size, .gather = decision_gather, .result = recall_result},
    {.name = "f1_score", .maximize = true, .size = f1_size, .gather = f1_gather, .result = f1_result},
    {.name = "auc", .maximize = true, .size = auc_size, .gather = auc_gather, .result = auc_result},
    {.name = "root_mean_squared_error", .result = root_result},
    {.name = "cosine_similarity", .maximize = true, .result = negative_result},
    {.name = NULL}, /* the mean of any other loss */
};

/* NULL: not known. */
static const MetricKind *kind_of(const CnncMetric *row)
{
    const MetricKind *kind = kinds;
    while (kind->name && strcmp(kind->name, row->kind)) kind++;
    return kind->name || row->value >= 0 ? kind : NULL;
}

/* ---- the list ----------------------------------------------------------------------------------------------------------------- */

static int64_t last_dimension(const CnncPort *port)
{
    return port->rank ? port->shape[port->rank - 1] : 1;
}

int64_t weight_count(const CnncModel *model)
{
    return model->weight_steps ? model->weight_steps : 1;
}

int metric_losses(const CnncModel *model)
{
    int count = model->output_count;
    for (const CnncMetric *row = model->metrics; row && row->name; row++) count += row->value >= 0;
    return count;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Metric *)a)->name, ((const Metric *)b)->name);
}

static bool add_metric(Metrics *metrics, const CnncModel *model, Metric metric, Failure *failure)
{
    metric.threshold = argument(&metric, "top_k") ? -1e10 : 0.5;
    const char *threshold = argument(&metric, "threshold"), *top_k = argument(&metric, "top_k"), *class_id = argument(&metric, "class_id");
    if (!threshold) threshold = argument(&metric, "thresholds");
    if (!top_k) top_k = argument(&metric, "k");
    if (threshold) metric.threshold = strtod(threshold, NULL);
    metric.top_k = top_k ? strtoll(top_k, NULL, 10) : 0;
    metric.class_id = class_id ? strtoll(class_id, NULL, 10) : -1;
    metric.maximize = metric.kind->maximize;
    metric.state_count = metric.kind->size ? metric.kind->size(&metric, model) : 2;
    metric.state = calloc((size_t)metric.state_count, sizeof *metric.state);
    Metric *items = realloc(metrics->items, (size_t)(metrics->count + 1) * sizeof *items);
    if (items) metrics->items = items;
    if (!items || !metric.state) {
        free(metric.state);
        return fail(failure, "no memory for the metrics");
    }
    items[metrics->count++] = metric;
    return true;
}

bool metrics_new(Metrics *metrics, const CnncModel *model, Failure *failure)
{
    int64_t widest = 1;
    int outputs = model->output_count;
    const MetricKind *loss = &kinds[sizeof kinds / sizeof *kinds - 1];
    *metrics = (Metrics){.names = calloc((size_t)outputs + 1, sizeof *metrics->names)};
    for (int i = 0; i < outputs; i++) widest = last_dimension(&model->outputs[i]) > widest ? last_dimension(&model->outputs[i]) : widest;
    metrics->rows = calloc(2 * (size_t)widest, sizeof *metrics->rows);
    if (!metrics->names || !metrics->rows) return fail(failure, "no memory for the metrics");
    if (!add_metric(metrics, model, (Metric){.name = "loss", .kind = loss, .value = -1}, failure)) return false;
    for (int i = 0; i < outputs && outputs > 1; i++) {
        metrics->names[i] = text_format(failure, "%s_loss", model->outputs[i].name);
        if (!metrics->names[i]) return false;
        if (!add_metric(metrics, model, (Metric){.name = metrics->names[i], .kind = loss, .output = i, .value = i}, failure)) return false;
    }
    for (const CnncMetric *row = model->metrics; row && row->name; row++) {
        Metric metric = {.name = row->name, .kind = kind_of(row), .output = row->output, .value = row->value, .weighted = row->weighted, .row = row};
        if (!metric.kind) return fail(failure, "this trainer does not know the metric %s", row->kind);
        if (!add_metric(metrics, model, metric, failure)) return false;
    }
    qsort(metrics->items, (size_t)metrics->count, sizeof *metrics->items, by_name);
    return true;
}

void metrics_free(Metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) free(metrics->items[i].state);
    for (int i = 0; metrics->names && metrics->names[i]; i++) free(metrics->names[i]);
    free(metrics->items);
    free(metrics->names);
    free(metrics->rows);
    *metrics = (Metrics){0};
}

void metrics_reset(Metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++)
        memset(metrics->items[i].state, 0, (size_t)metrics->items[i].state_count * sizeof(double));
}

static bool from_outputs(const Metric *metric)
{
    return metric->row && metric->value < 0;
}

bool metrics_need_outputs(const Metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) {
        if (from_outputs(&metrics->items[i])) return true;
    }
    return false;
}

float metric_value(const Metric *metric)
{
    double value = metric->kind->result ? metric->kind->result(metric) : mean(metric);
    return isnan(value) ? NAN : (float)value; /* without the sign that would be printed */
}

/* ---- a batch -------------------------------------------------------------------------------------------------------------------- */

/* The target of a row as numbers beside the output's, whichever form it has. */
static const float *target_row(const CnncModel *model, int output, const Batch *batch, int64_t row, int64_t classes, float *scratch)
{
    const CnncTarget *target = &model->targets[output];
    const void *data = target->inside ? batch->inputs[target->input] : batch->targets[output];
    if (target->class_indices) {
        int32_t label = ((const int32_t *)data)[row];
        memset(scratch, 0, (size_t)classes * sizeof *scratch);
        if (classes == 1) scratch[0] = (float)label;
        else if (label >= 0 && label < classes) scratch[label] = 1;
        return scratch;
    }
    if (!target->inside || !batch->bytes) return (const float *)data + row * classes;
    for (int64_t i = 0; i < classes; i++) scratch[i] = ((const uint8_t *)data)[row * classes + i];
    return scratch;
}

static void gather_rows(Metrics *metrics, Metric *metric, const CnncModel *model, const Batch *batch, int64_t n)
{
    const CnncPort *port = &model->outputs[metric->output];
    int64_t classes = last_dimension(port), rows = shape_elements(port->rank, port->shape) / classes, steps = weight_count(model);
    const float *weights = metric->weighted ? batch->sample_weights : NULL;
    for (int64_t r = 0; r < n * rows; r++) {
        Row row = {
            .p = batch->outputs[metric->output] + r * classes,
            .t = target_row(model, metric->output, batch, r, classes, metrics->rows),
            .classes = classes,
            .weight = weights ? (double)weights[r / (rows / steps)] : 1,
            .scratch = metrics->rows + classes,
        };
        if (metric->kind->gather) {
            metric->kind->gather(metric, &row);
        } else {
            metric->state[0] += row.weight * metric->kind->row(metric, &row);
            metric->state[1] += row.weight;
        }
    }
}

/* The sum of the samples' weights, each the mean over its steps. */
static double weight_sum(const CnncModel *model, const Batch *batch, int64_t n)
{
    int64_t steps = weight_count(model);
    double sum = 0;
    for (int64_t i = 0; i < n * steps; i++) sum += batch->sample_weights ? (double)batch->sample_weights[i] : 1;
    return sum / (double)steps;
}

void metrics_update(Metrics *metrics, const CnncModel *model, float loss, const Batch *batch, int64_t n)
{
    for (int i = 0; i < metrics->count; i++) {
        Metric *metric = &metrics->items[i];
        if (from_outputs(metric)) {
            gather_rows(metrics, metric, model, batch, n);
        } else {
            metric->state[0] += (double)(metric->value < 0 ? loss : batch->losses[metric->value]) * (double)n;
            metric->state[1] += metric->weighted ? weight_sum(model, batch, n) : (double)n;
        }
    }
}

/* ---- the confusion matrix ---------------------------------------------------------------------------------------------------------- */

/* A network names classes where its loss is a cross-entropy, or an accuracy is asked for. */
int metric_classes(const CnncModel *model, int output)
{
    const CnncPort *port = &model->outputs[output];
    const CnncTarget *target = &model->targets[output];
    int64_t units = shape_elements(port->rank, port->shape);
    bool classifies = target->class_indices || (strstr(target->loss, "crossentropy") && (units == 1 || strncmp(target->loss, "binary", 6)));
    for (const CnncMetric *row = model->metrics; row && row->name; row++) {
        const MetricKind *kind = row->output == output ? kind_of(row) : NULL;
        classifies |= kind && kind->classifies && (units == 1 || strcmp(row->kind, "binary_accuracy"));
    }
    if (!classifies || target->inside || units != last_dimension(port) || units > 1000) return 0;
    return units == 1 ? 2 : (int)units;
}

bool confusion_new(Confusion *confusion, int classes, Failure *failure)
{
    *confusion = (Confusion){.classes = classes};
    if (!classes) return true;
    confusion->counts = calloc((size_t)classes * (size_t)classes, sizeof *confusion->counts);
    confusion->row = calloc((size_t)classes, sizeof *confusion->row);
    return (confusion->counts && confusion->row) || fail(failure, "no memory for a confusion matrix of %d classes", classes);
}

void confusion_free(Confusion *confusion)
{
    free(confusion->counts);
    free(confusion->row);
    *confusion = (Confusion){0};
}

void confusion_classes(const Confusion *confusion, const CnncModel *model, const Batch *batch, int64_t i, int64_t *truth, int64_t *predicted)
{
    int64_t units = shape_elements(model->outputs[0].rank, model->outputs[0].shape);
    const float *target = target_row(model, 0, batch, i, units, confusion->row), *output = batch->outputs[0] + i * units;
    *truth = units == 1 ? target[0] > 0.5F : highest(target, units);
    *predicted = units == 1 ? output[0] > 0.5F : highest(output, units);
}

void confusion_update(Confusion *confusion, const CnncModel *model, const Batch *batch, int64_t n)
{
    if (!confusion->classes) return;
    for (int64_t i = 0; i < n; i++) {
        int64_t truth, predicted;
        confusion_classes(confusion, model, batch, i, &truth, &predicted);
        confusion->counts[truth * confusion->classes + predicted]++;
    }
}

void confusion_print(const Confusion *confusion, FILE *stream)
{
    int classes = confusion->classes;
    int64_t most = 0;
    for (int64_t i = 0; i < (int64_t)classes * classes; i++) most = confusion->counts[i] > most ? confusion->counts[i] : most;
    int width = snprintf(NULL, 0, "%" PRId64, most > classes - 1 ? most : classes - 1) + 1;
    if (width < 5) width = 5;
    fprintf(stream, "confusion matrix (rows: truth, columns: prediction)\n%*s", width, "");
    for (int column = 0; column < classes; column++) fprintf(stream, "%*d", width, column);
    fputc('\n', stream);
    for (int row = 0; row < classes; row++) {
        fprintf(stream, "%*d", width, row);
        for (int column = 0; column < classes; column++)
            fprintf(stream, "%*" PRId64, width, confusion->counts[row * classes + column]);
        fputc('\n', stream);
    }
}
