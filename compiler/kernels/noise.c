/* What layers share that draw random numbers in training: whose numbers they are, and images under random transforms. */
#include "kernels.h"

#include <math.h>

const char *noise_key(const Node *node)
{
    if (!has_argument(node->arguments, "seed")) return memory_format("random_key(step_key(step), %uu)", node->stream);
    return memory_format("random_key(random_key(%lldu, %uu), step->step)", (long long)argument_size(node->arguments, "seed"), node->stream);
}

void noise_number(Emit *e, const Node *node, const char *name, double value, double off)
{
    fill(e, "STREAM", "%u", node->stream);
    emit_once(e, memory_format("const float %s%u = step ? %s : %s;", name, node->stream, float_text(value), float_text(off)));
}

void noise_begin(Emit *e, const Node *node)
{
    fill(e, "STREAM", "%u", node->stream);
    emit_once(e, memory_format("const uint64_t key%u = step ? %s : 0;", node->stream, noise_key(node)));
}

void noise_threshold(Emit *e, const Node *node, double rate)
{
    double threshold = rate * 0x1p32;
    noise_begin(e, node);
    emit_once(e, memory_format("const uint32_t threshold%u = step ? %uu : 0;", node->stream, threshold < 4294967295.0 ? (unsigned)threshold : 4294967295u));
}

bool noise_range(const Node *node, const char *parameter, double range[2])
{
    const Value *value = argument(node->arguments, parameter);
    if (value->list.count > 2) {
        diagnose(value->place, "%s is one number, or a list of the lowest and the highest", parameter);
        return false;
    }
    double first = value->list.items[0].number, second = value->list.count > 1 ? value->list.items[1].number : first;
    if (value->list.count == 1) first = -fabs(first), second = -first;
    range[0] = fmin(first, second);
    range[1] = fmax(first, second);
    return true;
}

const char *noise_uniform(const double range[2], const char *index)
{
    if (!(range[1] > range[0])) return memory_format(range[0] < 0 ? "(%s)" : "%s", float_text(range[0]));
    return memory_format("(%s + %s * (float)random_uniform(key, %s))", float_text(range[0]), float_text(range[1] - range[0]), index);
}

/* ---- images under random transforms ---- */

void random_transform_shape(Graph *graph, Node *node)
{
    (void)graph;
    const Tensor *x = node->inputs[0];
    if (!places_given(node, node->op->name, 2)) return;
    node->outputs[0]->shape = x->shape;
}

void random_transform_reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i]; /* as in inference */
}

void random_transform_gradient(Graph *graph, Node *node, Tensor *d_output)
{
    (void)d_output;
    if (!gradient_wanted(graph, node->inputs[0])) return;
    diagnose(node->place, "%s lets no gradient through: let it stand before every layer that learns", node->op->name);
    note_producer(node->inputs[0]);
}

void random_transform_emit(Emit *e, const Node *node, const char *const *coefficients, const char *fill_mode, const char *interpolation, double fill_value)
{
    const Shape *shape = &node->inputs[0]->shape;
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "H", shape->size[0]);
    fill_size(e, "W", shape->size[1]);
    fill_size(e, "C", shape->size[2]);
    fill(e, "KEY", "%s", noise_key(node));
    fill(e, "MODE", "%s", fill_mode);
    fill(e, "BETWEEN", "%s", interpolation);
    fill(e, "VALUE", "%s", float_text(fill_value));
    EMIT(e,
         "if (!step) {",
         "memcpy(&y[first * ($H * $W * $C)], &x[first * ($H * $W * $C)], (size_t)(last - first) * ($H * $W * $C) * sizeof(float));",
         "return;",
         "}",
         "const uint64_t key = $KEY;",
         "(void)key; /* where every factor is 0 nothing is drawn */",
         "for (ptrdiff_t n = first; n < last; n++) {",
         "const float *const image = &x[n * ($H * $W * $C)];");
    emit_lines(e, __FILE__, __LINE__, coefficients);
    EMIT(e,
         "for (int p = 0; p < $H; p++) {",
         "for (int q = 0; q < $W; q++) {",
         "const float h = transform_$MODE(hh * (float)p + hw * (float)q + h0, $H.0f);",
         "const float w = transform_$MODE(wh * (float)p + ww * (float)q + w0, $W.0f);",
         "transform_pixel_$BETWEEN(image, $H, $W, $C, h, w, $VALUE, &y[((n * $H + p) * $W + q) * $C]);",
         "}",
         "}",
         "}");
    phase_end(e);
}
