/* The parts of the front end one by one. */
#include "cnnc.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(memory, pieces_are_zeroed_aligned_and_apart)
{
    unsigned char *pieces[1000];
    for (int i = 0; i < 1000; i++) {
        size_t bytes = (size_t)i * 37 % 5000;
        pieces[i] = memory_allocate(bytes);
        cr_assert_eq((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < bytes; j++) cr_assert_eq(pieces[i][j], 0);
        memset(pieces[i], i % 255 + 1, bytes);
    }
    for (int i = 0; i < 1000; i++)
        for (size_t j = 0; j < (size_t)i * 37 % 5000; j++) cr_assert_eq(pieces[i][j], i % 255 + 1);
    memory_release();
}

Test(memory, growing_keeps_items_and_zeroes_the_rest)
{
    int *items = NULL, capacity = 0;
    for (int i = 0; i < 300000; i++) { /* past the size where an array is a block of its own */
        items = memory_grow(items, &capacity, i, sizeof(int));
        cr_assert_gt(capacity, i);
        cr_assert_eq(items[i], 0);
        items[i] = i;
        if (i % 1000 == 0) memory_allocate(10);
    }
    for (int i = 0; i < 300000; i++) cr_assert_eq(items[i], i);
    memory_release();
}

Test(names, number_find_and_clear)
{
    Names names = {0};
    for (int round = 0; round < 3; round++) {
        cr_assert_eq(names_find(&names, "n0"), -1);
        for (int i = 0; i < 10000; i++) cr_assert_eq(names_add(&names, memory_format("n%d", i)), i);
        for (int i = 0; i < 10000; i++) cr_assert_eq(names_add(&names, memory_format("n%d", i)), i);
        cr_assert_eq(names_find(&names, "n1234"), 1234);
        cr_assert_eq(names_find(&names, "n"), -1);
        names_clear(&names);
    }
    const char *one = names_intern(&names, "abcdef", 3), *two = names_intern(&names, "abc", 3);
    cr_assert_eq(one, two);
    cr_assert_str_eq(one, "abc");
    memory_release();
}

Test(diagnostics, closest)
{
    const char *const words[] = {"kernel_size", "filters", "padding", "strides", "relu", "units"};
    static const struct {
        const char *name, *closest;
    } cases[] = {{"kernel", "kernel_size"},
                 {"pading", "padding"},
                 {"stride", "strides"},
                 {"rleu", "relu"},
                 {"unit", "units"},
                 {"fliters", "filters"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *closest = diagnostics_closest(cases[i].name, words, 6);
        cr_expect(closest && !strcmp(closest, cases[i].closest), "%s: %s", cases[i].name, closest ? closest : "nothing");
    }
    cr_expect_null(diagnostics_closest("zzzz", words, 6));
    cr_expect_null(diagnostics_closest("a", words, 6));
    cr_expect_null(diagnostics_closest("", words, 6));
    cr_expect_null(diagnostics_closest("relu", words, 0));
}

Test(diagnostics, cutting_splits_no_character)
{
    cr_expect_eq(diagnostics_cut("abc", 5), 3);
    cr_expect_eq(diagnostics_cut("abcdef", 5), 5);
    cr_expect_eq(diagnostics_cut("abcd\xc3\xa9", 5), 4);
    cr_expect_eq(diagnostics_cut("\xe2\x9c\x93\xe2\x9c\x93", 5), 3);
}

Test(diagnostics, text_is_valid_utf8)
{
    static const char *const good[] = {"", "abc", "\xc3\xa9", "\xe2\x9c\x93", "\xf0\x9f\x98\x80"};
    static const char *const bad[] = {
        "\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe2\x9c"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(diagnostics_is_text(good[i], strlen(good[i])), "good %zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(diagnostics_is_text(bad[i], strlen(bad[i])), "bad %zu", i);
}

Test(numbers, text_reads_back)
{
    const double numbers[] = {0, 1, -1, 0.1, 1.0 / 3, 1e300, 5e-324, 9007199254740992, 0.001, 123456789.123};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cr_expect_eq(strtod(number_text(numbers[i]), NULL), numbers[i]);
    cr_expect_str_eq(number_text(0.1), "0.1");
    cr_expect_str_eq(number_text(10), "10");
    memory_release();
}

/* Printing a tree and reading it again gives the same text: precedence and parentheses are right both ways. */
Test(parse, dump_reads_back)
{
    static const char *const texts[] = {"1 - 2 - 3",
                                        "1 - (2 - 3)",
                                        "(1 + 2) * 3",
                                        "1 + 2 * 3",
                                        "-(1 + 2) * -3 / (4 / 5)",
                                        "a * (b + c) - d / e",
                                        "[1, 2x3, [\"a\\\"b\", c]]",
                                        "{1: 2, a: f(2 + 3, x=1)}",
                                        "-(-(a))"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *first = NULL, *second = NULL;
        size_t length;
        Statement let = {.kind = STATEMENT_LET, .name = "t", .value = parse_expression(texts[i])};
        FILE *out = open_memstream(&first, &length);
        dump_statements(out, &let);
        fclose(out);
        let.value = parse_expression(memory_copy(first + 8, strlen(first) - 9)); /* without `let t = ` and the line end */
        out = open_memstream(&second, &length);
        dump_statements(out, &let);
        fclose(out);
        cr_expect_str_eq(first, second);
        if (!strchr("-{", texts[i][0]))
            cr_expect(!strncmp(first + 8, texts[i], strlen(texts[i])), "%s became %s", texts[i], first);
        free(first);
        free(second);
    }
    memory_release();
}

Test(tables, defaults_fit_their_rows)
{
    check_tables();
    memory_release();
}
