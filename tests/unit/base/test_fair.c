/* The service threads' queue: in which order tasks start, by whose they are and
 * what they take. Time is made up. */
#include "base/executor.h"
#include "base/fair.h"
#include "helper_main.h"

#include <check.h>
#include <stdlib.h>

#define MS 1000000u
#define MANY 64

static struct fair *fair;
static struct work_item items[MANY];
static uint32_t n_items;

static void setup(uint32_t n_threads, uint32_t n_kept)
{
    free(fair);
    fair = calloc(1, sizeof *fair);
    ck_assert_ptr_nonnull(fair);
    fair_init(fair, n_threads, n_kept);
    n_items = 0;
}

static void teardown(void)
{
    free(fair);
    fair = NULL;
}

static struct work_item *put(uint32_t client, uint32_t kind)
{
    struct work_item *item = &items[n_items++];
    *item = (struct work_item){.client = client, .kind = kind};
    fair_put(fair, item);
    return item;
}

/* The next task is this one, and takes so long. */
static void run(const struct work_item *expected, uint32_t took_ms)
{
    struct fair_task task = fair_take(fair);
    ck_assert_ptr_eq(task.item, expected);
    fair_end(fair, &task, (uint64_t)took_ms * MS);
}

START_TEST(one_flow_is_first_in_first_out)
{
    setup(2, 0);
    struct work_item *a = put(1, 1), *b = put(1, 1), *c = put(1, 1);
    run(a, 5);
    run(b, 5);
    run(c, 5);
    ck_assert_ptr_null(fair_take(fair).item);
    ck_assert_uint_eq(fair->n_waiting + fair->n_running, 0);
}
END_TEST

START_TEST(a_client_with_one_task_does_not_wait_for_one_with_many)
{
    setup(4, 0);
    struct work_item *first[10];
    for (int i = 0; i < 10; i++)
        first[i] = put(1, 1);
    run(first[0], 100);
    struct work_item *other = put(2, 1);
    run(other, 100);
    run(first[1], 100);
}
END_TEST

START_TEST(clients_share_the_time_not_the_tasks)
{
    setup(2, 0);
    uint32_t n[3] = {0};
    for (int i = 0; i < 30; i++) {
        put(1, 1); /* 30 ms each */
        put(2, 1); /* 10 ms each */
    }
    for (int i = 0; i < 32; i++) {
        struct fair_task task = fair_take(fair);
        uint32_t client = task.item->client;
        n[client]++;
        fair_end(fair, &task, client == 1 ? 30 * MS : 10 * MS);
    }
    ck_assert_uint_ge(n[2], 2 * n[1]);
    ck_assert_uint_ge(n[1], 6);
}
END_TEST

START_TEST(a_clients_quick_kind_comes_before_its_slow_one)
{
    setup(4, 0);
    struct work_item *slow[3] = {put(1, 1), put(1, 1), put(1, 1)};
    run(slow[0], 1000);
    struct work_item *quick = put(1, 2);
    run(quick, 1);
    run(slow[1], 1000);
    run(slow[2], 1000);
}
END_TEST

START_TEST(no_flow_takes_the_last_thread)
{
    setup(4, 0);
    struct fair_task running[3];
    for (int i = 0; i < 8; i++)
        put(1, 1);
    for (int i = 0; i < 3; i++) {
        running[i] = fair_take(fair);
        ck_assert_ptr_nonnull(running[i].item);
    }
    ck_assert_ptr_null(fair_take(fair).item);
    struct work_item *other = put(1, 2);
    run(other, 1);
    fair_end(fair, &running[0], 100 * MS);
    ck_assert_ptr_nonnull(fair_take(fair).item);
}
END_TEST

START_TEST(slow_flows_together_leave_a_thread)
{
    setup(4, 1);
    for (uint32_t kind = 1; kind <= 3; kind++)
        run(put(1, kind), 500); /* now they are known to be slow */
    for (uint32_t kind = 1; kind <= 3; kind++) {
        put(1, kind);
        put(1, kind);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(fair_take(fair).item);
    ck_assert_ptr_null(fair_take(fair).item);
    struct work_item *quick = put(1, 4);
    ck_assert_ptr_eq(fair_take(fair).item, quick);
}
END_TEST

START_TEST(one_thread_takes_all)
{
    setup(1, 1);
    struct work_item *a = put(1, 1), *b = put(1, 1);
    run(a, 500);
    run(b, 500);
}
END_TEST

START_TEST(who_was_idle_starts_level_and_saves_nothing_up)
{
    setup(2, 0);
    for (int i = 0; i < 10; i++)
        run(put(1, 1), 100);
    uint32_t n[3] = {0};
    for (int i = 0; i < 10; i++) {
        put(1, 1);
        put(2, 1);
    }
    for (int i = 0; i < 10; i++) { /* client 1 has had a second: client 2 is a task behind, not ten */
        struct fair_task task = fair_take(fair);
        n[task.item->client]++;
        fair_end(fair, &task, 100 * MS);
    }
    ck_assert_uint_ge(n[1], 4);
    ck_assert_uint_ge(n[2], 5);
}
END_TEST

START_TEST(a_withdrawn_task_leaves_no_trace)
{
    setup(2, 0);
    struct work_item *a = put(1, 1), *b = put(1, 1), *c = put(1, 1), *lone = put(2, 1);
    ck_assert(fair_withdraw(fair, b));
    ck_assert(!fair_withdraw(fair, b));
    ck_assert(fair_withdraw(fair, lone));
    ck_assert(fair_withdraw(fair, c));
    c = put(1, 1);
    run(a, 1);
    run(c, 1);
    ck_assert_ptr_null(fair_take(fair).item);
    ck_assert_uint_eq(fair->n_waiting, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fair");
    TCase *tcase = tcase_create("fair");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, one_flow_is_first_in_first_out);
    tcase_add_test(tcase, a_client_with_one_task_does_not_wait_for_one_with_many);
    tcase_add_test(tcase, clients_share_the_time_not_the_tasks);
    tcase_add_test(tcase, a_clients_quick_kind_comes_before_its_slow_one);
    tcase_add_test(tcase, no_flow_takes_the_last_thread);
    tcase_add_test(tcase, slow_flows_together_leave_a_thread);
    tcase_add_test(tcase, one_thread_takes_all);
    tcase_add_test(tcase, who_was_idle_starts_level_and_saves_nothing_up);
    tcase_add_test(tcase, a_withdrawn_task_leaves_no_trace);
    suite_add_tcase(suite, tcase);
    return suite;
}
