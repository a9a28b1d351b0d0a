/* Choices of kernels: shown by --summary=kernels, measured by --tune, replayed by --plan; and plans that do not fit. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char network[] = "model m\n"
                              "input(14, 13, 1)\n"
                              "conv2d(16, 3x3, activation=relu)\n"
                              "conv2d(32, 3x3, padding=same, activation=relu)\n"
                              "max_pooling2d(2x2)\n"
                              "conv2d(16, 2x2)\n"
                              "flatten()\n"
                              "dense(5, activation=softmax)\n"
                              "compile(optimizer=sgd, loss=categorical_crossentropy)\n"
                              "fit(batch_size=4)\n";

/* Predicts one by one and as a batch, makes three steps, and writes all that came out: outputs, losses, weights. */
static const char harness[] = "#include \"model.h\"\n"
                              "#include <stdio.h>\n"
                              "#include <string.h>\n"
                              "enum { N = 4 };\n"
                              "static m_parameters parameters;\n"
                              "static m_weights weights, slots[M_SLOTS + 1];\n"
                              "static M_ALIGNED unsigned char arena[M_ARENA_BYTES + M_BATCH_ARENA_BYTES + M_TRAIN_ARENA_BYTES];\n"
                              "static float x[N * M_INPUT_SIZE], t[N * M_OUTPUT_SIZE], y[N * M_OUTPUT_SIZE];\n"
                              "static void draw(float *to, size_t count, unsigned state)\n"
                              "{\n"
                              "    for (size_t i = 0; i < count; i++) {\n"
                              "        state = state * 1664525u + 1013904223u;\n"
                              "        to[i] = (float)(state >> 8) / 16777216.0f - 0.5f;\n"
                              "    }\n"
                              "}\n"
                              "int main(void)\n"
                              "{\n"
                              "    draw((float *)&parameters, sizeof parameters / sizeof(float), 1);\n"
                              "    draw(x, N * M_INPUT_SIZE, 2);\n"
                              "    for (int i = 0; i < N; i++) t[i * M_OUTPUT_SIZE + i] = 1;\n"
                              "    m_pack(&parameters, &weights);\n"
                              "    for (int i = 0; i < N; i++) m_predict(&weights, x + i * M_INPUT_SIZE, y + i * M_OUTPUT_SIZE, arena);\n"
                              "    fwrite(y, sizeof y, 1, stdout);\n"
                              "    m_predict_batch(&weights, x, y, N, arena);\n"
                              "    fwrite(y, sizeof y, 1, stdout);\n"
                              "    for (int i = 0; i < 3; i++) {\n"
                              "        m_training_step step = {7, (uint64_t)i, 0.05f};\n"
                              "        float loss = m_train_step(&weights, slots, x, t, NULL, N, &step, NULL, y, arena);\n"
                              "        fwrite(&loss, sizeof loss, 1, stdout);\n"
                              "    }\n"
                              "    m_unpack(&weights, &parameters);\n"
                              "    fwrite(&parameters, sizeof parameters, 1, stdout);\n"
                              "    return 0;\n"
                              "}\n";

static void begin(void)
{
    shell_enter();
    shell_file("model.net", network);
    shell_file("run.c", harness);
}

TestSuite(choices, .init = begin, .fini = shell_leave, .timeout = 400 * PATIENCE);

enum { MOST = 1 << 16 };

static size_t run(const char *options, float *values)
{
    shell_good("$CNNC model.net -o model.c %s && $CC -std=gnu11 -O2 model.c run.c -o run -lm && ./run > values", options);
    FILE *file = fopen("values", "rb");
    cr_assert(file);
    size_t count = fread(values, sizeof *values, MOST, file);
    fclose(file);
    cr_assert(count > 4000 && count < MOST, "%zu values", count);
    return count;
}

/* The results with these options are those without, but for rounding. */
static void expect_same_results(const char *options)
{
    static float plain[MOST], other[MOST];
    static size_t count;
    if (!count) count = run("", plain);
    cr_assert_eq(run(options, other), count);
    double worst = 0;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)plain[i] - (double)other[i]);
        if (!(error <= 1e-5 * fmax(1, fabs((double)plain[i])))) good = false;
        worst = fmax(worst, error);
    }
    cr_expect(good, "%s: off by up to %g", options, worst);
}

static bool contains(const char *path, const char *text)
{
    return shell("grep -qF -- '%s' %s", text, path)->status == 0;
}

/* ---- --summary=kernels ---- */

