/* The order of an epoch's rows: every row once, another order each epoch, and
 * of a large table only so many places at a time. */
#include "helper_main.h"
#include "train/private.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 100000, GROUP = 100, WINDOW_GROUPS = 64 };

/* An order and what it is drawn from: the rows 0, 2, 4 ... */
struct drawn {
    struct trainer_config config;
    struct order order;
};

static struct drawn drawn_make(uint64_t n_rows, uint64_t group_rows)
{
    struct drawn d = {.config.options = {.seed = 5, .shuffle = true},
                      .order.group_rows = group_rows,
                      .order.n_groups = (uint32_t)((n_rows + group_rows - 1) / group_rows)};
    uint32_t *rows = malloc(n_rows * sizeof *rows);
    d.order.rows = malloc(n_rows * sizeof *d.order.rows);
    d.order.groups = malloc(d.order.n_groups * sizeof *d.order.groups);
    ck_assert(rows && d.order.rows && d.order.groups);
    for (uint64_t i = 0; i < n_rows; i++)
        rows[i] = (uint32_t)(2 * i);
    d.config.train = (struct rows){.rows = rows, .n_rows = n_rows};
    return d;
}

static void drawn_done(struct drawn *d)
{
    free((void *)(uintptr_t)d->config.train.rows);
    order_done(&d->order);
}

static void check_each_once(const struct drawn *d)
{
    uint8_t *seen = calloc(d->config.train.n_rows, 1);
    ck_assert_ptr_nonnull(seen);
    for (uint64_t i = 0; i < d->config.train.n_rows; i++) {
        ck_assert_msg(d->order.rows[i] % 2 == 0 && d->order.rows[i] / 2 < d->config.train.n_rows, "row %u",
                      d->order.rows[i]);
        if (seen[d->order.rows[i] / 2]++)
            ck_abort_msg("row %u twice", d->order.rows[i]);
    }
    free(seen);
}

START_TEST(every_row_comes_once_in_an_order_of_its_own_each_epoch)
{
    static const uint64_t sizes[] = {1, 2, GROUP, GROUP * WINDOW_GROUPS, GROUP * WINDOW_GROUPS + 1, 54321};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct drawn d = drawn_make(sizes[i], GROUP);
        order_draw(&d.order, &d.config, 0);
        check_each_once(&d);
        uint32_t *first = malloc(sizes[i] * sizeof *first);
        ck_assert_ptr_nonnull(first);
        memcpy(first, d.order.rows, sizes[i] * sizeof *first);
        order_draw(&d.order, &d.config, 1);
        ck_assert(sizes[i] <= 2 || memcmp(first, d.order.rows, sizes[i] * sizeof *first) != 0);
        order_draw(&d.order, &d.config, 0);
        ck_assert(memcmp(first, d.order.rows, sizes[i] * sizeof *first) == 0);
        free(first);
        drawn_done(&d);
    }
}
END_TEST

START_TEST(a_large_table_is_read_a_window_at_a_time)
{
    struct drawn d = drawn_make(ROWS, GROUP);
    order_draw(&d.order, &d.config, 3);
    for (uint64_t at = 0; at < ROWS; at += GROUP * WINDOW_GROUPS) {
        uint8_t touched[ROWS / GROUP] = {0};
        uint32_t n_groups = 0, n_neighbours = 0;
        uint64_t end = at + GROUP * WINDOW_GROUPS < ROWS ? at + GROUP * WINDOW_GROUPS : ROWS;
        for (uint64_t i = at; i < end; i++) {
            uint32_t group = d.order.rows[i] / 2 / GROUP;
            n_groups += touched[group]++ == 0;
            n_neighbours += i > at && d.order.rows[i] == d.order.rows[i - 1] + 2;
        }
        ck_assert_uint_le(n_groups, WINDOW_GROUPS);
        ck_assert_uint_le(n_neighbours, 20); /* by chance about one */
    }
    drawn_done(&d);
}
END_TEST

START_TEST(a_table_that_fits_a_window_is_shuffled_as_a_whole)
{
    struct drawn a = drawn_make(5000, GROUP), b = drawn_make(5000, 1000000);
    order_draw(&a.order, &a.config, 2);
    order_draw(&b.order, &b.config, 2);
    ck_assert(memcmp(a.order.rows, b.order.rows, 5000 * sizeof *a.order.rows) == 0);
    drawn_done(&a);
    drawn_done(&b);
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
