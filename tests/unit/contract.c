/* What DESIGN promises of cnnc's commands and of the C it emits, seen from outside: files, options, names, forms of graphs. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARNINGS "-Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wvla -Werror"

static const char network[] = "model m\n"
                              "let hidden = 7\n"
                              "input(9, 8, 2)\n"
                              "conv2d(5, 3x3, activation=relu)\n"
                              "max_pooling2d(2x2)\n"
                              "flatten()\n"
                              "a = dense(hidden, activation=tanh)\n"
                              "b = dense(hidden, activation=sigmoid)(a)\n"
                              "add()(a, b)\n"
                              "dense(4, activation=softmax)\n"
                              "compile(optimizer=adam, loss=categorical_crossentropy)\n"
                              "fit(batch_size=4)\n";

/* A program that calls inference on 6 samples, one by one (6 rows) and as a batch (6 rows), with weights and inputs that are
 * a function of their place, and writes the outputs as they lie in memory. */
static const char harness[] =
    "#include \"model.h\"\n"
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "enum { N = 6 };\n"
    "static m_parameters parameters;\n"
    "static m_weights weights;\n"
    "static M_ALIGNED unsigned char arena[M_ARENA_BYTES + M_BATCH_ARENA_BYTES + 1];\n"
    "static float x[N * M_INPUT_SIZE], y[N * M_OUTPUT_SIZE];\n"
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
    "    m_pack(&parameters, &weights);\n"
    "    for (int i = 0; i < N; i++) m_predict(&weights, x + i * M_INPUT_SIZE, y + i * M_OUTPUT_SIZE, arena);\n"
    "    fwrite(y, sizeof y, 1, stdout);\n"
    "    m_predict_batch(&weights, x, y, N, arena);\n"
    "    fwrite(y, sizeof y, 1, stdout);\n"
    "    return 0;\n"
    "}\n";

static void begin(void)
{
    shell_enter();
    shell_file("model.net", network);
    shell_file("run.c", harness);
}

TestSuite(contract, .init = begin, .fini = shell_leave, .timeout = 400 * PATIENCE);

enum { ROWS = 6, MOST = 1024 };

/* Emits with the options, compiles with the flags, runs; the outputs go into the file. */
static void run(const char *options, const char *flags, const char *file)
{
    shell_good("\"$CNNC\" model.net -o model.c %s && $CC -std=c11 -O1 " WARNINGS " %s model.c run.c -o run -lm && ./run > %s",
               options,
               flags,
               file);
}

static size_t read_floats(const char *path, float *values)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    size_t count = fread(values, sizeof *values, MOST, file);
    fclose(file);
    cr_assert(count > 0 && count < MOST);
    return count;
}

static void expect_near(const char *a, const char *b, double tolerance)
{
    float x[MOST], y[MOST];
    size_t count = read_floats(a, x);
    cr_assert_eq(count, read_floats(b, y));
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        cr_expect(fabs((double)x[i] - (double)y[i]) <= tolerance, "%s and %s: %.9g, %.9g", a, b, (double)x[i], (double)y[i]);
        largest = fmax(largest, fabs((double)x[i]));
    }
    cr_expect(largest > 0.1);
}

/* ---- options that must not change results, or hardly -------------------------------------------------------- */

Test(contract, batch_one_agrees_with_batches)
{
    run("--emit=inference", "", "y");
    float y[MOST];
    size_t half = read_floats("y", y) / 2;
    for (size_t i = 0; i < half; i++) cr_expect(fabs((double)y[i] - (double)y[half + i]) <= 1e-5);
}

/* How many of the levels base (0), v3 (1) and v4 (2) this machine has. */
static int machine_level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd");
    return v3 + v4;
#else
    return 0;
#endif
}

