/* The callbacks of fit(): a table of functions each, with Keras 3's meaning and messages.
 *
 * early_stopping and model_checkpoint share a Monitor: which figure they watch and what they call better. */
#include "trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name; /* val_loss */
    bool maximize;
    double min_delta; /* with the sign that makes `value - min_delta` harder to pass */
    bool has_best;
    double best;
} Monitor;

/* Reads `monitor`, `mode` and `min_delta` (0 where the callback has none). What is unknown is an error; what is known but not
 * measured in this run a warning, as in Keras. */
static bool monitor_begin(Monitor *monitor, const Training *training, const Callback *callback, Failure *failure)
{
    const char *mode = callback_argument(callback, "mode");
    monitor->name = callback_argument(callback, "monitor");
    if (!monitor->name) monitor->name = "val_loss";
    bool of_validation = !strncmp(monitor->name, "val_", 4);
    const char *metric_name = monitor->name + (of_validation ? 4 : 0);
    const Metric *metric = NULL;
    for (int i = 0; i < training->metrics.count; i++) {
        if (!strcmp(training->metrics.items[i].name, metric_name)) metric = &training->metrics.items[i];
    }
    if (!metric) {
        const char *const *columns = (const char *const *)training->history.columns;
        const char *near = closest_name(monitor->name, columns, training->history.column_count);
        return fail(failure,
                    "%s: there is no %s to monitor; did you mean %s?",
                    callback->kind->name,
                    monitor->name,
                    near ? near : "loss");
    }
    if (mode && strcmp(mode, "auto") && strcmp(mode, "min") && strcmp(mode, "max")) {
        return fail(failure, "%s: mode wants auto, min or max, not '%s'", callback->kind->name, mode);
    }
    if (mode && strcmp(mode, "auto"))
        monitor->maximize = !strcmp(mode, "max");
    else
        monitor->maximize = metric->kind == METRIC_BINARY || metric->kind == METRIC_CATEGORICAL;
    double delta = 0;
    if (!callback_number(callback, "min_delta", &delta, failure)) return false;
    monitor->min_delta = monitor->maximize ? fabs(delta) : -fabs(delta);
    if (of_validation && !training->validates) {
        fprintf(stderr,
                "%s: warning: %s monitors %s, but there is no validation data\n",
                training->options->program,
                callback->kind->name,
                monitor->name);
    }
    return true;
}

/* Keras compares in single precision. */
static bool monitor_better(const Monitor *monitor, double value, double reference)
{
    float moved = (float)(value - monitor->min_delta);
    return monitor->maximize ? moved > (float)reference : moved < (float)reference;
}

/* Best weights and best values go into checkpoints as hexadecimal numbers. */
static bool note(TensorFile *file, const char *prefix, const char *value, Failure *failure)
{
    char key[256];
    snprintf(key, sizeof key, "%sstate", prefix);
    return safetensors_note(file, key, value, failure);
}

static const char *noted(const TensorFile *file, const char *prefix)
{
    char key[256];
    snprintf(key, sizeof key, "%sstate", prefix);
    return safetensors_value(file, key);
}

/* ---- early_stopping ------------------------------------------------------------------------------------------ */

typedef struct {
    Monitor monitor;
    int64_t patience, start_from_epoch;
    bool verbose, restore_best_weights, has_baseline;
    double baseline;
    int64_t wait, best_epoch, stopped_epoch;
    void *best_weights; /* packed; NULL: none yet */
} EarlyStopping;

static bool early_stopping_begin(Training *training, Callback *callback, Failure *failure)
{
    EarlyStopping *state = callback->state;
    state->has_baseline = callback_argument(callback, "baseline") != NULL;
    return monitor_begin(&state->monitor, training, callback, failure) &&
           callback_count(callback, "patience", &state->patience, failure) &&
           callback_count(callback, "start_from_epoch", &state->start_from_epoch, failure) &&
           callback_boolean(callback, "verbose", &state->verbose, failure) &&
           callback_boolean(callback, "restore_best_weights", &state->restore_best_weights, failure) &&
           callback_number(callback, "baseline", &state->baseline, failure);
}

