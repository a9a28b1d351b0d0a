/* Training curves: a history, as csv_logger and --history write it, read back and drawn, a chart for each figure: training
 * beside validation, and the best epoch marked. */
#include "files.h"
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 200, MOST_ROWS = 100000, MOST_LINE = 65536 };
enum { WIDTH = 560, HEIGHT = 260, LEFT = 56, RIGHT = 14, TOP = 16, BOTTOM = 34, MOST_DOTS = 60 };

/* One line without its end. False: the end of the file, or a failure, which then has a text. */
static bool next_line(FILE *file, const char *path, char *line, Failure *failure)
{
    if (!fgets(line, MOST_LINE, file)) {
        if (ferror(file)) fail_file(failure, path, "cannot be read: %s", strerror(errno));
        return false;
    }
    size_t length = strlen(line);
    if (length + 1 == MOST_LINE) return fail_file(failure, path, "has a line of %d bytes: this is no history", MOST_LINE);
    while (length && strchr("\r\n", line[length - 1])) line[--length] = '\0';
    return true;
}

/* Ends the field at `*text` and moves behind it. */
static char *next_field(char **text, char separator)
{
    char *field = *text, *end = field ? strchr(field, separator) : NULL;
    if (end) *end++ = '\0';
    *text = end;
    return field;
}

static bool read_header(Curves *curves, const char *path, char *line, char *separator, Failure *failure)
{
    *separator = line[5];
    if (strncmp(line, "epoch", 5) || !*separator)
        return fail_file(failure, path, "is no history: its first line should begin with epoch and name what stands below");
    curves->names = calloc(MOST_COLUMNS, sizeof *curves->names);
    if (!curves->names) return fail(failure, "no memory for the history");
    char *rest = line + 6;
    for (char *name; (name = next_field(&rest, *separator));) {
        if (curves->column_count == MOST_COLUMNS)
            return fail_file(failure, path, "has more than %d columns: this is no history", MOST_COLUMNS);
        if (!(curves->names[curves->column_count] = text_format(failure, "%s", name))) return false;
        curves->column_count++;
    }
    return true;
}

static bool read_row(Curves *curves, const char *path, char *line, char separator, Failure *failure)
{
    int row = curves->row_count, columns = curves->column_count;
    if (row == MOST_ROWS) return fail_file(failure, path, "has more than %d epochs: this is no history", MOST_ROWS);
    if (!(row & (row - 1))) { /* at each power of two the room doubles */
        size_t room = row ? 2 * (size_t)row : 1;
        double *epochs = realloc(curves->epochs, room * sizeof *epochs);
        if (epochs) curves->epochs = epochs;
        double *values = realloc(curves->values, room * (size_t)columns * sizeof *values);
        if (values) curves->values = values;
        if (!epochs || !values) return fail(failure, "no memory for the history");
    }
    char *rest = line;
    for (int i = -1; i < columns; i++) {
        char *field = next_field(&rest, separator), *end = field;
        double value = field ? strtod(field, &end) : 0;
        bool missing = field && (!*field || !strcmp(field, "NA"));
        if (!field || (!missing && (end == field || *end)) || (i < 0 && !(fabs(value) < 1e9)))
            return fail_file(failure,
                             path,
                             "line %d: %s",
                             row + 2,
                             field ? "a number is expected in each column" : "columns are missing at its end");
        if (i < 0)
            curves->epochs[row] = value;
        else
            curves->values[row * columns + i] = missing ? (double)NAN : value;
    }
    if (rest) return fail_file(failure, path, "line %d: there are more columns than the first line names", row + 2);
    curves->row_count++;
    return true;
}

