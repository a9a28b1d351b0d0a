/* Convolution with few filters: a row of results is one run of numbers, pixel by filter, and vectors lie along it.
 *
 * Six filters would fill six of sixteen lanes. So each lane is a pixel and a filter here: y[p][i] += wide[p + r][i + s filters] u[r][s][i],
 * i counting pixels and filters together. In `wide`, rows of the input, each number stands once for each filter; what is under
 * another column of the kernel lies so many filters further on. The lanes of u repeat every lcm(filters, lanes) numbers: vectors
 * that lie so far apart share its vectors.
 *
 * Each input row is read once: it adds to the results of all the rows that it is under, whose sums stay in registers and move up by one
 * before the next row comes. In the gradient of the weights it meets the rows of d_y that it was under, and the sums that stay are those
 * of the kernel, for each lane apart; at the end the lanes of a filter are added.
 *
 * The layouts are wide[channel][row][pixel and filter] and u[channel and kernel column][kernel row][lane of the period]. */
#include "convolution.h"

enum { BAND_FLOATS = 16384, GRADIENT_BAND_FLOATS = 6144, SLACK = 16 }; /* laid out at once: what the first two caches hold, or the first; behind each row, for the last pixel's vector */

static int64_t common_multiple(int64_t a, int64_t b)
{
    int64_t multiple = a;
    while (multiple % b) multiple += a;
    return multiple;
}

static int64_t period(const Convolution *c, int64_t panel)
{
    return common_multiple(c->filters, panel);
}

/* How many vectors, lcm(filters, lanes) apart, have sums for all rows of the kernel in registers: so many that the steps take the least time. */
static Tile abreast(const Convolution *c, const Level *level)
{
    int64_t all = (c->columns * c->filters + common_multiple(c->filters, level->lanes) - 1) / common_multiple(c->filters, level->lanes);
    Tile best = {(int)c->kernel_height, 1};
    double least = 0;
    for (int vectors = 1; vectors <= MOST_TILE_VECTORS; vectors++) {
        const Tile tile = {(int)c->kernel_height, vectors};
        if (tile_registers(level, tile) > level->registers) break;
        double sums = tile.rows * vectors / 2.0, loads = (tile.rows + 2 * vectors) / 2.0; /* loads that cross the cache's lines count twice */
        double cycles = (double)((all + vectors - 1) / vectors) * ((sums > loads ? sums : loads) + loads / 4); /* of equals the one with fewer loads */
        if (vectors == 1 || cycles < least) best = tile, least = cycles;
    }
    return best;
}

/* Numbers of a row of results with what the last tiles reach beyond it. */
static int64_t row_at(const Convolution *c, const Level *level)
{
    int64_t apart = common_multiple(c->filters, level->lanes);
    return round_up(c->columns * c->filters, apart * abreast(c, level).vectors);
}

/* The same for the widest level: memory is laid out alike for all. */
static int64_t row_floats(const Convolution *c, int64_t panel)
{
    int64_t most = 0;
    for (int lanes = SHORTEST_VECTOR; lanes <= panel; lanes *= 2)
        for (int i = 0; i < 4; i++) {
            const Level level = {.lanes = lanes, .registers = i & 1 ? 32 : 16, .fma = i & 2};
            int64_t floats = row_at(c, &level);
            if (floats > most) most = floats;
        }
    return round_up(most, panel);
}

static int64_t wide_floats(const Convolution *c, int64_t panel)
{
    return round_up(row_floats(c, panel) + (c->kernel_width - 1) * c->filters + SLACK, panel);
}

/* Rows that are worked on at once: of the output, where some of the input are read again for the next band, or of the input, for the
 * gradient of the weights, where bands of about the same size cost little and stay in the first-level cache. */
static int64_t band_rows(const Convolution *c, int64_t panel, bool gradient)
{
    int64_t all = gradient ? c->height : c->rows, floats = gradient ? GRADIENT_BAND_FLOATS : BAND_FLOATS;
    int64_t rows = floats / (c->channels * wide_floats(c, panel) + row_floats(c, panel)) - (gradient ? c->kernel_height / 2 : 0);
    if (rows < c->kernel_height) rows = c->kernel_height;
    int64_t bands = (all + rows - 1) / rows;
    return (all + bands - 1) / bands;
}

