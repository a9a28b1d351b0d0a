/* Convolution in groups of few filters, a depthwise one above all: each lane of a vector is a filter and sees channels of its own.
 *
 * A product of matrices would leave most lanes of its vectors empty here. So both factors are vectors along the filters: for each
 * place of the kernel, and each channel j of a group, y[p][q][k] += x[p + r][q + s][channel j of k's group] kernel[r][s][j][k]. Kernels lie
 * as files hold them, [R][S][channels of a group][filters]. Depthwise, with one filter for each channel, x is read where it is:
 * tiles at the sides leave padding out, and so do all with the gaps that strides leave in the gradient.
 * Else the rows under the kernel are laid out with a number for each lane: [pixel][j][k]. */
#include "convolution.h"

#include <stdlib.h>

bool convolution_in_lanes(const Convolution *c, int64_t panel)
{
    return c->groups > 1 && c->filters / c->groups % panel;
}

bool convolution_is_spread_to_lanes(const Convolution *c)
{
    return c->lanes && (c->groups < c->channels || c->groups < c->filters);
}

void convolution_lanes_declare(Emit *e, const Node *node, const Convolution *c, const char *kernel)
{
    phase_operand(e, operand_number(node, kernel), 2, (const int64_t[]){c->kernel_height, c->kernel_width * (c->channels / c->groups) * c->filters});
}

void convolution_lanes_spread_emit(Emit *e, const Convolution *c, const char *to, const char *from)
{
    fill_size(e, "GROUPS", c->groups);
    EMIT(e,
         memory_format("float *const lanes = %s;", to),
         memory_format("const float *const pixel = %s;", from),
         "for (int j = 0; j < $CG; j++) {",
         "for (int g = 0; g < $GROUPS; g++) {",
         "for (int m = 0; m < $KG; m++) lanes[j * $K + g * $KG + m] = pixel[g * $CG + j];",
         "}",
         "}");
}

static int lanes_of(const Emit *e, const VectorGroup *group, int vector)
{
    return vector == group->vectors - 1 ? group->last_lanes : emit_level(e)->lanes;
}

/* One place of the kernel and one channel of the groups: `place` is where its pixels lie behind a, `weights` its kernels behind b. */
static void emit_step(Emit *e, const Convolution *c, int rows, const VectorGroup *group, const char *place, const char *weights)
{
    int lanes = emit_level(e)->lanes;
    EMIT(e, "{");
    for (int v = 0; v < group->vectors; v++)
        text_add(&e->body, "const f32x%d w%d = %s;\n", lanes, v, load_text(e, memory_format("b + %s + %d", weights, v * lanes), lanes_of(e, group, v)));
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            const char *at = memory_format("a + %lld + %s + %d", (long long)(t * c->stride_width * convolution_pixel(c)), place, v * lanes);
            text_add(&e->body, "s%d_%d += %s * w%d;\n", t, v, load_text(e, at, lanes_of(e, group, v)), v);
        }
    EMIT(e, "}");
}

/* ---- in place: which pixel of x is under place s of the kernel at pixel t of a tile is known here but for the row ---- */

enum { MOST_SPREAD = 8 };

/* Tiles begin at multiples of so many columns, so that gaps between the pixels of x lie alike in all of them. */
static int64_t tile_multiple(const Convolution *c)
{
    int64_t multiple = 1;
    while (multiple * c->stride_width % c->spread_width) multiple++;
    return multiple;
}

bool convolution_lanes_in_place(const Convolution *c)
{
    return c->lanes && !c->laid_out && !convolution_is_spread_to_lanes(c) && c->spread_width <= MOST_SPREAD;
}

Tile convolution_lanes_tile(const Convolution *c, Tile tile)
{
    int multiple = (int)tile_multiple(c);
    if (c->columns <= multiple) tile.rows = (int)c->columns;
    else tile.rows = tile.rows < multiple ? multiple : tile.rows / multiple * multiple;
    return tile;
}

/* The column of x, times the distance of its columns, under place s at column q; it is one of x only where that divides it. */
static int64_t column_under(const Convolution *c, int64_t q, int64_t s)
{
    return q * c->stride_width + s * c->dilation_width - c->pad_left;
}

bool convolution_lanes_at_border(const Convolution *c, int64_t q, int rows)
{
    return column_under(c, q, 0) < 0 || column_under(c, q + rows - 1, c->kernel_width - 1) > (c->width - 1) * c->spread_width;
}

/* Is pixel t of a tile from that column on over a pixel of x? */
static bool sees_pixel(const Convolution *c, int64_t column, int t, int64_t s)
{
    int64_t under = column_under(c, (column < 0 ? 0 : column) + t, s);
    return under % c->spread_width == 0 && (column < 0 || (under >= 0 && under / c->spread_width < c->width));
}

