/* Two tensors made one, number by number: add, multiply, maximum and their like, each of which is a Merge. More than two are merged from
 * the left.
 *
 * Where both have the same sizes that is element-wise, and fuses with what stands around it. Else sizes are compared from the last axis
 * back, as NumPy does, and an operand is repeated along the axes where its size is 1 or missing: nothing is copied, loops over the result
 * take a step of 0 through that operand. Its gradient is the sum over these axes. */
#include "kernels.h"

#include <string.h>

/* Loops over the numbers of the result, axes that lie side by side in all operands taken as one. */
typedef struct { int rank; int64_t size[MAX_RANK], step[2][MAX_RANK]; } Loops;

typedef struct {
    const Merge *merge;
    double factor; /* $FACTOR of the templates */
    Loops loops;
    bool repeated[2]; /* is that operand smaller than the result? */
    int which; /* of a gradient: whose */
} Detail;

static int64_t size_at(const Shape *shape, int axis, int rank)
{
    int own = axis - (rank - shape->rank);
    return own < 0 ? 1 : shape->size[own];
}

static void make_loops(Detail *d, const Shape *result, const Shape *const operands[2])
{
    Loops *l = &d->loops;
    int64_t next[2] = {1, 1};
    int64_t size[MAX_RANK], step[2][MAX_RANK];
    int count = 0; /* from the last axis back */
    for (int i = result->rank - 1; i >= 0; i--) {
        if (result->size[i] == 1) continue;
        int64_t own[2];
        bool joins = count > 0;
        for (int k = 0; k < 2; k++) {
            int64_t operand = size_at(operands[k], i, result->rank);
            own[k] = operand == 1 ? 0 : next[k];
            next[k] *= operand;
            d->repeated[k] = d->repeated[k] || operand == 1;
            joins = joins && own[k] == step[k][count - 1] * size[count - 1];
        }
        if (joins) {
            size[count - 1] *= result->size[i];
            continue;
        }
        size[count] = result->size[i];
        for (int k = 0; k < 2; k++) step[k][count] = own[k];
        count++;
    }
    if (!count) size[count] = step[0][count] = step[1][count] = 1, count++;
    l->rank = count;
    for (int i = 0; i < count; i++) {
        l->size[i] = size[count - 1 - i];
        for (int k = 0; k < 2; k++) l->step[k][i] = step[k][count - 1 - i];
    }
}

static const Operator repeating_operator;

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Shape *operands[] = {&node->inputs[0]->shape, &node->inputs[1]->shape};
    Shape result = {.rank = operands[0]->rank > operands[1]->rank ? operands[0]->rank : operands[1]->rank};
    for (int i = 0; i < result.rank; i++) {
        int64_t a = size_at(operands[0], i, result.rank), b = size_at(operands[1], i, result.rank);
        if (a != b && a != 1 && b != 1) {
            diagnose(node->place, "%s needs inputs whose sizes are the same, or 1 in one of them, not %s and %s", node->arguments->entry->name, shape_string(operands[0]), shape_string(operands[1]));
            note_producer(node->inputs[0]);
            note_producer(node->inputs[1]);
            return;
        }
        result.size[i] = a == 1 ? b : a;
    }
    node->outputs[0]->shape = result;
    if (shape_same(operands[0], operands[1])) return;
    make_loops(node->detail, &result, operands);
    node->op = &repeating_operator;
}

static void reference(const Node *node, Reference *r)
{
    const Detail *d = node->detail;
    const Shape *result = &node->outputs[0]->shape;
    for (int64_t i = 0; i < shape_count(result); i++) {
        int64_t rest = i, at[2] = {0, 0}, step[2] = {1, 1};
        for (int axis = result->rank - 1; axis >= 0; axis--) {
            for (int k = 0; k < 2; k++) {
                int64_t size = size_at(&node->inputs[k]->shape, axis, result->rank);
                if (size > 1) at[k] += rest % result->size[axis] * step[k];
                step[k] *= size;
            }
            rest /= result->size[axis];
        }
        r->outputs[0][i] = d->merge->value(r->inputs[0][at[0]], r->inputs[1][at[1]]) * d->factor;
    }
}

