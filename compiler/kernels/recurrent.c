/* What recurrent layers have in common. Each is two nodes: the product of the input and the kernel for all steps at once, as in a
 * dense layer, and the recurrence, one step after the other: the product of the last output and the recurrent kernel, and the cell's
 * element-wise lines (layers/lstm.c and its like).
 *
 * input (steps, features); output (units), or with return_sequences (steps, units). For the gradient the recurrence keeps the values of
 * the gates, in the memory of the product with the input, and h before each step. The gradient runs through the steps in reverse order and
 * leaves, again in the same memory, the gradient of the sums; the gradients of both kernels are then one product each over all samples and
 * steps.
 *
 * With recurrent_dropout the product reads h times a mask, `dropped`: 0 or 1 / (1 - rate) for each unit of each sample, the same at all
 * steps. What is kept as h before each step is that, for the gradient of the kernel, and h itself beside it where a cell's lines ask for it.
 * (Keras draws a mask for each gate of lstm and gru; here one serves all of them, as in Gal and Ghahramani: A theoretically grounded
 * application of dropout in recurrent neural networks, 2016, tied weights.) */
#include "recurrent.h"

#include <stdlib.h>
#include <string.h>

double recurrent_sum(const Recurrent *r, const double *left, const double *kernel, int64_t column)
{
    double sum = 0;
    for (int64_t i = 0; i < r->units; i++) sum += left[i] * kernel[i * r->cell->gates * r->units + column];
    return sum;
}

double recurrent_apply(const Object *activation, double x)
{
    const Activation *row = activation ? activation_row(activation) : NULL;
    return row && row->value ? row->value(activation, x) : x;
}

/* ---- the recurrence ---- */

static bool is_elementwise(const Node *node, const char *parameter, const Object *activation)
{
    if (!activation || !activation_row(activation)->op) return true;
    diagnose(argument_place(node->arguments, parameter), "%s of a recurrent layer must be a function of single numbers, which %s is not", parameter, activation->entry->name);
    return false;
}

/* Inference keeps nothing between calls but in memory of the caller's: there the state is that of `step`. */
static void warn_of_state(const Graph *graph, const Node *node)
{
    if (!((const Recurrent *)node->detail)->stateful || graph->quiet) return;
    diagnose_warning(argument_place(node->arguments, "stateful"), "stateful: in training each sequence goes on where the one at its place in the batch before ended, but evaluate and predict begin with zeros; %s_step goes on from frame to frame, until %s_reset", graph->name, graph->name);
}

/* ---- stateful: what a training step leaves to the next one ----
 *
 * It lies with the packed weights, for each place in the batch, is made zeros where these are packed, and of files only checkpoints hold it. */

static void begin_values(const Node *node, const float *packed, float *derived)
{
    (void)packed;
    memset(derived, 0, sizeof *derived * (size_t)shape_count(&node->outputs[0]->shape));
}

static void emit_begin(Emit *e, const Node *node)
{
    phase_begin(e, node, node->outputs[0]->name + strlen(node->owner) + 1, OVER_EXTENT, 1);
    fill_size(e, "COUNT", shape_count(&node->outputs[0]->shape));
    EMIT(e, "memset(y, 0, $COUNT * sizeof(float));");
    phase_end(e);
}

static const char *begin_formula(const Node *node)
{
    (void)node;
    return "sequences begin with zeros";
}

static const Operator begin_operator = {
    .name = "recurrent_begin",
    .operands = "x; y",
    .flags = OPERATOR_FLAT | OPERATOR_BEGINS,
    .values = begin_values,
    .emit = emit_begin,
    .formula = begin_formula,
};

static void add_states(Graph *graph, Node *node)
{
    const Recurrent *r = node->detail;
    Shape shape = shape_of(2, (const int64_t[]){graph->train_batch * node->frames, r->units});
    for (int i = 0; i < r->cell->states; i++) {
        Tensor *state = graph_weight(graph, node, memory_format("state_%s", r->cell->arrays[i]), &shape, false);
        state->role = ROLE_DERIVED;
        state->weight = node->weights[0];
        state->derive = &begin_operator;
        state->reader = node;
    }
}

