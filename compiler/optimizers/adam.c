/* adam: m += (g - m) (1 - beta_1), s += (g^2 - s) (1 - beta_2), w -= m rate sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(s) + epsilon);
 * with amsgrad the largest s so far in its place. adamw: the same, with a weight decay by default.
 * Sources: Kingma and Ba 2015, in the form of keras.io/api/optimizers/adam, where epsilon is the paper's "epsilon hat";
 * Reddi et al. 2018; Loshchilov and Hutter 2019. */
#include "optimizer.h"

#define BETAS BETA("1", "0.9", "how slowly the mean of the gradients forgets"), BETA("2", "0.999", "how slowly the mean of their squares forgets")
#define AMSGRAD {.name = "amsgrad", .type = PARAMETER_BOOLEAN, .fallback = "false", .help = "whether the largest mean of the squares so far is used"}

static const Parameter adam_parameters[] = {LEARNING_RATE("0.001"), BETAS, EPSILON("1e-7"), AMSGRAD, WEIGHT_DECAY("none"), CLIPPING, {0}};
static const Parameter adamw_parameters[] = {LEARNING_RATE("0.001"), WEIGHT_DECAY("0.004"), BETAS, EPSILON("1e-7"), AMSGRAD, CLIPPING, {0}};

static int slots(const Object *arguments, Slot *slots)
{
    slots[0].name = "momentum";
    slots[1].name = "velocity";
    slots[2].name = "velocity_hat";
    return argument_boolean(arguments, "amsgrad") ? 3 : 2;
}

static const char *const values[] = {"alpha", NULL};

static const char *prepare(const Object *arguments)
{
    return memory_format("const double alpha = rate * sqrt(1.0 - pow(%s, t)) / (1.0 - pow(%s, t));\n",
                         double_text(argument_number(arguments, "beta_2")),
                         double_text(argument_number(arguments, "beta_1")));
}

static void update(Emit *e, const Object *arguments)
{
    fill_number(e, "REST1", 1 - argument_number(arguments, "beta_1"));
    fill_number(e, "REST2", 1 - argument_number(arguments, "beta_2"));
    fill_epsilon(e, arguments);
    EMIT(e,
         "m0 += (g - m0) * $REST1;",
         "m1 += (g * g - m1) * $REST2;");
    if (argument_boolean(arguments, "amsgrad")) EMIT(e, "m2 = max_f32x$L(m2, m1);", "v -= m0 * alpha / (sqrt_f32x$L(m2) + $EPSILON);");
    else EMIT(e, "v -= m0 * alpha / (sqrt_f32x$L(m1) + $EPSILON);");
}

const Optimizer adam_optimizer = {
    .entry = {"adam", "Steps scaled by running means of the gradient and its square.", adam_parameters, NULL},
    .slots = slots,
    .values = values,
    .prepare = prepare,
    .update = update,
};

const Optimizer adamw_optimizer = {
    .entry = {"adamw", "adam with a decay of the weights that does not pass through the gradients.", adamw_parameters, NULL},
    .slots = slots,
    .values = values,
    .prepare = prepare,
    .update = update,
};