Test(contract, levels_agree)
{
    run("--emit=inference", "", "best");
    for (int level = 0; level <= 2; level++) {
        char file[32];
        snprintf(file, sizeof file, "level%d", level);
        shell_good("$CC -std=c11 -O1 " WARNINGS " -DCNNC_LEVEL=%d model.c run.c -o run -lm && ./run > %s", level, file);
        expect_near("best", file, 1e-5);
    }
    cr_expect(shell("cmp best level%d", machine_level())->status == 0, "the best level is not what is chosen");
}

Test(contract, targets_agree)
{
    static const struct {
        const char *name;
        int level;
    } targets[] = {
        {"x86-64", 0},
        {"x86-64-v2", 0}, /* all that have been sold for long */
        {"generic", 0},
        {"aarch64", 0}, /* portable C as well */
        {"native", 0},
        {"x86-64-v3", 1},
        {"x86-64-v4", 2},
    };
    run("--emit=inference", "", "default");
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        shell_good("\"$CNNC\" model.net -o model.c --emit=inference --target=%s", targets[i].name);
        shell_good("$CC -std=c11 -O1 " WARNINGS " model.c run.c -o run -lm");
        if (targets[i].level > machine_level()) continue;
        shell_good("./run > other");
        expect_near("default", "other", 1e-5);
    }
    shell_refused("x86-64-v3", "\"$CNNC\" model.net -o new.c --target=x86-64-v9");
    cr_expect(shell("ls new.c")->status != 0);
}

/* On another kind of machine, emulated: the portable level, and the one with tiles for its registers. */
Test(contract, aarch64_agrees)
{
    if (!shell_has("aarch64-linux-gnu-gcc") || !shell_has("qemu-aarch64"))
        cr_skip_test("neither a compiler for aarch64 nor qemu is installed (gcc-aarch64-linux-gnu, qemu-user)");
    static const char *const targets[] = {"x86-64", "generic", "aarch64"};
    run("--emit=inference", "", "here");
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        shell_good("\"$CNNC\" model.net -o model.c --emit=inference --target=%s && "
                   "aarch64-linux-gnu-gcc -static -std=c11 -O2 " WARNINGS " model.c run.c -o run -lm && qemu-aarch64 ./run > there",
                   targets[i]);
        expect_near("here", "there", 1e-5);
    }
    /* A tile's sums are made by fused multiply-adds of vectors and stay in registers: there is a loop with 16 or more of them that
     * leaves the stack alone. */
    static const char *const compilers[] = {"aarch64-linux-gnu-gcc", "clang --target=aarch64-linux-gnu -I/usr/aarch64-linux-gnu/include"};
    for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++) {
        if (!shell_has(i ? "clang" : "aarch64-linux-gnu-gcc")) continue;
        shell_good("%s -std=c11 -O2 -S model.c -o model.s", compilers[i]);
        shell_good("awk '/^[.a-zA-Z0-9_]+:/ { n = stack = 0 } /fmla/ { n++ } /q[0-9].*\\[sp/ { stack = 1 } "
                   "/^[ \t]b[.a-z]+[ \t]/ && n >= 16 && !stack { found = 1 } END { exit !found }' model.s");
    }
}

Test(contract, threads_and_batch_sizes_change_nothing)
{
    run("", "", "serial");
    run("", "-fopenmp", "free");
    run("--threads=3", "-fopenmp", "three");
    cr_expect(shell("grep -q 'num_threads(3)' model.c")->status == 0);
    shell_good("OMP_NUM_THREADS=1 ./run > one && cmp serial free && cmp serial three && cmp serial one");
    run("--batch=5", "", "five");
    cr_expect(shell("grep -q '^#define M_BATCH_SIZE 5 ' model.h")->status == 0);
    shell_good("cmp serial five");
    shell_refused("--batch", "\"$CNNC\" model.net -o model.c --batch=0");
    shell_refused("--threads", "\"$CNNC\" model.net -o model.c --threads=many");
}

