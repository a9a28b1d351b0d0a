/* The first weights of a network, as a function of the seed (docs/random.md).
 *
 * Tensor number t of the model draws from the sequence named by random_key(random_key(seed, RANDOM_INITIAL), t), its
 * element i from the numbers around i of that sequence. So a weight depends on the seed, its tensor and its place,
 * and on nothing that was drawn before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "random.h"

/* Uniform in [0, 1). The numbers of a sequence have 32 bits; beyond, block b of 2^32 has a sequence of its own. */
static double uniform_number(uint64_t key, uint64_t index)
{
    uint64_t block = index >> 32;
    return random_uniform(block ? random_key(key, block) : key, (uint32_t)index);
}

/* Standard normal, by Box and Muller: the uniform numbers 2k and 2k + 1 make the normal numbers 2k and 2k + 1. */
static double normal_number(uint64_t key, uint64_t index)
{
    double radius = sqrt(-2 * log(1 - uniform_number(key, index & ~1ull))); /* 1 - u is never 0 */
    double angle = 2 * M_PI * uniform_number(key, index | 1);
    return radius * (index & 1 ? sin(angle) : cos(angle));
}

/* Standard normal within two deviations: drawn again, each time from another sequence, until it is (95 % at once). */
static double truncated_number(uint64_t key, uint64_t index)
{
    for (uint64_t attempt = 0;; attempt++) {
        double number = normal_number(random_key(key, attempt), index);
        if (fabs(number) <= 2) return number;
    }
}

/* Makes the columns of a[rows][columns], rows >= columns, orthonormal, by the modified method of Gram and Schmidt.
 * That is the Q of the QR decomposition whose R has a positive diagonal. In double its error for random matrices
 * (machine precision times the condition number, seldom above 10^4) is far below float's precision. */
static void orthonormalize(double *a, size_t rows, size_t columns, double *products)
{
    for (size_t j = 0; j < columns; j++) {
        double square = 0;
        for (size_t i = 0; i < rows; i++) square += a[i * columns + j] * a[i * columns + j];
        double norm = sqrt(square);
        for (size_t k = j + 1; k < columns; k++) products[k] = 0;
        for (size_t i = 0; i < rows; i++) {
            double q = a[i * columns + j] /= norm;
            for (size_t k = j + 1; k < columns; k++) products[k] += q * a[i * columns + k];
        }
        for (size_t i = 0; i < rows; i++) {
            double q = a[i * columns + j];
            for (size_t k = j + 1; k < columns; k++) a[i * columns + k] -= q * products[k];
        }
    }
}

/* As Keras: the tensor is a matrix of all its dimensions but the last by the last; where that is wider than high, its
 * transpose is made orthonormal. */
static bool fill_orthogonal(const CnncTensor *tensor, uint64_t key, float *values, size_t count, Failure *failure)
{
    size_t width = tensor->rank > 0 ? (size_t)tensor->shape[tensor->rank - 1] : 1;
    size_t height = width > 0 ? count / width : 0;
    size_t rows = height > width ? height : width, columns = height > width ? width : height;
    double *a = calloc(count + columns, sizeof *a);
    if (a == NULL) return fail_memory(failure, (count + columns) * sizeof *a, tensor->name);
    for (size_t i = 0; i < count; i++) a[i] = normal_number(key, i);
    orthonormalize(a, rows, columns, a + count);
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            values[i * width + j] = (float)(tensor->a * (height >= width ? a[i * columns + j] : a[j * columns + i]));
    free(a);
    return true;
}

static void fill_identity(const CnncTensor *tensor, float *values, size_t count)
{
    size_t width = tensor->rank > 0 ? (size_t)tensor->shape[tensor->rank - 1] : 1;
    for (size_t i = 0; i < count; i++) values[i] = i / width == i % width ? (float)tensor->a : 0;
}

/* Some elements that are 1 whatever the others are: the bias of an lstm's forget gate. */
static void fill_ones(const CnncTensor *tensor, float *values)
{
    for (int64_t i = tensor->ones_from; i < tensor->ones_to; i++) values[i] = 1;
}

static bool fill_tensor(const CnncTensor *tensor, uint64_t key, float *values, Failure *failure)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++) count *= (size_t)tensor->shape[i];
    double a = tensor->a, b = tensor->b;
    switch (tensor->initial) {
    case CNNC_CONSTANT:
        for (size_t i = 0; i < count; i++) values[i] = (float)a;
        break;
    case CNNC_UNIFORM:
        for (size_t i = 0; i < count; i++) values[i] = (float)(a + (b - a) * uniform_number(key, i));
        break;
    case CNNC_NORMAL:
        for (size_t i = 0; i < count; i++) values[i] = (float)(a + b * normal_number(key, i));
        break;
    case CNNC_TRUNCATED_NORMAL:
        for (size_t i = 0; i < count; i++) values[i] = (float)(a + b * truncated_number(key, i));
        break;
    case CNNC_ORTHOGONAL:
        if (!fill_orthogonal(tensor, key, values, count, failure)) return false;
        break;
    case CNNC_IDENTITY: fill_identity(tensor, values, count); break;
    }
    fill_ones(tensor, values);
    return true;
}

void initial_slots(const CnncModel *model, void *parameters, void *slots)
{
    memset(slots, 0, model->weights_size * (size_t)model->slot_count);
    for (int i = 0; i < model->slot_count; i++) {
        float start = model->slots[i].start, *values = parameters;
        if (!(start > 0)) continue; /* packed by way of the parameters, so that what fills up panels is zero */
        for (size_t k = 0; k < model->parameters_size / sizeof(float); k++) values[k] = start;
        model->pack(parameters, (char *)slots + (size_t)i * model->weights_size);
    }
}

bool initial_parameters(const CnncModel *model, uint64_t seed, void *parameters, Failure *failure)
{
    uint64_t key = random_key(seed, RANDOM_INITIAL);
    for (int i = 0; i < model->tensor_count; i++) {
        float *values = (float *)((char *)parameters + model->tensors[i].offset);
        if (!fill_tensor(&model->tensors[i], random_key(key, (uint64_t)i), values, failure)) return false;
    }
    return true;
}
