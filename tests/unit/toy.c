#include "toy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- softmax regression: p = softmax(x K + b), K [features][classes] --------------------------------------------- */

/* Packed the other way round than the files have it, [classes][features] and biases, so that a missing pack shows. */
static void regression_pack(size_t features, size_t classes, const float *parameters, float *weights)
{
    for (size_t c = 0; c < classes; c++) {
        for (size_t f = 0; f < features; f++) weights[c * features + f] = parameters[f * classes + c];
    }
    memcpy(weights + features * classes, parameters + features * classes, classes * sizeof *weights);
}

static void regression_unpack(size_t features, size_t classes, const float *weights, float *parameters)
{
    for (size_t c = 0; c < classes; c++) {
        for (size_t f = 0; f < features; f++) parameters[f * classes + c] = weights[c * features + f];
    }
    memcpy(parameters + features * classes, weights + features * classes, classes * sizeof *weights);
}

static void regression_predict(size_t features, size_t classes, const float *weights, const float *x, float *p, size_t n,
                               float scale)
{
    for (size_t i = 0; i < n; i++) {
        float most = -INFINITY, sum = 0;
        for (size_t c = 0; c < classes; c++) {
            float z = weights[features * classes + c];
            for (size_t f = 0; f < features; f++) z += x[i * features + f] * scale * weights[c * features + f];
            p[i * classes + c] = z;
            most = z > most ? z : most;
        }
        for (size_t c = 0; c < classes; c++) sum += p[i * classes + c] = expf(p[i * classes + c] - most);
        for (size_t c = 0; c < classes; c++) p[i * classes + c] /= sum;
    }
}

static float truth(const void *targets, bool indices, size_t classes, size_t i, size_t c)
{
    return indices ? ((const int32_t *)targets)[i] == (int32_t)c : ((const float *)targets)[i * classes + c];
}

static float crossentropy(size_t classes, bool indices, const float *p, const void *targets, const float *sample_weights,
                          size_t n)
{
    float loss = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < classes; c++) {
            float t = truth(targets, indices, classes, i, c);
            if (t != 0) loss -= (sample_weights ? sample_weights[i] : 1) * t * logf(fmaxf(p[i * classes + c], 1e-7F));
        }
    }
    return isnan(p[0]) ? NAN : loss / (float)n;
}

static float regression_gradients(size_t features, size_t classes, bool indices, float scale, const float *weights,
                                  float *gradients, const float *x, const void *targets, const float *sample_weights, size_t n,
                                  float *p)
{
    memset(gradients, 0, (features + 1) * classes * sizeof *gradients);
    regression_predict(features, classes, weights, x, p, n, scale);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < classes; c++) {
            float d = (p[i * classes + c] - truth(targets, indices, classes, i, c)) * (sample_weights ? sample_weights[i] : 1) /
                      (float)n;
            for (size_t f = 0; f < features; f++) gradients[c * features + f] += d * x[i * features + f] * scale;
            gradients[features * classes + c] += d;
        }
    }
    return crossentropy(classes, indices, p, targets, sample_weights, n);
}

/* v = 0.9 v - rate g; w += v. A number that depends on seed and step stands for dropout, of which a resumed run must see
 * the same as a whole one; with seed 0 there is none. */
static void momentum(float *weights, float *slots, const float *gradients, size_t count, const CnncStep *step)
{
    float noise = step->seed == 0 ? 0 : (float)((step->seed * 31 + step->step * 17) % 101) * 1e-6F;
    for (size_t i = 0; i < count; i++) {
        slots[i] = 0.9F * slots[i] - step->learning_rate * (gradients[i] + noise);
        weights[i] += slots[i];
    }
}

