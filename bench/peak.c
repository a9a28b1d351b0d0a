/* The machine's peak of fused multiply-adds: independent chains in registers, as many as hide the latency, on every thread.
 * Compiled with -O2 -fopenmp -march=native; prints GFLOP/s, a multiply-add being two. */
#include <omp.h>
#include <stdio.h>

#if defined __AVX512F__
enum { BYTES = 64 };
#elif defined __AVX__
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif
/* Many short tries: one of them will be left alone by what else the machine does. */
enum { LANES = BYTES / (int)sizeof(float), CHAINS = 12, TURNS = 1 << 16, TRIES = 400 };

typedef float Vector __attribute__((vector_size(BYTES)));

/* The sum of the chains is returned so that none is left out. */
static float chains(float by)
{
    Vector m = (Vector){0} + by;
    Vector a0 = m, a1 = m, a2 = m, a3 = m, a4 = m, a5 = m, a6 = m, a7 = m, a8 = m, a9 = m, a10 = m, a11 = m;
    for (int turn = 0; turn < TURNS; turn++) {
        a0 = a0 * m + m, a1 = a1 * m + m, a2 = a2 * m + m, a3 = a3 * m + m;
        a4 = a4 * m + m, a5 = a5 * m + m, a6 = a6 * m + m, a7 = a7 * m + m;
        a8 = a8 * m + m, a9 = a9 * m + m, a10 = a10 * m + m, a11 = a11 * m + m;
        /* Keeps the compiler from seeing that all chains are equal. */
        __asm__ volatile("" : "+x"(a0), "+x"(a1), "+x"(a2), "+x"(a3), "+x"(a4), "+x"(a5));
        __asm__ volatile("" : "+x"(a6), "+x"(a7), "+x"(a8), "+x"(a9), "+x"(a10), "+x"(a11));
    }
    Vector sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return sum[0];
}

int main(void)
{
    double best = 0;
    float sum = 0;
    int threads = 1;
    for (int i = 0; i < TRIES; i++) {
        double start = omp_get_wtime();
#pragma omp parallel reduction(+ : sum)
        {
            sum += chains(0.5f);
#pragma omp single
            threads = omp_get_num_threads();
        }
        double rate = 2.0 * LANES * CHAINS * TURNS * threads / (omp_get_wtime() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    printf("{\"gflops\": %.1f, \"threads\": %d, \"sum\": %g}\n", best, threads, (double)sum);
    return 0;
}
