/* What products of matrices leave out: terms that are zero. The sums are the same to the bit.
 *
 * Behind a rectifier about a half of an operand's numbers is zero, behind dropout most. What a network is given may have many zeros, as
 * pictures of digits have, or none: they are counted when it runs, and it goes the one way or the other.
 *
 * Forward, and for the gradient of the input, a row of sums takes those steps of the reduction only whose number is not zero: its places are
 * bits of words. For the gradient of the weights a tile of neighbouring inputs takes the samples only of which one of them is not zero: these
 * are listed once for all columns, or, of the many rows of sequences, are bits of a word for each block. Neighbours in a picture are zero
 * together, those behind a dropout are not; and where there is no zero, the list costs next to nothing. */
#include "matmul.h"

enum { LEAST_WEIGHTS = 65536 /* that are worth counting for */, SAMPLE_WORD = 32 /* bits */, LEAST_COUNTED = 16 /* inputs */, LISTED_ROWS = 4, MOST_LISTED = 1024 };

Zeros matmul_zeros(Tensor *tensor)
{
    const Tensor *base = tensor_base(tensor);
    bool dropped = false;
    for (const Node *node; (node = base->producer) && node->input_count; base = tensor_base(node->inputs[0]))
        for (int i = node->epilogue_count; i >= 0; i--) {
            const Operator *op = i ? node->epilogue[i - 1]->op : node->op;
            if (op->flags & OPERATOR_RECTIFIES) return dropped ? ZEROS_MOST : ZEROS_HALF;
            if (!(op->flags & OPERATOR_KEEPS_SIGN)) return ZEROS_FEW;
            if (op->flags & OPERATOR_NOISE) dropped = true;
        }
    return base->role == ROLE_INPUT ? ZEROS_UNKNOWN : ZEROS_FEW;
}

void matmul_word_emit(Emit *e, const char *word, const char *from, int64_t inputs)
{
    int rest = (int)(inputs % emit_level(e)->lanes);
    fill(e, "WORD", "%s", word);
    fill(e, "FROM", "%s", from);
    EMIT(e, "uint64_t $WORD = 0;", rest ? "for (int j = 0; j + $L <= end; j += $L)" : "for (int j = 0; j < end; j += $L)", "$WORD |= (uint64_t)bits_i32x$L(load_f32x$L($FROM) != 0.0f) << j;");
    if (!rest) return;
    fill_size(e, "REST", rest);
    EMIT(e, "if (end % $L) {", "const int j = end / $L * $L;", "$WORD |= (uint64_t)bits_i32x$L(load_part_f32x$L($FROM, $REST) != 0.0f) << j;", "}");
}

void matmul_sparse_steps_emit(Emit *e, int vectors, const char *word, const char *first, const char *number, const char *b)
{
    fill(e, "WORD", "%s", word);
    fill(e, "FIRST", "%s", first);
    EMIT(e, "for (uint64_t left = $WORD; left; left &= left - 1) {", "const int j = $FIRST__builtin_ctzll(left);");
    tile_step(e, 1, vectors, number, b);
    EMIT(e, "}");
}

Tile matmul_sparse_tile(const Emit *e, int64_t floats, int64_t columns)
{
    int lanes = emit_level(e)->lanes, vectors = (int)((columns + lanes - 1) / lanes), most = emit_level(e)->registers - 4;
    if (vectors > floats / lanes) vectors = (int)(floats / lanes);
    return (Tile){1, vectors < most ? vectors : most};
}

/* Enough columns that the sums of one row hide each other's latency. */
static bool is_wide(const Graph *graph, int64_t inputs, int64_t outputs)
{
    return inputs >= 2 * WORD && inputs % graph->panel == 0 && outputs >= WORD;
}

bool matmul_forward_is_sparse(const Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    return !e->single && !emit_options(e)->unroll_full && rows_per_sample == 1 && is_wide(e->graph, inputs, outputs) && matmul_zeros(node->inputs[0]) == ZEROS_MOST;
}

/* Does one row pass over those rows of the matrix whose input is zero? Where a group is wide, that costs next to nothing; else it
 * has to be likely that there are some. */
bool matmul_row_is_sparse(const Emit *e, const Node *node, int64_t inputs, int depth)
{
    return !emit_options(e)->unroll_full && inputs >= 2 * WORD && inputs % e->graph->panel == 0 && (depth == 1 || matmul_zeros(node->inputs[0]) >= ZEROS_HALF);
}

/* The sums of a stretch of the row at a time: its inputs that are not zero are bits of a word; for several sums of each column
 * a list, filled up to whole steps with a zero. */
