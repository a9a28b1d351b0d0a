/* The gradients of a convolution behind which only the largest of each 2x2 results were kept, and of these, by a rectifier, only what is
 * positive: most of d_y is zero, and the sums are made of the rest.
 *
 *     d_kernel[k][r][s][c] = sum over d_y[p][q][k] != 0 of d_y[p][q][k] x[p + r][q + s][c]
 *     d_x[p + r][q + s][c] = sum over d_y[p][q][k] != 0 of d_y[p][q][k] kernel[k][r][s][c]
 *
 * What is not zero is found by vectors of filters and kept as bits. For d_kernel, a filter has a word of a bit for each pooled place of a
 * block; the whole kernel's gradient stays in registers while the filter's places go by, and the block's pixels in the first-level
 * cache. For d_x a place of the unpooled image has a bit for each filter; one row of the kernel, of all filters, stays in the cache, and
 * the pixels under it stay in registers while it moves along. Both are the direct sums, in a fixed order, without terms that are zero. */
#include "convolution.h"

enum {
    WORD = 64,            /* bits */
    MOST_COLUMNS = 32,    /* of a block, so that a row of places fits into the lanes of whole numbers */
    CACHE_FLOATS = 8192,  /* of a first-level cache */
    BAND_WORDS = 1024,    /* bits of places of d_y at once: a quarter of it */
    BESIDE_SUMS = 3,      /* registers */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t pooled_rows(const Convolution *c)
{
    return c->rows / 2;
}

static int64_t pooled_columns(const Convolution *c)
{
    return c->columns / 2;
}

static int64_t matrix_floats(const Convolution *c)
{
    return c->kernel_height * c->kernel_width * c->channels;
}

/* The image with its zeros around it, as far as the kernel sees it. */
static int64_t image_rows(const Convolution *c)
{
    return c->rows + c->kernel_height - 1;
}

static int64_t image_row_floats(const Convolution *c)
{
    return (convolution_is_padded(c) ? c->columns + c->kernel_width - 1 : c->width) * c->channels;
}

static int64_t block_columns(const Convolution *c)
{
    int64_t columns = pooled_columns(c), blocks = (columns + MOST_COLUMNS - 1) / MOST_COLUMNS;
    return (columns + blocks - 1) / blocks;
}

static int64_t pixel_rows(const Convolution *c, int64_t places)
{
    return 2 * places + c->kernel_height - 1;
}

static int64_t block_rows(const Convolution *c)
{
    int64_t columns = block_columns(c), rows = least(pooled_rows(c), WORD / columns);
    while (rows > 1 && pixel_rows(c, rows) * (2 * columns + c->kernel_width - 1) * c->channels > CACHE_FLOATS) rows--;
    return rows;
}

static int64_t words(const Convolution *c)
{
    return (c->filters + WORD - 1) / WORD;
}

static int64_t band_rows(const Convolution *c)
{
    int64_t rows = BAND_WORDS / (pooled_columns(c) * words(c) * 4);
    return rows < 1 ? 1 : least(rows, pooled_rows(c));
}

Way convolution_sparse_way(const Convolution *c, int64_t panel, bool pooled, bool rectified)
{
    Way way = {.name = "sparse", .hindrance = winograd_way(c, 4, panel).hindrance};
    if (!pooled) way.hindrance = "no max-pooling of 2x2 follows";
    else if (!rectified) way.hindrance = "no rectifier follows";
    else if (c->filters > WORD && c->filters % WORD) way.hindrance = memory_format("there are %lld filters, no multiple of %d", (long long)c->filters, (int)WORD);
    if (way.hindrance) return way;
    double places = (double)(pooled_rows(c) * pooled_columns(c)), kernel = (double)(matrix_floats(c) * c->filters);
    double blocks = places / (double)(block_rows(c) * block_columns(c));
    /* A half of what the pooling leaves is positive; sums go to registers and back once for each block, or pixel and row of the kernel. */
    way.cost = 1.3 * 0.5 * places * kernel + 5 * blocks * kernel + 6 * 4 * places * (double)matrix_floats(c);
    return way;
}

int64_t convolution_sparse_sums(const Convolution *c)
{
    return matrix_floats(c) * c->filters + c->filters;
}

/* The scratch of one task: bits for the block, bits for the band, rows of x laid out, and the image d_x, these two where there is padding. */
static int64_t laid_out_floats(const Convolution *c)
{
    return convolution_is_padded(c) ? pixel_rows(c, block_rows(c)) * image_row_floats(c) : 0;
}

static int64_t block_words(const Convolution *c)
{
    return block_rows(c) * c->filters;
}

static int64_t band_words(const Convolution *c)
{
    return band_rows(c) * pooled_columns(c) * words(c) * 4;
}

int64_t convolution_sparse_workspace(const Convolution *c)
{
    return 2 * band_words(c) + block_words(c) + laid_out_floats(c) + (convolution_is_padded(c) ? image_rows(c) * image_row_floats(c) : 0);
}

int64_t convolution_sparse_kernel_floats(const Convolution *c)
{
    return matrix_floats(c) * c->filters;
}

static int most_sums(const Emit *e)
{
    return emit_level(e)->registers - BESIDE_SUMS - !emit_level(e)->fma;
}

/* Vectors of channels that go together in d_x: as many as registers hold of pixels under a row of the kernel, and the cache of its rows. */
static int channel_vectors(const Emit *e, const Convolution *c)
{
    int lanes = emit_level(e)->lanes, all = (int)(c->channels / lanes), vectors = 1;
    for (int v = 2; v <= all; v++)
        if (all % v == 0 && v * c->kernel_width <= most_sums(e) && v * lanes * c->kernel_width * c->filters <= CACHE_FLOATS) vectors = v;
    return vectors;
}

static void fill_sparse(Emit *e, const Convolution *c)
{
    convolution_fill(e, c);
    fill_size(e, "PP", pooled_rows(c));
    fill_size(e, "PQ", pooled_columns(c));
    fill_size(e, "BR", block_rows(c));
    fill_size(e, "BC", block_columns(c));
    fill_size(e, "BAND", band_rows(c));
    fill_size(e, "WORDS", words(c));
    fill_size(e, "WORDVECTORS", least(c->filters, WORD) / emit_level(e)->lanes);
    fill_size(e, "MATRIX", matrix_floats(c));
    fill_size(e, "IMAGEROW", image_row_floats(c));
    fill_size(e, "IMAGEROWS", image_rows(c));
    fill_size(e, "LEFTC", c->pad_left * c->channels);
    fill_size(e, "WC", c->width * c->channels);
    fill_size(e, "PIXELROWS", pixel_rows(c, block_rows(c)));
    fill_size(e, "BANDWORDS", 2 * band_words(c));
    fill_size(e, "XROWS", 2 * band_words(c) + block_words(c));
    fill_size(e, "IMAGE", 2 * band_words(c) + block_words(c) + laid_out_floats(c));
    fill_size(e, "WORK", convolution_sparse_workspace(c));
    int vectors = channel_vectors(e, c);
    fill_size(e, "RUN", vectors * emit_level(e)->lanes);
    fill_size(e, "RUNS", c->channels / (vectors * emit_level(e)->lanes));
}

/* turned[r][run of channels][k][s][c], as d_x reads it. */
static void emit_kernel(Emit *e, const Node *node, const Convolution *c)
{
    phase_begin(e, node, "transpose", OVER_EXTENT, c->filters / e->graph->panel);
    fill_sparse(e, c);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int r = 0; r < $R; r++) {",
         "for (int part = 0; part < $RUNS; part++) {",
         "for (int k = 0; k < $PANEL; k++) {",
         "float *const to = turned + ((r * $RUNS + part) * $K + g * $PANEL + k) * ($S * $RUN);",
         "for (int s = 0; s < $S; s++) {",
         "for (int i = 0; i < $RUN; i++) to[s * $RUN + i] = kernel[g][(r * $S + s) * $C + part * $RUN + i][k];",
         "}",
         "}",
         "}",
         "}",
         "}");
    phase_end(e);
}

