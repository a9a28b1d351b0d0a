/* .npy, numpy's format of one array.
 *
 *     93 'NUMPY' major minor   8 bytes
 *     length of the header     16 bits in version 1, 32 bits in 2 and 3, little-endian
 *     header                   a Python dict: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, padded by
 *                              spaces to a multiple of 64 bytes from the file's begin, and a line end
 *     numbers */
#include <stdlib.h>
#include <string.h>

#include "files.h"

enum { HEADER_LIMIT = 1 << 16, ALIGNMENT = 64 };

typedef struct {
    Stored type;
    bool big_endian, fortran_order;
    int rank;
    int64_t shape[CNNC_MAX_RANK];
} Header;

/* A place in the header's text. */
typedef struct {
    const char *path;
    const char *begin, *at, *end;
    size_t offset; /* of the text in the file */
    Failure *failure;
} Cursor;

/* ---- the header's text ---------------------------------------------------------------------------------- */

static bool fail_at(const Cursor *cursor, const char *expected)
{
    size_t left = (size_t)(cursor->end - cursor->at);
    return fail_file(cursor->failure,
                     cursor->path,
                     "byte %zu of the .npy header: expected %s, found \"%.*s\"",
                     cursor->offset + (size_t)(cursor->at - cursor->begin),
                     expected,
                     left < 16 ? (int)left : 16,
                     cursor->at);
}

static void skip_space(Cursor *cursor)
{
    while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) && *cursor->at) cursor->at++;
}

/* Goes past a character, if it is the next. */
static bool accept(Cursor *cursor, char wanted)
{
    skip_space(cursor);
    if (cursor->at == cursor->end || *cursor->at != wanted) return false;
    cursor->at++;
    return true;
}

static bool accept_word(Cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    skip_space(cursor);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) return false;
    cursor->at += length;
    return true;
}

/* A short string in single or double quotes, without escapes. */
static bool parse_string(Cursor *cursor, char *text, size_t size, const char *expected)
{
    skip_space(cursor);
    Cursor start = *cursor;
    char quote = accept(cursor, '\'') ? '\'' : accept(cursor, '"') ? '"' : '\0';
    const char *close = quote ? memchr(cursor->at, quote, (size_t)(cursor->end - cursor->at)) : NULL;
    size_t length = close ? (size_t)(close - cursor->at) : 0;
    if (close == NULL || length >= size || memchr(cursor->at, '\\', length)) return fail_at(&start, expected);
    memcpy(text, cursor->at, length);
    text[length] = '\0';
    cursor->at = close + 1;
    return true;
}

static bool parse_type(Cursor *cursor, Header *header)
{
    static const struct {
        const char *name;
        Stored type;
    } types[] = {
        {"b1", STORED_BOOL},
        {"u1", STORED_UINT8},
        {"i1", STORED_INT8},
        {"u2", STORED_UINT16},
        {"i2", STORED_INT16},
        {"u4", STORED_UINT32},
        {"i4", STORED_INT32},
        {"u8", STORED_UINT64},
        {"i8", STORED_INT64},
        {"f2", STORED_FLOAT16},
        {"f4", STORED_FLOAT32},
        {"f8", STORED_FLOAT64},
    };
    char text[16];
    if (!parse_string(cursor, text, sizeof text, "the type of plain numbers, such as '<f4'")) return false;
    size_t count = sizeof types / sizeof *types, i = 0;
    while (i < count && strcmp(text + (text[0] != '\0'), types[i].name) != 0) i++;
    if (i == count || !strchr("<>=|", text[0]) || (text[0] == '|' && stored_size(types[i].type) > 1))
        return fail_file(
            cursor->failure,
            cursor->path,
            "holds numbers of type '%s'; expected bool, float of 16, 32 or 64 bits, or int of 8 to 64 bits: convert with "
            "numpy's astype(\"float32\")",
            text);
    header->type = types[i].type;
    header->big_endian = text[0] == '>';
    return true;
}

static bool parse_size(Cursor *cursor, int64_t *size)
{
    skip_space(cursor);
    const char *first = cursor->at;
    *size = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++)
        if (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, *cursor->at - '0', size))
            return fail_at(cursor, "a size below 2^63");
    if (cursor->at == first) return fail_at(cursor, "a size");
    if (cursor->at < cursor->end && *cursor->at == 'L') cursor->at++; /* Python 2 */
    return true;
}

