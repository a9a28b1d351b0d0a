/* up_sampling2d: each pixel becomes size[0] x size[1] of them: y[h][w][c] = x[h / size[0]][w / size[1]][c]. up_sampling1d likewise along a
 * sequence. Source: keras.io/api/layers/reshaping_layers/up_sampling2d. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = MAX_COUNT, .fallback = "2x2", .help = "how often each row x each column"},
    DATA_FORMAT_PARAMETER,
    {.name = "interpolation", .type = PARAMETER_WORD, .words = (const char *const[]){"nearest", NULL}, .fallback = "nearest", .help = "nearest: pixels are repeated"},
    {0},
};

static const Parameter parameters1d[] = {
    {.name = "size", .type = PARAMETER_SIZE, .minimum = 1, .maximum = MAX_COUNT, .fallback = "2", .help = "how often each place"},
    {0},
};

static void repeat(Node *node, int axes, int64_t times_height, int64_t times_width)
{
    const Tensor *x = node->inputs[0];
    const Shape *shape = &x->shape;
    if (shape->rank != axes + 1) {
        diagnose(node->place, "%s needs %s, not %s", node->arguments->entry->name, axes == 2 ? "images (height, width, channels)" : "sequences (length, channels)", shape_string(shape));
        note_producer(x);
        return;
    }
    int64_t height = axes == 2 ? shape->size[0] : 1, width = shape->size[axes - 1], channels = shape->size[axes];
    Shape result = *shape;
    if (axes == 2) result.size[0] *= times_height;
    result.size[axes - 1] *= times_width;
    node->outputs[0]->shape = result;
    if (shape_count(&result) < 0 || shape_count(&result) > MAX_COUNT) return; /* reported by the pass */
    int64_t row = width * channels, long_row = row * times_width;
    Strided *s = strided_new(node, height * row, shape_count(&result));
    strided_axis(s, height, row, times_height * long_row);
    strided_axis(s, times_height, 0, long_row);
    strided_axis(s, width, channels, times_width * channels);
    strided_axis(s, times_width, 0, channels);
    strided_axis(s, channels, 1, 1);
}

static void shape2d(Graph *graph, Node *node)
{
    (void)graph;
    int64_t height, width;
    argument_pair(node->arguments, "size", &height, &width);
    repeat(node, 2, height, width);
}

static void shape1d(Graph *graph, Node *node)
{
    (void)graph;
    repeat(node, 1, 1, argument_size(node->arguments, "size"));
}

static const char *formula(const Node *node)
{
    (void)node;
    return "y = x, each pixel several times";
}

static const Operator image_operator = STRIDED_OPERATOR("up_sampling2d", shape2d, formula);
static const Operator sequence_operator = STRIDED_OPERATOR("up_sampling1d", shape1d, formula);

ONE_NODE_LAYER(up_sampling2d, "Repeats the rows and columns of an image.", parameters, image_operator)
ONE_NODE_LAYER(up_sampling1d, "Repeats the places of a sequence.", parameters1d, sequence_operator)
