/* The order of an epoch's rows: every row once, another order each epoch, and
 * of a large table only so many places at a time. */
#include "helper_main.h"
#include "train/private.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 100000, GROUP = 100, WINDOW_GROUPS = 64 };

/* A trainer as far as order_draw needs it; the rows are 0, 2, 4 ... */
static struct trainer *trainer_of(uint64_t n_rows, uint64_t group_rows)
{
    struct trainer *t = aligned_alloc(CACHE_LINE, (sizeof *t + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    uint32_t *rows = malloc(n_rows * sizeof *rows);
    ck_assert(t && rows);
    memset(t, 0, sizeof *t);
    for (uint64_t i = 0; i < n_rows; i++)
        rows[i] = (uint32_t)(2 * i);
    t->train = (struct rows){.rows = rows, .n_rows = n_rows};
    t->options = (struct train_options){.seed = 5, .shuffle = true};
    t->group_rows = group_rows;
    t->n_groups = (uint32_t)((n_rows + group_rows - 1) / group_rows);
    t->order = malloc(n_rows * sizeof *t->order);
    t->groups = malloc(t->n_groups * sizeof *t->groups);
    ck_assert(t->order && t->groups);
    return t;
}

static void trainer_done(struct trainer *t)
{
    free((void *)(uintptr_t)t->train.rows);
    free(t->order);
    free(t->groups);
    free(t);
}

static void check_each_once(const struct trainer *t)
{
    uint8_t *seen = calloc(t->train.n_rows, 1);
    ck_assert_ptr_nonnull(seen);
    for (uint64_t i = 0; i < t->train.n_rows; i++) {
        ck_assert_msg(t->order[i] % 2 == 0 && t->order[i] / 2 < t->train.n_rows, "row %u", t->order[i]);
        if (seen[t->order[i] / 2]++)
            ck_abort_msg("row %u twice", t->order[i]);
    }
    free(seen);
}

START_TEST(every_row_comes_once_in_an_order_of_its_own_each_epoch)
{
    static const uint64_t sizes[] = {1, 2, GROUP, GROUP * WINDOW_GROUPS, GROUP * WINDOW_GROUPS + 1, 54321};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct trainer *t = trainer_of(sizes[i], GROUP);
        order_draw(t, 0);
        check_each_once(t);
        uint32_t *first = malloc(sizes[i] * sizeof *first);
        ck_assert_ptr_nonnull(first);
        memcpy(first, t->order, sizes[i] * sizeof *first);
        order_draw(t, 1);
        ck_assert(sizes[i] <= 2 || memcmp(first, t->order, sizes[i] * sizeof *first) != 0);
        order_draw(t, 0);
        ck_assert(memcmp(first, t->order, sizes[i] * sizeof *first) == 0);
        free(first);
        trainer_done(t);
    }
}
END_TEST

START_TEST(a_large_table_is_read_a_window_at_a_time)
{
    struct trainer *t = trainer_of(ROWS, GROUP);
    order_draw(t, 3);
    for (uint64_t at = 0; at < ROWS; at += GROUP * WINDOW_GROUPS) {
        uint8_t touched[ROWS / GROUP] = {0};
        uint32_t n_groups = 0, n_neighbours = 0;
        uint64_t end = at + GROUP * WINDOW_GROUPS < ROWS ? at + GROUP * WINDOW_GROUPS : ROWS;
        for (uint64_t i = at; i < end; i++) {
            uint32_t group = t->order[i] / 2 / GROUP;
            n_groups += touched[group]++ == 0;
            n_neighbours += i > at && t->order[i] == t->order[i - 1] + 2;
        }
        ck_assert_uint_le(n_groups, WINDOW_GROUPS);
        ck_assert_uint_le(n_neighbours, 20); /* by chance about one */
    }
    trainer_done(t);
}
END_TEST

START_TEST(a_table_that_fits_a_window_is_shuffled_as_a_whole)
{
    struct trainer *a = trainer_of(5000, GROUP), *b = trainer_of(5000, 1000000);
    order_draw(a, 2);
    order_draw(b, 2);
    ck_assert(memcmp(a->order, b->order, 5000 * sizeof *a->order) == 0);
    trainer_done(a);
    trainer_done(b);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("order");
    TCase *tests = tcase_create("order");
    tcase_add_test(tests, every_row_comes_once_in_an_order_of_its_own_each_epoch);
    tcase_add_test(tests, a_large_table_is_read_a_window_at_a_time);
    tcase_add_test(tests, a_table_that_fits_a_window_is_shuffled_as_a_whole);
    suite_add_tcase(suite, tests);
    return suite;
}
