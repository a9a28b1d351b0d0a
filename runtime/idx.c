/* IDX, the format of the MNIST files, plain or packed by gzip.
 *
 *     00 00 type rank   four bytes
 *     size              rank times, 32 bits
 *     numbers           row-major
 *
 * All numbers are big-endian. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

static bool type_of_code(uint8_t code, Stored *type)
{
    switch (code) {
    case 0x08: *type = STORED_UINT8; return true;
    case 0x09: *type = STORED_INT8; return true;
    case 0x0b: *type = STORED_INT16; return true;
    case 0x0c: *type = STORED_INT32; return true;
    case 0x0d: *type = STORED_FLOAT32; return true;
    case 0x0e: *type = STORED_FLOAT64; return true;
    default: return false;
    }
}

static bool read_header_bytes(Reader *reader, uint8_t *bytes, size_t size, Failure *failure)
{
    size_t got;
    if (!read_bytes(reader, bytes, size, &got, failure)) return false;
    if (got == size) return true;
    return fail_file(failure,
                     reader->path,
                     "truncated: the IDX header ends after %llu bytes; fetch the file again",
                     (unsigned long long)reader->position);
}

static bool read_content(Reader *reader, Array *array, Failure *failure)
{
    uint8_t magic[4], size[4];
    Stored type;
    if (!read_header_bytes(reader, magic, sizeof magic, failure)) return false;
    if (magic[0] != 0 || magic[1] != 0 || !type_of_code(magic[2], &type))
        return fail_file(
            failure,
            reader->path,
            "not an IDX file: it begins with the bytes %02x %02x %02x %02x; expected 00 00, a type (08, 09, 0b, 0c, 0d or "
            "0e) and the number of dimensions",
            magic[0],
            magic[1],
            magic[2],
            magic[3]);
    int rank = magic[3];
    if (rank < 1 || rank > CNNC_MAX_RANK)
        return fail_file(failure, reader->path, "byte 3: %d dimensions; expected 1 to %d", rank, CNNC_MAX_RANK);
    int64_t shape[CNNC_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        if (!read_header_bytes(reader, size, sizeof size, failure)) return false;
        shape[i] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
        if (shape[i] == 0) return fail_file(failure, reader->path, "byte %d: size 0: the file holds no data", 4 + 4 * i);
    }
    return read_array(reader, type, true, rank, shape, array, failure) && read_end(reader, failure);
}

static bool read_from(const char *path, Array *array, Failure *failure)
{
    Reader reader;
    if (!read_begin(&reader, path, true, failure)) return false;
    bool good = read_content(&reader, array, failure);
    if (!good) array_free(array);
    read_close(&reader);
    return good;
}

bool idx_read(const char *path, Array *array, Failure *failure)
{
    *array = (Array){0};
    if (!*path) return fail(failure, "the name of a file is empty");
    if (access(path, F_OK) == 0 || errno != ENOENT) return read_from(path, array, failure);

    size_t size = strlen(path) + sizeof ".gz";
    char *packed = malloc(size);
    if (packed == NULL) return fail_memory(failure, size, "a file's name");
    snprintf(packed, size, "%s.gz", path);
    bool good = access(packed, F_OK) == 0 ? read_from(packed, array, failure)
                                          : fail_file(failure, path, "no such file; nor is there one with .gz behind that name");
    free(packed);
    return good;
}
