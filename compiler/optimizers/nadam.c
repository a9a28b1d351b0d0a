/* nadam: adam with Nesterov's momentum. With u_t = beta_1 (1 - 0.96^t / 2) and U_t the product of u_1 to u_t,
 * m += (g - m) (1 - beta_1), s += (g^2 - s) (1 - beta_2),
 * w -= rate (u_(t+1) m / (1 - U_(t+1)) + (1 - u_t) g / (1 - U_t)) / (sqrt(s / (1 - beta_2^t)) + epsilon).
 *
 * U_t is computed from t, once a step: beta_1^t times the factors that differ from 1 in double, some nine hundred; so nothing
 * is kept from step to step. Source: Dozat 2016, in the form of keras.io/api/optimizers/nadam. */
#include "optimizer.h"

static const Parameter parameters[] = {
    LEARNING_RATE("0.001"),
    BETA("1", "0.9", "how slowly the mean of the gradients forgets"),
    BETA("2", "0.999", "how slowly the mean of their squares forgets"),
    EPSILON("1e-7"),
    WEIGHT_DECAY("none"),
    CLIPPING,
    {0},
};

static int slots(const Object *arguments, Slot *slots)
{
    (void)arguments;
    slots[0].name = "momentum";
    slots[1].name = "velocity";
    return 2;
}

static const char *const values[] = {"momentum_rate", "gradient_rate", "correction", NULL};

static const char *prepare(const Object *arguments)
{
    const char *beta_1 = double_text(argument_number(arguments, "beta_1"));
    return memory_format("double decay = 1.0, product = pow(%s, t);\n"
                         "for (double i = 1.0; i <= t && decay > 1e-17; i++) {\n"
                         "decay *= 0.96;\n"
                         "product *= 1.0 - 0.5 * decay;\n"
                         "}\n"
                         "const double u = %s * (1.0 - 0.5 * pow(0.96, t)), next = %s * (1.0 - 0.5 * pow(0.96, t + 1.0));\n"
                         "const double momentum_rate = rate * next / (1.0 - product * next);\n"
                         "const double gradient_rate = rate * (1.0 - u) / (1.0 - product);\n"
                         "const double correction = 1.0 / (1.0 - pow(%s, t));\n",
                         beta_1,
                         beta_1,
                         beta_1,
                         double_text(argument_number(arguments, "beta_2")));
}

static void update(Emit *e, const Object *arguments)
{
    fill_number(e, "REST1", 1 - argument_number(arguments, "beta_1"));
    fill_number(e, "REST2", 1 - argument_number(arguments, "beta_2"));
    fill_epsilon(e, arguments);
    EMIT(e,
         "m0 += (g - m0) * $REST1;",
         "m1 += (g * g - m1) * $REST2;",
         "v -= (m0 * momentum_rate + g * gradient_rate) / (sqrt_f32x$L(m1 * correction) + $EPSILON);");
}

const Optimizer nadam_optimizer = {
    .entry = {"nadam", "adam with Nesterov's momentum.", parameters, NULL},
    .slots = slots,
    .values = values,
    .prepare = prepare,
    .update = update,
};
