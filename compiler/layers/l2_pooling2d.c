/* l2_pooling2d: y[p][q][c] = the root of the sum of x[p stride + r][q stride + s][c]^2 over the window; padding counts as zero.
 * l2_pooling1d likewise along a sequence; the global forms have one window, all of the input.
 *
 * d_x = the sum over the windows that hold it of d_y x / y; where y is 0, and has no derivative, nothing passes. Keras lacks it: arguments
 * and defaults are those of max_pooling2d. Source: Sermanet et al. 2012, L2 being their p = 2 without weights. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <math.h>

static const Parameter parameters[] = {
    {.name = "pool_size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = 0x1p53, .fallback = "2x2", .help = "height x width of the window"},
    POOLING_REST(PARAMETER_PAIR),
};

static const Parameter parameters1d[] = {
    {.name = "pool_size", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .fallback = "2", .help = "the length of the window"},
    POOLING_REST(PARAMETER_SIZE),
};

static const Parameter global_parameters[] = {GLOBAL_POOLING_PARAMETERS};

static double sum_of_squares(double sum, double x)
{
    return sum + x * x;
}

static double root(double sum, int64_t count)
{
    (void)count;
    return sqrt(sum);
}

static void reference(const Node *node, Reference *r)
{
    pooling_reference(node, r, 0, sum_of_squares, root);
}

static const char *formula(const Node *node)
{
    return pooling_formula(node, "the root of the sum of squares of");
}

static const char *gradient_formula(const Node *node)
{
    (void)node;
    return "d_x = the sum over the windows that hold it of d_y x / y";
}

static const Operator gradient_operator = {
    .name = "l2_pooling_gradient",
    .suffix = "gradient",
    .operands = "d_y x y; d_x",
    .emit = l2_pooling_gradient_emit,
    .formula = gradient_formula,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    if (!gradient_wanted(graph, node->inputs[0])) return;
    Node *d = graph_gradient_node(graph, &gradient_operator, node, NULL, (Tensor *[]){d_output, node->inputs[0], node->outputs[0]}, 3);
    gradient_give(graph, node->inputs[0], gradient_tensor(graph, d, node->inputs[0]));
}

static const Operator l2_pooling_operator = {
    .name = "l2_pooling",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_EPILOGUE,
    .shape = pooling_shape,
    .reference = reference,
    .gradient = gradient,
    .emit = l2_pooling_emit,
    .formula = formula,
};

POOLING_LAYER(l2_pooling2d, "l2_pooling2d", "The root of the sum of squares of each window.", parameters, l2_pooling_operator, 2, false)
POOLING_LAYER(l2_pooling1d, "l2_pooling1d", "The root of the sum of squares of each window of a sequence.", parameters1d, l2_pooling_operator, 1, false)
POOLING_LAYER(global_l2_pooling2d, "global_l2_pooling2d", "The root of the sum of squares of each channel of an image.", global_parameters, l2_pooling_operator, 2, true)
POOLING_LAYER(global_l2_pooling1d, "global_l2_pooling1d", "The root of the sum of squares of each channel of a sequence.", global_parameters, l2_pooling_operator, 1, true)
