/* Winograd's convolution along rows only: F(m, s) for kernels s = 2 to 5 columns wide, m = 7 - s results of a row at a time.
 *
 * Six neighbouring columns of an input row become six other numbers, V = Bt d, one for each of the points 0, 1, -1, 2, -2 and infinity;
 * so do the columns of each kernel row, U = G g. For each point a convolution with one column remains: rows of tiles by filters, summed over
 * kernel rows and channels: 6 multiplications instead of s m. At is the way back: y = At M. Against Winograd's convolution in both
 * directions the transforms are small enough for few channels.
 *
 * The layouts are V[point][input row][tile][channel], so that for each point and kernel row all tiles of a band of rows follow one
 * another, M[point][tile][filter], and U[point][panel][kernel row and channel][filter], made once like other forms of weights. */
#include "convolution.h"

enum { POINTS = 6, BAND_TILES = 64, PARTS = 4 };

static const double points[POINTS - 1] = {0, 1, -1, 2, -2};

/* Results of a tile. */
static int64_t tile_width(const Convolution *c)
{
    return POINTS + 1 - c->kernel_width;
}

static int64_t tiles_of(const Convolution *c)
{
    return (c->columns + tile_width(c) - 1) / tile_width(c);
}

/* Output rows that are worked on at once. */
static int64_t band_rows(const Convolution *c)
{
    int64_t rows = BAND_TILES / tiles_of(c);
    return rows < 1 ? 1 : rows < c->rows ? rows : c->rows;
}

static int64_t input_rows(const Convolution *c)
{
    return band_rows(c) + c->kernel_height - 1;
}

/* Columns of an input row under the tiles, and whether they must be laid out because some are not on the image. */
static int64_t line_width(const Convolution *c)
{
    return (tiles_of(c) - 1) * tile_width(c) + POINTS;
}

static bool needs_line(const Convolution *c)
{
    return c->pad_left || line_width(c) > c->width;
}

/* What becomes of column `s` of a kernel at a point. */
static double kernel_factor(const Convolution *c, int point, int64_t s)
{
    static const double scales[POINTS] = {1.0 / 4, -1.0 / 6, -1.0 / 6, 1.0 / 24, 1.0 / 24, 1};
    if (point == POINTS - 1) return s == c->kernel_width - 1;
    double power = 1;
    for (int64_t i = 0; i < s; i++) power *= points[point];
    return scales[point] * power;
}

/* How much of a point is in result `o` of a tile. */
static double result_factor(const Convolution *c, int point, int64_t o)
{
    if (point == POINTS - 1) return o == tile_width(c) - 1;
    double power = 1;
    for (int64_t i = 0; i < o; i++) power *= points[point];
    return power;
}

Way winograd_rows_way(const Convolution *c)
{
    Way way = {.name = "winograd_rows"};
    if (c->kernel_width < 2 || c->kernel_width >= POINTS) way.hindrance = "the kernel is not 2 to 5 columns wide";
    else if (c->stride_height > 1 || c->stride_width > 1) way.hindrance = "the kernel makes strides";
    else if (c->lanes) way.hindrance = "a group has few filters";
    else way.hindrance = convolution_group_hindrance(c);
    if (way.hindrance) return way;
    int64_t tiles = tiles_of(c), lanes = (c->channels + SHORTEST_VECTOR - 1) / SHORTEST_VECTOR * SHORTEST_VECTOR;
    int64_t products = POINTS * c->rows * tiles * c->kernel_height * (c->channels / c->groups) * c->filters;
    int64_t input = 4 * POINTS * (c->rows + c->kernel_height - 1) * tiles * lanes, output = 14 * c->rows * tiles * c->filters;
    way.cost = (double)(products + input + output);
    return way;
}

Shape winograd_rows_kernel_shape(const Convolution *c, int64_t panel)
{
    return shape_of(4, (const int64_t[]){POINTS, (c->filters + panel - 1) / panel, c->kernel_height * (c->channels / c->groups), panel});
}

static int64_t v_floats(const Convolution *c)
{
    return POINTS * input_rows(c) * tiles_of(c) * c->channels;
}

static int64_t m_floats(const Convolution *c)
{
    return POINTS * band_rows(c) * tiles_of(c) * c->filters;
}

