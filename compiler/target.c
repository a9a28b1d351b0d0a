/* The machines that the emitted code is for, as data: vector length, registers, and how a program finds out at run time. */
#include "cnnc.h"

#include <string.h>

/* The base level is compiled with whatever the C compiler is told: it runs on any machine, and stands in for x86-64-v2 in the
 * default target, because what v2 adds to it makes our kernels no faster (docs/how-it-works.md). */
static const Level base = {.suffix = "base", .name = "base", .lanes = 4, .registers = 16};
static const Level v2 = {
    .suffix = "v2",
    .name = "x86-64-v2",
    .attribute = "sse4.2,popcnt",
    .condition = "sse4.2 popcnt",
    .lanes = 4,
    .registers = 16,
};
static const Level v3 = {
    .suffix = "v3",
    .name = "x86-64-v3",
    .attribute = "avx2,fma,f16c,bmi,bmi2,lzcnt,movbe",
    .condition = "avx2 fma",
    .lanes = 8,
    .registers = 16,
    .fma = true,
};
static const Level v4 = {
    .suffix = "v4",
    .name = "x86-64-v4",
    .attribute = "avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx2,fma,f16c,bmi,bmi2,lzcnt,movbe",
    .condition = "avx512f avx512vl avx512dq avx512bw avx512cd",
    .lanes = 16,
    .registers = 32,
    .fma = true,
    .masks = true,
};

/* Portable C too, but with the tiles for the registers of NEON. */
static const Level neon = {.suffix = "neon", .name = "aarch64", .lanes = 4, .registers = 32, .fma = true};

static const Target targets[] = {
    {"x86-64", (const Level *const[]){&v4, &v3, &base}, 3, true},
    {"x86-64-v4", (const Level *const[]){&v4}, 1, true},
    {"x86-64-v3", (const Level *const[]){&v3}, 1, true},
    {"x86-64-v2", (const Level *const[]){&v2}, 1, true},
    {"aarch64", (const Level *const[]){&neon}, 1, false},
    {"generic", (const Level *const[]){&base}, 1, false},
};

/* Does the machine that cnnc runs on have the level? */
static bool machine_has(const Level *level)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool has_v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool has_v4 = has_v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd");
    bool has_v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    return level == &v4 ? has_v4 : level == &v3 ? has_v3 : level == &v2 ? has_v2 : level == &base;
#elif defined(__aarch64__)
    return level == &neon || level == &base;
#else
    return level == &base;
#endif
}

const Level *target_native_level(const Target *target)
{
    for (int i = 0; i < target->level_count; i++)
        if (machine_has(target->levels[i])) return target->levels[i];
    return NULL;
}

static const char *native_name(void)
{
#if defined(__x86_64__)
    return machine_has(&v4) ? "x86-64-v4" : machine_has(&v3) ? "x86-64-v3" : machine_has(&v2) ? "x86-64-v2" : "generic";
#else
    return machine_has(&neon) ? "aarch64" : "generic";
#endif
}

static const Level *const levels[] = {&v4, &v3, &v2, &base, &neon};

const Level *level_find(const char *name)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (!strcmp(levels[i]->name, name)) return levels[i];
    return NULL;
}

const char *level_names(void)
{
    return "x86-64-v4, x86-64-v3, x86-64-v2, base, aarch64";
}

const Target *target_find(const char *name)
{
    if (!strcmp(name, "native")) name = native_name();
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (!strcmp(targets[i].name, name)) return &targets[i];
    return NULL;
}

const char *const target_words[] = {"x86-64", "x86-64-v4", "x86-64-v3", "x86-64-v2", "aarch64", "native", "generic", NULL};

/* A shorter vector is never slower than a longer one, and where it holds all the columns nothing is gained by more lanes. */
Level target_narrowed(const Level *level, int64_t columns)
{
    Level narrow = *level;
    while (narrow.lanes > SHORTEST_VECTOR && columns <= narrow.lanes / 2) narrow.lanes /= 2;
    return narrow;
}

/* The sums, the vectors and the number of one row; without fma also a product before it is added. */
int tile_registers(const Level *level, Tile tile)
{
    return tile.rows * tile.vectors + tile.vectors + 1 + !level->fma;
}

/* Cycles of one step of the reduction of a tile: two multiply-adds and two loads can start in a cycle, and each sum has to wait four
 * cycles for its last addition. Without fma the instructions are too many to be started at once: a number is loaded and spread, and
 * products and sums are two. */
static double step_cycles(const Level *level, int rows, int vectors)
{
    double cycles = rows * vectors / (double)MULTIPLY_ADDS, loads = (rows + vectors) / 2.0, latency = 4;
    double instructions = level->fma ? 0 : (rows * (2 * vectors + 2) + vectors) / 4.0;
    if (loads > cycles) cycles = loads;
    if (instructions > cycles) cycles = instructions;
    if (cycles < latency) cycles = latency;
    return cycles + loads / 16; /* of equals the one with fewer loads */
}

#define REMAINDER 1.02 /* a remainder needs code of its own: of equals the one without */

static double rows_cycles(const Level *level, int64_t all, int rows, int vectors)
{
    double cycles = (double)(all / rows) * step_cycles(level, rows, vectors);
    if (all % rows) cycles = (cycles + step_cycles(level, (int)(all % rows), vectors)) * REMAINDER;
    return cycles;
}

double tile_cycles(const Level *level, Tile tile, int64_t rows, int64_t vectors)
{
    double cycles = (double)(vectors / tile.vectors) * rows_cycles(level, rows, tile.rows, tile.vectors);
    if (vectors % tile.vectors) cycles = (cycles + rows_cycles(level, rows, tile.rows, (int)(vectors % tile.vectors))) * REMAINDER;
    return cycles;
}