void matmul_sparse_row_emit(Emit *e, int depth, int vectors)
{
    fill_size(e, "BLOCK", WORD);
    fill_size(e, "ROOM", WORD + depth);
    EMIT(e, "for (int i = 0; i < $N; i += $BLOCK) {", "const int end = $N - i < $BLOCK ? $N - i : $BLOCK;");
    matmul_word_emit(e, "found", "a + i + j", 0);
    if (depth == 1) matmul_sparse_steps_emit(e, vectors, "found", "i + ", "a[j]", "load_f32x$L(b$V + j * $PANEL)");
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

/* ---- forward, of what the network is given ---- */

/* Rows of a sequence are read one after the other, each against the same weights: what counts is their work together. */
static bool is_worth_counting(const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    return inputs >= LEAST_COUNTED && outputs >= WORD && rows_per_sample * inputs * outputs >= LEAST_WEIGHTS && matmul_zeros(node->inputs[0]) == ZEROS_UNKNOWN;
}

bool matmul_forward_is_counted(const Graph *graph, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    return !program_is_single(graph->program) && !graph->openblas && (rows_per_sample > 1 || is_wide(graph, inputs, outputs)) && is_worth_counting(node, inputs, outputs, rows_per_sample);
}

static int64_t words_of(int64_t inputs)
{
    return (inputs + WORD - 1) / WORD;
}

int64_t matmul_counts_floats(const Graph *graph, int64_t inputs, int64_t rows_per_sample)
{
    return graph->batch * rows_per_sample * (words_of(inputs) + 1) * 2;
}

/* The count of a sample stands behind the words of its first row. */
void matmul_counts_emit(Emit *e, const Node *node, int64_t inputs, int64_t rows_per_sample)
{
    matmul_declare_rows(e, 0, inputs);
    phase_begin(e, node, "zeros", OVER_SAMPLES, 0);
    fill_size(e, "N", inputs);
    fill_size(e, "ROWS", rows_per_sample);
    fill_size(e, "WORDS", words_of(inputs));
    EMIT(e,
         "uint64_t (*const found)[$WORDS + 1] = (uint64_t (*)[$WORDS + 1])work;",
         "for (ptrdiff_t n = first; n < last; n++) {",
         "uint64_t numbers = 0;",
         "for (ptrdiff_t m = n * $ROWS; m < (n + 1) * $ROWS; m++) {",
         "for (int i = 0; i < $N; i += 64) {",
         "const int end = $N - i < 64 ? $N - i : 64;");
    matmul_word_emit(e, "bits", "&x[m][i + j]", inputs);
    EMIT(e, "found[m][i / 64] = bits;", "numbers += (uint64_t)__builtin_popcountll(bits);", "}", "}", "found[n * $ROWS][$WORDS] = numbers;", "}");
    phase_end(e);
}

/* Leaving out zeros is the faster way, by what was measured, where less than three eighths of the numbers are others. */
void matmul_counts_decide(Emit *e, int64_t inputs, bool sparse)
{
    fill_size(e, "WORDS", words_of(inputs));
    EMIT(e,
         "const uint64_t (*const nonzero)[$WORDS + 1] = (const uint64_t (*)[$WORDS + 1])work;",
         "uint64_t numbers = 0;",
         "for (ptrdiff_t n = 0; n < count; n++) numbers += nonzero[n * $ROWS][$WORDS];");
    EMIT(e, sparse ? "if (numbers * 8 >= (uint64_t)count * $ROWS * $N * 3) return;" : "if (numbers * 8 < (uint64_t)count * $ROWS * $N * 3) return;");
}

/* ---- the gradient of the weights ---- */

bool matmul_weight_gradient_is_sparse(const Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows)
{
    return !emit_options(e)->unroll_full && is_wide(e->graph, inputs, outputs) && rows <= MOST_LISTED && matmul_zeros(node->inputs[0]) == ZEROS_UNKNOWN;
}

Tile matmul_listed_tile(const Emit *e, int64_t outputs)
{
    const Level *level = emit_level(e);
    Tile tile = {LISTED_ROWS, (int)((outputs + level->lanes - 1) / level->lanes)};
    if (tile.vectors > MOST_TILE_VECTORS) tile.vectors = MOST_TILE_VECTORS;
    while (tile_registers(level, tile) > level->registers) tile.vectors--;
    return tile;
}

void matmul_lists_begin(Emit *e, int rows, int64_t samples)
{
    fill_size(e, "TILE", rows);
    fill_size(e, "BITS", SAMPLE_WORD);
    fill_size(e, "SAMPLEWORDS", (samples + SAMPLE_WORD - 1) / SAMPLE_WORD);
    EMIT(e, "int32_t bits[$SAMPLEWORDS][$L];", "uint16_t listed[$SAMPLEWORDS * $BITS];");
}

/* The bits are those of as many inputs as a vector has, a multiple of the tile's rows. */
void matmul_list_emit(Emit *e)
{
    EMIT(e,
         "if (part == first || i % $L == 0) {",
         "for (ptrdiff_t start = 0; start < samples; start += $BITS) {",
         "const int end = samples - start < $BITS ? (int)(samples - start) : $BITS;",
         "i32x$L found = {0};",
         "for (int m = 0; m < end; m++) found |= (load_f32x$L(&x[start + m][i / $L * $L]) != 0.0f) & (int32_t)(1u << m);",
         "store_part_i32x$L(bits[start / $BITS], found, $L);",
         "}",
         "}",
         "int listed_count = 0;",
         "for (ptrdiff_t start = 0; start < samples; start += $BITS) {",
         "uint32_t left = 0;",
         "for (int t = 0; t < $TILE; t++) left |= (uint32_t)bits[start / $BITS][i % $L + t];",
         "for (; left; left &= left - 1) listed[listed_count++] = (uint16_t)(start + __builtin_ctz(left));",
         "}");
}

/* ---- the same over many rows, in blocks of as many as a word has bits ---- */

bool matmul_long_is_counted(const Graph *graph, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    return !graph->openblas && is_worth_counting(node, inputs, outputs, rows_per_sample);
}

static int64_t listed_tiles(int64_t inputs)
{
    return (inputs + LISTED_ROWS - 1) / LISTED_ROWS;
}

static int64_t row_words(const Graph *graph, int64_t rows_per_sample)
{
    return (graph->batch * rows_per_sample + WORD - 1) / WORD;
}

int64_t matmul_long_counts_floats(const Graph *graph, int64_t inputs, int64_t rows_per_sample)
{
    return row_words(graph, rows_per_sample) * (listed_tiles(inputs) + 1) * 2;
}

static void declare_row_words(Emit *e, int64_t inputs, int64_t offset, bool made)
{
    fill_size(e, "LISTED", listed_tiles(inputs));
    fill_size(e, "COUNTS", offset);
    EMIT(e, made ? "uint64_t (*const nonzero)[$LISTED + 1] = (uint64_t (*)[$LISTED + 1])(work + $COUNTS);"
                 : "const uint64_t (*const nonzero)[$LISTED + 1] = (const uint64_t (*)[$LISTED + 1])(work + $COUNTS);");
}

/* Of each block the rows that have a number for a tile's inputs, as bits; behind the words of its tiles, how many bits these are. */
void matmul_long_counts_emit(Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample, int64_t offset)
{
    matmul_declare_rows(e, 0, inputs);
    phase_begin(e, node, "zeros", OVER_EXTENT, row_words(e->graph, rows_per_sample));
    matmul_fill(e, inputs, outputs, rows_per_sample);
    declare_row_words(e, inputs, offset, true);
    fill_size(e, "TILE", LISTED_ROWS);
    int lanes = emit_level(e)->lanes, rest = (int)(inputs % lanes);
    fill_size(e, "FULL", inputs - rest);
    EMIT(e,
         "for (ptrdiff_t part = first; part < last; part++) {",
         "uint64_t numbers = 0;",
         "memset(nonzero[part], 0, sizeof nonzero[part]);",
         "for (int half = 0; half < 2; half++) {",
         "const ptrdiff_t start = part * 64 + half * 32, left = count * $ROWS - start, size = left < 32 ? left : 32;",
         "int32_t bits[$L];");
    for (int last = 0; last < 2; last++) {
        if (last ? !rest : inputs == rest) continue;
        fill_size(e, "LANES", last ? rest : lanes);
        fill(e, "LOAD", "%s", load_text(e, "&x[start + m][i]", last ? rest : lanes));
        if (last) EMIT(e, "{", "const int i = $FULL;");
        else EMIT(e, "for (int i = 0; i < $FULL; i += $L) {");
        EMIT(e,
             "i32x$L found = {0};",
             "for (ptrdiff_t m = 0; m < size; m++) found |= ($LOAD != 0.0f) & (int32_t)(1u << m);",
             "store_part_i32x$L(bits, found, $L);",
             "for (int t = 0; t < $LANES; t++) nonzero[part][(i + t) / $TILE] |= (uint64_t)(uint32_t)bits[t] << (half * 32);",
             "}");
    }
    EMIT(e,
         "}",
         "for (int t = 0; t < $LISTED; t++) numbers += (uint64_t)__builtin_popcountll(nonzero[part][t]);",
         "nonzero[part][$LISTED] = numbers;",
         "}");
    phase_end(e);
}

/* By what was measured it is the faster way where less than a half of them are. */
void matmul_long_counts_decide(Emit *e, int64_t inputs, int64_t offset, bool sparse)
{
    declare_row_words(e, inputs, offset, false);
    EMIT(e, "uint64_t numbers = 0;", "for (ptrdiff_t start = 0; start < count * $ROWS; start += 64) numbers += nonzero[start / 64][$LISTED];");
    EMIT(e, sparse ? "if (numbers * 2 >= (uint64_t)count * $ROWS * $LISTED) return;" : "if (numbers * 2 < (uint64_t)count * $ROWS * $LISTED) return;");
}
