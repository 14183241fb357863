/* The arithmetic, one table of functions an instruction set.
 *
 * All of it is pure: it touches only what it is given, and any thread may call
 * it. Shapes: widths are multiples of 16 floats, rows of the batch come in
 * multiples of KERNEL_ROWS (padding rows hold zeros), every array is 64-byte
 * aligned. A layer's weights lie in panels of KERNEL_PANEL outputs (see
 * mlp/network.h); `n_in` counts their rows, a multiple of 16 too. Every output
 * is one accumulator that is summed in index order, or two where a layer has
 * many inputs (inputs_half), so results do not depend on how the work is cut
 * up, and the sparse functions give the bits of the dense ones.
 *
 * Bits do not depend on compiler, optimisation level or C library
 * (tests/unit/train/test_bits.c): a product that is added to is written
 * fma_vec, the compiler contracts nothing, and no function of the C library but
 * the correctly rounded sqrtf is called (elementary.h has the others). AVX2 and
 * NEON give the same bits: one rounding a multiply-add, exact square roots and
 * quotients. So does AVX-512 but for its optimizers: square roots and quotients
 * begin with the processor's 14-bit estimates, which Intel specifies to the bit
 * and other makers need not share. The generic kernels of x86 round products
 * and sums. */
#ifndef MLP_ENGINE_KERNELS_KERNELS_H
#define MLP_ENGINE_KERNELS_KERNELS_H

#include "mlp/activation.h"
#include "mlp/optimizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_ROWS 8    /* rows of a batch are padded to this */
#define KERNEL_PANEL 128 /* outputs of a weight panel */

/* One parameter update of a step; what is not of an optimizer's concern stays
 * zero. */
struct update {
    float rate;             /* learning rate; adam: already divided by 1 - beta_1^t */
    float rate_of_gradient; /* nadam: its part of the step */
    float beta_1, beta_2;   /* beta_2: rmsprop's rho too */
    float epsilon;
    float inv_sqrt_correction; /* adam: 1 / sqrt(1 - beta_2^t) */
    float momentum;
    bool nesterov;
};

/* What happens to gradients and parameters before an update. */
struct penalty {
    float l1, l2;     /* added to the loss: l1 * sum |p| + l2 * sum p^2 */
    float clip_scale; /* gradients are multiplied by this, 1 if nothing is to be clipped by norm */
    float clip_value; /* then limited to -clip_value .. clip_value, INFINITY if not */
    float keep;       /* parameters are multiplied by this: 1 - rate * weight decay */
};

/* Where the second half of a layer's inputs begins: each half has its own sum,
 * from zero in the second, and the output is first + second. So two workers can
 * hold half of the weights each and never send them, only their sums. All of
 * n_in where it is not worth it. */
static inline uint32_t inputs_half(uint32_t n_in)
{
    return n_in < 256 ? n_in : (n_in / 2 + 8) / 16 * 16;
}

/* Where half 0 or 1 of the inputs begins, and 2: where the second ends. */
static inline uint32_t inputs_at(uint32_t n_in, uint32_t half)
{
    return half == 0 ? 0 : half == 1 ? inputs_half(n_in) : n_in;
}

#define LISTS_MAX 64 /* rows of a struct lists */
#define LISTS_INPUTS_MAX                                                                                     \
    (UINT16_MAX - 16u) /* fewer columns than this: a number of 16 bits, beyond a vector at the end */

/* The non-zeros of some rows from column `begin` to `end`: x[r][columns[r * ld
 * + i]] = values[r * ld + i] for i < counts[r], columns ascending, then a
 * column of UINT16_MAX. */
struct lists {
    uint16_t *columns; /* (n_rows, ld) */
    float *values;     /* (n_rows, ld) */
    size_t ld;
    uint32_t counts[LISTS_MAX];
    uint32_t n_rows;
    uint32_t begin, end;
};

/* Where a layer's slopes come from when deltas pass back through it. */
enum slopes {
    DERIVATIVE_ONE,    /* linear */
    DERIVATIVE_RELU,   /* one where its output x is positive, else zero */
    DERIVATIVE_STORED, /* they stand in dx */
};

/* Rows and columns are padded to multiples of 16. */
static inline uint32_t pad16(uint32_t n)
{
    return (n + 15) & ~15u;
}

struct kernels {
    const char *name;

    /* y[r][o] = bias[o] + sum over k of x[r][k] w[k][o], relu'd where `relu`.
     * x: (n_rows, ldx), y: (n_rows, ldy). */
    void (*forward)(const float *x, size_t ldx, uint32_t n_rows, const float *w, const float *bias,
                    uint32_t n_in, uint32_t n_out, bool relu, float *y, size_t ldy);

    /* The same for rows given as lists of their non-zeros, of all columns or of
     * a half; bias NULL: zeros. n_in < 65,536. y: (lists->n_rows, ldy). */
    void (*forward_sparse)(const struct lists *lists, const float *w, const float *bias, uint32_t n_in,
                           uint32_t n_out, bool relu, float *y, size_t ldy);

