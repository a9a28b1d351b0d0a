/* Random numbers as a function of what they are for, not of what was drawn before: number `index` of the
 * sequence named by a key is a hash of the two. Nothing is stored, any number can be had at once and in any
 * order, and resuming a training needs no state.
 *
 * The hash is a finaliser of two multiply-xorshift rounds with C. Wellons's constants (the least biased
 * of his search, https://nullprogram.com/blog/2018/07/31/), with one half of the key entering before the first round
 * and the other half between the two. Keys are made by the 64-bit finaliser of SplitMix64
 * (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). */
#ifndef CNNC_RANDOM_H
#define CNNC_RANDOM_H

#include <stdint.h>

/* A key from another key and a number: chain it to name a sequence: seed, stream, step. */
static inline uint64_t random_key(uint64_t key, uint64_t number)
{
    uint64_t z = key + 0x9e3779b97f4a7c15u * (number + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 32 random bits: number `index` of the sequence. */
static inline uint32_t random_bits(uint64_t key, uint32_t index)
{
    uint32_t x = index ^ (uint32_t)key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x ^= (uint32_t)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* Uniform in [0, 1), 24 bits. */
static inline double random_uniform(uint64_t key, uint32_t index)
{
    return (double)(random_bits(key, index) >> 8) * 0x1p-24;
}

/* What sequences are for: the first number chained onto the seed. */
enum { RANDOM_INITIAL = 1, RANDOM_SHUFFLE = 2, RANDOM_STEP = 3 };

#endif
