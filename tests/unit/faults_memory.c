/* Memory that runs out: each allocation of cnnc and of a trainer fails once, alone and with all behind it. The program says so and
 * ends with status 1, or can do without and gives what it gives else; it never crashes, and a trainer frees all it has.
 *
 * FAULTS=whole (make test-faults) does it for every allocation of every command, else for each 25th of some. */
#include "inject.h"
#include "files.h"
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CALLS = 100000, STRIDE = 25 };

typedef struct {
    const char *program, *arguments;
    bool quick;
    bool timed; /* there are times in what it prints, of which nothing is expected */
} Case;

static const Case cases[] = {
    {"cnnc", "small.net -o out/m.c -MD", true, false},
    {"cnnc", "small.net --emit=inference --weights=weights -o out/m.c", false, false},
    {"cnnc", "small.net --emit=inference --weights=weights --weights-as=blob -o out/m.c", true, false},
    {"cnnc", "small.net --plan=small.plan -o out/m.c", false, false},
    {"cnnc", "tiny.net --tune -o out/tiny.plan", true, false},
    {"cnnc", "small.net -o out/m.svg", false, false},
    {"cnnc", "small.net -o out/trainer", false, false},
    {"cnnc", "small.net --emit=trainer -o out/m_trainer.c", true, false},
    {"cnnc", "small.net --summary", false, false},
    {"cnnc", "small.net --dump=plan", false, false},
    {"cnnc", "blocks.net -o out/m.c", false, false},
    {"cnnc", "blocks.net --summary=kernels", false, false},
    {"cnnc", "wrong.net -o out/m.c", false, false},
    {"cnnc", "--help conv2d", false, false},
    {"cnnc", "--manual", false, false},
    {"small", "fit --x x.npy --y y.npy --threads 1 --verbose 2 --epochs 1 --validation-split 0.2 --output out/w --checkpoint out/c --history out/h.csv "
              "--callbacks '[early_stopping(val_loss,patience=1,restore_best_weights=true),model_checkpoint(out/m),reduce_lr_on_plateau(loss),terminate_on_nan()]'", true, true},
    {"small", "fit --x x.npy --y y.npy --threads 1 --verbose 2 --epochs 3 --resume checkpoint --class-weight '{0: 2}' --callbacks none", false, true},
    {"small", "evaluate --x x.npy --y y.npy --threads 1 --weights weights", true, true},
    {"small", "predict --threads 1 --weights weights x.npy -o out/p.npy", true, false},
    {"small", "predict --threads 1 --weights checkpoint --show digit.png digit.png", false, false},
    {"small", "gradients --threads 1 --weights weights x8.npy y8.npy -o out/g", false, false},
    {"small", "report --threads 1 --weights weights --history h.csv --x x.npy --y y.npy -o out/r.html", true, false},
    {"small", "fit --help", false, false},
};

static void write_array(const char *path, ArrayType type, int rank, const int64_t *shape, bool picture)
{
    Failure failure;
    Array array;
    cr_assert(array_new(&array, type, rank, shape, &failure), "%s", failure.text);
    for (int64_t i = 0; i < array_count(&array); i++) {
        if (type == ARRAY_FLOAT32) ((float *)array.data)[i] = (float)(i * 37 % 101) / 101;
        else ((uint8_t *)array.data)[i] = (uint8_t)(i % 3);
    }
    cr_assert((picture ? png_write : npy_write)(path, &array, &failure), "%s", failure.text);
    array_free(&array);
}

static void begin(void)
{
    char path[PATH_MAX];
    shell_enter();
    shell_file("small.net",
               "model small\ninput(8, 8, 1)\nconv2d(2, 3x3, activation=relu)\nbatch_normalization()\nflatten()\ndropout(0.2)\ndense(3, activation=softmax)\n"
               "compile(optimizer=adam(), loss=categorical_crossentropy, metrics=[accuracy])\nfit(batch_size=8)\n");
    shell_file("blocks.net",
               "model blocks\nlet n = 2 + 3 * 4 - 1\ninput(6, n)\nblock twice(units) {\n    a = lstm(units, return_sequences=true)(input)\n    add()(a, a)\n}\n"
               "repeat 2 {\n    twice(4)\n}\nbidirectional(gru(3))\ndense(2)\ncompile(optimizer=sgd(), loss=mean_squared_error)\n");
    shell_file("tiny.net", "model tiny\ninput(9)\ndense(7)\n"); /* its plan takes few measurements */
    shell_file("wrong.net", "model wrong\ninput(4)\ndense(units, kernel=3\nconv2d(3)\n");
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" --target=generic small.net -o small && ln -s \"$CNNC\" cnnc && mkdir out tmp");
    write_array("x.npy", ARRAY_FLOAT32, 3, (const int64_t[]){40, 8, 8}, false);
    write_array("y.npy", ARRAY_UINT8, 1, (const int64_t[]){40}, false);
    write_array("x8.npy", ARRAY_FLOAT32, 3, (const int64_t[]){8, 8, 8}, false);
    write_array("y8.npy", ARRAY_UINT8, 1, (const int64_t[]){8}, false);
    write_array("digit.png", ARRAY_UINT8, 3, (const int64_t[]){8, 8, 1}, true);
    shell_good("./small fit --x x.npy --y y.npy --verbose 0 --epochs 2 --output weights --checkpoint checkpoint --history h.csv");
    shell_file("cc", "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo '#!/bin/sh' > \"$2\" && echo 'echo 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1' >> \"$2\" && chmod +x \"$2\"; shift; done\n");
    shell_good("chmod +x cc");
    setenv("CC", "./cc", 1);
    shell_good("./cnnc --tune small.net");
    setenv("TMPDIR", "tmp", 1);
    setenv("GOMP_SPINCOUNT", "0", 1);
    cr_assert(realpath(getenv("BUILD"), path));
    setenv("ALLOCATIONS", strcat(path, "/allocations.so"), 1);
}

