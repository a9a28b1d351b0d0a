/* early_stopping: ends the training when what it monitors gets no better, with Keras 3's meaning and messages. */
#include "callback.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Monitor monitor;
    int64_t patience, start_from_epoch;
    bool verbose, restore_best_weights, has_baseline;
    double baseline;
    int64_t wait, best_epoch, stopped_epoch;
    void *best_weights; /* packed; NULL: none yet */
} EarlyStopping;

static bool begin(Training *training, Callback *callback, Failure *failure)
{
    EarlyStopping *state = callback->state;
    state->has_baseline = callback_argument(callback, "baseline") != NULL;
    bool good = monitor_begin(&state->monitor, training, callback, failure) &&
                callback_count(callback, "patience", &state->patience, failure) &&
                callback_count(callback, "start_from_epoch", &state->start_from_epoch, failure) &&
                callback_boolean(callback, "verbose", &state->verbose, failure) &&
                callback_boolean(callback, "restore_best_weights", &state->restore_best_weights, failure) &&
                callback_number(callback, "baseline", &state->baseline, failure);
    if (good) monitor_warn(&state->monitor, training, callback);
    return good;
}

static bool keep_weights(const Training *training, EarlyStopping *state, Failure *failure)
{
    if (!state->restore_best_weights) return true;
    if (!state->best_weights) state->best_weights = memory_aligned(training->model->weights_size, "the best weights", failure);
    if (!state->best_weights) return false;
    memcpy(state->best_weights, training->weights, training->model->weights_size);
    return true;
}

static bool epoch_end(Training *training, Callback *callback, const HistoryRow *row, Failure *failure)
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

static bool train_end(Training *training, Callback *callback, Failure *failure)
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

static bool save(const Training *training, const Callback *callback, TensorFile *file, const char *prefix, Failure *failure)
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
    if (!callback_note(file, prefix, text, failure)) return false;
    if (!state->best_weights) return true;
    snprintf(weights, sizeof weights, "%sbest/", prefix);
    training->model->unpack(state->best_weights, training->parameters);
    return parameters_add(file, training->model, weights, training->parameters, false, true, failure);
}

static bool restore(Training *training, Callback *callback, const TensorFile *file, const char *path, const char *prefix,
                    Failure *failure)
{
    EarlyStopping *state = callback->state;
    const char *text = callback_noted(file, prefix);
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

static void release(Callback *callback)
{
    free(((EarlyStopping *)callback->state)->best_weights);
}

static const CnncArgument arguments[] = {{"monitor", "val_loss"},
                                         {"min_delta", "0"},
                                         {"patience", "0"},
                                         {"verbose", "0"},
                                         {"mode", "auto"},
                                         {"baseline", "none"},
                                         {"restore_best_weights", "false"},
                                         {"start_from_epoch", "0"},
                                         {NULL, NULL}};

const CallbackKind early_stopping_kind = {
    .name = "early_stopping",
    .arguments = arguments,
    .state_size = sizeof(EarlyStopping),
    .begin = begin,
    .epoch_end = epoch_end,
    .train_end = train_end,
    .save = save,
    .restore = restore,
    .release = release,
};
