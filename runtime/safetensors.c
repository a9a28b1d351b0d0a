/* safetensors, named arrays and metadata in one file.
 *
 *     length of the header   64 bits, little-endian
 *     header                 JSON: {"__metadata__": {"key": "value"},
 *                                   "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 *     data                   each array at its offsets, counted from here; together they cover the rest of the file
 *                            without a hole, without an overlap
 *
 * cJSON reads and writes the JSON. What it lets pass, or what would cost too much memory in its tree, is found by
 * check_text before it sees the text. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

enum {
    HEADER_LIMIT = 100000000, /* bytes, the format's own limit */
    VALUE_LIMIT = 2000000,    /* JSON values in a header: 80 bytes each in the tree, some ten for an array */
};
static const double OFFSET_LIMIT = 0x1p53; /* whole numbers below are exact in a double, which is what cJSON gives */

static const struct {
    const char *name;
    Stored type;
} dtypes[] = {
    {"F32", STORED_FLOAT32},
    {"F64", STORED_FLOAT64},
    {"F16", STORED_FLOAT16},
    {"BF16", STORED_BFLOAT16},
    {"I32", STORED_INT32},
    {"I64", STORED_INT64},
    {"U8", STORED_UINT8},
    {"I8", STORED_INT8},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* An array as the header describes it. */
typedef struct {
    const char *name; /* the JSON tree's */
    Stored type;
    int rank;
    int64_t shape[CNNC_MAX_RANK];
    uint64_t begin, end; /* bytes in the data */
} Entry;

/* ---- a TensorFile in memory ----------------------------------------------------------------------------- */

void safetensors_free(TensorFile *file)
{
    for (int i = 0; i < file->count; i++) {
        free(file->items[i].name);
        if (!file->items[i].lent) array_free(&file->items[i].array);
    }
    for (int i = 0; i < file->metadata_count; i++) {
        free(file->metadata[i].key);
        free(file->metadata[i].value);
    }
    free(file->items);
    free(file->metadata);
    *file = (TensorFile){0};
}

/* Room for one more item behind `count`: the list doubles whenever it is a power of two long. */
static bool grow(void **list, int count, size_t item_size, Failure *failure)
{
    if ((count & (count - 1)) != 0) return true;
    size_t size = (count ? 2 * (size_t)count : 1) * item_size;
    void *grown = realloc(*list, size);
    if (grown == NULL) return fail_memory(failure, size, "a list of tensors");
    *list = grown;
    return true;
}

static char *copy_text(const char *text, Failure *failure)
{
    char *copy = strdup(text);
    if (copy == NULL) fail_memory(failure, strlen(text) + 1, "a text");
    return copy;
}

/* Appends an item with a name and no array yet. */
static NamedArray *append_item(TensorFile *file, const char *name, Failure *failure)
{
    void *list = file->items;
    if (!grow(&list, file->count, sizeof *file->items, failure)) return NULL;
    file->items = list;
    char *copy = copy_text(name, failure);
    if (copy == NULL) return NULL;
    NamedArray *item = &file->items[file->count++];
    *item = (NamedArray){.name = copy};
    return item;
}

static bool append_metadata(TensorFile *file, const char *key, const char *value, Failure *failure)
{
    void *list = file->metadata;
    if (!grow(&list, file->metadata_count, sizeof *file->metadata, failure)) return false;
    file->metadata = list;
    Metadata pair = {copy_text(key, failure), copy_text(value, failure)};
    if (pair.key == NULL || pair.value == NULL) {
        free(pair.key);
        free(pair.value);
        return false;
    }
    file->metadata[file->metadata_count++] = pair;
    return true;
}

bool safetensors_lend(TensorFile *file, const char *name, const Array *array, Failure *failure)
{
    if (strcmp(name, "__metadata__") == 0 || safetensors_find(file, name))
        return fail(failure, "a safetensors file cannot take a tensor named %.100s (a second time)", name);
    NamedArray *item = append_item(file, name, failure);
    if (item == NULL) return false;
    item->array = *array;
    item->lent = true;
    return true;
}

bool safetensors_add(TensorFile *file, const char *name, const Array *array, Failure *failure)
{
    Array copy;
    if (!array_allocate(&copy, array->type, array->rank, array->shape, failure)) return false;
    memcpy(copy.data, array->data, (size_t)array_count(array) * array_item_size(array->type));
    if (!safetensors_lend(file, name, &copy, failure)) {
        array_free(&copy);
        return false;
    }
    file->items[file->count - 1].lent = false;
    return true;
}

/* A key that is there already gets the new value. */
bool safetensors_note(TensorFile *file, const char *key, const char *value, Failure *failure)
{
    for (int i = 0; i < file->metadata_count; i++) {
        if (strcmp(file->metadata[i].key, key) != 0) continue;
        char *copy = copy_text(value, failure);
        if (copy == NULL) return false;
        free(file->metadata[i].value);
        file->metadata[i].value = copy;
        return true;
    }
    return append_metadata(file, key, value, failure);
}

const Array *safetensors_find(const TensorFile *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (strcmp(file->items[i].name, name) == 0) return &file->items[i].array;
    return NULL;
}

const char *safetensors_value(const TensorFile *file, const char *key)
{
    for (int i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i].key, key) == 0) return file->metadata[i].value;
    return NULL;
}

