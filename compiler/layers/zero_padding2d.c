/* zero_padding2d: y[h + top][w + left][c] = x[h][w][c], zeros around; cropping2d: y[h][w][c] = x[h + top][w + left][c], what lies around
 * left out. zero_padding1d and cropping1d likewise along a sequence. Source: keras.io/api/layers/reshaping_layers. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter padding_parameters[] = {
    {.name = "padding", .type = PARAMETER_PAIR, .list = true, .minimum = 0, .maximum = 0x1p53, .fallback = "1", .help = "height x width on both sides, or [top x bottom, left x right]"},
    DATA_FORMAT_PARAMETER,
    {0},
};

static const Parameter padding1d_parameters[] = {
    {.name = "padding", .type = PARAMETER_PAIR, .minimum = 0, .maximum = 0x1p53, .fallback = "1", .help = "how many zeros before x behind the sequence"},
    DATA_FORMAT_PARAMETER,
    {0},
};

static const Parameter cropping_parameters[] = {
    {.name = "cropping", .type = PARAMETER_PAIR, .list = true, .minimum = 0, .maximum = 0x1p53, .fallback = "0", .help = "height x width on both sides, or [top x bottom, left x right]"},
    DATA_FORMAT_PARAMETER,
    {0},
};

static const Parameter cropping1d_parameters[] = {
    {.name = "cropping", .type = PARAMETER_PAIR, .minimum = 0, .maximum = 0x1p53, .fallback = "1", .help = "how many are left out at the begin x at the end"},
    {0},
};

/* `sign` 1: zeros are added, -1: numbers are left out. */
static void change_size(Node *node, int axes, const char *parameter, int sign)
{
    const Tensor *x = node->inputs[0];
    const Shape *shape = &x->shape;
    const Object *a = node->arguments;
    if (!places_given(node, a->entry->name, axes)) return;
    Margins margins[2] = {{0, 0}, {0, 0}};
    if (axes == 2 && !margins_read(argument(a, parameter), parameter, margins)) return;
    if (axes == 1) argument_pair(a, parameter, &margins[0].before, &margins[0].after);
    Shape result = *shape;
    for (int i = 0; i < axes; i++) {
        int64_t before = margins[i].before, after = margins[i].after;
        bool too_many = before >= MAX_COUNT || after >= MAX_COUNT;
        if (!too_many) result.size[i] += sign * (before + after);
        if (too_many || result.size[i] < 1 || result.size[i] >= MAX_COUNT) {
            diagnose(argument_place(a, parameter), "%s: %lld and %lld are too many: the input is %s", parameter, (long long)before, (long long)after, shape_string(shape));
            note_producer(x);
            return;
        }
    }
    node->outputs[0]->shape = result;
    const Shape *inner = sign > 0 ? shape : &result; /* the smaller of the two, */
    int64_t rows = axes == 2 ? inner->size[0] : 1, columns = inner->size[axes - 1], channels = shape->size[axes];
    const Shape *outer = sign > 0 ? &result : shape; /* and the larger, in which it starts further in */
    int64_t start = axes == 2 ? (margins[0].before * outer->size[1] + margins[1].before) * channels : margins[0].before * channels;
    int64_t inner_row = columns * channels, outer_row = outer->size[axes - 1] * channels;
    Strided *s = strided_new(node, shape_count(shape), shape_count(&result));
    strided_axis(s, rows, sign > 0 ? inner_row : outer_row, sign > 0 ? outer_row : inner_row);
    strided_axis(s, columns * channels, 1, 1);
    *(sign > 0 ? &s->to.start : &s->from.start) = start;
}

static void padding2d_shape(Graph *graph, Node *node)
{
    (void)graph;
    change_size(node, 2, "padding", 1);
}

static void padding1d_shape(Graph *graph, Node *node)
{
    (void)graph;
    change_size(node, 1, "padding", 1);
}

static void cropping2d_shape(Graph *graph, Node *node)
{
    (void)graph;
    change_size(node, 2, "cropping", -1);
}

static void cropping1d_shape(Graph *graph, Node *node)
{
    (void)graph;
    change_size(node, 1, "cropping", -1);
}

static const char *padding_formula(const Node *node)
{
    (void)node;
    return "y = x with zeros around it";
}

static const char *cropping_formula(const Node *node)
{
    (void)node;
    return "y = x but for its border";
}

static const Operator padding2d_operator = STRIDED_OPERATOR("zero_padding2d", padding2d_shape, padding_formula);
static const Operator padding1d_operator = STRIDED_OPERATOR("zero_padding1d", padding1d_shape, padding_formula);
static const Operator cropping2d_operator = STRIDED_OPERATOR("cropping2d", cropping2d_shape, cropping_formula);
static const Operator cropping1d_operator = STRIDED_OPERATOR("cropping1d", cropping1d_shape, cropping_formula);

ONE_NODE_LAYER(zero_padding2d, "Puts zeros around an image.", padding_parameters, padding2d_operator)
ONE_NODE_LAYER(zero_padding1d, "Puts zeros before and behind a sequence.", padding1d_parameters, padding1d_operator)
ONE_NODE_LAYER(cropping2d, "Leaves out the border of an image.", cropping_parameters, cropping2d_operator)
ONE_NODE_LAYER(cropping1d, "Leaves out the begin and the end of a sequence.", cropping1d_parameters, cropping1d_operator)
