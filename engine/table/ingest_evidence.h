/* What the values of one column look like that its planned type does not take
 * as they come, and what the column is, decided by the majority of all of them:
 * counts, so that neither the order of the rows nor threads matter. Plain data;
 * one owner at a time. */
#ifndef MLP_ENGINE_TABLE_INGEST_EVIDENCE_H
#define MLP_ENGINE_TABLE_INGEST_EVIDENCE_H

#include "mlp/column.h"
#include "mlp/number.h"

#define EVIDENCE_UNITS 4
#define ODD_LISTED 1000 /* odd values of a column that are listed, each with its row */

struct evidence_unit {
    char text[NUMBER_UNIT_MAX]; /* "": none */
    bool first, apart;          /* as it stood the first time */
    uint64_t n;
};

struct evidence {
    uint64_t n;         /* values counted here, all kinds */
    uint64_t n_listed;  /* of those that do not fit the planned type: named in the report */
    uint64_t n_numbers; /* in some writing */
    uint64_t n_written[NUMBER_WRITINGS];
    uint64_t n_bounds, n_parentheses;
    uint64_t n_codes;  /* "007" */
    uint64_t n_digits; /* numbers of digits alone, codes among them */
    uint64_t n_other_units;
    struct evidence_unit units[EVIDENCE_UNITS];
    uint8_t decimals_least[2], decimals_most[2]; /* behind a point, behind a comma */
    uint64_t n_dates[DATE_ORDERS];
    uint64_t n_any_date;
    double some_number, some_date; /* one of them, for sums of differences from it */
    uint32_t seen;                 /* enum date_seen */
    char separator;
    uint64_t n_absent; /* text_may_be_missing, and not text_is_missing */
    char absent[16];   /* the first of them, cut; */
    bool absent_mixed; /* they are not all the same */
    bool fraction;     /* of byte columns: some number not counted here is no integer, or negative */
};

/* What a column is. */
struct verdict {
    enum column_type type; /* COLUMN_NUMBER, COLUMN_DATE, else COLUMN_CATEGORY */
    struct number_format number;
    struct date_format date;
    uint64_t n_odd; /* values that do not fit and are to be missing */
};

/* Count a value that is not missing n times. */
void evidence_add(struct evidence *evidence, const char *text, size_t length, uint64_t n);
/* The same of one that is known to be a date. */
void evidence_add_date(struct evidence *evidence, const struct date_reading *reading);
/* Add those of values further below. */
void evidence_merge(struct evidence *evidence, const struct evidence *below);

/* How the numbers that were taken as they came are written. */
struct evidence_plain {
    uint64_t n;         /* of the column */
    char decimal_point; /* of the file: '.' or ',' */
    bool told;          /* the decimal point is the user's: no other is looked for */
    bool fraction;      /* some is no integer, or negative */
    bool code;          /* some is a code */
};

/* Values that may be odd in a column with so many: 1 in 100; of fewer than 1,000
 * values, 1 in 20, and 3 at most. */
uint64_t evidence_odd_limit(uint64_t n_present);

/* What the column is, most of whose values are one thing: numbers or dates whose
 * odd values are within the limit, else a category. */
void evidence_decide(const struct evidence *evidence, const struct evidence_plain *plain,
                     struct verdict *verdict);

#endif
