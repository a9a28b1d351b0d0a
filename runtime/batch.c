/* The samples of one step, converted to what the network takes: float32 or int32, class numbers or rows. Bytes stay bytes where
 * the step itself converts them. */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Elements of one sample's target as the network takes it. */
static int64_t target_elements(const CnncModel *model, int output)
{
    const CnncPort *port = &model->outputs[output];
    int64_t elements = shape_elements(port->rank, port->shape);
    return model->targets[output].class_indices && port->rank ? elements / port->shape[port->rank - 1] : elements;
}

bool batch_new(Batch *batch, const CnncModel *model, int64_t capacity, Failure *failure)
{
    *batch = (Batch){.capacity = capacity};
    batch->inputs = calloc((size_t)model->input_count, sizeof *batch->inputs);
    batch->targets = calloc((size_t)model->output_count, sizeof *batch->targets);
    batch->outputs = calloc((size_t)model->output_count, sizeof *batch->outputs);
    batch->losses = calloc((size_t)metric_losses(model), sizeof *batch->losses);
    batch->weights = memory_aligned((size_t)(capacity * weight_count(model)) * sizeof(float), "a batch of sample weights", failure);
    if (!batch->inputs || !batch->targets || !batch->outputs || !batch->losses) return fail(failure, "no memory for a batch");
    if (!batch->weights) return false;
    for (int i = 0; i < model->input_count; i++) {
        size_t elements = (size_t)shape_elements(model->inputs[i].rank, model->inputs[i].shape);
        batch->inputs[i] = memory_aligned(elements * (size_t)capacity * sizeof(float), "a batch of inputs", failure);
        if (!batch->inputs[i]) return false;
    }
    for (int i = 0; i < model->output_count; i++) {
        size_t elements = (size_t)shape_elements(model->outputs[i].rank, model->outputs[i].shape);
        size_t size = (size_t)target_elements(model, i) * (size_t)capacity * sizeof(float);
        batch->outputs[i] = memory_aligned(elements * (size_t)capacity * sizeof(float), "a batch of outputs", failure);
        batch->targets[i] = memory_aligned(size, "a batch of targets", failure);
        if (!batch->outputs[i] || !batch->targets[i]) return false;
    }
    return true;
}

void batch_free(Batch *batch, const CnncModel *model)
{
    for (int i = 0; i < model->input_count && batch->inputs; i++) free(batch->inputs[i]);
    for (int i = 0; i < model->output_count && batch->outputs; i++) free(batch->outputs[i]);
    for (int i = 0; i < model->output_count && batch->targets; i++) free(batch->targets[i]);
    free(batch->inputs);
    free(batch->outputs);
    free(batch->losses);
    free(batch->targets);
    free(batch->weights);
    *batch = (Batch){0};
}

/* target[0..count) = elements [from, from + count) of the array. */
#define COPY_AS(Type, Element)                                                                                                 \
    do {                                                                                                                       \
        const Element *source = (const Element *)array->data + from;                                                           \
        for (int64_t i = 0; i < count; i++) target[i] = (Type)source[i];                                                       \
    } while (0)

static void copy_floats(float *target, const Array *array, int64_t from, int64_t count)
{
    switch (array->type) {
    case ARRAY_UINT8: COPY_AS(float, uint8_t); break;
    case ARRAY_INT8: COPY_AS(float, int8_t); break;
    case ARRAY_INT32: COPY_AS(float, int32_t); break;
    case ARRAY_INT64: COPY_AS(float, int64_t); break;
    case ARRAY_FLOAT32: COPY_AS(float, float); break;
    case ARRAY_FLOAT64: COPY_AS(float, double); break;
    }
}

static void copy_integers(int32_t *target, const Array *array, int64_t from, int64_t count)
{
    switch (array->type) {
    case ARRAY_UINT8: COPY_AS(int32_t, uint8_t); break;
    case ARRAY_INT8: COPY_AS(int32_t, int8_t); break;
    case ARRAY_INT32: COPY_AS(int32_t, int32_t); break;
    case ARRAY_INT64: COPY_AS(int32_t, int64_t); break;
    case ARRAY_FLOAT32: COPY_AS(int32_t, float); break;
    case ARRAY_FLOAT64: COPY_AS(int32_t, double); break;
    }
}

