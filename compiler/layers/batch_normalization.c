/* batch_normalization: y = gamma[c] (x - mean[c]) / sqrt(variance[c] + epsilon) + beta[c], c being the place along `axis`.
 *
 * In training mean and variance are those of the batch, over all axes but that one, and the moving averages follow:
 * moving = momentum moving + (1 - momentum) of the batch. Otherwise the moving averages stand in their place. Either way
 *
 *     y = x scale[c] + shift[c],   scale = gamma / sqrt(variance + epsilon),   shift = beta - mean scale,
 *
 * so the layer is two nodes. The first makes scale and shift: `statistics` of the batch, where that is normalised by itself,
 * else `folding`, of the weights alone. The second is element-wise and goes, in inference, into the epilogue of the convolution
 * before it. Backward, with N numbers to a channel and h = (x - mean) / sqrt(variance + epsilon),
 *
 *     d_beta = sum d_y,   d_gamma = sum d_y h,   d_x = scale (d_y - d_beta / N - h d_gamma / N) = d_y scale + x slope + offset.
 *
 * `gradients`, too, is training mode, but leaves the moving averages alone. Source: Ioffe and Szegedy 2015;
 * keras.io/api/layers/normalization_layers/batch_normalization. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "axis", .type = PARAMETER_NUMBER, .minimum = -MAX_RANK, .maximum = MAX_RANK, .fallback = "-1", .help = "the axis of the channels, each of which is normalised by itself; the batch is 0, -1 is the last"},
    {.name = "momentum", .type = PARAMETER_NUMBER, .fallback = "0.99", .minimum = 0, .maximum = 1, .help = "how much of the moving averages is kept at each step"},
    {.name = "epsilon", .type = PARAMETER_NUMBER, .fallback = "0.001", .minimum = 0, .maximum = HUGE_VAL, .help = "added to the variance, so that nothing is divided by zero"},
    {.name = "center", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether beta is added"},
    {.name = "scale", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether the result is multiplied by gamma"},
    {.name = "beta_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "zeros", .help = "how beta is drawn at first"},
    {.name = "gamma_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "ones", .help = "how gamma is drawn at first"},
    {.name = "moving_mean_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "zeros", .help = "what the moving mean is at first"},
    {.name = "moving_variance_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "ones", .help = "what the moving variance is at first"},
    REGULARIZER_PARAMETER("beta", "beta"),
    REGULARIZER_PARAMETER("gamma", "gamma"),
    {0},
};

/* Outputs of the first node; the last two in training only. */
enum { SCALE, SHIFT, MEAN, INVERSE };

typedef struct {
    Channels of;
    int gamma, beta, moving_mean, moving_variance; /* places among the weights; -1: none */
} Normalization;

static int add_weight(Graph *graph, Node *node, const char *name, int64_t channels, bool trainable)
{
    Shape shape = shape_of(1, &channels);
    Tensor *weight = graph_weight(graph, node, name, &shape, trainable);
    weight->initial = initializer_resolve(argument_object(node->arguments, memory_format("%s_initializer", name)), &shape);
    if (trainable) regularize(weight, node->arguments, memory_format("%s_regularizer", name));
    return node->weight_count - 1;
}

static void statistics_shape(Graph *graph, Node *node)
{
    const Tensor *x = node->inputs[0];
    int axis;
    if (!axis_resolve(node, &x->shape, &axis)) return;
    int64_t inner = 1, channels = x->shape.size[axis];
    for (int i = axis + 1; i < x->shape.rank; i++) inner *= x->shape.size[i];
    Normalization *n = node->detail = NEW(Normalization);
    n->of = channels_of(channels, inner, shape_count(&x->shape));
    n->gamma = argument_boolean(node->arguments, "scale") ? add_weight(graph, node, "gamma", channels, true) : -1;
    n->beta = argument_boolean(node->arguments, "center") ? add_weight(graph, node, "beta", channels, true) : -1;
    n->moving_mean = add_weight(graph, node, "moving_mean", channels, false);
    n->moving_variance = add_weight(graph, node, "moving_variance", channels, false);
    for (int i = SCALE; i <= SHIFT; i++) {
        node->outputs[i]->period = channels * inner;
        node->outputs[i]->shape = shape_of(1, &(int64_t){channels * inner + ROW_MARGIN});
    }
}

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

