/* Runs a program and lets its n-th system call of a kind fail: what no disk full or broken is at hand for.
 *
 * The program is traced (ptrace), so that it is the one its users run, C library and all. Writes to the standard streams are left
 * alone, and so are calls before main has begun to make files. */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>

typedef enum { CALL_NONE, CALL_OPEN, CALL_CHMOD, CALL_WRITE, CALL_SYNC, CALL_CLOSE, CALL_RENAME, CALL_FOLDER, CALLS } Call;
typedef enum {
    INJECT_ERROR,       /* the call fails */
    INJECT_SHORT,       /* it writes half, and those behind it go on: nothing must be amiss */
    INJECT_SHORT_ERROR, /* it writes half, and those behind it fail: how a disk fills up */
    INJECT_KILL,        /* the process is killed before the call */
    INJECT_KILL_WITHIN, /* when it has written half */
    INJECT_KILL_BEHIND, /* when it has been made */
} Injury;

typedef struct {
    Call call;
    Injury injury;
    int error; /* errno */
    int place; /* the n-th, from 1 */
} Fault;

typedef struct {
    int status;  /* exit status, or 128 and the signal */
    bool struck; /* there were as many calls */
    char out[4096], err[4096];
} Injected;

extern const char *const call_names[CALLS];

bool faults_whole(void);    /* is the whole of it wanted, as make test-faults does (FAULTS=whole), or what takes seconds? */
bool inject_possible(void); /* on this machine: see inject.c */
/* arguments[0] is the program's path; NULL ends them. Valid until the next call. */
const Injected *inject(const Fault *, const char *const *arguments);

#endif
