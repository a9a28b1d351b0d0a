#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "patience.h"
#include "scratch.h"

TestSuite(safetensors, .init = scratch_begin, .fini = scratch_end);

/* Makes a file of a header's text and data. */
static const char *write_file(const char *header, const void *data, size_t size)
{
    uint8_t bytes[2048] = {0};
    size_t length = strlen(header);
    bytes[0] = (uint8_t)length;
    bytes[1] = (uint8_t)(length >> 8);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, data, size);
    return scratch_write("w.safetensors", bytes, 8 + length + size);
}

/* Each byte of the data is its index and one. */
static void add_tensor(TensorFile *file, const char *name, ArrayType type, int rank, const int64_t *shape)
{
    Failure failure;
    Array array;
    assert_good(array_new(&array, type, rank, shape, &failure), &failure);
    for (size_t i = 0; i < (size_t)array_count(&array) * array_item_size(type); i++)
        ((uint8_t *)array.data)[i] = (uint8_t)(i + 1);
    assert_good(safetensors_add(file, name, &array, &failure), &failure);
    array_free(&array);
}

Test(safetensors, round_trip)
{
    static const ArrayType types[] = {ARRAY_UINT8, ARRAY_FLOAT64, ARRAY_INT8, ARRAY_FLOAT32, ARRAY_INT32, ARRAY_INT64};
    static const int64_t shape[CNNC_MAX_RANK] = {2, 3, 1, 1, 1, 1, 1, 1};
    Failure failure;
    TensorFile file = {0}, back;
    for (int i = 0; i < 6; i++)
        add_tensor(&file, (char[]){'t', (char)('0' + i), '/', 'k', '\0'}, types[i], i == 5 ? 8 : i, shape);
    add_tensor(&file, "empty", ARRAY_FLOAT32, 2, (int64_t[]){0, 3});
    add_tensor(&file, "k\xc3\xa4se \"\\\n", ARRAY_UINT8, 0, NULL);
    assert_good(safetensors_note(&file, "epoch", "3", &failure), &failure);
    assert_good(safetensors_note(&file, "history", "epoch,loss\n0,\"0.5\"\n", &failure), &failure);
    assert_good(safetensors_note(&file, "epoch", "4", &failure), &failure);

    assert_good(safetensors_write(scratch_path("a"), &file, &failure), &failure);
    assert_good(safetensors_read(scratch_path("a"), &back, &failure), &failure);
    cr_assert_eq(back.count, 8);
    for (int i = 0; i < 8; i++) {
        const Array *was = &file.items[i].array, *is = &back.items[i].array;
        cr_assert_str_eq(back.items[i].name, file.items[i].name);
        cr_assert(is->type == was->type && is->rank == was->rank);
        cr_assert_arr_eq(is->shape, was->shape, sizeof was->shape);
        cr_assert_arr_eq(is->data, was->data, (size_t)array_count(was) * array_item_size(was->type));
        cr_assert_eq(safetensors_find(&back, file.items[i].name), is);
    }
    cr_assert_eq(back.metadata_count, 2);
    cr_assert_str_eq(safetensors_value(&back, "epoch"), "4");
    cr_assert_str_eq(safetensors_value(&back, "history"), "epoch,loss\n0,\"0.5\"\n");
    cr_assert_null(safetensors_value(&back, "loss"));
    cr_assert_null(safetensors_find(&back, "bias"));
    safetensors_free(&file);
    safetensors_free(&back);
}

Test(safetensors, bytes_are_as_the_format_says)
{
    Failure failure;
    TensorFile file = {0};
    add_tensor(&file, "a", ARRAY_UINT8, 1, (int64_t[]){3});
    assert_good(safetensors_write(scratch_path("a"), &file, &failure), &failure);
    safetensors_free(&file);
    size_t size;
    uint8_t *bytes = scratch_load(scratch_path("a"), &size);
    static const char expected[] = "\x38\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}   \1\2\3";
    cr_assert_eq(size, sizeof expected - 1);
    cr_assert_arr_eq(bytes, expected, size);
    free(bytes);
}

