/* evaluate(): predictions in order against their targets; fit's validation is the same loop. */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t batch_count(int64_t samples, int64_t batch_size)
{
    return samples / batch_size + (samples % batch_size != 0);
}

void steps_check(const Options *options, int64_t batches)
{
    if (options->steps <= batches) return;
    fprintf(stderr,
            "%s: warning: --steps %" PRId64 ": there are only %" PRId64 " batches of %" PRId64 " samples\n",
            options->program,
            options->steps,
            batches,
            options->batch_size);
}

bool evaluate_samples(const Evaluation *evaluation, const Samples *samples, Metrics *metrics, Confusion *confusion)
{
    const CnncModel *model = evaluation->model;
    Batch *batch = evaluation->batch;
    int64_t steps = batch_count(samples->count, evaluation->batch_size);
    if (evaluation->steps && evaluation->steps < steps) steps = evaluation->steps;
    for (int64_t step = 0; step < steps; step++) {
        int64_t first = step * evaluation->batch_size;
        int64_t n = samples->count - first < evaluation->batch_size ? samples->count - first : evaluation->batch_size;
        batch_gather(batch, model, samples, NULL, first, n);
        float loss = (batch->bytes ? model->evaluate_bytes : model->evaluate)(
            evaluation->weights,
            (const void *const *)batch->inputs,
            (const void *const *)batch->targets,
            batch->sample_weights,
            (size_t)n,
            batch->losses,
            batch->outputs,
            evaluation->arena);
        metrics_update(metrics, model, loss, batch, n);
        if (confusion) confusion_update(confusion, model, batch, n);
        if (evaluation->seen) evaluation->seen(evaluation->context, batch, first, n);
        if (evaluation->progress) progress_step(evaluation->progress, step + 1, NULL, NULL, 0);
        if (evaluation->stopped && evaluation->stopped()) return false;
    }
    return true;
}

static void print_metrics(const Metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) {
        if (!strcmp(metrics->items[i].name, "loss")) printf("loss: %.6g\n", (double)metric_value(&metrics->items[i]));
    }
    for (int i = 0; i < metrics->count; i++) {
        if (strcmp(metrics->items[i].name, "loss")) {
            printf("%s: %.6g\n", metrics->items[i].name, (double)metric_value(&metrics->items[i]));
        }
    }
}

/* The accuracy that the confusion matrix holds. */
double confusion_accuracy(const Confusion *confusion)
{
    int64_t right = 0, all = 0;
    for (int i = 0; i < confusion->classes * confusion->classes; i++) {
        all += confusion->counts[i];
        if (i / confusion->classes == i % confusion->classes) right += confusion->counts[i];
    }
    return all ? (double)right / (double)all : 0;
}

bool trained_weights(Trained *trained, const CnncModel *model, const Options *options, Failure *failure)
{
    trained->parameters = memory_aligned(model->parameters_size, "the parameters", failure);
    trained->weights = trained->parameters ? memory_aligned(model->weights_size, "the weights", failure) : NULL;
    if (!trained->weights || !parameters_read(options->weights, model, trained->parameters, failure)) return false;
    model->pack(trained->parameters, trained->weights);
    return true;
}

bool trained_data(Trained *trained, const CnncModel *model, const Options *options, Failure *failure)
{
    DataRequest request = {.x = &options->x,
                           .y = &options->y,
                           .x_flag = "--x",
                           .y_flag = "--y",
                           .test = true,
                           .sample_weight = options->sample_weight};
    if (options->x.count == 0) {
        if (options->y.count > 0) return fail(failure, "--y needs --x beside it");
        request.folder = data_folder(options, failure);
        if (!request.folder) return false;
    }
    trained->arena = memory_scratch(model->evaluate_arena_size, "the activations", failure);
    if (!trained->arena || !dataset_read(&trained->data, model, &request, failure)) return false;
    if (!batch_new(&trained->batch, model, options->batch_size, failure) || !metrics_new(&trained->metrics, model, failure))
        return false;
    trained->batch.takes_bytes = model->evaluate_bytes != NULL;
    return confusion_new(&trained->confusion, model->output_count == 1 ? metric_classes(model, 0) : 0, failure);
}

void trained_free(Trained *trained, const CnncModel *model)
{
    dataset_free(&trained->data, model);
    batch_free(&trained->batch, model);
    metrics_free(&trained->metrics);
    confusion_free(&trained->confusion);
    free(trained->parameters);
    free(trained->weights);
    free(trained->arena);
}

int evaluate_command(const CnncModel *model, const Options *options, Failure *failure)
{
    int status = 1;
    Trained trained = {0};
    if (!options->weights) {
        fail(failure, "--weights FILE is missing: which weights are to be evaluated?");
        return 1;
    }
    if (!trained_weights(&trained, model, options, failure) || !trained_data(&trained, model, options, failure)) goto end;

    Progress progress;
    Samples samples = {.data = &trained.data, .count = trained.data.count};
    int64_t steps = batch_count(samples.count, options->batch_size);
    steps_check(options, steps);
    if (options->steps && options->steps < steps) steps = options->steps;
    progress_begin(&progress, options->verbose == 1 ? 1 : 0, "", 0, steps);
    Evaluation evaluation = {.model = model,
                             .weights = trained.weights,
                             .arena = trained.arena,
                             .batch = &trained.batch,
                             .batch_size = options->batch_size,
                             .steps = options->steps,
                             .progress = &progress};
    evaluate_samples(&evaluation, &samples, &trained.metrics, &trained.confusion);
    if (progress.terminal) progress_end(&progress, steps, NULL, 0);

    if (options->verbose > 0 && trained.confusion.classes) {
        confusion_print(&trained.confusion, stdout);
        putchar('\n');
    }
    print_metrics(&trained.metrics);
    if (trained.data.is_test_set && trained.confusion.classes)
        printf("test accuracy %.2f %%\n", 100 * confusion_accuracy(&trained.confusion));
    status = 0;
end:
    trained_free(&trained, model);
    return status;
}
