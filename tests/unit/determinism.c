/* The same numbers, whatever computes them: training with one thread and with two, the trainer's predictions and those of
 * the code that embeds. The network's second convolution is wide enough for Winograd's algorithm, and dropout draws. */
#include "patience.h"
#include "runtime.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

TestSuite(determinism, .init = shell_enter, .fini = shell_leave);

enum { BATCH = 32, SIDE = 12, CLASSES = 4 };

static const char network[] = "model wide\n"
                              "input(12, 12, 1)\n"
                              "conv2d(16, 3x3, activation=relu)\n"
                              "conv2d(16, 3x3, padding=same, activation=relu)\n"
                              "max_pooling2d(2x2)\n"
                              "dropout(0.25)\n"
                              "flatten()\n"
                              "dense(4, activation=softmax)\n"
                              "compile(optimizer=adam(), loss=categorical_crossentropy, metrics=[accuracy])\n"
                              "fit(batch_size=32, epochs=2)\n";

/* Numbers that look random and are the same on every machine. */
static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* x: pictures with values from 0 to 1; y: their class numbers, NULL for none. */
static void write_samples(int64_t count, const char *x_path, const char *y_path)
{
    Failure failure;
    Array x, y;
    uint32_t state = 1;
    cr_assert(array_new(&x, ARRAY_FLOAT32, 4, (const int64_t[]){count, SIDE, SIDE, 1}, &failure), "%s", failure.text);
    cr_assert(array_new(&y, ARRAY_INT32, 1, &count, &failure), "%s", failure.text);
    for (int64_t i = 0; i < array_count(&x); i++) ((float *)x.data)[i] = (float)draw(&state) / (float)(1 << 24);
    for (int64_t i = 0; i < count; i++) ((int32_t *)y.data)[i] = (int32_t)(draw(&state) % CLASSES);
    cr_assert(npy_write(x_path, &x, &failure), "%s", failure.text);
    if (y_path) cr_assert(npy_write(y_path, &y, &failure), "%s", failure.text);
    array_free(&x);
    array_free(&y);
}

/* The trainer, compiled as the runtime that it links is. */
static void build_trainer(const char *flags)
{
    shell_file("wide.net", network);
    shell_good("CFLAGS=\"$EMITTED_CFLAGS %s\" \"$CNNC\" wide.net -o wide", flags);
}

/* With 1, 2, 4 and 8 threads, and 3, which divides nothing; each twice. */
Test(determinism, threads_change_no_bit_of_the_weights, .timeout = 300 * PATIENCE)
{
    static const int threads[] = {1, 2, 4, 8, 3};
    build_trainer("");
    write_samples(200, "x.npy", "y.npy");
    const char *fit = "./wide fit --x x.npy --y y.npy --verbose 0 --validation-split 0.1";
    for (size_t i = 0; i < 2 * sizeof threads / sizeof *threads; i++)
        shell_good("%s --threads %d --seed 7 --output %d.safetensors && cmp 0.safetensors %d.safetensors", fit, threads[i / 2], (int)i, (int)i);
    shell_good("OMP_NUM_THREADS=2 %s --seed 7 --output variable.safetensors && cmp 0.safetensors variable.safetensors", fit);
    shell_good("%s --seed 8 --output other.safetensors", fit);
    cr_expect(shell("cmp -s 0.safetensors other.safetensors")->status == 1, "another seed gives the same weights");
    shell_good("%s --seed 7 --epochs 1 --output early.safetensors", fit);
    cr_expect(shell("cmp -s 0.safetensors early.safetensors")->status == 1, "the second epoch changes nothing");
}

/* The root of the mean square of the difference of all weights, relative to that of the first file's. */
static double distance(const char *one, const char *other)
{
    Failure failure;
    TensorFile a = {0}, b = {0};
    double difference = 0, size = 0;
    cr_assert(safetensors_read(one, &a, &failure) && safetensors_read(other, &b, &failure), "%s", failure.text);
    for (int i = 0; i < a.count; i++) {
        const Array *x = &a.items[i].array, *y = safetensors_find(&b, a.items[i].name);
        cr_assert(y && array_count(x) == array_count(y));
        for (int64_t k = 0; k < array_count(x); k++) {
            double left = (double)((const float *)x->data)[k], right = (double)((const float *)y->data)[k];
            difference += (left - right) * (left - right);
            size += left * left;
        }
    }
    safetensors_free(&a);
    safetensors_free(&b);
    return sqrt(difference / size);
}

