/* What layers of noise draw, by its statistics: ranges, means, deviations, and that one draw is not another's. The images hold their own
 * coordinates, so that a pixel says where it comes from. */
#include "emitted.h"
#include "patience.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 1000, SIDE = 21, MIDDLE = 10, IMAGE = SIDE * SIDE * 2, NUMBERS = 8 * 4 * 8, OUTPUTS = 8 };
enum { MOVED, TURNED, ZOOMED, FLIPPED, ADDED, MULTIPLIED, DROPPED, CHANNELS };

static float *outputs[OUTPUTS];

static size_t output_size(int output)
{
    return output < ADDED ? IMAGE : NUMBERS;
}

/* One training step of a network without weights: what it gives. */
static void step(const CnncModel *model, uint64_t seed, uint64_t number)
{
    float *image = emitted_memory(sizeof(float) * SAMPLES * IMAGE), *numbers = emitted_memory(sizeof(float) * SAMPLES * NUMBERS);
    for (size_t i = 0; i < SAMPLES * IMAGE; i++) image[i] = (float)(i / 2 % (SIDE * SIDE) / (i % 2 ? 1 : SIDE) % SIDE) - MIDDLE;
    for (size_t i = 0; i < SAMPLES * NUMBERS; i++) numbers[i] = 1;
    const void *targets[OUTPUTS];
    for (int i = 0; i < OUTPUTS; i++) {
        outputs[i] = emitted_memory(sizeof(float) * SAMPLES * output_size(i));
        targets[i] = i < ADDED ? image : numbers;
    }
    void *arena = emitted_memory(model->train_arena_size), *weights = emitted_memory(model->weights_size), *slots = emitted_memory(model->weights_size);
    model->train_step(weights, slots, (const void *const[]){image, numbers}, targets, NULL, SAMPLES, &(CnncStep){.seed = seed, .step = number}, NULL, outputs, arena);
    free(arena);
    free(weights);
    free(slots);
    free(image);
    free(numbers);
}

static void end_step(void)
{
    for (int i = 0; i < OUTPUTS; i++) free(outputs[i]);
}

typedef struct { double minimum, maximum, mean, deviation; } Statistics;

