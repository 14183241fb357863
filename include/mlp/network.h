/* Dense layers and the one block that holds their parameters.
 *
 * Layout: a layer's weights are (n_in, n_out), both rounded up to multiples of
 * 16 (padding always zero), in column panels of 128 outputs: a panel holds its
 * rows k = 0, 1, ... one after the other, each of 128 floats (what is left, in
 * the last panel). The biases follow, then where the layer is normalised the
 * gains and the offsets. A layer of up to 128 outputs is thus plain row-major:
 * row k is input k's weights. */
#ifndef MLP_NETWORK_H
#define MLP_NETWORK_H

#include "mlp/activation.h"
#include "mlp/err.h"
#include "mlp/initializer.h"

#include <stddef.h>
#include <stdint.h>

#define NETWORK_LAYERS_MAX 64
#define NETWORK_UNITS_MAX 65536
#define NETWORK_NORMS_MAX 16 /* parts of a layer that are normalised each by itself */

struct layer {
    uint32_t units; /* n_out */
    enum activation activation;
    float dropout;  /* share of the outputs dropped in training, 0 .. 0.95; hidden layers */
    uint32_t norms; /* layer normalisation of the sums, before the activation: in this many equal parts, each
                     * by itself (1, more where networks stand side by side in one); 0: none; hidden layers */
};

struct network {
    uint32_t n_inputs;
    uint32_t n_layers; /* the last one is the output layer */
    struct layer layers[NETWORK_LAYERS_MAX];
    size_t n_floats;                                                      /* of params, padding included */
    size_t weights_at[NETWORK_LAYERS_MAX], biases_at[NETWORK_LAYERS_MAX]; /* offsets into params */
    float *params; /* (n_floats), 64-byte aligned, owned */
};

/* A network of the given shape, parameters zero. Only the last layer may be
 * softmax. NULL on failure (ERR_LIMIT, ERR_MEMORY, ERR_INPUT). */
struct network *network_new(uint32_t n_inputs, const struct layer *layers, uint32_t n_layers,
                            struct err *err);
struct network *network_copy(const struct network *network, struct err *err);
void network_free(struct network *network); /* takes NULL */

/* Weights from the seed, biases and offsets zero, gains one; `stddev`:
 * INITIALIZER_NORMAL's. He et al. 2015 (variance 2 / n_in), Glorot & Bengio
 * 2010 (2 / (n_in + n_out)), LeCun et al. 1998 (1 / n_in), Saxe et al. 2014
 * (orthogonal rows or columns). ERR_MEMORY. */
bool network_init(struct network *network, enum initializer initializer, float stddev, uint64_t seed,
                  struct err *err);

uint32_t network_n_in(const struct network *network, uint32_t layer);
/* How many numbers it learns, padding not counted. */
uint64_t network_n_params(const struct network *network);
/* How many arrays of a number for each unit a layer has: biases and, where it
 * is normalised, gains and offsets. */
uint32_t layer_n_vectors(const struct layer *layer);
/* One layer's weights out and in as plain row-major (n_in, n_out), biases as
 * (n_vectors, n_out): what files hold. */
void network_get(const struct network *network, uint32_t layer, float *weights, float *biases);
void network_set(struct network *network, uint32_t layer, const float *weights, const float *biases);

#endif
