/* embedding: y[t] = embeddings[x[t]]: whole numbers from 0 to below input_dim become rows of a table.
 *
 * x of any shape, whole numbers of int32 or float32; embeddings (input_dim, output_dim); y the shape of x and output_dim behind it.
 * A number that is no row of the table gives zeros and moves nothing (the trainer refuses such data before). Backward each row of
 * the table's gradient is summed over samples and places in their order, by whoever has that row: so the sums do not depend on the
 * number of threads. Source: keras.io/api/layers/core_layers/embedding. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "input_dim", .type = PARAMETER_SIZE, .minimum = 1, .maximum = MAX_COUNT, .help = "how many numbers there are: 0 to below it"},
    {.name = "output_dim", .type = PARAMETER_SIZE, .minimum = 1, .maximum = MAX_COUNT, .help = "the length of the row that each number becomes"},
    {.name = "embeddings_initializer",
     .type = PARAMETER_OBJECT,
     .table = &initializer_table,
     .fallback = "uniform",
     .help = "how the table is drawn at first"},
    REGULARIZER_PARAMETER("embeddings", "the table"),
    {0},
};

typedef struct {
    int64_t rows, columns; /* of the table */
    int64_t places;        /* in a sample */
} Embedding;

static void shape(Graph *graph, Node *node)
{
    Tensor *x = node->inputs[0];
    if (x->shape.rank >= MAX_RANK) {
        diagnose(node->place, "embedding: its result would have more than %d axes", MAX_RANK);
        note_producer(x);
        return;
    }
    Tensor *source = tensor_base(x);
    if (source->producer && source->producer->op == &conversion_operator) source = source->producer->inputs[0];
    if (source->role != ROLE_INPUT) {
        diagnose(node->place, "embedding takes whole numbers from an input, such as input(6, dtype=int32), not what a layer computes");
        note_producer(x);
        return;
    }
    Embedding *d = node->detail = NEW(Embedding);
    *d = (Embedding){argument_size(node->arguments, "input_dim"), argument_size(node->arguments, "output_dim"), shape_count(&x->shape)};
    Shape table = shape_of(2, (const int64_t[]){d->rows, d->columns});
    Tensor *weight = graph_weight(graph, node, "embeddings", &table, true);
    weight->initial = initializer_resolve(argument_object(node->arguments, "embeddings_initializer"), &table);
    regularize(weight, node->arguments, "embeddings_regularizer");
    if (!source->limit || source->limit > d->rows) source->limit = d->rows;
    node->outputs[0]->shape = x->shape;
    node->outputs[0]->shape.size[node->outputs[0]->shape.rank++] = d->columns;
}

static void reference(const Node *node, Reference *r)
{
    const Embedding *d = node->detail;
    for (int64_t t = 0; t < d->places; t++)
        for (int64_t k = 0; k < d->columns; k++) {
            double row = r->inputs[0][t];
            r->outputs[0][t * d->columns + k] = row >= 0 && row < (double)d->rows ? r->weights[0][(int64_t)row * d->columns + k] : 0;
        }
}

static void fill_sizes(Emit *e, const Embedding *d)
{
    fill_size(e, "PLACES", d->places);
    fill_size(e, "ROWS", d->rows);
    fill_size(e, "K", d->columns);
}

static void emit(Emit *e, const Node *node)
{
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_sizes(e, node->detail);
    EMIT(e,
         "for (ptrdiff_t t = $FIRST * $PLACES; t < $LAST * $PLACES; t++) {",
         "if (x[t] >= 0 && x[t] < $ROWS) memcpy(&y[t * $K], &embeddings[(ptrdiff_t)x[t] * $K], $K * sizeof(float));",
         "else memset(&y[t * $K], 0, $K * sizeof(float));",
         "}");
    phase_end(e);
}

static void emit_gradient(Emit *e, const Node *node)
{
    const Embedding *d = node->detail;
    int64_t lanes = emit_level(e)->lanes;
    phase_begin(e, node, NULL, OVER_EXTENT, d->rows);
    fill_sizes(e, d);
    EMIT(e,
         "memset(&d_embeddings[$FIRST * $K], 0, (size_t)($LAST - $FIRST) * $K * sizeof(float));",
         "for (ptrdiff_t t = 0; t < $COUNT * $PLACES; t++) {",
         "if (!(x[t] >= 0 && x[t] < $ROWS)) continue;",
         "const ptrdiff_t row = (ptrdiff_t)x[t];",
         "if (row < $FIRST || row >= $LAST) continue;",
         "float *const sum = &d_embeddings[row * $K];",
         "const float *const d = &d_y[t * $K];");
    fill_size(e, "FULL", d->columns / lanes * lanes);
    if (d->columns >= lanes) EMIT(e, "for (int k = 0; k < $FULL; k += $L) store_f32x$L(&sum[k], load_f32x$L(&sum[k]) + load_f32x$L(&d[k]));");
    if (d->columns % lanes) EMIT(e, "for (int k = $FULL; k < $K; k++) sum[k] += d[k];");
    EMIT(e, "}");
    phase_end(e);
}

static const char *formula(const Node *node)
{
    const Embedding *d = node->detail;
    return memory_format("y[t] = embeddings[x[t]]; %lld rows of %lld", (long long)d->rows, (long long)d->columns);
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_embeddings[r] = sum over samples and t with x[t] = r of d_y[t]";
}

static const Operator gradient_operator = {
    .name = "embedding_gradient",
    .suffix = "gradient",
    .operands = "x d_y; d_embeddings",
    .flags = OPERATOR_FLAT | OPERATOR_WHOLE,
    .emit = emit_gradient,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    Node *part = graph_gradient_node(graph, &gradient_operator, node, NULL, (Tensor *[]){node->inputs[0], d_output}, 2);
    gradient_give(graph, node->weights[0], gradient_tensor(graph, part, node->weights[0]));
}

static const Operator embedding_operator = {
    .name = "embedding",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_FLAT | OPERATOR_WHOLE,
    .shape = shape,
    .steps = steps_kept,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

ONE_NODE_LAYER(embedding, "Whole numbers, such as words or categories, become rows of a table that is learnt. The trainer refuses numbers that are no row; in "
               "generated code they give zeros.", parameters, embedding_operator)
