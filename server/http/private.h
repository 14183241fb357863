/* What http*.c share: a connection and the request that it is at.
 *
 * A request belongs to the HTTP thread of its connection, except while it is
 * suspended for a work item: then it belongs to that item. Where the client
 * goes during a flush, the request outlives its connection: the flush frees it.
 * HTTP threads never wait: what may take long, also freeing and closing, is a
 * work item. Locks, in order: http->lock, source->lock; request->lock stands
 * alone. */
#ifndef MLPD_HTTP_PRIVATE_H
#define MLPD_HTTP_PRIVATE_H

#define _GNU_SOURCE
#include "base/client.h"
#include "http/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#define SEGMENTS_MAX 1024
#define PARAMS_MAX 4
#define HEAD_TIME_MS 30000 /* for a request's line and headers, and between two requests */
#define IDLE_TIME_MS 75000
#define SEND_TIME_MS 60000      /* for taking a reply, and a second more for each 10 KB */
#define HEARTBEAT_MS 5000       /* a stream that has been silent for so long gets a comment */
#define SILENCE_S 60            /* without a byte either way */
#define DRAIN_BYTES (64u << 20) /* of a refused body that are read before the answer */
#define DRAIN_TIME_MS 10000
#define SMALL_BODY 65536
#define REPLY_FREE 4096      /* of a request's own memory: part of what a connection costs */
#define LONG_BODY (4u << 20) /* what is longer is worked on on the bulk queue */

enum stage {
    STAGE_IDLE,      /* between two requests */
    STAGE_HEAD,      /* the request line is there */
    STAGE_HEAD_DONE, /* the route's `head` has run */
    STAGE_BODY,      /* the body is coming in */
    STAGE_DRAIN,     /* the reply is ready; the rest of the body is read and dropped */
    STAGE_READY,     /* the reply is ready */
    STAGE_SENT,
};

/* The headers that every request is judged by; NULL where absent. */
struct head {
    const char *host, *origin, *fetch_site, *content_type, *content_encoding, *content_length,
        *transfer_encoding, *expect, *accept;
    bool repeated; /* one that must appear once appears twice */
};

struct request {
    /* What http/accept.c and the watch look at in all connections comes
     * first. */
    struct request *next, *previous; /* under http->lock, and so is `leaving` */
    int fd;
    bool leaving;            /* it has been ended to make room */
    bool local;              /* the client, perhaps a proxy */
    bool spare;              /* above the limits on connections: for requests about the daemon's health */
    _Atomic bool served;     /* a request before this one */
    _Atomic uint64_t due_ms; /* monotonic; since when the client owes bytes, 0: it does not */
    _Atomic uint64_t deadline_ms; /* monotonic; 0: none. The watch thread shuts the socket down after it */
    struct claim claim;           /* of the handler and the reply */
    struct http *http;
    struct worker *worker;
    struct MHD_Connection *connection;
    struct request *accepted_next;
    uint64_t id;
    _Atomic uint32_t n_holders; /* the connection, and the flush under way: the last one frees the request */
    /* the request at hand */
    enum stage stage;
    bool head_open; /* its line is there, the rest of its head is not */
    bool bad_uri, close_now;
    const char *target; /* as it came, (n_target) bytes in the library's memory */
    size_t n_target;
    const char *method, *path;
    struct head head;
    const struct route *route;
    enum route_where where;
    bool here;                   /* the handler runs on the HTTP thread */
    char segments[SEGMENTS_MAX]; /* the path, cut up */
    const char *params[PARAMS_MAX];
    uint64_t length, drained, started_ms;
    uint64_t waited_ms; /* since when the body has waited for a flush; 0: it does not */
    struct body body;
    struct work_item *kept;
    struct reply reply;
    unsigned status; /* sent */
    struct work_item work;
    struct source *source; /* of the reply that is being sent */
    atomic_bool stop;      /* request_stop */
    bool interim;          /* the client's HTTP version knows interim replies */
    bool watched;          /* by the watch thread, until the connection is closed */
    /* under http->lock */
    bool away;        /* a task has the request, and its body is complete */
    bool probed;      /* whether it has been found out if the client still receives */
    bool half_closed; /* the client sends no more: it has gone, or only shut its sending side down */
    /* the flush under way */
    pthread_mutex_t lock;   /* protects the two below */
    bool flushing, waiting; /* waiting: suspended until the flush is done */
};

/* An HTTP thread. */
struct worker {
    struct http *http;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    bool started;
    atomic_bool stop, woken;  /* woken: the eventfd has been written to since the thread last looked */
    int epoll, wake;          /* wake: an eventfd */
    _Atomic uint64_t beat_ms; /* when it last turned to its connections */
    /* the thread's own */
    bool listening;           /* its epoll holds the listening socket */
    struct request *accepted; /* a list: the library has their connections, but has not called back yet */
};

struct http {
    struct http_options options;
    struct worker *workers; /* (n_workers) */
    uint32_t n_workers;
    atomic_bool stopping;
    uint64_t client_seed;
    _Atomic uint64_t n_requests, n_by_class[6], n_stopped;
    pthread_mutex_t lock;           /* protects what follows */
    pthread_cond_t idle;            /* n_busy became 0; http_stop waits on it (CLOCK_MONOTONIC) */
    struct request *requests;       /* all connections */
    uint32_t n_connections, n_busy; /* n_busy: suspended for a work item */
    uint64_t next_id;
    atomic_bool quiesced; /* written under the lock */
    uint64_t quiesced_ms;
    /* connections as http/accept.c counts them */
    uint32_t n_leaving, n_by_client[CLIENTS_MAX];
    bool listening;     /* http_listen has been called */
    bool accept_paused; /* an HTTP thread does not listen until a connection closes */
    /* the watch */
    pthread_t watch;
    bool watch_started, watch_stop, watch_idle; /* idle: it waits for a first connection */
    int watch_epoll, watch_event;               /* an eventfd: a first connection came, or stop */
};