Test(choices, summary)
{
    shell_good("$CNNC --summary=kernels model.net > text");
    static const char *const parts[] = {
        "conv2d, forward", "conv2d, weight_gradient", "conv2d_1, forward", "conv2d_1, gradients", "by way of sparse",
        "conv2d_2, forward", "conv2d_2, input_gradient", "conv2d_2, weight_gradient", "dense, forward", "dense, input_gradient", "dense, weight_gradient",
        "predict batch train x86-64-v4", "x86-64-v3", "base", "not winograd4x4: ",
        "not winograd4x4: the kernel is not 3x3", "by way of winograd4x4", "direct has", "times as much", "times as long: ", "of peak",
    };
    shell_good("tr -s '\\n ' ' ' < text > flat");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) cr_expect(contains("flat", parts[i]), "%s", parts[i]);
    cr_expect(!contains("text", "conv2d, input_gradient")); /* nobody wants it */
    shell_good("awk 'length($0) > 106 { exit 1 }' text");
    /* 12 x 11 results, 9 numbers under the kernel, 16 filters */
    shell_good("grep -A2 '^conv2d, forward' text | grep -q 'by way of direct, 19,008 multiply-adds'");
}

Test(choices, summary_follows_the_options)
{
    shell_good("$CNNC --summary=kernels model.net --math=strict --target=x86-64-v3 --emit=inference | tr -s '\\n ' ' ' > text");
    cr_expect(!contains("text", "by way of winograd4x4"));
    cr_expect(contains("text", "not winograd4x4: --math=strict"));
    cr_expect(!contains("text", "x86-64-v4"));
    cr_expect(!contains("text", "train"));
    shell_file("plain.net", "model p\ninput(3)\nactivation(relu)\n");
    shell_good("$CNNC --summary=kernels plain.net | grep -q 'No layer of this network has a kernel'");
    shell_refused("expected one of layers, kernels", "$CNNC --summary=kernel model.net");
    shell_good("$CNNC --help | grep -q summary=kernels");
}

/* ---- --tune ---- */

/* An optimizer that prepares values for each step is measured with them. */
Test(choices, tuned_with_adam)
{
    shell_good("sed 's/optimizer=sgd/optimizer=adam/; /conv2d(16, 2x2)/d; /conv2d(32/d' model.net > adam.net && $CNNC --tune adam.net 2> progress && grep -q 'train' adam.plan");
}

Test(choices, tuned_and_replayed)
{
    shell_good("$CNNC --tune model.net 2> progress && test -s model.plan && grep -q 'conv2d_1, forward, predict' progress");
    expect_same_results("--plan=model.plan");
    shell_good("mkdir a b && $CNNC --plan=model.plan model.net -o a/m.c && cp model.plan b/ && "
               "$CNNC --plan=b/model.plan model.net -o b/m.c && cmp a/m.c b/m.c && cmp a/m.h b/m.h");
    shell_good("head -1 a/m.c | grep -q -- '--plan=model.plan'");
    shell_good("$CNNC --plan=model.plan --summary=kernels model.net | grep -q 'the plan says so'");
    shell_good("$CNNC --plan=model.plan model.net -o m.c -MD && grep -q 'm.c m.h: model.net model.plan' m.d");
    shell_good("$CNNC --plan=model.plan model.net -o m.c --emit=inference"); /* lines about training are passed over */
    /* Every choice on this machine's level is in the plan, in the order of the programs. */
    shell_good("grep -q '^conv2d_1 gradients train all way ' model.plan && grep -q '^dense input_gradient train x86-64' model.plan && tail -1 model.plan | grep -qx end");
    shell_good("test $(grep -c '^conv2d.* forward all all way ' model.plan) -eq 3 && grep -v '^#' model.plan | sed -n 2p | grep -q '^conv2d forward all all way direct'");
}

Test(choices, tune_says_what_it_cannot)
{
    shell_refused("false failed", "CC=false $CNNC --tune model.net");
    shell_refused("CC names another", "CC=/nowhere/cc $CNNC --tune model.net");
    shell_refused("nowhere/model.plan", "CC=false $CNNC --tune model.net -o nowhere/model.plan");
    shell_refused("the network itself", "CC=false $CNNC --tune model.net -o model.net");
    shell_refused("writes a plan", "CC=false $CNNC --tune model.net -o model.c");
    shell_refused("--plan", "$CNNC --tune --plan=model.plan model.net");
    shell_refused("-o", "$CNNC --tune - < model.net");
    shell_refused("--weights", "$CNNC --tune model.net --emit=inference --weights=w.safetensors");
    shell_good("mkdir empty && ! TMPDIR=$PWD/empty CC=false $CNNC --tune model.net && rmdir empty && test ! -e model.plan");
}

/* ---- --plan ---- */

