/* Exponentials, and the functions made of them. Part of kernels_body.h. */
#ifndef MLP_KERNELS_EXP_H
#define MLP_KERNELS_EXP_H

#include "kernels_tile.h"

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

#endif
