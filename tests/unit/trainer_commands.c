/* evaluate, predict and gradients of small networks, from outside. */
#include "drive.h"
#include "toy.h"
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

TestSuite(trainer_commands, .init = drive_begin, .fini = drive_end);

Test(trainer_commands, evaluate_counts)
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
    cr_expect(run->status == 0 && strstr(run->err, "warning: --steps 4: there are only 3 batches of 8 samples\n"), "%s", run->err);
    EXPECT_NEAR(figure(run->out, "loss"), loss, 1e-5);
    run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "--steps", "4", "--argmax");
    cr_expect(run->status == 0 && strstr(run->err, "warning: --steps 4: there are only 3 batches"), "%s", run->err);
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

Test(trainer_commands, predict)
{
    write_flowers("", 21, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "p.npy"));
    expect_success(RUN(&toy_flowers, "predict", "--weights", "w", "--x", "x.npy", "-o", "q.npy", "--batch-size", "1"));
    const Run *run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "-o", "p.safetensors");
    cr_expect(run->status == 1 && strstr(run->err, "as .npy"), "%s", run->err);
    Failure failure;
    Array p = {0}, q = {0};
    cr_assert(npy_read("p.npy", &p, &failure) && npy_read("q.npy", &q, &failure), "%s", failure.text);
    cr_expect(p.type == ARRAY_FLOAT32 && p.rank == 2 && p.shape[0] == 21 && p.shape[1] == 3);
    cr_expect_eq(memcmp(p.data, q.data, 21 * 3 * sizeof(float)), 0);
    run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy");
    expect_success(run);
    float row[3];
    cr_expect_eq(sscanf(run->out, "%f %f %f", &row[0], &row[1], &row[2]), 3);
    cr_expect_eq(memcmp(row, p.data, sizeof row), 0, "what is printed reads back as the same floats");
    array_free(&q);

    /* Of each row the place of its largest and of its smallest number. */
    for (int lowest = 0; lowest < 2; lowest++) {
        const char *flag = lowest ? "--argmin" : "--argmax";
        expect_success(RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", flag, "-o", "q.npy"));
        cr_assert(npy_read("q.npy", &q, &failure), "%s", failure.text);
        cr_assert(q.type == ARRAY_INT64 && q.rank == 1 && q.shape[0] == 21);
        run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", flag);
        expect_success(run);
        char *at = (char *)(uintptr_t)run->out;
        for (int i = 0; i < 21; i++) {
            const float *values = (const float *)p.data + 3 * i;
            int64_t place = ((const int64_t *)q.data)[i];
            cr_expect_eq(strtoll(at, &at, 10), place);
            for (int k = 0; k < 3; k++) cr_expect(lowest ? values[place] <= values[k] : values[place] >= values[k], "%d", i);
        }
        cr_expect_str_eq(at, "\n");
        array_free(&q);
    }
    run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "--argmin", "--argmax");
    cr_expect(run->status == 1 && strstr(run->err, "exclude one another"), "%s", run->err);
    run = RUN(&toy_flowers, "predict", "--weights", "w", "x.npy", "--argmax=true");
    cr_expect(run->status == 1 && strstr(run->err, "--argmax takes no value"), "%s", run->err);
    array_free(&p);
}

/* Weights of toy_digits under which every picture is a 2, but one with a bright fourth pixel a 6. */
static void write_digit_weights(void)
{
    static float weights[7850];
    Failure failure;
    TensorFile file = {0};
    Array kernel = {.type = ARRAY_FLOAT32, .rank = 2, .shape = {784, 10}, .data = weights};
    Array bias = {.type = ARRAY_FLOAT32, .rank = 1, .shape = {10}, .data = weights + 7840};
    weights[3 * 10 + 6] = 20;
    weights[7840 + 2] = 10;
    cr_assert(safetensors_add(&file, "dense/kernel", &kernel, &failure) &&
                  safetensors_add(&file, "dense/bias", &bias, &failure) && safetensors_write("w", &file, &failure),
              "%s",
              failure.text);
    safetensors_free(&file);
}

