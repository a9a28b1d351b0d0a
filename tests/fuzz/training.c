/* What a training reads beside data: checkpoints, a history for the report, and the texts of its flags. */
#include "fuzz.h"
#include "../unit/toy.h"
#include "report.h"
#include "trainer.h"

#include <string.h>

/* A training of a small network, as far as fit() prepares it; false: an option does not hold. */
static bool training_begin(Training *training, Options *options, Failure *failure)
{
    const CnncModel *model = training->model;
    training->options = options;
    training->sample_count = 16;
    training->weights = memory_aligned(model->weights_size, "weights", failure);
    training->slots = memory_aligned(model->weights_size * (size_t)model->slot_count, "slots", failure);
    size_t scratch = model->train_arena_size > model->parameters_size ? model->train_arena_size : model->parameters_size;
    training->arena = training->parameters = memory_aligned(scratch, "scratch", failure);
    EXPECT(training->weights && training->slots && training->arena);
    return metrics_new(&training->metrics, model, failure) && history_new(&training->history, &training->metrics, failure) && callbacks_new(training, failure);
}

static void training_end(Training *training)
{
    callbacks_free(training);
    history_free(&training->history);
    metrics_free(&training->metrics);
    free(training->weights);
    free(training->slots);
    free(training->arena);
}

/* The checksum and the network's hash refuse nearly all that a mutation makes, and are checked first; what lies behind them is
 * run in any case. */
static bool run_checkpoint(const uint8_t *bytes, size_t size)
{
    Failure failure = {""};
    TensorFile file = {0}, again = {0};
    const CnncModel *model = &toy_flowers;
    const char *path = fuzz_file(0, bytes, size);
    bool whole = checkpoint_open(&file, path, model, &failure);
    if (!whole) fuzz_refused(&failure);
    safetensors_free(&file);
    if (!safetensors_read(path, &again, &failure)) return false;
    Options options;
    char *arguments[] = {"toy", "fit", NULL};
    EXPECT(options_read(&options, model, 2, arguments, &failure));
    Training training = {.model = model};
    bool good = checkpoint_settings(&again, path, &options, &failure) && training_begin(&training, &options, &failure) &&
                checkpoint_restore(&training, &again, path, &failure);
    if (!good) fuzz_refused(&failure);
    EXPECT(!good || (training.epoch >= 0 && training.batch >= 0 && training.steps_done >= 0));
    training_end(&training);
    options_free(&options);
    safetensors_free(&again);
    return whole && good;
}

static bool run_history(const uint8_t *bytes, size_t size)
{
    Failure failure = {""};
    Curves curves;
    bool good = curves_read(&curves, fuzz_file(0, bytes, size), &failure);
    if (good) {
        const char *by;
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);
        EXPECT(stream && curves_best(&curves, &by) < curves.row_count);
        curves_draw(&curves, stream);
        fclose(stream);
        free(text);
    } else {
        fuzz_refused(&failure);
    }
    curves_free(&curves);
    return good;
}

/* Each line is an argument of `fit`. No text becomes the path of a file elsewhere. */
static bool run_flags(const uint8_t *bytes, size_t size)
{
    enum { MOST_ARGUMENTS = 16 };
    char *text = calloc(size + 1, 1), *arguments[MOST_ARGUMENTS + 3] = {"toy", "fit"};
    int count = 2;
    EXPECT(text);
    for (size_t i = 0; i < size; i++) text[i] = (char)(bytes[i] == '/' || !bytes[i] ? '_' : bytes[i]);
    for (char *line = strtok(text, "\n"); line && count < MOST_ARGUMENTS; line = strtok(NULL, "\n")) arguments[count++] = line;
    Failure failure = {""};
    Options options;
    Training training = {.model = &toy_digits};
    bool good = options_read(&options, training.model, count, arguments, &failure);
    if (good && !options.help) {
        good = training_begin(&training, &options, &failure);
        ClassWeights weights = {0};
        good = good && class_weights_read(&weights, training.model, options.class_weight, &failure);
        static const PathField fields[] = {{"epoch", true, 7}, {"val_loss", false, 0.12345}};
        char *path = good && options.output ? path_fill(options.output, fields, 2, &failure) : NULL;
        good = good && (path || !options.output);
        free(path);
        class_weights_free(&weights);
        training_end(&training);
    }
    if (!good) fuzz_refused(&failure);
    options_free(&options);
    free(text);
    return good;
}

const Harness checkpoint_harness = {.name = "checkpoint", .run = run_checkpoint, .most = 4096};
const Harness history_harness = {.name = "history", .run = run_history, .most = 1024};
const Harness flags_harness = {.name = "flags", .run = run_flags, .most = 512};
