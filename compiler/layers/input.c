/* input: what the network is given. Sizes without the batch: input(28, 28, 1) is height, width, channels. */
#include "../cnnc.h"

static const char *const types[] = {"float32", "int32", NULL};

static const Parameter parameters[] = {
    {.name = "shape", .type = PARAMETER_SIZE, .rest = true, .list = true, .minimum = 1, .maximum = 0x1p53, .help = "the sizes of one sample"},
    {.name = "dtype", .type = PARAMETER_WORD, .words = types, .fallback = "float32", .help = "the type of its numbers"},
    {0},
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    const Value *shape = argument(call->arguments, "shape");
    if (shape->list.count > MAX_RANK - 1) {
        diagnose(call->place, "an input has at most %d sizes, not %d", MAX_RANK - 1, shape->list.count);
        return NULL;
    }
    bool integers = argument_word(call->arguments, "dtype")[0] == 'i';
    Tensor *tensor = graph_input(graph, call, integers ? TYPE_INT32 : TYPE_FLOAT32);
    tensor->shape.rank = shape->list.count;
    for (int i = 0; i < shape->list.count; i++) tensor->shape.size[i] = (int64_t)shape->list.items[i].number;
    if (shape_count(&tensor->shape) < 0 || shape_count(&tensor->shape) > MAX_COUNT) {
        diagnose(call->place, "the input is too large: one sample has more than 2^31 - 1 numbers");
        tensor->shape.rank = -1;
    }
    return tensor;
}

const Layer input_layer = {
    .entry = {"input", "What the network is given; the batch is implicit.", parameters, NULL},
    .build = build,
};