/* The words of a block, and the sums for the bias. */
static void emit_words(Emit *e, bool bias)
{
    EMIT(e, "for (int k = 0; k < $K; k += $L) {");
    if (bias) EMIT(e, "f32x$L sum = load_f32x$L(&bias_sums[k]);");
    EMIT(e,
         "for (int p = 0; p < rows; p++) {",
         "i32x$L found = {0};",
         "for (int q = 0; q < columns; q++) {",
         "const f32x$L d = load_f32x$L(&d_y[n][p0 + p][q0 + q][k]);");
    if (bias) EMIT(e, "sum += d;");
    EMIT(e, "found |= (d != 0.0f) & (int32_t)(1u << q);", "}", "store_part_i32x$L(&block[p][k], found, $L);", "}");
    if (bias) EMIT(e, "store_f32x$L(&bias_sums[k], sum);");
    EMIT(e, "}");
}

/* The rows of x under the block, with zeros around them. */
static void emit_padded_rows(Emit *e)
{
    EMIT(e,
         "for (int r = 0; r < 2 * rows + $R - 1; r++) {",
         "const int h = 2 * p0 + r - $TOP;",
         "memset(x_rows[r], 0, sizeof x_rows[r]);",
         "if (h >= 0 && h < $H) memcpy(&x_rows[r][$LEFTC], x[n][h][0], $WC * sizeof(float));",
         "}");
}

