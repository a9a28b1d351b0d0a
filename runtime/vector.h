/* Vectors of LANES floats: the small vocabulary in which emitted kernels are written.
 *
 * cnnc copies from here into each model.c the paragraphs that it uses, once for each instruction set and length, with
 * LANES replaced by its number and MASKS by 1 where the instruction set has mask registers (AVX-512VL), else by 0.
 * As it stands, the file compiles with -DLANES=8, -DMASKS=0, -DLEVEL= and -DINLINE=. */
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

LEVEL INLINE static inline f32xLANES load_f32xLANES(const float *from)
{
    return *(const f32xLANES_at *)from;
}

LEVEL INLINE static inline void store_f32xLANES(float *to, f32xLANES x)
{
    *(f32xLANES_at *)to = x;
}

/* The first `count` numbers, a constant from 1 to LANES - 1; the rest zero. */
LEVEL INLINE static inline f32xLANES load_part_f32xLANES(const float *from, int count)
{
#if LANES == 16 && MASKS
    return (f32xLANES)__builtin_ia32_loadups512_mask(from, (f32xLANES){0}, (uint16_t)((1 << count) - 1));
#elif LANES == 8 && MASKS && defined(__clang__)
    return (f32xLANES)__builtin_ia32_loadups256_mask((const f32xLANES *)from, (f32xLANES){0}, (uint8_t)((1 << count) - 1));
#elif LANES == 8 && MASKS
    return (f32xLANES)__builtin_ia32_loadups256_mask(from, (f32xLANES){0}, (uint8_t)((1 << count) - 1));
#elif LANES == 8 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_maskloadps256((const f32xLANES *)from, (i32xLANES){0, 1, 2, 3, 4, 5, 6, 7} < count);
#elif LANES == 4
    return (f32xLANES){from[0], count > 1 ? from[1] : 0.0f, count > 2 ? from[2] : 0.0f, 0.0f};
#else
    f32xLANES x = {0};
    memcpy(&x, from, (size_t)count * sizeof(float));
    return x;
#endif
}

LEVEL INLINE static inline void store_part_f32xLANES(float *to, f32xLANES x, int count)
{
#if LANES == 16 && MASKS
    __builtin_ia32_storeups512_mask(to, x, (uint16_t)((1 << count) - 1));
#elif LANES == 8 && MASKS && defined(__clang__)
    __builtin_ia32_storeups256_mask((f32xLANES *)to, x, (uint8_t)((1 << count) - 1));
#elif LANES == 8 && MASKS
    __builtin_ia32_storeups256_mask(to, x, (uint8_t)((1 << count) - 1));
#elif LANES == 8 /* in pieces: masked stores without mask registers are slow on some machines */
    typedef float Half __attribute__((vector_size(16), aligned(4), may_alias));
    Half y = {x[0], x[1], x[2], x[3]};
    if (count & 4) {
        *(Half *)to = y;
        y = (Half){x[4], x[5], x[6], x[7]};
    }
    if (count & 2) memcpy(to + (count & 4), &y, 2 * sizeof(float));
    if (count & 1) to[count - 1] = y[count & 2];
#elif LANES == 4
    if (count & 2) memcpy(to, &x, 2 * sizeof(float));
    if (count & 1) to[count - 1] = x[count & 2];
#else
    memcpy(to, &x, (size_t)count * sizeof(float));
#endif
}

/* Whole numbers kept in bytes. gcc takes __builtin_convertvector between these lengths apart into single numbers. */
LEVEL INLINE static inline i32xLANES load_u8_i32xLANES(const uint8_t *from)
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

LEVEL INLINE static inline void store_u8_i32xLANES(uint8_t *to, i32xLANES x)
{
#if LANES == 16 && defined(__x86_64__) && !defined(__clang__)
    typedef char Bytes __attribute__((vector_size(16), aligned(1), may_alias));
    *(Bytes *)to = __builtin_ia32_pmovdb512_mask(x, (Bytes){0}, 0xffff);
#else
    *(u8xLANES_at *)to = __builtin_convertvector(x, u8xLANES);
#endif
}

