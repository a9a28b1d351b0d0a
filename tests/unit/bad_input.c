/* Bad input costs nobody data: each command of these tables must end with status 1 and one `error:` line that names the
 * file, the place or the thing that is wrong, and must leave every file as it was, and no new one.
 *
 * The commands run with 512 MB of address space and 5 seconds of processor time. The sanitizers take more of both for
 * themselves: under them it is each allocation that has 512 MB at most. What the commands print is 64 KB at most. */
#define _GNU_SOURCE /* unshare */
#include "patience.h"
#include "runtime.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void leave(void)
{
    umount2("full", MNT_DETACH); /* where there is one: see full_disk */
    shell_leave();
}

TestSuite(bad_input, .init = shell_enter, .fini = leave, .timeout = 400 * PATIENCE);

enum { MOST_WORDS = 4, MOST_OUTPUT = 64 * 1024 };

typedef struct {
    const char *command;
    const char *words[MOST_WORDS]; /* that its message contains */
} Case;

/* ---- the check ------------------------------------------------------------------------------------------- */

static const char *limits(void)
{
    const char *flags = getenv("EMITTED_CFLAGS");
    return flags && strstr(flags, "sanitize")
               ? "export ASAN_OPTIONS=$ASAN_OPTIONS:max_allocation_size_mb=512:allocator_may_return_null=1;"
               : "ulimit -v 524288; ulimit -t 5;";
}

/* What is in the folder: every name with its permissions, every file with its checksum. The caller frees it. */
static char *folder_state(void)
{
    const Shell *listed = shell("{ find . -printf '%%p %%m %%y\\n'; find . -type f -exec cksum {} +; } | sort");
    cr_assert_eq(listed->status, 0, "%s", listed->err);
    cr_assert(*listed->out && strlen(listed->out) < sizeof listed->out - 1);
    return strdup(listed->out);
}

/* Prints the lines of one text that are not in the other. */
static void print_difference(FILE *stream, const char *mark, const char *text, const char *other)
{
    char line[1024];
    while (*text) {
        int length = (int)strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s\n", length, text);
        if (!strstr(other, line)) fprintf(stream, "%s %s", mark, line);
        text += length + (text[length] == '\n');
    }
}

/* What became other between two states, as text. The caller frees it. */
static char *difference(const char *before, const char *after)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    cr_assert(stream);
    print_difference(stream, "-", before, after);
    print_difference(stream, "+", after, before);
    cr_assert(fclose(stream) == 0);
    return text;
}

static int count_of(const char *text, const char *word)
{
    int count = 0;
    for (; (text = strstr(text, word)); text++) count++;
    return count;
}

static void expect_refusals(const Case *cases, size_t count)
{
    char *before = folder_state();
    for (size_t i = 0; i < count; i++) {
        const Shell *ended = shell("%s %s", limits(), cases[i].command);
        const char *message = ended->err;
        cr_expect(ended->status == 1, "%s\n  ended with status %d: %s", cases[i].command, ended->status, message);
        cr_expect(count_of(message, "error:") == 1, "%s\n  not one error: %s", cases[i].command, message);
        cr_expect(strlen(message) + strlen(ended->out) <= MOST_OUTPUT, "%s\n  prints too much", cases[i].command);
        for (int k = 0; k < MOST_WORDS && cases[i].words[k]; k++) {
            cr_expect(
                strstr(message, cases[i].words[k]), "%s\n  \"%s\" is not in: %s", cases[i].command, cases[i].words[k], message);
        }
        char *after = folder_state(), *changes = difference(before, after);
        cr_expect(!strcmp(before, after), "%s\n  changed the files:\n%s", cases[i].command, changes);
        free(changes);
        free(before);
        before = after;
    }
    free(before);
}

#define EXPECT_REFUSALS(cases) expect_refusals(cases, sizeof(cases) / sizeof *(cases))

/* ---- files good and bad ---------------------------------------------------------------------------------- */

enum { SAMPLES = 16, SIDE = 8, CLASSES = 3, FILTERS = 2 };

static const char small_net[] = "model small\n"
                                "input(8, 8, 1)\n"
                                "conv2d(2, 3x3, activation=relu)\n"
                                "flatten()\n"
                                "dense(3, activation=softmax)\n"
                                "compile(optimizer=sgd(), loss=categorical_crossentropy, metrics=[accuracy])\n"
                                "fit(batch_size=16, epochs=1)\n";

static void write_array(const char *path, ArrayType type, int rank, const int64_t *shape, double (*value)(int64_t index))
{
    Failure failure;
    Array array;
    cr_assert(array_new(&array, type, rank, shape, &failure), "%s", failure.text);
    for (int64_t i = 0; i < array_count(&array); i++) {
        if (type == ARRAY_FLOAT32) ((float *)array.data)[i] = (float)value(i);
        if (type == ARRAY_INT32) ((int32_t *)array.data)[i] = (int32_t)value(i);
        if (type == ARRAY_UINT8) ((uint8_t *)array.data)[i] = (uint8_t)value(i);
    }
    cr_assert(npy_write(path, &array, &failure), "%s", failure.text);
    array_free(&array);
}

static double pixel(int64_t index)
{
    return (double)(index * 37 % 101) / 100;
}

