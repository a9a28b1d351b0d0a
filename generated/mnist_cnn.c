/* mnist_cnn, written by cnnc 0.1.0: cnnc mnist_cnn.net -o mnist_cnn.c
 *
 * layer                            output                 parameters  multiply-adds   in the arena, for one sample: offset, bytes, steps
 * input                            (28, 28, 1)                     0              0   
 * rescaling                        (28, 28, 1)                     0              0   0, 3136, 0 to 1
 * conv2d                           (26, 26, 32)                  320         194688   497664, 86528, 1 to 2
 * conv2d_1                         (24, 24, 64)                18496       10616832   584192, 36864, 2 to 4
 * max_pooling2d                    (12, 12, 64)                    0              0   584192, 36864, 2 to 4
 * dropout                          (12, 12, 64)                    0              0   
 * flatten                          (9216,)                         0              0   584192, 36864, 2 to 4
 * dense                            (128,)                    1179776        1179648   0, 512, 4 to 5
 * dropout_1                        (128,)                          0              0   
 * dense_1                          (10,)                        1290           1280   the caller's
 */
#include "mnist_cnn.h"

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
_Static_assert(sizeof(mnist_cnn_parameters) == MNIST_CNN_PARAMETERS_BYTES && sizeof(mnist_cnn_weights) == MNIST_CNN_WEIGHTS_BYTES, "the sizes in the header");
#endif

/* What is the same for all weights of a step. */
typedef struct {
    uint64_t seed, step;
    int refuse_nan;
    float learning_rate, alpha;
} Step;

static inline Step step_begin(const mnist_cnn_training_step *told)
{
    const double rate = (double)told->learning_rate, t = (double)(told->step + 1);
    const double alpha = rate * sqrt(1.0 - pow(0.999, t)) / (1.0 - pow(0.9, t));
    const Step step = {told->seed, told->step, told->refuse_nan, told->learning_rate, (float)alpha};
    return step;
}

