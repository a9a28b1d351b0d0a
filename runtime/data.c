/* The samples of a run: found, read and checked against the network before anything is computed.
 *
 * They stay in the types of their files (MNIST: bytes); batch.c makes floats of them a batch at a time. */
#include "trainer.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *data_folder(const Options *options, Failure *failure)
{
    struct stat status;
    const char *named = getenv("MNIST_DIR");
    if (options->data) return options->data;
    if (named && *named) return named;
    if (!stat("data/mnist", &status) && S_ISDIR(status.st_mode)) return "data/mnist";
    fail(failure,
         "which data? --data DIR names a folder with the four MNIST files, --x FILE and --y FILE name others; "
         "without them $MNIST_DIR or the folder data/mnist is taken, but neither is there");
    return NULL;
}

/* One element as a double, whatever the type. */
static double element(const Array *array, int64_t index)
{
    switch (array->type) {
    case ARRAY_UINT8: return ((const uint8_t *)array->data)[index];
    case ARRAY_INT8: return ((const int8_t *)array->data)[index];
    case ARRAY_INT32: return ((const int32_t *)array->data)[index];
    case ARRAY_INT64: return (double)((const int64_t *)array->data)[index];
    case ARRAY_FLOAT32: return (double)((const float *)array->data)[index];
    case ARRAY_FLOAT64: return ((const double *)array->data)[index];
    }
    return 0;
}

static int64_t elements_per_sample(const Array *array)
{
    return array->rank ? shape_elements(array->rank - 1, array->shape + 1) : 0;
}

/* A shape without its ones: (28, 28, 1) and (28, 28) are the same picture. */
static int without_ones(int rank, const int64_t *shape, int64_t *kept)
{
    int count = 0;
    for (int i = 0; i < rank; i++) {
        if (shape[i] != 1) kept[count++] = shape[i];
    }
    return count;
}

/* Same number of elements in the same order: equal but for ones, or one of the two flat. */
static bool shape_fits(const Array *array, int rank, const int64_t *shape)
{
    int64_t a[CNNC_MAX_RANK], b[CNNC_MAX_RANK];
    if (elements_per_sample(array) != shape_elements(rank, shape)) return false;
    int a_rank = without_ones(array->rank - 1, array->shape + 1, a);
    int b_rank = without_ones(rank, shape, b);
    return a_rank == 1 || b_rank == 1 || (a_rank == b_rank && !memcmp(a, b, (size_t)a_rank * sizeof *a));
}

/* Is the array a single sample, without the dimension that counts them? */
static bool is_one_sample(const Array *array, const CnncPort *port)
{
    int64_t a[CNNC_MAX_RANK], b[CNNC_MAX_RANK];
    int a_rank = without_ones(array->rank, array->shape, a);
    return a_rank == without_ones(port->rank, port->shape, b) && !memcmp(a, b, (size_t)a_rank * sizeof *a);
}

static bool check_whole(const Array *array, const char *path, const CnncPort *port, Failure *failure)
{
    int64_t count = array_count(array);
    for (int64_t i = 0; i < count; i++) {
        double value = element(array, i);
        if (port->limit && !(value >= 0 && value < (double)port->limit && value == floor(value))) {
            return fail(failure,
                        "%s: %g at element %" PRId64 ", but input %s takes whole numbers from 0 to %" PRId64 ": an embedding has no row for others",
                        path,
                        value,
                        i,
                        port->name,
                        port->limit - 1);
        }
        if (!(value >= INT32_MIN && value <= INT32_MAX && value == floor(value))) {
            return fail(
                failure, "%s: %g at element %" PRId64 ", but input %s takes whole numbers of 32 bits", path, value, i, port->name);
        }
    }
    return true;
}

/* Numbers that are not finite are the user's to have, as in Keras; but he is told, since most nets spread them. */
static void warn_not_finite(const CnncModel *model, const Array *array, const char *path)
{
    int64_t count = array_count(array);
    if (array->type != ARRAY_FLOAT32 && array->type != ARRAY_FLOAT64) return;
    for (int64_t i = 0; i < count; i++) {
        double value = element(array, i);
        if (fabs(value) <= (double)FLT_MAX) continue;
        const char *why = isfinite(value) ? ", which is infinity as a float" : "";
        fprintf(stderr, "%s: warning: %s holds %g in sample %" PRId64 "%s\n", model->name, path, value, i / elements_per_sample(array), why);
        return;
    }
}

