/* The rows of the statements that make no layer: how the network is trained, and what it gives. */
#include "tables.h"

static const char *const automatic[] = {"auto", NULL};
static const char *const own_test_set[] = {"test", NULL};
static const char *const in_batches[] = {"batch", NULL};

const Entry outputs_statement = {
    .name = "outputs",
    .help = "names the layers whose outputs the network gives",
    .parameters =
        (const Parameter[]){
            {.name = "layers", .type = PARAMETER_TENSOR, .rest = true, .help = "names of layers"},
            {.name = NULL},
        },
};

const Entry compile_statement = {
    .name = "compile",
    .help = "says how the network is trained",
    .parameters =
        (const Parameter[]){
            {.name = "optimizer",
             .type = PARAMETER_OBJECT,
             .table = &optimizer_table,
             .help = "how the weights follow their gradients"},
            {.name = "loss",
             .type = PARAMETER_OBJECT,
             .table = &loss_table,
             .list = true,
             .help = "what is minimised; one serves every output, a list has one for each"},
            {.name = "metrics",
             .type = PARAMETER_OBJECT,
             .table = &metric_table,
             .fallback = "[]",
             .list = true,
             .help = "what is reported beside the loss"},
            {.name = NULL},
        },
};

#define FILES(NAME, HELP)                                                                                                      \
    {                                                                                                                          \
        .name = NAME, .type = PARAMETER_STRING, .fallback = "[]", .list = true, .help = HELP                                   \
    }

/* In Keras's order; what Keras has not comes behind. */
const Entry fit_statement = {
    .name = "fit",
    .help = "the defaults of the trainer's fit",
    .parameters =
        (const Parameter[]){
            FILES("x", "the samples, .npy or IDX: a file for each input; none: the images of --data"),
            FILES("y", "the targets: a file for each output"),
            {.name = "batch_size", .type = PARAMETER_SIZE, .fallback = "32", .minimum = 1, .help = "samples of a step"},
            {.name = "epochs", .type = PARAMETER_SIZE, .fallback = "1", .minimum = 1, .help = "passes over the training data"},
            {.name = "verbose",
             .type = PARAMETER_SIZE,
             .fallback = "1",
             .maximum = 2,
             .words = automatic,
             .help = "0 silent, 1 a progress bar, 2 a line for each epoch"},
            {.name = "callbacks",
             .type = PARAMETER_OBJECT,
             .table = &callback_table,
             .fallback = "[]",
             .list = true,
             .help = "what happens between epochs"},
            {.name = "validation_split",
             .type = PARAMETER_NUMBER,
             .fallback = "0",
             .maximum = 1,
             .below_maximum = true,
             .help = "the last part of the training data, kept for validation"},
            {.name = "validation_data",
             .type = PARAMETER_STRING,
             .fallback = "none",
             .words = own_test_set,
             .help = "test: the test set of the data folder; or another folder's, as a string"},
            {.name = "shuffle",
             .type = PARAMETER_BOOLEAN,
             .fallback = "true",
             .words = in_batches,
             .help = "a new order of the samples in each epoch; batch: of whole batches"},
            {.name = "class_weight",
             .type = PARAMETER_MAP,
             .fallback = "none",
             .help = "what samples of a class count in the loss, {0: 3, 7: 0.5}; others count 1"},
            {.name = "sample_weight",
             .type = PARAMETER_STRING,
             .fallback = "none",
             .help = "a file of what each sample counts in the loss"},
            {.name = "initial_epoch",
             .type = PARAMETER_SIZE,
             .fallback = "0",
             .help = "the epoch to begin with, when training goes on"},
            {.name = "steps_per_epoch",
             .type = PARAMETER_SIZE,
             .fallback = "none",
             .minimum = 1,
             .help = "steps of an epoch; none: all samples"},
            {.name = "validation_steps",
             .type = PARAMETER_SIZE,
             .fallback = "none",
             .minimum = 1,
             .help = "steps of a validation; none: all samples"},
            {.name = "validation_batch_size",
             .type = PARAMETER_SIZE,
             .fallback = "none",
             .minimum = 1,
             .help = "samples of a step of the validation; none: batch_size"},
            {.name = "validation_freq",
             .type = PARAMETER_SIZE,
             .fallback = "1",
             .minimum = 1,
             .help = "2: validates in every second epoch"},
            FILES("validation_x", "samples to validate on: a file for each input"),
            FILES("validation_y", "their targets: a file for each output"),
            {.name = "seed", .type = PARAMETER_SIZE, .fallback = "0", .help = "of first weights, order and dropout"},
            {.name = NULL},
        },
};
