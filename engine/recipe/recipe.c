/* The recipe itself: its memory, and raw values from outside into inputs.
 * Fitting is in recipe/fit.c, tables in binding.c.
 *
 * Threads: a fitted recipe is immutable, everything here but recipe_free may
 * run on any number of threads. */
#define _POSIX_C_SOURCE 200809L
#include "mlp/csv.h"
#include "mlp/number.h"
#include "mlp/value.h"
#include "recipe/private.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

static void strings_free(char **strings, uint32_t n)
{
    if (!strings)
        return;
    for (uint32_t i = 0; i < n; i++)
        free(strings[i]);
    free(strings);
}

void recipe_free(struct recipe *recipe)
{
    if (!recipe)
        return;
    for (uint32_t i = 0; recipe->columns && i < recipe->n_columns; i++) {
        free(recipe->columns[i].name);
        free(recipe->columns[i].knots);
        strings_free(recipe->columns[i].levels, recipe->columns[i].n_levels);
    }
    free(recipe->columns);
    free(recipe->target);
    strings_free(recipe->classes, recipe->n_classes);
    free(recipe);
}

#define ALLOCATED 16 /* bytes that the allocator adds to a piece, about */

static uint64_t strings_bytes(char *const *strings, uint32_t n)
{
    uint64_t bytes = n * sizeof *strings;
    for (uint32_t i = 0; i < n; i++)
        bytes += strlen(strings[i]) + 1 + ALLOCATED;
    return bytes;
}

uint64_t recipe_bytes(const struct recipe *recipe)
{
    uint64_t bytes = sizeof *recipe + strings_bytes(recipe->classes, recipe->n_classes) +
                     strlen(recipe->target) + 6 * ALLOCATED;
    for (uint32_t i = 0; i < recipe->n_columns; i++) {
        const struct recipe_column *column = &recipe->columns[i];
        bytes +=
            sizeof *column + strlen(column->name) + 3 * ALLOCATED + column->n_knots * sizeof *column->knots;
        bytes += strings_bytes(column->levels, column->n_levels);
    }
    return bytes;
}

int64_t recipe_find(const struct recipe *recipe, const char *name)
{
    for (uint32_t i = 0; i < recipe->n_columns; i++)
        if (strcmp(recipe->columns[i].name, name) == 0)
            return i;
    return -1;
}

const char *text_cut(const char *text, size_t length, size_t max, char out[80])
{
    size_t n = length < max ? length : max;

    while (n < length && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    memcpy(out, text, n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] < ' ')
            out[i] = ' ';
    memcpy(out + n, n < length ? "..." : "", n < length ? 4 : 1);
    return out;
}

uint32_t number_text(double number, char text[NUMBER_TEXT_MAX])
{
    float single = (float)number, back;
    double wide;

    if (number == trunc(number) && fabs(number) < 1e15)
        return (uint32_t)snprintf(text, NUMBER_TEXT_MAX, "%.0f", number == 0 ? 0.0 : number);
    if (isfinite(single) && ((double)single == number || number_fits_float(number)))
        for (int digits = 1; digits <= 9; digits++) {
            int length = snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, (double)single);
            if (digits == 9 || (number_parse(text, (size_t)length, &back) && back == single))
                return (uint32_t)length;
        }
    for (int digits = 10; digits < 17; digits++) {
        int length = snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, number);
        if (number_parse_double(text, (size_t)length, '.', &wide) && wide == number)
            return (uint32_t)length;
    }
    return (uint32_t)snprintf(text, NUMBER_TEXT_MAX, "%.17g", number);
}

/* Order of bytes between a terminated string and a text with a length. */
static int string_compare(const char *string, const char *text, size_t length)
{
    int order = strncmp(string, text, length);

    return order ? order : string[length] ? 1 : 0;
}

uint32_t strings_find(char *const *strings, uint32_t n, const char *text, size_t length)
{
    uint32_t low = 0, high = n;

    if (memchr(text, 0, length))
        return LEVEL_NONE;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = string_compare(strings[middle], text, length);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return LEVEL_NONE;
}

