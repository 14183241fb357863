/* The target of a recipe: which column it is, whether it holds classes or
 * numbers, and its classes or its mean and deviation. Threads: one call, one
 * thread. */
#define _POSIX_C_SOURCE 200809L
#include "recipe/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define DISTINCT_MIN 10       /* so many rows with a class each are no classes */
#define CLASS_INTEGERS_MAX 20 /* integers that run from 0 or 1 are classes up to this many */

static const char *table_name(const struct table *table, uint32_t column)
{
    return table_column(table, column)->name;
}

/* "a, b, c ..." with at most ten names. */
static void list_names(const struct table *table, char *out, size_t size)
{
    uint32_t n = table_n_columns(table);
    size_t at = 0;
    char name[80];

    out[0] = 0;
    for (uint32_t i = 0; i < n && i < 10 && at + 40 < size; i++) {
        const char *cut = text_cut(table_name(table, i), strlen(table_name(table, i)), 24, name);
        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", cut);
    }
    if (n > 10 && at + 5 < size)
        memcpy(out + at, ", ...", 6);
}

static bool target_suits(const struct table *table, uint32_t target, struct err *err)
{
    const struct column *column = table_column(table, target);
    char name[80];

    if (column->type != COLUMN_DATE && column->type != COLUMN_TEXT)
        return true;
    err_set(err, ERR_INPUT,
            "the target '%s' holds %s: expected a column of numbers or of classes; say \"target\"",
            text_cut(column->name, strlen(column->name), 60, name),
            column->type == COLUMN_DATE ? "dates" : "texts that are not told apart");
    return err_at(err, 0, column->name);
}

bool target_choose(const struct table *table, const struct recipe_options *options, uint32_t *target,
                   struct err *err)
{
    static const char *const usual[] = {"label", "class", "target", "y"};
    uint32_t n = table_n_columns(table);
    char names[280], override[80];

    if (n < 2)
        return err_set(err, ERR_INPUT,
                       "the table has %u column; a target and at least one feature are needed", n);
    if (options->target) {
        int64_t found = table_find(table, options->target);
        if (found < 0) {
            list_names(table, names, sizeof names);
            err_set(err, ERR_INPUT, "there is no column '%s' for the target; there are %s",
                    text_cut(options->target, strlen(options->target), 60, override), names);
            return err_field(err, "target");
        }
        *target = (uint32_t)found;
        return target_suits(table, *target, err);
    }
    for (size_t u = 0; u < sizeof usual / sizeof *usual; u++)
        for (uint32_t i = 0; i < n; i++)
            if (strcasecmp(table_name(table, i), usual[u]) == 0) {
                *target = i;
                return target_suits(table, i, err);
            }
    *target = n - 1;
    return target_suits(table, n - 1, err);
}

static bool target_missing(const struct table *table, uint32_t target, uint64_t row)
{
    if (table_column(table, target)->type == COLUMN_CATEGORY)
        return table_level(table, target, row) == TABLE_MISSING;
    return !isfinite(table_number(table, target, row));
}

bool target_rows(const struct table *table, uint32_t target, const uint32_t *rows, uint64_t n_rows,
                 uint32_t **kept, uint64_t *n_kept, struct err *err)
{
    uint64_t n = 0;

    *kept = NULL;
    *n_kept = n_rows;
    if (table_column(table, target)->type == COLUMN_BYTE) /* none is missing */
        return true;
    for (uint64_t i = 0; i < n_rows; i++)
        n += !target_missing(table, target, rows[i]);
    *n_kept = n;
    if (n == n_rows || n == 0)
        return true;
    *kept = malloc(n * sizeof **kept);
    if (!*kept)
        return err_memory(err, "the rows that have a target");
    n = 0;
    for (uint64_t i = 0; i < n_rows; i++)
        if (!target_missing(table, target, rows[i]))
            (*kept)[n++] = rows[i];
    return true;
}

/* Whether all the table's values are integers from 0 or 1 to at most 20 levels
 * without a gap; *first and *n say which. */
