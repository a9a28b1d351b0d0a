/* Hinge losses: nothing is lost where a prediction lies beyond the margin on its label's side. Labels are -1 and 1; where all of a
 * batch are 0 or 1, these stand for -1 and 1. Source: keras.io/api/losses/hinge_losses. */
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {{0}};

/* ---- hinge: max(1 - t p, 0) ---- */

static double hinge(const LossCase *c, double p, double t)
{
    (void)c;
    return fmax(1 - t * p, 0);
}

static void emit_hinge(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L truth = $T, v = max_f32x$L((f32x$L){0}, 1.0f - truth * $P);");
    if (row->gradient) EMIT(e, "const f32x$L g = keep_f32x$L(v > 0.0f, -truth);");
}

const Loss hinge_loss = {
    .entry = {"hinge", "What is missing to a margin of 1 on the label's side, for labels of -1 and 1 (or 0 and 1).", parameters, NULL},
    .signs = true,
    .element = hinge,
    .emit_element = emit_hinge,
};

/* ---- squared_hinge: max(1 - t p, 0)^2 ---- */

static double squared_hinge(const LossCase *c, double p, double t)
{
    return hinge(c, p, t) * hinge(c, p, t);
}

static void emit_squared_hinge(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L truth = $T, missing = max_f32x$L((f32x$L){0}, 1.0f - truth * $P), v = missing * missing;");
    if (row->gradient) EMIT(e, "const f32x$L g = -2.0f * truth * missing;");
}

const Loss squared_hinge_loss = {
    .entry = {"squared_hinge", "The square of hinge.", parameters, NULL},
    .signs = true,
    .element = squared_hinge,
    .emit_element = emit_squared_hinge,
};

/* ---- categorical_hinge: max(1 + the largest (1 - t[c]) p[c] - the sum of t[c] p[c], 0) ---- */

static double categorical_hinge(const LossCase *c, const double *p, const double *t)
{
    double right = 0, wrong = -INFINITY;
    for (int64_t i = 0; i < c->classes; i++) {
        right += t[i] * p[i];
        wrong = fmax(wrong, (1 - t[i]) * p[i]);
    }
    return fmax(wrong - right + 1, 0);
}

static void emit_right_side(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L a = $P * $T;");
    loss_sum(e, row, "sums", "a");
}

static void emit_gradient(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L g = -$T * lost;");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_categorical_hinge(Emit *e, const LossRow *row)
{
    EMIT(e, "f32x$L sums = {0};");
    loss_columns(e, row, emit_right_side);
    EMIT(e,
         "int worst = 0;",
         "for (int c = 1; c < $C; c++) worst = (1.0f - t[c]) * row[c] > (1.0f - t[worst]) * row[worst] ? c : worst;",
         "value = (1.0f - t[worst]) * row[worst] - sum_f32x$L(sums) + 1.0f;");
    if (row->gradient) {
        EMIT(e, "const float lost = value > 0.0f ? scale : 0.0f;");
        loss_columns(e, row, emit_gradient);
        EMIT(e, "d[worst] += (1.0f - t[worst]) * lost;");
    }
    EMIT(e, "value = value < 0.0f ? 0.0f : value;");
}

const Loss categorical_hinge_loss = {
    .entry = {"categorical_hinge", "What the true class is missing to a lead of 1 over the best other one.", parameters, NULL},
    .row = categorical_hinge,
    .emit_row = emit_categorical_hinge,
};
