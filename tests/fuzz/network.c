/* A .net file: through the front end and all passes to emitted text. And a plan, for two small networks.
 *
 * What is emitted depends on options as well: the network's own text names them, in a comment such as # --math=strict, so that an input is one
 * file. A large network takes long and says nothing new, so it goes as far as its shapes only. */
#define _GNU_SOURCE /* memmem */
#include "fuzz.h"
#include "passes/choose.h"

#include <string.h>

enum { MOST_LAYERS = 24, MOST_NODES = 120, MOST_BAKED = 4096, MOST_DIAGNOSES = 64 << 10 };

/* Is this option written anywhere in the text? */
static bool asks(const char *text, size_t length, const char *option)
{
    return memmem(text, length, option, strlen(option)) != NULL;
}

static CompileOptions options_of(const char *text, size_t length)
{
    CompileOptions options = {.target = target_find("x86-64-v3")};
    for (int i = 0; target_words[i]; i++) {
        bool native = !strcmp(target_words[i], "native"); /* not the same on every machine */
        if (!native && asks(text, length, memory_format("--target=%s\n", target_words[i]))) options.target = target_find(target_words[i]);
    }
    options.emit.strict = asks(text, length, "--math=strict");
    options.emit.unroll_full = asks(text, length, "--unroll=full");
    options.emit.openblas = asks(text, length, "--gemm=openblas");
    options.emit.threads = asks(text, length, "--threads=1") ? 1 : 0;
    options.inference_only = asks(text, length, "--emit=inference");
    options.batch = asks(text, length, "--batch=3") ? 3 : 0;
    return options;
}

/* Weights to put into the code, where they are few. */
static const float *const *weights_of(const Graph *graph)
{
    int64_t total = 0;
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->role == ROLE_WEIGHT) total += shape_count(&graph->tensors[i]->shape);
    if (total > MOST_BAKED) return NULL;
    const float **values = NEW_ARRAY(const float *, graph->tensor_count + 1);
    int count = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        if (tensor->role != ROLE_WEIGHT) continue;
        float *numbers = NEW_ARRAY(float, shape_count(&tensor->shape) + 1);
        for (int64_t k = 0; k < shape_count(&tensor->shape); k++) numbers[k] = (float)(k % 7) / 8 - 0.25f;
        values[count++] = numbers;
    }
    return values;
}

/* All that cnnc can write of a network. */
static void emit(Graph *source, CompileOptions *options, const char *text, size_t length)
{
    Generation generation = {0};
    if (!compile_programs(source, options, &generation)) {
        EXPECT(diagnostics_errors());
        return;
    }
    generation.command = "cnnc fuzz.net";
    if (asks(text, length, "--weights")) generation.baked = weights_of(source);
    EXPECT(generate_source(&generation, asks(text, length, "-o -") ? NULL : "fuzz.h") || diagnostics_errors());
    EXPECT(generate_header(&generation));
    if (generation.train) EXPECT(generate_table(&generation, "fuzz.h") || diagnostics_errors());
    EXPECT(draw_network(source));
    char *summary = NULL;
    size_t size;
    FILE *stream = open_memstream(&summary, &size);
    EXPECT(stream);
    print_summary(stream, &generation);
    print_kernels(stream, &generation);
    fclose(stream);
    EXPECT(size);
    free(summary);
}

static bool run(const uint8_t *bytes, size_t size, bool whole)
{
    const char *text = (const char *)bytes;
    CompileOptions options = options_of(text, size);
    Graph *source = compile_source("fuzz.net", text, size, &(Definition){"classes", 3, false}, asks(text, size, "-D classes=3"), &options);
    bool good = source && !diagnostics_errors();
    EXPECT(good || diagnostics_errors());
    if (good && whole && source->layer_count <= MOST_LAYERS && source->node_count <= MOST_NODES) emit(source, &options, text, size);
    memory_release();
    return good;
}

static bool run_network(const uint8_t *bytes, size_t size)
{
    return run(bytes, size, true);
}

static bool run_front_end(const uint8_t *bytes, size_t size)
{
    return run(bytes, size, false);
}

/* ---- plans ---------------------------------------------------------------------------------------------------- */

/* The first byte chooses the network. */
static const char *const planned[] = {
    "input(9, 8, 3)\nconv2d(6, 3x3, activation=relu)\nmax_pooling2d(2)\nflatten()\ndense(3, activation=softmax)\n"
    "compile(optimizer=sgd, loss=categorical_crossentropy)\nfit(batch_size=4)\n",
    "input(4, 3)\nlstm(5)\ndense(2)\n",
};

static bool run_plan(const uint8_t *bytes, size_t size)
{
    if (!size) return false;
    const char *net = planned[*bytes % 2];
    CompileOptions options = {.target = target_find("x86-64-v3"), .choices = choices_new()};
    choices_read(options.choices, "fuzz.plan", (const char *)bytes + 1, size - 1);
    bool good = !options.choices->error_count;
    if (good) {
        Generation generation = {.command = "cnnc fuzz.net"};
        Graph *source = compile_source("fuzz.net", net, strlen(net), NULL, 0, &options);
        EXPECT(source && compile_programs(source, &options, &generation));
        EXPECT(generate_source(&generation, NULL));
        good = !choices_unfit(options.choices, &generation);
    }
    if (!good) EXPECT(options.choices->errors.length && options.choices->errors.length < MOST_DIAGNOSES);
    memory_release();
    return good;
}

const Harness network_harness = {.name = "network", .run = run_network, .most = 2048};
const Harness front_end_harness = {.name = "front_end", .run = run_front_end, .most = 4096};
const Harness plan_harness = {.name = "plan", .run = run_plan, .most = 1024};