/* ---- the reference ---- */

static void reference_rows(const Node *node, Reference *r, int64_t c, double mean, double variance)
{
    const Normalization *n = node->detail;
    double scale = (n->gamma < 0 ? 1 : r->weights[n->gamma][c]) / sqrt(variance + argument_number(node->arguments, "epsilon"));
    double shift = (n->beta < 0 ? 0 : r->weights[n->beta][c]) - mean * scale;
    for (int64_t i = 0; i < n->of.inner; i++) {
        r->outputs[SCALE][c * n->of.inner + i] = scale;
        r->outputs[SHIFT][c * n->of.inner + i] = shift;
    }
}

static void folding_reference(const Node *node, Reference *r)
{
    const Normalization *n = node->detail;
    for (int64_t c = 0; c < n->of.channels; c++) reference_rows(node, r, c, r->weights[n->moving_mean][c], r->weights[n->moving_variance][c]);
}

static void statistics_reference(const Node *node, Reference *r, int64_t samples)
{
    const Normalization *n = node->detail;
    int64_t inner = n->of.inner, channels = n->of.channels, outer = samples * shape_count(&node->inputs[0]->shape) / (inner * channels);
    for (int64_t c = 0; c < channels; c++) {
        double mean = 0, variance = 0, count = (double)(outer * inner);
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++) mean += r->inputs[0][(o * channels + c) * inner + i] / count;
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++) variance += pow(r->inputs[0][(o * channels + c) * inner + i] - mean, 2) / count;
        reference_rows(node, r, c, mean, variance);
    }
}

static void reference(const Node *node, Reference *r)
{
    int64_t period = node->inputs[1]->period;
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i] * r->inputs[1][i % period] + r->inputs[2][i % period];
}

/* ---- scale and shift ---- */

/* Lines that store scale and shift of channels c, whose mean and variance are $MEAN and $VARIANCE. */
static void emit_scale(Emit *e, const Node *node, int lanes)
{
    const Normalization *n = node->detail;
    fill(e, "GAMMA", "%s", n->gamma < 0 ? "1.0f" : channel_load("gamma", "c", lanes));
    fill(e, "BETA", "%s", n->beta < 0 ? "" : memory_format("%s ", channel_load("beta", "c", lanes)));
    fill(e, "EPSILON", "%s", float_text(argument_number(node->arguments, "epsilon")));
    EMIT(e, "const $T inverse_c = 1.0f / $SQRT($VARIANCE + $EPSILON), scale_c = $GAMMA * inverse_c;");
    channel_store(e, "scale", "scale_c", lanes);
    fill(e, "MEAN", "%s", node->input_count ? "mean_c" : channel_load("moving_mean", "c", lanes));
    EMIT(e, "const $T shift_c = $BETA- $MEAN * scale_c;");
    channel_store(e, "shift", "shift_c", lanes);
}

static void emit_folding_channels(Emit *e, const Node *node, int lanes)
{
    fill(e, "VARIANCE", "%s", channel_load("moving_variance", "c", lanes));
    emit_scale(e, node, lanes);
}

static void emit_folding(Emit *e, const Node *node)
{
    const Normalization *n = node->detail;
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    channels_fill(e, &n->of);
    channels_each_emit(e, node, &n->of, emit_folding_channels);
    channels_row_emit(e, &n->of, "scale");
    channels_row_emit(e, &n->of, "shift");
    phase_end(e);
}

static void emit_statistics_channels(Emit *e, const Node *node, int lanes)
{
    double momentum = argument_number(node->arguments, "momentum");
    fill(e, "MEANS", "%s", channel_load("means", "c", lanes));
    fill(e, "VARIANCES", "%s", channel_load("variances", "c", lanes));
    EMIT(e, "const $T mean_c = $MEANS, variance_c = $VARIANCES;");
    fill(e, "VARIANCE", "variance_c");
    emit_scale(e, node, lanes);
    channel_store(e, "mean", "mean_c", lanes);
    channel_store(e, "inverse", "inverse_c", lanes);
    if (!(node->op->flags & OPERATOR_TRACKS)) return;
    const char *kept = float_text(momentum), *added = float_text(1 - momentum);
    channel_store(e, "moving_mean", memory_format("%s * %s + mean_c * %s", channel_load("moving_mean", "c", lanes), kept, added), lanes);
    channel_store(e, "moving_variance", memory_format("%s * %s + variance_c * %s", channel_load("moving_variance", "c", lanes), kept, added), lanes);
}

