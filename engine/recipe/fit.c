/* Fitting a recipe on the training rows: which columns are used, how each
 * becomes inputs, and with which figures.
 *
 * Byte columns are looked at first: where they are an image nothing but their
 * range is needed. Numbers follow, then categories. Threads: one call, one
 * thread; the table is only read. */
#define _POSIX_C_SOURCE 200809L
#include "recipe/fit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIT_ROWS_MAX ((uint64_t)1 << 20)

void column_ignore(struct recipe_column *column, const char *format, ...)
{
    va_list arguments;

    column->encoding = ENCODING_IGNORE;
    va_start(arguments, format);
    vsnprintf(column->note, sizeof column->note, format, arguments);
    va_end(arguments);
}

void fit_gather(const struct fit *fit, uint32_t column, float *values)
{
    for (uint64_t i = 0; i < fit->n_rows; i++)
        values[i] = table_number(fit->table, column, fit->rows[i]);
}

static void counting_ignore(const struct fit *fit)
{
    struct recipe *recipe = fit->recipe;
    uint32_t n_other = 0;

    for (uint32_t c = 0; c < recipe->n_columns; c++) {
        struct recipe_column *column = &recipe->columns[c];
        if (is_open(column) && fit->overrides[c] == WISH_NONE &&
            !note_counting(fit->table, table_index(fit, c), column->note))
            column->encoding = ENCODING_IGNORE;
        n_other += is_open(&recipe->columns[c]);
    }
    if (n_other > 0)
        return;
    for (uint32_t c = 0; c < recipe->n_columns; c++) /* x = 1, 2, 3 ... and nothing else is data */
        if (note_is_counting(recipe->columns[c].note))
            recipe->columns[c].note[0] = 0;
}

/* The feature of that name; -1 with *err where there is none. */
static int64_t override_find(const struct recipe *recipe, const char *name, const char *field,
                             struct err *err)
{
    int64_t found = recipe_find(recipe, name);
    char cut[80];

    if (found >= 0)
        return found;
    bool target = strcmp(name, recipe->target) == 0;
    err_set(err, ERR_INPUT,
            target ? "'%s' is the target: it is no input and cannot be ignored" : "there is no column '%s'",
            text_cut(name, strlen(name), 60, cut));
    err_field(err, field);
    return -1;
}

static bool overrides_ignore(struct recipe *recipe, const struct recipe_options *options, struct err *err)
{
    for (uint32_t i = 0; i < options->n_ignore; i++) {
        int64_t found = override_find(recipe, options->ignore[i], "ignore", err);
        if (found < 0)
            return false;
        column_ignore(&recipe->columns[found], "left out: as asked");
    }
    return true;
}

/* All but the features that were named. */
static bool overrides_features(struct recipe *recipe, const struct recipe_options *options, struct err *err)
{
    bool *named = calloc((size_t)recipe->n_columns + 1, sizeof *named);
    bool ok = named || err_memory(err, "the features");

    for (uint32_t i = 0; ok && i < options->n_features; i++) {
        int64_t found = override_find(recipe, options->features[i], "features", err);
        ok = found >= 0;
        if (ok)
            named[found] = true;
    }
    for (uint32_t c = 0; ok && options->n_features > 0 && c < recipe->n_columns; c++)
        if (!named[c])
            column_ignore(&recipe->columns[c], "left out: not among the features asked for");
    free(named);
    return ok;
}

static bool override_fits(enum column_type type, enum encoding encoding)
{
    bool number = encoding == ENCODING_SCALE || encoding == ENCODING_STANDARDISE ||
                  encoding == ENCODING_LOG || encoding == ENCODING_QUANTILE;
    return encoding == ENCODING_IGNORE || (type == COLUMN_CATEGORY && encoding == ENCODING_ONE_HOT) ||
           (column_type_is_number(type) && number);
}

/* How columns are to be encoded. */
static bool overrides_encodings(struct fit *fit, const struct recipe_options *options, struct err *err)
{
    struct recipe *recipe = fit->recipe;
    char cut[80];

    fit->overrides = malloc((size_t)recipe->n_columns + 1);
    if (!fit->overrides)
        return err_memory(err, "the recipe's columns");
    memset(fit->overrides, WISH_NONE, recipe->n_columns);
    for (uint32_t i = 0; i < options->n_overrides; i++) {
        const struct recipe_override *override = &options->overrides[i];
        int64_t found = override_find(recipe, override->column, "recipe", err);
        if (found < 0)
            return false;
        enum column_type type = feature_type(fit, (uint32_t)found);
        if (!override_fits(type, override->encoding)) {
            err_set(err, ERR_INPUT, "the column '%s' holds %s",
                    text_cut(override->column, strlen(override->column), 60, cut),
                    type == COLUMN_CATEGORY ? "text: one_hot and ignore are possible"
                    : type == COLUMN_TEXT   ? "texts that are not told apart: only ignore is possible"
                    : type == COLUMN_DATE
                        ? "dates: only ignore is possible"
                        : "numbers: scale, standardise, log, quantile and ignore are possible");
            return err_field(err, "recipe");
        }
        fit->overrides[found] = (int8_t) override->encoding;
        if (override->encoding == ENCODING_IGNORE)
            column_ignore(&recipe->columns[found], "left out: as asked");
    }
    return true;
}

