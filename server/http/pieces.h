/* A reply's text made piece by piece: whole where it is short, else while it is
 * sent, so that a reply of any length takes the memory of some kilobytes.
 *
 * Threads: written on one thread at a time, first the handler's, then service
 * threads. */
#ifndef MLPD_HTTP_PIECES_H
#define MLPD_HTTP_PIECES_H

#include "http/http.h"

enum piece { PIECE_MORE, PIECE_LAST, PIECE_FAILED };

struct pieces {
    /* Write some more, a few kilobytes. PIECE_FAILED, with *err: nothing of
     * this piece may be sent. Once a reply is on its way that breaks it off. */
    enum piece (*write)(void *self, struct writer *writer, struct err *err);
    void (*free)(void *self);
    void *self;
    uint64_t bytes; /* of the reply's claim: what self takes */
};

/* Answer 200 with what is written, or with why nothing can be. Takes self
 * over. */
void pieces_reply(const struct request *request, struct reply *reply, const char *type,
                  const struct pieces *pieces);

#endif
