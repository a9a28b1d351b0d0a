/* The gradients of a layer that convolves: of the input, the kernel and the bias, each by an operator of its own, or all at
 * once where Winograd's convolution shares the transformed gradient of its results between them. */
#include "convolution.h"

#include <string.h>

/* The gradient of the input is a convolution too: of d_y, its pixels a stride apart, with the kernels turned. */
static Convolution transposed(const Convolution *c, int64_t panel)
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
        .pad_top = (c->kernel_height - 1) * c->dilation_height - c->pad_top,
        .pad_left = (c->kernel_width - 1) * c->dilation_width - c->pad_left,
        .spread_height = c->stride_height,
        .spread_width = c->stride_width,
        .dilation_height = c->dilation_height,
        .dilation_width = c->dilation_width,
        .groups = c->groups,
    };
    t.lanes = convolution_in_lanes(&t, panel);
    return t;
}

/* The ways to the gradient of the input: as a transposed convolution, directly or by Winograd's along rows, or by scattering. */
typedef enum { GATHER, SCATTER, ALONG_ROWS } InputWay;

static InputWay input_gradient_way(const Graph *graph, const Node *node)
{
    const Convolution *c = node->detail, t = transposed(c, graph->panel);
    Way ways[] = {convolution_gather_way(c), convolution_scatter_way(c), winograd_rows_way(&t)};
    if (graph->direct) ways[ALONG_ROWS].hindrance = "--math=strict and --unroll=full go without";
    else if (t.spread_height > 1 || t.spread_width > 1) ways[ALONG_ROWS].hindrance = "the kernel makes strides";
    else if (t.channels % graph->panel || t.filters % graph->panel) ways[ALONG_ROWS].hindrance = memory_format("channels are no multiple of %lld", (long long)graph->panel);
    else if (t.pad_top < 0 || t.pad_left < 0) ways[ALONG_ROWS].hindrance = "the padding is wider than the kernel";
    return (InputWay)choose_way(graph, node, false, ways, 3);
}

static void input_gradient_workspace(Graph *graph, Node *node)
{
    InputWay way = input_gradient_way(graph, node);
    int64_t panel = graph->panel;
    const Convolution *c = node->detail, t = transposed(c, panel);
    if (way == SCATTER) {
        graph_workspace(graph, node, convolution_scatter_kernel_floats(c, panel), 1);
        graph_workspace(graph, node, convolution_scatter_workspace(c), TASKS);
        return;
    }
    graph_workspace(graph, node, t.kernel_height * t.kernel_width * (t.channels / t.groups) * round_up(t.filters, panel), 1);
    if (way == ALONG_ROWS) {
        Shape transformed = winograd_rows_kernel_shape(&t, panel);
        convolution_add_workspace(graph, node, winograd_rows_workspace(&t), winograd_rows_parts(&t));
        graph_workspace(graph, node, shape_count(&transformed), 1);
    } else
        convolution_add_workspace(graph, node, convolution_workspace(&t), t.rows);
}

static void emit_input_gradient(Emit *e, const Node *node)
{
    int64_t panel = e->graph->panel;
    const Convolution *c = node->detail, t = transposed(c, panel);
    InputWay way = input_gradient_way(e->graph, node);
    if (way == SCATTER) {
        convolution_scatter_emit(e, node, c);
        return;
    }
    if (c->groups > 1) convolution_transpose_groups_emit(e, node, c, t.lanes, "turned");
    else convolution_transpose_emit(e, node, c, "turned", true);
    const int64_t packed[] = {(t.filters + panel - 1) / panel, t.kernel_height * t.kernel_width * (t.channels / t.groups), panel};
    if (!t.lanes) phase_operand(e, operand_number(node, "turned"), 3, packed);
    if (way == ALONG_ROWS) {
        Shape transformed = winograd_rows_kernel_shape(&t, panel);
        winograd_rows_kernel_emit(e, node, &t, "turned", "u");
        phase_operand(e, operand_number(node, "u"), 4, transformed.size);
        winograd_rows_emit(e, node, &t, "d_y", "u", NULL, "d_x");
    } else
        convolution_emit(e, node, &t, "d_y", "turned", NULL, "d_x");
}

/* The ways to the gradient of the weights, of which one in lanes has no choice. */
typedef enum { DIRECT, WINOGRAD_ROWS, FLAT_ROWS, LANES } WeightWay;

static WeightWay weight_gradient_way(const Graph *graph, const Node *node)
{
    const Convolution *c = node->detail;
    if (c->lanes) return LANES;
    double direct = (double)(c->rows * c->columns) * (double)(c->kernel_height * c->kernel_width) * (double)(c->channels / c->groups * c->filters);
    Way ways[] = {{.name = "direct", .cost = direct}, winograd_rows_way(c), flat_rows_way(c, graph->panel)};
    ways[WINOGRAD_ROWS].cost *= 1.2; /* for each point and band the sums pass through memory */
    if (graph->direct) ways[WINOGRAD_ROWS].hindrance = ways[FLAT_ROWS].hindrance = "--math=strict and --unroll=full go without";
    return (WeightWay)choose_way(graph, node, false, ways, LANES);
}

static void weight_gradient_workspace(Graph *graph, Node *node)
{
    const Convolution *c = node->detail, laid_out = convolution_laid_out(c);
    WeightWay way = weight_gradient_way(graph, node);
    int64_t panel = graph->panel, sums, work;
    if (way == WINOGRAD_ROWS) sums = winograd_rows_gradient_sums(c, panel), work = winograd_rows_gradient_workspace(c);
    else if (way == FLAT_ROWS) sums = flat_rows_gradient_sums(c, panel), work = flat_rows_workspace(c, panel, true);
    else sums = convolution_weight_gradient_sums(c, panel), work = convolution_workspace(&laid_out);
    graph_workspace(graph, node, sums * TASKS, 1);
    convolution_add_workspace(graph, node, work, TASKS);
}

