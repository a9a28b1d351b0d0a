/* Damaged files: every single bit, and every whole byte, of a weight file and of a checkpoint turned over is found by the reader, or
 * makes no difference to what is read. (tests/unit/{safetensors,npy,idx,picture}.c have the same for each format; there the numbers of
 * a file without a checksum may be anything.) The files of other nets, and those that grew, are refused; those of other programs are read. */
#include "patience.h"
#include "scratch.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char net[] = "model small\ninput(6)\ndense(3, activation=softmax)\n"
                          "compile(optimizer=sgd(momentum=0.9), loss=categorical_crossentropy, metrics=[accuracy])\nfit(batch_size=8)\n";

static void write_npy(const char *path, ArrayType type, int rank, const int64_t *shape)
{
    Failure failure;
    Array array;
    cr_assert(array_new(&array, type, rank, shape, &failure), "%s", failure.text);
    for (int64_t i = 0; i < array_count(&array); i++) {
        if (type == ARRAY_FLOAT32) ((float *)array.data)[i] = (float)(i * 37 % 101) / 101;
        else ((uint8_t *)array.data)[i] = (uint8_t)(i % 3);
    }
    cr_assert(npy_write(path, &array, &failure), "%s", failure.text);
    array_free(&array);
}

static void begin(void)
{
    scratch_begin();
    shell_enter();
    shell_file("small.net", net);
    shell_good("CFLAGS=\"$QUICK\" \"$CNNC\" --target=generic small.net -o small");
    write_npy("x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){20, 6});
    write_npy("y.npy", ARRAY_UINT8, 1, (const int64_t[]){20});
    shell_good("./small fit --x x.npy --y y.npy --verbose 0 --epochs 2 --output weights --checkpoint checkpoint");
}

static void finish(void)
{
    shell_leave();
    scratch_end();
}

TestSuite(faults_data, .init = begin, .fini = finish, .timeout = 600 * PATIENCE);

static TensorFile right; /* what the sound file holds */
static int misread;

static bool same_metadata(const TensorFile *file)
{
    for (int i = 0; i < right.metadata_count; i++) {
        const Metadata *item = &right.metadata[i];
        const char *value = safetensors_value(file, item->key);
        /* `format` and `checksum` themselves apart: they say that there is something to check */
        if (strcmp(item->key, "format") && strcmp(item->key, "checksum") && (!value || strcmp(value, item->value))) return false;
    }
    return true;
}

static bool same_content(const TensorFile *file)
{
    if (file->count != right.count || !same_metadata(file)) return false;
    for (int i = 0; i < right.count; i++) {
        const Array *is = safetensors_find(file, right.items[i].name), *was = &right.items[i].array;
        if (!is || is->type != was->type || is->rank != was->rank || memcmp(is->shape, was->shape, (size_t)was->rank * sizeof *was->shape) ||
            memcmp(is->data, was->data, (size_t)array_count(was) * array_item_size(was->type)))
            return false;
    }
    return true;
}

static Verdict read_checked(const char *path, Failure *failure)
{
    TensorFile file;
    if (!safetensors_read(path, &file, failure)) return REFUSED;
    misread += !same_content(&file);
    safetensors_free(&file);
    return ACCEPTED;
}

static void damage(const char *path)
{
    Failure failure;
    size_t size;
    uint8_t *bytes = scratch_load(path, &size);
    cr_assert(safetensors_read(path, &right, &failure), "%s", failure.text);
    misread = 0;
    int harmless = scratch_damage(bytes, size, read_checked), all = 9 * (int)size;
    fprintf(stderr, "faults_data: %s of %zu bytes: %d of %d changes and all %zu truncations are found, %d make no difference\n", path, size, all - harmless, all, size, harmless);
    cr_expect_eq(misread, 0, "%s: %d changes give other numbers and nobody notices", path, misread);
    cr_expect(harmless < all / 5, "%s: %d of %d changes make no difference: is there a checksum?", path, harmless, all);
    safetensors_free(&right);
    free(bytes);
}

Test(faults_data, of_weights)
{
    damage("weights");
}

Test(faults_data, of_a_checkpoint)
{
    damage("checkpoint");
}

/* The program itself says so, whatever it is asked to do with such a file; so does cnnc. */
Test(faults_data, is_said_by_every_command)
{
    static const char *const commands[] = {
        "./small evaluate --weights damaged --x x.npy --y y.npy", "./small predict --weights damaged x.npy",           "./small report --weights damaged --x x.npy --y y.npy -o r.html",
        "./small fit --weights damaged --x x.npy --y y.npy",      "./small fit --resume damaged --x x.npy --y y.npy", "\"$CNNC\" small.net --emit=inference --weights=damaged -o m.c",
    };
    static const char *const files[] = {"weights", "checkpoint"};
    for (int k = 0; k < 2; k++) {
        size_t size;
        uint8_t *bytes = scratch_load(files[k], &size);
        bytes[size - 5] ^= 1; /* the least bit of a number */
        FILE *file = fopen("damaged", "wb");
        cr_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
        free(bytes);
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) shell_refused("damaged: is damaged: its checksum does not fit its content", "%s", commands[i]);
    }
    cr_expect(access("r.html", F_OK) && access("m.c", F_OK));
}

/* Files without a checksum are those of other programs. */
Test(faults_data, a_file_without_a_checksum_is_read)
{
    Failure failure;
    TensorFile file, plain = {0};
    cr_assert(safetensors_read("weights", &file, &failure), "%s", failure.text);
    for (int i = 0; i < file.count; i++) cr_assert(safetensors_lend(&plain, file.items[i].name, &file.items[i].array, &failure), "%s", failure.text);
    cr_assert(safetensors_note(&plain, "format", "pt", &failure) && safetensors_note(&plain, "checksum", "its own", &failure));
    cr_assert(safetensors_write("plain", &plain, &failure), "%s", failure.text);
    shell_good("./small predict --weights weights x.npy > a && ./small predict --weights plain x.npy > b && cmp a b");
    safetensors_free(&plain);
    safetensors_free(&file);
}

/* Another net's weights, and a file with something behind its end or promised beyond it. */
Test(faults_data, of_another_net_or_size)
{
    shell_good("sed 's/input(6)/input(5)/; s/small/other/' small.net > other.net && CFLAGS=\"$QUICK\" \"$CNNC\" --target=generic other.net -o other");
    write_npy("x5.npy", ARRAY_FLOAT32, 2, (const int64_t[]){20, 5});
    shell_refused("dense/kernel is (6, 3) instead of (5, 3)", "./other predict --weights weights x5.npy");
    shell_refused("dense/kernel is (6, 3) instead of (5, 3)", "./other predict --weights checkpoint x5.npy");
    shell_refused("is a checkpoint of another network", "./other fit --resume checkpoint --x x5.npy --y y.npy");
    shell_good("{ cat weights; head -c 100000 /dev/zero; } > grown");
    shell_refused("bytes left over", "./small predict --weights grown x.npy");
    shell_good("cp weights huge && truncate -s 1T huge");
    shell_refused("bytes left over", "./small predict --weights huge x.npy");
    shell_good("{ printf '\\377\\377\\377\\377\\377\\377\\377\\177'; tail -c +9 weights; } > vast");
    shell_refused("is truncated or not a safetensors file", "./small predict --weights vast x.npy");
}
