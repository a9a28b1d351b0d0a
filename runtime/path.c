/* Paths with placeholders, in Python's spelling: weights-{epoch:02d}-{val_loss:.2f}.safetensors.
 *
 *     {name}  {name:[0][width][.precision][d|f|e|g]}      {{ and }} stand for themselves
 */
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool zeros;      /* fill with zeros to the width */
    int width;       /* 0: as wide as it is */
    int precision;   /* -1: not given */
    char conversion; /* d, f, e, g; 0: not given */
} Format;

/* A number of at most two digits; *text moves behind it. */
static int read_digits(const char **text)
{
    int number = 0;
    for (int i = 0; i < 2 && **text >= '0' && **text <= '9'; i++) number = 10 * number + *(*text)++ - '0';
    return number;
}

/* What stands behind the colon, up to the brace. */
static bool read_format(const char *text, Format *format)
{
    *format = (Format){.zeros = *text == '0', .precision = -1};
    format->width = read_digits(&text);
    if (*text == '.') {
        text++;
        if (*text < '0' || *text > '9') return false;
        format->precision = read_digits(&text);
    }
    if (*text != '\0' && strchr("dfeg", *text)) format->conversion = *text++;
    return *text == '}';
}

static bool write_field(FILE *stream, const PathField *field, const Format *format)
{
    char pattern[16], text[512];
    if (field->whole) {
        if ((format->conversion && format->conversion != 'd') || format->precision >= 0) return false;
        fprintf(stream, format->zeros ? "%0*.0f" : "%*.0f", format->width, field->value);
        return true;
    }
    if (format->conversion == 'd') return false;
    char conversion = format->conversion ? format->conversion : 'g';
    int usual = format->conversion ? 6 : 9; /* without a conversion as many digits as a float has */
    snprintf(pattern, sizeof pattern, "%%%s*.*%c", format->zeros ? "0" : "", conversion);
    snprintf(text, sizeof text, pattern, format->width, format->precision >= 0 ? format->precision : usual, field->value);
    fputs(text, stream);
    return true;
}

/* The placeholder that begins behind a brace. Returns the place of its closing brace; NULL: it is wrong. */
static const char *fill_field(FILE *stream, const char *pattern, const char *at, const PathField *fields, int count,
                              Failure *failure)
{
    size_t length = strcspn(at, "}"), name_length = strcspn(at, ":}");
    Format format = {.precision = -1};
    if (!at[length]) {
        fail(failure, "the path \"%s\" lacks a }", pattern);
        return NULL;
    }
    const PathField *field = NULL;
    for (int i = 0; i < count; i++) {
        if (strlen(fields[i].name) == name_length && !strncmp(at, fields[i].name, name_length)) field = &fields[i];
    }
    if (!field) {
        fail(failure, "there is no %.*s for the path \"%s\"", (int)name_length, at, pattern);
        return NULL;
    }
    if ((name_length < length && !read_format(at + name_length + 1, &format)) || !write_field(stream, field, &format)) {
        fail(failure, "{%.*s} in the path is not understood; write {epoch:02d} or {val_loss:.2f}", (int)length, at);
        return NULL;
    }
    return at + length;
}

char *path_fill(const char *pattern, const PathField *fields, int count, Failure *failure)
{
    char *path = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&path, &size);
    const char *at = pattern;
    if (!stream) {
        fail(failure, "no memory for the path %s", pattern);
        return NULL;
    }
    for (; *at; at++) {
        if (*at == '{' && at[1] != '{') {
            at = fill_field(stream, pattern, at + 1, fields, count, failure);
            if (!at) break;
        } else {
            if ((*at == '{' || *at == '}') && at[1] == *at) at++;
            fputc(*at, stream);
        }
    }
    bool whole = text_end(stream, &path, failure);
    if (at && whole) return path;
    free(path);
    return NULL;
}
