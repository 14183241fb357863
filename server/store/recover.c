/* Recovery: a new catalogue from what files and records say (store/rebuild.c),
 * built aside and put in place at once.
 *
 * It grows in tmp/recovered.db, and stands for good once it is renamed to
 * mlpd.db.recovered; from there every start carries it on to mlpd.db, the old
 * one moved aside. Killed at any moment, either the old catalogue is in its
 * place or the new one is finished. */
#define _XOPEN_SOURCE 700
#include "base/files.h"
#include "base/log.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUILT "tmp/recovered.db"
#define FINISHED "mlpd.db.recovered"
#define VERSION_WITH_RECORDS 10

static void path_of(const struct store *store, const char *name, const char *end, char path[PATH_SIZE + 64])
{
    snprintf(path, PATH_SIZE + 64, "%s/%s%s", store->dir, name, end);
}

static bool name_change(const struct store *store, const char *from, const char *to, struct err *err)
{
    char old[PATH_SIZE + 64], new[PATH_SIZE + 64];
    path_of(store, from, "", old);
    path_of(store, to, "", new);
    return rename(old, new) == 0 || errno == ENOENT || err_errno(err, "cannot rename %s to %s", from, to);
}

/* The log goes first: a database without its log is an older one, a log without
 * its database is dangerous. */
bool store_swap_finish(struct store *store, struct err *err)
{
    static const char *const ends[] = {"-wal", "-shm", ""};
    char path[PATH_SIZE + 64], from[32], to[80], stamp[32];
    struct stat status;
    struct tm utc;
    path_of(store, FINISHED, "", path);
    if (lstat(path, &status) != 0)
        return errno == ENOENT || err_errno(err, "cannot look at %s", path);
    gmtime_r(&status.st_mtim.tv_sec, &utc); /* the same each time */
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof ends / sizeof *ends; i++) {
        snprintf(from, sizeof from, "mlpd.db%s", ends[i]);
        snprintf(to, sizeof to, "mlpd.db.before-recover-%s%s", stamp, ends[i]);
        ok = name_change(store, from, to, err);
    }
    ok = ok && files_sync_folder(store->dir, err) && name_change(store, FINISHED, "mlpd.db", err) &&
         files_sync_folder(store->dir, err);
    if (ok)
        log_info("the recovered catalogue is in place; the one before is kept as mlpd.db.before-recover-%s",
                 stamp);
    return ok;
}

static bool built_remove(const struct store *store, struct err *err)
{
    static const char *const ends[] = {"-wal", "-shm", "-journal", ""};
    char path[PATH_SIZE + 64];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        path_of(store, BUILT, ends[i], path);
        if (unlink(path) != 0 && errno != ENOENT)
            return err_errno(err, "cannot remove %s", path);
    }
    return true;
}

/* Begin with a copy of the old catalogue where that is sound, else with
 * nothing; *sound says which, *version of which schema it is. */
static bool base_copy(struct store *store, bool *sound, int64_t *version, struct err *err)
{
    char path[PATH_SIZE + 64];
    struct stat status;
    struct err why = {0};
    *sound = false;
    *version = 0;
    path_of(store, "mlpd.db", "", path);
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0 ||
        !store_check_magic(store)) {
        log_warning("there is no catalogue to begin with: it is built from the files alone");
        return true;
    }
    store->catalogue = "mlpd.db";
    path_of(store, BUILT, "", path);
    struct sql *sql =
        store_connect(store, &why) && store_check_whole(store, &why) ? sql_of(store, &why) : NULL;
    bool ok = sql && sql_version(sql, version, &why);
    if (ok && *version == 0)
        ok = err_set(&why, ERR_CORRUPT, "it is not one of mlpd");
    *sound = ok && sql_run(sql, &why, "VACUUM INTO ?1", "t", path);
    store_disconnect(store);
    if (!*sound && why.code != ERR_CORRUPT) {
        *err = why;
        return false;
    }
    if (!*sound)
        log_warning("the catalogue is damaged (%s): it is built from the files alone", why.msg);
    return *sound || built_remove(store, err);
}

/* The database as one file, on disk. */
static bool built_finish(struct store *store, struct err *err)
{
    char path[PATH_SIZE + 64];
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement = sql ? sql_query(sql, err, "PRAGMA journal_mode = DELETE", "") : NULL;
    if (!statement || sql_step(sql, statement, err) != 1)
        return false;
    sql_stop(statement);
    store_disconnect(store);
    path_of(store, BUILT, "", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "cannot open %s", path);
    bool ok = files_sync(fd, err);
    close(fd);
    return ok && name_change(store, BUILT, FINISHED, err) && files_sync_folder(store->dir, err) &&
           store_swap_finish(store, err);
}

static bool recover(struct store *store, struct err *err)
{
    bool sound;
    int64_t version;
    uint64_t n_changes = 0;
    if (!store_swap_finish(store, err) || !built_remove(store, err) ||
        !base_copy(store, &sound, &version, err))
        return false;
    store->catalogue = BUILT;
    struct sql *sql = store_connect(store, err) ? sql_of(store, err) : NULL;
    if (!sql || !sql_migrate(sql, err) ||
        !store_rebuild(store, version >= VERSION_WITH_RECORDS, &n_changes, err))
        return false;
    if (sound && n_changes == 0) {
        log_info("--recover: the catalogue is whole, and knows all files: it stays as it is");
        store_disconnect(store);
        return built_remove(store, err);
    }
    log_warning("--recover: the catalogue now knows %" PRIu64 " things otherwise%s", n_changes,
                sound ? "" : "; the history of jobs that had ended is lost");
    return built_finish(store, err);
}

bool store_recover(const char *dir, const struct store_readers *readers, struct err *err)
{
    struct store *store = store_begin(dir, BUILT, err);
    if (store)
        store->readers = readers;
    bool ok = store && recover(store, err);
    store_close(store);
    return ok;
}
