/* What kernels ask choose.c, and what it remembers of the answers. */
#ifndef CNNC_CHOOSE_H
#define CNNC_CHOOSE_H

#include "cnnc.h"

/* ---- the questions ---- */

/* The work of a kernel for one sample: `times` products of matrices [rows][reduction] by [reduction][columns]. */
typedef struct {
    const char *kernel; /* the family: convolution, winograd, matmul */
    const char *phase;  /* NULL: the operator's suffix */
    int64_t rows, columns, reduction;
    double times;
    int lanes;          /* of the vectors that lie along the columns; 0: the level's */
    int most_vectors;   /* of a tile, so that threads find enough groups of columns to share; 0: any number */
    bool bias;          /* each sum begins with the bias of its column */
    bool whole;         /* the reduction runs as a whole: a tile's part of the right matrix passes the caches for each tile anew */
} Work;
Tile choose_tile(Emit *, const Node *, Work);                            /* rows and vectors of the register tile */
Tile choose_only(Emit *, const Node *, Work, Tile, const char *because); /* a tile to which there is no alternative: for the record */

/* One way of several to the same results. */
typedef struct {
    const char *name;
    double cost;           /* in multiply-adds for one sample, or what takes as long */
    const char *hindrance; /* why it cannot be gone here; NULL: it can */
} Way;
int choose_way(const Graph *, const Node *, bool gradients, const Way *, int count); /* its number; at least one can be gone. For the forward pass of all programs, or for all gradients of the layer, or for the gradient that the node is */

/* ---- the answers ---- */

enum { MOST_CANDIDATES = 8 };
/* An answer on the record. One is given for each layer, pass, kind of program and level; ways, which decide about memory too, are
 * the same for all levels. */
typedef struct {
    const char *layer, *pass, *program;
    const Operator *op; /* of the node that asks; NULL: all nodes of the layer's gradients */
    const Level *level; /* NULL: the choice of a way */
    Work work;          /* of a tile */
    const char *answer; /* 6x2, or a way's name */
    const char *because;
    bool planned;       /* by a line of the plan */
    double cycles;      /* predicted, for one sample; of a way the multiply-adds */
    double share;       /* of the peak */
    const char *candidates[MOST_CANDIDATES]; /* what is worth being measured, the model's own choice first */
    int candidate_count;
} Choice;

/* What a plan says: one line of its file. */
typedef struct {
    const char *layer, *pass, *program, *level; /* level: "all" for ways */
    const char *answer, *sizes;                 /* sizes: of tiles, 24x64x288: rows, columns, reduction */
    int line;
    bool used, refused; /* refused: once is enough */
} Planned;

struct Choices {
    const char *file; /* of the plan, for messages; NULL: none */
    Planned *planned;
    int planned_count, planned_capacity;
    Names planned_names; /* "layer pass program level" */
    Choice *choices;
    int choice_count, choice_capacity;
    Names choice_names;
    Text errors;
    int error_count;
};

Choices *choices_new(void);
Choices *choices_apart(const Choices *); /* with the same plan and a record of its own */
const char *choice_name(const char *layer, const char *pass, const char *program, const char *level); /* under which both are found */
const char *choice_level(const Choice *);                                                             /* as plans say it */
const char *work_sizes(const Work *);
const char *program_kind(Program);                                                                    /* predict, batch, train */
void choices_error(Choices *, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* choices_file.c: the text of a plan */
void choices_plan(Choices *, const Planned *);                                  /* adds a line */
void choices_read(Choices *, const char *file, const char *text, size_t length); /* adds all; errors are kept */
const char *choices_unfit(Choices *, const Generation *);                        /* once all is emitted: all errors as text, or NULL */

/* tune.c */
const char *tune_plan(const CompileInput *); /* measures; the text of a plan, NULL after errors */

/* kernels_summary.c */
void print_kernels(FILE *, const Generation *);

#endif
