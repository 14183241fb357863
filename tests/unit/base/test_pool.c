/* The pool gives way to who asks, and comes back; its workers wait for each
 * other's work. */
#define _GNU_SOURCE
#include "helper_main.h"
#include "mlp/pool.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define N_THREADS 3
#define NICE 5

static struct pool *pool;
static atomic_int tids[N_THREADS];

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Meet until worker 0 has seen *self. */
static void meet_until(void *self, uint32_t worker)
{
    static bool enough;
    atomic_store(&tids[worker], (int)syscall(SYS_gettid));
    do {
        pool_barrier(pool);
        if (worker == 0)
            enough = atomic_load((atomic_bool *)self);
        pool_barrier(pool);
    } while (!enough);
}

/* Wait until all workers have the policy; false: half a second has gone. From
 * outside, for they may not get to run. */
static bool all_have(int policy)
{
    bool all = false;
    for (double begin = seconds(); !all && seconds() - begin < 0.5;
         nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL)) {
        all = true;
        for (int i = 0; i < N_THREADS; i++)
            all = all && atomic_load(&tids[i]) != 0 && sched_getscheduler(atomic_load(&tids[i])) == policy;
    }
    return all;
}

/* Asks, and sees what becomes of the workers; ends their run. */
static void *ask(void *arg)
{
    atomic_bool *stop = arg;
    bool left = false, back = false;
    for (int i = 0; i < 20 && !(left && back);
         i++) { /* where this thread is late, it may see nothing of it */
        back = all_have(SCHED_OTHER);
        double begin = seconds();
        pool_yield(pool);
        left = all_have(SCHED_IDLE);
        back = all_have(SCHED_OTHER) && back && seconds() - begin > 0.15; /* without being asked */
    }
    atomic_store(stop, true);
    return left && back ? NULL : stop;
}

START_TEST(workers_leave_their_processors_to_others_for_a_moment)
{
    struct err err;
    pthread_t asker;
    void *missed;
    atomic_bool stop = false;
    pool = pool_new(N_THREADS, NICE, &err);
    ck_assert_ptr_nonnull(pool);
    ck_assert_int_eq(pthread_create(&asker, NULL, ask, &stop), 0);
    pool_run(pool, meet_until, &stop);
    pthread_join(asker, &missed);
    if (pool_can_yield(pool))
        ck_assert_ptr_null(missed);
    pool_free(pool);
}
END_TEST

/* Somebody else's work, who wants all of a processor. */
static void *hog(void *arg)
{
    atomic_bool *stop = arg;
    while (!atomic_load(stop))
        ;
    return NULL;
}

static void meet_often(void *self, uint32_t worker)
{
    (void)self, (void)worker;
    for (int i = 0; i < 100; i++)
        pool_barrier(pool);
}

/* Where others leave nothing: a worker that takes only that does not come to a
 * barrier, and would wait for its turn for a quarter of a minute. Between runs
 * the caller is as it was, whoever asks. */
START_TEST(workers_come_back_on_busy_processors)
{
    enum { N_HOGS = 64 };
    struct err err;
    pthread_t hogs[N_HOGS];
    atomic_bool stop = false;
    long n = 2 * sysconf(_SC_NPROCESSORS_ONLN) < N_HOGS ? 2 * sysconf(_SC_NPROCESSORS_ONLN) : N_HOGS;
    pool = pool_new(N_THREADS, NICE, &err);
    ck_assert_ptr_nonnull(pool);
    for (long i = 0; i < n; i++)
        ck_assert_int_eq(pthread_create(&hogs[i], NULL, hog, &stop), 0);
    double begin = seconds();
    for (int i = 0; i < 4; i++) {
        pool_yield(pool);
        pool_run(pool, meet_often, NULL);
        ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
    }
    double took = seconds() - begin;
    atomic_store(&stop, true);
    for (long i = 0; i < n; i++)
        pthread_join(hogs[i], NULL);
    pool_free(pool);
    ck_assert_double_lt(took, 20);
}
END_TEST

#define N_ROUNDS 2000u

static atomic_uint counts[N_ROUNDS];
static unsigned marks[N_ROUNDS][N_THREADS];

/* Each round every worker makes its mark and reads those of all, who are behind
 * or ahead; sometimes one is so late that others sleep. */
static void pass_on(void *self, uint32_t worker)
{
    atomic_uint *wrong = self;
    for (unsigned r = 0; r < N_ROUNDS; r++) {
        if (r % 400 == worker)
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        marks[r][worker] = r + worker + 1;
        pool_count(pool, &counts[r]);
        pool_await(pool, &counts[r], N_THREADS);
        for (unsigned i = 0; i < N_THREADS; i++)
            if (marks[r][i] != r + i + 1)
                atomic_fetch_add(wrong, 1);
    }
}

START_TEST(workers_wait_for_what_others_do)
{
    struct err err;
    atomic_uint wrong = 0;
    pool = pool_new(N_THREADS, 0, &err);
    ck_assert_ptr_nonnull(pool);
    pool_run(pool, pass_on, &wrong);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    for (unsigned r = 0; r < N_ROUNDS; r++)
        ck_assert_uint_eq(atomic_load(&counts[r]), N_THREADS);
    pool_free(pool);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, workers_leave_their_processors_to_others_for_a_moment);
    tcase_add_test(tests, workers_come_back_on_busy_processors);
    tcase_add_test(tests, workers_wait_for_what_others_do);
    suite_add_tcase(suite, tests);
    return suite;
}
