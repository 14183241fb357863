/* Typed rows, kept in one file that is memory-mapped: what datasets are made
 * of.
 *
 * A table is immutable. Each row is one record of `record_bytes` bytes; a
 * column is a type and an offset within the record, so that gathering a row
 * touches one place. Any number of threads may read a table at once. */
#ifndef MLP_TABLE_H
#define MLP_TABLE_H

#include "mlp/column.h"
#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

struct table;

/* Map a table file. Its size, checksum of the header and every offset are
 * checked: a damaged file is ERR_CORRUPT. NULL on failure. */
struct table *table_open(const char *path, struct err *err);
struct table *table_ref(struct table *table);
void table_unref(struct table *table); /* takes NULL; the last one unmaps */

/* A hint: rows will be read from all over the file, so a read must not bring in
 * what stands beside it. For tables that may be larger than memory, where the
 * system's reading ahead would push out what is still needed. */
void table_read_scattered(const struct table *table);

/* A table is written in groups of rows, each with a checksum of its records and
 * texts. Its readers check a group when they come to it. Whether rows first ..
 * first + n - 1 are what was written: reads their groups, but each only once
 * while the table is open. ERR_CORRUPT names the file and the damaged group's
 * rows (err->row: the first of them). */
bool table_check(const struct table *table, uint64_t first, uint64_t n, struct err *err);
/* Likewise the group of one row; returns the first row after the group. 0 on
 * failure. */
uint64_t table_check_group(const struct table *table, uint64_t row, struct err *err);
/* Whether every group has been found good: then table_check has nothing to
 * read. */
bool table_is_checked(const struct table *table);
/* Whether all that was read so far came from the file, as map_check: to be
 * called after reading, before anything comes of it. */
bool table_check_read(const struct table *table, struct err *err);
/* Read every group once more. ERR_CORRUPT as table_check. */
bool table_verify(const struct table *table, struct err *err);
/* The first damaged group from `row` on that table_check has come upon, as rows
 * first .. end - 1; false: none. Cheap where there is none. */
bool table_damage(const struct table *table, uint64_t row, uint64_t *first, uint64_t *end);

/* Called while a file is read: after each group, with its bytes (false stops
 * the work with ERR_STOPPED), and for each damaged one, with its rows counted
 * from 1. */
struct table_scrub {
    bool (*tick)(void *self, uint64_t n_bytes);
    void (*damaged)(void *self, uint64_t first, uint64_t last);
    void *self;
};
/* Read a table's file whole, from the disk as far as the system has not got it,
 * and leave none of it in the system's cache. ERR_CORRUPT where it is no table:
 * header or schema are damaged, or it was cut. */
bool table_scrub(const char *path, const struct table_scrub *scrub, struct err *err);

uint64_t table_n_rows(const struct table *table);
uint32_t table_n_columns(const struct table *table);
uint32_t table_record_bytes(const struct table *table);
uint64_t table_text_bytes(const struct table *table); /* of all values of text columns */
const struct column *table_column(const struct table *table, uint32_t index);
/* Index of the column called `name`, -1 where there is none. */
int64_t table_find(const struct table *table, const char *name);

/* The first record; row r begins at table_records() + r *
 * table_record_bytes(). */
const uint8_t *table_records(const struct table *table);

/* One value as number or level. The column must be of the kind that the name
 * says. */
double table_value(const struct table *table, uint32_t column, uint64_t row); /* number; NaN: missing */
/* The same as the network takes it: the nearest float. */
float table_number(const struct table *table, uint32_t column, uint64_t row);
uint32_t table_level(const struct table *table, uint32_t column,
                     uint64_t row); /* category column; TABLE_MISSING */
double table_date(const struct table *table, uint32_t column, uint64_t row); /* date column; NaN: missing */
/* A value of a category or text column, NULL where it is missing. It lives as
 * long as the table. */
const char *table_text(const struct table *table, uint32_t column, uint64_t row);

#endif
