/* The store's way to SQLite: one connection a thread, so that none needs a
 * lock. */
#include "store/sql.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 10000

static const char schema_1[] =
    "CREATE TABLE datasets ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, state TEXT NOT NULL,"
    " n_rows INTEGER NOT NULL DEFAULT 0, n_columns INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL "
    "DEFAULT 0,"
    " separator INTEGER NOT NULL DEFAULT 0, header INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL,"
    " UNIQUE (name, state)) STRICT;"
    "CREATE TABLE jobs ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, change INTEGER NOT NULL, request TEXT NOT "
    "NULL,"
    " dataset TEXT NOT NULL, test TEXT NOT NULL, validation TEXT NOT NULL,"
    " dataset_id INTEGER NOT NULL, test_id INTEGER NOT NULL, validation_id INTEGER NOT NULL,"
    " model TEXT NOT NULL, version INTEGER NOT NULL, epoch INTEGER NOT NULL, epochs INTEGER NOT NULL,"
    " task TEXT NOT NULL, task_reason TEXT NOT NULL,"
    " n_train INTEGER NOT NULL, n_validation INTEGER NOT NULL, n_test INTEGER NOT NULL,"
    " created TEXT NOT NULL, started TEXT NOT NULL, ended TEXT NOT NULL,"
    " error_code INTEGER NOT NULL, error_row INTEGER NOT NULL, error_column TEXT NOT NULL,"
    " error_field TEXT NOT NULL, error_msg TEXT NOT NULL) STRICT;"
    "CREATE INDEX jobs_unfinished ON jobs (id) WHERE state IN ('queued', 'running', 'paused');"
    "CREATE TABLE epochs ("
    " job INTEGER NOT NULL, epoch INTEGER NOT NULL, loss REAL, accuracy REAL, val_loss REAL, val_accuracy "
    "REAL,"
    " seconds REAL, PRIMARY KEY (job, epoch)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE model_names (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE models ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, version INTEGER, state TEXT, job INTEGER, created "
    "TEXT,"
    " task TEXT, n_params INTEGER, bytes INTEGER, epochs INTEGER, evaluated_on TEXT, n_rows INTEGER,"
    " loss REAL, accuracy REAL, rmse REAL, mae REAL, r2 REAL, UNIQUE (name, version)) STRICT;";

static const char schema_2[] = "ALTER TABLE datasets ADD COLUMN quote INTEGER NOT NULL DEFAULT 34;"
                               "ALTER TABLE datasets ADD COLUMN comment INTEGER NOT NULL DEFAULT 0;"
                               "ALTER TABLE datasets ADD COLUMN decimal INTEGER NOT NULL DEFAULT 46;"
                               "ALTER TABLE datasets ADD COLUMN count_line INTEGER NOT NULL DEFAULT 0;"
                               "ALTER TABLE datasets ADD COLUMN encoding INTEGER NOT NULL DEFAULT 1;"
                               "ALTER TABLE datasets ADD COLUMN compression TEXT NOT NULL DEFAULT '';"
                               "ALTER TABLE datasets ADD COLUMN n_skipped INTEGER NOT NULL DEFAULT 0;"
                               "ALTER TABLE datasets ADD COLUMN profile TEXT NOT NULL DEFAULT '';";

static const char schema_3[] = "ALTER TABLE model_names ADD COLUMN promoted INTEGER;"
                               "ALTER TABLE jobs ADD COLUMN title TEXT NOT NULL DEFAULT '';"
                               "ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;"
                               "ALTER TABLE jobs ADD COLUMN weight INTEGER NOT NULL DEFAULT 1;"
                               "ALTER TABLE jobs ADD COLUMN max_seconds REAL;"
                               "ALTER TABLE jobs ADD COLUMN settings INTEGER NOT NULL DEFAULT 0;";

/* An epoch's metrics as words "name=value": there may be others tomorrow. */
static const char schema_4[] =
    "CREATE TABLE epochs_new ("
    " job INTEGER NOT NULL, epoch INTEGER NOT NULL, seconds REAL, metrics TEXT NOT NULL, PRIMARY KEY (job, "
    "epoch)) STRICT, WITHOUT ROWID;"
    "INSERT INTO epochs_new SELECT job, epoch, seconds,"
    " CASE WHEN loss IS NULL THEN '' ELSE printf('loss=%!.17g ', loss) END ||"
    " CASE WHEN accuracy IS NULL THEN '' ELSE printf('accuracy=%!.17g ', accuracy) END ||"
    " CASE WHEN val_loss IS NULL THEN '' ELSE printf('val_loss=%!.17g ', val_loss) END ||"
    " CASE WHEN val_accuracy IS NULL THEN '' ELSE printf('val_accuracy=%!.17g ', val_accuracy) END FROM "
    "epochs;"
    "DROP TABLE epochs;"
    "ALTER TABLE epochs_new RENAME TO epochs;";

