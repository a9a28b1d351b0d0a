/* Calls drawn at random from the compiler's tables: a new row, or a new parameter of one, is drawn without anybody's doing. */
#ifndef DRAW_H
#define DRAW_H

#include "cnnc.h"

/* A sequence of random numbers: all that is drawn is a function of the seed. */
typedef struct {
    uint64_t key;
    uint32_t drawn;
    int depth; /* of the call that is drawn, within others */
} Random;

Random random_begin(uint64_t seed);
uint32_t random_below(Random *, uint32_t limit);
bool random_one_in(Random *, uint32_t count);

/* What the arguments may refer to. */
typedef struct {
    const Shape *input;        /* of the layer: sizes that keep its numbers can be drawn then; NULL: unknown */
    const char *const *layers; /* names for parameters that take one */
    int layer_count;
    bool wild;                 /* also what the table forbids */
} DrawContext;

const Entry *draw_entry(Random *, const Table *); /* a row that is no alias of another */
void draw_call(Random *, const DrawContext *, Text *, const Entry *); /* name(arguments) */
bool draw_argument(Random *, const DrawContext *, Text *, const Parameter *); /* a value; false: none can be given, nothing is written */

#endif
