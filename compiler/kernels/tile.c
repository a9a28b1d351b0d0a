/* The register tile: rows x vectors sums in named variables, s<row>_<vector>.
 *
 * Each step of the reduction loads `vectors` vectors b and `rows` numbers a and makes rows * vectors multiply-adds. How
 * many fit the registers is target.c's choice; that the sums are named variables and not an array is what keeps them there. */
#include "kernels.h"

#include <string.h>

void tile_pointers(Emit *e, int vectors, const char *first, int64_t panel, const char *matrix, const char *row)
{
    int lanes = emit_level(e)->lanes;
    int64_t per_panel = panel / lanes;
    for (int v = 0; v < vectors; v++) {
        const char *number = v ? memory_format("(%s + %d)", first, v) : memory_format("%s", first);
        if (per_panel == 1) text_add(&e->body, "const float *const b%d = &%s[%s][%s][0];\n", v, matrix, number, row);
        else
            text_add(&e->body,
                     "const float *const b%d = &%s[%s / %lld][%s][%s %% %lld * %d];\n",
                     v,
                     matrix,
                     number,
                     (long long)per_panel,
                     row,
                     number,
                     (long long)per_panel,
                     lanes);
    }
}

/* A template given as text, with $T and $V bound to a row and a vector. */
static void emit_at(Emit *e, int row, int vector, const char *template)
{
    fill_size(e, "T", row);
    fill_size(e, "V", vector);
    emit_lines(e, __FILE__, __LINE__, (const char *const[]){template, NULL});
}

/* The statements of one row of the tile, side by side on a line. */
static void emit_row(Emit *e, int row, int vectors, const char *template)
{
    for (int v = 0; v < vectors; v++) {
        emit_at(e, row, v, template);
        if (v + 1 < vectors) e->body.data[e->body.length - 1] = ' ';
    }
}

void tile_begin(Emit *e, int rows, int vectors, const char *initial)
{
    for (int t = 0; t < rows; t++) emit_row(e, t, vectors, memory_format("f32x$L s$T_$V = %s;", initial));
}

void tile_step(Emit *e, int rows, int vectors, const char *a, const char *b)
{
    emit_row(e, 0, vectors, memory_format("const f32x$L w$V = %s;", b));
    for (int t = 0; t < rows; t++) emit_row(e, t, vectors, memory_format("s$T_$V += %s * w$V;", a));
}

/* The text of a template, for callers that need it in a string. */
static const char *text_at(Emit *e, int row, int vector, const char *template)
{
    size_t before = e->body.length;
    emit_at(e, row, vector, template);
    char *text = memory_copy(e->body.data + before, e->body.length - before - 1);
    e->body.length = before;
    e->body.data[before] = 0;
    return text;
}

void tile_end(Emit *e, const Node *node, int rows, int vectors, int last_lanes, const char *subscript, const char *index, const char *output)
{
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < vectors; v++) {
            int lanes = v == vectors - 1 ? last_lanes : emit_level(e)->lanes;
            const char *at = text_at(e, t, v, subscript), *value = memory_format("s%d_%d", t, v);
            if (node) emit_epilogue(e, node, value, at, text_at(e, t, v, index), lanes);
            emit_store(e, memory_format("&%s%s", output, at), value, lanes);
        }
}

void run_emit(Emit *e, const Node *node, int64_t count, const char *from, const char *output, const char *subscript, const char *index)
{
    const Level *level = e->level;
    e->level = e->full;
    int lanes = e->level->lanes, rest = (int)(count % lanes);
    fill_size(e, "L", lanes);
    fill_size(e, "WHOLE", count - rest);
    for (int part = 0; part < 2; part++) {
        if (part ? !rest : count < lanes) continue;
        if (part) EMIT(e, "{", "const int j = $WHOLE;");
        else EMIT(e, "for (int j = 0; j < $WHOLE; j += $L) {");
        fill(e, "LOAD", "%s", load_text(e, from, part ? rest : lanes));
        EMIT(e, "f32x$L v = $LOAD;");
        emit_epilogue(e, node, "v", subscript, index, part ? rest : lanes);
        emit_store(e, memory_format("&%s%s", output, subscript), "v", part ? rest : lanes);
        EMIT(e, "}");
    }
    e->level = level;
    fill_size(e, "L", level->lanes);
}

/* From the place `low` up to `high`, in steps of so many; the rest under a condition. */
static void emit_run(Emit *e, const Node *node, const char *place, int64_t count, int step, const char *low, const char *high, const char *condition, RunLines *lines, const void *context)
{
    int rest = (int)(count % step);
    fill(e, "PLACE", "%s", place);
    if (count >= step) {
        EMIT(e, memory_format("for (int $PLACE = %s; $PLACE < %s; $PLACE += %d) {", low, high, step));
        lines(e, node, step, context);
        EMIT(e, "}");
    }
    if (rest) {
        EMIT(e, memory_format("%s{", condition), "const int $PLACE = $WHOLE;");
        lines(e, node, rest, context);
        EMIT(e, "}");
    }
}

void run_lines(Emit *e, const Node *node, const char *place, int64_t count, RunLines *lines, const void *context)
{
    fill_size(e, "WHOLE", count - count % emit_level(e)->lanes);
    emit_run(e, node, place, count, emit_level(e)->lanes, "0", "$WHOLE", "", lines, context);
}

void run_parts(Emit *e, const Node *node, const char *place, int64_t count, int part, RunLines *lines, const void *context)
{
    int64_t parts = (count + part - 1) / part;
    bool shared = !e->single && node_is_shared(e->graph, node, parts);
    fill_size(e, "WHOLE", count - count % part);
    fill_size(e, "PART", part);
    if (shared && count >= part) EMIT(e, "const int end = $HIGH * $PART < $WHOLE ? $HIGH * $PART : $WHOLE;");
    emit_run(e, node, place, count, part, shared ? "$LOW * $PART" : "0", shared ? "end" : "$WHOLE", shared ? memory_format("if ($HIGH == %lld) ", (long long)parts) : "", lines, context);
}

int vector_groups(const Emit *e, int64_t columns, int vectors, VectorGroup groups[2])
{
    int lanes = emit_level(e)->lanes, last_lanes = (int)(columns % lanes ? columns % lanes : lanes), count = 0;
    int64_t total = (columns + lanes - 1) / lanes;
    int64_t full = total / vectors * vectors, per_panel = e->graph->panel / lanes;
    if ((last_lanes != lanes || total % per_panel) && full == total) full -= vectors;
    if (full) groups[count++] = (VectorGroup){0, full, vectors, lanes};
    if (full < total) groups[count++] = (VectorGroup){full, total, (int)(total - full), last_lanes};
    return count;
}

const char *group_first(const VectorGroup *group)
{
    return group->first + group->vectors >= group->end ? memory_format("%lld", (long long)group->first) : "k";
}

void group_begin(Emit *e, const VectorGroup *group)
{
    if (group->first + group->vectors >= group->end) {
        fill_size(e, "G", group->first);
        EMIT(e, "{");
    } else {
        fill(e, "G", "k");
        fill_size(e, "GEND", group->end);
        fill_size(e, "GSTEP", group->vectors);
        EMIT(e, "for (int k = 0; k < $GEND; k += $GSTEP) {");
    }
}

void group_end(Emit *e)
{
    EMIT(e, "}");
}
