/* The plan: every tensor that is neither given by the caller nor a weight gets an offset in one arena, such that tensors
 * alive at the same time never overlap. What lives within a chain (chain.c) gets one in the memory of a worker, a thread
 * at that chain: such memory lies at the arena's end, for as many workers as there can be.
 *
 * Needs: the final order of nodes. Gives: bytes, first, last and offset of each tensor, in-place results, and the arena's size.
 * Placing intervals so that the highest address is least is NP-hard (dynamic storage allocation); greedy by size is within
 * a few per cent on networks (Pisarchyk and Lee: Efficient Memory Management for Deep Neural Net Inference, 2020). Here several
 * orders are tried and the best is kept; the lower bound, the most bytes alive at once, ends the search early. */
#include "cnnc.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, LARGE = 3000 };

typedef struct {
    int64_t bytes, offset;
    int first, last, index;
} Interval;

static int by_size(const void *a, const void *b)
{
    const Interval *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->index - y->index;
}

static int by_start(const void *a, const void *b)
{
    const Interval *x = a, *y = b;
    if (x->first != y->first) return x->first - y->first;
    return by_size(a, b);
}

static int by_area(const void *a, const void *b)
{
    const Interval *x = a, *y = b;
    double area_x = (double)x->bytes * (x->last - x->first + 1), area_y = (double)y->bytes * (y->last - y->first + 1);
    if (area_x != area_y) return area_x > area_y ? -1 : 1; /* exact ties only: a definite order, not a tolerance */
    return x->index - y->index;
}

static int by_end(const void *a, const void *b)
{
    const Interval *x = *(const Interval *const *)a, *y = *(const Interval *const *)b;
    return x->last != y->last ? (x->last < y->last ? -1 : 1) : x->index - y->index;
}

/* Free stretches of the arena below its end, in order of offset, none touching the next. */
typedef struct { int64_t offset, bytes; } Gap;
typedef struct {
    Gap *gaps;
    int count;
    int64_t end; /* all beyond is free */
} Arena;

/* The lowest offset with that many free bytes; they are free no more. */
static int64_t arena_take(Arena *arena, int64_t bytes)
{
    for (int i = 0; i < arena->count; i++) {
        Gap *gap = &arena->gaps[i];
        if (gap->bytes < bytes && gap->offset + gap->bytes < arena->end) continue;
        int64_t offset = gap->offset;
        gap->offset += bytes;
        gap->bytes -= bytes;
        if (gap->offset > arena->end) arena->end = gap->offset; /* the last gap may lie at the end and grow */
        if (gap->bytes <= 0) memmove(gap, gap + 1, sizeof *gap * (size_t)(--arena->count - i));
        return offset;
    }
    arena->end += bytes;
    return arena->end - bytes;
}

static void arena_give(Arena *arena, int64_t offset, int64_t bytes)
{
    int low = 0, high = arena->count; /* the first gap behind it */
    while (low < high) {
        int middle = (low + high) / 2;
        if (arena->gaps[middle].offset > offset) high = middle;
        else low = middle + 1;
    }
    Gap *next = arena->gaps + low, *previous = low ? next - 1 : NULL;
    bool touches_next = low < arena->count && offset + bytes == next->offset;
    if (previous && previous->offset + previous->bytes == offset) {
        previous->bytes += bytes;
        if (!touches_next) return;
        previous->bytes += next->bytes;
        memmove(next, next + 1, sizeof *next * (size_t)(--arena->count - low));
    } else if (touches_next) {
        next->offset = offset;
        next->bytes += bytes;
    } else {
        memmove(next + 1, next, sizeof *next * (size_t)(arena->count++ - low));
        *next = (Gap){offset, bytes};
    }
}

/* Places the intervals in the order in which they start, each at the lowest offset that is free at that time. Takes time in
 * proportion to the intervals and the gaps between them, which are few: this order serves networks of any size. */
static int64_t place_by_start(Interval *items, int count)
{
    qsort(items, (size_t)count, sizeof *items, by_start);
    Interval **ending = NEW_ARRAY(Interval *, count + 1);
    for (int i = 0; i < count; i++) ending[i] = &items[i];
    qsort(ending, (size_t)count, sizeof *ending, by_end);
    Arena arena = {.gaps = NEW_ARRAY(Gap, count + 1)};
    int ended = 0;
    for (int i = 0; i < count; i++) {
        for (; ending[ended]->last < items[i].first; ended++) arena_give(&arena, ending[ended]->offset, ending[ended]->bytes);
        items[i].offset = arena_take(&arena, items[i].bytes);
    }
    return arena.end;
}

