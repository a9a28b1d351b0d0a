#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

/* Under AddressSanitizer a request for too much memory fails as it does without, and does not end the test. */
__attribute__((weak)) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static char folder[] = "/tmp/cnnc-test-XXXXXX";

void scratch_begin(void)
{
    cr_assert(mkdtemp(folder));
}

/* Counts the entries of the folder, and removes them if told so. */
static int walk(bool removing)
{
    int count = 0;
    DIR *directory = opendir(folder);
    cr_assert(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        count++;
        if (removing) remove(scratch_path(entry->d_name));
    }
    closedir(directory);
    return count;
}

void scratch_end(void)
{
    walk(true);
    cr_assert(rmdir(folder) == 0, "%s could not be removed", folder);
}

int scratch_files(void)
{
    return walk(false);
}

const char *scratch_path(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *scratch_write(const char *name, const void *bytes, size_t size)
{
    const char *path = scratch_path(name);
    FILE *stream = fopen(path, "wb");
    cr_assert(stream && fwrite(bytes, 1, size, stream) == size && fclose(stream) == 0);
    return path;
}

uint8_t *scratch_load(const char *path, size_t *size)
{
    FILE *stream = fopen(path, "rb");
    struct stat status;
    cr_assert(stream && fstat(fileno(stream), &status) == 0);
    *size = (size_t)status.st_size;
    uint8_t *bytes = calloc(*size + 1, 1);
    cr_assert(bytes && fread(bytes, 1, *size, stream) == *size && fclose(stream) == 0);
    return bytes;
}

static Verdict read_damaged(const void *bytes, size_t size, Verdict (*read)(const char *path, Failure *))
{
    Failure failure = {""};
    Verdict verdict = read(scratch_write("damaged", bytes, size), &failure);
    if (verdict == REFUSED)
        cr_assert(strstr(failure.text, "/damaged: "), "the message does not name the file: %s", failure.text);
    return verdict;
}

int scratch_damage(const void *bytes, size_t size, Verdict (*read)(const char *path, Failure *))
{
    uint8_t *copy = calloc(size + 1, 1);
    cr_assert(copy);
    memcpy(copy, bytes, size);
    cr_assert(read_damaged(copy, size, read) == ACCEPTED, "the sound file is refused");
    for (size_t length = 0; length < size; length++)
        cr_assert(read_damaged(copy, length, read) == REFUSED, "accepted when cut to %zu of %zu bytes", length, size);
    cr_assert(read_damaged(copy, size + 1, read) == REFUSED, "accepted with a zero behind it");

    int accepted = 0;
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit <= 8; bit++) {
            uint8_t change = (uint8_t)(bit == 8 ? 0xff : 1 << bit);
            copy[i] ^= change;
            accepted += read_damaged(copy, size, read) == ACCEPTED;
            copy[i] ^= change;
        }
    }
    free(copy);
    return accepted;
}
