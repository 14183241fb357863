/* Tables of datasets that are mapped already, by number: the ones not used for
 * longest are dropped above 64; whoever holds a reference keeps his.
 *
 * Threads: every call may come from any thread. Own lock, never held across
 * I/O. */
#ifndef MLPD_DATASETS_TABLES_CACHE_H
#define MLPD_DATASETS_TABLES_CACHE_H

#include "mlp/table.h"

#include <stdint.h>

struct tables_cache;

/* NULL on failure. */
struct tables_cache *tables_cache_new(struct err *err);
void tables_cache_free(struct tables_cache *cache); /* takes NULL */

/* The table of the dataset, which the caller unrefs; NULL where it is not
 * there. */
struct table *tables_cache_get(struct tables_cache *cache, int64_t id);
void tables_cache_put(struct tables_cache *cache, int64_t id, struct table *table);
/* The first damaged rows from `row` on that a reader of the table has come
 * upon, as table_damage; false: none, or the table is not there. */
bool tables_cache_damage(struct tables_cache *cache, int64_t id, uint64_t row, uint64_t *first,
                         uint64_t *end);
void tables_cache_drop(struct tables_cache *cache, int64_t id);

#endif
