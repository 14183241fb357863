/* The HTTP threads: each runs the library's event loop for its own connections,
 * beside the listening socket and an eventfd by which others wake it. The
 * library accepts nothing and starts no threads. */
#include "base/log.h"
#include "http/private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#if MHD_VERSION < 0x00097701
#define STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT, 0 /* http/strict.c knows more */
#else
#define STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1
#endif
#define CONNECTION_MEMORY (24 * 1024) /* headers, and a piece of the body or the reply */
#define RUNS_MAX 16                   /* of the library before others are looked at */
#define RETRY_MS 1000 /* where descriptors have run out, others than connections may have come free */

enum event { EVENT_LIBRARY, EVENT_WAKE, EVENT_LISTENING, N_EVENTS };

static void worker_wake(struct worker *worker)
{
    /* Only a counter at its maximum can refuse: then the thread is awake. */
    if (!atomic_exchange(&worker->woken, true) && write(worker->wake, &(uint64_t){1}, sizeof(uint64_t)) < 0)
        return;
}

void workers_wake(struct http *http)
{
    for (uint32_t i = 0; i < http->n_workers; i++)
        worker_wake(&http->workers[i]);
}

void connection_resume(struct request *request)
{
    struct worker *worker = request->worker; /* the request may be gone once it goes on */
    MHD_resume_connection(request->connection);
    worker_wake(worker);
}

static bool event_add(struct worker *worker, int fd, uint32_t events, enum event event)
{
    struct epoll_event added = {.events = events, .data.u32 = event};
    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &added) == 0;
}

/* Look at the listening socket, or no longer: it would report itself for
 * ever. */
static void listening_set(struct worker *worker, bool on)
{
    int fd = worker->http->options.listen_fd;
    if (on != worker->listening && (on ? event_add(worker, fd, EPOLLIN, EVENT_LISTENING)
                                       : !epoll_ctl(worker->epoll, EPOLL_CTL_DEL, fd, NULL)))
        worker->listening = on;
}

static int timeout_ms(struct worker *worker)
{
    MHD_UNSIGNED_LONG_LONG ms;
    int most = worker->listening ? INT_MAX : RETRY_MS;
    if (MHD_get_timeout(worker->daemon, &ms) != MHD_YES)
        return worker->listening ? -1 : RETRY_MS;
    return ms < (unsigned)most ? (int)ms : most;
}

/* A run takes a piece of what each connection has: while a body comes in,
 * there is more to do at once. */
static void library_run(struct worker *worker)
{
    MHD_UNSIGNED_LONG_LONG ms;
    int n = 0;
    do
        MHD_run(worker->daemon);
    while (++n < RUNS_MAX && MHD_get_timeout(worker->daemon, &ms) == MHD_YES && ms == 0);
}

static void *worker_run(void *self)
{
    struct worker *worker = self;
    struct epoll_event events[N_EVENTS];
    while (!atomic_load(&worker->stop)) {
        int n = epoll_wait(worker->epoll, events, N_EVENTS, timeout_ms(worker));
        atomic_exchange(&worker->woken, false); /* what others did before they saw it true is seen below */
        atomic_store_explicit(&worker->beat_ms, clock_ms(), memory_order_relaxed);
        bool look = !worker->listening || atomic_load(&worker->http->quiesced);
        for (int i = 0; i < n; i++)
            look |= events[i].data.u32 == EVENT_LISTENING;
        if (look)
            listening_set(worker, accept_ready(worker));
        library_run(worker);
        accepted_end(worker);
    }
    return NULL;
}

static void library_log(void *self, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void library_log(void *self, const char *format, va_list args)
{
    char line[400];
    if (!strncmp(format, "Error processing request", strlen("Error processing request")))
        length_refuse(self);
    vsnprintf(line, sizeof line, format, args);
    log_debug("libmicrohttpd: %s", line);
}

static bool daemon_start(struct worker *worker, struct err *err)
{
    struct http *http = worker->http;
    worker->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, request_step, http, MHD_OPTION_EXTERNAL_LOGGER, library_log, worker,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)accept_limit(http), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, STRICTNESS,
        MHD_OPTION_URI_LOG_CALLBACK, request_begin, http, MHD_OPTION_NOTIFY_COMPLETED, request_end, http,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notice, worker, MHD_OPTION_END);
    return worker->daemon || err_set(err, ERR_THREAD, "the HTTP library could not be started");
}

static bool worker_start(struct worker *worker, struct err *err)
{
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!daemon_start(worker, err))
        return false;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(worker->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    /* The eventfd is edge-triggered: nobody has to read it. */
    if (worker->epoll < 0 || worker->wake < 0 || !event_add(worker, info->epoll_fd, EPOLLIN, EVENT_LIBRARY) ||
        !event_add(worker, worker->wake, EPOLLIN | EPOLLET, EVENT_WAKE))
        return err_errno(err, "an HTTP thread cannot wait for connections");
    atomic_store(&worker->beat_ms, clock_ms());
    int code = pthread_create(&worker->thread, NULL, worker_run, worker);
    worker->started = code == 0;
    if (worker->started)
        pthread_setname_np(worker->thread, "http");
    return worker->started ||
           err_set(err, ERR_THREAD, "an HTTP thread could not be started: %s", strerror(code));
}

bool workers_start(struct http *http, struct err *err)
{
    http->workers = calloc(http->options.n_threads, sizeof *http->workers);
    if (!http->workers)
        return err_memory(err, "the HTTP threads");
    for (http->n_workers = 0; http->n_workers < http->options.n_threads;) {
        struct worker *worker = &http->workers[http->n_workers++];
        *worker = (struct worker){.http = http, .epoll = -1, .wake = -1};
        if (!worker_start(worker, err))
            return false;
    }
    return true;
}

static void worker_stop(struct worker *worker)
{
    atomic_store(&worker->stop, true);
    if (worker->started) {
        worker_wake(worker);
        pthread_join(worker->thread, NULL);
    }
    if (worker->daemon)
        MHD_stop_daemon(worker->daemon); /* which closes its connections */
    accepted_end(worker);
    if (worker->epoll >= 0)
        close(worker->epoll);
    if (worker->wake >= 0)
        close(worker->wake);
}

void workers_stop(struct http *http)
{
    for (uint32_t i = 0; i < http->n_workers; i++)
        worker_stop(&http->workers[i]);
    free(http->workers);
}

uint64_t http_beat_ms(struct http *http)
{
    uint64_t oldest = UINT64_MAX;
    for (uint32_t i = 0; i < http->n_workers; i++) {
        uint64_t beat = atomic_load_explicit(&http->workers[i].beat_ms, memory_order_relaxed);
        oldest = beat < oldest ? beat : oldest;
    }
    workers_wake(http);
    return oldest;
}