static void emit_statistics(Emit *e, const Node *node)
{
    const Normalization *n = node->detail;
    channels_statistics_emit(e, node, &n->of);
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    channels_fill(e, &n->of);
    channels_join_statistics_emit(e, &n->of);
    channels_each_emit(e, node, &n->of, emit_statistics_channels);
    channels_row_emit(e, &n->of, "scale");
    channels_row_emit(e, &n->of, "shift");
    channels_row_emit(e, &n->of, "mean");
    channels_row_emit(e, &n->of, "inverse");
    phase_end(e);
}

static void workspace(Graph *graph, Node *node)
{
    const Normalization *n = node->detail;
    graph_workspace(graph, node, channels_workspace(&n->of), 1);
}

static const char *folding_formula(const Node *node)
{
    (void)node;
    return "scale = gamma / sqrt(moving_variance + epsilon), shift = beta - moving_mean scale";
}

static const char *statistics_formula(const Node *node)
{
    const Normalization *n = node->detail;
    return memory_format("mean and variance of the batch, %lld channels; scale = gamma / sqrt(variance + epsilon), shift = beta - mean scale", (long long)n->of.channels);
}

static const Operator folding_operator = {
    .name = "batch_normalization_folding",
    .suffix = "folding",
    .operands = "; scale shift",
    .reference = folding_reference,
    .emit = emit_folding,
    .formula = folding_formula,
};

#define STATISTICS_OPERATOR(operator_name, operator_flags, operator_specialise)                                               \
    static const Operator operator_name = {                                                                                    \
        .name = "batch_normalization_statistics",                                                                              \
        .suffix = "statistics",                                                                                                \
        .operands = "x; scale shift mean inverse work",                                                                        \
        .flags = operator_flags,                                                                                               \
        .shape = statistics_shape,                                                                                             \
        .reference = folding_reference,                                                                                        \
        .batch_reference = statistics_reference,                                                                               \
        .specialise = operator_specialise,                                                                                     \
        .workspace = workspace,                                                                                                \
        .emit = emit_statistics,                                                                                               \
        .formula = statistics_formula,                                                                                         \
    };
STATISTICS_OPERATOR(tracking_operator, OPERATOR_TRACKS, NULL)

static void specialise(Graph *graph, Node *node)
{
    const Normalization *n = node->detail;
    if (graph->program == PROGRAM_TRAIN || graph->program == PROGRAM_GRADIENTS) {
        int64_t period = n->of.channels * n->of.inner;
        graph_row(graph, node, "mean", period);
        graph_row(graph, node, "inverse", period);
        if (graph->program == PROGRAM_TRAIN) node->op = &tracking_operator;
    } else {
        node->op = &folding_operator;
        node->input_count = 0;
    }
}

STATISTICS_OPERATOR(statistics_operator, 0, specialise)

/* ---- y and the gradients ---- */

static void element_of_gradient(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = $X * $A + ($B * $C + $D);");
}

static void element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = $X * $A + $B;");
}

/* Where a channel's number stands first in a row. */
static const char *first_of(const Normalization *n)
{
    return n->of.inner > 1 ? memory_format("c * %lld", (long long)n->of.inner) : "c";
}

static void emit_sums_channels(Emit *e, const Node *node, int lanes)
{
    const Normalization *n = node->detail;
    fill(e, "SUM", "%s", channel_load("sums", "c", lanes));
    fill(e, "PRODUCT", "%s", channel_load("products", "c", lanes));
    fill(e, "INVERSE", "%s", channel_load("inverse", first_of(n), lanes));
    fill(e, "SCALE", "%s", channel_load("scale", first_of(n), lanes));
    fill(e, "MEAN", "%s", channel_load("mean", first_of(n), lanes));
    EMIT(e, "const $T sum_c = $SUM, product_c = $PRODUCT * $INVERSE;");
    if (operand_number(node, "d_beta") >= 0) channel_store(e, "d_beta", "sum_c", lanes);
    if (operand_number(node, "d_gamma") >= 0) channel_store(e, "d_gamma", "product_c", lanes);
    EMIT(e, "const $T slope_c = -$SCALE * $INVERSE * product_c / all;");
    channel_store(e, "slope", "slope_c", lanes);
    EMIT(e, "const $T offset_c = -$SCALE * sum_c / all - slope_c * $MEAN;");
    channel_store(e, "offset", "offset_c", lanes);
}

