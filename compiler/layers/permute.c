/* permute: the axes of a sample in another order. permute(2, 1) exchanges two; axes count from 1, the batch being 0.
 * y[i][j] = x[j][i]. Source: keras.io/api/layers/reshaping_layers/permute. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "dims", .type = PARAMETER_SIZE, .minimum = 1, .maximum = MAX_RANK, .rest = true, .help = "which axis of the input comes first, second, ..., counted from 1"},
    {0},
};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Tensor *x = node->inputs[0];
    const Shape *from = &x->shape;
    const Value *dims = argument(node->arguments, "dims");
    bool fits = dims->list.count == from->rank, seen[MAX_RANK] = {0};
    int64_t step[MAX_RANK], product = 1;
    for (int i = from->rank - 1; i >= 0; i--) step[i] = product, product *= from->size[i];
    for (int i = 0; fits && i < from->rank; i++) {
        int axis = (int)dims->list.items[i].number - 1;
        fits = axis < from->rank && !seen[axis];
        if (fits) seen[axis] = true;
    }
    if (!fits) {
        diagnose(node->place, "permute must name each axis of its input, %s, once: the numbers 1 to %d", shape_string(from), from->rank);
        note_producer(x);
        return;
    }
    Shape result = {.rank = from->rank};
    for (int i = 0; i < result.rank; i++) result.size[i] = from->size[(int)dims->list.items[i].number - 1];
    Strided *s = strided_new(node, product, product);
    int64_t to = product;
    for (int i = 0; i < result.rank; i++) {
        to /= result.size[i];
        strided_axis(s, result.size[i], step[(int)dims->list.items[i].number - 1], to);
    }
    node->outputs[0]->shape = result;
}

static const char *formula(const Node *node)
{
    (void)node;
    return "y = x with its axes in another order";
}

static const Operator permute_operator = STRIDED_OPERATOR("permute", shape, formula);

ONE_NODE_LAYER(permute, "The axes in another order.", parameters, permute_operator)
