/* The recurrence, forward: samples in groups, each group a task that goes through all steps by itself, so that threads never wait for
 * one another. A step multiplies the group's outputs h, which stay in the first-level cache, by the recurrent kernel, a few columns of it at a
 * time for all samples of the group, and leaves the sums in the cache as well; the cell's lines follow, vector by vector of units. */
#include "recurrent.h"

#include <string.h>

enum { GROUP_ROWS = 8, ROW_SUMS = 8, FIRST_LEVEL = 32768 /* bytes */, AHEAD = 16 /* steps of a reduction */ };

RecurrentSizes recurrent_sizes(const Graph *graph, const Recurrent *r)
{
    RecurrentSizes s = {.padded = round_up(r->units, graph->panel), .gates = r->cell->gates * r->units};
    s.sums = round_up(s.gates, graph->panel);
    s.groups = program_is_single(graph->program) ? 1 : (graph->batch + GROUP_ROWS - 1) / GROUP_ROWS;
    if (s.groups > TASKS) s.groups = TASKS;
    s.rows = program_is_single(graph->program) ? 1 : (graph->batch + s.groups - 1) / s.groups;
    return s;
}

static int array_count(const char *const *names)
{
    int count = 0;
    while (count < MOST_ARRAYS && names[count]) count++;
    return count;
}

bool recurrent_drops(const Graph *graph, const Recurrent *r)
{
    return r->dropout > 0 && (graph->program == PROGRAM_TRAIN || graph->program == PROGRAM_GRADIENTS);
}

bool recurrent_continues(const Graph *graph, const Recurrent *r)
{
    return r->stateful && graph->program == PROGRAM_TRAIN;
}

LeftOut recurrent_left_out(const Graph *graph, const Recurrent *r)
{
    if (recurrent_continues(graph, r) || r->cell->lefts > 1 || r->steps == 1) return MATMUL_ALL;
    return r->backwards ? MATMUL_LAST : MATMUL_FIRST;
}

const char *recurrent_previous(const Graph *graph, const Recurrent *r, const char *at)
{
    return recurrent_left_out(graph, r) == MATMUL_FIRST ? memory_format("%s - 1", at) : at;
}

static const char *const dropping[] = {"dropped", NULL}, *const none[] = {NULL};

/* The first of the arrays that lie in the workspace: what a step of a sequence keeps lies in the caller's state. */
static int first_array(const Node *node)
{
    const Recurrent *r = node->detail;
    return node->carries ? r->cell->states : 0;
}

int64_t recurrent_forward_workspace(const Graph *graph, const Node *node)
{
    const Recurrent *r = node->detail;
    RecurrentSizes s = recurrent_sizes(graph, r);
    int arrays = array_count(r->cell->arrays) - first_array(node) + array_count(recurrent_drops(graph, r) ? dropping : none);
    return s.rows * (arrays * s.padded + s.sums);
}

/* One sample has one row: many sums hide each other's latency. */
Tile recurrent_tile(Emit *e, const Node *node, int64_t columns, int64_t reduction)
{
    const Recurrent *r = node->detail;
    RecurrentSizes s = recurrent_sizes(e->graph, r);
    int lanes = emit_level(e)->lanes, vectors = (int)((columns + lanes - 1) / lanes);
    Work work = {.kernel = "recurrent", .rows = s.rows, .columns = columns, .reduction = reduction, .times = (double)r->steps / (double)s.rows};
    if (!program_is_single(emit_program(e))) {
        /* Wider tiles would have fewer rows, and pass the matrix again for the others. */
        if (s.rows >= GROUP_ROWS && tile_registers(emit_level(e), (Tile){(int)s.rows, 2}) <= emit_level(e)->registers) work.most_vectors = 2;
        return choose_tile(e, node, work);
    }
    return choose_only(e, node, work, (Tile){1, vectors < ROW_SUMS ? vectors : ROW_SUMS}, "one row: many sums hide each other's latency");
}

