/* The gradient of a convolution's input, by scattering: each pixel of d_y gives its share to all pixels under the kernel.
 *
 * For each kernel row r that is a product of matrices, of the pixels of d_y and the filters by the filters and the run of columns and
 * channels, which is added to a row of d_x. Against a transposed convolution no work is done for the zeros that padding and strides
 * put between the pixels of d_y, and a run fills vectors where few channels do not. A tile is pixels one below the other: what
 * neighbours in a row add overlaps. d_x is summed in scratch memory, some rows at a time; rows that are complete go through the
 * epilogue. */
#include "convolution.h"

static int64_t whole_vectors(int64_t columns)
{
    return (columns + 7) / 8 * 8;
}

/* The work that the ways make: the multiply-adds, also those of vectors that are not full. */
Way convolution_gather_way(const Convolution *c)
{
    int64_t row = c->height * c->width * c->kernel_width * c->filters / c->groups * whole_vectors(c->channels);
    return (Way){.name = "gather", .cost = (double)(row * c->kernel_height)};
}

Way convolution_scatter_way(const Convolution *c)
{
    enum { ADDING = 4 }; /* what the addition to d_x costs, in steps of the reduction */
    int64_t row = c->rows * c->columns * (c->filters + ADDING) * whole_vectors(c->kernel_width * c->channels);
    return (Way){.name = "scatter", .cost = (double)(row * c->kernel_height), .hindrance = convolution_hindrance(c)};
}

/* Numbers in a row of the scratch memory: the image with its padding. */
static int64_t scattered_width(const Convolution *c)
{
    int64_t under = (c->columns - 1) * c->stride_width + c->kernel_width, image = c->pad_left + c->width;
    return (under > image ? under : image) * c->channels;
}

/* Its rows, where `band` rows of d_y are scattered at once: those under a band, and whatever of the image is below the last. */
static int64_t scattered_rows(const Convolution *c, int64_t band)
{
    int64_t under = (band - 1) * c->stride_height + (c->kernel_height > c->stride_height ? c->kernel_height : c->stride_height);
    int64_t rest = c->pad_top + c->height - (c->rows - 1) / band * band * c->stride_height;
    return under > rest ? under : rest;
}

int64_t convolution_scatter_workspace(const Convolution *c)
{
    int64_t most = 0;
    for (int64_t band = 1; band <= c->rows && band <= MOST_TILE_ROWS; band++) most = scattered_rows(c, band) > most ? scattered_rows(c, band) : most;
    return most * scattered_width(c);
}

int64_t convolution_scatter_kernel_floats(const Convolution *c, int64_t panel)
{
    return c->kernel_height * c->filters * round_up(c->kernel_width * c->channels, panel);
}

/* kernel -> turned: [kernel row][panels of columns and channels][filters][panel] */
static void emit_turned_kernel(Emit *e, const Node *node, const Convolution *c, int64_t panels)
{
    phase_begin(e, node, "turn", OVER_EXTENT, c->kernel_height * panels);
    convolution_fill(e, c);
    fill_size(e, "PANELS", panels);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int k = 0; k < $K; k++) {",
         "for (int i = 0; i < $PANEL; i++) {",
         "const ptrdiff_t j = g % $PANELS * $PANEL + i;",
         "turned[g][k][i] = j < $SC ? kernel[k / $PANEL][g / $PANELS * $SC + j][k % $PANEL] : 0.0f;",
         "}",
         "}",
         "}");
    phase_end(e);
}

static void emit_scatter_tile(Emit *e, const Convolution *c, int rows, const VectorGroup *group, int64_t panels)
{
    int lanes = emit_level(e)->lanes;
    int64_t panel = e->graph->panel;
    const char *at = "[$T * $STRIDEH + r][q * $STEP + ($G + $V) * $L]";
    tile_begin(e, rows, group->vectors, "{0}");
    EMIT(e, "const float *const a = d_y[n][p0][q];");
    tile_pointers(e, group->vectors, memory_format("(r * %lld + %s)", (long long)(panels * panel / lanes), group_first(group)), panel, "turned", "0");
    EMIT(e, "for (int i = 0; i < $K; i++) {");
    tile_step(e, rows, group->vectors, "a[$T * ($Q * $K) + i]", "load_f32x$L(b$V + i * $PANEL)");
    EMIT(e, "}");
    for (int t = 0; t < rows; t++)
        for (int v = 0; v < group->vectors; v++) {
            fill_size(e, "T", t);
            fill_size(e, "V", v);
            fill(e, "LOAD", "%s", load_text(e, memory_format("&rows[%d * %lld + r][q * %lld + (%s + %d) * %d]", t, (long long)c->stride_height, (long long)(c->stride_width * c->channels), group_first(group), v, lanes), v == group->vectors - 1 ? group->last_lanes : lanes));
            EMIT(e, "s$T_$V += $LOAD;");
        }
    tile_end(e, NULL, rows, group->vectors, group->last_lanes, at, "", "rows");
}

