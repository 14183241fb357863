/* Dense layers: forward, deltas, gradients. Part of kernels/body.h. */
#ifndef MLP_ENGINE_KERNELS_DENSE_H
#define MLP_ENGINE_KERNELS_DENSE_H

#include "kernels/tile.h"

#define WEIGHTS_AHEAD 24 /* rows of weights asked for in advance: about 300 cycles at full speed */
#define INPUTS_NEAR                                                                                          \
    256 /* inputs whose weights, TILE_VECS vectors wide, stay in the nearest cache while all rows use them   \
         */
#define ROWS_NEAR 64          /* rows that use weights while they are near */
#define FAR_FLOATS (1u << 18) /* more weights than these are far away when their turn comes again */

/* ---- forward ---- */

static void join(const float *first, const float *second, uint32_t n, bool relu, float *y)
{
    for (uint32_t i = 0; i < n; i += VEC_FLOATS) {
        vec sum = load(first + i) + load(second + i);
        store(y + i, relu ? positive(sum) : sum);
    }
}

/* What a panel's weights are multiplied with, and where their sums go. */
struct forward_panel {
    const float *x; /* (n_rows, ldx) */
    size_t ldx;
    uint32_t n_rows;
    const float *w; /* (n_in, width) */
    uint32_t width;
    const float *after; /* the next panel; NULL: there is none */
    bool far;           /* whether to ask for weights before their turn */
    bool relu;
};

/* A tile of the strip at output o: some rows of x, times the strip's weights of
 * n_k inputs, are added to `begin` (of any row), or where that is NULL to what
 * stands in those rows of sums. turn: how many tiles of the strip were
 * before. */