LEVEL INLINE static inline i32xLANES load_part_u8_i32xLANES(const uint8_t *from, size_t count)
{
    u8xLANES x = {0};
    memcpy(&x, from, count);
    return __builtin_convertvector(x, i32xLANES);
}

LEVEL INLINE static inline void store_part_u8_i32xLANES(uint8_t *to, i32xLANES x, size_t count)
{
    u8xLANES bytes = __builtin_convertvector(x, u8xLANES);
    memcpy(to, &bytes, count);
}

LEVEL INLINE static inline i32xLANES load_part_i32xLANES(const int32_t *from, size_t count)
{
    i32xLANES x = {0};
    memcpy(&x, from, count * sizeof(int32_t));
    return x;
}

LEVEL INLINE static inline void store_part_i32xLANES(int32_t *to, i32xLANES x, size_t count)
{
    memcpy(to, &x, count * sizeof(int32_t));
}

/* A bit for each lane of a mask. */
LEVEL INLINE static inline uint32_t bits_i32xLANES(i32xLANES mask)
{
#if LANES == 16 && MASKS
    return (uint16_t)__builtin_ia32_cvtd2mask512(mask);
#elif LANES == 8 && defined(__x86_64__)
    return (uint32_t)__builtin_ia32_movmskps256((f32xLANES)mask);
#elif LANES == 4 && defined(__x86_64__)
    return (uint32_t)__builtin_ia32_movmskps((f32xLANES)mask);
#else
    uint32_t bits = 0;
    for (int i = 0; i < LANES; i++) bits |= (uint32_t)(mask[i] & 1) << i;
    return bits;
#endif
}

/* The 4x4 floats at `from`, whose rows lie `row` apart, with rows and columns exchanged. */
LEVEL static inline void transpose4_f32xLANES(const float *from, ptrdiff_t row, float *to, ptrdiff_t to_row)
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
LEVEL INLINE static inline f32xLANES keep_f32xLANES(i32xLANES mask, f32xLANES x)
{
    return (f32xLANES)(mask & (i32xLANES)x);
}

LEVEL INLINE static inline f32xLANES select_f32xLANES(i32xLANES mask, f32xLANES x, f32xLANES y)
{
    return (f32xLANES)((mask & (i32xLANES)x) | (~mask & (i32xLANES)y));
}

/* The larger; b where one is not a number. */
LEVEL INLINE static inline f32xLANES max_f32xLANES(f32xLANES a, f32xLANES b)
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

/* The smaller; b where one is not a number. */
LEVEL INLINE static inline f32xLANES min_f32xLANES(f32xLANES a, f32xLANES b)
{
#if LANES == 16 && defined(__x86_64__) && defined(__clang__)
    return (f32xLANES)__builtin_ia32_minps512(a, b, 4);
#elif LANES == 16 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_minps512_mask(a, b, a, -1, 4);
#elif LANES == 8 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_minps256(a, b);
#elif LANES == 4 && defined(__x86_64__)
    return (f32xLANES)__builtin_ia32_minps(a, b);
#else
    i32xLANES smaller = a < b;
    return (f32xLANES)((smaller & (i32xLANES)a) | (~smaller & (i32xLANES)b));
#endif
}

LEVEL INLINE static inline f32xLANES sqrt_f32xLANES(f32xLANES x)
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
LEVEL INLINE static inline f32xLANES exp_f32xLANES(f32xLANES x)
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

/* log x within 1 unit in the last place: x = 2^k m with m between the roots of 1/2 and of 2, f = m - 1, s = f / (2 + f), and
 * log(1 + f) = f - (f^2/2 - s (f^2/2 + 2/3 s^2 + 2/5 s^4 + ...)), the rest of the series of 2 artanh(s). Zero gives minus infinity. */