/* The target of one sample, in the form the loss takes: what dataset_check_targets let through. */
static void copy_target(void *targets, const CnncModel *model, int output, const Array *array, int64_t sample, int64_t place)
{
    const CnncPort *port = &model->outputs[output];
    int64_t given = shape_elements(array->rank - 1, array->shape + 1);
    int64_t wanted = target_elements(model, output);
    int64_t classes = port->rank ? port->shape[port->rank - 1] : 1;
    if (model->targets[output].class_indices) {
        int32_t *numbers = (int32_t *)targets + place * wanted;
        if (given == wanted) {
            copy_integers(numbers, array, sample * given, given);
            return;
        }
        /* One-hot rows: the number is the place of the 1. */
        for (int64_t i = 0; i < given; i++) {
            int32_t value;
            copy_integers(&value, array, sample * given + i, 1);
            if (value == 1) numbers[i / classes] = (int32_t)(i % classes);
        }
        return;
    }
    float *rows = (float *)targets + place * wanted;
    if (given == wanted) {
        copy_floats(rows, array, sample * given, given);
        return;
    }
    memset(rows, 0, (size_t)wanted * sizeof *rows);
    for (int64_t i = 0; i < given; i++) {
        int32_t label;
        copy_integers(&label, array, sample * given + i, 1);
        rows[i * classes + label] = 1;
    }
}

/* The class that a sample's target names: the place of the largest number of a row, or a lone number, rounded. */
static int64_t target_class(const CnncModel *model, const Batch *batch, int64_t place)
{
    if (model->targets[0].class_indices) return ((const int32_t *)batch->targets[0])[place];
    int64_t classes = target_elements(model, 0);
    const float *row = (const float *)batch->targets[0] + place * classes;
    return classes == 1 ? (int64_t)fmaxf(-1, rintf(fminf(row[0], 0x1p62F))) : highest(row, classes);
}

static float class_weight(const ClassWeights *weights, int64_t class)
{
    const MapItem *item = map_find(weights->items, weights->count, class);
    return item ? (float)item->value : 1;
}

/* Is every input that the network takes as float32 a file of bytes? */
static bool has_bytes(const CnncModel *model, const Dataset *data)
{
    for (int i = 0; i < model->input_count; i++)
        if (model->inputs[i].type != CNNC_INT32 && data->inputs[i].type != ARRAY_UINT8) return false;
    return true;
}

void batch_gather(Batch *batch, const CnncModel *model, const Samples *samples, const uint32_t *order, int64_t first, int64_t n)
{
    const Dataset *data = samples->data;
    int64_t steps = weight_count(model);
    batch->sample_weights = NULL;
    batch->bytes = batch->takes_bytes && has_bytes(model, data);
    for (int64_t place = 0; place < n; place++) {
        int64_t sample = samples->first + (order ? (int64_t)order[first + place] : first + place);
        for (int i = 0; i < model->input_count; i++) {
            const Array *array = &data->inputs[i];
            int64_t elements = shape_elements(array->rank - 1, array->shape + 1);
            if (model->inputs[i].type == CNNC_INT32) {
                copy_integers((int32_t *)batch->inputs[i] + place * elements, array, sample * elements, elements);
            } else if (batch->bytes) {
                memcpy((uint8_t *)batch->inputs[i] + place * elements, (const uint8_t *)array->data + sample * elements, (size_t)elements);
            } else {
                copy_floats((float *)batch->inputs[i] + place * elements, array, sample * elements, elements);
            }
        }
        for (int i = 0; i < model->output_count; i++) {
            if (data->targets[i].data) copy_target(batch->targets[i], model, i, &data->targets[i], sample, place);
        }
        float of_class = batch->class_weights ? class_weight(batch->class_weights, target_class(model, batch, place)) : 1;
        for (int64_t k = 0; k < steps; k++) {
            float weight = data->weights.data ? ((const float *)data->weights.data)[sample * steps + k] : 1;
            batch->weights[place * steps + k] = weight * of_class;
        }
    }
    if (data->weights.data || batch->class_weights) batch->sample_weights = batch->weights;
}

/* How many classes the targets can name; 0: a sample names none; INT64_MAX: any. */
static int64_t class_count(const CnncModel *model)
{
    int64_t units = shape_elements(model->outputs[0].rank, model->outputs[0].shape);
    bool row = model->outputs[0].rank == 0 || units == model->outputs[0].shape[model->outputs[0].rank - 1];
    if (model->output_count != 1 || model->targets[0].inside || !row) return 0;
    return units > 1 ? units : metric_classes(model, 0) ? 2 : INT64_MAX;
}

bool class_weights_read(ClassWeights *weights, const CnncModel *model, const char *text, Failure *failure)
{
    *weights = (ClassWeights){0};
    if (!text) return true;
    int64_t classes = class_count(model);
    if (!classes) return fail(failure, "class_weight is for networks with one output, whose targets name one class for each sample");
    weights->items = map_parse("class_weight", text, "{class: weight, ...}", &weights->count, failure);
    if (!weights->items) return false;
    for (int i = 0; i < weights->count; i++) {
        if (weights->items[i].key >= classes)
            return fail(failure, "class_weight: there is no class %" PRId64 "; the network has %" PRId64 ", counted from 0", weights->items[i].key, classes);
    }
    return true;
}

void class_weights_free(ClassWeights *weights)
{
    free(weights->items);
    *weights = (ClassWeights){0};
}
