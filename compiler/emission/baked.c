/* Trained weights as C, in model.c or in a file beside it: packed here, as the kernels read them, since the packing is the same for all levels.
 * Up to 64 KB as hexadecimal floats, which a person can read; beyond that as one string of octal escapes, which compilers
 * swallow ten times as fast (docs/numbers.md). */
#include "emission/generate.h"

#include <string.h>

enum { READABLE_BYTES = 64 * 1024 };

const char little_endian_only[] = "#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n"
                                  "#error \"the trained weights are little-endian\"\n#endif\n";

const float *packed_image(const Generation *g)
{
    float *image = memory_allocate((size_t)graph_struct_offset(g->source, NULL, true));
    int number = 0;
    for (int i = 0; i < g->source->tensor_count; i++) {
        const Tensor *tensor = g->source->tensors[i];
        if (tensor->role != ROLE_WEIGHT) continue;
        const float *from = g->baked[number++];
        float *to = image + graph_struct_offset(g->source, tensor, true) / 4;
        const Packing *p = &tensor->packing;
        if (!p->panel) {
            memcpy(to, from, sizeof *to * (size_t)shape_count(&tensor->shape));
            continue;
        }
        for (int64_t first = 0; first < p->columns; first += p->panel)
            for (int64_t row = 0; row < p->rows; row++)
                for (int64_t column = first; column < first + p->panel; column++) *to++ = column < p->columns ? from[row * p->columns + column] : 0;
    }
    for (int i = 0; g->derive && i < g->derive->node_count; i++) {
        const Node *node = g->derive->nodes[i];
        node->op->values(node, image + graph_struct_offset(g->source, node->inputs[0], true) / 4, image + graph_struct_offset(g->source, node->outputs[0], true) / 4);
    }
    return image;
}

void add_baked(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    const float *image = packed_image(g);
    int64_t bytes = graph_struct_offset(g->source, NULL, true);
    text_add(text,
             "/* ---- the trained weights ---- */\n\n"
             "#ifdef %s_TRAINED_SECTION /* the section where the linker shall find them: -D%s_TRAINED_SECTION='\".flash2\"' */\n"
             "#define PLACE __attribute__((section(%s_TRAINED_SECTION)))\n"
             "#else\n#define PLACE\n#endif\n\n",
             upper_case(name),
             upper_case(name),
             upper_case(name));
    if (bytes <= READABLE_BYTES) {
        text_add(text, "PLACE static const %s_weights trained = {\n", name);
        for (int i = 0; i < g->source->tensor_count; i++) {
            const Tensor *tensor = g->source->tensors[i];
            if (tensor->role != ROLE_WEIGHT && tensor->role != ROLE_DERIVED) continue;
            const float *from = image + graph_struct_offset(g->source, tensor, true) / 4;
            Declared d = tensor_declared(tensor);
            text_add(text, "    /* %s */\n    ", tensor->name);
            int64_t count = packing_floats(tensor);
            for (int j = 0; j < d.rank; j++) text_add(text, "{");
            for (int64_t k = 0; k < count; k++) {
                int64_t inner = 1;
                int closed = 0;
                for (int j = d.rank - 1; j > 0; j--) {
                    inner *= d.sizes[j];
                    if (k && k % inner == 0) closed = d.rank - j;
                }
                for (int j = 0; j < closed; j++) text_add(text, "}");
                if (k) text_add(text, closed ? ",\n    " : ", ");
                for (int j = 0; j < closed; j++) text_add(text, "{");
                text_add(text, "%af", (double)from[k]);
            }
            for (int j = 0; j < d.rank; j++) text_add(text, "}");
            text_add(text, ",\n");
        }
        text_add(text, "};\n\nextern const %s_weights *const %s_trained;\nconst %s_weights *const %s_trained = &trained;\n", name, name, name, name);
        return;
    }
    text_add(text,
             "%sPLACE static const union {\n    char bytes[%lld + 1];\n    %s_weights weights;\n} trained = {\n",
             little_endian_only,
             (long long)bytes,
             name);
    const unsigned char *byte = (const unsigned char *)image;
    for (int64_t i = 0; i < bytes; i += 32) {
        char line[4 * 32 + 8], *to = line;
        *to++ = '"';
        for (int64_t j = i; j < i + 32 && j < bytes; j++) {
            if (byte[j] < 8 && (j + 1 == i + 32 || j + 1 == bytes || byte[j + 1] < '0' || byte[j + 1] > '7')) {
                *to++ = '\\';
                *to++ = (char)('0' + byte[j]);
            } else {
                *to++ = '\\';
                *to++ = (char)('0' + (byte[j] >> 6));
                *to++ = (char)('0' + (byte[j] >> 3 & 7));
                *to++ = (char)('0' + (byte[j] & 7));
            }
        }
        *to++ = '"';
        *to++ = '\n';
        text_add_bytes(text, line, (size_t)(to - line));
    }
    text_add(text, "};\n\nextern const %s_weights *const %s_trained;\nconst %s_weights *const %s_trained = &trained.weights;\n", name, name, name, name);
}

char *generate_weights(const Generation *g, const char *header_name)
{
    Text text = {0};
    text_add(&text, "/* %s, by cnnc " CNNC_VERSION ": %s */\n#include \"%s\"\n\n", g->source->name, g->command, header_name);
    add_extensions(&text);
    add_baked(&text, g);
    return text.data;
}
