/* The plan of buffers: places against brute force, and whole programs against the same programs without sharing. */
#include "cnnc.h"
#include "patience.h"
#include "random.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 6, CASES = 3000, UNIT = 64 };

typedef struct {
    int count;
    int64_t bytes[MOST], offsets[MOST];
    int first[MOST], last[MOST];
} Problem;

static bool alive_together(const Problem *p, int i, int j)
{
    return p->first[i] <= p->last[j] && p->first[j] <= p->last[i];
}

static Problem draw(uint64_t number)
{
    uint64_t key = random_key(7, number);
    Problem p = {.count = 2 + (int)(random_bits(key, 0) % (MOST - 1))};
    for (int i = 0; i < p.count; i++) {
        uint32_t at = (uint32_t)i * 3 + 1;
        p.bytes[i] = UNIT * (1 + random_bits(key, at) % 9);
        p.first[i] = (int)(random_bits(key, at + 1) % 8);
        p.last[i] = p.first[i] + (int)(random_bits(key, at + 2) % 4);
    }
    return p;
}

/* The least total there is: every placement that cannot be pushed down arises by placing in some order, each at the
 * lowest place above some of those that are there already, or at 0. All are tried. */
static int64_t least_total(Problem *p, int placed, int64_t best)
{
    int64_t total = 0;
    for (int i = 0; i < p->count; i++)
        if (placed & 1 << i && p->offsets[i] + p->bytes[i] > total) total = p->offsets[i] + p->bytes[i];
    if (total >= best) return best;
    if (placed == (1 << p->count) - 1) return total;
    for (int i = 0; i < p->count; i++) {
        if (placed & 1 << i) continue;
        for (int under = -1; under < p->count; under++) {
            if (under >= 0 && !(placed & 1 << under)) continue;
            p->offsets[i] = under < 0 ? 0 : p->offsets[under] + p->bytes[under];
            bool free = true;
            for (int j = 0; j < p->count && free; j++)
                free = !(placed & 1 << j) || !alive_together(p, i, j) || p->offsets[i] >= p->offsets[j] + p->bytes[j] ||
                       p->offsets[j] >= p->offsets[i] + p->bytes[i];
            if (free) best = least_total(p, placed | 1 << i, best);
        }
    }
    return best;
}

Test(plan, places_never_overlap_and_are_near_the_least, .timeout = 400 * PATIENCE)
{
    int optimal = 0;
    double worst = 1;
    for (uint64_t number = 0; number < CASES; number++) {
        Problem p = draw(number), best = p;
        int64_t total = plan_place(p.count, p.bytes, p.first, p.last, p.offsets), highest = 0;
        for (int i = 0; i < p.count; i++) {
            cr_assert(p.offsets[i] >= 0 && p.offsets[i] % UNIT == 0);
            if (p.offsets[i] + p.bytes[i] > highest) highest = p.offsets[i] + p.bytes[i];
            for (int j = 0; j < i; j++)
                cr_assert(!alive_together(&p, i, j) || p.offsets[i] >= p.offsets[j] + p.bytes[j] || p.offsets[j] >= p.offsets[i] + p.bytes[i],
                          "case %d: buffers %d and %d overlap",
                          (int)number,
                          i,
                          j);
        }
        cr_assert_eq(total, highest, "case %d: the total is not where the highest buffer ends", (int)number);
        int64_t least = least_total(&best, 0, INT64_MAX);
        cr_assert(total >= least, "case %d: less than the least", (int)number);
        optimal += total == least;
        if ((double)total / (double)least > worst) worst = (double)total / (double)least;
    }
    fprintf(stderr, "plan: %d of %d placements are optimal, the worst is %.2f times the least\n", optimal, CASES, worst);
    cr_expect(optimal * 100 >= CASES * 97, "only %d of %d placements are optimal", optimal, CASES);
    cr_expect(worst <= 1.4, "a placement is %.2f times the least", worst);
}

/* ---- lifetimes: no step may write what a later step still reads ---- */

/* What a program does with memory: each byte range is owned by the tensor that wrote it last; a node may read a tensor only
 * while it owns its range. Ranges lie in the arena or, of tensors within a chain, in a worker's memory. */
typedef struct {
    Tensor **arena, **worker;
    const Graph *graph;
    const char *net;
} Owners;

static Tensor **owners_of(const Owners *owners, const Tensor *base)
{
    int64_t end = base->offset + base->bytes, most = base->chain ? owners->graph->worker_bytes : owners->graph->arena_bytes - owners->graph->worker_bytes * plan_workers(owners->graph);
    cr_assert(end <= most, "%s: %s lies beyond the end of its memory", owners->net, base->name);
    return (base->chain ? owners->worker : owners->arena) + base->offset / UNIT;
}

