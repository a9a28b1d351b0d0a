/* compare: what each layer gives beside what it gave elsewhere, in Keras or PyTorch: the first layer that differs is where to look.
 *
 * The other side's numbers come from a safetensors file with a tensor for each layer, or from a folder with a .npy for each, under the
 * layers' names, [samples][shape of the layer] for the samples of x. A layer differs where an error is larger than `tolerance` times the
 * largest number of that layer on either side. Numbers that are NaN or infinite agree with the same only. */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double USUAL_TOLERANCE = 1e-4;

/* A layer with its numbers there; what was found so far. */
typedef struct {
    const CnncPort *layer;
    Array theirs; /* float32 */
    double error, largest;
    int64_t place; /* of the largest error, in theirs; -1: none yet */
    float here;    /* what stands there here */
} Compared;

typedef struct {
    const char *path; /* of the file or folder */
    bool is_folder;
    TensorFile file;
} Elsewhere;

static bool elsewhere_open(Elsewhere *elsewhere, const char *path, Failure *failure)
{
    struct stat status;
    *elsewhere = (Elsewhere){.path = path, .is_folder = !stat(path, &status) && S_ISDIR(status.st_mode)};
    return elsewhere->is_folder || safetensors_read(path, &elsewhere->file, failure);
}

/* Moves that layer's numbers into `theirs`; leaves it empty where there are none. */
static bool elsewhere_take(Elsewhere *elsewhere, const CnncPort *layer, int64_t count, Array *theirs, Failure *failure)
{
    char there[256], here[256];
    if (elsewhere->is_folder) {
        char *path = text_format(failure, "%s/%s.npy", elsewhere->path, layer->name);
        struct stat status;
        bool good = path && (stat(path, &status) || array_read(path, theirs, failure));
        free(path);
        if (!good) return false;
    }
    for (int i = 0; i < elsewhere->file.count; i++) {
        NamedArray *item = &elsewhere->file.items[i];
        if (strcmp(item->name, layer->name)) continue;
        *theirs = item->array;
        item->array.data = NULL;
    }
    if (!theirs->data) return true;
    array_describe(theirs, there, sizeof there);
    bool same = theirs->rank == layer->rank + 1 && theirs->shape[0] == count;
    for (int i = 0; i < layer->rank && same; i++) same = theirs->shape[i + 1] == layer->shape[i];
    if (!same) {
        return fail(failure,
                    "%s: %s is %s, but the network gives %s for each of %" PRId64 " samples (channels come last)",
                    elsewhere->path,
                    layer->name,
                    there,
                    shape_text(layer->rank, layer->shape, here, sizeof here),
                    count);
    }
    return array_to_float32(theirs, failure);
}

static bool same_number(float a, float b)
{
    return isnan(a) ? isnan(b) : isinf(a) && isinf(b) && signbit(a) == signbit(b);
}

/* Of sample `sample`. */
static void compare_sample(Compared *compared, const float *here, int64_t sample)
{
    int64_t size = shape_elements(compared->layer->rank, compared->layer->shape), first = sample * size;
    const float *there = (const float *)compared->theirs.data + first;
    for (int64_t i = 0; i < size; i++) {
        double a = (double)here[i], b = (double)there[i], error = fabs(a - b);
        if (!isfinite(error)) error = same_number(here[i], there[i]) ? 0 : HUGE_VAL;
        if (isfinite(a)) compared->largest = fmax(compared->largest, fabs(a));
        if (isfinite(b)) compared->largest = fmax(compared->largest, fabs(b));
        if (compared->place >= 0 && error <= compared->error) continue;
        compared->error = error;
        compared->place = first + i;
        compared->here = here[i];
    }
}

static double relative_error(const Compared *compared)
{
    return compared->error > 0 ? compared->error / compared->largest : 0;
}

/* "[3, 0, 17]": sample, then the place in it, as an index is written. */
static const char *place_text(const Compared *compared, char *text, size_t size)
{
    const Array *array = &compared->theirs;
    int64_t place[CNNC_MAX_RANK] = {0}, rest = compared->place;
    size_t used = 0;
    for (int i = array->rank; i-- > 0; rest /= array->shape[i]) place[i] = rest % array->shape[i];
    for (int i = 0; i < array->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i ? ", " : "[", place[i]);
    if (used < size) snprintf(text + used, size - used, "]");
    return text;
}

static const char *text_of_error(const Compared *compared, char *text, size_t size)
{
    snprintf(text, size, "the error is %.3g, %.3g times the layer's largest number", compared->error, relative_error(compared));
    return text;
}

static void print_row(const Compared *compared, int width, bool differs)
{
    char shape[128], place[128];
    printf("%-*s  %-20s %11.3g  %11.3g  %-20s %12.6g %12.6g%s\n",
           width,
           compared->layer->name,
           shape_text(compared->layer->rank, compared->layer->shape, shape, sizeof shape),
           compared->error,
           relative_error(compared),
           place_text(compared, place, sizeof place),
           (double)compared->here,
           (double)((const float *)compared->theirs.data)[compared->place],
           differs ? "  differs" : "");
}