static Statistics statistics(const double *values, size_t count)
{
    Statistics s = {INFINITY, -INFINITY, 0, 0};
    for (size_t i = 0; i < count; i++) {
        s.minimum = fmin(s.minimum, values[i]);
        s.maximum = fmax(s.maximum, values[i]);
        s.mean += values[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) s.deviation += (values[i] - s.mean) * (values[i] - s.mean) / (double)count;
    s.deviation = sqrt(s.deviation);
    return s;
}

/* Uniform numbers fill their range; a mean may be off by four of its deviations. */
static void expect_uniform(const char *what, const double *values, double low, double high)
{
    Statistics s = statistics(values, SAMPLES);
    double width = high - low;
    cr_expect(s.minimum >= low - 1e-5 && s.minimum <= low + 0.02 * width, "%s: the least is %g, of the range %g to %g", what, s.minimum, low, high);
    cr_expect(s.maximum <= high + 1e-5 && s.maximum >= high - 0.02 * width, "%s: the most is %g, of the range %g to %g", what, s.maximum, low, high);
    cr_expect(fabs(s.mean - (low + high) / 2) <= 4 * width / sqrt(12.0 * SAMPLES), "%s: the mean is %g, of the range %g to %g", what, s.mean, low, high);
    cr_expect(fabs(s.deviation - width / sqrt(12)) <= 0.03 * width, "%s: the deviation is %g, of the range %g to %g", what, s.deviation, low, high);
}

static void expect_mean(const char *what, double got, double expected, double allowed)
{
    cr_expect(fabs(got - expected) <= allowed, "%s is %g, not %g within %g", what, got, expected, allowed);
}

static double correlation(const double *a, const double *b, size_t count)
{
    Statistics s = statistics(a, count), t = statistics(b, count);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (a[i] - s.mean) * (b[i] - t.mean) / (double)count;
    return sum / (s.deviation * t.deviation);
}

/* The coordinate that pixel (row, column) of a sample's image shows: 0 of the row, 1 of the column. */
static double seen(int output, size_t sample, size_t row, size_t column, size_t coordinate)
{
    return (double)outputs[output][sample * IMAGE + (row * SIDE + column) * 2 + coordinate];
}

static const CnncModel *load_network(const char *net)
{
    char problem[4096];
    const CnncModel *model = emitted_load(net, problem, sizeof problem);
    cr_assert(model, "%s", problem);
    return model;
}

static const CnncModel *load(void)
{
    return load_network("tests/noise/draws.net");
}

Test(noise, images, .timeout = 200 * PATIENCE)
{
    static double down[SAMPLES], right[SAMPLES], turn[SAMPLES], height[SAMPLES], width[SAMPLES], upside[SAMPLES], aside[SAMPLES];
    step(load(), 1, 0);
    for (size_t n = 0; n < SAMPLES; n++) {
        down[n] = -seen(MOVED, n, MIDDLE, MIDDLE, 0) / SIDE;
        right[n] = -seen(MOVED, n, MIDDLE, MIDDLE, 1) / SIDE;
        turn[n] = atan2(seen(TURNED, n, MIDDLE, MIDDLE + 8, 0), seen(TURNED, n, MIDDLE, MIDDLE + 8, 1)) / (2 * acos(-1));
        height[n] = seen(ZOOMED, n, MIDDLE + 6, MIDDLE, 0) / 6 - 1;
        width[n] = seen(ZOOMED, n, MIDDLE, MIDDLE + 6, 1) / 6 - 1;
        upside[n] = seen(FLIPPED, n, 0, 0, 0) > 0;
        aside[n] = seen(FLIPPED, n, 0, 0, 1) > 0;
    }
    expect_uniform("height_factor of random_translation", down, -0.2, 0.2);
    expect_uniform("width_factor of random_translation", right, -0.1, 0.3);
    expect_uniform("factor of random_rotation", turn, -0.1, 0.1);
    expect_uniform("height_factor of random_zoom", height, -0.2, 0.3);
    expect_uniform("width_factor of random_zoom", width, -0.1, 0.1);
    expect_mean("the share of images exchanged top and bottom", statistics(upside, SAMPLES).mean, 0.5, 0.07);
    expect_mean("the share of images exchanged left and right", statistics(aside, SAMPLES).mean, 0.5, 0.07);
    const double *const draws[] = {down, right, turn, height, width, upside, aside};
    for (int i = 0; i < 7; i++) {
        for (int j = 0; j < i; j++) expect_mean("the correlation of two draws", correlation(draws[i], draws[j], SAMPLES), 0, 0.15);
        expect_mean("the correlation of neighbouring samples", correlation(draws[i], draws[i] + 1, SAMPLES - 1), 0, 0.15);
    }
    end_step();
}

Test(noise, numbers, .timeout = 200 * PATIENCE)
{
    enum { COUNT = SAMPLES * NUMBERS };
    static double added[COUNT], multiplied[COUNT], dropped[COUNT], channels[COUNT], low[COUNT];
    step(load(), 1, 0);
    int mixed = 0;
    double far = 0;
    for (size_t i = 0; i < COUNT; i++) {
        added[i] = (double)outputs[ADDED][i] - 1;
        multiplied[i] = (double)outputs[MULTIPLIED][i];
        dropped[i] = (double)outputs[DROPPED][i];
        low[i] = outputs[DROPPED][i] < 0;
        channels[i] = (double)outputs[CHANNELS][i];
        mixed += fabs(channels[i] - channels[i / NUMBERS * NUMBERS + i % 8]) > 0;
        far += fabs(added[i]) > 1.0 ? 1.0 / COUNT : 0; /* two deviations */
    }
    Statistics s = statistics(added, COUNT), m = statistics(multiplied, COUNT), c = statistics(channels, COUNT);
    expect_mean("the mean of gaussian_noise", s.mean, 0, 0.005);
    expect_mean("its deviation", s.deviation, 0.5, 0.005);
    expect_mean("its share beyond two deviations", far, 0.0455, 0.002);
    cr_expect(s.maximum > 1.9 && s.maximum < 3.2 && s.minimum < -1.9 && s.minimum > -3.2, "gaussian_noise from %g to %g", s.minimum, s.maximum);
    expect_mean("the mean of gaussian_dropout", m.mean, 1, 0.005);
    expect_mean("its deviation", m.deviation, 0.5, 0.005);
    expect_mean("the share that alpha_dropout drops", statistics(low, COUNT).mean, 0.3, 0.004);
    double k = -1.7580993408473766, a = 1 / sqrt(0.7 * (1 + 0.3 * k * k)), b = -a * k * 0.3;
    expect_mean("what alpha_dropout drops to", statistics(dropped, COUNT).minimum, a * k + b, 1e-5);
    expect_mean("what alpha_dropout makes of 1", statistics(dropped, COUNT).maximum, a + b, 1e-5);
    cr_expect(mixed == 0, "spatial_dropout2d drops a part of a channel");
    expect_mean("the mean of spatial_dropout2d", c.mean, 1, 0.03);
    expect_mean("what it keeps", c.maximum, 1 / 0.75, 1e-6);
    expect_mean("what it drops", c.minimum, 0, 0);
    end_step();
}

/* The same step draws the same, another step and another seed draw others. */
Test(noise, steps, .timeout = 200 * PATIENCE)
{
    const CnncModel *model = load();
    float *first[OUTPUTS];
    for (int run = 0; run < 4; run++) {
        emitted_threads(run + 1);
        step(model, run == 3 ? 6 : 5, run == 2 ? 8 : 7);
        for (int i = 0; i < OUTPUTS; i++) {
            bool same = run == 0 || !memcmp(first[i], outputs[i], sizeof(float) * SAMPLES * output_size(i));
            cr_expect(same == (run < 2), "output %d of run %d", i, run);
            if (run == 0) first[i] = outputs[i];
            else free(outputs[i]);
        }
    }
    for (int i = 0; i < OUTPUTS; i++) free(first[i]);
}

/* ---- recurrent_dropout ---- */

enum { STEPS = 5, FEATURES = 4, UNITS = 8 };

/* What goes in at the first step passes through the same units at every step, four times, or is lost. */
Test(noise, units_of_a_recurrent_layer, .timeout = 200 * PATIENCE)
{
    static float x[SAMPLES][STEPS][FEATURES], y[SAMPLES][UNITS], given[SAMPLES][UNITS];
    static double dropped[SAMPLES * UNITS], neighbours[SAMPLES * UNITS];
    const CnncModel *model = load_network("tests/noise/recurrent.net");
    void *parameters = emitted_memory(model->parameters_size), *weights = emitted_memory(model->weights_size), *slots = emitted_memory(model->weights_size), *arena = emitted_memory(model->train_arena_size);
    Failure failure;
    cr_assert(initial_parameters(model, 1, parameters, &failure));
    model->pack(parameters, weights);
    for (int n = 0; n < SAMPLES; n++) x[n][0][0] = 1;
    model->train_step(weights, slots, (const void *const[]){x}, (const void *const[]){y}, NULL, SAMPLES, &(CnncStep){.seed = 1}, NULL, (float *const[]){given[0]}, arena);
    double kept = pow(1 / 0.75, STEPS - 1);
    for (int n = 0; n < SAMPLES; n++)
        for (int j = 0; j < UNITS; j++) {
            double value = (double)given[n][j];
            cr_assert(fabs(value) <= 0 || fabs(value - kept) <= 1e-5, "sample %d, unit %d: %g is neither 0 nor %g", n, j, value, kept);
            dropped[n * UNITS + j] = neighbours[(n * UNITS + j + 1) % (SAMPLES * UNITS)] = value < 1;
        }
    expect_mean("the share that recurrent_dropout drops", statistics(dropped, SAMPLES * UNITS).mean, 0.25, 0.02);
    expect_mean("the correlation of neighbouring units", correlation(dropped, neighbours, SAMPLES * UNITS), 0, 0.05);
    free(parameters);
    free(weights);
    free(slots);
    free(arena);
}

enum { BATCH = 17, MASKED_STEPS = 4, MASKED_FEATURES = 3, MASKED_OUTPUTS = 5 };

/* The loss of the step's masks, and, with a learning rate of 1, the parameters less its gradients. */
static double masked_loss(const CnncModel *model, float *parameters, float rate)
{
    static float x[BATCH][MASKED_STEPS][MASKED_FEATURES], y[BATCH][MASKED_OUTPUTS];
    for (int n = 0; n < BATCH; n++) {
        for (int i = 0; i < MASKED_STEPS * MASKED_FEATURES; i++) x[n][i / MASKED_FEATURES][i % MASKED_FEATURES] = (float)((n * 7 + i * 5) % 11) / 5 - 1;
        for (int i = 0; i < MASKED_OUTPUTS; i++) y[n][i] = (n + i) % 2 ? 2 : -1;
    }
    void *weights = emitted_memory(model->weights_size), *slots = emitted_memory(model->weights_size), *arena = emitted_memory(model->train_arena_size);
    model->pack(parameters, weights);
    float loss = model->train_step(weights, slots, (const void *const[]){x}, (const void *const[]){y}, NULL, BATCH, &(CnncStep){.seed = 3, .step = 4, .learning_rate = rate}, NULL, (float *const[]){NULL}, arena);
    model->unpack(weights, parameters);
    free(weights);
    free(slots);
    free(arena);
    return (double)loss;
}

/* The masks of a step are a function of its number: so the loss is one of the weights, and its gradients can be checked by its differences,
 * along the gradient of each tensor. */
Test(noise, gradients_of_recurrent_dropout, .timeout = 200 * PATIENCE)
{
    const CnncModel *model = load_network("tests/noise/masks.net");
    size_t count = model->parameters_size / sizeof(float);
    float *start = emitted_memory(model->parameters_size), *stepped = emitted_memory(model->parameters_size), *moved = emitted_memory(model->parameters_size);
    Failure failure;
    cr_assert(initial_parameters(model, 2, start, &failure));
    for (size_t i = 0; i < count; i++) start[i] += (float)((i * 37) % 19) / 190 - 0.05f;
    memcpy(stepped, start, model->parameters_size);
    masked_loss(model, stepped, 1);
    for (const CnncTensor *tensor = model->tensors; tensor->name; tensor++) {
        size_t first = tensor->offset / sizeof(float), size = emitted_count(tensor->rank, tensor->shape);
        double norm = 0, loss[2];
        for (size_t i = first; i < first + size; i++) norm += pow((double)start[i] - (double)stepped[i], 2);
        norm = sqrt(norm);
        cr_expect(norm > 1e-4, "%s has no gradient worth checking: %g", tensor->name, norm);
        for (int side = 0; side < 2; side++) {
            memcpy(moved, start, model->parameters_size);
            for (size_t i = first; i < first + size; i++) moved[i] += (float)((side ? 0.02 : -0.02) * ((double)start[i] - (double)stepped[i]) / norm);
            loss[side] = masked_loss(model, moved, 0);
        }
        double slope = (loss[1] - loss[0]) / 0.04;
        cr_expect(fabs(slope - norm) <= 0.01 * norm + 2e-5, "%s: the loss rises by %g, its gradient says %g", tensor->name, slope, norm);
    }
    free(start);
    free(stepped);
    free(moved);
}