/* Of one sample a step's row follows the one before. */
static bool asks_ahead(const Emit *e)
{
    return !program_is_single(emit_program(e));
}

void recurrent_begin(Emit *e, const Recurrent *r, int64_t work)
{
    RecurrentSizes s = recurrent_sizes(e->graph, r);
    fill_size(e, "STEPS", r->steps);
    fill_size(e, "UNITS", r->units);
    fill_size(e, "PADDED", s.padded);
    fill_size(e, "GATES", s.gates);
    fill_size(e, "SUMS", s.sums);
    fill_size(e, "GROUPS", s.groups);
    fill_size(e, "PANEL", e->graph->panel);
    fill_size(e, "WORK", work);
    if (program_is_single(emit_program(e))) return;
    EMIT(e, "for (ptrdiff_t part = first; part < last; part++) {", "const ptrdiff_t from = count * part / $GROUPS, rows = count * (part + 1) / $GROUPS - from;");
}

void recurrent_step_begin(Emit *e, const Recurrent *r, bool forward)
{
    EMIT(e, forward ? "for (int t = 0; t < $STEPS; t++) {" : "for (int t = $STEPS - 1; t >= 0; t--) {", r->backwards ? "const int at = $STEPS - 1 - t;" : "const int at = t;");
    if (!asks_ahead(e)) return;
    fill(e, "WAY", "%s", forward == r->backwards ? "-" : "+");
    EMIT(e, forward ? "const int next = t + 1 < $STEPS ? at $WAY 1 : at;" : "const int next = t > 0 ? at $WAY 1 : at;");
}

void recurrent_arrays(Emit *e, const RecurrentSizes *s, const char *const *names, int first, int64_t *offset)
{
    for (int i = first; i < array_count(names); i++, *offset += s->rows * s->padded) {
        fill(e, "NAME", "%s", names[i]);
        fill_size(e, "OFFSET", *offset);
        EMIT(e, "float (*const $NAME)[$PADDED] = (float (*)[$PADDED])(work + $TASK * $WORK + $OFFSET);");
    }
}

void recurrent_rows_begin(Emit *e)
{
    if (program_is_single(emit_program(e))) EMIT(e, "{", "const int m = 0, n = 0;");
    else EMIT(e, "for (ptrdiff_t m = 0; m < rows; m++) {", "const ptrdiff_t n = from + m;");
}

/* `ahead`: the matrix outgrows the first-level cache and is asked for while it is read. */
static void emit_tile(Emit *e, int rows, int vectors, const char *left, const char *to, bool adds, bool ahead)
{
    const char *place = memory_format("%s[m + $T][(k + $V) * $L]", to);
    tile_begin(e, rows, vectors, adds ? memory_format("load_f32x$L(&%s)", place) : "{0}");
    EMIT(e, "for (int i = 0; i < $REDUCTION; i++) {");
    for (int v = 0; ahead && v < vectors; v += (int)(e->graph->panel / emit_level(e)->lanes)) {
        fill_size(e, "V", v);
        EMIT(e, "__builtin_prefetch(b$V + (i + $AHEAD) * $PANEL);");
    }
    tile_step(e, rows, vectors, left, "load_f32x$L(b$V + i * $PANEL)");
    EMIT(e, "}");
    tile_end(e, NULL, rows, vectors, emit_level(e)->lanes, "[m + $T][(k + $V) * $L]", "", to);
}

