/* Rows on their way through the network. Everything written belongs to the
 * caller; blocks of distinct rows may run at once. */
#include "network/forward.h"
#include "base/memory.h"
#include "base/rng.h"
#include "mlp/binding.h"
#include "network/private.h"

#include <stdlib.h>
#include <string.h>

#define OVERWRITTEN_MAX                                                                                      \
    128 /* floats of a row that are asked for to be written: what making its list leaves time for */
#define ROWS_AHEAD                                                                                           \
    16 /* a record may lie anywhere in the table; farther ahead than this it is gone again when its turn     \
          comes */

/* A stride of a multiple of 1 KiB would put every row into the same few cache
 * sets. */
static size_t leading_dimension(uint32_t width)
{
    size_t ld = pad16(width);
    return ld % 256 == 0 ? ld + 16 : ld;
}

bool activations_init(struct activations *a, const struct network *network, uint32_t n_rows, bool inputs,
                      struct err *err)
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
    gather->ld = leading_dimension(width);
    gather->second = aligned_zeros(gather->ld * BLOCK_ROWS, sizeof(float));
    if (gather->bytes != NULL && gather->lists.columns != NULL && gather->lists.values != NULL &&
        gather->second != NULL)
        return true;
    gather_done(gather);
    return err_memory(err, "the scratch of a worker");
}

void gather_done(struct gather *gather)
{
    free(gather->bytes);
    free(gather->augment);
    free(gather->lists.columns);
    free(gather->lists.values);
    free(gather->second);
    *gather = (struct gather){0};
}

bool gather_is_sparse(uint64_t n_nonzero, uint64_t n)
{
    return n < LISTS_INPUTS_MAX && n_nonzero * 3 < n;
}

enum slopes layer_slopes(const struct network *network, uint32_t layer)
{
    const struct layer *l = &network->layers[layer];
    if (l->dropout > 0)
        return DERIVATIVE_STORED;
    return l->activation == ACTIVATION_RELU     ? DERIVATIVE_RELU
           : l->activation == ACTIVATION_LINEAR ? DERIVATIVE_ONE
                                                : DERIVATIVE_STORED;
}

/* Whether the kernels apply the layer's activation themselves. */
static bool layer_is_fused(const struct forward_pass *pass, uint32_t layer)
{
    const struct layer *l = &pass->network->layers[layer];
    return layer + 1 < pass->network->n_layers && l->activation == ACTIVATION_RELU &&
           (l->dropout == 0 || pass->slopes == NULL) && l->norms == 0;
}

/* Where a row's slopes go in training; NULL for answers. */
static float *slopes_of(const struct forward_pass *pass, uint32_t layer, uint32_t row)
{
    return pass->slopes == NULL ? NULL : pass->slopes->at[layer + 1] + row * pass->slopes->ld[layer + 1];
}

/* Layer normalisation of a row's sums, part by part. */
static void normalize_row(const struct forward_pass *pass, uint32_t layer, uint32_t row)
{
    const struct layer *l = &pass->network->layers[layer];
    const float *gains = vector_of(pass->network, layer, VECTOR_GAINS),
                *offsets = vector_of(pass->network, layer, VECTOR_OFFSETS);
    float *y = pass->a->at[layer + 1] + row * pass->a->ld[layer + 1];
    bool train = pass->slopes != NULL;
    float *normal = train ? pass->normals->at[layer + 1] + row * pass->normals->ld[layer + 1] : NULL;
    for (uint32_t i = 0, n = l->units / l->norms; i < l->norms; i++) {
        float inverse = pass->kernels->normalize(y + i * n, n, gains + i * n, offsets + i * n,
                                                 train ? normal + i * n : NULL);
        if (train)
            pass->inverses->at[layer + 1][row * pass->inverses->ld[layer + 1] + i] = inverse;
    }
}

/* Normalisation and activation of a row's sums. */
static void activate_row(const struct forward_pass *pass, uint32_t layer, uint32_t row)
{
    const struct layer *l = &pass->network->layers[layer];
    uint32_t width = padded_out(pass->network, layer);
    float *y = pass->a->at[layer + 1] + row * pass->a->ld[layer + 1];
    if (l->norms > 0)
        normalize_row(pass, layer, row);
    pass->kernels->activate[l->activation](y, slopes_of(pass, layer, row), width);
    /* Padding must stay zero: the next layer's padding weights would learn from
     * it. */
    memset(y + l->units, 0, (width - l->units) * sizeof *y);
}

