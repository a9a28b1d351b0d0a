/* The time in each function of an emitted model.c, measured where the compiler has put calls at entries and exits:
 *
 *     cc -finstrument-functions -no-pie ... driver.c model.c profile.c
 *
 * One thread. At the end of the program a line of JSON: by the address of each function the seconds in it, those of functions within it not
 * counted, and how often it was called. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_FUNCTIONS = 4096, DEEPEST = 64 };

static struct { void *function; double seconds; unsigned long calls; } counts[MOST_FUNCTIONS];
static struct { int place; double begin, within; } stack[DEEPEST];
static int depth;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)caller;
    int place = (int)(((unsigned long)function >> 4) % MOST_FUNCTIONS);
    while (counts[place].function && counts[place].function != function) place = (place + 1) % MOST_FUNCTIONS;
    counts[place].function = function;
    if (depth >= DEEPEST) abort();
    stack[depth].place = place;
    stack[depth].within = 0;
    stack[depth++].begin = now();
}

void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
    depth--;
    double whole = now() - stack[depth].begin;
    counts[stack[depth].place].seconds += whole - stack[depth].within;
    counts[stack[depth].place].calls++;
    if (depth) stack[depth - 1].within += whole;
}

__attribute__((destructor)) static void report(void)
{
    const char *separator = "";
    printf("{");
    for (int i = 0; i < MOST_FUNCTIONS; i++) {
        if (!counts[i].function) continue;
        printf("%s\"%lx\": [%.9g, %lu]", separator, (unsigned long)counts[i].function, counts[i].seconds, counts[i].calls);
        separator = ", ";
    }
    printf("}\n");
}
