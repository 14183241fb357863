/* Compressed bodies, unpacked on their way. See inflate.h for the bounds.
 *
 * Both formats may be several pieces one after another (as `cat a.gz b.gz`
 * makes): after the end of one, more bytes begin the next. */
#include "http/inflate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#if MLPD_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif

#define OUT_SIZE (128u << 10)
#define MAGIC_MAX 4
#define GZIP_BYTES (OUT_SIZE + (48u << 10)) /* zlib's state with its window of 32 KB */
/* A zstd decoder before it has seen how large the window is: that, three
 * blocks, and its tables. */
#define ZSTD_BYTES (OUT_SIZE + (1u << INFLATE_WINDOW_LOG) + (3u * 128u << 10) + (192u << 10))

struct inflate {
    struct inflate_sink sink;
    struct claim claim;
    enum inflate_kind kind;
    uint64_t most, n_in, n_out;
    char magic[MAGIC_MAX]; /* the first bytes, while guessing */
    size_t n_magic;
    bool begun, ended; /* a piece has begun; the last one that began has ended */
    z_stream gzip;
#if MLPD_ZSTD
    ZSTD_DStream *zstd;
#endif
    char *out; /* (OUT_SIZE) */
};

bool inflate_find(const char *word, enum inflate_kind *kind)
{
    static const struct {
        const char *word;
        enum inflate_kind kind;
    } words[] = {
        {"", INFLATE_NONE},
        {"identity", INFLATE_NONE},
        {"gzip", INFLATE_GZIP},
        {"x-gzip", INFLATE_GZIP},
#if MLPD_ZSTD
        {"zstd", INFLATE_ZSTD},
#endif
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(word, words[i].word)) {
            *kind = words[i].kind;
            return true;
        }
    return false;
}

const char *inflate_kinds(void)
{
#if MLPD_ZSTD
    return "gzip and zstd";
#else
    return "gzip";
#endif
}

const char *inflate_name(enum inflate_kind kind)
{
    return kind == INFLATE_GZIP ? "gzip" : kind == INFLATE_ZSTD ? "zstd" : NULL;
}

enum inflate_kind inflate_kind(const struct inflate *inflate)
{
    return inflate->kind;
}

struct inflate *inflate_new(enum inflate_kind kind, uint64_t most, const struct inflate_sink *sink,
                            struct claim *payer, struct err *err)
{
    struct inflate *inflate = calloc(1, sizeof *inflate);
    if (!inflate) {
        err_memory(err, "the compressed body");
        return NULL;
    }
    inflate->kind = kind;
    inflate->most = most;
    inflate->sink = *sink;
    inflate->claim = claim_of(payer);
    return inflate;
}

void inflate_leave(struct inflate *inflate)
{
    claim_part(&inflate->claim);
}

void inflate_free(struct inflate *inflate)
{
    if (!inflate)
        return;
    if (inflate->kind == INFLATE_GZIP && inflate->out)
        inflateEnd(&inflate->gzip);
#if MLPD_ZSTD
    ZSTD_freeDStream(inflate->zstd);
#endif
    free(inflate->out);
    claim_end(&inflate->claim);
    free(inflate);
}

/* Get ready for the kind, on its first bytes. */
static bool begin(struct inflate *inflate, struct err *err)
{
    if (inflate->kind == INFLATE_NONE || inflate->out)
        return true;
    if (!claim_take(&inflate->claim, inflate->kind == INFLATE_GZIP ? GZIP_BYTES : ZSTD_BYTES, err))
        return false;
    char *out = malloc(OUT_SIZE);
    bool ready = out != NULL;
    if (inflate->kind == INFLATE_GZIP)
        ready =
            ready && inflateInit2(&inflate->gzip, 16 + MAX_WBITS) == Z_OK; /* 16: a gzip header is expected */
#if MLPD_ZSTD
    else if ((inflate->zstd = ZSTD_createDStream()) == NULL)
        ready = false;
    else
        ready = ready &&
                !ZSTD_isError(ZSTD_DCtx_setParameter(inflate->zstd, ZSTD_d_windowLogMax, INFLATE_WINDOW_LOG));
#endif
    if (!ready) {
        free(out);
        return err_memory(err, "the compressed body");
    }
    inflate->out = out;
    return true;
}

static bool deliver(struct inflate *inflate, size_t n, struct err *err)
{
    inflate->n_out += n;
    if (inflate->n_out > inflate->most)
        return err_set(err, ERR_LIMIT,
                       "the body is longer than %" PRIu64
                       " bytes once it is unpacked: that is what is accepted here",
                       inflate->most);
    if (inflate->n_out > INFLATE_FREE && inflate->n_out / INFLATE_RATIO > inflate->n_in)
        return err_set(err, ERR_LIMIT, "the body unpacks to more than %d times its size: send it unpacked",
                       INFLATE_RATIO);
    return n == 0 || inflate->sink.bytes(inflate->sink.self, inflate->out, n, err);
}

static bool damaged(struct err *err, const char *what, const char *why)
{
    return err_set(err, ERR_INPUT, "the body's %s data is damaged: %.100s", what, why);
}

