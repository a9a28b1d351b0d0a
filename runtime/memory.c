/* Small things that the trainer's files share: memory that is checked, texts, shapes, and places to write to. */
#define _GNU_SOURCE /* vasprintf, MADV_HUGEPAGE */
#include "trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

/* What is large asks for large pages: kernels pass through activations column by column, so that of small ones the processor has to look
 * up more addresses than it keeps. Where the system has no such pages, nothing changes but time. */
void *memory_scratch(size_t bytes, const char *what, Failure *failure)
{
    size_t alignment = bytes < HUGE_PAGE ? LINE : HUGE_PAGE, rounded = bytes ? (bytes + alignment - 1) / alignment * alignment : alignment;
    if (!memory_fits(bytes, what, failure)) return NULL;
    void *memory = rounded < bytes ? NULL : aligned_alloc(alignment, rounded);
    if (!memory) fail(failure, "no memory for %s: %zu bytes (%.1f MB) were wanted", what, bytes, (double)bytes / 1e6);
#ifdef MADV_HUGEPAGE
    if (memory && bytes >= HUGE_PAGE) (void)madvise(memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return memory;
}

void *memory_aligned(size_t bytes, const char *what, Failure *failure)
{
    void *memory = memory_scratch(bytes, what, failure);
    return memory ? memset(memory, 0, bytes) : NULL;
}

int64_t shape_elements(int rank, const int64_t *shape)
{
    int64_t elements = 1;
    for (int i = 0; i < rank; i++) elements *= shape[i];
    return elements;
}

char *text_format(Failure *failure, const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length >= 0) return text;
    fail(failure, "no memory for a text");
    return NULL;
}

bool text_end(FILE *stream, char **text, Failure *failure)
{
    bool whole = !ferror(stream);
    whole &= fclose(stream) == 0;
    if (whole && *text) return true;
    free(*text);
    *text = NULL;
    return fail(failure, "no memory for a text");
}

/* A name that was mistyped, or meant for something else, shall not cost the network's text, the data or the program itself: what stands
 * there may be replaced if it looks like an earlier result, or if neither its ending nor its beginning is that of a file of another kind. */
static bool replaces_its_like(const char *option, const char *path, ResultKind kind, Failure *failure)
{
    static const char *const names[] = {[RESULT_TENSORS] = "weights", [RESULT_ANSWERS] = "answers", [RESULT_HISTORY] = "histories", [RESULT_PAGE] = "pages"};
    static const char *const others[] = {".net", ".c", ".h", ".py", ".npy", ".npz", ".gz", ".png", ".svg", ".csv", ".html", ".safetensors", ".keras", ".h5", ".pt", ".onnx", "-ubyte"};
    char bytes[9] = {0};
    FILE *file = kind == RESULT_ADDED ? NULL : fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0, length = strlen(path);
    if (file) fclose(file);
    if (!size) return true;
    bool tensors = bytes[8] == '{', array = !memcmp(bytes, "\x93NUMPY", 6), history = !memcmp(bytes, "epoch", 5), page = bytes[0] == '<';
    const bool like[] = {[RESULT_TENSORS] = tensors, [RESULT_ANSWERS] = array || tensors, [RESULT_HISTORY] = history, [RESULT_PAGE] = page};
    const char *const own[] = {[RESULT_TENSORS] = ".safetensors", [RESULT_ANSWERS] = ".npy", [RESULT_HISTORY] = ".csv", [RESULT_PAGE] = ".html"};
    bool other = !memcmp(bytes, "\177ELF", 4);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t ending = strlen(others[i]);
        other = other || (length > ending && !strcmp(path + length - ending, others[i]) && strcmp(others[i], own[kind]) != 0);
    }
    return like[kind] || !other || fail(failure, "%s %s: there is a file of another kind, which %s would replace: name another, or remove it first", option, path, names[kind]);
}

bool path_writable(const char *option, const char *path, ResultKind kind, Failure *failure)
{
    struct stat status;
    if (!path) return true;
    if (!*path) return fail(failure, "%s: the name of the file is empty", option);
    if (!strcmp(path, "-")) {
        return fail(failure, "%s -: results are written into files; name one, or /dev/stdout where the result is to go on from there", option);
    }
    bool exists = !stat(path, &status);
    if (!exists && errno == ENAMETOOLONG) return fail(failure, "%s: the file's name is too long: %s", option, path);
    if (exists && S_ISDIR(status.st_mode)) return fail(failure, "%s %s: this is a folder; name a file", option, path);
    /* A regular file is replaced, which takes a writable folder; a device is written to. */
    if (exists && !S_ISREG(status.st_mode)) {
        return !access(path, W_OK) || fail(failure, "%s %s: cannot be written: %s", option, path, strerror(errno));
    }
    char *copy = text_format(failure, "%s", path);
    if (!copy) return false;
    const char *folder = dirname(copy);
    bool writable = !access(folder, W_OK | X_OK) ||
                    fail(failure, "%s %s: cannot write into the folder %s: %s", option, path, folder, strerror(errno));
    free(copy);
    return writable && replaces_its_like(option, path, kind, failure);
}

static bool same_file(const char *path, const char *other)
{
    struct stat a, b;
    return other && !stat(path, &a) && !stat(other, &b) && S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool path_spares_inputs(const char *option, const char *path, const Options *options, Failure *failure)
{
    if (!path) return true;
    bool fit = options->command == COMMAND_FIT; /* which may go on in the weights that it began with, and writes the history */
    const char *const files[] = {options->sample_weight, fit ? NULL : options->weights, fit ? NULL : options->history};
    const NamedFiles *const data[] = {&options->x, &options->y, &options->validation_x, &options->validation_y};
    const char *same = NULL;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (same_file(path, files[i])) same = files[i];
    }
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        for (int j = 0; j < data[i]->count; j++) {
            if (same_file(path, data[i]->items[j].path)) same = data[i]->items[j].path;
        }
    }
    for (int i = 0; i < options->file_count; i++) {
        if (same_file(path, options->files[i])) same = options->files[i];
    }
    return !same || fail(failure, "%s %s: the result would replace %s, which is read; name another file", option, path, same);
}