static double one_not_a_number(int64_t index)
{
    return index == 5 ? (double)NAN : pixel(index);
}

static double label(int64_t index)
{
    return (double)(index % CLASSES);
}

static double label_too_high(int64_t index)
{
    return index == 7 ? CLASSES : label(index);
}

static double label_negative(int64_t index)
{
    return index == 7 ? -1 : label(index);
}

#define SHAPE(...)                                                                                                             \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[])                                               \
    {                                                                                                                          \
        __VA_ARGS__                                                                                                            \
    }

static void write_picture(const char *path, int64_t side)
{
    Failure failure;
    Array picture;
    cr_assert(array_new(&picture, ARRAY_UINT8, SHAPE(side, side, 1), &failure), "%s", failure.text);
    cr_assert(png_write(path, &picture, &failure), "%s", failure.text);
    array_free(&picture);
}

/* Weights of a network of which the tests may change something: its tensors all have the value 0. */
typedef struct {
    const char *name;
    int rank;
    int64_t shape[4];
} Tensor;

static const Tensor kernel = {"conv2d/kernel", 4, {3, 3, 1, FILTERS}}, bias = {"conv2d/bias", 1, {FILTERS}},
                    dense_kernel = {"dense/kernel", 2, {72, CLASSES}}, dense_bias = {"dense/bias", 1, {CLASSES}},
                    wrong_kernel = {"conv2d/kernel", 4, {5, 5, 1, FILTERS}}, further = {"dense_1/bias", 1, {CLASSES}}, of_pytorch = {"conv1.weight", 4, {FILTERS, 1, 3, 3}};

static void write_weights(const char *path, const Tensor *const *tensors)
{
    Failure failure;
    TensorFile file = {0};
    for (int i = 0; tensors[i]; i++) {
        Array array;
        cr_assert(array_new(&array, ARRAY_FLOAT32, tensors[i]->rank, tensors[i]->shape, &failure), "%s", failure.text);
        cr_assert(safetensors_add(&file, tensors[i]->name, &array, &failure), "%s", failure.text);
        array_free(&array);
    }
    cr_assert(safetensors_write(path, &file, &failure), "%s", failure.text);
    safetensors_free(&file);
}

#define WEIGHTS(path, ...) write_weights(path, (const Tensor *const[]){__VA_ARGS__, NULL})

/* Sound weights, and others with one fault each. */
static void make_weights(void)
{
    WEIGHTS("w.safetensors", &kernel, &bias, &dense_kernel, &dense_bias);
    WEIGHTS("lacking.safetensors", &kernel, &bias, &dense_kernel);
    WEIGHTS("further.safetensors", &kernel, &bias, &dense_kernel, &dense_bias, &further);
    WEIGHTS("shape.safetensors", &wrong_kernel, &bias, &dense_kernel, &dense_bias);
    WEIGHTS("other.safetensors", &further);
    WEIGHTS("pytorch.safetensors", &of_pytorch);
    shell_good("head -c 600 w.safetensors > short.safetensors");
    shell_good("{ head -c 20 w.safetensors; printf '\\377'; tail -c +22 w.safetensors; } > flipped.safetensors");
    shell_good("{ printf '\\377\\377\\377\\377\\377\\377\\377\\177'; tail -c +9 w.safetensors; } > huge.safetensors");
    shell_good(": > empty.safetensors");
}

static void make_data(void)
{
    write_array("x.npy", ARRAY_FLOAT32, SHAPE(SAMPLES, SIDE, SIDE, 1), pixel);
    write_array("nan.npy", ARRAY_FLOAT32, SHAPE(SAMPLES, SIDE, SIDE, 1), one_not_a_number);
    write_array("wide.npy", ARRAY_FLOAT32, SHAPE(SAMPLES, SIDE, SIDE + 1, 1), pixel);
    write_array("rank.npy", ARRAY_FLOAT32, SHAPE(SAMPLES), pixel);
    write_array("none.npy", ARRAY_FLOAT32, SHAPE(0, SIDE, SIDE, 1), pixel);
    write_array("y.npy", ARRAY_INT32, SHAPE(SAMPLES), label);
    write_array("fewer.npy", ARRAY_INT32, SHAPE(SAMPLES - 1), label);
    write_array("high.npy", ARRAY_INT32, SHAPE(SAMPLES), label_too_high);
    write_array("negative.npy", ARRAY_INT32, SHAPE(SAMPLES), label_negative);
    write_picture("digit.png", SIDE);
    write_picture("large.png", SIDE + 1);
    shell_good("printf 'PK\\003\\004and more' > zip.npz");
    shell_good("head -c 1000 x.npy > short.npy && : > empty.npy && echo no array > text.npy");
    shell_good("head -c 60 digit.png > short.png && head -c 8 digit.png > head.png && echo no picture > text.png");
    /* MNIST's four files in small, 16 pictures and their labels, and three folders where one of them is at fault. */
    shell_good(
        "set -e; mkdir data folder; cd data"
        "; { printf '\\000\\000\\010\\003\\000\\000\\000\\020\\000\\000\\000\\010\\000\\000\\000\\010'"
        "    ; head -c 1024 /dev/urandom; } | gzip > train-images-idx3-ubyte.gz"
        "; { printf '\\000\\000\\010\\001\\000\\000\\000\\020'; head -c 16 /dev/zero; } > train-labels-idx1-ubyte"
        "; cp train-images-idx3-ubyte.gz t10k-images-idx3-ubyte.gz; cp train-labels-idx1-ubyte t10k-labels-idx1-ubyte"
        "; cd ..; cp -r data cut; cp -r data few; cp -r data range"
        "; truncate -s -9 cut/train-images-idx3-ubyte.gz"
        "; { printf '\\000\\000\\010\\001\\000\\000\\000\\017'; head -c 15 /dev/zero; } > few/train-labels-idx1-ubyte"
        "; { printf '\\000\\000\\010\\001\\000\\000\\000\\020\\011'; head -c 15 /dev/zero; } > range/train-labels-idx1-ubyte");
}

