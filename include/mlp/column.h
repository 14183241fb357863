/* What a column holds, and what is known of its values. */
#ifndef MLP_COLUMN_H
#define MLP_COLUMN_H

#include "mlp/date.h"

#include <stdbool.h>
#include <stdint.h>

enum column_type {
    COLUMN_BYTE,     /* uint8_t: every value is an integer 0..255, none is missing */
    COLUMN_NUMBER,   /* float, NaN where missing; the nearest float to the text, as strtof gives */
    COLUMN_CATEGORY, /* uint32_t index into levels, TABLE_MISSING where missing */
    COLUMN_DATE,     /* double, a date's value (mlp/date.h), NaN where missing; at a multiple of 4 bytes */
    COLUMN_TEXT, /* uint64_t place among the table's texts, TABLE_TEXT_MISSING where missing; at a multiple of
                    4 bytes. Of columns with more different texts than can be numbered: kept, not learnt from
                  */
};
#define COLUMN_TYPES 5
#define TABLE_MISSING UINT32_MAX
#define COLUMN_NAME_MAX 1024  /* bytes of a name, in what is read anew */
#define COLUMN_LEVEL_MAX 4096 /* bytes of a level's text: a column with a longer one is text */
#define TABLE_TEXT_MISSING UINT64_MAX

struct column {
    char *name; /* as in the header, or "c1", "c2" ... where there is none */
    enum column_type type;
    uint32_t offset; /* of the value within a record; multiple of the value's size, or of 4 */
    uint64_t n_missing;
    bool integer;                            /* every present value is an integer (byte and number columns) */
    char decimal_point, thousands_separator; /* of the file's numbers; '\0': a point, none */
    double min,
        max; /* of the present values, of dates in seconds; NaN where there is none and in columns of texts */
    double mean, stddev;        /* stddev of the population */
    struct date_format date;    /* date columns: as the file writes them */
    uint32_t n_levels;          /* category columns; else 0 */
    const char *const *levels;  /* n_levels strings, in order of first appearance */
    const uint64_t *level_rows; /* n_levels: how many rows hold each level */
};

/* Whether table_text may be asked for its values. */
static inline bool column_has_texts(const struct column *column)
{
    return column->type == COLUMN_CATEGORY || column->type == COLUMN_TEXT;
}

#endif
