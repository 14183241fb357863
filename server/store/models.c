/* The store's rows of models. Any thread. */
#include "store/files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                              \
    "m.id, m.name, m.version, m.state, m.job, m.created, m.task, m.n_params, m.bytes, m.epochs, "            \
    "m.evaluated_on, m.n_rows,"                                                                              \
    " m.loss, m.accuracy, m.rmse, m.mae, m.r2, (SELECT count(*) FROM models v WHERE v.name = m.name),"       \
    " (SELECT promoted FROM model_names p WHERE p.name = m.name), m.dataset_id,"                             \
    " (SELECT d.name FROM datasets d WHERE d.id = m.dataset_id AND d.state = 'ready')"
/* Among the versions of m's name the one that the bare name means comes
 * first. */
#define BEST                                                                                                 \
    "ORDER BY m.version = (SELECT promoted FROM model_names p WHERE p.name = m.name) DESC, m.state = "       \
    "'finished' DESC, m.version DESC "                                                                       \
    "LIMIT 1"

static void model_read(sqlite3_stmt *statement, void *item)
{
    struct model_row *row = item;
    char word[16];
    row->id = sqlite3_column_int64(statement, 0);
    sql_text(statement, 1, row->name, sizeof row->name);
    row->version = (uint32_t)sql_count(statement, 2);
    sql_text(statement, 3, word, sizeof word);
    row->state = strcmp(word, model_state_name(MODEL_FINISHED)) ? MODEL_PARTIAL : MODEL_FINISHED;
    row->job = sqlite3_column_int64(statement, 4);
    sql_text(statement, 5, row->created, sizeof row->created);
    sql_text(statement, 6, word, sizeof word);
    row->task = strcmp(word, task_name(TASK_REGRESSION)) ? TASK_CLASSIFICATION : TASK_REGRESSION;
    row->n_params = sql_count(statement, 7);
    row->bytes = sql_count(statement, 8);
    row->epochs = (uint32_t)sql_count(statement, 9);
    sql_text(statement, 10, word, sizeof word);
    for (enum rows_kind kind = ROWS_NONE; kind <= ROWS_TRAIN; kind++)
        if (!strcmp(word, rows_kind_name(kind)))
            row->evaluated_on = kind;
    row->n_rows = sql_count(statement, 11);
    row->loss = sql_number(statement, 12);
    row->accuracy = sql_number(statement, 13);
    row->rmse = sql_number(statement, 14);
    row->mae = sql_number(statement, 15);
    row->r2 = sql_number(statement, 16);
    row->n_versions = (uint32_t)sql_count(statement, 17);
    row->promoted = (uint32_t)sql_count(statement, 18);
    row->wanted = 0;
    row->dataset_id = sqlite3_column_int64(statement, 19);
    sql_text(statement, 20, row->dataset, sizeof row->dataset);
}

int sql_model_get(struct sql *sql, int64_t id, struct model_row *row, uint32_t *newest, struct err *err)
{
    sqlite3_stmt *statement = sql_query(
        sql, err,
        "SELECT " COLUMNS ", (SELECT version FROM model_names p WHERE p.name = m.name) FROM models m"
        " WHERE m.id = ?1 AND m.version IS NOT NULL",
        "i", id);
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 1) {
        model_read(statement, row);
        *newest = (uint32_t)sql_count(statement, 21);
        sql_stop(statement);
    }
    return there;
}

bool sql_model_put(struct sql *sql, const struct model_row *row, uint32_t newest, struct err *err)
{
    return sql_run(sql, err, "DELETE FROM models WHERE id = ?1", "i", row->id) &&
           sql_run(sql, err, "DELETE FROM doomed WHERE folder = 'models' AND id = ?1", "i", row->id) &&
           sql_run(
               sql, err,
               "INSERT INTO models (id, name, version, state, job, created, task, n_params, bytes, epochs, "
               "evaluated_on, n_rows, loss,"
               " accuracy, rmse, mae, r2, dataset_id)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
               "ititittiiitidddddi", row->id, row->name, (int64_t)row->version, model_state_name(row->state),
               row->job, row->created, task_name(row->task), (int64_t)row->n_params, (int64_t)row->bytes,
               (int64_t)row->epochs, rows_kind_name(row->evaluated_on), (int64_t)row->n_rows, row->loss,
               row->accuracy, row->rmse, row->mae, row->r2, row->dataset_id) &&
           sql_run(sql, err,
                   "INSERT INTO model_names (name, version) VALUES (?1, ?2)"
                   " ON CONFLICT (name) DO UPDATE SET version = max(version, excluded.version)",
                   "ti", row->name, (int64_t)(newest > row->version ? newest : row->version)) &&
           sql_run(sql, err,
                   "UPDATE model_names SET promoted = CASE WHEN ?3 THEN ?2 WHEN promoted = ?2 THEN NULL ELSE "
                   "promoted END WHERE name = ?1",
                   "tii", row->name, (int64_t)row->version, (int64_t)(row->promoted == row->version));
}

