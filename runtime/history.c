/* What fit() found in each epoch: Keras's History, and the CSV that its CSVLogger writes.
 *
 * Numbers are written with nine digits: reading them gives the same float. */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char LEARNING_RATE[] = "learning_rate";

static bool is_validation(const char *name)
{
    return !strncmp(name, "val_", 4);
}

bool history_new(History *history, const Metrics *metrics, Failure *failure)
{
    *history = (History){0};
    history->columns = calloc(2 * (size_t)metrics->count + 1, sizeof *history->columns);
    if (!history->columns) return fail(failure, "no memory for the history");
    history->column_count = 2 * metrics->count + 1;
    history->columns[2 * metrics->count] = text_format(failure, "%s", LEARNING_RATE);
    if (!history->columns[2 * metrics->count]) return false;
    for (int i = 0; i < 2 * metrics->count; i++) {
        const char *name = metrics->items[i % metrics->count].name;
        history->columns[i] = text_format(failure, "%s%s", i < metrics->count ? "" : "val_", name);
        if (!history->columns[i]) return false;
    }
    return true;
}

void history_free(History *history)
{
    for (int i = 0; i < history->column_count; i++) free(history->columns[i]);
    for (int i = 0; i < history->row_count; i++) free(history->rows[i].values);
    free(history->columns);
    free(history->rows);
    *history = (History){0};
}

HistoryRow *history_add(History *history, int64_t epoch, bool validated, Failure *failure)
{
    HistoryRow *rows = realloc(history->rows, ((size_t)history->row_count + 1) * sizeof *rows);
    if (rows) history->rows = rows;
    float *values = calloc((size_t)history->column_count, sizeof *values);
    if (!rows || !values) {
        free(values);
        fail(failure, "no memory for the history");
        return NULL;
    }
    rows[history->row_count] = (HistoryRow){.epoch = epoch, .validated = validated, .values = values};
    return &rows[history->row_count++];
}

static bool row_has(const History *history, const HistoryRow *row, const char *column)
{
    if (!strcmp(column, LEARNING_RATE)) return history->shows_learning_rate;
    return row->validated || !is_validation(column);
}

const float *history_find(const History *history, const HistoryRow *row, const char *name)
{
    for (int i = 0; i < history->column_count; i++) {
        if (!strcmp(history->columns[i], name) && row_has(history, row, name)) return &row->values[i];
    }
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keras sorts all names where the first epoch was validated; else it sorts those that are there and puts them with val_,
 * filled with NA, behind: the learning rate too. Texts and list are to be freed. */
static char **sorted_columns(const History *history, bool validated, int *count, Failure *failure)
{
    char **columns = calloc(2 * (size_t)history->column_count, sizeof *columns);
    bool good = columns || fail(failure, "no memory for the history");
    *count = 0;
    for (int i = 0; good && i < history->column_count; i++) {
        if (i == history->column_count - 1 ? !history->shows_learning_rate : !validated && is_validation(history->columns[i])) continue;
        good = (columns[(*count)++] = text_format(failure, "%s", history->columns[i])) != NULL;
    }
    if (good) qsort(columns, (size_t)*count, sizeof *columns, by_text);
    for (int i = 0, there = *count; good && !validated && i < there; i++)
        good = (columns[(*count)++] = text_format(failure, "val_%s", columns[i])) != NULL;
    return columns;
}

static void free_columns(char **columns, int count)
{
    for (int i = 0; columns && i < count; i++) free(columns[i]);
    free(columns);
}

static void write_rows(const History *history, FILE *stream, const char *separator, char *const *columns, int count, int first,
                       bool header)
{
    if (header) {
        fprintf(stream, "epoch");
        for (int i = 0; i < count; i++) fprintf(stream, "%s%s", separator, columns[i]);
        fputc('\n', stream);
    }
    for (int k = first; k < history->row_count; k++) {
        fprintf(stream, "%" PRId64, history->rows[k].epoch);
        for (int i = 0; i < count; i++) {
            const float *value = history_find(history, &history->rows[k], columns[i]);
            if (value)
                fprintf(stream, "%s%.9g", separator, (double)*value);
            else
                fprintf(stream, "%sNA", separator);
        }
        fputc('\n', stream);
    }
}

bool history_write(const History *history, const char *path, const char *separator, const char *before, int first,
                   Failure *failure)
{
    Writer writer;
    int count;
    bool validated = first < history->row_count && history->rows[first].validated;
    char **columns = sorted_columns(history, validated, &count, failure);
    bool done = count && columns[count - 1] && write_begin(&writer, path, failure);
    if (done) {
        if (before) fputs(before, writer.stream);
        write_rows(history, writer.stream, separator, columns, count, first, !before || !*before);
        done = write_end(&writer, failure);
        write_abandon(&writer);
    }
    free_columns(columns, count);
    return done;
}

char *history_text(const History *history, Failure *failure)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        fail(failure, "no memory for the history");
        return NULL;
    }
    History all = *history;
    all.shows_learning_rate = true; /* another run may show it */
    write_rows(&all, stream, ",", history->columns, history->column_count, 0, true);
    text_end(stream, &text, failure);
    return text;
}

/* One number or NA up to a comma or the line's end; *text moves behind it. */
static bool parse_value(const char **text, float *value, bool *present)
{
    char *end;
    *present = strncmp(*text, "NA", 2) != 0;
    if (*present) {
        *value = strtof(*text, &end);
        if (end == *text) return false;
        *text = end;
    } else {
        *text += 2;
    }
    return true;
}

bool history_parse(History *history, const char *text, Failure *failure)
{
    const char *bad = "the history in it is damaged or of other metrics";
    if (strncmp(text, "epoch", 5)) return fail(failure, "%s", bad);
    text += 5;
    for (int i = 0; i < history->column_count; i++) {
        size_t length = strlen(history->columns[i]);
        if (*text++ != ',' || strncmp(text, history->columns[i], length)) return fail(failure, "%s", bad);
        text += length;
    }
    while (*text == '\n' && text[1]) {
        char *end;
        long long epoch = strtoll(text + 1, &end, 10);
        HistoryRow *row = history_add(history, epoch, true, failure);
        if (!row) return false;
        text = end;
        for (int i = 0; i < history->column_count; i++) {
            bool present;
            if (*text++ != ',' || !parse_value(&text, &row->values[i], &present)) return fail(failure, "%s", bad);
            if (!present && is_validation(history->columns[i])) row->validated = false;
        }
    }
    return *text == '\n' || fail(failure, "%s", bad);
}
