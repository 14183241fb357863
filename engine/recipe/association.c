/* How much a column tells about another. See mlp/association.h. */
#include "mlp/association.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX (4u << 20) /* of a table of levels by levels */

/* Two columns, and which rows are looked at. */
struct pair {
    const struct table *table;
    uint32_t a, b;
    uint64_t n_rows, n_all; /* looked at, of all */
};

static uint64_t pair_row(const struct pair *pair, uint64_t i)
{
    return pair->n_rows == pair->n_all ? i
                                       : (uint64_t)((double)pair->n_all / (double)pair->n_rows * (double)i);
}

static bool is(const struct pair *pair, uint32_t column, enum column_type type)
{
    return table_column(pair->table, column)->type == type;
}

static double number_at(const struct pair *pair, uint32_t column, uint64_t row)
{
    double value = is(pair, column, COLUMN_DATE) ? table_date(pair->table, column, row)
                                                 : table_value(pair->table, column, row);
    return isfinite(value) ? value : NAN;
}

/* Means first, so that large values with little between them lose nothing. */
static double pearson(const struct pair *pair)
{
    double n = 0, mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t i = 0; i < pair->n_rows; i++) {
            double a = number_at(pair, pair->a, pair_row(pair, i)),
                   b = number_at(pair, pair->b, pair_row(pair, i));
            if (isnan(a) || isnan(b))
                continue;
            if (pass == 0) {
                n++;
                mean_a += (a - mean_a) / n;
                mean_b += (b - mean_b) / n;
                continue;
            }
            aa += (a - mean_a) * (a - mean_a);
            bb += (b - mean_b) * (b - mean_b);
            ab += (a - mean_a) * (b - mean_b);
        }
    }
    return aa > 0 && bb > 0 ? fabs(ab) / sqrt(aa * bb) : NAN;
}

/* Of a category, in correlation_ratio. */
struct level_sum {
    double n, sum;
};

/* eta = sqrt(squares between the levels' means / all squares); a is the
 * category. */
static double correlation_ratio(const struct pair *pair, struct err *err)
{
    uint32_t n_levels = table_column(pair->table, pair->a)->n_levels;
    struct level_sum *levels = calloc((size_t)n_levels + 1, sizeof *levels);
    double n = 0, mean = 0, all = 0, between = 0;
    if (!levels) {
        err_memory(err, "the levels");
        return NAN;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t i = 0; i < pair->n_rows; i++) {
            uint32_t level = table_level(pair->table, pair->a, pair_row(pair, i));
            double b = number_at(pair, pair->b, pair_row(pair, i));
            if (level >= n_levels || isnan(b))
                continue;
            if (pass == 0) {
                n++;
                mean += (b - mean) / n;
                continue;
            }
            levels[level].n++;
            levels[level].sum += b - mean;
            all += (b - mean) * (b - mean);
        }
    }
    uint32_t n_seen = 0;
    for (uint32_t level = 0; level < n_levels; level++)
        if (levels[level].n > 0) {
            between += levels[level].sum * levels[level].sum / levels[level].n;
            n_seen++;
        }
    free(levels);
    return all > 0 && n_seen > 1 ? sqrt(fmin(between / all, 1)) : NAN;
}

static uint32_t count_used(const uint64_t *counts, uint32_t n)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < n; i++)
        used += counts[i] > 0;
    return used;
}

/* V = sqrt(chi² / (n (min(levels) - 1))), chi² / n = sum of n_ab² / (n_a n_b)
 * less 1. */
static double cramer(const struct pair *pair, struct err *err)
{
    uint32_t n_a = table_column(pair->table, pair->a)->n_levels,
             n_b = table_column(pair->table, pair->b)->n_levels;
    if (n_a == 0 || n_b == 0 || n_a > CELLS_MAX / n_b)
        return NAN;
    uint64_t *cells = calloc((size_t)n_a * n_b + n_a + n_b, sizeof *cells);
    if (!cells) {
        err_memory(err, "the levels");
        return NAN;
    }
    uint64_t *as = cells + (size_t)n_a * n_b, *bs = as + n_a;
    for (uint64_t i = 0; i < pair->n_rows; i++) {
        uint64_t row = pair_row(pair, i);
        uint32_t a = table_level(pair->table, pair->a, row), b = table_level(pair->table, pair->b, row);
        if (a >= n_a || b >= n_b)
            continue;
        cells[(size_t)a * n_b + b]++;
        as[a]++;
        bs[b]++;
    }
    double sum = -1;
    for (uint32_t a = 0; a < n_a; a++)
        for (uint32_t b = 0; b < n_b; b++) {
            double cell = (double)cells[(size_t)a * n_b + b];
            if (cell > 0)
                sum += cell / (double)as[a] * (cell / (double)bs[b]);
        }
    uint32_t used_a = count_used(as, n_a), used_b = count_used(bs, n_b),
             least = used_a < used_b ? used_a : used_b;
    free(cells);
    return least > 1 ? sqrt(fmin(fmax(sum, 0) / (least - 1), 1)) : NAN;
}

static double pair_association(struct pair *pair, struct err *err)
{
    bool a = is(pair, pair->a, COLUMN_CATEGORY), b = is(pair, pair->b, COLUMN_CATEGORY);
    if (is(pair, pair->a, COLUMN_TEXT) || is(pair, pair->b, COLUMN_TEXT))
        return NAN;
    if (!a && !b)
        return pearson(pair);
    if (a && b)
        return cramer(pair, err);
    if (b) {
        uint32_t category = pair->b;
        pair->b = pair->a;
        pair->a = category;
    }
    return correlation_ratio(pair, err);
}

bool table_association(const struct table *table, uint32_t target, double *association,
                       const atomic_bool *stop, struct err *err)
{
    uint32_t n_columns = table_n_columns(table);
    uint64_t n_all = table_n_rows(table), most = ASSOCIATION_WORK_MAX / n_columns;
    struct err failed = {0};
    if (most > ASSOCIATION_ROWS_MAX)
        most = ASSOCIATION_ROWS_MAX;
    for (uint32_t i = 0; i < n_columns && failed.code == ERR_OK; i++) {
        struct pair pair = {.table = table,
                            .a = target,
                            .b = i,
                            .n_all = n_all,
                            .n_rows = n_all < most ? n_all
                                      : most       ? most
                                                   : 1};
        if (stop_check(stop, &failed))
            association[i] = pair_association(&pair, &failed);
    }
    if (failed.code == ERR_OK)
        return true;
    *err = failed;
    return false;
}

uint64_t table_association_bytes(const struct table *table, uint32_t target)
{
    const struct column *b = table_column(table, target);
    uint64_t most = ((uint64_t)b->n_levels + 1) * sizeof(struct level_sum);
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const struct column *a = table_column(table, i);
        uint64_t n_cells = (uint64_t)a->n_levels * b->n_levels;
        uint64_t levels = ((uint64_t)a->n_levels + 1) * sizeof(struct level_sum),
                 cells = n_cells <= CELLS_MAX ? (n_cells + a->n_levels + b->n_levels) * sizeof(uint64_t) : 0;
        most = levels > most ? levels : most;
        most = cells > most ? cells : most;
    }
    return most;
}
