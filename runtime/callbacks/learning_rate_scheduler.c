/* learning_rate_scheduler: sets the learning rate before each epoch, as a function of the epoch's number from 0 on.
 *
 * The function is a map, {0: 0.1, 10: 0.01}: from epoch 10 on 0.01, and before its first epoch the rate that compile() gave. In the
 * network's own fit() it may be one of the language's schedules too, whose code cnnc emits.
 * Source: keras.io/api/callbacks/learning_rate_scheduler, where it is a function of Python. */
#include "callback.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    MapItem *rates;
    int count;
    bool verbose;
} LearningRateScheduler;

static bool begin(Training *training, Callback *callback, Failure *failure)
{
    LearningRateScheduler *state = callback->state;
    const char *text = callback_argument(callback, "schedule");
    (void)training;
    if (!callback_boolean(callback, "verbose", &state->verbose, failure)) return false;
    if (callback->schedule) return true;
    if (!text) return fail(failure, "learning_rate_scheduler: schedule is missing");
    const char *form = "{epoch: rate, ...} (schedules such as exponential_decay are for the fit() of the network's file)";
    state->rates = map_parse("learning_rate_scheduler: schedule", text, form, &state->count, failure);
    if (!state->rates) return false;
    for (int i = 0; i < state->count; i++) {
        if (!(state->rates[i].value >= 0)) {
            return fail(failure,
                        "learning_rate_scheduler: the rate of epoch %" PRId64 " is %g; it cannot be negative",
                        state->rates[i].key,
                        state->rates[i].value);
        }
    }
    return true;
}

static bool epoch_begin(Training *training, Callback *callback, Failure *failure)
{
    (void)failure;
    const LearningRateScheduler *state = callback->state;
    double rate = (double)(callback->schedule ? callback->schedule((uint64_t)training->epoch) : training->learning_rate);
    for (int i = 0; i < state->count && state->rates[i].key <= training->epoch; i++) rate = state->rates[i].value;
    training->learning_rate = (float)rate;
    char text[64];
    if (state->verbose) {
        printf("Epoch %" PRId64 ": LearningRateScheduler setting learning rate to %s.\n",
               training->epoch + 1,
               callback_number_text(rate, text, sizeof text));
    }
    return true;
}

static void release(Callback *callback)
{
    free(((LearningRateScheduler *)callback->state)->rates);
}

static const CnncArgument arguments[] = {{"schedule", NULL}, {"verbose", "0"}, {NULL, NULL}};

const CallbackKind learning_rate_scheduler_kind = {
    .name = "learning_rate_scheduler",
    .arguments = arguments,
    .logs_learning_rate = true,
    .state_size = sizeof(LearningRateScheduler),
    .begin = begin,
    .epoch_begin = epoch_begin,
    .release = release,
};
