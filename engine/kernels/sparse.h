/* Rows of mostly zeros: lists of what is not zero, and the first layer on them.
 * Part of kernels/body.h. */
#ifndef MLP_ENGINE_KERNELS_SPARSE_H
#define MLP_ENGINE_KERNELS_SPARSE_H

#include "kernels/tile.h"

#define COLUMN_TILE                                                                                          \
    128 /* weight rows that stay near for all rows of the lists: measured best of 32 to 1024 */

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
/* How many lanes a mask has. The move is written out, for GCC 12 may put the
 * mask's 16 bits on the stack and count 32 of them there. */
INLINE uint32_t mask_count(__mmask16 mask)
{
    uint32_t bits;
    __asm__("kmovw %1, %0" : "=r"(bits) : "k"(mask));
    return (uint32_t)__builtin_popcount(bits);
}

static uint32_t list_bytes(const uint8_t *bytes, uint32_t begin, uint32_t end, float scale, uint16_t *columns,
                           float *values)
{
    uint32_t count = 0;
    __m512i index = _mm512_add_epi32(_mm512_set1_epi32((int)begin),
                                     _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    __m512i step = _mm512_set1_epi32(16);
    for (uint32_t i = begin; i < end; i += 16) {
        __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(bytes + i)));
        __mmask16 mask = _mm512_test_epi32_mask(v, v);
        __m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(v), _mm512_set1_ps(scale));
        _mm512_storeu_ps(values + count, _mm512_maskz_compress_ps(mask, x));
        _mm256_storeu_si256((__m256i *)(columns + count),
                            _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, index)));
        count += mask_count(mask);
        index = _mm512_add_epi32(index, step);
    }
    return list_end(columns, count);
}

static uint32_t list_floats(const float *x, uint32_t begin, uint32_t end, uint16_t *columns, float *values)
{
    uint32_t count = 0;
    __m512i index = _mm512_add_epi32(_mm512_set1_epi32((int)begin),
                                     _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    __m512i step = _mm512_set1_epi32(16);
    for (uint32_t i = begin; i < end; i += 16) {
        __mmask16 within = (__mmask16)(end - i >= 16 ? 0xffffu : (1u << (end - i)) - 1);
        __m512 v = _mm512_maskz_loadu_ps(within, x + i);
        /* Not equal, or unordered: a NaN must be seen. */
        __mmask16 mask = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        _mm512_storeu_ps(values + count, _mm512_maskz_compress_ps(mask, v));
        _mm256_storeu_si256((__m256i *)(columns + count),
                            _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, index)));
        count += mask_count(mask);
        index = _mm512_add_epi32(index, step);
    }
    return list_end(columns, count);
}
#else
static uint32_t list_bytes(const uint8_t *bytes, uint32_t begin, uint32_t end, float scale, uint16_t *columns,
                           float *values)
{
    uint32_t count = 0;
    for (uint32_t i = begin; i < end; i++) {
        columns[count] = (uint16_t)i;
        values[count] = (float)bytes[i] * scale;
        count += bytes[i] != 0;
    }
    return list_end(columns, count);
}

static uint32_t list_floats(const float *x, uint32_t begin, uint32_t end, uint16_t *columns, float *values)
{
    uint32_t count = 0;
    for (uint32_t i = begin; i < end; i++) {
        columns[count] = (uint16_t)i;
        values[count] = x[i];
        count += x[i] != 0;
    }
    return list_end(columns, count);
}
#endif

/* p, in a register of its own. Left to itself the compiler adds base and index
 * anew in each multiplication that reads there, and Intel's cores then split
 * each in two: where they share their decoders with another thread, those are
 * what limits them. */
INLINE const float *whole_address(const float *p)
{
    __asm__("" : "+r"(p));
    return p;
}

/* One row of a panel, 128 outputs at most: all its accumulators stay in
 * registers. */
