/* cnnc --selftest: the file that it makes is right on this machine and on emulated ones, whatever compiles it, and names what was
 * broken on purpose. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARNINGS "-Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wvla -Werror"

/* A convolution by Winograd's idea among its layers, a bias whose gradient is 0, noise, three kinds of activations, branches. */
static const char network[] = "model m\n"
                              "input(10, 9, 2)\n"
                              "conv2d(5, 3x3, activation=relu)\n"
                              "conv2d(16, 3x3, padding=same)\n"
                              "batch_normalization()\n"
                              "activation(relu)\n"
                              "max_pooling2d(2x2)\n"
                              "flatten()\n"
                              "a = dense(7, activation=tanh)\n"
                              "b = dense(7, activation=sigmoid)(a)\n"
                              "add()(a, b)\n"
                              "dropout(0.2)\n"
                              "dense(4, activation=softmax)\n"
                              "compile(optimizer=adagrad, loss=categorical_crossentropy)\n"
                              "fit(batch_size=4)\n";

static void begin(void)
{
    shell_enter();
    shell_file("m.net", network);
}

TestSuite(selftest, .init = begin, .fini = shell_leave, .timeout = 400 * PATIENCE);

/* By gcc and clang, with each of their levels of optimisation, the sanitizers, threads, and each of the levels of the target. */
Test(selftest, is_right_whatever_compiles_it)
{
    static const char *const ways[][2] = {
        {"generic", "$CC -O0"},
        {"generic", "$CC -O2"},
        {"generic", "$CC -O3 -fopenmp"},
        {"generic", "$CC -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"},
        {"generic", "clang -O0 " WARNINGS},
        {"generic", "clang -O2"},
        {"x86-64", "$CC -O1 -DCNNC_LEVEL=1 " WARNINGS},
        {"x86-64", "$CC -O1"},
        {"x86-64", "clang -O1 -DCNNC_LEVEL=1"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        shell_good("\"$CNNC\" --selftest --target=%s m.net -o m.c && ! ls m.h 2> /dev/null && %s -std=c11 m.c -o m -lm", ways[i][0], ways[i][1]);
        const Shell *run = shell("ASAN_OPTIONS=detect_leaks=0 ./m");
        cr_expect(run->status == 0, "%s: %s%s", ways[i][1], run->out, run->err);
        cr_expect(strstr(run->out, "m: all ") && strstr(run->out, "  conv2d_1/kernel") && strstr(run->out, "  max_pooling2d"), "%s", run->out);
    }
}

/* For each network of tests/layers that $SELFTESTS, a pattern, chooses; without it a few. */
Test(selftest, layers_are_right)
{
    const char *chosen = getenv("SELFTESTS");
    const Shell *list = shell("cd \"$ROOT/tests/layers\" && ls %s", chosen && *chosen ? chosen : "embedding.net noise.net inputs_outputs.net targets_and_steps.net");
    static char names[sizeof list->out];
    cr_assert(list->status == 0);
    memcpy(names, list->out, sizeof names);
    for (const char *name = strtok(names, "\n"); name; name = strtok(NULL, "\n")) {
        shell_good("\"$CNNC\" --selftest --target=generic \"$ROOT/tests/layers/%s\" -o layer.c && $CC -std=c11 -O0 " WARNINGS " layer.c -o layer -lm", name);
        const Shell *run = shell("./layer");
        cr_expect(run->status == 0 && strstr(run->out, " comparisons are right\n"), "%s: %s%s", name, run->out, run->err);
    }
}

/* Changes the text by a command of sed, and expects this to be named. */
static void expect_named(const char *what, const char *edit)
{
    shell_good("sed '%s' m.c > broken.c && ! cmp -s m.c broken.c && $CC -std=c11 -O0 broken.c -o broken -lm", edit);
    const Shell *run = shell("./broken");
    cr_expect(run->status == 1 && strstr(run->out, "comparisons failed; the first to diverge is ") && strstr(run->out, what), "not %s, after %s:\n%s%s", what, edit, run->out, run->err);
}

Test(selftest, names_what_is_broken)
{
    shell_good("\"$CNNC\" --selftest --target=generic m.net -o m.c");
    /* Weights, slightly; a number that is none. */
    expect_named("is conv2d (one sample, layer by layer)", "s/m_pack(parameters, weights);/&\\nweights->conv2d_bias[3] += 1e-4f;/");
    expect_named("is batch_normalization (one sample, layer by layer)", "s/m_pack(parameters, weights);/&\\nweights->batch_normalization_gamma[15] += 1e-3f;/");
    expect_named("is dense (one sample, layer by layer)", "s/m_pack(parameters, weights);/&\\nweights->dense_bias[0] = NAN;/");
    /* Operators: an addition that subtracts, what is done with batches alone, two gradients. */
    expect_named("is add (one sample, layer by layer)", "/^static void add_forward_base/,/^}/ s/ + load/ - load/");
    expect_named("is a (3 samples, layer by layer)", "/^static void a_forward_batch_base/,/^}/ s/tanh_f32x4(/-tanh_f32x4(/");
    expect_named("is conv2d_1/kernel (m_gradients)", "/^static void conv2d_1_weight_gradient_base/,/^}/ s/u0 [*] 0.25f/u0 * 0.24f/");
    /* What is wrong only where layers are fused: a normalisation behind a convolution, the rectifier that a pooling does. */
    expect_named("is batch_normalization (one sample, fused as in m_predict)", "/^static void conv2d_1_forward_base/,/^}/ s/load_f32x4(&e1\\[k\\])/1.01f * &/");
    expect_named("is max_pooling2d (one sample, fused as in m_predict)", "/^static void max_pooling2d_forward_base/,/^}/ s/max_f32x4((f32x4){0}, v)/max_f32x4((f32x4){0} + 0.01f, v)/");
    /* A step that writes behind its arena, and one from another state. */
    expect_named("is the arena (m_predict)", "s/one_arena);$/&\\none_arena[M_ARENA_BYTES + 3] = 0;/");
    expect_named("is the loss of the same step again (m_train_step)", "s/^ *const float again = loss;/&\\nstepped1->a_bias[0] += 1e-4f;/");
}

/* Trained weights, and inference alone, which has no gradients. */
Test(selftest, of_trained_weights)
{
    shell_good("cd \"$ROOT/examples/embed\" && \"$CNNC\" --selftest digit.net --weights=digit.safetensors --emit=inference --target=generic -o \"$OLDPWD/m.c\"");
    shell_good("$CC -std=c11 -O1 " WARNINGS " m.c -o m -lm && ./m > said && grep -q 'digit: all' said && ! grep gradients said");
    expect_named("is conv2d", "/const digit_weights trained = {/,/^}/ s/0x1.[0-9a-f]*p-3f/0.5f/");
    shell_good("cd \"$ROOT/examples/embed\" && \"$CNNC\" --selftest digit.net --weights=digit.safetensors --target=generic -o \"$OLDPWD/m.c\"");
    shell_good("$CC -std=c11 -O1 m.c -o m -lm && ./m > said && grep -q 'digit: all' said");
}

static void expect_right_on(const char *processor, const char *target)
{
    if (shell("command -v %s-linux-gnu-gcc && command -v qemu-%s", processor, processor)->status) {
        char missing[128];
        snprintf(missing, sizeof missing, "not installed: gcc-%s-linux-gnu or qemu-user", processor);
        cr_skip_test("%s", missing);
    }
    shell_good("\"$CNNC\" --selftest m.net --target=%s -o m.c && %s-linux-gnu-gcc -std=c11 -O2 -static m.c -o m -lm", target, processor);
    const Shell *run = shell("qemu-%s ./m", processor);
    cr_expect(run->status == 0 && strstr(run->out, "m: all "), "%s%s", run->out, run->err);
}

Test(selftest, on_aarch64)
{
    expect_right_on("aarch64", "aarch64");
}

Test(selftest, on_riscv64)
{
    expect_right_on("riscv64", "generic");
}

/* Switches the floating-point unit on and goes to newlib's own beginning, which prints through the debugger. */
static const char firmware[] = "void _start(void);\n"
                               "__attribute__((naked)) static void reset(void)\n"
                               "{\n"
                               "    __asm__(\"ldr r0, =0xe000ed88\\n ldr r1, =0xf00000\\n str r1, [r0]\\n dsb\\n isb\\n b _start\");\n"
                               "}\n"
                               "static void fault(void)\n"
                               "{\n"
                               "    __asm__(\"mov r0, #0x18\\n ldr r1, =0x20023\\n bkpt 0xab\");\n"
                               "}\n"
                               "__attribute__((section(\".vectors\"), used)) static const struct {\n"
                               "    unsigned stack;\n"
                               "    void (*handlers[15])(void);\n"
                               "} vectors = {0x20400000, {reset, fault, fault, fault, fault, fault}};\n";

/* On a microcontroller, training too: a Cortex-M4, whose floating-point unit knows single precision only. */
Test(selftest, on_cortex_m)
{
    if (!shell_has("arm-none-eabi-gcc") || !shell_has("qemu-system-arm") || shell("echo '#include <math.h>' | arm-none-eabi-gcc -E -")->status)
        cr_skip_test("no compiler for Cortex-M or no emulator is installed (gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm)");
    shell_file("start.c", firmware);
    shell_good("\"$CNNC\" --selftest m.net --target=generic -o m.c && arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -std=gnu11 -O1 "
               "--specs=rdimon.specs -Wl,--section-start=.vectors=0 start.c m.c -o m.elf -lm");
    const Shell *run = shell("timeout 60 qemu-system-arm -M mps2-an386 -display none -serial none -monitor none -semihosting-config enable=on,target=native -kernel m.elf");
    cr_expect(run->status == 0 && strstr(run->out, "m: all ") && strstr(run->out, "m_gradients"), "%d: %s%s", run->status, run->out, run->err);
}

Test(selftest, refusals)
{
    shell_refused("where should it go", "\"$CNNC\" --selftest m.net");
    shell_refused("suffix .c", "\"$CNNC\" --selftest m.net -o m");
    shell_refused("leave --emit=trainer out", "\"$CNNC\" --selftest m.net --emit=trainer -o m.c");
    shell_refused("leave --gemm=openblas out", "\"$CNNC\" --selftest m.net --gemm=openblas -o m.c");
}
