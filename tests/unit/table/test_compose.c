/* A table of rows of other tables is the table that an upload of these rows
 * would be. */
#include "helper_main.h"
#include "helper_table.h"
#include "mlp/compose.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 3000 };
static const char header[] = "byte,small,count,id,long,price,exact,word,day,pointed\n";

/* Row i; from `wild` on, rows need wider types. */
static size_t row_print(char *to, int i, int wild)
{
    bool late = i >= wild;
    size_t n = (size_t)sprintf(to, "%d,%d,%d,%d,%d%09d,", i % 256, i % 100 - 50, late ? 70000 + i : i % 3000,
                               1700000000 + i, late ? 7 : 1, i);
    n += (size_t)(i % 7 ? sprintf(to + n, "%d.%02d,", i % 50, i % 100) : sprintf(to + n, ","));
    return n + (size_t)sprintf(
                   to + n, late ? "%d.123456789,%c%d,2020-01-%02d,%d.0\n" : "%d.25,%c%d,2020-01-%02d,%d.0\n",
                   i % 9, 'a' + i % 5, late, i % 28 + 1, i % 20);
}

static char *rows_print(const uint8_t *parts, uint8_t part, int first, int end, int wild)
{
    char *csv = malloc(ROWS * 100 + 200);
    size_t n = (size_t)sprintf(csv, "%s", header);
    for (int i = first; i < end; i++)
        if (!parts || parts[i] == part)
            n += row_print(csv + n, i, wild);
    return csv;
}

static struct table *table_from(char *csv)
{
    struct reading reading = {.csv = csv, .options.header = 1};
    struct table *table = table_of(&reading);
    unlink(table_path);
    free(csv);
    return table;
}

static struct table *composed(const struct table_rows *sources, uint32_t n)
{
    struct err err = {0};
    ck_assert_msg(table_compose(sources, n, table_path, NULL, &err), "%s", err.msg);
    struct table *table = table_open(table_path, &err);
    ck_assert_msg(table && table_verify(table, &err), "%s", err.msg);
    unlink(table_path);
    return table;
}

static void column_same(const struct column *a, const struct column *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert_msg(a->type == b->type && a->offset == b->offset, "%s: types %d and %d, at %u and %u", a->name,
                  a->type, b->type, a->offset, b->offset);
    ck_assert_uint_eq(a->n_missing, b->n_missing);
    ck_assert_int_eq(a->integer, b->integer);
    ck_assert_msg(a->decimals == b->decimals || a->decimals == COLUMN_DECIMALS_MIXED,
                  /* of a part: as of all */ "%s: %d and %d decimals", a->name, a->decimals, b->decimals);
    ck_assert_uint_eq(a->n_levels, b->n_levels);
    for (uint32_t i = 0; i < a->n_levels; i++) {
        ck_assert_str_eq(a->levels[i], b->levels[i]);
        ck_assert_uint_eq(a->level_rows[i], b->level_rows[i]);
    }
    if (isnan(b->min))
        return;
    ck_assert(a->min == b->min && a->max == b->max);
    ck_assert_double_eq_tol(a->mean, b->mean, 1e-9 * (1 + fabs(b->mean)));
    ck_assert_double_eq_tol(a->stddev, b->stddev, 1e-6 * (1 + b->stddev));
}

/* To the byte of the records. */
static void tables_same(struct table *a, struct table *b)
{
    ck_assert_uint_eq(table_n_rows(a), table_n_rows(b));
    for (uint32_t i = 0; i < table_n_columns(b); i++)
        column_same(table_column(a, i), table_column(b, i));
    ck_assert_uint_eq(table_record_bytes(a), table_record_bytes(b));
    ck_assert_int_eq(memcmp(table_records(a), table_records(b), table_n_rows(a) * table_record_bytes(a)), 0);
    table_unref(a);
    table_unref(b);
}

START_TEST(a_part_is_as_its_upload)
{
    struct table *all = table_from(rows_print(NULL, 0, 0, ROWS, ROWS / 2));
    uint8_t parts[ROWS];
    for (int i = 0; i < ROWS; i++)
        parts[i] = (uint8_t)(i < ROWS / 2 ? i % 3 == 0 : 2);
    for (uint8_t part = 0; part < 3; part++) {
        struct table_rows rows = {all, parts, part};
        tables_same(composed(&rows, 1), table_from(rows_print(parts, part, 0, ROWS, ROWS / 2)));
    }
    table_unref(all);
}
END_TEST

START_TEST(one_behind_another_is_as_the_upload_of_both)
{
    static const int edges[] = {1, 10, ROWS / 2, ROWS / 2 + 1, ROWS - 1};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        struct table *first = table_from(rows_print(NULL, 0, 0, edges[i], ROWS / 2)),
                     *second = table_from(rows_print(NULL, 0, edges[i], ROWS, ROWS / 2));
        ck_assert(tables_match(first, second));
        struct table_rows rows[] = {{.table = first}, {.table = second}};
        tables_same(composed(rows, 2), table_from(rows_print(NULL, 0, 0, ROWS, ROWS / 2)));
        table_unref(first);
        table_unref(second);
    }
}
END_TEST

static struct table *small_table(const char *csv)
{
    struct reading reading = {.csv = csv, .options.header = 1};
    struct table *table = table_of(&reading);
    unlink(table_path);
    return table;
}

START_TEST(what_does_not_match_is_told)
{
    struct table *numbers = small_table("a,b\n1,x\n"), *wide = small_table("a,b\n0.5,y\n"),
                 *texts = small_table("a,b\nz,x\n"), *names = small_table("a,c\n1,x\n"),
                 *more = small_table("a,b,c\n1,x,2\n");
    ck_assert(tables_match(numbers, wide) && tables_match(wide, numbers));
    ck_assert(!tables_match(numbers, texts) && !tables_match(numbers, names) && !tables_match(numbers, more));
    table_unref(numbers);
    table_unref(wide);
    table_unref(texts);
    table_unref(names);
    table_unref(more);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("compose");
    TCase *tests = tcase_create("compose");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_part_is_as_its_upload);
    tcase_add_test(tests, one_behind_another_is_as_the_upload_of_both);
    tcase_add_test(tests, what_does_not_match_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
