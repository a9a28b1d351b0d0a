/* dropout: in training, y = 0 with probability `rate`, else x / (1 - rate); elsewhere y = x.
 *
 * Which numbers are dropped is a function of seed, step, layer and index (random.h): the gradient asks again, no mask is
 * stored. Source: Srivastava et al. 2014; keras.io/api/layers/regularization_layers/dropout. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .help = "the share of the numbers that is dropped"},
    {.name = "seed", .type = PARAMETER_SIZE, .fallback = "none", .help = "for random numbers of its own; none: those of the training"},
    {0},
};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

static void reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i]; /* as in inference */
}

/* The same for the values and for their gradients. */
static void element(Emit *e, const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    if (!(rate > 0)) return;
    if (!(rate < 1)) {
        EMIT(e, "if (step) $X = (f32x$L){0};");
        return;
    }
    double threshold = rate * 0x1p32;
    fill_size(e, "STREAM", node->stream);
    emit_once(e, memory_format("const uint64_t key%u = step ? %s : 0;", node->stream, noise_key(node)));
    emit_once(e, memory_format("const uint32_t threshold%u = step ? %uu : 0;", node->stream, threshold < 4294967295.0 ? (unsigned)threshold : 4294967295u));
    emit_once(e, memory_format("const float scale%u = step ? %s : 1.0f;", node->stream, float_text(1 / (1 - rate))));
    EMIT(e, "$X = keep_f32x$L(~random_below_f32x$L(key$STREAM, $I, threshold$STREAM), $X * scale$STREAM);");
}

static const Operator gradient_operator = {
    .name = "dropout_gradient",
    .suffix = "gradient",
    .operands = "x; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .emit = elementwise_emit,
    .element = element,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, NULL);
}

static const char *formula(const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    return memory_format("y = 0 with probability %.9g, else x / %.9g", rate, 1 - rate);
}

static const Operator dropout_operator = {
    .name = "dropout",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_NOISE | OPERATOR_KEEPS_SIGN,
    .shape = shape,
    .reference = reference,
    .gradient = gradient,
    .emit = elementwise_emit,
    .element = element,
    .formula = formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return graph_node(graph, &dropout_operator, call, NULL, call->inputs, 1)->outputs[0];
}

const Layer dropout_layer = {
    .entry = {"dropout", "Leaves out a random share of its input, in training only.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
