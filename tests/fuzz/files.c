/* The readers of files: safetensors, npy, IDX, PNG, and what the trainer makes of arrays that are its samples, labels or weights. */
#include "fuzz.h"
#include "../unit/toy.h"
#include "trainer.h"

#include <math.h>
#include <string.h>

enum { MOST_SIDE = 64, MOST_KEPT = 1 << 16 };

/* Every byte of the data is there to be read. */
static void touch(const Array *array)
{
    volatile uint8_t sum = 0;
    const uint8_t *bytes = array->data;
    size_t size = (size_t)array_count(array) * array_item_size(array->type);
    for (size_t i = 0; i < size; i += size > MOST_KEPT ? 997 : 1) sum = (uint8_t)(sum + bytes[i]);
    if (size) sum = (uint8_t)(sum + bytes[size - 1]);
}

static bool run_safetensors(const uint8_t *bytes, size_t size)
{
    Failure failure = {""};
    TensorFile file;
    if (!safetensors_read(fuzz_file(0, bytes, size), &file, &failure)) {
        fuzz_refused(&failure);
        return false;
    }
    for (int i = 0; i < file.count; i++) {
        touch(&file.items[i].array);
        EXPECT(safetensors_find(&file, file.items[i].name) == &file.items[i].array);
    }
    for (int i = 0; i < file.metadata_count; i++) EXPECT(safetensors_value(&file, file.metadata[i].key) == file.metadata[i].value);
    safetensors_free(&file);
    return true;
}

static bool run_array(bool (*read)(const char *, Array *, Failure *), const uint8_t *bytes, size_t size)
{
    Failure failure = {""};
    Array array;
    if (!read(fuzz_file(0, bytes, size), &array, &failure)) {
        fuzz_refused(&failure);
        EXPECT(!array.data);
        return false;
    }
    EXPECT(array.rank >= 0 && array.rank <= CNNC_MAX_RANK && array_count(&array) >= 0);
    touch(&array);
    if (!array_to_float32(&array, &failure)) fuzz_refused(&failure);
    array_free(&array);
    return true;
}

static bool run_npy(const uint8_t *bytes, size_t size)
{
    return run_array(npy_read, bytes, size);
}

static bool run_idx(const uint8_t *bytes, size_t size)
{
    return run_array(idx_read, bytes, size);
}

/* The network takes pictures of the size that the file says, where that is small. */
static bool run_png(const uint8_t *bytes, size_t size)
{
    Failure failure = {""};
    Array array;
    int64_t height = size > 23 && bytes[23] < MOST_SIDE ? bytes[23] : 28, width = size > 19 && bytes[19] < MOST_SIDE ? bytes[19] : 28;
    int64_t channels = fuzz_hash(bytes, size) % 2 ? 1 : 3;
    const char *path = fuzz_file(0, bytes, size);
    if (!png_read(path, height, width, channels, &array, &failure)) {
        fuzz_refused(&failure);
        return false;
    }
    EXPECT(is_png(path));
    EXPECT(array.type == ARRAY_FLOAT32 && array_count(&array) == height * width * channels);
    for (int64_t i = 0; i < array_count(&array); i++) EXPECT(((const float *)array.data)[i] >= 0 && ((const float *)array.data)[i] <= 255);
    array_free(&array);
    return true;
}

/* ---- samples, labels, weights ---------------------------------------------------------------------------------- */

/* A sound file of samples for the network, three of them. */
static const char *sound_samples(const CnncModel *model)
{
    static uint8_t idx[4 + 4 * (CNNC_MAX_RANK + 1) + 3 * 28 * 28];
    const CnncPort *port = &model->inputs[0];
    size_t at = 4, count = 3;
    memcpy(idx, (const uint8_t[]){0, 0, 8, (uint8_t)(port->rank + 1)}, 4);
    memcpy(idx + at, (const uint8_t[]){0, 0, 0, 3}, 4);
    at += 4;
    for (int i = 0; i < port->rank; i++, at += 4) {
        memcpy(idx + at, (const uint8_t[]){0, 0, 0, (uint8_t)port->shape[i]}, 4);
        count *= (size_t)port->shape[i];
    }
    return fuzz_file(1, idx, at + count);
}

/* The first byte says what the others are, and for which network. */
static bool run_data(const uint8_t *bytes, size_t size)
{
    if (!size) return false;
    const CnncModel *model = *bytes & 1 ? &toy_digits : &toy_flowers;
    enum { SAMPLES, LABELS, WEIGHTS } what = *bytes >> 1 & 3 ? (*bytes >> 1 & 3) - 1 : SAMPLES;
    const char *sound = sound_samples(model), *path = fuzz_file(0, bytes + 1, size - 1);
    NamedFile x = {.path = what == SAMPLES ? path : sound}, y = {.path = path};
    DataRequest request = {
        .x = &(NamedFiles){&x, 1},
        .y = what == LABELS ? &(NamedFiles){&y, 1} : NULL,
        .sample_weight = what == WEIGHTS ? path : NULL,
        .x_flag = "--x",
        .y_flag = "--y",
    };
    Failure failure = {""};
    Dataset data;
    bool good = dataset_read(&data, model, &request, &failure);
    if (!good) fuzz_refused(&failure);
    Batch batch = {0};
    if (good && batch_new(&batch, model, model->batch_size, &failure)) {
        int64_t n = data.count < model->batch_size ? data.count : model->batch_size;
        batch_gather(&batch, model, &(Samples){.data = &data, .count = data.count}, NULL, data.count - n, n);
    }
    batch_free(&batch, model);
    dataset_free(&data, model);
    return good;
}

const Harness safetensors_harness = {.name = "safetensors", .run = run_safetensors, .most = 1024};
const Harness npy_harness = {.name = "npy", .run = run_npy, .most = 512};
const Harness idx_harness = {.name = "idx", .run = run_idx, .most = 256};
const Harness png_harness = {.name = "png", .run = run_png, .most = 512};
const Harness data_harness = {.name = "data", .run = run_data, .most = 512};
