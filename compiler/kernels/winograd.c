/* Winograd's convolution: F(4x4, 3x3) takes 36 multiplications for 16 results where the direct way takes 144, F(2x2, 3x3) takes
 * 16 for 4 instead of 36, and wastes less where the image is small.
 *
 * The image is cut into tiles of 4x4 results, each from 6x6 pixels (or 2x2 from 4x4). Tiles are transformed (v), for each of
 * the 36 entries (or 16) a product of matrices [tiles][channels] by [channels][filters] is made (m), and transformed back. The
 * transforms are real C (runtime/winograd.h, winograd_tiles.h); here are the loops. A few rows of tiles at a time, or a part of
 * a long one, keep v and m in the second-level cache. The gradients go the same way by the adjoint transforms: winograd_gradient.c.
 *
 * Error: the transforms of the larger tile grow rounding errors: 5e-6 of the largest result was measured against 9e-7 directly
 * (docs/numbers.md). --math=strict does without. */
#include "winograd.h"
#include "convolution.h"

enum {
    TYPICAL_TILES = 6,
    LEAST_TILES = 12,       /* of a part of a row: fewer make too little of each load of the weights */
    CACHE_FLOATS = 1 << 17, /* of v and m together: half of a second-level cache of 1 MB */
};

int64_t winograd_tile_rows(const Convolution *c)
{
    return (c->rows + c->tile - 1) / c->tile;
}

int64_t winograd_tile_columns(const Convolution *c)
{
    return (c->columns + c->tile - 1) / c->tile;
}

int64_t winograd_entries(const Convolution *c)
{
    return (c->tile + 2) * (c->tile + 2);
}

Way winograd_way(const Convolution *direct, int tile, int64_t panel)
{
    Convolution with_tiles = *direct, *c = &with_tiles;
    c->tile = tile;
    Way way = {.name = memory_format("winograd%dx%d", tile, tile)};
    if (c->kernel_height != 3 || c->kernel_width != 3)
        way.hindrance = "the kernel is not 3x3";
    else if (c->stride_height != 1 || c->stride_width != 1 || c->spread_height != 1 || c->spread_width != 1)
        way.hindrance = "the stride is not 1";
    else if (convolution_group_hindrance(c))
        way.hindrance = convolution_group_hindrance(c);
    else if (c->channels % panel || c->filters / c->groups % panel)
        way.hindrance = memory_format("channels are no multiple of %lld", (long long)panel);
    double tiles = (double)(winograd_tile_rows(c) * winograd_tile_columns(c));
    double products = tiles * (double)winograd_entries(c) * (double)(c->channels / c->groups * c->filters);
    double transforms = tiles * (double)winograd_entries(c) * 2 * (double)(c->tile + 2) *
                        (double)(c->channels + c->filters); /* additions and the traffic they cause */
    way.cost = products + transforms;
    return way;
}

/* Rows of tiles that are worked on at once: a divisor of their number, so that enough tiles share each load of the weights. */
static int64_t block_rows(const Convolution *c)
{
    int64_t rows = winograd_tile_rows(c);
    for (int64_t b = 1; b < rows; b++)
        if (rows % b == 0 && b * winograd_tile_columns(c) >= TYPICAL_TILES) return b;
    return winograd_tile_columns(c) * rows <= 2 * TYPICAL_TILES ? rows : 1;
}

/* Tiles of a row that are worked on at once: all, or where these are too many for the cache a divisor of their number. */
static int64_t block_columns(const Convolution *c)
{
    int64_t columns = winograd_tile_columns(c), tile = winograd_entries(c) * (c->channels + c->filters), least = columns;
    if (block_rows(c) > 1) return columns;
    for (int64_t b = columns; b >= LEAST_TILES && least * tile > CACHE_FLOATS; b--)
        if (columns % b == 0) least = b;
    return least;
}

int64_t winograd_parts(const Convolution *c)
{
    const Convolution group = convolution_of_group(c);
    return c->groups * (winograd_tile_rows(c) / block_rows(&group));
}

