/* The end of a request: what belongs to it is freed, and what takes long to
 * free is left to a service thread. */
#include "http/private.h"

#include <stdlib.h>

/* What a request leaves behind when its context was not taken. */
static void kept_release(struct request *request)
{
    if (request->kept)
        executor_submit(request->http->options.executor, QUEUE_INTERACTIVE, request->kept);
    request->kept = NULL;
}

static void source_end(struct request *request)
{
    struct source *source = request->source ? request->source : request->reply.source;
    if (!source)
        return;
    pthread_mutex_lock(&request->http->lock);
    request->source = NULL;
    pthread_mutex_unlock(&request->http->lock);
    request->reply.source = NULL;
    source_close(source);
}

/* A body that has left its request. */
struct leftover {
    struct work_item item; /* first: the executor hands back its address */
    struct body body;
};

static void leftover_run(struct work_item *item)
{
    struct leftover *leftover = (struct leftover *)item;
    body_done(&leftover->body);
    free(leftover);
}

void body_release(struct request *request)
{
    const struct http_options *options = &request->http->options;
    struct leftover *leftover = body_stored(&request->body) ? malloc(sizeof *leftover) : NULL;
    if (!leftover) {
        body_reset(&request->body);
        return;
    }
    leftover->item = (struct work_item){.run = leftover_run};
    body_leave(&request->body);
    leftover->body = request->body;
    leftover->body.stop = NULL;
    body_init(&request->body, options->temp, options->app, &request->claim);
    request->body.stop = &request->stop;
    executor_submit(options->executor, QUEUE_INTERACTIVE, &leftover->item);
}

void request_unref(struct request *request)
{
    if (atomic_fetch_sub(&request->n_holders, 1) > 1)
        return;
    kept_release(request);
    reply_done(&request->reply);
    claim_end(&request->claim);
    body_release(request);
    body_done(&request->body);
    pthread_mutex_destroy(&request->lock);
    free(request);
}

void request_reset(struct request *request)
{
    source_end(request);
    reply_done(&request->reply);
    claim_end(&request->claim);
    body_release(request);
    kept_release(request);
    request->route = NULL;
    request->close_now = false;
    atomic_store(&request->stop, false);
    request->drained = request->length = 0;
    request->status = 0;
    request->stage = STAGE_IDLE;
    atomic_store_explicit(&request->served, true, memory_order_relaxed);
    uint64_t now = clock_ms();
    request_due(request, now, now + IDLE_TIME_MS);
}
