/* The inside of the trainer: what the files behind cnnc_main share.
 *
 * runtime.h is the interface to emitted code; this header is not. A run goes through it from top to bottom:
 * options are read, data and weights loaded and checked, and only then something is computed and written. */
#ifndef CNNC_TRAINER_H
#define CNNC_TRAINER_H

#include "runtime.h"

/* ---- the command line (options.c) ---------------------------------------------------------------------- */

typedef enum {
    COMMAND_FIT = 1,
    COMMAND_EVALUATE = 2,
    COMMAND_PREDICT = 4,
    COMMAND_GRADIENTS = 8,
    COMMAND_SUMMARY = 16,
    COMMAND_REPORT = 32,
    COMMAND_COMPARE = 64
} Command;

/* FILE or NAME=FILE: the data of one input or output. */
typedef struct {
    const char *name; /* NULL: the only one */
    const char *path;
} NamedFile;
typedef struct {
    NamedFile *items;
    int count;
} NamedFiles;

typedef enum { SHUFFLE_NONE, SHUFFLE_SAMPLES, SHUFFLE_BATCHES } Shuffle;

enum { MAX_OPTIONS = 64 };

/* Numbers are 0 and texts NULL where nothing was said. */
typedef struct {
    const char *program; /* as messages name it: mnist_cnn */
    Command command;
    bool help;
    bool given[MAX_OPTIONS]; /* by a flag, not by the network's own fit(); see option_given */
    const char *data, *validation_data;
    NamedFiles x, y, validation_x, validation_y;
    const char *sample_weight, *class_weight, *callbacks;
    int64_t batch_size, epochs, initial_epoch, steps_per_epoch;
    int64_t validation_steps, validation_batch_size, validation_freq;
    int64_t steps, verbose, threads, checkpoint_steps;
    uint64_t seed;
    double validation_split;
    Shuffle shuffle;
    bool argmax, argmin, show;
    int64_t digit;
    const char *weights, *output, *checkpoint, *resume, *history, *activations;
    double tolerance;
    char **files; /* what stands beside the flags */
    int file_count;
} Options;

bool options_read(Options *, const CnncModel *, int argc, char **argv, Failure *);
void options_free(Options *);
void options_help(const CnncModel *, const Options *, FILE *); /* of options->command, or of the program where that is 0 */
bool option_given(const Options *, const char *name);          /* "batch-size": by a flag */
const char *closest_name(const char *name, const char *const *candidates,
                         int count); /* for "did you mean"; NULL: none is near */

/* ---- memory, texts, places to write to (memory.c) --------------------------------------------------------- */

