/* A queue that is fair by client and by cost: start-time fair queueing of two
 * levels. Tasks of one client and one kind (a route) are a flow, first in,
 * first out. Next comes the client that has had the least time so far, and of
 * its flows the one that has; a client or flow that was idle starts level with
 * the others. Time is charged by what the flow's tasks take on average when a
 * task starts, and corrected when it ends.
 *
 * No flow holds the last thread, and flows whose tasks are slow together leave
 * n_kept threads to the others: a quick request never waits for slow ones.
 *
 * No lock and no clock of its own: executor.c holds the one and passes the
 * other. Clients and flows whose hashes are equal share a place. */
#ifndef MLPD_BASE_FAIR_H
#define MLPD_BASE_FAIR_H

#include <stdbool.h>
#include <stdint.h>

struct work_item;

#define FAIR_PLACES 256
#define FAIR_SLOW_NS 20000000u /* a flow whose tasks take longer on average is slow */

struct fair_client {
    uint64_t spent_ns, flow_floor_ns; /* floor: where a flow that was idle starts */
    uint32_t n_tasks;                 /* waiting and running */
};

struct fair_flow {
    struct work_item *first, *last; /* waiting */
    struct fair_client *client;
    struct fair_flow *next; /* of those with waiting tasks */
    uint64_t spent_ns, mean_ns;
    uint32_t n_running;
};

struct fair {
    struct fair_client clients[FAIR_PLACES];
    struct fair_flow flows[FAIR_PLACES];
    struct fair_flow *waiting; /* in the order in which they began to wait */
    uint64_t client_floor_ns;
    uint32_t n_threads, n_kept;
    uint32_t n_waiting, n_running, n_slow; /* tasks; n_slow: running ones of slow flows */
};

/* A task that runs; its memory may be gone by the time it ends. */
struct fair_task {
    struct work_item *item; /* NULL: none */
    struct fair_flow *flow;
    uint64_t charged_ns;
    bool slow;
};

/* In zeroed memory. */
void fair_init(struct fair *fair, uint32_t n_threads, uint32_t n_kept);
void fair_put(struct fair *fair, struct work_item *item);
/* The task to run next, NULL where none may start now. */
struct fair_task fair_take(struct fair *fair);
void fair_end(struct fair *fair, const struct fair_task *task, uint64_t took_ns);
/* Whether the task still waited: it no longer does. */
bool fair_withdraw(struct fair *fair, struct work_item *item);

#endif
