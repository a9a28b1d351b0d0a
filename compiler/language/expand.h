/* Between expand.c, evaluate.c and arguments.c: scopes and values while a network is expanded. */
#ifndef EXPAND_H
#define EXPAND_H

#include "cnnc.h"

enum {
    MAX_STEPS = 2000000,        /* statements executed and rounds of repeats, over all uses */
    MAX_EVALUATIONS = 25000000, /* expressions evaluated */
    MAX_VALUES = 3000000,       /* arguments and elements of lists: what they take of memory */
};

/* What a name stands for: a number (let), an argument of a block, a layer's output, or a block. */
typedef struct {
    Value value;
    Span span;              /* where it was defined */
    const Statement *block; /* NULL: a value */
    bool broken;            /* an error in its definition was reported: its uses stay silent */
    bool active;            /* of a block: its body is being expanded */
} Binding;

/* The numbering of layers: one for the network and one for each use of a block. Repeats share the one around them. */
typedef struct Naming {
    const struct Naming *outer; /* of the block's use, which has the name `use_name` there; NULL: the network */
    const char *use_name;
    Names taken; /* names given in the body, and automatic ones so far */
    Names bases; /* conv2d, dense, ... */
    int *next;   /* of each base: the number to try next */
    int next_capacity;
} Naming;

/* One for the network, each use of a block and each round of a repeat. */
typedef struct Scope {
    struct Expansion *expansion;
    struct Scope *parent; /* around the text of the body, not around its use; NULL: the network */
    const Statement *body;
    const Place *use;         /* of the body */
    int depth;                /* of uses within one another */
    bool in_block, in_repeat; /* in_repeat: rounds number the names in them */
    Names names;
    Binding *bindings; /* by the number of the name */
    int binding_capacity;
    Naming *naming;
    bool has_previous; /* some layer came before */
    Tensor *previous;  /* its output; NULL after an error */
} Scope;

/* Defaults of a row, evaluated when first wanted. */
typedef struct {
    const Entry *entry;
    Value *values;
} Defaults;

typedef struct Expansion {
    Graph *graph;
    Definition *definitions;
    int definition_count;
    bool stopped; /* a limit was passed */
    int64_t steps, evaluations, values;
    int layers, inputs;             /* layers made, and how many of them are inputs */
    Scope *scopes[MAX_NESTING + 2]; /* one for each depth, used again and again */
    Naming *namings[MAX_NESTING + 2];
    Defaults *defaults;
    int defaults_count, defaults_capacity;
    const Statement *model, *compile, *fit, *outputs; /* NULL: not met yet */
} Expansion;

/* scope.c */
Scope *scope_enter(Expansion *, int depth, Scope *parent, const Statement *body,
                   const Place *use); /* the scope of that depth, emptied */
Place scope_place(const Scope *, Span);
Binding *scope_find(Scope *, const char *name, Span use, Scope **home); /* NULL: unknown at the place of use */
Binding *scope_add(Scope *, const char *name, Span);                    /* NULL: there is one already (reported) */
bool scope_report_order(Scope *, const char *name, Place);   /* says so where it is defined further down; false: it is not */
void scope_report_unknown(Scope *, const char *name, Place); /* "unknown name; did you mean", or used before its definition */
Span expression_span(const Expression *);                    /* from the first byte to the last */
bool expansion_stops(const Expansion *);                     /* too many errors, or a limit was passed */
bool expansion_count(Expansion *, int64_t *counter, int64_t more, int64_t limit, Place, const char *what);
Naming *naming_enter(Expansion *, int depth, const Naming *outer, const char *use_name, const Statement *body);
const char *naming_local(Scope *, const Statement *); /* the name of a layer or of a block's use among its neighbours */
const char *naming_full(Scope *,
                        const Statement *); /* with those of the blocks around it, inception_1/a; NULL: too long, reported */

/* evaluate.c */
Span expression_span(const Expression *);            /* from the first byte to the last */
bool evaluate(Scope *, const Expression *, Value *); /* false: an error, reported */
const char *value_text(const Value *);               /* "the word `relu`", "a list": as messages name it */

/* arguments.c */
bool convert_value(Scope *, const char *callee, const Parameter *, const Value *from, Value *to);
Object *check_call(Scope *, const Entry *, const Item *arguments, Place call, Place name); /* NULL: an error, reported */

#endif
