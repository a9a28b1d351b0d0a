/* The runtime of a trainer: everything about training that depends on no constant of the network.
 *
 * cnnc emits a network's arithmetic and one table, `CnncModel`, that describes it; this library makes
 * of the two a program with fit, evaluate, predict, gradients, report, compare and summary. First the table, then the
 * functions, grouped under the file that defines them. */
#ifndef CNNC_RUNTIME_H
#define CNNC_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CNNC_RUNTIME_VERSION 5 /* of this table; the emitted code checks that it fits */

enum { CNNC_MAX_RANK = 8 };

/* ---- what the emitted code says of itself --------------------------------------------------------- */

typedef enum { CNNC_FLOAT32, CNNC_INT32 } CnncType;

/* How a tensor is drawn at first (see initial.c for the generator). */
typedef enum { CNNC_CONSTANT, CNNC_UNIFORM, CNNC_NORMAL, CNNC_TRUNCATED_NORMAL, CNNC_ORTHOGONAL, CNNC_IDENTITY } CnncInitial;

/* A tensor of the model's parameters, in the order of the struct. */
typedef struct {
    const char *name; /* conv2d/kernel */
    int rank;
    int64_t shape[CNNC_MAX_RANK];
    size_t offset; /* bytes, in the struct of parameters */
    bool trainable;
    CnncInitial initial;
    double a, b;   /* constant a; uniform from a to b; normals: mean a, deviation b; orthogonal, identity: gain a */
    int64_t ones_from, ones_to; /* elements that are 1 in place of that */
} CnncTensor;

/* An input or output of the network; shapes without the batch. */
typedef struct {
    const char *name;
    CnncType type;
    int rank;
    int64_t shape[CNNC_MAX_RANK];
    int64_t limit; /* whole numbers from 0 to below it are wanted; 0: any */
} CnncPort;

/* What an output is compared with. */
typedef struct {
    const char *loss;   /* categorical_crossentropy */
    bool class_indices; /* the target is a class number (int32), not a row of the output's shape */
    bool shares;        /* it is made of numbers from 0 to 1 */
    bool inside;        /* the target is a tensor of the network: no data are given for it; */
    int input;          /* then the number of the input that it is, or -1 */
} CnncTarget;

/* A callback of fit(), its arguments as text: {"monitor", "val_loss"}. */
typedef struct { const char *name, *value; } CnncArgument;
typedef struct {
    const char *name;
    const CnncArgument *arguments;    /* ended by a NULL name; all of the row's, defaults too */
    float (*schedule)(uint64_t step); /* where one of them is a schedule; else NULL */
} CnncCallback;

/* A layer, as the summary lists it. */
typedef struct {
    const char *name;
    int64_t macs; /* multiply-adds for one sample */
} CnncLayer;

/* What is reported beside the loss. */
typedef struct {
    const char *name; /* as logs say it: accuracy, left_accuracy */
    const char *kind; /* the row of the table of metrics, or of that of losses, whose mean it is */
    int output;
    bool weighted;    /* by the weights of the samples */
    int value;        /* the emitted functions compute it: its place in `losses`; -1: it is computed from outputs and targets */
    const CnncArgument *arguments; /* ended by a NULL name; all of the row's, defaults too */
} CnncMetric;

/* What one training step is told beside its data. */
typedef struct {
    uint64_t seed;       /* of dropout and its like */
    uint64_t step;       /* steps made since training began, counted over epochs: the counter of the random numbers */
    float learning_rate;
    int refuse_nan;      /* not 0: where the loss is not finite nothing is updated, and NaN returned */
} CnncStep;

/* One of the optimiser's memories: its name (momentum, velocity), and what all its numbers are before the first step. */
typedef struct { const char *name; float start; } CnncSlot;

