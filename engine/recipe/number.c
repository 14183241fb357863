/* Fitting number columns, bytes that are no picture too: standardised, by way
 * of a logarithm where few values make up the spread, and cut into pieces at
 * quantiles where there are rows enough to learn from each. Columns are
 * gathered in groups that bound the scratch. Threads: one call, one thread; the
 * table is only read. */
#define _POSIX_C_SOURCE 200809L
#include "recipe/fit.h"

#include <stdlib.h>

#define SPREAD_MIN 1e-30 /* below and above these a float's reciprocal is of no use */
#define SPREAD_MAX 1e30
#define TAIL_KURTOSIS 9.0   /* an exponential distribution's; a normal one has 3 */
#define TAIL_GAIN 2.0       /* how many times less it must be after the logarithm */
#define ORIGIN_SPREADS 1024 /* numbers this many times their deviation lose 10 of a float's 24 bits */
#define PIECE_ROWS 16       /* training rows for each piece of each column */
#define PIECES_LEAST 4      /* fewer say little more than the number itself */
#define PIECES_INPUTS 80    /* of all columns together */

static bool spread_usable(const struct summary *summary)
{
    return summary->stddev >= SPREAD_MIN && summary->stddev <= SPREAD_MAX;
}

/* Take the logarithm of the values, in place, where it is wished for or mends a
 * heavy tail; *summary is then of the logarithms. */
static bool log_fit(struct recipe_column *column, float *values, uint64_t n, bool wished,
                    struct summary *summary, struct err *err)
{
    struct summary of_logs;
    float unit = summary_size(values, n);

    if (!wished && summary->kurtosis < TAIL_KURTOSIS)
        return true;
    float *logs = malloc(n * sizeof *logs);
    if (!logs)
        return err_memory(err, "the values of a column");
    for (uint64_t i = 0; i < n; i++)
        logs[i] = number_log(values[i], unit);
    summary_floats(&of_logs, logs, n);
    if ((wished || of_logs.kurtosis * TAIL_GAIN < summary->kurtosis) && spread_usable(&of_logs) &&
        unit >= (float)SPREAD_MIN) {
        column->unit = unit;
        *summary = of_logs;
        memcpy(values, logs, n * sizeof *logs);
    }
    free(logs);
    return true;
}

/* Knots at the quantiles of the values, those that differ; none where they
 * leave less than two pieces. ERR_MEMORY. */
static bool knots_fit(struct recipe_column *column, const float *values, uint64_t n,
                      const struct summary *summary, uint32_t n_pieces, struct err *err)
{
    float knots[RECIPE_KNOTS_MAX];
    uint32_t n_knots = 0;

    for (uint32_t i = 0; i <= n_pieces; i++) {
        float knot =
            summary_rank(values, n, (uint64_t)((double)i / n_pieces * (double)(summary->n_present - 1)));
        if (n_knots == 0 || knot > knots[n_knots - 1])
            knots[n_knots++] = knot;
    }
    if (n_knots < 3)
        return true;
    column->knots = malloc(n_knots * sizeof *column->knots);
    if (!column->knots)
        return err_memory(err, "a column's knots");
    memcpy(column->knots, knots, n_knots * sizeof *knots);
    column->n_knots = n_knots;
    return true;
}

static bool standardise_fit(struct recipe_column *column, float *values, uint64_t n, struct summary *summary,
                            int override, uint32_t n_pieces, struct err *err)
{
    bool open = override == WISH_NONE;

    column->impute = (float)summary->median;
    column->indicator = summary->n_present < n;
    if ((open || override == ENCODING_LOG) && !log_fit(column, values, n, !open, summary, err))
        return false;
    column->offset = (float)summary->mean;
    column->scale = (float)(1.0 / summary->stddev);
    if (override == ENCODING_QUANTILE && n_pieces < PIECES_LEAST)
        n_pieces = PIECES_LEAST;
    if ((open || override == ENCODING_QUANTILE) && n_pieces >= PIECES_LEAST &&
        !knots_fit(column, values, n, summary, n_pieces, err))
        return false;
    column->encoding = column->n_knots > 0 ? ENCODING_QUANTILE
                       : column->unit > 0  ? ENCODING_LOG
                                           : ENCODING_STANDARDISE;
    return true;
}

