/* Winograd's convolution F(4x4, 3x3): 36 multiplications for 16 results where the direct way takes 144.
 *
 * The image is cut into tiles of 4x4 results, each from 6x6 pixels. Tiles are transformed (v), for each of the 36 entries a
 * product of matrices [tiles][channels] by [channels][filters] is made (m), and transformed back. The transforms are real C
 * (runtime/winograd.h); here are the loops. The gradient of the weights goes the same way by the adjoint transforms. A few rows of
 * tiles at a time keep v and m in the second-level cache.
 *
 * Error: the transforms grow rounding errors; measured 5e-6 of the largest result against 9e-7 directly (docs/numbers.md).
 * --math=strict does without. */
#include "kernels.h"

enum { ENTRIES = 36, TYPICAL_TILES = 6 };

static int64_t tile_rows(const Convolution *c)
{
    return (c->rows + 3) / 4;
}

static int64_t tile_columns(const Convolution *c)
{
    return (c->columns + 3) / 4;
}

bool winograd_pays(const Convolution *c, int64_t panel)
{
    if (c->kernel_height != 3 || c->kernel_width != 3 || c->stride_height != 1 || c->stride_width != 1 || c->spread_height != 1 || c->spread_width != 1)
        return false;
    if (c->channels % panel || c->filters % panel) return false;
    double direct = (double)(c->rows * c->columns) * 9 * (double)(c->channels * c->filters);
    double tiles = (double)(tile_rows(c) * tile_columns(c));
    double products = tiles * ENTRIES * (double)(c->channels * c->filters);
    double transforms = tiles * ENTRIES * 12 * (double)(c->channels + c->filters); /* additions and the traffic they cause */
    double weights = ENTRIES * 6 * (double)(c->channels * c->filters);             /* transformed once for each call */
    return products + transforms + weights < direct;
}

/* Rows of tiles that are worked on at once: a divisor of their number, so that enough tiles share each load of the weights. */
static int64_t block_rows(const Convolution *c)
{
    int64_t rows = tile_rows(c);
    for (int64_t b = 1; b < rows; b++)
        if (rows % b == 0 && b * tile_columns(c) >= TYPICAL_TILES) return b;
    return tile_columns(c) * rows <= 2 * TYPICAL_TILES ? rows : 1;
}

int64_t winograd_parts(const Convolution *c)
{
    return tile_rows(c) / block_rows(c);
}

/* Whole tiles lie on the image, or rows must be laid out with zeros around them. */
static bool is_padded(const Convolution *c)
{
    return c->pad_top || c->pad_left || 4 * tile_rows(c) + 2 > c->height || 4 * tile_columns(c) + 2 > c->width;
}

static bool is_ragged(const Convolution *c)
{
    return c->rows % 4 || c->columns % 4;
}

static int64_t row_floats(const Convolution *c)
{
    return (4 * tile_columns(c) + 2) * c->channels;
}

int64_t winograd_workspace(const Convolution *c)
{
    int64_t tiles = block_rows(c) * tile_columns(c);
    return ENTRIES * tiles * (c->channels + c->filters) + (is_padded(c) ? (4 * block_rows(c) + 2) * row_floats(c) : 0);
}

int64_t winograd_kernel_floats(const Convolution *c)
{
    return ENTRIES * c->channels * c->filters;
}

int64_t winograd_gradient_workspace(const Convolution *c)
{
    return ENTRIES * tile_rows(c) * tile_columns(c) * (c->channels + c->filters) + (is_padded(c) ? 6 * row_floats(c) : 0);
}

static void fill_winograd(Emit *e, const Convolution *c, int64_t rows_at_once)
{
    int64_t tiles = rows_at_once * tile_columns(c), panel = e->graph->panel;
    fill_size(e, "H", c->height);
    fill_size(e, "W", c->width);
    fill_size(e, "C", c->channels);
    fill_size(e, "P", c->rows);
    fill_size(e, "Q", c->columns);
    fill_size(e, "K", c->filters);
    fill_size(e, "TOP", c->pad_top);
    fill_size(e, "LEFTC", c->pad_left * c->channels);
    int64_t run = 4 * tile_columns(c) + 2 - c->pad_left < c->width ? 4 * tile_columns(c) + 2 - c->pad_left : c->width;
    fill_size(e, "RUN", run * c->channels);
    fill_size(e, "ROW", row_floats(c));
    fill_size(e, "TH", tile_rows(c));
    fill_size(e, "TW", tile_columns(c));
    fill_size(e, "BLOCK", rows_at_once);
    fill_size(e, "INPUTROWS", 4 * rows_at_once + 2);
    fill_size(e, "TILES", tiles);
    fill_size(e, "VSIZE", ENTRIES * tiles * c->channels);
    fill_size(e, "MSIZE", ENTRIES * tiles * c->filters);
    fill_size(e, "PANEL", panel);
    fill_size(e, "PARTS", panel / emit_level(e)->lanes);
}

