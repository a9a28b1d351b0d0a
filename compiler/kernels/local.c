/* Locally connected images: a convolution whose kernel is another at each place.
 *
 * At each place (p, q) that is a product of matrices, of the samples by the filters: rows of x under the kernel, [samples][R * S * C], by
 * kernel[p * Q + q], [R * S * C][filters], which lies as files hold it. Each weight serves one place, so tiles are samples by filters, and
 * places are what threads share: forward, and for the gradient of the weights, which can update them from registers. In the gradient of
 * the input places overlap: there the samples are shared, and kernels are turned over first. */
#include "convolution.h"

enum { TYPICAL_SAMPLES = 128 };

static void fill_local(Emit *e, const Convolution *c)
{
    convolution_fill(e, c);
    fill_size(e, "PLACES", c->rows * c->columns);
    fill_size(e, "IMAGE", c->height * c->width * c->channels);
    fill_size(e, "RSC", c->kernel_height * c->kernel_width * c->channels);
}

static void begin_places(Emit *e)
{
    EMIT(e, "for (ptrdiff_t place = $FIRST; place < $LAST; place++) {", "const ptrdiff_t p = place / $Q, q = place % $Q;");
}

static Tile local_tile(Emit *e, const Node *node, Work work)
{
    work.kernel = "local";
    if (program_is_single(emit_program(e))) work.rows = 1;
    return choose_tile(e, node, work);
}

static int lanes_of(const Emit *e, const VectorGroup *group, int vector)
{
    return vector == group->vectors - 1 ? group->last_lanes : emit_level(e)->lanes;
}

/* The vectors w0, w1, ... from the address `from` on. */
static void emit_vectors(Emit *e, const VectorGroup *group, const char *name, const char *from)
{
    int lanes = emit_level(e)->lanes;
    for (int v = 0; v < group->vectors; v++)
        text_add(&e->body, "const f32x%d %s%d = %s;\n", lanes, name, v, load_text(e, memory_format("%s + %d", from, v * lanes), lanes_of(e, group, v)));
}

static void emit_step(Emit *e, int rows, const VectorGroup *group, const char *a, const char *b)
{
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            EMIT(e, memory_format("s$T_$V += %s * %s$V;", a, b));
        }
}

static void emit_forward_tile(Emit *e, const Node *node, const Convolution *c, int rows, const VectorGroup *group, const char *bias)
{
    int lanes = emit_level(e)->lanes;
    const char *first = memory_format("%s * %d", group_first(group), lanes);
    if (bias) emit_vectors(e, group, "bias", memory_format("&%s[p][q][%s]", bias, first));
    tile_begin(e, rows, group->vectors, bias ? "bias$V" : "{0}");
    EMIT(e,
         "for (int r = 0; r < $R; r++) {",
         "const float *const a = x[n][p * $STRIDEH + r][q * $STRIDEW];",
         memory_format("const float *const b = &kernel[place][r * $SC][%s];", first),
         "for (int j = 0; j < $SC; j++) {");
    emit_vectors(e, group, "w", memory_format("b + j * %lld", (long long)c->filters));
    emit_step(e, rows, group, "a[$T * $IMAGE + j]", "w");
    EMIT(e, "}", "}");
    tile_end(e, node, rows, group->vectors, group->last_lanes, "[n + $T][p][q][($G + $V) * $L]", "(uint32_t)((((n + $T) * $P + p) * $Q + q) * $K + ($G + $V) * $L)", "y");
}

void local_emit(Emit *e, const Node *node, const Convolution *c, const char *bias)
{
    emit_narrow(e, c->filters);
    int64_t reduction = c->kernel_height * c->kernel_width * c->channels;
    Tile tile = local_tile(e, node, (Work){.rows = TYPICAL_SAMPLES, .columns = c->filters, .reduction = reduction, .times = (double)(c->rows * c->columns) / TYPICAL_SAMPLES, .bias = bias != NULL});
    phase_begin(e, node, NULL, OVER_EXTENT, c->rows * c->columns);
    fill_local(e, c);
    fill_size(e, "TILE", tile.rows);
    begin_places(e);
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        if (program_is_single(emit_program(e))) {
            EMIT(e, "const ptrdiff_t n = 0;");
            emit_forward_tile(e, node, c, 1, &groups[g], bias);
        } else {
            EMIT(e, "ptrdiff_t n = 0;");
            if (tile.rows > 1) {
                EMIT(e, "for (; n + $TILE <= count; n += $TILE) {");
                emit_forward_tile(e, node, c, tile.rows, &groups[g], bias);
                EMIT(e, "}");
            }
            EMIT(e, "for (; n < count; n++) {");
            emit_forward_tile(e, node, c, 1, &groups[g], bias);
            EMIT(e, "}");
        }
        group_end(e);
    }
    EMIT(e, "}");
    phase_end(e);
}

/* ---- the gradient of the input ---- */

int64_t local_turned_floats(const Convolution *c)
{
    return c->rows * c->columns * c->kernel_height * c->kernel_width * c->channels * c->filters;
}

static void declare_turned(Emit *e, const Node *node, const Convolution *c)
{
    phase_operand(e, operand_number(node, "turned"), 3, (const int64_t[]){c->rows * c->columns, c->filters, c->kernel_height * c->kernel_width * c->channels});
}

