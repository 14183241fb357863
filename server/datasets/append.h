/* Rows added to a dataset: types and levels come out as an upload of old and new
 * rows together would have it, and the new table takes the old one's place at once. Jobs that use
 * the old table keep it.
 *
 * Threads: any; one call, one thread. Nothing is changed until all rows are on
 * disk. */
#ifndef MLPD_DATASETS_APPEND_H
#define MLPD_DATASETS_APPEND_H

#include "base/writer.h"
#include "datasets/datasets.h"
#include "mlp/csv.h"

struct append_source {
    const char *bytes; /* (n) the body */
    size_t n;
    bool json;                         /* {"rows":[{"column":value}|[...]]}, else CSV */
    const struct csv_options *options; /* how to read the CSV */
    struct claim *claim;               /* what rows on their way are reserved from */
    const atomic_bool *stop;           /* ends the work with ERR_STOPPED; NULL: nothing does */
};

/* Rows of CSV that do not fit are set aside as an upload's are; of JSON they are
 * an error. ERR_INPUT with row and column, ERR_NOT_FOUND, ERR_CONFLICT while the dataset
 * is loading or being replaced. Slow. */
bool append_rows(struct datasets *datasets, const char *name, const struct append_source *source,
                 struct dataset_info *info, struct err *err);

/* For the parts below: the rows on their way. */
struct append_cell {
    size_t at, n; /* of append->cells */
    bool there;
};
struct append {
    const struct table *table;
    int fd;                    /* a file for the rows */
    int rejects_fd;            /* what is set aside of a body of CSV; -1: nothing is */
    struct csv_report report;  /* what was done to it */
    struct writer out;         /* lines that are not in the file yet */
    struct writer cells;       /* the present row's values as CSV, in the order they came */
    struct append_cell *place; /* (n_columns) */
    uint64_t n_rows;           /* of a body of JSON, added so far */
    const atomic_bool *stop;
};

/* A value of the present row; text that stands for a missing value too. False:
 * out of memory. */
bool append_cell(struct append *append, uint32_t column, const char *text, size_t n, struct err *err);
/* The same of a plain number, with a point: as the column writes its numbers. */
bool append_number(struct append *append, uint32_t column, const char *text, size_t n, struct err *err);
/* The same of a text: a number in the column's format, or a plain one. */
bool append_text(struct append *append, uint32_t column, const char *text, size_t n, struct err *err);
/* The present row is complete. ERR_INPUT names a column that it lacks. */
bool append_row_end(struct append *append, struct err *err);
/* Of a table_progress whose `self` is the append. */
bool append_tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows);
/* The columns' types as the dataset has them: what is text stays text, even
 * where it reads as numbers ("01"), days stay days, and numbers are read in
 * their column's format. Returns how many. */
uint32_t append_types(const struct table *table, struct csv_type *types);

/* append_csv.c: the body into the table file `path`, whose columns may stand in
 * another order than the dataset's. */
bool append_csv(struct append *append, const struct append_source *source, const char *path, struct err *err);
/* append_json.c: all rows of the body, each one by append_row_end. */
bool append_json(struct append *append, const struct append_source *source, struct err *err);

#endif
