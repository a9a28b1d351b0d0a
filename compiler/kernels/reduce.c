/* Sums over samples: each of a fixed number of shards sums its own samples, and the shards are added in a fixed order.
 * So the result does not depend on how many threads there are. */
#include "kernels.h"

void shard_sum_emit(Emit *e, const Node *node, const char *phase, const char *to, int64_t floats, int64_t start, int64_t stride)
{
    enum { PART = 256 };
    int64_t lanes = emit_level(e)->lanes;
    phase_operand(e, operand_number(node, to), 0, NULL);
    phase_begin(e, node, phase, OVER_EXTENT, (floats + PART - 1) / PART);
    fill_size(e, "ALL", floats);
    fill_size(e, "PART", PART);
    fill_size(e, "START", start);
    fill_size(e, "STRIDE", stride);
    fill_size(e, "SHARDS", TASKS);
    fill(e, "TO", "%s", to);
    EMIT(e,
         "const ptrdiff_t end = last * $PART < $ALL ? last * $PART : $ALL;",
         "ptrdiff_t i = first * $PART;",
         "for (; i + $L <= end; i += $L) {",
         "f32x$L sum = load_f32x$L(&shards[$START + i]);",
         "for (int s = 1; s < $SHARDS; s++) sum += load_f32x$L(&shards[$START + s * $STRIDE + i]);",
         "store_f32x$L(&$TO[i], sum);",
         "}");
    if (floats % lanes)
        EMIT(e,
             "for (; i < end; i++) {",
             "float sum = shards[$START + i];",
             "for (int s = 1; s < $SHARDS; s++) sum += shards[$START + s * $STRIDE + i];",
             "$TO[i] = sum;",
             "}");
    phase_end(e);
}

void array_sum_emit(Emit *e, const Node *node, int64_t floats, void (*term)(Emit *, const Node *, int lanes))
{
    enum { BLOCK = 1024 }; /* numbers that are summed in float; the blocks' sums are added in double */
    int64_t lanes = emit_level(e)->lanes;
    phase_begin(e, node, memory_format("%s_part", node->op->suffix), OVER_EXTENT, TASKS);
    fill_size(e, "ALL", floats);
    fill_size(e, "BLOCK", BLOCK);
    fill_size(e, "BLOCKS", (floats + BLOCK - 1) / BLOCK);
    fill_size(e, "SHARDS", TASKS);
    EMIT(e,
         "for (ptrdiff_t part = first; part < last; part++) {",
         "double total = 0.0;",
         "for (ptrdiff_t block = $BLOCKS * part / $SHARDS; block < $BLOCKS * (part + 1) / $SHARDS; block++) {",
         "ptrdiff_t i = block * $BLOCK;",
         "const ptrdiff_t end = i + $BLOCK < $ALL ? i + $BLOCK : $ALL;",
         "f32x$L sum = {0};",
         "for (; i + $L <= end; i += $L) {");
    term(e, node, (int)lanes);
    EMIT(e, "}");
    if (floats % lanes) {
        EMIT(e, "for (; i < end; i++) {");
        term(e, node, 1);
        EMIT(e, "}");
    }
    EMIT(e, "for (int j = 0; j < $L; j++) total += (double)sum[j];", "}", "work[part] = (float)total;", "}");
    phase_end(e);
}

enum { FEW_SUMS = 4, MOST_SUMS = 16, FEW_TURNS = 4 }; /* vectors of sums at once: their additions wait for one another */

/* The rows, one behind the other, as one run of numbers: so many vectors hold a whole number of rows; 0: too many for the registers. */
static int64_t run_vectors(int64_t columns, int64_t lanes)
{
    int64_t vectors = 1;
    while (vectors <= MOST_SUMS && vectors * lanes % columns) vectors++;
    return vectors <= MOST_SUMS ? vectors : 0;
}

