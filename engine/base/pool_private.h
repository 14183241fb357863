/* What the pool's threads (pool.c) and their priorities (pool_priority.c)
 * share. */
#ifndef MLP_ENGINE_BASE_POOL_PRIVATE_H
#define MLP_ENGINE_BASE_POOL_PRIVATE_H

#include "mlp/pool.h"

#include <pthread.h>
#include <stdalign.h>

#define POOL_CACHE_LINE 64

struct worker {
    struct pool *pool;
    uint32_t index;
    pthread_t thread;
    atomic_int tid;      /* while the priority thread may set its policy; 0: not now */
    atomic_bool is_idle; /* it may have the policy SCHED_IDLE */
};

struct pool {
    uint32_t n_threads;
    uint32_t n_started; /* of workers 1 .. n_threads - 1 */
    bool spins;
    bool has_priority_thread; /* threads may take SCHED_IDLE, and come back from it */
    int nice_level;
    pthread_t priority;
    void (*work)(void *self, uint32_t worker);
    void *self;
    struct worker *workers;
    alignas(POOL_CACHE_LINE) atomic_uint run; /* counts runs; a change starts the workers */
    alignas(POOL_CACHE_LINE) atomic_uint arrived;
    alignas(POOL_CACHE_LINE) atomic_uint generation;
    alignas(POOL_CACHE_LINE) atomic_uint sleepers; /* of all words together: whether a wake is due */
    alignas(POOL_CACHE_LINE) atomic_uint asked;    /* counts calls of pool_yield */
    atomic_bool is_unasked;                        /* the priority thread sleeps until `asked` changes */
    alignas(POOL_CACHE_LINE) atomic_bool idle;     /* workers shall be SCHED_IDLE; the priority thread's */
    atomic_bool is_entering;                       /* worker 0 is about to follow `idle` */
    atomic_uint quit;
};

/* ---- pool.c ---- */

/* Sleep while *word is `value`; timeout NULL: none. */
void pool_futex_wait(atomic_uint *word, unsigned value, const struct timespec *timeout);
void pool_futex_wake_all(atomic_uint *word);

/* ---- pool_priority.c ---- */

/* Start the priority thread, where the system lets threads come back from
 * SCHED_IDLE; else nothing. */
void priority_start(struct pool *pool);
/* Join it. pool->quit is set. */
void priority_stop(struct pool *pool);
/* The calling thread is this worker from now on: the priority thread sets its
 * policy. */
void priority_join(struct worker *worker);
/* Worker 0 begins and ends a run. */
void priority_enter(struct pool *pool);
void priority_leave(struct pool *pool);
/* Give up the processor once for the calls of pool_yield since the last look.
 * The calling worker. */
void priority_yield(struct pool *pool);

#endif
