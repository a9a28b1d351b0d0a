/* Products of matrices: the two gradients of a dense layer.
 *
 * The gradient of the input turns a block of the matrix over into scratch memory and is then the same product as forward. The gradient of
 * the weights sums over samples, with neighbouring inputs as the tile's rows; where an update follows, it is made from the registers. Threads
 * share rows of the matrix, so that each reads its share of it only. */
#include "matmul.h"

enum { MOST_WORDS = 768 /* on the stack */, SPARSE_FLOATS = 48, SAMPLE_BLOCK = 64, LONG = 1024 /* rows */, LARGE_TILE = 16 };

/* A block of the matrix, turned over: as wide as the widest tile. */
void matmul_input_gradient_workspace(Graph *graph, Node *node, int64_t inputs, int64_t outputs)
{
    /* Each task turns over a block, whose width the level's tile decides: of all tasks together no more than the inputs and one block. */
    int64_t panel = graph->panel, widest = MOST_TILE_VECTORS * panel, columns = round_up(inputs, panel);
    if (widest < SPARSE_FLOATS) widest = SPARSE_FLOATS;
    columns += columns < widest ? columns : widest;
    if (columns > TASKS * widest) columns = TASKS * widest;
    graph_workspace(graph, node, round_up(outputs, panel) * columns, 1);
}

/* Turns a block of the matrix over: turned[output][input]. */
static void emit_turned_block(Emit *e, bool rest)
{
    EMIT(e, "for (int p = 0; p < $PANELS; p++) {", "for (int o = 0; o < $PANEL; o += 4) {");
    if (rest) EMIT(e, "for (int r = 0; r < $REST; r++) {", "for (int q = 0; q < 4; q++) turned[p * $PANEL + o + q][r] = kernel[p][i + r][o + q];", "}");
    else EMIT(e, "for (int r = 0; r < $BLOCK; r += 4) transpose4_f32x$L(&kernel[p][i + r][o], $PANEL, &turned[p * $PANEL + o][r], $BLOCK);");
    EMIT(e, "}", "}");
}

/* The reduction is cut into as many stretches as the tile has rows. Each asks for a row of what the tile will touch when it is complete,
 * and for its share of the next block of the matrix: these lie too far apart for the machine to see a pattern, and all at once would
 * be more than it can wait for. */
static void emit_input_gradient_tile(Emit *e, const Product *product, int rows)
{
    int operands = 0;
    for (int i = 0; i < product->node->epilogue_count; i++) operands += product->node->epilogue[i]->input_count - 1;
    fill_size(e, "STRETCHES", rows);
    fill_size(e, "WIDTH", product->group->vectors * emit_level(e)->lanes);
    tile_begin(e, rows, product->group->vectors, "{0}");
    EMIT(e, "const float *const a = d_y[m];");
    fill(e, "ROWAHEAD", "%s", product->sparse ? memory_format("(m + %d < to ? m + %d : m)", SPARSE_AHEAD, SPARSE_AHEAD) : "m + t");
    EMIT(e, "for (int t = 0; t < $STRETCHES; t++) {", "for (int at = 0; at < $WIDTH; at += 16) {", "__builtin_prefetch(&d_x[$ROWAHEAD][i + at], 1);");
    for (int k = 0; k < operands; k++) EMIT(e, memory_format("__builtin_prefetch(&e%d[$ROWAHEAD][i + at], 0);", k));
    EMIT(e, "}");
    if (product->blocked)
        EMIT(e, "for (ptrdiff_t line = (m + t) * $SHARE; line < (m + t + 1) * $SHARE && line < $PANELS * $BLOCK; line++) __builtin_prefetch(kernel[line / $BLOCK][next + line % $BLOCK], 0);");
    if (product->sparse) {
        EMIT(e, "for (int word = 0; word < $WORDS; word++) {");
        matmul_sparse_steps_emit(e, product->group->vectors, "found[m][word]", "word * 64 + ", "a[j]", "load_f32x$L(turned[j] + $V * $L)");
    } else {
        EMIT(e, "for (int j = $M * t / $STRETCHES; j < $M * (t + 1) / $STRETCHES; j++) {");
        tile_step(e, rows, product->group->vectors, "a[$T * $M + j]", "load_f32x$L(turned[j] + $V * $L)");
    }
    EMIT(e, "}", "}");
    tile_end(e, product->node, rows, product->group->vectors, product->group->last_lanes, "[m + $T][i + $V * $L]", "(uint32_t)((m + $T) * $N + i + $V * $L)", "d_x");
}

