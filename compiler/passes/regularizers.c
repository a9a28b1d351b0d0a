/* Regularizers: penalties that join the loss, l1 sum |x| + l2 sum x^2, and their gradients, l1 sign(x) + 2 l2 x.
 *
 * Of a weight x is all of it, whatever the batch; of a layer's output it is a sample's, and the mean over the samples counts
 * (kernel_regularizer, bias_regularizer; activity_regularizer). A weight's gradient gets its share where it is used: in the
 * update, from the weight that is in registers there. Only in `gradients`, where it is the result, it is a pass of its own.
 * Source: keras.io/api/layers/regularizers. */
#include "kernels/kernels.h"
#include "tables.h"

#include <string.h>

static const Parameter l1_parameters[] = {
    {.name = "l1", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.01", .help = "factor of the sum of absolute values"},
    {0},
};
static const Parameter l2_parameters[] = {
    {.name = "l2", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0.01", .help = "factor of the sum of squares"},
    {0},
};
static const Parameter l1_l2_parameters[] = {
    {.name = "l1", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0", .help = "factor of the sum of absolute values"},
    {.name = "l2", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .fallback = "0", .help = "factor of the sum of squares"},
    {0},
};

const Entry l1_regularizer = {"l1", "Adds l1 times the sum of absolute values to the loss: drives numbers to zero.", l1_parameters, NULL};
const Entry l2_regularizer = {"l2", "Adds l2 times the sum of squares to the loss: keeps numbers small.", l2_parameters, NULL};
const Entry l1_l2_regularizer = {"l1_l2", "Adds both penalties to the loss.", l1_l2_parameters, NULL};

void regularize(Tensor *tensor, const Object *arguments, const char *parameter)
{
    const Object *object = argument_object(arguments, parameter);
    const Parameter *parameters = object ? object->entry->parameters : NULL;
    for (int i = 0; parameters && parameters[i].name; i++) {
        double factor = object->values[i].number;
        if (!strcmp(parameters[i].name, "l1")) tensor->penalty.l1 = factor;
        else tensor->penalty.l2 = factor;
    }
}

bool is_penalized(const Tensor *tensor)
{
    return tensor->penalty.l1 > 0 || tensor->penalty.l2 > 0;
}

double penalty_reference(const Penalty *penalty, const double *values, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += penalty->l1 * (values[i] < 0 ? -values[i] : values[i]) + penalty->l2 * values[i] * values[i];
    return sum;
}

void penalty_gradient_emit(Emit *e, const Penalty *penalty)
{
    fill(e, "PENALTY1", "%s", float_text(penalty->l1));
    fill(e, "PENALTY2", "%s", float_text(2 * penalty->l2));
    if (penalty->l1 > 0) EMIT(e, "g += keep_f32x$L(v > 0.0f, (f32x$L){0} + $PENALTY1) - keep_f32x$L(v < 0.0f, (f32x$L){0} + $PENALTY1);");
    if (penalty->l2 > 0) EMIT(e, "g += v * $PENALTY2;");
}

/* Adds the penalty of the numbers v. */
static void penalty_value_emit(Emit *e, const Penalty *penalty)
{
    fill(e, "PENALTY1", "%s", float_text(penalty->l1));
    fill(e, "PENALTY2", "%s", float_text(penalty->l2));
    if (penalty->l1 > 0) EMIT(e, "sum += abs_f32x$L(v) * $PENALTY1;");
    if (penalty->l2 > 0) EMIT(e, "sum += v * v * $PENALTY2;");
}

static const char *formula_of(const Penalty *penalty, const char *x)
{
    const char *first = penalty->l1 > 0 ? memory_format("%s sum |%s|", number_text(penalty->l1), x) : "";
    const char *second = penalty->l2 > 0 ? memory_format("%s sum %s^2", number_text(penalty->l2), x) : "";
    return memory_format("%s%s%s", first, *first && *second ? " + " : "", second);
}

/* ---- of a weight: its value ---- */

static void emit_weight_term(Emit *e, const Node *node, int lanes)
{
    fill(e, "LOAD", "%s", load_text(e, "&w[i]", lanes));
    EMIT(e, "const f32x$L v = $LOAD;");
    penalty_value_emit(e, &node->inputs[0]->penalty);
}

static void emit_weight_penalty(Emit *e, const Node *node)
{
    array_sum_emit(e, node, packing_floats(node->inputs[0]), emit_weight_term);
    phase_begin(e, node, NULL, OVER_EXTENT, 1);
    fill_size(e, "SHARDS", TASKS);
    EMIT(e, "float sum = 0.0f;", "for (int s = 0; s < $SHARDS; s++) sum += work[s];", "penalty[0] = sum;");
    phase_end(e);
}

static void weight_penalty_workspace(Graph *graph, Node *node)
{
    graph_workspace(graph, node, TASKS, 1);
}

static const char *weight_penalty_formula(const Node *node)
{
    return formula_of(&node->inputs[0]->penalty, strrchr(node->inputs[0]->name, '/') + 1);
}

static const Operator weight_penalty_operator = {
    .name = "weight_penalty",
    .suffix = "penalty",
    .operands = "w; penalty work",
    .flags = OPERATOR_FLAT,
    .workspace = weight_penalty_workspace,
    .emit = emit_weight_penalty,
    .formula = weight_penalty_formula,
};

/* ---- of a weight: its share of the gradient, where that is stored ---- */

static void emit_weight_gradient(Emit *e, const Node *node)
{
    enum { PART = 1024 };
    int64_t floats = packing_floats(node->inputs[1]), lanes = emit_level(e)->lanes;
    phase_begin(e, node, NULL, OVER_EXTENT, (floats + PART - 1) / PART);
    fill_size(e, "ALL", floats);
    fill_size(e, "PART", PART);
    EMIT(e, "const ptrdiff_t end = last * $PART < $ALL ? last * $PART : $ALL;", "ptrdiff_t i = first * $PART;");
    for (int tail = 0; tail < (floats % lanes ? 2 : 1); tail++) {
        int count = tail ? 1 : (int)lanes;
        fill(e, "LOAD", "%s", load_text(e, "&d_w[i]", count));
        fill(e, "WEIGHT", "%s", load_text(e, "&w[i]", count));
        EMIT(e, tail ? "for (; i < end; i++) {" : "for (; i + $L <= end; i += $L) {", "f32x$L g = $LOAD;", "const f32x$L v = $WEIGHT;");
        penalty_gradient_emit(e, &node->inputs[1]->penalty);
        emit_store(e, "&sum[i]", "g", count);
        EMIT(e, "}");
    }
    phase_end(e);
}

static const char *weight_gradient_formula(const Node *node)
{
    return memory_format("the gradient and that of the penalty, %s", formula_of(&node->inputs[1]->penalty, "w"));
}

static const Operator weight_gradient_operator = {
    .name = "weight_penalty_gradient",
    .suffix = "penalty_gradient",
    .operands = "d_w w; sum",
    .flags = OPERATOR_FLAT,
    .emit = emit_weight_gradient,
    .formula = weight_gradient_formula,
};

void penalty_gradient(Graph *graph, Node *forward, Tensor *weight)
{
    Tensor *inputs[] = {weight->gradient, weight};
    Node *node = graph_gradient_node(graph, &weight_gradient_operator, forward, strrchr(weight->name, '/') + 1, inputs, 2);
    weight->gradient = gradient_tensor(graph, node, weight);
}

/* ---- of an output: value and gradient ---- */

static void emit_activity_penalty(Emit *e, const Node *node)
{
    const Penalty *penalty = &node->inputs[0]->penalty;
    int64_t size = shape_count(&node->inputs[0]->shape) * node->inputs[0]->frames, lanes = emit_level(e)->lanes; /* of a whole sample */
    bool differentiated = node->output_count > 1;
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "SIZE", size);
    fill_size(e, "FULL", size / lanes * lanes);
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {", "f32x$L sum = {0};");
    for (int tail = 0; tail < 2; tail++) {
        int count = tail ? (int)(size % lanes) : (int)lanes;
        if (tail ? !count : size < lanes) continue;
        EMIT(e, tail ? "{" : "for (int i = 0; i < $FULL; i += $L) {");
        if (tail) EMIT(e, "const int i = $FULL;");
        EMIT(e, memory_format("const f32x$L v = %s;", load_text(e, "&y[n * $SIZE + i]", count)));
        penalty_value_emit(e, penalty);
        if (differentiated) {
            EMIT(e, "f32x$L g = {0};");
            penalty_gradient_emit(e, penalty);
            emit_store(e, memory_format("&d_y[n * %lld + i]", (long long)size), "g / (float)count", count);
        }
        EMIT(e, "}");
    }
    EMIT(e, "float total = 0.0f;", "for (int j = 0; j < $L; j++) total += sum[j];", "penalty[n] = total;", "}");
    phase_end(e);
}

static const char *activity_penalty_formula(const Node *node)
{
    return formula_of(&node->inputs[0]->penalty, "y");
}

static const Operator activity_penalty_operator = {
    .name = "activity_penalty",
    .suffix = "penalty",
    .operands = "y; penalty d_y",
    .flags = OPERATOR_FLAT | OPERATOR_BY_SAMPLES,
    .emit = emit_activity_penalty,
    .formula = activity_penalty_formula,
};

static Node *add_penalty(Graph *graph, const Operator *op, Node *owner, const char *suffix, Tensor *of)
{
    Node *node = graph_gradient_node(graph, op, owner, suffix, &of, 1);
    node->frames = 1; /* of a whole sample, whatever frames the owner sees in it */
    Tensor *penalty = graph_tensor(graph, ROLE_PENALTY, memory_format("%s/penalty", node->name));
    penalty->shape.rank = 0;
    penalty->batched = of->batched;
    graph_output(graph, node, penalty);
    return node;
}

void penalty_nodes(Graph *graph)
{
    int forward_count = graph->node_count;
    for (int i = 0; i < forward_count; i++) {
        Node *node = graph->nodes[i];
        if (node->op->reference == NULL) continue; /* a loss */
        for (int j = 0; j < node->weight_count; j++) {
            Tensor *weight = node->weights[j];
            if (weight->trainable && is_penalized(weight)) add_penalty(graph, &weight_penalty_operator, node, strrchr(weight->name, '/') + 1, weight);
        }
        for (int j = 0; j < node->output_count; j++) {
            Tensor *output = node->outputs[j];
            if (!is_penalized(output)) continue;
            Node *penalty = add_penalty(graph, &activity_penalty_operator, node, "activity", output);
            if (graph->program != PROGRAM_EVALUATE && gradient_wanted(graph, output)) gradient_give(graph, output, gradient_tensor(graph, penalty, output));
        }
    }
}
