/* report: what a trained network is and does, as one page for a browser, which stands in one file.
 *
 * The curves come from a history; the confusion matrix and the gallery of misread samples from the test set, or --x and --y; the rest
 * from the network (report_layers.c, report_network.c). What the data or the network do not allow is left out, and the page says so. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_CLASSES = 30, /* of a confusion matrix that anyone can read */
    MOST_PAIRS = 20,   /* else so many of its largest entries */
    SHOWN_ANSWERS = 3, /* of each misread sample */
    SMALLEST_WIDTH = 16, /* of a picture on the page, however tall */
};

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
    char number[32];
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
    if (trained->data.count) page_fact(report->out, "samples", "%s", page_count(trained->data.count, number));
    page_fact(report->out, "parameters", "%s", page_count(parameters, number));
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
bool report_sample(Report *report, int64_t sample, int width, const char *title)
{
    if (!report->height) return true;
    Samples samples = {.data = &report->trained.data, .count = report->trained.data.count};
    batch_gather(&report->one, report->model, &samples, NULL, sample, 1);
    const float *values = report->one.inputs[0];
    int64_t count = report->height * report->width * report->channels;
    Array picture = {0};
    int64_t tallest = width * 3 / 2, height = report->height * width / report->width;
    if (height > tallest) width = (int)(width * tallest / height); /* a sequence is a narrow picture */
    if (width < SMALLEST_WIDTH) width = SMALLEST_WIDTH;
    bool good = array_new(
        &picture, ARRAY_UINT8, 3, (const int64_t[]){report->height, report->width, report->channels}, report->failure);
    if (good) picture_shades(values, count, picture.data);
    good = good && page_picture(report->out, &picture, width, title, report->failure);
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
        if (!report_sample(report, misread->sample, PICTURE_WIDTH, title)) return false;
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
    if (!report_layers(report) || !report_network(report)) return false;
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
    if (!path_spares_inputs("-o", options->output, options, failure) || !path_writable("-o", options->output, RESULT_PAGE, failure)) goto end;
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
    if (!batch_new(&report->one, model, 1, failure)) goto end;
    if (report->trained.data.count) evaluate(report);
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