static bool keep_weights(const Training *training, EarlyStopping *state, Failure *failure)
{
    if (!state->restore_best_weights) return true;
    if (!state->best_weights) state->best_weights = memory_aligned(training->model->weights_size, "the best weights", failure);
    if (!state->best_weights) return false;
    memcpy(state->best_weights, training->weights, training->model->weights_size);
    return true;
}

static bool early_stopping_epoch_end(Training *training, Callback *callback, const HistoryRow *row, Failure *failure)
{
    EarlyStopping *state = callback->state;
    Monitor *monitor = &state->monitor;
    const float *current = history_find(&training->history, row, monitor->name);
    if (!current || row->epoch < state->start_from_epoch) return true;
    double value = (double)*current;
    if (state->restore_best_weights && !state->best_weights) {
        if (!keep_weights(training, state, failure)) return false;
        state->best_epoch = row->epoch;
    }
    state->wait++;
    if (!monitor->has_best || monitor_better(monitor, value, monitor->best)) {
        monitor->has_best = true;
        monitor->best = value;
        state->best_epoch = row->epoch;
        /* The wait only starts again where the baseline is beaten too. */
        if (!state->has_baseline || monitor_better(monitor, value, state->baseline)) state->wait = 0;
        return keep_weights(training, state, failure);
    }
    if (state->wait >= state->patience && row->epoch > 0) {
        state->stopped_epoch = row->epoch;
        training->stop = true;
    }
    return true;
}

static bool early_stopping_train_end(Training *training, Callback *callback, Failure *failure)
{
    (void)failure;
    EarlyStopping *state = callback->state;
    if (state->stopped_epoch > 0 && state->verbose) printf("Epoch %" PRId64 ": early stopping\n", state->stopped_epoch + 1);
    if (state->best_weights) {
        if (state->verbose) {
            printf("Restoring model weights from the end of the best epoch: %" PRId64 ".\n", state->best_epoch + 1);
        }
        memcpy(training->weights, state->best_weights, training->model->weights_size);
    }
    return true;
}

static bool early_stopping_save(const Training *training, const Callback *callback, TensorFile *file, const char *prefix,
                                Failure *failure)
{
    const EarlyStopping *state = callback->state;
    char text[256], weights[256];
    snprintf(text,
             sizeof text,
             "%" PRId64 " %" PRId64 " %" PRId64 " %d %a %d",
             state->wait,
             state->best_epoch,
             state->stopped_epoch,
             state->monitor.has_best,
             state->monitor.best,
             state->best_weights != NULL);
    if (!note(file, prefix, text, failure)) return false;
    if (!state->best_weights) return true;
    snprintf(weights, sizeof weights, "%sbest/", prefix);
    training->model->unpack(state->best_weights, training->parameters);
    return parameters_add(file, training->model, weights, training->parameters, false, failure);
}

static bool early_stopping_restore(Training *training, Callback *callback, const TensorFile *file, const char *path,
                                   const char *prefix, Failure *failure)
{
    EarlyStopping *state = callback->state;
    const char *text = noted(file, prefix);
    char weights[256];
    int has_best, has_weights;
    if (!text) return true; /* not in the run that is resumed: it starts afresh */
    if (sscanf(text,
               "%" SCNd64 " %" SCNd64 " %" SCNd64 " %d %la %d",
               &state->wait,
               &state->best_epoch,
               &state->stopped_epoch,
               &has_best,
               &state->monitor.best,
               &has_weights) != 6) {
        return fail(failure, "%s: the state of early_stopping is damaged", path);
    }
    state->monitor.has_best = has_best;
    if (!state->restore_best_weights || !has_weights) return true;
    snprintf(weights, sizeof weights, "%sbest/", prefix);
    if (!parameters_take(file, path, training->model, weights, training->parameters, failure)) return false;
    state->best_weights = memory_aligned(training->model->weights_size, "the best weights", failure);
    if (!state->best_weights) return false;
    training->model->pack(training->parameters, state->best_weights);
    return true;
}

static void early_stopping_release(Callback *callback)
{
    free(((EarlyStopping *)callback->state)->best_weights);
}

static const CnncArgument early_stopping_arguments[] = {{"monitor", "val_loss"},
                                                        {"min_delta", "0"},
                                                        {"patience", "0"},
                                                        {"verbose", "0"},
                                                        {"mode", "auto"},
                                                        {"baseline", "none"},
                                                        {"restore_best_weights", "false"},
                                                        {"start_from_epoch", "0"},
                                                        {NULL, NULL}};

