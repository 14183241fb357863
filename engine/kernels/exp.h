/* Exponentials, and the functions made of them. Part of kernels/body.h. */
#ifndef MLP_ENGINE_KERNELS_EXP_H
#define MLP_ENGINE_KERNELS_EXP_H

#include "kernels/tile.h"

/* e^x to 2 ulp, x brought to -87 .. 88 first: x = n ln 2 + r with |r| <= ln 2 /
 * 2, a polynomial for e^r (Cephes expf), 2^n in the exponent. NaN stays NaN. */
INLINE vec exp_vec(vec x)
{
    vec clamped = choose(x < -87.0f, splat(-87.0f), choose(x > 88.0f, splat(88.0f), x));
    vec magic = splat(0x1.8p23f);
    vec n = fma_vec(clamped, splat(1.44269504088896341f), magic) - magic;
    vec r = fma_vec(n, splat(2.12194440e-4f), fma_vec(n, splat(-0.693359375f), clamped));
    vec p = splat(1.9875691500e-4f);
    p = fma_vec(p, r, splat(1.3981999507e-3f));
    p = fma_vec(p, r, splat(8.3334519073e-3f));
    p = fma_vec(p, r, splat(4.1665795894e-2f));
    p = fma_vec(p, r, splat(1.6666665459e-1f));
    p = fma_vec(p, r, splat(5.0000001201e-1f));
    p = fma_vec(p * r, r, r) + 1.0f;
    ivec exponent = __builtin_convertvector(n, ivec) << 23;
    vec e = (vec)((ivec)p + exponent);
    return choose(x != x, x, e);
}

/* ln x for normal x > 0, to 2 ulp (Cephes logf): x = m 2^e with m in sqrt(1/2)
 * .. sqrt(2). */
INLINE vec log_vec(vec x)
{
    ivec bits = (ivec)x;
    vec m = (vec)((bits & 0x007fffff) | 0x3f000000); /* 0.5 .. 1 */
    vec e = __builtin_convertvector((bits >> 23) - 126, vec);
    ivec small = m < 0.707106781186547524f;
    e = choose(small, e - 1.0f, e);
    m = choose(small, m + m, m) - 1.0f;
    vec z = m * m;
    vec p = splat(7.0376836292e-2f);
    p = fma_vec(p, m, splat(-1.1514610310e-1f));
    p = fma_vec(p, m, splat(1.1676998740e-1f));
    p = fma_vec(p, m, splat(-1.2420140846e-1f));
    p = fma_vec(p, m, splat(1.4249322787e-1f));
    p = fma_vec(p, m, splat(-1.6668057665e-1f));
    p = fma_vec(p, m, splat(2.0000714765e-1f));
    p = fma_vec(p, m, splat(-2.4999993993e-1f));
    p = fma_vec(p, m, splat(3.3333331174e-1f));
    p = fma_vec(e, splat(-2.12194440e-4f), p * m * z) - 0.5f * z;
    return fma_vec(e, splat(0.693359375f), m + p);
}

/* tanh x: a polynomial where |x| < 0.625 (Cephes tanhf), else by the
 * exponential. */
INLINE vec tanh_vec(vec x)
{
    vec z = x * x;
    vec p = splat(-5.70498872745e-3f);
    p = fma_vec(p, z, splat(2.06390887954e-2f));
    p = fma_vec(p, z, splat(-5.37397155531e-2f));
    p = fma_vec(p, z, splat(1.33314422036e-1f));
    p = fma_vec(p, z, splat(-3.33332819422e-1f));
    vec near = fma_vec(p * z, x, x);
    vec size = absolute(x);
    vec far = 1.0f - 2.0f / (exp_vec(size + size) + 1.0f);
    far = (vec)((ivec)far | ((ivec)x & INT32_MIN));
    return choose(size < 0.625f, near, choose(x != x, x, far));
}

INLINE vec sigmoid_vec(vec x)
{
    return 1.0f / (1.0f + exp_vec(-x));
}

/* erf x to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26). */
INLINE vec erf_vec(vec x)
{
    vec size = absolute(x);
    vec t = 1.0f / fma_vec(splat(0.3275911f), size, splat(1));
    vec p = splat(1.061405429f);
    p = fma_vec(p, t, splat(-1.453152027f));
    p = fma_vec(p, t, splat(1.421413741f));
    p = fma_vec(p, t, splat(-0.284496736f));
    p = fma_vec(p, t, splat(0.254829592f));
    vec e = fma_vec(-(p * t), exp_vec(-size * size), splat(1));
    return (vec)((ivec)e | ((ivec)x & INT32_MIN));
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
