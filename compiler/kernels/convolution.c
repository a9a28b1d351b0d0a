/* Convolution over NHWC images, directly: a tile of neighbouring pixels of one output row by a few vectors of filters.
 *
 * In NHWC the numbers under one row of the kernel lie side by side: kernel column and channel are one loop. Weights are packed
 * [filters/panel][kernel_height * kernel_width * channels][panel]. Where the image is padded, or spread by a transposed
 * convolution, the rows under the kernel are first laid out in scratch memory, so that one inner loop serves all cases. */
#include "kernels.h"

bool convolution_is_padded(const Convolution *c)
{
    return c->pad_top || c->pad_left || c->spread_height > 1 || c->spread_width > 1 ||
           (c->rows - 1) * c->stride_height + c->kernel_height > c->height || (c->columns - 1) * c->stride_width + c->kernel_width > c->width;
}

/* Width of the rows that the kernel slides over. */
static int64_t row_width(const Convolution *c)
{
    return convolution_is_padded(c) ? (c->columns - 1) * c->stride_width + c->kernel_width : c->width;
}

int64_t convolution_workspace(const Convolution *c)
{
    return convolution_is_padded(c) ? c->kernel_height * row_width(c) * c->channels : 0;
}

Convolution convolution_chosen(const Graph *graph, const Node *forward, bool gradients)
{
    Convolution c = *(const Convolution *)forward->detail;
    double direct = (double)(c.rows * c.columns) * (double)(c.kernel_height * c.kernel_width) * (double)(c.channels * c.filters);
    Way ways[] = {{.name = "direct", .cost = direct}, winograd_way(&c, 2, graph->panel), winograd_way(&c, 4, graph->panel)};
    if (graph->direct) ways[1].hindrance = ways[2].hindrance = "--math=strict and --unroll=full go without";
    c.tile = 2 * choose_way(graph, forward, gradients, ways, 3);
    return c;
}

static void fill_convolution(Emit *e, const Convolution *c)
{
    fill_size(e, "H", c->height);
    fill_size(e, "W", c->width);
    fill_size(e, "C", c->channels);
    fill_size(e, "P", c->rows);
    fill_size(e, "Q", c->columns);
    fill_size(e, "K", c->filters);
    fill_size(e, "R", c->kernel_height);
    fill_size(e, "S", c->kernel_width);
    fill_size(e, "SC", c->kernel_width * c->channels);
    fill_size(e, "STRIDEH", c->stride_height);
    fill_size(e, "STRIDEW", c->stride_width);
    fill_size(e, "TOP", c->pad_top);
    fill_size(e, "LEFT", c->pad_left);
    fill_size(e, "SPREADH", c->spread_height);
    fill_size(e, "SPREADW", c->spread_width);
    fill_size(e, "STEP", c->stride_width * c->channels);
    fill_size(e, "ROW", row_width(c) * c->channels);
    fill_size(e, "WORK", convolution_workspace(c));
}

/* Lays the rows under the kernel out in `rows`, zeros where there is no pixel. */
static void emit_padded_rows(Emit *e, const Convolution *c)
{
    int64_t last = row_width(c) - c->pad_left; /* columns behind it are never under the kernel */
    int64_t columns = (last + c->spread_width - 1) / c->spread_width;
    fill_size(e, "COLUMNS", columns < c->width ? columns : c->width);
    fill_size(e, "SPREADC", c->spread_width * c->channels);
    fill_size(e, "LEFTC", c->pad_left * c->channels);
    fill_size(e, "RUN", (columns < c->width ? columns : c->width) * c->channels);
    EMIT(e,
         "for (int r = 0; r < $R; r++) {",
         "const int h = (p * $STRIDEH + r - $TOP);",
         "memset(rows[r], 0, sizeof rows[r]);");
    if (c->spread_height > 1) EMIT(e, "if (h >= 0 && h % $SPREADH == 0 && h / $SPREADH < $H) {");
    else EMIT(e, "if (h >= 0 && h < $H) {");
    if (c->spread_width > 1)
        EMIT(e,
             "for (int q = 0; q < $COLUMNS; q++) {",
             "memcpy(&rows[r][$LEFTC + q * $SPREADC], &$FROM[$n][h / $SPREADH][q][0], $C * sizeof(float));",
             "}");
    else EMIT(e, "memcpy(&rows[r][$LEFTC], &$FROM[$n][h / $SPREADH][0][0], $RUN * sizeof(float));");
    EMIT(e, "}", "}");
}

