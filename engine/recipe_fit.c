/* Fitting a recipe on the training rows: which columns are used, how each becomes inputs, and with which figures.
 *
 * Byte columns are looked at first: where they are an image nothing but their range is needed. Numbers follow in groups that bound the
 * scratch, then categories. Threads: one call, one thread; the table is only read. */
#define _POSIX_C_SOURCE 200809L
#include "recipe_fit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SPREAD_MIN 1e-30 /* below and above these a float's reciprocal is of no use */
#define SPREAD_MAX 1e30

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

void number_fit(struct recipe_column *column, const struct summary *summary, bool byte, uint64_t n_rows)
{
    if (!note_present(summary->n_present, !(summary->max > summary->min), "training rows", column->note)) {
        column->encoding = ENCODING_IGNORE;
    } else if (byte && summary->min == 0) {
        column_scale(column, (float)(1.0 / summary->max), (float)summary->median);
    } else if (!(summary->stddev >= SPREAD_MIN && summary->stddev <= SPREAD_MAX)) {
        column_ignore(column, "left out: its spread, %g, is out of reach of single precision", summary->stddev);
    } else {
        column->encoding = ENCODING_STANDARDISE;
        column->offset = (float)summary->mean;
        column->scale = (float)(1.0 / summary->stddev);
        column->impute = (float)summary->median;
        column->indicator = summary->n_present < n_rows;
    }
}

/* Gather number columns a group at a time, row by row, so that a table larger than memory is passed few times. */
static void numbers_fit_group(const struct fit *fit, const uint32_t *features, uint32_t n, float *scratch)
{
    struct summary summary;

    for (uint64_t i = 0; i < fit->n_rows; i++)
        for (uint32_t k = 0; k < n; k++)
            scratch[k * fit->n_rows + i] = table_number(fit->table, table_index(fit, features[k]), fit->rows[i]);
    for (uint32_t k = 0; k < n; k++) {
        summary_floats(&summary, scratch + k * fit->n_rows, fit->n_rows);
        number_fit(&fit->recipe->columns[features[k]], &summary, false, fit->n_rows);
    }
}

static bool numbers_fit(const struct fit *fit, struct err *err)
{
    size_t most = SCRATCH_BYTES / sizeof(float) / fit->n_rows;
    uint32_t group = most == 0 ? 1 : most > 16 ? 16 : (uint32_t)most, n = 0, features[16];
    float *scratch = NULL;

    for (uint32_t c = 0; c < fit->recipe->n_columns; c++) {
        if (feature_type(fit, c) != COLUMN_NUMBER || !is_open(&fit->recipe->columns[c]))
            continue;
        if (!scratch && !(scratch = malloc(group * fit->n_rows * sizeof *scratch)))
            return err_memory(err, "the values of some columns");
        features[n++] = c;
        if (n == group) {
            numbers_fit_group(fit, features, n, scratch);
            n = 0;
        }
    }
    if (n > 0)
        numbers_fit_group(fit, features, n, scratch);
    free(scratch);
    return true;
}

static void counting_ignore(const struct fit *fit)
{
    struct recipe *recipe = fit->recipe;
    uint32_t n_other = 0;

    for (uint32_t c = 0; c < recipe->n_columns; c++) {
        struct recipe_column *column = &recipe->columns[c];
        if (is_open(column) && !note_counting(fit->table, table_index(fit, c), column->note))
            column->encoding = ENCODING_IGNORE;
        n_other += is_open(&recipe->columns[c]);
    }
    if (n_other > 0)
        return;
    for (uint32_t c = 0; c < recipe->n_columns; c++) /* x = 1, 2, 3 ... and nothing else is data */
        if (strstr(recipe->columns[c].note, "counts the rows"))
            recipe->columns[c].note[0] = 0;
}

static bool wishes_ignore(struct recipe *recipe, const struct recipe_options *options, struct err *err)
{
    char cut[80];

    for (uint32_t i = 0; i < options->n_ignore; i++) {
        const char *name = options->ignore[i];
        int64_t found = recipe_find(recipe, name);
        if (found < 0) {
            bool target = strcmp(name, recipe->target) == 0;
            err_set(err, ERR_INPUT, target ? "'%s' is the target, it cannot be ignored" : "there is no column '%s' to ignore",
                    text_cut(name, strlen(name), 60, cut));
            return err_field(err, "ignore");
        }
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
        recipe->columns[c].mark = from->mark;
        recipe->columns[c].group = from->group;
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
            return err_set(err, ERR_LIMIT, "the columns make more than %u inputs; ignore some of them", RECIPE_INPUTS_MAX);
        if (column->encoding == ENCODING_SCALE && recipe->n_inputs == 0)
            recipe->bytes_scale = column->scale;
        recipe->n_inputs += column->n_inputs;
        if (column->encoding != ENCODING_IGNORE)
            bytes = bytes && column->encoding == ENCODING_SCALE && column->scale == recipe->bytes_scale;
    }
    if (recipe->n_inputs == 0)
        return err_set(err, ERR_INPUT, "no column is left to learn from: '%s' is %s", recipe->columns[0].name, recipe->columns[0].note);
    recipe->bytes = bytes;
    if (!bytes)
        recipe->bytes_scale = 0;
    return true;
}

bool columns_fit(struct fit *fit, const struct recipe_options *options, struct err *err)
{
    struct recipe *recipe = fit->recipe;

    if (!columns_alloc(fit, err) || !wishes_ignore(recipe, options, err))
        return false;
    counting_ignore(fit);
    if (!bytes_fit(fit, err) || !numbers_fit(fit, err))
        return false;
    for (uint32_t c = 0; c < recipe->n_columns; c++) {
        enum column_type type = feature_type(fit, c);
        if ((type != COLUMN_CATEGORY && type != COLUMN_DATE) || !is_open(&recipe->columns[c]))
            continue;
        if (!(type == COLUMN_DATE ? date_fit : category_fit)(fit, table_index(fit, c), &recipe->columns[c], err))
            return false;
    }
    return inputs_assign(recipe, err);
}

struct recipe *recipe_fit(const struct table *table, const uint32_t *rows, uint64_t n_rows, const struct recipe_options *options,
                          struct err *err)
{
    struct fit fit = {.table = table, .rows = rows, .recipe = calloc(1, sizeof *fit.recipe)};
    uint32_t *kept = NULL;
    bool ok = false;

    if (!fit.recipe) {
        err_memory(err, "a recipe");
        goto out;
    }
    if (!target_choose(table, options, &fit.target, err) || !target_rows(table, fit.target, rows, n_rows, &kept, &fit.n_rows, err))
        goto out;
    if (kept)
        fit.rows = kept;
    ok = target_fit(&fit, options, err) && columns_fit(&fit, options, err);
out:
    free(kept);
    if (ok)
        return fit.recipe;
    recipe_free(fit.recipe);
    return NULL;
}
