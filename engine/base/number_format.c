/* How a column writes numbers: texts of numbers, names of formats. See
 * mlp/number.h. */
#define _POSIX_C_SOURCE 200809L
#include "base/span.h"
#include "mlp/number.h"

#include <math.h>
#include <stdio.h>

bool number_format_is_plain(const struct number_format *format)
{
    return (format->decimal_point == '\0' || format->decimal_point == '.') && !format->thousands_separator &&
           !format->unit[0] && !format->parentheses && !format->bounds && !format->lakhs;
}

/* --- writing --- */

/* The fewest digits that read as the same number. */
static int shortest(double value, bool single, char text[NUMBER_WRITTEN_MAX])
{
    int n = 0, most = single ? 9 : 17;
    double back;
    if (value == trunc(value) && fabs(value) < 1e15)
        return snprintf(text, NUMBER_WRITTEN_MAX, "%.0f", value == 0 ? 0.0 : value);
    for (int digits = 1; digits <= most; digits++) {
        n = snprintf(text, NUMBER_WRITTEN_MAX, "%.*g", digits, value);
        if (number_parse_double(text, (size_t)n, '.', &back) &&
            (single ? (float)back == (float)value : back == value))
            break;
    }
    return n;
}

/* The plain number's digits with the format's separators. */
static size_t digits_put(const char *plain, const struct number_format *format, char *to)
{
    size_t n = 0, whole = strspn(plain, "0123456789");
    bool grouped = format->thousands_separator && !strpbrk(plain, "eE");
    for (size_t i = 0; plain[i]; i++) {
        size_t behind = whole - i;
        bool at_group = format->lakhs && behind > 3 ? (behind - 3) % 2 == 0 : behind % 3 == 0;
        if (grouped && i > 0 && i < whole && at_group)
            to[n++] = format->thousands_separator;
        to[n++] = plain[i] == '.' && format->decimal_point ? format->decimal_point : plain[i];
    }
    return n;
}

uint32_t number_write(double value, const struct number_format *format, bool single,
                      char text[NUMBER_WRITTEN_MAX])
{
    char plain[NUMBER_WRITTEN_MAX];
    bool negative = signbit(value) && value != 0, apart = format->unit[0] && format->unit_apart;
    double magnitude = fabs(value);
    size_t n = 0;
    if (!isfinite(value)) {
        text[0] = '\0';
        return 0;
    }
    if (format->n_decimals > 0 && magnitude < 1e17)
        snprintf(plain, sizeof plain, "%.*f", format->n_decimals, magnitude);
    else
        shortest(magnitude, single, plain);
    if (negative)
        text[n++] = format->parentheses ? '(' : '-';
    if (format->unit_first)
        n += (size_t)snprintf(text + n, NUMBER_WRITTEN_MAX - n, "%s%s", format->unit, apart ? " " : "");
    n += digits_put(plain, format, text + n);
    if (!format->unit_first)
        n += (size_t)snprintf(text + n, NUMBER_WRITTEN_MAX - n, "%s%s", apart ? " " : "", format->unit);
    if (negative && format->parentheses)
        text[n++] = ')';
    text[n] = '\0';
    return (uint32_t)n;
}

/* --- names of formats --- */

void number_format_text(const struct number_format *format, char text[NUMBER_FORMAT_MAX])
{
    const char *apart = format->unit[0] && format->unit_apart ? " " : "";
    char separator[2] = {format->thousands_separator, '\0'}, decimals[16] = "";
    char point = format->decimal_point ? format->decimal_point : '.';
    int n_decimals = format->n_decimals < 10 ? format->n_decimals : 10;
    if (n_decimals > 0)
        snprintf(decimals, sizeof decimals, "%c%.*s", point, n_decimals, "0000000000");
    else if (point != '.')
        snprintf(decimals, sizeof decimals, "%c#", point);
    snprintf(text, NUMBER_FORMAT_MAX, "%s%s%s%s%s%s%s%s%s%s%s%s", format->bounds ? "<" : "",
             format->unit_first ? format->unit : "", format->unit_first ? apart : "", separator[0] ? "#" : "",
             separator, format->lakhs ? "##" : "", format->lakhs ? separator : "", separator[0] ? "##0" : "0",
             decimals, format->unit_first ? "" : apart, format->unit_first ? "" : format->unit,
             format->parentheses ? ";()" : "");
}

static void find_digits(struct span *span, struct number_format *format)
{
    if (span_take(span, "#") && span_left(*span) > 0) {
        format->thousands_separator = *span->at++;
        format->lakhs =
            span_left(*span) > 2 && span->at[0] == '#' && span->at[2] == format->thousands_separator;
        if (format->lakhs)
            span->at += 3;
        span_take(span, "##");
    }
    span_take(span, "0");
    if (span_left(*span) > 1 && (*span->at == '.' || *span->at == ',') &&
        (span->at[1] == '0' || span->at[1] == '#')) {
        format->decimal_point = *span->at == '.' ? '\0' : *span->at;
        span->at++;
        while (span_take(span, "0"))
            format->n_decimals++;
        span_take(span, "#");
    }
}

bool number_format_find(const char *text, struct number_format *format)
{
    struct span span = {text, text + strlen(text)};
    char name[NUMBER_FORMAT_MAX];
    *format = (struct number_format){.bounds = span_take(&span, "<")};
    struct span unit = {span.at, span.at + strcspn(span.at, "#0")};
    span.at = unit.end;
    find_digits(&span, format);
    if (span_left(span) >= 3 && memcmp(span.end - 3, ";()", 3) == 0) {
        format->parentheses = true;
        span.end -= 3;
    }
    format->unit_first = span_left(unit) > 0;
    if (!format->unit_first) {
        format->unit_apart = span_take(&span, " ");
        unit = span;
    } else if (unit.end[-1] == ' ') {
        format->unit_apart = true;
        unit.end--;
    }
    if (span_left(unit) >= NUMBER_UNIT_MAX || (span_left(unit) > 0 && strchr(".,'#0;<", *unit.at)))
        return false;
    memcpy(format->unit, unit.at, span_left(unit));
    number_format_text(format, name);
    return strcmp(name, text) == 0;
}