/* Whole tiles lie on the image, or rows must be laid out with zeros around them. */
bool winograd_is_padded(const Convolution *c)
{
    return c->pad_top || c->pad_left || c->tile * winograd_tile_rows(c) + 2 > c->height ||
           c->tile * winograd_tile_columns(c) + 2 > c->width;
}

bool winograd_is_ragged(const Convolution *c)
{
    return c->rows % c->tile || c->columns % c->tile;
}

/* Of an input row laid out for so many tiles. */
static int64_t row_floats(const Convolution *c, int64_t columns)
{
    return (c->tile * columns + 2) * c->channels;
}

int64_t winograd_row_floats(const Convolution *c)
{
    return row_floats(c, winograd_tile_columns(c));
}

int64_t winograd_workspace(const Convolution *image)
{
    const Convolution group = convolution_of_group(image), *c = &group;
    int64_t tiles = block_rows(c) * block_columns(c);
    return winograd_entries(c) * tiles * (c->channels + c->filters) +
           (winograd_is_padded(c) ? (c->tile * block_rows(c) + 2) * row_floats(c, block_columns(c)) : 0);
}

int64_t winograd_kernel_floats(const Convolution *c)
{
    return winograd_entries(c) * (c->channels / c->groups) * c->filters;
}

/* The sizes for work on so many rows and columns of tiles. */
static void fill_block(Emit *e, const Convolution *c, int64_t rows, int64_t columns)
{
    int64_t tiles = rows * columns;
    fill_size(e, "BLOCK", rows);
    fill_size(e, "SEGMENT", columns);
    fill(e, "COLUMN", "%s", columns < winograd_tile_columns(c) ? "(left + j)" : "j");
    fill_size(e, "ROW", row_floats(c, columns));
    fill_size(e, "TILES", tiles);
    fill_size(e, "VSIZE", winograd_entries(c) * tiles * c->channels);
    fill_size(e, "MSIZE", winograd_entries(c) * tiles * c->filters);
}

void winograd_fill(Emit *e, const Convolution *c, int64_t rows_at_once)
{
    int64_t panel = e->graph->panel;
    fill_size(e, "M", c->tile);
    fill_size(e, "SIDE", c->tile + 2);
    fill_size(e, "ENTRIES", winograd_entries(c));
    fill_size(e, "H", c->height);
    fill_size(e, "W", c->width);
    fill_size(e, "C", c->channels);
    fill_size(e, "P", c->rows);
    fill_size(e, "Q", c->columns);
    fill_size(e, "K", c->filters);
    fill_size(e, "TOP", c->pad_top);
    fill_size(e, "LEFT", c->pad_left);
    fill_size(e, "LEFTC", c->pad_left * c->channels);
    int64_t run = c->tile * winograd_tile_columns(c) + 2 - c->pad_left < c->width
                      ? c->tile * winograd_tile_columns(c) + 2 - c->pad_left
                      : c->width;
    fill_size(e, "PIXELS", run);
    fill_size(e, "RUN", run * c->channels);
    fill_size(e, "TH", winograd_tile_rows(c));
    fill_size(e, "TW", winograd_tile_columns(c));
    fill_size(e, "INPUTROWS", c->tile * rows_at_once + 2);
    fill_block(e, c, rows_at_once, winograd_tile_columns(c));
    fill_size(e, "PANEL", panel);
    fill_size(e, "PARTS", panel / emit_level(e)->lanes);
}

/* u = G g Gt for every channel, of a group, and filter: packed kernel [panels][9 * channels][panel] -> u
 * [entries][panels][channels][panel]. */
void winograd_kernel_emit(Emit *e, const Node *node, const Convolution *c, const char *kernel, const char *to)
{
    int64_t panel = e->graph->panel, panels = c->filters / panel, channels = c->channels / c->groups;
    phase_operand(e, operand_number(node, to), 4, (const int64_t[]){winograd_entries(c), panels, channels, panel});
    phase_begin(e, node, memory_format("%s_transform", kernel), OVER_EXTENT, panels);
    fill(e, "TO", "%s", to);
    winograd_fill(e, c, 1);
    fill(e, "KERNEL", "%s", kernel);
    fill_size(e, "UENTRY", channels * c->filters);
    fill_size(e, "CG", channels);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int c = 0; c < $CG; c++) {",
         "for (int part = 0; part < $PANEL; part += $L) {",
         "winograd$M_kernel_f32x$L(&$KERNEL[g][c][part], $CG * $PANEL, &$TO[0][g][c][part], $UENTRY);",
         "}",
         "}",
         "}");
    phase_end(e);
}

