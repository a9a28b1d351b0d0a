/* Convolution over NHWC images, directly: a tile of neighbouring pixels of one output row by a few vectors of filters.
 *
 * In NHWC the numbers under one row of the kernel lie side by side: kernel column and channel are one loop. Weights are packed
 * [filters/panel][kernel_height * kernel_width * channels][panel]. Where the image is padded, or spread by a transposed
 * convolution, its rows are first laid out in scratch memory, a band of them at a time, so that one inner loop serves all
 * cases. A kernel of one pixel sees the whole image as one row. */
#include "kernels.h"

enum {
    BAND_FLOATS = 8192, /* laid out at once: half of a first-level cache */
    WRITTEN_OUT = 48,   /* rows of a weight matrix, at most, whose gradient has a tile of its own for each place */
};

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
    Way ways[] = {{.name = "direct", .cost = direct}, winograd_way(&c, 2, graph->panel), winograd_way(&c, 4, graph->panel)};
    if (graph->direct) ways[1].hindrance = ways[2].hindrance = "--math=strict and --unroll=full go without";
    c.tile = 2 * choose_way(graph, forward, gradients, ways, 3);
    return c;
}

/* The same with all pixels in one row, where the kernel is a single pixel and none is left out. */
static Convolution joined(const Convolution *c)
{
    Convolution row = *c;
    if (c->kernel_height > 1 || c->kernel_width > 1 || c->stride_height > 1 || c->stride_width > 1 || convolution_is_padded(c)) return row;
    row.width = row.columns = c->height * c->width;
    row.height = row.rows = 1;
    return row;
}

/* Declares the operand to be images of that size. */
static void declare_image(Emit *e, int operand, int64_t height, int64_t width, int64_t channels)
{
    phase_operand(e, operand, 4, (const int64_t[]){-1, height, width, channels});
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
    fill_size(e, "PANEL", e->graph->panel);
}

/* The scratch memory of this task; the margins and gaps between pixels stay zero for all samples. */
static void emit_scratch(Emit *e, const Convolution *c, const char *definition)
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

/* Opens a block in which the output rows $P0 to $P1 can be computed. `shared`: of each image only the rows low to high are wanted. */
static void emit_image_begin(Emit *e, const Convolution *c, bool shared)
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

/* A template for the address of the first number under row `r` of the kernel at output row p and column `q`. */
static const char *image_at(const Convolution *c, const char *from, const char *r, const char *q)
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
    EMIT(e, "for (int r = 0; r < $R; r++) {", memory_format("const float *const a = %s;", image_at(c, from, "r", "q")));
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
    const Convolution row = shared ? *image : joined(image), *c = &row;
    declare_image(e, 0, c->height, c->width, c->channels);
    /* Where a pixel's filters do not fill vectors, an epilogue takes fewer on whole rows. */
    bool flat = node->epilogue_count && c->filters % emit_level(e)->lanes;
    int output = node->input_count + node->weight_count;
    if (flat) phase_operand(e, output, 3, (const int64_t[]){-1, c->rows, c->columns * c->filters});
    else declare_image(e, output, c->rows, c->columns, c->filters);
    emit_narrow(e, c->filters);
    int64_t reduction = c->kernel_height * c->kernel_width * c->channels;
    Tile tile = choose_tile(e, node, (Work){.kernel = "convolution", .rows = c->columns, .columns = c->filters, .reduction = reduction, .times = (double)c->rows});
    phase_begin(e, node, NULL, OVER_SAMPLES, c->rows);
    fill_convolution(e, c);
    fill(e, "FROM", "%s", from);
    if (convolution_is_padded(c)) emit_scratch(e, c, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + $TASK * $WORK);");
    EMIT(e, "$SAMPLES{");
    emit_image_begin(e, c, shared);
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

/* ---- the gradient of the weights ---- */

/* One tile: rows of the weight matrix from `first` on, by vectors of filters; summed over the pixels of the image or band. `at` is
 * the address of the first number under the kernel, `a` where the tile's row $T lies from there. */
