/* Whether a layer that goes over places is given some: images (height, width, channels) or sequences (length, channels). */
#include "kernels.h"

#include <math.h>

/* What makes places of what there is. */
static const char *remedy(const Tensor *x, int axes)
{
    const Shape *shape = &x->shape;
    int64_t count = shape_count(shape), side = (int64_t)(sqrt((double)count) + 0.5);
    if (shape->rank == axes) { /* the channels are missing */
        Shape whole = *shape;
        whole.size[whole.rank++] = 1;
        return memory_format("; one channel has to be written too: %s%s", x->producer ? "reshape" : "input", shape_string(&whole));
    }
    if (shape->rank == 1 && axes == 2 && side * side == count) return memory_format("; reshape(%lld, %lld, 1) makes an image of them", (long long)side, (long long)side);
    if (shape->rank == 1) return axes == 2 ? "; reshape(height, width, channels) makes images of them" : memory_format("; reshape(%lld, 1) makes a sequence of them", (long long)count);
    if (shape->rank == 3 && axes == 1) return memory_format("; reshape(%lld, %lld) makes sequences of rows of them", (long long)shape->size[0], (long long)(shape->size[1] * shape->size[2]));
    return "";
}

bool places_given(const Node *node, const char *name, int axes)
{
    const Tensor *x = node->inputs[0];
    if (x->shape.rank == axes + 1) return true;
    diagnose(node->place, "%s needs %s, not %s%s", name, axes == 2 ? "images (height, width, channels)" : "sequences (length, channels)", shape_string(&x->shape), remedy(x, axes));
    note_producer(x);
    return false;
}