Test(trainer_commands, predict_pictures)
{
    Failure failure;
    Array picture = {0};
    cr_assert(array_new(&picture, ARRAY_UINT8, 3, (const int64_t[]){28, 28, 1}, &failure), "%s", failure.text);
    ((uint8_t *)picture.data)[3] = 255;
    cr_assert(png_write("dot.png", &picture, &failure), "%s", failure.text);
    ((uint8_t *)picture.data)[3] = 0;
    cr_assert(png_write("nothing at all.png", &picture, &failure), "%s", failure.text);
    array_free(&picture);
    write_digit_weights();
    const Run *run = RUN(&toy_digits, "predict", "--weights", "w", "dot.png", "nothing at all.png");
    expect_success(run);
    cr_expect_str_eq(run->out, "dot.png             6  1.0000\nnothing at all.png  2  0.9996\n");
    expect_success(RUN(&toy_digits, "predict", "--weights", "w", "dot.png", "nothing at all.png", "-o", "p.npy"));
    Array answers = {0};
    cr_assert(npy_read("p.npy", &answers, &failure), "%s", failure.text);
    cr_expect(answers.rank == 2 && answers.shape[0] == 2 && answers.shape[1] == 10);
    array_free(&answers);
    run = RUN(&toy_digits, "predict", "--weights", "w", "dot.png", "nothing at all.png", "--argmax");
    cr_expect_str_eq(run->out, "dot.png             6\nnothing at all.png  2\n");
    run = RUN(&toy_digits, "predict", "--weights", "w", "dot.png", "w");
    cr_expect_eq(run->status, 1);
    cr_expect(strstr(run->err, "w is not a PNG file"), "%s", run->err);
}

/* Gradients against central differences of the loss that evaluate prints. */
Test(trainer_commands, gradients)
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
            cr_assert(safetensors_seal(&weights, "cnnc weights 1", &failure) && safetensors_write("moved", &weights, &failure), "%s", failure.text);
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

/* As the labels of a data folder are, which each output is compared with. */
Test(trainer_commands, a_file_for_two_outputs_is_read_once)
{
    const float rows[5][2] = {{1, 2}, {3, 4}}, sums[5] = {3, 7, 1, 2, 4};
    write_array("rows.npy", ARRAY_FLOAT32, 2, (const int64_t[]){5, 2}, rows);
    write_array("sums.npy", ARRAY_FLOAT32, 1, (const int64_t[]){5}, sums);
    const NamedFiles x = {(NamedFile[]){{"left", "rows.npy"}, {"right", "rows.npy"}}, 2}, y = {(NamedFile[]){{"sum", "sums.npy"}, {"product", "sums.npy"}}, 2};
    const DataRequest request = {.x = &x, .y = &y, .x_flag = "--x", .y_flag = "--y"};
    Failure failure;
    Dataset data;
    cr_assert(dataset_read(&data, &toy_pair, &request, &failure), "%s", failure.text);
    cr_expect(data.inputs[0].data == data.inputs[1].data && data.targets[0].data == data.targets[1].data && data.targets[0].data != data.inputs[0].data);
    cr_expect_eq(data.targets[1].shape[0], 5);
    dataset_free(&data, &toy_pair);
}

Test(trainer_commands, several_inputs_and_outputs)
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
    run = RUN(&toy_pair, "predict", "--weights", "w", "--x", "left=left.npy", "--x", "right=right.npy", "-o", "p.npy");
    cr_expect(run->status == 1 && strstr(run->err, "p.npy") && strstr(run->err, "2 outputs"), "%s", run->err);
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
    expect_success(RUN(&toy_pair,
                       "fit",
                       "--x",
                       "left=left.npy",
                       "--x",
                       "right=right.npy",
                       "--y",
                       "product=product.npy",
                       "--y",
                       "sum=sum.npy",
                       "-o",
                       "early"));
    run = RUN(&toy_pair,
              "evaluate",
              "--weights",
              "early",
              "--x",
              "left=left.npy",
              "--x",
              "right=right.npy",
              "--y",
              "product=product.npy",
              "--y",
              "sum=sum.npy");
    cr_expect(figure(run->out, "sum_loss") > 0.1 && figure(run->out, "product_loss") > 0.1, "%s", run->out);
    EXPECT_NEAR(figure(run->out, "loss"), figure(run->out, "sum_loss") + figure(run->out, "product_loss"), 1e-4);
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

