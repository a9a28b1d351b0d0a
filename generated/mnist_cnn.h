/* mnist_cnn, by cnnc 0.1.0: cnnc mnist_cnn.net -o mnist_cnn.c
 *
 * One sample, row by row, without the batch: input (28, 28, 1); output (10,).
 * Memory that is handed over (weights, arena) must be aligned to MNIST_CNN_ALIGNMENT bytes. */
#ifndef MNIST_CNN_H
#define MNIST_CNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MNIST_CNN_ALIGNMENT 64
#define MNIST_CNN_ALIGNED __attribute__((aligned(64)))
#define MNIST_CNN_BATCH_SIZE 128 /* the most samples that one step takes */
#define MNIST_CNN_INPUT_SIZE 784 /* numbers of one sample */
#define MNIST_CNN_OUTPUT_SIZE 10
#define MNIST_CNN_PARAMETERS_BYTES 4799528
#define MNIST_CNN_WEIGHTS_BYTES 5097536
#define MNIST_CNN_ARENA_BYTES 621056 /* scratch memory of predict */
#define MNIST_CNN_BATCH_ARENA_BYTES 7495680 /* of predict_batch */
/* How to declare an arena, so that it is aligned and lies in the section that -DMNIST_CNN_ARENA_SECTION='".fast"' names, where there is one:
 * static MNIST_CNN_ARENA unsigned char arena[MNIST_CNN_ARENA_BYTES]; */
#ifdef MNIST_CNN_ARENA_SECTION
#define MNIST_CNN_ARENA MNIST_CNN_ALIGNED __attribute__((section(MNIST_CNN_ARENA_SECTION)))
#else
#define MNIST_CNN_ARENA MNIST_CNN_ALIGNED
#endif
#define MNIST_CNN_EVALUATE_ARENA_BYTES 7495680 /* of evaluate */
#define MNIST_CNN_TRAIN_ARENA_BYTES 14117888 /* of train_step and gradients */
#define MNIST_CNN_SLOTS 2 /* the optimiser's memories: each a struct of weights, zero at first where nothing else is said */

/* The weights as files hold them, in Keras's layouts. */
typedef struct mnist_cnn_parameters {
    float conv2d_kernel[3][3][1][32];
    float conv2d_bias[32];
    float conv2d_1_kernel[3][3][32][64];
    float conv2d_1_bias[64];
    float dense_kernel[9216][128];
    float dense_bias[128];
    float dense_1_kernel[128][10];
    float dense_1_bias[10];
} mnist_cnn_parameters;

/* The weights as the functions below read them; made by mnist_cnn_pack. */
typedef struct mnist_cnn_weights {
    MNIST_CNN_ALIGNED float conv2d_kernel[2][9][16]; /* panels of 16 columns */
    MNIST_CNN_ALIGNED float conv2d_bias[32];
    MNIST_CNN_ALIGNED float conv2d_1_kernel[4][288][16]; /* panels of 16 columns */
    MNIST_CNN_ALIGNED float conv2d_1_bias[64];
    MNIST_CNN_ALIGNED float conv2d_1_kernel_winograd4[36][4][32][16]; /* another form of conv2d_1_kernel */
    MNIST_CNN_ALIGNED float dense_kernel[8][9216][16]; /* panels of 16 columns */
    MNIST_CNN_ALIGNED float dense_bias[128];
    MNIST_CNN_ALIGNED float dense_1_kernel[1][128][16]; /* panels of 16 columns */
    MNIST_CNN_ALIGNED float dense_1_bias[10];
} mnist_cnn_weights;

void mnist_cnn_pack(const mnist_cnn_parameters *from, mnist_cnn_weights *to);
void mnist_cnn_unpack(const mnist_cnn_weights *from, mnist_cnn_parameters *to);

/* Inference on one sample. Re-entrant: nothing is written but the outputs and the arena of MNIST_CNN_ARENA_BYTES. */
void mnist_cnn_predict(const mnist_cnn_weights *w, const float *input, float *output, void *arena);

/* Inference on n samples, one behind the other; the arena has MNIST_CNN_BATCH_ARENA_BYTES. */
void mnist_cnn_predict_batch(const mnist_cnn_weights *w, const float *input, float *output, size_t n, void *arena);

/* What a training step is told beside its data. */
typedef struct mnist_cnn_training_step {
    uint64_t seed;       /* of the random numbers of dropout and its like */
    uint64_t step;       /* steps made before this one: with the slots all that the optimiser knows of them */
    float learning_rate; /* of this step */
    int refuse_nan;      /* not 0: a step whose loss is not finite returns NaN and updates nothing */
} mnist_cnn_training_step;

/* The mean loss of 1 to MNIST_CNN_BATCH_SIZE samples, as in inference. Targets are rows like the outputs; sample_weights may be
 * NULL, for all ones. losses may be NULL: the loss of each output. So may outputs. */
float mnist_cnn_evaluate(const mnist_cnn_weights *w, const float *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena);

/* One step on 1 to MNIST_CNN_BATCH_SIZE samples: updates the weights and the slots, returns the mean loss. The rest as for
 * evaluate; outputs receive the predictions made on the way, with noise. */
float mnist_cnn_train_step(mnist_cnn_weights *w, mnist_cnn_weights *slots, const float *input, const float *target, const float *sample_weights, size_t n, const mnist_cnn_training_step *step, float *losses, float *output, void *arena);

/* The same on inputs of whole numbers from 0 to 255, as image files hold them: they are converted as they are read. */
float mnist_cnn_evaluate_bytes(const mnist_cnn_weights *w, const uint8_t *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena);
float mnist_cnn_train_step_bytes(mnist_cnn_weights *w, mnist_cnn_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, size_t n, const mnist_cnn_training_step *step, float *losses, float *output, void *arena);

/* The loss and its gradients, noise off; nothing is updated. */
float mnist_cnn_gradients(const mnist_cnn_weights *w, mnist_cnn_weights *gradients, const float *input, const float *target, const float *sample_weights, size_t n, void *arena);

#ifdef __cplusplus
}
#endif

#endif
