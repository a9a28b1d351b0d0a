/* concatenate: its inputs one behind the other along an axis; the axis counts the batch as 0, as in Keras. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "axis", .type = PARAMETER_NUMBER, .minimum = -MAX_RANK, .maximum = MAX_RANK, .fallback = "-1", .help = "the axis; the batch is 0, -1 is the last"},
    {0},
};

enum { MOST_INPUTS = 8 }; /* of one node */

/* In memory: `outer` stretches, each made of one stretch of each input. */
typedef struct { int64_t outer, total, size[MOST_INPUTS]; } Concatenation;

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Shape *first = &node->inputs[0]->shape;
    int axis;
    if (!axis_resolve(node, first, &axis)) return;
    Concatenation *c = node->detail = NEW(Concatenation);
    Shape result = *first;
    result.size[axis] = 0;
    c->outer = 1;
    int64_t inner = 1;
    for (int i = 0; i < axis; i++) c->outer *= first->size[i];
    for (int i = axis + 1; i < first->rank; i++) inner *= first->size[i];
    for (int j = 0; j < node->input_count; j++) {
        Shape fits = node->inputs[j]->shape;
        if (fits.rank == first->rank) fits.size[axis] = first->size[axis];
        if (!shape_same(&fits, first)) {
            diagnose(node->place, "concatenate needs inputs that differ in axis %d only, not %s and %s", axis + 1, shape_string(first), shape_string(&node->inputs[j]->shape));
            note_producer(node->inputs[0]);
            note_producer(node->inputs[j]);
            return;
        }
        c->size[j] = node->inputs[j]->shape.size[axis] * inner;
        c->total += c->size[j];
        result.size[axis] += node->inputs[j]->shape.size[axis];
    }
    node->outputs[0]->shape = result;
}

static void reference(const Node *node, Reference *r)
{
    const Concatenation *c = node->detail;
    double *to = r->outputs[0];
    for (int64_t o = 0; o < c->outer; o++)
        for (int j = 0; j < node->input_count; j++)
            for (int64_t i = 0; i < c->size[j]; i++) *to++ = r->inputs[j][o * c->size[j] + i];
}

/* The loop over stretches, shared by both directions. */
static void emit_loop(Emit *e, const Concatenation *c)
{
    fill_size(e, "OUTER", c->outer);
    fill_size(e, "TOTAL", c->total);
    EMIT(e, "$SAMPLES{", "for (int o = 0; o < $OUTER; o++) {");
}

static void emit(Emit *e, const Node *node)
{
    const Concatenation *c = node->detail;
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    emit_loop(e, c);
    int64_t offset = 0;
    for (int j = 0; j < node->input_count; j++) {
        fill_size(e, "J", j);
        fill_size(e, "SIZE", c->size[j]);
        fill_size(e, "OFFSET", offset);
        EMIT(e, "memcpy(&y[($n * $OUTER + o) * $TOTAL + $OFFSET], &x$J[($n * $OUTER + o) * $SIZE], $SIZE * sizeof(float));");
        offset += c->size[j];
    }
    EMIT(e, "}", "}");
    phase_end(e);
}

typedef struct { Concatenation of; int64_t offset, size; } Slice;

static void emit_gradient(Emit *e, const Node *node)
{
    const Slice *slice = node->detail;
    phase_begin(e, node, memory_format("gradient_%lld", (long long)slice->offset), OVER_SAMPLES, 0);
    emit_loop(e, &slice->of);
    fill_size(e, "SIZE", slice->size);
    fill_size(e, "OFFSET", slice->offset);
    EMIT(e, "memcpy(&d_x[($n * $OUTER + o) * $SIZE], &d_y[($n * $OUTER + o) * $TOTAL + $OFFSET], $SIZE * sizeof(float));", "}", "}");
    phase_end(e);
}

static const char *formula(const Node *node)
{
    return memory_format("%d inputs, one behind the other", node->input_count);
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = its part of d_y";
}

static const Operator gradient_operator = {
    .name = "concatenate_gradient",
    .suffix = "gradient",
    .operands = "d_y; d_x",
    .flags = OPERATOR_FLAT | OPERATOR_BY_SAMPLES,
    .emit = emit_gradient,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    const Concatenation *c = node->detail;
    int64_t offset = 0;
    for (int j = 0; j < node->input_count; offset += c->size[j++]) {
        if (!gradient_wanted(graph, node->inputs[j])) continue;
        Node *part = graph_gradient_node(graph, &gradient_operator, node, NULL, &d_output, 1);
        Slice *slice = part->detail = NEW(Slice);
        *slice = (Slice){*c, offset, c->size[j]};
        gradient_give(graph, node->inputs[j], gradient_tensor(graph, part, node->inputs[j]));
    }
}

static const Operator concatenate_operator = {
    .name = "concatenate",
    .suffix = "forward",
    .operands = "x0 x1 x2 x3 x4 x5 x6 x7; y",
    .flags = OPERATOR_FLAT | OPERATOR_BY_SAMPLES,
    .shape = shape,
    .steps = steps_beside_axes,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *parts[MOST_INPUTS];
    int count = 0, made = 0;
    for (int i = 0; i < call->input_count; i++) {
        if (count == MOST_INPUTS) { /* more inputs than one node takes: the first become one */
            parts[0] = graph_node(graph, &concatenate_operator, call, memory_format("%d", ++made), parts, count)->outputs[0];
            count = 1;
        }
        parts[count++] = call->inputs[i];
    }
    return graph_node(graph, &concatenate_operator, call, NULL, parts, count)->outputs[0];
}

const Layer concatenate_layer = {
    .entry = {"concatenate", "Its inputs one behind the other along an axis.", parameters, NULL},
    .least_inputs = 2,
    .most_inputs = -1,
    .build = build,
};