/* A label that is one too large is learned like any other, to a loss that has no least value. As in Keras that is no error. */
static void warn_not_shares(const CnncModel *model, int output, const Array *array, const char *path)
{
    int64_t count = array_count(array);
    for (int64_t i = 0; i < count; i++) {
        double value = element(array, i);
        if (!isfinite(value) || (value >= 0 && value <= 1)) continue;
        fprintf(stderr, "%s: warning: %s holds %g in sample %" PRId64 ", but %s is for targets from 0 to 1\n", model->name, path, value, i / elements_per_sample(array), model->targets[output].loss);
        return;
    }
}

bool dataset_check_inputs(const CnncModel *model, const Dataset *data, Failure *failure)
{
    char found[128], wanted[128];
    for (int i = 0; i < model->input_count; i++) {
        const CnncPort *port = &model->inputs[i];
        const Array *array = &data->inputs[i];
        if (!shape_fits(array, port->rank, port->shape)) {
            return fail(failure,
                        "%s is %s, but the network's input%s%s takes samples of shape %s%s",
                        data->input_paths[i],
                        array_describe(array, found, sizeof found),
                        model->input_count > 1 ? " " : "",
                        model->input_count > 1 ? port->name : "",
                        shape_text(port->rank, port->shape, wanted, sizeof wanted),
                        is_one_sample(array, port) ? ": the array's first dimension must count the samples, as in numpy's x[None] for one" : "");
        }
        bool whole = port->type == CNNC_INT32 || port->limit;
        if (whole && !check_whole(array, data->input_paths[i], port, failure)) return false;
        warn_not_finite(model, array, data->input_paths[i]);
    }
    return true;
}

static bool check_labels(const Array *array, const char *path, int64_t classes, Failure *failure)
{
    int64_t count = array_count(array);
    for (int64_t i = 0; i < count; i++) {
        double label = element(array, i);
        if (!(label >= 0 && label < (double)classes)) {
            return fail(
                failure, "label %g at index %" PRId64 " of %s: the network has %" PRId64 " classes, counted from 0", label, i, path, classes);
        }
        if (label != floor(label)) {
            return fail(failure, "label %g at index %" PRId64 " of %s is not a class number", label, i, path);
        }
    }
    return true;
}

/* Rows that stand for a class number: one 1, the rest 0. */
static bool check_one_hot(const Array *array, const char *path, int64_t classes, Failure *failure)
{
    int64_t rows = array_count(array) / classes;
    for (int64_t row = 0; row < rows; row++) {
        int64_t ones = 0, zeros = 0;
        for (int64_t i = 0; i < classes; i++) {
            double value = element(array, row * classes + i);
            ones += value == 1;
            zeros += value == 0;
        }
        if (ones != 1 || zeros != classes - 1) {
            return fail(failure,
                        "row %" PRId64 " of %s is not one-hot (a single 1, else 0), and the loss wants class numbers",
                        row,
                        path);
        }
    }
    return true;
}

bool dataset_check_targets(const CnncModel *model, const Dataset *data, Failure *failure)
{
    char found[128], wanted[128];
    for (int i = 0; i < model->output_count; i++) {
        const CnncPort *port = &model->outputs[i];
        const Array *array = &data->targets[i];
        int64_t elements = shape_elements(port->rank, port->shape);
        int64_t classes = port->rank ? port->shape[port->rank - 1] : 1;
        int64_t given = elements_per_sample(array);
        bool fits = true;
        if (given == elements) {
            if (model->targets[i].class_indices) {
                fits = classes > 1 ? check_one_hot(array, data->target_paths[i], classes, failure)
                                   : check_labels(array, data->target_paths[i], 2, failure);
            }
            if (model->targets[i].shares) warn_not_shares(model, i, array, data->target_paths[i]);
        } else if (given == elements / classes && classes > 1) {
            fits = check_labels(array, data->target_paths[i], classes, failure);
        } else {
            bool flat = port->rank > 1 && (given == 1 || given == classes); /* as dense on the last axis of a picture leaves it */
            fits =
                fail(failure,
                     "%s is %s, but the network's output%s%s has shape %s: its targets are rows of that shape or class numbers%s",
                     data->target_paths[i],
                     array_describe(array, found, sizeof found),
                     model->output_count > 1 ? " " : "",
                     model->output_count > 1 ? port->name : "",
                     shape_text(port->rank, port->shape, wanted, sizeof wanted),
                     flat ? ". If a sample has one answer, is a flatten() missing before the dense layers?" : "");
        }
        if (!fits) return false;
        warn_not_finite(model, array, data->target_paths[i]);
    }
    return true;
}

