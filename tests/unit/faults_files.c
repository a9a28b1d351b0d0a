/* Every way in which a file is written, with every system call on that way failing once: the file that was there stays, or the new
 * one is whole; nothing is left beside it; the message says what happened; the status is not 0.
 *
 * FAULTS=whole (make test-faults) does it for all of the commands below, else it is done for those that are `quick`. */
#include "inject.h"
#include "patience.h"
#include "runtime.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_OUTPUTS_OF_ONE = 3, MOST_WORDS = 40, MOST_CALLS = 400, MOST_BYTES = 1 << 22 };

typedef struct {
    const char *name, *command; /* {cnnc}: the compiler's path */
    const char *outputs[MOST_OUTPUTS_OF_ONE];
    bool quick;   /* done in any case */
    bool several; /* versions of its files come one after the other, or differ by measured times: any whole one is good */
} Case;

static const Case cases[] = {
    {"weights, checkpoints, history", "./small fit --x x.npy --y y.npy --threads 1 --verbose 0 --epochs 2 --output out/w --checkpoint out/c --checkpoint-steps 3 --history out/h.csv", {"w", "c", "h.csv"}, true, true},
    {"model_checkpoint", "./small fit --x x.npy --y y.npy --threads 1 --verbose 0 --epochs 2 --callbacks [model_checkpoint(out/w,save_weights_only=true),model_checkpoint(out/c)]", {"w", "c"}, false, true},
    {"predictions", "./small predict --weights weights --threads 1 x.npy -o out/p.npy", {"p.npy"}, false, false},
    {"gradients", "./small gradients --weights weights --threads 1 x8.npy y8.npy -o out/g", {"g"}, false, false},
    {"the report", "./small report --weights weights --threads 1 --history h.csv --x x.npy --y y.npy -o out/r.html", {"r.html"}, false, true},
    {"C, header, rule for make", "{cnnc} small.net -o out/m.c -MD", {"m.c", "m.h", "m.d"}, true, false},
    {"baked weights", "{cnnc} small.net --emit=inference --weights=weights -o out/m.c", {"m.c", "m.h"}, false, false},
    {"weights in a blob", "{cnnc} small.net --emit=inference --weights=weights --weights-as=blob -o out/m.c", {"m.c", "m.h", "m_weights.bin"}, true, false},
    {"weights in an object", "{cnnc} small.net --emit=inference --weights=weights --weights-as=object -o out/m.c", {"m.c", "m.h", "m_weights.c"}, false, false},
    {"a plan", "{cnnc} tiny.net --tune -o out/tiny.plan", {"tiny.plan"}, true, false},
    {"a drawing", "{cnnc} small.net -o out/m.svg", {"m.svg"}, false, false},
    {"a trainer", "{cnnc} small.net -o out/trainer", {"trainer"}, true, false},
};

static void write_npy(const char *path, ArrayType type, int rank, const int64_t *shape)
{
    Failure failure;
    Array array;
    cr_assert(array_new(&array, type, rank, shape, &failure), "%s", failure.text);
    for (int64_t i = 0; i < array_count(&array); i++) {
        if (type == ARRAY_FLOAT32) ((float *)array.data)[i] = (float)(i * 37 % 101) / 101;
        else ((uint8_t *)array.data)[i] = (uint8_t)(i % 3);
    }
    cr_assert(npy_write(path, &array, &failure), "%s", failure.text);
    array_free(&array);
}

static void begin(void)
{
    shell_enter();
    shell_file("small.net",
               "model small\ninput(8, 8, 1)\nconv2d(2, 3x3, activation=relu)\nflatten()\ndropout(0.2)\ndense(3, activation=softmax)\n"
               "compile(optimizer=sgd(momentum=0.9), loss=categorical_crossentropy, metrics=[accuracy])\nfit(batch_size=8)\n");
    shell_file("tiny.net", "model tiny\ninput(9)\ndense(7)\n"); /* its plan takes few measurements */
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" --target=generic small.net -o small && mkdir out tmp");
    write_npy("x.npy", ARRAY_FLOAT32, 3, (const int64_t[]){40, 8, 8});
    write_npy("y.npy", ARRAY_UINT8, 1, (const int64_t[]){40});
    write_npy("x8.npy", ARRAY_FLOAT32, 3, (const int64_t[]){8, 8, 8});
    write_npy("y8.npy", ARRAY_UINT8, 1, (const int64_t[]){8});
    shell_good("./small fit --x x.npy --y y.npy --verbose 0 --epochs 1 --output weights --history h.csv");
    /* A C compiler that is done at once: it is not the one that is tested. What it makes says that all kernels take the same time. */
    shell_file("cc", "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo '#!/bin/sh' > \"$2\" && echo 'echo 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1' >> \"$2\" && chmod +x \"$2\"; shift; done\n");
    shell_good("chmod +x cc");
    char path[4096];
    cr_assert(getcwd(path, sizeof path - 8));
    setenv("CC", strcat(path, "/cc"), 1);
    setenv("TMPDIR", "tmp", 1);
    setenv("GOMP_SPINCOUNT", "0", 1); /* trainers need not start themselves anew */
}

