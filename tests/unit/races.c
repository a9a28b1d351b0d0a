/* Under ThreadSanitizer: inference from eight threads at once on one struct of weights, and the trainer with its OpenMP threads.
 *
 * GNU's OpenMP is not instrumented, so that ThreadSanitizer sees none of its barriers and takes everything for a race. clang's tells it
 * through the tool Archer, which the library loads itself; the trainer, runtime and emitted code, is compiled by clang for that. Each test ends
 * with a race made on purpose, which must be found. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(races, .init = shell_enter, .fini = shell_leave, .timeout = 500 * PATIENCE);

static const char network[] = "model m\n"
                              "input(9, 8, 2)\n"
                              "conv2d(5, 3x3, activation=relu)\n"
                              "conv2d(16, 3x3, padding=same)\n"
                              "batch_normalization()\n"
                              "activation(relu)\n"
                              "max_pooling2d(2x2)\n"
                              "dropout(0.25)\n"
                              "flatten()\n"
                              "dense(4, activation=softmax)\n"
                              "compile(optimizer=adam, loss=sparse_categorical_crossentropy, metrics=[accuracy])\n"
                              "fit(batch_size=32)\n";

/* Each thread predicts with arenas of its own, or, with -DSHARED, with one for all. */
static const char program[] = "#include \"m.h\"\n"
                              "#include <pthread.h>\n"
                              "#include <stdio.h>\n"
                              "#include <stdlib.h>\n"
                              "#include <string.h>\n"
                              "enum { THREADS = 8, N = 35, TURNS = 20 };\n"
                              "static m_weights weights;\n"
                              "static float x[N * M_INPUT_SIZE], truth[N * M_OUTPUT_SIZE];\n"
                              "static int wrong[THREADS];\n"
                              "typedef struct { unsigned char bytes[M_BATCH_ARENA_BYTES + M_ARENA_BYTES] M_ALIGNED; } Arena;\n"
                              "static Arena arenas[THREADS];\n"
                              "static void *work(void *argument)\n"
                              "{\n"
                              "    const int number = (int)((int *)argument - wrong);\n"
                              "#ifdef SHARED\n"
                              "    Arena *arena = &arenas[0];\n"
                              "#else\n"
                              "    Arena *arena = &arenas[number];\n"
                              "#endif\n"
                              "    float y[N * M_OUTPUT_SIZE], one[M_OUTPUT_SIZE];\n"
                              "    for (int turn = 0; turn < TURNS; turn++) {\n"
                              "        m_predict_batch(&weights, x, y, N, arena->bytes);\n"
                              "        wrong[number] += memcmp(y, truth, sizeof y) != 0;\n"
                              "        m_predict(&weights, x + (turn + number) % N * M_INPUT_SIZE, one, arena->bytes);\n"
                              "        for (int i = 0; i < M_OUTPUT_SIZE; i++) {\n"
                              "            const float apart = one[i] - truth[(turn + number) % N * M_OUTPUT_SIZE + i];\n"
                              "            wrong[number] += !(apart < 1e-5f && apart > -1e-5f);\n"
                              "        }\n"
                              "    }\n"
                              "    return NULL;\n"
                              "}\n"
                              "int main(void)\n"
                              "{\n"
                              "    static m_parameters parameters;\n"
                              "    for (size_t i = 0; i < sizeof parameters / sizeof(float); i++) ((float *)&parameters)[i] = (float)(i * 7 % 64) / 64 - 0.4f;\n"
                              "    for (size_t i = 0; i < sizeof parameters.batch_normalization_moving_variance / sizeof(float); i++) parameters.batch_normalization_moving_variance[i] = 1;\n"
                              "    m_pack(&parameters, &weights);\n"
                              "    for (int i = 0; i < N * M_INPUT_SIZE; i++) x[i] = (float)(i * 37 % 101) / 101;\n"
                              "    m_predict_batch(&weights, x, truth, N, arenas[0].bytes);\n"
                              "    pthread_t threads[THREADS];\n"
                              "    for (int i = 0; i < THREADS; i++) if (pthread_create(&threads[i], NULL, work, &wrong[i])) return 2;\n"
                              "    int sum = 0;\n"
                              "    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL), sum += wrong[i];\n"
                              "    printf(\"%d wrong\\n\", sum);\n"
                              "    return sum != 0;\n"
                              "}\n";

