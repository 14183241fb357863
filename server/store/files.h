/* Private to the store: the files of its three folders, and what the catalogue
 * says of them. */
#ifndef MLPD_STORE_FILES_H
#define MLPD_STORE_FILES_H

#include "store/sql.h"

enum store_folder { FOLDER_DATASETS, FOLDER_MODELS, FOLDER_CHECKPOINTS, N_FOLDERS };
#define STORE_SUFFIXES_MAX 8

/* A folder's name, the suffix that makes an object of a number (of a job, which
 * may have no checkpoint yet, its record), and those of all files that a number
 * may have in it (NULL ends them). */
struct store_layout {
    const char *name, *object;
    const char *suffixes[STORE_SUFFIXES_MAX];
};
extern const struct store_layout store_layouts[N_FOLDERS];

/* The row number and the suffix that a file of ours has by its name: "7.table"
 * of datasets/. false: the name is none of ours. */
bool store_file_parse(enum store_folder folder, const char *name, int64_t *id, const char **suffix);
/* Whether an object may lack the file: a kept upload, rows set aside. */
bool store_file_is_extra(const char *suffix);

/* What the catalogue says of a file. */
enum standing {
    STANDING_UNKNOWN,    /* nothing */
    STANDING_KEPT,       /* a row or an unfinished job needs it */
    STANDING_UNFINISHED, /* its row was never published */
    STANDING_DOOMED,     /* its row was deleted */
    STANDING_ENDED,      /* a checkpoint whose job has ended */
};
bool store_file_standing(struct store *store, enum store_folder folder, int64_t id, enum standing *standing,
                         struct err *err);

bool store_folder_path(const struct store *store, const char *folder, char path[PATH_SIZE], struct err *err);
bool store_entry_path(const char *folder, const char *name, char path[PATH_SIZE + 256], struct err *err);

/* store_file_lose of an entry by its name. */
bool store_lose(struct store *store, const char *folder, const char *name, const char *why, struct err *err);
/* Files of lost/ that are whole go back to their folders. */
bool store_lost_return(struct store *store, uint64_t *n_changes, struct err *err);

/* The next row of the table has a larger number. */
bool sql_number_reserve(struct sql *sql, const char *table, int64_t largest, struct err *err);

/* How many regular files there are that only a row gives a meaning to: tables,
 * models, checkpoints. */
bool store_files_count(const struct store *store, uint64_t *n, struct err *err);

/* Refuse a catalogue that cannot be the one of these files: before it is
 * opened, and once it is. ERR_CORRUPT with the remedy. */
bool store_check_file(const struct store *store, struct err *err);
bool store_check_rows(struct store *store, struct err *err);

/* At the start: remove what an earlier daemon wrote and left unfinished, what
 * was deleted, and all of tmp/; move files of ours that no row knows to lost/;
 * leave the rest. Numbers in use by files are not given again. */
bool store_files_settle(struct store *store, struct err *err);

/* Whether mlpd.db begins as a database does. */
bool store_check_magic(const struct store *store);
/* PRAGMA quick_check. The connection leaves the write-ahead log as it is when
 * it closes. */
bool store_check_whole(struct store *store, struct err *err);

/* Bring the records beside the files (about.h) up to date, after a commit that
 * a trigger may have noted in `stale`. A failure is only logged: it is tried
 * again after the next change. */
void store_abouts_write(struct store *store);
/* *about as the rows have it. 1: it is to be written, 0: there is no row, -1:
 * *err. In either case about_done. */
struct about;
int store_about_make(struct sql *sql, enum store_folder folder, int64_t id, struct about *about,
                     struct err *err);

/* The locked folder with its layout, without a connection. `catalogue`: the
 * database's name in it, a literal. NULL on failure. */
struct store *store_begin(const char *dir, const char *catalogue, struct err *err);
/* From now on sql_of works; until then, and after disconnect, it must not be
 * called. */
bool store_connect(struct store *store, struct err *err);
void store_disconnect(struct store *store);

/* Put a catalogue that a recovery has finished (mlpd.db.recovered) in its
 * place, the old one aside. True where there is none. */
bool store_swap_finish(struct store *store, struct err *err);

/* Recovery: bring the rows of an open catalogue, which may be empty, into line
 * with the files. had_records: the catalogue is of a daemon that wrote records.
 * *n_changes: how many objects it knows otherwise now. */
bool store_rebuild(struct store *store, bool had_records, uint64_t *n_changes, struct err *err);
/* Whether the file can be read as what its folder holds; else ERR_CORRUPT,
 * ERR_NOT_FOUND ... */
bool store_file_whole(struct store *store, enum store_folder folder, const char *path, struct err *err);

/* Rows with their numbers, as a record has them; those that are there under the
 * number are replaced. */
bool sql_dataset_put(struct sql *sql, const struct dataset_row *row, const char *profile, struct err *err);
bool sql_model_put(struct sql *sql, const struct model_row *row, uint32_t newest, struct err *err);
bool sql_job_put(struct sql *sql, const struct job_row *row, const char *request, struct err *err);

#endif
