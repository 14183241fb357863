/* The catalogue: datasets, jobs, epochs and models as rows in SQLite, and the
 * state folder that it lies in. The only room that knows SQLite. Other rooms
 * see plain rows.
 *
 * State folder (locked by flock, itself and the file `lock`): mlpd.db,
 * datasets/ID.table (beside it ID.original or ID.original.zst and ID.rejects,
 * where there are such), models/ID.model, models/ID.eval, checkpoints/ID.0 and .1
 * (checkpoints.h), tmp/, lost/ (files that no row knew at a start, a folder a
 * start). A file is deleted only because its row said so (store/files.c). Files
 * are named by the row's number, never by a user's word, and rows hold no path:
 * the folder may be moved. What a call reports as done is on disk (WAL,
 * synchronous FULL).
 *
 * Threads: every call may come from any thread; each thread gets its own
 * connection on first use, closed when the thread ends. No call takes another
 * room's lock. Lifetime: all other threads that used the store must have ended,
 * or use it no more, before store_close. */
#ifndef MLPD_STORE_STORE_H
#define MLPD_STORE_STORE_H

#include "mlp/csv.h"
#include "mlp/err.h"
#include "mlp/recipe.h"
#include "mlp/table.h"
#include "mlp/train.h"
#include "mlp/warning.h"

#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE 65  /* a name's 64 characters and the end */
#define STAMP_SIZE 32 /* "2024-05-01T12:00:00.000Z" */
#define PATH_SIZE 4096
#define TITLE_SIZE 201
#define PRIORITY_MIN (-10)
#define PRIORITY_MAX 10
#define WEIGHT_MAX 100

enum dataset_state { DATASET_LOADING, DATASET_READY };
enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_PAUSED,
    JOB_CANCELLING,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_CANCELLED
};
#define JOB_STATES_LIVE 4 /* the first ones, in which it has not ended */
enum model_state { MODEL_FINISHED, MODEL_PARTIAL, MODEL_TRAINING }; /* the last is never stored */
enum rows_kind {
    ROWS_NONE,
    ROWS_TEST,
    ROWS_VALIDATION,
    ROWS_TRAIN
}; /* which rows a model was evaluated on */

/* Names as on the wire: "loading", "ready"; "queued" ...; "finished",
 * "partial", "training"; "", "test", "validation", "train". */
const char *dataset_state_name(enum dataset_state state);
const char *job_state_name(enum job_state state);
const char *model_state_name(enum model_state state);
const char *rows_kind_name(enum rows_kind kind);
/* "classification", "regression", "" for TASK_AUTO. */
const char *task_name(enum task task);
/* Whether the job has ended: succeeded, failed or cancelled. */
bool job_state_final(enum job_state state);

struct dataset_row {
    int64_t id;
    char name[NAME_SIZE];
    enum dataset_state state;
    uint64_t n_rows, n_columns;
    uint64_t bytes; /* of the CSV */
    /* how it was read */
    char separator, quote, comment, decimal; /* quote, comment: '\0': none */
    bool header, count_line;
    uint32_t n_titles; /* rows above the header, left out */
    enum csv_encoding encoding;
    char compression[8]; /* "gzip", "zstd" or "" */
    uint64_t n_skipped;  /* rows left out */
    char created[STAMP_SIZE];
};

struct job_row {
    int64_t id;
    enum job_state state;
    uint64_t change; /* number of the state's last change; an older one never overwrites a newer one */
    char dataset[NAME_SIZE], test[NAME_SIZE], validation[NAME_SIZE]; /* names, "" where there is none */
    int64_t dataset_id, test_id, validation_id;                      /* 0 where there is none */
    char model[NAME_SIZE];
    uint32_t from_version; /* of the model that is trained further; 0: none is */
    uint32_t version;      /* of the model; 0 until it is published, and for jobs that left none */
    uint32_t epoch;        /* epochs ended and stored */
    uint32_t epochs;
    enum task task;                         /* never TASK_AUTO */
    char task_reason[160];                  /* why, and how to change it */
    uint64_t n_train, n_validation, n_test; /* rows used */
    char created[STAMP_SIZE], started[STAMP_SIZE],
        ended[STAMP_SIZE]; /* RFC 3339 UTC; "" while it has not happened */
    struct err error;      /* failed jobs; code ERR_OK else */
    /* what a user may change at any time; store_job_settings stores it,
     * store_job_update does not */
    uint64_t settings; /* number of their last change, as `change` */
    char title[TITLE_SIZE];
    int32_t priority;   /* PRIORITY_MIN .. PRIORITY_MAX */
    uint32_t weight;    /* 1 .. WEIGHT_MAX */
    double max_seconds; /* of training; NaN: no limit */
};

