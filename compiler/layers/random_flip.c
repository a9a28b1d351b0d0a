/* random_flip: in training, half of the images are exchanged left and right, and, by another draw, half of them top and bottom, as far as
 * mode allows; elsewhere y = x. Source: keras.io/api/layers/preprocessing_layers/image_augmentation/random_flip. */
#include "random_transforms.h"

#include <string.h>

static const char *const modes[] = {"horizontal", "vertical", "horizontal_and_vertical", NULL};

static const Parameter parameters[] = {
    {.name = "mode", .type = PARAMETER_WORD, .words = modes, .fallback = "horizontal_and_vertical", .help = "which way: horizontal exchanges left and right, vertical top and bottom"},
    SEED_PARAMETER,
    DATA_FORMAT_PARAMETER,
    {0},
};

static void shape(Graph *graph, Node *node)
{
    random_transform_shape(graph, node);
}

static void emit(Emit *e, const Node *node)
{
    const char *mode = argument_word(node->arguments, "mode");
    fill(e, "UPSIDE", "%s", mode[0] == 'v' || strchr(mode, '_') ? "(float)(random_bits(key, 2 * (uint32_t)n) >> 31)" : "0.0f");
    fill(e, "ASIDE", "%s", mode[0] == 'h' ? "(float)(random_bits(key, 2 * (uint32_t)n + 1) >> 31)" : "0.0f");
    fill_size(e, "LASTH", node->inputs[0]->shape.size[0] - 1);
    fill_size(e, "LASTW", node->inputs[0]->shape.size[1] - 1);
    random_transform_emit(e,
                          node,
                          (const char *const[]){"const float upside = $UPSIDE, hh = 1.0f - 2.0f * upside, hw = 0.0f, h0 = upside * $LASTH.0f;",
                                                "const float aside = $ASIDE, wh = 0.0f, ww = 1.0f - 2.0f * aside, w0 = aside * $LASTW.0f;",
                                                NULL},
                          "constant",
                          "nearest",
                          0);
}

RANDOM_TRANSFORM_LAYER(random_flip, "Exchanges left and right, or top and bottom, of half of the images, in training only.", "each image as it is or exchanged")
