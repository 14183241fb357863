/* The worker pool and its barrier.
 *
 * Threads: pool_run is called by one thread at a time, which becomes worker 0.
 * The others wait for `run` to change, first spinning, then on a futex. The
 * barrier counts arrivals; the last one moves `generation` on and wakes whoever
 * sleeps. Spinning is bounded, and off where there are more workers than
 * processors to run them. Who has spun in vain spins half as long the next
 * time, who has not twice as long: where something else takes one of the
 * processors, workers share what is left, and one that spins keeps the one it
 * waits for from running.
 * A worker that was asked to give way yields at its next barrier, for the
 * scheduler would let it run on to the end of a tick, 4 ms and more, while a
 * client that shares its processor waits to read a reply; and where a person
 * asks, the workers take what others leave (SCHED_IDLE) for a while after it,
 * so that a browser that draws, asks and draws again finds a processor at once.
 * Where others leave nothing, a worker could not come back by itself: a thread
 * of the pool's, the priority thread, sets their policies. It sleeps while
 * nobody asks. Worker 0 is so only inside a run: what its thread does between
 * runs, with locks held perhaps, others may wait for. */
#define _GNU_SOURCE
#include "mlp/pool.h"
#include "base/denormals.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPINS_MAX                                                                                            \
    20000 /* about 0.3 ms of pause instructions: longer than any phase's imbalance on free cores */
#define SPINS_MIN 100
#define CACHE_LINE 64
/* How long a thread in the background means to run at a time: since Linux 6.12
 * one that wakes with a shorter slice (a few milliseconds where none was set)
 * may take the processor from it at once. */
#define SLICE_NS 50000000u
#define YIELD_NS 200000000u /* a round of the priority thread's */
#define INTERACTIVE_RATE_MAX                                                                                 \
    40u /* in a round; who asks more often is a program: it needs the yield only, and training would suffer  \
           from more */

struct worker {
    struct pool *pool;
    uint32_t index;
    pthread_t thread;
    atomic_int tid;      /* while the priority thread may set its policy; 0: not now */
    atomic_bool is_idle; /* it may be taking what others leave */
};

struct pool {
    uint32_t n_threads;
    uint32_t n_started; /* of workers 1 .. n_threads - 1 */
    bool spins;
    bool has_priority_thread; /* threads may take what others leave, and come back from it */
    int nice_level;
    pthread_t priority;
    void (*work)(void *self, uint32_t worker);
    void *self;
    struct worker *workers;
    alignas(CACHE_LINE) atomic_uint run; /* counts runs; a change starts the workers */
    alignas(CACHE_LINE) atomic_uint arrived;
    alignas(CACHE_LINE) atomic_uint generation;
    alignas(CACHE_LINE) atomic_uint sleepers; /* of all words together: whether a wake is due */
    alignas(CACHE_LINE) atomic_uint asked;    /* counts askings to give way */
    atomic_bool is_unasked;                   /* the priority thread sleeps until `asked` changes */
    alignas(CACHE_LINE) atomic_bool idle; /* workers shall take what others leave; the priority thread's */
    atomic_bool is_entering;              /* worker 0 is about to follow `idle` */
    atomic_uint quit;
};

/* timeout NULL: none. */
static void futex_wait(atomic_uint *word, unsigned value, const struct timespec *timeout)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

static void futex_wake_all(atomic_uint *word)
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

/* How long this thread spins the next time. */
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
        futex_wait(word, old, NULL);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void change(struct pool *pool, atomic_uint *word)
{
    atomic_fetch_add(word, 1);
    if (atomic_load(&pool->sleepers) != 0)
        futex_wake_all(word);
}

/* As the kernel has it: its header cannot stand beside <sched.h>. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static int thread_id(void)
{
    return (int)syscall(SYS_gettid);
}

/* tid 0: the calling thread. */
static bool policy_set(int tid, uint32_t policy, int nice_level)
{
    const struct attributes wanted = {
        .size = sizeof wanted, .policy = policy, .nice = nice_level, .runtime = SLICE_NS};
    return syscall(SYS_sched_setattr, tid, &wanted, 0u) == 0;
}

void pool_background(int nice_level)
{
    if (nice_level != 0 && !policy_set(0, SCHED_OTHER, nice_level))
        (void)setpriority(PRIO_PROCESS, (id_t)thread_id(), nice_level);
}

/* Who may not raise its priority (RLIMIT_NICE, CAP_SYS_NICE) cannot come back
 * from SCHED_IDLE: found out by a thread that ends then. */
static void *idle_try(void *arg)
{
    struct pool *pool = arg;
    pool->has_priority_thread =
        policy_set(0, SCHED_IDLE, pool->nice_level) && policy_set(0, SCHED_OTHER, pool->nice_level);
    return NULL;
}

