/* How threads wait for one another. GNU's OpenMP lets a waiting thread spin for milliseconds before it sleeps: on a machine
 * that has other work to do, a training step of twenty short loops then takes ten times as long (docs/numbers.md). Some
 * microseconds of spinning bridge the gaps between our loops as well. OpenMP reads this from the environment before main begins,
 * so the program sets it and starts itself anew.
 *
 * And what numbers near zero are to them. */
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

/* An optimiser's memory of a weight whose gradient stays zero, of a pixel that is always dark, fades by a factor a step: after some hundred
 * steps it is a denormal number, with which arithmetic takes a hundred times as long, and by rounding it stays one. TensorFlow's threads
 * take these for zero as well. Threads that begin later inherit it. */
void threads_flush_denormals(void)
{
#if defined(__x86_64__)
    enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x40 };
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | (uint64_t)1 << 24));
#endif
}

bool threads_set(int64_t threads)
{
    if (omp_set_num_threads) omp_set_num_threads((int)threads);
    return omp_set_num_threads || threads == 1;
}
