/* Convolution over NHWC images, directly: a tile of neighbouring pixels of one output row by a few vectors of filters.
 *
 * In NHWC the numbers under one row of the kernel lie side by side: kernel column and channel are one loop. Weights are packed
 * [filters/panel][kernel_height * kernel_width * channels][panel]. Where the image is padded, or spread by a transposed
 * convolution, its rows are first laid out in scratch memory, a band of them at a time, so that one inner loop serves all
 * cases. A kernel of one pixel sees the whole image as one row. */
#include "convolution.h"

enum { BAND_FLOATS = 8192 }; /* laid out at once: what a first-level cache holds */

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

/* Rows of the padded image under `rows` rows of the output. */
static int64_t rows_under(const Convolution *c, int64_t rows)
{
    return (rows - 1) * c->stride_height + c->kernel_height;
}

/* The rows of the output whose padded image is laid out at once. */
static int64_t band_rows(const Convolution *c)
{
    int64_t rows = c->rows;
    while (rows > 1 && rows_under(c, rows) * row_width(c) * c->channels > BAND_FLOATS) rows--;
    return rows;
}

int64_t convolution_workspace(const Convolution *c)
{
    return convolution_is_padded(c) ? rows_under(c, band_rows(c)) * row_width(c) * c->channels : 0;
}

Convolution convolution_chosen(const Graph *graph, const Node *forward, bool gradients)
{
    Convolution c = *(const Convolution *)forward->detail;
    double direct = (double)(c.rows * c.columns) * (double)(c.kernel_height * c.kernel_width) * (double)(c.channels * c.filters);
    Way ways[] = {{.name = "direct", .cost = direct}, winograd_way(&c, 2, graph->panel), winograd_way(&c, 4, graph->panel), winograd_rows_way(&c)};
    if (graph->direct) ways[1].hindrance = ways[2].hindrance = ways[3].hindrance = "--math=strict and --unroll=full go without";
    int way = choose_way(graph, forward, gradients, ways, gradients ? 3 : 4);
    if (way == 3) c.along_rows = true;
    else c.tile = 2 * way;
    return c;
}

Convolution convolution_joined(const Convolution *c)
{
    Convolution row = *c;
    if (c->kernel_height > 1 || c->kernel_width > 1 || c->stride_height > 1 || c->stride_width > 1 || convolution_is_padded(c)) return row;
    row.width = row.columns = c->height * c->width;
    row.height = row.rows = 1;
    return row;
}

void convolution_declare(Emit *e, int operand, int64_t height, int64_t width, int64_t channels)
{
    phase_operand(e, operand, 4, (const int64_t[]){-1, height, width, channels});
}

void convolution_fill(Emit *e, const Convolution *c)
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
    fill_size(e, "PANEL", e->graph->panel);
}

void convolution_scratch_emit(Emit *e, const Convolution *c, const char *definition)
{
    fill_size(e, "UNDER", rows_under(c, band_rows(c)));
    EMIT(e, definition, "memset(rows, 0, $UNDER * sizeof *rows);");
}

/* Lays `count` rows of the image $FROM out, from that number on, zeros where there is no pixel. */
static void emit_padded_rows(Emit *e, const Convolution *c, const char *first, const char *count)
{
    int64_t last = row_width(c) - c->pad_left; /* columns behind it are never under the kernel */
    int64_t columns = (last + c->spread_width - 1) / c->spread_width;
    if (columns > c->width) columns = c->width;
    fill_size(e, "COLUMNS", columns);
    fill_size(e, "SPREADC", c->spread_width * c->channels);
    fill_size(e, "LEFTC", c->pad_left * c->channels);
    fill_size(e, "RUN", columns * c->channels);
    EMIT(e, count, first);
    if (c->spread_height > 1) EMIT(e, "if (h >= 0 && h % $SPREADH == 0 && h / $SPREADH < $H) {");
    else EMIT(e, "if (h >= 0 && h < $H) {");
    if (c->spread_width > 1)
        EMIT(e,
             "for (int q = 0; q < $COLUMNS; q++) {",
             "memcpy(&rows[r][$LEFTC + q * $SPREADC], &$FROM[$n][h / $SPREADH][q][0], $C * sizeof(float));",
             "}");
    else EMIT(e, "memcpy(&rows[r][$LEFTC], &$FROM[$n][h / $SPREADH][0][0], $RUN * sizeof(float));");
    EMIT(e, "} else {", "memset(rows[r], 0, sizeof rows[r]);", "}", "}");
}

void convolution_image_begin(Emit *e, const Convolution *c, bool shared)
{
    bool padded = convolution_is_padded(c), bands = padded && (shared || band_rows(c) < c->rows);
    const char *low = shared ? "(int)low" : "0", *high = shared ? "(int)high" : memory_format("%lld", (long long)c->rows);
    fill(e, "P0", "%s", bands ? "p0" : low);
    fill(e, "P1", "%s", bands ? "p1" : high);
    fill(e, "INBAND", "%s", bands ? "(p - p0)" : "p");
    if (bands) {
        fill_size(e, "BAND", band_rows(c));
        fill(e, "HIGH", "%s", high);
        EMIT(e, memory_format("for (int p0 = %s; p0 < $HIGH; p0 += $BAND) {", low), "const int p1 = p0 + $BAND < $HIGH ? p0 + $BAND : $HIGH;");
        emit_padded_rows(e, c, "const int h = p0 * $STRIDEH + r - $TOP;", "for (int r = 0; r < (p1 - p0 - 1) * $STRIDEH + $R; r++) {");
    } else {
        EMIT(e, "{");
        if (padded) emit_padded_rows(e, c, "const int h = r - $TOP;", "for (int r = 0; r < $UNDER; r++) {");
    }
}