/* u = G g Gt for every channel and filter: packed kernel [panels][9 * channels][panel] -> u [36][panels][channels][panel]. */
void winograd_kernel_emit(Emit *e, const Node *node, const Convolution *c, const char *kernel, int u_operand)
{
    int64_t panel = e->graph->panel, panels = c->filters / panel;
    phase_operand(e, u_operand, 4, (const int64_t[]){ENTRIES, panels, c->channels, panel});
    phase_begin(e, node, memory_format("%s_transform", kernel), OVER_EXTENT, panels);
    fill_winograd(e, c, 1);
    fill(e, "KERNEL", "%s", kernel);
    fill_size(e, "UENTRY", c->channels * c->filters);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int c = 0; c < $C; c++) {",
         "for (int part = 0; part < $PANEL; part += $L) {",
         "winograd_kernel_f32x$L(&$KERNEL[g][c][part], $C * $PANEL, &u[0][g][c][part], $UENTRY);",
         "}",
         "}",
         "}");
    phase_end(e);
}

/* Lays out the input rows of a block of tiles with zeros around the image. The block's first row of tiles is $I. */
static void emit_padded_rows(Emit *e, const char *from)
{
    fill(e, "FROM", "%s", from);
    EMIT(e,
         "for (int r = 0; r < $INPUTROWS; r++) {",
         "const int h = (4 * i + r - $TOP);",
         "memset(rows[r], 0, sizeof rows[r]);",
         "if (h >= 0 && h < $H) memcpy(&rows[r][$LEFTC], &$FROM[n][h][0][0], $RUN * sizeof(float));",
         "}");
}

/* The transformed tiles of rows i .. i + $BLOCK - 1: v[entry][tile][channel]; `tile`, a format for the tiles of a row, says
 * where the tile of row b, column j goes. */
static void emit_input_tiles(Emit *e, const Convolution *c, const char *from, const char *tile)
{
    fill(e, "FROM", "%s", from);
    fill(e, "TILE", tile, (long long)tile_columns(c));
    if (is_padded(c)) emit_padded_rows(e, from);
    EMIT(e,
         "for (int b = 0; b < $BLOCK; b++) {",
         "for (int j = 0; j < $TW; j++) {",
         "for (int k = 0; k < $C; k += $L) {");
    if (is_padded(c)) EMIT(e, "winograd_input_f32x$L(&rows[4 * b][4 * j * $C + k], $ROW, $C, &v[0][$TILE][k], $TILES * $C);");
    else EMIT(e, "winograd_input_f32x$L(&$FROM[n][4 * (i + b)][4 * j][k], $W * $C, $C, &v[0][$TILE][k], $TILES * $C);");
    EMIT(e, "}", "}", "}");
}

/* m[entry] = v[entry] u[entry]: tiles as rows, filters as columns. */
static void emit_products(Emit *e, const Convolution *c, int64_t tiles)
{
    const Level *level = emit_level(e);
    Tile tile = tile_choose(level, tiles, c->filters / level->lanes);
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    int rest = (int)(tiles % tile.rows);
    EMIT(e, "for (int entry = 0; entry < 36; entry++) {");
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        tile_pointers(e, groups[g].vectors, group_first(&groups[g]), e->graph->panel, "u[entry]", "0");
        for (int part = 0; part < 2; part++) {
            int rows = part ? rest : tile.rows;
            if (part ? !rest : tiles < tile.rows) continue;
            fill_size(e, "FULL", tiles - rest);
            fill_size(e, "ROWS", rows);
            if (part) EMIT(e, "{", "const int t = $FULL;");
            else EMIT(e, "for (int t = 0; t < $FULL; t += $ROWS) {");
            EMIT(e, "const float *const a = &v[entry][t][0];");
            tile_begin(e, rows, groups[g].vectors, "{0}");
            EMIT(e, "for (int c = 0; c < $C; c++) {");
            tile_step(e, rows, groups[g].vectors, "a[$T * $C + c]", "load_f32x$L(b$V + c * $PANEL)");
            EMIT(e, "}");
            tile_end(e, NULL, rows, groups[g].vectors, groups[g].last_lanes, "[entry][t + $T][($G + $V) * $L]", "0", "m");
            EMIT(e, "}");
        }
        group_end(e);
    }
    EMIT(e, "}");
}

