/* The kernel families: each a file, written once for every vector length. Layers hand them sizes; epilogues come with
 * the node. All of them stand on the register tile: sums of `rows` numbers by `vectors` vectors that stay in registers
 * over the whole reduction. */
#ifndef CNNC_KERNELS_H
#define CNNC_KERNELS_H

#include "passes/choose.h"
#include "emission/emit.h"

/* A parameter of all layers of images. */
#define SEED_PARAMETER {.name = "seed", .type = PARAMETER_SIZE, .fallback = "none", .help = "for random numbers of its own; none: those of the training"}
#define DATA_FORMAT_PARAMETER                                                                                                  \
    {.name = "data_format", .type = PARAMETER_WORD, .words = (const char *const[]){"channels_last", NULL}, .fallback = "channels_last", .help = "the order of the axes: the channels stand last"}

/* places.c: whether the node's input has `axes` of them (2: an image, 1: a sequence) and channels; reports it where not */
bool places_given(const Node *, const char *name, int axes);

/* tile.c */
void tile_pointers(Emit *, int vectors, const char *first, int64_t panel, const char *matrix, const char *row); /* b0, b1, ...: the vectors from number `first` on, in packed weights */
void tile_begin(Emit *, int rows, int vectors, const char *initial); /* declares the sums; initial has $T and $V */
void tile_step(Emit *, int rows, int vectors, const char *a, const char *b); /* sums += a * b; a, a number, has $T; b, a vector, has $V */
void tile_end(Emit *, const Node *, int rows, int vectors, int last_lanes, const char *subscript, const char *index, const char *output); /* epilogue and store; subscript and index have $T and $V */

/* A run of numbers, in vectors as long as they get: from the address `from`, through the node's epilogue, to `output`; all have j, the place
 * in the run. */
void run_emit(Emit *, const Node *, int64_t count, const char *from, const char *output, const char *subscript, const char *index);

/* A run of numbers in any other way: the lines for a whole vector in a loop, then those for the rest, of which `lanes` numbers exist. The
 * variable `place` counts; $WHOLE is where the rest begins. */
typedef void RunLines(Emit *, const Node *, int lanes, const void *context);
void run_lines(Emit *, const Node *, const char *place, int64_t count, RunLines *, const void *context);
/* A run by parts of `part` numbers, of which the last may have fewer; in a phase whose extent is their number, those from low to high. */
void run_parts(Emit *, const Node *, const char *place, int64_t count, int part, RunLines *, const void *context);

/* Loops over groups of vectors, such that the last vector, where it or its panel is not full, stands in a group of its own. */
typedef struct { int64_t first, end; int vectors; int last_lanes; } VectorGroup; /* vectors first, first + vectors, ... below end */
int vector_groups(const Emit *, int64_t columns, int vectors, VectorGroup groups[2]);
const char *group_first(const VectorGroup *);  /* as text: the number of the first vector, k in a loop */
void group_begin(Emit *, const VectorGroup *); /* opens a block in which $G is the number of the first vector */
void group_end(Emit *);

/* convolution.c, convolution_weights.c, convolution_scatter.c: correlation of images with a bank of small kernels, as deep learning calls convolution */
typedef struct {
    int64_t height, width, channels;          /* of the input */
    int64_t rows, columns, filters;           /* of the output */
    int64_t kernel_height, kernel_width;
    int64_t stride_height, stride_width;
    int64_t pad_top, pad_left;                /* zeros before the first row and column */
    int64_t spread_height, spread_width;      /* distance of the input's rows and columns: above 1 zeros lie between them */
    int64_t dilation_height, dilation_width;  /* distance of the pixels under neighbouring places of the kernel */
    int64_t groups;                           /* each filter sees only the channels of its group */
    bool lanes;                               /* each lane of a vector is a filter with channels of its own: convolution_lanes.c */
    bool laid_out;                            /* of these: rows are laid out, though they could be read where they are */
    int tile;                                 /* Winograd's tiles of 2x2 or 4x4 results; 0: directly */
    bool sparse;                              /* of gradients: only what is not zero of d_y, once the pooling behind is absorbed */
    bool along_rows;                          /* Winograd's tiles lie along rows only */
    bool flat_rows;                           /* vectors lie along rows of results, pixel by filter: convolution_flat.c */
    bool pooled;                              /* only the largest of each 2x2 results is kept: a max-pooling done on the way */
} Convolution;
/* The way it is chosen to be computed, as its `tile`, `along_rows`, `flat_rows` and `sparse` say: for the forward pass the same in all programs, or for
 * the gradients, given d_y. */
