#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

TestSuite(npy, .init = scratch_begin, .fini = scratch_end);

/* Makes a .npy file of a header's text and data. */
static const char *write_file(int version, const char *header, const void *data, size_t size)
{
    uint8_t bytes[1024] = "\x93NUMPY";
    size_t length = strlen(header), used = version == 1 ? 10 : 12;
    bytes[6] = (uint8_t)version;
    bytes[8] = (uint8_t)length;
    memcpy(bytes + used, header, length);
    memcpy(bytes + used + length, data, size);
    return scratch_write("file.npy", bytes, used + length + size);
}

Test(npy, round_trip_of_every_type_and_rank)
{
    static const ArrayType types[] = {ARRAY_UINT8, ARRAY_INT8, ARRAY_INT32, ARRAY_INT64, ARRAY_FLOAT32, ARRAY_FLOAT64};
    static const int64_t shape[CNNC_MAX_RANK] = {2, 1, 3, 1, 2, 1, 1, 2};
    for (size_t type = 0; type < sizeof types / sizeof *types; type++) {
        for (int rank = 0; rank <= CNNC_MAX_RANK; rank++) {
            Failure failure;
            Array array, back;
            assert_good(array_new(&array, types[type], rank, shape, &failure), &failure);
            size_t size = (size_t)array_count(&array) * array_item_size(array.type);
            for (size_t i = 0; i < size; i++) ((uint8_t *)array.data)[i] = (uint8_t)(i + 1);
            assert_good(npy_write(scratch_path("a.npy"), &array, &failure), &failure);
            assert_good(npy_read(scratch_path("a.npy"), &back, &failure), &failure);
            cr_assert_eq(back.type, types[type]);
            cr_assert_eq(back.rank, rank);
            cr_assert_arr_eq(back.shape, shape, (size_t)rank * sizeof *shape);
            cr_assert_arr_eq(back.data, array.data, size);
            array_free(&array);
            array_free(&back);
        }
    }
}

/* What numpy.save writes, byte for byte. */
Test(npy, writes_as_numpy_does)
{
    Failure failure;
    Array array;
    assert_good(array_new(&array, ARRAY_FLOAT32, 1, (int64_t[]){1}, &failure), &failure);
    *(float *)array.data = 1;
    assert_good(npy_write(scratch_path("a.npy"), &array, &failure), &failure);
    array_free(&array);
    char expected[132];
    int head = snprintf(expected,
                        sizeof expected,
                        "\x93NUMPY\x01%cv%c{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }%*s\n",
                        '\0',
                        '\0',
                        60,
                        "");
    cr_assert_eq(head, 128);
    memcpy(expected + 128, "\0\0\x80\x3f", 4);
    size_t size;
    uint8_t *bytes = scratch_load(scratch_path("a.npy"), &size);
    cr_assert_eq(size, 132);
    cr_assert_arr_eq(bytes, expected, 132);
    free(bytes);
}

Test(npy, reads_every_type_in_both_byte_orders)
{
    static const struct {
        const char *type;
        uint8_t bytes[8];
        size_t size;
        ArrayType becomes;
        float value;
    } cases[] = {
        {"|b1", {1}, 1, ARRAY_UINT8, 1},
        {"|u1", {200}, 1, ARRAY_UINT8, 200},
        {"|i1", {200}, 1, ARRAY_INT8, -56},
        {"<u2", {1, 255}, 2, ARRAY_INT32, 65281},
        {">u2", {255, 1}, 2, ARRAY_INT32, 65281},
        {"<i2", {1, 255}, 2, ARRAY_INT32, -255},
        {"<u4", {0, 0, 0, 128}, 4, ARRAY_INT64, 0x1p31f},
        {">i4", {255, 255, 255, 0}, 4, ARRAY_INT32, -256},
        {"<u8", {0, 0, 0, 0, 0, 1, 0, 0}, 8, ARRAY_INT64, 0x1p40f},
        {">i8", {255, 255, 255, 255, 255, 255, 255, 254}, 8, ARRAY_INT64, -2},
        {"<f2", {0x00, 0x3e}, 2, ARRAY_FLOAT32, 1.5f},
        {">f2", {0x3e, 0x00}, 2, ARRAY_FLOAT32, 1.5f},
        {"<f4", {0, 0, 0xc0, 0xbf}, 4, ARRAY_FLOAT32, -1.5f},
        {">f4", {0xbf, 0xc0, 0, 0}, 4, ARRAY_FLOAT32, -1.5f},
        {"=f4", {0, 0, 0xc0, 0xbf}, 4, ARRAY_FLOAT32, -1.5f},
        {"<f8", {0, 0, 0, 0, 0, 0, 0xe0, 0x3f}, 8, ARRAY_FLOAT64, 0.5f},
        {">f8", {0x3f, 0xe0, 0, 0, 0, 0, 0, 0}, 8, ARRAY_FLOAT64, 0.5f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int version = 1; version <= 3; version++) {
            char header[100];
            snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (), }\n", cases[i].type);
            Failure failure;
            Array array;
            assert_good(npy_read(write_file(version, header, cases[i].bytes, cases[i].size), &array, &failure), &failure);
            cr_expect_eq(array.type, cases[i].becomes, "%s", cases[i].type);
            assert_good(array_to_float32(&array, &failure), &failure);
            cr_expect_eq(*(float *)array.data, cases[i].value, "%s", cases[i].type);
            array_free(&array);
        }
    }
}

