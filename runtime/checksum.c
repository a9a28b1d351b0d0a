/* The checksum of a safetensors file that cnnc writes: of every name, shape, type, number and note in it.
 *
 * The format has none of its own. It stands in __metadata__, beside a `format` that begins with "cnnc ": a file of another program
 * has neither, and is read as it is. A change of either of these two notes is found, or takes nothing but the notes themselves. */
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "random.h"

static const char KEY[] = "checksum", OURS[] = "cnnc ";

/* FNV-1a: each byte changes the state one to one, so that no change of a single byte goes unseen. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

/* The items' hashes are added up: the order in which a file lists them does not matter. */
static void checksum(const TensorFile *file, char text[32])
{
    const uint64_t basis = 0xcbf29ce484222325u;
    uint64_t sum = 0;
    for (int i = 0; i < file->count; i++) {
        const Array *array = &file->items[i].array;
        uint64_t hash = hash_bytes(basis, file->items[i].name, strlen(file->items[i].name) + 1);
        hash = hash_bytes(hash, array->shape, (size_t)array->rank * sizeof *array->shape);
        hash = hash_bytes(hash, array->data, (size_t)array_count(array) * array_item_size(array->type));
        sum += random_key(hash, (uint64_t)array->type);
    }
    for (int i = 0; i < file->metadata_count; i++) {
        const Metadata *item = &file->metadata[i];
        if (!strcmp(item->key, KEY)) continue;
        uint64_t hash = hash_bytes(basis, item->key, strlen(item->key) + 1);
        sum += random_key(hash_bytes(hash, item->value, strlen(item->value)), UINT32_MAX);
    }
    snprintf(text, 32, "%016" PRIx64, sum);
}

bool safetensors_seal(TensorFile *file, const char *format, Failure *failure)
{
    char text[32];
    if (!safetensors_note(file, "format", format, failure)) return false;
    checksum(file, text);
    return safetensors_note(file, KEY, text, failure);
}

bool checksum_verify(const TensorFile *file, const char *path, Failure *failure)
{
    char wanted[32];
    const char *format = safetensors_value(file, "format"), *found = safetensors_value(file, KEY);
    if (!format || strncmp(format, OURS, strlen(OURS))) return true;
    checksum(file, wanted);
    return (found && !strcmp(found, wanted)) || 
           fail_file(failure, path, "is damaged: its checksum does not fit its content (a program that changes the content must leave __metadata__ out)");
}
