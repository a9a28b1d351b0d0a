/* layer_normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance being those of each sample by itself
 * over the last axis, or the last ones: axis=[-2, -1]. gamma and beta have the sizes of these axes.
 *
 * Backward, with h = (x - mean) / sqrt(variance + epsilon) and g = gamma d_y: d_x = (g - mean of g - h times mean of g h) / sqrt(variance +
 * epsilon), d_gamma = sum of d_y h, d_beta = sum of d_y. h is made again. Source: Ba, Kiros, Hinton 2016;
 * keras.io/api/layers/normalization_layers/layer_normalization. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "axis", .type = PARAMETER_NUMBER, .list = true, .minimum = -MAX_RANK, .maximum = MAX_RANK, .fallback = "-1", .help = "the last axis or the last ones, over which is normalised; the batch is 0, -1 is the last"},
    {.name = "epsilon", .type = PARAMETER_NUMBER, .fallback = "0.001", .minimum = 0, .maximum = HUGE_VAL, .help = "added to the variance, so that nothing is divided by zero"},
    {.name = "center", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether beta is added"},
    {.name = "scale", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "whether the result is multiplied by gamma"},
    {.name = "beta_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "zeros", .help = "how beta is drawn at first"},
    {.name = "gamma_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "ones", .help = "how gamma is drawn at first"},
    REGULARIZER_PARAMETER("beta", "beta"),
    REGULARIZER_PARAMETER("gamma", "gamma"),
    {0},
};

typedef struct {
    int64_t rows, columns; /* of a sample; each row is normalised */
    int gamma, beta;       /* places among the weights; -1: none */
} Normalization;

static int add_weight(Graph *graph, Node *node, const char *name, const Shape *shape)
{
    Tensor *weight = graph_weight(graph, node, name, shape, true);
    weight->initial = initializer_resolve(argument_object(node->arguments, memory_format("%s_initializer", name)), shape);
    regularize(weight, node->arguments, memory_format("%s_regularizer", name));
    return node->weight_count - 1;
}

static void shape(Graph *graph, Node *node)
{
    const Shape *x = &node->inputs[0]->shape;
    int first, axes;
    if (!neighbouring_axes(node, x, &first, &axes) || first + axes < x->rank) {
        diagnose(argument_place(node->arguments, "axis"), "`axis` of layer_normalization is the last axis, -1, or a list of the last ones, such as [-2, -1]: the input is %s", shape_string(x));
        note_producer(node->inputs[0]);
        return;
    }
    Shape own = shape_of(axes, &x->size[x->rank - axes]);
    Normalization *n = node->detail = NEW(Normalization);
    n->columns = shape_count(&own);
    n->rows = shape_count(x) / n->columns;
    n->gamma = argument_boolean(node->arguments, "scale") ? add_weight(graph, node, "gamma", &own) : -1;
    n->beta = argument_boolean(node->arguments, "center") ? add_weight(graph, node, "beta", &own) : -1;
    node->outputs[0]->shape = *x;
}

static void reference(const Node *node, Reference *r)
{
    const Normalization *n = node->detail;
    for (int64_t m = 0; m < n->rows; m++) {
        const double *x = r->inputs[0] + m * n->columns;
        double mean = 0, variance = 0;
        for (int64_t c = 0; c < n->columns; c++) mean += x[c] / (double)n->columns;
        for (int64_t c = 0; c < n->columns; c++) variance += (x[c] - mean) * (x[c] - mean) / (double)n->columns;
        double inverse = 1 / sqrt(variance + argument_number(node->arguments, "epsilon"));
        for (int64_t c = 0; c < n->columns; c++)
            r->outputs[0][m * n->columns + c] = (x[c] - mean) * inverse * (n->gamma < 0 ? 1 : r->weights[n->gamma][c]) + (n->beta < 0 ? 0 : r->weights[n->beta][c]);
    }
}

/* ---- emission ---- */

static Channels columns_of(const Normalization *n)
{
    return (Channels){.channels = n->columns, .inner = 1, .rows = n->rows, .columns = n->columns};
}

/* A sum over a row: vectors and the rest apart, joined by sum_end. */
static void sum_add(Emit *e, const char *sum, const char *value, int lanes)
{
    text_add(&e->body, "%s%s += %s;\n", sum, lanes ? "_v" : "", value);
}