/* Races that ThreadSanitizer reports end the program with status 66. */
static void expect_no_race(const char *command)
{
    const Shell *run = shell("TSAN_OPTIONS=ignore_noninstrumented_modules=1:exitcode=66 %s", command);
    cr_expect(run->status == 0 && !strstr(run->err, "ThreadSanitizer"), "%s: %d\n%s%s", command, run->status, run->out, run->err);
}

static void expect_race(const char *command)
{
    const Shell *run = shell("TSAN_OPTIONS=ignore_noninstrumented_modules=1:exitcode=66 %s", command);
    cr_expect(run->status == 66 && strstr(run->err, "data race"), "%s: %d, and no race was found that is there\n%s", command, run->status, run->out);
}

static bool has_clang_openmp(void)
{
    shell_file("empty.c", "int main(void) { return 0; }\n");
    return shell("clang -fsanitize=thread -fopenmp empty.c -o empty && ./empty && ls /usr/lib/llvm-*/lib/libarcher.so")->status == 0;
}

Test(races, inference_from_eight_threads)
{
    shell_file("m.net", network);
    shell_file("main.c", program);
    shell_good("\"$CNNC\" m.net --emit=inference -o m.c");
    shell_good("$CC -std=gnu11 -O1 -g -fsanitize=thread main.c m.c -o main -lm -pthread");
    expect_no_race("./main");
    shell_good("$CC -DSHARED -std=gnu11 -O1 -g -fsanitize=thread main.c m.c -o main -lm -pthread");
    expect_race("./main");
    if (!has_clang_openmp()) cr_skip_test("no OpenMP of clang's with Archer is installed (libomp-dev): without parallel loops it was tested");
    /* The same where each of them starts OpenMP's threads for its loops. */
    shell_good("clang -std=gnu11 -O1 -g -fsanitize=thread -fopenmp main.c m.c -o main -lm -pthread");
    expect_no_race("OMP_NUM_THREADS=2 ./main");
}

Test(races, the_trainer)
{
    if (!has_clang_openmp()) cr_skip_test("no OpenMP of clang's with Archer is installed (libomp-dev)");
    shell_file("m.net", network);
    shell_good("\"$CNNC\" m.net -o m.c && \"$CNNC\" m.net --emit=trainer -o m_trainer.c");
    shell_good("for f in \"$ROOT\"/runtime/*.c \"$ROOT\"/runtime/*/*.c; do echo $f; done > list && "
               "xargs -P 2 -n 8 clang -c -std=gnu11 -O1 -g -fsanitize=thread -fopenmp -I\"$ROOT/runtime\" -I\"$ROOT/compiler\" < list");
    shell_good("clang -std=gnu11 -O1 -g -fsanitize=thread -fopenmp -I. -I\"$ROOT/runtime\" m.c m_trainer.c *.o -o m -lcjson -lpng -lz -lm");
    /* 100 pictures as bytes and their classes, in IDX. */
    shell_good("{ printf '\\000\\000\\010\\004\\000\\000\\000\\144\\000\\000\\000\\011\\000\\000\\000\\010\\000\\000\\000\\002'; seq 99999 | tr -d '\\n' | head -c 14400; } > x && "
               "{ printf '\\000\\000\\010\\001\\000\\000\\000\\144'; for i in $(seq 25); do printf '\\000\\001\\002\\003'; done; } > y");
    expect_no_race("./m fit --x x --y y --threads 4 --epochs 2 --validation-split 0.2 --checkpoint state --output w.safetensors --history h.csv --verbose 0");
    expect_no_race("./m evaluate --x x --y y --weights w.safetensors --threads 4");
    expect_no_race("./m predict --weights w.safetensors x -o p.npy --threads 4");
    /* All tasks add to the first one's sums. */
    shell_good("sed 's/ + task \\* [0-9]\\{1,\\}/ + 0/; s/ + task \\* (/ + 0 * (/' m.c > broken.c && ! cmp -s m.c broken.c && "
               "clang -std=gnu11 -O1 -g -fsanitize=thread -fopenmp -I. -I\"$ROOT/runtime\" broken.c m_trainer.c *.o -o broken -lcjson -lpng -lz -lm");
    expect_race("./broken fit --x x --y y --threads 4 --epochs 1 --verbose 0");
}