Test(safetensors, an_empty_one_is_legal)
{
    Failure failure;
    TensorFile file = {0};
    assert_good(safetensors_write(scratch_path("a"), &file, &failure), &failure);
    assert_good(safetensors_read(scratch_path("a"), &file, &failure), &failure);
    cr_assert(file.count == 0 && file.metadata_count == 0);
    safetensors_free(&file);
}

Test(safetensors, reads_half_precision_and_any_order)
{
    Failure failure;
    TensorFile file;
    const char *path = write_file("{\"z\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[2,4]},"
                                  "\"a\":{\"data_offsets\":[0,2],\"shape\":[],\"dtype\":\"F16\"}}   ",
                                  "\x00\x3e\x49\xc0",
                                  4);
    assert_good(safetensors_read(path, &file, &failure), &failure);
    cr_assert_str_eq(file.items[0].name, "z");
    cr_assert(file.items[0].array.type == ARRAY_FLOAT32 && file.items[0].array.rank == 1);
    cr_assert_eq(*(float *)file.items[0].array.data, -3.140625f);
    cr_assert_eq(*(float *)file.items[1].array.data, 1.5f);
    cr_assert_eq(file.items[1].array.rank, 0);
    safetensors_free(&file);
}

#define TENSOR(name, dtype, shape, begin, end)                                                                                 \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

Test(safetensors, says_what_is_wrong)
{
    static const struct {
        const char *header, *says;
    } cases[] = {
        /* each with 8 bytes of data */
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "", "not sound JSON"},
        {"[]", "must begin with {"},
        {" {}", "must begin with {"},
        {"{}x", "byte 10 of the header"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "}{", "not sound JSON at \"{\""},
        {"{" TENSOR("a\\u0000b", "F32", "[2]", 0, 8) "}", "the character 0"},
        {"{" TENSOR("a\xff", "F32", "[2]", 0, 8) "}", "byte 11 of the header: ff"},
        {"{" TENSOR("a\x1b", "F32", "[2]", 0, 8) "}", "byte 11 of the header: 1b"},
        {"{" TENSOR("\\u001b[2J", "I16", "[4]", 0, 8) "}", "tensor \\x1b[2J: dtype I16"},
        {"{" TENSOR("a", "F32", "[1]", 0, 4) "," TENSOR("a", "F32", "[1]", 4, 8) "}", "the name a stands twice"},
        {"{\"a\":3}", "tensor a: expected the fields"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "tensor a: expected the fields"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "each once"},
        {"{\"a\":{\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]}}", "(not a string)"},
        {"{" TENSOR("a", "F32", "2", 0, 8) "}", "not a list"},
        {"{" TENSOR("a", "F32", "[-2]", 0, 8) "}", "dimension 0 is not a whole number"},
        {"{" TENSOR("a", "F32", "[1,2.5]", 0, 8) "}", "dimension 1 is not a whole number"},
        {"{" TENSOR("a", "F32", "[1e300]", 0, 8) "}", "dimension 0 is not a whole number"},
        {"{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,2]", 0, 8) "}", "more than 8 dimensions"},
        {"{" TENSOR("a", "F32", "[4503599627370496,4503599627370496]", 0, 8) "}", "not the size of F32 (4503599627370496,"},
        {"{" TENSOR("a", "F32", "[3]", 0, 8) "}", "span 8 bytes, which is not the size of F32 (3,)"},
        {"{" TENSOR("a", "F32", "[2]", 8, 0) "}", "two whole numbers in order"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", "two whole numbers in order"},
        {"{" TENSOR("a", "F32", "[4]", 0, 16) "}", "truncated: tensor a ends at byte 16 of the data, which has 8"},
        {"{" TENSOR("a", "F32", "[1]", 0, 4) "}", "bytes left over: the tensors end at byte 4"},
        {"{" TENSOR("a", "U8", "[4]", 0, 4) "," TENSOR("b", "U8", "[5]", 3, 8) "}", "they overlap"},
        {"{" TENSOR("a", "U8", "[4]", 0, 4) "," TENSOR("b", "U8", "[3]", 5, 8) "}", "there is a hole"},
        {"{" TENSOR("a", "U8", "[7]", 1, 8) "}", "there is a hole"},
        {"{\"__metadata__\":3," TENSOR("a", "F32", "[2]", 0, 8) "}", "__metadata__ is not a JSON object"},
        {"{\"__metadata__\":{\"epoch\":3}," TENSOR("a", "F32", "[2]", 0, 8) "}", "the value of epoch in __metadata__"},
        {"{\"__metadata__\":{\"b\":\"\",\"a\":\"\",\"b\":\"\"}," TENSOR("a", "F32", "[2]", 0, 8) "}",
         "the name b stands twice"},
        {"{\"__metadata__\":{},\"__metadata__\":{}," TENSOR("a", "F32", "[2]", 0, 8) "}", "the name __metadata__ stands twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Failure failure;
        TensorFile file;
        const char *path = write_file(cases[i].header, "\0\0\0\0\0\0\0\0", 8);
        assert_refused(safetensors_read(path, &file, &failure), &failure, "w.safetensors: ", cases[i].says);
        cr_assert(file.items == NULL && file.metadata == NULL);
    }
}

