/* The transforms of Winograd's convolution F(4x4, 3x3), on vectors of LANES channels (Lavin and Gray: Fast Algorithms for
 * Convolutional Neural Networks, 2016; points 0, 1, -1, 2, -2 and infinity):
 *
 *     Y = At [(G g Gt) * (Bt d B)] A        d 6x6 pixels, g a 3x3 kernel, Y 4x4 results, * entry by entry
 *
 * and their adjoints, for the gradient of g. Each loads and stores on the way: columns first, then rows. Copied into model.c like
 * vector.h. */
#include <stddef.h>

/* Bt d */
LEVEL static inline void winograd_input_line_f32xLANES(const f32xLANES d[6], f32xLANES v[6])
{
    const f32xLANES a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = a + b;
    v[2] = a - b;
    v[3] = c + e;
    v[4] = c - e;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/* Bt d B of the 6x6 pixels at `from`, whose rows and pixels lie `row` and `pixel` apart; the 36 entries go to `to`, `entry` apart. */
LEVEL static inline void winograd_input_f32xLANES(const float *from, ptrdiff_t row, ptrdiff_t pixel, float *to, ptrdiff_t entry)
{
    f32xLANES half[6][6]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        const float *const at = from + s * pixel;
        const f32xLANES d[6] = {load_f32xLANES(at), load_f32xLANES(at + row), load_f32xLANES(at + 2 * row),
                                load_f32xLANES(at + 3 * row), load_f32xLANES(at + 4 * row), load_f32xLANES(at + 5 * row)};
        winograd_input_line_f32xLANES(d, half[s]);
    }
    UNROLL for (int r = 0; r < 6; r++) {
        const f32xLANES d[6] = {half[0][r], half[1][r], half[2][r], half[3][r], half[4][r], half[5][r]};
        f32xLANES v[6];
        winograd_input_line_f32xLANES(d, v);
        UNROLL for (int s = 0; s < 6; s++) store_f32xLANES(to + (6 * r + s) * entry, v[s]);
    }
}

/* At m */
LEVEL static inline void winograd_output_line_f32xLANES(const f32xLANES m[6], f32xLANES y[4])
{
    const f32xLANES sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
    y[0] = m[0] + sum12 + sum34;
    y[1] = difference12 + 2.0f * difference34;
    y[2] = sum12 + 4.0f * sum34;
    y[3] = difference12 + 8.0f * difference34 + m[5];
}

/* At m A of 36 entries `entry` apart: 4 rows of 4 results. */
LEVEL static inline void winograd_output_f32xLANES(const float *from, ptrdiff_t entry, f32xLANES y[4][4])
{
    f32xLANES half[6][4]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        const float *const at = from + s * entry;
        const f32xLANES m[6] = {load_f32xLANES(at), load_f32xLANES(at + 6 * entry), load_f32xLANES(at + 12 * entry),
                                load_f32xLANES(at + 18 * entry), load_f32xLANES(at + 24 * entry), load_f32xLANES(at + 30 * entry)};
        winograd_output_line_f32xLANES(m, half[s]);
    }
    UNROLL for (int r = 0; r < 4; r++) {
        const f32xLANES m[6] = {half[0][r], half[1][r], half[2][r], half[3][r], half[4][r], half[5][r]};
        winograd_output_line_f32xLANES(m, y[r]);
    }
}

/* A y, the adjoint. */
LEVEL static inline void winograd_output_adjoint_line_f32xLANES(const f32xLANES y[4], f32xLANES m[6])
{
    const f32xLANES even = y[0] + y[2], odd = y[1] + y[3], even2 = y[0] + 4.0f * y[2], odd2 = 2.0f * y[1] + 8.0f * y[3];
    m[0] = y[0];
    m[1] = even + odd;
    m[2] = even - odd;
    m[3] = even2 + odd2;
    m[4] = even2 - odd2;
    m[5] = y[3];
}

/* A y At of 4 rows of 4 results: 36 entries `entry` apart. */
LEVEL static inline void winograd_output_adjoint_f32xLANES(f32xLANES y[4][4], float *to, ptrdiff_t entry)
{
    f32xLANES half[4][6]; /* [row][column] */
    UNROLL for (int r = 0; r < 4; r++) winograd_output_adjoint_line_f32xLANES(y[r], half[r]);
    UNROLL for (int s = 0; s < 6; s++) {
        const f32xLANES column[4] = {half[0][s], half[1][s], half[2][s], half[3][s]};
        f32xLANES m[6];
        winograd_output_adjoint_line_f32xLANES(column, m);
        UNROLL for (int r = 0; r < 6; r++) store_f32xLANES(to + (6 * r + s) * entry, m[r]);
    }
}

