/* Models by name and version: files on disk, loaded ones shared in memory.
 *
 * A version is made whole (file and evaluation written, synced, renamed) before
 * its row says that it exists. Loaded models are kept in models_cache.
 *
 * Threads: every call may come from any thread; "slow" ones write or sync.
 * models_get reads a file on first use. */
#ifndef MLPD_MODELS_MODELS_H
#define MLPD_MODELS_MODELS_H

#include "models/damage.h"
#include "models/evaluations.h"
#include "store/store.h"

struct models;
struct model_room; /* models/file.h */

/* cache_bytes: how much memory loaded models may take together (0: 1 GiB). NULL
 * on failure. */
struct models *models_open(struct store *store, uint64_t cache_bytes, struct err *err);
void models_close(struct models *models); /* takes NULL */

/* The model; the caller unrefs it. version 0: the promoted one, else the newest
 * finished one, else the newest partial one (row->state says so), or where its
 * file is damaged the newest finished one before it (row->wanted says so). A
 * file that is missing, cannot be read or fails its checksums is damaged.
 * ERR_NOT_FOUND; ERR_CORRUPT. `row` may be NULL. */
struct model *models_get(struct models *models, const char *name, uint32_t version, struct model_row *row,
                         struct err *err);
/* The same where the model is in memory and what the name means is known: no
 * I/O, no SQL, no waiting. NULL: ask models_get. */
struct model *models_get_loaded(struct models *models, const char *name, uint32_t version,
                                struct model_row *row);
/* Whether row's name and version no longer mean row->id: it was renamed or
 * deleted. A read of it that failed is then repeated. */
bool models_moved(struct models *models, const struct model_row *row);
/* Whether the version's file is damaged, as far as its size and the last read
 * of it tell; then `reason` says how. Reads a file that was damaged and has
 * changed since. */
bool models_damaged(struct models *models, const struct model_row *row, char reason[DAMAGE_REASON_SIZE]);
/* Read the version's file: whether it is whole. What is damaged is logged once
 * and known from then on, as if it had been asked for. ERR_CORRUPT;
 * ERR_NOT_FOUND: the version is gone; ERR_STOPPED: room's tick said so. */
bool models_verify(struct models *models, const struct model_row *row, const struct model_room *room,
                   struct err *err);
/* Whether row answers in the place of a damaged version; then `reason` says
 * what is wrong with that. No I/O, no SQL. */
bool models_wanted(struct models *models, const struct model_row *row, char reason[DAMAGE_REASON_SIZE]);
/* The first `most` damaged versions that were come upon; how many there are. No
 * I/O, no SQL. */
size_t models_damages(struct models *models, struct damage *list, size_t most);
bool models_find(struct models *models, const char *name, uint32_t version, struct model_row *row,
                 struct err *err);
/* One row a name (the one that answers to the bare name), by name. The caller
 * frees *rows. */
bool models_list(struct models *models, struct model_row **rows, size_t *n_rows, struct err *err);
/* All versions of a name, newest first; at least one, else ERR_NOT_FOUND. The
 * caller frees *rows. */
bool models_versions(struct models *models, const char *name, struct model_row **rows, size_t *n_rows,
                     struct err *err);
/* Rename, promote, roll back: all at once or not at all, as store_model_change
 * says; new requests find it so from then on. Slow. */
bool models_change(struct models *models, const char *name, const struct model_change *change,
                   struct err *err);
/* version 0: all of them. A name whose promoted version goes has none. Slow. */
bool models_delete(struct models *models, const char *name, uint32_t version, struct err *err);

/* The model file, its checksums verified, open for reading from its beginning;
 * row->bytes is its size. version 0: as models_get, less what is being trained.
 * -1 on failure. */
int models_file(struct models *models, const char *name, uint32_t version, struct model_row *row,
                struct err *err);
/* Publish the model file `path` (from store_temp, wholly written) as a new
 * finished version; a file that is no model is ERR_INPUT. Takes the file over:
 * in either case it is gone from `path`. `row` may be NULL. Slow. */
bool models_import(struct models *models, const char *name, const char *path, struct model_row *row,
                   struct err *err);

/* The evaluation with the page's guesses: *n_guesses of them are in
 * evaluation->guesses, *n_matching there are. The caller frees it with
 * evaluation_free. ERR_NOT_FOUND also where the version has none (imported).
 * Labels' texts: the model's recipe->classes. NULL on failure. */
struct evaluation *models_evaluation(struct models *models, const char *name, uint32_t version,
                                     const struct evaluation_page *page, uint64_t *n_guesses,
                                     uint64_t *n_matching, struct model_row *row, struct err *err);

/* For jobs: the best model so far, served under row->name until the job ends
 * where no finished version is; the next one replaces it. In: row->name, job,
 * epochs. No I/O, no SQL. */
void models_offer(struct models *models, struct model *model, const struct model_row *row);
/* The job has ended: what it published is served, or what was there before. */
void models_withdraw(struct models *models, int64_t job);

/* For jobs: write the files of a new version and publish it, together with the
 * job's end where `job` is not NULL. In: row->name, state, job, epochs,
 * evaluated_on, dataset_id; out: all of it. `evaluation` may be NULL.
 * `request_json`, the job's, is kept in the file. Slow. */
bool models_publish(struct models *models, struct model *model, const struct evaluation *evaluation,
                    const char *request_json, struct model_row *row, struct job_row *job, struct err *err);

#endif