static int64_t workspace(const Convolution *c)
{
    return v_floats(c) + m_floats(c) + (needs_line(c) ? line_width(c) * c->channels : 0);
}

int64_t winograd_rows_workspace(const Convolution *c)
{
    const Convolution group = convolution_of_group(c);
    return workspace(&group);
}

/* Of the rows, and with each part of them for each group of channels. */
static int64_t row_parts(const Convolution *c)
{
    int64_t parts = (PARTS + c->groups - 1) / c->groups;
    return c->rows < parts ? c->rows : parts;
}

int64_t winograd_rows_parts(const Convolution *c)
{
    return c->groups * row_parts(c);
}

int64_t winograd_rows_gradient_workspace(const Convolution *c)
{
    return workspace(c);
}

static void fill_sizes(Emit *e, const Convolution *c)
{
    convolution_fill(e, c);
    fill_size(e, "TILES", tiles_of(c));
    fill_size(e, "WIDTH", tile_width(c));
    fill_size(e, "INPUTROWS", input_rows(c));
    fill_size(e, "BANDROWS", band_rows(c));
    fill_size(e, "TILESC", tiles_of(c) * c->channels);
    fill_size(e, "LINE", line_width(c) * c->channels);
    fill_size(e, "LEFTC", c->pad_left * c->channels);
    int64_t under = line_width(c) - c->pad_left, pixels = under < c->width ? under : c->width;
    fill_size(e, "PIXELS", pixels);
    fill_size(e, "RUN", pixels * c->channels);
    fill_size(e, "VSIZE", v_floats(c));
    fill_size(e, "MSIZE", m_floats(c));
    fill_size(e, "WORK", workspace(c));
    fill_size(e, "MATRIX", c->kernel_height * (c->channels / c->groups));
}

/* A sum of numbers named by a format, each times its factor: "d0 * 4.0f - d2 * 5.0f + d4". */
static const char *sum_text(const char *name, const double *factors, int count)
{
    Text text = {0};
    text_add(&text, "%s", "");
    for (int i = 0; i < count; i++) {
        double factor = factors[i];
        if (!(factor < 0 || factor > 0)) continue;
        text_add(&text, "%s%s%d", text.length ? factor < 0 ? " - " : " + " : factor < 0 ? "-" : "", name, i);
        if (!(factor * factor > 1) && !(factor * factor < 1)) continue;
        text_add(&text, " * %s", float_text(factor < 0 ? -factor : factor));
    }
    return text.data;
}

/* ---- the kernel ---- */

void winograd_rows_kernel_values(const Convolution *c, int64_t panel, const float *packed, float *to)
{
    int64_t panels = (c->filters + panel - 1) / panel, channels = c->channels / c->groups;
    for (int point = 0; point < POINTS; point++)
        for (int64_t g = 0; g < panels; g++)
            for (int64_t r = 0; r < c->kernel_height; r++)
                for (int64_t i = 0; i < channels * panel; i++) {
                    double sum = 0;
                    for (int64_t s = 0; s < c->kernel_width; s++)
                        sum += kernel_factor(c, point, s) * (double)packed[((g * c->kernel_height + r) * c->kernel_width + s) * channels * panel + i];
                    *to++ = (float)sum;
                }
}

void winograd_rows_kernel_emit(Emit *e, const Node *node, const Convolution *c, const char *kernel, const char *to)
{
    int64_t panel = e->graph->panel, panels = (c->filters + panel - 1) / panel;
    phase_operand(e, operand_number(node, to), 4, (const int64_t[]){POINTS, panels, c->kernel_height * (c->channels / c->groups), panel});
    phase_begin(e, node, memory_format("%s_transform", kernel), OVER_EXTENT, panels);
    fill_sizes(e, c);
    fill(e, "KERNEL", "%s", kernel);
    fill(e, "TO", "%s", to);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int r = 0; r < $R; r++) {",
         "for (int c = 0; c < $CG; c++) {",
         "for (int part = 0; part < $PANEL; part += $L) {");
    for (int s = 0; s < c->kernel_width; s++) {
        fill_size(e, "I", s);
        EMIT(e, "const f32x$L g$I = load_f32x$L(&$KERNEL[g][(r * $S + $I) * $CG + c][part]);");
    }
    for (int point = 0; point < POINTS; point++) {
        double factors[POINTS];
        for (int s = 0; s < c->kernel_width; s++) factors[s] = kernel_factor(c, point, s);
        fill_size(e, "I", point);
        fill(e, "SUM", "%s", sum_text("g", factors, (int)c->kernel_width));
        EMIT(e, "store_f32x$L(&$TO[$I][g][r * $CG + c][part], $SUM);");
    }
    EMIT(e, "}", "}", "}", "}");
    phase_end(e);
}

