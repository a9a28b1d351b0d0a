/* The gradients of Winograd's convolution, by differentiating it: the way back through each transform is its adjoint.
 *
 *     forward    v = Bt x B        m = v u            y = At m A
 *     backward   z = A d_y At      d_v = z ut         d_x = B d_v Bt, added where tiles overlap
 *                                  d_u = vt z         d_kernel = Gt d_u G, summed over all samples
 *
 * z is made once for both products, and the cost is that of the forward pass twice. Where the convolution's result went through
 * a max-pooling only, z is made from the pooled gradient and the places of the largest numbers. d_u and the bias's gradient are
 * summed in a fixed number of shards. */
#include "winograd.h"

/* The scratch of one task: v, z, d_v; the rows of x laid out, or the rows of d_x being added up. */
static int64_t rows_floats(const Convolution *c)
{
    return (c->tile + 2) * winograd_row_floats(c);
}

int64_t winograd_gradient_workspace(const Convolution *c)
{
    return winograd_entries(c) * winograd_tile_rows(c) * winograd_tile_columns(c) * (2 * c->channels + c->filters) +
           rows_floats(c);
}

int64_t winograd_gradient_sums(const Convolution *c)
{
    return winograd_kernel_floats(c) + c->filters;
}

/* z[entry][tile][filter] of one row of tiles. */
static void emit_output_tiles(Emit *e, const Convolution *c, bool bias)
{
    EMIT(e, "for (int j = 0; j < $TW; j++) {", "for (int k = 0; k < $K; k += $L) {", "f32x$L d[$M][$M];");
    if (c->pooled) {
        fill_size(e, "POOLEDROWS", c->rows / 2);
        fill_size(e, "POOLEDCOLUMNS", c->columns / 2);
        EMIT(e,
             "UNROLL for (int r = 0; r < $M; r += 2) {",
             "UNROLL for (int s = 0; s < $M; s += 2) {",
             "const int p = ($M * i + r) / 2, q = ($M * j + s) / 2;");
        if (winograd_is_ragged(c))
            EMIT(e,
                 "const int inside = p < $POOLEDROWS && q < $POOLEDCOLUMNS;",
                 "const f32x$L largest = inside ? load_f32x$L(&d_y[n][p][q][k]) : (f32x$L){0};",
                 "const i32x$L place = inside ? load_u8_i32x$L(&selected[n][p][q][k]) : (i32x$L){0};");
        else
            EMIT(e,
                 "const f32x$L largest = load_f32x$L(&d_y[n][p][q][k]);",
                 "const i32x$L place = load_u8_i32x$L(&selected[n][p][q][k]);");
        EMIT(e,
             "d[r][s] = keep_f32x$L(place == 0, largest);",
             "d[r][s + 1] = keep_f32x$L(place == 1, largest);",
             "d[r + 1][s] = keep_f32x$L(place == 2, largest);",
             "d[r + 1][s + 1] = keep_f32x$L(place == 3, largest);",
             "}",
             "}");
    } else {
        EMIT(e, "UNROLL for (int r = 0; r < $M; r++) {", "UNROLL for (int s = 0; s < $M; s++) {");
        if (winograd_is_ragged(c))
            EMIT(e,
                 "d[r][s] = $M * i + r < $P && $M * j + s < $Q ? load_f32x$L(&d_y[n][$M * i + r][$M * j + s][k]) : "
                 "(f32x$L){0};");
        else
            EMIT(e, "d[r][s] = load_f32x$L(&d_y[n][$M * i + r][$M * j + s][k]);");
        EMIT(e, "}", "}");
    }
    if (bias)
        EMIT(e,
             "f32x$L sum = load_f32x$L(&bias_sums[k]);",
             c->tile == 4 ? "UNROLL for (int r = 0; r < 4; r++) sum += (d[r][0] + d[r][1]) + (d[r][2] + d[r][3]);"
                          : "sum += (d[0][0] + d[0][1]) + (d[1][0] + d[1][1]);",
             "store_f32x$L(&bias_sums[k], sum);");
    EMIT(e, "winograd$M_output_adjoint_f32x$L(d, &z[0][i * $TW + j][k], $TILES * $K);", "}", "}");
}

