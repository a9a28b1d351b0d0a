/* What batch normalisation needs of a whole batch: for each channel the mean and variance, and, backward, two sums.
 *
 * A sample is seen as `rows` of `columns` numbers, the same column always belonging to the same channel; vectors run along the
 * columns. Where the channels do not fill vectors, several rows are taken as one, which has more columns then.
 *
 * Mean and variance come from one pass that reads memory once and is sound whatever the mean: a block of rows, which stays in
 * the cache, has its mean and then its squared differences from that mean, and blocks are joined by Chan's formula
 * (Chan, Golub, LeVeque: Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979). Each shard of the
 * batch has its own sums; the shards are joined in their order, whoever made them. */
#include "kernels.h"

enum { VECTORS = 4, BLOCK = 4096 }; /* columns at once, in vectors; numbers that stay in the nearest cache */

Channels channels_of(int64_t channels, int64_t inner, int64_t count)
{
    enum { FULL = ROW_MARGIN, MOST = 512 };
    Channels c = {.channels = channels, .inner = inner, .columns = channels * inner};
    int64_t rows = count / c.columns, joined = 1;
    for (int64_t j = 2; j <= rows && j * c.columns <= MOST && joined * c.columns % FULL; j++)
        if (rows % j == 0) joined = j;
    c.columns *= joined;
    c.rows = rows / joined;
    return c;
}

static int64_t padded(const Channels *c)
{
    return (c->columns + ROW_MARGIN - 1) / ROW_MARGIN * ROW_MARGIN;
}

int64_t channels_workspace(const Channels *c)
{
    return 2 * padded(c) * TASKS;
}

void channels_fill(Emit *e, const Channels *c)
{
    fill_size(e, "C", c->channels);
    fill_size(e, "INNER", c->inner);
    fill_size(e, "PERIOD", c->channels * c->inner);
    fill_size(e, "W", c->columns);
    fill_size(e, "PAD", padded(c));
    fill_size(e, "ROWS", c->rows);
    fill_size(e, "BLOCK", c->columns > BLOCK / 4 ? 4 : BLOCK / c->columns);
    fill_size(e, "SHARDS", TASKS);
    fill_size(e, "MARGIN", ROW_MARGIN);
    fill_size(e, "OUTER", c->columns / (c->channels * c->inner));
    fill_size(e, "OWN", c->columns / c->channels);
    fill_size(e, "EACH", c->rows * c->columns / c->channels); /* numbers of a channel in a sample */
}

/* ---- the sums of a shard ---- */

/* A vector of a group: binds $V to its number and $AT to its first column, and each hole to the load of what `text`, with $AT in
 * it, is the address of. */
static void bind_vector(Emit *e, const VectorGroup *group, int v, const char *array, const char *hole)
{
    int lanes = emit_level(e)->lanes;
    fill_size(e, "V", v);
    const char *at = memory_format("(%s + %d) * %d", group_first(group), v, lanes);
    fill(e, "AT", "%s", at);
    if (array) fill(e, hole, "%s", load_text(e, memory_format("&%s + %s]", array, at), v == group->vectors - 1 ? group->last_lanes : lanes));
}

typedef void EmitGroup(Emit *, const Channels *, const VectorGroup *);

/* The loop over the blocks of rows of a shard, in which `work` makes two sums for each column out of its rows. */
static void emit_shard(Emit *e, const Channels *c, const char *first, const char *second, EmitGroup *work)
{
    int lanes = emit_level(e)->lanes, total = (int)((c->columns + lanes - 1) / lanes);
    fill(e, "ONE", "%s", first);
    fill(e, "TWO", "%s", second);
    EMIT(e,
         "float *const $ONE = work + task * (2 * $PAD), *const $TWO = $ONE + $PAD;",
         "memset($ONE, 0, 2 * $PAD * sizeof(float));",
         "for (ptrdiff_t m = first * $ROWS; m < last * $ROWS; m += $BLOCK) {",
         "const ptrdiff_t rows = last * $ROWS - m < $BLOCK ? last * $ROWS - m : $BLOCK;");
    VectorGroup groups[2];
    int count = vector_groups(e, c->columns, total < VECTORS ? total : VECTORS, groups);
    for (int g = 0; g < count; g++) {
        group_begin(e, &groups[g]);
        work(e, c, &groups[g]);
        group_end(e);
    }
    EMIT(e, "}");
}

static const char *row_of(const Channels *c, const char *operand)
{
    return memory_format("%s[(m + r) * %lld", operand, (long long)c->columns);
}

