/* Layer normalisation of one row's sums, or of a part of them (Ba, Kiros &
 * Hinton 2016). Part of kernels/body.h. */
#ifndef MLP_ENGINE_KERNELS_NORM_H
#define MLP_ENGINE_KERNELS_NORM_H

#include "kernels/tile.h"

#define NORM_EPSILON 1e-5f /* added to the variance: sums that are all the same stay finite */

/* Parts begin anywhere. */
INLINE vec load_any(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

#define SUMS                                                                                                 \
    16 /* number i of a row goes into partial sum i % 16, whatever a vector's width: the same bits with each \
          instruction set */
#define SUM_VECS (SUMS / VEC_FLOATS) /* the vectors that hold them */

/* The sum of the partial sums, the second half added to the first again and
 * again. */
INLINE float partial_total(float sums[SUMS])
{
#pragma GCC unroll 4
    for (uint32_t half = SUMS / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (uint32_t i = 0; i < half; i++)
            sums[i] += sums[i + half];
    return sums[0];
}

/* Sum over i of (x[i] - shift) * (y[i] - shift). */
INLINE float products_sum(const float *x, const float *y, float shift, uint32_t n)
{
    vec vecs[SUM_VECS] = {0};
    float sums[SUMS];
    uint32_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
#pragma GCC unroll 4
        for (uint32_t j = 0, at = i; j < SUM_VECS; j++, at += VEC_FLOATS)
            vecs[j] = fma_vec(load_any(x + at) - shift, load_any(y + at) - shift, vecs[j]);
    memcpy(sums, vecs, sizeof sums);
    for (uint32_t j = 0; i < n; i++, j++)
        sums[j] = fma_float(x[i] - shift, y[i] - shift, sums[j]);
    return partial_total(sums);
}

INLINE float numbers_sum(const float *x, uint32_t n)
{
    vec vecs[SUM_VECS] = {0};
    float sums[SUMS];
    uint32_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < SUM_VECS; j++)
            vecs[j] += load_any(x + i + j * VEC_FLOATS);
    memcpy(sums, vecs, sizeof sums);
    for (uint32_t j = 0; i < n; i++, j++)
        sums[j] += x[i];
    return partial_total(sums);
}

static float normalize(float *y, uint32_t n, const float *gain, const float *offset, float *normal)
{
    float mean = numbers_sum(y, n) / (float)n;
    float inverse = 1 / sqrtf(products_sum(y, y, mean, n) / (float)n + NORM_EPSILON);
    for (uint32_t i = 0; i < n; i++) {
        float x = (y[i] - mean) * inverse;
        y[i] = fma_float(x, gain[i], offset[i]);
        if (normal != NULL)
            normal[i] = x;
    }
    return inverse;
}

/* With h = d * gain: d x / d z = inverse (h - mean(h) - normal mean(h
 * normal)). */
static void normalize_delta(float *d, uint32_t n, const float *gain, float inverse, float *normal,
                            float *passed)
{
    for (uint32_t i = 0; i < n; i++) {
        passed[i] = d[i];
        d[i] *= gain[i];
    }
    float mean = numbers_sum(d, n) / (float)n, along = products_sum(d, normal, 0, n) / (float)n;
    for (uint32_t i = 0; i < n; i++) {
        d[i] = inverse * fma_float(-normal[i], along, d[i] - mean);
        normal[i] *= passed[i];
    }
}

#endif
