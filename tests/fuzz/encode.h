/* A recipe fitted on a table that was just read, and every way in compared with
 * every other. */
#ifndef MLP_FUZZ_ENCODE_H
#define MLP_FUZZ_ENCODE_H

#include "fuzz.h"
#include "mlp/csv.h"

/* The file that a table was made of: `readable` where rows of a reader are rows
 * of the table, all of them. */
struct encode_source {
    const char *text;
    size_t n;
    const struct csv_options *options; /* for a reader: nothing to be guessed */
    const struct csv_report *report;
    bool readable;
};

/* Fit by what `choice` says (target, task, rows), then encode all rows: from
 * the table, from its bytes, from the file's texts, from numbers, by a copy of
 * the recipe. Bits must be the same. False: it could not be fitted, or memory
 * ran out; *err says so. */
bool encode_check(struct table *table, uint8_t choice, const struct encode_source *source, struct err *err);

#endif
