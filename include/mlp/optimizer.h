/* Optimizers. */
#ifndef MLP_OPTIMIZER_H
#define MLP_OPTIMIZER_H

/* What an optimizer is called; its step stands in engine/kernels/update.h under
 * the same word, its defaults in engine/train/optimizer.c. */
#define OPTIMIZERS(X)                                                                                        \
    X(ADAM, adam)                                                                                            \
    X(ADAMW, adamw)                                                                                          \
    X(NADAM, nadam)                                                                                          \
    X(SGD, sgd)                                                                                              \
    X(RMSPROP, rmsprop)                                                                                      \
    X(ADAGRAD, adagrad)
#define OPTIMIZER_ID(id, word) OPTIMIZER_##id,
enum optimizer { OPTIMIZERS(OPTIMIZER_ID) N_OPTIMIZERS };
#undef OPTIMIZER_ID
const char *optimizer_name(enum optimizer optimizer);
int optimizer_find(const char *name);

#endif
