/* Numbers as columns write them, read: thousands, money, percent, units,
 * bounds. See mlp/number.h. */
#include "base/unit.h"
#include "mlp/number.h"

#include <math.h>

static const struct {
    char decimal_point, thousands_separator;
    bool lakhs;
} writings[NUMBER_WRITINGS] = {{'.', 0, false},    {'.', ',', false},  {',', 0, false},
                               {',', '.', false},  {'.', ' ', false},  {',', ' ', false},
                               {'.', '\'', false}, {',', '\'', false}, {'.', ',', true}};

/* Bytes of a blank at the front: a space, tab, no-break space (of Windows-1252
 * too), narrow no-break space, thin space. */
static size_t blank_at(struct span span)
{
    static const char *const blanks[] = {" ", "\t", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89", "\xa0"};
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        size_t n = strlen(blanks[i]);
        if (span_left(span) >= n && memcmp(span.at, blanks[i], n) == 0)
            return n;
    }
    return 0;
}

static bool blanks_take(struct span *span)
{
    const char *begin = span->at;
    for (size_t n; (n = blank_at(*span)) > 0;)
        span->at += n;
    return span->at > begin;
}

static void blanks_drop(struct span *span)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t n = 1; n <= 3 && n <= span_left(*span) && !more; n++) {
            struct span last = {span->end - n, span->end};
            if (blank_at(last) == n) {
                span->end -= n;
                more = true;
            }
        }
    }
}

static bool sign_take(struct span *span, bool *negative)
{
    if (span_take(span, "+"))
        return true;
    if (!span_take(span, "-") && !span_take(span, "\xe2\x88\x92"))
        return false;
    *negative = !*negative;
    return true;
}

static bool bound_take(struct span *span)
{
    static const char *const bounds[] = {"<=",           ">=",           "<",           ">", "~",
                                         "\xe2\x89\xa4", "\xe2\x89\xa5", "\xe2\x89\x88"};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (span_take(span, bounds[i])) {
            blanks_take(span);
            return true;
        }
    return false;
}

/* Bytes of what stands between thousands at the front. */
static size_t separator_at(struct span span, char separator)
{
    if (separator == ' ')
        return *span.at == '\t' ? 0 : blank_at(span);
    if (separator == '\'' && span_left(span) >= 3 && memcmp(span.at, "\xe2\x80\x99", 3) == 0)
        return 3;
    return *span.at == separator;
}

/* --- digits --- */

/* Groups of digits as they come, from the left. */
struct groups {
    int n_groups, digits; /* whole groups before this one; digits of this one */
    bool fits;
};

static void group_end(struct groups *groups, bool last, bool lakhs)
{
    int expected = lakhs && !last ? 2 : 3;
    bool first = groups->n_groups == 0;
    if (first && last)
        return; /* no separator at all */
    groups->fits = groups->fits &&
                   (first ? groups->digits >= 1 && groups->digits <= expected : groups->digits == expected);
    groups->n_groups++;
    groups->digits = 0;
}

/* The digits in one writing as a plain number with a point. False: not in this
 * writing. */
static bool core_plain(struct span core, int writing, char plain[NUMBER_PLAIN_MAX])
{
    char separator = writings[writing].thousands_separator;
    struct groups groups = {.fits = true};
    bool whole = true, zero = *core.at == '0';
    size_t n = 0;
    while (core.at < core.end && n + 1 < NUMBER_PLAIN_MAX) {
        size_t skip = whole && separator ? separator_at(core, separator) : 0;
        if (skip > 0) {
            group_end(&groups, false, writings[writing].lakhs);
            core.at += skip;
            continue;
        }
        bool digit = is_digit(*core.at);
        if (whole && !digit)
            group_end(&groups, true, writings[writing].lakhs);
        whole = whole && digit;
        groups.digits += whole;
        if (!digit && *core.at == '.' && writings[writing].decimal_point != '.')
            return false;
        plain[n++] = *core.at == writings[writing].decimal_point ? '.' : *core.at;
        core.at++;
    }
    if (whole)
        group_end(&groups, true, writings[writing].lakhs);
    plain[n] = '\0';
    return core.at == core.end && groups.fits && !(zero && groups.n_groups > 0);
}

static bool core_value(struct span core, int writing, double *value)
{
    char plain[NUMBER_PLAIN_MAX];
    return core_plain(core, writing, plain) && number_parse_double(plain, strlen(plain), '.', value);
}

/* Digits, what may stand between them, and an exponent. */
static struct span core_take(struct span *span)
{
    static const char between[] = ".,' ";
    struct span core = *span;
    while (span->at < span->end) {
        size_t skip = 1;
        if (!is_digit(*span->at) && *span->at != '.') {
            skip = 0;
            for (const char *c = between; *c && skip == 0; c++)
                skip = separator_at(*span, *c);
            if (skip == 0 || skip >= span_left(*span) || !is_digit(span->at[skip]))
                break;
        }
        span->at += skip;
    }
    struct span exponent = *span;
    if (exponent.at < exponent.end && (*exponent.at | 32) == 'e') {
        exponent.at++;
        exponent.at += exponent.at < exponent.end && (*exponent.at == '+' || *exponent.at == '-');
        const char *digits = exponent.at;
        while (exponent.at < exponent.end && is_digit(*exponent.at))
            exponent.at++;
        if (exponent.at > digits)
            span->at = exponent.at;
    }
    core.end = span->at;
    return core;
}

/* --- a whole text --- */

struct parts {
    struct span core, unit;
    bool negative, bound, parentheses, unit_first, unit_apart;
};

