/* Damaged versions: a list under one lock; it is short, or empty. */
#include "models/damage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RETRY_S 60 /* disks fail for a while, too */

struct entry {
    struct damage damage;
    struct file_stamp stamp;
    time_t read_at; /* CLOCK_MONOTONIC */
    struct entry *next;
};

struct models_damage {
    pthread_mutex_t lock;
    struct entry *entries; /* under lock */
};

struct file_stamp file_stamp_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return (struct file_stamp){.there = false};
    return (struct file_stamp){.there = true,
                               .inode = status.st_ino,
                               .size = (uint64_t)status.st_size,
                               .modified = status.st_mtim,
                               .changed = status.st_ctim};
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->there == b->there && a->inode == b->inode && a->size == b->size &&
           time_equal(&a->modified, &b->modified) && time_equal(&a->changed, &b->changed);
}

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

struct models_damage *models_damage_new(struct err *err)
{
    struct models_damage *known = calloc(1, sizeof *known);
    if (known)
        pthread_mutex_init(&known->lock, NULL);
    else
        err_memory(err, "the damaged models");
    return known;
}

void models_damage_free(struct models_damage *known)
{
    if (!known)
        return;
    while (known->entries) {
        struct entry *next = known->entries->next;
        free(known->entries);
        known->entries = next;
    }
    pthread_mutex_destroy(&known->lock);
    free(known);
}

/* Lock held: where the id's entry hangs; at NULL: there is none. */
static struct entry **place_of(struct models_damage *known, int64_t id)
{
    struct entry **at = &known->entries;
    while (*at && (*at)->damage.id != id)
        at = &(*at)->next;
    return at;
}

bool models_damage_find(struct models_damage *known, int64_t id, const struct file_stamp *stamp,
                        struct damage *damage)
{
    time_t now = now_s();
    pthread_mutex_lock(&known->lock);
    const struct entry *entry = *place_of(known, id);
    bool found = entry && stamp_equal(&entry->stamp, stamp) && now - entry->read_at < RETRY_S;
    if (found)
        *damage = entry->damage;
    pthread_mutex_unlock(&known->lock);
    return found;
}

bool models_damage_put(struct models_damage *known, const struct damage *damage,
                       const struct file_stamp *stamp)
{
    time_t now = now_s();
    pthread_mutex_lock(&known->lock);
    struct entry **at = place_of(known, damage->id), *entry = *at;
    bool news = !entry || strcmp(entry->damage.reason, damage->reason) != 0;
    if (!entry)
        entry = *at = calloc(1, sizeof *entry);
    if (entry) {
        uint32_t answers = entry->damage.answers;
        entry->damage = *damage;
        entry->damage.answers = answers;
        entry->stamp = *stamp;
        entry->read_at = now;
    }
    pthread_mutex_unlock(&known->lock);
    return news;
}

bool models_damage_answers(struct models_damage *known, int64_t id, uint32_t version)
{
    pthread_mutex_lock(&known->lock);
    struct entry *entry = *place_of(known, id);
    bool news = entry && entry->damage.answers != version;
    if (news)
        entry->damage.answers = version;
    pthread_mutex_unlock(&known->lock);
    return news;
}

bool models_damage_drop(struct models_damage *known, int64_t id)
{
    pthread_mutex_lock(&known->lock);
    struct entry **at = place_of(known, id), *entry = *at;
    if (entry)
        *at = entry->next;
    pthread_mutex_unlock(&known->lock);
    free(entry);
    return entry != NULL;
}

void models_damage_rename(struct models_damage *known, const char *name, const char *new_name)
{
    pthread_mutex_lock(&known->lock);
    for (struct entry *entry = known->entries; entry; entry = entry->next)
        if (!strcmp(entry->damage.name, name))
            snprintf(entry->damage.name, sizeof entry->damage.name, "%s", new_name);
    pthread_mutex_unlock(&known->lock);
}

bool models_damage_of(struct models_damage *known, const char *name, uint32_t version, struct damage *damage)
{
    bool found = false;
    pthread_mutex_lock(&known->lock);
    for (const struct entry *entry = known->entries; entry && !found; entry = entry->next) {
        found = entry->damage.version == version && !strcmp(entry->damage.name, name);
        if (found)
            *damage = entry->damage;
    }
    pthread_mutex_unlock(&known->lock);
    return found;
}

size_t models_damage_list(struct models_damage *known, struct damage *list, size_t most)
{
    size_t n = 0;
    pthread_mutex_lock(&known->lock);
    for (const struct entry *entry = known->entries; entry; entry = entry->next, n++)
        if (n < most)
            list[n] = entry->damage;
    pthread_mutex_unlock(&known->lock);
    return n;
}
