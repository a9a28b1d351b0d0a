/* flatten: all sizes of a sample as one; the numbers stay where they are. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {DATA_FORMAT_PARAMETER, {0}};

static void shape(Graph *graph, Node *node)
{
    (void)graph;
    int64_t count = shape_count(&node->inputs[0]->shape);
    node->outputs[0]->shape = shape_of(1, &count);
}

static void reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < node->outputs[0]->shape.size[0]; i++) r->outputs[0][i] = r->inputs[0][i];
}

static const Operator flatten_operator = {
    .name = "flatten",
    .flags = OPERATOR_VIEW,
    .shape = shape,
    .reference = reference,
};

ONE_NODE_LAYER(flatten, "All numbers of a sample in one row.", parameters, flatten_operator)
