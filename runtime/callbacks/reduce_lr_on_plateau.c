/* reduce_lr_on_plateau: the learning rate times `factor` when what it monitors gets no better for `patience` epochs. After
 * each reduction `cooldown` epochs pass before it waits again. Source: keras.io/api/callbacks/reduce_lr_on_plateau. */
#include "callback.h"

#include <inttypes.h>

typedef struct {
    Monitor monitor;
    double factor, min_lr;
    int64_t patience, cooldown;
    bool verbose;
    int64_t wait, cooling; /* epochs without getting better; epochs of the cooldown that are left */
} ReduceLrOnPlateau;

static bool begin(Training *training, Callback *callback, Failure *failure)
{
    ReduceLrOnPlateau *state = callback->state;
    if (!monitor_begin(&state->monitor, training, callback, failure) ||
        !callback_number(callback, "factor", &state->factor, failure) ||
        !callback_count(callback, "patience", &state->patience, failure) ||
        !callback_boolean(callback, "verbose", &state->verbose, failure) ||
        !callback_count(callback, "cooldown", &state->cooldown, failure) ||
        !callback_number(callback, "min_lr", &state->min_lr, failure)) {
        return false;
    }
    monitor_warn(&state->monitor, training, callback);
    if (!(state->factor >= 0 && state->factor < 1)) {
        return fail(failure, "reduce_lr_on_plateau: factor wants a number from 0 to below 1, not '%g'", state->factor);
    }
    return state->min_lr >= 0 ||
           fail(failure, "reduce_lr_on_plateau: min_lr wants a number from 0 on, not '%g'", state->min_lr);
}

/* False: the rate is at its least already. */
static bool reduce(Training *training, const ReduceLrOnPlateau *state, int64_t epoch)
{
    char text[64];
    if (!(training->learning_rate > (float)state->min_lr)) return false;
    double rate = (double)training->learning_rate * state->factor;
    if (rate < state->min_lr) rate = state->min_lr;
    training->learning_rate = (float)rate;
    if (state->verbose) {
        printf("Epoch %" PRId64 ": ReduceLROnPlateau reducing learning rate to %s.\n",
               epoch + 1,
               callback_number_text(rate, text, sizeof text));
    }
    return true;
}

static bool epoch_end(Training *training, Callback *callback, const HistoryRow *row, Failure *failure)
{
    (void)failure;
    ReduceLrOnPlateau *state = callback->state;
    Monitor *monitor = &state->monitor;
    const float *current = history_find(&training->history, row, monitor->name);
    if (!current) return true;
    if (state->cooling > 0) {
        state->cooling--;
        state->wait = 0;
    }
    if (!monitor->has_best || monitor_better(monitor, (double)*current, monitor->best)) {
        monitor->has_best = true;
        monitor->best = (double)*current;
        state->wait = 0;
    } else if (state->cooling == 0 && ++state->wait >= state->patience && reduce(training, state, row->epoch)) {
        state->cooling = state->cooldown;
        state->wait = 0;
    }
    return true;
}

static bool save(const Training *training, const Callback *callback, TensorFile *file, const char *prefix, Failure *failure)
{
    (void)training;
    const ReduceLrOnPlateau *state = callback->state;
    char text[128];
    snprintf(text,
             sizeof text,
             "%" PRId64 " %" PRId64 " %d %a",
             state->wait,
             state->cooling,
             state->monitor.has_best,
             state->monitor.best);
    return callback_note(file, prefix, text, failure);
}

static bool restore(Training *training, Callback *callback, const TensorFile *file, const char *path, const char *prefix,
                    Failure *failure)
{
    (void)training;
    ReduceLrOnPlateau *state = callback->state;
    const char *text = callback_noted(file, prefix);
    int has_best;
    if (!text) return true;
    if (sscanf(text, "%" SCNd64 " %" SCNd64 " %d %la", &state->wait, &state->cooling, &has_best, &state->monitor.best) != 4) {
        return fail(failure, "%s: the state of reduce_lr_on_plateau is damaged", path);
    }
    state->monitor.has_best = has_best;
    return true;
}

static const CnncArgument arguments[] = {{"monitor", "val_loss"},
                                         {"factor", "0.1"},
                                         {"patience", "10"},
                                         {"verbose", "0"},
                                         {"mode", "auto"},
                                         {"min_delta", "0.0001"},
                                         {"cooldown", "0"},
                                         {"min_lr", "0"},
                                         {NULL, NULL}};

const CallbackKind reduce_lr_on_plateau_kind = {
    .name = "reduce_lr_on_plateau",
    .arguments = arguments,
    .logs_learning_rate = true,
    .state_size = sizeof(ReduceLrOnPlateau),
    .begin = begin,
    .epoch_end = epoch_end,
    .save = save,
    .restore = restore,
};
