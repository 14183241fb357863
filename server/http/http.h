/* HTTP: connections, routing, bodies in, replies out. http*.c are the only
 * files that know libmicrohttpd.
 *
 * One or a few threads take all connections; handlers that are not quick run on
 * service threads (executor.h) while their connection is suspended. One more
 * thread watches: it ends requests that take too long to arrive or to be taken,
 * keeps idle streams alive and notices clients that vanished. */
#ifndef MLPD_HTTP_HTTP_H
#define MLPD_HTTP_HTTP_H

#include "base/executor.h"
#include "base/ledger.h"
#include "http/body.h"
#include "http/reply.h"
#include "mlp/stop.h"

#include <netinet/in.h>
#include <stdint.h>

struct http;
struct request;

enum route_where {
    ROUTE_INLINE, /* on the HTTP thread: no I/O, no locks held for long, under a millisecond. With a body over
                   64 KB: on the interactive queue. Where it leaves reply->status 0, it is called again on the
                   interactive queue. */
    ROUTE_OFFLOAD,
    ROUTE_BULK,
};

enum route_body {
    ROUTE_BODY_NONE,  /* up to 64 KB are read and dropped: clients send "{}" */
    ROUTE_BODY_SMALL, /* at most HTTP_SMALL_MAX bytes */
    ROUTE_BODY_ROWS,  /* at most http_options.max_rows; where text/csv is accepted, which is made while it is
                         sent, as the next */
    ROUTE_BODY_LARGE, /* at most http_options.max_body */
};
#define HTTP_SMALL_MAX (1024 * 1024)
/* struct route's parameters where any is passed over. */
#define ROUTE_ANY_PARAMETER "*"

struct route {
    const char *method;
    const char *pattern; /* "/datasets/{d}/rows": {} matches one non-empty segment; a last segment "*" matches
                            all that is left */
    void (*run)(struct request *request, struct reply *reply);
    /* NULL, or what is to be done before the body is read, on the interactive
     * queue; a status in the reply refuses the request. */
    void (*head)(struct request *request, struct reply *reply);
    /* NULL, or: told now and then on a service thread how far the body has
     * come. */
    void (*progress)(struct request *request);
    /* The query parameters (of a form: the fields too) that it knows, with single
     * blanks between; NULL: none. Any other is refused. */
    const char *parameters;
    enum route_where where;
    enum route_body body;
    bool vital; /* answered even where all connections are taken */
};

struct http_options {
    int listen_fd;      /* listening, owned by http from http_start on */
    uint32_t n_threads; /* that take connections: at least 1, at most max_connections */
    uint32_t max_connections;
    uint64_t max_body, max_rows;
    char *const *hosts; /* (n_hosts), outlive http */
    uint32_t n_hosts;
    int (*temp)(void *app, struct err *err); /* a new file for a body's bytes */
    struct executor *executor;
    struct ledger *ledger;      /* of what requests hold */
    const struct route *routes; /* (n_routes), the first that matches counts */
    size_t n_routes;
    void *app;
    void (*busy)(
        void *app); /* a request has come or its reply is going out: called by the HTTP threads, often */
};

/* NULL on failure. Nothing is accepted before http_listen: handlers may use
 * what http_start returns. */
struct http *http_start(const struct http_options *options, struct err *err);
void http_listen(struct http *http);
/* Accept nothing more, end the streams. Requests under way go on. */
void http_quiesce(struct http *http);
/* Wait for handlers under way, set the stop flags of those that have not ended
 * HTTP_GRACE_MS after http_quiesce, then close every connection. Before
 * executor_free. Takes NULL. */
#define HTTP_GRACE_MS 1000
void http_stop(struct http *http);

struct http_counts {
    uint64_t n_requests;
    uint64_t n_by_class[6]; /* replies by hundreds of their status */
    uint32_t n_connections;
    uint64_t n_stopped; /* requests whose client had gone, or that the daemon's stop has ended */
};
void http_count(struct http *http, struct http_counts *counts);

/* When that HTTP thread last turned to its connections which has not for the
 * longest (CLOCK_MONOTONIC_COARSE); wakes them all, so that the next call, a
 * while later, finds those that live. Any thread. */
uint64_t http_beat_ms(struct http *http);

/* For handlers. All strings live until the request is over. */
void *request_app(const struct request *request);
const char *request_method(const struct request *request);
const char *request_path(const struct request *request);
/* What the index-th {} of the pattern, or its *, matched. */
const char *request_param(const struct request *request, size_t index);
/* NULL where it is absent. A form's field counts as a query parameter once the
 * body is there. */
const char *request_query(const struct request *request, const char *name);
const char *request_header(const struct request *request, const char *name);
/* Call visit for each query parameter and form field until it returns false;
 * returns whether none did. */
bool request_queries(const struct request *request,
                     bool (*visit)(void *self, const char *name, const char *value), void *self);
struct body *request_body(struct request *request);
/* The Content-Length, 0 where there is none. */
uint64_t request_length(const struct request *request);

/* Which client it comes from, as client.h says. */
uint32_t request_client(const struct request *request);
/* What the handler holds of memory is reserved from this. It ends with the
 * request, when the reply is sent. */
struct claim *request_claim(struct request *request);
/* Set once nobody waits for the reply: the client has gone, or the daemon stops
 * and its grace has passed. Every loop that may run for more than 20 ms reads
 * it. Valid until the request is over. */
const atomic_bool *request_stop(const struct request *request);

/* Whether the handler runs on the HTTP thread, and may leave the reply
 * unanswered to be called again on the interactive queue. */
bool request_here(const struct request *request);

/* Run the handler there, not where its route says: for `head`, which has seen
 * what the request wants. */
void request_move(struct request *request, enum route_where where);

/* Whether the route knows all query parameters and fields of the form that have
 * come so far. ERR_INPUT names the first that it does not, and the nearest that
 * it does. */
bool request_parameters_check(const struct request *request, struct err *err);

/* What a handler wants to keep from `head` to `run`. Its first member is a
 * struct work_item: where the request ends before someone has taken the context
 * (request_keep with NULL), the executor runs that item, which gives it up. */
void request_keep(struct request *request, struct work_item *context);
struct work_item *request_kept(const struct request *request);

/* A reply's body made while it is sent, for reply->source. NULL: out of memory,
 * and nothing was taken over. */
struct source *http_source_new(const struct request *request, const struct reply_source *source,
                               struct err *err);
/* There is something to read, after `wait`. Any thread, also from within
 * `wait`; does not block. */
void http_source_wake(struct source *source);

#endif