/* Places the intervals in the order given, each at the lowest offset where nothing lies that is alive at the same time. */
static int64_t place_in_order(Interval *items, int count)
{
    Interval **placed = NEW_ARRAY(Interval *, count + 1); /* in order of offset */
    int64_t total = 0;
    for (int i = 0; i < count; i++) {
        Interval *item = &items[i];
        int64_t offset = 0;
        int place = 0;
        for (int j = 0; j < i; j++) {
            const Interval *other = placed[j];
            if (other->last < item->first || other->first > item->last) continue;
            if (other->offset >= offset + item->bytes) break;
            if (other->offset + other->bytes > offset) offset = other->offset + other->bytes;
        }
        item->offset = offset;
        if (offset + item->bytes > total) total = offset + item->bytes;
        while (place < i && placed[place]->offset <= offset) place++;
        memmove(placed + place + 1, placed + place, sizeof *placed * (size_t)(i - place));
        placed[place] = item;
    }
    return total;
}

static int64_t lower_bound(const Interval *items, int count)
{
    int64_t most = 0;
    for (int i = 0; i < count; i++) { /* the maximum is reached where some interval starts */
        int64_t alive = 0;
        for (int j = 0; j < count; j++)
            if (items[j].first <= items[i].first && items[j].last >= items[i].first) alive += items[j].bytes;
        if (alive > most) most = alive;
    }
    return most;
}

int64_t plan_place(int count, const int64_t *bytes, const int *first, const int *last, int64_t *offsets)
{
    Interval *items = NEW_ARRAY(Interval, count + 1);
    int (*const orders[])(const void *, const void *) = {NULL, by_size, by_area};
    bool large = count > LARGE; /* quadratic searches are for networks, not for hundred thousand layers */
    int64_t bound = 0, best = -1;
    for (int i = 0; i < count; i++) {
        items[i] = (Interval){.bytes = round_up(bytes[i], ALIGNMENT), .first = first[i], .last = last[i], .index = i};
    }
    if (!large) bound = lower_bound(items, count);
    for (int k = 0; k < (large ? 1 : 3) && best != bound; k++) {
        if (orders[k]) qsort(items, (size_t)count, sizeof *items, orders[k]);
        int64_t total = orders[k] ? place_in_order(items, count) : place_by_start(items, count);
        if (best >= 0 && total >= best) continue;
        best = total;
        for (int i = 0; i < count; i++) offsets[items[i].index] = items[i].offset;
    }
    return best < 0 ? 0 : best;
}

/* From the first to the last step at which memory is in use, read through whatever view. */
static void find_lifetimes(Graph *graph)
{
    int end = graph->node_count;
    for (int i = 0; i < graph->tensor_count; i++) {
        graph->tensors[i]->first = graph->tensors[i]->last = -1;
    }
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        for (int j = 0; j < node->output_count; j++) {
            Tensor *base = tensor_base(node->outputs[j]);
            if (base->first < 0) base->first = i;
            if (base->last < i) base->last = i;
            if (is_result(node->outputs[j])) base->last = end;
        }
        for (int j = 0; j < node->input_count; j++) tensor_base(node->inputs[j])->last = i;
        for (int k = 0; k < node->epilogue_count; k++)
            for (int j = 1; j < node->epilogue[k]->input_count; j++) { /* the first is the node's own result */
                Tensor *base = tensor_base(node->epilogue[k]->inputs[j]);
                if (base->last < i) base->last = i;
            }
    }
    for (int i = 0; i < graph->output_count; i++) tensor_base(graph->outputs[i])->last = end;
}

static bool in_arena(const Graph *graph, const Tensor *tensor)
{
    if (tensor->view_of || tensor->first < 0) return false;
    if (output_number(graph, tensor) >= 0) return false;
    if (graph->program == PROGRAM_GRADIENTS && tensor->weight && !tensor->batched) return false; /* the caller's struct */
    return tensor->role == ROLE_ACTIVATION || tensor->role == ROLE_WORKSPACE || is_result(tensor);
}