/* A Python tuple: (), (3,), (3, 4). */
static bool parse_shape(Cursor *cursor, Header *header)
{
    if (!accept(cursor, '(')) return fail_at(cursor, "a shape: (");
    header->rank = 0;
    while (!accept(cursor, ')')) {
        if (header->rank == CNNC_MAX_RANK)
            return fail_file(cursor->failure, cursor->path, "has more than %d dimensions", CNNC_MAX_RANK);
        if (!parse_size(cursor, &header->shape[header->rank++])) return false;
        if (accept(cursor, ',')) continue;
        if (header->rank == 1) return fail_at(cursor, "a comma");
        if (!accept(cursor, ')')) return fail_at(cursor, "a comma or )");
        break;
    }
    return true;
}

static bool parse_header(Cursor *cursor, Header *header)
{
    bool has_type = false, has_order = false, has_shape = false;
    if (!accept(cursor, '{')) return fail_at(cursor, "{");
    while (!accept(cursor, '}')) {
        char key[16];
        skip_space(cursor);
        Cursor start = *cursor;
        if (!parse_string(cursor, key, sizeof key, "'descr', 'fortran_order' or 'shape'")) return false;
        if (!accept(cursor, ':')) return fail_at(cursor, "a colon");
        bool *has = strcmp(key, "descr") == 0           ? &has_type
                    : strcmp(key, "fortran_order") == 0 ? &has_order
                    : strcmp(key, "shape") == 0         ? &has_shape
                                                        : NULL;
        if (has == NULL || *has) return fail_at(&start, "'descr', 'fortran_order' and 'shape', each once");
        *has = true;
        if (has == &has_type && !parse_type(cursor, header)) return false;
        if (has == &has_shape && !parse_shape(cursor, header)) return false;
        if (has == &has_order) {
            header->fortran_order = accept_word(cursor, "True");
            if (!header->fortran_order && !accept_word(cursor, "False")) return fail_at(cursor, "True or False");
        }
        if (accept(cursor, ',')) continue;
        if (!accept(cursor, '}')) return fail_at(cursor, "a comma or }");
        break;
    }
    skip_space(cursor);
    if (cursor->at < cursor->end) return fail_at(cursor, "nothing but spaces behind }");
    if (!has_type || !has_order || !has_shape)
        return fail_file(cursor->failure,
                         cursor->path,
                         "the .npy header lacks '%s'",
                         !has_type    ? "descr"
                         : !has_order ? "fortran_order"
                                      : "shape");
    return true;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static bool read_exactly(Reader *reader, void *bytes, size_t size, Failure *failure)
{
    size_t got;
    if (!read_bytes(reader, bytes, size, &got, failure)) return false;
    if (got == size) return true;
    return fail_file(failure,
                     reader->path,
                     "truncated: the .npy header needs %llu bytes, the file has %llu",
                     (unsigned long long)(reader->position - got + size),
                     (unsigned long long)reader->size);
}

static bool read_header(Reader *reader, Header *header, Failure *failure)
{
    uint8_t head[8], length[4] = {0};
    if (!read_exactly(reader, head, sizeof head, failure)) return false;
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return fail_file(failure, reader->path, "not a .npy file: it does not begin with the bytes 93 'NUMPY'");
    if (head[6] < 1 || head[6] > 3 || head[7] != 0)
        return fail_file(failure, reader->path, "version %d.%d of the .npy format; expected 1.0, 2.0 or 3.0", head[6], head[7]);
    if (!read_exactly(reader, length, head[6] == 1 ? 2 : 4, failure)) return false;
    uint32_t size = (uint32_t)length[0] | (uint32_t)length[1] << 8 | (uint32_t)length[2] << 16 | (uint32_t)length[3] << 24;
    if (size > HEADER_LIMIT)
        return fail_file(failure, reader->path, "byte 8: a .npy header of %u bytes; expected at most %d", size, HEADER_LIMIT);

    char *text = malloc((size_t)size + 1);
    if (text == NULL) return fail_memory(failure, (size_t)size + 1, "a .npy header");
    size_t offset = (size_t)reader->position;
    bool good = read_exactly(reader, text, size, failure);
    if (good) {
        Cursor cursor = {
            .path = reader->path, .begin = text, .at = text, .end = text + size, .offset = offset, .failure = failure};
        good = parse_header(&cursor, header);
    }
    free(text);
    return good;
}

/* From Fortran's order, first index fastest, to C's, last index fastest. The array holds its shape reversed, in C's order. */
static bool transpose(Array *array, const Header *header, Failure *failure)
{
    Array result;
    if (!array_allocate(&result, array->type, header->rank, header->shape, failure)) return false;
    size_t item = array_item_size(array->type);
    size_t stride[CNNC_MAX_RANK], step = 1; /* stride[i]: how far index i goes in the old order */
    for (int i = 0; i < header->rank; i++) {
        stride[i] = step;
        step *= (size_t)header->shape[i];
    }
    int64_t index[CNNC_MAX_RANK] = {0}, count = array_count(array);
    size_t from = 0;
    for (int64_t to = 0; to < count; to++) {
        memcpy((char *)result.data + (size_t)to * item, (const char *)array->data + from * item, item);
        for (int i = header->rank - 1; i >= 0; i--) {
            from += stride[i];
            if (++index[i] < header->shape[i]) break;
            from -= stride[i] * (size_t)index[i];
            index[i] = 0;
        }
    }
    array_free(array);
    *array = result;
    return true;
}

static bool read_content(Reader *reader, Array *array, Failure *failure)
{
    Header header = {0};
    if (!read_header(reader, &header, failure)) return false;
    int64_t shape[CNNC_MAX_RANK];
    for (int i = 0; i < header.rank; i++) shape[i] = header.shape[header.fortran_order ? header.rank - 1 - i : i];
    return read_array(reader, header.type, header.big_endian, header.rank, shape, array, failure) &&
           read_end(reader, failure) && (!header.fortran_order || header.rank < 2 || transpose(array, &header, failure));
}

bool npy_read(const char *path, Array *array, Failure *failure)
{
    *array = (Array){0};
    Reader reader;
    if (!read_begin(&reader, path, false, failure)) return false;
    bool good = read_content(&reader, array, failure);
    if (!good) array_free(array);
    read_close(&reader);
    return good;
}

/* ---- writing -------------------------------------------------------------------------------------------- */

/* The file up to its numbers. Returns its length. */
static size_t format_header(const Array *array, char *text, size_t size)
{
    static const char *const types[] = {
        [ARRAY_UINT8] = "|u1",
        [ARRAY_INT8] = "|i1",
        [ARRAY_INT32] = "<i4",
        [ARRAY_INT64] = "<i8",
        [ARRAY_FLOAT32] = "<f4",
        [ARRAY_FLOAT64] = "<f8",
    };
    size_t used = 10;
    used +=
        (size_t)snprintf(text + used, size - used, "{'descr': '%s', 'fortran_order': False, 'shape': (", types[array->type]);
    for (int i = 0; i < array->rank; i++)
        used += (size_t)snprintf(text + used, size - used, i ? " %lld," : "%lld,", (long long)array->shape[i]);
    if (array->rank > 1) used--; /* only a tuple of one ends in a comma */
    used += (size_t)snprintf(text + used, size - used, "), }");
    while ((used + 1) % ALIGNMENT != 0) text[used++] = ' ';
    text[used++] = '\n';
    memcpy(text, "\x93NUMPY\x01", 8); /* version 1.0 */
    text[8] = (char)((used - 10) & 0xff);
    text[9] = (char)((used - 10) >> 8);
    return used;
}

bool npy_write(const char *path, const Array *array, Failure *failure)
{
    char header[512]; /* 8 sizes of up to 19 digits and 75 characters around them */
    size_t length = format_header(array, header, sizeof header);
    Writer writer;
    if (!write_begin(&writer, path, failure)) return false;
    if (write_bytes(&writer, header, length, failure) &&
        write_bytes(&writer, array->data, (size_t)array_count(array) * array_item_size(array->type), failure))
        return write_end(&writer, failure);
    write_abandon(&writer);
    return false;
}
