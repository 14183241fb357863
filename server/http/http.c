/* HTTP: the daemon's life, and the way of a request from its first byte to its
 * reply. */
#include "base/log.h"
#include "http/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Work items that wait in a queue: above it new work is refused. Queries are
 * short: a thousand clients that come to follow a job at once are served, as
 * fast as they can be. No request waits among the streams. */
static const uint32_t queue_max[N_QUEUES] = {[QUEUE_INTERACTIVE] = 4096, [QUEUE_BULK] = 512};

bool busy_enter(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    bool stopping = http->stopping;
    if (!stopping)
        http->n_busy++;
    pthread_mutex_unlock(&http->lock);
    return !stopping;
}

void busy_leave(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    if (--http->n_busy == 0)
        pthread_cond_broadcast(&http->idle);
    pthread_mutex_unlock(&http->lock);
}

/* Notice from now on when the client goes. */
static void away_begin(struct request *request)
{
    struct http *http = request->http;
    watch_client(http, request);
    pthread_mutex_lock(&http->lock);
    request->away = true;
    request->probed = false;
    if (request->half_closed)
        watch_probe(request);
    pthread_mutex_unlock(&http->lock);
}

static void handler_run(struct work_item *item);

/* From here to request_return the request belongs to `run`. False: refused, the
 * reply says so. */
static bool request_leave(struct request *request, enum queue which, void (*run)(struct work_item *item))
{
    struct http *http = request->http;
    if (executor_waiting(http->options.executor, which) >= queue_max[which] || !busy_enter(http)) {
        reply_refuse(&request->reply, 503, "server overloaded: try again in a moment");
        return false;
    }
    request->work.run = run;
    if (run == handler_run)
        away_begin(request);
    MHD_suspend_connection(request->connection);
    executor_submit(http->options.executor, which, &request->work);
    return true;
}

static void request_return(struct request *request, enum stage stage)
{
    struct http *http = request->http;
    pthread_mutex_lock(&http->lock);
    bool stopped = request->away && atomic_load(&request->stop);
    request->away = false; /* before the first byte of the reply */
    pthread_mutex_unlock(&http->lock);
    if (stopped)
        atomic_fetch_add(&http->n_stopped, 1);
    request->stage = stage;
    connection_resume(request);
    busy_leave(http);
}

static void head_run(struct work_item *item)
{
    struct request *request = REQUEST_OF(item);
    request->route->head(request, &request->reply);
    request_return(request, STAGE_HEAD_DONE);
}

static void handler_call(struct request *request)
{
    struct err err = {0};
    if (!body_finish(&request->body, &err) ||
        (request->body.n_fields && !request_parameters_check(request, &err)))
        reply_problem(&request->reply, &err);
    else
        request->route->run(request, &request->reply);
    if (request->reply.status && !request->reply.source && !body_was_read(&request->body, &err)) {
        reply_done(&request->reply);
        reply_problem(&request->reply, &err);
    }
    if (request->reply.status)
        body_drop(&request->body);
}

static void handler_run(struct work_item *item)
{
    struct request *request = REQUEST_OF(item);
    struct err stopped;
    if (stop_check(&request->stop, &stopped))
        handler_call(request);
    else
        reply_problem(&request->reply, &stopped);
    if (!request->reply.status)
        reply_refuse(&request->reply, 500, "the request was not answered: this is a fault of the daemon");
    request_return(request, STAGE_READY);
}

static void kept_drop(struct work_item *item)
{
    struct request *request = REQUEST_OF(item);
    struct work_item *kept = request->kept;
    request->kept = NULL;
    kept->run(kept);
    request_return(request, STAGE_READY);
}

/* Send the reply; what a refused request has kept goes first, so that the
 * client finds nothing of it afterwards. */
static enum MHD_Result request_answer(struct request *request)
{
    if (request->kept && request_leave(request, QUEUE_INTERACTIVE, kept_drop))
        return MHD_YES;
    return request_send(request);
}

/* Refused, reply ready. libmicrohttpd cannot answer in the middle of a body: a
 * client that waits for "100 Continue", and one that would send too much, is
 * answered now and the connection ends; else the body is read and dropped
 * first. */
static enum MHD_Result request_refused(struct request *request)
{
    bool body = request->length || request->head.transfer_encoding;
    if (request->close_now || (body && (request->head.expect || request->length > DRAIN_BYTES)))
        return request_answer(request);
    if (body)
        drain_begin(request);
    else
        request->stage = STAGE_READY;
    return MHD_YES;
}

static enum MHD_Result stage_body(struct request *request)
{
    if (request->route->body == ROUTE_BODY_LARGE)
        watch_client(request->http, request);
    upload_begin(request);
    return MHD_YES;
}

static bool spare_check(struct request *request)
{
    if (!connection_spare(request))
        return true;
    request->reply.close = true;
    if (request->route->vital)
        return true;
    reply_refuse(&request->reply, 503,
                 "all %" PRIu32
                 " connections are taken, or all that one address may have: try again in a moment",
                 request->http->options.max_connections);
    return false;
}

static enum MHD_Result stage_head(struct request *request, const char *version)
{
    const struct http_options *options = &request->http->options;
    atomic_fetch_add_explicit(&request->http->n_requests, 1, memory_order_relaxed);
    options->busy(options->app);
    request_due(request, 0, 0);
    request->head_open = false;
    if (!request_validate(request, version) || !spare_check(request))
        return request_refused(request);
    request->work.kind = 1 + (uint32_t)(request->route - options->routes);
    if (!request->route->head)
        return stage_body(request);
    return request_leave(request, QUEUE_INTERACTIVE, head_run) ? MHD_YES : request_refused(request);
}

