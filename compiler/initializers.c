/* How weights are drawn at first: rows that resolve to a distribution with its numbers, once the fans are known.
 * The generator itself is the runtime's (runtime/initial.c, docs/random.md). Source: keras.io/api/layers/initializers. */
#include "tables.h"

#include <math.h>
#include <string.h>

/* Numbers that a weight combines and feeds: of a kernel (..., in, out) with the window's size in both. Keras's compute_fans. */
static void find_fans(const Shape *shape, double *in, double *out)
{
    double window = 1;
    for (int i = 0; i < shape->rank - 2; i++) window *= (double)shape->size[i];
    if (shape->rank == 0) *in = *out = 1;
    else if (shape->rank == 1) *in = *out = (double)shape->size[0];
    else {
        *in = (double)shape->size[shape->rank - 2] * window;
        *out = (double)shape->size[shape->rank - 1] * window;
    }
}

Initial initializer_resolve(const Object *object, const Shape *shape)
{
    const Initializer *initializer = (const Initializer *)(const void *)object->entry;
    double in, out;
    find_fans(shape, &in, &out);
    return initializer->resolve(object, in < 1 ? 1 : in, out < 1 ? 1 : out);
}

/* Weights are a function of fit()'s seed and of their place (docs/random.md). An initialiser's own seed, which Keras has, is accepted, and
 * draws nothing else: two layers with the same seed do not begin alike. */
#define SEED {.name = "seed", .type = PARAMETER_SIZE, .fallback = "none", .help = "accepted as in Keras; what is drawn follows from fit()'s seed and the weight's place"}

static const Parameter none[] = {{0}};
static const Parameter seed_alone[] = {SEED, {0}};

/* Variance scaling: uniform within sqrt(3 scale / n), or a normal cut at two deviations and widened to the same variance. */
#define CUT_NORMAL 0.87962566103423978 /* the deviation of a standard normal cut at two */

static Initial uniform(double variance)
{
    double limit = sqrt(3 * variance);
    return (Initial){INITIAL_UNIFORM, -limit, limit};
}

static Initial cut_normal(double variance)
{
    return (Initial){INITIAL_TRUNCATED_NORMAL, 0, sqrt(variance) / CUT_NORMAL};
}

#define VARIANCE_SCALING(name, kind, variance, text)                                                                           \
    static Initial resolve_##name(const Object *object, double in, double out)                                                 \
    {                                                                                                                          \
        (void)object, (void)in, (void)out;                                                                                     \
        return kind(variance);                                                                                                 \
    }                                                                                                                          \
    const Initializer name##_initializer = {{#name, text, seed_alone, NULL}, resolve_##name};

VARIANCE_SCALING(glorot_uniform, uniform, 2 / (in + out), "Uniform, variance 2 / (fan in + fan out).")
VARIANCE_SCALING(glorot_normal, cut_normal, 2 / (in + out), "Normal cut at two deviations, variance 2 / (fan in + fan out).")
VARIANCE_SCALING(he_uniform, uniform, 2 / in, "Uniform, variance 2 / fan in.")
VARIANCE_SCALING(he_normal, cut_normal, 2 / in, "Normal cut at two deviations, variance 2 / fan in.")
VARIANCE_SCALING(lecun_uniform, uniform, 1 / in, "Uniform, variance 1 / fan in.")
VARIANCE_SCALING(lecun_normal, cut_normal, 1 / in, "Normal cut at two deviations, variance 1 / fan in.")

static const char *const modes[] = {"fan_in", "fan_out", "fan_avg", NULL};
static const char *const distributions[] = {"truncated_normal", "untruncated_normal", "uniform", NULL};
static const Parameter scaling_parameters[] = {
    {.name = "scale", .type = PARAMETER_NUMBER, .minimum = 0, .above_minimum = true, .maximum = 1e30, .fallback = "1", .help = "the variance, times the fan that mode names"},
    {.name = "mode", .type = PARAMETER_WORD, .words = modes, .fallback = "fan_in", .help = "what the variance is divided by; fan_avg: the mean of both"},
    {.name = "distribution", .type = PARAMETER_WORD, .words = distributions, .fallback = "truncated_normal", .help = "truncated_normal: cut at two deviations"},
    SEED,
    {0},
};

