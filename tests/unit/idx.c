#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "patience.h"
#include "scratch.h"

TestSuite(idx, .init = scratch_begin, .fini = scratch_end);

static const uint8_t bytes_2x3[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255};

/* Packs bytes into one gzip member; returns its length. */
static size_t pack(const void *bytes, size_t size, uint8_t *packed, size_t room)
{
    z_stream deflater = {
        .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size, .next_out = packed, .avail_out = (uInt)room};
    cr_assert_eq(deflateInit2(&deflater, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&deflater, Z_FINISH), Z_STREAM_END);
    size_t length = deflater.total_out;
    deflateEnd(&deflater);
    return length;
}

static bool is_2x3(const Array *array)
{
    return array->type == ARRAY_UINT8 && array->rank == 2 && array->shape[0] == 2 && array->shape[1] == 3 &&
           memcmp(array->data, bytes_2x3 + 12, 6) == 0;
}

Test(idx, reads_bytes)
{
    Failure failure;
    Array array;
    assert_good(idx_read(scratch_write("a", bytes_2x3, sizeof bytes_2x3), &array, &failure), &failure);
    cr_assert(is_2x3(&array));
    array_free(&array);
}

Test(idx, reads_every_type)
{
    static const struct {
        uint8_t bytes[16];
        size_t size;
        ArrayType type;
        float value;
    } cases[] = {
        {{0, 0, 0x08, 1, 0, 0, 0, 1, 200}, 9, ARRAY_UINT8, 200},
        {{0, 0, 0x09, 1, 0, 0, 0, 1, 200}, 9, ARRAY_INT8, -56},
        {{0, 0, 0x0b, 1, 0, 0, 0, 1, 0xff, 0xfe}, 10, ARRAY_INT32, -2},
        {{0, 0, 0x0c, 1, 0, 0, 0, 1, 0, 1, 0, 0}, 12, ARRAY_INT32, 65536},
        {{0, 0, 0x0d, 1, 0, 0, 0, 1, 0xbf, 0xc0, 0, 0}, 12, ARRAY_FLOAT32, -1.5f},
        {{0, 0, 0x0e, 1, 0, 0, 0, 1, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0}, 16, ARRAY_FLOAT64, 0.5f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Failure failure;
        Array array;
        assert_good(idx_read(scratch_write("a", cases[i].bytes, cases[i].size), &array, &failure), &failure);
        cr_expect_eq(array.type, cases[i].type, "case %zu", i);
        assert_good(array_to_float32(&array, &failure), &failure);
        cr_expect_eq(*(float *)array.data, cases[i].value, "case %zu", i);
        array_free(&array);
    }
}

Test(idx, reads_gzip_of_one_and_of_several_members)
{
    Failure failure;
    Array array;
    uint8_t packed[256];
    size_t length = pack(bytes_2x3, sizeof bytes_2x3, packed, sizeof packed);
    const char *path = scratch_write("a", packed, length); /* told by content: no .gz in the name */
    assert_good(idx_read(path, &array, &failure), &failure);
    cr_assert(is_2x3(&array));
    array_free(&array);

    length = pack(bytes_2x3, 7, packed, sizeof packed);
    length += pack(bytes_2x3 + 7, sizeof bytes_2x3 - 7, packed + length, sizeof packed - length);
    assert_good(idx_read(scratch_write("b", packed, length), &array, &failure), &failure);
    cr_assert(is_2x3(&array));
    array_free(&array);
}

Test(idx, finds_a_file_that_lacks_its_gz)
{
    Failure failure;
    Array array;
    uint8_t packed[256];
    scratch_write("labels.gz", packed, pack(bytes_2x3, sizeof bytes_2x3, packed, sizeof packed));
    assert_good(idx_read(scratch_path("labels"), &array, &failure), &failure);
    cr_assert(is_2x3(&array));
    array_free(&array);
    assert_refused(idx_read(scratch_path("images"), &array, &failure), &failure, "/images: no such file", ".gz");
}

static Verdict read_plain(const char *path, Failure *failure)
{
    Array array;
    if (!idx_read(path, &array, failure)) return REFUSED;
    array_free(&array);
    return ACCEPTED;
}

/* Gzip's checksum covers the content: what is accepted must be the right content. */
static Verdict read_packed(const char *path, Failure *failure)
{
    Array array;
    if (!idx_read(path, &array, failure)) return REFUSED;
    cr_assert(is_2x3(&array));
    array_free(&array);
    return ACCEPTED;
}

Test(idx, survives_damage)
{
    int accepted = scratch_damage(bytes_2x3, sizeof bytes_2x3, read_plain);
    cr_assert_geq(accepted, 6 * 9, "every value of a pixel is one"); /* and 9 is the type int8 */
    cr_assert_leq(accepted, 6 * 9 + 1);
    uint8_t packed[256];
    size_t length = pack(bytes_2x3, sizeof bytes_2x3, packed, sizeof packed);
    accepted = scratch_damage(packed, length, read_packed);
    cr_assert_lt(accepted, 9 * 10, "only the header of 10 bytes is outside the checksum");
}

Test(idx, says_what_is_wrong)
{
    Failure failure;
    Array array;
    uint8_t packed[256];
    assert_refused(idx_read(scratch_write("short", bytes_2x3, 15), &array, &failure),
                   &failure,
                   "/short: truncated",
                   "uint8 (2, 3)",
                   "only 3");
    size_t length = pack(bytes_2x3, sizeof bytes_2x3 - 2, packed, sizeof packed);
    assert_refused(
        idx_read(scratch_write("short.gz", packed, length), &array, &failure), &failure, "truncated", "only 4 could be read");
    length = pack(bytes_2x3, sizeof bytes_2x3, packed, sizeof packed);
    assert_refused(idx_read(scratch_write("no checksum", packed, length - 8), &array, &failure),
                   &failure,
                   "the checksum at the end is missing");
    packed[length - 8] ^= 1;
    assert_refused(
        idx_read(scratch_write("checksum", packed, length), &array, &failure), &failure, "damaged", "incorrect data check");
    packed[length - 8] ^= 1;
    memcpy(packed + length, "garbage", 7);
    assert_refused(
        idx_read(scratch_write("tail.gz", packed, length + 7), &array, &failure), &failure, "/tail.gz: ", "incorrect header");
    length += pack("x", 1, packed + length, sizeof packed - length);
    assert_refused(
        idx_read(scratch_write("tail", packed, length), &array, &failure), &failure, "bytes left over", "18 bytes of content");

    static const uint8_t no_data[] = {0, 0, 8, 1, 0, 0, 0, 0}, rank_9[] = {0, 0, 8, 9, 0, 0, 0, 0}, rank_0[] = {0, 0, 8, 0, 5};
    assert_refused(idx_read(scratch_write("a", no_data, sizeof no_data), &array, &failure), &failure, "byte 4: size 0");
    assert_refused(idx_read(scratch_write("a", rank_9, sizeof rank_9), &array, &failure), &failure, "byte 3: 9 dimensions");
    assert_refused(idx_read(scratch_write("a", rank_0, sizeof rank_0), &array, &failure), &failure, "byte 3: 0 dimensions");
    assert_refused(idx_read(scratch_write("a", "", 0), &array, &failure), &failure, "empty");
    assert_refused(idx_read(scratch_path("."), &array, &failure), &failure, "folder");
    assert_refused(idx_read("/dev/zero", &array, &failure), &failure, "/dev/zero: is not a regular file");
}

Test(idx, does_not_wait_for_a_pipe, .timeout = 5 * PATIENCE)
{
    Failure failure;
    Array array;
    cr_assert_eq(mkfifo(scratch_path("pipe"), 0600), 0);
    assert_refused(idx_read(scratch_path("pipe"), &array, &failure), &failure, "/pipe: is not a regular file");
}

Test(idx, believes_no_header_that_the_file_cannot_fulfil, .timeout = 5 * PATIENCE)
{
    Failure failure;
    Array array;
    uint8_t packed[256];
    static const uint8_t vast[] = {0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
    static const uint8_t large[] = {0, 0, 8, 2, 0, 255, 255, 255, 0, 0, 0, 255, 1};
    assert_refused(idx_read(scratch_write("a", vast, sizeof vast), &array, &failure), &failure, "larger than any memory");
    assert_refused(
        idx_read(scratch_write("a", large, sizeof large), &array, &failure), &failure, "4278189825 bytes, but only 1");
    size_t length = pack(large, sizeof large, packed, sizeof packed);
    assert_refused(idx_read(scratch_write("a", packed, length), &array, &failure), &failure, "more than a gzip file of");
}

/* 64 MB of zeros in 64 KB, where the header promises 6 bytes. */
Test(idx, stops_unpacking_at_what_was_promised, .timeout = 5 * PATIENCE)
{
    Failure failure;
    Array array;
    size_t size = 64 << 20, room = 1 << 20;
    uint8_t *content = calloc(size, 1), *packed = malloc(room);
    cr_assert(content && packed);
    memcpy(content, bytes_2x3, sizeof bytes_2x3);
    const char *path = scratch_write("bomb.gz", packed, pack(content, size, packed, room));
    free(content);
    free(packed);
    assert_refused(idx_read(path, &array, &failure), &failure, "/bomb.gz: bytes left over");
}
