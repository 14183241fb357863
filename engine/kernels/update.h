/* Optimizers: one function each, from a vector of gradients to one of
 * parameters. Part of kernels/body.h.
 *
 * A function here, a row in OPTIMIZERS (mlp/train.h) and one in optimizer.c
 * make an optimizer. */
#ifndef MLP_ENGINE_KERNELS_UPDATE_H
#define MLP_ENGINE_KERNELS_UPDATE_H

#include "kernels/tile.h"
#include "mlp/optimizer.h"

/* struct update, each number in every lane. */
struct update_vecs {
    vec rate, rate_of_gradient, beta_1, beta_2, rest_1, rest_2, epsilon, inv_sqrt_correction, momentum,
        nesterov;
};

/* The square root of v >= 0. With AVX-512 from the 14-bit estimate and one
 * Newton step, to a relative error below 2^-22 (and 2^-63 for what is smaller
 * than 2^-126). */
INLINE vec root_vec(vec v)
{
#if VEC_FLOATS == 16
    vec safe = (vec)_mm512_max_ps((__m512)v, (__m512)splat(0x1p-126f));
    vec inverse_root = (vec)_mm512_rsqrt14_ps((__m512)safe);
    vec root = safe * inverse_root;
    return fma_vec(root, fma_vec(-root, 0.5f * inverse_root, splat(0.5f)), root);
#else
    vec root;
    for (uint32_t i = 0; i < VEC_FLOATS; i++)
        root[i] = sqrtf(v[i]);
    return root;
#endif
}

/* a / b for b > 0; with AVX-512 as above. */
INLINE vec quotient_vec(vec a, vec b)
{
#if VEC_FLOATS == 16
    vec inverse = (vec)_mm512_rcp14_ps((__m512)b);
    return a * (inverse * fma_vec(-b, inverse, splat(2)));
#else
    return a / b;
#endif
}

/* The running averages of gradients and of their squares. */
INLINE void averages_update(vec *m, vec *v, vec g, const struct update_vecs *u)
{
    *m = fma_vec(u->beta_1, *m, u->rest_1 * g);
    *v = fma_vec(u->beta_2, *v, u->rest_2 * g * g);
}

/* Kingma & Ba 2015. */
INLINE vec update_adam(vec p, vec *m, vec *v, vec g, const struct update_vecs *u)
{
    averages_update(m, v, g, u);
    return fma_vec(-u->rate, quotient_vec(*m, fma_vec(root_vec(*v), u->inv_sqrt_correction, u->epsilon)), p);
}

/* Loshchilov & Hutter 2019: adam, whose weight decay (see kernels' prepare)
 * does not pass through its averages. */
INLINE vec update_adamw(vec p, vec *m, vec *v, vec g, const struct update_vecs *u)
{
    return update_adam(p, m, v, g, u);
}

/* Dozat 2016: the average is looked at one step ahead. */
INLINE vec update_nadam(vec p, vec *m, vec *v, vec g, const struct update_vecs *u)
{
    averages_update(m, v, g, u);
    vec direction = fma_vec(u->rate, *m, u->rate_of_gradient * g);
    return p - quotient_vec(direction, fma_vec(root_vec(*v), u->inv_sqrt_correction, u->epsilon));
}

/* Plain, or with momentum (Polyak 1964), or with Nesterov's (Sutskever et al.
 * 2013). */
INLINE vec update_sgd(vec p, vec *m, vec *v, vec g, const struct update_vecs *u)
{
    (void)v;
    vec step = u->rate * g;
    *m = fma_vec(u->momentum, *m, -step);
    vec ahead = fma_vec(u->momentum, *m, -step);
    return p + choose((ivec)u->nesterov, ahead, *m);
}

/* Tieleman & Hinton 2012. */
INLINE vec update_rmsprop(vec p, vec *m, vec *v, vec g, const struct update_vecs *u)
{
    *v = fma_vec(u->beta_2, *v, u->rest_2 * g * g);
    *m = fma_vec(u->momentum, *m, u->rate * quotient_vec(g, root_vec(*v) + u->epsilon));
    return p - *m;
}

