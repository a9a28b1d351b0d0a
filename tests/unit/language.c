/* The cases of tests/language: what each .net gives on standard output is in its .out, what it is blamed for on
 * standard error in its .err. A first line `#! -D classes=26` holds options.
 *
 * Then inputs that are meant to do harm: each has to be diagnosed within the bounds that the design sets. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *build_folder(void)
{
    const char *folder = getenv("BUILD");
    return folder ? folder : "build";
}

static char *read_whole(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, *length + 1);
    cr_assert_eq(fread(text, 1, *length, file), *length, "%s cannot be read", path);
    fclose(file);
    return text;
}

typedef struct {
    int status; /* of exit; -1: killed by a signal */
    double seconds; /* of processor time */
    char *output, *errors;
    size_t output_length, errors_length;
} Run;

/* The bounds of the design; a sanitizer reserves terabytes and takes its time. */
#if defined(__SANITIZE_ADDRESS__)
static const char limits[] = "";
static const double most_seconds = 60;
#else
static const char limits[] = "ulimit -v 524288;";
static const double most_seconds = 5;
#endif

/* Processor time of the programs that ended: a busy machine makes none of them slow. */
static double children_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Runs the front end on a file, under the limits of the design, its output in files beside a temporary name. */
static Run run_front_end(const char *path, const char *shown, const char *options)
{
    char base[] = "/tmp/cnnc-language-XXXXXX", command[2048], output[64], errors[64];
    int descriptor = mkstemp(base);
    cr_assert(descriptor >= 0);
    close(descriptor);
    snprintf(output, sizeof output, "%s.out", base);
    snprintf(errors, sizeof errors, "%s.err", base);
    snprintf(command,
             sizeof command,
             "%s exec %s/front_end %s '%s' '%s' >%s 2>%s",
             limits,
             build_folder(),
             options,
             path,
             shown,
             output,
             errors);
    double begin = children_seconds();
    int status = system(command);
    Run run = {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1, .seconds = children_seconds() - begin};
    run.output = read_whole(output, &run.output_length);
    run.errors = read_whole(errors, &run.errors_length);
    unlink(base);
    unlink(output);
    unlink(errors);
    return run;
}

/* ---- the cases ------------------------------------------------------------------------------------------------- */

static glob_t find_cases(void)
{
    glob_t cases;
    cr_assert_eq(glob("tests/language/*.net", 0, NULL, &cases), 0, "no cases: the tests run from the root of the checkout");
    return cases;
}

ParameterizedTestParameters(language, cases)
{
    static size_t numbers[1000];
    size_t count = find_cases().gl_pathc;
    cr_assert_leq(count, sizeof numbers / sizeof *numbers);
    for (size_t i = 0; i < count; i++) numbers[i] = i;
    return cr_make_param_array(size_t, numbers, count);
}

ParameterizedTest(size_t *number, language, cases)
{
    const char *path = find_cases().gl_pathv[*number], *shown = strrchr(path, '/') + 1;
    size_t length, expected_length = 0;
    char *text = read_whole(path, &length), options[256] = "", expected_path[512];
    if (!strncmp(text, "#!", 2)) snprintf(options, sizeof options, "%.*s", (int)strcspn(text + 2, "\n"), text + 2);

    snprintf(expected_path, sizeof expected_path, "%.*s.err", (int)(strlen(path) - 4), path);
    char *expected = read_whole(expected_path, &expected_length);
    bool bad = expected != NULL;
    if (!bad) {
        memcpy(strrchr(expected_path, '.'), ".out", 5);
        expected = read_whole(expected_path, &expected_length);
    }
    cr_assert(expected, "%s has neither an .out nor an .err beside it", path);
    Run run = run_front_end(path, shown, options);
    cr_expect_eq(run.status, bad, "%s: exit status %d", shown, run.status);
    cr_expect_str_eq(bad ? run.errors : run.output,
                     expected,
                     "%s:\n%s\nwas expected to be\n%s",
                     shown,
                     bad ? run.errors : run.output,
                     expected);
    cr_expect_str_empty(bad ? run.output : run.errors, "%s writes to both streams", shown);
    free(text);
    free(expected);
}