static bool integers_run(const struct fit *fit, uint32_t *first, uint32_t *n)
{
    const struct column *column = table_column(fit->table, fit->target);
    uint32_t seen = 0, from, levels;

    if (!column->integer || !(column->min == 0 || column->min == 1) || !(column->max > column->min))
        return false;
    if (column->max - column->min >= CLASS_INTEGERS_MAX)
        return false;
    from = (uint32_t)column->min;
    levels = (uint32_t)(column->max - column->min) + 1;
    *first = from;
    *n = levels;
    for (uint64_t row = 0; row < table_n_rows(fit->table); row++) {
        float value = table_number(fit->table, fit->target, row);
        if (!isfinite(value))
            continue;
        if (value < (float)from || value > (float)(from + levels - 1))
            return false;
        seen |= 1u << ((uint32_t)value - from);
        if (column->type == COLUMN_BYTE && seen == (1u << levels) - 1)
            return true; /* no other value is within the column's range */
    }
    return seen == (1u << levels) - 1;
}

static bool task_choose(const struct fit *fit, enum task override, struct err *err)
{
    struct recipe *recipe = fit->recipe;
    const struct column *column = table_column(fit->table, fit->target);
    bool text = column->type == COLUMN_CATEGORY;
    uint32_t first, n;
    char name[80];

    text_cut(column->name, strlen(column->name), 40, name);
    recipe->task = override;
    if (override == TASK_REGRESSION && text) {
        err_set(err, ERR_INPUT,
                "regression needs numbers, and the target '%s' holds text such as \"%s\"; say "
                "\"task\":\"classification\"",
                name,
                column->n_levels ? text_cut(column->levels[0], strlen(column->levels[0]), 40, (char[80]){0})
                                 : "");
        return err_field(err, "task");
    }
    if (override != TASK_AUTO) {
        snprintf(recipe->task_reason, sizeof recipe->task_reason, "as asked");
    } else if (text) {
        recipe->task = TASK_CLASSIFICATION;
        snprintf(recipe->task_reason, sizeof recipe->task_reason, "%s holds text: classes", name);
    } else if (integers_run(fit, &first, &n)) {
        recipe->task = TASK_CLASSIFICATION;
        snprintf(recipe->task_reason, sizeof recipe->task_reason,
                 "%s holds %u integers from %u: classes; say \"task\":\"regression\" to change it", name, n,
                 first);
    } else {
        recipe->task = TASK_REGRESSION;
        snprintf(recipe->task_reason, sizeof recipe->task_reason,
                 "%s holds numbers: regression; say \"task\":\"classification\" to change it", name);
    }
    return true;
}

static bool class_limits(const struct fit *fit, uint32_t n, struct err *err)
{
    const char *name = table_name(fit->table, fit->target);
    char cut[80];

    text_cut(name, strlen(name), 60, cut);
    if (n == 0)
        err_set(err, ERR_INPUT,
                "the target '%s' holds no value in the training rows: there is nothing to learn", cut);
    else if (n < 2)
        err_set(err, ERR_INPUT,
                "the target '%s' holds the same value in the %llu training rows: there is nothing to learn",
                cut, (unsigned long long)fit->n_rows);
    else if (n > RECIPE_CLASSES_MAX)
        err_set(err, ERR_INPUT,
                "the target '%s' holds more than %d different values; classification takes at most that many",
                cut, RECIPE_CLASSES_MAX);
    else if ((n > 20 && n > fit->n_rows / 2) || (n >= DISTINCT_MIN && n == fit->n_rows))
        err_set(err, ERR_INPUT,
                "the target '%s' holds %u different values in %llu training rows: too few rows of each to be "
                "classes",
                cut, n, (unsigned long long)fit->n_rows);
    else
        return true;
    return err_at(err, 0, name);
}

static bool classes_alloc(struct recipe *recipe, uint32_t n, struct err *err)
{
    recipe->classes = calloc(n, sizeof *recipe->classes);
    if (!recipe->classes)
        return err_memory(err, "the target's classes");
    recipe->n_classes = n;
    return true;
}

