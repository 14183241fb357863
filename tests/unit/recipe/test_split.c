/* Splits: each class has its share of every part, to the row. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "mlp/split.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

/* n[i] rows of class i ('a', 'b', ...), mixed, and `n_missing` without one. */
static struct table *classes_make(const uint32_t *n, uint32_t n_classes, uint32_t n_missing)
{
    struct text text;
    FILE *out = text_open(&text);
    uint32_t left[26], all = n_missing, state = 1;
    for (uint32_t c = 0; c < n_classes; c++)
        all += left[c] = n[c];
    left[n_classes] = n_missing;
    fprintf(out, "x,y\n");
    for (; all > 0; all--) {
        state = state * 1664525u + 1013904223u;
        uint32_t at = (uint32_t)((uint64_t)state * all >> 32), c = 0;
        while (at >= left[c])
            at -= left[c++];
        left[c]--;
        fprintf(out, "%u,%c\n", state % 1000, c == n_classes ? ' ' : (int)('a' + c));
    }
    struct table *table = table_of_text(text_close(&text), 1);
    free(text.bytes);
    return table;
}

static uint8_t *parts_of(const struct table *table, double test, double validation, uint64_t seed)
{
    uint8_t *parts = malloc(table_n_rows(table));
    bool ok = rows_split(table, &(struct recipe_options){.target = "y"},
                         &(struct split){test, validation, seed}, parts, &err);
    ck_assert_msg(ok, "%s", err.msg);
    return parts;
}

/* counts (26, 3): rows of each class in each part; a missing target counts
 * under 25. */
static void count(const struct table *table, const uint8_t *parts, uint32_t counts[26][3])
{
    memset(counts, 0, 26 * 3 * sizeof counts[0][0]);
    for (uint64_t row = 0; row < table_n_rows(table); row++) {
        uint32_t level = table_level(table, 1, row);
        counts[level == TABLE_MISSING ? 25 : table_column(table, 1)->levels[level][0] - 'a'][parts[row]]++;
    }
}

START_TEST(every_class_has_its_share_of_every_part)
{
    static const uint32_t n[] = {501, 97, 33, 12, 7};
    struct table *table = classes_make(n, 5, 50);
    uint32_t counts[26][3], n_test = 0, n_validation = 0;
    uint8_t *parts = parts_of(table, 0.2, 0.25, (uint64_t)_i);
    count(table, parts, counts);
    for (int c = 0; c < 5; c++) {
        double test = 0.2 * n[c], validation = 0.25 * (n[c] - counts[c][PART_TEST]);
        ck_assert_msg(fabs(counts[c][PART_TEST] - test) < 1 &&
                          fabs(counts[c][PART_VALIDATION] - validation) < 1,
                      "%c: %u, %u", 'a' + c, counts[c][PART_TEST], counts[c][PART_VALIDATION]);
        n_test += counts[c][PART_TEST];
        n_validation += counts[c][PART_VALIDATION];
    }
    ck_assert_uint_eq(n_test, 130); /* of the 650 that have a class */
    ck_assert_uint_eq(n_validation, 130);
    ck_assert_uint_eq(counts[25][PART_TRAIN], 50);
    uint8_t *again = parts_of(table, 0.2, 0.25, (uint64_t)_i), *other = parts_of(table, 0.2, 0.25, 99);
    ck_assert_mem_eq(parts, again, table_n_rows(table));
    ck_assert_mem_ne(parts, other, table_n_rows(table));
    free(parts);
    free(again);
    free(other);
    table_unref(table);
}
END_TEST

START_TEST(a_class_of_few_rows_is_trained_on)
{
    static const uint32_t n[] = {40, 1, 2, 3};
    struct table *table = classes_make(n, 4, 0);
    uint32_t counts[26][3];
    uint8_t *parts = parts_of(table, 0.4, 0.5, 7);
    count(table, parts, counts);
    for (int c = 0; c < 4; c++)
        ck_assert_msg(counts[c][PART_TRAIN] >= 1, "%c is trained on", 'a' + c);
    ck_assert_uint_eq(counts[1][PART_TRAIN], 1);
    free(parts);
    table_unref(table);
}
END_TEST

START_TEST(numbers_are_one_lot)
{
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "x,y\n");
    for (int i = 0; i < 200; i++)
        fprintf(out, "%d,%.2f\n", i, i * 0.37);
    struct table *table = table_of_text(text_close(&text), 1);
    free(text.bytes);
    uint8_t *parts = parts_of(table, 0.1, 0.1, 3);
    uint32_t n[3] = {0};
    for (int i = 0; i < 200; i++)
        n[parts[i]]++;
    ck_assert(n[PART_TEST] == 20 && n[PART_VALIDATION] == 18 && n[PART_TRAIN] == 162);
    ck_assert(!rows_split(table, &(struct recipe_options){.target = "y"}, &(struct split){0.6, 0.999, 1},
                          parts, &err));
    ck_assert_str_eq(err.field, "validation_split");
    free(parts);
    table_unref(table);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("split");
    TCase *tc = tcase_create("split");
    tcase_add_loop_test(tc, every_class_has_its_share_of_every_part, 0, 5);
    tcase_add_test(tc, a_class_of_few_rows_is_trained_on);
    tcase_add_test(tc, numbers_are_one_lot);
    suite_add_tcase(suite, tc);
    return suite;
}
