/* Products of matrices: a dense layer's forward pass and its two gradients.
 *
 * The matrix of weights [inputs][outputs] is packed [outputs/panel][inputs][panel]. Forward, the reduction runs in blocks whose
 * stretch of a panel stays in the first-level cache while all samples pass over it. The gradient of the input turns a block of
 * the matrix over into scratch memory and is then the same product. The gradient of the weights sums over samples, with
 * neighbouring inputs as the tile's rows. */
#include "kernels.h"

enum { REDUCTION_BLOCK = 256, TYPICAL_ROWS = 96, ROW_SUMS = 8, ROW_SHARES = 4 };

int64_t matmul_workspace(int64_t outputs)
{
    return outputs * 16;
}

static void fill_matmul(Emit *e, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    fill_size(e, "N", inputs);
    fill_size(e, "M", outputs);
    fill_size(e, "ROWS", rows_per_sample);
    fill_size(e, "PANEL", e->graph->panel);
    fill_size(e, "PERPANEL", e->graph->panel / emit_level(e)->lanes);
    fill_size(e, "BLOCK", inputs < 2 * REDUCTION_BLOCK ? inputs : REDUCTION_BLOCK);
}

/* Rows of an operand whose samples hold rows_per_sample rows of `columns` numbers. */
static void declare_rows(Emit *e, int operand, int64_t columns)
{
    phase_operand(e, operand, 2, (const int64_t[]){-1, columns});
}

/* The loop over rows m in tiles, then the rest one by one; calls `tile` for each height. */
typedef struct {
    const Node *node;
    const char *bias;
    int64_t inputs, outputs;
    const VectorGroup *group;
    bool blocked;
} Product;
typedef void EmitTile(Emit *, const Product *, int rows);

static void emit_row_loops(Emit *e, const Product *product, int rows, int64_t rows_per_sample, EmitTile *tile)
{
    fill_size(e, "TILE", rows);
    if (e->single) { /* one sample: the number of rows is known */
        int64_t full = rows_per_sample / rows * rows;
        fill_size(e, "FULL", full);
        if (full) {
            EMIT(e, "for (int m = 0; m < $FULL; m += $TILE) {");
            tile(e, product, rows);
            EMIT(e, "}");
        }
        if (full < rows_per_sample) {
            EMIT(e, "for (int m = $FULL; m < $ROWS; m++) {");
            tile(e, product, 1);
            EMIT(e, "}");
        }
        return;
    }
    EMIT(e, "ptrdiff_t m = from;");
    if (rows > 1) {
        EMIT(e, "for (; m + $TILE <= to; m += $TILE) {");
        tile(e, product, rows);
        EMIT(e, "}");
    }
    EMIT(e, "for (; m < to; m++) {");
    tile(e, product, 1);
    EMIT(e, "}");
}

static void emit_forward_tile(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    int lanes = emit_level(e)->lanes;
    const char *first = group_first(group), *start_column = product->blocked ? "i" : "0";
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            int part = v == group->vectors - 1 ? group->last_lanes : lanes;
            const char *start = product->bias ? load_text(e, memory_format("&%s[(%s + %d) * %d]", product->bias, first, v, lanes), part) : memory_format("(f32x%d){0}", lanes);
            const char *so_far = load_text(e, memory_format("&y[m + %d][(%s + %d) * %d]", t, first, v, lanes), part);
            if (product->blocked) text_add(&e->body, "f32x%d s%d_%d = i ? %s : %s;\n", lanes, t, v, so_far, start);
            else text_add(&e->body, "f32x%d s%d_%d = %s;\n", lanes, t, v, start);
        }
    for (int t = 0; t < rows; t++) text_add(&e->body, "const float *const a%d = &x[m + %d][%s];\n", t, t, start_column);
    tile_pointers(e, group->vectors, first, e->graph->panel, "kernel", start_column);
    EMIT(e, "for (int j = 0; j < $END; j++) {");
    tile_step(e, rows, group->vectors, "a$T[j]", "load_f32x$L(b$V + j * $PANEL)");
    EMIT(e, "}");
    const char *subscript = "[m + $T][($G + $V) * $L]", *index = "(uint32_t)((m + $T) * $M + ($G + $V) * $L)";
    if (product->blocked && product->node->epilogue_count) {
        EMIT(e, "if (i + end < $N) {");
        tile_end(e, NULL, rows, group->vectors, group->last_lanes, subscript, index, "y");
        EMIT(e, "} else {");
        tile_end(e, product->node, rows, group->vectors, group->last_lanes, subscript, index, "y");
        EMIT(e, "}");
    } else {
        tile_end(e, product->node, rows, group->vectors, group->last_lanes, subscript, index, "y");
    }
}