static void sum_begin(Emit *e, const char *sum)
{
    fill(e, "SUM", "%s", sum);
    EMIT(e, "f32x$L $SUM_v = {0};", "float $SUM = 0.0f;");
}

static void sum_end(Emit *e, const char *sum)
{
    fill(e, "SUM", "%s", sum);
    EMIT(e, "$SUM += sum_f32x$L($SUM_v);");
}

static void emit_sum(Emit *e, const Node *node, int lanes)
{
    (void)node;
    sum_add(e, "sum", channel_load("from", "c", lanes), lanes);
}

static void emit_squares(Emit *e, const Node *node, int lanes)
{
    (void)node;
    fill(e, "FROM", "%s", channel_load("from", "c", lanes));
    EMIT(e, "const $T apart = $FROM - mean;");
    sum_add(e, "squares", "apart * apart", lanes);
}

/* Mean and inverse deviation of the row `from`. */
static void emit_statistics(Emit *e, const Node *node)
{
    const Normalization *n = node->detail;
    Channels columns = columns_of(n);
    fill(e, "EPSILON", "%s", float_text(argument_number(node->arguments, "epsilon")));
    sum_begin(e, "sum");
    channels_each_emit(e, node, &columns, emit_sum);
    sum_end(e, "sum");
    EMIT(e, "const float mean = sum / $C.0f;");
    sum_begin(e, "squares");
    channels_each_emit(e, node, &columns, emit_squares);
    sum_end(e, "squares");
    EMIT(e, "const float inverse = 1.0f / sqrtf(squares / $C.0f + $EPSILON);");
}

static void emit_result(Emit *e, const Node *node, int lanes)
{
    const Normalization *n = node->detail;
    fill(e, "FROM", "%s", load_text(e, "&from[c]", lanes));
    EMIT(e, "f32x$L v = ($FROM - mean) * inverse;");
    if (n->gamma >= 0) EMIT(e, memory_format("v = v * %s;", load_text(e, "&gamma[c]", lanes)));
    if (n->beta >= 0) EMIT(e, memory_format("v = v + %s;", load_text(e, "&beta[c]", lanes)));
    const char *at = memory_format("(%s * %lld + m) * %lld + c", e->single ? "0" : "n", (long long)n->rows, (long long)n->columns);
    emit_epilogue(e, node, "v", memory_format("[%s]", at), memory_format("(uint32_t)(%s)", at), lanes);
    emit_store(e, memory_format("&y[%s]", at), "v", lanes);
}

static void emit(Emit *e, const Node *node)
{
    const Normalization *n = node->detail;
    Channels columns = columns_of(n);
    emit_narrow(e, n->columns);
    phase_begin(e, node, NULL, OVER_SAMPLES, n->rows);
    channels_fill(e, &columns);
    EMIT(e, "$SAMPLES{", "for (int m = $LOW; m < $HIGH; m++) {", "const float *const from = &x[($n * $ROWS + m) * $C];");
    emit_statistics(e, node);
    channels_vectors_emit(e, node, n->columns, emit_result);
    EMIT(e, "}", "}");
    phase_end(e);
}

static void emit_gradient_sums(Emit *e, const Node *node, int lanes)
{
    const Normalization *n = node->forward->detail;
    fill(e, "FROM", "%s", channel_load("from", "c", lanes));
    fill(e, "D", "%s", channel_load("d", "c", lanes));
    EMIT(e, "const $T d_c = $D, h = ($FROM - mean) * inverse;");
    fill(e, "GAMMA", "%s", n->gamma < 0 ? "d_c" : memory_format("d_c * %s", channel_load("gamma", "c", lanes)));
    EMIT(e, "const $T g = $GAMMA;");
    sum_add(e, "gs", "g", lanes);
    sum_add(e, "products", "g * h", lanes);
    channel_store(e, "gammas", memory_format("%s + d_c * h", channel_load("gammas", "c", lanes)), lanes);
    channel_store(e, "betas", memory_format("%s + d_c", channel_load("betas", "c", lanes)), lanes);
}

