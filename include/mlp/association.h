/* How much a column tells about another, 0 nothing to 1 all: |r| of Pearson
 * between two columns of numbers or dates, the correlation ratio (eta) between
 * numbers and a category, V of Cramér between two categories. Of the rows that
 * hold both values. Pure functions: any thread. */
#ifndef MLP_ASSOCIATION_H
#define MLP_ASSOCIATION_H

#include "mlp/stop.h"
#include "mlp/table.h"

#define ASSOCIATION_ROWS_MAX 1000000u  /* rows looked at, spread evenly over the table ... */
#define ASSOCIATION_WORK_MAX 64000000u /* ... and rows times columns */

/* association: (n_columns); NaN where one of both does not vary, where two
 * categories have too many levels to count, or one is of texts. ERR_STOPPED
 * once `stop` is set. */
bool table_association(const struct table *table, uint32_t target, double *association,
                       const atomic_bool *stop, struct err *err);
/* Bytes that it holds beside that, at most. */
uint64_t table_association_bytes(const struct table *table, uint32_t target);

#endif
