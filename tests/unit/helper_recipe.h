/* Tables and recipes out of CSV text, for tests. What fails ends the test. */
#ifndef HELPER_RECIPE_H
#define HELPER_RECIPE_H

#include "mlp/csv.h"
#include "mlp/recipe.h"

/* A table of the CSV text or file; header as in csv_options. table_unref frees it, its file is already unlinked. */
struct table *table_of_text(const char *csv, int header);
struct table *table_of_file(const char *path, int header);
/* The rows 0 .. n - 1 of a table; free() frees them. */
uint32_t *rows_all(const struct table *table);
/* A recipe on all rows; target NULL: the default one. */
struct recipe *recipe_of(const struct table *table, const char *target, enum task task);
/* A recipe of CSV text with a header. */
struct recipe *recipe_of_text(const char *csv, const char *target, enum task task);
/* A column of the recipe by name; fails the test where there is none. */
const struct recipe_column *recipe_column_of(const struct recipe *recipe, const char *name);
/* Encode every row of the CSV (separator found, header or none) by recipe_encode and by the table's binding: fails unless the bits
 * are the same. Returns the number of rows. */
uint64_t ways_compare(const struct recipe *recipe, struct table *table, const char *csv, size_t length, int header);

#endif