/* A key from another key and a number: chain it to name a sequence: seed, stream, step. */
static inline uint64_t random_key(uint64_t key, uint64_t number)
{
    uint64_t z = key + 0x9e3779b97f4a7c15u * (number + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Names the random numbers of one step. */
static inline uint64_t step_key(const Step *step)
{
    return random_key(random_key(step->seed, 3), step->step);
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

LEVEL_v4 INLINE static inline void store_u8_i32x16(uint8_t *to, i32x16 x)
{
#if !defined(__clang__)
    typedef char Bytes __attribute__((vector_size(16), aligned(1), may_alias));
    *(Bytes *)to = __builtin_ia32_pmovdb512_mask(x, (Bytes){0}, 0xffff);
#else
    *(u8x16_at *)to = __builtin_convertvector(x, u8x16);
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

/* Random bits: numbers index, index + 1, ... of the sequence `key` (random.h). */
LEVEL_v4 INLINE static inline u32x16 random_bits_f32x16(uint64_t key, uint32_t index)
{
    u32x16 x;
    for (uint32_t i = 0; i < 16; i++) x[i] = i;
    x = (x + index) ^ (uint32_t)key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = x ^ (uint32_t)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* All ones where the random bits are below `threshold` of 2^32. */
LEVEL_v4 INLINE static inline i32x16 random_below_f32x16(uint64_t key, uint32_t index, uint32_t threshold)
{
    return (i32x16)(random_bits_f32x16(key, index) < threshold);
}

LEVEL_v4 static inline void winograd4_input_line_f32x16(const f32x16 d[6], f32x16 v[6])
{
    const f32x16 a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = a + b;
    v[2] = a - b;
    v[3] = c + e;
    v[4] = c - e;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

LEVEL_v4 static inline void winograd4_output_line_f32x16(const f32x16 m[6], f32x16 y[4])
{
    const f32x16 sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
    y[0] = m[0] + sum12 + sum34;
    y[1] = difference12 + 2.0f * difference34;
    y[2] = sum12 + 4.0f * sum34;
    y[3] = difference12 + 8.0f * difference34 + m[5];
}

LEVEL_v4 static inline void winograd4_kernel_line_f32x16(const f32x16 g[3], f32x16 u[6])
{
    const f32x16 even = (g[0] + g[2]) * (-1.0f / 6), odd = g[1] * (-1.0f / 6);
    const f32x16 even2 = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), odd2 = g[1] * (1.0f / 12);
    u[0] = g[0] * 0.25f;
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[2];
}

/* Bt d B of the pixels at `from`, whose rows and pixels lie `row` and `pixel` apart; the entries go to `to`, `entry` apart. */
LEVEL_v4 static inline void winograd4_input_f32x16(const float *from, ptrdiff_t row, ptrdiff_t pixel, float *to, ptrdiff_t entry)
{
    f32x16 half[6][6]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        f32x16 d[6];
        UNROLL for (int r = 0; r < 6; r++) d[r] = load_f32x16(from + s * pixel + r * row);
        winograd4_input_line_f32x16(d, half[s]);
    }
    UNROLL for (int r = 0; r < 6; r++) {
        f32x16 d[6], v[6];
        UNROLL for (int s = 0; s < 6; s++) d[s] = half[s][r];
        winograd4_input_line_f32x16(d, v);
        UNROLL for (int s = 0; s < 6; s++) store_f32x16(to + (6 * r + s) * entry, v[s]);
    }
}

/* At m A of the entries at `from`, `entry` apart: rows of results. */
LEVEL_v4 static inline void winograd4_output_f32x16(const float *from, ptrdiff_t entry, f32x16 y[4][4])
{
    f32x16 half[6][4]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        f32x16 m[6];
        UNROLL for (int r = 0; r < 6; r++) m[r] = load_f32x16(from + (6 * r + s) * entry);
        winograd4_output_line_f32x16(m, half[s]);
    }
    UNROLL for (int r = 0; r < 4; r++) {
        f32x16 m[6];
        UNROLL for (int s = 0; s < 6; s++) m[s] = half[s][r];
        winograd4_output_line_f32x16(m, y[r]);
    }
}

/* G g Gt of a 3x3 kernel, row by row `step` apart: entries `entry` apart. */
LEVEL_v4 static inline void winograd4_kernel_f32x16(const float *from, ptrdiff_t step, float *to, ptrdiff_t entry)
{
    f32x16 half[3][6]; /* [row][column] */
    UNROLL for (int r = 0; r < 3; r++) {
        f32x16 g[3];
        UNROLL for (int s = 0; s < 3; s++) g[s] = load_f32x16(from + (3 * r + s) * step);
        winograd4_kernel_line_f32x16(g, half[r]);
    }
    UNROLL for (int s = 0; s < 6; s++) {
        const f32x16 g[3] = {half[0][s], half[1][s], half[2][s]};
        f32x16 u[6];
        winograd4_kernel_line_f32x16(g, u);
        UNROLL for (int r = 0; r < 6; r++) store_f32x16(to + (6 * r + s) * entry, u[r]);
    }
}

/* conv2d_1: G g Gt of every kernel g, for Winograd's convolution. */
LEVEL_v4 static void conv2d_1_kernel_transform_v4(const float (*kernel)[288][16], float (*u)[4][32][16], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t g = first; g < last; g++) {
        for (int c = 0; c < 32; c++) {
            for (int part = 0; part < 16; part += 16) {
                winograd4_kernel_f32x16(&kernel[g][c][part], 32 * 16, &u[0][g][c][part], 2048);
            }
        }
    }
}

static void derive_v4(mnist_cnn_weights *w)
{
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_v4(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
    }
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

/* conv2d: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 1 to 32 channels, 28 x 28 to 26 x 26. */
LEVEL_v4 static void conv2d_forward_v4(const float (*x)[28][28][1], const float (*kernel)[9][16], const float *bias, float (*y)[26][26][32], ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high)
{
    for (ptrdiff_t n = first; n < last; n++) {
        {
            for (int p = (int)low; p < (int)high; p++) {
                {
                    for (int q = 0; q < 18; q += 9) {
                        const f32x16 bias0 = load_f32x16(&bias[0]);
                        const f32x16 bias1 = load_f32x16(&bias[16]);
                        f32x16 s0_0 = bias0; f32x16 s0_1 = bias1;
                        f32x16 s1_0 = bias0; f32x16 s1_1 = bias1;
                        f32x16 s2_0 = bias0; f32x16 s2_1 = bias1;
                        f32x16 s3_0 = bias0; f32x16 s3_1 = bias1;
                        f32x16 s4_0 = bias0; f32x16 s4_1 = bias1;
                        f32x16 s5_0 = bias0; f32x16 s5_1 = bias1;
                        f32x16 s6_0 = bias0; f32x16 s6_1 = bias1;
                        f32x16 s7_0 = bias0; f32x16 s7_1 = bias1;
                        f32x16 s8_0 = bias0; f32x16 s8_1 = bias1;
                        for (int r = 0; r < 3; r++) {
                            const float *const a = &x[n][p + r][q][0];
                            const float *const b0 = &kernel[0][r * 3][0];
                            const float *const b1 = &kernel[1][r * 3][0];
                            {
                                const f32x16 w0 = load_f32x16(b0); const f32x16 w1 = load_f32x16(b1);
                                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
                                s4_0 += a[4] * w0; s4_1 += a[4] * w1;
                                s5_0 += a[5] * w0; s5_1 += a[5] * w1;
                                s6_0 += a[6] * w0; s6_1 += a[6] * w1;
                                s7_0 += a[7] * w0; s7_1 += a[7] * w1;
                                s8_0 += a[8] * w0; s8_1 += a[8] * w1;
                            }
                            {
                                const f32x16 w0 = load_f32x16(b0 + 16); const f32x16 w1 = load_f32x16(b1 + 16);
                                s0_0 += a[1] * w0; s0_1 += a[1] * w1;
                                s1_0 += a[2] * w0; s1_1 += a[2] * w1;
                                s2_0 += a[3] * w0; s2_1 += a[3] * w1;
                                s3_0 += a[4] * w0; s3_1 += a[4] * w1;
                                s4_0 += a[5] * w0; s4_1 += a[5] * w1;
                                s5_0 += a[6] * w0; s5_1 += a[6] * w1;
                                s6_0 += a[7] * w0; s6_1 += a[7] * w1;
                                s7_0 += a[8] * w0; s7_1 += a[8] * w1;
                                s8_0 += a[9] * w0; s8_1 += a[9] * w1;
                            }
                            {
                                const f32x16 w0 = load_f32x16(b0 + 32); const f32x16 w1 = load_f32x16(b1 + 32);
                                s0_0 += a[2] * w0; s0_1 += a[2] * w1;
                                s1_0 += a[3] * w0; s1_1 += a[3] * w1;
                                s2_0 += a[4] * w0; s2_1 += a[4] * w1;
                                s3_0 += a[5] * w0; s3_1 += a[5] * w1;
                                s4_0 += a[6] * w0; s4_1 += a[6] * w1;
                                s5_0 += a[7] * w0; s5_1 += a[7] * w1;
                                s6_0 += a[8] * w0; s6_1 += a[8] * w1;
                                s7_0 += a[9] * w0; s7_1 += a[9] * w1;
                                s8_0 += a[10] * w0; s8_1 += a[10] * w1;
                            }
                        }
                        s0_0 = max_f32x16((f32x16){0}, s0_0);
                        store_f32x16(&y[n][p][q][0], s0_0);
                        s0_1 = max_f32x16((f32x16){0}, s0_1);
                        store_f32x16(&y[n][p][q][16], s0_1);
                        s1_0 = max_f32x16((f32x16){0}, s1_0);
                        store_f32x16(&y[n][p][q + 1][0], s1_0);
                        s1_1 = max_f32x16((f32x16){0}, s1_1);
                        store_f32x16(&y[n][p][q + 1][16], s1_1);
                        s2_0 = max_f32x16((f32x16){0}, s2_0);
                        store_f32x16(&y[n][p][q + 2][0], s2_0);
                        s2_1 = max_f32x16((f32x16){0}, s2_1);
                        store_f32x16(&y[n][p][q + 2][16], s2_1);
                        s3_0 = max_f32x16((f32x16){0}, s3_0);
                        store_f32x16(&y[n][p][q + 3][0], s3_0);
                        s3_1 = max_f32x16((f32x16){0}, s3_1);
                        store_f32x16(&y[n][p][q + 3][16], s3_1);
                        s4_0 = max_f32x16((f32x16){0}, s4_0);
                        store_f32x16(&y[n][p][q + 4][0], s4_0);
                        s4_1 = max_f32x16((f32x16){0}, s4_1);
                        store_f32x16(&y[n][p][q + 4][16], s4_1);
                        s5_0 = max_f32x16((f32x16){0}, s5_0);
                        store_f32x16(&y[n][p][q + 5][0], s5_0);
                        s5_1 = max_f32x16((f32x16){0}, s5_1);
                        store_f32x16(&y[n][p][q + 5][16], s5_1);
                        s6_0 = max_f32x16((f32x16){0}, s6_0);
                        store_f32x16(&y[n][p][q + 6][0], s6_0);
                        s6_1 = max_f32x16((f32x16){0}, s6_1);
                        store_f32x16(&y[n][p][q + 6][16], s6_1);
                        s7_0 = max_f32x16((f32x16){0}, s7_0);
                        store_f32x16(&y[n][p][q + 7][0], s7_0);
                        s7_1 = max_f32x16((f32x16){0}, s7_1);
                        store_f32x16(&y[n][p][q + 7][16], s7_1);
                        s8_0 = max_f32x16((f32x16){0}, s8_0);
                        store_f32x16(&y[n][p][q + 8][0], s8_0);
                        s8_1 = max_f32x16((f32x16){0}, s8_1);
                        store_f32x16(&y[n][p][q + 8][16], s8_1);
                    }
                    {
                        const int q = 18;
                        const f32x16 bias0 = load_f32x16(&bias[0]);
                        const f32x16 bias1 = load_f32x16(&bias[16]);
                        f32x16 s0_0 = bias0; f32x16 s0_1 = bias1;
                        f32x16 s1_0 = bias0; f32x16 s1_1 = bias1;
                        f32x16 s2_0 = bias0; f32x16 s2_1 = bias1;
                        f32x16 s3_0 = bias0; f32x16 s3_1 = bias1;
                        f32x16 s4_0 = bias0; f32x16 s4_1 = bias1;
                        f32x16 s5_0 = bias0; f32x16 s5_1 = bias1;
                        f32x16 s6_0 = bias0; f32x16 s6_1 = bias1;
                        f32x16 s7_0 = bias0; f32x16 s7_1 = bias1;
                        for (int r = 0; r < 3; r++) {
                            const float *const a = &x[n][p + r][q][0];
                            const float *const b0 = &kernel[0][r * 3][0];
                            const float *const b1 = &kernel[1][r * 3][0];
                            {
                                const f32x16 w0 = load_f32x16(b0); const f32x16 w1 = load_f32x16(b1);
                                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
                                s4_0 += a[4] * w0; s4_1 += a[4] * w1;
                                s5_0 += a[5] * w0; s5_1 += a[5] * w1;
                                s6_0 += a[6] * w0; s6_1 += a[6] * w1;
                                s7_0 += a[7] * w0; s7_1 += a[7] * w1;
                            }
                            {
                                const f32x16 w0 = load_f32x16(b0 + 16); const f32x16 w1 = load_f32x16(b1 + 16);
                                s0_0 += a[1] * w0; s0_1 += a[1] * w1;
                                s1_0 += a[2] * w0; s1_1 += a[2] * w1;
                                s2_0 += a[3] * w0; s2_1 += a[3] * w1;
                                s3_0 += a[4] * w0; s3_1 += a[4] * w1;
                                s4_0 += a[5] * w0; s4_1 += a[5] * w1;
                                s5_0 += a[6] * w0; s5_1 += a[6] * w1;
                                s6_0 += a[7] * w0; s6_1 += a[7] * w1;
                                s7_0 += a[8] * w0; s7_1 += a[8] * w1;
                            }
                            {
                                const f32x16 w0 = load_f32x16(b0 + 32); const f32x16 w1 = load_f32x16(b1 + 32);
                                s0_0 += a[2] * w0; s0_1 += a[2] * w1;
                                s1_0 += a[3] * w0; s1_1 += a[3] * w1;
                                s2_0 += a[4] * w0; s2_1 += a[4] * w1;
                                s3_0 += a[5] * w0; s3_1 += a[5] * w1;
                                s4_0 += a[6] * w0; s4_1 += a[6] * w1;
                                s5_0 += a[7] * w0; s5_1 += a[7] * w1;
                                s6_0 += a[8] * w0; s6_1 += a[8] * w1;
                                s7_0 += a[9] * w0; s7_1 += a[9] * w1;
                            }
                        }
                        s0_0 = max_f32x16((f32x16){0}, s0_0);
                        store_f32x16(&y[n][p][q][0], s0_0);
                        s0_1 = max_f32x16((f32x16){0}, s0_1);
                        store_f32x16(&y[n][p][q][16], s0_1);
                        s1_0 = max_f32x16((f32x16){0}, s1_0);
                        store_f32x16(&y[n][p][q + 1][0], s1_0);
                        s1_1 = max_f32x16((f32x16){0}, s1_1);
                        store_f32x16(&y[n][p][q + 1][16], s1_1);
                        s2_0 = max_f32x16((f32x16){0}, s2_0);
                        store_f32x16(&y[n][p][q + 2][0], s2_0);
                        s2_1 = max_f32x16((f32x16){0}, s2_1);
                        store_f32x16(&y[n][p][q + 2][16], s2_1);
                        s3_0 = max_f32x16((f32x16){0}, s3_0);
                        store_f32x16(&y[n][p][q + 3][0], s3_0);
                        s3_1 = max_f32x16((f32x16){0}, s3_1);
                        store_f32x16(&y[n][p][q + 3][16], s3_1);
                        s4_0 = max_f32x16((f32x16){0}, s4_0);
                        store_f32x16(&y[n][p][q + 4][0], s4_0);
                        s4_1 = max_f32x16((f32x16){0}, s4_1);
                        store_f32x16(&y[n][p][q + 4][16], s4_1);
                        s5_0 = max_f32x16((f32x16){0}, s5_0);
                        store_f32x16(&y[n][p][q + 5][0], s5_0);
                        s5_1 = max_f32x16((f32x16){0}, s5_1);
                        store_f32x16(&y[n][p][q + 5][16], s5_1);
                        s6_0 = max_f32x16((f32x16){0}, s6_0);
                        store_f32x16(&y[n][p][q + 6][0], s6_0);
                        s6_1 = max_f32x16((f32x16){0}, s6_1);
                        store_f32x16(&y[n][p][q + 6][16], s6_1);
                        s7_0 = max_f32x16((f32x16){0}, s7_0);
                        store_f32x16(&y[n][p][q + 7][0], s7_0);
                        s7_1 = max_f32x16((f32x16){0}, s7_1);
                        store_f32x16(&y[n][p][q + 7][16], s7_1);
                    }
                }
            }
        }
    }
}

/* conv2d_1: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 32 to 64 channels, 26 x 26 to 24 x 24. */
LEVEL_v4 static void conv2d_1_forward_v4(const float (*x)[26][26][32], const float *bias, const float (*kernel_winograd4)[4][32][16], float (*y)[12][12][64], float *work, ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high, ptrdiff_t task)
{
    float (*const v)[6][32] = (float (*)[6][32])(work + task * 20736);
    float (*const m)[6][64] = (float (*)[6][64])(work + task * 20736 + 6912);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int i = (int)low * 1; i < (int)high * 1; i += 1) {
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 32; k += 16) {
                        winograd4_input_f32x16(&x[n][4 * (i + b)][4 * j][k], 26 * 32, 32, &v[0][b * 6 + j][k], 6 * 32);
                    }
                }
            }
            for (int entry = 0; entry < 36; entry++) {
                {
                    const float *const b0 = &kernel_winograd4[entry][0][0][0];
                    const float *const b1 = &kernel_winograd4[entry][1][0][0];
                    const float *const b2 = &kernel_winograd4[entry][2][0][0];
                    const float *const b3 = &kernel_winograd4[entry][3][0][0];
                    for (int t = 0; t < 6; t += 6) {
                        const float *const a = &v[entry][t][0];
                        f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
                        f32x16 s1_0 = {0}; f32x16 s1_1 = {0}; f32x16 s1_2 = {0}; f32x16 s1_3 = {0};
                        f32x16 s2_0 = {0}; f32x16 s2_1 = {0}; f32x16 s2_2 = {0}; f32x16 s2_3 = {0};
                        f32x16 s3_0 = {0}; f32x16 s3_1 = {0}; f32x16 s3_2 = {0}; f32x16 s3_3 = {0};
                        f32x16 s4_0 = {0}; f32x16 s4_1 = {0}; f32x16 s4_2 = {0}; f32x16 s4_3 = {0};
                        f32x16 s5_0 = {0}; f32x16 s5_1 = {0}; f32x16 s5_2 = {0}; f32x16 s5_3 = {0};
                        for (int c = 0; c < 32; c++) {
                            const f32x16 w0 = load_f32x16(b0 + c * 16); const f32x16 w1 = load_f32x16(b1 + c * 16); const f32x16 w2 = load_f32x16(b2 + c * 16); const f32x16 w3 = load_f32x16(b3 + c * 16);
                            s0_0 += a[c] * w0; s0_1 += a[c] * w1; s0_2 += a[c] * w2; s0_3 += a[c] * w3;
                            s1_0 += a[c + 32] * w0; s1_1 += a[c + 32] * w1; s1_2 += a[c + 32] * w2; s1_3 += a[c + 32] * w3;
                            s2_0 += a[c + 64] * w0; s2_1 += a[c + 64] * w1; s2_2 += a[c + 64] * w2; s2_3 += a[c + 64] * w3;
                            s3_0 += a[c + 96] * w0; s3_1 += a[c + 96] * w1; s3_2 += a[c + 96] * w2; s3_3 += a[c + 96] * w3;
                            s4_0 += a[c + 128] * w0; s4_1 += a[c + 128] * w1; s4_2 += a[c + 128] * w2; s4_3 += a[c + 128] * w3;
                            s5_0 += a[c + 160] * w0; s5_1 += a[c + 160] * w1; s5_2 += a[c + 160] * w2; s5_3 += a[c + 160] * w3;
                        }
                        store_f32x16(&m[entry][t][0], s0_0);
                        store_f32x16(&m[entry][t][16], s0_1);
                        store_f32x16(&m[entry][t][32], s0_2);
                        store_f32x16(&m[entry][t][48], s0_3);
                        store_f32x16(&m[entry][t + 1][0], s1_0);
                        store_f32x16(&m[entry][t + 1][16], s1_1);
                        store_f32x16(&m[entry][t + 1][32], s1_2);
                        store_f32x16(&m[entry][t + 1][48], s1_3);
                        store_f32x16(&m[entry][t + 2][0], s2_0);
                        store_f32x16(&m[entry][t + 2][16], s2_1);
                        store_f32x16(&m[entry][t + 2][32], s2_2);
                        store_f32x16(&m[entry][t + 2][48], s2_3);
                        store_f32x16(&m[entry][t + 3][0], s3_0);
                        store_f32x16(&m[entry][t + 3][16], s3_1);
                        store_f32x16(&m[entry][t + 3][32], s3_2);
                        store_f32x16(&m[entry][t + 3][48], s3_3);
                        store_f32x16(&m[entry][t + 4][0], s4_0);
                        store_f32x16(&m[entry][t + 4][16], s4_1);
                        store_f32x16(&m[entry][t + 4][32], s4_2);
                        store_f32x16(&m[entry][t + 4][48], s4_3);
                        store_f32x16(&m[entry][t + 5][0], s5_0);
                        store_f32x16(&m[entry][t + 5][16], s5_1);
                        store_f32x16(&m[entry][t + 5][32], s5_2);
                        store_f32x16(&m[entry][t + 5][48], s5_3);
                    }
                }
            }
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 64; k += 16) {
                        f32x16 d[4][4];
                        winograd4_output_f32x16(&m[0][b * 6 + j][k], 6 * 64, d);
                        UNROLL for (int r = 0; r < 4; r += 2) {
                            UNROLL for (int s = 0; s < 4; s += 2) {
                                const int p = (4 * (i + b) + r) / 2, q = (4 * j + s) / 2;
                                f32x16 sum = d[r][s];
                                sum = max_f32x16(d[r][s + 1], sum);
                                sum = max_f32x16(d[r + 1][s], sum);
                                sum = max_f32x16(d[r + 1][s + 1], sum);
                                sum += load_f32x16(&bias[k]);
                                sum = max_f32x16((f32x16){0}, sum);
                                store_f32x16(&y[n][p][q][k], sum);
                            }
                        }
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
LEVEL_v4 static void dense_forward_v4(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 2;
        const float *const a = x[0];
        const float *const b0 = &kernel[k][0][0];
        const float *const b1 = &kernel[k + 1][0][0];
        f32x16 s0_0 = {0}; f32x16 s0_1 = {0};
        f32x16 s1_0 = {0}; f32x16 s1_1 = {0};
        f32x16 s2_0 = {0}; f32x16 s2_1 = {0};
        f32x16 s3_0 = {0}; f32x16 s3_1 = {0};
        for (int i = 0; i < 9216; i += 64) {
            const int end = 9216 - i < 64 ? 9216 - i : 64;
            uint64_t found = 0;
            for (int j = 0; j < end; j += 16)
                found |= (uint64_t)bits_i32x16(load_f32x16(a + i + j) != 0.0f) << j;
            int rows[68], listed = 0;
            float factors[68];
            for (uint64_t left = found; left; left &= left - 1) {
                rows[listed] = i + __builtin_ctzll(left);
                factors[listed] = a[rows[listed]];
                listed++;
            }
            for (int t = 0; t < 4; t++) rows[listed + t] = i, factors[listed + t] = 0;
            for (int r = 0; r < listed; r += 4) {
                s0_0 += factors[r] * load_f32x16(b0 + rows[r] * 16);
                s0_1 += factors[r] * load_f32x16(b1 + rows[r] * 16);
                s1_0 += factors[r + 1] * load_f32x16(b0 + rows[r + 1] * 16);
                s1_1 += factors[r + 1] * load_f32x16(b1 + rows[r + 1] * 16);
                s2_0 += factors[r + 2] * load_f32x16(b0 + rows[r + 2] * 16);
                s2_1 += factors[r + 2] * load_f32x16(b1 + rows[r + 2] * 16);
                s3_0 += factors[r + 3] * load_f32x16(b0 + rows[r + 3] * 16);
                s3_1 += factors[r + 3] * load_f32x16(b1 + rows[r + 3] * 16);
            }
        }
        s0_0 += s2_0;
        s0_1 += s2_1;
        s1_0 += s3_0;
        s1_1 += s3_1;
        s0_0 += s1_0;
        s0_1 += s1_1;
        s0_0 += load_f32x16(&bias[k * 16]);
        s0_1 += load_f32x16(&bias[(k + 1) * 16]);
        s0_0 = max_f32x16((f32x16){0}, s0_0);
        store_f32x16(&y[0][k * 16], s0_0);
        s0_1 = max_f32x16((f32x16){0}, s0_1);
        store_f32x16(&y[0][(k + 1) * 16], s0_1);
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 128 inputs, 10 outputs. */
LEVEL_v4 static void dense_1_forward_v4(const float (*x)[128], const float (*kernel)[128][16], const float *bias, float (*y)[10], ptrdiff_t first, ptrdiff_t last)
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
        for (int i = 0; i < 128; i += 64) {
            const int end = 128 - i < 64 ? 128 - i : 64;
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

static void run_single_v4(const mnist_cnn_weights *w, const float *input, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(arena + 497664);
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena + 584192);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 512);
    float *const conv2d_1_workspace = (float *)(arena);
    rescaling_forward_v4(input, &rescaling_out[0][0][0][0], 0, 1);
    if (ONE_THREAD) {
        conv2d_forward_v4(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
        conv2d_1_forward_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out, conv2d_1_workspace, 0, 1, 0, 6, 0);
        dense_forward_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, 0, 4);
    } else {
        PARALLEL {
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 16; task++) {
                conv2d_forward_v4(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 26 * task / 16, 26 * (task + 1) / 16);
            }
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 6; task++) {
                conv2d_1_forward_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out, conv2d_1_workspace, 0, 1, task, task + 1, task);
            }
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 4; task++) {
                dense_forward_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, task, task + 1);
            }
        }
    }
    dense_1_forward_v4(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, 0, 1);
    dense_1_softmax_forward_v4(&dense_1_linear_out[0][0], output, 0, 1);
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
LEVEL_v4 static void dense_forward_batch_v4(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part / 2 * 2;
        const ptrdiff_t tiles = (count + 7) / 8, chunk = part % 2;
        const ptrdiff_t from = tiles * chunk / 2 * 8, next = tiles * (chunk + 1) / 2 * 8;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        for (int i = 0; i < 9216; i += 256) {
            const int end = 9216 - i < 256 ? 9216 - i : 256;
            ptrdiff_t m = from;
            for (; m + 8 <= to; m += 8) {
                const float *const a = &x[m][i];
                f32x16 s0_0 = i ? load_f32x16(&y[m][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s0_1 = i ? load_f32x16(&y[m][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s1_0 = i ? load_f32x16(&y[m + 1][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s1_1 = i ? load_f32x16(&y[m + 1][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s2_0 = i ? load_f32x16(&y[m + 2][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s2_1 = i ? load_f32x16(&y[m + 2][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s3_0 = i ? load_f32x16(&y[m + 3][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s3_1 = i ? load_f32x16(&y[m + 3][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s4_0 = i ? load_f32x16(&y[m + 4][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s4_1 = i ? load_f32x16(&y[m + 4][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s5_0 = i ? load_f32x16(&y[m + 5][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s5_1 = i ? load_f32x16(&y[m + 5][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s6_0 = i ? load_f32x16(&y[m + 6][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s6_1 = i ? load_f32x16(&y[m + 6][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                f32x16 s7_0 = i ? load_f32x16(&y[m + 7][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s7_1 = i ? load_f32x16(&y[m + 7][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                const float *const b0 = &kernel[k][i][0];
                const float *const b1 = &kernel[k + 1][i][0];
                for (int j = 0; j < end; j++) {
                    const f32x16 w0 = load_f32x16(b0 + j * 16); const f32x16 w1 = load_f32x16(b1 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    s1_0 += a[j + 9216] * w0; s1_1 += a[j + 9216] * w1;
                    s2_0 += a[j + 18432] * w0; s2_1 += a[j + 18432] * w1;
                    s3_0 += a[j + 27648] * w0; s3_1 += a[j + 27648] * w1;
                    s4_0 += a[j + 36864] * w0; s4_1 += a[j + 36864] * w1;
                    s5_0 += a[j + 46080] * w0; s5_1 += a[j + 46080] * w1;
                    s6_0 += a[j + 55296] * w0; s6_1 += a[j + 55296] * w1;
                    s7_0 += a[j + 64512] * w0; s7_1 += a[j + 64512] * w1;
                }
                if (i + end < 9216) {
                    store_f32x16(&y[m][k * 16], s0_0);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    store_f32x16(&y[m + 1][k * 16], s1_0);
                    store_f32x16(&y[m + 1][(k + 1) * 16], s1_1);
                    store_f32x16(&y[m + 2][k * 16], s2_0);
                    store_f32x16(&y[m + 2][(k + 1) * 16], s2_1);
                    store_f32x16(&y[m + 3][k * 16], s3_0);
                    store_f32x16(&y[m + 3][(k + 1) * 16], s3_1);
                    store_f32x16(&y[m + 4][k * 16], s4_0);
                    store_f32x16(&y[m + 4][(k + 1) * 16], s4_1);
                    store_f32x16(&y[m + 5][k * 16], s5_0);
                    store_f32x16(&y[m + 5][(k + 1) * 16], s5_1);
                    store_f32x16(&y[m + 6][k * 16], s6_0);
                    store_f32x16(&y[m + 6][(k + 1) * 16], s6_1);
                    store_f32x16(&y[m + 7][k * 16], s7_0);
                    store_f32x16(&y[m + 7][(k + 1) * 16], s7_1);
                } else {
                    s0_0 = max_f32x16((f32x16){0}, s0_0);
                    store_f32x16(&y[m][k * 16], s0_0);
                    s0_1 = max_f32x16((f32x16){0}, s0_1);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    s1_0 = max_f32x16((f32x16){0}, s1_0);
                    store_f32x16(&y[m + 1][k * 16], s1_0);
                    s1_1 = max_f32x16((f32x16){0}, s1_1);
                    store_f32x16(&y[m + 1][(k + 1) * 16], s1_1);
                    s2_0 = max_f32x16((f32x16){0}, s2_0);
                    store_f32x16(&y[m + 2][k * 16], s2_0);
                    s2_1 = max_f32x16((f32x16){0}, s2_1);
                    store_f32x16(&y[m + 2][(k + 1) * 16], s2_1);
                    s3_0 = max_f32x16((f32x16){0}, s3_0);
                    store_f32x16(&y[m + 3][k * 16], s3_0);
                    s3_1 = max_f32x16((f32x16){0}, s3_1);
                    store_f32x16(&y[m + 3][(k + 1) * 16], s3_1);
                    s4_0 = max_f32x16((f32x16){0}, s4_0);
                    store_f32x16(&y[m + 4][k * 16], s4_0);
                    s4_1 = max_f32x16((f32x16){0}, s4_1);
                    store_f32x16(&y[m + 4][(k + 1) * 16], s4_1);
                    s5_0 = max_f32x16((f32x16){0}, s5_0);
                    store_f32x16(&y[m + 5][k * 16], s5_0);
                    s5_1 = max_f32x16((f32x16){0}, s5_1);
                    store_f32x16(&y[m + 5][(k + 1) * 16], s5_1);
                    s6_0 = max_f32x16((f32x16){0}, s6_0);
                    store_f32x16(&y[m + 6][k * 16], s6_0);
                    s6_1 = max_f32x16((f32x16){0}, s6_1);
                    store_f32x16(&y[m + 6][(k + 1) * 16], s6_1);
                    s7_0 = max_f32x16((f32x16){0}, s7_0);
                    store_f32x16(&y[m + 7][k * 16], s7_0);
                    s7_1 = max_f32x16((f32x16){0}, s7_1);
                    store_f32x16(&y[m + 7][(k + 1) * 16], s7_1);
                }
            }
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                f32x16 s0_0 = i ? load_f32x16(&y[m][k * 16]) : load_f32x16(&bias[k * 16]);
                f32x16 s0_1 = i ? load_f32x16(&y[m][(k + 1) * 16]) : load_f32x16(&bias[(k + 1) * 16]);
                const float *const b0 = &kernel[k][i][0];
                const float *const b1 = &kernel[k + 1][i][0];
                for (int j = 0; j < end; j++) {
                    const f32x16 w0 = load_f32x16(b0 + j * 16); const f32x16 w1 = load_f32x16(b1 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                }
                if (i + end < 9216) {
                    store_f32x16(&y[m][k * 16], s0_0);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                } else {
                    s0_0 = max_f32x16((f32x16){0}, s0_0);
                    store_f32x16(&y[m][k * 16], s0_0);
                    s0_1 = max_f32x16((f32x16){0}, s0_1);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                }
            }
        }
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 128 inputs, 10 outputs. */
LEVEL_v4 static void dense_1_forward_batch_v4(const float (*x)[128], const float (*kernel)[128][16], const float *bias, float (*y)[10], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t tiles = (count + 3) / 4, chunk = part % 8;
        const ptrdiff_t from = tiles * chunk / 8 * 4, next = tiles * (chunk + 1) / 8 * 4;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        ptrdiff_t m = from;
        for (; m + 4 <= to; m += 4) {
            const float *const a = &x[m][0];
            f32x16 s0_0 = load_part_f32x16(&bias[0], 10);
            f32x16 s1_0 = load_part_f32x16(&bias[0], 10);
            f32x16 s2_0 = load_part_f32x16(&bias[0], 10);
            f32x16 s3_0 = load_part_f32x16(&bias[0], 10);
            const float *const b0 = &kernel[0][0][0];
            for (int j = 0; j < 128; j++) {
                const f32x16 w0 = load_f32x16(b0 + j * 16);
                s0_0 += a[j] * w0;
                s1_0 += a[j + 128] * w0;
                s2_0 += a[j + 256] * w0;
                s3_0 += a[j + 384] * w0;
            }
            store_part_f32x16(&y[m][0], s0_0, 10);
            store_part_f32x16(&y[m + 1][0], s1_0, 10);
            store_part_f32x16(&y[m + 2][0], s2_0, 10);
            store_part_f32x16(&y[m + 3][0], s3_0, 10);
        }
        for (; m < to; m++) {
            const float *const a = &x[m][0];
            f32x16 s0_0 = load_part_f32x16(&bias[0], 10);
            const float *const b0 = &kernel[0][0][0];
            for (int j = 0; j < 128; j++) {
                const f32x16 w0 = load_f32x16(b0 + j * 16);
                s0_0 += a[j] * w0;
            }
            store_part_f32x16(&y[m][0], s0_0, 10);
        }
    }
}

static void run_batch_v4(const mnist_cnn_weights *w, const float *input, float *output, ptrdiff_t count, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v4(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v4(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
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

static float run_evaluation_v4(const mnist_cnn_weights *w, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 5120);
    float *const dense_1_loss = (float *)(arena + 10240);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v4(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v4(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
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

/* conv2d_1: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 32 to 64 channels, 26 x 26 to 24 x 24. */
LEVEL_v4 static void conv2d_1_forward_train_v4(const float (*x)[26][26][32], const float *bias, const float (*kernel_winograd4)[4][32][16], float (*y)[12][12][64], uint8_t (*selected)[12][12][64], float *work, const Step *step, ptrdiff_t origin, ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high, ptrdiff_t task)
{
    const uint64_t key5 = step ? random_key(step_key(step), 5u) : 0;
    const uint32_t threshold5 = step ? 1073741824u : 0;
    const float scale5 = step ? 1.3333334f : 1.0f;
    float (*const v)[6][32] = (float (*)[6][32])(work + task * 20736);
    float (*const m)[6][64] = (float (*)[6][64])(work + task * 20736 + 6912);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int i = (int)low * 1; i < (int)high * 1; i += 1) {
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 32; k += 16) {
                        winograd4_input_f32x16(&x[n][4 * (i + b)][4 * j][k], 26 * 32, 32, &v[0][b * 6 + j][k], 6 * 32);
                    }
                }
            }
            for (int entry = 0; entry < 36; entry++) {
                {
                    const float *const b0 = &kernel_winograd4[entry][0][0][0];
                    const float *const b1 = &kernel_winograd4[entry][1][0][0];
                    const float *const b2 = &kernel_winograd4[entry][2][0][0];
                    const float *const b3 = &kernel_winograd4[entry][3][0][0];
                    for (int t = 0; t < 6; t += 6) {
                        const float *const a = &v[entry][t][0];
                        f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
                        f32x16 s1_0 = {0}; f32x16 s1_1 = {0}; f32x16 s1_2 = {0}; f32x16 s1_3 = {0};
                        f32x16 s2_0 = {0}; f32x16 s2_1 = {0}; f32x16 s2_2 = {0}; f32x16 s2_3 = {0};
                        f32x16 s3_0 = {0}; f32x16 s3_1 = {0}; f32x16 s3_2 = {0}; f32x16 s3_3 = {0};
                        f32x16 s4_0 = {0}; f32x16 s4_1 = {0}; f32x16 s4_2 = {0}; f32x16 s4_3 = {0};
                        f32x16 s5_0 = {0}; f32x16 s5_1 = {0}; f32x16 s5_2 = {0}; f32x16 s5_3 = {0};
                        for (int c = 0; c < 32; c++) {
                            const f32x16 w0 = load_f32x16(b0 + c * 16); const f32x16 w1 = load_f32x16(b1 + c * 16); const f32x16 w2 = load_f32x16(b2 + c * 16); const f32x16 w3 = load_f32x16(b3 + c * 16);
                            s0_0 += a[c] * w0; s0_1 += a[c] * w1; s0_2 += a[c] * w2; s0_3 += a[c] * w3;
                            s1_0 += a[c + 32] * w0; s1_1 += a[c + 32] * w1; s1_2 += a[c + 32] * w2; s1_3 += a[c + 32] * w3;
                            s2_0 += a[c + 64] * w0; s2_1 += a[c + 64] * w1; s2_2 += a[c + 64] * w2; s2_3 += a[c + 64] * w3;
                            s3_0 += a[c + 96] * w0; s3_1 += a[c + 96] * w1; s3_2 += a[c + 96] * w2; s3_3 += a[c + 96] * w3;
                            s4_0 += a[c + 128] * w0; s4_1 += a[c + 128] * w1; s4_2 += a[c + 128] * w2; s4_3 += a[c + 128] * w3;
                            s5_0 += a[c + 160] * w0; s5_1 += a[c + 160] * w1; s5_2 += a[c + 160] * w2; s5_3 += a[c + 160] * w3;
                        }
                        store_f32x16(&m[entry][t][0], s0_0);
                        store_f32x16(&m[entry][t][16], s0_1);
                        store_f32x16(&m[entry][t][32], s0_2);
                        store_f32x16(&m[entry][t][48], s0_3);
                        store_f32x16(&m[entry][t + 1][0], s1_0);
                        store_f32x16(&m[entry][t + 1][16], s1_1);
                        store_f32x16(&m[entry][t + 1][32], s1_2);
                        store_f32x16(&m[entry][t + 1][48], s1_3);
                        store_f32x16(&m[entry][t + 2][0], s2_0);
                        store_f32x16(&m[entry][t + 2][16], s2_1);
                        store_f32x16(&m[entry][t + 2][32], s2_2);
                        store_f32x16(&m[entry][t + 2][48], s2_3);
                        store_f32x16(&m[entry][t + 3][0], s3_0);
                        store_f32x16(&m[entry][t + 3][16], s3_1);
                        store_f32x16(&m[entry][t + 3][32], s3_2);
                        store_f32x16(&m[entry][t + 3][48], s3_3);
                        store_f32x16(&m[entry][t + 4][0], s4_0);
                        store_f32x16(&m[entry][t + 4][16], s4_1);
                        store_f32x16(&m[entry][t + 4][32], s4_2);
                        store_f32x16(&m[entry][t + 4][48], s4_3);
                        store_f32x16(&m[entry][t + 5][0], s5_0);
                        store_f32x16(&m[entry][t + 5][16], s5_1);
                        store_f32x16(&m[entry][t + 5][32], s5_2);
                        store_f32x16(&m[entry][t + 5][48], s5_3);
                    }
                }
            }
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 64; k += 16) {
                        f32x16 d[4][4];
                        winograd4_output_f32x16(&m[0][b * 6 + j][k], 6 * 64, d);
                        UNROLL for (int r = 0; r < 4; r += 2) {
                            UNROLL for (int s = 0; s < 4; s += 2) {
                                const int p = (4 * (i + b) + r) / 2, q = (4 * j + s) / 2;
                                f32x16 sum = d[r][s];
                                i32x16 place = {0}, larger;
                                larger = d[r][s + 1] > sum;
                                place = (larger & 1) | (~larger & place);
                                sum = max_f32x16(d[r][s + 1], sum);
                                larger = d[r + 1][s] > sum;
                                place = (larger & 2) | (~larger & place);
                                sum = max_f32x16(d[r + 1][s], sum);
                                larger = d[r + 1][s + 1] > sum;
                                place = (larger & 3) | (~larger & place);
                                sum = max_f32x16(d[r + 1][s + 1], sum);
                                store_u8_i32x16(&selected[n][p][q][k], place);
                                sum += load_f32x16(&bias[k]);
                                sum = max_f32x16((f32x16){0}, sum);
                                sum = keep_f32x16(~random_below_f32x16(key5, (uint32_t)(origin * 9216) + (uint32_t)(((n * 12 + p) * 12 + q) * 64 + k), threshold5), sum * scale5);
                                store_f32x16(&y[n][p][q][k], sum);
                            }
                        }
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
LEVEL_v4 static void dense_forward_train_v4(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t key8 = step ? random_key(step_key(step), 8u) : 0;
    const uint32_t threshold8 = step ? 2147483648u : 0;
    const float scale8 = step ? 2.0f : 1.0f;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part / 4 * 4;
        const ptrdiff_t tiles = (count) / 1, chunk = part % 4;
        const ptrdiff_t from = tiles * chunk / 4 * 1, next = tiles * (chunk + 1) / 4 * 1;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        for (int i = 0; i < 9216; i += 64) {
            const int end = 9216 - i < 64 ? 9216 - i : 64;
            ptrdiff_t m = from;
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
                const float *const ahead = a + (m + 4 < to ? 4 * 9216 : 0);
                for (int j = 0; j < end; j += 16) __builtin_prefetch(ahead + j);
                uint64_t found = 0;
                for (int j = 0; j < end; j += 16)
                    found |= (uint64_t)bits_i32x16(load_f32x16(a + j) != 0.0f) << j;
                for (uint64_t left = found; left; left &= left - 1) {
                    const int j = __builtin_ctzll(left);
                    const f32x16 w0 = load_f32x16(b0 + j * 16); const f32x16 w1 = load_f32x16(b1 + j * 16); const f32x16 w2 = load_f32x16(b2 + j * 16); const f32x16 w3 = load_f32x16(b3 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3;
                }
                if (i + end < 9216) {
                    store_f32x16(&y[m][k * 16], s0_0);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                } else {
                    s0_0 = max_f32x16((f32x16){0}, s0_0);
                    s0_0 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + k * 16), threshold8), s0_0 * scale8);
                    store_f32x16(&y[m][k * 16], s0_0);
                    s0_1 = max_f32x16((f32x16){0}, s0_1);
                    s0_1 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + (k + 1) * 16), threshold8), s0_1 * scale8);
                    store_f32x16(&y[m][(k + 1) * 16], s0_1);
                    s0_2 = max_f32x16((f32x16){0}, s0_2);
                    s0_2 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + (k + 2) * 16), threshold8), s0_2 * scale8);
                    store_f32x16(&y[m][(k + 2) * 16], s0_2);
                    s0_3 = max_f32x16((f32x16){0}, s0_3);
                    s0_3 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + (k + 3) * 16), threshold8), s0_3 * scale8);
                    store_f32x16(&y[m][(k + 3) * 16], s0_3);
                }
            }
        }
    }
}

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
LEVEL_v4 static void dense_1_input_gradient_v4(const float (*d_y)[10], const float (*kernel)[128][16], float (*d_x)[128], float *work, const float (*e0)[128], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    const uint64_t key8 = step ? random_key(step_key(step), 8u) : 0;
    const uint32_t threshold8 = step ? 2147483648u : 0;
    const float scale8 = step ? 2.0f : 1.0f;
    float (*const turned)[32] = (float (*)[32])(work + task * 512);
    const ptrdiff_t from = 0, to = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 32;
        const ptrdiff_t next = part + 1 < 4 ? i + 32 : 0;
        for (int p = 0; p < 1; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 32; r += 4) transpose4_f32x16(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 32);
            }
        }
        ptrdiff_t m = from;
        for (; m + 2 <= to; m += 2) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0};
            f32x16 s1_0 = {0}; f32x16 s1_1 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 2; t++) {
                for (int at = 0; at < 32; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 32; line++) __builtin_prefetch(kernel[line / 32][next + line % 32], 0);
                for (int j = 10 * t / 2; j < 10 * (t + 1) / 2; j++) {
                    const f32x16 w0 = load_f32x16(turned[j] + 0 * 16); const f32x16 w1 = load_f32x16(turned[j] + 1 * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    s1_0 += a[j + 10] * w0; s1_1 += a[j + 10] * w1;
                }
            }
            s0_0 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + i), threshold8), s0_0 * scale8);
            s0_0 = keep_f32x16(load_f32x16(&e0[m][i]) > 0.0f, s0_0);
            store_f32x16(&d_x[m][i], s0_0);
            s0_1 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + i + 16), threshold8), s0_1 * scale8);
            s0_1 = keep_f32x16(load_f32x16(&e0[m][i + 16]) > 0.0f, s0_1);
            store_f32x16(&d_x[m][i + 16], s0_1);
            s1_0 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)((m + 1) * 128 + i), threshold8), s1_0 * scale8);
            s1_0 = keep_f32x16(load_f32x16(&e0[m + 1][i]) > 0.0f, s1_0);
            store_f32x16(&d_x[m + 1][i], s1_0);
            s1_1 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)((m + 1) * 128 + i + 16), threshold8), s1_1 * scale8);
            s1_1 = keep_f32x16(load_f32x16(&e0[m + 1][i + 16]) > 0.0f, s1_1);
            store_f32x16(&d_x[m + 1][i + 16], s1_1);
        }
        for (; m < to; m++) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 32; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 32; line++) __builtin_prefetch(kernel[line / 32][next + line % 32], 0);
                for (int j = 10 * t / 1; j < 10 * (t + 1) / 1; j++) {
                    const f32x16 w0 = load_f32x16(turned[j] + 0 * 16); const f32x16 w1 = load_f32x16(turned[j] + 1 * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                }
            }
            s0_0 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + i), threshold8), s0_0 * scale8);
            s0_0 = keep_f32x16(load_f32x16(&e0[m][i]) > 0.0f, s0_0);
            store_f32x16(&d_x[m][i], s0_0);
            s0_1 = keep_f32x16(~random_below_f32x16(key8, (uint32_t)(m * 128 + i + 16), threshold8), s0_1 * scale8);
            s0_1 = keep_f32x16(load_f32x16(&e0[m][i + 16]) > 0.0f, s0_1);
            store_f32x16(&d_x[m][i + 16], s0_1);
        }
    }
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_1_weight_gradient_v4(const float (*x)[128], const float (*d_y)[10], float (*w)[128][16], float (*slot0)[128][16], float (*slot1)[128][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        {
            f32x16 s0_0 = {0};
            f32x16 s1_0 = {0};
            f32x16 s2_0 = {0};
            f32x16 s3_0 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[0][i + t], 1);
                __builtin_prefetch(slot0[0][i + t], 1);
                __builtin_prefetch(slot1[0][i + t], 1);
            }
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x16 d0 = load_part_f32x16(d + (0) * 16, 10);
                const f32x16 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            const f32x16 sums[4][1] = {
                {s0_0},
                {s1_0},
                {s2_0},
                {s3_0},
            };
            for (int q = 0; q < 1; q++) {
                for (int t = 0; t < 4; t++) {
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
    {
        f32x16 s0_0 = load_f32x16(&shards[0]);
        f32x16 s0_1 = load_f32x16(&shards[16]);
        f32x16 s0_2 = load_f32x16(&shards[32]);
        f32x16 s0_3 = load_f32x16(&shards[48]);
        f32x16 s0_4 = load_f32x16(&shards[64]);
        f32x16 s0_5 = load_f32x16(&shards[80]);
        f32x16 s0_6 = load_f32x16(&shards[96]);
        f32x16 s0_7 = load_f32x16(&shards[112]);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x16(&d_y[m * 128]);
            s0_1 += load_f32x16(&d_y[m * 128 + 16]);
            s0_2 += load_f32x16(&d_y[m * 128 + 32]);
            s0_3 += load_f32x16(&d_y[m * 128 + 48]);
            s0_4 += load_f32x16(&d_y[m * 128 + 64]);
            s0_5 += load_f32x16(&d_y[m * 128 + 80]);
            s0_6 += load_f32x16(&d_y[m * 128 + 96]);
            s0_7 += load_f32x16(&d_y[m * 128 + 112]);
        }
        store_f32x16(&shards[0], s0_0);
        store_f32x16(&shards[16], s0_1);
        store_f32x16(&shards[32], s0_2);
        store_f32x16(&shards[48], s0_3);
        store_f32x16(&shards[64], s0_4);
        store_f32x16(&shards[80], s0_5);
        store_f32x16(&shards[96], s0_6);
        store_f32x16(&shards[112], s0_7);
    }
}

/* dense: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v4 static void dense_bias_gradient_v4(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 128 ? last * 256 : 128;
    ptrdiff_t i = first * 256;
    for (; i + 16 <= end; i += 16) {
        f32x16 sum = load_f32x16(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x16(&shards[s * 128 + i]);
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

/* dense: d_x[i] = sum over o of d_y[o] kernel[i][o]. */
LEVEL_v4 static void dense_input_gradient_v4(const float (*d_y)[128], const float (*kernel)[9216][16], float (*d_x)[9216], float *work, const float (*e0)[9216], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    const uint64_t key5 = step ? random_key(step_key(step), 5u) : 0;
    const uint32_t threshold5 = step ? 1073741824u : 0;
    const float scale5 = step ? 1.3333334f : 1.0f;
    float (*const turned)[48] = (float (*)[48])(work + task * 6144);
    const ptrdiff_t from = 0, to = count * 1;
    uint64_t found[128][2];
    memset(found, 0, sizeof found);
    for (ptrdiff_t m = from; m < to; m++) {
        for (int o = 0; o < 128; o += 16) found[m][o / 64] |= (uint64_t)bits_i32x16(load_f32x16(&d_y[m][o]) != 0.0f) << o % 64;
    }
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 48;
        const ptrdiff_t next = part + 1 < 192 ? i + 48 : 0;
        for (int p = 0; p < 8; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 48; r += 4) transpose4_f32x16(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 48);
            }
        }
        ptrdiff_t m = from;
        for (; m < to; m++) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 48; at += 16) {
                    __builtin_prefetch(&d_x[(m + 4 < to ? m + 4 : m)][i + at], 1);
                    __builtin_prefetch(&e0[(m + 4 < to ? m + 4 : m)][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 3; line < (m + t + 1) * 3 && line < 8 * 48; line++) __builtin_prefetch(kernel[line / 48][next + line % 48], 0);
                for (int word = 0; word < 2; word++) {
                    for (uint64_t left = found[m][word]; left; left &= left - 1) {
                        const int j = word * 64 + __builtin_ctzll(left);
                        const f32x16 w0 = load_f32x16(turned[j] + 0 * 16); const f32x16 w1 = load_f32x16(turned[j] + 1 * 16); const f32x16 w2 = load_f32x16(turned[j] + 2 * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2;
                    }
                }
            }
            s0_0 = keep_f32x16(~random_below_f32x16(key5, (uint32_t)(m * 9216 + i), threshold5), s0_0 * scale5);
            s0_0 = keep_f32x16(load_f32x16(&e0[m][i]) > 0.0f, s0_0);
            store_f32x16(&d_x[m][i], s0_0);
            s0_1 = keep_f32x16(~random_below_f32x16(key5, (uint32_t)(m * 9216 + i + 16), threshold5), s0_1 * scale5);
            s0_1 = keep_f32x16(load_f32x16(&e0[m][i + 16]) > 0.0f, s0_1);
            store_f32x16(&d_x[m][i + 16], s0_1);
            s0_2 = keep_f32x16(~random_below_f32x16(key5, (uint32_t)(m * 9216 + i + 32), threshold5), s0_2 * scale5);
            s0_2 = keep_f32x16(load_f32x16(&e0[m][i + 32]) > 0.0f, s0_2);
            store_f32x16(&d_x[m][i + 32], s0_2);
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_weight_gradient_v4(const float (*x)[9216], const float (*d_y)[128], float (*w)[9216][16], float (*slot0)[9216][16], float (*slot1)[9216][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 6;
        for (int k = 0; k < 8; k += 4) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
            f32x16 s1_0 = {0}; f32x16 s1_1 = {0}; f32x16 s1_2 = {0}; f32x16 s1_3 = {0};
            f32x16 s2_0 = {0}; f32x16 s2_1 = {0}; f32x16 s2_2 = {0}; f32x16 s2_3 = {0};
            f32x16 s3_0 = {0}; f32x16 s3_1 = {0}; f32x16 s3_2 = {0}; f32x16 s3_3 = {0};
            f32x16 s4_0 = {0}; f32x16 s4_1 = {0}; f32x16 s4_2 = {0}; f32x16 s4_3 = {0};
            f32x16 s5_0 = {0}; f32x16 s5_1 = {0}; f32x16 s5_2 = {0}; f32x16 s5_3 = {0};
            for (int t = 0; t < 6; t++) {
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
                for (ptrdiff_t m = samples * t / 6; m < samples * (t + 1) / 6; m++) {
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
                    s4_0 += a[4] * w0; s4_1 += a[4] * w1; s4_2 += a[4] * w2; s4_3 += a[4] * w3;
                    s5_0 += a[5] * w0; s5_1 += a[5] * w1; s5_2 += a[5] * w2; s5_3 += a[5] * w3;
                }
            }
            const f32x16 sums[6][4] = {
                {s0_0, s0_1, s0_2, s0_3},
                {s1_0, s1_1, s1_2, s1_3},
                {s2_0, s2_1, s2_2, s2_3},
                {s3_0, s3_1, s3_2, s3_3},
                {s4_0, s4_1, s4_2, s4_3},
                {s5_0, s5_1, s5_2, s5_3},
            };
            for (int q = 0; q < 4; q++) {
                for (int t = 0; t < 6; t++) {
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
    const ptrdiff_t end = last * 1024 < 128 ? last * 1024 : 128;
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

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v4 static void conv2d_1_transpose_v4(const float (*kernel)[288][16], float *turned, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t g = first; g < last; g++) {
        for (int r = 0; r < 3; r++) {
            for (int part = 0; part < 1; part++) {
                for (int k = 0; k < 16; k++) {
                    float *const to = turned + ((r + part) * 64 + g * 16 + k) * (96);
                    for (int s = 0; s < 3; s++) {
                        for (int i = 0; i < 32; i++) to[s * 32 + i] = kernel[g][(r * 3 + s) * 32 + part * 32 + i][k];
                    }
                }
            }
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v4 static void conv2d_1_gradients_part_v4(const float (*x)[26][26][32], const float (*d_y)[12][12][64], const uint8_t (*selected)[12][12][64], float (*d_x)[26][26][32], float *shards, float *tiles, float *turned, const float (*e0)[26][26][32], ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    float (*const sums)[288] = (float (*)[288])shards;
    int32_t (*const block)[64] = (int32_t (*)[64])(tiles + task * 1344 + 1152);
    float *const bias_sums = shards + 18432;
    uint64_t (*const band)[12][4][1] = (uint64_t (*)[12][4][1])(tiles + task * 1344);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int p0 = 0; p0 < 12; p0 += 3) {
            const int rows = 12 - p0 < 3 ? 12 - p0 : 3;
            for (int q0 = 0; q0 < 12; q0 += 12) {
                const int columns = 12 - q0 < 12 ? 12 - q0 : 12;
                for (int k = 0; k < 64; k += 16) {
                    f32x16 sum = load_f32x16(&bias_sums[k]);
                    for (int p = 0; p < rows; p++) {
                        i32x16 found = {0};
                        for (int q = 0; q < columns; q++) {
                            const f32x16 d = load_f32x16(&d_y[n][p0 + p][q0 + q][k]);
                            sum += d;
                            found |= (d != 0.0f) & (int32_t)(1u << q);
                        }
                        store_part_i32x16(&block[p][k], found, 16);
                    }
                    store_f32x16(&bias_sums[k], sum);
                }
                for (int k = 0; k < 64; k++) {
                    uint64_t found = (uint32_t)block[0][k];
                    for (int p = 1; p < rows; p++) found |= (uint64_t)(uint32_t)block[p][k] << p * 12;
                    if (!found) continue;
                    float *const t = sums[k];
                    f32x16 s0 = load_f32x16(t);
                    f32x16 s1 = load_f32x16(t + 16);
                    f32x16 s2 = load_f32x16(t + 32);
                    f32x16 s3 = load_f32x16(t + 48);
                    f32x16 s4 = load_f32x16(t + 64);
                    f32x16 s5 = load_f32x16(t + 80);
                    f32x16 s6 = load_f32x16(t + 96);
                    f32x16 s7 = load_f32x16(t + 112);
                    f32x16 s8 = load_f32x16(t + 128);
                    f32x16 s9 = load_f32x16(t + 144);
                    f32x16 s10 = load_f32x16(t + 160);
                    f32x16 s11 = load_f32x16(t + 176);
                    f32x16 s12 = load_f32x16(t + 192);
                    f32x16 s13 = load_f32x16(t + 208);
                    f32x16 s14 = load_f32x16(t + 224);
                    f32x16 s15 = load_f32x16(t + 240);
                    f32x16 s16 = load_f32x16(t + 256);
                    f32x16 s17 = load_f32x16(t + 272);
                    for (uint64_t left = found; left; left &= left - 1) {
                        const int place = __builtin_ctzll(left), p = place / 12, q = place % 12;
                        const float d = d_y[n][p0 + p][q0 + q][k];
                        const int at = selected[n][p0 + p][q0 + q][k] & 3;
                        const float *const a = x[n][2 * (p0 + p) + at / 2][2 * (q0 + q) + at % 2];
                        s0 += d * load_f32x16(a);
                        s1 += d * load_f32x16(a + 16);
                        s2 += d * load_f32x16(a + 32);
                        s3 += d * load_f32x16(a + 48);
                        s4 += d * load_f32x16(a + 64);
                        s5 += d * load_f32x16(a + 80);
                        s6 += d * load_f32x16(a + 832);
                        s7 += d * load_f32x16(a + 848);
                        s8 += d * load_f32x16(a + 864);
                        s9 += d * load_f32x16(a + 880);
                        s10 += d * load_f32x16(a + 896);
                        s11 += d * load_f32x16(a + 912);
                        s12 += d * load_f32x16(a + 1664);
                        s13 += d * load_f32x16(a + 1680);
                        s14 += d * load_f32x16(a + 1696);
                        s15 += d * load_f32x16(a + 1712);
                        s16 += d * load_f32x16(a + 1728);
                        s17 += d * load_f32x16(a + 1744);
                    }
                    store_f32x16(t + 0 * 16, s0);
                    store_f32x16(t + 1 * 16, s1);
                    store_f32x16(t + 2 * 16, s2);
                    store_f32x16(t + 3 * 16, s3);
                    store_f32x16(t + 4 * 16, s4);
                    store_f32x16(t + 5 * 16, s5);
                    store_f32x16(t + 6 * 16, s6);
                    store_f32x16(t + 7 * 16, s7);
                    store_f32x16(t + 8 * 16, s8);
                    store_f32x16(t + 9 * 16, s9);
                    store_f32x16(t + 10 * 16, s10);
                    store_f32x16(t + 11 * 16, s11);
                    store_f32x16(t + 12 * 16, s12);
                    store_f32x16(t + 13 * 16, s13);
                    store_f32x16(t + 14 * 16, s14);
                    store_f32x16(t + 15 * 16, s15);
                    store_f32x16(t + 16 * 16, s16);
                    store_f32x16(t + 17 * 16, s17);
                }
            }
        }
        float (*const image)[832] = (float (*)[832])d_x[n];
        memset(image, 0, 26 * sizeof *image);
        for (int p0 = 0; p0 < 12; p0 += 12) {
            const int rows = 12 - p0 < 12 ? 12 - p0 : 12;
            for (int p = 0; p < rows; p++) {
                for (int q = 0; q < 12; q++) {
                    for (int word = 0; word < 1; word++) {
                        uint64_t found[4] = {0};
                        for (int v = 0; v < 4; v++) {
                            const int k = word * 64 + v * 16;
                            const i32x16 is = load_f32x16(&d_y[n][p0 + p][q][k]) != 0.0f, at = load_u8_i32x16(&selected[n][p0 + p][q][k]);
                            UNROLL for (int i = 0; i < 4; i++) found[i] |= (uint64_t)bits_i32x16(is & (at == i)) << v * 16;
                        }
                        for (int i = 0; i < 4; i++) band[p][q][i][word] = found[i];
                    }
                }
            }
            for (int r = 0; r < 3; r++) {
                for (int part = 0; part < 1; part++) {
                    const float *const kernels = turned + (r + part) * (6144);
                    for (int p = 0; p < 2 * rows; p++) {
                        float *to = &image[2 * p0 + p + r][part * 32];
                        f32x16 s0 = load_f32x16(to);
                        f32x16 s1 = load_f32x16(to + 16);
                        f32x16 s2 = load_f32x16(to + 32);
                        f32x16 s3 = load_f32x16(to + 48);
                        for (int q = 0; q < 2 * 12; q++) {
                            f32x16 s4 = load_f32x16(to + 64);
                            f32x16 s5 = load_f32x16(to + 80);
                            for (int word = 0; word < 1; word++) {
                                for (uint64_t left = band[p / 2][q / 2][p % 2 * 2 + q % 2][word]; left; left &= left - 1) {
                                    const int k = word * 64 + __builtin_ctzll(left);
                                    const float d = d_y[n][p0 + p / 2][q / 2][k];
                                    const float *const b = kernels + k * (96);
                                    s0 += d * load_f32x16(b);
                                    s1 += d * load_f32x16(b + 16);
                                    s2 += d * load_f32x16(b + 32);
                                    s3 += d * load_f32x16(b + 48);
                                    s4 += d * load_f32x16(b + 64);
                                    s5 += d * load_f32x16(b + 80);
                                }
                            }
                            store_f32x16(to + 0 * 32 + 0 * 16, s0);
                            store_f32x16(to + 0 * 32 + 1 * 16, s1);
                            s0 = s2;
                            s1 = s3;
                            s2 = s4;
                            s3 = s5;
                            to += 32;
                        }
                        store_f32x16(to + 0 * 32 + 0 * 16, s0);
                        store_f32x16(to + 0 * 32 + 1 * 16, s1);
                        store_f32x16(to + 1 * 32 + 0 * 16, s2);
                        store_f32x16(to + 1 * 32 + 1 * 16, s3);
                    }
                }
            }
        }
        for (int h = 0; h < 26; h++) {
            for (int w = 0; w < 26; w++) {
                for (int k = 0; k < 32; k += 16) {
                    f32x16 sum = load_f32x16(&image[h][w * 32 + k]);
                    sum = keep_f32x16(load_f32x16(&e0[n][h][w][k]) > 0.0f, sum);
                    store_f32x16(&d_x[n][h][w][k], sum);
                }
            }
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v4 static void conv2d_1_weight_gradient_v4(float (*d_kernel)[288][16], float *shards, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t g = part % 4, row = part / 4 * 16;
        float sums[16][16];
        for (int k = 0; k < 16; k++) {
            for (int i = 0; i < 16; i += 16) {
                const float *const from = shards + (g * 16 + k) * 288 + row + i;
                f32x16 sum = load_f32x16(from);
                for (int shard = 1; shard < 16; shard++) sum += load_f32x16(from + shard * 18496);
                store_f32x16(&sums[k][i], sum);
            }
        }
        for (int k = 0; k < 16; k += 4) {
            for (int i = 0; i < 16; i += 4) transpose4_f32x16(&sums[k][i], 16, &d_kernel[g][row + i][k], 16);
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v4 static void conv2d_1_bias_gradient_v4(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 64 ? last * 256 : 64;
    ptrdiff_t i = first * 256;
    for (; i + 16 <= end; i += 16) {
        f32x16 sum = load_f32x16(&shards[i + 18432]);
        for (int s = 1; s < 16; s++) sum += load_f32x16(&shards[s * 18496 + i + 18432]);
        store_f32x16(&d_bias[i], sum);
    }
}

/* conv2d: d_kernel[r][s][c][k] = sum over samples, p, q of x[p + r][q + s][c] d_y[p][q][k]. */
LEVEL_v4 static void conv2d_weight_gradient_part_v4(const float (*x)[28][28][1], const float (*d_y)[26][26][32], float *shards, ptrdiff_t first, ptrdiff_t last)
{
    float (*const sums)[9][16] = (float (*)[9][16])shards;
    for (ptrdiff_t n = first; n < last; n++) {
        {
            {
                {
                    float (*const t0)[16] = &sums[0][0];
                    float (*const t1)[16] = &sums[1][0];
                    f32x16 s0_0 = load_f32x16(t0[0]); f32x16 s0_1 = load_f32x16(t1[0]);
                    f32x16 s1_0 = load_f32x16(t0[1]); f32x16 s1_1 = load_f32x16(t1[1]);
                    f32x16 s2_0 = load_f32x16(t0[2]); f32x16 s2_1 = load_f32x16(t1[2]);
                    f32x16 s3_0 = load_f32x16(t0[3]); f32x16 s3_1 = load_f32x16(t1[3]);
                    f32x16 s4_0 = load_f32x16(t0[4]); f32x16 s4_1 = load_f32x16(t1[4]);
                    f32x16 s5_0 = load_f32x16(t0[5]); f32x16 s5_1 = load_f32x16(t1[5]);
                    f32x16 s6_0 = load_f32x16(t0[6]); f32x16 s6_1 = load_f32x16(t1[6]);
                    f32x16 s7_0 = load_f32x16(t0[7]); f32x16 s7_1 = load_f32x16(t1[7]);
                    f32x16 s8_0 = load_f32x16(t0[8]); f32x16 s8_1 = load_f32x16(t1[8]);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x16 d0 = load_f32x16(&d_y[n][p][q][0]);
                            const f32x16 d1 = load_f32x16(&d_y[n][p][q][16]);
                            const f32x16 w0 = d0; const f32x16 w1 = d1;
                            s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                            s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                            s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                            s3_0 += a[28] * w0; s3_1 += a[28] * w1;
                            s4_0 += a[29] * w0; s4_1 += a[29] * w1;
                            s5_0 += a[30] * w0; s5_1 += a[30] * w1;
                            s6_0 += a[56] * w0; s6_1 += a[56] * w1;
                            s7_0 += a[57] * w0; s7_1 += a[57] * w1;
                            s8_0 += a[58] * w0; s8_1 += a[58] * w1;
                            a += 1;
                        }
                    }
                    store_f32x16(t0[0], s0_0);
                    store_f32x16(t1[0], s0_1);
                    store_f32x16(t0[1], s1_0);
                    store_f32x16(t1[1], s1_1);
                    store_f32x16(t0[2], s2_0);
                    store_f32x16(t1[2], s2_1);
                    store_f32x16(t0[3], s3_0);
                    store_f32x16(t1[3], s3_1);
                    store_f32x16(t0[4], s4_0);
                    store_f32x16(t1[4], s4_1);
                    store_f32x16(t0[5], s5_0);
                    store_f32x16(t1[5], s5_1);
                    store_f32x16(t0[6], s6_0);
                    store_f32x16(t1[6], s6_1);
                    store_f32x16(t0[7], s7_0);
                    store_f32x16(t1[7], s7_1);
                    store_f32x16(t0[8], s8_0);
                    store_f32x16(t1[8], s8_1);
                }
            }
        }
    }
}

/* conv2d: d_kernel[r][s][c][k] = sum over samples, p, q of x[p + r][q + s][c] d_y[p][q][k]. */
LEVEL_v4 static void conv2d_weight_gradient_v4(float *d_kernel, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 288 ? last * 256 : 288;
    ptrdiff_t i = first * 256;
    for (; i + 16 <= end; i += 16) {
        f32x16 sum = load_f32x16(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x16(&shards[s * 288 + i]);
        store_f32x16(&d_kernel[i], sum);
    }
}

/* conv2d: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v4 static void conv2d_bias_gradient_part_v4(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 676 * 32;
    const ptrdiff_t end = last * 676 * 32;
    f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
    for (; i + 64 <= end; i += 64) {
        s0_0 += load_f32x16(&d_y[i]);
        s0_1 += load_f32x16(&d_y[i + 16]);
        s0_2 += load_f32x16(&d_y[i + 32]);
        s0_3 += load_f32x16(&d_y[i + 48]);
    }
    float parts[64];
    store_f32x16(&parts[0], s0_0);
    store_f32x16(&parts[16], s0_1);
    store_f32x16(&parts[32], s0_2);
    store_f32x16(&parts[48], s0_3);
    for (int j = 0; j < 64; j++) shards[j % 32] += parts[j];
}

/* conv2d: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v4 static void conv2d_bias_gradient_v4(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 32 ? last * 256 : 32;
    ptrdiff_t i = first * 256;
    for (; i + 16 <= end; i += 16) {
        f32x16 sum = load_f32x16(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x16(&shards[s * 32 + i]);
        store_f32x16(&d_bias[i], sum);
    }
}

/* conv2d_1/kernel: one step of adam on conv2d_1/kernel. */
LEVEL_v4 static void conv2d_1_kernel_update_v4(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 18432 ? last * 1024 : 18432;
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

/* conv2d_1/bias: one step of adam on conv2d_1/bias. */
LEVEL_v4 static void conv2d_1_bias_update_v4(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 64 ? last * 1024 : 64;
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

/* conv2d/kernel: one step of adam on conv2d/kernel. */
LEVEL_v4 static void conv2d_kernel_update_v4(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 288 ? last * 1024 : 288;
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

/* conv2d/bias: one step of adam on conv2d/bias. */
LEVEL_v4 static void conv2d_bias_update_v4(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 32 ? last * 1024 : 32;
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

static float run_training_v4(mnist_cnn_weights *w, mnist_cnn_weights *slots, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float *const d_dense_1_bias = (float *)(arena + 4727424);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    float *const d_dense_bias = (float *)(arena + 11212288);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float (*const d_conv2d_1_kernel)[288][16] = (float (*)[288][16])(arena + 1183744);
    float *const d_conv2d_1_bias = (float *)(arena + 1352832);
    float (*const d_conv2d_kernel)[9][16] = (float (*)[9][16])(arena + 1351680);
    float *const d_conv2d_bias = (float *)(arena + 1353088);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_66 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_68 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_69 = (float *)(arena);
    float *const conv2d_1_workspace_71 = (float *)(arena + 1257472);
    float *const conv2d_workspace = (float *)(arena + 1331200);
    float *const conv2d_workspace_73 = (float *)(arena + 1349632);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v4(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v4(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, step, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_train_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, step, count, task, task + 1);
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
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_1_input_gradient_v4(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, step, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v4(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_66 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v4(&d_dense_1_linear[n][0], dense_1_workspace_66 + task * 10, 0, 1);
            dense_bias_gradient_part_v4(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_v4(d_dense_1_bias, dense_1_workspace_66, 0, 1);
    dense_bias_gradient_v4(d_dense_bias, dense_workspace, 0, 1);
    dense_1_bias_update_v4(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_v4(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_68, (const float (*)[9216])conv2d_1_out, step, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v4((const float (*)[9216])conv2d_1_out, d_dropout_1, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 1536 * task / 16, 1536 * (task + 1) / 16);
    }
    dense_bias_update_v4(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_v4(w->conv2d_1_kernel, conv2d_1_workspace_71, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const rescaling_out_62)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_63)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_70 = (float *)(own + 176192);
        memset(conv2d_1_workspace_69 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_73 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v4(input + n * 784, &rescaling_out_62[0][0][0][0], 0, 1);
            conv2d_forward_v4(rescaling_out_62, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_63, 0, 1, 0, 26);
            conv2d_1_gradients_part_v4(conv2d_linear_out_63, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_69 + task * 18496, conv2d_1_workspace_70, conv2d_1_workspace_71, conv2d_linear_out_63, 0, 1, 0);
            conv2d_weight_gradient_part_v4(rescaling_out_62, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_v4(&d_conv2d[0][0][0][0], conv2d_workspace_73 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_v4(d_conv2d_1_kernel, conv2d_1_workspace_69, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_v4(d_conv2d_1_bias, conv2d_1_workspace_69, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_v4(&d_conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_v4(d_conv2d_bias, conv2d_workspace_73, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_kernel_update_v4(&d_conv2d_1_kernel[0][0][0], &w->conv2d_1_kernel[0][0][0], &slots[0].conv2d_1_kernel[0][0][0], &slots[1].conv2d_1_kernel[0][0][0], step, 18 * task / 16, 18 * (task + 1) / 16);
    }
    conv2d_1_bias_update_v4(d_conv2d_1_bias, w->conv2d_1_bias, slots[0].conv2d_1_bias, slots[1].conv2d_1_bias, step, 0, 1);
    conv2d_kernel_update_v4(&d_conv2d_kernel[0][0][0], &w->conv2d_kernel[0][0][0], &slots[0].conv2d_kernel[0][0][0], &slots[1].conv2d_kernel[0][0][0], step, 0, 1);
    conv2d_bias_update_v4(d_conv2d_bias, w->conv2d_bias, slots[0].conv2d_bias, slots[1].conv2d_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_v4(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
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

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_1_weight_gradient_gradients_v4(const float (*x)[128], const float (*d_y)[10], float (*d_kernel)[128][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        {
            f32x16 s0_0 = {0};
            f32x16 s1_0 = {0};
            f32x16 s2_0 = {0};
            f32x16 s3_0 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x16 d0 = load_part_f32x16(d + (0) * 16, 10);
                const f32x16 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            store_f32x16(&d_kernel[0][i][0], s0_0);
            store_f32x16(&d_kernel[0][i + 1][0], s1_0);
            store_f32x16(&d_kernel[0][i + 2][0], s2_0);
            store_f32x16(&d_kernel[0][i + 3][0], s3_0);
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v4 static void dense_weight_gradient_gradients_v4(const float (*x)[9216], const float (*d_y)[128], float (*d_kernel)[9216][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 6;
        for (int k = 0; k < 8; k += 4) {
            f32x16 s0_0 = {0}; f32x16 s0_1 = {0}; f32x16 s0_2 = {0}; f32x16 s0_3 = {0};
            f32x16 s1_0 = {0}; f32x16 s1_1 = {0}; f32x16 s1_2 = {0}; f32x16 s1_3 = {0};
            f32x16 s2_0 = {0}; f32x16 s2_1 = {0}; f32x16 s2_2 = {0}; f32x16 s2_3 = {0};
            f32x16 s3_0 = {0}; f32x16 s3_1 = {0}; f32x16 s3_2 = {0}; f32x16 s3_3 = {0};
            f32x16 s4_0 = {0}; f32x16 s4_1 = {0}; f32x16 s4_2 = {0}; f32x16 s4_3 = {0};
            f32x16 s5_0 = {0}; f32x16 s5_1 = {0}; f32x16 s5_2 = {0}; f32x16 s5_3 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
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
                s4_0 += a[4] * w0; s4_1 += a[4] * w1; s4_2 += a[4] * w2; s4_3 += a[4] * w3;
                s5_0 += a[5] * w0; s5_1 += a[5] * w1; s5_2 += a[5] * w2; s5_3 += a[5] * w3;
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
            store_f32x16(&d_kernel[k][i + 4][0], s4_0);
            store_f32x16(&d_kernel[k + 1][i + 4][0], s4_1);
            store_f32x16(&d_kernel[k + 2][i + 4][0], s4_2);
            store_f32x16(&d_kernel[k + 3][i + 4][0], s4_3);
            store_f32x16(&d_kernel[k][i + 5][0], s5_0);
            store_f32x16(&d_kernel[k + 1][i + 5][0], s5_1);
            store_f32x16(&d_kernel[k + 2][i + 5][0], s5_2);
            store_f32x16(&d_kernel[k + 3][i + 5][0], s5_3);
        }
    }
}

static float run_gradients_v4(const mnist_cnn_weights *w, mnist_cnn_weights *gradients, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_50 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_52 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_53 = (float *)(arena);
    float *const conv2d_1_workspace_55 = (float *)(arena + 1183744);
    float *const conv2d_workspace = (float *)(arena + 1257472);
    float *const conv2d_workspace_57 = (float *)(arena + 1275904);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212288);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v4(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v4(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, NULL, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_train_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, NULL, count, task, task + 1);
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
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_1_input_gradient_v4(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, NULL, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_gradients_v4(dense_linear_out, d_dense_1_linear, gradients->dense_1_kernel, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_50 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v4(&d_dense_1_linear[n][0], dense_1_workspace_50 + task * 10, 0, 1);
            dense_bias_gradient_part_v4(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_v4(gradients->dense_1_bias, dense_1_workspace_50, 0, 1);
    dense_bias_gradient_v4(gradients->dense_bias, dense_workspace, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_v4(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_52, (const float (*)[9216])conv2d_1_out, NULL, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_gradients_v4((const float (*)[9216])conv2d_1_out, d_dropout_1, gradients->dense_kernel, count, 1536 * task / 16, 1536 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_v4(w->conv2d_1_kernel, conv2d_1_workspace_55, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212288);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const rescaling_out_46)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_47)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_54 = (float *)(own + 176192);
        memset(conv2d_1_workspace_53 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_57 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v4(input + n * 784, &rescaling_out_46[0][0][0][0], 0, 1);
            conv2d_forward_v4(rescaling_out_46, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_47, 0, 1, 0, 26);
            conv2d_1_gradients_part_v4(conv2d_linear_out_47, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_53 + task * 18496, conv2d_1_workspace_54, conv2d_1_workspace_55, conv2d_linear_out_47, 0, 1, 0);
            conv2d_weight_gradient_part_v4(rescaling_out_46, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_v4(&d_conv2d[0][0][0][0], conv2d_workspace_57 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_v4(gradients->conv2d_1_kernel, conv2d_1_workspace_53, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_v4(gradients->conv2d_1_bias, conv2d_1_workspace_53, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_v4(&gradients->conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_v4(gradients->conv2d_bias, conv2d_workspace_57, 0, 1);
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

static float run_evaluation_bytes_v4(const mnist_cnn_weights *w, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 5120);
    float *const dense_1_loss = (float *)(arena + 10240);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_v4(input + n * 784, &input_float32_out[0][0][0][0], 0, 1);
            conv2d_forward_v4(input_float32_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
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

static float run_training_bytes_v4(mnist_cnn_weights *w, mnist_cnn_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float *const d_dense_1_bias = (float *)(arena + 4727424);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    float *const d_dense_bias = (float *)(arena + 11212288);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float (*const d_conv2d_1_kernel)[288][16] = (float (*)[288][16])(arena + 1183744);
    float *const d_conv2d_1_bias = (float *)(arena + 1352832);
    float (*const d_conv2d_kernel)[9][16] = (float (*)[9][16])(arena + 1351680);
    float *const d_conv2d_bias = (float *)(arena + 1353088);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_67 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_69 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_70 = (float *)(arena);
    float *const conv2d_1_workspace_72 = (float *)(arena + 1257472);
    float *const conv2d_workspace = (float *)(arena + 1331200);
    float *const conv2d_workspace_74 = (float *)(arena + 1349632);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_v4(input + n * 784, &input_float32_out[0][0][0][0], 0, 1);
            conv2d_forward_v4(input_float32_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_v4(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, step, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_train_v4((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, step, count, task, task + 1);
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
    for (ptrdiff_t task = 0; task < 4; task++) {
        dense_1_input_gradient_v4(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, step, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v4(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_67 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v4(&d_dense_1_linear[n][0], dense_1_workspace_67 + task * 10, 0, 1);
            dense_bias_gradient_part_v4(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_v4(d_dense_1_bias, dense_1_workspace_67, 0, 1);
    dense_bias_gradient_v4(d_dense_bias, dense_workspace, 0, 1);
    dense_1_bias_update_v4(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_v4(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_69, (const float (*)[9216])conv2d_1_out, step, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v4((const float (*)[9216])conv2d_1_out, d_dropout_1, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 1536 * task / 16, 1536 * (task + 1) / 16);
    }
    dense_bias_update_v4(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_v4(w->conv2d_1_kernel, conv2d_1_workspace_72, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const input_float32_out_63)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_64)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_71 = (float *)(own + 176192);
        memset(conv2d_1_workspace_70 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_74 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_v4(input + n * 784, &input_float32_out_63[0][0][0][0], 0, 1);
            conv2d_forward_v4(input_float32_out_63, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_64, 0, 1, 0, 26);
            conv2d_1_gradients_part_v4(conv2d_linear_out_64, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_70 + task * 18496, conv2d_1_workspace_71, conv2d_1_workspace_72, conv2d_linear_out_64, 0, 1, 0);
            conv2d_weight_gradient_part_v4(input_float32_out_63, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_v4(&d_conv2d[0][0][0][0], conv2d_workspace_74 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_v4(d_conv2d_1_kernel, conv2d_1_workspace_70, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_v4(d_conv2d_1_bias, conv2d_1_workspace_70, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_v4(&d_conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_v4(d_conv2d_bias, conv2d_workspace_74, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_kernel_update_v4(&d_conv2d_1_kernel[0][0][0], &w->conv2d_1_kernel[0][0][0], &slots[0].conv2d_1_kernel[0][0][0], &slots[1].conv2d_1_kernel[0][0][0], step, 18 * task / 16, 18 * (task + 1) / 16);
    }
    conv2d_1_bias_update_v4(d_conv2d_1_bias, w->conv2d_1_bias, slots[0].conv2d_1_bias, slots[1].conv2d_1_bias, step, 0, 1);
    conv2d_kernel_update_v4(&d_conv2d_kernel[0][0][0], &w->conv2d_kernel[0][0][0], &slots[0].conv2d_kernel[0][0][0], &slots[1].conv2d_kernel[0][0][0], step, 0, 1);
    conv2d_bias_update_v4(d_conv2d_bias, w->conv2d_bias, slots[0].conv2d_bias, slots[1].conv2d_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_v4(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
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

LEVEL_v3 INLINE static inline void store_u8_i32x8(uint8_t *to, i32x8 x)
{
    *(u8x8_at *)to = __builtin_convertvector(x, u8x8);
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

/* Random bits: numbers index, index + 1, ... of the sequence `key` (random.h). */
LEVEL_v3 INLINE static inline u32x8 random_bits_f32x8(uint64_t key, uint32_t index)
{
    u32x8 x;
    for (uint32_t i = 0; i < 8; i++) x[i] = i;
    x = (x + index) ^ (uint32_t)key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = x ^ (uint32_t)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* All ones where the random bits are below `threshold` of 2^32. */
LEVEL_v3 INLINE static inline i32x8 random_below_f32x8(uint64_t key, uint32_t index, uint32_t threshold)
{
    return (i32x8)(random_bits_f32x8(key, index) < threshold);
}

LEVEL_v3 static inline void winograd4_input_line_f32x8(const f32x8 d[6], f32x8 v[6])
{
    const f32x8 a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = a + b;
    v[2] = a - b;
    v[3] = c + e;
    v[4] = c - e;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

LEVEL_v3 static inline void winograd4_output_line_f32x8(const f32x8 m[6], f32x8 y[4])
{
    const f32x8 sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
    y[0] = m[0] + sum12 + sum34;
    y[1] = difference12 + 2.0f * difference34;
    y[2] = sum12 + 4.0f * sum34;
    y[3] = difference12 + 8.0f * difference34 + m[5];
}

LEVEL_v3 static inline void winograd4_kernel_line_f32x8(const f32x8 g[3], f32x8 u[6])
{
    const f32x8 even = (g[0] + g[2]) * (-1.0f / 6), odd = g[1] * (-1.0f / 6);
    const f32x8 even2 = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), odd2 = g[1] * (1.0f / 12);
    u[0] = g[0] * 0.25f;
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[2];
}

/* Bt d B of the pixels at `from`, whose rows and pixels lie `row` and `pixel` apart; the entries go to `to`, `entry` apart. */
LEVEL_v3 static inline void winograd4_input_f32x8(const float *from, ptrdiff_t row, ptrdiff_t pixel, float *to, ptrdiff_t entry)
{
    f32x8 half[6][6]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        f32x8 d[6];
        UNROLL for (int r = 0; r < 6; r++) d[r] = load_f32x8(from + s * pixel + r * row);
        winograd4_input_line_f32x8(d, half[s]);
    }
    UNROLL for (int r = 0; r < 6; r++) {
        f32x8 d[6], v[6];
        UNROLL for (int s = 0; s < 6; s++) d[s] = half[s][r];
        winograd4_input_line_f32x8(d, v);
        UNROLL for (int s = 0; s < 6; s++) store_f32x8(to + (6 * r + s) * entry, v[s]);
    }
}

/* At m A of the entries at `from`, `entry` apart: rows of results. */
LEVEL_v3 static inline void winograd4_output_f32x8(const float *from, ptrdiff_t entry, f32x8 y[4][4])
{
    f32x8 half[6][4]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        f32x8 m[6];
        UNROLL for (int r = 0; r < 6; r++) m[r] = load_f32x8(from + (6 * r + s) * entry);
        winograd4_output_line_f32x8(m, half[s]);
    }
    UNROLL for (int r = 0; r < 4; r++) {
        f32x8 m[6];
        UNROLL for (int s = 0; s < 6; s++) m[s] = half[s][r];
        winograd4_output_line_f32x8(m, y[r]);
    }
}

/* G g Gt of a 3x3 kernel, row by row `step` apart: entries `entry` apart. */
LEVEL_v3 static inline void winograd4_kernel_f32x8(const float *from, ptrdiff_t step, float *to, ptrdiff_t entry)
{
    f32x8 half[3][6]; /* [row][column] */
    UNROLL for (int r = 0; r < 3; r++) {
        f32x8 g[3];
        UNROLL for (int s = 0; s < 3; s++) g[s] = load_f32x8(from + (3 * r + s) * step);
        winograd4_kernel_line_f32x8(g, half[r]);
    }
    UNROLL for (int s = 0; s < 6; s++) {
        const f32x8 g[3] = {half[0][s], half[1][s], half[2][s]};
        f32x8 u[6];
        winograd4_kernel_line_f32x8(g, u);
        UNROLL for (int r = 0; r < 6; r++) store_f32x8(to + (6 * r + s) * entry, u[r]);
    }
}

/* conv2d_1: G g Gt of every kernel g, for Winograd's convolution. */
LEVEL_v3 static void conv2d_1_kernel_transform_v3(const float (*kernel)[288][16], float (*u)[4][32][16], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t g = first; g < last; g++) {
        for (int c = 0; c < 32; c++) {
            for (int part = 0; part < 16; part += 8) {
                winograd4_kernel_f32x8(&kernel[g][c][part], 32 * 16, &u[0][g][c][part], 2048);
            }
        }
    }
}

static void derive_v3(mnist_cnn_weights *w)
{
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_v3(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
    }
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

/* conv2d: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 1 to 32 channels, 28 x 28 to 26 x 26. */
LEVEL_v3 static void conv2d_forward_v3(const float (*x)[28][28][1], const float (*kernel)[9][16], const float *bias, float (*y)[26][26][32], ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high)
{
    for (ptrdiff_t n = first; n < last; n++) {
        {
            for (int p = (int)low; p < (int)high; p++) {
                for (int k = 0; k < 4; k += 2) {
                    for (int q = 0; q < 24; q += 4) {
                        const f32x8 bias0 = load_f32x8(&bias[k * 8]);
                        const f32x8 bias1 = load_f32x8(&bias[(k + 1) * 8]);
                        f32x8 s0_0 = bias0; f32x8 s0_1 = bias1;
                        f32x8 s1_0 = bias0; f32x8 s1_1 = bias1;
                        f32x8 s2_0 = bias0; f32x8 s2_1 = bias1;
                        f32x8 s3_0 = bias0; f32x8 s3_1 = bias1;
                        for (int r = 0; r < 3; r++) {
                            const float *const a = &x[n][p + r][q][0];
                            const float *const b0 = &kernel[k / 2][r * 3][k % 2 * 8];
                            const float *const b1 = &kernel[(k + 1) / 2][r * 3][(k + 1) % 2 * 8];
                            {
                                const f32x8 w0 = load_f32x8(b0); const f32x8 w1 = load_f32x8(b1);
                                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
                            }
                            {
                                const f32x8 w0 = load_f32x8(b0 + 16); const f32x8 w1 = load_f32x8(b1 + 16);
                                s0_0 += a[1] * w0; s0_1 += a[1] * w1;
                                s1_0 += a[2] * w0; s1_1 += a[2] * w1;
                                s2_0 += a[3] * w0; s2_1 += a[3] * w1;
                                s3_0 += a[4] * w0; s3_1 += a[4] * w1;
                            }
                            {
                                const f32x8 w0 = load_f32x8(b0 + 32); const f32x8 w1 = load_f32x8(b1 + 32);
                                s0_0 += a[2] * w0; s0_1 += a[2] * w1;
                                s1_0 += a[3] * w0; s1_1 += a[3] * w1;
                                s2_0 += a[4] * w0; s2_1 += a[4] * w1;
                                s3_0 += a[5] * w0; s3_1 += a[5] * w1;
                            }
                        }
                        s0_0 = max_f32x8((f32x8){0}, s0_0);
                        store_f32x8(&y[n][p][q][k * 8], s0_0);
                        s0_1 = max_f32x8((f32x8){0}, s0_1);
                        store_f32x8(&y[n][p][q][(k + 1) * 8], s0_1);
                        s1_0 = max_f32x8((f32x8){0}, s1_0);
                        store_f32x8(&y[n][p][q + 1][k * 8], s1_0);
                        s1_1 = max_f32x8((f32x8){0}, s1_1);
                        store_f32x8(&y[n][p][q + 1][(k + 1) * 8], s1_1);
                        s2_0 = max_f32x8((f32x8){0}, s2_0);
                        store_f32x8(&y[n][p][q + 2][k * 8], s2_0);
                        s2_1 = max_f32x8((f32x8){0}, s2_1);
                        store_f32x8(&y[n][p][q + 2][(k + 1) * 8], s2_1);
                        s3_0 = max_f32x8((f32x8){0}, s3_0);
                        store_f32x8(&y[n][p][q + 3][k * 8], s3_0);
                        s3_1 = max_f32x8((f32x8){0}, s3_1);
                        store_f32x8(&y[n][p][q + 3][(k + 1) * 8], s3_1);
                    }
                    {
                        const int q = 24;
                        const f32x8 bias0 = load_f32x8(&bias[k * 8]);
                        const f32x8 bias1 = load_f32x8(&bias[(k + 1) * 8]);
                        f32x8 s0_0 = bias0; f32x8 s0_1 = bias1;
                        f32x8 s1_0 = bias0; f32x8 s1_1 = bias1;
                        for (int r = 0; r < 3; r++) {
                            const float *const a = &x[n][p + r][q][0];
                            const float *const b0 = &kernel[k / 2][r * 3][k % 2 * 8];
                            const float *const b1 = &kernel[(k + 1) / 2][r * 3][(k + 1) % 2 * 8];
                            {
                                const f32x8 w0 = load_f32x8(b0); const f32x8 w1 = load_f32x8(b1);
                                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                            }
                            {
                                const f32x8 w0 = load_f32x8(b0 + 16); const f32x8 w1 = load_f32x8(b1 + 16);
                                s0_0 += a[1] * w0; s0_1 += a[1] * w1;
                                s1_0 += a[2] * w0; s1_1 += a[2] * w1;
                            }
                            {
                                const f32x8 w0 = load_f32x8(b0 + 32); const f32x8 w1 = load_f32x8(b1 + 32);
                                s0_0 += a[2] * w0; s0_1 += a[2] * w1;
                                s1_0 += a[3] * w0; s1_1 += a[3] * w1;
                            }
                        }
                        s0_0 = max_f32x8((f32x8){0}, s0_0);
                        store_f32x8(&y[n][p][q][k * 8], s0_0);
                        s0_1 = max_f32x8((f32x8){0}, s0_1);
                        store_f32x8(&y[n][p][q][(k + 1) * 8], s0_1);
                        s1_0 = max_f32x8((f32x8){0}, s1_0);
                        store_f32x8(&y[n][p][q + 1][k * 8], s1_0);
                        s1_1 = max_f32x8((f32x8){0}, s1_1);
                        store_f32x8(&y[n][p][q + 1][(k + 1) * 8], s1_1);
                    }
                }
            }
        }
    }
}

/* conv2d_1: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 32 to 64 channels, 26 x 26 to 24 x 24. */
LEVEL_v3 static void conv2d_1_forward_v3(const float (*x)[26][26][32], const float *bias, const float (*kernel_winograd4)[4][32][16], float (*y)[12][12][64], float *work, ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high, ptrdiff_t task)
{
    float (*const v)[6][32] = (float (*)[6][32])(work + task * 20736);
    float (*const m)[6][64] = (float (*)[6][64])(work + task * 20736 + 6912);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int i = (int)low * 1; i < (int)high * 1; i += 1) {
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 32; k += 8) {
                        winograd4_input_f32x8(&x[n][4 * (i + b)][4 * j][k], 26 * 32, 32, &v[0][b * 6 + j][k], 6 * 32);
                    }
                }
            }
            for (int entry = 0; entry < 36; entry++) {
                for (int k = 0; k < 8; k += 2) {
                    const float *const b0 = &kernel_winograd4[entry][k / 2][0][k % 2 * 8];
                    const float *const b1 = &kernel_winograd4[entry][(k + 1) / 2][0][(k + 1) % 2 * 8];
                    for (int t = 0; t < 6; t += 6) {
                        const float *const a = &v[entry][t][0];
                        f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
                        f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
                        f32x8 s2_0 = {0}; f32x8 s2_1 = {0};
                        f32x8 s3_0 = {0}; f32x8 s3_1 = {0};
                        f32x8 s4_0 = {0}; f32x8 s4_1 = {0};
                        f32x8 s5_0 = {0}; f32x8 s5_1 = {0};
                        for (int c = 0; c < 32; c++) {
                            const f32x8 w0 = load_f32x8(b0 + c * 16); const f32x8 w1 = load_f32x8(b1 + c * 16);
                            s0_0 += a[c] * w0; s0_1 += a[c] * w1;
                            s1_0 += a[c + 32] * w0; s1_1 += a[c + 32] * w1;
                            s2_0 += a[c + 64] * w0; s2_1 += a[c + 64] * w1;
                            s3_0 += a[c + 96] * w0; s3_1 += a[c + 96] * w1;
                            s4_0 += a[c + 128] * w0; s4_1 += a[c + 128] * w1;
                            s5_0 += a[c + 160] * w0; s5_1 += a[c + 160] * w1;
                        }
                        store_f32x8(&m[entry][t][k * 8], s0_0);
                        store_f32x8(&m[entry][t][(k + 1) * 8], s0_1);
                        store_f32x8(&m[entry][t + 1][k * 8], s1_0);
                        store_f32x8(&m[entry][t + 1][(k + 1) * 8], s1_1);
                        store_f32x8(&m[entry][t + 2][k * 8], s2_0);
                        store_f32x8(&m[entry][t + 2][(k + 1) * 8], s2_1);
                        store_f32x8(&m[entry][t + 3][k * 8], s3_0);
                        store_f32x8(&m[entry][t + 3][(k + 1) * 8], s3_1);
                        store_f32x8(&m[entry][t + 4][k * 8], s4_0);
                        store_f32x8(&m[entry][t + 4][(k + 1) * 8], s4_1);
                        store_f32x8(&m[entry][t + 5][k * 8], s5_0);
                        store_f32x8(&m[entry][t + 5][(k + 1) * 8], s5_1);
                    }
                }
            }
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 64; k += 8) {
                        f32x8 d[4][4];
                        winograd4_output_f32x8(&m[0][b * 6 + j][k], 6 * 64, d);
                        UNROLL for (int r = 0; r < 4; r += 2) {
                            UNROLL for (int s = 0; s < 4; s += 2) {
                                const int p = (4 * (i + b) + r) / 2, q = (4 * j + s) / 2;
                                f32x8 sum = d[r][s];
                                sum = max_f32x8(d[r][s + 1], sum);
                                sum = max_f32x8(d[r + 1][s], sum);
                                sum = max_f32x8(d[r + 1][s + 1], sum);
                                sum += load_f32x8(&bias[k]);
                                sum = max_f32x8((f32x8){0}, sum);
                                store_f32x8(&y[n][p][q][k], sum);
                            }
                        }
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
LEVEL_v3 static void dense_forward_v3(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 4;
        const float *const a = x[0];
        const float *const b0 = &kernel[k / 2][0][k % 2 * 8];
        const float *const b1 = &kernel[(k + 1) / 2][0][(k + 1) % 2 * 8];
        const float *const b2 = &kernel[(k + 2) / 2][0][(k + 2) % 2 * 8];
        const float *const b3 = &kernel[(k + 3) / 2][0][(k + 3) % 2 * 8];
        f32x8 s0_0 = {0}; f32x8 s0_1 = {0}; f32x8 s0_2 = {0}; f32x8 s0_3 = {0};
        f32x8 s1_0 = {0}; f32x8 s1_1 = {0}; f32x8 s1_2 = {0}; f32x8 s1_3 = {0};
        for (int i = 0; i < 9216; i += 64) {
            const int end = 9216 - i < 64 ? 9216 - i : 64;
            uint64_t found = 0;
            for (int j = 0; j < end; j += 8)
                found |= (uint64_t)bits_i32x8(load_f32x8(a + i + j) != 0.0f) << j;
            int rows[66], listed = 0;
            float factors[66];
            for (uint64_t left = found; left; left &= left - 1) {
                rows[listed] = i + __builtin_ctzll(left);
                factors[listed] = a[rows[listed]];
                listed++;
            }
            for (int t = 0; t < 2; t++) rows[listed + t] = i, factors[listed + t] = 0;
            for (int r = 0; r < listed; r += 2) {
                s0_0 += factors[r] * load_f32x8(b0 + rows[r] * 16);
                s0_1 += factors[r] * load_f32x8(b1 + rows[r] * 16);
                s0_2 += factors[r] * load_f32x8(b2 + rows[r] * 16);
                s0_3 += factors[r] * load_f32x8(b3 + rows[r] * 16);
                s1_0 += factors[r + 1] * load_f32x8(b0 + rows[r + 1] * 16);
                s1_1 += factors[r + 1] * load_f32x8(b1 + rows[r + 1] * 16);
                s1_2 += factors[r + 1] * load_f32x8(b2 + rows[r + 1] * 16);
                s1_3 += factors[r + 1] * load_f32x8(b3 + rows[r + 1] * 16);
            }
        }
        s0_0 += s1_0;
        s0_1 += s1_1;
        s0_2 += s1_2;
        s0_3 += s1_3;
        s0_0 += load_f32x8(&bias[k * 8]);
        s0_1 += load_f32x8(&bias[(k + 1) * 8]);
        s0_2 += load_f32x8(&bias[(k + 2) * 8]);
        s0_3 += load_f32x8(&bias[(k + 3) * 8]);
        s0_0 = max_f32x8((f32x8){0}, s0_0);
        store_f32x8(&y[0][k * 8], s0_0);
        s0_1 = max_f32x8((f32x8){0}, s0_1);
        store_f32x8(&y[0][(k + 1) * 8], s0_1);
        s0_2 = max_f32x8((f32x8){0}, s0_2);
        store_f32x8(&y[0][(k + 2) * 8], s0_2);
        s0_3 = max_f32x8((f32x8){0}, s0_3);
        store_f32x8(&y[0][(k + 3) * 8], s0_3);
    }
}

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 128 inputs, 10 outputs. */
LEVEL_v3 static void dense_1_forward_v3(const float (*x)[128], const float (*kernel)[128][16], const float *bias, float (*y)[10], ptrdiff_t first, ptrdiff_t last)
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
            for (int i = 0; i < 128; i += 64) {
                const int end = 128 - i < 64 ? 128 - i : 64;
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
            for (int i = 0; i < 128; i += 64) {
                const int end = 128 - i < 64 ? 128 - i : 64;
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

static void run_single_v3(const mnist_cnn_weights *w, const float *input, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(arena + 497664);
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena + 584192);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 512);
    float *const conv2d_1_workspace = (float *)(arena);
    rescaling_forward_v3(input, &rescaling_out[0][0][0][0], 0, 1);
    if (ONE_THREAD) {
        conv2d_forward_v3(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
        conv2d_1_forward_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out, conv2d_1_workspace, 0, 1, 0, 6, 0);
        dense_forward_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, 0, 4);
    } else {
        PARALLEL {
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 16; task++) {
                conv2d_forward_v3(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 26 * task / 16, 26 * (task + 1) / 16);
            }
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 6; task++) {
                conv2d_1_forward_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out, conv2d_1_workspace, 0, 1, task, task + 1, task);
            }
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 4; task++) {
                dense_forward_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, task, task + 1);
            }
        }
    }
    dense_1_forward_v3(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, 0, 2);
    dense_1_softmax_forward_v3(&dense_1_linear_out[0][0], output, 0, 1);
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
LEVEL_v3 static void dense_forward_batch_v3(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 2;
        const ptrdiff_t from = 0, to = count * 1;
        for (int i = 0; i < 9216; i += 256) {
            const int end = 9216 - i < 256 ? 9216 - i : 256;
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
                    s1_0 += a[j + 9216] * w0; s1_1 += a[j + 9216] * w1;
                    s2_0 += a[j + 18432] * w0; s2_1 += a[j + 18432] * w1;
                    s3_0 += a[j + 27648] * w0; s3_1 += a[j + 27648] * w1;
                }
                if (i + end < 9216) {
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
                if (i + end < 9216) {
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

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 128 inputs, 10 outputs. */
LEVEL_v3 static void dense_1_forward_batch_v3(const float (*x)[128], const float (*kernel)[128][16], const float *bias, float (*y)[10], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t tiles = (count + 1) / 2, chunk = part % 8;
        const ptrdiff_t from = tiles * chunk / 8 * 2, next = tiles * (chunk + 1) / 8 * 2;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        ptrdiff_t m = from;
        for (; m + 2 <= to; m += 2) {
            const float *const a = &x[m][0];
            f32x8 s0_0 = load_f32x8(&bias[0]);
            f32x8 s0_1 = load_part_f32x8(&bias[8], 2);
            f32x8 s1_0 = load_f32x8(&bias[0]);
            f32x8 s1_1 = load_part_f32x8(&bias[8], 2);
            const float *const b0 = &kernel[0][0][0];
            const float *const b1 = &kernel[0][0][8];
            for (int j = 0; j < 128; j++) {
                const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16);
                s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                s1_0 += a[j + 128] * w0; s1_1 += a[j + 128] * w1;
            }
            store_f32x8(&y[m][0], s0_0);
            store_part_f32x8(&y[m][8], s0_1, 2);
            store_f32x8(&y[m + 1][0], s1_0);
            store_part_f32x8(&y[m + 1][8], s1_1, 2);
        }
        for (; m < to; m++) {
            const float *const a = &x[m][0];
            f32x8 s0_0 = load_f32x8(&bias[0]);
            f32x8 s0_1 = load_part_f32x8(&bias[8], 2);
            const float *const b0 = &kernel[0][0][0];
            const float *const b1 = &kernel[0][0][8];
            for (int j = 0; j < 128; j++) {
                const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16);
                s0_0 += a[j] * w0; s0_1 += a[j] * w1;
            }
            store_f32x8(&y[m][0], s0_0);
            store_part_f32x8(&y[m][8], s0_1, 2);
        }
    }
}

static void run_batch_v3(const mnist_cnn_weights *w, const float *input, float *output, ptrdiff_t count, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v3(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v3(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
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

static float run_evaluation_v3(const mnist_cnn_weights *w, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 5120);
    float *const dense_1_loss = (float *)(arena + 10240);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v3(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v3(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
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

/* conv2d_1: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 32 to 64 channels, 26 x 26 to 24 x 24. */
LEVEL_v3 static void conv2d_1_forward_train_v3(const float (*x)[26][26][32], const float *bias, const float (*kernel_winograd4)[4][32][16], float (*y)[12][12][64], uint8_t (*selected)[12][12][64], float *work, const Step *step, ptrdiff_t origin, ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high, ptrdiff_t task)
{
    const uint64_t key5 = step ? random_key(step_key(step), 5u) : 0;
    const uint32_t threshold5 = step ? 1073741824u : 0;
    const float scale5 = step ? 1.3333334f : 1.0f;
    float (*const v)[6][32] = (float (*)[6][32])(work + task * 20736);
    float (*const m)[6][64] = (float (*)[6][64])(work + task * 20736 + 6912);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int i = (int)low * 1; i < (int)high * 1; i += 1) {
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 32; k += 8) {
                        winograd4_input_f32x8(&x[n][4 * (i + b)][4 * j][k], 26 * 32, 32, &v[0][b * 6 + j][k], 6 * 32);
                    }
                }
            }
            for (int entry = 0; entry < 36; entry++) {
                for (int k = 0; k < 8; k += 2) {
                    const float *const b0 = &kernel_winograd4[entry][k / 2][0][k % 2 * 8];
                    const float *const b1 = &kernel_winograd4[entry][(k + 1) / 2][0][(k + 1) % 2 * 8];
                    for (int t = 0; t < 6; t += 6) {
                        const float *const a = &v[entry][t][0];
                        f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
                        f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
                        f32x8 s2_0 = {0}; f32x8 s2_1 = {0};
                        f32x8 s3_0 = {0}; f32x8 s3_1 = {0};
                        f32x8 s4_0 = {0}; f32x8 s4_1 = {0};
                        f32x8 s5_0 = {0}; f32x8 s5_1 = {0};
                        for (int c = 0; c < 32; c++) {
                            const f32x8 w0 = load_f32x8(b0 + c * 16); const f32x8 w1 = load_f32x8(b1 + c * 16);
                            s0_0 += a[c] * w0; s0_1 += a[c] * w1;
                            s1_0 += a[c + 32] * w0; s1_1 += a[c + 32] * w1;
                            s2_0 += a[c + 64] * w0; s2_1 += a[c + 64] * w1;
                            s3_0 += a[c + 96] * w0; s3_1 += a[c + 96] * w1;
                            s4_0 += a[c + 128] * w0; s4_1 += a[c + 128] * w1;
                            s5_0 += a[c + 160] * w0; s5_1 += a[c + 160] * w1;
                        }
                        store_f32x8(&m[entry][t][k * 8], s0_0);
                        store_f32x8(&m[entry][t][(k + 1) * 8], s0_1);
                        store_f32x8(&m[entry][t + 1][k * 8], s1_0);
                        store_f32x8(&m[entry][t + 1][(k + 1) * 8], s1_1);
                        store_f32x8(&m[entry][t + 2][k * 8], s2_0);
                        store_f32x8(&m[entry][t + 2][(k + 1) * 8], s2_1);
                        store_f32x8(&m[entry][t + 3][k * 8], s3_0);
                        store_f32x8(&m[entry][t + 3][(k + 1) * 8], s3_1);
                        store_f32x8(&m[entry][t + 4][k * 8], s4_0);
                        store_f32x8(&m[entry][t + 4][(k + 1) * 8], s4_1);
                        store_f32x8(&m[entry][t + 5][k * 8], s5_0);
                        store_f32x8(&m[entry][t + 5][(k + 1) * 8], s5_1);
                    }
                }
            }
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 64; k += 8) {
                        f32x8 d[4][4];
                        winograd4_output_f32x8(&m[0][b * 6 + j][k], 6 * 64, d);
                        UNROLL for (int r = 0; r < 4; r += 2) {
                            UNROLL for (int s = 0; s < 4; s += 2) {
                                const int p = (4 * (i + b) + r) / 2, q = (4 * j + s) / 2;
                                f32x8 sum = d[r][s];
                                i32x8 place = {0}, larger;
                                larger = d[r][s + 1] > sum;
                                place = (larger & 1) | (~larger & place);
                                sum = max_f32x8(d[r][s + 1], sum);
                                larger = d[r + 1][s] > sum;
                                place = (larger & 2) | (~larger & place);
                                sum = max_f32x8(d[r + 1][s], sum);
                                larger = d[r + 1][s + 1] > sum;
                                place = (larger & 3) | (~larger & place);
                                sum = max_f32x8(d[r + 1][s + 1], sum);
                                store_u8_i32x8(&selected[n][p][q][k], place);
                                sum += load_f32x8(&bias[k]);
                                sum = max_f32x8((f32x8){0}, sum);
                                sum = keep_f32x8(~random_below_f32x8(key5, (uint32_t)(origin * 9216) + (uint32_t)(((n * 12 + p) * 12 + q) * 64 + k), threshold5), sum * scale5);
                                store_f32x8(&y[n][p][q][k], sum);
                            }
                        }
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
LEVEL_v3 static void dense_forward_train_v3(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t key8 = step ? random_key(step_key(step), 8u) : 0;
    const uint32_t threshold8 = step ? 2147483648u : 0;
    const float scale8 = step ? 2.0f : 1.0f;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part / 4 * 8;
        const ptrdiff_t tiles = (count) / 1, chunk = part % 4;
        const ptrdiff_t from = tiles * chunk / 4 * 1, next = tiles * (chunk + 1) / 4 * 1;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        for (int i = 0; i < 9216; i += 64) {
            const int end = 9216 - i < 64 ? 9216 - i : 64;
            ptrdiff_t m = from;
            for (; m < to; m++) {
                const float *const a = &x[m][i];
                f32x8 s0_0 = i ? load_f32x8(&y[m][k * 8]) : load_f32x8(&bias[k * 8]);
                f32x8 s0_1 = i ? load_f32x8(&y[m][(k + 1) * 8]) : load_f32x8(&bias[(k + 1) * 8]);
                f32x8 s0_2 = i ? load_f32x8(&y[m][(k + 2) * 8]) : load_f32x8(&bias[(k + 2) * 8]);
                f32x8 s0_3 = i ? load_f32x8(&y[m][(k + 3) * 8]) : load_f32x8(&bias[(k + 3) * 8]);
                f32x8 s0_4 = i ? load_f32x8(&y[m][(k + 4) * 8]) : load_f32x8(&bias[(k + 4) * 8]);
                f32x8 s0_5 = i ? load_f32x8(&y[m][(k + 5) * 8]) : load_f32x8(&bias[(k + 5) * 8]);
                f32x8 s0_6 = i ? load_f32x8(&y[m][(k + 6) * 8]) : load_f32x8(&bias[(k + 6) * 8]);
                f32x8 s0_7 = i ? load_f32x8(&y[m][(k + 7) * 8]) : load_f32x8(&bias[(k + 7) * 8]);
                const float *const b0 = &kernel[k / 2][i][k % 2 * 8];
                const float *const b1 = &kernel[(k + 1) / 2][i][(k + 1) % 2 * 8];
                const float *const b2 = &kernel[(k + 2) / 2][i][(k + 2) % 2 * 8];
                const float *const b3 = &kernel[(k + 3) / 2][i][(k + 3) % 2 * 8];
                const float *const b4 = &kernel[(k + 4) / 2][i][(k + 4) % 2 * 8];
                const float *const b5 = &kernel[(k + 5) / 2][i][(k + 5) % 2 * 8];
                const float *const b6 = &kernel[(k + 6) / 2][i][(k + 6) % 2 * 8];
                const float *const b7 = &kernel[(k + 7) / 2][i][(k + 7) % 2 * 8];
                const float *const ahead = a + (m + 4 < to ? 4 * 9216 : 0);
                for (int j = 0; j < end; j += 16) __builtin_prefetch(ahead + j);
                uint64_t found = 0;
                for (int j = 0; j < end; j += 8)
                    found |= (uint64_t)bits_i32x8(load_f32x8(a + j) != 0.0f) << j;
                for (uint64_t left = found; left; left &= left - 1) {
                    const int j = __builtin_ctzll(left);
                    const f32x8 w0 = load_f32x8(b0 + j * 16); const f32x8 w1 = load_f32x8(b1 + j * 16); const f32x8 w2 = load_f32x8(b2 + j * 16); const f32x8 w3 = load_f32x8(b3 + j * 16); const f32x8 w4 = load_f32x8(b4 + j * 16); const f32x8 w5 = load_f32x8(b5 + j * 16); const f32x8 w6 = load_f32x8(b6 + j * 16); const f32x8 w7 = load_f32x8(b7 + j * 16);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7;
                }
                if (i + end < 9216) {
                    store_f32x8(&y[m][k * 8], s0_0);
                    store_f32x8(&y[m][(k + 1) * 8], s0_1);
                    store_f32x8(&y[m][(k + 2) * 8], s0_2);
                    store_f32x8(&y[m][(k + 3) * 8], s0_3);
                    store_f32x8(&y[m][(k + 4) * 8], s0_4);
                    store_f32x8(&y[m][(k + 5) * 8], s0_5);
                    store_f32x8(&y[m][(k + 6) * 8], s0_6);
                    store_f32x8(&y[m][(k + 7) * 8], s0_7);
                } else {
                    s0_0 = max_f32x8((f32x8){0}, s0_0);
                    s0_0 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + k * 8), threshold8), s0_0 * scale8);
                    store_f32x8(&y[m][k * 8], s0_0);
                    s0_1 = max_f32x8((f32x8){0}, s0_1);
                    s0_1 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + (k + 1) * 8), threshold8), s0_1 * scale8);
                    store_f32x8(&y[m][(k + 1) * 8], s0_1);
                    s0_2 = max_f32x8((f32x8){0}, s0_2);
                    s0_2 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + (k + 2) * 8), threshold8), s0_2 * scale8);
                    store_f32x8(&y[m][(k + 2) * 8], s0_2);
                    s0_3 = max_f32x8((f32x8){0}, s0_3);
                    s0_3 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + (k + 3) * 8), threshold8), s0_3 * scale8);
                    store_f32x8(&y[m][(k + 3) * 8], s0_3);
                    s0_4 = max_f32x8((f32x8){0}, s0_4);
                    s0_4 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + (k + 4) * 8), threshold8), s0_4 * scale8);
                    store_f32x8(&y[m][(k + 4) * 8], s0_4);
                    s0_5 = max_f32x8((f32x8){0}, s0_5);
                    s0_5 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + (k + 5) * 8), threshold8), s0_5 * scale8);
                    store_f32x8(&y[m][(k + 5) * 8], s0_5);
                    s0_6 = max_f32x8((f32x8){0}, s0_6);
                    s0_6 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + (k + 6) * 8), threshold8), s0_6 * scale8);
                    store_f32x8(&y[m][(k + 6) * 8], s0_6);
                    s0_7 = max_f32x8((f32x8){0}, s0_7);
                    s0_7 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + (k + 7) * 8), threshold8), s0_7 * scale8);
                    store_f32x8(&y[m][(k + 7) * 8], s0_7);
                }
            }
        }
    }
}

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
LEVEL_v3 static void dense_1_input_gradient_v3(const float (*d_y)[10], const float (*kernel)[128][16], float (*d_x)[128], float *work, const float (*e0)[128], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    const uint64_t key8 = step ? random_key(step_key(step), 8u) : 0;
    const uint32_t threshold8 = step ? 2147483648u : 0;
    const float scale8 = step ? 2.0f : 1.0f;
    float (*const turned)[16] = (float (*)[16])(work + task * 256);
    const ptrdiff_t from = 0, to = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 16;
        const ptrdiff_t next = part + 1 < 8 ? i + 16 : 0;
        for (int p = 0; p < 1; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 16; r += 4) transpose4_f32x8(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 16);
            }
        }
        ptrdiff_t m = from;
        for (; m + 2 <= to; m += 2) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 2; t++) {
                for (int at = 0; at < 16; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 16; line++) __builtin_prefetch(kernel[line / 16][next + line % 16], 0);
                for (int j = 10 * t / 2; j < 10 * (t + 1) / 2; j++) {
                    const f32x8 w0 = load_f32x8(turned[j] + 0 * 8); const f32x8 w1 = load_f32x8(turned[j] + 1 * 8);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    s1_0 += a[j + 10] * w0; s1_1 += a[j + 10] * w1;
                }
            }
            s0_0 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + i), threshold8), s0_0 * scale8);
            s0_0 = keep_f32x8(load_f32x8(&e0[m][i]) > 0.0f, s0_0);
            store_f32x8(&d_x[m][i], s0_0);
            s0_1 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + i + 8), threshold8), s0_1 * scale8);
            s0_1 = keep_f32x8(load_f32x8(&e0[m][i + 8]) > 0.0f, s0_1);
            store_f32x8(&d_x[m][i + 8], s0_1);
            s1_0 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)((m + 1) * 128 + i), threshold8), s1_0 * scale8);
            s1_0 = keep_f32x8(load_f32x8(&e0[m + 1][i]) > 0.0f, s1_0);
            store_f32x8(&d_x[m + 1][i], s1_0);
            s1_1 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)((m + 1) * 128 + i + 8), threshold8), s1_1 * scale8);
            s1_1 = keep_f32x8(load_f32x8(&e0[m + 1][i + 8]) > 0.0f, s1_1);
            store_f32x8(&d_x[m + 1][i + 8], s1_1);
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
            s0_0 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + i), threshold8), s0_0 * scale8);
            s0_0 = keep_f32x8(load_f32x8(&e0[m][i]) > 0.0f, s0_0);
            store_f32x8(&d_x[m][i], s0_0);
            s0_1 = keep_f32x8(~random_below_f32x8(key8, (uint32_t)(m * 128 + i + 8), threshold8), s0_1 * scale8);
            s0_1 = keep_f32x8(load_f32x8(&e0[m][i + 8]) > 0.0f, s0_1);
            store_f32x8(&d_x[m][i + 8], s0_1);
        }
    }
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_1_weight_gradient_v3(const float (*x)[128], const float (*d_y)[10], float (*w)[128][16], float (*slot0)[128][16], float (*slot1)[128][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 2;
        {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            for (int t = 0; t < 2; t++) {
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
            }
            const f32x8 sums[2][2] = {
                {s0_0, s0_1},
                {s1_0, s1_1},
            };
            for (int q = 0; q < 2; q++) {
                for (int t = 0; t < 2; t++) {
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
    for (int k = 0; k < 16; k += 8) {
        f32x8 s0_0 = load_f32x8(&shards[k * 8]);
        f32x8 s0_1 = load_f32x8(&shards[(k + 1) * 8]);
        f32x8 s0_2 = load_f32x8(&shards[(k + 2) * 8]);
        f32x8 s0_3 = load_f32x8(&shards[(k + 3) * 8]);
        f32x8 s0_4 = load_f32x8(&shards[(k + 4) * 8]);
        f32x8 s0_5 = load_f32x8(&shards[(k + 5) * 8]);
        f32x8 s0_6 = load_f32x8(&shards[(k + 6) * 8]);
        f32x8 s0_7 = load_f32x8(&shards[(k + 7) * 8]);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x8(&d_y[m * 128 + k * 8]);
            s0_1 += load_f32x8(&d_y[m * 128 + (k + 1) * 8]);
            s0_2 += load_f32x8(&d_y[m * 128 + (k + 2) * 8]);
            s0_3 += load_f32x8(&d_y[m * 128 + (k + 3) * 8]);
            s0_4 += load_f32x8(&d_y[m * 128 + (k + 4) * 8]);
            s0_5 += load_f32x8(&d_y[m * 128 + (k + 5) * 8]);
            s0_6 += load_f32x8(&d_y[m * 128 + (k + 6) * 8]);
            s0_7 += load_f32x8(&d_y[m * 128 + (k + 7) * 8]);
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
    const ptrdiff_t end = last * 256 < 128 ? last * 256 : 128;
    ptrdiff_t i = first * 256;
    for (; i + 8 <= end; i += 8) {
        f32x8 sum = load_f32x8(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x8(&shards[s * 128 + i]);
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

/* dense: d_x[i] = sum over o of d_y[o] kernel[i][o]. */
LEVEL_v3 static void dense_input_gradient_v3(const float (*d_y)[128], const float (*kernel)[9216][16], float (*d_x)[9216], float *work, const float (*e0)[9216], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    const uint64_t key5 = step ? random_key(step_key(step), 5u) : 0;
    const uint32_t threshold5 = step ? 1073741824u : 0;
    const float scale5 = step ? 1.3333334f : 1.0f;
    float (*const turned)[48] = (float (*)[48])(work + task * 6144);
    const ptrdiff_t from = 0, to = count * 1;
    uint64_t found[128][2];
    memset(found, 0, sizeof found);
    for (ptrdiff_t m = from; m < to; m++) {
        for (int o = 0; o < 128; o += 8) found[m][o / 64] |= (uint64_t)bits_i32x8(load_f32x8(&d_y[m][o]) != 0.0f) << o % 64;
    }
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 48;
        const ptrdiff_t next = part + 1 < 192 ? i + 48 : 0;
        for (int p = 0; p < 8; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 48; r += 4) transpose4_f32x8(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 48);
            }
        }
        ptrdiff_t m = from;
        for (; m < to; m++) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0}; f32x8 s0_2 = {0}; f32x8 s0_3 = {0}; f32x8 s0_4 = {0}; f32x8 s0_5 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 48; at += 16) {
                    __builtin_prefetch(&d_x[(m + 4 < to ? m + 4 : m)][i + at], 1);
                    __builtin_prefetch(&e0[(m + 4 < to ? m + 4 : m)][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 3; line < (m + t + 1) * 3 && line < 8 * 48; line++) __builtin_prefetch(kernel[line / 48][next + line % 48], 0);
                for (int word = 0; word < 2; word++) {
                    for (uint64_t left = found[m][word]; left; left &= left - 1) {
                        const int j = word * 64 + __builtin_ctzll(left);
                        const f32x8 w0 = load_f32x8(turned[j] + 0 * 8); const f32x8 w1 = load_f32x8(turned[j] + 1 * 8); const f32x8 w2 = load_f32x8(turned[j] + 2 * 8); const f32x8 w3 = load_f32x8(turned[j] + 3 * 8); const f32x8 w4 = load_f32x8(turned[j] + 4 * 8); const f32x8 w5 = load_f32x8(turned[j] + 5 * 8);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5;
                    }
                }
            }
            s0_0 = keep_f32x8(~random_below_f32x8(key5, (uint32_t)(m * 9216 + i), threshold5), s0_0 * scale5);
            s0_0 = keep_f32x8(load_f32x8(&e0[m][i]) > 0.0f, s0_0);
            store_f32x8(&d_x[m][i], s0_0);
            s0_1 = keep_f32x8(~random_below_f32x8(key5, (uint32_t)(m * 9216 + i + 8), threshold5), s0_1 * scale5);
            s0_1 = keep_f32x8(load_f32x8(&e0[m][i + 8]) > 0.0f, s0_1);
            store_f32x8(&d_x[m][i + 8], s0_1);
            s0_2 = keep_f32x8(~random_below_f32x8(key5, (uint32_t)(m * 9216 + i + 16), threshold5), s0_2 * scale5);
            s0_2 = keep_f32x8(load_f32x8(&e0[m][i + 16]) > 0.0f, s0_2);
            store_f32x8(&d_x[m][i + 16], s0_2);
            s0_3 = keep_f32x8(~random_below_f32x8(key5, (uint32_t)(m * 9216 + i + 24), threshold5), s0_3 * scale5);
            s0_3 = keep_f32x8(load_f32x8(&e0[m][i + 24]) > 0.0f, s0_3);
            store_f32x8(&d_x[m][i + 24], s0_3);
            s0_4 = keep_f32x8(~random_below_f32x8(key5, (uint32_t)(m * 9216 + i + 32), threshold5), s0_4 * scale5);
            s0_4 = keep_f32x8(load_f32x8(&e0[m][i + 32]) > 0.0f, s0_4);
            store_f32x8(&d_x[m][i + 32], s0_4);
            s0_5 = keep_f32x8(~random_below_f32x8(key5, (uint32_t)(m * 9216 + i + 40), threshold5), s0_5 * scale5);
            s0_5 = keep_f32x8(load_f32x8(&e0[m][i + 40]) > 0.0f, s0_5);
            store_f32x8(&d_x[m][i + 40], s0_5);
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_weight_gradient_v3(const float (*x)[9216], const float (*d_y)[128], float (*w)[9216][16], float (*slot0)[9216][16], float (*slot1)[9216][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 6;
        for (int k = 0; k < 16; k += 2) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            f32x8 s2_0 = {0}; f32x8 s2_1 = {0};
            f32x8 s3_0 = {0}; f32x8 s3_1 = {0};
            f32x8 s4_0 = {0}; f32x8 s4_1 = {0};
            f32x8 s5_0 = {0}; f32x8 s5_1 = {0};
            for (int t = 0; t < 6; t++) {
                __builtin_prefetch(w[k / 2][i + t], 1);
                __builtin_prefetch(slot0[k / 2][i + t], 1);
                __builtin_prefetch(slot1[k / 2][i + t], 1);
            }
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d + k * 8);
                const f32x8 d1 = load_f32x8(d + (k + 1) * 8);
                const f32x8 w0 = d0; const f32x8 w1 = d1;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
                s4_0 += a[4] * w0; s4_1 += a[4] * w1;
                s5_0 += a[5] * w0; s5_1 += a[5] * w1;
            }
            const f32x8 sums[6][2] = {
                {s0_0, s0_1},
                {s1_0, s1_1},
                {s2_0, s2_1},
                {s3_0, s3_1},
                {s4_0, s4_1},
                {s5_0, s5_1},
            };
            for (int q = 0; q < 2; q++) {
                for (int t = 0; t < 6; t++) {
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
    }
}

/* dense/bias: one step of adam on dense/bias. */
LEVEL_v3 static void dense_bias_update_v3(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 128 ? last * 1024 : 128;
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

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v3 static void conv2d_1_transpose_v3(const float (*kernel)[288][16], float *turned, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t g = first; g < last; g++) {
        for (int r = 0; r < 3; r++) {
            for (int part = 0; part < 1; part++) {
                for (int k = 0; k < 16; k++) {
                    float *const to = turned + ((r + part) * 64 + g * 16 + k) * (96);
                    for (int s = 0; s < 3; s++) {
                        for (int i = 0; i < 32; i++) to[s * 32 + i] = kernel[g][(r * 3 + s) * 32 + part * 32 + i][k];
                    }
                }
            }
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v3 static void conv2d_1_gradients_part_v3(const float (*x)[26][26][32], const float (*d_y)[12][12][64], const uint8_t (*selected)[12][12][64], float (*d_x)[26][26][32], float *shards, float *tiles, float *turned, const float (*e0)[26][26][32], ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    float (*const sums)[288] = (float (*)[288])shards;
    int32_t (*const block)[64] = (int32_t (*)[64])(tiles + task * 1344 + 1152);
    float *const bias_sums = shards + 18432;
    uint64_t (*const band)[12][4][1] = (uint64_t (*)[12][4][1])(tiles + task * 1344);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int p0 = 0; p0 < 12; p0 += 3) {
            const int rows = 12 - p0 < 3 ? 12 - p0 : 3;
            for (int q0 = 0; q0 < 12; q0 += 12) {
                const int columns = 12 - q0 < 12 ? 12 - q0 : 12;
                for (int k = 0; k < 64; k += 8) {
                    f32x8 sum = load_f32x8(&bias_sums[k]);
                    for (int p = 0; p < rows; p++) {
                        i32x8 found = {0};
                        for (int q = 0; q < columns; q++) {
                            const f32x8 d = load_f32x8(&d_y[n][p0 + p][q0 + q][k]);
                            sum += d;
                            found |= (d != 0.0f) & (int32_t)(1u << q);
                        }
                        store_part_i32x8(&block[p][k], found, 8);
                    }
                    store_f32x8(&bias_sums[k], sum);
                }
                for (int k = 0; k < 64; k++) {
                    uint64_t found = (uint32_t)block[0][k];
                    for (int p = 1; p < rows; p++) found |= (uint64_t)(uint32_t)block[p][k] << p * 12;
                    if (!found) continue;
                    for (int r = 0; r < 3; r++) {
                        for (int part = 0; part < 3 * 32; part += 96) {
                            float *const t = &sums[k][r * 96 + part];
                            f32x8 s0 = load_f32x8(t);
                            f32x8 s1 = load_f32x8(t + 8);
                            f32x8 s2 = load_f32x8(t + 16);
                            f32x8 s3 = load_f32x8(t + 24);
                            f32x8 s4 = load_f32x8(t + 32);
                            f32x8 s5 = load_f32x8(t + 40);
                            f32x8 s6 = load_f32x8(t + 48);
                            f32x8 s7 = load_f32x8(t + 56);
                            f32x8 s8 = load_f32x8(t + 64);
                            f32x8 s9 = load_f32x8(t + 72);
                            f32x8 s10 = load_f32x8(t + 80);
                            f32x8 s11 = load_f32x8(t + 88);
                            for (uint64_t left = found; left; left &= left - 1) {
                                const int place = __builtin_ctzll(left), p = place / 12, q = place % 12;
                                const float d = d_y[n][p0 + p][q0 + q][k];
                                const int at = selected[n][p0 + p][q0 + q][k] & 3;
                                const float *const a = x[n][2 * (p0 + p) + at / 2][2 * (q0 + q) + at % 2] + r * 832 + part;
                                s0 += d * load_f32x8(a);
                                s1 += d * load_f32x8(a + 8);
                                s2 += d * load_f32x8(a + 16);
                                s3 += d * load_f32x8(a + 24);
                                s4 += d * load_f32x8(a + 32);
                                s5 += d * load_f32x8(a + 40);
                                s6 += d * load_f32x8(a + 48);
                                s7 += d * load_f32x8(a + 56);
                                s8 += d * load_f32x8(a + 64);
                                s9 += d * load_f32x8(a + 72);
                                s10 += d * load_f32x8(a + 80);
                                s11 += d * load_f32x8(a + 88);
                            }
                            store_f32x8(t + 0 * 8, s0);
                            store_f32x8(t + 1 * 8, s1);
                            store_f32x8(t + 2 * 8, s2);
                            store_f32x8(t + 3 * 8, s3);
                            store_f32x8(t + 4 * 8, s4);
                            store_f32x8(t + 5 * 8, s5);
                            store_f32x8(t + 6 * 8, s6);
                            store_f32x8(t + 7 * 8, s7);
                            store_f32x8(t + 8 * 8, s8);
                            store_f32x8(t + 9 * 8, s9);
                            store_f32x8(t + 10 * 8, s10);
                            store_f32x8(t + 11 * 8, s11);
                        }
                    }
                }
            }
        }
        float (*const image)[832] = (float (*)[832])d_x[n];
        memset(image, 0, 26 * sizeof *image);
        for (int p0 = 0; p0 < 12; p0 += 12) {
            const int rows = 12 - p0 < 12 ? 12 - p0 : 12;
            for (int p = 0; p < rows; p++) {
                for (int q = 0; q < 12; q++) {
                    for (int word = 0; word < 1; word++) {
                        uint64_t found[4] = {0};
                        for (int v = 0; v < 8; v++) {
                            const int k = word * 64 + v * 8;
                            const i32x8 is = load_f32x8(&d_y[n][p0 + p][q][k]) != 0.0f, at = load_u8_i32x8(&selected[n][p0 + p][q][k]);
                            UNROLL for (int i = 0; i < 4; i++) found[i] |= (uint64_t)bits_i32x8(is & (at == i)) << v * 8;
                        }
                        for (int i = 0; i < 4; i++) band[p][q][i][word] = found[i];
                    }
                }
            }
            for (int r = 0; r < 3; r++) {
                for (int part = 0; part < 1; part++) {
                    const float *const kernels = turned + (r + part) * (6144);
                    for (int p = 0; p < 2 * rows; p++) {
                        float *to = &image[2 * p0 + p + r][part * 32];
                        f32x8 s0 = load_f32x8(to);
                        f32x8 s1 = load_f32x8(to + 8);
                        f32x8 s2 = load_f32x8(to + 16);
                        f32x8 s3 = load_f32x8(to + 24);
                        f32x8 s4 = load_f32x8(to + 32);
                        f32x8 s5 = load_f32x8(to + 40);
                        f32x8 s6 = load_f32x8(to + 48);
                        f32x8 s7 = load_f32x8(to + 56);
                        for (int q = 0; q < 2 * 12; q++) {
                            f32x8 s8 = load_f32x8(to + 64);
                            f32x8 s9 = load_f32x8(to + 72);
                            f32x8 s10 = load_f32x8(to + 80);
                            f32x8 s11 = load_f32x8(to + 88);
                            for (int word = 0; word < 1; word++) {
                                for (uint64_t left = band[p / 2][q / 2][p % 2 * 2 + q % 2][word]; left; left &= left - 1) {
                                    const int k = word * 64 + __builtin_ctzll(left);
                                    const float d = d_y[n][p0 + p / 2][q / 2][k];
                                    const float *const b = kernels + k * (96);
                                    s0 += d * load_f32x8(b);
                                    s1 += d * load_f32x8(b + 8);
                                    s2 += d * load_f32x8(b + 16);
                                    s3 += d * load_f32x8(b + 24);
                                    s4 += d * load_f32x8(b + 32);
                                    s5 += d * load_f32x8(b + 40);
                                    s6 += d * load_f32x8(b + 48);
                                    s7 += d * load_f32x8(b + 56);
                                    s8 += d * load_f32x8(b + 64);
                                    s9 += d * load_f32x8(b + 72);
                                    s10 += d * load_f32x8(b + 80);
                                    s11 += d * load_f32x8(b + 88);
                                }
                            }
                            store_f32x8(to + 0 * 32 + 0 * 8, s0);
                            store_f32x8(to + 0 * 32 + 1 * 8, s1);
                            store_f32x8(to + 0 * 32 + 2 * 8, s2);
                            store_f32x8(to + 0 * 32 + 3 * 8, s3);
                            s0 = s4;
                            s1 = s5;
                            s2 = s6;
                            s3 = s7;
                            s4 = s8;
                            s5 = s9;
                            s6 = s10;
                            s7 = s11;
                            to += 32;
                        }
                        store_f32x8(to + 0 * 32 + 0 * 8, s0);
                        store_f32x8(to + 0 * 32 + 1 * 8, s1);
                        store_f32x8(to + 0 * 32 + 2 * 8, s2);
                        store_f32x8(to + 0 * 32 + 3 * 8, s3);
                        store_f32x8(to + 1 * 32 + 0 * 8, s4);
                        store_f32x8(to + 1 * 32 + 1 * 8, s5);
                        store_f32x8(to + 1 * 32 + 2 * 8, s6);
                        store_f32x8(to + 1 * 32 + 3 * 8, s7);
                    }
                }
            }
        }
        for (int h = 0; h < 26; h++) {
            for (int w = 0; w < 26; w++) {
                for (int k = 0; k < 32; k += 8) {
                    f32x8 sum = load_f32x8(&image[h][w * 32 + k]);
                    sum = keep_f32x8(load_f32x8(&e0[n][h][w][k]) > 0.0f, sum);
                    store_f32x8(&d_x[n][h][w][k], sum);
                }
            }
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v3 static void conv2d_1_weight_gradient_v3(float (*d_kernel)[288][16], float *shards, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t g = part % 4, row = part / 4 * 16;
        float sums[16][16];
        for (int k = 0; k < 16; k++) {
            for (int i = 0; i < 16; i += 8) {
                const float *const from = shards + (g * 16 + k) * 288 + row + i;
                f32x8 sum = load_f32x8(from);
                for (int shard = 1; shard < 16; shard++) sum += load_f32x8(from + shard * 18496);
                store_f32x8(&sums[k][i], sum);
            }
        }
        for (int k = 0; k < 16; k += 4) {
            for (int i = 0; i < 16; i += 4) transpose4_f32x8(&sums[k][i], 16, &d_kernel[g][row + i][k], 16);
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
LEVEL_v3 static void conv2d_1_bias_gradient_v3(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 64 ? last * 256 : 64;
    ptrdiff_t i = first * 256;
    for (; i + 8 <= end; i += 8) {
        f32x8 sum = load_f32x8(&shards[i + 18432]);
        for (int s = 1; s < 16; s++) sum += load_f32x8(&shards[s * 18496 + i + 18432]);
        store_f32x8(&d_bias[i], sum);
    }
}

/* conv2d: d_kernel[r][s][c][k] = sum over samples, p, q of x[p + r][q + s][c] d_y[p][q][k]. */
LEVEL_v3 static void conv2d_weight_gradient_part_v3(const float (*x)[28][28][1], const float (*d_y)[26][26][32], float *shards, ptrdiff_t first, ptrdiff_t last)
{
    float (*const sums)[9][16] = (float (*)[9][16])shards;
    for (ptrdiff_t n = first; n < last; n++) {
        {
            for (int k = 0; k < 4; k += 2) {
                {
                    float *const t0 = &sums[k / 2][0][k % 2 * 8];
                    float *const t1 = &sums[(k + 1) / 2][0][(k + 1) % 2 * 8];
                    f32x8 s0_0 = load_f32x8(t0); f32x8 s0_1 = load_f32x8(t1);
                    f32x8 s1_0 = load_f32x8(t0 + 16); f32x8 s1_1 = load_f32x8(t1 + 16);
                    f32x8 s2_0 = load_f32x8(t0 + 32); f32x8 s2_1 = load_f32x8(t1 + 32);
                    f32x8 s3_0 = load_f32x8(t0 + 48); f32x8 s3_1 = load_f32x8(t1 + 48);
                    f32x8 s4_0 = load_f32x8(t0 + 64); f32x8 s4_1 = load_f32x8(t1 + 64);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x8 d0 = load_f32x8(&d_y[n][p][q][k * 8]);
                            const f32x8 d1 = load_f32x8(&d_y[n][p][q][(k + 1) * 8]);
                            const f32x8 w0 = d0; const f32x8 w1 = d1;
                            s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                            s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                            s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                            s3_0 += a[28] * w0; s3_1 += a[28] * w1;
                            s4_0 += a[29] * w0; s4_1 += a[29] * w1;
                            a += 1;
                        }
                    }
                    store_f32x8(t0 + 0 * 16, s0_0);
                    store_f32x8(t1 + 0 * 16, s0_1);
                    store_f32x8(t0 + 1 * 16, s1_0);
                    store_f32x8(t1 + 1 * 16, s1_1);
                    store_f32x8(t0 + 2 * 16, s2_0);
                    store_f32x8(t1 + 2 * 16, s2_1);
                    store_f32x8(t0 + 3 * 16, s3_0);
                    store_f32x8(t1 + 3 * 16, s3_1);
                    store_f32x8(t0 + 4 * 16, s4_0);
                    store_f32x8(t1 + 4 * 16, s4_1);
                }
            }
            for (int k = 0; k < 4; k += 2) {
                {
                    float *const t0 = &sums[k / 2][5][k % 2 * 8];
                    float *const t1 = &sums[(k + 1) / 2][5][(k + 1) % 2 * 8];
                    f32x8 s0_0 = load_f32x8(t0); f32x8 s0_1 = load_f32x8(t1);
                    f32x8 s1_0 = load_f32x8(t0 + 16); f32x8 s1_1 = load_f32x8(t1 + 16);
                    f32x8 s2_0 = load_f32x8(t0 + 32); f32x8 s2_1 = load_f32x8(t1 + 32);
                    f32x8 s3_0 = load_f32x8(t0 + 48); f32x8 s3_1 = load_f32x8(t1 + 48);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x8 d0 = load_f32x8(&d_y[n][p][q][k * 8]);
                            const f32x8 d1 = load_f32x8(&d_y[n][p][q][(k + 1) * 8]);
                            const f32x8 w0 = d0; const f32x8 w1 = d1;
                            s0_0 += a[30] * w0; s0_1 += a[30] * w1;
                            s1_0 += a[56] * w0; s1_1 += a[56] * w1;
                            s2_0 += a[57] * w0; s2_1 += a[57] * w1;
                            s3_0 += a[58] * w0; s3_1 += a[58] * w1;
                            a += 1;
                        }
                    }
                    store_f32x8(t0 + 0 * 16, s0_0);
                    store_f32x8(t1 + 0 * 16, s0_1);
                    store_f32x8(t0 + 1 * 16, s1_0);
                    store_f32x8(t1 + 1 * 16, s1_1);
                    store_f32x8(t0 + 2 * 16, s2_0);
                    store_f32x8(t1 + 2 * 16, s2_1);
                    store_f32x8(t0 + 3 * 16, s3_0);
                    store_f32x8(t1 + 3 * 16, s3_1);
                }
            }
        }
    }
}

/* conv2d: d_kernel[r][s][c][k] = sum over samples, p, q of x[p + r][q + s][c] d_y[p][q][k]. */
LEVEL_v3 static void conv2d_weight_gradient_v3(float *d_kernel, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 288 ? last * 256 : 288;
    ptrdiff_t i = first * 256;
    for (; i + 8 <= end; i += 8) {
        f32x8 sum = load_f32x8(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x8(&shards[s * 288 + i]);
        store_f32x8(&d_kernel[i], sum);
    }
}

/* conv2d: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v3 static void conv2d_bias_gradient_part_v3(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 676 * 32;
    const ptrdiff_t end = last * 676 * 32;
    f32x8 s0_0 = {0}; f32x8 s0_1 = {0}; f32x8 s0_2 = {0}; f32x8 s0_3 = {0};
    for (; i + 32 <= end; i += 32) {
        s0_0 += load_f32x8(&d_y[i]);
        s0_1 += load_f32x8(&d_y[i + 8]);
        s0_2 += load_f32x8(&d_y[i + 16]);
        s0_3 += load_f32x8(&d_y[i + 24]);
    }
    float parts[32];
    store_f32x8(&parts[0], s0_0);
    store_f32x8(&parts[8], s0_1);
    store_f32x8(&parts[16], s0_2);
    store_f32x8(&parts[24], s0_3);
    for (int j = 0; j < 32; j++) shards[j % 32] += parts[j];
}

/* conv2d: d_bias[k] = the sum of all d_y[...][k]. */
LEVEL_v3 static void conv2d_bias_gradient_v3(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 32 ? last * 256 : 32;
    ptrdiff_t i = first * 256;
    for (; i + 8 <= end; i += 8) {
        f32x8 sum = load_f32x8(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x8(&shards[s * 32 + i]);
        store_f32x8(&d_bias[i], sum);
    }
}

/* conv2d_1/kernel: one step of adam on conv2d_1/kernel. */
LEVEL_v3 static void conv2d_1_kernel_update_v3(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 18432 ? last * 1024 : 18432;
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

/* conv2d_1/bias: one step of adam on conv2d_1/bias. */
LEVEL_v3 static void conv2d_1_bias_update_v3(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 64 ? last * 1024 : 64;
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

/* conv2d/kernel: one step of adam on conv2d/kernel. */
LEVEL_v3 static void conv2d_kernel_update_v3(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 288 ? last * 1024 : 288;
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

/* conv2d/bias: one step of adam on conv2d/bias. */
LEVEL_v3 static void conv2d_bias_update_v3(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 32 ? last * 1024 : 32;
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

static float run_training_v3(mnist_cnn_weights *w, mnist_cnn_weights *slots, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float *const d_dense_1_bias = (float *)(arena + 4727424);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    float *const d_dense_bias = (float *)(arena + 11212288);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float (*const d_conv2d_1_kernel)[288][16] = (float (*)[288][16])(arena + 1183744);
    float *const d_conv2d_1_bias = (float *)(arena + 1352832);
    float (*const d_conv2d_kernel)[9][16] = (float (*)[9][16])(arena + 1351680);
    float *const d_conv2d_bias = (float *)(arena + 1353088);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_66 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_68 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_69 = (float *)(arena);
    float *const conv2d_1_workspace_71 = (float *)(arena + 1257472);
    float *const conv2d_workspace = (float *)(arena + 1331200);
    float *const conv2d_workspace_73 = (float *)(arena + 1349632);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v3(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v3(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, step, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_train_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, step, count, task, task + 1);
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
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_input_gradient_v3(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, step, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v3(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 64 * task / 16, 64 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_66 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v3(&d_dense_1_linear[n][0], dense_1_workspace_66 + task * 10, 0, 1);
            dense_bias_gradient_part_v3(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_v3(d_dense_1_bias, dense_1_workspace_66, 0, 1);
    dense_bias_gradient_v3(d_dense_bias, dense_workspace, 0, 1);
    dense_1_bias_update_v3(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_v3(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_68, (const float (*)[9216])conv2d_1_out, step, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v3((const float (*)[9216])conv2d_1_out, d_dropout_1, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 1536 * task / 16, 1536 * (task + 1) / 16);
    }
    dense_bias_update_v3(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_v3(w->conv2d_1_kernel, conv2d_1_workspace_71, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const rescaling_out_62)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_63)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_70 = (float *)(own + 176192);
        memset(conv2d_1_workspace_69 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_73 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v3(input + n * 784, &rescaling_out_62[0][0][0][0], 0, 1);
            conv2d_forward_v3(rescaling_out_62, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_63, 0, 1, 0, 26);
            conv2d_1_gradients_part_v3(conv2d_linear_out_63, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_69 + task * 18496, conv2d_1_workspace_70, conv2d_1_workspace_71, conv2d_linear_out_63, 0, 1, 0);
            conv2d_weight_gradient_part_v3(rescaling_out_62, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_v3(&d_conv2d[0][0][0][0], conv2d_workspace_73 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_v3(d_conv2d_1_kernel, conv2d_1_workspace_69, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_v3(d_conv2d_1_bias, conv2d_1_workspace_69, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_v3(&d_conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_v3(d_conv2d_bias, conv2d_workspace_73, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_kernel_update_v3(&d_conv2d_1_kernel[0][0][0], &w->conv2d_1_kernel[0][0][0], &slots[0].conv2d_1_kernel[0][0][0], &slots[1].conv2d_1_kernel[0][0][0], step, 18 * task / 16, 18 * (task + 1) / 16);
    }
    conv2d_1_bias_update_v3(d_conv2d_1_bias, w->conv2d_1_bias, slots[0].conv2d_1_bias, slots[1].conv2d_1_bias, step, 0, 1);
    conv2d_kernel_update_v3(&d_conv2d_kernel[0][0][0], &w->conv2d_kernel[0][0][0], &slots[0].conv2d_kernel[0][0][0], &slots[1].conv2d_kernel[0][0][0], step, 0, 1);
    conv2d_bias_update_v3(d_conv2d_bias, w->conv2d_bias, slots[0].conv2d_bias, slots[1].conv2d_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_v3(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
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

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_1_weight_gradient_gradients_v3(const float (*x)[128], const float (*d_y)[10], float (*d_kernel)[128][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 2;
        {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d);
                const f32x8 d1 = load_part_f32x8(d + (1) * 8, 2);
                const f32x8 w0 = d0; const f32x8 w1 = d1;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
            }
            store_f32x8(&d_kernel[0][i][0], s0_0);
            store_f32x8(&d_kernel[0][i][8], s0_1);
            store_f32x8(&d_kernel[0][i + 1][0], s1_0);
            store_f32x8(&d_kernel[0][i + 1][8], s1_1);
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
LEVEL_v3 static void dense_weight_gradient_gradients_v3(const float (*x)[9216], const float (*d_y)[128], float (*d_kernel)[9216][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 6;
        for (int k = 0; k < 16; k += 2) {
            f32x8 s0_0 = {0}; f32x8 s0_1 = {0};
            f32x8 s1_0 = {0}; f32x8 s1_1 = {0};
            f32x8 s2_0 = {0}; f32x8 s2_1 = {0};
            f32x8 s3_0 = {0}; f32x8 s3_1 = {0};
            f32x8 s4_0 = {0}; f32x8 s4_1 = {0};
            f32x8 s5_0 = {0}; f32x8 s5_1 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x8 d0 = load_f32x8(d + k * 8);
                const f32x8 d1 = load_f32x8(d + (k + 1) * 8);
                const f32x8 w0 = d0; const f32x8 w1 = d1;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
                s4_0 += a[4] * w0; s4_1 += a[4] * w1;
                s5_0 += a[5] * w0; s5_1 += a[5] * w1;
            }
            store_f32x8(&d_kernel[k / 2][i][k % 2 * 8], s0_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i][(k + 1) % 2 * 8], s0_1);
            store_f32x8(&d_kernel[k / 2][i + 1][k % 2 * 8], s1_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 1][(k + 1) % 2 * 8], s1_1);
            store_f32x8(&d_kernel[k / 2][i + 2][k % 2 * 8], s2_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 2][(k + 1) % 2 * 8], s2_1);
            store_f32x8(&d_kernel[k / 2][i + 3][k % 2 * 8], s3_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 3][(k + 1) % 2 * 8], s3_1);
            store_f32x8(&d_kernel[k / 2][i + 4][k % 2 * 8], s4_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 4][(k + 1) % 2 * 8], s4_1);
            store_f32x8(&d_kernel[k / 2][i + 5][k % 2 * 8], s5_0);
            store_f32x8(&d_kernel[(k + 1) / 2][i + 5][(k + 1) % 2 * 8], s5_1);
        }
    }
}

static float run_gradients_v3(const mnist_cnn_weights *w, mnist_cnn_weights *gradients, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_50 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_52 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_53 = (float *)(arena);
    float *const conv2d_1_workspace_55 = (float *)(arena + 1183744);
    float *const conv2d_workspace = (float *)(arena + 1257472);
    float *const conv2d_workspace_57 = (float *)(arena + 1275904);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212288);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v3(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_v3(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, NULL, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_train_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, NULL, count, task, task + 1);
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
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_input_gradient_v3(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, NULL, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_gradients_v3(dense_linear_out, d_dense_1_linear, gradients->dense_1_kernel, count, 64 * task / 16, 64 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_50 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v3(&d_dense_1_linear[n][0], dense_1_workspace_50 + task * 10, 0, 1);
            dense_bias_gradient_part_v3(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_v3(gradients->dense_1_bias, dense_1_workspace_50, 0, 1);
    dense_bias_gradient_v3(gradients->dense_bias, dense_workspace, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_v3(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_52, (const float (*)[9216])conv2d_1_out, NULL, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_gradients_v3((const float (*)[9216])conv2d_1_out, d_dropout_1, gradients->dense_kernel, count, 1536 * task / 16, 1536 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_v3(w->conv2d_1_kernel, conv2d_1_workspace_55, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212288);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const rescaling_out_46)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_47)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_54 = (float *)(own + 176192);
        memset(conv2d_1_workspace_53 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_57 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_v3(input + n * 784, &rescaling_out_46[0][0][0][0], 0, 1);
            conv2d_forward_v3(rescaling_out_46, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_47, 0, 1, 0, 26);
            conv2d_1_gradients_part_v3(conv2d_linear_out_47, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_53 + task * 18496, conv2d_1_workspace_54, conv2d_1_workspace_55, conv2d_linear_out_47, 0, 1, 0);
            conv2d_weight_gradient_part_v3(rescaling_out_46, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_v3(&d_conv2d[0][0][0][0], conv2d_workspace_57 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_v3(gradients->conv2d_1_kernel, conv2d_1_workspace_53, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_v3(gradients->conv2d_1_bias, conv2d_1_workspace_53, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_v3(&gradients->conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_v3(gradients->conv2d_bias, conv2d_workspace_57, 0, 1);
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

static float run_evaluation_bytes_v3(const mnist_cnn_weights *w, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 5120);
    float *const dense_1_loss = (float *)(arena + 10240);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_v3(input + n * 784, &input_float32_out[0][0][0][0], 0, 1);
            conv2d_forward_v3(input_float32_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
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

static float run_training_bytes_v3(mnist_cnn_weights *w, mnist_cnn_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float *const d_dense_1_bias = (float *)(arena + 4727424);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    float *const d_dense_bias = (float *)(arena + 11212288);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float (*const d_conv2d_1_kernel)[288][16] = (float (*)[288][16])(arena + 1183744);
    float *const d_conv2d_1_bias = (float *)(arena + 1352832);
    float (*const d_conv2d_kernel)[9][16] = (float (*)[9][16])(arena + 1351680);
    float *const d_conv2d_bias = (float *)(arena + 1353088);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_67 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_69 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_70 = (float *)(arena);
    float *const conv2d_1_workspace_72 = (float *)(arena + 1257472);
    float *const conv2d_workspace = (float *)(arena + 1331200);
    float *const conv2d_workspace_74 = (float *)(arena + 1349632);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_v3(input + n * 784, &input_float32_out[0][0][0][0], 0, 1);
            conv2d_forward_v3(input_float32_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_v3(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, step, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_train_v3((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, step, count, task, task + 1);
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
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_1_input_gradient_v3(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, step, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_v3(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 64 * task / 16, 64 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_67 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_v3(&d_dense_1_linear[n][0], dense_1_workspace_67 + task * 10, 0, 1);
            dense_bias_gradient_part_v3(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_v3(d_dense_1_bias, dense_1_workspace_67, 0, 1);
    dense_bias_gradient_v3(d_dense_bias, dense_workspace, 0, 1);
    dense_1_bias_update_v3(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_v3(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_69, (const float (*)[9216])conv2d_1_out, step, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_v3((const float (*)[9216])conv2d_1_out, d_dropout_1, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 1536 * task / 16, 1536 * (task + 1) / 16);
    }
    dense_bias_update_v3(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_v3(w->conv2d_1_kernel, conv2d_1_workspace_72, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const input_float32_out_63)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_64)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_71 = (float *)(own + 176192);
        memset(conv2d_1_workspace_70 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_74 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_v3(input + n * 784, &input_float32_out_63[0][0][0][0], 0, 1);
            conv2d_forward_v3(input_float32_out_63, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_64, 0, 1, 0, 26);
            conv2d_1_gradients_part_v3(conv2d_linear_out_64, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_70 + task * 18496, conv2d_1_workspace_71, conv2d_1_workspace_72, conv2d_linear_out_64, 0, 1, 0);
            conv2d_weight_gradient_part_v3(input_float32_out_63, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_v3(&d_conv2d[0][0][0][0], conv2d_workspace_74 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_v3(d_conv2d_1_kernel, conv2d_1_workspace_70, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_v3(d_conv2d_1_bias, conv2d_1_workspace_70, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_v3(&d_conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_v3(d_conv2d_bias, conv2d_workspace_74, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_kernel_update_v3(&d_conv2d_1_kernel[0][0][0], &w->conv2d_1_kernel[0][0][0], &slots[0].conv2d_1_kernel[0][0][0], &slots[1].conv2d_1_kernel[0][0][0], step, 18 * task / 16, 18 * (task + 1) / 16);
    }
    conv2d_1_bias_update_v3(d_conv2d_1_bias, w->conv2d_1_bias, slots[0].conv2d_1_bias, slots[1].conv2d_1_bias, step, 0, 1);
    conv2d_kernel_update_v3(&d_conv2d_kernel[0][0][0], &w->conv2d_kernel[0][0][0], &slots[0].conv2d_kernel[0][0][0], &slots[1].conv2d_kernel[0][0][0], step, 0, 1);
    conv2d_bias_update_v3(d_conv2d_bias, w->conv2d_bias, slots[0].conv2d_bias, slots[1].conv2d_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_v3(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
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

LEVEL_base INLINE static inline void store_u8_i32x4(uint8_t *to, i32x4 x)
{
    *(u8x4_at *)to = __builtin_convertvector(x, u8x4);
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

/* Random bits: numbers index, index + 1, ... of the sequence `key` (random.h). */
LEVEL_base INLINE static inline u32x4 random_bits_f32x4(uint64_t key, uint32_t index)
{
    u32x4 x;
    for (uint32_t i = 0; i < 4; i++) x[i] = i;
    x = (x + index) ^ (uint32_t)key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = x ^ (uint32_t)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* All ones where the random bits are below `threshold` of 2^32. */
LEVEL_base INLINE static inline i32x4 random_below_f32x4(uint64_t key, uint32_t index, uint32_t threshold)
{
    return (i32x4)(random_bits_f32x4(key, index) < threshold);
}

LEVEL_base static inline void winograd4_input_line_f32x4(const f32x4 d[6], f32x4 v[6])
{
    const f32x4 a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = a + b;
    v[2] = a - b;
    v[3] = c + e;
    v[4] = c - e;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

LEVEL_base static inline void winograd4_output_line_f32x4(const f32x4 m[6], f32x4 y[4])
{
    const f32x4 sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
    y[0] = m[0] + sum12 + sum34;
    y[1] = difference12 + 2.0f * difference34;
    y[2] = sum12 + 4.0f * sum34;
    y[3] = difference12 + 8.0f * difference34 + m[5];
}

LEVEL_base static inline void winograd4_kernel_line_f32x4(const f32x4 g[3], f32x4 u[6])
{
    const f32x4 even = (g[0] + g[2]) * (-1.0f / 6), odd = g[1] * (-1.0f / 6);
    const f32x4 even2 = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), odd2 = g[1] * (1.0f / 12);
    u[0] = g[0] * 0.25f;
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[2];
}

/* Bt d B of the pixels at `from`, whose rows and pixels lie `row` and `pixel` apart; the entries go to `to`, `entry` apart. */
LEVEL_base static inline void winograd4_input_f32x4(const float *from, ptrdiff_t row, ptrdiff_t pixel, float *to, ptrdiff_t entry)
{
    f32x4 half[6][6]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        f32x4 d[6];
        UNROLL for (int r = 0; r < 6; r++) d[r] = load_f32x4(from + s * pixel + r * row);
        winograd4_input_line_f32x4(d, half[s]);
    }
    UNROLL for (int r = 0; r < 6; r++) {
        f32x4 d[6], v[6];
        UNROLL for (int s = 0; s < 6; s++) d[s] = half[s][r];
        winograd4_input_line_f32x4(d, v);
        UNROLL for (int s = 0; s < 6; s++) store_f32x4(to + (6 * r + s) * entry, v[s]);
    }
}

/* At m A of the entries at `from`, `entry` apart: rows of results. */
LEVEL_base static inline void winograd4_output_f32x4(const float *from, ptrdiff_t entry, f32x4 y[4][4])
{
    f32x4 half[6][4]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        f32x4 m[6];
        UNROLL for (int r = 0; r < 6; r++) m[r] = load_f32x4(from + (6 * r + s) * entry);
        winograd4_output_line_f32x4(m, half[s]);
    }
    UNROLL for (int r = 0; r < 4; r++) {
        f32x4 m[6];
        UNROLL for (int s = 0; s < 6; s++) m[s] = half[s][r];
        winograd4_output_line_f32x4(m, y[r]);
    }
}

/* G g Gt of a 3x3 kernel, row by row `step` apart: entries `entry` apart. */
LEVEL_base static inline void winograd4_kernel_f32x4(const float *from, ptrdiff_t step, float *to, ptrdiff_t entry)
{
    f32x4 half[3][6]; /* [row][column] */
    UNROLL for (int r = 0; r < 3; r++) {
        f32x4 g[3];
        UNROLL for (int s = 0; s < 3; s++) g[s] = load_f32x4(from + (3 * r + s) * step);
        winograd4_kernel_line_f32x4(g, half[r]);
    }
    UNROLL for (int s = 0; s < 6; s++) {
        const f32x4 g[3] = {half[0][s], half[1][s], half[2][s]};
        f32x4 u[6];
        winograd4_kernel_line_f32x4(g, u);
        UNROLL for (int r = 0; r < 6; r++) store_f32x4(to + (6 * r + s) * entry, u[r]);
    }
}

/* conv2d_1: G g Gt of every kernel g, for Winograd's convolution. */
static void conv2d_1_kernel_transform_base(const float (*kernel)[288][16], float (*u)[4][32][16], ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t g = first; g < last; g++) {
        for (int c = 0; c < 32; c++) {
            for (int part = 0; part < 16; part += 4) {
                winograd4_kernel_f32x4(&kernel[g][c][part], 32 * 16, &u[0][g][c][part], 2048);
            }
        }
    }
}

static void derive_base(mnist_cnn_weights *w)
{
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_base(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
    }
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

/* conv2d: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 1 to 32 channels, 28 x 28 to 26 x 26. */
static void conv2d_forward_base(const float (*x)[28][28][1], const float (*kernel)[9][16], const float *bias, float (*y)[26][26][32], ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high)
{
    for (ptrdiff_t n = first; n < last; n++) {
        {
            for (int p = (int)low; p < (int)high; p++) {
                for (int k = 0; k < 8; k += 2) {
                    for (int q = 0; q < 24; q += 4) {
                        const f32x4 bias0 = load_f32x4(&bias[k * 4]);
                        const f32x4 bias1 = load_f32x4(&bias[(k + 1) * 4]);
                        f32x4 s0_0 = bias0; f32x4 s0_1 = bias1;
                        f32x4 s1_0 = bias0; f32x4 s1_1 = bias1;
                        f32x4 s2_0 = bias0; f32x4 s2_1 = bias1;
                        f32x4 s3_0 = bias0; f32x4 s3_1 = bias1;
                        for (int r = 0; r < 3; r++) {
                            const float *const a = &x[n][p + r][q][0];
                            const float *const b0 = &kernel[k / 4][r * 3][k % 4 * 4];
                            const float *const b1 = &kernel[(k + 1) / 4][r * 3][(k + 1) % 4 * 4];
                            {
                                const f32x4 w0 = load_f32x4(b0); const f32x4 w1 = load_f32x4(b1);
                                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                                s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                                s3_0 += a[3] * w0; s3_1 += a[3] * w1;
                            }
                            {
                                const f32x4 w0 = load_f32x4(b0 + 16); const f32x4 w1 = load_f32x4(b1 + 16);
                                s0_0 += a[1] * w0; s0_1 += a[1] * w1;
                                s1_0 += a[2] * w0; s1_1 += a[2] * w1;
                                s2_0 += a[3] * w0; s2_1 += a[3] * w1;
                                s3_0 += a[4] * w0; s3_1 += a[4] * w1;
                            }
                            {
                                const f32x4 w0 = load_f32x4(b0 + 32); const f32x4 w1 = load_f32x4(b1 + 32);
                                s0_0 += a[2] * w0; s0_1 += a[2] * w1;
                                s1_0 += a[3] * w0; s1_1 += a[3] * w1;
                                s2_0 += a[4] * w0; s2_1 += a[4] * w1;
                                s3_0 += a[5] * w0; s3_1 += a[5] * w1;
                            }
                        }
                        s0_0 = max_f32x4((f32x4){0}, s0_0);
                        store_f32x4(&y[n][p][q][k * 4], s0_0);
                        s0_1 = max_f32x4((f32x4){0}, s0_1);
                        store_f32x4(&y[n][p][q][(k + 1) * 4], s0_1);
                        s1_0 = max_f32x4((f32x4){0}, s1_0);
                        store_f32x4(&y[n][p][q + 1][k * 4], s1_0);
                        s1_1 = max_f32x4((f32x4){0}, s1_1);
                        store_f32x4(&y[n][p][q + 1][(k + 1) * 4], s1_1);
                        s2_0 = max_f32x4((f32x4){0}, s2_0);
                        store_f32x4(&y[n][p][q + 2][k * 4], s2_0);
                        s2_1 = max_f32x4((f32x4){0}, s2_1);
                        store_f32x4(&y[n][p][q + 2][(k + 1) * 4], s2_1);
                        s3_0 = max_f32x4((f32x4){0}, s3_0);
                        store_f32x4(&y[n][p][q + 3][k * 4], s3_0);
                        s3_1 = max_f32x4((f32x4){0}, s3_1);
                        store_f32x4(&y[n][p][q + 3][(k + 1) * 4], s3_1);
                    }
                    {
                        const int q = 24;
                        const f32x4 bias0 = load_f32x4(&bias[k * 4]);
                        const f32x4 bias1 = load_f32x4(&bias[(k + 1) * 4]);
                        f32x4 s0_0 = bias0; f32x4 s0_1 = bias1;
                        f32x4 s1_0 = bias0; f32x4 s1_1 = bias1;
                        for (int r = 0; r < 3; r++) {
                            const float *const a = &x[n][p + r][q][0];
                            const float *const b0 = &kernel[k / 4][r * 3][k % 4 * 4];
                            const float *const b1 = &kernel[(k + 1) / 4][r * 3][(k + 1) % 4 * 4];
                            {
                                const f32x4 w0 = load_f32x4(b0); const f32x4 w1 = load_f32x4(b1);
                                s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                                s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                            }
                            {
                                const f32x4 w0 = load_f32x4(b0 + 16); const f32x4 w1 = load_f32x4(b1 + 16);
                                s0_0 += a[1] * w0; s0_1 += a[1] * w1;
                                s1_0 += a[2] * w0; s1_1 += a[2] * w1;
                            }
                            {
                                const f32x4 w0 = load_f32x4(b0 + 32); const f32x4 w1 = load_f32x4(b1 + 32);
                                s0_0 += a[2] * w0; s0_1 += a[2] * w1;
                                s1_0 += a[3] * w0; s1_1 += a[3] * w1;
                            }
                        }
                        s0_0 = max_f32x4((f32x4){0}, s0_0);
                        store_f32x4(&y[n][p][q][k * 4], s0_0);
                        s0_1 = max_f32x4((f32x4){0}, s0_1);
                        store_f32x4(&y[n][p][q][(k + 1) * 4], s0_1);
                        s1_0 = max_f32x4((f32x4){0}, s1_0);
                        store_f32x4(&y[n][p][q + 1][k * 4], s1_0);
                        s1_1 = max_f32x4((f32x4){0}, s1_1);
                        store_f32x4(&y[n][p][q + 1][(k + 1) * 4], s1_1);
                    }
                }
            }
        }
    }
}

/* conv2d_1: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 32 to 64 channels, 26 x 26 to 24 x 24. */
static void conv2d_1_forward_base(const float (*x)[26][26][32], const float *bias, const float (*kernel_winograd4)[4][32][16], float (*y)[12][12][64], float *work, ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high, ptrdiff_t task)
{
    float (*const v)[6][32] = (float (*)[6][32])(work + task * 20736);
    float (*const m)[6][64] = (float (*)[6][64])(work + task * 20736 + 6912);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int i = (int)low * 1; i < (int)high * 1; i += 1) {
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 32; k += 4) {
                        winograd4_input_f32x4(&x[n][4 * (i + b)][4 * j][k], 26 * 32, 32, &v[0][b * 6 + j][k], 6 * 32);
                    }
                }
            }
            for (int entry = 0; entry < 36; entry++) {
                for (int k = 0; k < 16; k += 4) {
                    const float *const b0 = &kernel_winograd4[entry][k / 4][0][k % 4 * 4];
                    const float *const b1 = &kernel_winograd4[entry][(k + 1) / 4][0][(k + 1) % 4 * 4];
                    const float *const b2 = &kernel_winograd4[entry][(k + 2) / 4][0][(k + 2) % 4 * 4];
                    const float *const b3 = &kernel_winograd4[entry][(k + 3) / 4][0][(k + 3) % 4 * 4];
                    for (int t = 0; t < 6; t += 2) {
                        const float *const a = &v[entry][t][0];
                        f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0};
                        f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0}; f32x4 s1_3 = {0};
                        for (int c = 0; c < 32; c++) {
                            const f32x4 w0 = load_f32x4(b0 + c * 16); const f32x4 w1 = load_f32x4(b1 + c * 16); const f32x4 w2 = load_f32x4(b2 + c * 16); const f32x4 w3 = load_f32x4(b3 + c * 16);
                            s0_0 += a[c] * w0; s0_1 += a[c] * w1; s0_2 += a[c] * w2; s0_3 += a[c] * w3;
                            s1_0 += a[c + 32] * w0; s1_1 += a[c + 32] * w1; s1_2 += a[c + 32] * w2; s1_3 += a[c + 32] * w3;
                        }
                        store_f32x4(&m[entry][t][k * 4], s0_0);
                        store_f32x4(&m[entry][t][(k + 1) * 4], s0_1);
                        store_f32x4(&m[entry][t][(k + 2) * 4], s0_2);
                        store_f32x4(&m[entry][t][(k + 3) * 4], s0_3);
                        store_f32x4(&m[entry][t + 1][k * 4], s1_0);
                        store_f32x4(&m[entry][t + 1][(k + 1) * 4], s1_1);
                        store_f32x4(&m[entry][t + 1][(k + 2) * 4], s1_2);
                        store_f32x4(&m[entry][t + 1][(k + 3) * 4], s1_3);
                    }
                }
            }
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 64; k += 4) {
                        f32x4 d[4][4];
                        winograd4_output_f32x4(&m[0][b * 6 + j][k], 6 * 64, d);
                        UNROLL for (int r = 0; r < 4; r += 2) {
                            UNROLL for (int s = 0; s < 4; s += 2) {
                                const int p = (4 * (i + b) + r) / 2, q = (4 * j + s) / 2;
                                f32x4 sum = d[r][s];
                                sum = max_f32x4(d[r][s + 1], sum);
                                sum = max_f32x4(d[r + 1][s], sum);
                                sum = max_f32x4(d[r + 1][s + 1], sum);
                                sum += load_f32x4(&bias[k]);
                                sum = max_f32x4((f32x4){0}, sum);
                                store_f32x4(&y[n][p][q][k], sum);
                            }
                        }
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
static void dense_forward_base(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], ptrdiff_t first, ptrdiff_t last)
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
        for (int i = 0; i < 9216; i += 64) {
            const int end = 9216 - i < 64 ? 9216 - i : 64;
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

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 128 inputs, 10 outputs. */
static void dense_1_forward_base(const float (*x)[128], const float (*kernel)[128][16], const float *bias, float (*y)[10], ptrdiff_t first, ptrdiff_t last)
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
            for (int i = 0; i < 128; i += 64) {
                const int end = 128 - i < 64 ? 128 - i : 64;
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
            for (int i = 0; i < 128; i += 64) {
                const int end = 128 - i < 64 ? 128 - i : 64;
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

static void run_single_base(const mnist_cnn_weights *w, const float *input, float *output, unsigned char *arena)
{
    float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(arena);
    float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(arena + 497664);
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena + 584192);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 512);
    float *const conv2d_1_workspace = (float *)(arena);
    rescaling_forward_base(input, &rescaling_out[0][0][0][0], 0, 1);
    if (ONE_THREAD) {
        conv2d_forward_base(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
        conv2d_1_forward_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out, conv2d_1_workspace, 0, 1, 0, 6, 0);
        dense_forward_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, 0, 4);
    } else {
        PARALLEL {
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 16; task++) {
                conv2d_forward_base(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 26 * task / 16, 26 * (task + 1) / 16);
            }
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 6; task++) {
                conv2d_1_forward_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out, conv2d_1_workspace, 0, 1, task, task + 1, task);
            }
            SHARED_FOR
            for (ptrdiff_t task = 0; task < 4; task++) {
                dense_forward_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, task, task + 1);
            }
        }
    }
    dense_1_forward_base(dense_linear_out, w->dense_1_kernel, w->dense_1_bias, dense_1_linear_out, 0, 3);
    dense_1_softmax_forward_base(&dense_1_linear_out[0][0], output, 0, 1);
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
static void dense_forward_batch_base(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part * 4;
        const ptrdiff_t from = 0, to = count * 1;
        for (int i = 0; i < 9216; i += 256) {
            const int end = 9216 - i < 256 ? 9216 - i : 256;
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
                    s1_0 += a[j + 9216] * w0; s1_1 += a[j + 9216] * w1; s1_2 += a[j + 9216] * w2; s1_3 += a[j + 9216] * w3;
                }
                if (i + end < 9216) {
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
                if (i + end < 9216) {
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

/* dense_1: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 128 inputs, 10 outputs. */
static void dense_1_forward_batch_base(const float (*x)[128], const float (*kernel)[128][16], const float *bias, float (*y)[10], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part / 3 * 1;
        const ptrdiff_t tiles = (count + 3) / 4, chunk = part % 3;
        const ptrdiff_t from = tiles * chunk / 3 * 4, next = tiles * (chunk + 1) / 3 * 4;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        if (k < 2) {
            ptrdiff_t m = from;
            for (; m + 4 <= to; m += 4) {
                const float *const a = &x[m][0];
                f32x4 s0_0 = load_f32x4(&bias[k * 4]);
                f32x4 s1_0 = load_f32x4(&bias[k * 4]);
                f32x4 s2_0 = load_f32x4(&bias[k * 4]);
                f32x4 s3_0 = load_f32x4(&bias[k * 4]);
                const float *const b0 = &kernel[k / 4][0][k % 4 * 4];
                for (int j = 0; j < 128; j++) {
                    const f32x4 w0 = load_f32x4(b0 + j * 16);
                    s0_0 += a[j] * w0;
                    s1_0 += a[j + 128] * w0;
                    s2_0 += a[j + 256] * w0;
                    s3_0 += a[j + 384] * w0;
                }
                store_f32x4(&y[m][k * 4], s0_0);
                store_f32x4(&y[m + 1][k * 4], s1_0);
                store_f32x4(&y[m + 2][k * 4], s2_0);
                store_f32x4(&y[m + 3][k * 4], s3_0);
            }
            for (; m < to; m++) {
                const float *const a = &x[m][0];
                f32x4 s0_0 = load_f32x4(&bias[k * 4]);
                const float *const b0 = &kernel[k / 4][0][k % 4 * 4];
                for (int j = 0; j < 128; j++) {
                    const f32x4 w0 = load_f32x4(b0 + j * 16);
                    s0_0 += a[j] * w0;
                }
                store_f32x4(&y[m][k * 4], s0_0);
            }
        } else {
            ptrdiff_t m = from;
            for (; m + 4 <= to; m += 4) {
                const float *const a = &x[m][0];
                f32x4 s0_0 = load_part_f32x4(&bias[8], 2);
                f32x4 s1_0 = load_part_f32x4(&bias[8], 2);
                f32x4 s2_0 = load_part_f32x4(&bias[8], 2);
                f32x4 s3_0 = load_part_f32x4(&bias[8], 2);
                const float *const b0 = &kernel[0][0][8];
                for (int j = 0; j < 128; j++) {
                    const f32x4 w0 = load_f32x4(b0 + j * 16);
                    s0_0 += a[j] * w0;
                    s1_0 += a[j + 128] * w0;
                    s2_0 += a[j + 256] * w0;
                    s3_0 += a[j + 384] * w0;
                }
                store_part_f32x4(&y[m][8], s0_0, 2);
                store_part_f32x4(&y[m + 1][8], s1_0, 2);
                store_part_f32x4(&y[m + 2][8], s2_0, 2);
                store_part_f32x4(&y[m + 3][8], s3_0, 2);
            }
            for (; m < to; m++) {
                const float *const a = &x[m][0];
                f32x4 s0_0 = load_part_f32x4(&bias[8], 2);
                const float *const b0 = &kernel[0][0][8];
                for (int j = 0; j < 128; j++) {
                    const f32x4 w0 = load_f32x4(b0 + j * 16);
                    s0_0 += a[j] * w0;
                }
                store_part_f32x4(&y[m][8], s0_0, 2);
            }
        }
    }
}

static void run_batch_base(const mnist_cnn_weights *w, const float *input, float *output, ptrdiff_t count, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_base(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_base(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
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

static float run_evaluation_base(const mnist_cnn_weights *w, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 5120);
    float *const dense_1_loss = (float *)(arena + 10240);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_base(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_base(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
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

/* conv2d_1: y[p][q][k] = bias[k] + sum over r, s, c of x[1 p + r - 0][1 q + s - 0][c] kernel[r][s][c][k];
 * kernels 3 x 3, 32 to 64 channels, 26 x 26 to 24 x 24. */
static void conv2d_1_forward_train_base(const float (*x)[26][26][32], const float *bias, const float (*kernel_winograd4)[4][32][16], float (*y)[12][12][64], uint8_t (*selected)[12][12][64], float *work, const Step *step, ptrdiff_t origin, ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high, ptrdiff_t task)
{
    const uint64_t key5 = step ? random_key(step_key(step), 5u) : 0;
    const uint32_t threshold5 = step ? 1073741824u : 0;
    const float scale5 = step ? 1.3333334f : 1.0f;
    float (*const v)[6][32] = (float (*)[6][32])(work + task * 20736);
    float (*const m)[6][64] = (float (*)[6][64])(work + task * 20736 + 6912);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int i = (int)low * 1; i < (int)high * 1; i += 1) {
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 32; k += 4) {
                        winograd4_input_f32x4(&x[n][4 * (i + b)][4 * j][k], 26 * 32, 32, &v[0][b * 6 + j][k], 6 * 32);
                    }
                }
            }
            for (int entry = 0; entry < 36; entry++) {
                for (int k = 0; k < 16; k += 4) {
                    const float *const b0 = &kernel_winograd4[entry][k / 4][0][k % 4 * 4];
                    const float *const b1 = &kernel_winograd4[entry][(k + 1) / 4][0][(k + 1) % 4 * 4];
                    const float *const b2 = &kernel_winograd4[entry][(k + 2) / 4][0][(k + 2) % 4 * 4];
                    const float *const b3 = &kernel_winograd4[entry][(k + 3) / 4][0][(k + 3) % 4 * 4];
                    for (int t = 0; t < 6; t += 2) {
                        const float *const a = &v[entry][t][0];
                        f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0};
                        f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0}; f32x4 s1_3 = {0};
                        for (int c = 0; c < 32; c++) {
                            const f32x4 w0 = load_f32x4(b0 + c * 16); const f32x4 w1 = load_f32x4(b1 + c * 16); const f32x4 w2 = load_f32x4(b2 + c * 16); const f32x4 w3 = load_f32x4(b3 + c * 16);
                            s0_0 += a[c] * w0; s0_1 += a[c] * w1; s0_2 += a[c] * w2; s0_3 += a[c] * w3;
                            s1_0 += a[c + 32] * w0; s1_1 += a[c + 32] * w1; s1_2 += a[c + 32] * w2; s1_3 += a[c + 32] * w3;
                        }
                        store_f32x4(&m[entry][t][k * 4], s0_0);
                        store_f32x4(&m[entry][t][(k + 1) * 4], s0_1);
                        store_f32x4(&m[entry][t][(k + 2) * 4], s0_2);
                        store_f32x4(&m[entry][t][(k + 3) * 4], s0_3);
                        store_f32x4(&m[entry][t + 1][k * 4], s1_0);
                        store_f32x4(&m[entry][t + 1][(k + 1) * 4], s1_1);
                        store_f32x4(&m[entry][t + 1][(k + 2) * 4], s1_2);
                        store_f32x4(&m[entry][t + 1][(k + 3) * 4], s1_3);
                    }
                }
            }
            for (int b = 0; b < 1; b++) {
                for (int j = 0; j < 6; j++) {
                    for (int k = 0; k < 64; k += 4) {
                        f32x4 d[4][4];
                        winograd4_output_f32x4(&m[0][b * 6 + j][k], 6 * 64, d);
                        UNROLL for (int r = 0; r < 4; r += 2) {
                            UNROLL for (int s = 0; s < 4; s += 2) {
                                const int p = (4 * (i + b) + r) / 2, q = (4 * j + s) / 2;
                                f32x4 sum = d[r][s];
                                i32x4 place = {0}, larger;
                                larger = d[r][s + 1] > sum;
                                place = (larger & 1) | (~larger & place);
                                sum = max_f32x4(d[r][s + 1], sum);
                                larger = d[r + 1][s] > sum;
                                place = (larger & 2) | (~larger & place);
                                sum = max_f32x4(d[r + 1][s], sum);
                                larger = d[r + 1][s + 1] > sum;
                                place = (larger & 3) | (~larger & place);
                                sum = max_f32x4(d[r + 1][s + 1], sum);
                                store_u8_i32x4(&selected[n][p][q][k], place);
                                sum += load_f32x4(&bias[k]);
                                sum = max_f32x4((f32x4){0}, sum);
                                sum = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(origin * 9216) + (uint32_t)(((n * 12 + p) * 12 + q) * 64 + k), threshold5), sum * scale5);
                                store_f32x4(&y[n][p][q][k], sum);
                            }
                        }
                    }
                }
            }
        }
    }
}

/* dense: y[o] = bias[o] + sum over i of x[i] kernel[i][o]; 9216 inputs, 128 outputs. */
static void dense_forward_train_base(const float (*x)[9216], const float (*kernel)[9216][16], const float *bias, float (*y)[128], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const uint64_t key8 = step ? random_key(step_key(step), 8u) : 0;
    const uint32_t threshold8 = step ? 2147483648u : 0;
    const float scale8 = step ? 2.0f : 1.0f;
    for (ptrdiff_t part = first; part < last; part++) {
        const int k = (int)part / 3 * 12;
        const ptrdiff_t tiles = (count) / 1, chunk = part % 3;
        const ptrdiff_t from = tiles * chunk / 3 * 1, next = tiles * (chunk + 1) / 3 * 1;
        const ptrdiff_t to = next < count * 1 ? next : count * 1;
        if (k < 24) {
            for (int i = 0; i < 9216; i += 64) {
                const int end = 9216 - i < 64 ? 9216 - i : 64;
                ptrdiff_t m = from;
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
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
                    const float *const ahead = a + (m + 4 < to ? 4 * 9216 : 0);
                    for (int j = 0; j < end; j += 16) __builtin_prefetch(ahead + j);
                    uint64_t found = 0;
                    for (int j = 0; j < end; j += 4)
                        found |= (uint64_t)bits_i32x4(load_f32x4(a + j) != 0.0f) << j;
                    for (uint64_t left = found; left; left &= left - 1) {
                        const int j = __builtin_ctzll(left);
                        const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16); const f32x4 w2 = load_f32x4(b2 + j * 16); const f32x4 w3 = load_f32x4(b3 + j * 16); const f32x4 w4 = load_f32x4(b4 + j * 16); const f32x4 w5 = load_f32x4(b5 + j * 16); const f32x4 w6 = load_f32x4(b6 + j * 16); const f32x4 w7 = load_f32x4(b7 + j * 16); const f32x4 w8 = load_f32x4(b8 + j * 16); const f32x4 w9 = load_f32x4(b9 + j * 16); const f32x4 w10 = load_f32x4(b10 + j * 16); const f32x4 w11 = load_f32x4(b11 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7; s0_8 += a[j] * w8; s0_9 += a[j] * w9; s0_10 += a[j] * w10; s0_11 += a[j] * w11;
                    }
                    if (i + end < 9216) {
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
                        s0_0 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + k * 4), threshold8), s0_0 * scale8);
                        store_f32x4(&y[m][k * 4], s0_0);
                        s0_1 = max_f32x4((f32x4){0}, s0_1);
                        s0_1 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 1) * 4), threshold8), s0_1 * scale8);
                        store_f32x4(&y[m][(k + 1) * 4], s0_1);
                        s0_2 = max_f32x4((f32x4){0}, s0_2);
                        s0_2 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 2) * 4), threshold8), s0_2 * scale8);
                        store_f32x4(&y[m][(k + 2) * 4], s0_2);
                        s0_3 = max_f32x4((f32x4){0}, s0_3);
                        s0_3 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 3) * 4), threshold8), s0_3 * scale8);
                        store_f32x4(&y[m][(k + 3) * 4], s0_3);
                        s0_4 = max_f32x4((f32x4){0}, s0_4);
                        s0_4 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 4) * 4), threshold8), s0_4 * scale8);
                        store_f32x4(&y[m][(k + 4) * 4], s0_4);
                        s0_5 = max_f32x4((f32x4){0}, s0_5);
                        s0_5 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 5) * 4), threshold8), s0_5 * scale8);
                        store_f32x4(&y[m][(k + 5) * 4], s0_5);
                        s0_6 = max_f32x4((f32x4){0}, s0_6);
                        s0_6 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 6) * 4), threshold8), s0_6 * scale8);
                        store_f32x4(&y[m][(k + 6) * 4], s0_6);
                        s0_7 = max_f32x4((f32x4){0}, s0_7);
                        s0_7 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 7) * 4), threshold8), s0_7 * scale8);
                        store_f32x4(&y[m][(k + 7) * 4], s0_7);
                        s0_8 = max_f32x4((f32x4){0}, s0_8);
                        s0_8 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 8) * 4), threshold8), s0_8 * scale8);
                        store_f32x4(&y[m][(k + 8) * 4], s0_8);
                        s0_9 = max_f32x4((f32x4){0}, s0_9);
                        s0_9 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 9) * 4), threshold8), s0_9 * scale8);
                        store_f32x4(&y[m][(k + 9) * 4], s0_9);
                        s0_10 = max_f32x4((f32x4){0}, s0_10);
                        s0_10 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 10) * 4), threshold8), s0_10 * scale8);
                        store_f32x4(&y[m][(k + 10) * 4], s0_10);
                        s0_11 = max_f32x4((f32x4){0}, s0_11);
                        s0_11 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + (k + 11) * 4), threshold8), s0_11 * scale8);
                        store_f32x4(&y[m][(k + 11) * 4], s0_11);
                    }
                }
            }
        } else {
            for (int i = 0; i < 9216; i += 64) {
                const int end = 9216 - i < 64 ? 9216 - i : 64;
                ptrdiff_t m = from;
                for (; m < to; m++) {
                    const float *const a = &x[m][i];
                    f32x4 s0_0 = i ? load_f32x4(&y[m][96]) : load_f32x4(&bias[96]);
                    f32x4 s0_1 = i ? load_f32x4(&y[m][100]) : load_f32x4(&bias[100]);
                    f32x4 s0_2 = i ? load_f32x4(&y[m][104]) : load_f32x4(&bias[104]);
                    f32x4 s0_3 = i ? load_f32x4(&y[m][108]) : load_f32x4(&bias[108]);
                    f32x4 s0_4 = i ? load_f32x4(&y[m][112]) : load_f32x4(&bias[112]);
                    f32x4 s0_5 = i ? load_f32x4(&y[m][116]) : load_f32x4(&bias[116]);
                    f32x4 s0_6 = i ? load_f32x4(&y[m][120]) : load_f32x4(&bias[120]);
                    f32x4 s0_7 = i ? load_f32x4(&y[m][124]) : load_f32x4(&bias[124]);
                    const float *const b0 = &kernel[6][i][0];
                    const float *const b1 = &kernel[6][i][4];
                    const float *const b2 = &kernel[6][i][8];
                    const float *const b3 = &kernel[6][i][12];
                    const float *const b4 = &kernel[7][i][0];
                    const float *const b5 = &kernel[7][i][4];
                    const float *const b6 = &kernel[7][i][8];
                    const float *const b7 = &kernel[7][i][12];
                    const float *const ahead = a + (m + 4 < to ? 4 * 9216 : 0);
                    for (int j = 0; j < end; j += 16) __builtin_prefetch(ahead + j);
                    uint64_t found = 0;
                    for (int j = 0; j < end; j += 4)
                        found |= (uint64_t)bits_i32x4(load_f32x4(a + j) != 0.0f) << j;
                    for (uint64_t left = found; left; left &= left - 1) {
                        const int j = __builtin_ctzll(left);
                        const f32x4 w0 = load_f32x4(b0 + j * 16); const f32x4 w1 = load_f32x4(b1 + j * 16); const f32x4 w2 = load_f32x4(b2 + j * 16); const f32x4 w3 = load_f32x4(b3 + j * 16); const f32x4 w4 = load_f32x4(b4 + j * 16); const f32x4 w5 = load_f32x4(b5 + j * 16); const f32x4 w6 = load_f32x4(b6 + j * 16); const f32x4 w7 = load_f32x4(b7 + j * 16);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7;
                    }
                    if (i + end < 9216) {
                        store_f32x4(&y[m][96], s0_0);
                        store_f32x4(&y[m][100], s0_1);
                        store_f32x4(&y[m][104], s0_2);
                        store_f32x4(&y[m][108], s0_3);
                        store_f32x4(&y[m][112], s0_4);
                        store_f32x4(&y[m][116], s0_5);
                        store_f32x4(&y[m][120], s0_6);
                        store_f32x4(&y[m][124], s0_7);
                    } else {
                        s0_0 = max_f32x4((f32x4){0}, s0_0);
                        s0_0 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 96), threshold8), s0_0 * scale8);
                        store_f32x4(&y[m][96], s0_0);
                        s0_1 = max_f32x4((f32x4){0}, s0_1);
                        s0_1 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 100), threshold8), s0_1 * scale8);
                        store_f32x4(&y[m][100], s0_1);
                        s0_2 = max_f32x4((f32x4){0}, s0_2);
                        s0_2 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 104), threshold8), s0_2 * scale8);
                        store_f32x4(&y[m][104], s0_2);
                        s0_3 = max_f32x4((f32x4){0}, s0_3);
                        s0_3 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 108), threshold8), s0_3 * scale8);
                        store_f32x4(&y[m][108], s0_3);
                        s0_4 = max_f32x4((f32x4){0}, s0_4);
                        s0_4 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 112), threshold8), s0_4 * scale8);
                        store_f32x4(&y[m][112], s0_4);
                        s0_5 = max_f32x4((f32x4){0}, s0_5);
                        s0_5 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 116), threshold8), s0_5 * scale8);
                        store_f32x4(&y[m][116], s0_5);
                        s0_6 = max_f32x4((f32x4){0}, s0_6);
                        s0_6 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 120), threshold8), s0_6 * scale8);
                        store_f32x4(&y[m][120], s0_6);
                        s0_7 = max_f32x4((f32x4){0}, s0_7);
                        s0_7 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + 124), threshold8), s0_7 * scale8);
                        store_f32x4(&y[m][124], s0_7);
                    }
                }
            }
        }
    }
}

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
static void dense_1_input_gradient_base(const float (*d_y)[10], const float (*kernel)[128][16], float (*d_x)[128], float *work, const float (*e0)[128], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    const uint64_t key8 = step ? random_key(step_key(step), 8u) : 0;
    const uint32_t threshold8 = step ? 2147483648u : 0;
    const float scale8 = step ? 2.0f : 1.0f;
    float (*const turned)[8] = (float (*)[8])(work + task * 128);
    const ptrdiff_t from = 0, to = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 8;
        const ptrdiff_t next = part + 1 < 16 ? i + 8 : 0;
        for (int p = 0; p < 1; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 8; r += 4) transpose4_f32x4(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 8);
            }
        }
        ptrdiff_t m = from;
        for (; m + 2 <= to; m += 2) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0};
            f32x4 s1_0 = {0}; f32x4 s1_1 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 2; t++) {
                for (int at = 0; at < 8; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 8; line++) __builtin_prefetch(kernel[line / 8][next + line % 8], 0);
                for (int j = 10 * t / 2; j < 10 * (t + 1) / 2; j++) {
                    const f32x4 w0 = load_f32x4(turned[j] + 0 * 4); const f32x4 w1 = load_f32x4(turned[j] + 1 * 4);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                    s1_0 += a[j + 10] * w0; s1_1 += a[j + 10] * w1;
                }
            }
            s0_0 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + i), threshold8), s0_0 * scale8);
            s0_0 = keep_f32x4(load_f32x4(&e0[m][i]) > 0.0f, s0_0);
            store_f32x4(&d_x[m][i], s0_0);
            s0_1 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + i + 4), threshold8), s0_1 * scale8);
            s0_1 = keep_f32x4(load_f32x4(&e0[m][i + 4]) > 0.0f, s0_1);
            store_f32x4(&d_x[m][i + 4], s0_1);
            s1_0 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)((m + 1) * 128 + i), threshold8), s1_0 * scale8);
            s1_0 = keep_f32x4(load_f32x4(&e0[m + 1][i]) > 0.0f, s1_0);
            store_f32x4(&d_x[m + 1][i], s1_0);
            s1_1 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)((m + 1) * 128 + i + 4), threshold8), s1_1 * scale8);
            s1_1 = keep_f32x4(load_f32x4(&e0[m + 1][i + 4]) > 0.0f, s1_1);
            store_f32x4(&d_x[m + 1][i + 4], s1_1);
        }
        for (; m < to; m++) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 8; at += 16) {
                    __builtin_prefetch(&d_x[m + t][i + at], 1);
                    __builtin_prefetch(&e0[m + t][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 1; line < (m + t + 1) * 1 && line < 1 * 8; line++) __builtin_prefetch(kernel[line / 8][next + line % 8], 0);
                for (int j = 10 * t / 1; j < 10 * (t + 1) / 1; j++) {
                    const f32x4 w0 = load_f32x4(turned[j] + 0 * 4); const f32x4 w1 = load_f32x4(turned[j] + 1 * 4);
                    s0_0 += a[j] * w0; s0_1 += a[j] * w1;
                }
            }
            s0_0 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + i), threshold8), s0_0 * scale8);
            s0_0 = keep_f32x4(load_f32x4(&e0[m][i]) > 0.0f, s0_0);
            store_f32x4(&d_x[m][i], s0_0);
            s0_1 = keep_f32x4(~random_below_f32x4(key8, (uint32_t)(m * 128 + i + 4), threshold8), s0_1 * scale8);
            s0_1 = keep_f32x4(load_f32x4(&e0[m][i + 4]) > 0.0f, s0_1);
            store_f32x4(&d_x[m][i + 4], s0_1);
        }
    }
}

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_1_weight_gradient_base(const float (*x)[128], const float (*d_y)[10], float (*w)[128][16], float (*slot0)[128][16], float (*slot1)[128][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        for (int k = 0; k < 2; k += 1) {
            f32x4 s0_0 = {0};
            f32x4 s1_0 = {0};
            f32x4 s2_0 = {0};
            f32x4 s3_0 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[k / 4][i + t], 1);
                __builtin_prefetch(slot0[k / 4][i + t], 1);
                __builtin_prefetch(slot1[k / 4][i + t], 1);
            }
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_f32x4(d + k * 4);
                const f32x4 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            const f32x4 sums[4][1] = {
                {s0_0},
                {s1_0},
                {s2_0},
                {s3_0},
            };
            for (int q = 0; q < 1; q++) {
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
        {
            f32x4 s0_0 = {0};
            f32x4 s1_0 = {0};
            f32x4 s2_0 = {0};
            f32x4 s3_0 = {0};
            for (int t = 0; t < 4; t++) {
                __builtin_prefetch(w[0][i + t], 1);
                __builtin_prefetch(slot0[0][i + t], 1);
                __builtin_prefetch(slot1[0][i + t], 1);
            }
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_part_f32x4(d + (2) * 4, 2);
                const f32x4 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            const f32x4 sums[4][1] = {
                {s0_0},
                {s1_0},
                {s2_0},
                {s3_0},
            };
            for (int q = 0; q < 1; q++) {
                for (int t = 0; t < 4; t++) {
                    {
                        f32x4 g = sums[t][q];
                        f32x4 v = load_f32x4(&w[(q + 2) / 4][i + t][(q + 2) % 4 * 4]);
                        f32x4 m0 = load_f32x4(&slot0[(q + 2) / 4][i + t][(q + 2) % 4 * 4]);
                        f32x4 m1 = load_f32x4(&slot1[(q + 2) / 4][i + t][(q + 2) % 4 * 4]);
                        m0 += (g - m0) * 0.1f;
                        m1 += (g * g - m1) * 0.001f;
                        v -= m0 * alpha / (sqrt_f32x4(m1) + 1e-07f);
                        store_f32x4(&slot0[(q + 2) / 4][i + t][(q + 2) % 4 * 4], m0);
                        store_f32x4(&slot1[(q + 2) / 4][i + t][(q + 2) % 4 * 4], m1);
                        store_f32x4(&w[(q + 2) / 4][i + t][(q + 2) % 4 * 4], v);
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
    for (int k = 0; k < 32; k += 8) {
        f32x4 s0_0 = load_f32x4(&shards[k * 4]);
        f32x4 s0_1 = load_f32x4(&shards[(k + 1) * 4]);
        f32x4 s0_2 = load_f32x4(&shards[(k + 2) * 4]);
        f32x4 s0_3 = load_f32x4(&shards[(k + 3) * 4]);
        f32x4 s0_4 = load_f32x4(&shards[(k + 4) * 4]);
        f32x4 s0_5 = load_f32x4(&shards[(k + 5) * 4]);
        f32x4 s0_6 = load_f32x4(&shards[(k + 6) * 4]);
        f32x4 s0_7 = load_f32x4(&shards[(k + 7) * 4]);
        for (ptrdiff_t m = first * 1; m < last * 1; m++) {
            s0_0 += load_f32x4(&d_y[m * 128 + k * 4]);
            s0_1 += load_f32x4(&d_y[m * 128 + (k + 1) * 4]);
            s0_2 += load_f32x4(&d_y[m * 128 + (k + 2) * 4]);
            s0_3 += load_f32x4(&d_y[m * 128 + (k + 3) * 4]);
            s0_4 += load_f32x4(&d_y[m * 128 + (k + 4) * 4]);
            s0_5 += load_f32x4(&d_y[m * 128 + (k + 5) * 4]);
            s0_6 += load_f32x4(&d_y[m * 128 + (k + 6) * 4]);
            s0_7 += load_f32x4(&d_y[m * 128 + (k + 7) * 4]);
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
    const ptrdiff_t end = last * 256 < 128 ? last * 256 : 128;
    ptrdiff_t i = first * 256;
    for (; i + 4 <= end; i += 4) {
        f32x4 sum = load_f32x4(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x4(&shards[s * 128 + i]);
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

/* dense: d_x[i] = sum over o of d_y[o] kernel[i][o]. */
static void dense_input_gradient_base(const float (*d_y)[128], const float (*kernel)[9216][16], float (*d_x)[9216], float *work, const float (*e0)[9216], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    const uint64_t key5 = step ? random_key(step_key(step), 5u) : 0;
    const uint32_t threshold5 = step ? 1073741824u : 0;
    const float scale5 = step ? 1.3333334f : 1.0f;
    float (*const turned)[48] = (float (*)[48])(work + task * 6144);
    const ptrdiff_t from = 0, to = count * 1;
    uint64_t found[128][2];
    memset(found, 0, sizeof found);
    for (ptrdiff_t m = from; m < to; m++) {
        for (int o = 0; o < 128; o += 4) found[m][o / 64] |= (uint64_t)bits_i32x4(load_f32x4(&d_y[m][o]) != 0.0f) << o % 64;
    }
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 48;
        const ptrdiff_t next = part + 1 < 192 ? i + 48 : 0;
        for (int p = 0; p < 8; p++) {
            for (int o = 0; o < 16; o += 4) {
                for (int r = 0; r < 48; r += 4) transpose4_f32x4(&kernel[p][i + r][o], 16, &turned[p * 16 + o][r], 48);
            }
        }
        ptrdiff_t m = from;
        for (; m < to; m++) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0}; f32x4 s0_4 = {0}; f32x4 s0_5 = {0}; f32x4 s0_6 = {0}; f32x4 s0_7 = {0}; f32x4 s0_8 = {0}; f32x4 s0_9 = {0}; f32x4 s0_10 = {0}; f32x4 s0_11 = {0};
            const float *const a = d_y[m];
            for (int t = 0; t < 1; t++) {
                for (int at = 0; at < 48; at += 16) {
                    __builtin_prefetch(&d_x[(m + 4 < to ? m + 4 : m)][i + at], 1);
                    __builtin_prefetch(&e0[(m + 4 < to ? m + 4 : m)][i + at], 0);
                }
                for (ptrdiff_t line = (m + t) * 3; line < (m + t + 1) * 3 && line < 8 * 48; line++) __builtin_prefetch(kernel[line / 48][next + line % 48], 0);
                for (int word = 0; word < 2; word++) {
                    for (uint64_t left = found[m][word]; left; left &= left - 1) {
                        const int j = word * 64 + __builtin_ctzll(left);
                        const f32x4 w0 = load_f32x4(turned[j] + 0 * 4); const f32x4 w1 = load_f32x4(turned[j] + 1 * 4); const f32x4 w2 = load_f32x4(turned[j] + 2 * 4); const f32x4 w3 = load_f32x4(turned[j] + 3 * 4); const f32x4 w4 = load_f32x4(turned[j] + 4 * 4); const f32x4 w5 = load_f32x4(turned[j] + 5 * 4); const f32x4 w6 = load_f32x4(turned[j] + 6 * 4); const f32x4 w7 = load_f32x4(turned[j] + 7 * 4); const f32x4 w8 = load_f32x4(turned[j] + 8 * 4); const f32x4 w9 = load_f32x4(turned[j] + 9 * 4); const f32x4 w10 = load_f32x4(turned[j] + 10 * 4); const f32x4 w11 = load_f32x4(turned[j] + 11 * 4);
                        s0_0 += a[j] * w0; s0_1 += a[j] * w1; s0_2 += a[j] * w2; s0_3 += a[j] * w3; s0_4 += a[j] * w4; s0_5 += a[j] * w5; s0_6 += a[j] * w6; s0_7 += a[j] * w7; s0_8 += a[j] * w8; s0_9 += a[j] * w9; s0_10 += a[j] * w10; s0_11 += a[j] * w11;
                    }
                }
            }
            s0_0 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i), threshold5), s0_0 * scale5);
            s0_0 = keep_f32x4(load_f32x4(&e0[m][i]) > 0.0f, s0_0);
            store_f32x4(&d_x[m][i], s0_0);
            s0_1 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 4), threshold5), s0_1 * scale5);
            s0_1 = keep_f32x4(load_f32x4(&e0[m][i + 4]) > 0.0f, s0_1);
            store_f32x4(&d_x[m][i + 4], s0_1);
            s0_2 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 8), threshold5), s0_2 * scale5);
            s0_2 = keep_f32x4(load_f32x4(&e0[m][i + 8]) > 0.0f, s0_2);
            store_f32x4(&d_x[m][i + 8], s0_2);
            s0_3 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 12), threshold5), s0_3 * scale5);
            s0_3 = keep_f32x4(load_f32x4(&e0[m][i + 12]) > 0.0f, s0_3);
            store_f32x4(&d_x[m][i + 12], s0_3);
            s0_4 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 16), threshold5), s0_4 * scale5);
            s0_4 = keep_f32x4(load_f32x4(&e0[m][i + 16]) > 0.0f, s0_4);
            store_f32x4(&d_x[m][i + 16], s0_4);
            s0_5 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 20), threshold5), s0_5 * scale5);
            s0_5 = keep_f32x4(load_f32x4(&e0[m][i + 20]) > 0.0f, s0_5);
            store_f32x4(&d_x[m][i + 20], s0_5);
            s0_6 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 24), threshold5), s0_6 * scale5);
            s0_6 = keep_f32x4(load_f32x4(&e0[m][i + 24]) > 0.0f, s0_6);
            store_f32x4(&d_x[m][i + 24], s0_6);
            s0_7 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 28), threshold5), s0_7 * scale5);
            s0_7 = keep_f32x4(load_f32x4(&e0[m][i + 28]) > 0.0f, s0_7);
            store_f32x4(&d_x[m][i + 28], s0_7);
            s0_8 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 32), threshold5), s0_8 * scale5);
            s0_8 = keep_f32x4(load_f32x4(&e0[m][i + 32]) > 0.0f, s0_8);
            store_f32x4(&d_x[m][i + 32], s0_8);
            s0_9 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 36), threshold5), s0_9 * scale5);
            s0_9 = keep_f32x4(load_f32x4(&e0[m][i + 36]) > 0.0f, s0_9);
            store_f32x4(&d_x[m][i + 36], s0_9);
            s0_10 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 40), threshold5), s0_10 * scale5);
            s0_10 = keep_f32x4(load_f32x4(&e0[m][i + 40]) > 0.0f, s0_10);
            store_f32x4(&d_x[m][i + 40], s0_10);
            s0_11 = keep_f32x4(~random_below_f32x4(key5, (uint32_t)(m * 9216 + i + 44), threshold5), s0_11 * scale5);
            s0_11 = keep_f32x4(load_f32x4(&e0[m][i + 44]) > 0.0f, s0_11);
            store_f32x4(&d_x[m][i + 44], s0_11);
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_weight_gradient_base(const float (*x)[9216], const float (*d_y)[128], float (*w)[9216][16], float (*slot0)[9216][16], float (*slot1)[9216][16], const Step *step, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 2;
        for (int k = 0; k < 32; k += 4) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0};
            f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0}; f32x4 s1_3 = {0};
            for (int t = 0; t < 2; t++) {
                __builtin_prefetch(w[k / 4][i + t], 1);
                __builtin_prefetch(slot0[k / 4][i + t], 1);
                __builtin_prefetch(slot1[k / 4][i + t], 1);
            }
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_f32x4(d + k * 4);
                const f32x4 d1 = load_f32x4(d + (k + 1) * 4);
                const f32x4 d2 = load_f32x4(d + (k + 2) * 4);
                const f32x4 d3 = load_f32x4(d + (k + 3) * 4);
                const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2; const f32x4 w3 = d3;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2; s0_3 += a[0] * w3;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2; s1_3 += a[1] * w3;
            }
            const f32x4 sums[2][4] = {
                {s0_0, s0_1, s0_2, s0_3},
                {s1_0, s1_1, s1_2, s1_3},
            };
            for (int q = 0; q < 4; q++) {
                for (int t = 0; t < 2; t++) {
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
    const ptrdiff_t end = last * 1024 < 128 ? last * 1024 : 128;
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

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
static void conv2d_1_transpose_base(const float (*kernel)[288][16], float *turned, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t g = first; g < last; g++) {
        for (int r = 0; r < 3; r++) {
            for (int part = 0; part < 2; part++) {
                for (int k = 0; k < 16; k++) {
                    float *const to = turned + ((r * 2 + part) * 64 + g * 16 + k) * (48);
                    for (int s = 0; s < 3; s++) {
                        for (int i = 0; i < 16; i++) to[s * 16 + i] = kernel[g][(r * 3 + s) * 32 + part * 16 + i][k];
                    }
                }
            }
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
static void conv2d_1_gradients_part_base(const float (*x)[26][26][32], const float (*d_y)[12][12][64], const uint8_t (*selected)[12][12][64], float (*d_x)[26][26][32], float *shards, float *tiles, float *turned, const float (*e0)[26][26][32], ptrdiff_t first, ptrdiff_t last, ptrdiff_t task)
{
    float (*const sums)[288] = (float (*)[288])shards;
    int32_t (*const block)[64] = (int32_t (*)[64])(tiles + task * 1344 + 1152);
    float *const bias_sums = shards + 18432;
    uint64_t (*const band)[12][4][1] = (uint64_t (*)[12][4][1])(tiles + task * 1344);
    for (ptrdiff_t n = first; n < last; n++) {
        for (int p0 = 0; p0 < 12; p0 += 3) {
            const int rows = 12 - p0 < 3 ? 12 - p0 : 3;
            for (int q0 = 0; q0 < 12; q0 += 12) {
                const int columns = 12 - q0 < 12 ? 12 - q0 : 12;
                for (int k = 0; k < 64; k += 4) {
                    f32x4 sum = load_f32x4(&bias_sums[k]);
                    for (int p = 0; p < rows; p++) {
                        i32x4 found = {0};
                        for (int q = 0; q < columns; q++) {
                            const f32x4 d = load_f32x4(&d_y[n][p0 + p][q0 + q][k]);
                            sum += d;
                            found |= (d != 0.0f) & (int32_t)(1u << q);
                        }
                        store_part_i32x4(&block[p][k], found, 4);
                    }
                    store_f32x4(&bias_sums[k], sum);
                }
                for (int k = 0; k < 64; k++) {
                    uint64_t found = (uint32_t)block[0][k];
                    for (int p = 1; p < rows; p++) found |= (uint64_t)(uint32_t)block[p][k] << p * 12;
                    if (!found) continue;
                    for (int r = 0; r < 3; r++) {
                        for (int part = 0; part < 3 * 32; part += 48) {
                            float *const t = &sums[k][r * 96 + part];
                            f32x4 s0 = load_f32x4(t);
                            f32x4 s1 = load_f32x4(t + 4);
                            f32x4 s2 = load_f32x4(t + 8);
                            f32x4 s3 = load_f32x4(t + 12);
                            f32x4 s4 = load_f32x4(t + 16);
                            f32x4 s5 = load_f32x4(t + 20);
                            f32x4 s6 = load_f32x4(t + 24);
                            f32x4 s7 = load_f32x4(t + 28);
                            f32x4 s8 = load_f32x4(t + 32);
                            f32x4 s9 = load_f32x4(t + 36);
                            f32x4 s10 = load_f32x4(t + 40);
                            f32x4 s11 = load_f32x4(t + 44);
                            for (uint64_t left = found; left; left &= left - 1) {
                                const int place = __builtin_ctzll(left), p = place / 12, q = place % 12;
                                const float d = d_y[n][p0 + p][q0 + q][k];
                                const int at = selected[n][p0 + p][q0 + q][k] & 3;
                                const float *const a = x[n][2 * (p0 + p) + at / 2][2 * (q0 + q) + at % 2] + r * 832 + part;
                                s0 += d * load_f32x4(a);
                                s1 += d * load_f32x4(a + 4);
                                s2 += d * load_f32x4(a + 8);
                                s3 += d * load_f32x4(a + 12);
                                s4 += d * load_f32x4(a + 16);
                                s5 += d * load_f32x4(a + 20);
                                s6 += d * load_f32x4(a + 24);
                                s7 += d * load_f32x4(a + 28);
                                s8 += d * load_f32x4(a + 32);
                                s9 += d * load_f32x4(a + 36);
                                s10 += d * load_f32x4(a + 40);
                                s11 += d * load_f32x4(a + 44);
                            }
                            store_f32x4(t + 0 * 4, s0);
                            store_f32x4(t + 1 * 4, s1);
                            store_f32x4(t + 2 * 4, s2);
                            store_f32x4(t + 3 * 4, s3);
                            store_f32x4(t + 4 * 4, s4);
                            store_f32x4(t + 5 * 4, s5);
                            store_f32x4(t + 6 * 4, s6);
                            store_f32x4(t + 7 * 4, s7);
                            store_f32x4(t + 8 * 4, s8);
                            store_f32x4(t + 9 * 4, s9);
                            store_f32x4(t + 10 * 4, s10);
                            store_f32x4(t + 11 * 4, s11);
                        }
                    }
                }
            }
        }
        float (*const image)[832] = (float (*)[832])d_x[n];
        memset(image, 0, 26 * sizeof *image);
        for (int p0 = 0; p0 < 12; p0 += 12) {
            const int rows = 12 - p0 < 12 ? 12 - p0 : 12;
            for (int p = 0; p < rows; p++) {
                for (int q = 0; q < 12; q++) {
                    for (int word = 0; word < 1; word++) {
                        uint64_t found[4] = {0};
                        for (int v = 0; v < 16; v++) {
                            const int k = word * 64 + v * 4;
                            const i32x4 is = load_f32x4(&d_y[n][p0 + p][q][k]) != 0.0f, at = load_u8_i32x4(&selected[n][p0 + p][q][k]);
                            UNROLL for (int i = 0; i < 4; i++) found[i] |= (uint64_t)bits_i32x4(is & (at == i)) << v * 4;
                        }
                        for (int i = 0; i < 4; i++) band[p][q][i][word] = found[i];
                    }
                }
            }
            for (int r = 0; r < 3; r++) {
                for (int part = 0; part < 2; part++) {
                    const float *const kernels = turned + (r * 2 + part) * (3072);
                    for (int p = 0; p < 2 * rows; p++) {
                        float *to = &image[2 * p0 + p + r][part * 16];
                        f32x4 s0 = load_f32x4(to);
                        f32x4 s1 = load_f32x4(to + 4);
                        f32x4 s2 = load_f32x4(to + 8);
                        f32x4 s3 = load_f32x4(to + 12);
                        f32x4 s4 = load_f32x4(to + 32);
                        f32x4 s5 = load_f32x4(to + 36);
                        f32x4 s6 = load_f32x4(to + 40);
                        f32x4 s7 = load_f32x4(to + 44);
                        for (int q = 0; q < 2 * 12; q++) {
                            f32x4 s8 = load_f32x4(to + 64);
                            f32x4 s9 = load_f32x4(to + 68);
                            f32x4 s10 = load_f32x4(to + 72);
                            f32x4 s11 = load_f32x4(to + 76);
                            for (int word = 0; word < 1; word++) {
                                for (uint64_t left = band[p / 2][q / 2][p % 2 * 2 + q % 2][word]; left; left &= left - 1) {
                                    const int k = word * 64 + __builtin_ctzll(left);
                                    const float d = d_y[n][p0 + p / 2][q / 2][k];
                                    const float *const b = kernels + k * (48);
                                    s0 += d * load_f32x4(b);
                                    s1 += d * load_f32x4(b + 4);
                                    s2 += d * load_f32x4(b + 8);
                                    s3 += d * load_f32x4(b + 12);
                                    s4 += d * load_f32x4(b + 16);
                                    s5 += d * load_f32x4(b + 20);
                                    s6 += d * load_f32x4(b + 24);
                                    s7 += d * load_f32x4(b + 28);
                                    s8 += d * load_f32x4(b + 32);
                                    s9 += d * load_f32x4(b + 36);
                                    s10 += d * load_f32x4(b + 40);
                                    s11 += d * load_f32x4(b + 44);
                                }
                            }
                            store_f32x4(to + 0 * 32 + 0 * 4, s0);
                            store_f32x4(to + 0 * 32 + 1 * 4, s1);
                            store_f32x4(to + 0 * 32 + 2 * 4, s2);
                            store_f32x4(to + 0 * 32 + 3 * 4, s3);
                            s0 = s4;
                            s1 = s5;
                            s2 = s6;
                            s3 = s7;
                            s4 = s8;
                            s5 = s9;
                            s6 = s10;
                            s7 = s11;
                            to += 32;
                        }
                        store_f32x4(to + 0 * 32 + 0 * 4, s0);
                        store_f32x4(to + 0 * 32 + 1 * 4, s1);
                        store_f32x4(to + 0 * 32 + 2 * 4, s2);
                        store_f32x4(to + 0 * 32 + 3 * 4, s3);
                        store_f32x4(to + 1 * 32 + 0 * 4, s4);
                        store_f32x4(to + 1 * 32 + 1 * 4, s5);
                        store_f32x4(to + 1 * 32 + 2 * 4, s6);
                        store_f32x4(to + 1 * 32 + 3 * 4, s7);
                    }
                }
            }
        }
        for (int h = 0; h < 26; h++) {
            for (int w = 0; w < 26; w++) {
                for (int k = 0; k < 32; k += 4) {
                    f32x4 sum = load_f32x4(&image[h][w * 32 + k]);
                    sum = keep_f32x4(load_f32x4(&e0[n][h][w][k]) > 0.0f, sum);
                    store_f32x4(&d_x[n][h][w][k], sum);
                }
            }
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
static void conv2d_1_weight_gradient_base(float (*d_kernel)[288][16], float *shards, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t g = part % 4, row = part / 4 * 16;
        float sums[16][16];
        for (int k = 0; k < 16; k++) {
            for (int i = 0; i < 16; i += 4) {
                const float *const from = shards + (g * 16 + k) * 288 + row + i;
                f32x4 sum = load_f32x4(from);
                for (int shard = 1; shard < 16; shard++) sum += load_f32x4(from + shard * 18496);
                store_f32x4(&sums[k][i], sum);
            }
        }
        for (int k = 0; k < 16; k += 4) {
            for (int i = 0; i < 16; i += 4) transpose4_f32x4(&sums[k][i], 16, &d_kernel[g][row + i][k], 16);
        }
    }
}

/* conv2d_1: the gradients, as sums over what is not zero in d_y. */
static void conv2d_1_bias_gradient_base(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 64 ? last * 256 : 64;
    ptrdiff_t i = first * 256;
    for (; i + 4 <= end; i += 4) {
        f32x4 sum = load_f32x4(&shards[i + 18432]);
        for (int s = 1; s < 16; s++) sum += load_f32x4(&shards[s * 18496 + i + 18432]);
        store_f32x4(&d_bias[i], sum);
    }
}

/* conv2d: d_kernel[r][s][c][k] = sum over samples, p, q of x[p + r][q + s][c] d_y[p][q][k]. */
static void conv2d_weight_gradient_part_base(const float (*x)[28][28][1], const float (*d_y)[26][26][32], float *shards, ptrdiff_t first, ptrdiff_t last)
{
    float (*const sums)[9][16] = (float (*)[9][16])shards;
    for (ptrdiff_t n = first; n < last; n++) {
        {
            for (int k = 0; k < 6; k += 3) {
                {
                    float *const t0 = &sums[k / 4][0][k % 4 * 4];
                    float *const t1 = &sums[(k + 1) / 4][0][(k + 1) % 4 * 4];
                    float *const t2 = &sums[(k + 2) / 4][0][(k + 2) % 4 * 4];
                    f32x4 s0_0 = load_f32x4(t0); f32x4 s0_1 = load_f32x4(t1); f32x4 s0_2 = load_f32x4(t2);
                    f32x4 s1_0 = load_f32x4(t0 + 16); f32x4 s1_1 = load_f32x4(t1 + 16); f32x4 s1_2 = load_f32x4(t2 + 16);
                    f32x4 s2_0 = load_f32x4(t0 + 32); f32x4 s2_1 = load_f32x4(t1 + 32); f32x4 s2_2 = load_f32x4(t2 + 32);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x4 d0 = load_f32x4(&d_y[n][p][q][k * 4]);
                            const f32x4 d1 = load_f32x4(&d_y[n][p][q][(k + 1) * 4]);
                            const f32x4 d2 = load_f32x4(&d_y[n][p][q][(k + 2) * 4]);
                            const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2;
                            s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2;
                            s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2;
                            s2_0 += a[2] * w0; s2_1 += a[2] * w1; s2_2 += a[2] * w2;
                            a += 1;
                        }
                    }
                    store_f32x4(t0 + 0 * 16, s0_0);
                    store_f32x4(t1 + 0 * 16, s0_1);
                    store_f32x4(t2 + 0 * 16, s0_2);
                    store_f32x4(t0 + 1 * 16, s1_0);
                    store_f32x4(t1 + 1 * 16, s1_1);
                    store_f32x4(t2 + 1 * 16, s1_2);
                    store_f32x4(t0 + 2 * 16, s2_0);
                    store_f32x4(t1 + 2 * 16, s2_1);
                    store_f32x4(t2 + 2 * 16, s2_2);
                }
            }
            {
                {
                    float *const t0 = &sums[1][0][8];
                    float *const t1 = &sums[1][0][12];
                    f32x4 s0_0 = load_f32x4(t0); f32x4 s0_1 = load_f32x4(t1);
                    f32x4 s1_0 = load_f32x4(t0 + 16); f32x4 s1_1 = load_f32x4(t1 + 16);
                    f32x4 s2_0 = load_f32x4(t0 + 32); f32x4 s2_1 = load_f32x4(t1 + 32);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x4 d0 = load_f32x4(&d_y[n][p][q][24]);
                            const f32x4 d1 = load_f32x4(&d_y[n][p][q][28]);
                            const f32x4 w0 = d0; const f32x4 w1 = d1;
                            s0_0 += a[0] * w0; s0_1 += a[0] * w1;
                            s1_0 += a[1] * w0; s1_1 += a[1] * w1;
                            s2_0 += a[2] * w0; s2_1 += a[2] * w1;
                            a += 1;
                        }
                    }
                    store_f32x4(t0 + 0 * 16, s0_0);
                    store_f32x4(t1 + 0 * 16, s0_1);
                    store_f32x4(t0 + 1 * 16, s1_0);
                    store_f32x4(t1 + 1 * 16, s1_1);
                    store_f32x4(t0 + 2 * 16, s2_0);
                    store_f32x4(t1 + 2 * 16, s2_1);
                }
            }
            for (int k = 0; k < 6; k += 3) {
                {
                    float *const t0 = &sums[k / 4][3][k % 4 * 4];
                    float *const t1 = &sums[(k + 1) / 4][3][(k + 1) % 4 * 4];
                    float *const t2 = &sums[(k + 2) / 4][3][(k + 2) % 4 * 4];
                    f32x4 s0_0 = load_f32x4(t0); f32x4 s0_1 = load_f32x4(t1); f32x4 s0_2 = load_f32x4(t2);
                    f32x4 s1_0 = load_f32x4(t0 + 16); f32x4 s1_1 = load_f32x4(t1 + 16); f32x4 s1_2 = load_f32x4(t2 + 16);
                    f32x4 s2_0 = load_f32x4(t0 + 32); f32x4 s2_1 = load_f32x4(t1 + 32); f32x4 s2_2 = load_f32x4(t2 + 32);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x4 d0 = load_f32x4(&d_y[n][p][q][k * 4]);
                            const f32x4 d1 = load_f32x4(&d_y[n][p][q][(k + 1) * 4]);
                            const f32x4 d2 = load_f32x4(&d_y[n][p][q][(k + 2) * 4]);
                            const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2;
                            s0_0 += a[28] * w0; s0_1 += a[28] * w1; s0_2 += a[28] * w2;
                            s1_0 += a[29] * w0; s1_1 += a[29] * w1; s1_2 += a[29] * w2;
                            s2_0 += a[30] * w0; s2_1 += a[30] * w1; s2_2 += a[30] * w2;
                            a += 1;
                        }
                    }
                    store_f32x4(t0 + 0 * 16, s0_0);
                    store_f32x4(t1 + 0 * 16, s0_1);
                    store_f32x4(t2 + 0 * 16, s0_2);
                    store_f32x4(t0 + 1 * 16, s1_0);
                    store_f32x4(t1 + 1 * 16, s1_1);
                    store_f32x4(t2 + 1 * 16, s1_2);
                    store_f32x4(t0 + 2 * 16, s2_0);
                    store_f32x4(t1 + 2 * 16, s2_1);
                    store_f32x4(t2 + 2 * 16, s2_2);
                }
            }
            {
                {
                    float *const t0 = &sums[1][3][8];
                    float *const t1 = &sums[1][3][12];
                    f32x4 s0_0 = load_f32x4(t0); f32x4 s0_1 = load_f32x4(t1);
                    f32x4 s1_0 = load_f32x4(t0 + 16); f32x4 s1_1 = load_f32x4(t1 + 16);
                    f32x4 s2_0 = load_f32x4(t0 + 32); f32x4 s2_1 = load_f32x4(t1 + 32);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x4 d0 = load_f32x4(&d_y[n][p][q][24]);
                            const f32x4 d1 = load_f32x4(&d_y[n][p][q][28]);
                            const f32x4 w0 = d0; const f32x4 w1 = d1;
                            s0_0 += a[28] * w0; s0_1 += a[28] * w1;
                            s1_0 += a[29] * w0; s1_1 += a[29] * w1;
                            s2_0 += a[30] * w0; s2_1 += a[30] * w1;
                            a += 1;
                        }
                    }
                    store_f32x4(t0 + 0 * 16, s0_0);
                    store_f32x4(t1 + 0 * 16, s0_1);
                    store_f32x4(t0 + 1 * 16, s1_0);
                    store_f32x4(t1 + 1 * 16, s1_1);
                    store_f32x4(t0 + 2 * 16, s2_0);
                    store_f32x4(t1 + 2 * 16, s2_1);
                }
            }
            for (int k = 0; k < 6; k += 3) {
                {
                    float *const t0 = &sums[k / 4][6][k % 4 * 4];
                    float *const t1 = &sums[(k + 1) / 4][6][(k + 1) % 4 * 4];
                    float *const t2 = &sums[(k + 2) / 4][6][(k + 2) % 4 * 4];
                    f32x4 s0_0 = load_f32x4(t0); f32x4 s0_1 = load_f32x4(t1); f32x4 s0_2 = load_f32x4(t2);
                    f32x4 s1_0 = load_f32x4(t0 + 16); f32x4 s1_1 = load_f32x4(t1 + 16); f32x4 s1_2 = load_f32x4(t2 + 16);
                    f32x4 s2_0 = load_f32x4(t0 + 32); f32x4 s2_1 = load_f32x4(t1 + 32); f32x4 s2_2 = load_f32x4(t2 + 32);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x4 d0 = load_f32x4(&d_y[n][p][q][k * 4]);
                            const f32x4 d1 = load_f32x4(&d_y[n][p][q][(k + 1) * 4]);
                            const f32x4 d2 = load_f32x4(&d_y[n][p][q][(k + 2) * 4]);
                            const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2;
                            s0_0 += a[56] * w0; s0_1 += a[56] * w1; s0_2 += a[56] * w2;
                            s1_0 += a[57] * w0; s1_1 += a[57] * w1; s1_2 += a[57] * w2;
                            s2_0 += a[58] * w0; s2_1 += a[58] * w1; s2_2 += a[58] * w2;
                            a += 1;
                        }
                    }
                    store_f32x4(t0 + 0 * 16, s0_0);
                    store_f32x4(t1 + 0 * 16, s0_1);
                    store_f32x4(t2 + 0 * 16, s0_2);
                    store_f32x4(t0 + 1 * 16, s1_0);
                    store_f32x4(t1 + 1 * 16, s1_1);
                    store_f32x4(t2 + 1 * 16, s1_2);
                    store_f32x4(t0 + 2 * 16, s2_0);
                    store_f32x4(t1 + 2 * 16, s2_1);
                    store_f32x4(t2 + 2 * 16, s2_2);
                }
            }
            {
                {
                    float *const t0 = &sums[1][6][8];
                    float *const t1 = &sums[1][6][12];
                    f32x4 s0_0 = load_f32x4(t0); f32x4 s0_1 = load_f32x4(t1);
                    f32x4 s1_0 = load_f32x4(t0 + 16); f32x4 s1_1 = load_f32x4(t1 + 16);
                    f32x4 s2_0 = load_f32x4(t0 + 32); f32x4 s2_1 = load_f32x4(t1 + 32);
                    for (int p = 0; p < 26; p++) {
                        const float *a = &x[n][p][0][0];
                        for (int q = 0; q < 26; q++) {
                            const f32x4 d0 = load_f32x4(&d_y[n][p][q][24]);
                            const f32x4 d1 = load_f32x4(&d_y[n][p][q][28]);
                            const f32x4 w0 = d0; const f32x4 w1 = d1;
                            s0_0 += a[56] * w0; s0_1 += a[56] * w1;
                            s1_0 += a[57] * w0; s1_1 += a[57] * w1;
                            s2_0 += a[58] * w0; s2_1 += a[58] * w1;
                            a += 1;
                        }
                    }
                    store_f32x4(t0 + 0 * 16, s0_0);
                    store_f32x4(t1 + 0 * 16, s0_1);
                    store_f32x4(t0 + 1 * 16, s1_0);
                    store_f32x4(t1 + 1 * 16, s1_1);
                    store_f32x4(t0 + 2 * 16, s2_0);
                    store_f32x4(t1 + 2 * 16, s2_1);
                }
            }
        }
    }
}