TestSuite(faults_memory, .init = begin, .fini = shell_leave, .timeout = 3600 * PATIENCE);

typedef struct {
    int status, struck, left;
    char where[128];
} Ended;

/* Runs the command with its place-th allocation failing, or none for 0. */
static const Shell *run(const Case *c, int place, bool all, Ended *ended)
{
    const Shell *done = shell("rm -rf note out/* tmp/*; CNNC_FAIL_PROGRAM=%s CNNC_FAIL_AT=%d %s CNNC_FAIL_NOTE=note LD_PRELOAD=$ALLOCATIONS exec ./%s %s", c->program, place, all ? "CNNC_FAIL_ALL=1" : "", c->program, c->arguments);
    FILE *note = fopen("note", "r");
    long calls;
    *ended = (Ended){.status = done->status, .struck = -1};
    if (note && fscanf(note, "%ld %d %d %127s", &calls, &ended->struck, &ended->left, ended->where) < 3) ended->struck = -1;
    if (note) fclose(note);
    return done;
}

/* What it printed, the files that are there, and their sums; the report, which holds times, counts by its name. The caller frees it. */
static char *outcome(const Case *c, const Shell *done)
{
    char *printed = strdup(c->timed ? "" : done->out);
    const Shell *files = shell("ls -A out tmp; cksum out/*[!l] 2>/dev/null");
    char *text = malloc(strlen(printed) + strlen(files->out) + 1);
    cr_assert(printed && text);
    strcat(strcpy(text, printed), files->out);
    free(printed);
    return text;
}

static int fail_everywhere(const Case *c)
{
    int failed = 0, stride = faults_whole() ? 1 : STRIDE;
    Ended ended;
    char *right = outcome(c, run(c, 0, false, &ended));
    bool trainer = strcmp(c->program, "cnnc") != 0;
    int status = ended.status;
    cr_assert_eq(ended.struck, 0, "%s %s: ends with status %d without a note", c->program, c->arguments, status);
    cr_expect_eq(ended.left, 0, "%s %s: %d pieces are not freed, one of %s", c->program, c->arguments, ended.left, ended.where);
    for (int all = 0; all <= (int)faults_whole(); all++) {
        for (int place = 1; place < MOST_CALLS; place += stride) {
            const Shell *done = run(c, place, all, &ended);
            char what[512];
            snprintf(what, sizeof what, "%s %.300s: allocation %d%s", c->program, c->arguments, place, all ? " and all behind it" : "");
            cr_assert(ended.struck >= 0, "%s: crashes with status %d: %s", what, ended.status, done->err);
            if (!ended.struck) break;
            failed++;
            if (ended.status != 0 && ended.status != status) cr_expect_eq(ended.status, 1, "%s: status %d", what, ended.status);
            if (ended.status != 0) cr_expect((strstr(done->err, "memory") || strstr(done->err, "allocat") || status) && !strstr(done->err, "fault of the compiler"), "%s: not said: %s", what, done->err);
            bool threads = strstr(done->err, "libgomp: ") != NULL; /* that library ends the program by itself */
            cr_expect(!trainer || threads || ended.left == 0, "%s: %d pieces are not freed, one of %s", what, ended.left, ended.where);
            char *got = outcome(c, done);
            cr_expect(ended.status != 0 || !strcmp(got, right), "%s: passes, with another result", what);
            cr_expect(ended.status == 0 || (!strstr(got, ".tmp") && !strstr(got, "cnnc-")), "%s: leaves a temporary file: %s", what, got);
            free(got);
        }
    }
    free(right);
    return failed;
}

