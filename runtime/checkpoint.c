/* A checkpoint: all that a training is, in one safetensors file, so that going on from it ends in the same bits as
 * never having stopped.
 *
 *     NAME                    the parameters, canonical
 *     optimizer/SLOT/NAME     the optimiser's memories
 *     optimizer/carried/NAME  what stateful layers carry from step to step
 *     callback/N/KIND/...     what the callbacks remember
 *     __metadata__            the place in the training, the sums of the epoch under way, the history, the settings that
 *                             the order of things depends on, the network's hash, and a checksum over all of this (checksum.c)
 *
 * Shuffling and dropout need no state: their random numbers are functions of seed, pass and step. */
#include "trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char FORMAT[] = "cnnc checkpoint 1";

bool checkpoint_recognize(const TensorFile *file, const char *path, bool *is_checkpoint, Failure *failure)
{
    const char *format = safetensors_value(file, "format");
    *is_checkpoint = format && !strncmp(format, FORMAT, strlen(FORMAT) - 1);
    return !*is_checkpoint || !strcmp(format, FORMAT) ||
           fail(failure, "%s is a '%s'; this trainer reads '%s'", path, format, FORMAT);
}

/* ---- notes: single values in the metadata ----------------------------------------------------------------------- */

static bool note(TensorFile *file, Failure *failure, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static bool note(TensorFile *file, Failure *failure, const char *key, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return safetensors_note(file, key, text, failure);
}

static bool noted_number(const TensorFile *file, const char *path, const char *key, int64_t *number, Failure *failure)
{
    const char *text = safetensors_value(file, key);
    char *end;
    if (!text) return fail(failure, "%s: the checkpoint says no %s", path, key);
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (end == text || *end || errno || *number < 0) return fail(failure, "%s: the checkpoint's %s is '%s'", path, key, text);
    return true;
}

static bool noted_unsigned(const TensorFile *file, const char *path, const char *key, uint64_t *number, Failure *failure)
{
    const char *text = safetensors_value(file, key);
    if (!text || sscanf(text, "%" SCNu64, number) != 1) return fail(failure, "%s: the checkpoint says no %s", path, key);
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static bool add_slots(TensorFile *file, const Training *training, Failure *failure)
{
    const CnncModel *model = training->model;
    char prefix[256];
    for (int i = 0; i < model->slot_count; i++) {
        snprintf(prefix, sizeof prefix, "optimizer/%s/", model->slots[i].name);
        model->unpack((const char *)training->slots + (size_t)i * model->weights_size, training->parameters);
        if (!parameters_add(file, model, prefix, training->parameters, false, true, failure)) return false;
    }
    return true;
}

/* What lies in the packed weights and is no parameter, as a model of its own. */
static CnncModel carried(const CnncModel *model)
{
    CnncModel memories = {.tensors = model->memories};
    while (model->memories && model->memories[memories.tensor_count].name) memories.tensor_count++;
    return memories;
}

static bool add_carried(TensorFile *file, const Training *training, Failure *failure)
{
    const CnncModel memories = carried(training->model);
    return parameters_add(file, &memories, "optimizer/carried/", training->weights, false, true, failure);
}

static bool add_callbacks(TensorFile *file, const Training *training, Failure *failure)
{
    char prefix[256];
    for (int i = 0; i < training->callback_count; i++) {
        const Callback *callback = &training->callbacks[i];
        snprintf(prefix, sizeof prefix, "callback/%d/%s/", i, callback->kind->name);
        if (callback->kind->save && !callback->kind->save(training, callback, file, prefix, failure)) return false;
    }
    return true;
}

/* What a metric has gathered, as text; free() it. */
static char *state_text(const Metric *metric, Failure *failure)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        fail(failure, "no memory for the metrics");
        return NULL;
    }
    for (int64_t k = 0; k < metric->state_count; k++) fprintf(stream, "%s%a", k ? " " : "", metric->state[k]);
    text_end(stream, &text, failure);
    return text;
}

