/* Harnesses: each hands arbitrary bytes to one of the readers of cnnc or its runtime, as a user's file, and checks more than that it
 * survives. libFuzzer drives them (fuzzer.c), and the suite replays the corpus through them (tests/unit/fuzz.c). */
#ifndef FUZZ_H
#define FUZZ_H

#include "runtime.h"

#include <stdlib.h>

typedef struct {
    const char *name; /* also of its folder in corpus/ */
    bool (*run)(const uint8_t *bytes, size_t size); /* did the reader accept them? */
    size_t most; /* bytes of an input: larger ones say nothing new */
} Harness;

extern const Harness *const harnesses[]; /* ended by NULL */

/* What must hold whatever the bytes. */
#define EXPECT(condition) ((condition) ? (void)0 : fuzz_wrong(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_wrong(const char *file, int line, const char *condition);

/* The bytes as a file in memory: its path. There are two such files. */
const char *fuzz_file(int number, const uint8_t *bytes, size_t size);

/* The message of a refusal: there is one, of text that a terminal can take. */
void fuzz_refused(const Failure *);

uint64_t fuzz_hash(const void *bytes, size_t size);

#endif
