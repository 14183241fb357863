/* Connections: the listening socket is ours, so that what is accepted is
 * decided here and not by the library.
 *
 * Clients owe bytes while they are silent: between two requests, in the middle
 * of a head, and where a body comes slower than a byte a millisecond. When all
 * connections are taken, a new one takes the place of that whose bytes are
 * overdue the longest; where nobody owes anything, it becomes one of a few
 * spare ones, on which only requests about the daemon's health are answered.
 * One address may hold half of all connections: from there on its own go first.
 * Many clients stand behind a local proxy, so a local address may hold all but
 * the spare ones.
 *
 * Each HTTP thread accepts for itself. */
#include "base/log.h"
#include "http/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPARE 16 /* connections above --max-connections */
#define ACCEPT_BURST 64
#define SERVED_MS 10000 /* who has been served before counts as silent for so much less */

uint32_t accept_limit(const struct http *http)
{
    return http->options.max_connections + SPARE;
}

static struct request *request_new(struct worker *worker, int fd, const struct sockaddr *address)
{
    struct http *http = worker->http;
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->http = http;
    request->worker = worker;
    request->fd = fd;
    request->claim = (struct claim){.ledger = http->options.ledger,
                                    .client = client_number(address, http->client_seed),
                                    .unasked = REPLY_FREE};
    request->work.client = request->claim.client;
    request->local = client_is_local(address);
    atomic_init(&request->n_holders, 1);
    reply_init(&request->reply);
    request->reply.claim = &request->claim;
    body_init(&request->body, http->options.temp, http->options.app, &request->claim);
    request->body.stop = &request->stop;
    pthread_mutex_init(&request->lock, NULL);
    atomic_init(&request->due_ms, clock_ms());
    atomic_init(&request->deadline_ms, clock_ms() + HEAD_TIME_MS);
    return request;
}

/* Under the lock. */
static void connection_link(struct http *http, struct request *request)
{
    request->id = ++http->next_id;
    request->next = http->requests;
    if (request->next)
        request->next->previous = request;
    http->requests = request;
    http->n_by_client[request->claim.client]++;
    http->n_connections++;
    if (http->watch_idle)
        watch_wake(http);
    http->watch_idle = false;
}

static void connection_unlink(struct http *http, struct request *request)
{
    if (request->next)
        request->next->previous = request->previous;
    if (request->previous)
        request->previous->next = request->next;
    else
        http->requests = request->next;
    http->n_by_client[request->claim.client]--;
    http->n_leaving -= request->leaving;
    http->n_connections--;
    if (http->accept_paused)
        workers_wake(http);
    http->accept_paused = false;
}

/* Since when the client owes bytes, as it counts here; UINT64_MAX: it does
 * not. */
static uint64_t overdue_since(const struct request *request, uint64_t now)
{
    uint64_t due = atomic_load_explicit(&request->due_ms, memory_order_relaxed);
    if (due == 0 || due > now || request->leaving)
        return UINT64_MAX;
    return due + (atomic_load_explicit(&request->served, memory_order_relaxed) ? SERVED_MS : 0);
}

/* Under the lock. End the connection, of `client` or of all where that is NULL,
 * whose client has owed bytes for the longest. */
static bool longest_silent_end(struct http *http, const struct request *client)
{
    struct request *found = NULL;
    uint64_t now = clock_ms(), found_since = UINT64_MAX;
    for (struct request *request = http->requests; request; request = request->next) {
        uint64_t since = client && client->claim.client != request->claim.client
                             ? UINT64_MAX
                             : overdue_since(request, now);
        if (since != UINT64_MAX && since <= found_since) { /* the older ones come later */
            found = request;
            found_since = since;
        }
    }
    if (!found)
        return false;
    found->leaving = true;
    http->n_leaving++;
    shutdown(found->fd, SHUT_RDWR);
    return true;
}

/* Under the lock. */
static bool share_full(const struct http *http, const struct request *request)
{
    return !request->local &&
           http->n_by_client[request->claim.client] >= (http->options.max_connections + 1) / 2;
}

void room_make(struct http *http, struct request *request)
{
    if (share_full(http, request))
        request->spare = !longest_silent_end(http, request);
    else if (http->n_connections - http->n_leaving >= http->options.max_connections)
        request->spare = !longest_silent_end(http, NULL);
}

bool connection_spare(struct request *request)
{
    struct http *http = request->http;
    if (!request->spare)
        return false;
    pthread_mutex_lock(&http->lock);
    /* Both counts hold this connection. */
    request->spare = http->n_connections - http->n_leaving > http->options.max_connections ||
                     (!request->local &&
                      http->n_by_client[request->claim.client] > (http->options.max_connections + 1) / 2);
    pthread_mutex_unlock(&http->lock);
    return request->spare;
}

void connection_closed(struct request *request)
{
    struct http *http = request->http;
    pthread_mutex_lock(&http->lock);
    connection_unlink(http, request);
    pthread_mutex_unlock(&http->lock);
    request_unref(request);
}

struct request *accepted_take(struct worker *worker, int fd)
{
    struct request **link = &worker->accepted;
    while (*link && (*link)->fd != fd)
        link = &(*link)->accepted_next;
    struct request *request = *link;
    if (request)
        *link = request->accepted_next;
    return request;
}

void accepted_end(struct worker *worker)
{
    while (worker->accepted)
        connection_closed(accepted_take(worker, worker->accepted->fd));
}

/* The library takes the descriptor, whatever happens, and calls back: at once,
 * since 1.0 when its loop runs next. */
static void connection_open(struct worker *worker, int fd, const struct sockaddr *address, socklen_t size)
{
    struct request *request = request_new(worker, fd, address);
    if (!request) {
        close(fd);
        return;
    }
    pthread_mutex_lock(&worker->http->lock);
    room_make(worker->http, request);
    connection_link(worker->http, request);
    pthread_mutex_unlock(&worker->http->lock);
    request->accepted_next = worker->accepted;
    worker->accepted = request;
    if (MHD_add_connection(worker->daemon, fd, address, size) != MHD_YES && accepted_take(worker, fd))
        connection_closed(request);
}

/* False: not now; http_listen or a connection that closes wakes this thread. */
static bool accept_may(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    bool full = http->n_connections >= accept_limit(http);
    http->accept_paused |= full;
    bool may = http->listening && !full && !http->quiesced;
    pthread_mutex_unlock(&http->lock);
    return may;
}

/* No descriptors or no memory are left: make some room, and wait for it. False:
 * it was something else. */
static bool accept_exhausted(struct http *http, int code)
{
    if (code != EMFILE && code != ENFILE && code != ENOBUFS && code != ENOMEM)
        return false; /* nobody waits any more, or the client has gone already */
    log_warning("a connection could not be accepted: %s", strerror(code));
    pthread_mutex_lock(&http->lock);
    longest_silent_end(http, NULL);
    http->accept_paused = true;
    pthread_mutex_unlock(&http->lock);
    return true;
}

bool accept_ready(struct worker *worker)
{
    for (int i = 0; i < ACCEPT_BURST; i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof address;
        if (!accept_may(worker->http))
            return false;
        int fd = accept4(worker->http->options.listen_fd, (struct sockaddr *)&address, &size,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return !accept_exhausted(worker->http, errno);
        connection_open(worker, fd, (struct sockaddr *)&address, size);
    }
    return true;
}
