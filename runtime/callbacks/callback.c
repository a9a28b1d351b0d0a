/* What the callbacks share: how they watch a figure, their line in a checkpoint, learning rates as Keras prints them. */
#include "callback.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool monitor_begin(Monitor *monitor, const Training *training, const Callback *callback, Failure *failure)
{
    const char *mode = callback_argument(callback, "mode");
    monitor->name = callback_argument(callback, "monitor");
    if (!monitor->name) monitor->name = "val_loss";
    bool of_validation = !strncmp(monitor->name, "val_", 4);
    const char *metric_name = monitor->name + (of_validation ? 4 : 0);
    const Metric *metric = NULL;
    for (int i = 0; i < training->metrics.count; i++) {
        if (!strcmp(training->metrics.items[i].name, metric_name)) metric = &training->metrics.items[i];
    }
    if (!metric) {
        const char *const *columns = (const char *const *)training->history.columns;
        const char *near = closest_name(monitor->name, columns, training->history.column_count);
        return fail(failure,
                    "%s: there is no %s to monitor; did you mean %s?",
                    callback->kind->name,
                    monitor->name,
                    near ? near : "loss");
    }
    if (mode && strcmp(mode, "auto") && strcmp(mode, "min") && strcmp(mode, "max")) {
        return fail(failure, "%s: mode wants auto, min or max, not '%s'", callback->kind->name, mode);
    }
    if (mode && strcmp(mode, "auto"))
        monitor->maximize = !strcmp(mode, "max");
    else
        monitor->maximize = metric->maximize;
    double delta = 0;
    if (!callback_number(callback, "min_delta", &delta, failure)) return false;
    monitor->min_delta = monitor->maximize ? fabs(delta) : -fabs(delta);
    return true;
}

void monitor_warn(const Monitor *monitor, const Training *training, const Callback *callback)
{
    if (!strncmp(monitor->name, "val_", 4) && !training->validates) {
        fprintf(stderr,
                "%s: warning: %s monitors %s, but there is no validation data\n",
                training->options->program,
                callback->kind->name,
                monitor->name);
    }
}

/* Keras compares in single precision. */
bool monitor_better(const Monitor *monitor, double value, double reference)
{
    float moved = (float)(value - monitor->min_delta);
    return monitor->maximize ? moved > (float)reference : moved < (float)reference;
}

bool callback_note(TensorFile *file, const char *prefix, const char *value, Failure *failure)
{
    char key[256];
    snprintf(key, sizeof key, "%sstate", prefix);
    return safetensors_note(file, key, value, failure);
}

const char *callback_noted(const TensorFile *file, const char *prefix)
{
    char key[256];
    snprintf(key, sizeof key, "%sstate", prefix);
    return safetensors_value(file, key);
}

const char *callback_number_text(double number, char *text, size_t size)
{
    /* Python's shortest digits that read back as the same double. */
    for (int digits = fabs(number) >= 1 && fabs(number) < 1e16 ? 1 + (int)log10(fabs(number)) : 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    if (!strpbrk(text, ".en") && strlen(text) + 3 < size) strcat(text, ".0");
    return text;
}
