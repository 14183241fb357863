/* A queue that is fair by client and by cost. */
#include "base/fair.h"
#include "base/executor.h"

#include <stddef.h>

static uint32_t place(uint32_t number)
{
    return (number * 2654435761u) >> 24; /* Knuth's multiplicative hash, to FAIR_PLACES */
}

_Static_assert(FAIR_PLACES == 256, "place");

static struct fair_flow *flow_of(struct fair *fair, const struct work_item *item)
{
    struct fair_flow *flow = &fair->flows[place(item->client * 64 + item->kind)];
    if (!flow->first && flow->n_running == 0)
        flow->client = &fair->clients[place(item->client)];
    return flow;
}

void fair_init(struct fair *fair, uint32_t n_threads, uint32_t n_kept)
{
    fair->n_threads = n_threads;
    fair->n_kept = n_kept < n_threads ? n_kept : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The flow has its first waiting task. */
static void flow_link(struct fair *fair, struct fair_flow *flow)
{
    struct fair_flow **at = &fair->waiting;
    while (*at)
        at = &(*at)->next;
    *at = flow;
    flow->next = NULL;
    if (flow->n_running == 0)
        flow->spent_ns = larger(flow->spent_ns, flow->client->flow_floor_ns);
}

static void flow_unlink(struct fair *fair, const struct fair_flow *flow)
{
    struct fair_flow **at = &fair->waiting;
    while (*at != flow)
        at = &(*at)->next;
    *at = flow->next;
}

void fair_put(struct fair *fair, struct work_item *item)
{
    struct fair_flow *flow = flow_of(fair, item);
    if (flow->client->n_tasks++ == 0)
        flow->client->spent_ns = larger(flow->client->spent_ns, fair->client_floor_ns);
    if (!flow->first)
        flow_link(fair, flow);
    item->next = NULL;
    if (flow->first)
        flow->last->next = item;
    else
        flow->first = item;
    flow->last = item;
    fair->n_waiting++;
}

static bool is_slow(const struct fair_flow *flow)
{
    return flow->mean_ns > FAIR_SLOW_NS;
}

static bool may_start(const struct fair *fair, const struct fair_flow *flow)
{
    uint32_t most = fair->n_threads > 1 ? fair->n_threads - 1 : 1;
    return flow->n_running < most && (!is_slow(flow) || fair->n_slow < fair->n_threads - fair->n_kept);
}

static bool comes_before(const struct fair_flow *a, const struct fair_flow *b)
{
    if (a->client->spent_ns != b->client->spent_ns)
        return a->client->spent_ns < b->client->spent_ns;
    return a->spent_ns < b->spent_ns;
}

struct fair_task fair_take(struct fair *fair)
{
    struct fair_flow *best = NULL;
    for (struct fair_flow *flow = fair->waiting; flow; flow = flow->next)
        if (may_start(fair, flow) && (!best || comes_before(flow, best)))
            best = flow;
    if (!best)
        return (struct fair_task){0};
    struct fair_task task = {
        .item = best->first, .flow = best, .charged_ns = best->mean_ns, .slow = is_slow(best)};
    best->first = task.item->next;
    if (!best->first)
        flow_unlink(fair, best);
    fair->client_floor_ns = larger(fair->client_floor_ns, best->client->spent_ns);
    best->client->flow_floor_ns = larger(best->client->flow_floor_ns, best->spent_ns);
    best->client->spent_ns += task.charged_ns;
    best->spent_ns += task.charged_ns;
    best->n_running++;
    fair->n_slow += task.slow;
    fair->n_waiting--;
    fair->n_running++;
    return task;
}

void fair_end(struct fair *fair, const struct fair_task *task, uint64_t took_ns)
{
    struct fair_flow *flow = task->flow;
    flow->client->spent_ns += took_ns - task->charged_ns;
    flow->spent_ns += took_ns - task->charged_ns;
    flow->mean_ns = flow->mean_ns ? (3 * flow->mean_ns + took_ns) / 4 : took_ns;
    flow->n_running--;
    flow->client->n_tasks--;
    fair->n_slow -= task->slow;
    fair->n_running--;
}

bool fair_withdraw(struct fair *fair, struct work_item *item)
{
    struct fair_flow *flow = flow_of(fair, item);
    struct work_item *before = NULL, *at = flow->first;
    while (at && at != item) {
        before = at;
        at = at->next;
    }
    if (!at)
        return false;
    *(before ? &before->next : &flow->first) = at->next;
    if (flow->last == at)
        flow->last = before;
    if (!flow->first)
        flow_unlink(fair, flow);
    flow->client->n_tasks--;
    fair->n_waiting--;
    return true;
}
