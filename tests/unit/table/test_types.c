/* A number is kept as the file says, in the narrowest type that brings it
 * back. */
#include "base/float_text.h"
#include "base/number_text.h"
#include "helper_main.h"
#include "helper_table.h"
#include "mlp/number.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rows' texts of the first column must come back as they stand; "" and
 * words for missing ones as null. */
static void column_check(const char *csv, enum column_type type, size_t head_rows)
{
    struct reading reading = {.csv = csv, .options.header = 1, .sizes = {64, 1 << 16, (uint32_t)head_rows}};
    struct table *table = table_of(&reading);
    ck_assert_msg(table_column(table, 0)->type == type, "\"%.80s\" has type %d, expected %d", csv,
                  table_column(table, 0)->type, type);
    const char *at = strchr(csv, '\n') + 1;
    for (uint64_t row = 0; row < table_n_rows(table); row++) {
        size_t n = strcspn(at, ",\n");
        char text[NUMBER_TEXT_SIZE];
        size_t n_text = table_number_text(table, 0, row, text);
        bool missing = n == 0;
        ck_assert_msg(missing ? n_text == 4 && !memcmp(text, "null", 4) : n_text == n && !memcmp(text, at, n),
                      "\"%.80s\", row %d: %.*s", csv, (int)row + 1, (int)n_text, text);
        ck_assert(missing == isnan(table_value(table, 0, row)));
        at = strchr(at, '\n') + 1;
    }
    table_unref(table);
}

static const struct {
    const char *csv;
    enum column_type type;
} columns[] = {
    {"a,b\n0,1\n255,1\n", COLUMN_BYTE},
    {"a,b\n-1,1\n127,1\n", COLUMN_INT8},
    {"a,b\n-127,1\n,1\n", COLUMN_INT8},
    {"a,b\n-128,1\n5,1\n", COLUMN_INT16},
    {"a,b\n128,1\n,1\n", COLUMN_INT16},
    {"a,b\n256,1\n5,1\n", COLUMN_INT16},
    {"a,b\n-32767,1\n5,1\n", COLUMN_INT16},
    {"a,b\n-32768,1\n5,1\n", COLUMN_INT32},
    {"a,b\n20240229,1\n,1\n20240301,1\n", COLUMN_INT32},
    {"a,b\n1700000123,1\n1700000124,1\n", COLUMN_INT32},
    {"a,b\n2147483647,1\n,1\n", COLUMN_INT32},
    {"a,b\n-2147483648,1\n5,1\n", COLUMN_INT64},
    {"a,b\n1700000123456,1\n,1\n", COLUMN_INT64},
    {"a,b\n9007199254740993,1\n-9007199254740995,1\n", COLUMN_INT64},
    {"a,b\n9223372036854774783,1\n,1\n", COLUMN_INT64},
    {"a,b\n0.1,1\n0.2,1\n,1\n", COLUMN_NUMBER},
    {"a,b\n16777216,1\n0.5,1\n", COLUMN_NUMBER},
    {"a,b\n0.1234567,1\n-12.75,1\n", COLUMN_NUMBER},
    {"a,b\n16777217,1\n0.5,1\n", COLUMN_DOUBLE},
    {"a,b\n0.5,1\n16777217,1\n", COLUMN_DOUBLE},
    {"a,b\n1,1\n16777217,1\n0.5,1\n", COLUMN_DOUBLE},
    {"a,b\n0.123456789,1\n,1\n", COLUMN_DOUBLE},
    {"a,b\n0.1,1\n0.30000000000000004,1\n", COLUMN_DOUBLE},
    {"a,b\n1700000123.25,1\n0.5,1\n", COLUMN_DOUBLE},
    {"a,b\n1e+300,1\n0.5,1\n", COLUMN_DOUBLE},
};

START_TEST(a_number_is_what_the_file_says)
{
    column_check(columns[_i].csv, columns[_i].type, 1000);
}
END_TEST

START_TEST(the_head_shows_less)
{
    column_check(columns[_i].csv, columns[_i].type, 1);
}
END_TEST

