/* See arena.h.
 *
 * Each function runs twice, its arena filled with one byte the first time and with another the second: a byte that is the same behind
 * both was written. Guards before and behind must stay as they were; nothing that the functions give may depend on what the arena held; and
 * of batches that keep all tasks busy hardly a line of 64 bytes may be left over. Sixteen threads run, each with the memory of its own
 * that the plan gives it. (That the last buffer ends where the arena does is tests/unit/plan.c's.) */
#include "arena.h"
#include "emitted.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PORTS = 8, GUARD = 4096, LINE = 64, THREADS = 16 };

typedef struct {
    unsigned char *whole, *bytes; /* with its guards, and without */
    size_t size;
    unsigned char *first, *touched;
} Arena;

typedef struct {
    const CnncModel *model;
    const char *name;
    size_t n;
    void *weights;
    const void *inputs[MOST_PORTS], *targets[MOST_PORTS];
    const void *bytes[MOST_PORTS]; /* the same inputs, floats as bytes */
    float *outputs[MOST_PORTS];
} Run;

static void *zeros(size_t size)
{
    void *memory = aligned_alloc(LINE, (size / LINE + 1) * LINE);
    cr_assert(memory);
    return memset(memory, 0, (size / LINE + 1) * LINE);
}

static const void *draw(const CnncPort *port, size_t n, bool bytes)
{
    size_t count = n * emitted_count(port->rank, port->shape), limit = port->limit ? (size_t)port->limit : 9;
    unsigned char *memory = zeros(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        if (port->type == CNNC_INT32) ((int32_t *)(void *)memory)[i] = (int32_t)(i * 7 % limit);
        else if (bytes) memory[i] = (unsigned char)(port->limit ? i * 7 % limit : i * 37 % 101);
        else ((float *)(void *)memory)[i] = port->limit ? (float)(i * 7 % limit) : (float)(i * 37 % 101) / 101;
    }
    return memory;
}

static void begin(Run *run)
{
    const CnncModel *model = run->model;
    cr_assert(model->input_count <= MOST_PORTS && model->output_count <= MOST_PORTS);
    run->n = (size_t)model->batch_size;
    float *parameters = zeros(model->parameters_size);
    for (size_t i = 0; i < model->parameters_size / sizeof(float); i++) parameters[i] = (float)(i * 13 % 67) / 670 + 0.01f;
    run->weights = zeros(model->weights_size);
    model->pack(parameters, run->weights);
    free(parameters);
    for (int i = 0; i < model->input_count; i++) {
        run->inputs[i] = draw(&model->inputs[i], run->n, false);
        run->bytes[i] = draw(&model->inputs[i], run->n, true);
    }
    for (int i = 0; i < model->output_count; i++) {
        CnncPort target = model->outputs[i];
        if (model->targets[i].class_indices) target.limit = target.shape[target.rank - 1], target.type = CNNC_INT32;
        run->targets[i] = draw(&target, run->n, false);
        run->outputs[i] = zeros(run->n * emitted_count(target.rank, target.shape) * sizeof(float));
    }
}

static Arena arena_new(size_t size)
{
    size_t whole = size + 2 * GUARD;
    Arena arena = {.whole = aligned_alloc(LINE, (whole + LINE - 1) / LINE * LINE), .size = size, .first = malloc(size + 1), .touched = calloc(size + 1, 1)};
    cr_assert(arena.whole && arena.first && arena.touched);
    arena.bytes = arena.whole + GUARD;
    return arena;
}

/* What a function gives is added to the digest, so that two runs can be compared. */
static uint64_t digest(uint64_t so_far, const void *memory, size_t size)
{
    const unsigned char *byte = memory;
    for (size_t i = 0; i < size; i++) so_far = (so_far ^ byte[i]) * 0x100000001b3u;
    return so_far;
}

typedef uint64_t Function(const Run *, void *arena);

static uint64_t digest_outputs(const Run *run, uint64_t so_far)
{
    for (int i = 0; i < run->model->output_count; i++)
        so_far = digest(so_far, run->outputs[i], run->n * emitted_count(run->model->outputs[i].rank, run->model->outputs[i].shape) * sizeof(float));
    return so_far;
}

static uint64_t predict(const Run *run, void *arena)
{
    run->model->predict_batch(run->weights, run->inputs, run->outputs, run->n, arena);
    return digest_outputs(run, 1);
}

static uint64_t evaluate_with(const Run *run, void *arena, bool bytes)
{
    float loss = (bytes ? run->model->evaluate_bytes : run->model->evaluate)(run->weights, bytes ? run->bytes : run->inputs, run->targets, NULL, run->n, NULL, run->outputs, arena);
    return digest_outputs(run, digest(1, &loss, sizeof loss));
}

static uint64_t evaluate(const Run *run, void *arena)
{
    return evaluate_with(run, arena, false);
}

static uint64_t evaluate_bytes(const Run *run, void *arena)
{
    return evaluate_with(run, arena, true);
}

