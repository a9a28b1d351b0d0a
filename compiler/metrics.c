/* The rows of the metrics. What they compute is the runtime's matter. */
#include "tables.h"

const Entry accuracy_metric = {.name = "accuracy",
                               .help = "how many predictions are right: categorical or binary, as the output and the loss say"};
const Entry categorical_accuracy_metric = {.name = "categorical_accuracy",
                                           .help = "how often the largest output is the right class"};
