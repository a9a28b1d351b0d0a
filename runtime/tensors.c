/* Whether the tensors of a file are those of a network. Where they are not, the message says which are missing, too many
 * or of another shape, as far as there is room: whoever took the wrong file sees which network it is of. */
#include <stdarg.h>
#include <string.h>

#include "files.h"

enum { NAMED = 3 }; /* tensors of each kind that are named; the others are counted */

typedef struct {
    char text[480];
    int count;
} List;

static void list_add(List *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void list_add(List *list, const char *format, ...)
{
    if (list->count++ >= NAMED) return;
    size_t used = strlen(list->text);
    if (used) used += (size_t)snprintf(list->text + used, sizeof list->text - used, ", ");
    va_list arguments;
    va_start(arguments, format);
    if (used < sizeof list->text) vsnprintf(list->text + used, sizeof list->text - used, format, arguments);
    va_end(arguments);
}

/* "a, b, c and 2 more" with what is said of them, behind what was said before. */
static void say(char *text, size_t size, const List *list, const char *one, const char *several)
{
    size_t used = strlen(text);
    char more[32] = "";
    if (!list->count) return;
    if (list->count > NAMED) snprintf(more, sizeof more, " and %d more", list->count - NAMED);
    snprintf(text + used, size - used, "%s%s%s%s", used ? "; " : "", list->text, more, list->count > 1 ? several : one);
}

/* Such as conv1.weight and fc.bias, which PyTorch's modules give. */
static bool is_of_pytorch(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strncmp(dot, ".weight", 7) || !strncmp(dot, ".bias", 5));
}

static bool is_of_training(const char *name)
{
    return !strncmp(name, "optimizer/", 10) || !strncmp(name, "callback/", 9);
}

static bool same_shape(const Array *array, const CnncTensor *tensor)
{
    return array->rank == tensor->rank && !memcmp(array->shape, tensor->shape, (size_t)tensor->rank * sizeof *tensor->shape);
}

bool tensors_fit(const TensorFile *file, const char *path, const char *prefix, const CnncTensor *tensors, int count, bool checkpoint, Failure *failure)
{
    List missing = {0}, unlike = {0}, others = {0};
    char name[512], found[128], wanted[128], text[sizeof failure->text] = "";
    bool pytorch = false;
    for (int i = 0; i < count; i++) {
        const CnncTensor *tensor = &tensors[i];
        snprintf(name, sizeof name, "%s%s", prefix, tensor->name);
        const Array *array = safetensors_find(file, name);
        if (!array)
            list_add(&missing, "%.100s", name);
        else if (array->type != ARRAY_FLOAT32 || !same_shape(array, tensor))
            list_add(&unlike,
                     array->type == ARRAY_FLOAT32 ? "%.100s is %s instead of %s" : "%.100s is %s instead of float32 %s",
                     name,
                     array->type == ARRAY_FLOAT32 ? shape_text(array->rank, array->shape, found, sizeof found) : array_describe(array, found, sizeof found),
                     shape_text(tensor->rank, tensor->shape, wanted, sizeof wanted));
    }
    for (int k = 0; k < file->count && !*prefix; k++) {
        const char *other = file->items[k].name;
        bool known = checkpoint && is_of_training(other);
        for (int i = 0; i < count && !known; i++) known = !strcmp(other, tensors[i].name);
        if (known) continue;
        list_add(&others, "%.100s", other);
        pytorch = pytorch || is_of_pytorch(other);
    }
    if (!missing.count && !unlike.count && !others.count) return true;
    say(text, sizeof text, &unlike, "", "");
    say(text, sizeof text, &missing, " is missing", " are missing");
    say(text, sizeof text, &others, " is none of its tensors", " are none of its tensors");
    return fail_file(failure,
                     path,
                     "these are not the weights of this network: %s. %s",
                     text,
                     pytorch ? "The names are PyTorch's: tools/cnnc_convert.py makes them the network's" : "Give a file that was trained with this network");
}
