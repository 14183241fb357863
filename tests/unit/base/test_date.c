/* Dates as texts: what is one, in which order, and back. Values by GNU date. */
#include "helper_main.h"
#include "mlp/date.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t ymd = 1u << DATE_YMD, dmy = 1u << DATE_DMY, mdy = 1u << DATE_MDY;

static const struct {
    const char *text;
    uint32_t orders;
    double value; /* in the first of them */
} cases[] = {
    {"2024-03-01", 1, 1709251200},
    {"2024-03-01T12:30:00Z", 1, 1709296200},
    {"2024-03-01 12:30", 1, 1709296200},
    {"2024-03-01T12:30:00.25+02:00", 1, 1709289000.25},
    {"2024-03-01T12:30:00-0530", 1, 1709316000},
    {"2024/3/1", 1, 1709251200},
    {" 2024.03.01 ", 1, 1709251200},
    {"01.03.2024", 6, 1709251200},
    {"31.03.2024", 2, 1711843200},
    {"3/31/2024", 4, 1711843200},
    {"3/31/2024 2:30 PM", 4, 1711895400},
    {"3/31/2024 12:05:07 am", 4, 1711843507},
    {"29.02.2024 23:59:59", 2, 1709251199},
    {"1900-01-01", 1, -2208988800},
    {"0001-01-01", 1, -62135596800},
    {"9999-12-31", 1, 253402214400},
    {"1 Mar 2024", 1, 1709251200},
    {"01-Mar-2024", 1, 1709251200},
    {"01-mar-24", 1, 1709251200},
    {"1-MAR-70", 1, 5097600},
    {"March 1, 2024", 1, 1709251200},
    {"Mar. 1 2024 12:30", 1, 1709296200},
    {"2024-Mar-01", 1, 1709251200},
    {"2 Sept 2024", 1, 1725235200},
    {"31 May 2024 2:30 PM", 1, 1717165800},
    {"3/31/24", 4, 1711843200},
    {"31/3/24 12:30", 2, 1711888200},
    {"1/3/68", 6, 3097785600},
    {"31.12.1998 23:59:60", 2, 915148799},
    {"1.12.1999 23:59:60", 6, 944092799},
    {"1998-12-31T23:59:60Z", 1, 915148799},
    {"01.12.2024 01:00+00:00", 6, 1733014800},
    {"01.12.2024 01:00+02:00", 0, 0},
    {"1 Dec 2024 01:00+02:00", 1, 1733007600},
    {"29 Feb 2023", 0, 0},
    {"1 Mar", 0, 0},
    {"1Mar2024", 0, 0},
    {"Mar", 0, 0},
    {"Marc 1 2024", 0, 0},
    {"1 2 Mar", 0, 0},
    {"Mar Mar 2024", 0, 0},
    {"1 Mar 2024 x", 0, 0},
    {"1 Mar 124", 0, 0},
    {"24/3/31", 2, 1932076800},
    {"29.02.2023", 0, 0},
    {"2024-13-01", 0, 0},
    {"2024-03-32", 0, 0},
    {"2024-03", 0, 0},
    {"01.03.24", 0, 0},
    {"2024-03/01", 0, 0},
    {"2024-03-01T", 0, 0},
    {"2024-03-01T25:00", 0, 0},
    {"2024-03-01T12:00:00+1", 0, 0},
    {"2024-03-01T12:00+01:", 0, 0},
    {"2024-03-01x", 0, 0},
    {"3/31/2024 13:30 PM", 0, 0},
    {"20240301", 0, 0},
    {"1.5", 0, 0},
    {"", 0, 0},
    {"-", 0, 0},
    {"192.168.2024", 0, 0},
};