const CallbackKind early_stopping = {
    .name = "early_stopping",
    .arguments = early_stopping_arguments,
    .state_size = sizeof(EarlyStopping),
    .begin = early_stopping_begin,
    .epoch_end = early_stopping_epoch_end,
    .train_end = early_stopping_train_end,
    .save = early_stopping_save,
    .restore = early_stopping_restore,
    .release = early_stopping_release,
};

/* ---- model_checkpoint ---------------------------------------------------------------------------------------- */

typedef struct {
    Monitor monitor;
    const char *filepath;
    bool verbose, save_best_only, save_weights_only;
    int64_t save_freq; /* batches; 0: each epoch */
    int64_t unsaved;   /* batches since the last save */
} ModelCheckpoint;

/* The file path with epoch, batch and the row's figures filled in; free() it. */
static char *fill_path(const Training *training, const ModelCheckpoint *state, const HistoryRow *row, Failure *failure)
{
    const History *history = &training->history;
    int count = 2;
    Failure reason;
    PathField *fields = calloc((size_t)history->column_count + 2, sizeof *fields);
    if (!fields) {
        fail(failure, "no memory for the path %s", state->filepath);
        return NULL;
    }
    fields[0] = (PathField){.name = "epoch", .whole = true, .value = (double)(row->epoch + 1)};
    fields[1] = (PathField){.name = "batch", .whole = true, .value = (double)training->steps_done};
    for (int i = 0; i < history->column_count; i++) {
        const float *value = history_find(history, row, history->columns[i]);
        if (value) fields[count++] = (PathField){.name = history->columns[i], .value = (double)*value};
    }
    char *path = path_fill(state->filepath, fields, count, &reason);
    if (!path) fail(failure, "model_checkpoint: %s", reason.text);
    free(fields);
    return path;
}

static bool model_checkpoint_begin(Training *training, Callback *callback, Failure *failure)
{
    ModelCheckpoint *state = callback->state;
    const char *frequency = callback_argument(callback, "save_freq");
    state->filepath = callback_argument(callback, "filepath");
    if (!state->filepath) return fail(failure, "model_checkpoint: filepath is missing");
    state->monitor.has_best = callback_argument(callback, "initial_value_threshold") != NULL;
    if (!monitor_begin(&state->monitor, training, callback, failure) ||
        !callback_boolean(callback, "verbose", &state->verbose, failure) ||
        !callback_boolean(callback, "save_best_only", &state->save_best_only, failure) ||
        !callback_boolean(callback, "save_weights_only", &state->save_weights_only, failure) ||
        !callback_number(callback, "initial_value_threshold", &state->monitor.best, failure)) {
        return false;
    }
    if (frequency && strcmp(frequency, "epoch")) {
        if (!callback_count(callback, "save_freq", &state->save_freq, failure)) return false;
        if (state->save_freq == 0) return fail(failure, "model_checkpoint: save_freq wants epoch or a number of batches");
    }
    /* Filled in with zeros the path shows whether its names are known and its folder is there. */
    float *zeros = calloc((size_t)training->history.column_count, sizeof *zeros);
    if (!zeros) return fail(failure, "no memory for the callback model_checkpoint");
    HistoryRow row = {.epoch = training->epoch, .validated = training->validates && state->save_freq == 0, .values = zeros};
    char *path = fill_path(training, state, &row, failure);
    bool good = path && path_writable("model_checkpoint", path, failure);
    free(path);
    free(zeros);
    return good;
}

/* Weights of a diverged training are of no use, and do not replace a file that is there. */
static bool write_model(Training *training, const char *path, Failure *failure)
{
    training->model->unpack(training->weights, training->parameters);
    const char *bad = parameters_not_finite(training->model, training->parameters);
    if (!bad) return parameters_write(path, training->model, training->parameters, failure);
    progress_break(&training->progress);
    fprintf(stderr,
            "%s: warning: %s holds values that are not finite: %s was not written\n",
            training->options->program,
            bad,
            path);
    return true;
}

