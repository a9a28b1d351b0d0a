#include "drive.h"
#include "random.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the compiler's, where it counts which lines are run: what _exit would lose. */
extern void __gcov_dump(void) __attribute__((weak));

void drive_exit(int status)
{
    fflush(NULL);
    if (__gcov_dump) __gcov_dump();
    _exit(status);
}

void drive_begin(void)
{
    scratch_begin();
    cr_assert_eq(chdir(scratch_path(".")), 0);
    unsetenv("MNIST_DIR");
}

void drive_end(void)
{
    cr_assert_eq(chdir("/"), 0);
    scratch_end();
}

/* What was written to an unnamed file, as text. */
static void collect(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

const Run *run_model(const CnncModel *model, const char *const *arguments)
{
    static Run run;
    char *argv[64] = {(char *)(uintptr_t)model->name};
    int argc = 1;
    for (; arguments[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    FILE *out = tmpfile(), *err = tmpfile();
    cr_assert(out && err);
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        drive_exit(cnnc_main(model, argc, argv));
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    collect(out, run.out, sizeof run.out);
    collect(err, run.err, sizeof run.err);
    return &run;
}

char *file_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *text = calloc(1, 1 << 20);
    cr_assert_not_null(text);
    text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
    fclose(file);
    return text;
}

bool files_equal(const char *a, const char *b)
{
    FILE *first = fopen(a, "rb"), *second = fopen(b, "rb");
    bool equal = first && second;
    for (int letter = 0; equal && letter != EOF;) {
        letter = getc(first);
        equal = letter == getc(second);
    }
    if (first) fclose(first);
    if (second) fclose(second);
    return equal;
}

void write_array(const char *path, ArrayType type, int rank, const int64_t *shape, const void *data)
{
    Failure failure;
    Array array = {0};
    cr_assert(array_new(&array, type, rank, shape, &failure), "%s", failure.text);
    memcpy(array.data, data, (size_t)array_count(&array) * array_item_size(type));
    cr_assert(npy_write(path, &array, &failure), "%s", failure.text);
    array_free(&array);
}

void write_flowers(const char *prefix, int64_t n, uint64_t seed)
{
    static const double centre[3][4] = {{1, 0, 0.2, -1}, {-1, 1, 0.3, 0}, {0, -1, 0.1, 1}};
    char path[64];
    float *x = calloc((size_t)n * 4, sizeof *x);
    uint8_t *y = calloc((size_t)n, 1);
    cr_assert(x && y);
    for (int64_t i = 0; i < n; i++) {
        y[i] = (uint8_t)(random_bits(seed, (uint32_t)i) % 3);
        for (int k = 0; k < 4; k++) {
            x[4 * i + k] = (float)(centre[y[i]][k] + random_uniform(seed + 1, (uint32_t)(4 * i + k)) - 0.5);
        }
    }
    snprintf(path, sizeof path, "%sx.npy", prefix);
    write_array(path, ARRAY_FLOAT32, 2, (const int64_t[]){n, 4}, x);
    snprintf(path, sizeof path, "%sy.npy", prefix);
    write_array(path, ARRAY_UINT8, 1, (const int64_t[]){n}, y);
    free(x);
    free(y);
}

double figure(const char *text, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "%s: ", name);
    const char *at = strstr(text, key);
    return at ? strtod(at + strlen(key), NULL) : (double)NAN;
}

void expect_success(const Run *run)
{
    cr_assert_eq(run->status, 0, "status %d: %s", run->status, run->err);
    cr_assert_str_empty(run->err);
}