/* A part is a block of inputs as wide as a tile. */
void matmul_input_gradient_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    if (emit_options(e)->openblas) {
        blas_input_gradient_emit(e, node, inputs, outputs, rows_per_sample);
        return;
    }
    int lanes = emit_level(e)->lanes;
    int64_t vectors = (inputs + lanes - 1) / lanes, rows = e->graph->batch * rows_per_sample;
    Work work = {.kernel = "matmul", .rows = TYPICAL_ROWS, .columns = inputs, .reduction = outputs, .times = (double)rows_per_sample / TYPICAL_ROWS};
    work.most_vectors = vectors < 2 * SHARES ? 2 : (int)((vectors + SHARES - 1) / SHARES);
    int64_t words = (outputs + WORD - 1) / WORD;
    bool sparse = !emit_options(e)->unroll_full && rows * words <= MOST_WORDS && inputs >= SPARSE_FLOATS && outputs % lanes == 0 && matmul_zeros(node->inputs[0]) >= ZEROS_HALF;
    Tile tile = sparse ? choose_only(e, node, work, matmul_sparse_tile(e, SPARSE_FLOATS, inputs), "d_y comes from a rectifier: for each row only what is not zero is multiplied")
                       : choose_tile(e, node, work);
    if (tile.vectors > vectors) tile.vectors = (int)vectors;
    int64_t block = tile.vectors * lanes, whole = inputs / block, rest = inputs % block;
    matmul_declare_rows(e, 0, outputs);
    matmul_declare_rows(e, node->input_count + node->weight_count, inputs);
    phase_begin(e, node, NULL, OVER_EXTENT, whole + (rest > 0));
    matmul_fill(e, inputs, outputs, rows_per_sample);
    fill_size(e, "WHOLE", whole);
    fill_size(e, "BLOCK", block);
    fill_size(e, "REST", rest);
    int64_t panels = (outputs + e->graph->panel - 1) / e->graph->panel;
    fill_size(e, "PANELS", panels);
    fill_size(e, "WORK", panels * e->graph->panel * block);
    fill_size(e, "SHARE", (panels * block + rows - 1) / rows);
    EMIT(e,
         "float (*const turned)[$BLOCK] = (float (*)[$BLOCK])(work + task * $WORK);",
         "const ptrdiff_t from = 0, to = count * $ROWS;");
    if (sparse) {
        fill_size(e, "WORDS", words);
        fill_size(e, "ALLROWS", rows);
        EMIT(e,
             "uint64_t found[$ALLROWS][$WORDS];",
             "memset(found, 0, sizeof found);",
             "for (ptrdiff_t m = from; m < to; m++) {",
             "for (int o = 0; o < $M; o += $L) found[m][o / 64] |= (uint64_t)bits_i32x$L(load_f32x$L(&d_y[m][o]) != 0.0f) << o % 64;",
             "}");
    }
    EMIT(e, "for (ptrdiff_t part = first; part < last; part++) {", "const ptrdiff_t i = part * $BLOCK;");
    if (whole > 1) EMIT(e, "const ptrdiff_t next = part + 1 < $WHOLE ? i + $BLOCK : 0;");
    for (int g = 0; g < 2; g++) {
        if (g == 0 ? !whole : !rest) continue;
        if (whole && rest) EMIT(e, g ? "} else {" : "if (part < $WHOLE) {");
        emit_turned_block(e, g == 1);
        int columns = (int)(g ? rest : block), last = columns % lanes;
        VectorGroup group = {0, (columns + lanes - 1) / lanes, (columns + lanes - 1) / lanes, last ? last : lanes};
        Product product = {node, NULL, inputs, outputs, &group, .blocked = g == 0 && whole > 1, .sparse = sparse};
        matmul_row_loops(e, &product, tile.rows, rows_per_sample, emit_input_gradient_tile);
    }
    if (whole && rest) EMIT(e, "}");
    EMIT(e, "}");
    phase_end(e);
}

