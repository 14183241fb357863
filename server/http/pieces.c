/* Replies in pieces. */
#include "http/pieces.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE_BYTES 65536 /* a longer reply is sent while it is made */
#define PIECE_BYTES 16384

struct stream {
    struct pieces from;
    struct claim claim; /* of itself, the text and what `from` takes: it may outlive the request */
    struct writer text;
    size_t at; /* of text: what was given out */
    bool over;
};

/* Write until there is enough. A writer that has failed is PIECE_FAILED without
 * *err. */
static enum piece fill(const struct pieces *from, struct writer *writer, size_t enough, struct err *err)
{
    enum piece piece;
    do
        piece = from->write(from->self, writer, err);
    while (piece == PIECE_MORE && !writer->failed && writer->n < enough);
    return writer->failed ? PIECE_FAILED : piece;
}

/* Room for the next piece. Its last byte stays: the writer sees by it whether a
 * comma is due. */
static void stream_empty(struct stream *stream)
{
    struct writer *text = &stream->text;
    char last = text->text[text->n - 1];
    if (text->capacity > 4 * PIECE_BYTES) {
        writer_done(text);
        text->claim = &stream->claim;
    }
    text->n = 0;
    writer_bytes(text, &last, 1);
    stream->at = 1;
}

static int stream_read(void *self, char *text, size_t size, size_t *n)
{
    struct stream *stream = self;
    struct err ignored; /* the status is sent: the broken reply tells */
    while (*n < size) {
        if (stream->at == stream->text.n) {
            if (stream->over)
                return -1;
            stream_empty(stream);
            enum piece piece = fill(&stream->from, &stream->text, PIECE_BYTES, &ignored);
            if (piece == PIECE_FAILED)
                return -2;
            stream->over = piece == PIECE_LAST;
        }
        size_t left = stream->text.n - stream->at, part = left < size - *n ? left : size - *n;
        memcpy(text + *n, stream->text.text + stream->at, part);
        stream->at += part;
        *n += part;
    }
    return 1;
}

static void stream_free(void *self)
{
    struct stream *stream = self;
    stream->from.free(stream->from.self);
    writer_done(&stream->text);
    claim_end(&stream->claim);
    free(stream);
}

/* The text so far goes over to a stream, which writes the rest. NULL: *err, and
 * `from` and the text are the caller's still. */
static struct stream *stream_new(struct claim *claim, const struct pieces *from, struct writer *begun,
                                 struct err *err)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        err_memory(err, "the reply");
        return NULL;
    }
    stream->claim = (struct claim){.ledger = claim->ledger, .client = claim->client};
    claim_give(claim, from->bytes + begun->capacity);
    if (!claim_take(&stream->claim, sizeof *stream + from->bytes + begun->capacity, err)) {
        begun->claim = NULL;
        free(stream);
        return NULL;
    }
    stream->from = *from;
    stream->text = *begun;
    stream->text.claim = &stream->claim;
    return stream;
}

static bool stream_reply(const struct request *request, struct reply *reply, const struct pieces *from,
                         struct writer *begun, struct err *err)
{
    struct stream *stream = stream_new(reply->claim, from, begun, err);
    if (!stream) {
        from->free(from->self);
        writer_done(begun);
        return false;
    }
    const struct reply_source source = {.read = stream_read, .free = stream_free, .self = stream};
    reply->source = http_source_new(request, &source, err);
    if (!reply->source)
        stream_free(stream);
    return reply->source != NULL;
}

void pieces_reply(const struct request *request, struct reply *reply, const char *type,
                  const struct pieces *pieces)
{
    struct writer writer;
    struct err err = {0};
    reply_writer(reply, &writer);
    enum piece piece = fill(pieces, &writer, WHOLE_BYTES, &err);
    if (piece == PIECE_MORE && stream_reply(request, reply, pieces, &writer, &err)) {
        reply->status = 200;
        reply->type = type;
        return;
    }
    if (piece == PIECE_LAST)
        reply_text(reply, 200, type, &writer);
    if (piece == PIECE_FAILED && writer.failed)
        writer_why(&writer, &err);
    else if (piece == PIECE_FAILED)
        writer_done(&writer);
    if (piece != PIECE_MORE)
        pieces->free(pieces->self);
    if (piece != PIECE_LAST)
        reply_problem(reply, &err);
}
