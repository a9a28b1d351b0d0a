/* terminate_on_nan: ends the training when the loss is not a number. */
#include "callback.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct {
    bool raise_error;
} TerminateOnNan;

static bool begin(Training *training, Callback *callback, Failure *failure)
{
    (void)training;
    return callback_boolean(callback, "raise_error", &((TerminateOnNan *)callback->state)->raise_error, failure);
}

static bool batch_end(Training *training, Callback *callback, Failure *failure)
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

static const CnncArgument arguments[] = {{"raise_error", "false"}, {NULL, NULL}};

const CallbackKind terminate_on_nan_kind = {
    .name = "terminate_on_nan",
    .arguments = arguments,
    .state_size = sizeof(TerminateOnNan),
    .begin = begin,
    .batch_end = batch_end,
};
