/* Dates, times of day and periods as texts: ISO 8601 (2024-03-01,
 * 2024-03-01T12:30:00Z, 20240301T1230Z) and the same parts with '-', '/' or '.'
 * in another order (01.03.2024, 3/1/2024 2:30 PM, 3/1/24), and English names of
 * months (1 Mar 2024, 01-Mar-24, March 1, 2024); times of day (07:45, 07:45:30,
 * 7:45 PM); months (2019-03, 03/2019, Mar 2019, 2019M03), quarters (2019Q2,
 * 2019-Q2, Q2 2019, 2Q2019) and ISO weeks (2019-W07, 2019-W07-3). Which order is
 * meant where both are possible, a whole column decides. Years of two digits are
 * 1969 to 2068. A zone other than UTC goes with ISO's order and with names of
 * months only. A leap second is the second before it.
 *
 * A date's value is the number of its seconds since 1970-01-01T00:00:00Z, a
 * period's that of its first day, a time's the number of its seconds since
 * midnight; NaN stands for a missing one. A time without a zone counts as UTC.
 * Pure functions: any thread. */
#ifndef MLP_DATE_H
#define MLP_DATE_H

#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

/* In which order a column's dates have their parts, or which kind of times or
 * periods it holds. The numbers stand in files. */
enum date_order { DATE_YMD, DATE_DMY, DATE_MDY, DATE_TIME, DATE_MONTH, DATE_QUARTER, DATE_WEEK, DATE_ORDERS };
#define DATE_TEXT_MAX 48
#define DATE_DAY 86400.0 /* seconds */

/* How the parts are written; 0: with zeros before single digits, four digits of
 * a year, and after 'T' (' ' in other orders than ISO's) a time with seconds
 * where it is not midnight. The numbers stand in files. */
enum date_style {
    DATE_UNPADDED = 1 << 0,   /* no zero before single digits of day, month and hour */
    DATE_SHORT_YEAR = 1 << 1, /* of two digits */
    DATE_TIMED = 1 << 2,      /* with a time, at midnight too */
    DATE_SECONDS = 1 << 3,    /* that has seconds */
    DATE_HALVES = 1 << 4,     /* of 12 hours and "AM" or "PM" */
    DATE_ZULU = 1 << 5,       /* with a 'Z' behind */
    DATE_BLANK = 1 << 6,      /* a blank before the time, in ISO's order too */
    DATE_NAMED = 1 << 7,      /* the month by three letters */
    DATE_FULL_NAME = 1 << 8,  /* the month by its whole name */
    DATE_REVERSED = 1 << 9,   /* the year behind month or quarter; before the day, a month's name */
    DATE_COMPACT = 1 << 10,   /* nothing between the parts */
    DATE_WEEKDAY = 1 << 11,   /* a week with a day of it */
    DATE_LETTER = 1 << 12,    /* "2019M03", "2Q2019" */
};

/* How a column writes its dates. */
struct date_format {
    enum date_order order;
    char separator; /* between the parts; '\0': nothing */
    bool either;    /* day and month might as well change places in every value */
    uint16_t style; /* enum date_style */
};

/* What dates show of their column's style. */
enum date_seen {
    DATE_SEEN_PADDED = 1 << 0,
    DATE_SEEN_UNPADDED = 1 << 1,
    DATE_SEEN_YEAR_2 = 1 << 2,
    DATE_SEEN_YEAR_4 = 1 << 3,
    DATE_SEEN_NO_TIME = 1 << 4,
    DATE_SEEN_MINUTES = 1 << 5,
    DATE_SEEN_SECONDS = 1 << 6,
    DATE_SEEN_12_HOURS = 1 << 7,
    DATE_SEEN_24_HOURS = 1 << 8,
    DATE_SEEN_ZULU = 1 << 9,
    DATE_SEEN_NO_ZONE = 1 << 10,
    DATE_SEEN_BLANK = 1 << 11,
    DATE_SEEN_T = 1 << 12,
    DATE_SEEN_NUMERIC = 1 << 13,
    DATE_SEEN_SHORT_NAME = 1 << 14,
    DATE_SEEN_FULL_NAME = 1 << 15,
    DATE_SEEN_MONTH_FIRST = 1 << 16,
    DATE_SEEN_DAY_FIRST = 1 << 17,
    DATE_SEEN_YEAR_FIRST = 1 << 18,
    DATE_SEEN_YEAR_LAST = 1 << 19,
    DATE_SEEN_COMPACT = 1 << 20,
    DATE_SEEN_WEEKDAY = 1 << 21,
    DATE_SEEN_NO_WEEKDAY = 1 << 22,
    DATE_SEEN_LETTER = 1 << 23,
    DATE_SEEN_NAME = 1 << 24, /* of a month; "May" is neither short nor full */
};

/* One text, read. */
struct date_reading {
    uint32_t orders; /* bits 1 << order: the orders in which it is a date; 0: in none */
    uint32_t seen;   /* enum date_seen */
    char separator;
    double values[DATE_ORDERS]; /* in each of the orders */
};
/* Read the text, blanks around it aside. `compact`: eight digits ("20240301")
 * are a date too, and not only a number. Returns the orders. */
uint32_t date_examine(const char *text, size_t length, bool compact, struct date_reading *reading);
/* The same of orders and their values alone, without compact dates. */
uint32_t date_read(const char *text, size_t length, double values[DATE_ORDERS]);

/* The format that a column of dates has whose every value reads in these
 * orders, some value being `text`. Where day and month may change places, '/'
 * has the month first, as most who write so mean it. */
struct date_format date_format_choose(uint32_t orders, const char *text, size_t length);
/* The same of readings: their orders' intersection, the first separator, all
 * that was seen. */
struct date_format date_format_make(uint32_t orders, char separator, uint32_t seen);
/* The value in the format, or in ISO's. */
bool date_parse(const char *text, size_t length, struct date_format format, double *value);
/* The value as text; reads as the same value to the microsecond, of a period to
 * its first day. Terminated; returns the length. */
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

/* "dd.mm.yyyy", "h:mm AM", "yyyy-Qq" and back; false: no such format. */
#define DATE_FORMAT_MAX 32
void date_format_text(struct date_format format, char text[DATE_FORMAT_MAX]);
bool date_format_find(const char *text, struct date_format *format);

#endif