static void emit_gradient_tile(Emit *e, int rows, const VectorGroup *group, const char *first, const char *at, const char *a)
{
    int lanes = emit_level(e)->lanes;
    bool whole = e->graph->panel == lanes;
    fill(e, "FIRSTROW", "%s", first);
    EMIT(e, "{");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        if (whole) EMIT(e, "float (*const t$V)[$PANEL] = &sums[$G + $V][$FIRSTROW];");
        else EMIT(e, "float *const t$V = &sums[($G + $V) / $PERPANEL][$FIRSTROW][($G + $V) % $PERPANEL * $L];");
    }
    tile_begin(e, rows, group->vectors, whole ? "load_f32x$L(t$V[$T])" : "load_f32x$L(t$V + $T * $PANEL)");
    EMIT(e, "for (int p = $P0; p < $P1; p++) {", memory_format("const float *a = %s;", at), "for (int q = 0; q < $Q; q++) {");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        fill(e, "LOAD", "%s", load_text(e, memory_format("&d_y[n][p][q][(%s + %d) * %d]", group_first(group), v, lanes), v == group->vectors - 1 ? group->last_lanes : lanes));
        EMIT(e, "const f32x$L d$V = $LOAD;");
    }
    tile_step(e, rows, group->vectors, a, "d$V");
    EMIT(e, "a += $STEP;", "}", "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            EMIT(e, whole ? "store_f32x$L(t$V[$T], s$T_$V);" : "store_f32x$L(t$V + $T * $PANEL, s$T_$V);");
        }
    EMIT(e, "}");
}

/* All rows of the matrix, each tile with code of its own, so that it may reach over the end of a kernel's row. */
static void emit_gradient_written_out(Emit *e, const Convolution *c, int tile_rows, const VectorGroup *groups, int group_count)
{
    int matrix = (int)(c->kernel_height * c->kernel_width * c->channels);
    for (int m = 0; m < matrix; m += tile_rows)
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            fill_size(e, "M", m);
            emit_gradient_tile(e, matrix - m < tile_rows ? matrix - m : tile_rows, &groups[g], memory_format("%d", m), image_at(c, "x", "0", "0"), "a[($M + $T) / $SC * $ROW + ($M + $T) % $SC]");
            group_end(e);
        }
}

/* Tiles along each row of the kernel. */
static void emit_gradient_by_rows(Emit *e, const Convolution *c, int tile_rows, const VectorGroup *groups, int group_count)
{
    int64_t run = c->kernel_width * c->channels;
    int rest = (int)(run % tile_rows);
    fill_size(e, "JFULL", run - rest);
    fill_size(e, "TILE", tile_rows);
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    for (int part = 0; part < 2; part++) {
        if (part == 0 ? run < tile_rows : !rest) continue;
        if (part == 0) EMIT(e, "for (int j = 0; j < $JFULL; j += $TILE) {");
        else EMIT(e, "{", "const int j = $JFULL;");
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            emit_gradient_tile(e, part == 0 ? tile_rows : rest, &groups[g], memory_format("r * %lld + j", (long long)run), memory_format("%s + j", image_at(c, "x", "r", "0")), "a[$T]");
            group_end(e);
        }
        EMIT(e, "}");
    }
    EMIT(e, "}");
}

int64_t convolution_weight_gradient_workspace(const Convolution *c, int64_t panel)
{
    return (c->filters + panel - 1) / panel * panel * c->kernel_height * c->kernel_width * c->channels + convolution_workspace(c);
}

