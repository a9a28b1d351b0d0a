/* The lines of a cell: vectors of units of one sample and step. */
#include "recurrent.h"

/* The row of a function that does something; NULL: linear. */
static const Activation *row_of(const Object *activation)
{
    const Activation *row = activation ? activation_row(activation) : NULL;
    return row && row->forward ? row : NULL;
}

static bool reads_input(const Object *activation)
{
    return row_of(activation) && row_of(activation)->gradient_reads_input;
}

/* Asks for what the lines will touch at the next step: samples' rows of one step lie too far apart for the machine to see a pattern. */
static void ask_ahead(const CellLines *l, const char *place, bool writes)
{
    if (l->asks) text_add(&l->e->body, "__builtin_prefetch(&%s, %d);\n", place, writes);
}

void cell_load(const CellLines *l, const char *name, const char *place)
{
    text_add(&l->e->body, "f32x%d %s = %s;\n", emit_level(l->e)->lanes, name, load_text(l->e, memory_format("&%s", place), l->lanes));
}

void cell_kept(const CellLines *l, const char *name, const char *array)
{
    cell_load(l, name, memory_format("%s[n][at][j]", array));
    ask_ahead(l, memory_format("%s[n][next][j]", array), false);
}

void cell_store(const CellLines *l, const char *place, const char *name)
{
    emit_store(l->e, memory_format("&%s", place), name, l->lanes);
}

void cell_keep(const CellLines *l, const char *array, const char *name)
{
    if (!l->keeps) return;
    cell_store(l, memory_format("%s[n][at][j]", array), name);
    ask_ahead(l, memory_format("%s[n][next][j]", array), true);
}

static const char *gate_place(const CellLines *l, const char *array, int gate)
{
    return memory_format("%s[%lld + j]", array, (long long)(gate * l->recurrent->units));
}

static void add_bias(const CellLines *l, const char *name, int gate, int row)
{
    const Recurrent *r = l->recurrent;
    if (!r->bias || row >= r->cell->bias_rows) return;
    const char *array = r->cell->bias_rows == 1 ? "bias" : memory_format("bias[%d]", row);
    text_add(&l->e->body, "%s += %s;\n", name, load_text(l->e, memory_format("&%s", gate_place(l, array, gate)), l->lanes));
}

void cell_input(const CellLines *l, const char *name, int gate)
{
    cell_load(l, name, gate_place(l, "x[n][at]", gate));
    ask_ahead(l, gate_place(l, "x[n][next]", gate), l->keeps);
    add_bias(l, name, gate, 0);
}

void cell_left(const CellLines *l, const char *name)
{
    cell_load(l, name, l->drops ? "dropped[m][j]" : "h[m][j]");
}

void cell_previous(const CellLines *l, const char *name)
{
    const Recurrent *r = l->recurrent;
    const Graph *graph = l->e->graph;
    if (l->drops) cell_kept(l, name, "before");
    else if (r->cell->lefts > 1) cell_load(l, name, "previous[n][at][0][j]");
    else if (!recurrent_left_out(graph, r)) cell_kept(l, name, "previous");
    else {
        text_add(&l->e->body, "f32x%d %s = {0};\n", emit_level(l->e)->lanes, name);
        text_add(&l->e->body, "if (t > 0) %s = %s;\n", name, load_text(l->e, memory_format("&previous[n][%s][j]", recurrent_previous(graph, r, "at")), l->lanes));
        ask_ahead(l, memory_format("previous[n][t > 1 ? %s : 0][j]", recurrent_previous(graph, r, "next")), false);
    }
}

void cell_mask(const CellLines *l, const char *name)
{
    if (!l->drops) return;
    fill(l->e, "X", "%s", name);
    EMIT(l->e, "$X = keep_f32x$L(~random_below_f32x$L(key$STREAM, (uint32_t)(n * $UNITS + j), threshold$STREAM), $X * scale$STREAM);");
}

void cell_inner(const CellLines *l, const char *name, int gate)
{
    cell_load(l, name, gate_place(l, "sums[m]", gate));
    add_bias(l, name, gate, 1);
}

void cell_gate(const CellLines *l, const char *name, int gate, const Object *activation)
{
    const char *kept = gate_place(l, "gates[n][at]", gate);
    bool input = reads_input(activation);
    if (l->keeps && input) cell_store(l, kept, name);
    cell_activate(l, name, activation);
    if (l->keeps && !input) cell_store(l, kept, name);
}

void cell_activate(const CellLines *l, const char *name, const Object *activation)
{
    if (!row_of(activation)) return;
    fill(l->e, "X", "%s", name);
    activation_value_emit(l->e, activation);
}

void cell_value(const CellLines *l, const char *name, int gate, const Object *activation)
{
    cell_load(l, name, gate_place(l, "gates[n][at]", gate));
    if (reads_input(activation)) cell_activate(l, name, activation);
}

void cell_derive_at(const CellLines *l, const char *name, const char *input, const char *output, const Object *activation)
{
    if (!row_of(activation)) return;
    fill(l->e, "X", "%s", name);
    fill(l->e, "A", "%s", reads_input(activation) ? input : output);
    activation_gradient_emit(l->e, activation);
}

void cell_derive(const CellLines *l, const char *name, int gate, const Object *activation)
{
    const char *kept = load_text(l->e, memory_format("&%s", gate_place(l, "gates[n][at]", gate)), l->lanes);
    cell_derive_at(l, name, kept, kept, activation);
}

void cell_before(const CellLines *l, const char *name, const char *array)
{
    const char *place = memory_format("%s[n][at %c 1][j]", array, l->recurrent->backwards ? '+' : '-');
    if (l->continues) cell_load(l, name, "start[n][j]");
    else text_add(&l->e->body, "f32x%d %s = {0};\n", emit_level(l->e)->lanes, name);
    text_add(&l->e->body, "if (t > 0) %s = %s;\n", name, load_text(l->e, memory_format("&%s", place), l->lanes));
    ask_ahead(l, memory_format("%s[n][t > 1 ? at %c 2 : at][j]", array, l->recurrent->backwards ? '+' : '-'), false);
}

static void add_to_bias(const CellLines *l, int gate, int row, const char *name)
{
    const Recurrent *r = l->recurrent;
    if (!r->bias || row >= r->cell->bias_rows) return;
    const char *place = memory_format("bias_sums[%lld + j]", (long long)((row * r->cell->gates + gate) * r->units));
    emit_store(l->e, memory_format("&%s", place), memory_format("%s + %s", load_text(l->e, memory_format("&%s", place), l->lanes), name), l->lanes);
}

void cell_give(const CellLines *l, int gate, const char *name)
{
    cell_store(l, gate_place(l, "d_x[n][at]", gate), name);
    ask_ahead(l, gate_place(l, "d_x[n][next]", gate), true); /* where the gates' values are, until then */
    add_to_bias(l, gate, 0, name);
}

void cell_give_inner(const CellLines *l, int gate, int left, const char *name)
{
    bool one = l->recurrent->cell->lefts == 1;
    cell_store(l, gate_place(l, one ? "d_inner[n][at]" : memory_format("d_inner[n][at][%d]", left), gate), name);
    ask_ahead(l, gate_place(l, one ? "d_inner[n][next]" : memory_format("d_inner[n][next][%d]", left), gate), true);
    add_to_bias(l, gate, 1, name);
}
