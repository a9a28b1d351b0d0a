/* Text that grows. */
#include "cnnc.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void text_reserve(Text *text, size_t more)
{
    if (text->length + more + 1 <= text->capacity) return;
    size_t capacity = 2 * (text->length + more) + 64;
    text->data = memory_resize(text->data, text->capacity, capacity);
    text->capacity = capacity;
}

void text_add_bytes(Text *text, const char *bytes, size_t count)
{
    text_reserve(text, count);
    memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = 0;
}

void text_add(Text *text, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    text_reserve(text, 64);
    size_t room = text->capacity - text->length; /* most of the time it fits: printing is half of emission */
    int length = vsnprintf(text->data + text->length, room, format, list);
    va_end(list);
    if (length < 0) die("a format that cannot be printed");
    if ((size_t)length >= room) {
        text_reserve(text, (size_t)length);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    }
    va_end(again);
    text->length += (size_t)length;
}

FILE *stream_begin(char **data, size_t *size)
{
    FILE *stream = open_memstream(data, size);
    if (!stream) memory_short(4096);
    return stream;
}

const char *stream_end(FILE *stream, char **data)
{
    bool whole = !ferror(stream);
    whole &= fclose(stream) == 0;
    if (!whole || !*data) {
        free(*data);
        memory_short(4096);
    }
    const char *text = memory_copy(*data, strlen(*data));
    free(*data);
    return text;
}

bool text_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool text_names(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; at && (at = strstr(at, word)); at += length)
        if (!text_is_word(at[length]) && (at == text || !text_is_word(at[-1]))) return true;
    return false;
}

void text_add_escaped(Text *text, const char *string, int bytes)
{
    int length = (int)strlen(string), shown = length > bytes ? diagnostics_cut(string, bytes - 1) : length;
    for (int i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)string[i];
        if (c == '<') text_add(text, "&lt;");
        else if (c == '>') text_add(text, "&gt;");
        else if (c == '&') text_add(text, "&amp;");
        else if (c == '"') text_add(text, "&quot;");
        else text_add(text, "%c", c < 32 || c == 127 ? ' ' : c);
    }
    if (shown < length) text_add(text, "…");
}

void text_add_string(Text *text, const char *string)
{
    text_add(text, "\"");
    for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
        if (*c == '\n') text_add(text, "\\n\"\n    \"");
        else if (*c == '"' || *c == '\\') text_add(text, "\\%c", *c);
        else if (*c < 32 || *c == '?' || *c >= 127) text_add(text, "\\%03o", *c);
        else text_add(text, "%c", *c);
    }
    text_add(text, "\"");
}

const char *upper_case(const char *text)
{
    char *copy = memory_copy(text, strlen(text));
    for (char *c = copy; *c; c++) *c = (char)toupper((unsigned char)*c);
    return copy;
}

uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}
