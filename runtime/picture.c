/* PNG pictures, through libpng.
 *
 * libpng reports an error by a jump back to a setjmp. All that must outlive the jump lies in a Decoder or Encoder, and
 * the functions that set the jump have no other variables that change. */
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

typedef struct {
    const char *path;
    Failure *failure;
    Reader reader;
    png_structp png;
    png_infop info;
    int64_t height, width, channels; /* wanted */
    size_t samples;                  /* of a pixel in `pixels`: grey or red, green, blue, and alpha if it is even */
    png_bytep pixels, *rows;
} Decoder;

static void ignore_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void handle_read_error(png_structp png, png_const_charp text)
{
    Decoder *decoder = png_get_error_ptr(png);
    fail_file(decoder->failure, decoder->path, "not a sound PNG picture: %s", text);
    png_longjmp(png, 1);
}

static void read_from_file(png_structp png, png_bytep bytes, size_t size)
{
    Decoder *decoder = png_get_io_ptr(png);
    size_t got;
    if (!read_bytes(&decoder->reader, bytes, size, &got, decoder->failure)) png_longjmp(png, 1);
    if (got < size) png_error(png, "truncated");
}

/* Reads the picture into decoder->pixels, 8 bits a sample. */
static bool decode(Decoder *decoder)
{
    png_structp png = decoder->png;
    png_infop info = decoder->info;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_read_fn(png, decoder, read_from_file);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* the check of the size follows */
    /* Texts, colour profiles and their like are passed over: libpng would allocate what their heads promise before it sees any of it. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(png, info);
    if (png_get_image_height(png, info) != decoder->height || png_get_image_width(png, info) != decoder->width)
        return fail_file(decoder->failure,
                         decoder->path,
                         "the picture is %u x %u pixels (height x width), the network takes %lld x %lld: scale the picture",
                         png_get_image_height(png, info),
                         png_get_image_width(png, info),
                         (long long)decoder->height,
                         (long long)decoder->width);

    png_set_expand(png); /* palettes to colours, fewer bits to 8, transparent colours to alpha */
    png_set_scale_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    decoder->samples = png_get_channels(png, info);
    size_t row = png_get_rowbytes(png, info), height = (size_t)decoder->height, size;
    if (__builtin_mul_overflow(row, height, &size)) return fail_memory(decoder->failure, SIZE_MAX, "a picture");
    decoder->pixels = malloc(size);
    if (decoder->pixels == NULL) return fail_memory(decoder->failure, size, "a picture");
    decoder->rows = malloc(height * sizeof *decoder->rows);
    if (decoder->rows == NULL) return fail_memory(decoder->failure, height * sizeof *decoder->rows, "a picture");
    for (size_t i = 0; i < height; i++) decoder->rows[i] = decoder->pixels + i * row;
    png_read_image(png, decoder->rows);
    png_read_end(png, NULL);
    return read_end(&decoder->reader, decoder->failure);
}

/* The pixels as the network takes them. Luminance: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601); grey stays exact. */
static bool convert(const Decoder *decoder, Array *array)
{
    const int64_t shape[] = {decoder->height, decoder->width, decoder->channels};
    if (!array_allocate(array, ARRAY_FLOAT32, 3, shape, decoder->failure)) return false;
    size_t samples = decoder->samples, count = (size_t)(decoder->height * decoder->width);
    bool colour = samples >= 3;
    float *to = array->data;
    for (size_t i = 0; i < count; i++) {
        const png_byte *pixel = decoder->pixels + i * samples;
        int alpha = samples % 2 == 0 ? pixel[samples - 1] : 255;
        if (decoder->channels == 3) {
            for (int c = 0; c < 3; c++) *to++ = (float)(pixel[colour ? c : 0] * alpha) / 255.0f;
        } else {
            int thousandth = colour ? 299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] : 1000 * pixel[0];
            *to++ = (float)((double)thousandth * alpha / 255000.0);
        }
    }
    return true;
}

