/* Metrics that the runtime computes from outputs and targets, beside what Keras 3.15 gives for the same: keras.metrics.Precision(top_k=2,
 * class_id=3) for precision(top_k=2, class_id=3), updated with two batches of 7 and 5 rows, without and with sample_weight. */
#include "trainer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 12, FIRST = 7, CLASSES = 5 };

static float predictions[ROWS][CLASSES], one_hot[ROWS][CLASSES], bits[ROWS][CLASSES], weights[ROWS];
static const int32_t labels[ROWS] = {0, 1, 4, 3, 1, 0, 1, 1, 3, 4, 4, 2};

static void make_data(void)
{
    for (int r = 0; r < ROWS; r++) {
        weights[r] = (float)(r * 5 % 7) / 4;
        for (int c = 0; c < CLASSES; c++) {
            predictions[r][c] = (float)((r * 37 + c * 29 + 11) % 101) / 101;
            one_hot[r][c] = c == labels[r];
            bits[r][c] = (r * 7 + c * 3) % 4 == 0;
        }
    }
}

/* "top_k=2, class_id=3" */
static void read_arguments(char *text, CnncArgument *arguments)
{
    static const CnncArgument defaults[] = {{"num_thresholds", "200"}, {"curve", "ROC"}, {"summation_method", "interpolation"}};
    int count = 0;
    for (char *word = strtok(text, ", "); word; word = strtok(NULL, ", ")) {
        char *value = strchr(word, '=');
        *value = 0;
        arguments[count++] = (CnncArgument){word, value + 1};
    }
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) arguments[count++] = defaults[i];
    arguments[count] = (CnncArgument){0};
}

static CnncModel model_of(const CnncTarget *target, const CnncMetric *metrics, const CnncPort *port)
{
    return (CnncModel){.output_count = 1, .outputs = port, .targets = target, .metrics = metrics};
}

/* The value after both batches; targets: rows, or labels where the target has class indices. */
static double measure(const CnncModel *model, const void *targets, size_t row_size)
{
    Metrics metrics;
    Failure failure;
    cr_assert(metrics_new(&metrics, model, &failure), "%s", failure.text);
    cr_assert(metrics_need_outputs(&metrics));
    for (int first = 0; first < ROWS; first += FIRST) {
        float loss = 0;
        Batch batch = {
            .outputs = (float *[]){predictions[first]},
            .targets = (void *[]){(char *)(uintptr_t)targets + (size_t)first * row_size},
            .losses = &loss,
            .sample_weights = weights + first,
        };
        metrics_update(&metrics, model, 0, &batch, first ? ROWS - FIRST : FIRST);
    }
    const Metric *metric = strcmp(metrics.items[0].name, "loss") ? &metrics.items[0] : &metrics.items[1];
    double value = (double)metric_value(metric);
    metrics_free(&metrics);
    return value;
}

Test(metrics, as_in_keras, .init = make_data)
{
    static const struct {
        const char *kind, *arguments;
        bool of_bits;
        double value, weighted;
    } cases[] = {
        {"categorical_accuracy", "", false, 0.666666687, 0.833333313},
        {"binary_accuracy", "", true, 0.433333367, 0.483333319},
        {"binary_accuracy", "threshold=0.7", true, 0.583333313, 0.577777743},
        {"top_k_categorical_accuracy", "k=2", false, 0.75, 0.888888896},
        {"precision", "", true, 0.172413796, 0.219512194},
        {"recall", "", true, 0.333333343, 0.382978737},
        {"precision", "thresholds=0.3", true, 0.238095239, 0.27868852},
        {"recall", "top_k=2", true, 0.400000006, 0.404255331},
        {"precision", "top_k=2, class_id=3", true, 0.333333343, 0.444444448},
        {"recall", "class_id=1, thresholds=0.25", true, 1, 1},
        {"precision", "top_k=3, thresholds=0.8", true, 0.25, 0.193548381},
        {"auc", "", true, 0.444444478, 0.468724996},
        {"auc", "curve=PR", true, 0.218069285, 0.228647441},
        {"auc", "num_thresholds=9, summation_method=minoring", true, 0.385185182, 0.407294869},
        {"auc", "num_thresholds=9, summation_method=majoring", true, 0.500740767, 0.530315161},
        {"auc", "num_thresholds=9", true, 0.442962945, 0.468805015},
        {"auc", "num_thresholds=9, curve=PR, summation_method=minoring", true, 0.178145826, 0.208895653},
        {"auc", "num_thresholds=9, curve=PR, summation_method=majoring", true, 0.240920022, 0.240636975},
        {"f1_score", "average=macro", false, 0.64476186, 0.843939304},
        {"f1_score", "average=micro, threshold=0.4", true, 0.313725442, 0.361290276},
        {"f1_score", "average=weighted", false, 0.713492036, 0.846169949},
    };
    const CnncPort port = {"out", CNNC_FLOAT32, 1, {CLASSES}, 0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CnncArgument arguments[8];
        char text[128];
        snprintf(text, sizeof text, "%s", cases[i].arguments);
        read_arguments(text, arguments);
        for (int weighted = 0; weighted < 2; weighted++) {
            CnncTarget target = {.loss = "mean_squared_error"};
            CnncMetric rows[] = {{"a", cases[i].kind, 0, weighted, -1, arguments}, {0}};
            CnncModel model = model_of(&target, rows, &port);
            double truth = weighted ? cases[i].weighted : cases[i].value;
            double got = measure(&model, cases[i].of_bits ? bits : one_hot, sizeof *bits);
            cr_expect(fabs(got - truth) <= 1e-6, "%s(%s)%s is %.9g, not %.9g", cases[i].kind, cases[i].arguments, weighted ? ", weighted," : "", got, truth);
            if (cases[i].of_bits) continue;
            target.class_indices = true;
            got = measure(&model, labels, sizeof *labels);
            cr_expect(fabs(got - truth) <= 1e-6, "%s of class numbers is %.9g, not %.9g", cases[i].kind, got, truth);
        }
    }
}

