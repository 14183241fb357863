/* Warnings about a training's data. One call, one thread; the table is only
 * read. */
#include "mlp/warning.h"
#include "recipe/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMBALANCE_RATIO 10
#define LEAK_ROWS_MIN 50
#define LEAK_ROWS_MAX 10000
#define LEAK_VALUES_MAX 2000000 /* looked at, of all columns together */
#define LEAK_ERROR 0.01 /* share of rows, or of the variance, that a leaking column leaves unexplained */
#define LEAK_GAIN 0.1   /* and at most this part of what guessing without it leaves */
#define GROUPS 64

/* One warning a column whose note `match` finds, the last of many for all the
 * others. */
static void columns_warn(struct warnings *warnings, const struct recipe *recipe, enum warning_code code,
                         bool (*match)(const char *note))
{
    uint32_t n = 0, n_warned = 0;
    for (uint32_t c = 0; c < recipe->n_columns; c++)
        n += match(recipe->columns[c].note);
    for (uint32_t c = 0; c < recipe->n_columns && n_warned < WARNINGS_OF_CODE; c++) {
        const struct recipe_column *column = &recipe->columns[c];
        char cut[80];
        if (!match(column->note))
            continue;
        n_warned++;
        text_cut(column->name, strlen(column->name), 60, cut);
        if (n_warned == WARNINGS_OF_CODE && n > n_warned)
            warnings_add(warnings, code, column->name, "The column %s and %u more are %s.", cut, n - n_warned,
                         column->note);
        else
            warnings_add(warnings, code, column->name, "The column %s is %s.", cut, column->note);
    }
}

/* ---- classes ---- */

/* Rows of each class, (n_classes). NULL: out of memory. */
static uint64_t *class_counts(const struct rows *rows, uint32_t n_classes)
{
    uint64_t *counts = calloc(n_classes, sizeof *counts);
    for (uint64_t i = 0; counts != NULL && i < rows->n_rows; i++) {
        int32_t class = binding_class(rows->binding, rows->rows[i]);
        if (class >= 0 && (uint32_t) class < n_classes)
            counts[class]++;
    }
    return counts;
}

static void imbalance_warn(struct warnings *warnings, const struct recipe *recipe, const uint64_t *counts,
                           uint64_t n_rows)
{
    uint32_t least = 0, most = 0;
    char rare[80], common[80];
    for (uint32_t c = 1; c < recipe->n_classes; c++) {
        least = counts[c] < counts[least] ? c : least;
        most = counts[c] > counts[most] ? c : most;
    }
    if (counts[most] < IMBALANCE_RATIO * counts[least])
        return;
    warnings_add(warnings, WARNING_IMBALANCE, recipe->target,
                 "%.3g %% of the training rows are %s, %.3g %% are %s: accuracy says little about the rare "
                 "one. Look at macro_f1, and try "
                 "\"class_weight\":\"balanced\".",
                 100.0 * (double)counts[most] / (double)n_rows,
                 text_cut(recipe->classes[most], strlen(recipe->classes[most]), 40, common),
                 100.0 * (double)counts[least] / (double)n_rows,
                 text_cut(recipe->classes[least], strlen(recipe->classes[least]), 40, rare));
}

/* Classes of which a part has no row. */
static void small_warn(struct warnings *warnings, const struct recipe *recipe, const uint64_t *trained,
                       const struct rows *part, const char *part_name)
{
    uint64_t *counts = part->n_rows > 0 ? class_counts(part, recipe->n_classes) : NULL;
    uint32_t n = 0, first = 0;
    char cut[80];
    for (uint32_t c = 0; counts != NULL && c < recipe->n_classes; c++) {
        if (counts[c] == 0 && n++ == 0)
            first = c;
    }
    if (n > 0) {
        char others[48] = "";
        if (n > 1)
            snprintf(others, sizeof others, ", nor of %u other classes", n - 1);
        text_cut(recipe->classes[first], strlen(recipe->classes[first]), 60, cut);
        warnings_add(
            warnings, WARNING_SMALL_CLASS, recipe->target,
            "No %s row is of the class %s, which has %llu training rows%s: the scores say nothing about it.",
            part_name, cut, (unsigned long long)trained[first], others);
    }
    free(counts);
}

