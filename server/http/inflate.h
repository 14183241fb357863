/* Compressed bodies, unpacked on their way: gzip (zlib), and zstd where libzstd
 * is built in (MLPD_ZSTD).
 *
 * Threads: one inflate, one thread at a time. What comes out is bounded: by
 * `most` bytes, and, once 64 MB have come out, by 1,000 times what went in, so
 * that a small body cannot fill the disk. */
#ifndef MLPD_HTTP_INFLATE_H
#define MLPD_HTTP_INFLATE_H

#include "base/ledger.h"
#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

#define INFLATE_FREE (64u << 20) /* bytes that may come out whatever went in */
#define INFLATE_RATIO 1000
/* Of zstd: what every decoder should have (RFC 8878, 3.1.1.1.2), and what the
 * zstd command uses at any level short of --ultra and --long. */
#define INFLATE_WINDOW_LOG 23

enum inflate_kind {
    INFLATE_GUESS, /* by the first bytes: gzip, zstd, or as it is */
    INFLATE_NONE,
    INFLATE_GZIP,
    INFLATE_ZSTD,
};

struct inflate_sink {
    /* Bytes that came out, in order. False stops the work with *err. */
    bool (*bytes)(void *self, const char *bytes, size_t n, struct err *err);
    void *self;
};

/* The word of a Content-Encoding: "gzip", "x-gzip", "zstd", "identity" or "".
 * False: another one, or one that is not built in. */
bool inflate_find(const char *word, enum inflate_kind *kind);
/* "gzip and zstd", as far as built in. */
const char *inflate_kinds(void);
/* How a body that begins with these n bytes is compressed: gzip, zstd or not;
 * whether or not that is built in. */
enum inflate_kind inflate_look(const char *bytes, size_t n);
/* "gzip", "zstd"; NULL for what is not compressed. */
const char *inflate_name(enum inflate_kind kind);

struct inflate;
/* most: bytes that may come out. payer: whose request its memory is reserved
 * from. NULL: out of memory. */
struct inflate *inflate_new(enum inflate_kind kind, uint64_t most, const struct inflate_sink *sink,
                            struct claim *payer, struct err *err);
/* It may outlive its payer's request from now on. */
void inflate_leave(struct inflate *inflate);
void inflate_free(struct inflate *inflate); /* takes NULL */
/* ERR_INPUT: damaged; ERR_LIMIT: too much comes out, or it asks for a larger
 * window than 8 MB; ERR_UNSUPPORTED: compressed in a way that is not built in;
 * as claim_take. */
bool inflate_feed(struct inflate *inflate, const char *bytes, size_t n, struct err *err);
/* After the last byte: ERR_INPUT where the compressed data was cut short. */
bool inflate_end(struct inflate *inflate, struct err *err);
/* What it turned out to be, once the first bytes have been fed. */
enum inflate_kind inflate_kind(const struct inflate *inflate);

#endif