/* The subscript of a vector of the packed matrix: row i + `row`, and the vector's number. */
static const char *weight_place(const char *number, const char *row, int per_panel, int lanes)
{
    if (per_panel == 1) return memory_format("[%s][i + %s][0]", number, row);
    return memory_format("[%s / %d][i + %s][%s %% %d * %d]", number, per_panel, row, number, per_panel, lanes);
}

/* The sums are laid down, so that the update is a loop: written out for each of them it would be most of the function. */
static void emit_tile_update(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    int lanes = emit_level(e)->lanes;
    fill_size(e, "ROWCOUNT", rows);
    fill_size(e, "VECTORS", group->vectors);
    text_add(&e->body, "const f32x%d sums[%d][%d] = {\n", lanes, rows, group->vectors);
    for (int t = 0; t < rows; t++) {
        text_add(&e->body, "{");
        for (int v = 0; v < group->vectors; v++) text_add(&e->body, "%ss%d_%d", v ? ", " : "", t, v);
        text_add(&e->body, "},\n");
    }
    /* Rows of a panel follow each other in memory. */
    EMIT(e, "};", "for (int q = 0; q < $VECTORS; q++) {", "for (int t = 0; t < $ROWCOUNT; t++) {");
    const char *number = memory_format("(%s + q)", group_first(group));
    optimizer_vector_emit(e, product->node->update, "sums[t][q]", weight_place(number, "t", (int)(e->graph->panel / lanes), lanes), lanes);
    EMIT(e, "}", "}");
}

/* Stores the tile, or updates the weights by it. Vectors of the last panel that lie beyond the outputs become, and stay, zero. */
static void emit_weight_gradient_end(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    int lanes = emit_level(e)->lanes, per_panel = (int)(e->graph->panel / lanes);
    int beyond = group->first + group->vectors >= group->end ? (int)((per_panel - group->end % per_panel) % per_panel) : 0;
    if (product->node->update) {
        emit_tile_update(e, product, rows);
        return;
    }
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors + beyond; v++) {
            const char *number = memory_format("(%s + %d)", group_first(group), v), *row = memory_format("%d", t);
            emit_store(e, memory_format("&d_kernel%s", weight_place(number, row, per_panel, lanes)), v < group->vectors ? memory_format("s%d_%d", t, v) : memory_format("(f32x%d){0}", lanes), lanes);
        }
}

/* The row of d_y that belongs to row m of x. */
static const char *row_text(const char *m, int64_t rows_per_sample, LeftOut left_out)
{
    if (left_out == MATMUL_ALL) return m;
    return memory_format("%s + (%s) / %lld%s", m, m, (long long)rows_per_sample, left_out == MATMUL_FIRST ? " + 1" : "");
}

/* d0, d1, ...: the group's columns of a row of d_y; `laid`: into the block as well. */
static void emit_gradient_row(Emit *e, const VectorGroup *group, const char *row, bool laid)
{
    int lanes = emit_level(e)->lanes;
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        fill(e, "LOAD", "%s", load_text(e, memory_format("%s + (%s + %d) * %d", row, group_first(group), v, lanes), v == group->vectors - 1 ? group->last_lanes : lanes));
        EMIT(e, "const f32x$L d$V = $LOAD;");
        if (laid) EMIT(e, "store_f32x$L(block[m] + $V * $L, d$V);");
    }
}

/* The sums run over the samples. With an update they ask for what will be updated: of a large tile, whose steps take long, cut into as many
 * stretches as it has rows, each for one of them; else all at once. */
static void emit_weight_gradient_tile(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    const Node *update = product->node->update;
    int lanes = emit_level(e)->lanes;
    bool spread = update && !product->sparse && rows * group->vectors >= LARGE_TILE;
    tile_begin(e, rows, group->vectors, "{0}");
    fill_size(e, "STRETCHES", rows);
    fill(e, "ROW", "%s", product->d_row);
    if (update) {
        EMIT(e, "for (int t = 0; t < $STRETCHES; t++) {");
        for (int v = 0; v < group->vectors; v += (int)(e->graph->panel / lanes)) {
            const char *place = memory_format("[(%s + %d) / %d][i + t]", group_first(group), v, (int)(e->graph->panel / lanes));
            text_add(&e->body, "__builtin_prefetch(w%s, 1);\n", place);
            for (int s = 0; s < update->weight_count - 1; s++) text_add(&e->body, "__builtin_prefetch(slot%d%s, 1);\n", s, place);
        }
    }
    if (update && !spread) EMIT(e, "}");
    if (product->sparse) EMIT(e, "for (int r = 0; r < listed_count; r++) {", "const ptrdiff_t m = listed[r];");
    else EMIT(e, spread ? "for (ptrdiff_t m = samples * t / $STRETCHES; m < samples * (t + 1) / $STRETCHES; m++) {" : "for (ptrdiff_t m = 0; m < samples; m++) {");
    EMIT(e, "const float *const a = &x[m][i];", "const float *const d = d_y[$ROW];");
    emit_gradient_row(e, group, "d", false);
    tile_step(e, rows, group->vectors, "a[$T]", "d$V");
    EMIT(e, "}");
    if (spread) EMIT(e, "}");
    emit_weight_gradient_end(e, product, rows);
}

