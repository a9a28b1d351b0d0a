/* Losses of single numbers p beside what they should be, t: the mean over all of a function of the error.
 *
 * Where p does not matter (mean_squared_logarithmic_error below 1e-7) the gradient is zero. Source: keras.io/api/losses/regression_losses. */
#include "../kernels/kernels.h"

#include <math.h>

static const double EPSILON = 1e-7; /* keras.config.epsilon() */

static const Parameter parameters[] = {{0}};

/* ---- mean_squared_error: (p - t)^2 ---- */

static double squared(const LossCase *c, double p, double t)
{
    (void)c;
    return (p - t) * (p - t);
}

static void emit_squared(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L error = $P - $T, v = error * error;");
    if (row->gradient) EMIT(e, "const f32x$L g = 2.0f * error;");
}

const Loss mean_squared_error_loss = {
    .entry = {"mean_squared_error", "The mean of the squared differences.", parameters, NULL},
    .element = squared,
    .emit_element = emit_squared,
};

/* ---- mean_absolute_error: |p - t| ---- */

static double absolute(const LossCase *c, double p, double t)
{
    (void)c;
    return fabs(p - t);
}

static void emit_absolute(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L error = $P - $T, v = abs_f32x$L(error);");
    if (row->gradient) EMIT(e, "const f32x$L g = sign_f32x$L(error);");
}

const Loss mean_absolute_error_loss = {
    .entry = {"mean_absolute_error", "The mean of the absolute differences.", parameters, NULL},
    .element = absolute,
    .emit_element = emit_absolute,
};

/* ---- mean_absolute_percentage_error: 100 |p - t| / max(|t|, 1e-7) ---- */

static double percentage(const LossCase *c, double p, double t)
{
    (void)c;
    return 100 * fabs(p - t) / fmax(fabs(t), EPSILON);
}

static void emit_percentage(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L error = $P - $T, share = 100.0f / max_f32x$L(abs_f32x$L($T), (f32x$L){0} + 1e-7f), v = abs_f32x$L(error) * share;");
    if (row->gradient) EMIT(e, "const f32x$L g = sign_f32x$L(error) * share;");
}

const Loss mean_absolute_percentage_error_loss = {
    .entry = {"mean_absolute_percentage_error", "The mean of the absolute differences, in per cent of the targets.", parameters, NULL},
    .element = percentage,
    .emit_element = emit_percentage,
};

/* ---- mean_squared_logarithmic_error: (log(p + 1) - log(t + 1))^2, p and t at least 1e-7 ---- */

static double logarithmic(const LossCase *c, double p, double t)
{
    (void)c;
    double error = log(fmax(p, EPSILON) + 1) - log(fmax(t, EPSILON) + 1);
    return error * error;
}

static void emit_logarithmic(Emit *e, const LossRow *row)
{
    EMIT(e,
         "const f32x$L least = (f32x$L){0} + 1e-7f, prediction = $P, held = max_f32x$L(least, prediction);",
         "const f32x$L error = log1p_f32x$L(held) - log1p_f32x$L(max_f32x$L(least, $T)), v = error * error;");
    if (row->gradient) EMIT(e, "const f32x$L g = keep_f32x$L(prediction > least, 2.0f * error / (held + 1.0f));");
}

const Loss mean_squared_logarithmic_error_loss = {
    .entry = {"mean_squared_logarithmic_error", "The mean of the squared differences of log(1 + x).", parameters, NULL},
    .element = logarithmic,
    .emit_element = emit_logarithmic,
};

/* ---- huber: a parabola up to an error of delta, straight lines beyond ---- */

static const Parameter huber_parameters[] = {
    {.name = "delta", .type = PARAMETER_NUMBER, .minimum = 0, .above_minimum = true, .maximum = 1e30, .fallback = "1.0", .help = "the error from which on it counts by its size, not by its square"},
    {0},
};

static double huber(const LossCase *c, double p, double t)
{
    double delta = argument_number(c->arguments, "delta"), error = fabs(p - t);
    return error <= delta ? error * error / 2 : delta * error - delta * delta / 2;
}

/* With a the error's size, but no more than delta: a (|error| - a / 2), whose derivative is a with the error's sign. */
static void emit_huber(Emit *e, const LossRow *row)
{
    fill(e, "DELTA", "%s", float_text(argument_number(row->loss_case->arguments, "delta")));
    EMIT(e,
         "const f32x$L error = $P - $T, size = abs_f32x$L(error);",
         "const f32x$L a = select_f32x$L(size > $DELTA, (f32x$L){0} + $DELTA, size), v = a * (size - 0.5f * a);");
    if (row->gradient) EMIT(e, "const f32x$L g = a * sign_f32x$L(error);");
}

