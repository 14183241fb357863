/* The files of the state folder, and what the catalogue says of them.
 *
 * A file is deleted only where the catalogue says that it may be: its row is of
 * something unfinished (a dataset that is loading, a model without a version),
 * its row was deleted (`doomed` records that in the same transaction), or its
 * job has ended. A file that no row knows moves to lost/, or stays where it is
 * if its name is not of mlpd. Nothing follows a link. */
#define _XOPEN_SOURCE 700
#include "store/files.h"

#include "base/files.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_DIGITS 15 /* of a number in a file's name: exact in JSON, and far from the last row number */
#define ID_RESERVED_MAX 1000000000000 /* a stray file with a larger number takes none away */

const struct store_layout store_layouts[N_FOLDERS] = {
    [FOLDER_DATASETS] = {"datasets",
                         ".table",
                         {".table", STORE_ORIGINAL, STORE_PACKED, STORE_REJECTS, ".about"}},
    [FOLDER_MODELS] = {"models", ".model", {".model", ".eval", ".about"}},
    [FOLDER_CHECKPOINTS] = {"checkpoints", ".about", {".0", ".1", ".about"}}};

#define UNFINISHED_JOB "state IN ('queued', 'running', 'paused', 'cancelling')"
/* Each yields one enum standing. */
static const char *const standing_queries[N_FOLDERS] = {
    [FOLDER_DATASETS] =
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM datasets WHERE id = ?1 AND state = 'ready') OR EXISTS "
        "(SELECT 1 FROM jobs"
        " WHERE " UNFINISHED_JOB " AND ?1 IN (dataset_id, test_id, validation_id)) THEN 1"
        " WHEN EXISTS (SELECT 1 FROM datasets WHERE id = ?1) THEN 2"
        " WHEN EXISTS (SELECT 1 FROM doomed WHERE folder = 'datasets' AND id = ?1) THEN 3 ELSE 0 END",
    [FOLDER_MODELS] =
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM models WHERE id = ?1 AND version IS NOT NULL) THEN 1"
        " WHEN EXISTS (SELECT 1 FROM models WHERE id = ?1) THEN 2"
        " WHEN EXISTS (SELECT 1 FROM doomed WHERE folder = 'models' AND id = ?1) THEN 3 ELSE 0 END",
    [FOLDER_CHECKPOINTS] =
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND " UNFINISHED_JOB ") THEN 1"
        " WHEN EXISTS (SELECT 1 FROM jobs WHERE id = ?1) THEN 4"
        " WHEN EXISTS (SELECT 1 FROM doomed WHERE folder = 'checkpoints' AND id = ?1) THEN 3 ELSE 0 END",
};

bool store_file_parse(enum store_folder folder, const char *name, int64_t *id, const char **suffix)
{
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > ID_DIGITS || name[0] == '0')
        return false;
    for (const char *const *known = store_layouts[folder].suffixes; *known; known++)
        if (!strcmp(name + digits, *known)) {
            *id = strtoll(name, NULL, 10);
            *suffix = *known;
            return true;
        }
    return false;
}

bool store_file_is_extra(const char *suffix)
{
    return !strcmp(suffix, STORE_ORIGINAL) || !strcmp(suffix, STORE_PACKED) || !strcmp(suffix, STORE_REJECTS);
}

bool store_file_standing(struct store *store, enum store_folder folder, int64_t id, enum standing *standing,
                         struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement = sql ? sql_query(sql, err, standing_queries[folder], "i", id) : NULL;
    if (!statement || sql_step(sql, statement, err) != 1)
        return false;
    *standing = (enum standing)sqlite3_column_int(statement, 0);
    sql_stop(statement);
    return true;
}

static enum store_folder folder_find(const char *name)
{
    enum store_folder folder = FOLDER_DATASETS;
    while (strcmp(store_layouts[folder].name, name) != 0)
        folder++;
    return folder;
}

/* ---- removal ---- */

/* What is no regular file was not written here, and stays. */
static bool file_unlink(const char *path, bool *removed, struct err *err)
{
    struct stat status;
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return true;
    if (unlink(path) == 0)
        *removed = true;
    else if (errno != ENOENT)
        return err_errno(err, "cannot remove %s", path);
    return true;
}

