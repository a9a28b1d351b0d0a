/* adam: m += (g - m) (1 - beta_1), s += (g^2 - s) (1 - beta_2), w -= m rate sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(s) + epsilon).
 * Source: Kingma and Ba 2015, in the form of keras.io/api/optimizers/adam, where epsilon is the paper's "epsilon hat". */
#include "../cnnc.h"

static const Parameter parameters[] = {
    {.name = "learning_rate", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.001", .help = "the length of a step"},
    {.name = "beta_1", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .fallback = "0.9", .help = "how slowly the mean of the gradients forgets"},
    {.name = "beta_2", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1, .below_maximum = true, .fallback = "0.999", .help = "how slowly the mean of their squares forgets"},
    {.name = "epsilon", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "1e-7", .help = "keeps the quotient finite"},
    {.name = "amsgrad", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the largest mean of the squares so far is used (Reddi et al. 2018)"},
    {0},
};

static int slots(const Object *arguments, const char **names)
{
    names[0] = "momentum";
    names[1] = "velocity";
    names[2] = "velocity_hat";
    return argument_boolean(arguments, "amsgrad") ? 3 : 2;
}

static void prepare(Emit *e, const Object *arguments)
{
    fill(e, "BETA1", "%s", float_text(argument_number(arguments, "beta_1")));
    fill(e, "BETA2", "%s", float_text(argument_number(arguments, "beta_2")));
    EMIT(e, "const float alpha = rate * sqrtf(1.0f - powf($BETA2, iteration)) / (1.0f - powf($BETA1, iteration));");
}

static void update(Emit *e, const Object *arguments)
{
    fill(e, "REST1", "%s", float_text(1 - argument_number(arguments, "beta_1")));
    fill(e, "REST2", "%s", float_text(1 - argument_number(arguments, "beta_2")));
    fill(e, "EPSILON", "%s", float_text(argument_number(arguments, "epsilon")));
    EMIT(e,
         "m0 += (g - m0) * $REST1;",
         "m1 += (g * g - m1) * $REST2;");
    if (argument_boolean(arguments, "amsgrad")) EMIT(e, "m2 = max_f32x$L(m2, m1);", "v -= m0 * alpha / (sqrt_f32x$L(m2) + $EPSILON);");
    else EMIT(e, "v -= m0 * alpha / (sqrt_f32x$L(m1) + $EPSILON);");
}

const Optimizer adam_optimizer = {
    .entry = {"adam", "Steps scaled by running means of the gradient and its square.", parameters, NULL},
    .slots = slots,
    .prepare = prepare,
    .update = update,
};
