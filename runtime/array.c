/* Arrays of numbers in memory, and how numbers in files become elements of them. */
#include <stdlib.h>
#include <string.h>

#include "files.h"

enum { ALIGNMENT = 64 };

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [ARRAY_UINT8] = {"uint8", 1},
    [ARRAY_INT8] = {"int8", 1},
    [ARRAY_INT32] = {"int32", 4},
    [ARRAY_INT64] = {"int64", 8},
    [ARRAY_FLOAT32] = {"float32", 4},
    [ARRAY_FLOAT64] = {"float64", 8},
};

/* What a file may hold, and the array type that keeps each value exactly. */
static const struct {
    size_t size;
    ArrayType type;
} stored[] = {
    [STORED_BOOL] = {1, ARRAY_UINT8},
    [STORED_UINT8] = {1, ARRAY_UINT8},
    [STORED_INT8] = {1, ARRAY_INT8},
    [STORED_UINT16] = {2, ARRAY_INT32},
    [STORED_INT16] = {2, ARRAY_INT32},
    [STORED_UINT32] = {4, ARRAY_INT64},
    [STORED_INT32] = {4, ARRAY_INT32},
    [STORED_UINT64] = {8, ARRAY_INT64},
    [STORED_INT64] = {8, ARRAY_INT64},
    [STORED_FLOAT16] = {2, ARRAY_FLOAT32},
    [STORED_BFLOAT16] = {2, ARRAY_FLOAT32},
    [STORED_FLOAT32] = {4, ARRAY_FLOAT32},
    [STORED_FLOAT64] = {8, ARRAY_FLOAT64},
};

size_t array_item_size(ArrayType type)
{
    return types[type].size;
}

int64_t array_count(const Array *array)
{
    int64_t count = 1;
    for (int i = 0; i < array->rank; i++) count *= array->shape[i];
    return count;
}

const char *shape_text(int rank, const int64_t *shape, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "(");
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? ", %lld" : "%lld", (long long)shape[i]);
    if (used < size) snprintf(text + used, size - used, rank == 1 ? ",)" : ")");
    return text;
}

const char *array_describe(const Array *array, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s ", types[array->type].name);
    if (used < size) shape_text(array->rank, array->shape, text + used, size - used);
    return text;
}

bool shape_bytes(int rank, const int64_t *shape, size_t item_size, size_t *bytes)
{
    *bytes = item_size;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(*bytes, (uint64_t)shape[i], bytes)) return false;
    return *bytes <= PTRDIFF_MAX - ALIGNMENT;
}

bool array_allocate(Array *array, ArrayType type, int rank, const int64_t *shape, Failure *failure)
{
    *array = (Array){.type = type, .rank = rank};
    if (rank < 0 || rank > CNNC_MAX_RANK)
        return fail(failure, "an array of %d dimensions: more than %d are not supported", rank, CNNC_MAX_RANK);
    for (int i = 0; i < rank; i++) array->shape[i] = shape[i];
    char text[256];
    size_t bytes;
    if (!shape_bytes(rank, shape, types[type].size, &bytes))
        return fail(failure, "an array %s is larger than any memory", array_describe(array, text, sizeof text));
    if (bytes >= MEMORY_SMALL && !memory_fits(bytes, array_describe(array, text, sizeof text), failure)) return false;
    /* At least one byte, so that an array without elements has an address too. */
    if (posix_memalign(&array->data, ALIGNMENT, bytes ? bytes : 1) != 0) {
        array->data = NULL;
        return fail_memory(failure, bytes, array_describe(array, text, sizeof text));
    }
    return true;
}

bool array_new(Array *array, ArrayType type, int rank, const int64_t *shape, Failure *failure)
{
    if (!array_allocate(array, type, rank, shape, failure)) return false;
    memset(array->data, 0, (size_t)array_count(array) * types[type].size);
    return true;
}

void array_free(Array *array)
{
    free(array->data);
    *array = (Array){0};
}

/* Values beyond float32's range become infinite, as in numpy's astype. */
bool array_to_float32(Array *array, Failure *failure)
{
    if (array->type == ARRAY_FLOAT32) return true;
    Array result;
    if (!array_allocate(&result, ARRAY_FLOAT32, array->rank, array->shape, failure)) return false;
    int64_t count = array_count(array);
    float *to = result.data;
    switch (array->type) {
    case ARRAY_UINT8:
        for (int64_t i = 0; i < count; i++) to[i] = ((const uint8_t *)array->data)[i];
        break;
    case ARRAY_INT8:
        for (int64_t i = 0; i < count; i++) to[i] = ((const int8_t *)array->data)[i];
        break;
    case ARRAY_INT32:
        for (int64_t i = 0; i < count; i++) to[i] = (float)((const int32_t *)array->data)[i];
        break;
    case ARRAY_INT64:
        for (int64_t i = 0; i < count; i++) to[i] = (float)((const int64_t *)array->data)[i];
        break;
    case ARRAY_FLOAT64:
        for (int64_t i = 0; i < count; i++) to[i] = (float)((const double *)array->data)[i];
        break;
    case ARRAY_FLOAT32: break;
    }
    array_free(array);
    *array = result;
    return true;
}