static void classes_warn(struct warnings *warnings, const struct recipe *recipe, const struct rows *train,
                         const struct rows *validation, const struct rows *test)
{
    uint64_t *counts = class_counts(train, recipe->n_classes);
    if (counts == NULL)
        return;
    imbalance_warn(warnings, recipe, counts, train->n_rows);
    small_warn(warnings, recipe, counts, validation, "validation");
    small_warn(warnings, recipe, counts, test, "test");
    free(counts);
}

/* ---- columns that give the target away ---- */

/* A row's value of a column, and its target: class, or number. */
struct pair {
    float value, target;
};

static int pair_compare(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? 1 : -1;
    return (x->target > y->target) - (x->target < y->target);
}

/* What rows of one group leave unexplained by it: those not of its most
 * frequent class, or the squares about its mean. */
static double group_cost(const struct pair *pairs, uint64_t n, uint32_t n_classes)
{
    uint32_t counts[RECIPE_CLASSES_MAX] = {0}, most = 0;
    double mean = 0, squares = 0;
    for (uint64_t i = 0; n_classes > 0 && i < n; i++) {
        uint32_t count = ++counts[(uint32_t)pairs[i].target];
        most = count > most ? count : most;
    }
    if (n_classes > 0)
        return (double)(n - most);
    for (uint64_t i = 0; i < n; i++)
        mean += (double)pairs[i].target / (double)n;
    for (uint64_t i = 0; i < n; i++)
        squares += ((double)pairs[i].target - mean) * ((double)pairs[i].target - mean);
    return squares;
}

/* Whether the group [first, end) goes on with the next row: it is too small to
 * mean something, the value is the same, or so far all are of the next row's
 * class. */
static bool group_grows(const struct pair *pairs, uint64_t first, uint64_t end, uint64_t least, bool pure)
{
    return end - first < least || pairs[end].value == pairs[end - 1].value ||
           (pure && pairs[end].target == pairs[first].target);
}

/* The cost of guessing from the group of rows of like value. */
static double groups_cost(struct pair *pairs, uint64_t n, uint32_t n_classes)
{
    uint64_t least = n / GROUPS < 10 ? 10 : n / GROUPS;
    double cost = 0;
    qsort(pairs, n, sizeof *pairs, pair_compare);
    for (uint64_t first = 0, end; first < n; first = end) {
        bool pure = n_classes > 0;
        for (end = first + 1; end < n && group_grows(pairs, first, end, least, pure); end++)
            pure = pure && pairs[end].target == pairs[first].target;
        if (n - end < least) /* too few are left to be a group */
            end = n;
        cost += group_cost(pairs + first, end - first, n_classes);
    }
    return cost;
}

/* What some rows hold: a column after the other, and the target. */
struct sample {
    uint64_t n;
    float *values;  /* (n_columns, n): NaN where missing */
    float *targets; /* (n): class, or number */
};

static float sample_value(const struct table *table, uint32_t column, uint32_t row)
{
    if (table_column(table, column)->type != COLUMN_CATEGORY)
        return table_number(table, column, row);
    uint32_t level = table_level(table, column, row);
    return level == TABLE_MISSING ? NAN : (float)level;
}

/* Row by row: a table larger than memory is passed over once, not for each
 * column. False: out of memory, or nothing to look at. */
