/* What a handler answers. Built by the handler, sent by http. */
#ifndef MLPD_HTTP_REPLY_H
#define MLPD_HTTP_REPLY_H

#include "base/ledger.h"
#include "base/writer.h"
#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

#define REPLY_HEADERS_MAX 6

/* A body that is made while it is sent. */
struct reply_source {
    /* Write up to size bytes; *n of them. 1: more may follow; 0: nothing yet,
     * `wait` is called next; -1: the end; -2: no more can be made, and the
     * client shall notice. Runs on a service thread; may read the disk. size is
     * at least 4096. */
    int (*read)(void *self, char *text, size_t size, size_t *n);
    /* Ask for one http_source_wake(source). NULL where `read` never returns
     * 0. */
    void (*wait)(void *self);
    void (*free)(void *self);
    void *self;
    const char *idle; /* sent when nothing was sent for some seconds */
};

struct reply {
    unsigned status;  /* 0: not answered yet */
    const char *type; /* a string that lasts */
    char *body;       /* owned */
    size_t n_body;
    int fd; /* owned, -1: none; n_fd bytes of it are the body */
    uint64_t n_fd;
    struct source *source; /* owned: http_source_new */
    struct {
        const char *name; /* a string that lasts */
        char value[200];
    } headers[REPLY_HEADERS_MAX];
    size_t n_headers;
    bool close;          /* the connection, after it */
    struct claim *claim; /* what `body` is reserved from; NULL: nothing is */
};

void reply_init(struct reply *reply);
void reply_done(struct reply *reply);

/* An empty writer for the reply's body. */
void reply_writer(const struct reply *reply, struct writer *writer);
/* Takes the writer's text; where memory ran out it becomes a problem. */
void reply_json(struct reply *reply, unsigned status, struct writer *writer);
void reply_text(struct reply *reply, unsigned status, const char *type, struct writer *writer);
void reply_empty(struct reply *reply, unsigned status);
/* Cut at the size of `value` above; control characters are not let through. */
void reply_header(struct reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A problem (RFC 9457) out of the error; the status follows from its code. */
void reply_problem(struct reply *reply, const struct err *err);
/* A problem of the given status. */
void reply_refuse(struct reply *reply, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The problem's object, for what shows an error within a larger reply. */
void problem_write(struct writer *writer, unsigned status, const struct err *err);
unsigned problem_status(const struct err *err);

#endif
