/* Models in memory and their names. One lock guards all of it. */
#include "models_cache.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N_SHORTCUTS 256                /* a power of two */
#define N_PLACES 4096                  /* likewise */
#define TRIM_BYTES ((uint64_t)8 << 20) /* after so much has gone, the allocator gives memory back to the system */

struct loaded {
    int64_t id;
    struct model *model; /* NULL while a thread reads it */
    bool doomed;         /* deleted while it was being read */
    uint64_t bytes;
    struct loaded *next;          /* at the same place */
    struct loaded *newer, *older; /* by when it was last asked for */
};

/* What a name means. */
struct shortcut {
    struct loaded *loaded; /* NULL: nothing is known; has its model */
    uint32_t version;      /* asked for */
    struct model_row row;  /* the name in it */
};

struct models_cache {
    uint64_t bytes_max;
    pthread_mutex_t lock;
    pthread_cond_t read; /* a model has been read: threads that want the same one wait here */
    /* under lock */
    struct loaded *places[N_PLACES]; /* by the id's last bits */
    struct loaded *newest, *oldest;
    uint64_t bytes, gone;                   /* of the models; of those that have gone since memory was given back */
    uint64_t turn;                          /* changes begun and ended */
    uint32_t n_changing;                    /* under way */
    struct shortcut shortcuts[N_SHORTCUTS]; /* each at its name's place, or the name's that came there last */
};

struct models_cache *models_cache_new(uint64_t bytes, struct err *err)
{
    struct models_cache *cache = calloc(1, sizeof *cache);
    if (!cache) {
        err_memory(err, "the models");
        return NULL;
    }
    cache->bytes_max = bytes;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->read, NULL);
    return cache;
}

void models_cache_free(struct models_cache *cache)
{
    if (!cache)
        return;
    while (cache->newest) {
        struct loaded *older = cache->newest->older;
        model_unref(cache->newest->model);
        free(cache->newest);
        cache->newest = older;
    }
    pthread_cond_destroy(&cache->read);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Lock held. */
static struct loaded **place_of(struct models_cache *cache, int64_t id)
{
    return &cache->places[(uint64_t)id % N_PLACES];
}

/* Lock held. */
static void line_leave(struct models_cache *cache, struct loaded *loaded)
{
    *(loaded->newer ? &loaded->newer->older : &cache->newest) = loaded->older;
    *(loaded->older ? &loaded->older->newer : &cache->oldest) = loaded->newer;
}

/* Lock held. */
static void line_enter(struct models_cache *cache, struct loaded *loaded)
{
    loaded->newer = NULL;
    loaded->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = loaded;
    cache->newest = loaded;
}

/* Lock held: a reference for who asks for it now. */
static struct model *loaded_use(struct models_cache *cache, struct loaded *loaded)
{
    line_leave(cache, loaded);
    line_enter(cache, loaded);
    return model_ref(loaded->model);
}

/* Lock held. */
static struct loaded *loaded_find(struct models_cache *cache, int64_t id)
{
    struct loaded *loaded = *place_of(cache, id);
    while (loaded && loaded->id != id)
        loaded = loaded->next;
    return loaded;
}

/* Lock held: take the entry off the list and free it; its model, to be unreferenced without the lock, is returned. */
static struct model *loaded_remove(struct models_cache *cache, struct loaded *gone)
{
    struct model *model = gone->model;
    struct loaded **at = place_of(cache, gone->id);
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    line_leave(cache, gone);
    for (size_t i = 0; i < N_SHORTCUTS; i++)
        if (cache->shortcuts[i].loaded == gone)
            cache->shortcuts[i].loaded = NULL;
    cache->bytes -= gone->bytes;
    cache->gone += gone->bytes;
    free(gone);
    return model;
}

/* A model has gone. The allocator keeps what lies between pieces in use until it is told to look. */
static void model_leave(struct models_cache *cache, struct model *model)
{
    model_unref(model);
    pthread_mutex_lock(&cache->lock);
    bool due = cache->gone >= TRIM_BYTES;
    cache->gone = due ? 0 : cache->gone;
    pthread_mutex_unlock(&cache->lock);
    if (due)
        malloc_trim(0);
}

/* Drop what was not used for longest until the limit holds; `kept` stays. */
static void cache_trim(struct models_cache *cache, int64_t kept)
{
    for (;;) {
        struct model *model = NULL;
        pthread_mutex_lock(&cache->lock);
        struct loaded *oldest = cache->bytes > cache->bytes_max ? cache->oldest : NULL;
        while (oldest && (!oldest->model || oldest->id == kept))
            oldest = oldest->newer;
        if (oldest)
            model = loaded_remove(cache, oldest);
        pthread_mutex_unlock(&cache->lock);
        if (!model)
            return;
        model_leave(cache, model);
    }
}

/* Lock held: an entry without a model yet. NULL: out of memory. */
static struct loaded *loaded_add(struct models_cache *cache, int64_t id)
{
    struct loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded) {
        struct loaded **place = place_of(cache, id);
        loaded->id = id;
        loaded->next = *place;
        *place = loaded;
        line_enter(cache, loaded);
    }
    return loaded;
}