/* Multiply-adds, or what takes as long, where few filters fill the vectors of `panel` lanes badly: by that share it is cheaper than it looks. */
Way flat_rows_way(const Convolution *c, int64_t panel)
{
    Way way = {.name = "flat_rows", .hindrance = convolution_hindrance(c)};
    if (c->filters % panel == 0) way.hindrance = "the filters fill vectors";
    else if (c->stride_height > 1 || c->stride_width > 1) way.hindrance = "the kernel makes strides";
    else if (c->kernel_height > 12) way.hindrance = "the kernel is more than 12 rows high";
    if (way.hindrance) return way;
    const Level level = {.lanes = (int)panel, .registers = panel > 8 ? 32 : 16, .fma = true};
    enum { SPREADING = 2, PASSING = 1 }; /* cycles for a number of the image, and for a vector of results on its way out */
    double peak = (double)(MULTIPLY_ADDS * panel);
    const Tile tile = abreast(c, &level);
    double loads = (tile.rows + 2 * tile.vectors) / 2.0, sums = tile.rows * tile.vectors / 2.0;
    double products = (double)(c->rows * row_at(c, &level)) * (double)(c->kernel_height * c->kernel_width * c->channels);
    products *= 1.15 * (loads > sums ? loads / sums : 1);
    double spreading = (double)(c->height * c->width * c->channels * SPREADING) * (double)round_up(c->filters, panel) / (double)panel;
    double passing = (double)(c->rows * row_at(c, &level) * PASSING) / (double)panel;
    way.cost = (products + peak * (spreading + passing)) * (double)c->filters / (double)round_up(c->filters, panel);
    return way;
}

/* Floats of `wide`, and of what lies beside it. */
static int64_t wide_size(const Convolution *c, int64_t panel, bool gradient)
{
    int64_t rows = band_rows(c, panel, gradient);
    if (!gradient) rows = rows + c->kernel_height - 1 < c->height ? rows + c->kernel_height - 1 : c->height;
    return c->channels * rows * wide_floats(c, panel);
}

int64_t flat_rows_workspace(const Convolution *c, int64_t panel, bool gradient)
{
    int64_t rows = band_rows(c, panel, gradient) + (gradient ? c->kernel_height - 1 : 0);
    return wide_size(c, panel, gradient) + rows * row_floats(c, panel);
}

static void fill_sizes(Emit *e, const Convolution *c, bool gradient)
{
    int64_t panel = e->graph->panel, band = band_rows(c, panel, gradient);
    convolution_fill(e, c);
    fill_size(e, "BANDROWS", band);
    fill_size(e, "WIDEROWS", wide_size(c, panel, gradient) / (c->channels * wide_floats(c, panel)));
    fill_size(e, "RUNK", c->columns * c->filters);
    fill_size(e, "ROW", row_floats(c, panel));
    fill_size(e, "WIDE", wide_floats(c, panel));
    fill_size(e, "LEFTK", c->pad_left * c->filters);
    fill_size(e, "RIGHTK", (c->pad_left + c->width) * c->filters);
    fill_size(e, "WIDESIZE", wide_size(c, panel, gradient));
    fill_size(e, "WORK", flat_rows_workspace(c, panel, gradient));
    fill_size(e, "PERIOD", period(c, panel));
    fill_size(e, "APART", common_multiple(c->filters, emit_level(e)->lanes));
}

/* ---- the kernel ---- */

Shape flat_rows_kernel_shape(const Convolution *c, int64_t panel)
{
    return shape_of(3, (const int64_t[]){c->channels * c->kernel_width, c->kernel_height, period(c, panel)});
}

void flat_rows_kernel_values(const Convolution *c, int64_t panel, const float *packed, float *to)
{
    int64_t matrix = c->kernel_height * c->kernel_width * c->channels;
    for (int64_t i = 0; i < c->channels; i++)
        for (int64_t s = 0; s < c->kernel_width; s++)
            for (int64_t r = 0; r < c->kernel_height; r++)
                for (int64_t j = 0; j < period(c, panel); j++) {
                    int64_t k = j % c->filters, row = (r * c->kernel_width + s) * c->channels + i;
                    *to++ = packed[(k / panel * matrix + row) * panel + k % panel];
                }
}

void flat_rows_kernel_emit(Emit *e, const Node *node, const Convolution *c, const char *kernel, const char *to)
{
    phase_begin(e, node, memory_format("%s_repeat", kernel), OVER_EXTENT, c->channels * c->kernel_width);
    fill_sizes(e, c, false);
    fill(e, "KERNEL", "%s", kernel);
    fill(e, "TO", "%s", to);
    EMIT(e,
         "for (ptrdiff_t row = first; row < last; row++) {",
         "for (int r = 0; r < $R; r++) {",
         "for (int j = 0; j < $PERIOD; j++) {",
         "const int k = j % $K;",
         "$TO[row][r][j] = $KERNEL[k / $PANEL][(r * $S + row % $S) * $C + row / $S][k % $PANEL];",
         "}",
         "}",
         "}");
    phase_end(e);
}

