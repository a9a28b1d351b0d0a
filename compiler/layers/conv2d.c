/* conv2d: y[p][q][k] = bias[k] + sum over r, s, c of x[p stride + r - top][q stride + s - left][c] kernel[r][s][c][k].
 *
 * Images are (height, width, channels); kernel (kernel_height, kernel_width, channels, filters), packed in panels of filters;
 * bias (filters). padding=same: rows = ceil(height / stride), zeros on both sides, the odd one at the end.
 * Source: keras.io/api/layers/convolution_layers/convolution2d. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const char *const paddings[] = {"valid", "same", NULL};

static const Parameter parameters[] = {
    {.name = "filters", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the number of kernels: channels of the output"},
    {.name = "kernel_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .help = "height x width of the kernels"},
    {.name = "strides", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "1x1", .help = "how far the kernel moves at each step"},
    {.name = "padding", .type = PARAMETER_WORD, .words = paddings, .fallback = "valid", .help = "valid: the kernel stays on the image; same: zeros around it"},
    {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "none", .help = "what is applied to the result"},
    {.name = "use_bias", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether a bias is added to each filter's result"},
    {.name = "kernel_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "glorot_uniform", .help = "how the kernels are drawn at first"},
    {.name = "bias_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "zeros", .help = "how the biases are drawn at first"},
    {0},
};

static void shape(Graph *graph, Node *node)
{
    const Object *a = node->arguments;
    Tensor *x = node->inputs[0];
    if (x->shape.rank != 3) {
        diagnose(node->place, "conv2d needs images (height, width, channels), not %s", shape_string(&x->shape));
        note_producer(x);
        return;
    }
    Convolution *c = node->detail = NEW(Convolution);
    *c = (Convolution){.height = x->shape.size[0], .width = x->shape.size[1], .channels = x->shape.size[2], .filters = argument_size(a, "filters"), .spread_height = 1, .spread_width = 1};
    argument_pair(a, "kernel_size", &c->kernel_height, &c->kernel_width);
    argument_pair(a, "strides", &c->stride_height, &c->stride_width);
    bool same = argument_word(a, "padding")[0] == 's';
    if (!window_places(node, "kernel_size", x, 0, c->kernel_height, c->stride_height, same, &c->rows, &c->pad_top) ||
        !window_places(node, "kernel_size", x, 1, c->kernel_width, c->stride_width, same, &c->columns, &c->pad_left))
        return;
    c->winograd = !graph->direct && winograd_pays(c, graph->panel);
    Shape kernel = shape_of(4, (const int64_t[]){c->kernel_height, c->kernel_width, c->channels, c->filters}), bias = shape_of(1, &c->filters);
    Tensor *weight = graph_weight(graph, node, "kernel", &kernel, true);
    weight->initial = initializer_resolve(argument_object(a, "kernel_initializer"), &kernel);
    if (shape_count(&kernel) >= 0) weight->packing = (Packing){c->kernel_height * c->kernel_width * c->channels, c->filters, graph->panel};
    if (argument_boolean(a, "use_bias"))
        graph_weight(graph, node, "bias", &bias, true)->initial = initializer_resolve(argument_object(a, "bias_initializer"), &bias);
    node->outputs[0]->shape = shape_of(3, (const int64_t[]){c->rows, c->columns, c->filters});
}

static int64_t macs(const Node *node)
{
    const Convolution *c = node->detail;
    return c->rows * c->columns * c->filters * c->kernel_height * c->kernel_width * c->channels;
}

static void reference(const Node *node, Reference *r)
{
    const Convolution *c = node->detail;
    for (int64_t p = 0; p < c->rows; p++)
        for (int64_t q = 0; q < c->columns; q++)
            for (int64_t k = 0; k < c->filters; k++) {
                double sum = node->weight_count > 1 ? r->weights[1][k] : 0;
                for (int64_t i = 0; i < c->kernel_height; i++)
                    for (int64_t j = 0; j < c->kernel_width; j++) {
                        int64_t h = p * c->stride_height + i - c->pad_top, w = q * c->stride_width + j - c->pad_left;
                        if (h < 0 || h >= c->height || w < 0 || w >= c->width) continue;
                        const double *x = &r->inputs[0][(h * c->width + w) * c->channels];
                        const double *kernel = &r->weights[0][((i * c->kernel_width + j) * c->channels) * c->filters + k];
                        for (int64_t l = 0; l < c->channels; l++) sum += x[l] * kernel[l * c->filters];
                    }
                r->outputs[0][(p * c->columns + q) * c->filters + k] = sum;
            }
}

/* Scratch of a convolution, whichever way it goes: for each task, and the transformed kernel. */
static void add_workspace(Graph *graph, Node *node, const Convolution *c)
{
    int64_t floats = c->winograd ? winograd_workspace(c) : convolution_workspace(c);
    if (floats) graph_workspace(graph, node, floats, graph_tasks(graph, node, c->winograd ? winograd_parts(c) : c->rows));
    if (c->winograd) graph_workspace(graph, node, winograd_kernel_floats(c), 1);
}

static void workspace(Graph *graph, Node *node)
{
    add_workspace(graph, node, node->detail);
}

static void emit(Emit *e, const Node *node)
{
    const Convolution *c = node->detail;
    const char *bias = node->weight_count > 1 ? "bias" : NULL;
    int u = node->input_count + node->weight_count + 2;
    if (c->winograd) {
        winograd_kernel_emit(e, node, c, "kernel", u);
        winograd_emit(e, node, c, "x", bias, "y", u);
    } else {
        convolution_emit(e, node, c, "x", "kernel", bias, "y");
    }
}