static bool add_place(TensorFile *file, const Training *training, Failure *failure)
{
    const Options *options = training->options;
    for (int i = 0; i < training->metrics.count; i++) {
        char key[256];
        const Metric *metric = &training->metrics.items[i];
        snprintf(key, sizeof key, "metric/%s", metric->name);
        char *state = state_text(metric, failure);
        bool done = state && safetensors_note(file, key, state, failure);
        free(state);
        if (!done) return false;
    }
    char *history = history_text(&training->history, failure);
    bool done = history && safetensors_note(file, "history", history, failure);
    free(history);
    return done && note(file, failure, "model", "%s", training->model->name) &&
           note(file, failure, "hash", "%s", training->model->hash) &&
           note(file, failure, "epoch", "%" PRId64, training->epoch) &&
           note(file, failure, "epochs", "%" PRId64, options->epochs) &&
           note(file, failure, "steps_done", "%" PRId64, training->steps_done) &&
           note(file, failure, "pass", "%" PRId64, training->pass) &&
           note(file, failure, "batch", "%" PRId64, training->batch) &&
           note(file, failure, "step", "%" PRIu64, training->step) &&
           note(file, failure, "learning_rate", "%a", (double)training->learning_rate) &&
           note(file, failure, "seed", "%" PRIu64, options->seed) && note(file, failure, "stop", "%d", training->stop) &&
           note(file, failure, "samples", "%" PRId64, training->sample_count) &&
           note(file, failure, "batch_size", "%" PRId64, options->batch_size) &&
           note(file, failure, "steps_per_epoch", "%" PRId64, options->steps_per_epoch) &&
           note(file, failure, "shuffle", "%d", (int)options->shuffle);
}

