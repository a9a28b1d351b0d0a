#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "random.h"

/* Draws one tensor, the first of its model. The caller frees it. */
static float *draw(CnncTensor tensor, uint64_t seed)
{
    size_t count = 1;
    for (int i = 0; i < tensor.rank; i++) count *= (size_t)tensor.shape[i];
    tensor.name = "kernel";
    float *values = malloc(count * sizeof *values);
    CnncModel model = {.tensor_count = 1, .tensors = &tensor};
    Failure failure;
    cr_assert(values && initial_parameters(&model, seed, values, &failure));
    return values;
}

static void assert_values(CnncTensor tensor, const double expected[4])
{
    float *values = draw(tensor, 42);
    for (int i = 0; i < 4; i++)
        cr_expect(fabs((double)values[i] - expected[i]) <= 1e-6, "value %d is %.8f", i, (double)values[i]);
    free(values);
}

/* The numbers that the program in docs/random.md prints. */
Test(initial, draws_what_is_documented)
{
    uint64_t key = random_key(random_key(42, RANDOM_INITIAL), 0);
    cr_assert_eq(key, 0xfc991bca1a1aa1ae);
    static const uint32_t bits[] = {0xda85202b, 0x32e3f794, 0x7a607817, 0x46679cc9};
    for (uint32_t i = 0; i < 4; i++) cr_assert_eq(random_bits(key, i), bits[i]);
    static const double uniform[] = {0.8535938, 0.198791, 0.4780345, 0.2750185};
    static const double normal[] = {0.6199083, 1.8596921, -0.1785144, 1.1262505};
    static const double truncated[] = {0.1181584, -0.6621338, 0.4580599, -1.013563};
    assert_values((CnncTensor){.rank = 1, .shape = {4}, .initial = CNNC_UNIFORM, .a = 0, .b = 1}, uniform);
    assert_values((CnncTensor){.rank = 1, .shape = {4}, .initial = CNNC_NORMAL, .a = 0, .b = 1}, normal);
    assert_values((CnncTensor){.rank = 1, .shape = {4}, .initial = CNNC_TRUNCATED_NORMAL, .a = 0, .b = 1}, truncated);
}

Test(initial, each_tensor_has_its_place_and_its_sequence)
{
    CnncTensor tensors[] = {
        {.name = "kernel", .rank = 2, .shape = {2, 2}, .offset = 64, .initial = CNNC_UNIFORM, .a = 0, .b = 1},
        {.name = "bias", .rank = 1, .shape = {2}, .offset = 0, .initial = CNNC_CONSTANT, .a = 0.5},
        {.name = "kernel", .rank = 1, .shape = {4}, .offset = 128, .initial = CNNC_UNIFORM, .a = 0, .b = 1},
    };
    CnncModel model = {.tensor_count = 3, .tensors = tensors};
    float parameters[40] = {0};
    Failure failure;
    cr_assert(initial_parameters(&model, 7, parameters, &failure));
    cr_assert(parameters[0] == 0.5f && parameters[1] == 0.5f && parameters[2] == 0);
    uint64_t key = random_key(7, RANDOM_INITIAL);
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(parameters[16 + i], (float)random_uniform(random_key(key, 0), i));
        cr_assert_eq(parameters[32 + i], (float)random_uniform(random_key(key, 2), i));
    }
    cr_assert_neq(parameters[16], parameters[32]);
}

/* Mean, variance and range of a hundred thousand numbers, against the distribution's own. */
static void assert_distribution(CnncTensor tensor, double mean, double variance, double lowest, double highest)
{
    enum { COUNT = 100000 };
    tensor.rank = 1;
    tensor.shape[0] = COUNT;
    float *values = draw(tensor, 1);
    double sum = 0, squares = 0, neighbours = 0, least = HUGE_VAL, most = -HUGE_VAL;
    for (int i = 0; i < COUNT; i++) {
        double deviation = (double)values[i] - mean;
        sum += deviation;
        squares += deviation * deviation;
        if (i > 0) neighbours += deviation * ((double)values[i - 1] - mean);
        least = fmin(least, (double)values[i]);
        most = fmax(most, (double)values[i]);
    }
    free(values);
    double bound = 4 / sqrt(COUNT); /* four deviations of a mean */
    cr_expect(fabs(sum / COUNT) <= bound * sqrt(variance), "mean is off by %g", sum / COUNT);
    cr_expect(
        fabs(squares / COUNT / variance - 1) <= 2 * bound, "variance is off by a factor of %g", squares / COUNT / variance);
    cr_expect(fabs(neighbours / COUNT / variance) <= bound, "neighbours correlate by %g", neighbours / COUNT / variance);
    cr_expect(least >= lowest && most <= highest, "the range is %g to %g", least, most);
}

