/* The gang gives way to who asks, and not for ever. */
#include "mlp/pool.h"

#include <check.h>
#include <stdbool.h>
#include <time.h>

#define N_THREADS 3
#define ROUNDS_MAX 1000000

static struct pool *pool;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Rounds of meeting, in each of which somebody asks so many times. */
struct rounds {
    uint32_t n, n_askings;
    double longest, all; /* seconds, as worker 0 has it */
};

static void rounds_run(void *self, uint32_t worker)
{
    struct rounds *rounds = self;
    for (uint32_t i = 0; i < rounds->n; i++) {
        for (uint32_t k = 0; worker == 0 && k < rounds->n_askings; k++)
            pool_give_way(pool);
        double begin = seconds();
        pool_barrier(pool);
        double took = seconds() - begin;
        if (worker > 0)
            continue;
        rounds->longest = took > rounds->longest ? took : rounds->longest;
        rounds->all += took;
    }
}

static struct rounds rounds_of(uint32_t n, uint32_t n_askings)
{
    struct rounds rounds = {.n = n, .n_askings = n_askings};
    pool_run(pool, rounds_run, &rounds);
    return rounds;
}

static void pool_begin(void)
{
    struct err err;
    pool = pool_new(N_THREADS, 5, &err);
    ck_assert_ptr_nonnull(pool);
}

static void pool_end(void)
{
    pool_free(pool);
}

static void rest(double for_seconds)
{
    const struct timespec time = {.tv_nsec = (long)(for_seconds * 1e9)};
    nanosleep(&time, NULL);
}

START_TEST(a_person_who_asks_has_the_processors_for_a_moment)
{
    ck_assert_double_ge(rounds_of(1, 1).all, 0.025);
    double begin = seconds();
    rounds_of(1, 0); /* nobody asks: nobody waits; a loaded machine may take the processor for longer now and then */
    for (int i = 0; i < 100 && seconds() - begin > 0.02; i++) {
        begin = seconds();
        rounds_of(1, 0);
    }
    ck_assert_double_lt(seconds() - begin, 0.02);
}
END_TEST

/* 200 askings in a moment are a program's: after the first look, which cannot know, it is yielded to. */
START_TEST(a_program_that_asks_is_yielded_to)
{
    rounds_of(1, 1);
    struct rounds rounds = rounds_of(100, 200);
    ck_assert_double_lt(rounds.all, 100 * 0.025 / 2);
}
END_TEST

START_TEST(who_asks_for_ever_stops_nothing_for_long)
{
    double paused = 0, begin = seconds();
    while (seconds() - begin < 8) {
        paused += rounds_of(1, 1).all;
        rest(0.006);
    }
    ck_assert_double_gt(paused, 2.5);
    ck_assert_double_lt(paused, 5.5); /* without an end it would be 6.4 */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");
    tcase_add_checked_fixture(tests, pool_begin, pool_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_person_who_asks_has_the_processors_for_a_moment);
    tcase_add_test(tests, a_program_that_asks_is_yielded_to);
    tcase_add_test(tests, who_asks_for_ever_stops_nothing_for_long);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed > 0;
}
