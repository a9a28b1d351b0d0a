/* model_checkpoint: writes the whole state, or the weights alone, after epochs or steps; the file's name may have the epoch and
 * figures in it. A whole state is what --checkpoint writes: --resume goes on from it, and --weights takes its weights. */
#include "callback.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Monitor monitor;
    const char *filepath;
    bool verbose, save_best_only, save_weights_only;
    int64_t save_freq; /* batches; 0: each epoch */
    int64_t unsaved;   /* batches since the last save */
    char *path;        /* where to write when the epoch or step is over; NULL: nothing to write */
    int64_t epoch;     /* of which that is, from 1 */
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

static bool begin(Training *training, Callback *callback, Failure *failure)
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
    if (state->save_best_only) monitor_warn(&state->monitor, training, callback);
    if (frequency && strcmp(frequency, "epoch")) {
        if (!callback_count(callback, "save_freq", &state->save_freq, failure)) return false;
        if (state->save_freq == 0) return fail(failure, "model_checkpoint: save_freq wants epoch or a number of batches");
    }
    /* Filled in with zeros the path shows whether its names are known and its folder is there. */
    float *zeros = calloc((size_t)training->history.column_count, sizeof *zeros);
    if (!zeros) return fail(failure, "no memory for the callback model_checkpoint");
    HistoryRow row = {.epoch = training->epoch, .validated = training->validates && state->save_freq == 0, .values = zeros};
    char *path = fill_path(training, state, &row, failure);
    bool good = path && path_writable("model_checkpoint", path, RESULT_TENSORS, failure);
    free(path);
    free(zeros);
    return good;
}

/* What was decided is written when the epoch or step is over for all callbacks: a whole state is one to go on from. Weights of
 * a diverged training are of no use, and do not replace a file that is there. */
static bool settled(Training *training, Callback *callback, Failure *failure)
{
    ModelCheckpoint *state = callback->state;
    char *path = state->path;
    if (!path) return true;
    state->path = NULL;
    training->model->unpack(training->weights, training->parameters);
    const char *bad = parameters_not_finite(training->model, training->parameters);
    bool good = true;
    if (bad) {
        progress_break(&training->progress);
        fprintf(stderr,
                "%s: warning: %s holds values that are not finite: %s was not written\n",
                training->options->program,
                bad,
                path);
    } else if (state->save_weights_only) {
        good = parameters_write(path, training->model, training->parameters, failure);
    } else {
        good = checkpoint_write(training, path, failure);
    }
    if (state->verbose && good && !bad) printf("Epoch %" PRId64 ": finished saving model to %s\n", state->epoch, path);
    free(path);
    return good;
}

static void release(Callback *callback)
{
    free(((ModelCheckpoint *)callback->state)->path);
}

/* Decides whether to write, and where. */
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
    state->epoch = epoch;
    free(state->path);
    state->path = save ? path : NULL;
    if (!save) free(path);
    return true;
}

static bool batch_end(Training *training, Callback *callback, Failure *failure)
{
    ModelCheckpoint *state = callback->state;
    if (state->save_freq == 0 || ++state->unsaved < state->save_freq) return true;
    state->unsaved = 0;
    float *values = calloc((size_t)training->history.column_count, sizeof *values);
    if (!values) return fail(failure, "no memory for the callback model_checkpoint");
    for (int i = 0; i < training->metrics.count; i++) values[i] = metric_value(&training->metrics.items[i]);
    values[training->history.column_count - 1] = training->learning_rate;
    HistoryRow row = {.epoch = training->epoch, .validated = false, .values = values};
    bool good = save_model(training, state, &row, failure);
    free(values);
    return good;
}

static bool epoch_end(Training *training, Callback *callback, const HistoryRow *row, Failure *failure)
{
    ModelCheckpoint *state = callback->state;
    return state->save_freq != 0 || save_model(training, state, row, failure);
}

static bool save(const Training *training, const Callback *callback, TensorFile *file, const char *prefix, Failure *failure)
{
    (void)training;
    const ModelCheckpoint *state = callback->state;
    char text[128];
    snprintf(text, sizeof text, "%" PRId64 " %d %a", state->unsaved, state->monitor.has_best, state->monitor.best);
    return callback_note(file, prefix, text, failure);
}

static bool restore(Training *training, Callback *callback, const TensorFile *file, const char *path, const char *prefix,
                    Failure *failure)
{
    (void)training;
    ModelCheckpoint *state = callback->state;
    const char *text = callback_noted(file, prefix);
    int has_best;
    if (!text) return true;
    if (sscanf(text, "%" SCNd64 " %d %la", &state->unsaved, &has_best, &state->monitor.best) != 3) {
        return fail(failure, "%s: the state of model_checkpoint is damaged", path);
    }
    state->monitor.has_best = has_best;
    return true;
}

static const CnncArgument arguments[] = {{"filepath", NULL},
                                         {"monitor", "val_loss"},
                                         {"verbose", "0"},
                                         {"save_best_only", "false"},
                                         {"save_weights_only", "false"},
                                         {"mode", "auto"},
                                         {"save_freq", "epoch"},
                                         {"initial_value_threshold", "none"},
                                         {NULL, NULL}};

const CallbackKind model_checkpoint_kind = {
    .name = "model_checkpoint",
    .arguments = arguments,
    .state_size = sizeof(ModelCheckpoint),
    .keeps_weights = true,
    .begin = begin,
    .batch_end = batch_end,
    .epoch_end = epoch_end,
    .settled = settled,
    .save = save,
    .restore = restore,
    .release = release,
};