/* For one entry: sums[entry][panel][channel] += v[entry]t z[entry]: channels as rows, filters as columns, summed over tiles. */
static void emit_kernel_products(Emit *e, const Node *node, const Convolution *c)
{
    int64_t per_panel = e->graph->panel / emit_level(e)->lanes, tiles = winograd_tile_rows(c) * winograd_tile_columns(c);
    Tile tile = choose_tile(e,
                            node,
                            (Work){.kernel = "winograd",
                                   .phase = "weight_gradient",
                                   .rows = c->channels,
                                   .columns = c->filters,
                                   .reduction = tiles,
                                   .times = (double)winograd_entries(c)});
    VectorGroup groups[2];
    int group_count = vector_groups(e, c->filters, tile.vectors, groups);
    int rest = (int)(c->channels % tile.rows);
    for (int part = 0; part < 2; part++) {
        int rows = part ? rest : tile.rows;
        if (part ? !rest : c->channels < tile.rows) continue;
        fill_size(e, "FULL", c->channels - rest);
        fill_size(e, "ROWS", rows);
        if (part)
            EMIT(e, "{", "const int c = $FULL;");
        else
            EMIT(e, "for (int c = 0; c < $FULL; c += $ROWS) {");
        for (int g = 0; g < group_count; g++) {
            group_begin(e, &groups[g]);
            for (int x = 0; x < groups[g].vectors; x++) {
                fill_size(e, "V", x);
                if (per_panel == 1)
                    EMIT(e, "float *const t$V = &sums[entry][$G + $V][c][0];");
                else
                    EMIT(e, "float *const t$V = &sums[entry][($G + $V) / $PARTS][c][($G + $V) % $PARTS * $L];");
            }
            tile_begin(e, rows, groups[g].vectors, "load_f32x$L(t$V + $T * $PANEL)");
            EMIT(e, "for (int t = 0; t < $TILES; t++) {", "const float *const a = &v[entry][t][c];");
            tile_step(e, rows, groups[g].vectors, "a[$T]", "load_f32x$L(&z[entry][t][($G + $V) * $L])");
            EMIT(e, "}");
            for (int t = 0; t < rows; t++)
                for (int x = 0; x < groups[g].vectors; x++) {
                    fill_size(e, "T", t);
                    fill_size(e, "V", x);
                    EMIT(e, "store_f32x$L(t$V + $T * $PANEL, s$T_$V);");
                }
            group_end(e);
        }
        EMIT(e, "}");
    }
}

/* d_x of one sample from its d_v: rows of tiles overlap by two rows, which are added up in `rows` before they are stored. */
static void emit_input_tiles(Emit *e, const Node *node, const Convolution *c)
{
    int lanes = emit_level(e)->lanes;
    fill_size(e, "LEFT", c->pad_left);
    EMIT(e,
         "for (int i = 0; i < $TH; i++) {",
         "if (i == 0) memset(rows, 0, 2 * sizeof rows[0]);",
         "else memcpy(rows[0], rows[$M], 2 * sizeof rows[0]);",
         "for (int r = 2; r < $SIDE; r++) memset(rows[r], 0, 2 * $C * sizeof(float));",
         "for (int j = 0; j < $TW; j++) {",
         "for (int k = 0; k < $C; k += $L) {",
         "winograd$M_input_adjoint_f32x$L(&d_v[0][i * $TW + j][k], $TILES * $C, &rows[0][$M * j * $C + k], $ROW, $C);",
         "}",
         "}",
         "for (int r = 0; r < (i + 1 < $TH ? $M : $SIDE); r++) {",
         "const int h = $M * i + r - $TOP;",
         "if (h < 0 || h >= $H) continue;",
         "for (int w = 0; w < $W; w++) {",
         "for (int k = 0; k < $C; k += $L) {",
         "f32x$L sum = load_f32x$L(&rows[r][(w + $LEFT) * $C + k]);");
    emit_epilogue(e,
                  node,
                  "sum",
                  "[n][h][w][k]",
                  memory_format("(uint32_t)(((n * %lld + h) * %lld + w) * %lld + k)",
                                (long long)c->height,
                                (long long)c->width,
                                (long long)c->channels),
                  lanes);
    emit_store(e, "&d_x[n][h][w][k]", "sum", lanes);
    EMIT(e, "}", "}", "}", "}");
}

