/* Dates as numbers, their formats, and their texts. See mlp/date.h. */
#define _POSIX_C_SOURCE 200809L
#include "base/date.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of the years 1 to 9999, a day more at both ends for their zones. */
#define VALUE_MIN (-62135596800.0 - DATE_DAY)
#define VALUE_MAX (253402300800.0 + DATE_DAY)

const char *const date_months[12] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* Days since 1970-01-01 in the Gregorian calendar: years of 400 repeat, and a
 * year that begins in March has its odd day last. */
int64_t days_of(int year, int month, int day)
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

double date_swap(double value)
{
    if (isnan(value))
        return value;
    struct date_parts parts = date_split(value);
    return (double)days_of(parts.year, parts.day, parts.month) * DATE_DAY + parts.seconds;
}

bool date_parse(const char *text, size_t length, struct date_format format, double *value)
{
    struct date_reading reading;
    uint32_t fits = date_examine(text, length, (format.style & DATE_COMPACT) != 0, &reading);
    enum date_order order = fits & 1u << DATE_YMD ? DATE_YMD : format.order;
    if (!(fits & 1u << order) || (order != format.order && format.order > DATE_MDY))
        return false;
    *value = reading.values[order];
    return true;
}

/* --- formats --- */

/* Whether `one` was seen and the other was not. */
static bool only(uint32_t seen, uint32_t one, uint32_t other)
{
    return (seen & one) && !(seen & other);
}

/* The style of the months' names, 0 where numbers or both kinds are there. */
static uint32_t named_style(uint32_t seen)
{
    bool in_full = only(seen, DATE_SEEN_FULL_NAME, DATE_SEEN_SHORT_NAME);
    bool days_first = only(seen, DATE_SEEN_DAY_FIRST, DATE_SEEN_MONTH_FIRST | DATE_SEEN_YEAR_FIRST),
         months_first = only(seen, DATE_SEEN_MONTH_FIRST, DATE_SEEN_DAY_FIRST | DATE_SEEN_YEAR_FIRST);
    if ((seen & (DATE_SEEN_NUMERIC | DATE_SEEN_COMPACT)) || (!days_first && !months_first))
        return 0;
    return (in_full ? DATE_FULL_NAME : DATE_NAMED) | (months_first ? DATE_REVERSED : 0);
}

static uint32_t time_style(uint32_t seen)
{
    return (only(seen, DATE_SEEN_SECONDS, DATE_SEEN_MINUTES) ? DATE_SECONDS : 0) |
           (only(seen, DATE_SEEN_12_HOURS, DATE_SEEN_24_HOURS) ? DATE_HALVES : 0);
}

static uint32_t period_style(enum date_order order, uint32_t seen)
{
    uint32_t style = only(seen, DATE_SEEN_YEAR_LAST, DATE_SEEN_YEAR_FIRST) ? DATE_REVERSED : 0;
    if (order == DATE_WEEK)
        return only(seen, DATE_SEEN_WEEKDAY, DATE_SEEN_NO_WEEKDAY) ? DATE_WEEKDAY : 0;
    style |= seen & DATE_SEEN_LETTER ? DATE_LETTER : 0;
    if (order == DATE_QUARTER)
        return style;
    if (seen & DATE_SEEN_NAME)
        return style | (only(seen, DATE_SEEN_FULL_NAME, DATE_SEEN_SHORT_NAME) ? DATE_FULL_NAME : DATE_NAMED) |
               (only(seen, DATE_SEEN_YEAR_2, DATE_SEEN_YEAR_4) ? DATE_SHORT_YEAR : 0);
    return style | (only(seen, DATE_SEEN_UNPADDED, DATE_SEEN_PADDED) ? DATE_UNPADDED : 0);
}

static uint32_t day_style(enum date_order order, uint32_t seen)
{
    bool clock = (seen & (DATE_SEEN_MINUTES | DATE_SEEN_SECONDS)) != 0;
    uint32_t style = named_style(seen);
    if (order == DATE_YMD && only(seen, DATE_SEEN_COMPACT, DATE_SEEN_NUMERIC | DATE_SEEN_NAME))
        style |= DATE_COMPACT;
    if (only(seen, DATE_SEEN_UNPADDED, DATE_SEEN_PADDED))
        style |= DATE_UNPADDED;
    if ((order != DATE_YMD || style & (DATE_NAMED | DATE_FULL_NAME)) &&
        only(seen, DATE_SEEN_YEAR_2, DATE_SEEN_YEAR_4))
        style |= DATE_SHORT_YEAR;
    if (order == DATE_YMD && only(seen, DATE_SEEN_BLANK, DATE_SEEN_T))
        style |= DATE_BLANK;
    if (clock && !(seen & DATE_SEEN_NO_TIME))
        style |=
            DATE_TIMED | time_style(seen) | (only(seen, DATE_SEEN_ZULU, DATE_SEEN_NO_ZONE) ? DATE_ZULU : 0);
    return style;
}

