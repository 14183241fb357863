/* How columns write numbers: what is one, in which writing, of which unit, and
 * back. */
#include "helper_main.h"
#include "mlp/number.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINT = 1, THOUSAND = 2, COMMA = 4, GERMAN = 8, BLANK = 16, FRENCH = 32, SWISS = 64, LAKHS = 256 };

/* A text, a writing that it has, one that it has not, its value and unit. */
static const struct {
    const char *text;
    uint32_t has, not ;
    double value;
    const char *unit;
} numbers[] = {
    {"1137", POINT | THOUSAND | COMMA | GERMAN | BLANK | FRENCH | SWISS | LAKHS, 0, 1137, ""},
    {"1,137.00", THOUSAND | LAKHS, POINT | COMMA | GERMAN, 1137, ""},
    {"1.137,00", GERMAN, POINT | COMMA | THOUSAND, 1137, ""},
    {"1,137", THOUSAND | COMMA | GERMAN, POINT, 1137, ""},
    {"0,137", COMMA, THOUSAND | LAKHS, 0.137, ""},
    {"12,5", COMMA, THOUSAND | POINT, 12.5, ""},
    {"1.137.000", GERMAN, POINT | COMMA | THOUSAND, 1137000, ""},
    {"1 137,00", FRENCH, BLANK | THOUSAND, 1137, ""},
    {"1\xc2\xa0"
     "137,00",
     FRENCH, BLANK, 1137, ""},
    {"1\xe2\x80\xaf"
     "137\xe2\x80\xaf"
     "000",
     FRENCH | BLANK, POINT, 1137000, ""},
    {"1\xe2\x80\x89"
     "137.5",
     BLANK, FRENCH, 1137.5, ""},
    {"1'137.00", SWISS, POINT | THOUSAND, 1137, ""},
    {"1\xe2\x80\x99"
     "137.00",
     SWISS, POINT | THOUSAND, 1137, ""},
    {"1,00,000", LAKHS, THOUSAND, 100000, ""},
    {"12,34,567.5", LAKHS, THOUSAND, 1234567.5, ""},
    {"-2.5e-3", POINT | THOUSAND, COMMA, -0.0025, ""},
    {"2.5E3 m", POINT, COMMA, 2500, "m"},
    {"$5", POINT, 0, 5, "$"},
    {"-$5", POINT, 0, -5, "$"},
    {"$-5", POINT, 0, -5, "$"},
    {"$ 5.00", POINT, COMMA, 5, "$"},
    {"($5.00)", POINT, COMMA, -5, "$"},
    {"$(5.00)", 0, 0, 0, ""},
    {"(1,137)", THOUSAND, POINT, -1137, ""},
    {"$1,137.00", THOUSAND, COMMA, 1137, "$"},
    {"$.50", POINT, 0, 0.5, "$"},
    {"5 \xe2\x82\xac", POINT, 0, 5, "\xe2\x82\xac"},
    {"\xe2\x82\xac"
     "5",
     POINT, 0, 5, "\xe2\x82\xac"},
    {"1.137,00 \xe2\x82\xac", GERMAN, POINT, 1137, "\xe2\x82\xac"},
    {"1.137,00\xc2\xa0\xe2\x82\xac", GERMAN, POINT, 1137, "\xe2\x82\xac"},
    {"\xc2\xa3"
     "12.50",
     POINT, COMMA, 12.5, "\xc2\xa3"},
    {"\xc2\xa5"
     "1200",
     POINT, 0, 1200, "\xc2\xa5"},
    {"CHF 12.50", POINT, COMMA, 12.5, "CHF"},
    {"CHF 1'137.50", SWISS, COMMA, 1137.5, "CHF"},
    {"12.50 CHF", POINT, COMMA, 12.5, "CHF"},
    {"USD5", POINT, 0, 5, "USD"},
    {"US$5", POINT, 0, 5, "US$"},
    {"R$ 1.137,00", GERMAN, POINT, 1137, "R$"},
    {"Rs.500", POINT, 0, 500, "Rs."},
    {"\xe2\x82\xb9"
     "1,00,000",
     LAKHS, THOUSAND, 100000, "\xe2\x82\xb9"},
    {"99 kr", POINT, 0, 99, "kr"},
    {"12 K\xc4\x8d", POINT, 0, 12, "K\xc4\x8d"},
    {"5%", POINT, 0, 5, "%"},
    {"5,5 %", COMMA, POINT, 5.5, "%"},
    {"-0.5%", POINT, COMMA, -0.5, "%"},
    {"12 kg", POINT, 0, 12, "kg"},
    {"3.5cm", POINT, COMMA, 3.5, "cm"},
    {"40 \xc2\xb0"
     "C",
     POINT, 0, 40,
     "\xc2\xb0"
     "C"},
    {"40\xc2\xb0", POINT, 0, 40, "\xc2\xb0"},
    {"36 months", POINT, 0, 36, "months"},
    {"120 km/h", POINT, 0, 120, "km/h"},
    {"850 sq ft", POINT, 0, 850, "sq ft"},
    {"1 248 CC", BLANK | FRENCH, POINT, 1248, "CC"},
    {"<5", POINT, 0, 5, ""},
    {">=10", POINT, 0, 10, ""},
    {"~3", POINT, 0, 3, ""},
    {"\xe2\x89\xa4 0.01", POINT, COMMA, 0.01, ""},
    {"< 0,5 mg/l", COMMA, POINT, 0.5, "mg/l"},
    {"\xe2\x88\x92"
     "7",
     POINT, 0, -7, ""},
    {"+7", POINT, 0, 7, ""},
    {"", 0, 0, 0, ""},
    {"-", 0, 0, 0, ""},
    {"$", 0, 0, 0, ""},
    {"kg", 0, 0, 0, ""},
    {"--5", 0, 0, 0, ""},
    {"1,2,3", 0, 0, 0, ""},
    {"1.2.3", 0, 0, 0, ""},
    {"1,1377", COMMA, THOUSAND, 1.1377, ""},
    {"12A", 0, 0, 0, ""},
    {"3rd", 0, 0, 0, ""},
    {"7O.2", 0, 0, 0, ""},
    {"5K", 0, 0, 0, ""},
    {"<=50K", 0, 0, 0, ""},
    {"$5 $", 0, 0, 0, ""},
    {"5 2019 1", 0, 0, 0, ""},
    {"7 pm", 0, 0, 0, ""},
    {"3 Mar", 0, 0, 0, ""},
    {"18-25", 0, 0, 0, ""},
    {"10+", 0, 0, 0, ""},
    {"1/2", 0, 0, 0, ""},
    {"07:45", 0, 0, 0, ""},
    {"#12", 0, 0, 0, ""},
    {"No. 5", 0, 0, 0, ""},
    {"1e999", 0, 0, 0, ""},
    {"nan", 0, 0, 0, ""},
    {"inf", 0, 0, 0, ""},
    {"0x10", 0, 0, 0, ""},
    {"(5", 0, 0, 0, ""},
    {"5 a very long name of a unit", 0, 0, 0, ""},
    {"1 2 3", 0, 0, 0, ""},
    {"()", 0, 0, 0, ""},
};

