/* Which rows of which tables a reading of the whole file has found damaged.
 *
 * Threads: every call may come from any thread. Own lock, held for a look at
 * the list. */
#ifndef MLPD_DATASETS_DAMAGED_ROWS_H
#define MLPD_DATASETS_DAMAGED_ROWS_H

#include "mlp/err.h"

#include <stdint.h>

#define DAMAGED_RANGES 8

/* Rows, counted from 1, in order. Where there are more ranges the last one
 * reaches to the end of the last. */
struct damaged_rows {
    uint32_t n;
    struct damaged_range {
        uint64_t first, last;
    } ranges[DAMAGED_RANGES];
};
/* Add rows that stand behind those that are there; neighbours become one
 * range. */
void damaged_rows_add(struct damaged_rows *damage, uint64_t first, uint64_t last);

struct damaged_tables;
/* NULL on failure. */
struct damaged_tables *damaged_tables_new(struct err *err);
void damaged_tables_free(struct damaged_tables *tables); /* takes NULL */

/* What a reading of the dataset's table has found; n = 0: nothing. Whether that
 * is news. Without memory it is forgotten again. */
bool damaged_tables_set(struct damaged_tables *tables, int64_t id, const struct damaged_rows *damage);
/* What is known of it; n = 0 and false: nothing. */
bool damaged_tables_get(struct damaged_tables *tables, int64_t id, struct damaged_rows *damage);
/* How many tables are damaged. */
uint32_t damaged_tables_count(struct damaged_tables *tables);

#endif
