/* Dense layers and their parameter block. No shared state: a network belongs to
 * whoever holds it. */
#include "mlp/network.h"
#include "base/memory.h"
#include "network/private.h"

#include <stdlib.h>
#include <string.h>

#define FLOATS_MAX ((size_t)1 << 32) /* 16 GiB of parameters */

#define ACTIVATION_NAME(id, word) [ACTIVATION_##id] = #word,
static const char *const activation_names[] = {ACTIVATIONS(ACTIVATION_NAME)};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *name_of(const char *const *names, size_t n, int index)
{
    return index >= 0 && (size_t)index < n ? names[index] : NULL;
}

static int find_name(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

const char *activation_name(enum activation activation)
{
    return name_of(activation_names, COUNT(activation_names), (int)activation);
}
int activation_find(const char *name)
{
    return find_name(activation_names, COUNT(activation_names), name);
}

uint32_t network_n_in(const struct network *network, uint32_t layer)
{
    return layer == 0 ? network->n_inputs : network->layers[layer - 1].units;
}

static bool shape_check(uint32_t n_inputs, const struct layer *layers, uint32_t n_layers, struct err *err)
{
    if (n_layers == 0 || n_layers > NETWORK_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "a network has 1 to %d layers, not %u", NETWORK_LAYERS_MAX, n_layers);
    if (n_inputs == 0)
        return err_set(err, ERR_INPUT, "a network needs at least one input");
    for (uint32_t i = 0; i < n_layers; i++) {
        if (layers[i].units == 0 || layers[i].units > NETWORK_UNITS_MAX)
            return err_set(err, ERR_LIMIT, "layer %u has %u units; 1 to %d are possible", i + 1,
                           layers[i].units, NETWORK_UNITS_MAX);
        if (activation_name(layers[i].activation) == NULL)
            return err_set(err, ERR_INPUT, "layer %u has an unknown activation", i + 1);
        if (!(layers[i].dropout >= 0 && layers[i].dropout <= 0.95f))
            return err_set(err, ERR_INPUT, "layer %u has dropout %g; 0 to 0.95 is possible", i + 1,
                           (double)layers[i].dropout);
        if (layers[i].dropout > 0 && i + 1 == n_layers)
            return err_set(err, ERR_INPUT, "the last layer has dropout; only hidden layers may");
        if (layers[i].norms > 0 && i + 1 == n_layers)
            return err_set(err, ERR_INPUT, "the last layer is normalised; only hidden layers may be");
        if (layers[i].norms > NETWORK_NORMS_MAX ||
            (layers[i].norms > 0 && layers[i].units % layers[i].norms != 0))
            return err_set(
                err, ERR_INPUT,
                "layer %u is normalised in %u parts; at most %d that divide its %u units are possible", i + 1,
                layers[i].norms, NETWORK_NORMS_MAX, layers[i].units);
        if (layers[i].activation == ACTIVATION_SOFTMAX && i + 1 < n_layers)
            return err_set(err, ERR_INPUT, "layer %u is softmax; only the last layer may be", i + 1);
    }
    return true;
}

/* Lay the layers out in the block; false where it would be too large. */
static bool lay_out(struct network *network, struct err *err)
{
    size_t at = 0;
    for (uint32_t i = 0; i < network->n_layers; i++) {
        size_t n_weights = (size_t)padded_in(network, i) * padded_out(network, i);
        network->weights_at[i] = at;
        network->biases_at[i] = at + n_weights;
        at += n_weights + (size_t)layer_n_vectors(&network->layers[i]) * padded_out(network, i);
        if (at > FLOATS_MAX)
            return err_set(err, ERR_LIMIT, "the network has more than %zu parameters", FLOATS_MAX);
    }
    network->n_floats = at;
    return true;
}

struct network *network_new(uint32_t n_inputs, const struct layer *layers, uint32_t n_layers, struct err *err)
{
    if (!shape_check(n_inputs, layers, n_layers, err))
        return NULL;
    struct network *network = calloc(1, sizeof *network);
    if (network == NULL) {
        err_memory(err, "a network");
        return NULL;
    }
    network->n_inputs = n_inputs;
    network->n_layers = n_layers;
    memcpy(network->layers, layers, n_layers * sizeof *layers);
    if (!lay_out(network, err))
        goto fail;
    network->params = aligned_zeros(network->n_floats, sizeof(float));
    if (network->params == NULL) {
        err_memory(err, "a network's parameters");
        goto fail;
    }
    return network;
fail:
    network_free(network);
    return NULL;
}

struct network *network_copy(const struct network *network, struct err *err)
{
    struct network *copy = network_new(network->n_inputs, network->layers, network->n_layers, err);
    if (copy != NULL)
        memcpy(copy->params, network->params, network->n_floats * sizeof(float));
    return copy;
}

void network_free(struct network *network)
{
    if (network == NULL)
        return;
    free(network->params);
    free(network);
}

uint32_t layer_n_vectors(const struct layer *layer)
{
    return layer->norms > 0 ? 3 : 1;
}

uint64_t network_n_params(const struct network *network)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < network->n_layers; i++)
        n += ((uint64_t)network_n_in(network, i) + layer_n_vectors(&network->layers[i])) *
             network->layers[i].units;
    return n;
}

size_t weight_at(const struct network *network, uint32_t layer, uint32_t k, uint32_t o)
{
    uint32_t n_out = padded_out(network, layer), panel = o / KERNEL_PANEL * KERNEL_PANEL;
    return network->weights_at[layer] + (size_t)panel * padded_in(network, layer) +
           (size_t)k * panel_width(n_out, panel) + (o - panel);
}

void network_get(const struct network *network, uint32_t layer, float *weights, float *biases)
{
    uint32_t n_in = network_n_in(network, layer), n_out = network->layers[layer].units;
    for (uint32_t k = 0; k < n_in; k++)
        for (uint32_t o = 0; o < n_out; o++)
            weights[(size_t)k * n_out + o] = network->params[weight_at(network, layer, k, o)];
    for (uint32_t i = 0; i < layer_n_vectors(&network->layers[layer]); i++)
        memcpy(biases + (size_t)i * n_out, vector_of(network, layer, i), n_out * sizeof(float));
}

void network_set(struct network *network, uint32_t layer, const float *weights, const float *biases)
{
    uint32_t n_in = network_n_in(network, layer), n_out = network->layers[layer].units;
    for (uint32_t k = 0; k < n_in; k++)
        for (uint32_t o = 0; o < n_out; o++)
            network->params[weight_at(network, layer, k, o)] = weights[(size_t)k * n_out + o];
    for (uint32_t i = 0; i < layer_n_vectors(&network->layers[layer]); i++)
        memcpy(vector_of(network, layer, i), biases + (size_t)i * n_out, n_out * sizeof(float));
}