static int pointer_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(char **strings, uint32_t n)
{
    if (n > 1)
        qsort(strings, n, sizeof *strings, pointer_compare);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

uint32_t column_text_input(const struct recipe_column *column, const char *text, size_t length)
{
    uint32_t level = strings_find(column->levels, column->n_levels, text, length);

    if (level != LEVEL_NONE)
        return level;
    size_t whole = length;
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    while (length > 0 && is_blank(*text))
        text++, length--;
    if (length < whole)
        level = strings_find(column->levels, column->n_levels, text, length);
    return level != LEVEL_NONE ? level : column_missing_input(column);
}

uint32_t column_number_input(const struct recipe_column *column, double number)
{
    char text[NUMBER_TEXT_MAX];

    if (!isfinite(number))
        return column_missing_input(column);
    return column_text_input(column, text, number_text(number, text));
}

static void encode_text_category(const struct recipe_column *column, const struct value *value, float *x)
{
    bool missing = text_is_missing(value->text, value->length);

    column_encode_hot(
        column,
        missing ? column_missing_input(column) : column_text_input(column, value->text, value->length), x);
}

/* The column takes something else than what stood there. */
static bool value_wrong(const struct recipe_column *column, const struct value *value, const char *expected,
                        struct err *err)
{
    char name[80], text[80], number[NUMBER_TEXT_MAX];
    bool is_text = value->kind == VALUE_TEXT;
    uint32_t n = is_text ? value->length : number_text(value->number, number);

    err_set(err, ERR_INPUT, "column '%s' takes %s, and %s%s%s is not one",
            text_cut(column->name, strlen(column->name), 60, name), expected, is_text ? "\"" : "",
            text_cut(is_text ? value->text : number, n, 60, text), is_text ? "\"" : "");
    return err_at(err, 0, column->name);
}

/* As the text's source writes numbers, where that is known; else as the
 * training's file did, or plainly. */
static bool text_number(const struct recipe_column *column, const struct value *value, double *number)
{
    char plain[NUMBER_PLAIN_MAX],
        thousands_separator = value->decimal_point ? value->thousands_separator : column->thousands_separator;
    char decimal_point = value->decimal_point    ? value->decimal_point
                         : column->decimal_point ? column->decimal_point
                                                 : '.';
    float nearest;

    if (!number_format_is_plain(&column->number) &&
        number_read(value->text, value->length, &column->number, number))
        return true;
    if (thousands_separator &&
        number_parse_groups(value->text, value->length, decimal_point, thousands_separator, &nearest,
                            plain) &&
        *plain)
        return number_parse_double(plain, strlen(plain), '.', number);
    return number_parse_double(value->text, value->length, decimal_point, number) ||
           (!value->decimal_point && number_parse_double(value->text, value->length, '.', number));
}

/* Text for a column of numbers or truths. */
static bool encode_text_number(const struct recipe_column *column, const struct value *value, float *x,
                               struct err *err)
{
    bool truth = column->encoding == ENCODING_BOOLEAN;
    float side = NAN;
    double number = NAN;

    if (!(truth ? truth_parse(value->text, value->length, &side) : text_number(column, value, &number)) &&
        !text_may_be_missing(value->text, value->length))
        return value_wrong(column, value, truth ? "yes or no, true or false" : "a number", err);
    column_encode_value(column, truth ? (double)side : number, x);
    return true;
}

static bool encode_date(const struct recipe_column *column, const struct value *value, float *x,
                        struct err *err)
{
    double date = NAN;
    bool ok = value->kind == VALUE_MISSING || (value->kind == VALUE_NUMBER && !isfinite(value->number));
    char format[DATE_FORMAT_MAX], expected[80];

    if (value->kind == VALUE_TEXT)
        ok = date_parse(value->text, value->length, column->date, &date) ||
             text_may_be_missing(value->text, value->length);
    if (!ok) {
        bool iso = column->date.order == DATE_YMD;
        date_format_text(column->date, format);
        if (column->date.order > DATE_MDY)
            snprintf(expected, sizeof expected, "a %s as %s",
                     column->date.order == DATE_TIME ? "time" : "period", format);
        else
            snprintf(expected, sizeof expected, "a date as %s%syyyy-mm-dd", iso ? "" : format,
                     iso ? "" : " or ");
        return value_wrong(column, value, expected, err);
    }
    column_encode_date(column, date, x);
    return true;
}

static bool encode_value(const struct recipe_column *column, const struct value *value, float *x,
                         struct err *err)
{
    if (column->encoding == ENCODING_IGNORE)
        return true;
    double number = value->kind == VALUE_NUMBER ? value->number : (double)NAN;
    if (column->encoding == ENCODING_DATE)
        return encode_date(column, value, x, err);
    if (column->encoding == ENCODING_ONE_HOT) {
        if (value->kind == VALUE_TEXT)
            encode_text_category(column, value, x);
        else
            column_encode_hot(column, column_number_input(column, number), x);
        return true;
    }
    if (value->kind == VALUE_TEXT)
        return encode_text_number(column, value, x, err);
    column_encode_value(column, number, x);
    return true;
}

bool recipe_encode(const struct recipe *recipe, const struct value *values, float *x, struct err *err)
{
    for (uint32_t i = 0; i < recipe->n_columns; i++)
        if (!encode_value(&recipe->columns[i], &values[i], x, err))
            return false;
    return true;
}

/* Magnitudes are ordered as these are, infinity and NaN last. */
static int32_t magnitude_bits(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & INT32_MAX;
}

/* Where every column is one byte-like input of one scale: the same arithmetic
 * as column_encode_number, in loops that vectorise. False: a value is missing
 * or may have to be clamped, and the caller must take the other way. */
static bool encode_plain(const struct recipe *recipe, const float *restrict raw, float *restrict x)
{
    float scale = recipe->bytes_scale, most = INPUT_MAX / 2 / fabsf(scale);
    int32_t limit = magnitude_bits(most < FLT_MAX ? most : FLT_MAX), odd = 0;

    for (uint32_t i = 0; i < recipe->n_inputs; i++)
        odd |= magnitude_bits(raw[i]) > limit;
    for (uint32_t i = 0; i < recipe->n_inputs; i++)
        x[i] = raw[i] * scale + 0.0f; /* no -0: a byte of a table has none */
    return !odd;
}

void recipe_encode_numbers(const struct recipe *recipe, const float *raw, float *x)
{
    if (recipe->bytes && recipe->n_inputs == recipe->n_columns && encode_plain(recipe, raw, x))
        return;
    for (uint32_t i = 0; i < recipe->n_columns; i++) {
        const struct recipe_column *column = &recipe->columns[i];
        if (column->encoding == ENCODING_ONE_HOT)
            column_encode_hot(column, column_number_input(column, (double)raw[i]), x);
        else if (column->encoding == ENCODING_DATE)
            column_encode_date(column, NAN, x);
        else if (column->encoding != ENCODING_IGNORE)
            column_encode_value(column, (double)raw[i], x);
    }
}