#define REGRESSION(NAME, FEATURES, CLASSES, INDICES, SCALE)                                                                    \
    static void NAME##_pack(const void *parameters, void *weights)                                                             \
    {                                                                                                                          \
        regression_pack(FEATURES, CLASSES, parameters, weights);                                                               \
    }                                                                                                                          \
    static void NAME##_unpack(const void *weights, void *parameters)                                                           \
    {                                                                                                                          \
        regression_unpack(FEATURES, CLASSES, weights, parameters);                                                             \
    }                                                                                                                          \
    static void NAME##_predict(const void *weights, const void *const *inputs, float *const *outputs, size_t n, void *arena)   \
    {                                                                                                                          \
        (void)arena;                                                                                                           \
        regression_predict(FEATURES, CLASSES, weights, inputs[0], outputs[0], n, SCALE);                                       \
    }                                                                                                                          \
    static float NAME##_gradients(const void *weights,                                                                         \
                                  void *gradients,                                                                             \
                                  const void *const *inputs,                                                                   \
                                  const void *const *targets,                                                                  \
                                  const float *sample_weights,                                                                 \
                                  size_t n,                                                                                    \
                                  void *arena)                                                                                 \
    {                                                                                                                          \
        return regression_gradients(                                                                                           \
            FEATURES, CLASSES, INDICES, SCALE, weights, gradients, inputs[0], targets[0], sample_weights, n, arena);           \
    }                                                                                                                          \
    static float NAME##_train_step(void *weights,                                                                              \
                                   void *slots,                                                                                \
                                   const void *const *inputs,                                                                  \
                                   const void *const *targets,                                                                 \
                                   const float *sample_weights,                                                                \
                                   size_t n,                                                                                   \
                                   const CnncStep *step,                                                                       \
                                   float *losses,                                                                              \
                                   float *const *outputs,                                                                      \
                                   void *arena)                                                                                \
    {                                                                                                                          \
        float gradients[(FEATURES + 1) * CLASSES];                                                                             \
        float loss = NAME##_gradients(weights, gradients, inputs, targets, sample_weights, n, arena);                          \
        if (outputs) memcpy(outputs[0], arena, n *CLASSES * sizeof(float));                                                    \
        if (losses) losses[0] = loss;                                                                                          \
        momentum(weights, slots, gradients, (FEATURES + 1) * CLASSES, step);                                                   \
        return loss;                                                                                                           \
    }                                                                                                                          \
    static float NAME##_evaluate(const void *weights,                                                                          \
                                 const void *const *inputs,                                                                    \
                                 const void *const *targets,                                                                   \
                                 const float *sample_weights,                                                                  \
                                 size_t n,                                                                                     \
                                 float *losses,                                                                                \
                                 float *const *outputs,                                                                        \
                                 void *arena)                                                                                  \
    {                                                                                                                          \
        NAME##_predict(weights, inputs, (float *[]){arena}, n, NULL);                                                          \
        float loss = crossentropy(CLASSES, INDICES, arena, targets[0], sample_weights, n);                                     \
        if (outputs) memcpy(outputs[0], arena, n *CLASSES * sizeof(float));                                                    \
        if (losses) losses[0] = loss;                                                                                          \
        return loss;                                                                                                           \
    }

REGRESSION(digits, 784, 10, false, (1.0F / 255))
REGRESSION(flowers, 4, 3, true, 1.0F)

static const CnncMetric accuracy[] = {{.name = "accuracy", .kind = "accuracy", .value = -1}, {0}};
static const CnncSlot slots[] = {{"momentum", 0}};

