/* Versions whose file cannot be used: what was wrong with it when it was last
 * read. A file that has changed since, or was last read a minute ago, is worth
 * another read, so that a repaired one answers again without a restart.
 *
 * Threads: every call may come from any thread. Own lock, never held across
 * I/O. */
#ifndef MLPD_MODELS_DAMAGE_H
#define MLPD_MODELS_DAMAGE_H

#include "store/store.h"

#include <time.h>

#define DAMAGE_REASON_SIZE 160 /* longer ones are cut */

/* What a file is known by; two that are equal are one unchanged file. */
struct file_stamp {
    bool there;
    uint64_t inode, size;
    struct timespec modified, changed;
};
/* Of the file now. */
struct file_stamp file_stamp_of(const char *path);

struct damage {
    int64_t id; /* of the model's row */
    char name[NAME_SIZE];
    uint32_t version;
    uint32_t
        answers; /* the version that the bare name got in its place; 0: none was asked for, or none is left */
    char reason[DAMAGE_REASON_SIZE];
};

struct models_damage;
struct models_damage *models_damage_new(struct err *err); /* NULL on failure */
void models_damage_free(struct models_damage *known);     /* takes NULL */

/* Whether the id's file, which is `stamp` now, need not be read again:
 * *damage says what is wrong with it. */
bool models_damage_find(struct models_damage *known, int64_t id, const struct file_stamp *stamp,
                        struct damage *damage);
/* The read of the file that was `stamp` has failed. True where that is news.
 * Without memory it is forgotten: the next one reads again. */
bool models_damage_put(struct models_damage *known, const struct damage *damage,
                       const struct file_stamp *stamp);
/* The version that answers in id's place. True where that is news. */
bool models_damage_answers(struct models_damage *known, int64_t id, uint32_t version);
/* The file was read, or its version is gone. True where it was known. */
bool models_damage_drop(struct models_damage *known, int64_t id);
void models_damage_rename(struct models_damage *known, const char *name, const char *new_name);

/* Of the version. False: nothing is known of it. */
bool models_damage_of(struct models_damage *known, const char *name, uint32_t version, struct damage *damage);
/* The first `most` of them; how many there are. */
size_t models_damage_list(struct models_damage *known, struct damage *list, size_t most);

#endif
