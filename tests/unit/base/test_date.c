/* Dates as texts: what is one, in which order, and back. Values by GNU date. */
#include "helper_main.h"
#include "mlp/date.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t ymd = 1u << DATE_YMD, dmy = 1u << DATE_DMY, mdy = 1u << DATE_MDY;

enum { month = 1 << DATE_MONTH, quarter = 1 << DATE_QUARTER, week = 1 << DATE_WEEK, hours = 1 << DATE_TIME };

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
    {"2024-03", month, 1709251200},
    {"2024-13", 0, 0},
    {"2024/03", month, 1709251200},
    {"03/2024", month, 1709251200},
    {"3-2024", month, 1709251200},
    {"Mar 2024", month, 1709251200},
    {"March 2024", month, 1709251200},
    {"Mar-24", month, 1709251200},
    {"Mar '24", month, 1709251200},
    {"Mar 24", 0, 0},
    {"2024 Mar", month, 1709251200},
    {"2024M03", month, 1709251200},
    {"2024-M03", month, 1709251200},
    {"13/2024", 0, 0},
    {"2024Q2", quarter, 1711929600},
    {"2024-Q2", quarter, 1711929600},
    {"2024 q2", quarter, 1711929600},
    {"Q2 2024", quarter, 1711929600},
    {"Q2/2024", quarter, 1711929600},
    {"2Q2024", quarter, 1711929600},
    {"2024Q5", 0, 0},
    {"Q0 2024", 0, 0},
    {"2024Q22", 0, 0},
    {"2019-W07", week, 1549843200},
    {"2019W07", week, 1549843200},
    {"2019-W07-3", week, 1550016000},
    {"2019W073", week, 1550016000},
    {"2020-W53-7", week, 1609632000},
    {"2019-W53", 0, 0},
    {"2019-W00", 0, 0},
    {"2019-W07-8", 0, 0},
    {"2021-W01", week, 1609718400},
    {"07:45", hours, 27900},
    {"7:45", hours, 27900},
    {"07:45:30", hours, 27930},
    {"07:45:30.25", hours, 27930.25},
    {"7:45 pm", hours, 71100},
    {"7:45PM", hours, 71100},
    {"12:05 AM", hours, 300},
    {"00:00", hours, 0},
    {"24:00", 0, 0},
    {"7:60", 0, 0},
    {"13:00 pm", 0, 0},
    {"7:5", 0, 0},
    {"123:45", 0, 0},
    {"20240301T1230Z", 1, 1709296200},
    {"20240301T123030", 1, 1709296230},
    {"20240301T1230+0200", 1, 1709289000},
    {"20240301T12", 0, 0},
    {"20241301T1230", 0, 0},
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
        for (int order = 0; order <= DATE_MDY; order++) {
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
    static const char *const names[] = {
        "yyyy-mm-dd",       "d.m.yyyy",         "mm/dd/yy",       "dd mmm yyyy",
        "d-mmm-yy",         "mmmm d, yyyy",     "yyyymmdd",       "yyyy-mm-ddThh:mm:ssZ",
        "yyyy-mm-dd hh:mm", "m/d/yyyy h:mm AM", "yyyymmddThhmmZ", "hh:mm",
        "h:mm:ss AM",       "yyyy-mm",          "mm/yyyy",        "mmm yyyy",
        "mmm-yy",           "yyyyMmm",          "yyyyQq",         "Qq yyyy",
        "qQyyyy",           "yyyy-Www",         "yyyy-Www-d"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_msg(date_format_find(names[i], &format), "%s", names[i]);
        date_format_text(format, name);
        ck_assert_str_eq(name, names[i]);
    }
    static const char *const others[] = {"", "dd", "dd.mm.yyy", "yyyy-mm-dd ", "hh", "yyyy-dd", "Www"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!date_format_find(others[i], &format), "%s", others[i]);
}
END_TEST

