/* Files that are no CSV, but say the same, as CSV: JSON (an array of objects or
 * of arrays, also as the member data, rows, records or instances of an object;
 * or one object or array after the other, as in JSON lines) and libsvm.
 *
 * The source is read twice, from its beginning to its end: once for the
 * columns, once for the rows. What is held are the columns' names and one row.
 * Threads: no state; one call, one thread. */
#ifndef MLPD_DATASETS_CONVERT_H
#define MLPD_DATASETS_CONVERT_H

#include "base/ledger.h"
#include "base/writer.h"
#include "mlp/csv.h"
#include "mlp/stop.h"

#include <stddef.h>
#include <stdint.h>

struct convert_source {
    const char *bytes; /* (n) the file */
    size_t n;
    uint64_t most;           /* bytes that the CSV may have */
    struct claim *claim;     /* what the columns' names are reserved from */
    const atomic_bool *stop; /* ends the work with ERR_STOPPED; NULL: nothing does */
};

/* How to read what was made. */
struct converted {
    struct csv_options options; /* the user's, with the dialect that was written */
    struct csv_type *types;     /* owned, as the names in it from the user's on */
    uint32_t n_told;
};
void converted_done(struct converted *converted);

/* Write the CSV to `fd`, an empty file; `told` is what the user says of the
 * reading, which must outlive *converted. Missing members and null are missing
 * values; a column of texts of which some read as numbers stays one of texts.
 * ERR_INPUT with row and column for what is no table (a value that is an object
 * or an array), err->id "json_nested", "json_wrong" or "libsvm_wrong";
 * ERR_LIMIT. Then *converted is empty. Slow. */
bool convert_json(const struct convert_source *source, const struct csv_options *told, int fd,
                  struct converted *converted, struct err *err);
/* The columns are label, qid where there are such, and x1, x2 ... by their
 * indices (from x0 where the file counts from 0); what a row does not name is
 * 0. */
bool convert_libsvm(const struct convert_source *source, const struct csv_options *told, int fd,
                    struct converted *converted, struct err *err);

/* For the two: CSV on its way out. */
struct convert_out {
    const struct convert_source *source;
    int fd;
    uint64_t n_written;
    struct writer *writer;
};
/* The bytes that have come together so far, where there are more than `above`.
 * ERR_LIMIT. */
bool convert_flush(struct convert_out *out, size_t above, struct err *err);
/* The dialect of what is written, the rest as told. */
struct csv_options convert_options(const struct csv_options *told);

#endif