Convolution convolution_chosen(const Graph *, const Node *forward, const Tensor *d_output);
/* convolution_shape.c */
Convolution *convolution_windows(Node *, int axes); /* the detail, with as many filters as channels and one group, by kernel_size, strides, padding and dilation_rate; axes 1: of sequences; NULL after errors */
Convolution convolution_pointwise(const Shape *image, int64_t filters); /* the detail of one by 1 x 1 */
bool convolution_groups(const Node *, Convolution *, int64_t groups); /* false after errors */
Tensor *convolution_weight(Graph *, Node *, const char *name, const char *argument, const Shape *); /* adds one, its arguments being ARGUMENT_initializer and ARGUMENT_regularizer */
void convolution_weights(Graph *, Node *, const char *kernel, const char *argument, const Shape *, bool bias); /* a kernel of that name, as convolution_weight adds it, and perhaps a bias; then convolution_derive */

/* convolution_forward.c, convolution_gradients.c: what the operator of a layer that convolves is made of. Its `shape` sets the detail to
 * a Convolution, adds the weights kernel [height][width][channels][filters] and perhaps bias, and calls convolution_derive. */
void convolution_derive(Graph *, Node *);
int64_t convolution_macs(const Node *);
void convolution_reference(const Node *, Reference *);
void convolution_forward_workspace(Graph *, Node *);
bool convolution_absorb(Graph *, Node *, Node *reader);
void convolution_forward_emit(Emit *, const Node *);
const char *convolution_formula(const Node *);
void convolution_gradient(Graph *, Node *, Tensor *d_output);

bool convolution_is_padded(const Convolution *);
int64_t convolution_workspace(const Convolution *); /* floats for one task: the rows under the kernel, padded; 0: none */
void convolution_emit(Emit *, const Node *, const Convolution *, const char *from, const char *kernel, const char *bias, const char *to); /* names of the operands, bias may be NULL; uses work where there is padding */
int64_t convolution_weight_gradient_sums(const Convolution *, int64_t panel); /* floats of one shard */
void convolution_weight_gradient_emit(Emit *, const Node *, const Convolution *); /* x, d_y -> d_kernel, by way of shards; uses work where there is padding */
void convolution_transpose_emit(Emit *, const Node *, const Convolution *, const char *to, bool turned); /* kernel -> the operand `to` */
void convolution_transpose_groups_emit(Emit *, const Node *, const Convolution *, bool to_lanes, const char *to); /* the same of a grouped convolution, turned */
Way convolution_gather_way(const Convolution *);               /* the gradient of the input as a transposed convolution, */
Way convolution_scatter_way(const Convolution *);              /* or by scattering d_y */
int64_t convolution_scatter_workspace(const Convolution *);    /* floats for one task */
int64_t convolution_scatter_kernel_floats(const Convolution *, int64_t panel); /* of turned, which is laid out in another way then */
void convolution_scatter_emit(Emit *, const Node *, const Convolution *); /* d_y kernel -> d_x */

