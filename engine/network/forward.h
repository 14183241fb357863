/* Rows on their way through the network: the activations of a chunk of rows,
 * and the forward pass over a block of them.
 *
 * Training, validation, evaluation and prediction all go through here, so that
 * a row gives the same bits in each. */
#ifndef MLP_ENGINE_NETWORK_FORWARD_H
#define MLP_ENGINE_NETWORK_FORWARD_H

#include "image/augment.h"
#include "kernels/kernels.h"
#include "mlp/network.h"
#include "mlp/recipe.h"

#define BLOCK_ROWS LISTS_MAX /* rows that a worker takes through the network at a time, at most */

/* Outputs of every layer for up to n_rows rows; at[0] holds the inputs, at[l +
 * 1] layer l's outputs: (n_rows, ld[l]). */
struct activations {
    uint32_t n_rows;
    float *at[NETWORK_LAYERS_MAX + 1];
    size_t ld[NETWORK_LAYERS_MAX + 1];
    float *block; /* all of them, owned */
};

/* n_rows is rounded up to a multiple of 64. `inputs`: whether at[0] is wanted;
 * else it is NULL. */
bool activations_init(struct activations *activations, const struct network *network, uint32_t n_rows,
                      bool inputs, struct err *err);
void activations_done(struct activations *activations);

/* A worker's scratch for gathering rows. */
struct gather {
    uint8_t *bytes; /* (BLOCK_ROWS, padded n_inputs) */
    struct lists lists;
    float *second; /* (BLOCK_ROWS, ld): the sums of a layer's second half of inputs */
    size_t ld;
    float *augment; /* the augmenter's scratch, owned; NULL where there is none */
};
/* For rows of up to `width` numbers. */
bool gather_init(struct gather *gather, uint32_t width, struct err *err);
void gather_done(struct gather *gather);

/* Whether a row of n numbers with so many non-zeros is cheaper as a list of
 * them. */
bool gather_is_sparse(uint64_t n_nonzero, uint64_t n);

/* How rows pass through the network: for answers, or for training, which also
 * wants slopes and drops units. */
struct forward_pass {
    const struct network *network;
    const struct kernels *kernels;
    struct activations *a;
    struct activations *slopes; /* NULL: for answers. Else at[l + 1] takes layer l's slopes where layer_slopes
                                   says DERIVATIVE_STORED. */
    /* training */
    struct activations *normals;  /* at[l + 1] takes the standardised sums of a normalised layer l; */
    struct activations *inverses; /* at[l + 1] its parts' inverse standard deviations, one after the other */
    uint64_t seed;
    uint32_t epoch;
    float input_dropout;
    const struct augmenter *augmenter; /* NULL: rows as they are */
};

/* Where hidden layer `layer`'s slopes come from in training. */
enum slopes layer_slopes(const struct network *network, uint32_t layer);

/* Rows of a bound table: inputs are taken as lists of non-zeros where `sparse`
 * (the recipe's rows are bytes); then xt, where not NULL, takes the bytes
 * transposed: xt[k * ldxt + row]. */
struct row_source {
    const struct binding *binding;
    bool sparse;
    uint8_t *xt;
    size_t ldxt;
    uint64_t n_order; /* rows that follow one another from rows[0] on, for which the next few are asked for in
                         advance */
    float *overwritten; /* NULL, or as many rows of at[1] or slopes' at[1] that the caller overwrites next and
                           other cores have read */
};

/* rows[0..n), at most BLOCK_ROWS, through all layers into activations rows
 * first .. first + n - 1, and zero inputs from there to the next multiple of
 * 16. `first` is a multiple of 16. The last layer's activation is left to the
 * loss. */
void forward_rows(const struct forward_pass *pass, const struct row_source *source, const uint32_t *rows,
                  uint32_t first, uint32_t n, struct gather *gather);

/* Where the source is sparse, the same in two: one half (0 or 1, see
 * inputs_half) of the first layer's inputs, whose sums go into `sums` for rows
 * first .. of the chunk, with the stride of at[1], and then, with both halves
 * there, the rest. No augmentation. */
void forward_split_k(const struct forward_pass *pass, const struct row_source *source, uint32_t half,
                     const uint32_t *rows, uint32_t first, uint32_t n, float *sums, struct gather *gather);
void forward_added(const struct forward_pass *pass, float *const sums[2], const uint32_t *rows,
                   uint32_t first, uint32_t n);

/* The rest of the way for n_rows (a multiple of 8) rows whose sums of the first
 * layer are in at[1], for answers. */
void forward_sums(const struct forward_pass *pass, uint32_t first, uint32_t n_rows);

/* One row of n_inputs numbers through all layers as lists of non-zeros, for
 * answers; its outputs in activations row `first`. */
void forward_single(const struct forward_pass *pass, const float *x, uint32_t first, struct gather *gather);

/* n rows, at most BLOCK_ROWS, of n_inputs numbers through all layers, for
 * answers; their outputs in activations rows 0 .. n - 1. Rows of mostly zeros
 * go through the first layer as lists of what is not zero, which changes no
 * bit. */
void forward_numbers(const struct forward_pass *pass, const float *x, uint32_t n, struct gather *gather);

#endif
