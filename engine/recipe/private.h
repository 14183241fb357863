/* What the files of the recipe share: one value to inputs, in one place, so
 * that every way in gives the same bits. */
#ifndef MLP_ENGINE_RECIPE_PRIVATE_H
#define MLP_ENGINE_RECIPE_PRIVATE_H

#include "base/elementary.h"
#include "mlp/number.h"
#include "mlp/recipe.h"

#include <math.h>
#include <string.h>

/* No training row standardises to more (it would take 10^12 rows); keeps a wild
 * value at prediction from ending as infinity or NaN. */
#define INPUT_MAX 1e6f
/* Of ENCODING_SCALE: a fitted one is at most 1. Keeps bytes below INPUT_MAX
 * without a clamp. */
#define SCALE_MAX (INPUT_MAX / 256)
#define LEVEL_NONE UINT32_MAX

/* Room for the shortest text of a float. */
#define NUMBER_TEXT_MAX 32

/* The shortest decimal text that reads back as `number` (finite), or as its float
 * where it is that of one; integers without exponent. Returns its length. */
uint32_t number_text(double number, char text[NUMBER_TEXT_MAX]);

/* A table's number as it was written: of a float its shortest decimal. */
static inline double recipe_value(enum column_type type, const void *at)
{
    float single;

    if (type != COLUMN_NUMBER)
        return column_value(type, at);
    memcpy(&single, at, sizeof single);
    return isfinite(single) ? number_of_float(single) : (double)NAN;
}

/* Index of the text among strings in order of bytes, LEVEL_NONE where it is not
 * there. */
uint32_t strings_find(char *const *strings, uint32_t n, const char *text, size_t length);

/* Order strings by bytes and drop nothing. */
void strings_sort(char **strings, uint32_t n);

/* Input of a one-hot column, counted from its first, that a text or a number
 * lights; LEVEL_NONE: none of them. */
uint32_t column_text_input(const struct recipe_column *column, const char *text, size_t length);
uint32_t column_number_input(const struct recipe_column *column, double number);

/* A name cut to at most `max` bytes (less than 80), never within a UTF-8
 * sequence; for messages. */
const char *text_cut(const char *text, size_t length, size_t max, char out[80]);

/* Years 1 to 9999: what a date may be. */
#define DATE_VALUE_MIN (-62135596800.0 - DATE_DAY)
#define DATE_VALUE_MAX 253402387200.0

/* A date's value into its column; x: the row's inputs. */
void column_encode_date(const struct recipe_column *column, double value, float *x);

/* Whether all levels are words of one kind: yes and no, true and false ... */
bool column_is_boolean(const struct column *column);

/* Inputs that the encoding makes; 0 for an encoding that does not exist and for
 * what is left out. */
static inline uint32_t column_inputs(const struct recipe_column *column)
{
    switch (column->encoding) {
    case ENCODING_SCALE:
        return 1;
    case ENCODING_STANDARDISE:
    case ENCODING_BOOLEAN:
    case ENCODING_LOG:
        return 1 + column->indicator;
    case ENCODING_QUANTILE:
        return column->n_knots + column->indicator;
    case ENCODING_DATE:
        return RECIPE_DATE_INPUTS + (column->time ? 2u : 0u) + (column->indicator ? 1u : 0u);
    case ENCODING_ONE_HOT:
        return column->n_levels + (column->other ? 1 : 0);
    case ENCODING_IGNORE:
        return 0;
    }
    return 0;
}

/* Byte columns that lie side by side in a record: n of them from `offset`, the
 * first of them number `first` of some list. */
struct byte_run {
    uint32_t offset, first, n;
};

/* Join offsets (n) that follow each other into runs (room for n); returns their
 * number. */
uint32_t byte_runs(const uint32_t *offsets, uint32_t n, struct byte_run *runs);

/* The input of a one-hot column for a missing value. */
static inline uint32_t column_missing_input(const struct recipe_column *column)
{
    return column->other ? column->n_levels : LEVEL_NONE;
}

static inline float input_clamp(float input)
{
    return (input > INPUT_MAX    ? INPUT_MAX
            : input < -INPUT_MAX ? -INPUT_MAX
                                 : input) +
           0.0f; /* no -0: a byte of a table has none */
}

static inline float number_log(float number, float unit)
{
    return copysignf((float)elementary_log1p((double)(fabsf(number) / unit)), number);
}

/* A number, less the column's origin, into a column that is not one-hot; x: the
 * row's inputs. */
static inline void column_encode_number(const struct recipe_column *column, float raw, float *x)
{
    bool missing = !isfinite(raw);
    float number = missing ? column->impute : raw;

    x += column->first_input;
    if (column->encoding == ENCODING_SCALE) {
        x[0] = input_clamp(number * column->scale);
        return;
    }
    if (column->unit > 0)
        number = number_log(number, column->unit);
    *x++ = input_clamp((number - column->offset) * column->scale);
    for (uint32_t i = 1; i < column->n_knots; i++) {
        float share = (number - column->knots[i - 1]) / (column->knots[i] - column->knots[i - 1]);
        *x++ = share > 0 ? (share < 1 ? share : 1) : 0;
    }
    if (column->indicator)
        *x = missing ? 1.0f : 0.0f;
}

/* The same of a number that a float may not hold. */
static inline void column_encode_value(const struct recipe_column *column, double value, float *x)
{
    column_encode_number(column, (float)(value - column->origin), x);
}

/* A one-hot column with input `hot` lit, counted from its first. */
static inline void column_encode_hot(const struct recipe_column *column, uint32_t hot, float *x)
{
    memset(x + column->first_input, 0, column->n_inputs * sizeof *x);
    if (hot != LEVEL_NONE)
        x[column->first_input + hot] = 1.0f;
}

#endif
