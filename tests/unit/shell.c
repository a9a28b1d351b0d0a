#define _GNU_SOURCE /* nftw */
#include "shell.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/cnnc-shell-XXXXXX";

static void set_path(const char *name, const char *path)
{
    char whole[PATH_MAX];
    cr_assert(realpath(path, whole), "%s is missing: the tests run from the root of the checkout, after make", path);
    setenv(name, whole, 1);
}

void shell_enter(void)
{
    const char *build = getenv("BUILD"), *compiler = getenv("CC");
    char path[PATH_MAX];
    build = build && *build ? build : "build";
    snprintf(path, sizeof path, "%s/cnnc", build);
    set_path("CNNC", path);
    set_path("BUILD", build);
    set_path("ROOT", ".");
    setenv("CC", "cc", 0);
    setenv("CXX", compiler && strstr(compiler, "clang") ? "clang++" : "g++", 0);
    setenv("OMP_WAIT_POLICY", "passive", 0); /* tests run side by side: nobody waits at the cost of the others */
    const char *emitted = getenv("EMITTED_CFLAGS");
    char quick[1024];
    snprintf(quick, sizeof quick, "-O0 %s", emitted ? emitted : "");
    setenv("QUICK", quick, 1);
    unsetenv("CFLAGS");                      /* cnnc hands it on to the C compiler */
    unsetenv("MNIST_DIR");
    unsetenv("MAKEFLAGS"); /* of the make that runs the tests: its jobs are not for those that they run */
    unsetenv("MFLAGS");
    unsetenv("MAKELEVEL");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

void shell_leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void collect(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

const Shell *shell(const char *format, ...)
{
    static Shell ended;
    static char command[1 << 16];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    cr_assert(length > 0 && (size_t)length < sizeof command);
    FILE *out = tmpfile(), *err = tmpfile();
    cr_assert(out && err);
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    collect(out, ended.out, sizeof ended.out);
    collect(err, ended.err, sizeof ended.err);
    return &ended;
}

void shell_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

bool shell_has(const char *program)
{
    return shell("command -v %s", program)->status == 0;
}