/* ---- the passes over an image ---- */

static void emit_scratch(Emit *e, const Convolution *c, const char *work)
{
    fill(e, "SCRATCH", "%s", work);
    EMIT(e,
         memory_format("float (*const v)[$INPUTROWS][$TILES][$C] = (float (*)[$INPUTROWS][$TILES][$C])(%s);", work),
         memory_format("float (*const m)[$BANDROWS * $TILES][$K] = (float (*)[$BANDROWS * $TILES][$K])(%s + $VSIZE);", work));
    if (needs_line(c)) EMIT(e, memory_format("float *const line = %s + ($VSIZE + $MSIZE);", work), "memset(line, 0, $LINE * sizeof(float));");
}

/* v: the rows under the output rows p0 to p1, transformed, of c, which may be a group of the image's. Vectors lie along the channels. */
static void emit_input(Emit *e, const Convolution *image, const Convolution *c, const char *from)
{
    bool grouped = image->channels > c->channels;
    int64_t apart = needs_line(c) ? c->channels : image->channels; /* from pixel to pixel */
    static const double transform[POINTS][POINTS] = {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
    const Level *level = e->level, narrow = target_narrowed(e->full, c->channels);
    /* cppcheck-suppress autoVariables ; until the end of this function, which puts the old level back */
    e->level = &narrow;
    int lanes = narrow.lanes;
    int64_t rest = c->channels % lanes;
    fill_size(e, "L", lanes);
    fill_size(e, "WHOLE", c->channels - rest);
    fill(e, "FROM", "%s", from);
    EMIT(e,
         "for (int r = 0; r < p1 - p0 + ($R - 1); r++) {",
         "const int h = p0 + r - $TOP;",
         "if (h < 0 || h >= $H) {",
         "for (int i = 0; i < 6; i++) memset(v[i][r], 0, sizeof v[i][r]);",
         "continue;",
         "}");
    fill(e, "CHANNEL0", grouped ? "group * %lld" : "0", (long long)c->channels);
    if (grouped && needs_line(c)) EMIT(e, "for (int q = 0; q < $PIXELS; q++) memcpy(&line[$LEFTC + q * $C], &$FROM[n][h][q][$CHANNEL0], $C * sizeof(float));");
    else if (needs_line(c)) EMIT(e, "memcpy(&line[$LEFTC], &$FROM[n][h][0][0], $RUN * sizeof(float));");
    else EMIT(e, grouped ? "const float *const line = &$FROM[n][h][0][$CHANNEL0];" : "const float *const line = $FROM[n][h][0];");
    EMIT(e, "for (int j = 0; j < $TILES; j++) {");
    for (int part = 0; part < 2; part++) {
        int count = part ? (int)rest : lanes;
        if (part ? !rest : c->channels < lanes) continue;
        EMIT(e, part ? "{" : "for (int c = 0; c < $WHOLE; c += $L) {");
        if (part) EMIT(e, "const int c = $WHOLE;");
        for (int i = 0; i < POINTS; i++) {
            fill_size(e, "I", i);
            fill(e, "LOAD", "%s", load_text(e, memory_format("&line[(j * %lld + %d) * %lld + c]", (long long)tile_width(c), i, (long long)apart), count));
            EMIT(e, "const f32x$L d$I = $LOAD;");
        }
        for (int i = 0; i < POINTS; i++) emit_store(e, memory_format("&v[%d][r][j][c]", i), sum_text("d", transform[i], POINTS), count);
        EMIT(e, "}");
    }
    EMIT(e, "}", "}");
    e->level = level;
    fill_size(e, "L", level->lanes);
}

/* `offset`: of the group's first vector among all. */
static void emit_product_tile(Emit *e, const Convolution *c, int rows, const VectorGroup *group, const char *offset, const char *kernel)
{
    const char *first = group_first(group);
    tile_begin(e, rows, group->vectors, "{0}");
    EMIT(e, "for (int r = 0; r < $R; r++) {", "const float *const a = v[i][r][0] + j * $C;");
    tile_pointers(e, group->vectors, *offset ? memory_format("(%s%s)", offset, first) : first, e->graph->panel, memory_format("%s[i]", kernel), memory_format("r * %lld", (long long)c->channels));
    EMIT(e, "for (int c = 0; c < $C; c++) {");
    tile_step(e, rows, group->vectors, "a[$T * $C + c]", "load_f32x$L(b$V + c * $PANEL)");
    EMIT(e, "}", "}");
    tile_end(e, NULL, rows, group->vectors, group->last_lanes, "[i][j + $T][($G + $V) * $L]", "", "m");
}

/* m: for each point the products with the kernel, of c, which may be a group of the image's. */
static void emit_products(Emit *e, const Node *node, const Convolution *image, const Convolution *c, const char *kernel)
{
    const char *offset = convolution_group_offset(image, emit_level(e)->lanes);
    int64_t band = band_rows(c) * tiles_of(c);
    Work work = {.kernel = "winograd_rows", .rows = band, .columns = c->filters, .reduction = c->kernel_height * c->channels, .times = (double)(POINTS * image->groups) * (double)c->rows / (double)band_rows(c)};
    Tile tile = choose_tile(e, node, work);
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    fill_size(e, "TILE", tile.rows);
    EMIT(e, "for (int i = 0; i < 6; i++) {");
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        EMIT(e, "int j = 0;", "for (; j + $TILE <= (p1 - p0) * $TILES; j += $TILE) {");
        emit_product_tile(e, c, tile.rows, &groups[g], offset, kernel);
        EMIT(e, "}");
        /* The rest, by powers of two: how many there are depends on the band. */
        for (int rows = tile.rows > 8 ? 8 : tile.rows > 4 ? 4 : tile.rows > 2 ? 2 : 1; tile.rows > 1 && rows; rows /= 2) {
            fill_size(e, "PART", rows);
            EMIT(e, rows > 1 ? "if (j + $PART <= (p1 - p0) * $TILES) {" : "if (j < (p1 - p0) * $TILES) {");
            emit_product_tile(e, c, rows, &groups[g], offset, kernel);
            EMIT(e, "j += $PART;", "}");
        }
        group_end(e);
    }
    EMIT(e, "}");
}

