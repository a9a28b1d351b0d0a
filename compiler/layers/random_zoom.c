/* random_zoom: in training, each image is seen from farther away, where its factor is positive, or from nearer; elsewhere y = x.
 * Without width_factor height and width keep their proportion. Source:
 * keras.io/api/layers/preprocessing_layers/image_augmentation/random_zoom. */
#include "random_transforms.h"

static const Parameter parameters[] = {
    {.name = "height_factor", .type = PARAMETER_NUMBER, .list = true, .minimum = -1, .above_minimum = true, .maximum = 1, .help = "how much more of the height is seen, 0.2 being a fifth: from -f to f, or, of a list of two, between them"},
    {.name = "width_factor", .type = PARAMETER_NUMBER, .list = true, .minimum = -1, .above_minimum = true, .maximum = 1, .fallback = "none", .help = "how much more of the width, likewise; none: as much as of the height"},
    RANDOM_TRANSFORM_PARAMETERS,
};

static void shape(Graph *graph, Node *node)
{
    double range[2];
    if (!noise_range(node, "height_factor", range)) return;
    if (has_argument(node->arguments, "width_factor") && !noise_range(node, "width_factor", range)) return;
    random_transform_shape(graph, node);
}

static void emit(Emit *e, const Node *node)
{
    double height[2], width[2];
    bool own = has_argument(node->arguments, "width_factor");
    noise_range(node, "height_factor", height);
    if (own) noise_range(node, "width_factor", width);
    fill(e, "HEIGHT", "%s", noise_uniform(height, "2 * (uint32_t)n"));
    fill(e, "WIDTH", "%s", own ? memory_format("1.0f + %s", noise_uniform(width, "2 * (uint32_t)n + 1")) : "hh");
    const Shape *shape_of_image = &node->inputs[0]->shape;
    fill(e, "MIDDLEH", "%s", float_text((double)(shape_of_image->size[0] - 1) / 2));
    fill(e, "MIDDLEW", "%s", float_text((double)(shape_of_image->size[1] - 1) / 2));
    transform_emit(e, node, (const char *const[]){"const float hh = 1.0f + $HEIGHT, hw = 0.0f, h0 = $MIDDLEH * (1.0f - hh);", "const float wh = 0.0f, ww = $WIDTH, w0 = $MIDDLEW * (1.0f - ww);", NULL});
}

RANDOM_TRANSFORM_LAYER(random_zoom, "Shows each image from a random distance, in training only.", "each image from a random distance")