INLINE void forward_row(const uint32_t vecs, const uint16_t *columns, const float *values, uint32_t n,
                        const float *w, size_t ldw, const float *bias, bool relu, float *y)
{
    vec acc[8];
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        acc[j] = bias == NULL ? (vec){0} : load(bias + j * VEC_FLOATS);
    for (uint32_t i = 0; i < n; i++) {
        const float *row = whole_address(w + columns[i] * ldw);
        vec x = splat(values[i]);
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            acc[j] = fma_vec(x, load(row + j * VEC_FLOATS), acc[j]);
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        store(y + j * VEC_FLOATS, relu ? positive(acc[j]) : acc[j]);
}

/* Columns of a list up to `end` added to y: returns where the list goes on. A
 * list ends with a column that no layer has. */
INLINE uint32_t forward_segment(const uint32_t vecs, const uint16_t *columns, const float *values,
                                uint32_t at, uint32_t end, const float *w, size_t ldw, float *y)
{
    if (columns[at] >= end)
        return at;
    vec acc[8];
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        acc[j] = load(y + j * VEC_FLOATS);
    do {
        const float *row = whole_address(w + columns[at] * ldw);
        vec x = splat(values[at]);
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            acc[j] = fma_vec(x, load(row + j * VEC_FLOATS), acc[j]);
    } while (columns[++at] < end);
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        store(y + j * VEC_FLOATS, acc[j]);
    return at;
}

/* Several rows, some columns at a time: those columns' weights stay in the
 * first cache level for all the rows. */
INLINE void forward_lists(const uint32_t vecs, const struct lists *lists, const float *w, size_t ldw,
                          const float *bias, bool relu, float *y, size_t ldy)
{
    if (lists->n_rows == 1) {
        forward_row(vecs, lists->columns, lists->values, lists->counts[0], w, ldw, bias, relu, y);
        return;
    }
    uint32_t at[LISTS_MAX] = {0};
    for (uint32_t r = 0; r < lists->n_rows; r++)
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            store(y + r * ldy + j * VEC_FLOATS, bias == NULL ? (vec){0} : load(bias + j * VEC_FLOATS));
    for (uint32_t k = lists->begin; k < lists->end; k += COLUMN_TILE)
        for (uint32_t r = 0; r < lists->n_rows; r++) {
            at[r] = forward_segment(vecs, lists->columns + r * lists->ld, lists->values + r * lists->ld,
                                    at[r], min_u32(k + COLUMN_TILE, lists->end), w, ldw, y + r * ldy);
        }
    for (uint32_t r = 0; relu && r < lists->n_rows; r++)
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            store(y + r * ldy + j * VEC_FLOATS, positive(load(y + r * ldy + j * VEC_FLOATS)));
}

static void forward_sparse(const struct lists *lists, const float *w, const float *bias, uint32_t n_in,
                           uint32_t n_out, bool relu, float *y, size_t ldy)
{
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
        uint32_t width = min_u32(KERNEL_PANEL, n_out - panel), o = 0;
        const float *wp = w + (size_t)panel * n_in;
        for (; o + 8 * VEC_FLOATS <= width; o += 8 * VEC_FLOATS)
            forward_lists(8, lists, wp + o, width, bias == NULL ? NULL : bias + panel + o, relu,
                          y + panel + o, ldy);
        for (; o + 4 * VEC_FLOATS <= width; o += 4 * VEC_FLOATS)
            forward_lists(4, lists, wp + o, width, bias == NULL ? NULL : bias + panel + o, relu,
                          y + panel + o, ldy);
        for (; o < width; o += VEC_FLOATS)
            forward_lists(1, lists, wp + o, width, bias == NULL ? NULL : bias + panel + o, relu,
                          y + panel + o, ldy);
    }
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
                b[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                                   6, 22, 7, 23);
                b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                       13, 29, 14, 30, 15, 31);
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
        /* The high bit of every byte that is not zero, gathered into eight
         * bits. */
        word = (word | ((word & 0x7f7f7f7f7f7f7f7full) + 0x7f7f7f7f7f7f7f7full)) & 0x8080808080808080ull;
        mask |= ((word >> 7) * 0x0102040810204080ull >> 56) << i;
    }
    return mask;
#endif
}

/* 64 rows of dy, those that `mask` has, into one row of g. */
INLINE void gradient_row(const uint32_t vecs, bool add, uint64_t mask, const uint8_t *xt, const float *values,
                         const float *dy, size_t lddy, float *g)
{
    vec acc[8];
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        acc[j] = add ? load(g + j * VEC_FLOATS) : (vec){0};
    for (; mask != 0; mask &= mask - 1) {
        size_t r = (size_t)__builtin_ctzll(mask);
        vec x = splat(values[xt[r]]);
        const float *row = whole_address(dy + r * lddy);
#pragma GCC unroll 8
        for (uint32_t j = 0; j < vecs; j++)
            acc[j] = fma_vec(x, load(row + j * VEC_FLOATS), acc[j]);
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < vecs; j++)
        store(g + j * VEC_FLOATS, acc[j]);
}

/* 16 rows of g, one after the other, over 64 rows of dy: those stay in the
 * first cache level meanwhile. */
INLINE void gradient_rows(const uint32_t vecs, const uint8_t *xt, size_t ldxt, const float *values,
                          const float *dy, size_t lddy, uint32_t n_rows, bool add, float *g, size_t ldg)
{
    for (uint32_t r = 0; r < n_rows; r += 64, add = true)
        for (uint32_t k = 0; k < 16; k++) {
            uint64_t mask = nonzero_mask(xt + k * ldxt + r);
            if (!add)
                gradient_row(vecs, false, mask, xt + k * ldxt + r, values, dy + r * lddy, lddy, g + k * ldg);
            else if (mask != 0)
                gradient_row(vecs, true, mask, xt + k * ldxt + r, values, dy + r * lddy, lddy, g + k * ldg);
        }
}

static void gradient_sparse(const uint8_t *xt, size_t ldxt, const float *values, const float *dy, size_t lddy,
                            uint32_t n_rows, uint32_t width, bool add, float *g)
{
    uint32_t o = 0;
    for (; o + 8 * VEC_FLOATS <= width; o += 8 * VEC_FLOATS)
        gradient_rows(8, xt, ldxt, values, dy + o, lddy, n_rows, add, g + o, width);
    for (; o + 4 * VEC_FLOATS <= width; o += 4 * VEC_FLOATS)
        gradient_rows(4, xt, ldxt, values, dy + o, lddy, n_rows, add, g + o, width);
    for (; o < width; o += VEC_FLOATS)
        gradient_rows(1, xt, ldxt, values, dy + o, lddy, n_rows, add, g + o, width);
}

#endif
