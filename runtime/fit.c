/* fit(): the loop, in Keras's order of things.
 *
 *     for each epoch:
 *         shuffle; for each batch: step, metrics, callbacks' batch_end, [checkpoint]
 *         validate; history; callbacks' epoch_end; [checkpoint]
 *     callbacks' train_end; weights written where --output says
 *
 * Everything that can be wrong with the inputs is found before the first step, and the first file is written after it. */
#include "trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Training training;
    Dataset data, validation_data;
    Samples samples, validation; /* validation.count 0: none */
    Batch batch, validation_batch;
    Metrics validation_metrics;
    uint32_t *order;
    int64_t order_pass; /* which pass the order is of; -1: none yet */
    ClassWeights class_weights;
    TensorFile resume;
    Figure *figures; /* one for each column of the history */
    bool warned;     /* of a loss that is not finite */
} Fit;

/* A signal that asks to end; the step under way is finished first, a second signal ends at once. */
static volatile sig_atomic_t signal_received;

static void on_signal(int number)
{
    signal_received = number;
}

static bool interrupted(void)
{
    return signal_received != 0;
}

static struct sigaction former_hangup, former_pipe;

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    signal_received = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, NULL, &former_hangup); /* the terminal is gone; nohup has it ignored, and then it stays so */
    if (former_hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL);
    /* Who read the output is gone: a pager, head. What is said while the state is saved must not end the program, so this one stays caught. */
    action.sa_flags = (int)SA_RESTART;
    sigaction(SIGPIPE, NULL, &former_pipe);
    if (former_pipe.sa_handler != SIG_IGN) sigaction(SIGPIPE, &action, NULL);
}

static void release_signals(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigaction(SIGHUP, &former_hangup, NULL);
    sigaction(SIGPIPE, &former_pipe, NULL);
}

/* ---- preparations ------------------------------------------------------------------------------------------------ */

static bool check_outputs(const Options *options, Failure *failure)
{
    const struct { const char *option, *path; ResultKind kind; } outputs[] = {
        {"--output", options->output, RESULT_TENSORS}, {"--checkpoint", options->checkpoint, RESULT_TENSORS}, {"--history", options->history, RESULT_HISTORY}};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < i; j++) {
            if (outputs[i].path && outputs[j].path && !strcmp(outputs[i].path, outputs[j].path)) {
                return fail(failure, "%s and %s name the same file, %s", outputs[j].option, outputs[i].option, outputs[i].path);
            }
        }
        if (!path_spares_inputs(outputs[i].option, outputs[i].path, options, failure)) return false;
        if (!path_writable(outputs[i].option, outputs[i].path, outputs[i].kind, failure)) return false;
    }
    return true;
}

static bool check_options(const Options *options, Failure *failure)
{
    if (options->resume && option_given(options, "initial-epoch")) {
        return fail(failure, "--resume goes on in the checkpoint's epoch: leave --initial-epoch out");
    }
    if (options->resume && options->weights) {
        return fail(failure, "--resume and --weights exclude one another: a checkpoint has its own weights");
    }
    if (options->checkpoint_steps && !options->checkpoint) return fail(failure, "--checkpoint-steps needs --checkpoint FILE");
    if (options->y.count && !options->x.count) return fail(failure, "--y needs --x beside it");
    if (options->x.count && options->data) return fail(failure, "--x and --data exclude one another");
    if (options->validation_y.count && !options->validation_x.count)
        return fail(failure, "--validation-y needs --validation-x beside it");
    if (!options->resume && options->initial_epoch >= options->epochs) {
        return fail(failure,
                    "nothing to train: --initial-epoch %" PRId64 " and --epochs %" PRId64 " (the number of the last epoch)",
                    options->initial_epoch,
                    options->epochs);
    }
    return check_outputs(options, failure);
}

