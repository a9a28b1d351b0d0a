/* Sequences frame by frame: NAME_state, NAME_reset and NAME_step give what NAME_predict gives of the whole sequence, and where they cannot
 * be, the header says why. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define WARNINGS "-Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wvla -Werror"

TestSuite(steps, .init = shell_enter, .fini = shell_leave, .timeout = 120 * PATIENCE);

/* Two sequences, whose frames come by turns, are compared with predict: model m has STEPS steps; s is the same network of SHORT steps, for
 * outputs that belong to the sequence so far. Prints the largest difference, relative to 1 or more; then whether, after a reset, the same
 * numbers come again, bit for bit. FRAMES, ARGUMENTS: where there are several inputs. */
static const char harness[] =
    "#include \"m.h\"\n"
    "#include \"s.h\"\n"
    "#include <math.h>\n"
    "#include <stdio.h>\n"
    "#include <string.h>\n"
    "enum { STEPS = 7, SHORT = 4, EACH = M_OUTPUT_SIZE / M_STEP_OUTPUT_SIZE };\n"
    "static M_ALIGNED unsigned char arena[M_ARENA_BYTES + S_ARENA_BYTES + M_STEP_ARENA_BYTES + 64];\n"
    "static m_parameters parameters;\n"
    "static s_parameters same;\n"
    "static m_weights w;\n"
    "static s_weights v;\n"
    "static m_state states[2];\n"
    "static NUMBER x[2][STEPS * EVERY];\n"
    "static float context[2][5], whole[2][M_OUTPUT_SIZE], part[2][S_OUTPUT_SIZE], given[2][2][STEPS][M_STEP_OUTPUT_SIZE];\n"
    "static unsigned drawn = 1;\n"
    "static float draw(void)\n"
    "{\n"
    "    drawn = drawn * 1664525u + 1013904223u;\n"
    "    return (float)(drawn >> 8) / 16777216.0f - 0.5f;\n"
    "}\n"
    "static double most = 0;\n"
    "static void compare(const float *a, const float *b, int count)\n"
    "{\n"
    "    for (int i = 0; i < count; i++) {\n"
    "        double error = fabs((double)a[i] - (double)b[i]) / fmax(1, fabs((double)b[i]));\n"
    "        if (!(error <= most)) most = error;\n"
    "    }\n"
    "}\n"
    "int main(void)\n"
    "{\n"
    "    for (size_t i = 0; i < sizeof parameters / sizeof(float); i++) ((float *)&parameters)[i] = draw();\n"
    "    SET;\n"
    "    memcpy(&same, &parameters, sizeof same);\n"
    "    m_pack(&parameters, &w);\n"
    "    s_pack(&same, &v);\n"
    "    for (int k = 0; k < 2; k++) {\n"
    "        for (int i = 0; i < STEPS * EVERY; i++) x[k][i] = (NUMBER)(draw() * 9);\n"
    "        for (int i = 0; i < 5; i++) context[k][i] = draw();\n"
    "        m_predict(&w, x[k] CONTEXT, whole[k], arena);\n"
    "        s_predict(&v, x[k] CONTEXT, part[k], arena);\n"
    "    }\n"
    "    for (int round = 0; round < 2; round++) {\n"
    "        for (int k = 0; k < 2; k++) m_reset(&states[k]);\n"
    "        for (int t = 0; t < STEPS; t++)\n"
    "            for (int turn = 0; turn < 2; turn++) {\n"
    "                int k = (t + turn) % 2;\n"
    "                float *y = given[round][k][t];\n"
    "                memset(arena, 0xff, sizeof arena);\n"
    "                m_step(&w, &states[k], &x[k][t * EVERY] CONTEXT, y, arena);\n"
    "                if (EACH == STEPS) compare(y, &whole[k][t * M_STEP_OUTPUT_SIZE], M_STEP_OUTPUT_SIZE);\n"
    "                else if (t == STEPS - 1) compare(y, whole[k], M_OUTPUT_SIZE);\n"
    "                else if (t == SHORT - 1) compare(y, part[k], M_OUTPUT_SIZE);\n"
    "            }\n"
    "    }\n"
    "    printf(\"%d %g %s\\n\", EACH, most, memcmp(given[0], given[1], sizeof given[0]) ? \"other\" : \"same\");\n"
    "    return 0;\n"
    "}\n";

typedef struct {
    const char *layers;
    const char *set;     /* lines of C that change parameters */
    const char *context; /* a second input, of no steps, as an argument */
    bool words;          /* the sequence is of whole numbers */
    bool sequence;       /* and so is the output */
} Case;

static void write_network(const char *file, const char *model, const Case *c)
{
    char text[2048];
    snprintf(text, sizeof text, "model %s\nlet steps = 7\nx = input(steps%s)\n%s", model, c->words ? ", dtype=int32" : ", 6", c->layers);
    shell_file(file, text);
}

