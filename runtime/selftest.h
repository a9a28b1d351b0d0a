/* What a file of cnnc --selftest does beside the network: it draws numbers, and compares what was computed of them with what the reference
 * of cnnc gave. cnnc copies what is needed into such files, and draws by the same functions itself, so that neither weights nor data have to be
 * written down.
 *
 * Nor are all results. Of many numbers sums are compared: each of so many equal shares, its numbers added with random signs.
 * A number that is wrong by d makes its sum wrong by d, while the rounding errors of n numbers add up to some sqrt(n) of one. Where there are
 * as many sums as numbers, each is compared. NaN makes a sum NaN, and `!(error <= tolerance)` is wrong. */
#ifndef CNNC_SELFTEST_H
#define CNNC_SELFTEST_H

#include "random.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number of 24 bits between middle - half and middle + half. With a middle of 0, or a half of a power of two, all but the last rounding
 * is exact, so that it is the same on every machine. */
static inline float selftest_number(uint64_t key, uint32_t index, float middle, float half)
{
    return (float)((double)middle + (double)half * ((double)((int32_t)(random_bits(key, index) >> 8) - 8388608) / 8388608));
}

/* 1 or -1. */
static inline double selftest_sign(uint64_t key, uint32_t index)
{
    return random_bits(key, index) & 1 ? 1 : -1;
}

/* Where the number-th of so many equal shares begins. */
static inline uint32_t selftest_share(uint32_t count, int shares, int number)
{
    return (uint32_t)((uint64_t)count * (uint64_t)number / (uint64_t)shares);
}

/* Draws numbers into an array. */
static inline void selftest_draw(float *to, uint32_t count, uint64_t key, float middle, float half)
{
    for (uint32_t i = 0; i < count; i++) to[i] = selftest_number(key, i, middle, half);
}

/* Whole numbers from 0 to below the limit. */
static inline void selftest_draw_whole(int32_t *to, uint32_t count, uint64_t key, uint32_t limit)
{
    for (uint32_t i = 0; i < count; i++) to[i] = (int32_t)(random_bits(key, i) % limit);
}

/* The same as floats. */
static inline void selftest_draw_whole_floats(float *to, uint32_t count, uint64_t key, uint32_t limit)
{
    for (uint32_t i = 0; i < count; i++) to[i] = (float)(random_bits(key, i) % limit);
}

/* Rows with a single one. */
static inline void selftest_draw_classes(float *to, uint32_t rows, uint64_t key, uint32_t classes)
{
    memset(to, 0, (size_t)rows * classes * sizeof *to);
    for (uint32_t i = 0; i < rows; i++) to[(size_t)i * classes + random_bits(key, i) % classes] = 1;
}

typedef struct {
    const char *part;               /* what goes on now */
    const char *first, *first_part; /* where the first difference was */
    int checks, wrong;              /* how much was compared */
} Selftest;


/* Memory aligned to 64 bytes, full of NaN, so that reading what was never written shows; a guard behind it. */
static inline void *selftest_memory(size_t bytes)
{
    unsigned char *memory = (unsigned char *)malloc(bytes + 64 + 64);
    if (!memory) {
        printf("there is no memory for %lu bytes\n", (unsigned long)bytes);
        exit(2);
    }
    memory += 64 - (uintptr_t)memory % 64;
    memset(memory, 0xff, bytes + 64);
#ifdef VALGRIND_MAKE_MEM_NOACCESS /* compiled with -include valgrind/memcheck.h, to run under valgrind, which then sees each access */
    (void)VALGRIND_MAKE_MEM_UNDEFINED(memory, bytes);
    (void)VALGRIND_MAKE_MEM_NOACCESS(memory + bytes, 64);
#endif
    return memory;
}

/* Says what comes next. */
static inline void selftest_part(Selftest *test, const char *part)
{
    test->part = part;
    printf("%s\n", part);
}

/* Counts a comparison. */
static inline void selftest_count(Selftest *test, const char *what, int right)
{
    test->checks++;
    if (right) return;
    if (!test->wrong++) {
        test->first = what;
        test->first_part = test->part;
    }
}

/* Compares numbers with so many expected sums of them; the tolerance is that of one number. */
static inline void selftest_compare(Selftest *test, const char *what, const float *got, uint32_t count, uint64_t key, int sums, double tolerance, const double *expected)
{
    double worst = 0;
    int right = 1;
    for (int k = 0; k < sums; k++) {
        const uint32_t first = selftest_share(count, sums, k), last = selftest_share(count, sums, k + 1);
        double sum = 0;
        for (uint32_t i = first; i < last; i++) sum += selftest_sign(key, i) * (double)got[i];
        const double error = fabs(sum - expected[k]) / sqrt((double)(last - first));
        if (!(error <= worst)) worst = error;
        if (!(error <= tolerance)) right = 0;
        if (!(error <= HUGE_VAL)) break;
    }
    printf("  %-32s %10lu numbers   error %8.2e, tolerance %8.2e   %s\n", what, (unsigned long)count, worst, tolerance, right ? "right" : "WRONG");
    selftest_count(test, what, right);
}

/* Compares bytes that must be the same. */
static inline void selftest_same(Selftest *test, const char *what, const void *one, const void *other, size_t bytes)
{
    const int right = !memcmp(one, other, bytes);
    printf("  %-32s %10lu bytes     %s\n", what, (unsigned long)bytes, right ? "the same" : "DIFFERENT");
    selftest_count(test, what, right);
}

/* Checks the guard behind memory of so many bytes. */
static inline void selftest_guard(Selftest *test, const char *what, const void *memory, size_t bytes)
{
    const unsigned char *guard = (const unsigned char *)memory + bytes;
    int right = 1;
#ifdef VALGRIND_MAKE_MEM_DEFINED
    (void)VALGRIND_MAKE_MEM_DEFINED(guard, 64);
#endif
    for (int i = 0; i < 64; i++) right = right && guard[i] == 0xff;
    if (!right) printf("  %-32s was written to beyond its end\n", what);
    selftest_count(test, what, right);
}

/* Says how it ended: the exit status. */
static inline int selftest_end(const Selftest *test, const char *model)
{
    if (test->wrong) printf("%s: %d of %d comparisons failed; the first to diverge is %s (%s)\n", model, test->wrong, test->checks, test->first, test->first_part);
    else printf("%s: all %d comparisons are right\n", model, test->checks);
    return test->wrong != 0;
}

#endif
