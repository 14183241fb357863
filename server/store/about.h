/* What a dataset, a model version or an unfinished job says of itself in a
 * small file beside its own: its row of the catalogue, from which the
 * catalogue can be built again (store_recover).
 *
 * A line "mlpd-about-1 HASH", and a JSON object that the hash is of. Any file
 * is safe to read. Threads: any; no state. */
#ifndef MLPD_STORE_ABOUT_H
#define MLPD_STORE_ABOUT_H

#include "store/store.h"

enum about_kind { ABOUT_DATASET, ABOUT_MODEL, ABOUT_JOB, N_ABOUT_KINDS };

struct about {
    enum about_kind kind;
    int64_t id;
    uint64_t change; /* number of the catalogue's change that it holds */
    bool deleted;    /* a dataset without a row, which an unfinished job still needs; nothing below is set */
    struct dataset_row dataset;
    struct model_row model; /* promoted: this version or 0; n_versions, dataset are not kept */
    struct job_row job;     /* epoch, version, stamps of the end and error are not kept */
    uint32_t newest;        /* version number given under the model's name, the largest */
    char *text;             /* owned: a dataset's profile, a job's request; NULL: none */
};

/* Takes zero bytes, too. */
void about_done(struct about *about);

/* The JSON object. The caller frees it. NULL: out of memory. */
char *about_print(const struct about *about, struct err *err);
/* ERR_CORRUPT where it is no such object; then *about needs no about_done. */
bool about_parse(const char *text, size_t n, struct about *about, struct err *err);

/* Written to fd; `sync`: and synced. */
bool about_write(int fd, const struct about *about, bool sync, struct err *err);
/* ERR_NOT_FOUND, ERR_CORRUPT. */
bool about_read(const char *path, struct about *about, struct err *err);

/* What a model file's notes say of it: name, state, job, epochs, created, and
 * which rows its evaluation is of. What they do not say stays as it is. */
void about_notes(const char *notes_json, struct model_row *row);

#endif