static void shape(Graph *graph, Node *node)
{
    Recurrent *r = node->detail;
    const Tensor *sums = node->inputs[0], *x = sums->producer->inputs[0];
    if (sums->shape.rank != 2) {
        const Shape *shape = &x->shape;
        bool image = shape->rank == 3 && shape->size[2] == 1;
        const char *remedy = image ? memory_format("; reshape(%lld, %lld) takes the rows as steps", (long long)shape->size[0], (long long)shape->size[1]) : "";
        diagnose(node->place, "%s needs an input of steps and features, such as (28, 28), not %s%s", node->arguments->entry->name, shape_string(shape), remedy);
        note_producer(x);
        return;
    }
    if (!is_elementwise(node, "activation", r->activation) || !is_elementwise(node, "recurrent_activation", r->recurrent_activation)) return;
    warn_of_state(graph, node);
    r->steps = sums->shape.size[0];
    int64_t columns = r->cell->gates * r->units;
    Shape kernel = shape_of(2, (const int64_t[]){r->units, columns}), bias = shape_of(2, (const int64_t[]){r->cell->bias_rows, columns});
    if (r->cell->bias_rows == 1) bias = shape_of(1, &columns);
    Tensor *weight = graph_weight(graph, node, "recurrent_kernel", &kernel, true);
    weight->initial = initializer_resolve(argument_object(node->arguments, "recurrent_initializer"), &kernel);
    weight->packing = (Packing){r->units, columns, graph->panel};
    regularize(weight, node->arguments, "recurrent_regularizer");
    if (r->bias) {
        weight = graph_weight(graph, node, "bias", &bias, true);
        weight->initial = initializer_resolve(argument_object(node->arguments, "bias_initializer"), &bias);
        regularize(weight, node->arguments, "bias_regularizer");
        if (has_argument(node->arguments, "unit_forget_bias") && argument_boolean(node->arguments, "unit_forget_bias")) {
            weight->ones_from = r->units;
            weight->ones_to = 2 * r->units;
        }
    }
    if (r->stateful && graph->train_batch) add_states(graph, node);
    node->outputs[0]->shape = r->sequences ? shape_of(2, (const int64_t[]){r->steps, r->units}) : shape_of(1, &r->units);
}

static int64_t macs(const Node *node)
{
    const Recurrent *r = node->detail;
    return r->steps * r->units * r->units * r->cell->gates;
}

static void reference(const Node *node, Reference *r)
{
    const Recurrent *recurrent = node->detail;
    int64_t units = recurrent->units, columns = units * recurrent->cell->gates;
    double *arrays = calloc((size_t)units * (MOST_ARRAYS + 2), sizeof *arrays);
    if (!arrays) memory_short((size_t)units * sizeof *arrays);
    double *before = arrays, *h = arrays + units, *state = arrays + 2 * units;
    for (int64_t t = 0; t < recurrent->steps; t++) {
        int64_t at = recurrent->backwards ? recurrent->steps - 1 - t : t, place = recurrent->sequences ? (recurrent->turned ? recurrent->steps - 1 - t : t) : 0;
        recurrent->cell->reference(recurrent, r->inputs[0] + at * columns, r->weights[0], recurrent->bias ? r->weights[1] : NULL, before, h, state);
        for (int64_t j = 0; j < units; j++) r->outputs[0][place * units + j] = before[j] = h[j];
    }
    free(arrays);
}

/* Where it reads the network's sequence, what it gives stands step by step too, or is that of the last step. */
static Steps steps(const Node *node, Steps from)
{
    const Recurrent *r = node->detail;
    if (from != STEPS_AXIS) return from;
    return r->backwards ? STEPS_MIXED : r->sequences ? STEPS_AXIS : STEPS_NONE;
}

static const Operator continuing_operator;

/* In the program `step` what lasts from step to step is the caller's. */
static void specialise(Graph *graph, Node *node)
{
    const Recurrent *r = node->detail;
    if (recurrent_continues(graph, r)) node->op = &continuing_operator;
    node->carries = node->carries && graph->program == PROGRAM_STEP;
    if (!node->carries) return;
    node->operands = "x; y";
    for (int i = 0; i < r->cell->states; i++) {
        graph_state(graph, node, r->cell->arrays[i], r->units);
        node->operands = memory_format("%s %s", node->operands, r->cell->arrays[i]);
    }
    node->operands = memory_format("%s work", node->operands);
}

static void workspace(Graph *graph, Node *node)
{
    graph_workspace(graph, node, recurrent_forward_workspace(graph, node), program_is_single(graph->program) ? 1 : TASKS);
}

