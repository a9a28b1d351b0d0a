/* Losses: the loss of each sample, and d_p, the gradient of their mean over the batch.
 *
 * An output is rows of its last axis. A loss of single numbers needs no rows and goes over all numbers of the sample in one. What
 * a loss does with a row it says itself (compiler/losses/); here are the loops, the sample weights, the means. */
#include "kernels.h"

void loss_columns(Emit *e, const LossRow *row, void (*body)(Emit *, const LossRow *))
{
    const LossCase *c = row->loss_case;
    int lanes = emit_level(e)->lanes, rest = (int)(row->columns % lanes);
    fill_size(e, "WHOLE", row->columns - rest);
    for (int part = 0; part < 2; part++) {
        if (part ? !rest : row->columns < lanes) continue;
        LossRow now = *row;
        now.lanes = part ? rest : lanes;
        const char *target = load_text(e, "&t[c]", now.lanes);
        fill(e, "P", "%s", load_text(e, "&row[c]", now.lanes));
        fill(e, "D", "%s", load_text(e, "&d[c]", now.lanes));
        if (c->loss->signs) fill(e, "T", "(%s * stretch - shift)", target);
        else if (c->smoothing > 0) fill(e, "T", "(%s * %s + %s)", target, float_text(1 - c->smoothing), float_text(c->smoothing / (c->loss->row ? (double)c->classes : 2)));
        else fill(e, "T", "%s", target);
        if (part) EMIT(e, "{", "const int c = $WHOLE;");
        else EMIT(e, "for (int c = 0; c < $WHOLE; c += $L) {");
        body(e, &now);
        EMIT(e, "}");
    }
}

void loss_sum(Emit *e, const LossRow *row, const char *sum, const char *value)
{
    int lanes = emit_level(e)->lanes;
    if (row->lanes == lanes) text_add(&e->body, "%s += %s;\n", sum, value);
    else text_add(&e->body, "%s += keep_f32x%d(first_i32x%d(%d), %s);\n", sum, lanes, lanes, row->lanes, value);
}

static void emit_element(Emit *e, const LossRow *row)
{
    row->loss_case->loss->emit_element(e, row);
    loss_sum(e, row, "sums", "v");
    if (row->gradient) emit_store(e, "&d[c]", "g * scale", row->lanes);
}

void loss_emit(Emit *e, const Node *node)
{
    const LossCase *c = node->detail;
    const Loss *loss = c->loss;
    bool weighted = operand_number(node, "weight") >= 0;
    int64_t rows = c->count / c->classes, each = loss->row || loss->summed ? rows : c->count;
    LossRow row = {.loss_case = c, .gradient = operand_number(node, "d_p") >= 0, .columns = c->classes};
    bool each_row = weighted && c->temporal;
    if (loss->element && !each_row) row.columns = c->count, rows = 1;
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "C", row.columns);
    fill_size(e, "ROWS", rows);
    fill_size(e, "ALL", c->count);
    fill(e, "MEAN", "%s", float_text(1 / (double)each));
    fill(e, "SHARE", "%s", float_text(c->weight / (double)each));
    if (loss->signs)
        EMIT(e,
             "int zero_or_one = 1;",
             "for (ptrdiff_t i = 0; zero_or_one && i < count * $ALL; i++) zero_or_one = target[i] == 0.0f || target[i] == 1.0f;",
             "const float stretch = zero_or_one ? 2.0f : 1.0f, shift = zero_or_one ? 1.0f : 0.0f;");
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {");
    EMIT(e, "float total = 0.0f;");
    fill(e, "M", rows > 1 ? "m" : "n");
    if (rows > 1) EMIT(e, "for (ptrdiff_t m = n * $ROWS; m < (n + 1) * $ROWS; m++) {");
    if (weighted) EMIT(e, each_row ? "const float importance = weight ? weight[$M] : 1.0f;" : "const float importance = weight ? weight[n] : 1.0f;");
    if (row.gradient) EMIT(e, "const float scale = importance * $SHARE / (float)count;");
    EMIT(e, "const float *const row = &p[$M * $C];");
    EMIT(e, loss->class_indices ? "const int32_t label = target[$M];" : "const float *const t = &target[$M * $C];");
    if (row.gradient) EMIT(e, "float *const d = &d_p[$M * $C];");
    if (loss->element) {
        EMIT(e, "f32x$L sums = {0};");
        loss_columns(e, &row, emit_element);
        EMIT(e, weighted ? "total += importance * sum_f32x$L(sums);" : "total += sum_f32x$L(sums);");
    } else {
        EMIT(e, "float value;");
        loss->emit_row(e, &row);
        EMIT(e, weighted ? "total += importance * value;" : "total += value;");
    }
    if (rows > 1) EMIT(e, "}");
    EMIT(e, each > 1 ? "loss[n] = total * $MEAN;" : "loss[n] = total;", "}");
    phase_end(e);
}
