/* Replies that are made while they are sent.
 *
 * A source has one buffer. The HTTP thread empties it; when it is empty the
 * connection is suspended and a work item on a queue of its own fills it, so
 * that reading (which may touch the disk) never happens on an HTTP thread.
 * Where there is nothing to read yet, the item asks to be woken, and the wake
 * submits it again.
 * Lifetime: from http_source_new until source_close, or until the item that is
 * under way then has ended. */
#include "http/private.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE 16384

struct source {
    struct work_item item; /* first: the executor hands back its address */
    struct reply_source from;
    struct http *http;
    struct claim claim;      /* of itself */
    pthread_mutex_t lock;    /* protects what follows */
    struct request *request; /* NULL: not attached yet, or over */
    uint32_t n_busy;         /* calls of the item that are submitted or have not ended */
    bool fetching;           /* one of them has not filled the buffer yet */
    bool waiting;            /* `wait` was called, and no wake has come */
    bool suspended;          /* the connection waits for this source */
    bool over;               /* nothing comes after the buffer */
    bool broken;             /* something should, and cannot */
    bool closed;             /* nobody reads any more */
    bool heartbeat;          /* send from.idle next */
    uint64_t sent_ms;
    size_t at, n; /* of the buffer: bytes at .. n are to be sent */
    char buffer[BUFFER_SIZE];
};

static void source_free(struct work_item *item)
{
    struct source *source = (struct source *)item;
    source->from.free(source->from.self);
    pthread_mutex_destroy(&source->lock);
    claim_end(&source->claim);
    free(source);
}

/* Under the lock. */
static void resume(struct source *source)
{
    if (source->suspended && source->request) {
        source->suspended = false;
        connection_resume(source->request);
    }
}

static void fetch(struct work_item *item)
{
    struct source *source = (struct source *)item;
    size_t n = 0;
    pthread_mutex_lock(&source->lock);
    bool ended = source->closed || source->over; /* while the task waited */
    pthread_mutex_unlock(&source->lock);
    int more = ended ? -1 : source->from.read(source->from.self, source->buffer, BUFFER_SIZE, &n);
    pthread_mutex_lock(&source->lock);
    bool wait = more == 0 && n == 0 && !source->closed;
    source->at = 0;
    source->n = n;
    source->over |= more < 0;
    source->broken = more < -1;
    source->fetching = false;
    source->waiting = wait;
    if (!wait)
        resume(source);
    pthread_mutex_unlock(&source->lock);
    if (wait)
        source->from.wait(source->from.self);
    pthread_mutex_lock(&source->lock);
    bool last = --source->n_busy == 0 && source->closed;
    pthread_mutex_unlock(&source->lock);
    if (last)
        source_free(&source->item);
}

/* Under the lock. */
static void fetch_submit(struct source *source)
{
    source->fetching = true;
    source->n_busy++;
    executor_submit(source->http->options.executor, QUEUE_STREAMS, &source->item);
}

struct source *http_source_new(const struct request *request, const struct reply_source *from,
                               struct err *err)
{
    struct claim claim = {.ledger = request->claim.ledger, .client = request->claim.client};
    if (!claim_take(&claim, sizeof(struct source), err))
        return NULL;
    struct source *source = calloc(1, sizeof *source);
    if (!source) {
        claim_end(&claim);
        err_memory(err, "the stream");
        return NULL;
    }
    source->claim = claim;
    pthread_mutex_init(&source->lock, NULL);
    source->item.run = fetch;
    source->item.client = request->work.client;
    source->item.kind = request->work.kind;
    source->from = *from;
    source->http = request->http;
    source->sent_ms = clock_ms();
    return source;
}

void http_source_wake(struct source *source)
{
    pthread_mutex_lock(&source->lock);
    if (source->waiting && !source->closed) {
        source->waiting = false;
        fetch_submit(source);
    }
    pthread_mutex_unlock(&source->lock);
}

void source_attach(struct source *source, struct request *request)
{
    pthread_mutex_lock(&source->lock);
    source->request = request;
    pthread_mutex_unlock(&source->lock);
}

static size_t buffer_copy(struct source *source, char *text, size_t size)
{
    size_t left = source->n - source->at, n = left < size ? left : size;
    memcpy(text, source->buffer + source->at, n);
    source->at += n;
    return n;
}

ssize_t source_read(void *self, uint64_t position, char *text, size_t size)
{
    struct source *source = self;
    ssize_t n = 0;
    (void)position;
    pthread_mutex_lock(&source->lock);
    if (source->at < source->n) {
        n = (ssize_t)buffer_copy(source, text, size);
    } else if (source->over) {
        n = source->broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    } else if (source->heartbeat && strlen(source->from.idle) <= size) {
        n = (ssize_t)strlen(source->from.idle);
        memcpy(text, source->from.idle, (size_t)n);
    } else {
        source->suspended = true;
        MHD_suspend_connection(source->request->connection);
        if (!source->fetching && !source->waiting)
            fetch_submit(source);
    }
    if (n > 0)
        source->sent_ms = clock_ms();
    source->heartbeat = false;
    pthread_mutex_unlock(&source->lock);
    return n;
}

void source_nudge(struct source *source, bool end, uint64_t now_ms)
{
    pthread_mutex_lock(&source->lock);
    if (end) {
        source->broken |=
            !source->over && !source->from.idle; /* a part of something, not a stream without an end */
        source->over = true;
    } else if (source->suspended && source->from.idle && now_ms >= source->sent_ms + HEARTBEAT_MS) {
        source->heartbeat = true;
    }
    if (end || source->heartbeat)
        resume(source);
    pthread_mutex_unlock(&source->lock);
}

void source_close(struct source *source)
{
    pthread_mutex_lock(&source->lock);
    source->closed = true;
    source->request = NULL;
    bool busy = source->n_busy > 0;
    pthread_mutex_unlock(&source->lock);
    if (busy)
        return;
    source->item.run = source_free;
    executor_submit(source->http->options.executor, QUEUE_STREAMS, &source->item);
}
