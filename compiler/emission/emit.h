/* What emit.c shares with the kernels and the generator of files; layers need only cnnc.h. */
#ifndef CNNC_EMIT_H
#define CNNC_EMIT_H

#include "cnnc.h"

enum { MAX_BINDINGS = 256, BINDING_SLOTS = 1024 };
typedef struct { char hole[16]; char *text; size_t length, room; } Binding;
typedef struct { const char *name, *parameters, *body; } Function;

struct Emit {
    EmitOptions options;
    const Level *level;
    Level narrow; /* what `level` points to while a phase has shorter vectors, */
    const Level *full; /* and what it does otherwise */
    const Graph *graph; /* the program that is being emitted */
    Binding bindings[BINDING_SLOTS]; /* open addressing by the hole's name; none is ever removed */
    int binding_count;
    Text body; /* of the phase begun, before indentation */
    Text prologue; /* lines at its head */
    Text whole; /* both */
    Text text; /* of all functions */
    bool single; /* for exactly one sample: no loop over samples */
    bool too_large;
    const Node *node;
    Declared declared[MAX_OPERANDS];
    bool declared_set[MAX_OPERANDS];
    PhaseCall current;
    PhaseCall *calls; /* of this program and level, in order */
    int call_count, call_capacity;
    Function *functions; /* of this level */
    int function_capacity;
    Names function_names; /* with their numbers in `functions` */
};

void emit_begin_level(Emit *, const Level *);
void emit_narrow(Emit *, int64_t columns); /* before phase_begin: until phase_end vectors are as short as serves that many columns */
void emit_begin_program(Emit *, const Graph *);
const char *item_type(const Tensor *, bool written); /* of one number, as C says it */
void fill_index(Emit *, const char *index); /* $I, the number of a number in the batch, from what it is in the operand: a uint32_t */
const char *load_text(const Emit *, const char *address, int lanes);
const char *further_load(const Emit *, const Tensor *further, const char *name, const char *subscript, int lanes); /* of an element-wise node's further input, at a place of the output */
void emit_store(Emit *, const char *address, const char *value, int lanes);

#endif
