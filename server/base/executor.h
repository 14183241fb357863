/* Service threads: what writes, syncs or takes over a millisecond runs here, so
 * that the HTTP threads always answer.
 *
 * Three queues, so that one kind of work never holds up another: INTERACTIVE
 * for queries and small writes, BULK for work that may take minutes, STREAMS
 * for what is sent bit by bit to many. Each queue is fair by client and by cost
 * (fair.h). Threads: any may submit. */
#ifndef MLPD_BASE_EXECUTOR_H
#define MLPD_BASE_EXECUTOR_H

#include "base/heartbeat.h"
#include "mlp/err.h"

#include <stdbool.h>
#include <stdint.h>

enum queue { QUEUE_INTERACTIVE, QUEUE_BULK, QUEUE_STREAMS, N_QUEUES };

/* A piece of work, embedded in what it is about: submitting allocates nothing.
 * It belongs to the executor from executor_submit until `run` is called, which
 * may free it. */
struct work_item {
    void (*run)(struct work_item *item);
    struct work_item *next;
    uint32_t client, kind; /* whose it is and what it costs is like: fair.h. 0: the daemon's own */
};

struct executor;
/* NULL on failure (ERR_THREAD, ERR_MEMORY), with no thread left behind. */
struct executor *executor_new(const uint32_t n_threads[N_QUEUES], struct err *err);
/* Runs what was submitted, then joins. Takes NULL. */
void executor_free(struct executor *executor);

/* Run the item on one of the queue's threads. Never fails, never blocks. */
void executor_submit(struct executor *executor, enum queue which, struct work_item *item);
#define EXECUTOR_HELPERS_MAX 16
/* Work in parts, done by the calling thread and by those of the queue that are
 * free, up to n_helpers (and EXECUTOR_HELPERS_MAX) of them: run(self, part)
 * once for each part from 0 on, in order of their beginnings. Returns when all
 * have ended. Waits for no thread that is at something else, allocates
 * nothing. */
void executor_parallel_for(struct executor *executor, enum queue which, uint32_t n_helpers, uint32_t n_parts,
                           void (*run)(void *self, uint32_t part), void *self);
/* A sign of life, and something small to do. Does not block. */
struct pulse executor_pulse(struct executor *executor, enum queue which);
/* How many work items the queue's threads are at. */
uint32_t executor_running(struct executor *executor, enum queue which);
/* How many work items wait at the queue: who adds work from outside refuses it
 * above a limit. */
uint32_t executor_waiting(struct executor *executor, enum queue which);

#endif