/* y = At m, of a tile's first `count` results. */
static void emit_output_tile(Emit *e, const Node *node, const Convolution *image, const Convolution *c, int64_t count, int lanes, const char *bias, const char *to)
{
    const char *k = memory_format("%sk", convolution_group_offset(image, 1));
    for (int i = 0; i < POINTS; i++) {
        bool used = false; /* the point at infinity is only in a whole tile's last result */
        for (int64_t o = 0; o < count; o++) used = used || result_factor(c, i, o) < 0 || result_factor(c, i, o) > 0;
        if (!used) continue;
        fill_size(e, "I", i);
        fill(e, "LOAD", "%s", load_text(e, memory_format("&m[%d][(p - p0) * %lld + j][k]", i, (long long)tiles_of(c)), lanes));
        EMIT(e, "const f32x$L m$I = $LOAD;");
    }
    if (bias) {
        fill(e, "LOAD", "%s", load_text(e, memory_format("&%s[%s]", bias, k), lanes));
        EMIT(e, "const f32x$L b = $LOAD;");
    }
    for (int64_t o = 0; o < count; o++) {
        double factors[POINTS];
        for (int i = 0; i < POINTS; i++) factors[i] = result_factor(c, i, o);
        fill_size(e, "O", o);
        fill(e, "SUM", "%s%s", bias ? "b + " : "", sum_text("m", factors, POINTS));
        EMIT(e, "f32x$L y$O = $SUM;");
        const char *q = memory_format("j * %lld + %lld", (long long)tile_width(c), (long long)o), *at = memory_format("[n][p][%s][%s]", q, k);
        const char *index = memory_format("(uint32_t)(((n * %lld + p) * %lld + %s) * %lld + %s)", (long long)c->rows, (long long)c->columns, q, (long long)image->filters, k);
        const char *value = memory_format("y%lld", (long long)o);
        emit_epilogue(e, node, value, at, index, lanes);
        emit_store(e, memory_format("&%s%s", to, at), value, lanes);
    }
}

