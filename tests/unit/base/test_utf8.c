/* UTF-8: every code point, and every byte after every first one. */
#include "helper_main.h"
#include "mlp/utf8.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

/* The sequence of a code point as the standard defines it; its length. */
static size_t encode(uint32_t code, char text[4])
{
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        text[i] = (char)(0x80 | (code & 0x3F));
    text[0] = (char)((0xF00u >> n & 0xF0) | code);
    return n;
}

static bool is_scalar(uint32_t code)
{
    return code < 0xD800 || (code >= 0xE000 && code <= 0x10FFFF);
}

START_TEST(every_code_point_has_one_sequence)
{
    char text[4];
    for (uint32_t code = 0; code < 0x200000; code++) {
        size_t n = encode(code, text);
        /* Millions of assertions would each be reported to the runner. */
        if (utf8_length(text, n) != (is_scalar(code) ? n : 0))
            ck_abort_msg("U+%04X", code);
        if (n > 1 && utf8_length(text, n - 1) != 0)
            ck_abort_msg("U+%04X, cut", code);
    }
}
END_TEST

/* Overlong forms: more bytes than the code point needs. */
START_TEST(a_longer_form_is_none)
{
    static const char *const forms[] = {"\xC0\x80",     "\xC1\xBF",         "\xE0\x80\x80",
                                        "\xE0\x9F\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        ck_assert_uint_eq(utf8_length(forms[i], strlen(forms[i])), 0);
}
END_TEST

START_TEST(other_first_bytes_begin_nothing)
{
    char text[4] = {0, (char)0x80, (char)0x80, (char)0x80};
    for (unsigned first = 0x80; first < 0x100; first++) {
        text[0] = (char)first;
        if (first < 0xC2 || first >= 0xF5)
            ck_assert_uint_eq(utf8_length(text, 4), 0);
    }
    ck_assert_uint_eq(utf8_length("\xE2\x82", SIZE_MAX), 0); /* the NUL ends it */
}
END_TEST

START_TEST(a_text_is_checked_to_its_end)
{
    static const char euro[] = "a\xE2\x82\xAC"; /* a € */
    ck_assert(utf8_check("", 0, false));
    ck_assert(utf8_check(euro, 4, false));
    for (size_t n = 2; n < 4; n++) {
        ck_assert(!utf8_check(euro, n, false));
        ck_assert(utf8_check(euro, n, true));
    }
    ck_assert(!utf8_check("\xE2\xE2", 2, true));
    ck_assert(!utf8_check("\xFF", 1, true));
    ck_assert(!utf8_check("\x82\xAC", 2, true));
    ck_assert(!utf8_check("\xE2\x82z", 3, true));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tests = tcase_create("utf8");
    tcase_add_test(tests, every_code_point_has_one_sequence);
    tcase_add_test(tests, a_longer_form_is_none);
    tcase_add_test(tests, other_first_bytes_begin_nothing);
    tcase_add_test(tests, a_text_is_checked_to_its_end);
    suite_add_tcase(suite, tests);
    return suite;
}