static bool missing(const char *name, uint32_t version, struct err *err)
{
    if (version)
        err_set(err, ERR_NOT_FOUND, "there is no version %" PRIu32 " of a model called %s", version, name);
    else
        err_set(err, ERR_NOT_FOUND, "there is no model called %s", name);
    return err_field(err, "model");
}

bool store_model_reserve(struct store *store, int64_t *id, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_run(sql, err, "INSERT INTO models DEFAULT VALUES", ""))
        return false;
    *id = sqlite3_last_insert_rowid(sql->db);
    return true;
}

/* The name's next version number, raised for good: a deleted version's number
 * never comes again. */
static bool version_next(struct sql *sql, const char *name, uint32_t *version, struct err *err)
{
    sqlite3_stmt *statement = sql_query(sql, err,
                                        "INSERT INTO model_names (name, version) VALUES (?1, 1) ON CONFLICT "
                                        "(name) DO UPDATE SET version = version + 1 RETURNING version",
                                        "t", name);
    if (!statement || sql_step(sql, statement, err) != 1)
        return false;
    *version = (uint32_t)sql_count(statement, 0);
    return sql_step(sql, statement, err) == 0;
}

bool store_model_publish(struct store *store, struct model_row *row, struct job_row *job, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    uint32_t version = 0;
    struct job_row end;
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok =
        version_next(sql, row->name, &version, err) &&
        sql_run(sql, err,
                "UPDATE models SET name = ?2, version = ?3, state = ?4, job = ?5, created = ?6, task = ?7, "
                "n_params = ?8, bytes = ?9,"
                " epochs = ?10, evaluated_on = ?11, n_rows = ?12, loss = ?13, accuracy = ?14, rmse = ?15, "
                "mae = ?16, r2 = ?17,"
                " dataset_id = ?18"
                " WHERE id = ?1",
                "ititittiiitidddddi", row->id, row->name, (int64_t)version, model_state_name(row->state),
                row->job, row->created, task_name(row->task), (int64_t)row->n_params, (int64_t)row->bytes,
                (int64_t)row->epochs, rows_kind_name(row->evaluated_on), (int64_t)row->n_rows, row->loss,
                row->accuracy, row->rmse, row->mae, row->r2, row->dataset_id);
    if (job) {
        end = *job;
        end.version = version;
        ok = ok && sql_job_update(sql, &end, err);
    }
    if (!sql_end(sql, ok, err))
        return false;
    store_abouts_write(store);
    row->version = version;
    if (job)
        job->version = version;
    return true;
}

bool store_model_forget(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    return sql && sql_run(sql, err, "DELETE FROM models WHERE id = ?1", "i", id);
}

bool store_model_find(struct store *store, const char *name, uint32_t version, struct model_row *row,
                      struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err,
                        "SELECT " COLUMNS " FROM models m WHERE name = ?1 AND (?2 = 0 OR version = ?2) " BEST,
                        "ti", name, (int64_t)version)
            : NULL;
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 0)
        return missing(name, version, err);
    if (there < 0)
        return false;
    model_read(statement, row);
    sql_stop(statement);
    return true;
}

bool store_model_list(struct store *store, struct model_row **rows, size_t *n_rows, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err,
                        "SELECT " COLUMNS " FROM model_names n"
                        " JOIN models m ON m.id = (SELECT m.id FROM models m WHERE m.name = n.name " BEST
                        ") ORDER BY n.name",
                        "")
            : NULL;
    void *items = NULL;
    if (!sql_collect(sql, statement, sizeof **rows, model_read, &items, n_rows, err))
        return false;
    *rows = items;
    return true;
}