/* Forget the record of a deletion once the files are gone for good. */
static bool doom_clear(struct store *store, const char *folder, int64_t id, bool removed, struct err *err)
{
    char path[PATH_SIZE];
    struct sql *sql = sql_of(store, err);
    return sql &&
           (!removed || (store_folder_path(store, folder, path, err) && files_sync_folder(path, err))) &&
           sql_run(sql, err, "DELETE FROM doomed WHERE folder = ?1 AND id = ?2", "ti", folder, id);
}

/* Lock held: no record of this row is being written. */
static bool files_remove(struct store *store, enum store_folder folder, int64_t id, bool *gone,
                         struct err *err)
{
    const char *name = store_layouts[folder].name;
    enum standing standing;
    char path[PATH_SIZE];
    bool removed = false;
    *gone = false;
    if (!store_file_standing(store, folder, id, &standing, err))
        return false;
    if (standing != STANDING_DOOMED && standing != STANDING_ENDED)
        return true;
    for (const char *const *suffix = store_layouts[folder].suffixes; *suffix; suffix++)
        if (!store_path(store, name, id, *suffix, path, err) || !file_unlink(path, &removed, err))
            return false;
    *gone = true;
    return standing == STANDING_ENDED || doom_clear(store, name, id, removed, err);
}

bool store_files_remove(struct store *store, const char *folder, int64_t id, bool *gone, struct err *err)
{
    pthread_mutex_lock(&store->about_lock);
    bool ok = files_remove(store, folder_find(folder), id, gone, err);
    pthread_mutex_unlock(&store->about_lock);
    return ok;
}

bool store_publish_beside(struct store *store, const char *temp, const char *folder, int64_t id,
                          const char *suffix, struct err *err)
{
    char path[PATH_SIZE];
    enum standing standing;
    pthread_mutex_lock(&store->about_lock);
    bool ok = store_path(store, folder, id, suffix, path, err) &&
              store_file_standing(store, folder_find(folder), id, &standing, err) &&
              (standing == STANDING_KEPT || err_set(err, ERR_NOT_FOUND, "the file's owner is gone")) &&
              files_publish(temp, path, err);
    pthread_mutex_unlock(&store->about_lock);
    return ok;
}

bool store_file_drop(struct store *store, const char *folder, int64_t id, const char *suffix, struct err *err)
{
    char path[PATH_SIZE];
    bool removed = false;
    return store_path(store, folder, id, suffix, path, err) && file_unlink(path, &removed, err) &&
           (!removed || (store_folder_path(store, folder, path, err) && files_sync_folder(path, err)));
}

struct extras {
    struct store *store;
    const char *suffix;
    void (*visit)(void *self, int64_t id);
    void *self;
};

static bool extra_visit(void *self, const char *name, struct err *err)
{
    const struct extras *extras = self;
    const char *suffix;
    int64_t id;
    (void)err;
    if (store_file_parse(FOLDER_DATASETS, name, &id, &suffix) && !strcmp(suffix, extras->suffix))
        extras->visit(extras->self, id);
    return true;
}

bool store_files_each(struct store *store, const char *suffix, void (*visit)(void *self, int64_t id),
                      void *self, struct err *err)
{
    struct extras extras = {store, suffix, visit, self};
    char path[PATH_SIZE];
    return store_folder_path(store, store_layouts[FOLDER_DATASETS].name, path, err) &&
           files_each(path, extra_visit, &extras, err);
}

static void id_read(sqlite3_stmt *statement, void *item)
{
    *(int64_t *)item = sqlite3_column_int64(statement, 0);
}

