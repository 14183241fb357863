/* The watch thread: request and reply deadlines, heartbeats of streams, clients
 * that vanished.
 *
 * It wakes every other second while there are connections, and at once when the
 * client of an upload, a stream or a request that a task has hangs up. */
#include "http/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_MS 2000
#define EVENTS_MAX 64
#define ID_OWN 0 /* of watch_event; connections count from 1 */

uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Under http->lock, so that no connection closes meanwhile. */
static void sweep(struct http *http, uint64_t now)
{
    for (struct request *request = http->requests; request; request = request->next) {
        uint64_t deadline = atomic_load_explicit(&request->deadline_ms, memory_order_relaxed);
        if (deadline && now > deadline)
            shutdown(request->fd, SHUT_RDWR);
        if (request->source)
            source_nudge(request->source, http->watch_stop || http->quiesced, now);
    }
}

void watch_probe(struct request *request)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool needed = request->interim && !request->probed;
    request->probed = true;
    /* A full buffer needs no probe: what is in it has the same effect. A reset
     * that has come already is no event any more. */
    if (needed && send(request->fd, interim, sizeof interim - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
        errno != EAGAIN && errno != EINTR)
        atomic_store(&request->stop, true);
}

/* The client of a request that a task has. A FIN alone does not tell a client
 * that has gone from one that has shut its sending side down and waits for the
 * reply (nc, some proxies): an interim reply, which every client of HTTP/1.1
 * passes over, makes the system of one that has gone answer with a reset. */
static void away_gone(struct request *request, bool reset)
{
    if (reset)
        atomic_store(&request->stop, true);
    else
        watch_probe(request);
}

/* A reply that is made while it is sent: its next bytes are the probe. A stream
 * that may be silent for long sends a heartbeat at once. */
static void source_gone(struct request *request, bool reset, uint64_t now)
{
    source_nudge(request->source, reset, reset ? now : UINT64_MAX);
}

/* The client of connection `id` sends no more; reset: it receives no more
 * either. libmicrohttpd 0.9.75 takes a short read for "nothing more is there"
 * and then never sees an end that came together with the last bytes: shutting
 * the reading side down, where nothing can come any more, wakes it again. */
static void client_gone(struct http *http, uint64_t id, bool reset, uint64_t now)
{
    struct request *request = http->requests;
    while (request && request->id != id)
        request = request->next;
    if (!request)
        return;
    request->half_closed = true;
    if (request->away)
        away_gone(request, reset);
    else if (request->source)
        source_gone(request, reset, now);
    else
        shutdown(request->fd, SHUT_RD);
}

static void *watch_run(void *self)
{
    struct http *http = self;
    struct epoll_event events[EVENTS_MAX];
    uint64_t count;
    int n = 0;
    pthread_mutex_lock(&http->lock);
    while (!http->watch_stop) {
        http->watch_idle = !http->requests;
        int timeout_ms = http->watch_idle ? -1 : SWEEP_MS;
        pthread_mutex_unlock(&http->lock);
        n = epoll_wait(http->watch_epoll, events, EVENTS_MAX, timeout_ms);
        pthread_mutex_lock(&http->lock);
        uint64_t now = clock_ms();
        for (int i = 0; i < n; i++)
            if (events[i].data.u64 != ID_OWN)
                client_gone(http, events[i].data.u64, (events[i].events & (EPOLLHUP | EPOLLERR)) != 0, now);
            else if (read(http->watch_event, &count, sizeof count) < 0)
                continue; /* nobody has written since: nothing to take back */
        sweep(http, now);
    }
    sweep(http, clock_ms());
    pthread_mutex_unlock(&http->lock);
    return NULL;
}

bool watch_start(struct http *http, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = ID_OWN};
    http->watch_epoll = epoll_create1(EPOLL_CLOEXEC);
    http->watch_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (http->watch_epoll < 0 || http->watch_event < 0 ||
        epoll_ctl(http->watch_epoll, EPOLL_CTL_ADD, http->watch_event, &event))
        return err_errno(err, "connections cannot be watched");
    int code = pthread_create(&http->watch, NULL, watch_run, http);
    if (code)
        return err_set(err, ERR_THREAD, "the thread that watches connections could not be started: %s",
                       strerror(code));
    pthread_setname_np(http->watch, "watch");
    http->watch_started = true;
    return true;
}

void watch_wake(struct http *http)
{
    /* Only a counter at its maximum can refuse: then the thread is awake. */
    if (write(http->watch_event, &(uint64_t){1}, sizeof(uint64_t)) < 0)
        return;
}

void watch_stop(struct http *http)
{
    if (http->watch_started) {
        pthread_mutex_lock(&http->lock);
        http->watch_stop = true;
        watch_wake(http);
        pthread_mutex_unlock(&http->lock);
        pthread_join(http->watch, NULL);
    }
    if (http->watch_epoll >= 0)
        close(http->watch_epoll);
    if (http->watch_event >= 0)
        close(http->watch_event);
}

void watch_client(struct http *http, struct request *request)
{
    if (request->watched)
        return;
    request->watched = true;
    /* Edge-triggered: a half-closed socket would report itself for ever. Where
     * this fails (the connection cannot be watched: no memory) a heartbeat or
     * the timeout notices. */
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.u64 = request->id};
    if (epoll_ctl(http->watch_epoll, EPOLL_CTL_ADD, request->fd, &event))
        return;
}
