/* Figures of a table's columns of numbers: quartiles, a histogram, distinct
 * values, of all rows or of a sample where there are many. No state; a call reads
 * up to a million rows and belongs on a service thread. */
#ifndef MLPD_DATASETS_FIGURES_H
#define MLPD_DATASETS_FIGURES_H

#include "mlp/table.h"

#define PROFILE_ROWS_MAX 1000000  /* rows that quartiles, histograms and distinct numbers are taken from */
#define PROFILE_WORK_MAX 64000000 /* bounds rows times columns: a byte column counts 1, a number column 8 */
#define PROFILE_BINS 20

/* Which rows are looked at: all, or blocks spread evenly over the table. */
struct sample {
    uint64_t n_rows, n_all;
};

/* The least or the greatest value of a column, how often it stands there, and
 * the value next to it. */
struct extreme {
    double value, next;
    uint64_t n;
};

/* What is found out of one column of numbers, its values coming in ascending
 * order. */
struct figures {
    uint64_t n, n_seen, n_distinct;
    double from, to;
    uint64_t bins[PROFILE_BINS];
    uint64_t ranks[3][2]; /* of the values on both sides of each quartile */
    double at[3][2];
    double share[3]; /* of the way from the one to the other */
    struct extreme least, greatest;
};

/* The rows of a table that are looked at. */
struct sample sample_choose(const struct table *table);
/* Every column's figures, (n_columns), zero where it is none of numbers; the
 * caller frees them. NULL: out of memory. */
struct figures *figures_of_table(const struct table *table, const struct sample *sample);
/* Quartile i + 1, interpolated between its two values. */
double figures_quartile(const struct figures *figures, int i);
/* The column's extreme that many write for a missing value: nines, at least two
 * (-999, 9999), or the least integer of 16 or 32 bits; farther from the other
 * values than these from each other, and in two rows or more where it is not
 * negative. NULL: there is none. */
const struct extreme *figures_perhaps_missing(const struct figures *figures);

#endif