/* ---- the passes over an image ---- */

/* wide: the input's rows h0 to h1. The vectors of one pixel may reach into the next, which is written after it. */
static void emit_wide(Emit *e, const Convolution *c, const char *from)
{
    const Level *level = e->level, narrow = target_narrowed(e->full, c->filters);
    /* cppcheck-suppress autoVariables ; until the end of this function, which puts the old level back */
    e->level = &narrow;
    fill_size(e, "L", narrow.lanes);
    fill(e, "FROM", "%s", from);
    EMIT(e,
         "for (int c = 0; c < $C; c++) {",
         "for (int h = h0; h < h1; h++) {",
         "float *const row = wide[c][h - h0];",
         "for (int w = 0; w < $W; w++) {",
         "const f32x$L value = (f32x$L){0} + $FROM[n][h][w][c];");
    for (int64_t k = 0; k < c->filters; k += narrow.lanes) {
        fill_size(e, "OFFSET", c->pad_left * c->filters + k);
        EMIT(e, "store_f32x$L(row + (w * $K + $OFFSET), value);");
    }
    EMIT(e, "}", "memset(row + $RIGHTK, 0, ($WIDE - $RIGHTK) * sizeof(float));");
    if (c->pad_left) EMIT(e, "memset(row, 0, $LEFTK * sizeof(float));");
    EMIT(e, "}", "}");
    e->level = level;
    fill_size(e, "L", level->lanes);
}

/* s<j>_<t> for all vectors t of the tile: a template with $J and $T. */
static void emit_for_vectors(Emit *e, int vectors, int64_t j, const char *template)
{
    fill_size(e, "J", j);
    for (int t = 0; t < vectors; t++) {
        fill_size(e, "T", t);
        EMIT(e, template);
    }
}

/* z: the sums of the rows p0 to p1. Those of a row of results stand in s0 when the last row under it is there. */
static void emit_products(Emit *e, const Convolution *c, int vectors, const char *kernel, const char *initial)
{
    int64_t high = c->kernel_height;
    fill_size(e, "GROUP", vectors * common_multiple(c->filters, emit_level(e)->lanes));
    fill_size(e, "REACH", high - 1);
    fill(e, "KERNEL", "%s", kernel);
    EMIT(e, "for (int f = 0; f < $APART; f += $L) {");
    if (initial) EMIT(e, "const f32x$L initial = load_f32x$L(&biases[f]);");
    else EMIT(e, "const f32x$L initial = {0};");
    EMIT(e, "for (int i = f; i < $RUNK; i += $GROUP) {");
    for (int64_t j = 0; j < high; j++) emit_for_vectors(e, vectors, j, "f32x$L s$J_$T = initial;");
    EMIT(e,
         "for (int h = h0; h < h1; h++) {",
         "for (int row = 0; row < $C * $S; row++) {",
         "const float *const a = &wide[row / $S][h - h0][i + row % $S * $K];",
         "const float *const b = &$KERNEL[row][0][f];");
    emit_for_vectors(e, vectors, 0, "const f32x$L x$T = load_f32x$L(a + $T * $APART);");
    for (int64_t r = 0; r < high; r++) {
        fill_size(e, "R0", r);
        EMIT(e, "{", "const f32x$L u = load_f32x$L(b + $R0 * $PERIOD);");
        emit_for_vectors(e, vectors, high - 1 - r, "s$J_$T += x$T * u;");
        EMIT(e, "}");
    }
    EMIT(e, "}", "const int p = h + $TOP - $REACH;", "if (p >= p0) {");
    emit_for_vectors(e, vectors, 0, "store_f32x$L(&z[p - p0][i + $T * $APART], s$J_$T);");
    EMIT(e, "}");
    for (int64_t j = 1; j < high; j++) {
        fill_size(e, "BEFORE", j - 1);
        emit_for_vectors(e, vectors, j, "s$BEFORE_$T = s$J_$T;");
    }
    emit_for_vectors(e, vectors, high - 1, "s$J_$T = initial;");
    EMIT(e, "}");
    /* Rows that reach below the image lack what is not there. */
    for (int64_t j = 0; j + 1 < high; j++) {
        fill_size(e, "J", j);
        EMIT(e, "if (h1 + $TOP - $REACH + $J >= p0 && h1 + $TOP - $REACH + $J < p1) {");
        emit_for_vectors(e, vectors, j, "store_f32x$L(&z[h1 + $TOP - $REACH + $J - p0][i + $T * $APART], s$J_$T);");
        EMIT(e, "}");
    }
    EMIT(e, "}", "}");
}

