/* Models in memory and their names. One lock guards all of it. */
#include "models/cache.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N_SHORTCUTS 256 /* a power of two */
#define N_PLACES 4096   /* likewise */
#define TRIM_BYTES                                                                                           \
    ((uint64_t)8 << 20) /* after so much has gone, the allocator gives memory back to the system */

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
    struct loaded *leaving; /* dropped while somebody held the model, by `next`: counted until nobody does */
    uint64_t bytes, gone; /* of the models and of what is being read; of those that have gone since memory was
                             given back */
    uint64_t turn;        /* changes begun and ended */
    uint32_t n_changing;  /* under way */
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
    while (cache->leaving) {
        struct loaded *next = cache->leaving->next;
        model_unref(cache->leaving->model);
        free(cache->leaving);
        cache->leaving = next;
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

/* Lock held: take the entry off the list; nothing finds it any more. */
static void loaded_hide(struct models_cache *cache, struct loaded *gone)
{
    struct loaded **at = place_of(cache, gone->id);
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    line_leave(cache, gone);
    for (size_t i = 0; i < N_SHORTCUTS; i++)
        if (cache->shortcuts[i].loaded == gone)
            cache->shortcuts[i].loaded = NULL;
}

/* Lock held: the hidden entry is no longer counted; its model, to be
 * unreferenced without the lock, is returned. */
static struct model *loaded_end(struct models_cache *cache, struct loaded *gone)
{
    struct model *model = gone->model;
    cache->bytes -= gone->bytes;
    cache->gone += gone->bytes;
    free(gone);
    return model;
}

/* Lock held: as loaded_end, of one that the list still has. */
static struct model *loaded_remove(struct models_cache *cache, struct loaded *gone)
{
    loaded_hide(cache, gone);
    return loaded_end(cache, gone);
}

/* Lock held: the hidden entry's model counts until nobody holds it. */
static void loaded_leave(struct models_cache *cache, struct loaded *gone)
{
    gone->next = cache->leaving;
    cache->leaving = gone;
}

/* Lock held: a model that nobody but the cache holds, taken out of it: one that
 * was dropped, else the least recently used. NULL: none. */
static struct model *idle_take(struct models_cache *cache)
{
    for (struct loaded **at = &cache->leaving; *at; at = &(*at)->next) {
        struct loaded *gone = *at;
        if (model_is_shared(gone->model))
            continue;
        *at = gone->next;
        return loaded_end(cache, gone);
    }
    struct loaded *oldest = cache->oldest;
    while (oldest && (!oldest->model || model_is_shared(oldest->model)))
        oldest = oldest->newer;
    return oldest ? loaded_remove(cache, oldest) : NULL;
}

/* A model has gone. The allocator keeps what lies between pieces in use until
 * it is asked to look. */
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

static bool room_refuse(const struct models_cache *cache, uint64_t bytes, struct err *err)
{
    if (bytes > cache->bytes_max)
        return err_set(err, ERR_LIMIT,
                       "the model takes %.1f MB of memory, and all models may take %.1f MB together: raise "
                       "--model-memory",
                       (double)bytes / 1e6, (double)cache->bytes_max / 1e6);
    return err_set(
        err, ERR_BUSY,
        "models that are in use leave less than the %.1f MB of --model-memory that this one takes: try again",
        (double)bytes / 1e6);
}

bool models_guest_hold(void *self, uint64_t bytes, struct err *err)
{
    struct models_guest *guest = self;
    struct models_cache *cache = guest->cache;
    struct model *idle;
    do {
        pthread_mutex_lock(&cache->lock);
        uint64_t others = cache->bytes - guest->bytes;
        bool fits =
            bytes <= guest->bytes || (others <= cache->bytes_max && bytes <= cache->bytes_max - others);
        if (fits)
            cache->bytes = others + bytes;
        idle = fits || bytes > cache->bytes_max ? NULL : idle_take(cache);
        pthread_mutex_unlock(&cache->lock);
        if (fits) {
            guest->bytes = bytes;
            return true;
        }
        model_leave(cache, idle);
    } while (idle);
    return room_refuse(cache, bytes, err);
}

void models_guest_end(struct models_guest *guest)
{
    pthread_mutex_lock(&guest->cache->lock);
    guest->cache->bytes -= guest->bytes;
    pthread_mutex_unlock(&guest->cache->lock);
    guest->bytes = 0;
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

/* Lock held: the entry has its model from now on; the cache keeps a reference.
 * What the guest held is now the entry's. */
static void loaded_fill(struct models_cache *cache, struct loaded *loaded, struct model *model,
                        struct models_guest *guest)
{
    loaded->model = model_ref(model);
    loaded->bytes = sizeof *loaded + model_bytes(model);
    cache->bytes += loaded->bytes - guest->bytes;
    guest->bytes = 0;
}

static struct model *loaded_read(struct models_cache *cache, struct loaded *loaded,
                                 const struct model_reader *reader, struct err *err)
{
    struct models_guest guest = {.cache = cache};
    const struct model_room room = {.hold = models_guest_hold, .self = &guest};
    struct model *model = reader->read(reader->self, loaded->id, &room, err);
    pthread_mutex_lock(&cache->lock);
    cache->bytes -= model ? 0 : guest.bytes;
    if (model)
        loaded_fill(cache, loaded, model, &guest);
    if (!model || loaded->doomed)
        loaded_hide(cache, loaded);
    if (!model)
        free(loaded);
    else if (loaded->doomed)
        loaded_leave(cache, loaded);
    pthread_cond_broadcast(&cache->read);
    pthread_mutex_unlock(&cache->lock);
    return model;
}

struct model *models_cache_get(struct models_cache *cache, int64_t id, const struct model_reader *reader,
                               struct err *err)
{
    struct loaded *loaded;
    struct model *model = NULL;
    pthread_mutex_lock(&cache->lock);
    while ((loaded = loaded_find(cache, id)) && !loaded->model)
        pthread_cond_wait(&cache->read, &cache->lock);
    if (loaded)
        model = loaded_use(cache, loaded);
    else
        loaded = loaded_add(cache, id);
    pthread_mutex_unlock(&cache->lock);
    if (!loaded)
        err_memory(err, "a model");
    return model || !loaded ? model : loaded_read(cache, loaded, reader, err);
}

void models_cache_put(struct models_cache *cache, int64_t id, struct model *model)
{
    struct models_guest guest = {.cache = cache};
    struct err ignored;
    if (!models_guest_hold(&guest, sizeof(struct loaded) + model_bytes(model), &ignored))
        return;
    pthread_mutex_lock(&cache->lock);
    struct loaded *loaded = loaded_find(cache, id) ? NULL : loaded_add(cache, id);
    if (loaded)
        loaded_fill(cache, loaded, model, &guest);
    cache->bytes -= guest.bytes;
    pthread_mutex_unlock(&cache->lock);
}

void models_cache_drop(struct models_cache *cache, int64_t id)
{
    struct model *model = NULL;
    pthread_mutex_lock(&cache->lock);
    struct loaded *loaded = loaded_find(cache, id);
    if (loaded && !loaded->model) {
        loaded->doomed = true;
    } else if (loaded) {
        loaded_hide(cache, loaded);
        if (model_is_shared(loaded->model))
            loaded_leave(cache, loaded);
        else
            model = loaded_end(cache, loaded);
    }
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

struct model *models_cache_find(struct models_cache *cache, const char *name, uint32_t version,
                                struct model_row *row)
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

void models_cache_learn(struct models_cache *cache, uint32_t version, const struct model_row *row,
                        uint64_t turn)
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