/* Large enough that threads share one sample: convolutions direct and by Winograd, padded and not, a dense layer on rows. */
static const char large_network[] = "model m\n"
                                    "input(21, 19, 3)\n"
                                    "conv2d(32, 5x5, padding=same, activation=relu)\n"
                                    "conv2d(32, 3x3, padding=same, activation=relu)\n"
                                    "average_pooling2d(3x3, strides=2, padding=same)\n"
                                    "dense(24, activation=tanh)\n"
                                    "conv2d(16, 3x2, activation=relu)\n"
                                    "max_pooling2d(2x2)\n"
                                    "flatten()\n"
                                    "dense(200, activation=tanh)\n"
                                    "dense(100, activation=tanh)\n"
                                    "dense(9, activation=softmax)\n";

Test(contract, threads_share_one_sample)
{
    static const char region[] = "grep -q SHARED_FOR model.c";
    run("", "-fopenmp", "small");
    cr_expect(shell(region)->status == 1, "a small network needs no threads");
    shell_file("model.net", large_network);
    run("--threads=1", "-fopenmp", "one");
    cr_expect(shell(region)->status == 1, "one thread needs no region");
    run("", "", "serial");
    cr_expect(shell(region)->status == 0, "threads share nothing");
    shell_good("cmp serial one");
    float y[MOST];
    size_t half = read_floats("serial", y) / 2;
    for (size_t i = 0; i < half; i++) cr_expect(fabs((double)y[i] - (double)y[half + i]) <= 1e-5);
    for (int level = 0; level <= machine_level(); level++) {
        shell_good("$CC -std=c11 -O1 " WARNINGS " -DCNNC_LEVEL=%d model.c run.c -o run -lm && ./run > serial", level);
        shell_good("$CC -std=c11 -O1 " WARNINGS " -DCNNC_LEVEL=%d -fopenmp model.c run.c -o run -lm", level);
        static const int threads[] = {1, 2, 3, 7};
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
            shell_good("OMP_NUM_THREADS=%d ./run > shared && cmp serial shared", threads[i]);
    }
}

/* Straight-line code: no loop in any function that m_predict and m_predict_batch call at a level, but that over the samples, and over
 * the few lanes of one vector in the inline functions of vectors. */
Test(contract, unrolled)
{
    run("--emit=inference", "", "loops");
    run("--emit=inference --unroll=full", "", "straight");
    expect_near("loops", "straight", 1e-6);
    /* Prints loops with the function they stand in; a function's text begins at the left margin. */
    const Shell *loops = shell("awk '/^[a-zA-Z].*\\(/ { name = $0; loop = 0 } "
                               "/^ .*(for \\(|while \\()/ && name !~ /(m_pack|m_unpack|pack_panels|m_predict_batch|(sum|largest)_f32x[0-9]+[_a-z0-9]*)\\(/ "
                               "{ print name \": \" $0 }' model.c");
    cr_expect_str_eq(loops->out, "");
    cr_expect(shell("grep -c 'for (' model.c")->status == 0, "the pattern finds nothing at all");
    shell_refused("--unroll", "\"$CNNC\" \"$ROOT/examples/mnist_cnn/mnist_cnn.net\" -o big.c --emit=inference --unroll=full");
    cr_expect(shell("ls big.c big.h")->status != 0);
}

