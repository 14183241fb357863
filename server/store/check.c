/* Whether the catalogue can be the one of the files beside it. A catalogue that
 * was lost, emptied, damaged or copied without its write-ahead log would make
 * every file look unknown: then the start is refused, before anything is
 * changed. */
#define _XOPEN_SOURCE 700
#include "store/files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[16] = "SQLite format 3";

/* Where the file is missing it is empty, too. */
static uint64_t size_of(const struct store *store, const char *name, mode_t *mode)
{
    char path[PATH_SIZE + 32];
    struct stat status = {0};
    snprintf(path, sizeof path, "%s/%s", store->dir, name);
    bool there = stat(path, &status) == 0;
    *mode = there ? status.st_mode : 0;
    return there ? (uint64_t)status.st_size : 0;
}

static bool refuse(const struct store *store, struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT,
                   "the catalogue %.120s/mlpd.db %.120s. Nothing was changed. Restore mlpd.db with its "
                   "mlpd.db-wal, or start once with"
                   " --recover, which builds it again from the files",
                   store->dir, what);
}

bool store_check_magic(const struct store *store)
{
    char path[PATH_SIZE + 32], head[sizeof magic] = {0};
    snprintf(path, sizeof path, "%s/mlpd.db", store->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool there = fd >= 0 && pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
                 !memcmp(head, magic, sizeof head);
    if (fd >= 0)
        close(fd);
    return there;
}

bool store_check_file(const struct store *store, struct err *err)
{
    char what[120];
    uint64_t n;
    mode_t mode, wal_mode;
    uint64_t bytes = size_of(store, "mlpd.db", &mode), wal_bytes = size_of(store, "mlpd.db-wal", &wal_mode);
    if (mode && !S_ISREG(mode))
        return refuse(store, err, "is not a file");
    if (bytes > 0)
        return store_check_magic(store) || refuse(store, err, "is not an SQLite database");
    if (!store_files_count(store, &n, err))
        return false;
    if (n == 0 && wal_bytes == 0)
        return true; /* a new folder */
    snprintf(what, sizeof what, "is %s beside %" PRIu64 " tables, models and checkpoints",
             mode ? "empty" : "missing", n);
    return refuse(store, err,
                  n      ? what
                  : mode ? "is empty beside its write-ahead log"
                         : "is missing beside its write-ahead log");
}

/* 0 or 1, of a query of one number; -1: *err. */
static int ask(struct sql *sql, const char *query, struct err *err)
{
    sqlite3_stmt *statement = sql_query(sql, err, query, "");
    if (!statement || sql_step(sql, statement, err) != 1)
        return -1;
    int answer = sqlite3_column_int(statement, 0) != 0;
    sql_stop(statement);
    return answer;
}

/* Whether it has rows that files may belong to. Of any version of the
 * schema. */
static int rows_there(struct sql *sql, struct err *err)
{
    int schema = ask(
        sql,
        "SELECT count(*) FROM sqlite_master WHERE name IN ('datasets', 'jobs', 'models') AND type = 'table'",
        err);
    if (schema <= 0)
        return schema;
    int rows = ask(sql,
                   "SELECT EXISTS (SELECT 1 FROM datasets) OR EXISTS (SELECT 1 FROM models)"
                   " OR EXISTS (SELECT 1 FROM jobs WHERE state NOT IN ('succeeded', 'failed', 'cancelled'))",
                   err);
    if (rows != 0)
        return rows;
    int dooms = ask(sql, "SELECT count(*) FROM sqlite_master WHERE name = 'doomed'", err);
    return dooms > 0 ? ask(sql, "SELECT EXISTS (SELECT 1 FROM doomed)", err) : dooms;
}

static bool whole(struct sql *sql, struct err *err)
{
    sqlite3_stmt *statement = sql_query(sql, err, "PRAGMA quick_check(1)", "");
    char verdict[80];
    if (!statement || sql_step(sql, statement, err) != 1)
        return false;
    sql_text(statement, 0, verdict, sizeof verdict);
    sql_stop(statement);
    return !strcmp(verdict, "ok") || err_set(err, ERR_CORRUPT, "%s", verdict);
}

/* Until the catalogue is accepted its write-ahead log stays as it is, whatever
 * happens. */
static bool log_keep(struct sql *sql, bool keep)
{
    return sqlite3_db_config(sql->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, NULL) == SQLITE_OK;
}

bool store_check_whole(struct store *store, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    return sql && log_keep(sql, true) && whole(sql, err);
}

bool store_check_rows(struct store *store, struct err *err)
{
    char what[120];
    uint64_t n = 0;
    struct err why = {0};
    struct sql *sql = store_check_whole(store, &why) ? sql_of(store, &why) : NULL;
    int there = sql ? rows_there(sql, &why) : -1;
    if (there < 0 && why.code == ERR_CORRUPT) {
        snprintf(what, sizeof what, "is damaged (%.90s)", why.msg);
        return refuse(store, err, what);
    }
    if (there < 0)
        *err = why;
    if (there < 0 || (there == 0 && !store_files_count(store, &n, err)))
        return false;
    snprintf(what, sizeof what, "knows nothing of the %" PRIu64 " tables, models and checkpoints beside it",
             n);
    return n == 0 ? log_keep(sql, false) : refuse(store, err, what);
}
