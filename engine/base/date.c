/* Dates and times as texts. See mlp/date.h. */
#define _POSIX_C_SOURCE 200809L
#include "mlp/date.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Of the years 1 to 9999, a day more at both ends for their zones. */
#define VALUE_MIN (-62135596800.0 - DATE_DAY)
#define VALUE_MAX (253402300800.0 + DATE_DAY)

static const char separators[] = "-/.";

/* Where year, month and day stand. */
static const struct {
    int year, month, day;
    const char *parts[3];
} orders[DATE_ORDERS] = {
    [DATE_YMD] = {0, 1, 2, {"yyyy", "mm", "dd"}},
    [DATE_DMY] = {2, 1, 0, {"dd", "mm", "yyyy"}},
    [DATE_MDY] = {2, 0, 1, {"mm", "dd", "yyyy"}},
};

/* Days since 1970-01-01 in the Gregorian calendar: years of 400 repeat, and a
 * year that begins in March has its odd day last. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1, era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date_parts date_split(double value)
{
    value = fmin(fmax(value, VALUE_MIN), VALUE_MAX); /* a damaged table holds others, and NaN */
    int64_t days = (int64_t)floor(value / DATE_DAY), shifted = days + 719468,
            era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097,
            year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    struct date_parts parts = {.day = (int)(of_year - (153 * month + 2) / 5 + 1),
                               .month = (int)(month < 10 ? month + 3 : month - 9)};
    parts.year = (int)(year + era * 400 + (parts.month <= 2));
    parts.weekday = (int)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    parts.seconds = value - (double)days * DATE_DAY;
    return parts;
}

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
};

static bool take(struct cursor *cursor, char c)
{
    bool there = cursor->at < cursor->end && *cursor->at == c;
    cursor->at += there;
    return there;
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
    if (at.end - at.at < 2 || (at.at[1] != 'm' && at.at[1] != 'M') || !strchr("apAP", at.at[0]))
        return true;
    if (*hour < 1 || *hour > 12)
        return false;
    *hour = *hour % 12 + (*at.at == 'p' || *at.at == 'P' ? 12 : 0);
    cursor->at = at.at + 2;
    return true;
}

