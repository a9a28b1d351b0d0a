/* Convolution over NHWC images, directly: a tile of neighbouring pixels of one output row by a few vectors of filters.
 *
 * In NHWC the numbers under one row of the kernel lie side by side: kernel column and channel are one loop. Weights are packed
 * [filters/panel][kernel_height * kernel_width * channels][panel]. Where the image is padded, or spread by a transposed
 * convolution, its rows are first laid out in scratch memory, a band of them at a time, so that one inner loop serves all
 * cases. A kernel of one pixel sees the whole image as one row. */
#include "convolution.h"

enum { BAND_FLOATS = 8192, LANES_BAND_FLOATS = 4 * BAND_FLOATS }; /* laid out at once: what a first-level cache holds, or, for little work on each number, somewhat more */

/* Rows and columns of the image from the kernel's first place to its last. */
static int64_t span_height(const Convolution *c)
{
    return (c->kernel_height - 1) * c->dilation_height + 1;
}

static int64_t span_width(const Convolution *c)
{
    return (c->kernel_width - 1) * c->dilation_width + 1;
}

int64_t convolution_pixel(const Convolution *c)
{
    return c->lanes ? c->channels / c->groups * c->filters : c->channels;
}

bool convolution_is_padded(const Convolution *c)
{
    if (convolution_lanes_in_place(c)) return false;
    return c->pad_top || c->pad_left || c->spread_height > 1 || c->spread_width > 1 || convolution_is_spread_to_lanes(c) ||
           (c->rows - 1) * c->stride_height + span_height(c) > c->height || (c->columns - 1) * c->stride_width + span_width(c) > c->width;
}

bool convolution_is_split(const Convolution *c)
{
    return c->dilation_width > 1 || c->groups > 1;
}

const char *convolution_hindrance(const Convolution *c)
{
    return c->groups > 1 ? "the channels are in groups" : convolution_group_hindrance(c);
}

const char *convolution_group_hindrance(const Convolution *c)
{
    if (c->dilation_height > 1 || c->dilation_width > 1) return "the kernel is dilated";
    int64_t below = (c->rows - 1) * c->stride_height + c->kernel_height - c->pad_top - c->height;
    int64_t behind = (c->columns - 1) * c->stride_width + c->kernel_width - c->pad_left - c->width;
    bool beyond = c->pad_top >= c->kernel_height || below >= c->kernel_height || c->pad_left >= c->kernel_width || behind >= c->kernel_width;
    return beyond ? "the kernel stands on zeros only at places" : NULL;
}

/* Width of the rows that the kernel slides over. */
static int64_t row_width(const Convolution *c)
{
    return convolution_is_padded(c) ? (c->columns - 1) * c->stride_width + span_width(c) : c->width;
}

int64_t convolution_row_floats(const Convolution *c)
{
    return row_width(c) * convolution_pixel(c);
}

/* Rows of the padded image under `rows` rows of the output. */
static int64_t rows_under(const Convolution *c, int64_t rows)
{
    return (rows - 1) * c->stride_height + span_height(c);
}

/* The rows of the output whose padded image is laid out at once. */
static int64_t band_rows(const Convolution *c)
{
    int64_t rows = c->rows;
    while (rows > 1 && rows_under(c, rows) * convolution_row_floats(c) > (c->lanes ? LANES_BAND_FLOATS : BAND_FLOATS)) rows--;
    return rows;
}

int64_t convolution_workspace(const Convolution *c)
{
    return convolution_is_padded(c) ? rows_under(c, band_rows(c)) * convolution_row_floats(c) : 0;
}

/* The way of the gradients that leaves zeros out. */
static Way sparse_way(const Graph *graph, const Convolution *c, const Tensor *d_output)
{
    const Node *unpooling = d_output->producer;
    bool pooled = unpooling && convolution_pools(c, max_pooling_of(unpooling, true));
    const Node *before = pooled ? unpooling->inputs[0]->producer : NULL;
    return convolution_sparse_way(c, graph->panel, pooled, before && before->op->flags & OPERATOR_RECTIFIES);
}

