/* What the layers of a network see: the filters from the weights; the feature maps of a sample, and the samples to which a
 * filter answers most, from the emitted function `activations`, which gives what each layer gives. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TILES = 64, /* filters, or maps of a layer */
    LEAST_TILES = 8,
    MOST_PIXELS = 200000,     /* of a layer's maps */
    MOST_LAYERS = 2,          /* convolutions whose filters' samples are shown: */
    MOST_FILTERS = 16,        /* so many filters of each, */
    SHOWN_SAMPLES = 8,        /* so many samples of each filter, */
    MOST_SAMPLES = 2000,      /* of the first so many, */
    LEAST_SAMPLES = 16,       /* or fewer where networks are large: */
    MOST_NUMBERS = 200000000, /* that all layers give together */
    SAMPLE_WIDTH = 42,        /* on the page */
};

static int limit(int64_t value, int least, int most)
{
    return value < least ? least : value > most ? most : (int)value;
}

/* ---- filters ------------------------------------------------------------------------------------------- */

/* The weights that look at the input: the first kernel of a convolution, or of a dense layer that sees the whole picture. Its
 * tiles are [height][width][channels][filters]. */
static const CnncTensor *first_filters(const Report *report, int64_t *height, int64_t *width, int64_t *channels,
                                       int64_t *filters)
{
    for (int i = 0; i < report->model->tensor_count; i++) {
        const CnncTensor *tensor = &report->model->tensors[i];
        if (tensor->rank == 4) {
            *height = tensor->shape[0];
            *width = tensor->shape[1];
            *channels = tensor->shape[2];
            *filters = tensor->shape[3];
            return tensor;
        }
        if (tensor->rank != 2 || !report->height || tensor->shape[0] != report->height * report->width * report->channels)
            continue;
        *height = report->height;
        *width = report->width;
        *channels = report->channels;
        *filters = tensor->shape[1];
        return tensor;
    }
    return NULL;
}

static bool put_filters(Report *report)
{
    FILE *out = report->out;
    int64_t height, width, channels, filters;
    const CnncTensor *tensor = first_filters(report, &height, &width, &channels, &filters);
    if (!tensor) return true;
    const float *weights = (const float *)(const void *)((const char *)report->trained.parameters + tensor->offset);
    int shown = limit(filters, 0, MOST_TILES);
    int64_t pixels = height * width;
    float low, high;
    value_range(weights, pixels * channels * filters, &low, &high);
    char note[512];
    snprintf(note,
             sizeof note,
             "%s: %" PRId64 " × %" PRId64 "%s. %d of %" PRId64 ".",
             tensor->name,
             height,
             width,
             channels == 1   ? ""
             : channels == 3 ? ", in colours: each from its least weight to its largest"
                             : ", of its first channel",
             shown,
             filters);
    page_section(out, "The first layer's filters", note);
    if (channels != 3)
        fprintf(out, "<p>%.3g <span class=\"key\"></span> %.3g</p>\n", -(double)fmaxf(-low, high), (double)fmaxf(-low, high));
    fputs("<div class=\"tiles\">\n", out);
    Array picture = {0};
    float *values = malloc((size_t)(pixels * 3) * sizeof *values);
    bool good = values || fail(report->failure, "no memory for the filters");
    good = good && array_new(&picture, ARRAY_UINT8, 3, (const int64_t[]){height, width, 3}, report->failure);
    for (int k = 0; k < shown && good; k++) {
        char title[64];
        snprintf(title, sizeof title, "filter %d", k);
        int64_t taken = channels == 3 ? 3 : 1;
        for (int64_t i = 0; i < pixels; i++)
            for (int64_t c = 0; c < taken; c++) values[i * taken + c] = weights[(i * channels + c) * filters + k];
        if (channels == 3) {
            float least, most;
            value_range(values, pixels * 3, &least, &most);
            shades(values, pixels * 3, least, most, picture.data);
        } else {
            signed_colours(values, pixels, fmaxf(-low, high), picture.data);
        }
        good = page_picture(out, &picture, limit(width * 10, 36, 84), title, report->failure);
    }
    array_free(&picture);
    free(values);
    fputs("</div>\n", out);
    page_section_end(out);
    return good;
}

