/* p_re_lu, also prelu: y = x where it is positive, else alpha x, alpha being learned: one for each number of a sample, or one for all along the
 * axes that share. d_alpha = the sum of d_y x over what is not positive. Source: He et al. 2015; keras.io/api/layers/activation_layers/prelu. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

static const Parameter parameters[] = {
    {.name = "alpha_initializer", .type = PARAMETER_OBJECT, .table = &initializer_table, .fallback = "zeros", .help = "how the slopes are drawn at first"},
    REGULARIZER_PARAMETER("alpha", "the slopes"),
    {.name = "shared_axes", .type = PARAMETER_SIZE, .list = true, .minimum = 1, .maximum = MAX_RANK, .fallback = "none", .help = "along these axes, the first is 1, all have one slope: [1, 2] for one of each channel"},
    {0},
};

static void shape(Graph *graph, Node *node)
{
    const Tensor *x = node->inputs[0];
    const Object *a = node->arguments;
    Shape alpha = x->shape;
    if (has_argument(a, "shared_axes")) {
        const Value *axes = argument(a, "shared_axes");
        for (int i = 0; i < axes->list.count; i++) {
            int axis = (int)axes->list.items[i].number;
            if (axis > alpha.rank) {
                diagnose(axes->list.items[i].place, "shared_axes: the input, %s, has axes 1 to %d", shape_string(&x->shape), x->shape.rank);
                note_producer(x);
                return;
            }
            alpha.size[axis - 1] = 1;
        }
    }
    bool own = false; /* has an axis been seen that does not share? */
    for (int i = 0; i < alpha.rank; i++) {
        if (own && alpha.size[i] != x->shape.size[i]) {
            diagnose(argument_place(a, "shared_axes"), "shared_axes must be the first axes: 1, then 2 and so on");
            return;
        }
        own = own || alpha.size[i] > 1;
    }
    Tensor *weight = graph_weight(graph, node, "alpha", &alpha, true);
    weight->initial = initializer_resolve(argument_object(a, "alpha_initializer"), &alpha);
    regularize(weight, a, "alpha_regularizer");
    node->outputs[0]->shape = x->shape;
}

static void reference(const Node *node, Reference *r)
{
    int64_t slopes = shape_count(&node->weights[0]->shape);
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) {
        double x = r->inputs[0][i];
        r->outputs[0][i] = x > 0 ? x : x * r->weights[0][i % slopes];
    }
}

static void lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    fill(e, "FROM", "%s", load_text(e, "&x[row + j]", lanes));
    fill(e, "SLOPE", "%s", load_text(e, "&slopes[j]", lanes));
    EMIT(e, "const f32x$L v = $FROM, slope = $SLOPE;");
    if (node->forward) fill(e, "OF", "%s", load_text(e, "&d_y[row + j]", lanes));
    else fill(e, "OF", "v");
    EMIT(e, "f32x$L result = $OF;", "result = select_f32x$L(v > 0.0f, result, result * slope);");
    if (!node->forward) emit_epilogue(e, node, "result", "[row + j]", "(uint32_t)(row + j)", lanes);
    emit_store(e, node->forward ? "&d_x[row + j]" : "&y[row + j]", "result", lanes);
}

/* The values, and the gradients of the input: rows as long as there are slopes. */
static void emit(Emit *e, const Node *node)
{
    const Tensor *alpha = node->forward ? node->inputs[2] : node->weights[0];
    int64_t slopes = shape_count(&alpha->shape), size = shape_count(&node->outputs[0]->shape);
    emit_narrow(e, slopes);
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "ROWS", size / slopes);
    fill_size(e, "COUNT", slopes);
    EMIT(e, "const float *const slopes = alpha;", "$SAMPLES{", "for (int m = 0; m < $ROWS; m++) {", "const ptrdiff_t row = ($n * $ROWS + m) * $COUNT;");
    run_lines(e, node, "j", slopes, lines, NULL);
    EMIT(e, "}", "}");
    phase_end(e);
}

static const char *formula(const Node *node)
{
    return node->forward ? "d_x = d_y, or alpha d_y where x < 0" : "y = x, or alpha x where x < 0";
}

static void element_of_slopes(Emit *e, const Node *node)
{
    (void)node;
    EMIT(e, "{ const f32x$L value = $A; $X = keep_f32x$L(value < 0.0f, $X * value); }");
}

static const char *formula_of_slopes(const Node *node)
{
    (void)node;
    return "d_y x where x < 0, whose sums are d_alpha";
}

static const Operator input_gradient_operator = {
    .name = "p_re_lu_gradient",
    .suffix = "input_gradient",
    .operands = "d_y x alpha; d_x",
    .flags = OPERATOR_FLAT,
    .emit = emit,
    .formula = formula,
};

static const Operator slope_gradient_operator = {
    .name = "p_re_lu_slope_gradient",
    .suffix = "slope_gradient",
    .operands = "x a; y",
    .flags = OPERATOR_ELEMENTWISE | OPERATOR_FLAT,
    .emit = elementwise_emit,
    .element = element_of_slopes,
    .formula = formula_of_slopes,
};

static void gradient(Graph *graph, Node *node, Tensor *d_output)
{
    Tensor *x = node->inputs[0], *alpha = node->weights[0];
    if (gradient_wanted(graph, x)) {
        Node *part = graph_gradient_node(graph, &input_gradient_operator, node, NULL, (Tensor *[]){d_output, x, alpha}, 3);
        gradient_give(graph, x, gradient_tensor(graph, part, x));
    }
    Node *each = graph_gradient_node(graph, &slope_gradient_operator, node, "alpha", (Tensor *[]){d_output, x}, 2);
    bias_gradient(graph, node, alpha, gradient_tensor(graph, each, x));
}

static const Operator p_re_lu_operator = {
    .name = "p_re_lu",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_FLAT | OPERATOR_EPILOGUE,
    .shape = shape,
    .steps = steps_kept,
    .reference = reference,
    .gradient = gradient,
    .emit = emit,
    .formula = formula,
};

ONE_NODE_LAYER(p_re_lu, "A leaky relu whose slopes are learned.", parameters, p_re_lu_operator)
