/* report: what a trained network is and does, as one page for a browser, which stands in one file.
 *
 * The curves come from a history; the confusion matrix and the gallery of misread samples from the test set, or --x and --y;
 * the filters from the weights; the feature maps from the network itself, whose emitted function `activations` gives what each
 * of its layers gives. What the data or the network do not allow is left out, and the page says so. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_CLASSES = 30, /* of a confusion matrix that anyone can read */
    MOST_PAIRS = 20,   /* else so many of its largest entries */
    MOST_MISREAD = 48, /* in the gallery */
    SHOWN_ANSWERS = 3, /* of each */
    MOST_TILES = 64,   /* filters, or maps of a layer */
    LEAST_TILES = 8,
    MOST_PIXELS = 200000, /* of a layer's maps */
    PICTURE_WIDTH = 112,  /* on the page */
};

/* A sample that the network takes for another class. */
typedef struct {
    int64_t sample, truth, guess;
    float certainty; /* what the network gives its guess */
    float *answers;
} Misread;

typedef struct {
    const CnncModel *model;
    const Options *options;
    FILE *out;
    Failure *failure;
    Trained trained;
    Misread misread[MOST_MISREAD]; /* the most certain first */
    int misread_count;
    int64_t misread_total, units;
    Batch one;                       /* a sample, as floats */
    int64_t height, width, channels; /* of its picture; 0: it is none */
} Report;

static int limit(int64_t value, int least, int most)
{
    return value < least ? least : value > most ? most : (int)value;
}

/* ---- the test set -------------------------------------------------------------------------------------- */

static float certainty_of(const Report *report, const float *answers, int64_t guess)
{
    float value = report->units > 1 ? answers[guess] : guess ? answers[0] : 1 - answers[0];
    return isfinite(value) ? value : -INFINITY;
}

/* Keeps the misread samples about which the network is most certain. */
static void see_batch(void *context, const Batch *batch, int64_t first, int64_t n)
{
    Report *report = context;
    for (int64_t i = 0; i < n && report->trained.confusion.classes; i++) {
        int64_t truth, guess;
        confusion_classes(&report->trained.confusion, report->model, batch, i, &truth, &guess);
        if (truth == guess) continue;
        const float *answers = batch->outputs[0] + i * report->units;
        float certainty = certainty_of(report, answers, guess);
        int place = report->misread_count;
        report->misread_total++;
        while (place > 0 && report->misread[place - 1].certainty < certainty) place--;
        if (place == MOST_MISREAD) continue;
        Misread *last = &report->misread[report->misread_count == MOST_MISREAD ? MOST_MISREAD - 1 : report->misread_count++];
        float *kept = last->answers ? last->answers : malloc((size_t)report->units * sizeof *kept);
        for (Misread *at = last; at > &report->misread[place]; at--) *at = at[-1];
        if (kept) memcpy(kept, answers, (size_t)report->units * sizeof *kept);
        report->misread[place] = (Misread){first + i, truth, guess, certainty, kept};
    }
}

static void evaluate(Report *report)
{
    Trained *trained = &report->trained;
    Samples samples = {.data = &trained->data, .count = trained->data.count};
    Evaluation evaluation = {.model = report->model,
                             .weights = trained->weights,
                             .arena = trained->arena,
                             .batch = &trained->batch,
                             .batch_size = report->options->batch_size,
                             .seen = see_batch,
                             .context = report};
    evaluate_samples(&evaluation, &samples, &trained->metrics, &trained->confusion);
}

