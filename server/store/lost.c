/* lost/: files that no row knew at a start, or that are damaged, in a folder of
 * each start, LOST/FOLDER/FILE as in the state folder. */
#define _XOPEN_SOURCE 700
#include "base/files.h"
#include "base/log.h"
#include "store/about.h"
#include "store/files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool store_folder_path(const struct store *store, const char *folder, char path[PATH_SIZE], struct err *err)
{
    int length = snprintf(path, PATH_SIZE, "%s/%s", store->dir, folder);
    return (length > 0 && length < PATH_SIZE) ||
           err_set(err, ERR_INPUT, "the state folder's path is too long");
}

bool store_entry_path(const char *folder, const char *name, char path[PATH_SIZE + 256], struct err *err)
{
    int length = snprintf(path, PATH_SIZE + 256, "%s/%s", folder, name);
    return (length > 0 && length < PATH_SIZE + 256) ||
           err_set(err, ERR_INPUT, "a path in the state folder is too long");
}

/* A folder of its own under lost/ for each start that needs one, so that
 * nothing in it is ever overwritten. */
static bool lost_folder(struct store *store, const char *folder, char path[PATH_SIZE], struct err *err)
{
    char name[PATH_SIZE];
    bool ok = store_folder_path(store, "lost", path, err) && files_make_folder(path, err);
    if (ok && !store->lost[0]) {
        char stamp[STAMP_SIZE];
        store_stamp(stamp);
        snprintf(store->lost, sizeof store->lost, "lost/%s", stamp);
        for (int i = 2; ok && store_folder_path(store, store->lost, path, err) && mkdir(path, 0700) != 0;
             i++) {
            ok = errno == EEXIST || err_errno(err, "cannot create the folder %s", path);
            snprintf(store->lost, sizeof store->lost, "lost/%s~%d", stamp, i);
        }
        if (!ok)
            store->lost[0] = '\0';
    }
    int length = ok ? snprintf(name, sizeof name, "%s/%s", store->lost, folder) : 0;
    return ok && length < (int)sizeof name && store_folder_path(store, name, path, err) &&
           files_make_folder(path, err);
}

bool store_lose(struct store *store, const char *folder, const char *name, const char *why, struct err *err)
{
    char from[PATH_SIZE], to[PATH_SIZE], source[PATH_SIZE + 256], target[PATH_SIZE + 256];
    struct stat status;
    if (!store_folder_path(store, folder, from, err) || !store_entry_path(from, name, source, err))
        return false;
    pthread_mutex_lock(&store->lost_lock);
    bool ok = lost_folder(store, folder, to, err) && store_entry_path(to, name, target, err);
    if (ok && lstat(target, &status) == 0) { /* of this name something has gone there since the start */
        store->lost[0] = '\0';
        ok = lost_folder(store, folder, to, err) && store_entry_path(to, name, target, err);
    }
    ok = ok && (rename(source, target) == 0 || err_errno(err, "cannot move %s/%s to lost/", folder, name));
    if (ok)
        log_warning("%s/%s %s: moved to %s/%s/%s", folder, name, why, store->lost, folder, name);
    pthread_mutex_unlock(&store->lost_lock);
    return ok;
}

bool store_file_lose(struct store *store, const char *folder, int64_t id, const char *suffix, const char *why,
                     struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "%" PRId64 "%s", id, suffix);
    return store_lose(store, folder, name, why, err);
}

/* ---- and back ---- */

struct back {
    struct store *store;
    enum store_folder folder;
    char start[PATH_SIZE];  /* lost/STAMP */
    char inside[PATH_SIZE]; /* lost/STAMP/FOLDER */
    uint64_t *n_changes;
};

bool store_file_whole(struct store *store, enum store_folder folder, const char *path, struct err *err)
{
    if (folder == FOLDER_DATASETS)
        return store->readers->table(path, NULL, err);
    if (folder == FOLDER_MODELS)
        return store->readers->model(store, path, NULL, err);
    struct about *record = calloc(1, sizeof *record);
    if (!record)
        return err_memory(err, "a record");
    bool whole = about_read(path, record, err);
    about_done(record);
    free(record);
    return whole;
}

/* Whether the path names a folder, no link to one. */
static bool is_folder(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* All files of the number, as far as the state folder has none of their
 * name. */
static bool group_return(const struct back *back, int64_t id, struct err *err)
{
    const struct store_layout *layout = &store_layouts[back->folder];
    char from[PATH_SIZE + 256], to[PATH_SIZE], name[64];
    struct stat status;
    for (const char *const *suffix = layout->suffixes; *suffix; suffix++) {
        snprintf(name, sizeof name, "%" PRId64 "%s", id, *suffix);
        if (!store_entry_path(back->inside, name, from, err) ||
            !store_path(back->store, layout->name, id, *suffix, to, err))
            return false;
        if (lstat(from, &status) == 0 && lstat(to, &status) != 0 && rename(from, to) != 0)
            return err_errno(err, "cannot move %s back", from);
    }
    log_info("%s/%" PRId64 " comes back from lost/", layout->name, id);
    ++*back->n_changes;
    return true;
}

/* A whole object comes back where its number is free, and its row was not
 * deleted. */
static bool entry_return(void *self, const char *name, struct err *err)
{
    const struct back *back = self;
    char path[PATH_SIZE + 256], place[PATH_SIZE];
    const char *suffix;
    enum standing standing;
    struct stat status;
    struct err why;
    int64_t id;
    if (!store_file_parse(back->folder, name, &id, &suffix) ||
        strcmp(suffix, store_layouts[back->folder].object) != 0)
        return true;
    if (!store_entry_path(back->inside, name, path, err) ||
        !store_path(back->store, store_layouts[back->folder].name, id, suffix, place, err) ||
        !store_file_standing(back->store, back->folder, id, &standing, err))
        return false;
    if (lstat(place, &status) == 0 || standing == STANDING_DOOMED || standing == STANDING_ENDED) {
        log_warning("%s stays: its number is taken, or was deleted", path);
        return true;
    }
    if (store_file_whole(back->store, back->folder, path, &why))
        return group_return(back, id, err);
    log_warning("%s stays: %s", path, why.msg);
    return true;
}

static bool start_return(void *self, const char *name, struct err *err)
{
    struct back *back = self;
    char lost[PATH_SIZE], path[PATH_SIZE + 256];
    if (!store_folder_path(back->store, "lost", lost, err) || !store_entry_path(lost, name, path, err))
        return false;
    int length = snprintf(back->start, sizeof back->start, "%s", path);
    if (length >= PATH_SIZE || !is_folder(path))
        return true;
    bool ok = true;
    for (back->folder = 0; ok && back->folder < N_FOLDERS; back->folder++) {
        length = snprintf(back->inside, sizeof back->inside, "%s/%s", path, store_layouts[back->folder].name);
        if (length < PATH_SIZE && is_folder(back->inside)) {
            ok = files_each(back->inside, entry_return, back, err);
            rmdir(back->inside); /* where it is empty now */
        }
    }
    rmdir(path);
    return ok;
}

bool store_lost_return(struct store *store, uint64_t *n_changes, struct err *err)
{
    struct back back = {.store = store, .n_changes = n_changes};
    char path[PATH_SIZE];
    if (!store_folder_path(store, "lost", path, err))
        return false;
    bool ok = !is_folder(path) || files_each(path, start_return, &back, err);
    rmdir(path);
    return ok;
}
