/* A network for a web page: what page.js calls.
 *
 * TABLE is the trainer's table of the network, as cnnc --emit=trainer writes it: it knows the names and shapes of everything, and
 * holds `activations`, which gives what each layer gives. Nothing here calls anything of training, so the linker leaves that out. */
#define CNNC_NO_MAIN
#include TABLE

#include <stdlib.h>

#ifdef __wasm__
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

static void *parameters, *weights, *predict_arena, *features_arena;
static float *input, *output, **features;

static size_t floats(const CnncPort *port)
{
    size_t count = 1;
    for (int i = 0; i < port->rank; i++) count *= (size_t)port->shape[i];
    return count;
}

static void *take(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!memory) abort();
    return memory;
}

/* What the network is made of. */

EXPORT const char *model_name(void) { return cnnc_model.name; }
EXPORT int input_count(void) { return cnnc_model.input_count; }
EXPORT int output_count(void) { return cnnc_model.output_count; }
EXPORT size_t input_floats(void) { return floats(&cnnc_model.inputs[0]); }
EXPORT size_t output_floats(void) { return floats(&cnnc_model.outputs[0]); }
EXPORT int feature_count(void) { return cnnc_model.feature_count; }
EXPORT const char *feature_name(int i) { return cnnc_model.features[i].name; }
EXPORT int feature_rank(int i) { return cnnc_model.features[i].rank; }
EXPORT int feature_size(int i, int axis) { return (int)cnnc_model.features[i].shape[axis]; }
EXPORT int tensor_count(void) { return cnnc_model.tensor_count; }
EXPORT const char *tensor_name(int i) { return cnnc_model.tensors[i].name; }

EXPORT size_t tensor_floats(int i)
{
    size_t count = 1;
    for (int k = 0; k < cnnc_model.tensors[i].rank; k++) count *= (size_t)cnnc_model.tensors[i].shape[k];
    return count;
}

/* Where things are. The page writes the tensors, then calls ready(); it writes the input, then calls the two others. */

EXPORT void begin(void)
{
    parameters = take(cnnc_model.parameters_size);
    weights = take(cnnc_model.weights_size);
    predict_arena = take(cnnc_model.predict_arena_size);
    features_arena = take(cnnc_model.features_arena_size);
    input = take(input_floats() * sizeof *input);
    output = take(output_floats() * sizeof *output);
    features = take((size_t)cnnc_model.feature_count * sizeof *features);
    for (int i = 0; i < cnnc_model.feature_count; i++) features[i] = take(floats(&cnnc_model.features[i]) * sizeof **features);
}

EXPORT float *tensor_values(int i) { return (float *)(void *)((char *)parameters + cnnc_model.tensors[i].offset); }
EXPORT float *input_values(void) { return input; }
EXPORT float *output_values(void) { return output; }
EXPORT float *feature_values(int i) { return features[i]; }

EXPORT void ready(void)
{
    pack(parameters, weights);
}

EXPORT void predict(void)
{
    predict_batch(weights, (const void *const[]){input}, (float *const[]){output}, 1, predict_arena);
}

EXPORT void look(void)
{
    activations(weights, (const void *const[]){input}, features, features_arena);
}