INLINE void forward_tile(const uint32_t rows, const uint32_t vecs, const struct forward_panel *p, uint32_t o,
                         const float *x, const float *w, uint32_t n_k, uint32_t turn, const float *prefetch,
                         const float *begin, bool relu, float *sums, size_t ld)
{
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            acc[i][j] = load((begin != NULL ? begin : sums + i * ld) + o + j * VEC_FLOATS);
    if (turn == 0) {
        tile_prefetch(rows, vecs, WEIGHTS_AHEAD, 0, (struct prefetch){NULL, 0}, x, p->ldx, 1, w, p->width,
                      n_k, acc);
    } else {
        bool asks = prefetch != NULL && turn <= 2 * vecs * VEC_FLOATS / 16;
        const float *at = asks ? prefetch + o + (turn - 1) / 2 * 16 + (turn - 1) % 2 * p->width : NULL;
        tile(rows, vecs, 2, (struct prefetch){at, 2 * p->width}, x, p->ldx, 1, w, p->width, n_k, acc);
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            store(sums + i * ld + o + j * VEC_FLOATS, relu ? positive(acc[i][j]) : acc[i][j]);
}

/* Inputs k .. k + n_k - 1 of the strip at output o, `vecs` vectors wide, for
 * all rows. Where the network is large the weights come from far away: the
 * first rows' tile brings them in, unless they have been asked for, and the
 * others ask for those of the next inputs: two tiles for each line of a row. */
INLINE void forward_strip(const uint32_t vecs, const struct forward_panel *p, uint32_t o, uint32_t k,
                          uint32_t n_k, const float *prefetch, const float *begin, bool relu, float *sums,
                          size_t ld)
{
    const float *w = p->w + (size_t)k * p->width + o;
    for (uint32_t r = 0, turn = 0, n; r < p->n_rows; r += n, turn++) {
        n = tile_rows(vecs, p->n_rows - r);
        WITH_ROWS(n, vecs, forward_tile, p, o, p->x + k + r * p->ldx, w, n_k, turn, prefetch, begin, relu,
                  sums + r * ld, ld);
    }
}

/* Inputs from `begin` to `end`, some at a time: their weights stay near for all
 * rows. */
INLINE void panel_sums(const struct forward_panel *p, uint32_t begin, uint32_t end, bool last,
                       const float *bias, float *sums, size_t ld)
{
    for (uint32_t k = begin, n_k; k < end; k += n_k) {
        n_k = min_u32(INPUTS_NEAR, end - k);
        bool ends = k + n_k == end;
        const float *prefetch = !p->far        ? NULL
                                : ends && last ? p->after
                                               : p->w + (size_t)(k + n_k) * p->width;
        for (uint32_t o = 0, n; o < p->width; o += n * VEC_FLOATS) {
            n = tile_vecs((p->width - o) / VEC_FLOATS);
            WITH_VECS(n, forward_strip, p, o, k, n_k, prefetch, k == begin ? bias : NULL, p->relu && ends,
                      sums, ld);
        }
    }
}

static void forward_near(const float *x, size_t ldx, uint32_t n_rows, const float *w, const float *bias,
                         uint32_t n_in, uint32_t n_out, bool relu, float *y, size_t ldy)
{
    static const float zeros[KERNEL_PANEL] __attribute__((aligned(64)));
    float second[ROWS_NEAR * KERNEL_PANEL] __attribute__((aligned(64)));
    uint32_t half = inputs_half(n_in);
    for (uint32_t panel = 0, width; panel < n_out; panel += width) {
        width = min_u32(KERNEL_PANEL, n_out - panel);
        struct forward_panel p = {.x = x,
                                  .ldx = ldx,
                                  .n_rows = n_rows,
                                  .w = w + (size_t)panel * n_in,
                                  .width = width,
                                  .far = (size_t)n_in * n_out > FAR_FLOATS,
                                  .after = panel + width < n_out ? w + (size_t)(panel + width) * n_in : NULL,
                                  .relu = relu && half == n_in};
        panel_sums(&p, 0, half, half == n_in, bias + panel, y + panel, ldy);
        if (half == n_in)
            continue;
        panel_sums(&p, half, n_in, true, zeros, second, width);
        for (uint32_t r = 0; r < n_rows; r++)
            join(y + r * ldy + panel, second + r * width, width, relu, y + r * ldy + panel);
    }
}

static void forward(const float *x, size_t ldx, uint32_t n_rows, const float *w, const float *bias,
                    uint32_t n_in, uint32_t n_out, bool relu, float *y, size_t ldy)
{
    for (uint32_t r = 0; r < n_rows; r += ROWS_NEAR)
        forward_near(x + r * ldx, ldx, min_u32(ROWS_NEAR, n_rows - r), w, bias, n_in, n_out, relu,
                     y + r * ldy, ldy);
}

/* ---- transposing ---- */

/* One stage of the perfect shuffle: log2(n) of them transpose an n x n block
 * held in n vectors. */
#if VEC_FLOATS == 16
#define SHUFFLE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SHUFFLE_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define SHUFFLE_STAGES 4
#elif VEC_FLOATS == 8
#define SHUFFLE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define SHUFFLE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define SHUFFLE_STAGES 3
#else
#define SHUFFLE_LOW 0, 4, 1, 5
#define SHUFFLE_HIGH 2, 6, 3, 7
#define SHUFFLE_STAGES 2
#endif

/* out[j][i] = in[i][j] for a block of VEC_FLOATS x VEC_FLOATS. */
INLINE void transpose_block(const float *in, size_t ldin, float *out, size_t ldout)
{
    vec a[VEC_FLOATS], b[VEC_FLOATS];
#pragma GCC unroll 16
    for (uint32_t i = 0; i < VEC_FLOATS; i++)
        a[i] = load(in + i * ldin);
#pragma GCC unroll 4
    for (uint32_t stage = 0; stage < SHUFFLE_STAGES; stage++) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < VEC_FLOATS / 2; i++) {
            b[2 * i] = __builtin_shufflevector(a[i], a[i + VEC_FLOATS / 2], SHUFFLE_LOW);
            b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + VEC_FLOATS / 2], SHUFFLE_HIGH);
        }