static void emit_sums(Emit *e, const Node *node)
{
    const Normalization *n = node->detail;
    channels_sums_emit(e, node, &n->of);
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    channels_fill(e, &n->of);
    EMIT(e, "const float all = (float)count * $EACH.0f;");
    channels_join_sums_emit(e, &n->of);
    channels_each_emit(e, node, &n->of, emit_sums_channels);
    channels_row_emit(e, &n->of, "slope");
    channels_row_emit(e, &n->of, "offset");
    phase_end(e);
}

static const char *sums_formula(const Node *node)
{
    (void)node;
    return "d_beta = sum d_y, d_gamma = sum d_y (x - mean) inverse; slope = -scale inverse d_gamma / N, offset = -scale d_beta / N - slope mean";
}

static const Operator sums_operator = {
    .name = "batch_normalization_sums",
    .suffix = "sums",
    .workspace = workspace,
    .emit = emit_sums,
    .formula = sums_formula,
};

static const Operator gradient_operator = {
    .name = "batch_normalization_gradient",
    .suffix = "gradient",
    .operands = "x scale a slope offset; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .emit = elementwise_emit,
    .element = element_of_gradient,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    Node *statistics = node->inputs[1]->producer;
    const Normalization *n = statistics->detail;
    Tensor *x = node->inputs[0], *const *rows = statistics->outputs;
    Node *sums = graph_gradient_node(graph, &sums_operator, statistics, NULL, (Tensor *[]){d_output, x, rows[SCALE], rows[MEAN], rows[INVERSE]}, 5);
    sums->operands = memory_format("d_y x scale mean inverse; slope offset%s%s work", n->gamma < 0 ? "" : " d_gamma", n->beta < 0 ? "" : " d_beta");
    Tensor *slope = graph_row(graph, sums, "slope", rows[SCALE]->period), *offset = graph_row(graph, sums, "offset", rows[SCALE]->period);
    for (int i = 0; i < 2; i++) {
        int number = i ? n->beta : n->gamma;
        if (number >= 0) gradient_give(graph, statistics->weights[number], gradient_tensor(graph, sums, statistics->weights[number]));
    }
    if (!gradient_wanted(graph, x)) return;
    Node *d = graph_gradient_node(graph, &gradient_operator, node, NULL, (Tensor *[]){d_output, rows[SCALE], x, slope, offset}, 5);
    gradient_give(graph, x, gradient_tensor(graph, d, x));
}

static const char *formula(const Node *node)
{
    (void)node;
    return "y = x scale + shift, one of each for a channel";
}

static const Operator batch_normalization_operator = {
    .name = "batch_normalization",
    .suffix = "forward",
    .operands = "x scale shift; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .shape = shape,
    .reference = reference,
    .gradient = gradient,
    .emit = elementwise_emit,
    .element = element,
    .formula = formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Node *statistics = graph_node(graph, &statistics_operator, call, NULL, call->inputs, 1);
    statistics->outputs[SCALE]->batched = false;
    tensor_rename(statistics->outputs[SCALE], memory_format("%s/scale", call->name));
    Tensor *shift = graph_row(graph, statistics, "shift", 0);
    shift->shape.rank = -1; /* not known yet */
    return graph_node(graph, &batch_normalization_operator, call, NULL, (Tensor *[]){call->inputs[0], statistics->outputs[SCALE], shift}, 3)->outputs[0];
}

const Layer batch_normalization_layer = {
    .entry = {"batch_normalization", "Gives each channel mean 0 and variance 1 over the batch, then a scale and a shift that are learned.\nOutside of training moving averages take the place of the batch's mean and variance.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