    /* y[i] = first[i] + second[i], relu'd where `relu`: what forward makes of
     * its halves. n a multiple of 16; y may be `first`. */
    void (*join)(const float *first, const float *second, uint32_t n, bool relu, float *y);

    /* dx[r][k] = slope * sum over o of dy[r][o] w[k][o]. dy: (n_rows, lddy), x,
     * dx: (n_rows, ldx), n_rows a multiple of 16. scratch: (n_out + 32,
     * n_rows). */
    void (*delta)(const float *dy, size_t lddy, uint32_t n_rows, const float *w, uint32_t n_in,
                  uint32_t n_out, const float *x, enum slopes slopes, float *dx, size_t ldx, float *scratch);

    /* g[k][o] += sum over r of x[r][k] dy[r][o], for 16 values of k and `width`
     * <= KERNEL_PANEL outputs. x and dy point at the block's first column. g:
     * (16, width). soon: what the caller will read next, (16, width) each or
     * NULL, is asked for meanwhile, and the next 16 columns of x; all NULL:
     * nothing. */
    void (*gradient)(const float *x, size_t ldx, const float *dy, size_t lddy, uint32_t n_rows,
                     uint32_t width, const float *const soon[3], float *g);

    /* The same where x is bytes, given transposed: x[r][k] = values[xt[k * ldxt
     * + r]]; values: (256), values[0] zero; n_rows a multiple of
     * 64. `add`: to what stands in g; else g begins at zero. */
    void (*gradient_sparse)(const uint8_t *xt, size_t ldxt, const float *values, const float *dy, size_t lddy,
                            uint32_t n_rows, uint32_t width, bool add, float *g);

    /* g[o] += sum over r of dy[r][o]. */
    void (*gradient_bias)(const float *dy, size_t lddy, uint32_t n_rows, uint32_t width, float *g);

    /* One step of an optimizer for n parameters, n a multiple of 16; m and v
     * are its state, NULL what it has not. Returns whether all parameters are
     * finite afterwards. */
    bool (*update[N_OPTIMIZERS])(float *p, float *m, float *v, const float *g, size_t n,
                                 const struct update *update);

    /* g = clip(scale (g + 2 l2 p + l1 sign p)), then p = keep p; n a multiple
     * of 16. */
    void (*prepare)(float *p, float *g, size_t n, const struct penalty *penalty);

    /* Scale down the columns of a panel w (n_in, width) whose norm is above
     * max_norm. */
    void (*limit_norms)(float *w, uint32_t n_in, uint32_t width, float max_norm);

    /* Sum of squares, n a multiple of 16. */
    double (*square_sum)(const float *g, size_t n);

    /* y[i] = activation(y[i]) and, where slopes is not NULL, slopes[i] its
     * derivative there; n a multiple of 16. */
    void (*activate[N_ACTIVATIONS])(float *y, float *slopes, size_t n);

    /* y[i] = exp(y[i] - max) for the first n, zero up to the next multiple of
     * 16; returns their sum. */
    float (*exp_sum)(float *y, uint32_t n, float max);

    /* Layer normalisation of n sums of a row, n any number and the floats at
     * any address: y[i] = gain[i] x[i] + offset[i], where x = (y - mean) /
     * sqrt(variance + 1e-5) goes to `normal` unless that is NULL. Returns 1 /
     * sqrt(variance + 1e-5). */
    float (*normalize)(float *y, uint32_t n, const float *gain, const float *offset, float *normal);

    /* Back through it: d, the loss' derivatives by y, become those by the sums;
     * `passed` takes what d was and `normal` its product with what normal was,
     * the derivatives by offset and gain. inverse: what normalize returned. */
    void (*normalize_delta)(float *d, uint32_t n, const float *gain, float inverse, float *normal,
                            float *passed);

    /* y[i] and slopes[i] (where not NULL) times 1 / (1 - rate) or, with
     * probability `rate`, zero. n a multiple of 16; unit i's draw depends on
     * (seed, stream, row, i) alone. */
    void (*dropout)(uint64_t seed, uint64_t stream, uint64_t row, float rate, float *y, float *slopes,
                    uint32_t n);

    /* x[i] = bytes[i] * scale, n a multiple of 16. */
    void (*scale_bytes)(const uint8_t *bytes, uint32_t n, float scale, float *x);

    /* The non-zeros of one row from column `begin` to `end`: columns and values
     * (byte * scale). There must be room for end - begin + 17 of each. Returns
     * how many, less the end's mark. end < 65,536; list_bytes: both multiples
     * of 16. */
    uint32_t (*list_bytes)(const uint8_t *bytes, uint32_t begin, uint32_t end, float scale, uint16_t *columns,
                           float *values);
    uint32_t (*list_floats)(const float *x, uint32_t begin, uint32_t end, uint16_t *columns, float *values);

    /* out[k * ldout + r] = in[r * ldin + k] for 16 rows r and n columns k, n a
     * multiple of 16. */
    void (*transpose_bytes)(const uint8_t *in, size_t ldin, uint32_t n, uint8_t *out, size_t ldout);
};

/* The table in use: the best that this machine runs, unless kernels_force
 * chose. */
const struct kernels *kernels_get(void);

extern const struct kernels kernels_generic;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512;
#endif

#endif
