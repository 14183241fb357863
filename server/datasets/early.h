/* A CSV parsed while its upload still arrives: what parsing takes is then over
 * shortly after the last byte.
 *
 * It has a thread of its own, so that a slow client holds none of those that
 * others wait for, and ends as soon as bytes stay away for EARLY_PATIENCE_MS.
 * Whatever keeps it from a table is no error: the caller reads the whole file
 * then, and finds the error where there is one.
 *
 * Threads: one call at a time, from any thread. */
#ifndef MLPD_DATASETS_EARLY_H
#define MLPD_DATASETS_EARLY_H

#include "mlp/ingest.h"
#include "mlp/stop.h"
#include "store/store.h"

#include <stdatomic.h>

#define EARLY_LEAST (4u << 20) /* bytes of a file that is worth it */
#define EARLY_BEGIN (1u << 20) /* of them that are there when it begins: more than a plan is made from */
#define EARLY_PATIENCE_MS 1000

struct early_source {
    int fd;                            /* a regular file; a copy of the descriptor is kept */
    uint64_t n_there;                  /* bytes of it that are written */
    uint64_t n_bytes;                  /* once all are */
    const struct csv_options *options; /* what they point to lasts until the end */
    const char *path;                  /* of the table; whatever stands there goes */
    int rejects_fd;                    /* owned from a success on */
    struct table_progress progress;    /* told by its thread; cannot stop it */
};

struct early;
/* NULL: no memory or no thread. */
struct early *early_begin(const struct early_source *source);
/* So many bytes are written by now. */
void early_arrived(struct early *early, uint64_t n_there);
/* The file `fd` is whole: wait for its table. True: it is at the path, and
 * *report and the rejects belong to it. False: it is not, be it that the file or
 * the options are others than those of early_begin. */
bool early_finish(struct early *early, int fd, const struct csv_options *options, const atomic_bool *stop,
                  struct csv_report *report);
/* The rejects' file, its own until early_free; it is empty, or may be
 * overwritten, where there is no table. */
int early_rejects(const struct early *early);
/* Ends it wherever it is, and removes a table that nobody has taken. Takes
 * NULL. */
void early_free(struct early *early);

#endif