/* One row, as inference on one sample has it: the time goes into reading the weights. A group of vectors that has too few sums
 * to hide the latency of their additions makes each in several strands, the first with inputs 0, depth, 2 depth, ... */
static void emit_row(Emit *e, const Product *product)
{
    const VectorGroup *group = product->group;
    int vectors = group->vectors, lanes = emit_level(e)->lanes, depth = 1;
    while (depth * vectors < ROW_SUMS && 4 * depth < product->inputs) depth *= 2;
    fill_size(e, "DEPTH", depth);
    fill_size(e, "FULL", product->inputs / depth * depth);
    EMIT(e, "const float *const a = x[0];");
    tile_pointers(e, vectors, group_first(group), e->graph->panel, "kernel", "0");
    tile_begin(e, depth, vectors, "{0}");
    for (int part = 0; part < 2; part++) {
        int steps = part ? (int)(product->inputs % depth) : depth;
        EMIT(e, part ? "{" : "for (int j = 0; j < $FULL; j += $DEPTH) {");
        if (part) EMIT(e, "const int j = $FULL;");
        for (int t = 0; t < steps; t++)
            for (int v = 0; v < vectors; v++) text_add(&e->body, "s%d_%d += a[j + %d] * load_f32x%d(b%d + (j + %d) * %lld);\n", t, v, t, lanes, v, t, (long long)e->graph->panel);
        EMIT(e, "}");
        if (product->inputs % depth == 0) break;
    }
    for (int half = depth / 2; half; half /= 2)
        for (int t = 0; t < half; t++)
            for (int v = 0; v < vectors; v++) text_add(&e->body, "s%d_%d += s%d_%d;\n", t, v, t + half, v);
    for (int v = 0; product->bias && v < vectors; v++) {
        int part = v == vectors - 1 ? group->last_lanes : lanes;
        text_add(&e->body, "s0_%d += %s;\n", v, load_text(e, memory_format("&%s[(%s + %d) * %d]", product->bias, group_first(group), v, lanes), part));
    }
    tile_end(e, product->node, 1, vectors, group->last_lanes, "[0][($G + $V) * $L]", "(uint32_t)(($G + $V) * $L)", "y");
}