/* convolution_sparse.c: all gradients of what a max-pooling and a rectifier follow */
Way convolution_sparse_way(const Convolution *, int64_t panel, bool pooled, bool rectified);
int64_t convolution_sparse_workspace(const Convolution *);     /* floats for one task, beside its sums, */
int64_t convolution_sparse_sums(const Convolution *);          /* which are so many */
int64_t convolution_sparse_kernel_floats(const Convolution *); /* of turned */
void convolution_sparse_gradients_emit(Emit *, const Node *, const Convolution *); /* x d_y kernel selected -> d_x d_kernel d_bias, of which the node has some, by way of shards and tiles */

/* convolution_flat.c: with few filters, vectors along rows of results. u: the kernel's numbers repeated, an operand of its own */
Way flat_rows_way(const Convolution *, int64_t panel);
int64_t flat_rows_workspace(const Convolution *, int64_t panel, bool gradient); /* floats for one task, forward or of the gradient of the weights */
Shape flat_rows_kernel_shape(const Convolution *, int64_t panel);
void flat_rows_kernel_emit(Emit *, const Node *, const Convolution *, const char *kernel, const char *to); /* kernel -> u, both operands by name */
void flat_rows_kernel_values(const Convolution *, int64_t panel, const float *packed, float *to);          /* the same while compiling */
void flat_rows_emit(Emit *, const Node *, const Convolution *, const char *from, const char *kernel, const char *bias, const char *to);
int64_t flat_rows_gradient_sums(const Convolution *, int64_t panel); /* floats of one shard */
void flat_rows_weight_gradient_emit(Emit *, const Node *, const Convolution *); /* x d_y -> d_kernel, by way of shards and work */

/* local.c: a kernel of its own at each place; kernel [rows * columns][kernel_height * kernel_width * channels][filters], bias like y */
void local_emit(Emit *, const Node *, const Convolution *, const char *bias); /* x kernel -> y */
int64_t local_turned_floats(const Convolution *);
void local_input_gradient_emit(Emit *, const Node *, const Convolution *);  /* d_y kernel -> d_x; turned */
void local_weight_gradient_emit(Emit *, const Node *, const Convolution *); /* x d_y -> d_kernel */

/* winograd.c, winograd_gradient.c: 3x3 convolutions with fewer multiplications. u: the transformed kernel, an operand of its own */
Way winograd_way(const Convolution *, int tile, int64_t panel); /* whether it can be gone, and its cost */
int64_t winograd_parts(const Convolution *);              /* into which the work of one sample can be cut */
int64_t winograd_workspace(const Convolution *);          /* floats for one task */
int64_t winograd_kernel_floats(const Convolution *);      /* of u */
int64_t winograd_gradient_workspace(const Convolution *); /* floats for one task of the gradients, beside its sums, */
int64_t winograd_gradient_sums(const Convolution *);      /* which are so many */
Shape winograd_kernel_shape(const Convolution *, int64_t panel);
void winograd_kernel_emit(Emit *, const Node *, const Convolution *, const char *kernel, const char *to); /* kernel -> u, both operands by name */
void winograd_kernel_values(const Convolution *, int64_t panel, const float *packed, float *to);            /* the same while compiling */
void winograd_emit(Emit *, const Node *, const Convolution *, const char *from, const char *kernel, const char *bias, const char *to); /* names of the operands, the kernel being transformed */
void winograd_gradients_emit(Emit *, const Node *, const Convolution *); /* x d_y kernel -> d_x d_kernel d_bias, of which the node has some, by way of shards and tiles */

/* winograd_rows.c: the same along rows only, for kernels 2 to 5 columns wide and any number of channels */
Way winograd_rows_way(const Convolution *);
int64_t winograd_rows_parts(const Convolution *);         /* into which the work of one sample can be cut */
int64_t winograd_rows_workspace(const Convolution *);     /* floats for one task */
Shape winograd_rows_kernel_shape(const Convolution *, int64_t panel);
void winograd_rows_kernel_emit(Emit *, const Node *, const Convolution *, const char *kernel, const char *to); /* kernel -> u, both operands by name */
void winograd_rows_kernel_values(const Convolution *, int64_t panel, const float *packed, float *to);          /* the same while compiling */
void winograd_rows_emit(Emit *, const Node *, const Convolution *, const char *from, const char *kernel, const char *bias, const char *to);
int64_t winograd_rows_gradient_workspace(const Convolution *); /* floats for one task of the weights' gradient, */
int64_t winograd_rows_gradient_sums(const Convolution *, int64_t panel); /* floats of one shard */
void winograd_rows_weight_gradient_emit(Emit *, const Node *, const Convolution *); /* x d_y -> d_kernel, by way of shards and work */