static void emit_output(Emit *e, const Node *node, const Convolution *image, const Convolution *c, const char *bias, const char *to)
{
    int lanes = emit_level(e)->lanes, rest = (int)(c->filters % lanes);
    int64_t whole_tiles = c->columns / tile_width(c), last = c->columns % tile_width(c);
    fill_size(e, "WHOLE", c->filters - rest);
    fill_size(e, "WHOLETILES", whole_tiles);
    EMIT(e, "for (int p = p0; p < p1; p++) {");
    for (int edge = 0; edge < 2; edge++) {
        if (edge ? !last : !whole_tiles) continue;
        EMIT(e, edge ? "{" : "for (int j = 0; j < $WHOLETILES; j++) {");
        if (edge) EMIT(e, "const int j = $WHOLETILES;");
        for (int part = 0; part < 2; part++) {
            if (part ? !rest : c->filters < lanes) continue;
            EMIT(e, part ? "{" : "for (int k = 0; k < $WHOLE; k += $L) {");
            if (part) EMIT(e, "const int k = $WHOLE;");
            emit_output_tile(e, node, image, c, edge ? last : tile_width(c), part ? rest : lanes, bias, to);
            EMIT(e, "}");
        }
        EMIT(e, "}");
    }
    EMIT(e, "}");
}

void winograd_rows_emit(Emit *e, const Node *node, const Convolution *image, const char *from, const char *kernel, const char *bias, const char *to)
{
    const Convolution group = convolution_of_group(image), *c = &group;
    int64_t parts = winograd_rows_parts(image);
    bool grouped = image->groups > 1;
    convolution_declare(e, 0, c->height, c->width, image->channels);
    convolution_declare(e, node->input_count + node->weight_count, c->rows, c->columns, image->filters);
    emit_narrow(e, image->filters);
    phase_begin(e, node, NULL, OVER_SAMPLES, parts);
    fill_sizes(e, c);
    fill_size(e, "PARTS", row_parts(image));
    emit_scratch(e, c, "work + $TASK * $WORK");
    EMIT(e, "$SAMPLES{");
    if (grouped)
        EMIT(e,
             "for (int turn = $LOW; turn < $HIGH; turn++) {",
             "const int group = turn / $PARTS, part = turn % $PARTS, end = (part + 1) * $P / $PARTS;",
             "for (int p0 = part * $P / $PARTS; p0 < end; p0 += $BANDROWS) {",
             "const int p1 = p0 + $BANDROWS < end ? p0 + $BANDROWS : end;");
    else if (node_is_shared(e->graph, node, parts)) EMIT(e, "const int end = (int)high * $P / $PARTS;", "for (int p0 = (int)low * $P / $PARTS; p0 < end; p0 += $BANDROWS) {", "const int p1 = p0 + $BANDROWS < end ? p0 + $BANDROWS : end;");
    else EMIT(e, "for (int p0 = 0; p0 < $P; p0 += $BANDROWS) {", "const int p1 = p0 + $BANDROWS < $P ? p0 + $BANDROWS : $P;");
    emit_input(e, image, c, from);
    emit_products(e, node, image, c, kernel);
    emit_output(e, node, image, c, bias, to);
    EMIT(e, "}", "}");
    if (grouped) EMIT(e, "}");
    phase_end(e);
}

/* ---- the gradient of the weights: by the adjoint, dU = V E with E = A d_y, and d_kernel = Gt dU ---- */

enum { WRITTEN_OUT = 48 }; /* rows of the matrix, at most, for which tiles are written out one by one */

int64_t winograd_rows_gradient_sums(const Convolution *c, int64_t panel)
{
    return POINTS * round_up(c->filters, panel) * c->kernel_height * (c->channels / c->groups);
}