/* One tile: pixels q .. q + rows - 1 of output row p, `vectors` vectors of filters from number $G on. */
static void emit_tile(Emit *e, const Node *node, const Convolution *c, int rows, const VectorGroup *group, int64_t panel, const char *kernel, const char *bias, const char *to)
{
    int lanes = emit_level(e)->lanes, vectors = group->vectors;
    bool padded = convolution_is_padded(c), small = c->kernel_width * c->channels <= 8;
    if (bias)
        for (int v = 0; v < vectors; v++)
            text_add(&e->body,
                     "const f32x%d bias%d = %s;\n",
                     lanes,
                     v,
                     load_text(e, memory_format("&%s[(%s + %d) * %d]", bias, group_first(group), v, lanes), v == vectors - 1 ? group->last_lanes : lanes));
    tile_begin(e, rows, vectors, bias ? "bias$V" : "{0}");
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    if (padded) EMIT(e, "const float *const a = &rows[r][q * $STEP];");
    else EMIT(e, "const float *const a = &$FROM[$n][p * $STRIDEH + r][q * $STRIDEW][0];");
    fill(e, "PANEL", "%lld", (long long)panel);
    tile_pointers(e, vectors, group_first(group), panel, kernel, memory_format("r * %lld", (long long)(c->kernel_width * c->channels)));
    if (small) {
        for (int64_t j = 0; j < c->kernel_width * c->channels; j++) {
            fill_size(e, "J", j);
            EMIT(e, "{");
            tile_step(e, rows, vectors, "a[$T * $STEP + $J]", "load_f32x$L(b$V + $J * $PANEL)");
            EMIT(e, "}");
        }
    } else {
        EMIT(e, "for (int j = 0; j < $SC; j++) {");
        tile_step(e, rows, vectors, "a[$T * $STEP + j]", "load_f32x$L(b$V + j * $PANEL)");
        EMIT(e, "}");
    }
    EMIT(e, "}");
    tile_end(e,
             node,
             rows,
             vectors,
             group->last_lanes,
             "[$n][p][q + $T][($G + $V) * $L]",
             "(uint32_t)((($n * $P + p) * $Q + q + $T) * $K + ($G + $V) * $L)",
             to);
}

void convolution_emit(Emit *e, const Node *node, const Convolution *c, const char *from, const char *kernel, const char *bias, const char *to)
{
    int64_t panel = e->graph->panel, reduction = c->kernel_height * c->kernel_width * c->channels;
    Tile tile = choose_tile(e, node, (Work){.kernel = "convolution", .rows = c->columns, .columns = c->filters, .reduction = reduction, .times = (double)c->rows});
    phase_begin(e, node, NULL, OVER_SAMPLES, c->rows);
    fill_convolution(e, c);
    fill(e, "FROM", "%s", from);
    fill(e, "TO", "%s", to);
    bool padded = convolution_is_padded(c);
    if (padded) EMIT(e, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + $TASK * $WORK);");
    EMIT(e, "$SAMPLES{", "for (int p = $LOW; p < $HIGH; p++) {");
    if (padded) emit_padded_rows(e, c);
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        int rest = (int)(c->columns % tile.rows);
        fill_size(e, "QFULL", c->columns - rest);
        fill_size(e, "TILE", tile.rows);
        if (c->columns >= tile.rows) {
            EMIT(e, "for (int q = 0; q < $QFULL; q += $TILE) {");
            emit_tile(e, node, c, tile.rows, &groups[g], panel, kernel, bias, to);
            EMIT(e, "}");
        }
        if (rest) {
            EMIT(e, "{", "const int q = $QFULL;");
            emit_tile(e, node, c, rest, &groups[g], panel, kernel, bias, to);
            EMIT(e, "}");
        }
        group_end(e);
    }
    EMIT(e, "}", "}");
    phase_end(e);
}

/* One tile of the weights' gradient: $T rows of the weight matrix from j on, by vectors of filters; summed over all pixels. */
static void emit_gradient_tile(Emit *e, int rows, const VectorGroup *group, bool padded)
{
    int lanes = emit_level(e)->lanes;
    EMIT(e, "{");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        if (e->graph->panel == lanes) EMIT(e, "float (*const t$V)[$PANEL] = &sums[$G + $V][r * $SC + s * $C + j];");
        else EMIT(e, "float *const t$V = &sums[($G + $V) / $PERPANEL][r * $SC + s * $C + j][($G + $V) % $PERPANEL * $L];");
    }
    tile_begin(e, rows, group->vectors, e->graph->panel == lanes ? "load_f32x$L(t$V[$T])" : "load_f32x$L(t$V + $T * $PANEL)");
    if (padded) EMIT(e, "for (int p = p0; p < end; p++) {", "const float *a = &x[$n][p * $STRIDEH + r - $TOP][q0 * $STRIDEW + s - $LEFT][j];", "for (int q = q0; q < q1; q++) {");
    else EMIT(e, "for (int p = 0; p < $P; p++) {", "const float *a = &x[$n][p * $STRIDEH + r][0][0] + j;", "for (int q = 0; q < $Q; q++) {");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        bool part = group->last_lanes < lanes && v == group->vectors - 1;
        fill_size(e, "PART", group->last_lanes);
        if (part) EMIT(e, "const f32x$L d$V = load_part_f32x$L(&d_y[$n][p][q][($G + $V) * $L], $PART);");
        else EMIT(e, "const f32x$L d$V = load_f32x$L(&d_y[$n][p][q][($G + $V) * $L]);");
    }
    tile_step(e, rows, group->vectors, "a[$T]", "d$V");
    EMIT(e, "a += $STEP;", "}", "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            if (e->graph->panel == lanes) EMIT(e, "store_f32x$L(t$V[$T], s$T_$V);");
            else EMIT(e, "store_f32x$L(t$V + $T * $PANEL, s$T_$V);");
        }
    EMIT(e, "}");
}

