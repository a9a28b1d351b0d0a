/* How threads wait for one another. GNU's OpenMP lets a waiting thread spin for milliseconds before it sleeps: on a machine
 * that has other work to do, a training step of twenty short loops then takes ten times as long (docs/numbers.md). Some
 * microseconds of spinning bridge the gaps between our loops as well. OpenMP reads this from the environment before main begins,
 * so the program sets it and starts itself anew. */
#include "trainer.h"

#include <stdlib.h>
#include <unistd.h>

/* Of OpenMP's runtime, which is there where the emitted code was compiled with -fopenmp. */
extern void omp_set_num_threads(int) __attribute__((weak));

void cnnc_begin(char **argv)
{
    if (!omp_set_num_threads || getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    if (setenv("GOMP_SPINCOUNT", "2000", 1)) return;
    execv("/proc/self/exe", argv); /* where that is not to be had, training is only slower */
}

bool threads_set(int64_t threads)
{
    if (omp_set_num_threads) omp_set_num_threads((int)threads);
    return omp_set_num_threads || threads == 1;
}
