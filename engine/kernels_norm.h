/* Layer normalisation of one row's sums, or of a part of them (Ba, Kiros & Hinton 2016). Part of kernels_body.h. */
#ifndef MLP_ENGINE_KERNELS_NORM_H
#define MLP_ENGINE_KERNELS_NORM_H

#include "kernels_tile.h"

#define NORM_EPSILON 1e-5f /* added to the variance: sums that are all the same stay finite */

/* Parts begin anywhere. */
INLINE vec load_any(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

#define SUMS 16 /* partial sums of a row, whatever a vector's width: so the order is the same with each instruction set */
#define SUM_VECS (SUMS / VEC_FLOATS) /* the vectors that hold them */

/* The partial sums' sum, in order. */
INLINE float lanes_sum(const vec sums[SUM_VECS])
{
    float sum = 0;
#pragma GCC unroll 16
    for (uint32_t i = 0; i < SUMS; i++)
        sum += sums[i / VEC_FLOATS][i % VEC_FLOATS];
    return sum;
}

/* Sum over i of (x[i] - shift) * (y[i] - shift). */
INLINE float products_sum(const float *x, const float *y, float shift, uint32_t n)
{
    vec sums[SUM_VECS] = {0};
    uint32_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
#pragma GCC unroll 4
        for (uint32_t j = 0, at = i; j < SUM_VECS; j++, at += VEC_FLOATS)
            sums[j] = fma_vec(load_any(x + at) - shift, load_any(y + at) - shift, sums[j]);
    float sum = lanes_sum(sums);
    for (; i < n; i++)
        sum = fma_float(x[i] - shift, y[i] - shift, sum);
    return sum;
}

INLINE float numbers_sum(const float *x, uint32_t n)
{
    vec sums[SUM_VECS] = {0};
    uint32_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
#pragma GCC unroll 4
        for (uint32_t j = 0; j < SUM_VECS; j++)
            sums[j] += load_any(x + i + j * VEC_FLOATS);
    float sum = lanes_sum(sums);
    for (; i < n; i++)
        sum += x[i];
    return sum;
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

/* With h = d * gain: d x / d z = inverse (h - mean(h) - normal mean(h normal)). */
static void normalize_delta(float *d, uint32_t n, const float *gain, float inverse, float *normal, float *passed)
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
