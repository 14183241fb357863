/* Files compressed and unpacked with zstd. See pack.h. */
#include "base/pack.h"
#include "base/files.h"

#include <stdlib.h>

#if MLPD_ZSTD
#include <zstd.h>

#define LEVEL 3

/* One file on its way into another. */
struct way {
    int from, to;
    uint64_t at, size; /* of `from` */
    char *in, *out;    /* (n_in), (n_out) */
    size_t n_in, n_out;
    const atomic_bool *stop;
};

static bool way_begin(struct way *way, size_t n_in, size_t n_out, struct err *err)
{
    way->n_in = n_in;
    way->n_out = n_out;
    way->in = malloc(n_in + n_out);
    way->out = way->in + n_in;
    return (way->in || err_memory(err, "a window of the file")) && files_size(way->from, &way->size, err);
}

static bool way_read(struct way *way, ZSTD_inBuffer *in, struct err *err)
{
    size_t n = way->size - way->at < way->n_in ? (size_t)(way->size - way->at) : way->n_in;
    *in = (ZSTD_inBuffer){way->in, n, 0};
    if (!stop_check(way->stop, err) || !files_read_at(way->from, way->in, n, way->at, err))
        return false;
    way->at += n;
    return true;
}

static bool way_write(const struct way *way, const ZSTD_outBuffer *out, struct err *err)
{
    return files_reserve(way->to, out->pos, err) && files_write(way->to, way->out, out->pos, err);
}

static bool pack_run(struct way *way, ZSTD_CCtx *context, struct err *err)
{
    ZSTD_inBuffer in;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)))
        return err_set(err, ERR_UNSUPPORTED, "zstd cannot compress");
    do {
        if (!way_read(way, &in, err))
            return false;
        ZSTD_EndDirective end = way->at == way->size ? ZSTD_e_end : ZSTD_e_continue;
        for (size_t left = 1; left > 0;) {
            ZSTD_outBuffer out = {way->out, way->n_out, 0};
            left = ZSTD_compressStream2(context, &out, &in, end);
            if (ZSTD_isError(left))
                return err_memory(err, "compression");
            if (!way_write(way, &out, err))
                return false;
            left = end == ZSTD_e_end ? left : in.size - in.pos;
        }
    } while (way->at < way->size);
    return true;
}

static bool unpack_run(struct way *way, ZSTD_DCtx *context, struct err *err)
{
    ZSTD_inBuffer in;
    size_t left = 1;
    while (way->at < way->size) {
        if (!way_read(way, &in, err))
            return false;
        while (in.pos < in.size) {
            ZSTD_outBuffer out = {way->out, way->n_out, 0};
            left = ZSTD_decompressStream(context, &out, &in);
            if (ZSTD_isError(left))
                return err_set(err, ERR_CORRUPT, "a compressed file in the state folder is damaged: %s",
                               ZSTD_getErrorName(left));
            if (!way_write(way, &out, err))
                return false;
        }
    }
    return left == 0 || err_set(err, ERR_CORRUPT, "a compressed file in the state folder is cut short");
}

bool pack_is_there(void)
{
    return true;
}

bool pack_file(int from, int to, const atomic_bool *stop, struct err *err)
{
    struct way way = {.from = from, .to = to, .stop = stop};
    ZSTD_CCtx *context = ZSTD_createCCtx();
    bool ok = (context || err_memory(err, "compression")) &&
              way_begin(&way, ZSTD_CStreamInSize(), ZSTD_CStreamOutSize(), err) &&
              pack_run(&way, context, err);
    ZSTD_freeCCtx(context);
    free(way.in);
    return ok;
}

bool unpack_file(int from, int to, const atomic_bool *stop, struct err *err)
{
    struct way way = {.from = from, .to = to, .stop = stop};
    ZSTD_DCtx *context = ZSTD_createDCtx();
    bool ok = (context || err_memory(err, "decompression")) &&
              way_begin(&way, ZSTD_DStreamInSize(), ZSTD_DStreamOutSize(), err) &&
              unpack_run(&way, context, err);
    ZSTD_freeDCtx(context);
    free(way.in);
    return ok;
}

#else

bool pack_is_there(void)
{
    return false;
}

bool pack_file(int from, int to, const atomic_bool *stop, struct err *err)
{
    (void)from, (void)to, (void)stop;
    return err_set(err, ERR_UNSUPPORTED, "this build has no zstd");
}

bool unpack_file(int from, int to, const atomic_bool *stop, struct err *err)
{
    (void)from, (void)to, (void)stop;
    return err_set(err, ERR_UNSUPPORTED, "this build has no zstd");
}

#endif