typedef struct CnncModel {
    int runtime_version;    /* CNNC_RUNTIME_VERSION at the time of emission */
    const char *name;       /* mnist_cnn */
    const char *hash;       /* of the network (layers, shapes, optimiser): a checkpoint fits only its own */
    const char *summary;    /* text of the summary */
    const char *drawing;    /* of the network, an SVG */
    int batch_size;         /* the most samples a step takes */
    int input_count, output_count, tensor_count;
    const CnncPort *inputs, *outputs;
    const CnncTarget *targets;     /* one for each output */
    const CnncMetric *metrics;     /* ended by a NULL name */
    int64_t weight_steps;          /* weights of a sample: 1, or one for each of its steps; 0 is 1 */
    const CnncTensor *tensors;
    size_t parameters_size;        /* bytes of the canonical parameters: what files hold */
    size_t weights_size;           /* bytes of the packed weights: what the kernels read */
    size_t predict_arena_size;     /* bytes of scratch that predict_batch needs; all memory handed over is aligned to 64 */
    size_t evaluate_arena_size;    /* and evaluate */
    size_t train_arena_size;       /* bytes of scratch that train_step and gradients need */
    const char *optimizer;         /* adam */
    int slot_count;                /* the optimiser's memories, each a whole struct of packed weights */
    const CnncSlot *slots;
    const CnncTensor *memories;    /* what a training step leaves to the next one beside these, in the packed weights; ended by a NULL name; NULL: nothing */
    float learning_rate;           /* as compile() says, where that is a number */
    float (*schedule)(uint64_t step); /* else the rate after so many steps; NULL: it is a number */
    const CnncArgument *fit;       /* fit()'s arguments that the file gives or that have a default, as text; ended by a NULL name */
    const CnncCallback *callbacks; /* ended by a NULL name */
    void (*pack)(const void *parameters, void *weights);
    void (*unpack)(const void *weights, void *parameters);
    /* n samples, any number; each output row-major [n][shape]. */
    void (*predict_batch)(const void *weights, const void *const *inputs, float *const *outputs, size_t n, void *arena);
    /* One step on 1 <= n <= batch_size samples: updates weights and slots, returns the mean loss; outputs (may be
     * NULL) receive the predictions made on the way, in training mode, and losses (may be NULL) that of each output, then the metrics
     * that have a place there. targets: float rows or int32 class numbers.
     * sample_weights: n numbers, n times weight_steps where that is more than 1, or NULL for all ones. slots: slot_count structs of packed weights, one behind the other,
     * each at a multiple of weights_size. */
    float (*train_step)(void *weights, void *slots, const void *const *inputs, const void *const *targets,
                        const float *sample_weights, size_t n, const CnncStep *step, float *losses, float *const *outputs, void *arena);
    /* The same loss and its gradients, as a struct of packed weights; dropout and noise off; nothing is updated. */
    float (*gradients)(const void *weights, void *gradients, const void *const *inputs, const void *const *targets,
                       const float *sample_weights, size_t n, void *arena);
    /* The mean loss as in inference, with the predictions; nothing is updated. Arguments as for train_step. */
    float (*evaluate)(const void *weights, const void *const *inputs, const void *const *targets,
                      const float *sample_weights, size_t n, float *losses, float *const *outputs, void *arena);
    /* The same with float32 inputs given as bytes, which the first layer converts as it reads them; NULL: no such functions. */
    float (*train_step_bytes)(void *weights, void *slots, const void *const *inputs, const void *const *targets,
                              const float *sample_weights, size_t n, const CnncStep *step, float *losses, float *const *outputs, void *arena);
    float (*evaluate_bytes)(const void *weights, const void *const *inputs, const void *const *targets,
                            const float *sample_weights, size_t n, float *losses, float *const *outputs, void *arena);
    /* What each layer gives for one sample, each in the memory of its own that `features` points to. */
    int feature_count;             /* 0: there is no such function */
    const CnncPort *features;      /* the layers' names and shapes */
    size_t features_arena_size;
    void (*activations)(const void *weights, const void *const *inputs, float *const *features, void *arena);
    /* Inference on one sample by one thread; after each phase it calls lap with the layer for which that was, layer_count: for none. */
    int layer_count;
    const CnncLayer *layers;
    size_t times_arena_size;
    void (*time_layers)(const void *weights, const void *const *inputs, float *const *outputs, void (*lap)(void *context, int layer), void *context, void *arena);
    const char *predict_memory, *train_memory; /* what lies in the arenas when: SVGs */
} CnncModel;

/* ---- failures ---------------------------------------------------------------------------------------- */

/* What went wrong, in words for the person who reads it: the file, the place, what is wrong, what to do.
 * Functions that can fail take one as their last argument, fill it, and return false or NULL. */
