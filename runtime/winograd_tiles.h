/* Winograd's transforms of whole tiles of TILE x TILE results, from SIDE x SIDE entries, TILE + 2 being SIDE: the transforms of
 * lines (winograd.h), first of all columns, then of all rows. Each loads and stores on the way. Copied into model.c like
 * vector.h, with TILE and SIDE replaced by their numbers. */

/* Bt d B of the pixels at `from`, whose rows and pixels lie `row` and `pixel` apart; the entries go to `to`, `entry` apart. */
LEVEL static inline void winogradTILE_input_f32xLANES(const float *from, ptrdiff_t row, ptrdiff_t pixel, float *to, ptrdiff_t entry)
{
    f32xLANES half[SIDE][SIDE]; /* [column][row] */
    UNROLL for (int s = 0; s < SIDE; s++) {
        f32xLANES d[SIDE];
        UNROLL for (int r = 0; r < SIDE; r++) d[r] = load_f32xLANES(from + s * pixel + r * row);
        winogradTILE_input_line_f32xLANES(d, half[s]);
    }
    UNROLL for (int r = 0; r < SIDE; r++) {
        f32xLANES d[SIDE], v[SIDE];
        UNROLL for (int s = 0; s < SIDE; s++) d[s] = half[s][r];
        winogradTILE_input_line_f32xLANES(d, v);
        UNROLL for (int s = 0; s < SIDE; s++) store_f32xLANES(to + (SIDE * r + s) * entry, v[s]);
    }
}

/* At m A of the entries at `from`, `entry` apart: rows of results. */
LEVEL static inline void winogradTILE_output_f32xLANES(const float *from, ptrdiff_t entry, f32xLANES y[TILE][TILE])
{
    f32xLANES half[SIDE][TILE]; /* [column][row] */
    UNROLL for (int s = 0; s < SIDE; s++) {
        f32xLANES m[SIDE];
        UNROLL for (int r = 0; r < SIDE; r++) m[r] = load_f32xLANES(from + (SIDE * r + s) * entry);
        winogradTILE_output_line_f32xLANES(m, half[s]);
    }
    UNROLL for (int r = 0; r < TILE; r++) {
        f32xLANES m[SIDE];
        UNROLL for (int s = 0; s < SIDE; s++) m[s] = half[s][r];
        winogradTILE_output_line_f32xLANES(m, y[r]);
    }
}

/* A y At, its adjoint: rows of results to entries `entry` apart. */
LEVEL static inline void winogradTILE_output_adjoint_f32xLANES(f32xLANES y[TILE][TILE], float *to, ptrdiff_t entry)
{
    f32xLANES half[TILE][SIDE]; /* [row][column] */
    UNROLL for (int r = 0; r < TILE; r++) winogradTILE_output_adjoint_line_f32xLANES(y[r], half[r]);
    UNROLL for (int s = 0; s < SIDE; s++) {
        f32xLANES column[TILE], m[SIDE];
        UNROLL for (int r = 0; r < TILE; r++) column[r] = half[r][s];
        winogradTILE_output_adjoint_line_f32xLANES(column, m);
        UNROLL for (int r = 0; r < SIDE; r++) store_f32xLANES(to + (SIDE * r + s) * entry, m[r]);
    }
}

/* B v Bt, the adjoint of the input's, of entries `entry` apart, at pixels whose rows and pixels lie `row` and `pixel` apart: added to
 * the first two rows and columns, where other tiles have been, else stored. */
LEVEL static inline void winogradTILE_input_adjoint_f32xLANES(const float *from, ptrdiff_t entry, float *to, ptrdiff_t row, ptrdiff_t pixel)
{
    f32xLANES half[SIDE][SIDE]; /* [column][row] */
    UNROLL for (int s = 0; s < SIDE; s++) {
        f32xLANES v[SIDE];
        UNROLL for (int r = 0; r < SIDE; r++) v[r] = load_f32xLANES(from + (SIDE * r + s) * entry);
        winogradTILE_input_adjoint_line_f32xLANES(v, half[s]);
    }
    UNROLL for (int r = 0; r < SIDE; r++) {
        f32xLANES v[SIDE], d[SIDE];
        UNROLL for (int s = 0; s < SIDE; s++) v[s] = half[s][r];
        winogradTILE_input_adjoint_line_f32xLANES(v, d);
        UNROLL for (int s = 0; s < SIDE; s++) {
            float *const at = to + r * row + s * pixel;
            store_f32xLANES(at, r < 2 || s < 2 ? load_f32xLANES(at) + d[s] : d[s]);
        }
    }
}

/* G g Gt of a 3x3 kernel, row by row `step` apart: entries `entry` apart. */
LEVEL static inline void winogradTILE_kernel_f32xLANES(const float *from, ptrdiff_t step, float *to, ptrdiff_t entry)
{
    f32xLANES half[3][SIDE]; /* [row][column] */
    UNROLL for (int r = 0; r < 3; r++) {
        f32xLANES g[3];
        UNROLL for (int s = 0; s < 3; s++) g[s] = load_f32xLANES(from + (3 * r + s) * step);
        winogradTILE_kernel_line_f32xLANES(g, half[r]);
    }
    UNROLL for (int s = 0; s < SIDE; s++) {
        const f32xLANES g[3] = {half[0][s], half[1][s], half[2][s]};
        f32xLANES u[SIDE];
        winogradTILE_kernel_line_f32xLANES(g, u);
        UNROLL for (int r = 0; r < SIDE; r++) store_f32xLANES(to + (SIDE * r + s) * entry, u[r]);
    }
}

/* Gt u G, its adjoint: the gradient of a 3x3 kernel, row by row `step` apart. */
LEVEL static inline void winogradTILE_kernel_adjoint_f32xLANES(f32xLANES u[SIDE][SIDE], float *to, ptrdiff_t step)
{
    f32xLANES half[SIDE][3]; /* [row][column] */
    UNROLL for (int r = 0; r < SIDE; r++) winogradTILE_kernel_adjoint_line_f32xLANES(u[r], half[r]);
    UNROLL for (int s = 0; s < 3; s++) {
        f32xLANES column[SIDE], g[3];
        UNROLL for (int r = 0; r < SIDE; r++) column[r] = half[r][s];
        winogradTILE_kernel_adjoint_line_f32xLANES(column, g);
        UNROLL for (int r = 0; r < 3; r++) store_f32xLANES(to + (3 * r + s) * step, g[r]);
    }
}