#pragma GCC unroll 16
        for (uint32_t i = 0; i < VEC_FLOATS; i++)
            a[i] = b[i];
    }
#pragma GCC unroll 16
    for (uint32_t i = 0; i < VEC_FLOATS; i++)
        store(out + i * ldout, a[i]);
}

/* out (n, ldout) = in (m, ldin) transposed; m and n multiples of 16. */
static void transpose(const float *in, size_t ldin, uint32_t m, uint32_t n, float *out, size_t ldout)
{
    for (uint32_t i = 0; i < m; i += VEC_FLOATS)
        for (uint32_t j = 0; j < n; j += VEC_FLOATS)
            transpose_block(in + i * ldin + j, ldin, out + j * ldout + i, ldout);
}

/* ---- backward ---- */

/* What follows the panel's weights of `rows` rows from k on in the order in
 * which delta reads them, at the interval at which these are read. */
INLINE struct prefetch panel_after(const float *w, uint32_t n_in, uint32_t n_out, uint32_t k, uint32_t rows,
                                   uint32_t panel, uint32_t width)
{
    panel += width;
    if (panel == n_out) {
        panel = 0;
        k += rows;
    }
    uint32_t next = min_u32(KERNEL_PANEL, n_out - panel);
    return (struct prefetch){k < n_in ? w + (size_t)panel * n_in + (size_t)k * next : NULL,
                             (size_t)rows * next / width};
}

/* out (rows, n_rows) = rows k .. of w times dy transposed, for `vecs` vectors
 * of batch rows; the sum runs over all panels. first: the weights come from far
 * away, so each panel asks for the next one's. */
INLINE void delta_tile(const uint32_t rows, const uint32_t vecs, bool first, const float *w, uint32_t n_in,
                       uint32_t n_out, uint32_t k, const float *dyt, uint32_t n_rows, float *out)
{
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            acc[i][j] = (vec){0};
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
        uint32_t width = min_u32(KERNEL_PANEL, n_out - panel);
        const float *wp = w + (size_t)panel * n_in + (size_t)k * width;
        struct prefetch prefetch =
            first ? panel_after(w, n_in, n_out, k, rows, panel, width) : (struct prefetch){NULL, 0};
        tile(rows, vecs, 1, prefetch, wp, width, 1, dyt + (size_t)panel * n_rows, n_rows, width, acc);
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            store(out + i * n_rows + j * VEC_FLOATS, acc[i][j]);
}

/* The same for 16 rows from k on; out: (16, n_rows). */
INLINE void delta_tiles(const uint32_t vecs, bool first, const float *w, uint32_t n_in, uint32_t n_out,
                        uint32_t k, const float *dyt, uint32_t n_rows, float *out)
{
    for (uint32_t i = 0, n; i < 16; i += n) {
        n = tile_rows(vecs, 16 - i);
        WITH_ROWS(n, vecs, delta_tile, first, w, n_in, n_out, k + i, dyt, n_rows, out + i * n_rows);
    }
}

/* 16 columns of dx, all rows: zero where x is not positive, or times what stood
 * there. */
INLINE void delta_slopes(enum slopes slopes, const float *dxt, const float *x, uint32_t n_rows, float *dx,
                         size_t ldx)
{
    for (uint32_t r = 0; r < n_rows; r++)
        for (uint32_t i = 0; i < 16; i += VEC_FLOATS) {
            float *d = dx + r * ldx + i;
            if (slopes == DERIVATIVE_RELU)
                store(d, (vec)((ivec)load(dxt + r * 16 + i) & (load(x + r * ldx + i) > 0)));
            else
                store(d, slopes == DERIVATIVE_STORED ? load(dxt + r * 16 + i) * load(d)
                                                     : load(dxt + r * 16 + i));
        }
}

