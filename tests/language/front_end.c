/* The front end alone, with tables of its own, for the cases of this folder: it prints the layers that a file expands
 * to, or its diagnoses. The rows here are a few that show each kind of parameter; the language is tested, not the layers.
 *
 *     front_end [--ast] [-D name=value]... file [name that messages use] */
#include "cnnc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the rows -------------------------------------------------------------------------------------------------- */

static const char *const paddings[] = {"valid", "same", NULL};
static const char *const types[] = {"float32", "int32", NULL};

#define ROWS(...)                                                                                                              \
    .parameters = (const Parameter[])                                                                                          \
    {                                                                                                                          \
        __VA_ARGS__,                                                                                                           \
        {                                                                                                                      \
            .name = NULL                                                                                                       \
        }                                                                                                                      \
    }
#define ACTIVATION                                                                                                             \
    {                                                                                                                          \
        .name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "linear"                       \
    }

static Tensor *build(Graph *graph, const LayerCall *call)
{
    (void)graph;
    Tensor *tensor = NEW(Tensor);
    tensor->name = call->name;
    return tensor;
}

static const Layer input = {{.name = "input",
                             ROWS({.name = "shape", .type = PARAMETER_SIZE, .minimum = 1, .rest = true},
                                  {.name = "dtype", .type = PARAMETER_WORD, .fallback = "float32", .words = types})},
                            0,
                            0,
                            build};
