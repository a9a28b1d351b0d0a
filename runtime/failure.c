/* Messages for people. What is put into them often comes out of a file or from a command line, so a message is made
 * safe as a whole: control characters and bytes that are not UTF-8 are shown as escapes, and a terminal gets nothing
 * to obey. */
#include <stdarg.h>
#include <string.h>

#include "files.h"

enum { PATH_SHOWN = 300 };

size_t utf8_length(const uint8_t *text, size_t size)
{
    if (size == 0) return 0;
    if (text[0] < 0x80) return 1;
    /* The lead byte tells the length; the smallest code point of each length excludes overlong forms. */
    size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4 || length > size) return 0;
    uint32_t code = text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code >= smallest[length] && code <= 0x10ffff && !surrogate ? length : 0;
}

/* Copies a text with everything escaped that is not printable. What does not fit is replaced by dots. */
static void escape(const char *from, char *to, size_t size)
{
    const uint8_t *text = (const uint8_t *)from;
    size_t left = strlen(from), used = 0;
    while (left > 0) {
        char piece[5];
        size_t taken = utf8_length(text, left), length = taken;
        bool control = taken == 1 ? text[0] < 0x20 || text[0] == 0x7f : taken == 2 && text[0] == 0xc2 && text[1] < 0xa0;
        if (taken == 0 || control) {
            taken = 1;
            length = (size_t)snprintf(piece, sizeof piece, text[0] == '\n' ? "\\n" : "\\x%02x", text[0]);
        } else {
            memcpy(piece, text, length);
        }
        if (used + length + 4 > size) { /* the dots and the zero */
            memcpy(to + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(to + used, piece, length);
        used += length;
        text += taken;
        left -= taken;
    }
    to[used] = '\0';
}

bool fail(Failure *failure, const char *format, ...)
{
    char text[sizeof failure->text]; /* the arguments may lie in failure->text */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    escape(text, failure->text, sizeof failure->text);
    return false;
}

bool fail_file(Failure *failure, const char *path, const char *format, ...)
{
    char text[sizeof failure->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t length = strlen(path);
    if (length > PATH_SHOWN) return fail(failure, "...%s: %s", path + length - PATH_SHOWN, text);
    return fail(failure, "%s: %s", path, text);
}

bool fail_memory(Failure *failure, size_t bytes, const char *purpose)
{
    return fail(failure, "out of memory: no %zu bytes could be had for %s", bytes, purpose);
}
