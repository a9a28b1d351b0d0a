/* The limits that docs/limits.md states: what is at the limit passes, and one beyond it is refused with a word that names it. */
#include "cnnc.h"
#include "patience.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(bounds, .timeout = 300 * PATIENCE);

enum { MOST_FILE = 1 << 26 };

/* Whether the front end takes it. What it says goes to *said, memory of the arena. */
static bool takes(const Text *text, const char **said)
{
    char name[] = "/tmp/cnnc-bounds-XXXXXX", words[4096] = "";
    int kept = dup(2), file = mkstemp(name);
    cr_assert(kept >= 0 && file >= 0 && dup2(file, 2) == 2);
    const Graph *graph = compile_forward("bounds.net", text->data, text->length, NULL, 0);
    fflush(stderr);
    cr_assert(pread(file, words, sizeof words - 1, 0) >= 0);
    dup2(kept, 2);
    close(kept);
    close(file);
    unlink(name);
    *said = memory_copy(words, strlen(words));
    return graph != NULL;
}

static Text text_of(const char *text)
{
    Text result = {0};
    text_add(&result, "%s", text);
    return result;
}

/* The first is at the limit, the second beyond. */
static void expect(const Text *within, const Text *beyond, const char *word)
{
    const char *said;
    cr_expect(takes(within, &said), "refused at the limit: %s", said);
    cr_expect(!takes(beyond, &said), "nobody minds what is beyond the limit: %s", word);
    cr_expect(strstr(said, word), "\"%s\" is not in: %s", word, said);
    memory_release();
}

static void expect_texts(const char *within, const char *beyond, const char *word)
{
    Text first = text_of(within), second = text_of(beyond);
    expect(&first, &second, word);
}

Test(bounds, file)
{
    Text texts[2] = {0};
    for (int i = 0; i < 2; i++) {
        text_add(&texts[i], "input(1)\ndense(1)\n#");
        size_t room = (size_t)MOST_FILE - texts[i].length + (size_t)i;
        char *comment = memory_allocate(room + 1);
        memset(comment, 'a', room);
        text_add_bytes(&texts[i], comment, room);
    }
    cr_assert(texts[0].length == MOST_FILE);
    expect(&texts[0], &texts[1], "a model file has at most 67108864");
}

Test(bounds, nesting)
{
    Text texts[2] = {0};
    for (int i = 0; i < 2; i++) {
        text_add(&texts[i], "input(1)\ndense(");
        for (int k = 0; k < MAX_NESTING - 1 + i; k++) text_add(&texts[i], "(");
        text_add(&texts[i], "1");
        for (int k = 0; k < MAX_NESTING - 1 + i; k++) text_add(&texts[i], ")");
        text_add(&texts[i], ")\n");
    }
    expect(&texts[0], &texts[1], "nested too deeply; the limit is 256");
}

Test(bounds, layers)
{
    expect_texts("input(1)\nrepeat 99999 { relu() }\n", "input(1)\nrepeat 100000 { relu() }\n", "more than 100000 layers");
}

Test(bounds, names)
{
    Text texts[2] = {0};
    for (int i = 0; i < 2; i++) {
        text_add(&texts[i], "input(1)\n");
        for (int k = 0; k < MAX_NAME + i; k++) text_add(&texts[i], "n");
        text_add(&texts[i], " = dense(1)\n");
    }
    expect(&texts[0], &texts[1], "255");
}

Test(bounds, axes)
{
    expect_texts("input(1, 1, 1, 1, 2)\nrelu()\n", "input(1, 1, 1, 1, 1, 2)\nrelu()\n", "at most 5 sizes");
}

Test(bounds, numbers_of_a_tensor)
{
    expect_texts("input(2147483647)\nrelu()\n", "input(2147483648)\nrelu()\n", "2^31 - 1");
    expect_texts("input(65536, 32767)\nrelu()\n", "input(65536, 32768)\nrelu()\n", "2^31 - 1");
    /* Products that overflow 64 bits come back small, where nobody looks. */
    expect_texts("input(2)\nrelu()\n", "input(4294967296, 4294967296, 2)\nrelu()\n", "2^31 - 1");
    expect_texts("input(2)\nrepeat_vector(2)\n", "input(9, 9)\nflatten()\nrepeat_vector(1152921504606846976)\n", "");
}

Test(bounds, bytes)
{
    expect_texts("input(46340)\nrepeat 127 { dense(46340, use_bias=false) }\n", "input(46340)\nrepeat 129 { dense(46340, use_bias=false) }\n", "2^40 bytes");
}