static void expect_same(const Case *c, const char *options)
{
    write_network("m.net", "m", c);
    write_network("s.net", "s", c);
    shell_file("main.c", harness);
    shell_good("\"$CNNC\" m.net -o m.c %s && \"$CNNC\" s.net -D steps=4 -o s.c %s", options, options);
    shell_good("$CC -std=c11 ${EMITTED_CFLAGS--O1} " WARNINGS " '-DSET=%s' '-DCONTEXT=%s' -DNUMBER=%s -DEVERY=%d main.c m.c s.c -lm -o main",
               c->set ? c->set : "",
               c->context ? c->context : "",
               c->words ? "int32_t" : "float",
               c->words ? 1 : 6);
    const Shell *run = shell("./main");
    int each;
    double error;
    char again[16] = "";
    cr_assert(run->status == 0 && sscanf(run->out, "%d %lf %15s", &each, &error, again) == 3, "%s: %s%s", c->layers, run->out, run->err);
    cr_expect(error <= 1e-6, "%s: differs by %g", c->layers, error);
    cr_expect_str_eq(again, "same", "%s: after a reset it gives something else", c->layers);
    cr_expect(each == (c->sequence ? 7 : 1), "%s: %d outputs of a step make one of the sequence", c->layers, each);
}

static void expect_each(const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) expect_same(&cases[i], "--target=x86-64-v3");
}

Test(steps, of_one_layer)
{
    static const Case cases[] = {
        {.layers = "simple_rnn(9)\n"},
        {.layers = "simple_rnn(17, return_sequences=true)\n", .sequence = true},
        {.layers = "lstm(9)\ndense(3)\n"},
        {.layers = "lstm(19, return_sequences=true, use_bias=false)\n", .sequence = true},
        {.layers = "gru(9, return_sequences=true)\n", .sequence = true},
        {.layers = "gru(10, reset_after=false)\ndense(5, activation=softmax)\n"},
    };
    expect_each(cases, sizeof cases / sizeof *cases);
}

Test(steps, of_several_layers)
{
    static const Case cases[] = {
        {.layers = "rescaling(1/3)\ndense(7, activation=relu)\nlayer_normalization()\nlstm(9, return_sequences=true, dropout=0.3)\ndropout(0.5)\ngru(5, return_sequences=true)\nbatch_normalization()\ndense(4, activation=softmax)\n",
         .set = "for (int i = 0; i < 5; i++) parameters.batch_normalization_moving_variance[i] = 0.7f",
         .sequence = true},
        /* What stands behind the last step is computed anew at each: a decoder with a state of its own. */
        {.layers = "gru(9)\nrepeat_vector(3)\nlstm(4, return_sequences=true)\nflatten()\ndense(2)\n"},
        /* Branches that meet again, at each step and at the last. */
        {.layers = "a = lstm(6, return_sequences=true)(x)\nb = add()(a, x)\nc = concatenate()(a, b, x)\nd = simple_rnn(4)(c)\ne = gru(4)(b)\nmultiply()(d, e)\n"},
        {.layers = "time_distributed(reshape(2, 3, 1))\ntime_distributed(conv2d(5, 2x2, activation=relu))\ntime_distributed(flatten())\ntime_distributed(dense(4))\nlstm(3)\n"},
        {.layers = "embedding(4, 5)\ngru(6, return_sequences=true)\nunit_normalization()\np_re_lu(shared_axes=[1])\n", .words = true, .sequence = true},
    };
    expect_each(cases, sizeof cases / sizeof *cases);
    expect_same(&(Case){.layers = "y = input(5)\na = lstm(5)(x)\nb = dense(5)(y)\nadd()(a, b)\n", .context = ", context[k]"}, "--target=x86-64-v3");
}

/* All levels, straight-line code, several threads' worth of work, a trainer's file; C++; and two models' states of the same names. */
Test(steps, in_other_forms)
{
    const Case c = {.layers = "lstm(9, return_sequences=true)\nlstm(5)\ndense(3)\n"};
    expect_same(&c, "");
    expect_same(&c, "--unroll=full --target=generic");
    const Case large = {.layers = "gru(520, return_sequences=true)\ndense(3)\ncompile(sgd, mean_squared_error)\n", .sequence = true, .set = "for (size_t i = 0; i < sizeof parameters / sizeof(float); i++) ((float *)&parameters)[i] *= 0.1f"};
    expect_same(&large, "--target=x86-64-v3");
    if (!shell_has("\"$CXX\"")) cr_skip_test("there is no C++ compiler");
    expect_same(&c, "--target=generic");
    shell_good("$CXX -x c++ -std=c++17 -O1 " WARNINGS " -DSET= -DCONTEXT= -DNUMBER=float -DEVERY=6 main.c m.c s.c -lm -o plus");
    shell_good("./main > a && ./plus > b && cmp a b");
}

