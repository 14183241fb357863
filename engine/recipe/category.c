/* Fitting a category column: its levels over the training rows, the rare ones
 * put together. Threads: one call, one thread. */
#define _POSIX_C_SOURCE 200809L
#include "mlp/csv.h"
#include "mlp/number.h"
#include "recipe/fit.h"

#include <stdlib.h>

#define RARE_ROWS 3     /* a level of fewer rows than this ... */
#define RARE_SHARE 0.01 /* ... and less than this share of them goes to `other` */

uint64_t *fit_count_levels(const struct fit *fit, uint32_t column, uint64_t *n_present, uint32_t *n_distinct,
                           struct err *err)
{
    uint32_t n_levels = table_column(fit->table, column)->n_levels;
    uint64_t *counts = calloc((size_t)n_levels + 1, sizeof *counts);

    *n_present = 0;
    *n_distinct = 0;
    if (!counts) {
        err_memory(err, "counts of a column's levels");
        return NULL;
    }
    for (uint64_t i = 0; i < fit->n_rows; i++) {
        uint32_t level = table_level(fit->table, column, fit->rows[i]);
        if (level >= n_levels)
            continue;
        *n_distinct += counts[level]++ == 0;
        ++*n_present;
    }
    return counts;
}

/* A level and how often it occurs. */
struct level {
    const char *text;
    uint64_t n_rows;
};

/* The most frequent first, then by bytes: the same whatever the order of
 * rows. */
static int level_compare(const void *a, const void *b)
{
    const struct level *x = a, *y = b;

    if (x->n_rows != y->n_rows)
        return x->n_rows < y->n_rows ? 1 : -1;
    return strcmp(x->text, y->text);
}

static bool levels_keep(struct recipe_column *column, const struct level *levels, uint32_t n, struct err *err)
{
    column->levels = calloc(n ? n : 1, sizeof *column->levels);
    if (!column->levels)
        return err_memory(err, "a column's levels");
    column->n_levels = n;
    for (uint32_t i = 0; i < n; i++)
        if (!(column->levels[i] = strdup(levels[i].text)))
            return err_memory(err, "a column's levels");
    strings_sort(column->levels, n);
    return true;
}

/* How many of the levels, most frequent first, get an input of their own. */
static uint32_t levels_common(const struct level *levels, uint32_t n, uint64_t n_rows)
{
    uint32_t common = 0;

    while (
        common < n && common < RECIPE_LEVELS_MAX &&
        (levels[common].n_rows >= RARE_ROWS || (double)levels[common].n_rows >= RARE_SHARE * (double)n_rows))
        common++;
    return common;
}

/* One input for each common level, and `other` where training rows are there to
 * teach it: rare levels or missing values. Without such rows its weights would
 * stay as they were drawn, and an unseen level lights no input instead, which
 * is the neutral answer. */
static bool levels_fit(const struct fit *fit, const struct column *from, const uint64_t *counts,
                       uint32_t n_distinct, uint64_t n_present, struct recipe_column *column, struct err *err)
{
    struct level *levels = malloc(n_distinct * sizeof *levels);
    uint32_t n = 0;

    if (!levels)
        return err_memory(err, "a column's levels");
    for (uint32_t i = 0; i < from->n_levels; i++)
        if (counts[i])
            levels[n++] = (struct level){from->levels[i], counts[i]};
    qsort(levels, n, sizeof *levels, level_compare);
    uint32_t common = levels_common(levels, n, fit->n_rows);
    column->encoding = ENCODING_ONE_HOT;
    column->other = common < n || n_present < fit->n_rows;
    bool ok = levels_keep(column, levels, common, err);
    free(levels);
    return ok;
}

/* A missing one counts as the commoner of the two. */
static void truths_fit(const struct column *from, const uint64_t *counts, uint64_t n_present, uint64_t n_rows,
                       struct recipe_column *column)
{
    uint64_t n_true = 0;
    float truth;

    for (uint32_t i = 0; i < from->n_levels; i++)
        if (truth_parse(from->levels[i], strlen(from->levels[i]), &truth) && truth > 0)
            n_true += counts[i];
    column->encoding = ENCODING_BOOLEAN;
    column->scale = 1;
    column->impute = 2 * n_true > n_present ? 1.0f : 0.0f;
    column->indicator = n_present < n_rows;
}

bool category_fit(const struct fit *fit, uint32_t table_index, struct recipe_column *column, struct err *err)
{
    const struct column *from = table_column(fit->table, table_index);
    uint64_t n_present;
    uint32_t n_distinct;
    bool ok = true;
    uint64_t *counts = fit_count_levels(fit, table_index, &n_present, &n_distinct, err);

    if (!counts)
        return false;
    bool wished = fit->overrides[column - fit->recipe->columns] == ENCODING_ONE_HOT;
    if (!note_present(n_present, n_distinct == 1 && n_present == fit->n_rows, "training rows",
                      column->note) ||
        (!wished && !note_texts(n_distinct, n_present, column->note)))
        column->encoding = ENCODING_IGNORE;
    else if (!wished && column_is_boolean(from))
        truths_fit(from, counts, n_present, fit->n_rows, column);
    else
        ok = levels_fit(fit, from, counts, n_distinct, n_present, column, err);
    free(counts);
    return ok;
}
