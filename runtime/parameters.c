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

/* That the array is what the network has under this name. */
static bool check_tensor(const Array *array, const char *path, const char *name, const CnncTensor *tensor, Failure *failure)
{
    char found[128], wanted[128];
    if (!array) return fail(failure, "%s: tensor %s is missing: these are not the weights of this network", path, name);
    bool same =
        array->rank == tensor->rank && !memcmp(array->shape, tensor->shape, (size_t)tensor->rank * sizeof *tensor->shape);
    if (same && array->type == ARRAY_FLOAT32) return true;
    return fail(failure,
                "%s: tensor %s is %s, but the network has float32 %s",
                path,
                name,
                array_describe(array, found, sizeof found),
                shape_text(tensor->rank, tensor->shape, wanted, sizeof wanted));
}

bool parameters_take(const TensorFile *file, const char *path, const CnncModel *model, const char *prefix, void *parameters,
                     Failure *failure)
{
    /* Twice through: all are checked before the first is changed. */
    for (int copying = 0; copying < 2; copying++) {
        for (int i = 0; i < model->tensor_count; i++) {
            const CnncTensor *tensor = &model->tensors[i];
            char *name = text_format(failure, "%s%s", prefix, tensor->name);
            if (!name) return false;
            const Array *array = safetensors_find(file, name);
            if (copying) memcpy((char *)parameters + tensor->offset, array->data, tensor_size(tensor));
            bool fits = copying || check_tensor(array, path, name, tensor, failure);
            free(name);
            if (!fits) return false;
        }
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

/* A weight file holds the network's tensors and no other. */
static bool check_no_others(const TensorFile *file, const char *path, const CnncModel *model, Failure *failure)
{
    for (int k = 0; k < file->count; k++) {
        bool known = false;
        for (int i = 0; i < model->tensor_count && !known; i++) known = !strcmp(file->items[k].name, model->tensors[i].name);
        if (!known) return fail(failure, "%s: tensor %s is not in this network", path, file->items[k].name);
    }
    return true;
}

bool parameters_read(const char *path, const CnncModel *model, void *parameters, Failure *failure)
{
    TensorFile file = {0};
    if (!safetensors_read(path, &file, failure)) return false;
    bool is_checkpoint;
    bool done = checkpoint_recognize(&file, path, &is_checkpoint, failure) &&
                (is_checkpoint || check_no_others(&file, path, model, failure)) &&
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