/* d_kernel of each filter: all vectors of the kernel at once where registers hold them, else parts of its rows. */
static void emit_kernel_sums(Emit *e, const Convolution *c)
{
    int lanes = emit_level(e)->lanes, row = (int)(c->kernel_width * c->channels) / lanes, all = row * (int)c->kernel_height, each = row;
    bool whole = all <= most_sums(e);
    while (each > most_sums(e) || row % each) each--;
    if (whole) each = all;
    fill_size(e, "PARTFLOATS", each * lanes);
    EMIT(e,
         "for (int k = 0; k < $K; k++) {",
         "uint64_t found = (uint32_t)block[0][k];",
         "for (int p = 1; p < rows; p++) found |= (uint64_t)(uint32_t)block[p][k] << p * $BC;",
         "if (!found) continue;");
    if (!whole) EMIT(e, "for (int r = 0; r < $R; r++) {", "for (int part = 0; part < $S * $C; part += $PARTFLOATS) {");
    EMIT(e, whole ? "float *const t = sums[k];" : "float *const t = &sums[k][r * ($S * $C) + part];");
    for (int i = 0; i < each; i++) {
        fill_size(e, "I", i);
        EMIT(e, "f32x$L s$I = load_f32x$L(t + $I * $L);");
    }
    EMIT(e,
         "for (uint64_t left = found; left; left &= left - 1) {",
         "const int place = __builtin_ctzll(left), p = place / $BC, q = place % $BC;",
         "const float d = d_y[n][p0 + p][q0 + q][k];",
         "const int at = selected[n][p0 + p][q0 + q][k] & 3;");
    fill(e, "PARTAT", "%s", whole ? "" : memory_format(" + r * %lld + part", (long long)image_row_floats(c)));
    EMIT(e, convolution_is_padded(c) ? "const float *const a = &x_rows[2 * p + at / 2][(2 * (q0 + q) + at % 2) * $C]$PARTAT;"
                                     : "const float *const a = x[n][2 * (p0 + p) + at / 2][2 * (q0 + q) + at % 2]$PARTAT;");
    for (int i = 0; i < each; i++) {
        fill_size(e, "I", i);
        fill_size(e, "AT", i / row * image_row_floats(c) + i % row * lanes);
        EMIT(e, "s$I += d * load_f32x$L(a + $AT);");
    }
    EMIT(e, "}");
    for (int i = 0; i < each; i++) {
        fill_size(e, "I", i);
        EMIT(e, "store_f32x$L(t + $I * $L, s$I);");
    }
    if (!whole) EMIT(e, "}", "}");
    EMIT(e, "}");
}

