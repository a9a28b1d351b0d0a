/* softmax: y[c] = e^x[c] / sum over k of e^x[k], along one axis; the largest x is subtracted first, so that nothing
 * overflows. d_x[c] = y[c] (d_y[c] - sum over k of d_y[k] y[k]).
 *
 * In memory that is [outer][C][inner]. Along the last axis, where inner is 1, vectors run along the classes; else along what stands behind
 * them, each lane with a maximum and a sum of its own. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "axis", .type = PARAMETER_NUMBER, .minimum = -MAX_RANK, .maximum = MAX_RANK, .fallback = "-1", .help = "the axis of the classes; the batch is 0, -1 is the last"},
    {0},
};

typedef struct { int64_t outer, classes, inner; } Softmax;

static const Operator along_operator;

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Shape *sizes = &node->inputs[0]->shape;
    int axis;
    if (!axis_resolve(node, sizes, &axis)) return;
    Softmax *s = node->detail = NEW(Softmax);
    *s = (Softmax){1, sizes->size[axis], 1};
    for (int i = 0; i < axis; i++) s->outer *= sizes->size[i];
    for (int i = axis + 1; i < sizes->rank; i++) s->inner *= sizes->size[i];
    if (axis != sizes->rank - 1) node->op = &along_operator; /* no loss takes these for class probabilities */
    node->outputs[0]->shape = *sizes;
}

static void reference(const Node *node, Reference *r)
{
    const Softmax *s = node->detail;
    for (int64_t row = 0; row < s->outer * s->inner; row++) {
        int64_t start = row / s->inner * s->classes * s->inner + row % s->inner;
        const double *x = r->inputs[0] + start;
        double largest = -INFINITY, sum = 0;
        for (int64_t c = 0; c < s->classes; c++) largest = fmax(largest, x[c * s->inner]);
        for (int64_t c = 0; c < s->classes; c++) sum += exp(x[c * s->inner] - largest);
        for (int64_t c = 0; c < s->classes; c++) r->outputs[0][start + c * s->inner] = exp(x[c * s->inner] - largest) / sum;
    }
}

static void begin(Emit *e, const Node *node)
{
    const Softmax *s = node->detail;
    emit_narrow(e, s->inner > 1 ? s->inner : s->classes);
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "OUTER", s->outer);
    fill_size(e, "C", s->classes);
    fill_size(e, "INNER", s->inner);
    fill_size(e, "SIZE", s->classes * s->inner);
    EMIT(e, "$SAMPLES{", "for (int m = 0; m < $OUTER; m++) {");
}

static void end(Emit *e)
{
    EMIT(e, "}", "}");
    phase_end(e);
}

/* ---- along the last axis ---- */

static void exponential_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    fill(e, "LOAD", "%s", load_text(e, "&from[c]", lanes));
    EMIT(e, "const f32x$L v = exp_f32x$L($LOAD - largest);");
    emit_store(e, "&to[c]", "v", lanes);
    if (lanes == emit_level(e)->lanes) EMIT(e, "sums += v;");
}

static void share_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    emit_store(e, "&to[c]", memory_format("%s * share", load_text(e, "&to[c]", lanes)), lanes);
}

static void emit(Emit *e, const Node *node)
{
    int64_t classes = ((const Softmax *)node->detail)->classes;
    begin(e, node);
    bool whole = classes >= emit_level(e)->lanes;
    fill_size(e, "WHOLE", classes - classes % emit_level(e)->lanes);
    EMIT(e,
         "const float *const from = &x[($n * $OUTER + m) * $C];",
         "float *const to = &y[($n * $OUTER + m) * $C];",
         "float largest = from[0];");
    if (whole)
        EMIT(e,
             "f32x$L most = load_f32x$L(from), sums = {0};",
             "for (int c = $L; c < $WHOLE; c += $L) most = max_f32x$L(load_f32x$L(&from[c]), most);",
             "largest = largest_f32x$L(most);");
    EMIT(e, "for (int c = $WHOLE; c < $C; c++) largest = from[c] > largest ? from[c] : largest;");
    run_lines(e, node, "c", classes, exponential_lines, NULL);
    EMIT(e, whole ? "float sum = sum_f32x$L(sums);" : "float sum = 0.0f;");
    EMIT(e, "for (int c = $WHOLE; c < $C; c++) sum += to[c];", "const float share = 1.0f / sum;");
    run_lines(e, node, "c", classes, share_lines, NULL);
    end(e);
}

static void product_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    fill(e, "D", "%s", load_text(e, "&d[c]", lanes));
    fill(e, "P", "%s", load_text(e, "&p[c]", lanes));
    EMIT(e, "sums += $D * $P;");
}

static void gradient_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    emit_store(e, "&to[c]", memory_format("%s * (%s - sum)", load_text(e, "&p[c]", lanes), load_text(e, "&d[c]", lanes)), lanes);
}