static void try_cases(bool trainer, int least)
{
    const char *flags = getenv("EMITTED_CFLAGS");
    if (flags && strstr(flags, "sanitize")) cr_skip_test("the sanitizers have an allocator of their own");
    int failed = 0, commands = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if ((strcmp(cases[i].program, "cnnc") != 0) != trainer || (!cases[i].quick && !faults_whole())) continue;
        int here = fail_everywhere(&cases[i]);
        if (faults_whole()) fprintf(stderr, "faults_memory: %s %.60s: %d allocations failed\n", cases[i].program, cases[i].arguments, here);
        failed += here;
        commands++;
    }
    fprintf(stderr, "faults_memory: %d allocations failed in %d commands of %s\n", failed, commands, trainer ? "a trainer" : "cnnc");
    cr_expect_geq(failed, least);
}

Test(faults_memory, of_cnnc)
{
    try_cases(false, faults_whole() ? 2000 : 15);
}

Test(faults_memory, of_a_trainer)
{
    try_cases(true, faults_whole() ? 2000 : 60);
}

/* What the system would promise and does not have is refused with its size, before a byte of it is touched. */
Test(faults_memory, of_a_machine_too_small)
{
    char net[1024] = "model vast\ninput(30000)\n";
    for (int i = 0; i < 40; i++) strcat(net, "dense(30000)\n"); /* 144 GB of weights */
    shell_file("vast.net", strcat(net, "dense(3, activation=softmax)\ncompile(optimizer=adam(), loss=categorical_crossentropy)\nfit(batch_size=2)\n"));
    unsetenv("CC");
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" vast.net -o vast");
    write_array("wide.npy", ARRAY_UINT8, 2, (const int64_t[]){2, 30000}, false);
    write_array("two.npy", ARRAY_UINT8, 1, (const int64_t[]){2}, false);
    shell_refused("no memory for weights, the optimiser's state and activations together: ", "./vast fit --x wide.npy --y two.npy");
    shell_refused(" MB are left on this machine", "./vast fit --x wide.npy --y two.npy");
    shell_refused("no memory for the parameters: 144", "./vast predict --weights weights wide.npy");

    /* 4 TB of samples, in a file that takes no room */
    shell_good("printf '\\223NUMPY\\001\\000\\166\\000%%-117s\\n' \"{'descr': '<f4', 'fortran_order': False, 'shape': (17179869184, 8, 8), }\" > sparse.npy && truncate -s 4398046511232 sparse.npy");
    shell_refused("no memory for float32 (17179869184, 8, 8): 4398046511104 bytes", "./small predict --weights weights sparse.npy");

    /* Where less may be had than the machine has, the size is said too. */
    shell_good("printf 'model wide\\ninput(8000)\\ndense(8000)\\ndense(3, activation=softmax)\\ncompile(optimizer=adam(), loss=categorical_crossentropy)\\nfit(batch_size=2)\\n' > wide.net");
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" wide.net -o wide");
    write_array("narrow.npy", ARRAY_UINT8, 2, (const int64_t[]){2, 8000}, false);
    const char *flags = getenv("EMITTED_CFLAGS");
    if (flags && strstr(flags, "sanitize")) return; /* they take terabytes of address space for themselves */
    shell_refused("no memory for the ", "ulimit -v 500000; OMP_NUM_THREADS=1 ./wide fit --x narrow.npy --y two.npy");
}

/* The account that is asked: the machine's, and those of the control groups of both kinds. */
Test(faults_memory, is_what_machine_and_control_groups_leave)
{
    shell_file("meminfo", "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:    2000 kB\nSwapTotal: 10 kB\nSwapFree: 500 kB\n");
    shell_file("none", "");
    shell_file("first", "5:cpu:/x\n4:memory:/a/b\n");
    shell_file("second", "0::/a/b\n");
    shell_good("mkdir -p groups/a/b groups/memory/a/b && cd groups && echo max > a/b/memory.max && echo 77 > a/b/memory.current && echo 900000 > a/memory.max && echo 400000 > a/memory.current && "
               "printf 'anon 5\\nfile 100000\\n' > a/memory.stat && echo 9223372036854771712 > memory/memory.limit_in_bytes && echo 5 > memory/memory.usage_in_bytes && "
               "echo 1000 > memory/a/b/memory.limit_in_bytes && echo 2000 > memory/a/b/memory.usage_in_bytes && echo 'total_cache 1500' > memory/a/b/memory.stat");
    cr_expect_eq(memory_left_at("meminfo", "none", "groups"), 2500 * 1024);
    cr_expect_eq(memory_left_at("meminfo", "second", "groups"), 600000);
    cr_expect_eq(memory_left_at("meminfo", "first", "groups"), 500);
    cr_expect_eq(memory_left_at("nothing", "nothing", "groups"), UINT64_MAX);
}