#define REQUEST_OF(item_pointer) ((struct request *)((char *)(item_pointer)-offsetof(struct request, work)))

uint64_t clock_ms(void);

/* The client owes bytes since then, and is cut off at the deadline; 0: it owes
 * none, there is none. */
static inline void request_due(struct request *request, uint64_t since_ms, uint64_t deadline_ms)
{
    atomic_store_explicit(&request->due_ms, since_ms, memory_order_relaxed);
    atomic_store_explicit(&request->deadline_ms, deadline_ms, memory_order_relaxed);
}

/* A request leaves its HTTP thread for a work item; false: the daemon stops,
 * and no more may leave. */
bool busy_enter(struct http *http);
/* After the request has been resumed: it may be gone already. */
void busy_leave(struct http *http);

/* http_body.c: from now on the body is due, a byte a millisecond. */
void upload_begin(struct request *request);
/* The rest of a refused body is read and dropped. */
void drain_begin(struct request *request);
/* The bytes are there. *n: those that were not taken. */
enum MHD_Result upload_take(struct request *request, const char *bytes, size_t *n);
/* Drop them. */
enum MHD_Result upload_drain(struct request *request, size_t *n);
/* Wait, suspended, for the flush under way; false where there is none. */
bool flush_await(struct request *request);
bool flush_under_way(struct request *request);

/* http/end.c: empty the body. Closing the only descriptor of a large file, or
 * unmapping it, takes the kernel a while: a service thread does that. */
void body_release(struct request *request);
/* Ready for the connection's next request. Not during a flush. */
void request_reset(struct request *request);
/* One holder less; the last one frees it. Any thread. */
void request_unref(struct request *request);

/* http/head.c: judge the request by its head. False: the reply refuses it.
 * version: as the library hands it over first. */
bool request_validate(struct request *request, const char *version);
uint64_t request_body_limit(const struct request *request);

/* http/strict.c: whether the head is what HTTP/1.1 says, to the byte. method,
 * version: as the library hands them over first. */
bool head_is_strict(const struct request *request, const char *method, const char *version);
/* target: as it came, not yet unescaped. */
bool target_is_strict(const char *target);
bool length_is_number(const char *text);
/* Answer the request of this thread whose Content-Length the library has found
 * to be no number. */
void length_refuse(struct worker *worker);

/* http/send.c: queue the reply. */
enum MHD_Result request_send(struct request *request);

/* http.c, as the library calls them; the first parameter is http, and of
 * connection_notice the worker. */
enum MHD_Result request_step(void *self, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload, size_t *n_upload,
                             void **context);
void *request_begin(void *self, const char *uri, struct MHD_Connection *connection);
void request_end(void *self, struct MHD_Connection *connection, void **context,
                 enum MHD_RequestTerminationCode code);
void connection_notice(void *self, struct MHD_Connection *connection, void **context,
                       enum MHD_ConnectionNotificationCode code);

/* http/loop.c: after a failure, workers_stop too. */
bool workers_start(struct http *http, struct err *err);
/* Closes every connection; none is suspended. */
void workers_stop(struct http *http);
void workers_wake(struct http *http);
/* A suspended connection goes on, on its HTTP thread. */
void connection_resume(struct request *request);

/* http/accept.c: how many connections there ever are. */
uint32_t accept_limit(const struct http *http);
/* Accept who waits. False: no more may come, until a connection closes or for
 * good. */
bool accept_ready(struct worker *worker);
/* Under http->lock. Room for a connection that comes: another one ends, or it
 * becomes a spare one. */
void room_make(struct http *http, struct request *request);
/* What was made for this connection when it was accepted, for the library has
 * started it now. */
struct request *accepted_take(struct worker *worker, int fd);
/* The library has started all that it could: of the others it tells nobody. */
void accepted_end(struct worker *worker);
void connection_closed(struct request *request);
/* Whether only requests about the daemon's health are answered on it, now. */
bool connection_spare(struct request *request);

/* http/source.c */
/* The reader that libmicrohttpd calls; self is the source. */
ssize_t source_read(void *self, uint64_t position, char *text, size_t size);
/* From now on the source reads for this connection. */
void source_attach(struct source *source, struct request *request);
/* The request is over; the source frees itself, on a service thread. */
void source_close(struct source *source);
/* The watch has found: the daemon stops or the client is gone (end), or the
 * stream may be silent for too long. */
void source_nudge(struct source *source, bool end, uint64_t now_ms);

/* http/watch.c */
bool watch_start(struct http *http, struct err *err);
void watch_stop(struct http *http);
/* Look at connections from now on; called when the first one comes. Under
 * http->lock. */
void watch_wake(struct http *http);
/* Notice when this client goes, until the connection is closed. */
void watch_client(struct http *http, struct request *request);
/* Under http->lock: find out whether the client of a request that is away, and
 * which sends no more, still receives. */
void watch_probe(struct request *request);

#endif
