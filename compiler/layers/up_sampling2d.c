/* up_sampling2d: each pixel becomes size[0] x size[1] of them: y[h][w][c] = x[h / size[0]][w / size[1]][c]. up_sampling1d likewise along a
 * sequence.
 *
 * interpolation=bilinear: pixels are samples at their middles, at (p + 1/2) / size - 1/2 on the axis of the input; between the two next to
 * it the value goes in a straight line, at the border it stays. The gradient gives to the same four pixels with the same weights.
 * Source: keras.io/api/layers/reshaping_layers/up_sampling2d, tf.image.resize. */
#include "../cnnc.h"
#include "../kernels/kernels.h"

#include <string.h>

static const Parameter parameters[] = {
    {.name = "size", .type = PARAMETER_PAIR, .minimum = 1, .maximum = MAX_COUNT, .fallback = "2x2", .help = "how often each row x each column"},
    DATA_FORMAT_PARAMETER,
    {.name = "interpolation", .type = PARAMETER_WORD, .words = (const char *const[]){"nearest", "bilinear", NULL}, .fallback = "nearest", .help = "nearest: pixels are repeated; bilinear: straight lines between them"},
    {0},
};

static const Parameter parameters1d[] = {
    {.name = "size", .type = PARAMETER_SIZE, .minimum = 1, .maximum = MAX_COUNT, .fallback = "2", .help = "how often each place"},
    {0},
};

static void repeat(Node *node, int axes, int64_t times_height, int64_t times_width)
{
    const Tensor *x = node->inputs[0];
    const Shape *shape = &x->shape;
    if (!places_given(node, node->arguments->entry->name, axes)) return;
    int64_t height = axes == 2 ? shape->size[0] : 1, width = shape->size[axes - 1], channels = shape->size[axes];
    Shape result = *shape;
    if (axes == 2) result.size[0] *= times_height;
    result.size[axes - 1] *= times_width;
    node->outputs[0]->shape = result;
    if (shape_count(&result) < 0 || shape_count(&result) > MAX_COUNT) return; /* reported by the pass */
    int64_t row = width * channels, long_row = row * times_width;
    Strided *s = strided_new(node, height * row, shape_count(&result));
    strided_axis(s, height, row, times_height * long_row);
    strided_axis(s, times_height, 0, long_row);
    strided_axis(s, width, channels, times_width * channels);
    strided_axis(s, times_width, 0, channels);
    strided_axis(s, channels, 1, 1);
}

/* ---- straight lines ---- */

typedef struct { int64_t height, width, channels, times_height, times_width; } Lines;

/* The two places on the input's axis on either side of place `at`, and the share of the second. */
static double between(int64_t at, int64_t times, int64_t size, int64_t *first, int64_t *second)
{
    int64_t t = 2 * at + 1 - times, before = t < 0 ? -1 : t / (2 * times);
    *first = before < 0 ? 0 : before;
    *second = before + 1 < size ? before + 1 : size - 1;
    return (double)(t - before * 2 * times) / (double)(2 * times);
}

static void bilinear_reference(const Node *node, Reference *r)
{
    const Lines *l = node->detail;
    for (int64_t p = 0; p < l->height * l->times_height; p++)
        for (int64_t q = 0; q < l->width * l->times_width; q++) {
            int64_t h[2], w[2];
            double down = between(p, l->times_height, l->height, &h[0], &h[1]), right = between(q, l->times_width, l->width, &w[0], &w[1]);
            for (int64_t c = 0; c < l->channels; c++) {
                double sum = 0;
                for (int i = 0; i < 2; i++)
                    for (int j = 0; j < 2; j++) sum += (i ? down : 1 - down) * (j ? right : 1 - right) * r->inputs[0][(h[i] * l->width + w[j]) * l->channels + c];
                r->outputs[0][(p * l->width * l->times_width + q) * l->channels + c] = sum;
            }
        }
}

/* The same as C, for the axis called `axis`. */
static void emit_between(Emit *e, const char *axis, const char *place, int64_t times, int64_t size)
{
    fill(e, "AXIS", "%s", axis);
    fill(e, "LOWER", "%s0", axis);
    fill(e, "UPPER", "%s1", axis);
    fill(e, "PLACE", "%s", place);
    fill_size(e, "TIMES", times);
    fill_size(e, "TWICE", 2 * times);
    fill_size(e, "SIZE", size);
    fill_size(e, "END", size * times);
    EMIT(e,
         "for (int $PLACE = 0; $PLACE < $END; $PLACE++) {",
         "const int t$AXIS = 2 * $PLACE + 1 - $TIMES, before$AXIS = t$AXIS < 0 ? -1 : t$AXIS / $TWICE;",
         "const int $LOWER = before$AXIS < 0 ? 0 : before$AXIS, $UPPER = before$AXIS + 1 < $SIZE ? before$AXIS + 1 : $SIZE - 1;",
         "const float share$AXIS = (float)(t$AXIS - before$AXIS * $TWICE) / (float)$TWICE;");
}