struct model_row {
    int64_t id;
    char name[NAME_SIZE];
    uint32_t version; /* 1, 2, ... under the name; never used twice */
    enum model_state state;
    int64_t job; /* 0: imported from a file */
    char created[STAMP_SIZE];
    enum task task;
    uint64_t n_params;
    uint64_t bytes;  /* of the model file */
    uint32_t epochs; /* epochs run */
    /* the evaluation; NaN where a score does not exist */
    enum rows_kind evaluated_on; /* ROWS_NONE: there is no evaluation */
    int64_t dataset_id;          /* the rows' dataset; 0: none */
    char dataset[NAME_SIZE];     /* its name now; "": it is gone */
    uint64_t n_rows;
    double loss, accuracy, rmse, mae, r2;
    uint32_t n_versions; /* how many versions stand under the name */
    uint32_t promoted;   /* which of them is; 0: none */
    uint32_t wanted;     /* not stored: the damaged version in whose place this one answers; 0: none */
};

/* What a PATCH changes about a name. */
struct model_change {
    char name[NAME_SIZE]; /* the new one; "": it stays */
    bool promote;         /* whether `promoted` counts */
    uint32_t promoted;    /* the version that the bare name means from now on; 0: the newest finished one */
};

struct store;

/* Open or create the state folder: take its lock (ERR_BUSY: another daemon has
 * it), check the catalogue (ERR_CORRUPT: it is damaged, or cannot be the one of
 * the files beside it; nothing is changed), migrate it forward (ERR_INPUT: the
 * folder is of a newer version), empty tmp/, forget half-made datasets and
 * models with their files, move files of ours that no row knows to lost/. NULL
 * on failure. */
struct store *store_open(const char *dir, struct err *err);
void store_close(struct store *store); /* takes NULL */
/* How a recovery reads files that the store itself cannot. A damaged one is
 * ERR_CORRUPT. */
struct store_readers {
    /* What a table, or a model with its evaluation (row->id), says of itself.
     * row NULL: only whether it is whole. */
    bool (*table)(const char *path, struct dataset_row *row, struct err *err);
    bool (*model)(struct store *store, const char *path, struct model_row *row, struct err *err);
    /* Epochs that the job's newest checkpoint has passed: it must not be ahead
     * of the job's history. */
    uint32_t (*epoch)(struct store *store, int64_t job);
};
/* Before store_open: build the catalogue again from what tables, models and
 * checkpoints say of themselves, and what a sound older catalogue says. Damaged
 * files move to lost/, whole ones come back from there. The old catalogue is
 * kept as mlpd.db.before-recover-STAMP. Harmless where nothing is wrong, and
 * atomic. */
bool store_recover(const char *dir, const struct store_readers *readers, struct err *err);
/* The folder's absolute path. */
const char *store_dir(const struct store *store);

/* Whether the text may name a dataset or model:
 * [A-Za-z0-9][A-Za-z0-9._-]{0,63}. ERR_INPUT with err->field = field. */
bool store_name_check(const char *name, const char *field, struct err *err);
/* Now, RFC 3339, UTC, milliseconds. */
void store_stamp(char stamp[STAMP_SIZE]);

/* A new file in tmp/ for reading and writing, close-on-exec; removed at the
 * next start if it is still there. path: its absolute name; NULL: the file has
 * no name and goes with its last descriptor (for spooling uploads); it may be
 * given one by store_link. -1 on failure. */
