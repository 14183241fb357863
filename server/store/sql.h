/* Private to the store: one connection a thread, prepared statements,
 * transactions, errors. */
#ifndef MLPD_STORE_SQL_H
#define MLPD_STORE_SQL_H

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>

#define SQL_STATEMENTS_MAX 128

struct sql {
    struct store *store;
    sqlite3 *db;
    struct {
        const char *text; /* the literal itself is the key */
        sqlite3_stmt *statement;
    } cached[SQL_STATEMENTS_MAX];
    uint32_t n_cached;
    struct sql *next; /* in store->connections */
};

struct store {
    char dir[PATH_SIZE];
    const char *catalogue;               /* the database's name in the folder */
    int lock_fd, dir_fd;                 /* both locked */
    const struct store_readers *readers; /* in a recovery */
    pthread_key_t key;                   /* struct sql of the calling thread */
    bool has_key;
    /* under lock */
    pthread_mutex_t lock;
    struct sql *connections;
    /* about_lock: taken for the writing of records and the removal of files,
     * which nobody else waits for */
    pthread_mutex_t about_lock;
    uint64_t about_written; /* the change up to which records have been written */
    size_t n_stale;         /* lines of the table `stale` that are written, and still there */
    bool about_failed;
    /* under lost_lock */
    pthread_mutex_t lost_lock;
    char lost[STAMP_SIZE + 16]; /* the folder of this start in lost/; "" until one is needed */
};

/* The calling thread's connection, opened on first use. NULL on failure. */
struct sql *sql_of(struct store *store, struct err *err);
void sql_free(struct sql *sql);
/* The schema's version; 0: there is none. */
bool sql_version(struct sql *sql, int64_t *version, struct err *err);
/* Create or migrate the tables. */
bool sql_migrate(struct sql *sql, struct err *err);

/* A prepared statement with its values bound. types: one letter a value, i
 * int64_t, t const char *, d double (NaN becomes NULL). `text` must be a
 * literal. NULL on failure. */
sqlite3_stmt *sql_query(struct sql *sql, struct err *err, const char *text, const char *types, ...);
/* 1: a row is there, 0: the end, -1: *err. After 0 or -1 the statement is
 * reset; before that sql_stop does it. */
int sql_step(struct sql *sql, sqlite3_stmt *statement, struct err *err);
void sql_stop(sqlite3_stmt *statement); /* takes NULL */
/* A statement that yields no rows. */
bool sql_run(struct sql *sql, struct err *err, const char *text, const char *types, ...);

bool sql_begin(struct sql *sql, struct err *err);
/* Commit where ok, else roll back. Returns whether all is stored. */
bool sql_end(struct sql *sql, bool ok, struct err *err);

/* A text column, cut to the room there is; "" for NULL. */
void sql_text(sqlite3_stmt *statement, int column, char *text, size_t size);
uint64_t sql_count(sqlite3_stmt *statement, int column);
double sql_number(sqlite3_stmt *statement, int column); /* NaN for NULL */

/* Collect every row of a statement: read(statement, item) fills an item of
 * item_size bytes. statement may be NULL (returns false). *items is malloc'd
 * (NULL where there are none). */
bool sql_collect(struct sql *sql, sqlite3_stmt *statement, size_t item_size,
                 void (*read)(sqlite3_stmt *statement, void *item), void **items, size_t *n_items,
                 struct err *err);

/* One row by number. 1: it is there (ready; with a version), 0: it is not, -1:
 * *err. newest: the largest version number given under the model's name. */
int sql_dataset_get(struct sql *sql, int64_t id, struct dataset_row *row, struct err *err);
int sql_model_get(struct sql *sql, int64_t id, struct model_row *row, uint32_t *newest, struct err *err);

/* store_warnings_put within a transaction. */
bool sql_warnings_put(struct sql *sql, int64_t job, uint32_t first, const struct warnings *warnings,
                      struct err *err);

/* store_job_update within a transaction: everything that changes in a job's
 * life, save epoch, which store_epochs_append raises. */
bool sql_job_update(struct sql *sql, const struct job_row *row, struct err *err);

#endif