/* Any shape of the same elements in the same order will do, but not another picture. */
Test(trainer_commands, shapes_of_pictures)
{
    static const struct {
        int rank;
        int64_t shape[4];
        bool fits;
    } cases[] = {
        {3, {2, 28, 28}, true},
        {4, {2, 28, 28, 1}, true},
        {4, {2, 1, 28, 28}, true},
        {2, {2, 784}, true},
        {3, {2, 14, 56}, false},
        {4, {2, 2, 28, 14}, false},
        {2, {2, 783}, false},
        {1, {2}, false},
    };
    static const uint8_t pixels[2][784];
    write_digit_weights();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_array("x.npy", ARRAY_UINT8, cases[i].rank, cases[i].shape, pixels);
        const Run *run = RUN(&toy_digits, "predict", "--weights", "w", "x.npy", "-o", "p.npy");
        cr_expect_eq(run->status, cases[i].fits ? 0 : 1, "case %zu: %s", i, run->err);
        if (!cases[i].fits) cr_expect(strstr(run->err, "takes samples of shape (28, 28, 1)"), "case %zu: %s", i, run->err);
    }
    write_array("x.npy", ARRAY_UINT8, 2, (const int64_t[]){28, 28}, pixels);
    const Run *run = RUN(&toy_digits, "predict", "--weights", "w", "x.npy", "-o", "p.npy");
    cr_expect(run->status == 1 && strstr(run->err, "first dimension must count the samples"), "%s", run->err);
}

Test(trainer_commands, rows_of_the_confusion_matrix_are_the_truth)
{
    static const uint8_t pixels[3][784] = {{0}, {[3] = 255}, {0}};
    const uint8_t labels[3] = {4, 6, 4};
    write_digit_weights();
    write_array("x.npy", ARRAY_UINT8, 2, (const int64_t[]){3, 784}, pixels);
    write_array("y.npy", ARRAY_UINT8, 1, (const int64_t[]){3}, labels);
    const Run *run = RUN(&toy_digits, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy");
    expect_success(run);
    cr_expect(strstr(run->out, "\n    4    0    0    2    0    0    0    0    0    0    0\n"), "%s", run->out);
    cr_expect(strstr(run->out, "\n    6    0    0    0    0    0    0    1    0    0    0\n"), "%s", run->out);
    EXPECT_NEAR(figure(run->out, "accuracy"), 1.0 / 3, 1e-5);
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

Test(trainer_commands, wrong_weights)
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
        {"dense/kernels", ARRAY_FLOAT32, 2, 3, false, "w: these are not the weights of this network: dense/kernel is missing; dense/kernels is none of its tensors. Give"},
        {"dense/kernel",
         ARRAY_FLOAT64,
         2,
         3,
         false,
         "w: these are not the weights of this network: dense/kernel is float64 (4, 3) instead of float32 (4, 3). Give"},
        {"dense/kernel", ARRAY_FLOAT32, 2, 2, false, "is (4, 2) instead of (4, 3). Give"},
        {"dense/kernel", ARRAY_FLOAT32, 1, 3, false, "is (4,) instead of (4, 3). Give"},
        {"dense/kernel", ARRAY_FLOAT32, 2, 3, true, "dense_1/bias is none of its tensors"},
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

/* dense on a picture leaves rows and columns, as in Keras: whoever has a label for each picture forgot something. */
Test(trainer_commands, a_flatten_that_is_missing)
{
    static const CnncPort places = {.name = "dense", .rank = 3, .shape = {2, 1, 3}};
    CnncModel unflattened = toy_flowers;
    unflattened.outputs = &places;
    write_flowers("", 8, 1);
    write_weights("dense/kernel", ARRAY_FLOAT32, 2, 3, false);
    const Run *run = RUN(&unflattened, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy");
    cr_expect(run->status == 1, "%s", run->out);
    cr_expect(strstr(run->err, "output has shape (2, 1, 3): its targets are rows of that shape or class numbers. If a sample has one answer, is a flatten() missing"), "%s", run->err);
}
