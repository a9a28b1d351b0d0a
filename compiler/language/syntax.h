/* The text of a network and its syntax tree. */
#ifndef SYNTAX_H
#define SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Expression Expression;

/* ---- places in the source ------------------------------------------------------------------- */

/* A stretch of the source file: byte offsets, `end` exclusive. */
typedef struct { uint32_t begin, end; } Span;
#define NO_SPAN ((Span){UINT32_MAX, UINT32_MAX}) /* the file as a whole: no line is shown */

/* Where something stands, and for what stands in the body of a block or repeat: where that was used. */
typedef struct Place {
    Span span;
    const struct Place *use; /* NULL outside bodies */
} Place;

/* ---- the syntax tree (parser.y builds it, expand.c walks it) ---------------------------------- */

typedef enum {
    EXPRESSION_NUMBER,   /* number */
    EXPRESSION_PAIR,     /* pair: the token 3x3 */
    EXPRESSION_STRING,   /* text */
    EXPRESSION_NAME,     /* text: a let, a tensor, or a word such as relu, true, none */
    EXPRESSION_NEGATE,   /* left */
    EXPRESSION_BINARY,   /* operation, left, right */
    EXPRESSION_LIST,     /* items: the values; names unused */
    EXPRESSION_MAP,      /* items: alternately key and value */
    EXPRESSION_CALL,     /* text: the callee; items: the arguments, named ones with a name */
} ExpressionKind;

/* An argument of a call, or an element of a list or map. */
typedef struct Item {
    const char *name; /* of a named argument, else NULL */
    Span name_span;
    Expression *value;
    struct Item *next;
} Item;

struct Expression {
    ExpressionKind kind;
    char operation; /* of EXPRESSION_BINARY: + - * / */
    Span span;      /* the whole expression; of EXPRESSION_BINARY the operator */
    union {
        double number;
        struct { double first, second; } pair;
        struct { const char *text; Item *items; } call; /* also name, string, list, map; a callee stands at the span's begin */
        struct { Expression *left, *right; } operands;
    };
};

typedef enum {
    STATEMENT_MODEL,  /* name */
    STATEMENT_LET,    /* name = value */
    STATEMENT_CALL,   /* [name =] value (a call) [(inputs)] */
    STATEMENT_BLOCK,  /* name(parameters) { body } */
    STATEMENT_REPEAT, /* value { body } */
} StatementKind;

typedef struct Statement {
    StatementKind kind;
    Span span;
    const char *name; /* NULL where a call is not named */
    Span name_span;
    Expression *value;
    bool has_inputs; /* a second pair of parentheses was written */
    Item *inputs;
    Item *parameters; /* of a block: name, and a default or NULL as value */
    struct Statement *body;
    struct Statement *next;
} Statement;

#endif