/* ---- the header's text ---------------------------------------------------------------------------------- */

/* What cJSON does not refuse: text that is not UTF-8, control characters (also as \u0000, which would cut a name
 * short), and more values than memory should hold. Offsets are of the file. */
static bool check_text(const char *path, const char *text, size_t size, Failure *failure)
{
    const uint8_t *bytes = (const uint8_t *)text;
    bool in_string = false;
    size_t values = 1;
    for (size_t i = 0; i < size;) {
        size_t length = utf8_length(bytes + i, size - i);
        bool space = !in_string && (bytes[i] == '\t' || bytes[i] == '\n' || bytes[i] == '\r');
        if (length == 0 || (bytes[i] < 0x20 && !space))
            return fail_file(
                failure, path, "byte %zu of the header: %02x is a control character or not UTF-8", 8 + i, bytes[i]);
        if (in_string && bytes[i] == '\\') {
            if (size - i >= 6 && memcmp(bytes + i, "\\u0000", 6) == 0)
                return fail_file(failure, path, "byte %zu of the header: a name or a value contains the character 0", 8 + i);
            if (i + 1 < size && (bytes[i + 1] == '"' || bytes[i + 1] == '\\')) length = 2;
        } else if (bytes[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && (bytes[i] == '{' || bytes[i] == '[' || bytes[i] == ',')) {
            values++;
        }
        i += length;
    }
    if (values > VALUE_LIMIT)
        return fail_file(failure, path, "the header holds %zu JSON values; at most %d are supported", values, VALUE_LIMIT);
    return true;
}

static cJSON *parse_text(const char *path, const char *text, size_t size, Failure *failure)
{
    if (!check_text(path, text, size, failure)) return NULL;
    const char *end = text;
    errno = 0;
    cJSON *root = cJSON_ParseWithLengthOpts(text, size + 1, &end, false);
    size_t at = (size_t)(end - text) < size ? (size_t)(end - text) : size;
    if (root != NULL) at += strspn(text + at, " \t\r\n");
    if (root != NULL && cJSON_IsObject(root) && text[0] == '{' && at == size) return root;
    if (root != NULL && at == size)
        fail_file(failure, path, "byte 8: the header is not a JSON object: it must begin with {");
    else if (root == NULL && errno == ENOMEM)
        fail_file(failure, path, "out of memory for the tree of a JSON header of %zu bytes", size);
    else
        fail_file(failure,
                  path,
                  "byte %zu of the header: not sound JSON at \"%.16s\"; the file is damaged or not a safetensors file",
                  8 + at,
                  text + at);
    cJSON_Delete(root);
    return NULL;
}

/* What the file is instead, by its first bytes. */
static const char *other_format(const uint8_t bytes[8])
{
    static const struct {
        const char *begin, *name;
    } formats[] = {
        {"\x93NUMPY", "a NumPy array, .npy"},
        {"\x89HDF", "HDF5, as Keras's .h5: docs/converting.md tells how it becomes one"},
        {"PK\x03\x04", "a zip archive, as .keras, .npz and PyTorch's .pt are: docs/converting.md tells how they become one"},
        {"\x89PNG", "a PNG picture"},
        {"\x1f\x8b", "compressed by gzip: unpack it"},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (memcmp(bytes, formats[i].begin, strlen(formats[i].begin)) == 0) return formats[i].name;
    return NULL;
}

/* The header as a JSON tree; *data is where it ends in the file. */
static cJSON *read_header(Reader *reader, uint64_t *data, Failure *failure)
{
    uint8_t bytes[8] = {0};
    size_t got;
    if (!read_bytes(reader, bytes, sizeof bytes, &got, failure)) return NULL;
    uint64_t size;
    stored_decode(STORED_INT64, false, bytes, 1, &size);
    if (got < sizeof bytes || size > HEADER_LIMIT || size > reader->size - sizeof bytes || size < 2) {
        if (got < sizeof bytes)
            fail_file(failure, reader->path, "truncated: %zu bytes; a safetensors file has at least 10", got);
        else if (other_format(bytes))
            fail_file(failure, reader->path, "is not a safetensors file but %s", other_format(bytes));
        else
            fail_file(failure,
                      reader->path,
                      "is truncated or not a safetensors file: byte 0 announces a header of %llu bytes; expected 2 to %d, in a "
                      "file of %llu",
                      (unsigned long long)size,
                      HEADER_LIMIT,
                      (unsigned long long)reader->size);
        return NULL;
    }
    char *text = malloc(size + 1);
    if (text == NULL) {
        fail_memory(failure, size + 1, "a safetensors header");
        return NULL;
    }
    cJSON *root = NULL;
    if (read_bytes(reader, text, size, &got, failure)) {
        text[got] = '\0';
        root = parse_text(reader->path, text, got, failure);
    }
    free(text);
    *data = sizeof bytes + size;
    return root;
}

/* ---- what the header describes -------------------------------------------------------------------------- */

static bool whole_number(const cJSON *json, uint64_t *number)
{
    if (!cJSON_IsNumber(json) || !(json->valuedouble >= 0 && json->valuedouble < OFFSET_LIMIT)) return false;
    *number = (uint64_t)json->valuedouble;
    return (double)*number == json->valuedouble;
}

static bool describe_dtype(const char *path, const cJSON *json, Entry *entry, Failure *failure)
{
    const char *name = cJSON_GetStringValue(json);
    for (int i = 0; name != NULL && i < DTYPES; i++) {
        if (strcmp(name, dtypes[i].name) != 0) continue;
        entry->type = dtypes[i].type;
        return true;
    }
    return fail_file(failure,
                     path,
                     "tensor %.100s: dtype %.20s is not supported; expected F32, F64, F16, BF16, I32, I64, U8 or I8",
                     entry->name,
                     name ? name : "(not a string)");
}

static bool describe_shape(const char *path, const cJSON *json, Entry *entry, Failure *failure)
{
    if (!cJSON_IsArray(json)) return fail_file(failure, path, "tensor %.100s: its shape is not a list", entry->name);
    const cJSON *size;
    cJSON_ArrayForEach(size, json)
    {
        uint64_t number;
        if (entry->rank == CNNC_MAX_RANK)
            return fail_file(failure, path, "tensor %.100s has more than %d dimensions", entry->name, CNNC_MAX_RANK);
        if (!whole_number(size, &number))
            return fail_file(
                failure, path, "tensor %.100s: dimension %d is not a whole number below 2^53", entry->name, entry->rank);
        entry->shape[entry->rank++] = (int64_t)number;
    }
    return true;
}

/* One member of the header: its fields, and whether the offsets fit the shape. */
static bool describe_entry(const char *path, const cJSON *json, Entry *entry, Failure *failure)
{
    *entry = (Entry){.name = json->string};
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(json, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(json, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(json, "data_offsets");
    if (!cJSON_IsObject(json) || !dtype || !shape || !offsets || cJSON_GetArraySize(json) != 3)
        return fail_file(
            failure, path, "tensor %.100s: expected the fields dtype, shape and data_offsets, each once", entry->name);
    if (!describe_dtype(path, dtype, entry, failure) || !describe_shape(path, shape, entry, failure)) return false;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !whole_number(cJSON_GetArrayItem(offsets, 0), &entry->begin) ||
        !whole_number(cJSON_GetArrayItem(offsets, 1), &entry->end) || entry->end < entry->begin)
        return fail_file(failure, path, "tensor %.100s: its data_offsets are not two whole numbers in order", entry->name);
    size_t bytes;
    if (!shape_bytes(entry->rank, entry->shape, stored_size(entry->type), &bytes) || bytes != entry->end - entry->begin) {
        char text[256];
        return fail_file(failure,
                         path,
                         "tensor %.100s: its data_offsets span %llu bytes, which is not the size of %s %s",
                         entry->name,
                         (unsigned long long)(entry->end - entry->begin),
                         cJSON_GetStringValue(dtype),
                         shape_text(entry->rank, entry->shape, text, sizeof text));
    }
    return true;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int compare_offsets(const void *left, const void *right)
{
    const Entry *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

/* No member of a JSON object may have another's name. */
static bool check_names(const char *path, const cJSON *object, Failure *failure)
{
    size_t count = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, object) count++;
    const char **names = malloc((count + 1) * sizeof *names);
    if (names == NULL) return fail_memory(failure, count * sizeof *names, "the names of tensors");
    count = 0;
    cJSON_ArrayForEach(member, object) names[count++] = member->string;
    qsort(names, count, sizeof *names, compare_names);
    size_t i = 1;
    while (i < count && strcmp(names[i - 1], names[i]) != 0) i++;
    bool good = i >= count || fail_file(failure, path, "the name %.100s stands twice in the header", names[i]);
    free(names);
    return good;
}

/* Sorts the entries by their place, and checks that they cover `size` bytes of data. */
static bool check_offsets(const char *path, Entry *entries, size_t count, uint64_t size, Failure *failure)
{
    uint64_t end = 0;
    qsort(entries, count, sizeof *entries, compare_offsets);
    for (size_t i = 0; i < count; i++) {
        const Entry *entry = &entries[i];
        if (entry->end > size)
            return fail_file(
                failure,
                path,
                "truncated: tensor %.100s ends at byte %llu of the data, which has %llu; write or fetch the file again",
                entry->name,
                (unsigned long long)entry->end,
                (unsigned long long)size);
        if (entry->begin != end)
            return fail_file(failure,
                             path,
                             "tensor %.100s begins at byte %llu of the data, the one before it ends at %llu: %s",
                             entry->name,
                             (unsigned long long)entry->begin,
                             (unsigned long long)end,
                             entry->begin < end ? "they overlap" : "there is a hole");
        end = entry->end;
    }
    if (end != size)
        return fail_file(failure,
                         path,
                         "bytes left over: the tensors end at byte %llu of the data, which has %llu",
                         (unsigned long long)end,
                         (unsigned long long)size);
    return true;
}

static bool read_metadata(const char *path, const cJSON *json, TensorFile *file, Failure *failure)
{
    if (!cJSON_IsObject(json)) return fail_file(failure, path, "__metadata__ is not a JSON object");
    if (!check_names(path, json, failure)) return false;
    const cJSON *pair;
    cJSON_ArrayForEach(pair, json)
    {
        if (!cJSON_IsString(pair))
            return fail_file(failure, path, "the value of %.100s in __metadata__ is not a string", pair->string);
        if (!append_metadata(file, pair->string, pair->valuestring, failure)) return false;
    }
    return true;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

/* Reads the arrays in the order of the header. `entries` has room for all of them. */
static bool read_entries(Reader *reader, const cJSON *root, uint64_t data, Entry *entries, TensorFile *file, Failure *failure)
{
    const char *path = reader->path;
    size_t count = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, root)
    {
        bool metadata = strcmp(member->string, "__metadata__") == 0;
        if (metadata && !read_metadata(path, member, file, failure)) return false;
        if (!metadata && !describe_entry(path, member, &entries[count++], failure)) return false;
    }
    if (!check_offsets(path, entries, count, reader->size - data, failure)) return false;
    cJSON_ArrayForEach(member, root)
    {
        if (strcmp(member->string, "__metadata__") == 0) continue;
        Entry entry;
        NamedArray *item = append_item(file, member->string, failure);
        if (item == NULL || !describe_entry(path, member, &entry, failure) || !read_seek(reader, data + entry.begin, failure) ||
            !read_array(reader, entry.type, false, entry.rank, entry.shape, &item->array, failure))
            return false;
    }
    return true;
}

static bool read_content(Reader *reader, TensorFile *file, Failure *failure)
{
    uint64_t data;
    cJSON *root = read_header(reader, &data, failure);
    if (root == NULL) return false;
    bool good = check_names(reader->path, root, failure);
    if (good) {
        size_t size = ((size_t)cJSON_GetArraySize(root) + 1) * sizeof(Entry);
        Entry *entries = malloc(size);
        good = entries ? read_entries(reader, root, data, entries, file, failure)
                       : fail_memory(failure, size, "a safetensors header");
        free(entries);
    }
    cJSON_Delete(root);
    return good;
}

bool safetensors_read(const char *path, TensorFile *file, Failure *failure)
{
    *file = (TensorFile){0};
    Reader reader;
    if (!read_begin(&reader, path, false, failure)) return false;
    bool good = read_content(&reader, file, failure) && checksum_verify(file, path, failure);
    if (!good) safetensors_free(file);
    read_close(&reader);
    return good;
}

/* ---- writing -------------------------------------------------------------------------------------------- */

static const char *dtype_name(ArrayType type)
{
    for (int i = 0; i < DTYPES; i++)
        if (stored_type(dtypes[i].type) == type && stored_size(dtypes[i].type) == array_item_size(type)) return dtypes[i].name;
    return NULL; /* every array type has its row */
}

/* Adds {"dtype": ..., "shape": ..., "data_offsets": ...}; *offset moves on. False: no memory. */
static bool add_entry(cJSON *root, const NamedArray *item, uint64_t *offset)
{
    const Array *array = &item->array;
    cJSON *entry = cJSON_AddObjectToObject(root, item->name);
    if (!entry || !cJSON_AddStringToObject(entry, "dtype", dtype_name(array->type))) return false;
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (int i = 0; shape && i < array->rank; i++)
        if (!cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)array->shape[i]))) return false;
    cJSON *offsets = shape ? cJSON_AddArrayToObject(entry, "data_offsets") : NULL;
    if (!offsets || !cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)*offset))) return false;
    *offset += (uint64_t)array_count(array) * array_item_size(array->type);
    return cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)*offset));
}