static bool gzip_feed(struct inflate *self, const char *bytes, size_t n, struct err *err)
{
    z_stream *gzip = &self->gzip;
    gzip->next_in = (z_const Bytef *)bytes;
    gzip->avail_in = (uInt)n;
    do {
        if (self->ended && gzip->avail_in) {
            inflateReset(gzip);
            self->ended = false;
        }
        gzip->next_out = (Bytef *)self->out;
        gzip->avail_out = OUT_SIZE;
        uInt before = gzip->avail_in;
        int result = inflate(gzip, Z_NO_FLUSH);
        self->n_in += before - gzip->avail_in;
        if (result == Z_MEM_ERROR)
            return err_memory(err, "the compressed body");
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return damaged(err, "gzip", gzip->msg ? gzip->msg : "it does not unpack");
        self->ended = result == Z_STREAM_END;
        if (!deliver(self, OUT_SIZE - gzip->avail_out, err))
            return false;
    } while (gzip->avail_in || gzip->avail_out == 0);
    return true;
}

#if MLPD_ZSTD
/* Hold what a window may take where a frame begins, and what it does take once
 * bytes come out of it. */
static bool window_reserve(struct inflate *inflate, bool known, struct err *err)
{
    uint64_t bytes = known ? OUT_SIZE + ZSTD_sizeof_DStream(inflate->zstd) : ZSTD_BYTES;
    return claim_change(&inflate->claim, inflate->claim.bytes, bytes, err);
}

static bool zstd_failed(struct err *err, size_t result)
{
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return err_set(err, ERR_LIMIT,
                       "the body's zstd data needs a window of more than %d MB: compress it without "
                       "--ultra and --long",
                       1 << (INFLATE_WINDOW_LOG - 20));
    return damaged(err, "zstd", ZSTD_getErrorName(result));
}

static bool zstd_feed(struct inflate *inflate, const char *bytes, size_t n, struct err *err)
{
    ZSTD_inBuffer in = {bytes, n, 0};
    ZSTD_outBuffer out;
    do {
        size_t before = in.pos;
        if (inflate->ended && in.pos < in.size && !window_reserve(inflate, false, err))
            return false;
        out = (ZSTD_outBuffer){inflate->out, OUT_SIZE, 0};
        size_t result = ZSTD_decompressStream(inflate->zstd, &out, &in);
        inflate->n_in += in.pos - before;
        if (ZSTD_isError(result))
            return zstd_failed(err, result);
        inflate->ended = result == 0;
        if ((out.pos && !window_reserve(inflate, true, err)) || !deliver(inflate, out.pos, err))
            return false;
    } while (in.pos < in.size || (!inflate->ended && out.pos == OUT_SIZE));
    return true;
}
#endif

static bool known_feed(struct inflate *inflate, const char *bytes, size_t n, struct err *err)
{
    if (n == 0)
        return true;
    if (inflate->kind == INFLATE_NONE)
        return inflate->sink.bytes(inflate->sink.self, bytes, n, err);
    inflate->begun = true;
    if (!begin(inflate, err))
        return false;
#if MLPD_ZSTD
    if (inflate->kind == INFLATE_ZSTD)
        return zstd_feed(inflate, bytes, n, err);
#endif
    return gzip_feed(inflate, bytes, n, err);
}

/* What begins like this; no text does. */
enum inflate_kind inflate_look(const char *bytes, size_t n)
{
    static const char zstd[] = {'\x28', '\xb5', '\x2f', '\xfd'};
    if (n >= 3 && !memcmp(bytes, "\x1f\x8b\x08", 3))
        return INFLATE_GZIP;
    return n >= sizeof zstd && !memcmp(bytes, zstd, sizeof zstd) ? INFLATE_ZSTD : INFLATE_NONE;
}

static bool guess(struct inflate *inflate, struct err *err)
{
    enum inflate_kind kind = inflate_look(inflate->magic, inflate->n_magic);
    if (kind == INFLATE_ZSTD && strstr(inflate_kinds(), "zstd") == NULL)
        return err_set(
            err, ERR_UNSUPPORTED,
            "the body is compressed by zstd, which is not built in here: expected %s, or the file as it is",
            inflate_kinds());
    inflate->kind = kind;
    return known_feed(inflate, inflate->magic, inflate->n_magic, err);
}

bool inflate_feed(struct inflate *inflate, const char *bytes, size_t n, struct err *err)
{
    while (inflate->kind == INFLATE_GUESS && n) {
        inflate->magic[inflate->n_magic++] = *bytes++;
        n--;
        if (inflate->n_magic == MAGIC_MAX && !guess(inflate, err))
            return false;
    }
    return known_feed(inflate, bytes, n, err);
}

bool inflate_end(struct inflate *inflate, struct err *err)
{
    if (inflate->kind == INFLATE_GUESS && !guess(inflate, err))
        return false;
    if (inflate->begun && !inflate->ended)
        return err_set(err, ERR_INPUT, "the body's %s data ends too early: the file was cut short",
                       inflate_name(inflate->kind));
    return true;
}