static bool at_core(struct span span)
{
    return span_left(span) > 0 && (is_digit(*span.at) || ((*span.at == '.' || *span.at == ',') &&
                                                          span_left(span) > 1 && is_digit(span.at[1])));
}

/* A unit before the number, up to its first digit or sign. */
static bool prefix_take(struct span *span, struct parts *parts)
{
    struct span unit = {span->at, span->at};
    while (span_left(*span) > 0 && !at_core(*span) && *span->at != '-' && *span->at != '+' &&
           blank_at(*span) == 0)
        unit.end = ++span->at;
    struct span dotted = {unit.at, unit.end + 1};
    if (span_left(*span) > 1 && *span->at == '.' && span_left(unit) > 0 && is_letter(unit.end[-1]) &&
        unit_is_money(dotted))
        unit.end = ++span->at; /* "Rs.500" */
    if (span_left(*span) == 0 || span_left(unit) >= NUMBER_UNIT_MAX || !unit_is_money(unit))
        return false;
    parts->unit = unit;
    parts->unit_first = true;
    parts->unit_apart = blanks_take(span);
    return true;
}

static bool suffix_take(struct span *span, struct parts *parts)
{
    bool apart = blanks_take(span);
    if (span_left(*span) == 0)
        return true;
    if (span_left(parts->unit) > 0 || span_left(*span) >= NUMBER_UNIT_MAX ||
        !(unit_is_usual(*span) || (apart && unit_is_word(*span))))
        return false;
    parts->unit = *span;
    parts->unit_apart = apart;
    return true;
}

static bool parts_take(const char *text, size_t length, struct parts *parts)
{
    struct span span = {text, text + length};
    *parts = (struct parts){0};
    blanks_take(&span);
    blanks_drop(&span);
    parts->bound = bound_take(&span);
    if (span_left(span) > 2 && *span.at == '(' && span.end[-1] == ')') {
        parts->parentheses = parts->negative = true;
        span.at++;
        span.end--;
        blanks_take(&span);
        blanks_drop(&span);
    }
    bool sign = sign_take(&span, &parts->negative);
    if (sign)
        blanks_take(&span);
    if (!at_core(span) && !prefix_take(&span, parts))
        return false;
    if (!at_core(span) && (sign || !sign_take(&span, &parts->negative) || !at_core(span)))
        return false;
    parts->core = core_take(&span);
    return !(sign && parts->parentheses) && suffix_take(&span, parts);
}

static bool same_unit(struct span unit, const char *text)
{
    return strlen(text) == span_left(unit) && memcmp(unit.at, text, span_left(unit)) == 0;
}

static int writing_of(const struct number_format *format)
{
    char decimal_point = format->decimal_point ? format->decimal_point : '.';
    for (int i = 0; i < NUMBER_WRITINGS; i++)
        if (writings[i].decimal_point == decimal_point && writings[i].lakhs == format->lakhs &&
            writings[i].thousands_separator == format->thousands_separator)
            return i;
    return -1;
}

void number_writing(int writing, struct number_format *format)
{
    format->decimal_point = writings[writing].decimal_point == '.' ? '\0' : writings[writing].decimal_point;
    format->thousands_separator = writings[writing].thousands_separator;
    format->lakhs = writings[writing].lakhs;
}

bool number_read(const char *text, size_t length, const struct number_format *format, double *value)
{
    struct parts parts;
    double number;
    int writing = writing_of(format);
    char decimal_point = format->decimal_point ? format->decimal_point : '.';
    if (number_parse_double(text, length, decimal_point, &number)) {
        *value = number;
        return isfinite(number);
    }
    if (writing < 0 || !parts_take(text, length, &parts) || (parts.bound && !format->bounds) ||
        (parts.parentheses && !format->parentheses) ||
        (span_left(parts.unit) > 0 && !same_unit(parts.unit, format->unit)) ||
        !core_value(parts.core, writing, &number) || !isfinite(number))
        return false;
    *value = parts.negative ? -number : number;
    return true;
}

/* Digits from the last one back to what sets decimals apart. */
static uint8_t decimals_count(struct span core, char decimal_point)
{
    const char *point = core.end, *end = core.end;
    for (const char *at = core.at; at < core.end; at++)
        if ((*at | 32) == 'e') {
            end = point = at;
            break;
        }
    while (point > core.at && is_digit(point[-1]))
        point--;
    bool there = point > core.at && point[-1] == decimal_point;
    return (uint8_t)(there ? (end - point < UINT8_MAX ? end - point : UINT8_MAX) : 0);
}

static bool is_code(const struct parts *parts)
{
    struct span core = parts->core;
    if (span_left(core) < 2 || *core.at != '0' || span_left(parts->unit) > 0 || parts->negative ||
        parts->bound)
        return false;
    while (core.at < core.end && is_digit(*core.at))
        core.at++;
    return core.at == core.end;
}

bool number_examine(const char *text, size_t length, struct number_shape *shape)
{
    struct parts parts;
    double value;
    *shape = (struct number_shape){0};
    if (!parts_take(text, length, &parts))
        return false;
    for (int i = 0; i < NUMBER_WRITINGS; i++)
        if (core_value(parts.core, i, &value) && isfinite(value))
            shape->writings |= 1u << i;
    *shape =
        (struct number_shape){.writings = shape->writings,
                              .unit = parts.unit.at,
                              .unit_length = (uint32_t)span_left(parts.unit),
                              .unit_first = parts.unit_first,
                              .unit_apart = parts.unit_apart,
                              .bound = parts.bound,
                              .parentheses = parts.parentheses,
                              .code = is_code(&parts),
                              .decimals = {decimals_count(parts.core, '.'), decimals_count(parts.core, ',')}};
    return shape->writings != 0;
}
