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
         "f32x$L sum = load_f32x$L(&work[$START + i]);",
         "for (int s = 1; s < $SHARDS; s++) sum += load_f32x$L(&work[$START + s * $STRIDE + i]);",
         "store_f32x$L(&$TO[i], sum);",
         "}");
    if (floats % lanes)
        EMIT(e,
             "for (; i < end; i++) {",
             "float sum = work[$START + i];",
             "for (int s = 1; s < $SHARDS; s++) sum += work[$START + s * $STRIDE + i];",
             "$TO[i] = sum;",
             "}");
    phase_end(e);
}

void column_sums_emit(Emit *e, const Node *node, int64_t columns, int64_t rows_per_sample)
{
    int64_t lanes = emit_level(e)->lanes, full = columns / lanes * lanes;
    phase_operand(e, 0, 2, (const int64_t[]){-1, columns});
    phase_begin(e, node, "bias_gradient_part", IN_SHARDS, 0);
    fill_size(e, "K", columns);
    fill_size(e, "FULL", full);
    fill_size(e, "REST", columns - full);
    fill_size(e, "ROWS", rows_per_sample);
    EMIT(e, "float *const sums = work + task * $K;", "memset(sums, 0, $K * sizeof(float));");
    EMIT(e, "for (ptrdiff_t m = first * $ROWS; m < last * $ROWS; m++) {");
    if (full)
        EMIT(e, "for (int k = 0; k < $FULL; k += $L) {", "store_f32x$L(&sums[k], load_f32x$L(&sums[k]) + load_f32x$L(&d_y[m][k]));", "}");
    if (full < columns) EMIT(e, "for (int k = $FULL; k < $K; k++) sums[k] += d_y[m][k];");
    EMIT(e, "}");
    phase_end(e);
    shard_sum_emit(e, node, "bias_gradient", "d_bias", columns, 0, columns);
}

/* ---- the gradient of a bias, for every layer that has one ---- */

static void bias_gradient_workspace(Graph *graph, Node *node)
{
    graph_workspace(graph, node, node->outputs[0]->shape.size[0] * TASKS, 1);
}

static void emit_bias_gradient(Emit *e, const Node *node)
{
    int64_t columns = node->outputs[0]->shape.size[0];
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
    .operands = "d_y; d_bias work",
    .workspace = bias_gradient_workspace,
    .emit = emit_bias_gradient,
    .formula = bias_gradient_formula,
};

void bias_gradient(Graph *graph, Node *forward, Tensor *bias, Tensor *d_output)
{
    Node *node = graph_gradient_node(graph, &bias_gradient_operator, forward, NULL, &d_output, 1);
    gradient_give(graph, bias, gradient_tensor(graph, node, bias));
}
