/* Datasets by name: uploads on their way in, and tables ready to use.
 *
 * Threads: every call may come from any thread; those marked "slow" write or
 * sync and belong on a service thread. Own lock, never held across I/O, SQL or
 * another room's call. Lifetime: datasets_close after all uploads have ended;
 * tables live on by their own reference counts. */
#ifndef MLPD_DATASETS_DATASETS_H
#define MLPD_DATASETS_DATASETS_H

#include "datasets/damaged_rows.h"
#include "datasets/originals.h"
#include "mlp/csv.h"
#include "store/store.h"

#include <stdatomic.h>

struct datasets;
/* An upload on its way: from the first byte of the request until the dataset is
 * ready. */
struct upload;

struct dataset_info {
    struct dataset_row
        row;        /* row.state DATASET_LOADING: only name, id, created and the progress below are known */
    bool replacing; /* a ready dataset is being replaced: the progress below is that of the new one */
    uint64_t bytes_received, bytes_expected; /* of the upload; expected 0: unknown */
    uint64_t bytes_parsed, rows_parsed;      /* of the ingest that follows it */
    bool original_kept;                      /* the file that was uploaded */
    struct damaged_rows damage;              /* rows of a ready one that are known to be damaged */
};

/* n_threads: threads that one ingest may use. NULL on failure. */
struct datasets *datasets_open(struct store *store, uint32_t n_threads, struct err *err);
/* Keep uploads as they came, to this limit; without it none is. */
bool datasets_keep(struct datasets *datasets, const struct keep_limit *limit, struct err *err);
void datasets_close(struct datasets *datasets); /* takes NULL */
/* The kept upload of a dataset in a file, which the caller closes. ERR_CONFLICT
 * with the id "original_gone" where it is not kept. -1 on failure. Slow. */
int datasets_original(struct datasets *datasets, int64_t id, const atomic_bool *stop, struct err *err);

/* Reserve the name; from now on it shows as loading. To be called when the
 * request's head is there, so that a name that is taken (ERR_CONFLICT, field
 * "name"; without `replace`, or while another upload of the name runs) is
 * refused before its body. Slow. A dataset that is replaced stays readable
 * until datasets_finish. NULL on failure. */
struct upload *datasets_begin(struct datasets *datasets, const char *name, bool replace, struct err *err);
/* How far the body has come, for those who watch. */
void datasets_received(struct upload *upload, uint64_t bytes_received, uint64_t bytes_expected);
/* The CSV on its way: the first n_there of its n_bytes are in the regular file
 * `fd`. What the options point to lasts until the upload ends. */
struct arriving {
    int fd;
    uint64_t n_there, n_bytes;
    const struct csv_options *options;
};
/* Begin to read it (early.h), unless another upload is being read so. Once; does
 * nothing where it cannot. datasets_finish takes the result where file and
 * options are the same. Slow. */
void datasets_read_early(struct upload *upload, const struct arriving *arriving);
/* So many of its bytes are there. */
void datasets_arrived(struct upload *upload, uint64_t n_there);
/* Read the CSV in the regular file csv_fd (store_temp(store, NULL)) and publish
 * the dataset; on return it is on disk and ready. Ends the upload in either
 * case; on failure nothing is left of it. `stop` (may be NULL) ends the work
 * early with ERR_STOPPED. Does not close csv_fd. `info` may be NULL. Slow. */
bool datasets_finish(struct upload *upload, int csv_fd, const struct csv_options *options,
                     const atomic_bool *stop, struct dataset_info *info, struct err *err);
/* The same in two: the first does all but publish, so that several uploads (n
 * of them) can become datasets together or not at all. Each ends its uploads
 * where it fails; infos (n) may be NULL. Slow. */
bool datasets_stage(struct upload *upload, int csv_fd, const struct csv_options *options,
                    const atomic_bool *stop, struct err *err);
/* The same with a table that is no CSV: `make` writes the table file `path`,
 * which is not there before nor after its failure. */