/* Duchi, Hazan & Singer 2011. */
INLINE vec update_adagrad(vec p, vec *m, vec *v, vec g, const struct update_vecs *u)
{
    (void)m;
    *v = fma_vec(g, g, *v);
    return fma_vec(-u->rate, quotient_vec(g, root_vec(*v) + u->epsilon), p);
}

/* Zero if every lane of `check`, a sum of products with zero, is finite; else
 * it holds a NaN. */
INLINE bool all_zero(vec check)
{
    ivec wrong = check != 0;
    for (uint32_t i = 0; i < VEC_FLOATS; i++)
        if (wrong[i])
            return false;
    return true;
}

INLINE struct update_vecs update_splat(const struct update *u)
{
    return (struct update_vecs){.rate = splat(u->rate),
                                .rate_of_gradient = splat(u->rate_of_gradient),
                                .beta_1 = splat(u->beta_1),
                                .beta_2 = splat(u->beta_2),
                                .rest_1 = splat(1.0f - u->beta_1),
                                .rest_2 = splat(1.0f - u->beta_2),
                                .epsilon = splat(u->epsilon),
                                .inv_sqrt_correction = splat(u->inv_sqrt_correction),
                                .momentum = splat(u->momentum),
                                .nesterov = (vec)(splat(u->nesterov ? 1 : 0) > 0)};
}

#define UPDATE_LOOP(id, word)                                                                                \
    static bool apply_##word(float *p, float *m, float *v, const float *g, size_t n,                         \
                             const struct update *update)                                                    \
    {                                                                                                        \
        const struct update_vecs u = update_splat(update);                                                   \
        vec check = splat(0);                                                                                \
        for (size_t i = 0; i < n; i += VEC_FLOATS) {                                                         \
            vec mi = m == NULL ? splat(0) : load(m + i), vi = v == NULL ? splat(0) : load(v + i);            \
            vec pi = update_##word(load(p + i), &mi, &vi, load(g + i), &u);                                  \
            if (m != NULL)                                                                                   \
                store(m + i, mi);                                                                            \
            if (v != NULL)                                                                                   \
                store(v + i, vi);                                                                            \
            store(p + i, pi);                                                                                \
            check = fma_vec(pi, splat(0), check);                                                            \
        }                                                                                                    \
        return all_zero(check);                                                                              \
    }
OPTIMIZERS(UPDATE_LOOP)

static void prepare(float *p, float *g, size_t n, const struct penalty *penalty)
{
    vec l1 = splat(penalty->l1), l2 = splat(2 * penalty->l2), scale = splat(penalty->clip_scale),
        clip = splat(penalty->clip_value), keep = splat(penalty->keep);
    for (size_t i = 0; i < n; i += VEC_FLOATS) {
        vec pi = load(p + i), gi = load(g + i);
        vec sign = choose(pi > 0, splat(1), choose(pi < 0, splat(-1), splat(0)));
        gi = fma_vec(l1, sign, fma_vec(l2, pi, gi)) * scale;
        gi = choose(gi > clip, clip, choose(gi < -clip, -clip, gi));
        store(g + i, gi);
        store(p + i, pi * keep);
    }
}

static void limit_norms(float *w, uint32_t n_in, uint32_t width, float max_norm)
{
    for (uint32_t o = 0; o < width; o += VEC_FLOATS) {
        vec sum = splat(0), limit = splat(max_norm), scale;
        for (uint32_t k = 0; k < n_in; k++)
            sum = fma_vec(load(w + (size_t)k * width + o), load(w + (size_t)k * width + o), sum);
        for (uint32_t i = 0; i < VEC_FLOATS; i++)
            scale[i] = sqrtf(sum[i]);
        scale = choose(scale > limit, limit / scale, splat(1));
        for (uint32_t k = 0; k < n_in; k++)
            store(w + (size_t)k * width + o, load(w + (size_t)k * width + o) * scale);
    }
}

static double square_sum(const float *g, size_t n)
{
    double sums[16] = {0}, sum = 0;
    for (size_t i = 0; i < n; i += 16)
        for (size_t j = 0; j < 16; j++)
            sums[j] += (double)g[i + j] * (double)g[i + j]; /* the product is exact */
    for (size_t j = 0; j < 16; j++)
        sum += sums[j];
    return sum;
}

#endif
