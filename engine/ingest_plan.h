/* What a file's head shows: dialect, header, columns and their first types; and where each column's value lies in a record.
 * Plain data: written by one thread before the workers start, only read while they run. */
#ifndef MLP_ENGINE_INGEST_PLAN_H
#define MLP_ENGINE_INGEST_PLAN_H

#include "csv_scan.h"
#include "ingest_levels.h"
#include "mlp/table.h"

struct plan_column {
    const char *name; /* in the plan's arena */
    enum column_type type;
    uint32_t offset; /* within a record */
    uint32_t slot;   /* its number among the columns of its type */
    double shift;    /* a value of the column: sums are taken of the differences from it */
};

struct plan {
    struct csv_dialect dialect;
    bool header;
    uint64_t body; /* where in the file the first row of data, or a blank line before it, begins */
    uint32_t n_columns;
    struct plan_column *columns;
    uint32_t n_of_type[COLUMN_CATEGORY + 1];
    uint32_t bytes_at; /* byte columns lie side by side in a record, in the table's order, from here on */
    uint32_t record_bytes;
    uint64_t seed; /* of the hashes */
    struct arena names;
};

/* Look at the head of a file: `whole` where it is all of it. ERR_INPUT for an empty file, CSV_MORE in *result where not even the
 * first row is whole: come again with more. */
bool plan_init(struct plan *plan, const char *head, size_t n_bytes, bool whole, uint32_t n_rows_max, const struct csv_options *options,
               enum csv_result *result, struct err *err);
void plan_done(struct plan *plan);

/* Give the columns their places in the record, by their types. */
void plan_layout(struct plan *plan);

#endif
