/* Images seen through an affine transform: places between pixels and beyond the border, as TensorFlow's ImageProjectiveTransformV3
 * has them, which Keras's augmentation layers are made of.
 *
 * cnnc copies from here into each model.c the functions that it uses. A coordinate beyond the image, which has `size` rows or
 * columns, is first mapped as fill_mode says; what is still outside reads the fill value. */
#include <math.h>

static inline float transform_constant(float at, float size)
{
    (void)size;
    return at;
}

static inline float transform_nearest(float at, float size)
{
    return at < 0.0f ? 0.0f : at > size - 1.0f ? size - 1.0f : at;
}

/* d c b a | a b c d | d c b a */
static inline float transform_reflect(float at, float size)
{
    if (at >= 0.0f && at <= size - 1.0f) return at;
    at = fabsf(at + 0.5f);
    at -= 2.0f * size * floorf(at / (2.0f * size));
    at = (at > size ? 2.0f * size - at : at) - 0.5f;
    return transform_nearest(at, size);
}

/* a b c d | a b c d | a b c d, between d and a nothing */
static inline float transform_wrap(float at, float size)
{
    if (at >= 0.0f && at <= size - 1.0f) return at;
    if (size <= 1.0f) return 0.0f;
    if (at < 0.0f) at += size * (truncf(-at / (size - 1.0f)) + 1.0f);
    else at -= size * truncf(at / (size - 1.0f));
    return transform_nearest(at, size);
}

/* The pixel at row h and column w, or the fill value, weighted. */
static inline void transform_add(const float *image, int height, int width, int channels, int h, int w, float weight, float fill_value, float *to)
{
    const int inside = h >= 0 && h < height && w >= 0 && w < width;
    const float *const pixel = &image[inside ? (h * width + w) * channels : 0];
    for (int c = 0; c < channels; c++) to[c] += weight * (inside ? pixel[c] : fill_value);
}

static inline void transform_pixel_nearest(const float *image, int height, int width, int channels, float h, float w, float fill_value, float *to)
{
    for (int c = 0; c < channels; c++) to[c] = 0.0f;
    transform_add(image, height, width, channels, (int)roundf(h), (int)roundf(w), 1.0f, fill_value, to);
}

static inline void transform_pixel_bilinear(const float *image, int height, int width, int channels, float h, float w, float fill_value, float *to)
{
    const int top = (int)h - (h < 0.0f), left = (int)w - (w < 0.0f); /* the one before, where h is whole and negative: its weight is 0 then */
    const float down = h - (float)top, right = w - (float)left;
    for (int c = 0; c < channels; c++) to[c] = 0.0f;
    transform_add(image, height, width, channels, top, left, (1.0f - down) * (1.0f - right), fill_value, to);
    transform_add(image, height, width, channels, top, left + 1, (1.0f - down) * right, fill_value, to);
    transform_add(image, height, width, channels, top + 1, left, down * (1.0f - right), fill_value, to);
    transform_add(image, height, width, channels, top + 1, left + 1, down * right, fill_value, to);
}