/* The bits of the places of a band: of each 2x2 places of the image for all filters. */
static void emit_places(Emit *e)
{
    EMIT(e,
         "for (int p = 0; p < rows; p++) {",
         "for (int q = 0; q < $PQ; q++) {",
         "for (int word = 0; word < $WORDS; word++) {",
         "uint64_t found[4] = {0};",
         "for (int v = 0; v < $WORDVECTORS; v++) {",
         "const int k = word * 64 + v * $L;",
         "const i32x$L is = load_f32x$L(&d_y[n][p0 + p][q][k]) != 0.0f, at = load_u8_i32x$L(&selected[n][p0 + p][q][k]);",
         "UNROLL for (int i = 0; i < 4; i++) found[i] |= (uint64_t)bits_i32x$L(is & (at == i)) << v * $L;",
         "}",
         "for (int i = 0; i < 4; i++) band[p][q][i][word] = found[i];",
         "}",
         "}",
         "}");
}

static void emit_pixel(Emit *e, int vectors, int from, int to, const char *line)
{
    for (int s = from; s < to; s++)
        for (int v = 0; v < vectors; v++) {
            fill_size(e, "SUM", s * vectors + v);
            fill_size(e, "NEXT", (s + 1) * vectors + v);
            fill_size(e, "SPLACE", s);
            fill_size(e, "V", v);
            emit_lines(e, __FILE__, __LINE__, (const char *const[]){line, NULL});
        }
}

/* One row of the kernel moves along the rows of the band. */
static void emit_image_sums(Emit *e, const Convolution *c)
{
    int vectors = channel_vectors(e, c), width = (int)c->kernel_width;
    static const char *const store = "store_f32x$L(to + $SPLACE * $C + $V * $L, s$SUM);";
    EMIT(e,
         "for (int r = 0; r < $R; r++) {",
         "for (int part = 0; part < $RUNS; part++) {",
         "const float *const kernels = turned + (r * $RUNS + part) * ($K * $S * $RUN);",
         "for (int p = 0; p < 2 * rows; p++) {",
         "float *to = &image[2 * p0 + p + r][part * $RUN];");
    emit_pixel(e, vectors, 0, width - 1, "f32x$L s$SUM = load_f32x$L(to + $SPLACE * $C + $V * $L);");
    EMIT(e, "for (int q = 0; q < 2 * $PQ; q++) {");
    emit_pixel(e, vectors, width - 1, width, "f32x$L s$SUM = load_f32x$L(to + $SPLACE * $C + $V * $L);");
    EMIT(e,
         "for (int word = 0; word < $WORDS; word++) {",
         "for (uint64_t left = band[p / 2][q / 2][p % 2 * 2 + q % 2][word]; left; left &= left - 1) {",
         "const int k = word * 64 + __builtin_ctzll(left);",
         "const float d = d_y[n][p0 + p / 2][q / 2][k];",
         "const float *const b = kernels + k * ($S * $RUN);");
    emit_pixel(e, vectors, 0, width, "s$SUM += d * load_f32x$L(b + $SPLACE * $RUN + $V * $L);");
    EMIT(e, "}", "}");
    emit_pixel(e, vectors, 0, 1, store);
    emit_pixel(e, vectors, 0, width - 1, "s$SUM = s$NEXT;");
    EMIT(e, "to += $C;", "}");
    emit_pixel(e, vectors, 0, width - 1, store);
    EMIT(e, "}", "}", "}");
}

/* d_x from the image in which it was added up. */
static void emit_image_end(Emit *e, const Node *node, const Convolution *c)
{
    if (!convolution_is_padded(c) && !node->epilogue_count) return;
    EMIT(e,
         "for (int h = 0; h < $H; h++) {",
         "for (int w = 0; w < $W; w++) {",
         "for (int k = 0; k < $C; k += $L) {",
         "f32x$L sum = load_f32x$L(&image[h + $TOP][(w + $LEFT) * $C + k]);");
    emit_epilogue(e,
                  node,
                  "sum",
                  "[n][h][w][k]",
                  memory_format("(uint32_t)(((n * %lld + h) * %lld + w) * %lld + k)", (long long)c->height, (long long)c->width, (long long)c->channels),
                  emit_level(e)->lanes);
    emit_store(e, "&d_x[n][h][w][k]", "sum", emit_level(e)->lanes);
    EMIT(e, "}", "}", "}");
}