/* What the kernels have left to do for n_rows rows of sums of layer `layer`,
 * and dropout. `rows`: the table's rows (n of them; more are padding), which
 * key dropout. */
static void activate_rows(const struct forward_pass *pass, uint32_t layer, const uint32_t *rows,
                          uint32_t first, uint32_t n, uint32_t n_rows)
{
    const struct layer *l = &pass->network->layers[layer];
    bool drops = pass->slopes != NULL && l->dropout > 0;
    if (layer + 1 == pass->network->n_layers || layer_is_fused(pass, layer) ||
        (l->activation == ACTIVATION_LINEAR && !drops && l->norms == 0))
        return;
    for (uint32_t i = 0; i < n_rows; i++) {
        activate_row(pass, layer, first + i);
        if (drops && i < n)
            pass->kernels->dropout(pass->seed, rng_stream(RNG_DROPOUT, pass->epoch << 6 | layer), rows[i],
                                   l->dropout, pass->a->at[layer + 1] + (first + i) * pass->a->ld[layer + 1],
                                   slopes_of(pass, layer, first + i), padded_out(pass->network, layer));
    }
}

/* Layers from `layer` on for rows whose activations at[layer] are there. */
static void forward_layers(const struct forward_pass *pass, uint32_t layer, const uint32_t *rows,
                           uint32_t first, uint32_t n, uint32_t n_rows)
{
    const struct network *network = pass->network;
    const struct activations *a = pass->a;
    for (uint32_t l = layer; l < network->n_layers; l++) {
        pass->kernels->forward(
            a->at[l] + first * a->ld[l], a->ld[l], n_rows, network->params + network->weights_at[l],
            network->params + network->biases_at[l], padded_in(network, l), padded_out(network, l),
            layer_is_fused(pass, l), a->at[l + 1] + first * a->ld[l + 1], a->ld[l + 1]);
        activate_rows(pass, l, rows, first, n, n_rows);
    }
}

void forward_sums(const struct forward_pass *pass, uint32_t first, uint32_t n_rows)
{
    if (pass->network->n_layers == 1)
        return; /* the last layer's activation is left to the loss */
    for (uint32_t i = first; i < first + n_rows; i++)
        activate_row(pass, 0, i);
    forward_layers(pass, 1, NULL, first, 0, n_rows);
}

/* The sums of one layer over some of its inputs for rows given as lists. */
static void sums_listed(const struct forward_pass *pass, uint32_t layer, const struct lists *lists, bool relu,
                        float *y, size_t ldy)
{
    const struct network *network = pass->network;
    pass->kernels->forward_sparse(lists, network->params + network->weights_at[layer],
                                  lists->begin == 0 ? network->params + network->biases_at[layer] : NULL,
                                  padded_in(network, layer), padded_out(network, layer), relu, y, ldy);
}

/* The two halves' sums of rows first .. first + n - 1, added up, where they
 * belong. */
static void add_halves(const struct forward_pass *pass, uint32_t layer, const float *low, size_t ld_low,
                       const float *high, size_t ld_high, uint32_t first, uint32_t n)
{
    const struct activations *a = pass->a;
    for (uint32_t i = 0; i < n; i++)
        pass->kernels->join(low + i * ld_low, high + i * ld_high, padded_out(pass->network, layer),
                            layer_is_fused(pass, layer), a->at[layer + 1] + (first + i) * a->ld[layer + 1]);
}

/* A row's bytes as the network shall see them, those from `begin` to `end` at
 * least. */
static void row_bytes(const struct forward_pass *pass, const struct row_source *source, uint32_t row,
                      uint32_t begin, uint32_t end, uint8_t *bytes, struct gather *gather)
{
    binding_encode_bytes(source->binding, row, begin, end, bytes);
    if (pass->augmenter != NULL)
        augment_bytes(pass->augmenter, pass->seed, pass->epoch, row, bytes, gather->augment);
}

/* Those of n rows and zero ones up to a multiple of 16 into the gather's
 * scratch: in a loop of its own, where many rows are on their way at once. */
static void gather_bytes(const struct forward_pass *pass, const struct row_source *source,
                         const uint32_t *rows, uint32_t n, uint32_t begin, uint32_t end,
                         struct gather *gather)
{
    uint32_t n_in = padded_in(pass->network, 0);
    for (uint32_t i = 0; i < n; i++) {
        if (i + ROWS_AHEAD < source->n_order)
            binding_prefetch(source->binding, rows[i + ROWS_AHEAD], begin, end);
        row_bytes(pass, source, rows[i], begin, end, gather->bytes + (size_t)i * n_in, gather);
    }
    memset(gather->bytes + (size_t)n * n_in, 0, (size_t)(-n & 15) * n_in);
}