LEVEL INLINE static inline f32xLANES log_f32xLANES(f32xLANES x)
{
    f32xLANES zero = {0};
    i32xLANES tiny = x < 1.17549435e-38f; /* with fewer bits: scaled up */
    f32xLANES scaled = select_f32xLANES(tiny, x * 8388608.0f, x);
    i32xLANES bits = (i32xLANES)scaled - 0x3f3504f3, k = bits >> 23;
    f32xLANES m = (f32xLANES)((bits & 0x007fffff) + 0x3f3504f3);
    f32xLANES power = __builtin_convertvector(k, f32xLANES) - keep_f32xLANES(tiny, zero + 23.0f);
    f32xLANES f = m - 1.0f, s = f / (2.0f + f), s2 = s * s, half = 0.5f * f * f;
    f32xLANES r = s2 * 0.222222222f + 0.285714286f;
    r = s2 * r + 0.4f;
    r = s2 * r + 0.666666667f;
    f32xLANES y = power * 0.693359375f - ((half - (s * (half + s2 * r) + power * -2.12194440e-4f)) - f);
    y = select_f32xLANES(x > 0.0f, y, select_f32xLANES(x < 0.0f, zero + NAN, zero - INFINITY));
    return select_f32xLANES(x < INFINITY, y, x);
}

/* log(1 + x) for x >= 0 within 3 units in the last place: what 1 + x loses in rounding, the quotient puts right. */
LEVEL INLINE static inline f32xLANES log1p_f32xLANES(f32xLANES x)
{
    f32xLANES sum = 1.0f + x, rounded = sum - 1.0f;
    return select_f32xLANES(rounded > 0.0f, log_f32xLANES(sum) * (x / rounded), x);
}

/* 1 / (1 + e^-x) within 3 units in the last place: -x = k ln 2 + r, and e^r by a polynomial of least relative error on |r| <= ln 2 / 2.
 * Below -87 it is what it is there, 1.6e-38. */
LEVEL INLINE static inline f32xLANES sigmoid_f32xLANES(f32xLANES x)
{
    f32xLANES zero = {0}, one = zero + 1.0f;
    x = min_f32xLANES(zero + 87.0f, max_f32xLANES(zero - 87.0f, x)); /* what is not a number stays so */
    f32xLANES k = x * -1.44269504f + 12582912.0f; /* adding 1.5 * 2^23 rounds to a whole number */
    f32xLANES scale = (f32xLANES)(((u32xLANES)k << 23) + (u32xLANES)one);
    k = k - 12582912.0f;
    f32xLANES r = k * 2.12194440e-4f - (k * 0.693359375f + x), s = r * r; /* ln 2 in two parts, the first exact in few bits */
    f32xLANES low = r * 0.16666521f + 0.49999994f, high = r * 0.008368745f + 0.04166839f;
    high = s * 0.0013814539f + high;
    f32xLANES t = s * (s * high + low) + r;
    return 1.0f / ((t + 1.0f) * scale + 1.0f);
}

/* e^x - 1 within 3 units in the last place, for x not above zero: x = k ln 2 + r, and the result is 2^k (e^r - 1) + (2^k - 1), with
 * e^r - 1 by a polynomial of least relative error on |r| <= ln 2 / 2. It keeps its digits near zero; below -18.04 it is -1. */
LEVEL INLINE static inline f32xLANES expm1_f32xLANES(f32xLANES x)
{
    f32xLANES zero = {0}, one = zero + 1.0f;
    x = max_f32xLANES(zero - 18.04f, x);
    f32xLANES k = x * 1.44269504f + 12582912.0f; /* adding 1.5 * 2^23 rounds to a whole number */
    f32xLANES scale = (f32xLANES)(((u32xLANES)k << 23) + (u32xLANES)one);
    k = k - 12582912.0f;
    f32xLANES r = x - k * 0.693147181f, s = r * r;
    f32xLANES low = r * 0.166665375f + 0.5f, high = r * 0.00836724695f + 0.0416662656f;
    high = s * 0.00139475986f + high;
    f32xLANES t = s * (s * high + low) + r;
    return t * scale + (scale - 1.0f);
}

/* tanh within 3 units in the last place, and near 1 within 1, as slopes 1 - y^2 need it: with t = e^-2|x| - 1 it is t / (t + 2) but for the
 * sign. Beyond 9.02 it is 1. (A fraction of polynomials in x takes 15 instructions instead of 20, but is 5 units off near 1.) */