static void put_facts(Report *report, const Curves *curves)
{
    const CnncModel *model = report->model;
    const Trained *trained = &report->trained;
    int64_t parameters = 0;
    for (int i = 0; i < model->tensor_count; i++) parameters += shape_elements(model->tensors[i].rank, model->tensors[i].shape);
    fputs("<dl class=\"facts\">\n", report->out);
    if (trained->data.count && trained->confusion.classes)
        page_fact(report->out,
                  trained->data.is_test_set ? "test accuracy" : "accuracy",
                  "%.2f %%",
                  100 * confusion_accuracy(&trained->confusion));
    for (int i = 0; i < trained->metrics.count && trained->data.count; i++) {
        const Metric *metric = &trained->metrics.items[i];
        if (!trained->confusion.classes || strcmp(metric->name, "accuracy"))
            page_fact(report->out, metric->name, "%.4g", (double)metric_value(metric));
    }
    if (trained->data.count) page_fact(report->out, "samples", "%" PRId64, trained->data.count);
    page_fact(report->out, "parameters", "%" PRId64, parameters);
    const char *by;
    int best = curves->row_count ? curves_best(curves, &by) : -1;
    if (curves->row_count) page_fact(report->out, "epochs", "%d", curves->row_count);
    if (best >= 0) page_fact(report->out, "best epoch", "%.0f", curves->epochs[best] + 1);
    page_fact(report->out, "optimizer", "%s", model->optimizer);
    fputs("</dl>\n", report->out);
}

/* The largest entries beside the diagonal. */
static void put_pairs(const Confusion *confusion, FILE *out)
{
    int64_t bound = INT64_MAX, classes = confusion->classes;
    fputs("<ol>\n", out);
    for (int shown = 0; shown < MOST_PAIRS;) {
        int64_t most = 0; /* the next lower number that occurs */
        for (int64_t i = 0; i < classes * classes; i++)
            if (i / classes != i % classes && confusion->counts[i] < bound && confusion->counts[i] > most)
                most = confusion->counts[i];
        if (!most) break;
        for (int64_t i = 0; i < classes * classes && shown < MOST_PAIRS; i++) {
            if (i / classes == i % classes || confusion->counts[i] != most) continue;
            fprintf(out, "<li>%" PRId64 " taken for %" PRId64 ": %" PRId64 " times</li>\n", i / classes, i % classes, most);
            shown++;
        }
        bound = most;
    }
    fputs("</ol>\n", out);
}

static void put_confusion(const Confusion *confusion, FILE *out)
{
    int classes = confusion->classes;
    if (classes > MOST_CLASSES) {
        page_section(out, "Confusion", "Which class is taken for which, the most frequent errors first.");
        put_pairs(confusion, out);
        page_section_end(out);
        return;
    }
    int64_t most_right = 1, most_wrong = 1;
    for (int i = 0; i < classes * classes; i++) {
        int64_t *most = i / classes == i % classes ? &most_right : &most_wrong;
        if (confusion->counts[i] > *most) *most = confusion->counts[i];
    }
    page_section(
        out,
        "Confusion matrix",
        "Each row holds the samples of one class, each column what they were taken for: right answers stand on the diagonal.");
    fputs("<div class=\"wide\"><table class=\"counts\">\n<tr><th></th>", out);
    for (int i = 0; i < classes; i++) fprintf(out, "<th>%d</th>", i);
    fputs("<th>right</th></tr>\n", out);
    for (int row = 0; row < classes; row++) {
        int64_t all = 0;
        fprintf(out, "<tr><th>%d</th>", row);
        for (int column = 0; column < classes; column++) {
            int64_t count = confusion->counts[row * classes + column];
            all += count;
            if (!count) {
                fputs("<td class=\"zero\">0</td>", out);
                continue;
            }
            bool right = row == column;
            double share = (double)count / (double)(right ? most_right : most_wrong);
            fprintf(out,
                    "<td style=\"background:rgba(%s,%.2f)\">%" PRId64 "</td>",
                    right ? "24,128,78" : "214,60,68",
                    0.1 + 0.45 * share,
                    count);
        }
        if (all)
            fprintf(out, "<td>%.1f %%</td></tr>\n", 100 * (double)confusion->counts[row * classes + row] / (double)all);
        else
            fputs("<td class=\"zero\">–</td></tr>\n", out);
    }
    fputs("</table></div>\n", out);
    page_section_end(out);
}

/* ---- pictures ------------------------------------------------------------------------------------------ */

