/* Inputs and outputs of a network: their names in emitted C, and what the trainer's table says of them. */
#include "emission/generate.h"

#include <strings.h>

const char *port_name(const Generation *g, Tensor *const *ports, int count, int number, const char *what)
{
    (void)g;
    if (count == 1) return what;
    for (int i = 0; i < count; i++) /* as macros, which are upper-case, they must differ too */
        if (i != number && !strcasecmp(ports[i]->identifier, ports[number]->identifier))
            return memory_format("%s_%d_%s", what, number + 1, ports[number]->identifier);
    return memory_format("%s_%s", what, ports[number]->identifier);
}

const char *input_name(const Generation *g, Program program, int number)
{
    const Graph *source = g->source;
    bool frame = program == PROGRAM_STEP && source->inputs[number]->steps == STEPS_AXIS;
    return port_name(g, source->inputs, source->input_count, number, frame ? "frame" : "input");
}

void add_shape(Text *text, const Shape *shape)
{
    text_add(text, "%d, {", shape->rank);
    for (int i = 0; i < shape->rank; i++) text_add(text, "%s%lld", i ? ", " : "", (long long)shape->size[i]);
    text_add(text, shape->rank ? "}" : "0}");
}

void add_port(Text *text, const Tensor *tensor)
{
    text_add(text, "    {");
    text_add_string(text, tensor->name);
    text_add(text, ", %s, ", tensor->type == TYPE_INT32 ? "CNNC_INT32" : "CNNC_FLOAT32");
    add_shape(text, &tensor->shape);
    text_add(text, ", %lld},\n", (long long)tensor->limit);
}