void matmul_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, const char *bias)
{
    if (emit_options(e)->openblas) {
        blas_emit(e, node, inputs, outputs, rows_per_sample, bias);
        return;
    }
    const Level *level = emit_level(e);
    int64_t vectors = (outputs + level->lanes - 1) / level->lanes;
    bool one_row = emit_program(e) == PROGRAM_PREDICT && rows_per_sample == 1;
    Tile row = {1, vectors < ROW_SUMS ? (int)vectors : ROW_SUMS};
    while (row.vectors > 1 && vectors / row.vectors < ROW_SHARES && !emit_options(e)->unroll_full) row.vectors = (row.vectors + 1) / 2;
    Work work = {.kernel = "matmul", .rows = one_row ? 1 : TYPICAL_ROWS, .columns = outputs, .reduction = inputs, .times = one_row ? 1 : (double)rows_per_sample / TYPICAL_ROWS};
    Tile tile = one_row ? choose_only(e, node, work, row, "one row: several sums hide each other's latency, and there are shares for several threads") : choose_tile(e, node, work);
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups);
    int output = node->input_count + node->weight_count;
    declare_rows(e, 0, inputs);
    declare_rows(e, output, outputs);
    /* Many outputs: each thread takes a share of them and reads its share of the weights once. */
    int64_t shares = group_count ? (groups[0].end - groups[0].first) / groups[0].vectors : 0;
    bool by_outputs = one_row ? node_is_shared(e->graph, node, shares) : shares >= 4;
    int64_t row_shares = (rows_per_sample + tile.rows - 1) / tile.rows;
    bool by_rows = !by_outputs && !one_row && node_is_shared(e->graph, node, row_shares);
    phase_begin(e, node, NULL, by_outputs ? OVER_EXTENT : OVER_SAMPLES, by_outputs ? shares : row_shares);
    if (e->single) by_outputs = by_rows = false;
    fill_matmul(e, inputs, outputs, rows_per_sample);
    fill_size(e, "TILE", tile.rows);
    if (by_outputs && !one_row) EMIT(e, "const ptrdiff_t from = 0, to = count * $ROWS;");
    else if (by_rows) EMIT(e, "const ptrdiff_t from = first * $ROWS + low * $TILE, to = (last - 1) * $ROWS + (high * $TILE < $ROWS ? high * $TILE : $ROWS);");
    else if (!e->single && !one_row) EMIT(e, "const ptrdiff_t from = first * $ROWS, to = last * $ROWS;");
    bool blocked = inputs >= 2 * REDUCTION_BLOCK && !e->single && !one_row;
    for (int g = 0; g < group_count; g++) {
        Product product = {node, bias, inputs, outputs, &groups[g], blocked};
        VectorGroup all = groups[g];
        all.end = INT64_MAX; /* the threads' shares decide where the loop ends */
        bool shared = by_outputs && g == 0;
        if (shared) {
            fill_size(e, "GSTEP", groups[0].vectors);
            fill(e, "G", "k");
            product.group = &all;
            EMIT(e, "for (int k = (int)first * $GSTEP; k < (int)last * $GSTEP; k += $GSTEP) {");
        } else {
            if (by_outputs) {
                fill_size(e, "SHARES", shares);
                EMIT(e, "if (last == $SHARES) {");
            }
            group_begin(e, &groups[g]);
        }
        if (blocked) EMIT(e, "for (int i = 0; i < $N; i += $BLOCK) {", "const int end = $N - i < $BLOCK ? $N - i : $BLOCK;");
        fill(e, "END", "%s", blocked ? "end" : memory_format("%lld", (long long)inputs));
        if (one_row) emit_row(e, &product);
        else emit_row_loops(e, &product, tile.rows, rows_per_sample, emit_forward_tile);
        if (blocked) EMIT(e, "}");
        if (shared) EMIT(e, "}");
        else group_end(e);
        if (by_outputs && !shared) EMIT(e, "}");
    }
    phase_end(e);
}

static void emit_input_gradient_tile(Emit *e, const Product *product, int rows)
{
    tile_begin(e, rows, product->group->vectors, "{0}");
    for (int t = 0; t < rows; t++) text_add(&e->body, "const float *const a%d = d_y[m + %d];\n", t, t);
    EMIT(e, "for (int j = 0; j < $M; j++) {");
    tile_step(e, rows, product->group->vectors, "a$T[j]", "load_f32x$L(turned[j] + $V * $L)");
    EMIT(e, "}");
    tile_end(e, product->node, rows, product->group->vectors, product->group->last_lanes, "[m + $T][g * 16 + $V * $L]", "(uint32_t)((m + $T) * $N + g * 16 + $V * $L)", "d_x");
}

void matmul_input_gradient_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    if (emit_options(e)->openblas) {
        blas_input_gradient_emit(e, node, inputs, outputs, rows_per_sample);
        return;
    }
    const Level *level = emit_level(e);
    int64_t whole = inputs / 16, rest = inputs % 16;
    for (int part = 0; part < 2; part++) {
        if (part == 0 ? !whole : !rest) continue;
        int64_t columns = part == 0 ? 16 : rest;
        declare_rows(e, 0, outputs);
        declare_rows(e, node->input_count + node->weight_count, inputs);
        phase_begin(e, node, part == 0 ? NULL : "input_gradient_rest", OVER_EXTENT, part == 0 ? whole : 1);
        fill_matmul(e, inputs, outputs, rows_per_sample);
        fill_size(e, "WORK", matmul_workspace(outputs));
        fill_size(e, "COLUMNS", columns);
        fill_size(e, "WHOLE", whole);
        EMIT(e, "float (*const turned)[16] = (float (*)[16])(work + $TASK * $WORK);");
        if (part == 0) EMIT(e, "for (ptrdiff_t g = $FIRST; g < $LAST; g++) {");
        else if (e->single) EMIT(e, "{", "const int g = $WHOLE;");
        else EMIT(e, "for (ptrdiff_t g = $WHOLE + first; g < $WHOLE + last; g++) {");
        EMIT(e,
             "for (int o = 0; o < $M; o++) {",
             "for (int i = 0; i < $COLUMNS; i++) {",
             "turned[o][i] = kernel[o / $PANEL][g * 16 + i][o % $PANEL];",
             "}",
             "}",
             "const ptrdiff_t from = 0, to = count * $ROWS;");
        VectorGroup group = {0, 0, (int)((columns + level->lanes - 1) / level->lanes), (int)(columns % level->lanes ? columns % level->lanes : level->lanes)};
        group.end = group.vectors;
        Product product = {node, NULL, inputs, outputs, &group, false};
        double times = (double)(part == 0 ? whole : 1) * (double)rows_per_sample / TYPICAL_ROWS;
        Work work = {.kernel = "matmul", .phase = part == 0 ? NULL : "input_gradient_rest", .rows = TYPICAL_ROWS, .columns = columns, .reduction = outputs, .times = times, .all_columns = true};
        emit_row_loops(e, &product, choose_tile(e, node, work).rows, rows_per_sample, emit_input_gradient_tile);
        EMIT(e, "}");
        phase_end(e);
    }
}