bool curves_read(Curves *curves, const char *path, Failure *failure)
{
    *curves = (Curves){0};
    *failure->text = '\0';
    FILE *file = fopen(path, "r");
    if (!file) return fail_file(failure, path, "cannot be opened: %s", strerror(errno));
    char *line = malloc(MOST_LINE), separator = 0;
    bool good = line || fail(failure, "no memory for the history");
    if (good && !next_line(file, path, line, failure))
        good = *failure->text ? false : fail_file(failure, path, "is empty: a history is expected");
    good = good && read_header(curves, path, line, &separator, failure);
    while (good && next_line(file, path, line, failure)) good = !*line || read_row(curves, path, line, separator, failure);
    good = good && !*failure->text;
    free(line);
    fclose(file);
    return good;
}

void curves_free(Curves *curves)
{
    for (int i = 0; i < curves->column_count; i++) free(curves->names[i]);
    free(curves->names);
    free(curves->epochs);
    free(curves->values);
    *curves = (Curves){0};
}

static int find_column(const Curves *curves, const char *name)
{
    for (int i = 0; i < curves->column_count; i++)
        if (!strcmp(curves->names[i], name)) return i;
    return -1;
}

int curves_best(const Curves *curves, const char **by)
{
    static const char *const names[] = {"val_loss", "loss"};
    for (int k = 0; k < 2; k++) {
        int column = find_column(curves, names[k]), best = -1;
        for (int i = 0; column >= 0 && i < curves->row_count; i++) {
            double value = curves->values[i * curves->column_count + column];
            if (isfinite(value) && (best < 0 || value < curves->values[best * curves->column_count + column])) best = i;
        }
        *by = names[k];
        if (best >= 0) return best;
    }
    return -1;
}

/* Where the numbers of a chart go. */
typedef struct {
    const Curves *curves;
    double low, high, first, last;
} Axes;

static double across(const Axes *axes, double epoch)
{
    double span = axes->last - axes->first;
    return LEFT + (span > 0 ? (epoch - axes->first) / span : 0.5) * (WIDTH - LEFT - RIGHT);
}

static double up(const Axes *axes, double value)
{
    return TOP + (axes->high - value) / (axes->high - axes->low) * (HEIGHT - TOP - BOTTOM);
}

static bool is_drawn(double value)
{
    return fabs(value) < 1e30; /* neither NaN nor so large that nothing else could be seen */
}

/* 1, 2 or 5 times a power of ten: the distance of about five lines. */
static double nice_step(double span)
{
    double power = pow(10, floor(log10(span / 5))), steps = span / 5 / power;
    return power * (steps > 5 ? 10 : steps > 2 ? 5 : steps > 1 ? 2 : 1);
}

static void draw_grid(const Axes *axes, FILE *out)
{
    double step = nice_step(axes->high - axes->low);
    for (double k = ceil(axes->low / step - 1e-6); k * step <= axes->high + step * 1e-6; k++) {
        double y = up(axes, k * step);
        fprintf(out,
                "<path class=\"grid\" style=\"stroke-width:1;stroke:var(--line)\" d=\"M%d %.1fH%d\"/>",
                LEFT,
                y,
                WIDTH - RIGHT);
        fprintf(
            out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n", LEFT - 7, y + 4, fabs(k) < 0.5 ? 0 : k * step);
    }
    double epochs = fmax(axes->last - axes->first, 1), every = fmax(nice_step(epochs), 1);
    for (double k = ceil((axes->first + 1) / every); k * every <= axes->last + 1; k++)
        fprintf(out,
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                across(axes, k * every - 1),
                HEIGHT - 16,
                k * every);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">epoch</text>\n", WIDTH - RIGHT, HEIGHT - 2);
}

static void draw_curve(const Axes *axes, int column, bool second, FILE *out)
{
    const Curves *curves = axes->curves;
    const char *class = second ? " class=\"second\"" : "";
    bool drawing = false;
    fprintf(out, "<path%s d=\"", class);
    for (int i = 0; i < curves->row_count; i++) {
        double value = curves->values[i * curves->column_count + column];
        if (is_drawn(value)) fprintf(out, "%c%.1f %.1f", drawing ? 'L' : 'M', across(axes, curves->epochs[i]), up(axes, value));
        drawing = is_drawn(value);
    }
    fputs("\"/>\n", out);
    for (int i = 0; i < curves->row_count && curves->row_count <= MOST_DOTS; i++) {
        double value = curves->values[i * curves->column_count + column];
        if (!is_drawn(value)) continue;
        fprintf(out,
                "<circle%s cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"><title>epoch %.0f, ",
                class,
                across(axes, curves->epochs[i]),
                up(axes, value),
                curves->epochs[i] + 1);
        page_text(out, curves->names[column]);
        fprintf(out, ": %.6g</title></circle>\n", value);
    }
}