/* What is not promised: the same bits from other instruction sets and compilers. They round otherwise, and each step starts from the last
 * one's rounding. How far apart they are after an epoch is printed, and must be what rounding explains. */
Test(determinism, other_compilers_and_levels_stay_near, .timeout = 300 * PATIENCE)
{
    static const char *const ways[] = {"-DCNNC_LEVEL=1", "-DCNNC_LEVEL=0", "-O1", "-O3"};
    write_samples(640, "x.npy", "y.npy");
    const char *fit = "--x x.npy --y y.npy --verbose 0 --epochs 1 --seed 7";
    build_trainer("");
    shell_good("./wide fit %s --output here.safetensors", fit);
    for (size_t i = 0; i <= sizeof ways / sizeof *ways; i++) {
        const char *way = i < sizeof ways / sizeof *ways ? ways[i] : "clang -O2";
#if defined(__SANITIZE_ADDRESS__)
        if (!strncmp(way, "clang", 5)) continue; /* it cannot link a runtime that has gcc's sanitizers in it */
#endif
        if (!strncmp(way, "clang", 5)) shell_good("CFLAGS=-Wno-everything CC=clang \"$CNNC\" wide.net -o wide || CFLAGS=-fopenmp=libgomp CC=clang \"$CNNC\" wide.net -o wide");
        else build_trainer(way);
        shell_good("./wide fit %s --output there.safetensors", fit);
        double far = distance("here.safetensors", "there.safetensors");
        fprintf(stderr, "determinism: after an epoch of 20 steps the weights of %s are %.1e away\n", way, far);
        cr_expect(far <= 1e-4, "%s: %g", way, far);
    }
}

/* The same numbers in a file of bytes and in one of floats: the first are converted by the step's first layer, the others before. */
Test(determinism, bytes_train_as_floats_do)
{
    build_trainer("");
    enum { COUNT = 100 };
    Failure failure;
    Array bytes, floats;
    const int64_t shape[] = {COUNT, SIDE, SIDE, 1};
    uint32_t state = 3;
    write_samples(COUNT, "x.npy", "y.npy");
    cr_assert(array_new(&bytes, ARRAY_UINT8, 4, shape, &failure) && array_new(&floats, ARRAY_FLOAT32, 4, shape, &failure), "%s", failure.text);
    for (int64_t i = 0; i < array_count(&bytes); i++) {
        uint8_t value = (uint8_t)draw(&state);
        ((uint8_t *)bytes.data)[i] = value;
        ((float *)floats.data)[i] = (float)value;
    }
    cr_assert(npy_write("bytes.npy", &bytes, &failure) && npy_write("floats.npy", &floats, &failure), "%s", failure.text);
    array_free(&bytes);
    array_free(&floats);
    const char *fit = "./wide fit --y y.npy --verbose 0 --validation-split 0.2 --seed 7";
    shell_good("%s --x bytes.npy --output bytes.safetensors && %s --x floats.npy --output floats.safetensors", fit, fit);
    shell_good("cmp bytes.safetensors floats.safetensors");
    shell_good("./wide evaluate --x bytes.npy --y y.npy --weights bytes.safetensors > bytes.txt && "
               "./wide evaluate --x floats.npy --y y.npy --weights floats.safetensors > floats.txt && cmp bytes.txt floats.txt && grep -q accuracy bytes.txt");
}

