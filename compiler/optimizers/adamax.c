/* adamax: m += (g - m) (1 - beta_1), u = max(beta_2 u, |g|), w -= m rate / (1 - beta_1^t) / (u + epsilon).
 * Source: Kingma and Ba 2015, section 7.1; keras.io/api/optimizers/adamax. */
#include "optimizer.h"

static const Parameter parameters[] = {
    LEARNING_RATE("0.001"),
    BETA("1", "0.9", "how slowly the mean of the gradients forgets"),
    BETA("2", "0.999", "how slowly the largest gradient is forgotten"),
    EPSILON("1e-7"),
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    (void)arguments;
    slots[0].name = "momentum";
    slots[1].name = "norm";
    return 2;
}

static const char *const values[] = {"alpha", NULL};

static const char *prepare(const Object *arguments)
{
    return memory_format("const double alpha = rate / (1.0 - pow(%s, t));\n", double_text(argument_number(arguments, "beta_1")));
}

static void update(Emit *e, const Object *arguments)
{
    fill_number(e, "REST1", 1 - argument_number(arguments, "beta_1"));
    fill_number(e, "BETA2", argument_number(arguments, "beta_2"));
    fill_epsilon(e, arguments);
    EMIT(e,
         "m0 += (g - m0) * $REST1;",
         "m1 = max_f32x$L(abs_f32x$L(g), $BETA2 * m1);",
         "v -= m0 * alpha / (m1 + $EPSILON);");
}

const Optimizer adamax_optimizer = {
    .entry = {"adamax", "adam with the largest gradient, slowly forgotten, in place of the mean of the squares.", parameters, NULL},
    .slots = slots,
    .values = values,
    .prepare = prepare,
    .update = update,
};
