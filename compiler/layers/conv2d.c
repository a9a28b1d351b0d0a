/* conv2d: y[p][q][k] = bias[k] + sum over r, s, c of x[p stride + r - top][q stride + s - left][c] kernel[r][s][c][k].
 *
 * Images are (height, width, channels); kernel (kernel_height, kernel_width, channels, filters), packed in panels of filters;
 * bias (filters). padding=same: rows = ceil(height / stride), zeros on both sides, the odd one at the end.
 * Source: keras.io/api/layers/convolution_layers/convolution2d. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <string.h>

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

static const Operator rows_transform_operator = {
    .name = "conv2d_kernel_rows_transform",
    .suffix = "kernel_transform",
    .operands = "kernel; u",
    .values = rows_transform_values,
    .emit = emit_rows_transform,
    .formula = rows_transform_formula,
};

static const Operator transform_operator = {
    .name = "conv2d_kernel_transform",
    .suffix = "kernel_transform",
    .operands = "kernel; u",
    .values = transform_values,
    .emit = emit_transform,
    .formula = transform_formula,
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
    Shape kernel = shape_of(4, (const int64_t[]){c->kernel_height, c->kernel_width, c->channels, c->filters}), bias = shape_of(1, &c->filters);
    Tensor *weight = graph_weight(graph, node, "kernel", &kernel, true);
    weight->initial = initializer_resolve(argument_object(a, "kernel_initializer"), &kernel);
    if (shape_count(&kernel) >= 0) weight->packing = (Packing){c->kernel_height * c->kernel_width * c->channels, c->filters, graph->panel};
    if (argument_boolean(a, "use_bias"))
        graph_weight(graph, node, "bias", &bias, true)->initial = initializer_resolve(argument_object(a, "bias_initializer"), &bias);
    Convolution chosen = convolution_chosen(graph, node, false);
    if (chosen.tile) {
        Shape transformed = winograd_kernel_shape(&chosen, graph->panel);
        graph_derived(graph, node, weight, memory_format("winograd%d", (int)chosen.tile), &transformed, &transform_operator);
    }
    if (chosen.along_rows) {
        Shape transformed = winograd_rows_kernel_shape(c, graph->panel);
        graph_derived(graph, node, weight, "winograd_rows", &transformed, &rows_transform_operator);
    }
    node->outputs[0]->shape = shape_of(3, (const int64_t[]){c->rows, c->columns, c->filters});
}

/* NULL: the layer has none. */
static Tensor *bias_of(const Node *node)
{
    return argument_boolean(node->arguments, "use_bias") ? node->weights[1] : NULL;
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
                double sum = bias_of(node) ? r->weights[1][k] : 0;
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

static void add_workspace(Graph *graph, Node *node, int64_t floats, int64_t parts)
{
    if (floats) graph_workspace(graph, node, floats, graph_tasks(graph, node, parts));
}

static void workspace(Graph *graph, Node *node)
{
    Convolution c = convolution_chosen(graph, node, false);
    if (c.tile) add_workspace(graph, node, winograd_workspace(&c), winograd_parts(&c));
    else if (c.along_rows) add_workspace(graph, node, winograd_rows_workspace(&c), winograd_rows_parts(&c));
    else add_workspace(graph, node, convolution_workspace(&c), c.rows);
}

/* A max-pooling of 2x2, whole windows only, is done where Winograd's tiles of results are at hand. */
static bool is_pooled_on_the_way(const Convolution *c, const Pooling *p)
{
    return p && p->window_height == 2 && p->window_width == 2 && p->stride_height == 2 && p->stride_width == 2 &&
           p->pad_top == 0 && p->pad_left == 0 && p->rows == c->rows / 2 && p->columns == c->columns / 2;
}

static Convolution *pooled(const Convolution *c)
{
    Convolution *copy = NEW(Convolution);
    *copy = *c;
    copy->pooled = true;
    return copy;
}

static bool absorb_pooling(Graph *graph, Node *node, Node *reader)
{
    Convolution c = convolution_chosen(graph, node, false);
    if (!c.tile || c.pooled || !is_pooled_on_the_way(&c, max_pooling_of(reader, false))) return false;
    node->detail = pooled(node->detail);
    bool places = reader->output_count > 1;
    node->operands = places ? "x; y selected work" : "x; y work";
    node->outputs = NULL;
    node->output_count = 0;
    for (int i = 0; i < reader->output_count; i++) graph_output(graph, node, reader->outputs[i]);
    return true;
}

static void emit(Emit *e, const Node *node)
{
    Convolution c = convolution_chosen(e->graph, node, false);
    const char *bias = bias_of(node) ? "bias" : NULL;
    if (c.tile) winograd_emit(e, node, &c, "x", memory_format("kernel_winograd%d", c.tile), bias, "y");
    else if (c.along_rows) winograd_rows_emit(e, node, &c, "x", "kernel_winograd_rows", bias, "y");
    else convolution_emit(e, node, &c, "x", "kernel", bias, "y");
}

static const char *formula(const Node *node)
{
    const Convolution *c = node->detail;
    return memory_format("y[p][q][k] = %ssum over r, s, c of x[%lld p + r - %lld][%lld q + s - %lld][c] kernel[r][s][c][k];\n"
                         " * kernels %lld x %lld, %lld to %lld channels, %lld x %lld to %lld x %lld",
                         bias_of(node) ? "bias[k] + " : "",
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
static Convolution transposed(const Convolution *c)
{
    return (Convolution){
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
}

static void input_gradient_workspace(Graph *graph, Node *node)
{
    const Convolution *c = node->detail, t = transposed(c);
    int64_t panel = graph->panel;
    if (convolution_scatters(graph, node)) {
        graph_workspace(graph, node, convolution_scatter_kernel_floats(c, panel), 1);
        graph_workspace(graph, node, convolution_scatter_workspace(c), TASKS);
        return;
    }
    graph_workspace(graph, node, t.kernel_height * t.kernel_width * t.channels * ((t.filters + panel - 1) / panel * panel), 1);
    add_workspace(graph, node, convolution_workspace(&t), t.rows);
}

static void emit_input_gradient(Emit *e, const Node *node)
{
    const Convolution *c = node->detail, t = transposed(c);
    int64_t panel = e->graph->panel;
    if (convolution_scatters(e->graph, node)) {
        convolution_scatter_emit(e, node, c);
        return;
    }
    convolution_transpose_emit(e, node, c, "turned", true);
    phase_operand(e, operand_number(node, "turned"), 3, (const int64_t[]){(t.filters + panel - 1) / panel, t.kernel_height * t.kernel_width * t.channels, panel});
    convolution_emit(e, node, &t, "d_y", "turned", NULL, "d_x");
}

static void weight_gradient_workspace(Graph *graph, Node *node)
{
    bool along_rows = winograd_rows_gradient_chosen(graph, node);
    graph_workspace(graph, node, (along_rows ? winograd_rows_gradient_workspace : convolution_weight_gradient_workspace)(node->detail, graph->panel) * TASKS, 1);
}

static void emit_weight_gradient(Emit *e, const Node *node)
{
    if (winograd_rows_gradient_chosen(e->graph, node)) winograd_rows_weight_gradient_emit(e, node, node->detail);
    else convolution_weight_gradient_emit(e, node, node->detail);
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
    .operands = "d_y kernel; d_x turned work",
    .flags = OPERATOR_EPILOGUE,
    .workspace = input_gradient_workspace,
    .emit = emit_input_gradient,
    .formula = input_gradient_formula,
};

static const Operator weight_gradient_operator = {
    .name = "conv2d_weight_gradient",
    .suffix = "weight_gradient",
    .operands = "x d_y; d_kernel work",
    .workspace = weight_gradient_workspace,
    .emit = emit_weight_gradient,
    .formula = weight_gradient_formula,
};

/* All gradients of Winograd's convolution at once: they share the transformed d_y. */
static void gradients_workspace(Graph *graph, Node *node)
{
    const Convolution *c = node->detail;
    graph_workspace(graph, node, winograd_gradient_sums(c) * TASKS, 1);
    graph_workspace(graph, node, winograd_gradient_workspace(c), TASKS);
    if (operand_number(node, "d_x") < 0) return;
    graph_workspace(graph, node, 9 * c->channels * c->filters, 1);
    graph_workspace(graph, node, winograd_kernel_floats(c), 1);
}

static void emit_gradients(Emit *e, const Node *node)
{
    winograd_gradients_emit(e, node, node->detail);
}

static bool absorb_unpooling(Graph *graph, Node *node, Node *maker)
{
    (void)graph;
    const Convolution *c = node->detail;
    if (c->pooled || !is_pooled_on_the_way(c, max_pooling_of(maker, true))) return false;
    node->detail = pooled(c);
    Tensor **inputs = NEW_ARRAY(Tensor *, node->input_count + 1);
    memcpy(inputs, node->inputs, sizeof *inputs * (size_t)node->input_count);
    inputs[1] = maker->inputs[0];
    inputs[node->input_count++] = maker->inputs[1];
    node->inputs = inputs;
    const char *names = strchr(node->operands, ';');
    node->operands = memory_format("%.*s selected%s", (int)(names - node->operands), node->operands, names);
    return true;
}

static const char *gradients_formula(const Node *node)
{
    (void)node;
    return "the gradients of Winograd's convolution, by the adjoints of its transforms";
}

static const Operator gradients_operator = {
    .name = "conv2d_gradients",
    .suffix = "gradients",
    .flags = OPERATOR_EPILOGUE,
    .workspace = gradients_workspace,
    .absorb = absorb_unpooling,
    .emit = emit_gradients,
    .formula = gradients_formula,
};

static void add_gradients(Graph *graph, Node *node, const Convolution *chosen, Tensor *d_output)
{
    Tensor *x = node->inputs[0], *inputs[] = {x, d_output, node->weights[0]};
    bool wanted = gradient_wanted(graph, x), bias = bias_of(node) != NULL;
    Node *all = graph_gradient_node(graph, &gradients_operator, node, NULL, inputs, wanted ? 3 : 2);
    Convolution *c = all->detail = NEW(Convolution);
    *c = *chosen;
    all->operands = memory_format("x d_y%s; %sd_kernel%s work tiles%s", wanted ? " kernel" : "", wanted ? "d_x " : "", bias ? " d_bias" : "", wanted ? " turned u" : "");
    if (wanted) gradient_give(graph, x, gradient_tensor(graph, all, x));
    for (int i = 0; i <= bias; i++) gradient_give(graph, node->weights[i], gradient_tensor(graph, all, node->weights[i]));
}

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    Convolution chosen = convolution_chosen(graph, node, true);
    if (chosen.tile) {
        add_gradients(graph, node, &chosen, d_output);
        return;
    }
    Tensor *x = node->inputs[0];
    if (gradient_wanted(graph, x)) {
        Tensor *inputs[] = {d_output, node->weights[0]};
        Node *part = graph_gradient_node(graph, &input_gradient_operator, node, NULL, inputs, 2);
        gradient_give(graph, x, gradient_tensor(graph, part, x));
    }
    Tensor *inputs[] = {x, d_output};
    Node *part = graph_gradient_node(graph, &weight_gradient_operator, node, NULL, inputs, 2);
    gradient_give(graph, node->weights[0], gradient_tensor(graph, part, node->weights[0]));
    if (bias_of(node)) bias_gradient(graph, node, bias_of(node), d_output);
}

static const Operator conv2d_operator = {
    .name = "conv2d",
    .suffix = "forward",
    .operands = "x; y work",
    .flags = OPERATOR_EPILOGUE,
    .shape = shape,
    .macs = macs,
    .reference = reference,
    .gradient = gradient,
    .workspace = workspace,
    .absorb = absorb_pooling,
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