Convolution convolution_chosen(const Graph *graph, const Node *forward, const Tensor *d_output)
{
    bool gradients = d_output != NULL;
    Convolution c = *(const Convolution *)forward->detail;
    double direct = (double)(c.rows * c.columns) * (double)(c.kernel_height * c.kernel_width) * (double)(c.channels / c.groups * c.filters);
    if (c.lanes) {
        choose_way(graph, forward, gradients, &(Way){.name = "lanes", .cost = direct}, 1);
        return c;
    }
    Way ways[] = {{.name = "direct", .cost = direct}, winograd_way(&c, 2, graph->panel), winograd_way(&c, 4, graph->panel), gradients ? sparse_way(graph, &c, d_output) : winograd_rows_way(&c), flat_rows_way(&c, graph->panel)};
    int count = gradients ? 4 : 5;
    for (int i = 1; gradients && c.groups > 1 && i < count; i++) ways[i].hindrance = "the channels are in groups"; /* only forward tiles know them */
    for (int i = 1; graph->direct && i < count; i++) ways[i].hindrance = "--math=strict and --unroll=full go without";
    int way = choose_way(graph, forward, gradients, ways, count);
    c.sparse = way == 3 && gradients;
    c.along_rows = way == 3 && !gradients;
    c.flat_rows = way == 4;
    c.tile = c.sparse ? 4 : way < 3 ? 2 * way : 0;
    return c;
}

Convolution convolution_joined(const Convolution *c)
{
    Convolution row = *c;
    bool apart = c->stride_height > 1 || c->stride_width > 1 || c->spread_height > 1 || c->spread_width > 1;
    bool margins = c->pad_top || c->pad_left || c->rows != c->height || c->columns != c->width; /* also where they are not laid out */
    if (c->kernel_height > 1 || c->kernel_width > 1 || apart || margins || convolution_is_padded(c)) return row;
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
    fill_size(e, "CG", c->channels / c->groups);
    fill_size(e, "KG", c->filters / c->groups);
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
    fill_size(e, "SPANH", span_height(c));
    fill_size(e, "SPREADW", c->spread_width);
    fill_size(e, "STEP", c->stride_width * convolution_pixel(c));
    fill_size(e, "ROW", convolution_row_floats(c));
    fill_size(e, "WORK", convolution_workspace(c));
    fill_size(e, "PANEL", e->graph->panel);
}

void convolution_scratch_emit(Emit *e, const Convolution *c, const char *definition)
{
    fill_size(e, "UNDER", rows_under(c, band_rows(c)));
    EMIT(e, definition, "memset(rows, 0, $UNDER * sizeof *rows);");
}

/* Lays `count` rows of the image $FROM out, from that number on, zeros where there is no pixel. A negative padding, as transposing a
 * convolution gives whose padding is wider than its kernel, leaves pixels out. */
static void emit_padded_rows(Emit *e, const Convolution *c, const char *first, const char *count)
{
    int64_t last = row_width(c) - c->pad_left; /* columns behind it are never under the kernel */
    int64_t columns = (last + c->spread_width - 1) / c->spread_width;
    if (columns > c->width) columns = c->width;
    int64_t left_out = c->pad_left < 0 ? (c->spread_width - 1 - c->pad_left) / c->spread_width : 0;
    columns = columns > left_out ? columns - left_out : 0;
    const char *column = left_out ? memory_format("q + %lld", (long long)left_out) : "q";
    fill_size(e, "COLUMN0", left_out);
    fill_size(e, "COLUMNS", columns);
    fill_size(e, "SPREADC", c->spread_width * convolution_pixel(c));
    fill_size(e, "LEFTC", (c->pad_left + left_out * c->spread_width) * convolution_pixel(c));
    fill_size(e, "RUN", columns * c->channels);
    EMIT(e, count, first);
    if (c->spread_height > 1) EMIT(e, "if (h >= 0 && h % $SPREADH == 0 && h / $SPREADH < $H) {");
    else EMIT(e, "if (h >= 0 && h < $H) {");
    if (convolution_is_spread_to_lanes(c)) {
        EMIT(e, "for (int q = 0; q < $COLUMNS; q++) {");
        convolution_lanes_spread_emit(e, c, "&rows[r][$LEFTC + q * $SPREADC]", memory_format("&$FROM[$n][h / $SPREADH][%s][0]", column));
        EMIT(e, "}");
    } else if (c->spread_width > 1)
        EMIT(e,
             "for (int q = 0; q < $COLUMNS; q++) {",
             memory_format("memcpy(&rows[r][$LEFTC + q * $SPREADC], &$FROM[$n][h / $SPREADH][%s][0], $C * sizeof(float));", column),
             "}");
    else EMIT(e, "memcpy(&rows[r][$LEFTC], &$FROM[$n][h / $SPREADH][$COLUMN0][0], $RUN * sizeof(float));");
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
        emit_padded_rows(e, c, "const int h = p0 * $STRIDEH + r - $TOP;", "for (int r = 0; r < (p1 - p0 - 1) * $STRIDEH + $SPANH; r++) {");
    } else {
        EMIT(e, "{");
        if (padded) emit_padded_rows(e, c, "const int h = r - $TOP;", "for (int r = 0; r < $UNDER; r++) {");
    }
}

