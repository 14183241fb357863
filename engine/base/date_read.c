/* Dates, times and periods from texts. See mlp/date.h. */
#define _POSIX_C_SOURCE 200809L
#include "base/date.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const char separators[] = "-/.";

const struct date_places date_places[DATE_MDY + 1] = {
    [DATE_YMD] = {0, 1, 2}, [DATE_DMY] = {2, 1, 0}, [DATE_MDY] = {2, 0, 1}};

static bool day_exists(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap);
}

/* A text on its way. */
struct cursor {
    const char *at, *end;
    uint32_t seen; /* DATE_SEEN_ flags of what was taken */
};

static bool take(struct cursor *cursor, char c)
{
    bool there = cursor->at < cursor->end && *cursor->at == c;
    cursor->at += there;
    return there;
}

/* One of the characters; '\0': none of them. */
static char take_any(struct cursor *cursor, const char *characters)
{
    if (cursor->at == cursor->end || !*cursor->at || !strchr(characters, *cursor->at))
        return '\0';
    return *cursor->at++;
}

/* Digits, at most `most`; returns how many. */
static int take_digits(struct cursor *cursor, int most, int *number)
{
    int n = 0;
    *number = 0;
    for (; n < most && cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; n++)
        *number = *number * 10 + (*cursor->at++ - '0');
    return n;
}

/* One or two digits of a day, a month, an hour. */
static int take_part(struct cursor *cursor, int *number)
{
    int n = take_digits(cursor, 2, number);
    if (n > 0 && *number < 10)
        cursor->seen |= n == 1 ? DATE_SEEN_UNPADDED : DATE_SEEN_PADDED;
    return n;
}

static void take_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
}

/* ".123" of a second, any number of digits. */
static double take_fraction(struct cursor *cursor)
{
    double fraction = 0, unit = 0.1;
    if (cursor->end - cursor->at < 2 || (*cursor->at != '.' && *cursor->at != ',') || cursor->at[1] < '0' ||
        cursor->at[1] > '9')
        return 0;
    for (cursor->at++; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
         cursor->at++, unit /= 10)
        fraction += unit * (*cursor->at - '0');
    return round(fraction * 1e6) / 1e6;
}

/* "PM" after a time of 12 hours. */
static bool take_half(struct cursor *cursor, int *hour)
{
    struct cursor at = *cursor;
    take_blanks(&at);
    if (at.end - at.at < 2 || (at.at[1] != 'm' && at.at[1] != 'M') || !strchr("apAP", at.at[0])) {
        cursor->seen |= DATE_SEEN_24_HOURS;
        return true;
    }
    if (*hour < 1 || *hour > 12)
        return false;
    *hour = *hour % 12 + (*at.at == 'p' || *at.at == 'P' ? 12 : 0);
    cursor->at = at.at + 2;
    cursor->seen |= DATE_SEEN_12_HOURS;
    return true;
}

/* "Z", "+01:00", "-0530", "+01"; the seconds that the place is ahead. */
static bool take_zone(struct cursor *cursor, int *ahead)
{
    int hours, minutes = 0;
    *ahead = 0;
    if (cursor->at == cursor->end) {
        cursor->seen |= DATE_SEEN_NO_ZONE;
        return true;
    }
    if (take(cursor, 'Z') || take(cursor, 'z')) {
        cursor->seen |= DATE_SEEN_ZULU;
        return true;
    }
    cursor->seen |= DATE_SEEN_NO_ZONE | DATE_SEEN_ZULU; /* neither style has it */
    int sign = *cursor->at == '-' ? -1 : 1;
    if (!take(cursor, '+') && !take(cursor, '-'))
        return false;
    if (take_digits(cursor, 2, &hours) != 2 || hours > 14)
        return false;
    bool colon = take(cursor, ':');
    int n = take_digits(cursor, 2, &minutes);
    *ahead = sign * (hours * 3600 + minutes * 60);
    return (n == 2 || (n == 0 && !colon)) && minutes < 60;
}

