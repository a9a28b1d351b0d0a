/* Weight matrices as kernels read them: [rows][columns] becomes [columns/panel][rows][panel], the last panel filled up with
 * zeros, so that a vector of a panel's columns is one load and a whole panel runs through memory in order. */
#include <stddef.h>

static void pack_panels(const float *from, float *to, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t panel)
{
    for (ptrdiff_t first = 0; first < columns; first += panel) {
        for (ptrdiff_t row = 0; row < rows; row++) {
            for (ptrdiff_t column = first; column < first + panel; column++) {
                *to++ = column < columns ? from[row * columns + column] : 0.0f;
            }
        }
    }
}

static void unpack_panels(const float *from, float *to, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t panel)
{
    for (ptrdiff_t first = 0; first < columns; first += panel) {
        for (ptrdiff_t row = 0; row < rows; row++) {
            for (ptrdiff_t column = first; column < first + panel; column++) {
                if (column < columns) to[row * columns + column] = *from;
                from++;
            }
        }
    }
}