const char *convolution_image_at(const Convolution *c, const char *from, const char *r, const char *q)
{
    if (c->dilation_height > 1) r = memory_format("%s * %lld", r, (long long)c->dilation_height);
    if (convolution_is_padded(c)) return memory_format("&rows[$INBAND * $STRIDEH + %s][%s * $STEP]", r, q);
    return memory_format("&%s[$n][p * $STRIDEH + %s][%s * $STRIDEW][0]", from, r, q);
}

Convolution convolution_of_group(const Convolution *c)
{
    Convolution group = *c;
    group.channels /= c->groups;
    group.filters /= c->groups;
    group.groups = 1;
    return group;
}

const char *convolution_group_offset(const Convolution *c, int64_t each)
{
    return c->groups > 1 && !c->lanes ? memory_format("group * %lld + ", (long long)(c->filters / c->groups / each)) : "";
}

/* The products of one tile: for each row of the kernel one run of numbers, or, where the pixels or channels under it do not lie
 * side by side, one for each of its places. */
static void emit_products(Emit *e, const Convolution *c, int rows, const VectorGroup *group, const char *from, const char *kernel)
{
    bool split = convolution_is_split(c);
    int64_t run = split ? c->channels / c->groups : c->kernel_width * c->channels;
    int vectors = group->vectors;
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    if (split) EMIT(e, "for (int s = 0; s < $S; s++) {");
    const char *place = split ? memory_format(" + s * %lld%s", (long long)(c->dilation_width * c->channels), c->groups > 1 ? " + group * $CG" : "") : "";
    EMIT(e, memory_format("const float *const a = %s%s;", convolution_image_at(c, from, "r", "q"), place));
    const char *offset = convolution_group_offset(c, emit_level(e)->lanes), *first = group_first(group);
    tile_pointers(e, vectors, *offset ? memory_format("(%s%s)", offset, first) : first, e->graph->panel, kernel, memory_format("%s * %lld", split ? memory_format("(r * %lld + s)", (long long)c->kernel_width) : "r", (long long)run));
    if (run <= 8) {
        for (int64_t j = 0; j < run; j++) {
            fill_size(e, "J", j);
            EMIT(e, "{");
            tile_step(e, rows, vectors, "a[$T * $STEP + $J]", "load_f32x$L(b$V + $J * $PANEL)");
            EMIT(e, "}");
        }
    } else {
        fill_size(e, "RUNJ", run);
        EMIT(e, "for (int j = 0; j < $RUNJ; j++) {");
        tile_step(e, rows, vectors, "a[$T * $STEP + j]", "load_f32x$L(b$V + j * $PANEL)");
        EMIT(e, "}");
    }
    EMIT(e, "}");
    if (split) EMIT(e, "}");
}

/* One tile: pixels q .. q + rows - 1 of output row p, `vectors` vectors of filters from number $G on. `column`: what q is, where that is
 * known, else -1. `flat`: an output row is one run of numbers, which the epilogue waits for. */
static void emit_tile(Emit *e, const Node *node, const Convolution *c, bool flat, int64_t column, int rows, const VectorGroup *group, const char *from, const char *kernel, const char *bias, const char *to)
{
    int lanes = emit_level(e)->lanes, vectors = group->vectors;
    const char *offset = convolution_group_offset(c, 1);
    if (bias)
        for (int v = 0; v < vectors; v++)
            text_add(&e->body,
                     "const f32x%d bias%d = %s;\n",
                     lanes,
                     v,
                     load_text(e, memory_format("&%s[%s(%s + %d) * %d]", bias, offset, group_first(group), v, lanes), v == vectors - 1 ? group->last_lanes : lanes));
    tile_begin(e, rows, vectors, bias ? "bias$V" : "{0}");
    if (c->lanes) convolution_lanes_products_emit(e, c, column, rows, group, from, kernel);
    else emit_products(e, c, rows, group, from, kernel);
    tile_end(e,
             flat ? NULL : node,
             rows,
             vectors,
             group->last_lanes,
             memory_format(flat ? "[$n][p][(q + $T) * $K + ($G + $V) * $L]" : "[$n][p][q + $T][%s($G + $V) * $L]", offset),
             memory_format("(uint32_t)((($n * $P + p) * $Q + q + $T) * $K + %s($G + $V) * $L)", offset),
             to);
}

