/* Unrolling: emitted text with loops to the same without those whose bounds are constant.
 *
 * Every loop of the emitted code has one form, `for (int q = 0; q < 24; q += 6)`, followed by a block or by one statement. So
 * unrolling is a rewrite of text: the body is repeated with the counter replaced by its values, from the outside inwards.
 * simplify.c then folds the subscripts, so that the result reads x[4][7], not x[1 * 2 + 2][4 + 3]. */
#include "cnnc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct { Text text; int64_t lines, most; } Unrolled;

/* ---- lines ---- */

static size_t line_length(const char *line)
{
    return strcspn(line, "\n");
}

/* Adds a line with `name` replaced by `value`. */
static void add_replaced(Text *out, const char *line, size_t length, const char *name, int64_t value)
{
    size_t name_length = strlen(name);
    Text replaced = {0};
    for (size_t i = 0; i < length;) {
        bool word = isalpha((unsigned char)line[i]) || line[i] == '_';
        size_t end = i + 1;
        if (word || isdigit((unsigned char)line[i]))
            while (end < length && (isalnum((unsigned char)line[end]) || line[end] == '_' || line[end] == '.')) end++;
        if (word && end - i == name_length && !strncmp(line + i, name, name_length)) text_add(&replaced, "%lld", (long long)value);
        else text_add_bytes(&replaced, line + i, end - i);
        i = end;
    }
    text_add_bytes(out, replaced.data ? replaced.data : "", replaced.length);
    text_add_bytes(out, "\n", 1);
}

typedef struct { char name[32]; int64_t from, to, step; size_t head_length; } Loop;

/* Reads `for (int q = 0; q < 24; q += 6)`; false where it is no such loop or its bounds are not constant. */
static bool parse_loop(const char *line, size_t length, Loop *loop)
{
    const char *text = memory_copy(line, length);
    int name_end = 0;
    if (sscanf(text, "for (int %31[a-zA-Z0-9_] = %n", loop->name, &name_end) != 1 || !name_end) return false;
    const char *from = text + name_end, *from_end = strchr(from, ';');
    if (!from_end || !simplify_constant(from, (size_t)(from_end - from), &loop->from)) return false;
    size_t name_length = strlen(loop->name);
    const char *test = from_end + 2;
    if (strncmp(test, loop->name, name_length) || strncmp(test + name_length, " < ", 3)) return false;
    const char *to = test + name_length + 3, *to_end = strchr(to, ';');
    if (!to_end || !simplify_constant(to, (size_t)(to_end - to), &loop->to)) return false;
    const char *step = to_end + 2 + name_length, *step_end = strchr(step, ')');
    if (!step_end) return false;
    if (!strncmp(step, "++)", 3)) loop->step = 1;
    else if (strncmp(step, " += ", 4) || !simplify_constant(step + 4, (size_t)(step_end - step - 4), &loop->step) || loop->step < 1) return false;
    loop->head_length = (size_t)(step_end + 1 - text);
    return true;
}

/* Where the block or statement that starts at `text` ends: behind its last line. */
static const char *statement_end(const char *text)
{
    int depth = 0;
    do {
        size_t length = line_length(text);
        bool control = !strncmp(text, "for (", 5) || !strncmp(text, "if (", 4);
        for (size_t i = 0; i < length; i++) depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
        bool complete = depth == 0 && !(control && length && text[length - 1] == ')');
        text += length + (text[length] == '\n');
        if (complete) break;
    } while (*text);
    return text;
}

static bool unroll_lines(Unrolled *out, const char *text, const char *end)
{
    while (text < end) {
        size_t length = line_length(text);
        Loop loop;
        if (!parse_loop(text, length, &loop)) {
            if (out->lines++ > out->most) return false;
            text_add_bytes(&out->text, text, length + 1);
            text += length + 1;
            continue;
        }
        const char *body = text + length + 1, *body_end;
        bool block = length > loop.head_length && text[length - 1] == '{';
        if (length > loop.head_length && !block) { /* for (...) statement; on one line */
            body = text + loop.head_length + 1;
            body_end = text + length + 1;
        } else {
            body_end = block ? statement_end(text) : statement_end(body);
        }
        for (int64_t value = loop.from; value < loop.to; value += loop.step) {
            Text copy = {0};
            if (block) text_add(&copy, "{\n");
            for (const char *line = body; line < body_end; line += line_length(line) + 1) add_replaced(&copy, line, line_length(line), loop.name, value);
            if (!unroll_lines(out, copy.data ? copy.data : "", copy.data ? copy.data + copy.length : "")) return false;
        }
        text = body_end;
    }
    return true;
}

char *unroll_text(const char *lines, int64_t most_lines)
{
    Unrolled out = {.most = most_lines};
    if (!unroll_lines(&out, lines, lines + strlen(lines))) return NULL;
    return out.text.data ? out.text.data : memory_copy("", 0);
}