void recurrent_product(Emit *e, const char *matrix, const char *left, int64_t row, int64_t reduction, int64_t first_column, int64_t last_column, const char *to, bool adds, Tile tile)
{
    int lanes = emit_level(e)->lanes;
    int64_t first = first_column / lanes, last = (last_column + lanes - 1) / lanes, whole = first + (last - first) / tile.vectors * tile.vectors;
    fill_size(e, "REDUCTION", reduction);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "AHEAD", AHEAD);
    bool ahead = reduction * (last_column - first_column) * (int64_t)sizeof(float) > FIRST_LEVEL;
    for (int part = 0; part < 2; part++) {
        int vectors = part ? (int)(last - whole) : tile.vectors;
        if (part ? whole == last : whole == first) continue;
        fill_size(e, "FROM", part ? whole : first);
        fill_size(e, "TO", part ? last : whole);
        fill_size(e, "STEP", vectors);
        EMIT(e, "for (int k = $FROM; k < $TO; k += $STEP) {");
        tile_pointers(e, vectors, "k", e->graph->panel, matrix, memory_format("%lld", (long long)row));
        if (program_is_single(emit_program(e))) {
            EMIT(e, "const int m = 0;");
            emit_tile(e, 1, vectors, left, to, adds, false);
        } else {
            EMIT(e, "ptrdiff_t m = 0;");
            if (tile.rows > 1) {
                EMIT(e, "for (; m + $TILE <= rows; m += $TILE) {");
                emit_tile(e, tile.rows, vectors, left, to, adds, ahead);
                EMIT(e, "}");
            }
            EMIT(e, "for (; m < rows; m++) {");
            emit_tile(e, 1, vectors, left, to, adds, false);
            EMIT(e, "}");
        }
        EMIT(e, "}");
    }
}

void recurrent_elements(Emit *e, const Node *node, void (*lines)(const CellLines *, int), int stage, bool keeps, const char *start)
{
    const Recurrent *r = node->detail;
    int lanes = emit_level(e)->lanes, rest = (int)(r->units % lanes);
    fill_size(e, "WHOLE", r->units - rest);
    recurrent_rows_begin(e);
    for (int part = 0; part < 2; part++) {
        if (part ? !rest : r->units < lanes) continue;
        if (part) EMIT(e, "{", "const int j = $WHOLE;");
        else EMIT(e, "for (int j = 0; j < $WHOLE; j += $L) {");
        CellLines l = {e, r, part ? rest : lanes, keeps, recurrent_continues(e->graph, r), asks_ahead(e), recurrent_drops(e->graph, r)};
        if (start) {
            cell_load(&l, "d", "d_h[m][j]");
            if (*start) text_add(&e->body, "d += %s;\n", load_text(e, start, l.lanes));
        }
        lines(&l, stage);
        EMIT(e, "}");
    }
    EMIT(e, "}");
}

void recurrent_mask(Emit *e, const Node *node)
{
    const Recurrent *r = node->detail;
    if (!recurrent_drops(e->graph, r)) return;
    noise_threshold(e, node, r->dropout);
    noise_number(e, node, "scale", 1 / (1 - r->dropout), 1);
}

static void drop_lines(const CellLines *l, int stage)
{
    (void)stage;
    cell_load(l, "v", "h[m][j]");
    cell_mask(l, "v");
    cell_store(l, "dropped[m][j]", "v");
}

const char *recurrent_output(const Recurrent *r)
{
    return r->turned ? memory_format("(%lld - t)", (long long)r->steps - 1) : "t";
}

/* The outputs of a step, or of the last, with what follows them. */
static void emit_outputs(Emit *e, const Node *node)
{
    const Recurrent *r = node->detail;
    const char *step = recurrent_output(r), *row = r->sequences ? memory_format("(n * %lld + %s)", (long long)r->steps, step) : "n";
    recurrent_rows_begin(e);
    run_emit(e, node, r->units, "&h[m][j]", "y", r->sequences ? memory_format("[n][%s][j]", step) : "[n][j]", memory_format("(uint32_t)(%s * %lld + j)", row, (long long)r->units));
    EMIT(e, "}");
}

/* A line for each sample of the group. */
static void emit_state(Emit *e, const char *line)
{
    recurrent_rows_begin(e);
    EMIT(e, line, "}");
}