/* The gradient of a weight that is not packed; recurrent kernels always are. */
static bool is_blas(const Emit *e, const Node *node)
{
    const Tensor *kernel = node->update ? node->weights[0] : node->outputs[0];
    return emit_options(e)->openblas && !kernel->packing.panel;
}

/* ---- the same over many rows, as of sequences: too many for the caches ---- */

bool matmul_weight_gradient_is_long(const Graph *graph, int64_t rows_per_sample)
{
    return graph->batch * rows_per_sample >= LONG;
}

static int64_t block_floats(const Graph *graph)
{
    return SAMPLE_BLOCK * MOST_TILE_VECTORS * graph->panel;
}

/* Of each task a block; where zeros are counted, their words behind them. */
void matmul_weight_gradient_workspace(Graph *graph, Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    if (node->update || !node->outputs[0]->packing.panel || !matmul_weight_gradient_is_long(graph, rows_per_sample)) return;
    if (matmul_long_is_counted(graph, node, inputs, outputs, rows_per_sample))
        graph_workspace(graph, node, TASKS * block_floats(graph) + matmul_long_counts_floats(graph, inputs, rows_per_sample), 1);
    else graph_workspace(graph, node, block_floats(graph), TASKS);
}

/* The rows of a block: the sums go on from where the block before left them. The first tile of a part reads d_y where it is and lays its
 * columns close together on the way, for the others; one for what is left over reads them where they are too. Each tile asks for its share of
 * what comes next: these columns of the next block, or the next part's of this one. */
typedef enum { BLOCK_LAYS, BLOCK_LAID, BLOCK_REST } BlockTile;

static void emit_block_tile(Emit *e, const Product *product, int rows, BlockTile kind)
{
    const VectorGroup *group = product->group;
    int lanes = emit_level(e)->lanes, per_panel = (int)(e->graph->panel / lanes);
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            const char *place = weight_place(memory_format("(%s + %d)", group_first(group), v), memory_format("%d", t), per_panel, lanes);
            text_add(&e->body, "f32x%d s%d_%d = start ? load_f32x%d(&d_kernel%s) : (f32x%d){0};\n", lanes, t, v, lanes, place, lanes);
        }
    fill_size(e, "COLUMNS", (group->vectors - 1) * lanes + group->last_lanes);
    EMIT(e,
         "const ptrdiff_t soon = (i - from) / $TILE * $ASKED;",
         "for (ptrdiff_t q = soon; q < soon + $ASKED && q < $SIZE; q++) {",
         "const ptrdiff_t m = ahead + q, r = start + $SIZE + q;",
         "if (m < rows)",
         "for (int o = 0; o < $COLUMNS; o += 16) __builtin_prefetch(d_y[$ROW] + column + o, 0, 2);",
         "if (r < rows)",
         "for (ptrdiff_t o = begin; o < end; o += 16) __builtin_prefetch(x[r] + o, 0, 2);",
         "}");
    if (product->sparse) {
        EMIT(e,
             "for (uint64_t left = nonzero[start / $SIZE][i / $TILE]; left; left &= left - 1) {",
             "const ptrdiff_t m = start + __builtin_ctzll(left);",
             "const float *const a = &x[m][i];");
        emit_gradient_row(e, group, "d_y[m]", false);
        tile_step(e, rows, group->vectors, "a[$T]", "d$V");
        EMIT(e, "}");
        emit_weight_gradient_end(e, product, rows);
        return;
    }
    EMIT(e, "const float *const a = &x[start][i];");
    if (kind != BLOCK_LAID) EMIT(e, "const float *d = d_y[$STARTROW];");
    if (kind != BLOCK_LAID && product->left_out) EMIT(e, "int until = $ROWS - (int)(start % $ROWS);");
    EMIT(e, "for (ptrdiff_t m = 0; m < size; m++) {");
    if (kind != BLOCK_LAID) {
        emit_gradient_row(e, group, "d", kind == BLOCK_LAYS);
        EMIT(e, "d += $M;");
        if (product->left_out) EMIT(e, "if (--until == 0) d += $M, until = $ROWS;");
    }
    tile_step(e, rows, group->vectors, "a[m * $N + $T]", kind == BLOCK_LAID ? "load_f32x$L(block[m] + $V * $L)" : "d$V");
    EMIT(e, "}");
    emit_weight_gradient_end(e, product, rows);
}

