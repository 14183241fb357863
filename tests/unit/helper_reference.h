/* An independent multilayer perceptron in double precision, plain loops: what
 * the engine is measured against. */
#ifndef HELPER_REFERENCE_H
#define HELPER_REFERENCE_H

#include "mlp/train.h"

#include <stddef.h>

struct reference {
    uint32_t n_inputs, n_layers;
    struct layer layers[8];
    enum loss loss;
    bool classes; /* one output may be two classes */
    double label_smoothing;
    const double *weights; /* of the rows that reference_gradients is given; NULL: 1 */
    double *w[8],
        *b[8]; /* (n_in, n_out), (n_vectors, n_out): biases and, where normalised, gains and offsets */
    double *gw[8], *gb[8]; /* gradients of the same shapes */
    double *m[8], *v[8], *mb[8], *vb[8];
    uint64_t step;
};

/* A copy of the weights; the loss is of classes unless there is one linear
 * output (set `classes` otherwise). */
struct reference *reference_new(const struct network *start, enum loss loss);
void reference_free(struct reference *reference);
/* Mean loss of n rows: x (n, n_inputs), t: class indices, or values where the
 * last layer has one unit. */
double reference_loss(const struct reference *reference, const double *x, const double *t, size_t n);
/* Gradients of that loss by back-propagation; returns the loss. */
double reference_gradients(struct reference *reference, const double *x, const double *t, size_t n);
/* One step of the options' optimizer at the given rate with the gradients as
 * they are, penalties, clipping and decay included. */
void reference_step(struct reference *reference, const struct train_options *options, double rate);
/* Greatest absolute difference of any weight or bias. */
double reference_distance(const struct reference *reference, const struct network *network);
/* How often the largest output is the class t[i]. */
size_t reference_correct(const struct reference *reference, const double *x, const double *t, size_t n);

#endif
