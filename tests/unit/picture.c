#include <criterion/criterion.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "scratch.h"

TestSuite(picture, .init = scratch_begin, .fini = scratch_end);

enum { HEIGHT = 5, WIDTH = 7 };

/* What a PNG of the test is made as. */
typedef struct {
    int colour_type, depth, interlace;
} Kind;

/* A picture of which sample s of the pixel in row i and column j is value(i, j, s), in the PNG's own depth. */
static const char *write_png(Kind kind, int (*value)(int i, int j, int sample))
{
    const char *path = scratch_path("a.png");
    FILE *stream = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    cr_assert(stream && png && info);
    png_init_io(png, stream);
    png_set_IHDR(png,
                 info,
                 WIDTH,
                 HEIGHT,
                 kind.depth,
                 kind.colour_type,
                 kind.interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    static const png_color palette[4] = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {10, 20, 30}};
    if (kind.colour_type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
    png_write_info(png, info);
    png_set_packing(png); /* a byte for each sample, also of 1, 2 and 4 bits */
    int passes = png_set_interlace_handling(png), samples = png_get_channels(png, info);
    for (int pass = 0; pass < passes; pass++) {
        for (int i = 0; i < HEIGHT; i++) {
            png_byte row[WIDTH * 4 * 2], *to = row;
            for (int j = 0; j < WIDTH; j++) {
                for (int s = 0; s < samples; s++) {
                    if (kind.depth == 16) *to++ = (png_byte)(value(i, j, s) >> 8);
                    *to++ = (png_byte)value(i, j, s);
                }
            }
            png_write_row(png, row);
        }
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    cr_assert_eq(fclose(stream), 0);
    return path;
}

static int colours(int i, int j, int sample)
{
    return 40 * i + 5 * j + 3 * sample;
}

static int colours_16(int i, int j, int sample)
{
    return colours(i, j, sample) * 257;
}

static int small(int i, int j, int sample)
{
    return (i + j + sample) % 4;
}

/* Colours with a transparency of 0, 102 or 204 of 255. */
static int grey_alpha(int i, int j, int sample)
{
    return sample == 1 ? (i + j) % 3 * 102 : colours(i, j, 0);
}

static int colours_alpha(int i, int j, int sample)
{
    return sample == 3 ? (i + j) % 3 * 102 : colours(i, j, sample);
}

static double luminance(int i, int j)
{
    return 0.299 * colours(i, j, 0) + 0.587 * colours(i, j, 1) + 0.114 * colours(i, j, 2);
}

/* Reads the picture with 1 and 3 channels, and compares with what it should be. */
static void check(const char *path, double (*expected)(int i, int j, int channel, int channels), const char *name)
{
    for (int channels = 1; channels <= 3; channels += 2) {
        Failure failure;
        Array array;
        assert_good(png_read(path, HEIGHT, WIDTH, channels, &array, &failure), &failure);
        cr_assert(array.type == ARRAY_FLOAT32 && array.rank == 3);
        cr_assert(array.shape[0] == HEIGHT && array.shape[1] == WIDTH && array.shape[2] == channels);
        const float *value = array.data;
        for (int i = 0; i < HEIGHT; i++) {
            for (int j = 0; j < WIDTH; j++) {
                for (int c = 0; c < channels; c++, value++) {
                    double error = fabs((double)*value - expected(i, j, c, channels));
                    cr_assert(error <= 1e-4, "%s: (%d, %d, %d) of %d channels is %g", name, i, j, c, channels, (double)*value);
                }
            }
        }
        array_free(&array);
    }
}

static double of_grey(int i, int j, int channel, int channels)
{
    (void)channel, (void)channels;
    return colours(i, j, 0);
}

static double of_colours(int i, int j, int channel, int channels)
{
    return channels == 1 ? luminance(i, j) : colours(i, j, channel);
}

static double of_grey_alpha(int i, int j, int channel, int channels)
{
    return of_grey(i, j, channel, channels) * ((i + j) % 3 * 0.4);
}

static double of_colours_alpha(int i, int j, int channel, int channels)
{
    return of_colours(i, j, channel, channels) * ((i + j) % 3 * 0.4);
}

static double of_2_bits(int i, int j, int channel, int channels)
{
    (void)channel, (void)channels;
    return 85 * small(i, j, 0);
}

static double of_palette(int i, int j, int channel, int channels)
{
    static const double entries[4][3] = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {10, 20, 30}};
    const double *entry = entries[small(i, j, 0)];
    return channels == 3 ? entry[channel] : 0.299 * entry[0] + 0.587 * entry[1] + 0.114 * entry[2];
}

Test(picture, reads_any_png)
{
    for (int interlace = PNG_INTERLACE_NONE; interlace <= PNG_INTERLACE_ADAM7; interlace++) {
        check(write_png((Kind){PNG_COLOR_TYPE_GRAY, 8, interlace}, colours), of_grey, "grey");
        check(write_png((Kind){PNG_COLOR_TYPE_RGB, 8, interlace}, colours), of_colours, "colours");
        check(write_png((Kind){PNG_COLOR_TYPE_GRAY, 16, interlace}, colours_16), of_grey, "grey, 16 bits");
        check(write_png((Kind){PNG_COLOR_TYPE_RGB, 16, interlace}, colours_16), of_colours, "colours, 16 bits");
        check(write_png((Kind){PNG_COLOR_TYPE_GRAY_ALPHA, 8, interlace}, grey_alpha), of_grey_alpha, "grey and alpha");
        check(write_png((Kind){PNG_COLOR_TYPE_RGB_ALPHA, 8, interlace}, colours_alpha), of_colours_alpha, "colours and alpha");
        check(write_png((Kind){PNG_COLOR_TYPE_GRAY, 2, interlace}, small), of_2_bits, "grey, 2 bits");
        check(write_png((Kind){PNG_COLOR_TYPE_PALETTE, 8, interlace}, small), of_palette, "palette");
        check(write_png((Kind){PNG_COLOR_TYPE_PALETTE, 2, interlace}, small), of_palette, "palette, 2 bits");
    }
}

Test(picture, round_trip)
{
    for (int64_t channels = 1; channels <= 3; channels += 2) {
        Failure failure;
        Array array, back;
        assert_good(array_new(&array, ARRAY_UINT8, 3, (int64_t[]){16, 16, channels}, &failure), &failure);
        uint8_t *bytes = array.data;
        for (int i = 0; i < array_count(&array); i++) bytes[i] = (uint8_t)i;
        const char *path = scratch_path("b.png");
        assert_good(png_write(path, &array, &failure), &failure);
        cr_assert(is_png(path));
        assert_good(png_read(path, 16, 16, channels, &back, &failure), &failure);
        for (int i = 0; i < array_count(&array); i++) cr_assert_eq(((float *)back.data)[i], bytes[i]);
        array_free(&array);
        array_free(&back);
    }
}

Test(picture, keeps_a_grey_value_exactly_whatever_its_form)
{
    Failure failure;
    Array array, back;
    assert_good(array_new(&array, ARRAY_UINT8, 3, (int64_t[]){1, 256, 3}, &failure), &failure);
    for (int i = 0; i < 768; i++) ((uint8_t *)array.data)[i] = (uint8_t)(i / 3);
    assert_good(png_write(scratch_path("b.png"), &array, &failure), &failure);
    assert_good(png_read(scratch_path("b.png"), 1, 256, 1, &back, &failure), &failure);
    for (int i = 0; i < 256; i++) cr_assert_eq(((float *)back.data)[i], (float)i);
    array_free(&array);
    array_free(&back);
}

Test(picture, says_what_is_wrong)
{
    Failure failure;
    Array array;
    const char *path = write_png((Kind){PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE}, colours);
    assert_refused(png_read(path, 28, 28, 1, &array, &failure), &failure, "/a.png: ", "5 x 7", "28 x 28");
    assert_refused(png_read(path, 5, 7, 4, &array, &failure), &failure, "/a.png: ", "4 channels");
    assert_refused(png_read(scratch_write("b", "", 0), 5, 7, 1, &array, &failure), &failure, "/b: the file is empty");
    assert_refused(
        png_read(scratch_write("b", "not a picture", 13), 5, 7, 1, &array, &failure), &failure, "/b: not a sound PNG");
    assert_refused(png_read(scratch_path("none"), 5, 7, 1, &array, &failure), &failure, "/none: ");
    cr_assert_not(is_png(scratch_path("none")));
    cr_assert_not(is_png(scratch_path("b")));
    cr_assert_not(is_png(scratch_path(".")));

    size_t size;
    uint8_t *bytes = scratch_load(path, &size);
    assert_refused(png_read(scratch_write("b", bytes, size - 12), 5, 7, 1, &array, &failure), &failure, "truncated");
    assert_refused(png_read(scratch_write("b", bytes, size + 1), 5, 7, 1, &array, &failure), &failure, "bytes left over");
    bytes[29] ^= 1; /* the checksum of the first chunk */
    assert_refused(png_read(scratch_write("b", bytes, size), 5, 7, 1, &array, &failure), &failure, "CRC error");
    free(bytes);

    assert_good(array_new(&array, ARRAY_UINT8, 3, (int64_t[]){2, 2, 2}, &failure), &failure);
    assert_refused(png_write(scratch_path("c"), &array, &failure), &failure, "/c: ", "uint8 (2, 2, 2)");
    array_free(&array);
}

/* A header of 2^31 - 1 by 2^31 - 1 pixels, with its checksum. */
Test(picture, believes_no_vast_header)
{
    uint8_t bytes[33] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\0\0\0\0";
    unsigned long checksum = crc32(0, bytes + 12, 17);
    for (int i = 0; i < 4; i++) bytes[29 + i] = (uint8_t)(checksum >> (24 - 8 * i));
    Failure failure;
    Array array;
    assert_refused(png_read(scratch_write("a", bytes, sizeof bytes), 5, 7, 1, &array, &failure), &failure, "/a: ");
    assert_refused(png_read(scratch_path("a"), INT32_MAX, INT32_MAX, 1, &array, &failure), &failure, "");
}

static Verdict read_any(const char *path, Failure *failure)
{
    Array array;
    if (!png_read(path, HEIGHT, WIDTH, 3, &array, failure)) return REFUSED;
    array_free(&array);
    return ACCEPTED;
}

Test(picture, survives_damage)
{
    size_t size;
    uint8_t *bytes = scratch_load(write_png((Kind){PNG_COLOR_TYPE_PALETTE, 2, PNG_INTERLACE_ADAM7}, small), &size);
    cr_assert_eq(scratch_damage(bytes, size, read_any), 0, "every byte is under a checksum");
    free(bytes);
}
