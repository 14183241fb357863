/* What is known of damaged tables. */
#include "datasets/damaged_rows.h"
#include "helper_main.h"

#include <check.h>
#include <stdlib.h>

static struct err err;

START_TEST(neighbours_become_one_range_and_what_is_too_much_the_last)
{
    struct damaged_rows rows = {0};
    damaged_rows_add(&rows, 1, 10);
    damaged_rows_add(&rows, 11, 20);
    damaged_rows_add(&rows, 22, 22);
    ck_assert_uint_eq(rows.n, 2);
    ck_assert_uint_eq(rows.ranges[0].last, 20);
    for (uint64_t i = 3; i <= 20; i++)
        damaged_rows_add(&rows, i * 10, i * 10);
    ck_assert_uint_eq(rows.n, DAMAGED_RANGES);
    ck_assert_uint_eq(rows.ranges[DAMAGED_RANGES - 1].first, 80);
    ck_assert_uint_eq(rows.ranges[DAMAGED_RANGES - 1].last, 200);
}
END_TEST

START_TEST(what_is_known_is_news_once_and_goes_when_nothing_is_found)
{
    struct damaged_tables *tables = damaged_tables_new(&err);
    struct damaged_rows none = {0}, some = {0}, got;
    ck_assert_ptr_nonnull(tables);
    damaged_rows_add(&some, 5, 9);
    ck_assert(!damaged_tables_set(tables, 1, &none) && !damaged_tables_get(tables, 1, &got));
    ck_assert(damaged_tables_set(tables, 1, &some) && !damaged_tables_set(tables, 1, &some));
    ck_assert(damaged_tables_set(tables, 2, &some));
    ck_assert(damaged_tables_get(tables, 2, &got) && got.n == 1 && got.ranges[0].first == 5 &&
              got.ranges[0].last == 9);
    damaged_rows_add(&some, 20, 30);
    ck_assert_msg(damaged_tables_set(tables, 1, &some), "more is damaged now");
    ck_assert_uint_eq(damaged_tables_count(tables), 2);
    ck_assert(damaged_tables_set(tables, 1, &none) && !damaged_tables_get(tables, 1, &got));
    ck_assert_uint_eq(got.n, 0);
    ck_assert_uint_eq(damaged_tables_count(tables), 1);
    damaged_tables_free(tables);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("damaged_rows");
    TCase *tcase = tcase_create("damaged_rows");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, neighbours_become_one_range_and_what_is_too_much_the_last);
    tcase_add_test(tcase, what_is_known_is_news_once_and_goes_when_nothing_is_found);
    return suite;
}
