/* A CSV file read into a table file. */
#ifndef MLP_INGEST_H
#define MLP_INGEST_H

#include "mlp/csv.h"
#include "mlp/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Called now and then while ingesting, on the calling thread; false stops the
 * work with ERR_STOPPED. */
struct table_progress {
    bool (*tick)(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows);
    void *self;
};

/* Parse the CSV in the regular file `csv_fd` (from its beginning to its end;
 * read in windows, never held whole) and write the table file `path`, synced:
 * the caller gives a temporary name and renames it once it likes the result.
 * Bounded memory: some windows, the levels of the categories (a column with too
 * many becomes COLUMN_TEXT), and per-column state. Errors name row and column.
 * On failure `path` does not exist.
 * `progress` and `report` may be NULL. */
bool table_ingest(int csv_fd, const struct csv_options *options, const char *path,
                  const struct table_progress *progress, struct csv_report *report, struct err *err);

#endif
