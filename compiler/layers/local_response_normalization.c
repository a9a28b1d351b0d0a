/* local_response_normalization: y[c] = x[c] / s[c]^beta, s[c] = bias + alpha sum of x[k]^2 over the channels k with |k - c| <= depth_radius.
 *
 * Channels are the last axis; beyond its ends lie zeros. Backward d_x[c] = d_y[c] / s[c]^beta - 2 alpha beta x[c] times the sum over the
 * same window of d_y[k] x[k] / s[k]^(beta + 1); s is made again, which takes less time than to read it. The squares of a place
 * are laid out with zeros around them, so that a window is a sum of shifted vectors. beta 0.5, 0.75 and 1 need roots only.
 * Source: Krizhevsky, Sutskever, Hinton 2012 (AlexNet); tensorflow.org/api_docs/python/tf/nn/local_response_normalization. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

enum { MOST_CHANNELS = 1 << 14 }; /* of a place, laid out on the stack */

static const Parameter parameters[] = {
    {.name = "depth_radius", .type = PARAMETER_SIZE, .fallback = "5", .help = "how many channels on each side count"},
    {.name = "bias", .type = PARAMETER_NUMBER, .fallback = "1", .minimum = 0, .maximum = HUGE_VAL, .above_minimum = true, .help = "what the sum of squares is added to, so that nothing is divided by zero"},
    {.name = "alpha", .type = PARAMETER_NUMBER, .fallback = "1", .minimum = 0, .maximum = HUGE_VAL, .help = "factor of the sum of squares"},
    {.name = "beta", .type = PARAMETER_NUMBER, .fallback = "0.5", .minimum = 0, .maximum = HUGE_VAL, .help = "the power by which is divided"},
    {0},
};

typedef struct {
    int64_t places, channels, radius;
    double bias, alpha, beta;
} Response;

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Shape *x = &node->inputs[0]->shape;
    int64_t channels = x->rank < 1 ? 0 : x->size[x->rank - 1];
    if (channels < 1 || channels > MOST_CHANNELS) {
        diagnose(node->place, "local_response_normalization needs an input whose last axis has 1 to %d channels, not %s", MOST_CHANNELS, shape_string(x));
        note_producer(node->inputs[0]);
        return;
    }
    Response *r = node->detail = NEW(Response);
    *r = (Response){.places = shape_count(x) / channels,
                    .channels = channels,
                    .radius = argument_size(node->arguments, "depth_radius"),
                    .bias = argument_number(node->arguments, "bias"),
                    .alpha = argument_number(node->arguments, "alpha"),
                    .beta = argument_number(node->arguments, "beta")};
    if (r->radius > channels - 1) r->radius = channels - 1;
    node->outputs[0]->shape = *x;
}

static void reference(const Node *node, Reference *reference)
{
    const Response *r = node->detail;
    for (int64_t m = 0; m < r->places; m++)
        for (int64_t c = 0; c < r->channels; c++) {
            const double *x = reference->inputs[0] + m * r->channels;
            double sum = 0;
            for (int64_t k = c - r->radius; k <= c + r->radius; k++)
                if (k >= 0 && k < r->channels) sum += x[k] * x[k];
            reference->outputs[0][m * r->channels + c] = x[c] / pow(r->bias + r->alpha * sum, r->beta);
        }
}

/* ---- emission ---- */

