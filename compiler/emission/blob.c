/* --weights-as=blob: trained weights as a file beside model.c, and the function in model.c that finds them in it. Code and weights can then
 * be replaced one without the other: the blob names its network and packing by a hash (runtime/blob.h). */
#include "blob.h"
#include "emission/generate.h"


/* What code and weights must agree on: the layers, and the name, place and packing of each tensor in the struct. */
static uint64_t model_hash(const Graph *source)
{
    char *data = NULL;
    size_t size = 0;
    FILE *stream = stream_begin(&data, &size);
    dump_layers(stream, source);
    for (int i = 0; i < source->tensor_count; i++) {
        const Tensor *tensor = source->tensors[i];
        if (tensor->role != ROLE_WEIGHT && tensor->role != ROLE_DERIVED) continue;
        fprintf(stream, "%s %s %lld %lld", tensor->name, shape_string(&tensor->shape), (long long)graph_struct_offset(source, tensor, true), (long long)tensor->packing.panel);
        fprintf(stream, " %s\n", tensor->derive ? tensor->derive->name : "");
    }
    return hash_text(stream_end(stream, &data));
}

static uint64_t weights_bytes(const Generation *g)
{
    return (uint64_t)graph_struct_offset(g->source, NULL, true);
}

char *generate_blob(const Generation *g, size_t *length)
{
    const float *image = packed_image(g);
    BlobHeader header = {.magic = {'C', 'N', 'N', 'C', 'B', 'L', 'O', 'B'},
                         .version = 1,
                         .header = sizeof header,
                         .model = model_hash(g->source),
                         .bytes = weights_bytes(g),
                         .checksum = blob_checksum(image, weights_bytes(g))};
    Text text = {0};
    text_add_bytes(&text, (const char *)&header, sizeof header);
    text_add_bytes(&text, (const char *)image, (size_t)header.bytes);
    *length = text.length;
    return text.data;
}

void add_blob_header(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    text_add(text,
             "/* The trained weights are a file of their own, a blob: the program maps it, reads it into memory or has it in flash, at a multiple of\n"
             " * %s_ALIGNMENT. This checks it and returns the weights in it; nothing is copied, so the blob must stay. NULL: it is not\n"
             " * this network's, or not whole; then *reason, where reason is not NULL, says in words what is wrong. */\n"
             "#define %s_BLOB_BYTES %lld\n"
             "const %s_weights *%s_weights_from_blob(const void *blob, size_t size, const char **reason);\n\n",
             upper_case(name),
             upper_case(name),
             (long long)(sizeof(BlobHeader) + weights_bytes(g)),
             name,
             name);
}

void add_blob_function(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    text_add(text, "\n/* ---- the trained weights, in a blob ---- */\n\n%s%s", little_endian_only, used_paragraphs(blob_text, "blob_error", 0, NULL));
    text_add(text, "const %s_weights *%s_weights_from_blob(const void *blob, size_t size, const char **reason)\n", name, name);
    text_indent(text,
                memory_format("{\n"
                              "const char *const error = blob_error(blob, size, UINT64_C(0x%016llx), %llu);\n"
                              "if (reason) *reason = error;\n"
                              "return error ? NULL : (const %s_weights *)(const void *)((const char *)blob + sizeof(BlobHeader));\n"
                              "}\n",
                              (unsigned long long)model_hash(g->source),
                              (unsigned long long)weights_bytes(g),
                              name));
}