/* The first pixel of x that a tile sees, seen from where its own first column lies. */
static int64_t first_pixel(const Convolution *c, int64_t column, int rows)
{
    int64_t first = INT64_MAX;
    for (int t = 0; t < rows; t++)
        for (int64_t s = 0; s < c->kernel_width; s++) {
            int64_t pixel = column_under(c, (column < 0 ? 0 : column) + t, s) / c->spread_width;
            if (sees_pixel(c, column, t, s) && pixel < first) first = pixel;
        }
    return first == INT64_MAX ? 0 : first;
}

/* One place of the kernel, for the pixels that see one of x; `a` points at the first of all. */
static void emit_place(Emit *e, const Convolution *c, int64_t column, int rows, const VectorGroup *group, int64_t s, int64_t first)
{
    int lanes = emit_level(e)->lanes;
    bool seen = false;
    for (int t = 0; t < rows; t++) {
        if (!sees_pixel(c, column, t, s)) continue;
        if (!seen) EMIT(e, "{");
        for (int v = 0; v < group->vectors && !seen; v++)
            text_add(&e->body, "const f32x%d w%d = %s;\n", lanes, v, load_text(e, memory_format("b + %lld", (long long)(s * c->filters + v * lanes)), lanes_of(e, group, v)));
        seen = true;
        int64_t pixel = column_under(c, (column < 0 ? 0 : column) + t, s) / c->spread_width;
        for (int v = 0; v < group->vectors; v++)
            text_add(&e->body, "s%d_%d += %s * w%d;\n", t, v, load_text(e, memory_format("a + %lld", (long long)((pixel - first) * c->channels + v * lanes)), lanes_of(e, group, v)), v);
    }
    if (seen) EMIT(e, "}");
}

static void emit_products_in_place(Emit *e, const Convolution *c, int64_t column, int rows, const VectorGroup *group, const char *from, const char *kernel)
{
    const char *first = memory_format("%s * %d", group_first(group), emit_level(e)->lanes);
    int64_t last = (c->rows - 1) * c->stride_height + (c->kernel_height - 1) * c->dilation_height - c->pad_top;
    EMIT(e, "for (int r = 0; r < $R; r++) {", memory_format("const int h = p * $STRIDEH + r * %lld - $TOP;", (long long)c->dilation_height));
    bool low = c->pad_top > 0, high = last > (c->height - 1) * c->spread_height, gaps = c->spread_height > 1;
    const char *inside = low && high ? "h >= 0 && h < $H * $SPREADH" : low ? "h >= 0" : "h < $H * $SPREADH";
    const char *condition = gaps ? memory_format("%s%sh %% $SPREADH == 0", low || high ? inside : "", low || high ? " && " : "") : inside;
    if (low || high || gaps) EMIT(e, memory_format("if (%s) {", condition));
    int64_t pixel = first_pixel(c, column, rows);
    const char *at = column >= 0 ? memory_format("%lld", (long long)pixel) :
                     pixel == 0  ? "q * $STRIDEW / $SPREADW" :
                                   memory_format("q * $STRIDEW / $SPREADW %c %lld", pixel < 0 ? '-' : '+', llabs((long long)pixel));
    EMIT(e,
         memory_format("const float *const a = &%s[$n][h / $SPREADH][%s][%s];", from, at, first),
         memory_format("const float *const b = &%s[r][%s];", kernel, first));
    for (int64_t s = 0; s < c->kernel_width; s++) emit_place(e, c, column, rows, group, s, pixel);
    if (low || high || gaps) EMIT(e, "}");
    EMIT(e, "}");
}

void convolution_lanes_products_emit(Emit *e, const Convolution *c, int64_t column, int rows, const VectorGroup *group, const char *from, const char *kernel)
{
    if (convolution_lanes_in_place(c)) {
        emit_products_in_place(e, c, column, rows, group, from, kernel);
        return;
    }
    enum { WRITTEN_OUT = 8 }; /* steps of a row of the kernel */
    int lanes = emit_level(e)->lanes;
    int64_t channels = c->channels / c->groups, step = c->dilation_width * convolution_pixel(c);
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    EMIT(e,
         memory_format("const float *const a = %s + %s * %d;", convolution_image_at(c, from, "r", "q"), group_first(group), lanes),
         memory_format("const float *const b = &%s[r][%s * %d];", kernel, group_first(group), lanes));
    if (c->kernel_width * channels <= WRITTEN_OUT) {
        for (int64_t s = 0; s < c->kernel_width; s++)
            for (int64_t j = 0; j < channels; j++)
                emit_step(e, c, rows, group, memory_format("%lld", (long long)(s * step + j * c->filters)), memory_format("%lld", (long long)((s * channels + j) * c->filters)));
    } else {
        EMIT(e, "for (int s = 0; s < $S; s++) {", "for (int j = 0; j < $CG; j++) {");
        const char *place = memory_format("s * %lld + j * %lld", (long long)step, (long long)c->filters);
        emit_step(e, c, rows, group, place, memory_format("(s * %lld + j) * %lld", (long long)channels, (long long)c->filters));
        EMIT(e, "}", "}");
    }
    EMIT(e, "}");
}