bool checkpoint_write(const Training *training, const char *path, Failure *failure)
{
    TensorFile file = {0};
    training->model->unpack(training->weights, training->parameters);
    if (!parameters_check_finite(training->model, training->parameters, path, failure)) return false;
    bool done = parameters_add(&file, training->model, "", training->parameters, false, true, failure) &&
                add_slots(&file, training, failure) && add_carried(&file, training, failure) && add_callbacks(&file, training, failure) &&
                add_place(&file, training, failure) && safetensors_seal(&file, FORMAT, failure) &&
                safetensors_write(path, &file, failure);
    safetensors_free(&file);
    return done;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

bool checkpoint_open(TensorFile *file, const char *path, const CnncModel *model, Failure *failure)
{
    bool is_checkpoint;
    if (!safetensors_read(path, file, failure) || !checkpoint_recognize(file, path, &is_checkpoint, failure)) return false;
    if (!is_checkpoint) return fail(failure, "%s is no checkpoint; start from weights with --weights %s", path, path);
    const char *hash = safetensors_value(file, "hash");
    if (!hash || strcmp(hash, model->hash)) {
        const char *name = safetensors_value(file, "model");
        return fail(failure,
                    "%s is a checkpoint of another network (%s, %s; this is %s, %s): layers, shapes or optimiser differ",
                    path,
                    name ? name : "?",
                    hash ? hash : "no hash",
                    model->name,
                    model->hash);
    }
    return true;
}

/* A setting comes from the checkpoint; a flag may repeat it, but not change it. */
static bool keep_setting(const TensorFile *file, const char *path, const Options *options, const char *key, const char *flag,
                         int64_t *setting, Failure *failure)
{
    int64_t saved;
    if (!noted_number(file, path, key, &saved, failure)) return false;
    if (option_given(options, flag) && *setting != saved) {
        return fail(failure,
                    "--%s differs from the run that wrote %s; leave it out to go on exactly, or start anew from its weights "
                    "with --weights",
                    flag,
                    path);
    }
    *setting = saved;
    return true;
}

bool checkpoint_settings(const TensorFile *file, const char *path, Options *options, Failure *failure)
{
    uint64_t seed;
    int64_t shuffle = (int64_t)options->shuffle;
    if (!keep_setting(file, path, options, "batch_size", "batch-size", &options->batch_size, failure) ||
        !keep_setting(file, path, options, "steps_per_epoch", "steps-per-epoch", &options->steps_per_epoch, failure) ||
        !keep_setting(file, path, options, "shuffle", "shuffle", &shuffle, failure) ||
        !noted_unsigned(file, path, "seed", &seed, failure)) {
        return false;
    }
    /* The number of the last epoch is no part of the state, but it is what the run wanted. */
    if (!option_given(options, "epochs") && !noted_number(file, path, "epochs", &options->epochs, failure)) return false;
    if (options->batch_size < 1 || shuffle > SHUFFLE_BATCHES)
        return fail(failure, "%s: the checkpoint's settings are damaged", path);
    if (option_given(options, "seed") && options->seed != seed) {
        return fail(
            failure, "--seed differs from the run that wrote %s (%" PRIu64 "); leave it out to go on exactly", path, seed);
    }
    options->shuffle = (Shuffle)shuffle;
    options->seed = seed;
    return true;
}

static bool restore_slots(Training *training, const TensorFile *file, const char *path, Failure *failure)
{
    const CnncModel *model = training->model;
    char prefix[256];
    for (int i = 0; i < model->slot_count; i++) {
        snprintf(prefix, sizeof prefix, "optimizer/%s/", model->slots[i].name);
        if (!parameters_take(file, path, model, prefix, training->parameters, failure)) return false;
        model->pack(training->parameters, (char *)training->slots + (size_t)i * model->weights_size);
    }
    return true;
}

static bool restore_place(Training *training, const TensorFile *file, const char *path, Failure *failure)
{
    int64_t samples, stop, epochs;
    double rate;
    const char *history = safetensors_value(file, "history"), *rate_text = safetensors_value(file, "learning_rate");
    if (!noted_number(file, path, "epoch", &training->epoch, failure) ||
        !noted_number(file, path, "epochs", &epochs, failure) ||
        !noted_number(file, path, "steps_done", &training->steps_done, failure) ||
        !noted_number(file, path, "pass", &training->pass, failure) ||
        !noted_number(file, path, "batch", &training->batch, failure) ||
        !noted_unsigned(file, path, "step", &training->step, failure) || !noted_number(file, path, "stop", &stop, failure) ||
        !noted_number(file, path, "samples", &samples, failure)) {
        return false;
    }
    if (samples != training->sample_count) {
        return fail(failure,
                    "%s was written while training on %" PRId64 " samples, but these are %" PRId64
                    ": --resume wants the same data",
                    path,
                    samples,
                    training->sample_count);
    }
    if (!rate_text || sscanf(rate_text, "%la", &rate) != 1)
        return fail(failure, "%s: the checkpoint says no learning_rate", path);
    training->learning_rate = (float)rate;
    /* A training that a callback ended stays ended, unless more epochs are asked for than then. */
    training->stop = stop && !(option_given(training->options, "epochs") && training->options->epochs > epochs);
    for (int i = 0; i < training->metrics.count; i++) {
        char key[256];
        Metric *metric = &training->metrics.items[i];
        snprintf(key, sizeof key, "metric/%s", metric->name);
        const char *text = safetensors_value(file, key);
        for (int64_t k = 0; text && k < metric->state_count; k++) {
            char *end;
            metric->state[k] = strtod(text, &end);
            text = end > text ? end : NULL;
        }
        if (!text || *text) {
            return fail(failure, "%s: the checkpoint has no metric %s", path, metric->name);
        }
    }
    Failure reason;
    if (!history || !history_parse(&training->history, history, &reason)) {
        return fail(failure, "%s: %s", path, history ? reason.text : "the checkpoint has no history");
    }
    return true;
}

bool checkpoint_restore(Training *training, const TensorFile *file, const char *path, Failure *failure)
{
    if (!restore_place(training, file, path, failure) || !restore_slots(training, file, path, failure)) return false;
    for (int i = 0; i < training->callback_count; i++) {
        char prefix[256];
        Callback *callback = &training->callbacks[i];
        snprintf(prefix, sizeof prefix, "callback/%d/%s/", i, callback->kind->name);
        if (callback->kind->restore && !callback->kind->restore(training, callback, file, path, prefix, failure)) return false;
    }
    if (!parameters_take(file, path, training->model, "", training->parameters, failure)) return false;
    training->model->pack(training->parameters, training->weights);
    const CnncModel memories = carried(training->model);
    return parameters_take(file, path, &memories, "optimizer/carried/", training->weights, failure);
}
