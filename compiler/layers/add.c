/* add: the sum of its inputs, number by number. More than two are added from the left. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {{0}};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    const Tensor *a = node->inputs[0], *b = node->inputs[1];
    if (!shape_same(&a->shape, &b->shape)) {
        diagnose(node->place, "add needs inputs of one shape, not %s and %s", shape_string(&a->shape), shape_string(&b->shape));
        note_producer(a);
        note_producer(b);
        return;
    }
    node->outputs[0]->shape = a->shape;
}

static void reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i] + r->inputs[1][i];
}

static void element(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "$X = $X + $A;");
}

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    for (int i = 0; i < 2; i++)
        if (gradient_wanted(graph, node->inputs[i])) gradient_give(graph, node->inputs[i], d_output);
}

static const char *formula(const Node *node)
{
    (void)node;
    return "y = x + a";
}

static const Operator add_operator = {
    .name = "add",
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

static Tensor *build(Graph *graph, const LayerCall *call)
{
    Tensor *sum = call->inputs[0];
    for (int i = 1; i < call->input_count; i++) {
        const char *suffix = i + 1 < call->input_count ? memory_format("%d", i) : NULL;
        sum = graph_node(graph, &add_operator, call, suffix, (Tensor *[]){sum, call->inputs[i]}, 2)->outputs[0];
    }
    return sum;
}

const Layer add_layer = {
    .entry = {"add", "The sum of its inputs.", parameters, NULL},
    .least_inputs = 2,
    .most_inputs = -1,
    .build = build,
};