/* ---- the gradient of the weights ---- */

/* Where place `row` of the matrix [R * S * channels of a group] finds its number, behind that of the first. */
static int64_t place_of(const Convolution *c, int64_t row)
{
    int64_t channels = c->channels / c->groups, r = row / (c->kernel_width * channels), s = row / channels % c->kernel_width;
    return r * c->dilation_height * convolution_row_floats(c) + s * c->dilation_width * convolution_pixel(c) + row % channels * c->filters;
}

/* Rows `row` and the following of the weights whose first pixel is at the address `at`, $BEGIN being where their sums begin. */
static void emit_gradient_tile(Emit *e, const Convolution *c, int64_t row, int rows, const VectorGroup *group, const char *at)
{
    int lanes = emit_level(e)->lanes;
    const char *first = group_first(group);
    EMIT(e, "{");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++)
            text_add(&e->body, "f32x%d s%d_%d = %s;\n", lanes, t, v, load_text(e, memory_format("sums + %lld + (%s + %d) * %d", (long long)((row + t) * c->filters), first, v, lanes), lanes_of(e, group, v)));
    EMIT(e,
         "for (int p = $P0; p < $P1; p++) {",
         memory_format("const float *a = %s + %s * %d;", at, first, lanes),
         "for (int q = 0; q < $Q; q++) {");
    for (int v = 0; v < group->vectors; v++)
        text_add(&e->body, "const f32x%d d%d = %s;\n", lanes, v, load_text(e, memory_format("&d_y[n][p][q][(%s + %d) * %d]", first, v, lanes), lanes_of(e, group, v)));
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++)
            text_add(&e->body, "s%d_%d += %s * d%d;\n", t, v, load_text(e, memory_format("a + %lld", (long long)(place_of(c, row + t) + v * lanes)), lanes_of(e, group, v)), v);
    EMIT(e, "a += $STEP;", "}", "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++)
            emit_store(e, memory_format("sums + %lld + (%s + %d) * %d", (long long)((row + t) * c->filters), first, v, lanes), memory_format("s%d_%d", t, v), lanes_of(e, group, v));
    EMIT(e, "}");
}

Convolution convolution_laid_out(const Convolution *c)
{
    Convolution laid_out = *c;
    laid_out.laid_out = true;
    return laid_out;
}

void convolution_lanes_weight_gradient_emit(Emit *e, const Node *node, const Convolution *in_place)
{
    const Convolution laid_out = convolution_laid_out(in_place), *c = &laid_out;
    enum { WRITTEN_OUT = 48 }; /* rows of the matrix, at most, that tiles take across the rows of the kernel */
    int64_t run = c->kernel_width * (c->channels / c->groups), matrix = c->kernel_height * run, floats = matrix * c->filters;
    bool by_rows = matrix > WRITTEN_OUT;
    if (!by_rows) run = matrix;
    convolution_declare(e, 0, c->height, c->width, c->channels);
    convolution_declare(e, 1, c->rows, c->columns, c->filters);
    emit_narrow(e, c->filters);
    Tile tile = choose_tile(e, node, (Work){.kernel = "lanes", .rows = run, .columns = c->filters, .reduction = c->rows * c->columns, .times = (double)(matrix / run)});
    phase_begin(e, node, "weight_gradient_part", IN_SHARDS, 0);
    convolution_fill(e, c);
    fill(e, "FROM", "x");
    phase_sums(e, "shards", floats);
    if (!by_rows) EMIT(e, "float *const sums = shards;");
    if (convolution_is_padded(c)) convolution_scratch_emit(e, c, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + task * $WORK);");
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {");
    convolution_image_begin(e, c, false);
    if (by_rows) EMIT(e, "for (int r = 0; r < $R; r++) {", memory_format("float *const sums = shards + r * %lld;", (long long)(run * c->filters)));
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    const char *at = convolution_image_at(c, "x", by_rows ? "r" : "0", "0");
    for (int64_t row = 0; row < run; row += tile.rows)
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            emit_gradient_tile(e, c, row, (int)(run - row < tile.rows ? run - row : tile.rows), &groups[g], at);
            group_end(e);
        }
    if (by_rows) EMIT(e, "}");
    EMIT(e, "}", "}");
    phase_end(e);
    shard_sum_emit(e, node, "weight_gradient", "d_kernel", floats, 0, floats);
}