static bool columns_alloc(const struct fit *fit, struct err *err)
{
    uint32_t n = table_n_columns(fit->table) - 1;
    struct recipe *recipe = fit->recipe;

    recipe->columns = calloc(n, sizeof *recipe->columns);
    if (!recipe->columns)
        return err_memory(err, "the recipe's columns");
    recipe->n_columns = n;
    for (uint32_t c = 0; c < n; c++) {
        const struct column *from = table_column(fit->table, table_index(fit, c));
        recipe->columns[c].name = strdup(from->name);
        recipe->columns[c].decimal_point = from->decimal_point;
        recipe->columns[c].thousands_separator = from->thousands_separator;
        recipe->columns[c].number = from->number;
        if (!recipe->columns[c].name)
            return err_memory(err, "the recipe's columns");
    }
    return true;
}

/* Number the inputs, and see whether they are bytes of one scale. */
static bool inputs_assign(struct recipe *recipe, struct err *err)
{
    bool bytes = true;

    for (uint32_t c = 0; c < recipe->n_columns; c++) {
        struct recipe_column *column = &recipe->columns[c];
        column->n_inputs = column_inputs(column);
        column->first_input = column->n_inputs ? recipe->n_inputs : 0;
        if (column->n_inputs > RECIPE_INPUTS_MAX - recipe->n_inputs)
            return err_set(err, ERR_LIMIT, "the columns make more than %u inputs; ignore some of them",
                           RECIPE_INPUTS_MAX);
        if (column->encoding == ENCODING_SCALE && recipe->n_inputs == 0)
            recipe->bytes_scale = column->scale;
        recipe->n_inputs += column->n_inputs;
        if (column->encoding != ENCODING_IGNORE)
            bytes = bytes && column->encoding == ENCODING_SCALE && column->scale == recipe->bytes_scale;
    }
    if (recipe->n_inputs == 0)
        return err_set(err, ERR_INPUT, "no column is left to learn from: '%s' is %s", recipe->columns[0].name,
                       recipe->columns[0].note);
    recipe->bytes = bytes;
    if (!bytes)
        recipe->bytes_scale = 0;
    return true;
}

/* A column of categories, dates or texts; of the others, what the sections
 * before have left open stays so. */
static bool words_fit(const struct fit *fit, uint32_t table_index, struct recipe_column *column,
                      struct err *err)
{
    switch (table_column(fit->table, table_index)->type) {
    case COLUMN_CATEGORY:
        return category_fit(fit, table_index, column, err);
    case COLUMN_DATE:
        return date_fit(fit, table_index, column, err);
    case COLUMN_TEXT:
        recipe_note(fit->table, table_index, column->note);
        column->encoding = ENCODING_IGNORE;
        return true;
    default:
        return true;
    }
}

bool columns_fit(struct fit *fit, const struct recipe_options *options, struct err *err)
{
    struct recipe *recipe = fit->recipe;

    if (!columns_alloc(fit, err) || !overrides_ignore(recipe, options, err) ||
        !overrides_features(recipe, options, err) || !overrides_encodings(fit, options, err))
        return false;
    counting_ignore(fit);
    if (!bytes_fit(fit, err) || (!fit->image && !numbers_fit(fit, err)))
        return false;
    for (uint32_t c = 0; c < recipe->n_columns; c++) {
        struct recipe_column *column = &recipe->columns[c];
        if (!stop_check(fit->stop, err) ||
            (is_open(column) && !words_fit(fit, table_index(fit, c), column, err)))
            return false;
    }
    return inputs_assign(recipe, err);
}

/* Of many rows, some, for the columns: of a million, mean, spread and quantiles
 * are known to a thousandth of the spread. *sample: a new array, or NULL where
 * there are few. */
static bool rows_sample(struct fit *fit, uint32_t **sample, struct err *err)
{
    if (fit->n_rows <= FIT_ROWS_MAX)
        return true;
    *sample = malloc(FIT_ROWS_MAX * sizeof **sample);
    if (!*sample)
        return err_memory(err, "the rows that the recipe is fitted on");
    for (uint64_t i = 0; i < FIT_ROWS_MAX; i++)
        (*sample)[i] = fit->rows[rows_spread(i, FIT_ROWS_MAX, fit->n_rows)];
    fit->rows = *sample;
    fit->n_rows = FIT_ROWS_MAX;
    return true;
}

struct recipe *recipe_fit(const struct table *table, const uint32_t *rows, uint64_t n_rows,
                          const struct recipe_options *options, struct err *err)
{
    struct fit fit = {
        .table = table, .rows = rows, .recipe = calloc(1, sizeof *fit.recipe), .stop = options->stop};
    uint32_t *kept = NULL, *sample = NULL;
    bool ok = false;

    if (!fit.recipe) {
        err_memory(err, "a recipe");
        goto out;
    }
    if (!target_choose(table, options, &fit.target, err) ||
        !target_rows(table, fit.target, rows, n_rows, &kept, &fit.n_rows, err))
        goto out;
    if (kept)
        fit.rows = kept;
    ok = target_fit(&fit, options, err) && rows_sample(&fit, &sample, err) && columns_fit(&fit, options, err);
out:
    free(sample);
    free(kept);
    free(fit.overrides);
    if (ok)
        return fit.recipe;
    recipe_free(fit.recipe);
    return NULL;
}