Test(initial, distributions_are_right)
{
    assert_distribution((CnncTensor){.initial = CNNC_UNIFORM, .a = -2, .b = 4}, 1, 3, -2, 4);
    assert_distribution((CnncTensor){.initial = CNNC_NORMAL, .a = 5, .b = 0.5}, 5, 0.25, 2, 8);
    double cut = 0.87962566103423978 * 0.1; /* the deviation of a normal variable of deviation 0.1, cut at two */
    assert_distribution((CnncTensor){.initial = CNNC_TRUNCATED_NORMAL, .a = 1, .b = 0.1}, 1, cut * cut, 0.7999999, 1.2000001);
}

/* The product of the matrix with its transpose, on its shorter side, is gain^2 times the identity. */
static void assert_orthogonal(CnncTensor tensor, int64_t rows, int64_t columns)
{
    tensor.initial = CNNC_ORTHOGONAL;
    tensor.a = 2;
    float *values = draw(tensor, 3);
    int64_t shorter = rows < columns ? rows : columns, longer = rows < columns ? columns : rows;
    int64_t along = rows < columns ? columns : 1, across = rows < columns ? 1 : columns; /* from vector to vector, within one */
    double first = 0;
    for (int64_t i = 0; i < shorter; i++) {
        for (int64_t j = 0; j < shorter; j++) {
            double product = 0;
            for (int64_t k = 0; k < longer; k++)
                product += (double)values[i * along + k * across] * (double)values[j * along + k * across];
            cr_assert(fabs(product - (i == j ? 4 : 0)) <= 1e-5, "(%lld, %lld): %g", (long long)i, (long long)j, product);
        }
        first += fabs((double)values[i]);
    }
    cr_assert(first > 0.1);
    free(values);
}

Test(initial, orthogonal_is_orthogonal)
{
    assert_orthogonal((CnncTensor){.rank = 2, .shape = {40, 40}}, 40, 40);
    assert_orthogonal((CnncTensor){.rank = 2, .shape = {50, 7}}, 50, 7);
    assert_orthogonal((CnncTensor){.rank = 2, .shape = {16, 64}}, 16, 64);
    assert_orthogonal((CnncTensor){.rank = 4, .shape = {3, 3, 2, 5}}, 18, 5);
    assert_orthogonal((CnncTensor){.rank = 1, .shape = {6}}, 1, 6);
}

/* The first column of Q is the first column of the drawn matrix, made a unit vector: R's diagonal is positive. */
Test(initial, orthogonal_is_the_q_of_what_was_drawn)
{
    CnncTensor tensor = {.rank = 2, .shape = {9, 4}, .initial = CNNC_NORMAL, .a = 0, .b = 1};
    float *drawn = draw(tensor, 5);
    tensor.initial = CNNC_ORTHOGONAL;
    tensor.a = 1;
    float *q = draw(tensor, 5);
    double square = 0;
    for (int i = 0; i < 9; i++) square += (double)drawn[4 * i] * (double)drawn[4 * i];
    for (int i = 0; i < 9; i++) cr_assert(fabs((double)q[4 * i] - (double)drawn[4 * i] / sqrt(square)) <= 1e-6);
    free(drawn);
    free(q);
}

Test(initial, identity_is_ones_on_the_diagonal)
{
    float *values = draw((CnncTensor){.rank = 2, .shape = {2, 3}, .initial = CNNC_IDENTITY, .a = 1.5}, 0);
    static const float expected[] = {1.5f, 0, 0, 0, 1.5f, 0};
    cr_assert_arr_eq(values, expected, sizeof expected);
    free(values);
}

Test(initial, says_how_much_memory_is_wanted)
{
    CnncTensor tensor = {
        .name = "lstm/recurrent_kernel", .rank = 2, .shape = {1ll << 30, 1ll << 30}, .initial = CNNC_ORTHOGONAL, .a = 1};
    CnncModel model = {.tensor_count = 1, .tensors = &tensor};
    Failure failure;
    float nothing[1];
    cr_assert_not(initial_parameters(&model, 0, nothing, &failure));
    cr_assert(strstr(failure.text, "lstm/recurrent_kernel") && strstr(failure.text, "bytes"), "%s", failure.text);
}
