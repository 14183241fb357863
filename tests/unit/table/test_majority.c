/* What a column is, by the majority of its values: a few odd ones become missing,
 * wherever they stand, and what all share in writing is read. */
#include "helper_main.h"
#include "helper_table.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 2000 };

/* A column x of ROWS numbers, `n_odd` of them `odd`, from row `first` on, each
 * `step` rows. */
static char *column_make(const char *usual, const char *odd, uint32_t first, uint32_t step, uint32_t n_odd)
{
    char *csv = malloc(ROWS * 32), *to = csv + sprintf(csv, "x,y\n");
    for (uint32_t row = 0; row < ROWS; row++) {
        bool is_odd = row >= first && (row - first) % step == 0 && (row - first) / step < n_odd;
        to += is_odd ? sprintf(to, "\"%s\",1\n", odd) : sprintf(to, usual, row % 90 + 10);
    }
    return csv;
}

static struct table *table_with(const char *csv, size_t chunk, uint32_t n_threads, struct reading *reading)
{
    *reading = (struct reading){
        .csv = csv, .options.n_threads = n_threads, .sizes = {chunk, 1 << 14, 300}, .options.header = 1};
    return table_of(reading);
}

START_TEST(few_odd_values_are_missing_wherever_they_stand)
{
    static const struct {
        uint32_t first, step, n;
        bool number;
    } cases[] = {{0, 1, 1, true},    {0, 1, 20, true},    {1980, 1, 20, true}, {777, 1, 1, true},
                 {0, 100, 20, true}, {0, 1, 21, false},   {0, 90, 21, false},  {1900, 1, 100, false},
                 {5, 3, 20, true},   {300, 1, 400, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t threads = 1; threads < 4; threads += 2) {
            char *csv = column_make("%u.5,1\n", "7O.2", cases[i].first, cases[i].step, cases[i].n);
            struct reading reading;
            struct table *table = table_with(csv, threads == 1 ? 1000 : 5000, threads, &reading);
            const struct column *x = table_column(table, 0);
            ck_assert_msg(column_is_number(x) == cases[i].number, "case %zu: type %d", i, x->type);
            ck_assert_uint_eq(x->n_missing, cases[i].number ? cases[i].n : 0);
            const struct csv_done *odd = &reading.report.done[DEED_ODD_CELL];
            ck_assert_uint_eq(odd->n, cases[i].number ? cases[i].n : 0);
            if (cases[i].number) {
                ck_assert_uint_eq(odd->first[0].row, cases[i].first + 1);
                ck_assert_str_eq(odd->first[0].text, "7O.2");
                ck_assert_str_eq(odd->first[0].column, "x");
                ck_assert(isnan(table_value(table, 0, cases[i].first)));
            }
            table_unref(table);
            free(csv);
        }
}
END_TEST

START_TEST(one_in_twenty_of_a_small_column_may_be_odd)
{
    static const struct {
        uint32_t rows, odd;
        bool number;
    } cases[] = {{10, 1, false}, {20, 1, true},  {40, 2, true},
                 {39, 2, false}, {500, 3, true}, {500, 4, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char csv[10000] = "x,y\n", *to = csv + 4;
        for (uint32_t row = 0; row < cases[i].rows; row++)
            to += row < cases[i].odd ? sprintf(to, "odd,1\n") : sprintf(to, "%u.5,1\n", row);
        struct reading reading;
        struct table *table = table_with(csv, 1 << 16, 1, &reading);
        ck_assert_msg(column_is_number(table_column(table, 0)) == cases[i].number, "case %zu", i);
        table_unref(table);
    }
}
END_TEST

/* The column's values, as numbers or dates, and its type. */
static void check_values(const char *rows, enum column_type type, const double *values, size_t n)
{
    char csv[4000];
    struct reading reading;
    snprintf(csv, sizeof csv, "x;y\n%s", rows);
    reading = (struct reading){.csv = csv, .options = {.header = 1, .separator = ';'}};
    struct table *table = table_of(&reading);
    const struct column *column = table_column(table, 0);
    bool number = type == COLUMN_NUMBER && column_is_number(column);
    ck_assert_msg(number || column->type == type, "%s: type %d", rows, column->type);
    for (size_t i = 0; i < n; i++) {
        double value = type == COLUMN_DATE ? table_date(table, 0, i) : table_value(table, 0, i);
        ck_assert_msg((isnan(values[i]) && isnan(value)) || fabs(value - values[i]) <= 1e-6 * fabs(values[i]),
                      "%s: row %zu is %.9g", rows, i, value);
    }
    table_unref(table);
}

START_TEST(what_numbers_share_in_writing_is_read)
{
    static const struct {
        const char *rows;
        double values[4];
    } cases[] = {
        {"$1,137.00;1\n$5.00;2\n-$2.50;3\n", {1137, 5, -2.5}},
        {"1,137.5;1\n12;2\n3,411;3\n", {1137.5, 12, 3411}},
        {"1.137,00 \xe2\x82\xac;1\n5,00 \xe2\x82\xac;2\n", {1137, 5}},
        {"5 %;1\n12.5 %;2\n0 %;3\n", {5, 12.5, 0}},
        {"12 kg;1\n3.5 kg;2\n", {12, 3.5}},
        {"40 \xc2\xb0"
         "C;1\n-3 \xc2\xb0"
         "C;2\n",
         {40, -3}},
        {"($5.00);1\n$7.00;2\n", {-5, 7}},
        {"5;1\n<1;2\n7;3\n9;4\n", {5, 1, 7, 9}},
        {"1 137,5;1\n12,25;2\n", {1137.5, 12.25}},
        {"1'137.5;1\n12;2\n", {1137.5, 12}},
        {"1,00,000;1\n12,000;2\n", {100000, 12000}},
        {"--;1\n5;2\n--;3\n7;4\n", {NAN, 5, NAN, 7}},
        {"5;1\nnone;2\n7;3\n", {5, NAN, 7}},
        {"5;1\n#DIV/0!;2\n7;3\n", {5, NAN, 7}},
        {"5;1\ninf;2\n7;3\n", {5, NAN, 7}},
        {"0.5;1\n0;2\n10;3\n", {0.5, 0, 10}},
        {"00.5;1\n01.5;2\n", {0.5, 1.5}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = 0;
        for (const char *c = cases[i].rows; *c; c++)
            n += *c == '\n';
        check_values(cases[i].rows, COLUMN_NUMBER, cases[i].values, n);
    }
}
END_TEST

START_TEST(points_set_apart_thousands_where_a_column_has_decimal_commas)
{
    static const struct {
        const char *csv, *expected;
    } cases[] = {
        {"a;b;c\n1.001;2,5;x\n12.002;3,25;y\n", "a:n b:n c:c/1001 2.5 <x>/12002 3.25 <y>/"},
        {"a;b;c\n1.125;2,5;x\n1.25;3,25;y\n", "a:n b:n c:c/1.125 2.5 <x>/1.25 3.25 <y>/"},
        {"a;b;c\n1.125;2.5;x\n12.375;3.25;y\n", "a:n b:n c:c/1.125 2.5 <x>/12.375 3.25 <y>/"},
        {"a,2019,2020\nN,\"18,210\",\"21,344\"\nE,\"9,120\",\"3,088\"\n",
         "a:c 2019:n 2020:n/<N> 18210 21344/<E> 9120 3088/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading = {.csv = cases[i].csv};
        check_text(&reading, cases[i].expected);
    }
}
END_TEST

START_TEST(times_and_periods_are_dates)
{
    check_values("07:45;1\n23:10;2\n", COLUMN_DATE, (double[]){27900, 83400}, 2);
    check_values("2024-03;1\n2024-04;2\n", COLUMN_DATE, (double[]){1709251200, 1711929600}, 2);
    check_values("2024Q2;1\n2024Q2;2\n", COLUMN_DATE, (double[]){1711929600, 1711929600}, 2);
    check_values("01.03.2024;1\n--;2\n02.03.2024;3\n", COLUMN_DATE, (double[]){1709251200, NAN, 1709337600},
                 3);
}
END_TEST

START_TEST(texts_stay_texts)
{
    static const char *const columns[] = {"007;1\n12;2\n",
                                          "01;1\n02;2\n",
                                          "12A;1\n3B;2\n",
                                          "$5;1\n\xe2\x82\xac"
                                          "5;2\n",
                                          "<=50K;1\n>50K;2\n",
                                          "<5;1\n>5;2\n",
                                          "5 kg;1\n3 lb;2\n",
                                          "none;1\nlow;2\n",
                                          "+;1\n-;2\n++;3\n",
                                          "1st;1\n2nd;2\n",
                                          "ja;1\nnein;2\n",
                                          "18-25;1\n26-35;2\n",
                                          "a;1\n5;2\n",
                                          "2024-03;1\n07:45;2\n"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        check_values(columns[i], COLUMN_CATEGORY, NULL, 0);
}
END_TEST

START_TEST(a_head_of_other_values_decides_nothing)
{
    char *csv = column_make("%u,1\n", "07:45", 0, 1, 400); /* more than the head, less than most, too many */
    struct reading reading;
    struct table *table = table_with(csv, 3000, 2, &reading);
    ck_assert_int_eq(table_column(table, 0)->type, COLUMN_CATEGORY);
    table_unref(table);
    free(csv);
    csv = column_make("\"%u,500\",1\n", "77", 0, 1, 400); /* thousands only below the head */
    table = table_with(csv, 3000, 2, &reading);
    ck_assert(column_is_number(table_column(table, 0)) && table_value(table, 0, 400) == 50500);
    table_unref(table);
    free(csv);
    csv = column_make("\"%u,500,000\",1\n", "77", 1900, 1, 100);
    table = table_with(csv, 3000, 2, &reading);
    ck_assert(column_is_number(table_column(table, 0)) && table_value(table, 0, 0) == 10500000);
    table_unref(table);
    free(csv);
    csv = column_make("\"%u,5\",1\n", "77", 0, 1, 400); /* decimal commas only below the head */
    table = table_with(csv, 3000, 2, &reading);
    ck_assert(column_is_number(table_column(table, 0)) && table_value(table, 0, 400) == 50.5);
    table_unref(table);
    free(csv);
    csv = column_make("0%u,1\n", "77", 0, 1, 400); /* codes only below the head */
    table = table_with(csv, 3000, 2, &reading);
    ck_assert_int_eq(table_column(table, 0)->type, COLUMN_CATEGORY);
    table_unref(table);
    free(csv);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("majority");
    TCase *tests = tcase_create("majority");
    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_test(tests, few_odd_values_are_missing_wherever_they_stand);
    tcase_add_test(tests, one_in_twenty_of_a_small_column_may_be_odd);
    tcase_add_test(tests, what_numbers_share_in_writing_is_read);
    tcase_add_test(tests, points_set_apart_thousands_where_a_column_has_decimal_commas);
    tcase_add_test(tests, times_and_periods_are_dates);
    tcase_add_test(tests, texts_stay_texts);
    tcase_add_test(tests, a_head_of_other_values_decides_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
