/* Reading files that are not trusted.
 *
 * Only regular files are opened: a pipe could keep the program waiting for ever, and has no size to hold a header's
 * promises against. Nothing is allocated before that: a plain file holds as many bytes as it has, a packed one at most
 * 1032 times as many (deflate codes at best 258 bytes in two bits). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

enum { BUFFER_SIZE = 1 << 16, DEFLATE_RATIO = 1032 };

static bool open_regular(Reader *reader, Failure *failure)
{
    /* Without O_NONBLOCK the opening of a pipe waits for its other end. */
    int descriptor = open(reader->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return fail_file(failure, reader->path, "cannot be opened: %s", strerror(errno));
    struct stat status;
    bool good = false;
    if (fstat(descriptor, &status) != 0) {
        fail_file(failure, reader->path, "cannot be examined: %s", strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        fail_file(failure, reader->path, "is a folder; expected a file");
    } else if (!S_ISREG(status.st_mode)) {
        fail_file(failure, reader->path, "is not a regular file (a pipe or a device); write its content into a file first");
    } else if (status.st_size <= 0) {
        fail_file(failure, reader->path, "the file is empty");
    } else if ((reader->stream = fdopen(descriptor, "rb")) == NULL) {
        fail_file(failure, reader->path, "cannot be read: %s", strerror(errno));
    } else {
        good = true;
        reader->size = (uint64_t)status.st_size;
    }
    if (!good) close(descriptor);
    return good;
}

size_t read_head(const char *path, uint8_t *bytes, size_t size)
{
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    if (descriptor < 0) return 0;
    ssize_t got = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) ? read(descriptor, bytes, size) : 0;
    close(descriptor);
    return got > 0 ? (size_t)got : 0;
}

static bool begin_gzip(Reader *reader, Failure *failure)
{
    int first = getc(reader->stream), second = getc(reader->stream);
    if (!read_seek(reader, 0, failure)) return false;
    if (first != 0x1f || second != 0x8b) return true;
    reader->packed = malloc(BUFFER_SIZE);
    if (reader->packed == NULL) return fail_memory(failure, BUFFER_SIZE, "unpacking");
    if (inflateInit2(&reader->inflater, 16 + MAX_WBITS) != Z_OK) /* 16: gzip's header and checksum */
        return fail_memory(failure, 1 << MAX_WBITS, "unpacking");
    reader->gzip = true;
    return true;
}

bool read_begin(Reader *reader, const char *path, bool unpack, Failure *failure)
{
    memset(reader, 0, sizeof *reader);
    reader->path = path;
    if (open_regular(reader, failure) && (!unpack || begin_gzip(reader, failure))) return true;
    read_close(reader);
    return false;
}

void read_close(Reader *reader)
{
    if (reader->stream) fclose(reader->stream);
    if (reader->gzip) inflateEnd(&reader->inflater);
    free(reader->packed);
    memset(reader, 0, sizeof *reader);
}

static bool read_plain(Reader *reader, void *buffer, size_t size, size_t *got, Failure *failure)
{
    *got = fread(buffer, 1, size, reader->stream);
    if (*got < size && ferror(reader->stream))
        return fail_file(failure,
                         reader->path,
                         "cannot be read beyond byte %llu: %s",
                         (unsigned long long)(reader->position + *got),
                         strerror(errno));
    return true;
}

/* A gzip file is one packed piece (a member) or several in a row; each ends in its checksum, which inflate verifies. */
static bool read_gzip(Reader *reader, void *buffer, size_t size, size_t *got, Failure *failure)
{
    z_stream *inflater = &reader->inflater;
    *got = 0;
    while (*got < size) {
        if (inflater->avail_in == 0) {
            size_t packed;
            if (!read_plain(reader, reader->packed, BUFFER_SIZE, &packed, failure)) return false;
            if (packed == 0) return true; /* the end; read_end finds out whether it was a good one */
            inflater->next_in = reader->packed;
            inflater->avail_in = (uInt)packed;
        }
        if (reader->complete) { /* and yet more comes: another member */
            inflateReset(inflater);
            reader->complete = false;
        }
        uInt room = size - *got < UINT32_MAX / 2 ? (uInt)(size - *got) : UINT32_MAX / 2;
        inflater->next_out = (Bytef *)buffer + *got;
        inflater->avail_out = room;
        int result = inflate(inflater, Z_NO_FLUSH);
        *got += room - inflater->avail_out;
        if (result == Z_STREAM_END) {
            reader->complete = true;
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return fail_file(failure,
                             reader->path,
                             "the gzip data is damaged after byte %llu of its content (%s); fetch the file again",
                             (unsigned long long)(reader->position + *got),
                             inflater->msg ? inflater->msg : zError(result));
        }
    }
    return true;
}

