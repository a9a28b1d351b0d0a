/* What the operator of a layer that convolves is made of, forward: the layer's `shape` sets the node's detail to a Convolution,
 * adds the kernel and, where there is one, the bias, and calls convolution_derive; the rest of the operator are the functions
 * here. They choose the way it is computed, keep the forms of the kernel that it wants, and take over a pooling behind it. */
#include "convolution.h"

#include <string.h>

/* The convolution whose transformed kernel the node makes: of 16 entries for tiles of 2x2, of 36 for 4x4. */
static Convolution of_transform(const Node *node)
{
    Convolution c = *(const Convolution *)node->detail;
    c.tile = node->outputs[0]->shape.size[0] == 16 ? 2 : 4;
    return c;
}

static void emit_transform(Emit *e, const Node *node)
{
    Convolution c = of_transform(node);
    winograd_kernel_emit(e, node, &c, "kernel", "u");
}

static void transform_values(const Node *node, const float *packed, float *derived)
{
    Convolution c = of_transform(node);
    winograd_kernel_values(&c, node->inputs[0]->packing.panel, packed, derived);
}

static const char *transform_formula(const Node *node)
{
    (void)node;
    return "G g Gt of every kernel g, for Winograd's convolution";
}

static void emit_rows_transform(Emit *e, const Node *node)
{
    winograd_rows_kernel_emit(e, node, node->detail, "kernel", "u");
}

static void rows_transform_values(const Node *node, const float *packed, float *derived)
{
    winograd_rows_kernel_values(node->detail, node->inputs[0]->packing.panel, packed, derived);
}

static const char *rows_transform_formula(const Node *node)
{
    (void)node;
    return "G g of every row g of the kernels, for Winograd's convolution along rows";
}

static void emit_repeat(Emit *e, const Node *node)
{
    flat_rows_kernel_emit(e, node, node->detail, "kernel", "u");
}

static void repeat_values(const Node *node, const float *packed, float *derived)
{
    flat_rows_kernel_values(node->detail, node->inputs[0]->packing.panel, packed, derived);
}

static const char *repeat_formula(const Node *node)
{
    (void)node;
    return "the kernels' numbers as often as vectors along rows of results need them";
}

static const Operator repeat_operator = {
    .name = "kernel_repeat",
    .suffix = "kernel_repeat",
    .operands = "kernel; u",
    .values = repeat_values,
    .emit = emit_repeat,
    .formula = repeat_formula,
};

static const Operator rows_transform_operator = {
    .name = "kernel_rows_transform",
    .suffix = "kernel_transform",
    .operands = "kernel; u",
    .values = rows_transform_values,
    .emit = emit_rows_transform,
    .formula = rows_transform_formula,
};

static const Operator transform_operator = {
    .name = "kernel_transform",
    .suffix = "kernel_transform",
    .operands = "kernel; u",
    .values = transform_values,
    .emit = emit_transform,
    .formula = transform_formula,
};

void convolution_derive(Graph *graph, Node *node)
{
    Convolution chosen = convolution_chosen(graph, node, NULL);
    Tensor *kernel = node->weights[0];
    if (chosen.tile) {
        Shape transformed = winograd_kernel_shape(&chosen, graph->panel);
        graph_derived(graph, node, kernel, memory_format("winograd%d", (int)chosen.tile), &transformed, &transform_operator);
    }
    if (chosen.along_rows) {
        Shape transformed = winograd_rows_kernel_shape(&chosen, graph->panel);
        graph_derived(graph, node, kernel, "winograd_rows", &transformed, &rows_transform_operator);
    }
    if (chosen.flat_rows) {
        Shape repeated = flat_rows_kernel_shape(&chosen, graph->panel);
        graph_derived(graph, node, kernel, "flat_rows", &repeated, &repeat_operator);
    }
}

Tensor *convolution_bias(const Node *node)
{
    return node->weight_count > 1 && node->weights[1]->role == ROLE_WEIGHT ? node->weights[1] : NULL;
}

const char *convolution_kernel(const Node *node)
{
    return strrchr(node->weights[0]->name, '/') + 1;
}

int64_t convolution_macs(const Node *node)
{
    const Convolution *c = node->detail;
    return c->rows * c->columns * c->filters * c->kernel_height * c->kernel_width * (c->channels / c->groups);
}

