/* CSV text at the end of a writer: RFC 4180 with commas, a point before
 * decimals and LF, so that reading it again gives the same values. Threads:
 * none of its own; one writer, one thread. */
#ifndef MLPD_BASE_CSV_WRITE_H
#define MLPD_BASE_CSV_WRITE_H

#include "base/writer.h"
#include "mlp/table.h"

/* One field, in quotes where it must be. The separators and line ends are the
 * caller's. */
void csv_put_text(struct writer *writer, const char *text, size_t n);
/* The shortest text that reads back as the same number; nothing where it is not
 * finite. */
void csv_put_number(struct writer *writer, float number);

/* Lines of a table: the names of its columns; a row, missing values as empty
 * fields. */
void csv_put_names(struct writer *writer, const struct table *table);
void csv_put_row(struct writer *writer, const struct table *table, uint64_t row);
/* Of a row n columns, in this order. */
void csv_put_columns(struct writer *writer, const struct table *table, const uint32_t *columns, uint32_t n,
                     uint64_t row);
/* What stands for a missing value: a row of nothing else must not read as a
 * blank line. */
const char *csv_missing_text(const struct table *table);

#endif
