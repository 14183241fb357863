/* Vectors and the register tile: what all kernels are made of. Part of
 * kernels/body.h. */
#ifndef MLP_ENGINE_KERNELS_TILE_H
#define MLP_ENGINE_KERNELS_TILE_H

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>
#if VEC_FLOATS > 4
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))

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

/* a * b + c, the only place where a product is added to. Fused, that is rounded
 * once, with AVX2, AVX-512 and NEON; in two roundings with the generic kernels
 * of x86. The compiler fuses nothing of its own accord (-ffp-contract=off), so
 * the bits are the same whatever it is. */
INLINE vec fma_vec(vec a, vec b, vec c)
{
#if VEC_FLOATS == 16
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif VEC_FLOATS == 8
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* The same of one lane. */
INLINE float fma_float(float a, float b, float c)
{
#if VEC_FLOATS > 4 || defined(__ARM_NEON)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/* Where the mask is set a, else b. */
INLINE vec choose(ivec mask, vec a, vec b)
{
    return (vec)(((ivec)a & mask) | ((ivec)b & ~mask));
}

INLINE vec absolute(vec v)
{
    return (vec)((ivec)v & 0x7fffffff);
}

INLINE vec positive(vec v)
{
    return (vec)((ivec)v & (v > 0));
}

/* What a tile asks for while it multiplies, as it comes from far away: a line
 * at a time, `step` floats from the one before. NULL: nothing. */
struct prefetch {
    const float *at;
    size_t step;
};

/* acc[i][j] += a[i * a_row] * b[vector j]. */
INLINE void tile_step(const uint32_t rows, const uint32_t vecs, const float *a, size_t a_row, const float *b,
                      vec acc[TILE_ROWS][TILE_VECS])
{
    vec bs[TILE_VECS];
#pragma GCC unroll 4
    for (uint32_t j = 0; j < vecs; j++)
        bs[j] = load(b + j * VEC_FLOATS);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < rows; i++) {
        vec as = splat(a[i * a_row]);
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs; j++)
            acc[i][j] = fma_vec(as, bs[j], acc[i][j]);
    }
}

/* acc[i][j] += sum over k of a[i * a_row + k * a_k] * b[k * b_k + vector j],
 * n_k a multiple of 16. `rows`, `vecs`, `prefetch_distance` and
 * `prefetch_interval` are constants at every call. prefetch_distance: steps of
 * k by which b is prefetched, 0 where it is near already. prefetch_interval:
 * steps of k, 1 or 2, in which a line of `prefetch` is asked for, 0: none
 * is. */
INLINE void tile_prefetch(const uint32_t rows, const uint32_t vecs, const uint32_t prefetch_distance,
                          const uint32_t prefetch_interval, struct prefetch prefetch, const float *a,
                          size_t a_row, size_t a_k, const float *b, size_t b_k, uint32_t n_k,
                          vec acc[TILE_ROWS][TILE_VECS])
{
    for (uint32_t k = 0; k < n_k; k++) {
#pragma GCC unroll 4
        for (uint32_t j = 0; j < vecs && prefetch_distance != 0; j++)
            __builtin_prefetch(b + (k + prefetch_distance) * b_k + j * VEC_FLOATS);
        if (prefetch_interval != 0) {
            __builtin_prefetch(prefetch.at, 0, 2);
            prefetch.at += prefetch.step;
        }
        tile_step(rows, vecs, a + k * a_k, a_row, b + k * b_k, acc);
        if (prefetch_interval == 2) {
            k++;
            tile_step(rows, vecs, a + k * a_k, a_row, b + k * b_k, acc);
        }
    }
}

/* The same where b is near, and there may be something to ask for. */
INLINE void tile(const uint32_t rows, const uint32_t vecs, const uint32_t prefetch_interval,
                 struct prefetch prefetch, const float *a, size_t a_row, size_t a_k, const float *b,
                 size_t b_k, uint32_t n_k, vec acc[TILE_ROWS][TILE_VECS])
{
    if (prefetch.at != NULL)
        tile_prefetch(rows, vecs, 0, prefetch_interval, prefetch, a, a_row, a_k, b, b_k, n_k, acc);
    else
        tile_prefetch(rows, vecs, 0, 0, prefetch, a, a_row, a_k, b, b_k, n_k, acc);
}

/* How many vectors the next tile takes of those that are left: a last one alone
 * would keep the adders half idle. */
INLINE uint32_t tile_vecs(uint32_t left)
{
    return left < TILE_VECS ? left : left == TILE_VECS + 1 && TILE_VECS > 2 ? TILE_VECS - 1 : TILE_VECS;
}

/* How many rows a tile of so many vectors takes of those that are left, a
 * multiple of 8 at first. All accumulators are to be in registers (32 with
 * AVX-512): of four vectors six rows, then five and five, sixteen in all; the
 * more square, the fewer loads for each product. */
INLINE uint32_t tile_rows(uint32_t vecs, uint32_t left)
{
    if (vecs < 4)
        return TILE_ROWS;
    return left % 16 == 0 ? 6 : left % 16 == 10 || left % 16 == 5 ? 5 : 4;
}

/* Calls `function` with constant numbers of vectors, or of vectors and rows:
 * the compiler then keeps the accumulators in registers. */
#define WITH_VECS(n, function, ...)                                                                          \
    do {                                                                                                     \
        if (TILE_VECS >= 4 && (n) == 4)                                                                      \
            function(TILE_VECS >= 4 ? 4 : 1, __VA_ARGS__);                                                   \
        else if (TILE_VECS >= 3 && (n) == 3)                                                                 \
            function(TILE_VECS >= 3 ? 3 : 1, __VA_ARGS__);                                                   \
        else if ((n) == 2)                                                                                   \
            function(2, __VA_ARGS__);                                                                        \
        else                                                                                                 \
            function(1, __VA_ARGS__);                                                                        \
    } while (0)
#define WITH_ROWS(n, vecs, function, ...)                                                                    \
    do {                                                                                                     \
        if ((vecs) < 4)                                                                                      \
            function(TILE_ROWS, vecs, __VA_ARGS__);                                                          \
        else if ((n) == 6)                                                                                   \
            function(6, vecs, __VA_ARGS__);                                                                  \
        else if ((n) == 5)                                                                                   \
            function(5, vecs, __VA_ARGS__);                                                                  \
        else                                                                                                 \
            function(4, vecs, __VA_ARGS__);                                                                  \
    } while (0)

INLINE uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

#endif
