/* The recurrence, backward: the groups of samples of the forward pass, again each a task for all steps, from the last to the first. At each
 * the cell's lines make of the gradient of h those of the gates' sums, and a product with the transpose of the recurrent kernel, which is
 * turned over once for all, makes of these the gradient of h a step before. The gradient of the bias is summed on the way, for each group
 * by itself; the groups are added in a fixed order. */
#include "recurrent.h"

#include <string.h>

/* work holds for each task the arrays of the cell, then the kernel turned over; shards for each group the sums of the bias. */
typedef struct {
    RecurrentSizes sizes;
    int64_t task, bias, turned_start, all;
} Layout;

static Layout layout_of(const Graph *graph, const Recurrent *r)
{
    Layout w = {.sizes = recurrent_sizes(graph, r)};
    int arrays = 0;
    while (arrays < MOST_ARRAYS && r->cell->d_arrays[arrays]) arrays++;
    arrays += recurrent_drops(graph, r);
    w.task = arrays * w.sizes.rows * w.sizes.padded;
    w.bias = r->bias ? r->cell->bias_rows * w.sizes.gates : 0;
    w.turned_start = TASKS * w.task;
    w.all = w.turned_start + w.sizes.padded * w.sizes.gates;
    return w;
}

int64_t recurrent_backward_workspace(const Graph *graph, const Recurrent *r)
{
    return layout_of(graph, r).all;
}

int64_t recurrent_bias_sums(const Graph *graph, const Recurrent *r)
{
    return TASKS * layout_of(graph, r).bias;
}

/* turned[column / panel][gate][column % panel], the panels' last columns filled with zeros. */
static void emit_turn(Emit *e, const Node *node, const Layout *w)
{
    const Recurrent *r = node->detail;
    int64_t panel = e->graph->panel;
    phase_begin(e, node, "turn", OVER_EXTENT, w->sizes.padded / panel);
    fill_size(e, "PANEL", panel);
    fill_size(e, "GATES", w->sizes.gates);
    fill_size(e, "UNITS", r->units);
    fill_size(e, "TURNED", w->turned_start);
    EMIT(e,
         "float (*const turned)[$GATES][$PANEL] = (float (*)[$GATES][$PANEL])(work + $TURNED);",
         "for (ptrdiff_t p = $FIRST; p < $LAST; p++) {",
         "const ptrdiff_t columns = $UNITS - p * $PANEL < $PANEL ? $UNITS - p * $PANEL : $PANEL;",
         "for (int i = 0; i < $GATES; i++) {",
         "for (ptrdiff_t q = 0; q < columns; q++) turned[p][i][q] = recurrent_kernel[i / $PANEL][p * $PANEL + q][i % $PANEL];",
         "for (ptrdiff_t q = columns; q < $PANEL; q++) turned[p][i][q] = 0.0f;",
         "}",
         "}");
    phase_end(e);
}

/* The gradient of h from that of `dropped`. */
static void dropped_lines(const CellLines *l, int stage)
{
    (void)stage;
    cell_load(l, "v", "d_dropped[m][j]");
    cell_mask(l, "v");
    cell_store(l, "d_h[m][j]", "v");
}

static void add_dropped_lines(const CellLines *l, int stage)
{
    (void)stage;
    cell_load(l, "v", "d_dropped[m][j]");
    cell_mask(l, "v");
    cell_load(l, "dh", "d_h[m][j]");
    EMIT(l->e, "v += dh;");
    cell_store(l, "d_h[m][j]", "v");
}

static void emit_steps(Emit *e, const Node *node, Tile tile)
{
    const Recurrent *r = node->detail;
    const Cell *cell = r->cell;
    const char *source = cell->d_inner && cell->lefts == 1 ? "d_inner" : "d_x";
    recurrent_step_begin(e, r, false);
    for (int i = cell->stages - 1; i >= 0; i--) {
        const CellStage *stage = &cell->stage[i];
        const char *start = i < cell->stages - 1 ? NULL : r->sequences ? memory_format("&d_y[n][%s][j]", recurrent_output(r)) : "";
        recurrent_elements(e, node, cell->backward, i, false, start);
        int64_t first = stage->first * r->units;
        const char *left = memory_format("%s[from + m + $T][at][%lld + i]", source, (long long)first);
        bool of_h = !strcmp(stage->left, "h"), drops = of_h && recurrent_drops(e->graph, r);
        EMIT(e, of_h || !recurrent_continues(e->graph, r) ? "if (t > 0) {" : "{"); /* nobody asks what h gets before the first step; what is made of h there is 0 where that is */
        recurrent_product(e, "turned", left, first, stage->last * r->units - first, 0, r->units, drops ? "d_dropped" : memory_format("d_%s", stage->left), stage->adds && !drops, tile);
        if (drops) recurrent_elements(e, node, stage->adds ? add_dropped_lines : dropped_lines, 0, false, NULL);
        EMIT(e, "}");
    }
    EMIT(e, "}");
}

void recurrent_backward_emit(Emit *e, const Node *node)
{
    const Recurrent *r = node->detail;
    Layout w = layout_of(e->graph, r);
    emit_turn(e, node, &w);
    emit_narrow(e, r->units);
    Tile tile = recurrent_tile(e, node, r->units, w.sizes.gates);
    phase_begin(e, node, NULL, OVER_EXTENT, w.sizes.groups);
    recurrent_begin(e, r, w.task);
    int64_t offset = 0;
    recurrent_arrays(e, &w.sizes, r->cell->d_arrays, 0, &offset);
    static const char *const dropping[] = {"d_dropped", NULL};
    bool drops = recurrent_drops(e->graph, r);
    if (drops) recurrent_arrays(e, &w.sizes, dropping, 0, &offset);
    fill_size(e, "TURNED", w.turned_start);
    EMIT(e, "const float (*const turned)[$GATES][$PANEL] = (const float (*)[$GATES][$PANEL])(work + $TURNED);");
    if (w.bias) {
        fill_size(e, "BIAS", w.bias);
        fill_size(e, "REST", (TASKS - w.sizes.groups) * w.bias);
        EMIT(e, "float *const bias_sums = shards + part * $BIAS;", "memset(bias_sums, 0, $BIAS * sizeof(float));");
        if (w.sizes.groups < TASKS) EMIT(e, "if (part == 0) memset(bias_sums + $GROUPS * $BIAS, 0, $REST * sizeof(float));");
    }
    for (int i = 0; i < MOST_ARRAYS && r->cell->d_arrays[i]; i++) {
        fill(e, "NAME", "%s", r->cell->d_arrays[i]);
        EMIT(e, "memset($NAME, 0, (size_t)rows * sizeof *$NAME);");
    }
    recurrent_mask(e, node);
    if (!r->sequences) EMIT(e, "for (ptrdiff_t m = 0; m < rows; m++) memcpy(d_h[m], d_y[from + m], $UNITS * sizeof(float));");
    emit_steps(e, node, tile);
    EMIT(e, "}");
    phase_end(e);
    if (w.bias) shard_sum_emit(e, node, "bias_gradient", "d_bias", w.bias, 0, w.bias);
}
