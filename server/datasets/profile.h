/* A dataset's profile as JSON: each column's figures, the first rows, the rows
 * that were left out.
 *
 * Made once, by a second pass over the table, when the dataset is stored.
 * Threads: no state; one call reads up to a million rows and belongs on a
 * service thread. */
#ifndef MLPD_DATASETS_PROFILE_H
#define MLPD_DATASETS_PROFILE_H

#include "base/writer.h"
#include "mlp/csv.h"
#include "mlp/table.h"
#include "json/message.h"

#define PROFILE_COLUMNS_MAX 10000 /* tables with more have no quartiles, histograms and sample rows */
#define PROFILE_LEVELS 100        /* of a category, the commonest first */
#define PROFILE_SAMPLE 5          /* first rows */

/* What a table was read from. */
struct profile_source {
    const struct csv_report *report; /* of what was added, where `before` is set */
    const char *format;              /* "csv", "json", "libsvm", "idx" */
    const char *told;                /* what the user said of the reading: a JSON object of texts */
    const char *recoded_from;        /* the file's encoding, where it was read as UTF-8; NULL: it was not */
    uint64_t n_bad;                  /* bytes of the file that are none of its encoding */
    const char *before; /* where rows were added: the profile before, whose reading it keeps; NULL: none */
};

/* An object: "format", "told", "reading", "skipped", "profiled_rows", "columns", "sample". source
 * NULL: what was done to the file is not known. The caller frees it. NULL: out of memory. */
char *profile_make(const struct table *table, const struct profile_source *source, struct err *err);
/* "told" of a profile; message_free it. NULL: out of memory. */
struct message *profile_told(const char *profile, struct err *err);
/* The profile with "association" in each of its n columns, null where NaN. The
 * caller frees it. NULL: out of memory. */
char *profile_associate(const char *profile, const double *association, uint32_t n, struct err *err);
/* One value as JSON. */
void profile_cell(struct writer *writer, const struct table *table, uint32_t column, uint64_t row);

#endif
