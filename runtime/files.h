/* What the readers and writers of files share, and nobody else needs (failure.c, read.c, array.c, write.c). */
#ifndef CNNC_FILES_H
#define CNNC_FILES_H

#include <zlib.h>
#include "runtime.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "npy and safetensors files are written from memory as it is");

/* ---- failures (failure.c) ------------------------------------------------------------------------------ */

/* "PATH: what is wrong", a long path cut at its front. Always false. */
bool fail_file(Failure *, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "out of memory", saying how many bytes were wanted for what. Always false. */
bool fail_memory(Failure *, size_t bytes, const char *purpose);
/* The bytes of the UTF-8 character that begins here, 1 to 4; 0 where none does. */
size_t utf8_length(const uint8_t *text, size_t size);

/* ---- memory (memory_left.c) ----------------------------------------------------------------------------- */

/* The bytes that are left by the files' account: /proc/meminfo, /proc/self/cgroup, and the folder /sys/fs/cgroup. */
uint64_t memory_left_at(const char *meminfo, const char *own_groups, const char *groups);

/* ---- numbers as files hold them (array.c) --------------------------------------------------------------- */

typedef enum {
    STORED_BOOL,
    STORED_UINT8,
    STORED_INT8,
    STORED_UINT16,
    STORED_INT16,
    STORED_UINT32,
    STORED_INT32,
    STORED_UINT64,
    STORED_INT64,
    STORED_FLOAT16,
    STORED_BFLOAT16,
    STORED_FLOAT32,
    STORED_FLOAT64,
} Stored;

size_t stored_size(Stored);    /* bytes of a number in the file */
ArrayType stored_type(Stored); /* the type of array that holds them all: the same, or the next wider one */
/* Turns `count` stored numbers into elements of an array. Returns the index of the first that has no such element
 * (a bool that is neither 0 nor 1, an uint64 beyond int64), or `count`. */
size_t stored_decode(Stored, bool big_endian, const uint8_t *bytes, size_t count, void *elements);
/* bytes = the product of the shape times item_size; false where that overflows, or a dimension is negative. */
bool shape_bytes(int rank, const int64_t *shape, size_t item_size, size_t *bytes);
/* array_new without the zeroes, for a reader that fills it. */
bool array_allocate(Array *, ArrayType, int rank, const int64_t *shape, Failure *);

/* ---- reading (read.c) ---------------------------------------------------------------------------------- */

/* A regular file being read, as it is or unpacked by zlib. It points into itself: not to be copied. */
typedef struct {
    const char *path; /* the caller's, who keeps it while reading */
    FILE *stream;
    uint64_t size;     /* of the file, bytes */
    uint64_t position; /* bytes handed out so far, unpacked */
    bool gzip;
    bool complete; /* gzip: the last member's checksum was read, and was right */
    z_stream inflater;
    uint8_t *packed; /* gzip: the input buffer */
} Reader;

/* The first bytes of a regular file, to tell what it is; returns how many there are, 0 where it cannot be read. */
size_t read_head(const char *path, uint8_t *bytes, size_t size);
/* Opens a file that must be regular and not empty. With `unpack`, one that begins as gzip does is unpacked. */
bool read_begin(Reader *, const char *path, bool unpack, Failure *);
/* Reads up to `size` bytes; *got < size only at the end of the data. */
bool read_bytes(Reader *, void *buffer, size_t size, size_t *got, Failure *);
/* Goes to a byte of a file that is not packed. */
bool read_seek(Reader *, uint64_t position, Failure *);
/* Makes an array of the numbers that follow. What the shape promises is held against the size of the file first. */
bool read_array(Reader *, Stored, bool big_endian, int rank, const int64_t *shape, Array *, Failure *);
/* Fails if anything is left over; of gzip also if the checksum is wrong or missing. */
bool read_end(Reader *, Failure *);
void read_close(Reader *);

/* ---- the checksum of a safetensors file (checksum.c) ----------------------------------------------------- */

/* Does it fit? A file of another program has none, and passes. */
bool checksum_verify(const TensorFile *, const char *path, Failure *);

/* ---- writing (write.c) --------------------------------------------------------------------------------- */

/* Writes to the stream; a failure says at once what the system said. */
bool write_bytes(Writer *, const void *data, size_t size, Failure *);

#endif
