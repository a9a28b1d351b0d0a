/* Copies of the functions and types of the runtime's headers into emitted code: those that it uses, for the vectors of a level. What a header
 * asks of the length of the vectors is answered here, so that the reader of emitted code meets only questions that are open. */
#include "emission/generate.h"

#include <string.h>

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* A condition of terms joined by &&: 16 == 8, 1, defined(NAME), !defined(NAME). Those whose answer is known are dropped from `open`, which
 * receives the others; false: one of them does not hold. */
static bool condition_holds(const char *condition, const Level *level, Text *open)
{
    while (*condition) {
        int left, right, length = 0;
        char name[64], negated[2] = "";
        bool known = true, holds;
        if (sscanf(condition, "%d == %d%n", &left, &right, &length) == 2 && length) holds = left == right;
        else if (sscanf(condition, "%d%n", &left, &length) == 1) holds = left != 0;
        else if (sscanf(condition, "%1[!]%n", negated, &length), sscanf(condition + length, "defined(%63[a-zA-Z0-9_])", name) == 1) {
            length += (int)strlen(name) + (int)strlen("defined()");
            known = level->attribute && !strcmp(name, "__x86_64__"); /* a level with an attribute is one of that processor */
            holds = known && !*negated;
        } else die("a condition of the runtime that cannot be read: %s", condition);
        if (known && !holds) return false;
        if (!known) text_add(open, "%s%.*s", open->length ? " && " : "", length, condition);
        condition += length;
        condition += strspn(condition, " &");
    }
    return true;
}

/* The lines without the branches that are not taken; conditions do not stand in one another. */
static const char *resolve_conditions(const char *text, const Level *level)
{
    Text result = {0};
    bool taken = true, settled = false, asked = false; /* the lines at hand; no further branch can be taken; an #if was written */
    while (*text) {
        size_t length = strcspn(text, "\n"), end = length + (text[length] == '\n');
        if (*text != '#') {
            if (taken) text_add_bytes(&result, text, end);
        } else if (begins(text, "#endif")) {
            if (asked) text_add_bytes(&result, text, end);
            taken = true, settled = asked = false;
        } else {
            char *line = memory_copy(text, length), *comment = strstr(line, " /*");
            if (comment) *comment++ = 0;
            const char *condition = begins(line, "#if ") ? line + 4 : begins(line, "#elif ") ? line + 6 : "";
            Text open = {0};
            taken = !settled && condition_holds(condition, level, &open);
            if (taken && open.length) text_add(&result, "#%s %s%s%s\n", asked ? "elif" : "if", open.data, comment ? " " : "", comment ? comment : "");
            else if (taken && asked) text_add(&result, "#else%s%s\n", comment ? " " : "", comment ? comment : "");
            else if (taken && comment) text_add(&result, "    %s\n", comment);
            if (taken && open.length) asked = true;
            else if (taken) settled = true;
        }
        text += end;
    }
    return result.data ? result.data : "";
}

const char *used_paragraphs(const char *header, const char *code, int lanes, const Level *level)
{
    const char *paragraphs[128];
    size_t lengths[128];
    int count = 0;
    for (const char *at = header; *at;) {
        const char *end = strstr(at, "\n\n");
        size_t length = end ? (size_t)(end - at) : strlen(at);
        if (count == 128) die("too many paragraphs in a header of the runtime");
        paragraphs[count] = at;
        lengths[count++] = length;
        at += length;
        while (*at == '\n') at++;
    }
    const char *result = "";
    for (int i = count - 1; i >= 0; i--) {
        Text copy = {0};
        const char *text = memory_copy(paragraphs[i], lengths[i]);
        bool is_code = strstr(text, "static") != NULL, is_type = !strncmp(text, "typedef", 7);
        if (!is_code && !is_type) continue;
        for (const char *c = text; *c;) {
            if (level && !strncmp(c, "LEVEL ", 6)) text_add(&copy, "LEVEL_%s ", level->suffix), c += 6;
            else if (level && !strncmp(c, "LANES", 5)) text_add(&copy, "%d", lanes), c += 5;
            else if (level && !strncmp(c, "MASKS", 5)) text_add(&copy, "%d", level->masks), c += 5;
            else {
                size_t plain = 1 + strcspn(c + 1, "LM");
                text_add_bytes(&copy, c, plain);
                c += plain;
            }
        }
        bool used = is_type;
        if (is_code) { /* the function's name stands before its first parenthesis */
            const char *open = strstr(copy.data, "static");
            open = strchr(open, '(');
            const char *name = open;
            while (text_is_word(name[-1])) name--;
            const char *word = memory_copy(name, (size_t)(open - name));
            used = text_names(code, word) || text_names(result, word);
        }
        if (!used) continue;
        text_add(&copy, "\n\n");
        result = memory_join(level ? resolve_conditions(copy.data, level) : copy.data, result);
    }
    return result;
}
