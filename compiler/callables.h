/* What a network may call: the rows of the tables, their parameters, and calls whose arguments were checked against them. */
#ifndef CALLABLES_H
#define CALLABLES_H

#include "language/syntax.h"

typedef struct Object Object;
typedef struct Tensor Tensor;
typedef struct Value Value;

typedef enum {
    PARAMETER_SIZE,    /* a whole number */
    PARAMETER_PAIR,    /* two whole numbers; a lone n means n x n */
    PARAMETER_NUMBER,  /* a real number */
    PARAMETER_BOOLEAN, /* true or false */
    PARAMETER_WORD,    /* one of `words` */
    PARAMETER_STRING,  /* "text" */
    PARAMETER_OBJECT,  /* a row of `table`: adam, or adam(learning_rate=0.1) */
    PARAMETER_TENSOR,  /* the name of a layer */
    PARAMETER_MAP,     /* {0: 3, 7: 0.5}: whole numbers to numbers */
} ParameterType;

typedef struct Table Table;

/* One parameter of a callable thing. A row of a table, ended by a row whose name is NULL. */
typedef struct Parameter {
    const char *name;
    ParameterType type;
    const char *fallback;     /* the default as it would be written in the language; NULL: required; "none": may be absent */
    const char *help;         /* one line */
    double minimum, maximum;  /* of numbers and sizes, inclusive; both 0: no bound beyond the type's (sizes: 0 to 2^53);
                                 a maximum that is not above the minimum: no maximum (HUGE_VAL says the same) */
    bool above_minimum;       /* the minimum itself is excluded */
    bool below_maximum;       /* the maximum itself is excluded */
    const char *const *words; /* of PARAMETER_WORD, ended by NULL; of the other types: words allowed beside a value */
    const Table *table;       /* of PARAMETER_OBJECT; of PARAMETER_NUMBER what may stand in a number's place */
    bool list;                /* a list of such values; where one is written without brackets it is a list of one */
    bool rest;                /* takes all remaining positional arguments as a list: input(28, 28, 1) */
    bool none_is_fallback;    /* `none` is another way to write the default, as in Keras */
    bool per_output;          /* of a list: its items may be lists in turn, and a map from the names of the outputs serves as well */
} Parameter;

/* What every callable thing has: the first member of Layer, Optimizer, Loss, ... */
typedef struct Entry {
    const char *name;
    const char *help; /* one line: what it is; then, optionally, more lines */
    const Parameter *parameters;
    const char *alias_of; /* another spelling of that row, which holds the rest; else NULL */
} Entry;

struct Table {
    const char *kind; /* "layer", "optimizer": as a message names it */
    const Entry *const *entries;
    int count;
    bool (*check)(const Object *); /* of rows that stand as arguments: do their own arguments go together? NULL: always; reports */
};

typedef enum {
    VALUE_NONE,
    VALUE_NUMBER, /* number: also sizes, checked to be whole */
    VALUE_BOOLEAN,
    VALUE_PAIR,
    VALUE_WORD,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_OBJECT,
    VALUE_TENSOR,
    VALUE_MAP,  /* list: alternately key and value */
    VALUE_CALL, /* not yet checked against a table: only while arguments are evaluated */
} ValueKind;

/* An evaluated argument. */
struct Value {
    ValueKind kind;
    Place place;   /* where it was written; of a default: the call */
    bool written;  /* false: it is the default */
    const char *defined_by; /* of numbers: the name of the `let` that -D gave another value; NULL: none */
    union {
        double number;
        bool boolean;
        struct { int64_t first, second; } pair;
        const char *text;
        struct { Value *items; int count; bool lone; } list; /* lone: a single item, written without brackets */
        const Object *object;
        struct { Tensor *tensor; const char *tensor_name; }; /* the name as it was written */
        struct { const Expression *call; struct Scope *scope; };
    };
};

/* A call whose arguments were checked against its row: one value for each parameter, in the row's order. */
struct Object {
    const Entry *entry;
    const char *spelling; /* the name by which it was called: mse; NULL where no call was written */
    Value *values;
    Place place;      /* of the whole call */
    Place name_place; /* of the callee's name */
};

#endif
