/* Products of matrices: a dense layer's forward pass.
 *
 * The matrix of weights [inputs][outputs] is packed [outputs/panel][inputs][panel]. The reduction runs in blocks whose
 * stretch of a panel stays in the first-level cache while all samples pass over it.
 *
 * Threads share columns of the matrix, so that each reads its share of it only. What lies a row of
 * activations apart is asked for ahead, a little in each stretch of the reduction. */
#include "matmul.h"

enum { REDUCTION_BLOCK = 256, ROW_SUMS = 8, COUNTED_FLOATS = 128, SEQUENCE_FLOATS = 256 };

void matmul_fill(Emit *e, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    fill_size(e, "N", inputs);
    fill_size(e, "M", outputs);
    fill_size(e, "ROWS", rows_per_sample);
    fill_size(e, "PANEL", e->graph->panel);
    fill_size(e, "PERPANEL", e->graph->panel / emit_level(e)->lanes);
    fill_size(e, "BLOCK", inputs < 2 * REDUCTION_BLOCK ? inputs : REDUCTION_BLOCK);
}

void matmul_declare_rows(Emit *e, int operand, int64_t columns)
{
    phase_operand(e, operand, 2, (const int64_t[]){-1, columns});
}

void matmul_row_loops(Emit *e, const Product *product, int rows, int64_t rows_per_sample, EmitTile *tile)
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
    if (rows > 1 && rows_per_sample % rows == 0) return;
    EMIT(e, "for (; m < to; m++) {");
    tile(e, product, 1);
    EMIT(e, "}");
}

/* Sums of one row: how many a group of so many vectors makes of each, so that they hide the latency of its additions. */
static int row_depth(int vectors, int64_t inputs)
{
    int depth = 1;
    while (depth * vectors < ROW_SUMS && 4 * depth < inputs) depth *= 2;
    return depth;
}