/* m: d_y of the band, taken to the points. */
static void emit_gradient_tiles(Emit *e, const Convolution *c)
{
    int lanes = emit_level(e)->lanes, rest = (int)(c->filters % lanes);
    int64_t whole_tiles = c->columns / tile_width(c), last = c->columns % tile_width(c);
    fill_size(e, "WHOLE", c->filters - rest);
    fill_size(e, "WHOLETILES", whole_tiles);
    EMIT(e, "for (int p = p0; p < p1; p++) {");
    for (int edge = 0; edge < 2; edge++) {
        int64_t count = edge ? last : tile_width(c);
        if (edge ? !last : !whole_tiles) continue;
        EMIT(e, edge ? "{" : "for (int j = 0; j < $WHOLETILES; j++) {");
        if (edge) EMIT(e, "const int j = $WHOLETILES;");
        for (int part = 0; part < 2; part++) {
            if (part ? !rest : c->filters < lanes) continue;
            EMIT(e, part ? "{" : "for (int k = 0; k < $WHOLE; k += $L) {");
            if (part) EMIT(e, "const int k = $WHOLE;");
            for (int64_t o = 0; o < count; o++) {
                fill_size(e, "O", o);
                fill(e, "LOAD", "%s", load_text(e, memory_format("&d_y[n][p][j * %lld + %lld][k]", (long long)tile_width(c), (long long)o), part ? rest : lanes));
                EMIT(e, "const f32x$L d$O = $LOAD;");
            }
            for (int i = 0; i < POINTS; i++) {
                double factors[POINTS];
                for (int64_t o = 0; o < count; o++) factors[o] = result_factor(c, i, o);
                const char *sum = sum_text("d", factors, (int)count);
                emit_store(e, memory_format("&m[%d][(p - p0) * %lld + j][k]", i, (long long)tiles_of(c)), *sum ? sum : memory_format("(f32x%d){0}", lanes), part ? rest : lanes);
            }
            EMIT(e, "}");
        }
        EMIT(e, "}");
    }
    EMIT(e, "}");
}

/* Rows of the matrix from `first` on; `a` says where the tile's row $T lies behind the first number of a tile of v. */
static void emit_sums_tile(Emit *e, const Convolution *c, int rows, const VectorGroup *group, const char *first, const char *a)
{
    int lanes = emit_level(e)->lanes;
    fill(e, "FIRSTROW", "%s", first);
    fill(e, "VECTOR0", "%s", convolution_group_offset(c, lanes));
    EMIT(e, "{");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        EMIT(e, "float *const t$V = &sums[i][($VECTOR0$G + $V) / $PERPANEL][$FIRSTROW][($VECTOR0$G + $V) % $PERPANEL * $L];");
    }
    tile_begin(e, rows, group->vectors, "load_f32x$L(t$V + $T * $PANEL)");
    EMIT(e, "const float *a = v[i][0][0];", "for (int j = 0; j < (p1 - p0) * $TILES; j++) {");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        fill(e, "LOAD", "%s", load_text(e, memory_format("&m[i][j][%s(%s + %d) * %d]", convolution_group_offset(c, 1), group_first(group), v, lanes), v == group->vectors - 1 ? group->last_lanes : lanes));
        EMIT(e, "const f32x$L d$V = $LOAD;");
    }
    tile_step(e, rows, group->vectors, a, "d$V");
    EMIT(e, "a += $C;", "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            EMIT(e, "store_f32x$L(t$V + $T * $PANEL, s$T_$V);");
        }
    EMIT(e, "}");
}

static void emit_sums(Emit *e, const Node *node, const Convolution *c)
{
    int64_t channels = c->channels / c->groups, matrix = c->kernel_height * channels;
    bool written_out = matrix <= WRITTEN_OUT && c->groups == 1;
    int64_t run = written_out ? matrix : channels;
    Work work = {.kernel = "winograd_rows", .rows = run, .columns = c->filters / c->groups, .reduction = c->rows * tiles_of(c), .times = (double)(POINTS * c->groups * matrix / run)};
    Tile tile = choose_tile(e, node, work);
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters / c->groups, tile.vectors, groups), rest = (int)(run % tile.rows);
    fill_size(e, "PERPANEL", e->graph->panel / emit_level(e)->lanes);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "CFULL", run - rest);
    EMIT(e, "for (int i = 0; i < 6; i++) {");
    if (c->groups > 1) EMIT(e, memory_format("for (int group = 0; group < %lld; group++) {", (long long)c->groups));
    if (!written_out) EMIT(e, "for (int r = 0; r < $R; r++) {");
    for (int64_t first = 0; first < run; first += written_out || first + tile.rows >= run - rest ? tile.rows : run - rest) {
        int rows = (int)(run - first < tile.rows ? run - first : tile.rows);
        if (!written_out) {
            EMIT(e, first < run - rest ? "for (int c = 0; c < $CFULL; c += $TILE) {" : "{");
            if (first == run - rest) EMIT(e, "const int c = $CFULL;");
        }
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            fill_size(e, "M", first);
            if (written_out) emit_sums_tile(e, c, rows, &groups[g], memory_format("%lld", (long long)first), "a[($M + $T) / $C * $TILESC + ($M + $T) % $C]");
            else emit_sums_tile(e, c, rows, &groups[g], memory_format("r * %lld + c", (long long)channels), c->groups > 1 ? "a[r * $TILESC + group * $CG + c + $T]" : "a[r * $TILESC + c + $T]");
            group_end(e);
        }
        if (!written_out) EMIT(e, "}");
    }
    if (!written_out) EMIT(e, "}");
    if (c->groups > 1) EMIT(e, "}");
    EMIT(e, "}");
}