LEVEL INLINE static inline f32xLANES tanh_f32xLANES(f32xLANES x)
{
    f32xLANES a = (f32xLANES)((i32xLANES)x | INT32_MIN); /* -|x| */
    f32xLANES t = expm1_f32xLANES(a + a), y = t / (t + 2.0f);
    return (f32xLANES)(((i32xLANES)y & INT32_MAX) | ((i32xLANES)x & INT32_MIN));
}

LEVEL INLINE static inline f32xLANES abs_f32xLANES(f32xLANES x)
{
    return (f32xLANES)((i32xLANES)x & INT32_MAX);
}

/* 1 with the sign of x; 0 where x is 0. */
LEVEL INLINE static inline f32xLANES sign_f32xLANES(f32xLANES x)
{
    f32xLANES one = {0};
    one = one + 1.0f;
    return keep_f32xLANES(x > 0.0f, one) - keep_f32xLANES(x < 0.0f, one);
}

/* All ones in the first `count` places. */
LEVEL INLINE static inline i32xLANES first_i32xLANES(int count)
{
    i32xLANES place;
    for (int i = 0; i < LANES; i++) place[i] = i;
    return place < count;
}

LEVEL INLINE static inline float sum_f32xLANES(f32xLANES x)
{
    float sum = x[0];
    for (int i = 1; i < LANES; i++) sum += x[i];
    return sum;
}