static void delta(const float *dy, size_t lddy, uint32_t n_rows, const float *w, uint32_t n_in,
                  uint32_t n_out, const float *x, enum slopes slopes, float *dx, size_t ldx, float *scratch)
{
    float *dyt = scratch, *dxt = scratch + (size_t)n_out * n_rows,
          *block = dxt + 16 * n_rows; /* (n_out, n_rows), (16, n_rows), (n_rows, 16) */
    transpose(dy, lddy, n_rows, n_out, dyt, n_rows);
    for (uint32_t k = 0; k < n_in; k += 16) {
        for (uint32_t r = 0, n; r < n_rows; r += n * VEC_FLOATS) {
            n = tile_vecs((n_rows - r) / VEC_FLOATS);
            WITH_VECS(n, delta_tiles, r == 0, w, n_in, n_out, k, dyt + r, n_rows, dxt + r);
        }
        transpose(dxt, n_rows, 16, n_rows, block, 16);
        delta_slopes(slopes, block, x + k, n_rows, dx + k, ldx);
    }
}

/* What the i-th tile of a block (16, width) asks for: n_rows lines of one of
 * the caller's three, from where the last tile that asked for its lines
 * stopped, or the line of each row of x that the block below needs. */
INLINE struct prefetch gradient_prefetch(const float *const prefetch[3], uint32_t i, const float *x,
                                         size_t ldx, uint32_t n_rows, uint32_t width)
{
    uint32_t which = i % 4, begin = i / 4 * n_rows;
    if (which == 3)
        return (struct prefetch){prefetch != NULL && begin == 0 ? x + 16 : NULL, ldx};
    bool asks = prefetch != NULL && prefetch[which] != NULL && begin < width;
    return (struct prefetch){asks ? prefetch[which] + (size_t)begin * 16 : NULL, 16};
}

/* x: its columns that g (rows, width) is of. */
INLINE void gradient_tile(const uint32_t rows, const uint32_t vecs, const float *x, size_t ldx,
                          const float *dy, size_t lddy, uint32_t n_rows, uint32_t width,
                          struct prefetch prefetch, float *g)
{
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            acc[i][j] = load(g + i * width + j * VEC_FLOATS);
    tile(rows, vecs, 1, prefetch, x, 1, ldx, dy, lddy, n_rows, acc);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            store(g + i * width + j * VEC_FLOATS, acc[i][j]);
}

INLINE void gradient_tiles(const uint32_t vecs, const float *x, size_t ldx, const float *dy, size_t lddy,
                           uint32_t n_rows, uint32_t width, const float *const prefetch[3], uint32_t *n_tiles,
                           float *g)
{
    for (uint32_t k = 0, n; k < 16; k += n) {
        n = tile_rows(vecs, 16 - k);
        WITH_ROWS(n, vecs, gradient_tile, x + k, ldx, dy, lddy, n_rows, width,
                  gradient_prefetch(prefetch, (*n_tiles)++, x, ldx, n_rows, width), g + k * width);
    }
}

static void gradient(const float *x, size_t ldx, const float *dy, size_t lddy, uint32_t n_rows,
                     uint32_t width, const float *const prefetch[3], float *g)
{
    uint32_t n_tiles = 0;
    for (uint32_t o = 0, n; o < width; o += n * VEC_FLOATS) {
        n = tile_vecs((width - o) / VEC_FLOATS);
        WITH_VECS(n, gradient_tiles, x, ldx, dy + o, lddy, n_rows, width, prefetch, &n_tiles, g + o);
    }
}

static void gradient_bias(const float *dy, size_t lddy, uint32_t n_rows, uint32_t width, float *g)
{
    for (uint32_t o = 0; o < width; o += VEC_FLOATS) {
        vec acc = load(g + o);
        for (uint32_t r = 0; r < n_rows; r++)
            acc += load(dy + r * lddy + o);
        store(g + o, acc);
    }
}

#endif
