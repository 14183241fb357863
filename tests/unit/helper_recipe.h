/* Tables and recipes out of CSV text, for tests. What fails ends the test. */
#ifndef HELPER_RECIPE_H
#define HELPER_RECIPE_H

#include "mlp/csv.h"
#include "mlp/model.h"

#include <stdio.h>

/* A table of the CSV text or file; header as in csv_options. table_unref frees
 * it, its file is already unlinked. */
struct table *table_of_text(const char *csv, int header);
struct table *table_of_file(const char *path, int header);
/* The rows 0 .. n - 1 of a table; free() frees them. */
uint32_t *rows_all(const struct table *table);
/* A recipe on all rows; target NULL: the default one. */
struct recipe *recipe_of(const struct table *table, const char *target, enum task task);
/* A recipe of CSV text with a header. */
struct recipe *recipe_of_text(const char *csv, const char *target, enum task task);
/* A model of the CSV text with random weights and one hidden layer, normalised
 * in so many parts (0: not). */
struct model *model_of_text(const char *csv, uint32_t n_hidden, uint32_t norms);
/* A column of the recipe by name; fails the test where there is none. */
const struct recipe_column *recipe_column_of(const struct recipe *recipe, const char *name);
/* Encode every row of the CSV (separator found, header or none) by
 * recipe_encode and by the table's binding: fails unless the bits are the same.
 * Returns the number of rows. */
uint64_t ways_compare(const struct recipe *recipe, struct table *table, const char *csv, size_t length,
                      int header);

/* A CSV under construction: print to text_open's stream; text_close's result is
 * text->bytes, which free() frees. */
struct text {
    char *bytes;
    size_t length;
    FILE *out;
};
FILE *text_open(struct text *text);
const char *text_close(struct text *text);
/* n byte columns p0 .. of `rows` rows, column 0 always 0, values up to `max`,
 * and a label 0 or 1. */
const char *image_text(struct text *text, uint32_t n, uint32_t rows, uint32_t max);
/* Numbers, a column with gaps, categories, a constant, and two classes in the
 * last column, y. */
extern const char mixed_csv[];

#endif