/* matmul.c, matmul_gradients.c: products of matrices whose right-hand sides are packed in panels */
void matmul_emit(Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample, const char *bias); /* x kernel -> y; work */
void matmul_workspace(Graph *, Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample);
void matmul_input_gradient_emit(Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample); /* d_y kernel -> d_x */
/* x d_y -> d_kernel, of rows_per_sample rows of x; MATMUL_FIRST, MATMUL_LAST: d_y has one more in front of these or behind them, that of a row
 * of x which would be zero. */
typedef enum { MATMUL_ALL, MATMUL_FIRST, MATMUL_LAST } LeftOut;
void matmul_weight_gradient_emit(Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample, LeftOut);
bool matmul_weight_gradient_is_long(const Graph *, int64_t rows_per_sample); /* so long that an update had better not be made from the registers */
void matmul_weight_gradient_workspace(Graph *, Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample);
void matmul_input_gradient_workspace(Graph *, Node *, int64_t inputs, int64_t outputs);

/* blas.c: the same by OpenBLAS; the weights are not packed then */
void blas_emit(Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample, const char *bias);
void blas_input_gradient_emit(Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample);
void blas_weight_gradient_emit(Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample);

/* pooling.c: the windows of a pooling, per channel */
typedef struct {
    int axes;    /* 2: of images, 1: of sequences, whose height is 1 */
    bool global; /* one window: the whole image */
    int64_t height, width, channels, rows, columns;
    int64_t window_height, window_width, stride_height, stride_width, pad_top, pad_left;
} Pooling;
Tensor *pooling_build(Graph *, const LayerCall *, const Operator *, int axes, bool global); /* a node whose detail is a Pooling */
void pooling_shape(Graph *, Node *);                    /* completes it from the arguments pool_size, strides, padding, or keepdims */
void max_pooling_emit(Emit *, const Node *);            /* x -> y, and selected, the place of the largest number in its window, where there is such an operand */
void average_pooling_emit(Emit *, const Node *);        /* x -> y */
DataType max_pooling_place_type(const Pooling *);       /* of the numbers in `selected` */
const Pooling *max_pooling_of(const Node *, bool gradient); /* NULL: the node is not a max-pooling, or not its gradient */
void max_pooling_gradient_emit(Emit *, const Node *);     /* d_y selected -> d_x */
void average_pooling_gradient_emit(Emit *, const Node *); /* d_y -> d_x */
void l2_pooling_emit(Emit *, const Node *);               /* x -> y */
void l2_pooling_gradient_emit(Emit *, const Node *);      /* d_y x y -> d_x */
bool pooling_tiles(const Pooling *);                      /* each number of the image lies in exactly one window */
void pooling_reference(const Node *, Reference *, double start, double (*gather)(double, double), double (*finish)(double, int64_t));
const char *pooling_formula(const Node *, const char *what); /* "the largest": of each window ... */
/* The parameters of a pooling, and its layer: one of images, of sequences, or over all of either. */
extern const char *const pooling_paddings[];
#define POOLING_REST(a_pair_or_size)                                                                                           \
    {.name = "strides", .type = a_pair_or_size, .minimum = 1, .maximum = 0x1p53, .fallback = "none", .help = "how far the window moves at each step; none: its own size"},                     \
        {.name = "padding", .type = PARAMETER_WORD, .words = pooling_paddings, .fallback = "valid", .help = "valid: the window stays inside; same: it may stand over the border"},                     \
        DATA_FORMAT_PARAMETER, {0}