void convolution_weight_gradient_emit(Emit *e, const Node *node, const Convolution *c)
{
    const Level *level = emit_level(e);
    bool padded = convolution_is_padded(c);
    int64_t rows = padded ? c->channels : c->kernel_width * c->channels; /* of the weight matrix, in one run */
    int64_t panel = e->graph->panel, panels = (c->filters + panel - 1) / panel, matrix = c->kernel_height * c->kernel_width * c->channels;
    double times = (double)(matrix / rows);
    Tile tile = choose_tile(e, node, (Work){.kernel = "convolution", .rows = rows, .columns = c->filters, .reduction = c->rows * c->columns, .times = times});
    phase_begin(e, node, "weight_gradient_part", IN_SHARDS, 0);
    fill_convolution(e, c);
    fill_size(e, "PANEL", panel);
    fill_size(e, "PERPANEL", panel / level->lanes);
    fill_size(e, "ALL", panels * matrix * panel);
    fill_size(e, "MATRIX", matrix);
    fill_size(e, "SEGMENTS", padded ? c->kernel_width : 1);
    EMIT(e,
         "float (*const sums)[$MATRIX][$PANEL] = (float (*)[$MATRIX][$PANEL])(work + task * $ALL);",
         "memset(sums, 0, $ALL * sizeof(float));",
         "for (ptrdiff_t n = first; n < last; n++) {",
         "for (int r = 0; r < $R; r++) {");
    if (padded)
        EMIT(e, /* the output rows and columns at which this kernel row and column lies on the image */
             "const int p0 = r < $TOP ? ($TOP - r + $STRIDEH - 1) / $STRIDEH : 0;",
             "const int p1 = $H + $TOP <= r ? 0 : ($H - 1 + $TOP - r) / $STRIDEH + 1 < $P ? ($H - 1 + $TOP - r) / $STRIDEH + 1 : $P;",
             "for (int s = 0; s < $SEGMENTS; s++) {",
             "const int q0 = s < $LEFT ? ($LEFT - s + $STRIDEW - 1) / $STRIDEW : 0;",
             "const int q1 = $W + $LEFT <= s ? 0 : ($W - 1 + $LEFT - s) / $STRIDEW + 1 < $Q ? ($W - 1 + $LEFT - s) / $STRIDEW + 1 : $Q;",
             "const int end = q0 < q1 ? p1 : p0;");
    else EMIT(e, "const int s = 0;");
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    int rest = (int)(rows % tile.rows);
    fill_size(e, "JFULL", rows - rest);
    fill_size(e, "TILE", tile.rows);
    for (int part = 0; part < 2; part++) {
        if (part == 0 ? rows < tile.rows : !rest) continue;
        if (part == 0) EMIT(e, "for (int j = 0; j < $JFULL; j += $TILE) {");
        else EMIT(e, "{", "const int j = $JFULL;");
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            emit_gradient_tile(e, part == 0 ? tile.rows : rest, &groups[g], padded);
            group_end(e);
        }
        EMIT(e, "}");
    }
    if (padded) EMIT(e, "}");
    EMIT(e, "}", "}");
    phase_end(e);
    shard_sum_emit(e, node, "weight_gradient", "d_kernel", panels * matrix * panel, 0, panels * matrix * panel);
}

/* Channels and filters exchanged; turned by half a circle: the kernel of the transposed convolution. Packed anew. */
void convolution_transpose_emit(Emit *e, const Node *node, const Convolution *c, const char *to, bool turned)
{
    int64_t panel = e->graph->panel;
    phase_begin(e, node, "transpose", OVER_EXTENT, (c->channels + panel - 1) / panel);
    fill(e, "TO", "%s", to);
    long long height = c->kernel_height, width = c->kernel_width;
    if (turned) fill(e, "POSITION", "(%lld - r) * %lld + %lld - s", height - 1, width, width - 1);
    else fill(e, "POSITION", "r * %lld + s", width);
    fill_convolution(e, c);
    fill_size(e, "PANEL", panel);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "float *to = $TO + g * ($R * $S * $K * $PANEL);",
         "for (int r = 0; r < $R; r++) {",
         "for (int s = 0; s < $S; s++) {",
         "for (int k = 0; k < $K; k++) {",
         "for (int i = 0; i < $PANEL; i++) {",
         "const ptrdiff_t c = g * $PANEL + i;",
         "*to++ = c < $C ? kernel[k / $PANEL][($POSITION) * $C + c][k % $PANEL] : 0.0f;",
         "}",
         "}",
         "}",
         "}",
         "}");
    phase_end(e);
}