static const char *formula(const Node *node)
{
    const Recurrent *r = node->detail;
    return memory_format("%s; %lld step%s, %lld units", r->cell->formula, (long long)r->steps, r->steps == 1 ? "" : "s", (long long)r->units);
}

/* ---- the gradient ---- */

static void backward_workspace(Graph *graph, Node *node)
{
    int64_t sums = recurrent_bias_sums(graph, node->detail);
    if (sums) graph_workspace(graph, node, sums, 1);
    graph_workspace(graph, node, recurrent_backward_workspace(graph, node->detail), 1);
}

static const char *backward_formula(const Node *node)
{
    (void)node;
    return "from the last step to the first: the gradients of the gates' sums, and d_h = these times the transpose of recurrent_kernel";
}

static const Operator backward_operator = {
    .name = "recurrent_gradient",
    .suffix = "gradient",
    .workspace = backward_workspace,
    .emit = recurrent_backward_emit,
    .formula = backward_formula,
};

/* Of the left side of the gradient of the recurrent kernel, those of a sample. */
static int64_t kernel_rows(const Graph *graph, const Recurrent *r)
{
    return r->steps * r->cell->lefts - (recurrent_left_out(graph, r) != MATMUL_ALL);
}

static void emit_kernel_gradient(Emit *e, const Node *node)
{
    const Recurrent *r = node->detail;
    matmul_weight_gradient_emit(e, node, r->units, r->units * r->cell->gates, kernel_rows(e->graph, r), recurrent_left_out(e->graph, r));
}

static const char *kernel_gradient_formula(const Node *node)
{
    (void)node;
    return "d_recurrent_kernel[i][o] = sum over samples and steps of h before the step, x[i], times d_y[o]";
}

static bool absorb(Graph *graph, Node *node, Node *reader)
{
    const Recurrent *r = node->detail;
    return !matmul_weight_gradient_is_long(graph, kernel_rows(graph, r)) && absorb_update(graph, node, reader);
}

static void kernel_gradient_workspace(Graph *graph, Node *node)
{
    const Recurrent *r = node->detail;
    matmul_weight_gradient_workspace(graph, node, r->units, r->units * r->cell->gates, kernel_rows(graph, r));
}

static const Operator kernel_gradient_operator = {
    .name = "recurrent_kernel_gradient",
    .suffix = "weight_gradient",
    .operands = "x d_y; d_kernel work",
    .absorb = absorb,
    .workspace = kernel_gradient_workspace,
    .emit = emit_kernel_gradient,
    .formula = kernel_gradient_formula,
};

/* A tensor of so many numbers for each step, in so many rows, that the forward pass leaves for the gradient. */
static Tensor *keep(Graph *graph, Node *node, const char *name, int64_t rows, int64_t columns)
{
    const Recurrent *r = node->detail;
    Tensor *tensor = graph_tensor(graph, ROLE_ACTIVATION, memory_format("%s/%s", node->name, name));
    tensor->shape = rows == 1 ? shape_of(2, (const int64_t[]){r->steps, columns}) : shape_of(3, (const int64_t[]){r->steps, rows, columns});
    graph_output(graph, node, tensor);
    node->operands = memory_format("%s %s", node->operands, name);
    return tensor;
}

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    const Recurrent *r = node->detail;
    const Cell *cell = r->cell;
    int64_t columns = r->units * cell->gates;
    Tensor *sums = node->inputs[0], *kernel = node->weights[0], *inputs[MOST_ARRAYS + 6] = {d_output, kernel};
    int count = 2;
    const char *operands = "d_y recurrent_kernel gates";
    node->operands = "x; y";
    inputs[count] = keep(graph, node, "gates", 1, columns);
    inputs[count++]->view_of = sums;
    for (int i = 0; i < 2 && cell->kept[i]; i++) {
        inputs[count++] = keep(graph, node, cell->kept[i], 1, r->units);
        operands = memory_format("%s %s", operands, cell->kept[i]);
    }
    if (recurrent_continues(graph, r) && cell->start) {
        Tensor *start = inputs[count++] = graph_tensor(graph, ROLE_ACTIVATION, memory_format("%s/start", node->name));
        start->shape = shape_of(1, &r->units);
        graph_output(graph, node, start);
        node->operands = memory_format("%s start", node->operands);
        operands = memory_format("%s start", operands);
    }
    if (r->dropout > 0 && cell->reads_before) {
        inputs[count++] = keep(graph, node, "before", 1, r->units);
        operands = memory_format("%s before", operands);
    }
    Tensor *previous = inputs[count++] = keep(graph, node, "previous", cell->lefts, r->units);
    previous->shape.size[0] -= recurrent_left_out(graph, r) != MATMUL_ALL;
    node->operands = memory_format("%s work", node->operands);
    Node *backward = graph_gradient_node(graph, &backward_operator, node, NULL, inputs, count);
    backward->operands = memory_format("%s previous; d_x", operands);
    Tensor *d_sums = gradient_tensor(graph, backward, sums), *d_inner = d_sums;
    d_sums->view_of = sums;
    gradient_give(graph, sums, d_sums);
    if (cell->d_inner) d_inner = keep(graph, backward, "d_inner", cell->lefts, columns);
    if (r->bias) {
        gradient_give(graph, node->weights[1], gradient_tensor(graph, backward, node->weights[1]));
        backward->operands = memory_format("%s d_bias shards", backward->operands);
    }
    backward->operands = memory_format("%s work", backward->operands);
    Node *part = graph_gradient_node(graph, &kernel_gradient_operator, node, "recurrent_kernel", (Tensor *[]){previous, d_inner}, 2);
    gradient_give(graph, kernel, gradient_tensor(graph, part, kernel));
}