/* A program of the code that embeds: x.npy and the weights to batch.npy (predict_batch) and single.npy (predict). */
static const char embedding[] =
    "#include \"model.h\"\n"
    "#include \"runtime.h\"\n"
    "#include <string.h>\n"
    "static WIDE_ALIGNED unsigned char arena[WIDE_BATCH_ARENA_BYTES], small[WIDE_ARENA_BYTES];\n"
    "static wide_parameters parameters;\n"
    "static wide_weights weights;\n"
    "static bool load(const TensorFile *file, const char *name, void *to, size_t size)\n"
    "{\n"
    "    const Array *array = safetensors_find(file, name);\n"
    "    if (!array || array_count(array) * (int64_t)sizeof(float) != (int64_t)size) return false;\n"
    "    memcpy(to, array->data, size);\n"
    "    return true;\n"
    "}\n"
    "#define LOAD(name, member) load(&file, name, parameters.member, sizeof parameters.member)\n"
    "int main(void)\n"
    "{\n"
    "    Failure failure;\n"
    "    TensorFile file = {0};\n"
    "    Array x, batch, single;\n"
    "    if (!safetensors_read(\"wide.safetensors\", &file, &failure) || !npy_read(\"x.npy\", &x, &failure)) return 1;\n"
    "    if (!LOAD(\"conv2d/kernel\", conv2d_kernel) || !LOAD(\"conv2d/bias\", conv2d_bias)) return 2;\n"
    "    if (!LOAD(\"conv2d_1/kernel\", conv2d_1_kernel) || !LOAD(\"conv2d_1/bias\", conv2d_1_bias)) return 2;\n"
    "    if (!LOAD(\"dense/kernel\", dense_kernel) || !LOAD(\"dense/bias\", dense_bias)) return 2;\n"
    "    wide_pack(&parameters, &weights);\n"
    "    const int64_t shape[] = {x.shape[0], WIDE_OUTPUT_SIZE};\n"
    "    if (!array_new(&batch, ARRAY_FLOAT32, 2, shape, &failure)) return 3;\n"
    "    if (!array_new(&single, ARRAY_FLOAT32, 2, shape, &failure)) return 3;\n"
    "    wide_predict_batch(&weights, x.data, batch.data, (size_t)x.shape[0], arena);\n"
    "    for (int64_t i = 0; i < x.shape[0]; i++)\n"
    "        wide_predict(&weights, (float *)x.data + i * WIDE_INPUT_SIZE, (float *)single.data + i * WIDE_OUTPUT_SIZE, "
    "small);\n"
    "    return npy_write(\"batch.npy\", &batch, &failure) && npy_write(\"single.npy\", &single, &failure) ? 0 : 4;\n"
    "}\n";

static void expect_near(const char *one, const char *other)
{
    Failure failure;
    Array a, b;
    cr_assert(npy_read(one, &a, &failure) && npy_read(other, &b, &failure), "%s", failure.text);
    cr_assert(array_count(&a) == array_count(&b) && array_count(&a) > 0);
    for (int64_t i = 0; i < array_count(&a); i++) {
        float left = ((const float *)a.data)[i], right = ((const float *)b.data)[i];
        cr_assert(fabsf(left - right) <= 1e-5F, "%g and %g at %d", (double)left, (double)right, (int)i);
    }
    array_free(&a);
    array_free(&b);
}

static void build_embedded(const char *flags)
{
    shell_good("$CC ${EMITTED_CFLAGS:--O2} %s -I. -I\"$BUILD/include\" main.c model.c \"$BUILD/libcnnc_runtime.a\" "
               "-lcjson -lz -lpng -lm -o embedded",
               flags);
}

static void compare(int64_t count)
{
    write_samples(count, "x.npy", NULL);
    shell_good("./wide predict --weights wide.safetensors x.npy -o y.npy");
    shell_good("./embedded");
    shell_good("cmp y.npy batch.npy");
    expect_near("y.npy", "single.npy");
}

Test(determinism, the_trainer_predicts_what_embedded_code_does)
{
    static const int64_t counts[] = {1, 5, BATCH, BATCH + 3};
    /* gcc contracts x * y + z to one instruction with some of its flags only: the emitted code asks for it. */
    static const char *const flags[] = {"-std=c11 -O2", "-std=gnu11 -O1 -fPIC", "-std=c11 -O3 -fopenmp"};
    build_trainer("");
    write_samples(64, "x.npy", "y.npy");
    shell_good("./wide fit --x x.npy --y y.npy --verbose 0 --epochs 1 --output wide.safetensors");
    shell_good("\"$CNNC\" wide.net --emit=inference -o model.c");
    shell_file("main.c", embedding);
    build_embedded("-std=gnu11");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) compare(counts[i]);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        build_embedded(flags[i]);
        compare(5);
    }
    build_trainer("-DCNNC_LEVEL=0"); /* machines without AVX */
    build_embedded("-std=c11 -DCNNC_LEVEL=0");
    compare(5);
}

/* The weights in the program, those that it unpacks and packs again beside them. */
static const char repacking[] =
    "#include \"baked.h\"\n"
    "#include <math.h>\n"
    "#include <stdio.h>\n"
    "static wide_parameters parameters;\n"
    "static wide_weights weights;\n"
    "int main(void)\n"
    "{\n"
    "    wide_unpack(wide_trained, &parameters);\n"
    "    wide_pack(&parameters, &weights);\n"
    "    const float *packed = (const float *)(const void *)&weights, *trained = (const float *)(const void *)wide_trained;\n"
    "    int different = 0, zero = 0;\n"
    "    for (size_t i = 0; i < sizeof weights / sizeof(float); i++) {\n"
    "        different += !(fabsf(packed[i] - trained[i]) <= 1e-6f * fmaxf(1.0f, fabsf(packed[i])));\n"
    "        zero += packed[i] == 0;\n"
    "    }\n"
    "    if (different) printf(\"%d differ\\n\", different);\n"
    "    return different || zero * 2 > (int)(sizeof weights / sizeof(float));\n"
    "}\n";