/* An element-wise node may write over its input where nobody reads that afterwards. */
static void share_in_place(Graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        if (!(node->op->flags & OPERATOR_ELEMENTWISE)) continue;
        Tensor *input = tensor_base(node->inputs[0]), *output = node->outputs[0];
        if (output->view_of || input->last != i || !in_arena(graph, input) || input->batched != output->batched) continue;
        if (!in_arena(graph, output) || input->type != output->type) continue;
        if (shape_count(&input->shape) != shape_count(&output->shape)) continue;
        output->view_of = input;
        input->last = output->last;
    }
}

/* The chain within which the tensor lives, being of one sample at a time, or NULL. */
static Chain *chain_around(const Graph *graph, const Tensor *tensor)
{
    if (tensor->last >= graph->node_count || !(tensor->batched || tensor->copies > 1)) return NULL;
    Chain *chain = graph->nodes[tensor->first]->chain;
    return chain && tensor->last <= chain->last ? chain : NULL;
}

/* What lives beyond a chain is there for all of it: each sample goes through all of its nodes. */
static void extend_lifetime(const Graph *graph, Tensor *tensor)
{
    const Chain *first = graph->nodes[tensor->first]->chain;
    const Chain *last = tensor->last < graph->node_count ? graph->nodes[tensor->last]->chain : NULL;
    if (first) tensor->first = first->first;
    if (last) tensor->last = last->last;
}

int64_t plan_workers(const Graph *graph)
{
    return graph->batch < TASKS ? graph->batch : TASKS;
}

/* Gives the tensors their offsets; returns the bytes that they take. */
static int64_t place_all(Tensor *const *tensors, int count)
{
    int64_t *bytes = NEW_ARRAY(int64_t, count + 1), *offsets = NEW_ARRAY(int64_t, count + 1);
    int *first = NEW_ARRAY(int, count + 1), *last = NEW_ARRAY(int, count + 1);
    for (int i = 0; i < count; i++) {
        bytes[i] = tensors[i]->bytes;
        first[i] = tensors[i]->first;
        last[i] = tensors[i]->last;
    }
    int64_t total = plan_place(count, bytes, first, last, offsets);
    for (int i = 0; i < count; i++) tensors[i]->offset = offsets[i];
    return total;
}

void plan_pass(Graph *graph)
{
    graph_shorten_views(graph);
    for (int i = 0; i < graph->node_count; i++) {
        Node *node = graph->nodes[i];
        const Graph seen = graph_of_frames(graph, node);
        const Program program = graph->program;
        const int64_t batch = graph->batch;
        graph->program = seen.program;
        graph->batch = seen.batch;
        if (node->op->workspace) node->op->workspace(graph, node);
        graph->program = program;
        graph->batch = batch;
    }
    find_lifetimes(graph);
    share_in_place(graph);
    int count = 0;
    Tensor **planned = NEW_ARRAY(Tensor *, graph->tensor_count + 1);
    double wanted = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        Tensor *tensor = graph->tensors[i];
        if (!in_arena(graph, tensor)) continue;
        Chain *chain = chain_around(graph, tensor);
        int64_t floats = tensor->batched ? shape_count(&tensor->shape) : packing_floats(tensor);
        int64_t bytes_each = data_bytes(tensor->type), copies = chain ? 1 : tensor->batched ? graph->batch * tensor->frames : tensor->copies;
        wanted += (double)floats * (double)bytes_each * (double)(chain ? plan_workers(graph) : copies);
        if (wanted > (double)MAX_BYTES) {
            Place place = tensor->producer->place;
            diagnose(place, "the network is too large: its buffers for %lld samples need more than 2^40 bytes", (long long)graph->batch);
            return;
        }
        tensor->bytes = floats * bytes_each * copies;
        tensor->chain = chain;
        if (!chain) {
            extend_lifetime(graph, tensor);
            planned[count++] = tensor;
            continue;
        }
        chain->tensors = memory_grow(chain->tensors, &chain->tensor_capacity, chain->tensor_count, sizeof(Tensor *));
        chain->tensors[chain->tensor_count++] = tensor;
    }
    graph->arena_bytes = place_all(planned, count);
    for (int i = 0; i < graph->chain_count; i++) { /* the chains have the workers' memory one after the other */
        int64_t bytes = place_all(graph->chains[i]->tensors, graph->chains[i]->tensor_count);
        if (bytes > graph->worker_bytes) graph->worker_bytes = bytes;
    }
    graph->arena_bytes += graph->worker_bytes * plan_workers(graph);
}
