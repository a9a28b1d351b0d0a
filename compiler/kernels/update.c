/* The optimiser's step on a weight and its memories, in vectors: the gradient of its penalty, clipping and the decay of weights, which all
 * optimisers share, and then the optimiser's own lines. The same on the numbers of a tile that a product has in registers. */
#include "kernels.h"

#include <string.h>

double clip_limit(const Object *optimizer, const char *name)
{
    return has_argument(optimizer, name) ? argument_number(optimizer, name) : 0;
}

/* The norm to which the gradient is clipped, its own or that of all; 0: to none. */
static double norm_limit(const Object *optimizer)
{
    double limit = clip_limit(optimizer, "clipnorm");
    return limit > 0 ? limit : clip_limit(optimizer, "global_clipnorm");
}

void optimizer_begin_emit(Emit *e, const Node *update)
{
    static const char *const rate_alone[] = {"rate", NULL};
    const Optimizer *optimizer = (const Optimizer *)(const void *)update->arguments->entry;
    for (const char *const *value = optimizer->prepare ? optimizer->values : rate_alone; *value; value++)
        text_add(&e->body, "const float %s = step->%s;\n", *value, strcmp(*value, "rate") ? *value : "learning_rate");
    if (update->input_count > 1) {
        fill(e, "LIMIT", "%s", float_text(norm_limit(update->arguments)));
        EMIT(e, "const float norm = sqrtf(squares[0]), kept = norm <= $LIMIT ? 1.0f : $LIMIT / norm;");
    }
    if (clip_limit(update->arguments, "weight_decay") > 0) {
        fill(e, "DECAY", "%s", float_text(clip_limit(update->arguments, "weight_decay")));
        EMIT(e, "const float decay = step->learning_rate * $DECAY;");
    }
}

void optimizer_vector_emit(Emit *e, const Node *update, const char *gradient, const char *place, int lanes)
{
    const Object *arguments = update->arguments;
    const Optimizer *optimizer = (const Optimizer *)(const void *)arguments->entry;
    int slots = update->weight_count - 1;
    double limit = clip_limit(arguments, "clipvalue");
    text_add(&e->body, "{\nf32x%d g = %s;\n", emit_level(e)->lanes, gradient);
    text_add(&e->body, "f32x%d v = %s;\n", emit_level(e)->lanes, load_text(e, memory_format("&w%s", place), lanes));
    for (int s = 0; s < slots; s++)
        text_add(&e->body, "f32x%d m%d = %s;\n", emit_level(e)->lanes, s, load_text(e, memory_format("&slot%d%s", s, place), lanes));
    if (is_penalized(update->weights[0])) penalty_gradient_emit(e, &update->weights[0]->penalty);
    if (update->input_count > 1) EMIT(e, "g = g * kept;");
    if (limit > 0) {
        fill(e, "LIMIT", "%s", float_text(limit));
        EMIT(e, "const f32x$L least = (f32x$L){0} - $LIMIT;", "g = -max_f32x$L(least, -max_f32x$L(least, g));");
    }
    if (clip_limit(arguments, "weight_decay") > 0) EMIT(e, "v -= v * decay;");
    optimizer->update(e, arguments);
    for (int s = 0; s < slots; s++) emit_store(e, memory_format("&slot%d%s", s, place), memory_format("m%d", s), lanes);
    emit_store(e, memory_format("&w%s", place), "v", lanes);
    EMIT(e, "}");
}

void optimizer_emit(Emit *e, const Node *node)
{
    enum { PART = 1024 }; /* numbers in one part: enough to be worth a thread's while */
    int64_t floats = packing_floats(node->weights[0]), lanes = emit_level(e)->lanes;
    phase_begin(e, node, NULL, OVER_EXTENT, (floats + PART - 1) / PART);
    fill_size(e, "ALL", floats);
    fill_size(e, "PART", PART);
    optimizer_begin_emit(e, node);
    EMIT(e, "const ptrdiff_t end = last * $PART < $ALL ? last * $PART : $ALL;");
    EMIT(e, "ptrdiff_t i = first * $PART;");
    for (int tail = 0; tail < 2; tail++) {
        if (tail && floats % lanes == 0) continue;
        int count = tail ? 1 : (int)lanes;
        EMIT(e, tail ? "for (; i < end; i++)" : "for (; i + $L <= end; i += $L)");
        optimizer_vector_emit(e, node, load_text(e, "&d_w[i]", count), "[i]", count);
    }
    phase_end(e);
}

/* ---- the squares of a gradient ---- */

static void emit_square(Emit *e, const Node *node, int lanes)
{
    bool penalized = operand_number(node, "w") >= 0;
    fill(e, "LOAD", "%s", load_text(e, "&d_w[i]", lanes));
    EMIT(e, penalized ? "f32x$L g = $LOAD;" : "const f32x$L g = $LOAD;");
    if (penalized) {
        fill(e, "LOAD", "%s", load_text(e, "&w[i]", lanes));
        EMIT(e, "const f32x$L v = $LOAD;");
        penalty_gradient_emit(e, &node->inputs[1]->penalty);
    }
    EMIT(e, "sum += g * g;");
}

void gradient_squares_emit(Emit *e, const Node *node)
{
    array_sum_emit(e, node, packing_floats(node->inputs[0]), emit_square);
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    fill_size(e, "SHARDS", TASKS);
    EMIT(e, operand_number(node, "before") >= 0 ? "float sum = before[0];" : "float sum = 0.0f;");
    EMIT(e, "for (int s = 0; s < $SHARDS; s++) sum += work[s];", "squares[0] = sum;");
    phase_end(e);
}
