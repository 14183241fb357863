/* How raw columns become the network's input vector and its target: fitted on
 * the training rows, kept in the model, the same code for every way in (a
 * table's row, a JSON value, a CSV field).
 *
 * The structs are plain data so that a file format can hold them. A recipe is
 * immutable once fitted; any number of threads may encode with it. */
#ifndef MLP_RECIPE_H
#define MLP_RECIPE_H

#include "mlp/stop.h"
#include "mlp/table.h"

#include <stddef.h>
#include <stdint.h>

#define RECIPE_INPUTS_MAX (1u << 20)
#define RECIPE_CLASSES_MAX 1000
#define RECIPE_LEVELS_MAX 256 /* inputs that one category may have, `other` not counted */

#define RECIPE_KNOTS_MAX 9 /* of one column */

enum task { TASK_AUTO, TASK_CLASSIFICATION, TASK_REGRESSION };

enum encoding {
    ENCODING_SCALE,       /* x * scale: byte columns that start at zero; one input */
    ENCODING_STANDARDISE, /* (x - offset) * scale; one input, and a second, 1 where missing, where `indicator`
                           */
    ENCODING_LOG,         /* sign(x) log(1 + |x| / unit), then as ENCODING_STANDARDISE: heavy tails */
    ENCODING_QUANTILE, /* after the input of ENCODING_STANDARDISE, or of ENCODING_LOG where unit > 0, one for
                          each piece between two knots: 0 below it, 1 above, rising evenly within (Gorishniy
                          et al. 2022); the indicator is the last */
    ENCODING_ONE_HOT,  /* one input a level, and a last one for missing, rare and unseen levels where `other`
                        */
    ENCODING_BOOLEAN,  /* yes, true, t, y or 1 is 1, no, false, f, n or 0 is 0; one input, and a second, 1
                          where missing, where `indicator` */
    ENCODING_DATE,     /* days (as ENCODING_STANDARDISE), year, month (sine, cosine), one input a weekday from
                          Monday; where `time`, the time of day (sine, cosine); a last one, 1 where missing,
                          where `indicator` */
    ENCODING_IGNORE,   /* left out (constant, id-like, free text, or the user's override): no input */
};
#define RECIPE_NOTE_SIZE 120
#define RECIPE_DATE_INPUTS 11u /* of ENCODING_DATE, without time and indicator */

struct recipe_column {
    char *name;
    enum encoding encoding;
    uint32_t first_input; /* index of its first input */
    uint32_t n_inputs;
    double origin;       /* taken from a number in double precision before it becomes a float, 0 but for large
                            numbers       close together: what stands below is of the difference */
    float offset, scale; /* of dates in days since 1970 */
    float impute;        /* raw value that stands for a missing number or date */
    bool indicator;      /* ENCODING_STANDARDISE, LOG, QUANTILE, BOOLEAN, DATE */
    float unit;          /* ENCODING_LOG, maybe ENCODING_QUANTILE; else 0 */
    uint32_t n_knots;
    float *knots; /* ENCODING_QUANTILE; ascending; of the number, or of its logarithm where unit > 0 */
    bool time;    /* ENCODING_DATE: not all training rows say midnight */
    struct date_format date;
    bool other;                              /* ENCODING_ONE_HOT */
    char decimal_point, thousands_separator; /* of the table's file: texts may be so written too */
    struct number_format number;             /* of the table's numbers, likewise */
    uint32_t n_levels;
    char **levels;               /* ENCODING_ONE_HOT; in order of bytes, each once */
    char note[RECIPE_NOTE_SIZE]; /* why a column is left out, "" else */
};

struct recipe {
    uint32_t n_columns;
    struct recipe_column *columns; /* the features, in the table's order, without the target */
    uint32_t n_inputs;
    /* Every used column is ENCODING_SCALE with the same scale, so that rows can
     * be gathered as bytes: input = byte * bytes_scale. */
    bool bytes;
    float bytes_scale;
    /* the target */
    char *target;
    enum task task;     /* never TASK_AUTO */
    uint32_t n_classes; /* classification, at least 2 */
    char **classes;     /* labels as the user wrote them; integers in numeric order, text in order of bytes */
    float target_mean, target_stddev; /* regression: network output = (y - mean) / stddev */
    char task_reason[160]; /* "label holds 10 integers from 0: classes; say \"task\":\"regression\" to change
                              it" */
};

/* A column's encoding as the user overrides it. */
struct recipe_override {
    const char *column;
    enum encoding encoding;
};

struct recipe_options {
    const char *target; /* NULL: a column called label, class, target or y (any case), else the last */
    enum task task;
    const char *const
        *ignore; /* names of columns to leave out; n_ignore of them. An unknown one is an error. */
    uint32_t n_ignore;
    const char *const *features; /* the only columns to use, n_features of them; 0: all but those to ignore */
    uint32_t n_features;
    const struct recipe_override *overrides; /* n_overrides; the other columns' encodings are chosen */
    uint32_t n_overrides;
    bool raw_target; /* regression: leave the target as it is (mean 0, stddev 1), as a loss of counts needs it
                      */
    const atomic_bool *stop; /* ends fitting with ERR_STOPPED; NULL: nothing does */
};

/* Fit on rows[0..n_rows) of the table (indices); the columns on about a million
 * of them, spread evenly, where there are more. Integer targets that run
 * without gaps from 0 or 1 with at most 20 levels, and categories, are classes;
 * every other number is regression. NULL on failure. The caller frees it with
 * recipe_free. */
struct recipe *recipe_fit(const struct table *table, const uint32_t *rows, uint64_t n_rows,
                          const struct recipe_options *options, struct err *err);
void recipe_free(struct recipe *recipe); /* takes NULL and half-built ones */
/* About how many bytes of memory it takes. */
uint64_t recipe_bytes(const struct recipe *recipe);
/* A deep copy; NULL: out of memory. */
struct recipe *recipe_copy(const struct recipe *recipe, struct err *err);
/* Check a recipe that came from a file: counts, offsets, finite numbers.
 * ERR_CORRUPT. */
bool recipe_check(const struct recipe *recipe, struct err *err);
/* Index into columns, -1 where there is none. */
int64_t recipe_find(const struct recipe *recipe, const char *name);

/* Why a recipe fitted on all rows would leave the column out by itself, ""
 * where it would not. */
void recipe_note(const struct table *table, uint32_t column, char note[RECIPE_NOTE_SIZE]);
/* What a column is to its reader: a boolean is a category of yes and no, text
 * one of whole sentences that hardly repeat. */
enum column_kind { KIND_NUMBER, KIND_CATEGORY, KIND_BOOLEAN, KIND_DATE, KIND_TEXT };
enum column_kind recipe_kind(const struct table *table, uint32_t column);

#endif
