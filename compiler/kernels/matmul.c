/* Products of matrices: a dense layer's forward pass and its two gradients.
 *
 * The matrix of weights [inputs][outputs] is packed [outputs/panel][inputs][panel]. Forward, the reduction runs in blocks whose
 * stretch of a panel stays in the first-level cache while all samples pass over it. The gradient of the input turns a block of
 * the matrix over into scratch memory and is then the same product. The gradient of the weights sums over samples, with
 * neighbouring inputs as the tile's rows; where an update follows, it is made from the registers.
 *
 * Behind a rectifier, and even more behind dropout, most of an operand's numbers are zero. A row of sums then takes those steps of the
 * reduction only whose number is not: its places are bits of words, and the results are the same to the bit.
 *
 * Threads share columns (forward) or rows (backward) of the matrix, so that each reads its share of it only. What lies a row of
 * activations apart is asked for ahead, a little in each stretch of the reduction. */
#include "kernels.h"

enum { WORD = 64 /* bits */, SPARSE_AHEAD = 4 /* rows */, SPARSE_FLOATS = 48, MOST_WORDS = 768 /* on the stack */ };
enum { REDUCTION_BLOCK = 256, SAMPLE_BLOCK = 64, LONG = 1024 /* rows */, TYPICAL_ROWS = 128, ROW_SUMS = 8, SHARES = 4, LARGE_TILE = 16 };

