/* Vectors of LANES floats: the small vocabulary in which emitted kernels are written.
 *
 * cnnc copies from here into each model.c the paragraphs that it uses, once for each instruction set, with LANES
 * replaced by its number. As it stands, the file compiles with -DLANES=8 and -DLEVEL=. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float f32xLANES __attribute__((vector_size(4 * LANES)));
typedef int32_t i32xLANES __attribute__((vector_size(4 * LANES)));
typedef uint32_t u32xLANES __attribute__((vector_size(4 * LANES)));
typedef uint8_t u8xLANES __attribute__((vector_size(LANES)));
typedef uint8_t u8xLANES_at __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef float f32xLANES_at __attribute__((vector_size(4 * LANES), aligned(4), may_alias)); /* anywhere in memory */

LEVEL static inline f32xLANES load_f32xLANES(const float *from)
{
    return *(const f32xLANES_at *)from;
}

LEVEL static inline void store_f32xLANES(float *to, f32xLANES x)
{
    *(f32xLANES_at *)to = x;
}

/* The first `count` numbers, the rest zero. */
LEVEL static inline f32xLANES load_part_f32xLANES(const float *from, size_t count)
{
    f32xLANES x = {0};
    memcpy(&x, from, count * sizeof(float));
    return x;
}

LEVEL static inline void store_part_f32xLANES(float *to, f32xLANES x, size_t count)
{
    memcpy(to, &x, count * sizeof(float));
}

/* Whole numbers kept in bytes. gcc takes __builtin_convertvector between these lengths apart into single numbers. */
LEVEL static inline i32xLANES load_u8_i32xLANES(const uint8_t *from)
{
#if LANES == 16 && defined(__x86_64__) && !defined(__clang__)
    typedef char Bytes __attribute__((vector_size(16), aligned(1), may_alias));
    return (i32xLANES)__builtin_ia32_pmovzxbd512_mask(*(const Bytes *)from, (i32xLANES){0}, 0xffff);
#elif LANES == 8 && defined(__x86_64__) && !defined(__clang__)
    typedef long long Pair __attribute__((vector_size(16)));
    typedef char Bytes __attribute__((vector_size(16)));
    long long bytes;
    memcpy(&bytes, from, sizeof bytes);
    return (i32xLANES)__builtin_ia32_pmovzxbd256((Bytes)(Pair){bytes, 0});
#else
    return __builtin_convertvector(*(const u8xLANES_at *)from, i32xLANES);
#endif
}

LEVEL static inline void store_u8_i32xLANES(uint8_t *to, i32xLANES x)
{
#if LANES == 16 && defined(__x86_64__) && !defined(__clang__)
    typedef char Bytes __attribute__((vector_size(16), aligned(1), may_alias));
    *(Bytes *)to = __builtin_ia32_pmovdb512_mask(x, (Bytes){0}, 0xffff);
#else
    *(u8xLANES_at *)to = __builtin_convertvector(x, u8xLANES);
#endif
}

LEVEL static inline i32xLANES load_part_u8_i32xLANES(const uint8_t *from, size_t count)
{
    u8xLANES x = {0};
    memcpy(&x, from, count);
    return __builtin_convertvector(x, i32xLANES);
}

LEVEL static inline void store_part_u8_i32xLANES(uint8_t *to, i32xLANES x, size_t count)
{
    u8xLANES bytes = __builtin_convertvector(x, u8xLANES);
    memcpy(to, &bytes, count);
}

LEVEL static inline i32xLANES load_part_i32xLANES(const int32_t *from, size_t count)
{
    i32xLANES x = {0};
    memcpy(&x, from, count * sizeof(int32_t));
    return x;
}

LEVEL static inline void store_part_i32xLANES(int32_t *to, i32xLANES x, size_t count)
{
    memcpy(to, &x, count * sizeof(int32_t));
}

/* x where the mask is set, else zero. */
LEVEL static inline f32xLANES keep_f32xLANES(i32xLANES mask, f32xLANES x)
{
    return (f32xLANES)(mask & (i32xLANES)x);
}