/* Columns that do not fill vectors: sums along the run of all rows, which are added up at the end. */
static void emit_run_sums(Emit *e, int64_t columns, int64_t rows_per_sample, int64_t vectors)
{
    int64_t lanes = emit_level(e)->lanes;
    fill_size(e, "STEP", vectors * lanes);
    EMIT(e, "ptrdiff_t i = first * $ROWS * $K;", "const ptrdiff_t end = last * $ROWS * $K;");
    tile_begin(e, 1, (int)vectors, "{0}");
    EMIT(e, "for (; i + $STEP <= end; i += $STEP) {");
    for (int v = 0; v < vectors; v++) {
        fill_size(e, "V", v);
        EMIT(e, "s0_$V += load_f32x$L(&d_y[i + $V * $L]);");
    }
    EMIT(e, "}", "float parts[$STEP];");
    tile_end(e, NULL, 1, (int)vectors, (int)lanes, "[$V * $L]", "", "parts");
    EMIT(e, "for (int j = 0; j < $STEP; j++) shards[j % $K] += parts[j];");
    if (rows_per_sample * columns % (vectors * lanes)) EMIT(e, "for (int k = 0; i < end; i++, k = (k + 1) % $K) shards[k] += d_y[i];");
}

static void emit_row_sums(Emit *e, int64_t columns)
{
    VectorGroup groups[2];
    int lanes = emit_level(e)->lanes, total = (int)((columns + lanes - 1) / lanes);
    int group_count = vector_groups(e, columns, total < MOST_SUMS / 2 ? total : MOST_SUMS / 2, groups);
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        for (int part = 0; part < 2; part++) {
            if (part) EMIT(e, "for (ptrdiff_t m = first * $ROWS; m < last * $ROWS; m++) {");
            for (int v = 0; v < groups[g].vectors; v++) {
                const char *from = part ? memory_format("d_y[m * %lld + ", (long long)columns) : "shards[";
                const char *address = memory_format("&%s(%s + %d) * %d]", from, group_first(&groups[g]), v, lanes);
                fill_size(e, "V", v);
                fill(e, "LOAD", "%s", load_text(e, address, v == groups[g].vectors - 1 ? groups[g].last_lanes : lanes));
                EMIT(e, part ? "s0_$V += $LOAD;" : "f32x$L s0_$V = $LOAD;");
            }
        }
        EMIT(e, "}");
        tile_end(e, NULL, 1, groups[g].vectors, groups[g].last_lanes, "[($G + $V) * $L]", "", "shards");
        group_end(e);
    }
}

void column_sums_emit(Emit *e, const Node *node, int64_t columns, int64_t rows_per_sample)
{
    phase_operand(e, 0, 0, NULL);
    phase_begin(e, node, "bias_gradient_part", IN_SHARDS, 0);
    fill_size(e, "K", columns);
    fill_size(e, "ROWS", rows_per_sample);
    phase_sums(e, "shards", columns);
    int64_t vectors = run_vectors(columns, emit_level(e)->lanes);
    while (vectors && vectors < FEW_SUMS && rows_per_sample > 1) vectors *= 2;
    /* A sample may come alone: a run shorter than some turns of the loop takes longer to add up than to sum row by row. */
    if (vectors && rows_per_sample * columns >= FEW_TURNS * vectors * emit_level(e)->lanes) {
        emit_run_sums(e, columns, rows_per_sample, vectors);
    } else {
        emit_row_sums(e, columns);
    }
    phase_end(e);
    shard_sum_emit(e, node, "bias_gradient", "d_bias", columns, 0, columns);
}

/* ---- the gradient of a bias, for every layer that has one ---- */

static void bias_gradient_workspace(Graph *graph, Node *node)
{
    graph_workspace(graph, node, shape_count(&node->outputs[0]->shape) * TASKS, 1);
}

static void emit_bias_gradient(Emit *e, const Node *node)
{
    int64_t columns = shape_count(&node->outputs[0]->shape);
    column_sums_emit(e, node, columns, shape_count(&node->inputs[0]->shape) / columns);
}

static const char *bias_gradient_formula(const Node *node)
{
    (void)node;
    return "d_bias[k] = the sum of all d_y[...][k]";
}

static const Operator bias_gradient_operator = {
    .name = "bias_gradient",
    .suffix = "bias_gradient",
    .operands = "d_y; d_bias shards",
    .flags = OPERATOR_BY_SAMPLES,
    .workspace = bias_gradient_workspace,
    .emit = emit_bias_gradient,
    .formula = bias_gradient_formula,
};

void bias_gradient(Graph *graph, Node *forward, Tensor *bias, Tensor *d_output)
{
    Node *node = graph_gradient_node(graph, &bias_gradient_operator, forward, NULL, &d_output, 1);
    gradient_give(graph, bias, gradient_tensor(graph, node, bias));
}
