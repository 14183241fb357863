/* What is counted while rows are read: of one chunk by the worker that parses
 * it, of the table by merging the chunks in their order in the file. Since
 * chunks do not depend on threads, neither do the sums' last bits. */
#ifndef MLP_ENGINE_TABLE_INGEST_TALLY_H
#define MLP_ENGINE_TABLE_INGEST_TALLY_H

#include "table/ingest_bytes.h"
#include "table/ingest_plan.h"

/* A category becomes a text column only if it has more than this part of the
 * levels that a table may have. */
#define LEVELS_SHARE 1000

struct tally_number {
    uint64_t n_missing;
    double sum, squares; /* of the present values less the column's shift */
    double min, max;
    bool fraction;    /* some value is no integer */
    bool inexact;     /* some value is no float's shortest decimal: no float keeps it */
    bool code;        /* some value has a zero before other digits */
    uint8_t decimals; /* as column.decimals says; DECIMALS_NONE before the first value */
};
#define DECIMALS_NONE 254

/* How the bytes are written that are not just digits ("1.0"). */
struct tally_pointed {
    uint64_t n;
    uint8_t decimals;
};

struct tally_category {
    uint64_t n_missing;
    struct levels levels;
    size_t n_bytes; /* of the levels' texts; kept for the whole table only */
};

/* Each array is indexed by plan_column.slot of its type, `wanted` by column. */
struct tally {
    uint64_t n_rows;
    uint8_t *wanted;     /* enum column_type that the values seen need, at least the plan's */
    bool needs_widening; /* some wanted type is wider than the plan's */
    struct tally_byte *bytes;
    struct tally_pointed *pointed; /* by the bytes' slots */
    struct tally_number *numbers;  /* of all types but bytes */
    struct tally_category *categories;
    struct tally_number *dates; /* in seconds */
    uint64_t *texts_missing;    /* values of the text columns */
    struct evidence *evidence;  /* by column: of values that their type did not take at once */
    bool has_evidence;          /* some is not empty */
    struct arena texts;         /* the levels' */
    uint64_t n_levels;
    size_t level_bytes;
    const struct plan *plan;
};

bool tally_init(struct tally *tally, const struct plan *plan, struct err *err);
void tally_clear(struct tally *tally);
void tally_done(struct tally *tally);

/* A value that its column's type cannot hold. */
static inline void tally_want(struct tally *tally, uint32_t column, enum column_type type)
{
    tally->needs_widening = true;
    tally->wanted[column] = (uint8_t)type_wider((enum column_type)tally->wanted[column], type);
}

static inline void tally_add_number(struct tally_number *number, double value, double shift)
{
    double difference = value - shift;
    number->sum += difference;
    number->squares += difference * difference;
    number->min = value < number->min ? value : number->min;
    number->max = value > number->max ? value : number->max;
    bool small = value > -9e15 && value < 9e15; /* larger ones have no place for a fraction */
    number->fraction = number->fraction || (small && value != (double)(int64_t)value);
}

/* Another value has so many decimals. */
static inline void tally_decimals(uint8_t *decimals, uint8_t of_value)
{
    *decimals = *decimals == DECIMALS_NONE || *decimals == of_value ? of_value : COLUMN_DECIMALS_MIXED;
}

/* The narrowest type for all the numbers of a column, of n_rows rows. */
enum column_type tally_narrowest(const struct tally_number *number, uint64_t n_rows);

/* Once all chunks are merged: what the column is, with its format. *column is
 * the plan's, and becomes so; from the second pass on types only widen.
 * Returns whether the file has to be read again. */
bool tally_decide(const struct tally *tally, uint32_t index, struct plan_column *column);

/* Count a value that its column's type did not take at once. */
static inline void tally_evidence(struct tally *tally, uint32_t column, const struct csv_field *field)
{
    tally->has_evidence = true;
    evidence_add(&tally->evidence[column], field->text, field->length, 1);
}

/* Count the byte columns of n_rows records. */
void tally_add_bytes(struct tally *tally, const uint8_t *records, uint64_t n_rows);

/* Add a chunk's tally to the table's; sets `global` of the chunk's levels.
 * ERR_LIMIT where too many columns have too many levels. */
bool tally_merge(struct tally *tally, struct tally *chunk, struct err *err);

/* Fill in what `column` says about its values, from the whole table's tally.
 * `levels` and `level_rows` are left to the caller. */
void tally_column(const struct tally *tally, uint32_t index, struct column *column);

#endif