int store_temp(struct store *store, char path[PATH_SIZE], struct err *err);
/* Give the file `fd` of store_temp, or a copy of it, the name of a row's file
 * that has none yet. It is not synced. Slow. */
bool store_link(struct store *store, int fd, const char *folder, int64_t id, const char *suffix,
                struct err *err);
/* The path of a row's file: store_path(s, "datasets", 7, ".table", path). */
bool store_path(const struct store *store, const char *folder, int64_t id, const char *suffix,
                char path[PATH_SIZE], struct err *err);

/* Rename the synced file `temp` to the file of a row that has none yet, and
 * sync its folder. Whatever stands there moves to lost/. */
bool store_publish(struct store *store, const char *temp, const char *folder, int64_t id, const char *suffix,
                   struct err *err);
/* The row of these files ("datasets", 7) was deleted, or the job has ended:
 * remove them, unless an unfinished job needs them (*gone: they are no longer
 * there). What fails is done by a sweep, or at the next start. */
bool store_files_remove(struct store *store, const char *folder, int64_t id, bool *gone, struct err *err);
/* The same for all deleted rows of the folder whose files may still be
 * there. */
bool store_doomed_sweep(struct store *store, const char *folder, struct err *err);
/* Move a file that a row knows, but that can't be used, to lost/, and say so in
 * the log: "checkpoints/7.0 WHY: moved to ...". */
bool store_file_lose(struct store *store, const char *folder, int64_t id, const char *suffix, const char *why,
                     struct err *err);

/* Files that a dataset has beside its table, or has not: the upload as it came,
 * the same compressed, rows that were set aside. They go with its table. */
#define STORE_ORIGINAL ".original"
#define STORE_PACKED ".original.zst"
#define STORE_REJECTS ".rejects"
/* Rename the synced file `temp` to one of these, whatever stands there, and sync
 * its folder; ERR_NOT_FOUND where its row has been deleted meanwhile. */
bool store_publish_beside(struct store *store, const char *temp, const char *folder, int64_t id,
                          const char *suffix, struct err *err);
/* Remove one of these, whether or not it is there. */
bool store_file_drop(struct store *store, const char *folder, int64_t id, const char *suffix,
                     struct err *err);
/* Hand the number of each dataset that has such a file to `visit`. */
bool store_files_each(struct store *store, const char *suffix, void (*visit)(void *self, int64_t id),
                      void *self, struct err *err);

/* Datasets. A loading row reserves the number; at most one loading and one
 * ready row stand under a name. */
bool store_dataset_reserve(struct store *store, const char *name, bool replace, int64_t *id,
                           struct err *err); /* ERR_CONFLICT */
/* The loading rows become ready with their figures, all or none; a ready one of
 * the name goes. */
struct store_publication {
    const struct dataset_row *row;
    const char *profile; /* JSON, kept beside the row */
    int64_t replaced_id; /* out; 0: none */
};
bool store_dataset_publish(struct store *store, struct store_publication *publications, uint32_t n,
                           struct err *err);
/* The caller frees *profile; "" where none was kept. ERR_NOT_FOUND. */
bool store_dataset_profile(struct store *store, int64_t id, char **profile, struct err *err);
bool store_dataset_forget(struct store *store, int64_t id, struct err *err); /* the row, in any state */
/* The ready one; *id, where it is not 0 before, says which. ERR_NOT_FOUND;
 * ERR_CONFLICT while it is being replaced. */
bool store_dataset_delete(struct store *store, const char *name, int64_t *id, struct err *err);
/* The ready dataset's new name, which jobs then show too. ERR_NOT_FOUND;
 * ERR_CONFLICT where a dataset has it, or is on its way under either. */
bool store_dataset_rename(struct store *store, const char *name, const char *new_name, struct err *err);
bool store_dataset_find(struct store *store, const char *name, struct dataset_row *row,
                        struct err *err); /* ready one */
bool store_dataset_list(struct store *store, struct dataset_row **rows, size_t *n_rows,
                        struct err *err); /* all; by name */

