/* Dates as inputs: how long ago, year, month around the year, weekday, time
 * around the day. Threads: any. */
#include "base/elementary.h"
#include "recipe/fit.h"

#include <stdlib.h>

#define DAYS_A_YEAR 365.2425
#define TURN 6.283185307179586 /* once around */

/* A point on the circle. */
static void point_encode(double angle, float x[2])
{
    double sine, cosine;
    elementary_sincos(angle, &sine, &cosine);
    x[0] = (float)sine;
    x[1] = (float)cosine;
}

/* As it is when it is not missing. */
static void date_encode(const struct recipe_column *column, double value, float *x)
{
    struct date_parts parts = date_split(value);
    double days = value / DATE_DAY;
    double years = (parts.year - (1970 + (double)column->offset / DAYS_A_YEAR)) * DAYS_A_YEAR;

    x[0] = input_clamp((float)((days - (double)column->offset) * (double)column->scale));
    x[1] = input_clamp((float)(years * (double)column->scale));
    point_encode(TURN * (parts.month - 1) / 12, x + 2);
    for (int weekday = 0; weekday < 7; weekday++)
        x[4 + weekday] = weekday == parts.weekday;
    if (column->time)
        point_encode(TURN * parts.seconds / DATE_DAY, x + 11);
}

void column_encode_date(const struct recipe_column *column, double value, float *x)
{
    bool missing = !(value >= DATE_VALUE_MIN && value <= DATE_VALUE_MAX);

    x += column->first_input;
    date_encode(column, missing ? (double)column->impute * DATE_DAY : value, x);
    if (column->indicator)
        x[column->n_inputs - 1] = missing ? 1.0f : 0.0f;
}

bool date_fit(const struct fit *fit, uint32_t index, struct recipe_column *column, struct err *err)
{
    struct summary summary;
    float *days = malloc(fit->n_rows * sizeof *days);

    if (!days)
        return err_memory(err, "a column's dates");
    column->date = table_column(fit->table, index)->date;
    for (uint64_t i = 0; i < fit->n_rows; i++) {
        double value = table_date(fit->table, index, fit->rows[i]);
        days[i] = (float)(value / DATE_DAY);
        column->time = column->time || (!isnan(value) && date_split(value).seconds > 0);
    }
    summary_floats(&summary, days, fit->n_rows);
    free(days);
    if (!note_present(summary.n_present, !(summary.max > summary.min), "training rows", column->note)) {
        column->encoding = ENCODING_IGNORE;
        return true;
    }
    column->encoding = ENCODING_DATE;
    column->offset = (float)summary.mean;
    column->scale = (float)(1.0 / summary.stddev);
    column->impute = (float)summary.median;
    column->indicator = summary.n_present < fit->n_rows;
    return true;
}