/* d_kernel = Gt dU, where dU is the sum of the shards. */
static void emit_kernel_gradient(Emit *e, const Node *node, const Convolution *c)
{
    int64_t panel = e->graph->panel, panels = (c->filters + panel - 1) / panel, matrix = c->kernel_height * (c->channels / c->groups);
    phase_begin(e, node, "weight_gradient", OVER_EXTENT, panels * matrix);
    fill_sizes(e, c);
    fill_size(e, "ALL", winograd_rows_gradient_sums(c, panel));
    fill_size(e, "POINT", panels * matrix * panel);
    fill_size(e, "SHARDS", TASKS);
    EMIT(e, "for (ptrdiff_t row = first; row < last; row++) {", "const ptrdiff_t r = row % $MATRIX / $CG, c = row % $CG;", "for (int part = 0; part < $PANEL; part += $L) {");
    for (int i = 0; i < POINTS; i++) {
        fill_size(e, "I", i);
        EMIT(e, "f32x$L u$I = load_f32x$L(&shards[$I * $POINT + row * $PANEL + part]);");
    }
    EMIT(e, "for (int s = 1; s < $SHARDS; s++) {");
    for (int i = 0; i < POINTS; i++) {
        fill_size(e, "I", i);
        EMIT(e, "u$I += load_f32x$L(&shards[s * $ALL + $I * $POINT + row * $PANEL + part]);");
    }
    EMIT(e, "}");
    for (int s = 0; s < c->kernel_width; s++) {
        double factors[POINTS];
        for (int i = 0; i < POINTS; i++) factors[i] = kernel_factor(c, i, s);
        fill(e, "SUM", "%s", sum_text("u", factors, POINTS));
        fill_size(e, "I", s);
        EMIT(e, "store_f32x$L(&d_kernel[row / $MATRIX][(r * $S + $I) * $CG + c][part], $SUM);");
    }
    EMIT(e, "}", "}");
    phase_end(e);
}

void winograd_rows_weight_gradient_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t panel = e->graph->panel;
    convolution_declare(e, 0, c->height, c->width, c->channels);
    convolution_declare(e, 1, c->rows, c->columns, c->filters);
    emit_narrow(e, c->filters);
    phase_begin(e, node, "weight_gradient_part", IN_SHARDS, 0);
    fill_sizes(e, c);
    fill_size(e, "PANELS", (c->filters + panel - 1) / panel);
    phase_sums(e, "shards", winograd_rows_gradient_sums(c, panel));
    EMIT(e, "float (*const sums)[$PANELS][$MATRIX][$PANEL] = (float (*)[$PANELS][$MATRIX][$PANEL])shards;");
    emit_scratch(e, c, "work + task * $WORK");
    EMIT(e,
         "for (ptrdiff_t n = first; n < last; n++) {",
         "for (int p0 = 0; p0 < $P; p0 += $BANDROWS) {",
         "const int p1 = p0 + $BANDROWS < $P ? p0 + $BANDROWS : $P;");
    emit_input(e, c, c, "x");
    emit_gradient_tiles(e, c);
    emit_sums(e, node, c);
    EMIT(e, "}", "}");
    phase_end(e);
    emit_kernel_gradient(e, node, c);
}