static bool classes_fit_text(const struct fit *fit, struct err *err)
{
    const struct column *column = table_column(fit->table, fit->target);
    uint64_t n_present;
    uint32_t n = 0, at = 0;
    bool ok = false;
    uint64_t *counts = fit_count_levels(fit, fit->target, &n_present, &n, err);

    if (!counts || !class_limits(fit, n, err) || !classes_alloc(fit->recipe, n, err))
        goto out;
    for (uint32_t level = 0; level < column->n_levels; level++)
        if (counts[level] && !(fit->recipe->classes[at++] = strdup(column->levels[level]))) {
            err_memory(err, "the target's classes");
            goto out;
        }
    strings_sort(fit->recipe->classes, n);
    ok = true;
out:
    free(counts);
    return ok;
}

/* Put the value into the ascending list of those seen; false once there are
 * more than the limit. */
static bool values_insert(double *seen, uint32_t *n, double value)
{
    uint32_t low = 0, high = *n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seen[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < *n && seen[low] == value)
        return true;
    if (*n > RECIPE_CLASSES_MAX)
        return false;
    memmove(seen + low + 1, seen + low, (*n - low) * sizeof *seen);
    seen[low] = value;
    ++*n;
    return true;
}

/* As the file writes it, where it gives all numbers as many decimals. */
static void class_text(const struct column *column, double value, char text[NUMBER_TEXT_MAX])
{
    unsigned decimals = column_decimals(column);
    if (column->type == COLUMN_NUMBER)
        value = number_of_float((float)value);
    if (decimals == 0 || fabs(value) >= 1e12)
        number_text(value, text);
    else
        snprintf(text, NUMBER_TEXT_MAX, "%.*f", (int)decimals, value == 0 ? 0.0 : value);
}

static bool classes_fit_numbers(const struct fit *fit, struct err *err)
{
    const struct column *column = table_column(fit->table, fit->target);
    uint32_t most = column->type == COLUMN_BYTE ? (uint32_t)(column->max - column->min) + 1
                                                : UINT32_MAX; /* different values */
    double seen[RECIPE_CLASSES_MAX + 2];
    uint32_t n = 0;
    char text[NUMBER_TEXT_MAX];

    for (uint64_t i = 0; i < fit->n_rows && n < most; i++)
        if (!values_insert(seen, &n, table_value(fit->table, fit->target, fit->rows[i])))
            break;
    if (!class_limits(fit, n, err) || !classes_alloc(fit->recipe, n, err))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        class_text(column, seen[i], text);
        fit->recipe->classes[i] = strdup(text);
        if (!fit->recipe->classes[i])
            return err_memory(err, "the target's classes");
    }
    return true;
}

static bool regression_fit(const struct fit *fit, bool raw, struct err *err)
{
    struct summary summary;
    float *values = malloc(fit->n_rows * sizeof *values);

    if (!values)
        return err_memory(err, "the target's values");
    fit_gather(fit, fit->target, values);
    summary_floats(&summary, values, fit->n_rows);
    free(values);
    if (summary.n_present == 0 || !(summary.max > summary.min))
        return class_limits(fit, summary.n_present > 0, err);
    fit->recipe->target_mean = (float)summary.mean;
    fit->recipe->target_stddev = (float)summary.stddev;
    if (raw) {
        fit->recipe->target_mean = 0;
        fit->recipe->target_stddev = 1;
    }
    if (fit->recipe->target_stddev >= 1e-30f && fit->recipe->target_stddev <= 1e30f)
        return true;
    err_set(err, ERR_INPUT,
            "the target's values spread over %g, which single precision cannot learn; rescale the column",
            summary.stddev);
    return err_at(err, 0, table_name(fit->table, fit->target));
}

bool target_fit(struct fit *fit, const struct recipe_options *options, struct err *err)
{
    bool text = table_column(fit->table, fit->target)->type == COLUMN_CATEGORY;

    fit->recipe->target = strdup(table_name(fit->table, fit->target));
    if (!fit->recipe->target)
        return err_memory(err, "the target's name");
    if (!task_choose(fit, options->task, err))
        return false;
    if (fit->n_rows == 0)
        return class_limits(fit, 0, err);
    if (fit->recipe->task == TASK_REGRESSION)
        return regression_fit(fit, options->raw_target, err);
    return text ? classes_fit_text(fit, err) : classes_fit_numbers(fit, err);
}
