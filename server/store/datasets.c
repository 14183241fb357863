/* The store's rows of datasets. Any thread. */
#include "store/files.h"

#include <string.h>

#define COLUMNS                                                                                              \
    "id, name, state, n_rows, n_columns, bytes, separator, header, created, quote, comment, decimal, "       \
    "count_line, encoding,"                                                                                  \
    " compression, n_skipped, n_titles"

static void dataset_read(sqlite3_stmt *statement, void *item)
{
    struct dataset_row *row = item;
    char state[16];
    row->id = sqlite3_column_int64(statement, 0);
    sql_text(statement, 1, row->name, sizeof row->name);
    sql_text(statement, 2, state, sizeof state);
    row->state = strcmp(state, "ready") ? DATASET_LOADING : DATASET_READY;
    row->n_rows = sql_count(statement, 3);
    row->n_columns = sql_count(statement, 4);
    row->bytes = sql_count(statement, 5);
    row->separator = (char)sqlite3_column_int(statement, 6);
    row->header = sqlite3_column_int(statement, 7) != 0;
    sql_text(statement, 8, row->created, sizeof row->created);
    row->quote = (char)sqlite3_column_int(statement, 9);
    row->comment = (char)sqlite3_column_int(statement, 10);
    row->decimal = (char)sqlite3_column_int(statement, 11);
    row->count_line = sqlite3_column_int(statement, 12) != 0;
    row->encoding = (enum csv_encoding)sqlite3_column_int(statement, 13);
    sql_text(statement, 14, row->compression, sizeof row->compression);
    row->n_skipped = sql_count(statement, 15);
    row->n_titles = (uint32_t)sql_count(statement, 16);
}

int sql_dataset_get(struct sql *sql, int64_t id, struct dataset_row *row, struct err *err)
{
    sqlite3_stmt *statement =
        sql_query(sql, err, "SELECT " COLUMNS " FROM datasets WHERE id = ?1 AND state = 'ready'", "i", id);
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 1) {
        dataset_read(statement, row);
        sql_stop(statement);
    }
    return there;
}

bool sql_dataset_put(struct sql *sql, const struct dataset_row *row, const char *profile, struct err *err)
{
    return sql_run(sql, err, "DELETE FROM datasets WHERE id = ?1", "i", row->id) &&
           sql_run(sql, err, "DELETE FROM doomed WHERE folder = 'datasets' AND id = ?1", "i", row->id) &&
           sql_run(sql, err,
                   "INSERT INTO datasets (id, name, state, n_rows, n_columns, bytes, separator, header, "
                   "created, quote, comment, decimal,"
                   " count_line, encoding, compression, n_skipped, profile, n_titles)"
                   " VALUES (?1, ?2, 'ready', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
                   "?17)",
                   "itiiiiitiiiiititi", row->id, row->name, (int64_t)row->n_rows, (int64_t)row->n_columns,
                   (int64_t)row->bytes, (int64_t)row->separator, (int64_t)row->header, row->created,
                   (int64_t)row->quote, (int64_t)row->comment, (int64_t)row->decimal,
                   (int64_t)row->count_line, (int64_t)row->encoding, row->compression,
                   (int64_t)row->n_skipped, profile, (int64_t)row->n_titles);
}

static bool missing(const char *name, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "there is no dataset called %s", name);
    return err_field(err, "dataset");
}

/* 1: *id is the ready dataset of the name, 0: there is none, -1: *err. */
static int ready_id(struct sql *sql, const char *name, int64_t *id, struct err *err)
{
    sqlite3_stmt *statement =
        sql_query(sql, err, "SELECT id FROM datasets WHERE name = ?1 AND state = 'ready'", "t", name);
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 1) {
        *id = sqlite3_column_int64(statement, 0);
        sql_stop(statement);
    }
    return there;
}

static bool loading_insert(struct sql *sql, const char *name, struct err *err)
{
    char now[STAMP_SIZE];
    store_stamp(now);
    if (sql_run(sql, err, "INSERT INTO datasets (name, state, created) VALUES (?1, 'loading', ?2)", "tt",
                name, now))
        return true;
    if (err->code != ERR_CONFLICT)
        return false;
    err_set(err, ERR_CONFLICT, "another upload of the dataset %s is on its way: wait for it", name);
    return err_field(err, "name");
}

bool store_dataset_reserve(struct store *store, const char *name, bool replace, int64_t *id, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    int64_t old;
    if (!sql || !sql_begin(sql, err))
        return false;
    int there = ready_id(sql, name, &old, err);
    if (there == 1 && !replace) {
        err_set(err, ERR_CONFLICT,
                "a dataset called %s is there already: delete it, choose another name, or say replace=true",
                name);
        err_field(err, "name");
        there = -1;
    }
    bool ok = there >= 0 && loading_insert(sql, name, err);
    int64_t reserved = sqlite3_last_insert_rowid(sql->db);
    if (!sql_end(sql, ok, err))
        return false;
    *id = reserved;
    return true;
}