struct date_format date_format_make(uint32_t orders, char separator, uint32_t seen)
{
    const uint32_t both = 1u << DATE_DMY | 1u << DATE_MDY;
    struct date_format format = {.order = DATE_YMD, .separator = separator};
    format.either = (orders & both) == both;
    if (format.either)
        format.order = format.separator == '/' ? DATE_MDY : DATE_DMY;
    else
        while (format.order + 1 < DATE_ORDERS && !(orders & 1u << format.order))
            format.order++;
    if (format.order == DATE_TIME)
        format.style = (uint16_t)(time_style(seen) |
                                  (only(seen, DATE_SEEN_UNPADDED, DATE_SEEN_PADDED) ? DATE_UNPADDED : 0));
    else
        format.style = (uint16_t)(format.order > DATE_TIME ? period_style(format.order, seen)
                                                           : day_style(format.order, seen));
    if (format.order <= DATE_MDY) {
        bool named = format.style & (DATE_NAMED | DATE_FULL_NAME);
        if (!named && (!separator || !strchr("-/.", separator)))
            format.separator = '-';
    }
    return format;
}

struct date_format date_format_choose(uint32_t orders, const char *text, size_t length)
{
    struct date_reading reading;
    if (!date_examine(text, length, true, &reading)) /* a part of one */
        for (size_t i = 0; i < length && !reading.separator; i++)
            reading.separator = text[i] && strchr("-/.", text[i]) ? text[i] : '\0';
    return date_format_make(orders, reading.separator, reading.seen);
}

static void clock_name(uint32_t style, char *text, size_t size)
{
    snprintf(text, size, "%s:mm%s%s", style & DATE_UNPADDED ? "h" : "hh", style & DATE_SECONDS ? ":ss" : "",
             style & DATE_HALVES ? " AM" : "");
}

/* "dd.mm.yyyy", without a time. */
static void day_name(struct date_format format, char text[DATE_FORMAT_MAX])
{
    bool short_parts = format.style & DATE_UNPADDED;
    const char *year = format.style & DATE_SHORT_YEAR ? "yy" : "yyyy", *day = short_parts ? "d" : "dd";
    const char *month = format.style & DATE_FULL_NAME ? "mmmm"
                        : format.style & DATE_NAMED   ? "mmm"
                        : short_parts                 ? "m"
                                                      : "mm";
    char separator[2] = {format.separator, '\0'};
    const char *parts[3] = {year, month, day};
    if (format.style & DATE_COMPACT) {
        snprintf(text, DATE_FORMAT_MAX, "yyyymmdd");
        return;
    }
    if (format.style & (DATE_NAMED | DATE_FULL_NAME)) {
        if (format.style & DATE_REVERSED)
            snprintf(text, DATE_FORMAT_MAX, "%s%s%s%s%s", month, separator, day,
                     format.separator == ' ' ? ", " : separator, year);
        else
            snprintf(text, DATE_FORMAT_MAX, "%s%s%s%s%s", day, separator, month, separator, year);
        return;
    }
    struct date_places places = date_places[format.order];
    parts[places.year] = year;
    parts[places.month] = month;
    parts[places.day] = day;
    snprintf(text, DATE_FORMAT_MAX, "%s%s%s%s%s", parts[0], separator, parts[1], separator, parts[2]);
}

static void time_name(struct date_format format, char *text, size_t size)
{
    char clock[16];
    bool iso = format.order == DATE_YMD && !(format.style & DATE_BLANK);
    clock_name(format.style, clock, sizeof clock);
    if (format.style & DATE_COMPACT)
        snprintf(clock, sizeof clock, "hhmm%s", format.style & DATE_SECONDS ? "ss" : "");
    text[0] = '\0';
    if (format.style & DATE_TIMED)
        snprintf(text, size, "%c%s%s", iso ? 'T' : ' ', clock, format.style & DATE_ZULU ? "Z" : "");
}

