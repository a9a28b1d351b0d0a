/* What each layer gives for a sample, by the emitted function `activations`: the report shows it, and a loss that is not finite
 * is traced with it to where the first such number stands: in the data, in the weights, or in the output of a layer. */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

bool features_new(Features *features, const CnncModel *model, Failure *failure)
{
    int64_t total = 0;
    for (int i = 0; i < model->feature_count; i++) total += shape_elements(model->features[i].rank, model->features[i].shape);
    *features = (Features){.values = memory_aligned((size_t)total * sizeof(float), "what the layers give", failure)};
    if (!features->values) return false;
    features->arena = memory_scratch(model->features_arena_size, "the activations", failure);
    if (!features->arena) return false;
    features->layers = calloc((size_t)model->feature_count + 1, sizeof *features->layers);
    if (!features->layers) return fail(failure, "no memory for what the layers give");
    float *at = features->values;
    for (int i = 0; i < model->feature_count; i++) {
        features->layers[i] = at;
        at += shape_elements(model->features[i].rank, model->features[i].shape);
    }
    return true;
}

void features_free(Features *features)
{
    free(features->values);
    free(features->layers);
    free(features->arena);
    *features = (Features){0};
}

/* The place of the first number that is not finite; -1: all are. */
static int64_t find_not_finite(const float *values, int64_t count)
{
    int64_t i = 0;
    while (i < count && isfinite(values[i])) i++;
    return i < count ? i : -1;
}

/* Of a batch's floats of one input or output: that of the sample whose number stands in *sample. */
static bool find_in_data(void *const *values, int port, const CnncPort *shape, int64_t n, int64_t *sample, double *value)
{
    int64_t size = shape_elements(shape->rank, shape->shape);
    int64_t at = find_not_finite(values[port], n * size);
    if (at < 0) return false;
    *sample = at / size;
    *value = (double)((const float *)values[port])[at];
    return true;
}

/* The first layer that gives a number that is not finite for any of the n samples; -1: none, or it cannot be told. */
static int find_layer(const CnncModel *model, const void *weights, const Batch *batch, int64_t n, int64_t *sample, double *value)
{
    Failure ignored;
    Features features;
    int first = model->feature_count;
    const void **inputs = calloc((size_t)model->input_count, sizeof *inputs);
    bool good = features_new(&features, model, &ignored) && inputs && model->activations;
    for (int64_t k = 0; k < n && good; k++) {
        for (int i = 0; i < model->input_count; i++)
            inputs[i] = (const char *)batch->inputs[i] + k * shape_elements(model->inputs[i].rank, model->inputs[i].shape) * 4;
        model->activations(weights, inputs, features.layers, features.arena);
        for (int i = 0; i < first; i++) {
            int64_t at = find_not_finite(features.layers[i], shape_elements(model->features[i].rank, model->features[i].shape));
            if (at < 0) continue;
            first = i;
            *sample = k;
            *value = (double)features.layers[i][at];
        }
    }
    features_free(&features);
    free(inputs);
    return good && first < model->feature_count ? first : -1;
}

const char *loss_origin(const Training *training, const Samples *samples, const uint32_t *order, const Batch *batch, int64_t first, int64_t n,
                        char *text, size_t size)
{
    const CnncModel *model = training->model;
    const Dataset *data = samples->data;
    int64_t sample = 0;
    double value = 0;
    const char *path = NULL;
    for (int i = 0; i < model->input_count && !path; i++)
        if (model->inputs[i].type == CNNC_FLOAT32 && find_in_data(batch->inputs, i, &model->inputs[i], n, &sample, &value)) path = data->input_paths[i];
    for (int i = 0; i < model->output_count && !path; i++)
        if (!model->targets[i].inside && !model->targets[i].class_indices && find_in_data(batch->targets, i, &model->outputs[i], n, &sample, &value)) path = data->target_paths[i];
    if (path) {
        snprintf(text, size, "%s holds %g in sample %" PRId64, path, value, samples->first + (int64_t)order[first + sample]);
        return text;
    }
    model->unpack(training->weights, training->parameters);
    const char *tensor = parameters_not_finite(model, training->parameters);
    if (tensor) {
        snprintf(text, size, "the step before it made %s not finite; a smaller learning_rate, or the optimizer's clipnorm, may help", tensor);
        return text;
    }
    int layer = find_layer(model, training->weights, batch, n, &sample, &value);
    if (layer >= 0) {
        snprintf(text,
                 size,
                 "layer %s is the first that gives %g, for sample %" PRId64,
                 model->features[layer].name,
                 value,
                 samples->first + (int64_t)order[first + sample]);
    } else {
        snprintf(text, size, "data, weights and, as far as inference goes, all layers' outputs are finite: it is the loss itself");
    }
    return text;
}
