/* Activations. */
#ifndef MLP_ACTIVATION_H
#define MLP_ACTIVATION_H

/* What an activation is called; the function itself stands in
 * engine/kernels/activation.h under the same word. */
#define ACTIVATIONS(X)                                                                                       \
    X(LINEAR, linear)                                                                                        \
    X(RELU, relu)                                                                                            \
    X(LEAKY_RELU, leaky_relu) /* 0.2 z below zero */                                                         \
    X(ELU, elu)                                                                                              \
    X(SELU, selu)                                                                                            \
    X(GELU, gelu)                                                                                            \
    X(SWISH, swish)                                                                                          \
    X(TANH, tanh)                                                                                            \
    X(SIGMOID, sigmoid)                                                                                      \
    X(SOFTPLUS, softplus)                                                                                    \
    X(SOFTMAX, softmax)
#define ACTIVATION_ID(id, word) ACTIVATION_##id,
enum activation { ACTIVATIONS(ACTIVATION_ID) N_ACTIVATIONS };
#undef ACTIVATION_ID

/* Its name as on the wire, and back; NULL or -1 for what does not exist. */
const char *activation_name(enum activation activation);
int activation_find(const char *name);

#endif
