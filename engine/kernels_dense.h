/* Dense layers: forward, deltas, gradients. Part of kernels_body.h. */
#ifndef MLP_KERNELS_DENSE_H
#define MLP_KERNELS_DENSE_H

#include "kernels_tile.h"

#define WEIGHTS_AHEAD 24 /* rows of weights asked for in advance: about 300 cycles at full speed */

/* ---- forward ---- */

/* The second half of the inputs added to acc, which stands in y meanwhile. */
INLINE void forward_second(const uint32_t vecs, const float *x, size_t ldx, const float *w, size_t ldw, uint32_t n_k, bool first,
                           vec acc[TILE_ROWS][TILE_VECS], float *y, size_t ldy)
{
#pragma GCC unroll 8
    for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++) {
            store(y + i * ldy + j * VEC_FLOATS, acc[i][j]);
            acc[i][j] = (vec){0};
        }
    if (first)
        tile(TILE_ROWS, vecs, WEIGHTS_AHEAD, x, ldx, 1, w, ldw, n_k, acc);
    else
        tile(TILE_ROWS, vecs, 0, x, ldx, 1, w, ldw, n_k, acc);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            acc[i][j] = load(y + i * ldy + j * VEC_FLOATS) + acc[i][j];
}

INLINE void forward_tiles(const uint32_t vecs, const float *x, size_t ldx, uint32_t n_rows, const float *w, size_t ldw, const float *bias,
                          uint32_t n_in, bool relu, float *y, size_t ldy)
{
    uint32_t half = inputs_half(n_in);
    for (uint32_t r = 0; r < n_rows; r += TILE_ROWS) {
        vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
        for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
            for (uint32_t j = 0; j < vecs; j++)
                acc[i][j] = load(bias + j * VEC_FLOATS);
        /* The first rows bring the weights in, from far away where the network is large; they are near for the others. */
        if (r == 0)
            tile(TILE_ROWS, vecs, WEIGHTS_AHEAD, x + r * ldx, ldx, 1, w, ldw, half, acc);
        else
            tile(TILE_ROWS, vecs, 0, x + r * ldx, ldx, 1, w, ldw, half, acc);
        if (half < n_in)
            forward_second(vecs, x + r * ldx + half, ldx, w + half * ldw, ldw, n_in - half, r == 0, acc, y + r * ldy, ldy);
#pragma GCC unroll 8
        for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
            for (uint32_t j = 0; j < vecs; j++)
                store(y + (r + i) * ldy + j * VEC_FLOATS, relu ? positive(acc[i][j]) : acc[i][j]);
    }
}

static void forward(const float *x, size_t ldx, uint32_t n_rows, const float *w, const float *bias, uint32_t n_in, uint32_t n_out,
                    bool relu, float *y, size_t ldy)
{
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
        uint32_t width = min_u32(KERNEL_PANEL, n_out - panel);
        const float *wp = w + (size_t)panel * n_in;
        for (uint32_t o = 0, n; o < width; o += n * VEC_FLOATS) {
            n = tile_vecs((width - o) / VEC_FLOATS);
            WITH_VECS(n, forward_tiles, x, ldx, n_rows, wp + o, width, bias + panel + o, n_in, relu, y + panel + o, ldy);
        }
    }
}

/* ---- transposing ---- */

/* One stage of the perfect shuffle: log2(n) of them transpose an n x n block held in n vectors. */
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

INLINE void prefetch_floats(const float *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += 16)
        __builtin_prefetch(p + i);
}

/* out (TILE_ROWS, n_rows) = rows k .. of w times dy transposed, for `vecs` vectors of batch rows; the sum runs over all panels.
 * first: the weights come from far away, so each panel asks for the next one's. */
INLINE void delta_tile(const uint32_t vecs, bool first, const float *w, uint32_t n_in, uint32_t n_out, uint32_t k, const float *dyt,
                       uint32_t n_rows, float *out)
{
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            acc[i][j] = (vec){0};
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
        uint32_t width = min_u32(KERNEL_PANEL, n_out - panel);
        const float *wp = w + (size_t)panel * n_in + (size_t)k * width;
        if (first && panel + KERNEL_PANEL < n_out) {
            uint32_t next = min_u32(KERNEL_PANEL, n_out - panel - KERNEL_PANEL);
            prefetch_floats(w + (size_t)(panel + KERNEL_PANEL) * n_in + (size_t)k * next, TILE_ROWS * next);
        }
        tile(TILE_ROWS, vecs, 0, wp, width, 1, dyt + (size_t)panel * n_rows, n_rows, width, acc);
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            store(out + i * n_rows + j * VEC_FLOATS, acc[i][j]);
}

/* 16 columns of dx, all rows: zero where x is not positive, or times what stood there. */
INLINE void delta_slopes(enum slopes slopes, const float *dxt, const float *x, uint32_t n_rows, float *dx, size_t ldx)
{
    for (uint32_t r = 0; r < n_rows; r++)
        for (uint32_t i = 0; i < 16; i += VEC_FLOATS) {
            float *d = dx + r * ldx + i;
            if (slopes == SLOPES_RELU)
                store(d, (vec)((ivec)load(dxt + r * 16 + i) & (load(x + r * ldx + i) > 0)));
            else
                store(d, slopes == SLOPES_GIVEN ? load(dxt + r * 16 + i) * load(d) : load(dxt + r * 16 + i));
        }
}

static void delta(const float *dy, size_t lddy, uint32_t n_rows, const float *w, uint32_t n_in, uint32_t n_out, const float *x,
                  enum slopes slopes, float *dx, size_t ldx, float *scratch)
{
    float *dyt = scratch, *dxt = scratch + (size_t)n_out * n_rows,
          *block = dxt + 16 * n_rows; /* (n_out, n_rows), (16, n_rows), (n_rows, 16) */
    transpose(dy, lddy, n_rows, n_out, dyt, n_rows);
    for (uint32_t k = 0; k < n_in; k += 16) {
        for (uint32_t i = 0; i < 16; i += TILE_ROWS)
            for (uint32_t r = 0, n; r < n_rows; r += n * VEC_FLOATS) {
                n = tile_vecs((n_rows - r) / VEC_FLOATS);
                WITH_VECS(n, delta_tile, r == 0, w, n_in, n_out, k + i, dyt + r, n_rows, dxt + i * n_rows + r);
            }
        transpose(dxt, n_rows, 16, n_rows, block, 16);
        delta_slopes(slopes, block, x + k, n_rows, dx + k, ldx);
    }
}

INLINE void gradient_tiles(const uint32_t vecs, const float *x, size_t ldx, const float *dy, size_t lddy, uint32_t n_rows, uint32_t width,
                           float *g)
{
    for (uint32_t k = 0; k < 16; k += TILE_ROWS) {
        vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
        for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
            for (uint32_t j = 0; j < vecs; j++)
                acc[i][j] = load(g + (k + i) * width + j * VEC_FLOATS);
        tile(TILE_ROWS, vecs, 0, x + k, 1, ldx, dy, lddy, n_rows, acc);
#pragma GCC unroll 8
        for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
            for (uint32_t j = 0; j < vecs; j++)
                store(g + (k + i) * width + j * VEC_FLOATS, acc[i][j]);
    }
}

static void gradient(const float *x, size_t ldx, const float *dy, size_t lddy, uint32_t n_rows, uint32_t width, float *g)
{
    for (uint32_t o = 0, n; o < width; o += n * VEC_FLOATS) {
        n = tile_vecs((width - o) / VEC_FLOATS);
        WITH_VECS(n, gradient_tiles, x, ldx, dy + o, lddy, n_rows, width, g + o);
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
