/* Between lexer.l, parser.y and parse.c: the state of one parse and the builders that the grammar calls. */
#ifndef PARSE_H
#define PARSE_H

#include "cnnc.h"

/* Lists while they grow at their end. */
typedef struct {
    Item *first, *last;
} ItemList;
typedef struct {
    Statement *first, *last;
} StatementList;

/* A bracket that waits for its partner: `(`, `[`, `{` of a body, or `m`, the brace of a map. */
typedef struct {
    char kind;
    Span span;
} OpenBracket;

typedef struct ParseContext {
    const char *source; /* as it was read */
    char *text;         /* a copy with two zero bytes, for the scanner; it writes into it */
    size_t length;
    void *scanner;
    int start;     /* the first token: says whether a network or an expression follows; 0 when it was given */
    bool of_table; /* parses a default of a table: an error is the compiler's fault */
    Names names;   /* each name once */
    OpenBracket open[MAX_NESTING];
    int open_count;
    int bodies;                     /* how many of them are bodies: these come first */
    int open_before, bodies_before; /* as they were before the token read last */
    int signs;                      /* unary signs that wait for their operand */
    bool stopped;                   /* nothing more is read: nested too deeply, or recovery came to the end */
    /* The token read last, which recovery may give to the parser a second time, and the one before. */
    int kind, previous_kind;
    Span span, previous_span;
    const char *name;    /* its text where it is a NAME */
    bool names_model;    /* before the two stood `model` */
    bool python_told;    /* model.add and its like were met */
    bool again;          /* give the token to the parser again */
    bool recovering;     /* after a syntax error: skip to where a statement begins */
    int level;           /* the bodies that the parser was in at the error */
    uint32_t resumed_at; /* one past the token where the last recovery ended: the next must end later */
    int statement_count;
    Statement *statements;
    Expression *expression;
} ParseContext;

/* What a syntax error says would have been right. */
typedef struct {
    bool statement, value, name;
    char punctuation[10]; /* a string */
} Expected;

void parse_syntax_error(ParseContext *, const Expected *); /* at the token read last */
void parse_error(ParseContext *, Span, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Builders. */
Expression *parse_number(double, Span);
Expression *parse_pair(double first, double second, Span);
Expression *parse_negation(Expression *, Span);
Expression *parse_binary(char operation, Expression *left, Expression *right, Span operation_span);
Expression *parse_text(ExpressionKind, const char *text, Item *items, Span);
Item *parse_item(const char *name, Span name_span, Expression *value);
void parse_append_item(ItemList *, Item *);
void parse_append_argument(ParseContext *, ItemList *, Item *); /* no positional one after a named one */
Statement *parse_statement(StatementKind, Span, const char *name, Span name_span);
void parse_append_statement(ParseContext *, StatementList *, Statement *); /* counts them against MAX_STATEMENTS */
void parse_enter_sign(ParseContext *, Span);                               /* counts unary signs against MAX_NESTING */

#endif