/* Which file serves each port: FILE alone for a single one, else NAME=FILE for each. */
static bool match_files(const NamedFiles *files, const char *flag, const char *kind, const CnncPort *ports, int count,
                        char **paths, Failure *failure)
{
    for (int k = 0; k < files->count; k++) {
        const NamedFile *file = &files->items[k];
        int port = -1;
        for (int i = 0; i < count; i++) {
            if (file->name && !strcmp(file->name, ports[i].name)) port = i;
        }
        if (!file->name && count == 1) port = 0;
        if (port < 0 && count == 1) {
            return fail(
                failure,
                "%s %s=%s: the network's only %s is named %s (a file with = in its name: ./%s=%s)",
                flag,
                file->name,
                file->path,
                kind,
                ports[0].name,
                file->name,
                file->path);
        }
        if (port < 0 && file->name) {
            const char *names[64];
            int known = count < 64 ? count : 64;
            for (int i = 0; i < known; i++) names[i] = ports[i].name;
            const char *near = closest_name(file->name, names, known);
            return fail(failure,
                        near ? "%s %s=%s: the network has no %s %s; did you mean %s?" : "%s %s=%s: the network has no %s %s; the first is %s",
                        flag,
                        file->name,
                        file->path,
                        kind,
                        file->name,
                        near ? near : ports[0].name);
        }
        if (port < 0) {
            return fail(failure,
                        "%s %s: the network has %d %ss; say which: %s %s=%s",
                        flag,
                        file->path,
                        count,
                        kind,
                        flag,
                        ports[0].name,
                        file->path);
        }
        if (paths[port])
            return fail(failure, "%s: two files for %s %s: %s and %s", flag, kind, ports[port].name, paths[port], file->path);
        paths[port] = text_format(failure, "%s", file->path);
        if (!paths[port]) return false;
    }
    for (int i = 0; i < count; i++) {
        if (paths[i]) continue;
        if (count == 1) return fail(failure, "%s FILE is missing: the network's %s", flag, kind);
        return fail(failure, "%s %s=FILE is missing", flag, ports[i].name);
    }
    return true;
}

static bool folder_file(const char *folder, const char *name, char **path, Failure *failure)
{
    *path = text_format(failure, "%s/%s", folder, name);
    return *path != NULL;
}

/* The paths of a data folder's training or test set. */
static bool match_folder(Dataset *data, const CnncModel *model, const DataRequest *request, Failure *failure)
{
    struct stat status;
    if (model->input_count != 1) {
        return fail(failure,
                    "the network has %d inputs and %d outputs: name the data of each with %s NAME=FILE and %s NAME=FILE",
                    model->input_count,
                    model->output_count,
                    request->x_flag,
                    request->y_flag);
    }
    if (stat(request->folder, &status) || !S_ISDIR(status.st_mode)) {
        return fail(failure, "%s: no such folder; --data names one that holds the four MNIST files, %s and %s other data", request->folder, request->x_flag, request->y_flag);
    }
    data->is_test_set = request->test;
    const char *images = request->test ? "t10k-images-idx3-ubyte" : "train-images-idx3-ubyte";
    const char *labels = request->test ? "t10k-labels-idx1-ubyte" : "train-labels-idx1-ubyte";
    if (!folder_file(request->folder, images, &data->input_paths[0], failure)) return false;
    for (int i = 0; i < model->output_count; i++) /* each output is compared with the labels: answers on the way to the last one */
        if (!folder_file(request->folder, labels, &data->target_paths[i], failure)) return false;
    return true;
}

/* The first of the files that is the same as that one: it is read once, and its array shared. */
static int first_same(char *const *paths, int file)
{
    int first = 0;
    while (strcmp(paths[first], paths[file])) first++;
    return first;
}

