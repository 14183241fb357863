/* What a file is, by its first bytes: text that is taken, or something else,
 * which is named with its remedy. Pure functions; any thread. */
#ifndef MLPD_DATASETS_KIND_H
#define MLPD_DATASETS_KIND_H

#include "mlp/err.h"

#include <stddef.h>

#define KIND_HEAD 65536 /* bytes that tell a kind */

enum file_kind {
    FILE_CSV, /* or anything else that may be read as one */
    FILE_JSON,
    FILE_LIBSVM,
    FILE_IDX,
};

/* The beginning and the end of a file; those of a short file are the same. */
struct file_ends {
    const char *head, *tail;
    size_t n_head, n_tail;
};

/* ERR_UNSUPPORTED for a file that is no text, or text of another kind, with
 * what it is and how it becomes a CSV file; err->id names the kind:
 * "file_is_xlsx". */
bool kind_find(const struct file_ends *ends, enum file_kind *kind, struct err *err);
/* The same of a regular file. */
bool kind_find_file(int fd, enum file_kind *kind, struct err *err);

#endif
