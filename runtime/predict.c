/* predict(): what the network says of PNG pictures or of arrays.
 *
 * Without -o the answers are printed, a line for each sample; with it they are written: .npy for a network of one
 * output, else safetensors with a tensor for each. --argmax and --argmin answer with class numbers. */
#include "trainer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The pictures as one array [count, height, width, channels]. */
static bool read_pictures(Dataset *data, const CnncModel *model, char **files, int count, Failure *failure)
{
    int64_t height, width, channels;
    if (model->input_count != 1) return fail(failure, "the network has %d inputs: pictures serve only one", model->input_count);
    if (!picture_shape(&model->inputs[0], &height, &width, &channels, failure)) return false;
    *data = (Dataset){.count = count,
                      .inputs = calloc(1, sizeof *data->inputs),
                      .input_paths = calloc(1, sizeof *data->input_paths),
                      .targets = calloc((size_t)model->output_count, sizeof *data->targets),
                      .target_paths = calloc((size_t)model->output_count, sizeof *data->target_paths)};
    if (!data->inputs || !data->input_paths || !data->targets || !data->target_paths)
        return fail(failure, "no memory for the pictures");
    if (!array_new(&data->inputs[0], ARRAY_FLOAT32, 4, (const int64_t[]){count, height, width, channels}, failure))
        return false;
    size_t size = (size_t)(height * width * channels) * sizeof(float);
    for (int i = 0; i < count; i++) {
        Array picture = {0};
        if (!is_png(files[i])) return fail(failure, "%s is not a PNG file, but the others are pictures", files[i]);
        if (!png_read(files[i], height, width, channels, &picture, failure)) return false;
        memcpy((char *)data->inputs[0].data + (size_t)i * size, picture.data, size);
        array_free(&picture);
    }
    data->input_paths[0] = text_format(failure, "%s", files[0]);
    return data->input_paths[0] != NULL;
}

bool inputs_read(Dataset *data, const CnncModel *model, const Options *options, Failure *failure)
{
    NamedFile only = {0};
    NamedFiles plain = {.items = &only, .count = 1};
    DataRequest request = {.x = &options->x, .x_flag = "--x"};
    if (options->file_count && options->x.count)
        return fail(failure, "--x and the file %s exclude one another", options->files[0]);
    if (options->file_count && is_png(options->files[0]))
        return read_pictures(data, model, options->files, options->file_count, failure);
    for (int i = 0; i < options->file_count; i++)
        if (!is_png(options->files[i]) && !is_array(options->files[i]))
            return fail(failure, "%s is no file that can be read here: samples are PNG pictures (save others as PNG), or one array, .npy or IDX, plain or .gz", options->files[i]);
    if (options->file_count > 1) {
        return fail(failure, "one array at a time: what is %s? (several inputs: --x NAME=FILE)", options->files[1]);
    }
    if (options->file_count == 1) {
        only.path = options->files[0];
        request.x = &plain;
    } else if (!options->x.count) {
        return fail(failure, "which samples? Name PNG pictures, or an array of samples (.npy or IDX)");
    }
    return dataset_read(data, model, &request, failure);
}

/* --argmax and --argmin: of each row of an answer, along its last axis, the place of its extreme number (the first of equal
 * ones). */
static int64_t answer_rows(const CnncPort *port, int64_t *length)
{
    *length = port->rank ? port->shape[port->rank - 1] : 1;
    return shape_elements(port->rank, port->shape) / *length;
}

static int64_t extreme(const float *row, int64_t length, bool lowest)
{
    int64_t place = 0;
    for (int64_t i = 1; i < length && lowest; i++) {
        if (row[i] < row[place]) place = i;
    }
    return lowest ? place : highest(row, length);
}

/* The sample as a picture in blocks; nothing where it is none. */
static bool show_sample(const CnncModel *model, const Batch *batch, int64_t i, Failure *failure)
{
    int64_t height, width, channels;
    if (!picture_can_be_drawn(model, &height, &width, &channels)) return true;
    int64_t count = height * width * channels;
    uint8_t *bytes = malloc((size_t)count);
    if (!bytes) return fail(failure, "no memory to show a picture");
    picture_shades((const float *)batch->inputs[0] + i * count, count, bytes);
    picture_show(stdout, bytes, height, width, channels, output_coloured());
    free(bytes);
    return true;
}

