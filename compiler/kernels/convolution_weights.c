/* The gradient of a convolution's weights, directly: neighbouring rows of the weight matrix by a few vectors of filters stay in
 * registers over all pixels of an image.
 *
 * Where the matrix has few rows, as in a network's first layer, a tile takes several rows of the kernel; else tiles lie along each. */
#include "convolution.h"

enum { WRITTEN_OUT = 48 }; /* rows of the matrix, at most, for which tiles are written out one by one */

/* One tile: rows of the weight matrix from `first` on, by vectors of filters; summed over the pixels of the image or band. `at` is
 * the address of the first number under the kernel, `a` where the tile's row $T lies from there. */
static void emit_gradient_tile(Emit *e, const Convolution *c, int rows, const VectorGroup *group, const char *first, const char *at, const char *a)
{
    int lanes = emit_level(e)->lanes;
    bool whole = e->graph->panel == lanes, grouped = c->groups > 1;
    fill(e, "FIRSTROW", "%s", first);
    fill(e, "FILTER0", "%s", grouped ? memory_format("group * %lld + ", (long long)(c->filters / c->groups)) : "");
    fill(e, "VECTOR0", "%s", grouped ? memory_format("group * %lld + ", (long long)(c->filters / c->groups / lanes)) : "");
    EMIT(e, "{");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        if (whole) EMIT(e, "float (*const t$V)[$PANEL] = &sums[$VECTOR0$G + $V][$FIRSTROW];");
        else EMIT(e, "float *const t$V = &sums[($VECTOR0$G + $V) / $PERPANEL][$FIRSTROW][($VECTOR0$G + $V) % $PERPANEL * $L];");
    }
    tile_begin(e, rows, group->vectors, whole ? "load_f32x$L(t$V[$T])" : "load_f32x$L(t$V + $T * $PANEL)");
    EMIT(e, "for (int p = $P0; p < $P1; p++) {", memory_format("const float *a = %s;", at), "for (int q = 0; q < $Q; q++) {");
    for (int v = 0; v < group->vectors; v++) {
        fill_size(e, "V", v);
        fill(e, "LOAD", "%s", load_text(e, memory_format("&d_y[n][p][q][%s(%s + %d) * %d]", grouped ? memory_format("group * %lld + ", (long long)(c->filters / c->groups)) : "", group_first(group), v, lanes), v == group->vectors - 1 ? group->last_lanes : lanes));
        EMIT(e, "const f32x$L d$V = $LOAD;");
    }
    tile_step(e, rows, group->vectors, a, "d$V");
    EMIT(e, "a += $STEP;", "}", "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            EMIT(e, whole ? "store_f32x$L(t$V[$T], s$T_$V);" : "store_f32x$L(t$V + $T * $PANEL, s$T_$V);");
        }
    EMIT(e, "}");
}

/* All rows of the matrix, each tile with code of its own, so that it may reach over the end of a kernel's row. */
static void emit_gradient_written_out(Emit *e, const Convolution *c, int tile_rows, const VectorGroup *groups, int group_count)
{
    int matrix = (int)(c->kernel_height * c->kernel_width * c->channels);
    for (int m = 0; m < matrix; m += tile_rows)
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            fill_size(e, "M", m);
            emit_gradient_tile(e, c, matrix - m < tile_rows ? matrix - m : tile_rows, &groups[g], memory_format("%d", m), convolution_image_at(c, "x", "0", "0"), "a[($M + $T) / $SC * $ROW + ($M + $T) % $SC]");
            group_end(e);
        }
}

/* Tiles along each row of the kernel, or, where what it sees does not lie side by side, of each of its places. */
static void emit_gradient_by_rows(Emit *e, const Convolution *c, int tile_rows, const VectorGroup *groups, int group_count)
{
    bool split = convolution_is_split(c);
    int64_t run = split ? c->channels / c->groups : c->kernel_width * c->channels;
    const char *place = split ? memory_format(" + s * %lld%s", (long long)(c->dilation_width * c->channels), c->groups > 1 ? " + group * $CG" : "") : "";
    const char *row = split ? memory_format("(r * %lld + s)", (long long)c->kernel_width) : "r";
    int rest = (int)(run % tile_rows);
    fill_size(e, "JFULL", run - rest);
    fill_size(e, "TILE", tile_rows);
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    if (split) EMIT(e, "for (int s = 0; s < $S; s++) {");
    for (int part = 0; part < 2; part++) {
        if (part == 0 ? run < tile_rows : !rest) continue;
        if (part == 0) EMIT(e, "for (int j = 0; j < $JFULL; j += $TILE) {");
        else EMIT(e, "{", "const int j = $JFULL;");
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            emit_gradient_tile(e, c, part == 0 ? tile_rows : rest, &groups[g], memory_format("%s * %lld + j", row, (long long)run), memory_format("%s%s + j", convolution_image_at(c, "x", "r", "0"), place), "a[$T]");
            group_end(e);
        }
        EMIT(e, "}");
    }
    if (split) EMIT(e, "}");
    EMIT(e, "}");
}

int64_t convolution_weight_gradient_sums(const Convolution *c, int64_t panel)
{
    return round_up(c->filters, panel) * c->kernel_height * c->kernel_width * (c->channels / c->groups);
}

void convolution_weight_gradient_emit(Emit *e, const Node *node, const Convolution *image)
{
    const Convolution row = convolution_joined(image), *c = &row;
    int64_t panel = e->graph->panel, panels = (c->filters + panel - 1) / panel, matrix = c->kernel_height * c->kernel_width * (c->channels / c->groups);
    convolution_declare(e, 0, c->height, c->width, c->channels);
    convolution_declare(e, 1, c->rows, c->columns, c->filters);
    int64_t columns = c->filters / c->groups;
    emit_narrow(e, columns);
    bool written_out = matrix <= WRITTEN_OUT && !convolution_hindrance(c);
    int64_t run = written_out ? matrix : convolution_is_split(c) ? c->channels / c->groups : c->kernel_width * c->channels;
    double times = (double)(matrix / run * c->groups);
    Tile tile = choose_tile(e, node, (Work){.kernel = "convolution", .rows = run, .columns = columns, .reduction = c->rows * c->columns, .times = times});
    phase_begin(e, node, "weight_gradient_part", IN_SHARDS, 0);
    convolution_fill(e, c);
    fill(e, "FROM", "x");
    fill_size(e, "PERPANEL", panel / emit_level(e)->lanes);
    fill_size(e, "MATRIX", matrix);
    phase_sums(e, "shards", panels * matrix * panel);
    EMIT(e, "float (*const sums)[$MATRIX][$PANEL] = (float (*)[$MATRIX][$PANEL])shards;");
    if (convolution_is_padded(c)) convolution_scratch_emit(e, c, "float (*const rows)[$ROW] = (float (*)[$ROW])(work + task * $WORK);");
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {");
    convolution_image_begin(e, c, false);
    VectorGroup groups[2];
    int group_count = vector_groups(e, columns, tile.vectors, groups);
    if (c->groups > 1) EMIT(e, memory_format("for (int group = 0; group < %lld; group++) {", (long long)c->groups));
    (written_out ? emit_gradient_written_out : emit_gradient_by_rows)(e, c, tile.rows, groups, group_count);
    if (c->groups > 1) EMIT(e, "}");
    EMIT(e, "}", "}");
    phase_end(e);
    shard_sum_emit(e, node, "weight_gradient", "d_kernel", panels * matrix * panel, 0, panels * matrix * panel);
}
