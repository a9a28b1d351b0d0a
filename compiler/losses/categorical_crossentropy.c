/* categorical_crossentropy: -sum over c of t[c] log p[c], p being a row of probabilities; label_smoothing s makes t[c] (1 - s) + s / classes
 * of the targets. categorical_focal_crossentropy (Lin et al. 2017) weighs each term by alpha (1 - p[c])^gamma. sparse_categorical_crossentropy: -log p[t], t being the number of the true class.
 *
 * Behind a softmax, or with from_logits, they are computed from the logits z, which neither overflows nor loses digits:
 * log(sum of e^z) - z[c] for the value, softmax(z) - t for the gradient. From other predictions, as Keras does: p is held between
 * 1e-7 and 1 - 1e-7 and divided by its sum (the first divides first). Source: keras.io/api/losses/probabilistic_losses. */
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "from_logits", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the output is the input of a softmax that the network does not have"},
    {.name = "label_smoothing", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0", .help = "the share of a target that is spread over all classes"},
    {0},
};

static double hold(double p)
{
    return p < 1e-7 ? 1e-7 : p > 1 - 1e-7 ? 1 - 1e-7 : p;
}

/* log p[i] as the loss has it. */
static double log_probability(const LossCase *c, const double *p, int64_t i)
{
    double sum = 0, largest = p[0];
    for (int64_t k = 1; k < c->classes; k++) largest = fmax(largest, p[k]);
    bool scores = c->logits && !c->absorbed;
    for (int64_t k = 0; k < c->classes; k++) sum += scores ? exp(p[k] - largest) : c->absorbed || !c->loss->class_indices ? p[k] : hold(p[k]);
    if (scores) return p[i] - largest - log(sum);
    if (c->absorbed) return log(p[i] / sum);
    return c->loss->class_indices ? log(hold(p[i]) / sum) : log(hold(p[i] / sum));
}

/* ---- the exponentials of the logits, the largest subtracted first ---- */

static void emit_largest(Emit *e, const LossRow *row)
{
    if (row->lanes == emit_level(e)->lanes) {
        EMIT(e, "top = max_f32x$L(top, $P);");
    } else {
        fill_size(e, "COUNT", row->lanes);
        EMIT(e, "top = max_f32x$L(top, select_f32x$L(first_i32x$L($COUNT), $P, top));");
    }
}

static void emit_power(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L power = exp_f32x$L($P - largest);");
    loss_sum(e, row, "sums", "power");
    if (row->gradient && !row->loss_case->loss->class_indices) {
        EMIT(e, "const f32x$L truth = $T;");
        loss_sum(e, row, "targets", "truth");
    }
    if (row->gradient) emit_store(e, "&d[c]", "power", row->lanes);
}

/* Leaves `largest` and `sum`, that of all e^(z - largest), which stand in d where that is there. */
static void emit_powers(Emit *e, const LossRow *row)
{
    EMIT(e, "f32x$L top = (f32x$L){0} + row[0], sums = {0};");
    loss_columns(e, row, emit_largest);
    EMIT(e, "const float largest = largest_f32x$L(top);");
    loss_columns(e, row, emit_power);
    EMIT(e, "const float sum = sum_f32x$L(sums);");
}

/* ---- categorical_crossentropy ---- */

static double categorical(const LossCase *c, const double *p, const double *t)
{
    double value = 0;
    for (int64_t i = 0; i < c->classes; i++) {
        double target = t[i] * (1 - c->smoothing) + c->smoothing / (double)c->classes;
        if (target < 0 || target > 0) value -= target * log_probability(c, p, i);
    }
    return value;
}

