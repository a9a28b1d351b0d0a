/* Recurrent layers: what a cell (simple_rnn, lstm, gru) tells the kernels, which have the loops over steps, samples and tiles. */
#ifndef CNNC_RECURRENT_H
#define CNNC_RECURRENT_H

#include "kernels.h"

typedef struct Cell Cell;

/* A recurrent layer: the detail of its node. */
typedef struct {
    const Cell *cell;
    int64_t steps, units;
    bool bias;
    bool sequences; /* gives its output at every step, not at the last only */
    bool backwards; /* takes the steps from the last to the first */
    bool stateful;  /* in training a sequence begins with what the batch before left */
    double dropout; /* the share of its outputs that is left out on the way to the next step, in training */
    bool turned;    /* the last of its outputs stands first: where it goes backwards they stand where their inputs do */
    const Object *activation, *recurrent_activation; /* NULL: none */
} Recurrent;

/* Where the lines of a cell stand: n is the sample, m its number in the group, `at` the place of the step in the input, t the step's
 * number, j the first of `lanes` units. */
typedef struct {
    Emit *e;
    const Recurrent *recurrent;
    int lanes;
    bool keeps; /* forward: for the gradient that will follow */
    bool continues; /* sequences begin where others ended */
    bool asks;  /* for what it will touch at the next step, whose place is `next` */
    bool drops; /* what the recurrent kernel is multiplied by is h with some units left out, `dropped` */
} CellLines;

/* A product with the recurrent kernel, gates first to last - 1, from which the lines of the stage take their sums. Backward, behind the
 * lines of the stage: d_<left> becomes the gradients of these gates times the kernel's transpose, plus what it was where `adds`. */
typedef struct { const char *left; int first, last; bool adds; } CellStage;

enum { MOST_ARRAYS = 4, MOST_STAGES = 2 };
struct Cell {
    int gates;          /* columns of the kernels: so many times the units */
    int bias_rows;      /* 2: one for the product with the input, one for that with the output of the step before */
    int stages;
    CellStage stage[MOST_STAGES];
    const char *arrays[MOST_ARRAYS];   /* of units, for each sample: h, which is the output, what else lasts from step to step, */
    int states;                        /* these being so many, and scratch of a step */
    const char *start;                 /* backward: that one of `states` as it was before the first step; NULL: none */
    bool reads_before;                 /* backward: h as it was before the step, as well as what of it the product reads */
    const char *d_arrays[MOST_ARRAYS]; /* the same of gradients */
    const char *kept[2];    /* what the gradient needs of each step beside the gates and h before it: units each */
    int lefts;              /* left sides of the product with the recurrent kernel, for its gradient: 1, or 2, kept as previous[0] and [1] */
    bool d_inner;           /* its gradient is not that of the sums with the input: kept as d_inner[lefts] */
    const char *formula;
    /* One step in double: x, the product with the input, to h, the new output, and state, what lasts beside it. */
    void (*reference)(const Recurrent *, const double *x, const double *kernel, const double *bias, const double *before, double *h, double *state);
    void (*forward)(const CellLines *, int stage);
    void (*backward)(const CellLines *, int stage); /* given the vector d, the gradient of h */
};

/* recurrent.c: the layer */
Tensor *recurrent_build(Graph *, const LayerCall *, const Cell *);
double recurrent_sum(const Recurrent *, const double *left, const double *kernel, int64_t column); /* for `reference` */
double recurrent_apply(const Object *activation, double x);

/* What lines are made of: `name` is a vector that they declare, `place` an element such as c[m][j]. */
void cell_load(const CellLines *, const char *name, const char *place);
void cell_store(const CellLines *, const char *place, const char *name);
void cell_keep(const CellLines *, const char *array, const char *name); /* for the gradient, one of `kept` */
void cell_kept(const CellLines *, const char *name, const char *array); /* loads it, backward */
void cell_input(const CellLines *, const char *name, int gate);         /* the product with the input, with its bias */
void cell_left(const CellLines *, const char *name);                    /* h as the recurrent kernel is multiplied by it */
void cell_inner(const CellLines *, const char *name, int gate);         /* the product with h, with its bias where that has one of its own */
void cell_gate(const CellLines *, const char *name, int gate, const Object *activation); /* changes the sum to the gate's value, and keeps it */
void cell_activate(const CellLines *, const char *name, const Object *activation);
/* Backward: */
void cell_value(const CellLines *, const char *name, int gate, const Object *activation);      /* the gate's value, as it was kept */
void cell_derive(const CellLines *, const char *name, int gate, const Object *activation);     /* changes a gate's gradient to that of its sum */
void cell_derive_at(const CellLines *, const char *name, const char *input, const char *output, const Object *activation);
void cell_before(const CellLines *, const char *name, const char *array);                      /* of `kept`, a step before; before the first what the sequence began with */
void cell_previous(const CellLines *, const char *name);                                       /* h a step before */
void cell_mask(const CellLines *, const char *name);                                           /* of h makes `dropped`, and of the gradient of that the one of h */
void cell_give(const CellLines *, int gate, const char *name);                                 /* the gradient of a gate's sum with the input */
void cell_give_inner(const CellLines *, int gate, int left, const char *name);                 /* and of its product with h, where that differs */

