/* Private to the store: the files of its three folders, and what the catalogue says of them. */
#ifndef MLPD_STORE_FILES_H
#define MLPD_STORE_FILES_H

#include "store_sql.h"

enum store_folder { FOLDER_DATASETS, FOLDER_MODELS, FOLDER_CHECKPOINTS, N_FOLDERS };
#define STORE_SUFFIXES_MAX 4

/* A folder's name, and the suffixes of the files that a number may have in it (NULL ends them). */
struct store_layout {
    const char *name;
    const char *suffixes[STORE_SUFFIXES_MAX];
};
extern const struct store_layout store_layouts[N_FOLDERS];

/* The row number and the suffix that a file of ours has by its name: "7.table" of datasets/. false: the name is none of ours. */
bool store_file_parse(enum store_folder folder, const char *name, int64_t *id, const char **suffix);

/* How many regular files there are that only a row gives a meaning to: tables, models, checkpoints. */
bool store_files_count(const struct store *store, uint64_t *n, struct err *err);

/* Refuse a catalogue that cannot be the one of these files: before it is opened, and once it is. ERR_CORRUPT with the remedy. */
bool store_check_file(const struct store *store, struct err *err);
bool store_check_rows(struct store *store, struct err *err);

/* At the start: remove what an earlier daemon wrote and left unfinished, what was deleted, and all of tmp/; move files of ours that no
 * row knows to lost/; leave the rest. Numbers in use by files are not given again. */
bool store_files_settle(struct store *store, struct err *err);

#endif
