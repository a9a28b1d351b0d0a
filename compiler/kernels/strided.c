/* Numbers put elsewhere: padding, cropping, repeating, exchanging axes. All of them are loops over some axes that take a step in what is
 * read and a step in what is written at each turn:
 *
 *     exchanged axes   the steps of one side in another order
 *     padding          what is written starts further in, and has longer rows
 *     cropping         the same for what is read
 *     repeating        an axis with step 0 in what is read
 *
 * The gradient is the same with the sides exchanged; where a step in what is written is 0, numbers are summed. */
#include "kernels.h"

#include <string.h>

Strided *strided_new(Node *node, int64_t from_count, int64_t to_count)
{
    Strided *s = node->detail = NEW(Strided);
    s->from = (StridedSide){.count = from_count};
    s->to = (StridedSide){.count = to_count};
    return s;
}

void strided_axis(Strided *s, int64_t size, int64_t from, int64_t to)
{
    if (size == 1) return;
    int last = s->rank - 1;
    if (s->rank && s->from.step[last] == from * size && s->to.step[last] == to * size) { /* one with the axis before it */
        s->size[last] *= size;
    } else {
        last = s->rank++;
        s->size[last] = size;
    }
    s->from.step[last] = from;
    s->to.step[last] = to;
}

void strided_reference(const Node *node, Reference *r)
{
    const Strided *s = node->detail;
    int64_t total = 1;
    for (int i = 0; i < s->rank; i++) total *= s->size[i];
    for (int64_t i = 0; i < s->to.count; i++) r->outputs[0][i] = 0;
    for (int64_t i = 0; i < total; i++) {
        int64_t rest = i, from = s->from.start, to = s->to.start;
        for (int axis = s->rank - 1; axis >= 0; axis--) {
            from += rest % s->size[axis] * s->from.step[axis];
            to += rest % s->size[axis] * s->to.step[axis];
            rest /= s->size[axis];
        }
        r->outputs[0][to] = r->inputs[0][from];
    }
}

/* Axes in the order in which what is written lies in memory, summed ones last. */
static void sort_axes(Strided *s)
{
    for (int i = 1; i < s->rank; i++)
        for (int j = i; j > 0 && s->to.step[j] > s->to.step[j - 1]; j--) {
            int64_t *const rows[] = {s->size, s->from.step, s->to.step};
            for (int k = 0; k < 3; k++) {
                int64_t held = rows[k][j];
                rows[k][j] = rows[k][j - 1];
                rows[k][j - 1] = held;
            }
        }
}

/* How often a number that is written is written; 0: some are not. */
static bool is_summed(const Strided *s)
{
    for (int i = 0; i < s->rank; i++)
        if (!s->to.step[i]) return true;
    return false;
}

static bool covers(const Strided *s)
{
    int64_t written = 1;
    for (int i = 0; i < s->rank; i++)
        if (s->to.step[i]) written *= s->size[i];
    return written == s->to.count;
}

static const char *place_text(const Emit *e, const StridedSide *side, int axes)
{
    const char *text = memory_format("%s * %lld", e->single ? "0" : "n", (long long)side->count);
    if (side->start) text = memory_format("%s + %lld", text, (long long)side->start);
    for (int i = 0; i < axes; i++)
        if (side->step[i]) text = memory_format("%s + i%d * %lld", text, i, (long long)side->step[i]);
    return text;
}

static void repeat_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    emit_store(e, "&y[to + j]", "value", lanes);
}

static void add_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    fill(e, "SUM", "%s", load_text(e, "&y[to + j]", lanes));
    fill(e, "FROM", "%s", load_text(e, "&x[from + j]", lanes));
    EMIT(e, "const f32x$L sum = $SUM + $FROM;");
    emit_store(e, "&y[to + j]", "sum", lanes);
}

/* What the last axis is: a stretch copied, one number repeated, a stretch added, or numbers one by one. */
static void emit_last(Emit *e, const Node *node, const Strided *s, bool summed)
{
    int last = s->rank - 1;
    int64_t size = s->size[last], from = s->from.step[last], to = s->to.step[last];
    fill_size(e, "SIZE", size);
    fill_size(e, "FSTEP", from);
    fill_size(e, "TSTEP", to);
    if (from == 1 && to == 1 && !summed) EMIT(e, "memcpy(&y[to], &x[from], $SIZE * sizeof(float));");
    else if (from == 1 && to == 1) run_lines(e, node, "j", size, add_lines, NULL);
    else if (from == 0 && to == 1 && !summed) {
        EMIT(e, "const f32x$L value = (f32x$L){0} + x[from];");
        run_lines(e, node, "j", size, repeat_lines, NULL);
    } else if (!to) EMIT(e, "float sum = y[to];", "for (int j = 0; j < $SIZE; j++) sum += x[from + j * $FSTEP];", "y[to] = sum;");
    else EMIT(e, summed ? "for (int j = 0; j < $SIZE; j++) y[to + j * $TSTEP] += x[from + j * $FSTEP];" : "for (int j = 0; j < $SIZE; j++) y[to + j * $TSTEP] = x[from + j * $FSTEP];");
}

void strided_emit(Emit *e, const Node *node)
{
    Strided sorted = *(const Strided *)node->detail, *s = &sorted;
    bool summed = is_summed(s);
    if (!s->rank) s->size[s->rank++] = 1, s->from.step[0] = s->to.step[0] = 1;
    if (!summed) sort_axes(s);
    emit_narrow(e, s->size[s->rank - 1]);
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    EMIT(e, "$SAMPLES{");
    if (summed || !covers(s)) {
        fill_size(e, "ALL", s->to.count);
        EMIT(e, "memset(&y[$n * $ALL], 0, $ALL * sizeof(float));");
    }
    for (int i = 0; i < s->rank - 1; i++) {
        fill_size(e, "AXIS", i);
        fill_size(e, "SIZE", s->size[i]);
        EMIT(e, "for (int i$AXIS = 0; i$AXIS < $SIZE; i$AXIS++) {");
    }
    fill(e, "PLACE", "%s", place_text(e, &s->from, s->rank - 1));
    EMIT(e, "const ptrdiff_t from = $PLACE;");
    fill(e, "PLACE", "%s", place_text(e, &s->to, s->rank - 1));
    EMIT(e, "const ptrdiff_t to = $PLACE;");
    emit_last(e, node, s, summed);
    for (int i = 0; i < s->rank - 1; i++) EMIT(e, "}");
    EMIT(e, "}");
    phase_end(e);
}

static const char *gradient_formula(const Node *node)
{
    return is_summed(node->detail) ? "d_x = the sum of d_y over all places where x went" : "d_x = d_y, put back";
}

static const Operator gradient_operator = {
    .name = "strided_gradient",
    .suffix = "gradient",
    .operands = "x; y",
    .flags = OPERATOR_FLAT,
    .emit = strided_emit,
    .formula = gradient_formula,
};

void strided_gradient(Graph *graph, Node *node, Tensor *d_output)
{
    if (!gradient_wanted(graph, node->inputs[0])) return;
    Node *d = graph_gradient_node(graph, &gradient_operator, node, NULL, &d_output, 1);
    const Strided *forward = node->detail;
    Strided *s = d->detail = NEW(Strided);
    *s = *forward;
    s->from = forward->to;
    s->to = forward->from;
    gradient_give(graph, node->inputs[0], gradient_tensor(graph, d, node->inputs[0]));
}