/* file, class, probability; or the row of numbers where the network names no classes. */
static bool print_answers(const CnncModel *model, const Batch *batch, const Options *options, int64_t first, int64_t n,
                          int name_width, Failure *failure)
{
    int64_t units = shape_elements(model->outputs[0].rank, model->outputs[0].shape);
    bool pictures = options->file_count && is_png(options->files[0]);
    int classes = model->output_count == 1 ? metric_classes(model, 0) : 0;
    bool places = options->argmax || options->argmin;
    for (int64_t i = 0; i < n; i++) {
        if (options->show && !show_sample(model, batch, i, failure)) return false;
        if (pictures) printf("%-*s ", name_width, options->files[first + i]);
        if (pictures && classes && !places) {
            const float *row = batch->outputs[0] + i * units;
            int64_t class = units == 1 ? row[0] > 0.5F : highest(row, units);
            double probability = (double)(units == 1 ? (class ? row[0] : 1 - row[0]) : row[class]);
            printf(" %" PRId64 "  %.4f\n", class, probability);
            continue;
        }
        for (int output = 0; output < model->output_count; output++) {
            int64_t length, rows = answer_rows(&model->outputs[output], &length), count = places ? rows : rows * length;
            const float *answer = batch->outputs[output] + i * rows * length;
            if (model->output_count > 1) printf("%s%s:", output ? "  " : "", model->outputs[output].name);
            for (int64_t k = 0; k < count; k++) {
                const char *space = k || model->output_count > 1 || pictures ? " " : "";
                if (places)
                    printf("%s%" PRId64, space, extreme(answer + k * length, length, options->argmin));
                else
                    printf("%s%.9g", space, (double)answer[k]);
            }
        }
        putchar('\n');
    }
    return true;
}

static bool write_answers(const CnncModel *model, const char *path, const Array *answers, Failure *failure)
{
    if (model->output_count == 1) return npy_write(path, &answers[0], failure);
    TensorFile file = {0};
    bool done = true;
    for (int i = 0; i < model->output_count && done; i++)
        done = safetensors_add(&file, model->outputs[i].name, &answers[i], failure);
    done = done && safetensors_seal(&file, "cnnc predictions 1", failure) && safetensors_write(path, &file, failure);
    safetensors_free(&file);
    return done;
}

/* The file's name says what it is: who reads .npy of two outputs finds no array there, and the other way about. */
static bool answers_named(const CnncModel *model, const char *path, Failure *failure)
{
    const char *ending = path ? strrchr(path, '.') : NULL;
    if (ending && model->output_count > 1 && !strcmp(ending, ".npy"))
        return fail(failure,
                    "-o %s: an .npy file holds one array, but the network has %d outputs: name a .safetensors file, which "
                    "gets an array for each",
                    path,
                    model->output_count);
    static const char *const others[] = {".safetensors", ".csv", ".txt"};
    for (int i = 0; i < 3; i++) {
        if (ending && model->output_count == 1 && !strcmp(ending, others[i]))
            return fail(failure, "-o %s: the answers of one output are written as .npy: name such a file%s", path, i ? ", or let `> FILE` take them as text, without -o" : "");
    }
    return true;
}

static bool new_answers(Array *answers, const CnncModel *model, const Options *options, int64_t count, Failure *failure)
{
    bool places = options->argmax || options->argmin;
    for (int i = 0; i < model->output_count; i++) {
        const CnncPort *port = &model->outputs[i];
        int64_t shape[CNNC_MAX_RANK] = {count};
        if (port->rank + 1 > CNNC_MAX_RANK) return fail(failure, "output %s has too many dimensions to be written", port->name);
        memcpy(shape + 1, port->shape, (size_t)port->rank * sizeof *shape);
        int rank = places && port->rank ? port->rank : port->rank + 1; /* the last axis is what is searched */
        if (!array_new(&answers[i], places ? ARRAY_INT64 : ARRAY_FLOAT32, rank, shape, failure)) return false;
    }
    return true;
}

