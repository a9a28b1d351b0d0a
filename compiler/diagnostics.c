/* Diagnoses: place, what is wrong, the source line, a caret and underline.
 *
 *     model.net:7:12: error: no parameter `kernel` in conv2d; did you mean `kernel_size`?
 *     conv2d(32, kernel=3x3)
 *                ^~~~~~~~~~
 *
 * Columns count code points from 1. The source may hold any bytes: what goes to the terminal is valid UTF-8
 * without control characters, tabs apart, and the whole output of a run is bounded. */
#include "cnnc.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_BYTES = 1000,
    LINE_COLUMNS = 160,      /* longer source lines are cut around the caret */
    CONTEXT_COLUMNS = 60,    /* shown before the caret of a cut line */
    FILE_BYTES = 255,        /* a longer path loses its beginning */
    MAX_USES = 3,            /* notes that say where a body was used */
    MAX_REPETITIONS = 1000,  /* bodies used so often that nothing new is to be expected */
    OUTPUT_BYTES = 48 << 10, /* after these no further error is begun */
};

static struct {
    const char *file, *text;
    size_t length;
    Span reported[MAX_ERRORS], warned[MAX_ERRORS];
    int errors, warnings;
    int repetitions; /* of errors in places that were blamed before */
    bool silent;     /* the last error was a repetition: its notes are too */
    bool too_many;
    size_t printed;
    uint32_t line_begin, line; /* the place found last: the search goes on from there */
} run;

/* What is printed is gathered here, so that one diagnosis is one write. */
typedef struct {
    char bytes[16 << 10];
    size_t count;
} Output;

void diagnostics_begin(const char *file, const char *text, size_t length)
{
    memset(&run, 0, sizeof run);
    run.file = file;
    run.text = text;
    run.length = length;
    run.line = 1;
}

int diagnostics_errors(void)
{
    return run.errors;
}

bool diagnostics_full(void)
{
    return run.too_many;
}

/* ---- safe text ---------------------------------------------------------------------------------- */

/* The bytes of the code point at `text`, of which `left` bytes remain; 0: not UTF-8. */
static size_t code_point(const char *text, size_t left, uint32_t *value)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)*text;
    size_t bytes = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (!bytes || bytes > left) return 0;
    uint32_t code = bytes == 1 ? first : first & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    *value = code;
    return bytes;
}

/* Controls, and what changes the direction of writing, would let a file write over its own diagnosis. */
static bool printable(uint32_t code)
{
    return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && !(code >= 0x200b && code < 0x2010) &&
           !(code >= 0x2028 && code < 0x202f) && !(code >= 0x2060 && code < 0x2070) && code != 0xfeff;
}

static void put(Output *output, const char *bytes, size_t count)
{
    if (count > sizeof output->bytes - output->count) return;
    memcpy(output->bytes + output->count, bytes, count);
    output->count += count;
}

static void put_text(Output *output, const char *text)
{
    put(output, text, strlen(text));
}

/* One column of somebody else's text; returns the bytes it took. */
static size_t put_column(Output *output, const char *text, size_t left)
{
    uint32_t code;
    size_t bytes = code_point(text, left, &code);
    bool good = bytes && (printable(code) || code == '\t');
    put(output, good ? text : "?", good ? bytes : 1);
    return bytes ? bytes : 1;
}

static void put_safely(Output *output, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) i += put_column(output, text + i, length - i);
}

/* ---- lines and columns ----------------------------------------------------------------------------- */

/* The bytes of the line end at `at`: "\n", "\r\n" or "\r"; 0: none is there. */
static uint32_t line_end(size_t at)
{
    if (run.text[at] == '\n') return 1;
    if (run.text[at] != '\r') return 0;
    return at + 1 < run.length && run.text[at + 1] == '\n' ? 2 : 1;
}

/* Sets run.line and run.line_begin to the line that holds the byte `at`. */
static void find_line(uint32_t at)
{
    if (at < run.line_begin) run.line_begin = 0, run.line = 1;
    for (size_t i = run.line_begin; i < at;) {
        uint32_t end = line_end(i);
        i += end ? end : 1;
        if (end && i <= at) run.line++, run.line_begin = (uint32_t)i;
    }
}

static size_t next_column(size_t at)
{
    uint32_t code;
    size_t bytes = code_point(run.text + at, run.length - at, &code);
    return at + (bytes ? bytes : 1);
}

