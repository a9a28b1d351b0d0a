/* random_rotation: in training, each image is turned about its centre by its own angle, counter-clockwise where that is positive;
 * elsewhere y = x. Source: keras.io/api/layers/preprocessing_layers/image_augmentation/random_rotation. */
#include "random_transforms.h"

static const Parameter parameters[] = {
    {.name = "factor", .type = PARAMETER_NUMBER, .list = true, .minimum = -1, .maximum = 1, .help = "by how much, in whole turns: from -f to f, or, of a list of two, between them"},
    RANDOM_TRANSFORM_PARAMETERS,
};

static void shape(Graph *graph, Node *node)
{
    double range[2];
    if (noise_range(node, "factor", range)) random_transform_shape(graph, node);
}

static void emit(Emit *e, const Node *node)
{
    double turn[2];
    noise_range(node, "factor", turn);
    fill(e, "TURN", "%s", noise_uniform(turn, "(uint32_t)n"));
    const Shape *shape_of_image = &node->inputs[0]->shape;
    fill(e, "MIDDLEH", "%s", float_text((double)(shape_of_image->size[0] - 1) / 2));
    fill(e, "MIDDLEW", "%s", float_text((double)(shape_of_image->size[1] - 1) / 2));
    transform_emit(e,
                   node,
                   (const char *const[]){"const float angle = $TURN * 6.28318531f;",
                                         "const float hh = cosf(angle), hw = sinf(angle), h0 = $MIDDLEH - hh * $MIDDLEH - hw * $MIDDLEW;",
                                         "const float wh = -hw, ww = hh, w0 = $MIDDLEW - wh * $MIDDLEH - ww * $MIDDLEW;",
                                         NULL});
}

RANDOM_TRANSFORM_LAYER(random_rotation, "Turns each image by a random angle, in training only.", "each image turned by a random angle")
