/* An example for each row of a table, as `cnnc --help NAME` and the manual show it: a network, or the last line of one. The .def files have
 * it beside the row's name; of all but layers and statements, it is what stands in an argument's place. */
#include "commands/command_line.h"

#include <string.h>

#define LAYER(name, example) {"layer", #name, example},
#define OPTIMIZER(name, example) {"optimizer", #name, example},
#define LOSS(name, example) {"loss", #name, example},
#define ACTIVATION(name, example) {"activation", #name, example},
#define INITIALIZER(name, example) {"initializer", #name, example},
#define REGULARIZER(name, example) {"regularizer", #name, example},
#define SCHEDULE(name, example) {"schedule", #name, example},
#define METRIC(name, example) {"metric", #name, example},
#define CALLBACK(name, example) {"callback", #name, example},
#define STATEMENT(name, example) {"statement", #name, example},
#define ALIAS(spelling, of)
static const struct {
    const char *kind, *name, *text;
} examples[] = {
#include "activations/activations.def"
#include "callbacks.def"
#include "initializers.def"
#include "layers/layers.def"
#include "losses/losses.def"
#include "metrics.def"
#include "optimizers/optimizers.def"
#include "regularizers.def"
#include "schedules/schedules.def"
#include "statements.def"
};

/* Where a row of this kind stands: lines that are not worth showing, and the line around it. */
static const struct {
    const char *kind, *before, *line;
} places[] = {
    {"layer", "", "%s"},
    {"statement", "", "%s"},
    {"optimizer", "input(8)\ndense(3)\n", "compile(%s, mean_squared_error)"},
    {"loss", "input(8)\ndense(3, activation=softmax)\n", "compile(adam, %s)"},
    {"activation", "input(8)\n", "dense(64, activation=%s)"},
    {"initializer", "input(8)\n", "dense(8, kernel_initializer=%s)"},
    {"regularizer", "input(8)\n", "dense(64, kernel_regularizer=%s)"},
    {"schedule", "input(8)\ndense(3)\n", "compile(sgd(%s), mean_squared_error)"},
    {"metric", "input(8)\ndense(4, activation=softmax)\n", "compile(adam, categorical_crossentropy, metrics=[%s])"},
    {"callback", "input(8)\ndense(3)\ncompile(adam, mean_squared_error)\n", "fit(epochs=20, callbacks=[%s])"},
};

static const char *text_of(const char *kind, const char *name)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (!strcmp(examples[i].kind, kind) && !strcmp(examples[i].name, name)) return examples[i].text;
    return NULL;
}

const char *example_of(const Table *table, const Entry *entry, const char **before)
{
    const char *text = text_of(table->kind, entry->name), *line;
    bool loss = !text && table == &metric_table; /* any loss is a metric */
    if (loss) text = text_of(loss_table.kind, entry->name);
    for (size_t i = 0; text && i < sizeof places / sizeof *places; i++) {
        if (strcmp(places[i].kind, table->kind)) continue;
        *before = places[i].before;
        line = places[i].line;
        if (loss && ((const Loss *)(const void *)entry)->class_indices) line = "compile(adam, sparse_categorical_crossentropy, metrics=[%s])";
        const char *hole = strstr(line, "%s");
        return memory_format("%.*s%s%s", (int)(hole - line), line, text, hole + 2);
    }
    return NULL;
}