static void emit_forward_tile(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    int lanes = emit_level(e)->lanes;
    const char *first = group_first(group), *start_column = product->blocked ? "i" : "0";
    text_add(&e->body, "const float *const a = &x[m][%s];\n", start_column);
    /* Pictures have whole stretches without a number. */
    if (product->counted) EMIT(e, "const uint64_t found = nonzero[m][i / 64];", "if (!found && i && i + end < $N) continue;");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            int part = v == group->vectors - 1 ? group->last_lanes : lanes;
            const char *start = product->bias ? load_text(e, memory_format("&%s[(%s + %d) * %d]", product->bias, first, v, lanes), part) : memory_format("(f32x%d){0}", lanes);
            const char *so_far = load_text(e, memory_format("&y[m + %d][(%s + %d) * %d]", t, first, v, lanes), part);
            if (product->blocked) text_add(&e->body, "f32x%d s%d_%d = i ? %s : %s;\n", lanes, t, v, so_far, start);
            else text_add(&e->body, "f32x%d s%d_%d = %s;\n", lanes, t, v, start);
        }
    tile_pointers(e, group->vectors, first, e->graph->panel, "kernel", start_column);
    if (product->sparse && !product->counted) {
        EMIT(e, "const float *const ahead = a + (m + $AHEAD < to ? $AHEAD * $N : 0);", "for (int j = 0; j < end; j += 16) __builtin_prefetch(ahead + j);");
        matmul_word_emit(e, "found", "a + j", product->inputs);
    }
    if (product->sparse) {
        matmul_sparse_steps_emit(e, group->vectors, "found", "", "a[j]", "load_f32x$L(b$V + j * $PANEL)");
    } else {
        EMIT(e, "for (int j = 0; j < $END; j++) {");
        tile_step(e, rows, group->vectors, "a[$T * $N + j]", "load_f32x$L(b$V + j * $PANEL)");
        EMIT(e, "}");
    }
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
    int vectors = group->vectors, lanes = emit_level(e)->lanes, depth = row_depth(vectors, product->inputs);
    fill_size(e, "DEPTH", depth);
    fill_size(e, "FULL", product->inputs / depth * depth);
    EMIT(e, "const float *const a = x[0];");
    tile_pointers(e, vectors, group_first(group), e->graph->panel, "kernel", "0");
    tile_begin(e, depth, vectors, "{0}");
    bool sparse = matmul_row_is_sparse(e, product->node, product->inputs, depth);
    if (sparse) matmul_sparse_row_emit(e, depth, vectors);
    for (int part = 0; part < 2 && !sparse; part++) {
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

static bool is_one_row(const Emit *e, int64_t rows_per_sample)
{
    return program_is_single(emit_program(e)) && rows_per_sample == 1;
}

/* What a product leaves out: nothing, or what is zero, in words that are made on the way or before. */
typedef enum { LEFT_NOTHING, LEFT_OUT, LEFT_COUNTED } Left;

/* The tile of the forward product. Of one row the groups of columns are of a size that leaves some for each thread, and so they are of
 * more rows as long as a tile is two vectors wide. */
static Tile forward_tile(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, Left left)
{
    int lanes = emit_level(e)->lanes, vectors = (int)((outputs + lanes - 1) / lanes);
    int64_t rows = program_is_single(emit_program(e)) ? rows_per_sample : TYPICAL_ROWS;
    Work work = {.kernel = "matmul", .rows = rows, .columns = outputs, .reduction = inputs, .times = (double)rows_per_sample / (double)rows};
    if (left == LEFT_COUNTED) {
        work.phase = "sparse_forward";
        return choose_only(e, node, work, matmul_sparse_tile(e, rows_per_sample > 1 ? SEQUENCE_FLOATS : COUNTED_FLOATS, outputs), "where many of the network's inputs are zero: for each row only what is not is multiplied");
    }
    if (left == LEFT_OUT)
        return choose_only(e, node, work, matmul_sparse_tile(e, WORD, outputs), "x comes from a rectifier and dropout: for each row only what is not zero is multiplied");
    if (!is_one_row(e, rows_per_sample)) {
        work.most_vectors = vectors < 2 * SHARES ? 2 : (vectors + SHARES - 1) / SHARES;
        return choose_tile(e, node, work);
    }
    Tile tile = {1, vectors < ROW_SUMS ? vectors : ROW_SUMS};
    while (tile.vectors > 1 && vectors / tile.vectors < SHARES && !emit_options(e)->unroll_full) tile.vectors = (tile.vectors + 1) / 2;
    bool sparse = matmul_row_is_sparse(e, node, inputs, row_depth(tile.vectors, inputs));
    return choose_only(e, node, work, tile, sparse ? "one row: many sums hide each other's latency, threads share the groups, and weights of inputs that are zero are not read"
                                                   : "one row: many sums hide each other's latency, and threads share the groups");
}

/* One group of columns for the rows from .. to - 1. */
static void emit_forward_group(Emit *e, const Product *product, const Tile *tile, int64_t rows_per_sample)
{
    if (is_one_row(e, rows_per_sample)) {
        emit_row(e, product);
        return;
    }
    if (product->blocked) EMIT(e, "for (int i = 0; i < $N; i += $BLOCK) {", "const int end = $N - i < $BLOCK ? $N - i : $BLOCK;");
    fill(e, "END", "%s", product->blocked ? "end" : memory_format("%lld", (long long)product->inputs));
    matmul_row_loops(e, product, tile->rows, rows_per_sample, emit_forward_tile);
    if (product->blocked) EMIT(e, "}");
}

/* Its parts are groups of columns, so that each thread reads its share of the weights only; where these are few, the rows are
 * cut into chunks as well. `counted`: another phase does the same in the other way, and one of the two has nothing to do. */
static void emit_product(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, const char *bias, Left left, bool counted)
{
    int64_t rows = e->graph->batch * rows_per_sample;
    Tile tile = forward_tile(e, node, inputs, outputs, rows_per_sample, left);
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups), output = node->input_count + node->weight_count;
    int64_t columns = 0; /* groups of them */
    for (int g = 0; g < group_count; g++) columns += (groups[g].end - groups[g].first) / groups[g].vectors;
    /* cppcheck-suppress zerodiv ; there is a group, and it has columns */
    int64_t shares = left == LEFT_COUNTED && rows_per_sample == 1 ? SHARES : 2 * SHARES, chunks = columns < shares ? (shares + columns - 1) / columns : 1;
    if (chunks > (rows + tile.rows - 1) / tile.rows) chunks = (rows + tile.rows - 1) / tile.rows;
    matmul_declare_rows(e, 0, inputs);
    matmul_declare_rows(e, output, outputs);
    phase_begin(e, node, left == LEFT_COUNTED ? "sparse_forward" : NULL, OVER_EXTENT, columns * chunks);
    matmul_fill(e, inputs, outputs, rows_per_sample);
    bool sparse = left != LEFT_NOTHING, blocked = sparse || (inputs >= 2 * REDUCTION_BLOCK && !e->single);
    fill_size(e, "AHEAD", SPARSE_AHEAD);
    if (sparse) fill_size(e, "BLOCK", WORD);
    if (e->single) {
        for (int g = 0; g < group_count; g++) {
            Product product = {node, bias, inputs, outputs, &groups[g], .blocked = blocked};
            group_begin(e, &groups[g]);
            emit_forward_group(e, &product, &tile, rows_per_sample);
            group_end(e);
        }
        phase_end(e);
        return;
    }
    if (counted) matmul_counts_decide(e, inputs, sparse);
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
    else if (!is_one_row(e, rows_per_sample)) EMIT(e, "const ptrdiff_t from = 0, to = count * $ROWS;");
    for (int g = 0; g < group_count; g++) {
        VectorGroup group = groups[g];
        if (columns > 1 && group.last_lanes == emit_level(e)->lanes && g == 0) group.end = INT64_MAX; /* k says which */
        Product product = {node, bias, inputs, outputs, &group, .blocked = blocked, .sparse = sparse, .counted = left == LEFT_COUNTED};
        fill(e, "G", "%s", group_first(&group));
        if (group_count > 1) EMIT(e, g ? "} else {" : "if (k < $WHOLE) {");
        emit_forward_group(e, &product, &tile, rows_per_sample);
    }
    if (group_count > 1) EMIT(e, "}");
    EMIT(e, "}");
    phase_end(e);
}

void matmul_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, const char *bias)
{
    if (emit_options(e)->openblas) {
        blas_emit(e, node, inputs, outputs, rows_per_sample, bias);
        return;
    }
    bool counted = matmul_forward_is_counted(e->graph, node, inputs, outputs, rows_per_sample);
    if (counted) {
        matmul_counts_emit(e, node, inputs, rows_per_sample);
        emit_product(e, node, inputs, outputs, rows_per_sample, bias, LEFT_COUNTED, true);
    }
    bool sparse = matmul_forward_is_sparse(e, node, inputs, outputs, rows_per_sample);
    emit_product(e, node, inputs, outputs, rows_per_sample, bias, sparse ? LEFT_OUT : LEFT_NOTHING, counted);
}

void matmul_workspace(Graph *graph, Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    if (matmul_forward_is_counted(graph, node, inputs, outputs, rows_per_sample)) graph_workspace(graph, node, matmul_counts_floats(graph, inputs, rows_per_sample), 1);
}