#define GLOBAL_POOLING_PARAMETERS DATA_FORMAT_PARAMETER, {.name = "keepdims", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "true: the axes pooled over stay, with size 1"}, {0}
#define POOLING_LAYER(row, word, help, parameters, op, axes, global)                                                           \
    static Tensor *row##_build(Graph *graph, const LayerCall *call)                                                            \
    {                                                                                                                          \
        return pooling_build(graph, call, &op, axes, global);                                                                  \
    }                                                                                                                          \
    const Layer row##_layer = {.entry = {word, help, parameters, NULL}, .least_inputs = 1, .most_inputs = 1, .build = row##_build};

/* losses.c: p target weight -> loss d_p, of which weight and d_p may be missing */
void loss_emit(Emit *, const Node *);
void loss_columns(Emit *, const LossRow *, void (*body)(Emit *, const LossRow *)); /* a loop over the row in vectors; the body has c, $P, $T and $D, the numbers of row, t and d from c on */
void loss_sum(Emit *, const LossRow *, const char *sum, const char *value); /* sum += value, two vectors, but for what is beyond the row */

/* channels.c: sums over all rows of a batch, and rows (ROW_MARGIN) made of them. A channel is a place along one axis; behind that axis
 * lie `inner` numbers. */
typedef struct { int64_t channels, inner, rows, columns; } Channels;
Channels channels_of(int64_t channels, int64_t inner, int64_t count); /* of samples of `count` numbers */
int64_t channels_workspace(const Channels *);           /* floats */
void channels_fill(Emit *, const Channels *);           /* binds $C, $INNER, $PERIOD, and $EACH, the numbers of a channel in a sample */
void channels_statistics_emit(Emit *, const Node *, const Channels *); /* x -> work, a phase; */
void channels_join_statistics_emit(Emit *, const Channels *);          /* in the next: declares means[c] and variances[c] */
void channels_sums_emit(Emit *, const Node *, const Channels *);       /* d_y x mean, a row -> work; */
void channels_join_sums_emit(Emit *, const Channels *);                /* sums[c] of d_y, products[c] of d_y (x - mean) */
void channels_each_emit(Emit *, const Node *, const Channels *, void (*work)(Emit *, const Node *, int lanes)); /* a loop over channels c, by vectors, and by floats with lanes 0; $T is the type, $SQRT the root */
void channels_vectors_emit(Emit *, const Node *, int64_t channels, void (*work)(Emit *, const Node *, int lanes)); /* a loop over channels c by vectors, of the last perhaps only some lanes */
const char *channel_load(const char *operand, const char *subscript, int lanes);
void channel_store(Emit *, const char *operand, const char *value, int lanes); /* to operand[c] */
void channels_row_emit(Emit *, const Channels *, const char *row);     /* the numbers of the channels, with which it begins, to the whole row */

/* update.c: the optimiser's step */
double clip_limit(const Object *optimizer, const char *name);  /* an argument of optimisers, or 0: none */
/* strided.c: numbers put elsewhere, along axes with a step on either side. An operator's shape makes a Strided and adds its axes from the
 * outermost in; the rest of it is here. */
typedef struct { int64_t count, start, step[MAX_RANK + 2]; } StridedSide;
typedef struct { int rank; int64_t size[MAX_RANK + 2]; StridedSide from, to; } Strided;
Strided *strided_new(Node *, int64_t from_count, int64_t to_count); /* the node's detail; numbers of a sample on either side */
void strided_axis(Strided *, int64_t size, int64_t from, int64_t to);
void strided_reference(const Node *, Reference *);
void strided_emit(Emit *, const Node *);
void strided_gradient(Graph *, Node *, Tensor *d_output);
#define STRIDED_OPERATOR(word, shape_function, formula_function)                                                               \
    {                                                                                                                          \
        .name = word, .suffix = "forward", .operands = "x; y", .flags = OPERATOR_FLAT, .shape = shape_function,                \
        .reference = strided_reference, .gradient = strided_gradient, .emit = strided_emit, .formula = formula_function,       \
    }