/* At a known column; only in its strip, where the image goes by strips of so many columns. */
static void emit_fixed_tile(Emit *e, const Node *node, const Convolution *c, bool flat, int64_t strip, int64_t column, int rows, const VectorGroup *group, const char *from, const char *kernel, const char *bias, const char *to)
{
    if (strip) EMIT(e, memory_format("if (q0 == %lld) {", (long long)(column / strip * strip)));
    else EMIT(e, "{");
    EMIT(e, memory_format("const int q = %lld;", (long long)column));
    emit_tile(e, node, c, flat, column, rows, group, from, kernel, bias, to);
    EMIT(e, "}");
}

/* Columns of the output that go through all rows before the next do, whole tiles: the rows of x under them stay in the first-level
 * cache until the last row of the kernel has read them. All, where whole rows stay there as well. */
static int64_t strip_columns(const Convolution *c, int rows)
{
    enum { CACHED_FLOATS = 6144 }; /* 24 KB */
    int64_t apart = c->spread_height * c->spread_width, each = ((span_height(c) * c->stride_width + apart - 1) / apart + 1) * c->filters, most = CACHED_FLOATS / each / rows * rows;
    if (most < rows) most = rows;
    if (c->stride_height >= span_height(c) || most >= c->columns) return c->columns;
    int64_t strips = (c->columns + most - 1) / most, even = (c->columns + strips - 1) / strips;
    return (even + rows - 1) / rows * rows;
}

/* Into how many parts of its rows a sample is cut where threads share it: each reads the rows between two parts anew, so that those in
 * lanes, which do little else than read, have some rows each. */
static int64_t row_parts(const Convolution *c)
{
    enum { LEAST_PARTS = 4 };
    int64_t parts = LEAST_PARTS; /* a power of two, for 2 threads and for 4 to have the same */
    if (!convolution_lanes_in_place(c) || c->rows <= parts) return c->rows;
    while (2 * parts * 2 * span_height(c) <= c->rows) parts *= 2;
    return parts;
}