/* conv2d: d_kernel[r][s][c][k] = sum over samples, p, q of x[p + r][q + s][c] d_y[p][q][k]. */
static void conv2d_weight_gradient_base(float *d_kernel, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 288 ? last * 256 : 288;
    ptrdiff_t i = first * 256;
    for (; i + 4 <= end; i += 4) {
        f32x4 sum = load_f32x4(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x4(&shards[s * 288 + i]);
        store_f32x4(&d_kernel[i], sum);
    }
}

/* conv2d: d_bias[k] = the sum of all d_y[...][k]. */
static void conv2d_bias_gradient_part_base(const float *d_y, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    ptrdiff_t i = first * 676 * 32;
    const ptrdiff_t end = last * 676 * 32;
    f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0}; f32x4 s0_4 = {0}; f32x4 s0_5 = {0}; f32x4 s0_6 = {0}; f32x4 s0_7 = {0};
    for (; i + 32 <= end; i += 32) {
        s0_0 += load_f32x4(&d_y[i]);
        s0_1 += load_f32x4(&d_y[i + 4]);
        s0_2 += load_f32x4(&d_y[i + 8]);
        s0_3 += load_f32x4(&d_y[i + 12]);
        s0_4 += load_f32x4(&d_y[i + 16]);
        s0_5 += load_f32x4(&d_y[i + 20]);
        s0_6 += load_f32x4(&d_y[i + 24]);
        s0_7 += load_f32x4(&d_y[i + 28]);
    }
    float parts[32];
    store_f32x4(&parts[0], s0_0);
    store_f32x4(&parts[4], s0_1);
    store_f32x4(&parts[8], s0_2);
    store_f32x4(&parts[12], s0_3);
    store_f32x4(&parts[16], s0_4);
    store_f32x4(&parts[20], s0_5);
    store_f32x4(&parts[24], s0_6);
    store_f32x4(&parts[28], s0_7);
    for (int j = 0; j < 32; j++) shards[j % 32] += parts[j];
}