static Initial resolve_variance_scaling(const Object *object, double in, double out)
{
    const char *mode = argument_word(object, "mode"), *distribution = argument_word(object, "distribution");
    double fan = !strcmp(mode, "fan_in") ? in : !strcmp(mode, "fan_out") ? out : (in + out) / 2;
    double variance = argument_number(object, "scale") / fan;
    if (distribution[0] == 't') return cut_normal(variance);
    return !strcmp(distribution, "uniform") ? uniform(variance) : (Initial){INITIAL_NORMAL, 0, sqrt(variance)};
}
const Initializer variance_scaling_initializer = {{"variance_scaling", "Any of the six above: a distribution, and its variance by the fans.", scaling_parameters, NULL}, resolve_variance_scaling};

static const Parameter uniform_parameters[] = {
    {.name = "minval", .type = PARAMETER_NUMBER, .fallback = "-0.05", .help = "the least number"},
    {.name = "maxval", .type = PARAMETER_NUMBER, .fallback = "0.05", .help = "the largest number"},
    SEED,
    {0},
};

static Initial resolve_random_uniform(const Object *object, double in, double out)
{
    (void)in, (void)out;
    return (Initial){INITIAL_UNIFORM, argument_number(object, "minval"), argument_number(object, "maxval")};
}
const Initializer random_uniform_initializer = {{"random_uniform", "Uniform between two numbers.", uniform_parameters, NULL}, resolve_random_uniform};

static const Parameter normal_parameters[] = {
    {.name = "mean", .type = PARAMETER_NUMBER, .fallback = "0", .help = "the mean"},
    {.name = "stddev", .type = PARAMETER_NUMBER, .fallback = "0.05", .minimum = 0, .maximum = INFINITY, .help = "the standard deviation"},
    SEED,
    {0},
};

static Initial resolve_random_normal(const Object *object, double in, double out)
{
    (void)in, (void)out;
    return (Initial){INITIAL_NORMAL, argument_number(object, "mean"), argument_number(object, "stddev")};
}
const Initializer random_normal_initializer = {{"random_normal", "Normal.", normal_parameters, NULL}, resolve_random_normal};

static Initial resolve_truncated_normal(const Object *object, double in, double out)
{
    (void)in, (void)out;
    return (Initial){INITIAL_TRUNCATED_NORMAL, argument_number(object, "mean"), argument_number(object, "stddev")};
}
const Initializer truncated_normal_initializer = {{"truncated_normal", "Normal, drawn anew beyond two deviations.", normal_parameters, NULL}, resolve_truncated_normal};

static Initial resolve_zeros(const Object *object, double in, double out)
{
    (void)object, (void)in, (void)out;
    return (Initial){INITIAL_CONSTANT, 0, 0};
}
const Initializer zeros_initializer = {{"zeros", "All 0.", none, NULL}, resolve_zeros};

static Initial resolve_ones(const Object *object, double in, double out)
{
    (void)object, (void)in, (void)out;
    return (Initial){INITIAL_CONSTANT, 1, 0};
}
const Initializer ones_initializer = {{"ones", "All 1.", none, NULL}, resolve_ones};

static const Parameter constant_parameters[] = {
    {.name = "value", .type = PARAMETER_NUMBER, .fallback = "0", .help = "the number"},
    {0},
};

static Initial resolve_constant(const Object *object, double in, double out)
{
    (void)in, (void)out;
    return (Initial){INITIAL_CONSTANT, argument_number(object, "value"), 0};
}
const Initializer constant_initializer = {{"constant", "One number everywhere.", constant_parameters, NULL}, resolve_constant};

static const Parameter gain_parameters[] = {
    {.name = "gain", .type = PARAMETER_NUMBER, .fallback = "1", .help = "a factor"},
    {0},
};
static const Parameter orthogonal_parameters[] = {
    {.name = "gain", .type = PARAMETER_NUMBER, .fallback = "1", .help = "a factor"},
    SEED,
    {0},
};

static Initial resolve_orthogonal(const Object *object, double in, double out)
{
    (void)in, (void)out;
    return (Initial){INITIAL_ORTHOGONAL, argument_number(object, "gain"), 0};
}
const Initializer orthogonal_initializer = {{"orthogonal", "A random matrix with orthogonal rows or columns.", orthogonal_parameters, NULL}, resolve_orthogonal};

static Initial resolve_identity(const Object *object, double in, double out)
{
    (void)in, (void)out;
    return (Initial){INITIAL_IDENTITY, argument_number(object, "gain"), 0};
}
const Initializer identity_initializer = {{"identity", "1 on the diagonal of a matrix.", gain_parameters, NULL}, resolve_identity};
