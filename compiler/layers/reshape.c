/* reshape: the same numbers, in the same order, under other sizes; one of them may be -1: what is left for it.
 * Source: keras.io/api/layers/reshaping_layers/reshape. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "target_shape", .type = PARAMETER_SIZE, .minimum = -1, .maximum = MAX_COUNT, .rest = true, .help = "the sizes, without the batch; -1: what is left"},
    {0},
};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Tensor *x = node->inputs[0];
    const Value *sizes = argument(node->arguments, "target_shape");
    int64_t total = shape_count(&x->shape), known = 1;
    Shape result = {.rank = sizes->list.count};
    int open = 0;
    bool fits = result.rank <= MAX_RANK - 1;
    for (int i = 0; fits && i < result.rank; i++) {
        result.size[i] = (int64_t)sizes->list.items[i].number;
        if (result.size[i] < 0) open++;
        else fits = result.size[i] > 0 && !__builtin_mul_overflow(known, result.size[i], &known) && known <= MAX_COUNT;
    }
    fits = fits && open <= 1 && (open ? total % known == 0 : total == known);
    if (!fits) {
        diagnose(node->place, "reshape must keep the number of numbers: the input, %s, has %lld; at most one size may be -1, at most %d sizes", shape_string(&x->shape), (long long)total, MAX_RANK - 1);
        note_producer(x);
        return;
    }
    for (int i = 0; i < result.rank; i++)
        if (result.size[i] < 0) result.size[i] = total / known;
    node->outputs[0]->shape = result;
}

static void reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i];
}

static const Operator reshape_operator = {
    .name = "reshape",
    .flags = OPERATOR_VIEW,
    .shape = shape,
    .reference = reference,
};

ONE_NODE_LAYER(reshape, "The same numbers under other sizes.", parameters, reshape_operator)