static void check_node(const Owners *owners, const Node *node)
{
    Tensor *operand;
    for (int written = 0; written < 2; written++)
        for (int j = 0; (operand = node_operand(node, j)); j++) {
            Tensor *base = tensor_base(operand);
            if (operand_written(node, j) != written || base->offset < 0) continue;
            Tensor **owner = owners_of(owners, base);
            for (int64_t at = 0; at < base->bytes; at += UNIT) {
                cr_assert(written || owner[at / UNIT] == base,
                          "%s: step %d, %s, reads %s, which was overwritten",
                          owners->net,
                          node->index,
                          node->name,
                          base->name);
                owner[at / UNIT] = base;
            }
        }
}

/* The nodes in order, as the emitted driver calls them; those of a chain twice, for two samples. */
static void check_lifetimes(const Graph *graph, const char *net)
{
    size_t most = (size_t)(graph->arena_bytes / UNIT + 1);
    Owners owners = {calloc(most, sizeof *owners.arena), calloc(most, sizeof *owners.worker), graph, net};
    cr_assert(owners.arena && owners.worker);
    for (int i = 0; i < graph->node_count; i++) {
        const Chain *chain = graph->nodes[i]->chain;
        int last = chain ? chain->last : i;
        for (int sample = 0; sample < (chain ? 2 : 1); sample++) {
            memset(owners.worker, 0, most * sizeof *owners.worker);
            for (int j = i; j <= last; j++) check_node(&owners, graph->nodes[j]);
        }
        i = last;
    }
    for (int i = 0; i < graph->output_count; i++) { /* outputs are handed over at the end */
        Tensor *base = tensor_base(graph->outputs[i]);
        for (int64_t at = base->offset; base->offset >= 0 && at < base->offset + base->bytes; at += UNIT)
            cr_assert_eq(owners.arena[at / UNIT], base, "%s: output %d was overwritten", net, i);
    }
    free(owners.arena);
    free(owners.worker);
}

static void check_programs(const char *net)
{
    FILE *file = fopen(net, "rb");
    cr_assert(file, "%s", net);
    static char text[1 << 16];
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    CompileOptions options = {.target = target_find("x86-64")};
    Graph *source = compile_source(net, text, length, NULL, 0, &options);
    cr_assert(source, "%s", net);
    Generation g = {0};
    cr_assert(compile_programs(source, &options, &g), "%s", net);
    Graph *programs[] = {g.predict, g.predict_batch, g.evaluate, g.train, g.gradients};
    for (int i = 0; i < 5; i++)
        if (programs[i]) check_lifetimes(programs[i], net);
    memory_release();
}

/* Of the lecture's CNN neither the first convolution's output (11 MB for the batch) nor the relu before dropout (5 MB) is kept. */
Test(plan, little_is_kept_for_the_way_back)
{
    static const char net[] = "examples/mnist_cnn/mnist_cnn.net";
    static char text[1 << 16];
    FILE *file = fopen(net, "rb");
    cr_assert(file);
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    CompileOptions options = {.target = target_find("x86-64")};
    Graph *source = compile_source(net, text, length, NULL, 0, &options);
    Generation g = {0};
    cr_assert(source && compile_programs(source, &options, &g));
    int64_t kept = g.train->arena_bytes - g.train->worker_bytes * plan_workers(g.train);
    cr_expect(kept < 12000000, "a training step keeps %lld bytes", (long long)kept);
    cr_expect(g.train->worker_bytes < 1000000, "a worker has %lld bytes", (long long)g.train->worker_bytes);
    memory_release();
}

Test(plan, nothing_is_overwritten_before_its_last_reader, .timeout = 400 * PATIENCE)
{
    static const char *const nets[] = {
        "tests/fixtures/residual.net",    "tests/fixtures/blocks.net",           "tests/fixtures/outputs_used.net",
        "tests/fixtures/cnn_dropout.net", "tests/fixtures/two_inputs.net",       "tests/fixtures/two_outputs.net",
        "tests/fixtures/add_layers.net",  "tests/fixtures/concatenate_axes.net", "tests/fixtures/activation_shared.net",
        "tests/fixtures/dense_image.net", "tests/fixtures/pooling_first.net",    "examples/mnist_cnn/mnist_cnn.net",
        "examples/mlp/mlp.net",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) check_programs(nets[i]);
}