static const char *formula(const Node *node)
{
    return ((const Detail *)node->detail)->merge->formula;
}

static void emit_template(Emit *e, const Node *node, const char *template)
{
    fill(e, "FACTOR", "%s", float_text(((const Detail *)node->detail)->factor));
    EMIT(e, template);
}

static void element(Emit *e, const Node *node)
{
    emit_template(e, node, ((const Detail *)node->detail)->merge->forward);
}

static void gradient_element(Emit *e, const Node *node)
{
    const Detail *d = node->detail;
    emit_template(e, node, d->merge->gradients[d->which]);
}

/* ---- where an operand is repeated ---- */

/* Opens the loops but the last: there `to` is the place in the result, at0 and at1 those in the operands, of the first number, as far as
 * they are needed. */
static void loops_begin(Emit *e, const Node *node, const Node *forward)
{
    const Detail *d = node->detail;
    const Loops *l = &d->loops;
    emit_narrow(e, l->size[l->rank - 1]);
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    EMIT(e, "$SAMPLES{");
    if (node->forward && d->repeated[d->which]) {
        fill_size(e, "SIZE", shape_count(&node->outputs[0]->shape));
        EMIT(e, "memset(&d_x[n * $SIZE], 0, $SIZE * sizeof(float));");
    }
    for (int i = 0; i < l->rank - 1; i++) {
        fill_size(e, "AXIS", i);
        fill_size(e, "SIZE", l->size[i]);
        EMIT(e, "for (int i$AXIS = 0; i$AXIS < $SIZE; i$AXIS++) {");
    }
    const Tensor *tensors[] = {forward->outputs[0], forward->inputs[0], forward->inputs[1]};
    static const char *const names[] = {"to", "at0", "at1"};
    bool both = !node->forward || d->merge->reads != MERGE_READS_NOTHING;
    for (int k = 0; k < 3; k++) {
        if (k && !both && k - 1 != d->which) continue;
        int64_t step = shape_count(&tensors[0]->shape);
        const char *at = memory_format("%s * %lld", e->single ? "0" : "n", (long long)shape_count(&tensors[k]->shape));
        for (int i = 0; i < l->rank - 1; i++) {
            step = k ? l->step[k - 1][i] : step / l->size[i];
            if (step) at = memory_format("%s + i%d * %lld", at, i, (long long)step);
        }
        fill(e, "NAME", "%s", names[k]);
        fill(e, "PLACE", "%s", at);
        EMIT(e, "const ptrdiff_t $NAME = $PLACE;");
    }
}

static void loops_end(Emit *e, const Node *node)
{
    for (int i = 0; i < ((const Detail *)node->detail)->loops.rank - 1; i++) EMIT(e, "}");
    EMIT(e, "}");
    phase_end(e);
}

/* An expression for the numbers of an operand of the merge from place j of the last loop on. */
static const char *operand_text(const Emit *e, const Detail *d, const char *name, int which, int lanes)
{
    if (!d->loops.step[which][d->loops.rank - 1]) return memory_format("((f32x%d){0} + %s[at%d])", emit_level(e)->lanes, name, which);
    return load_text(e, memory_format("&%s[at%d + j]", name, which), lanes);
}

static void forward_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const Detail *d = node->detail;
    fill(e, "FROM", "%s", operand_text(e, d, "x", 0, lanes));
    fill(e, "A", "%s", operand_text(e, d, "a", 1, lanes));
    fill(e, "X", "v");
    EMIT(e, "f32x$L v = $FROM;");
    element(e, node);
    emit_epilogue(e, node, "v", "[to + j]", "(uint32_t)(to + j)", lanes);
    emit_store(e, "&y[to + j]", "v", lanes);
}

static void emit(Emit *e, const Node *node)
{
    const Loops *l = &((const Detail *)node->detail)->loops;
    loops_begin(e, node, node);
    run_lines(e, node, "j", l->size[l->rank - 1], forward_lines, NULL);
    loops_end(e, node);
}

