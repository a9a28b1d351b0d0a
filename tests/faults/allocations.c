/* A library to be loaded before others (LD_PRELOAD), in which the n-th allocation of a program fails, and all behind it where that is
 * wanted. At the end it notes how many there were, whether that one was reached, and what was not freed.
 *
 *     CNNC_FAIL_PROGRAM  the name of the program that is meant: those that it starts are left alone
 *     CNNC_FAIL_AT       n, from 1; 0: none fails
 *     CNNC_FAIL_ALL      those behind it fail too
 *     CNNC_FAIL_NOTE     the file for the notes: "calls struck left [where]"
 *
 * What libc's streams, the thread library and the dynamic linker keep until the end is no leak: they say what is theirs by the
 * library that the call comes from, and standard streams by their buffers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

enum { TABLE = 1 << 17 };

static struct {
    void *address, *caller;
} table[TABLE]; /* what is allocated, by a hash of its address */
static bool watching, all;
static long wanted, calls;
static bool struck;
static const char *note;

__attribute__((constructor)) static void begin(void)
{
    const char *program = getenv("CNNC_FAIL_PROGRAM"), *at = getenv("CNNC_FAIL_AT");
    if (!program || !at || strcmp(program_invocation_short_name, program)) return;
    wanted = atol(at);
    all = getenv("CNNC_FAIL_ALL") != NULL;
    note = getenv("CNNC_FAIL_NOTE");
    watching = true;
}

static size_t place_of(const void *address)
{
    return (size_t)((uintptr_t)address / 16 * 0x9e3779b97f4a7c15u >> 40) % TABLE;
}

static void *keep(void *address, void *caller)
{
    if (!address || !watching) return address;
    size_t place = place_of(address);
    while (table[place].address) place = (place + 1) % TABLE;
    table[place].address = address;
    table[place].caller = caller;
    return address;
}

static void forget(const void *address)
{
    if (!address || !watching) return;
    size_t place = place_of(address);
    for (; table[place].address != address; place = (place + 1) % TABLE)
        if (!table[place].address) return; /* of before we watched */
    table[place].address = NULL;
    for (size_t next = (place + 1) % TABLE; table[next].address; next = (next + 1) % TABLE) { /* close the gap */
        void *moved = table[next].address, *caller = table[next].caller;
        table[next].address = NULL;
        keep(moved, caller);
    }
}

static bool fails(void)
{
    if (!watching) return false;
    calls++;
    bool now = wanted && (calls == wanted || (all && calls > wanted));
    struck |= now;
    if (now) errno = ENOMEM;
    return now;
}

void *malloc(size_t size)
{
    return fails() ? NULL : keep(__libc_malloc(size), __builtin_return_address(0));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : keep(__libc_calloc(count, size), __builtin_return_address(0));
}

void *realloc(void *address, size_t size)
{
    if (fails()) return NULL;
    void *caller = __builtin_return_address(0);
    forget(address);
    void *moved = __libc_realloc(address, size);
    keep(moved ? moved : address, caller);
    return moved;
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : keep(__libc_memalign(alignment, size), __builtin_return_address(0));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : keep(__libc_memalign(alignment, size), __builtin_return_address(0));
}

int posix_memalign(void **address, size_t alignment, size_t size)
{
    if (fails()) return ENOMEM;
    void *memory = keep(__libc_memalign(alignment, size), __builtin_return_address(0));
    if (!memory) return ENOMEM;
    *address = memory;
    return 0;
}

void free(void *address)
{
    forget(address);
    __libc_free(address);
}

static bool is_theirs(const void *address, const void *caller, char *where, size_t size)
{
    Dl_info info;
    const char *library = dladdr(caller, &info) && info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
    if (address == stdin->_IO_buf_base || address == stdout->_IO_buf_base || address == stderr->_IO_buf_base) return true;
    if (!library) library = "/program";
    snprintf(where, size, "%s+0x%lx", library + 1, (unsigned long)((uintptr_t)caller - (uintptr_t)info.dli_fbase));
    return strstr(library, "libgomp") || strstr(library, "ld-linux") || strstr(library, "libgcc");
}

__attribute__((destructor)) static void end(void)
{
    if (!watching) return;
    watching = false;
    char text[256], where[128] = "", one[128] = "";
    int left = 0;
    for (size_t i = 0; i < TABLE; i++) {
        if (!table[i].address || is_theirs(table[i].address, table[i].caller, one, sizeof one)) continue;
        if (left++ == 0) strcpy(where, one);
    }
    int length = snprintf(text, sizeof text, "%ld %d %d %s\n", calls, struck, left, where);
    int file = note ? open(note, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0) return;
    if (write(file, text, (size_t)length) != length) _exit(99);
    close(file);
}
