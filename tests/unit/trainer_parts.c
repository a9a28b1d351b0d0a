/* Parts of the trainer by themselves: callbacks against Keras's, shuffling, metrics, the history's text. */
#include "toy.h"
#include "trainer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A training that only looks like one: its figures come from a table. */
static void training_begin(Training *training, Options *options, const char *callbacks)
{
    Failure failure;
    *options = (Options){.program = "test", .callbacks = callbacks};
    *training = (Training){.model = &toy_flowers, .options = options, .validates = true};
    training->weights = memory_aligned(toy_flowers.weights_size, "weights", &failure);
    training->parameters = memory_aligned(toy_flowers.parameters_size, "parameters", &failure);
    cr_assert(training->weights && training->parameters);
    cr_assert(metrics_new(&training->metrics, &toy_flowers, &failure), "%s", failure.text);
    cr_assert(history_new(&training->history, &training->metrics, &failure), "%s", failure.text);
    cr_assert(callbacks_new(training, &failure), "%s", failure.text);
}

static void training_end(Training *training)
{
    callbacks_free(training);
    history_free(&training->history);
    metrics_free(&training->metrics);
    free(training->weights);
    free(training->parameters);
}

/* In which epoch Keras 3.15's EarlyStopping ends a run over these val_losses (the last one: not at all), and of which epoch the
 * restored weights are; found by calling it with these numbers. */
Test(trainer_parts, early_stopping_as_in_keras)
{
    static const float losses[4][10] = {{1.0F, 0.9F, 0.8F, 0.85F, 0.84F, 0.83F, 0.7F, 0.71F, 0.72F, 0.73F},
                                        {0.5F, 0.5F, 0.5F, 0.5F, 0.6F, 0.4F, 0.4F, 0.4F, 0.39F, 0.5F},
                                        {NAN, 1, 2, 0.5F, NAN, 0.6F, 0.7F, 0.8F, 0.9F, 1},
                                        {3, 2.999F, 2.998F, 2.997F, 2.996F, 2.5F, 2.499F, 2.498F, 2.6F, 2.7F}};
    static const struct {
        const char *arguments;
        int last[4], best[4]; /* for each of the four series */
    } cases[] = {
        {"patience=0", {3, 1, 1, 8}, {2, 0, 0, 7}},
        {"patience=1", {3, 1, 1, 8}, {2, 0, 0, 7}},
        {"patience=2", {4, 2, 2, 9}, {2, 0, 0, 7}},
        {"patience=3", {5, 3, 3, 9}, {2, 0, 0, 7}},
        {"patience=2, min_delta=0.01", {4, 2, 2, 2}, {2, 0, 0, 0}},
        {"patience=2, mode=max", {2, 2, 2, 2}, {0, 0, 0, 0}},
        {"patience=2, baseline=0.75", {3, 2, 1, 8}, {2, 0, 0, 7}},
        {"patience=3, baseline=0.45", {3, 2, 2, 8}, {2, 0, 0, 7}},
        {"patience=1, start_from_epoch=4", {7, 6, 5, 8}, {6, 5, 4, 7}},
        {"patience=2, min_delta=-0.005, mode=min", {4, 2, 2, 2}, {2, 0, 0, 0}},
        {"patience=0, start_from_epoch=2, baseline=2.0", {3, 3, 4, 8}, {2, 2, 3, 7}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int series = 0; series < 4; series++) {
            Training training;
            Options options;
            Failure failure;
            char text[128];
            snprintf(text, sizeof text, "[early_stopping(restore_best_weights=true, %s)]", cases[i].arguments);
            training_begin(&training, &options, text);
            Callback *callback = &training.callbacks[0];
            int epoch = 0;
            for (; epoch < 10; epoch++) {
                *(float *)training.weights = (float)epoch;
                HistoryRow *row = history_add(&training.history, epoch, true, &failure);
                cr_assert_not_null(row);
                row->values[3] = losses[series][epoch]; /* accuracy, loss, val_accuracy, val_loss */
                cr_assert(early_stopping_kind.epoch_end(&training, callback, row, &failure));
                if (training.stop) break;
            }
            cr_assert(early_stopping_kind.train_end(&training, callback, &failure));
            cr_expect_eq(epoch < 10 ? epoch : 9,
                         cases[i].last[series],
                         "%s, series %d: ended after %d",
                         cases[i].arguments,
                         series,
                         epoch);
            cr_expect_eq((int)*(float *)training.weights, cases[i].best[series], "%s, series %d", cases[i].arguments, series);
            training_end(&training);
        }
    }
}

/* The learning rate behind each epoch of these val_losses, from 1 at first and with a factor of one half, as Keras 3.15's
 * ReduceLROnPlateau sets it when it is called with these numbers. */