void convolution_reference(const Node *node, Reference *r)
{
    const Convolution *c = node->detail;
    int64_t channels = c->channels / c->groups, filters = c->filters / c->groups; /* of a group */
    for (int64_t p = 0; p < c->rows; p++)
        for (int64_t q = 0; q < c->columns; q++)
            for (int64_t k = 0; k < c->filters; k++) {
                double sum = convolution_bias(node) ? r->weights[1][k] : 0;
                for (int64_t i = 0; i < c->kernel_height; i++)
                    for (int64_t j = 0; j < c->kernel_width; j++) {
                        int64_t h = p * c->stride_height + i * c->dilation_height - c->pad_top, w = q * c->stride_width + j * c->dilation_width - c->pad_left;
                        if (h < 0 || h >= c->height || w < 0 || w >= c->width) continue;
                        const double *x = &r->inputs[0][(h * c->width + w) * c->channels + k / filters * channels];
                        const double *kernel = &r->weights[0][((i * c->kernel_width + j) * channels) * c->filters + k];
                        for (int64_t l = 0; l < channels; l++) sum += x[l] * kernel[l * c->filters];
                    }
                r->outputs[0][(p * c->columns + q) * c->filters + k] = sum;
            }
}

void convolution_add_workspace(Graph *graph, Node *node, int64_t floats, int64_t parts)
{
    if (floats) graph_workspace(graph, node, floats, graph_tasks(graph, node, parts));
}

void convolution_forward_workspace(Graph *graph, Node *node)
{
    Convolution c = convolution_chosen(graph, node, NULL);
    if (c.tile)
        convolution_add_workspace(graph, node, winograd_workspace(&c), winograd_parts(&c));
    else if (c.along_rows)
        convolution_add_workspace(graph, node, winograd_rows_workspace(&c), winograd_rows_parts(&c));
    else if (c.flat_rows)
        convolution_add_workspace(graph, node, flat_rows_workspace(&c, graph->panel, false), c.rows);
    else
        convolution_add_workspace(graph, node, convolution_workspace(&c), c.rows);
}

/* A max-pooling of 2x2, whole windows only, is done where Winograd's tiles of results are at hand. */
bool convolution_pools(const Convolution *c, const Pooling *p)
{
    return p && p->window_height == 2 && p->window_width == 2 && p->stride_height == 2 && p->stride_width == 2 &&
           p->pad_top == 0 && p->pad_left == 0 && p->rows == c->rows / 2 && p->columns == c->columns / 2;
}

Convolution *convolution_pooled(const Convolution *c)
{
    Convolution *copy = NEW(Convolution);
    *copy = *c;
    copy->pooled = true;
    return copy;
}

bool convolution_absorb(Graph *graph, Node *node, Node *reader)
{
    Convolution c = convolution_chosen(graph, node, NULL);
    if (!c.tile || c.pooled || !convolution_pools(&c, max_pooling_of(reader, false))) return false;
    node->detail = convolution_pooled(node->detail);
    bool places = reader->output_count > 1;
    node->operands = places ? "x; y selected work" : "x; y work";
    node->outputs = NULL;
    node->output_count = 0;
    for (int i = 0; i < reader->output_count; i++) graph_output(graph, node, reader->outputs[i]);
    return true;
}

void convolution_forward_emit(Emit *e, const Node *node)
{
    Convolution c = convolution_chosen(e->graph, node, NULL);
    const char *bias = convolution_bias(node) ? "bias" : NULL, *kernel = convolution_kernel(node);
    if (c.tile)
        winograd_emit(e, node, &c, "x", memory_format("%s_winograd%d", kernel, c.tile), bias, "y");
    else if (c.along_rows)
        winograd_rows_emit(e, node, &c, "x", memory_format("%s_winograd_rows", kernel), bias, "y");
    else if (c.flat_rows)
        flat_rows_emit(e, node, &c, "x", memory_format("%s_flat_rows", kernel), bias, "y");
    else
        convolution_emit(e, node, &c, "x", kernel, bias, "y");
}

const char *convolution_formula(const Node *node)
{
    const Convolution *c = node->detail;
    const char *down = c->dilation_height > 1 ? memory_format("%lld ", (long long)c->dilation_height) : "";
    const char *across = c->dilation_width > 1 ? memory_format("%lld ", (long long)c->dilation_width) : "";
    return memory_format("y[p][q][k] = %ssum over r, s, c of x[%lld p + %sr - %lld][%lld q + %ss - %lld][c] %s[r][s][c][k]%s;\n"
                         " * kernels %lld x %lld, %lld to %lld channels, %lld x %lld to %lld x %lld",
                         convolution_bias(node) ? "bias[k] + " : "",
                         (long long)c->stride_height,
                         down,
                         (long long)c->pad_top,
                         (long long)c->stride_width,
                         across,
                         (long long)c->pad_left,
                         convolution_kernel(node),
                         c->groups > 1 ? memory_format(", c being the channels of k's group, of which there are %lld", (long long)c->groups) : "",
                         (long long)c->kernel_height,
                         (long long)c->kernel_width,
                         (long long)c->channels,
                         (long long)c->filters,
                         (long long)c->height,
                         (long long)c->width,
                         (long long)c->rows,
                         (long long)c->columns);
}
