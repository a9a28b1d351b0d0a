/* The rows of the callbacks of fit(). What they do is the runtime's matter (runtime/callbacks/). */
#include "tables.h"

#include <math.h>

static const char *const modes[] = {"auto", "min", "max", NULL};
static const char *const epoch[] = {"epoch", NULL};

#define MONITOR                                                                                                                \
    {                                                                                                                          \
        .name = "monitor", .type = PARAMETER_WORD, .fallback = "val_loss",                                                     \
        .help = "what is watched: loss, val_loss, or a metric's name"                                                          \
    }
#define MODE                                                                                                                   \
    {                                                                                                                          \
        .name = "mode", .type = PARAMETER_WORD, .fallback = "auto", .words = modes,                                            \
        .help = "whether smaller or larger is better; auto goes by the name"                                                   \
    }
#define VERBOSE                                                                                                                \
    {                                                                                                                          \
        .name = "verbose", .type = PARAMETER_SIZE, .fallback = "0", .maximum = 1, .help = "1 says what it does"                \
    }

const Entry early_stopping_callback = {
    .name = "early_stopping",
    .help = "ends the training when what it monitors gets no better",
    .parameters =
        (const Parameter[]){
            MONITOR,
            {.name = "min_delta",
             .type = PARAMETER_NUMBER,
             .fallback = "0",
             .maximum = HUGE_VAL,
             .help = "the least change that counts as better"},
            {.name = "patience",
             .type = PARAMETER_SIZE,
             .fallback = "0",
             .help = "epochs without getting better that are waited for"},
            VERBOSE,
            MODE,
            {.name = "baseline",
             .type = PARAMETER_NUMBER,
             .fallback = "none",
             .help = "what has to be bettered from the beginning"},
            {.name = "restore_best_weights",
             .type = PARAMETER_BOOLEAN,
             .fallback = "false",
             .help = "goes back to the weights of the best epoch"},
            {.name = "start_from_epoch", .type = PARAMETER_SIZE, .fallback = "0", .help = "epochs before it begins to watch"},
            {.name = NULL},
        },
};

const Entry model_checkpoint_callback = {
    .name = "model_checkpoint",
    .help = "writes the whole state, or the weights alone, after epochs or steps",
    .parameters =
        (const Parameter[]){
            {.name = "filepath", .type = PARAMETER_STRING, .help = "the file"},
            MONITOR,
            VERBOSE,
            {.name = "save_best_only",
             .type = PARAMETER_BOOLEAN,
             .fallback = "false",
             .help = "only when what it monitors is the best so far"},
            {.name = "save_weights_only",
             .type = PARAMETER_BOOLEAN,
             .fallback = "false",
             .help = "the weights alone; false: the whole state, which --resume goes on from and --weights takes too"},
            MODE,
            {.name = "save_freq",
             .type = PARAMETER_SIZE,
             .fallback = "epoch",
             .minimum = 1,
             .words = epoch,
             .help = "each epoch, or after so many steps"},
            {.name = "initial_value_threshold",
             .type = PARAMETER_NUMBER,
             .fallback = "none",
             .help = "with save_best_only: what has to be bettered by the first that is written"},
            {.name = NULL},
        },
};

const Entry reduce_lr_on_plateau_callback = {
    .name = "reduce_lr_on_plateau",
    .help = "lowers the learning rate when what it monitors gets no better",
    .parameters =
        (const Parameter[]){
            MONITOR,
            {.name = "factor",
             .type = PARAMETER_NUMBER,
             .fallback = "0.1",
             .maximum = 1,
             .below_maximum = true,
             .help = "what the learning rate is multiplied by"},
            {.name = "patience",
             .type = PARAMETER_SIZE,
             .fallback = "10",
             .help = "epochs without getting better that are waited for"},
            VERBOSE,
            MODE,
            {.name = "min_delta",
             .type = PARAMETER_NUMBER,
             .fallback = "0.0001",
             .maximum = HUGE_VAL,
             .help = "the least change that counts as better"},
            {.name = "cooldown",
             .type = PARAMETER_SIZE,
             .fallback = "0",
             .help = "epochs after a reduction before it waits again"},
            {.name = "min_lr",
             .type = PARAMETER_NUMBER,
             .fallback = "0",
             .maximum = HUGE_VAL,
             .help = "the least learning rate"},
            {.name = NULL},
        },
};

const Entry learning_rate_scheduler_callback = {
    .name = "learning_rate_scheduler",
    .help = "sets the learning rate before each epoch",
    .parameters =
        (const Parameter[]){
            {.name = "schedule",
             .type = PARAMETER_MAP,
             .table = &schedule_table,
             .maximum = HUGE_VAL,
             .help = "the rate as a function of the epoch, from 0 on: a schedule, whose steps are epochs then, or {0: 0.1, 10: 0.01}, the "
                     "rate from each of these epochs on"},
            VERBOSE,
            {.name = NULL},
        },
};

const Entry csv_logger_callback = {
    .name = "csv_logger",
    .help = "writes a line of the history after each epoch",
    .parameters =
        (const Parameter[]){
            {.name = "filename", .type = PARAMETER_STRING, .help = "the file"},
            {.name = "separator", .type = PARAMETER_STRING, .fallback = "\",\"", .help = "between the columns"},
            {.name = "append", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "goes on in a file that is there"},
            {.name = NULL},
        },
};

const Entry terminate_on_nan_callback = {
    .name = "terminate_on_nan",
    .help = "ends the training when the loss is not a number",
    .parameters =
        (const Parameter[]){
            {.name = "raise_error", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "as a failure, with exit status 1"},
            {.name = NULL},
        },
};