static bool publish(struct sql *sql, struct store_publication *publication, struct err *err)
{
    const struct dataset_row *row = publication->row;
    return ready_id(sql, row->name, &publication->replaced_id, err) >= 0 &&
           sql_run(sql, err, "DELETE FROM datasets WHERE id = ?1", "i", publication->replaced_id) &&
           sql_run(sql, err,
                   "UPDATE datasets SET state = 'ready', n_rows = ?2, n_columns = ?3, bytes = ?4, separator "
                   "= ?5, header = ?6,"
                   " created = ?7, quote = ?8, comment = ?9, decimal = ?10, count_line = ?11, encoding = "
                   "?12, compression = ?13,"
                   " n_skipped = ?14, profile = ?15, n_titles = ?16 WHERE id = ?1",
                   "iiiiiitiiiiititi", row->id, (int64_t)row->n_rows, (int64_t)row->n_columns,
                   (int64_t)row->bytes, (int64_t)row->separator, (int64_t)row->header, row->created,
                   (int64_t)row->quote, (int64_t)row->comment, (int64_t)row->decimal,
                   (int64_t)row->count_line, (int64_t)row->encoding, row->compression,
                   (int64_t)row->n_skipped, publication->profile, (int64_t)row->n_titles);
}

bool store_dataset_publish(struct store *store, struct store_publication *publications, uint32_t n,
                           struct err *err)
{
    struct sql *sql = sql_of(store, err);
    bool ok = true;
    if (!sql || !sql_begin(sql, err))
        return false;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = publish(sql, &publications[i], err);
    if (!sql_end(sql, ok, err))
        return false;
    store_abouts_write(store);
    return true;
}

bool store_dataset_forget(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    return sql && sql_run(sql, err, "DELETE FROM datasets WHERE id = ?1", "i", id);
}

/* 1: some dataset of the name is there, ready or loading, 0: none, -1: *err. */
static int name_taken(struct sql *sql, const char *name, const char *state, struct err *err)
{
    sqlite3_stmt *statement =
        sql_query(sql, err, "SELECT 1 FROM datasets WHERE name = ?1 AND state LIKE ?2", "tt", name, state);
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 1)
        sql_stop(statement);
    return there;
}

bool store_dataset_delete(struct store *store, const char *name, int64_t *id, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    int64_t old = 0;
    if (!sql || !sql_begin(sql, err))
        return false;
    int there = ready_id(sql, name, &old, err),
        loading = there >= 0 ? name_taken(sql, name, "loading", err) : -1;
    if (loading == 1)
        err_set(err, ERR_CONFLICT, "the dataset %s is still loading: wait until its state is ready", name);
    else if (there == 1 && *id && old != *id)
        there = 0;
    if (there == 0 && loading == 0)
        missing(name, err);
    bool ok = there == 1 && loading == 0 && sql_run(sql, err, "DELETE FROM datasets WHERE id = ?1", "i", old);
    if (!sql_end(sql, ok, err))
        return false;
    store_abouts_write(store);
    *id = old;
    return true;
}

static bool jobs_rename(struct sql *sql, int64_t id, const char *name, struct err *err)
{
    return sql_run(sql, err, "UPDATE jobs SET dataset = ?2 WHERE dataset_id = ?1", "it", id, name) &&
           sql_run(sql, err, "UPDATE jobs SET test = ?2 WHERE test_id = ?1", "it", id, name) &&
           sql_run(sql, err, "UPDATE jobs SET validation = ?2 WHERE validation_id = ?1", "it", id, name);
}

bool store_dataset_rename(struct store *store, const char *name, const char *new_name, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    int64_t id;
    if (!sql || !sql_begin(sql, err))
        return false;
    int there = ready_id(sql, name, &id, err), taken = there == 1 ? name_taken(sql, new_name, "%", err) : -1;
    int loading = taken == 0 ? name_taken(sql, name, "loading", err) : -1;
    if (there == 0)
        missing(name, err);
    if (taken == 1 || loading == 1) {
        err_set(err, ERR_CONFLICT,
                taken == 1 ? "a dataset called %s is there already"
                           : "the dataset %s is being replaced: wait for it",
                taken == 1 ? new_name : name);
        err_field(err, "name");
    }
    bool ok = loading == 0 &&
              sql_run(sql, err, "UPDATE datasets SET name = ?2 WHERE id = ?1", "it", id, new_name) &&
              jobs_rename(sql, id, new_name, err);
    if (!sql_end(sql, ok, err))
        return false;
    store_abouts_write(store);
    return true;
}

bool store_dataset_find(struct store *store, const char *name, struct dataset_row *row, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT " COLUMNS " FROM datasets WHERE name = ?1 AND state = 'ready'", "t",
                        name)
            : NULL;
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 0)
        return missing(name, err);
    if (there < 0)
        return false;
    dataset_read(statement, row);
    sql_stop(statement);
    return true;
}

bool store_dataset_profile(struct store *store, int64_t id, char **profile, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT profile FROM datasets WHERE id = ?1", "i", id) : NULL;
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 0)
        return err_set(err, ERR_NOT_FOUND, "the dataset is gone");
    if (there < 0)
        return false;
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    *profile = text ? strdup(text) : NULL;
    sql_stop(statement);
    return *profile || err_memory(err, "the profile");
}

bool store_dataset_list(struct store *store, struct dataset_row **rows, size_t *n_rows, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT " COLUMNS " FROM datasets ORDER BY name, state", "") : NULL;
    void *items = NULL;
    if (!sql_collect(sql, statement, sizeof **rows, dataset_read, &items, n_rows, err))
        return false;
    *rows = items;
    return true;
}