/* A column of this text alone. */
START_TEST(dates_are_written_as_they_were)
{
    static const char *const texts[] = {"2024-03-01",
                                        "2024-3-1",
                                        "01.03.2024",
                                        "1.3.2024",
                                        "3/1/2024",
                                        "3/1/24",
                                        "12/31/99",
                                        "1 Mar 2024",
                                        "01-Mar-24",
                                        "March 1, 2024",
                                        "Mar 1, 2024",
                                        "2024-03-01T12:30:00",
                                        "2024-03-01 12:30",
                                        "2024-03-01T00:00:00Z",
                                        "2024-03-01 00:00",
                                        "3/1/2024 2:30 PM",
                                        "3/1/2024 12:05:07 AM",
                                        "2024-03-01 12:30:00.5",
                                        "20240301T1230Z",
                                        "20240301T123030",
                                        "07:45",
                                        "7:45",
                                        "07:45:30",
                                        "7:45 PM",
                                        "12:00 AM",
                                        "07:45:30.25",
                                        "2024-03",
                                        "2024/03",
                                        "03/2024",
                                        "3/2024",
                                        "Mar 2024",
                                        "March 2024",
                                        "Mar-24",
                                        "2024M03",
                                        "2024-M03",
                                        "2024Q2",
                                        "2024-Q2",
                                        "Q2 2024",
                                        "2Q2024",
                                        "2019-W07",
                                        "2019W07",
                                        "2019-W07-3",
                                        "2020-W53-7",
                                        "May 2024",
                                        "1 May 2024"};
    char text[DATE_TEXT_MAX], name[DATE_FORMAT_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct date_reading reading;
        size_t n = strlen(texts[i]);
        ck_assert_msg(date_examine(texts[i], n, false, &reading) != 0, "%s", texts[i]);
        struct date_format format = date_format_make(reading.orders, reading.separator, reading.seen), found;
        ck_assert_uint_eq(date_text(reading.values[format.order], format, text), strlen(text));
        ck_assert_str_eq(text, texts[i]);
        date_format_text(format, name); /* files keep the name */
        ck_assert_msg(date_format_find(name, &found), "%s: %s", texts[i], name);
        date_text(reading.values[format.order], found, text);
        ck_assert_str_eq(text, texts[i]);
    }
}
END_TEST

START_TEST(a_style_that_not_all_share_is_none)
{
    static const struct {
        const char *texts[3];
        const char *name;
    } columns[] = {{{"1.3.2024", "02.03.2024", "12.12.2024"}, "dd.mm.yyyy"},
                   {{"1.3.2024", "12.12.2024", "2.3.2024"}, "d.m.yyyy"},
                   {{"2024-03-01", "2024-03-01 12:30", "2024-03-02"}, "yyyy-mm-dd"},
                   {{"7:45", "07:45:30", "19:00"}, "hh:mm"},
                   {{"May 2024", "Jun 2024", "Jul 2024"}, "mmm yyyy"},
                   {{"May 2024", "June 2024", "July 2024"}, "mmmm yyyy"}};
    char name[DATE_FORMAT_MAX];
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        uint32_t orders = UINT32_MAX, seen = 0;
        struct date_reading reading;
        for (int j = 0; j < 3; j++) {
            orders &= date_examine(columns[i].texts[j], strlen(columns[i].texts[j]), false, &reading);
            seen |= reading.seen;
        }
        date_format_text(date_format_make(orders, reading.separator, seen), name);
        ck_assert_str_eq(name, columns[i].name);
    }
}
END_TEST

START_TEST(eight_digits_are_a_date_only_when_asked)
{
    struct date_reading reading;
    ck_assert_uint_eq(date_examine("20240301", 8, false, &reading), 0);
    ck_assert_uint_eq(date_examine("20240301", 8, true, &reading), ymd);
    ck_assert(reading.values[DATE_YMD] == 1709251200);
    ck_assert_uint_eq(date_examine("20241301", 8, true, &reading), 0);
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
    tcase_add_test(tcase, dates_are_written_as_they_were);
    tcase_add_test(tcase, a_style_that_not_all_share_is_none);
    tcase_add_test(tcase, eight_digits_are_a_date_only_when_asked);
    suite_add_tcase(suite, tcase);
    return suite;
}