/* A float keeps a number exactly where its text is the number's. */
START_TEST(floats_keep_what_they_print)
{
    uint64_t state = 3;
    for (int i = 0; i < 200000; i++) {
        char text[40], back[FLOAT_TEXT_MAX + 1];
        double size = ldexp(1 + random_below(&state, 1000000) / 1e6, (int)random_below(&state, 80) - 36);
        if (i % 8 == 0) /* powers of two have the gap below them half as wide */
            size = ldexp(1, (int)random_below(&state, 80) - 36) *
                   (1 + (random_below(&state, 200) - 100.0) / 1e9);
        snprintf(text, sizeof text, "%.*e", (int)random_below(&state, 10), size);
        double value = strtod(text, NULL);
        back[float_text((float)value, back)] = '\0';
        if (number_fits_float(value) != (strtod(back, NULL) == value))
            ck_abort_msg("%s as a float is %s", text, back);
        if (number_of_float((float)value) != strtod(back, NULL))
            ck_abort_msg("the float of %s is %s", text, back);
    }
}
END_TEST

/* Columns of all widths side by side keep their places when they are packed. */
START_TEST(widths_side_by_side)
{
    struct reading reading = {.csv = "a,b,c,d,e,f,g,h,t\n"
                                     "1,-2,300,70000,5000000000,0.5,0.123456789,x,2020-01-02\n"
                                     "2,-3,301,70001,5000000001,1.5,0.123456788,y,2020-01-03\n"
                                     "3,,,,,,,,\n"};
    static const enum column_type types[] = {COLUMN_BYTE,   COLUMN_INT8,     COLUMN_INT16,
                                             COLUMN_INT32,  COLUMN_INT64,    COLUMN_NUMBER,
                                             COLUMN_DOUBLE, COLUMN_CATEGORY, COLUMN_DATE};
    struct table *table = table_of(&reading);
    for (uint32_t i = 0; i < 9; i++)
        ck_assert_int_eq(table_column(table, i)->type, types[i]);
    ck_assert_uint_eq(table_record_bytes(table), 40);
    char *text = table_as_text(table);
    ck_assert_str_eq(text, "a:b b:n c:n d:n e:n f:n g:n h:c t:d/"
                           "1 -2 300 70000 5000000000 0.5 0.123456789 <x> 2020-01-02/"
                           "2 -3 301 70001 5000000001 1.5 0.123456788 <y> 2020-01-03/"
                           "3 _ _ _ _ _ _ _ _/");
    free(text);
    table_unref(table);
}
END_TEST

START_TEST(decimals_that_all_numbers_have)
{
    static const struct {
        const char *csv;
        uint8_t decimals;
    } cases[] = {{"a\n1.0\n2.0\n", 1},
                 {"a\n1\n2\n", 0},
                 {"a\n1.0\n2\n", COLUMN_DECIMALS_MIXED},
                 {"a\n1.50\n-22.25\n", 2},
                 {"a\n300.0\n-1.0\n", 1},
                 {"a\n1\n2.0\n", COLUMN_DECIMALS_MIXED},
                 {"a\n1e5\n1.5\n", COLUMN_DECIMALS_MIXED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading = {.csv = cases[i].csv, .options.header = 1};
        struct table *table = table_of(&reading);
        ck_assert_msg(table_column(table, 0)->decimals == cases[i].decimals, "%s: %d", cases[i].csv,
                      table_column(table, 0)->decimals);
        table_unref(table);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("types");
    TCase *tests = tcase_create("types");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_loop_test(tests, a_number_is_what_the_file_says, 0, (int)(sizeof columns / sizeof *columns));
    tcase_add_loop_test(tests, the_head_shows_less, 0, (int)(sizeof columns / sizeof *columns));
    tcase_add_test(tests, floats_keep_what_they_print);
    tcase_add_test(tests, widths_side_by_side);
    tcase_add_test(tests, decimals_that_all_numbers_have);
    suite_add_tcase(suite, tests);
    return suite;
}
