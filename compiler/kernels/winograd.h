/* What winograd.c and winograd_gradient.c share. */
#ifndef CNNC_WINOGRAD_H
#define CNNC_WINOGRAD_H

#include "kernels.h"

int64_t winograd_entries(const Convolution *); /* of a transformed tile: 16 or 36 */
int64_t winograd_tile_rows(const Convolution *);
int64_t winograd_tile_columns(const Convolution *);
bool winograd_is_padded(
    const Convolution *); /* whole tiles do not lie on the image: rows are laid out with zeros around them */
bool winograd_is_ragged(const Convolution *);     /* the last row or column of tiles has results beyond the image's */
int64_t winograd_row_floats(const Convolution *); /* of an input row laid out */
void winograd_fill(Emit *, const Convolution *, int64_t rows_at_once); /* the sizes, for work on so many rows of tiles */

/* The transformed tiles of rows i .. i + rows_at_once - 1: v[entry][tile][channel]; `tile`, a format for the tiles of a row,
 * says where the tile of row b, column j goes. */
void winograd_input_emit(Emit *, const Convolution *, const char *from, const char *tile);

/* For one entry: to[entry] = from[entry] kernel[entry]: tiles as rows, filters as columns, channels as the reduction; `grouped`: kernel
 * holds all groups, of which this is number `group`. */
void winograd_products_emit(Emit *, const Node *, const char *phase, Work, const char *from, const char *kernel, const char *to, bool grouped);

#endif