Test(contract, openblas)
{
    if (shell("echo 'int main(void) { return 0; }' > e.c && $CC e.c -o e -lopenblas")->status)
        cr_skip_test("there is no OpenBLAS");
    run("", "", "own");
    shell_good("\"$CNNC\" model.net -o model.c --gemm=openblas && $CC -std=c11 -O1 model.c run.c -o run -lopenblas -lm && "
               "./run > blas");
    expect_near("own", "blas", 1e-5);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

Test(contract, definitions)
{
    shell_good("\"$CNNC\" model.net -o model.c -D hidden=3 && grep -q 'float a_kernel\\[45\\]\\[3\\]' model.h");
    shell_refused("hiden", "\"$CNNC\" model.net -o new.c -D hiden=3");
    shell_refused("three", "\"$CNNC\" model.net -o new.c -D hidden=three");
    shell_refused("-D", "\"$CNNC\" model.net -o new.c -D hidden");
    shell_refused("model.net:7", "\"$CNNC\" model.net -o new.c -D hidden=2.5");
    cr_expect(shell("ls new.c new.h")->status != 0);
}

Test(contract, inference_only)
{
    shell_good("\"$CNNC\" model.net -o model.c --emit=inference");
    cr_expect(shell("grep -E 'train_step|m_gradients|m_loss' model.c model.h")->status == 1);
    shell_good("\"$CNNC\" model.net -o model.c && grep -q 'm_train_step' model.h && grep -q 'm_gradients' model.h");
}

/* One text, the header in it: nothing else is needed. */
Test(contract, standard_streams)
{
    shell_good("cat model.net | \"$CNNC\" - -o - > all.c && ! grep -q '#include \"' all.c");
    shell_good("$CC -std=c11 -O1 " WARNINGS " -c all.c -o all.o");
    shell_good("mkdir empty && cd empty && \"$CNNC\" ../model.net -o - > /dev/null && test -z \"$(ls)\"");
    const Shell *ended = shell("printf 'input(3)\\ndense(\\n' | \"$CNNC\" - -o -");
    cr_expect(ended->status == 1 && *ended->out == '\0' && strstr(ended->err, "standard input:"), "%s", ended->err);
}

Test(contract, dependencies)
{
    shell_good("mkdir out && \"$CNNC\" model.net -o out/model.c -MD");
    shell_file("Makefile", "all: out/model.c\nout/model.c:\n\techo again\n-include out/model.d\n");
    cr_expect_str_eq(shell("make -s")->out, "", "what was just made is not up to date");
    cr_expect_str_eq(shell("touch -d '2000-01-01' out/model.c && make -s")->out, "again\n");
    cr_expect_str_eq(shell("cat out/model.d")->out, "out/model.c out/model.h: model.net\n");
    shell_file("trained.net", "input(2)\ndense(1)\ncompile(sgd, mse)\n");
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" trained.net -o out/trainer -MD");
    cr_expect_str_eq(shell("cat out/trainer.d")->out, "out/trainer: trained.net\n");
    shell_good("cp model.net 'a $b #c.net' && mkdir 'o $ut' && \"$CNNC\" 'a $b #c.net' -o 'o $ut/#.c' -MD");
    shell_file("Makefile", "all: o\\ $$ut/\\#.c\no\\ $$ut/\\#.c:\n\techo again\n-include o\\ $$ut/\\#.d\n");
    cr_expect_str_eq(shell("make -s")->out, "", "%s", "names with spaces and the like");
    cr_expect_str_eq(shell("touch -d '2000-01-01' o*/*.c && make -s")->out, "again\n");
}

Test(contract, same_input_same_bytes)
{
    shell_good("\"$CNNC\" model.net -o model.c && mkdir -p a/deep b && cp model.net a/deep");
    shell_good("cd b && TZ=Asia/Tokyo LC_ALL=de_DE.UTF-8 LANG=tr_TR.UTF-8 HOME=/nowhere OMP_NUM_THREADS=1 "
               "\"$CNNC\" ../a/deep/model.net -o \"$PWD/model.c\"");
    shell_good("cmp model.c b/model.c && cmp model.h b/model.h");
    shell_good("env -i \"$CNNC\" a/deep/../deep/model.net -o model.c && cmp model.c b/model.c");
    cr_expect(shell("grep -n \"$PWD\\|$(hostname)\\|$(date +%%Y)\" model.c model.h")->status == 1);
    /* What changes the output stands in the banner. */
    shell_good("\"$CNNC\" model.net -o model.c -D hidden=3 --batch=9 --target=generic --threads=2 && "
               "head -n 1 model.c | grep -q -e '-D hidden=3 --batch=9 --target=generic --threads=2'");
}