static bool sample_take(struct sample *sample, const struct recipe *recipe, const struct table *table,
                        const struct rows *rows)
{
    uint32_t n_columns = recipe->n_columns;
    uint64_t n = LEAK_VALUES_MAX / (n_columns > 0 ? n_columns : 1);
    n = n > LEAK_ROWS_MAX ? LEAK_ROWS_MAX : n;
    sample->n = n > rows->n_rows ? rows->n_rows : n;
    if (recipe->bytes || sample->n < LEAK_ROWS_MIN) /* pixels give nothing away */
        return false;
    int64_t *columns = malloc(n_columns * sizeof *columns);
    sample->values = malloc(sample->n * n_columns * sizeof *sample->values);
    sample->targets = malloc(sample->n * sizeof *sample->targets);
    bool ok = columns != NULL && sample->values != NULL && sample->targets != NULL;
    for (uint32_t c = 0; ok && c < n_columns; c++)
        columns[c] =
            recipe->columns[c].encoding == ENCODING_IGNORE ? -1 : table_find(table, recipe->columns[c].name);
    for (uint64_t i = 0; ok && i < sample->n; i++) {
        uint32_t row = rows->rows[rows_spread(i, sample->n, rows->n_rows)];
        for (uint32_t c = 0; c < n_columns; c++)
            sample->values[c * sample->n + i] =
                columns[c] < 0 ? NAN : sample_value(table, (uint32_t)columns[c], row);
        bool classes = recipe->task == TASK_CLASSIFICATION;
        sample->targets[i] =
            classes ? (float)binding_class(rows->binding, row) : binding_value(rows->binding, row);
    }
    free(columns);
    return ok;
}

static uint64_t pairs_fill(struct pair *pairs, const struct sample *sample, uint32_t column)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < sample->n; i++)
        if (isfinite(sample->values[column * sample->n + i]))
            pairs[n++] = (struct pair){sample->values[column * sample->n + i], sample->targets[i]};
    return n;
}

static void leak_warn(struct warnings *warnings, const struct recipe *recipe,
                      const struct recipe_column *column, double cost, double all, uint64_t n)
{
    char cut[80], target[80];
    text_cut(column->name, strlen(column->name), 60, cut);
    text_cut(recipe->target, strlen(recipe->target), 60, target);
    if (recipe->task == TASK_CLASSIFICATION)
        warnings_add(warnings, WARNING_LEAKING_COLUMN, column->name,
                     "The column %s alone tells %s for %.4g %% of the rows. If it is not known before %s is, "
                     "put it into \"ignore\".",
                     cut, target, 100 * (1 - cost / (double)n), target);
    else
        warnings_add(warnings, WARNING_LEAKING_COLUMN, column->name,
                     "The column %s alone explains %.4g %% of how %s varies. If it is not known before %s "
                     "is, put it into \"ignore\".",
                     cut, 100 * (1 - cost / all), target, target);
}

/* Whether the column leaves next to nothing of the target open. */
static void leak_look(struct warnings *warnings, const struct recipe *recipe,
                      const struct recipe_column *column, struct pair *pairs, uint64_t n)
{
    uint32_t n_classes = recipe->task == TASK_CLASSIFICATION ? recipe->n_classes : 0;
    if (n < LEAK_ROWS_MIN)
        return;
    double all = group_cost(pairs, n, n_classes), cost = groups_cost(pairs, n, n_classes);
    if (all > 0 && cost <= LEAK_GAIN * all && cost <= LEAK_ERROR * (n_classes > 0 ? (double)n : all))
        leak_warn(warnings, recipe, column, cost, all, n);
}

static void leaks_warn(struct warnings *warnings, const struct recipe *recipe, const struct table *table,
                       const struct rows *train)
{
    struct sample sample = {0};
    uint64_t before = warnings->n;
    struct pair *pairs = sample_take(&sample, recipe, table, train) ? malloc(sample.n * sizeof *pairs) : NULL;
    for (uint32_t c = 0; pairs != NULL && c < recipe->n_columns && warnings->n - before < WARNINGS_OF_CODE;
         c++)
        leak_look(warnings, recipe, &recipe->columns[c], pairs, pairs_fill(pairs, &sample, c));
    free(pairs);
    free(sample.values);
    free(sample.targets);
}

void warnings_of_data(struct warnings *warnings, const struct recipe *recipe, const struct table *table,
                      const struct rows *train, const struct rows *validation, const struct rows *test)
{
    columns_warn(warnings, recipe, WARNING_CONSTANT_COLUMN, note_is_constant);
    columns_warn(warnings, recipe, WARNING_ID_LIKE_COLUMN, note_is_id);
    leaks_warn(warnings, recipe, table, train);
    if (recipe->task == TASK_CLASSIFICATION)
        classes_warn(warnings, recipe, train, validation, test);
}
