/* Networks drawn at random (tests/random), each compiled in one way of many: by gcc or clang, optimised or not, for one target or another,
 * exactly or not, unrolled or not, under the sanitizers or not; run, and compared with the reference.
 *
 * RANDOM_COUNT and RANDOM_SEED choose others than the suite's: `make test-random COUNT=100 SEED=7`. What fails stays in
 * $BUILD/random/SEED.net, with its emitted code in $BUILD/emitted. */
#include "../random/network.h"
#include "differences.h"
#include "emitted.h"
#include "patience.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USUAL_COUNT = 10 };

static const char *environment(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

/* ---- how it is compiled ------------------------------------------------------------------------------------------ */

typedef struct {
    const char *compiler;
    char options[256], flags[256]; /* of cnnc, of the C compiler */
    bool sanitized;
} Way;

/* The levels that this machine can run. */
static const char *draw_target(Random *random)
{
    static const char *const targets[] = {"x86-64-v3", "x86-64-v4", "x86-64-v2", "generic", "native", "x86-64"};
    for (;;) {
        const char *name = targets[random_below(random, sizeof targets / sizeof *targets)];
        const Target *target = target_find(name);
        bool several = target && target->level_count > 1;
        if (several && !random_one_in(random, 3)) continue; /* that takes three times as long to compile */
        if (target && (!target->x86 || target_native_level(target))) return name;
    }
}

static Way draw_way(uint64_t seed)
{
    static const char *const optimisations[] = {"-O0", "-O1", "-O2", "-O3"};
    Random random = random_begin(seed ^ 0x5a5a5a5a);
    Way way = {.compiler = random_one_in(&random, 2) ? "gcc" : "clang", .sanitized = random_one_in(&random, 4)};
#ifdef __SANITIZE_ADDRESS__
    if (way.sanitized) way.compiler = "gcc"; /* one process, one library of sanitizers */
#endif
    const char *target = draw_target(&random);
    snprintf(way.options,
             sizeof way.options,
             "--target=%s%s%s%s",
             target,
             random_one_in(&random, 4) ? " --math=strict" : "",
             random_one_in(&random, 8) ? " --unroll=full" : "",
             random_one_in(&random, 6) ? " --threads=1" : "");
    char level[32] = "";
    if (!strcmp(target, "x86-64") && random_one_in(&random, 2)) snprintf(level, sizeof level, " -DCNNC_LEVEL=%u", random_below(&random, 3));
    snprintf(way.flags,
             sizeof way.flags,
             "%s%s%s%s",
             way.sanitized ? "-O1" : optimisations[random_below(&random, 4)],
             level,
             way.sanitized ? " -g1 -fsanitize=address,undefined -fno-sanitize-recover=all" : "",
             way.sanitized && !strcmp(way.compiler, "clang") ? " -shared-libsan" : "");
    return way;
}

/* ---- one network ------------------------------------------------------------------------------------------------- */

static const char *network_path(uint64_t seed)
{
    static char path[512];
    const char *build = environment("BUILD", "build");
    snprintf(path, sizeof path, "%s/random", build);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/random/%llu.net", build, (unsigned long long)seed);
    return path;
}

static void write_network(uint64_t seed, const char *text, const Way *way)
{
    FILE *file = fopen(network_path(seed), "w");
    cr_assert(file && fprintf(file, "# cnnc %s; %s %s\n%s", way->options, way->compiler, way->flags, text) > 0 && !fclose(file));
}

static void check(uint64_t seed, const Way *way)
{
    char problem[4096];
    setenv("CC", way->compiler, 1);
    setenv("EMITTED_CFLAGS", way->flags, 1);
    setenv("EMITTED_OPENMP", !strcmp(way->compiler, "gcc") ? "-fopenmp" : "-fno-openmp", 1);
    const CnncModel *model = emitted_load_with(network_path(seed), way->options, problem, sizeof problem);
    cr_assert(model, "network %llu (%s; %s %s): %s", (unsigned long long)seed, way->options, way->compiler, way->flags, problem);
    differences_check(network_path(seed), model, true);
}

/* Code under the address sanitizer can be loaded only where its runtime was there first: a further run of this program, for that network
 * alone. */
static void check_sanitized(uint64_t seed, const Way *way)
{
    char command[2048], log[600];
    bool gcc = !strcmp(way->compiler, "gcc");
    snprintf(log, sizeof log, "%s.log", network_path(seed));
    /* BXFI_MAP: Criterion's word to the process of a test, which that program is not. */
    snprintf(command,
             sizeof command,
             "unset BXFI_MAP; LD_PRELOAD=$(%s -print-file-name=%s) ASAN_OPTIONS=detect_leaks=0 RANDOM_COUNT=1 RANDOM_SEED=%llu RANDOM_INSIDE=1 '%s/unit' --filter 'random/networks' > '%s' 2>&1",
             way->compiler,
             gcc ? "libasan.so" : "libclang_rt.asan-x86_64.so",
             (unsigned long long)seed,
             environment("BUILD", "build"),
             log);
    int status = system(command);
    char text[4096] = "";
    FILE *file = fopen(log, "r");
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
    }
    cr_expect(status == 0 && strstr(text, "Passing: 1"), "network %llu (%s; %s %s), in a run of its own:\n%s", (unsigned long long)seed, way->options, way->compiler, way->flags, text);
    unlink(log);
}

ParameterizedTestParameters(random, networks)
{
    uint64_t first = strtoull(environment("RANDOM_SEED", "1"), NULL, 10);
    size_t count = strtoul(environment("RANDOM_COUNT", ""), NULL, 10);
    if (!count) count = USUAL_COUNT;
    uint64_t *seeds = cr_malloc(count * sizeof *seeds);
    for (size_t i = 0; i < count; i++) seeds[i] = first + i;
    return cr_make_param_array(uint64_t, seeds, count, NULL);
}

/* The diagnoses of all that was tried go nowhere. */
static void draw_quietly(uint64_t seed, char text[MOST_RANDOM_TEXT])
{
    fflush(stderr);
    int kept = dup(2);
    cr_assert(kept >= 0 && freopen("/dev/null", "w", stderr));
    cr_assert(random_network(seed, text));
    memory_release();
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
}

/* Every row of the tables takes part, and all without anybody teaching the generator. */
Test(random, draws_every_row)
{
    enum { NETWORKS = 400 };
    static char texts[NETWORKS][MOST_RANDOM_TEXT];
    const Table *tables[] = {&layer_table, &activation_table, &loss_table, &optimizer_table, &metric_table, &regularizer_table, &initializer_table, &schedule_table};
    for (uint64_t i = 0; i < NETWORKS; i++) draw_quietly(i, texts[i]);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (int k = 0; k < tables[t]->count; k++) {
            bool drawn = tables[t]->entries[k]->alias_of != NULL;
            for (int i = 0; i < NETWORKS && !drawn; i++) drawn = text_names(texts[i], tables[t]->entries[k]->name);
            cr_expect(drawn, "no network has the %s %s", tables[t]->kind, tables[t]->entries[k]->name);
        }
}

ParameterizedTest(uint64_t *seed, random, networks, .timeout = 900 * PATIENCE)
{
    char text[MOST_RANDOM_TEXT];
    Way way = draw_way(*seed);
    draw_quietly(*seed, text);
    write_network(*seed, text, &way);
    if (way.sanitized && !getenv("RANDOM_INSIDE")) check_sanitized(*seed, &way);
    else check(*seed, &way);
}
