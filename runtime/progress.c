/* What a run shows of itself: Keras's bar on a terminal, one plain line an epoch elsewhere.
 *
 * On a terminal the line is redrawn in place, at most twenty times a second and never wider than the window.
 * Where the output is piped there are no control characters. NO_COLOR is respected (no-color.org). */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 20 };
static const double REDRAW_SECONDS = 0.05;

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A line of output under construction. `columns` counts what is seen: colour codes take no room. */
typedef struct {
    char text[2048];
    size_t length;
    int columns;
} Line;

static void add(Line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(Line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->length, sizeof line->text - line->length, format, arguments);
    va_end(arguments);
    if (length < 0 || line->length + (size_t)length >= sizeof line->text) return; /* full: the rest is left out */
    line->length += (size_t)length;
    line->columns += length;
}

static void add_code(Line *line, const Progress *progress, const char *code)
{
    int columns = line->columns;
    if (progress->colour) add(line, "\033[%sm", code);
    line->columns = columns;
}

static void add_bar(Line *line, const Progress *progress, int64_t done, int width)
{
    int full = progress->total > 0 ? (int)((double)width * (double)done / (double)progress->total) : 0;
    int columns = line->columns + width;
    add_code(line, progress, "32");
    for (int i = 0; i < full; i++) add(line, "━");
    add_code(line, progress, "0;37");
    for (int i = full; i < width; i++) add(line, progress->colour ? "━" : "─");
    add_code(line, progress, "0");
    line->columns = columns;
}

static void add_duration(Line *line, double seconds)
{
    int64_t whole = (int64_t)seconds;
    if (seconds >= 3600) {
        add(line, "%" PRId64 ":%02" PRId64 ":%02" PRId64, whole / 3600, whole % 3600 / 60, whole % 60);
    } else if (seconds >= 60) {
        add(line, "%" PRId64 ":%02" PRId64, whole / 60, whole % 60);
    } else {
        add(line, "%.0fs", seconds);
    }
}

static void add_step_time(Line *line, double seconds)
{
    if (seconds >= 1)
        add(line, "%.0fs/step", seconds);
    else if (seconds >= 1e-3)
        add(line, "%.0fms/step", seconds * 1e3);
    else
        add(line, "%.0fus/step", seconds * 1e6);
}

static void add_figures(Line *line, const Figure *figures, int count)
{
    for (int i = 0; i < count; i++) {
        const char *format = fabs(figures[i].value) > 1e-3 || figures[i].value == 0 ? "%.4f" : "%.4e";
        char value[64];
        snprintf(value, sizeof value, isfinite(figures[i].value) ? format : "%f", figures[i].value);
        add(line, " - %s: %s", figures[i].name, value);
    }
}

/* Seconds of a step; the first one warms caches up and is not representative, so it counts only where it is alone. */
static double step_seconds(const Progress *progress, int64_t done, double now)
{
    int64_t made = done - progress->first;
    if (made > 1) return (now - progress->after_first) / (double)(made - 1);
    return made == 1 ? now - progress->begin : 0;
}

static int terminal_columns(const Progress *progress)
{
    struct winsize size;
    if (!ioctl(fileno(progress->stream), TIOCGWINSZ, &size) && size.ws_col > 0) return size.ws_col;
    return 80;
}

static bool output_terminal(void)
{
    const char *terminal = getenv("TERM");
    return isatty(fileno(stdout)) && !(terminal && !strcmp(terminal, "dumb"));
}

bool output_coloured(void)
{
    const char *no_color = getenv("NO_COLOR");
    return output_terminal() && !(no_color && *no_color);
}

void progress_begin(Progress *progress, int verbose, const char *title, int64_t first, int64_t total)
{
    *progress = (Progress){.stream = stdout, .verbose = verbose, .total = total, .first = first, .begin = clock_seconds()};
    progress->terminal = verbose == 1 && output_terminal();
    progress->colour = progress->terminal && output_coloured();
    snprintf(progress->title, sizeof progress->title, "%s", title);
    if (*title && (progress->terminal || verbose == 2)) {
        fprintf(stdout, "%s\n", title);
        fflush(stdout);
    }
}

/* The line on a terminal: counts, bar, times, figures; the bar and then the figures give way in a narrow window. */
static void draw(Progress *progress, int64_t done, double now, bool final, const char *note, const Figure *figures, int count)
{
    int room = terminal_columns(progress) - 1;
    int digits = snprintf(NULL, 0, "%" PRId64, progress->total);
    for (int width = BAR_WIDTH, shown = count;;) {
        Line line = {0};
        add_code(&line, progress, "1");
        add(&line, "%*" PRId64 "/%" PRId64, digits, done, progress->total);
        add_code(&line, progress, "0");
        if (width > 0) {
            add(&line, " ");
            add_bar(&line, progress, done, width);
        }
        add(&line, " ");
        add_code(&line, progress, "1");
        add_duration(&line, now - progress->begin);
        add_code(&line, progress, "0");
        if (!final && done > progress->first && done < progress->total) {
            add(&line, ", ");
            add_duration(&line, step_seconds(progress, done, now) * (double)(progress->total - done));
            add(&line, " left,");
        }
        add(&line, " ");
        add_step_time(&line, step_seconds(progress, done, now));
        if (note) add(&line, " - %s", note);
        add_figures(&line, figures, shown);
        bool fits = line.columns <= room || final; /* what stays on the screen is written whole */
        if (!fits && width > 0) {
            width -= 5;
        } else if (!fits && shown > 0) {
            shown--;
        } else {
            fprintf(progress->stream, "\r\033[K%s", fits ? line.text : "");
            fflush(progress->stream);
            progress->drawn = true;
            return;
        }
    }
}

void progress_step(Progress *progress, int64_t done, const char *note, const Figure *figures, int count)
{
    double now = clock_seconds();
    if (done == progress->first + 1 && progress->after_first == 0) progress->after_first = now;
    if (!progress->terminal || now - progress->last < REDRAW_SECONDS) return;
    progress->last = now;
    draw(progress, done, now, false, note, figures, count);
}

void progress_end(Progress *progress, int64_t done, const Figure *figures, int count)
{
    double now = clock_seconds();
    if (progress->verbose == 0) return;
    if (progress->terminal) {
        draw(progress, done, now, true, NULL, figures, count);
        fputc('\n', progress->stream);
    } else {
        Line line = {0};
        if (progress->verbose == 1 && *progress->title) add(&line, "%s - ", progress->title);
        add(&line, "%" PRId64 "/%" PRId64 " - ", done, progress->total);
        add_duration(&line, now - progress->begin);
        add(&line, " - ");
        add_step_time(&line, step_seconds(progress, done, now));
        add_figures(&line, figures, count);
        fprintf(progress->stream, "%s\n", line.text);
    }
    fflush(progress->stream);
    progress->drawn = false;
}

void progress_break(Progress *progress)
{
    if (progress->drawn) {
        fputc('\n', progress->stream);
        fflush(progress->stream);
    }
    progress->drawn = false;
}
