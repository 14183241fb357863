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

/* A CSV in a regular file, which may still be arriving. */
struct csv_file {
    int fd;
    uint64_t n_bytes; /* once all is there */
    /* Wait until the first `end` bytes are there. False, with *err: they will
     * not come. Any thread, several at once. NULL: all is there. */
    bool (*wait)(void *self, uint64_t end, struct err *err);
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
/* The same of a file that may still be arriving: rows are parsed as they come.
 * The table, the report and the rejects are those of the whole file. */
bool table_ingest_file(const struct csv_file *file, const struct csv_options *options, const char *path,
                       const struct table_progress *progress, struct csv_report *report, struct err *err);

#endif
