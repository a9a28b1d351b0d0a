/* kill -9 at random moments of a training that writes a checkpoint each step: whatever the moment, the run goes on from the
 * checkpoint, with another number of threads, and ends in the same bits. 200 times with FAULTS=whole (make test-faults), else 12.
 *
 * Ctrl-C: the batch under way is finished, the state saved; a second one ends at once. */
#include "inject.h"
#include "patience.h"
#include "runtime.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* All that has a state, or random numbers: moving statistics, dropout, augmentation, Adam's memories, a schedule, callbacks. */
static const char net[] = "model killed\n"
                          "input(8, 8, 1)\n"
                          "random_flip(horizontal)\n"
                          "conv2d(4, 3x3, use_bias=false)\n"
                          "batch_normalization()\n"
                          "activation(relu)\n"
                          "flatten()\n"
                          "dropout(0.3)\n"
                          "dense(3, activation=softmax)\n"
                          "compile(optimizer=adam(learning_rate=exponential_decay(0.01, 20, 0.9)), loss=categorical_crossentropy, metrics=[accuracy])\n"
                          "fit(batch_size=8, epochs=4, validation_split=0.2, callbacks=[early_stopping(val_loss, patience=3, restore_best_weights=true)])\n";

static const char train[] = "./killed fit --x x.npy --y y.npy --seed 3 --verbose 0 --checkpoint c --checkpoint-steps 1 --history h.csv --output w";

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
    shell_file("killed.net", net);
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" killed.net -o killed && mkdir right");
    write_npy("x.npy", ARRAY_FLOAT32, 3, (const int64_t[]){100, 8, 8}); /* 80 to train on: 10 steps an epoch */
    write_npy("y.npy", ARRAY_UINT8, 1, (const int64_t[]){100});
    setenv("GOMP_SPINCOUNT", "0", 1);
}