static double single_update(const CnncModel *model, float *outputs, void *targets, int n)
{
    Metrics metrics;
    Failure failure;
    float losses[2] = {2, 0.25F};
    cr_assert(metrics_new(&metrics, model, &failure), "%s", failure.text);
    Batch batch = {.outputs = &outputs, .targets = &targets, .losses = losses};
    metrics_update(&metrics, model, 2, &batch, n);
    const Metric *metric = strcmp(metrics.items[0].name, "loss") ? &metrics.items[0] : &metrics.items[1];
    cr_expect_eq(metric_value(metric == metrics.items ? &metrics.items[1] : &metrics.items[0]), 2, "the loss");
    double value = (double)metric_value(metric);
    metrics_free(&metrics);
    return value;
}

Test(metrics, accuracy_is_resolved_as_in_keras)
{
    const CnncPort single = {"out", CNNC_FLOAT32, 1, {1}, 0}, steps = {"out", CNNC_FLOAT32, 2, {2, 3}, 0};
    const CnncMetric rows[] = {{.name = "accuracy", .kind = "accuracy", .value = -1}, {0}};
    CnncTarget target = {.loss = "binary_crossentropy"};
    CnncModel model = model_of(&target, rows, &single);
    float numbers[4] = {0.5F, 0.51F, 0.1F, 0.9F}, truth[4] = {0, 1, 1, 1};
    cr_expect_eq(single_update(&model, numbers, truth, 4), 0.75, "one half is not above one half");

    target.class_indices = true;
    model = model_of(&target, rows, &steps);
    float sequences[2][2][3] = {{{0, 1, 0}, {1, 0, 0}}, {{0, 0, 1}, {0.5F, 0.5F, 0}}};
    int32_t classes[2][2] = {{1, 2}, {2, 0}};
    cr_expect_eq(single_update(&model, sequences[0][0], classes, 2), 0.75, "rows of a sequence count one by one");
}

Test(metrics, means_of_losses)
{
    const CnncPort port = {"out", CNNC_FLOAT32, 1, {1}, 0};
    const CnncTarget target = {.loss = "mean_squared_error"};
    static const struct {
        const char *kind;
        double value;
        bool maximize;
    } cases[] = {{"mean_absolute_error", 0.25, false}, {"root_mean_squared_error", 0.5, false}, {"cosine_similarity", -0.25, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const CnncMetric rows[] = {{"mean", cases[i].kind, 0, false, 1, NULL}, {0}};
        CnncModel model = model_of(&target, rows, &port);
        cr_expect_eq(metric_losses(&model), 2);
        cr_expect_eq(single_update(&model, NULL, NULL, 3), cases[i].value, "%s", cases[i].kind);
        Metrics metrics;
        Failure failure;
        cr_assert(metrics_new(&metrics, &model, &failure));
        cr_expect_eq(metrics.items[1].maximize, cases[i].maximize, "%s", cases[i].kind);
        cr_expect_not(metrics_need_outputs(&metrics));
        metrics_free(&metrics);
    }
    const CnncMetric unknown[] = {{"a", "acuracy", 0, false, -1, NULL}, {0}};
    CnncModel model = model_of(&target, unknown, &port);
    Metrics metrics;
    Failure failure;
    cr_expect_not(metrics_new(&metrics, &model, &failure));
    cr_expect(strstr(failure.text, "acuracy"), "%s", failure.text);
    metrics_free(&metrics);
}
