/* What a network is: its drawing, where a prediction's time goes, and what lies in memory when.
 *
 * Times are measured when the report is written, by the emitted function `time_layers`: inference as it is, with a word after
 * each phase. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 1000, FEWEST_ROUNDS = 3 };
#define MOST_SECONDS 0.3 /* beyond the fewest rounds */

typedef struct {
    double *seconds, last; /* of each layer; of the last word */
} Laps;

static void lap(void *context, int layer)
{
    Laps *laps = context;
    double now = clock_seconds();
    laps->seconds[layer] += now - laps->last;
    laps->last = now;
}

/* The times of the layers in the fastest of some rounds, so that they add up to what was one prediction; and the sum. */
static double measure(Report *report, int count, double *fastest, double *seconds, void *arena)
{
    double least = -1, begin = clock_seconds();
    for (int round = 0; round < MOST_ROUNDS && (round < FEWEST_ROUNDS || clock_seconds() - begin < MOST_SECONDS); round++) {
        Laps laps = {seconds, 0};
        double sum = 0;
        for (int i = 0; i < count; i++) seconds[i] = 0;
        laps.last = clock_seconds();
        report->model->time_layers(
            report->trained.weights, (const void *const *)report->one.inputs, report->one.outputs, lap, &laps, arena);
        for (int i = 0; i < count; i++) sum += seconds[i];
        if (least >= 0 && sum >= least) continue;
        least = sum;
        memcpy(fastest, seconds, (size_t)count * sizeof *seconds);
    }
    return least;
}

static void put_time(FILE *out, double seconds)
{
    if (seconds < 1e-6)
        fprintf(out, "%.0f ns", 1e9 * seconds);
    else if (seconds < 1e-3)
        fprintf(out, "%.1f µs", 1e6 * seconds);
    else
        fprintf(out, "%.2f ms", 1e3 * seconds);
}

static void put_times(Report *report, const double *seconds, double sum)
{
    const CnncModel *model = report->model;
    FILE *out = report->out;
    double most = 0;
    for (int i = 0; i <= model->layer_count; i++) most = seconds[i] > most ? seconds[i] : most;
    page_section(
        out,
        "Time per layer",
        "One prediction on one thread, measured on this machine while the report was written: the fastest of some. A layer "
        "without a time has nothing to do "
        "in inference, or a neighbour does its work on the way, as a convolution does an activation and often a pooling.");
    fputs("<div class=\"wide\"><table "
          "class=\"times\">\n<tr><th>layer</th><th></th><th>time</th><th>share</th><th>multiply-adds</th><th>a "
          "nanosecond</th></tr>\n",
          out);
    for (int i = 0; i <= model->layer_count; i++) {
        bool layer = i<model->layer_count, timed = seconds[i]> 0;
        if (!layer && !timed) continue;
        fputs("<tr><th>", out);
        page_text(out, layer ? model->layers[i].name : "between layers");
        fprintf(
            out, "</th><td class=\"bar\"><i style=\"width:%.1f%%\"></i></td><td>", most > 0 ? 100 * seconds[i] / most : 0.0);
        if (timed) put_time(out, seconds[i]);
        fputs("</td><td>", out);
        if (timed) fprintf(out, "%.1f %%", 100 * seconds[i] / sum);
        fputs("</td><td>", out);
        char number[32];
        int64_t macs = layer ? model->layers[i].macs : 0;
        if (macs) fputs(page_count(macs, number), out);
        fputs("</td><td>", out);
        if (macs && timed) fprintf(out, "%.1f", (double)macs / seconds[i] / 1e9);
        fputs("</td></tr>\n", out);
    }
    fputs("<tr><th>all</th><td></td><td>", out);
    put_time(out, sum);
    fputs("</td><td></td><td></td><td></td></tr>\n</table></div>\n", out);
    page_section_end(out);
}

static bool put_time_section(Report *report)
{
    const CnncModel *model = report->model;
    int count = model->layer_count + 1;
    if (!model->time_layers) return true;
    if (report->trained.data.count) {
        Samples samples = {.data = &report->trained.data, .count = report->trained.data.count};
        batch_gather(&report->one, model, &samples, NULL, report->options->digit, 1);
    }
    double *seconds = calloc(2 * (size_t)count, sizeof *seconds);
    void *arena = memory_scratch(model->times_arena_size, "a prediction", report->failure);
    bool good = seconds ? arena != NULL : fail(report->failure, "no memory for the times of the layers");
    if (good) put_times(report, seconds, measure(report, count, seconds, seconds + count, arena));
    free(seconds);
    free(arena);
    return good;
}

static void put_memory(Report *report)
{
    const CnncModel *model = report->model;
    const struct {
        const char *title, *picture;
    } pictures[] = {{"one prediction", model->predict_memory}, {"a training step", model->train_memory}};
    if (!model->predict_memory && !model->train_memory) return;
    page_section(
        report->out,
        "Memory",
        "The plan that was made at compile time. Each box is a buffer: as wide as it lives, as high as it is large, at its "
        "place in the arena. "
        "Time goes to the right, layer by layer and in training back again; what no longer lives makes room for others.");
    for (int i = 0; i < 2; i++)
        if (pictures[i].picture)
            fprintf(report->out, "<h3>%s</h3>\n<div class=\"wide\">\n%s</div>\n", pictures[i].title, pictures[i].picture);
    page_section_end(report->out);
}

bool report_network(Report *report)
{
    const CnncModel *model = report->model;
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
    if (!put_time_section(report)) return false;
    put_memory(report);
    return true;
}