/* The request is complete: answer it, here or on a queue. */
static enum MHD_Result stage_run(struct request *request)
{
    request_due(request, 0, 0);
    if (flush_await(request))
        return MHD_YES;
    request->here = request->where == ROUTE_INLINE && !body_pending(&request->body) &&
                    request->body.received <= SMALL_BODY;
    if (request->here)
        handler_call(request);
    request->here = false;
    if (request->reply.status)
        return request_send(request);
    bool bulk = request->where == ROUTE_BULK || request->body.received > LONG_BODY;
    return request_leave(request, bulk ? QUEUE_BULK : QUEUE_INTERACTIVE, handler_run) ? MHD_YES
                                                                                      : request_send(request);
}

enum MHD_Result request_step(void *self, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload, size_t *n_upload,
                             void **context)
{
    struct request *request = *context;
    (void)self;
    (void)connection;
    switch (request->stage) {
    case STAGE_HEAD:
        request->path = url;
        request->method = method;
        request->interim = !strcmp(version, "HTTP/1.1");
        return stage_head(request, version);
    case STAGE_HEAD_DONE:
        return request->reply.status ? request_refused(request) : stage_body(request);
    case STAGE_BODY:
        return *n_upload ? upload_take(request, upload, n_upload) : stage_run(request);
    case STAGE_DRAIN:
        return *n_upload ? upload_drain(request, n_upload) : request_answer(request);
    case STAGE_READY:
        return request_answer(request);
    case STAGE_IDLE:
    case STAGE_SENT:
        break;
    }
    *n_upload = 0;
    return MHD_YES;
}

/* The request line is there; what this returns comes back as *context. */
void *request_begin(void *self, const char *uri, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct request *request = info->socket_context;
    (void)self;
    request->stage = STAGE_HEAD;
    request->head_open = true;
    request->target = uri;
    request->n_target = strlen(uri);
    request->bad_uri = strstr(uri, "%00") || !target_is_strict(uri);
    return request;
}

void request_end(void *self, struct MHD_Connection *connection, void **context,
                 enum MHD_RequestTerminationCode code)
{
    struct request *request = *context;
    (void)self;
    (void)connection;
    *context = NULL;
    if (!request || request->stage == STAGE_IDLE)
        return;
    atomic_store(&request->stop, true); /* of the flush under way */
    if (flush_under_way(request))
        return;
    if (request->status)
        atomic_fetch_add_explicit(&request->http->n_by_class[request->status / 100 % 6], 1,
                                  memory_order_relaxed);
    if (request->stage == STAGE_SENT && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        log_debug("%s %s %u", request->method, request->path, request->status);
    request_reset(request);
}

void connection_notice(void *self, struct MHD_Connection *connection, void **context,
                       enum MHD_ConnectionNotificationCode code)
{
    struct worker *worker = self;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct request *request = accepted_take(
            worker, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        request->connection = connection;
        *context = request;
    } else {
        connection_closed(*context);
    }
}

struct http *http_start(const struct http_options *options, struct err *err)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http) {
        err_memory(err, "the HTTP service");
        return NULL;
    }
    http->options = *options;
    http->client_seed = client_seed();
    http->watch_epoll = http->watch_event = -1;
    pthread_mutex_init(&http->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&http->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!watch_start(http, err) || !workers_start(http, err)) {
        http_stop(http);
        return NULL;
    }
    return http;
}

void http_listen(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    http->listening = true;
    workers_wake(http);
    pthread_mutex_unlock(&http->lock);
}

void http_quiesce(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    http->quiesced = true;
    http->quiesced_ms = clock_ms();
    watch_wake(http); /* it ends the streams */
    workers_wake(http);
    pthread_mutex_unlock(&http->lock);
}

/* Under http->lock: wait until no task has a request. Those that have not ended
 * after their grace are stopped. */
static void busy_end(struct http *http)
{
    uint64_t end_ms = http->quiesced_ms + HTTP_GRACE_MS;
    const struct timespec end = {.tv_sec = (time_t)(end_ms / 1000),
                                 .tv_nsec = (long)(end_ms % 1000) * 1000000};
    while (http->n_busy && pthread_cond_timedwait(&http->idle, &http->lock, &end) == 0) {}
    for (struct request *request = http->requests; request; request = request->next)
        atomic_store(&request->stop, true);
    while (http->n_busy)
        pthread_cond_wait(&http->idle, &http->lock);
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    pthread_mutex_lock(&http->lock);
    atomic_store(&http->stopping, true);
    atomic_store(&http->quiesced, true);
    busy_end(http);
    pthread_mutex_unlock(&http->lock);
    watch_stop(http); /* its last sweep resumes every stream */
    workers_stop(http);
    close(http->options.listen_fd);
    pthread_cond_destroy(&http->idle);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

void http_count(struct http *http, struct http_counts *counts)
{
    counts->n_requests = atomic_load(&http->n_requests);
    counts->n_stopped = atomic_load(&http->n_stopped);
    for (int i = 0; i < 6; i++)
        counts->n_by_class[i] = atomic_load(&http->n_by_class[i]);
    pthread_mutex_lock(&http->lock);
    counts->n_connections = http->n_connections;
    pthread_mutex_unlock(&http->lock);
}
