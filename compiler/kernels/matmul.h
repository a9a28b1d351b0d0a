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
    bool sparse;  /* zeros are left out, */
    bool counted; /* whose words are made before */
    const char *d_row; /* the gradient of the weights: the row of d_y that belongs to row m of x, */
    LeftOut left_out;  /* and which of them belong to none */
} Product;
typedef void EmitTile(Emit *, const Product *, int rows);

/* matmul.c */
void matmul_fill(Emit *, int64_t inputs, int64_t outputs, int64_t rows_per_sample);
void matmul_declare_rows(Emit *, int operand, int64_t columns); /* an operand whose samples hold rows_per_sample rows of `columns` numbers */
void matmul_row_loops(Emit *, const Product *, int rows, int64_t rows_per_sample, EmitTile *); /* rows m in tiles, then the rest one by one */

/* matmul_sparse.c */
enum { WORD = 64 /* bits */, SPARSE_AHEAD = 4 /* rows */ };
typedef enum {
    ZEROS_FEW,     /* nothing makes any */
    ZEROS_UNKNOWN, /* the network's input, which may have many or none */
    ZEROS_HALF,    /* behind a rectifier, or its gradient */
    ZEROS_MOST,    /* and noise drops a share of the rest */
} Zeros;
Zeros matmul_zeros(Tensor *);                                   /* how many of its numbers are likely to be zero */
Tile matmul_sparse_tile(const Emit *, int64_t floats, int64_t columns); /* one row by as many vectors as make up so many floats, where registers hold them and there are columns for them */
void matmul_word_emit(Emit *, const char *word, const char *from, int64_t inputs); /* declares the word: which of the next `end` numbers, of `inputs`, are not zero; the vector of those from the j-th on is at `from` */
void matmul_sparse_steps_emit(Emit *, int vectors, const char *word, const char *first, const char *number, const char *b); /* the steps of one row's reduction whose number is not zero: those of the word's bits, from step `first` on */
bool matmul_row_is_sparse(const Emit *, const Node *, int64_t inputs, int depth); /* does one row pass over rows of the matrix whose input is zero? */
void matmul_sparse_row_emit(Emit *, int depth, int vectors);    /* then: its reduction */
bool matmul_forward_is_sparse(const Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample); /* are zeros of batches left out, as there are many? */
bool matmul_forward_is_counted(const Graph *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample); /* or are they counted first? */
int64_t matmul_counts_floats(const Graph *, int64_t inputs, int64_t rows_per_sample); /* of work then */
void matmul_counts_emit(Emit *, const Node *, int64_t inputs, int64_t rows_per_sample); /* a phase: x -> work, the words of each row and how many numbers are not zero */
void matmul_counts_decide(Emit *, int64_t inputs, bool sparse); /* in phases behind it: declares `nonzero`, the words, and returns where the other way is the faster one */
bool matmul_weight_gradient_is_sparse(const Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows); /* does a tile pass over samples whose inputs are zero? */
Tile matmul_listed_tile(const Emit *, int64_t outputs);
void matmul_lists_begin(Emit *, int rows, int64_t samples);     /* before the loop over parts, which are tiles of so many rows from row i on: declares */
void matmul_list_emit(Emit *);                                  /* in it: listed[0] to listed[listed_count - 1] are the samples that have a number in the tile */
bool matmul_long_is_counted(const Graph *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample); /* and of many rows? */
int64_t matmul_long_counts_floats(const Graph *, int64_t inputs, int64_t rows_per_sample); /* of work then, from an offset on */
void matmul_long_counts_emit(Emit *, const Node *, int64_t inputs, int64_t outputs, int64_t rows_per_sample, int64_t offset); /* a phase: x -> work */
void matmul_long_counts_decide(Emit *, int64_t inputs, int64_t offset, bool sparse); /* in phases behind it: declares `nonzero`, of each block of 64 rows and each listed tile the rows' bits, and returns where the other way is the faster one */

#endif