void pool_yield(struct pool *pool)
{
    atomic_fetch_add(&pool->asked, 1);
    if (atomic_load(&pool->is_unasked))
        futex_wake_all(&pool->asked);
}

static void yield(struct pool *pool)
{
    static _Thread_local unsigned seen;
    unsigned asked = atomic_load_explicit(&pool->asked, memory_order_relaxed);
    if (asked != seen)
        sched_yield();
    seen = asked;
}

/* Worker 0 begins a run, as the others are. */
static void enter(struct pool *pool)
{
    struct worker *worker = pool->workers;
    atomic_store(&pool->is_entering, true);
    atomic_store(&worker->tid, thread_id());
    if (atomic_load(&pool->idle)) {
        atomic_store(&worker->is_idle, true);
        policy_set(0, SCHED_IDLE, pool->nice_level);
    }
    atomic_store(&pool->is_entering, false);
}

static void leave(struct pool *pool)
{
    struct worker *worker = pool->workers;
    atomic_store(&worker->tid, 0);
    if (atomic_exchange(&worker->is_idle, false))
        policy_set(0, SCHED_OTHER, pool->nice_level);
}

/* The workers take what others leave. */
static void idle_begin(struct pool *pool)
{
    atomic_store(&pool->idle, true);
    for (uint32_t i = 0; i < pool->n_threads; i++) {
        struct worker *worker = &pool->workers[i];
        int tid = atomic_load(&worker->tid);
        if (tid == 0)
            continue;
        atomic_store(&worker->is_idle, true);
        policy_set(tid, SCHED_IDLE, pool->nice_level);
        if (atomic_load(&worker->tid) != tid)
            policy_set(tid, SCHED_OTHER, pool->nice_level); /* it has left since, and may not have known */
    }
}

/* They no longer do. False: worker 0 may have followed the old word after that,
 * to be called again. */
static bool idle_end(struct pool *pool)
{
    atomic_store(&pool->idle, false);
    bool ended = !atomic_load(&pool->is_entering);
    for (uint32_t i = 0; i < pool->n_threads; i++) {
        int tid = atomic_load(&pool->workers[i].tid);
        if (tid != 0)
            policy_set(tid, SCHED_OTHER, pool->nice_level);
    }
    return ended;
}

/* Rounds while somebody asks, and until nobody is idle; then sleep. */
static void *priority_main(void *arg)
{
    static const struct timespec round = {.tv_nsec = YIELD_NS};
    struct pool *pool = arg;
    bool ended = true;
    for (unsigned seen = 0; !atomic_load(&pool->quit);) {
        unsigned asked = atomic_load(&pool->asked), n = asked - seen;
        seen = asked;
        if (n > 0 && n <= INTERACTIVE_RATE_MAX) {
            idle_begin(pool);
            ended = false;
        } else if (!ended) {
            ended = idle_end(pool);
        }
        if (n > 0 || !ended) {
            futex_wait(&pool->quit, 0, &round);
            continue;
        }
        atomic_store(&pool->is_unasked, true);
        futex_wait(&pool->asked, seen, NULL);
        atomic_store(&pool->is_unasked, false);
    }
    return NULL;
}

void pool_barrier(struct pool *pool)
{
    yield(pool);
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
    atomic_store(&worker->tid, thread_id());
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
        pool = aligned_alloc(CACHE_LINE, sizeof *pool);
    if (pool == NULL) {
        err_memory(err, "the worker threads");
        free(workers);
        return NULL;
    }
    *pool = (struct pool){.n_threads = n_threads, .nice_level = nice_level, .workers = workers};
    pool->spins = n_threads <= n_processors();
    pthread_t thread;
    if (nice_level != 0 && pthread_create(&thread, NULL, idle_try, pool) == 0)
        pthread_join(thread, NULL);
    pool->has_priority_thread =
        pool->has_priority_thread && pthread_create(&pool->priority, NULL, priority_main, pool) == 0;
    if (pool->has_priority_thread)
        pthread_setname_np(pool->priority, "priority");
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
    if (pool->has_priority_thread) {
        futex_wake_all(&pool->quit);
        pool_yield(pool);
        pthread_join(pool->priority, NULL);
    }
    for (uint32_t i = 1; i <= pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free(pool->workers);
    free(pool);
}

bool pool_can_yield(const struct pool *pool)
{
    return pool->has_priority_thread;
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
    if (pool->has_priority_thread)
        enter(pool);
    work(self, 0);
    pool_barrier(pool);
    if (pool->has_priority_thread)
        leave(pool);
    denormals_restore(before);
}
