/* Makes test sets that a net was not trained for: MNIST's test digits shifted, turned and scaled, as .npy files.
 *
 *     cc -O2 -I../../runtime change_digits.c -o change_digits -lz -lm
 *     ./change_digits MNIST_FOLDER      # writes shifted.npy, turned.npy, scaled.npy and labels.npy
 *
 * Each digit is changed by the whole amount, to one side or the other: 3 pixels in one of eight directions, 25 degrees, 0.75 or 1.3
 * times its size. */
#include "transform.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { COUNT = 10000, SIDE = 28, PIXELS = SIDE * SIDE };

static void give_up(const char *what)
{
    fprintf(stderr, "change_digits: %s\n", what);
    exit(1);
}

/* The bytes of an IDX file behind its head. */
static void read_idx(const char *folder, const char *name, unsigned head, unsigned char *bytes, unsigned size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile file = gzopen(path, "rb");
    unsigned char skipped[16];
    if (!file || gzread(file, skipped, head) != (int)head || gzread(file, bytes, size) != (int)size) give_up(path);
    gzclose(file);
}

/* An array of bytes as numpy writes it; the head takes 128 bytes. */
static void write_npy(const char *path, const char *shape, const unsigned char *bytes, size_t size)
{
    char text[118];
    FILE *file = fopen(path, "wb");
    snprintf(text, sizeof text, "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape);
    if (!file || fprintf(file, "%cNUMPY%c%c%c%c%-117s\n", 0x93, 1, 0, 118, 0, text) != 128 || fwrite(bytes, 1, size, file) != size || fclose(file))
        give_up(path);
}

typedef struct { float hh, hw, h0, wh, ww, w0; } Transform; /* pixel (p, q) shows the place (hh p + hw q + h0, wh p + ww q + w0) */

static Transform about_middle(float hh, float hw, float wh, float ww)
{
    float middle = (SIDE - 1) / 2.0f;
    return (Transform){hh, hw, middle * (1 - hh - hw), wh, ww, middle * (1 - wh - ww)};
}

static Transform shifted(unsigned random)
{
    static const int down[] = {-1, -1, -1, 0, 0, 1, 1, 1}, right[] = {-1, 0, 1, -1, 1, -1, 0, 1};
    return (Transform){1, 0, -3.0f * (float)down[random % 8], 0, 1, -3.0f * (float)right[random % 8]};
}

static Transform turned(unsigned random)
{
    float angle = (random % 2 ? 25.0f : -25.0f) * 3.14159265f / 180;
    return about_middle(cosf(angle), sinf(angle), -sinf(angle), cosf(angle));
}

static Transform scaled(unsigned random)
{
    float size = random % 2 ? 0.75f : 1.3f;
    return about_middle(1 / size, 0, 0, 1 / size);
}

static void change(const unsigned char *images, Transform transform_of(unsigned random), const char *path)
{
    unsigned char *result = malloc(COUNT * PIXELS);
    if (!result) give_up("no memory");
    srand(1);
    for (int n = 0; n < COUNT; n++) {
        float image[PIXELS], pixel;
        Transform t = transform_of((unsigned)rand() / 64);
        for (int i = 0; i < PIXELS; i++) image[i] = images[n * PIXELS + i];
        for (int p = 0; p < SIDE; p++)
            for (int q = 0; q < SIDE; q++) {
                float h = t.hh * (float)p + t.hw * (float)q + t.h0, w = t.wh * (float)p + t.ww * (float)q + t.w0;
                transform_pixel_bilinear(image, SIDE, SIDE, 1, h, w, 0, &pixel);
                result[n * PIXELS + p * SIDE + q] = (unsigned char)(pixel + 0.5f);
            }
    }
    write_npy(path, "10000, 28, 28, 1", result, COUNT * PIXELS);
    free(result);
}

int main(int count, char **arguments)
{
    static unsigned char images[COUNT * PIXELS], labels[COUNT];
    if (count != 2) give_up("one argument is wanted: the folder of MNIST");
    read_idx(arguments[1], "t10k-images-idx3-ubyte.gz", 16, images, sizeof images);
    read_idx(arguments[1], "t10k-labels-idx1-ubyte.gz", 8, labels, sizeof labels);
    write_npy("labels.npy", "10000,", labels, sizeof labels);
    change(images, shifted, "shifted.npy");
    change(images, turned, "turned.npy");
    change(images, scaled, "scaled.npy");
    return 0;
}
