/* Simplifying the whole-number expressions of emitted lines: templates say x[p * $S + $T], and where the stride is 1 and the row 0
 * a reader wants x[p], not x[p * 1 + 0].
 *
 * Every bracket whose content is made of names, whole numbers and + - * / % is parsed and printed again: constants folded,
 * 0 + x, x * 1 and needless parentheses gone. Everything else stays as it is. */
#include "cnnc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A simplified expression: a constant, or text with the precedence of its outermost operation. */
typedef struct {
    bool constant;
    int64_t value;
    const char *text;
    int precedence; /* 1: + and -, 2: * / %, 3: a name */
} Term;

typedef struct { const char *at, *end; } Parser;

static bool parse_sum(Parser *, Term *);

static void skip_space(Parser *p)
{
    while (p->at < p->end && *p->at == ' ') p->at++;
}

static bool parse_atom(Parser *p, Term *term)
{
    skip_space(p);
    if (p->at == p->end) return false;
    const char *start = p->at;
    if (*p->at == '(') {
        p->at++;
        if (!parse_sum(p, term)) return false;
        skip_space(p);
        return p->at < p->end && *p->at++ == ')';
    }
    if (!text_is_word(*p->at)) return false;
    while (p->at < p->end && text_is_word(*p->at)) p->at++;
    if (p->at < p->end && strchr(".([{>\"'", *p->at)) return false; /* a call, a float, a subscript: not ours */
    *term = (Term){.text = memory_copy(start, (size_t)(p->at - start)), .precedence = 3};
    if (isdigit((unsigned char)*start)) {
        char *end;
        term->value = strtoll(term->text, &end, 10);
        if (*end) return false; /* 1u, 0x1p3 */
        term->constant = true;
    }
    return true;
}

static const char *operand_text(const Term *term, int least)
{
    if (term->constant) return memory_format(term->value < 0 ? "(%lld)" : "%lld", (long long)term->value);
    return term->precedence < least ? memory_format("(%s)", term->text) : term->text;
}

static Term combined(const Term *a, char operation, const Term *b, int precedence)
{
    /* the right operand of - / % and a quotient's product keep their parentheses */
    const char *left = operand_text(a, precedence), *right = operand_text(b, operation == '+' ? 1 : precedence + 1);
    return (Term){.text = memory_format("%s %c %s", left, operation, right), .precedence = precedence};
}

static bool parse_product(Parser *p, Term *term)
{
    if (!parse_atom(p, term)) return false;
    for (skip_space(p); p->at < p->end && strchr("*/%", *p->at); skip_space(p)) {
        char operation = *p->at++;
        Term right;
        if (!parse_atom(p, &right)) return false;
        bool both = term->constant && right.constant, zero = right.constant && right.value == 0, one = right.constant && right.value == 1;
        if (operation != '*' && zero) return false;
        if (both) term->value = operation == '*' ? term->value * right.value : operation == '/' ? term->value / right.value : term->value % right.value;
        else if ((operation == '*' && zero) || (operation == '%' && one) || (term->constant && term->value == 0)) *term = (Term){.constant = true};
        else if (operation == '*' && term->constant && term->value == 1) *term = right;
        else if (!one) *term = combined(term, operation, &right, 2);
    }
    return true;
}

static bool parse_sum(Parser *p, Term *term)
{
    if (!parse_product(p, term)) return false;
    int64_t constant = 0; /* the constants so far, added at the end */
    bool has_text = !term->constant;
    if (term->constant) constant = term->value;
    for (skip_space(p); p->at < p->end && (*p->at == '+' || *p->at == '-'); skip_space(p)) {
        char operation = *p->at++;
        Term right;
        if (!parse_product(p, &right)) return false;
        if (right.constant) constant += operation == '+' ? right.value : -right.value;
        else if (has_text) *term = combined(term, operation, &right, 1);
        else if (operation == '+') *term = right, has_text = true;
        else *term = combined(&(Term){.constant = true, .value = constant}, '-', &right, 1), constant = 0, has_text = true;
    }
    if (!has_text) *term = (Term){.constant = true, .value = constant};
    else if (constant) *term = combined(term, constant > 0 ? '+' : '-', &(Term){.constant = true, .value = constant > 0 ? constant : -constant}, 1);
    return true;
}

bool simplify_constant(const char *text, size_t length, int64_t *value)
{
    Parser p = {text, text + length};
    Term term;
    if (!parse_sum(&p, &term)) return false;
    skip_space(&p);
    *value = term.value;
    return p.at == p.end && term.constant;
}

/* Where the bracket that opens at `open` closes, or NULL. */
static const char *closing(const char *open, const char *end)
{
    int depth = 0;
    for (const char *c = open; c < end; c++) {
        depth += *c == '(' || *c == '[' ? 1 : *c == ')' || *c == ']' ? -1 : 0;
        if (!depth) return c;
    }
    return NULL;
}

void simplify_line(Text *out, const char *line, size_t length)
{
    const char *end = line + length;
    for (const char *c = line; c < end;) {
        const char *close = *c == '[' || *c == '(' ? closing(c, end) : NULL;
        if (*c == '"') { /* a string goes through as it is */
            const char *quote = memchr(c + 1, '"', (size_t)(end - c - 1));
            close = NULL;
            if (quote) {
                text_add_bytes(out, c, (size_t)(quote - c) + 1);
                c = quote + 1;
                continue;
            }
        }
        bool worth = false; /* a name or number alone is simple already */
        for (const char *i = c + 1; close && i < close && !worth; i++) worth = strchr("+-*/%(", *i) != NULL;
        if (worth) {
            Parser p = {c + 1, close};
            Term term;
            if (parse_sum(&p, &term) && (skip_space(&p), p.at == p.end)) {
                text_add_bytes(out, c, 1);
                if (term.constant) text_add(out, "%lld", (long long)term.value);
                else text_add(out, "%s", term.text);
                text_add_bytes(out, close, 1);
                c = close + 1;
                continue;
            }
        }
        text_add_bytes(out, c++, 1);
    }
}