/* ---- feature maps -------------------------------------------------------------------------------------- */

/* The maps of one layer, [height][width][channels], each from its least value, black, to its largest, white. */
static bool put_maps(Report *report, const CnncPort *layer, const float *values)
{
    int64_t height = layer->shape[0], width = layer->shape[1], channels = layer->shape[2];
    int shown = limit(channels, 0, limit(MOST_PIXELS / (height * width), LEAST_TILES, MOST_TILES));
    fputs("<h3>", report->out);
    page_text(report->out, layer->name);
    fprintf(report->out, " <small>%" PRId64 " × %" PRId64 " × %" PRId64, height, width, channels);
    if (shown < channels) fprintf(report->out, ", the first %d maps", shown);
    fputs("</small></h3>\n<div class=\"tiles\">\n", report->out);
    Array picture = {0};
    float *map = malloc((size_t)(height * width) * sizeof *map);
    bool good = map || fail(report->failure, "no memory for the feature maps");
    good = good && array_new(&picture, ARRAY_UINT8, 3, (const int64_t[]){height, width, 1}, report->failure);
    for (int k = 0; k < shown && good; k++) {
        char title[96];
        float low, high;
        for (int64_t i = 0; i < height * width; i++) map[i] = values[i * channels + k];
        value_range(map, height * width, &low, &high);
        snprintf(title, sizeof title, "map %d, from %.3g to %.3g", k, (double)low, (double)high);
        shades(map, height * width, low, high, picture.data);
        good = page_picture(report->out, &picture, limit(width * 2, 40, PICTURE_WIDTH), title, report->failure);
    }
    array_free(&picture);
    free(map);
    fputs("</div>\n", report->out);
    return good;
}

static bool is_map(const CnncPort *layer)
{
    return layer->rank == 3 && layer->shape[0] > 1 && layer->shape[1] > 1;
}

/* Of the first input's shape, as what only scales it gives: nothing new to be seen. */
static bool like_input(const CnncModel *model, const CnncPort *layer)
{
    const CnncPort *input = &model->inputs[0];
    return layer->rank == input->rank && !memcmp(layer->shape, input->shape, (size_t)layer->rank * sizeof *layer->shape);
}

/* ---- the network at work ------------------------------------------------------------------------------- */

static void see(Features *features, Report *report, int64_t sample)
{
    Samples samples = {.data = &report->trained.data, .count = report->trained.data.count};
    batch_gather(&report->one, report->model, &samples, NULL, sample, 1);
    report->model->activations(
        report->trained.weights, (const void *const *)report->one.inputs, features->layers, features->arena);
}

static bool put_features(Report *report, Features *features)
{
    const CnncModel *model = report->model;
    int64_t sample = report->options->digit;
    bool any = false, good = true;
    for (int i = 0; i < model->feature_count; i++)
        any = any || (is_map(&model->features[i]) && !like_input(model, &model->features[i]));
    if (!any) return true;
    char note[320], title[64];
    snprintf(note,
             sizeof note,
             "What each layer makes of sample %" PRId64
             " (--digit chooses another): layer by layer farther away from the picture. Each map reaches from its least "
             "value, black, to its largest, white; one that is black all over has seen nothing.",
             sample);
    snprintf(title, sizeof title, "sample %" PRId64, sample);
    page_section(report->out, "Feature maps", note);
    good = report_sample(report, sample, PICTURE_WIDTH, title);
    see(features, report, sample);
    for (int i = 0; i < model->feature_count && good; i++)
        if (is_map(&model->features[i])) good = put_maps(report, &model->features[i], features->layers[i]);
    page_section_end(report->out);
    return good;
}

/* ---- what a filter answers to -------------------------------------------------------------------------- */

typedef struct {
    int64_t sample;
    float value;
} Answer;
typedef struct {
    int layer, count; /* in model->features; filters that are shown */
    Answer best[MOST_FILTERS][SHOWN_SAMPLES];
    int kept; /* of each */
} Filters;

