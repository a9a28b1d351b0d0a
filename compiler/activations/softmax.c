/* softmax: y[c] = e^x[c] / sum over k of e^x[k], over the last axis; the largest x is subtracted first, so that nothing
 * overflows. d_x[c] = y[c] (d_y[c] - sum over k of d_y[k] y[k]). */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
    if (node->inputs[0]->shape.rank < 1) diagnose(node->place, "softmax needs an input with at least one axis");
}

static int64_t last_size(const Node *node)
{
    const Shape *shape = &node->inputs[0]->shape;
    return shape->size[shape->rank - 1];
}

static void reference(const Node *node, Reference *r)
{
    int64_t classes = last_size(node);
    for (int64_t start = 0; start < shape_count(&node->outputs[0]->shape); start += classes) {
        const double *x = r->inputs[0] + start;
        double largest = -INFINITY, sum = 0;
        for (int64_t c = 0; c < classes; c++) largest = x[c] > largest ? x[c] : largest;
        for (int64_t c = 0; c < classes; c++) sum += exp(x[c] - largest);
        for (int64_t c = 0; c < classes; c++) r->outputs[0][start + c] = exp(x[c] - largest) / sum;
    }
}

static void bind_rows(Emit *e, const Node *node)
{
    fill_size(e, "C", last_size(node));
    fill_size(e, "ROWS", shape_count(&node->inputs[0]->shape) / last_size(node));
}

static void emit(Emit *e, const Node *node)
{
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    bind_rows(e, node);
    EMIT(e,
         "$SAMPLES{",
         "for (int m = 0; m < $ROWS; m++) {",
         "const float *const from = &x[($n * $ROWS + m) * $C];",
         "float *const to = &y[($n * $ROWS + m) * $C];",
         "float largest = from[0], sum = 0.0f;",
         "for (int c = 1; c < $C; c++) {",
         "largest = from[c] > largest ? from[c] : largest;",
         "}",
         "for (int c = 0; c < $C; c++) {",
         "to[c] = expf(from[c] - largest);",
         "sum += to[c];",
         "}",
         "for (int c = 0; c < $C; c++) {",
         "to[c] = to[c] / sum;",
         "}",
         "}",
         "}");
    phase_end(e);
}

static void emit_gradient(Emit *e, const Node *node)
{
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    bind_rows(e, node);
    EMIT(e,
         "for (ptrdiff_t m = first * $ROWS; m < last * $ROWS; m++) {",
         "const float *const d = &d_y[m * $C], *const p = &y[m * $C];",
         "float sum = 0.0f;",
         "for (int c = 0; c < $C; c++) sum += d[c] * p[c];",
         "for (int c = 0; c < $C; c++) d_x[m * $C + c] = p[c] * (d[c] - sum);",
         "}");
    phase_end(e);
}

static const char *formula(const Node *node)
{
    return memory_format("y[c] = e^x[c] / sum over k of e^x[k], %lld classes", (long long)last_size(node));
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x[c] = y[c] (d_y[c] - sum over k of d_y[k] y[k])";
}

static const Operator gradient_operator = {
    .name = "softmax_gradient",
    .suffix = "gradient",
    .operands = "d_y y; d_x",
    .flags = OPERATOR_FLAT,
    .emit = emit_gradient,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &gradient_operator, d_output, node->outputs[0]);
}

static const Operator softmax_operator = {
    .name = "softmax",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_FLAT,
    .shape = shape,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

const Activation softmax_activation = {.entry = {"softmax", "Probabilities over the last axis: e^x over the sum of all e^x.", parameters, NULL}, .op = &softmax_operator};