/* ---- numbers as files hold them ----------------------------------------------------------------------- */

size_t stored_size(Stored type)
{
    return stored[type].size;
}

ArrayType stored_type(Stored type)
{
    return stored[type].type;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction. */
static float float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f) return float_of_bits(sign | 0x7f800000u | fraction << 13); /* infinity, NaN */
    if (exponent > 0) return float_of_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f; /* zero, and numbers below the normal ones */
    return sign ? -value : value;
}

/* The number that `size` bytes spell. */
static uint64_t bits_of_bytes(const uint8_t *bytes, size_t size, bool big_endian)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) bits = bits << 8 | bytes[big_endian ? i : size - 1 - i];
    return bits;
}

size_t stored_decode(Stored type, bool big_endian, const uint8_t *bytes, size_t count, void *elements)
{
    size_t size = stored[type].size;
    bool same = size == types[stored[type].type].size && type != STORED_BOOL && type != STORED_UINT64;
    if (same && (size == 1 || !big_endian)) {
        memcpy(elements, bytes, count * size);
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = bits_of_bytes(bytes + i * size, size, big_endian);
        switch (type) {
        case STORED_BOOL:
            if (bits > 1) return i;
            ((uint8_t *)elements)[i] = (uint8_t)bits;
            break;
        case STORED_UINT8:
        case STORED_INT8: ((uint8_t *)elements)[i] = (uint8_t)bits; break;
        case STORED_UINT16: ((int32_t *)elements)[i] = (int32_t)bits; break;
        case STORED_INT16: ((int32_t *)elements)[i] = (int16_t)bits; break;
        case STORED_INT32: ((int32_t *)elements)[i] = (int32_t)bits; break;
        case STORED_UINT64:
            if (bits > INT64_MAX) return i;
            ((int64_t *)elements)[i] = (int64_t)bits;
            break;
        case STORED_UINT32:
        case STORED_INT64: ((int64_t *)elements)[i] = (int64_t)bits; break;
        case STORED_FLOAT16: ((float *)elements)[i] = float_of_half((uint16_t)bits); break;
        case STORED_BFLOAT16: ((float *)elements)[i] = float_of_bits((uint32_t)bits << 16); break;
        case STORED_FLOAT32: ((float *)elements)[i] = float_of_bits((uint32_t)bits); break;
        case STORED_FLOAT64: memcpy((double *)elements + i, &bits, sizeof bits); break;
        }
    }
    return count;
}

/* ---- a file of either kind ---------------------------------------------------------------------------- */

/* A file that is not there may be an IDX file that lacks its .gz: idx_read says so if not. */
static bool may_be_idx(const char *path, uint8_t head[6])
{
    memset(head, 0, 6);
    return !read_head(path, head, 6) || (head[0] == 0x1f && head[1] == 0x8b) || (head[0] == 0 && head[1] == 0);
}

static bool is_npy(const uint8_t head[6])
{
    return memcmp(head, "\x93NUMPY", 6) == 0;
}

static const char zip[4] = {'P', 'K', 3, 4}; /* perhaps .npz: array_read says what to do */

bool is_array(const char *path)
{
    uint8_t head[6];
    return may_be_idx(path, head) || is_npy(head) || !memcmp(head, zip, sizeof zip);
}

bool array_read(const char *path, Array *array, Failure *failure)
{
    uint8_t head[6];
    *array = (Array){0};
    if (may_be_idx(path, head)) return idx_read(path, array, failure);
    if (is_npy(head)) return npy_read(path, array, failure);
    if (memcmp(head, "\x89PNG", 4) == 0) return fail_file(failure, path, "is a PNG picture; expected a .npy or an IDX file");
    if (memcmp(head, zip, sizeof zip) == 0)
        return fail_file(
            failure, path, "is a zip archive, perhaps .npz; expected a .npy or an IDX file: save each array with numpy.save");
    return fail_file(
        failure,
        path,
        "begins with the bytes %02x %02x %02x %02x: expected a .npy file (93 4e 55 4d) or an IDX file (00 00), plain or gzip "
        "(1f 8b)",
        head[0],
        head[1],
        head[2],
        head[3]);
}