static Tile record_tile(Emit *e, const Node *node, const Convolution *c, Tile tile)
{
    const Work work = {.kernel = "flat_rows", .rows = c->kernel_height, .columns = c->columns * c->filters, .reduction = c->kernel_width * c->channels, .times = (double)c->rows};
    return choose_only(e, node, work, tile, "rows of the kernel by vectors that share its numbers");
}

void flat_rows_emit(Emit *e, const Node *node, const Convolution *c, const char *from, const char *kernel, const char *bias, const char *to)
{
    int64_t run = c->columns * c->filters;
    convolution_declare(e, 0, c->height, c->width, c->channels);
    phase_operand(e, node->input_count + node->weight_count, 3, (const int64_t[]){-1, c->rows, run});
    emit_narrow(e, run);
    Tile tile = record_tile(e, node, c, abreast(c, emit_level(e)));
    phase_begin(e, node, NULL, OVER_SAMPLES, c->rows);
    fill_sizes(e, c, false);
    fill(e, "BIAS", "%s", bias ? bias : "");
    EMIT(e,
         "float (*const wide)[$WIDEROWS][$WIDE] = (float (*)[$WIDEROWS][$WIDE])(work + $TASK * $WORK);",
         "float (*const z)[$ROW] = (float (*)[$ROW])(work + $TASK * $WORK + $WIDESIZE);");
    if (bias) EMIT(e, "float biases[$PERIOD];", "for (int j = 0; j < $PERIOD; j++) biases[j] = $BIAS[j % $K];");
    EMIT(e,
         "$SAMPLES{",
         "for (int p0 = $LOW; p0 < $HIGH; p0 += $BANDROWS) {",
         "const int p1 = p0 + $BANDROWS < $HIGH ? p0 + $BANDROWS : $HIGH;",
         "const int h0 = p0 > $TOP ? p0 - $TOP : 0, h1 = p1 + ($R - 1 - $TOP) < $H ? p1 + ($R - 1 - $TOP) : $H;");
    emit_wide(e, c, from);
    emit_products(e, c, tile.vectors, kernel, bias);
    EMIT(e, "for (int p = p0; p < p1; p++) {");
    run_emit(e, node, run, "&z[p - p0][j]", to, "[n][p][j]", memory_format("(uint32_t)((n * %lld + p) * %lld + j)", (long long)c->rows, (long long)run));
    EMIT(e, "}", "}", "}");
    phase_end(e);
}

/* ---- the gradient of the weights ---- */

int64_t flat_rows_gradient_sums(const Convolution *c, int64_t panel)
{
    return c->channels * c->kernel_width * c->kernel_height * period(c, panel);
}

/* Columns of the kernel whose sums stay in registers together, for all its rows. */
static int columns_at_once(const Convolution *c, const Level *level)
{
    int columns = 1;
    while (columns < c->kernel_width && tile_registers(level, (Tile){(int)c->kernel_height, columns + 1}) <= level->registers) columns++;
    return columns;
}

/* d: the rows of d_y that the rows h0 to h1 of the input are under, with zeros where there are none, and behind each row. */
static void emit_gradient_rows(Emit *e)
{
    EMIT(e,
         "for (int i = 0; i < h1 - h0 + ($R - 1); i++) {",
         "const int p = h0 + i + $TOP - ($R - 1);",
         "if (p >= 0 && p < $P) {",
         "memcpy(d[i], d_y[n][p], $RUNK * sizeof(float));",
         "memset(d[i] + $RUNK, 0, ($ROW - $RUNK) * sizeof(float));",
         "} else {",
         "memset(d[i], 0, sizeof d[i]);",
         "}",
         "}");
}

/* s<r>_<s> for all rows r and `count` columns s of the kernel: a template with $R0, $J and their place $COLUMN + $R0. */
static void emit_for_sums(Emit *e, const Convolution *c, int count, const char *template)
{
    for (int s = 0; s < count; s++) {
        fill_size(e, "COLUMN", s * c->kernel_height);
        fill_size(e, "J", s);
        for (int64_t r = 0; r < c->kernel_height; r++) {
            fill_size(e, "R0", r);
            EMIT(e, template);
        }
    }
}