static const char *formula(const Node *node)
{
    const Convolution *c = node->detail;
    return memory_format("y[p][q][k] = %ssum over r, s, c of x[%lld p + r - %lld][%lld q + s - %lld][c] kernel[r][s][c][k];\n"
                         " * kernels %lld x %lld, %lld to %lld channels, %lld x %lld to %lld x %lld",
                         node->weight_count > 1 ? "bias[k] + " : "",
                         (long long)c->stride_height,
                         (long long)c->pad_top,
                         (long long)c->stride_width,
                         (long long)c->pad_left,
                         (long long)c->kernel_height,
                         (long long)c->kernel_width,
                         (long long)c->channels,
                         (long long)c->filters,
                         (long long)c->height,
                         (long long)c->width,
                         (long long)c->rows,
                         (long long)c->columns);
}

/* The gradient of the input is a convolution too: of d_y, its pixels a stride apart, with the kernels turned. */
static Convolution transposed(const Convolution *c, const Graph *graph)
{
    Convolution t = {
        .height = c->rows,
        .width = c->columns,
        .channels = c->filters,
        .rows = c->height,
        .columns = c->width,
        .filters = c->channels,
        .kernel_height = c->kernel_height,
        .kernel_width = c->kernel_width,
        .stride_height = 1,
        .stride_width = 1,
        .pad_top = c->kernel_height - 1 - c->pad_top,
        .pad_left = c->kernel_width - 1 - c->pad_left,
        .spread_height = c->stride_height,
        .spread_width = c->stride_width,
    };
    t.winograd = !graph->direct && winograd_pays(&t, graph->panel);
    return t;
}

static void input_gradient_workspace(Graph *graph, Node *node)
{
    const Convolution *c = node->detail, t = transposed(c, graph);
    int64_t panel = graph->panel;
    graph_workspace(graph, node, t.kernel_height * t.kernel_width * t.channels * ((t.filters + panel - 1) / panel * panel), 1);
    add_workspace(graph, node, &t);
}

static void emit_input_gradient(Emit *e, const Node *node)
{
    const Convolution *c = node->detail, t = transposed(c, e->graph);
    int64_t panel = e->graph->panel;
    int flipped = node->input_count + node->weight_count + 1;
    convolution_transpose_emit(e, node, c, panel);
    phase_operand(e, flipped, 3, (const int64_t[]){(t.filters + panel - 1) / panel, t.kernel_height * t.kernel_width * t.channels, panel});
    if (t.winograd) {
        winograd_kernel_emit(e, node, &t, "flipped", flipped + 2);
        winograd_emit(e, node, &t, "d_y", NULL, "d_x", flipped + 2);
    } else {
        convolution_emit(e, node, &t, "d_y", "flipped", NULL, "d_x");
    }
}

static void weight_gradient_workspace(Graph *graph, Node *node)
{
    const Convolution *c = node->detail;
    graph_workspace(graph, node, (c->winograd ? winograd_kernel_floats(c) : packing_floats(node->outputs[0])) * TASKS, 1);
    if (c->winograd) graph_workspace(graph, node, winograd_gradient_workspace(c), TASKS);
}

static void emit_weight_gradient(Emit *e, const Node *node)
{
    const Convolution *c = node->detail;
    (c->winograd ? winograd_weight_gradient_emit : convolution_weight_gradient_emit)(e, node, c);
}

static const char *input_gradient_formula(const Node *node)
{
    (void)node;
    return "the convolution of d_y with the kernels turned by half a circle";
}

static const char *weight_gradient_formula(const Node *node)
{
    (void)node;
    return "d_kernel[r][s][c][k] = sum over samples, p, q of x[p + r][q + s][c] d_y[p][q][k]";
}

static const Operator input_gradient_operator = {
    .name = "conv2d_input_gradient",
    .suffix = "input_gradient",
    .operands = "d_y kernel; d_x flipped work u",
    .flags = OPERATOR_EPILOGUE,
    .workspace = input_gradient_workspace,
    .emit = emit_input_gradient,
    .formula = input_gradient_formula,
};

static const Operator weight_gradient_operator = {
    .name = "conv2d_weight_gradient",
    .suffix = "weight_gradient",
    .operands = "x d_y; d_kernel work tiles",
    .workspace = weight_gradient_workspace,
    .emit = emit_weight_gradient,
    .formula = weight_gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    Tensor *x = node->inputs[0];
    if (gradient_wanted(graph, x)) {
        Tensor *inputs[] = {d_output, node->weights[0]};
        Node *part = graph_gradient_node(graph, &input_gradient_operator, node, NULL, inputs, 2);
        gradient_give(graph, x, gradient_tensor(graph, part, x));
    }
    Tensor *inputs[] = {x, d_output};
    Node *part = graph_gradient_node(graph, &weight_gradient_operator, node, NULL, inputs, 2);
    gradient_give(graph, node->weights[0], gradient_tensor(graph, part, node->weights[0]));
    if (node->weight_count > 1) bias_gradient(graph, node, node->weights[1], d_output);
}

static const Operator conv2d_operator = {
    .name = "conv2d",
    .suffix = "forward",
    .operands = "x; y work u",
    .flags = OPERATOR_EPILOGUE,
    .shape = shape,
    .macs = macs,
    .reference = reference,
    .gradient = gradient,
    .workspace = workspace,
    .emit = emit,
    .formula = formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *y = graph_node(graph, &conv2d_operator, call, NULL, call->inputs, 1)->outputs[0];
    return activation_apply(graph, call, y, argument_object(call->arguments, "activation"));
}

const Layer conv2d_layer = {
    .entry = {"conv2d", "Slides small kernels over an image.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