/* Stores the tile; vectors of the last panel that lie beyond the outputs become zero. */
static void emit_weight_gradient_store(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    int per_panel = (int)(e->graph->panel / emit_level(e)->lanes);
    int beyond = group->first + group->vectors >= group->end ? (int)((per_panel - group->end % per_panel) % per_panel) : 0;
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors + beyond; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            fill(e, "SUM", "%s", v < group->vectors ? memory_format("s%d_%d", t, v) : memory_format("(f32x%d){0}", emit_level(e)->lanes));
            if (per_panel == 1) EMIT(e, "store_f32x$L(d_kernel[$G + $V][i + $T], $SUM);");
            else EMIT(e, "store_f32x$L(&d_kernel[($G + $V) / $PERPANEL][i + $T][($G + $V) % $PERPANEL * $L], $SUM);");
        }
}

static void emit_weight_gradient_tile(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    int lanes = emit_level(e)->lanes;
    tile_begin(e, rows, group->vectors, "{0}");
    EMIT(e, "for (ptrdiff_t m = 0; m < count * $ROWS; m++) {", "const float *const a = &x[m][i];");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        fill_size(e, "PART", group->last_lanes);
        if (v == group->vectors - 1 && group->last_lanes < lanes) EMIT(e, "const f32x$L d$V = load_part_f32x$L(&d_y[m][($G + $V) * $L], $PART);");
        else EMIT(e, "const f32x$L d$V = load_f32x$L(&d_y[m][($G + $V) * $L]);");
    }
    tile_step(e, rows, group->vectors, "a[$T]", "d$V");
    EMIT(e, "}");
    emit_weight_gradient_store(e, product, rows);
}

void matmul_weight_gradient_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    if (emit_options(e)->openblas) {
        blas_weight_gradient_emit(e, node, inputs, outputs, rows_per_sample);
        return;
    }
    Tile tile = choose_tile(e, node, (Work){.kernel = "matmul", .rows = inputs, .columns = outputs, .reduction = rows_per_sample, .times = 1});
    int64_t whole = inputs / tile.rows, rest = inputs % tile.rows;
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups);
    declare_rows(e, 0, inputs);
    declare_rows(e, 1, outputs);
    phase_begin(e, node, NULL, OVER_EXTENT, whole + (rest > 0));
    fill_matmul(e, inputs, outputs, rows_per_sample);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "WHOLE", whole);
    EMIT(e, "for (ptrdiff_t g = first; g < last; g++) {", "const ptrdiff_t i = g * $TILE;");
    for (int part = 0; part < 2; part++) {
        if (part == 0 ? !whole : !rest) continue;
        if (whole && rest) EMIT(e, part == 0 ? "if (g < $WHOLE) {" : "if (g == $WHOLE) {");
        for (int g = 0; g < group_count; g++) {
            Product product = {node, NULL, inputs, outputs, &groups[g], false};
            group_begin(e, &groups[g]);
            emit_weight_gradient_tile(e, &product, part == 0 ? tile.rows : (int)rest);
            group_end(e);
        }
        if (whole && rest) EMIT(e, "}");
    }
    EMIT(e, "}");
    phase_end(e);
}