/* values: (n), changed. */
static bool number_fit(struct recipe_column *column, float *values, uint64_t n, bool byte, int override,
                       uint32_t n_pieces, struct err *err)
{
    struct summary summary;

    summary_floats(&summary, values, n);
    double most = fmax(fabs(summary.min), fabs(summary.max));
    bool scale = override == ENCODING_SCALE || (override == WISH_NONE && byte && summary.min == 0);
    if (!note_present(summary.n_present, !(summary.max > summary.min), "training rows", column->note))
        column->encoding = ENCODING_IGNORE;
    else if (scale && most * (double)SCALE_MAX >= 1)
        column_scale(column, (float)(1.0 / most), (float)summary.median);
    else if (!spread_usable(&summary))
        column_ignore(column, "left out: its spread, %g, is out of reach of single precision",
                      summary.stddev);
    else
        return standardise_fit(column, values, n, &summary, override, n_pieces, err);
    return true;
}

/* Large numbers close together, of which floats would tell few apart: seconds
 * since 1970, days written as one integer. They are taken from a number among
 * them, as the table knows it. */
static double origin_choose(const struct column *column, int override)
{
    double most = fmax(fabs(column->min), fabs(column->max));
    bool taken_as_it_is = override == ENCODING_SCALE || override == ENCODING_LOG;

    if (column->type == COLUMN_BYTE || taken_as_it_is || !(column->stddev > 0) || !isfinite(most) ||
        !(most > ORIGIN_SPREADS * column->stddev))
        return 0;
    return column->integer ? floor(column->mean + 0.5) : column->mean;
}

static float number_at(const struct fit *fit, uint32_t feature, uint32_t row)
{
    uint32_t index = table_index(fit, feature);
    const struct column *column = table_column(fit->table, index);
    double origin = fit->recipe->columns[feature].origin;

    if (origin == 0)
        return table_number(fit->table, index, row);
    return (float)(recipe_value(column->type, table_records(fit->table) +
                                                  (uint64_t)row * table_record_bytes(fit->table) +
                                                  column->offset) -
                   origin);
}

/* A group of columns, gathered row by row, so that a table larger than memory
 * is passed few times. */
static bool group_fit(const struct fit *fit, const uint32_t *features, uint32_t n, uint32_t n_pieces,
                      float *scratch, struct err *err)
{
    bool ok = true;

    for (uint32_t k = 0; k < n; k++)
        fit->recipe->columns[features[k]].origin = origin_choose(
            table_column(fit->table, table_index(fit, features[k])), fit->overrides[features[k]]);
    for (uint64_t i = 0; i < fit->n_rows; i++)
        for (uint32_t k = 0; k < n; k++)
            scratch[k * fit->n_rows + i] = number_at(fit, features[k], fit->rows[i]);
    for (uint32_t k = 0; ok && k < n; k++)
        ok = stop_check(fit->stop, err) &&
             number_fit(&fit->recipe->columns[features[k]], scratch + k * fit->n_rows, fit->n_rows,
                        feature_type(fit, features[k]) == COLUMN_BYTE, fit->overrides[features[k]], n_pieces,
                        err);
    return ok;
}

static bool is_number(const struct fit *fit, uint32_t feature)
{
    enum column_type type = feature_type(fit, feature);
    return column_type_is_number(type) && is_open(&fit->recipe->columns[feature]);
}

/* Pieces of each column that the rows can teach. */
static uint32_t pieces_count(const struct fit *fit, uint32_t n_columns)
{
    uint64_t rows = fit->n_rows / ((uint64_t)PIECE_ROWS * (n_columns + 1)),
             inputs = PIECES_INPUTS / (n_columns + 1);
    uint64_t n = rows < inputs ? rows : inputs;
    return n < RECIPE_KNOTS_MAX - 1 ? (uint32_t)n : RECIPE_KNOTS_MAX - 1;
}

bool numbers_fit(const struct fit *fit, struct err *err)
{
    size_t most = SCRATCH_BYTES / sizeof(float) / fit->n_rows;
    uint32_t group = most == 0 ? 1 : most > 16 ? 16 : (uint32_t)most, n = 0, n_columns = 0, features[16];
    float *scratch = NULL;
    bool ok = true;

    for (uint32_t c = 0; c < fit->recipe->n_columns; c++)
        n_columns += is_number(fit, c);
    for (uint32_t c = 0; ok && c < fit->recipe->n_columns; c++) {
        if (!is_number(fit, c))
            continue;
        if (!scratch && !(scratch = malloc(group * fit->n_rows * sizeof *scratch)))
            return err_memory(err, "the values of some columns");
        features[n++] = c;
        if (n < group)
            continue;
        ok = group_fit(fit, features, n, pieces_count(fit, n_columns), scratch, err);
        n = 0;
    }
    ok = ok && (n == 0 || group_fit(fit, features, n, pieces_count(fit, n_columns), scratch, err));
    free(scratch);
    return ok;
}
