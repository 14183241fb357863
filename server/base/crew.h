/* Service threads: what writes, syncs or takes over a millisecond runs here, so that the HTTP threads always answer.
 *
 * Three benches, so that one kind of work never holds up another: DESK for queries and small writes, BULK for work that may take
 * minutes, STREAMS for what is sent bit by bit to many. Each bench is fair by client and by cost (fair.h). Threads: any may submit. */
#ifndef MLPD_BASE_CREW_H
#define MLPD_BASE_CREW_H

#include "base/heartbeat.h"
#include "mlp/err.h"

#include <stdbool.h>
#include <stdint.h>

enum bench { BENCH_DESK, BENCH_BULK, BENCH_STREAMS, N_BENCHES };

/* A piece of work, embedded in what it is about: submitting allocates nothing. It belongs to the crew from crew_submit until `run`
 * is called, which may free it. */
struct chore {
    void (*run)(struct chore *chore);
    struct chore *next;
    uint32_t client, kind; /* whose it is and what it costs is like: fair.h. 0: the daemon's own */
};

struct crew;
/* NULL on failure (ERR_THREAD, ERR_MEMORY), with no thread left behind. */
struct crew *crew_new(const uint32_t n_threads[N_BENCHES], struct err *err);
/* Runs what was submitted, then joins. Takes NULL. */
void crew_free(struct crew *crew);

/* Run the chore on one of the bench's threads. Never fails, never blocks. */
void crew_submit(struct crew *crew, enum bench bench, struct chore *chore);
#define CREW_HELPERS_MAX 16
/* Work in parts, done by the calling thread and by those of the bench that are free, up to n_helpers (and CREW_HELPERS_MAX) of them: run(self, part) once for each
 * part from 0 on, in order of their beginnings. Returns when all have ended. Waits for no thread that is at something else, allocates
 * nothing. */
void crew_share(struct crew *crew, enum bench bench, uint32_t n_helpers, uint32_t n_parts, void (*run)(void *self, uint32_t part),
                void *self);
/* A sign of life, and something small to do. Does not block. */
struct pulse crew_pulse(struct crew *crew, enum bench bench);
/* How many chores the bench's threads are at. */
uint32_t crew_running(struct crew *crew, enum bench bench);
/* How many chores wait at the bench: who adds work from outside refuses it above a limit. */
uint32_t crew_waiting(struct crew *crew, enum bench bench);

#endif
