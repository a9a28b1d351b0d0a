/* What products of matrices leave out.
 *
 * Behind a rectifier, and even more behind dropout, most of an operand's numbers are zero. A row of sums then takes those steps of the
 * reduction only whose number is not: its places are bits of words, and the results are the same to the bit. */
#include "matmul.h"

/* Is about a half of the numbers zero, as they come from a rectifier or its gradient? `dropped`: and is a share of the rest, as noise follows? */
bool is_rectified(Tensor *tensor, bool *dropped)
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
void emit_sparse_steps(Emit *e, int vectors, const char *word, const char *first, const char *number, const char *b)
{
    fill(e, "WORD", "%s", word);
    fill(e, "FIRST", "%s", first);
    EMIT(e, "for (uint64_t left = $WORD; left; left &= left - 1) {", "const int j = $FIRST__builtin_ctzll(left);");
    tile_step(e, 1, vectors, number, b);
    EMIT(e, "}");
}

/* One row by as many vectors as make up so many floats, where registers hold them and there are columns for them. */
Tile sparse_tile(const Emit *e, int64_t floats, int64_t columns)
{
    int lanes = emit_level(e)->lanes, vectors = (int)((columns + lanes - 1) / lanes), most = emit_level(e)->registers - 4;
    if (vectors > floats / lanes) vectors = (int)(floats / lanes);
    return (Tile){1, vectors < most ? vectors : most};
}

/* Batches whose x comes from a rectifier and dropout; enough columns that the sums of one row hide each other's latency. */
bool is_sparse_forward(const Emit *e, const Node *node, int64_t inputs, int64_t outputs, int64_t rows_per_sample)
{
    bool dropped;
    return !e->single && !emit_options(e)->unroll_full && rows_per_sample == 1 && inputs >= 2 * WORD && inputs % e->graph->panel == 0 && outputs >= WORD && is_rectified(node->inputs[0], &dropped) && dropped;
}

/* Does one row pass over those rows of the matrix whose input is zero? Where a group is wide, that costs next to nothing; else it
 * has to be likely that there are some. */
bool is_sparse_row(const Emit *e, const Node *node, int64_t inputs, int depth)
{
    bool dropped;
    return !emit_options(e)->unroll_full && inputs >= 2 * WORD && inputs % e->graph->panel == 0 && (depth == 1 || is_rectified(node->inputs[0], &dropped));
}

/* The sums of a stretch of the row at a time: its inputs that are not zero are bits of a word; for several sums of each column
 * a list, filled up to whole steps with a zero. */
void emit_sparse_row(Emit *e, int depth, int vectors)
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
