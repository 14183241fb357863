/* Optimizers. Part of kernels_body.h. */
#ifndef MLP_KERNELS_UPDATE_H
#define MLP_KERNELS_UPDATE_H

#include "kernels_tile.h"

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

#endif