/* "Z", "+01:00", "-0530", "+01"; the seconds that the place is ahead. */
static bool take_zone(struct cursor *cursor, int *ahead)
{
    int hours, minutes = 0;
    *ahead = 0;
    if (cursor->at == cursor->end || take(cursor, 'Z') || take(cursor, 'z'))
        return true;
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

/* What follows the day: nothing, or a time, to the text's end. *ahead: the
 * seconds that its zone is ahead, which *seconds is free of. A leap second reads
 * as the second before it, for seconds since 1970 have no place for it and the
 * next one may belong to another day. */
static bool take_time(struct cursor *cursor, double *seconds, int *ahead)
{
    int hour, minute, second = 0;
    double fraction = 0;
    *seconds = *ahead = 0;
    if (cursor->at == cursor->end)
        return true;
    if (*cursor->at != 'T' && *cursor->at != 't' && *cursor->at != ' ')
        return false;
    cursor->at++;
    take_blanks(cursor);
    if (take_digits(cursor, 2, &hour) == 0 || !take(cursor, ':') || take_digits(cursor, 2, &minute) != 2)
        return false;
    if (take(cursor, ':')) {
        if (take_digits(cursor, 2, &second) != 2)
            return false;
        fraction = take_fraction(cursor);
    }
    if (!take_half(cursor, &hour))
        return false;
    take_blanks(cursor);
    if (!take_zone(cursor, ahead) || cursor->at != cursor->end || hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds = hour * 3600 + minute * 60 + (second == 60 ? 59 : second) + fraction - *ahead;
    return true;
}

static struct cursor text_trim(const char *text, size_t length)
{
    struct cursor cursor = {text, text + length};
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
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    size_t n = 0, left = (size_t)(cursor->end - cursor->at);
    while (n < left && ((cursor->at[n] | 32) >= 'a' && (cursor->at[n] | 32) <= 'z'))
        n++;
    for (int month = 1; month <= 12; month++) {
        const char *name = names[month - 1];
        if ((n == 3 || n == strlen(name) || (n == 4 && month == 9)) &&
            strncasecmp(cursor->at, name, n) == 0) {
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
    if (cursor->at < cursor->end && *cursor->at && strchr("-/.,", *cursor->at))
        cursor->at++;
    take_blanks(cursor);
    return cursor->at > begin;
}

/* "3 Mar 2021", "03-Mar-21", "March 3, 2021", "2021-Mar-03": nothing to guess,
 * so that it reads as ISO's order. */
static uint32_t named_read(struct cursor cursor, double values[DATE_ORDERS])
{
    int numbers[3], digits[3], named = -1, ahead;
    double seconds;
    for (int i = 0; i < 3; i++) {
        if (i > 0 && !take_between(&cursor))
            return 0;
        digits[i] = take_digits(&cursor, 4, &numbers[i]);
        if (digits[i] == 0 && (named >= 0 || !(numbers[i] = take_month(&cursor))))
            return 0;
        named = digits[i] == 0 ? i : named;
    }
    if (named < 0 || named > 1 || !take_time(&cursor, &seconds, &ahead))
        return 0;
    bool year_first = named == 1 && digits[0] == 4;
    int day = named == 0   ? 1
              : year_first ? 2
                           : 0,
        year = year_first ? 0 : 2, full = year_of(numbers[year], digits[year]);
    if (digits[day] > 2 || !day_exists(full, numbers[named], numbers[day]))
        return 0;
    values[DATE_YMD] = (double)days_of(full, numbers[named], numbers[day]) * DATE_DAY + seconds;
    return 1u << DATE_YMD;
}

uint32_t date_read(const char *text, size_t length, double values[DATE_ORDERS])
{
    const struct cursor whole = text_trim(text, length);
    struct cursor cursor = whole;
    int numbers[3], digits[3], ahead;
    double seconds;
    char separator = 0;
    for (int i = 0; i < 3; i++) {
        if (i == 1 && cursor.at < cursor.end)
            separator = *cursor.at;
        if ((i > 0 && (!separator || !strchr(separators, separator) || !take(&cursor, separator))) ||
            !(digits[i] = take_digits(&cursor, 4, &numbers[i])))
            return named_read(whole, values);
    }
    if (!take_time(&cursor, &seconds, &ahead))
        return 0;
    uint32_t fits = 0;
    for (int order = 0; order < DATE_ORDERS; order++) {
        if (order != DATE_YMD && ahead != 0)
            continue; /* the day in UTC may be another one: day and month could not change places */
        int year = orders[order].year, month = orders[order].month, day = orders[order].day;
        bool short_year =
            digits[year] == 2 && separator == '/' && order != DATE_YMD; /* "1.2.10" may be a version */
        int full = digits[year] == 4 || short_year ? year_of(numbers[year], digits[year]) : -1;
        if (digits[month] > 2 || digits[day] > 2 || !day_exists(full, numbers[month], numbers[day]))
            continue;
        values[order] = (double)days_of(full, numbers[month], numbers[day]) * DATE_DAY + seconds;
        fits |= 1u << order;
    }
    return fits;
}

struct date_format date_format_choose(uint32_t fits, const char *text, size_t length)
{
    struct date_format format = {.order = DATE_YMD, .separator = '-'};
    const uint32_t both = 1u << DATE_DMY | 1u << DATE_MDY;
    for (size_t i = 0; i < length; i++)
        if (text[i] && strchr(separators, text[i])) {
            format.separator = text[i];
            break;
        }
    format.either = (fits & both) == both;
    if (format.either)
        format.order = format.separator == '/' ? DATE_MDY : DATE_DMY;
    else if (fits & both)
        format.order = fits & 1u << DATE_DMY ? DATE_DMY : DATE_MDY;
    return format;
}

bool date_parse(const char *text, size_t length, struct date_format format, double *value)
{
    double values[DATE_ORDERS];
    uint32_t fits = date_read(text, length, values);
    enum date_order order = fits & 1u << DATE_YMD ? DATE_YMD : format.order;
    if (!(fits & 1u << order))
        return false;
    *value = values[order];
    return true;
}

double date_swap(double value)
{
    if (isnan(value))
        return value;
    struct date_parts parts = date_split(value);
    return (double)days_of(parts.year, parts.day, parts.month) * DATE_DAY + parts.seconds;
}

/* " 12:30:00", "T12:30:00.5": the part of the day, as far as it is needed. */
static int time_text(double seconds, char mark, char *text, size_t size)
{
    int64_t micros = (int64_t)llround(seconds * 1e6), whole = micros / 1000000;
    int n = snprintf(text, size, "%c%02d:%02d:%02d", mark, (int)(whole / 3600 % 24), (int)(whole / 60 % 60),
                     (int)(whole % 60));
    if (micros % 1000000 == 0)
        return n;
    n += snprintf(text + n, size - (size_t)n, ".%06d", (int)(micros % 1000000));
    while (text[n - 1] == '0')
        n--;
    text[n] = '\0';
    return n;
}

uint32_t date_text(double value, struct date_format format, char text[DATE_TEXT_MAX])
{
    struct date_parts parts = date_split(value);
    if (parts.seconds > DATE_DAY - 0.5e-6) /* midnight, to the microsecond */
        parts = date_split(value - parts.seconds + DATE_DAY);
    int numbers[3], n = 0;
    numbers[orders[format.order].year] = parts.year;
    numbers[orders[format.order].month] = parts.month;
    numbers[orders[format.order].day] = parts.day;
    for (int i = 0; i < 3; i++)
        n += snprintf(text + n, DATE_TEXT_MAX - (size_t)n, "%s%0*d", i ? (char[]){format.separator, 0} : "",
                      orders[format.order].year == i ? 4 : 2, numbers[i]);
    if (parts.seconds >= 0.5e-6)
        n += time_text(parts.seconds, format.order == DATE_YMD ? 'T' : ' ', text + n,
                       DATE_TEXT_MAX - (size_t)n);
    return (uint32_t)n;
}

void date_format_text(struct date_format format, char text[DATE_FORMAT_MAX])
{
    const char *const *parts = orders[format.order].parts;
    snprintf(text, DATE_FORMAT_MAX, "%s%c%s%c%s", parts[0], format.separator, parts[1], format.separator,
             parts[2]);
}

bool date_format_find(const char *text, struct date_format *format)
{
    char name[DATE_FORMAT_MAX];
    for (int order = 0; order < DATE_ORDERS; order++)
        for (const char *separator = separators; *separator; separator++) {
            *format = (struct date_format){.order = (enum date_order)order, .separator = *separator};
            date_format_text(*format, name);
            if (!strcmp(name, text))
                return true;
        }
    return false;
}