static void gradient_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const Detail *d = node->detail;
    int which = d->which;
    fill(e, "FROM", "%s", load_text(e, "&d_y[to + j]", lanes));
    if (node->input_count == 2) fill(e, "A", "%s", operand_text(e, d, "a", 1 - which, lanes));
    if (node->input_count == 3) {
        fill(e, "A", "%s", operand_text(e, d, "a", 0, lanes));
        fill(e, "B", "%s", operand_text(e, d, "b", 1, lanes));
    }
    fill(e, "X", "v");
    EMIT(e, "f32x$L v = $FROM;");
    if (d->merge->gradients[which]) gradient_element(e, node);
    if (!d->loops.step[which][d->loops.rank - 1]) {
        EMIT(e, "sums += v;");
        return;
    }
    const char *to = memory_format("&d_x[at%d + j]", which);
    emit_store(e, to, d->repeated[which] ? memory_format("%s + v", load_text(e, to, lanes)) : "v", lanes);
}

static void emit_gradient(Emit *e, const Node *node)
{
    const Detail *d = node->detail;
    const Loops *l = &d->loops;
    bool summed = !l->step[d->which][l->rank - 1];
    loops_begin(e, node, node->forward);
    fill_size(e, "WHICH", d->which);
    if (summed) EMIT(e, "f32x$L sums = {0};");
    run_lines(e, node, "j", l->size[l->rank - 1], gradient_lines, NULL);
    if (summed) EMIT(e, "d_x[at$WHICH] += sum_f32x$L(sums);");
    loops_end(e, node);
}

/* ---- the operators ---- */

static const char *gradient_formula(const Node *node)
{
    const Detail *d = node->detail;
    return memory_format("the gradient of input %d%s", d->which + 1, d->repeated[d->which] ? ", summed where it was repeated" : "");
}

static const Operator gradient_operator = {
    .name = "merge_gradient",
    .suffix = "gradient",
    .operands = "x a b; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .emit = elementwise_emit,
    .element = gradient_element,
    .formula = gradient_formula,
};

static const Operator repeating_gradient_operator = {
    .name = "merge_repeating_gradient",
    .suffix = "gradient",
    .operands = "d_y a b; d_x",
    .flags = OPERATOR_FLAT,
    .emit = emit_gradient,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    const Detail *d = node->detail;
    bool repeats = node->op == &repeating_operator;
    for (int which = 0; which < 2; which++) {
        Tensor *of = node->inputs[which];
        if (!gradient_wanted(graph, of)) continue;
        if (!d->merge->gradients[which] && !repeats) {
            gradient_give(graph, of, d_output);
            continue;
        }
        Tensor *inputs[] = {d_output, d->merge->reads == MERGE_READS_OTHER ? node->inputs[1 - which] : node->inputs[0], node->inputs[1]};
        int count = d->merge->reads == MERGE_READS_BOTH ? 3 : d->merge->reads == MERGE_READS_OTHER ? 2 : 1;
        Node *part = graph_gradient_node(graph, repeats ? &repeating_gradient_operator : &gradient_operator, node, memory_format("input%d", which + 1), inputs, count);
        Detail *detail = part->detail = NEW(Detail);
        *detail = *d;
        detail->which = which;
        gradient_give(graph, of, gradient_tensor(graph, part, of));
    }
}

static const Operator same_operator = {
    .name = "merge",
    .suffix = "forward",
    .operands = "x a; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .shape = shape,
    .reference = reference,
    .gradient = gradient,
    .emit = elementwise_emit,
    .element = element,
    .formula = formula,
};

static const Operator repeating_operator = {
    .name = "merge_repeating",
    .suffix = "forward",
    .operands = "x a; y",
    .flags = OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .shape = shape,
    .steps = steps_kept,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

Tensor *merge_build(Graph *graph, const LayerCall *call, const Merge *merge, const Merge *last)
{
    Tensor *result = call->inputs[0];
    for (int i = 1; i < call->input_count; i++) {
        bool is_last = i + 1 == call->input_count;
        Node *node = graph_node(graph, &same_operator, call, is_last ? NULL : memory_format("%d", i), (Tensor *[]){result, call->inputs[i]}, 2);
        Detail *d = node->detail = NEW(Detail);
        *d = (Detail){.merge = is_last && last ? last : merge, .factor = is_last && last ? 1.0 / call->input_count : 1};
        result = node->outputs[0];
    }
    return result;
}