/* The sums of `count` columns of the kernel from number $S0 on, of channel c, for the lanes f and the following of the period. */
static void emit_sums(Emit *e, const Convolution *c, int count)
{
    int64_t high = c->kernel_height;
    EMIT(e, "{", "float *const t = &sums[c * $S + $S0][0][f];");
    emit_for_sums(e, c, count, "f32x$L s$R0_$J = load_f32x$L(t + ($COLUMN + $R0) * $PERIOD);");
    EMIT(e, "for (int h = h0; h < h1; h++) {", "const float *a = &wide[c][h - h0][f + $S0 * $K], *b = &d[h - h0][f];", "for (int i = f; i < $RUNK; i += $APART) {");
    for (int s = 0; s < count; s++) {
        fill_size(e, "J", s);
        EMIT(e, "const f32x$L x$J = load_f32x$L(a + $J * $K);");
    }
    for (int64_t r = 0; r < high; r++) {
        fill_size(e, "R0", r);
        fill_size(e, "UP", high - 1 - r);
        EMIT(e, "{", "const f32x$L u = load_f32x$L(b + $UP * $ROW);");
        for (int s = 0; s < count; s++) {
            fill_size(e, "J", s);
            EMIT(e, "s$R0_$J += x$J * u;");
        }
        EMIT(e, "}");
    }
    EMIT(e, "a += $APART;", "b += $APART;", "}", "}");
    emit_for_sums(e, c, count, "store_f32x$L(t + ($COLUMN + $R0) * $PERIOD, s$R0_$J);");
    EMIT(e, "}");
}

/* d_kernel: over all shards and the lanes of each filter. */
static void emit_kernel_gradient(Emit *e, const Node *node, const Convolution *c)
{
    int64_t panel = e->graph->panel, columns = round_up(c->filters, panel);
    phase_begin(e, node, "weight_gradient", OVER_EXTENT, c->channels * c->kernel_width);
    fill_sizes(e, c, true);
    fill_size(e, "ALL", flat_rows_gradient_sums(c, panel));
    fill_size(e, "SHARDS", TASKS);
    fill_size(e, "FILTERS", columns);
    EMIT(e,
         "for (ptrdiff_t row = first; row < last; row++) {",
         "for (int r = 0; r < $R; r++) {",
         "float lanes[$PERIOD], sum[$FILTERS] = {0};",
         "for (int j = 0; j < $PERIOD; j += $L) {",
         "const float *const from = &shards[(row * $R + r) * $PERIOD + j];",
         "f32x$L v = load_f32x$L(from);",
         "for (int s = 1; s < $SHARDS; s++) v += load_f32x$L(from + s * $ALL);",
         "store_f32x$L(&lanes[j], v);",
         "}",
         "for (int j = 0; j < $PERIOD; j++) sum[j % $K] += lanes[j];",
         "for (int k = 0; k < $FILTERS; k++) d_kernel[k / $PANEL][(r * $S + row % $S) * $C + row / $S][k % $PANEL] = sum[k];",
         "}",
         "}");
    phase_end(e);
}

void flat_rows_weight_gradient_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t panel = e->graph->panel, run = c->columns * c->filters;
    convolution_declare(e, 0, c->height, c->width, c->channels);
    phase_operand(e, 1, 3, (const int64_t[]){-1, c->rows, run});
    emit_narrow(e, run);
    int at_once = columns_at_once(c, emit_level(e));
    record_tile(e, node, c, (Tile){(int)c->kernel_height, at_once});
    phase_begin(e, node, "weight_gradient_part", IN_SHARDS, 0);
    fill_sizes(e, c, true);
    phase_sums(e, "shards", flat_rows_gradient_sums(c, panel));
    EMIT(e,
         "float (*const sums)[$R][$PERIOD] = (float (*)[$R][$PERIOD])shards;",
         "float (*const wide)[$WIDEROWS][$WIDE] = (float (*)[$WIDEROWS][$WIDE])(work + task * $WORK);",
         "float (*const d)[$ROW] = (float (*)[$ROW])(work + task * $WORK + $WIDESIZE);",
         "for (ptrdiff_t n = first; n < last; n++) {",
         "for (int h0 = 0; h0 < $H; h0 += $BANDROWS) {",
         "const int h1 = h0 + $BANDROWS < $H ? h0 + $BANDROWS : $H;");
    emit_wide(e, c, "x");
    emit_gradient_rows(e);
    EMIT(e, "for (int c = 0; c < $C; c++) {", "for (int f = 0; f < $APART; f += $L) {");
    for (int64_t s = 0; s < c->kernel_width; s += at_once) {
        fill_size(e, "S0", s);
        emit_sums(e, c, (int)(c->kernel_width - s < at_once ? c->kernel_width - s : at_once));
    }
    EMIT(e, "}", "}", "}", "}");
    phase_end(e);
    emit_kernel_gradient(e, node, c);
}