/* ---- the layer ---- */

#define RECURRENT_OPERATOR(operator_name, extra_flags)                                                                         \
    static const Operator operator_name = {                                                                                    \
        .name = "recurrent",                                                                                                   \
        .suffix = "forward",                                                                                                   \
        .operands = "x; y work",                                                                                               \
        .flags = OPERATOR_EPILOGUE | OPERATOR_CARRIES | extra_flags,                                                           \
        .shape = shape,                                                                                                        \
        .steps = steps,                                                                                                        \
        .macs = macs,                                                                                                          \
        .reference = reference,                                                                                                \
        .specialise = specialise,                                                                                              \
        .gradient = gradient,                                                                                                  \
        .workspace = workspace,                                                                                                \
        .emit = recurrent_forward_emit,                                                                                        \
        .formula = formula,                                                                                                    \
    };
RECURRENT_OPERATOR(recurrent_operator, 0)
RECURRENT_OPERATOR(dropping_operator, OPERATOR_DRAWS)
RECURRENT_OPERATOR(continuing_operator, OPERATOR_TRACKS)

/* The input with some of its features left out, the same at all steps: as whole channels are. */
static Tensor *drop_features(Graph *graph, const LayerCall *call)
{
    const Value *rate = argument(call->arguments, "dropout");
    if (!(rate->number > 0)) return call->inputs[0];
    const Layer *layer = (const Layer *)(const void *)table_find(&layer_table, "spatial_dropout1d");
    LayerCall inner = *call;
    Object *object = default_call(&layer->entry, rate->place);
    object->values[0] = *rate;
    object->values[1] = *argument(call->arguments, "seed");
    inner.layer = layer;
    inner.arguments = object;
    inner.name = memory_format("%s/dropout", call->name);
    /* cppcheck-suppress returnDanglingLifetime ; it returns a tensor of the graph, not what it is told */
    return layer->build(graph, &inner);
}

Tensor *recurrent_build(Graph *graph, const LayerCall *call, const Cell *cell)
{
    const Object *a = call->arguments;
    int64_t units = argument_size(a, "units");
    if (units > MAX_COUNT) units = MAX_COUNT; /* far too many: said when the shapes are known */
    Tensor *sums = dense_product(graph, call, "input", drop_features(graph, call), cell->gates * units, false);
    Node *node = graph_node(graph, argument_number(a, "recurrent_dropout") > 0 ? &dropping_operator : &recurrent_operator, call, NULL, &sums, 1);
    Recurrent *r = node->detail = NEW(Recurrent);
    *r = (Recurrent){
        .cell = cell,
        .units = units,
        .bias = argument_boolean(a, "use_bias"),
        .stateful = argument_boolean(a, "stateful"),
        .dropout = argument_number(a, "recurrent_dropout"),
        .sequences = argument_boolean(a, "return_sequences"),
        .backwards = argument_boolean(a, "go_backwards"),
        .turned = call->turned,
        .activation = argument_object(a, "activation"),
        .recurrent_activation = has_argument(a, "recurrent_activation") ? argument_object(a, "recurrent_activation") : NULL,
    };
    regularize(node->outputs[0], a, "activity_regularizer");
    return node->outputs[0];
}
