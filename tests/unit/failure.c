#include <criterion/criterion.h>
#include <string.h>

#include "files.h"

Test(failure, says_what_it_is_told)
{
    Failure failure;
    cr_assert_not(fail(&failure, "%s has %d bytes", "a.npy", 3));
    cr_assert_str_eq(failure.text, "a.npy has 3 bytes");
    cr_assert_not(fail_file(&failure, "b.npy", "%s", failure.text));
    cr_assert_str_eq(failure.text, "b.npy: a.npy has 3 bytes");
}

Test(failure, gives_a_terminal_nothing_to_obey)
{
    Failure failure;
    fail(&failure, "%s", "red\x1b[31m\n\x7f\xff\xc2\x9b k\xc3\xa4se \xe2\x82\xac \xed\xa0\x80");
    cr_assert_str_eq(failure.text, "red\\x1b[31m\\n\\x7f\\xff\\xc2\\x9b k\xc3\xa4se \xe2\x82\xac \\xed\\xa0\\x80");
}

Test(failure, cuts_what_is_too_long)
{
    Failure failure;
    char name[3000];
    memset(name, '\x01', sizeof name);
    name[sizeof name - 1] = '\0';
    fail(&failure, "%s", name);
    cr_assert(strlen(failure.text) < sizeof failure.text);
    cr_assert_str_eq(failure.text + strlen(failure.text) - 7, "\\x01...");

    memset(name, 'a', sizeof name - 1);
    fail_file(&failure, name, "is wrong");
    cr_assert_str_eq(failure.text + strlen(failure.text) - 11, "a: is wrong");
    cr_assert(strncmp(failure.text, "...aaa", 6) == 0);
}

Test(failure, knows_utf8)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0}, /* beyond 10ffff */
        {"\xc0\xaf", 0},         /* overlong */
        {"\xe0\x80\xaf", 0},     /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\x80", 0},
        {"\xe2\x82", 0}, /* cut */
        {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(utf8_length((const uint8_t *)cases[i].text, strlen(cases[i].text)), cases[i].length, "case %zu", i);
}
