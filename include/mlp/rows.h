/* Rows of a table that a recipe is bound to: what is trained on, validated on
 * and evaluated. */
#ifndef MLP_ROWS_H
#define MLP_ROWS_H

#include "mlp/binding.h"

#include <stdint.h>

/* A set of rows of a bound table. `rows` (n_rows indices) must outlive the
 * trainer, `weights` too. */
struct rows {
    const struct binding *binding;
    const uint32_t *rows;
    uint64_t n_rows;
    const float *weights; /* by row of the table: what each counts in loss and gradient, 0 or more; NULL: 1 */
};

/* Shuffle the indices 0 .. n-1 into rows by the seed (Fisher-Yates): how splits
 * are drawn. */
void rows_shuffle(uint32_t *rows, uint64_t n, uint64_t seed);

#endif
