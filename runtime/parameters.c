/* The model's parameters in safetensors files. */
#include "trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t tensor_size(const CnncTensor *tensor)
{
    return (size_t)shape_elements(tensor->rank, tensor->shape) * sizeof(float);
}

bool parameters_add(TensorFile *file, const CnncModel *model, const char *prefix, const void *parameters, bool trainable_only,
                    bool copied, Failure *failure)
{
    for (int i = 0; i < model->tensor_count; i++) {
        const CnncTensor *tensor = &model->tensors[i];
        if (trainable_only && !tensor->trainable) continue;
        char *name = text_format(failure, "%s%s", prefix, tensor->name);
        if (!name) return false;
        Array view = {.type = ARRAY_FLOAT32, .rank = tensor->rank, .data = (char *)(uintptr_t)parameters + tensor->offset};
        memcpy(view.shape, tensor->shape, sizeof view.shape);
        bool added = (copied ? safetensors_add : safetensors_lend)(file, name, &view, failure);
        free(name);
        if (!added) return false;
    }
    return true;
}

bool parameters_take(const TensorFile *file, const char *path, const CnncModel *model, const char *prefix, void *parameters,
                     Failure *failure)
{
    if (!tensors_fit(file, path, prefix, model->tensors, model->tensor_count, true, failure)) return false;
    for (int i = 0; i < model->tensor_count; i++) {
        const CnncTensor *tensor = &model->tensors[i];
        char *name = text_format(failure, "%s%s", prefix, tensor->name);
        if (!name) return false;
        memcpy((char *)parameters + tensor->offset, safetensors_find(file, name)->data, tensor_size(tensor));
        free(name);
    }
    return true;
}

bool parameters_write(const char *path, const CnncModel *model, const void *parameters, Failure *failure)
{
    TensorFile file = {0};
    bool done = safetensors_note(&file, "model", model->name, failure) &&
                parameters_add(&file, model, "", parameters, false, false, failure) &&
                safetensors_seal(&file, "cnnc weights 1", failure) && safetensors_write(path, &file, failure);
    safetensors_free(&file);
    return done;
}

bool parameters_read(const char *path, const CnncModel *model, void *parameters, Failure *failure)
{
    TensorFile file = {0};
    if (!safetensors_read(path, &file, failure)) return false;
    bool is_checkpoint;
    bool done = checkpoint_recognize(&file, path, &is_checkpoint, failure) &&
                tensors_fit(&file, path, "", model->tensors, model->tensor_count, is_checkpoint, failure) &&
                parameters_take(&file, path, model, "", parameters, failure);
    safetensors_free(&file);
    return done;
}

const char *parameters_not_finite(const CnncModel *model, const void *parameters)
{
    for (int i = 0; i < model->tensor_count; i++) {
        const float *values = (const float *)(const void *)((const char *)parameters + model->tensors[i].offset);
        int64_t count = shape_elements(model->tensors[i].rank, model->tensors[i].shape);
        for (int64_t k = 0; k < count; k++) {
            if (!isfinite(values[k])) return model->tensors[i].name;
        }
    }
    return NULL;
}

bool parameters_check_finite(const CnncModel *model, const void *parameters, const char *path, Failure *failure)
{
    const char *bad = parameters_not_finite(model, parameters);
    if (!bad) return true;
    return fail(
        failure,
        "the training has diverged: %s holds values that are not finite; %s was not written (try a smaller learning_rate)",
        bad,
        path);
}