static void emit_gradient_result(Emit *e, const Node *node, int lanes)
{
    const Normalization *n = node->forward->detail;
    fill(e, "FROM", "%s", channel_load("from", "c", lanes));
    fill(e, "GAMMA", "%s", n->gamma < 0 ? channel_load("d", "c", lanes) : memory_format("%s * %s", channel_load("d", "c", lanes), channel_load("gamma", "c", lanes)));
    EMIT(e, "const $T h = ($FROM - mean) * inverse;");
    EMIT(e, "const $T result = ($GAMMA - gs / $C.0f - h * (products / $C.0f)) * inverse;");
    channel_store(e, "to", "result", lanes);
}

static void emit_gradient(Emit *e, const Node *node)
{
    const Normalization *n = node->forward->detail;
    Channels columns = columns_of(n);
    bool wanted = operand_number(node, "d_x") >= 0;
    int64_t sums = 2 * n->columns;
    emit_narrow(e, n->columns);
    phase_begin(e, node, "gradient_part", IN_SHARDS, 0);
    channels_fill(e, &columns);
    EMIT(e,
         "float *const gammas = shards + task * (2 * $C), *const betas = gammas + $C;",
         "memset(gammas, 0, 2 * $C * sizeof(float));",
         "for (ptrdiff_t m = first * $ROWS; m < last * $ROWS; m++) {",
         "const float *const from = &x[m * $C], *const d = &d_y[m * $C];");
    if (wanted) EMIT(e, "float *const to = &d_x[m * $C];");
    emit_statistics(e, node);
    sum_begin(e, "gs");
    sum_begin(e, "products");
    channels_each_emit(e, node, &columns, emit_gradient_sums);
    sum_end(e, "gs");
    sum_end(e, "products");
    if (wanted) channels_each_emit(e, node, &columns, emit_gradient_result);
    else EMIT(e, "(void)gs, (void)products;");
    EMIT(e, "}");
    phase_end(e);
    if (n->gamma >= 0) shard_sum_emit(e, node, "gamma_gradient", "d_gamma", n->columns, 0, sums);
    if (n->beta >= 0) shard_sum_emit(e, node, "beta_gradient", "d_beta", n->columns, n->columns, sums);
}

static void workspace(Graph *graph, Node *node)
{
    graph_workspace(graph, node, 2 * ((const Normalization *)node->forward->detail)->columns * TASKS, 1);
}

static const char *formula(const Node *node)
{
    const Normalization *n = node->detail;
    return memory_format("y = gamma (x - mean) / sqrt(variance + epsilon) + beta, for each of %lld rows of %lld", (long long)n->rows, (long long)n->columns);
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = (g - mean of g - h mean of g h) inverse, g = gamma d_y; d_gamma = sum of d_y h, d_beta = sum of d_y";
}

static const Operator gradient_operator = {
    .name = "layer_normalization_gradient",
    .suffix = "gradient",
    .flags = OPERATOR_FLAT,
    .workspace = workspace,
    .emit = emit_gradient,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    const Normalization *n = node->detail;
    Tensor *x = node->inputs[0], *gamma = n->gamma < 0 ? NULL : node->weights[n->gamma], *beta = n->beta < 0 ? NULL : node->weights[n->beta];
    bool wanted = gradient_wanted(graph, x);
    if (!wanted && !gamma && !beta) return;
    Node *d = graph_gradient_node(graph, &gradient_operator, node, NULL, (Tensor *[]){d_output, x, gamma}, gamma ? 3 : 2);
    d->operands = memory_format("d_y x%s;%s%s%s shards", gamma ? " gamma" : "", wanted ? " d_x" : "", gamma ? " d_gamma" : "", beta ? " d_beta" : "");
    if (wanted) gradient_give(graph, x, gradient_tensor(graph, d, x));
    if (gamma) gradient_give(graph, gamma, gradient_tensor(graph, d, gamma));
    if (beta) gradient_give(graph, beta, gradient_tensor(graph, d, beta));
}

static const Operator layer_normalization_operator = {
    .name = "layer_normalization",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .shape = shape,
    .steps = steps_beside_axes,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

ONE_NODE_LAYER(layer_normalization, "Gives the numbers of each sample mean 0 and variance 1 along the last axis, then a scale and a shift that are learned.", parameters, layer_normalization_operator)