/* A block of the matrix, turned over: as wide as the widest tile. */
void matmul_input_gradient_workspace(Graph *graph, Node *node, int64_t inputs, int64_t outputs)
{
    /* Each task turns over a block, whose width the level's tile decides: of all tasks together no more than the inputs and one block. */
    int64_t panel = graph->panel, widest = MOST_TILE_VECTORS * panel, columns = (inputs + panel - 1) / panel * panel;
    if (widest < SPARSE_FLOATS) widest = SPARSE_FLOATS;
    columns += columns < widest ? columns : widest;
    if (columns > TASKS * widest) columns = TASKS * widest;
    graph_workspace(graph, node, (outputs + panel - 1) / panel * panel * columns, 1);
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

/* Is about a half of the numbers zero, as they come from a rectifier or its gradient? `dropped`: and is a share of the rest, as noise follows? */
static bool is_rectified(Tensor *tensor, bool *dropped)
{
    const Node *node = tensor_base(tensor)->producer;
    *dropped = false;
    for (; node; node = node->input_count ? tensor_base(node->inputs[0])->producer : NULL)
        for (int i = node->epilogue_count; i >= 0; i--) {
            const Operator *op = i ? node->epilogue[i - 1]->op : node->op;
            if (op->flags & OPERATOR_RECTIFIES) return true;
            if (!(op->flags & OPERATOR_KEEPS_SIGN)) return false;
            if (op->flags & OPERATOR_NOISE) *dropped = true;
        }
    return false;
}

/* The steps of one row's reduction whose number, $NUMBER, is not zero: those of the word's bits, from step `first` on. */
static void emit_sparse_steps(Emit *e, int vectors, const char *word, const char *first, const char *number, const char *b)
{
    fill(e, "WORD", "%s", word);
    fill(e, "FIRST", "%s", first);
    EMIT(e, "for (uint64_t left = $WORD; left; left &= left - 1) {", "const int j = $FIRST__builtin_ctzll(left);");
    tile_step(e, 1, vectors, number, b);
    EMIT(e, "}");
}

/* The loop over rows m in tiles, then the rest one by one; calls `tile` for each height. */
typedef struct {
    const Node *node;
    const char *bias;
    int64_t inputs, outputs;
    const VectorGroup *group;
    bool blocked; /* in blocks, of which there are several */
    bool sparse;  /* zeros are left out */
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
    if (rows > 1 && rows_per_sample % rows == 0) return;
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
    text_add(&e->body, "const float *const a = &x[m][%s];\n", start_column);
    tile_pointers(e, group->vectors, first, e->graph->panel, "kernel", start_column);
    if (product->sparse) {
        EMIT(e,
             "const float *const ahead = a + (m + $AHEAD < to ? $AHEAD * $N : 0);",
             "for (int j = 0; j < end; j += 16) __builtin_prefetch(ahead + j);",
             "uint64_t found = 0;",
             "for (int j = 0; j < end; j += $L) found |= (uint64_t)bits_i32x$L(load_f32x$L(a + j) != 0.0f) << j;");
        emit_sparse_steps(e, group->vectors, "found", "", "a[j]", "load_f32x$L(b$V + j * $PANEL)");
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

/* Sums of one row: how many a group of so many vectors makes of each, so that they hide the latency of its additions. */
static int row_depth(int vectors, int64_t inputs)
{
    int depth = 1;
    while (depth * vectors < ROW_SUMS && 4 * depth < inputs) depth *= 2;
    return depth;
}

/* Does one row pass over those rows of the matrix whose input is zero? Where a group is wide, that costs next to nothing; else it
 * has to be likely that there are some. */
static bool is_sparse_row(const Emit *e, const Node *node, int64_t inputs, int depth)
{
    bool dropped;
    return !emit_options(e)->unroll_full && inputs >= 2 * WORD && inputs % e->graph->panel == 0 && (depth == 1 || is_rectified(node->inputs[0], &dropped));
}

/* The sums of a stretch of the row at a time: its inputs that are not zero are bits of a word; for several sums of each column
 * a list, filled up to whole steps with a zero. */
static void emit_sparse_row(Emit *e, int depth, int vectors)
{
    fill_size(e, "BLOCK", WORD);
    fill_size(e, "ROOM", WORD + depth);
    EMIT(e,
         "for (int i = 0; i < $N; i += $BLOCK) {",
         "const int end = $N - i < $BLOCK ? $N - i : $BLOCK;",
         "uint64_t found = 0;",
         "for (int j = 0; j < end; j += $L) found |= (uint64_t)bits_i32x$L(load_f32x$L(a + i + j) != 0.0f) << j;");
    if (depth == 1) emit_sparse_steps(e, vectors, "found", "i + ", "a[j]", "load_f32x$L(b$V + j * $PANEL)");
    else {
        EMIT(e,
             "int rows[$ROOM], listed = 0;",
             "float factors[$ROOM];",
             "for (uint64_t left = found; left; left &= left - 1) {",
             "rows[listed] = i + __builtin_ctzll(left);",
             "factors[listed] = a[rows[listed]];",
             "listed++;",
             "}",
             "for (int t = 0; t < $DEPTH; t++) rows[listed + t] = i, factors[listed + t] = 0;",
             "for (int r = 0; r < listed; r += $DEPTH) {");
        for (int t = 0; t < depth; t++)
            for (int v = 0; v < vectors; v++)
                text_add(&e->body, "s%d_%d += factors[r + %d] * load_f32x%d(b%d + rows[r + %d] * %lld);\n", t, v, t, emit_level(e)->lanes, v, t, (long long)e->graph->panel);
        EMIT(e, "}");
    }
    EMIT(e, "}");
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
    bool sparse = is_sparse_row(e, product->node, product->inputs, depth);
    if (sparse) emit_sparse_row(e, depth, vectors);
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

/* One row by as many vectors as make up so many floats, where registers hold them and there are columns for them. */
static Tile sparse_tile(const Emit *e, int64_t floats, int64_t columns)
{
    int lanes = emit_level(e)->lanes, vectors = (int)((columns + lanes - 1) / lanes), most = emit_level(e)->registers - 4;
    if (vectors > floats / lanes) vectors = (int)(floats / lanes);
    return (Tile){1, vectors < most ? vectors : most};
}

/* Batches whose x comes from a rectifier and dropout; enough columns that the sums of one row hide each other's latency. */
static bool is_sparse_forward(const Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    bool dropped;
    return !e->single && !emit_options(e)->unroll_full && rows_per_sample == 1 && inputs >= 2 * WORD && inputs % e->graph->panel == 0 && outputs >= WORD && is_rectified(node->inputs[0], &dropped) && dropped;
}

/* The tile of the forward product. Of one row the groups of columns are of a size that leaves some for each thread, and so they are of
 * more rows as long as a tile is two vectors wide. */
static Tile forward_tile(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    int lanes = emit_level(e)->lanes, vectors = (int)((outputs + lanes - 1) / lanes);
    int64_t rows = program_is_single(emit_program(e)) ? rows_per_sample : TYPICAL_ROWS;
    Work work = {.kernel = "matmul", .rows = rows, .columns = outputs, .reduction = inputs, .times = (double)rows_per_sample / (double)rows};
    if (is_sparse_forward(e, node, inputs, outputs, rows_per_sample))
        return choose_only(e, node, work, sparse_tile(e, WORD, outputs), "x comes from a rectifier and dropout: for each row only what is not zero is multiplied");
    if (!is_one_row(e, rows_per_sample)) {
        work.most_vectors = vectors < 2 * SHARES ? 2 : (vectors + SHARES - 1) / SHARES;
        return choose_tile(e, node, work);
    }
    Tile tile = {1, vectors < ROW_SUMS ? vectors : ROW_SUMS};
    while (tile.vectors > 1 && vectors / tile.vectors < SHARES && !emit_options(e)->unroll_full) tile.vectors = (tile.vectors + 1) / 2;
    bool sparse = is_sparse_row(e, node, inputs, row_depth(tile.vectors, inputs));
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
    Tile tile = forward_tile(e, node, inputs, outputs, rows_per_sample);
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups), output = node->input_count + node->weight_count;
    int64_t columns = 0; /* groups of them */
    for (int g = 0; g < group_count; g++) columns += (groups[g].end - groups[g].first) / groups[g].vectors;
    /* cppcheck-suppress zerodiv ; there is a group, and it has columns */
    int64_t chunks = columns < 2 * SHARES ? (2 * SHARES + columns - 1) / columns : 1;
    if (chunks > (rows + tile.rows - 1) / tile.rows) chunks = (rows + tile.rows - 1) / tile.rows;
    declare_rows(e, 0, inputs);
    declare_rows(e, output, outputs);
    phase_begin(e, node, NULL, OVER_EXTENT, columns * chunks);
    fill_matmul(e, inputs, outputs, rows_per_sample);
    bool sparse = is_sparse_forward(e, node, inputs, outputs, rows_per_sample), blocked = sparse || (inputs >= 2 * REDUCTION_BLOCK && !e->single);
    fill_size(e, "AHEAD", SPARSE_AHEAD);
    if (sparse) fill_size(e, "BLOCK", WORD);
    if (e->single) {
        for (int g = 0; g < group_count; g++) {
            Product product = {node, bias, inputs, outputs, &groups[g], blocked, false};
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
    else if (!is_one_row(e, rows_per_sample)) EMIT(e, "const ptrdiff_t from = 0, to = count * $ROWS;");
    for (int g = 0; g < group_count; g++) {
        VectorGroup group = groups[g];
        if (columns > 1 && group.last_lanes == emit_level(e)->lanes && g == 0) group.end = INT64_MAX; /* k says which */
        Product product = {node, bias, inputs, outputs, &group, blocked, sparse};
        fill(e, "G", "%s", group_first(&group));
        if (group_count > 1) EMIT(e, g ? "} else {" : "if (k < $WHOLE) {");
        emit_forward_group(e, &product, &tile, rows_per_sample);
    }
    if (group_count > 1) EMIT(e, "}");
    EMIT(e, "}");
    phase_end(e);
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
        emit_sparse_steps(e, product->group->vectors, "found[m][word]", "word * 64 + ", "a[j]", "load_f32x$L(turned[j] + $V * $L)");
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
    bool dropped, sparse = !emit_options(e)->unroll_full && rows * words <= MOST_WORDS && inputs >= SPARSE_FLOATS && outputs % lanes == 0 && is_rectified(node->inputs[0], &dropped);
    Tile tile = sparse ? choose_only(e, node, work, sparse_tile(e, SPARSE_FLOATS, inputs), "d_y comes from a rectifier: for each row only what is not zero is multiplied")
                       : choose_tile(e, node, work);
    if (tile.vectors > vectors) tile.vectors = (int)vectors;
    int64_t block = tile.vectors * lanes, whole = inputs / block, rest = inputs % block;
    declare_rows(e, 0, outputs);
    declare_rows(e, node->input_count + node->weight_count, inputs);
    phase_begin(e, node, NULL, OVER_EXTENT, whole + (rest > 0));
    fill_matmul(e, inputs, outputs, rows_per_sample);
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
        Product product = {node, NULL, inputs, outputs, &group, g == 0 && whole > 1, sparse};
        emit_row_loops(e, &product, tile.rows, rows_per_sample, emit_input_gradient_tile);
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

/* The sums run over the samples. With an update they ask for what will be updated: of a large tile, whose steps take long, cut into as many
 * stretches as it has rows, each for one of them; else all at once. */
static void emit_weight_gradient_tile(Emit *e, const Product *product, int rows)
{
    const VectorGroup *group = product->group;
    const Node *update = product->node->update;
    int lanes = emit_level(e)->lanes;
    bool spread = update && rows * group->vectors >= LARGE_TILE;
    tile_begin(e, rows, group->vectors, "{0}");
    fill_size(e, "STRETCHES", rows);
    if (update) {
        EMIT(e, "for (int t = 0; t < $STRETCHES; t++) {");
        for (int v = 0; v < group->vectors; v += (int)(e->graph->panel / lanes)) {
            const char *place = memory_format("[(%s + %d) / %d][i + t]", group_first(group), v, (int)(e->graph->panel / lanes));
            text_add(&e->body, "__builtin_prefetch(w%s, 1);\n", place);
            for (int s = 0; s < update->weight_count - 1; s++) text_add(&e->body, "__builtin_prefetch(slot%d%s, 1);\n", s, place);
        }
    }
    if (update && !spread) EMIT(e, "}");
    EMIT(e, spread ? "for (ptrdiff_t m = samples * t / $STRETCHES; m < samples * (t + 1) / $STRETCHES; m++) {" : "for (ptrdiff_t m = 0; m < samples; m++) {");
    EMIT(e, "const float *const a = &x[m][i];");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        fill_size(e, "PART", group->last_lanes);
        if (v == group->vectors - 1 && group->last_lanes < lanes) EMIT(e, "const f32x$L d$V = load_part_f32x$L(&d_y[m][($G + $V) * $L], $PART);");
        else EMIT(e, "const f32x$L d$V = load_f32x$L(&d_y[m][($G + $V) * $L]);");
    }
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

void matmul_weight_gradient_workspace(Graph *graph, Node *node, int64_t rows_per_sample)
{
    if (!node->update && node->outputs[0]->packing.panel && matmul_weight_gradient_is_long(graph, rows_per_sample))
        graph_workspace(graph, node, SAMPLE_BLOCK * MOST_TILE_VECTORS * graph->panel, TASKS);
}

/* The rows of a block: the sums go on from where the block before left them. Each tile asks for its share of the block that follows. */
static void emit_block_tile(Emit *e, const Product *product, int rows)
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
         "const ptrdiff_t soon = start + $SIZE + (i - from) / $TILE * $ASKED;",
         "for (ptrdiff_t m = soon; m < soon + $ASKED && m < start + 2 * $SIZE && m < count * $ROWS; m++) {",
         "for (int o = 0; o < $COLUMNS; o += 16) __builtin_prefetch(d_y[m] + $G * $L + o, 0, 2);",
         "for (ptrdiff_t o = from; o < to; o += 16) __builtin_prefetch(x[m] + o, 0, 2);",
         "}");
    EMIT(e, "const float *const a = &x[start][i];", "for (ptrdiff_t m = 0; m < size; m++) {");
    tile_step(e, rows, group->vectors, "a[m * $N + $T]", "load_f32x$L(block[m] + $V * $L)");
    EMIT(e, "}");
    emit_weight_gradient_end(e, product, rows);
}

/* A part is a group of columns, or a share of its rows. A block of d_y, of these columns only, is laid close together first: what all tiles
 * of the part read then stays in the first-level cache. */
static void emit_long_weight_gradient(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    Tile tile = choose_tile(e, node, (Work){.kernel = "matmul", .rows = inputs, .columns = outputs, .reduction = rows_per_sample, .times = 1});
    int lanes = emit_level(e)->lanes, rest = (int)(inputs % tile.rows);
    int64_t tiles = (inputs + tile.rows - 1) / tile.rows, columns = 0;
    VectorGroup groups[2];
    int group_count = vector_groups(e, outputs, tile.vectors, groups);
    for (int g = 0; g < group_count; g++) columns += (groups[g].end - groups[g].first) / groups[g].vectors;
    /* cppcheck-suppress zerodiv ; there is a group, and it has columns */
    int64_t shares = (2 * SHARES + columns - 1) / columns;
    if (shares > tiles) shares = tiles;
    declare_rows(e, 0, inputs);
    declare_rows(e, 1, outputs);
    phase_begin(e, node, NULL, OVER_EXTENT, columns * shares);
    fill_matmul(e, inputs, outputs, rows_per_sample);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "TILES", tiles);
    fill_size(e, "SHARES", shares);
    fill_size(e, "GSTEP", tile.vectors);
    fill_size(e, "WHOLE", groups[0].end);
    fill_size(e, "SIZE", SAMPLE_BLOCK);
    fill_size(e, "ASKED", (SAMPLE_BLOCK + tiles / shares - 1) / (tiles / shares)); /* rows of the next block, by each tile */
    fill_size(e, "WIDTH", tile.vectors * lanes);
    fill_size(e, "WORK", SAMPLE_BLOCK * MOST_TILE_VECTORS * e->graph->panel);
    EMIT(e,
         "float (*const block)[$WIDTH] = (float (*)[$WIDTH])(work + task * $WORK);",
         "for (ptrdiff_t part = first; part < last; part++) {",
         "const ptrdiff_t share = part % $SHARES, from = $TILES * share / $SHARES * $TILE, next = $TILES * (share + 1) / $SHARES * $TILE, to = next < $N ? next : $N;");
    if (columns > 1) EMIT(e, "const int k = (int)(part / $SHARES) * $GSTEP;");
    EMIT(e, "for (ptrdiff_t start = 0; start < count * $ROWS; start += $SIZE) {", "const ptrdiff_t size = count * $ROWS - start < $SIZE ? count * $ROWS - start : $SIZE;");
    for (int g = 0; g < group_count; g++) {
        VectorGroup group = groups[g];
        if (columns > 1 && group.last_lanes == lanes && g == 0) group.end = INT64_MAX; /* k says which */
        Product product = {node, NULL, inputs, outputs, &group, true, false};
        fill(e, "G", "%s", group_first(&group));
        if (group_count > 1) EMIT(e, g ? "} else {" : "if (k < $WHOLE) {");
        EMIT(e, "for (ptrdiff_t m = 0; m < size; m++) {");
        for (int v = 0; v < group.vectors; v++) {
            fill(e, "LOAD", "%s", load_text(e, memory_format("&d_y[start + m][(%s + %d) * %d]", group_first(&group), v, lanes), v == group.vectors - 1 ? group.last_lanes : lanes));
            fill_size(e, "V", v);
            EMIT(e, "store_f32x$L(block[m] + $V * $L, $LOAD);");
        }
        EMIT(e, "}", "ptrdiff_t i = from;");
        if (inputs >= tile.rows) {
            EMIT(e, "for (; i + $TILE <= to; i += $TILE) {");
            emit_block_tile(e, &product, tile.rows);
            EMIT(e, "}");
        }
        if (rest) {
            EMIT(e, "if (i < to) {");
            emit_block_tile(e, &product, rest);
            EMIT(e, "}");
        }
    }
    if (group_count > 1) EMIT(e, "}");
    EMIT(e, "}", "}");
    phase_end(e);
}

/* A part is as many rows of the matrix as a tile has. */
void matmul_weight_gradient_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    if (is_blas(e, node)) {
        blas_weight_gradient_emit(e, node, inputs, outputs, rows_per_sample);
        return;
    }
    if (!node->update && matmul_weight_gradient_is_long(e->graph, rows_per_sample)) {
        emit_long_weight_gradient(e, node, inputs, outputs, rows_per_sample);
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
    if (node->update) optimizer_begin_emit(e, node->update);
    EMIT(e, "const ptrdiff_t samples = count * $ROWS;", "for (ptrdiff_t part = first; part < last; part++) {", "const ptrdiff_t i = part * $TILE;");
    for (int r = 0; r < 2; r++) {
        if (r == 0 ? !whole : !rest) continue;
        if (whole && rest) EMIT(e, r == 0 ? "if (part < $WHOLE) {" : "} else {");
        for (int g = 0; g < group_count; g++) {
            Product product = {node, NULL, inputs, outputs, &groups[g], false, false};
            group_begin(e, &groups[g]);
            emit_weight_gradient_tile(e, &product, r == 0 ? tile.rows : (int)rest);
            group_end(e);
        }
    }
    if (whole && rest) EMIT(e, "}");
    EMIT(e, "}");
    phase_end(e);
}
