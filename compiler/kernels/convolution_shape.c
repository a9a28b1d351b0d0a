/* The sizes of a convolution from a layer's arguments, and its weights: what the `shape` of every layer that convolves is made of.
 *
 * padding=same: ceil(size / stride) places, the odd zero behind. causal, along sequences: all zeros before, so that no result sees
 * what comes after it. Per side: [top x bottom, left x right]; a lone pair: height x width, the same on both sides. */
#include "convolution.h"

#include <string.h>

/* Where the kernel is put along an axis of the input; `margins`: the zeros on both sides, unless padding=same finds them. */
typedef struct {
    const char *name;
    int axis;
    int64_t kernel, stride, dilation;
    Margins margins;
} Axis;

static bool offers_same(const Node *node)
{
    const Parameter *parameter = node->arguments->entry->parameters;
    while (strcmp(parameter->name, "padding")) parameter++;
    for (const char *const *word = parameter->words; *word; word++)
        if (!strcmp(*word, "same")) return true;
    return false;
}

static bool place_kernel(const Node *node, const Axis *a, bool same, int64_t *places, int64_t *before)
{
    const Tensor *x = node->inputs[0];
    int64_t size = x->shape.size[a->axis], span;
    if (__builtin_mul_overflow(a->kernel - 1, a->dilation, &span) || span >= MAX_COUNT) {
        diagnose(argument_place(node->arguments, "kernel_size"), "kernel_size: %lld places %lld apart are too many", (long long)a->kernel, (long long)a->dilation);
        return false;
    }
    span++;
    if (same) return window_places(node, "kernel_size", x, a->axis, span, a->stride, true, places, before);
    int64_t padded = size + a->margins.before + a->margins.after; /* each below 2^31 */
    if (span > padded) {
        const char *dilated = a->dilation > 1 ? memory_format(" places %lld apart, which is %lld,", (long long)a->dilation, (long long)span) : "";
        const char *advice = padded > size ? memory_format(", with its padding, %lld", (long long)(padded - size)) : offers_same(node) ? "; padding=same would allow it" : "";
        diagnose(argument_place(node->arguments, "kernel_size"), "kernel_size: %lld%s is more than the input's %s, %lld%s", (long long)a->kernel, dilated, a->name, (long long)size, advice);
        note_producer(x);
        return false;
    }
    *places = (padded - span) / a->stride + 1;
    *before = a->margins.before;
    return true;
}

Convolution convolution_pointwise(const Shape *image, int64_t filters)
{
    return (Convolution){
        .height = image->size[0],
        .width = image->size[1],
        .channels = image->size[2],
        .rows = image->size[0],
        .columns = image->size[1],
        .filters = filters,
        .kernel_height = 1,
        .kernel_width = 1,
        .stride_height = 1,
        .stride_width = 1,
        .spread_height = 1,
        .spread_width = 1,
        .dilation_height = 1,
        .dilation_width = 1,
        .groups = 1,
    };
}

Convolution *convolution_windows(Node *node, int axes)
{
    const Object *a = node->arguments;
    Tensor *x = node->inputs[0];
    if (!places_given(node, a->entry->name, axes)) return NULL;
    Convolution *c = node->detail = NEW(Convolution);
    Shape image = axes == 1 ? shape_of(3, (const int64_t[]){1, x->shape.size[0], x->shape.size[1]}) : x->shape;
    *c = convolution_pointwise(&image, image.size[2]);
    if (axes == 1) {
        c->kernel_width = argument_size(a, "kernel_size");
        c->stride_width = argument_size(a, "strides");
        c->dilation_width = argument_size(a, "dilation_rate");
    } else {
        argument_pair(a, "kernel_size", &c->kernel_height, &c->kernel_width);
        argument_pair(a, "strides", &c->stride_height, &c->stride_width);
        if (has_argument(a, "dilation_rate")) argument_pair(a, "dilation_rate", &c->dilation_height, &c->dilation_width);
    }
    if ((c->stride_height > 1 || c->stride_width > 1) && (c->dilation_height > 1 || c->dilation_width > 1)) {
        diagnose(argument_place(a, "dilation_rate"), "dilation_rate: a kernel that makes strides cannot be dilated as well");
        return NULL;
    }
    const Value *padding = argument(a, "padding");
    if (padding->kind == VALUE_LIST && padding->list.count == 1 && padding->list.items[0].kind == VALUE_WORD) padding = &padding->list.items[0];
    char word = padding->kind == VALUE_WORD ? padding->text[0] : 0;
    int64_t causal; /* beyond what an axis can have where it overflows: place_kernel says so */
    if (word != 'c' || __builtin_mul_overflow(c->kernel_width - 1, c->dilation_width, &causal)) causal = 0;
    Margins margins[2] = {{0, 0}, {causal, 0}};
    if (!word && !margins_read(padding, "padding", margins)) return NULL;
    const Axis height = {"height", 0, c->kernel_height, c->stride_height, c->dilation_height, margins[0]};
    const Axis width = {axes == 1 ? "length" : "width", axes - 1, c->kernel_width, c->stride_width, c->dilation_width, margins[1]};
    if (axes == 2 && !place_kernel(node, &height, word == 's', &c->rows, &c->pad_top)) return NULL;
    if (!place_kernel(node, &width, word == 's', &c->columns, &c->pad_left)) return NULL;
    int64_t padded_height = (c->rows - 1) * c->stride_height + (c->kernel_height - 1) * c->dilation_height + 1;
    int64_t padded_width = (c->columns - 1) * c->stride_width + (c->kernel_width - 1) * c->dilation_width + 1;
    Shape padded = shape_of(3, (const int64_t[]){padded_height, padded_width, c->channels});
    if (shape_count(&padded) < 0 || shape_count(&padded) > MAX_COUNT) {
        diagnose(node->place, "%s is too large: with its padding its input has more than 2^31 - 1 numbers", node->name);
        return NULL;
    }
    return c;
}

bool convolution_groups(const Node *node, Convolution *c, int64_t groups)
{
    c->groups = groups;
    if (c->channels % groups == 0 && c->filters % groups == 0) return true;
    bool channels = c->channels % groups != 0;
    diagnose(argument_place(node->arguments, "groups"), "groups: the %lld %s cannot be cut into %lld groups of the same size", (long long)(channels ? c->channels : c->filters), channels ? "channels of the input" : "filters", (long long)groups);
    if (channels) note_producer(node->inputs[0]);
    return false;
}

Tensor *convolution_weight(Graph *graph, Node *node, const char *name, const char *argument, const Shape *shape)
{
    const Object *a = node->arguments;
    Tensor *weight = graph_weight(graph, node, name, shape, true);
    weight->initial = initializer_resolve(argument_object(a, memory_format("%s_initializer", argument)), shape);
    regularize(weight, a, memory_format("%s_regularizer", argument));
    return weight;
}

void convolution_weights(Graph *graph, Node *node, const char *kernel, const char *argument, const Shape *shape, bool bias)
{
    Convolution *c = node->detail;
    c->lanes = convolution_in_lanes(c, graph->panel);
    Tensor *weight = convolution_weight(graph, node, kernel, argument, shape);
    if (shape_count(shape) >= 0 && !c->lanes) weight->packing = (Packing){c->kernel_height * c->kernel_width * (c->channels / c->groups), c->filters, graph->panel};
    Shape biases = shape_of(1, &c->filters);
    if (bias) convolution_weight(graph, node, "bias", "bias", &biases);
    convolution_derive(graph, node);
}