/* ---- harmful inputs ---------------------------------------------------------------------------------------------- */

enum { HARMFUL_BYTES = 10 * 1000 * 1000 };

static void repeat_text(FILE *file, const char *text, long bytes)
{
    size_t length = strlen(text);
    for (; bytes >= (long)length; bytes -= (long)length) fwrite(text, 1, length, file);
}

static void many_lets(FILE *file)
{
    for (int i = 0; i < 700000; i++) fprintf(file, "let a%d=1\n", i);
}

static void many_errors(FILE *file)
{
    for (int i = 0; i < 1000000; i++) fprintf(file, "l%d()\n", i);
}

static void many_syntax_errors(FILE *file)
{
    for (int i = 0; i < 900000; i++) fprintf(file, "x%d (=\n", i);
}

static void doubling_blocks(FILE *file)
{
    fprintf(file, "input(3)\nblock b0() { let a = 1 repeat 0 { } }\n");
    for (int i = 1; i < 200; i++) fprintf(file, "block b%d() { b%d() b%d() }\n", i, i - 1, i - 1);
    fprintf(file, "b199()\n");
}

static void doubling_layers(FILE *file)
{
    fprintf(file, "input(3)\nblock b0() { dense(1) }\n");
    for (int i = 1; i < 200; i++) fprintf(file, "block b%d() { b%d() b%d() }\n", i, i - 1, i - 1);
    fprintf(file, "b199()\n");
}

static void doubling_errors(FILE *file)
{
    for (int i = 0; i < 1000; i++) fprintf(file, "let some_long_name_%d = 1\n", i);
    fprintf(file, "input(3)\nblock b0() { some_longer_name() let a = some_other_name }\n");
    for (int i = 1; i < 200; i++) fprintf(file, "block b%d() { b%d() b%d() }\n", i, i - 1, i - 1);
    fprintf(file, "b199()\n");
}

static void nested_repeats(FILE *file)
{
    fprintf(file, "input(3)\n");
    for (int i = 0; i < 250; i++) fprintf(file, "repeat 2 {");
    for (int i = 0; i < 250; i++) fprintf(file, "}");
}

static void scopes_of_different_size(FILE *file)
{
    fprintf(file, "input(3) repeat 1 {");
    for (int i = 0; i < 200000; i++) fprintf(file, "let a%d=1 ", i);
    fprintf(file, "} repeat 1e6 { let b = 1 }");
}

static void zero_bytes(FILE *file)
{
    for (int i = 0; i < HARMFUL_BYTES; i++) fputc(0, file);
}

static void random_bytes(FILE *file)
{
    uint32_t state = 1;
    for (int i = 0; i < HARMFUL_BYTES; i++) {
        state = state * 1664525u + 1013904223u;
        fputc((int)(state >> 24), file);
    }
}