static void emit_logits_term(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L truth = $T, part = truth * ((largest - $P) + log_sum), v = keep_f32x$L(truth != 0.0f, part);");
    loss_sum(e, row, "losses", "v");
    if (!row->gradient) return;
    EMIT(e, "const f32x$L g = ($D * share - truth) * scale;");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_sum(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L a = $P;");
    loss_sum(e, row, "sums", "a");
}

static void emit_probability_term(Emit *e, const LossRow *row)
{
    EMIT(e,
         "const f32x$L q = $P / sum, truth = $T, one = (f32x$L){0} + 1.0f;",
         "const f32x$L held = select_f32x$L(q < 1e-7f, one * 1e-7f, select_f32x$L(q > 1.0f - 1e-7f, one - 1e-7f, q));",
         "const f32x$L v = -truth * log_f32x$L(held);");
    loss_sum(e, row, "losses", "v");
    if (!row->gradient) return;
    EMIT(e, "const f32x$L g = keep_f32x$L(~((q < 1e-7f) | (q > 1.0f - 1e-7f)), -truth / q), product = g * q;");
    loss_sum(e, row, "inside", "product");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_probability_gradient(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L g = ($D - mean) * (scale / sum);");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_categorical(Emit *e, const LossRow *row)
{
    EMIT(e, "f32x$L losses = {0};");
    if (row->loss_case->logits) {
        if (row->gradient) EMIT(e, "f32x$L targets = {0};");
        emit_powers(e, row);
        EMIT(e, "const float log_sum = logf(sum);");
        if (row->gradient) EMIT(e, "const float share = sum_f32x$L(targets) / sum;");
        loss_columns(e, row, emit_logits_term);
    } else {
        EMIT(e, "f32x$L sums = {0};");
        if (row->gradient) EMIT(e, "f32x$L inside = {0};");
        loss_columns(e, row, emit_sum);
        EMIT(e, "const float sum = sum_f32x$L(sums);");
        loss_columns(e, row, emit_probability_term);
        if (row->gradient) {
            EMIT(e, "const float mean = sum_f32x$L(inside);");
            loss_columns(e, row, emit_probability_gradient);
        }
    }
    EMIT(e, "value = sum_f32x$L(losses);");
}

const Loss categorical_crossentropy_loss = {
    .entry = {"categorical_crossentropy", "Minus the logarithm of the probability given to the true class.", parameters, NULL},
    .shares = true,
    .absorbs = "softmax",
    .row = categorical,
    .emit_row = emit_categorical,
};

/* ---- categorical_focal_crossentropy: of probabilities, also where these come from a softmax, as in Keras ---- */

static const Parameter focal_parameters[] = {
    {.name = "alpha", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.25", .help = "a factor on all"},
    {.name = "gamma", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 100, .fallback = "2.0", .help = "how much less what is nearly right counts"},
    {.name = "from_logits", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the output is the input of a softmax that the network does not have"},
    {.name = "label_smoothing", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0", .help = "the share of a target that is spread over all classes"},
    {0},
};

static double focal(const LossCase *c, const double *p, const double *t)
{
    double value = 0, alpha = argument_number(c->arguments, "alpha"), gamma = argument_number(c->arguments, "gamma");
    for (int64_t i = 0; i < c->classes; i++) {
        double log_p = log(hold(exp(log_probability(c, p, i)))), target = t[i] * (1 - c->smoothing) + c->smoothing / (double)c->classes;
        value -= target * alpha * pow(1 - exp(log_p), gamma) * log_p;
    }
    return value;
}

static void emit_probability(Emit *e, const LossRow *row)
{
    EMIT(e, row->loss_case->logits ? "const f32x$L q = exp_f32x$L($P - largest) / sum;" : "const f32x$L q = $P / sum;");
}

static void emit_focal_term(Emit *e, const LossRow *row)
{
    fill(e, "ALPHA", "%s", float_text(argument_number(row->loss_case->arguments, "alpha")));
    fill(e, "GAMMA", "%s", float_text(argument_number(row->loss_case->arguments, "gamma")));
    emit_probability(e, row);
    EMIT(e,
         "const f32x$L truth = $T, one = (f32x$L){0} + 1.0f;",
         "const f32x$L held = select_f32x$L(q < 1e-7f, one * 1e-7f, select_f32x$L(q > 1.0f - 1e-7f, one - 1e-7f, q));",
         "const f32x$L log_q = log_f32x$L(held), factor = $ALPHA * exp_f32x$L($GAMMA * log_f32x$L(1.0f - held));",
         "const f32x$L v = -truth * factor * log_q;");
    loss_sum(e, row, "losses", "v");
    if (!row->gradient) return;
    EMIT(e,
         "const f32x$L slope = truth * factor * ($GAMMA * log_q / (1.0f - held) - 1.0f / held);",
         "const f32x$L g = keep_f32x$L(~((q < 1e-7f) | (q > 1.0f - 1e-7f)), slope), product = g * q;");
    loss_sum(e, row, "inside", "product");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_focal_gradient(Emit *e, const LossRow *row)
{
    emit_probability(e, row);
    EMIT(e, "const f32x$L g = q * ($D - mean) * scale;");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_focal(Emit *e, const LossRow *row)
{
    LossRow value_only = *row;
    value_only.gradient = false;
    EMIT(e, "f32x$L losses = {0};");
    if (row->gradient) EMIT(e, "f32x$L inside = {0};");
    if (row->loss_case->logits) {
        emit_powers(e, &value_only);
    } else {
        EMIT(e, "f32x$L sums = {0};");
        loss_columns(e, row, emit_sum);
        EMIT(e, "const float sum = sum_f32x$L(sums);");
    }
    loss_columns(e, row, emit_focal_term);
    if (row->gradient) {
        EMIT(e, "const float mean = sum_f32x$L(inside);");
        loss_columns(e, row, row->loss_case->logits ? emit_focal_gradient : emit_probability_gradient);
    }
    EMIT(e, "value = sum_f32x$L(losses);");
}

const Loss categorical_focal_crossentropy_loss = {
    .entry = {"categorical_focal_crossentropy", "categorical_crossentropy in which what is nearly right counts for less.", focal_parameters, NULL},
    .shares = true,
    .row = focal,
    .emit_row = emit_focal,
};

/* ---- sparse_categorical_crossentropy ---- */

static const Parameter sparse_parameters[] = {
    {.name = "from_logits", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the output is the input of a softmax that the network does not have"},
    {0},
};

static double sparse(const LossCase *c, const double *p, const double *t)
{
    return -log_probability(c, p, (int64_t)t[0]);
}

static void emit_share(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L g = $D * share;");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_held(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L q = $P, one = (f32x$L){0} + 1.0f;", "const f32x$L held = select_f32x$L(q < 1e-7f, one * 1e-7f, select_f32x$L(q > 1.0f - 1e-7f, one - 1e-7f, q));");
    loss_sum(e, row, "sums", "held");
}

static void emit_held_gradient(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L q = $P, g = keep_f32x$L(~((q < 1e-7f) | (q > 1.0f - 1e-7f)), (f32x$L){0} + scale / sum);");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_sparse(Emit *e, const LossRow *row)
{
    if (row->loss_case->logits) {
        emit_powers(e, row);
        EMIT(e, "value = (largest - row[label]) + logf(sum);");
        if (!row->gradient) return;
        EMIT(e, "const float share = scale / sum;");
        loss_columns(e, row, emit_share);
        EMIT(e, "d[label] -= scale;");
        return;
    }
    EMIT(e, "f32x$L sums = {0};");
    loss_columns(e, row, emit_held);
    EMIT(e,
         "const float sum = sum_f32x$L(sums), chosen = row[label];",
         "value = logf(sum) - logf(chosen < 1e-7f ? 1e-7f : chosen > 1.0f - 1e-7f ? 1.0f - 1e-7f : chosen);");
    if (!row->gradient) return;
    loss_columns(e, row, emit_held_gradient);
    EMIT(e, "d[label] -= chosen < 1e-7f || chosen > 1.0f - 1e-7f ? 0.0f : scale / chosen;");
}

const Loss sparse_categorical_crossentropy_loss = {
    .entry = {"sparse_categorical_crossentropy", "categorical_crossentropy for targets that are class numbers.", sparse_parameters, NULL},
    .absorbs = "softmax",
    .class_indices = true,
    .row = sparse,
    .emit_row = emit_sparse,
};