/* A picture of one sample, as an image file would show it; nothing where it is none. */
static bool put_sample(Report *report, int64_t sample, const char *title)
{
    if (!report->height) return true;
    Samples samples = {.data = &report->trained.data, .count = report->trained.data.count};
    batch_gather(&report->one, report->model, &samples, NULL, sample, 1);
    const float *values = report->one.inputs[0];
    int64_t count = report->height * report->width * report->channels;
    Array picture = {0};
    bool good = array_new(
        &picture, ARRAY_UINT8, 3, (const int64_t[]){report->height, report->width, report->channels}, report->failure);
    if (good) picture_shades(values, count, picture.data);
    good = good && page_picture(report->out, &picture, PICTURE_WIDTH, title, report->failure);
    array_free(&picture);
    return good;
}

/* The highest answers, each with a bar where it is a share. */
static void put_answers(const Report *report, const float *answers, int count)
{
    FILE *out = report->out;
    float above = INFINITY;
    int64_t classes = report->units > 1 ? report->units : 2, before = -1;
    for (int k = 0; k < count && k < classes; k++) {
        int64_t next = -1;
        float value = 0;
        for (int64_t i = 0; i < classes; i++) { /* the largest that comes behind the last one */
            float answer = report->units > 1 ? answers[i] : i ? answers[0] : 1 - answers[0];
            if (!isfinite(answer) || answer > above || (!(answer < above) && i <= before)) continue;
            if (next < 0 || answer > value) next = i, value = answer;
        }
        if (next < 0) break;
        above = value, before = next;
        fprintf(out, "<div class=\"row\"><span>%" PRId64 "</span><span class=\"bar\">", next);
        if (value >= 0 && value <= 1) fprintf(out, "<i style=\"width:%.1f%%\"></i>", 100 * (double)value);
        fprintf(out, "</span><span>%.3f</span></div>\n", (double)value);
    }
}

