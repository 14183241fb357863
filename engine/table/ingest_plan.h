/* What a file's head shows: dialect, header, columns and their first types; and
 * where each column's value lies in a record. Plain data: written by one thread
 * before the workers start, only read while they run. */
#ifndef MLP_ENGINE_TABLE_INGEST_PLAN_H
#define MLP_ENGINE_TABLE_INGEST_PLAN_H

#include "csv/scan.h"
#include "mlp/table.h"
#include "table/ingest_evidence.h"
#include "table/ingest_levels.h"
#include "table/ingest_region.h"

struct plan_column {
    const char *name; /* in the plan's arena */
    enum column_type type;
    uint32_t offset; /* within a record */
    uint32_t slot;   /* its number among the columns of its type; of all numbers but bytes together */
    bool fixed;      /* a number because the user says so: anything else makes a bad row */
    bool given;      /* the type is the user's: what values are more like does not matter */
    bool formatted;  /* numbers are not written in the file's plain way: */
    bool told;       /* that format is the user's, and no other is looked for */
    struct number_format number; /* as this column writes them */
    double shift;                /* a value of the column: sums are taken of the differences from it */
    struct date_format date;     /* COLUMN_DATE: how it is read */
};

struct plan {
    const struct csv_options *options;
    struct csv_dialect dialect;
    enum csv_encoding encoding;
    bool header;
    bool many_names;    /* the header has several rows, or units below it */
    bool count_line;    /* the first line held counts */
    uint64_t body;      /* where in the file the first row of data, or a blank line before it, begins */
    uint64_t body_line; /* line ends before it */
    uint32_t n_columns;
    struct plan_column *columns;
    uint32_t n_of_type[COLUMN_TYPES];
    uint32_t n_numbers; /* of all types but bytes */
    uint32_t bytes_at;  /* byte columns lie side by side in a record, in the table's order, from here on */
    uint32_t record_bytes;
    uint32_t n_fixed;
    int n_passes;                    /* of the file so far */
    uint32_t n_levels_max;           /* of all categories together */
    size_t level_bytes_max;          /* their texts' */
    uint64_t seed;                   /* of the hashes */
    struct csv_field *header_fields; /* n_header_fields: its first row as it stands there */
    uint32_t n_header_fields;
    struct notes notes;   /* rows of the header below its first */
    uint32_t *missing_of; /* (options->n_column_missing) the column of each; NULL: there are none */
    struct arena names;
};

/* The beginning of a file, or of its table. */
struct head_text {
    const char *text;
    size_t n_bytes;
    bool whole;          /* it is all */
    uint32_t n_rows_max; /* to look at */
};

/* Look at the head of the region's table (not in UTF-16). ERR_INPUT for an empty
 * file, CSV_MORE in *result where not even the first row is whole: come again
 * with more. */
bool plan_init(struct plan *plan, const struct region *region, const struct head_text *text,
               const struct csv_options *options, enum csv_result *result, struct err *err);
void plan_done(struct plan *plan);

/* A finite number as this file writes them. One too large for a double is text:
 * it would be lost as a number. */
bool plan_number(const struct plan *plan, const struct csv_field *field, double *value);
/* The same as an integer, for a number without decimals that is below 2^63:
 * all of its digits. */
int64_t plan_integer(const struct csv_field *field, double value);
/* With how many decimals the number is written; COLUMN_DECIMALS_MIXED where its
 * end is no digit of them, or has an exponent. */
uint8_t plan_decimals(const struct plan *plan, const struct csv_field *field);
bool plan_missing(const struct plan *plan, const struct csv_field *field);
/* A finite number of a formatted column. */
bool plan_formatted(const struct plan *plan, const struct plan_column *column, const struct csv_field *field,
                    double *value);
/* As its column writes it. */
static inline bool plan_column_number(const struct plan *plan, const struct plan_column *column,
                                      const struct csv_field *field, double *value)
{
    return column->formatted ? plan_formatted(plan, column, field, value) : plan_number(plan, field, value);
}
/* The column's format, from here on. */
void plan_format(const struct plan *plan, struct plan_column *column, const struct number_format *format);
/* Whether digits of the number begin with a zero: "007". */
static inline bool field_is_led(const struct csv_field *field)
{
    return field->length > 1 && field->text[0] == '0' && field->text[1] >= '0' && field->text[1] <= '9';
}

/* Whether the text has to be recoded to be UTF-8, and that: `to` has room for 3
 * bytes a byte. Returns the bytes written. */
bool plan_foreign(const struct plan *plan, const struct csv_field *field);
size_t plan_recode(const struct plan *plan, const struct csv_field *field, char *to);

/* While a file is read, numbers are bytes, floats, 64-bit integers (where one is
 * beyond 2^24) or doubles: the narrowest of them that keeps this one. At the end
 * each column gets the narrowest of all types. */
enum column_type type_of_number(double value);

/* The wider of two types: the one that holds all values of both; but for
 * integers that only 64 bits hold beside fractions, which tally_wanted knows. */
static inline enum column_type type_wider(enum column_type a, enum column_type b)
{
    static const uint8_t width[COLUMN_TYPES] = {
        [COLUMN_BYTE] = 0,  [COLUMN_NUMBER] = 1, [COLUMN_INT8] = 1, [COLUMN_INT16] = 1,    [COLUMN_INT32] = 1,
        [COLUMN_INT64] = 2, [COLUMN_DOUBLE] = 3, [COLUMN_DATE] = 4, [COLUMN_CATEGORY] = 5, [COLUMN_TEXT] = 6};
    return width[a] >= width[b] ? a : b;
}

/* Give the columns their places in the record, by their types. */
void plan_layout(struct plan *plan);

#endif