static uint64_t step_with(const Run *run, void *arena, bool bytes)
{
    const CnncModel *model = run->model;
    const CnncStep step = {.seed = 1, .learning_rate = 0.001f};
    void *weights = zeros(model->weights_size), *slots = zeros(model->weights_size * (size_t)(model->slot_count + 1));
    memcpy(weights, run->weights, model->weights_size);
    float loss = (bytes ? model->train_step_bytes : model->train_step)(weights, slots, bytes ? run->bytes : run->inputs, run->targets, NULL, run->n, &step, NULL, run->outputs, arena);
    uint64_t result = digest_outputs(run, digest(digest(1, &loss, sizeof loss), weights, model->weights_size));
    free(weights);
    free(slots);
    return result;
}

static uint64_t step(const Run *run, void *arena)
{
    return step_with(run, arena, false);
}

static uint64_t step_bytes(const Run *run, void *arena)
{
    return step_with(run, arena, true);
}

static uint64_t gradients(const Run *run, void *arena)
{
    void *to = zeros(run->model->weights_size);
    float loss = run->model->gradients(run->weights, to, run->inputs, run->targets, NULL, run->n, arena);
    uint64_t result = digest(digest(1, &loss, sizeof loss), to, run->model->weights_size);
    free(to);
    return result;
}

static uint64_t activations(const Run *run, void *arena)
{
    const CnncModel *model = run->model;
    float **features = calloc((size_t)model->feature_count + 1, sizeof *features);
    cr_assert(features);
    uint64_t result = 1;
    for (int i = 0; i < model->feature_count; i++) features[i] = zeros(emitted_count(model->features[i].rank, model->features[i].shape) * sizeof(float));
    model->activations(run->weights, run->inputs, features, arena);
    for (int i = 0; i < model->feature_count; i++) {
        result = digest(result, features[i], emitted_count(model->features[i].rank, model->features[i].shape) * sizeof(float));
        free(features[i]);
    }
    free(features);
    return result;
}

static void check_function(const Run *run, Arena *arena, const char *what, Function *function)
{
    uint64_t results[2];
    static const unsigned char fills[] = {0xff, 0x4b}; /* as floats: NaN, and 13 million */
    for (int turn = 0; turn < 2; turn++) {
        memset(arena->whole, fills[turn], arena->size + 2 * GUARD);
        results[turn] = function(run, arena->bytes);
        for (size_t i = 0; i < GUARD; i++) {
            cr_assert_eq(arena->whole[i], fills[turn], "%s: %s writes before its arena", run->name, what);
            cr_assert_eq(arena->bytes[arena->size + i], fills[turn], "%s: %s writes %zu bytes behind its arena", run->name, what, i);
        }
        if (turn == 0) memcpy(arena->first, arena->bytes, arena->size);
    }
    cr_expect_eq(results[0], results[1], "%s: what %s gives depends on what was in the arena", run->name, what);
    for (size_t i = 0; i < arena->size; i++) arena->touched[i] |= arena->first[i] == arena->bytes[i];
}

static size_t all_lines, used_lines; /* of all arenas of a network */

/* Of the functions that share the arena. */
static void arena_end(const Run *run, Arena *arena, const char *what)
{
    size_t lines = (arena->size + LINE - 1) / LINE, used = 0, idle = 0, longest = 0, from = 0;
    for (size_t line = 0; line < lines; line++) {
        bool any = false;
        for (size_t i = line * LINE; i < (line + 1) * LINE && i < arena->size; i++)
            any = any || arena->touched[i];
        used += any;
        idle = any ? 0 : idle + 1;
        if (idle > longest) longest = idle, from = (line + 1 - idle) * LINE;
    }
    if (longest > LINE && longest * 10 > lines) fprintf(stderr, "arena: %s: of %s %zu of %zu bytes, from %zu on, stay as they are\n", run->name, what, longest * LINE, arena->size, from);
    all_lines += lines;
    used_lines += used;
    free(arena->whole);
    free(arena->first);
    free(arena->touched);
}

void arena_check(const char *net, const CnncModel *model)
{
    Run run = {.name = net, .model = model};
    begin(&run);
    emitted_threads(THREADS);
    Arena arena = arena_new(model->predict_arena_size);
    check_function(&run, &arena, "predict_batch", predict);
    arena_end(&run, &arena, "predict_batch");
    arena = arena_new(model->evaluate_arena_size);
    check_function(&run, &arena, "evaluate", evaluate);
    if (model->evaluate_bytes) check_function(&run, &arena, "evaluate_bytes", evaluate_bytes);
    arena_end(&run, &arena, "evaluate");
    arena = arena_new(model->train_arena_size);
    check_function(&run, &arena, "train_step", step);
    if (model->train_step_bytes) check_function(&run, &arena, "train_step_bytes", step_bytes);
    check_function(&run, &arena, "gradients", gradients);
    arena_end(&run, &arena, "train_step and gradients");
    arena = arena_new(model->features_arena_size);
    if (model->feature_count) check_function(&run, &arena, "activations", activations);
    arena_end(&run, &arena, "activations");
    if (model->batch_size < THREADS) return; /* tasks that get no sample leave their memory alone */
    cr_expect(used_lines * 100 >= all_lines * 90, "%s: %zu of %zu lines of its arenas are used by nobody", net, all_lines - used_lines, all_lines);
}
