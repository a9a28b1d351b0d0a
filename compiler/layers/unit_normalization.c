/* unit_normalization: y = x / |x|, |x| being the root of the sum of squares along an axis, or along several that are
 * neighbours: all numbers of a sample, axis=[1, 2, 3], or of a place of an image, axis=-1. |x| counts as 1e-12 at least, so
 * that zeros stay zeros.
 *
 * In memory that is [outer][C][inner]. Where inner is 1 vectors run along the C numbers, else along what stands behind them,
 * each lane with a sum of its own. Backward d_x = (d_y - x (sum of d_y x) / |x|^2) / |x|: the part of d_y along x has no
 * effect; but where |x| is below 1e-12 and y is proportional to x, d_x = d_y / 1e-12. Source:
 * keras.io/api/layers/normalization_layers/unit_normalization. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

#define LEAST_NORM 1e-12

static const Parameter parameters[] = {
    {.name = "axis",
     .type = PARAMETER_NUMBER,
     .list = true,
     .minimum = -MAX_RANK,
     .maximum = MAX_RANK,
     .fallback = "-1",
     .help = "the axis, or neighbouring axes, whose numbers get length 1 together; the batch is 0, -1 is the last"},
    {0},
};

typedef struct {
    int64_t outer, count, inner;
} Normalization;

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Shape *x = &node->inputs[0]->shape;
    int first, axes;
    if (!neighbouring_axes(node, x, &first, &axes)) {
        diagnose(argument_place(node->arguments, "axis"),
                 "`axis` of unit_normalization is an axis or a list of neighbouring ones, such as [1, 2, 3]: the input is %s",
                 shape_string(x));
        note_producer(node->inputs[0]);
        return;
    }
    Normalization *u = node->detail = NEW(Normalization);
    *u = (Normalization){1, 1, 1};
    for (int i = 0; i < x->rank; i++) *(i < first ? &u->outer : i < first + axes ? &u->count : &u->inner) *= x->size[i];
    node->outputs[0]->shape = *x;
}

static void reference(const Node *node, Reference *r)
{
    const Normalization *u = node->detail;
    for (int64_t row = 0; row < u->outer * u->inner; row++) {
        int64_t start = row / u->inner * u->count * u->inner + row % u->inner;
        double squares = 0;
        for (int64_t c = 0; c < u->count; c++) squares += pow(r->inputs[0][start + c * u->inner], 2);
        for (int64_t c = 0; c < u->count; c++)
            r->outputs[0][start + c * u->inner] = r->inputs[0][start + c * u->inner] / fmax(sqrt(squares), LEAST_NORM);
    }
}

/* ---- emission ---- */

static const Normalization *detail(const Node *node)
{
    return node->forward ? node->forward->detail : node->detail;
}

/* Subscript of number c of the row, or of the vector that begins at j in each of its C rows. */
static const char *place(const Emit *e, const Normalization *u)
{
    const char *row =
        memory_format("(%s * %lld + m) * %lld", e->single ? "0" : "n", (long long)u->outer, (long long)(u->count * u->inner));
    return u->inner == 1 ? memory_format("%s + c", row) : memory_format("%s + c * %lld + j", row, (long long)u->inner);
}

/* Adds number c to the sums. */
static void sum_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const char *at = place(e, detail(node));
    EMIT(e, memory_format("const f32x$L x_c = %s;", load_text(e, memory_format("&x[%s]", at), lanes)), "squares += x_c * x_c;");
    if (node->forward) EMIT(e, memory_format("products += %s * x_c;", load_text(e, memory_format("&d_y[%s]", at), lanes)));
}

/* Stores number c, given the inverse of |x| and, backward, `along`. */
static void result_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const char *at = place(e, detail(node)), *x_c = load_text(e, memory_format("&x[%s]", at), lanes);
    if (node->forward)
        EMIT(e,
             memory_format("f32x$L v = (%s - %s * along) * inverse;", load_text(e, memory_format("&d_y[%s]", at), lanes), x_c));
    else
        EMIT(e, memory_format("f32x$L v = %s * inverse;", x_c));
    emit_epilogue(e, node, "v", memory_format("[%s]", at), memory_format("(uint32_t)(%s)", at), lanes);
    emit_store(e, memory_format("&%s[%s]", node->forward ? "d_x" : "y", at), "v", lanes);
}

/* The C rows under one vector of each. */
static void column_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    EMIT(
        e, node->forward ? "f32x$L squares = {0}, products = {0};" : "f32x$L squares = {0};", "for (int c = 0; c < $C; c++) {");
    sum_lines(e, node, lanes, context);
    EMIT(e, "}", "const f32x$L inverse = 1.0f / max_f32x$L(sqrt_f32x$L(squares), (f32x$L){0} + $LEAST);");
    if (node->forward)
        EMIT(e, "const f32x$L along = (f32x$L)((i32x$L)(products * inverse * inverse) & (i32x$L)(squares > $LEAST * $LEAST));");
    EMIT(e, "for (int c = 0; c < $C; c++) {");
    result_lines(e, node, lanes, context);
    EMIT(e, "}");
}

static void emit(Emit *e, const Node *node)
{
    const Normalization *u = detail(node);
    emit_narrow(e, u->inner > 1 ? u->inner : u->count);
    phase_begin(e, node, NULL, OVER_SAMPLES, u->outer);
    fill_size(e, "C", u->count);
    fill(e, "LEAST", "%s", float_text(LEAST_NORM));
    EMIT(e, "$SAMPLES{", "for (int m = $LOW; m < $HIGH; m++) {");
    if (u->inner > 1) {
        run_lines(e, node, "j", u->inner, column_lines, NULL);
    } else {
        EMIT(e, node->forward ? "f32x$L squares = {0}, products = {0};" : "f32x$L squares = {0};");
        run_lines(e, node, "c", u->count, sum_lines, NULL);
        EMIT(e, "const float sum = sum_f32x$L(squares), root = sqrtf(sum), inverse = 1.0f / (root < $LEAST ? $LEAST : root);");
        if (node->forward)
            EMIT(e, "const float along = sum > $LEAST * $LEAST ? sum_f32x$L(products) * inverse * inverse : 0.0f;");
        run_lines(e, node, "c", u->count, result_lines, NULL);
    }
    EMIT(e, "}", "}");
    phase_end(e);
}

static const char *formula(const Node *node)
{
    const Normalization *u = node->detail;
    return memory_format(
        "y = x / |x|, for each of %lld times %lld numbers", (long long)(u->outer * u->inner), (long long)u->count);
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = (d_y - x (sum of d_y x) / |x|^2) / |x|";
}

static const Operator gradient_operator = {
    .name = "unit_normalization_gradient",
    .suffix = "gradient",
    .operands = "d_y x; d_x",
    .flags = OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_BY_SAMPLES,
    .emit = emit,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, node->inputs[0]);
}

static const Operator unit_normalization_operator = {
    .name = "unit_normalization",
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

ONE_NODE_LAYER(unit_normalization, "Gives the numbers of each sample length 1 along the last axis, or along others.",
               parameters, unit_normalization_operator)