static const char schema_5[] = "ALTER TABLE models ADD COLUMN dataset_id INTEGER NOT NULL DEFAULT 0;";

static const char schema_6[] =
    "CREATE TABLE warnings ("
    " job INTEGER NOT NULL, number INTEGER NOT NULL, code TEXT NOT NULL, column_name TEXT NOT NULL,"
    " message TEXT NOT NULL, PRIMARY KEY (job, number)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE jobs ADD COLUMN from_version INTEGER NOT NULL DEFAULT 0;";

static const char schema_7[] = "ALTER TABLE datasets ADD COLUMN n_titles INTEGER NOT NULL DEFAULT 0;";

static const char schema_8[] =
    "DROP INDEX jobs_unfinished;"
    "CREATE INDEX jobs_unfinished ON jobs (id) WHERE state IN ('queued', 'running', 'paused', 'cancelling');";

/* Files that are to be removed, recorded with the deletion of their row:
 * `doomed` is cleared once they are gone. */
static const char schema_9[] = "CREATE TABLE doomed (folder TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY "
                               "(folder, id)) STRICT, WITHOUT ROWID;"
                               "CREATE TRIGGER datasets_doom AFTER DELETE ON datasets BEGIN INSERT OR IGNORE "
                               "INTO doomed VALUES ('datasets', OLD.id); END;"
                               "CREATE TRIGGER models_doom AFTER DELETE ON models BEGIN INSERT OR IGNORE "
                               "INTO doomed VALUES ('models', OLD.id); END;"
                               "CREATE TRIGGER jobs_doom AFTER DELETE ON jobs BEGIN INSERT OR IGNORE INTO "
                               "doomed VALUES ('checkpoints', OLD.id); END;";

/* `stale` notes, by number of change, whose record beside its files (about.h)
 * is out of date: at first everybody's. */
static const char schema_10[] =
    "CREATE TABLE stale (change INTEGER PRIMARY KEY AUTOINCREMENT, folder TEXT NOT NULL, id INTEGER NOT "
    "NULL) STRICT;"
    "CREATE TRIGGER datasets_stale AFTER UPDATE ON datasets WHEN NEW.state = 'ready'"
    " BEGIN INSERT INTO stale (folder, id) VALUES ('datasets', NEW.id); END;"
    "CREATE TRIGGER datasets_gone AFTER DELETE ON datasets WHEN OLD.state = 'ready'"
    " BEGIN INSERT INTO stale (folder, id) VALUES ('datasets', OLD.id); END;"
    "CREATE TRIGGER models_stale AFTER UPDATE ON models WHEN NEW.version IS NOT NULL"
    " BEGIN INSERT INTO stale (folder, id) VALUES ('models', NEW.id); END;"
    "CREATE TRIGGER models_gone AFTER DELETE ON models WHEN OLD.version IS NOT NULL" /* the newest left knows
                                                                                        the name's next number
                                                                                      */
    " BEGIN INSERT INTO stale (folder, id) SELECT 'models', id FROM models WHERE name = OLD.name ORDER BY "
    "version DESC LIMIT 1; END;"
    "CREATE TRIGGER models_promoted AFTER UPDATE OF promoted ON model_names WHEN OLD.promoted IS NOT "
    "NEW.promoted"
    " BEGIN INSERT INTO stale (folder, id) SELECT 'models', id FROM models"
    " WHERE name = NEW.name AND version IN (OLD.promoted, NEW.promoted); END;"
    "CREATE TRIGGER jobs_new AFTER INSERT ON jobs"
    " BEGIN INSERT INTO stale (folder, id) VALUES ('checkpoints', NEW.id); END;"
    "CREATE TRIGGER jobs_stale AFTER UPDATE OF settings, dataset, test, validation ON jobs"
    " WHEN NEW.state IN ('queued', 'running', 'paused', 'cancelling') AND (OLD.settings, OLD.dataset, "
    "OLD.test, OLD.validation)"
    " IS NOT (NEW.settings, NEW.dataset, NEW.test, NEW.validation)"
    " BEGIN INSERT INTO stale (folder, id) VALUES ('checkpoints', NEW.id); END;"
    "CREATE TRIGGER jobs_paused AFTER UPDATE OF state ON jobs WHEN NEW.state != OLD.state AND (NEW.state IN "
    "('paused', 'cancelling')"
    " OR OLD.state = 'paused') AND NEW.state IN ('queued', 'running', 'paused', 'cancelling')"
    " BEGIN INSERT INTO stale (folder, id) VALUES ('checkpoints', NEW.id); END;"
    "INSERT INTO stale (folder, id) SELECT 'datasets', id FROM datasets WHERE state = 'ready'"
    " UNION ALL SELECT 'models', id FROM models WHERE version IS NOT NULL"
    " UNION ALL SELECT 'checkpoints', id FROM jobs WHERE state IN ('queued', 'running', 'paused', "
    "'cancelling');";