void convolution_weight_gradient_emit(Emit *e, const Node *node, const Convolution *image)
{
    const Convolution row = joined(image), *c = &row;
    int64_t panel = e->graph->panel, panels = (c->filters + panel - 1) / panel, matrix = c->kernel_height * c->kernel_width * c->channels;
    declare_image(e, 0, c->height, c->width, c->channels);
    declare_image(e, 1, c->rows, c->columns, c->filters);
    emit_narrow(e, c->filters);
    bool written_out = matrix <= WRITTEN_OUT;
    int64_t run = written_out ? matrix : c->kernel_width * c->channels;
    double times = (double)(matrix / run);
    Tile tile = choose_tile(e, node, (Work){.kernel = "convolution", .rows = run, .columns = c->filters, .reduction = c->rows * c->columns, .times = times});
    phase_begin(e, node, "weight_gradient_part", IN_SHARDS, 0);
    fill_convolution(e, c);
    fill(e, "FROM", "x");
    fill_size(e, "PERPANEL", panel / emit_level(e)->lanes);
    fill_size(e, "ALL", panels * matrix * panel);
    fill_size(e, "MATRIX", matrix);
    fill_size(e, "SHARDS", TASKS);
    EMIT(e,
         "float (*const sums)[$MATRIX][$PANEL] = (float (*)[$MATRIX][$PANEL])(work + task * $ALL);",
         "memset(sums, 0, $ALL * sizeof(float));");
    if (convolution_is_padded(c)) emit_scratch(e, c, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + ($SHARDS * $ALL + task * $WORK));");
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {");
    emit_image_begin(e, c, false);
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    (written_out ? emit_gradient_written_out : emit_gradient_by_rows)(e, c, tile.rows, groups, group_count);
    EMIT(e, "}", "}");
    phase_end(e);
    shard_sum_emit(e, node, "weight_gradient", "d_kernel", panels * matrix * panel, 0, panels * matrix * panel);
}

/* ---- the gradient of the input ---- */

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

/* The other way: each pixel of d_y gives its share to all pixels under the kernel: for each kernel row r a product of matrices, of
 * the pixels of d_y and the filters by the filters and the run of columns and channels, which is added to a row of d_x. No work is
 * done for the zeros that padding and strides put between the pixels of d_y, and a run fills vectors where few channels do not.
 * A tile is pixels one below the other: what neighbours in a row add overlaps. d_x is summed in scratch memory, some rows at a
 * time; rows that are complete go through the epilogue. */

static int64_t whole_vectors(int64_t columns)
{
    return (columns + 7) / 8 * 8;
}

/* The work that each way makes: the multiply-adds, also those of vectors that are not full. */
bool convolution_scatters(const Graph *graph, const Node *node)
{
    enum { ADDING = 4 }; /* what the addition to d_x costs, in steps of the reduction */
    const Convolution *c = node->detail;
    int64_t gather = c->height * c->width * c->kernel_width * c->filters * whole_vectors(c->channels);
    int64_t scatter = c->rows * c->columns * (c->filters + ADDING) * whole_vectors(c->kernel_width * c->channels);
    const Way ways[] = {
        {.name = "gather", .cost = (double)(gather * c->kernel_height)},
        {.name = "scatter", .cost = (double)(scatter * c->kernel_height)},
    };
    return choose_way(graph, node, false, ways, 2) == 1;
}

/* Numbers in a row of the scratch memory: the image with its padding. */
static int64_t scattered_width(const Convolution *c)
{
    int64_t under = (c->columns - 1) * c->stride_width + c->kernel_width, image = c->pad_left + c->width;
    return (under > image ? under : image) * c->channels;
}

/* Its rows, where `band` rows of d_y are scattered at once: those under a band, and whatever of the image is below the last. */
static int64_t scattered_rows(const Convolution *c, int64_t band)
{
    int64_t under = (band - 1) * c->stride_height + (c->kernel_height > c->stride_height ? c->kernel_height : c->stride_height);
    int64_t rest = c->pad_top + c->height - (c->rows - 1) / band * band * c->stride_height;
    return under > rest ? under : rest;
}

int64_t convolution_scatter_workspace(const Convolution *c)
{
    int64_t most = 0;
    for (int64_t band = 1; band <= c->rows && band <= MOST_TILE_ROWS; band++) most = scattered_rows(c, band) > most ? scattered_rows(c, band) : most;
    return most * scattered_width(c);
}

int64_t convolution_scatter_kernel_floats(const Convolution *c, int64_t panel)
{
    return c->kernel_height * c->filters * ((c->kernel_width * c->channels + panel - 1) / panel * panel);
}

/* kernel -> turned: [kernel row][panels of columns and channels][filters][panel] */
static void emit_turned_kernel(Emit *e, const Node *node, const Convolution *c, int64_t panels)
{
    phase_begin(e, node, "turn", OVER_EXTENT, c->kernel_height * panels);
    fill_convolution(e, c);
    fill_size(e, "PANELS", panels);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int k = 0; k < $K; k++) {",
         "for (int i = 0; i < $PANEL; i++) {",
         "const ptrdiff_t j = g % $PANELS * $PANEL + i;",
         "turned[g][k][i] = j < $SC ? kernel[k / $PANEL][g / $PANELS * $SC + j][k % $PANEL] : 0.0f;",
         "}",
         "}",
         "}");
    phase_end(e);
}

