/* mlp, by cnnc 0.1.0: cnnc mlp.net -o mlp.c
 *
 * One sample, row by row, without the batch: input (28, 28, 1); output (10,).
 * Memory that is handed over (weights, arena) must be aligned to MLP_ALIGNMENT bytes. */
#ifndef MLP_H
#define MLP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLP_ALIGNMENT 64
#define MLP_ALIGNED __attribute__((aligned(64)))
#define MLP_BATCH_SIZE 200 /* the most samples that one step takes */
#define MLP_INPUT_SIZE 784 /* numbers of one sample */
#define MLP_OUTPUT_SIZE 10
#define MLP_PARAMETERS_BYTES 1628200
#define MLP_WEIGHTS_BYTES 1640512
#define MLP_ARENA_BYTES 5184 /* scratch memory of predict */
#define MLP_BATCH_ARENA_BYTES 1059200 /* of predict_batch */
/* How to declare an arena, so that it is aligned and lies in the section that -DMLP_ARENA_SECTION='".fast"' names, where there is one:
 * static MLP_ARENA unsigned char arena[MLP_ARENA_BYTES]; */
#ifdef MLP_ARENA_SECTION
#define MLP_ARENA MLP_ALIGNED __attribute__((section(MLP_ARENA_SECTION)))
#else
#define MLP_ARENA MLP_ALIGNED
#endif
#define MLP_EVALUATE_ARENA_BYTES 1059200 /* of evaluate */
#define MLP_TRAIN_ARENA_BYTES 1500096 /* of train_step and gradients */
#define MLP_SLOTS 2 /* the optimiser's memories: each a struct of weights, zero at first where nothing else is said */

/* The weights as files hold them, in Keras's layouts. */
typedef struct mlp_parameters {
    float dense_kernel[784][512];
    float dense_bias[512];
    float dense_1_kernel[512][10];
    float dense_1_bias[10];
} mlp_parameters;

/* The weights as the functions below read them; made by mlp_pack. */
typedef struct mlp_weights {
    MLP_ALIGNED float dense_kernel[32][784][16]; /* panels of 16 columns */
    MLP_ALIGNED float dense_bias[512];
    MLP_ALIGNED float dense_1_kernel[1][512][16]; /* panels of 16 columns */
    MLP_ALIGNED float dense_1_bias[10];
} mlp_weights;

void mlp_pack(const mlp_parameters *from, mlp_weights *to);
void mlp_unpack(const mlp_weights *from, mlp_parameters *to);

/* Inference on one sample. Re-entrant: nothing is written but the outputs and the arena of MLP_ARENA_BYTES. */
void mlp_predict(const mlp_weights *w, const float *input, float *output, void *arena);

/* Inference on n samples, one behind the other; the arena has MLP_BATCH_ARENA_BYTES. */
void mlp_predict_batch(const mlp_weights *w, const float *input, float *output, size_t n, void *arena);

/* What a training step is told beside its data. */
typedef struct mlp_training_step {
    uint64_t seed;       /* of the random numbers of dropout and its like */
    uint64_t step;       /* steps made before this one: with the slots all that the optimiser knows of them */
    float learning_rate; /* of this step */
    int refuse_nan;      /* not 0: a step whose loss is not finite returns NaN and updates nothing */
} mlp_training_step;

/* The mean loss of 1 to MLP_BATCH_SIZE samples, as in inference. Targets are rows like the outputs; sample_weights may be
 * NULL, for all ones. losses may be NULL: the loss of each output. So may outputs. */
float mlp_evaluate(const mlp_weights *w, const float *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena);

/* One step on 1 to MLP_BATCH_SIZE samples: updates the weights and the slots, returns the mean loss. The rest as for
 * evaluate; outputs receive the predictions made on the way, with noise. */
float mlp_train_step(mlp_weights *w, mlp_weights *slots, const float *input, const float *target, const float *sample_weights, size_t n, const mlp_training_step *step, float *losses, float *output, void *arena);

/* The same on inputs of whole numbers from 0 to 255, as image files hold them: they are converted as they are read. */
float mlp_evaluate_bytes(const mlp_weights *w, const uint8_t *input, const float *target, const float *sample_weights, size_t n, float *losses, float *output, void *arena);
float mlp_train_step_bytes(mlp_weights *w, mlp_weights *slots, const uint8_t *input, const float *target, const float *sample_weights, size_t n, const mlp_training_step *step, float *losses, float *output, void *arena);

/* The loss and its gradients, noise off; nothing is updated. */
float mlp_gradients(const mlp_weights *w, mlp_weights *gradients, const float *input, const float *target, const float *sample_weights, size_t n, void *arena);

#ifdef __cplusplus
}
#endif

#endif
