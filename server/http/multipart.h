/* multipart/form-data (RFC 7578), streamed: the bytes of its file, of a second
 * one called labels, and its small fields.
 *
 * Threads: one parser, one thread at a time. */
#ifndef MLPD_HTTP_MULTIPART_H
#define MLPD_HTTP_MULTIPART_H

#include "mlp/err.h"

#include <stddef.h>

struct multipart_sink {
    /* Bytes of the file, or of the labels, in order. False stops the parser
     * with *err. */
    bool (*file)(void *self, bool labels, const char *bytes, size_t n, struct err *err);
    bool (*field)(void *self, const char *name, const char *value, struct err *err);
    void *self;
};

struct multipart;
/* content_type: the request's header, which names the boundary. NULL: ERR_INPUT
 * (no usable boundary), ERR_MEMORY. */
struct multipart *multipart_new(const char *content_type, const struct multipart_sink *sink, struct err *err);
size_t multipart_bytes(void);                     /* of memory that one takes */
void multipart_free(struct multipart *multipart); /* takes NULL */
bool multipart_feed(struct multipart *multipart, const char *bytes, size_t n, struct err *err);
/* After the last byte: ERR_INPUT where the form was cut short, or held no
 * file. */
bool multipart_end(struct multipart *multipart, struct err *err);

#endif