LEVEL INLINE static inline float largest_f32xLANES(f32xLANES x)
{
    float largest = x[0];
    for (int i = 1; i < LANES; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/* log(1 + e^x) within 4 units in the last place. */
LEVEL INLINE static inline f32xLANES softplus_f32xLANES(f32xLANES x)
{
    return max_f32xLANES((f32xLANES){0}, x) + log1p_f32xLANES(exp_f32xLANES((f32xLANES)((i32xLANES)x | INT32_MIN)));
}

/* e^(-a^2 / 2) within 1e-6 of itself, for a from 0 to 14: with h, of 12 bits, whose square is exact, it is e^(-h^2 / 2) e^-d, d being so
 * small that a cubic does. */
LEVEL INLINE static inline f32xLANES bell_f32xLANES(f32xLANES a)
{
    f32xLANES h = (f32xLANES)(((i32xLANES)a + 0x800) & ~0xfff), d = (a - h) * (a + h) * 0.5f;
    return exp_f32xLANES(h * h * -0.5f) * (1.0f - d * (1.0f - d * (0.5f - d * 0.166666667f)));
}

/* The share of the standard normal distribution below x, given e^(-a^2 / 2), a = min(|x|, 14): within 1e-6 of itself, also where it is
 * small. Beyond -a lies e^(-a^2 / 2) t P(t), t = 1 / (1 + 0.3 a), P of least relative error. */
LEVEL INLINE static inline f32xLANES normal_below_f32xLANES(f32xLANES x, f32xLANES a, f32xLANES bell)
{
    f32xLANES zero = {0}, t = 1.0f / (a * 0.3f + 1.0f);
    f32xLANES p = 0.0356748087f + zero;
    p = p * t + -0.157203221f;
    p = p * t + 0.206353732f;
    p = p * t + -0.053683839f;
    p = p * t + 0.128561722f;
    p = p * t + 0.0999134656f;
    p = p * t + 0.12075396f;
    p = p * t + 0.119629299f;
    p = p * t * bell;
    return select_f32xLANES(x > 0.0f, 1.0f - p, p);
}

/* x times the share of the standard normal distribution below x. */
LEVEL INLINE static inline f32xLANES gelu_f32xLANES(f32xLANES x)
{
    f32xLANES a = min_f32xLANES(abs_f32xLANES(x), (f32xLANES){0} + 14.0f);
    return x * normal_below_f32xLANES(x, a, bell_f32xLANES(a));
}

/* Its derivative: the share below x, and x times the density there. */
LEVEL INLINE static inline f32xLANES gelu_slope_f32xLANES(f32xLANES x)
{
    f32xLANES a = min_f32xLANES(abs_f32xLANES(x), (f32xLANES){0} + 14.0f), bell = bell_f32xLANES(a);
    return normal_below_f32xLANES(x, a, bell) + x * bell * 0.398942280f;
}

/* mish, x tanh(log(1 + e^x)), and its derivative, with u = e^-|x|: for negative x the tanh is n / (n + 2), n = u (u + 2); for positive x
 * the same with numerator and denominator divided by e^2x. */
LEVEL INLINE static inline f32xLANES mish_f32xLANES(f32xLANES x)
{
    f32xLANES u = exp_f32xLANES((f32xLANES)((i32xLANES)x | INT32_MIN));
    i32xLANES positive = x > 0.0f;
    f32xLANES n = select_f32xLANES(positive, u + u + 1.0f, u * (u + 2.0f));
    return x * n / (n + select_f32xLANES(positive, u * u * 2.0f, (f32xLANES){0} + 2.0f));
}

LEVEL INLINE static inline f32xLANES mish_slope_f32xLANES(f32xLANES x)
{
    f32xLANES u = exp_f32xLANES((f32xLANES)((i32xLANES)x | INT32_MIN));
    i32xLANES positive = x > 0.0f;
    f32xLANES n = select_f32xLANES(positive, u + u + 1.0f, u * (u + 2.0f));
    f32xLANES d = n + select_f32xLANES(positive, u * u * 2.0f, (f32xLANES){0} + 2.0f);
    f32xLANES m = select_f32xLANES(positive, u * u, u);
    return n / d + x * m * (u + 1.0f) * 4.0f / (d * d);
}

/* Random bits: numbers index, index + 1, ... of the sequence `key` (random.h). */
LEVEL INLINE static inline u32xLANES random_bits_f32xLANES(uint64_t key, uint32_t index)
{
    u32xLANES x;
    for (uint32_t i = 0; i < LANES; i++) x[i] = i;
    x = (x + index) ^ (uint32_t)key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = x ^ (uint32_t)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* All ones where the random bits are below `threshold` of 2^32. */
LEVEL INLINE static inline i32xLANES random_below_f32xLANES(uint64_t key, uint32_t index, uint32_t threshold)
{
    return (i32xLANES)(random_bits_f32xLANES(key, index) < threshold);
}

/* Normal random numbers, mean 0 and variance 1: the inverse of the distribution, sqrt(2) erfinv(u), of uniform u in (-1, 1), by
 * the polynomials of M. Giles (Approximating the erfinv function, GPU Computing Gems 2, 2011), relative error 3e-7. */
LEVEL INLINE static inline f32xLANES random_normal_f32xLANES(uint64_t key, uint32_t index)
{
    u32xLANES bits = random_bits_f32xLANES(key, index) >> 8;
    f32xLANES u = __builtin_convertvector((i32xLANES)(bits + bits + 1) - (1 << 24), f32xLANES) * 0x1p-24f;
    f32xLANES w = -log_f32xLANES((1.0f - u) * (1.0f + u)), zero = {0};
    i32xLANES far = w >= 5.0f;
    f32xLANES a = w - 2.5f, b = sqrt_f32xLANES(w) - 3.0f;
    f32xLANES p = 2.81022636e-08f + zero, q = -0.000200214257f + zero;
    p = p * a + 3.43273939e-07f;
    p = p * a - 3.5233877e-06f;
    p = p * a - 4.39150654e-06f;
    p = p * a + 0.00021858087f;
    p = p * a - 0.00125372503f;
    p = p * a - 0.00417768164f;
    p = p * a + 0.246640727f;
    p = p * a + 1.50140941f;
    q = q * b + 0.000100950558f;
    q = q * b + 0.00134934322f;
    q = q * b - 0.00367342844f;
    q = q * b + 0.00573950773f;
    q = q * b - 0.0076224613f;
    q = q * b + 0.00943887047f;
    q = q * b + 1.00167406f;
    q = q * b + 2.83297682f;
    return select_f32xLANES(far, q, p) * u * 1.41421356f;
}