static const Layer conv2d = {
    {.name = "conv2d",
     ROWS({.name = "filters", .type = PARAMETER_SIZE, .minimum = 1, .maximum = HUGE_VAL},
          {.name = "kernel_size", .type = PARAMETER_PAIR, .minimum = 1},
          {.name = "strides", .type = PARAMETER_PAIR, .fallback = "1", .minimum = 1},
          {.name = "padding", .type = PARAMETER_WORD, .fallback = "valid", .words = paddings}, ACTIVATION,
          {.name = "use_bias", .type = PARAMETER_BOOLEAN, .fallback = "true"},
          {.name = "kernel_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "glorot_uniform"})},
    1,
    1,
    build};
static const Layer max_pooling2d = {{.name = "max_pooling2d",
                                     ROWS({.name = "pool_size", .type = PARAMETER_PAIR, .fallback = "2x2", .minimum = 1},
                                          {.name = "strides", .type = PARAMETER_PAIR, .fallback = "none", .minimum = 1})},
                                    1,
                                    1,
                                    build};
static const Layer zero_padding2d = {
    {.name = "zero_padding2d", ROWS({.name = "padding", .type = PARAMETER_PAIR, .fallback = "[1x1, 1x1]", .list = true})},
    1,
    1,
    build};
static const Layer dropout = {{.name = "dropout",
                               ROWS({.name = "rate", .type = PARAMETER_NUMBER, .maximum = 1, .below_maximum = true},
                                    {.name = "seed", .type = PARAMETER_SIZE, .fallback = "none"})},
                              1,
                              1,
                              build};
static const Layer dense = {{.name = "dense",
                             ROWS({.name = "units", .type = PARAMETER_SIZE, .minimum = 1}, ACTIVATION,
                                  {.name = "use_bias", .type = PARAMETER_BOOLEAN, .fallback = "true"})},
                            1,
                            1,
                            build};
static const Layer rescaling = {
    {.name = "rescaling",
     ROWS({.name = "scale", .type = PARAMETER_NUMBER}, {.name = "offset", .type = PARAMETER_NUMBER, .fallback = "0"})},
    1,
    1,
    build};
static const Layer flatten = {{.name = "flatten"}, 1, 1, build};
static const Layer activation = {
    {.name = "activation", ROWS({.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table})}, 1, 1, build};
static const Layer relu_layer = {{.name = "relu"}, 1, 1, build};
static const Layer add = {{.name = "add"}, 2, -1, build};
static const Layer concatenate = {
    {.name = "concatenate", ROWS({.name = "axis", .type = PARAMETER_SIZE, .fallback = "-1", .minimum = -6, .maximum = 6})},
    2,
    -1,
    build};
static const Layer bidirectional = {
    {.name = "bidirectional", ROWS({.name = "layer", .type = PARAMETER_OBJECT, .table = &layer_table})}, 1, 1, build};
static const Layer lookup = {
    {.name = "lookup", ROWS({.name = "weights", .type = PARAMETER_MAP, .maximum = HUGE_VAL})}, 1, 1, build};

static const Entry *const layers[] = {&input.entry,
                                      &conv2d.entry,
                                      &max_pooling2d.entry,
                                      &zero_padding2d.entry,
                                      &dropout.entry,
                                      &dense.entry,
                                      &rescaling.entry,
                                      &flatten.entry,
                                      &activation.entry,
                                      &relu_layer.entry,
                                      &add.entry,
                                      &concatenate.entry,
                                      &bidirectional.entry,
                                      &lookup.entry};

static const Entry adam = {
    .name = "adam",
    ROWS({.name = "learning_rate", .type = PARAMETER_NUMBER, .fallback = "0.001", .above_minimum = true},
         {.name = "beta_1", .type = PARAMETER_NUMBER, .fallback = "0.9", .maximum = 1, .below_maximum = true})};
static const Entry rmsprop = {.name = "rmsprop"};

static const Entry sgd = {.name = "sgd",
                          ROWS({.name = "learning_rate", .type = PARAMETER_NUMBER, .fallback = "0.01", .above_minimum = true})};
static const Entry mean_squared_error = {.name = "mean_squared_error"}, mse = {.name = "mse", .alias_of = "mean_squared_error"};
static const Entry categorical_crossentropy = {
    .name = "categorical_crossentropy",
    ROWS({.name = "label_smoothing", .type = PARAMETER_NUMBER, .fallback = "0", .maximum = 1})};
static const Entry accuracy = {.name = "accuracy"};
static const Entry linear = {.name = "linear"}, relu = {.name = "relu"}, softmax = {.name = "softmax"};
static const Entry leaky_relu = {.name = "leaky_relu",
                                 ROWS({.name = "negative_slope", .type = PARAMETER_NUMBER, .fallback = "0.2"})};
static const Entry glorot_uniform = {.name = "glorot_uniform"};
static const Entry constant = {.name = "constant", ROWS({.name = "value", .type = PARAMETER_NUMBER, .fallback = "0"})};
#define CALLBACK(name, example) extern const Entry name##_callback;
#include "callbacks.def"
#undef CALLBACK
extern const Entry outputs_statement, compile_statement, fit_statement;

static const Entry exponential_decay = {.name = "exponential_decay",
                                        ROWS({.name = "initial_learning_rate", .type = PARAMETER_NUMBER},
                                             {.name = "decay_steps", .type = PARAMETER_NUMBER},
                                             {.name = "decay_rate", .type = PARAMETER_NUMBER})};
static const Entry *const schedules[] = {&exponential_decay};

static const Entry *const optimizers[] = {&adam, &sgd, &rmsprop}, *const losses[] = {
                                                            &mean_squared_error, &mse, &categorical_crossentropy};
static const Entry *const metrics[] = {&accuracy}, *const activations[] = {&linear, &relu, &softmax, &leaky_relu};
static const Entry *const initializers[] = {&glorot_uniform, &constant};
#define CALLBACK(name, example) &name##_callback,
static const Entry *const callbacks[] = {
#include "callbacks.def"
};
#undef CALLBACK
static const Entry *const statements[] = {&outputs_statement, &compile_statement, &fit_statement};

#define TABLE(what, rows)                                                                                                      \
    {                                                                                                                          \
        .kind = what, .entries = rows, .count = (int)(sizeof rows / sizeof *rows)                                              \
    }
const Table layer_table = TABLE("layer", layers), optimizer_table = TABLE("optimizer", optimizers),
            loss_table = TABLE("loss", losses), metric_table = TABLE("metric", metrics),
            activation_table = TABLE("activation", activations), initializer_table = TABLE("initializer", initializers),
            callback_table = TABLE("callback", callbacks), schedule_table = TABLE("schedule", schedules), statement_table = TABLE("statement", statements);
const Table *const all_tables[] = {&layer_table,
                                   &optimizer_table,
                                   &loss_table,
                                   &metric_table,
                                   &activation_table,
                                   &initializer_table,
                                   &callback_table,
                                   &statement_table,
                                   NULL};

/* ---- the graph: a list of layers ---------------------------------------------------------------------------------- */

void tensor_rename(Tensor *tensor, const char *name)
{
    tensor->name = name;
}

Tensor *graph_layer(Graph *graph, LayerCall *call)
{
    const Layer *layer = call->layer;
    if (call->input_count < layer->least_inputs || (layer->most_inputs >= 0 && call->input_count > layer->most_inputs)) {
        diagnose(call->place,
                 "%s takes %s%d inputs, not %d",
                 layer->entry.name,
                 layer->most_inputs == layer->least_inputs ? "" : "at least ",
                 layer->least_inputs,
                 call->input_count);
        return NULL;
    }
    graph->layers = memory_grow(graph->layers, &graph->layer_capacity, graph->layer_count, sizeof(LayerUse));
    LayerUse *use = &graph->layers[graph->layer_count++];
    *use = (LayerUse){layer, call->name, call->arguments, call->place, NULL, call->inputs, call->input_count};
    return use->output = layer->build(graph, call);
}

/* ---- the program --------------------------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *length)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    size_t capacity = 1 << 16;
    char *text = malloc(capacity);
    *length = 0;
    while (file && text) {
        *length += fread(text + *length, 1, capacity - *length, file);
        if (*length < capacity) break;
        text = realloc(text, capacity *= 2);
    }
    if (!file || !text) {
        perror(path);
        exit(2);
    }
    if (file != stdin) fclose(file);
    return text;
}

static void dump_statement_row(const Object *object, const char *name)
{
    if (!object) return;
    Graph graph = {.layer_count = 1, .layers = &(LayerUse){.name = name, .arguments = object}};
    dump_layers(stdout, &graph);
}

int main(int argc, char **argv)
{
    Definition definitions[16];
    int definition_count = 0, i = 1;
    bool ast = false;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (!strcmp(argv[i], "--ast")) {
            ast = true;
        } else if (!strcmp(argv[i], "-D") && ++i < argc && strchr(argv[i], '=')) {
            char *equals = strchr(argv[i], '=');
            definitions[definition_count++] =
                (Definition){memory_copy(argv[i], (size_t)(equals - argv[i])), atof(equals + 1), false};
        }
    }
    if (i >= argc) return 2;
    size_t length;
    char *text = read_file(argv[i], &length);
    diagnostics_begin(i + 1 < argc ? argv[i + 1] : argv[i], text, length);
    Statement *network = parse_network(text, length);
    if (network && ast) {
        dump_statements(stdout, network);
    } else if (network) {
        Graph *graph = NEW(Graph);
        if (expand_network(graph, network, definitions, definition_count)) {
            printf("model %s\n", graph->name);
            dump_layers(stdout, graph);
            printf("outputs");
            for (int j = 0; j < graph->output_count; j++) printf(" %s", graph->outputs[j]->name);
            putchar('\n');
            dump_statement_row(graph->compile, "compile");
            dump_statement_row(graph->fit, "fit");
        }
    }
    bool bad = diagnostics_errors() > 0;
    memory_release();
    free(text);
    return bad;
}