/* Jobs. insert: `warnings` may be NULL; fails with ERR_CONFLICT when one of the
 * datasets has been deleted meanwhile; sets row->id. */
bool store_job_insert(struct store *store, struct job_row *row, const char *request_json,
                      const struct warnings *warnings, struct err *err);
bool store_job_get(struct store *store, int64_t id, struct job_row *row, struct err *err); /* ERR_NOT_FOUND */
/* Newest first, at most `limit`, only those with id < before (0: all).
 * unfinished: only queued, running and paused ones, oldest first. */
bool store_job_list(struct store *store, int64_t before, uint32_t limit, struct job_row **rows,
                    size_t *n_rows, struct err *err);
bool store_job_unfinished(struct store *store, struct job_row **rows, size_t *n_rows, struct err *err);
bool store_job_request(struct store *store, int64_t id, char **json, struct err *err);
/* State, epoch counts, stamps, version, rows, error of `row`, unless the stored
 * row has a newer `change`. */
bool store_job_update(struct store *store, const struct job_row *row, struct err *err);
/* Title, priority, weight and max_seconds of `row`, unless the stored ones are
 * newer. */
bool store_job_settings(struct store *store, const struct job_row *row, struct err *err);
bool store_job_delete(struct store *store, int64_t id, struct err *err); /* with its epochs; ERR_NOT_FOUND */
/* Forget a job's epochs: it starts again. */
bool store_job_rewind(struct store *store, const struct job_row *row, struct err *err);

/* A job's warnings: numbered from `first` on (one that is there already is
 * replaced), and all of them in order. Those about the data come with the job,
 * from 0 on; those about the training from WARNINGS_MAX on. */
bool store_warnings_put(struct store *store, int64_t job, uint32_t first, const struct warnings *warnings,
                        struct err *err);
bool store_warnings(struct store *store, int64_t job, struct warnings *warnings, struct err *err);

struct job_epoch {
    int64_t job;
    struct epoch_metrics metrics;
};
/* One commit for all: epochs appended, and each job's `epoch` raised to its
 * newest one. */
bool store_epochs_append(struct store *store, const struct job_epoch *epochs, size_t n_epochs,
                         struct err *err);
/* How long the job's stored epochs took together. */
bool store_job_seconds(struct store *store, int64_t job, double *seconds, struct err *err);
/* The job's epochs after `after`, at most `limit` (0: all), in order. */
bool store_epochs(struct store *store, int64_t job, uint32_t after, uint32_t limit,
                  struct epoch_metrics **epochs, size_t *n_epochs, struct err *err);

/* Models. reserve gives a number for the files; publish makes row and, where
 * `job` is not NULL, the job's end one commit, and sets row->version (and
 * job->version). */
bool store_model_reserve(struct store *store, int64_t *id, struct err *err);
bool store_model_publish(struct store *store, struct model_row *row, struct job_row *job, struct err *err);
bool store_model_forget(struct store *store, int64_t id, struct err *err);
/* version 0: the promoted one, else the newest finished one, else the newest
 * partial one. */
bool store_model_find(struct store *store, const char *name, uint32_t version, struct model_row *row,
                      struct err *err);
/* One row a name, as store_model_find(version 0) picks, by name; n_versions
 * set. */
bool store_model_list(struct store *store, struct model_row **rows, size_t *n_rows, struct err *err);
bool store_model_versions(struct store *store, const char *name, struct model_row **rows, size_t *n_rows,
                          struct err *err); /* newest first */
/* version 0: all. The caller frees *ids (n_ids): whose files may go.
 * ERR_NOT_FOUND. */
bool store_model_delete(struct store *store, const char *name, uint32_t version, int64_t **ids, size_t *n_ids,
                        struct err *err);
/* All of it or nothing. A new name takes versions, jobs that made them and the
 * promotion along. ERR_NOT_FOUND (field "promoted" where only the version is
 * missing), ERR_CONFLICT (field "name"): the new name is taken. */
bool store_model_change(struct store *store, const char *name, const struct model_change *change,
                        struct err *err);

#endif
