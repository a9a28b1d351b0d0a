/* The figures of fit() against Keras's: the same network from the same weights over the same batches. */
#include "drive.h"
#include "toy.h"

#include <stdlib.h>
#include <string.h>

TestSuite(trainer_history, .init = drive_begin, .fini = drive_end);

enum { SAMPLES = 29, EPOCHS = 3 };

/* accuracy, learning_rate, loss, val_accuracy, val_loss of each epoch, -1 where there is none; made by trainer_history.py. */
static const double keras[][5] = {
    /* validation_split */
    {0.3478261, -1, 1.2381172, 0.5000000, 0.9278255},
    {0.3478261, -1, 1.2132704, 0.5000000, 0.9486067},
    {0.3478261, -1, 1.1759614, 0.5000000, 0.9801321},
    /* sample_weight */
    {0.3478261, -1, 0.9862609, 0.5000000, 0.6974611},
    {0.3478261, -1, 0.9556989, 0.5000000, 0.7229970},
    {0.3478261, -1, 0.9083491, 0.5000000, 0.7597325},
    /* class_weight */
    {0.3478261, -1, 1.8451027, 0.5000000, 0.9405788},
    {0.3478261, -1, 1.6595447, 0.6666667, 1.0149567},
    {0.3043478, -1, 1.4257814, 0.3333333, 1.1785501},
    /* steps_per_epoch */
    {0.4375000, -1, 1.1486621, 0.5000000, 0.9244838},
    {0.1428571, -1, 1.4425861, 0.5000000, 0.9278255},
    {0.4375000, -1, 1.1331490, 0.5000000, 0.9418544},
    /* validation_steps */
    {0.4117647, -1, 1.1712482, 0.0000000, 1.5577400},
    {0.4117647, -1, 1.1367111, 0.0000000, 1.5595822},
    {0.4705882, -1, 1.0934916, 0.0000000, 1.5834676},
    /* reduce_lr_on_plateau */
    {0.3478261, 0.0500000, 1.2381172, 0.5000000, 0.9278255},
    {0.3478261, 0.0500000, 1.2132704, 0.5000000, 0.9486067},
    {0.3478261, 0.0250000, 1.1746840, 0.5000000, 0.9738832},
    /* learning_rate_scheduler */
    {0.3793103, 0.0100000, 1.1709571, -1, -1},
    {0.3793103, 0.0100000, 1.1657138, -1, -1},
    {0.3793103, 0.0020000, 1.1571109, -1, -1},
};

/* The arguments of each three rows of the table. */
static const char *const cases[][5] = {
    {"--validation-split", "0.2"},
    {"--validation-split", "0.2", "--sample-weight", "weight.npy"},
    {"--validation-split", "0.2", "--class-weight", "{0: 3, 2: 0.5}"},
    {"--validation-split", "0.2", "--steps-per-epoch", "2"},
    {"--validation-split=0.4", "--validation-steps=1", "--validation-batch-size", "5"},
    {"--validation-split", "0.2", "--callbacks", "reduce_lr_on_plateau(factor=0.5, patience=1)"},
    {"--callbacks", "learning_rate_scheduler({0: 0.01, 2: 0.002})"},
};
enum { CASES = sizeof cases / sizeof *cases };
_Static_assert(sizeof keras / sizeof *keras == (size_t)CASES * EPOCHS, "three epochs of each case");

static void write_data(void)
{
    float x[SAMPLES][4], weight[SAMPLES], kernel[4][3], bias[3] = {0};
    int64_t y[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < 4; k++) x[i][k] = (float)((5 * i + 3 * k * k) % 11 - 5) / 5;
        y[i] = (i + i / 4) % 3;
        weight[i] = (float)(i % 4) / 2;
    }
    for (int f = 0; f < 4; f++) {
        for (int c = 0; c < 3; c++) kernel[f][c] = (float)((3 * f + c) % 5 - 2) / 4;
    }
    write_array("x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, 4}, x);
    write_array("y.npy", ARRAY_INT64, 1, (const int64_t[]){SAMPLES}, y);
    write_array("weight.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, weight);

    Failure failure;
    TensorFile file = {0};
    Array kernel_array = {.type = ARRAY_FLOAT32, .rank = 2, .shape = {4, 3}, .data = kernel};
    Array bias_array = {.type = ARRAY_FLOAT32, .rank = 1, .shape = {3}, .data = bias};
    cr_assert(safetensors_add(&file, "dense/kernel", &kernel_array, &failure) &&
                  safetensors_add(&file, "dense/bias", &bias_array, &failure) && safetensors_write("start", &file, &failure),
              "%s",
              failure.text);
    safetensors_free(&file);
}

Test(trainer_history, as_in_keras)
{
    write_data();
    for (int i = 0; i < CASES; i++) {
        const char *arguments[32] = {"fit",
                                     "--x",
                                     "x.npy",
                                     "--y",
                                     "y.npy",
                                     "--weights",
                                     "start",
                                     "--shuffle",
                                     "false",
                                     "--epochs",
                                     "3",
                                     "--history",
                                     "h.csv"};
        for (int k = 0; k < 5; k++) arguments[13 + k] = cases[i][k];
        const Run *run = run_model(&toy_flowers, arguments);
        cr_assert_eq(run->status, 0, "%s", run->err);
        char *text = file_text("h.csv");
        cr_assert_not_null(text);
        bool rates = strstr(text, ",learning_rate,loss"), validates = i < CASES - 1;
        cr_expect_eq(rates, i >= CASES - 2, "%s", text);
        cr_expect_eq(strstr(text, ",val_accuracy,val_learning_rate,val_loss") != NULL, !validates, "%s", text);
        const char *line = strchr(text, '\n');
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            int number, length = 0;
            cr_assert_eq(sscanf(line, "%d%n", &number, &length), 1, "%s", text);
            cr_expect_eq(number, epoch);
            const char *at = line + length;
            for (int k = 0; k < 5; k++) {
                if (keras[i * EPOCHS + epoch][k] < 0) continue;
                cr_assert_eq(*at, ',', "%s", text);
                EXPECT_NEAR(strtod(at + 1, (char **)&at), keras[i * EPOCHS + epoch][k], 1e-5);
            }
            cr_expect_eq(*at, validates ? '\n' : ',', "%s", text);
            line = strchr(line + 1, '\n');
        }
        free(text);
    }
}
