/* The functions of runtime/vector.h against the C library's in double: over all exponents and both signs, as near as their comments say. */
#define LANES 4
#define MASKS 0
#define LEVEL
#define INLINE
#pragma GCC diagnostic ignored "-Wunused-function"
#include "vector.h"

#include <criterion/criterion.h>
#include <float.h>

typedef f32xLANES Vectorised(f32xLANES x);
typedef double Exact(double x);

/* Finer than the floats are dense near the ends where results change, coarser elsewhere; results below the smallest normal number do not
 * count. The tolerance is relative. */
static void check(const char *name, Vectorised *got, Exact *exact, double from, double to, double tolerance)
{
    double worst = 0, worst_x = 0;
    for (int negative = 0; negative < 2; negative++)
        for (double size = 1e-9; size < 200; size *= 1.0001) {
            float x = (float)(negative ? -size : size);
            if ((double)x < from || (double)x > to) continue;
            double truth = exact((double)x);
            f32xLANES vector = got((f32xLANES){0} + x);
            for (int i = 1; i < LANES; i++) cr_assert_eq(vector[i], vector[0]);
            if (fabs(truth) < (double)FLT_MIN) continue;
            double error = fabs((double)vector[0] - truth) / fabs(truth);
            if (!(error <= worst)) worst = error, worst_x = (double)x;
        }
    cr_log_info("%s: %.2e at %.9g", name, worst, worst_x);
    cr_expect(worst <= tolerance, "%s(%.9g) is off by %.2e of itself, and %.2e are allowed", name, worst_x, worst, tolerance);
    float nan = got((f32xLANES){0} + NAN)[0];
    cr_expect(isnan(nan), "%s of what is no number is %g", name, (double)nan);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double below(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double gelu(double x)
{
    return x * below(x);
}

static double mish(double x)
{
    return x * tanh(softplus(x));
}

Test(vector, functions_are_near)
{
    const double unit = 0x1p-24; /* half of one in the last place, relative to a power of two */
    check("exp", exp_f32xLANES, exp, -87.3, 88.7, 4 * unit);
    check("expm1", expm1_f32xLANES, expm1, -200, 0, 6 * unit);
    check("sigmoid", sigmoid_f32xLANES, sigmoid, -87, 200, 8 * unit);
    check("tanh", tanh_f32xLANES, tanh, -200, 200, 6 * unit);
    check("tanh near 1", tanh_f32xLANES, tanh, 3, 200, 3 * unit); /* what the slope 1 - y^2 is made of */
    check("sigmoid near 1", sigmoid_f32xLANES, sigmoid, 5, 200, 3 * unit);
    check("softplus", softplus_f32xLANES, softplus, -87, 200, 8 * unit);
    check("gelu", gelu_f32xLANES, gelu, -12.9, 200, 1e-6);
    check("mish", mish_f32xLANES, mish, -87, 200, 1e-6);
}

/* Derivatives pass through zero: there it is the absolute error that counts. */
static void check_slope(const char *name, Vectorised *got, Exact *exact)
{
    double worst = 0, worst_x = 0;
    for (int i = -200000; i <= 200000; i++) {
        float x = (float)i / 10000;
        double h = 1e-5, truth = (exact((double)x + h) - exact((double)x - h)) / (2 * h); /* good to some 1e-10 */
        double error = fabs((double)got((f32xLANES){0} + x)[0] - truth);
        if (!(error <= worst)) worst = error, worst_x = (double)x;
    }
    cr_log_info("%s: %.2e at %.9g", name, worst, worst_x);
    cr_expect(worst <= 5e-7, "%s(%.9g) is off by %.2e", name, worst_x, worst);
}

Test(vector, slopes_are_near)
{
    check_slope("gelu_slope", gelu_slope_f32xLANES, gelu);
    check_slope("mish_slope", mish_slope_f32xLANES, mish);
}