/* Tiles that the model would not take, and ways the other way round. */
Test(choices, any_plan_gives_the_same_results)
{
    shell_file("odd.plan",
               "cnnc plan 1\n"
               "# by hand\n"
               "  conv2d_1\tforward all all way direct # comment\n"
               "conv2d_1 gradients train all way direct\n"
               "\n"
               "conv2d forward predict x86-64-v4 tile 3x1 of 11x16x9\n"
               "conv2d forward predict x86-64-v3 tile 2x1 of 11x16x9\n"
               "conv2d forward predict base tile 1x3 of 11x16x9\n"
               "conv2d_1 forward train x86-64-v3 tile 5x1 of 11x32x144\n"
               "conv2d_1 forward train x86-64-v4 tile 5x1 of 11x32x144\n"
               "conv2d_1 input_gradient train all way gather\n"
               "conv2d_1 input_gradient train x86-64-v3 tile 6x2 of 11x16x288\n"
               "dense forward batch x86-64-v3 tile 3x1 of 128x5x320\n"
               "dense forward batch x86-64-v4 tile 3x1 of 128x5x320\n"
               "dense weight_gradient train x86-64-v3 tile 7x1 of 320x5x1\n"
               "end\n");
    expect_same_results("--plan=odd.plan");
    shell_good("$CNNC --plan=odd.plan --summary=kernels model.net | grep -A1 '^conv2d_1, forward' | grep -q 'all: by way of direct'");
}

Test(choices, every_way_gives_the_same_results)
{
    static const char *const ways[] = {"direct", "winograd2x2", "winograd4x4", "sparse"};
    for (int forward = 0; forward < 3; forward++)
        for (int gradients = 0; gradients < 4; gradients++) {
            char plan[256];
            snprintf(plan, sizeof plan, "cnnc plan 1\nconv2d_1 forward all all way %s\nconv2d_1 gradients train all way %s\nend\n", ways[forward], ways[gradients]);
            shell_file("ways.plan", plan);
            expect_same_results("--plan=ways.plan");
        }
}

typedef struct { const char *lines, *options, *words; } Unfit;