/* A layer of one input that is one node. */
#define ONE_NODE_LAYER(row, help, parameters, op)                                                                              \
    static Tensor *row##_build(Graph *graph, const LayerCall *call)                                                            \
    {                                                                                                                          \
        return graph_node(graph, &op, call, NULL, call->inputs, 1)->outputs[0];                                                \
    }                                                                                                                          \
    const Layer row##_layer = {.entry = {#row, help, parameters, NULL}, .least_inputs = 1, .most_inputs = 1, .build = row##_build};

/* merge.c: two tensors made one, number by number, sizes of 1 repeated. */
typedef struct {
    double (*value)(double x, double a);                       /* the reference, but for the factor */
    const char *forward;                                       /* changes $X, given $A */
    const char *gradients[2];                                  /* of each operand: change $X, the gradient of the result; NULL: as it is */
    enum { MERGE_READS_NOTHING, MERGE_READS_OTHER, MERGE_READS_BOTH } reads; /* what they are given: the other operand as $A, or both as $A and $B */
    const char *formula;
} Merge;
/* All inputs of a layer from the left; `last`, where it is not NULL, is how the last one is merged, with $FACTOR 1 / their number. */
Tensor *merge_build(Graph *, const LayerCall *, const Merge *, const Merge *last);

/* elementwise.c, reduce.c */
void elementwise_emit(Emit *, const Node *);
void optimizer_emit(Emit *, const Node *);
void optimizer_begin_emit(Emit *, const Node *update); /* what is the same for all weights */
void optimizer_vector_emit(Emit *, const Node *update, const char *gradient, const char *place, int lanes); /* of the numbers at w<place>, slot0<place>, ... */
void gradient_squares_emit(Emit *, const Node *);              /* of what an update would be given as gradient */

/* noise.c: of layers that draw random numbers in training. They have an argument `seed`. */
const char *noise_key(const Node *);                    /* an expression: the key of the step's numbers, where there is a step */
void noise_begin(Emit *, const Node *);                  /* names that key, key$STREAM, in the function's head */
void noise_number(Emit *, const Node *, const char *name, double value, double off); /* and a float name$STREAM: its value in training, and in `gradients`, where noise is off */
void noise_threshold(Emit *, const Node *, double rate); /* and the share of numbers that are dropped, as a threshold for random bits: threshold$STREAM */
bool noise_range(const Node *, const char *parameter, double range[2]); /* of a parameter that is one number f, from -f to f, or a list of two; false: reported */
const char *noise_uniform(const double range[2], const char *index);    /* an expression: number `index` of those of `key`, from that range */
void random_transform_shape(Graph *, Node *);
void random_transform_reference(const Node *, Reference *);
void random_transform_gradient(Graph *, Node *, Tensor *d_output); /* refuses */
void random_transform_emit(Emit *, const Node *, const char *const *coefficients, const char *fill_mode, const char *interpolation, double fill_value); /* coefficients: lines that declare hh, hw, h0, wh, ww, w0 of sample n */

/* elementwise.c, reduce.c */
void elementwise_emit(Emit *, const Node *);
void column_sums_emit(Emit *, const Node *, int64_t columns, int64_t rows_per_sample); /* d_y -> d_bias, by way of shards */
/* A phase <node>_part that sums over an array of so many floats: `term` emits lines that add to the vector `sum` for numbers from i on; TASKS
 * partial sums go to `work`. */
void array_sum_emit(Emit *, const Node *, int64_t floats, void (*term)(Emit *, const Node *, int lanes));
void shard_sum_emit(Emit *, const Node *, const char *phase, const char *to, int64_t floats, int64_t start, int64_t stride); /* shards -> to; where the first one begins, and how far they lie apart */

#endif