bool store_doomed_sweep(struct store *store, const char *folder, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    void *ids = NULL;
    size_t n = 0;
    bool gone;
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT id FROM doomed WHERE folder = ?1", "t", folder) : NULL;
    bool ok = sql_collect(sql, statement, sizeof(int64_t), id_read, &ids, &n, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = store_files_remove(store, folder, ((const int64_t *)ids)[i], &gone, err);
    free(ids);
    return ok;
}

bool store_publish(struct store *store, const char *temp, const char *folder, int64_t id, const char *suffix,
                   struct err *err)
{
    char path[PATH_SIZE];
    struct stat status;
    if (!store_path(store, folder, id, suffix, path, err))
        return false;
    if (lstat(path, &status) == 0 &&
        !store_file_lose(store, folder, id, suffix, "stands where a new file goes", err))
        return false;
    return files_publish(temp, path, err);
}

/* ---- the start ---- */

struct scan {
    struct store *store;
    enum store_folder folder;
    char path[PATH_SIZE];
    bool abouts;     /* records are looked at last: their presence tells a published file */
    int64_t largest; /* number of a file that is there, or was moved */
    bool removed;
    uint64_t n;
};

static bool scan_folder(struct scan *scan, bool (*visit)(void *self, const char *name, struct err *err),
                        struct err *err)
{
    return store_folder_path(scan->store, store_layouts[scan->folder].name, scan->path, err) &&
           files_each(scan->path, visit, scan, err);
}

static bool entry_count(void *self, const char *name, struct err *err)
{
    struct scan *scan = self;
    char path[PATH_SIZE + 256];
    const char *suffix;
    struct stat status;
    int64_t id;
    if (store_file_parse(scan->folder, name, &id, &suffix) && strcmp(suffix, ".eval") != 0 &&
        strcmp(suffix, ".about") != 0 && !store_file_is_extra(suffix) &&
        store_entry_path(scan->path, name, path, err) && lstat(path, &status) == 0)
        scan->n += S_ISREG(status.st_mode);
    return true;
}

bool store_files_count(const struct store *store, uint64_t *n, struct err *err)
{
    struct scan scan = {.store = (struct store *)store};
    bool ok = true;
    for (scan.folder = 0; ok && scan.folder < N_FOLDERS; scan.folder++)
        ok = scan_folder(&scan, entry_count, err);
    *n = scan.n;
    return ok;
}

/* A row may be of an older catalogue than its file: records are written once a
 * row is published, so that what has one was finished. */
static bool published(const struct scan *scan, int64_t id)
{
    char path[PATH_SIZE];
    struct stat status;
    struct err ignored;
    return scan->abouts ||
           (store_path(scan->store, store_layouts[scan->folder].name, id, ".about", path, &ignored) &&
            lstat(path, &status) == 0);
}

/* What becomes of one entry. A file that cannot be moved stays, and its number
 * is not given again. */
static bool entry_settle(void *self, const char *name, struct err *err)
{
    struct scan *scan = self;
    const char *folder = store_layouts[scan->folder].name, *suffix;
    char path[PATH_SIZE + 256];
    enum standing standing;
    struct stat status;
    struct err why;
    int64_t id;
    if (!store_file_parse(scan->folder, name, &id, &suffix)) {
        if (!scan->abouts)
            log_warning("%s/%s is not of mlpd: it stays as it is", folder, name);
        return true;
    }
    if (scan->abouts != !strcmp(suffix, ".about"))
        return true;
    if (id > scan->largest && id <= ID_RESERVED_MAX)
        scan->largest = id;
    if (!store_file_standing(scan->store, scan->folder, id, &standing, err) ||
        !store_entry_path(scan->path, name, path, err))
        return false;
    bool strange = lstat(path, &status) == 0 && !S_ISREG(status.st_mode);
    if ((strange && standing != STANDING_KEPT) || (standing == STANDING_UNFINISHED && published(scan, id)))
        standing = STANDING_UNKNOWN;
    if (standing == STANDING_UNKNOWN &&
        !store_lose(scan->store, folder, name,
                    "is in no row of the catalogue (--recover takes up again what is whole)", &why))
        log_warning("%s/%s is in no row of the catalogue, and stays: %s", folder, name, why.msg);
    return standing == STANDING_UNKNOWN || standing == STANDING_KEPT ||
           file_unlink(path, &scan->removed, err);
}

static bool entry_remove(void *self, const char *name, struct err *err)
{
    char path[PATH_SIZE + 256];
    if (!store_entry_path(((struct scan *)self)->path, name, path, err))
        return false;
    return unlink(path) == 0 || errno == ENOENT || errno == EISDIR ||
           err_errno(err, "cannot remove tmp/%s", name);
}

/* The next row of the table has a larger number than any file. */
bool sql_number_reserve(struct sql *sql, const char *table, int64_t largest, struct err *err)
{
    return sql_run(sql, err, "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1 AND seq < ?2", "ti", table,
                   largest) &&
           sql_run(sql, err,
                   "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 WHERE NOT EXISTS"
                   " (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                   "ti", table, largest);
}

/* Within a transaction: rows of what was left unfinished go, as their files
 * have. */
static bool rows_settle(struct sql *sql, const int64_t largest[N_FOLDERS], struct err *err)
{
    static const char *const tables[N_FOLDERS] = {"datasets", "models", "jobs"};
    bool ok = sql_run(sql, err, "DELETE FROM datasets WHERE state = 'loading'", "") &&
              sql_run(sql, err, "DELETE FROM models WHERE version IS NULL", "") &&
              sql_run(sql, err,
                      "DELETE FROM doomed WHERE folder != 'datasets' OR NOT EXISTS (SELECT 1 FROM jobs "
                      "WHERE " UNFINISHED_JOB " AND doomed.id IN (dataset_id, test_id, validation_id))",
                      "");
    for (int i = 0; ok && i < N_FOLDERS; i++)
        ok = largest[i] == 0 || sql_number_reserve(sql, tables[i], largest[i], err);
    return ok;
}

struct owner {
    int64_t id;
    bool evaluated;
    char name[NAME_SIZE];
};

static void owner_read(sqlite3_stmt *statement, void *item)
{
    struct owner *owner = item;
    owner->id = sqlite3_column_int64(statement, 0);
    sql_text(statement, 1, owner->name, sizeof owner->name);
    owner->evaluated = sqlite3_column_int(statement, 2) != 0;
}

/* A file that is not there though its row is: a record is made again, of the
 * others the log says so. */
static bool file_look(struct store *store, enum store_folder folder, const struct owner *owner,
                      const char *suffix, struct err *err)
{
    const char *name = store_layouts[folder].name;
    char path[PATH_SIZE];
    struct stat status;
    struct sql *sql = sql_of(store, err);
    if (!sql || !store_path(store, name, owner->id, suffix, path, err))
        return false;
    if (lstat(path, &status) == 0 || (!strcmp(suffix, ".eval") && !owner->evaluated) ||
        store_file_is_extra(suffix))
        return true;
    if (!strcmp(suffix, ".about"))
        return sql_run(sql, err, "INSERT INTO stale (folder, id) VALUES (?1, ?2)", "ti", name, owner->id);
    if (folder != FOLDER_CHECKPOINTS) /* of these there need not be any */
        log_error("%s/%" PRId64 "%s of %s is missing", name, owner->id, suffix, owner->name);
    return true;
}

static bool folder_look(struct store *store, enum store_folder folder, struct err *err)
{
    static const char *const owners_queries[N_FOLDERS] = {
        "SELECT id, name, 0 FROM datasets WHERE state = 'ready'",
        "SELECT id, name, evaluated_on != '' FROM models WHERE version IS NOT NULL",
        ("SELECT id, '', 0 FROM jobs WHERE " UNFINISHED_JOB)};
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement = sql ? sql_query(sql, err, owners_queries[folder], "") : NULL;
    void *items = NULL;
    size_t n = 0;
    bool ok = sql_collect(sql, statement, sizeof(struct owner), owner_read, &items, &n, err);
    const struct owner *owners = items;
    for (size_t i = 0; ok && i < n; i++)
        for (const char *const *suffix = store_layouts[folder].suffixes; ok && *suffix; suffix++)
            ok = file_look(store, folder, &owners[i], *suffix, err);
    free(items);
    return ok;
}

static bool tmp_empty(struct store *store, struct err *err)
{
    struct scan scan = {.store = store};
    return store_folder_path(store, "tmp", scan.path, err) && files_each(scan.path, entry_remove, &scan, err);
}

bool store_files_settle(struct store *store, struct err *err)
{
    int64_t largest[N_FOLDERS] = {0};
    if (!tmp_empty(store, err))
        return false;
    for (enum store_folder folder = 0; folder < N_FOLDERS; folder++) {
        struct scan scan = {.store = store, .folder = folder};
        bool ok = scan_folder(&scan, entry_settle, err);
        scan.abouts = true;
        if (!ok || !scan_folder(&scan, entry_settle, err) ||
            (scan.removed && !files_sync_folder(scan.path, err)))
            return false;
        largest[folder] = scan.largest;
    }
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok = rows_settle(sql, largest, err);
    for (enum store_folder folder = 0; ok && folder < N_FOLDERS; folder++)
        ok = folder_look(store, folder, err);
    return sql_end(sql, ok, err);
}
