#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "scratch.h"

TestSuite(array, .init = scratch_begin, .fini = scratch_end);

Test(array, is_zeroed_and_aligned)
{
    Failure failure;
    Array array;
    assert_good(array_new(&array, ARRAY_INT32, 2, (int64_t[]){3, 5}, &failure), &failure);
    cr_assert_eq(array_count(&array), 15);
    cr_assert_eq((uintptr_t)array.data % 64, 0);
    for (int i = 0; i < 15; i++) cr_assert_eq(((int32_t *)array.data)[i], 0);
    char text[64];
    cr_assert_str_eq(array_describe(&array, text, sizeof text), "int32 (3, 5)");
    array_free(&array);
    cr_assert_null(array.data);
}

Test(array, may_be_empty_or_a_scalar)
{
    Failure failure;
    Array array;
    char text[64];
    assert_good(array_new(&array, ARRAY_FLOAT64, 2, (int64_t[]){0, 5}, &failure), &failure);
    cr_assert_eq(array_count(&array), 0);
    assert_good(array_to_float32(&array, &failure), &failure);
    array_free(&array);
    assert_good(array_new(&array, ARRAY_FLOAT64, 0, NULL, &failure), &failure);
    cr_assert_eq(array_count(&array), 1);
    cr_assert_str_eq(array_describe(&array, text, sizeof text), "float64 ()");
    array_free(&array);
}

Test(array, refuses_what_no_memory_holds)
{
    Failure failure;
    Array array;
    assert_refused(
        array_new(&array, ARRAY_FLOAT32, 2, (int64_t[]){1ll << 40, 1ll << 40}, &failure), &failure, "larger than any memory");
    assert_refused(array_new(&array, ARRAY_FLOAT64, 1, (int64_t[]){INT64_MAX / 8}, &failure), &failure, "memory");
    assert_refused(array_new(&array, ARRAY_UINT8, 1, (int64_t[]){1ll << 60}, &failure), &failure, "1152921504606846976 bytes");
    assert_refused(array_new(&array, ARRAY_UINT8, 1, (int64_t[]){-1}, &failure), &failure, "(-1,)");
    assert_refused(array_new(&array, ARRAY_UINT8, 9, (int64_t[9]){1}, &failure), &failure, "9 dimensions");
    cr_assert_null(array.data);
}

Test(array, becomes_float32_from_every_type)
{
    static const ArrayType types[] = {ARRAY_UINT8, ARRAY_INT8, ARRAY_INT32, ARRAY_INT64, ARRAY_FLOAT32, ARRAY_FLOAT64};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        Failure failure;
        Array array;
        assert_good(array_new(&array, types[i], 1, (int64_t[]){2}, &failure), &failure);
        switch (types[i]) {
        case ARRAY_UINT8: ((uint8_t *)array.data)[1] = 255; break;
        case ARRAY_INT8: ((int8_t *)array.data)[1] = -1; break;
        case ARRAY_INT32: ((int32_t *)array.data)[1] = -70000; break;
        case ARRAY_INT64: ((int64_t *)array.data)[1] = 1ll << 40; break;
        case ARRAY_FLOAT32: ((float *)array.data)[1] = 0.1f; break;
        case ARRAY_FLOAT64: ((double *)array.data)[1] = 0.1; break;
        }
        static const float expected[] = {255, -1, -70000, 0x1p40f, 0.1f, 0.1f};
        assert_good(array_to_float32(&array, &failure), &failure);
        cr_assert_eq(array.type, ARRAY_FLOAT32);
        cr_assert_eq(((float *)array.data)[0], 0);
        cr_assert_eq(((float *)array.data)[1], expected[i]);
        array_free(&array);
    }
}

Test(array, decodes_half_precision)
{
    static const struct {
        uint16_t bits;
        float value;
    } halves[] = {
        {0x0000, 0},
        {0x3c00, 1},
        {0xc000, -2},
        {0x3555, 0.333251953125f},
        {0x7bff, 65504},
        {0x0400, 0x1p-14f},
        {0x0001, 0x1p-24f},
        {0x83ff, -0x1.ff8p-15f},
        {0x7c00, INFINITY},
        {0xfc00, -INFINITY},
    };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        float value;
        uint8_t bytes[2] = {(uint8_t)halves[i].bits, (uint8_t)(halves[i].bits >> 8)};
        cr_assert_eq(stored_decode(STORED_FLOAT16, false, bytes, 1, &value), 1);
        cr_expect_eq(value, halves[i].value, "%04x gives %a", halves[i].bits, (double)value);
    }
    float value;
    stored_decode(STORED_FLOAT16, true, (const uint8_t[]){0x7e, 0x00}, 1, &value);
    cr_expect(isnan(value));
    stored_decode(STORED_FLOAT16, true, (const uint8_t[]){0x80, 0x00}, 1, &value);
    cr_expect(signbit(value));
    stored_decode(STORED_BFLOAT16, false, (const uint8_t[]){0x49, 0xc0}, 1, &value);
    cr_expect_eq(value, -3.140625f);
}

Test(array, tells_files_by_their_content)
{
    Failure failure;
    Array array;
    static const uint8_t idx[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 9};
    assert_good(array_read(scratch_write("a.npy", idx, sizeof idx), &array, &failure), &failure); /* not by their names */
    cr_assert_eq(((uint8_t *)array.data)[1], 9);
    assert_good(npy_write(scratch_path("b.idx"), &array, &failure), &failure);
    array_free(&array);
    assert_good(array_read(scratch_path("b.idx"), &array, &failure), &failure);
    cr_assert_eq(((uint8_t *)array.data)[1], 9);
    array_free(&array);

    assert_refused(array_read(scratch_write("c", "\x89PNG\r\n\x1a\n", 8), &array, &failure), &failure, "/c: ", "PNG");
    assert_refused(array_read(scratch_write("d", "PK\x03\x04", 4), &array, &failure), &failure, "/d: ", "numpy.save");
    assert_refused(array_read(scratch_write("e", "hello", 5), &array, &failure), &failure, "/e: ", "68 65 6c 6c");
    assert_refused(array_read(scratch_write("f", "", 0), &array, &failure), &failure, "/f: ", "empty");
    assert_refused(array_read(scratch_path("g"), &array, &failure), &failure, "/g: ", "no such file");
    assert_refused(array_read(scratch_path("."), &array, &failure), &failure, "is a folder");
}