static void emit_statistics_group(Emit *e, const Channels *c, const VectorGroup *group)
{
    tile_begin(e, 1, group->vectors, "{0}");
    EMIT(e, "for (ptrdiff_t r = 0; r < rows; r++) {");
    for (int v = 0; v < group->vectors; v++) {
        bind_vector(e, group, v, row_of(c, "x"), "X");
        EMIT(e, "s0_$V += $X;");
    }
    EMIT(e, "}", "const float count_before = (float)(m - first * $ROWS), share = 1.0f / (count_before + (float)rows);");
    for (int v = 0; v < group->vectors; v++) {
        bind_vector(e, group, v, NULL, NULL);
        EMIT(e, "const f32x$L mean$V = s0_$V / (float)rows;", "f32x$L square$V = {0};");
    }
    EMIT(e, "for (ptrdiff_t r = 0; r < rows; r++) {");
    for (int v = 0; v < group->vectors; v++) {
        bind_vector(e, group, v, row_of(c, "x"), "X");
        EMIT(e, "const f32x$L d$V = $X - mean$V;", "square$V += d$V * d$V;");
    }
    EMIT(e, "}");
    for (int v = 0; v < group->vectors; v++) {
        bind_vector(e, group, v, NULL, NULL);
        EMIT(e,
             "const f32x$L old$V = load_f32x$L(&means[$AT]), apart$V = mean$V - old$V;",
             "store_f32x$L(&means[$AT], old$V + apart$V * ((float)rows * share));",
             "store_f32x$L(&squares[$AT], load_f32x$L(&squares[$AT]) + square$V + apart$V * apart$V * (count_before * (float)rows * share));");
    }
}

static void emit_sums_group(Emit *e, const Channels *c, const VectorGroup *group)
{
    tile_begin(e, 2, group->vectors, "{0}");
    for (int v = 0; v < group->vectors; v++) {
        bind_vector(e, group, v, NULL, NULL);
        EMIT(e, "const f32x$L mean$V = load_f32x$L(&mean[($AT) % $PERIOD]);");
    }
    EMIT(e, "for (ptrdiff_t r = 0; r < rows; r++) {");
    for (int v = 0; v < group->vectors; v++) {
        bind_vector(e, group, v, row_of(c, "d_y"), "D");
        bind_vector(e, group, v, row_of(c, "x"), "X");
        EMIT(e, "const f32x$L d$V = $D;", "s0_$V += d$V;", "s1_$V += d$V * ($X - mean$V);");
    }
    EMIT(e, "}");
    for (int v = 0; v < group->vectors; v++) {
        bind_vector(e, group, v, NULL, NULL);
        EMIT(e, "store_f32x$L(&sums[$AT], load_f32x$L(&sums[$AT]) + s0_$V);", "store_f32x$L(&products[$AT], load_f32x$L(&products[$AT]) + s1_$V);");
    }
}

void channels_statistics_emit(Emit *e, const Node *node, const Channels *c)
{
    phase_operand(e, operand_number(node, "x"), 0, NULL);
    phase_begin(e, node, "statistics_part", IN_SHARDS, 0);
    channels_fill(e, c);
    emit_shard(e, c, "means", "squares", emit_statistics_group);
    phase_end(e);
}

void channels_sums_emit(Emit *e, const Node *node, const Channels *c)
{
    phase_operand(e, operand_number(node, "x"), 0, NULL);
    phase_operand(e, operand_number(node, "d_y"), 0, NULL);
    phase_begin(e, node, "sums_part", IN_SHARDS, 0);
    channels_fill(e, c);
    emit_shard(e, c, "sums", "products", emit_sums_group);
    phase_end(e);
}

/* ---- the shards joined ---- */

/* A channel's loop over its columns, of which it has several. */
#define OWN_COLUMNS "for (int o = 0; o < $OUTER; o++)", "for (int i = 0; i < $INNER; i++)"

