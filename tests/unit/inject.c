#include "inject.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const call_names[CALLS] = {"none", "open", "chmod", "write", "sync", "close", "rename", "mkdir"};

enum { MOST_FILES = 256 };

#ifdef __x86_64__

typedef struct {
    const Fault *fault;
    pid_t child;
    Injected *result;
    bool written[MOST_FILES]; /* open to be written, by descriptor */
    int count;                /* calls of the fault's kind */
    bool creates;             /* the call under way makes such a descriptor */
    bool fails, kills;        /* what is to become of it */
} Trace;

static void set_register(const Trace *trace, size_t offset, unsigned long value)
{
    cr_assert_eq(ptrace(PTRACE_POKEUSER, trace->child, (void *)offset, (void *)value), 0, "%s", strerror(errno));
}

static bool is_written(const Trace *trace, unsigned long descriptor)
{
    return descriptor > 2 && descriptor < MOST_FILES && trace->written[descriptor];
}

/* What kind of call this is, if it is one that we count. */
static Call kind_of(const Trace *trace, const struct user_regs_struct *r)
{
    switch (r->orig_rax) {
    case SYS_open: return r->rsi & O_CREAT ? CALL_OPEN : CALL_NONE;
    case SYS_openat: return r->rdx & O_CREAT ? CALL_OPEN : CALL_NONE;
    case SYS_creat: return CALL_OPEN;
    case SYS_fchmod: return is_written(trace, r->rdi) ? CALL_CHMOD : CALL_NONE;
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64: return is_written(trace, r->rdi) ? CALL_WRITE : CALL_NONE;
    case SYS_fsync:
    case SYS_fdatasync: return CALL_SYNC;
    case SYS_close: return is_written(trace, r->rdi) ? CALL_CLOSE : CALL_NONE;
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2: return CALL_RENAME;
    case SYS_mkdir:
    case SYS_mkdirat: return CALL_FOLDER;
    default: return CALL_NONE;
    }
}

static void at_entry(Trace *trace, const struct user_regs_struct *r)
{
    const Fault *fault = trace->fault;
    Call kind = kind_of(trace, r);
    trace->creates = kind == CALL_OPEN;
    trace->fails = trace->kills = false;
    if (kind == CALL_CLOSE) trace->written[r->rdi] = false;
    if (r->orig_rax == SYS_fcntl && r->rsi == F_DUPFD_CLOEXEC && is_written(trace, r->rdi)) trace->creates = true;
    if (kind == CALL_NONE || kind != fault->call) return;
    trace->count++;
    bool now = trace->count == fault->place, later = trace->count > fault->place;
    if (now) trace->result->struck = true;
    if (now && fault->injury == INJECT_KILL) kill(trace->child, SIGKILL);
    if (now && (fault->injury == INJECT_SHORT || fault->injury == INJECT_SHORT_ERROR || fault->injury == INJECT_KILL_WITHIN) && r->orig_rax == SYS_write && r->rdx > 1)
        set_register(trace, offsetof(struct user_regs_struct, rdx), r->rdx / 2);
    trace->kills = now && (fault->injury == INJECT_KILL_WITHIN || fault->injury == INJECT_KILL_BEHIND);
    trace->fails = (now && fault->injury == INJECT_ERROR) || (later && fault->injury == INJECT_SHORT_ERROR);
    if (!trace->fails) return;
    set_register(trace, offsetof(struct user_regs_struct, orig_rax), (unsigned long)-1); /* no such call: nothing is done */
}

static void at_exit(Trace *trace, const struct user_regs_struct *r)
{
    if (trace->fails) set_register(trace, offsetof(struct user_regs_struct, rax), (unsigned long)-(long)trace->fault->error);
    if (trace->kills) kill(trace->child, SIGKILL);
    if (trace->creates && !trace->fails && (long)r->rax >= 0 && r->rax < MOST_FILES) trace->written[r->rax] = true;
}

/* Follows the child to its end; returns its wait status. */
static int follow(Trace *trace)
{
    int status, deliver = 0;
    bool inside = false;
    cr_assert_eq(waitpid(trace->child, &status, 0), trace->child);
    if (!WIFSTOPPED(status)) return status;
    ptrace(PTRACE_SETOPTIONS, trace->child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC));
    for (;;) {
        ptrace(PTRACE_SYSCALL, trace->child, NULL, (void *)(long)deliver);
        if (waitpid(trace->child, &status, 0) != trace->child) return -1;
        if (!WIFSTOPPED(status)) return status;
        deliver = 0;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            struct user_regs_struct registers;
            inside = !inside;
            if (ptrace(PTRACE_GETREGS, trace->child, NULL, &registers)) continue; /* killed */
            (inside ? at_entry : at_exit)(trace, &registers);
        } else if (WSTOPSIG(status) != SIGTRAP) {
            deliver = WSTOPSIG(status);
        }
    }
}

bool inject_possible(void)
{
    return true;
}

#else /* the names of another machine's registers are not known here */

typedef struct {
    const Fault *fault;
    pid_t child;
    Injected *result;
} Trace;

static int follow(Trace *trace)
{
    (void)trace;
    return -1;
}

bool inject_possible(void)
{
    return false;
}

#endif

bool faults_whole(void)
{
    const char *wish = getenv("FAULTS");
    return wish && !strcmp(wish, "whole");
}

static void collect(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

const Injected *inject(const Fault *fault, const char *const *arguments)
{
    static Injected result;
    result.struck = false;
    FILE *out = tmpfile(), *err = tmpfile();
    cr_assert(out && err);
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) _exit(126);
        raise(SIGSTOP);
        execv(arguments[0], (char *const *)(const void *)arguments);
        _exit(127);
    }
    Trace trace = {.fault = fault, .child = child, .result = &result};
    int status = follow(&trace);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    collect(out, result.out, sizeof result.out);
    collect(err, result.err, sizeof result.err);
    return &result;
}
