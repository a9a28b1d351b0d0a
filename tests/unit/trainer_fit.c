/* fit, evaluate, predict and gradients of small networks, from outside. */
#include "drive.h"
#include "toy.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(trainer_fit, .init = drive_begin, .fini = drive_end);

/* The number behind `name` and a colon in what was printed; NaN: not there. */
static double figure(const char *text, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "%s: ", name);
    const char *at = strstr(text, key);
    return at ? strtod(at + strlen(key), NULL) : (double)NAN;
}

static void expect_success(const Run *run)
{
    cr_assert_eq(run->status, 0, "status %d: %s", run->status, run->err);
    cr_assert_str_empty(run->err);
}

#define EXPECT_NEAR(a, b, tolerance)                                                                                           \
    cr_expect(fabs((double)(a) - (double)(b)) <= (tolerance), "%.9g is not %.9g", (double)(a), (double)(b))

Test(trainer_fit, learns)
{
    write_flowers("", 100, 1);
    write_flowers("test-", 50, 9);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "20", "-o", "w.safetensors"));
    const Run *run = RUN(&toy_flowers, "evaluate", "--weights", "w.safetensors", "--x", "test-x.npy", "--y", "test-y.npy");
    expect_success(run);
    cr_expect(figure(run->out, "accuracy") >= 0.95, "%s", run->out);
    cr_expect(figure(run->out, "loss") < 0.4, "%s", run->out);
    cr_expect_not(strstr(run->out, "test accuracy"), "that line is for a data folder's test set");
}

Test(trainer_fit, the_same_seed_gives_the_same_weights)
{
    write_flowers("", 100, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "-o", "a", "--seed", "7"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "-o", "b", "--seed", "7"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "-o", "c", "--seed", "8"));
    cr_expect(files_equal("a", "b"));
    cr_expect_not(files_equal("a", "c"));
}

Test(trainer_fit, history_as_keras_writes_it)
{
    write_flowers("", 60, 1);
    expect_success(RUN(&toy_flowers,
                       "fit",
                       "--x",
                       "x.npy",
                       "--y",
                       "y.npy",
                       "--epochs",
                       "2",
                       "--history",
                       "h.csv",
                       "--validation-split",
                       "0.25"));
    char *text = file_text("h.csv");
    cr_assert_not_null(text);
    cr_expect_eq(strncmp(text, "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.", 46), 0, "%s", text);
    cr_expect_not_null(strstr(text, "\n1,0."));
    free(text);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--history", "h.csv"));
    text = file_text("h.csv");
    cr_expect_eq(strncmp(text, "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.", 46), 0, "%s", text);
    cr_expect(strstr(text, ",NA,NA\n"), "without validation data: %s", text);
    free(text);
}

Test(trainer_fit, csv_logger_appends)
{
    write_flowers("", 60, 1);
    for (int i = 0; i < 2; i++) {
        expect_success(
            RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--callbacks", "csv_logger(h.csv, \";\", append=true)"));
    }
    char *text = file_text("h.csv");
    cr_expect_eq(strncmp(text, "epoch;accuracy;loss;val_accuracy;val_loss\n0;0.", 46), 0, "%s", text);
    const char *second = strstr(text, "\n0;0.");
    cr_expect(strstr(second + 1, "\n0;0."), "two rows: %s", text);
    cr_expect_not(strstr(text + 1, "epoch"), "one header: %s", text);
    free(text);
}