/* migrations[v] leads from version v to v + 1. Released ones are never
 * edited. */
static const char *const migrations[] = {schema_1, schema_2, schema_3, schema_4, schema_5,
                                         schema_6, schema_7, schema_8, schema_9, schema_10};
#define SCHEMA_VERSION ((int64_t)(sizeof migrations / sizeof *migrations))

/* What stood in SQLite's way, as err_errno sees it. */
static enum err_code code_of_system(int number)
{
    struct err err;
    errno = number;
    err_errno(&err, "the catalogue");
    return err.code;
}

static enum err_code code_of(sqlite3 *db, int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_READONLY:
        return ERR_SPACE;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_BUSY:
        return ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    default:
        return code_of_system(db ? sqlite3_system_errno(db) : 0);
    }
}

static bool sql_fail(sqlite3 *db, int result, struct err *err)
{
    return err_set(err, code_of(db, result), "the catalogue (mlpd.db): %s",
                   db ? sqlite3_errmsg(db) : sqlite3_errstr(result));
}

static bool sql_exec(struct sql *sql, const char *text, struct err *err)
{
    int result = sqlite3_exec(sql->db, text, NULL, NULL, NULL);
    return result == SQLITE_OK || sql_fail(sql->db, result, err);
}

void sql_free(struct sql *sql)
{
    if (!sql)
        return;
    for (uint32_t i = 0; i < sql->n_cached; i++)
        sqlite3_finalize(sql->cached[i].statement);
    sqlite3_close(sql->db);
    free(sql);
}

