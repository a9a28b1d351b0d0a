/* Embeddings from outside: what the trainer and the emitted C do with numbers that are no row of the table, and with threads.
 */
#include "drive.h"
#include "patience.h"
#include "shell.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 60, WORDS = 6, ROWS = 11 };

static void begin(void)
{
    static int64_t x[SAMPLES][WORDS], y[SAMPLES];
    shell_enter();
    for (int i = 0; i < SAMPLES; i++) {
        y[i] = i % 3;
        for (int k = 0; k < WORDS; k++) x[i][k] = k == 2 ? 3 * y[i] + i / 3 % 3 : (5 * i + 3 * k * k) % ROWS;
    }
    write_array("x.npy", ARRAY_INT64, 2, (const int64_t[]){SAMPLES, WORDS}, x);
    write_array("y.npy", ARRAY_INT64, 1, (const int64_t[]){SAMPLES}, y);
    x[7][2] = ROWS;
    write_array("high.npy", ARRAY_INT64, 2, (const int64_t[]){SAMPLES, WORDS}, x);
    x[7][2] = -1;
    write_array("low.npy", ARRAY_INT64, 2, (const int64_t[]){SAMPLES, WORDS}, x);
    static float halves[SAMPLES][WORDS] = {[3] = {[1] = 0.5F}};
    write_array("half.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, WORDS}, halves);
    x[7][2] = INT64_C(1) << 40;
    write_array("huge.npy", ARRAY_INT64, 2, (const int64_t[]){SAMPLES, WORDS}, x);
    shell_file(
        "m.net",
        "model m\ninput(6, dtype=int32)\nembedding(11, 5)\nflatten()\ndense(3, activation=softmax)\n"
        "compile(adam(learning_rate=0.05), categorical_crossentropy, metrics=[accuracy])\nfit(batch_size=8, epochs=30)\n");
}

TestSuite(embedding, .init = begin, .fini = shell_leave);

Test(embedding, learns_with_any_number_of_threads, .timeout = 120 * PATIENCE)
{
    shell_good("CFLAGS=\"$QUICK -fopenmp\" $CNNC m.net -o m");
    shell_good("for t in 1 2 5; do ./m fit --x x.npy --y y.npy --verbose 0 --threads $t -o $t.st || exit 1; done; cmp 1.st "
               "2.st && cmp 1.st 5.st");
    const Shell *run = shell("./m evaluate --x x.npy --y y.npy --weights 1.st");
    cr_expect(figure(run->out, "accuracy") > 0.9, "%s", run->out);
    shell_refused("high.npy: 11 at element 44, but input input takes whole numbers from 0 to 10",
                  "./m fit --x high.npy --y y.npy");
    shell_refused("low.npy: -1 at element 44", "./m evaluate --x low.npy --y y.npy --weights 1.st");
    shell_refused("half.npy: 0.5 at element 19", "./m predict half.npy --weights 1.st");
    shell_refused("huge.npy: 1.09951e+12 at element 44", "./m predict huge.npy --weights 1.st");
}

/* Numbers that are no row read zeros, and nothing beyond the table. */
Test(embedding, no_row_of_the_table, .timeout = 120 * PATIENCE)
{
    shell_file("n.net", "model n\ninput(4, dtype=int32)\nembedding(3, 2, embeddings_initializer=ones)\n");
    shell_file("f.net", "model f\ninput(4)\nembedding(3, 2, embeddings_initializer=ones)\n");
    shell_file("main.c",
               "#include \"n.h\"\n#include \"f.h\"\n#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
               "int main(void)\n{\n"
               "    const int32_t x[4] = {3, -1, 2147483647, 2};\n    const float z[4] = {3, -1, NAN, 2};\n"
               "    n_parameters p = {.embedding_embeddings = {{1, 1}, {1, 1}, {1, 1}}};\n"
               "    f_parameters q = {.embedding_embeddings = {{1, 1}, {1, 1}, {1, 1}}};\n"
               "    n_weights *w = aligned_alloc(64, (sizeof *w + 63) / 64 * 64);\n    f_weights *v = aligned_alloc(64, "
               "(sizeof *v + 63) / 64 * 64);\n"
               "    float y[2][8];\n    n_pack(&p, w);\n    f_pack(&q, v);\n"
               "    n_predict(w, x, y[0], NULL);\n    f_predict(v, z, y[1], NULL);\n"
               "    for (int k = 0; k < 2; k++, puts(\"\")) for (int i = 0; i < 8; i++) printf(\"%g \", (double)y[k][i]);\n"
               "    free(w);\n    free(v);\n    return 0;\n}\n");
    shell_good("$CNNC n.net -o n.c && $CNNC f.net -o f.c && $CC -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all "
               "main.c n.c f.c -lm -o main");
    const Shell *run = shell("ASAN_OPTIONS=detect_leaks=0 ./main");
    cr_expect_str_eq(run->out, "0 0 0 0 0 0 1 1 \n0 0 0 0 0 0 1 1 \n", "%s", run->err);
}

Test(embedding, of_what_a_layer_computes)
{
    shell_file("d.net", "model d\ninput(4)\ndense(3)\nembedding(3, 2)\n");
    shell_refused("embedding takes whole numbers from an input", "$CNNC d.net -o d.c");
}