static void emit_gradient(Emit *e, const Node *node)
{
    int64_t classes = ((const Softmax *)node->detail)->classes;
    begin(e, node);
    EMIT(e,
         "const float *const d = &d_y[($n * $OUTER + m) * $C], *const p = &y[($n * $OUTER + m) * $C];",
         "float *const to = &d_x[($n * $OUTER + m) * $C];",
         "f32x$L sums = {0};");
    run_lines(e, node, "c", classes, product_lines, NULL);
    EMIT(e, "const float sum = sum_f32x$L(sums);");
    run_lines(e, node, "c", classes, gradient_lines, NULL);
    end(e);
}

/* ---- along another ---- */

static void along_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const char *inner = memory_format("c * %lld + j", (long long)((const Softmax *)node->detail)->inner);
    fill(e, "FIRST", "%s", load_text(e, "&from[j]", lanes));
    fill(e, "FROM", "%s", load_text(e, memory_format("&from[%s]", inner), lanes));
    EMIT(e,
         "f32x$L largest = $FIRST, sum = {0};",
         "for (int c = 1; c < $C; c++) largest = max_f32x$L($FROM, largest);",
         "for (int c = 0; c < $C; c++) {",
         "const f32x$L v = exp_f32x$L($FROM - largest);");
    emit_store(e, memory_format("&to[%s]", inner), "v", lanes);
    EMIT(e, "sum += v;", "}", "for (int c = 0; c < $C; c++) {");
    emit_store(e, memory_format("&to[%s]", inner), memory_format("%s / sum", load_text(e, memory_format("&to[%s]", inner), lanes)), lanes);
    EMIT(e, "}");
}

static void emit_along(Emit *e, const Node *node)
{
    begin(e, node);
    EMIT(e, "const float *const from = &x[($n * $OUTER + m) * $SIZE];", "float *const to = &y[($n * $OUTER + m) * $SIZE];");
    run_lines(e, node, "j", ((const Softmax *)node->detail)->inner, along_lines, NULL);
    end(e);
}

static void along_gradient_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const char *inner = memory_format("c * %lld + j", (long long)((const Softmax *)node->detail)->inner);
    const char *d = load_text(e, memory_format("&d[%s]", inner), lanes), *p = load_text(e, memory_format("&p[%s]", inner), lanes);
    fill(e, "D", "%s", d);
    fill(e, "P", "%s", p);
    EMIT(e, "f32x$L sum = {0};", "for (int c = 0; c < $C; c++) sum += $D * $P;", "for (int c = 0; c < $C; c++) {");
    emit_store(e, memory_format("&to[%s]", inner), memory_format("%s * (%s - sum)", p, d), lanes);
    EMIT(e, "}");
}

static void emit_along_gradient(Emit *e, const Node *node)
{
    begin(e, node);
    EMIT(e,
         "const float *const d = &d_y[($n * $OUTER + m) * $SIZE], *const p = &y[($n * $OUTER + m) * $SIZE];",
         "float *const to = &d_x[($n * $OUTER + m) * $SIZE];");
    run_lines(e, node, "j", ((const Softmax *)node->detail)->inner, along_gradient_lines, NULL);
    end(e);
}

/* ---- the operators ---- */

static const char *formula(const Node *node)
{
    return memory_format("y[c] = e^x[c] / sum over k of e^x[k], %lld classes", (long long)((const Softmax *)node->detail)->classes);
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x[c] = y[c] (d_y[c] - sum over k of d_y[k] y[k])";
}

#define SOFTMAX_OPERATORS(which, operator_name, emit_forward, emit_backward)                                                   \
    static const Operator which##_gradient_operator = {                                                                        \
        .name = operator_name "_gradient",                                                                                     \
        .suffix = "gradient",                                                                                                  \
        .operands = "d_y y; d_x",                                                                                              \
        .flags = OPERATOR_FLAT | OPERATOR_BY_SAMPLES,                                                                          \
        .emit = emit_backward,                                                                                                 \
        .formula = gradient_formula,                                                                                           \
    };                                                                                                                         \
    static void which##_gradient(Graph *graph, Node *node, Tensor *d_output)                                                   \
    {                                                                                                                          \
        gradient_elementwise(graph, node, &which##_gradient_operator, d_output, node->outputs[0]);                             \
    }                                                                                                                          \
    static const Operator which##_operator = {                                                                                 \
        .name = operator_name,                                                                                                 \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y",                                                                                                    \
        .flags = OPERATOR_FLAT | OPERATOR_BY_SAMPLES,                                                                          \
        .shape = shape,                                                                                                        \
        .steps = steps_beside_axes,                                                                                            \
        .reference = reference,                                                                                                \
        .gradient = which##_gradient,                                                                                          \
        .emit = emit_forward,                                                                                                  \
        .formula = formula,                                                                                                    \
    };
SOFTMAX_OPERATORS(last, "softmax", emit, emit_gradient) /* by its name losses know what they can absorb */
SOFTMAX_OPERATORS(along, "softmax_along_axis", emit_along, emit_along_gradient)

const Activation softmax_activation = {.entry = {"softmax", "Probabilities along an axis: e^x over the sum of all e^x.", parameters, NULL}, .op = &last_operator};

const Layer softmax_layer = ACTIVATION_LAYER("softmax", "Probabilities along an axis: e^x over the sum of all e^x.", parameters);
