/* mlp, written by cnnc 0.1.0: cnnc mlp.net -o mlp.c
 *
 * layer                            output                 parameters  multiply-adds   in the arena, for one sample: offset, bytes, steps
 * input                            (28, 28, 1)                     0              0   
 * rescaling                        (28, 28, 1)                     0              0   0, 3136, 0 to 2
 * flatten                          (784,)                          0              0   0, 3136, 0 to 2
 * dense                            (512,)                     401920         401408   3136, 2048, 2 to 3
 * dense_1                          (10,)                        5130           5120   the caller's
 */
#include "mlp.h"

#include <math.h>
#include <string.h>

/* -Wpedantic need not say that this file uses more than C11 and C++17 promise: pointers to arrays that become pointers to constant ones
 * (C23 has them), compound literals in C++, long strings. */
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Woverlength-strings"
#endif

/* Loops have 16 turns at most, and so many threads at most share them, THREADS: WORKER is the number of one among them. */
#ifdef _OPENMP
extern int omp_get_max_threads(void), omp_get_thread_num(void);
#define THREADS (omp_get_max_threads() < 16 ? omp_get_max_threads() : 16)
#define PARALLEL_FOR _Pragma("omp parallel for schedule(static) num_threads(omp_get_max_threads() < 16 ? omp_get_max_threads() : 16)")
#define WORKER omp_get_thread_num()
#else
#define THREADS 1
#define PARALLEL_FOR
#define WORKER 0
#endif

/* What the threads do together for one sample. */
#ifdef _OPENMP
extern int omp_in_parallel(void);
#define ONE_THREAD (omp_get_max_threads() == 1 || omp_in_parallel())
#define PARALLEL _Pragma("omp parallel")
#define SHARED_FOR _Pragma("omp for schedule(static)")
#define SINGLE _Pragma("omp single")
#else
#define ONE_THREAD 1
#define PARALLEL
#define SHARED_FOR
#define SINGLE
#endif

/* gcc does not contract x * y + z to one instruction with -std=c11, nor with -O1, unless it is asked to; clang does. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=fast", "expensive-optimizations")
#endif
#define INLINE __attribute__((always_inline)) /* in a large function gcc would rather call what loads a vector */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define LEVEL_v4 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx2,fma,f16c,bmi,bmi2,lzcnt,movbe")))
#define LEVEL_v3 __attribute__((target("avx2,fma,f16c,bmi,bmi2,lzcnt,movbe")))
#define LEVEL_base

#ifndef __cplusplus
_Static_assert(sizeof(mlp_parameters) == MLP_PARAMETERS_BYTES && sizeof(mlp_weights) == MLP_WEIGHTS_BYTES, "the sizes in the header");
#endif

/* What is the same for all weights of a step. */
typedef struct {
    uint64_t seed, step;
    int refuse_nan;
    float learning_rate, alpha;
} Step;

static inline Step step_begin(const mlp_training_step *told)
{
    const double rate = (double)told->learning_rate, t = (double)(told->step + 1);
    const double alpha = rate * sqrt(1.0 - pow(0.999, t)) / (1.0 - pow(0.9, t));
    const Step step = {told->seed, told->step, told->refuse_nan, told->learning_rate, (float)alpha};
    return step;
}

#if defined(__x86_64__)
/* ---- x86-64-v4: vectors of 16 floats, 32 registers ---- */

