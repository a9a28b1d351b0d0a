/* csv_logger: the history as a file, anew after each epoch. */
#include "callback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *filename, *separator;
    bool append;
    char *before; /* with append: what the file held, ending in a line's end */
    int first;    /* row of the history that this file begins with */
} CsvLogger;

/* A file's text, with a line's end behind it; an absent one is empty. free() it; NULL: failed. */
static char *read_text(const char *path, Failure *failure)
{
    char *text = NULL;
    size_t size = 0;
    FILE *copy = open_memstream(&text, &size);
    if (!copy) {
        fail(failure, "no memory for the content of %s", path);
        return NULL;
    }
    FILE *file = fopen(path, "r");
    int last = '\n';
    for (int letter; file && (letter = getc(file)) != EOF; last = letter) putc(letter, copy);
    if (last != '\n') putc('\n', copy);
    bool broken = file ? ferror(file) != 0 : errno != ENOENT;
    if (file) fclose(file);
    if (!text_end(copy, &text, failure)) return NULL;
    if (!broken) return text;
    fail(failure, "%s cannot be read", path);
    free(text);
    return NULL;
}

static bool begin(Training *training, Callback *callback, Failure *failure)
{
    CsvLogger *state = callback->state;
    (void)training;
    state->filename = callback_argument(callback, "filename");
    state->separator = callback_argument(callback, "separator");
    if (!state->filename) return fail(failure, "csv_logger: filename is missing");
    if (strlen(state->separator) != 1 || strchr("\r\n\"", *state->separator)) {
        return fail(failure, "csv_logger: separator wants one character, such as \",\" or \"\\t\", not '%s'", state->separator);
    }
    if (!callback_boolean(callback, "append", &state->append, failure)) return false;
    if (!path_writable("csv_logger", state->filename, state->append ? RESULT_ADDED : RESULT_HISTORY, failure)) return false;
    if (!state->append) return true;
    state->before = read_text(state->filename, failure);
    return state->before != NULL;
}

/* Rows that are in the file already are not written again. */
static bool restore(Training *training, Callback *callback, const TensorFile *file, const char *path, const char *prefix,
                    Failure *failure)
{
    CsvLogger *state = callback->state;
    (void)file, (void)path, (void)prefix, (void)failure;
    if (state->append) state->first = training->history.row_count;
    return true;
}

static bool epoch_end(Training *training, Callback *callback, const HistoryRow *row, Failure *failure)
{
    CsvLogger *state = callback->state;
    (void)row;
    return history_write(&training->history, state->filename, state->separator, state->before, state->first, failure);
}

static void release(Callback *callback)
{
    free(((CsvLogger *)callback->state)->before);
}

static const CnncArgument arguments[] = {{"filename", NULL}, {"separator", ","}, {"append", "false"}, {NULL, NULL}};

const CallbackKind csv_logger_kind = {
    .name = "csv_logger",
    .arguments = arguments,
    .state_size = sizeof(CsvLogger),
    .begin = begin,
    .epoch_end = epoch_end,
    .restore = restore,
    .release = release,
};