const char *convolution_image_at(const Convolution *c, const char *from, const char *r, const char *q)
{
    if (convolution_is_padded(c)) return memory_format("&rows[$INBAND * $STRIDEH + %s][%s * $STEP]", r, q);
    return memory_format("%s[$n][p * $STRIDEH + %s][%s * $STRIDEW]", from, r, q);
}

/* One tile: pixels q .. q + rows - 1 of output row p, `vectors` vectors of filters from number $G on. `flat`: an output row is one run
 * of numbers, which the epilogue waits for. */
static void emit_tile(Emit *e, const Node *node, const Convolution *c, bool flat, int rows, const VectorGroup *group, const char *from, const char *kernel, const char *bias, const char *to)
{
    int lanes = emit_level(e)->lanes, vectors = group->vectors;
    bool small = c->kernel_width * c->channels <= 8;
    if (bias)
        for (int v = 0; v < vectors; v++)
            text_add(&e->body,
                     "const f32x%d bias%d = %s;\n",
                     lanes,
                     v,
                     load_text(e, memory_format("&%s[(%s + %d) * %d]", bias, group_first(group), v, lanes), v == vectors - 1 ? group->last_lanes : lanes));
    tile_begin(e, rows, vectors, bias ? "bias$V" : "{0}");
    EMIT(e, "for (int r = 0; r < $R; r++) {", memory_format("const float *const a = %s;", convolution_image_at(c, from, "r", "q")));
    tile_pointers(e, vectors, group_first(group), e->graph->panel, kernel, memory_format("r * %lld", (long long)(c->kernel_width * c->channels)));
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
             flat ? NULL : node,
             rows,
             vectors,
             group->last_lanes,
             flat ? "[$n][p][(q + $T) * $K + ($G + $V) * $L]" : "[$n][p][q + $T][($G + $V) * $L]",
             "(uint32_t)((($n * $P + p) * $Q + q + $T) * $K + ($G + $V) * $L)",
             to);
}

void convolution_emit(Emit *e, const Node *node, const Convolution *image, const char *from, const char *kernel, const char *bias, const char *to)
{
    bool shared = !e->options.unroll_full && node_is_shared(e->graph, node, image->rows);
    const Convolution row = shared ? *image : convolution_joined(image), *c = &row;
    convolution_declare(e, 0, c->height, c->width, c->channels);
    /* Where a pixel's filters do not fill vectors, an epilogue takes fewer on whole rows. */
    bool flat = node->epilogue_count && c->filters % emit_level(e)->lanes;
    int output = node->input_count + node->weight_count;
    if (flat) phase_operand(e, output, 3, (const int64_t[]){-1, c->rows, c->columns * c->filters});
    else convolution_declare(e, output, c->rows, c->columns, c->filters);
    emit_narrow(e, c->filters);
    int64_t reduction = c->kernel_height * c->kernel_width * c->channels;
    Tile tile = choose_tile(e, node, (Work){.kernel = "convolution", .rows = c->columns, .columns = c->filters, .reduction = reduction, .times = (double)c->rows, .bias = bias != NULL});
    phase_begin(e, node, NULL, OVER_SAMPLES, c->rows);
    convolution_fill(e, c);
    fill(e, "FROM", "%s", from);
    if (convolution_is_padded(c)) convolution_scratch_emit(e, c, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + $TASK * $WORK);");
    EMIT(e, "$SAMPLES{");
    convolution_image_begin(e, c, shared);
    EMIT(e, "for (int p = $P0; p < $P1; p++) {");
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        int rest = (int)(c->columns % tile.rows);
        fill_size(e, "QFULL", c->columns - rest);
        fill_size(e, "TILE", tile.rows);
        if (c->columns >= tile.rows) {
            EMIT(e, "for (int q = 0; q < $QFULL; q += $TILE) {");
            emit_tile(e, node, c, flat, tile.rows, &groups[g], from, kernel, bias, to);
            EMIT(e, "}");
        }
        if (rest) {
            EMIT(e, "{", "const int q = $QFULL;");
            emit_tile(e, node, c, flat, rest, &groups[g], from, kernel, bias, to);
            EMIT(e, "}");
        }
        group_end(e);
    }
    if (flat) {
        const char *n = e->single ? "0" : "n", *at = memory_format("[%s][p][j]", n);
        int64_t run = c->columns * c->filters;
        run_emit(e, node, run, memory_format("&%s%s", to, at), to, at, memory_format("(uint32_t)((%s * %lld + p) * %lld + j)", n, (long long)c->rows, (long long)run));
    }
    EMIT(e, "}", "}", "}");
    phase_end(e);
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
    convolution_fill(e, c);
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
