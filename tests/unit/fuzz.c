/* The committed corpus of tests/fuzz, through the harnesses that made it: what once was a find stays found out. */
#include "../fuzz/fuzz.h"
#include "patience.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <string.h>
#include <time.h>

enum { MOST_SECONDS = 1 }; /* of processor time for an input */

static uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file && !fseek(file, 0, SEEK_END), "%s cannot be read", path);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1); /* no zero behind them: nobody may read it */
    cr_assert(bytes && fread(bytes, 1, *size, file) == *size, "%s cannot be read", path);
    fclose(file);
    return bytes;
}

ParameterizedTestParameters(fuzz, corpus)
{
    static int numbers[64];
    size_t count = 0;
    while (harnesses[count]) numbers[count] = (int)count, count++;
    return cr_make_param_array(int, numbers, count);
}

ParameterizedTest(int *number, fuzz, corpus, .timeout = 200 * PATIENCE)
{
    const Harness *harness = harnesses[*number];
    char pattern[256];
    glob_t found;
    snprintf(pattern, sizeof pattern, "tests/fuzz/corpus/%s/*", harness->name);
    cr_assert(glob(pattern, 0, NULL, &found) == 0, "%s: there is nothing", pattern);
    cr_assert(freopen("/dev/null", "w", stderr)); /* of many diagnoses */
    size_t accepted = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t size;
        uint8_t *bytes = read_whole(found.gl_pathv[i], &size);
        clock_t begin = clock();
        accepted += harness->run(bytes, size);
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        cr_expect(seconds <= MOST_SECONDS * (getenv("EMITTED_CFLAGS") ? 10 : 1), "%s took %.1f s", found.gl_pathv[i], seconds);
        free(bytes);
    }
    cr_expect(accepted > 0 && accepted < found.gl_pathc, "%s: %zu of %zu inputs are sound: the corpus wants both kinds", harness->name, accepted, found.gl_pathc);
    globfree(&found);
}