void convolution_emit(Emit *e, const Node *node, const Convolution *image, const char *from, const char *kernel, const char *bias, const char *to)
{
    int64_t parts = row_parts(image);
    bool shared = !e->options.unroll_full && node_is_shared(e->graph, node, parts);
    const Convolution row = shared ? *image : convolution_joined(image), *c = &row;
    convolution_declare(e, 0, c->height, c->width, c->channels);
    /* Where a pixel's filters do not fill vectors, an epilogue takes fewer on whole rows. */
    bool flat = node->epilogue_count && c->filters % emit_level(e)->lanes;
    int output = node->input_count + node->weight_count;
    if (flat) phase_operand(e, output, 3, (const int64_t[]){-1, c->rows, c->columns * c->filters});
    else convolution_declare(e, output, c->rows, c->columns, c->filters);
    int64_t groups = c->lanes ? 1 : c->groups, columns = c->filters / groups; /* groups whose products are apart from one another */
    emit_narrow(e, columns);
    int64_t reduction = c->kernel_height * c->kernel_width * (c->channels / c->groups);
    Tile tile = choose_tile(e, node, (Work){.kernel = c->lanes ? "lanes" : "convolution", .rows = c->columns, .columns = columns, .reduction = reduction, .times = (double)(c->rows * groups), .bias = bias != NULL, .whole = !c->lanes});
    bool in_place = convolution_lanes_in_place(c);
    if (in_place) tile = convolution_lanes_tile(c, tile);
    if (c->lanes) convolution_lanes_declare(e, node, c, kernel);
    phase_begin(e, node, NULL, OVER_SAMPLES, shared ? parts : c->rows);
    convolution_fill(e, c);
    fill(e, "FROM", "%s", from);
    if (convolution_is_padded(c)) convolution_scratch_emit(e, c, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + $TASK * $WORK);");
    EMIT(e, "$SAMPLES{");
    convolution_image_begin(e, c, shared);
    if (shared && parts < c->rows) {
        fill(e, "P0", "(int)low * %lld / %lld", (long long)c->rows, (long long)parts);
        fill(e, "P1", "(int)high * %lld / %lld", (long long)c->rows, (long long)parts);
    }
    int64_t strip = in_place && !flat ? strip_columns(c, tile.rows) : c->columns;
    bool stripped = strip < c->columns;
    fill_size(e, "STRIP", strip);
    if (stripped) EMIT(e, "for (int q0 = 0; q0 < $Q; q0 += $STRIP) {");
    EMIT(e, "for (int p = $P0; p < $P1; p++) {");
    if (groups > 1) EMIT(e, memory_format("for (int group = 0; group < %lld; group++) {", (long long)groups));
    VectorGroup vectors[2];
    int vector_count = vector_groups(e, columns, tile.vectors, vectors);
    for (int g = 0; g < vector_count; g++) {
        group_begin(e, &vectors[g]);
        int rest = (int)(c->columns % tile.rows);
        int64_t low = 0, high = c->columns - rest; /* columns between the tiles at the borders, where these are apart */
        while (in_place && low < high && convolution_lanes_at_border(c, low, tile.rows)) low += tile.rows;
        while (in_place && high > low && convolution_lanes_at_border(c, high - tile.rows, tile.rows)) high -= tile.rows;
        for (int64_t q = 0; q < low; q += tile.rows) emit_fixed_tile(e, node, c, flat, stripped ? strip : 0, q, tile.rows, &vectors[g], from, kernel, bias, to);
        fill_size(e, "QLOW", low);
        fill_size(e, "QFULL", high);
        fill_size(e, "TILE", tile.rows);
        if (high > low) {
            if (stripped) {
                fill(e, "QFIRST", low ? "q0 < %lld ? %lld : q0" : "q0", (long long)low, (long long)low);
                EMIT(e, "const int q1 = q0 + $STRIP < $QFULL ? q0 + $STRIP : $QFULL;", "for (int q = $QFIRST; q < q1; q += $TILE) {");
            } else EMIT(e, "for (int q = $QLOW; q < $QFULL; q += $TILE) {");
            emit_tile(e, node, c, flat, -1, tile.rows, &vectors[g], from, kernel, bias, to);
            EMIT(e, "}");
        }
        for (int64_t q = high; q < c->columns - rest; q += tile.rows) emit_fixed_tile(e, node, c, flat, stripped ? strip : 0, q, tile.rows, &vectors[g], from, kernel, bias, to);
        if (rest) emit_fixed_tile(e, node, c, flat, stripped ? strip : 0, c->columns - rest, rest, &vectors[g], from, kernel, bias, to);
        group_end(e);
    }
    if (groups > 1) EMIT(e, "}");
    if (flat) {
        const char *n = e->single ? "0" : "n", *at = memory_format("[%s][p][j]", n);
        int64_t run = c->columns * c->filters;
        run_emit(e, node, run, memory_format("&%s%s", to, at), to, at, memory_format("(uint32_t)((%s * %lld + p) * %lld + j)", n, (long long)c->rows, (long long)run));
    }
    if (stripped) EMIT(e, "}");
    EMIT(e, "}", "}", "}");
    phase_end(e);
}

/* The kernel of the transposed convolution, within each group. Kernels and their turned form each lie packed, or, for kernels in lanes,
 * as files hold them. */
void convolution_transpose_groups_emit(Emit *e, const Node *node, const Convolution *c, bool to_lanes, const char *to)
{
    int64_t panel = e->graph->panel, width = to_lanes ? c->channels : panel;
    if (c->lanes) phase_operand(e, operand_number(node, "kernel"), 2, (const int64_t[]){c->kernel_height * c->kernel_width * (c->channels / c->groups), c->filters});
    phase_begin(e, node, "transpose", OVER_EXTENT, c->channels / width);
    convolution_fill(e, c);
    fill(e, "TO", "%s", to);
    fill_size(e, "WIDTH", width);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "float *to = $TO + g * ($R * $S * $KG * $WIDTH);",
         "for (int r = 0; r < $R; r++) {",
         "for (int s = 0; s < $S; s++) {",
         "for (int m = 0; m < $KG; m++) {",
         "for (int i = 0; i < $WIDTH; i++) {",
         "const ptrdiff_t c = g * $WIDTH + i, k = c / $CG * $KG + m, row = (($R - 1 - r) * $S + $S - 1 - s) * $CG + c % $CG;",
         c->lanes ? "*to++ = kernel[row][k];" : "*to++ = kernel[k / $PANEL][row][k % $PANEL];",
         "}",
         "}",
         "}",
         "}",
         "}");
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