static struct sql *sql_new(struct store *store, struct err *err)
{
    char path[PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", store->dir, store->catalogue);
    struct sql *sql = calloc(1, sizeof *sql);
    if (!sql) {
        err_memory(err, "a connection to the catalogue");
        return NULL;
    }
    sql->store = store;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int result = sqlite3_open_v2(path, &sql->db, flags, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_busy_timeout(sql->db, BUSY_TIMEOUT_MS);
    if (result != SQLITE_OK)
        sql_fail(sql->db, result, err);
    if (result != SQLITE_OK || !sql_exec(sql, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", err)) {
        sql_free(sql);
        return NULL;
    }
    return sql;
}

struct sql *sql_of(struct store *store, struct err *err)
{
    struct sql *sql = pthread_getspecific(store->key);
    if (sql)
        return sql;
    sql = sql_new(store, err);
    if (!sql)
        return NULL;
    if (pthread_setspecific(store->key, sql) != 0) {
        err_memory(err, "a thread's connection");
        sql_free(sql);
        return NULL;
    }
    pthread_mutex_lock(&store->lock);
    sql->next = store->connections;
    store->connections = sql;
    pthread_mutex_unlock(&store->lock);
    return sql;
}

bool sql_version(struct sql *sql, int64_t *version, struct err *err)
{
    sqlite3_stmt *statement = sql_query(sql, err, "PRAGMA user_version", "");
    if (!statement || sql_step(sql, statement, err) != 1)
        return false;
    *version = sqlite3_column_int64(statement, 0);
    sql_stop(statement);
    return true;
}

bool sql_migrate(struct sql *sql, struct err *err)
{
    int64_t version;
    if (!sql_begin(sql, err))
        return false;
    bool ok = sql_version(sql, &version, err);
    if (ok && version > SCHEMA_VERSION)
        ok = err_set(err, ERR_INPUT,
                     "the state folder %s is of a newer mlpd (its version is %lld, this mlpd knows %lld)",
                     sql->store->dir, (long long)version, (long long)SCHEMA_VERSION);
    for (; ok && version < SCHEMA_VERSION; version++) {
        char pragma[64];
        snprintf(pragma, sizeof pragma, "PRAGMA user_version = %lld", (long long)version + 1);
        ok = sql_exec(sql, migrations[version], err) && sql_exec(sql, pragma, err);
    }
    return sql_end(sql, ok, err);
}

static sqlite3_stmt *sql_prepare(struct sql *sql, const char *text, struct err *err)
{
    for (uint32_t i = 0; i < sql->n_cached; i++)
        if (sql->cached[i].text == text)
            return sql->cached[i].statement;
    sqlite3_stmt *statement = NULL;
    if (sql->n_cached == SQL_STATEMENTS_MAX) {
        err_set(err, ERR_LIMIT, "more than %d kinds of statements", SQL_STATEMENTS_MAX);
        return NULL;
    }
    int result = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (result != SQLITE_OK) {
        sql_fail(sql->db, result, err);
        return NULL;
    }
    sql->cached[sql->n_cached].text = text;
    sql->cached[sql->n_cached++].statement = statement;
    return statement;
}

static int bind_all(sqlite3_stmt *statement, const char *types, va_list values)
{
    int result = SQLITE_OK;
    for (int i = 0; types[i] && result == SQLITE_OK; i++) {
        if (types[i] == 'i')
            result = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        else if (types[i] == 'd')
            result = sqlite3_bind_double(statement, i + 1, va_arg(values, double));
        else
            result = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
    }
    return result;
}

static sqlite3_stmt *sql_query_list(struct sql *sql, struct err *err, const char *text, const char *types,
                                    va_list values)
{
    sqlite3_stmt *statement = sql_prepare(sql, text, err);
    if (!statement)
        return NULL;
    int result = bind_all(statement, types, values);
    if (result == SQLITE_OK)
        return statement;
    sql_fail(sql->db, result, err);
    sql_stop(statement);
    return NULL;
}

sqlite3_stmt *sql_query(struct sql *sql, struct err *err, const char *text, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = sql_query_list(sql, err, text, types, values);
    va_end(values);
    return statement;
}

int sql_step(struct sql *sql, sqlite3_stmt *statement, struct err *err)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    if (result != SQLITE_DONE)
        sql_fail(sql->db, result, err);
    sql_stop(statement);
    return result == SQLITE_DONE ? 0 : -1;
}

void sql_stop(sqlite3_stmt *statement)
{
    if (statement) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
}

bool sql_run(struct sql *sql, struct err *err, const char *text, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = sql_query_list(sql, err, text, types, values);
    va_end(values);
    return statement && sql_step(sql, statement, err) == 0;
}

static const char commit[] = "COMMIT", rollback[] = "ROLLBACK";

/* Some errors have rolled back already. */
static void transaction_drop(struct sql *sql)
{
    struct err ignored;
    if (!sqlite3_get_autocommit(sql->db))
        sql_run(sql, &ignored, rollback, "");
}

/* Whatever ends the transaction is prepared before it begins: for want of
 * memory it would stay open and lock everyone out. */
bool sql_begin(struct sql *sql, struct err *err)
{
    transaction_drop(sql);
    return sql_prepare(sql, commit, err) && sql_prepare(sql, rollback, err) &&
           sql_run(sql, err, "BEGIN IMMEDIATE", "");
}

bool sql_end(struct sql *sql, bool ok, struct err *err)
{
    if (ok && sql_run(sql, err, commit, ""))
        return true;
    transaction_drop(sql);
    return false;
}

void sql_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    const unsigned char *from = sqlite3_column_text(statement, column);
    snprintf(text, size, "%s", from ? (const char *)from : "");
}

uint64_t sql_count(sqlite3_stmt *statement, int column)
{
    int64_t count = sqlite3_column_int64(statement, column);
    return count > 0 ? (uint64_t)count : 0;
}

double sql_number(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN
                                                                 : sqlite3_column_double(statement, column);
}

bool sql_collect(struct sql *sql, sqlite3_stmt *statement, size_t item_size,
                 void (*read)(sqlite3_stmt *statement, void *item), void **items, size_t *n_items,
                 struct err *err)
{
    char *all = NULL;
    size_t n = 0, capacity = 0;
    int more = statement ? 1 : -1;
    while (more == 1 && (more = sql_step(sql, statement, err)) == 1) {
        if (n == capacity) {
            size_t larger = capacity ? 2 * capacity : 16;
            char *grown = larger <= SIZE_MAX / item_size ? realloc(all, larger * item_size) : NULL;
            if (!grown) {
                err_memory(err, "a list");
                sql_stop(statement);
                more = -1;
                break;
            }
            all = grown;
            capacity = larger;
        }
        memset(all + n * item_size, 0, item_size);
        read(statement, all + n++ * item_size);
    }
    if (more < 0) {
        free(all);
        return false;
    }
    *items = all;
    *n_items = n;
    return true;
}
