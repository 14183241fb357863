/* libFuzzer target: any bytes as a compressed body. Pieces do not change what
 * comes out, and gzip's is what zlib makes of it at once. The first byte: the
 * kind; the second how much may come out; the third the size of the pieces. */
#include "base/ledger.h"
#include "fuzz.h"
#include "http/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { OUT_MAX = 1 << 16 };

struct trial {
    const char *bytes;
    size_t n, piece;
    enum inflate_kind kind;
    uint64_t most;
    char out[OUT_MAX];
    size_t n_out;
};

static bool bytes_take(void *self, const char *bytes, size_t n, struct err *err)
{
    struct trial *trial = self;
    if (trial->n_out + n > OUT_MAX)
        return err_set(err, ERR_LIMIT, "enough");
    memcpy(trial->out + trial->n_out, bytes, n);
    trial->n_out += n;
    return true;
}

static bool body_read(void *self, struct err *err)
{
    struct trial *trial = self;
    const struct inflate_sink sink = {bytes_take, trial};
    struct claim payer = {0};
    trial->n_out = 0;
    struct inflate *inflate = inflate_new(trial->kind, trial->most, &sink, &payer, err);
    bool good = inflate != NULL;
    for (size_t at = 0, n; good && at < trial->n; at += n) {
        n = trial->n - at < trial->piece ? trial->n - at : trial->piece;
        good = inflate_feed(inflate, trial->bytes + at, n, err);
        require(trial->n_out <= trial->most || inflate_kind(inflate) < INFLATE_GZIP,
                "no more comes out than may");
    }
    good = good && inflate_end(inflate, err);
    inflate_free(inflate);
    return good;
}

/* One gzip member alone, by zlib at once. */
static void zlib_check(const struct trial *trial)
{
    static char out[OUT_MAX];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)trial->bytes,
                       .avail_in = (uInt)trial->n,
                       .next_out = (Bytef *)out,
                       .avail_out = OUT_MAX};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
        return;
    if (inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0)
        require(OUT_MAX - stream.avail_out == trial->n_out && memcmp(out, trial->out, trial->n_out) == 0,
                "zlib unpacks the same");
    inflateEnd(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trial whole, pieces;
    struct fuzz_input input = {data, size};
    uint8_t kind = fuzz_byte(&input), most = fuzz_byte(&input), piece = fuzz_byte(&input),
            fault = fuzz_byte(&input);
    char *exact = malloc(input.n ? input.n : 1);
    memcpy(exact, input.at, input.n);
    whole.bytes = exact;
    whole.n = input.n;
    whole.piece = SIZE_MAX;
    whole.kind = (enum inflate_kind)(kind % 4);
    whole.most = most ? (uint64_t)most * 100 : OUT_MAX;
    pieces = whole;
    pieces.piece = 1u + piece % 64u;
    bool good = fuzz_run(0, body_read, &whole);
    bool by_pieces = fuzz_run(0, body_read, &pieces);
    /* libzstd takes a last block of no bytes, which is damage, where it comes
     * alone */
    require(good == by_pieces || inflate_look(whole.bytes, whole.n) == INFLATE_ZSTD,
            "pieces do not change the outcome");
    require(!good || !by_pieces ||
                (whole.n_out == pieces.n_out && memcmp(whole.out, pieces.out, whole.n_out) == 0),
            "pieces do not change what comes");
    if (good && whole.kind == INFLATE_GZIP)
        zlib_check(&whole);
    if (fault > 0)
        fuzz_run(fault, body_read, &pieces);
    free(exact);
    return 0;
}