TestSuite(faults_kill, .init = begin, .fini = shell_leave, .timeout = 1800 * PATIENCE);

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Begins the command in a process of its own, with its messages in the file `messages`. */
static pid_t start(const char *format, ...) __attribute__((format(printf, 1, 2)));
static pid_t start(const char *format, ...)
{
    char command[1024];
    va_list list;
    va_start(list, format);
    int length = snprintf(command, sizeof command, "exec ");
    vsnprintf(command + length, sizeof command - (size_t)length, format, list);
    va_end(list);
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child > 0) return child;
    signal(SIGINT, SIG_DFL); /* ignored where the tests run in the background, as SIGHUP is under nohup */
    signal(SIGHUP, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static int end(pid_t child)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void sleep_seconds(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

Test(faults_kill, at_random_moments)
{
    int wanted = faults_whole() ? 200 : 12, killed = 0, early = 0, resumed = 0, twice = 0;
    uint64_t random = 12345;
    shell_good("%s --threads 1 && mv w h.csv c right/", train);
    shell_good("%s --threads 2 && cmp w right/w && rm -f w h.csv c", train);
    double began = now();
    shell_good("%s --threads 2 && rm -f w h.csv c", train);
    double whole = now() - began;
    for (int attempt = 0; killed < wanted && attempt < 10 * wanted; attempt++) {
        shell_good("rm -f w h.csv c .[cwh]*");
        int threads = attempt % 3 + 1;
        bool resume = false;
        for (int times = 0; times < 2; times++) { /* every other one is killed again after it was resumed */
            random = random * 6364136223846793005u + 1442695040888963407u;
            double moment = whole * (double)(random >> 11) / 0x1p53;
            pid_t child = start("%s --threads %d %s 2>messages", train, threads, resume ? "--resume c" : "");
            sleep_seconds(moment);
            kill(child, SIGKILL);
            int status = end(child);
            killed += status == 128 + SIGKILL;
            twice += times && status == 128 + SIGKILL;
            cr_assert(status == 128 + SIGKILL || status == 0, "status %d: %s", status, shell("cat messages")->out);
            early += !exists("c");
            resume = exists("c");
            threads = threads % 3 + 1;
            if (attempt % 2) break;
        }
        const Shell *ended = shell("%s --threads %d %s", train, threads, resume ? "--resume c" : "");
        cr_assert_eq(ended->status, 0, "kill %d: %s", killed, ended->err);
        resumed += resume;
        for (const char *const *file = (const char *const[]){"w", "h.csv", "c", NULL}; *file; file++)
            cr_expect(shell("cmp %s right/%s", *file, *file)->status == 0, "kill %d: %s differs", killed, *file);
        cr_expect_eq(shell("ls -A | grep -c tmp")->out[0], '0', "a temporary file is left: %s", shell("ls -A")->out);
    }
    fprintf(stderr, "faults_kill: %d kills in trainings of %.2f s (%d of a run resumed already, %d before the first checkpoint); %d resumed, all to the same bits\n", killed, whole, twice, early, resumed);
    cr_expect_geq(killed, wanted);
    cr_expect_geq(resumed, wanted / 4);
}

/* What stateful layers remember of the batch before is part of the state. */
Test(faults_kill, of_stateful_layers)
{
    shell_file("stateful.net", "model stateful\ninput(8, 8)\nlstm(5, stateful=true, return_sequences=true)\ngru(4, stateful=true)\ndropout(0.2)\ndense(3, activation=softmax)\n"
                               "compile(optimizer=adam(), loss=categorical_crossentropy)\nfit(batch_size=8, epochs=3, shuffle=false)\n");
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" stateful.net -o stateful 2>&1");
    static const char fit[] = "./stateful fit --x x.npy --y y.npy --verbose 0 --callbacks '[model_checkpoint(s{epoch}-{batch},save_freq=5)]' --output";
    shell_good("%s whole", fit);
    shell_good("for state in s1-5 s1-10 s2-2 s2-7; do %s w --resume $state && cmp w whole || exit 1; done", fit);
}

/* Waits until the training has written its first checkpoint. */
static void await(const char *path)
{
    for (int i = 0; i < 500 && !exists(path); i++) sleep_seconds(0.01);
    cr_assert(exists(path));
}

/* Signals that ask to end: the state is saved, and it is said how to go on; that ends in the same bits. */
Test(faults_kill, asked_to_end)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    shell_good("%s --threads 1 --epochs 12 --callbacks none && mv w h.csv c right/", train);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        shell_good("rm -f w h.csv c");
        pid_t child = start("%s --threads 1 --epochs 12 --callbacks none 2>messages", train);
        await("c");
        kill(child, signals[i]);
        int status = end(child);
        const char *said = shell("cat messages")->out;
        cr_expect_eq(status, 128 + signals[i], "status %d: %s", status, said);
        cr_expect(strstr(said, "interrupted in epoch ") && strstr(said, "the same command with --resume c goes on exactly there"), "%s", said);
        cr_expect(exists("w"));
        shell_good("%s --threads 2 --epochs 12 --callbacks none --resume c && cmp w right/w && cmp h.csv right/h.csv", train);
    }
    shell_good("rm -f w h.csv c");
    const Shell *ended = shell("(%s --threads 1 --epochs 12 --callbacks none --verbose 2; echo $? > status) | head -n 1", train);
    cr_expect(strstr(ended->err, "the same command with --resume c goes on exactly there"), "%s", ended->err);
    cr_expect_str_eq(shell("cat status")->out, "141\n");
    shell_good("%s --threads 2 --epochs 12 --callbacks none --resume c && cmp w right/w && cmp h.csv right/h.csv", train);
    fprintf(stderr, "faults_kill: ended by SIGINT, SIGTERM, SIGHUP and SIGPIPE; all went on to the same bits\n");
}

/* cnnc waits for the C compiler: Ctrl-C ends that too, and removes the folder of C files. */
Test(faults_kill, while_a_trainer_is_built)
{
    shell_file("slow", "#!/bin/sh\ntouch begun\nexec sleep 100\n");
    shell_good("chmod +x slow && mkdir tmp");
    for (int i = 0; i < 2; i++) {
        int number = i ? SIGTERM : SIGINT;
        shell_good("rm -f begun");
        double began = now();
        pid_t child = start("env CC=./slow TMPDIR=tmp \"$CNNC\" killed.net -o trainer");
        await("begun");
        kill(child, number);
        cr_expect_eq(end(child), 128 + number);
        cr_expect(now() - began < 20);
        cr_expect_str_eq(shell("ls -A tmp; ls -A | grep trainer")->out, "");
    }
}