static void make_trainer(void)
{
    shell_file("small.net", small_net);
    shell_good("CFLAGS=\"$EMITTED_CFLAGS\" \"$CNNC\" small.net -o small");
}

/* ---- the compiler ---------------------------------------------------------------------------------------- */

static void make_networks(void)
{
    shell_file("good.net", small_net);
    shell_file("broken.net", "model broken\ninput(8, 8, 1)\ndense(units=3, nits=4)\n");
    shell_file("inference.net", "model inference\ninput(4)\ndense(3)\n");
    shell_good("mkdir folder folder.c taken.h; : > empty.net; printf 'model m\\ninput(\\377)\\n' > bytes.net");
    /* What earlier runs left. */
    shell_good("\"$CNNC\" good.net -o model.c && echo earlier > model.d && echo earlier > program");
    shell_good("printf '\\223NUMPY\\001\\000v\\000{}' > w.npy; printf 'PK\\003\\004\\024\\000\\010\\000' > w.keras; printf '\\211HDF\\r\\n\\032\\n' > w.h5");
    shell_file("good", small_net);
    shell_file("program.c", small_net);
    make_weights();
}

Test(bad_input, compiler)
{
    static const Case cases[] = {
        {"$CNNC missing.net -o model.c", {"missing.net", "No such file"}},
        {"$CNNC missing.net", {"missing.net", "No such file"}},
        {"$CNNC w.safetensors -o model.c", {"w.safetensors: error:", "no text", "--weights=FILE", "cnnc_convert.py"}},
        {"$CNNC -O2 good.net -o model.c", {"unknown option -O;"}},
        {"$CNNC fit good.net", {"cnnc good.net -o trainer", "./trainer fit"}},
        {"$CNNC folder -o model.c", {"folder", "is a folder"}},
        {"$CNNC good.net/a.net -o model.c", {"good.net/a.net", "Not a directory"}},
        {"$CNNC empty.net -o model.c", {"empty.net:1:1: error:", "no network"}},
        {"$CNNC broken.net -o model.c", {"broken.net:3:16: error:", "nits", "units"}},
        {"$CNNC bytes.net -o model.c", {"bytes.net:2:7: error:"}},
        {"$CNNC inference.net -o program", {"inference.net", "compile"}},
        {"printf 'model m\ninput(8, 8, 1)\nbatch_normalization(axis=0)\n' | $CNNC - -o model.c", {":3:26: error:", "axis 0 is the batch"}},
        {"printf 'model m\ninput(8, 8, 1)\nlayer_normalization(axis=[1, 3])\n' | $CNNC - -o model.c", {":3:26: error:", "the last ones"}},
        {"printf 'model m\ninput(8, 8, 1)\nunit_normalization(axis=[1, 3])\n' | $CNNC - -o model.c", {":3:25: error:", "neighbouring"}},
        {"printf 'model m\ninput(8, 8, 1)\nrandom_zoom([0.1, 0.2, 0.3])\n' | $CNNC - -o model.c", {":3:13: error:", "a list of the lowest and the highest"}},
        {"printf 'model m\ninput(8)\nrandom_flip()\n' | $CNNC - -o model.c", {":3:1: error:", "needs images"}},
        {"printf 'model m\ninput(8, 8, 1)\nconv2d(2, 3x3)\nrandom_flip()\nflatten()\ndense(2)\ncompile(sgd, mean_squared_error)\n' | $CNNC - -o model.c",
         {":4:1: error:", "before every layer that learns"}},
        {"$CNNC good.net", {"-o model.c"}},
        {"$CNNC good.net -o", {"-o needs a value"}},
        {"$CNNC good.net -o ''", {"-o: the name of the file is empty"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=", {"--weights: the name of the file is empty"}},
        {"$CNNC '' -o model.c", {"the name of the file is empty"}},
        {"$CNNC good.net inference.net -o model.c", {"good.net and inference.net"}},
        {"$CNNC good.net --nonsense -o model.c", {"--nonsense"}},
        {"$CNNC -o model.c -qr good.net", {"unknown option -q"}},
        {"$CNNC -o model.c --pauses=3 good.net", {"--pauses takes no value"}},
        {"$CNNC --help=dense", {"--help takes no value"}},
        {"$CNNC good.net --batch=0 -o model.c", {"--batch=0"}},
        {"$CNNC good.net --batch=99999999999999999999 -o model.c", {"--batch=99999999999999999999"}},
        {"$CNNC good.net --threads=-1 -o model.c", {"--threads=-1"}},
        {"$CNNC good.net --target=m68k -o model.c", {"--target=m68k", "native"}},
        {"$CNNC good.net --emit=all,none -o model.c", {"--emit=all,none", "inference"}},
        {"$CNNC good.net --dump=nothing", {"--dump=nothing", "shapes"}},
        {"$CNNC good.net -D classes=3 -o model.c", {"-D classes=3"}},
        {"$CNNC good.net -D classes=nan -o model.c", {"-D classes=nan"}},
        {"$CNNC --help dence", {"dence", "did you mean dense?"}},
        {"$CNNC good.net -o model.xyz", {"model.xyz"}},
        {"$CNNC good.net -o program --emit=inference", {"program", "--emit=inference leaves training out"}},
        {"$CNNC good.net -o nowhere/model.c", {"nowhere/model.c", "No such file"}},
        {"$CNNC good.net -o nowhere/program", {"nowhere/program", "No such file"}},
        {"$CNNC good -o good", {"good", "the network itself"}},
        {"$CNNC ./program.c -o program.c", {"program.c", "the network itself"}},
        {"$CNNC good.net -o folder", {"folder"}},
        {"$CNNC good.net -o folder.c", {"folder.c", "is a folder"}},
        {"$CNNC good.net -o taken.c", {"taken.h", "is a folder"}},
        {"$CNNC good.net -o /dev/full", {"/dev/full", "not a regular file"}},
        {"$CNNC good.net -o - > /dev/full", {"standard output"}},
        {"$CNNC good.net -o - >&-", {"standard output"}},
        {"$CNNC good.net --summary > /dev/full", {"standard output"}},
        {"$CNNC --help > /dev/full", {"standard output"}},
        {"$CNNC --version > /dev/full", {"standard output"}},
        {"$CNNC --help qqqqqqqq", {"cnnc --help"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=none.safetensors", {"none.safetensors", "No such file"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=empty.safetensors", {"empty.safetensors"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=short.safetensors", {"short.safetensors"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=huge.safetensors", {"huge.safetensors"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=flipped.safetensors", {"flipped.safetensors"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=lacking.safetensors", {"lacking.safetensors", "dense/bias"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=pytorch.safetensors", {"are missing", "conv1.weight", "PyTorch"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=further.safetensors", {"further.safetensors", "dense_1/bias"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=other.safetensors", {"other.safetensors", "conv2d/kernel"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=shape.safetensors",
         {"shape.safetensors", "conv2d/kernel", "5, 5"}},
        {"$CNNC good.net -o model.c --weights=w.safetensors", {"--weights", "--emit=inference"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=w.npy", {"w.npy", "not a safetensors file but a NumPy array, .npy"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=w.keras", {"w.keras", "not a safetensors file but a zip archive", "docs/converting.md"}},
        {"$CNNC good.net -o model.c --emit=inference --weights=w.h5", {"w.h5", "not a safetensors file but HDF5", "docs/converting.md"}},
        {"$CNNC good.net -o - -MD", {"-MD", "name one"}},
        {"$CNNC good.net --summary -MD", {"-MD", "name one"}},
        {"CC=/nonexistent $CNNC good.net -o program", {"/nonexistent", "No such file", "CC"}},
        {"CC=false $CNNC good.net -o program", {"program", "false failed"}},
        {"TMPDIR=nowhere $CNNC good.net -o program", {"nowhere", "No such file"}},
    };
    make_networks();
    EXPECT_REFUSALS(cases);
    /* A temporary folder for the C files is removed, whatever happens. */
    static const Case failing[] = {{"TMPDIR=folder CC=false $CNNC good.net -o program", {"false failed"}},
                                   {"TMPDIR=folder CC=/nonexistent $CNNC good.net -o program", {"/nonexistent"}}};
    EXPECT_REFUSALS(failing);
}

/* Layers whose arguments do not fit their inputs. */
#define NETWORK(layers) "printf 'model t\\nx = input(5, 4, 2)\\n" layers "\\n' | $CNNC - -o model.c"
Test(bad_input, layers_that_do_not_fit)
{
    static const Case cases[] = {
        {NETWORK("permute(1, 1, 2)"), {":3:1: error:", "(5, 4, 2)", "1 to 3"}},
        {NETWORK("permute(1, 2)"), {":3:1: error:", "1 to 3"}},
        {NETWORK("reshape(7, -1)"), {":3:1: error:", "40"}},
        {NETWORK("reshape(-1, -1)"), {":3:1: error:", "at most one"}},
        {NETWORK("reshape(0)"), {":3:1: error:", "40"}},
        {NETWORK("cropping2d(3)"), {":3:12: error:", "too many", "(5, 4, 2)"}},
        {NETWORK("zero_padding2d([1x2, 3x4, 5x6])"), {":3:16: error:", "top x bottom"}},
        {NETWORK("up_sampling2d(100000000)"), {":3:1: error:", "too large"}},
        {NETWORK("max_pooling1d()"), {":3:1: error:", "sequences", "(5, 4, 2)"}},
        {NETWORK("l2_pooling2d(6)"), {":3:14: error:", "height"}},
        {NETWORK("global_max_pooling1d()"), {":3:1: error:", "sequences"}},
        {NETWORK("repeat_vector(3)"), {":3:1: error:", "(5, 4, 2)"}},
        {NETWORK("softmax(axis=0)"), {":3:14: error:", "the batch"}},
        {NETWORK("softmax(axis=1.5)"), {":3:14: error:", "whole number"}},
        {NETWORK("a = conv2d(3, 1x1)(x)\\nadd()(x, a)"), {":4:1: error:", "(5, 4, 2) and (5, 4, 3)"}},
        {NETWORK("subtract()(x, x, x)"), {":3:1: error:", "2 inputs, not 3"}},
        {NETWORK("relu(negative_slope=-1)"), {":3:21: error:", "at least 0"}},
    };
    EXPECT_REFUSALS(cases);
}

/* Files of 10 MB that would take a compiler's stack, its memory or its time. */
#define IMAGE(layer) "printf 'model m\\ninput(9, 7, 6)\\n" layer "\\n' | $CNNC - -o model.c"
#define SEQUENCE(layer) "printf 'model m\\ninput(20, 4)\\n" layer "\\n' | $CNNC - -o model.c"

Test(bad_input, convolutions)
{
    static const Case cases[] = {
        {IMAGE("conv2d(8, 3, groups=4)"), {":3:21: error:", "the 6 channels of the input cannot be cut into 4 groups"}},
        {IMAGE("conv2d(8, 3, groups=3)"), {":3:21: error:", "the 8 filters cannot be cut into 3 groups"}},
        {IMAGE("conv2d(8, 3, strides=2, dilation_rate=1x2)"), {":3:39: error:", "strides cannot be dilated"}},
        {IMAGE("conv2d(8, 3, dilation_rate=4)"), {":3:11: error:", "3 places 4 apart, which is 9, is more than the input's width, 7"}},
        {IMAGE("conv2d(8, 2, dilation_rate=1024*1024*1024*4)"), {":3:11: error:", "too many"}},
        {IMAGE("conv2d(8, 14x3, padding=[2x2, 0x0])"), {":3:11: error:", "height, 9, with its padding, 4"}},
        {IMAGE("conv2d(8, 3, padding=[same, 1])"), {":3:22: error:", "[top x bottom, left x right]"}},
        {IMAGE("conv2d(8, 3, padding=[1, 2, 3])"), {":3:22: error:", "[top x bottom, left x right]"}},
        {IMAGE("i = input(3, dtype=int32)\na = linear()\noutputs(i, a)"), {":5:9: error:", "whole numbers"}},
        {IMAGE("conv2d(8, 3, padding=causal)"), {":3:22: error:", "`valid` or `same`"}},
        {IMAGE("conv2d(8, 3, padding=-1)"), {":3:22: error:", "at least 0"}},
        {IMAGE("conv2d(8, 1, padding=1024*1024*1024)"), {":3:1: error:", "more than 2^31 - 1 numbers"}},
        {IMAGE("conv2d(8, 3, data_format=channels_first)"), {":3:26: error:", "channels_last"}},
        {IMAGE("depthwise_conv2d(3, depth_multiplier=0)"), {":3:38: error:", "at least 1"}},
        {IMAGE("depthwise_conv2d(3, depth_multiplier=1024*1024*1024*1024)"), {":3:1: error:", "too large"}},
        {IMAGE("locally_connected2d(3, 8)"), {":3:24: error:", "more than the input's width, 7"}},
        {IMAGE("locally_connected2d(3, 3, padding=same)"), {":3:35: error:", "`valid`"}},
        {IMAGE("conv1d(8, 3)"), {":3:1: error:", "conv1d needs sequences (length, channels), not (9, 7, 6)"}},
        {SEQUENCE("conv2d(8, 3)"), {":3:1: error:", "conv2d needs images (height, width, channels), not (20, 4)"}},
        {SEQUENCE("conv1d(8, 21)"), {":3:11: error:", "the input's length, 20; padding=same would allow it"}},
        {SEQUENCE("conv1d(8, 3, padding=2)"), {":3:22: error:", "`valid`, `same` or `causal`"}},
    };
    EXPECT_REFUSALS(cases);
}

Test(bad_input, hostile_networks)
{
    static const Case cases[] = {
        {"$CNNC brackets.net -o model.c", {"brackets.net:3:262: error:", "nested too deeply"}},
        {"$CNNC layers.net -o model.c", {"layers.net:", "1000000"}},
        {"$CNNC repeats.net -o model.c", {"repeats.net:3:", "100000"}},
        {"$CNNC line.net -o model.c", {"line.net:3:"}},
        {"$CNNC wide.net -o model.c", {"wide.net:"}},
    };
    shell_good("{ printf 'model m\\ninput(1)\\ndense('; head -c 10000000 /dev/zero | tr '\\0' '('; } > brackets.net");
    shell_good("{ printf 'model m\\ninput(1)\\n'; yes 'dense(1)' | head -n 1100000; } > layers.net");
    shell_good("{ printf 'model m\\ninput(1)\\n'; yes 'repeat 9 {' | head -n 200 | tr -d '\\n'; printf 'dense(1)'"
               "; yes '}' | head -n 200 | tr -d '\\n'; } > repeats.net");
    shell_good("{ printf 'model m\\ninput(1)\\ndense('; head -c 10000000 /dev/zero | tr '\\0' 'a'; echo ')'; } > line.net");
    shell_good("{ printf 'model m\\ninput(1)\\n'; yes 'dense(9007199254740992)' | head -n 9; } > wide.net");
    EXPECT_REFUSALS(cases);
}

/* ---- a trainer ------------------------------------------------------------------------------------------- */

#define FIT "./small fit --verbose 0 --output w.safetensors "
#define PREDICT "./small predict -o old.npy --weights "

Test(bad_input, trainer)
{
    static const Case cases[] = {
        {"./small summary --summary", {"--summary"}},
        {"./small fitt", {"fitt", "did you mean fit?"}},
        {FIT "--epoch 3", {"--epoch", "did you mean --epochs?"}},
        {FIT "--x x.npy --y y.npy --epochs 0", {"--epochs", "'0'"}},
        {FIT "--x x.npy --y y.npy --epochs -1", {"--epochs", "'-1'"}},
        {FIT "--x x.npy --y y.npy --epochs abc", {"--epochs", "'abc'"}},
        {FIT "--x x.npy --y y.npy --epochs 99999999999999999999", {"--epochs"}},
        {FIT "--x x.npy --y y.npy --epochs", {"--epochs", "value"}},
        {FIT "--x x.npy --y y.npy --batch-size 17", {"--batch-size 17", "16"}},
        {FIT "--x x.npy --y y.npy --validation-split 1", {"--validation-split", "'1'"}},
        {FIT "--x x.npy --y y.npy --validation-split nan", {"--validation-split", "'nan'"}},
        {FIT "--x x.npy --y y.npy --shuffle maybe", {"--shuffle", "'maybe'"}},
        {FIT "--x x.npy --y y.npy --seed -1", {"--seed", "'-1'"}},
        {FIT "--x x.npy --y y.npy --callbacks '[nonsense()]'", {"nonsense"}},
        {FIT "--x x.npy --y y.npy --callbacks '[early_stopping('", {"callbacks"}},
        {FIT "--x x.npy --y y.npy --class-weight '{7: 2}'", {"7"}},
        {FIT "--x x.npy --y y.npy --sample-weight fewer.npy", {"fewer.npy", "16"}},
        {FIT "--x x.npy --y y.npy more.npy", {"more.npy"}},
        {FIT "--x x.npy", {"--y"}},
        {FIT "--x missing.npy --y y.npy", {"missing.npy", "no such file"}},
        {FIT "--x input= --y y.npy", {"the name of a file is empty"}},
        {FIT "--x folder --y y.npy", {"folder"}},
        {FIT "--x empty.npy --y y.npy", {"empty.npy"}},
        {FIT "--x text.npy --y y.npy", {"text.npy"}},
        {FIT "--x short.npy --y y.npy", {"short.npy"}},
        {FIT "--x wide.npy --y y.npy", {"wide.npy", "(16, 8, 9, 1)", "(8, 8, 1)"}},
        {FIT "--x rank.npy --y y.npy", {"rank.npy", "(16,)", "(8, 8, 1)"}},
        {FIT "--x none.npy --y y.npy", {"none.npy", "no samples"}},
        {FIT "--x x.npy --y fewer.npy", {"fewer.npy", "15", "16"}},
        {FIT "--x x.npy --y high.npy", {"high.npy", "label 3 at index 7", "3 classes"}},
        {FIT "--x x.npy --y negative.npy", {"negative.npy", "label -1 at index 7"}},
        {FIT "--x nan.npy --y y.npy", {"diverged", "w.safetensors was not written"}},
        {FIT "--x nan.npy --y y.npy --callbacks '[model_checkpoint(\"sound.safetensors\")]'",
         {"sound.safetensors was not written"}},
        {FIT "--x nan.npy --y y.npy --checkpoint sound.safetensors", {"sound.safetensors was not written"}},
        {FIT "--data nowhere", {"nowhere"}},
        {FIT "--data folder", {"folder/train-images-idx3-ubyte"}},
        {FIT "--data cut", {"cut/train-images-idx3-ubyte.gz"}},
        {FIT "--data few", {"few/train-labels-idx1-ubyte", "15", "16"}},
        {FIT "--data range", {"range/train-labels-idx1-ubyte", "label 9 at index 0"}},
        {FIT "--x x.npy --y y.npy --weights shape.safetensors", {"shape.safetensors", "conv2d/kernel"}},
        {FIT "--x x.npy --y y.npy --resume w.safetensors", {"w.safetensors"}},
        {FIT "--x x.npy --y y.npy --history nowhere/history.csv", {"nowhere"}},
        {FIT "--x x.npy --y y.npy --checkpoint nowhere/checkpoint", {"nowhere"}},
        {"./small fit --x x.npy --y y.npy --output nowhere/w.safetensors", {"nowhere/w.safetensors"}},
        {"./small fit --x x.npy --y y.npy --output folder", {"folder"}},
        {"./small fit --x x.npy --y y.npy --output /dev/full --verbose 0", {"/dev/full"}},
        {"./small fit --x x.npy --y y.npy --verbose 2 >&-", {"output"}},
        {"./small fit --x x.npy --y y.npy --verbose 2 > /dev/full", {"output"}},
        {"./small evaluate --x x.npy --y y.npy", {"--weights"}},
        {"./small evaluate --weights none.safetensors --x x.npy --y y.npy", {"none.safetensors", "No such file"}},
        {"./small evaluate --weights w.safetensors --x x.npy --y high.npy", {"high.npy", "label 3 at index 7"}},
        {"./small evaluate --weights w.safetensors --x short.npy --y y.npy", {"short.npy"}},
        {"./small evaluate --weights w.safetensors --data nowhere", {"nowhere"}},
        {"./small evaluate --weights w.safetensors --x x.npy --y y.npy --steps 0", {"--steps", "'0'"}},
        {"./small evaluate --weights w.safetensors --x x.npy --y y.npy > /dev/full", {"output"}},
        {"./small predict x.npy -o old.npy", {"--weights"}},
        {PREDICT "empty.safetensors x.npy", {"empty.safetensors"}},
        {PREDICT "short.safetensors x.npy", {"short.safetensors"}},
        {PREDICT "flipped.safetensors x.npy", {"flipped.safetensors"}},
        {PREDICT "huge.safetensors x.npy", {"huge.safetensors"}},
        {PREDICT "pytorch.safetensors x.npy", {"conv2d/kernel", "conv1.weight", "PyTorch"}},
        {PREDICT "lacking.safetensors x.npy", {"lacking.safetensors", "dense/bias"}},
        {PREDICT "further.safetensors x.npy", {"further.safetensors", "dense_1/bias"}},
        {PREDICT "shape.safetensors x.npy", {"shape.safetensors", "conv2d/kernel", "(5, 5, 1, 2)"}},
        {PREDICT "x.npy x.npy", {"x.npy"}},
        {PREDICT "w.safetensors small.net", {"small.net", "PNG", "IDX"}},
        {PREDICT "w.safetensors zip.npz", {"zip.npz", ".npz", "numpy.save"}},
        {PREDICT "w.safetensors", {"which samples?"}},
        {PREDICT "w.safetensors missing.npy", {"missing.npy", "no such file"}},
        {PREDICT "w.safetensors short.npy", {"short.npy"}},
        {PREDICT "w.safetensors wide.npy", {"wide.npy", "(8, 8, 1)"}},
        {PREDICT "w.safetensors missing.png", {"missing.png", "no such file"}},
        {PREDICT "w.safetensors short.png", {"short.png"}},
        {PREDICT "w.safetensors head.png", {"head.png"}},
        {PREDICT "w.safetensors text.png", {"text.png"}},
        {PREDICT "w.safetensors large.png", {"large.png", "9", "8"}},
        {PREDICT "w.safetensors digit.png text.png", {"text.png"}},
        {"./small predict --weights w.safetensors x.npy -o nowhere/y.npy", {"nowhere/y.npy"}},
        {"./small predict --weights w.safetensors x.npy -o /dev/full", {"/dev/full"}},
        {"./small predict --weights w.safetensors x.npy -o x.npy", {"would replace x.npy"}},
        {"./small predict --weights w.safetensors x.npy -o ./w.safetensors", {"would replace w.safetensors"}},
        {"./small predict --weights w.safetensors x.npy -o -", {"-o -", "/dev/stdout"}},
        {"./small gradients --weights w.safetensors x.npy y.npy -o y.npy", {"would replace y.npy"}},
        {"./small predict --weights w.safetensors x.npy > /dev/full", {"output"}},
        {"./small gradients --weights w.safetensors x.npy y.npy", {"-o"}},
        {"./small gradients --weights w.safetensors x.npy -o old.npy", {"y"}},
        {"./small gradients --weights w.safetensors x.npy high.npy -o old.npy", {"high.npy", "label 3 at index 7"}},
        {"./small gradients --weights lacking.safetensors x.npy y.npy -o old.npy", {"lacking.safetensors"}},
        {"./small gradients --weights w.safetensors x.npy y.npy -o nowhere/g.safetensors", {"nowhere/g.safetensors"}},
        {"./small summary > /dev/full", {"output"}},
        {"./small summary >&-", {"output"}},
    };
    make_trainer();
    make_weights();
    make_data();
    shell_good("echo 'earlier:{}' > old.npy && cp w.safetensors sound.safetensors");
    EXPECT_REFUSALS(cases);

    /* What the refused commands are compared with: the same ones on sound files. And numbers that are none may be input. */
    shell_good("./small fit --verbose 0 --x x.npy --y y.npy --output sound.safetensors");
    shell_good("./small fit --verbose 0 --data data --validation-data test --output sound.safetensors");
    shell_good("./small evaluate --weights w.safetensors --x x.npy --y y.npy");
    shell_good("./small gradients --weights w.safetensors x.npy y.npy -o g.safetensors");
    shell_good("./small predict --weights w.safetensors digit.png");
    shell_good("./small predict --weights w.safetensors nan.npy -o y.npy");
    /* Whose reader goes away ends, by the signal or with a failure, and leaves nothing half-written. */
    shell_good("{ sleep 0.1; ./small predict --weights w.safetensors x.npy; echo $? > status; } | true"
               "; test $(cat status) = 141 || test $(cat status) = 1");
    shell_good("{ sleep 0.1; ./small fit --x x.npy --y y.npy --verbose 2 --output w.safetensors; echo $? > status; } | true"
               "; test $(cat status) = 141 || test $(cat status) = 1");
    shell_good("! ls -A | grep '[.]tmp$' && ./small evaluate --weights w.safetensors --x x.npy --y y.npy");
}

/* Small files that would unpack to a gigabyte: one says so in its head, the other has it behind what its head says. */
Test(bad_input, gigabytes)
{
    static const Case cases[] = {
        {PREDICT "w.safetensors true.gz", {"true.gz"}},
        {PREDICT "w.safetensors behind.gz", {"behind.gz"}},
        {PREDICT "w.safetensors zeros.gz", {"zeros.gz"}},
        {"./small fit --x true.gz --y y.npy --output w.safetensors", {"true.gz"}},
        {PREDICT "zeros.gz x.npy", {"zeros.gz"}},
    };
    make_trainer();
    make_weights();
    make_data();
    /* A gzip file may consist of several, one behind the other: the same 16 MB of zeros 64 times. */
    shell_good("set -e; head -c 16777216 /dev/zero | gzip > part"
               "; for i in 1 2 3; do cat part part part part > next; mv next part; done; cp part zeros.gz"
               "; { printf '\\000\\000\\010\\003\\001\\000\\000\\000\\000\\000\\000\\010\\000\\000\\000\\010' | gzip; cat "
               "part; } > true.gz"
               "; { printf '\\000\\000\\010\\003\\000\\000\\000\\020\\000\\000\\000\\010\\000\\000\\000\\010' | gzip; cat "
               "part; } > behind.gz"
               "; rm part");
    EXPECT_REFUSALS(cases);
}

/* ---- folders and disks that take nothing ----------------------------------------------------------------- */

Test(bad_input, without_permission)
{
    static const Case cases[] = {
        {"$PLAIN ./cnnc secret.net -o open/model.c", {"secret.net", "Permission denied"}},
        {"$PLAIN ./cnnc small.net -o locked/model.c", {"locked/model.c", "Permission denied"}},
        {"$PLAIN ./cnnc small.net -o locked/program", {"locked/program", "Permission denied"}},
        {"$PLAIN ./cnnc small.net -o open/program", {"libcnnc_runtime.a"}},
        {"$PLAIN ./small fit --x secret.npy --y y.npy --output open/w.safetensors", {"secret.npy", "Permission denied"}},
        {"$PLAIN ./small fit --x x.npy --y y.npy --output locked/w.safetensors", {"locked/w.safetensors"}},
        {"$PLAIN ./small fit --x x.npy --y y.npy --checkpoint locked/checkpoint", {"locked/checkpoint"}},
        {"$PLAIN ./small predict --weights w.safetensors x.npy -o locked/y.npy", {"locked/y.npy"}},
        {"$PLAIN ./small gradients --weights w.safetensors x.npy y.npy -o locked/g.safetensors", {"locked/g.safetensors"}},
    };
    setenv("PLAIN", geteuid() ? "" : "setpriv --reuid=65534 --regid=65534 --clear-groups", 1);
    if (!geteuid() && !shell_has("setpriv")) cr_skip_test("root may do everything, and there is no setpriv");
    make_trainer();
    make_weights();
    make_data();
    shell_good("cp \"$CNNC\" cnnc && \"$CNNC\" small.net -o model.c && cp small.net secret.net && cp x.npy secret.npy");
    shell_good("mkdir open locked && cp model.? w.safetensors locked && chmod 777 open && chmod 755 . small cnnc");
    shell_good("chmod 000 secret.* && chmod 555 locked");
    EXPECT_REFUSALS(cases);
}

Test(bad_input, full_disk)
{
    static const Case cases[] = {
        {"$CNNC small.net -o full/model.c", {"full/model.c", "No space left"}},
        {"$CNNC small.net -o full/model.c --emit=inference -MD", {"full/model.c", "No space left"}},
        {"TMPDIR=full $CNNC small.net -o program", {"full/", "No space left"}},
        {"./small fit --verbose 0 --x x.npy --y y.npy --output full/w.safetensors", {"full/w.safetensors", "No space left"}},
        {"./small fit --verbose 0 --x x.npy --y y.npy --checkpoint full/checkpoint", {"full/checkpoint", "No space left"}},
        {"./small predict --weights w.safetensors x.npy -o full/y.npy", {"full/y.npy", "No space left"}},
        {"./small gradients --weights w.safetensors x.npy y.npy -o full/g.safetensors",
         {"full/g.safetensors", "No space left"}},
    };
    shell_good("mkdir full");
    /* A disk of this process alone: it vanishes with it. */
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", "full", "tmpfs", 0, "size=64k"))
        cr_skip_test("no disk can be mounted without root's rights");
    make_trainer();
    make_weights();
    make_data();
    shell_good("echo earlier > full/model.c && cp full/model.c full/model.h && cp w.safetensors full");
    cr_expect(shell("cat /dev/zero > full/rest")->status != 0);
    EXPECT_REFUSALS(cases);
}