static bool is(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

/* Opens the loops over samples and places; `arrays` declares those in which a place's numbers are laid out. */
static void emit_places(Emit *e, const Response *r, const char *arrays)
{
    int64_t lanes = emit_level(e)->lanes;
    fill_size(e, "PLACES", r->places);
    fill_size(e, "C", r->channels);
    fill_size(e, "WHOLE", r->channels / lanes * lanes);
    fill_size(e, "ROOM", (r->channels + lanes - 1) / lanes * lanes + 2 * r->radius);
    fill_size(e, "R", r->radius);
    fill(e, "BIAS", "%s", float_text(r->bias));
    fill(e, "ALPHA", "%s", float_text(r->alpha));
    fill(e, "BETA", "%s", float_text(r->beta));
    fill(e, "SLOPE", "%s", float_text(2 * r->alpha * r->beta));
    EMIT(e, arrays, "$SAMPLES{", "for (int m = $LOW; m < $HIGH; m++) {");
}

#define HERE "[($n * $PLACES + m) * $C + c]"

/* The numbers of an operand at channel c, as a vector of that name. */
static void emit_load(Emit *e, const char *name, const char *operand, int lanes)
{
    EMIT(e, memory_format("const f32x$L %s = %s;", name, load_text(e, memory_format("&%s" HERE, operand), lanes)));
}

/* The epilogue on the vector v, which goes to the operand `to`. */
static void emit_end(Emit *e, const Node *node, const char *to, int lanes)
{
    const Response *r = node->detail;
    const char *at = memory_format("(%s * %lld + m) * %lld + c", e->single ? "0" : "n", (long long)r->places, (long long)r->channels);
    emit_epilogue(e, node, "v", memory_format("[%s]", at), memory_format("(uint32_t)(%s)", at), lanes);
    emit_store(e, memory_format("&%s[%s]", to, at), "v", lanes);
}

/* sum = the window's sum in `array` around channel c. */
static void emit_window(Emit *e, const Response *r, const char *array)
{
    enum { MOST_UNROLLED = 16 };
    fill(e, "ARRAY", "%s", array);
    EMIT(e, "f32x$L sum = load_f32x$L(&$ARRAY[c]);");
    if (2 * r->radius >= MOST_UNROLLED) EMIT(e, "for (int j = 1; j <= 2 * $R; j++) sum += load_f32x$L(&$ARRAY[c + j]);");
    for (int64_t j = 1; j <= 2 * r->radius && 2 * r->radius < MOST_UNROLLED; j++) {
        fill_size(e, "J", j);
        EMIT(e, "sum += load_f32x$L(&$ARRAY[c + $J]);");
    }
}

/* power = s^-beta. */
static void emit_power(Emit *e, const Response *r)
{
    EMIT(e, "const f32x$L s = sum * $ALPHA + $BIAS;");
    if (is(r->beta, 0.5)) EMIT(e, "const f32x$L power = 1.0f / sqrt_f32x$L(s);");
    else if (is(r->beta, 0.75)) EMIT(e, "const f32x$L root = 1.0f / sqrt_f32x$L(s), power = root * sqrt_f32x$L(root);");
    else if (is(r->beta, 1)) EMIT(e, "const f32x$L power = 1.0f / s;");
    else EMIT(e, "const f32x$L power = exp_f32x$L(log_f32x$L(s) * -$BETA);");
}

static const char *inverse_text(const Response *r) /* 1 / s */
{
    return is(r->beta, 0.5) ? "power * power" : is(r->beta, 0.75) ? "root * root" : is(r->beta, 1) ? "power" : "1.0f / s";
}

static void emit_squares(Emit *e, const Node *node, int lanes)
{
    (void)node;
    emit_load(e, "x_c", "x", lanes);
    EMIT(e, "store_f32x$L(&squares[$R + c], x_c * x_c);");
}

static void emit_result(Emit *e, const Node *node, int lanes)
{
    emit_window(e, node->detail, "squares");
    emit_power(e, node->detail);
    emit_load(e, "x_c", "x", lanes);
    EMIT(e, "f32x$L v = x_c * power;");
    emit_end(e, node, "y", lanes);
}

static void emit(Emit *e, const Node *node)
{
    const Response *r = node->detail;
    emit_narrow(e, r->channels);
    phase_begin(e, node, NULL, OVER_SAMPLES, r->places);
    emit_places(e, r, "float squares[$ROOM] = {0};");
    channels_vectors_emit(e, node, r->channels, emit_squares);
    channels_vectors_emit(e, node, r->channels, emit_result);
    EMIT(e, "}", "}");
    phase_end(e);
}

static void emit_products(Emit *e, const Node *node, int lanes)
{
    const Response *r = node->detail;
    emit_window(e, r, "squares");
    emit_power(e, r);
    emit_load(e, "x_c", "x", lanes);
    emit_load(e, "d_c", "d_y", lanes);
    fill(e, "INVERSE", "%s", inverse_text(r));
    EMIT(e, "const f32x$L d_power = d_c * power;", "store_f32x$L(&scaled[c], d_power);", "store_f32x$L(&products[$R + c], d_power * x_c * ($INVERSE));");
}

static void emit_gradient_result(Emit *e, const Node *node, int lanes)
{
    emit_window(e, node->detail, "products");
    emit_load(e, "x_c", "x", lanes);
    EMIT(e, "f32x$L v = load_f32x$L(&scaled[c]) - x_c * sum * $SLOPE;");
    emit_end(e, node, "d_x", lanes);
}

static void emit_gradient(Emit *e, const Node *node)
{
    const Response *r = node->detail;
    emit_narrow(e, r->channels);
    phase_begin(e, node, NULL, OVER_SAMPLES, r->places);
    emit_places(e, r, "float squares[$ROOM] = {0}, products[$ROOM] = {0}, scaled[$ROOM];");
    channels_vectors_emit(e, node, r->channels, emit_squares);
    channels_vectors_emit(e, node, r->channels, emit_products);
    channels_vectors_emit(e, node, r->channels, emit_gradient_result);
    EMIT(e, "}", "}");
    phase_end(e);
}

static const char *formula(const Node *node)
{
    const Response *r = node->detail;
    return memory_format("y[c] = x[c] / (%.9g + %.9g sum of x[k]^2 over |k - c| <= %lld)^%.9g", r->bias, r->alpha, (long long)r->radius, r->beta);
}

static const char *gradient_formula(const Node *node)
{
    const Response *r = node->detail;
    return memory_format("d_x[c] = d_y[c] s[c]^-%.9g - %.9g x[c] sum of d_y[k] x[k] s[k]^-%.9g over |k - c| <= %lld", r->beta, 2 * r->alpha * r->beta, r->beta + 1, (long long)r->radius);
}

static const Operator gradient_operator = {
    .name = "local_response_normalization_gradient",
    .suffix = "gradient",
    .operands = "d_y x; d_x",
    .flags = OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .emit = emit_gradient,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, node->inputs[0]);
}

static const Operator local_response_normalization_operator = {
    .name = "local_response_normalization",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .shape = shape,
    .steps = steps_of_rows,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

ONE_NODE_LAYER(local_response_normalization, "Divides each channel by a power of the squares of its neighbours, as AlexNet and GoogLeNet do.", parameters, local_response_normalization_operator)