/* A part is a group of columns, or a share of its rows. Block by block of d_y and x the parts of a task follow one another: the block's rows are then
 * in the second-level cache, and what all tiles of a part read of d_y, laid close together, in the first. Where x is zero, most of it is
 * not read, and stays where it is. `counted`: as forward, another phase goes the other way. */
static void emit_long_weight_gradient(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, LeftOut left_out, bool sparse, bool counted)
{
    Work work = {.kernel = "matmul", .rows = inputs, .columns = outputs, .reduction = rows_per_sample, .times = 1, .phase = sparse ? "sparse_weight_gradient" : NULL};
    Tile tile = sparse ? choose_only(e, node, work, matmul_listed_tile(e, outputs), "where many of the network's inputs are zero: rows are passed over that have no number for a tile's inputs") : choose_tile(e, node, work);
    int lanes = emit_level(e)->lanes, rest = (int)(inputs % tile.rows);
    int64_t tiles = (inputs + tile.rows - 1) / tile.rows, columns = 0;
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups);
    for (int g = 0; g < group_count; g++) columns += (groups[g].end - groups[g].first) / groups[g].vectors;
    /* cppcheck-suppress zerodiv ; there is a group, and it has columns */
    int64_t shares = (2 * SHARES + columns - 1) / columns;
    if (shares > tiles) shares = tiles;
    matmul_declare_rows(e, 0, inputs);
    matmul_declare_rows(e, 1, outputs);
    phase_begin(e, node, work.phase, OVER_EXTENT, columns * shares);
    phase_by_threads(e);
    matmul_fill(e, inputs, outputs, rows_per_sample);
    if (counted) matmul_long_counts_decide(e, inputs, TASKS * block_floats(e->graph), sparse);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "TILES", tiles);
    fill_size(e, "SHARES", shares);
    fill_size(e, "GSTEP", tile.vectors);
    fill_size(e, "WHOLE", groups[0].end);
    fill_size(e, "SIZE", SAMPLE_BLOCK);
    fill_size(e, "ASKED", (SAMPLE_BLOCK + tiles / shares - 1) / (tiles / shares)); /* rows that each tile asks for */
    fill_size(e, "WIDTH", tile.vectors * lanes);
    fill_size(e, "WORK", block_floats(e->graph));
    fill(e, "ROW", "%s", row_text("m", rows_per_sample, left_out));
    fill(e, "STARTROW", "%s", row_text("start", rows_per_sample, left_out));
    if (!sparse) EMIT(e, "float (*const block)[$WIDTH] = (float (*)[$WIDTH])(work + task * $WORK);");
    EMIT(e,
         "const ptrdiff_t rows = count * $ROWS;",
         "for (ptrdiff_t start = 0; start < rows; start += $SIZE) {");
    if (!sparse) EMIT(e, "const ptrdiff_t size = rows - start < $SIZE ? rows - start : $SIZE;");
    EMIT(e,
         "for (ptrdiff_t part = first; part < last; part++) {",
         "const ptrdiff_t share = part % $SHARES, from = $TILES * share / $SHARES * $TILE, next = $TILES * (share + 1) / $SHARES * $TILE, to = next < $N ? next : $N;",
         "const ptrdiff_t ahead = part + 1 < last ? start : start + $SIZE, column = (part + 1 < last ? part + 1 : first) / $SHARES * $GSTEP * $L;",
         "const ptrdiff_t begin = $N * (part - first) / (last - first), end = $N * (part + 1 - first) / (last - first);");
    if (columns > 1) EMIT(e, "const int k = (int)(part / $SHARES) * $GSTEP;");
    for (int g = 0; g < group_count; g++) {
        VectorGroup group = groups[g];
        if (columns > 1 && group.last_lanes == lanes && g == 0) group.end = INT64_MAX; /* k says which */
        Product product = {node, NULL, inputs, outputs, &group, .blocked = true, .sparse = sparse, .left_out = left_out};
        fill(e, "G", "%s", group_first(&group));
        if (group_count > 1) EMIT(e, g ? "} else {" : "if (k < $WHOLE) {");
        EMIT(e, "ptrdiff_t i = from;");
        if (inputs >= tile.rows && !sparse) {
            EMIT(e, "if (i + $TILE <= to) {");
            emit_block_tile(e, &product, tile.rows, BLOCK_LAYS);
            EMIT(e, "i += $TILE;", "}");
        }
        if (inputs >= tile.rows) {
            EMIT(e, "for (; i + $TILE <= to; i += $TILE) {");
            emit_block_tile(e, &product, tile.rows, BLOCK_LAID);
            EMIT(e, "}");
        }
        if (rest) {
            EMIT(e, "if (i < to) {");
            emit_block_tile(e, &product, rest, BLOCK_REST);
            EMIT(e, "}");
        }
    }
    if (group_count > 1) EMIT(e, "}");
    EMIT(e, "}", "}");
    phase_end(e);
}