/* The compiler makes further forms of the weights, such as Winograd's transformed kernels, as the emitted pack does. */
Test(determinism, weights_in_the_program_are_what_pack_makes)
{
    build_trainer("");
    write_samples(64, "x.npy", "y.npy");
    shell_good("./wide fit --x x.npy --y y.npy --verbose 0 --epochs 1 --output wide.safetensors");
    shell_good("\"$CNNC\" wide.net --emit=inference --weights=wide.safetensors -o baked.c && grep -q winograd baked.h");
    shell_file("repack.c", repacking);
    shell_good("$CC ${EMITTED_CFLAGS:--O2} -std=gnu11 repack.c baked.c -lm -o repack && ./repack");
}

/* A first layer large enough that it counts the zeros of what it is given. Of 40 samples the first 20 have few numbers, in stretches, the
 * others nothing but numbers: with these all products have all terms, without them zeros are left out. */
static const char counted_network[] = "model counted\n"
                                      "input(320)\n"
                                      "rescaling(1/255)\n"
                                      "dense(256, activation=relu)\n"
                                      "dense(4, activation=softmax)\n"
                                      "compile(optimizer=sgd, loss=categorical_crossentropy)\n"
                                      "fit(batch_size=40)\n";
static const char counting[] =
    "#include \"counted.h\"\n"
    "#include <math.h>\n"
    "#include <stdio.h>\n"
    "#include <string.h>\n"
    "enum { FEW = 20, ALL = 40, IN = 320, UNITS = 256, CLASSES = 4 };\n"
    "#define ARENA (COUNTED_TRAIN_ARENA_BYTES + COUNTED_BATCH_ARENA_BYTES)\n"
    "static COUNTED_ALIGNED unsigned char arena[ARENA];\n"
    "static float x[ALL][IN], target[ALL][CLASSES], few[FEW][CLASSES], all[ALL][CLASSES];\n"
    "static counted_parameters parameters, slopes, moved;\n"
    "static counted_weights weights, gradients, slots[COUNTED_SLOTS + 1];\n"
    "static double truth[IN][UNITS]; /* the gradient of the first kernel */\n"
    "static unsigned state = 1;\n"
    "static float draw(void) { state = state * 1664525 + 1013904223; return (float)(state >> 8) / (1 << 24); }\n"
    "static void add_sample(int n, int count)\n"
    "{\n"
    "    double hidden[UNITS], p[CLASSES], sum = 0;\n"
    "    for (int o = 0; o < UNITS; o++) {\n"
    "        hidden[o] = parameters.dense_bias[o];\n"
    "        for (int i = 0; i < IN; i++) hidden[o] += (double)x[n][i] / 255 * (double)parameters.dense_kernel[i][o];\n"
    "        hidden[o] = fmax(hidden[o], 0);\n"
    "    }\n"
    "    for (int c = 0; c < CLASSES; c++) {\n"
    "        p[c] = parameters.dense_1_bias[c];\n"
    "        for (int o = 0; o < UNITS; o++) p[c] += hidden[o] * (double)parameters.dense_1_kernel[o][c];\n"
    "        sum += p[c] = exp(p[c]);\n"
    "    }\n"
    "    for (int o = 0; o < UNITS; o++) {\n"
    "        double d = 0;\n"
    "        for (int c = 0; c < CLASSES; c++) d += (p[c] / sum - (double)target[n][c]) / count * (double)parameters.dense_1_kernel[o][c];\n"
    "        for (int i = 0; i < IN && hidden[o] > 0; i++) truth[i][o] += (double)x[n][i] / 255 * d;\n"
    "    }\n"
    "}\n"
    "/* The gradients, and the step that train_step makes with them. */\n"
    "static int check(int count)\n"
    "{\n"
    "    const counted_training_step step = {.learning_rate = 0.5f};\n"
    "    double most = 0, error = 0, step_error = 0;\n"
    "    memset(truth, 0, sizeof truth);\n"
    "    for (int n = 0; n < count; n++) add_sample(n, count);\n"
    "    counted_pack(&parameters, &weights);\n"
    "    counted_gradients(&weights, &gradients, x[0], target[0], NULL, (size_t)count, arena);\n"
    "    counted_unpack(&gradients, &slopes);\n"
    "    memset(slots, 0, sizeof slots);\n"
    "    counted_train_step(&weights, slots, x[0], target[0], NULL, (size_t)count, &step, NULL, NULL, arena);\n"
    "    counted_unpack(&weights, &moved);\n"
    "    for (int i = 0; i < IN; i++)\n"
    "        for (int o = 0; o < UNITS; o++) {\n"
    "            most = fmax(most, fabs(truth[i][o]));\n"
    "            error = fmax(error, fabs((double)slopes.dense_kernel[i][o] - truth[i][o]));\n"
    "            step_error = fmax(step_error, fabs((double)moved.dense_kernel[i][o] - (double)parameters.dense_kernel[i][o] + 0.5 * truth[i][o]));\n"
    "        }\n"
    "    if (!(error <= 1e-5 * most)) return fprintf(stderr, \"%d samples: gradients are off by %g of %g\\n\", count, error, most);\n"
    "    if (!(step_error <= 1e-7)) return fprintf(stderr, \"%d samples: train_step is off by %g\\n\", count, step_error);\n"
    "    return 0;\n"
    "}\n"
    "int main(void)\n"
    "{\n"
    "    float *const numbers = (float *)(void *)&parameters;\n"
    "    for (size_t i = 0; i < sizeof parameters / sizeof(float); i++) numbers[i] = 0.2f * (draw() - 0.5f);\n"
    "    for (int n = 0; n < ALL; n++) {\n"
    "        int on = 0;\n"
    "        for (int i = 0; i < IN; i++) {\n"
    "            if (draw() < 0.2f) on = draw() < 0.2f;\n"
    "            x[n][i] = on || n >= FEW ? 1 + 254 * draw() : 0;\n"
    "        }\n"
    "        memset(x[n] + 64 * (n % 5), 0, n < FEW && n % 5 < 4 ? 64 * sizeof(float) : 0); /* a stretch without any */\n"
    "        target[n][n % 4] = 1;\n"
    "    }\n"
    "    memset(x[0], 0, sizeof x[0]);\n"
    "    memset(x[1], 0, sizeof x[1]);\n"
    "    x[1][IN - 1] = 9;\n"
    "    counted_pack(&parameters, &weights);\n"
    "    counted_predict_batch(&weights, x[0], few[0], FEW, arena);\n"
    "    counted_predict_batch(&weights, x[0], all[0], ALL, arena);\n"
    "    if (memcmp(few, all, sizeof few)) return fprintf(stderr, \"leaving out zeros changes results\\n\"), 1;\n"
    "    if (check(ALL) || check(33) || check(3) || check(FEW)) return 1;\n"
    "    fwrite(few, 1, sizeof few, stdout);\n"
    "    return fwrite(&moved, sizeof moved, 1, stdout) != 1;\n"
    "}\n";