/* The table, and as a failure the verdict where a layer differs. */
static bool print_comparison(const Compared *compared, int count, double tolerance, Failure *failure)
{
    const Compared *first = NULL, *before = NULL;
    int width = 5;
    char place[128], what[128];
    for (int i = 0; i < count; i++) {
        int length = (int)strlen(compared[i].layer->name);
        width = length > width ? length : width;
    }
    printf("%-*s  %-20s %11s  %11s  %-20s %12s %12s\n", width, "layer", "shape", "largest error", "relative", "at [sample, ...]", "here", "there");
    for (int i = 0; i < count; i++) {
        bool differs = !(relative_error(&compared[i]) <= tolerance);
        if (differs && !first) first = &compared[i];
        if (!first) before = &compared[i];
        print_row(&compared[i], width, differs);
    }
    if (!first) return true;
    place_text(first, place, sizeof place);
    const char *error = isfinite(first->error) ? text_of_error(first, what, sizeof what) : "one side is not finite";
    return fail(failure,
                "%s is the first layer that differs: at %s %s%s%s%s",
                first->layer->name,
                place,
                error,
                before ? "; " : "",
                before ? before->layer->name : "",
                before ? ", before it, agrees. Look at its weights and arguments" : "; its inputs may differ, too: their scale, the order of their axes");
}

/* Names on one side only: they are not compared, which should be known. */
static void print_others(const CnncModel *model, const Elsewhere *elsewhere, const Compared *compared, int count)
{
    const char *slash = strrchr(elsewhere->path, '/'), *there = slash && slash[1] ? slash + 1 : elsewhere->path;
    for (int i = 0, k = 0; i < model->feature_count; i++) {
        if (k < count && compared[k].layer == &model->features[i]) k++;
        else printf("%s: not compared, as %s has no such layer\n", model->features[i].name, there);
    }
    for (int i = 0; i < elsewhere->file.count; i++)
        if (elsewhere->file.items[i].array.data) printf("%s: not compared, as the network gives nothing of that name\n", elsewhere->file.items[i].name);
}

/* Runs the network on all samples and compares. */
static bool compare_all(const CnncModel *model, const void *weights, const Dataset *data, Compared *compared, int count, Failure *failure)
{
    int64_t total = 0;
    for (int i = 0; i < model->feature_count; i++) total += shape_elements(model->features[i].rank, model->features[i].shape);
    float *values = memory_aligned((size_t)total * sizeof *values, "what the layers give", failure);
    float **features = values ? calloc((size_t)model->feature_count, sizeof *features) : NULL;
    void *arena = features ? memory_scratch(model->features_arena_size, "the activations", failure) : NULL;
    Batch one = {0};
    bool good = arena && batch_new(&one, model, 1, failure);
    Samples samples = {.data = data, .count = data->count};
    float *at = values;
    for (int i = 0; good && i < model->feature_count; i++) {
        features[i] = at;
        at += shape_elements(model->features[i].rank, model->features[i].shape);
    }
    for (int64_t n = 0; good && n < data->count; n++) {
        batch_gather(&one, model, &samples, NULL, n, 1);
        model->activations(weights, (const void *const *)one.inputs, features, arena);
        for (int i = 0; i < count; i++) compare_sample(&compared[i], features[compared[i].layer - model->features], n);
    }
    if (values && !features) fail(failure, "no memory for what the layers give");
    batch_free(&one, model);
    free(arena);
    free(features);
    free(values);
    return good;
}

int compare_command(const CnncModel *model, const Options *options, Failure *failure)
{
    int status = 1, count = 0;
    Trained trained = {0};
    Elsewhere elsewhere = {0};
    Compared *compared = calloc((size_t)model->feature_count + 1, sizeof *compared);
    if (!compared) {
        fail(failure, "no memory for the layers");
        goto end;
    }
    if (!options->weights || !options->activations) {
        fail(failure,
             options->weights ? "--activations FILE is missing: what did the layers give elsewhere? docs/converting.md shows how to write it"
                              : "--weights FILE is missing: with which weights?");
        goto end;
    }
    if (!trained_weights(&trained, model, options, failure) || !inputs_read(&trained.data, model, options, failure)) goto end;
    if (!elsewhere_open(&elsewhere, options->activations, failure)) goto end;
    for (int i = 0; i < model->feature_count; i++) {
        Compared *next = &compared[count];
        *next = (Compared){.layer = &model->features[i], .place = -1};
        if (!elsewhere_take(&elsewhere, next->layer, trained.data.count, &next->theirs, failure)) goto end;
        if (next->theirs.data) count++;
    }
    if (!count) {
        fail(failure, "%s: no tensor is called like a layer of the network, such as %s", options->activations, model->feature_count ? model->features[0].name : "none");
        goto end;
    }
    if (!compare_all(model, trained.weights, &trained.data, compared, count, failure)) goto end;
    double tolerance = option_given(options, "tolerance") ? options->tolerance : USUAL_TOLERANCE;
    if (print_comparison(compared, count, tolerance, failure)) status = 0;
    print_others(model, &elsewhere, compared, count);
end:
    for (int i = 0; compared && i < model->feature_count; i++) array_free(&compared[i].theirs);
    free(compared);
    safetensors_free(&elsewhere.file);
    trained_free(&trained, model);
    return status;
}