static void emit_weight_gradient(Emit *e, const Node *node)
{
    static void (*const emit[])(Emit *, const Node *, const Convolution *) = {
        [DIRECT] = convolution_weight_gradient_emit,
        [WINOGRAD_ROWS] = winograd_rows_weight_gradient_emit,
        [FLAT_ROWS] = flat_rows_weight_gradient_emit,
        [LANES] = convolution_lanes_weight_gradient_emit,
    };
    emit[weight_gradient_way(e->graph, node)](e, node, node->detail);
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
    .name = "convolution_input_gradient",
    .suffix = "input_gradient",
    .operands = "d_y kernel; d_x turned work u",
    .flags = OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .workspace = input_gradient_workspace,
    .emit = emit_input_gradient,
    .formula = input_gradient_formula,
};

static const Operator weight_gradient_operator = {
    .name = "convolution_weight_gradient",
    .suffix = "weight_gradient",
    .operands = "x d_y; d_kernel shards work",
    .flags = OPERATOR_BY_SAMPLES,
    .workspace = weight_gradient_workspace,
    .emit = emit_weight_gradient,
    .formula = weight_gradient_formula,
};

/* All gradients at once: those of Winograd's convolution share the transformed d_y, those that leave zeros out what is not zero in it. */
static bool leaves_zeros_out(const Convolution *c)
{
    return c->sparse && c->pooled;
}

static void gradients_workspace(Graph *graph, Node *node)
{
    const Convolution *c = node->detail;
    if (leaves_zeros_out(c)) {
        graph_workspace(graph, node, convolution_sparse_sums(c) * TASKS, 1);
        graph_workspace(graph, node, convolution_sparse_workspace(c), TASKS);
        if (operand_number(node, "d_x") >= 0) graph_workspace(graph, node, convolution_sparse_kernel_floats(c), 1);
        return;
    }
    graph_workspace(graph, node, winograd_gradient_sums(c) * TASKS, 1);
    graph_workspace(graph, node, winograd_gradient_workspace(c), TASKS);
    if (operand_number(node, "d_x") < 0) return;
    graph_workspace(graph, node, 9 * c->channels * c->filters, 1);
    graph_workspace(graph, node, winograd_kernel_floats(c), 1);
}

static void emit_gradients(Emit *e, const Node *node)
{
    const Convolution *c = node->detail;
    (leaves_zeros_out(c) ? convolution_sparse_gradients_emit : winograd_gradients_emit)(e, node, c);
}

static bool absorb_unpooling(Graph *graph, Node *node, Node *maker)
{
    (void)graph;
    const Convolution *c = node->detail;
    if (c->pooled || !convolution_pools(c, max_pooling_of(maker, true))) return false;
    node->detail = convolution_pooled(c);
    Tensor **inputs = NEW_ARRAY(Tensor *, node->input_count + 1);
    memcpy(inputs, node->inputs, sizeof *inputs * (size_t)node->input_count);
    inputs[1] = maker->inputs[0];
    inputs[node->input_count++] = maker->inputs[1];
    node->inputs = inputs;
    const char *names = strchr(node->operands, ';');
    const char *end = c->sparse && strstr(names, " turned") ? strstr(names, " u") : names + strlen(names);
    node->operands = memory_format("%.*s selected%.*s", (int)(names - node->operands), node->operands, (int)(end - names), names);
    return true;
}

static const char *gradients_formula(const Node *node)
{
    if (leaves_zeros_out(node->detail)) return "the gradients, as sums over what is not zero in d_y";
    return "the gradients of Winograd's convolution, by the adjoints of its transforms";
}

static const Operator gradients_operator = {
    .name = "convolution_gradients",
    .suffix = "gradients",
    .flags = OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .workspace = gradients_workspace,
    .absorb = absorb_unpooling,
    .emit = emit_gradients,
    .formula = gradients_formula,
};

static void add_gradients(Graph *graph, Node *node, const Convolution *chosen, Tensor *d_output)
{
    Tensor *x = node->inputs[0], *inputs[] = {x, d_output, node->weights[0]};
    bool wanted = gradient_wanted(graph, x), bias = convolution_bias(node) != NULL;
    Node *all = graph_gradient_node(graph, &gradients_operator, node, NULL, inputs, wanted ? 3 : 2);
    Convolution *c = all->detail = NEW(Convolution);
    *c = *chosen;
    all->operands = memory_format("x d_y%s; %sd_kernel%s shards tiles%s",
                                  wanted ? " kernel" : "",
                                  wanted ? "d_x " : "",
                                  bias ? " d_bias" : "",
                                  wanted ? " turned u" : "");
    if (wanted) gradient_give(graph, x, gradient_tensor(graph, all, x));
    for (int i = 0; i <= bias; i++) gradient_give(graph, node->weights[i], gradient_tensor(graph, all, node->weights[i]));
}

void convolution_gradient(Graph *graph, Node *node, Tensor *d_output)
{
    Convolution chosen = convolution_chosen(graph, node, d_output);
    if (chosen.tile)
        add_gradients(graph, node, &chosen, d_output);
    else
        gradient_product(graph, node, &input_gradient_operator, &weight_gradient_operator, convolution_bias(node), d_output);
}
