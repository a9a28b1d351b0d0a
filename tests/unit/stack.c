/* The stack that emitted code needs: no function of it has an array whose size is known at run time only, or calls itself, so that gcc's
 * -fstack-usage bounds it. What is printed is the deepest that predict can go: its own frame, its driver's, the largest of the functions
 * that the driver calls, and the largest of those that gcc did not put into them. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(stack, .init = shell_enter, .fini = shell_leave, .timeout = 400 * PATIENCE);

typedef struct {
    long predict, driver, function, helper, most; /* bytes of the largest frames of each kind; most: of any function */
    int dynamic;                                  /* functions whose frame has no bound */
} Frames;

static long larger(long a, long b)
{
    return a > b ? a : b;
}

/* Lines of gcc: file:line:column:function, tab, bytes, tab, static or dynamic,bounded or dynamic. */
static Frames read_frames(const char *name)
{
    Frames frames = {0};
    char line[1024], function[1024], kind[64];
    long bytes;
    FILE *file = fopen("model.su", "r");
    cr_assert(file);
    while (fgets(line, sizeof line, file)) {
        char *tab = strchr(line, '\t'), *start;
        cr_assert(tab && sscanf(tab, " %ld %63s", &bytes, kind) == 2, "%s", line);
        *tab = '\0';
        start = strrchr(line, ':') ? strrchr(line, ':') + 1 : line;
        snprintf(function, sizeof function, "%s", start);
        bool of_level = strstr(function, "_base") || strstr(function, "_v3") || strstr(function, "_v4");
        if (!strncmp(function, name, strlen(name)) && strstr(function, "_predict")) frames.predict = larger(frames.predict, bytes);
        else if (!strncmp(function, "run_", 4)) frames.driver = larger(frames.driver, bytes);
        else if (of_level) frames.function = larger(frames.function, bytes);
        else if (!strstr(function, "pack")) frames.helper = larger(frames.helper, bytes);
        frames.most = larger(frames.most, bytes);
        frames.dynamic += !strcmp(kind, "dynamic");
    }
    fclose(file);
    return frames;
}

static void check(const char *net, const char *name, const char *compiler, const char *options, long inference, long all)
{
    for (int training = 0; training < 2; training++) {
        shell_good("\"$CNNC\" \"$ROOT/%s\" -o model.c %s %s && %s -std=c11 -fstack-usage -c model.c", net, options, training ? "" : "--emit=inference", compiler);
        Frames frames = read_frames(name);
        long deepest = frames.predict + frames.driver + frames.function + frames.helper;
        cr_expect_eq(frames.dynamic, 0, "%s, %s: %d functions whose stack has no bound", net, compiler, frames.dynamic);
        cr_expect(frames.predict > 0, "%s: predict is missing", net); /* the others may have become parts of it */
        if (training) {
            fprintf(stderr, "stack: %s, %s %s: no function takes more than %ld bytes\n", name, compiler, options, frames.most);
            cr_expect(frames.most <= all, "%s, %s: %ld bytes", net, compiler, frames.most);
        } else {
            fprintf(stderr, "stack: %s, %s %s: predict and predict_batch take at most %ld bytes\n", name, compiler, options, deepest);
            cr_expect(deepest <= inference, "%s, %s: %ld bytes", net, compiler, deepest);
        }
    }
}

Test(stack, is_bounded)
{
    check("examples/lenet5/lenet5.net", "lenet5", "$CC -O2", "", 4096, 8192);
    check("examples/mnist_cnn/mnist_cnn.net", "mnist_cnn", "$CC -O2", "", 4096, 8192);
    check("tests/layers/lstm.net", "lstm", "$CC -O2", "", 4096, 8192);
    check("tests/layers/lstm.net", "lstm", "$CC -O0", "--target=generic", 8192, 16384);
    if (!shell_has("arm-none-eabi-gcc") || shell("echo '#include <math.h>' | arm-none-eabi-gcc -E -")->status) return; /* embed.c says so */
    check("examples/lenet5/lenet5.net", "lenet5", "arm-none-eabi-gcc -O2 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16", "--target=generic", 2048, 4096);
}
