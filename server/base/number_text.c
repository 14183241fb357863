/* A table's numbers as text. See base/number_text.h. */
#include "base/number_text.h"

#include "base/float_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMALS_MAX = 15 };
#define EXACT_MAX 9e15 /* integers below are doubles, all of them */

static size_t integer_text(int64_t number, char text[NUMBER_TEXT_SIZE])
{
    char digits[20];
    size_t n = 0, at = 0;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        digits[n++] = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        text[at++] = '-';
    while (n > 0)
        text[at++] = digits[--n];
    return at;
}

/* scaled / 10^decimals with a point. */
static size_t fixed_text(bool negative, int64_t scaled, int decimals, char text[NUMBER_TEXT_SIZE])
{
    char digits[NUMBER_TEXT_SIZE];
    size_t at = 0, n = integer_text(scaled, digits), whole = n > (size_t)decimals ? n - (size_t)decimals : 0;
    if (negative)
        text[at++] = '-';
    if (whole == 0)
        text[at++] = '0';
    memcpy(text + at, digits, whole);
    at += whole;
    text[at++] = '.';
    for (size_t i = n; i < (size_t)decimals; i++)
        text[at++] = '0';
    memcpy(text + at, digits + whole, n - whole);
    return at + n - whole;
}

/* The fewest decimals of which an integer of 53 bits divided by a power of ten
 * is the number: that is one rounding, and so what the text reads back as. 0:
 * there are none. */
static size_t short_text(double number, char text[NUMBER_TEXT_SIZE])
{
    double power = 1, size = fabs(number);
    if (size >= EXACT_MAX || (size < 1e-5 && size > 0))
        return 0;
    if (number == trunc(number))
        return integer_text((int64_t)number, text);
    for (int decimals = 1; decimals <= DECIMALS_MAX; decimals++) {
        power *= 10;
        if (size * power >= EXACT_MAX)
            return 0;
        double scaled = round(size * power);
        if (scaled / power == size)
            return fixed_text(number < 0, (int64_t)scaled, decimals, text);
    }
    return 0;
}

size_t double_text(double number, char text[NUMBER_TEXT_SIZE])
{
    int n = 4;
    if (!isfinite(number)) {
        memcpy(text, "null", 4);
        return 4;
    }
    size_t length = short_text(number, text);
    for (int digits = 15; length == 0 && digits <= 17; digits++) {
        n = snprintf(text, NUMBER_TEXT_SIZE, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return length ? length : (size_t)n;
}

size_t table_number_text(const struct table *table, uint32_t column, uint64_t row,
                         char text[NUMBER_TEXT_SIZE])
{
    const struct column *of = table_column(table, column);
    if (of->type == COLUMN_NUMBER)
        return float_text(table_number(table, column, row), text);
    if (of->type != COLUMN_INT64)
        return double_text(table_value(table, column, row), text);
    int64_t value;
    memcpy(&value, table_records(table) + row * table_record_bytes(table) + of->offset, sizeof value);
    return value == INT64_MIN ? double_text(NAN, text) : integer_text(value, text);
}