TestSuite(faults_files, .init = begin, .fini = shell_leave, .timeout = 1800 * PATIENCE);

/* ---- what a run left -------------------------------------------------------------------------------------- */

typedef struct {
    char *bytes;
    size_t size;
} Content;

static Content load(const char *path)
{
    Content content = {0};
    FILE *file = fopen(path, "rb");
    if (!file) return content;
    content.bytes = calloc(1, MOST_BYTES);
    cr_assert(content.bytes);
    content.size = fread(content.bytes, 1, MOST_BYTES - 1, file);
    fclose(file);
    return content;
}

static bool equal(const Content *a, const Content *b)
{
    return a->bytes && b->bytes && a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

static const char OLD[] = "what was there before\n";

static void put_old(const Case *c)
{
    for (int i = 0; i < MOST_OUTPUTS_OF_ONE && c->outputs[i]; i++) {
        char path[64];
        snprintf(path, sizeof path, "out/%s", c->outputs[i]);
        shell_file(path, OLD);
    }
}

/* A whole file, but not the one that was expected: a safetensors file that its reader accepts, the first lines of the history, or a
 * report with other times in it. */
static bool is_whole(const char *path, const Content *found, const Content *good)
{
    Failure failure;
    TensorFile file;
    if (strstr(path, ".csv")) return found->size <= good->size && found->size > 0 && found->bytes[found->size - 1] == '\n' && !memcmp(found->bytes, good->bytes, found->size);
    if (strstr(path, ".html")) return found->size > 16 && !strncmp(found->bytes, "<!DOCTYPE html>", 15) && !strcmp(found->bytes + found->size - 8, "</html>\n");
    bool whole = safetensors_read(path, &file, &failure);
    if (whole) safetensors_free(&file);
    return whole;
}

static int files_in(const char *folder)
{
    int count = -2; /* . and .. */
    DIR *directory = opendir(folder);
    cr_assert(directory);
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

/* Every output is what was there, or whole; with `done` each must be the new one. Returns how many they are. */
static int check_outputs(const Case *c, const Content *good, bool done, const char *what)
{
    char path[64];
    int outputs = 0;
    Content old = {(char *)(uintptr_t)OLD, sizeof OLD - 1};
    for (; outputs < MOST_OUTPUTS_OF_ONE && c->outputs[outputs]; outputs++) {
        snprintf(path, sizeof path, "out/%s", c->outputs[outputs]);
        Content found = load(path);
        bool fine = equal(&found, &good[outputs]) || (!done && equal(&found, &old)) || (c->several && found.bytes && is_whole(path, &found, &good[outputs]));
        cr_expect(fine, "%s: %s is %s", what, path, found.bytes ? "neither the old file nor a whole new one" : "lost");
        free(found.bytes);
    }
    return outputs;
}

/* And nothing is beside them. */
static void check_files(const Case *c, const Content *good, bool done, const char *what)
{
    int outputs = check_outputs(c, good, done, what);
    cr_expect(files_in("out") == outputs && files_in("tmp") == 0, "%s: files are left: %s", what, shell("ls -A out tmp")->out);
}

/* ---- the faults -------------------------------------------------------------------------------------------- */

static const struct { Call call; Injury injury; int error; } faults[] = {
    {CALL_OPEN, INJECT_ERROR, ENOSPC},
    {CALL_OPEN, INJECT_ERROR, EMFILE},
    {CALL_CHMOD, INJECT_ERROR, EPERM},
    {CALL_WRITE, INJECT_ERROR, ENOSPC},
    {CALL_WRITE, INJECT_ERROR, EIO},
    {CALL_WRITE, INJECT_SHORT, 0},
    {CALL_WRITE, INJECT_SHORT_ERROR, ENOSPC},
    {CALL_SYNC, INJECT_ERROR, EIO},
    {CALL_CLOSE, INJECT_ERROR, EIO},
    {CALL_RENAME, INJECT_ERROR, EIO},
    {CALL_RENAME, INJECT_ERROR, EACCES},
    {CALL_FOLDER, INJECT_ERROR, ENOSPC},
};

static int split(char *command, const char **words)
{
    int count = 0;
    for (char *word = strtok(command, " "); word; word = strtok(NULL, " ")) words[count++] = strcmp(word, "{cnnc}") ? word : getenv("CNNC");
    words[count] = NULL;
    return count;
}

/* Splits the command, runs it without a fault, and keeps what it wrote. */
static void begin_case(const Case *c, char *command, const char **words, Content *good)
{
    char path[64];
    shell_good("rm -rf out tmp && mkdir out tmp");
    split(strcpy(command, c->command), words);
    put_old(c);
    const Injected *run = inject(&(Fault){0}, words);
    cr_assert(run->status == 0, "%s: status %d without a fault: %s", c->name, run->status, run->err);
    for (int i = 0; i < MOST_OUTPUTS_OF_ONE && c->outputs[i]; i++) {
        snprintf(path, sizeof path, "out/%s", c->outputs[i]);
        good[i] = load(path);
    }
    check_files(c, good, true, c->name);
}

/* A call that fails and does no harm: the program may go on, if all is as it should be in the end. */
static bool may_go_on(Call call, Injury injury)
{
    return injury == INJECT_SHORT || injury == INJECT_SHORT_ERROR || call == CALL_CLOSE;
}

/* Returns how many faults were injected. */
static int fail_everywhere(const Case *c)
{
    char command[1024], what[256];
    const char *words[MOST_WORDS];
    Content good[MOST_OUTPUTS_OF_ONE] = {0};
    int injected = 0;
    begin_case(c, command, words, good);
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) {
        for (int place = 1; place < MOST_CALLS; place++) {
            snprintf(what, sizeof what, "%s, %s %d: %s", c->name, call_names[faults[k].call], place, faults[k].error ? strerror(faults[k].error) : "short");
            put_old(c);
            const Injected *run = inject(&(Fault){faults[k].call, faults[k].injury, faults[k].error, place}, words);
            if (!run->struck) {
                cr_expect_eq(run->status, 0, "%s: status %d where nothing failed: %s", what, run->status, run->err);
                break;
            }
            injected++;
            bool done = run->status == 0;
            cr_expect(run->status == 0 || run->status == 1, "%s: status %d", what, run->status);
            cr_expect(!done || may_go_on(faults[k].call, faults[k].injury), "%s: it goes unseen", what);
            bool says = strstr(run->err, "error: ") && (strstr(run->err, strerror(faults[k].error)) || strstr(run->err, "could not be written completely"));
            cr_expect(done || says, "%s: what happened is not said: %s", what, run->err);
            check_files(c, good, done, what);
        }
    }
    for (int i = 0; i < MOST_OUTPUTS_OF_ONE; i++) free(good[i].bytes);
    return injected;
}

/* Kills it before, within and behind every call. What that leaves beside the files does not disturb the next run, which removes it. */
static int kill_everywhere(const Case *c)
{
    static const Call calls[] = {CALL_OPEN, CALL_WRITE, CALL_SYNC, CALL_CLOSE, CALL_RENAME};
    char command[1024], what[256];
    const char *words[MOST_WORDS];
    Content good[MOST_OUTPUTS_OF_ONE] = {0};
    int killed = 0, left = 0;
    begin_case(c, command, words, good);
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        for (int place = 1; place < MOST_CALLS; place++) {
            for (Injury injury = INJECT_KILL; injury <= INJECT_KILL_BEHIND; injury++) {
                snprintf(what, sizeof what, "%s, killed at %s %d", c->name, call_names[calls[k]], place);
                put_old(c);
                const Injected *run = inject(&(Fault){calls[k], injury, 0, place}, words);
                if (!run->struck) goto next;
                cr_expect_eq(run->status, 128 + SIGKILL, "%s: status %d", what, run->status);
                left += files_in("out") > check_outputs(c, good, false, what);
                killed++;
            }
        }
    next:;
    }
    cr_expect(left > 3, "%s: no killed writer left its file: this tests nothing", c->name);
    shell_good("rm -rf tmp && mkdir tmp"); /* what it leaves in the system's own folder is the system's to remove */
    put_old(c);
    const Injected *run = inject(&(Fault){0}, words);
    cr_expect_eq(run->status, 0, "%s", run->err);
    check_files(c, good, true, c->name);
    for (int i = 0; i < MOST_OUTPUTS_OF_ONE; i++) free(good[i].bytes);
    return killed;
}

