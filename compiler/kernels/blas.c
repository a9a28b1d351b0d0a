/* The products of matmul.c by OpenBLAS, for trainers built with --gemm=openblas: the yardstick beside the generated kernels.
 * Weights stay as files hold them. What is fused into the product is applied in a second pass. */
#include "kernels.h"

static void fill_product(Emit *e, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    fill_size(e, "N", inputs);
    fill_size(e, "M", outputs);
    fill_size(e, "ROWS", rows_per_sample);
}

/* Bias and epilogue over the rows of a product. */
static void emit_second_pass(Emit *e, const Node *node, int operand, const char *name, int64_t columns, int64_t rows_per_sample, const char *bias)
{
    if (!bias && !node->epilogue_count) return;
    phase_operand(e, operand, 2, (const int64_t[]){-1, columns});
    phase_begin(e, node, memory_format("%s_epilogue", node->op->suffix), OVER_SAMPLES, 0);
    fill_size(e, "ROWS", rows_per_sample);
    fill_size(e, "COLUMNS", columns);
    fill(e, "NAME", "%s", name);
    VectorGroup groups[2];
    int group_count = vector_groups(e, columns, 1, groups);
    EMIT(e, "for (ptrdiff_t m = first * $ROWS; m < last * $ROWS; m++) {");
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        fill(e, "LOAD", "%s", load_text(e, memory_format("&%s[m][%s * %d]", name, group_first(&groups[g]), emit_level(e)->lanes), groups[g].last_lanes));
        EMIT(e, "f32x$L s0_0 = $LOAD;");
        if (bias) {
            fill(e, "LOAD", "%s", load_text(e, memory_format("&%s[%s * %d]", bias, group_first(&groups[g]), emit_level(e)->lanes), groups[g].last_lanes));
            EMIT(e, "s0_0 += $LOAD;");
        }
        tile_end(e, node, 1, 1, groups[g].last_lanes, "[m][$G * $L]", "(uint32_t)(m * $COLUMNS + $G * $L)", name);
        group_end(e);
    }
    EMIT(e, "}");
    phase_end(e);
}

void blas_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, const char *bias)
{
    int output = node->input_count + node->weight_count;
    phase_operand(e, 0, 2, (const int64_t[]){-1, inputs});
    phase_operand(e, output, 2, (const int64_t[]){-1, outputs});
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    fill_product(e, inputs, outputs, rows_per_sample);
    EMIT(e, "cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)(count * $ROWS), $M, $N, 1.0f, &x[0][0], $N, &kernel[0][0], $M, 0.0f, &y[0][0], $M);");
    phase_end(e);
    emit_second_pass(e, node, output, "y", outputs, rows_per_sample, bias);
}

void blas_input_gradient_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    int output = node->input_count + node->weight_count;
    phase_operand(e, 0, 2, (const int64_t[]){-1, outputs});
    phase_operand(e, output, 2, (const int64_t[]){-1, inputs});
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    fill_product(e, inputs, outputs, rows_per_sample);
    EMIT(e, "cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)(count * $ROWS), $N, $M, 1.0f, &d_y[0][0], $M, &kernel[0][0], $M, 0.0f, &d_x[0][0], $N);");
    phase_end(e);
    emit_second_pass(e, node, output, "d_x", inputs, rows_per_sample, NULL);
}

void blas_weight_gradient_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    phase_operand(e, 0, 2, (const int64_t[]){-1, inputs});
    phase_operand(e, 1, 2, (const int64_t[]){-1, outputs});
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    fill_product(e, inputs, outputs, rows_per_sample);
    EMIT(e, "cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, $N, $M, (int)(count * $ROWS), 1.0f, &x[0][0], $N, &d_y[0][0], $M, 0.0f, &d_kernel[0][0], $M);");
    phase_end(e);
}