/* Cuts the last share of the data off, before any shuffling. */
static bool split_validation(Fit *fit, double share, Failure *failure)
{
    int64_t kept = (int64_t)floor((double)fit->data.count * (1 - share));
    if (kept == 0 || kept == fit->data.count) {
        return fail(failure,
                    "--validation-split %g of %" PRId64 " samples leaves no sample to %s",
                    share,
                    fit->data.count,
                    kept ? "validate on" : "train on");
    }
    fit->samples.count = kept;
    fit->validation = (Samples){.data = &fit->data, .first = kept, .count = fit->data.count - kept};
    return true;
}

static bool read_validation(Fit *fit, const CnncModel *model, const Options *options, const char *folder, Failure *failure)
{
    DataRequest request = {.x = &options->validation_x,
                           .y = &options->validation_y,
                           .x_flag = "--validation-x",
                           .y_flag = "--validation-y",
                           .test = true};
    if (options->validation_x.count == 0) {
        bool own = !strcmp(options->validation_data, "test");
        request.folder = own ? folder : options->validation_data;
        if (!request.folder) {
            return fail(
                failure,
                "validation_data=test is the test set of a data folder, but the data come from --x: give --validation-x and "
                "--validation-y, or --validation-split 0 to go without");
        }
    }
    if (!dataset_read(&fit->validation_data, model, &request, failure)) return false;
    fit->validation = (Samples){.data = &fit->validation_data, .count = fit->validation_data.count};
    return true;
}

static bool read_data(Fit *fit, const CnncModel *model, const Options *options, Failure *failure)
{
    DataRequest request = {
        .x = &options->x, .y = &options->y, .x_flag = "--x", .y_flag = "--y", .sample_weight = options->sample_weight};
    if (options->x.count == 0) {
        request.folder = data_folder(options, failure);
        if (!request.folder) return false;
    }
    if (!dataset_read(&fit->data, model, &request, failure)) return false;
    if (fit->data.count > UINT32_MAX) return fail(failure, "more than 2^32 - 1 samples cannot be shuffled");
    fit->samples = (Samples){.data = &fit->data, .count = fit->data.count};

    /* Data to validate on go before a split; a flag of either kind takes back what the network's own fit() says of the other. */
    if (options->validation_x.count || options->validation_data) return read_validation(fit, model, options, request.folder, failure);
    return options->validation_split > 0 ? split_validation(fit, options->validation_split, failure) : true;
}

static bool allocate(Fit *fit, const CnncModel *model, const Options *options, Failure *failure)
{
    Training *training = &fit->training;
    size_t arena = model->train_arena_size > model->evaluate_arena_size ? model->train_arena_size : model->evaluate_arena_size;
    int64_t validation_size = options->validation_batch_size ? options->validation_batch_size : options->batch_size;
    if (model->parameters_size > arena) arena = model->parameters_size;
    if (!memory_fits(model->weights_size * (size_t)(1 + model->slot_count) + arena, "weights, the optimiser's state and activations together", failure)) return false;
    training->weights = memory_aligned(model->weights_size, "the weights", failure);
    if (!training->weights) return false;
    training->slots = memory_aligned(model->weights_size * (size_t)model->slot_count, "the optimiser's state", failure);
    if (!training->slots) return false;
    training->arena = training->parameters = memory_scratch(arena, "activations and gradients", failure);
    if (!training->arena) return false;
    fit->order = calloc((size_t)fit->samples.count, sizeof *fit->order);
    fit->figures = calloc((size_t)training->history.column_count, sizeof *fit->figures);
    if (!fit->order || !fit->figures) return fail(failure, "no memory for the order of the samples");
    if (!batch_new(&fit->batch, model, options->batch_size, failure) || !batch_new(&fit->validation_batch, model, validation_size, failure)) return false;
    if (options->class_weight) fit->batch.class_weights = &fit->class_weights;
    fit->batch.takes_bytes = model->train_step_bytes != NULL;
    fit->validation_batch.takes_bytes = model->evaluate_bytes != NULL;
    return true;
}

