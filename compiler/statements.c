/* The rows of the statements that make no layer: how the network is trained, and what it gives. */
#include "tables.h"

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

const Entry fit_statement = {
    .name = "fit",
    .help = "the defaults of the trainer's fit",
    .parameters =
        (const Parameter[]){
            {.name = "batch_size", .type = PARAMETER_SIZE, .fallback = "32", .minimum = 1, .help = "samples of a step"},
            {.name = "epochs", .type = PARAMETER_SIZE, .fallback = "1", .minimum = 1, .help = "passes over the training data"},
            {.name = "verbose",
             .type = PARAMETER_SIZE,
             .fallback = "1",
             .maximum = 2,
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
            {.name = "shuffle",
             .type = PARAMETER_BOOLEAN,
             .fallback = "true",
             .help = "a new order of the samples in each epoch"},
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
            {.name = "seed", .type = PARAMETER_SIZE, .fallback = "0", .help = "of first weights, order and dropout"},
            {.name = NULL},
        },
};