Test(trainer_fit, the_split_takes_the_last_samples)
{
    write_flowers("", 40, 1);
    Failure failure;
    Array x = {0}, y = {0};
    cr_assert(npy_read("x.npy", &x, &failure) && npy_read("y.npy", &y, &failure), "%s", failure.text);
    write_array("last-x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){13, 4}, (const float *)x.data + 27 * 4);
    write_array("last-y.npy", ARRAY_UINT8, 1, (const int64_t[]){13}, (const uint8_t *)y.data + 27);
    write_array("first-x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){27, 4}, x.data);
    write_array("first-y.npy", ARRAY_UINT8, 1, (const int64_t[]){27}, y.data);
    array_free(&x);
    array_free(&y);
    /* floor(40 * (1 - 0.3125)) = 27 to train on. */
    expect_success(RUN(
        &toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--validation-split", "0.3125", "--history", "a.csv", "-o", "a"));
    expect_success(RUN(&toy_flowers,
                       "fit",
                       "--x",
                       "first-x.npy",
                       "--y",
                       "first-y.npy",
                       "--validation-x",
                       "last-x.npy",
                       "--validation-y",
                       "last-y.npy",
                       "--history",
                       "b.csv",
                       "-o",
                       "b"));
    cr_expect(files_equal("a", "b"));
    cr_expect(files_equal("a.csv", "b.csv"));
    const Run *run = RUN(&toy_flowers, "evaluate", "--weights", "a", "--x", "last-x.npy", "--y", "last-y.npy");
    char *text = file_text("a.csv");
    double loss = strtod(strrchr(text, ',') + 1, NULL);
    EXPECT_NEAR(figure(run->out, "loss"), loss, 1e-5 * loss);
    free(text);
}

Test(trainer_fit, verbosity)
{
    write_flowers("", 20, 1);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--verbose", "0");
    expect_success(run);
    cr_expect_str_empty(run->out);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2");
    expect_success(run);
    cr_expect(strstr(run->out, "\nEpoch 1/2 - 3/3 - 0s - "), "%s", run->out);
    cr_expect(strstr(run->out, "/step - accuracy: 0."), "%s", run->out);
    cr_expect_not(strpbrk(run->out, "\r\033\b"), "no control characters in a pipe");
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--verbose", "2");
    cr_expect(strstr(run->out, "\nEpoch 2/2\n3/3 - 0s - "), "%s", run->out);
}

Test(trainer_fit, steps_per_epoch_goes_on_where_the_last_epoch_ended)
{
    write_flowers("", 32, 1);
    /* 4 batches: 2 epochs of 2 steps are once through the data, as one epoch of 4 is. */
    expect_success(
        RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--steps-per-epoch", "2", "--epochs", "2", "-o", "a"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "b"));
    cr_expect(files_equal("a", "b"));
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--steps-per-epoch", "6");
    cr_expect_eq(run->status, 0);
    cr_expect(strstr(run->err, "the data ran out after 4 of 6 steps of epoch 1"), "%s", run->err);
}

Test(trainer_fit, weights_of_samples_and_classes)
{
    write_flowers("", 8, 4);
    Failure failure;
    Array y = {0};
    cr_assert(npy_read("y.npy", &y, &failure), "%s", failure.text);
    float weights[8];
    for (int i = 0; i < 8; i++) weights[i] = ((uint8_t *)y.data)[i] == 1 ? 2.5F : 1;
    write_array("w.npy", ARRAY_FLOAT32, 1, (const int64_t[]){8}, weights);
    array_free(&y);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "a", "--sample-weight", "w.npy"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "b", "--class-weight", "{1: 2.5}"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "c"));
    cr_expect(files_equal("a", "b"));
    cr_expect_not(files_equal("a", "c"));
}

Test(trainer_fit, one_hot_rows_are_class_numbers)
{
    write_flowers("", 30, 4);
    Failure failure;
    Array y = {0};
    cr_assert(npy_read("y.npy", &y, &failure), "%s", failure.text);
    double rows[30][3] = {{0}};
    for (int i = 0; i < 30; i++) rows[i][((uint8_t *)y.data)[i]] = 1;
    write_array("rows.npy", ARRAY_FLOAT64, 2, (const int64_t[]){30, 3}, rows);
    array_free(&y);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "a"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "rows.npy", "-o", "b"));
    cr_expect(files_equal("a", "b"));
}

Test(trainer_fit, a_loss_that_is_not_a_number)
{
    CnncModel wild = toy_flowers;
    wild.learning_rate = 1e38F;
    write_flowers("", 100, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "kept"));
    const Run *run =
        RUN(&wild, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "3", "-o", "w", "--callbacks", "terminate_on_nan()");
    cr_expect_eq(run->status, 1);
    cr_expect(strstr(run->out, ": Invalid loss, terminating training\n"), "%s", run->out);
    cr_expect_not(strstr(run->out, "Epoch 2/3"), "%s", run->out);
    cr_expect(strstr(run->err, "w was not written"), "%s", run->err);
    cr_expect(files_equal("w", "kept"), "the weights of the earlier run are intact");
    run = RUN(&wild, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "3");
    cr_expect_eq(run->status, 0, "without terminate_on_nan the training goes on");
    cr_expect(strstr(run->out, "Epoch 3/3"), "%s", run->out);
}

