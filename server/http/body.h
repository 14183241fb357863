/* A request's body on its way in: small ones stay in memory, larger ones go to
 * a file without a name in the state folder.
 *
 * Two threads share a body without a lock, by turns: the HTTP thread calls
 * body_take, and body_swap when body_take has no room; then body_flush belongs
 * to one service thread until it returns, while the HTTP thread may fill the
 * other buffer. All other calls only when no flush is under way. */
#ifndef MLPD_HTTP_BODY_H
#define MLPD_HTTP_BODY_H

#include "http/inflate.h"
#include "mlp/map.h"
#include "mlp/stop.h"

#include <stddef.h>
#include <stdint.h>

#define BODY_BUFFER (256 * 1024) /* of each of the two buffers; what fits into one stays in memory */
#define BODY_FIELDS_MAX 64

struct body_field {
    char *name, *value;
};

struct body {
    /* where large bodies go: a new file's descriptor, -1 on failure */
    int (*temp)(void *self, struct err *err);
    void *self;
    const atomic_bool *stop;     /* ends what is slow with ERR_STOPPED; NULL: nothing does */
    struct multipart *multipart; /* the body is a form */
    struct inflate *inflate;     /* the body, of a form its file, is or may be compressed */
    uint64_t most;               /* bytes that may come out of it */
    bool unpacks;                /* where its first bytes say that it is compressed */
    struct body_labels {
        struct inflate *inflate; /* where the body's file may be compressed, so may the labels */
        int fd;                  /* -1: there are none */
    } labels;                    /* of a form: a second file, so called */
    char *filling, *in_flight;   /* (capacity), (BODY_BUFFER) */
    size_t n_filling, capacity, n_in_flight;
    uint64_t received; /* bytes that body_take has taken; the HTTP thread's */
    uint64_t flushed;  /* bytes that body_flush has written; the service thread's */
    int fd;            /* -1: nothing was written */
    uint64_t size;     /* of the file, unpacked */
    struct map map;
    struct body_field fields[BODY_FIELDS_MAX]; /* of the form */
    size_t n_fields;
    struct claim claim;       /* of the buffers, of the form's reader and of the map */
    struct claim field_claim; /* of the fields: body_flush's while that runs */
    bool failed;
    struct err err; /* where failed */
};

/* payer: the request's claim, which the memory is reserved from. */
void body_init(struct body *body, int (*temp)(void *self, struct err *err), void *self, struct claim *payer);
/* It may outlive its payer from now on. */
void body_leave(struct body *body);
/* Once it has been read: give up all but the form's fields. */
void body_drop(struct body *body);
/* Empty it for the next request; keeps a small buffer. */
void body_reset(struct body *body);
void body_done(struct body *body);

/* The body is a multipart form: its file and its fields are taken apart on the
 * way. */
bool body_form(struct body *body, const char *content_type, struct err *err);
/* The body (of a form: its file) is compressed, or INFLATE_GUESS: perhaps. It
 * is unpacked on the way, to `most` bytes at most. What was said first counts:
 * does nothing where that has been called. Before the first byte. */
bool body_unpack(struct body *body, enum inflate_kind kind, uint64_t most, struct err *err);
/* As INFLATE_GUESS, for bodies that are mostly small: one that is not
 * compressed stays in memory. */
void body_unpack_found(struct body *body, uint64_t most);
/* After body_finish: how it was compressed. */
enum inflate_kind body_compression(const struct body *body);
/* Between flushes: whether the file holds `size` of the body's own bytes, for it
 * is no form and not compressed. */
bool body_plain(const struct body *body);
/* Take as many of the n bytes as there is room for; fewer than n: the buffer is
 * full (or there is no memory for more: body->failed). */
size_t body_take(struct body *body, const char *bytes, size_t n);
/* Hand the full buffer to body_flush. False: no memory, body->failed. */
bool body_swap(struct body *body);
/* Write what was handed over; a failure is kept in body->failed. Slow. */
void body_flush(struct body *body);
/* Whether a file or a decoder belongs to it: then body_reset and body_done may
 * be slow. */
bool body_stored(const struct body *body);
/* Whether body_finish has something to write: then it is slow. */
bool body_pending(const struct body *body);
/* The body is complete: write the rest where it goes to a file. */
bool body_finish(struct body *body, struct err *err);

/* After body_finish: the whole body (of a form: the file) in memory or mapped,
 * valid until body_drop; as memory, for all of it may be. */
bool body_view(struct body *body, const char **bytes, size_t *n, struct err *err);
/* After what body_view gave was read: whether it was all there. ERR_CORRUPT
 * where the disk failed. */
bool body_was_read(const struct body *body, struct err *err);
/* The same, not as memory: for what is read once from its beginning to its end,
 * whose pages the system may take back. */
bool body_pages(struct body *body, const char **bytes, size_t *n, struct err *err);
/* After body_finish: its first bytes, `size` at most. Returns their number; 0
 * on failure, too. */
size_t body_head(struct body *body, char *bytes, size_t size);
/* After body_finish: a regular file that holds it; owned by the body. -1 on
 * failure. Slow. */
int body_file(struct body *body, struct err *err);
/* After body_finish: the regular file that holds the form's labels; owned by
 * the body. -1: there are none. */
int body_labels(const struct body *body);
/* The form's field; NULL where there is none. */
const char *body_field(const struct body *body, const char *name);

#endif