LEVEL static inline f32xLANES select_f32xLANES(i32xLANES mask, f32xLANES x, f32xLANES y)
{
    return (f32xLANES)((mask & (i32xLANES)x) | (~mask & (i32xLANES)y));
}

/* The larger; b where one is not a number. */
LEVEL static inline f32xLANES max_f32xLANES(f32xLANES a, f32xLANES b)
{
#if LANES == 16 && defined(__x86_64__) && defined(__clang__)
    return (f32xLANES)__builtin_ia32_maxps512(a, b, 4);
#elif LANES == 16 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_maxps512_mask(a, b, a, -1, 4);
#elif LANES == 8 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_maxps256(a, b);
#elif LANES == 4 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_maxps(a, b);
#else
    i32xLANES larger = a > b;
    return (f32xLANES)((larger & (i32xLANES)a) | (~larger & (i32xLANES)b));
#endif
}

LEVEL static inline f32xLANES sqrt_f32xLANES(f32xLANES x)
{
#if LANES == 16 && defined(__x86_64__) && defined(__clang__)
    return (f32xLANES)__builtin_ia32_sqrtps512(x, 4);
#elif LANES == 16 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_sqrtps512_mask(x, x, -1, 4);
#elif LANES == 8 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_sqrtps256(x);
#elif LANES == 4 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_sqrtps(x);
#else
    for (int i = 0; i < LANES; i++) x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* e^x within 2 units in the last place: x = k ln 2 + r, e^r by its Taylor polynomial on |r| <= ln 2 / 2, and
 * 2^k by the exponent's bits. Above 88.72 infinity, below -87.33 zero; what is not a number stays so. */
LEVEL static inline f32xLANES exp_f32xLANES(f32xLANES x)
{
    f32xLANES zero = {0}, k = x * 1.44269504f + 12582912.0f; /* adding 1.5 * 2^23 rounds to a whole number */
    i32xLANES bits = (i32xLANES)k - 0x4b400000;
    k = k - 12582912.0f;
    f32xLANES r = (x - k * 0.693359375f) - k * -2.12194440e-4f; /* ln 2 in two parts, the first exact in few bits */
    f32xLANES p = 1.0f / 5040 + zero;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    i32xLANES half = bits >> 1; /* in two steps, so that 2^128 does not arise on the way */
    f32xLANES y = p * (f32xLANES)((half + 127) << 23) * (f32xLANES)((bits - half + 127) << 23);
    y = select_f32xLANES(x > 88.72283f, zero + INFINITY, y);
    y = keep_f32xLANES(~(x < -87.33654f), y);
    return select_f32xLANES(x == x, y, x);
}

LEVEL static inline f32xLANES sigmoid_f32xLANES(f32xLANES x)
{
    return 1.0f / (1.0f + exp_f32xLANES(-x));
}

/* tanh: by its odd Taylor polynomial near zero (the first coefficient is -929569/638512875), where 1 - 2 / (e^2x + 1) would lose digits. */
LEVEL static inline f32xLANES tanh_f32xLANES(f32xLANES x)
{
    f32xLANES s = x * x, zero = {0};
    f32xLANES p = -0.00145583438f + zero;
    p = p * s + 21844.0f / 6081075;
    p = p * s - 1382.0f / 155925;
    p = p * s + 62.0f / 2835;
    p = p * s - 17.0f / 315;
    p = p * s + 2.0f / 15;
    p = p * s - 1.0f / 3;
    p = p * s * x + x;
    f32xLANES y = 1.0f - 2.0f / (exp_f32xLANES(x + x) + 1.0f);
    return select_f32xLANES((x < 0.4f) & (x > -0.4f), p, y);
}

/* All ones where a random number of the sequence `key`, from `index` on, is below `threshold` of 2^32 (random.h). */
LEVEL static inline i32xLANES random_below_f32xLANES(uint64_t key, uint32_t index, uint32_t threshold)
{
    u32xLANES x;
    for (uint32_t i = 0; i < LANES; i++) x[i] = i;
    x = (x + index) ^ (uint32_t)key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = x ^ (uint32_t)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    x = x ^ (x >> 16);
    return (i32xLANES)(x < threshold);
}
