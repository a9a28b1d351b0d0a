/* categorical_crossentropy: -sum over c of target[c] log p[c], p being a row of probabilities; the mean over a sample's rows.
 *
 * Behind a softmax it is computed from the softmax's input z, which neither overflows nor loses digits:
 * log(sum of e^z) - z[c] for the value, softmax(z) - target for the gradient. From other predictions, as Keras does: p is divided
 * by its sum and held between 1e-7 and 1 - 1e-7. Source: keras.io/api/losses/probabilistic_losses. */
#include "../cnnc.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

static void fill_rows(Emit *e, const Node *node)
{
    const Shape *shape = &node->inputs[0]->shape;
    int64_t classes = shape->size[shape->rank - 1];
    fill_size(e, "C", classes);
    fill_size(e, "ROWS", shape_count(shape) / classes);
}

/* The loops and the sums are the same for both; what is done with a row differs. */
static void emit_rows(Emit *e, const Node *node, void (*emit_row)(Emit *))
{
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_rows(e, node);
    EMIT(e,
         "for (ptrdiff_t n = first; n < last; n++) {",
         "const float scale = (weight ? weight[n] : 1.0f) / $ROWS.0f;",
         "float value = 0.0f;",
         "for (ptrdiff_t m = n * $ROWS; m < (n + 1) * $ROWS; m++) {",
         "const float *const row = &p[m * $C], *const t = &target[m * $C];",
         "float *const d = &d_p[m * $C];");
    emit_row(e);
    EMIT(e, "}", "loss[n] = value * scale;", "}");
    phase_end(e);
}

static void emit_logits_row(Emit *e)
{
    EMIT(e,
         "float largest = row[0], sum = 0.0f, mass = 0.0f;",
         "for (int c = 1; c < $C; c++) largest = row[c] > largest ? row[c] : largest;",
         "for (int c = 0; c < $C; c++) {",
         "d[c] = expf(row[c] - largest);",
         "sum += d[c];",
         "}",
         "const float log_sum = largest + logf(sum);",
         "for (int c = 0; c < $C; c++) {",
         "mass += t[c];",
         "value += t[c] > 0.0f || t[c] < 0.0f ? t[c] * (log_sum - row[c]) : 0.0f;",
         "}",
         "for (int c = 0; c < $C; c++) d[c] = (d[c] / sum * mass - t[c]) * scale / (float)count;");
}

static void emit_probabilities_row(Emit *e)
{
    EMIT(e,
         "float sum = 0.0f, inside = 0.0f;",
         "for (int c = 0; c < $C; c++) sum += row[c];",
         "for (int c = 0; c < $C; c++) {",
         "const float q = row[c] / sum;",
         "const float held = q < 1e-7f ? 1e-7f : q > 1.0f - 1e-7f ? 1.0f - 1e-7f : q;",
         "value -= t[c] * logf(held);",
         "d[c] = q < 1e-7f || q > 1.0f - 1e-7f ? 0.0f : -t[c] / q;",
         "inside += d[c] * q;",
         "}",
         "for (int c = 0; c < $C; c++) d[c] = (d[c] - inside) / sum * scale / (float)count;");
}

static void emit_logits(Emit *e, const Node *node)
{
    emit_rows(e, node, emit_logits_row);
}

static void emit_probabilities(Emit *e, const Node *node)
{
    emit_rows(e, node, emit_probabilities_row);
}

static double reference(const LossCase *loss, const double *prediction, const double *target)
{
    int64_t count = loss->count, classes = loss->classes;
    double value = 0, least = loss->absorbed ? 0 : 1e-7, most = loss->absorbed ? 1 : 1 - 1e-7;
    for (int64_t start = 0; start < count; start += classes) {
        double sum = 0;
        for (int64_t c = 0; c < classes; c++) sum += prediction[start + c];
        for (int64_t c = 0; c < classes; c++) {
            double q = prediction[start + c] / sum;
            if (target[start + c] < 0 || target[start + c] > 0) value -= target[start + c] * log(q < least ? least : q > most ? most : q);
        }
    }
    return value / (double)(count / classes);
}

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    (void)node;
}

static const Operator logits_operator = {
    .name = "categorical_crossentropy_of_softmax",
    .suffix = "loss",
    .operands = "p target weight; loss d_p",
    .flags = OPERATOR_FLAT,
    .shape = shape,
    .emit = emit_logits,
};

static const Operator probabilities_operator = {
    .name = "categorical_crossentropy",
    .suffix = "loss",
    .operands = "p target weight; loss d_p",
    .flags = OPERATOR_FLAT,
    .shape = shape,
    .emit = emit_probabilities,
};

const Loss categorical_crossentropy_loss = {
    .entry = {"categorical_crossentropy", "Minus the logarithm of the probability given to the true class.", parameters, NULL},
    .absorbs = "softmax",
    .op = &probabilities_operator,
    .absorbed_op = &logits_operator,
    .reference = reference,
};