/* The results of the block's tiles: bias, epilogue, store. */
static void emit_output_tiles(Emit *e, const Node *node, const Convolution *c, const char *bias, const char *to)
{
    int lanes = emit_level(e)->lanes;
    EMIT(e,
         "for (int b = 0; b < $BLOCK; b++) {",
         "for (int j = 0; j < $TW; j++) {",
         "for (int k = 0; k < $K; k += $L) {",
         "f32x$L d[4][4];",
         "winograd_output_f32x$L(&m[0][b * $TW + j][k], $TILES * $K, d);",
         "UNROLL for (int r = 0; r < 4; r++) {",
         "UNROLL for (int s = 0; s < 4; s++) {",
         "const int p = 4 * (i + b) + r, q = 4 * j + s;");
    if (is_ragged(c)) EMIT(e, "if (p < $P && q < $Q) {");
    if (bias) {
        fill(e, "BIAS", "%s", bias);
        EMIT(e, "f32x$L sum = d[r][s] + load_f32x$L(&$BIAS[k]);");
    } else {
        EMIT(e, "f32x$L sum = d[r][s];");
    }
    emit_epilogue(e, node, "sum", "[n][p][q][k]", memory_format("(uint32_t)(((n * %lld + p) * %lld + q) * %lld + k)", (long long)c->rows, (long long)c->columns, (long long)c->filters), lanes);
    emit_store(e, memory_format("&%s[n][p][q][k]", to), "sum", lanes);
    if (is_ragged(c)) EMIT(e, "}");
    EMIT(e, "}", "}", "}", "}", "}");
}

