/* What the files of products of matrices share. */
#ifndef CNNC_MATMUL_H
#define CNNC_MATMUL_H

#include "kernels.h"

enum { SHARES = 4, TYPICAL_ROWS = 128 };

/* A group of columns of a product, in tiles of rows. */
typedef struct {
    const Node *node;
    const char *bias;
    int64_t inputs, outputs;
    const VectorGroup *group;
    bool blocked; /* in blocks, of which there are several */
    bool sparse;  /* zeros are left out */
} Product;
typedef void EmitTile(Emit *, const Product *, int rows);

/* matmul.c */
void matmul_fill(Emit *, int64_t inputs, int64_t outputs, int64_t rows_per_sample);
void matmul_declare_rows(Emit *, int operand, int64_t columns); /* an operand whose samples hold rows_per_sample rows of `columns` numbers */
void matmul_row_loops(Emit *, const Product *, int rows, int64_t rows_per_sample, EmitTile *); /* rows m in tiles, then the rest one by one */

/* matmul_sparse.c */
enum { WORD = 64 /* bits */, SPARSE_AHEAD = 4 /* rows */ };
bool is_rectified(Tensor *, bool *dropped);
void emit_sparse_steps(Emit *, int vectors, const char *word, const char *first, const char *number, const char *b);
Tile sparse_tile(const Emit *, int64_t floats, int64_t columns);
int row_depth(int vectors, int64_t inputs);
bool is_sparse_row(const Emit *, const Node *, int64_t inputs, int depth);
void emit_sparse_row(Emit *, int depth, int vectors);
bool is_sparse_forward(const Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample);

#endif