typedef struct { char text[1024]; } Failure;
bool fail(Failure *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* always false */

/* ---- memory (memory_left.c) ---------------------------------------------------------------------------- */

enum { MEMORY_SMALL = 1 << 24 }; /* less than that is not asked about */
/* Is there so much memory left? What the system promises does not count. */
bool memory_fits(size_t bytes, const char *purpose, Failure *);

/* ---- arrays and their files (array.c, checksum.c, idx.c, npy.c, picture.c, safetensors.c, write.c) ---------------- */

typedef enum { ARRAY_UINT8, ARRAY_INT8, ARRAY_INT32, ARRAY_INT64, ARRAY_FLOAT32, ARRAY_FLOAT64 } ArrayType;

/* Row-major; the data belongs to the array and is aligned to 64. */
typedef struct {
    ArrayType type;
    int rank;
    int64_t shape[CNNC_MAX_RANK];
    void *data;
} Array;

size_t array_item_size(ArrayType);
int64_t array_count(const Array *);                      /* of elements */
bool array_new(Array *, ArrayType, int rank, const int64_t *shape, Failure *); /* zeroed; checks overflow and memory */
void array_free(Array *);
bool array_to_float32(Array *, Failure *);               /* in place, from any type */
const char *shape_text(int rank, const int64_t *shape, char *text, size_t size); /* "(28, 28, 1)", "(4,)": as numpy writes it */
const char *array_describe(const Array *, char *text, size_t size);              /* "float32 (60000, 28, 28)" */

bool idx_read(const char *path, Array *, Failure *);     /* plain or gzip, told by content; the path may lack its .gz */
bool npy_read(const char *path, Array *, Failure *);     /* versions 1 to 3, C and Fortran order, little and big endian, bool and float16 too */
bool npy_write(const char *path, const Array *, Failure *);
bool array_read(const char *path, Array *, Failure *);   /* .npy or IDX, told by content */
bool is_array(const char *path);                         /* whether array_read would try; also of what is not there, which it says */
bool is_png(const char *path);                           /* told by content */
/* Height x width x channels as float32 0 to 255; any PNG: palettes expanded, alpha laid on black, colour to grey by luminance where
 * channels is 1; a picture of another size is an error that says both sizes. */
bool png_read(const char *path, int64_t height, int64_t width, int64_t channels, Array *, Failure *);
bool png_write(const char *path, const Array *, Failure *); /* uint8, height x width x 1 or 3 */
bool png_encode(FILE *, const char *path, const Array *, Failure *); /* the same into a stream, which messages call `path` */

/* Named arrays and metadata: a safetensors file. */
typedef struct { char *key, *value; } Metadata;
typedef struct { char *name; Array array; bool lent; } NamedArray;
typedef struct {
    NamedArray *items;
    int count;
    Metadata *metadata;
    int metadata_count;
} TensorFile;
bool safetensors_read(const char *path, TensorFile *, Failure *);
bool safetensors_write(const char *path, const TensorFile *, Failure *);
bool safetensors_add(TensorFile *, const char *name, const Array *, Failure *); /* copies */
bool safetensors_lend(TensorFile *, const char *name, const Array *, Failure *); /* does not: the array must be there for as long as the file */
bool safetensors_note(TensorFile *, const char *key, const char *value, Failure *); /* metadata; copies */
bool safetensors_seal(TensorFile *, const char *format, Failure *); /* the last notes: "cnnc weights 1", and a checksum that reading verifies */
const Array *safetensors_find(const TensorFile *, const char *name);   /* NULL: none */
const char *safetensors_value(const TensorFile *, const char *key);    /* of metadata; NULL: none */
void safetensors_free(TensorFile *);
/* tensors.c: that the file has these tensors, under their names with `prefix` before them, as float32 and in their shapes; and, without a
 * prefix, no others, but for what a checkpoint holds beside the weights. The failure names those that differ. */
bool tensors_fit(const TensorFile *, const char *path, const char *prefix, const CnncTensor *, int count, bool checkpoint, Failure *);

/* A file written beside its place and renamed onto it when complete and synced: at any moment the place holds
 * the old file or the new one, whole. */
typedef struct {
    FILE *stream;
    char *path, *temporary;
    int lock; /* on the temporary file */
} Writer;
bool write_begin(Writer *, const char *path, Failure *);
bool write_sync(Writer *, Failure *);  /* flush, sync, close: what is left to write_end is the renaming */
bool write_end(Writer *, Failure *);   /* the same where it was not done yet, and renames; on failure the old file stays */
void write_abandon(Writer *);          /* removes what was begun; safe after write_end */

/* ---- random numbers (random.h, included by emitted trainers' text too) and first weights (initial.c) ---- */

bool initial_parameters(const CnncModel *, uint64_t seed, void *parameters, Failure *); /* fails only for want of memory */
void initial_slots(const CnncModel *, void *parameters, void *slots); /* the optimiser's memories before the first step; parameters is scratch */

/* ---- the program (trainer.c) --------------------------------------------------------------------------- */

void cnnc_begin(char **argv); /* the first thing in main: threads.c */
int cnnc_main(const CnncModel *, int argc, char **argv);
void cnnc_manual(FILE *); /* options_table.c: its commands and flags, in Markdown */
void cnnc_man_page(FILE *); /* the same as a man page, cnnc-trainer(1) */
void cnnc_roff(FILE *, const char *text); /* text as man pages spell it */

#endif