START_TEST(a_number_shows_its_writings_and_its_unit)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        size_t n = strlen(numbers[i].text);
        char *exact = malloc(n ? n : 1); /* a sanitizer sees a read beyond it */
        memcpy(exact, numbers[i].text, n);
        struct number_shape shape;
        bool is = number_examine(exact, n, &shape);
        ck_assert_msg(is == (numbers[i].has != 0), "%s", numbers[i].text);
        ck_assert_msg((shape.writings & numbers[i].has) == numbers[i].has &&
                          !(shape.writings & numbers[i].not ),
                      "%s: %x", numbers[i].text, shape.writings);
        ck_assert_msg(
            !is || (shape.unit_length == strlen(numbers[i].unit) &&
                    (shape.unit_length == 0 || memcmp(shape.unit, numbers[i].unit, shape.unit_length) == 0)),
            "%s: unit %.*s", numbers[i].text, (int)shape.unit_length, shape.unit);
        for (int w = 0; is && w < NUMBER_WRITINGS; w++) {
            struct number_format format = {.bounds = true, .parentheses = true};
            double value = NAN;
            number_writing(w, &format);
            strcpy(format.unit, numbers[i].unit);
            if (numbers[i].has & 1u << w && numbers[i].text[strcspn(numbers[i].text, ",")] == '\0')
                ck_assert_msg(number_read(exact, n, &format, &value) && value == numbers[i].value, "%s: %g",
                              numbers[i].text, value);
            else
                ck_assert(number_read(exact, n, &format, &value) == (shape.writings >> w & 1));
        }
        free(exact);
    }
}
END_TEST

