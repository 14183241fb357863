/* The worker pool: n threads that run one function together, and the barrier
 * they meet at.
 *
 * The calling thread is worker 0; the other n - 1 sleep on a futex between
 * runs. One run at a time: the caller serialises. */
#ifndef MLP_POOL_H
#define MLP_POOL_H

#include "mlp/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pool;

/* n_threads >= 1; n_threads - 1 threads are started, with nice level
 * `nice_level` (0: leave) where the system lets them, and a priority thread
 * that sleeps until a call of pool_yield. NULL on failure (ERR_THREAD,
 * ERR_MEMORY), with no thread left behind. */
struct pool *pool_new(uint32_t n_threads, int nice_level, struct err *err);
void pool_free(struct pool *pool); /* joins; takes NULL */
/* The calling thread is in the background from now on, as the pool's own are;
 * nice_level 0: no. A sandbox may refuse: then it competes as an equal. */
void pool_background(int nice_level);
uint32_t pool_n_threads(const struct pool *pool);

/* Run work(self, worker) on every worker, worker = 0 .. n_threads - 1, and
 * return when all have returned. */
void pool_run(struct pool *pool, void (*work)(void *self, uint32_t worker), void *self);

/* Inside work: wait for all workers of this run. Spins briefly, then sleeps.
 * What was written before is seen by all after. */
void pool_barrier(struct pool *pool);

/* Inside work, where one worker waits for what another does: wait, as at the
 * barrier, until *count is at least n; add 1 to it. What was written before the
 * counts is seen by a worker that has waited for them. */
void pool_await(struct pool *pool, atomic_uint *count, unsigned n);
void pool_count(struct pool *pool, atomic_uint *count);

/* A request is about to run: each worker yields at its next barrier, and has
 * the policy SCHED_IDLE for a moment. Any thread; cheap. */
void pool_yield(struct pool *pool);
/* Whether the system lets workers take SCHED_IDLE and come back to the pool's
 * nice level; else they only yield once. */
bool pool_can_yield(const struct pool *pool);

#endif
