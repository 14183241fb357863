/* Private to the models: what models.c (versions made and changed),
 * models/tidy.c (what was left behind) and models/read.c (versions found and
 * read) share. */
#ifndef MLPD_MODELS_PRIVATE_H
#define MLPD_MODELS_PRIVATE_H

#include "models/cache.h"
#include "models/damage.h"
#include "models/live.h"
#include "models/models.h"

#include <pthread.h>

/* The number of a version that is being made. */
struct draft {
    int64_t id;
    struct draft *next;
};

struct models {
    struct store *store;
    struct models_cache *cache;
    struct models_live *live;
    struct models_damage *damage;
    pthread_mutex_t lock;    /* of what follows */
    struct draft *abandoned; /* rows without a version that could not be removed */
    bool untidy;             /* files of deleted rows are still there */
};

/* Reserve a number; without files yet. NULL: *err. */
struct draft *draft_begin(struct models *models, struct err *err);
/* Its version is published: free it. */
void draft_end(struct draft *draft);
/* It is not: remove the row and its files, now or with a later change. */
void draft_abandon(struct models *models, struct draft *draft);
/* Remove the files of a version whose row is gone, now or with a later
 * change. */
void models_files_remove(struct models *models, int64_t id);
/* Remove what could not be removed when its time came: memory or the disk had
 * failed. Whoever adds or deletes a version tries again; the next start does
 * it in any case. */
void models_tidy(struct models *models);

#endif
