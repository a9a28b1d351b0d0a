/* What people write who come from Python, Keras or PyTorch. These words have no meaning in the language; they are known
 * only so that whoever writes them is told at once what to write instead. */
#include "language/habits.h"

#include <string.h>

typedef struct {
    const char *word, *advice;
} Habit;

/* Called like layers. */
static const Habit callees[] = {
    {"sequential", "layers stand one after the other, with nothing around them"},
    {"model", "the last layer is the output, or outputs(a, b) names several: that is all"},
    {"linear", "PyTorch's Linear(inputs, units) is dense(units); linear() is the activation that changes nothing"},
    {"fully_connected", "that is dense(units)"},
    {"fc", "that is dense(units)"},
    {"batch_norm2d", "that is batch_normalization()"},
    {"batch_norm1d", "that is batch_normalization()"},
    {"lambda", "Python code cannot be compiled; `cnnc --help` lists the layers that there are"},
    {"summary", "`cnnc --summary model.net` prints the layers"},
    {"print", "`cnnc --summary model.net` prints the layers"},
    {"evaluate", "the trainer does that: cnnc model.net -o trainer, then ./trainer evaluate --weights w.safetensors"},
    {"predict", "the trainer does that: cnnc model.net -o trainer, then ./trainer predict --weights w.safetensors x.npy"},
    {"save", "the trainer writes the weights: ./trainer fit --output w.safetensors"},
    {"save_weights", "the trainer writes the weights: ./trainer fit --output w.safetensors"},
    {"load_weights", "the trainer reads them: ./trainer fit --weights w.safetensors"},
    {"load_data", "the trainer reads the data: ./trainer fit --data FOLDER, or --x x.npy --y y.npy"},
    {"to_categorical", "labels may be class numbers or one-hot rows, as they are"},
};

static const Habit parameters[] = {
    {"input_shape", "a network begins with its input, a statement of its own: input(28, 28, 1)"},
    {"input_dim", "a network begins with its input, a statement of its own: input(784)"},
    {"batch_input_shape", "a network begins with its input, a statement of its own: input(28, 28, 1)"},
    {"input_length", "a network begins with its input, a statement of its own: input(20)"},
    {"in_channels", "what comes in is known from the layer before"},
    {"in_features", "what comes in is known from the layer before"},
    {"decay", "a rate that falls is a schedule, as in learning_rate=inverse_time_decay(0.01, 1, 1e-6)"},
};

/* Older names, PyTorch's, and what comes to mind: the first that the row has is meant. */
static const Habit synonyms[] = {
    {"lr", "learning_rate"},
    {"nb_epoch", "epochs"},
    {"nb_epochs", "epochs"},
    {"nb_filter", "filters"},
    {"out_channels", "filters"},
    {"border_mode", "padding"},
    {"subsample", "strides"},
    {"out_features", "units"},
    {"output_dim", "units"},
    {"neurons", "units"},
    {"nodes", "units"},
    {"p", "rate"},
    {"bias", "use_bias"},
    {"init", "kernel_initializer"},
    {"eps", "epsilon"},
    {"alpha", "negative_slope"},
    {"filepath", "filename"},
    {"filename", "filepath"},
};

/* Words out of place in the other tables: losses, activations, initializers, ... */
static const Habit rows[] = {
    {"crossentropy", "which one? binary_crossentropy for an output of one number, else categorical_crossentropy"},
    {"ce", "which one? binary_crossentropy for an output of one number, else categorical_crossentropy"},
    {"cross_entropy", "which one? binary_crossentropy for an output of one number, else categorical_crossentropy"},
    {"cross_entropy_loss", "PyTorch's is categorical_crossentropy(from_logits=true)"},
    {"bce_with_logits_loss", "that is binary_crossentropy(from_logits=true)"},
    {"mse_loss", "that is mean_squared_error"},
    {"xavier_uniform", "that is glorot_uniform"},
    {"xavier_normal", "that is glorot_normal"},
    {"kaiming_uniform", "that is he_uniform"},
    {"kaiming_normal", "that is he_normal"},
    {"tensor_board", "fit --history FILE keeps the figures, and ./trainer report draws the curves"},
    {"lambda_callback", "Python code cannot be compiled; `cnnc --help` lists the callbacks that there are"},
};

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static const char *advice(const Habit *table, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (diagnostics_alike(table[i].word, name)) return table[i].advice;
    return NULL;
}

static bool is_among(const char *const *words, const char *name)
{
    for (; *words; words++)
        if (!strcmp(*words, name)) return true;
    return false;
}

const char *habit_of_callee(const char *name)
{
    return advice(callees, COUNT(callees), name);
}

const char *habit_of_row(const char *name)
{
    return advice(rows, COUNT(rows), name);
}

const char *habit_of_parameter(const char *name)
{
    return advice(parameters, COUNT(parameters), name);
}

const char *habit_synonym(const char *name, int which)
{
    for (int i = 0; i < COUNT(synonyms); i++)
        if (!strcmp(synonyms[i].word, name) && which-- == 0) return synonyms[i].advice;
    return NULL;
}

bool habit_not_supported(const char *name)
{
    static const char *const names[] = {
        "mask_zero", "weights", "noise_shape", "return_state", "use_cudnn", "ignore_class", "reduction", "trainable", "dtype", "autocast", "batch_shape",
        "use_ema", "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "run_eagerly", "steps_per_execution",
        "jit_compile", "auto_scale_loss", "lora_rank", "lora_alpha", "quantization_config", "renorm", "synchronized", "multi_label", "num_labels",
        "label_weights", "from_sorted_ids", "input_axes", "output_axes", "initial_state", "mask", "workers", "use_multiprocessing", "max_queue_size", NULL};
    const char *end = strrchr(name, '_');
    return (end && !strcmp(end, "_constraint")) || is_among(names, name);
}

bool habit_is_python(const char *word)
{
    static const char *const words[] = {"import", "from", "def", "class", "for", "while", "if", "return", "with", "print", NULL};
    return is_among(words, word);
}

bool habit_is_module(const char *word)
{
    static const char *const words[] = {"model", "keras", "tf", "tensorflow", "torch", "nn", "F", "np", "numpy", "layers", "models", "optimizers", "losses",
                                        "metrics", "activations", "regularizers", "initializers", "constraints", "callbacks", "schedules", "utils", "self", NULL};
    return is_among(words, word);
}