/* A part is as many rows of the matrix as a tile has. */
void matmul_weight_gradient_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, LeftOut left_out)
{
    if (is_blas(e, node)) {
        blas_weight_gradient_emit(e, node, inputs, outputs, rows_per_sample);
        return;
    }
    if (!node->update && matmul_weight_gradient_is_long(e->graph, rows_per_sample)) {
        bool counted = matmul_long_is_counted(e->graph, node, inputs, outputs, rows_per_sample);
        if (counted) {
            matmul_long_counts_emit(e, node, inputs, outputs, rows_per_sample, TASKS * block_floats(e->graph));
            emit_long_weight_gradient(e, node, inputs, outputs, rows_per_sample, left_out, true, true);
        }
        emit_long_weight_gradient(e, node, inputs, outputs, rows_per_sample, left_out, false, counted);
        return;
    }
    const Work work = {.kernel = "matmul", .rows = inputs, .columns = outputs, .reduction = rows_per_sample, .times = 1};
    int64_t samples = e->graph->batch * rows_per_sample;
    bool sparse = matmul_weight_gradient_is_sparse(e, node, inputs, outputs, samples);
    Tile tile = sparse ? choose_only(e, node, work, matmul_listed_tile(e, outputs), "many of x may be zero: samples are passed over that have no number for a tile's rows") : choose_tile(e, node, work);
    int64_t whole = inputs / tile.rows, rest = inputs % tile.rows;
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups);
    matmul_declare_rows(e, 0, inputs);
    matmul_declare_rows(e, 1, outputs);
    phase_begin(e, node, NULL, OVER_EXTENT, whole + (rest > 0));
    matmul_fill(e, inputs, outputs, rows_per_sample);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "WHOLE", whole);
    if (node->update) optimizer_begin_emit(e, node->update);
    EMIT(e, "const ptrdiff_t samples = count * $ROWS;");
    if (sparse) matmul_lists_begin(e, tile.rows, samples);
    EMIT(e, "for (ptrdiff_t part = first; part < last; part++) {", "const ptrdiff_t i = part * $TILE;");
    if (sparse) matmul_list_emit(e);
    for (int r = 0; r < 2; r++) {
        if (r == 0 ? !whole : !rest) continue;
        if (whole && rest) EMIT(e, r == 0 ? "if (part < $WHOLE) {" : "} else {");
        for (int g = 0; g < group_count; g++) {
            Product product = {node, NULL, inputs, outputs, &groups[g], .sparse = sparse, .d_row = row_text("m", rows_per_sample, left_out)};
            group_begin(e, &groups[g]);
            emit_weight_gradient_tile(e, &product, r == 0 ? tile.rows : (int)rest);
            group_end(e);
        }
    }
    if (whole && rest) EMIT(e, "}");
    EMIT(e, "}");
    phase_end(e);
}