Test(safetensors, refuses_other_files)
{
    Failure failure;
    TensorFile file;
    assert_refused(safetensors_read(scratch_write("a", "", 0), &file, &failure), &failure, "/a: the file is empty");
    assert_refused(safetensors_read(scratch_write("a", "123", 3), &file, &failure), &failure, "truncated: 3 bytes");
    assert_refused(
        safetensors_read(scratch_write("a", "\1\0\0\0\0\0\0\0{}", 10), &file, &failure), &failure, "a header of 1 bytes");
    assert_refused(
        safetensors_read(scratch_write("a", "\3\0\0\0\0\0\0\0{}", 10), &file, &failure), &failure, "a header of 3 bytes");
    assert_refused(safetensors_read(scratch_write("a", "\377\377\377\377\377\377\377\377{}", 10), &file, &failure),
                   &failure,
                   "a header of 18446744073709551615 bytes");
    assert_refused(safetensors_read(scratch_path("."), &file, &failure), &failure, "folder");
    assert_refused(safetensors_read(scratch_path("none"), &file, &failure), &failure, "/none: ");
}

/* 16 MB of JSON that would take 640 MB as a tree. */
Test(safetensors, limits_the_memory_of_a_header, .timeout = 10 * PATIENCE)
{
    size_t size = 16 << 20;
    uint8_t *bytes = malloc(size);
    cr_assert(bytes);
    memset(bytes, '[', size);
    memcpy(bytes, "\xf8\xff\xff\0\0\0\0\0", 8);
    Failure failure;
    TensorFile file;
    assert_refused(safetensors_read(scratch_write("a", bytes, size), &file, &failure), &failure, "JSON values; at most");
    free(bytes);
}

Test(safetensors, does_not_take_a_name_twice)
{
    Failure failure;
    TensorFile file = {0};
    Array array;
    assert_good(array_new(&array, ARRAY_UINT8, 1, (int64_t[]){0}, &failure), &failure);
    assert_good(safetensors_add(&file, "a", &array, &failure), &failure);
    assert_refused(safetensors_add(&file, "a", &array, &failure), &failure, "named a");
    assert_refused(safetensors_add(&file, "__metadata__", &array, &failure), &failure, "__metadata__");
    cr_assert_eq(file.count, 1);
    array_free(&array);
    safetensors_free(&file);
}

static Verdict read_any(const char *path, Failure *failure)
{
    TensorFile file;
    if (!safetensors_read(path, &file, failure)) return REFUSED;
    cr_assert_leq(file.count, 2);
    safetensors_free(&file);
    return ACCEPTED;
}

Test(safetensors, survives_damage)
{
    const char *path = write_file(
        "{\"__metadata__\":{\"epoch\":\"3\"}," TENSOR("a", "F32", "[2]", 4, 12) "," TENSOR("b", "U8", "[2,2]", 0, 4) "}",
        "abcdefghijkl",
        12);
    size_t size;
    uint8_t *bytes = scratch_load(path, &size);
    int accepted = scratch_damage(bytes, size, read_any);
    cr_assert_geq(accepted, 12 * 9, "the data may be anything");
    free(bytes);
}
