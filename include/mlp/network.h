/* Dense layers and the one block that holds their parameters.
 *
 * Layout: a layer's weights are (n_in, n_out), both rounded up to multiples of 16 (padding always zero), in column panels of 128
 * outputs: a panel holds its rows k = 0, 1, ... one after the other, each of 128 floats (what is left, in the last panel). The biases
 * follow. A layer of up to 128 outputs is thus plain row-major: row k is input k's weights. */
#ifndef MLP_NETWORK_H
#define MLP_NETWORK_H

#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

enum activation { ACTIVATION_LINEAR, ACTIVATION_RELU, ACTIVATION_SOFTMAX };
enum loss { LOSS_AUTO, LOSS_CATEGORICAL_CROSSENTROPY, LOSS_MSE };
enum initializer { INITIALIZER_HE_NORMAL, INITIALIZER_NORMAL };

#define NETWORK_LAYERS_MAX 64
#define NETWORK_UNITS_MAX 65536

struct layer {
    uint32_t units; /* n_out */
    enum activation activation;
};

struct network {
    uint32_t n_inputs;
    uint32_t n_layers; /* the last one is the output layer */
    struct layer layers[NETWORK_LAYERS_MAX];
    size_t n_floats; /* of params, padding included */
    size_t weights_at[NETWORK_LAYERS_MAX], biases_at[NETWORK_LAYERS_MAX]; /* offsets into params */
    float *params; /* (n_floats), 64-byte aligned, owned */
};

/* Names as on the wire ("relu", "categorical_crossentropy"); NULL or -1 for what does not exist. */
const char *activation_name(enum activation activation);
int activation_find(const char *name);
const char *loss_name(enum loss loss);
int loss_find(const char *name);
const char *initializer_name(enum initializer initializer);
int initializer_find(const char *name);

/* A network of the given shape, parameters zero. Only the last layer may be softmax. NULL on failure (ERR_LIMIT, ERR_MEMORY, ERR_INPUT). */
struct network *network_new(uint32_t n_inputs, const struct layer *layers, uint32_t n_layers, struct err *err);
struct network *network_copy(const struct network *network, struct err *err);
void network_free(struct network *network); /* takes NULL */

/* Weights from the seed, biases zero. HE_NORMAL: standard deviation sqrt(2 / n_in) (He et al. 2015); NORMAL: `stddev`. */
void network_init(struct network *network, enum initializer initializer, float stddev, uint64_t seed);

uint32_t network_n_in(const struct network *network, uint32_t layer);
/* How many numbers it learns, padding not counted. */
uint64_t network_n_params(const struct network *network);
/* One layer's weights out and in as plain row-major (n_in, n_out), biases as (n_out): what files hold. */
void network_get(const struct network *network, uint32_t layer, float *weights, float *biases);
void network_set(struct network *network, uint32_t layer, const float *weights, const float *biases);

#endif