/* Take the row's lines from the cores that have read them, as its first writing
 * would have to wait for. This file is compiled for prefetchw: an instruction
 * that x86 processors without it ignore. */
static void prefetch_for_write(const float *row, size_t n)
{
    for (size_t i = 0; i < n && i < OVERWRITTEN_MAX; i += 16)
        __builtin_prefetch(row + i, 1);
}

/* The sums of the first layer over some inputs of n_rows rows whose bytes have
 * been gathered; those bytes, transposed, for the gradient. */
static void sums_sparse(const struct forward_pass *pass, const struct row_source *source, uint32_t begin,
                        uint32_t end, uint32_t first, uint32_t n_rows, bool relu, float *y, size_t ldy,
                        struct gather *gather)
{
    uint32_t n_in = padded_in(pass->network, 0);
    float scale = binding_recipe(source->binding)->bytes_scale;
    struct lists *lists = &gather->lists;
    lists->n_rows = n_rows;
    lists->begin = begin;
    lists->end = end;
    for (uint32_t i = 0; i < n_rows; i++) {
        if (source->overwritten != NULL)
            prefetch_for_write(source->overwritten + i * pass->a->ld[1], pass->a->ld[1]);
        lists->counts[i] =
            pass->kernels->list_bytes(gather->bytes + (size_t)i * n_in, begin, end, scale,
                                      lists->columns + i * lists->ld, lists->values + i * lists->ld);
    }
    /* Some columns at a time: their lines of xt are written whole while they
     * are near. */
    for (uint32_t k = begin; source->xt != NULL && k < end; k += 16)
        for (uint32_t i = 0; i < n_rows; i += 16)
            pass->kernels->transpose_bytes(gather->bytes + (size_t)i * n_in + k, n_in, 16,
                                           source->xt + k * source->ldxt + first + i, source->ldxt);
    sums_listed(pass, 0, lists, relu, y, ldy);
}

static void first_layer_sparse(const struct forward_pass *pass, const struct row_source *source,
                               const uint32_t *rows, uint32_t first, uint32_t n, struct gather *gather)
{
    uint32_t n_in = padded_in(pass->network, 0), half = inputs_half(n_in), n_padded = (n + 15) & ~15u;
    size_t ld = pass->a->ld[1];
    float *y = pass->a->at[1] + first * ld;
    gather_bytes(pass, source, rows, n, 0, n_in, gather);
    sums_sparse(pass, source, 0, half, first, n_padded, half == n_in && layer_is_fused(pass, 0), y, ld,
                gather);
    if (half < n_in) {
        sums_sparse(pass, source, half, n_in, first, n_padded, false, gather->second, gather->ld, gather);
        add_halves(pass, 0, y, ld, gather->second, gather->ld, first, n_padded);
    }
    activate_rows(pass, 0, rows, first, n, n_padded);
}

void forward_split_k(const struct forward_pass *pass, const struct row_source *source, uint32_t half,
                     const uint32_t *rows, uint32_t first, uint32_t n, float *sums, struct gather *gather)
{
    uint32_t n_in = padded_in(pass->network, 0), begin = inputs_at(n_in, half),
             end = inputs_at(n_in, half + 1);
    size_t ld = pass->a->ld[1];
    gather_bytes(pass, source, rows, n, begin, end, gather);
    sums_sparse(pass, source, begin, end, first, (n + 15) & ~15u, false, sums + first * ld, ld, gather);
}

void forward_added(const struct forward_pass *pass, float *const sums[2], const uint32_t *rows,
                   uint32_t first, uint32_t n)
{
    uint32_t n_padded = (n + 15) & ~15u;
    size_t ld = pass->a->ld[1];
    add_halves(pass, 0, sums[0] + first * ld, ld, sums[1] + first * ld, ld, first, n_padded);
    activate_rows(pass, 0, rows, first, n, n_padded);
    forward_layers(pass, 1, rows, first, n, n_padded);
}

