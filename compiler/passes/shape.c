/* Shapes: from the inputs' sizes to those of every tensor and weight.
 *
 * Needs: the graph as expand left it. Gives: shape, weights and detail of every node. An error leaves the shape
 * unknown; nodes that read such a tensor are passed over, so that one fault is reported once. */
#include "cnnc.h"

#include <math.h>

void shape_pass(Graph *graph)
{
    int64_t total = 0;
    int node_count = graph->node_count;
    for (int i = 0; i < node_count && !diagnostics_full(); i++) {
        Node *node = graph->nodes[i];
        bool known = true;
        for (int j = 0; j < node->input_count; j++) known = known && node->inputs[j]->shape.rank >= 0;
        if (!known) continue;
        if (node->input_count) node->frames = node->inputs[0]->frames;
        for (int j = 0; j < node->output_count; j++) node->outputs[j]->frames = node->outputs[j]->batched ? node->frames : 1;
        node->op->shape(graph, node);
        int64_t bytes = 0;
        for (int j = 0; j < node->output_count + node->weight_count; j++) {
            Tensor *tensor = j < node->output_count ? node->outputs[j] : node->weights[j - node->output_count];
            if (tensor->shape.rank < 0) continue;
            int64_t count = shape_count(&tensor->shape);
            if (count > MAX_COUNT && count <= MAX_BYTES / 4) {
                diagnose(node->place, "%s is too large: %s has more than 2^31 - 1 numbers", node->name, tensor->name);
                tensor->shape.rank = -1;
                return;
            }
            if (count < 0 || __builtin_mul_overflow(count, tensor->frames, &count) || count > MAX_BYTES || __builtin_add_overflow(bytes, count * 4, &bytes) || bytes + total > MAX_BYTES) {
                diagnose(node->place, "%s is too large: with it the network would need more than 2^40 bytes", node->name);
                tensor->shape.rank = -1;
                return;
            }
        }
        total += bytes;
    }
}

void note_producer(const Tensor *tensor)
{
    if (tensor->producer) diagnose_note(tensor->producer->place, "%s gives %s", tensor->producer->name, shape_string(&tensor->shape));
}

bool margins_read(const Value *value, const char *name, Margins margins[2])
{
    const Value *items = value->list.items;
    bool pairs = value->list.count == 1 || value->list.count == 2;
    for (int i = 0; i < value->list.count; i++) pairs = pairs && items[i].kind == VALUE_PAIR;
    if (!pairs) {
        diagnose(value->place, "%s: one pair for height x width, or two, [top x bottom, left x right]", name);
        return false;
    }
    bool sides = value->list.count == 2;
    margins[0] = sides ? (Margins){items[0].pair.first, items[0].pair.second} : (Margins){items[0].pair.first, items[0].pair.first};
    margins[1] = sides ? (Margins){items[1].pair.first, items[1].pair.second} : (Margins){items[0].pair.second, items[0].pair.second};
    for (int i = 0; i < 2; i++)
        if (margins[i].before >= MAX_COUNT || margins[i].after >= MAX_COUNT) {
            diagnose(value->place, "%s: more than 2^31 rows or columns", name);
            return false;
        }
    return true;
}

bool axis_resolve(const Node *node, const Shape *shape, int *axis)
{
    double number = argument_number(node->arguments, "axis");
    *axis = (int)number + (number < 0 ? shape->rank + 1 : 0) - 1;
    if (number >= (double)(int)number && number <= (double)(int)number && *axis >= 0 && *axis < shape->rank) return true;
    diagnose(argument_place(node->arguments, "axis"),
             "`axis` of %s must be a whole number from 1 to %d or -1 to -%d: the input is %s, and axis 0 is the batch",
             node->arguments->entry->name,
             shape->rank,
             shape->rank,
             shape_string(shape));
    note_producer(node->inputs[0]);
    return false;
}

bool neighbouring_axes(const Node *node, const Shape *shape, int *first, int *count)
{
    const Value *axes = argument(node->arguments, "axis");
    bool chosen[MAX_RANK] = {false};
    *first = MAX_RANK;
    *count = axes->list.count;
    for (int i = 0; i < *count; i++) {
        double number = axes->list.items[i].number, place = number + (number < 0 ? shape->rank : -1);
        if (place != floor(place) || place < 0 || place >= shape->rank || chosen[(int)place]) return false;
        chosen[(int)place] = true;
        if (place < *first) *first = (int)place;
    }
    for (int i = *first; i < *first + *count; i++)
        if (i >= shape->rank || !chosen[i]) return false;
    return *count > 0;
}

bool window_places(const Node *node, const char *parameter, const Tensor *tensor, int axis, int64_t window, int64_t stride, bool same, int64_t *places, int64_t *before)
{
    int64_t size = tensor->shape.size[axis];
    if (same) {
        *places = (size - 1) / stride + 1;
        int64_t covered = (*places - 1) * stride;
        int64_t padding = window > size - covered ? window - (size - covered) : 0;
        *before = padding / 2;
        return true;
    }
    if (window > size) {
        diagnose(argument_place(node->arguments, parameter), "%s: %lld is more than the input's %s, %lld; padding=same would allow it", parameter, (long long)window, tensor->shape.rank == 2 ? "length" : axis ? "width" : "height", (long long)size);
        note_producer(tensor);
        return false;
    }
    *places = (size - window) / stride + 1;
    *before = 0;
    return true;
}
