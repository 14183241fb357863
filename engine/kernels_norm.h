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

/* The lanes' sum, in order. */
INLINE float lanes_sum(vec v)
{
    float sum = 0;
    for (uint32_t i = 0; i < VEC_FLOATS; i++)
        sum += v[i];
    return sum;
}

/* Sum over i of (x[i] - shift) * (y[i] - shift). */
INLINE float products_sum(const float *x, const float *y, float shift, uint32_t n)
{
    vec sums = {0};
    uint32_t i = 0;
    for (; i + VEC_FLOATS <= n; i += VEC_FLOATS)
        sums += (load_any(x + i) - shift) * (load_any(y + i) - shift);
    float sum = lanes_sum(sums);
    for (; i < n; i++)
        sum += (x[i] - shift) * (y[i] - shift);
    return sum;
}

INLINE float numbers_sum(const float *x, uint32_t n)
{
    vec sums = {0};
    uint32_t i = 0;
    for (; i + VEC_FLOATS <= n; i += VEC_FLOATS)
        sums += load_any(x + i);
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
        y[i] = x * gain[i] + offset[i];
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
        d[i] = inverse * (d[i] - mean - normal[i] * along);
        normal[i] *= passed[i];
    }
}

#endif
