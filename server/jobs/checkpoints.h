/* Checkpoint files: what a training job goes on from after a crash. Two a job,
 * checkpoints/ID.0 and ID.1, written by turns, so that one is whole whatever
 * happens to the other. Their bytes are the engine's (mlp/ensemble.h:
 * ensemble_save).
 *
 * Threads: any; a job's files by one at a time. No state but the files. */
#ifndef MLPD_JOBS_CHECKPOINTS_H
#define MLPD_JOBS_CHECKPOINTS_H

#include "mlp/ensemble.h"
#include "store/store.h"

#include <stdatomic.h>

#define CHECKPOINT_SLOTS 2

/* The slot with the newest checkpoint that this daemon can use and that is not
 * ahead of the job's stored epochs; -1: none. Says in the log what is wrong
 * with the others, and moves those that can never be used to lost/. */
int checkpoint_choose(struct store *store, const struct job_row *row, struct train_place *place);

/* One of a job's two files. */
struct checkpoint_file {
    struct store *store;
    int64_t job;
    int slot;
};

/* On return it is in the slot for good; on failure the slot holds what it held.
 * `bytes` are sealed. When *give_up_ns (CLOCK_MONOTONIC, 0: never; any thread
 * may set it) has passed, it soon ends with ERR_STOPPED. */
bool checkpoint_write(const struct checkpoint_file *file, const void *bytes, size_t n,
                      const atomic_ullong *give_up_ns, struct err *err);
/* At most `most` bytes, the trainer's ensemble_save_size: a larger file is
 * ERR_CORRUPT before any memory is taken. The caller frees *bytes. */
bool checkpoint_read(const struct checkpoint_file *file, size_t most, void **bytes, size_t *n,
                     struct err *err);
/* Where the checkpoint stands, where no trainer says how large it may be: as
 * ensemble_state_look. The file is mapped, so its size takes no memory. */
bool checkpoint_look(const struct checkpoint_file *file, struct train_place *place, struct err *err);
/* Both slots of a job that has ended or was deleted. What cannot be removed now
 * goes at the next start. */
void checkpoints_remove(struct store *store, int64_t job);

#endif
