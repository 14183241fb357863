/* The body of the kernels, compiled once per instruction set by kernels_<name>.c, which sets VEC_FLOATS, TILE_ROWS and TILE_VECS.
 *
 * A register tile is TILE_ROWS x (up to TILE_VECS vectors) of accumulators; everything dense is one tile function with different
 * strides. Products and sums are left to the compiler to fuse (-ffp-contract=fast). */
#include "kernels.h"

#include <math.h>
#include <string.h>
#if VEC_FLOATS == 16
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define COLUMN_TILE 128 /* weight rows that stay near for all rows of the lists: measured best of 32 to 1024 */

typedef float vec __attribute__((vector_size(VEC_FLOATS * 4)));
typedef int32_t ivec __attribute__((vector_size(VEC_FLOATS * 4)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

INLINE vec load(const float *p)
{
    return *(const vec *)p;
}

INLINE void store(float *p, vec v)
{
    *(vec *)p = v;
}

INLINE vec splat(float x)
{
    return x - (vec){0};
}

INLINE vec positive(vec v)
{
    return (vec)((ivec)v & (v > 0));
}

/* acc[i][j] += sum over k of a[i * a_row + k * a_k] * b[k * b_k + vector j]. `rows` and `vecs` are constants at every call. */
INLINE void tile(const uint32_t rows, const uint32_t vecs, const float *a, size_t a_row, size_t a_k, const float *b, size_t b_k,
                 uint32_t n_k, vec acc[TILE_ROWS][TILE_VECS])
{
    for (uint32_t k = 0; k < n_k; k++) {
        vec bs[TILE_VECS];
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            bs[j] = load(b + k * b_k + j * VEC_FLOATS);
#pragma GCC unroll 8
        for (uint32_t i = 0; i < rows; i++) {
            vec as = splat(a[i * a_row + k * a_k]);
#pragma GCC unroll 4
            for (uint32_t j = 0; j < vecs; j++)
                acc[i][j] += as * bs[j];
        }
    }
}

/* How many vectors the next tile takes of those that are left: a last one alone would keep the adders half idle. */
INLINE uint32_t tile_vecs(uint32_t left)
{
    return left < TILE_VECS ? left : left == TILE_VECS + 1 && TILE_VECS > 2 ? 2 : TILE_VECS;
}

/* Calls `function` with a constant number of vectors: the compiler then keeps the accumulators in registers. */
#if TILE_VECS == 3
#define WITH_VECS(n, function, ...)                                                                                                        \
    do {                                                                                                                                   \
        if ((n) == 3)                                                                                                                      \
            function(3, __VA_ARGS__);                                                                                                      \
        else if ((n) == 2)                                                                                                                 \
            function(2, __VA_ARGS__);                                                                                                      \
        else                                                                                                                               \
            function(1, __VA_ARGS__);                                                                                                      \
    } while (0)
#else
#define WITH_VECS(n, function, ...)                                                                                                        \
    do {                                                                                                                                   \
        if ((n) == 2)                                                                                                                      \
            function(2, __VA_ARGS__);                                                                                                      \
        else                                                                                                                               \
            function(1, __VA_ARGS__);                                                                                                      \
    } while (0)
#endif

INLINE uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- forward ---- */

INLINE void forward_tiles(const uint32_t vecs, const float *x, size_t ldx, uint32_t n_rows, const float *w, size_t ldw, const float *bias,
                          uint32_t n_in, bool relu, float *y, size_t ldy)
{
    for (uint32_t r = 0; r < n_rows; r += TILE_ROWS) {
        vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
        for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
            for (uint32_t j = 0; j < vecs; j++)
                acc[i][j] = load(bias + j * VEC_FLOATS);
        tile(TILE_ROWS, vecs, x + r * ldx, ldx, 1, w, ldw, n_in, acc);
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

/* One row of a panel, 128 outputs at most: all its accumulators stay in registers. */
INLINE void forward_row(const uint32_t vecs, const uint16_t *columns, const float *values, uint32_t n, const float *w, size_t ldw,
                        const float *bias, bool relu, float *y)
{
    vec acc[8];
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        acc[j] = load(bias + j * VEC_FLOATS);
    for (uint32_t i = 0; i < n; i++) {
        const float *row = w + columns[i] * ldw;
        vec x = splat(values[i]);
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            acc[j] += x * load(row + j * VEC_FLOATS);
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        store(y + j * VEC_FLOATS, relu ? positive(acc[j]) : acc[j]);
}

/* Columns of a list up to `end` added to y: returns where the list goes on. A list ends with a column that no layer has. */
INLINE uint32_t forward_segment(const uint32_t vecs, const uint16_t *columns, const float *values, uint32_t at, uint32_t end,
                                const float *w, size_t ldw, float *y)
{
    if (columns[at] >= end)
        return at;
    vec acc[8];
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        acc[j] = load(y + j * VEC_FLOATS);
    do {
        const float *row = w + columns[at] * ldw;
        vec x = splat(values[at]);
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            acc[j] += x * load(row + j * VEC_FLOATS);
    } while (columns[++at] < end);
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        store(y + j * VEC_FLOATS, acc[j]);
    return at;
}

/* Several rows, some columns at a time: those columns' weights stay in the first cache level for all the rows. */
INLINE void forward_lists(const uint32_t vecs, const struct lists *lists, const float *w, size_t ldw, const float *bias, uint32_t n_in,
                          bool relu, float *y, size_t ldy)
{
    if (lists->n_rows == 1) {
        forward_row(vecs, lists->columns, lists->values, lists->counts[0], w, ldw, bias, relu, y);
        return;
    }
    uint32_t at[LISTS_MAX] = {0};
    for (uint32_t r = 0; r < lists->n_rows; r++)
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            store(y + r * ldy + j * VEC_FLOATS, load(bias + j * VEC_FLOATS));
    for (uint32_t k = 0; k < n_in; k += COLUMN_TILE)
        for (uint32_t r = 0; r < lists->n_rows; r++)
            at[r] = forward_segment(vecs, lists->columns + r * lists->ld, lists->values + r * lists->ld, at[r],
                                    min_u32(k + COLUMN_TILE, n_in), w, ldw, y + r * ldy);
    for (uint32_t r = 0; relu && r < lists->n_rows; r++)
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            store(y + r * ldy + j * VEC_FLOATS, positive(load(y + r * ldy + j * VEC_FLOATS)));
}

static void forward_sparse(const struct lists *lists, const float *w, const float *bias, uint32_t n_in, uint32_t n_out, bool relu, float *y,
                           size_t ldy)
{
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
        uint32_t width = min_u32(KERNEL_PANEL, n_out - panel), o = 0;
        const float *wp = w + (size_t)panel * n_in;
        for (; o + 8 * VEC_FLOATS <= width; o += 8 * VEC_FLOATS)
            forward_lists(8, lists, wp + o, width, bias + panel + o, n_in, relu, y + panel + o, ldy);
        for (; o + 4 * VEC_FLOATS <= width; o += 4 * VEC_FLOATS)
            forward_lists(4, lists, wp + o, width, bias + panel + o, n_in, relu, y + panel + o, ldy);
        for (; o < width; o += VEC_FLOATS)
            forward_lists(1, lists, wp + o, width, bias + panel + o, n_in, relu, y + panel + o, ldy);
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

static void transpose_bytes(const uint8_t *in, size_t ldin, uint32_t n, uint8_t *out, size_t ldout)
{
    for (uint32_t k = 0; k < n; k += 16) {
        bytes16 a[16], b[16];
#pragma GCC unroll 16
        for (uint32_t i = 0; i < 16; i++)
            memcpy(&a[i], in + i * ldin + k, 16);
#pragma GCC unroll 4
        for (uint32_t stage = 0; stage < 4; stage++) {
#pragma GCC unroll 8
            for (uint32_t i = 0; i < 8; i++) {
                b[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            }
#pragma GCC unroll 16
            for (uint32_t i = 0; i < 16; i++)
                a[i] = b[i];
        }
#pragma GCC unroll 16
        for (uint32_t i = 0; i < 16; i++)
            memcpy(out + (k + i) * ldout, &a[i], 16);
    }
}

/* ---- backward ---- */

/* out (TILE_ROWS, n_rows) = rows k .. of w times dy transposed, for `vecs` vectors of batch rows; the sum runs over all panels. */
INLINE void delta_tile(const uint32_t vecs, const float *w, uint32_t n_in, uint32_t n_out, uint32_t k, const float *dyt, uint32_t n_rows,
                       float *out)
{
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            acc[i][j] = (vec){0};
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
        uint32_t width = min_u32(KERNEL_PANEL, n_out - panel);
        tile(TILE_ROWS, vecs, w + (size_t)panel * n_in + (size_t)k * width, width, 1, dyt + (size_t)panel * n_rows, n_rows, width, acc);
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            store(out + i * n_rows + j * VEC_FLOATS, acc[i][j]);
}

static void delta(const float *dy, size_t lddy, uint32_t n_rows, const float *w, uint32_t n_in, uint32_t n_out, const float *x, bool relu,
                  float *dx, size_t ldx, float *scratch)
{
    float *dyt = scratch, *dxt = scratch + (size_t)n_out * n_rows; /* (n_out, n_rows), (16, n_rows) */
    transpose(dy, lddy, n_rows, n_out, dyt, n_rows);
    for (uint32_t k = 0; k < n_in; k += 16) {
        for (uint32_t i = 0; i < 16; i += TILE_ROWS)
            for (uint32_t r = 0, n; r < n_rows; r += n * VEC_FLOATS) {
                n = tile_vecs((n_rows - r) / VEC_FLOATS);
                WITH_VECS(n, delta_tile, w, n_in, n_out, k + i, dyt + r, n_rows, dxt + i * n_rows + r);
            }
        transpose(dxt, n_rows, 16, n_rows, dx + k, ldx);
        if (relu)
            for (uint32_t r = 0; r < n_rows; r++)
                for (uint32_t i = 0; i < 16; i += VEC_FLOATS) {
                    float *d = dx + r * ldx + k + i;
                    store(d, (vec)((ivec)load(d) & (load(x + r * ldx + k + i) > 0)));
                }
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
        tile(TILE_ROWS, vecs, x + k, 1, ldx, dy, lddy, n_rows, acc);
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

/* The non-zero bytes among 64: bit r is set where bytes[r] is not zero. */
INLINE uint64_t nonzero_mask(const uint8_t *bytes)
{
#if VEC_FLOATS == 16
    __m512i v = _mm512_loadu_si512(bytes);
    return _mm512_test_epi8_mask(v, v);
#else
    uint64_t mask = 0;
    for (uint32_t i = 0; i < 64; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        /* The high bit of every byte that is not zero, gathered into eight bits. */
        word = (word | ((word & 0x7f7f7f7f7f7f7f7full) + 0x7f7f7f7f7f7f7f7full)) & 0x8080808080808080ull;
        mask |= ((word >> 7) * 0x0102040810204080ull >> 56) << i;
    }
    return mask;
#endif
}

/* 64 rows of dy, those that `mask` has, into one row of g. */
INLINE void gradient_row(const uint32_t vecs, uint64_t mask, const uint8_t *xt, const float *values, const float *dy, size_t lddy, float *g)
{
    vec acc[8];
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        acc[j] = load(g + j * VEC_FLOATS);
    for (; mask != 0; mask &= mask - 1) {
        size_t r = (size_t)__builtin_ctzll(mask);
        vec x = splat(values[xt[r]]);
        const float *row = dy + r * lddy;
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            acc[j] += x * load(row + j * VEC_FLOATS);
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        store(g + j * VEC_FLOATS, acc[j]);
}

/* 16 rows of g, one after the other, over 64 rows of dy: those stay in the first cache level meanwhile. */
INLINE void gradient_rows(const uint32_t vecs, const uint8_t *xt, size_t ldxt, const float *values, const float *dy, size_t lddy,
                          uint32_t n_rows, float *g, size_t ldg)
{
    for (uint32_t r = 0; r < n_rows; r += 64)
        for (uint32_t k = 0; k < 16; k++) {
            uint64_t mask = nonzero_mask(xt + k * ldxt + r);
            if (mask != 0)
                gradient_row(vecs, mask, xt + k * ldxt + r, values, dy + r * lddy, lddy, g + k * ldg);
        }
}

static void gradient_sparse(const uint8_t *xt, size_t ldxt, const float *values, const float *dy, size_t lddy, uint32_t n_rows,
                            uint32_t width, float *g)
{
    uint32_t o = 0;
    for (; o + 8 * VEC_FLOATS <= width; o += 8 * VEC_FLOATS)
        gradient_rows(8, xt, ldxt, values, dy + o, lddy, n_rows, g + o, width);
    for (; o + 4 * VEC_FLOATS <= width; o += 4 * VEC_FLOATS)
        gradient_rows(4, xt, ldxt, values, dy + o, lddy, n_rows, g + o, width);
    for (; o < width; o += VEC_FLOATS)
        gradient_rows(1, xt, ldxt, values, dy + o, lddy, n_rows, g + o, width);
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

/* ---- optimizers ---- */

/* m / (sqrt(v) * c + epsilon). With AVX-512 from the 14-bit estimates and one Newton step each, to a relative error below 2^-22. */
INLINE vec adam_direction(vec m, vec v, vec c, vec epsilon)
{
#if VEC_FLOATS == 16
    /* Below 2^-126 the estimate would be infinite: v is zero there for all that epsilon cares. */
    vec tiny = splat(0x1p-126f);
    vec safe = (vec)_mm512_max_ps((__m512)v, (__m512)tiny);
    vec inverse_root = (vec)_mm512_rsqrt14_ps((__m512)safe);
    vec root = safe * inverse_root;
    root = root + root * (0.5f - root * (0.5f * inverse_root));
    vec divisor = root * c + epsilon;
    vec inverse = (vec)_mm512_rcp14_ps((__m512)divisor);
    inverse = inverse * (2.0f - divisor * inverse);
    return m * inverse;
#else
    vec root;
    for (uint32_t i = 0; i < VEC_FLOATS; i++)
        root[i] = sqrtf(v[i]);
    return m / (root * c + epsilon);
#endif
}

/* Zero if every lane of `check`, a sum of products with zero, is finite; else it holds a NaN. */
INLINE bool all_zero(vec check)
{
    ivec wrong = check != 0;
    for (uint32_t i = 0; i < VEC_FLOATS; i++)
        if (wrong[i])
            return false;
    return true;
}

static bool adam(float *p, float *m, float *v, const float *g, size_t n, const struct update *u)
{
    vec rate = splat(u->rate), c = splat(u->inv_sqrt_correction), epsilon = splat(u->epsilon), check = splat(0);
    vec b1 = splat(u->beta_1), b2 = splat(u->beta_2), a1 = 1.0f - b1, a2 = 1.0f - b2;
    for (size_t i = 0; i < n; i += VEC_FLOATS) {
        vec gi = load(g + i);
        vec mi = b1 * load(m + i) + a1 * gi;
        vec vi = b2 * load(v + i) + a2 * gi * gi;
        vec pi = load(p + i) - rate * adam_direction(mi, vi, c, epsilon);
        store(m + i, mi);
        store(v + i, vi);
        store(p + i, pi);
        check += pi * 0.0f;
    }
    return all_zero(check);
}

static bool sgd(float *p, float *m, float *v, const float *g, size_t n, const struct update *u)
{
    (void)m;
    (void)v;
    vec rate = splat(u->rate), check = splat(0);
    for (size_t i = 0; i < n; i += VEC_FLOATS) {
        vec pi = load(p + i) - rate * load(g + i);
        store(p + i, pi);
        check += pi * 0.0f;
    }
    return all_zero(check);
}

/* ---- rows ---- */

/* e^x for x <= 0, to 2 ulp: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial for e^r (Cephes expf), 2^n in the exponent. NaN stays NaN. */
INLINE vec exp_vec(vec x)
{
    vec clamped = (vec)(((ivec)x & ~(x < -87.0f)) | ((ivec)splat(-87.0f) & (x < -87.0f)));
    vec t = clamped * 1.44269504088896341f;
    vec magic = splat(0x1.8p23f);
    vec n = (t + magic) - magic;
    vec r = clamped - n * 0.693359375f + n * 2.12194440e-4f;
    vec p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    ivec exponent = __builtin_convertvector(n, ivec) << 23;
    vec e = (vec)((ivec)p + exponent);
    ivec nan = x != x;
    return (vec)(((ivec)e & ~nan) | ((ivec)x & nan));
}

static float exp_sum(float *y, uint32_t n, float max)
{
    uint32_t padded = (n + 15) & ~15u;
    for (uint32_t i = 0; i < padded; i += VEC_FLOATS)
        store(y + i, exp_vec(load(y + i) - max));
    for (uint32_t i = n; i < padded; i++)
        y[i] = 0;
    float sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += y[i];
    return sum;
}

static void scale_bytes(const uint8_t *bytes, uint32_t n, float scale, float *x)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)bytes[i] * scale;
}

/* Mark the list's end. */
INLINE uint32_t list_end(uint16_t *columns, uint32_t count)
{
    columns[count] = UINT16_MAX;
    return count;
}

#if VEC_FLOATS == 16
static uint32_t list_bytes(const uint8_t *bytes, uint32_t n, float scale, uint16_t *columns, float *values)
{
    uint32_t count = 0;
    __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i step = _mm512_set1_epi32(16);
    for (uint32_t i = 0; i < n; i += 16) {
        __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(bytes + i)));
        __mmask16 mask = _mm512_test_epi32_mask(v, v);
        __m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(v), _mm512_set1_ps(scale));
        _mm512_storeu_ps(values + count, _mm512_maskz_compress_ps(mask, x));
        _mm256_storeu_si256((__m256i *)(columns + count), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, index)));
        count += (uint32_t)__builtin_popcount(mask);
        index = _mm512_add_epi32(index, step);
    }
    return list_end(columns, count);
}

static uint32_t list_floats(const float *x, uint32_t n, uint16_t *columns, float *values)
{
    uint32_t count = 0;
    __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i step = _mm512_set1_epi32(16);
    for (uint32_t i = 0; i < n; i += 16) {
        __mmask16 within = n - i >= 16 ? 0xffff : (__mmask16)((1u << (n - i)) - 1);
        __m512 v = _mm512_maskz_loadu_ps(within, x + i);
        /* Not equal, or unordered: a NaN must be seen. */
        __mmask16 mask = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        _mm512_storeu_ps(values + count, _mm512_maskz_compress_ps(mask, v));
        _mm256_storeu_si256((__m256i *)(columns + count), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, index)));
        count += (uint32_t)__builtin_popcount(mask);
        index = _mm512_add_epi32(index, step);
    }
    return list_end(columns, count);
}
#else
static uint32_t list_bytes(const uint8_t *bytes, uint32_t n, float scale, uint16_t *columns, float *values)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        columns[count] = (uint16_t)i;
        values[count] = (float)bytes[i] * scale;
        count += bytes[i] != 0;
    }
    return list_end(columns, count);
}

static uint32_t list_floats(const float *x, uint32_t n, uint16_t *columns, float *values)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        columns[count] = (uint16_t)i;
        values[count] = x[i];
        count += x[i] != 0;
    }
    return list_end(columns, count);
}
#endif

const struct kernels KERNELS_TABLE = {
    .name = KERNELS_NAME,
    .forward = forward,
    .forward_sparse = forward_sparse,
    .delta = delta,
    .gradient = gradient,
    .gradient_sparse = gradient_sparse,
    .gradient_bias = gradient_bias,
    .adam = adam,
    .sgd = sgd,
    .exp_sum = exp_sum,
    .scale_bytes = scale_bytes,
    .list_bytes = list_bytes,
    .list_floats = list_floats,
    .transpose_bytes = transpose_bytes,
};