/* What samples n .. n + rows - 1 of place (p, q) give to the run of numbers under row r of the kernel. */
static void emit_scattered_tile(Emit *e, const Convolution *c, int rows, const VectorGroup *group)
{
    int lanes = emit_level(e)->lanes;
    const char *first = memory_format("%s * %d", group_first(group), lanes);
    tile_begin(e, rows, group->vectors, "{0}");
    EMIT(e, "const float *const a = d_y[n][p][q];", memory_format("const float *const b = &turned[p * $Q + q][0][r * $SC + %s];", first), "for (int i = 0; i < $K; i++) {");
    emit_vectors(e, group, "w", memory_format("b + i * %lld", (long long)(c->kernel_height * c->kernel_width * c->channels)));
    emit_step(e, rows, group, "a[$T * ($P * $Q * $K) + i]", "w");
    EMIT(e, "}", memory_format("float *const to = &d_x[n][p * $STRIDEH + r][q * $STRIDEW][0] + %s;", first));
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            const char *at = memory_format("to + %lld", (long long)(t * c->height * c->width * c->channels + v * lanes)), *sum = memory_format("s%d_%d", t, v);
            emit_store(e, at, memory_format("%s + %s", sum, load_text(e, at, lanes_of(e, group, v))), lanes_of(e, group, v));
        }
}

void local_input_gradient_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t run = c->kernel_width * c->channels;
    declare_turned(e, node, c);
    phase_begin(e, node, "turn", OVER_EXTENT, c->rows * c->columns);
    fill_local(e, c);
    EMIT(e,
         "for (ptrdiff_t place = first; place < last; place++) {",
         "for (int k = 0; k < $K; k++) {",
         "for (int i = 0; i < $RSC; i++) turned[place][k][i] = kernel[place][i][k];",
         "}",
         "}");
    phase_end(e);
    emit_narrow(e, run);
    int64_t samples = e->graph->batch / TASKS > 1 ? e->graph->batch / TASKS : 1; /* of a task */
    Tile tile = local_tile(e, node, (Work){.rows = samples, .columns = run, .reduction = c->filters, .times = (double)(c->rows * c->columns * c->kernel_height) / (double)samples});
    declare_turned(e, node, c);
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_local(e, c);
    fill_size(e, "TILE", tile.rows);
    EMIT(e,
         "for (ptrdiff_t n = first; n < last; n++) memset(d_x[n], 0, sizeof d_x[n]);",
         "for (int p = 0; p < $P; p++) {",
         "for (int q = 0; q < $Q; q++) {",
         "for (int r = 0; r < $R; r++) {");
    VectorGroup groups[2];
    int group_count = vector_groups(e, run, tile.vectors, groups);
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        EMIT(e, "ptrdiff_t n = first;");
        if (tile.rows > 1) {
            EMIT(e, "for (; n + $TILE <= last; n += $TILE) {");
            emit_scattered_tile(e, c, tile.rows, &groups[g]);
            EMIT(e, "}");
        }
        EMIT(e, "for (; n < last; n++) {");
        emit_scattered_tile(e, c, 1, &groups[g]);
        EMIT(e, "}");
        group_end(e);
    }
    EMIT(e, "}", "}", "}");
    phase_end(e);
}

/* ---- the gradient of the weights ---- */

/* Rows j .. j + rows - 1 of the weights under row r of the kernel, summed over the samples; then stored, or the weights are updated. */
static void emit_weight_tile(Emit *e, const Node *node, int rows, const VectorGroup *group)
{
    int lanes = emit_level(e)->lanes;
    tile_begin(e, rows, group->vectors, "{0}");
    EMIT(e, "for (ptrdiff_t n = 0; n < count; n++) {", "const float *const a = &x[n][p * $STRIDEH + r][q * $STRIDEW][0] + j;");
    emit_vectors(e, group, "d", memory_format("&d_y[n][p][q][%s * %d]", group_first(group), lanes));
    emit_step(e, rows, group, "a[$T]", "d");
    EMIT(e, "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            const char *place = memory_format("[place][row + %d][(%s + %d) * %d]", t, group_first(group), v, lanes), *sum = memory_format("s%d_%d", t, v);
            if (node->update) optimizer_vector_emit(e, node->update, sum, place, lanes_of(e, group, v));
            else emit_store(e, memory_format("&d_kernel%s", place), sum, lanes_of(e, group, v));
        }
}

void local_weight_gradient_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t run = c->kernel_width * c->channels;
    emit_narrow(e, c->filters);
    Tile tile = choose_tile(e, node, (Work){.kernel = "local", .rows = run, .columns = c->filters, .reduction = 1, .times = (double)(c->rows * c->columns * c->kernel_height)});
    phase_begin(e, node, NULL, OVER_EXTENT, c->rows * c->columns);
    fill_local(e, c);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "WHOLE", run / tile.rows * tile.rows);
    if (node->update) optimizer_begin_emit(e, node->update);
    begin_places(e);
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    for (int part = 0; part < 2; part++) {
        int rows = part ? (int)(run % tile.rows) : tile.rows;
        if (!rows || run < rows) continue;
        EMIT(e, part ? "{" : "for (int j = 0; j < $WHOLE; j += $TILE) {");
        if (part) EMIT(e, "const int j = $WHOLE;");
        EMIT(e, "const int row = r * $SC + j;");
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            emit_weight_tile(e, node, rows, &groups[g]);
            group_end(e);
        }
        EMIT(e, "}");
    }
    EMIT(e, "}", "}");
    phase_end(e);
}