void winograd_emit(Emit *e, const Node *node, const Convolution *c, const char *from, const char *bias, const char *to, int u_operand)
{
    int64_t panel = e->graph->panel, block = block_rows(c);
    phase_operand(e, u_operand, 4, (const int64_t[]){ENTRIES, c->filters / panel, c->channels, panel});
    phase_begin(e, node, NULL, OVER_SAMPLES, winograd_parts(c));
    fill_winograd(e, c, block);
    fill_size(e, "WORK", winograd_workspace(c));
    EMIT(e,
         "float (*const v)[$TILES][$C] = (float (*)[$TILES][$C])(work + task * $WORK);",
         "float (*const m)[$TILES][$K] = (float (*)[$TILES][$K])(work + task * $WORK + $VSIZE);");
    if (is_padded(c)) EMIT(e, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + task * $WORK + $VSIZE + $MSIZE);");
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {", "for (int i = $LOW * $BLOCK; i < $HIGH * $BLOCK; i += $BLOCK) {");
    emit_input_tiles(e, c, from, "b * %lld + j");
    emit_products(e, c, block * tile_columns(c));
    emit_output_tiles(e, node, c, bias, to);
    EMIT(e, "}", "}");
    phase_end(e);
}

/* The transformed gradient of the results of one row of tiles: z[entry][tile][filter] = A d_y At. */
static void emit_gradient_tiles(Emit *e, const Convolution *c)
{
    EMIT(e,
         "for (int j = 0; j < $TW; j++) {",
         "for (int k = 0; k < $K; k += $L) {",
         "f32x$L d[4][4];",
         "UNROLL for (int r = 0; r < 4; r++) {");
    if (is_ragged(c))
        EMIT(e, "UNROLL for (int s = 0; s < 4; s++) d[r][s] = 4 * i + r < $P && 4 * j + s < $Q ? load_f32x$L(&d_y[n][4 * i + r][4 * j + s][k]) : (f32x$L){0};");
    else EMIT(e, "UNROLL for (int s = 0; s < 4; s++) d[r][s] = load_f32x$L(&d_y[n][4 * i + r][4 * j + s][k]);");
    EMIT(e,
         "}",
         "winograd_output_adjoint_f32x$L(d, &z[0][i * $TW + j][k], $TILES * $K);",
         "}",
         "}");
}

/* sums[entry][panel][channel] += v[entry]t z[entry]: channels as rows, filters as columns, summed over the image's tiles. */
static void emit_gradient_products(Emit *e, const Convolution *c)
{
    const Level *level = emit_level(e);
    int64_t per_panel = e->graph->panel / level->lanes;
    Tile tile = tile_choose(level, c->channels, c->filters / level->lanes);
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    int rest = (int)(c->channels % tile.rows);
    EMIT(e, "for (int entry = 0; entry < 36; entry++) {");
    for (int part = 0; part < 2; part++) {
        int rows = part ? rest : tile.rows;
        if (part ? !rest : c->channels < tile.rows) continue;
        fill_size(e, "FULL", c->channels - rest);
        fill_size(e, "ROWS", rows);
        if (part) EMIT(e, "{", "const int c = $FULL;");
        else EMIT(e, "for (int c = 0; c < $FULL; c += $ROWS) {");
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            for (int x = 0; x < groups[g].vectors; x++) {
                fill_size(e, "V", x);
                if (per_panel == 1) EMIT(e, "float *const t$V = &sums[entry][$G + $V][c][0];");
                else EMIT(e, "float *const t$V = &sums[entry][($G + $V) / $PARTS][c][($G + $V) % $PARTS * $L];");
            }
            tile_begin(e, rows, groups[g].vectors, "load_f32x$L(t$V + $T * $PANEL)");
            EMIT(e, "for (int t = 0; t < $TILES; t++) {", "const float *const a = &v[entry][t][c];");
            tile_step(e, rows, groups[g].vectors, "a[$T]", "load_f32x$L(&z[entry][t][($G + $V) * $L])");
            EMIT(e, "}");
            for (int t = 0; t < rows; t++)
                for (int x = 0; x < groups[g].vectors; x++) {
                    fill_size(e, "T", t);
                    fill_size(e, "V", x);
                    EMIT(e, "store_f32x$L(t$V + $T * $PANEL, s$T_$V);");
                }
            group_end(e);
        }
        EMIT(e, "}");
    }
    EMIT(e, "}");
}

void winograd_weight_gradient_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t panel = e->graph->panel, panels = c->filters / panel, all = winograd_kernel_floats(c);
    phase_begin(e, node, "weight_gradient_part", IN_SHARDS, 0);
    fill_winograd(e, c, 1); /* rows of input are laid out for one row of tiles at a time, */
    int64_t tiles = tile_rows(c) * tile_columns(c); /* but the products run over all tiles of the image */
    fill_size(e, "TILES", tiles);
    fill_size(e, "VSIZE", ENTRIES * tiles * c->channels);
    fill_size(e, "MSIZE", ENTRIES * tiles * c->filters);
    fill_size(e, "WORK", winograd_gradient_workspace(c));
    fill_size(e, "ALL", all);
    fill_size(e, "PANELS", panels);
    EMIT(e,
         "float (*const sums)[$PANELS][$C][$PANEL] = (float (*)[$PANELS][$C][$PANEL])(work + task * $ALL);",
         "float (*const v)[$TILES][$C] = (float (*)[$TILES][$C])(tiles + task * $WORK);",
         "float (*const z)[$TILES][$K] = (float (*)[$TILES][$K])(tiles + task * $WORK + $VSIZE);");
    if (is_padded(c)) EMIT(e, "float (*const rows)[$ROW] = (float (*)[$ROW])(tiles + task * $WORK + $VSIZE + $MSIZE);");
    EMIT(e, "memset(sums, 0, $ALL * sizeof(float));", "for (ptrdiff_t n = first; n < last; n++) {", "for (int i = 0; i < $TH; i++) {");
    emit_input_tiles(e, c, "x", "(i + b) * %lld + j");
    emit_gradient_tiles(e, c);
    EMIT(e, "}");
    emit_gradient_products(e, c);
    EMIT(e, "}");
    phase_end(e);

    phase_begin(e, node, NULL, OVER_EXTENT, panels * c->channels);
    fill_winograd(e, c, 1);
    fill_size(e, "ALL", all);
    fill_size(e, "PANELS", panels);
    fill_size(e, "SHARDS", TASKS);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int part = 0; part < $PANEL; part += $L) {",
         "f32x$L d[6][6];",
         "for (int entry = 0; entry < 36; entry++) {",
         "const float *const sums = work + (entry * ($PANELS * $C) + g) * $PANEL + part;",
         "d[entry / 6][entry % 6] = load_f32x$L(sums);",
         "for (int shard = 1; shard < $SHARDS; shard++) d[entry / 6][entry % 6] += load_f32x$L(sums + shard * $ALL);",
         "}",
         "winograd_kernel_adjoint_f32x$L(d, &d_kernel[g / $C][g % $C][part], $C * $PANEL);",
         "}",
         "}");
    phase_end(e);
}