/* Rows i of the scratch memory below `end` are complete: they go to d_x. */
static void emit_scattered(Emit *e, const Node *node, const Convolution *c, int64_t end)
{
    fill_size(e, "DONE", end);
    EMIT(e, "for (int i = 0; i < $DONE; i++) {", "const int h = p0 * $STRIDEH + i - $TOP;", "if (h >= 0 && h < $H) {");
    int64_t run = c->width * c->channels;
    const char *index = memory_format("(uint32_t)((n * %lld + h) * %lld + j)", (long long)c->height, (long long)run);
    run_emit(e, node, run, memory_format("&rows[i][%lld + j]", (long long)(c->pad_left * c->channels)), "d_x", "[n][h][j]", index);
    EMIT(e, "}", "}");
}

/* One band of d_y, its first row p0. */
static void emit_scatter_band(Emit *e, const Convolution *c, int rows, const VectorGroup *groups, int group_count, int64_t panels)
{
    EMIT(e, "for (int r = 0; r < $R; r++) {");
    for (int g = 0; g < group_count; g++) {
        group_begin(e, &groups[g]);
        EMIT(e, "for (int q = 0; q < $Q; q++) {");
        emit_scatter_tile(e, c, rows, &groups[g], panels);
        EMIT(e, "}");
        group_end(e);
    }
    EMIT(e, "}");
}

void convolution_scatter_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t run = c->kernel_width * c->channels, panel = e->graph->panel, panels = (run + panel - 1) / panel;
    int turned = operand_number(node, "turned");
    const int64_t turned_sizes[] = {c->kernel_height * panels, c->filters, panel};
    phase_operand(e, turned, 3, turned_sizes);
    emit_turned_kernel(e, node, c, panels);
    phase_operand(e, turned, 3, turned_sizes);
    phase_operand(e, turned - 1, 3, (const int64_t[]){-1, c->height, c->width * c->channels});
    convolution_declare(e, 0, c->rows, c->columns, c->filters);
    emit_narrow(e, run);
    double times = (double)(c->columns * c->kernel_height);
    Tile tile = choose_tile(e, node, (Work){.kernel = "scatter", .rows = c->rows, .columns = run, .reduction = c->filters, .times = times});
    int64_t rest = c->rows % tile.rows, full = c->rows - rest, height = scattered_rows(c, tile.rows), done = tile.rows * c->stride_height;
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    convolution_fill(e, c);
    fill_size(e, "WORK", convolution_scatter_workspace(c));
    fill_size(e, "WIDTH", scattered_width(c));
    fill_size(e, "HEIGHT", height);
    fill_size(e, "TILE", tile.rows);
    fill_size(e, "STEPH", done);
    fill_size(e, "KEPT", height - done);
    EMIT(e,
         "float (*const rows)[$WIDTH] = (float (*)[$WIDTH])(work + task * $WORK);",
         "for (ptrdiff_t n = first; n < last; n++) {",
         "memset(rows, 0, $HEIGHT * sizeof *rows);");
    VectorGroup groups[2];
    int group_count = vector_groups(e, run, tile.vectors, groups);
    int64_t looped = rest ? full : full - tile.rows, last = rest ? rest : tile.rows; /* the last band completes all rows */
    if (looped) {
        fill_size(e, "LOOPED", looped);
        EMIT(e, "for (int p0 = 0; p0 < $LOOPED; p0 += $TILE) {");
        emit_scatter_band(e, c, tile.rows, groups, group_count, panels);
        emit_scattered(e, node, c, done);
        if (height > done) EMIT(e, "memmove(rows, rows[$STEPH], $KEPT * sizeof *rows);");
        EMIT(e, "memset(rows[$KEPT], 0, $STEPH * sizeof *rows);", "}");
    }
    fill_size(e, "LOOPED", looped);
    EMIT(e, "{", "const int p0 = $LOOPED;");
    emit_scatter_band(e, c, (int)last, groups, group_count, panels);
    emit_scattered(e, node, c, c->pad_top + c->height - looped * c->stride_height);
    EMIT(e, "}", "}");
    phase_end(e);
}
