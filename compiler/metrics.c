/* The rows of the metrics. What they compute is the runtime's matter (runtime/metrics.c). */
#include "tables.h"

static const Parameter threshold_parameters[] = {
    {.name = "threshold", .type = PARAMETER_NUMBER, .minimum = -1e30, .maximum = 1e30, .fallback = "0.5", .help = "outputs above it mean 1"},
    {0},
};

static const Parameter k_parameters[] = {
    {.name = "k", .type = PARAMETER_SIZE, .minimum = 1, .fallback = "5", .help = "how many of the largest outputs count"},
    {0},
};

static const Parameter decision_parameters[] = {
    {.name = "thresholds", .type = PARAMETER_NUMBER, .maximum = 1, .fallback = "none", .help = "outputs above it are taken as positive; none: 0.5, or with top_k any"},
    {.name = "top_k", .type = PARAMETER_SIZE, .minimum = 1, .fallback = "none", .help = "of each row only that many largest outputs can be positive"},
    {.name = "class_id", .type = PARAMETER_SIZE, .fallback = "none", .help = "the one class that counts; none: all"},
    {0},
};

static const Parameter auc_parameters[] = {
    {.name = "num_thresholds", .type = PARAMETER_SIZE, .minimum = 2, .maximum = 100000, .fallback = "200", .help = "at how many thresholds the curve is known"},
    {.name = "curve", .type = PARAMETER_WORD, .words = (const char *const[]){"ROC", "PR", "roc", "pr", NULL}, .fallback = "ROC", .help = "ROC: true over false positive rate; PR: precision over recall"},
    {.name = "summation_method", .type = PARAMETER_WORD, .words = (const char *const[]){"interpolation", "minoring", "majoring", NULL}, .fallback = "interpolation", .help = "what is taken between two thresholds: their mean, the smaller or the larger"},
    {0},
};

static const Parameter f1_parameters[] = {
    {.name = "average", .type = PARAMETER_WORD, .words = (const char *const[]){"micro", "macro", "weighted", NULL}, .help = "micro: over all outputs; macro: the mean of those of the classes; weighted: by how often these are true"},
    {.name = "threshold", .type = PARAMETER_NUMBER, .maximum = 1, .above_minimum = true, .fallback = "none", .help = "outputs above it are taken as positive; none: the largest of a row"},
    {0},
};

const Metric accuracy_metric = {{.name = "accuracy", .help = "how many predictions are right: binary for outputs of one number, else categorical"}, NULL};
const Metric binary_accuracy_metric = {{"binary_accuracy", "how many numbers are on their target's side of the threshold", threshold_parameters, NULL}, NULL};
const Metric categorical_accuracy_metric = {{.name = "categorical_accuracy", .help = "how often the largest output is the right class"}, NULL};
const Metric sparse_categorical_accuracy_metric = {{.name = "sparse_categorical_accuracy", .help = "categorical_accuracy for targets that are class numbers"}, NULL};
const Metric top_k_categorical_accuracy_metric = {{"top_k_categorical_accuracy", "how often the right class is among the k largest outputs", k_parameters, NULL}, NULL};
const Metric sparse_top_k_categorical_accuracy_metric = {{"sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy for targets that are class numbers", k_parameters, NULL}, NULL};
const Metric precision_metric = {{"precision", "which share of what was taken as positive is", decision_parameters, NULL}, NULL};
const Metric recall_metric = {{"recall", "which share of what is positive was taken as such", decision_parameters, NULL}, NULL};
const Metric auc_metric = {{"auc", "the area under a curve over all thresholds", auc_parameters, NULL}, NULL};
const Metric f1_score_metric = {{"f1_score", "the harmonic mean of precision and recall", f1_parameters, NULL}, NULL};
const Metric root_mean_squared_error_metric = {{.name = "root_mean_squared_error", .help = "the root of the mean of the squared differences"}, &mean_squared_error_loss};