static void try_cases(int (*try)(const Case *), const char *what, int least)
{
    if (!inject_possible()) cr_skip_test("faults are injected by ptrace, with the registers of x86-64");
    int tried = 0, commands = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!cases[i].quick && !faults_whole()) continue;
        int here = try(&cases[i]);
        fprintf(stderr, "faults_files: %s: %d %s\n", cases[i].name, here, what);
        tried += here;
        commands++;
    }
    fprintf(stderr, "faults_files: %d %s in %d commands\n", tried, what, commands);
    cr_expect_geq(tried, least);
}

Test(faults_files, of_every_call)
{
    try_cases(fail_everywhere, "system calls failed", faults_whole() ? 300 : 150);
}

Test(faults_files, killed_at_every_call)
{
    try_cases(kill_everywhere, "kills", faults_whole() ? 300 : 150);
}

/* A stream that is no file of ours can be full, too. */
Test(faults_files, of_standard_output)
{
    shell_refused("standard output: cannot write", "\"$CNNC\" --tune tiny.net -o - > /dev/full");
    shell_refused("standard output: cannot write", "\"$CNNC\" tiny.net -o - > /dev/full");
    shell_good("\"$CNNC\" --tune tiny.net -o - > tiny.plan && tail -n 1 tiny.plan | grep -qx end");
}