static void period_name(struct date_format format, char text[DATE_FORMAT_MAX])
{
    char separator[2] = {format.separator, '\0'}, period[8];
    bool last = format.style & DATE_REVERSED, letter = format.style & DATE_LETTER;
    const char *year = format.style & DATE_SHORT_YEAR ? "yy" : "yyyy";
    if (format.order == DATE_WEEK) {
        snprintf(text, DATE_FORMAT_MAX, "yyyy%sWww%s%s", separator,
                 format.style & DATE_WEEKDAY ? separator : "", format.style & DATE_WEEKDAY ? "d" : "");
        return;
    }
    if (format.order == DATE_QUARTER)
        snprintf(period, sizeof period, "%s", letter ? "qQ" : "Qq");
    else
        snprintf(period, sizeof period, "%s",
                 letter                          ? "Mmm"
                 : format.style & DATE_FULL_NAME ? "mmmm"
                 : format.style & DATE_NAMED     ? "mmm"
                 : format.style & DATE_UNPADDED  ? "m"
                                                 : "mm");
    snprintf(text, DATE_FORMAT_MAX, "%s%s%s", last ? period : year, separator, last ? year : period);
}

void date_format_text(struct date_format format, char text[DATE_FORMAT_MAX])
{
    if (format.order == DATE_TIME) {
        clock_name(format.style, text, DATE_FORMAT_MAX);
    } else if (format.order > DATE_TIME) {
        period_name(format, text);
    } else {
        day_name(format, text);
        size_t n = strlen(text);
        time_name(format, text + n, DATE_FORMAT_MAX - n);
    }
}

/* Of the styles made of these bits, the one in which the name is `text`. */
static bool style_find(const char *text, uint32_t bits, struct date_format *format)
{
    char name[DATE_FORMAT_MAX];
    for (uint32_t style = bits;; style = (style - 1) & bits) { /* all subsets, the empty one last */
        format->style = (uint16_t)style;
        date_format_text(*format, name);
        if (!strcmp(name, text))
            return true;
        if (style == 0)
            return false;
    }
}

/* The time's bits, where the day's name is the text's begin. */
static bool day_find(const char *text, struct date_format *format)
{
    const uint32_t bits =
        DATE_UNPADDED | DATE_SHORT_YEAR | DATE_NAMED | DATE_FULL_NAME | DATE_REVERSED | DATE_COMPACT;
    const uint32_t time_bits = DATE_TIMED | DATE_SECONDS | DATE_HALVES | DATE_ZULU | DATE_BLANK;
    char name[DATE_FORMAT_MAX];
    for (uint32_t style = bits;; style = (style - 1) & bits) {
        format->style = (uint16_t)style;
        day_name(*format, name);
        size_t n = strlen(name);
        if (strncmp(name, text, n) == 0)
            for (uint32_t time = time_bits;; time = (time - 1) & time_bits) {
                char rest[DATE_FORMAT_MAX];
                format->style = (uint16_t)(style | time);
                time_name(*format, rest, sizeof rest);
                if (!strcmp(rest, text + n))
                    return true;
                if (time == 0)
                    break;
            }
        if (style == 0)
            return false;
    }
}

/* The least style of several that have the name: bits that it does not show are
 * none of it. */
static void style_reduce(const char *text, struct date_format *format)
{
    char name[DATE_FORMAT_MAX];
    for (uint32_t bit = 1; bit <= DATE_LETTER; bit <<= 1) {
        struct date_format less = *format;
        less.style &= (uint16_t)~bit;
        date_format_text(less, name);
        if (!strcmp(name, text))
            *format = less;
    }
}

bool date_format_find(const char *text, struct date_format *format)
{
    static const char separators[] = {'-', '/', '.', ' ', ',', '\0'};
    const uint32_t period = DATE_UNPADDED | DATE_SHORT_YEAR | DATE_NAMED | DATE_FULL_NAME | DATE_REVERSED |
                            DATE_LETTER | DATE_WEEKDAY;
    char name[DATE_FORMAT_MAX];
    for (int order = 0; order <= DATE_MDY; order++) /* the usual ones first */
        for (size_t i = 0; i < 3; i++) {
            *format = (struct date_format){.order = (enum date_order)order, .separator = separators[i]};
            date_format_text(*format, name);
            if (!strcmp(name, text))
                return true;
        }
    for (int order = 0; order < DATE_ORDERS; order++)
        for (size_t i = 0; i < sizeof separators; i++) {
            *format = (struct date_format){.order = (enum date_order)order, .separator = separators[i]};
            if (order == DATE_TIME)
                format->separator = ':';
            bool found = order == DATE_TIME
                             ? style_find(text, DATE_UNPADDED | DATE_SECONDS | DATE_HALVES, format)
                         : order > DATE_TIME ? style_find(text, period, format)
                                             : day_find(text, format);
            if (found) {
                style_reduce(text, format);
                return true;
            }
        }
    return false;
}