bool is_png(const char *path)
{
    uint8_t head[8];
    return read_head(path, head, sizeof head) == sizeof head && png_sig_cmp(head, 0, sizeof head) == 0;
}

bool png_read(const char *path, int64_t height, int64_t width, int64_t channels, Array *array, Failure *failure)
{
    *array = (Array){0};
    if (channels != 1 && channels != 3)
        return fail_file(failure,
                         path,
                         "the network takes %lld channels; a picture has 1 (grey) or 3 (red, green, blue): give it as .npy",
                         (long long)channels);
    Decoder decoder = {.path = path, .failure = failure, .height = height, .width = width, .channels = channels};
    if (!read_begin(&decoder.reader, path, false, failure)) return false;
    decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, handle_read_error, ignore_warning);
    decoder.info = decoder.png ? png_create_info_struct(decoder.png) : NULL;
    bool good;
    if (decoder.info == NULL)
        good = fail_memory(failure, 4096, "reading a picture");
    else
        good = decode(&decoder) && convert(&decoder, array);
    png_destroy_read_struct(&decoder.png, &decoder.info, NULL);
    free(decoder.pixels);
    free(decoder.rows);
    read_close(&decoder.reader);
    return good;
}

/* ---- writing -------------------------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    Failure *failure;
    FILE *stream;
    png_structp png;
    png_infop info;
} Encoder;

static void handle_write_error(png_structp png, png_const_charp text)
{
    Encoder *encoder = png_get_error_ptr(png);
    fail_file(encoder->failure, encoder->path, "the picture cannot be written: %s", text);
    png_longjmp(png, 1);
}

static void write_to_file(png_structp png, png_bytep bytes, size_t size)
{
    Encoder *encoder = png_get_io_ptr(png);
    errno = 0;
    if (fwrite(bytes, 1, size, encoder->stream) == size) return;
    fail_file(encoder->failure, encoder->path, "cannot be written: %s", strerror(errno));
    png_longjmp(png, 1);
}

static void flush_nothing(png_structp png)
{
    (void)png; /* write_end does it */
}

static bool encode(Encoder *encoder, const Array *array)
{
    png_structp png = encoder->png;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, encoder, write_to_file, flush_nothing);
    png_set_IHDR(png,
                 encoder->info,
                 (png_uint_32)array->shape[1],
                 (png_uint_32)array->shape[0],
                 8,
                 array->shape[2] == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, encoder->info);
    for (int64_t i = 0; i < array->shape[0]; i++)
        png_write_row(png, (png_const_bytep)array->data + i * array->shape[1] * array->shape[2]);
    png_write_end(png, encoder->info);
    return true;
}

bool png_encode(FILE *stream, const char *path, const Array *array, Failure *failure)
{
    bool fits = array->type == ARRAY_UINT8 && array->rank == 3 && (array->shape[2] == 1 || array->shape[2] == 3);
    for (int i = 0; fits && i < 2; i++) fits = array->shape[i] > 0 && array->shape[i] <= PNG_UINT_31_MAX;
    char text[256];
    if (!fits)
        return fail_file(failure,
                         path,
                         "a picture cannot be made of %s; expected uint8 (height, width, 1 or 3)",
                         array_describe(array, text, sizeof text));
    Encoder encoder = {.path = path, .failure = failure, .stream = stream};
    encoder.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &encoder, handle_write_error, ignore_warning);
    encoder.info = encoder.png ? png_create_info_struct(encoder.png) : NULL;
    bool good = encoder.info ? encode(&encoder, array) : fail_memory(failure, 4096, "writing a picture");
    png_destroy_write_struct(&encoder.png, &encoder.info);
    return good;
}

bool png_write(const char *path, const Array *array, Failure *failure)
{
    Writer writer;
    if (!write_begin(&writer, path, failure)) return false;
    if (png_encode(writer.stream, path, array, failure)) return write_end(&writer, failure);
    write_abandon(&writer);
    return false;
}