/* Sequences that follow each other without a reset are one: what stateful=true is in Keras. */
Test(steps, that_go_on)
{
    static const char *const layers[] = {"lstm(9, stateful=true)\n", "gru(9, stateful=true, return_sequences=true)\ngru(5, stateful=true)\n", "simple_rnn(9, stateful=true)\n"};
    shell_file("main.c",
               "#include \"m.h\"\n#include \"s.h\"\n#include <math.h>\n#include <stdio.h>\n#include <string.h>\n"
               "static M_ALIGNED unsigned char arena[M_ARENA_BYTES + M_STEP_ARENA_BYTES];\n"
               "static m_parameters p;\nstatic s_parameters q;\nstatic m_weights w;\nstatic s_weights v;\nstatic m_state long_one;\nstatic s_state state;\n"
               "int main(void)\n{\n"
               "    float x[7][6], y[M_OUTPUT_SIZE], z[M_OUTPUT_SIZE];\n    double most = 0, moved = 0;\n"
               "    for (size_t i = 0; i < sizeof p / sizeof(float); i++) ((float *)&p)[i] = (float)(i * 37 % 19) / 38 - 0.25f;\n"
               "    for (int i = 0; i < 42; i++) x[i / 6][i % 6] = (float)(i * 5 % 11) / 5 - 1;\n"
               "    memcpy(&q, &p, sizeof q);\n    m_pack(&p, &w);\n    s_pack(&q, &v);\n"
               "    m_predict(&w, x[0], y, arena);\n"
               "    s_reset(&state);\n    m_reset(&long_one);\n"
               "    for (int t = 0; t < 7; t++) s_step(&v, &state, x[t], z, arena);\n" /* s says that it has 4 steps */
               "    for (int i = 0; i < M_OUTPUT_SIZE; i++) most = fmax(most, fabs((double)y[i] - (double)z[i]));\n"
               "    s_predict(&v, x[3], z, arena);\n"
               "    for (int i = 0; i < M_OUTPUT_SIZE; i++) moved = fmax(moved, fabs((double)y[i] - (double)z[i]));\n"
               "    printf(\"%d %d\\n\", most <= 1e-6, moved > 1e-3);\n    return 0;\n}\n");
    for (int i = 0; i < 3; i++) {
        const Case c = {.layers = layers[i]};
        write_network("m.net", "m", &c);
        write_network("s.net", "s", &c);
        const Shell *run = shell("\"$CNNC\" m.net -o m.c --target=x86-64-v3 && \"$CNNC\" s.net -D steps=4 -o s.c --target=x86-64-v3");
        cr_assert(run->status == 0, "%s", run->err);
        cr_expect(strstr(run->err, "warning: stateful: in training each sequence goes on") && strstr(run->err, "m_step goes on from frame to frame"), "%s", run->err);
        shell_good("$CC -std=c11 ${EMITTED_CFLAGS--O1} main.c m.c s.c -lm -o main");
        cr_expect_str_eq(shell("./main")->out, "1 1\n", "%s", layers[i]);
    }
}

static void expect_none(const char *layers, const char *why)
{
    write_network("m.net", "m", &(Case){.layers = layers});
    shell_good("\"$CNNC\" m.net -o m.c");
    const Shell *run = shell("cat m.h");
    cr_expect(!strstr(run->out, "m_step("), "%s: has a step", layers);
    if (!why) cr_expect(!strstr(run->out, "m_step"), "%s: speaks of a step", layers);
    else cr_expect(strstr(run->out, "There is no m_step, for one frame of a sequence at a time: ") && strstr(run->out, why), "%s: does not say that %s", layers, why);
}

Test(steps, that_cannot_be)
{
    expect_none("lstm(4, go_backwards=true)\n", "lstm begins with the last step");
    expect_none("bidirectional(gru(4))\n", "bidirectional/backward_gru begins with the last step");
    expect_none("conv1d(4, 3)\nlstm(4)\n", "conv1d needs several steps at once");
    expect_none("a = lstm(4, return_sequences=true)\nflatten()\ndense(3)\n", "flatten needs several steps at once");
    expect_none("lstm(4, return_sequences=true)\nglobal_max_pooling1d()\n", "global_max_pooling1d needs several steps at once");
    expect_none("softmax(axis=1)\nlstm(4)\n", "softmax needs several steps at once");
    expect_none("batch_normalization(axis=1)\nlstm(4)\n", "batch_normalization/gamma has numbers for each step");
    expect_none("p_re_lu()\nlstm(4)\n", "p_re_lu/alpha has numbers for each step");
    expect_none("y = input(7, 4)\na = lstm(4, return_sequences=true)(x)\nz = dense(4)(y)\nadd()(a, z)\n", "add joins what has steps and what has none");
    expect_none("y = input(5, 6)\na = lstm(4)(x)\nb = lstm(4)(y)\nadd()(a, b)\n", "x and y have different numbers of steps");
    expect_none("dense(3)\nflatten()\ndense(2)\n", NULL);
    expect_none("conv1d(3, 2)\n", NULL);
}