static void put_source(Output *output, Span span)
{
    size_t begin = run.line_begin, end = span.begin, columns = 0, underlined = 0;
    if (begin == 0 && run.length >= 3 && !memcmp(run.text, "\xef\xbb\xbf", 3)) begin = 3;
    for (size_t i = begin; i < span.begin; i = next_column(i)) columns++;
    bool cut = columns > LINE_COLUMNS - CONTEXT_COLUMNS;
    if (cut) {
        for (; columns > CONTEXT_COLUMNS; columns--) begin = next_column(begin);
        put_text(output, "...");
    }
    size_t shown = 0;
    for (end = begin; end < run.length && !line_end(end) && shown < LINE_COLUMNS; shown++)
        end += put_column(output, run.text + end, run.length - end);
    if (end < run.length && !line_end(end)) put_text(output, "...");
    put_text(output, cut ? "\n   " : "\n");
    for (size_t i = begin; i < span.begin; i = next_column(i)) put_text(output, run.text[i] == '\t' ? "\t" : " ");
    put_text(output, "^");
    for (size_t i = span.begin; i < span.end && i < end; i = next_column(i))
        if (underlined++) put_text(output, run.text[i] == '\t' ? "\t" : "~");
    put_text(output, "\n");
}

static uint32_t column_of(uint32_t at)
{
    uint32_t column = 1;
    size_t begin = run.line_begin;
    if (begin == 0 && run.length >= 3 && !memcmp(run.text, "\xef\xbb\xbf", 3)) begin = 3;
    for (size_t i = begin; i < at; i = next_column(i)) column++;
    return column;
}

bool diagnostics_is_text(const char *text, size_t length)
{
    uint32_t code;
    for (size_t i = 0, bytes; i < length; i += bytes)
        if (!(bytes = code_point(text + i, length - i, &code))) return false;
    return true;
}

int diagnostics_cut(const char *text, int bytes)
{
    int length = (int)strnlen(text, (size_t)bytes + 1);
    if (length <= bytes) return length;
    while (bytes && ((unsigned char)text[bytes] & 0xc0) == 0x80) bytes--;
    return bytes;
}

/* ---- the diagnoses ----------------------------------------------------------------------------------- */

static void put_diagnosis(Output *output, Span span, const char *severity, const char *message)
{
    size_t file_length = strlen(run.file), cut = file_length > FILE_BYTES ? file_length - FILE_BYTES : 0;
    put_safely(output, run.file + cut, file_length - cut);
    bool placed = span.begin != NO_SPAN.begin;
    if (placed) {
        if (span.begin > run.length) span.begin = (uint32_t)run.length;
        find_line(span.begin);
        char numbers[64];
        snprintf(numbers, sizeof numbers, ":%u:%u", run.line, column_of(span.begin));
        put_text(output, numbers);
    }
    put_text(output, ": ");
    put_text(output, severity);
    put_text(output, ": ");
    put_safely(output, message, strlen(message));
    put_text(output, "\n");
    if (placed && run.length) put_source(output, span);
}

static void format_message(char message[MESSAGE_BYTES], const char *format, va_list arguments)
{
    int length = vsnprintf(message, MESSAGE_BYTES, format, arguments);
    if (length >= MESSAGE_BYTES) memcpy(message + MESSAGE_BYTES - 4, "...", 4);
}

static void write_out(const Output *output)
{
    fwrite(output->bytes, 1, output->count, stderr);
    run.printed += output->count;
}

static bool is_among(Span span, const Span *spans, int count)
{
    for (int i = 0; i < count; i++)
        if (spans[i].begin == span.begin && spans[i].end == span.end && span.begin != NO_SPAN.begin) return true;
    return false;
}

/* The diagnosis, and for what stands in a body where that is used. */
static void write_diagnosis(Place place, const char *severity, const char *format, va_list arguments)
{
    Output output = {.count = 0};
    char message[MESSAGE_BYTES];
    format_message(message, format, arguments);
    put_diagnosis(&output, place.span, severity, message);
    int uses = 0;
    const Place *use = place.use;
    for (; use && uses < MAX_USES; use = use->use, uses++) put_diagnosis(&output, use->span, "note", "used here");
    if (use) put_diagnosis(&output, NO_SPAN, "note", "and in further uses around this one");
    write_out(&output);
}