/* conv2d: d_bias[k] = the sum of all d_y[...][k]. */
static void conv2d_bias_gradient_base(float *d_bias, float *shards, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t end = last * 256 < 32 ? last * 256 : 32;
    ptrdiff_t i = first * 256;
    for (; i + 4 <= end; i += 4) {
        f32x4 sum = load_f32x4(&shards[i]);
        for (int s = 1; s < 16; s++) sum += load_f32x4(&shards[s * 32 + i]);
        store_f32x4(&d_bias[i], sum);
    }
}

/* conv2d_1/kernel: one step of adam on conv2d_1/kernel. */
static void conv2d_1_kernel_update_base(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 18432 ? last * 1024 : 18432;
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

/* conv2d_1/bias: one step of adam on conv2d_1/bias. */
static void conv2d_1_bias_update_base(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 64 ? last * 1024 : 64;
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

/* conv2d/kernel: one step of adam on conv2d/kernel. */
static void conv2d_kernel_update_base(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 288 ? last * 1024 : 288;
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

/* conv2d/bias: one step of adam on conv2d/bias. */
static void conv2d_bias_update_base(const float *d_w, float *w, float *slot0, float *slot1, const Step *step, ptrdiff_t first, ptrdiff_t last)
{
    const float alpha = step->alpha;
    const ptrdiff_t end = last * 1024 < 32 ? last * 1024 : 32;
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

static float run_training_base(mnist_cnn_weights *w, mnist_cnn_weights *slots, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float *const d_dense_1_bias = (float *)(arena + 4727424);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    float *const d_dense_bias = (float *)(arena + 11212288);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float (*const d_conv2d_1_kernel)[288][16] = (float (*)[288][16])(arena + 1183744);
    float *const d_conv2d_1_bias = (float *)(arena + 1352832);
    float (*const d_conv2d_kernel)[9][16] = (float (*)[9][16])(arena + 1351680);
    float *const d_conv2d_bias = (float *)(arena + 1353088);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_66 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_68 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_69 = (float *)(arena);
    float *const conv2d_1_workspace_71 = (float *)(arena + 1257472);
    float *const conv2d_workspace = (float *)(arena + 1331200);
    float *const conv2d_workspace_73 = (float *)(arena + 1349632);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_base(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_base(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, step, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
        dense_forward_train_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, step, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
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
        dense_1_input_gradient_base(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, step, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_base(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_66 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_base(&d_dense_1_linear[n][0], dense_1_workspace_66 + task * 10, 0, 1);
            dense_bias_gradient_part_base(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_base(d_dense_1_bias, dense_1_workspace_66, 0, 1);
    dense_bias_gradient_base(d_dense_bias, dense_workspace, 0, 1);
    dense_1_bias_update_base(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_base(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_68, (const float (*)[9216])conv2d_1_out, step, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_base((const float (*)[9216])conv2d_1_out, d_dropout_1, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 4608 * task / 16, 4608 * (task + 1) / 16);
    }
    dense_bias_update_base(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_base(w->conv2d_1_kernel, conv2d_1_workspace_71, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const rescaling_out_62)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_63)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_70 = (float *)(own + 176192);
        memset(conv2d_1_workspace_69 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_73 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_base(input + n * 784, &rescaling_out_62[0][0][0][0], 0, 1);
            conv2d_forward_base(rescaling_out_62, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_63, 0, 1, 0, 26);
            conv2d_1_gradients_part_base(conv2d_linear_out_63, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_69 + task * 18496, conv2d_1_workspace_70, conv2d_1_workspace_71, conv2d_linear_out_63, 0, 1, 0);
            conv2d_weight_gradient_part_base(rescaling_out_62, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_base(&d_conv2d[0][0][0][0], conv2d_workspace_73 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_base(d_conv2d_1_kernel, conv2d_1_workspace_69, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_base(d_conv2d_1_bias, conv2d_1_workspace_69, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_base(&d_conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_base(d_conv2d_bias, conv2d_workspace_73, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_kernel_update_base(&d_conv2d_1_kernel[0][0][0], &w->conv2d_1_kernel[0][0][0], &slots[0].conv2d_1_kernel[0][0][0], &slots[1].conv2d_1_kernel[0][0][0], step, 18 * task / 16, 18 * (task + 1) / 16);
    }
    conv2d_1_bias_update_base(d_conv2d_1_bias, w->conv2d_1_bias, slots[0].conv2d_1_bias, slots[1].conv2d_1_bias, step, 0, 1);
    conv2d_kernel_update_base(&d_conv2d_kernel[0][0][0], &w->conv2d_kernel[0][0][0], &slots[0].conv2d_kernel[0][0][0], &slots[1].conv2d_kernel[0][0][0], step, 0, 1);
    conv2d_bias_update_base(d_conv2d_bias, w->conv2d_bias, slots[0].conv2d_bias, slots[1].conv2d_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_base(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
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

/* dense_1: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_1_weight_gradient_gradients_base(const float (*x)[128], const float (*d_y)[10], float (*d_kernel)[128][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 4;
        for (int k = 0; k < 2; k += 1) {
            f32x4 s0_0 = {0};
            f32x4 s1_0 = {0};
            f32x4 s2_0 = {0};
            f32x4 s3_0 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_f32x4(d + k * 4);
                const f32x4 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            store_f32x4(&d_kernel[k / 4][i][k % 4 * 4], s0_0);
            store_f32x4(&d_kernel[k / 4][i + 1][k % 4 * 4], s1_0);
            store_f32x4(&d_kernel[k / 4][i + 2][k % 4 * 4], s2_0);
            store_f32x4(&d_kernel[k / 4][i + 3][k % 4 * 4], s3_0);
        }
        {
            f32x4 s0_0 = {0};
            f32x4 s1_0 = {0};
            f32x4 s2_0 = {0};
            f32x4 s3_0 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_part_f32x4(d + (2) * 4, 2);
                const f32x4 w0 = d0;
                s0_0 += a[0] * w0;
                s1_0 += a[1] * w0;
                s2_0 += a[2] * w0;
                s3_0 += a[3] * w0;
            }
            store_f32x4(&d_kernel[0][i][8], s0_0);
            store_f32x4(&d_kernel[0][i][12], (f32x4){0});
            store_f32x4(&d_kernel[0][i + 1][8], s1_0);
            store_f32x4(&d_kernel[0][i + 1][12], (f32x4){0});
            store_f32x4(&d_kernel[0][i + 2][8], s2_0);
            store_f32x4(&d_kernel[0][i + 2][12], (f32x4){0});
            store_f32x4(&d_kernel[0][i + 3][8], s3_0);
            store_f32x4(&d_kernel[0][i + 3][12], (f32x4){0});
        }
    }
}

/* dense: d_kernel[i][o] = sum over samples of x[i] d_y[o]. */
static void dense_weight_gradient_gradients_base(const float (*x)[9216], const float (*d_y)[128], float (*d_kernel)[9216][16], ptrdiff_t count, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t samples = count * 1;
    for (ptrdiff_t part = first; part < last; part++) {
        const ptrdiff_t i = part * 2;
        for (int k = 0; k < 32; k += 4) {
            f32x4 s0_0 = {0}; f32x4 s0_1 = {0}; f32x4 s0_2 = {0}; f32x4 s0_3 = {0};
            f32x4 s1_0 = {0}; f32x4 s1_1 = {0}; f32x4 s1_2 = {0}; f32x4 s1_3 = {0};
            for (ptrdiff_t m = 0; m < samples; m++) {
                const float *const a = &x[m][i];
                const float *const d = d_y[m];
                const f32x4 d0 = load_f32x4(d + k * 4);
                const f32x4 d1 = load_f32x4(d + (k + 1) * 4);
                const f32x4 d2 = load_f32x4(d + (k + 2) * 4);
                const f32x4 d3 = load_f32x4(d + (k + 3) * 4);
                const f32x4 w0 = d0; const f32x4 w1 = d1; const f32x4 w2 = d2; const f32x4 w3 = d3;
                s0_0 += a[0] * w0; s0_1 += a[0] * w1; s0_2 += a[0] * w2; s0_3 += a[0] * w3;
                s1_0 += a[1] * w0; s1_1 += a[1] * w1; s1_2 += a[1] * w2; s1_3 += a[1] * w3;
            }
            store_f32x4(&d_kernel[k / 4][i][k % 4 * 4], s0_0);
            store_f32x4(&d_kernel[(k + 1) / 4][i][(k + 1) % 4 * 4], s0_1);
            store_f32x4(&d_kernel[(k + 2) / 4][i][(k + 2) % 4 * 4], s0_2);
            store_f32x4(&d_kernel[(k + 3) / 4][i][(k + 3) % 4 * 4], s0_3);
            store_f32x4(&d_kernel[k / 4][i + 1][k % 4 * 4], s1_0);
            store_f32x4(&d_kernel[(k + 1) / 4][i + 1][(k + 1) % 4 * 4], s1_1);
            store_f32x4(&d_kernel[(k + 2) / 4][i + 1][(k + 2) % 4 * 4], s1_2);
            store_f32x4(&d_kernel[(k + 3) / 4][i + 1][(k + 3) % 4 * 4], s1_3);
        }
    }
}

static float run_gradients_base(const mnist_cnn_weights *w, mnist_cnn_weights *gradients, const float *input, const float *target, const float *sample_weights, ptrdiff_t count, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_50 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_52 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_53 = (float *)(arena);
    float *const conv2d_1_workspace_55 = (float *)(arena + 1183744);
    float *const conv2d_workspace = (float *)(arena + 1257472);
    float *const conv2d_workspace_57 = (float *)(arena + 1275904);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212288);
        float (*const rescaling_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_base(input + n * 784, &rescaling_out[0][0][0][0], 0, 1);
            conv2d_forward_base(rescaling_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, NULL, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
        dense_forward_train_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, NULL, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
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
        dense_1_input_gradient_base(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, NULL, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_gradients_base(dense_linear_out, d_dense_1_linear, gradients->dense_1_kernel, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_50 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_base(&d_dense_1_linear[n][0], dense_1_workspace_50 + task * 10, 0, 1);
            dense_bias_gradient_part_base(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_base(gradients->dense_1_bias, dense_1_workspace_50, 0, 1);
    dense_bias_gradient_base(gradients->dense_bias, dense_workspace, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_base(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_52, (const float (*)[9216])conv2d_1_out, NULL, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_gradients_base((const float (*)[9216])conv2d_1_out, d_dropout_1, gradients->dense_kernel, count, 4608 * task / 16, 4608 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_base(w->conv2d_1_kernel, conv2d_1_workspace_55, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212288);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const rescaling_out_46)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_47)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_54 = (float *)(own + 176192);
        memset(conv2d_1_workspace_53 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_57 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            rescaling_forward_base(input + n * 784, &rescaling_out_46[0][0][0][0], 0, 1);
            conv2d_forward_base(rescaling_out_46, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_47, 0, 1, 0, 26);
            conv2d_1_gradients_part_base(conv2d_linear_out_47, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_53 + task * 18496, conv2d_1_workspace_54, conv2d_1_workspace_55, conv2d_linear_out_47, 0, 1, 0);
            conv2d_weight_gradient_part_base(rescaling_out_46, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_base(&d_conv2d[0][0][0][0], conv2d_workspace_57 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_base(gradients->conv2d_1_kernel, conv2d_1_workspace_53, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_base(gradients->conv2d_1_bias, conv2d_1_workspace_53, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_base(&gradients->conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_base(gradients->conv2d_bias, conv2d_workspace_57, 0, 1);
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

static float run_evaluation_bytes_base(const mnist_cnn_weights *w, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 5120);
    float *const dense_1_loss = (float *)(arena + 10240);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 169472 + 4784128);
        float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_base(input + n * 784, &input_float32_out[0][0][0][0], 0, 1);
            conv2d_forward_base(input_float32_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, conv2d_1_workspace, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 8; task++) {
        dense_forward_batch_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
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

static float run_training_bytes_base(mnist_cnn_weights *w, mnist_cnn_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, ptrdiff_t count, const Step *step, float *losses, float *output, unsigned char *arena)
{
    float (*const conv2d_1_out)[12][12][64] = (float (*)[12][12][64])(arena);
    float (*const dense_linear_out)[128] = (float (*)[128])(arena + 4718592);
    float (*const dense_1_linear_out)[10] = (float (*)[10])(arena + 4784128);
    float (*const dense_1_out)[10] = (float (*)[10])(arena + 11206656);
    float *const dense_1_loss = (float *)(arena + 11211776);
    float (*const d_dense_1_linear)[10] = (float (*)[10])(arena + 4796416);
    float (*const d_dropout_1)[128] = (float (*)[128])(arena + 11141120);
    float *const d_dense_1_bias = (float *)(arena + 4727424);
    float (*const d_flatten)[9216] = (float (*)[9216])(arena + 4718592);
    float *const d_dense_bias = (float *)(arena + 11212288);
    uint8_t (*const max_pooling2d_selected_out)[12][12][64] = (uint8_t (*)[12][12][64])(arena + 9437184);
    float (*const d_conv2d_1_kernel)[288][16] = (float (*)[288][16])(arena + 1183744);
    float *const d_conv2d_1_bias = (float *)(arena + 1352832);
    float (*const d_conv2d_kernel)[9][16] = (float (*)[9][16])(arena + 1351680);
    float *const d_conv2d_bias = (float *)(arena + 1353088);
    float *const dense_1_workspace = (float *)(arena + 4784128);
    float *const dense_1_workspace_67 = (float *)(arena + 4726784);
    float *const dense_workspace = (float *)(arena + 4718592);
    float *const dense_workspace_69 = (float *)(arena + 10616832);
    float *const conv2d_1_workspace_70 = (float *)(arena);
    float *const conv2d_1_workspace_72 = (float *)(arena + 1257472);
    float *const conv2d_workspace = (float *)(arena + 1331200);
    float *const conv2d_workspace_74 = (float *)(arena + 1349632);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const input_float32_out)[28][28][1] = (float (*)[28][28][1])(own + 86528);
        float (*const conv2d_linear_out)[26][26][32] = (float (*)[26][26][32])(own);
        float *const conv2d_1_workspace = (float *)(own + 86528);
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_base(input + n * 784, &input_float32_out[0][0][0][0], 0, 1);
            conv2d_forward_base(input_float32_out, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out, 0, 1, 0, 26);
            conv2d_1_forward_train_base(conv2d_linear_out, w->conv2d_1_bias, w->conv2d_1_kernel_winograd4, conv2d_1_out + n, max_pooling2d_selected_out + n, conv2d_1_workspace, step, n, 0, 1, 0, 6, 0);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
        dense_forward_train_base((const float (*)[9216])conv2d_1_out, w->dense_kernel, w->dense_bias, dense_linear_out, step, count, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 9; task++) {
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
        dense_1_input_gradient_base(d_dense_1_linear, w->dense_1_kernel, d_dropout_1, dense_1_workspace, dense_linear_out, step, count, task, task + 1, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_1_weight_gradient_base(dense_linear_out, d_dense_1_linear, w->dense_1_kernel, slots[0].dense_1_kernel, slots[1].dense_1_kernel, step, count, 32 * task / 16, 32 * (task + 1) / 16);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        memset(dense_1_workspace_67 + task * 10, 0, 10 * sizeof(float));
        memset(dense_workspace + task * 128, 0, 128 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            dense_1_bias_gradient_part_base(&d_dense_1_linear[n][0], dense_1_workspace_67 + task * 10, 0, 1);
            dense_bias_gradient_part_base(&d_dropout_1[n][0], dense_workspace + task * 128, 0, 1);
        }
    }
    dense_1_bias_gradient_base(d_dense_1_bias, dense_1_workspace_67, 0, 1);
    dense_bias_gradient_base(d_dense_bias, dense_workspace, 0, 1);
    dense_1_bias_update_base(d_dense_1_bias, w->dense_1_bias, slots[0].dense_1_bias, slots[1].dense_1_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_input_gradient_base(d_dropout_1, w->dense_kernel, d_flatten, dense_workspace_69, (const float (*)[9216])conv2d_1_out, step, count, 192 * task / 16, 192 * (task + 1) / 16, task);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        dense_weight_gradient_base((const float (*)[9216])conv2d_1_out, d_dropout_1, w->dense_kernel, slots[0].dense_kernel, slots[1].dense_kernel, step, count, 4608 * task / 16, 4608 * (task + 1) / 16);
    }
    dense_bias_update_base(d_dense_bias, w->dense_bias, slots[0].dense_bias, slots[1].dense_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_transpose_base(w->conv2d_1_kernel, conv2d_1_workspace_72, task, task + 1);
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        unsigned char *const own = arena + (WORKER * 181568 + 11212800);
        float (*const d_conv2d)[26][26][32] = (float (*)[26][26][32])(own + 89664);
        float (*const input_float32_out_63)[28][28][1] = (float (*)[28][28][1])(own);
        float (*const conv2d_linear_out_64)[26][26][32] = (float (*)[26][26][32])(own + 3136);
        float *const conv2d_1_workspace_71 = (float *)(own + 176192);
        memset(conv2d_1_workspace_70 + task * 18496, 0, 18496 * sizeof(float));
        memset(conv2d_workspace + task * 288, 0, 288 * sizeof(float));
        memset(conv2d_workspace_74 + task * 32, 0, 32 * sizeof(float));
        for (ptrdiff_t n = count * task / 16; n < count * (task + 1) / 16; n++) {
            input_float32_forward_base(input + n * 784, &input_float32_out_63[0][0][0][0], 0, 1);
            conv2d_forward_base(input_float32_out_63, w->conv2d_kernel, w->conv2d_bias, conv2d_linear_out_64, 0, 1, 0, 26);
            conv2d_1_gradients_part_base(conv2d_linear_out_64, (const float (*)[12][12][64])(d_flatten + n), max_pooling2d_selected_out + n, d_conv2d, conv2d_1_workspace_70 + task * 18496, conv2d_1_workspace_71, conv2d_1_workspace_72, conv2d_linear_out_64, 0, 1, 0);
            conv2d_weight_gradient_part_base(input_float32_out_63, d_conv2d, conv2d_workspace + task * 288, 0, 1);
            conv2d_bias_gradient_part_base(&d_conv2d[0][0][0][0], conv2d_workspace_74 + task * 32, 0, 1);
        }
    }
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_weight_gradient_base(d_conv2d_1_kernel, conv2d_1_workspace_70, 72 * task / 16, 72 * (task + 1) / 16);
    }
    conv2d_1_bias_gradient_base(d_conv2d_1_bias, conv2d_1_workspace_70, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 2; task++) {
        conv2d_weight_gradient_base(&d_conv2d_kernel[0][0][0], conv2d_workspace, task, task + 1);
    }
    conv2d_bias_gradient_base(d_conv2d_bias, conv2d_workspace_74, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 16; task++) {
        conv2d_1_kernel_update_base(&d_conv2d_1_kernel[0][0][0], &w->conv2d_1_kernel[0][0][0], &slots[0].conv2d_1_kernel[0][0][0], &slots[1].conv2d_1_kernel[0][0][0], step, 18 * task / 16, 18 * (task + 1) / 16);
    }
    conv2d_1_bias_update_base(d_conv2d_1_bias, w->conv2d_1_bias, slots[0].conv2d_1_bias, slots[1].conv2d_1_bias, step, 0, 1);
    conv2d_kernel_update_base(&d_conv2d_kernel[0][0][0], &w->conv2d_kernel[0][0][0], &slots[0].conv2d_kernel[0][0][0], &slots[1].conv2d_kernel[0][0][0], step, 0, 1);
    conv2d_bias_update_base(d_conv2d_bias, w->conv2d_bias, slots[0].conv2d_bias, slots[1].conv2d_bias, step, 0, 1);
    PARALLEL_FOR
    for (ptrdiff_t task = 0; task < 4; task++) {
        conv2d_1_kernel_transform_base(w->conv2d_1_kernel, w->conv2d_1_kernel_winograd4, task, task + 1);
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

void mnist_cnn_pack(const mnist_cnn_parameters *from, mnist_cnn_weights *to)
{
    pack_panels((const float *)from->conv2d_kernel, (float *)to->conv2d_kernel, 9, 32, 16);
    memcpy(to->conv2d_bias, from->conv2d_bias, sizeof to->conv2d_bias);
    pack_panels((const float *)from->conv2d_1_kernel, (float *)to->conv2d_1_kernel, 288, 64, 16);
    memcpy(to->conv2d_1_bias, from->conv2d_1_bias, sizeof to->conv2d_1_bias);
    pack_panels((const float *)from->dense_kernel, (float *)to->dense_kernel, 9216, 128, 16);
    memcpy(to->dense_bias, from->dense_bias, sizeof to->dense_bias);
    pack_panels((const float *)from->dense_1_kernel, (float *)to->dense_1_kernel, 128, 10, 16);
    memcpy(to->dense_1_bias, from->dense_1_bias, sizeof to->dense_1_bias);
#if defined(__x86_64__)
    if (level() == 2) derive_v4(to);
    else if (level() == 1) derive_v3(to);
    else
#endif
    derive_base(to);
}

void mnist_cnn_unpack(const mnist_cnn_weights *from, mnist_cnn_parameters *to)
{
    unpack_panels((const float *)from->conv2d_kernel, (float *)to->conv2d_kernel, 9, 32, 16);
    memcpy(to->conv2d_bias, from->conv2d_bias, sizeof to->conv2d_bias);
    unpack_panels((const float *)from->conv2d_1_kernel, (float *)to->conv2d_1_kernel, 288, 64, 16);
    memcpy(to->conv2d_1_bias, from->conv2d_1_bias, sizeof to->conv2d_1_bias);
    unpack_panels((const float *)from->dense_kernel, (float *)to->dense_kernel, 9216, 128, 16);
    memcpy(to->dense_bias, from->dense_bias, sizeof to->dense_bias);
    unpack_panels((const float *)from->dense_1_kernel, (float *)to->dense_1_kernel, 128, 10, 16);
    memcpy(to->dense_1_bias, from->dense_1_bias, sizeof to->dense_1_bias);
}

void mnist_cnn_predict(const mnist_cnn_weights *w, const float *input, float *output, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) run_single_v4(w, input, output, (unsigned char *)arena);
    else if (level() == 1) run_single_v3(w, input, output, (unsigned char *)arena);
    else
#endif
    run_single_base(w, input, output, (unsigned char *)arena);
}

void mnist_cnn_predict_batch(const mnist_cnn_weights *w, const float *input, float *output, size_t n, void *arena)
{
    while (n > 0) {
        const size_t count = n < MNIST_CNN_BATCH_SIZE ? n : MNIST_CNN_BATCH_SIZE;
#if defined(__x86_64__)
        if (level() == 2) run_batch_v4(w, input, output, (ptrdiff_t)count, (unsigned char *)arena);
        else if (level() == 1) run_batch_v3(w, input, output, (ptrdiff_t)count, (unsigned char *)arena);
        else
#endif
        run_batch_base(w, input, output, (ptrdiff_t)count, (unsigned char *)arena);
        input += count * MNIST_CNN_INPUT_SIZE;
        output += count * MNIST_CNN_OUTPUT_SIZE;
        n -= count;
    }
}

float mnist_cnn_evaluate(const mnist_cnn_weights *w, const float *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) return run_evaluation_v4(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_evaluation_v3(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else
#endif
    return run_evaluation_base(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
}

float mnist_cnn_train_step(mnist_cnn_weights *w, mnist_cnn_weights *slots, const float *input, const float *target, const float *sample_weights, size_t n, const mnist_cnn_training_step *step, float *losses, float *output, void *arena)
{
    const Step now = step_begin(step);
#if defined(__x86_64__)
    if (level() == 2) return run_training_v4(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_training_v3(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else
#endif
    return run_training_base(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
}

float mnist_cnn_gradients(const mnist_cnn_weights *w, mnist_cnn_weights *gradients, const float *input, const float *target, const float *sample_weights, size_t n, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) return run_gradients_v4(w, gradients, input, target, sample_weights, (ptrdiff_t)n, (unsigned char *)arena);
    else if (level() == 1) return run_gradients_v3(w, gradients, input, target, sample_weights, (ptrdiff_t)n, (unsigned char *)arena);
    else
#endif
    return run_gradients_base(w, gradients, input, target, sample_weights, (ptrdiff_t)n, (unsigned char *)arena);
}

float mnist_cnn_evaluate_bytes(const mnist_cnn_weights *w, const uint8_t *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena)
{
#if defined(__x86_64__)
    if (level() == 2) return run_evaluation_bytes_v4(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_evaluation_bytes_v3(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
    else
#endif
    return run_evaluation_bytes_base(w, input, target, sample_weights, (ptrdiff_t)n, losses, output, (unsigned char *)arena);
}

float mnist_cnn_train_step_bytes(mnist_cnn_weights *w, mnist_cnn_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, size_t n, const mnist_cnn_training_step *step, float *losses, float *output, void *arena)
{
    const Step now = step_begin(step);
#if defined(__x86_64__)
    if (level() == 2) return run_training_bytes_v4(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else if (level() == 1) return run_training_bytes_v3(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
    else
#endif
    return run_training_bytes_base(w, slots, input, target, sample_weights, (ptrdiff_t)n, &now, losses, output, (unsigned char *)arena);
}
