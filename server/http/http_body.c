/* A request's body from the library into its buffers, and their flushes to a
 * service thread. */
#include "http/private.h"

#define SLOW_AFTER_MS 20000
#define SLOW_BYTES_PER_MS 1

/* The client may be gone, and its connection with it: nothing here uses the
 * connection but under the lock, to resume it. */
static void flush_run(struct work_item *item)
{
    struct request *request = REQUEST_OF(item);
    struct http *http = request->http;
    body_flush(&request->body);
    if (request->route->progress)
        request->route->progress(request);
    pthread_mutex_lock(&request->lock);
    request->flushing = false;
    if (request->waiting)
        connection_resume(request);
    request->waiting = false;
    pthread_mutex_unlock(&request->lock);
    request_unref(request);
    busy_leave(http);
}

bool flush_await(struct request *request)
{
    pthread_mutex_lock(&request->lock);
    bool wait = request->flushing;
    if (wait) {
        request->waiting = true;
        request->waited_ms = clock_ms();
        request_due(request, 0, 0);
        MHD_suspend_connection(request->connection);
    }
    pthread_mutex_unlock(&request->lock);
    return wait;
}

bool flush_under_way(struct request *request)
{
    pthread_mutex_lock(&request->lock);
    bool flushing = request->flushing;
    pthread_mutex_unlock(&request->lock);
    return flushing;
}

static bool flush_begin(struct request *request)
{
    if (request->body.failed || !body_swap(&request->body) || !busy_enter(request->http))
        return false;
    request->flushing = true; /* no flush is under way: nobody else looks */
    atomic_fetch_add(&request->n_holders, 1);
    request->work.run = flush_run;
    executor_submit(request->http->options.executor, QUEUE_INTERACTIVE, &request->work);
    return true;
}

void drain_begin(struct request *request)
{
    request->stage = STAGE_DRAIN;
    request->started_ms = clock_ms();
    request_due(request, request->started_ms, request->started_ms + DRAIN_TIME_MS);
}

/* Drop what is there and what is still to come. */
static enum MHD_Result upload_refuse(struct request *request, size_t *n)
{
    struct err stopped = {.code = ERR_STOPPED, .msg = "the daemon is stopping"};
    if (!request->reply.status)
        reply_problem(&request->reply, request->body.failed ? &request->body.err : &stopped);
    body_release(request);
    drain_begin(request);
    *n = 0;
    return MHD_YES;
}

/* A client that sends less than a byte a millisecond, on average, owes the
 * rest, and is cut off when that has become too much. The time that it had to
 * wait does not count. */
static void upload_due(struct request *request)
{
    if (request->waited_ms)
        request->started_ms += clock_ms() - request->waited_ms;
    request->waited_ms = 0;
    uint64_t since_ms = request->started_ms + request->body.received / SLOW_BYTES_PER_MS;
    request_due(request, since_ms, since_ms + SLOW_AFTER_MS);
}

void upload_begin(struct request *request)
{
    request->stage = STAGE_BODY;
    request->started_ms = clock_ms();
    request->waited_ms = 0;
    upload_due(request);
}

enum MHD_Result upload_take(struct request *request, const char *bytes, size_t *n)
{
    upload_due(request);
    while (*n) {
        if (request->body.received + *n > request_body_limit(request)) {
            reply_refuse(&request->reply, 413,
                         "the body is longer than the %llu bytes that are accepted here",
                         (unsigned long long)request_body_limit(request));
            return flush_await(request) ? MHD_YES : upload_refuse(request, n);
        }
        size_t taken = body_take(&request->body, bytes, *n);
        bytes += taken;
        *n -= taken;
        if (*n == 0)
            break;
        if (flush_await(request))
            return MHD_YES;
        if (!flush_begin(request))
            return upload_refuse(request, n);
    }
    return MHD_YES;
}

enum MHD_Result upload_drain(struct request *request, size_t *n)
{
    request->drained += *n;
    *n = 0;
    return request->drained <= DRAIN_BYTES ? MHD_YES : MHD_NO;
}