static void value_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    fill(e, "V00", "%s", load_text(e, "&x00[c]", lanes));
    fill(e, "V01", "%s", load_text(e, "&x01[c]", lanes));
    fill(e, "V10", "%s", load_text(e, "&x10[c]", lanes));
    fill(e, "V11", "%s", load_text(e, "&x11[c]", lanes));
    EMIT(e, "const f32x$L v = ($V00 * (1.0f - sharew) + $V01 * sharew) * (1.0f - shareh) + ($V10 * (1.0f - sharew) + $V11 * sharew) * shareh;");
    emit_store(e, "&to[c]", "v", lanes);
}

static void gradient_lines(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)node;
    (void)context;
    fill(e, "D", "%s", load_text(e, "&to[c]", lanes));
    EMIT(e, "const f32x$L d = $D;");
    for (int corner = 0; corner < 4; corner++) { /* one after the other: at the border they are the same pixel */
        const char *to = memory_format("&x%d%d[c]", corner / 2, corner % 2);
        emit_store(e, to, memory_format("%s + d * (%s * %s)", load_text(e, to, lanes), corner / 2 ? "shareh" : "(1.0f - shareh)", corner % 2 ? "sharew" : "(1.0f - sharew)"), lanes);
    }
}

static void emit_bilinear(Emit *e, const Node *node)
{
    const Lines *l = node->detail;
    bool backward = node->forward != NULL;
    emit_narrow(e, l->channels);
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "H", l->height);
    fill_size(e, "W", l->width);
    fill_size(e, "C", l->channels);
    fill_size(e, "ALL", l->height * l->width * l->channels);
    fill_size(e, "P", l->height * l->times_height);
    fill_size(e, "Q", l->width * l->times_width);
    fill(e, "CONST", backward ? "" : "const ");
    fill(e, "OF", backward ? "d_x" : "x");
    EMIT(e, "$SAMPLES{");
    if (backward) EMIT(e, "memset(&d_x[$n * $ALL], 0, $ALL * sizeof(float));");
    emit_between(e, "h", "p", l->times_height, l->height);
    emit_between(e, "w", "q", l->times_width, l->width);
    for (int corner = 0; corner < 4; corner++) {
        fill_size(e, "I", corner / 2);
        fill_size(e, "J", corner % 2);
        EMIT(e, "$CONST float *const x$I$J = &$OF[(($n * $H + h$I) * $W + w$J) * $C];");
    }
    EMIT(e, backward ? "const float *const to = &d_y[(($n * $P + p) * $Q + q) * $C];" : "float *const to = &y[(($n * $P + p) * $Q + q) * $C];");
    run_lines(e, node, "c", l->channels, backward ? gradient_lines : value_lines, NULL);
    EMIT(e, "}", "}", "}");
    phase_end(e);
}

static const char *bilinear_formula(const Node *node)
{
    return node->forward ? "d_x = d_y, shared among the pixels around it" : "y between the pixels of x, in straight lines";
}

static const Operator bilinear_gradient_operator = {
    .name = "up_sampling_gradient",
    .suffix = "gradient",
    .operands = "d_y; d_x",
    .flags = OPERATOR_FLAT,
    .emit = emit_bilinear,
    .formula = bilinear_formula,
};

static void bilinear_gradient(Graph *graph, Node *node, Tensor *d_output)
{
    gradient_elementwise(graph, node, &bilinear_gradient_operator, d_output, NULL);
}

static void shape2d(Graph *, Node *);

static const Operator bilinear_operator = {
    .name = "up_sampling_bilinear",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_FLAT,
    .shape = shape2d,
    .reference = bilinear_reference,
    .gradient = bilinear_gradient,
    .emit = emit_bilinear,
    .formula = bilinear_formula,
};

static void shape2d(Graph *graph, Node *node)
{
    (void)graph;
    int64_t height, width;
    argument_pair(node->arguments, "size", &height, &width);
    repeat(node, 2, height, width);
    if (argument_word(node->arguments, "interpolation")[0] == 'n' || node->outputs[0]->shape.rank < 0) return;
    const int64_t *x = node->inputs[0]->shape.size;
    Lines *l = node->detail = NEW(Lines);
    *l = (Lines){x[0], x[1], x[2], height, width};
    node->op = &bilinear_operator;
}

static void shape1d(Graph *graph, Node *node)
{
    (void)graph;
    repeat(node, 1, 1, argument_size(node->arguments, "size"));
}

static const char *formula(const Node *node)
{
    (void)node;
    return "y = x, each pixel several times";
}

static const Operator image_operator = STRIDED_OPERATOR("up_sampling2d", shape2d, formula);
static const Operator sequence_operator = STRIDED_OPERATOR("up_sampling1d", shape1d, formula);

ONE_NODE_LAYER(up_sampling2d, "Repeats the rows and columns of an image.", parameters, image_operator)
ONE_NODE_LAYER(up_sampling1d, "Repeats the places of a sequence.", parameters1d, sequence_operator)