struct table_maker {
    bool (*make)(void *self, const char *path, struct err *err);
    void *self;
};
bool datasets_stage_table(struct upload *upload, const struct table_maker *maker, struct err *err);
bool datasets_publish(struct upload *const *uploads, uint32_t n, struct dataset_info *infos, struct err *err);
/* How the body was compressed ("gzip"), for datasets_finish to note. */
void datasets_compressed(struct upload *upload, const char *compression);
/* What the upload is, for the profile and for reading it again. */
struct upload_source {
    const char *format;       /* "csv", "json", "libsvm", "idx"; lasts */
    const char *told;         /* options as a JSON object of texts (csv_query_told) */
    uint64_t bytes;           /* of the file */
    const char *recoded_from; /* its encoding, where it was made UTF-8 first; NULL: it was not */
    uint64_t n_bad;           /* its bytes that are none of it */
    int keep_fd;              /* the file, to be kept; -1: it is not to be */
    int64_t keep_of;          /* the dataset whose kept file it is; 0: none */
};
/* ERR_MEMORY. Slow. */
bool datasets_describe(struct upload *upload, const struct upload_source *source, struct err *err);
/* The upload holds a dataset's rows and more: how they were read stays as
 * `like` says it, its bytes too. */
void dataset_inherit_metadata(struct upload *upload, const struct dataset_row *like);
/* Of the rows that are added to `like`: what was done to them, and the file of
 * those set aside (csv.h; -1: none), which are put behind those before. Both are
 * read when the upload is staged. */
void dataset_add_report(struct upload *upload, const struct csv_report *report, int rejects_fd);
/* A file without a name to spool rows in. -1 on failure. */
int datasets_temp(struct datasets *datasets, struct err *err);
/* Give the upload up. Takes NULL. Slow. */
void datasets_abort(struct upload *upload);

/* ERR_NOT_FOUND where neither a ready nor a loading dataset has the name. */
bool datasets_find(struct datasets *datasets, const char *name, struct dataset_info *info, struct err *err);
/* All, by name. The caller frees *list. */
bool datasets_list(struct datasets *datasets, struct dataset_info **list, size_t *n_list, struct err *err);
/* The table of a ready dataset; the caller unrefs it. ERR_NOT_FOUND, or
 * ERR_CONFLICT while it is loading. `row` may be NULL. */
struct table *datasets_table(struct datasets *datasets, const char *name, struct dataset_row *row,
                             struct err *err);
/* The same by number, which a replaced or deleted dataset keeps while an
 * unfinished job needs it. */
struct table *datasets_table_id(struct datasets *datasets, int64_t id, struct err *err);
/* Whether the name no longer means the dataset id: it was replaced, renamed or
 * deleted. A read of that dataset that failed is then repeated by name. */
bool datasets_moved(struct datasets *datasets, const char *name, int64_t id);
/* The file of rows that were set aside (csv.h), which the caller closes. -1:
 * there are none (err->code ERR_NOT_FOUND), or *err. Slow. */
int datasets_rejects(struct datasets *datasets, int64_t id, struct err *err);
/* The profile of a ready dataset as JSON (profile.h); the caller frees it. NULL
 * on failure. Slow. */
char *datasets_profile(struct datasets *datasets, int64_t id, struct err *err);
/* Delete it; tables in use stay mapped, and its file stays while an unfinished
 * job needs it. only: this one (0: any), not one that has replaced it since.
 * ERR_NOT_FOUND; ERR_CONFLICT while it is loading. Slow. */
bool datasets_delete(struct datasets *datasets, const char *name, int64_t only, struct err *err);
/* Give it another name; jobs that use it go on. ERR_NOT_FOUND, ERR_CONFLICT.
 * The same name is no error. Slow. */
bool datasets_rename(struct datasets *datasets, const char *name, const char *new_name,
                     struct dataset_info *info, struct err *err);
/* What readings of whole tables have found, by id. */
struct damaged_tables *datasets_damaged(struct datasets *datasets);
/* A job that used the dataset has ended: remove the file if nothing needs it
 * any more. Slow. */
void datasets_release(struct datasets *datasets, int64_t id);

#endif
