/* The JSON scanner's numbers, and numbers as text. */
#include "base/float_text.h"
#include "helper_main.h"
#include "json/scan.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What scan_number makes of a text must be what strtof makes of it, and
 * scan_double what strtod does. */
static void number_check(const char *text)
{
    struct scan scan;
    size_t n = strlen(text);
    char *copy = malloc(n);
    float number = 0, expected = strtof(text, NULL);

    memcpy(copy, text, n);
    scan_init(&scan, copy, n);
    const char *wrong = scan_number(&scan, &number);
    if (isinf(expected))
        ck_assert_ptr_nonnull(wrong);
    else
        ck_assert_msg(!wrong && scan.at == scan.end && memcmp(&number, &expected, sizeof number) == 0,
                      "%s: %.9g, not %.9g", text, (double)number, (double)expected);

    double wide = 0, expected_wide = strtod(text, NULL);
    scan_init(&scan, copy, n);
    wrong = scan_double(&scan, &wide);
    if (isinf(expected)) /* too large for a float is too large for both */
        ck_assert_ptr_nonnull(wrong);
    else
        ck_assert_msg(!wrong && scan.at == scan.end && memcmp(&wide, &expected_wide, sizeof wide) == 0,
                      "%s: %.17g, not %.17g", text, wide, expected_wide);
    free(copy);
}

START_TEST(numbers_round_as_strtof_and_strtod_do)
{
    static const char *const odd[] = {"0",
                                      "-0",
                                      "0.0",
                                      "1e-45",
                                      "7e-46",
                                      "1.4e-45",
                                      "3.4028235e38",
                                      "3.4028236e38",
                                      "3.5e38",
                                      "16777217",
                                      "16777219",
                                      "9007199254740993",
                                      "-9007199254740992e22",
                                      "9007199254740993e-22",
                                      "-0.1e-22",
                                      "340282356779733661637539395458142568447",
                                      "0.1",
                                      "1.17549435e-38",
                                      "1e22",
                                      "1e23",
                                      "123456789012345678901234567890",
                                      "0.000000000000000000000000000000000000000000001",
                                      "1.00000005960464477539062500000001",
                                      "1.000000059604644775390625",
                                      "8388608.5",
                                      "8388609.5",
                                      "0e999999999999",
                                      "1e-999999999999",
                                      "33554434.000000000000000000000000000000000000001"};
    uint64_t state = 1;
    char text[80];

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        number_check(odd[i]);
    for (int i = 0; i < 300000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint32_t bits = (uint32_t)(state >> 32);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        double middle = ((double)value + (double)nextafterf(value, INFINITY)) / 2;
        snprintf(text, sizeof text,
                 i % 3 == 0   ? "%.9g"
                 : i % 3 == 1 ? "%.17g"
                              : "%.30g",
                 i % 2 ? middle : (double)value);
        if (!strstr(text, "inf"))
            number_check(text);
    }
}
END_TEST

START_TEST(pixels_come_quickly_and_right)
{
    static const char *const separators[] = {",", ", ", " ,", "\n,\t"};
    static const char *const formats[] = {"%u", "%u.0"};
    struct scan scan;
    float numbers[784];

    for (int way = 0; way < 8; way++) {
        char *body = malloc(784 * 12);
        ck_assert_ptr_nonnull(body);
        size_t n = 0;
        uint32_t count;
        bool comma;
        for (uint32_t i = 0; i < 784; i++) {
            n += (size_t)sprintf(body + n, formats[way / 4], i % 11 < 8 ? 0 : i * 37 % 256);
            n += (size_t)sprintf(body + n, "%s", i == 783 ? "]" : separators[way % 4]);
        }
        body = realloc(body, n);
        scan_init(&scan, body, n);
        ck_assert_ptr_null(scan_numbers(&scan, numbers, 784, &count, &comma));
        ck_assert_uint_eq(count, 784);
        ck_assert(!comma);
        for (uint32_t i = 0; i < 784; i++)
            ck_assert(numbers[i] == (float)(i % 11 < 8 ? 0 : i * 37 % 256));
        free(body);
    }
}
END_TEST

/* What is no small whole number, after any number of those, is seen and said as
 * ever. */
