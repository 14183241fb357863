/* The body of the kernels, compiled once per instruction set by
 * kernels_<name>.c, which sets VEC_FLOATS, TILE_ROWS and TILE_VECS.
 *
 * A register tile is up to TILE_ROWS x TILE_VECS vectors of accumulators
 * (tile_rows, tile_vecs); everything dense is one tile function with different
 * strides. */
#include "kernels/activation.h"
#include "kernels/dense.h"
#include "kernels/exp.h"
#include "kernels/norm.h"
#include "kernels/random.h"
#include "kernels/sparse.h"
#include "kernels/update.h"

#define UPDATE_ROW(id, word) apply_##word,
#define ACTIVATION_ROW(id, word) activate_##word,

const struct kernels KERNELS_TABLE = {
    .name = KERNELS_NAME,
    .forward = forward,
    .forward_sparse = forward_sparse,
    .join = join,
    .delta = delta,
    .gradient = gradient,
    .gradient_sparse = gradient_sparse,
    .gradient_bias = gradient_bias,
    .update = {OPTIMIZERS(UPDATE_ROW)},
    .prepare = prepare,
    .limit_norms = limit_norms,
    .square_sum = square_sum,
    .activate = {ACTIVATIONS(ACTIVATION_ROW)},
    .exp_sum = exp_sum,
    .normalize = normalize,
    .normalize_delta = normalize_delta,
    .dropout = dropout,
    .scale_bytes = scale_bytes,
    .list_bytes = list_bytes,
    .list_floats = list_floats,
    .transpose_bytes = transpose_bytes,
};