Test(determinism, zeros_that_are_left_out_change_no_bit, .timeout = 200 * PATIENCE)
{
    shell_file("counted.net", counted_network);
    shell_file("counting.c", counting);
    shell_good("\"$CNNC\" counted.net -o counted.c && grep -q 'dense_sparse_forward_base(' counted.c && grep -q 'listed\\[listed_count++\\]' counted.c");
    for (int level = 0; level < 3; level++)
        shell_good("$CC ${EMITTED_CFLAGS:--O2} -std=gnu11 -fopenmp -DCNNC_LEVEL=%d counting.c counted.c -lm -o counting && "
                   "OMP_NUM_THREADS=1 ./counting >one && OMP_NUM_THREADS=3 ./counting >three && cmp one three",
                   level);
}

/* The same of sequences, whose rows and their inputs leave a rest of every vector: behind two negative scales, of which nothing is known, all
 * terms are added, and each number must be the same. */
#define SEQUENCE_NETWORK(name, scales) "model " name "\ninput(30, 37)\n" scales "\nlstm(20)\ndense(4, activation=softmax)\ncompile(optimizer=sgd, loss=categorical_crossentropy)\nfit(batch_size=40)\n"
static const char sequences[] =
    "#include \"listed.h\"\n"
    "#include \"whole.h\"\n"
    "#include <stdio.h>\n"
    "#include <string.h>\n"
    "enum { FEW = 20, ALL = 40, ROWS = 30, IN = 37, CLASSES = 4 };\n"
    "static LISTED_ALIGNED unsigned char arena[LISTED_TRAIN_ARENA_BYTES + LISTED_BATCH_ARENA_BYTES + WHOLE_TRAIN_ARENA_BYTES + WHOLE_BATCH_ARENA_BYTES];\n"
    "static float x[ALL][ROWS][IN], target[ALL][CLASSES], answers[2][ALL][CLASSES];\n"
    "static union { listed_parameters listed; whole_parameters whole; float numbers[sizeof(listed_parameters) / sizeof(float)]; } parameters, slopes[2];\n"
    "static listed_weights listed, listed_gradient;\n"
    "static whole_weights whole, whole_gradient;\n"
    "static unsigned state = 1;\n"
    "static float draw(void) { state = state * 1664525 + 1013904223; return (float)(state >> 8) / (1 << 24); }\n"
    "static int check(int count)\n"
    "{\n"
    "    int numbers = 0;\n"
    "    listed_predict_batch(&listed, x[0][0], answers[0][0], (size_t)count, arena);\n"
    "    whole_predict_batch(&whole, x[0][0], answers[1][0], (size_t)count, arena);\n"
    "    listed_gradients(&listed, &listed_gradient, x[0][0], target[0], NULL, (size_t)count, arena);\n"
    "    whole_gradients(&whole, &whole_gradient, x[0][0], target[0], NULL, (size_t)count, arena);\n"
    "    listed_unpack(&listed_gradient, &slopes[0].listed);\n"
    "    whole_unpack(&whole_gradient, &slopes[1].whole);\n"
    "    for (size_t i = 0; i < sizeof slopes[0] / sizeof(float); i++) {\n"
    "        if (slopes[0].numbers[i] != slopes[1].numbers[i]) return fprintf(stderr, \"%d sequences: a gradient is %g, not %g\\n\", count, slopes[0].numbers[i], slopes[1].numbers[i]);\n"
    "        numbers += slopes[0].numbers[i] != 0;\n"
    "    }\n"
    "    if (memcmp(answers[0], answers[1], sizeof answers[0])) return fprintf(stderr, \"%d sequences: leaving out zeros changes results\\n\", count);\n"
    "    fwrite(&slopes[0], 1, sizeof slopes[0], stdout);\n"
    "    return numbers * 2 < (int)(sizeof slopes[0] / sizeof(float));\n"
    "}\n"
    "int main(void)\n"
    "{\n"
    "    for (size_t i = 0; i < sizeof parameters / sizeof(float); i++) parameters.numbers[i] = 0.4f * (draw() - 0.5f);\n"
    "    for (int n = 0; n < ALL; n++) {\n"
    "        for (int r = 0; r < ROWS; r++)\n"
    "            for (int i = 0, on = 0; i < IN; i++) {\n"
    "                if (draw() < 0.2f) on = draw() < 0.2f;\n"
    "                x[n][r][i] = on || n >= FEW ? 1 + 254 * draw() : 0;\n"
    "            }\n"
    "        x[n][n % ROWS][IN - 1] = 9;\n"
    "        target[n][n % 4] = 1;\n"
    "    }\n"
    "    listed_pack(&parameters.listed, &listed);\n"
    "    whole_pack(&parameters.whole, &whole);\n"
    "    return check(ALL) || check(33) || check(3) || check(FEW);\n"
    "}\n";

Test(determinism, zeros_of_sequences_change_no_bit, .timeout = 200 * PATIENCE)
{
    shell_file("listed.net", SEQUENCE_NETWORK("listed", "rescaling(1/256)"));
    shell_file("whole.net", SEQUENCE_NETWORK("whole", "rescaling(-1/256)\nrescaling(-1)"));
    shell_file("sequences.c", sequences);
    shell_good("\"$CNNC\" listed.net -o listed.c && grep -q 'lstm_input_sparse_forward_base(' listed.c && grep -q 'lstm_input_sparse_weight_gradient_base(' listed.c");
    shell_good("\"$CNNC\" whole.net -o whole.c && ! grep -q sparse whole.c");
    for (int level = 0; level < 3; level++)
        shell_good("$CC ${EMITTED_CFLAGS:--O2} -std=gnu11 -fopenmp -DCNNC_LEVEL=%d sequences.c listed.c whole.c -lm -o sequences && "
                   "OMP_NUM_THREADS=1 ./sequences >one && OMP_NUM_THREADS=3 ./sequences >three && cmp one three",
                   level);
}
