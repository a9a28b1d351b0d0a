/* The summary: Keras's table of layers, with multiply-adds and the exact bytes of everything that the plan holds. */
#include "emission/generate.h"

#include <string.h>

const char *number_with_commas(int64_t number)
{
    char digits[32], text[48];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number), to = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) text[to++] = ',';
        text[to++] = digits[i];
    }
    return memory_copy(text, (size_t)to);
}

int64_t state_bytes(const Graph *step)
{
    int64_t bytes = 0;
    for (int i = 0; i < step->tensor_count; i++)
        if (step->tensors[i]->role == ROLE_STATE) bytes += 4 * shape_count(&step->tensors[i]->shape);
    return bytes;
}

static const char *size_text(int64_t bytes)
{
    if (bytes < 1024) return memory_format("%lld B", (long long)bytes);
    if (bytes < 1024 * 1024) return memory_format("%.2f KB", (double)bytes / 1024);
    if (bytes < (int64_t)1024 * 1024 * 1024) return memory_format("%.2f MB", (double)bytes / 1024 / 1024);
    return memory_format("%.2f GB", (double)bytes / 1024 / 1024 / 1024);
}

/* Keras's "(None, 24, 24, 64)": None is the batch. */
static const char *batch_shape(const Shape *shape)
{
    const char *inner = shape_string(shape);
    return shape->rank == 0 ? "(None,)" : memory_format("(None, %.*s)", (int)(strcspn(inner, ")") - 1 - (shape->rank == 1)), inner + 1);
}

static void rule(FILE *out, int width, const char *mark)
{
    for (int i = 0; i < width; i++) fputs(mark, out);
    fputs("\n", out);
}

static int64_t activation_bytes(const Graph *graph, bool gradients)
{
    int64_t bytes = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        bool gradient = !strncmp(tensor->name, "d_", 2);
        if (tensor->offset >= 0 && !tensor->view_of && tensor->role == ROLE_ACTIVATION && gradient == gradients) bytes += tensor->bytes;
    }
    return bytes;
}

LayerCost *layer_costs(const Graph *source)
{
    LayerCost *costs = NEW_ARRAY(LayerCost, source->layer_count + 1);
    for (int i = 0; i < source->node_count; i++) {
        const Node *node = source->nodes[i];
        LayerCost *cost = &costs[node->layer];
        if (node->op->macs) cost->macs += node->frames * node->op->macs(node);
        for (int j = 0; j < node->weight_count; j++) {
            if (node->weights[j]->role != ROLE_WEIGHT) continue; /* further forms are no parameters */
            int64_t count = shape_count(&node->weights[j]->shape);
            cost->parameters += count;
            if (node->weights[j]->trainable) cost->trainable += count;
        }
    }
    return costs;
}

void print_summary(FILE *out, const Generation *g)
{
    const Graph *source = g->source;
    const LayerCost *costs = layer_costs(source);
    int64_t total = 0, trainable = 0, total_macs = 0;
    size_t layer_width = strlen("Layer (type)"), shape_width = strlen("Output Shape");
    for (int i = 0; i < source->layer_count; i++) {
        const LayerUse *layer = &source->layers[i];
        size_t length = strlen(layer->name) + strlen(layer->layer->entry.name) + 3, shape = strlen(batch_shape(&layer->output->shape));
        if (length > layer_width) layer_width = length;
        if (shape > shape_width) shape_width = shape;
    }
    int width = (int)(layer_width + shape_width) + 2 + 16 + 18;
    fprintf(out, "Model: \"%s\"\n", source->name);
    rule(out, width, "_");
    fprintf(out, "%-*s  %-*s%16s%18s\n", (int)layer_width, "Layer (type)", (int)shape_width, "Output Shape", "Param #", "MACs");
    rule(out, width, "=");
    for (int i = 0; i < source->layer_count; i++) {
        const LayerUse *layer = &source->layers[i];
        total += costs[i].parameters;
        trainable += costs[i].trainable;
        total_macs += costs[i].macs;
        fprintf(out,
                "%-*s  %-*s%16s%18s\n",
                (int)layer_width,
                memory_format("%s (%s)", layer->name, layer->layer->entry.name),
                (int)shape_width,
                batch_shape(&layer->output->shape),
                number_with_commas(costs[i].parameters),
                costs[i].macs ? number_with_commas(costs[i].macs) : "");
    }
    rule(out, width, "=");
    fprintf(out, "MACs for one sample: %s\n", number_with_commas(total_macs));
    fprintf(out, "Memory, one sample:  weights %s bytes (%s), arena %s bytes\n", number_with_commas(graph_struct_offset(g->source, NULL, true)), size_text(graph_struct_offset(g->source, NULL, true)), number_with_commas(g->predict->arena_bytes));
    if (g->step)
        fprintf(out, "Memory, one frame:   state %s bytes, arena %s bytes\n", number_with_commas(state_bytes(g->step)), number_with_commas(g->step->arena_bytes));
    fprintf(out, "%-20s arena %s bytes\n", memory_format("Memory, batch %lld:", (long long)g->predict_batch->batch), number_with_commas(batch_arena_bytes(g)));
    if (g->train) {
        Slot slots[MOST_SLOTS];
        int slot_count;
        optimizer_of(source, slots, &slot_count);
        fprintf(out,
                "Memory, training:    arena %s bytes, in which activations %s, gradients %s; optimizer %s bytes\n",
                number_with_commas(training_arena_bytes(g)),
                number_with_commas(activation_bytes(g->train, false)),
                number_with_commas(activation_bytes(g->train, true)),
                number_with_commas(slot_count * graph_struct_offset(g->source, NULL, true)));
    }
    fprintf(out, "Trainable params: %s (%s)\n", number_with_commas(trainable), size_text(trainable * 4));
    fprintf(out, "Non-trainable params: %s (%s)\n", number_with_commas(total - trainable), size_text((total - trainable) * 4));
    fprintf(out, "Total params: %s\n", number_with_commas(total));
}