/* The header's JSON, to be freed with cJSON_free; NULL: no memory. */
static char *format_header(const TensorFile *file)
{
    cJSON *root = cJSON_CreateObject();
    bool good = root != NULL;
    if (file->metadata_count > 0) {
        cJSON *metadata = cJSON_AddObjectToObject(root, "__metadata__");
        good = metadata != NULL;
        for (int i = 0; good && i < file->metadata_count; i++)
            good = cJSON_AddStringToObject(metadata, file->metadata[i].key, file->metadata[i].value) != NULL;
    }
    uint64_t offset = 0;
    for (int i = 0; good && i < file->count; i++) good = add_entry(root, &file->items[i], &offset);
    char *text = good ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    return text;
}

static bool write_content(Writer *writer, const TensorFile *file, const char *header, Failure *failure)
{
    static const char spaces[8] = "        ";
    size_t length = strlen(header), padding = (8 - length % 8) % 8;
    uint64_t size = length + padding;
    if (!write_bytes(writer, &size, sizeof size, failure) || !write_bytes(writer, header, length, failure) ||
        !write_bytes(writer, spaces, padding, failure))
        return false;
    for (int i = 0; i < file->count; i++) {
        const Array *array = &file->items[i].array;
        if (!write_bytes(writer, array->data, (size_t)array_count(array) * array_item_size(array->type), failure)) return false;
    }
    return true;
}

/* What would be refused in reading is refused in writing too. */
bool safetensors_write(const char *path, const TensorFile *file, Failure *failure)
{
    char *header = format_header(file);
    if (header == NULL) return fail_file(failure, path, "out of memory for the header of %d tensors", file->count);
    size_t length = strlen(header);
    bool good = length <= HEADER_LIMIT - 8 ? check_text(path, header, length, failure)
                                           : fail_file(failure, path, "its header would have more than %d bytes", HEADER_LIMIT);
    Writer writer;
    if (good && (good = write_begin(&writer, path, failure))) {
        good = write_content(&writer, file, header, failure) && write_end(&writer, failure);
        if (!good) write_abandon(&writer);
    }
    cJSON_free(header);
    return good;
}
