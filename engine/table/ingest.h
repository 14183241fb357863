/* table_ingest with its sizes as parameters, so that tests can put an edge
 * after every byte. */
#ifndef MLP_ENGINE_TABLE_INGEST_H
#define MLP_ENGINE_TABLE_INGEST_H

#include "mlp/csv.h"
#include "mlp/ingest.h"
#include "mlp/table.h"

struct ingest_sizes {
    size_t chunk_bytes; /* a worker's share at a time */
    size_t head_bytes;  /* looked at for dialect and types; more where the first row is longer */
    uint32_t head_rows;
    /* Different texts that all of a table's categories may have together, and
     * their bytes; beyond it those with the most become text columns. 0: the
     * usual ones. */
    uint32_t n_levels;
    size_t level_bytes;
};

bool table_ingest_sized(const struct csv_file *file, const struct csv_options *options,
                        const struct ingest_sizes *sizes, const char *path,
                        const struct table_progress *progress, struct csv_report *report, struct err *err);

#endif
