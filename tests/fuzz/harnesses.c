/* The list of the harnesses, and what they share. */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"
#include "files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HARNESS(name) extern const Harness name##_harness;
#include "harnesses.def"
#undef HARNESS

#define HARNESS(name) &name##_harness,
const Harness *const harnesses[] = {
#include "harnesses.def"
    NULL};

void fuzz_wrong(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
    abort();
}

const char *fuzz_file(int number, const uint8_t *bytes, size_t size)
{
    static struct {
        int descriptor; /* 0: not yet there */
        char path[64];
    } files[2];
    if (!files[number].descriptor) {
        files[number].descriptor = memfd_create("fuzz", MFD_CLOEXEC);
        EXPECT(files[number].descriptor > 0);
        snprintf(files[number].path, sizeof files->path, "/proc/self/fd/%d", files[number].descriptor);
    }
    EXPECT(!ftruncate(files[number].descriptor, 0));
    EXPECT(pwrite(files[number].descriptor, bytes, size, 0) == (ssize_t)size);
    return files[number].path;
}

void fuzz_refused(const Failure *failure)
{
    size_t length = strnlen(failure->text, sizeof failure->text);
    EXPECT(length && length < sizeof failure->text);
    for (size_t i = 0, bytes; i < length; i += bytes) {
        bytes = utf8_length((const uint8_t *)failure->text + i, length - i);
        EXPECT(bytes);
        EXPECT(bytes > 1 || ((uint8_t)failure->text[i] >= 0x20 && failure->text[i] != 0x7f));
    }
}

uint64_t fuzz_hash(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}
