/* Losses of probabilities one by one. Source: keras.io/api/losses/probabilistic_losses.
 *
 * binary_crossentropy: -t log p - (1 - t) log(1 - p); label_smoothing s makes t (1 - s) + s / 2 of the targets. Behind a sigmoid, or with
 * from_logits, it is computed from the logit z, which neither overflows nor loses digits: max(z, 0) - z t + log(1 + e^-|z|), whose
 * derivative is sigmoid(z) - t. From other predictions p is held between 1e-7 and 1 - 1e-7.
 *
 * binary_focal_crossentropy (Lin et al. 2017) weighs that by (1 - q)^gamma, q = t p + (1 - t)(1 - p) being what was given to the truth.
 * kl_divergence: t log(t / p), summed over a row; both held between 1e-7 and 1. */
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "from_logits", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the output is the input of a sigmoid that the network does not have"},
    {.name = "label_smoothing", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0", .help = "how far the targets 0 and 1 move towards a half, in shares of that way"},
    {0},
};

static double smooth(const LossCase *c, double t)
{
    return t * (1 - c->smoothing) + c->smoothing / 2;
}

static double binary(const LossCase *c, double p, double t)
{
    t = smooth(c, t);
    if (c->logits && !c->absorbed) return fmax(p, 0) - p * t + log1p(exp(-fabs(p)));
    double held = c->absorbed ? p : fmin(fmax(p, 1e-7), 1 - 1e-7);
    return -(t > 0 ? t * log(held) : 0) - (t < 1 ? (1 - t) * log(1 - held) : 0);
}

/* Lines that declare `truth` and the cross-entropy and its derivative, by these names. */
static void emit_crossentropy(Emit *e, const LossRow *row, const char *value, const char *derivative)
{
    fill(e, "VALUE", "%s", value);
    fill(e, "DERIVATIVE", "%s", derivative);
    if (row->loss_case->logits) {
        EMIT(e,
             "const f32x$L z = $P, truth = $T, zero = {0};",
             "const f32x$L $VALUE = max_f32x$L(zero, z) - z * truth + log1p_f32x$L(exp_f32x$L(-abs_f32x$L(z)));");
        if (row->gradient) EMIT(e, "const f32x$L $DERIVATIVE = sigmoid_f32x$L(z) - truth;");
        return;
    }
    EMIT(e,
         "const f32x$L p_given = $P, truth = $T, one = (f32x$L){0} + 1.0f;",
         "const i32x$L below = p_given < 1e-7f, above = p_given > 1.0f - 1e-7f;",
         "const f32x$L held = select_f32x$L(below, one * 1e-7f, select_f32x$L(above, one - 1e-7f, p_given));",
         "const f32x$L $VALUE = -truth * log_f32x$L(held) - (1.0f - truth) * log_f32x$L(1.0f - held);");
    if (row->gradient) EMIT(e, "const f32x$L $DERIVATIVE = keep_f32x$L(~(below | above), (held - truth) / (held * (1.0f - held)));");
}

static void emit_binary(Emit *e, const LossRow *row)
{
    emit_crossentropy(e, row, "v", "g");
}

const Loss binary_crossentropy_loss = {
    .entry = {"binary_crossentropy", "Cross-entropy of outputs that are each a probability, for targets of 0 and 1.", parameters, NULL},
    .shares = true,
    .absorbs = "sigmoid",
    .element = binary,
    .emit_element = emit_binary,
};

/* ---- binary_focal_crossentropy ---- */

