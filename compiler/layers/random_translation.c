/* random_translation: in training, each image moves by its own share of its height down and of its width to the right; elsewhere
 * y = x. Source: keras.io/api/layers/preprocessing_layers/image_augmentation/random_translation. */
#include "random_transforms.h"

static const Parameter parameters[] = {
    {.name = "height_factor", .type = PARAMETER_NUMBER, .list = true, .minimum = -1, .maximum = 1, .help = "how far down, in parts of the height: from -f to f, or, of a list of two, between them"},
    {.name = "width_factor", .type = PARAMETER_NUMBER, .list = true, .minimum = -1, .maximum = 1, .help = "how far to the right, in parts of the width, likewise"},
    RANDOM_TRANSFORM_PARAMETERS,
};

static void shape(Graph *graph, Node *node)
{
    double range[2];
    if (noise_range(node, "height_factor", range) && noise_range(node, "width_factor", range)) random_transform_shape(graph, node);
}

static void emit(Emit *e, const Node *node)
{
    double down[2], right[2];
    noise_range(node, "height_factor", down);
    noise_range(node, "width_factor", right);
    fill(e, "DOWN", "%s", noise_uniform(down, "2 * (uint32_t)n"));
    fill(e, "RIGHT", "%s", noise_uniform(right, "2 * (uint32_t)n + 1"));
    transform_emit(e, node, (const char *const[]){"const float hh = 1.0f, hw = 0.0f, h0 = -$DOWN * $H.0f;", "const float wh = 0.0f, ww = 1.0f, w0 = -$RIGHT * $W.0f;", NULL});
}

RANDOM_TRANSFORM_LAYER(random_translation, "Moves each image by a random distance, in training only.", "each image moved by a random distance")
