/* gradients: the loss that fit minimises and its gradients, on one batch, for comparison with other programs. */
#include "trainer.h"

#include <inttypes.h>
#include <stdlib.h>

static bool write_gradients(const CnncModel *model, const char *path, const void *gradients, float loss, Failure *failure)
{
    TensorFile file = {0};
    char text[64];
    snprintf(text, sizeof text, "%.9g", (double)loss);
    bool done = safetensors_note(&file, "loss", text, failure) && safetensors_note(&file, "model", model->name, failure) &&
                parameters_add(&file, model, "", gradients, true, false, failure) &&
                safetensors_seal(&file, "cnnc gradients 1", failure) && safetensors_write(path, &file, failure);
    safetensors_free(&file);
    return done;
}

/* x.npy y.npy without flags, or --x and --y. */
static bool read_samples(Dataset *data, const CnncModel *model, const Options *options, Failure *failure)
{
    NamedFile files[2] = {0};
    NamedFiles x = {.items = &files[0], .count = 1}, y = {.items = &files[1], .count = 1};
    DataRequest request = {
        .x = &options->x, .y = &options->y, .x_flag = "--x", .y_flag = "--y", .sample_weight = options->sample_weight};
    if (options->file_count && (options->x.count || options->y.count)) {
        return fail(failure, "--x and --y, or two files without flags, but not both: what is %s?", options->files[0]);
    }
    bool alone = model->targets[0].inside; /* no y */
    if (options->file_count == (alone ? 1 : 2)) {
        files[0].path = options->files[0];
        files[1].path = alone ? NULL : options->files[1];
        y.count = !alone;
        request.x = &x;
        request.y = &y;
    } else if (options->file_count || !options->x.count) {
        return fail(failure,
                    alone ? "gradients wants one file, x.npy, or --x: the targets are tensors of the network"
                          : "gradients wants two files, x.npy and y.npy, or --x and --y");
    }
    if (!dataset_read(data, model, &request, failure)) return false;
    if (data->count <= model->batch_size) return true;
    return fail(failure,
                "%s holds %" PRId64 " samples, but gradients are those of one batch: at most %d",
                data->input_paths[0],
                data->count,
                model->batch_size);
}

int gradients_command(const CnncModel *model, const Options *options, Failure *failure)
{
    int status = 1;
    Dataset data = {0};
    Batch batch = {0};
    ClassWeights class_weights = {0};
    void *parameters = NULL, *weights = NULL, *gradients = NULL, *arena = NULL;

    if (!options->weights) {
        fail(failure, "--weights FILE is missing: at which weights?");
        goto end;
    }
    if (!options->output) {
        fail(failure, "-o FILE is missing: where do the gradients go?");
        goto end;
    }
    if (!path_spares_inputs("-o", options->output, options, failure) || !path_writable("-o", options->output, RESULT_TENSORS, failure)) goto end;
    parameters = memory_aligned(model->parameters_size, "the parameters", failure);
    weights = parameters ? memory_aligned(model->weights_size, "the weights", failure) : NULL;
    gradients = weights ? memory_aligned(model->weights_size, "the gradients", failure) : NULL;
    arena = gradients ? memory_scratch(model->train_arena_size, "activations and gradients", failure) : NULL;
    if (!arena || !parameters_read(options->weights, model, parameters, failure)) goto end;
    if (!read_samples(&data, model, options, failure) || !batch_new(&batch, model, data.count, failure)) goto end;
    if (!class_weights_read(&class_weights, model, options->class_weight, failure)) goto end;
    if (options->class_weight) batch.class_weights = &class_weights;
    model->pack(parameters, weights);

    Samples samples = {.data = &data, .count = data.count};
    batch_gather(&batch, model, &samples, NULL, 0, data.count);
    float loss = model->gradients(weights,
                                  gradients,
                                  (const void *const *)batch.inputs,
                                  (const void *const *)batch.targets,
                                  batch.sample_weights,
                                  (size_t)data.count,
                                  arena);
    model->unpack(gradients, parameters);
    if (write_gradients(model, options->output, parameters, loss, failure)) {
        printf("loss: %.9g\n", (double)loss);
        status = 0;
    }
end:
    dataset_free(&data, model);
    batch_free(&batch, model);
    class_weights_free(&class_weights);
    free(parameters);
    free(weights);
    free(gradients);
    free(arena);
    return status;
}