const CnncModel toy_digits = {
    .runtime_version = CNNC_RUNTIME_VERSION,
    .name = "toy_digits",
    .hash = "d161",
    .summary = "toy_digits: 7,850 parameters\n",
    .batch_size = 32,
    .input_count = 1,
    .output_count = 1,
    .tensor_count = 2,
    .inputs = (const CnncPort[]){{"input", CNNC_FLOAT32, 3, {28, 28, 1}, 0}},
    .outputs = (const CnncPort[]){{"dense", CNNC_FLOAT32, 1, {10}, 0}},
    .targets = (const CnncTarget[]){{.loss = "categorical_crossentropy", .shares = true}},
    .metrics = accuracy,
    .tensors = (const CnncTensor[]){{"dense/kernel", 2, {784, 10}, 0, true, CNNC_UNIFORM, -0.08, 0.08, 0, 0},
                                    {"dense/bias", 1, {10}, sizeof(float) * 7840, true, CNNC_CONSTANT, 0, 0, 0, 0}},
    .parameters_size = sizeof(float) * 7850,
    .weights_size = (sizeof(float) * 7850 + 63) / 64 * 64,
    .predict_arena_size = 0,
    .evaluate_arena_size = sizeof(float) * 32 * 10,
    .train_arena_size = sizeof(float) * 32 * 10,
    .optimizer = "sgd",
    .slot_count = 1,
    .slots = slots,
    .learning_rate = 0.05F,
    .fit =
        (const CnncArgument[]){
            {"epochs", "3"}, {"batch_size", "32"}, {"validation_split", "0.1"}, {"class_weight", "none"}, {NULL, NULL}},
    .callbacks =
        (const CnncCallback[]){
            {"early_stopping", (const CnncArgument[]){{"monitor", "val_loss"}, {"patience", "5"}, {NULL, NULL}}, NULL}, {NULL, NULL, NULL}},
    .pack = digits_pack,
    .unpack = digits_unpack,
    .predict_batch = digits_predict,
    .train_step = digits_train_step,
    .gradients = digits_gradients,
    .evaluate = digits_evaluate,
};

const CnncModel toy_flowers = {
    .runtime_version = CNNC_RUNTIME_VERSION,
    .name = "toy_flowers",
    .hash = "f10e",
    .summary = "toy_flowers: 15 parameters\n",
    .batch_size = 8,
    .input_count = 1,
    .output_count = 1,
    .tensor_count = 2,
    .inputs = (const CnncPort[]){{"input", CNNC_FLOAT32, 1, {4}, 0}},
    .outputs = (const CnncPort[]){{"dense", CNNC_FLOAT32, 1, {3}, 0}},
    .targets = (const CnncTarget[]){{.loss = "sparse_categorical_crossentropy", .class_indices = true}},
    .metrics = accuracy,
    .tensors = (const CnncTensor[]){{"dense/kernel", 2, {4, 3}, 0, true, CNNC_UNIFORM, -0.9, 0.9, 0, 0},
                                    {"dense/bias", 1, {3}, sizeof(float) * 12, true, CNNC_CONSTANT, 0, 0, 0, 0}},
    .parameters_size = sizeof(float) * 15,
    .weights_size = 64,
    .evaluate_arena_size = sizeof(float) * 8 * 3,
    .train_arena_size = sizeof(float) * 8 * 3,
    .optimizer = "sgd",
    .slot_count = 1,
    .slots = slots,
    .learning_rate = 0.05F,
    .fit = (const CnncArgument[]){{NULL, NULL}},
    .callbacks = (const CnncCallback[]){{NULL, NULL, NULL}},
    .pack = flowers_pack,
    .unpack = flowers_unpack,
    .predict_batch = flowers_predict,
    .train_step = flowers_train_step,
    .gradients = flowers_gradients,
    .evaluate = flowers_evaluate,
};

/* ---- two inputs, two outputs: sum = (left + right) . w, product = (left * right) . v ------------------------------- */

static void pair_copy(const void *from, void *to)
{
    memcpy(to, from, 4 * sizeof(float));
}

static void pair_predict(const void *weights, const void *const *inputs, float *const *outputs, size_t n, void *arena)
{
    const float *w = weights, *left = inputs[0];
    const int32_t *right = inputs[1];
    (void)arena;
    for (size_t i = 0; i < 2 * n; i += 2) {
        outputs[0][i / 2] = w[0] * (left[i] + (float)right[i]) + w[1] * (left[i + 1] + (float)right[i + 1]);
        outputs[1][i / 2] = w[2] * (left[i] * (float)right[i]) + w[3] * (left[i + 1] * (float)right[i + 1]);
    }
}

static float pair_loss(const float *predictions, const void *targets, const float *sample_weights, size_t n)
{
    float loss = 0;
    for (size_t i = 0; i < n; i++) {
        float error = predictions[i] - ((const float *)targets)[i];
        loss += (sample_weights ? sample_weights[i] : 1) * error * error / (float)n;
    }
    return loss;
}

