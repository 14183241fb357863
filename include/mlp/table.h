/* Typed rows, kept in one file that is memory-mapped: what datasets are made of.
 *
 * A table is immutable. Each row is one record of `record_bytes` bytes; a column is a type and an offset within the record, so that
 * gathering a row touches one place. Any number of threads may read a table at once. */
#ifndef MLP_TABLE_H
#define MLP_TABLE_H

#include "mlp/column.h"
#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

struct table;

/* Map a table file. Its size, checksum of the header and every offset are checked: a damaged file is ERR_CORRUPT. NULL on failure. */
struct table *table_open(const char *path, struct err *err);
struct table *table_ref(struct table *table);
void table_unref(struct table *table); /* takes NULL; the last one unmaps */

/* A hint: rows will be read from all over the file, so a read must not bring in what stands beside it. For tables that may be larger than
 * memory, where the system's reading ahead would push out what is still needed. */
void table_read_scattered(const struct table *table);

/* Read every record and compare with the checksums taken when it was written. ERR_CORRUPT names the damaged rows. */
bool table_verify(const struct table *table, struct err *err);

uint64_t table_n_rows(const struct table *table);
uint32_t table_n_columns(const struct table *table);
uint32_t table_record_bytes(const struct table *table);
const struct column *table_column(const struct table *table, uint32_t index);
/* Index of the column called `name`, -1 where there is none. */
int64_t table_find(const struct table *table, const char *name);

/* The first record; row r begins at table_records() + r * table_record_bytes(). */
const uint8_t *table_records(const struct table *table);

/* One value as number or level. The column must be of the kind that the name says. */
float table_number(const struct table *table, uint32_t column, uint64_t row);   /* byte or number column; NaN: missing */
uint32_t table_level(const struct table *table, uint32_t column, uint64_t row); /* category column; TABLE_MISSING */
double table_date(const struct table *table, uint32_t column, uint64_t row);    /* date column; NaN: missing */
/* A value of a category or text column, NULL where it is missing. It lives as long as the table. */
const char *table_text(const struct table *table, uint32_t column, uint64_t row);

#endif