const Loss huber_loss = {
    .entry = {"huber", "Squared for small errors, linear for large ones: outliers count for less.", huber_parameters, NULL},
    .element = huber,
    .emit_element = emit_huber,
};

/* ---- log_cosh: log((e^x + e^-x) / 2) of the error x ---- */

static double log_cosh(const LossCase *c, double p, double t)
{
    (void)c;
    double size = fabs(p - t);
    return size + log1p(exp(-2 * size)) - log(2);
}

/* Small errors by the Taylor series: there the difference of the terms would leave no digits. */
static void emit_log_cosh(Emit *e, const LossRow *row)
{
    EMIT(e,
         "const f32x$L error = $P - $T, size = abs_f32x$L(error), square = error * error;",
         "const f32x$L series = square * (0.5f - square * (0.0833333333f - square * (0.0222222222f - square * 0.00674603175f)));",
         "const f32x$L v = select_f32x$L(size < 0.3f, series, size + log1p_f32x$L(exp_f32x$L(-2.0f * size)) - 0.693147181f);");
    if (row->gradient) EMIT(e, "const f32x$L g = tanh_f32x$L(error);");
}

const Loss log_cosh_loss = {
    .entry = {"log_cosh", "The logarithm of the hyperbolic cosine of the errors: squared for small ones, linear for large ones.", parameters, NULL},
    .element = log_cosh,
    .emit_element = emit_log_cosh,
};

/* ---- poisson: p - t log(p + 1e-7) ---- */

static double poisson(const LossCase *c, double p, double t)
{
    (void)c;
    return p - t * log(p + EPSILON);
}

static void emit_poisson(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L rate = $P, event = $T, v = rate - event * log_f32x$L(rate + 1e-7f);");
    if (row->gradient) EMIT(e, "const f32x$L g = 1.0f - event / (rate + 1e-7f);");
}

const Loss poisson_loss = {
    .entry = {"poisson", "For counts: prediction - target * log(prediction).", parameters, NULL},
    .element = poisson,
    .emit_element = emit_poisson,
};

/* ---- cosine_similarity: minus the cosine of the angle between the rows p and t, whose lengths are taken as 1e-7 at least ---- */

static double cosine_similarity(const LossCase *c, const double *p, const double *t)
{
    double product = 0, p2 = 0, t2 = 0;
    for (int64_t i = 0; i < c->classes; i++) product += p[i] * t[i], p2 += p[i] * p[i], t2 += t[i] * t[i];
    return -product / fmax(sqrt(p2), EPSILON) / fmax(sqrt(t2), EPSILON);
}

static void emit_cosine_sums(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L a = $P, b = $T;");
    loss_sum(e, row, "products", "a * b");
    loss_sum(e, row, "p_squares", "a * a");
    loss_sum(e, row, "t_squares", "b * b");
}

static void emit_cosine_gradient(Emit *e, const LossRow *row)
{
    EMIT(e, "const f32x$L g = ($P * along - $T) * (scale / p_length / t_length);");
    emit_store(e, "&d[c]", "g", row->lanes);
}

static void emit_cosine(Emit *e, const LossRow *row)
{
    EMIT(e, "f32x$L products = {0}, p_squares = {0}, t_squares = {0};");
    loss_columns(e, row, emit_cosine_sums);
    EMIT(e,
         "const float p_norm = sqrtf(sum_f32x$L(p_squares)), p_length = p_norm < 1e-7f ? 1e-7f : p_norm;",
         "const float t_norm = sqrtf(sum_f32x$L(t_squares)), t_length = t_norm < 1e-7f ? 1e-7f : t_norm;",
         "value = -sum_f32x$L(products) / p_length / t_length;");
    if (!row->gradient) return;
    EMIT(e, "const float along = p_norm < 1e-7f ? 0.0f : -value * t_length / p_length;");
    loss_columns(e, row, emit_cosine_gradient);
}

const Loss cosine_similarity_loss = {
    .entry = {"cosine_similarity", "Minus the cosine of the angle between prediction and target.", parameters, NULL},
    .negated = true,
    .row = cosine_similarity,
    .emit_row = emit_cosine,
};