bool store_model_versions(struct store *store, const char *name, struct model_row **rows, size_t *n_rows,
                          struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT " COLUMNS " FROM models m WHERE name = ?1 ORDER BY version DESC",
                        "t", name)
            : NULL;
    void *items = NULL;
    if (!sql_collect(sql, statement, sizeof **rows, model_read, &items, n_rows, err))
        return false;
    if (*n_rows == 0)
        return missing(name, 0, err);
    *rows = items;
    return true;
}

static void id_read(sqlite3_stmt *statement, void *item)
{
    *(int64_t *)item = sqlite3_column_int64(statement, 0);
}

bool store_model_delete(struct store *store, const char *name, uint32_t version, int64_t **ids, size_t *n_ids,
                        struct err *err)
{
    struct sql *sql = sql_of(store, err);
    void *items = NULL;
    if (!sql || !sql_begin(sql, err))
        return false;
    sqlite3_stmt *statement =
        sql_query(sql, err, "DELETE FROM models WHERE name = ?1 AND (?2 = 0 OR version = ?2) RETURNING id",
                  "ti", name, (int64_t)version);
    bool ok = sql_collect(sql, statement, sizeof **ids, id_read, &items, n_ids, err) &&
              (*n_ids > 0 || missing(name, version, err)) &&
              sql_run(sql, err,
                      "UPDATE model_names SET promoted = NULL WHERE name = ?1 AND (?2 = 0 OR promoted = ?2)",
                      "ti", name, (int64_t)version);
    if (!sql_end(sql, ok, err)) {
        free(items);
        return false;
    }
    store_abouts_write(store);
    *ids = items;
    return true;
}

static bool model_there(struct sql *sql, const char *name, uint32_t version, bool *found, struct err *err)
{
    sqlite3_stmt *statement =
        sql_query(sql, err, "SELECT 1 FROM models WHERE name = ?1 AND (?2 = 0 OR version = ?2)", "ti", name,
                  (int64_t)version);
    int row = statement ? sql_step(sql, statement, err) : -1;
    if (row > 0)
        sql_stop(statement);
    *found = row > 0;
    return row >= 0;
}

/* Both names' counters go on, so that neither gives a version number twice. */
static bool rename_to(struct sql *sql, const char *name, const char *to, struct err *err)
{
    bool taken;
    if (!model_there(sql, to, 0, &taken, err))
        return false;
    if (taken) {
        err_set(err, ERR_CONFLICT, "there is a model called %s already", to);
        return err_field(err, "name");
    }
    return sql_run(sql, err,
                   "INSERT INTO model_names (name, version, promoted) SELECT ?2, version, promoted FROM "
                   "model_names WHERE name = ?1"
                   " ON CONFLICT (name) DO UPDATE SET version = max(version, excluded.version), promoted = "
                   "excluded.promoted",
                   "tt", name, to) &&
           sql_run(sql, err, "UPDATE model_names SET promoted = NULL WHERE name = ?1", "t", name) &&
           sql_run(sql, err, "UPDATE models SET name = ?2 WHERE name = ?1", "tt", name, to) &&
           sql_run(sql, err,
                   "UPDATE jobs SET model = ?1 WHERE version > 0 AND id IN (SELECT job FROM models WHERE "
                   "name = ?1)",
                   "t", to);
}

static bool promote(struct sql *sql, const char *name, uint32_t version, struct err *err)
{
    bool found = true;
    if (version && !model_there(sql, name, version, &found, err))
        return false;
    if (!found) {
        missing(name, version, err);
        return err_field(err, "promoted");
    }
    return sql_run(sql, err, "UPDATE model_names SET promoted = nullif(?2, 0) WHERE name = ?1", "ti", name,
                   (int64_t)version);
}

bool store_model_change(struct store *store, const char *name, const struct model_change *change,
                        struct err *err)
{
    struct sql *sql = sql_of(store, err);
    bool found = false;
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok = model_there(sql, name, 0, &found, err) && (found || missing(name, 0, err)) &&
              (!change->promote || promote(sql, name, change->promoted, err)) &&
              (!change->name[0] || !strcmp(change->name, name) || rename_to(sql, name, change->name, err));
    if (!sql_end(sql, ok, err))
        return false;
    store_abouts_write(store);
    return true;
}
