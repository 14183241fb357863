/* Shapes of the parameter block as the kernels see it. */
#ifndef MLP_ENGINE_NETWORK_PRIVATE_H
#define MLP_ENGINE_NETWORK_PRIVATE_H

#include "kernels/kernels.h"
#include "mlp/network.h"

static inline uint32_t padded_in(const struct network *network, uint32_t layer)
{
    return pad16(network_n_in(network, layer));
}

static inline uint32_t padded_out(const struct network *network, uint32_t layer)
{
    return pad16(network->layers[layer].units);
}

/* Width of the panel that begins at output `panel`. */
static inline uint32_t panel_width(uint32_t n_out, uint32_t panel)
{
    return n_out - panel < KERNEL_PANEL ? n_out - panel : KERNEL_PANEL;
}

/* What a layer has for each unit, (padded_out): the biases and, where it is
 * normalised, gains and offsets. */
enum vector { VECTOR_BIASES, VECTOR_GAINS, VECTOR_OFFSETS };
static inline float *vector_of(const struct network *network, uint32_t layer, enum vector vector)
{
    return network->params + network->biases_at[layer] + (size_t)vector * padded_out(network, layer);
}

/* Where the weight of input k and output o of a layer lies in params. */
size_t weight_at(const struct network *network, uint32_t layer, uint32_t k, uint32_t o);

#endif
