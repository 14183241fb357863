/* Records of one layout to records of another: columns of numbers may have
 * other types, all others stay. Pure functions: any thread. */
#ifndef MLP_ENGINE_TABLE_CONVERT_H
#define MLP_ENGINE_TABLE_CONVERT_H

#include "mlp/column.h"

#include <stddef.h>

/* How a column's value gets from one record to another; `n_bytes` > 0: that
 * many bytes are copied, perhaps of several columns. */
struct conversion {
    enum column_type from, to;
    uint32_t from_at, to_at, n_bytes;
};

/* Add a column's to the list of *n, which has room: what lies side by side in
 * both records is copied at once. */
void conversion_add(struct conversion *list, uint32_t *n, struct conversion column);

/* One record; `to` is the type that holds the value. */
void record_convert(const struct conversion *list, uint32_t n, const uint8_t *from, uint8_t *to);

/* A number as its type has it; NaN is missing. */
void column_put(enum column_type type, void *at, double value);

#endif