static const struct {
    const char *name, *before, *text, *after; /* `text` fills what is left of the 10 MB */
    void (*write)(FILE *);                    /* or this writes the whole file */
    bool good;                                /* there is nothing to blame it for */
} harmful[] = {
    {"parentheses", "dense", "(", "", NULL, false},
    {"brackets", "input(", "[", "", NULL, false},
    {"minuses", "let a = ", "-", "", NULL, false},
    {"maps", "fit(", "{1:", "", NULL, false},
    {"bodies", "", "repeat 2 {\n", "", NULL, false},
    {"a chain of sums", "let a = ", "1+", "1\ninput(a) dense(a)", NULL, true},
    {"a chain of products", "let a = ", "1*", "1\ninput(a) dense(a)", NULL, true},
    {"a long list", "input(3) zero_padding2d([", "1,", "1])", NULL, false},
    {"many arguments", "input(", "1,", "1)", NULL, false},
    {"a long map", "input(3) lookup({", "1:2,", "})", NULL, false},
    {"many inputs", "a = input(3) add()(", "a,", "a)", NULL, false},
    {"many outputs", "a = input(3) dense(1) outputs(", "a,", "a)", NULL, false},
    {"many objects", "input(3) compile(adam, mse, [", "accuracy,", "])", NULL, false},
    {"five million tokens", "", ") ", "", NULL, false},
    {"five million names", "", "a ", "", NULL, false},
    {"many layers", "input(3)", "dense(1)\n", "", NULL, false},
    {"many uses of a block", "input(3) block b(x) { dense(x) }", "b(1)", "", NULL, false},
    {"one line of layers", "input(3)", "dense(0)", "", NULL, false},
    {"a long comment", "#", "x", "", NULL, false},
    {"a long name", "", "a", "", NULL, false},
    {"a long number", "let a = ", "9", "", NULL, false},
    {"a long string", "fit(\"", "a", "", NULL, false},
    {"quotes", "", "\"\n", "", NULL, false},
    {"zero bytes", "", "", "", zero_bytes, false},
    {"high bytes", "", "\xff", "", NULL, false},
    {"blanks", "", " ", "", NULL, false},
    {"line ends", "", "\r", "", NULL, false},
    {"tabs", "", "\t", "foo()", NULL, false},
    {"a million lets", "", "", "", many_lets, false},
    {"a million errors", "", "", "", many_errors, false},
    {"a million syntax errors", "", "", "", many_syntax_errors, false},
    {"doubling blocks", "", "", "", doubling_blocks, false},
    {"doubling layers", "", "", "", doubling_layers, false},
    {"doubling errors", "", "", "", doubling_errors, false},
    {"nested repeats", "", "", "", nested_repeats, false},
    {"a long list in a repeat", "input(3) repeat 100000 { zero_padding2d([", "1,", "1]) }", NULL, false},
    {"a long sum in a repeat", "input(3) repeat 100000 { dense(", "1+", "1) }", NULL, false},
    {"scopes of different size", "", "", "", scopes_of_different_size, false},
    {"random bytes", "", "", "", random_bytes, false},
};

ParameterizedTestParameters(language, bounds)
{
    static size_t numbers[sizeof harmful / sizeof *harmful];
    size_t count = sizeof harmful / sizeof *harmful;
    for (size_t i = 0; i < count; i++) numbers[i] = i;
    return cr_make_param_array(size_t, numbers, count);
}

ParameterizedTest(size_t *number, language, bounds)
{
    const char *name = harmful[*number].name;
    char path[] = "/tmp/cnnc-harmful-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert(descriptor >= 0);
    FILE *file = fdopen(descriptor, "wb");
    if (harmful[*number].write) {
        harmful[*number].write(file);
    } else {
        fputs(harmful[*number].before, file);
        repeat_text(file, harmful[*number].text, HARMFUL_BYTES - ftell(file) - (long)strlen(harmful[*number].after));
        fputs(harmful[*number].after, file);
    }
    cr_assert_eq(fclose(file), 0);
    Run run = run_front_end(path, "harmful.net", "");
    unlink(path);
    cr_expect_eq(run.status, !harmful[*number].good, "%s: exit status %d", name, run.status);
    cr_expect_eq(run.errors_length > 0, !harmful[*number].good, "%s: %zu bytes of diagnosis", name, run.errors_length);
    cr_expect(run.errors_length <= 64 << 10, "%s: %zu bytes of diagnosis", name, run.errors_length);
    cr_expect(run.seconds <= most_seconds, "%s: %.1f seconds", name, run.seconds);
    if (run.errors_length) cr_expect_null(strstr(run.errors, "out of memory"), "%s runs out of memory", name);
    if (run.errors_length) cr_expect_null(strstr(run.errors, "fault of the compiler"), "%s: %s", name, run.errors);
}
