/* What reading and writing of dates share. */
#ifndef MLP_ENGINE_BASE_DATE_H
#define MLP_ENGINE_BASE_DATE_H

#include "mlp/date.h"

/* Days since 1970-01-01 in the Gregorian calendar. */
int64_t days_of(int year, int month, int day);

/* Where year, month and day stand in a date. */
struct date_places {
    int year, month, day;
};
extern const struct date_places date_places[DATE_MDY + 1];

extern const char *const date_months[12]; /* English, in lower case but their first letters */

#endif
