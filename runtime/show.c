/* Samples as pictures: which inputs are some, numbers as shades of grey, and a picture in blocks for a terminal. */
#include "trainer.h"

#include <math.h>

bool picture_shape(const CnncPort *port, int64_t *height, int64_t *width, int64_t *channels, Failure *failure)
{
    char text[128];
    *channels = 1;
    if (port->rank == 3 || port->rank == 2) {
        *height = port->shape[0];
        *width = port->shape[1];
        if (port->rank == 3) *channels = port->shape[2];
        return true;
    }
    int64_t side = port->rank == 1 ? (int64_t)(sqrt((double)port->shape[0]) + 0.5) : 0;
    *height = *width = side;
    if (side > 0 && side * side == port->shape[0]) return true;
    return fail(failure,
                "input %s takes %s, which is no picture: give an array",
                port->name,
                shape_text(port->rank, port->shape, text, sizeof text));
}

enum { LEAST = 36 }; /* pixels: fewer numbers are no picture, where nobody says that they are */

bool picture_can_be_drawn(const CnncModel *model, int64_t *height, int64_t *width, int64_t *channels)
{
    Failure unused;
    if (model->input_count != 1 || model->inputs[0].type != CNNC_FLOAT32) return false;
    if (!picture_shape(&model->inputs[0], height, width, channels, &unused)) return false;
    return (*channels == 1 || *channels == 3) && (model->inputs[0].rank > 1 || *height * *width >= LEAST);
}

bool picture_is_shown(const CnncModel *model, int64_t *height, int64_t *width, int64_t *channels)
{
    return picture_can_be_drawn(model, height, width, channels) && *height * *width >= LEAST;
}

void value_range(const float *values, int64_t count, float *low, float *high)
{
    bool any = false;
    *low = *high = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        if (!any || values[i] < *low) *low = values[i];
        if (!any || values[i] > *high) *high = values[i];
        any = true;
    }
}

void shades(const float *values, int64_t count, float low, float high, uint8_t *bytes)
{
    double span = (double)high - (double)low;
    for (int64_t i = 0; i < count; i++) {
        double share = isfinite(values[i]) && span > 0 ? ((double)values[i] - (double)low) / span : 0;
        bytes[i] = (uint8_t)(255 * fmin(fmax(share, 0), 1) + 0.5);
    }
}

void picture_shades(const float *values, int64_t count, uint8_t *bytes)
{
    float low, high;
    value_range(values, count, &low, &high);
    if (low >= 0 && high > 1 && high <= 255) low = 0, high = 255;
    shades(values, count, low, high, bytes);
}

/* Two rows a line: each character's upper half is a pixel of the one, its lower half of the other. */
void picture_show(FILE *out, const uint8_t *bytes, int64_t height, int64_t width, int64_t channels, bool colour)
{
    static const char *const blocks[] = {" ", "▀", "▄", "█"};
    for (int64_t row = 0; row < height; row += 2) {
        for (int64_t column = 0; column < width; column++) {
            int grey[2] = {0, 0};
            for (int64_t half = 0; half < 2 && row + half < height; half++) {
                for (int64_t c = 0; c < channels; c++) grey[half] += bytes[((row + half) * width + column) * channels + c];
                grey[half] /= (int)channels;
            }
            if (colour) /* 232 to 255 are the terminal's greys */
                fprintf(out, "\033[38;5;%d;48;5;%dm▀", 232 + grey[0] * 23 / 255, 232 + grey[1] * 23 / 255);
            else
                fputs(blocks[(grey[0] > 127) + 2 * (grey[1] > 127)], out);
        }
        fputs(colour ? "\033[0m\n" : "\n", out);
    }
}
