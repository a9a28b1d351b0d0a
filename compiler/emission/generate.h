/* What the files that write whole files share. */
#ifndef CNNC_GENERATE_H
#define CNNC_GENERATE_H

#include "emission/emit.h"

extern const char vector_text[], winograd_text[], winograd_tiles_text[], random_text[], transform_text[], packing_text[], timing_text[], selftest_text[], blob_text[]; /* runtime/vector.h and so on as text; the Makefile makes them */

/* ports.c */
const char *port_name(const Generation *, Tensor *const *ports, int count, int number, const char *what); /* input, or input_<name> where there are several */
const char *input_name(const Generation *, Program, int number); /* of a network's input: a frame in `step`, where it is a sequence */
void add_shape(Text *, const Shape *); /* its rank and sizes */
void add_port(Text *, const Tensor *); /* a row of the trainer's table */

/* header.c: the scratch memory that the header's macros promise; of training what all its functions need. */
bool goes_singly(const Generation *); /* predict_batch takes one sample after the other */
int64_t batch_arena_bytes(const Generation *);
int64_t training_arena_bytes(const Generation *);

/* driver.c: the functions that call a program's phases in order. */
const char *driver_parameters(const Generation *, Program, bool bytes, bool public); /* the parameters of a program's functions, as text */
const char *driver_arguments(const Generation *, Program);
void emit_driver(Emit *, const Generation *, const Graph *, const char *name); /* of the phases that were emitted */

/* summary.c: what the nodes of each layer hold and cost. */
typedef struct { int64_t parameters, trainable, macs; } LayerCost;
LayerCost *layer_costs(const Graph *source);
const char *number_with_commas(int64_t);
int64_t state_bytes(const Graph *step); /* what a sequence keeps between its frames */

int add_features(Text *, const Generation *); /* features.c; returns how many there are */
Generation *layers_generation(const Generation *); /* features.c: of the network with all layers for outputs; its programs are still to be compiled */

/* runtime_parts.c */
const char *used_paragraphs(const char *header, const char *code, int lanes, const Level *); /* copies of the functions and types of a runtime header that the code uses, for vectors of `lanes` floats at a level; level NULL: as they are */

/* frame.c: what emitted code stands on. */
void add_extensions(Text *); /* behind the includes: -Wpedantic is told what is meant so */
const char *generate_frame(const Generation *, const char *code); /* includes, macros, random numbers: what the code needs of them */
const char *level_code(const Emit *);                             /* what was emitted for a level, with the vectors that it uses */
void add_section(Text *, const Target *, const Level *, const char *code); /* the code of a level, for those machines only that can have it */
void add_level_function(Text *, const Generation *); /* level(), the best that this machine has */
void add_choice(Text *, const Generation *, const char *indent, const char *driver, const char *arguments, bool returns); /* the call of the best level's driver */

/* sections of model.c */
const char *generate_selftest(const Generation *); /* selftest.c: what stands behind the network */
void emit_pieces(Emit *, const Generation *, const Graph *); /* driver.c: --pauses */
const char *pieces_fields(const Generation *); /* of its struct: what predict is told, */
const char *pieces_begin(const Generation *);  /* and the lines that set them */

/* trained weights: baked.c, blob.c */
extern const char little_endian_only[];
const float *packed_image(const Generation *); /* the struct of packed weights as it lies in memory */
void add_baked(Text *, const Generation *);
void add_blob_header(Text *, const Generation *);
void add_blob_function(Text *, const Generation *);

#endif
