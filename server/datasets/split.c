/* A dataset's rows dealt to two new datasets, each as an upload of its rows
 * would be. */
#include "datasets/split.h"

#include "base/ledger.h"
#include "mlp/compose.h"
#include "mlp/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 1000 /* different values of a column to deal by */

/* Which group a row belongs to: its value in the column. */
struct groups {
    const struct table *table;
    int64_t column; /* -1: one group */
    double values[GROUPS_MAX + 1];
    uint32_t n; /* of values, ascending; categories: of levels */
    bool category;
};

static uint32_t value_find(const struct groups *groups, double value)
{
    uint32_t low = 0, high = groups->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (groups->values[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last group is that of missing values. */
static uint32_t group_of(const struct groups *groups, uint64_t row)
{
    if (groups->column < 0)
        return 0;
    if (groups->category) {
        uint32_t level = table_level(groups->table, (uint32_t)groups->column, row);
        return level < groups->n ? level : groups->n;
    }
    double value = table_value(groups->table, (uint32_t)groups->column, row);
    return isnan(value) ? groups->n : value_find(groups, value);
}

static bool groups_fail(struct err *err, const char *what, const char *column)
{
    err_set(err, ERR_INPUT, "\"stratify\": %s '%.60s'", what, column);
    return err_field(err, "stratify");
}

static bool groups_init(struct groups *groups, const struct table *table, const char *name, struct err *err)
{
    *groups = (struct groups){.table = table, .column = name ? table_find(table, name) : -1};
    if (!name)
        return true;
    if (groups->column < 0)
        return groups_fail(err, "there is no column", name);
    const struct column *column = table_column(table, (uint32_t)groups->column);
    groups->category = column->type == COLUMN_CATEGORY;
    if (groups->category)
        groups->n = column->n_levels;
    if (column->type == COLUMN_DATE || column->type == COLUMN_TEXT || groups->n > GROUPS_MAX)
        return groups_fail(err, "expected a column of classes, not", name);
    for (uint64_t row = 0; row < table_n_rows(table) && !groups->category; row++) {
        double value = table_value(table, (uint32_t)groups->column, row);
        uint32_t at = isnan(value) ? groups->n : value_find(groups, value);
        if (isnan(value) || (at < groups->n && groups->values[at] == value))
            continue;
        if (groups->n == GROUPS_MAX)
            return groups_fail(err, "expected a column of classes, and there are more than 1,000 values in",
                               name);
        memmove(groups->values + at + 1, groups->values + at, (groups->n - at) * sizeof *groups->values);
        groups->values[at] = value;
        groups->n++;
    }
    return true;
}

/* parts[row] is 0 or 1: of each group the first rows in a drawn order go to
 * part 1. */
static bool parts_deal(const struct groups *groups, const struct split *split, uint8_t *parts,
                       struct err *err)
{
    uint64_t n_rows = table_n_rows(groups->table);
    uint64_t *left = calloc((size_t)groups->n + 1, sizeof *left);
    uint32_t *order = malloc((n_rows + 1) * sizeof *order);
    bool ok = (left && order) || err_memory(err, "the split of the rows");
    for (uint64_t row = 0; ok && row < n_rows; row++)
        left[group_of(groups, row)]++;
    for (uint32_t i = 0; ok && i <= groups->n; i++)
        left[i] = (uint64_t)llround(split->share * (double)left[i]);
    if (ok)
        rows_shuffle(order, n_rows, split->seed);
    uint64_t n = 0;
    for (uint64_t i = 0; ok && i < n_rows; i++) {
        uint64_t *quota = &left[group_of(groups, order[i])];
        parts[order[i]] = *quota > 0;
        *quota -= *quota > 0;
        n += parts[order[i]];
    }
    if (ok && (n == 0 || n == n_rows)) {
        ok = err_set(err, ERR_INPUT, "\"share\": of %llu rows that leaves one part empty",
                     (unsigned long long)n_rows);
        err_field(err, "share");
    }
    free(left);
    free(order);
    return ok;
}

/* Which row goes where. */
struct deal {
    struct datasets *datasets;
    const struct table *table;
    const struct split *split;
    uint8_t *parts; /* (table's rows): 0 or 1 */
};

/* One of the two. */
struct dealt {
    const struct deal *deal;
    uint8_t number;
};

static bool part_make(void *self, const char *path, struct err *err)
{
    const struct dealt *part = self;
    struct table_rows rows = {part->deal->table, part->deal->parts, part->number};
    return table_compose(&rows, 1, path, part->deal->split->stop, err);
}

/* Ends the upload where it fails. */
static bool part_stage(const struct deal *deal, uint8_t number, struct upload *upload, struct err *err)
{
    struct dealt dealt = {deal, number};
    return datasets_stage_table(upload, &(struct table_maker){part_make, &dealt}, err);
}

/* Both become datasets in one transaction. */
static bool parts_make(const struct deal *deal, struct dataset_info infos[2], struct err *err)
{
    struct upload *uploads[2] = {datasets_begin(deal->datasets, deal->split->names[0], false, err)};
    if (uploads[0])
        uploads[1] = datasets_begin(deal->datasets, deal->split->names[1], false, err);
    for (uint8_t i = 0; uploads[1] && i < 2; i++) {
        if (part_stage(deal, i, uploads[i], err))
            continue;
        uploads[i] = NULL;
        datasets_abort(uploads[1 - i]);
        return false;
    }
    if (!uploads[1]) {
        datasets_abort(uploads[0]);
        return false;
    }
    return datasets_publish(uploads, 2, infos, err);
}

#define COMPOSE_BYTES                                                                                        \
    ((uint64_t)4 << 20) /* of a table that is written: a group of rows, and what is counted */

/* What it takes: a part and a place in the order a row, the levels' new
 * numbers. */
static uint64_t bytes_needed(const struct table *table)
{
    uint64_t bytes =
        sizeof(struct groups) + (table_n_rows(table) + 1) * (1 + sizeof(uint32_t)) + COMPOSE_BYTES;
    for (uint32_t i = 0; i < table_n_columns(table); i++)
        bytes += ((uint64_t)table_column(table, i)->n_levels + 1) * sizeof(uint32_t);
    return bytes;
}

static bool table_split(struct deal *deal, struct dataset_info infos[2], struct err *err)
{
    const struct table *table = deal->table;
    const struct split *split = deal->split;
    uint64_t n_rows = table_n_rows(table);
    if (n_rows >= UINT32_MAX)
        return err_set(err, ERR_LIMIT, "the dataset has more rows than can be split (%u)", UINT32_MAX - 1);
    struct groups *groups = malloc(sizeof *groups);
    deal->parts = malloc(n_rows + 1);
    bool ok = (groups && deal->parts) || err_memory(err, "the split of the rows");
    ok = ok && (!split->stratify || table_check(table, 0, n_rows, err)) &&
         groups_init(groups, table, split->stratify, err) && parts_deal(groups, split, deal->parts, err) &&
         parts_make(deal, infos, err);
    free(groups);
    free(deal->parts);
    return ok;
}

bool split_dataset(struct datasets *datasets, const char *name, const struct split *split,
                   struct dataset_info infos[2], struct err *err)
{
    struct claim none = {0}, *claim = split->claim ? split->claim : &none;
    struct table *table = datasets_table(datasets, name, NULL, err);
    struct deal deal = {.datasets = datasets, .table = table, .split = split};
    uint64_t bytes = table ? bytes_needed(table) : 0;
    bool ok = false;
    if (table && claim_take(claim, bytes, err)) {
        ok = table_split(&deal, infos, err);
        claim_give(claim, bytes);
    }
    table_unref(table);
    return ok;
}