/* What the best epoch, or where there is none the last one, says of a column. */
static void draw_name(const Curves *curves, int column, int best, const char *class, const char *name, FILE *out)
{
    double value = curves->values[(best < 0 ? curves->row_count - 1 : best) * curves->column_count + column];
    fprintf(out, "<span class=\"%s\">%s ", class, name);
    fprintf(out, isfinite(value) ? "%.4g</span>" : "–</span>", value);
}

static void draw_chart(const Curves *curves, int column, int second, int best, FILE *out)
{
    Axes axes = {.curves = curves, .low = INFINITY, .high = -INFINITY, .first = INFINITY, .last = -INFINITY};
    bool validated = false; /* a history has the columns of a validation also where there was none */
    for (int i = 0; i < curves->row_count; i++) {
        axes.first = fmin(axes.first, curves->epochs[i]);
        axes.last = fmax(axes.last, curves->epochs[i]);
        for (int k = 0; k < 2; k++) {
            double value = k && second < 0 ? (double)NAN : curves->values[i * curves->column_count + (k ? second : column)];
            if (!is_drawn(value)) continue;
            validated |= k == 1;
            axes.low = fmin(axes.low, value);
            axes.high = fmax(axes.high, value);
        }
    }
    if (!validated) second = -1;
    fputs("<figure class=\"chart\"><figcaption><b>", out);
    page_text(out, curves->names[column]);
    fputs("</b>", out);
    if (axes.low > axes.high) {
        fputs("</figcaption><p>No number of it can be drawn.</p></figure>\n", out);
        return;
    }
    draw_name(curves, column, best, "one", second < 0 ? "" : "training", out);
    if (second >= 0) draw_name(curves, second, best, "two", "validation", out);
    double most = fmax(fabs(axes.high), fabs(axes.low)), margin = fmax(0.04 * (axes.high - axes.low), 1e-6 * most);
    if (!(margin > 0)) margin = 1e-6;
    axes.low -= margin;
    axes.high += margin;
    fprintf(out, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\">\n", WIDTH, HEIGHT);
    draw_grid(&axes, out);
    if (best >= 0) {
        double x = across(&axes, curves->epochs[best]);
        bool left = x > WIDTH / 2.0;
        fprintf(out, "<path class=\"best\" style=\"stroke:var(--good)\" d=\"M%.1f %dV%d\"/>", x, TOP, HEIGHT - BOTTOM);
        fprintf(out,
                "<text class=\"best\" x=\"%.1f\" y=\"11\" text-anchor=\"%s\">best: epoch %.0f</text>\n",
                x,
                left ? "end" : "start",
                curves->epochs[best] + 1);
    }
    draw_curve(&axes, column, false, out);
    if (second >= 0) draw_curve(&axes, second, true, out);
    fputs("</svg></figure>\n", out);
}

void curves_draw(const Curves *curves, FILE *out)
{
    const char *by;
    int best = curves_best(curves, &by), loss = find_column(curves, "loss");
    fputs("<div class=\"charts\">\n", out);
    for (int i = -1; i < curves->column_count && curves->row_count; i++) {
        int column = i < 0 ? loss : i; /* the loss comes first */
        if (column < 0 || (i >= 0 && i == loss)) continue;
        char name[512];
        snprintf(name, sizeof name, "val_%s", curves->names[column]);
        if (!strncmp(curves->names[column], "val_", 4) && find_column(curves, curves->names[column] + 4) >= 0) continue;
        draw_chart(curves, column, find_column(curves, name), best, out);
    }
    fputs("</div>\n", out);
}
