/* Rows on their way through the network. Everything written belongs to the caller; blocks of distinct rows may run at once. */
#include "forward.h"
#include "network_private.h"

#include <stdlib.h>
#include <string.h>

/* A stride of a multiple of 1 KiB would put every row into the same few cache sets. */
static size_t leading_dimension(uint32_t width)
{
    size_t ld = pad16(width);
    return ld % 256 == 0 ? ld + 16 : ld;
}

bool activations_init(struct activations *a, const struct network *network, uint32_t n_rows, bool inputs, struct err *err)
{
    *a = (struct activations){.n_rows = (n_rows + 63) & ~63u};
    size_t total = 0;
    for (uint32_t l = inputs ? 0 : 1; l <= network->n_layers; l++) {
        a->ld[l] = leading_dimension(l == 0 ? network->n_inputs : network->layers[l - 1].units);
        total += a->ld[l];
    }
    a->block = aligned_zeros(total, a->n_rows * sizeof(float));
    if (a->block == NULL)
        return err_memory(err, "the activations of a batch");
    float *next = a->block;
    for (uint32_t l = inputs ? 0 : 1; l <= network->n_layers; l++) {
        a->at[l] = next;
        next += a->ld[l] * a->n_rows;
    }
    return true;
}

void activations_done(struct activations *a)
{
    free(a->block);
    *a = (struct activations){0};
}

bool gather_init(struct gather *gather, uint32_t width, struct err *err)
{
    size_t n = pad16(width), ld = n + 32; /* room for a vector beyond the end */
    *gather = (struct gather){.bytes = aligned_zeros(n, BLOCK_ROWS), .lists.ld = ld};
    gather->lists.columns = aligned_zeros(ld * BLOCK_ROWS, sizeof(uint16_t));
    gather->lists.values = aligned_zeros(ld * BLOCK_ROWS, sizeof(float));
    if (gather->bytes != NULL && gather->lists.columns != NULL && gather->lists.values != NULL)
        return true;
    gather_done(gather);
    return err_memory(err, "the scratch of a worker");
}

void gather_done(struct gather *gather)
{
    free(gather->bytes);
    free(gather->lists.columns);
    free(gather->lists.values);
    *gather = (struct gather){0};
}

bool gather_is_sparse(uint64_t n_nonzero, uint64_t n)
{
    return n < UINT16_MAX - 16 && n_nonzero * 3 < n;
}

void forward_layers(const struct network *network, const struct kernels *kernels, uint32_t layer, uint32_t first, uint32_t n_rows,
                    struct activations *a)
{
    for (uint32_t l = layer; l < network->n_layers; l++)
        kernels->forward(a->at[l] + first * a->ld[l], a->ld[l], n_rows, network->params + network->weights_at[l],
                         network->params + network->biases_at[l], padded_in(network, l), padded_out(network, l), layer_is_relu(network, l),
                         a->at[l + 1] + first * a->ld[l + 1], a->ld[l + 1]);
}

static void forward_listed(const struct network *network, const struct kernels *kernels, uint32_t layer, const struct lists *lists,
                           float *y, size_t ldy)
{
    kernels->forward_sparse(lists, network->params + network->weights_at[layer], network->params + network->biases_at[layer],
                            padded_in(network, layer), padded_out(network, layer), layer_is_relu(network, layer), y, ldy);
}

/* Up to BLOCK_ROWS rows of bytes (n of them real, zero ones up to a multiple of 16) through the first layer. */
static void first_layer_sparse(const struct network *network, const struct kernels *kernels, const struct row_source *source,
                               const uint32_t *rows, uint32_t first, uint32_t n, struct activations *a, struct gather *gather)
{
    uint32_t n_in = padded_in(network, 0), n_padded = (n + 15) & ~15u;
    float scale = binding_recipe(source->binding)->bytes_scale;
    struct lists *lists = &gather->lists;
    lists->n_rows = n_padded;
    for (uint32_t i = 0; i < n_padded; i++) {
        uint8_t *bytes = gather->bytes + (size_t)i * n_in;
        if (source->ahead[i / 16] != NULL)
            binding_prefetch(source->binding, source->ahead[i / 16][i % 16]);
        if (i < n)
            binding_encode_bytes(source->binding, rows[i], bytes);
        else
            memset(bytes, 0, n_in);
        lists->counts[i] = kernels->list_bytes(bytes, n_in, scale, lists->columns + i * lists->ld, lists->values + i * lists->ld);
    }
    for (uint32_t i = 0; source->xt != NULL && i < n_padded; i += 16)
        kernels->transpose_bytes(gather->bytes + (size_t)i * n_in, n_in, n_in, source->xt + first + i, source->ldxt);
    forward_listed(network, kernels, 0, lists, a->at[1] + first * a->ld[1], a->ld[1]);
}

static void gather_dense(const struct network *network, const struct kernels *kernels, const struct row_source *source,
                         const uint32_t *rows, uint32_t first, uint32_t n, struct activations *a, struct gather *gather)
{
    const struct recipe *recipe = binding_recipe(source->binding);
    uint32_t n_padded = (n + 15) & ~15u;
    for (uint32_t i = 0; i < n_padded; i++) {
        float *x = a->at[0] + (first + i) * a->ld[0];
        if (i >= n) {
            memset(x, 0, a->ld[0] * sizeof *x);
        } else if (recipe->bytes) {
            binding_encode_bytes(source->binding, rows[i], gather->bytes);
            kernels->scale_bytes(gather->bytes, padded_in(network, 0), recipe->bytes_scale, x);
        } else {
            binding_encode(source->binding, rows[i], x);
        }
    }
}

void forward_rows(const struct network *network, const struct kernels *kernels, const struct row_source *source, const uint32_t *rows,
                  uint32_t first, uint32_t n, struct activations *a, struct gather *gather)
{
    if (source->sparse) {
        first_layer_sparse(network, kernels, source, rows, first, n, a, gather);
        forward_layers(network, kernels, 1, first, (n + 15) & ~15u, a);
    } else {
        gather_dense(network, kernels, source, rows, first, n, a, gather);
        forward_layers(network, kernels, 0, first, (n + 15) & ~15u, a);
    }
}

void forward_single(const struct network *network, const struct kernels *kernels, const float *x, uint32_t first, struct activations *a,
                    struct gather *gather)
{
    struct lists *lists = &gather->lists;
    lists->n_rows = 1;
    for (uint32_t l = 0; l < network->n_layers; l++) {
        lists->counts[0] = kernels->list_floats(x, network_n_in(network, l), lists->columns, lists->values);
        float *y = a->at[l + 1] + first * a->ld[l + 1];
        forward_listed(network, kernels, l, lists, y, a->ld[l + 1]);
        x = y;
    }
}
