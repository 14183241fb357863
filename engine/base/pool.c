/* The worker pool and its barrier. pool_priority.c has the workers' priorities.
 *
 * Threads: pool_run is called by one thread at a time, which becomes worker 0.
 * The others wait for `run` to change, first spinning, then on a futex. The
 * barrier counts arrivals; the last one moves `generation` on and wakes the
 * sleepers. Spinning is bounded, and off where there are more workers than
 * processors to run them. It is adaptive: the limit halves after a failed spin
 * and doubles after a successful one. Where another program takes one of the
 * processors, workers share what is left, and one that spins keeps the one it
 * waits for from running. */
#define _GNU_SOURCE
#include "base/denormals.h"
#include "base/pool_private.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* About 0.3 ms of pause instructions: longer than any phase's imbalance on free
 * cores. */
#define SPINS_MAX 20000
#define SPINS_MIN 100

void pool_futex_wait(atomic_uint *word, unsigned value, const struct timespec *timeout)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

void pool_futex_wake_all(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The calling thread's limit of its next spin. */
static _Thread_local uint32_t spins = SPINS_MAX;

/* Wait until *word is no longer `old`. */
static void wait_change(struct pool *pool, atomic_uint *word, unsigned old)
{
    uint32_t n = pool->spins ? spins : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old) {
            spins = 2 * n < SPINS_MAX ? 2 * n : SPINS_MAX;
            return;
        }
        cpu_relax();
    }
    spins = n / 2 > SPINS_MIN ? n / 2 : SPINS_MIN;
    /* Announce, then look again: the changer changes first and looks for
     * sleepers second, both in sequential order. */
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(word) == old)
        pool_futex_wait(word, old, NULL);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void change(struct pool *pool, atomic_uint *word)
{
    atomic_fetch_add(word, 1);
    if (atomic_load(&pool->sleepers) != 0)
        pool_futex_wake_all(word);
}

void pool_barrier(struct pool *pool)
{
    priority_yield(pool);
    if (pool->n_threads == 1)
        return;
    unsigned generation = atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (atomic_fetch_add(&pool->arrived, 1) + 1 == pool->n_threads) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        change(pool, &pool->generation);
    } else {
        wait_change(pool, &pool->generation, generation);
    }
}

void pool_await(struct pool *pool, atomic_uint *count, unsigned n)
{
    for (unsigned seen; (seen = atomic_load_explicit(count, memory_order_acquire)) < n;)
        wait_change(pool, count, seen);
}

void pool_count(struct pool *pool, atomic_uint *count)
{
    change(pool, count);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct pool *pool = worker->pool;
    pool_background(pool->nice_level);
    priority_join(worker);
    denormals_flush();
    for (unsigned run = 0;; run++) {
        wait_change(pool, &pool->run, run);
        if (atomic_load(&pool->quit))
            return NULL;
        pool->work(pool->self, worker->index);
        pool_barrier(pool);
    }
}

static uint32_t n_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (uint32_t)CPU_COUNT(&set);
    return 1;
}

struct pool *pool_new(uint32_t n_threads, int nice_level, struct err *err)
{
    struct pool *pool = NULL;
    struct worker *workers = calloc(n_threads, sizeof *workers);
    if (workers != NULL)
        pool = aligned_alloc(POOL_CACHE_LINE, sizeof *pool);
    if (pool == NULL) {
        err_memory(err, "the worker threads");
        free(workers);
        return NULL;
    }
    *pool = (struct pool){.n_threads = n_threads, .nice_level = nice_level, .workers = workers};
    pool->spins = n_threads <= n_processors();
    priority_start(pool);
    for (uint32_t i = 1; i < n_threads; i++) {
        workers[i].pool = pool;
        workers[i].index = i;
        int error = pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);
        if (error != 0) {
            errno = error;
            err_errno(err, "worker thread %u of %u could not be started", i, n_threads);
            err->code = ERR_THREAD;
            pool_free(pool);
            return NULL;
        }
        pthread_setname_np(workers[i].thread, "worker");
        pool->n_started++;
    }
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    atomic_store(&pool->quit, 1);
    change(pool, &pool->run);
    priority_stop(pool);
    for (uint32_t i = 1; i <= pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free(pool->workers);
    free(pool);
}

uint32_t pool_n_threads(const struct pool *pool)
{
    return pool->n_threads;
}

void pool_run(struct pool *pool, void (*work)(void *self, uint32_t worker), void *self)
{
    unsigned before = denormals_flush();
    if (pool->n_threads > 1) {
        pool->work = work;
        pool->self = self;
        change(pool, &pool->run);
    }
    priority_enter(pool);
    work(self, 0);
    pool_barrier(pool);
    priority_leave(pool);
    denormals_restore(before);
}
