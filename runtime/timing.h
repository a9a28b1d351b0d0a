/* Which of several functions that do the same is the fastest: the harness that --tune compiles together with candidate kernels.
 * cnnc copies it whole. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FEWEST_ROUNDS = 3, MOST_ROUNDS = 50, SECONDS_FOR_FEWEST = 5, SECONDS_AT_MOST = 60 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Aligned memory full of numbers between -0.1 and 0.1: kernels take other times on zeros and on denormal numbers. */
static void *random_floats(size_t bytes)
{
    size_t whole = (bytes + 64) / 64 * 64;
    float *floats = aligned_alloc(64, whole);
    if (!floats) exit(3);
    unsigned state = 1;
    for (size_t i = 0; i < whole / sizeof *floats; i++) {
        state = state * 1664525u + 1013904223u;
        floats[i] = ((float)(state >> 8) / 16777216.0f - 0.5f) * 0.2f;
    }
    return floats;
}

static double time_calls(void (*function)(void), int calls)
{
    double start = seconds();
    for (int i = 0; i < calls; i++) function();
    return (seconds() - start) / calls;
}

/* Prints the least time of a call of each, in seconds. They take turns, so that what else the machine does hits all. */
static void time_functions(void (*const *functions)(void), int count, double budget)
{
    double least[16];
    alarm(SECONDS_AT_MOST);
    double start = seconds(), limit = start + SECONDS_FOR_FEWEST;
    for (int i = 0; i < count; i++) least[i] = time_calls(functions[i], 1); /* this one fills pages and caches */
    start = seconds();
    for (int round = 0; round < MOST_ROUNDS && (round < FEWEST_ROUNDS ? round == 0 || seconds() < limit : seconds() - start < budget); round++)
        for (int i = 0; i < count; i++) {
            int calls = least[i] < 0.001 ? (int)(0.001 / (least[i] + 1e-8)) + 1 : 1;
            double now = time_calls(functions[i], calls);
            if (now < least[i]) least[i] = now;
        }
    for (int i = 0; i < count; i++) printf("%.9g\n", least[i]);
}