static float pair_losses(float *losses, float *const *outputs, const void *const *targets, const float *sample_weights, size_t n)
{
    float each[2];
    for (int i = 0; i < 2; i++) each[i] = pair_loss(outputs[i], targets[i], sample_weights, n);
    if (losses) memcpy(losses, each, sizeof each);
    return each[0] + each[1];
}

static float pair_evaluate(const void *weights, const void *const *inputs, const void *const *targets,
                           const float *sample_weights, size_t n, float *losses, float *const *outputs, void *arena)
{
    float *own[2] = {arena, (float *)arena + 4};
    pair_predict(weights, inputs, own, n, NULL);
    if (outputs) pair_predict(weights, inputs, outputs, n, NULL);
    return pair_losses(losses, own, targets, sample_weights, n);
}

static float pair_gradients(const void *weights, void *gradients, const void *const *inputs, const void *const *targets,
                            const float *sample_weights, size_t n, void *arena)
{
    float *g = gradients, *outputs[2] = {arena, (float *)arena + 4};
    const float *left = inputs[0];
    const int32_t *right = inputs[1];
    memset(g, 0, 4 * sizeof *g);
    pair_predict(weights, inputs, outputs, n, NULL);
    for (size_t i = 0; i < n; i++) {
        float scale = 2 * (sample_weights ? sample_weights[i] : 1) / (float)n;
        float sum_error = scale * (outputs[0][i] - ((const float *)targets[0])[i]);
        float product_error = scale * (outputs[1][i] - ((const float *)targets[1])[i]);
        for (size_t k = 0; k < 2; k++) {
            g[k] += sum_error * (left[2 * i + k] + (float)right[2 * i + k]);
            g[2 + k] += product_error * (left[2 * i + k] * (float)right[2 * i + k]);
        }
    }
    return pair_losses(NULL, outputs, targets, sample_weights, n);
}

static float pair_train_step(void *weights, void *slot, const void *const *inputs, const void *const *targets,
                             const float *sample_weights, size_t n, const CnncStep *step, float *losses,
                             float *const *outputs, void *arena)
{
    float gradients[4], *w = weights;
    (void)slot;
    pair_evaluate(weights, inputs, targets, sample_weights, n, losses, outputs, arena);
    float loss = pair_gradients(weights, gradients, inputs, targets, sample_weights, n, arena);
    for (int i = 0; i < 4; i++) w[i] -= step->learning_rate * gradients[i];
    return loss;
}

const CnncModel toy_pair = {
    .runtime_version = CNNC_RUNTIME_VERSION,
    .name = "toy_pair",
    .hash = "9a18",
    .summary = "toy_pair: 4 parameters\n",
    .batch_size = 4,
    .input_count = 2,
    .output_count = 2,
    .tensor_count = 2,
    .inputs = (const CnncPort[]){{"left", CNNC_FLOAT32, 1, {2}, 0}, {"right", CNNC_INT32, 1, {2}, 0}},
    .outputs = (const CnncPort[]){{"sum", CNNC_FLOAT32, 1, {1}, 0}, {"product", CNNC_FLOAT32, 1, {1}, 0}},
    .targets = (const CnncTarget[]){{.loss = "mean_squared_error"}, {.loss = "mean_squared_error"}},
    .tensors = (const CnncTensor[]){{"sum/kernel", 2, {2, 1}, 0, true, CNNC_CONSTANT, 0, 0, 0, 0},
                                    {"product/kernel", 2, {2, 1}, 2 * sizeof(float), false, CNNC_CONSTANT, 0.5, 0, 0, 0}},
    .parameters_size = 4 * sizeof(float),
    .weights_size = 64,
    .evaluate_arena_size = 8 * sizeof(float),
    .train_arena_size = 8 * sizeof(float),
    .optimizer = "sgd",
    .learning_rate = 0.01F,
    .fit = (const CnncArgument[]){{NULL, NULL}},
    .callbacks = (const CnncCallback[]){{NULL, NULL, NULL}},
    .pack = pair_copy,
    .unpack = pair_copy,
    .predict_batch = pair_predict,
    .train_step = pair_train_step,
    .gradients = pair_gradients,
    .evaluate = pair_evaluate,
};