static bool put_gallery(Report *report)
{
    FILE *out = report->out;
    char note[256];
    snprintf(note,
             sizeof note,
             "%" PRId64 " of %" PRId64 " samples are misread%s. Those of which the network is most certain come first.",
             report->misread_total,
             report->trained.data.count,
             report->misread_total > MOST_MISREAD ? "; these are some" : "");
    page_section(out, "Misread", note);
    fputs("<div class=\"gallery\">\n", out);
    for (int i = 0; i < report->misread_count; i++) {
        const Misread *misread = &report->misread[i];
        char title[128];
        snprintf(title,
                 sizeof title,
                 "sample %" PRId64 ": %" PRId64 ", taken for %" PRId64,
                 misread->sample,
                 misread->truth,
                 misread->guess);
        fputs("<figure>", out);
        if (!put_sample(report, misread->sample, title)) return false;
        fprintf(out,
                "<div class=\"verdict\"><span>is <b class=\"truth\">%" PRId64
                "</b></span><span>read as <b class=\"guess\">%" PRId64 "</b></span></div>\n",
                misread->truth,
                misread->guess);
        if (misread->answers) put_answers(report, misread->answers, SHOWN_ANSWERS);
        fprintf(out, "<div class=\"number\">sample %" PRId64 "</div></figure>\n", misread->sample);
    }
    fputs("</div>\n", out);
    page_section_end(out);
    return true;
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

static bool put_features(Report *report)
{
    const CnncModel *model = report->model;
    int64_t sample = report->options->digit;
    bool any = false;
    Features features;
    for (int i = 0; i < model->feature_count; i++)
        any = any || (is_map(&model->features[i]) && !like_input(model, &model->features[i]));
    if (!any || !report->trained.data.count) return true;
    bool good = features_new(&features, model, report->failure);
    if (good) {
        char note[320], title[64];
        snprintf(note,
                 sizeof note,
                 "What each layer makes of sample %" PRId64
                 " (--digit chooses another): layer by layer farther away from the picture. Each map reaches from its least "
                 "value, black, to its largest, white; one that is black all over has seen nothing.",
                 sample);
        snprintf(title, sizeof title, "sample %" PRId64, sample);
        page_section(report->out, "Feature maps", note);
        good = put_sample(report, sample, title);
        Samples samples = {.data = &report->trained.data, .count = report->trained.data.count};
        batch_gather(&report->one, model, &samples, NULL, sample, 1);
        model->activations(report->trained.weights, (const void *const *)report->one.inputs, features.layers, features.arena);
        for (int i = 0; i < model->feature_count && good; i++)
            if (is_map(&model->features[i])) good = put_maps(report, &model->features[i], features.layers[i]);
        page_section_end(report->out);
    }
    features_free(&features);
    return good;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static bool write_report(Report *report, const Curves *curves, const char *missing)
{
    const CnncModel *model = report->model;
    const Trained *trained = &report->trained;
    page_begin(report->out, model->name);
    fputs("<p>weights: ", report->out);
    page_text(report->out, report->options->weights);
    if (missing) {
        fputs(". No samples: ", report->out);
        page_text(report->out, missing);
    }
    fputs("</p>\n", report->out);
    put_facts(report, curves);
    if (curves->row_count) {
        const char *by;
        char note[160];
        int best = curves_best(curves, &by);
        snprintf(note,
                 sizeof note,
                 "The dashed line marks epoch %.0f, whose %s is the lowest; the numbers are its.",
                 best < 0 ? 0 : curves->epochs[best] + 1,
                 by);
        page_section(report->out, "Training", best < 0 ? NULL : note);
        curves_draw(curves, report->out);
        page_section_end(report->out);
    }
    if (trained->data.count && trained->confusion.classes) {
        put_confusion(&trained->confusion, report->out);
        if (report->misread_count && !put_gallery(report)) return false;
    }
    if (!put_filters(report) || !put_features(report)) return false;
    page_section(report->out,
                 "The network",
                 "Each box is a layer: its call, the shape that it gives, its parameters and multiply-adds for one sample.");
    if (model->drawing) fprintf(report->out, "<div class=\"wide\">\n%s</div>\n", model->drawing);
    if (model->summary) {
        fputs("<details><summary>Summary, with the bytes of everything</summary>\n<pre>", report->out);
        page_text(report->out, model->summary);
        fputs("</pre></details>\n", report->out);
    }
    page_section_end(report->out);
    page_end(report->out);
    return true;
}

int report_command(const CnncModel *model, const Options *options, Failure *failure)
{
    Report *report = calloc(1, sizeof *report);
    Curves curves = {0};
    Failure missing = {""};
    int status = 1;
    if (!report) {
        fail(failure, "no memory for a report");
        return 1;
    }
    *report = (Report){.model = model,
                       .options = options,
                       .failure = failure,
                       .units = shape_elements(model->outputs[0].rank, model->outputs[0].shape)};
    if (!options->weights || !options->output) {
        fail(failure,
             options->weights ? "-o FILE is missing: where is the report to go?"
                              : "--weights FILE is missing: whose report is wanted?");
        goto end;
    }
    if (!path_writable("-o", options->output, failure)) goto end;
    if (options->history && !curves_read(&curves, options->history, failure)) goto end;
    if (!trained_weights(&report->trained, model, options, failure)) goto end;
    bool named = options->data || options->x.count || options->y.count;
    if (!trained_data(&report->trained, model, options, &missing)) {
        if (named) {
            *failure = missing;
            goto end;
        }
        report->trained.data.count = 0; /* then the page says why */
    }
    if (options->digit && options->digit >= report->trained.data.count) {
        fail(failure,
             "--digit %" PRId64 ": there are only %" PRId64 " samples, which count from 0",
             options->digit,
             report->trained.data.count);
        goto end;
    }
    if (!picture_is_shown(model, &report->height, &report->width, &report->channels)) report->height = 0;
    if (report->trained.data.count) {
        if (!batch_new(&report->one, model, 1, failure)) goto end;
        evaluate(report);
    }
    Writer writer;
    if (!write_begin(&writer, options->output, failure)) goto end;
    report->out = writer.stream;
    if (!write_report(report, &curves, *missing.text ? missing.text : NULL))
        write_abandon(&writer);
    else if (write_end(&writer, failure))
        status = 0;
end:
    for (int i = 0; i < report->misread_count; i++) free(report->misread[i].answers);
    curves_free(&curves);
    trained_free(&report->trained, model);
    batch_free(&report->one, model);
    free(report);
    return status;
}