/* Puts the answers for n samples at their place among all. */
static void keep_answers(Array *answers, const CnncPort *port, const Options *options, const float *outputs, int64_t first, int64_t n)
{
    int64_t length, rows = answer_rows(port, &length);
    if (options->argmax || options->argmin) {
        int64_t *places = (int64_t *)answers->data + first * rows;
        for (int64_t i = 0; i < n * rows; i++) places[i] = extreme(outputs + i * length, length, options->argmin);
    } else {
        memcpy((float *)answers->data + first * rows * length, outputs, (size_t)(n * rows * length) * sizeof *outputs);
    }
}

int predict_command(const CnncModel *model, const Options *options, Failure *failure)
{
    int status = 1, name_width = 0;
    Dataset data = {0};
    Batch batch = {0};
    Array *answers = calloc((size_t)model->output_count, sizeof *answers);
    void *parameters = NULL, *weights = NULL, *arena = NULL;

    if (!answers) {
        fail(failure, "no memory for the predictions");
        goto end;
    }
    if (!options->weights) {
        fail(failure, "--weights FILE is missing: which weights are to predict?");
        goto end;
    }
    if (options->argmax && options->argmin) {
        fail(failure, "--argmax and --argmin exclude one another");
        goto end;
    }
    if (options->show && options->output) {
        fail(failure, "--show draws beside answers that are printed, and -o writes them to a file");
        goto end;
    }
    if (!path_spares_inputs("-o", options->output, options, failure) || !answers_named(model, options->output, failure) || !path_writable("-o", options->output, RESULT_ANSWERS, failure)) goto end;
    parameters = memory_aligned(model->parameters_size, "the parameters", failure);
    weights = parameters ? memory_aligned(model->weights_size, "the weights", failure) : NULL;
    arena = weights ? memory_scratch(model->predict_arena_size, "the activations", failure) : NULL;
    if (!arena || !parameters_read(options->weights, model, parameters, failure)) goto end;
    if (!inputs_read(&data, model, options, failure) || !batch_new(&batch, model, options->batch_size, failure)) goto end;
    int64_t count = data.count;
    steps_check(options, batch_count(count, options->batch_size));
    if (options->steps && options->steps < batch_count(count, options->batch_size))
        count = options->steps * options->batch_size;
    if (options->output && !new_answers(answers, model, options, count, failure)) goto end;
    model->pack(parameters, weights);

    int64_t height, width, channels;
    if (options->show && !picture_can_be_drawn(model, &height, &width, &channels)) {
        fprintf(stderr, "%s: warning: --show draws nothing: the network takes no grey or coloured pictures\n", options->program);
    }
    for (int i = 0; i < options->file_count; i++) {
        int length = (int)strlen(options->files[i]);
        name_width = length > name_width ? length : name_width;
    }
    Samples samples = {.data = &data, .count = count};
    for (int64_t first = 0; first < count; first += options->batch_size) {
        int64_t n = count - first < options->batch_size ? count - first : options->batch_size;
        batch_gather(&batch, model, &samples, NULL, first, n);
        model->predict_batch(weights, (const void *const *)batch.inputs, batch.outputs, (size_t)n, arena);
        if (!options->output) {
            if (!print_answers(model, &batch, options, first, n, name_width, failure)) goto end;
            continue;
        }
        for (int i = 0; i < model->output_count; i++) keep_answers(&answers[i], &model->outputs[i], options, batch.outputs[i], first, n);
    }
    if (!options->output || write_answers(model, options->output, answers, failure)) status = 0;
end:
    for (int i = 0; i < model->output_count && answers; i++) array_free(&answers[i]);
    free(answers);
    dataset_free(&data, model);
    batch_free(&batch, model);
    free(parameters);
    free(weights);
    free(arena);
    return status;
}