bool read_bytes(Reader *reader, void *buffer, size_t size, size_t *got, Failure *failure)
{
    bool good = (reader->gzip ? read_gzip : read_plain)(reader, buffer, size, got, failure);
    if (good) reader->position += *got;
    return good;
}

bool read_seek(Reader *reader, uint64_t position, Failure *failure)
{
    if (fseeko(reader->stream, (off_t)position, SEEK_SET) != 0)
        return fail_file(
            failure, reader->path, "cannot be read at byte %llu: %s", (unsigned long long)position, strerror(errno));
    reader->position = position;
    return true;
}

/* Can the file hold what its header promises? */
static bool check_promise(const Reader *reader, const char *promised, size_t bytes, Failure *failure)
{
    uint64_t left = reader->size - reader->position;
    if (!reader->gzip && bytes > left)
        return fail_file(
            failure,
            reader->path,
            "truncated: the header promises %s, that is %zu bytes, but only %llu follow it; fetch or write the file again",
            promised,
            bytes,
            (unsigned long long)left);
    if (reader->gzip && bytes / DEFLATE_RATIO > reader->size)
        return fail_file(
            failure,
            reader->path,
            "the header promises %s, that is %zu bytes, more than a gzip file of %llu bytes can unpack to; it is damaged: "
            "fetch the file again",
            promised,
            bytes,
            (unsigned long long)reader->size);
    return true;
}

bool read_array(Reader *reader, Stored type, bool big_endian, int rank, const int64_t *shape, Array *array, Failure *failure)
{
    Array promise = {.type = stored_type(type), .rank = rank};
    memcpy(promise.shape, shape, (size_t)rank * sizeof *shape);
    char promised[256];
    array_describe(&promise, promised, sizeof promised);
    *array = (Array){0};
    size_t bytes;
    if (!shape_bytes(rank, shape, stored_size(type), &bytes))
        return fail_file(failure, reader->path, "the header promises %s, which is larger than any memory", promised);
    if (!check_promise(reader, promised, bytes, failure)) return false;
    if (!array_allocate(array, stored_type(type), rank, shape, failure))
        return fail_file(failure, reader->path, "%s", failure->text);

    uint8_t buffer[BUFFER_SIZE];
    size_t count = bytes / stored_size(type), at_once = sizeof buffer / stored_size(type),
           element = array_item_size(array->type);
    for (size_t done = 0; done < count;) {
        size_t now = count - done < at_once ? count - done : at_once, got;
        uint64_t begin = reader->position;
        if (!read_bytes(reader, buffer, now * stored_size(type), &got, failure)) goto failed;
        if (got < now * stored_size(type)) {
            fail_file(
                failure,
                reader->path,
                "truncated: the header promises %s, that is %zu bytes, only %zu could be read; fetch or write the file again",
                promised,
                bytes,
                done * stored_size(type) + got);
            goto failed;
        }
        size_t decoded = stored_decode(type, big_endian, buffer, now, (uint8_t *)array->data + done * element);
        if (decoded < now) {
            fail_file(failure,
                      reader->path,
                      "byte %llu: %s",
                      (unsigned long long)(begin + decoded * stored_size(type)),
                      type == STORED_BOOL ? "a truth value must be 0 or 1" : "a number beyond 2^63 - 1 has no place in int64");
            goto failed;
        }
        done += now;
    }
    return true;
failed:
    array_free(array);
    return false;
}

bool read_end(Reader *reader, Failure *failure)
{
    uint8_t byte;
    size_t got;
    uint64_t expected = reader->position;
    if (!read_bytes(reader, &byte, 1, &got, failure)) return false;
    if (got > 0)
        return fail_file(failure,
                         reader->path,
                         "bytes left over: the file should end after %llu bytes%s; it is damaged or its header is wrong",
                         (unsigned long long)expected,
                         reader->gzip ? " of content" : "");
    if (reader->gzip && !reader->complete)
        return fail_file(failure, reader->path, "truncated: the checksum at the end is missing; fetch the file again");
    return true;
}