void recurrent_forward_emit(Emit *e, const Node *node)
{
    const Recurrent *r = node->detail;
    const Cell *cell = r->cell;
    RecurrentSizes s = recurrent_sizes(e->graph, r);
    int first = first_array(node);
    bool continues = recurrent_continues(e->graph, r), drops = recurrent_drops(e->graph, r), keeps = operand_number(node, "gates") >= 0, alone = program_is_single(emit_program(e));
    emit_narrow(e, r->units);
    Tile tile = recurrent_tile(e, node, s.gates, r->units);
    for (int i = 0; i < first; i++) phase_operand(e, operand_number(node, cell->arrays[i]), 2, (const int64_t[]){1, r->units});
    phase_begin(e, node, NULL, OVER_EXTENT, s.groups);
    int64_t offset = 0;
    recurrent_begin(e, r, recurrent_forward_workspace(e->graph, node));
    recurrent_arrays(e, &s, cell->arrays, first, &offset);
    recurrent_arrays(e, &s, drops ? dropping : none, 0, &offset);
    fill_size(e, "OFFSET", offset);
    fill(e, "ROWS", "%s", alone ? "1" : "(size_t)rows");
    EMIT(e, "float (*const sums)[$SUMS] = (float (*)[$SUMS])(work + $TASK * $WORK + $OFFSET);");
    for (int i = first; i < cell->states; i++) {
        fill(e, "NAME", "%s", cell->arrays[i]);
        if (continues) emit_state(e, "memcpy($NAME[m], state_$NAME[n], $UNITS * sizeof(float));");
        else EMIT(e, "memset($NAME, 0, $ROWS * sizeof *$NAME);");
    }
    if (continues && keeps && cell->start) {
        fill(e, "NAME", "%s", cell->start);
        emit_state(e, "memcpy(start[n], $NAME[m], $UNITS * sizeof(float));");
    }
    recurrent_mask(e, node);
    recurrent_step_begin(e, r, true);
    if (drops) recurrent_elements(e, node, drop_lines, 0, false, NULL);
    if (keeps) {
        fill(e, "LEFT", "%s", drops ? "dropped" : "h");
        recurrent_rows_begin(e);
        fill(e, "PREVIOUS", "previous[n][%s]%s", recurrent_previous(e->graph, r, "at"), cell->lefts == 1 ? "" : "[0]");
        EMIT(e, recurrent_left_out(e->graph, r) ? "if (t > 0) memcpy($PREVIOUS, $LEFT[m], $UNITS * sizeof(float));" : "memcpy($PREVIOUS, $LEFT[m], $UNITS * sizeof(float));");
        if (drops && cell->reads_before) EMIT(e, "memcpy(before[n][at], h[m], $UNITS * sizeof(float));");
        EMIT(e, "}");
    }
    for (int i = 0; i < cell->stages; i++) {
        const CellStage *stage = &cell->stage[i];
        bool begins = !node->carries && !continues; /* with zeros */
        if (begins) EMIT(e, "if (t > 0) {");
        recurrent_product(e, "recurrent_kernel", memory_format("%s[m + $T][i]", drops && !strcmp(stage->left, "h") ? "dropped" : stage->left), 0, r->units, stage->first * r->units, stage->last * r->units, "sums", false, tile);
        if (begins) EMIT(e, "} else {", "memset(sums, 0, $ROWS * sizeof *sums);", "}");
        recurrent_elements(e, node, cell->forward, i, keeps, NULL);
    }
    if (r->sequences) emit_outputs(e, node);
    EMIT(e, "}");
    if (!r->sequences) emit_outputs(e, node);
    for (int i = 0; continues && i < cell->states; i++) {
        fill(e, "NAME", "%s", cell->arrays[i]);
        emit_state(e, "memcpy(state_$NAME[n], $NAME[m], $UNITS * sizeof(float));");
    }
    if (!alone) EMIT(e, "}");
    phase_end(e);
}