static bool save_model(Training *training, ModelCheckpoint *state, const HistoryRow *row, Failure *failure)
{
    Monitor *monitor = &state->monitor;
    int64_t epoch = row->epoch + 1;
    const float *current = history_find(&training->history, row, monitor->name);
    char *path = fill_path(training, state, row, failure);
    if (!path) return false;
    bool save = true;
    if (state->verbose) progress_break(&training->progress);
    if (state->save_best_only && current) {
        char best[64] = "None";
        double value = (double)*current;
        if (monitor->has_best) snprintf(best, sizeof best, "%.5f", monitor->best);
        save = !monitor->has_best || monitor_better(monitor, value, monitor->best);
        if (state->verbose && save) {
            printf("Epoch %" PRId64 ": %s improved from %s to %.5f, saving model to %s\n",
                   epoch,
                   monitor->name,
                   best,
                   value,
                   path);
        } else if (state->verbose) {
            printf("Epoch %" PRId64 ": %s did not improve from %s\n", epoch, monitor->name, best);
        }
        if (save) {
            monitor->best = value;
            monitor->has_best = true;
        }
    } else if (state->verbose) {
        printf("Epoch %" PRId64 ": saving model to %s\n", epoch, path);
    }
    bool good = !save || write_model(training, path, failure);
    free(path);
    return good;
}

static bool model_checkpoint_batch_end(Training *training, Callback *callback, Failure *failure)
{
    ModelCheckpoint *state = callback->state;
    if (state->save_freq == 0 || ++state->unsaved < state->save_freq) return true;
    state->unsaved = 0;
    float *values = calloc((size_t)training->history.column_count, sizeof *values);
    if (!values) return fail(failure, "no memory for the callback model_checkpoint");
    for (int i = 0; i < training->metrics.count; i++) values[i] = metric_value(&training->metrics.items[i]);
    HistoryRow row = {.epoch = training->epoch, .validated = false, .values = values};
    bool good = save_model(training, state, &row, failure);
    free(values);
    return good;
}

static bool model_checkpoint_epoch_end(Training *training, Callback *callback, const HistoryRow *row, Failure *failure)
{
    ModelCheckpoint *state = callback->state;
    return state->save_freq != 0 || save_model(training, state, row, failure);
}

static bool model_checkpoint_save(const Training *training, const Callback *callback, TensorFile *file, const char *prefix,
                                  Failure *failure)
{
    (void)training;
    const ModelCheckpoint *state = callback->state;
    char text[128];
    snprintf(text, sizeof text, "%" PRId64 " %d %a", state->unsaved, state->monitor.has_best, state->monitor.best);
    return note(file, prefix, text, failure);
}

static bool model_checkpoint_restore(Training *training, Callback *callback, const TensorFile *file, const char *path,
                                     const char *prefix, Failure *failure)
{
    (void)training;
    ModelCheckpoint *state = callback->state;
    const char *text = noted(file, prefix);
    int has_best;
    if (!text) return true;
    if (sscanf(text, "%" SCNd64 " %d %la", &state->unsaved, &has_best, &state->monitor.best) != 3) {
        return fail(failure, "%s: the state of model_checkpoint is damaged", path);
    }
    state->monitor.has_best = has_best;
    return true;
}

static const CnncArgument model_checkpoint_arguments[] = {{"filepath", NULL},
                                                          {"monitor", "val_loss"},
                                                          {"verbose", "0"},
                                                          {"save_best_only", "false"},
                                                          {"save_weights_only", "false"},
                                                          {"mode", "auto"},
                                                          {"save_freq", "epoch"},
                                                          {"initial_value_threshold", "none"},
                                                          {NULL, NULL}};

const CallbackKind model_checkpoint = {
    .name = "model_checkpoint",
    .arguments = model_checkpoint_arguments,
    .state_size = sizeof(ModelCheckpoint),
    .begin = model_checkpoint_begin,
    .batch_end = model_checkpoint_batch_end,
    .epoch_end = model_checkpoint_epoch_end,
    .save = model_checkpoint_save,
    .restore = model_checkpoint_restore,
};

/* ---- csv_logger ---------------------------------------------------------------------------------------------- */

typedef struct {
    const char *filename, *separator;
    bool append;
    char *before; /* with append: what the file held, ending in a line's end */
    int first;    /* row of the history that this file begins with */
} CsvLogger;

