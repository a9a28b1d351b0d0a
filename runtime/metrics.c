/* Loss and accuracy as running means, and the confusion matrix. */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What Keras makes of the name: `accuracy` is binary for outputs whose last dimension is 1, else categorical.
 * Categorical and sparse differ in the form of the targets only. */
static bool resolve(const char *name, const CnncPort *port, MetricKind *kind)
{
    bool single = port->rank == 0 || port->shape[port->rank - 1] == 1;
    if (!strcmp(name, "accuracy") || !strcmp(name, "acc"))
        *kind = single ? METRIC_BINARY : METRIC_CATEGORICAL;
    else if (!strcmp(name, "binary_accuracy"))
        *kind = METRIC_BINARY;
    else if (!strcmp(name, "categorical_accuracy") || !strcmp(name, "sparse_categorical_accuracy"))
        *kind = METRIC_CATEGORICAL;
    else
        return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Metric *)a)->name, ((const Metric *)b)->name);
}

static bool add_metric(Metrics *metrics, MetricKind kind, int output, const char *port, const char *name, Failure *failure)
{
    char *full = text_format(failure, "%s%s%s", port ? port : "", port ? "_" : "", name);
    if (!full) return false;
    Metric *items = realloc(metrics->items, (size_t)(metrics->count + 1) * sizeof *items);
    if (!items) {
        free(full);
        return fail(failure, "no memory for the metrics");
    }
    metrics->items = items;
    items[metrics->count++] = (Metric){.name = full, .kind = kind, .output = output};
    return true;
}

bool metrics_new(Metrics *metrics, const CnncModel *model, Failure *failure)
{
    *metrics = (Metrics){0};
    if (!add_metric(metrics, METRIC_LOSS, 0, NULL, "loss", failure)) return false;
    for (int i = 0; i < model->output_count; i++) {
        const char *port = model->output_count > 1 ? model->outputs[i].name : NULL;
        if (port && !add_metric(metrics, METRIC_OUTPUT_LOSS, i, port, "loss", failure)) return false;
        for (const char *const *name = model->targets[i].metrics; name && *name; name++) {
            MetricKind kind;
            if (!resolve(*name, &model->outputs[i], &kind))
                return fail(failure, "this trainer does not know the metric %s", *name);
            if (!add_metric(metrics, kind, i, port, *name, failure)) return false;
        }
    }
    qsort(metrics->items, (size_t)metrics->count, sizeof *metrics->items, by_name);
    return true;
}

void metrics_free(Metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) free(metrics->items[i].name);
    free(metrics->items);
    *metrics = (Metrics){0};
}

void metrics_reset(Metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) metrics->items[i].sum = metrics->items[i].count = 0;
}

bool metrics_need_outputs(const Metrics *metrics)
{
    return metrics->count > 1;
}

int64_t highest(const float *values, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++) {
        if (values[i] > values[best]) best = i;
    }
    return best;
}

static int64_t last_dimension(const CnncPort *port)
{
    return port->rank ? port->shape[port->rank - 1] : 1;
}

/* How many of the n samples' rows have their highest value where the target says. */
static void add_categorical(Metric *metric, const CnncModel *model, const Batch *batch, int64_t n)
{
    const CnncPort *port = &model->outputs[metric->output];
    int64_t classes = last_dimension(port);
    int64_t rows = n * shape_elements(port->rank, port->shape) / classes;
    const float *predictions = batch->outputs[metric->output];
    const void *targets = batch->targets[metric->output];
    for (int64_t row = 0; row < rows; row++) {
        int64_t truth = model->targets[metric->output].class_indices ? ((const int32_t *)targets)[row]
                                                                     : highest((const float *)targets + row * classes, classes);
        metric->sum += highest(predictions + row * classes, classes) == truth;
    }
    metric->count += (double)rows;
}

/* A target as a number, whichever form it has. */
static float target_number(const CnncModel *model, int output, const Batch *batch, int64_t index)
{
    if (model->targets[output].class_indices) return (float)((const int32_t *)batch->targets[output])[index];
    return ((const float *)batch->targets[output])[index];
}

/* Values above a half are predicted as 1. */
static void add_binary(Metric *metric, const CnncModel *model, const Batch *batch, int64_t n)
{
    const CnncPort *port = &model->outputs[metric->output];
    int64_t count = n * shape_elements(port->rank, port->shape);
    for (int64_t i = 0; i < count; i++) {
        float predicted = batch->outputs[metric->output][i] > 0.5F ? 1.0F : 0.0F;
        metric->sum += predicted == target_number(model, metric->output, batch, i);
    }
    metric->count += (double)count;
}

void metrics_update(Metrics *metrics, const CnncModel *model, float loss, const Batch *batch, int64_t n)
{
    for (int i = 0; i < metrics->count; i++) {
        Metric *metric = &metrics->items[i];
        switch (metric->kind) {
        case METRIC_LOSS:
            metric->sum += (double)loss * (double)n;
            metric->count += (double)n;
            break;
        case METRIC_OUTPUT_LOSS:
            metric->sum += (double)batch->losses[metric->output] * (double)n;
            metric->count += (double)n;
            break;
        case METRIC_BINARY: add_binary(metric, model, batch, n); break;
        case METRIC_CATEGORICAL: add_categorical(metric, model, batch, n); break;
        }
    }
}

float metric_value(const Metric *metric)
{
    double mean = metric->count > 0 ? metric->sum / metric->count : 0;
    return isnan(mean) ? NAN : (float)mean; /* without the sign that would be printed */
}

int metric_classes(const CnncModel *model, int output)
{
    const CnncPort *port = &model->outputs[output];
    const CnncTarget *target = &model->targets[output];
    bool classifies = target->class_indices || strstr(target->loss, "crossentropy");
    for (const char *const *name = target->metrics; name && *name; name++) {
        MetricKind kind;
        classifies |= resolve(*name, port, &kind);
    }
    int64_t units = shape_elements(port->rank, port->shape);
    if (!classifies || units != last_dimension(port) || units > 1000) return 0;
    return units == 1 ? 2 : (int)units;
}

bool confusion_new(Confusion *confusion, int classes, Failure *failure)
{
    *confusion = (Confusion){.classes = classes};
    if (!classes) return true;
    confusion->counts = calloc((size_t)classes * (size_t)classes, sizeof *confusion->counts);
    return confusion->counts || fail(failure, "no memory for a confusion matrix of %d classes", classes);
}

void confusion_free(Confusion *confusion)
{
    free(confusion->counts);
    *confusion = (Confusion){0};
}

void confusion_update(Confusion *confusion, const CnncModel *model, const Batch *batch, int64_t n)
{
    int64_t units = shape_elements(model->outputs[0].rank, model->outputs[0].shape);
    if (!confusion->classes) return;
    for (int64_t i = 0; i < n; i++) {
        int64_t truth, predicted;
        if (units == 1) {
            truth = target_number(model, 0, batch, i) > 0.5F;
            predicted = batch->outputs[0][i] > 0.5F;
        } else {
            truth = model->targets[0].class_indices ? ((const int32_t *)batch->targets[0])[i]
                                                    : highest((const float *)batch->targets[0] + i * units, units);
            predicted = highest(batch->outputs[0] + i * units, units);
        }
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