/* Reads the files and checks that all have the same number of samples. */
static bool read_arrays(Dataset *data, char **paths, Array *arrays, int count, bool idx, Failure *failure)
{
    for (int i = 0; i < count; i++) {
        int first = first_same(paths, i);
        if (first < i) {
            arrays[i] = arrays[first];
            continue;
        }
        bool done = idx ? idx_read(paths[i], &arrays[i], failure) : array_read(paths[i], &arrays[i], failure);
        if (!done) return false;
        if (arrays[i].rank == 0)
            return fail(failure, "%s holds a single number; the first dimension must count the samples", paths[i]);
        int64_t samples = arrays[i].shape[0];
        if (samples == 0) return fail(failure, "%s holds no samples", paths[i]);
        if (data->count == 0) data->count = samples;
        if (samples != data->count) {
            return fail(failure,
                        "%s has %" PRId64 " samples, but %s has %" PRId64,
                        paths[i],
                        samples,
                        data->input_paths[0],
                        data->count);
        }
    }
    return true;
}

static bool read_weights(Dataset *data, const CnncModel *model, const char *path, Failure *failure)
{
    if (!path) return true;
    char found[128];
    int64_t steps = weight_count(model);
    if (!array_read(path, &data->weights, failure)) return false;
    if (steps > 1 && (data->weights.rank != 2 || data->weights.shape[0] != data->count || data->weights.shape[1] != steps)) {
        return fail(failure,
                    "%s is %s, but one weight for each step of each sample is wanted: (%" PRId64 ", %" PRId64 ")",
                    path,
                    array_describe(&data->weights, found, sizeof found),
                    data->count,
                    steps);
    }
    if (array_count(&data->weights) != data->count * steps) {
        return fail(failure,
                    "%s is %s, but there are %" PRId64 " samples: one weight each is wanted",
                    path,
                    array_describe(&data->weights, found, sizeof found),
                    data->count);
    }
    if (!array_to_float32(&data->weights, failure)) return false;
    for (int64_t i = 0; i < data->count * steps; i++) {
        float weight = ((const float *)data->weights.data)[i];
        if (!isfinite(weight)) return fail(failure, "%s: the weight at index %" PRId64 " is %g", path, i, (double)weight);
    }
    return true;
}

bool dataset_read(Dataset *data, const CnncModel *model, const DataRequest *request, Failure *failure)
{
    *data = (Dataset){0};
    data->inputs = calloc((size_t)model->input_count, sizeof *data->inputs);
    data->input_paths = calloc((size_t)model->input_count, sizeof *data->input_paths);
    data->targets = calloc((size_t)model->output_count, sizeof *data->targets);
    data->target_paths = calloc((size_t)model->output_count, sizeof *data->target_paths);
    if (!data->inputs || !data->input_paths || !data->targets || !data->target_paths) {
        return fail(failure, "no memory for the list of the data files");
    }
    bool idx = request->x->count == 0 && request->folder;
    bool wants_targets = request->y && !model->targets[0].inside; /* where one is a tensor of the network, all are */
    if (request->y && !wants_targets && request->y->count) {
        return fail(failure,
                    "%s %s: the outputs are compared with tensors of the network itself (target_tensors), so no targets are given",
                    request->y_flag,
                    request->y->items[0].path);
    }
    if (idx) {
        if (!match_folder(data, model, request, failure)) return false;
    } else {
        if (!match_files(request->x, request->x_flag, "input", model->inputs, model->input_count, data->input_paths, failure))
            return false;
        if (wants_targets &&
            !match_files(
                request->y, request->y_flag, "output", model->outputs, model->output_count, data->target_paths, failure)) {
            return false;
        }
    }
    if (!read_arrays(data, data->input_paths, data->inputs, model->input_count, idx, failure)) return false;
    if (!dataset_check_inputs(model, data, failure)) return !idx ? false : fail(failure, "%s; %s and %s name other data", failure->text, request->x_flag, request->y_flag);
    if (wants_targets) {
        if (!read_arrays(data, data->target_paths, data->targets, model->output_count, idx, failure)) return false;
        if (!dataset_check_targets(model, data, failure)) return false;
    }
    return read_weights(data, model, request->sample_weight, failure);
}

static void free_arrays(Array *arrays, char **paths, int count)
{
    for (int i = 0; i < count && arrays; i++) {
        for (int k = i + 1; k < count; k++)
            if (arrays[k].data == arrays[i].data) arrays[k].data = NULL;
        array_free(&arrays[i]);
    }
    for (int i = 0; i < count && paths; i++) free(paths[i]);
    free(arrays);
    free(paths);
}

void dataset_free(Dataset *data, const CnncModel *model)
{
    free_arrays(data->inputs, data->input_paths, model->input_count);
    free_arrays(data->targets, data->target_paths, model->output_count);
    array_free(&data->weights);
    *data = (Dataset){0};
}
