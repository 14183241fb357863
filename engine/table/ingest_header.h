/* How many rows a header has, and whether a line of units stands below it. Pure
 * functions. */
#ifndef MLP_ENGINE_TABLE_INGEST_HEADER_H
#define MLP_ENGINE_TABLE_INGEST_HEADER_H

#include "csv/scan.h"

struct header_rows {
    uint32_t n_names; /* rows of names, 1 or more */
    bool units;       /* the row below them is of units */
};

/* The rows of a header that begins the text, whose rows have n_columns fields:
 * below a row of names, rows without a number in the columns that hold numbers
 * further down. False: out of memory. */
bool header_rows_find(const struct csv_dialect *dialect, const char *text, size_t n_bytes, bool whole,
                      uint32_t n_columns, struct header_rows *rows);

#endif