/* A file's text, with a line's end behind it; an absent one is empty. free() it; NULL: failed. */
static char *read_text(const char *path, Failure *failure)
{
    char *text = NULL;
    size_t size = 0;
    FILE *copy = open_memstream(&text, &size);
    if (!copy) {
        fail(failure, "no memory for the content of %s", path);
        return NULL;
    }
    FILE *file = fopen(path, "r");
    int last = '\n';
    for (int letter; file && (letter = getc(file)) != EOF; last = letter) putc(letter, copy);
    if (last != '\n') putc('\n', copy);
    bool broken = file ? ferror(file) != 0 : errno != ENOENT;
    if (file) fclose(file);
    if (!text_end(copy, &text, failure)) return NULL;
    if (!broken) return text;
    fail(failure, "%s cannot be read", path);
    free(text);
    return NULL;
}

static bool csv_logger_begin(Training *training, Callback *callback, Failure *failure)
{
    CsvLogger *state = callback->state;
    (void)training;
    state->filename = callback_argument(callback, "filename");
    state->separator = callback_argument(callback, "separator");
    if (!state->filename) return fail(failure, "csv_logger: filename is missing");
    if (!callback_boolean(callback, "append", &state->append, failure)) return false;
    if (!path_writable("csv_logger", state->filename, failure)) return false;
    if (!state->append) return true;
    state->before = read_text(state->filename, failure);
    return state->before != NULL;
}

/* Rows that are in the file already are not written again. */
static bool csv_logger_restore(Training *training, Callback *callback, const TensorFile *file, const char *path,
                               const char *prefix, Failure *failure)
{
    CsvLogger *state = callback->state;
    (void)file, (void)path, (void)prefix, (void)failure;
    if (state->append) state->first = training->history.row_count;
    return true;
}

static bool csv_logger_epoch_end(Training *training, Callback *callback, const HistoryRow *row, Failure *failure)
{
    CsvLogger *state = callback->state;
    (void)row;
    return history_write(&training->history, state->filename, state->separator, state->before, state->first, failure);
}

static void csv_logger_release(Callback *callback)
{
    free(((CsvLogger *)callback->state)->before);
}

static const CnncArgument csv_logger_arguments[] = {{"filename", NULL}, {"separator", ","}, {"append", "false"}, {NULL, NULL}};

const CallbackKind csv_logger = {
    .name = "csv_logger",
    .arguments = csv_logger_arguments,
    .state_size = sizeof(CsvLogger),
    .begin = csv_logger_begin,
    .epoch_end = csv_logger_epoch_end,
    .restore = csv_logger_restore,
    .release = csv_logger_release,
};

/* ---- terminate_on_nan ---------------------------------------------------------------------------------------- */

typedef struct {
    bool raise_error;
} TerminateOnNan;

static bool terminate_on_nan_begin(Training *training, Callback *callback, Failure *failure)
{
    (void)training;
    return callback_boolean(callback, "raise_error", &((TerminateOnNan *)callback->state)->raise_error, failure);
}

static bool terminate_on_nan_batch_end(Training *training, Callback *callback, Failure *failure)
{
    const TerminateOnNan *state = callback->state;
    for (int i = 0; i < training->metrics.count; i++) {
        double loss = (double)metric_value(&training->metrics.items[i]);
        if (strcmp(training->metrics.items[i].name, "loss") || isfinite(loss)) continue;
        progress_break(&training->progress);
        if (state->raise_error) {
            return fail(failure,
                        "the loss is %g at batch %" PRId64 " of epoch %" PRId64,
                        loss,
                        training->steps_done - 1,
                        training->epoch + 1);
        }
        printf("Batch %" PRId64 ": Invalid loss, terminating training\n", training->steps_done - 1);
        training->stop = true;
    }
    return true;
}

static const CnncArgument terminate_on_nan_arguments[] = {{"raise_error", "false"}, {NULL, NULL}};

const CallbackKind terminate_on_nan = {
    .name = "terminate_on_nan",
    .arguments = terminate_on_nan_arguments,
    .state_size = sizeof(TerminateOnNan),
    .begin = terminate_on_nan_begin,
    .batch_end = terminate_on_nan_batch_end,
};