/* Weights and place: of the checkpoint, of a weight file, or new ones. */
static bool start(Fit *fit, const CnncModel *model, const Options *options, Failure *failure)
{
    Training *training = &fit->training;
    initial_slots(model, training->parameters, training->slots);
    if (options->resume) return checkpoint_restore(training, &fit->resume, options->resume, failure);
    if (options->weights) {
        if (!parameters_read(options->weights, model, training->parameters, failure)) return false;
    } else if (!initial_parameters(model, options->seed, training->parameters, failure)) {
        return false;
    }
    model->pack(training->parameters, training->weights);
    return true;
}

/* Flags about a validation that there is none of: as in Keras they do nothing. */
static void warn_of_no_validation(const Options *options)
{
    static const char *const flags[] = {"validation-steps", "validation-batch-size", "validation-freq"};
    for (int i = 0; i < 3; i++)
        if (option_given(options, flags[i]))
            fprintf(stderr, "%s: warning: --%s does nothing: there is no validation data\n", options->program, flags[i]);
}

static bool prepare(Fit *fit, const CnncModel *model, Options *options, Failure *failure)
{
    Training *training = &fit->training;
    if (!check_options(options, failure)) return false;
    if (options->resume && (!checkpoint_open(&fit->resume, options->resume, model, failure) ||
                            !checkpoint_settings(&fit->resume, options->resume, options, failure))) {
        return false;
    }
    if (options->batch_size > model->batch_size) {
        return fail(failure, "%s: its batches are larger than the network's", options->resume);
    }
    if (!read_data(fit, model, options, failure)) return false;
    training->epoch = training->pass = options->initial_epoch;
    training->learning_rate = model->schedule ? model->schedule(0) : model->learning_rate;
    training->sample_count = fit->samples.count;
    training->validates = fit->validation.count > 0;
    if (!training->validates) warn_of_no_validation(options);
    return metrics_new(&training->metrics, model, failure) && metrics_new(&fit->validation_metrics, model, failure) &&
           history_new(&training->history, &training->metrics, failure) && callbacks_new(training, failure) &&
           class_weights_read(&fit->class_weights, model, options->class_weight, failure) &&
           allocate(fit, model, options, failure) && start(fit, model, options, failure);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

typedef enum { GO_ON, INTERRUPTED, FAILED } Outcome;

/* The figures of the epoch so far, for the bar. */
static int running_figures(Fit *fit)
{
    const Metrics *metrics = &fit->training.metrics;
    for (int i = 0; i < metrics->count; i++) {
        fit->figures[i] = (Figure){.name = metrics->items[i].name, .value = (double)metric_value(&metrics->items[i])};
    }
    return metrics->count;
}

/* Says once where a loss that is not finite begins. The batch is the one under way, the weights are as they were before its step. */
static void warn_not_finite(Fit *fit, int64_t first, int64_t n)
{
    Training *training = &fit->training;
    Batch *batch = &fit->batch;
    char text[512];
    bool bytes = batch->takes_bytes;
    batch->takes_bytes = false;
    batch_gather(batch, training->model, &fit->samples, fit->order, first, n);
    loss_origin(training, &fit->samples, fit->order, batch, first, n, text, sizeof text);
    batch->takes_bytes = bytes;
    batch_gather(batch, training->model, &fit->samples, fit->order, first, n);
    progress_break(&training->progress);
    fprintf(stderr,
            "%s: warning: the loss of batch %" PRId64 " of epoch %" PRId64 " is not finite: %s\n",
            training->options->program,
            training->steps_done,
            training->epoch + 1,
            text);
    fit->warned = true;
}

static float train_step(Fit *fit, int64_t n, const CnncStep *step)
{
    Training *training = &fit->training;
    const Batch *batch = &fit->batch;
    return (batch->bytes ? training->model->train_step_bytes : training->model->train_step)(
        training->weights,
        training->slots,
        (const void *const *)batch->inputs,
        (const void *const *)batch->targets,
        batch->sample_weights,
        (size_t)n,
        step,
        batch->losses,
        metrics_need_outputs(&training->metrics) ? batch->outputs : NULL,
        training->arena);
}

/* As in Keras a loss that is not finite is no reason not to make the step, which spoils all weights. But the first time it is
 * refused before, so that its origin can be found. */
static void train_batch(Fit *fit)
{
    Training *training = &fit->training;
    const CnncModel *model = training->model;
    Batch *batch = &fit->batch;
    int64_t size = training->options->batch_size;
    int64_t first = training->batch * size;
    int64_t n = fit->samples.count - first < size ? fit->samples.count - first : size;
    if (model->schedule) training->learning_rate = model->schedule(training->step);
    CnncStep step = {.seed = training->options->seed, .step = training->step, .learning_rate = training->learning_rate, .refuse_nan = !fit->warned};
    batch_gather(batch, model, &fit->samples, fit->order, first, n);
    float loss = train_step(fit, n, &step);
    if (!isfinite(loss) && !fit->warned) {
        warn_not_finite(fit, first, n);
        step.refuse_nan = 0;
        loss = train_step(fit, n, &step);
    }
    metrics_update(&training->metrics, model, loss, batch, n);
    training->batch++;
    training->steps_done++;
    training->step++;
}

/* What callbacks write of the whole state, when each of them has seen the step or epoch. */
static bool settle(Training *training, Failure *failure)
{
    bool good = true;
    Failure other;
    for (int i = 0; i < training->callback_count; i++) {
        Callback *callback = &training->callbacks[i];
        if (callback->kind->settled) good &= callback->kind->settled(training, callback, good ? failure : &other);
    }
    return good;
}

/* The steps of an epoch that are left to do. */
static Outcome train_steps(Fit *fit, int64_t steps, Failure *failure)
{
    Training *training = &fit->training;
    const Options *options = training->options;
    int64_t batches = batch_count(fit->samples.count, options->batch_size);
    while (training->steps_done < steps && !training->stop) {
        if (training->batch >= batches) {
            progress_break(&training->progress);
            fprintf(stderr,
                    "%s: warning: the data ran out after %" PRId64 " of %" PRId64 " steps of epoch %" PRId64 "\n",
                    options->program,
                    training->steps_done,
                    steps,
                    training->epoch + 1);
            return GO_ON;
        }
        if (fit->order_pass != training->pass) {
            if (!shuffle_samples(fit->order,
                                 fit->samples.count,
                                 options->shuffle,
                                 options->batch_size,
                                 options->seed,
                                 training->pass,
                                 failure)) {
                return FAILED;
            }
            fit->order_pass = training->pass;
        }
        train_batch(fit);
        progress_step(&training->progress, training->steps_done, NULL, fit->figures, running_figures(fit));
        for (int i = 0; i < training->callback_count; i++) {
            Callback *callback = &training->callbacks[i];
            if (callback->kind->batch_end && !callback->kind->batch_end(training, callback, failure)) return FAILED;
        }
        if (!settle(training, failure)) return FAILED;
        if (interrupted()) return INTERRUPTED;
        if (options->checkpoint_steps && training->step % (uint64_t)options->checkpoint_steps == 0 &&
            !checkpoint_write(training, options->checkpoint, failure)) {
            return FAILED;
        }
    }
    return GO_ON;
}

static bool validate(Fit *fit)
{
    Training *training = &fit->training;
    const Options *options = training->options;
    Evaluation evaluation = {.model = training->model,
                             .weights = training->weights,
                             .arena = training->arena,
                             .batch = &fit->validation_batch,
                             .batch_size = fit->validation_batch.capacity,
                             .steps = options->validation_steps,
                             .stopped = interrupted};
    progress_step(&training->progress, training->steps_done, "validating", fit->figures, running_figures(fit));
    metrics_reset(&fit->validation_metrics);
    return evaluate_samples(&evaluation, &fit->validation, &fit->validation_metrics, NULL);
}

/* The epoch's row of the history, shown behind the bar. */
static const HistoryRow *record_epoch(Fit *fit, bool validated, Failure *failure)
{
    Training *training = &fit->training;
    int count = training->metrics.count;
    HistoryRow *row = history_add(&training->history, training->epoch, validated, failure);
    if (!row) return NULL;
    for (int i = 0; i < count; i++) {
        row->values[i] = metric_value(&training->metrics.items[i]);
        row->values[count + i] = metric_value(&fit->validation_metrics.items[i]);
    }
    int shown = validated ? 2 * count : count;
    for (int i = 0; i < shown; i++) {
        fit->figures[i] = (Figure){.name = training->history.columns[i], .value = (double)row->values[i]};
    }
    row->values[2 * count] = training->learning_rate;
    if (training->history.shows_learning_rate) {
        fit->figures[shown++] = (Figure){.name = training->history.columns[2 * count], .value = (double)training->learning_rate};
    }
    progress_end(&training->progress, training->steps_done, fit->figures, shown);
    return row;
}

/* All callbacks run and the checkpoint is written, also where one of them fails: the first failure is reported. */
static bool end_epoch(Fit *fit, const HistoryRow *row, Failure *failure)
{
    Training *training = &fit->training;
    const Options *options = training->options;
    bool good = true;
    Failure other;
    for (int i = 0; i < training->callback_count; i++) {
        Callback *callback = &training->callbacks[i];
        if (callback->kind->epoch_end) good &= callback->kind->epoch_end(training, callback, row, good ? failure : &other);
    }
    training->epoch++;
    training->steps_done = 0;
    if (training->batch >= batch_count(fit->samples.count, options->batch_size)) {
        training->batch = 0;
        training->pass++;
    }
    metrics_reset(&training->metrics);
    good &= settle(training, good ? failure : &other);
    fflush(stdout);
    if (options->checkpoint) good &= checkpoint_write(training, options->checkpoint, good ? failure : &other);
    return good;
}

static Outcome train_epoch(Fit *fit, Failure *failure)
{
    Training *training = &fit->training;
    const Options *options = training->options;
    int64_t steps = options->steps_per_epoch ? options->steps_per_epoch : batch_count(fit->samples.count, options->batch_size);
    char title[64];
    for (int i = 0; i < training->callback_count && training->steps_done == 0; i++) {
        Callback *callback = &training->callbacks[i];
        if (callback->kind->epoch_begin && !callback->kind->epoch_begin(training, callback, failure)) return FAILED;
    }
    snprintf(title, sizeof title, "Epoch %" PRId64 "/%" PRId64, training->epoch + 1, options->epochs);
    progress_begin(&training->progress, (int)options->verbose, title, training->steps_done, steps);
    Outcome outcome = train_steps(fit, steps, failure);
    bool validates = fit->validation.count > 0 && (training->epoch + 1) % options->validation_freq == 0;
    if (outcome == GO_ON && validates && !validate(fit)) outcome = INTERRUPTED;
    if (outcome != GO_ON) {
        progress_break(&training->progress);
        return outcome;
    }
    const HistoryRow *row = record_epoch(fit, validates, failure);
    return row && end_epoch(fit, row, failure) ? GO_ON : FAILED;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static bool write_output(Fit *fit, Failure *failure)
{
    Training *training = &fit->training;
    const char *path = training->options->output;
    if (!path) return true;
    training->model->unpack(training->weights, training->parameters);
    if (!parameters_check_finite(training->model, training->parameters, path, failure)) return false;
    if (!parameters_write(path, training->model, training->parameters, failure)) return false;
    if (training->options->verbose) printf("weights written to %s\n", path);
    return true;
}

/* Ctrl-C: what was reached is saved where that was asked for, and it is said how to go on. */
static int end_interrupted(Fit *fit, Failure *failure)
{
    Training *training = &fit->training;
    const Options *options = training->options;
    int status = 128 + (int)signal_received;
    fprintf(stderr,
            "%s: interrupted in epoch %" PRId64 " after %" PRId64 " steps\n",
            options->program,
            training->epoch + 1,
            training->steps_done);
    if (options->checkpoint && !checkpoint_write(training, options->checkpoint, failure)) return 1;
    if (!write_output(fit, failure)) return 1;
    if (options->checkpoint) {
        fprintf(stderr,
                "%s: the state is in %s; the same command with --resume %s goes on exactly there\n",
                options->program,
                options->checkpoint,
                options->checkpoint);
    } else if (options->output) {
        fprintf(stderr,
                "%s: fit --weights %s goes on from these weights, with a new optimiser (--checkpoint FILE would keep the whole "
                "state)\n",
                options->program,
                options->output);
    } else {
        fprintf(stderr,
                "%s: nothing was saved; --checkpoint FILE would keep the state, --output FILE the weights\n",
                options->program);
    }
    return status;
}

static bool end_training(Fit *fit, Failure *failure)
{
    Training *training = &fit->training;
    for (int i = 0; i < training->callback_count; i++) {
        Callback *callback = &training->callbacks[i];
        if (callback->kind->train_end && !callback->kind->train_end(training, callback, failure)) return false;
    }
    return write_output(fit, failure);
}

/* Whether anything outlives the program: the weights, or the whole state. */
static bool keeps_weights(const Training *training)
{
    bool kept = training->options->output || training->options->checkpoint;
    for (int i = 0; i < training->callback_count; i++) kept = kept || training->callbacks[i].kind->keeps_weights;
    return kept;
}

static int train(Fit *fit, Failure *failure)
{
    Training *training = &fit->training;
    const Options *options = training->options;
    int64_t begin = training->epoch;
    uint64_t first_step = training->step;
    double seconds = clock_seconds();
    Outcome outcome = GO_ON;
    if (options->verbose && fit->validation.count) {
        printf("training on %" PRId64 " samples, validating on %" PRId64 "\n", fit->samples.count, fit->validation.count);
    } else if (options->verbose) {
        printf("training on %" PRId64 " samples\n", fit->samples.count);
    }
    if (options->verbose && !keeps_weights(training))
        printf("note: the trained weights will not be kept; --output weights.safetensors writes them at the end\n");
    if (options->verbose && (begin >= options->epochs || training->stop)) {
        const char *ended = training->stop ? " and was ended by a callback" : "";
        printf("%s has %" PRId64 " epochs behind it%s; --epochs N, with a larger number, goes on\n",
               options->resume,
               begin,
               ended);
    }
    while (outcome == GO_ON && training->epoch < options->epochs && !training->stop) outcome = train_epoch(fit, failure);
    seconds = clock_seconds() - seconds;
    if (outcome == FAILED) { /* a full disk under the checkpoint or the history is no reason to lose the weights */
        Failure other;
        if (training->step > first_step) write_output(fit, &other);
        return 1;
    }
    if (outcome == INTERRUPTED) return end_interrupted(fit, failure);
    if (!end_training(fit, failure)) return 1;
    int64_t epochs = training->epoch - begin;
    if (options->verbose && epochs > 0) {
        const char *ended = training->stop && training->epoch < options->epochs ? "ended by a callback: " : "";
        printf("%s%" PRId64 " epoch%s in %.1f s, %.2f s an epoch\n",
               ended,
               epochs,
               epochs == 1 ? "" : "s",
               seconds,
               seconds / (double)epochs);
    }
    return 0;
}

static void fit_free(Fit *fit, const CnncModel *model)
{
    Training *training = &fit->training;
    callbacks_free(training);
    history_free(&training->history);
    metrics_free(&training->metrics);
    metrics_free(&fit->validation_metrics);
    batch_free(&fit->batch, model);
    batch_free(&fit->validation_batch, model);
    dataset_free(&fit->data, model);
    dataset_free(&fit->validation_data, model);
    safetensors_free(&fit->resume);
    free(training->weights);
    free(training->slots);
    free(training->arena);
    free(fit->order);
    free(fit->figures);
    class_weights_free(&fit->class_weights);
}

int fit_command(const CnncModel *model, Options *options, Failure *failure)
{
    Fit fit = {.training = {.model = model, .options = options}, .order_pass = -1};
    int status = 1;
    threads_flush_denormals();
    if (prepare(&fit, model, options, failure)) {
        safetensors_free(&fit.resume);
        catch_signals();
        status = train(&fit, failure);
        release_signals();
    }
    fit_free(&fit, model);
    return status;
}