/* The sums of all samples, in shards, and d_x. */
static void emit_samples(Emit *e, const Node *node, const Convolution *c)
{
    bool d_x = operand_number(node, "d_x") >= 0, bias = operand_number(node, "d_bias") >= 0;
    int64_t tiles = winograd_tile_rows(c) * winograd_tile_columns(c), panel = e->graph->panel;
    if (d_x)
        phase_operand(
            e, operand_number(node, "u"), 4, (const int64_t[]){winograd_entries(c), c->channels / panel, c->filters, panel});
    phase_begin(e, node, "gradients_part", IN_SHARDS, 0);
    winograd_fill(e, c, 1);       /* rows of input are laid out for one row of tiles at a time, */
    fill_size(e, "TILES", tiles); /* but the products run over all tiles of the image */
    fill_size(e, "VSIZE", winograd_entries(c) * tiles * c->channels);
    fill_size(e, "MSIZE", winograd_entries(c) * tiles * c->filters);
    fill_size(e, "WORK", winograd_gradient_workspace(c));
    phase_sums(e, "shards", winograd_gradient_sums(c));
    fill_size(e, "USIZE", winograd_kernel_floats(c));
    fill_size(e, "PANELS", c->filters / panel);
    EMIT(e,
         "float (*const sums)[$PANELS][$C][$PANEL] = (float (*)[$PANELS][$C][$PANEL])shards;",
         "float (*const v)[$TILES][$C] = (float (*)[$TILES][$C])(tiles + task * $WORK);",
         "float (*const z)[$TILES][$K] = (float (*)[$TILES][$K])(tiles + task * $WORK + $VSIZE);");
    if (bias) EMIT(e, "float *const bias_sums = shards + $USIZE;");
    if (d_x) EMIT(e, "float (*const d_v)[$TILES][$C] = (float (*)[$TILES][$C])(tiles + task * $WORK + $VSIZE + $MSIZE);");
    if (d_x || winograd_is_padded(c))
        EMIT(e, "float (*const rows)[$ROW] = (float (*)[$ROW])(tiles + task * $WORK + 2 * $VSIZE + $MSIZE);");
    EMIT(e,
         "for (ptrdiff_t n = first; n < last; n++) {",
         "for (int i = 0; i < $TH; i++) {");
    winograd_input_emit(e, c, "x", "(i + b) * %lld + j");
    emit_output_tiles(e, c, bias);
    EMIT(e, "}", "for (int entry = 0; entry < $ENTRIES; entry++) {");
    emit_kernel_products(e, node, c);
    if (d_x)
        winograd_products_emit(
            e,
            node,
            "input_gradient",
            (Work){.rows = tiles, .columns = c->channels, .reduction = c->filters, .times = (double)winograd_entries(c)},
            "z",
            "u",
            "d_v",
            false);
    EMIT(e, "}");
    if (d_x) emit_input_tiles(e, node, c);
    EMIT(e, "}");
    phase_end(e);
}

void winograd_gradients_emit(Emit *e, const Node *node, const Convolution *c)
{
    int64_t panel = e->graph->panel, panels = c->filters / panel;
    if (operand_number(node, "d_x") >= 0) {
        int turned = operand_number(node, "turned");
        Convolution back = *c; /* from filters to channels */
        back.channels = c->filters;
        back.filters = c->channels;
        convolution_transpose_emit(e, node, c, "turned", false);
        phase_operand(e, turned, 3, (const int64_t[]){c->channels / panel, 9 * c->filters, panel});
        winograd_kernel_emit(e, node, &back, "turned", "u");
    }
    emit_samples(e, node, c);

    phase_begin(e, node, "weight_gradient", OVER_EXTENT, panels * c->channels);
    winograd_fill(e, c, 1);
    fill_size(e, "ALL", winograd_gradient_sums(c));
    fill_size(e, "PANELS", panels);
    fill_size(e, "SHARDS", TASKS);
    EMIT(e,
         "for (ptrdiff_t g = first; g < last; g++) {",
         "for (int part = 0; part < $PANEL; part += $L) {",
         "f32x$L d[$SIDE][$SIDE];",
         "for (int entry = 0; entry < $ENTRIES; entry++) {",
         "const float *const sums = shards + (entry * ($PANELS * $C) + g) * $PANEL + part;",
         "f32x$L sum = load_f32x$L(sums);",
         "for (int shard = 1; shard < $SHARDS; shard++) sum += load_f32x$L(sums + shard * $ALL);",
         "d[entry / $SIDE][entry % $SIDE] = sum;",
         "}",
         "winograd$M_kernel_adjoint_f32x$L(d, &d_kernel[g / $C][g % $C][part], $C * $PANEL);",
         "}",
         "}");
    phase_end(e);
    if (operand_number(node, "d_bias") >= 0)
        shard_sum_emit(e, node, "bias_gradient", "d_bias", c->filters, winograd_kernel_floats(c), winograd_gradient_sums(c));
}