static void gather_dense(const struct forward_pass *pass, const struct row_source *source,
                         const uint32_t *rows, uint32_t first, uint32_t n, struct gather *gather)
{
    const struct recipe *recipe = binding_recipe(source->binding);
    uint32_t n_padded = (n + 15) & ~15u, n_in = padded_in(pass->network, 0);
    struct activations *a = pass->a;
    for (uint32_t i = 0; i < n_padded; i++) {
        float *x = a->at[0] + (first + i) * a->ld[0];
        if (i >= n) {
            memset(x, 0, a->ld[0] * sizeof *x);
        } else if (recipe->bytes && binding_has_bytes(source->binding)) {
            row_bytes(pass, source, rows[i], 0, n_in, gather->bytes, gather);
            pass->kernels->scale_bytes(gather->bytes, n_in, recipe->bytes_scale, x);
        } else {
            binding_encode(source->binding, rows[i], x);
        }
        if (i < n && pass->input_dropout > 0)
            pass->kernels->dropout(pass->seed,
                                   rng_stream(RNG_DROPOUT, pass->epoch << 6 | (NETWORK_LAYERS_MAX - 1)),
                                   rows[i], pass->input_dropout, x, NULL, n_in);
    }
}

void forward_rows(const struct forward_pass *pass, const struct row_source *source, const uint32_t *rows,
                  uint32_t first, uint32_t n, struct gather *gather)
{
    uint32_t n_padded = (n + 15) & ~15u;
    if (source->sparse) {
        first_layer_sparse(pass, source, rows, first, n, gather);
        forward_layers(pass, 1, rows, first, n, n_padded);
    } else {
        gather_dense(pass, source, rows, first, n, gather);
        forward_layers(pass, 0, rows, first, n, n_padded);
    }
}

/* A layer of n rows, at most BLOCK_ROWS, as lists of non-zeros, a half of the
 * inputs at a time. x: (n, ldx). */
static void listed_layer(const struct forward_pass *pass, uint32_t layer, const float *x, size_t ldx,
                         uint32_t first, uint32_t n, struct gather *gather)
{
    uint32_t n_in = network_n_in(pass->network, layer), half = inputs_half(padded_in(pass->network, layer));
    struct lists *lists = &gather->lists;
    size_t ld = pass->a->ld[layer + 1];
    float *y = pass->a->at[layer + 1] + first * ld;
    bool whole = half >= n_in;
    lists->n_rows = n;
    for (lists->begin = 0; lists->begin < n_in; lists->begin = lists->end) {
        bool second = lists->begin > 0;
        lists->end = whole || second ? n_in : half;
        for (uint32_t i = 0; i < n; i++)
            lists->counts[i] =
                pass->kernels->list_floats(x + i * ldx, lists->begin, lists->end,
                                           lists->columns + i * lists->ld, lists->values + i * lists->ld);
        sums_listed(pass, layer, lists, whole && layer_is_fused(pass, layer), second ? gather->second : y,
                    second ? gather->ld : ld);
    }
    if (!whole)
        add_halves(pass, layer, y, ld, gather->second, gather->ld, first, n);
    activate_rows(pass, layer, NULL, first, 0, n);
}

void forward_single(const struct forward_pass *pass, const float *x, uint32_t first, struct gather *gather)
{
    for (uint32_t l = 0; l < pass->network->n_layers; l++) {
        listed_layer(pass, l, x, 0, first, 1, gather);
        x = pass->a->at[l + 1] + first * pass->a->ld[l + 1];
    }
}

/* By a row in the middle: rows that are asked for together are alike. */
static bool numbers_are_sparse(const float *x, uint32_t n, uint32_t n_inputs)
{
    uint32_t n_nonzero = 0;
    x += (size_t)(n / 2) * n_inputs;
    for (uint32_t i = 0; i < n_inputs; i++)
        n_nonzero += x[i] != 0;
    return gather_is_sparse(n_nonzero, n_inputs);
}

void forward_numbers(const struct forward_pass *pass, const float *x, uint32_t n, struct gather *gather)
{
    const struct activations *a = pass->a;
    uint32_t n_inputs = pass->network->n_inputs, n_padded = (n + KERNEL_ROWS - 1) / KERNEL_ROWS * KERNEL_ROWS;
    bool sparse = numbers_are_sparse(x, n, n_inputs);
    if (sparse) {
        listed_layer(pass, 0, x, n_inputs, 0, n, gather);
    } else {
        for (uint32_t i = 0; i < n; i++)
            memcpy(a->at[0] + i * a->ld[0], x + (size_t)i * n_inputs, n_inputs * sizeof *x);
        memset(a->at[0] + n * a->ld[0], 0, (n_padded - n) * a->ld[0] * sizeof *x);
    }
    forward_layers(pass, sparse, NULL, 0, 0, n_padded);
}