/* Is it a convolution: does it have a kernel of four dimensions, as many filters as the layer has maps? */
static bool has_filters(const CnncModel *model, const CnncPort *layer)
{
    size_t length = strlen(layer->name);
    for (int i = 0; i < model->tensor_count && is_map(layer); i++) {
        const CnncTensor *tensor = &model->tensors[i];
        if (!strncmp(tensor->name, layer->name, length) && !strcmp(tensor->name + length, "/kernel") && tensor->rank == 4 &&
            tensor->shape[3] == layer->shape[2])
            return true;
    }
    return false;
}

static void keep_best(Answer *best, int kept, Answer answer)
{
    int place = kept;
    while (place > 0 && best[place - 1].value < answer.value) place--;
    if (place == SHOWN_SAMPLES) return;
    int moved = (kept < SHOWN_SAMPLES ? kept : SHOWN_SAMPLES - 1) - place;
    memmove(best + place + 1, best + place, (size_t)moved * sizeof *best);
    best[place] = answer;
}

static void see_sample(Filters *filters, const CnncPort *layer, const float *values, int64_t sample)
{
    int64_t channels = layer->shape[2], places = layer->shape[0] * layer->shape[1];
    for (int k = 0; k < filters->count; k++) {
        float most = -INFINITY;
        for (int64_t i = 0; i < places; i++) most = fmaxf(most, values[i * channels + k]);
        keep_best(filters->best[k], filters->kept, (Answer){sample, most});
    }
    if (filters->kept < SHOWN_SAMPLES) filters->kept++;
}

static bool put_answers_of(Report *report, const Filters *filters)
{
    const CnncPort *layer = &report->model->features[filters->layer];
    fputs("<h3>", report->out);
    page_text(report->out, layer->name);
    if (filters->count < layer->shape[2])
        fprintf(report->out, " <small>the first %d of %" PRId64 " filters</small>", filters->count, layer->shape[2]);
    fputs("</h3>\n<div class=\"answers\">\n", report->out);
    for (int k = 0; k < filters->count; k++) {
        fprintf(report->out, "<div><span>%d</span>\n", k);
        for (int i = 0; i < filters->kept; i++) {
            const Answer *answer = &filters->best[k][i];
            char title[96];
            snprintf(title, sizeof title, "filter %d gives sample %" PRId64 " %.3g", k, answer->sample, (double)answer->value);
            if (!report_sample(report, answer->sample, SAMPLE_WIDTH, title)) return false;
        }
        fputs("</div>\n", report->out);
    }
    fputs("</div>\n", report->out);
    return true;
}

static bool put_strongest(Report *report, Features *features)
{
    const CnncModel *model = report->model;
    Filters *filters = calloc(MOST_LAYERS, sizeof *filters);
    int layers = 0;
    if (!filters) return fail(report->failure, "no memory for the filters");
    for (int i = 0; i < model->feature_count && layers < MOST_LAYERS; i++)
        if (has_filters(model, &model->features[i]))
            filters[layers++] = (Filters){.layer = i, .count = limit(model->features[i].shape[2], 0, MOST_FILTERS)};
    bool good = true;
    if (layers && report->height) {
        int64_t numbers = 1;
        for (int i = 0; i < model->feature_count; i++)
            numbers += shape_elements(model->features[i].rank, model->features[i].shape);
        int most = limit(MOST_NUMBERS / numbers, LEAST_SAMPLES, MOST_SAMPLES),
            seen = limit(report->trained.data.count, 0, most);
        for (int sample = 0; sample < seen; sample++) {
            see(features, report, sample);
            for (int i = 0; i < layers; i++)
                see_sample(&filters[i], &model->features[filters[i].layer], features->layers[filters[i].layer], sample);
        }
        char note[256];
        snprintf(note,
                 sizeof note,
                 "Of the first %d samples those in which a filter finds most of what it looks for: the largest number anywhere "
                 "in its map, the "
                 "strongest first.",
                 seen);
        page_section(report->out, "What the filters answer to", note);
        for (int i = 0; i < layers && good; i++) good = put_answers_of(report, &filters[i]);
        page_section_end(report->out);
    }
    free(filters);
    return good;
}

bool report_layers(Report *report)
{
    Features features;
    if (!put_filters(report)) return false;
    if (!report->model->feature_count || !report->trained.data.count) return true;
    bool good = features_new(&features, report->model, report->failure) && put_strongest(report, &features) &&
                put_features(report, &features);
    features_free(&features);
    return good;
}
