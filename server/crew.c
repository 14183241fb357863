/* Service threads. Each bench has one lock, which protects its queue; `work` is what its threads wait on. No lock is held while a
 * chore runs. */
#include "crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 64

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a chore was added, or stop was set; threads of this bench wait on it */
    struct chore *first, *last;
    uint32_t n_waiting, n_running;
    bool stop;
};

struct crew {
    struct queue queues[N_BENCHES];
    pthread_t threads[THREADS_MAX];
    uint32_t n_threads;
};

/* The next chore, after the one that has ended; NULL once stop is set and the queue is empty. */
static struct chore *queue_take(struct queue *queue, bool ended_one)
{
    pthread_mutex_lock(&queue->lock);
    queue->n_running -= ended_one;
    while (!queue->first && !queue->stop)
        pthread_cond_wait(&queue->work, &queue->lock);
    struct chore *chore = queue->first;
    if (chore) {
        queue->first = chore->next;
        if (!queue->first)
            queue->last = NULL;
        queue->n_waiting--;
        queue->n_running++;
    }
    pthread_mutex_unlock(&queue->lock);
    return chore;
}

static void *thread_run(void *self)
{
    struct queue *queue = self;
    for (struct chore *chore = NULL; (chore = queue_take(queue, chore != NULL));)
        chore->run(chore);
    return NULL;
}

static bool threads_start(struct crew *crew, enum bench bench, uint32_t n, struct err *err)
{
    for (uint32_t i = 0; i < n && crew->n_threads < THREADS_MAX; i++) {
        int code = pthread_create(&crew->threads[crew->n_threads], NULL, thread_run, &crew->queues[bench]);
        if (code)
            return err_set(err, ERR_THREAD, "a service thread could not be started: %s", strerror(code));
        crew->n_threads++;
    }
    return true;
}

struct crew *crew_new(const uint32_t n_threads[N_BENCHES], struct err *err)
{
    struct crew *crew = calloc(1, sizeof *crew);
    if (!crew) {
        err_memory(err, "the service threads");
        return NULL;
    }
    for (int i = 0; i < N_BENCHES; i++) {
        pthread_mutex_init(&crew->queues[i].lock, NULL);
        pthread_cond_init(&crew->queues[i].work, NULL);
    }
    for (int i = 0; i < N_BENCHES; i++)
        if (!threads_start(crew, (enum bench)i, n_threads[i], err)) {
            crew_free(crew);
            return NULL;
        }
    return crew;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    for (int i = 0; i < N_BENCHES; i++) {
        pthread_mutex_lock(&crew->queues[i].lock);
        crew->queues[i].stop = true;
        pthread_cond_broadcast(&crew->queues[i].work);
        pthread_mutex_unlock(&crew->queues[i].lock);
    }
    for (uint32_t i = 0; i < crew->n_threads; i++)
        pthread_join(crew->threads[i], NULL);
    for (int i = 0; i < N_BENCHES; i++) {
        pthread_cond_destroy(&crew->queues[i].work);
        pthread_mutex_destroy(&crew->queues[i].lock);
    }
    free(crew);
}

void crew_submit(struct crew *crew, enum bench bench, struct chore *chore)
{
    struct queue *queue = &crew->queues[bench];
    chore->next = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->last)
        queue->last->next = chore;
    else
        queue->first = chore;
    queue->last = chore;
    queue->n_waiting++;
    pthread_cond_signal(&queue->work);
    pthread_mutex_unlock(&queue->lock);
}

/* Whether the chore still waited: it does no longer. */
static bool queue_withdraw(struct queue *queue, struct chore *chore)
{
    struct chore *before = NULL, *at;
    pthread_mutex_lock(&queue->lock);
    for (at = queue->first; at && at != chore; at = at->next)
        before = at;
    if (at) {
        *(before ? &before->next : &queue->first) = at->next;
        if (queue->last == at)
            queue->last = before;
        queue->n_waiting--;
    }
    pthread_mutex_unlock(&queue->lock);
    return at != NULL;
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
    struct chore chore; /* first: the crew hands back its address */
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

static void helper_run(struct chore *chore)
{
    struct share *share = ((struct helper *)chore)->share;
    share_work(share);
    share_leave(share);
}

void crew_share(struct crew *crew, enum bench bench, uint32_t n_helpers, uint32_t n_parts, void (*run)(void *self, uint32_t part),
                void *self)
{
    n_helpers = n_helpers < CREW_HELPERS_MAX ? n_helpers : CREW_HELPERS_MAX;
    struct share share = {.run = run, .self = self, .n_parts = n_parts, .n_helpers = n_helpers};
    struct helper helpers[CREW_HELPERS_MAX];
    pthread_mutex_init(&share.lock, NULL);
    pthread_cond_init(&share.left, NULL);
    for (uint32_t i = 0; i < n_helpers; i++) {
        helpers[i] = (struct helper){.chore.run = helper_run, .share = &share};
        crew_submit(crew, bench, &helpers[i].chore);
    }
    share_work(&share);
    for (uint32_t i = 0; i < n_helpers; i++)
        if (queue_withdraw(&crew->queues[bench], &helpers[i].chore))
            share_leave(&share);
    pthread_mutex_lock(&share.lock);
    while (share.n_helpers)
        pthread_cond_wait(&share.left, &share.lock);
    pthread_mutex_unlock(&share.lock);
    pthread_cond_destroy(&share.left);
    pthread_mutex_destroy(&share.lock);
}

uint32_t crew_running(struct crew *crew, enum bench bench)
{
    struct queue *queue = &crew->queues[bench];
    pthread_mutex_lock(&queue->lock);
    uint32_t n = queue->n_running;
    pthread_mutex_unlock(&queue->lock);
    return n;
}

uint32_t crew_waiting(struct crew *crew, enum bench bench)
{
    struct queue *queue = &crew->queues[bench];
    pthread_mutex_lock(&queue->lock);
    uint32_t n = queue->n_waiting;
    pthread_mutex_unlock(&queue->lock);
    return n;
}