void channels_join_statistics_emit(Emit *e, const Channels *c)
{
    EMIT(e,
         "const float total = (float)count * $ROWS.0f;",
         "float shares[$SHARDS];",
         "for (int s = 0; s < $SHARDS; s++) shares[s] = (float)(count * (s + 1) / $SHARDS - count * s / $SHARDS) * $ROWS.0f / total;",
         "for (int j = 0; j < $PAD; j += $L) {",
         "f32x$L mean_j = {0}, square_j = {0};",
         "for (int s = 0; s < $SHARDS; s++) mean_j += load_f32x$L(&work[s * (2 * $PAD) + j]) * shares[s];",
         "for (int s = 0; s < $SHARDS; s++) {",
         "const f32x$L apart = load_f32x$L(&work[s * (2 * $PAD) + j]) - mean_j;",
         "square_j += load_f32x$L(&work[s * (2 * $PAD) + $PAD + j]) / total + apart * apart * shares[s];",
         "}",
         "store_f32x$L(&work[j], mean_j);",
         "store_f32x$L(&work[$PAD + j], square_j);",
         "}");
    if (c->columns == c->channels) {
        EMIT(e, "const float *const means = work, *const variances = work + $PAD;");
        return;
    }
    EMIT(e,
         "float *const means = work + 2 * $PAD, *const variances = work + 3 * $PAD;",
         "for (int c = 0; c < $C; c++) {",
         "float sum = 0.0f, squares = 0.0f;",
         OWN_COLUMNS,
         "sum += work[(o * $C + c) * $INNER + i];",
         "means[c] = sum / $OWN.0f;",
         OWN_COLUMNS,
         "{",
         "const float apart = work[(o * $C + c) * $INNER + i] - means[c];",
         "squares += work[$PAD + (o * $C + c) * $INNER + i] + apart * apart;",
         "}",
         "variances[c] = squares / $OWN.0f;",
         "}");
}

void channels_join_sums_emit(Emit *e, const Channels *c)
{
    EMIT(e,
         "for (int j = 0; j < 2 * $PAD; j += $L) {",
         "f32x$L sum = load_f32x$L(&work[j]);",
         "for (int s = 1; s < $SHARDS; s++) sum += load_f32x$L(&work[s * (2 * $PAD) + j]);",
         "store_f32x$L(&work[j], sum);",
         "}");
    if (c->columns == c->channels) {
        EMIT(e, "const float *const sums = work, *const products = work + $PAD;");
        return;
    }
    EMIT(e,
         "float *const sums = work + 2 * $PAD, *const products = work + 3 * $PAD;",
         "for (int c = 0; c < $C; c++) {",
         "sums[c] = products[c] = 0.0f;",
         OWN_COLUMNS,
         "{",
         "sums[c] += work[(o * $C + c) * $INNER + i];",
         "products[c] += work[$PAD + (o * $C + c) * $INNER + i];",
         "}",
         "}");
}

/* ---- rows ---- */

void channels_each_emit(Emit *e, const Node *node, const Channels *c, void (*work)(Emit *, const Node *, int lanes))
{
    int lanes = emit_level(e)->lanes;
    int64_t whole = c->inner > 1 ? 0 : c->channels / lanes * lanes, rest = c->channels - whole;
    fill_size(e, "WHOLE", whole);
    if (whole) {
        EMIT(e, "for (int c = 0; c < $WHOLE; c += $L) {");
        fill(e, "T", "f32x%d", lanes);
        fill(e, "SQRT", "sqrt_f32x%d", lanes);
        work(e, node, lanes);
        EMIT(e, "}");
    }
    if (!rest) return;
    EMIT(e, "for (int c = $WHOLE; c < $C; c++) {");
    fill(e, "T", "float");
    fill(e, "SQRT", "sqrtf");
    work(e, node, 0);
    EMIT(e, "}");
}

void channels_vectors_emit(Emit *e, const Node *node, int64_t channels, void (*work)(Emit *, const Node *, int lanes))
{
    int lanes = emit_level(e)->lanes, rest = (int)(channels % lanes);
    fill_size(e, "WHOLE", channels - rest);
    if (channels >= lanes) {
        EMIT(e, "for (int c = 0; c < $WHOLE; c += $L) {");
        work(e, node, lanes);
        EMIT(e, "}");
    }
    if (!rest) return;
    EMIT(e, "{", "const int c = $WHOLE;");
    work(e, node, rest);
    EMIT(e, "}");
}

const char *channel_load(const char *operand, const char *subscript, int lanes)
{
    const char *at = memory_format("%s[%s]", operand, subscript);
    return lanes ? memory_format("load_f32x%d(&%s)", lanes, at) : at;
}

void channel_store(Emit *e, const char *operand, const char *value, int lanes)
{
    if (lanes) emit_store(e, memory_format("&%s[c]", operand), value, lanes);
    else text_add(&e->body, "%s[c] = %s;\n", operand, value);
}

void channels_row_emit(Emit *e, const Channels *c, const char *row)
{
    fill(e, "ROW", "%s", row);
    if (c->inner > 1) EMIT(e, "for (int k = 1; k <= $PERIOD; k++) $ROW[$PERIOD - k] = $ROW[($PERIOD - k) / $INNER];");
    EMIT(e, "for (int k = 0; k < $MARGIN; k++) $ROW[$PERIOD + k] = $ROW[k];");
}