Test(trainer_fit, model_checkpoint_names_and_best)
{
    write_flowers("", 60, 1);
    const Run *run = RUN(&toy_flowers,
                         "fit",
                         "--x",
                         "x.npy",
                         "--y",
                         "y.npy",
                         "--epochs",
                         "3",
                         "--validation-split",
                         "0.2",
                         "-o",
                         "last",
                         "--callbacks",
                         "[model_checkpoint(\"e{epoch:02d}{{}}-{val_loss:.2f}.st\", verbose=1), model_checkpoint(best, "
                         "monitor=val_loss, save_best_only=true, verbose=1),]");
    expect_success(run);
    cr_expect(strstr(run->out, "Epoch 1: saving model to e01{}-"), "%s", run->out);
    cr_expect(strstr(run->out, "Epoch 1: val_loss improved from None to "), "%s", run->out);
    cr_expect(strstr(run->out, "Epoch 3: val_loss improved from "), "%s", run->out);
    cr_expect(files_equal("best", "last"));
    const char *name = strstr(run->out, "e03{}-");
    char path[32] = "";
    cr_assert_not_null(name);
    memcpy(path, name, strcspn(name, "\n"));
    cr_expect(files_equal(path, "last"), "%s", path);
}

Test(trainer_fit, evaluate_counts)
{
    write_flowers("", 21, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    const Run *run = RUN(&toy_flowers, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy");
    expect_success(run);
    double loss = figure(run->out, "loss"), accuracy = figure(run->out, "accuracy");
    const char *matrix = strstr(run->out, "prediction)\n");
    cr_assert_not_null(matrix);
    long counts[3][4], all = 0, right = 0;
    cr_assert_eq(sscanf(matrix + 12,
                        "%*d %*d %*d %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld",
                        &counts[0][0],
                        &counts[0][1],
                        &counts[0][2],
                        &counts[0][3],
                        &counts[1][0],
                        &counts[1][1],
                        &counts[1][2],
                        &counts[1][3],
                        &counts[2][0],
                        &counts[2][1],
                        &counts[2][2],
                        &counts[2][3]),
                 12,
                 "%s",
                 run->out);
    for (int row = 0; row < 3; row++) {
        cr_expect_eq(counts[row][0], row);
        for (int column = 0; column < 3; column++) all += counts[row][column + 1];
        right += counts[row][row + 1];
    }
    cr_expect_eq(all, 21);
    EXPECT_NEAR(accuracy, (double)right / 21, 1e-5);
    /* The size of the batches does not matter, beyond rounding. */
    run = RUN(&toy_flowers, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy", "--batch-size", "5");
    EXPECT_NEAR(figure(run->out, "loss"), loss, 1e-5);
    run = RUN(&toy_flowers, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy", "--steps", "4");
    cr_expect(strstr(run->err, "only 3 batches"), "%s", run->err);
    run = RUN(&toy_flowers, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy", "--steps", "1", "--verbose", "0");
    expect_success(run);
    cr_expect_not(strstr(run->out, "confusion"), "%s", run->out);
    float twos[21];
    for (int i = 0; i < 21; i++) twos[i] = 2;
    write_array("twos.npy", ARRAY_FLOAT32, 1, (const int64_t[]){21}, twos);
    run = RUN(&toy_flowers, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy", "--sample-weight", "twos.npy");
    EXPECT_NEAR(figure(run->out, "loss"), 2 * loss, 1e-5);
    EXPECT_NEAR(figure(run->out, "accuracy"), accuracy, 1e-6);
}

Test(trainer_fit, predict)
{
    write_flowers("", 21, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "p.npy"));
    expect_success(RUN(&toy_flowers, "predict", "--weights", "w", "--x", "x.npy", "-o", "q.npy", "--batch-size", "1"));
    Failure failure;
    Array p = {0}, q = {0};
    cr_assert(npy_read("p.npy", &p, &failure) && npy_read("q.npy", &q, &failure), "%s", failure.text);
    cr_expect(p.type == ARRAY_FLOAT32 && p.rank == 2 && p.shape[0] == 21 && p.shape[1] == 3);
    cr_expect_eq(memcmp(p.data, q.data, 21 * 3 * sizeof(float)), 0);
    const Run *run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy");
    expect_success(run);
    float row[3];
    cr_expect_eq(sscanf(run->out, "%f %f %f", &row[0], &row[1], &row[2]), 3);
    cr_expect_eq(memcmp(row, p.data, sizeof row), 0, "what is printed reads back as the same floats");
    array_free(&p);
    array_free(&q);
}

Test(trainer_fit, predict_pictures)
{
    Failure failure;
    Array picture = {0};
    float weights[7850] = {0};
    cr_assert(array_new(&picture, ARRAY_UINT8, 3, (const int64_t[]){28, 28, 1}, &failure), "%s", failure.text);
    ((uint8_t *)picture.data)[3] = 255;
    cr_assert(png_write("dot.png", &picture, &failure), "%s", failure.text);
    ((uint8_t *)picture.data)[3] = 0;
    cr_assert(png_write("nothing at all.png", &picture, &failure), "%s", failure.text);
    array_free(&picture);
    weights[3 * 10 + 6] = 20; /* a bright fourth pixel means a 6, */
    weights[7840 + 2] = 10;   /* anything else a 2 */
    TensorFile file = {0};
    Array kernel = {.type = ARRAY_FLOAT32, .rank = 2, .shape = {784, 10}, .data = weights};
    Array bias = {.type = ARRAY_FLOAT32, .rank = 1, .shape = {10}, .data = weights + 7840};
    cr_assert(safetensors_add(&file, "dense/kernel", &kernel, &failure) &&
                  safetensors_add(&file, "dense/bias", &bias, &failure) && safetensors_write("w", &file, &failure),
              "%s",
              failure.text);
    safetensors_free(&file);
    const Run *run = RUN(&toy_digits, "predict", "--weights", "w", "dot.png", "nothing at all.png");
    expect_success(run);
    cr_expect_str_eq(run->out, "dot.png             6  1.0000\nnothing at all.png  2  0.9996\n");
    expect_success(RUN(&toy_digits, "predict", "--weights", "w", "dot.png", "nothing at all.png", "-o", "p.npy"));
    Array answers = {0};
    cr_assert(npy_read("p.npy", &answers, &failure), "%s", failure.text);
    cr_expect(answers.rank == 2 && answers.shape[0] == 2 && answers.shape[1] == 10);
    array_free(&answers);
    run = RUN(&toy_digits, "predict", "--weights", "w", "dot.png", "w");
    cr_expect_eq(run->status, 1);
    cr_expect(strstr(run->err, "w is not a PNG file"), "%s", run->err);
}

/* Gradients against central differences of the loss that evaluate prints. */
Test(trainer_fit, gradients)
{
    write_flowers("", 8, 1);
    write_flowers("many-", 9, 1);
    Failure failure;
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(&toy_flowers, "gradients", "--weights", "w", "x.npy", "y.npy", "-o", "g"));
    TensorFile gradients = {0}, weights = {0};
    cr_assert(safetensors_read("g", &gradients, &failure) && safetensors_read("w", &weights, &failure), "%s", failure.text);
    cr_expect_eq(gradients.count, 2);
    const Array *kernel = safetensors_find(&gradients, "dense/kernel");
    cr_assert(kernel && kernel->rank == 2 && kernel->shape[0] == 4 && kernel->shape[1] == 3);
    const Run *run = RUN(&toy_flowers, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy");
    EXPECT_NEAR(strtod(safetensors_value(&gradients, "loss"), NULL), figure(run->out, "loss"), 1e-5);
    for (int i = 0; i < 12; i += 5) {
        float *element = (float *)safetensors_find(&weights, "dense/kernel")->data + i;
        float middle = *element;
        double loss[2];
        for (int side = 0; side < 2; side++) {
            *element = middle + (side ? 0.01F : -0.01F);
            cr_assert(safetensors_write("moved", &weights, &failure), "%s", failure.text);
            run = RUN(&toy_flowers, "evaluate", "--weights", "moved", "--x", "x.npy", "--y", "y.npy");
            loss[side] = figure(run->out, "loss");
        }
        *element = middle;
        EXPECT_NEAR(((float *)kernel->data)[i], (loss[1] - loss[0]) / 0.02, 1e-3);
    }
    safetensors_free(&gradients);
    safetensors_free(&weights);
    run = RUN(&toy_flowers, "gradients", "--weights", "w", "many-x.npy", "many-y.npy", "-o", "none");
    cr_expect(run->status == 1 && strstr(run->err, "at most 8"), "%s", run->err);
    run = RUN(&toy_flowers, "gradients", "--weights", "w", "x.npy", "-o", "none");
    cr_expect(run->status == 1 && strstr(run->err, "two files"), "%s", run->err);
    cr_expect_null(file_text("none"));
}

Test(trainer_fit, several_inputs_and_outputs)
{
    const float left[5][2] = {{1, 2}, {3, 4}, {-1, 0}, {0, 1}, {2, 2}};
    const int64_t right[5][2] = {{2, 1}, {0, 1}, {1, 1}, {3, -1}, {1, -2}};
    float sum[5], product[5];
    for (int i = 0; i < 5; i++) {
        sum[i] = left[i][0] + left[i][1] + (float)(right[i][0] + right[i][1]);
        product[i] = left[i][0] * (float)right[i][0] + left[i][1] * (float)right[i][1];
    }
    write_array("left.npy", ARRAY_FLOAT32, 2, (const int64_t[]){5, 2}, left);
    write_array("right.npy", ARRAY_INT64, 2, (const int64_t[]){5, 2}, right);
    write_array("sum.npy", ARRAY_FLOAT32, 1, (const int64_t[]){5}, sum);
    write_array("product.npy", ARRAY_FLOAT32, 2, (const int64_t[]){5, 1}, product);
    const Run *run = RUN(&toy_pair,
                         "fit",
                         "--x",
                         "left=left.npy",
                         "--x",
                         "right=right.npy",
                         "--y",
                         "product=product.npy",
                         "--y",
                         "sum=sum.npy",
                         "--epochs",
                         "200",
                         "--verbose",
                         "0",
                         "-o",
                         "w",
                         "--history",
                         "h.csv");
    expect_success(run);
    char *text = file_text("h.csv");
    cr_expect_eq(strncmp(text, "epoch,loss,product_loss,sum_loss,val_loss,", 42), 0, "%s", text);
    free(text);
    expect_success(RUN(&toy_pair, "predict", "--weights", "w", "--x", "left=left.npy", "--x", "right=right.npy", "-o", "p"));
    Failure failure;
    TensorFile file = {0};
    cr_assert(safetensors_read("p", &file, &failure), "%s", failure.text);
    const Array *sums = safetensors_find(&file, "sum"), *products = safetensors_find(&file, "product");
    cr_assert(file.count == 2 && sums && products && sums->shape[0] == 5);
    for (int i = 0; i < 5; i++) EXPECT_NEAR(((float *)sums->data)[i], sum[i], 0.05);
    safetensors_free(&file);
    run = RUN(&toy_pair,
              "evaluate",
              "--weights",
              "w",
              "--x",
              "left=left.npy",
              "--x",
              "right=right.npy",
              "--y",
              "product=product.npy",
              "--y",
              "sum=sum.npy");
    expect_success(run);
    EXPECT_NEAR(figure(run->out, "loss"), figure(run->out, "sum_loss") + figure(run->out, "product_loss"), 1e-5);
    /* The kernel of `product` is not trainable: it has no gradient. */
    write_array("left4.npy", ARRAY_FLOAT32, 2, (const int64_t[]){4, 2}, left);
    write_array("right4.npy", ARRAY_INT64, 2, (const int64_t[]){4, 2}, right);
    write_array("sum4.npy", ARRAY_FLOAT32, 1, (const int64_t[]){4}, sum);
    write_array("product4.npy", ARRAY_FLOAT32, 1, (const int64_t[]){4}, product);
    expect_success(RUN(&toy_pair,
                       "gradients",
                       "--weights",
                       "w",
                       "--x",
                       "left=left4.npy",
                       "--x",
                       "right=right4.npy",
                       "--y",
                       "product=product4.npy",
                       "--y",
                       "sum=sum4.npy",
                       "-o",
                       "g"));
    cr_assert(safetensors_read("g", &file, &failure), "%s", failure.text);
    cr_expect(file.count == 1 && safetensors_find(&file, "sum/kernel"));
    safetensors_free(&file);
    run = RUN(&toy_pair, "predict", "--weights", "w", "--x", "left=left.npy");
    cr_expect(run->status == 1 && strstr(run->err, "--x right=FILE is missing"), "%s", run->err);
    run = RUN(&toy_pair, "predict", "--weights", "w", "left.npy");
    cr_expect(run->status == 1 && strstr(run->err, "say which"), "%s", run->err);
    run = RUN(&toy_pair, "predict", "--weights", "w", "--x", "left=left.npy", "--x", "rigth=right.npy");
    cr_expect(run->status == 1 && strstr(run->err, "did you mean right?"), "%s", run->err);
    float halves[5][2] = {{0.5F}};
    write_array("halves.npy", ARRAY_FLOAT32, 2, (const int64_t[]){5, 2}, halves);
    run = RUN(&toy_pair, "predict", "--weights", "w", "--x", "left=left.npy", "--x", "right=halves.npy");
    cr_expect(run->status == 1 && strstr(run->err, "takes whole numbers"), "%s", run->err);
}

/* Writes weights of toy_flowers, with one thing changed. */
static void write_weights(const char *kernel_name, ArrayType type, int rank, int64_t columns, bool extra)
{
    Failure failure;
    TensorFile file = {0};
    Array kernel = {0}, bias = {0};
    cr_assert(array_new(&kernel, type, rank, (const int64_t[]){4, columns}, &failure), "%s", failure.text);
    cr_assert(array_new(&bias, ARRAY_FLOAT32, 1, (const int64_t[]){3}, &failure), "%s", failure.text);
    cr_assert(safetensors_add(&file, kernel_name, &kernel, &failure) && safetensors_add(&file, "dense/bias", &bias, &failure));
    if (extra) cr_assert(safetensors_add(&file, "dense_1/bias", &bias, &failure));
    cr_assert(safetensors_write("w", &file, &failure), "%s", failure.text);
    safetensors_free(&file);
    array_free(&kernel);
    array_free(&bias);
}

Test(trainer_fit, wrong_weights)
{
    write_flowers("", 8, 1);
    static const struct {
        const char *name;
        ArrayType type;
        int rank;
        int64_t columns;
        bool extra;
        const char *message; /* NULL: they are right */
    } cases[] = {
        {"dense/kernel", ARRAY_FLOAT32, 2, 3, false, NULL},
        {"dense/kernels", ARRAY_FLOAT32, 2, 3, false, "w: tensor dense/kernels is not in this network"},
        {"dense/kernel",
         ARRAY_FLOAT64,
         2,
         3,
         false,
         "w: tensor dense/kernel is float64 [4, 3], but the network has float32 [4, 3]"},
        {"dense/kernel", ARRAY_FLOAT32, 2, 2, false, "is float32 [4, 2]"},
        {"dense/kernel", ARRAY_FLOAT32, 1, 3, false, "is float32 [4]"},
        {"dense/kernel", ARRAY_FLOAT32, 2, 3, true, "w: tensor dense_1/bias is not in this network"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_weights(cases[i].name, cases[i].type, cases[i].rank, cases[i].columns, cases[i].extra);
        const Run *run = RUN(&toy_flowers, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy");
        cr_expect_eq(run->status, cases[i].message ? 1 : 0, "case %zu: %s", i, run->err);
        if (cases[i].message) cr_expect(strstr(run->err, cases[i].message), "case %zu: %s", i, run->err);
    }
    const Run *run = RUN(&toy_flowers, "evaluate", "--x", "x.npy", "--y", "y.npy");
    cr_expect(run->status == 1 && strstr(run->err, "--weights FILE is missing"), "%s", run->err);
}

/* ---- a terminal -------------------------------------------------------------------------------------------------- */

/* A step that takes long enough for the bar to be redrawn during an epoch. */
static float slow_step(void *weights, void *slots, const void *const *inputs, const void *const *targets,
                       const float *sample_weights, size_t n, const CnncStep *step, float *const *outputs, void *arena)
{
    usleep(3000);
    return toy_flowers.train_step(weights, slots, inputs, targets, sample_weights, n, step, outputs, arena);
}

/* Runs fit with its output on a terminal of so many columns; returns what arrived there. */
static const char *run_on_terminal(unsigned short columns)
{
    static char text[1 << 17];
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    int terminal;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    cr_assert(child >= 0);
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        char *argv[] = {
            "toy_flowers", "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--validation-split", "0.1", NULL};
        CnncModel slow = toy_flowers;
        slow.train_step = slow_step;
        _exit(cnnc_main(&slow, 10, argv));
    }
    size_t length = 0;
    ssize_t got;
    while (length < sizeof text - 1 && (got = read(terminal, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(terminal);
    return text;
}

/* The columns that the longest unfinished line took: colour codes take none, a character of several bytes takes one. */
static int widest_unfinished(const char *text)
{
    int widest = 0, columns = 0;
    for (; *text; text++) {
        if (*text == '\033') {
            text += strcspn(text, "mK");
        } else if (*text == '\r') {
            if (text[1] != '\n' && columns > widest) widest = columns;
            columns = 0;
        } else if (*text == '\n') {
            columns = 0;
        } else {
            columns += (*text & 0xc0) != 0x80;
        }
    }
    return widest;
}

Test(trainer_fit, the_bar_on_a_terminal)
{
    write_flowers("", 400, 1);
    unsetenv("NO_COLOR");
    const char *text = run_on_terminal(200);
    cr_expect(strstr(text, "Epoch 2/2\r\n"), "%s", text);
    cr_expect(strstr(text, "\r\033[K"), "drawn over itself");
    cr_expect(strstr(text, "\033[32m━"), "in colour");
    cr_expect(strstr(text, " left, "), "with the time that remains");
    cr_expect(strstr(text, " - val_loss: 0."), "%s", text);
    int free_width = widest_unfinished(text);
    cr_expect(free_width > 60 && free_width < 200, "%d", free_width);
    text = run_on_terminal(50);
    cr_expect(widest_unfinished(text) < 50, "%d columns of 50", widest_unfinished(text));
    setenv("NO_COLOR", "1", 1);
    text = run_on_terminal(200);
    cr_expect_not(strstr(text, "\033[32m"), "no colour where NO_COLOR is set");
    cr_expect(strstr(text, "━"));
}

/* ---- disks that are full ------------------------------------------------------------------------------------------ */

Test(trainer_fit, what_cannot_be_written)
{
    write_flowers("", 20, 1);
    const Run *run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "/dev/full");
    cr_expect(run->status == 1 && strstr(run->err, "/dev/full"), "%s", run->err);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--history", "/dev/full", "--checkpoint", "c");
    cr_expect(run->status == 1 && strstr(run->err, "/dev/full"), "%s", run->err);
    run = RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "--epochs", "2", "--resume", "c", "-o", "w");
    cr_expect_eq(run->status, 0, "the epoch before the failure is not lost: %s", run->err);
    run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "/dev/full");
    cr_expect(run->status == 1 && strstr(run->err, "/dev/full"), "%s", run->err);
}
