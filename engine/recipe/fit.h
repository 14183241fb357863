/* What the files that fit a recipe share. */
#ifndef MLP_ENGINE_RECIPE_FIT_H
#define MLP_ENGINE_RECIPE_FIT_H

#include "recipe/private.h"

/* The rows that a recipe is fitted on: indices into the table, and one step of
 * work on them. */
struct fit {
    const struct table *table;
    const uint32_t *rows; /* (n_rows), those whose target is there */
    uint64_t n_rows;
    uint32_t target; /* index of the target's column */
    struct recipe *recipe;
    int8_t *overrides; /* (recipe->n_columns): an enum encoding, or WISH_NONE */
    bool image;        /* the open columns are pixels, and fitted */
    const atomic_bool *stop;
};
#define WISH_NONE (-1)

/* What the rows hold of one number column. */
struct summary {
    uint64_t n_present;
    double min, max, median, mean, stddev; /* of the finite values; stddev of the population */
    double kurtosis; /* fourth moment over the square of the second; 3 for a normal distribution */
};

/* Summarise n floats; those that are not finite are missing. Exact median, two
 * passes for the rest, the same on every machine. */
void summary_floats(struct summary *summary, const float *values, uint64_t n);
/* The finite value of the given rank (0: the least); rank below the number of
 * finite values. */
float summary_rank(const float *values, uint64_t n, uint64_t rank);
/* The median size of the finite values that are not zero; 0 where there are
 * none. */
float summary_size(const float *values, uint64_t n);

/* Values of a number or byte column in the rows, into values (n_rows). */
void fit_gather(const struct fit *fit, uint32_t column, float *values);

/* Rows that hold each level of a category column, into counts (n_levels, 1 at
 * least): NULL without memory. Free with free(). */
uint64_t *fit_count_levels(const struct fit *fit, uint32_t column, uint64_t *n_present, uint32_t *n_distinct,
                           struct err *err);

/* Scratch for a group of columns. */
#define SCRATCH_BYTES ((size_t)64 << 20)

/* The i-th of n of n_rows rows, n at most so many: 64 or more runs of
 * neighbours, spread evenly. Rows one by one would be a read of the whole of a
 * table that is larger than memory, for each look at a column. */
static inline uint64_t rows_spread(uint64_t i, uint64_t n, uint64_t n_rows)
{
    uint64_t run = n < 128 ? 1 : n < 8192 ? n / 64 : 128;
    return i / run * run * n_rows / n + i % run;
}

/* The table's column that feature i of the recipe is. */
static inline uint32_t table_index(const struct fit *fit, uint32_t feature)
{
    return feature + (feature >= fit->target);
}

static inline enum column_type feature_type(const struct fit *fit, uint32_t feature)
{
    return table_column(fit->table, table_index(fit, feature))->type;
}

/* Columns that are still to be fitted hold no note. */
static inline bool is_open(const struct recipe_column *column)
{
    return column->note[0] == 0;
}

static inline void column_scale(struct recipe_column *column, float scale, float impute)
{
    column->encoding = ENCODING_SCALE;
    column->scale = scale;
    column->impute = impute;
}

/* Fit the byte columns together where they are an image and nothing else is
 * open; else leave them to numbers_fit. */
bool bytes_fit(struct fit *fit, struct err *err);
/* Fit all number and byte columns that are still open. */
bool numbers_fit(const struct fit *fit, struct err *err);

/* Choose the target's column, and find the rows that have it: *rows is a new
 * array where some lack it, else NULL. */
bool target_choose(const struct table *table, const struct recipe_options *options, uint32_t *target,
                   struct err *err);
bool target_rows(const struct table *table, uint32_t target, const uint32_t *rows, uint64_t n_rows,
                 uint32_t **kept, uint64_t *n_kept, struct err *err);
/* Fill in recipe->target, task, classes or mean and stddev. */
bool target_fit(struct fit *fit, const struct recipe_options *options, struct err *err);

/* Fill in recipe->columns and n_inputs. */
bool columns_fit(struct fit *fit, const struct recipe_options *options, struct err *err);
/* The part of it that is for category columns. */
bool category_fit(const struct fit *fit, uint32_t table_column, struct recipe_column *column,
                  struct err *err);
/* A date column's. */
bool date_fit(const struct fit *fit, uint32_t table_column, struct recipe_column *column, struct err *err);

/* recipe/note.c: whether the column may be used; if not, the note says why.
 * rows: "rows", "training rows". */
bool note_present(uint64_t n_present, bool constant, const char *rows, char note[RECIPE_NOTE_SIZE]);
bool note_texts(uint32_t n_distinct, uint64_t n_present, char note[RECIPE_NOTE_SIZE]);
bool note_counting(const struct table *table, uint32_t column, char note[RECIPE_NOTE_SIZE]);
/* Which of these wrote the note: the first; the last; the last or the
 * second. */
bool note_is_constant(const char *note);
bool note_is_counting(const char *note);
bool note_is_id(const char *note);
/* Leave a column out, and say why. */
void column_ignore(struct recipe_column *column, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