void diagnose(Place place, const char *format, ...)
{
    run.silent = run.too_many || is_among(place.span, run.reported, run.errors);
    if (run.silent) {
        if (++run.repetitions > MAX_REPETITIONS) run.too_many = true;
        return;
    }
    if (run.errors == MAX_ERRORS || run.printed > OUTPUT_BYTES) {
        Output output = {.count = 0};
        run.too_many = run.silent = true;
        put_diagnosis(&output, NO_SPAN, "error", "too many errors; the first ones are shown");
        write_out(&output);
        return;
    }
    run.reported[run.errors++] = place.span;
    va_list arguments;
    va_start(arguments, format);
    write_diagnosis(place, "error", format, arguments);
    va_end(arguments);
}

void diagnose_warning(Place place, const char *format, ...)
{
    if (run.warnings == MAX_ERRORS || is_among(place.span, run.warned, run.warnings)) return;
    run.warned[run.warnings++] = place.span;
    va_list arguments;
    va_start(arguments, format);
    write_diagnosis(place, "warning", format, arguments);
    va_end(arguments);
}

void diagnose_note(Place place, const char *format, ...)
{
    if (run.silent) return;
    Output output = {.count = 0};
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    format_message(message, format, arguments);
    va_end(arguments);
    put_diagnosis(&output, place.span, "note", message);
    write_out(&output);
}

/* ---- "did you mean" --------------------------------------------------------------------------------- */

/* How many letters have to be inserted, removed, replaced or swapped with their neighbour to make `b` of `a`;
 * more than `most` counts as most + 1. Both are shorter than 64 bytes. */
static int distance(const char *a, const char *b, int most)
{
    int rows[3][64] = {{0}}, a_length = (int)strlen(a), b_length = (int)strlen(b);
    if (abs(a_length - b_length) > most) return most + 1;
    for (int j = 0; j <= b_length; j++) rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *row = rows[i % 3], *above = rows[(i - 1) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above_that[j - 2] + 1 < best)
                best = above_that[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[a_length % 3][b_length] > most ? most + 1 : rows[a_length % 3][b_length];
}

/* MaxPooling2D, as in Python, and max_pooling2d. */
bool diagnostics_alike(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '_') a++;
        while (*b == '_') b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
        if (!*a) return true;
    }
}

static const char *closest_of(const char *name, const char *const *candidates, int count)
{
    size_t length = strlen(name);
    int most = length < 2 ? 0 : length < 4 ? 1 : length < 6 ? 2 : (int)(length / 3);
    const char *closest = NULL, *begun = NULL;
    for (int i = 0; i < count && most >= 0; i++) {
        if (strlen(candidates[i]) >= 64 || !*candidates[i]) continue;
        int edits = distance(name, candidates[i], most);
        if (edits <= most) closest = candidates[i], most = edits - 1; /* only a closer one is better */
        if (!begun && length >= 3 && !strncmp(name, candidates[i], length)) begun = candidates[i];
    }
    return begun ? begun : closest;
}

/* In small letters, without underscores; both hold 64 bytes. */
static void simplify(const char *name, char *simple)
{
    for (; *name; name++)
        if (*name != '_') *simple++ = (char)tolower((unsigned char)*name);
    *simple = '\0';
}

/* As people write who think of Python's classes: MaxPool of max_pooling2d. */
static const char *closest_alike(const char *name, const char *const *candidates, int count)
{
    enum { MOST = 512 };
    char simple[64], texts[MOST][64];
    const char *simplified[MOST];
    int kept = 0;
    simplify(name, simple);
    for (int i = 0; i < count && i < MOST; i++) {
        texts[i][0] = '\0';
        if (strlen(candidates[i]) < 64) simplify(candidates[i], texts[i]);
        simplified[kept++] = texts[i];
    }
    const char *closest = closest_of(simple, simplified, kept);
    for (int i = 0; i < kept; i++)
        if (closest == simplified[i]) return candidates[i];
    return NULL;
}

const char *diagnostics_closest(const char *name, const char *const *candidates, int count)
{
    if (strlen(name) >= 64) return NULL;
    for (int i = 0; i < count; i++)
        if (diagnostics_alike(name, candidates[i])) return candidates[i];
    const char *closest = closest_of(name, candidates, count);
    return closest ? closest : closest_alike(name, candidates, count);
}

_Noreturn void die_at(const char *file, int line, const char *format, ...)
{
    fprintf(stderr, "cnnc: a fault of the compiler itself, at %s:%d: ", file, line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}