/* "7:45", "07:45:30.5", "7:45 PM". A leap second reads as the second before it,
 * for seconds since 1970 have no place for it and the next one may belong to
 * another day. */
static bool take_clock(struct cursor *cursor, double *seconds)
{
    int hour, minute, second = 0;
    double fraction = 0;
    bool colon = false;
    if (take_part(cursor, &hour) == 0 || !take(cursor, ':') || take_digits(cursor, 2, &minute) != 2)
        return false;
    if ((colon = take(cursor, ':'))) {
        if (take_digits(cursor, 2, &second) != 2)
            return false;
        fraction = take_fraction(cursor);
    }
    cursor->seen |= colon ? DATE_SEEN_SECONDS : DATE_SEEN_MINUTES;
    if (!take_half(cursor, &hour) || hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds = hour * 3600 + minute * 60 + (second == 60 ? 59 : second) + fraction;
    return true;
}

/* What follows the day: nothing, or a time, to the text's end. *ahead: the
 * seconds that its zone is ahead, which *seconds is free of. */
static bool take_time(struct cursor *cursor, double *seconds, int *ahead)
{
    *seconds = *ahead = 0;
    if (cursor->at == cursor->end) {
        cursor->seen |= DATE_SEEN_NO_TIME;
        return true;
    }
    char before = take_any(cursor, "Tt ");
    if (!before)
        return false;
    cursor->seen |= before == ' ' ? DATE_SEEN_BLANK : DATE_SEEN_T;
    take_blanks(cursor);
    if (!take_clock(cursor, seconds))
        return false;
    take_blanks(cursor);
    if (!take_zone(cursor, ahead) || cursor->at != cursor->end)
        return false;
    *seconds -= *ahead;
    return true;
}

static struct cursor text_trim(const char *text, size_t length)
{
    struct cursor cursor = {text, text + length, 0};
    take_blanks(&cursor);
    while (cursor.end > cursor.at && (cursor.end[-1] == ' ' || cursor.end[-1] == '\t'))
        cursor.end--;
    return cursor;
}

/* "21" is 2021 and "70" is 1970, as POSIX reads years of two digits; -1: no
 * year. */
static int year_of(int number, int digits)
{
    return digits == 4 ? number : digits == 2 ? number + (number < 69 ? 2000 : 1900) : -1;
}

/* An English name of a month, whole or its first three letters ("Sept" too): 1
 * .. 12; 0 with the cursor unmoved: none. */
static int take_month(struct cursor *cursor)
{
    size_t n = 0, left = (size_t)(cursor->end - cursor->at);
    while (n < left && ((cursor->at[n] | 32) >= 'a' && (cursor->at[n] | 32) <= 'z'))
        n++;
    for (int month = 1; month <= 12; month++) {
        const char *name = date_months[month - 1];
        if ((n == 3 || n == strlen(name) || (n == 4 && month == 9)) &&
            strncasecmp(cursor->at, name, n) == 0) {
            bool usual = memcmp(cursor->at, name, n) == 0;
            cursor->seen |= DATE_SEEN_NAME;
            if (month != 5 || !usual) /* "May" is both */
                cursor->seen |= !usual || (n == 4 && month == 9) ? DATE_SEEN_SHORT_NAME | DATE_SEEN_FULL_NAME
                                : n == 3                         ? DATE_SEEN_SHORT_NAME
                                                                 : DATE_SEEN_FULL_NAME;
            cursor->at += n;
            return month;
        }
    }
    return 0;
}

/* What stands between the parts of a date with a month's name: "-", "/", ".",
 * ",", blanks, or one of them and blanks. */
static bool take_between(struct cursor *cursor)
{
    const char *begin = cursor->at;
    take_blanks(cursor);
    take_any(cursor, "-/.,");
    take_blanks(cursor);
    return cursor->at > begin;
}

static void year_see(struct cursor *cursor, int digits)
{
    cursor->seen |= digits == 4 ? DATE_SEEN_YEAR_4 : DATE_SEEN_YEAR_2;
}

static void add(struct date_reading *reading, enum date_order order, double value)
{
    reading->values[order] = value;
    reading->orders |= 1u << order;
}

/* "3 Mar 2021", "03-Mar-21", "March 3, 2021", "2021-Mar-03": nothing to guess,
 * so that it reads as ISO's order. */
static void named_read(struct cursor cursor, struct date_reading *reading)
{
    int numbers[3], digits[3], named = -1, ahead;
    double seconds;
    for (int i = 0; i < 3; i++) {
        if (i > 0 && !reading->separator && cursor.at < cursor.end)
            reading->separator = *cursor.at;
        if (i > 0 && !take_between(&cursor))
            return;
        digits[i] = take_digits(&cursor, 4, &numbers[i]);
        if (digits[i] == 0 && (named >= 0 || !(numbers[i] = take_month(&cursor))))
            return;
        named = digits[i] == 0 ? i : named;
    }
    if (named < 0 || named > 1 || !take_time(&cursor, &seconds, &ahead))
        return;
    bool year_first = named == 1 && digits[0] == 4;
    int day = named == 0   ? 1
              : year_first ? 2
                           : 0,
        year = year_first ? 0 : 2, full = year_of(numbers[year], digits[year]);
    if (digits[day] > 2 || !day_exists(full, numbers[named], numbers[day]))
        return;
    year_see(&cursor, digits[year]);
    if (numbers[day] < 10)
        cursor.seen |= digits[day] == 1 ? DATE_SEEN_UNPADDED : DATE_SEEN_PADDED;
    reading->seen = cursor.seen | (named == 0   ? DATE_SEEN_MONTH_FIRST
                                   : year_first ? DATE_SEEN_YEAR_FIRST
                                                : DATE_SEEN_DAY_FIRST);
    add(reading, DATE_YMD, (double)days_of(full, numbers[named], numbers[day]) * DATE_DAY + seconds);
}

/* "20190331T1200Z", "20190331T120030"; `asked`: "20190331" too. */
static bool compact_read(struct cursor cursor, bool asked, struct date_reading *reading)
{
    int year, month, day, hour = 0, minute = 0, second = 0, ahead = 0;
    if (take_digits(&cursor, 4, &year) != 4 || take_digits(&cursor, 2, &month) != 2 ||
        take_digits(&cursor, 2, &day) != 2 || !day_exists(year, month, day))
        return false;
    bool bare = cursor.at == cursor.end;
    if (bare && !asked)
        return false;
    if (!bare) {
        if (!take_any(&cursor, "Tt") || take_digits(&cursor, 2, &hour) != 2 ||
            take_digits(&cursor, 2, &minute) != 2)
            return false;
        bool seconds = take_digits(&cursor, 2, &second) == 2;
        cursor.seen |= seconds ? DATE_SEEN_SECONDS : DATE_SEEN_MINUTES;
        if (!take_zone(&cursor, &ahead) || cursor.at != cursor.end || hour > 23 || minute > 59 || second > 60)
            return false;
    }
    reading->seen = cursor.seen | DATE_SEEN_COMPACT | DATE_SEEN_YEAR_4 |
                    (bare ? DATE_SEEN_NO_TIME : DATE_SEEN_T | DATE_SEEN_24_HOURS);
    add(reading, DATE_YMD,
        (double)days_of(year, month, day) * DATE_DAY + hour * 3600 + minute * 60 +
            (second == 60 ? 59 : second) - ahead);
    return true;
}

static void clock_read(struct cursor cursor, struct date_reading *reading)
{
    double seconds;
    if (!take_clock(&cursor, &seconds) || cursor.at != cursor.end)
        return;
    reading->seen = cursor.seen;
    reading->separator = ':';
    add(reading, DATE_TIME, seconds);
}

/* The Monday of an ISO week: week 1 has the year's first Thursday. */
static int64_t week_of(int year, int week)
{
    int64_t fourth = days_of(year, 1, 4);
    return fourth - ((fourth + 3) % 7 + 7) % 7 + 7 * (int64_t)(week - 1);
}

/* "2019-W07", "2019W073". */
static bool week_read(struct cursor cursor, int year, struct date_reading *reading)
{
    int week, day = 1;
    bool dash = take(&cursor, '-');
    if (!take_any(&cursor, "Ww") || take_digits(&cursor, 2, &week) != 2)
        return false;
    bool weekday = cursor.at < cursor.end;
    if (weekday && ((dash && !take(&cursor, '-')) || take_digits(&cursor, 1, &day) != 1))
        return false;
    int64_t monday = week_of(year, week);
    if (cursor.at != cursor.end || year < 1 || week < 1 || day < 1 || day > 7 ||
        monday >= week_of(year + 1, 1))
        return false;
    reading->seen = cursor.seen | (weekday ? DATE_SEEN_WEEKDAY : DATE_SEEN_NO_WEEKDAY);
    reading->separator = dash ? '-' : '\0';
    add(reading, DATE_WEEK, (double)(monday + day - 1) * DATE_DAY);
    return true;
}

static void period_add(struct date_reading *reading, enum date_order order, struct cursor cursor, int year,
                       int month)
{
    if (cursor.at != cursor.end || !day_exists(year, month, 1))
        return;
    reading->seen = cursor.seen;
    add(reading, order, (double)days_of(year, month, 1) * DATE_DAY);
}

/* "2019-03", "2019M03", "2019Q2", "2019-Q2", "2019 Mar", "2019-W07": behind a
 * year of four digits. */
static void year_first_read(struct cursor cursor, int year, struct date_reading *reading)
{
    int number;
    if (week_read(cursor, year, reading))
        return;
    reading->separator = take_any(&cursor, "-/ ");
    cursor.seen |= DATE_SEEN_YEAR_4 | DATE_SEEN_YEAR_FIRST;
    struct cursor at = cursor;
    if (take_any(&at, "Qq")) {
        if (take_digits(&at, 1, &number) == 1 && number <= 4)
            period_add(reading, DATE_QUARTER, at, year, 3 * number - 2);
    } else if ((number = take_month(&at)) > 0) {
        period_add(reading, DATE_MONTH, at, year, number);
    } else if (take_any(&at, "Mm")) {
        at.seen |= DATE_SEEN_LETTER;
        if (take_digits(&at, 2, &number) == 2)
            period_add(reading, DATE_MONTH, at, year, number);
    } else if (reading->separator == '-' || reading->separator == '/') {
        if (take_part(&at, &number) == 2)
            period_add(reading, DATE_MONTH, at, year, number);
    }
}

/* A year of four digits at the end, or of two behind a month's name. */
static bool take_last_year(struct cursor *cursor, bool short_too, int *year)
{
    int digits = take_digits(cursor, 4, year);
    *year = year_of(*year, digits);
    year_see(cursor, digits);
    return digits == 4 || (digits == 2 && short_too);
}

/* "Q2 2019", "Q2/2019", "2Q2019", "Mar 2019", "Mar-19", "03/2019". */
static void year_last_read(struct cursor cursor, struct date_reading *reading)
{
    int number, year;
    cursor.seen |= DATE_SEEN_YEAR_LAST;
    struct cursor at = cursor;
    if (take_any(&at, "Qq") || (take_digits(&at, 1, &number) == 1 && take_any(&at, "Qq"))) {
        at = cursor;
        bool behind = !take_any(&at, "Qq");
        if (take_digits(&at, 1, &number) != 1 || number < 1 || number > 4)
            return;
        if (behind) {
            take_any(&at, "Qq");
            at.seen |= DATE_SEEN_LETTER;
        }
        reading->separator = take_any(&at, "-/ ");
        if (take_last_year(&at, false, &year))
            period_add(reading, DATE_QUARTER, at, year, 3 * number - 2);
        return;
    }
    at = cursor;
    if ((number = take_month(&at)) > 0) {
        reading->separator = take_any(&at, "-/ ");
        take_any(&at, "'");
        if (reading->separator && take_last_year(&at, reading->separator != ' ' || at.at[-1] == '\'', &year))
            period_add(reading, DATE_MONTH, at, year, number);
        return;
    }
    if (take_part(&at, &number) > 0 && (reading->separator = take_any(&at, "-/")) &&
        take_last_year(&at, false, &year))
        period_add(reading, DATE_MONTH, at, year, number);
}

static void period_read(struct cursor whole, struct date_reading *reading)
{
    struct cursor cursor = whole;
    int year;
    if (take_digits(&cursor, 4, &year) == 4)
        year_first_read(cursor, year, reading);
    else
        year_last_read(whole, reading);
}

/* Three numbers with one separator between them, and a time. False: that is not
 * there. */
static bool numeric_read(struct cursor cursor, struct date_reading *reading)
{
    int numbers[3], digits[3], ahead;
    double seconds;
    char separator = 0;
    for (int i = 0; i < 3; i++) {
        if (i == 1 && cursor.at < cursor.end)
            separator = *cursor.at;
        if ((i > 0 && (!separator || !strchr(separators, separator) || !take(&cursor, separator))) ||
            !(digits[i] = take_digits(&cursor, 4, &numbers[i])))
            return false;
        if (digits[i] < 3 && numbers[i] < 10)
            cursor.seen |= digits[i] == 1 ? DATE_SEEN_UNPADDED : DATE_SEEN_PADDED;
    }
    year_see(&cursor, digits[0] == 4 || digits[2] == 4 ? 4 : 2);
    if (digits[2] == 2 && digits[0] < 4 && numbers[2] < 10)
        cursor.seen &= ~(uint32_t)DATE_SEEN_PADDED; /* that was the year's zero */
    if (!take_time(&cursor, &seconds, &ahead))
        return true;
    reading->separator = separator;
    reading->seen = cursor.seen | DATE_SEEN_NUMERIC;
    for (int order = 0; order <= DATE_MDY; order++) {
        if (order != DATE_YMD && ahead != 0)
            continue; /* the day in UTC may be another one: day and month could not change places */
        int year = date_places[order].year, month = date_places[order].month, day = date_places[order].day;
        bool short_year =
            digits[year] == 2 && separator == '/' && order != DATE_YMD; /* "1.2.10" may be a version */
        int full = digits[year] == 4 || short_year ? year_of(numbers[year], digits[year]) : -1;
        if (digits[month] > 2 || digits[day] > 2 || !day_exists(full, numbers[month], numbers[day]))
            continue;
        add(reading, (enum date_order)order,
            (double)days_of(full, numbers[month], numbers[day]) * DATE_DAY + seconds);
    }
    return true;
}

/* Every date and period has a digit at its begin or, behind a name of a month or
 * a Q, near it. */
static bool may_be_date(struct cursor cursor)
{
    size_t n = (size_t)(cursor.end - cursor.at);
    if (n < 3 || n > DATE_TEXT_MAX)
        return false;
    char first = *cursor.at;
    return (first >= '0' && first <= '9') || (strchr("JFMASONDQjfmasondq", first) && first);
}

uint32_t date_examine(const char *text, size_t length, bool compact, struct date_reading *reading)
{
    const struct cursor whole = text_trim(text, length);
    *reading = (struct date_reading){0};
    if (!may_be_date(whole))
        return 0;
    if (!numeric_read(whole, reading)) {
        named_read(whole, reading);
        if (!reading->orders)
            reading->separator = '\0';
        if (!reading->orders && !compact_read(whole, compact, reading))
            clock_read(whole, reading);
        if (!reading->orders)
            period_read(whole, reading);
    }
    return reading->orders;
}

uint32_t date_read(const char *text, size_t length, double values[DATE_ORDERS])
{
    struct date_reading reading;
    uint32_t orders = date_examine(text, length, false, &reading);
    for (int order = 0; order < DATE_ORDERS; order++)
        if (orders & 1u << order)
            values[order] = reading.values[order];
    return orders;
}
