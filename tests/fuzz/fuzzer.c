/* The program that libFuzzer drives: $FUZZ names the harness. With $FUZZ=dictionary it writes the words of the language instead, from the
 * compiler's tables, for -dict=. */
#include "fuzz.h"
#include "cnnc.h"

#include <string.h>

extern int LLVMFuzzerInitialize(int *count, char ***arguments);
extern int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
extern size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
extern size_t fuzz_mutate(const Harness *, uint8_t *bytes, size_t size, size_t most, uint32_t seed); /* mutate.c */
extern size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);

static const Harness *chosen;

/* A word in libFuzzer's and AFL's form. */
static void print_word(const char *word)
{
    putchar('"');
    for (const char *c = word; *c; c++) {
        if (*c == '"' || *c == '\\') printf("\\%c", *c);
        else if (*c >= ' ' && *c <= '~') putchar(*c);
        else printf("\\x%02x", (unsigned char)*c);
    }
    puts("\"");
}

static void print_parameters(const Parameter *parameters)
{
    for (const Parameter *p = parameters; p && p->name; p++) {
        print_word(memory_format(", %s=", p->name));
        for (int i = 0; p->words && p->words[i]; i++) print_word(p->words[i]);
        if (p->fallback) print_word(p->fallback);
    }
}

static void print_dictionary(void)
{
    static const char *const words[] = {
        "model m\n", "let n = 3\n", "block b(n) {", "repeat 3 {", "}", "= ", "(input)", "()(a, b)", "true", "false", "none", "3x3", "[1, 2]", "{0: 1}", "1/255", "-1", "0", "1e308", "2147483648", "9007199254740992",
        "# --math=strict\n", "# --unroll=full\n", "# --gemm=openblas\n", "# --emit=inference\n", "# --batch=3\n", "# --threads=1\n", "# --weights\n", "# -o -\n", "# -D classes=3\n",
        "cnnc plan 1\n", "end\n", " tile 6x2 of ", " all way ", "predict", "batch", "train", "\x93NUMPY", "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "__metadata__", "data_offsets", "\"dtype\":\"F32\"", "shape",
        "--class-weight", "--callbacks", "--history", "{epoch:02d}", "{val_loss:.2f}", "epoch,loss,val_loss\n", "NA", "nan", "inf", "IHDR", "IDAT", "PLTE", "tRNS", "IEND",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) print_word(words[i]);
    for (int i = 0; target_words[i]; i++) print_word(memory_format("# --target=%s\n", target_words[i]));
    for (int t = 0; all_tables[t]; t++)
        for (int i = 0; i < all_tables[t]->count; i++) {
            const Entry *entry = all_tables[t]->entries[i];
            print_word(entry->name);
            print_word(memory_format("%s(", entry->name));
            if (!entry->alias_of) print_parameters(entry->parameters);
        }
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count, (void)arguments;
    const char *name = getenv("FUZZ");
    if (name && !strcmp(name, "dictionary")) {
        print_dictionary();
        exit(fflush(stdout) ? 1 : 0);
    }
    for (int i = 0; name && harnesses[i]; i++)
        if (!strcmp(name, harnesses[i]->name)) chosen = harnesses[i];
    if (chosen) return 0;
    fputs("FUZZ names one of these harnesses:", stderr);
    for (int i = 0; harnesses[i]; i++) fprintf(stderr, " %s", harnesses[i]->name);
    fputs("\n", stderr);
    exit(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size <= chosen->most) chosen->run(bytes, size);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    if (most > chosen->most) most = chosen->most;
    if (size > most) size = most;
    size_t changed = fuzz_mutate(chosen, bytes, size, most, seed);
    return changed ? changed : LLVMFuzzerMutate(bytes, size, most);
}
