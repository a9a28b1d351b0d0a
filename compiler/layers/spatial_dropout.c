/* spatial_dropout1d, spatial_dropout2d: in training, whole channels of a sample are 0 with probability `rate`, else x / (1 - rate);
 * elsewhere y = x. Source: Tompson et al. 2015; keras.io/api/layers/regularization_layers/spatial_dropout2d. */
#include "noise.h"

#define RATE {.name = "rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .help = "the share of the channels that is dropped"}
static const Parameter sequence_parameters[] = {RATE, SEED_PARAMETER, {0}};
static const Parameter image_parameters[] = {RATE, DATA_FORMAT_PARAMETER, SEED_PARAMETER, {0}};

enum { MOST_CHANNELS = 1 << 14 }; /* whose factors are laid out on the stack */

static void shape_of_rank(Graph *graph, Node *node, int rank)
{
    const Shape *x = &node->inputs[0]->shape;
    if (!places_given(node, node->op->name, rank - 1)) return;
    if (x->size[rank - 1] > MOST_CHANNELS) {
        diagnose(node->place, "%s takes at most %d channels, not %s", node->op->name, MOST_CHANNELS, shape_string(x));
        note_producer(node->inputs[0]);
        return;
    }
    noise_shape(graph, node);
}

static void sequence_shape(Graph *graph, Node *node)
{
    shape_of_rank(graph, node, 2);
}

static void image_shape(Graph *graph, Node *node)
{
    shape_of_rank(graph, node, 3);
}

/* The same for the values and for their gradients. */
static void emit(Emit *e, const Node *node)
{
    const Shape *x = &node->inputs[0]->shape;
    int64_t channels = x->size[x->rank - 1], lanes;
    double rate = argument_number(node->arguments, "rate");
    emit_narrow(e, channels);
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    lanes = emit_level(e)->lanes;
    fill_size(e, "PLACES", shape_count(x) / channels);
    fill_size(e, "C", channels);
    fill_size(e, "WHOLE", channels / lanes * lanes);
    fill_size(e, "ROOM", (channels + lanes - 1) / lanes * lanes);
    noise_threshold(e, node, rate);
    noise_number(e, node, "scale", 1 / (1 - rate), 1);
    EMIT(e,
         "float factors[$ROOM];",
         "$SAMPLES{",
         "for (int c = 0; c < $C; c += $L) {",
         "const f32x$L factor = (f32x$L){0} + scale$STREAM;",
         "store_f32x$L(&factors[c], keep_f32x$L(~random_below_f32x$L(key$STREAM, (uint32_t)($n * $C + c), threshold$STREAM), factor));",
         "}",
         "for (int m = 0; m < $PLACES; m++) {");
    for (int part = 0; part < 2; part++) {
        int count = part ? (int)(channels % lanes) : (int)lanes;
        if (part ? !count : channels < lanes) continue;
        if (part) EMIT(e, "{", "const int c = $WHOLE;");
        else EMIT(e, "for (int c = 0; c < $WHOLE; c += $L) {");
        EMIT(e, memory_format("const f32x$L v = %s * load_f32x$L(&factors[c]);", load_text(e, "&x[($n * $PLACES + m) * $C + c]", count)));
        fill_size(e, "COUNT", count);
        EMIT(e, part ? "store_part_f32x$L(&y[($n * $PLACES + m) * $C + c], v, $COUNT);" : "store_f32x$L(&y[($n * $PLACES + m) * $C + c], v);");
        EMIT(e, "}");
    }
    EMIT(e, "}", "}");
    phase_end(e);
}

static const char *formula(const Node *node)
{
    double rate = argument_number(node->arguments, "rate");
    return memory_format("y = 0 for whole channels with probability %.9g, else x / %.9g", rate, 1 - rate);
}

static const Operator gradient_operator = {
    .name = "spatial_dropout_gradient",
    .suffix = "gradient",
    .operands = "x; y",
    .flags = OPERATOR_FLAT,
    .emit = emit,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, NULL);
}

#define SPATIAL_DROPOUT(layer_name, kind, text)                                                                                \
    static const Operator layer_name##_operator = {                                                                            \
        .name = #layer_name,                                                                                                   \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y",                                                                                                    \
        .flags = OPERATOR_FLAT | OPERATOR_NOISE,                                                                               \
        .shape = kind##_shape,                                                                                                  \
        .reference = noise_reference,                                                                                          \
        .gradient = gradient,                                                                                                  \
        .emit = emit,                                                                                                          \
        .formula = formula,                                                                                                    \
    };                                                                                                                         \
    ONE_NODE_LAYER(layer_name, text, kind##_parameters, layer_name##_operator)

SPATIAL_DROPOUT(spatial_dropout1d, sequence, "Leaves out a random share of the channels of a sequence, in training only.")
SPATIAL_DROPOUT(spatial_dropout2d, image, "Leaves out a random share of the channels of an image, in training only.")
