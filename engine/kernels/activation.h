/* Activations, one function each: from the sum z to the layer's output, and the
 * slope there. Part of kernels/body.h.
 *
 * A function here and a row in ACTIVATIONS (mlp/network.h) make an activation.
 * A product that is added to is written fma_vec. Slopes of functions with a
 * kink are taken from the left. */
#ifndef MLP_ENGINE_KERNELS_ACTIVATION_H
#define MLP_ENGINE_KERNELS_ACTIVATION_H

#include "kernels/exp.h"
#include "mlp/activation.h"

INLINE vec activation_linear(vec z, vec *slope)
{
    *slope = splat(1);
    return z;
}

INLINE vec activation_relu(vec z, vec *slope)
{
    *slope = choose(z > 0, splat(1), splat(0));
    return choose(z != z, z, positive(z));
}

INLINE vec activation_leaky_relu(vec z, vec *slope)
{
    *slope = choose(z > 0, splat(1), splat(0.2f));
    return z * *slope;
}

INLINE vec activation_elu(vec z, vec *slope)
{
    vec e = exp_vec(z);
    *slope = choose(z > 0, splat(1), e);
    return choose(z > 0, z, e - 1.0f);
}

/* Klambauer et al. 2017. */
INLINE vec activation_selu(vec z, vec *slope)
{
    const float alpha = 1.67326324235437728f, scale = 1.05070098735548049f;
    vec e = exp_vec(z) * (scale * alpha);
    *slope = choose(z > 0, splat(scale), e);
    return choose(z > 0, z * scale, e - scale * alpha);
}

/* z times the normal distribution function (Hendrycks & Gimpel 2016), not the
 * tanh approximation. */
INLINE vec activation_gelu(vec z, vec *slope)
{
    vec share = fma_vec(splat(0.5f), erf_vec(z * 0.70710678118654752f), splat(0.5f));
    *slope = fma_vec(z * exp_vec(-0.5f * z * z), splat(0.39894228040143268f), share);
    return z * share;
}

INLINE vec activation_swish(vec z, vec *slope)
{
    vec s = sigmoid_vec(z);
    *slope = fma_vec(z * s, 1.0f - s, s);
    return z * s;
}

INLINE vec activation_tanh(vec z, vec *slope)
{
    vec y = tanh_vec(z);
    *slope = fma_vec(-y, y, splat(1));
    return y;
}

INLINE vec activation_sigmoid(vec z, vec *slope)
{
    vec y = sigmoid_vec(z);
    *slope = y * (1.0f - y);
    return y;
}

/* ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|). */
INLINE vec activation_softplus(vec z, vec *slope)
{
    vec size = absolute(z);
    *slope = sigmoid_vec(z);
    return choose(z > 0, z, splat(0)) + log_vec(1.0f + exp_vec(-size));
}

/* The output layer's softmax is taken row by row with its loss; as a function
 * of one number it does nothing. */
INLINE vec activation_softmax(vec z, vec *slope)
{
    return activation_linear(z, slope);
}

#define ACTIVATION_LOOP(id, word)                                                                            \
    static void activate_##word(float *y, float *slopes, size_t n)                                           \
    {                                                                                                        \
        for (size_t i = 0; i < n; i += VEC_FLOATS) {                                                         \
            vec slope;                                                                                       \
            store(y + i, activation_##word(load(y + i), &slope));                                            \
            if (slopes != NULL)                                                                              \
                store(slopes + i, slope);                                                                    \
        }                                                                                                    \
    }
ACTIVATIONS(ACTIVATION_LOOP)

#endif