START_TEST(a_format_reads_its_own_numbers_only)
{
    static const struct {
        const char *format, *text;
        double value; /* NaN: no number there */
    } cases[] = {
        {"$#,##0.00", "$1,137.00", 1137},
        {"$#,##0.00", "1,137.00", 1137},
        {"$#,##0.00", "1137", 1137},
        {"$#,##0.00",
         "\xe2\x82\xac"
         "5",
         NAN},
        {"$#,##0.00", "<$5", NAN},
        {"$#,##0.00", "($5.00)", NAN},
        {"$#,##0.00;()", "($1,137.00)", -1137},
        {"#.##0,00 \xe2\x82\xac", "1.137,00 \xe2\x82\xac", 1137},
        {"#.##0,00 \xe2\x82\xac", "1.137,00", 1137},
        {"0 kg", "12kg", 12},
        {"0 kg", "12 g", NAN},
        {"0", "12 kg", NAN},
        {"0", "1,137", NAN},
        {"<0", "<5", 5},
        {"<0", "5", 5},
        {"0", "<5", NAN},
        {"0,#", "1,5", 1.5},
        {"0,#", "1.5", NAN},
        {"# ##0,#", "1 137,5", 1137.5},
        {"#,##,##0", "1,00,000", 100000},
        {"#'##0.00", "1'137.00", 1137},
        {"0%", "12.5 %", 12.5},
        {"0", "1e999", NAN},
        {"0%", "1e999%", NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct number_format format;
        double value = NAN;
        ck_assert_msg(number_format_find(cases[i].format, &format), "%s", cases[i].format);
        bool is = number_read(cases[i].text, strlen(cases[i].text), &format, &value);
        ck_assert_msg(is == !isnan(cases[i].value) && (!is || value == cases[i].value), "%s as %s: %g",
                      cases[i].text, cases[i].format, value);
    }
}
END_TEST

START_TEST(a_number_is_written_as_its_column_writes)
{
    static const struct {
        const char *format;
        double value;
        const char *text;
    } cases[] = {
        {"$#,##0.00", 1137, "$1,137.00"},
        {"$#,##0.00", -5, "-$5.00"},
        {"$#,##0.00;()", -5, "($5.00)"},
        {"#.##0,00 \xe2\x82\xac", 1137000.5, "1.137.000,50 \xe2\x82\xac"},
        {"0 kg", 12.5, "12.5 kg"},
        {"0%", 5, "5%"},
        {"#,##,##0", 12345678, "1,23,45,678"},
        {"#,##0", 123456, "123,456"},
        {"#,##0", 12, "12"},
        {"0,#", 0.25, "0,25"},
        {"0", 0.1, "0.1"},
        {"0", 1e300, "1e+300"},
        {"0", -0.0, "0"},
        {"0", NAN, ""},
        {"CHF #'##0.00", 1137.5, "CHF 1'137.50"},
        {"<0", 5, "5"},
        {"#,##0", 1e21, "1e+21"},
        {"0.000", 2.5, "2.500"},
    };
    char text[NUMBER_WRITTEN_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct number_format format;
        ck_assert_msg(number_format_find(cases[i].format, &format), "%s", cases[i].format);
        ck_assert_uint_eq(number_write(cases[i].value, &format, false, text), strlen(cases[i].text));
        ck_assert_str_eq(text, cases[i].text);
    }
    number_write((double)0.1f, &(struct number_format){0}, true, text);
    ck_assert_str_eq(text, "0.1");
}
END_TEST

START_TEST(what_is_written_reads_as_the_same_number)
{
    static const char *const formats[] = {
        "0", "$#,##0;()", "#.##0,# \xe2\x82\xac", "# ##0 kg", "#,##,##0%", "CHF #'##0", "0,#", "<0 mg/l"};
    char text[NUMBER_WRITTEN_MAX];
    uint64_t state = 1;
    for (int i = 0; i < 20000; i++) {
        struct number_format format;
        double value, back = NAN;
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t bits = i % 2 ? state : (state >> 12) % 100000000000ull;
        memcpy(&value, &bits, sizeof value);
        value = i % 2 ? value : (double)bits / 1000 * (i % 4 ? 1 : -1);
        if (!isfinite(value))
            continue;
        ck_assert(number_format_find(formats[i % 8], &format));
        uint32_t n = number_write(value, &format, false, text);
        ck_assert_msg(n < NUMBER_PLAIN_MAX, "%s", text);
        ck_assert_msg(number_read(text, n, &format, &back) && back == value, "%s", text);
    }
}
END_TEST

START_TEST(a_format_has_its_name_and_nothing_else_is_one)
{
    static const char *const names[] = {"0",
                                        "0.00",
                                        "0,#",
                                        "$0",
                                        "0 kg",
                                        "#,##0",
                                        "#,##,##0.0 %",
                                        "<0",
                                        "US$ #,##0.00;()",
                                        "# ##0,00 \xe2\x82\xac"};
    static const char *const others[] = {"",     "1",   "#",      "#,#0",
                                         "$",    "0 ",  "$0 kg ", "0.",
                                         "a0b0", "0;(", "<<0",    "0 a very long name of a unit"};
    char name[NUMBER_FORMAT_MAX];
    struct number_format format;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_msg(number_format_find(names[i], &format), "%s", names[i]);
        number_format_text(&format, name);
        ck_assert_str_eq(name, names[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!number_format_find(others[i], &format), "%s", others[i]);
    ck_assert(number_format_is_plain(&(struct number_format){0}));
    ck_assert(!number_format_is_plain(&(struct number_format){.unit = "%"}));
}
END_TEST

START_TEST(digits_with_a_zero_before_them_are_a_code)
{
    static const struct {
        const char *text;
        bool code;
    } cases[] = {{"007", true}, {"01", true},    {" 00", true},  {"0", false},   {"0.5", false},
                 {"10", false}, {"00.5", false}, {"-01", false}, {"0e1", false}, {"01 kg", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct number_shape shape;
        ck_assert_msg(number_examine(cases[i].text, strlen(cases[i].text), &shape), "%s", cases[i].text);
        ck_assert_msg(shape.code == cases[i].code, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(decimals_are_counted_behind_either_point)
{
    struct number_shape shape;
    ck_assert(number_examine("1,137.50", 8, &shape) && shape.decimals[0] == 2 && shape.decimals[1] == 0);
    ck_assert(number_examine("1.137,5 kg", 10, &shape) && shape.decimals[0] == 0 && shape.decimals[1] == 1);
    ck_assert(number_examine("1.25e7", 6, &shape) && shape.decimals[0] == 2);
}
END_TEST

/* Against strtod, bit for bit. */
START_TEST(doubles_are_the_nearest)
{
    static const char *const edges[] = {"0",
                                        "1",
                                        "-1.5",
                                        "0.1",
                                        "1e22",
                                        "1e23",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "9007199254740993.00000000000000000000000000000001",
                                        "5e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "2.2250738585072011e-308",
                                        "2.2250738585072014e-308",
                                        "1.7976931348623157e308",
                                        "1.7976931348623158e308",
                                        "1.7976931348623159e308",
                                        "1e309",
                                        "1e-400",
                                        "123456789012345678901234567890",
                                        "0.000000000000000000000000000000000000012345678901234567",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "9223372036854775807",
                                        "1e-323",
                                        "7.2057594037927933e16"};
    char text[900];
    uint64_t state = 7;
    for (size_t i = 0; i < 30000; i++) {
        double value, expected;
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        if (i < sizeof edges / sizeof *edges) {
            strcpy(text, edges[i]);
        } else if (i % 3) {
            memcpy(&value, &state, sizeof value);
            if (!isfinite(value))
                continue;
            snprintf(text, sizeof text, i % 3 == 1 ? "%.17g" : i % 7 ? "%.20e" : "%.780g", value);
        } else {
            snprintf(text, sizeof text, "%llu.%019llue%d", (unsigned long long)(state >> 40),
                     (unsigned long long)(state >> 2), (int)(state % 640) - 330);
        }
        expected = strtod(text, NULL);
        ck_assert_msg(number_parse_double(text, strlen(text), '.', &value), "%s", text);
        if (memcmp(&value, &expected, sizeof value) != 0)
            ck_abort_msg("%s: %a, not %a", text, value, expected);
    }
    double value;
    ck_assert(!number_parse_double("1,5", 3, '.', &value) && number_parse_double("1,5", 3, ',', &value));
    ck_assert(value == 1.5 && !number_parse_double("nan", 3, '.', &value));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("number_format");
    TCase *tests = tcase_create("number_format");
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, a_number_shows_its_writings_and_its_unit);
    tcase_add_test(tests, a_format_reads_its_own_numbers_only);
    tcase_add_test(tests, a_number_is_written_as_its_column_writes);
    tcase_add_test(tests, what_is_written_reads_as_the_same_number);
    tcase_add_test(tests, a_format_has_its_name_and_nothing_else_is_one);
    tcase_add_test(tests, digits_with_a_zero_before_them_are_a_code);
    tcase_add_test(tests, decimals_are_counted_behind_either_point);
    tcase_add_test(tests, doubles_are_the_nearest);
    suite_add_tcase(suite, tests);
    return suite;
}