Shape winograd_kernel_shape(const Convolution *c, int64_t panel)
{
    return shape_of(4, (const int64_t[]){winograd_entries(c), c->filters / panel, c->channels / c->groups, panel});
}

/* The same by the compiler: G g Gt in double. */
void winograd_kernel_values(const Convolution *c, int64_t panel, const float *packed, float *to)
{
    static const double g2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    static const double g4[6][3] = {{1.0 / 4, 0, 0},
                                    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                    {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                    {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                    {0, 0, 1}};
    const double(*g)[3] = c->tile == 2 ? g2 : g4;
    int64_t channels = c->channels / c->groups, matrix = channels * panel, side = c->tile + 2;
    for (int64_t i = 0; i < c->filters / panel * matrix; i++) {
        const float *kernel = packed + i / matrix * 9 * matrix + i % matrix;
        for (int64_t entry = 0; entry < side * side; entry++) {
            double sum = 0;
            for (int r = 0; r < 3; r++)
                for (int s = 0; s < 3; s++)
                    sum += g[entry / side][r] * g[entry % side][s] * (double)kernel[(3 * r + s) * matrix];
            to[entry * channels * c->filters + i] = (float)sum;
        }
    }
}

/* Lays out the input rows of a block of tiles with zeros around the image. The block's first row of tiles is i, its first column 0,
 * or `left` where it is a part of a row. Of channels in groups those of one. */
static void emit_padded_rows(Emit *e, const char *from, bool part, bool grouped)
{
    fill(e, "FROM", "%s", from);
    if (part)
        EMIT(e,
             "const int begin = $M * left - $LEFT, end = begin + $M * $SEGMENT + 2;",
             "const int w0 = begin > 0 ? begin : 0, w1 = end < $W ? end : $W;");
    EMIT(e,
         "for (int r = 0; r < $INPUTROWS; r++) {",
         "const int h = ($M * i + r - $TOP);",
         "memset(rows[r], 0, sizeof rows[r]);");
    if (grouped)
        EMIT(e,
             "if (h < 0 || h >= $H) continue;",
             part ? "for (int w = w0; w < w1; w++)" : "for (int w = 0; w < $PIXELS; w++)",
             memory_format("memcpy(&rows[r][(w %s) * $C], &$FROM[n][h][w][group * $C], $C * sizeof(float));", part ? "- begin" : "+ $LEFT"));
    else if (part) EMIT(e, "if (h >= 0 && h < $H) memcpy(&rows[r][(w0 - begin) * $C], &$FROM[n][h][w0][0], (size_t)(w1 - w0) * $C * sizeof(float));");
    else EMIT(e, "if (h >= 0 && h < $H) memcpy(&rows[r][$LEFTC], &$FROM[n][h][0][0], $RUN * sizeof(float));");
    EMIT(e, "}");
}

/* c: what is worked on; `all`: the channels of the image. */
static void emit_input_tiles(Emit *e, const Convolution *c, int64_t all, const char *from, const char *tile)
{
    fill_size(e, "ALL", all);
    fill(e, "CHANNEL", "%s", all > c->channels ? memory_format("group * %lld + k", (long long)c->channels) : "k");
    fill(e, "FROM", "%s", from);
    fill(e, "TILE", tile, (long long)winograd_tile_columns(c));
    EMIT(e, "for (int b = 0; b < $BLOCK; b++) {", "for (int j = 0; j < $SEGMENT; j++) {", "for (int k = 0; k < $C; k += $L) {");
    if (winograd_is_padded(c))
        EMIT(e, "winograd$M_input_f32x$L(&rows[$M * b][$M * j * $C + k], $ROW, $C, &v[0][$TILE][k], $TILES * $C);");
    else
        EMIT(e, "winograd$M_input_f32x$L(&$FROM[n][$M * (i + b)][$M * $COLUMN][$CHANNEL], $W * $ALL, $ALL, &v[0][$TILE][k], $TILES * $C);");
    EMIT(e, "}", "}", "}");
}

void winograd_input_emit(Emit *e, const Convolution *c, const char *from, const char *tile)
{
    if (winograd_is_padded(c)) emit_padded_rows(e, from, false, false);
    emit_input_tiles(e, c, c->channels, from, tile);
}

void winograd_products_emit(Emit *e, const Node *node, const char *phase, Work work, const char *from, const char *kernel,
                            const char *to, bool grouped)
{
    work.kernel = "winograd";
    work.phase = phase;
    Tile tile = choose_tile(e, node, work);
    int64_t tiles = work.rows, filters = work.columns;
    VectorGroup groups[2];
    int group_count = vector_groups(e, filters, tile.vectors, groups);
    int rest = (int)(tiles % tile.rows);
    fill(e, "FROM", "%s", from);
    fill_size(e, "CHANNELS", work.reduction);
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        const char *first = group_first(&groups[g]);
        if (grouped) first = memory_format("(group * %lld + %s)", (long long)(filters / emit_level(e)->lanes), first);
        tile_pointers(e, groups[g].vectors, first, e->graph->panel, memory_format("%s[entry]", kernel), "0");
        for (int part = 0; part < 2; part++) {
            int rows = part ? rest : tile.rows;
            if (part ? !rest : tiles < tile.rows) continue;
            fill_size(e, "FULL", tiles - rest);
            fill_size(e, "ROWS", rows);
            if (part)
                EMIT(e, "{", "const int t = $FULL;");
            else
                EMIT(e, "for (int t = 0; t < $FULL; t += $ROWS) {");
            EMIT(e, "const float *const a = &$FROM[entry][t][0];");
            tile_begin(e, rows, groups[g].vectors, "{0}");
            EMIT(e, "for (int c = 0; c < $CHANNELS; c++) {");
            tile_step(e, rows, groups[g].vectors, "a[$T * $CHANNELS + c]", "load_f32x$L(b$V + c * $PANEL)");
            EMIT(e, "}");
            tile_end(e, NULL, rows, groups[g].vectors, groups[g].last_lanes, "[entry][t + $T][($G + $V) * $L]", "0", to);
            EMIT(e, "}");
        }
        group_end(e);
    }
}

/* The largest of each 2x2 results, and its place. */
static void emit_largest(Emit *e, const Node *node, const Convolution *c)
{
    bool places = operand_number(node, "selected") >= 0;
    fill_size(e, "POOLEDROWS", c->rows / 2);
    fill_size(e, "POOLEDCOLUMNS", c->columns / 2);
    EMIT(e,
         "UNROLL for (int r = 0; r < $M; r += 2) {",
         "UNROLL for (int s = 0; s < $M; s += 2) {",
         "const int p = ($M * (i + b) + r) / 2, q = ($M * $COLUMN + s) / 2;");
    if (winograd_is_ragged(c)) EMIT(e, "if (p < $POOLEDROWS && q < $POOLEDCOLUMNS) {");
    EMIT(e, "f32x$L sum = d[r][s];");
    if (places) EMIT(e, "i32x$L place = {0}, larger;");
    static const char *const others[] = {"d[r][s + 1]", "d[r + 1][s]", "d[r + 1][s + 1]"};
    for (int i = 0; i < 3; i++) {
        fill(e, "OTHER", "%s", others[i]);
        fill_size(e, "PLACE", i + 1);
        if (places) EMIT(e, "larger = $OTHER > sum;", "place = (larger & $PLACE) | (~larger & place);");
        EMIT(e, "sum = max_f32x$L($OTHER, sum);");
    }
    if (places) EMIT(e, "store_u8_i32x$L(&selected[n][p][q][$FILTER], place);");
}

/* The results of the block's tiles: bias, epilogue, store; `all`: the filters of the image. */
static void emit_output_tiles(Emit *e, const Node *node, const Convolution *c, int64_t all, const char *bias, const char *to)
{
    const char *filter = all > c->filters ? memory_format("group * %lld + k", (long long)c->filters) : "k";
    fill(e, "FILTER", "%s", filter);
    int lanes = emit_level(e)->lanes;
    long long rows = c->pooled ? c->rows / 2 : c->rows, columns = c->pooled ? c->columns / 2 : c->columns;
    EMIT(e,
         "for (int b = 0; b < $BLOCK; b++) {",
         "for (int j = 0; j < $SEGMENT; j++) {",
         "for (int k = 0; k < $K; k += $L) {",
         "f32x$L d[$M][$M];",
         "winograd$M_output_f32x$L(&m[0][b * $SEGMENT + j][k], $TILES * $K, d);");
    if (c->pooled) {
        emit_largest(e, node, c);
    } else {
        EMIT(e,
             "UNROLL for (int r = 0; r < $M; r++) {",
             "UNROLL for (int s = 0; s < $M; s++) {",
             "const int p = $M * (i + b) + r, q = $M * $COLUMN + s;");
        if (winograd_is_ragged(c)) EMIT(e, "if (p < $P && q < $Q) {");
        EMIT(e, "f32x$L sum = d[r][s];");
    }
    if (bias) {
        fill(e, "BIAS", "%s", bias);
        EMIT(e, "sum += load_f32x$L(&$BIAS[$FILTER]);");
    }
    emit_epilogue(e,
                  node,
                  "sum",
                  memory_format("[n][p][q][%s]", filter),
                  memory_format("(uint32_t)(((n * %lld + p) * %lld + q) * %lld + %s)", rows, columns, (long long)all, filter),
                  lanes);
    emit_store(e, memory_format("&%s[n][p][q][%s]", to, filter), "sum", lanes);
    if (winograd_is_ragged(c)) EMIT(e, "}");
    EMIT(e, "}", "}", "}", "}", "}");
}

void winograd_emit(Emit *e, const Node *node, const Convolution *image, const char *from, const char *kernel, const char *bias,
                   const char *to)
{
    const Convolution group = convolution_of_group(image), *c = &group;
    bool grouped = image->groups > 1;
    int64_t block = block_rows(c), segment = block_columns(c), blocks = winograd_tile_rows(c) / block;
    phase_begin(e, node, NULL, OVER_SAMPLES, winograd_parts(image));
    winograd_fill(e, c, block);
    fill_block(e, c, block, segment);
    fill_size(e, "WORK", winograd_workspace(c));
    EMIT(e,
         "float (*const v)[$TILES][$C] = (float (*)[$TILES][$C])(work + task * $WORK);",
         "float (*const m)[$TILES][$K] = (float (*)[$TILES][$K])(work + task * $WORK + $VSIZE);");
    if (winograd_is_padded(c)) EMIT(e, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + task * $WORK + $VSIZE + $MSIZE);");
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {");
    if (grouped) EMIT(e, "for (int turn = $LOW; turn < $HIGH; turn++) {", memory_format("const int group = turn / %lld, i = turn %% %lld * $BLOCK;", (long long)blocks, (long long)blocks));
    else EMIT(e, "for (int i = $LOW * $BLOCK; i < $HIGH * $BLOCK; i += $BLOCK) {");
    bool part = segment < winograd_tile_columns(c);
    if (part) EMIT(e, "for (int left = 0; left < $TW; left += $SEGMENT) {");
    if (winograd_is_padded(c)) emit_padded_rows(e, from, part, grouped);
    emit_input_tiles(e, c, image->channels, from, part ? "j" : "b * %lld + j");
    EMIT(e, "for (int entry = 0; entry < $ENTRIES; entry++) {");
    Work work = {.rows = block * segment,
                 .columns = c->filters,
                 .reduction = c->channels,
                 .times = (double)(image->groups * winograd_entries(c) * blocks * (winograd_tile_columns(c) / segment))};
    winograd_products_emit(e, node, NULL, work, "v", kernel, "m", grouped);
    EMIT(e, "}");
    emit_output_tiles(e, node, c, image->filters, bias, to);
    if (part) EMIT(e, "}");
    EMIT(e, "}", "}");
    phase_end(e);
}