typedef float f32x16 __attribute__((vector_size(4 * 16)));
typedef int32_t i32x16 __attribute__((vector_size(4 * 16)));
typedef uint32_t u32x16 __attribute__((vector_size(4 * 16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x16_at __attribute__((vector_size(16), aligned(1), may_alias));
typedef float f32x16_at __attribute__((vector_size(4 * 16), aligned(4), may_alias)); /* anywhere in memory */

LEVEL_v4 INLINE static inline f32x16 load_f32x16(const float *from)
{
    return *(const f32x16_at *)from;
}

LEVEL_v4 INLINE static inline void store_f32x16(float *to, f32x16 x)
{
    *(f32x16_at *)to = x;
}

/* The first `count` numbers, a constant from 1 to 16 - 1; the rest zero. */
LEVEL_v4 INLINE static inline f32x16 load_part_f32x16(const float *from, int count)
{
    return (f32x16)__builtin_ia32_loadups512_mask(from, (f32x16){0}, (uint16_t)((1 << count) - 1));
}

LEVEL_v4 INLINE static inline void store_part_f32x16(float *to, f32x16 x, int count)
{
    __builtin_ia32_storeups512_mask(to, x, (uint16_t)((1 << count) - 1));
}

/* Whole numbers kept in bytes. gcc takes __builtin_convertvector between these lengths apart into single numbers. */
LEVEL_v4 INLINE static inline i32x16 load_u8_i32x16(const uint8_t *from)
{
#if !defined(__clang__)
    typedef char Bytes __attribute__((vector_size(16), aligned(1), may_alias));
    return (i32x16)__builtin_ia32_pmovzxbd512_mask(*(const Bytes *)from, (i32x16){0}, 0xffff);
#else
    return __builtin_convertvector(*(const u8x16_at *)from, i32x16);
#endif
}

LEVEL_v4 INLINE static inline void store_part_i32x16(int32_t *to, i32x16 x, size_t count)
{
    memcpy(to, &x, count * sizeof(int32_t));
}

/* A bit for each lane of a mask. */
LEVEL_v4 INLINE static inline uint32_t bits_i32x16(i32x16 mask)
{
    return (uint16_t)__builtin_ia32_cvtd2mask512(mask);
}

/* The 4x4 floats at `from`, whose rows lie `row` apart, with rows and columns exchanged. */
LEVEL_v4 static inline void transpose4_f32x16(const float *from, ptrdiff_t row, float *to, ptrdiff_t to_row)
{
    typedef float quad __attribute__((vector_size(16)));
    typedef float quad_at __attribute__((vector_size(16), aligned(4), may_alias));
    const quad a = *(const quad_at *)from, b = *(const quad_at *)(from + row);
    const quad c = *(const quad_at *)(from + 2 * row), d = *(const quad_at *)(from + 3 * row);
#if defined(__clang__)
    const quad even = __builtin_shufflevector(a, c, 0, 4, 1, 5), even2 = __builtin_shufflevector(a, c, 2, 6, 3, 7);
    const quad odd = __builtin_shufflevector(b, d, 0, 4, 1, 5), odd2 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
    *(quad_at *)to = __builtin_shufflevector(even, odd, 0, 4, 1, 5);
    *(quad_at *)(to + to_row) = __builtin_shufflevector(even, odd, 2, 6, 3, 7);
    *(quad_at *)(to + 2 * to_row) = __builtin_shufflevector(even2, odd2, 0, 4, 1, 5);
    *(quad_at *)(to + 3 * to_row) = __builtin_shufflevector(even2, odd2, 2, 6, 3, 7);
#else
    typedef int32_t places __attribute__((vector_size(16)));
    const places low = {0, 4, 1, 5}, high = {2, 6, 3, 7};
    const quad even = __builtin_shuffle(a, c, low), even2 = __builtin_shuffle(a, c, high);
    const quad odd = __builtin_shuffle(b, d, low), odd2 = __builtin_shuffle(b, d, high);
    *(quad_at *)to = __builtin_shuffle(even, odd, low);
    *(quad_at *)(to + to_row) = __builtin_shuffle(even, odd, high);
    *(quad_at *)(to + 2 * to_row) = __builtin_shuffle(even2, odd2, low);
    *(quad_at *)(to + 3 * to_row) = __builtin_shuffle(even2, odd2, high);
#endif
}

/* x where the mask is set, else zero. */
LEVEL_v4 INLINE static inline f32x16 keep_f32x16(i32x16 mask, f32x16 x)
{
    return (f32x16)(mask & (i32x16)x);
}

LEVEL_v4 INLINE static inline f32x16 select_f32x16(i32x16 mask, f32x16 x, f32x16 y)
{
    return (f32x16)((mask & (i32x16)x) | (~mask & (i32x16)y));
}

/* The larger; b where one is not a number. */
LEVEL_v4 INLINE static inline f32x16 max_f32x16(f32x16 a, f32x16 b)
{
#if defined(__clang__)
    return (f32x16)__builtin_ia32_maxps512(a, b, 4);
#else
    return (f32x16)__builtin_ia32_maxps512_mask(a, b, a, -1, 4);
#endif
}

LEVEL_v4 INLINE static inline f32x16 sqrt_f32x16(f32x16 x)
{
#if defined(__clang__)
    return (f32x16)__builtin_ia32_sqrtps512(x, 4);
#else
    return (f32x16)__builtin_ia32_sqrtps512_mask(x, x, -1, 4);
#endif
}

/* e^x within 2 units in the last place: x = k ln 2 + r, e^r by its Taylor polynomial on |r| <= ln 2 / 2, and
 * 2^k by the exponent's bits. Above 88.72 infinity, below -87.33 zero; what is not a number stays so. */
LEVEL_v4 INLINE static inline f32x16 exp_f32x16(f32x16 x)
{
    f32x16 zero = {0}, k = x * 1.44269504f + 12582912.0f; /* adding 1.5 * 2^23 rounds to a whole number */
    i32x16 bits = (i32x16)k - 0x4b400000;
    k = k - 12582912.0f;
    f32x16 r = (x - k * 0.693359375f) - k * -2.12194440e-4f; /* ln 2 in two parts, the first exact in few bits */
    f32x16 p = 1.0f / 5040 + zero;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    i32x16 half = bits >> 1; /* in two steps, so that 2^128 does not arise on the way */
    f32x16 y = p * (f32x16)((half + 127) << 23) * (f32x16)((bits - half + 127) << 23);
    y = select_f32x16(x > 88.72283f, zero + INFINITY, y);
    y = keep_f32x16(~(x < -87.33654f), y);
    return select_f32x16(x == x, y, x);
}

/* All ones in the first `count` places. */
LEVEL_v4 INLINE static inline i32x16 first_i32x16(int count)
{
    i32x16 place;
    for (int i = 0; i < 16; i++) place[i] = i;
    return place < count;
}

LEVEL_v4 INLINE static inline float sum_f32x16(f32x16 x)
{
    float sum = x[0];
    for (int i = 1; i < 16; i++) sum += x[i];
    return sum;
}

LEVEL_v4 INLINE static inline float largest_f32x16(f32x16 x)
{
    float largest = x[0];
    for (int i = 1; i < 16; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/* rescaling: y = x * 0.00392156863 + 0. */
LEVEL_v4 static void rescaling_forward_v4(const float *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 784;
    for (; i + 16 <= last * 784; i += 16) {
        f32x16 v = load_f32x16(&x[i]);
        v = v * 0.003921569f;
        store_f32x16(&y[i], v);
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v4 static void dense_forward_v4(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 8;
        const float *const a = x[0];
        const float *const b0 = &kernel[k][0][0];
        const float *const b1 = &kernel[k + 1][0][0];
        const float *const b2 = &kernel[k + 2][0][0];
        const float *const b3 = &kernel[k + 3][0][0];
        const float *const b4 = &kernel[k + 4][0][0];
        const float *const b5 = &kernel[k + 5][0][0];
        const float *const b6 = &kernel[k + 6][0][0];
        const float *const b7 = &kernel[k + 7][0][0];
        f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0}; f32x16 s0_4 = {0}; f32x16 s0_5 = {0}; f32x16 s0_6 = {0}; f32x16 s0_7 = {0};
        for (int i = 0; i < 784; i += 64) {
            const int end = 784 - i < 64 ? 784 - i : 64;
            uint64_t found = 0;
            for (int j = 0; j < end; j += 16)
                found |= (uint64_t)bits_i32x16(load_f32x16(a + i + j) != 0.0f) << j;
            for (uint64_t left = found; left; left &= left - 1) {
                const int j = i + __builtin_ctzll(left);
                const f32x16 w0 = load_f32x16(b0 + j * 16); const f32x16 w1 = load_f32x16(b1 + j * 16); const f32x16 w2 = load_f32x16(b2 + j * 16); const f32x16 w3 = load_f32x16(b3 + j * 16); const f32x16 w4 = load_f32x16(b4 + j * 16); const f32x16 w5 = load_f32x16(b5 + j * 16); const f32x16 w6 = load_f32x16(b6 + j * 16); const f32x16 w7 = load_f32x16(b7 + j * 16);
                s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7;
            }
        }
        s0_0 += load_f32x16(&bias[k * 16]);
        s0_1 += load_f32x16(&bias[(k + 1) * 16]);
        s0_2 += load_f32x16(&bias[(k + 2) * 16]);
        s0_3 += load_f32x16(&bias[(k + 3) * 16]);
        s0_4 += load_f32x16(&bias[(k + 4) * 16]);
        s0_5 += load_f32x16(&bias[(k + 5) * 16]);
        s0_6 += load_f32x16(&bias[(k + 6) * 16]);
        s0_7 += load_f32x16(&bias[(k + 7) * 16]);
        s0_0 = max_f32x16((f32x16){0}, s0_0);
        store_f32x16(&y[0][k * 16], s0_0);
        s0_1 = max_f32x16((f32x16){0}, s0_1);
        store_f32x16(&y[0][(k + 1) * 16], s0_1);
        s0_2 = max_f32x16((f32x16){0}, s0_2);
        store_f32x16(&y[0][(k + 2) * 16], s0_2);
        s0_3 = max_f32x16((f32x16){0}, s0_3);
        store_f32x16(&y[0][(k + 3) * 16], s0_3);
        s0_4 = max_f32x16((f32x16){0}, s0_4);
        store_f32x16(&y[0][(k + 4) * 16], s0_4);
        s0_5 = max_f32x16((f32x16){0}, s0_5);
        store_f32x16(&y[0][(k + 5) * 16], s0_5);
        s0_6 = max_f32x16((f32x16){0}, s0_6);
        store_f32x16(&y[0][(k + 6) * 16], s0_6);
        s0_7 = max_f32x16((f32x16){0}, s0_7);
        store_f32x16(&y[0][(k + 7) * 16], s0_7);
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 512 inputs, 10 outputs. */
LEVEL_v4 static void dense_1_forward_v4(const float (*x)[512], const float (*kernel)[512][16], const float *bias, float (*y)[10], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const float *const a = x[0];
        const float *const b0 = &kernel[0][0][0];
        f32x16 s0_0 = {0};
        f32x16 s1_0 = {0};
        f32x16 s2_0 = {0};
        f32x16 s3_0 = {0};
        f32x16 s4_0 = {0};
        f32x16 s5_0 = {0};
        f32x16 s6_0 = {0};
        f32x16 s7_0 = {0};
        for (int i = 0; i < 512; i += 64) {
            const int end = 512 - i < 64 ? 512 - i : 64;
            uint64_t found = 0;
            for (int j = 0; j < end; j += 16)
                found |= (uint64_t)bits_i32x16(load_f32x16(a + i + j) != 0.0f) << j;
            int rows[72], listed = 0;
            float factors[72];
            for (uint64_t left = found; left; left &= left - 1) {
                rows[listed] = i + __builtin_ctzll(left);
                factors[listed] = a[rows[listed]];
                listed++;
            }
            for (int t = 0; t < 8; t++) rows[listed + t] = i, factors[listed + t] = 0;
            for (int r = 0; r < listed; r += 8) {
                s0_0 += factors[r] * load_f32x16(b0 + rows[r] * 16);
                s1_0 += factors[r + 1] * load_f32x16(b0 + rows[r + 1] * 16);
                s2_0 += factors[r + 2] * load_f32x16(b0 + rows[r + 2] * 16);
                s3_0 += factors[r + 3] * load_f32x16(b0 + rows[r + 3] * 16);
                s4_0 += factors[r + 4] * load_f32x16(b0 + rows[r + 4] * 16);
                s5_0 += factors[r + 5] * load_f32x16(b0 + rows[r + 5] * 16);
                s6_0 += factors[r + 6] * load_f32x16(b0 + rows[r + 6] * 16);
                s7_0 += factors[r + 7] * load_f32x16(b0 + rows[r + 7] * 16);
            }
        }
        s0_0 += s4_0;
        s1_0 += s5_0;
        s2_0 += s6_0;
        s3_0 += s7_0;
        s0_0 += s2_0;
        s1_0 += s3_0;
        s0_0 += s1_0;
        s0_0 += load_part_f32x16(&bias[0], 10);
        store_part_f32x16(&y[0][0], s0_0, 10);
    }
}

/* dense_1/softmax: y[c] = e^x[c] / sum over k of e^x[k], 10 classes. */
LEVEL_v4 static void dense_1_softmax_forward_v4(const float *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        for (int m = 0; m < 1; m++) {
            const float *const from = &x[(n + m) * 10];
            float *const to = &y[(n + m) * 10];
            float largest = from[0];
            for (int c = 0; c < 10; c++) largest = from[c] > largest ? from[c] : largest;
            {
                const int c = 0;
                const f32x16 v = exp_f32x16(load_part_f32x16(&from[c], 10) - largest);
                store_part_f32x16(&to[c], v, 10);
            }
            float sum = 0.0f;
            for (int c = 0; c < 10; c++) sum += to[c];
            const float share = 1.0f / sum;
            {
                const int c = 0;
                store_part_f32x16(&to[c], load_part_f32x16(&to[c], 10) * share, 10);
            }
        }
    }
}

static void run_single_v4(const mlp_weights *w, const float *input, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 3136);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    rescaling_forward_v4(input, &rescaling_out[0][0][0][0], 0, 1);
    if (ONE_THREAD) {
        dense_forward_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, 0, 4);
    } else {
        PARALLEL {
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 4; task++) {
                dense_forward_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, task, task + 1);
            }
        }
    }
    dense_1_forward_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, 0, 1);
    dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], output, 0, 1);
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v4 static void dense_zeros_v4(const float (*x)[784], float *work, ptrdiff_t first, ptrdiff_t last)
{
    uint64_t (*const found)[14] = (uint64_t (*)[14])work;
    for (ptrdiff_t n = first; n < last; n++) {
        uint64_t numbers = 0;
        for (ptrdiff_t m = n * 1; m < (n + 1) * 1; m++) {
            for (int i = 0; i < 784; i += 64) {
                const int end = 784 - i < 64 ? 784 - i : 64;
                uint64_t bits = 0;
                for (int j = 0; j < end; j += 16)
                    bits |= (uint64_t)bits_i32x16(load_f32x16(&x[m][i + j]) != 0.0f) << j;
                found[m][i / 64] = bits;
                numbers += (uint64_t)__builtin_popcountll(bits);
            }
        }
        found[n][13] = numbers;
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v4 static void dense_sparse_forward_v4(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], float *work, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t (*const nonzero)[14] = (const uint64_t (*)[14])work;
    uint64_t numbers = 0;
    for (ptrdiff_t n = 0; n < count; n++) numbers += nonzero[n][13];
    if (numbers * 8 >= (uint64_t)count * 1 * 784 * 3) return;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 8;
        const ptrdiff_t from = 0, to = count * 1;
        for (int i = 0; i < 784; i += 64) {
            const int end = 784 - i < 64 ? 784 - i : 64;
            ptrdiff_t m = from;
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                const uint64_t found = nonzero[m][i / 64];
                if (!found && i && i + end < 784) continue;
                f32x16 s0_0 = i ? load_f32x16(&y[m][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s0_1 = i ? load_f32x16(&y[m][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s0_2 = i ? load_f32x16(&y[m][(k + 2) * 16]) : load_f32x16(&bias[(k + 2) * 16]);
                f32x16 s0_3 = i ? load_f32x16(&y[m][(k + 3) * 16]) : load_f32x16(&bias[(k + 3) * 16]);
                f32x16 s0_4 = i ? load_f32x16(&y[m][(k + 4) * 16]) : load_f32x16(&bias[(k + 4) * 16]);
                f32x16 s0_5 = i ? load_f32x16(&y[m][(k + 5) * 16]) : load_f32x16(&bias[(k + 5) * 16]);
                f32x16 s0_6 = i ? load_f32x16(&y[m][(k + 6) * 16]) : load_f32x16(&bias[(k + 6) * 16]);
                f32x16 s0_7 = i ? load_f32x16(&y[m][(k + 7) * 16]) : load_f32x16(&bias[(k + 7) * 16]);
                const float *const b0 = &kernel[k][i][0];
                const float *const b1 = &kernel[k + 1][i][0];
                const float *const b2 = &kernel[k + 2][i][0];
                const float *const b3 = &kernel[k + 3][i][0];
                const float *const b4 = &kernel[k + 4][i][0];
                const float *const b5 = &kernel[k + 5][i][0];
                const float *const b6 = &kernel[k + 6][i][0];
                const float *const b7 = &kernel[k + 7][i][0];
                for (uint64_t left = found; left; left &= left - 1) {
                    const int j = __builtin_ctzll(left);
                    const f32x16 w0 = load_f32x16(b0 + j * 16); const f32x16 w1 = load_f32x16(b1 + j * 16); const f32x16 w2 = load_f32x16(b2 + j * 16); const f32x16 w3 = load_f32x16(b3 + j * 16); const f32x16 w4 = load_f32x16(b4 + j * 16); const f32x16 w5 = load_f32x16(b5 + j * 16); const f32x16 w6 = load_f32x16(b6 + j * 16); const f32x16 w7 = load_f32x16(b7 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7;
                }
                if (i + end < 784) {
                    store_f32x16(&y[m][k * 16], s0_0);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                    store_f32x16(&y[m][(k + 4) * 16], s0_4);
                    store_f32x16(&y[m][(k + 5) * 16], s0_5);
                    store_f32x16(&y[m][(k + 6) * 16], s0_6);
                    store_f32x16(&y[m][(k + 7) * 16], s0_7);
                } else {
                    s0_0 = max_f32x16((f32x16){0}, s0_0);
                    store_f32x16(&y[m][k * 16], s0_0);
                    s0_1 = max_f32x16((f32x16){0}, s0_1);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    s0_2 = max_f32x16((f32x16){0}, s0_2);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    s0_3 = max_f32x16((f32x16){0}, s0_3);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                    s0_4 = max_f32x16((f32x16){0}, s0_4);
                    store_f32x16(&y[m][(k + 4) * 16], s0_4);
                    s0_5 = max_f32x16((f32x16){0}, s0_5);
                    store_f32x16(&y[m][(k + 5) * 16], s0_5);
                    s0_6 = max_f32x16((f32x16){0}, s0_6);
                    store_f32x16(&y[m][(k + 6) * 16], s0_6);
                    s0_7 = max_f32x16((f32x16){0}, s0_7);
                    store_f32x16(&y[m][(k + 7) * 16], s0_7);
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v4 static void dense_forward_batch_v4(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], float *work, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t (*const nonzero)[14] = (const uint64_t (*)[14])work;
    uint64_t numbers = 0;
    for (ptrdiff_t n = 0; n < count; n++) numbers += nonzero[n][13];
    if (numbers * 8 < (uint64_t)count * 1 * 784 * 3) return;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 4;
        const ptrdiff_t from = 0, to = count * 1;
        for (int i = 0; i < 784; i += 256) {
            const int end = 784 - i < 256 ? 784 - i : 256;
            ptrdiff_t m = from;
            for (; m + 4 <= to; m += 4) {
                const float *const a = &x[m][i];
                f32x16 s0_0 = i ? load_f32x16(&y[m][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s0_1 = i ? load_f32x16(&y[m][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s0_2 = i ? load_f32x16(&y[m][(k + 2) * 16]) : load_f32x16(&bias[(k + 2) * 16]);
                f32x16 s0_3 = i ? load_f32x16(&y[m][(k + 3) * 16]) : load_f32x16(&bias[(k + 3) * 16]);
                f32x16 s1_0 = i ? load_f32x16(&y[m + 1][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s1_1 = i ? load_f32x16(&y[m + 1][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s1_2 = i ? load_f32x16(&y[m + 1][(k + 2) * 16]) : load_f32x16(&bias[(k + 2) * 16]);
                f32x16 s1_3 = i ? load_f32x16(&y[m + 1][(k + 3) * 16]) : load_f32x16(&bias[(k + 3) * 16]);
                f32x16 s2_0 = i ? load_f32x16(&y[m + 2][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s2_1 = i ? load_f32x16(&y[m + 2][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s2_2 = i ? load_f32x16(&y[m + 2][(k + 2) * 16]) : load_f32x16(&bias[(k + 2) * 16]);
                f32x16 s2_3 = i ? load_f32x16(&y[m + 2][(k + 3) * 16]) : load_f32x16(&bias[(k + 3) * 16]);
                f32x16 s3_0 = i ? load_f32x16(&y[m + 3][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s3_1 = i ? load_f32x16(&y[m + 3][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s3_2 = i ? load_f32x16(&y[m + 3][(k + 2) * 16]) : load_f32x16(&bias[(k + 2) * 16]);
                f32x16 s3_3 = i ? load_f32x16(&y[m + 3][(k + 3) * 16]) : load_f32x16(&bias[(k + 3) * 16]);
                const float *const b0 = &kernel[k][i][0];
                const float *const b1 = &kernel[k + 1][i][0];
                const float *const b2 = &kernel[k + 2][i][0];
                const float *const b3 = &kernel[k + 3][i][0];
                for (int j = 0; j < end; j++) {
                    const f32x16 w0 = load_f32x16(b0 + j * 16); const f32x16 w1 = load_f32x16(b1 + j * 16); const f32x16 w2 = load_f32x16(b2 + j * 16); const f32x16 w3 = load_f32x16(b3 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                    s1_0 += a[j + 784] * w0; s1_1 += a[j + 784] * w1; s1_2 += a[j + 784] * w2; s1_3 += a[j + 784] * w3;
                    s2_0 += a[j + 1568] * w0; s2_1 += a[j + 1568] * w1; s2_2 += a[j + 1568] * w2; s2_3 += a[j + 1568] * w3;
                    s3_0 += a[j + 2352] * w0; s3_1 += a[j + 2352] * w1; s3_2 += a[j + 2352] * w2; s3_3 += a[j + 2352] * w3;
                }
                if (i + end < 784) {
                    store_f32x16(&y[m][k * 16], s0_0);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                    store_f32x16(&y[m + 1][k * 16], s1_0);
                    store_f32x16(&y[m + 1][(k + 1) * 16], s1_1);
                    store_f32x16(&y[m + 1][(k + 2) * 16], s1_2);
                    store_f32x16(&y[m + 1][(k + 3) * 16], s1_3);
                    store_f32x16(&y[m + 2][k * 16], s2_0);
                    store_f32x16(&y[m + 2][(k + 1) * 16], s2_1);
                    store_f32x16(&y[m + 2][(k + 2) * 16], s2_2);
                    store_f32x16(&y[m + 2][(k + 3) * 16], s2_3);
                    store_f32x16(&y[m + 3][k * 16], s3_0);
                    store_f32x16(&y[m + 3][(k + 1) * 16], s3_1);
                    store_f32x16(&y[m + 3][(k + 2) * 16], s3_2);
                    store_f32x16(&y[m + 3][(k + 3) * 16], s3_3);
                } else {
                    s0_0 = max_f32x16((f32x16){0}, s0_0);
                    store_f32x16(&y[m][k * 16], s0_0);
                    s0_1 = max_f32x16((f32x16){0}, s0_1);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    s0_2 = max_f32x16((f32x16){0}, s0_2);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    s0_3 = max_f32x16((f32x16){0}, s0_3);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                    s1_0 = max_f32x16((f32x16){0}, s1_0);
                    store_f32x16(&y[m + 1][k * 16], s1_0);
                    s1_1 = max_f32x16((f32x16){0}, s1_1);
                    store_f32x16(&y[m + 1][(k + 1) * 16], s1_1);
                    s1_2 = max_f32x16((f32x16){0}, s1_2);
                    store_f32x16(&y[m + 1][(k + 2) * 16], s1_2);
                    s1_3 = max_f32x16((f32x16){0}, s1_3);
                    store_f32x16(&y[m + 1][(k + 3) * 16], s1_3);
                    s2_0 = max_f32x16((f32x16){0}, s2_0);
                    store_f32x16(&y[m + 2][k * 16], s2_0);
                    s2_1 = max_f32x16((f32x16){0}, s2_1);
                    store_f32x16(&y[m + 2][(k + 1) * 16], s2_1);
                    s2_2 = max_f32x16((f32x16){0}, s2_2);
                    store_f32x16(&y[m + 2][(k + 2) * 16], s2_2);
                    s2_3 = max_f32x16((f32x16){0}, s2_3);
                    store_f32x16(&y[m + 2][(k + 3) * 16], s2_3);
                    s3_0 = max_f32x16((f32x16){0}, s3_0);
                    store_f32x16(&y[m + 3][k * 16], s3_0);
                    s3_1 = max_f32x16((f32x16){0}, s3_1);
                    store_f32x16(&y[m + 3][(k + 1) * 16], s3_1);
                    s3_2 = max_f32x16((f32x16){0}, s3_2);
                    store_f32x16(&y[m + 3][(k + 2) * 16], s3_2);
                    s3_3 = max_f32x16((f32x16){0}, s3_3);
                    store_f32x16(&y[m + 3][(k + 3) * 16], s3_3);
                }
            }
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                f32x16 s0_0 = i ? load_f32x16(&y[m][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s0_1 = i ? load_f32x16(&y[m][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s0_2 = i ? load_f32x16(&y[m][(k + 2) * 16]) : load_f32x16(&bias[(k + 2) * 16]);
                f32x16 s0_3 = i ? load_f32x16(&y[m][(k + 3) * 16]) : load_f32x16(&bias[(k + 3) * 16]);
                const float *const b0 = &kernel[k][i][0];
                const float *const b1 = &kernel[k + 1][i][0];
                const float *const b2 = &kernel[k + 2][i][0];
                const float *const b3 = &kernel[k + 3][i][0];
                for (int j = 0; j < end; j++) {
                    const f32x16 w0 = load_f32x16(b0 + j * 16); const f32x16 w1 = load_f32x16(b1 + j * 16); const f32x16 w2 = load_f32x16(b2 + j * 16); const f32x16 w3 = load_f32x16(b3 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                }
                if (i + end < 784) {
                    store_f32x16(&y[m][k * 16], s0_0);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                } else {
                    s0_0 = max_f32x16((f32x16){0}, s0_0);
                    store_f32x16(&y[m][k * 16], s0_0);
                    s0_1 = max_f32x16((f32x16){0}, s0_1);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    s0_2 = max_f32x16((f32x16){0}, s0_2);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    s0_3 = max_f32x16((f32x16){0}, s0_3);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                }
            }
        }
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 512 inputs, 10 outputs. */
LEVEL_v4 static void dense_1_forward_batch_v4(const float (*x)[512], const float (*kernel)[512][16], const float *bias, float (*y)[10], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t tiles = (count + 15) / 16, chunk = part % 8;
        const ptrdiff_t from = tiles * chunk / 8 * 16, next = tiles * (chunk + 1) / 8 * 16;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        for (int i = 0; i < 512; i += 256) {
            const int end = 512 - i < 256 ? 512 - i : 256;
            ptrdiff_t m = from;
            for (; m + 16 <= to; m += 16) {
                const float *const a = &x[m][i];
                f32x16 s0_0 = i ? load_part_f32x16(&y[m][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s1_0 = i ? load_part_f32x16(&y[m + 1][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s2_0 = i ? load_part_f32x16(&y[m + 2][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s3_0 = i ? load_part_f32x16(&y[m + 3][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s4_0 = i ? load_part_f32x16(&y[m + 4][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s5_0 = i ? load_part_f32x16(&y[m + 5][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s6_0 = i ? load_part_f32x16(&y[m + 6][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s7_0 = i ? load_part_f32x16(&y[m + 7][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s8_0 = i ? load_part_f32x16(&y[m + 8][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s9_0 = i ? load_part_f32x16(&y[m + 9][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s10_0 = i ? load_part_f32x16(&y[m + 10][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s11_0 = i ? load_part_f32x16(&y[m + 11][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s12_0 = i ? load_part_f32x16(&y[m + 12][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s13_0 = i ? load_part_f32x16(&y[m + 13][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s14_0 = i ? load_part_f32x16(&y[m + 14][0], 10) : load_part_f32x16(&bias[0], 10);
                f32x16 s15_0 = i ? load_part_f32x16(&y[m + 15][0], 10) : load_part_f32x16(&bias[0], 10);
                const float *const b0 = &kernel[0][i][0];
                for (int j = 0; j < end; j++) {
                    const f32x16 w0 = load_f32x16(b0 + j * 16);
                    s0_0 += a[j] * w0;
                    s1_0 += a[j + 512] * w0;
                    s2_0 += a[j + 1024] * w0;
                    s3_0 += a[j + 1536] * w0;
                    s4_0 += a[j + 2048] * w0;
                    s5_0 += a[j + 2560] * w0;
                    s6_0 += a[j + 3072] * w0;
                    s7_0 += a[j + 3584] * w0;
                    s8_0 += a[j + 4096] * w0;
                    s9_0 += a[j + 4608] * w0;
                    s10_0 += a[j + 5120] * w0;
                    s11_0 += a[j + 5632] * w0;
                    s12_0 += a[j + 6144] * w0;
                    s13_0 += a[j + 6656] * w0;
                    s14_0 += a[j + 7168] * w0;
                    s15_0 += a[j + 7680] * w0;
                }
                store_part_f32x16(&y[m][0], s0_0, 10);
                store_part_f32x16(&y[m + 1][0], s1_0, 10);
                store_part_f32x16(&y[m + 2][0], s2_0, 10);
                store_part_f32x16(&y[m + 3][0], s3_0, 10);
                store_part_f32x16(&y[m + 4][0], s4_0, 10);
                store_part_f32x16(&y[m + 5][0], s5_0, 10);
                store_part_f32x16(&y[m + 6][0], s6_0, 10);
                store_part_f32x16(&y[m + 7][0], s7_0, 10);
                store_part_f32x16(&y[m + 8][0], s8_0, 10);
                store_part_f32x16(&y[m + 9][0], s9_0, 10);
                store_part_f32x16(&y[m + 10][0], s10_0, 10);
                store_part_f32x16(&y[m + 11][0], s11_0, 10);
                store_part_f32x16(&y[m + 12][0], s12_0, 10);
                store_part_f32x16(&y[m + 13][0], s13_0, 10);
                store_part_f32x16(&y[m + 14][0], s14_0, 10);
                store_part_f32x16(&y[m + 15][0], s15_0, 10);
            }
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                f32x16 s0_0 = i ? load_part_f32x16(&y[m][0], 10) : load_part_f32x16(&bias[0], 10);
                const float *const b0 = &kernel[0][i][0];
                for (int j = 0; j < end; j++) {
                    const f32x16 w0 = load_f32x16(b0 + j * 16);
                    s0_0 += a[j] * w0;
                }
                store_part_f32x16(&y[m][0], s0_0, 10);
            }
        }
    }
}

static void run_batch_v4(const mlp_weights *w, const float *input, float *output, ptrdiff_t count, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v4(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v4((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_sparse_forward_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], output, count * task / 16, count * (task + 1) / 16);
    }
}

/* dense_1: categorical_crossentropy of 10 numbers a sample, from the logits. */
LEVEL_v4 static void dense_1_loss_v4(const float *p, const float *target, const float *weight, float *loss, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        float total = 0.0f;
        const float importance = weight ? weight[n] : 1.0f;
        const float *const row = &p[n * 10];
        const float *const t = &target[n * 10];
        float value;
        f32x16 losses = {0};
        f32x16 top = (f32x16){0} + row[0], sums = {0};
        {
            const int c = 0;
            top = max_f32x16(top, select_f32x16(first_i32x16(10), load_part_f32x16(&row[c], 10), top));
        }
        const float largest = largest_f32x16(top);
        {
            const int c = 0;
            const f32x16 power = exp_f32x16(load_part_f32x16(&row[c], 10) - largest);
            sums += keep_f32x16(first_i32x16(10), power);
        }
        const float sum = sum_f32x16(sums);
        const float log_sum = logf(sum);
        {
            const int c = 0;
            const f32x16 truth = load_part_f32x16(&t[c], 10), part = truth * ((largest - load_part_f32x16(&row[c], 10)) + log_sum), v = keep_f32x16(truth != 0.0f, part);
            losses += keep_f32x16(first_i32x16(10), v);
        }
        value = sum_f32x16(losses);
        total += importance * value;
        loss[n] = total;
    }
}

static float run_evaluation_v4(const mlp_weights *w, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 8000);
    float *const dense_1_loss = (float *)(arena + 16000);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v4(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v4((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_sparse_forward_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_v4(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, count * task / 16, count * (task + 1) / 16);
    }
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

/* ---- training ---- */

/* dense_1: categorical_crossentropy of 10 numbers a sample, from the logits. */
LEVEL_v4 static void dense_1_loss_train_v4(const float *p, const float *target, const float *weight, float *loss, float *d_p, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        float total = 0.0f;
        const float importance = weight ? weight[n] : 1.0f;
        const float scale = importance * 1.0f / (float)count;
        const float *const row = &p[n * 10];
        const float *const t = &target[n * 10];
        float *const d = &d_p[n * 10];
        float value;
        f32x16 losses = {0};
        f32x16 targets = {0};
        f32x16 top = (f32x16){0} + row[0], sums = {0};
        {
            const int c = 0;
            top = max_f32x16(top, select_f32x16(first_i32x16(10), load_part_f32x16(&row[c], 10), top));
        }
        const float largest = largest_f32x16(top);
        {
            const int c = 0;
            const f32x16 power = exp_f32x16(load_part_f32x16(&row[c], 10) - largest);
            sums += keep_f32x16(first_i32x16(10), power);
            const f32x16 truth = load_part_f32x16(&t[c], 10);
            targets += keep_f32x16(first_i32x16(10), truth);
            store_part_f32x16(&d[c], power, 10);
        }
        const float sum = sum_f32x16(sums);
        const float log_sum = logf(sum);
        const float share = sum_f32x16(targets) / sum;
        {
            const int c = 0;
            const f32x16 truth = load_part_f32x16(&t[c], 10), part = truth * ((largest - load_part_f32x16(&row[c], 10)) + log_sum), v = keep_f32x16(truth != 0.0f, part);
            losses += keep_f32x16(first_i32x16(10), v);
            const f32x16 g = (load_part_f32x16(&d[c], 10) * share - truth) * scale;
            store_part_f32x16(&d[c], g, 10);
        }
        value = sum_f32x16(losses);
        total += importance * value;
        loss[n] = total;
    }
}

/* dense_1: d_x[i] = sum over o of d_y[o] kernel[i][o]. */
LEVEL_v4 static void dense_1_input_gradient_v4(const float (*d_y)[10], const float (*kernel)[512][16], float (*d_x)[512], float *work, const float (*e0)[512], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    float (*const turned)[64] = (float (*)[64])(work + task * 1024);
    const ptrdiff_t from = 0, to = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 64;
        const ptrdiff_t next = part + 1 < 8 ? i + 64 : 0;
        for (int p = 0; p < 1; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 64; r += 4) transpose4_f32x16(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 64);
            }
        }
        ptrdiff_t m = from;
        for (; m + 4 <= to; m += 4) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
            f32x16 s1_0 = {0}; f32x16 s1_1 = {0}; f32x16 s1_2 = {0}; f32x16 s1_3 = {0};
            f32x16 s2_0 = {0}; f32x16 s2_1 = {0}; f32x16 s2_2 = {0}; f32x16 s2_3 = {0};
            f32x16 s3_0 = {0}; f32x16 s3_1 = {0}; f32x16 s3_2 = {0}; f32x16 s3_3 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 4; t++) {
                for (int at = 0; at < 64; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 64; line++) __builtin_prefetch(kernel[line / 64][next + line % 64], 0);
                for (int j = 10 * t / 4; j < 10 * (t + 1) / 4; j++) {
                    const f32x16 w0 = load_f32x16(turned[j] + 0 * 16); const f32x16 w1 = load_f32x16(turned[j] + 1 * 16); const f32x16 w2 = load_f32x16(turned[j] + 2 * 16); const f32x16 w3 = load_f32x16(turned[j] + 3 * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                    s1_0 += a[j + 10] * w0; s1_1 += a[j + 10] * w1; s1_2 += a[j + 10] * w2; s1_3 += a[j + 10] * w3;
                    s2_0 += a[j + 20] * w0; s2_1 += a[j + 20] * w1; s2_2 += a[j + 20] * w2; s2_3 += a[j + 20] * w3;
                    s3_0 += a[j + 30] * w0; s3_1 += a[j + 30] * w1; s3_2 += a[j + 30] * w2; s3_3 += a[j + 30] * w3;
                }
            }
            s0_0 = keep_f32x16(load_f32x16(&e0[m][i]) > 0.0f, s0_0);
            store_f32x16(&d_x[m][i], s0_0);
            s0_1 = keep_f32x16(load_f32x16(&e0[m][i + 16]) > 0.0f, s0_1);
            store_f32x16(&d_x[m][i + 16], s0_1);
            s0_2 = keep_f32x16(load_f32x16(&e0[m][i + 32]) > 0.0f, s0_2);
            store_f32x16(&d_x[m][i + 32], s0_2);
            s0_3 = keep_f32x16(load_f32x16(&e0[m][i + 48]) > 0.0f, s0_3);
            store_f32x16(&d_x[m][i + 48], s0_3);
            s1_0 = keep_f32x16(load_f32x16(&e0[m + 1][i]) > 0.0f, s1_0);
            store_f32x16(&d_x[m + 1][i], s1_0);
            s1_1 = keep_f32x16(load_f32x16(&e0[m + 1][i + 16]) > 0.0f, s1_1);
            store_f32x16(&d_x[m + 1][i + 16], s1_1);
            s1_2 = keep_f32x16(load_f32x16(&e0[m + 1][i + 32]) > 0.0f, s1_2);
            store_f32x16(&d_x[m + 1][i + 32], s1_2);
            s1_3 = keep_f32x16(load_f32x16(&e0[m + 1][i + 48]) > 0.0f, s1_3);
            store_f32x16(&d_x[m + 1][i + 48], s1_3);
            s2_0 = keep_f32x16(load_f32x16(&e0[m + 2][i]) > 0.0f, s2_0);
            store_f32x16(&d_x[m + 2][i], s2_0);
            s2_1 = keep_f32x16(load_f32x16(&e0[m + 2][i + 16]) > 0.0f, s2_1);
            store_f32x16(&d_x[m + 2][i + 16], s2_1);
            s2_2 = keep_f32x16(load_f32x16(&e0[m + 2][i + 32]) > 0.0f, s2_2);
            store_f32x16(&d_x[m + 2][i + 32], s2_2);
            s2_3 = keep_f32x16(load_f32x16(&e0[m + 2][i + 48]) > 0.0f, s2_3);
            store_f32x16(&d_x[m + 2][i + 48], s2_3);
            s3_0 = keep_f32x16(load_f32x16(&e0[m + 3][i]) > 0.0f, s3_0);
            store_f32x16(&d_x[m + 3][i], s3_0);
            s3_1 = keep_f32x16(load_f32x16(&e0[m + 3][i + 16]) > 0.0f, s3_1);
            store_f32x16(&d_x[m + 3][i + 16], s3_1);
            s3_2 = keep_f32x16(load_f32x16(&e0[m + 3][i + 32]) > 0.0f, s3_2);
            store_f32x16(&d_x[m + 3][i + 32], s3_2);
            s3_3 = keep_f32x16(load_f32x16(&e0[m + 3][i + 48]) > 0.0f, s3_3);
            store_f32x16(&d_x[m + 3][i + 48], s3_3);
        }
        for (; m < to; m++) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 64; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 64; line++) __builtin_prefetch(kernel[line / 64][next + line % 64], 0);
                for (int j = 10 * t / 1; j < 10 * (t + 1) / 1; j++) {
                    const f32x16 w0 = load_f32x16(turned[j] + 0 * 16); const f32x16 w1 = load_f32x16(turned[j] + 1 * 16); const f32x16 w2 = load_f32x16(turned[j] + 2 * 16); const f32x16 w3 = load_f32x16(turned[j] + 3 * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                }
            }
            s0_0 = keep_f32x16(load_f32x16(&e0[m][i]) > 0.0f, s0_0);
            store_f32x16(&d_x[m][i], s0_0);
            s0_1 = keep_f32x16(load_f32x16(&e0[m][i + 16]) > 0.0f, s0_1);
            store_f32x16(&d_x[m][i + 16], s0_1);
            s0_2 = keep_f32x16(load_f32x16(&e0[m][i + 32]) > 0.0f, s0_2);
            store_f32x16(&d_x[m][i + 32], s0_2);
            s0_3 = keep_f32x16(load_f32x16(&e0[m][i + 48]) > 0.0f, s0_3);
            store_f32x16(&d_x[m][i + 48], s0_3);
        }
    }
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_1_weight_gradient_v4(const float (*x)[512], const float (*d_y)[10], float (*w)[512][16], float (*slot0)[512][16], float (*slot1)[512][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 16;
        {
            f32x16 s0_0 = {0};
            f32x16 s1_0 = {0};
            f32x16 s2_0 = {0};
            f32x16 s3_0 = {0};
            f32x16 s4_0 = {0};
            f32x16 s5_0 = {0};
            f32x16 s6_0 = {0};
            f32x16 s7_0 = {0};
            f32x16 s8_0 = {0};
            f32x16 s9_0 = {0};
            f32x16 s10_0 = {0};
            f32x16 s11_0 = {0};
            f32x16 s12_0 = {0};
            f32x16 s13_0 = {0};
            f32x16 s14_0 = {0};
            f32x16 s15_0 = {0};
            for (int t = 0; t < 16; t++) {
                __builtin_prefetch(w[0][i + t], 1);
                __builtin_prefetch(slot0[0][i + t], 1);
                __builtin_prefetch(slot1[0][i + t], 1);
                for (ptrdiff_t m = samples * t / 16; m < samples * (t + 1) / 16; m++) {
                    const float *const a = &x[m][i];
                    const float *const d = d_y[m];
                    const f32x16 d0 = load_part_f32x16(d + (0) * 16, 10);
                    const f32x16 w0 = d0;
                    s0_0 += a[0] * w0;
                    s1_0 += a[1] * w0;
                    s2_0 += a[2] * w0;
                    s3_0 += a[3] * w0;
                    s4_0 += a[4] * w0;
                    s5_0 += a[5] * w0;
                    s6_0 += a[6] * w0;
                    s7_0 += a[7] * w0;
                    s8_0 += a[8] * w0;
                    s9_0 += a[9] * w0;
                    s10_0 += a[10] * w0;
                    s11_0 += a[11] * w0;
                    s12_0 += a[12] * w0;
                    s13_0 += a[13] * w0;
                    s14_0 += a[14] * w0;
                    s15_0 += a[15] * w0;
                }
            }
            const f32x16 sums[16][1] = {
                {s0_0},
                {s1_0},
                {s2_0},
                {s3_0},
                {s4_0},
                {s5_0},
                {s6_0},
                {s7_0},
                {s8_0},
                {s9_0},
                {s10_0},
                {s11_0},
                {s12_0},
                {s13_0},
                {s14_0},
                {s15_0},
            };
            for (int q = 0; q < 1; q++) {
                for (int t = 0; t < 16; t++) {
                    {
                        f32x16 g = sums[t][q];
                        f32x16 v = load_f32x16(&w[q][i + t][0]);
                        f32x16 m0 = load_f32x16(&slot0[q][i + t][0]);
                        f32x16 m1 = load_f32x16(&slot1[q][i + t][0]);
                        m0 += (g - m0) * 0.1f;
                        m1 += (g * g - m1) * 0.001f;
                        v -= m0 * alpha / (sqrt_f32x16(m1) + 1e-07f);
                        store_f32x16(&slot0[q][i + t][0], m0);
                        store_f32x16(&slot1[q][i + t][0], m1);
                        store_f32x16(&w[q][i + t][0], v);
                    }
                }
            }
        }
    }
}

/* dense_1: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v4 static void dense_1_bias_gradient_part_v4(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    {
        f32x16 s0_0 = load_part_f32x16(&shards[0], 10);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_part_f32x16(&d_y[m * 10], 10);
        }
        store_part_f32x16(&shards[0], s0_0, 10);
    }
}

/* dense_1: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v4 static void dense_1_bias_gradient_v4(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 10 ? last * 256 : 10;
    ptrdiff_t i = first * 256;
    for (; i + 16 <= end; i += 16) {
        f32x16 sum = load_f32x16(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x16(&shards[s * 10 + i]);
        store_f32x16(&d_bias[i], sum);
    }
    for (; i < end; i++) {
        float sum = shards[i];
        for (int s = 1; s < 16; s++) sum += shards[s * 10 + i];
        d_bias[i] = sum;
    }
}

/* dense: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v4 static void dense_bias_gradient_part_v4(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    for (int k = 0; k < 32; k += 8) {
        f32x16 s0_0 = load_f32x16(&shards[k * 16]);
        f32x16 s0_1 = load_f32x16(&shards[(k + 1) * 16]);
        f32x16 s0_2 = load_f32x16(&shards[(k + 2) * 16]);
        f32x16 s0_3 = load_f32x16(&shards[(k + 3) * 16]);
        f32x16 s0_4 = load_f32x16(&shards[(k + 4) * 16]);
        f32x16 s0_5 = load_f32x16(&shards[(k + 5) * 16]);
        f32x16 s0_6 = load_f32x16(&shards[(k + 6) * 16]);
        f32x16 s0_7 = load_f32x16(&shards[(k + 7) * 16]);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x16(&d_y[m * 512 + k * 16]);
            s0_1 += load_f32x16(&d_y[m * 512 + (k + 1) * 16]);
            s0_2 += load_f32x16(&d_y[m * 512 + (k + 2) * 16]);
            s0_3 += load_f32x16(&d_y[m * 512 + (k + 3) * 16]);
            s0_4 += load_f32x16(&d_y[m * 512 + (k + 4) * 16]);
            s0_5 += load_f32x16(&d_y[m * 512 + (k + 5) * 16]);
            s0_6 += load_f32x16(&d_y[m * 512 + (k + 6) * 16]);
            s0_7 += load_f32x16(&d_y[m * 512 + (k + 7) * 16]);
        }
        store_f32x16(&shards[k * 16], s0_0);
        store_f32x16(&shards[(k + 1) * 16], s0_1);
        store_f32x16(&shards[(k + 2) * 16], s0_2);
        store_f32x16(&shards[(k + 3) * 16], s0_3);
        store_f32x16(&shards[(k + 4) * 16], s0_4);
        store_f32x16(&shards[(k + 5) * 16], s0_5);
        store_f32x16(&shards[(k + 6) * 16], s0_6);
        store_f32x16(&shards[(k + 7) * 16], s0_7);
    }
}

/* dense: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v4 static void dense_bias_gradient_v4(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 512 ? last * 256 : 512;
    ptrdiff_t i = first * 256;
    for (; i + 16 <= end; i += 16) {
        f32x16 sum = load_f32x16(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x16(&shards[s * 512 + i]);
        store_f32x16(&d_bias[i], sum);
    }
}

/* dense_1/bias: one step of adam on dense_1/bias. */
LEVEL_v4 static void dense_1_bias_update_v4(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 10 ? last * 1024 : 10;
    ptrdiff_t i = first * 1024;
    for (; i + 16 <= end; i += 16)
        {
        f32x16 g = load_f32x16(&d_w[i]);
        f32x16 v = load_f32x16(&w[i]);
        f32x16 m0 = load_f32x16(&slot0[i]);
        f32x16 m1 = load_f32x16(&slot1[i]);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x16(m1) + 1e-07f);
        store_f32x16(&slot0[i], m0);
        store_f32x16(&slot1[i], m1);
        store_f32x16(&w[i], v);
    }
    for (; i < end; i++)
        {
        f32x16 g = load_part_f32x16(&d_w[i], 1);
        f32x16 v = load_part_f32x16(&w[i], 1);
        f32x16 m0 = load_part_f32x16(&slot0[i], 1);
        f32x16 m1 = load_part_f32x16(&slot1[i], 1);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x16(m1) + 1e-07f);
        store_part_f32x16(&slot0[i], m0, 1);
        store_part_f32x16(&slot1[i], m1, 1);
        store_part_f32x16(&w[i], v, 1);
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_weight_gradient_v4(const float (*x)[784], const float (*d_y)[512], float (*w)[784][16], float (*slot0)[784][16], float (*slot1)[784][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    int32_t bits[7][16];
    uint16_t listed[224];
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        if (part == first || i % 16 == 0) {
            for (ptrdiff_t start = 0; start < samples; start += 32) {
                const int end = samples - start < 32 ? (int)(samples - start) : 32;
                i32x16 found = {0};
                for (int m = 0; m < end; m++) found |= (load_f32x16(&x[start + m][i / 16 * 16]) != 0.0f) & (int32_t)(1u << m);
                store_part_i32x16(bits[start / 32], found, 16);
            }
        }
        int listed_count = 0;
        for (ptrdiff_t start = 0; start < samples; start += 32) {
            uint32_t left = 0;
            for (int t = 0; t < 4; t++) left |= (uint32_t)bits[start / 32][i % 16 + t];
            for (; left; left &= left - 1) listed[listed_count++] = (uint16_t)(start + __builtin_ctz(left));
        }
        for (int k = 0; k < 32; k += 4) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
            f32x16 s1_0 = {0}; f32x16 s1_1 = {0}; f32x16 s1_2 = {0}; f32x16 s1_3 = {0};
            f32x16 s2_0 = {0}; f32x16 s2_1 = {0}; f32x16 s2_2 = {0}; f32x16 s2_3 = {0};
            f32x16 s3_0 = {0}; f32x16 s3_1 = {0}; f32x16 s3_2 = {0}; f32x16 s3_3 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[k][i + t], 1);
                __builtin_prefetch(slot0[k][i + t], 1);
                __builtin_prefetch(slot1[k][i + t], 1);
                __builtin_prefetch(w[k + 1][i + t], 1);
                __builtin_prefetch(slot0[k + 1][i + t], 1);
                __builtin_prefetch(slot1[k + 1][i + t], 1);
                __builtin_prefetch(w[k + 2][i + t], 1);
                __builtin_prefetch(slot0[k + 2][i + t], 1);
                __builtin_prefetch(slot1[k + 2][i + t], 1);
                __builtin_prefetch(w[k + 3][i + t], 1);
                __builtin_prefetch(slot0[k + 3][i + t], 1);
                __builtin_prefetch(slot1[k + 3][i + t], 1);
            }
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x16 d0 = load_f32x16(d + k * 16);
                const f32x16 d1 = load_f32x16(d + (k + 1) * 16);
                const f32x16 d2 = load_f32x16(d + (k + 2) * 16);
                const f32x16 d3 = load_f32x16(d + (k + 3) * 16);
                const f32x16 w0 = d0; const f32x16 w1 = d1; const f32x16 w2 = d2; const f32x16 w3 = d3;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2; s0_3 += a[0] * w3;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2; s1_3 += a[1] * w3;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1; s2_2 += a[2] * w2; s2_3 += a[2] * w3;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1; s3_2 += a[3] * w2; s3_3 += a[3] * w3;
            }
            const f32x16 sums[4][4] = {
                {s0_0, s0_1, s0_2, s0_3},
                {s1_0, s1_1, s1_2, s1_3},
                {s2_0, s2_1, s2_2, s2_3},
                {s3_0, s3_1, s3_2, s3_3},
            };
            for (int q = 0; q < 4; q++) {
                for (int t = 0; t < 4; t++) {
                    {
                        f32x16 g = sums[t][q];
                        f32x16 v = load_f32x16(&w[k + q][i + t][0]);
                        f32x16 m0 = load_f32x16(&slot0[k + q][i + t][0]);
                        f32x16 m1 = load_f32x16(&slot1[k + q][i + t][0]);
                        m0 += (g - m0) * 0.1f;
                        m1 += (g * g - m1) * 0.001f;
                        v -= m0 * alpha / (sqrt_f32x16(m1) + 1e-07f);
                        store_f32x16(&slot0[k + q][i + t][0], m0);
                        store_f32x16(&slot1[k + q][i + t][0], m1);
                        store_f32x16(&w[k + q][i + t][0], v);
                    }
                }
            }
        }
    }
}

/* dense/bias: one step of adam on dense/bias. */
LEVEL_v4 static void dense_bias_update_v4(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 512 ? last * 1024 : 512;
    ptrdiff_t i = first * 1024;
    for (; i + 16 <= end; i += 16)
        {
        f32x16 g = load_f32x16(&d_w[i]);
        f32x16 v = load_f32x16(&w[i]);
        f32x16 m0 = load_f32x16(&slot0[i]);
        f32x16 m1 = load_f32x16(&slot1[i]);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x16(m1) + 1e-07f);
        store_f32x16(&slot0[i], m0);
        store_f32x16(&slot1[i], m1);
        store_f32x16(&w[i], v);
    }
}

static float run_training_v4(mlp_weights *w, mlp_weights *slots, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const d_dense_1_bias = (float *)(arena + 662656);
    float *const d_dense_bias = (float *)(arena + 659968);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_31 = (float *)(arena + 662016);
    float *const dense_workspace_32 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v4(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v4((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_sparse_forward_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_v4(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    if (step->refuse_nan) {
        float zero = 0;
        for (ptrdiff_t n = 0; n < count; n++) zero += 0.0F * dense_1_loss[n];
        if (!(zero == 0)) return NAN;
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_input_gradient_v4(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v4(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_31 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_32 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v4(&d_dense_1_linear[n][0], dense_1_workspace_31 + task * 10, 0, 1);
            dense_bias_gradient_part_v4(&d_dense[n][0], dense_workspace_32 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_v4(d_dense_1_bias, dense_1_workspace_31, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_v4(d_dense_bias, dense_workspace_32, task, task + 1);
    }
    dense_1_bias_update_v4(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v4((const float (*)[784])rescaling_out, d_dense, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    dense_bias_update_v4(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_1_weight_gradient_gradients_v4(const float (*x)[512], const float (*d_y)[10], float (*d_kernel)[512][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 16;
        {
            f32x16 s0_0 = {0};
            f32x16 s1_0 = {0};
            f32x16 s2_0 = {0};
            f32x16 s3_0 = {0};
            f32x16 s4_0 = {0};
            f32x16 s5_0 = {0};
            f32x16 s6_0 = {0};
            f32x16 s7_0 = {0};
            f32x16 s8_0 = {0};
            f32x16 s9_0 = {0};
            f32x16 s10_0 = {0};
            f32x16 s11_0 = {0};
            f32x16 s12_0 = {0};
            f32x16 s13_0 = {0};
            f32x16 s14_0 = {0};
            f32x16 s15_0 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x16 d0 = load_part_f32x16(d + (0) * 16, 10);
                const f32x16 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
                s4_0 += a[4] * w0;
                s5_0 += a[5] * w0;
                s6_0 += a[6] * w0;
                s7_0 += a[7] * w0;
                s8_0 += a[8] * w0;
                s9_0 += a[9] * w0;
                s10_0 += a[10] * w0;
                s11_0 += a[11] * w0;
                s12_0 += a[12] * w0;
                s13_0 += a[13] * w0;
                s14_0 += a[14] * w0;
                s15_0 += a[15] * w0;
            }
            store_f32x16(&d_kernel[0][i][0], s0_0);
            store_f32x16(&d_kernel[0][i + 1][0], s1_0);
            store_f32x16(&d_kernel[0][i + 2][0], s2_0);
            store_f32x16(&d_kernel[0][i + 3][0], s3_0);
            store_f32x16(&d_kernel[0][i + 4][0], s4_0);
            store_f32x16(&d_kernel[0][i + 5][0], s5_0);
            store_f32x16(&d_kernel[0][i + 6][0], s6_0);
            store_f32x16(&d_kernel[0][i + 7][0], s7_0);
            store_f32x16(&d_kernel[0][i + 8][0], s8_0);
            store_f32x16(&d_kernel[0][i + 9][0], s9_0);
            store_f32x16(&d_kernel[0][i + 10][0], s10_0);
            store_f32x16(&d_kernel[0][i + 11][0], s11_0);
            store_f32x16(&d_kernel[0][i + 12][0], s12_0);
            store_f32x16(&d_kernel[0][i + 13][0], s13_0);
            store_f32x16(&d_kernel[0][i + 14][0], s14_0);
            store_f32x16(&d_kernel[0][i + 15][0], s15_0);
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_weight_gradient_gradients_v4(const float (*x)[784], const float (*d_y)[512], float (*d_kernel)[784][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    int32_t bits[7][16];
    uint16_t listed[224];
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        if (part == first || i % 16 == 0) {
            for (ptrdiff_t start = 0; start < samples; start += 32) {
                const int end = samples - start < 32 ? (int)(samples - start) : 32;
                i32x16 found = {0};
                for (int m = 0; m < end; m++) found |= (load_f32x16(&x[start + m][i / 16 * 16]) != 0.0f) & (int32_t)(1u << m);
                store_part_i32x16(bits[start / 32], found, 16);
            }
        }
        int listed_count = 0;
        for (ptrdiff_t start = 0; start < samples; start += 32) {
            uint32_t left = 0;
            for (int t = 0; t < 4; t++) left |= (uint32_t)bits[start / 32][i % 16 + t];
            for (; left; left &= left - 1) listed[listed_count++] = (uint16_t)(start + __builtin_ctz(left));
        }
        for (int k = 0; k < 32; k += 4) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
            f32x16 s1_0 = {0}; f32x16 s1_1 = {0}; f32x16 s1_2 = {0}; f32x16 s1_3 = {0};
            f32x16 s2_0 = {0}; f32x16 s2_1 = {0}; f32x16 s2_2 = {0}; f32x16 s2_3 = {0};
            f32x16 s3_0 = {0}; f32x16 s3_1 = {0}; f32x16 s3_2 = {0}; f32x16 s3_3 = {0};
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x16 d0 = load_f32x16(d + k * 16);
                const f32x16 d1 = load_f32x16(d + (k + 1) * 16);
                const f32x16 d2 = load_f32x16(d + (k + 2) * 16);
                const f32x16 d3 = load_f32x16(d + (k + 3) * 16);
                const f32x16 w0 = d0; const f32x16 w1 = d1; const f32x16 w2 = d2; const f32x16 w3 = d3;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2; s0_3 += a[0] * w3;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2; s1_3 += a[1] * w3;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1; s2_2 += a[2] * w2; s2_3 += a[2] * w3;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1; s3_2 += a[3] * w2; s3_3 += a[3] * w3;
            }
            store_f32x16(&d_kernel[k][i][0], s0_0);
            store_f32x16(&d_kernel[k + 1][i][0], s0_1);
            store_f32x16(&d_kernel[k + 2][i][0], s0_2);
            store_f32x16(&d_kernel[k + 3][i][0], s0_3);
            store_f32x16(&d_kernel[k][i + 1][0], s1_0);
            store_f32x16(&d_kernel[k + 1][i + 1][0], s1_1);
            store_f32x16(&d_kernel[k + 2][i + 1][0], s1_2);
            store_f32x16(&d_kernel[k + 3][i + 1][0], s1_3);
            store_f32x16(&d_kernel[k][i + 2][0], s2_0);
            store_f32x16(&d_kernel[k + 1][i + 2][0], s2_1);
            store_f32x16(&d_kernel[k + 2][i + 2][0], s2_2);
            store_f32x16(&d_kernel[k + 3][i + 2][0], s2_3);
            store_f32x16(&d_kernel[k][i + 3][0], s3_0);
            store_f32x16(&d_kernel[k + 1][i + 3][0], s3_1);
            store_f32x16(&d_kernel[k + 2][i + 3][0], s3_2);
            store_f32x16(&d_kernel[k + 3][i + 3][0], s3_3);
        }
    }
}

static float run_gradients_v4(const mlp_weights *w, mlp_weights *gradients, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_23 = (float *)(arena + 659968);
    float *const dense_workspace_24 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v4(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v4((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_sparse_forward_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_v4(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_input_gradient_v4(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_gradients_v4(dense_linear_out, d_dense_1_linear, gradients->dense_1_kernel, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_23 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_24 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v4(&d_dense_1_linear[n][0], dense_1_workspace_23 + task * 10, 0, 1);
            dense_bias_gradient_part_v4(&d_dense[n][0], dense_workspace_24 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_v4(gradients->dense_1_bias, dense_1_workspace_23, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_v4(gradients->dense_bias, dense_workspace_24, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_gradients_v4((const float (*)[784])rescaling_out, d_dense, gradients->dense_kernel, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        total += sum;
    }
    return (float)(total / (double)count);
}

/* input/float32: bytes as floats. */
LEVEL_v4 static void input_float32_forward_v4(const uint8_t *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 784;
    for (; i + 16 <= last * 784; i += 16) {
        const i32x16 bytes = load_u8_i32x16(&x[i]);
        f32x16 v = __builtin_convertvector(bytes, f32x16);
        v = v * 0.003921569f;
        store_f32x16(&y[i], v);
    }
}

static float run_evaluation_bytes_v4(const mlp_weights *w, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 8000);
    float *const dense_1_loss = (float *)(arena + 16000);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        input_float32_forward_v4(input, &input_float32_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v4((const float (*)[784])input_float32_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_sparse_forward_v4((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_v4(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, count * task / 16, count * (task + 1) / 16);
    }
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

static float run_training_bytes_v4(mlp_weights *w, mlp_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const d_dense_1_bias = (float *)(arena + 662656);
    float *const d_dense_bias = (float *)(arena + 659968);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_32 = (float *)(arena + 662016);
    float *const dense_workspace_33 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        input_float32_forward_v4(input, &input_float32_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v4((const float (*)[784])input_float32_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_sparse_forward_v4((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_v4(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    if (step->refuse_nan) {
        float zero = 0;
        for (ptrdiff_t n = 0; n < count; n++) zero += 0.0F * dense_1_loss[n];
        if (!(zero == 0)) return NAN;
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_input_gradient_v4(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v4(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_32 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_33 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v4(&d_dense_1_linear[n][0], dense_1_workspace_32 + task * 10, 0, 1);
            dense_bias_gradient_part_v4(&d_dense[n][0], dense_workspace_33 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_v4(d_dense_1_bias, dense_1_workspace_32, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_v4(d_dense_bias, dense_workspace_33, task, task + 1);
    }
    dense_1_bias_update_v4(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v4((const float (*)[784])input_float32_out, d_dense, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    dense_bias_update_v4(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

#endif

#if defined(__x86_64__)
/* ---- x86-64-v3: vectors of 8 floats, 16 registers ---- */

typedef float f32x8 __attribute__((vector_size(4 * 8)));
typedef int32_t i32x8 __attribute__((vector_size(4 * 8)));
typedef uint32_t u32x8 __attribute__((vector_size(4 * 8)));
typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint8_t u8x8_at __attribute__((vector_size(8), aligned(1), may_alias));
typedef float f32x8_at __attribute__((vector_size(4 * 8), aligned(4), may_alias)); /* anywhere in memory */

LEVEL_v3 INLINE static inline f32x8 load_f32x8(const float *from)
{
    return *(const f32x8_at *)from;
}

LEVEL_v3 INLINE static inline void store_f32x8(float *to, f32x8 x)
{
    *(f32x8_at *)to = x;
}

/* The first `count` numbers, a constant from 1 to 8 - 1; the rest zero. */
LEVEL_v3 INLINE static inline f32x8 load_part_f32x8(const float *from, int count)
{
    return (f32x8)__builtin_ia32_maskloadps256((const f32x8 *)from, (i32x8){0, 1, 2, 3, 4, 5, 6, 7} < count);
}

LEVEL_v3 INLINE static inline void store_part_f32x8(float *to, f32x8 x, int count)
{
    /* in pieces: masked stores without mask registers are slow on some machines */
    typedef float Half __attribute__((vector_size(16), aligned(4), may_alias));
    Half y = {x[0], x[1], x[2], x[3]};
    if (count & 4) {
        *(Half *)to = y;
        y = (Half){x[4], x[5], x[6], x[7]};
    }
    if (count & 2) memcpy(to + (count & 4), &y, 2 * sizeof(float));
    if (count & 1) to[count - 1] = y[count & 2];
}

/* Whole numbers kept in bytes. gcc takes __builtin_convertvector between these lengths apart into single numbers. */
LEVEL_v3 INLINE static inline i32x8 load_u8_i32x8(const uint8_t *from)
{
#if !defined(__clang__)
    typedef long long Pair __attribute__((vector_size(16)));
    typedef char Bytes __attribute__((vector_size(16)));
    long long bytes;
    memcpy(&bytes, from, sizeof bytes);
    return (i32x8)__builtin_ia32_pmovzxbd256((Bytes)(Pair){bytes, 0});
#else
    return __builtin_convertvector(*(const u8x8_at *)from, i32x8);
#endif
}

LEVEL_v3 INLINE static inline void store_part_i32x8(int32_t *to, i32x8 x, size_t count)
{
    memcpy(to, &x, count * sizeof(int32_t));
}

/* A bit for each lane of a mask. */
LEVEL_v3 INLINE static inline uint32_t bits_i32x8(i32x8 mask)
{
    return (uint32_t)__builtin_ia32_movmskps256((f32x8)mask);
}

/* The 4x4 floats at `from`, whose rows lie `row` apart, with rows and columns exchanged. */
LEVEL_v3 static inline void transpose4_f32x8(const float *from, ptrdiff_t row, float *to, ptrdiff_t to_row)
{
    typedef float quad __attribute__((vector_size(16)));
    typedef float quad_at __attribute__((vector_size(16), aligned(4), may_alias));
    const quad a = *(const quad_at *)from, b = *(const quad_at *)(from + row);
    const quad c = *(const quad_at *)(from + 2 * row), d = *(const quad_at *)(from + 3 * row);
#if defined(__clang__)
    const quad even = __builtin_shufflevector(a, c, 0, 4, 1, 5), even2 = __builtin_shufflevector(a, c, 2, 6, 3, 7);
    const quad odd = __builtin_shufflevector(b, d, 0, 4, 1, 5), odd2 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
    *(quad_at *)to = __builtin_shufflevector(even, odd, 0, 4, 1, 5);
    *(quad_at *)(to + to_row) = __builtin_shufflevector(even, odd, 2, 6, 3, 7);
    *(quad_at *)(to + 2 * to_row) = __builtin_shufflevector(even2, odd2, 0, 4, 1, 5);
    *(quad_at *)(to + 3 * to_row) = __builtin_shufflevector(even2, odd2, 2, 6, 3, 7);
#else
    typedef int32_t places __attribute__((vector_size(16)));
    const places low = {0, 4, 1, 5}, high = {2, 6, 3, 7};
    const quad even = __builtin_shuffle(a, c, low), even2 = __builtin_shuffle(a, c, high);
    const quad odd = __builtin_shuffle(b, d, low), odd2 = __builtin_shuffle(b, d, high);
    *(quad_at *)to = __builtin_shuffle(even, odd, low);
    *(quad_at *)(to + to_row) = __builtin_shuffle(even, odd, high);
    *(quad_at *)(to + 2 * to_row) = __builtin_shuffle(even2, odd2, low);
    *(quad_at *)(to + 3 * to_row) = __builtin_shuffle(even2, odd2, high);
#endif
}

/* x where the mask is set, else zero. */
LEVEL_v3 INLINE static inline f32x8 keep_f32x8(i32x8 mask, f32x8 x)
{
    return (f32x8)(mask & (i32x8)x);
}

LEVEL_v3 INLINE static inline f32x8 select_f32x8(i32x8 mask, f32x8 x, f32x8 y)
{
    return (f32x8)((mask & (i32x8)x) | (~mask & (i32x8)y));
}

/* The larger; b where one is not a number. */
LEVEL_v3 INLINE static inline f32x8 max_f32x8(f32x8 a, f32x8 b)
{
    return (f32x8)__builtin_ia32_maxps256(a, b);
}

LEVEL_v3 INLINE static inline f32x8 sqrt_f32x8(f32x8 x)
{
    return (f32x8)__builtin_ia32_sqrtps256(x);
}

/* e^x within 2 units in the last place: x = k ln 2 + r, e^r by its Taylor polynomial on |r| <= ln 2 / 2, and
 * 2^k by the exponent's bits. Above 88.72 infinity, below -87.33 zero; what is not a number stays so. */
LEVEL_v3 INLINE static inline f32x8 exp_f32x8(f32x8 x)
{
    f32x8 zero = {0}, k = x * 1.44269504f + 12582912.0f; /* adding 1.5 * 2^23 rounds to a whole number */
    i32x8 bits = (i32x8)k - 0x4b400000;
    k = k - 12582912.0f;
    f32x8 r = (x - k * 0.693359375f) - k * -2.12194440e-4f; /* ln 2 in two parts, the first exact in few bits */
    f32x8 p = 1.0f / 5040 + zero;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    i32x8 half = bits >> 1; /* in two steps, so that 2^128 does not arise on the way */
    f32x8 y = p * (f32x8)((half + 127) << 23) * (f32x8)((bits - half + 127) << 23);
    y = select_f32x8(x > 88.72283f, zero + INFINITY, y);
    y = keep_f32x8(~(x < -87.33654f), y);
    return select_f32x8(x == x, y, x);
}

/* All ones in the first `count` places. */
LEVEL_v3 INLINE static inline i32x8 first_i32x8(int count)
{
    i32x8 place;
    for (int i = 0; i < 8; i++) place[i] = i;
    return place < count;
}

LEVEL_v3 INLINE static inline float sum_f32x8(f32x8 x)
{
    float sum = x[0];
    for (int i = 1; i < 8; i++) sum += x[i];
    return sum;
}

LEVEL_v3 INLINE static inline float largest_f32x8(f32x8 x)
{
    float largest = x[0];
    for (int i = 1; i < 8; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/* rescaling: y = x * 0.00392156863 + 0. */
LEVEL_v3 static void rescaling_forward_v3(const float *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 784;
    for (; i + 8 <= last * 784; i += 8) {
        f32x8 v = load_f32x8(&x[i]);
        v = v * 0.003921569f;
        store_f32x8(&y[i], v);
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v3 static void dense_forward_v3(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 8;
        const float *const a = x[0];
        const float *const b0 = &kernel[k / 2][0][k % 2 * 8];
        const float *const b1 = &kernel[(k + 1) / 2][0][(k + 1) % 2 * 8];
        const float *const b2 = &kernel[(k + 2) / 2][0][(k + 2) % 2 * 8];
        const float *const b3 = &kernel[(k + 3) / 2][0][(k + 3) % 2 * 8];
        const float *const b4 = &kernel[(k + 4) / 2][0][(k + 4) % 2 * 8];
        const float *const b5 = &kernel[(k + 5) / 2][0][(k + 5) % 2 * 8];
        const float *const b6 = &kernel[(k + 6) / 2][0][(k + 6) % 2 * 8];
        const float *const b7 = &kernel[(k + 7) / 2][0][(k + 7) % 2 * 8];
        f32x8 s0_0 = {0}; f32x8 s0_1 = {0}; f32x8 s0_2 = {0}; f32x8 s0_3 = {0}; f32x8 s0_4 = {0}; f32x8 s0_5 = {0}; f32x8 s0_6 = {0}; f32x8 s0_7 = {0};
        for (int i = 0; i < 784; i += 64) {
            const int end = 784 - i < 64 ? 784 - i : 64;
            uint64_t found = 0;
            for (int j = 0; j < end; j += 8)
                found |= (uint64_t)bits_i32x8(load_f32x8(a + i + j) != 0.0f) << j;
            for (uint64_t left = found; left; left &= left - 1) {
                const int j = i + __builtin_ctzll(left);
                const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16); const f32x8 w2 = load_f32x8(b2 + j * 16); const f32x8 w3 = load_f32x8(b3 + j * 16); const f32x8 w4 = load_f32x8(b4 + j * 16); const f32x8 w5 = load_f32x8(b5 + j * 16); const f32x8 w6 = load_f32x8(b6 + j * 16); const f32x8 w7 = load_f32x8(b7 + j * 16);
                s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7;
            }
        }
        s0_0 += load_f32x8(&bias[k * 8]);
        s0_1 += load_f32x8(&bias[(k + 1) * 8]);
        s0_2 += load_f32x8(&bias[(k + 2) * 8]);
        s0_3 += load_f32x8(&bias[(k + 3) * 8]);
        s0_4 += load_f32x8(&bias[(k + 4) * 8]);
        s0_5 += load_f32x8(&bias[(k + 5) * 8]);
        s0_6 += load_f32x8(&bias[(k + 6) * 8]);
        s0_7 += load_f32x8(&bias[(k + 7) * 8]);
        s0_0 = max_f32x8((f32x8){0}, s0_0);
        store_f32x8(&y[0][k * 8], s0_0);
        s0_1 = max_f32x8((f32x8){0}, s0_1);
        store_f32x8(&y[0][(k + 1) * 8], s0_1);
        s0_2 = max_f32x8((f32x8){0}, s0_2);
        store_f32x8(&y[0][(k + 2) * 8], s0_2);
        s0_3 = max_f32x8((f32x8){0}, s0_3);
        store_f32x8(&y[0][(k + 3) * 8], s0_3);
        s0_4 = max_f32x8((f32x8){0}, s0_4);
        store_f32x8(&y[0][(k + 4) * 8], s0_4);
        s0_5 = max_f32x8((f32x8){0}, s0_5);
        store_f32x8(&y[0][(k + 5) * 8], s0_5);
        s0_6 = max_f32x8((f32x8){0}, s0_6);
        store_f32x8(&y[0][(k + 6) * 8], s0_6);
        s0_7 = max_f32x8((f32x8){0}, s0_7);
        store_f32x8(&y[0][(k + 7) * 8], s0_7);
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 512 inputs, 10 outputs. */
LEVEL_v3 static void dense_1_forward_v3(const float (*x)[512], const float (*kernel)[512][16], const float *bias, float (*y)[10], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 1;
        if (k < 1) {
            const float *const a = x[0];
            const float *const b0 = &kernel[k / 2][0][k % 2 * 8];
            f32x8 s0_0 = {0};
            f32x8 s1_0 = {0};
            f32x8 s2_0 = {0};
            f32x8 s3_0 = {0};
            f32x8 s4_0 = {0};
            f32x8 s5_0 = {0};
            f32x8 s6_0 = {0};
            f32x8 s7_0 = {0};
            for (int i = 0; i < 512; i += 64) {
                const int end = 512 - i < 64 ? 512 - i : 64;
                uint64_t found = 0;
                for (int j = 0; j < end; j += 8)
                    found |= (uint64_t)bits_i32x8(load_f32x8(a + i + j) != 0.0f) << j;
                int rows[72], listed = 0;
                float factors[72];
                for (uint64_t left = found; left; left &= left - 1) {
                    rows[listed] = i + __builtin_ctzll(left);
                    factors[listed] = a[rows[listed]];
                    listed++;
                }
                for (int t = 0; t < 8; t++) rows[listed + t] = i, factors[listed + t] = 0;
                for (int r = 0; r < listed; r += 8) {
                    s0_0 += factors[r] * load_f32x8(b0 + rows[r] * 16);
                    s1_0 += factors[r + 1] * load_f32x8(b0 + rows[r + 1] * 16);
                    s2_0 += factors[r + 2] * load_f32x8(b0 + rows[r + 2] * 16);
                    s3_0 += factors[r + 3] * load_f32x8(b0 + rows[r + 3] * 16);
                    s4_0 += factors[r + 4] * load_f32x8(b0 + rows[r + 4] * 16);
                    s5_0 += factors[r + 5] * load_f32x8(b0 + rows[r + 5] * 16);
                    s6_0 += factors[r + 6] * load_f32x8(b0 + rows[r + 6] * 16);
                    s7_0 += factors[r + 7] * load_f32x8(b0 + rows[r + 7] * 16);
                }
            }
            s0_0 += s4_0;
            s1_0 += s5_0;
            s2_0 += s6_0;
            s3_0 += s7_0;
            s0_0 += s2_0;
            s1_0 += s3_0;
            s0_0 += s1_0;
            s0_0 += load_f32x8(&bias[k * 8]);
            store_f32x8(&y[0][k * 8], s0_0);
        } else {
            const float *const a = x[0];
            const float *const b0 = &kernel[0][0][8];
            f32x8 s0_0 = {0};
            f32x8 s1_0 = {0};
            f32x8 s2_0 = {0};
            f32x8 s3_0 = {0};
            f32x8 s4_0 = {0};
            f32x8 s5_0 = {0};
            f32x8 s6_0 = {0};
            f32x8 s7_0 = {0};
            for (int i = 0; i < 512; i += 64) {
                const int end = 512 - i < 64 ? 512 - i : 64;
                uint64_t found = 0;
                for (int j = 0; j < end; j += 8)
                    found |= (uint64_t)bits_i32x8(load_f32x8(a + i + j) != 0.0f) << j;
                int rows[72], listed = 0;
                float factors[72];
                for (uint64_t left = found; left; left &= left - 1) {
                    rows[listed] = i + __builtin_ctzll(left);
                    factors[listed] = a[rows[listed]];
                    listed++;
                }
                for (int t = 0; t < 8; t++) rows[listed + t] = i, factors[listed + t] = 0;
                for (int r = 0; r < listed; r += 8) {
                    s0_0 += factors[r] * load_f32x8(b0 + rows[r] * 16);
                    s1_0 += factors[r + 1] * load_f32x8(b0 + rows[r + 1] * 16);
                    s2_0 += factors[r + 2] * load_f32x8(b0 + rows[r + 2] * 16);
                    s3_0 += factors[r + 3] * load_f32x8(b0 + rows[r + 3] * 16);
                    s4_0 += factors[r + 4] * load_f32x8(b0 + rows[r + 4] * 16);
                    s5_0 += factors[r + 5] * load_f32x8(b0 + rows[r + 5] * 16);
                    s6_0 += factors[r + 6] * load_f32x8(b0 + rows[r + 6] * 16);
                    s7_0 += factors[r + 7] * load_f32x8(b0 + rows[r + 7] * 16);
                }
            }
            s0_0 += s4_0;
            s1_0 += s5_0;
            s2_0 += s6_0;
            s3_0 += s7_0;
            s0_0 += s2_0;
            s1_0 += s3_0;
            s0_0 += s1_0;
            s0_0 += load_part_f32x8(&bias[8], 2);
            store_part_f32x8(&y[0][8], s0_0, 2);
        }
    }
}

/* dense_1/softmax: y[c] = e^x[c] / sum over k of e^x[k], 10 classes. */
LEVEL_v3 static void dense_1_softmax_forward_v3(const float *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        for (int m = 0; m < 1; m++) {
            const float *const from = &x[(n + m) * 10];
            float *const to = &y[(n + m) * 10];
            float largest = from[0];
            f32x8 most = load_f32x8(from), sums = {0};
            for (int c = 8; c < 8; c += 8) most = max_f32x8(load_f32x8(&from[c]), most);
            largest = largest_f32x8(most);
            for (int c = 8; c < 10; c++) largest = from[c] > largest ? from[c] : largest;
            for (int c = 0; c < 8; c += 8) {
                const f32x8 v = exp_f32x8(load_f32x8(&from[c]) - largest);
                store_f32x8(&to[c], v);
                sums += v;
            }
            {
                const int c = 8;
                const f32x8 v = exp_f32x8(load_part_f32x8(&from[c], 2) - largest);
                store_part_f32x8(&to[c], v, 2);
            }
            float sum = sum_f32x8(sums);
            for (int c = 8; c < 10; c++) sum += to[c];
            const float share = 1.0f / sum;
            for (int c = 0; c < 8; c += 8) {
                store_f32x8(&to[c], load_f32x8(&to[c]) * share);
            }
            {
                const int c = 8;
                store_part_f32x8(&to[c], load_part_f32x8(&to[c], 2) * share, 2);
            }
        }
    }
}

static void run_single_v3(const mlp_weights *w, const float *input, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 3136);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    rescaling_forward_v3(input, &rescaling_out[0][0][0][0], 0, 1);
    if (ONE_THREAD) {
        dense_forward_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, 0, 8);
    } else {
        PARALLEL {
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 8; task++) {
                dense_forward_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, task, task + 1);
            }
        }
    }
    dense_1_forward_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, 0, 2);
    dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], output, 0, 1);
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v3 static void dense_zeros_v3(const float (*x)[784], float *work, ptrdiff_t first, ptrdiff_t last)
{
    uint64_t (*const found)[14] = (uint64_t (*)[14])work;
    for (ptrdiff_t n = first; n < last; n++) {
        uint64_t numbers = 0;
        for (ptrdiff_t m = n * 1; m < (n + 1) * 1; m++) {
            for (int i = 0; i < 784; i += 64) {
                const int end = 784 - i < 64 ? 784 - i : 64;
                uint64_t bits = 0;
                for (int j = 0; j < end; j += 8)
                    bits |= (uint64_t)bits_i32x8(load_f32x8(&x[m][i + j]) != 0.0f) << j;
                found[m][i / 64] = bits;
                numbers += (uint64_t)__builtin_popcountll(bits);
            }
        }
        found[n][13] = numbers;
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v3 static void dense_sparse_forward_v3(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], float *work, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t (*const nonzero)[14] = (const uint64_t (*)[14])work;
    uint64_t numbers = 0;
    for (ptrdiff_t n = 0; n < count; n++) numbers += nonzero[n][13];
    if (numbers * 8 >= (uint64_t)count * 1 * 784 * 3) return;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 12;
        const ptrdiff_t from = 0, to = count * 1;
        if (k < 60) {
            for (int i = 0; i < 784; i += 64) {
                const int end = 784 - i < 64 ? 784 - i : 64;
                ptrdiff_t m = from;
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
                    const uint64_t found = nonzero[m][i / 64];
                    if (!found && i && i + end < 784) continue;
                    f32x8 s0_0 = i ? load_f32x8(&y[m][k * 8]) : load_f32x8(&bias[k * 8]);
                    f32x8 s0_1 = i ? load_f32x8(&y[m][(k + 1) * 8]) : load_f32x8(&bias[(k + 1) * 8]);
                    f32x8 s0_2 = i ? load_f32x8(&y[m][(k + 2) * 8]) : load_f32x8(&bias[(k + 2) * 8]);
                    f32x8 s0_3 = i ? load_f32x8(&y[m][(k + 3) * 8]) : load_f32x8(&bias[(k + 3) * 8]);
                    f32x8 s0_4 = i ? load_f32x8(&y[m][(k + 4) * 8]) : load_f32x8(&bias[(k + 4) * 8]);
                    f32x8 s0_5 = i ? load_f32x8(&y[m][(k + 5) * 8]) : load_f32x8(&bias[(k + 5) * 8]);
                    f32x8 s0_6 = i ? load_f32x8(&y[m][(k + 6) * 8]) : load_f32x8(&bias[(k + 6) * 8]);
                    f32x8 s0_7 = i ? load_f32x8(&y[m][(k + 7) * 8]) : load_f32x8(&bias[(k + 7) * 8]);
                    f32x8 s0_8 = i ? load_f32x8(&y[m][(k + 8) * 8]) : load_f32x8(&bias[(k + 8) * 8]);
                    f32x8 s0_9 = i ? load_f32x8(&y[m][(k + 9) * 8]) : load_f32x8(&bias[(k + 9) * 8]);
                    f32x8 s0_10 = i ? load_f32x8(&y[m][(k + 10) * 8]) : load_f32x8(&bias[(k + 10) * 8]);
                    f32x8 s0_11 = i ? load_f32x8(&y[m][(k + 11) * 8]) : load_f32x8(&bias[(k + 11) * 8]);
                    const float *const b0 = &kernel[k / 2][i][k % 2 * 8];
                    const float *const b1 = &kernel[(k + 1) / 2][i][(k + 1) % 2 * 8];
                    const float *const b2 = &kernel[(k + 2) / 2][i][(k + 2) % 2 * 8];
                    const float *const b3 = &kernel[(k + 3) / 2][i][(k + 3) % 2 * 8];
                    const float *const b4 = &kernel[(k + 4) / 2][i][(k + 4) % 2 * 8];
                    const float *const b5 = &kernel[(k + 5) / 2][i][(k + 5) % 2 * 8];
                    const float *const b6 = &kernel[(k + 6) / 2][i][(k + 6) % 2 * 8];
                    const float *const b7 = &kernel[(k + 7) / 2][i][(k + 7) % 2 * 8];
                    const float *const b8 = &kernel[(k + 8) / 2][i][(k + 8) % 2 * 8];
                    const float *const b9 = &kernel[(k + 9) / 2][i][(k + 9) % 2 * 8];
                    const float *const b10 = &kernel[(k + 10) / 2][i][(k + 10) % 2 * 8];
                    const float *const b11 = &kernel[(k + 11) / 2][i][(k + 11) % 2 * 8];
                    for (uint64_t left = found; left; left &= left - 1) {
                        const int j = __builtin_ctzll(left);
                        const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16); const f32x8 w2 = load_f32x8(b2 + j * 16); const f32x8 w3 = load_f32x8(b3 + j * 16); const f32x8 w4 = load_f32x8(b4 + j * 16); const f32x8 w5 = load_f32x8(b5 + j * 16); const f32x8 w6 = load_f32x8(b6 + j * 16); const f32x8 w7 = load_f32x8(b7 + j * 16); const f32x8 w8 = load_f32x8(b8 + j * 16); const f32x8 w9 = load_f32x8(b9 + j * 16); const f32x8 w10 = load_f32x8(b10 + j * 16); const f32x8 w11 = load_f32x8(b11 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7; s0_8 += a[j] * w8; s0_9 += a[j] * w9; s0_10 += a[j] * w10; s0_11 += a[j] * w11;
                    }
                    if (i + end < 784) {
                        store_f32x8(&y[m][k * 8], s0_0);
                        store_f32x8(&y[m][(k + 1) * 8], s0_1);
                        store_f32x8(&y[m][(k + 2) * 8], s0_2);
                        store_f32x8(&y[m][(k + 3) * 8], s0_3);
                        store_f32x8(&y[m][(k + 4) * 8], s0_4);
                        store_f32x8(&y[m][(k + 5) * 8], s0_5);
                        store_f32x8(&y[m][(k + 6) * 8], s0_6);
                        store_f32x8(&y[m][(k + 7) * 8], s0_7);
                        store_f32x8(&y[m][(k + 8) * 8], s0_8);
                        store_f32x8(&y[m][(k + 9) * 8], s0_9);
                        store_f32x8(&y[m][(k + 10) * 8], s0_10);
                        store_f32x8(&y[m][(k + 11) * 8], s0_11);
                    } else {
                        s0_0 = max_f32x8((f32x8){0}, s0_0);
                        store_f32x8(&y[m][k * 8], s0_0);
                        s0_1 = max_f32x8((f32x8){0}, s0_1);
                        store_f32x8(&y[m][(k + 1) * 8], s0_1);
                        s0_2 = max_f32x8((f32x8){0}, s0_2);
                        store_f32x8(&y[m][(k + 2) * 8], s0_2);
                        s0_3 = max_f32x8((f32x8){0}, s0_3);
                        store_f32x8(&y[m][(k + 3) * 8], s0_3);
                        s0_4 = max_f32x8((f32x8){0}, s0_4);
                        store_f32x8(&y[m][(k + 4) * 8], s0_4);
                        s0_5 = max_f32x8((f32x8){0}, s0_5);
                        store_f32x8(&y[m][(k + 5) * 8], s0_5);
                        s0_6 = max_f32x8((f32x8){0}, s0_6);
                        store_f32x8(&y[m][(k + 6) * 8], s0_6);
                        s0_7 = max_f32x8((f32x8){0}, s0_7);
                        store_f32x8(&y[m][(k + 7) * 8], s0_7);
                        s0_8 = max_f32x8((f32x8){0}, s0_8);
                        store_f32x8(&y[m][(k + 8) * 8], s0_8);
                        s0_9 = max_f32x8((f32x8){0}, s0_9);
                        store_f32x8(&y[m][(k + 9) * 8], s0_9);
                        s0_10 = max_f32x8((f32x8){0}, s0_10);
                        store_f32x8(&y[m][(k + 10) * 8], s0_10);
                        s0_11 = max_f32x8((f32x8){0}, s0_11);
                        store_f32x8(&y[m][(k + 11) * 8], s0_11);
                    }
                }
            }
        } else {
            for (int i = 0; i < 784; i += 64) {
                const int end = 784 - i < 64 ? 784 - i : 64;
                ptrdiff_t m = from;
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
                    const uint64_t found = nonzero[m][i / 64];
                    if (!found && i && i + end < 784) continue;
                    f32x8 s0_0 = i ? load_f32x8(&y[m][480]) : load_f32x8(&bias[480]);
                    f32x8 s0_1 = i ? load_f32x8(&y[m][488]) : load_f32x8(&bias[488]);
                    f32x8 s0_2 = i ? load_f32x8(&y[m][496]) : load_f32x8(&bias[496]);
                    f32x8 s0_3 = i ? load_f32x8(&y[m][504]) : load_f32x8(&bias[504]);
                    const float *const b0 = &kernel[30][i][0];
                    const float *const b1 = &kernel[30][i][8];
                    const float *const b2 = &kernel[31][i][0];
                    const float *const b3 = &kernel[31][i][8];
                    for (uint64_t left = found; left; left &= left - 1) {
                        const int j = __builtin_ctzll(left);
                        const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16); const f32x8 w2 = load_f32x8(b2 + j * 16); const f32x8 w3 = load_f32x8(b3 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                    }
                    if (i + end < 784) {
                        store_f32x8(&y[m][480], s0_0);
                        store_f32x8(&y[m][488], s0_1);
                        store_f32x8(&y[m][496], s0_2);
                        store_f32x8(&y[m][504], s0_3);
                    } else {
                        s0_0 = max_f32x8((f32x8){0}, s0_0);
                        store_f32x8(&y[m][480], s0_0);
                        s0_1 = max_f32x8((f32x8){0}, s0_1);
                        store_f32x8(&y[m][488], s0_1);
                        s0_2 = max_f32x8((f32x8){0}, s0_2);
                        store_f32x8(&y[m][496], s0_2);
                        s0_3 = max_f32x8((f32x8){0}, s0_3);
                        store_f32x8(&y[m][504], s0_3);
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
LEVEL_v3 static void dense_forward_batch_v3(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], float *work, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t (*const nonzero)[14] = (const uint64_t (*)[14])work;
    uint64_t numbers = 0;
    for (ptrdiff_t n = 0; n < count; n++) numbers += nonzero[n][13];
    if (numbers * 8 < (uint64_t)count * 1 * 784 * 3) return;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 2;
        const ptrdiff_t from = 0, to = count * 1;
        for (int i = 0; i < 784; i += 256) {
            const int end = 784 - i < 256 ? 784 - i : 256;
            ptrdiff_t m = from;
            for (; m + 4 <= to; m += 4) {
                const float *const a = &x[m][i];
                f32x8 s0_0 = i ? load_f32x8(&y[m][k * 8]) : load_f32x8(&bias[k * 8]);
                f32x8 s0_1 = i ? load_f32x8(&y[m][(k + 1) * 8]) : load_f32x8(&bias[(k + 1) * 8]);
                f32x8 s1_0 = i ? load_f32x8(&y[m + 1][k * 8]) : load_f32x8(&bias[k * 8]);
                f32x8 s1_1 = i ? load_f32x8(&y[m + 1][(k + 1) * 8]) : load_f32x8(&bias[(k + 1) * 8]);
                f32x8 s2_0 = i ? load_f32x8(&y[m + 2][k * 8]) : load_f32x8(&bias[k * 8]);
                f32x8 s2_1 = i ? load_f32x8(&y[m + 2][(k + 1) * 8]) : load_f32x8(&bias[(k + 1) * 8]);
                f32x8 s3_0 = i ? load_f32x8(&y[m + 3][k * 8]) : load_f32x8(&bias[k * 8]);
                f32x8 s3_1 = i ? load_f32x8(&y[m + 3][(k + 1) * 8]) : load_f32x8(&bias[(k + 1) * 8]);
                const float *const b0 = &kernel[k / 2][i][k % 2 * 8];
                const float *const b1 = &kernel[(k + 1) / 2][i][(k + 1) % 2 * 8];
                for (int j = 0; j < end; j++) {
                    const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    s1_0 += a[j + 784] * w0; s1_1 += a[j + 784] * w1;
                    s2_0 += a[j + 1568] * w0; s2_1 += a[j + 1568] * w1;
                    s3_0 += a[j + 2352] * w0; s3_1 += a[j + 2352] * w1;
                }
                if (i + end < 784) {
                    store_f32x8(&y[m][k * 8], s0_0);
                    store_f32x8(&y[m][(k + 1) * 8], s0_1);
                    store_f32x8(&y[m + 1][k * 8], s1_0);
                    store_f32x8(&y[m + 1][(k + 1) * 8], s1_1);
                    store_f32x8(&y[m + 2][k * 8], s2_0);
                    store_f32x8(&y[m + 2][(k + 1) * 8], s2_1);
                    store_f32x8(&y[m + 3][k * 8], s3_0);
                    store_f32x8(&y[m + 3][(k + 1) * 8], s3_1);
                } else {
                    s0_0 = max_f32x8((f32x8){0}, s0_0);
                    store_f32x8(&y[m][k * 8], s0_0);
                    s0_1 = max_f32x8((f32x8){0}, s0_1);
                    store_f32x8(&y[m][(k + 1) * 8], s0_1);
                    s1_0 = max_f32x8((f32x8){0}, s1_0);
                    store_f32x8(&y[m + 1][k * 8], s1_0);
                    s1_1 = max_f32x8((f32x8){0}, s1_1);
                    store_f32x8(&y[m + 1][(k + 1) * 8], s1_1);
                    s2_0 = max_f32x8((f32x8){0}, s2_0);
                    store_f32x8(&y[m + 2][k * 8], s2_0);
                    s2_1 = max_f32x8((f32x8){0}, s2_1);
                    store_f32x8(&y[m + 2][(k + 1) * 8], s2_1);
                    s3_0 = max_f32x8((f32x8){0}, s3_0);
                    store_f32x8(&y[m + 3][k * 8], s3_0);
                    s3_1 = max_f32x8((f32x8){0}, s3_1);
                    store_f32x8(&y[m + 3][(k + 1) * 8], s3_1);
                }
            }
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                f32x8 s0_0 = i ? load_f32x8(&y[m][k * 8]) : load_f32x8(&bias[k * 8]);
                f32x8 s0_1 = i ? load_f32x8(&y[m][(k + 1) * 8]) : load_f32x8(&bias[(k + 1) * 8]);
                const float *const b0 = &kernel[k / 2][i][k % 2 * 8];
                const float *const b1 = &kernel[(k + 1) / 2][i][(k + 1) % 2 * 8];
                for (int j = 0; j < end; j++) {
                    const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                }
                if (i + end < 784) {
                    store_f32x8(&y[m][k * 8], s0_0);
                    store_f32x8(&y[m][(k + 1) * 8], s0_1);
                } else {
                    s0_0 = max_f32x8((f32x8){0}, s0_0);
                    store_f32x8(&y[m][k * 8], s0_0);
                    s0_1 = max_f32x8((f32x8){0}, s0_1);
                    store_f32x8(&y[m][(k + 1) * 8], s0_1);
                }
            }
        }
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 512 inputs, 10 outputs. */
LEVEL_v3 static void dense_1_forward_batch_v3(const float (*x)[512], const float (*kernel)[512][16], const float *bias, float (*y)[10], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t tiles = (count + 3) / 4, chunk = part % 8;
        const ptrdiff_t from = tiles * chunk / 8 * 4, next = tiles * (chunk + 1) / 8 * 4;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        for (int i = 0; i < 512; i += 256) {
            const int end = 512 - i < 256 ? 512 - i : 256;
            ptrdiff_t m = from;
            for (; m + 4 <= to; m += 4) {
                const float *const a = &x[m][i];
                f32x8 s0_0 = i ? load_f32x8(&y[m][0]) : load_f32x8(&bias[0]);
                f32x8 s0_1 = i ? load_part_f32x8(&y[m][8], 2) : load_part_f32x8(&bias[8], 2);
                f32x8 s1_0 = i ? load_f32x8(&y[m + 1][0]) : load_f32x8(&bias[0]);
                f32x8 s1_1 = i ? load_part_f32x8(&y[m + 1][8], 2) : load_part_f32x8(&bias[8], 2);
                f32x8 s2_0 = i ? load_f32x8(&y[m + 2][0]) : load_f32x8(&bias[0]);
                f32x8 s2_1 = i ? load_part_f32x8(&y[m + 2][8], 2) : load_part_f32x8(&bias[8], 2);
                f32x8 s3_0 = i ? load_f32x8(&y[m + 3][0]) : load_f32x8(&bias[0]);
                f32x8 s3_1 = i ? load_part_f32x8(&y[m + 3][8], 2) : load_part_f32x8(&bias[8], 2);
                const float *const b0 = &kernel[0][i][0];
                const float *const b1 = &kernel[0][i][8];
                for (int j = 0; j < end; j++) {
                    const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    s1_0 += a[j + 512] * w0; s1_1 += a[j + 512] * w1;
                    s2_0 += a[j + 1024] * w0; s2_1 += a[j + 1024] * w1;
                    s3_0 += a[j + 1536] * w0; s3_1 += a[j + 1536] * w1;
                }
                store_f32x8(&y[m][0], s0_0);
                store_part_f32x8(&y[m][8], s0_1, 2);
                store_f32x8(&y[m + 1][0], s1_0);
                store_part_f32x8(&y[m + 1][8], s1_1, 2);
                store_f32x8(&y[m + 2][0], s2_0);
                store_part_f32x8(&y[m + 2][8], s2_1, 2);
                store_f32x8(&y[m + 3][0], s3_0);
                store_part_f32x8(&y[m + 3][8], s3_1, 2);
            }
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                f32x8 s0_0 = i ? load_f32x8(&y[m][0]) : load_f32x8(&bias[0]);
                f32x8 s0_1 = i ? load_part_f32x8(&y[m][8], 2) : load_part_f32x8(&bias[8], 2);
                const float *const b0 = &kernel[0][i][0];
                const float *const b1 = &kernel[0][i][8];
                for (int j = 0; j < end; j++) {
                    const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                }
                store_f32x8(&y[m][0], s0_0);
                store_part_f32x8(&y[m][8], s0_1, 2);
            }
        }
    }
}

static void run_batch_v3(const mlp_weights *w, const float *input, float *output, ptrdiff_t count, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v3(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v3((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 6; task++) {
        dense_sparse_forward_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], output, count * task / 16, count * (task + 1) / 16);
    }
}

/* dense_1: categorical_crossentropy of 10 numbers a sample, from the logits. */
LEVEL_v3 static void dense_1_loss_v3(const float *p, const float *target, const float *weight, float *loss, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        float total = 0.0f;
        const float importance = weight ? weight[n] : 1.0f;
        const float *const row = &p[n * 10];
        const float *const t = &target[n * 10];
        float value;
        f32x8 losses = {0};
        f32x8 top = (f32x8){0} + row[0], sums = {0};
        for (int c = 0; c < 8; c += 8) {
            top = max_f32x8(top, load_f32x8(&row[c]));
        }
        {
            const int c = 8;
            top = max_f32x8(top, select_f32x8(first_i32x8(2), load_part_f32x8(&row[c], 2), top));
        }
        const float largest = largest_f32x8(top);
        for (int c = 0; c < 8; c += 8) {
            const f32x8 power = exp_f32x8(load_f32x8(&row[c]) - largest);
            sums += power;
        }
        {
            const int c = 8;
            const f32x8 power = exp_f32x8(load_part_f32x8(&row[c], 2) - largest);
            sums += keep_f32x8(first_i32x8(2), power);
        }
        const float sum = sum_f32x8(sums);
        const float log_sum = logf(sum);
        for (int c = 0; c < 8; c += 8) {
            const f32x8 truth = load_f32x8(&t[c]), part = truth * ((largest - load_f32x8(&row[c])) + log_sum), v = keep_f32x8(truth != 0.0f, part);
            losses += v;
        }
        {
            const int c = 8;
            const f32x8 truth = load_part_f32x8(&t[c], 2), part = truth * ((largest - load_part_f32x8(&row[c], 2)) + log_sum), v = keep_f32x8(truth != 0.0f, part);
            losses += keep_f32x8(first_i32x8(2), v);
        }
        value = sum_f32x8(losses);
        total += importance * value;
        loss[n] = total;
    }
}

static float run_evaluation_v3(const mlp_weights *w, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 8000);
    float *const dense_1_loss = (float *)(arena + 16000);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v3(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v3((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 6; task++) {
        dense_sparse_forward_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_v3(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, count * task / 16, count * (task + 1) / 16);
    }
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

/* ---- training ---- */

/* dense_1: categorical_crossentropy of 10 numbers a sample, from the logits. */
LEVEL_v3 static void dense_1_loss_train_v3(const float *p, const float *target, const float *weight, float *loss, float *d_p, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        float total = 0.0f;
        const float importance = weight ? weight[n] : 1.0f;
        const float scale = importance * 1.0f / (float)count;
        const float *const row = &p[n * 10];
        const float *const t = &target[n * 10];
        float *const d = &d_p[n * 10];
        float value;
        f32x8 losses = {0};
        f32x8 targets = {0};
        f32x8 top = (f32x8){0} + row[0], sums = {0};
        for (int c = 0; c < 8; c += 8) {
            top = max_f32x8(top, load_f32x8(&row[c]));
        }
        {
            const int c = 8;
            top = max_f32x8(top, select_f32x8(first_i32x8(2), load_part_f32x8(&row[c], 2), top));
        }
        const float largest = largest_f32x8(top);
        for (int c = 0; c < 8; c += 8) {
            const f32x8 power = exp_f32x8(load_f32x8(&row[c]) - largest);
            sums += power;
            const f32x8 truth = load_f32x8(&t[c]);
            targets += truth;
            store_f32x8(&d[c], power);
        }
        {
            const int c = 8;
            const f32x8 power = exp_f32x8(load_part_f32x8(&row[c], 2) - largest);
            sums += keep_f32x8(first_i32x8(2), power);
            const f32x8 truth = load_part_f32x8(&t[c], 2);
            targets += keep_f32x8(first_i32x8(2), truth);
            store_part_f32x8(&d[c], power, 2);
        }
        const float sum = sum_f32x8(sums);
        const float log_sum = logf(sum);
        const float share = sum_f32x8(targets) / sum;
        for (int c = 0; c < 8; c += 8) {
            const f32x8 truth = load_f32x8(&t[c]), part = truth * ((largest - load_f32x8(&row[c])) + log_sum), v = keep_f32x8(truth != 0.0f, part);
            losses += v;
            const f32x8 g = (load_f32x8(&d[c]) * share - truth) * scale;
            store_f32x8(&d[c], g);
        }
        {
            const int c = 8;
            const f32x8 truth = load_part_f32x8(&t[c], 2), part = truth * ((largest - load_part_f32x8(&row[c], 2)) + log_sum), v = keep_f32x8(truth != 0.0f, part);
            losses += keep_f32x8(first_i32x8(2), v);
            const f32x8 g = (load_part_f32x8(&d[c], 2) * share - truth) * scale;
            store_part_f32x8(&d[c], g, 2);
        }
        value = sum_f32x8(losses);
        total += importance * value;
        loss[n] = total;
    }
}

/* dense_1: d_x[i] = sum over o of d_y[o] kernel[i][o]. */
LEVEL_v3 static void dense_1_input_gradient_v3(const float (*d_y)[10], const float (*kernel)[512][16], float (*d_x)[512], float *work, const float (*e0)[512], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    float (*const turned)[16] = (float (*)[16])(work + task * 256);
    const ptrdiff_t from = 0, to = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 16;
        const ptrdiff_t next = part + 1 < 32 ? i + 16 : 0;
        for (int p = 0; p < 1; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 16; r += 4) transpose4_f32x8(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 16);
            }
        }
        ptrdiff_t m = from;
        for (; m + 4 <= to; m += 4) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            f32x8 s2_0 = {0}; f32x8 s2_1 = {0};
            f32x8 s3_0 = {0}; f32x8 s3_1 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 4; t++) {
                for (int at = 0; at < 16; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 16; line++) __builtin_prefetch(kernel[line / 16][next + line % 16], 0);
                for (int j = 10 * t / 4; j < 10 * (t + 1) / 4; j++) {
                    const f32x8 w0 = load_f32x8(turned[j] + 0 * 8); const f32x8 w1 = load_f32x8(turned[j] + 1 * 8);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    s1_0 += a[j + 10] * w0; s1_1 += a[j + 10] * w1;
                    s2_0 += a[j + 20] * w0; s2_1 += a[j + 20] * w1;
                    s3_0 += a[j + 30] * w0; s3_1 += a[j + 30] * w1;
                }
            }
            s0_0 = keep_f32x8(load_f32x8(&e0[m][i]) > 0.0f, s0_0);
            store_f32x8(&d_x[m][i], s0_0);
            s0_1 = keep_f32x8(load_f32x8(&e0[m][i + 8]) > 0.0f, s0_1);
            store_f32x8(&d_x[m][i + 8], s0_1);
            s1_0 = keep_f32x8(load_f32x8(&e0[m + 1][i]) > 0.0f, s1_0);
            store_f32x8(&d_x[m + 1][i], s1_0);
            s1_1 = keep_f32x8(load_f32x8(&e0[m + 1][i + 8]) > 0.0f, s1_1);
            store_f32x8(&d_x[m + 1][i + 8], s1_1);
            s2_0 = keep_f32x8(load_f32x8(&e0[m + 2][i]) > 0.0f, s2_0);
            store_f32x8(&d_x[m + 2][i], s2_0);
            s2_1 = keep_f32x8(load_f32x8(&e0[m + 2][i + 8]) > 0.0f, s2_1);
            store_f32x8(&d_x[m + 2][i + 8], s2_1);
            s3_0 = keep_f32x8(load_f32x8(&e0[m + 3][i]) > 0.0f, s3_0);
            store_f32x8(&d_x[m + 3][i], s3_0);
            s3_1 = keep_f32x8(load_f32x8(&e0[m + 3][i + 8]) > 0.0f, s3_1);
            store_f32x8(&d_x[m + 3][i + 8], s3_1);
        }
        for (; m < to; m++) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 16; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 16; line++) __builtin_prefetch(kernel[line / 16][next + line % 16], 0);
                for (int j = 10 * t / 1; j < 10 * (t + 1) / 1; j++) {
                    const f32x8 w0 = load_f32x8(turned[j] + 0 * 8); const f32x8 w1 = load_f32x8(turned[j] + 1 * 8);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                }
            }
            s0_0 = keep_f32x8(load_f32x8(&e0[m][i]) > 0.0f, s0_0);
            store_f32x8(&d_x[m][i], s0_0);
            s0_1 = keep_f32x8(load_f32x8(&e0[m][i + 8]) > 0.0f, s0_1);
            store_f32x8(&d_x[m][i + 8], s0_1);
        }
    }
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_1_weight_gradient_v3(const float (*x)[512], const float (*d_y)[10], float (*w)[512][16], float (*slot0)[512][16], float (*slot1)[512][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            f32x8 s2_0 = {0}; f32x8 s2_1 = {0};
            f32x8 s3_0 = {0}; f32x8 s3_1 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[0][i + t], 1);
                __builtin_prefetch(slot0[0][i + t], 1);
                __builtin_prefetch(slot1[0][i + t], 1);
            }
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d);
                const f32x8 d1 = load_part_f32x8(d + (1) * 8, 2);
                const f32x8 w0 = d0; const f32x8 w1 = d1;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
            }
            const f32x8 sums[4][2] = {
                {s0_0, s0_1},
                {s1_0, s1_1},
                {s2_0, s2_1},
                {s3_0, s3_1},
            };
            for (int q = 0; q < 2; q++) {
                for (int t = 0; t < 4; t++) {
                    {
                        f32x8 g = sums[t][q];
                        f32x8 v = load_f32x8(&w[q / 2][i + t][q % 2 * 8]);
                        f32x8 m0 = load_f32x8(&slot0[q / 2][i + t][q % 2 * 8]);
                        f32x8 m1 = load_f32x8(&slot1[q / 2][i + t][q % 2 * 8]);
                        m0 += (g - m0) * 0.1f;
                        m1 += (g * g - m1) * 0.001f;
                        v -= m0 * alpha / (sqrt_f32x8(m1) + 1e-07f);
                        store_f32x8(&slot0[q / 2][i + t][q % 2 * 8], m0);
                        store_f32x8(&slot1[q / 2][i + t][q % 2 * 8], m1);
                        store_f32x8(&w[q / 2][i + t][q % 2 * 8], v);
                    }
                }
            }
        }
    }
}

/* dense_1: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v3 static void dense_1_bias_gradient_part_v3(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    {
        f32x8 s0_0 = load_f32x8(&shards[0]);
        f32x8 s0_1 = load_part_f32x8(&shards[8], 2);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x8(&d_y[m * 10]);
            s0_1 += load_part_f32x8(&d_y[m * 10 + 8], 2);
        }
        store_f32x8(&shards[0], s0_0);
        store_part_f32x8(&shards[8], s0_1, 2);
    }
}

/* dense_1: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v3 static void dense_1_bias_gradient_v3(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 10 ? last * 256 : 10;
    ptrdiff_t i = first * 256;
    for (; i + 8 <= end; i += 8) {
        f32x8 sum = load_f32x8(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x8(&shards[s * 10 + i]);
        store_f32x8(&d_bias[i], sum);
    }
    for (; i < end; i++) {
        float sum = shards[i];
        for (int s = 1; s < 16; s++) sum += shards[s * 10 + i];
        d_bias[i] = sum;
    }
}

/* dense: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v3 static void dense_bias_gradient_part_v3(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    for (int k = 0; k < 64; k += 8) {
        f32x8 s0_0 = load_f32x8(&shards[k * 8]);
        f32x8 s0_1 = load_f32x8(&shards[(k + 1) * 8]);
        f32x8 s0_2 = load_f32x8(&shards[(k + 2) * 8]);
        f32x8 s0_3 = load_f32x8(&shards[(k + 3) * 8]);
        f32x8 s0_4 = load_f32x8(&shards[(k + 4) * 8]);
        f32x8 s0_5 = load_f32x8(&shards[(k + 5) * 8]);
        f32x8 s0_6 = load_f32x8(&shards[(k + 6) * 8]);
        f32x8 s0_7 = load_f32x8(&shards[(k + 7) * 8]);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x8(&d_y[m * 512 + k * 8]);
            s0_1 += load_f32x8(&d_y[m * 512 + (k + 1) * 8]);
            s0_2 += load_f32x8(&d_y[m * 512 + (k + 2) * 8]);
            s0_3 += load_f32x8(&d_y[m * 512 + (k + 3) * 8]);
            s0_4 += load_f32x8(&d_y[m * 512 + (k + 4) * 8]);
            s0_5 += load_f32x8(&d_y[m * 512 + (k + 5) * 8]);
            s0_6 += load_f32x8(&d_y[m * 512 + (k + 6) * 8]);
            s0_7 += load_f32x8(&d_y[m * 512 + (k + 7) * 8]);
        }
        store_f32x8(&shards[k * 8], s0_0);
        store_f32x8(&shards[(k + 1) * 8], s0_1);
        store_f32x8(&shards[(k + 2) * 8], s0_2);
        store_f32x8(&shards[(k + 3) * 8], s0_3);
        store_f32x8(&shards[(k + 4) * 8], s0_4);
        store_f32x8(&shards[(k + 5) * 8], s0_5);
        store_f32x8(&shards[(k + 6) * 8], s0_6);
        store_f32x8(&shards[(k + 7) * 8], s0_7);
    }
}

/* dense: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v3 static void dense_bias_gradient_v3(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 512 ? last * 256 : 512;
    ptrdiff_t i = first * 256;
    for (; i + 8 <= end; i += 8) {
        f32x8 sum = load_f32x8(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x8(&shards[s * 512 + i]);
        store_f32x8(&d_bias[i], sum);
    }
}

/* dense_1/bias: one step of adam on dense_1/bias. */
LEVEL_v3 static void dense_1_bias_update_v3(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 10 ? last * 1024 : 10;
    ptrdiff_t i = first * 1024;
    for (; i + 8 <= end; i += 8)
        {
        f32x8 g = load_f32x8(&d_w[i]);
        f32x8 v = load_f32x8(&w[i]);
        f32x8 m0 = load_f32x8(&slot0[i]);
        f32x8 m1 = load_f32x8(&slot1[i]);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x8(m1) + 1e-07f);
        store_f32x8(&slot0[i], m0);
        store_f32x8(&slot1[i], m1);
        store_f32x8(&w[i], v);
    }
    for (; i < end; i++)
        {
        f32x8 g = load_part_f32x8(&d_w[i], 1);
        f32x8 v = load_part_f32x8(&w[i], 1);
        f32x8 m0 = load_part_f32x8(&slot0[i], 1);
        f32x8 m1 = load_part_f32x8(&slot1[i], 1);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x8(m1) + 1e-07f);
        store_part_f32x8(&slot0[i], m0, 1);
        store_part_f32x8(&slot1[i], m1, 1);
        store_part_f32x8(&w[i], v, 1);
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_weight_gradient_v3(const float (*x)[784], const float (*d_y)[512], float (*w)[784][16], float (*slot0)[784][16], float (*slot1)[784][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    int32_t bits[7][8];
    uint16_t listed[224];
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        if (part == first || i % 8 == 0) {
            for (ptrdiff_t start = 0; start < samples; start += 32) {
                const int end = samples - start < 32 ? (int)(samples - start) : 32;
                i32x8 found = {0};
                for (int m = 0; m < end; m++) found |= (load_f32x8(&x[start + m][i / 8 * 8]) != 0.0f) & (int32_t)(1u << m);
                store_part_i32x8(bits[start / 32], found, 8);
            }
        }
        int listed_count = 0;
        for (ptrdiff_t start = 0; start < samples; start += 32) {
            uint32_t left = 0;
            for (int t = 0; t < 4; t++) left |= (uint32_t)bits[start / 32][i % 8 + t];
            for (; left; left &= left - 1) listed[listed_count++] = (uint16_t)(start + __builtin_ctz(left));
        }
        for (int k = 0; k < 63; k += 3) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0}; f32x8 s0_2 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0}; f32x8 s1_2 = {0};
            f32x8 s2_0 = {0}; f32x8 s2_1 = {0}; f32x8 s2_2 = {0};
            f32x8 s3_0 = {0}; f32x8 s3_1 = {0}; f32x8 s3_2 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[k / 2][i + t], 1);
                __builtin_prefetch(slot0[k / 2][i + t], 1);
                __builtin_prefetch(slot1[k / 2][i + t], 1);
                __builtin_prefetch(w[(k + 2) / 2][i + t], 1);
                __builtin_prefetch(slot0[(k + 2) / 2][i + t], 1);
                __builtin_prefetch(slot1[(k + 2) / 2][i + t], 1);
            }
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d + k * 8);
                const f32x8 d1 = load_f32x8(d + (k + 1) * 8);
                const f32x8 d2 = load_f32x8(d + (k + 2) * 8);
                const f32x8 w0 = d0; const f32x8 w1 = d1; const f32x8 w2 = d2;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1; s2_2 += a[2] * w2;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1; s3_2 += a[3] * w2;
            }
            const f32x8 sums[4][3] = {
                {s0_0, s0_1, s0_2},
                {s1_0, s1_1, s1_2},
                {s2_0, s2_1, s2_2},
                {s3_0, s3_1, s3_2},
            };
            for (int q = 0; q < 3; q++) {
                for (int t = 0; t < 4; t++) {
                    {
                        f32x8 g = sums[t][q];
                        f32x8 v = load_f32x8(&w[(k + q) / 2][i + t][(k + q) % 2 * 8]);
                        f32x8 m0 = load_f32x8(&slot0[(k + q) / 2][i + t][(k + q) % 2 * 8]);
                        f32x8 m1 = load_f32x8(&slot1[(k + q) / 2][i + t][(k + q) % 2 * 8]);
                        m0 += (g - m0) * 0.1f;
                        m1 += (g * g - m1) * 0.001f;
                        v -= m0 * alpha / (sqrt_f32x8(m1) + 1e-07f);
                        store_f32x8(&slot0[(k + q) / 2][i + t][(k + q) % 2 * 8], m0);
                        store_f32x8(&slot1[(k + q) / 2][i + t][(k + q) % 2 * 8], m1);
                        store_f32x8(&w[(k + q) / 2][i + t][(k + q) % 2 * 8], v);
                    }
                }
            }
        }
        {
            f32x8 s0_0 = {0};
            f32x8 s1_0 = {0};
            f32x8 s2_0 = {0};
            f32x8 s3_0 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[31][i + t], 1);
                __builtin_prefetch(slot0[31][i + t], 1);
                __builtin_prefetch(slot1[31][i + t], 1);
            }
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d + 504);
                const f32x8 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            const f32x8 sums[4][1] = {
                {s0_0},
                {s1_0},
                {s2_0},
                {s3_0},
            };
            for (int q = 0; q < 1; q++) {
                for (int t = 0; t < 4; t++) {
                    {
                        f32x8 g = sums[t][q];
                        f32x8 v = load_f32x8(&w[(q + 63) / 2][i + t][(q + 63) % 2 * 8]);
                        f32x8 m0 = load_f32x8(&slot0[(q + 63) / 2][i + t][(q + 63) % 2 * 8]);
                        f32x8 m1 = load_f32x8(&slot1[(q + 63) / 2][i + t][(q + 63) % 2 * 8]);
                        m0 += (g - m0) * 0.1f;
                        m1 += (g * g - m1) * 0.001f;
                        v -= m0 * alpha / (sqrt_f32x8(m1) + 1e-07f);
                        store_f32x8(&slot0[(q + 63) / 2][i + t][(q + 63) % 2 * 8], m0);
                        store_f32x8(&slot1[(q + 63) / 2][i + t][(q + 63) % 2 * 8], m1);
                        store_f32x8(&w[(q + 63) / 2][i + t][(q + 63) % 2 * 8], v);
                    }
                }
            }
        }
    }
}

/* dense/bias: one step of adam on dense/bias. */
LEVEL_v3 static void dense_bias_update_v3(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 512 ? last * 1024 : 512;
    ptrdiff_t i = first * 1024;
    for (; i + 8 <= end; i += 8)
        {
        f32x8 g = load_f32x8(&d_w[i]);
        f32x8 v = load_f32x8(&w[i]);
        f32x8 m0 = load_f32x8(&slot0[i]);
        f32x8 m1 = load_f32x8(&slot1[i]);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x8(m1) + 1e-07f);
        store_f32x8(&slot0[i], m0);
        store_f32x8(&slot1[i], m1);
        store_f32x8(&w[i], v);
    }
}

static float run_training_v3(mlp_weights *w, mlp_weights *slots, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const d_dense_1_bias = (float *)(arena + 662656);
    float *const d_dense_bias = (float *)(arena + 659968);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_31 = (float *)(arena + 662016);
    float *const dense_workspace_32 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v3(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v3((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 6; task++) {
        dense_sparse_forward_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_v3(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    if (step->refuse_nan) {
        float zero = 0;
        for (ptrdiff_t n = 0; n < count; n++) zero += 0.0F * dense_1_loss[n];
        if (!(zero == 0)) return NAN;
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_input_gradient_v3(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, 32 * task / 16, 32 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v3(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 128 * task / 16, 128 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_31 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_32 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v3(&d_dense_1_linear[n][0], dense_1_workspace_31 + task * 10, 0, 1);
            dense_bias_gradient_part_v3(&d_dense[n][0], dense_workspace_32 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_v3(d_dense_1_bias, dense_1_workspace_31, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_v3(d_dense_bias, dense_workspace_32, task, task + 1);
    }
    dense_1_bias_update_v3(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v3((const float (*)[784])rescaling_out, d_dense, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    dense_bias_update_v3(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_1_weight_gradient_gradients_v3(const float (*x)[512], const float (*d_y)[10], float (*d_kernel)[512][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            f32x8 s2_0 = {0}; f32x8 s2_1 = {0};
            f32x8 s3_0 = {0}; f32x8 s3_1 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d);
                const f32x8 d1 = load_part_f32x8(d + (1) * 8, 2);
                const f32x8 w0 = d0; const f32x8 w1 = d1;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
            }
            store_f32x8(&d_kernel[0][i][0], s0_0);
            store_f32x8(&d_kernel[0][i][8], s0_1);
            store_f32x8(&d_kernel[0][i + 1][0], s1_0);
            store_f32x8(&d_kernel[0][i + 1][8], s1_1);
            store_f32x8(&d_kernel[0][i + 2][0], s2_0);
            store_f32x8(&d_kernel[0][i + 2][8], s2_1);
            store_f32x8(&d_kernel[0][i + 3][0], s3_0);
            store_f32x8(&d_kernel[0][i + 3][8], s3_1);
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_weight_gradient_gradients_v3(const float (*x)[784], const float (*d_y)[512], float (*d_kernel)[784][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    int32_t bits[7][8];
    uint16_t listed[224];
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        if (part == first || i % 8 == 0) {
            for (ptrdiff_t start = 0; start < samples; start += 32) {
                const int end = samples - start < 32 ? (int)(samples - start) : 32;
                i32x8 found = {0};
                for (int m = 0; m < end; m++) found |= (load_f32x8(&x[start + m][i / 8 * 8]) != 0.0f) & (int32_t)(1u << m);
                store_part_i32x8(bits[start / 32], found, 8);
            }
        }
        int listed_count = 0;
        for (ptrdiff_t start = 0; start < samples; start += 32) {
            uint32_t left = 0;
            for (int t = 0; t < 4; t++) left |= (uint32_t)bits[start / 32][i % 8 + t];
            for (; left; left &= left - 1) listed[listed_count++] = (uint16_t)(start + __builtin_ctz(left));
        }
        for (int k = 0; k < 63; k += 3) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0}; f32x8 s0_2 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0}; f32x8 s1_2 = {0};
            f32x8 s2_0 = {0}; f32x8 s2_1 = {0}; f32x8 s2_2 = {0};
            f32x8 s3_0 = {0}; f32x8 s3_1 = {0}; f32x8 s3_2 = {0};
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d + k * 8);
                const f32x8 d1 = load_f32x8(d + (k + 1) * 8);
                const f32x8 d2 = load_f32x8(d + (k + 2) * 8);
                const f32x8 w0 = d0; const f32x8 w1 = d1; const f32x8 w2 = d2;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1; s2_2 += a[2] * w2;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1; s3_2 += a[3] * w2;
            }
            store_f32x8(&d_kernel[k / 2][i][k % 2 * 8], s0_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i][(k + 1) % 2 * 8], s0_1);
            store_f32x8(&d_kernel[(k + 2) / 2][i][(k + 2) % 2 * 8], s0_2);
            store_f32x8(&d_kernel[k / 2][i + 1][k % 2 * 8], s1_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 1][(k + 1) % 2 * 8], s1_1);
            store_f32x8(&d_kernel[(k + 2) / 2][i + 1][(k + 2) % 2 * 8], s1_2);
            store_f32x8(&d_kernel[k / 2][i + 2][k % 2 * 8], s2_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 2][(k + 1) % 2 * 8], s2_1);
            store_f32x8(&d_kernel[(k + 2) / 2][i + 2][(k + 2) % 2 * 8], s2_2);
            store_f32x8(&d_kernel[k / 2][i + 3][k % 2 * 8], s3_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 3][(k + 1) % 2 * 8], s3_1);
            store_f32x8(&d_kernel[(k + 2) / 2][i + 3][(k + 2) % 2 * 8], s3_2);
        }
        {
            f32x8 s0_0 = {0};
            f32x8 s1_0 = {0};
            f32x8 s2_0 = {0};
            f32x8 s3_0 = {0};
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d + 504);
                const f32x8 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            store_f32x8(&d_kernel[31][i][8], s0_0);
            store_f32x8(&d_kernel[31][i + 1][8], s1_0);
            store_f32x8(&d_kernel[31][i + 2][8], s2_0);
            store_f32x8(&d_kernel[31][i + 3][8], s3_0);
        }
    }
}

static float run_gradients_v3(const mlp_weights *w, mlp_weights *gradients, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_23 = (float *)(arena + 659968);
    float *const dense_workspace_24 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_v3(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v3((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 6; task++) {
        dense_sparse_forward_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_v3((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_v3(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_input_gradient_v3(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, 32 * task / 16, 32 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_gradients_v3(dense_linear_out, d_dense_1_linear, gradients->dense_1_kernel, count, 128 * task / 16, 128 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_23 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_24 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v3(&d_dense_1_linear[n][0], dense_1_workspace_23 + task * 10, 0, 1);
            dense_bias_gradient_part_v3(&d_dense[n][0], dense_workspace_24 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_v3(gradients->dense_1_bias, dense_1_workspace_23, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_v3(gradients->dense_bias, dense_workspace_24, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_gradients_v3((const float (*)[784])rescaling_out, d_dense, gradients->dense_kernel, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        total += sum;
    }
    return (float)(total / (double)count);
}

/* input/float32: bytes as floats. */
LEVEL_v3 static void input_float32_forward_v3(const uint8_t *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 784;
    for (; i + 8 <= last * 784; i += 8) {
        const i32x8 bytes = load_u8_i32x8(&x[i]);
        f32x8 v = __builtin_convertvector(bytes, f32x8);
        v = v * 0.003921569f;
        store_f32x8(&y[i], v);
    }
}

static float run_evaluation_bytes_v3(const mlp_weights *w, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 8000);
    float *const dense_1_loss = (float *)(arena + 16000);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        input_float32_forward_v3(input, &input_float32_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v3((const float (*)[784])input_float32_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 6; task++) {
        dense_sparse_forward_v3((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_v3((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_v3(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, count * task / 16, count * (task + 1) / 16);
    }
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

static float run_training_bytes_v3(mlp_weights *w, mlp_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const d_dense_1_bias = (float *)(arena + 662656);
    float *const d_dense_bias = (float *)(arena + 659968);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_32 = (float *)(arena + 662016);
    float *const dense_workspace_33 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        input_float32_forward_v3(input, &input_float32_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_v3((const float (*)[784])input_float32_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 6; task++) {
        dense_sparse_forward_v3((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_v3((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_v3(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    if (step->refuse_nan) {
        float zero = 0;
        for (ptrdiff_t n = 0; n < count; n++) zero += 0.0F * dense_1_loss[n];
        if (!(zero == 0)) return NAN;
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_input_gradient_v3(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, 32 * task / 16, 32 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v3(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 128 * task / 16, 128 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_32 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_33 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v3(&d_dense_1_linear[n][0], dense_1_workspace_32 + task * 10, 0, 1);
            dense_bias_gradient_part_v3(&d_dense[n][0], dense_workspace_33 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_v3(d_dense_1_bias, dense_1_workspace_32, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_v3(d_dense_bias, dense_workspace_33, task, task + 1);
    }
    dense_1_bias_update_v3(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v3((const float (*)[784])input_float32_out, d_dense, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    dense_bias_update_v3(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

#endif

/* ---- base: vectors of 4 floats, 16 registers ---- */

typedef float f32x4 __attribute__((vector_size(4 * 4)));
typedef int32_t i32x4 __attribute__((vector_size(4 * 4)));
typedef uint32_t u32x4 __attribute__((vector_size(4 * 4)));
typedef uint8_t u8x4 __attribute__((vector_size(4)));
typedef uint8_t u8x4_at __attribute__((vector_size(4), aligned(1), may_alias));
typedef float f32x4_at __attribute__((vector_size(4 * 4), aligned(4), may_alias)); /* anywhere in memory */

LEVEL_base INLINE static inline f32x4 load_f32x4(const float *from)
{
    return *(const f32x4_at *)from;
}

LEVEL_base INLINE static inline void store_f32x4(float *to, f32x4 x)
{
    *(f32x4_at *)to = x;
}

/* The first `count` numbers, a constant from 1 to 4 - 1; the rest zero. */
LEVEL_base INLINE static inline f32x4 load_part_f32x4(const float *from, int count)
{
    return (f32x4){from[0], count > 1 ? from[1] : 0.0f, count > 2 ? from[2] : 0.0f, 0.0f};
}

LEVEL_base INLINE static inline void store_part_f32x4(float *to, f32x4 x, int count)
{
    if (count & 2) memcpy(to, &x, 2 * sizeof(float));
    if (count & 1) to[count - 1] = x[count & 2];
}

/* Whole numbers kept in bytes. gcc takes __builtin_convertvector between these lengths apart into single numbers. */
LEVEL_base INLINE static inline i32x4 load_u8_i32x4(const uint8_t *from)
{
    return __builtin_convertvector(*(const u8x4_at *)from, i32x4);
}

LEVEL_base INLINE static inline void store_part_i32x4(int32_t *to, i32x4 x, size_t count)
{
    memcpy(to, &x, count * sizeof(int32_t));
}

/* A bit for each lane of a mask. */
LEVEL_base INLINE static inline uint32_t bits_i32x4(i32x4 mask)
{
#if defined(__x86_64__)
    return (uint32_t)__builtin_ia32_movmskps((f32x4)mask);
#else
    uint32_t bits = 0;
    for (int i = 0; i < 4; i++) bits |= (uint32_t)(mask[i] & 1) << i;
    return bits;
#endif
}

/* The 4x4 floats at `from`, whose rows lie `row` apart, with rows and columns exchanged. */
LEVEL_base static inline void transpose4_f32x4(const float *from, ptrdiff_t row, float *to, ptrdiff_t to_row)
{
    typedef float quad __attribute__((vector_size(16)));
    typedef float quad_at __attribute__((vector_size(16), aligned(4), may_alias));
    const quad a = *(const quad_at *)from, b = *(const quad_at *)(from + row);
    const quad c = *(const quad_at *)(from + 2 * row), d = *(const quad_at *)(from + 3 * row);
#if defined(__clang__)
    const quad even = __builtin_shufflevector(a, c, 0, 4, 1, 5), even2 = __builtin_shufflevector(a, c, 2, 6, 3, 7);
    const quad odd = __builtin_shufflevector(b, d, 0, 4, 1, 5), odd2 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
    *(quad_at *)to = __builtin_shufflevector(even, odd, 0, 4, 1, 5);
    *(quad_at *)(to + to_row) = __builtin_shufflevector(even, odd, 2, 6, 3, 7);
    *(quad_at *)(to + 2 * to_row) = __builtin_shufflevector(even2, odd2, 0, 4, 1, 5);
    *(quad_at *)(to + 3 * to_row) = __builtin_shufflevector(even2, odd2, 2, 6, 3, 7);
#else
    typedef int32_t places __attribute__((vector_size(16)));
    const places low = {0, 4, 1, 5}, high = {2, 6, 3, 7};
    const quad even = __builtin_shuffle(a, c, low), even2 = __builtin_shuffle(a, c, high);
    const quad odd = __builtin_shuffle(b, d, low), odd2 = __builtin_shuffle(b, d, high);
    *(quad_at *)to = __builtin_shuffle(even, odd, low);
    *(quad_at *)(to + to_row) = __builtin_shuffle(even, odd, high);
    *(quad_at *)(to + 2 * to_row) = __builtin_shuffle(even2, odd2, low);
    *(quad_at *)(to + 3 * to_row) = __builtin_shuffle(even2, odd2, high);
#endif
}

/* x where the mask is set, else zero. */
LEVEL_base INLINE static inline f32x4 keep_f32x4(i32x4 mask, f32x4 x)
{
    return (f32x4)(mask & (i32x4)x);
}

LEVEL_base INLINE static inline f32x4 select_f32x4(i32x4 mask, f32x4 x, f32x4 y)
{
    return (f32x4)((mask & (i32x4)x) | (~mask & (i32x4)y));
}

/* The larger; b where one is not a number. */
LEVEL_base INLINE static inline f32x4 max_f32x4(f32x4 a, f32x4 b)
{
#if defined(__x86_64__)
    return (f32x4)__builtin_ia32_maxps(a, b);
#else
    i32x4 larger = a > b;
    return (f32x4)((larger & (i32x4)a) | (~larger & (i32x4)b));
#endif
}

LEVEL_base INLINE static inline f32x4 sqrt_f32x4(f32x4 x)
{
#if defined(__x86_64__)
    return (f32x4)__builtin_ia32_sqrtps(x);
#else
    for (int i = 0; i < 4; i++) x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* e^x within 2 units in the last place: x = k ln 2 + r, e^r by its Taylor polynomial on |r| <= ln 2 / 2, and
 * 2^k by the exponent's bits. Above 88.72 infinity, below -87.33 zero; what is not a number stays so. */
LEVEL_base INLINE static inline f32x4 exp_f32x4(f32x4 x)
{
    f32x4 zero = {0}, k = x * 1.44269504f + 12582912.0f; /* adding 1.5 * 2^23 rounds to a whole number */
    i32x4 bits = (i32x4)k - 0x4b400000;
    k = k - 12582912.0f;
    f32x4 r = (x - k * 0.693359375f) - k * -2.12194440e-4f; /* ln 2 in two parts, the first exact in few bits */
    f32x4 p = 1.0f / 5040 + zero;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    i32x4 half = bits >> 1; /* in two steps, so that 2^128 does not arise on the way */
    f32x4 y = p * (f32x4)((half + 127) << 23) * (f32x4)((bits - half + 127) << 23);
    y = select_f32x4(x > 88.72283f, zero + INFINITY, y);
    y = keep_f32x4(~(x < -87.33654f), y);
    return select_f32x4(x == x, y, x);
}

/* All ones in the first `count` places. */
LEVEL_base INLINE static inline i32x4 first_i32x4(int count)
{
    i32x4 place;
    for (int i = 0; i < 4; i++) place[i] = i;
    return place < count;
}

LEVEL_base INLINE static inline float sum_f32x4(f32x4 x)
{
    float sum = x[0];
    for (int i = 1; i < 4; i++) sum += x[i];
    return sum;
}

LEVEL_base INLINE static inline float largest_f32x4(f32x4 x)
{
    float largest = x[0];
    for (int i = 1; i < 4; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/* rescaling: y = x * 0.00392156863 + 0. */
static void rescaling_forward_base(const float *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 784;
    for (; i + 4 <= last * 784; i += 4) {
        f32x4 v = load_f32x4(&x[i]);
        v = v * 0.003921569f;
        store_f32x4(&y[i], v);
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
static void dense_forward_base(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 8;
        const float *const a = x[0];
        const float *const b0 = &kernel[k / 4][0][k % 4 * 4];
        const float *const b1 = &kernel[(k + 1) / 4][0][(k + 1) % 4 * 4];
        const float *const b2 = &kernel[(k + 2) / 4][0][(k + 2) % 4 * 4];
        const float *const b3 = &kernel[(k + 3) / 4][0][(k + 3) % 4 * 4];
        const float *const b4 = &kernel[(k + 4) / 4][0][(k + 4) % 4 * 4];
        const float *const b5 = &kernel[(k + 5) / 4][0][(k + 5) % 4 * 4];
        const float *const b6 = &kernel[(k + 6) / 4][0][(k + 6) % 4 * 4];
        const float *const b7 = &kernel[(k + 7) / 4][0][(k + 7) % 4 * 4];
        f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0}; f32x4 s0_4 = {0}; f32x4 s0_5 = {0}; f32x4 s0_6 = {0}; f32x4 s0_7 = {0};
        for (int i = 0; i < 784; i += 64) {
            const int end = 784 - i < 64 ? 784 - i : 64;
            uint64_t found = 0;
            for (int j = 0; j < end; j += 4)
                found |= (uint64_t)bits_i32x4(load_f32x4(a + i + j) != 0.0f) << j;
            for (uint64_t left = found; left; left &= left - 1) {
                const int j = i + __builtin_ctzll(left);
                const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16); const f32x4 w2 = load_f32x4(b2 + j * 16); const f32x4 w3 = load_f32x4(b3 + j * 16); const f32x4 w4 = load_f32x4(b4 + j * 16); const f32x4 w5 = load_f32x4(b5 + j * 16); const f32x4 w6 = load_f32x4(b6 + j * 16); const f32x4 w7 = load_f32x4(b7 + j * 16);
                s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7;
            }
        }
        s0_0 += load_f32x4(&bias[k * 4]);
        s0_1 += load_f32x4(&bias[(k + 1) * 4]);
        s0_2 += load_f32x4(&bias[(k + 2) * 4]);
        s0_3 += load_f32x4(&bias[(k + 3) * 4]);
        s0_4 += load_f32x4(&bias[(k + 4) * 4]);
        s0_5 += load_f32x4(&bias[(k + 5) * 4]);
        s0_6 += load_f32x4(&bias[(k + 6) * 4]);
        s0_7 += load_f32x4(&bias[(k + 7) * 4]);
        s0_0 = max_f32x4((f32x4){0}, s0_0);
        store_f32x4(&y[0][k * 4], s0_0);
        s0_1 = max_f32x4((f32x4){0}, s0_1);
        store_f32x4(&y[0][(k + 1) * 4], s0_1);
        s0_2 = max_f32x4((f32x4){0}, s0_2);
        store_f32x4(&y[0][(k + 2) * 4], s0_2);
        s0_3 = max_f32x4((f32x4){0}, s0_3);
        store_f32x4(&y[0][(k + 3) * 4], s0_3);
        s0_4 = max_f32x4((f32x4){0}, s0_4);
        store_f32x4(&y[0][(k + 4) * 4], s0_4);
        s0_5 = max_f32x4((f32x4){0}, s0_5);
        store_f32x4(&y[0][(k + 5) * 4], s0_5);
        s0_6 = max_f32x4((f32x4){0}, s0_6);
        store_f32x4(&y[0][(k + 6) * 4], s0_6);
        s0_7 = max_f32x4((f32x4){0}, s0_7);
        store_f32x4(&y[0][(k + 7) * 4], s0_7);
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 512 inputs, 10 outputs. */
static void dense_1_forward_base(const float (*x)[512], const float (*kernel)[512][16], const float *bias, float (*y)[10], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 1;
        if (k < 2) {
            const float *const a = x[0];
            const float *const b0 = &kernel[k / 4][0][k % 4 * 4];
            f32x4 s0_0 = {0};
            f32x4 s1_0 = {0};
            f32x4 s2_0 = {0};
            f32x4 s3_0 = {0};
            f32x4 s4_0 = {0};
            f32x4 s5_0 = {0};
            f32x4 s6_0 = {0};
            f32x4 s7_0 = {0};
            for (int i = 0; i < 512; i += 64) {
                const int end = 512 - i < 64 ? 512 - i : 64;
                uint64_t found = 0;
                for (int j = 0; j < end; j += 4)
                    found |= (uint64_t)bits_i32x4(load_f32x4(a + i + j) != 0.0f) << j;
                int rows[72], listed = 0;
                float factors[72];
                for (uint64_t left = found; left; left &= left - 1) {
                    rows[listed] = i + __builtin_ctzll(left);
                    factors[listed] = a[rows[listed]];
                    listed++;
                }
                for (int t = 0; t < 8; t++) rows[listed + t] = i, factors[listed + t] = 0;
                for (int r = 0; r < listed; r += 8) {
                    s0_0 += factors[r] * load_f32x4(b0 + rows[r] * 16);
                    s1_0 += factors[r + 1] * load_f32x4(b0 + rows[r + 1] * 16);
                    s2_0 += factors[r + 2] * load_f32x4(b0 + rows[r + 2] * 16);
                    s3_0 += factors[r + 3] * load_f32x4(b0 + rows[r + 3] * 16);
                    s4_0 += factors[r + 4] * load_f32x4(b0 + rows[r + 4] * 16);
                    s5_0 += factors[r + 5] * load_f32x4(b0 + rows[r + 5] * 16);
                    s6_0 += factors[r + 6] * load_f32x4(b0 + rows[r + 6] * 16);
                    s7_0 += factors[r + 7] * load_f32x4(b0 + rows[r + 7] * 16);
                }
            }
            s0_0 += s4_0;
            s1_0 += s5_0;
            s2_0 += s6_0;
            s3_0 += s7_0;
            s0_0 += s2_0;
            s1_0 += s3_0;
            s0_0 += s1_0;
            s0_0 += load_f32x4(&bias[k * 4]);
            store_f32x4(&y[0][k * 4], s0_0);
        } else {
            const float *const a = x[0];
            const float *const b0 = &kernel[0][0][8];
            f32x4 s0_0 = {0};
            f32x4 s1_0 = {0};
            f32x4 s2_0 = {0};
            f32x4 s3_0 = {0};
            f32x4 s4_0 = {0};
            f32x4 s5_0 = {0};
            f32x4 s6_0 = {0};
            f32x4 s7_0 = {0};
            for (int i = 0; i < 512; i += 64) {
                const int end = 512 - i < 64 ? 512 - i : 64;
                uint64_t found = 0;
                for (int j = 0; j < end; j += 4)
                    found |= (uint64_t)bits_i32x4(load_f32x4(a + i + j) != 0.0f) << j;
                int rows[72], listed = 0;
                float factors[72];
                for (uint64_t left = found; left; left &= left - 1) {
                    rows[listed] = i + __builtin_ctzll(left);
                    factors[listed] = a[rows[listed]];
                    listed++;
                }
                for (int t = 0; t < 8; t++) rows[listed + t] = i, factors[listed + t] = 0;
                for (int r = 0; r < listed; r += 8) {
                    s0_0 += factors[r] * load_f32x4(b0 + rows[r] * 16);
                    s1_0 += factors[r + 1] * load_f32x4(b0 + rows[r + 1] * 16);
                    s2_0 += factors[r + 2] * load_f32x4(b0 + rows[r + 2] * 16);
                    s3_0 += factors[r + 3] * load_f32x4(b0 + rows[r + 3] * 16);
                    s4_0 += factors[r + 4] * load_f32x4(b0 + rows[r + 4] * 16);
                    s5_0 += factors[r + 5] * load_f32x4(b0 + rows[r + 5] * 16);
                    s6_0 += factors[r + 6] * load_f32x4(b0 + rows[r + 6] * 16);
                    s7_0 += factors[r + 7] * load_f32x4(b0 + rows[r + 7] * 16);
                }
            }
            s0_0 += s4_0;
            s1_0 += s5_0;
            s2_0 += s6_0;
            s3_0 += s7_0;
            s0_0 += s2_0;
            s1_0 += s3_0;
            s0_0 += s1_0;
            s0_0 += load_part_f32x4(&bias[8], 2);
            store_part_f32x4(&y[0][8], s0_0, 2);
        }
    }
}

/* dense_1/softmax: y[c] = e^x[c] / sum over k of e^x[k], 10 classes. */
static void dense_1_softmax_forward_base(const float *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        for (int m = 0; m < 1; m++) {
            const float *const from = &x[(n + m) * 10];
            float *const to = &y[(n + m) * 10];
            float largest = from[0];
            f32x4 most = load_f32x4(from), sums = {0};
            for (int c = 4; c < 8; c += 4) most = max_f32x4(load_f32x4(&from[c]), most);
            largest = largest_f32x4(most);
            for (int c = 8; c < 10; c++) largest = from[c] > largest ? from[c] : largest;
            for (int c = 0; c < 8; c += 4) {
                const f32x4 v = exp_f32x4(load_f32x4(&from[c]) - largest);
                store_f32x4(&to[c], v);
                sums += v;
            }
            {
                const int c = 8;
                const f32x4 v = exp_f32x4(load_part_f32x4(&from[c], 2) - largest);
                store_part_f32x4(&to[c], v, 2);
            }
            float sum = sum_f32x4(sums);
            for (int c = 8; c < 10; c++) sum += to[c];
            const float share = 1.0f / sum;
            for (int c = 0; c < 8; c += 4) {
                store_f32x4(&to[c], load_f32x4(&to[c]) * share);
            }
            {
                const int c = 8;
                store_part_f32x4(&to[c], load_part_f32x4(&to[c], 2) * share, 2);
            }
        }
    }
}

static void run_single_base(const mlp_weights *w, const float *input, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 3136);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    rescaling_forward_base(input, &rescaling_out[0][0][0][0], 0, 1);
    if (ONE_THREAD) {
        dense_forward_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, 0, 16);
    } else {
        PARALLEL {
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 16; task++) {
                dense_forward_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, task, task + 1);
            }
        }
    }
    dense_1_forward_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, 0, 3);
    dense_1_softmax_forward_base(&dense_1_linear_out[0][0], output, 0, 1);
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
static void dense_zeros_base(const float (*x)[784], float *work, ptrdiff_t first, ptrdiff_t last)
{
    uint64_t (*const found)[14] = (uint64_t (*)[14])work;
    for (ptrdiff_t n = first; n < last; n++) {
        uint64_t numbers = 0;
        for (ptrdiff_t m = n * 1; m < (n + 1) * 1; m++) {
            for (int i = 0; i < 784; i += 64) {
                const int end = 784 - i < 64 ? 784 - i : 64;
                uint64_t bits = 0;
                for (int j = 0; j < end; j += 4)
                    bits |= (uint64_t)bits_i32x4(load_f32x4(&x[m][i + j]) != 0.0f) << j;
                found[m][i / 64] = bits;
                numbers += (uint64_t)__builtin_popcountll(bits);
            }
        }
        found[n][13] = numbers;
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
static void dense_sparse_forward_base(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], float *work, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t (*const nonzero)[14] = (const uint64_t (*)[14])work;
    uint64_t numbers = 0;
    for (ptrdiff_t n = 0; n < count; n++) numbers += nonzero[n][13];
    if (numbers * 8 >= (uint64_t)count * 1 * 784 * 3) return;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 12;
        const ptrdiff_t from = 0, to = count * 1;
        if (k < 120) {
            for (int i = 0; i < 784; i += 64) {
                const int end = 784 - i < 64 ? 784 - i : 64;
                ptrdiff_t m = from;
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
                    const uint64_t found = nonzero[m][i / 64];
                    if (!found && i && i + end < 784) continue;
                    f32x4 s0_0 = i ? load_f32x4(&y[m][k * 4]) : load_f32x4(&bias[k * 4]);
                    f32x4 s0_1 = i ? load_f32x4(&y[m][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                    f32x4 s0_2 = i ? load_f32x4(&y[m][(k + 2) * 4]) : load_f32x4(&bias[(k + 2) * 4]);
                    f32x4 s0_3 = i ? load_f32x4(&y[m][(k + 3) * 4]) : load_f32x4(&bias[(k + 3) * 4]);
                    f32x4 s0_4 = i ? load_f32x4(&y[m][(k + 4) * 4]) : load_f32x4(&bias[(k + 4) * 4]);
                    f32x4 s0_5 = i ? load_f32x4(&y[m][(k + 5) * 4]) : load_f32x4(&bias[(k + 5) * 4]);
                    f32x4 s0_6 = i ? load_f32x4(&y[m][(k + 6) * 4]) : load_f32x4(&bias[(k + 6) * 4]);
                    f32x4 s0_7 = i ? load_f32x4(&y[m][(k + 7) * 4]) : load_f32x4(&bias[(k + 7) * 4]);
                    f32x4 s0_8 = i ? load_f32x4(&y[m][(k + 8) * 4]) : load_f32x4(&bias[(k + 8) * 4]);
                    f32x4 s0_9 = i ? load_f32x4(&y[m][(k + 9) * 4]) : load_f32x4(&bias[(k + 9) * 4]);
                    f32x4 s0_10 = i ? load_f32x4(&y[m][(k + 10) * 4]) : load_f32x4(&bias[(k + 10) * 4]);
                    f32x4 s0_11 = i ? load_f32x4(&y[m][(k + 11) * 4]) : load_f32x4(&bias[(k + 11) * 4]);
                    const float *const b0 = &kernel[k / 4][i][k % 4 * 4];
                    const float *const b1 = &kernel[(k + 1) / 4][i][(k + 1) % 4 * 4];
                    const float *const b2 = &kernel[(k + 2) / 4][i][(k + 2) % 4 * 4];
                    const float *const b3 = &kernel[(k + 3) / 4][i][(k + 3) % 4 * 4];
                    const float *const b4 = &kernel[(k + 4) / 4][i][(k + 4) % 4 * 4];
                    const float *const b5 = &kernel[(k + 5) / 4][i][(k + 5) % 4 * 4];
                    const float *const b6 = &kernel[(k + 6) / 4][i][(k + 6) % 4 * 4];
                    const float *const b7 = &kernel[(k + 7) / 4][i][(k + 7) % 4 * 4];
                    const float *const b8 = &kernel[(k + 8) / 4][i][(k + 8) % 4 * 4];
                    const float *const b9 = &kernel[(k + 9) / 4][i][(k + 9) % 4 * 4];
                    const float *const b10 = &kernel[(k + 10) / 4][i][(k + 10) % 4 * 4];
                    const float *const b11 = &kernel[(k + 11) / 4][i][(k + 11) % 4 * 4];
                    for (uint64_t left = found; left; left &= left - 1) {
                        const int j = __builtin_ctzll(left);
                        const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16); const f32x4 w2 = load_f32x4(b2 + j * 16); const f32x4 w3 = load_f32x4(b3 + j * 16); const f32x4 w4 = load_f32x4(b4 + j * 16); const f32x4 w5 = load_f32x4(b5 + j * 16); const f32x4 w6 = load_f32x4(b6 + j * 16); const f32x4 w7 = load_f32x4(b7 + j * 16); const f32x4 w8 = load_f32x4(b8 + j * 16); const f32x4 w9 = load_f32x4(b9 + j * 16); const f32x4 w10 = load_f32x4(b10 + j * 16); const f32x4 w11 = load_f32x4(b11 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7; s0_8 += a[j] * w8; s0_9 += a[j] * w9; s0_10 += a[j] * w10; s0_11 += a[j] * w11;
                    }
                    if (i + end < 784) {
                        store_f32x4(&y[m][k * 4], s0_0);
                        store_f32x4(&y[m][(k + 1) * 4], s0_1);
                        store_f32x4(&y[m][(k + 2) * 4], s0_2);
                        store_f32x4(&y[m][(k + 3) * 4], s0_3);
                        store_f32x4(&y[m][(k + 4) * 4], s0_4);
                        store_f32x4(&y[m][(k + 5) * 4], s0_5);
                        store_f32x4(&y[m][(k + 6) * 4], s0_6);
                        store_f32x4(&y[m][(k + 7) * 4], s0_7);
                        store_f32x4(&y[m][(k + 8) * 4], s0_8);
                        store_f32x4(&y[m][(k + 9) * 4], s0_9);
                        store_f32x4(&y[m][(k + 10) * 4], s0_10);
                        store_f32x4(&y[m][(k + 11) * 4], s0_11);
                    } else {
                        s0_0 = max_f32x4((f32x4){0}, s0_0);
                        store_f32x4(&y[m][k * 4], s0_0);
                        s0_1 = max_f32x4((f32x4){0}, s0_1);
                        store_f32x4(&y[m][(k + 1) * 4], s0_1);
                        s0_2 = max_f32x4((f32x4){0}, s0_2);
                        store_f32x4(&y[m][(k + 2) * 4], s0_2);
                        s0_3 = max_f32x4((f32x4){0}, s0_3);
                        store_f32x4(&y[m][(k + 3) * 4], s0_3);
                        s0_4 = max_f32x4((f32x4){0}, s0_4);
                        store_f32x4(&y[m][(k + 4) * 4], s0_4);
                        s0_5 = max_f32x4((f32x4){0}, s0_5);
                        store_f32x4(&y[m][(k + 5) * 4], s0_5);
                        s0_6 = max_f32x4((f32x4){0}, s0_6);
                        store_f32x4(&y[m][(k + 6) * 4], s0_6);
                        s0_7 = max_f32x4((f32x4){0}, s0_7);
                        store_f32x4(&y[m][(k + 7) * 4], s0_7);
                        s0_8 = max_f32x4((f32x4){0}, s0_8);
                        store_f32x4(&y[m][(k + 8) * 4], s0_8);
                        s0_9 = max_f32x4((f32x4){0}, s0_9);
                        store_f32x4(&y[m][(k + 9) * 4], s0_9);
                        s0_10 = max_f32x4((f32x4){0}, s0_10);
                        store_f32x4(&y[m][(k + 10) * 4], s0_10);
                        s0_11 = max_f32x4((f32x4){0}, s0_11);
                        store_f32x4(&y[m][(k + 11) * 4], s0_11);
                    }
                }
            }
        } else {
            for (int i = 0; i < 784; i += 64) {
                const int end = 784 - i < 64 ? 784 - i : 64;
                ptrdiff_t m = from;
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
                    const uint64_t found = nonzero[m][i / 64];
                    if (!found && i && i + end < 784) continue;
                    f32x4 s0_0 = i ? load_f32x4(&y[m][480]) : load_f32x4(&bias[480]);
                    f32x4 s0_1 = i ? load_f32x4(&y[m][484]) : load_f32x4(&bias[484]);
                    f32x4 s0_2 = i ? load_f32x4(&y[m][488]) : load_f32x4(&bias[488]);
                    f32x4 s0_3 = i ? load_f32x4(&y[m][492]) : load_f32x4(&bias[492]);
                    f32x4 s0_4 = i ? load_f32x4(&y[m][496]) : load_f32x4(&bias[496]);
                    f32x4 s0_5 = i ? load_f32x4(&y[m][500]) : load_f32x4(&bias[500]);
                    f32x4 s0_6 = i ? load_f32x4(&y[m][504]) : load_f32x4(&bias[504]);
                    f32x4 s0_7 = i ? load_f32x4(&y[m][508]) : load_f32x4(&bias[508]);
                    const float *const b0 = &kernel[30][i][0];
                    const float *const b1 = &kernel[30][i][4];
                    const float *const b2 = &kernel[30][i][8];
                    const float *const b3 = &kernel[30][i][12];
                    const float *const b4 = &kernel[31][i][0];
                    const float *const b5 = &kernel[31][i][4];
                    const float *const b6 = &kernel[31][i][8];
                    const float *const b7 = &kernel[31][i][12];
                    for (uint64_t left = found; left; left &= left - 1) {
                        const int j = __builtin_ctzll(left);
                        const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16); const f32x4 w2 = load_f32x4(b2 + j * 16); const f32x4 w3 = load_f32x4(b3 + j * 16); const f32x4 w4 = load_f32x4(b4 + j * 16); const f32x4 w5 = load_f32x4(b5 + j * 16); const f32x4 w6 = load_f32x4(b6 + j * 16); const f32x4 w7 = load_f32x4(b7 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7;
                    }
                    if (i + end < 784) {
                        store_f32x4(&y[m][480], s0_0);
                        store_f32x4(&y[m][484], s0_1);
                        store_f32x4(&y[m][488], s0_2);
                        store_f32x4(&y[m][492], s0_3);
                        store_f32x4(&y[m][496], s0_4);
                        store_f32x4(&y[m][500], s0_5);
                        store_f32x4(&y[m][504], s0_6);
                        store_f32x4(&y[m][508], s0_7);
                    } else {
                        s0_0 = max_f32x4((f32x4){0}, s0_0);
                        store_f32x4(&y[m][480], s0_0);
                        s0_1 = max_f32x4((f32x4){0}, s0_1);
                        store_f32x4(&y[m][484], s0_1);
                        s0_2 = max_f32x4((f32x4){0}, s0_2);
                        store_f32x4(&y[m][488], s0_2);
                        s0_3 = max_f32x4((f32x4){0}, s0_3);
                        store_f32x4(&y[m][492], s0_3);
                        s0_4 = max_f32x4((f32x4){0}, s0_4);
                        store_f32x4(&y[m][496], s0_4);
                        s0_5 = max_f32x4((f32x4){0}, s0_5);
                        store_f32x4(&y[m][500], s0_5);
                        s0_6 = max_f32x4((f32x4){0}, s0_6);
                        store_f32x4(&y[m][504], s0_6);
                        s0_7 = max_f32x4((f32x4){0}, s0_7);
                        store_f32x4(&y[m][508], s0_7);
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 784 inputs, 512 outputs. */
static void dense_forward_batch_base(const float (*x)[784], const float (*kernel)[784][16], const float *bias, float (*y)[512], float *work, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t (*const nonzero)[14] = (const uint64_t (*)[14])work;
    uint64_t numbers = 0;
    for (ptrdiff_t n = 0; n < count; n++) numbers += nonzero[n][13];
    if (numbers * 8 < (uint64_t)count * 1 * 784 * 3) return;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 4;
        const ptrdiff_t from = 0, to = count * 1;
        for (int i = 0; i < 784; i += 256) {
            const int end = 784 - i < 256 ? 784 - i : 256;
            ptrdiff_t m = from;
            for (; m + 2 <= to; m += 2) {
                const float *const a = &x[m][i];
                f32x4 s0_0 = i ? load_f32x4(&y[m][k * 4]) : load_f32x4(&bias[k * 4]);
                f32x4 s0_1 = i ? load_f32x4(&y[m][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                f32x4 s0_2 = i ? load_f32x4(&y[m][(k + 2) * 4]) : load_f32x4(&bias[(k + 2) * 4]);
                f32x4 s0_3 = i ? load_f32x4(&y[m][(k + 3) * 4]) : load_f32x4(&bias[(k + 3) * 4]);
                f32x4 s1_0 = i ? load_f32x4(&y[m + 1][k * 4]) : load_f32x4(&bias[k * 4]);
                f32x4 s1_1 = i ? load_f32x4(&y[m + 1][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                f32x4 s1_2 = i ? load_f32x4(&y[m + 1][(k + 2) * 4]) : load_f32x4(&bias[(k + 2) * 4]);
                f32x4 s1_3 = i ? load_f32x4(&y[m + 1][(k + 3) * 4]) : load_f32x4(&bias[(k + 3) * 4]);
                const float *const b0 = &kernel[k / 4][i][k % 4 * 4];
                const float *const b1 = &kernel[(k + 1) / 4][i][(k + 1) % 4 * 4];
                const float *const b2 = &kernel[(k + 2) / 4][i][(k + 2) % 4 * 4];
                const float *const b3 = &kernel[(k + 3) / 4][i][(k + 3) % 4 * 4];
                for (int j = 0; j < end; j++) {
                    const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16); const f32x4 w2 = load_f32x4(b2 + j * 16); const f32x4 w3 = load_f32x4(b3 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                    s1_0 += a[j + 784] * w0; s1_1 += a[j + 784] * w1; s1_2 += a[j + 784] * w2; s1_3 += a[j + 784] * w3;
                }
                if (i + end < 784) {
                    store_f32x4(&y[m][k * 4], s0_0);
                    store_f32x4(&y[m][(k + 1) * 4], s0_1);
                    store_f32x4(&y[m][(k + 2) * 4], s0_2);
                    store_f32x4(&y[m][(k + 3) * 4], s0_3);
                    store_f32x4(&y[m + 1][k * 4], s1_0);
                    store_f32x4(&y[m + 1][(k + 1) * 4], s1_1);
                    store_f32x4(&y[m + 1][(k + 2) * 4], s1_2);
                    store_f32x4(&y[m + 1][(k + 3) * 4], s1_3);
                } else {
                    s0_0 = max_f32x4((f32x4){0}, s0_0);
                    store_f32x4(&y[m][k * 4], s0_0);
                    s0_1 = max_f32x4((f32x4){0}, s0_1);
                    store_f32x4(&y[m][(k + 1) * 4], s0_1);
                    s0_2 = max_f32x4((f32x4){0}, s0_2);
                    store_f32x4(&y[m][(k + 2) * 4], s0_2);
                    s0_3 = max_f32x4((f32x4){0}, s0_3);
                    store_f32x4(&y[m][(k + 3) * 4], s0_3);
                    s1_0 = max_f32x4((f32x4){0}, s1_0);
                    store_f32x4(&y[m + 1][k * 4], s1_0);
                    s1_1 = max_f32x4((f32x4){0}, s1_1);
                    store_f32x4(&y[m + 1][(k + 1) * 4], s1_1);
                    s1_2 = max_f32x4((f32x4){0}, s1_2);
                    store_f32x4(&y[m + 1][(k + 2) * 4], s1_2);
                    s1_3 = max_f32x4((f32x4){0}, s1_3);
                    store_f32x4(&y[m + 1][(k + 3) * 4], s1_3);
                }
            }
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                f32x4 s0_0 = i ? load_f32x4(&y[m][k * 4]) : load_f32x4(&bias[k * 4]);
                f32x4 s0_1 = i ? load_f32x4(&y[m][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                f32x4 s0_2 = i ? load_f32x4(&y[m][(k + 2) * 4]) : load_f32x4(&bias[(k + 2) * 4]);
                f32x4 s0_3 = i ? load_f32x4(&y[m][(k + 3) * 4]) : load_f32x4(&bias[(k + 3) * 4]);
                const float *const b0 = &kernel[k / 4][i][k % 4 * 4];
                const float *const b1 = &kernel[(k + 1) / 4][i][(k + 1) % 4 * 4];
                const float *const b2 = &kernel[(k + 2) / 4][i][(k + 2) % 4 * 4];
                const float *const b3 = &kernel[(k + 3) / 4][i][(k + 3) % 4 * 4];
                for (int j = 0; j < end; j++) {
                    const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16); const f32x4 w2 = load_f32x4(b2 + j * 16); const f32x4 w3 = load_f32x4(b3 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                }
                if (i + end < 784) {
                    store_f32x4(&y[m][k * 4], s0_0);
                    store_f32x4(&y[m][(k + 1) * 4], s0_1);
                    store_f32x4(&y[m][(k + 2) * 4], s0_2);
                    store_f32x4(&y[m][(k + 3) * 4], s0_3);
                } else {
                    s0_0 = max_f32x4((f32x4){0}, s0_0);
                    store_f32x4(&y[m][k * 4], s0_0);
                    s0_1 = max_f32x4((f32x4){0}, s0_1);
                    store_f32x4(&y[m][(k + 1) * 4], s0_1);
                    s0_2 = max_f32x4((f32x4){0}, s0_2);
                    store_f32x4(&y[m][(k + 2) * 4], s0_2);
                    s0_3 = max_f32x4((f32x4){0}, s0_3);
                    store_f32x4(&y[m][(k + 3) * 4], s0_3);
                }
            }
        }
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 512 inputs, 10 outputs. */
static void dense_1_forward_batch_base(const float (*x)[512], const float (*kernel)[512][16], const float *bias, float (*y)[10], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part / 4 * 2;
        const ptrdiff_t tiles = (count + 3) / 4, chunk = part % 4;
        const ptrdiff_t from = tiles * chunk / 4 * 4, next = tiles * (chunk + 1) / 4 * 4;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        if (k < 2) {
            for (int i = 0; i < 512; i += 256) {
                const int end = 512 - i < 256 ? 512 - i : 256;
                ptrdiff_t m = from;
                for (; m + 4 <= to; m += 4) {
                    const float *const a = &x[m][i];
                    f32x4 s0_0 = i ? load_f32x4(&y[m][k * 4]) : load_f32x4(&bias[k * 4]);
                    f32x4 s0_1 = i ? load_f32x4(&y[m][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                    f32x4 s1_0 = i ? load_f32x4(&y[m + 1][k * 4]) : load_f32x4(&bias[k * 4]);
                    f32x4 s1_1 = i ? load_f32x4(&y[m + 1][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                    f32x4 s2_0 = i ? load_f32x4(&y[m + 2][k * 4]) : load_f32x4(&bias[k * 4]);
                    f32x4 s2_1 = i ? load_f32x4(&y[m + 2][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                    f32x4 s3_0 = i ? load_f32x4(&y[m + 3][k * 4]) : load_f32x4(&bias[k * 4]);
                    f32x4 s3_1 = i ? load_f32x4(&y[m + 3][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                    const float *const b0 = &kernel[k / 4][i][k % 4 * 4];
                    const float *const b1 = &kernel[(k + 1) / 4][i][(k + 1) % 4 * 4];
                    for (int j = 0; j < end; j++) {
                        const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                        s1_0 += a[j + 512] * w0; s1_1 += a[j + 512] * w1;
                        s2_0 += a[j + 1024] * w0; s2_1 += a[j + 1024] * w1;
                        s3_0 += a[j + 1536] * w0; s3_1 += a[j + 1536] * w1;
                    }
                    store_f32x4(&y[m][k * 4], s0_0);
                    store_f32x4(&y[m][(k + 1) * 4], s0_1);
                    store_f32x4(&y[m + 1][k * 4], s1_0);
                    store_f32x4(&y[m + 1][(k + 1) * 4], s1_1);
                    store_f32x4(&y[m + 2][k * 4], s2_0);
                    store_f32x4(&y[m + 2][(k + 1) * 4], s2_1);
                    store_f32x4(&y[m + 3][k * 4], s3_0);
                    store_f32x4(&y[m + 3][(k + 1) * 4], s3_1);
                }
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
                    f32x4 s0_0 = i ? load_f32x4(&y[m][k * 4]) : load_f32x4(&bias[k * 4]);
                    f32x4 s0_1 = i ? load_f32x4(&y[m][(k + 1) * 4]) : load_f32x4(&bias[(k + 1) * 4]);
                    const float *const b0 = &kernel[k / 4][i][k % 4 * 4];
                    const float *const b1 = &kernel[(k + 1) / 4][i][(k + 1) % 4 * 4];
                    for (int j = 0; j < end; j++) {
                        const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    }
                    store_f32x4(&y[m][k * 4], s0_0);
                    store_f32x4(&y[m][(k + 1) * 4], s0_1);
                }
            }
        } else {
            for (int i = 0; i < 512; i += 256) {
                const int end = 512 - i < 256 ? 512 - i : 256;
                ptrdiff_t m = from;
                for (; m + 4 <= to; m += 4) {
                    const float *const a = &x[m][i];
                    f32x4 s0_0 = i ? load_part_f32x4(&y[m][8], 2) : load_part_f32x4(&bias[8], 2);
                    f32x4 s1_0 = i ? load_part_f32x4(&y[m + 1][8], 2) : load_part_f32x4(&bias[8], 2);
                    f32x4 s2_0 = i ? load_part_f32x4(&y[m + 2][8], 2) : load_part_f32x4(&bias[8], 2);
                    f32x4 s3_0 = i ? load_part_f32x4(&y[m + 3][8], 2) : load_part_f32x4(&bias[8], 2);
                    const float *const b0 = &kernel[0][i][8];
                    for (int j = 0; j < end; j++) {
                        const f32x4 w0 = load_f32x4(b0 + j * 16);
                        s0_0 += a[j] * w0;
                        s1_0 += a[j + 512] * w0;
                        s2_0 += a[j + 1024] * w0;
                        s3_0 += a[j + 1536] * w0;
                    }
                    store_part_f32x4(&y[m][8], s0_0, 2);
                    store_part_f32x4(&y[m + 1][8], s1_0, 2);
                    store_part_f32x4(&y[m + 2][8], s2_0, 2);
                    store_part_f32x4(&y[m + 3][8], s3_0, 2);
                }
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
                    f32x4 s0_0 = i ? load_part_f32x4(&y[m][8], 2) : load_part_f32x4(&bias[8], 2);
                    const float *const b0 = &kernel[0][i][8];
                    for (int j = 0; j < end; j++) {
                        const f32x4 w0 = load_f32x4(b0 + j * 16);
                        s0_0 += a[j] * w0;
                    }
                    store_part_f32x4(&y[m][8], s0_0, 2);
                }
            }
        }
    }
}

static void run_batch_base(const mlp_weights *w, const float *input, float *output, ptrdiff_t count, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_base(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_base((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 11; task++) {
        dense_sparse_forward_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_base(&dense_1_linear_out[0][0], output, count * task / 16, count * (task + 1) / 16);
    }
}

/* dense_1: categorical_crossentropy of 10 numbers a sample, from the logits. */
static void dense_1_loss_base(const float *p, const float *target, const float *weight, float *loss, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        float total = 0.0f;
        const float importance = weight ? weight[n] : 1.0f;
        const float *const row = &p[n * 10];
        const float *const t = &target[n * 10];
        float value;
        f32x4 losses = {0};
        f32x4 top = (f32x4){0} + row[0], sums = {0};
        for (int c = 0; c < 8; c += 4) {
            top = max_f32x4(top, load_f32x4(&row[c]));
        }
        {
            const int c = 8;
            top = max_f32x4(top, select_f32x4(first_i32x4(2), load_part_f32x4(&row[c], 2), top));
        }
        const float largest = largest_f32x4(top);
        for (int c = 0; c < 8; c += 4) {
            const f32x4 power = exp_f32x4(load_f32x4(&row[c]) - largest);
            sums += power;
        }
        {
            const int c = 8;
            const f32x4 power = exp_f32x4(load_part_f32x4(&row[c], 2) - largest);
            sums += keep_f32x4(first_i32x4(2), power);
        }
        const float sum = sum_f32x4(sums);
        const float log_sum = logf(sum);
        for (int c = 0; c < 8; c += 4) {
            const f32x4 truth = load_f32x4(&t[c]), part = truth * ((largest - load_f32x4(&row[c])) + log_sum), v = keep_f32x4(truth != 0.0f, part);
            losses += v;
        }
        {
            const int c = 8;
            const f32x4 truth = load_part_f32x4(&t[c], 2), part = truth * ((largest - load_part_f32x4(&row[c], 2)) + log_sum), v = keep_f32x4(truth != 0.0f, part);
            losses += keep_f32x4(first_i32x4(2), v);
        }
        value = sum_f32x4(losses);
        total += importance * value;
        loss[n] = total;
    }
}

static float run_evaluation_base(const mlp_weights *w, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 8000);
    float *const dense_1_loss = (float *)(arena + 16000);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_base(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_base((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 11; task++) {
        dense_sparse_forward_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_base(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_base(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, count * task / 16, count * (task + 1) / 16);
    }
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

/* ---- training ---- */

/* dense_1: categorical_crossentropy of 10 numbers a sample, from the logits. */
static void dense_1_loss_train_base(const float *p, const float *target, const float *weight, float *loss, float *d_p, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t n = first; n < last; n++) {
        float total = 0.0f;
        const float importance = weight ? weight[n] : 1.0f;
        const float scale = importance * 1.0f / (float)count;
        const float *const row = &p[n * 10];
        const float *const t = &target[n * 10];
        float *const d = &d_p[n * 10];
        float value;
        f32x4 losses = {0};
        f32x4 targets = {0};
        f32x4 top = (f32x4){0} + row[0], sums = {0};
        for (int c = 0; c < 8; c += 4) {
            top = max_f32x4(top, load_f32x4(&row[c]));
        }
        {
            const int c = 8;
            top = max_f32x4(top, select_f32x4(first_i32x4(2), load_part_f32x4(&row[c], 2), top));
        }
        const float largest = largest_f32x4(top);
        for (int c = 0; c < 8; c += 4) {
            const f32x4 power = exp_f32x4(load_f32x4(&row[c]) - largest);
            sums += power;
            const f32x4 truth = load_f32x4(&t[c]);
            targets += truth;
            store_f32x4(&d[c], power);
        }
        {
            const int c = 8;
            const f32x4 power = exp_f32x4(load_part_f32x4(&row[c], 2) - largest);
            sums += keep_f32x4(first_i32x4(2), power);
            const f32x4 truth = load_part_f32x4(&t[c], 2);
            targets += keep_f32x4(first_i32x4(2), truth);
            store_part_f32x4(&d[c], power, 2);
        }
        const float sum = sum_f32x4(sums);
        const float log_sum = logf(sum);
        const float share = sum_f32x4(targets) / sum;
        for (int c = 0; c < 8; c += 4) {
            const f32x4 truth = load_f32x4(&t[c]), part = truth * ((largest - load_f32x4(&row[c])) + log_sum), v = keep_f32x4(truth != 0.0f, part);
            losses += v;
            const f32x4 g = (load_f32x4(&d[c]) * share - truth) * scale;
            store_f32x4(&d[c], g);
        }
        {
            const int c = 8;
            const f32x4 truth = load_part_f32x4(&t[c], 2), part = truth * ((largest - load_part_f32x4(&row[c], 2)) + log_sum), v = keep_f32x4(truth != 0.0f, part);
            losses += keep_f32x4(first_i32x4(2), v);
            const f32x4 g = (load_part_f32x4(&d[c], 2) * share - truth) * scale;
            store_part_f32x4(&d[c], g, 2);
        }
        value = sum_f32x4(losses);
        total += importance * value;
        loss[n] = total;
    }
}

/* dense_1: d_x[i] = sum over o of d_y[o] kernel[i][o]. */
static void dense_1_input_gradient_base(const float (*d_y)[10], const float (*kernel)[512][16], float (*d_x)[512], float *work, const float (*e0)[512], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    float (*const turned)[16] = (float (*)[16])(work + task * 256);
    const ptrdiff_t from = 0, to = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 16;
        const ptrdiff_t next = part + 1 < 32 ? i + 16 : 0;
        for (int p = 0; p < 1; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 16; r += 4) transpose4_f32x4(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 16);
            }
        }
        ptrdiff_t m = from;
        for (; m + 2 <= to; m += 2) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0};
            f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0}; f32x4 s1_3 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 2; t++) {
                for (int at = 0; at < 16; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 16; line++) __builtin_prefetch(kernel[line / 16][next + line % 16], 0);
                for (int j = 10 * t / 2; j < 10 * (t + 1) / 2; j++) {
                    const f32x4 w0 = load_f32x4(turned[j] + 0 * 4); const f32x4 w1 = load_f32x4(turned[j] + 1 * 4); const f32x4 w2 = load_f32x4(turned[j] + 2 * 4); const f32x4 w3 = load_f32x4(turned[j] + 3 * 4);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                    s1_0 += a[j + 10] * w0; s1_1 += a[j + 10] * w1; s1_2 += a[j + 10] * w2; s1_3 += a[j + 10] * w3;
                }
            }
            s0_0 = keep_f32x4(load_f32x4(&e0[m][i]) > 0.0f, s0_0);
            store_f32x4(&d_x[m][i], s0_0);
            s0_1 = keep_f32x4(load_f32x4(&e0[m][i + 4]) > 0.0f, s0_1);
            store_f32x4(&d_x[m][i + 4], s0_1);
            s0_2 = keep_f32x4(load_f32x4(&e0[m][i + 8]) > 0.0f, s0_2);
            store_f32x4(&d_x[m][i + 8], s0_2);
            s0_3 = keep_f32x4(load_f32x4(&e0[m][i + 12]) > 0.0f, s0_3);
            store_f32x4(&d_x[m][i + 12], s0_3);
            s1_0 = keep_f32x4(load_f32x4(&e0[m + 1][i]) > 0.0f, s1_0);
            store_f32x4(&d_x[m + 1][i], s1_0);
            s1_1 = keep_f32x4(load_f32x4(&e0[m + 1][i + 4]) > 0.0f, s1_1);
            store_f32x4(&d_x[m + 1][i + 4], s1_1);
            s1_2 = keep_f32x4(load_f32x4(&e0[m + 1][i + 8]) > 0.0f, s1_2);
            store_f32x4(&d_x[m + 1][i + 8], s1_2);
            s1_3 = keep_f32x4(load_f32x4(&e0[m + 1][i + 12]) > 0.0f, s1_3);
            store_f32x4(&d_x[m + 1][i + 12], s1_3);
        }
        for (; m < to; m++) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 16; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 16; line++) __builtin_prefetch(kernel[line / 16][next + line % 16], 0);
                for (int j = 10 * t / 1; j < 10 * (t + 1) / 1; j++) {
                    const f32x4 w0 = load_f32x4(turned[j] + 0 * 4); const f32x4 w1 = load_f32x4(turned[j] + 1 * 4); const f32x4 w2 = load_f32x4(turned[j] + 2 * 4); const f32x4 w3 = load_f32x4(turned[j] + 3 * 4);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                }
            }
            s0_0 = keep_f32x4(load_f32x4(&e0[m][i]) > 0.0f, s0_0);
            store_f32x4(&d_x[m][i], s0_0);
            s0_1 = keep_f32x4(load_f32x4(&e0[m][i + 4]) > 0.0f, s0_1);
            store_f32x4(&d_x[m][i + 4], s0_1);
            s0_2 = keep_f32x4(load_f32x4(&e0[m][i + 8]) > 0.0f, s0_2);
            store_f32x4(&d_x[m][i + 8], s0_2);
            s0_3 = keep_f32x4(load_f32x4(&e0[m][i + 12]) > 0.0f, s0_3);
            store_f32x4(&d_x[m][i + 12], s0_3);
        }
    }
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_1_weight_gradient_base(const float (*x)[512], const float (*d_y)[10], float (*w)[512][16], float (*slot0)[512][16], float (*slot1)[512][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 3;
        if (part < 170) {
            {
                f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0};
                f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0};
                f32x4 s2_0 = {0}; f32x4 s2_1 = {0}; f32x4 s2_2 = {0};
                for (int t = 0; t < 3; t++) {
                    __builtin_prefetch(w[0][i + t], 1);
                    __builtin_prefetch(slot0[0][i + t], 1);
                    __builtin_prefetch(slot1[0][i + t], 1);
                }
                for (ptrdiff_t m = 0; m < samples; m++) {
                    const float *const a = &x[m][i];
                    const float *const d = d_y[m];
                    const f32x4 d0 = load_f32x4(d);
                    const f32x4 d1 = load_f32x4(d + 4);
                    const f32x4 d2 = load_part_f32x4(d + (2) * 4, 2);
                    const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2;
                    s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2;
                    s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2;
                    s2_0 += a[2] * w0; s2_1 += a[2] * w1; s2_2 += a[2] * w2;
                }
                const f32x4 sums[3][3] = {
                    {s0_0, s0_1, s0_2},
                    {s1_0, s1_1, s1_2},
                    {s2_0, s2_1, s2_2},
                };
                for (int q = 0; q < 3; q++) {
                    for (int t = 0; t < 3; t++) {
                        {
                            f32x4 g = sums[t][q];
                            f32x4 v = load_f32x4(&w[q / 4][i + t][q % 4 * 4]);
                            f32x4 m0 = load_f32x4(&slot0[q / 4][i + t][q % 4 * 4]);
                            f32x4 m1 = load_f32x4(&slot1[q / 4][i + t][q % 4 * 4]);
                            m0 += (g - m0) * 0.1f;
                            m1 += (g * g - m1) * 0.001f;
                            v -= m0 * alpha / (sqrt_f32x4(m1) + 1e-07f);
                            store_f32x4(&slot0[q / 4][i + t][q % 4 * 4], m0);
                            store_f32x4(&slot1[q / 4][i + t][q % 4 * 4], m1);
                            store_f32x4(&w[q / 4][i + t][q % 4 * 4], v);
                        }
                    }
                }
            }
        } else {
            {
                f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0};
                f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0};
                for (int t = 0; t < 2; t++) {
                    __builtin_prefetch(w[0][i + t], 1);
                    __builtin_prefetch(slot0[0][i + t], 1);
                    __builtin_prefetch(slot1[0][i + t], 1);
                }
                for (ptrdiff_t m = 0; m < samples; m++) {
                    const float *const a = &x[m][i];
                    const float *const d = d_y[m];
                    const f32x4 d0 = load_f32x4(d);
                    const f32x4 d1 = load_f32x4(d + 4);
                    const f32x4 d2 = load_part_f32x4(d + (2) * 4, 2);
                    const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2;
                    s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2;
                    s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2;
                }
                const f32x4 sums[2][3] = {
                    {s0_0, s0_1, s0_2},
                    {s1_0, s1_1, s1_2},
                };
                for (int q = 0; q < 3; q++) {
                    for (int t = 0; t < 2; t++) {
                        {
                            f32x4 g = sums[t][q];
                            f32x4 v = load_f32x4(&w[q / 4][i + t][q % 4 * 4]);
                            f32x4 m0 = load_f32x4(&slot0[q / 4][i + t][q % 4 * 4]);
                            f32x4 m1 = load_f32x4(&slot1[q / 4][i + t][q % 4 * 4]);
                            m0 += (g - m0) * 0.1f;
                            m1 += (g * g - m1) * 0.001f;
                            v -= m0 * alpha / (sqrt_f32x4(m1) + 1e-07f);
                            store_f32x4(&slot0[q / 4][i + t][q % 4 * 4], m0);
                            store_f32x4(&slot1[q / 4][i + t][q % 4 * 4], m1);
                            store_f32x4(&w[q / 4][i + t][q % 4 * 4], v);
                        }
                    }
                }
            }
        }
    }
}

/* dense_1: d_bias[k] = the sum of all d_y[...][k]. */
static void dense_1_bias_gradient_part_base(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    {
        f32x4 s0_0 = load_f32x4(&shards[0]);
        f32x4 s0_1 = load_f32x4(&shards[4]);
        f32x4 s0_2 = load_part_f32x4(&shards[8], 2);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x4(&d_y[m * 10]);
            s0_1 += load_f32x4(&d_y[m * 10 + 4]);
            s0_2 += load_part_f32x4(&d_y[m * 10 + 8], 2);
        }
        store_f32x4(&shards[0], s0_0);
        store_f32x4(&shards[4], s0_1);
        store_part_f32x4(&shards[8], s0_2, 2);
    }
}

/* dense_1: d_bias[k] = the sum of all d_y[...][k]. */
static void dense_1_bias_gradient_base(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 10 ? last * 256 : 10;
    ptrdiff_t i = first * 256;
    for (; i + 4 <= end; i += 4) {
        f32x4 sum = load_f32x4(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x4(&shards[s * 10 + i]);
        store_f32x4(&d_bias[i], sum);
    }
    for (; i < end; i++) {
        float sum = shards[i];
        for (int s = 1; s < 16; s++) sum += shards[s * 10 + i];
        d_bias[i] = sum;
    }
}

/* dense: d_bias[k] = the sum of all d_y[...][k]. */
static void dense_bias_gradient_part_base(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    for (int k = 0; k < 128; k += 8) {
        f32x4 s0_0 = load_f32x4(&shards[k * 4]);
        f32x4 s0_1 = load_f32x4(&shards[(k + 1) * 4]);
        f32x4 s0_2 = load_f32x4(&shards[(k + 2) * 4]);
        f32x4 s0_3 = load_f32x4(&shards[(k + 3) * 4]);
        f32x4 s0_4 = load_f32x4(&shards[(k + 4) * 4]);
        f32x4 s0_5 = load_f32x4(&shards[(k + 5) * 4]);
        f32x4 s0_6 = load_f32x4(&shards[(k + 6) * 4]);
        f32x4 s0_7 = load_f32x4(&shards[(k + 7) * 4]);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x4(&d_y[m * 512 + k * 4]);
            s0_1 += load_f32x4(&d_y[m * 512 + (k + 1) * 4]);
            s0_2 += load_f32x4(&d_y[m * 512 + (k + 2) * 4]);
            s0_3 += load_f32x4(&d_y[m * 512 + (k + 3) * 4]);
            s0_4 += load_f32x4(&d_y[m * 512 + (k + 4) * 4]);
            s0_5 += load_f32x4(&d_y[m * 512 + (k + 5) * 4]);
            s0_6 += load_f32x4(&d_y[m * 512 + (k + 6) * 4]);
            s0_7 += load_f32x4(&d_y[m * 512 + (k + 7) * 4]);
        }
        store_f32x4(&shards[k * 4], s0_0);
        store_f32x4(&shards[(k + 1) * 4], s0_1);
        store_f32x4(&shards[(k + 2) * 4], s0_2);
        store_f32x4(&shards[(k + 3) * 4], s0_3);
        store_f32x4(&shards[(k + 4) * 4], s0_4);
        store_f32x4(&shards[(k + 5) * 4], s0_5);
        store_f32x4(&shards[(k + 6) * 4], s0_6);
        store_f32x4(&shards[(k + 7) * 4], s0_7);
    }
}

/* dense: d_bias[k] = the sum of all d_y[...][k]. */
static void dense_bias_gradient_base(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 512 ? last * 256 : 512;
    ptrdiff_t i = first * 256;
    for (; i + 4 <= end; i += 4) {
        f32x4 sum = load_f32x4(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x4(&shards[s * 512 + i]);
        store_f32x4(&d_bias[i], sum);
    }
}

/* dense_1/bias: one step of adam on dense_1/bias. */
static void dense_1_bias_update_base(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 10 ? last * 1024 : 10;
    ptrdiff_t i = first * 1024;
    for (; i + 4 <= end; i += 4)
        {
        f32x4 g = load_f32x4(&d_w[i]);
        f32x4 v = load_f32x4(&w[i]);
        f32x4 m0 = load_f32x4(&slot0[i]);
        f32x4 m1 = load_f32x4(&slot1[i]);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x4(m1) + 1e-07f);
        store_f32x4(&slot0[i], m0);
        store_f32x4(&slot1[i], m1);
        store_f32x4(&w[i], v);
    }
    for (; i < end; i++)
        {
        f32x4 g = load_part_f32x4(&d_w[i], 1);
        f32x4 v = load_part_f32x4(&w[i], 1);
        f32x4 m0 = load_part_f32x4(&slot0[i], 1);
        f32x4 m1 = load_part_f32x4(&slot1[i], 1);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x4(m1) + 1e-07f);
        store_part_f32x4(&slot0[i], m0, 1);
        store_part_f32x4(&slot1[i], m1, 1);
        store_part_f32x4(&w[i], v, 1);
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_weight_gradient_base(const float (*x)[784], const float (*d_y)[512], float (*w)[784][16], float (*slot0)[784][16], float (*slot1)[784][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    int32_t bits[7][4];
    uint16_t listed[224];
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        if (part == first || i % 4 == 0) {
            for (ptrdiff_t start = 0; start < samples; start += 32) {
                const int end = samples - start < 32 ? (int)(samples - start) : 32;
                i32x4 found = {0};
                for (int m = 0; m < end; m++) found |= (load_f32x4(&x[start + m][i / 4 * 4]) != 0.0f) & (int32_t)(1u << m);
                store_part_i32x4(bits[start / 32], found, 4);
            }
        }
        int listed_count = 0;
        for (ptrdiff_t start = 0; start < samples; start += 32) {
            uint32_t left = 0;
            for (int t = 0; t < 4; t++) left |= (uint32_t)bits[start / 32][i % 4 + t];
            for (; left; left &= left - 1) listed[listed_count++] = (uint16_t)(start + __builtin_ctz(left));
        }
        for (int k = 0; k < 128; k += 2) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0};
            f32x4 s1_0 = {0}; f32x4 s1_1 = {0};
            f32x4 s2_0 = {0}; f32x4 s2_1 = {0};
            f32x4 s3_0 = {0}; f32x4 s3_1 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[k / 4][i + t], 1);
                __builtin_prefetch(slot0[k / 4][i + t], 1);
                __builtin_prefetch(slot1[k / 4][i + t], 1);
            }
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_f32x4(d + k * 4);
                const f32x4 d1 = load_f32x4(d + (k + 1) * 4);
                const f32x4 w0 = d0; const f32x4 w1 = d1;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
            }
            const f32x4 sums[4][2] = {
                {s0_0, s0_1},
                {s1_0, s1_1},
                {s2_0, s2_1},
                {s3_0, s3_1},
            };
            for (int q = 0; q < 2; q++) {
                for (int t = 0; t < 4; t++) {
                    {
                        f32x4 g = sums[t][q];
                        f32x4 v = load_f32x4(&w[(k + q) / 4][i + t][(k + q) % 4 * 4]);
                        f32x4 m0 = load_f32x4(&slot0[(k + q) / 4][i + t][(k + q) % 4 * 4]);
                        f32x4 m1 = load_f32x4(&slot1[(k + q) / 4][i + t][(k + q) % 4 * 4]);
                        m0 += (g - m0) * 0.1f;
                        m1 += (g * g - m1) * 0.001f;
                        v -= m0 * alpha / (sqrt_f32x4(m1) + 1e-07f);
                        store_f32x4(&slot0[(k + q) / 4][i + t][(k + q) % 4 * 4], m0);
                        store_f32x4(&slot1[(k + q) / 4][i + t][(k + q) % 4 * 4], m1);
                        store_f32x4(&w[(k + q) / 4][i + t][(k + q) % 4 * 4], v);
                    }
                }
            }
        }
    }
}

/* dense/bias: one step of adam on dense/bias. */
static void dense_bias_update_base(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 512 ? last * 1024 : 512;
    ptrdiff_t i = first * 1024;
    for (; i + 4 <= end; i += 4)
        {
        f32x4 g = load_f32x4(&d_w[i]);
        f32x4 v = load_f32x4(&w[i]);
        f32x4 m0 = load_f32x4(&slot0[i]);
        f32x4 m1 = load_f32x4(&slot1[i]);
        m0 += (g - m0) * 0.1f;
        m1 += (g * g - m1) * 0.001f;
        v -= m0 * alpha / (sqrt_f32x4(m1) + 1e-07f);
        store_f32x4(&slot0[i], m0);
        store_f32x4(&slot1[i], m1);
        store_f32x4(&w[i], v);
    }
}

static float run_training_base(mlp_weights *w, mlp_weights *slots, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const d_dense_1_bias = (float *)(arena + 662656);
    float *const d_dense_bias = (float *)(arena + 659968);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_31 = (float *)(arena + 662016);
    float *const dense_workspace_32 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_base(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_base((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 11; task++) {
        dense_sparse_forward_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_base(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_base(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    if (step->refuse_nan) {
        float zero = 0;
        for (ptrdiff_t n = 0; n < count; n++) zero += 0.0F * dense_1_loss[n];
        if (!(zero == 0)) return NAN;
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_input_gradient_base(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, 32 * task / 16, 32 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_base(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 171 * task / 16, 171 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_31 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_32 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_base(&d_dense_1_linear[n][0], dense_1_workspace_31 + task * 10, 0, 1);
            dense_bias_gradient_part_base(&d_dense[n][0], dense_workspace_32 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_base(d_dense_1_bias, dense_1_workspace_31, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_base(d_dense_bias, dense_workspace_32, task, task + 1);
    }
    dense_1_bias_update_base(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_base((const float (*)[784])rescaling_out, d_dense, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    dense_bias_update_base(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_1_weight_gradient_gradients_base(const float (*x)[512], const float (*d_y)[10], float (*d_kernel)[512][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 3;
        if (part < 170) {
            {
                f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0};
                f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0};
                f32x4 s2_0 = {0}; f32x4 s2_1 = {0}; f32x4 s2_2 = {0};
                for (ptrdiff_t m = 0; m < samples; m++) {
                    const float *const a = &x[m][i];
                    const float *const d = d_y[m];
                    const f32x4 d0 = load_f32x4(d);
                    const f32x4 d1 = load_f32x4(d + 4);
                    const f32x4 d2 = load_part_f32x4(d + (2) * 4, 2);
                    const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2;
                    s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2;
                    s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2;
                    s2_0 += a[2] * w0; s2_1 += a[2] * w1; s2_2 += a[2] * w2;
                }
                store_f32x4(&d_kernel[0][i][0], s0_0);
                store_f32x4(&d_kernel[0][i][4], s0_1);
                store_f32x4(&d_kernel[0][i][8], s0_2);
                store_f32x4(&d_kernel[0][i][12], (f32x4){0});
                store_f32x4(&d_kernel[0][i + 1][0], s1_0);
                store_f32x4(&d_kernel[0][i + 1][4], s1_1);
                store_f32x4(&d_kernel[0][i + 1][8], s1_2);
                store_f32x4(&d_kernel[0][i + 1][12], (f32x4){0});
                store_f32x4(&d_kernel[0][i + 2][0], s2_0);
                store_f32x4(&d_kernel[0][i + 2][4], s2_1);
                store_f32x4(&d_kernel[0][i + 2][8], s2_2);
                store_f32x4(&d_kernel[0][i + 2][12], (f32x4){0});
            }
        } else {
            {
                f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0};
                f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0};
                for (ptrdiff_t m = 0; m < samples; m++) {
                    const float *const a = &x[m][i];
                    const float *const d = d_y[m];
                    const f32x4 d0 = load_f32x4(d);
                    const f32x4 d1 = load_f32x4(d + 4);
                    const f32x4 d2 = load_part_f32x4(d + (2) * 4, 2);
                    const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2;
                    s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2;
                    s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2;
                }
                store_f32x4(&d_kernel[0][i][0], s0_0);
                store_f32x4(&d_kernel[0][i][4], s0_1);
                store_f32x4(&d_kernel[0][i][8], s0_2);
                store_f32x4(&d_kernel[0][i][12], (f32x4){0});
                store_f32x4(&d_kernel[0][i + 1][0], s1_0);
                store_f32x4(&d_kernel[0][i + 1][4], s1_1);
                store_f32x4(&d_kernel[0][i + 1][8], s1_2);
                store_f32x4(&d_kernel[0][i + 1][12], (f32x4){0});
            }
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_weight_gradient_gradients_base(const float (*x)[784], const float (*d_y)[512], float (*d_kernel)[784][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    int32_t bits[7][4];
    uint16_t listed[224];
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        if (part == first || i % 4 == 0) {
            for (ptrdiff_t start = 0; start < samples; start += 32) {
                const int end = samples - start < 32 ? (int)(samples - start) : 32;
                i32x4 found = {0};
                for (int m = 0; m < end; m++) found |= (load_f32x4(&x[start + m][i / 4 * 4]) != 0.0f) & (int32_t)(1u << m);
                store_part_i32x4(bits[start / 32], found, 4);
            }
        }
        int listed_count = 0;
        for (ptrdiff_t start = 0; start < samples; start += 32) {
            uint32_t left = 0;
            for (int t = 0; t < 4; t++) left |= (uint32_t)bits[start / 32][i % 4 + t];
            for (; left; left &= left - 1) listed[listed_count++] = (uint16_t)(start + __builtin_ctz(left));
        }
        for (int k = 0; k < 128; k += 2) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0};
            f32x4 s1_0 = {0}; f32x4 s1_1 = {0};
            f32x4 s2_0 = {0}; f32x4 s2_1 = {0};
            f32x4 s3_0 = {0}; f32x4 s3_1 = {0};
            for (int r = 0; r < listed_count; r++) {
                const ptrdiff_t m = listed[r];
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_f32x4(d + k * 4);
                const f32x4 d1 = load_f32x4(d + (k + 1) * 4);
                const f32x4 w0 = d0; const f32x4 w1 = d1;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
            }
            store_f32x4(&d_kernel[k / 4][i][k % 4 * 4], s0_0);
            store_f32x4(&d_kernel[(k + 1) / 4][i][(k + 1) % 4 * 4], s0_1);
            store_f32x4(&d_kernel[k / 4][i + 1][k % 4 * 4], s1_0);
            store_f32x4(&d_kernel[(k + 1) / 4][i + 1][(k + 1) % 4 * 4], s1_1);
            store_f32x4(&d_kernel[k / 4][i + 2][k % 4 * 4], s2_0);
            store_f32x4(&d_kernel[(k + 1) / 4][i + 2][(k + 1) % 4 * 4], s2_1);
            store_f32x4(&d_kernel[k / 4][i + 3][k % 4 * 4], s3_0);
            store_f32x4(&d_kernel[(k + 1) / 4][i + 3][(k + 1) % 4 * 4], s3_1);
        }
    }
}

static float run_gradients_base(const mlp_weights *w, mlp_weights *gradients, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_23 = (float *)(arena + 659968);
    float *const dense_workspace_24 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        rescaling_forward_base(input, &rescaling_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_base((const float (*)[784])rescaling_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 11; task++) {
        dense_sparse_forward_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_base((const float (*)[784])rescaling_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_base(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_base(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_input_gradient_base(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, 32 * task / 16, 32 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_gradients_base(dense_linear_out, d_dense_1_linear, gradients->dense_1_kernel, count, 171 * task / 16, 171 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_23 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_24 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_base(&d_dense_1_linear[n][0], dense_1_workspace_23 + task * 10, 0, 1);
            dense_bias_gradient_part_base(&d_dense[n][0], dense_workspace_24 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_base(gradients->dense_1_bias, dense_1_workspace_23, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_base(gradients->dense_bias, dense_workspace_24, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_gradients_base((const float (*)[784])rescaling_out, d_dense, gradients->dense_kernel, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        total += sum;
    }
    return (float)(total / (double)count);
}

/* input/float32: bytes as floats. */
static void input_float32_forward_base(const uint8_t *x, float *y, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 784;
    for (; i + 4 <= last * 784; i += 4) {
        const i32x4 bytes = load_u8_i32x4(&x[i]);
        f32x4 v = __builtin_convertvector(bytes, f32x4);
        v = v * 0.003921569f;
        store_f32x4(&y[i], v);
    }
}

static float run_evaluation_bytes_base(const mlp_weights *w, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 8000);
    float *const dense_1_loss = (float *)(arena + 16000);
    float *const dense_workspace = (float *)(arena + 1036800);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        input_float32_forward_base(input, &input_float32_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_base((const float (*)[784])input_float32_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 11; task++) {
        dense_sparse_forward_base((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_base((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_base(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_base(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, count * task / 16, count * (task + 1) / 16);
    }
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

static float run_training_bytes_base(mlp_weights *w, mlp_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const dense_linear_out)[512] = (float (*)[512])(arena + 627200);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 1036800);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 1483264);
    float *const dense_1_loss = (float *)(arena + 1499264);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 1491264);
    float (*const d_dense)[512] = (float (*)[512])(arena + 1036800);
    float *const d_dense_1_bias = (float *)(arena + 662656);
    float *const d_dense_bias = (float *)(arena + 659968);
    float *const dense_workspace = (float *)(arena + 1036800);
    float *const dense_1_workspace = (float *)(arena + 1446400);
    float *const dense_1_workspace_32 = (float *)(arena + 662016);
    float *const dense_workspace_33 = (float *)(arena + 627200);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        input_float32_forward_base(input, &input_float32_out[0][0][0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_zeros_base((const float (*)[784])input_float32_out, dense_workspace, count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 11; task++) {
        dense_sparse_forward_base((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_forward_batch_base((const float (*)[784])input_float32_out, w->dense_kernel, w->dense_bias, dense_linear_out, dense_workspace, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_forward_batch_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_softmax_forward_base(&dense_1_linear_out[0][0], &dense_1_out[0][0], count * task / 16, count * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_loss_train_base(&dense_1_linear_out[0][0], target, sample_weights, dense_1_loss, &d_dense_1_linear[0][0], count, count * task / 16, count * (task + 1) / 16);
    }
    if (step->refuse_nan) {
        float zero = 0;
        for (ptrdiff_t n = 0; n < count; n++) zero += 0.0F * dense_1_loss[n];
        if (!(zero == 0)) return NAN;
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_input_gradient_base(d_dense_1_linear, w->dense_1_kernel, d_dense, dense_1_workspace, dense_linear_out, count, 32 * task / 16, 32 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_base(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 171 * task / 16, 171 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_32 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace_33 + task * 512, 0, 512 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_base(&d_dense_1_linear[n][0], dense_1_workspace_32 + task * 10, 0, 1);
            dense_bias_gradient_part_base(&d_dense[n][0], dense_workspace_33 + task * 512, 0, 1);
        }
    }
    dense_1_bias_gradient_base(d_dense_1_bias, dense_1_workspace_32, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        dense_bias_gradient_base(d_dense_bias, dense_workspace_33, task, task + 1);
    }
    dense_1_bias_update_base(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_base((const float (*)[784])input_float32_out, d_dense, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 196 * task / 16, 196 * (task + 1) / 16);
    }
    dense_bias_update_base(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    if (output) memcpy(output, &dense_1_out[0][0], (size_t)count * 10 * sizeof(float));
    double total = 0;
    {
        double sum = 0;
        for (ptrdiff_t n = 0; n < count; n++) sum += (double)dense_1_loss[n];
        if (losses) losses[0] = (float)(sum / (double)count);
        total += sum;
    }
    return (float)(total / (double)count);
}

/* ---- the interface ---- */

static void pack_panels(const float *from, float *to, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t panel)
{
    for (ptrdiff_t first = 0; first < columns; first += panel) {
        for (ptrdiff_t row = 0; row < rows; row++) {
            for (ptrdiff_t column = first; column < first + panel; column++) {
                *to++ = column < columns ? from[row * columns + column] : 0.0f;
            }
        }
    }
}

static void unpack_panels(const float *from, float *to, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t panel)
{
    for (ptrdiff_t first = 0; first < columns; first += panel) {
        for (ptrdiff_t row = 0; row < rows; row++) {
            for (ptrdiff_t column = first; column < first + panel; column++) {
                if (column < columns) to[row * columns + column] = *from;
                from++;
            }
        }
    }
}


/* The best level that this machine has. Compiled with -DCNNC_LEVEL=1, say, no level above that is chosen. */
#if defined(__x86_64__)
#ifndef CNNC_LEVEL
#define CNNC_LEVEL 2
#endif
static int level(void)
{
    if (CNNC_LEVEL >= 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd")) return 2;
    if (CNNC_LEVEL >= 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
    return 0;
}
#endif

void mlp_pack(const mlp_parameters *from, mlp_weights *to)
{
    pack_panels((const float *)from->dense_kernel, (float *)to->dense_kernel, 784, 512, 16);
    memcpy(to->dense_bias, from->dense_bias, sizeof to->dense_bias);
    pack_panels((const float *)from->dense_1_kernel, (float *)to->dense_1_kernel, 512, 10, 16);
    memcpy(to->dense_1_bias, from->dense_1_bias, sizeof to->dense_1_bias);
}

void mlp_unpack(const mlp_weights *from, mlp_parameters *to)
{
    unpack_panels((const float *)from->dense_kernel, (float *)to->dense_kernel, 784, 512, 16);
    memcpy(to->dense_bias, from->dense_bias, sizeof to->dense_bias);
    unpack_panels((const float *)from->dense_1_kernel, (float *)to->dense_1_kernel, 512, 10, 16);
    memcpy(to->dense_1_bias, from->dense_1_bias, sizeof to->dense_1_bias);
}

void mlp_predict(const mlp_weights *w, const float *input, float *output, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) run_single_v4(w, input, output, (unsigned char *)arena);
    else if (level() == 1) run_single_v3(w, input, output, (unsigned char *)arena);
    else
#endif
    run_single_base(w, input, output, (unsigned char *)arena);
}

void mlp_predict_batch(const mlp_weights *w, const float *input, float *output, size_t n, void *arena)
{
    while (n > 0) {
        const size_t count = n < MLP_BATCH_SIZE ? n : MLP_BATCH_SIZE;
#if defined(__x86_64__)
        if (level() == 2) run_batch_v4(w, input, output, (ptrdiff_t)count, (unsigned char *)arena);
        else if (level() == 1) run_batch_v3(w, input, output, (ptrdiff_t)count, (unsigned char *)arena);
        else
#endif
        run_batch_base(w, input, output, (ptrdiff_t)count, (unsigned char *)arena);
        input += count * MLP_INPUT_SIZE;
        output += count * MLP_OUTPUT_SIZE;
        n -= count;
    }
}

float mlp_evaluate(const mlp_weights *w, const float *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) return run_evaluation_v4(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_evaluation_v3(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else
#endif
    return run_evaluation_base(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
}

float mlp_train_step(mlp_weights *w, mlp_weights *slots, const float *input, const float *target, const float *sample_weights, size_t n, const mlp_training_step *step, float *losses, float *output, void *arena)
{
    const Step now = step_begin(step);
#if defined(__x86_64__)
    if (level() == 2) return run_training_v4(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_training_v3(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else
#endif
    return run_training_base(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
}

float mlp_gradients(const mlp_weights *w, mlp_weights *gradients, const float *input, const float *target, const float *sample_weights, size_t n, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) return run_gradients_v4(w, gradients, input, target, sample_weights, (ptrdiff_t)n, (unsigned char *)arena);
    else if (level() == 1) return run_gradients_v3(w, gradients, input, target, sample_weights, (ptrdiff_t)n, (unsigned char *)arena);
    else
#endif
    return run_gradients_base(w, gradients, input, target, sample_weights, (ptrdiff_t)n, (unsigned char *)arena);
}

float mlp_evaluate_bytes(const mlp_weights *w, const uint8_t *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) return run_evaluation_bytes_v4(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_evaluation_bytes_v3(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else
#endif
    return run_evaluation_bytes_base(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
}

float mlp_train_step_bytes(mlp_weights *w, mlp_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, size_t n, const mlp_training_step *step, float *losses, float *output, void *arena)
{
    const Step now = step_begin(step);
#if defined(__x86_64__)
    if (level() == 2) return run_training_bytes_v4(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_training_bytes_v3(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else
#endif
    return run_training_bytes_base(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
}