START_TEST(pixels_hide_nothing)
{
    static const struct {
        const char *text;
        bool wrong; /* else it is the last number taken, or none */
        float number;
    } cases[] = {{"256", false, 256}, {"-3", false, -3}, {"0.5", false, 0.5f}, {"1e2", false, 100},
                 {"05", true, 0},     {"1.", true, 0},   {"1e99", true, 0},    {"-", true, 0}};
    float numbers[300];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t before = 0; before < 200; before++) {
            char body[1200], *to = body;
            struct scan scan;
            uint32_t count;
            bool comma;
            to += sprintf(to, "[[");
            for (uint32_t k = 0; k < before; k++)
                to += sprintf(to, "%u,", k);
            to += sprintf(to, "%s", cases[i].text);
            for (uint32_t k = 0; k < 80; k++)
                to += sprintf(to, ",%u", k);
            to += sprintf(to, "]");
            scan_init(&scan, body, (size_t)(to - body));
            scan.at += 2;
            const char *wrong = scan_numbers(&scan, numbers, 300, &count, &comma);
            ck_assert_msg((wrong != NULL) == cases[i].wrong, "%s: %s", cases[i].text, wrong);
            ck_assert_uint_eq(count, wrong ? before : before + 81);
            for (uint32_t k = 0; k < before; k++)
                ck_assert(numbers[k] == (float)k);
            ck_assert(wrong || (numbers[before] == cases[i].number && numbers[before + 80] == 79));
            ck_assert(wrong || (*scan.at == ']' && !comma));
        }
}
END_TEST

START_TEST(floats_as_text_read_back)
{
    char text[FLOAT_TEXT_MAX + 1];

    for (uint64_t bits = 1; bits < 0x7f800000u; bits += 9973) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof value);
        size_t n = float_text(value, text);
        ck_assert_uint_le(n, FLOAT_TEXT_MAX - 1);
        text[n] = 0;
        ck_assert_msg(strtof(text, NULL) == value, "%s for %.9g", text, (double)value);
    }
    static const struct {
        float value;
        const char *text;
    } cases[] = {{0.99f, "0.99"},     {-1, "-1"},    {1e-5f, "0.00001"},  {1e-6f, "1e-6"},
                 {1.5e20f, "1.5e20"}, {NAN, "null"}, {-INFINITY, "null"}, {-0.0f, "0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text[float_text(cases[i].value, text)] = 0;
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(wide_texts_are_named)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name; /* NULL: as UTF-8 */
        char first;
    } cases[] = {
        {"{}", 2, NULL, '{'},
        {"\xEF\xBB\xBF [", 5, NULL, '['},
        {"", 0, NULL, 0},
        {"{", 1, NULL, '{'},
        {"\xFF\xFE{\0}\0", 6, "UTF-16", '{'},
        {"\xFE\xFF\0 \0\n\0{", 8, "UTF-16", '{'},
        {"\xFF\xFE"
         "1\0,\0",
         6, "UTF-16", '1'},
        {"\xFF\xFE", 2, "UTF-16", 0},
        {"\xFF\xFE{", 3, "UTF-16", 0},
        {"{\0}\0", 4, "UTF-16", '{'},
        {"\0[\0]", 4, "UTF-16", '['},
        {"\xFF\xFE\0\0{\0\0\0", 8, "UTF-32", '{'},
        {"\0\0\xFE\xFF\0\0\0{", 8, "UTF-32", '{'},
        {"[\0\0\0]\0\0\0", 8, "UTF-32", '['},
        {"\0\0\0{\0\0\0}", 8, "UTF-32", '{'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        char *exact = malloc(cases[i].n + !cases[i].n);
        memcpy(exact, cases[i].bytes, cases[i].n);
        bool narrow = scan_encoding_check(exact, cases[i].n, &err);
        ck_assert_msg(narrow == !cases[i].name, "%zu", i);
        ck_assert(narrow || (err.code == ERR_INPUT && strstr(err.msg, cases[i].name)));
        ck_assert_msg(scan_first(exact, cases[i].n) == cases[i].first, "%zu", i);
        free(exact);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("scan");
    TCase *tests = tcase_create("scan");

    tcase_add_test(tests, numbers_round_as_strtof_and_strtod_do);
    tcase_add_test(tests, pixels_come_quickly_and_right);
    tcase_add_test(tests, pixels_hide_nothing);
    tcase_add_test(tests, floats_as_text_read_back);
    tcase_add_test(tests, wide_texts_are_named);
    suite_add_tcase(suite, tests);
    return suite;
}