static void emit_scatter_tile(Emit *e, const Convolution *c, int rows, const VectorGroup *group, int64_t panels)
{
    int lanes = emit_level(e)->lanes;
    int64_t panel = e->graph->panel;
    const char *at = "[$T * $STRIDEH + r][q * $STEP + ($G + $V) * $L]";
    tile_begin(e, rows, group->vectors, "{0}");
    EMIT(e, "const float *const a = d_y[n][p0][q];");
    tile_pointers(e, group->vectors, memory_format("(r * %lld + %s)", (long long)(panels * panel / lanes), group_first(group)), panel, "turned", "0");
    EMIT(e, "for (int k = 0; k < $K; k++) {");
    tile_step(e, rows, group->vectors, "a[$T * ($Q * $K) + k]", "load_f32x$L(b$V + k * $PANEL)");
    EMIT(e, "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            fill(e, "LOAD", "%s", load_text(e, memory_format("&rows[%d * %lld + r][q * %lld + (%s + %d) * %d]", t, (long long)c->stride_height, (long long)(c->stride_width * c->channels), group_first(group), v, lanes), v == group->vectors - 1 ? group->last_lanes : lanes));
            EMIT(e, "s$T_$V += $LOAD;");
        }
    tile_end(e, NULL, rows, group->vectors, group->last_lanes, at, "", "rows");
}

/* Rows i of the scratch memory below `end` are complete: they go to d_x. */
static void emit_scattered(Emit *e, const Node *node, const Convolution *c, int64_t end)
{
    fill_size(e, "DONE", end);
    EMIT(e, "for (int i = 0; i < $DONE; i++) {", "const int h = p0 * $STRIDEH + i - $TOP;", "if (h >= 0 && h < $H) {");
    int64_t run = c->width * c->channels;
    const char *index = memory_format("(uint32_t)((n * %lld + h) * %lld + j)", (long long)c->height, (long long)run);
    run_emit(e, node, run, memory_format("&rows[i][%lld + j]", (long long)(c->pad_left * c->channels)), "d_x", "[n][h][j]", index);
    EMIT(e, "}", "}");
}

/* One band of d_y, its first row p0. */
static void emit_scatter_band(Emit *e, const Convolution *c, int rows, const VectorGroup *groups, int group_count, int64_t panels)
{
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        EMIT(e, "for (int q = 0; q < $Q; q++) {");
        emit_scatter_tile(e, c, rows, &groups[g], panels);
        EMIT(e, "}");
        group_end(e);
    }
    EMIT(e, "}");
}

void convolution_scatter_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t run = c->kernel_width * c->channels, panel = e->graph->panel, panels = (run + panel - 1) / panel;
    int turned = operand_number(node, "turned");
    const int64_t turned_sizes[] = {c->kernel_height * panels, c->filters, panel};
    phase_operand(e, turned, 3, turned_sizes);
    emit_turned_kernel(e, node, c, panels);
    phase_operand(e, turned, 3, turned_sizes);
    phase_operand(e, turned - 1, 3, (const int64_t[]){-1, c->height, c->width * c->channels});
    emit_narrow(e, run);
    double times = (double)(c->columns * c->kernel_height);
    Tile tile = choose_tile(e, node, (Work){.kernel = "scatter", .rows = c->rows, .columns = run, .reduction = c->filters, .times = times});
    int64_t rest = c->rows % tile.rows, full = c->rows - rest, height = scattered_rows(c, tile.rows), done = tile.rows * c->stride_height;
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_convolution(e, c);
    fill_size(e, "WORK", convolution_scatter_workspace(c));
    fill_size(e, "WIDTH", scattered_width(c));
    fill_size(e, "HEIGHT", height);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "STEPH", done);
    fill_size(e, "KEPT", height - done);
    EMIT(e,
         "float (*const rows)[$WIDTH] = (float (*)[$WIDTH])(work + task * $WORK);",
         "for (ptrdiff_t n = first; n < last; n++) {",
         "memset(rows, 0, $HEIGHT * sizeof *rows);");
    VectorGroup groups[2];
    int group_count = vector_groups(e, run, tile.vectors, groups);
    int64_t looped = rest ? full : full - tile.rows, last = rest ? rest : tile.rows; /* the last band completes all rows */
    if (looped) {
        fill_size(e, "LOOPED", looped);
        EMIT(e, "for (int p0 = 0; p0 < $LOOPED; p0 += $TILE) {");
        emit_scatter_band(e, c, tile.rows, groups, group_count, panels);
        emit_scattered(e, node, c, done);
        if (height > done) EMIT(e, "memmove(rows, rows[$STEPH], $KEPT * sizeof *rows);");
        EMIT(e, "memset(rows[$KEPT], 0, $STEPH * sizeof *rows);", "}");
    }
    fill_size(e, "LOOPED", looped);
    EMIT(e, "{", "const int p0 = $LOOPED;");
    emit_scatter_band(e, c, (int)last, groups, group_count, panels);
    emit_scattered(e, node, c, c->pad_top + c->height - looped * c->stride_height);
    EMIT(e, "}", "}");
    phase_end(e);
}
