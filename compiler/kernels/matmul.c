/* Products of matrices: a dense layer's forward pass and its two gradients.
 *
 * The matrix of weights [inputs][outputs] is packed [outputs/panel][inputs][panel]. Forward, the reduction runs in blocks whose
 * stretch of a panel stays in the first-level cache while all samples pass over it. The gradient of the input turns a block of
 * the matrix over into scratch memory and is then the same product. The gradient of the weights sums over samples, with
 * neighbouring inputs as the tile's rows. */
#include "kernels.h"

enum { REDUCTION_BLOCK = 256, TYPICAL_ROWS = 96, ROW_SUMS = 8, SHARES = 4 };

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

/* The tile of the forward product. Of one row the groups of columns are of a size that leaves some for each thread, and so they are of
 * more rows as long as a tile is two vectors wide. */
static Tile forward_tile(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, int64_t rows)
{
    int lanes = emit_level(e)->lanes, vectors = (int)((outputs + lanes - 1) / lanes);
    Work work = {.kernel = "matmul", .rows = rows, .columns = outputs, .reduction = inputs, .times = (double)rows_per_sample / (double)rows};
    if (rows > 1) {
        work.most_vectors = vectors < 2 * SHARES ? 2 : (vectors + SHARES - 1) / SHARES;
        return choose_tile(e, node, work);
    }
    Tile tile = {1, vectors < ROW_SUMS ? vectors : ROW_SUMS};
    while (tile.vectors > 1 && vectors / tile.vectors < SHARES && !emit_options(e)->unroll_full) tile.vectors = (tile.vectors + 1) / 2;
    return choose_only(e, node, work, tile, "one row: many sums hide each other's latency, and threads share the groups");
}

/* One group of columns for the rows from .. to - 1. */
static void emit_forward_group(Emit *e, const Product *product, const Tile *tile, int64_t rows_per_sample)
{
    if (tile->rows == 1 && emit_program(e) == PROGRAM_PREDICT && rows_per_sample == 1) {
        emit_row(e, product);
        return;
    }
    if (product->blocked) EMIT(e, "for (int i = 0; i < $N; i += $BLOCK) {", "const int end = $N - i < $BLOCK ? $N - i : $BLOCK;");
    fill(e, "END", "%s", product->blocked ? "end" : memory_format("%lld", (long long)product->inputs));
    emit_row_loops(e, product, tile->rows, rows_per_sample, emit_forward_tile);
    if (product->blocked) EMIT(e, "}");
}

/* Its parts are groups of columns, so that each thread reads its share of the weights only; where these are few, the rows are
 * cut into chunks as well. */
void matmul_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, const char *bias)
{
    if (emit_options(e)->openblas) {
        blas_emit(e, node, inputs, outputs, rows_per_sample, bias);
        return;
    }
    int64_t rows = e->graph->batch * rows_per_sample;
    Tile tile = forward_tile(e, node, inputs, outputs, rows_per_sample, rows);
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups), output = node->input_count + node->weight_count;
    int64_t columns = 0; /* groups of them */
    for (int g = 0; g < group_count; g++) columns += (groups[g].end - groups[g].first) / groups[g].vectors;
    int64_t chunks = columns < 2 * SHARES ? (2 * SHARES + columns - 1) / columns : 1;
    if (chunks > rows / tile.rows) chunks = rows / tile.rows;
    declare_rows(e, 0, inputs);
    declare_rows(e, output, outputs);
    phase_begin(e, node, NULL, OVER_EXTENT, columns * chunks);
    fill_matmul(e, inputs, outputs, rows_per_sample);
    bool blocked = inputs >= 2 * REDUCTION_BLOCK && !e->single;
    if (e->single) {
        for (int g = 0; g < group_count; g++) {
            Product product = {node, bias, inputs, outputs, &groups[g], blocked};
            group_begin(e, &groups[g]);
            emit_forward_group(e, &product, &tile, rows_per_sample);
            group_end(e);
        }
        phase_end(e);
        return;
    }
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "CHUNKS", chunks);
    fill_size(e, "GSTEP", tile.vectors);
    fill_size(e, "WHOLE", groups[0].end);
    EMIT(e, "for (ptrdiff_t part = first; part < last; part++) {");
    if (columns > 1) EMIT(e, chunks > 1 ? "const int k = (int)part / $CHUNKS * $GSTEP;" : "const int k = (int)part * $GSTEP;");
    if (chunks > 1)
        EMIT(e,
             "const ptrdiff_t tiles = (count * $ROWS + $TILE - 1) / $TILE, chunk = part % $CHUNKS;",
             "const ptrdiff_t from = tiles * chunk / $CHUNKS * $TILE, next = tiles * (chunk + 1) / $CHUNKS * $TILE;",
             "const ptrdiff_t to = next < count * $ROWS ? next : count * $ROWS;");
    else if (rows > 1) EMIT(e, "const ptrdiff_t from = 0, to = count * $ROWS;");
    for (int g = 0; g < group_count; g++) {
        VectorGroup group = groups[g];
        if (columns > 1 && group.last_lanes == emit_level(e)->lanes && g == 0) group.end = INT64_MAX; /* k says which */
        Product product = {node, bias, inputs, outputs, &group, blocked};
        fill(e, "G", "%s", group_first(&group));
        if (group_count > 1) EMIT(e, g ? "} else {" : "if (k < $WHOLE) {");
        emit_forward_group(e, &product, &tile, rows_per_sample);
    }
    if (group_count > 1) EMIT(e, "}");
    EMIT(e, "}");
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