/* --- texts --- */

/* "12:30:00", "7:45 PM", "12:30:00.5". */
static int clock_text(double seconds, uint32_t style, char *text, size_t size)
{
    int64_t micros = (int64_t)llround(seconds * 1e6), whole = micros / 1000000;
    int hour = (int)(whole / 3600 % 24), minute = (int)(whole / 60 % 60), second = (int)(whole % 60);
    const char *half = style & DATE_HALVES ? hour < 12 ? " AM" : " PM" : "";
    const char *between = style & DATE_COMPACT ? "" : ":";
    bool exact = micros % 1000000 != 0;
    if (style & DATE_HALVES)
        hour = hour % 12 ? hour % 12 : 12;
    int n = snprintf(text, size, "%0*d%s%02d", style & DATE_UNPADDED ? 1 : 2, hour, between, minute);
    if (style & DATE_SECONDS || second || exact)
        n += snprintf(text + n, size - (size_t)n, "%s%02d", between, second);
    if (exact) {
        n += snprintf(text + n, size - (size_t)n, ".%06d", (int)(micros % 1000000));
        while (text[n - 1] == '0')
            n--;
    }
    return n + snprintf(text + n, size - (size_t)n, "%s", half);
}

/* What stands behind the day. */
static int time_text(double seconds, struct date_format format, char *text, size_t size)
{
    bool iso = format.order == DATE_YMD && !(format.style & DATE_BLANK), timed = format.style & DATE_TIMED;
    if (size < 20 || (!timed && seconds < 0.5e-6))
        return 0;
    text[0] = iso ? 'T' : ' ';
    int n = 1 + clock_text(seconds, timed ? format.style : DATE_SECONDS, text + 1, size - 1);
    return n + snprintf(text + n, size - (size_t)n, "%s", format.style & DATE_ZULU ? "Z" : "");
}

/* The name that a format gives a part, as it is for this day. */
static int part_text(const char **name, const struct date_parts *parts, char *text, size_t size)
{
    char letter = **name;
    int n = 0, value;
    while ((*name)[n] == letter)
        n++;
    *name += n;
    if (letter == 'm' && n > 2)
        return snprintf(text, size, "%.*s", n == 3 ? 3 : 9, date_months[parts->month - 1]);
    value = letter == 'y'   ? (n == 2 ? parts->year % 100 : parts->year)
            : letter == 'm' ? parts->month
            : letter == 'q' ? (parts->month + 2) / 3
                            : parts->day;
    return snprintf(text, size, "%0*d", n, value);
}

/* The ISO week of the day: its Thursday's year has it. */
static uint32_t week_text(double value, struct date_format format, char text[DATE_TEXT_MAX])
{
    struct date_parts day = date_split(value), thursday = date_split(value + (3 - day.weekday) * DATE_DAY);
    int64_t of_year = days_of(thursday.year, thursday.month, thursday.day) - days_of(thursday.year, 1, 1);
    char separator[2] = {format.separator, '\0'};
    int n = snprintf(text, DATE_TEXT_MAX, "%04d%sW%02d", thursday.year, separator, (int)(of_year / 7 + 1));
    if (format.style & DATE_WEEKDAY)
        n += snprintf(text + n, DATE_TEXT_MAX - (size_t)n, "%s%d", separator, day.weekday + 1);
    return (uint32_t)n;
}

uint32_t date_text(double value, struct date_format format, char text[DATE_TEXT_MAX])
{
    char pattern[DATE_FORMAT_MAX];
    struct date_parts parts = date_split(value);
    if (parts.seconds > DATE_DAY - 0.5e-6) /* midnight, to the microsecond */
        parts = date_split(value - parts.seconds + DATE_DAY);
    int n = 0;
    if (format.order == DATE_TIME)
        return (uint32_t)clock_text(parts.seconds, format.style, text, DATE_TEXT_MAX);
    if (format.order == DATE_WEEK)
        return week_text(value, format, text);
    if (format.order > DATE_TIME)
        period_name(format, pattern);
    else
        day_name(format, pattern);
    for (const char *name = pattern; *name && n < DATE_TEXT_MAX - 1;) {
        if (strchr("ymdq", *name))
            n += part_text(&name, &parts, text + n, DATE_TEXT_MAX - (size_t)n);
        else
            text[n++] = *name++;
    }
    text[n] = '\0';
    if (format.order <= DATE_MDY)
        n += time_text(parts.seconds, format, text + n, DATE_TEXT_MAX - (size_t)n);
    return (uint32_t)n;
}
