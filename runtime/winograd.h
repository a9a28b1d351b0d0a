/* The transforms of Winograd's convolution F(4x4, 3x3), on vectors of LANES channels (Lavin and Gray: Fast Algorithms for
 * Convolutional Neural Networks, 2016; points 0, 1, -1, 2, -2 and infinity):
 *
 *     Y = At [(G g Gt) * (Bt d B)] A        d 6x6 pixels, g a 3x3 kernel, Y 4x4 results, * entry by entry
 *
 * and their adjoints, for the gradient of g. Copied into model.c like vector.h. */
#include <stddef.h>

/* Bt d on six vectors that lie `step` apart. */
LEVEL static inline void winograd_input_line_f32xLANES(f32xLANES *d, ptrdiff_t step)
{
    const f32xLANES d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const f32xLANES a = d4 - 4.0f * d2, b = d3 - 4.0f * d1, c = d4 - d2, e = 2.0f * (d3 - d1);
    d[0] = 4.0f * d0 - 5.0f * d2 + d4;
    d[step] = a + b;
    d[2 * step] = a - b;
    d[3 * step] = c + e;
    d[4 * step] = c - e;
    d[5 * step] = 4.0f * d1 - 5.0f * d3 + d5;
}

/* Bt d B, in place. */
LEVEL static inline void winograd_input_f32xLANES(f32xLANES d[36])
{
    for (int i = 0; i < 6; i++) winograd_input_line_f32xLANES(d + i, 6);
    for (int i = 0; i < 6; i++) winograd_input_line_f32xLANES(d + 6 * i, 1);
}

/* At m on six vectors `step` apart: four results in place of the first four. */
LEVEL static inline void winograd_output_line_f32xLANES(f32xLANES *m, ptrdiff_t step)
{
    const f32xLANES sum12 = m[step] + m[2 * step], difference12 = m[step] - m[2 * step];
    const f32xLANES sum34 = m[3 * step] + m[4 * step], difference34 = m[3 * step] - m[4 * step];
    m[0] = m[0] + sum12 + sum34;
    m[step] = difference12 + 2.0f * difference34;
    m[2 * step] = sum12 + 4.0f * sum34;
    m[3 * step] = difference12 + 8.0f * difference34 + m[5 * step];
}

/* At m A: results at m[6 * row + column], row and column below 4. */
LEVEL static inline void winograd_output_f32xLANES(f32xLANES m[36])
{
    for (int i = 0; i < 6; i++) winograd_output_line_f32xLANES(m + i, 6);
    for (int i = 0; i < 4; i++) winograd_output_line_f32xLANES(m + 6 * i, 1);
}

/* A y, the adjoint, on four vectors `step` apart: six results. */
LEVEL static inline void winograd_output_adjoint_line_f32xLANES(f32xLANES *y, ptrdiff_t step)
{
    const f32xLANES y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
    const f32xLANES even = y0 + y2, odd = y1 + y3, even2 = y0 + 4.0f * y2, odd2 = 2.0f * y1 + 8.0f * y3;
    y[step] = even + odd;
    y[2 * step] = even - odd;
    y[3 * step] = even2 + odd2;
    y[4 * step] = even2 - odd2;
    y[5 * step] = y3;
}

/* A y At, of y[6 * row + column], row and column below 4, in place. */
LEVEL static inline void winograd_output_adjoint_f32xLANES(f32xLANES y[36])
{
    for (int i = 0; i < 4; i++) winograd_output_adjoint_line_f32xLANES(y + i, 6);
    for (int i = 0; i < 6; i++) winograd_output_adjoint_line_f32xLANES(y + 6 * i, 1);
}

/* G g on three vectors `step` apart: six results. */
LEVEL static inline void winograd_kernel_line_f32xLANES(f32xLANES *g, ptrdiff_t step)
{
    const f32xLANES g0 = g[0], g1 = g[step], g2 = g[2 * step];
    const f32xLANES even = (g0 + g2) * (-1.0f / 6), odd = g1 * (-1.0f / 6), even2 = g0 * (1.0f / 24) + g2 * (1.0f / 6), odd2 = g1 * (1.0f / 12);
    g[0] = g0 * 0.25f;
    g[step] = even + odd;
    g[2 * step] = even - odd;
    g[3 * step] = even2 + odd2;
    g[4 * step] = even2 - odd2;
    g[5 * step] = g2;
}

/* G g Gt, of g[6 * row + column], row and column below 3, in place. */
LEVEL static inline void winograd_kernel_f32xLANES(f32xLANES g[36])
{
    for (int i = 0; i < 3; i++) winograd_kernel_line_f32xLANES(g + i, 6);
    for (int i = 0; i < 6; i++) winograd_kernel_line_f32xLANES(g + 6 * i, 1);
}

/* Gt u, the adjoint, on six vectors `step` apart: three results. */
LEVEL static inline void winograd_kernel_adjoint_line_f32xLANES(f32xLANES *u, ptrdiff_t step)
{
    const f32xLANES sum12 = u[step] + u[2 * step], difference12 = u[step] - u[2 * step];
    const f32xLANES sum34 = u[3 * step] + u[4 * step], difference34 = u[3 * step] - u[4 * step];
    u[0] = u[0] * 0.25f - sum12 * (1.0f / 6) + sum34 * (1.0f / 24);
    u[step] = difference34 * (1.0f / 12) - difference12 * (1.0f / 6);
    u[2 * step] = (sum34 - sum12) * (1.0f / 6) + u[5 * step];
}

/* Gt u G: results at u[6 * row + column], row and column below 3. */
LEVEL static inline void winograd_kernel_adjoint_f32xLANES(f32xLANES u[36])
{
    for (int i = 0; i < 6; i++) winograd_kernel_adjoint_line_f32xLANES(u + i, 6);
    for (int i = 0; i < 3; i++) winograd_kernel_adjoint_line_f32xLANES(u + 6 * i, 1);
}
