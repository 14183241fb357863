/* Models that are in memory, and which of them a name means: what was asked for
 * lately is found again without the catalogue.
 *
 * What models take together stays below a limit, those that are being read and
 * those that somebody still holds after they were dropped among them: a reader
 * asks for memory before it takes it, and the least recently used that nobody
 * holds go. Names are learnt from the catalogue's answers and forgotten at
 * every change under them, so that an answer of yesterday is never given.
 *
 * Threads: every call may come from any thread. Own lock, never held across I/O
 * or SQL. */
#ifndef MLPD_MODELS_CACHE_H
#define MLPD_MODELS_CACHE_H

#include "models/file.h"
#include "store/store.h"

#include "mlp/model.h"

struct models_cache;

/* bytes: how much memory the models may take together. NULL on failure. */
struct models_cache *models_cache_new(uint64_t bytes, struct err *err);
void models_cache_free(struct models_cache *cache); /* takes NULL */

/* How a model that is not there is read. */
struct model_reader {
    struct model *(*read)(void *self, int64_t id, const struct model_room *room, struct err *err);
    void *self;
};
/* The model of that id, read where it is not there: by one thread, others that
 * want it wait. The caller unrefs it. ERR_LIMIT: it alone is above the limit;
 * ERR_BUSY: models that are in use leave too little. */
struct model *models_cache_get(struct models_cache *cache, int64_t id, const struct model_reader *reader,
                               struct err *err);

/* Memory of a model that is read elsewhere, counted as those of the cache are:
 * a model_room's hold, of a zeroed one with its cache. */
struct models_guest {
    struct models_cache *cache;
    uint64_t bytes;
};
bool models_guest_hold(void *guest, uint64_t bytes, struct err *err);
void models_guest_end(struct models_guest *guest); /* holds nothing any more */

/* A model that was just published is likely to be asked for next; not kept
 * where there is no room. */
void models_cache_put(struct models_cache *cache, int64_t id, struct model *model);
void models_cache_drop(struct models_cache *cache, int64_t id);

/* The model that the name and version (0: the newest) are known to mean, where
 * it is in memory; else NULL, which says nothing about whether it exists. Does
 * not wait. `row` may be NULL. The caller unrefs it. */
struct model *models_cache_find(struct models_cache *cache, const char *name, uint32_t version,
                                struct model_row *row);
/* Remember the catalogue's answer for row->name and `version`, unless a change
 * is under way or was since `turn` was taken, which is before asking. */
uint64_t models_cache_turn(struct models_cache *cache);
void models_cache_learn(struct models_cache *cache, uint32_t version, const struct model_row *row,
                        uint64_t turn);
/* Around a change of the catalogue: what the name means is not known from the
 * first call on, so that whoever sees the change in the catalogue finds it here
 * too. */
void models_cache_change(struct models_cache *cache, const char *name);
void models_cache_changed(struct models_cache *cache);

#endif
