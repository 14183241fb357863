/* What a column holds, and what is known of its values.
 *
 * Numbers are kept as the file says: of byte, int8 to int64, float and double a
 * column has the narrowest type that brings every number of it back, integers
 * before floats of the same width. The types' numbers stand in files. */
#ifndef MLP_COLUMN_H
#define MLP_COLUMN_H

#include "mlp/date.h"
#include "mlp/number.h"

#include <stdbool.h>
#include <stdint.h>

enum column_type {
    COLUMN_BYTE,     /* uint8_t: every value is an integer 0..255, none is missing */
    COLUMN_NUMBER,   /* float, NaN where missing; the file's number is its shortest decimal */
    COLUMN_CATEGORY, /* uint32_t index into levels, TABLE_MISSING where missing */
    COLUMN_DATE,     /* double, a date's value (mlp/date.h), NaN where missing; at a multiple of 4 bytes */
    COLUMN_TEXT, /* uint64_t place among the table's texts, TABLE_TEXT_MISSING where missing; at a multiple of
                    4 bytes. Of columns with more different texts than can be numbered: kept, not learnt from
                  */
    COLUMN_INT8, /* int8_t; of this and the three below the lowest value stands for a missing one */
    COLUMN_INT16,  /* int16_t */
    COLUMN_INT32,  /* int32_t */
    COLUMN_INT64,  /* int64_t, at a multiple of 4 bytes */
    COLUMN_DOUBLE, /* double, NaN where missing; at a multiple of 4 bytes. Of columns with a number that is
                      not the shortest decimal of its float */
};
#define COLUMN_TYPES 10
#define TABLE_MISSING UINT32_MAX
#define COLUMN_DECIMALS_MAX 17
#define COLUMN_DECIMALS_MIXED 255 /* not all the same, more, or not known */
#define COLUMN_NAME_MAX 1024      /* bytes of a name, in what is read anew */
#define COLUMN_LEVEL_MAX 4096     /* bytes of a level's text: a column with a longer one is text */
#define TABLE_TEXT_MISSING UINT64_MAX

struct column {
    char *name; /* as in the header, or "c1", "c2" ... where there is none */
    enum column_type type;
    uint32_t offset; /* of the value within a record; multiple of the value's size, or of 4 */
    uint64_t n_missing;
    bool integer;     /* every present value is an integer (columns of numbers) */
    uint8_t decimals; /* with how many all numbers are written, "1.0" with 1; COLUMN_DECIMALS_MIXED */
    char decimal_point, thousands_separator; /* of the file's numbers; '\0': a point, none */
    struct number_format number;             /* columns of numbers: all that they share in writing */
    double min,
        max; /* of the present values, of dates in seconds; NaN where there is none and in columns of texts */
    double mean, stddev;        /* stddev of the population */
    struct date_format date;    /* date columns: as the file writes them */
    uint32_t n_levels;          /* category columns; else 0 */
    const char *const *levels;  /* n_levels strings, in order of first appearance */
    const uint64_t *level_rows; /* n_levels: how many rows hold each level */
};

/* Whether table_value may be asked for its values. */
static inline bool column_type_is_number(enum column_type type)
{
    return type == COLUMN_BYTE || type == COLUMN_NUMBER || (type >= COLUMN_INT8 && type <= COLUMN_DOUBLE);
}
static inline bool column_is_number(const struct column *column)
{
    return column_type_is_number(column->type);
}

/* With how many decimals at least its numbers are to be written. */
static inline unsigned column_decimals(const struct column *column)
{
    return column->decimals <= COLUMN_DECIMALS_MAX ? column->decimals : 0;
}

/* Bytes of a value. */
static inline uint32_t column_type_bytes(enum column_type type)
{
    static const uint8_t bytes[COLUMN_TYPES] = {
        [COLUMN_BYTE] = 1,  [COLUMN_NUMBER] = 4, [COLUMN_CATEGORY] = 4, [COLUMN_DATE] = 8,
        [COLUMN_TEXT] = 8,  [COLUMN_INT8] = 1,   [COLUMN_INT16] = 2,    [COLUMN_INT32] = 4,
        [COLUMN_INT64] = 8, [COLUMN_DOUBLE] = 8};
    return bytes[type];
}

/* A number where it stands in a record; NaN where it is missing. */
double column_value(enum column_type type, const void *at);

/* Whether table_text may be asked for its values. */
static inline bool column_has_texts(const struct column *column)
{
    return column->type == COLUMN_CATEGORY || column->type == COLUMN_TEXT;
}

#endif
