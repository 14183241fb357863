/* Service threads. Each queue has one lock; `work` is what its threads wait on.
 * No lock is held while a item runs. */
#define _GNU_SOURCE
#include "base/executor.h"
#include "base/fair.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64

static const char *const names[N_QUEUES] = {
    [QUEUE_INTERACTIVE] = "interactive", [QUEUE_BULK] = "bulk", [QUEUE_STREAMS] = "streams"};

/* Threads of a queue that slow work leaves to the other. */
static const uint32_t n_kept[N_QUEUES] = {[QUEUE_INTERACTIVE] = 1};

struct task_queue {
    pthread_mutex_t lock;
    pthread_cond_t
        work; /* a work item was added or may start now, or stop was set; threads of this queue wait on it */
    struct fair fair;
    bool stop;
    struct work_item probe;   /* executor_pulse's */
    bool probing;             /* it waits or runs */
    _Atomic uint64_t n_turns; /* work items begun and ended */
    /* written before there are threads to read them */
    clockid_t clocks[THREADS_MAX];
    uint32_t n_clocks;
};

struct executor {
    struct task_queue queues[N_QUEUES];
    pthread_t threads[THREADS_MAX];
    uint32_t n_threads;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Under the lock: the next task; none once stop is set and nothing waits. What
 * waits then may start at last when those that run have ended. */
static struct fair_task queue_take(struct task_queue *queue)
{
    struct fair_task task;
    while (!(task = fair_take(&queue->fair)).item && !(queue->stop && queue->fair.n_waiting == 0))
        pthread_cond_wait(&queue->work, &queue->lock);
    return task;
}

static void *thread_run(void *self)
{
    struct task_queue *queue = self;
    struct fair_task task;
    pthread_mutex_lock(&queue->lock);
    while ((task = queue_take(queue)).item) {
        pthread_mutex_unlock(&queue->lock);
        atomic_fetch_add_explicit(&queue->n_turns, 1, memory_order_relaxed);
        uint64_t begin_ns = now_ns();
        task.item->run(task.item);
        atomic_fetch_add_explicit(&queue->n_turns, 1, memory_order_relaxed);
        uint64_t took_ns = now_ns() - begin_ns;
        pthread_mutex_lock(&queue->lock);
        fair_end(&queue->fair, &task, took_ns);
        if (queue->fair.n_waiting > 1) /* one is for this thread; another may start now, too */
            pthread_cond_signal(&queue->work);
    }
    pthread_cond_broadcast(&queue->work);
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

static bool threads_start(struct executor *executor, enum queue which, uint32_t n, struct err *err)
{
    for (uint32_t i = 0; i < n && executor->n_threads < THREADS_MAX; i++) {
        int code = pthread_create(&executor->threads[executor->n_threads], NULL, thread_run,
                                  &executor->queues[which]);
        if (code)
            return err_set(err, ERR_THREAD, "a service thread could not be started: %s", strerror(code));
        pthread_setname_np(executor->threads[executor->n_threads], names[which]);
        if (pthread_getcpuclockid(executor->threads[executor->n_threads],
                                  &executor->queues[which].clocks[executor->queues[which].n_clocks]) == 0)
            executor->queues[which].n_clocks++;
        executor->n_threads++;
    }
    return true;
}

struct executor *executor_new(const uint32_t n_threads[N_QUEUES], struct err *err)
{
    struct executor *executor = calloc(1, sizeof *executor);
    if (!executor) {
        err_memory(err, "the service threads");
        return NULL;
    }
    for (int i = 0; i < N_QUEUES; i++) {
        fair_init(&executor->queues[i].fair, n_threads[i], n_kept[i]);
        pthread_mutex_init(&executor->queues[i].lock, NULL);
        pthread_cond_init(&executor->queues[i].work, NULL);
    }
    for (int i = 0; i < N_QUEUES; i++)
        if (!threads_start(executor, (enum queue)i, n_threads[i], err)) {
            executor_free(executor);
            return NULL;
        }
    return executor;
}

void executor_free(struct executor *executor)
{
    if (!executor)
        return;
    for (int i = 0; i < N_QUEUES; i++) {
        pthread_mutex_lock(&executor->queues[i].lock);
        executor->queues[i].stop = true;
        pthread_cond_broadcast(&executor->queues[i].work);
        pthread_mutex_unlock(&executor->queues[i].lock);
    }
    for (uint32_t i = 0; i < executor->n_threads; i++)
        pthread_join(executor->threads[i], NULL);
    for (int i = 0; i < N_QUEUES; i++) {
        pthread_cond_destroy(&executor->queues[i].work);
        pthread_mutex_destroy(&executor->queues[i].lock);
    }
    free(executor);
}

void executor_submit(struct executor *executor, enum queue which, struct work_item *item)
{
    struct task_queue *queue = &executor->queues[which];
    pthread_mutex_lock(&queue->lock);
    fair_put(&queue->fair, item);
    pthread_cond_signal(&queue->work);
    pthread_mutex_unlock(&queue->lock);
}

/* Whether the item still waited: it does no longer. */
static bool queue_withdraw(struct task_queue *queue, struct work_item *item)
{
    pthread_mutex_lock(&queue->lock);
    bool waited = fair_withdraw(&queue->fair, item);
    pthread_mutex_unlock(&queue->lock);
    return waited;
}

/* Work in parts. `lock` protects n_helpers. */
struct share {
    void (*run)(void *self, uint32_t part);
    void *self;
    uint32_t n_parts;
    _Atomic uint32_t next;
    pthread_mutex_t lock;
    pthread_cond_t left; /* a helper has; who shared waits on it */
    uint32_t n_helpers;  /* that have not left */
};

struct helper {
    struct work_item item; /* first: the executor hands back its address */
    struct share *share;
};

static void share_work(struct share *share)
{
    for (uint32_t part; (part = atomic_fetch_add(&share->next, 1)) < share->n_parts;)
        share->run(share->self, part);
}

static void share_leave(struct share *share)
{
    pthread_mutex_lock(&share->lock);
    share->n_helpers--;
    pthread_cond_signal(&share->left);
    pthread_mutex_unlock(&share->lock);
}

static void helper_run(struct work_item *item)
{
    struct share *share = ((struct helper *)item)->share;
    share_work(share);
    share_leave(share);
}

void executor_parallel_for(struct executor *executor, enum queue which, uint32_t n_helpers, uint32_t n_parts,
                           void (*run)(void *self, uint32_t part), void *self)
{
    n_helpers = n_helpers < EXECUTOR_HELPERS_MAX ? n_helpers : EXECUTOR_HELPERS_MAX;
    struct share share = {.run = run, .self = self, .n_parts = n_parts, .n_helpers = n_helpers};
    struct helper helpers[EXECUTOR_HELPERS_MAX];
    pthread_mutex_init(&share.lock, NULL);
    pthread_cond_init(&share.left, NULL);
    for (uint32_t i = 0; i < n_helpers; i++) {
        helpers[i] = (struct helper){.item.run = helper_run, .share = &share};
        executor_submit(executor, which, &helpers[i].item);
    }
    share_work(&share);
    for (uint32_t i = 0; i < n_helpers; i++)
        if (queue_withdraw(&executor->queues[which], &helpers[i].item))
            share_leave(&share);
    pthread_mutex_lock(&share.lock);
    while (share.n_helpers)
        pthread_cond_wait(&share.left, &share.lock);
    pthread_mutex_unlock(&share.lock);
    pthread_cond_destroy(&share.left);
    pthread_mutex_destroy(&share.lock);
}

static void probe_run(struct work_item *item)
{
    struct task_queue *queue = (struct task_queue *)((char *)item - offsetof(struct task_queue, probe));
    pthread_mutex_lock(&queue->lock);
    queue->probing = false;
    pthread_mutex_unlock(&queue->lock);
}

struct pulse executor_pulse(struct executor *executor, enum queue which)
{
    struct task_queue *queue = &executor->queues[which];
    struct pulse pulse = {.has_work = true, .beats = atomic_load(&queue->n_turns)};
    for (uint32_t i = 0; i < queue->n_clocks; i++)
        pulse.beats += thread_cpu_ns(queue->clocks[i]);
    if (pthread_mutex_trylock(&queue->lock))
        return pulse;
    pulse.has_work = queue->fair.n_waiting > 0;
    if (!queue->probing) {
        queue->probing = true;
        queue->probe = (struct work_item){.run = probe_run};
        fair_put(&queue->fair, &queue->probe);
        pthread_cond_signal(&queue->work);
    }
    pthread_mutex_unlock(&queue->lock);
    return pulse;
}

uint32_t executor_running(struct executor *executor, enum queue which)
{
    struct task_queue *queue = &executor->queues[which];
    pthread_mutex_lock(&queue->lock);
    uint32_t n = queue->fair.n_running;
    pthread_mutex_unlock(&queue->lock);
    return n;
}

uint32_t executor_waiting(struct executor *executor, enum queue which)
{
    struct task_queue *queue = &executor->queues[which];
    pthread_mutex_lock(&queue->lock);
    uint32_t n = queue->fair.n_waiting;
    pthread_mutex_unlock(&queue->lock);
    return n;
}