Test(trainer_parts, reduce_lr_on_plateau_as_in_keras)
{
    static const float losses[4][10] = {{1.0F, 0.9F, 0.8F, 0.85F, 0.84F, 0.83F, 0.7F, 0.71F, 0.72F, 0.73F},
                                        {0.5F, 0.5F, 0.5F, 0.5F, 0.6F, 0.4F, 0.4F, 0.4F, 0.39F, 0.5F},
                                        {3, 2.999F, 2.998F, 2.997F, 2.996F, 2.5F, 2.499F, 2.498F, 2.6F, 2.7F},
                                        {NAN, 1, 2, 0.5F, NAN, 0.6F, 0.7F, 0.8F, 0.9F, 1}};
    static const struct {
        const char *arguments;
        double rates[4][10];
    } cases[] = {
        {"patience=0",
         {{1, 1, 1, 0.5, 0.25, 0.125, 0.125, 0.0625, 0.03125, 0.015625},
          {1, 0.5, 0.25, 0.125, 0.0625, 0.0625, 0.03125, 0.015625, 0.015625, 0.0078125},
          {1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.25},
          {1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625, 0.001953125}}},
        {"patience=1",
         {{1, 1, 1, 0.5, 0.25, 0.125, 0.125, 0.0625, 0.03125, 0.015625},
          {1, 0.5, 0.25, 0.125, 0.0625, 0.0625, 0.03125, 0.015625, 0.015625, 0.0078125},
          {1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.25},
          {1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625, 0.001953125}}},
        {"patience=2, min_delta=0.01",
         {{1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25},
          {1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125},
          {1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.0625},
          {1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625}}},
        {"patience=1, cooldown=2",
         {{1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625},
          {1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625},
          {1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.5},
          {1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.03125}}},
        {"patience=2, mode=max, cooldown=1",
         {{1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625},
          {1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125},
          {1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625},
          {1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625}}},
        {"patience=1, min_lr=0.2",
         {{1, 1, 1, 0.5, 0.25, 0.200000003, 0.200000003, 0.200000003, 0.200000003, 0.200000003},
          {1, 0.5, 0.25, 0.200000003, 0.200000003, 0.200000003, 0.200000003, 0.200000003, 0.200000003, 0.200000003},
          {1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.25},
          {1, 0.5, 0.25, 0.200000003, 0.200000003, 0.200000003, 0.200000003, 0.200000003, 0.200000003, 0.200000003}}},
        {"patience=1, min_delta=0, cooldown=1, min_lr=0.125",
         {{1, 1, 1, 0.5, 0.25, 0.125, 0.125, 0.125, 0.125, 0.125},
          {1, 0.5, 0.25, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125},
          {1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.25},
          {1, 0.5, 0.25, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int series = 0; series < 4; series++) {
            Training training;
            Options options;
            Failure failure;
            char text[128];
            snprintf(text, sizeof text, "reduce_lr_on_plateau(factor=0.5, %s)", cases[i].arguments);
            training_begin(&training, &options, text);
            training.learning_rate = 1;
            for (int epoch = 0; epoch < 10; epoch++) {
                HistoryRow *row = history_add(&training.history, epoch, true, &failure);
                cr_assert_not_null(row);
                row->values[3] = losses[series][epoch]; /* accuracy, loss, val_accuracy, val_loss */
                cr_assert(reduce_lr_on_plateau_kind.epoch_end(&training, &training.callbacks[0], row, &failure));
                cr_expect_eq(training.learning_rate,
                             (float)cases[i].rates[series][epoch],
                             "%s, series %d, epoch %d: %g",
                             cases[i].arguments,
                             series,
                             epoch,
                             (double)training.learning_rate);
            }
            training_end(&training);
        }
    }
}

Test(trainer_parts, monitors_know_which_way_is_better)
{
    static const struct {
        const char *text;
        bool second_is_better; /* 0.6 after 0.5 */
    } cases[] = {{"early_stopping(val_loss)", false},
                 {"early_stopping(val_accuracy)", true},
                 {"early_stopping(accuracy, mode=auto)", true},
                 {"early_stopping(loss)", false},
                 {"early_stopping(accuracy, mode=min)", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Training training;
        Options options;
        Failure failure;
        training_begin(&training, &options, cases[i].text);
        for (int epoch = 0; epoch < 2; epoch++) {
            HistoryRow *row = history_add(&training.history, epoch, true, &failure);
            for (int k = 0; k < 4; k++) row->values[k] = epoch ? 0.6F : 0.5F;
            cr_assert(early_stopping_kind.epoch_end(&training, &training.callbacks[0], row, &failure));
        }
        cr_expect_eq(training.stop, !cases[i].second_is_better, "%s", cases[i].text);
        training_end(&training);
    }
}

Test(trainer_parts, shuffling)
{
    enum { N = 1000 };
    static uint32_t order[3][N];
    Failure failure;
    int moved = 0, differ = 0;
    for (int pass = 0; pass < 3; pass++) cr_assert(shuffle_samples(order[pass], N, SHUFFLE_SAMPLES, 10, 5, pass % 2, &failure));
    cr_expect_arr_eq(order[0], order[2], sizeof order[0], "the same seed and pass");
    bool seen[N] = {false};
    for (int i = 0; i < N; i++) {
        seen[order[0][i]] = true;
        moved += order[0][i] != (uint32_t)i;
        differ += order[0][i] != order[1][i];
    }
    for (int i = 0; i < N; i++) cr_assert(seen[i], "%d is missing", i);
    cr_expect(moved > 980 && differ > 980, "%d moved, %d differ between passes", moved, differ);

    cr_assert(shuffle_samples(order[0], 95, SHUFFLE_BATCHES, 10, 5, 0, &failure));
    moved = 0;
    for (uint32_t i = 0; i < 95; i++) {
        uint32_t first = order[0][i / 10 * 10];
        cr_assert_eq(order[0][i], first + i % 10, "within a batch the order is kept");
        cr_assert(first % 10 == 0 && (i < 90) == (first < 90), "the smaller last batch stays last");
        moved += first != i / 10 * 10;
    }
    cr_expect(moved >= 50, "%d", moved);
    cr_assert(shuffle_samples(order[0], 95, SHUFFLE_NONE, 10, 5, 0, &failure));
    for (uint32_t i = 0; i < 95; i++) cr_assert_eq(order[0][i], i);
}

/* Each of the six orders of three samples comes about as often as the others. */
Test(trainer_parts, shuffling_is_even)
{
    int counts[27] = {0};
    Failure failure;
    for (int pass = 0; pass < 6000; pass++) {
        uint32_t order[3];
        cr_assert(shuffle_samples(order, 3, SHUFFLE_SAMPLES, 1, 1, pass, &failure));
        counts[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    for (int i = 0; i < 27; i++) cr_expect(counts[i] == 0 || abs(counts[i] - 1000) < 150, "order %d: %d of 6000", i, counts[i]);
}

Test(trainer_parts, history_reads_back)
{
    Metrics metrics;
    History history, again;
    Failure failure;
    cr_assert(metrics_new(&metrics, &toy_flowers, &failure) && history_new(&history, &metrics, &failure) &&
              history_new(&again, &metrics, &failure));
    for (int epoch = 0; epoch < 3; epoch++) {
        HistoryRow *row = history_add(&history, epoch, epoch != 1, &failure);
        for (int i = 0; i < 4; i++) row->values[i] = 1.0F / (float)(epoch * 4 + i + 3);
    }
    history.rows[2].values[0] = NAN;
    history.rows[2].values[1] = INFINITY;
    char *text = history_text(&history, &failure);
    cr_assert(text && history_parse(&again, text, &failure), "%s", failure.text);
    char *second = history_text(&again, &failure);
    cr_expect_str_eq(text, second);
    cr_expect_eq(again.row_count, 3);
    cr_expect_eq(memcmp(history.rows[0].values, again.rows[0].values, 4 * sizeof(float)), 0);
    cr_expect_not(again.rows[1].validated);
    cr_expect_null(history_find(&again, &again.rows[1], "val_loss"));
    history_free(&again);
    cr_assert(history_new(&again, &metrics, &failure));
    cr_expect_not(history_parse(&again, "epoch,loss\n0,1\n", &failure));
    free(text);
    free(second);
    history_free(&history);
    history_free(&again);
    metrics_free(&metrics);
}

Test(trainer_parts, placeholders_in_paths)
{
    static const PathField fields[] = {{"epoch", true, 3}, {"val_loss", false, 0.123456789F}};
    static const struct {
        const char *pattern, *path; /* NULL: refused */
    } cases[] = {
        {"plain.st", "plain.st"},
        {"e{epoch}", "e3"},
        {"e{epoch:02d}-{val_loss:.2f}.st", "e03-0.12.st"},
        {"{epoch:3d}|{epoch:03}", "  3|003"},
        {"{val_loss}", "0.123456791"},
        {"{val_loss:f}|{val_loss:.1e}|{val_loss:08.3f}", "0.123457|1.2e-01|0000.123"},
        {"{{{epoch}}}", "{3}"},
        {"{epoch", NULL},
        {"{epochs}", NULL},
        {"{}", NULL},
        {"{epoch:f}", NULL},
        {"{epoch:.1d}", NULL},
        {"{epoch:100d}", NULL},
        {"{val_loss:d}", NULL},
        {"{val_loss:.f}", NULL},
        {"{val_loss:.2f }", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Failure failure = {""};
        char *path = path_fill(cases[i].pattern, fields, 2, &failure);
        if (cases[i].path) {
            cr_expect(
                path && !strcmp(path, cases[i].path), "%s: %s %s", cases[i].pattern, path ? path : "refused", failure.text);
        } else {
            cr_expect(!path && *failure.text, "%s: %s", cases[i].pattern, path ? path : "no message");
        }
        free(path);
    }
}

/* What an optimiser remembers of a weight without a gradient fades to zero, and does not stay a number that is slow to compute with. */
Test(trainer_parts, denormals_are_flushed)
{
#if !defined(__x86_64__) && !defined(__aarch64__)
    cr_skip_test("only x86-64 and aarch64 are asked for it");
#endif
    volatile float memory = 1.2e-38f, factor = 0.9f;
    memory *= factor;
    cr_expect(memory > 0, "1.08e-38 is a denormal number");
    threads_flush_denormals();
    memory = 1.2e-38f;
    memory *= factor;
    cr_expect(memory == 0, "%g is left", (double)memory);
}
