/* Between scanner and parser: the stream of tokens with its brackets, recovery after syntax errors, their messages,
 * and the builders of the syntax tree.
 *
 * The parser recovers at the beginning of a statement. Only here is it known where one may begin: at a line start
 * outside brackets, at a reserved word at a line start (it stands nowhere else), or at the brace that closes the body
 * in which the error was. So after an error yylex skips to there and says RECOVERED. */
#include "language/habits.h"
#include "language/parse.h"
#include "parser.h"

#include <stdarg.h>
#include <string.h>

enum { SHOWN = 40, MAX_SOURCE = 1 << 26, MAX_STATEMENTS = 1000000 };

/* Of the scanner that flex makes. */
int lexer_scan(YYSTYPE *, YYLTYPE *, void *);
int yylex_init_extra(ParseContext *, void **);
struct yy_buffer_state *yy_scan_buffer(char *, size_t, void *);
int yylex_destroy(void *);
int yylex(YYSTYPE *, YYLTYPE *, ParseContext *);

void parse_error(ParseContext *context, Span span, const char *format, ...)
{
    char message[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (context->of_table) die("a default in a table, `%s`: %s", context->source, message);
    diagnose((Place){span, NULL}, "%s", message);
}

/* ---- brackets ------------------------------------------------------------------------------------------ */

static void open_bracket(ParseContext *context, char kind)
{
    if (context->open_count + context->signs == MAX_NESTING) {
        if (!context->stopped) parse_error(context, context->span, "nested too deeply; the limit is %d", MAX_NESTING);
        context->stopped = true;
        return;
    }
    if (kind == '{' && context->bodies == context->open_count)
        context->bodies++;
    else if (kind == '{')
        kind = 'm';
    context->open[context->open_count++] = (OpenBracket){kind, context->span};
}

/* Closes the innermost bracket that fits and, with it, those inside that were left open. What fits nowhere closes nothing. */
static void close_bracket(ParseContext *context, char closing)
{
    int least = closing == '}' ? 0 : context->bodies, i = context->open_count - 1;
    for (; i >= least; i--) {
        char kind = context->open[i].kind;
        if (closing == ')' ? kind == '(' : closing == ']' ? kind == '[' : kind == '{' || kind == 'm') break;
    }
    if (i < least) i = context->open_count - 1; /* of another kind: most likely mistyped */
    if (i < least || (closing == '}' && context->open_count == 0)) return;
    context->open_count = i;
    if (i < context->bodies) context->bodies = i;
}

void parse_enter_sign(ParseContext *context, Span span)
{
    if (context->open_count + ++context->signs <= MAX_NESTING) return;
    if (!context->stopped) parse_error(context, span, "nested too deeply; the limit is %d", MAX_NESTING);
    context->stopped = true;
}

/* ---- the stream of tokens ------------------------------------------------------------------------------ */

static int next_token(ParseContext *context, YYSTYPE *value)
{
    context->open_before = context->open_count;
    context->bodies_before = context->bodies;
    context->names_model = context->previous_kind == MODEL;
    context->previous_kind = context->kind;
    context->previous_span = context->span;
    context->kind = context->stopped || diagnostics_full() ? YYEOF : lexer_scan(value, &context->span, context->scanner);
    switch (context->kind) {
    case NAME: context->name = value->text; break;
    case YYEOF: context->span = (Span){(uint32_t)context->length, (uint32_t)context->length}; break;
    case '(':
    case '[':
    case '{': open_bracket(context, (char)context->kind); break;
    case ')':
    case ']':
    case '}': close_bracket(context, (char)context->kind); break;
    }
    return context->kind;
}

static bool at_line_start(const ParseContext *context, uint32_t at)
{
    while (at && (context->source[at - 1] == ' ' || context->source[at - 1] == '\t')) at--;
    return !at || context->source[at - 1] == '\n' || context->source[at - 1] == '\r';
}

static bool same_line(const ParseContext *context, uint32_t from, uint32_t to)
{
    size_t length = to - from;
    return !memchr(context->source + from, '\n', length) && !memchr(context->source + from, '\r', length);
}

/* Whether the parser can go on at the token read last, after an error in the body number context->level. */
static bool can_resume(ParseContext *context)
{
    int kind = context->kind;
    if (kind == YYEOF) return true;
    if (context->span.begin < context->resumed_at) return false;
    if (kind == '}') return context->bodies < context->level;
    if (!at_line_start(context, context->span.begin)) return false;
    if (kind == MODEL || kind == LET || kind == BLOCK || kind == REPEAT) {
        if (context->bodies > context->level) return false;
        context->open_count = context->bodies; /* a bracket before it was left open */
        return true;
    }
    return kind == NAME && context->open_count <= context->level;
}

int yylex(YYSTYPE *value, YYLTYPE *span, ParseContext *context)
{
    int kind = context->start;
    context->start = 0;
    if (kind) {
        *span = (Span){0, 0};
        return kind;
    }
    if (context->recovering) {
        while (!can_resume(context)) next_token(context, value);
        context->recovering = false;
        context->stopped = context->stopped || context->kind == YYEOF; /* what was open at the end is known by now */
        context->again = true;
        context->resumed_at = context->span.end;
        context->signs = 0;
        *span = (Span){context->span.begin, context->span.begin};
        return RECOVERED;
    }
    if (context->again)
        value->text = context->name; /* a statement begins with a name or a reserved word */
    else
        next_token(context, value);
    context->again = false;
    *span = context->span;
    return context->kind;
}

/* ---- the message of a syntax error --------------------------------------------------------------------- */

static const char *token_text(const ParseContext *context, int kind, Span span)
{
    uint32_t length = span.end - span.begin;
    if (kind == YYEOF) return "the end of the file";
    if (length > SHOWN)
        return memory_format("`%.*s...`", diagnostics_cut(context->source + span.begin, SHOWN), context->source + span.begin);
    return memory_format("`%.*s`", (int)length, context->source + span.begin);
}

static bool reserved(int kind)
{
    return kind == MODEL || kind == LET || kind == BLOCK || kind == REPEAT;
}

/* "a value, `,` or `)`" */
static const char *expected_text(const Expected *expected)
{
    const char *parts[16];
    int count = 0;
    if (expected->value) parts[count++] = "a value";
    if (expected->statement) parts[count++] = "a statement";
    if (expected->name && !expected->value && !expected->statement) parts[count++] = "a name";
    for (const char *c = "([{=:,)]}"; *c; c++) {
        bool begins_value = expected->value && strchr("([{", *c), after_statement = expected->statement && *c != '}';
        if (strchr(expected->punctuation, *c) && !begins_value && !after_statement) parts[count++] = memory_format("`%c`", *c);
    }
    const char *text = count ? parts[0] : "something else";
    for (int i = 1; i < count; i++) text = memory_format(i == count - 1 ? "%s or %s" : "%s, %s", text, parts[i]);
    return text;
}

static bool closes(const Expected *expected, char opening)
{
    return strchr(expected->punctuation, opening == '(' ? ')' : opening == '[' ? ']' : '}') != NULL;
}

static const char *previous_word(const ParseContext *context)
{
    return memory_copy(context->source + context->previous_span.begin, context->previous_span.end - context->previous_span.begin);
}

/* What to write instead, where the token is one that other languages have there; "": nothing is known. */
static const char *hint(const ParseContext *context, const Expected *expected)
{
    int kind = context->kind, previous = context->previous_kind;
    bool after_name = previous == NAME, in_parentheses = strchr(expected->punctuation, ')') && !strchr(expected->punctuation, ',');
    char first = context->source[context->span.begin];
    if (after_name && habit_is_python(previous_word(context))) return memory_format("; `%s` is Python's, and a model file holds nothing but statements such as dense(10)", previous_word(context));
    if (kind == ',' && !expected->value && in_parentheses) return "; a pair of sizes is 3x3 or [3, 3], other sizes stand by themselves, as in input(28, 28, 1)";
    if (kind == '(' && expected->statement && context->names_model) return "; `model` needs a name, as in `model digits`";
    if ((kind == ',' || kind == ':') && expected->statement) return "; a statement ends where its call ends";
    if (kind == '/' && expected->statement) return "; a comment begins with #";
    if (kind == '-' && expected->statement && after_name) return "; names are made of letters, digits and _";
    if (kind == '*' && previous == '*') return "; there are no powers, 2*2 is one";
    if (kind == STRING && expected->name && !expected->value) return "; names stand without quotes";
    if (kind == NAME && previous == NUMBER && (first == 'x' || first == 'X')) return "; a pair is written without spaces, as in 3x3";
    if (after_name && strchr("+-*/", kind) && strchr(expected->punctuation, '(') && !expected->statement)
        return "; tensors are added by a layer, as in add()(a, b)";
    return "";
}

void parse_syntax_error(ParseContext *context, const Expected *expected)
{
    context->recovering = true;
    context->level = context->bodies_before;
    context->signs = 0;
    if (context->stopped || context->kind == INVALID) return; /* reported already */

    const char *found = token_text(context, context->kind, context->span);
    const char *previous = token_text(context, context->previous_kind, context->previous_span);
    bool first = context->previous_kind == YYEMPTY;
    /* What is missing at the end of a line is reported there, not on the line that shows it. */
    bool next_line = !first && context->open_before <= context->level && !expected->statement &&
                     !same_line(context, context->previous_span.end, context->span.begin);
    bool at_previous = next_line || (!first && context->kind == YYEOF);
    if (reserved(context->previous_kind) && expected->name && (context->kind == '=' || context->kind == '(')) {
        const char *network = context->previous_kind == MODEL ? "; `model digits` names the network, and its layers follow as they are" : "";
        parse_error(context, context->previous_span, "%s is a reserved word; choose another name%s", previous, network);
    } else if (reserved(context->kind) && expected->name && !expected->statement && !at_previous) {
        parse_error(context, context->span, "expected %s; %s is a reserved word", expected_text(expected), found);
    } else if (context->previous_kind == '=' && expected->name && !expected->value) {
        parse_error(context,
                    at_previous ? context->previous_span : context->span,
                    "expected a layer, found %s; to name a number write `let name = ...`",
                    found);
    } else if (at_previous) {
        bool lone = context->previous_kind == NAME && strchr(expected->punctuation, '(') && !expected->value && context->open_before <= context->level;
        parse_error(context,
                    context->previous_span,
                    lone ? "expected %s after %s, found %s; a layer has parentheses, though nothing may stand in them" : "expected %s after %s, found %s",
                    expected_text(expected),
                    previous,
                    found);
    } else {
        parse_error(context, context->span, "expected %s, found %s%s", expected_text(expected), found, hint(context, expected));
    }
    if (context->open_before && !context->of_table) {
        OpenBracket open = context->open[context->open_before - 1];
        bool far = context->kind == YYEOF || !same_line(context, open.span.begin, context->span.begin);
        if (far && closes(expected, open.kind))
            diagnose_note((Place){open.span, NULL}, "this `%c` is still open", open.kind == 'm' ? '{' : open.kind);
    }
}

/* ---- builders -------------------------------------------------------------------------------------------- */

static Expression *expression_new(ExpressionKind kind, Span span)
{
    Expression *expression = NEW(Expression);
    expression->kind = kind;
    expression->span = span;
    return expression;
}

Expression *parse_number(double number, Span span)
{
    Expression *expression = expression_new(EXPRESSION_NUMBER, span);
    expression->number = number;
    return expression;
}

Expression *parse_pair(double first, double second, Span span)
{
    Expression *expression = expression_new(EXPRESSION_PAIR, span);
    expression->pair.first = first;
    expression->pair.second = second;
    return expression;
}

Expression *parse_negation(Expression *operand, Span span)
{
    Expression *expression = expression_new(EXPRESSION_NEGATE, span);
    expression->operands.left = operand;
    return expression;
}

Expression *parse_binary(char operation, Expression *left, Expression *right, Span operation_span)
{
    Expression *expression = expression_new(EXPRESSION_BINARY, operation_span);
    expression->operation = operation;
    expression->operands.left = left;
    expression->operands.right = right;
    return expression;
}

Expression *parse_text(ExpressionKind kind, const char *text, Item *items, Span span)
{
    Expression *expression = expression_new(kind, span);
    expression->call.text = text;
    expression->call.items = items;
    return expression;
}

Item *parse_item(const char *name, Span name_span, Expression *value)
{
    Item *item = NEW(Item);
    item->name = name;
    item->name_span = name_span;
    item->value = value;
    return item;
}

void parse_append_item(ItemList *list, Item *item)
{
    list->last->next = item;
    list->last = item;
}

void parse_append_argument(ParseContext *context, ItemList *list, Item *argument)
{
    if (list->last->name && !argument->name)
        parse_error(
            context, argument->name_span, "a positional argument after a named one; name this one too, or put it first");
    else
        parse_append_item(list, argument);
}

Statement *parse_statement(StatementKind kind, Span span, const char *name, Span name_span)
{
    Statement *statement = NEW(Statement);
    statement->kind = kind;
    statement->span = span;
    statement->name = name;
    statement->name_span = name_span;
    return statement;
}

void parse_append_statement(ParseContext *context, StatementList *list, Statement *statement)
{
    if (++context->statement_count > MAX_STATEMENTS) {
        if (!context->stopped) parse_error(context, statement->span, "the file has more than %d statements", MAX_STATEMENTS);
        context->stopped = true;
        return;
    }
    if (list->last)
        list->last->next = statement;
    else
        list->first = statement;
    list->last = statement;
}

/* ---- the parse ---------------------------------------------------------------------------------------------- */

static bool parse(ParseContext *context, const char *text, size_t length, int start)
{
    context->source = text;
    context->length = length;
    context->start = start;
    context->kind = context->previous_kind = YYEMPTY;
    context->text = memory_allocate(length + 2);
    memcpy(context->text, text, length);
    /* flex meets a zero byte with a search for the buffer's end, each time: it sees another control character instead. */
    for (char *zero = context->text; (zero = memchr(zero, 0, length - (size_t)(zero - context->text)));) *zero = 1;
    if (yylex_init_extra(context, &context->scanner)) memory_short(sizeof(void *));
    size_t mark = length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0; /* of byte order: some editors write it */
    yy_scan_buffer(context->text + mark, length - mark + 2, context->scanner);
    int result = yyparse(context);
    yylex_destroy(context->scanner);
    return result == 0;
}

/* Whether the first bytes are those of no text: a zero among four (safetensors), or what no character begins with (npy, PNG, gzip,
 * programs). Further behind each fault is reported in its place. */
static bool is_binary(const char *text, size_t length)
{
    unsigned char first = (unsigned char)*text;
    bool blank = first == '\t' || first == '\n' || first == '\r';
    return memchr(text, 0, length < 4 ? length : 4) || (first < 0x20 && !blank) || (first >= 0x7f && first < 0xc0);
}

Statement *parse_network(const char *text, size_t length)
{
    int errors = diagnostics_errors();
    ParseContext *context = NEW(ParseContext);
    if (length > MAX_SOURCE) {
        diagnose((Place){NO_SPAN, NULL}, "the file has %zu bytes; a model file has at most %d", length, MAX_SOURCE);
        return NULL;
    }
    if (length && is_binary(text, length)) {
        diagnose((Place){NO_SPAN, NULL}, "this is no text, and a model file is plain text; weights go with --weights=FILE; cnnc_convert.py makes a model file of Keras's model.keras");
        return NULL;
    }
    bool good = parse(context, text, length, START_NETWORK);
    if (diagnostics_errors() > errors || !good) return NULL;
    if (!context->statements)
        diagnose((Place){{0, 0}, NULL}, "the file describes no network; it begins like this: input(28, 28, 1)");
    return context->statements;
}

Expression *parse_expression(const char *text)
{
    ParseContext *context = NEW(ParseContext);
    context->of_table = true;
    parse(context, text, strlen(text), START_EXPRESSION);
    return context->expression;
}
