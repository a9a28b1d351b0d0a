/* What the files of convolution share. */
#ifndef CNNC_CONVOLUTION_H
#define CNNC_CONVOLUTION_H

#include "kernels.h"

/* convolution_forward.c */
void convolution_add_workspace(Graph *, Node *, int64_t floats,
                               int64_t parts); /* scratch for the tasks into which so many parts of a sample go */
int64_t convolution_pixel(const Convolution *);      /* numbers of a pixel of the image under the kernel */
int64_t convolution_row_floats(const Convolution *); /* numbers of a row of it */
bool convolution_is_split(const Convolution *);      /* what a row of the kernel sees does not lie side by side */
const char *convolution_hindrance(const Convolution *); /* why it is no plain product, as ways that need one say; NULL: it is */
const char *convolution_group_hindrance(const Convolution *); /* the same within a group */
Convolution convolution_of_group(const Convolution *); /* that of one group of the channels, as if there were no other: for ways that work on one after another, whose kernels stay in the cache */
const char *convolution_group_offset(const Convolution *, int64_t each); /* what stands before the number of a filter, or of as many as `each`, in a loop over groups: where those of the group begin */
const char *convolution_kernel(const Node *);        /* the name of a forward node's kernel */
bool convolution_pools(const Convolution *,
                       const Pooling *); /* can Winograd's tiles take the largest of these windows? pooling NULL: no */
Convolution *convolution_pooled(const Convolution *); /* the same, and it does */
Tensor *convolution_bias(const Node *);               /* of a forward node; NULL: it has none */

/* convolution.c */

Convolution convolution_joined(
    const Convolution *); /* the same with all pixels in one row, where the kernel is a single pixel and none is left out */
void convolution_declare(Emit *, int operand, int64_t height, int64_t width,
                         int64_t channels);         /* the operand holds images of that size */
void convolution_fill(Emit *, const Convolution *); /* the sizes */

/* convolution_lanes.c */
bool convolution_in_lanes(const Convolution *, int64_t panel); /* is it for these kernels? */
bool convolution_is_spread_to_lanes(const Convolution *);      /* they need the image with a number for each lane */
void convolution_lanes_declare(Emit *, const Node *, const Convolution *, const char *kernel); /* the kernel's operand */
void convolution_lanes_spread_emit(Emit *, const Convolution *, const char *to, const char *from); /* one pixel; addresses */
bool convolution_lanes_in_place(const Convolution *);          /* x is read where it is, padding and gaps being left out of the sums */
Tile convolution_lanes_tile(const Convolution *, Tile);        /* the next smaller tile that can be */
bool convolution_lanes_at_border(const Convolution *, int64_t q, int rows); /* do the pixels of a tile from column q on see padding at the sides? */
void convolution_lanes_products_emit(Emit *, const Convolution *, int64_t column, int rows, const VectorGroup *, const char *from, const char *kernel); /* of one tile, from that column on; -1: q, not at a border */
Convolution convolution_laid_out(const Convolution *);          /* the same, its rows laid out: as the gradient of the weights takes it */
void convolution_lanes_weight_gradient_emit(Emit *, const Node *, const Convolution *);

/* The padded image: `definition`, a template, defines rows[][$ROW] in scratch memory; its margins and the gaps between pixels
 * stay zero for all samples. */
void convolution_scratch_emit(Emit *, const Convolution *, const char *definition);
/* Opens a block in which the output rows $P0 to $P1 can be computed, rows being laid out where that is necessary. `shared`: of
 * each image only the output rows low to high are wanted. */
void convolution_image_begin(Emit *, const Convolution *, bool shared);
const char *convolution_image_at(
    const Convolution *, const char *from, const char *r,
    const char *q); /* a template for the address of the first number under row r of the kernel at output row p and column q */

#endif