Test(npy, turns_fortran_order_around)
{
    Failure failure;
    Array array;
    uint8_t data[24];
    for (int i = 0; i < 2; i++) /* element (i, j, k) is i j k in decimal */
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++) data[i + 2 * (j + 3 * k)] = (uint8_t)(100 * i + 10 * j + k);
    const char *header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }\n";
    assert_good(npy_read(write_file(1, header, data, sizeof data), &array, &failure), &failure);
    cr_assert(array.rank == 3 && array.shape[0] == 2 && array.shape[1] == 3 && array.shape[2] == 4);
    for (int i = 0; i < 24; i++) cr_assert_eq(((uint8_t *)array.data)[i], 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4);
    array_free(&array);
}

Test(npy, takes_a_header_in_any_order_of_its_keys)
{
    static const char *const headers[] = {
        "{\"shape\":(2,),\"descr\":\"|u1\",\"fortran_order\":False}",
        "{'shape': (2L,), 'fortran_order': False, 'descr': '|u1'}   \n",
        " { 'descr' : '|u1' , 'fortran_order' : True , 'shape' : ( 2 , ) , } ",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        Failure failure;
        Array array;
        assert_good(npy_read(write_file(1, headers[i], "ab", 2), &array, &failure), &failure);
        cr_expect_eq(((uint8_t *)array.data)[1], 'b');
        array_free(&array);
    }
}

Test(npy, says_what_is_wrong_with_a_header)
{
    static const struct {
        const char *header, *says;
    } cases[] = {
        {"", "byte 10 of the .npy header: expected {"},
        {"{", "expected 'descr'"},
        {"{'descr': '<f4', 'fortran_order': False}", "lacks 'shape'"},
        {"{'shape': (1,), 'fortran_order': False}", "lacks 'descr'"},
        {"{'shape': (1,), 'descr': '|u1'}", "lacks 'fortran_order'"},
        {"{'descr': '|u1', 'descr': '|u1'", "byte 27"},
        {"{'colour': 1}", "byte 11"},
        {"{'descr': '|O'", "type '|O'"},
        {"{'descr': '<c8'", "astype"},
        {"{'descr': '|f4'", "type '|f4'"},
        {"{'descr': ''", "type ''"},
        {"{'descr': [('a', '<f4')]", "plain numbers"},
        {"{'descr': '|u1", "plain numbers"},
        {"{'descr' '|u1'", "a colon"},
        {"{'descr': '|u1' 'shape'", "a comma or }"},
        {"{'fortran_order': 1", "True or False"},
        {"{'shape': 3", "a shape"},
        {"{'shape': (3)", "a comma"},
        {"{'shape': (3, -1)", "a size"},
        {"{'shape': (3, 4", "a comma or )"},
        {"{'shape': (3, 4.0)", "a comma or )"},
        {"{'shape': (99999999999999999999,)", "below 2^63"},
        {"{'shape': (1,1,1,1,1,1,1,1,1)", "more than 8 dimensions"},
        {"{'shape': (1,), 'descr': '|u1', 'fortran_order': False} x", "nothing but spaces"},
        {"{'shape': (1,), 'descr': '<f4', 'fortran_order': False}", "promises float32 (1,), that is 4 bytes, but only 1"},
        {"{'shape': (), 'descr': '|b1', 'fortran_order': False}", "0 or 1"},
        {"{'shape': (0,), 'descr': '|u1', 'fortran_order': False}", "bytes left over"},
        {"{'shape': (4611686018427387904,4), 'descr': '|u1', 'fortran_order': False}", "larger than any memory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Failure failure;
        Array array;
        assert_refused(
            npy_read(write_file(1, cases[i].header, "\x02", 1), &array, &failure), &failure, "file.npy: ", cases[i].says);
        cr_assert_null(array.data);
    }
}

Test(npy, refuses_other_files)
{
    Failure failure;
    Array array;
    assert_refused(npy_read(scratch_write("a", "", 0), &array, &failure), &failure, "/a: the file is empty");
    assert_refused(npy_read(scratch_write("a", "\x93NUMPX\1\0\1\0 ", 11), &array, &failure), &failure, "not a .npy file");
    assert_refused(npy_read(scratch_write("a", "\x93NUMPY\4\0\1\0 ", 11), &array, &failure), &failure, "version 4.0");
    assert_refused(
        npy_read(scratch_write("a", "\x93NUMPY\2\0\xff\xff\xff\xff ", 13), &array, &failure), &failure, "4294967295 bytes");
    assert_refused(
        npy_read(scratch_write("a", "\x93NUMPY\1\0\xff\xff ", 11), &array, &failure), &failure, "truncated", "65545", "has 11");
    assert_refused(npy_read(scratch_path("none"), &array, &failure), &failure, "/none: ", "No such file");
    const char *header = "{'shape': (), 'descr': '<u8', 'fortran_order': False}";
    assert_refused(npy_read(write_file(1, header, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), &array, &failure),
                   &failure,
                   "byte 63",
                   "beyond 2^63");
}

static Verdict read_any(const char *path, Failure *failure)
{
    Array array;
    if (!npy_read(path, &array, failure)) return REFUSED;
    cr_assert_leq(array_count(&array), 6); /* the file has 6 bytes of data */
    array_free(&array);
    return ACCEPTED;
}

Test(npy, survives_damage)
{
    const char *path = write_file(1, "{'descr':'|u1','fortran_order':True,'shape':(2,3)}\n", "abcdef", 6);
    size_t size;
    uint8_t *bytes = scratch_load(path, &size);
    scratch_damage(bytes, size, read_any);
    free(bytes);
}