/* Lock held: the entry has its model from now on; the cache keeps a reference. */
static void loaded_fill(struct models_cache *cache, struct loaded *loaded, struct model *model)
{
    loaded->model = model_ref(model);
    loaded->bytes = sizeof *loaded + model_bytes(model);
    cache->bytes += loaded->bytes;
}

struct model *models_cache_get(struct models_cache *cache, int64_t id, struct model *(*read)(void *self, int64_t id, struct err *err),
                               void *self, struct err *err)
{
    struct loaded *loaded;
    pthread_mutex_lock(&cache->lock);
    while ((loaded = loaded_find(cache, id)) && !loaded->model)
        pthread_cond_wait(&cache->read, &cache->lock);
    if (loaded) {
        struct model *model = loaded_use(cache, loaded);
        pthread_mutex_unlock(&cache->lock);
        return model;
    }
    loaded = loaded_add(cache, id);
    pthread_mutex_unlock(&cache->lock);
    if (!loaded) {
        err_memory(err, "a model");
        return NULL;
    }
    struct model *model = read(self, id, err);
    pthread_mutex_lock(&cache->lock);
    if (model && !loaded->doomed)
        loaded_fill(cache, loaded, model);
    else
        loaded_remove(cache, loaded);
    pthread_cond_broadcast(&cache->read);
    pthread_mutex_unlock(&cache->lock);
    if (model)
        cache_trim(cache, id);
    return model;
}

void models_cache_put(struct models_cache *cache, int64_t id, struct model *model)
{
    pthread_mutex_lock(&cache->lock);
    struct loaded *loaded = loaded_find(cache, id) ? NULL : loaded_add(cache, id);
    if (loaded)
        loaded_fill(cache, loaded, model);
    pthread_mutex_unlock(&cache->lock);
    cache_trim(cache, id);
}

void models_cache_drop(struct models_cache *cache, int64_t id)
{
    struct model *model = NULL;
    pthread_mutex_lock(&cache->lock);
    struct loaded *loaded = loaded_find(cache, id);
    if (loaded && loaded->model)
        model = loaded_remove(cache, loaded);
    else if (loaded)
        loaded->doomed = true;
    pthread_mutex_unlock(&cache->lock);
    model_leave(cache, model);
}

/* FNV-1a of the name and the version. */
static struct shortcut *shortcut_of(struct models_cache *cache, const char *name, uint32_t version)
{
    uint32_t hash = 2166136261u ^ version;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return &cache->shortcuts[(hash ^ hash >> 16) % N_SHORTCUTS];
}

struct model *models_cache_find(struct models_cache *cache, const char *name, uint32_t version, struct model_row *row)
{
    struct model *model = NULL;
    struct shortcut *shortcut = shortcut_of(cache, name, version);
    pthread_mutex_lock(&cache->lock);
    if (shortcut->loaded && shortcut->version == version && !strcmp(shortcut->row.name, name)) {
        model = loaded_use(cache, shortcut->loaded);
        if (row)
            *row = shortcut->row;
    }
    pthread_mutex_unlock(&cache->lock);
    return model;
}

uint64_t models_cache_turn(struct models_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    uint64_t turn = cache->turn;
    pthread_mutex_unlock(&cache->lock);
    return turn;
}

void models_cache_learn(struct models_cache *cache, uint32_t version, const struct model_row *row, uint64_t turn)
{
    struct shortcut *shortcut = shortcut_of(cache, row->name, version);
    pthread_mutex_lock(&cache->lock);
    struct loaded *loaded = turn == cache->turn && !cache->n_changing ? loaded_find(cache, row->id) : NULL;
    if (loaded && loaded->model)
        *shortcut = (struct shortcut){loaded, version, *row};
    pthread_mutex_unlock(&cache->lock);
}

void models_cache_change(struct models_cache *cache, const char *name)
{
    pthread_mutex_lock(&cache->lock);
    cache->turn++;
    cache->n_changing++;
    for (size_t i = 0; i < N_SHORTCUTS; i++)
        if (!strcmp(cache->shortcuts[i].row.name, name))
            cache->shortcuts[i].loaded = NULL;
    pthread_mutex_unlock(&cache->lock);
}

void models_cache_changed(struct models_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    cache->turn++;
    cache->n_changing--;
    pthread_mutex_unlock(&cache->lock);
}
