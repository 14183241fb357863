/* Dates and times as texts: ISO 8601 (2024-03-01, 2024-03-01T12:30:00Z) and the
 * same parts with '-', '/' or '.' in another order (01.03.2024, 3/1/2024 2:30
 * PM, 3/1/24), and English names of months (1 Mar 2024, 01-Mar-24, March 1,
 * 2024). Which order is meant where both are possible, a whole column decides.
 * Years of two digits are 1969 to 2068. A zone other than UTC goes with ISO's
 * order and with names of months only. A leap second is the second before it.
 *
 * A date's value is the number of its seconds since 1970-01-01T00:00:00Z; NaN
 * stands for a missing one. A time without a zone counts as UTC. Pure
 * functions: any thread. */
#ifndef MLP_DATE_H
#define MLP_DATE_H

#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

enum date_order { DATE_YMD, DATE_DMY, DATE_MDY, DATE_ORDERS };
#define DATE_TEXT_MAX 40
#define DATE_DAY 86400.0 /* seconds */

/* How a column writes its dates. */
struct date_format {
    enum date_order order;
    char separator;
    bool either; /* day and month might as well change places in every value */
};

/* The orders in which the text, blanks around it aside, is a date: bits 1 <<
 * order, 0 where it is none; the value for each. */
uint32_t date_read(const char *text, size_t length, double values[DATE_ORDERS]);
/* The format that a column of dates has whose every value reads in these
 * orders, some value being `text`. Where day and month may change places, '/'
 * has the month first, as most who write so mean it. */
struct date_format date_format_choose(uint32_t orders, const char *text, size_t length);
/* The value in the format, or in ISO's. */
bool date_parse(const char *text, size_t length, struct date_format format, double *value);
/* The value as text, its time where it is not midnight; reads as the same value
 * to the microsecond. Terminated; returns the length. */
uint32_t date_text(double value, struct date_format format, char text[DATE_TEXT_MAX]);
/* The same moment had day and month been read the other way. Both must be
 * possible; NaN stays. */
double date_swap(double value);

/* The date's parts; year 1 .. 9999, month 1 .. 12, weekday 0 .. 6 from Monday.
 * Of a value beyond these years, which no text has, those of the nearest. */
struct date_parts {
    int year, month, day, weekday;
    double seconds; /* since midnight */
};
struct date_parts date_split(double value);

/* "dd.mm.yyyy" and back; false: no such format. */
#define DATE_FORMAT_MAX 12
void date_format_text(struct date_format format, char text[DATE_FORMAT_MAX]);
bool date_format_find(const char *text, struct date_format *format);

#endif