START_TEST(texts_have_their_orders_and_values)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double values[DATE_ORDERS];
        size_t n = strlen(cases[i].text);
        char *exact = malloc(n ? n : 1); /* nothing behind it may be read */
        memcpy(exact, cases[i].text, n);
        uint32_t orders = date_read(exact, n, values);
        ck_assert_msg(orders == cases[i].orders, "%s: %u", cases[i].text, orders);
        if (orders)
            ck_assert_msg(values[__builtin_ctz(orders)] == cases[i].value, "%s: %.6f", cases[i].text,
                          values[__builtin_ctz(orders)]);
        free(exact);
    }
}
END_TEST

START_TEST(day_and_month_change_places_only_where_nothing_speaks_against_it)
{
    double values[DATE_ORDERS];
    ck_assert_uint_eq(date_read("3/1/2024", 8, values), dmy | mdy);
    ck_assert(values[DATE_MDY] == 1709251200 && date_swap(values[DATE_MDY]) == values[DATE_DMY]);
    ck_assert_uint_eq(date_format_choose(dmy | mdy, "3/1/2024", 8).order, DATE_MDY);
    ck_assert_uint_eq(date_format_choose(dmy | mdy, "3.1.2024", 8).order, DATE_DMY);
    ck_assert_uint_eq(date_format_choose(dmy, "3/1/2024", 8).order, DATE_DMY);
    ck_assert(date_format_choose(dmy | mdy, "3/1/2024", 8).either &&
              !date_format_choose(dmy, "3/1/2024", 8).either);
    ck_assert_uint_eq(date_format_choose(ymd, "2024-1-1", 8).order, DATE_YMD);
}
END_TEST

START_TEST(dates_of_the_years_1_to_9999_come_back)
{
    char text[DATE_TEXT_MAX];
    for (double day = -62135596800 / DATE_DAY; day < 2932896; day += 997) {
        for (int order = 0; order < DATE_ORDERS; order++) {
            struct date_format format = {.order = (enum date_order)order, .separator = "-/."[order]};
            double value = day * DATE_DAY + (order ? 45296.78901 : 0), back = NAN;
            uint32_t n = date_text(value, format, text);
            ck_assert_uint_eq(n, strlen(text));
            ck_assert_msg(date_parse(text, n, format, &back) && fabs(back - value) < 1e-5, "%s", text);
            value = day * DATE_DAY +
                    37800.25; /* a double beyond microseconds has quarters of a second in every year */
            n = date_text(value, format, text);
            ck_assert_msg(date_parse(text, n, format, &back) && back == value, "%s", text);
        }
    }
    ck_assert_int_eq(date_split(1709251200).weekday, 4); /* a Friday */
    ck_assert_int_eq(date_split(-1).weekday, 2);         /* the last second of a Wednesday */
}
END_TEST

/* A table that is damaged behind valid checksums holds any values. */
START_TEST(values_that_no_text_has_are_the_nearest_date)
{
    static const double values[] = {-INFINITY, -1e300, -1e19, 1e19, 1e300, INFINITY, NAN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[DATE_TEXT_MAX];
        struct date_parts parts = date_split(values[i]);
        ck_assert_int_eq(parts.year, values[i] > 0 ? 10000 : 0);
        ck_assert_uint_eq(date_text(values[i], (struct date_format){.separator = '-'}, text), strlen(text));
    }
}
END_TEST

START_TEST(formats_have_names)
{
    char name[DATE_FORMAT_MAX];
    struct date_format format;
    ck_assert(date_format_find("dd.mm.yyyy", &format) && format.order == DATE_DMY && format.separator == '.');
    date_format_text(format, name);
    ck_assert_str_eq(name, "dd.mm.yyyy");
    ck_assert(!date_format_find("dd.mm.yy", &format));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("date");
    TCase *tcase = tcase_create("date");
    tcase_add_test(tcase, texts_have_their_orders_and_values);
    tcase_add_test(tcase, day_and_month_change_places_only_where_nothing_speaks_against_it);
    tcase_add_test(tcase, dates_of_the_years_1_to_9999_come_back);
    tcase_add_test(tcase, values_that_no_text_has_are_the_nearest_date);
    tcase_add_test(tcase, formats_have_names);
    suite_add_tcase(suite, tcase);
    return suite;
}