Test(contract, failures_leave_what_was_there)
{
    shell_good("\"$CNNC\" model.net -o model.c && cp model.c old.c && cp model.h old.h");
    shell_file("bad.net", "model m\ninput(3)\ndense(4)\nconv2d(3, 3x3)\n");
    shell_refused("bad.net:4:1: error", "\"$CNNC\" bad.net -o model.c");
    shell_refused("none.safetensors", "\"$CNNC\" model.net -o model.c --emit=inference --weights=none.safetensors");
    shell_refused("", "mkdir tmp && TMPDIR=$PWD/tmp CC=false \"$CNNC\" model.net -o trainer");
    shell_good("rmdir tmp"); /* it is empty */
    shell_refused("no_such_compiler", "CC=no_such_compiler \"$CNNC\" model.net -o trainer");
    shell_refused("nowhere", "\"$CNNC\" model.net -o nowhere/model.c");
    shell_refused("model.xyz", "\"$CNNC\" model.net -o model.xyz");
    shell_good("cmp model.c old.c && cmp model.h old.h");
    cr_expect_str_eq(shell("ls")->out, "bad.net\nmodel.c\nmodel.h\nmodel.net\nold.c\nold.h\nrun.c\n");
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

static const char *const names[] = {
    "int",      "main",    "exp",       "memcpy",         "level",   "packed_",
    "x",        "n",       "first",     "last",           "f32x8",   "Step",
    "w",        "arena",   "step",      "count",          "task",    "total",
    "y",        "NULL",    "bool",      "errno",          "size_t",  "class",
    "template", "this",    "static",    "run_batch",      "load",    "store",
    "pack",     "unpack",  "d_x",       "d_d_x",          "x_out",   "m",
    "kernel",   "bias",    "weights",   "output",         "_",       "__x86_64__",
    "a_b",      "a",       "A",         "lstm_recurrent", "trained", "EOF",
    "slots",    "targets", "gradients", "sample_weights", "loss",
};
enum { NAMES = sizeof names / sizeof *names };

Test(contract, layers_named_like_c)
{
    FILE *file = fopen("model.net", "w");
    cr_assert(file);
    fprintf(file, "model m\ninput(4)\n");
    for (int i = 0; i < NAMES; i++) fprintf(file, "%s = dense(%d, activation=relu)\n", names[i], 3 + i % 3);
    fprintf(file,
            "outputs(d_x, output, bias, x_out, trained)\ncompile(optimizer=sgd(momentum=0.9), loss=mean_squared_error)\n");
    fclose(file);
    shell_good("\"$CNNC\" model.net -o model.c --target=x86-64-v3 && $CC -std=c11 -O1 " WARNINGS " -c model.c");
    shell_good("\"$CNNC\" model.net -o model.c --emit=inference --target=generic && "
               "$CXX -x c++ -std=c++17 -fsyntax-only -Wall -Wextra -Werror model.c");
    shell_good("\"$CNNC\" model.net -o model_trainer.c --emit=trainer --target=generic && \"$CNNC\" model.net -o model.c --target=generic && "
               "$CC -std=c11 -fsyntax-only -I\"$BUILD/include\" " WARNINGS " model_trainer.c");
}

Test(contract, models_named_like_c)
{
    shell_good("sed '/^model/d' model.net > body");
    for (int i = 0; i < NAMES; i++) {
        shell_good("echo 'model %s' | cat - body > named.net && \"$CNNC\" named.net -o named.c --target=generic && "
                   "$CC -std=c11 -fsyntax-only -Wall -Wextra -Werror named.c && "
                   "$CXX -x c++ -std=c++17 -fsyntax-only named.h",
                   names[i]);
    }
}

/* ---- forms of graphs ------------------------------------------------------------------------------------------ */

/* Each is compiled with every warning, and unrolled as C++. */
Test(contract, forms)
{
    static const struct {
        const char *what, *text;
    } forms[] = {
        {"no weights", "input(4, 4, 1)\nmax_pooling2d(2x2)\nflatten()\n"},
        {"nothing but another shape", "input(4, 4, 1)\nflatten()\n"},
        {"nothing in inference", "input(4)\ndropout(0.5)\n"},
        {"an input as an output", "i = input(4)\na = dense(3)\noutputs(i, a)\n"},
        {"outputs that are used inside",
         "input(4)\na = dense(3, activation=relu)\nb = dense(3, activation=tanh)\nc = dense(2)\noutputs(c, a, b)\n"},
        {"views as outputs",
         "input(4, 4, 2)\na = conv2d(3, 3x3, activation=relu)\nb = flatten()\nc = dense(2)\noutputs(a, b, c)\n"},
        {"names that differ in case only",
         "A = input(4)\na = input(3)\nconcatenate()(A, a)\nB = dense(2)\nb = dense(2)\noutputs(B, b)\n"},
        {"an input that nothing reads", "p = input(4)\nq = input(3)\ndense(2)(p)\n"},
        {"a layer that nothing reads", "p = input(4)\ndense(7)(p)\ny = dense(2)(p)\noutputs(y)\n"},
        {"a tensor read twice by one layer",
         "input(4)\nz = dense(4, activation=relu)\ny = add()(z, z)\nconcatenate()(y, y, z)\n"},
        {"identifiers that would collide",
         "block a(n) { b = dense(n)(input)\n b_kernel = dense(n)\n c = dense(2) }\n"
         "input(4)\na_b = dense(3)\na(3)\na_b_kernel = dense(4)\na_1_b = dense(5)\na(3)\nd_a_b = dense(3)\n"},
        {"outputs whose identifiers would collide",
         "block k() { dense(3) }\ninput(4)\np = k()\np_dense = dense(3)\noutputs(p, p_dense)\n"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        shell_file("body", forms[i].text);
        shell_good("{ echo 'model m'; cat body; echo 'compile(optimizer=adam, loss=mean_squared_error)'; } > f.net && "
                   "echo '%s' && \"$CNNC\" f.net -o f.c --target=x86-64-v3 && $CC -std=c11 -O1 " WARNINGS " -c f.c",
                   forms[i].what);
        shell_good("echo '%s' && \"$CNNC\" f.net -o f.c --emit=inference --unroll=full --target=generic && "
                   "$CXX -x c++ -std=c++17 -O1 -Wall -Wextra -Werror -c f.c -o f.o",
                   forms[i].what);
    }
    shell_file("f.net", "input(4)\n");
    shell_refused("f.net", "\"$CNNC\" f.net -o g.c");
    shell_file("f.net", "input(4)\na = dense(3)\noutputs(a, a)\n");
    shell_refused("f.net:3:12", "\"$CNNC\" f.net -o g.c");
}

/* ---- size ----------------------------------------------------------------------------------------------------- */

/* Networks as large as they may be, or of one odd form: nothing in the compiler may take quadratic time. */
Test(contract, large_networks)
{
    static const char *const bodies[] = {
        "input(8)\nrepeat 99990 { dense(8) }\n",
        "input(8)\nrepeat 99990 { flatten() }\n",
        "input(4, 4, 1)\nrepeat 30000 { conv2d(1, 1x1, activation=relu)\nmax_pooling2d(1x1) }\nflatten()\n",
        "input(8)\nfirst = dense(8)\nrepeat 50000 { dense(8) }\nlast = dense(8)\nadd()(first, last)\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        shell_file("body", bodies[i]);
        shell_good("{ echo 'model m'; cat body; echo 'compile(optimizer=adam, loss=mean_squared_error)'; } > large.net && "
                   "ulimit -t 60 && \"$CNNC\" large.net --dump=plan > plan && test $(wc -l < plan) -gt 10");
    }
    shell_file("large.net", "model m\ninput(8)\nrepeat 20000 { dense(8) }\n");
    shell_good("ulimit -t 60 && \"$CNNC\" large.net -o large.c --target=generic && grep -q dense_19999_forward_base large.c");
    /* A layer that reads, and networks that give, thousands of tensors. */
    shell_good("{ echo 'model m'; seq 2000 | sed 's/.*/i& = input(2)/'; echo 'concatenate()('; seq 2000 | sed 's/.*/i&,/'; "
               "echo ')'; } > large.net && ulimit -t 60 && \"$CNNC\" large.net -o large.c --target=generic");
    shell_good("{ echo 'model m'; echo 'input(2)'; seq 2000 | sed 's/.*/o& = dense(2)/'; echo 'outputs('; seq 2000 | "
               "sed 's/.*/o&,/'; echo ')'; } > large.net && ulimit -t 60 && \"$CNNC\" large.net -o large.c --target=generic");
}

/* gcc's optimiser warns of what it believes to see after inlining: not in these functions. */
Test(contract, warnings_of_the_optimiser)
{
    shell_file("f.net",
               "model m\ninput(12, 12, 3)\nconv2d(16, 3x3, padding=same, activation=relu)\nconv2d(20, 3x3)\n"
               "average_pooling2d(2x2)\nflatten()\ndense(33, activation=relu)\ndense(5, activation=softmax)\n"
               "compile(optimizer=adam, loss=categorical_crossentropy)\nfit(batch_size=8)\n");
    shell_good("\"$CNNC\" f.net -o f.c --emit=inference && $CC -std=c11 -O2 " WARNINGS " -c f.c && $CC -std=gnu11 -O3 " WARNINGS
               " -c f.c");
}

/* Whoever embeds a network with -pedantic sees nothing: of the header in any dialect, of the code as C11 and C++17, weights and all. */
Test(contract, pedantic)
{
    static const char *const headers[] = {"$CC -std=c99", "$CC -std=c11", "clang -std=c99", "$CXX -x c++ -std=c++11", "clang++ -x c++ -std=c++11"};
    static const char *const codes[] = {"$CC -std=c11", "clang -std=c11", "$CXX -x c++ -std=c++17", "clang++ -x c++ -std=c++17"};
    static const char *const files[] = {"model.c", "object.c", "object_weights.c", "blob.c", "single.c"};
    shell_good("cp \"$ROOT\"/examples/lenet5/lenet5.net \"$ROOT\"/examples/lenet5/lenet5.safetensors . && emit='--emit=inference --weights=lenet5.safetensors' && "
               "\"$CNNC\" lenet5.net -o model.c $emit && \"$CNNC\" lenet5.net -o object.c $emit --weights-as=object && \"$CNNC\" lenet5.net -o blob.c $emit --weights-as=blob && "
               "\"$CNNC\" lenet5.net -o single.c $emit --target=generic --pauses && echo '#include \"model.h\"' > header.c");
    bool clang = shell_has("clang") && shell_has("clang++");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (clang || !strstr(headers[i], "clang")) shell_good("said=$(%s -pedantic -Wall -Wextra -Wcast-qual -Werror -fsyntax-only header.c 2>&1) && [ -z \"$said\" ] || { echo \"$said\"; exit 1; }", headers[i]);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        for (size_t k = 0; k < sizeof files / sizeof *files && (clang || !strstr(codes[i], "clang")); k++)
            shell_good("said=$(%s -pedantic " WARNINGS " -fsyntax-only %s 2>&1) && [ -z \"$said\" ] || { echo \"$said\"; exit 1; }", codes[i], files[k]);
    shell_good("\"$CNNC\" --selftest lenet5.net -o self.c && $CC -std=c11 -pedantic " WARNINGS " -fsyntax-only self.c");
    if (!clang) cr_skip_test("clang is not installed");
}