/* B v, the adjoint. */
LEVEL static inline void winograd_input_adjoint_line_f32xLANES(const f32xLANES v[6], f32xLANES d[6])
{
    const f32xLANES sum12 = v[1] + v[2], difference12 = v[2] - v[1], sum34 = v[3] + v[4], difference34 = v[4] - v[3];
    d[0] = 4.0f * v[0];
    d[1] = 4.0f * difference12 + 2.0f * difference34 + 4.0f * v[5];
    d[2] = -5.0f * v[0] - 4.0f * sum12 - sum34;
    d[3] = -5.0f * v[5] - difference12 - 2.0f * difference34;
    d[4] = v[0] + sum12 + sum34;
    d[5] = v[5];
}

/* B v Bt of 36 entries `entry` apart, at 6x6 pixels whose rows and pixels lie `row` and `pixel` apart: added to the first two rows
 * and columns, where other tiles have been, else stored. */
LEVEL static inline void winograd_input_adjoint_f32xLANES(const float *from, ptrdiff_t entry, float *to, ptrdiff_t row, ptrdiff_t pixel)
{
    f32xLANES half[6][6]; /* [column][row] */
    UNROLL for (int s = 0; s < 6; s++) {
        const float *const at = from + s * entry;
        const f32xLANES v[6] = {load_f32xLANES(at), load_f32xLANES(at + 6 * entry), load_f32xLANES(at + 12 * entry),
                                load_f32xLANES(at + 18 * entry), load_f32xLANES(at + 24 * entry), load_f32xLANES(at + 30 * entry)};
        winograd_input_adjoint_line_f32xLANES(v, half[s]);
    }
    UNROLL for (int r = 0; r < 6; r++) {
        const f32xLANES v[6] = {half[0][r], half[1][r], half[2][r], half[3][r], half[4][r], half[5][r]};
        f32xLANES d[6];
        winograd_input_adjoint_line_f32xLANES(v, d);
        float *const at = to + r * row;
        UNROLL for (int s = 0; s < 6; s++) store_f32xLANES(at + s * pixel, r < 2 || s < 2 ? load_f32xLANES(at + s * pixel) + d[s] : d[s]);
    }
}

/* G g */
LEVEL static inline void winograd_kernel_line_f32xLANES(const f32xLANES g[3], f32xLANES u[6])
{
    const f32xLANES even = (g[0] + g[2]) * (-1.0f / 6), odd = g[1] * (-1.0f / 6);
    const f32xLANES even2 = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), odd2 = g[1] * (1.0f / 12);
    u[0] = g[0] * 0.25f;
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[2];
}

/* G g Gt of a 3x3 kernel, row by row `step` apart: 36 entries `entry` apart. */
LEVEL static inline void winograd_kernel_f32xLANES(const float *from, ptrdiff_t step, float *to, ptrdiff_t entry)
{
    f32xLANES half[3][6]; /* [row][column] */
    UNROLL for (int r = 0; r < 3; r++) {
        const float *const at = from + 3 * r * step;
        const f32xLANES g[3] = {load_f32xLANES(at), load_f32xLANES(at + step), load_f32xLANES(at + 2 * step)};
        winograd_kernel_line_f32xLANES(g, half[r]);
    }
    UNROLL for (int s = 0; s < 6; s++) {
        const f32xLANES g[3] = {half[0][s], half[1][s], half[2][s]};
        f32xLANES u[6];
        winograd_kernel_line_f32xLANES(g, u);
        UNROLL for (int r = 0; r < 6; r++) store_f32xLANES(to + (6 * r + s) * entry, u[r]);
    }
}

/* Gt u, the adjoint. */
LEVEL static inline void winograd_kernel_adjoint_line_f32xLANES(const f32xLANES u[6], f32xLANES g[3])
{
    const f32xLANES sum12 = u[1] + u[2], difference12 = u[1] - u[2], sum34 = u[3] + u[4], difference34 = u[3] - u[4];
    g[0] = u[0] * 0.25f - sum12 * (1.0f / 6) + sum34 * (1.0f / 24);
    g[1] = difference34 * (1.0f / 12) - difference12 * (1.0f / 6);
    g[2] = (sum34 - sum12) * (1.0f / 6) + u[5];
}

/* Gt u G of 36 entries: the gradient of a 3x3 kernel, row by row `step` apart. */
LEVEL static inline void winograd_kernel_adjoint_f32xLANES(f32xLANES u[6][6], float *to, ptrdiff_t step)
{
    f32xLANES half[6][3]; /* [row][column] */
    UNROLL for (int r = 0; r < 6; r++) winograd_kernel_adjoint_line_f32xLANES(u[r], half[r]);
    UNROLL for (int s = 0; s < 3; s++) {
        const f32xLANES column[6] = {half[0][s], half[1][s], half[2][s], half[3][s], half[4][s], half[5][s]};
        f32xLANES g[3];
        winograd_kernel_adjoint_line_f32xLANES(column, g);
        UNROLL for (int r = 0; r < 3; r++) store_f32xLANES(to + (3 * r + s) * step, g[r]);
    }
}