void convolution_sparse_gradients_emit(Emit *e, const Node *node, const Convolution *c)
{
    bool d_x = operand_number(node, "d_x") >= 0, bias = operand_number(node, "d_bias") >= 0, padded = convolution_is_padded(c);
    int64_t panel = e->graph->panel;
    if (d_x) emit_kernel(e, node, c);
    phase_begin(e, node, "gradients_part", IN_SHARDS, 0);
    fill_sparse(e, c);
    phase_sums(e, "shards", convolution_sparse_sums(c));
    fill_size(e, "USIZE", convolution_sparse_kernel_floats(c));
    EMIT(e,
         "float (*const sums)[$MATRIX] = (float (*)[$MATRIX])shards;",
         "int32_t (*const block)[$K] = (int32_t (*)[$K])(tiles + task * $WORK + $BANDWORDS);");
    if (bias) EMIT(e, "float *const bias_sums = shards + $USIZE;");
    if (padded) EMIT(e, "float (*const x_rows)[$IMAGEROW] = (float (*)[$IMAGEROW])(tiles + task * $WORK + $XROWS);");
    if (d_x) EMIT(e, "uint64_t (*const band)[$PQ][4][$WORDS] = (uint64_t (*)[$PQ][4][$WORDS])(tiles + task * $WORK);");
    if (d_x && padded) EMIT(e, "float (*const image)[$IMAGEROW] = (float (*)[$IMAGEROW])(tiles + task * $WORK + $IMAGE);");
    EMIT(e,
         "for (ptrdiff_t n = first; n < last; n++) {",
         "for (int p0 = 0; p0 < $PP; p0 += $BR) {",
         "const int rows = $PP - p0 < $BR ? $PP - p0 : $BR;");
    if (padded) emit_padded_rows(e);
    EMIT(e, "for (int q0 = 0; q0 < $PQ; q0 += $BC) {", "const int columns = $PQ - q0 < $BC ? $PQ - q0 : $BC;");
    emit_words(e, bias);
    emit_kernel_sums(e, c);
    EMIT(e, "}", "}");
    if (d_x) {
        if (!padded) EMIT(e, "float (*const image)[$IMAGEROW] = (float (*)[$IMAGEROW])d_x[n];");
        EMIT(e,
             "memset(image, 0, $IMAGEROWS * sizeof *image);",
             "for (int p0 = 0; p0 < $PP; p0 += $BAND) {",
             "const int rows = $PP - p0 < $BAND ? $PP - p0 : $BAND;");
        emit_places(e);
        emit_image_sums(e, c);
        EMIT(e, "}");
        emit_image_end(e, node, c);
    }
    EMIT(e, "}");
    phase_end(e);

    phase_begin(e, node, "weight_gradient", OVER_EXTENT, matrix_floats(c) / panel * (c->filters / panel));
    fill_sparse(e, c);
    fill_size(e, "ALL", convolution_sparse_sums(c));
    fill_size(e, "SHARDS", TASKS);
    fill_size(e, "PANELS", c->filters / panel);
    EMIT(e,
         "for (ptrdiff_t part = first; part < last; part++) {",
         "const ptrdiff_t g = part % $PANELS, row = part / $PANELS * $PANEL;",
         "float sums[$PANEL][$PANEL];",
         "for (int k = 0; k < $PANEL; k++) {",
         "for (int i = 0; i < $PANEL; i += $L) {",
         "const float *const from = shards + (g * $PANEL + k) * $MATRIX + row + i;",
         "f32x$L sum = load_f32x$L(from);",
         "for (int shard = 1; shard < $SHARDS; shard++) sum += load_f32x$L(from + shard * $ALL);",
         "store_f32x$L(&sums[k][i], sum);",
         "}",
         "}",
         "for (int k = 0; k < $PANEL; k += 4) {",
         "for (int i = 0; i < $PANEL; i += 4) transpose4_f32x$L(&sums[k][i], $PANEL, &d_kernel[g][row + i][k], $PANEL);",
         "}",
         "}");
    phase_end(e);
    if (bias) shard_sum_emit(e, node, "bias_gradient", "d_bias", c->filters, convolution_sparse_kernel_floats(c), convolution_sparse_sums(c));
}
