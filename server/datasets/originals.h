/* Uploads as they came (unpacked), kept beside their tables so that they can be
 * read again with other options: datasets/ID.original, compressed in the
 * background to ID.original.zst where zstd is built in.
 *
 * A file is there or it is not: nothing else says whether an upload is kept. It
 * belongs to its dataset's row and goes with it; before that it goes where all
 * together are more than the limit, the oldest first. One that has just come is
 * not synced before it is compressed: a power failure may lose it, a kill does
 * not.
 *
 * Threads: any; those marked "slow" belong on a service thread. A thread of its
 * own, of the lowest priority, compresses and removes. */
#ifndef MLPD_DATASETS_ORIGINALS_H
#define MLPD_DATASETS_ORIGINALS_H

#include "mlp/stop.h"
#include "store/store.h"

/* How many uploads are kept; zero in either: that is no limit. */
struct keep_limit {
    uint64_t bytes, seconds; /* on the disk; since they came */
};

struct originals;

/* NULL on failure. `store` outlives it. */
struct originals *originals_open(struct store *store, const struct keep_limit *limit, struct err *err);
/* Ends its thread; what is not compressed is at the next start. Takes NULL. */
void originals_close(struct originals *originals);

/* The file `fd` of store_temp is the upload of the dataset with this number,
 * which is loading. A failure is only logged: the upload is not kept. Slow. */
void originals_keep(struct originals *originals, int64_t id, int fd);
/* The upload of one dataset is that of another, too, which is loading. */
void originals_carry(struct originals *originals, int64_t from, int64_t to);
/* The dataset is ready: what is to be done to its upload may begin. */
void originals_ready(struct originals *originals);
/* The upload in a file of its own, which the caller closes. ERR_NOT_FOUND: it
 * is not kept. -1 on failure. Slow. */
int originals_read(struct originals *originals, int64_t id, const atomic_bool *stop, struct err *err);
bool originals_has(struct originals *originals, int64_t id);

#endif