/* recurrent_forward.c, recurrent_backward.c */
typedef struct {
    int64_t padded, gates, sums; /* numbers of a row: of the units, of all gates, of the sums; the first and the last fill panels */
    int64_t groups, rows;        /* of samples, and the most samples of one */
} RecurrentSizes;
RecurrentSizes recurrent_sizes(const Graph *, const Recurrent *);
bool recurrent_drops(const Graph *, const Recurrent *); /* units, in this program? */
bool recurrent_continues(const Graph *, const Recurrent *); /* where the batch before ended, in this program? */
LeftOut recurrent_left_out(const Graph *, const Recurrent *); /* `previous` has no row for the first step where all begin with zeros */
const char *recurrent_previous(const Graph *, const Recurrent *, const char *at); /* the place of a step in `previous`, as text */
void recurrent_mask(Emit *, const Node *);              /* at the head of a function, for cell_mask */
Tile recurrent_tile(Emit *, const Node *, int64_t columns, int64_t reduction);
void recurrent_step_begin(Emit *, const Recurrent *, bool forward); /* opens the loop over steps t; `at` is the place of the step, and of batches `next` that of the one that follows */
void recurrent_begin(Emit *, const Recurrent *, int64_t work); /* the holes, and the group's samples: from, rows; `work` floats for a task */
void recurrent_arrays(Emit *, const RecurrentSizes *, const char *const *names, int first, int64_t *offset); /* in the task's workspace, from the first one on */
void recurrent_rows_begin(Emit *); /* loops over m and n */
void recurrent_product(Emit *, const char *matrix, const char *left, int64_t row, int64_t reduction, int64_t first_column, int64_t last_column, const char *to, bool adds, Tile);
void recurrent_elements(Emit *, const Node *, void (*lines)(const CellLines *, int), int stage, bool keeps, const char *start); /* the loop over units; start: a line at its head */
const char *recurrent_output(const Recurrent *); /* the place of a step's output in a sequence, as text */
int64_t recurrent_forward_workspace(const Graph *, const Node *); /* floats for one task */
int64_t recurrent_backward_workspace(const Graph *, const Recurrent *);
int64_t recurrent_bias_sums(const Graph *, const Recurrent *); /* of all groups */
void recurrent_forward_emit(Emit *, const Node *);
void recurrent_backward_emit(Emit *, const Node *);

#define RECURRENT_INITIALIZERS                                                                                                 \
    {.name = "use_bias", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether a bias is added to each sum"},        \
    {.name = "kernel_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "glorot_uniform", .help = "how the kernel, for the input, is drawn at first"}, \
    {.name = "recurrent_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "orthogonal", .help = "how the recurrent kernel, for the output of the step before, is drawn at first"}, \
    {.name = "bias_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "zeros", .help = "how the bias is drawn at first"}
#define RECURRENT_OPTIONS                                                                                                      \
    REGULARIZER_PARAMETER("kernel", "the kernel"),                                                                             \
    REGULARIZER_PARAMETER("recurrent", "the recurrent kernel"),                                                                \
    REGULARIZER_PARAMETER("bias", "the bias"),                                                                                 \
    REGULARIZER_PARAMETER("activity", "what the layer gives"),                                                                 \
    {.name = "dropout", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .fallback = "0", .help = "the share of the input's features that is left out in training, the same at all steps"}, \
    {.name = "recurrent_dropout", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .fallback = "0", .help = "the share of a step's outputs that is left out on the way to the next step in training, the same at all steps and for all gates"}, \
    {.name = "seed", .type = PARAMETER_SIZE, .fallback = "none", .help = "for random numbers of its own; none: those of the training"}, \
    {.name = "return_sequences", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "the output of every step, not of the last only"}, \
    {.name = "go_backwards", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "takes the steps from the last to the first, and gives its outputs in that order"}, \
    {.name = "stateful", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "in training each sequence goes on where the one at its place in the batch before ended; elsewhere all begin with zeros, and the function step of the C goes on from frame to frame"}, \
    {.name = "unroll", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "of no effect: the loop over the steps is part of the code"}

#endif
