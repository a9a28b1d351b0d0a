/* The transforms of Winograd's convolutions F(2x2, 3x3) and F(4x4, 3x3), of one line of a tile, on vectors of LANES channels (Lavin
 * and Gray: Fast Algorithms for Convolutional Neural Networks, 2016; points 0, 1, -1 and infinity, for the larger tile also 2, -2):
 *
 *     Y = At [(G g Gt) * (Bt d B)] A        d pixels, g a 3x3 kernel, Y 2x2 or 4x4 results, * entry by entry
 *
 * and their adjoints, for the gradients. winograd_tiles.h makes transforms of whole tiles of them. Copied into model.c like
 * vector.h. */
#include <stddef.h>

/* Bt d */
LEVEL static inline void winograd2_input_line_f32xLANES(const f32xLANES d[4], f32xLANES v[4])
{
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}

LEVEL static inline void winograd4_input_line_f32xLANES(const f32xLANES d[6], f32xLANES v[6])
{
    const f32xLANES a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = a + b;
    v[2] = a - b;
    v[3] = c + e;
    v[4] = c - e;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/* B v */
LEVEL static inline void winograd2_input_adjoint_line_f32xLANES(const f32xLANES v[4], f32xLANES d[4])
{
    d[0] = v[0];
    d[1] = v[1] - v[2] + v[3];
    d[2] = v[1] + v[2] - v[0];
    d[3] = -v[3];
}

LEVEL static inline void winograd4_input_adjoint_line_f32xLANES(const f32xLANES v[6], f32xLANES d[6])
{
    const f32xLANES sum12 = v[1] + v[2], difference12 = v[2] - v[1], sum34 = v[3] + v[4], difference34 = v[4] - v[3];
    d[0] = 4.0f * v[0];
    d[1] = 4.0f * difference12 + 2.0f * difference34 + 4.0f * v[5];
    d[2] = -5.0f * v[0] - 4.0f * sum12 - sum34;
    d[3] = -5.0f * v[5] - difference12 - 2.0f * difference34;
    d[4] = v[0] + sum12 + sum34;
    d[5] = v[5];
}

/* At m */
LEVEL static inline void winograd2_output_line_f32xLANES(const f32xLANES m[4], f32xLANES y[2])
{
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
}

LEVEL static inline void winograd4_output_line_f32xLANES(const f32xLANES m[6], f32xLANES y[4])
{
    const f32xLANES sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
    y[0] = m[0] + sum12 + sum34;
    y[1] = difference12 + 2.0f * difference34;
    y[2] = sum12 + 4.0f * sum34;
    y[3] = difference12 + 8.0f * difference34 + m[5];
}

/* A y */
LEVEL static inline void winograd2_output_adjoint_line_f32xLANES(const f32xLANES y[2], f32xLANES m[4])
{
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = -y[1];
}

LEVEL static inline void winograd4_output_adjoint_line_f32xLANES(const f32xLANES y[4], f32xLANES m[6])
{
    const f32xLANES even = y[0] + y[2], odd = y[1] + y[3], even2 = y[0] + 4.0f * y[2], odd2 = 2.0f * y[1] + 8.0f * y[3];
    m[0] = y[0];
    m[1] = even + odd;
    m[2] = even - odd;
    m[3] = even2 + odd2;
    m[4] = even2 - odd2;
    m[5] = y[3];
}

/* G g */
LEVEL static inline void winograd2_kernel_line_f32xLANES(const f32xLANES g[3], f32xLANES u[4])
{
    const f32xLANES even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
    u[0] = g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = g[2];
}

LEVEL static inline void winograd4_kernel_line_f32xLANES(const f32xLANES g[3], f32xLANES u[6])
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

/* Gt u */
LEVEL static inline void winograd2_kernel_adjoint_line_f32xLANES(const f32xLANES u[4], f32xLANES g[3])
{
    const f32xLANES half = 0.5f * (u[1] + u[2]);
    g[0] = u[0] + half;
    g[1] = 0.5f * (u[1] - u[2]);
    g[2] = half + u[3];
}

LEVEL static inline void winograd4_kernel_adjoint_line_f32xLANES(const f32xLANES u[6], f32xLANES g[3])
{
    const f32xLANES sum12 = u[1] + u[2], difference12 = u[1] - u[2], sum34 = u[3] + u[4], difference34 = u[3] - u[4];
    g[0] = u[0] * 0.25f - sum12 * (1.0f / 6) + sum34 * (1.0f / 24);
    g[1] = difference34 * (1.0f / 12) - difference12 * (1.0f / 6);
    g[2] = (sum34 - sum12) * (1.0f / 6) + u[5];
}
