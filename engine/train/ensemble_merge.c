/* Several networks of one shape merged into one. Pure functions. */
#include "network/private.h"
#include "train/ensemble_private.h"

/* Copy one member's layer to its place: rows from `first_in`, columns from
 * `first_out` of the merged layer, times `share`. */
static void layer_place(struct network *merged, const struct network *network, uint32_t layer,
                        uint32_t first_in, uint32_t first_out, float share)
{
    uint32_t n_in = network_n_in(network, layer), n_out = network->layers[layer].units;

    for (uint32_t k = 0; k < n_in; k++)
        for (uint32_t o = 0; o < n_out; o++)
            merged->params[weight_at(merged, layer, first_in + k, first_out + o)] +=
                share * network->params[weight_at(network, layer, k, o)];
    for (uint32_t i = 0; i < layer_n_vectors(&network->layers[layer]); i++)
        for (uint32_t o = 0; o < n_out; o++)
            vector_of(merged, layer, i)[first_out + o] += share * vector_of(network, layer, i)[o];
}

struct network *networks_merge(const struct network *const *networks, uint32_t n, struct err *err)
{
    const struct network *first = networks[0];
    uint32_t n_layers = first->n_layers;
    struct layer layers[NETWORK_LAYERS_MAX];

    for (uint32_t l = 0; l < n_layers; l++) {
        layers[l] = first->layers[l];
        if (l + 1 == n_layers)
            continue;
        layers[l].units *= n;
        layers[l].norms *= n;
    }
    struct network *merged = network_new(first->n_inputs, layers, n_layers, err);
    for (uint32_t m = 0; merged != NULL && m < n; m++)
        for (uint32_t l = 0; l < n_layers; l++) {
            bool last = l + 1 == n_layers;
            layer_place(merged, networks[m], l, l == 0 ? 0 : m * network_n_in(first, l),
                        last ? 0 : m * first->layers[l].units, last ? 1.0f / (float)n : 1);
        }
    return merged;
}