void *memory_aligned(size_t bytes, const char *what, Failure *); /* zeroed, at a multiple of 64; free() it */
void *memory_scratch(size_t bytes, const char *what, Failure *); /* not zeroed: what is never written takes no memory */
char *text_format(Failure *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* free() it; NULL: no memory */
/* Closes a stream of open_memstream. False: memory ran out on the way; the text, which is not whole, is freed. */
bool text_end(FILE *, char **text, Failure *);
int64_t shape_elements(int rank, const int64_t *shape); /* 1 for rank 0 */
/* What a result is: it replaces no file of another kind. */
typedef enum { RESULT_TENSORS, RESULT_ANSWERS, RESULT_HISTORY, RESULT_PAGE, RESULT_ADDED } ResultKind;
bool path_writable(const char *option, const char *path, ResultKind, Failure *); /* that a file can be made there; makes none. NULL: fine */

bool path_spares_inputs(const char *option, const char *path, const Options *, Failure *); /* that it is none of the files to be read */

/* path.c: {epoch:02d} and the like in a path, filled in; free() it. NULL: failed. */
typedef struct {
    const char *name; /* epoch, val_loss */
    bool whole;       /* a whole number */
    double value;
} PathField;
char *path_fill(const char *pattern, const PathField *fields, int count, Failure *);

/* ---- parameters and their files (parameters.c) -------------------------------------------------------------- */

/* The model's tensors in a file, under their names with `prefix` before them. Reading checks that each is there, has its
 * shape and is float32; parameters are changed only where all fit. */
bool parameters_add(TensorFile *, const CnncModel *, const char *prefix, const void *parameters, bool trainable_only,
                    bool copied, Failure *); /* not copied: they must be there for as long as the file */
bool parameters_take(const TensorFile *, const char *path, const CnncModel *, const char *prefix, void *parameters, Failure *);
bool parameters_write(const char *path, const CnncModel *, const void *parameters, Failure *);
bool parameters_read(const char *path, const CnncModel *, void *parameters,
                     Failure *); /* a weight file, or a checkpoint's weights */
const char *parameters_not_finite(const CnncModel *,
                                  const void *parameters); /* the name of a tensor with NaN or infinity; NULL: none */
/* The same as a failure: the parameters of a diverged training must not replace the file at `path`. */
bool parameters_check_finite(const CnncModel *, const void *parameters, const char *path, Failure *);

/* ---- data (data.c, batch.c) ------------------------------------------------------------------------------ */

/* The samples of a run, in the types of their files: they become floats a batch at a time. */
typedef struct {
    int64_t count;           /* samples */
    Array *inputs, *targets; /* one for each input and output; targets NULL: none were wanted */
    char **input_paths, **target_paths;
    Array weights;    /* float32 [count]; data NULL: all ones */
    bool is_test_set; /* the t10k files of a data folder */
} Dataset;

/* Which samples a command wants. */
typedef struct {
    const char *folder;      /* of the four MNIST files; used where x is empty */
    const NamedFiles *x, *y; /* y NULL: no targets */
    const char *sample_weight;
    bool test;                   /* of a folder: its test set */
    const char *x_flag, *y_flag; /* "--x": as messages name them */
} DataRequest;

bool dataset_read(Dataset *, const CnncModel *, const DataRequest *, Failure *);
void dataset_free(Dataset *, const CnncModel *);
const char *data_folder(const Options *, Failure *); /* --data, $MNIST_DIR or data/mnist; NULL: none of them */
bool dataset_check_inputs(const CnncModel *, const Dataset *, Failure *); /* shapes and values against the network */
bool dataset_check_targets(const CnncModel *, const Dataset *, Failure *);

/* A stretch of a data set: what validation_split cuts in two. */
typedef struct {
    const Dataset *data;
    int64_t first, count;
} Samples;

/* map.c: "{0: 3, 7: 0.5}" in order of its keys; name and form for messages: "class_weight wants {class: weight, ...}". free() it;
 * NULL: failed. */
typedef struct {
    int64_t key;
    double value;
} MapItem;
MapItem *map_parse(const char *name, const char *text, const char *form, int *count, Failure *);
const MapItem *map_find(const MapItem *, int count, int64_t key); /* NULL: not there */

/* What samples of a class count; of classes that are not in it 1. */
typedef struct {
    MapItem *items; /* in order of the classes */
    int count;
} ClassWeights;
bool class_weights_read(ClassWeights *, const CnncModel *, const char *text, Failure *); /* "{0: 3, 7: 0.5}", or NULL: leaves it empty */
void class_weights_free(ClassWeights *);

/* Buffers for the samples of one step. */
typedef struct {
    int64_t capacity;
    void **inputs, **targets; /* [capacity][shape]: float32 or int32, as the network takes them */
    float **outputs;
    float *losses; /* of each output, as the last step left them */
    float *weights;
    const float *sample_weights; /* weights, or NULL for all ones */
    bool takes_bytes;            /* who computes on it can take inputs as bytes, and */
    bool bytes;                  /* those of the last batch_gather are: the data set's own */
    const ClassWeights *class_weights; /* multiplied into the sample weights; NULL: none */
} Batch;

bool batch_new(Batch *, const CnncModel *, int64_t capacity, Failure *);
void batch_free(Batch *, const CnncModel *);
/* Fills the batch with samples order[first], order[first + 1], ... of the stretch (order NULL: as they stand). */
void batch_gather(Batch *, const CnncModel *, const Samples *, const uint32_t *order, int64_t first, int64_t n);

/* ---- metrics (metrics.c) --------------------------------------------------------------------------------- */

typedef struct MetricKind MetricKind;

/* One figure of a log, gathered over the batches of an epoch. */
typedef struct {
    const char *name; /* loss; with several outputs also a_loss; accuracy */
    const MetricKind *kind;
    bool maximize;    /* the larger the better */
    int output;
    int value;        /* the place in Batch.losses of the mean that is averaged; -1: another kind of figure */
    bool weighted;
    double threshold;
    int64_t top_k, class_id; /* 0, -1: none */
    const CnncMetric *row;   /* NULL: a loss */
    double *state;           /* what was gathered: [state_count], for means sum and weight */
    int64_t state_count;
} Metric;

typedef struct {
    Metric *items; /* sorted by name, as Keras's logs are */
    int count;
    char **names;  /* of the losses of outputs */
    float *rows;   /* scratch: two rows of an output */
} Metrics;

bool metrics_new(Metrics *, const CnncModel *, Failure *);
void metrics_free(Metrics *);
void metrics_reset(Metrics *);
bool metrics_need_outputs(const Metrics *);
void metrics_update(Metrics *, const CnncModel *, float loss, const Batch *, int64_t n);
float metric_value(const Metric *);
int metric_losses(const CnncModel *);                /* how many numbers the emitted functions write to `losses` */
int64_t weight_count(const CnncModel *);             /* of one sample: 1 or its steps */
int metric_classes(const CnncModel *, int output);   /* of a classification: at least 2; else 0 */
int64_t highest(const float *values, int64_t count); /* index of the largest; the first of equal ones */

/* Rows: truth, columns: prediction. */
typedef struct {
    int classes; /* 0: not a classification */
    int64_t *counts;
    float *row; /* scratch */
} Confusion;
bool confusion_new(Confusion *, int classes, Failure *);
void confusion_free(Confusion *);
void confusion_update(Confusion *, const CnncModel *, const Batch *, int64_t n);
void confusion_classes(const Confusion *, const CnncModel *, const Batch *, int64_t i, int64_t *truth, int64_t *predicted);
double confusion_accuracy(const Confusion *); /* evaluate.c */
void confusion_print(const Confusion *, FILE *);

/* ---- samples as pictures (show.c) -------------------------------------------------------------------------- */

/* The height, width and channels of the pictures that an input takes: [28, 28, 1], [28, 28], or a flat square [784]. */
bool picture_shape(const CnncPort *, int64_t *height, int64_t *width, int64_t *channels, Failure *);
bool picture_can_be_drawn(const CnncModel *, int64_t *height, int64_t *width, int64_t *channels); /* is its only input grey or in colours? */
bool picture_is_shown(const CnncModel *, int64_t *height, int64_t *width, int64_t *channels); /* and large enough to be a picture, unasked */
void value_range(const float *values, int64_t count, float *low, float *high); /* of the finite ones; both 0 where there are none */
void shades(const float *values, int64_t count, float low, float high, uint8_t *bytes); /* 0 to 255; 0 too for what is not finite */
void picture_shades(const float *values, int64_t count, uint8_t *bytes); /* 0 to 255 as they are, others from the least to the largest */
void picture_show(FILE *, const uint8_t *bytes, int64_t height, int64_t width, int64_t channels, bool colour); /* in blocks */

/* ---- the progress bar (progress.c) ----------------------------------------------------------------------- */

typedef struct {
    FILE *stream;
    int verbose; /* 0, 1 or 2 */
    bool terminal, colour;
    int64_t total;      /* steps */
    double begin, last; /* seconds: of the first step, of the last drawing */
    double after_first; /* when the first step was done: the others are timed from there */
    int64_t first;      /* steps that were done before `begin`, by the run that is resumed */
    char title[64];     /* Epoch 1/12 */
    bool drawn;         /* an unfinished line stands on the terminal */
} Progress;

/* Names and values behind the bar. */
typedef struct {
    const char *name;
    double value;
} Figure;

double clock_seconds(void);
bool output_coloured(void); /* is standard output a terminal, and colours are not unwanted? */
void progress_begin(Progress *, int verbose, const char *title, int64_t first, int64_t total);
void progress_step(Progress *, int64_t done, const char *note, const Figure *, int count); /* draws where it is time to */
void progress_end(Progress *, int64_t done, const Figure *, int count);
void progress_break(Progress *); /* ends an unfinished line, so that a message can follow */

/* ---- history (history.c) ---------------------------------------------------------------------------------- */

typedef struct {
    int64_t epoch;  /* from 0 */
    bool validated; /* the val_ figures are there */
    float *values;  /* one for each column */
} HistoryRow;

typedef struct {
    char **columns; /* the metrics' names, then the same with val_, then learning_rate */
    int column_count;
    bool shows_learning_rate; /* a callback changes it, so it stands among the figures, as in Keras */
    HistoryRow *rows;
    int row_count;
} History;

bool history_new(History *, const Metrics *, Failure *);
void history_free(History *);
HistoryRow *history_add(History *, int64_t epoch, bool validated, Failure *);     /* values to be filled in */
const float *history_find(const History *, const HistoryRow *, const char *name); /* NULL: not there in that row */
/* As Keras's CSVLogger: epoch, then the names sorted; rows from `first` on, behind `before` where that is not NULL. */
bool history_write(const History *, const char *path, const char *separator, const char *before, int first, Failure *);
char *history_text(const History *, Failure *); /* for a checkpoint; free() it */
bool history_parse(History *, const char *text, Failure *);

/* ---- training (fit.c), its callbacks and checkpoints --------------------------------------------------------- */

typedef struct Callback Callback;

typedef struct Training {
    const CnncModel *model;
    const Options *options;
    void *weights, *slots, *arena; /* packed */
    void *parameters;              /* canonical scratch: the arena, between steps */
    size_t slots_size;
    int64_t sample_count; /* of the training set */
    /* Where it is: all that a checkpoint must bring back beside weights and slots. */
    int64_t epoch;       /* the one under way, from 0 */
    int64_t steps_done;  /* in that epoch */
    int64_t pass, batch; /* through the data, and the next batch of it; pass equals epoch without steps_per_epoch */
    uint64_t step;       /* since training began */
    float learning_rate;
    Metrics metrics;
    History history;
    Callback *callbacks;
    int callback_count;
    bool validates; /* there is validation data */
    bool stop;      /* set by a callback: at the end of a step within the epoch, at an epoch's end the training */
    Progress progress;
} Training;

/* One row of the table of callbacks; each function may be NULL. `state` is the callback's own memory, of state_size bytes. */
typedef struct {
    const char *name;
    const CnncArgument
        *arguments; /* names in their positional order, and defaults (value NULL: required); ended by a NULL name */
    size_t state_size;
    bool logs_learning_rate;                              /* the history has a column of it */
    bool keeps_weights;                                   /* it writes them to a file */
    bool (*begin)(Training *, Callback *, Failure *);     /* reads and checks its arguments */
    bool (*epoch_begin)(Training *, Callback *, Failure *); /* not of an epoch that goes on after --resume */
    bool (*batch_end)(Training *, Callback *, Failure *); /* of step steps_done - 1 */
    bool (*epoch_end)(Training *, Callback *, const HistoryRow *, Failure *);
    bool (*settled)(Training *, Callback *, Failure *);   /* after all callbacks' batch_end or epoch_end: a checkpoint is exact here */
    bool (*train_end)(Training *, Callback *, Failure *);
    bool (*save)(const Training *, const Callback *, TensorFile *, const char *prefix, Failure *);
    bool (*restore)(Training *, Callback *, const TensorFile *, const char *path, const char *prefix, Failure *);
    void (*release)(Callback *);
} CallbackKind;

struct Callback {
    const CallbackKind *kind;
    const CnncArgument *arguments; /* ended by a NULL name */
    float (*schedule)(uint64_t); /* CnncCallback's */
    CnncArgument *owned; /* the same, with their values, where they were read from the command line; freed with the callback */
    void *state;
};

#define CALLBACK(name, example) extern const CallbackKind name##_kind;
#include "callbacks.def" /* the compiler's: each row there has its file in callbacks/ here */
#undef CALLBACK

/* callback_list.c: the list of them. */
bool callbacks_new(Training *, Failure *); /* the model's, or those of --callbacks; and --history's csv_logger */
void callbacks_free(Training *);
const char *callback_argument(const Callback *, const char *name);             /* NULL where it is none */
bool callback_number(const Callback *, const char *name, double *, Failure *); /* unchanged where it is none */
bool callback_count(const Callback *, const char *name, int64_t *, Failure *);
bool callback_boolean(const Callback *, const char *name, bool *, Failure *);

/* features.c: what each layer gives for a sample. */
typedef struct {
    float *values, **layers; /* one for each of the model's features */
    void *arena;
} Features;
bool features_new(Features *, const CnncModel *, Failure *); /* features_free it, also where it failed */
void features_free(Features *);
/* Where the loss of samples order[first], ..., which the batch holds as floats, is not finite: what the first such number is. The
 * weights are those of before the step. Returns text. */
const char *loss_origin(const Training *, const Samples *, const uint32_t *order, const Batch *, int64_t first, int64_t n, char *text, size_t size);

/* checkpoint.c: the whole state in one file. */
bool checkpoint_write(const Training *, const char *path, Failure *);
bool checkpoint_open(TensorFile *, const char *path, const CnncModel *, Failure *); /* checked: whole, and of this network */
bool checkpoint_settings(const TensorFile *, const char *path, Options *,
                         Failure *); /* seed, batch size, ...: before the data are read */
bool checkpoint_restore(Training *, const TensorFile *, const char *path, Failure *);         /* after callbacks_new */
bool checkpoint_recognize(const TensorFile *, const char *path, bool *is_checkpoint, Failure *); /* fails for one of another version */

/* shuffle.c: order[0..count) becomes a permutation, a function of the seed and the pass through the data alone. */
bool shuffle_samples(uint32_t *order, int64_t count, Shuffle, int64_t batch_size, uint64_t seed, int64_t pass, Failure *);

/* evaluate.c: predicts the samples in order and adds to metrics and confusion (NULL: none). `stopped` is asked
 * after each batch, `progress` may be NULL; both serve fit's validation. */
typedef struct {
    const CnncModel *model;
    const void *weights;
    void *arena;
    Batch *batch;
    int64_t batch_size, steps; /* steps 0: all samples */
    Progress *progress;
    bool (*stopped)(void);
    void (*seen)(void *context, const Batch *, int64_t first, int64_t n); /* told of each batch with its answers; may be NULL */
    void *context;
} Evaluation;
bool evaluate_samples(const Evaluation *, const Samples *, Metrics *, Confusion *); /* false: stopped */
int64_t batch_count(int64_t samples, int64_t batch_size);
void steps_check(const Options *, int64_t batches); /* a warning, as in Keras, where --steps asks for more than there are */

/* What evaluate and report start from: trained weights, and samples with their targets. */
typedef struct {
    void *parameters, *weights, *arena;
    Dataset data; /* count 0: none */
    Batch batch;
    Metrics metrics;
    Confusion confusion;
} Trained;
bool trained_weights(Trained *, const CnncModel *, const Options *, Failure *); /* --weights */
bool trained_data(Trained *, const CnncModel *, const Options *, Failure *);    /* --x and --y, or the test set */
void trained_free(Trained *, const CnncModel *);

/* The sub-commands; each returns the exit status, 1 after filling the failure. */
int fit_command(const CnncModel *, Options *, Failure *);
int evaluate_command(const CnncModel *, const Options *, Failure *);
int predict_command(const CnncModel *, const Options *, Failure *);
int gradients_command(const CnncModel *, const Options *, Failure *);
int report_command(const CnncModel *, const Options *, Failure *);
int compare_command(const CnncModel *, const Options *, Failure *);
bool inputs_read(Dataset *, const CnncModel *, const Options *, Failure *); /* predict.c: pictures or arrays, with or without --x */

/* ---- threads (threads.c) --------------------------------------------------------------------------------------- */

void threads_flush_denormals(void); /* from now on numbers below 1.2e-38 are zero in arithmetic, where the processor can do that */
bool threads_set(int64_t threads); /* false: there is no OpenMP, and more than one thread is wanted */

#endif
