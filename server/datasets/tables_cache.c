/* Open tables. See the header. */
#include "datasets/tables_cache.h"

#include <pthread.h>
#include <stdlib.h>

#define TABLES_MAX 64

struct place {
    int64_t id; /* 0: free */
    struct table *table;
    uint64_t used;
};

struct tables_cache {
    pthread_mutex_t lock;
    struct place places[TABLES_MAX];
    uint64_t clock;
};

struct tables_cache *tables_cache_new(struct err *err)
{
    struct tables_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        pthread_mutex_init(&cache->lock, NULL);
    else
        err_memory(err, "the open tables");
    return cache;
}

void tables_cache_free(struct tables_cache *cache)
{
    if (!cache)
        return;
    for (int i = 0; i < TABLES_MAX; i++)
        table_unref(cache->places[i].table);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Lock held: where the id is; NULL: nowhere. */
static struct place *place_of(struct tables_cache *cache, int64_t id)
{
    for (int i = 0; i < TABLES_MAX; i++)
        if (cache->places[i].id == id)
            return &cache->places[i];
    return NULL;
}

/* Lock held: a free place, or the one not used for longest. */
static struct place *oldest(struct tables_cache *cache)
{
    struct place *at = cache->places;
    for (int i = 1; i < TABLES_MAX; i++)
        if (cache->places[i].used < at->used)
            at = &cache->places[i];
    return at;
}

struct table *tables_cache_get(struct tables_cache *cache, int64_t id)
{
    struct table *table = NULL;
    pthread_mutex_lock(&cache->lock);
    struct place *place = place_of(cache, id);
    if (place) {
        place->used = ++cache->clock;
        table = table_ref(place->table);
    }
    pthread_mutex_unlock(&cache->lock);
    return table;
}

void tables_cache_put(struct tables_cache *cache, int64_t id, struct table *table)
{
    pthread_mutex_lock(&cache->lock);
    struct place *place = place_of(cache, id);
    if (!place)
        place = oldest(cache);
    struct table *dropped = place->table;
    *place = (struct place){.id = id, .table = table_ref(table), .used = ++cache->clock};
    pthread_mutex_unlock(&cache->lock);
    table_unref(dropped);
}

bool tables_cache_damage(struct tables_cache *cache, int64_t id, uint64_t row, uint64_t *first, uint64_t *end)
{
    pthread_mutex_lock(&cache->lock);
    const struct place *place = place_of(cache, id);
    bool found = place && table_damage(place->table, row, first, end);
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void tables_cache_drop(struct tables_cache *cache, int64_t id)
{
    struct table *dropped = NULL;
    pthread_mutex_lock(&cache->lock);
    struct place *place = place_of(cache, id);
    if (place) {
        dropped = place->table;
        *place = (struct place){0};
    }
    pthread_mutex_unlock(&cache->lock);
    table_unref(dropped);
}