static const Parameter focal_parameters[] = {
    {.name = "apply_class_balancing", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether class 1 is weighed by alpha and class 0 by 1 - alpha"},
    {.name = "alpha", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0.25", .help = "the weight of class 1"},
    {.name = "gamma", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 100, .fallback = "2.0", .help = "how much less what is nearly right counts"},
    {.name = "from_logits", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the output is the input of a sigmoid that the network does not have"},
    {.name = "label_smoothing", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .fallback = "0", .help = "how far the targets 0 and 1 move towards a half, in shares of that way"},
    {0},
};

static double focal(const LossCase *c, double p, double t)
{
    double truth = smooth(c, t), alpha = argument_number(c->arguments, "alpha");
    double probability = c->logits && !c->absorbed ? 1 / (1 + exp(-p)) : p;
    double missing = 1 - truth * probability - (1 - truth) * (1 - probability);
    double weight = argument_boolean(c->arguments, "apply_class_balancing") ? truth * alpha + (1 - truth) * (1 - alpha) : 1;
    return weight * pow(missing, argument_number(c->arguments, "gamma")) * binary(c, p, t);
}

/* With m what is missing to 1: m^gamma b, and m' = 1 - 2 t times the derivative of p. */
static void emit_focal(Emit *e, const LossRow *row)
{
    const Object *arguments = row->loss_case->arguments;
    double gamma = argument_number(arguments, "gamma"), alpha = argument_number(arguments, "alpha");
    fill(e, "GAMMA", "%s", float_text(gamma));
    fill(e, "FALL", "%s", float_text(1 - 2 * alpha));
    fill(e, "OTHER", "%s", float_text(1 - alpha));
    emit_crossentropy(e, row, "b", "slope");
    EMIT(e, row->loss_case->logits ? "const f32x$L q = sigmoid_f32x$L(z);" : "const f32x$L q = p_given;");
    EMIT(e, "const f32x$L missing = truth + q - 2.0f * truth * q;");
    /* Of what is no probability it may be negative: then a whole power is that of its size, an odd one with its sign; any other is no number. */
    bool whole = gamma == floor(gamma), odd = whole && fmod(gamma, 2) == 1;
    EMIT(e,
         whole ? "const f32x$L size = max_f32x$L(missing, -missing);" : "const f32x$L size = missing;",
         odd ? "const f32x$L power = exp_f32x$L($GAMMA * log_f32x$L(size + 1e-30f));" : "const f32x$L factor = exp_f32x$L($GAMMA * log_f32x$L(size + 1e-30f));");
    if (odd) EMIT(e, "const f32x$L factor = select_f32x$L(missing < 0.0f, -power, power);");
    EMIT(e, argument_boolean(arguments, "apply_class_balancing") ? "const f32x$L weight_of_class = $OTHER - $FALL * truth;" : "const float weight_of_class = 1.0f;");
    EMIT(e, "const f32x$L v = weight_of_class * factor * b;");
    if (!row->gradient) return;
    EMIT(e, row->loss_case->logits ? "const f32x$L rise = q * (1.0f - q);" : "const float rise = 1.0f;");
    EMIT(e, "const f32x$L g = weight_of_class * factor * (slope + $GAMMA / (missing + 1e-30f) * (1.0f - 2.0f * truth) * rise * b);");
}

const Loss binary_focal_crossentropy_loss = {
    .entry = {"binary_focal_crossentropy", "binary_crossentropy in which what is nearly right counts for less.", focal_parameters, NULL},
    .shares = true,
    .absorbs = "sigmoid",
    .element = focal,
    .emit_element = emit_focal,
};

/* ---- kl_divergence ---- */

static const Parameter no_parameters[] = {{0}};

static double divergence(const LossCase *c, double p, double t)
{
    (void)c;
    double truth = fmin(fmax(t, 1e-7), 1);
    return truth * log(truth / fmin(fmax(p, 1e-7), 1));
}

static void emit_divergence(Emit *e, const LossRow *row)
{
    EMIT(e,
         "const f32x$L q = $P, truth_given = $T, one = (f32x$L){0} + 1.0f, least = one * 1e-7f;",
         "const f32x$L truth = select_f32x$L(truth_given < least, least, select_f32x$L(truth_given > one, one, truth_given));",
         "const f32x$L held = select_f32x$L(q < least, least, select_f32x$L(q > one, one, q));",
         "const f32x$L v = truth * log_f32x$L(truth / held);");
    if (row->gradient) EMIT(e, "const f32x$L g = keep_f32x$L(~((q < least) | (q > one)), -truth / held);");
}

const Loss kl_divergence_loss = {
    .entry = {"kl_divergence", "How far a distribution is from the target's: the sum of t log(t / p).", no_parameters, NULL},
    .summed = true,
    .element = divergence,
    .emit_element = emit_divergence,
};
