/* Priorities of the pool's workers: training is in the background of requests.
 *
 * A worker yields at its next barrier after a request: the scheduler would let
 * it run on to the end of a tick, 4 ms and more, while a client that shares its
 * processor waits to read a reply.
 * After a request of a person the workers have the policy SCHED_IDLE for a
 * while, so that a browser that draws, asks and draws again finds a processor
 * at once. On a busy processor a worker with SCHED_IDLE does not run, so it
 * cannot change its own policy back: the priority thread sets the policies. It
 * sleeps while no request comes.
 * Worker 0 has SCHED_IDLE inside a run only: between two runs its thread may
 * hold locks that requests wait for. */
#define _GNU_SOURCE
#include "base/pool_private.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long a thread in the background means to run at a time: since Linux 6.12
 * one that wakes with a shorter slice (a few milliseconds where none was set)
 * may take the processor from it at once. */
#define SLICE_NS 50000000u
#define YIELD_NS 200000000u /* a round of the priority thread */
/* Requests in a round; more of them come from a program: it needs the yield
 * only, and training would suffer more from SCHED_IDLE. */
#define INTERACTIVE_RATE_MAX 40u

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

/* A thread that may not raise its priority (RLIMIT_NICE, CAP_SYS_NICE) cannot
 * come back from SCHED_IDLE. This one tries, and ends. */
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
        pool_futex_wake_all(&pool->asked);
}

bool pool_can_yield(const struct pool *pool)
{
    return pool->has_priority_thread;
}

void priority_yield(struct pool *pool)
{
    static _Thread_local unsigned seen;
    unsigned asked = atomic_load_explicit(&pool->asked, memory_order_relaxed);
    if (asked != seen)
        sched_yield();
    seen = asked;
}

void priority_join(struct worker *worker)
{
    atomic_store(&worker->tid, thread_id());
}

void priority_enter(struct pool *pool)
{
    struct worker *worker = pool->workers;
    if (!pool->has_priority_thread)
        return;
    atomic_store(&pool->is_entering, true);
    priority_join(worker);
    if (atomic_load(&pool->idle)) {
        atomic_store(&worker->is_idle, true);
        policy_set(0, SCHED_IDLE, pool->nice_level);
    }
    atomic_store(&pool->is_entering, false);
}

void priority_leave(struct pool *pool)
{
    struct worker *worker = pool->workers;
    if (!pool->has_priority_thread)
        return;
    atomic_store(&worker->tid, 0);
    if (atomic_exchange(&worker->is_idle, false))
        policy_set(0, SCHED_OTHER, pool->nice_level);
}

/* The workers get SCHED_IDLE. */
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
            policy_set(tid, SCHED_OTHER, pool->nice_level); /* it has left since, and may not have seen it */
    }
}

/* They get their own policy back. False: worker 0 may have followed the old word
 * after that; it is to be called again. */
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

/* Rounds while requests come, and until no worker is idle; then sleep. */
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
            pool_futex_wait(&pool->quit, 0, &round);
            continue;
        }
        atomic_store(&pool->is_unasked, true);
        pool_futex_wait(&pool->asked, seen, NULL);
        atomic_store(&pool->is_unasked, false);
    }
    return NULL;
}

void priority_start(struct pool *pool)
{
    pthread_t thread;
    if (pool->nice_level != 0 && pthread_create(&thread, NULL, idle_try, pool) == 0)
        pthread_join(thread, NULL);
    pool->has_priority_thread =
        pool->has_priority_thread && pthread_create(&pool->priority, NULL, priority_main, pool) == 0;
    if (pool->has_priority_thread)
        pthread_setname_np(pool->priority, "priority");
}

void priority_stop(struct pool *pool)
{
    if (!pool->has_priority_thread)
        return;
    pool_futex_wake_all(&pool->quit);
    pool_yield(pool);
    pthread_join(pool->priority, NULL);
}
