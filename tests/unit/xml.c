#include "xml.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MOST_OPEN = 64, MOST_ATTRIBUTES = 32 };

static char problem[256];

static const char *wrong(const char *what, const char *at)
{
    snprintf(problem, sizeof problem, "%s at: %.60s", what, at);
    return problem;
}

static size_t name_length(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:");
    return length && !strchr("0123456789-", *text) ? length : 0;
}

/* Text up to one of `ends`: entities are known, and no character is one that XML forbids. */
static const char *text_problem(const char **text, const char *ends)
{
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};
    for (; **text && !strchr(ends, **text); ++*text) {
        bool known = **text != '&';
        for (size_t i = 0; i < sizeof entities / sizeof *entities && !known; i++)
            known = !strncmp(*text, entities[i], strlen(entities[i]));
        if (!known) return wrong("an unknown entity", *text);
        if (**text == '<' || ((unsigned char)**text < 32 && !strchr("\n\t", **text)))
            return wrong("a forbidden character", *text);
    }
    return NULL;
}

/* A tag behind its name; moves to its last characters. */
static const char *attributes_problem(const char **text)
{
    const char *names[MOST_ATTRIBUTES];
    size_t lengths[MOST_ATTRIBUTES];
    for (int count = 0;; count++) {
        size_t space = strspn(*text, " \n");
        *text += space;
        if (strchr("/>", **text)) return NULL;
        size_t length = name_length(*text);
        if (!space || !length || count == MOST_ATTRIBUTES) return wrong("no attribute", *text);
        for (int i = 0; i < count; i++)
            if (lengths[i] == length && !strncmp(names[i], *text, length))
                return wrong("an attribute for the second time", *text);
        names[count] = *text;
        lengths[count] = length;
        *text += length;
        if (strncmp(*text, "=\"", 2)) return wrong("an attribute without a value in quotes", *text);
        *text += 2;
        const char *inside = text_problem(text, "\"");
        if (inside) return inside;
        if (!**text) return wrong("no end of an attribute", "the end");
        ++*text;
    }
}

const char *xml_problem(const char *text)
{
    const char *open[MOST_OPEN];
    size_t lengths[MOST_OPEN];
    int depth = 0, roots = 0;
    if (!strncmp(text, "<!DOCTYPE html>\n", 16)) text += 16;
    while (*text) {
        const char *inside = text_problem(&text, "<");
        if (inside) return inside;
        if (!*text) break;
        bool closes = text[1] == '/';
        const char *name = text + 1 + closes;
        size_t length = name_length(name);
        if (!length) return wrong("no tag", text);
        text = name + length;
        if (closes) {
            if (!depth || lengths[depth - 1] != length || strncmp(open[depth - 1], name, length))
                return wrong("closes what is not open", name);
            if (*text++ != '>') return wrong("no end of a tag", name);
            depth--;
            continue;
        }
        if (!depth && roots++) return wrong("a second root", name);
        if ((inside = attributes_problem(&text))) return inside;
        bool empty = *text == '/';
        text += empty;
        if (*text++ != '>') return wrong("no end of a tag", name);
        if (empty) continue;
        if (depth == MOST_OPEN) return wrong("too deep", name);
        open[depth] = name;
        lengths[depth++] = length;
    }
    return depth ? wrong("not closed", open[depth - 1]) : roots ? NULL : wrong("nothing", "the end");
}

Test(xml, tells_good_from_bad)
{
    static const char *const good[] = {"<a/>", "<!DOCTYPE html>\n<a b=\"c&lt;\"><b>d</b>e &amp; f</a>\n"};
    static const char *const bad[] = {"",
                                      "a",
                                      "<a>",
                                      "<a></b>",
                                      "<a b></a>",
                                      "<a b=c/>",
                                      "<a>&nbsp;</a>",
                                      "<a/><b/>",
                                      "<a b=\"<\"/>",
                                      "<a b=\"1\" b=\"2\"/>",
                                      "<a>\001</a>",
                                      "<a><b></a></b>",
                                      "<a b=\"/>",
                                      "<1/>"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) cr_expect_null(xml_problem(good[i]), "%s: %s", good[i], problem);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_expect_not_null(xml_problem(bad[i]), "%s", bad[i]);
}