Test(choices, plans_that_do_not_fit)
{
    static const Unfit cases[] = {
        {"dense_9 forward predict x86-64-v3 tile 1x1 of 1x1x1\nend\n", "", "bad.plan:2: error: m has no layer `dense_9`; is the plan another network's?"},
        {"conv2d upward predict x86-64-v3 tile 1x1 of 1x1x1\nend\n", "", "nothing is chosen for the pass upward of conv2d"},
        {"conv2d forward predict x86-64-v3 tile 1x1 of 11x16x10\nend\n", "", "measured for 11x16x10, but here it is 11x16x9; run cnnc --tune again"},
        {"conv2d forward predict x86-64-v3 tile 7x2 of 11x16x9\nend\n", "--target=x86-64-v4", "x86-64-v3 is none of the levels of --target=x86-64-v4; give the --target"},
        {"conv2d forward predict x86-64-v3 tile 12x2 of 11x16x9\nend\n", "", "there are only 11 rows"},
        {"conv2d forward predict x86-64-v3 tile 7x3 of 11x16x9\nend\n", "", "there are only 2 vectors"},
        {"conv2d forward predict x86-64-v3 tile 7x2 of 11x16x9\nend\n", "", "it needs 17 registers of 16"},
        {"conv2d forward predict x86-64-v3 tile 0x2 of 11x16x9\nend\n", "", "1 to 16 rows"},
        {"conv2d forward predict x86-64-v3 tile -1x2 of 11x16x9\nend\n", "", "1 to 16 rows"},
        {"conv2d forward predict x86-64-v3 tile 4294967297x1 of 11x16x9\nend\n", "", "1 to 16 rows"},
        {"conv2d forward predict x86-64-v3 tile 3 of 11x16x9\nend\n", "", "1 to 16 rows"},
        {"conv2d forward predict x86-64-v3 tile 3x1x of 11x16x9\nend\n", "", "1 to 16 rows"},
        {"conv2d forward predict x86-64-v3 tile 3x1\nend\n", "", "bad.plan:2: error: expected LAYER PASS PROGRAM LEVEL tile"},
        {"conv2d forward predict x86-64-v3 tile 3x1 of 11x16x9 and more\nend\n", "", "expected LAYER"},
        {"conv2d forward predict x86-64-v9 tile 3x1 of 11x16x9\nend\n", "", "there is no level `x86-64-v9`"},
        {"conv2d forward guess x86-64-v3 tile 3x1 of 11x16x9\nend\n", "", "no kind of program `guess`"},
        {"conv2d forward none all way direct\nend\n", "", "no kind of program `none`"},
        {"conv2d forward all all way fourier\nend\n", "", "there is no way `fourier`"},
        {"conv2d forward all all way winograd4x4\nend\n", "", "not by winograd4x4: channels are no multiple of"},
        {"conv2d_1 forward all all way winograd4x4\nend\n", "--math=strict", "not by winograd4x4: --math=strict"},
        {"conv2d_1 forward all all way direct\n\nconv2d_1 forward all all way direct\nend\n", "", "bad.plan:4: error: line 2 has chosen for conv2d_1 forward all all already"},
        {"dense forward predict x86-64-v3 tile 1x1 of 1x5x320\nend\n", "", "nothing is chosen for the pass forward of dense"}, /* there is no alternative */
        {"end\nconv2d forward all all way direct\n", "", "bad.plan:3: error: stands behind the plan's end"},
        {"conv2d forward all all way direct\n", "", "the plan is cut off"},
        {"conv2d forward all all way \033[2J\nend\n", "", "bad.plan:2: error: is not printable text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        snprintf(text, sizeof text, "cnnc plan 1\n%s", cases[i].lines);
        shell_file("bad.plan", text);
        shell_refused(cases[i].words, "$CNNC --plan=bad.plan model.net -o out.c %s", cases[i].options);
        cr_expect(shell("test -e out.c")->status == 1, "%s: was written", text);
    }
    shell_refused("nowhere.plan", "$CNNC --plan=nowhere.plan model.net -o out.c");
    shell_refused("folder", "$CNNC --plan=. model.net -o out.c");
    shell_refused("no plan: one begins with the line", ": > empty.plan; $CNNC --plan=empty.plan model.net -o out.c");
    shell_refused("no plan: one begins with the line", "$CNNC --plan=model.net model.net -o out.c");
    shell_refused("no plan: one begins with the line", "head -c 100000 $CNNC > binary.plan; $CNNC --plan=binary.plan model.net -o out.c");
}

/* A plan of any size is refused soon and in few words. */
Test(choices, huge_plans)
{
    static const char limits[] = "ulimit -v 524288; ulimit -t 5;";
    bool sanitized = getenv("EMITTED_CFLAGS") && strstr(getenv("EMITTED_CFLAGS"), "sanitize");
    const char *limit = sanitized ? "" : limits;
    shell_good("{ echo 'cnnc plan 1'; for i in $(seq 20000); do echo \"layer$i forward predict all way direct\"; done; echo end; } > many.plan");
    shell_refused("20000 more errors" + 6, "%s $CNNC --plan=many.plan model.net -o out.c 2> err; s=$?; tail -c 1500 err >&2; test $(grep -c '' err) -eq 21 || s=9; exit $s", limit);
    shell_good("{ echo 'cnnc plan 1'; head -c 3000000 /dev/zero | tr '\\0' a; echo; echo end; } > long.plan");
    shell_refused("long.plan:2", "%s $CNNC --plan=long.plan model.net -o out.c", limit);
    shell_good("{ echo 'cnnc plan 1'; head -c 5000000 /dev/zero | tr '\\0' '\\n'; echo end; } > large.plan");
    shell_refused("larger than 4 MB", "%s $CNNC --plan=large.plan model.net -o out.c", limit);
}

/* Cut off anywhere, and with any byte changed, a plan is read without a crash; what is cut off is refused. */
Test(choices, damaged_plans)
{
    char plan[] = "cnnc plan 1\n"
                  "conv2d_1 forward all all way direct\n"
                  "conv2d forward predict x86-64-v3 tile 3x1 of 11x16x9 # 1 us\n"
                  "dense weight_gradient train x86-64-v3 tile 7x1 of 320x5x1\n"
                  "end\n";
    size_t length = strlen(plan);
    shell_file("whole.plan", plan);
    shell_good("$CNNC --plan=whole.plan model.net -o out.c");
    for (size_t cut = 0; cut < length - 2; cut += 3) {
        char part[sizeof plan];
        memcpy(part, plan, cut);
        part[cut] = '\0';
        shell_file("part.plan", part);
        cr_expect_eq(shell("$CNNC --plan=part.plan model.net -o out.c")->status, 1, "cut at %zu", cut);
    }
    for (size_t i = 0; i < length; i += 2) {
        static const char bytes[] = {' ', '\n', '#', 'x', '9', '-', (char)200};
        char old = plan[i];
        plan[i] = bytes[i / 2 % sizeof bytes];
        shell_file("changed.plan", plan);
        plan[i] = old;
        const Shell *ended = shell("$CNNC --plan=changed.plan model.net -o out.c");
        cr_expect(ended->status == 0 || (ended->status == 1 && strstr(ended->err, "changed.plan:")), "byte %zu: status %d, %s", i, ended->status, ended->err);
    }
}
