/* Damaged tables, few as they are, in a list. See the header. */
#include "datasets/damaged_rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct damaged {
    int64_t id;
    struct damaged_rows damage;
    struct damaged *next;
};

struct damaged_tables {
    pthread_mutex_t lock;
    struct damaged *first; /* under lock */
};

void damaged_rows_add(struct damaged_rows *damage, uint64_t first, uint64_t last)
{
    struct damaged_range *before = damage->n > 0 ? &damage->ranges[damage->n - 1] : NULL;
    if (before && (before->last + 1 >= first || damage->n == DAMAGED_RANGES))
        before->last = last;
    else
        damage->ranges[damage->n++] = (struct damaged_range){first, last};
}

struct damaged_tables *damaged_tables_new(struct err *err)
{
    struct damaged_tables *tables = calloc(1, sizeof *tables);
    if (tables)
        pthread_mutex_init(&tables->lock, NULL);
    else
        err_memory(err, "the damaged tables");
    return tables;
}

void damaged_tables_free(struct damaged_tables *tables)
{
    if (!tables)
        return;
    for (struct damaged *at = tables->first, *next; at; at = next) {
        next = at->next;
        free(at);
    }
    pthread_mutex_destroy(&tables->lock);
    free(tables);
}

/* Lock held: where the dataset's entry is, or would be. */
static struct damaged **place_of(struct damaged_tables *tables, int64_t id)
{
    struct damaged **at = &tables->first;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static bool same(const struct damaged_rows *a, const struct damaged_rows *b)
{
    return a->n == b->n && memcmp(a->ranges, b->ranges, a->n * sizeof *a->ranges) == 0;
}

bool damaged_tables_set(struct damaged_tables *tables, int64_t id, const struct damaged_rows *damage)
{
    struct damaged *spare = damage->n > 0 ? calloc(1, sizeof *spare) : NULL, *gone = NULL;
    pthread_mutex_lock(&tables->lock);
    struct damaged **at = place_of(tables, id);
    bool news = *at ? !same(&(*at)->damage, damage) : damage->n > 0;
    if (!*at && spare) {
        *at = spare;
        spare = NULL;
        (*at)->id = id;
    }
    if (*at && damage->n > 0) {
        (*at)->damage = *damage;
    } else if (*at) {
        gone = *at;
        *at = gone->next;
    }
    pthread_mutex_unlock(&tables->lock);
    free(spare);
    free(gone);
    return news;
}

bool damaged_tables_get(struct damaged_tables *tables, int64_t id, struct damaged_rows *damage)
{
    pthread_mutex_lock(&tables->lock);
    const struct damaged *found = *place_of(tables, id);
    *damage = found ? found->damage : (struct damaged_rows){0};
    pthread_mutex_unlock(&tables->lock);
    return damage->n > 0;
}

uint32_t damaged_tables_count(struct damaged_tables *tables)
{
    uint32_t n = 0;
    pthread_mutex_lock(&tables->lock);
    for (const struct damaged *at = tables->first; at; at = at->next)
        n++;
    pthread_mutex_unlock(&tables->lock);
    return n;
}
