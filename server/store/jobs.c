/* The store's rows of jobs and epochs. Any thread. */
#include "store/files.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                              \
    "id, state, change, dataset, test, validation, dataset_id, test_id, validation_id, model, version, "     \
    "epoch, epochs, task,"                                                                                   \
    " task_reason, n_train, n_validation, n_test, created, started, ended, error_code, error_row, "          \
    "error_column, error_field, error_msg,"                                                                  \
    " settings, title, priority, weight, max_seconds, from_version"
#define UNFINISHED "state IN ('queued', 'running', 'paused', 'cancelling')"

static enum job_state state_find(const char *name)
{
    for (enum job_state state = JOB_QUEUED; state < JOB_CANCELLED; state++)
        if (!strcmp(name, job_state_name(state)))
            return state;
    return JOB_CANCELLED;
}

static enum task task_find(const char *name)
{
    return !strcmp(name, task_name(TASK_REGRESSION)) ? TASK_REGRESSION : TASK_CLASSIFICATION;
}

static void job_read(sqlite3_stmt *statement, void *item)
{
    struct job_row *row = item;
    char word[16];
    row->id = sqlite3_column_int64(statement, 0);
    sql_text(statement, 1, word, sizeof word);
    row->state = state_find(word);
    row->change = sql_count(statement, 2);
    sql_text(statement, 3, row->dataset, sizeof row->dataset);
    sql_text(statement, 4, row->test, sizeof row->test);
    sql_text(statement, 5, row->validation, sizeof row->validation);
    row->dataset_id = sqlite3_column_int64(statement, 6);
    row->test_id = sqlite3_column_int64(statement, 7);
    row->validation_id = sqlite3_column_int64(statement, 8);
    sql_text(statement, 9, row->model, sizeof row->model);
    row->version = (uint32_t)sql_count(statement, 10);
    row->epoch = (uint32_t)sql_count(statement, 11);
    row->epochs = (uint32_t)sql_count(statement, 12);
    sql_text(statement, 13, word, sizeof word);
    row->task = task_find(word);
    sql_text(statement, 14, row->task_reason, sizeof row->task_reason);
    row->n_train = sql_count(statement, 15);
    row->n_validation = sql_count(statement, 16);
    row->n_test = sql_count(statement, 17);
    sql_text(statement, 18, row->created, sizeof row->created);
    sql_text(statement, 19, row->started, sizeof row->started);
    sql_text(statement, 20, row->ended, sizeof row->ended);
    row->error.code = (enum err_code)sqlite3_column_int(statement, 21);
    row->error.row = sql_count(statement, 22);
    sql_text(statement, 23, row->error.column, sizeof row->error.column);
    sql_text(statement, 24, row->error.field, sizeof row->error.field);
    sql_text(statement, 25, row->error.msg, sizeof row->error.msg);
    row->settings = sql_count(statement, 26);
    sql_text(statement, 27, row->title, sizeof row->title);
    row->priority = sqlite3_column_int(statement, 28);
    row->weight = (uint32_t)sql_count(statement, 29);
    row->max_seconds = sql_number(statement, 30);
    row->from_version = (uint32_t)sql_count(statement, 31);
}

static bool missing(int64_t id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no job %" PRId64, id);
}

/* Whether the ready dataset that the job was checked against is still the
 * one. */
static bool dataset_there(struct sql *sql, int64_t id, const char *name, const char *field, struct err *err)
{
    if (id == 0)
        return true;
    sqlite3_stmt *statement =
        sql_query(sql, err, "SELECT 1 FROM datasets WHERE id = ?1 AND state = 'ready'", "i", id);
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 0) {
        err_set(err, ERR_CONFLICT, "the dataset %s was deleted or replaced in this moment", name);
        return err_field(err, field);
    }
    sql_stop(statement);
    return there == 1;
}

static bool insert(struct sql *sql, const struct job_row *row, const char *request_json, struct err *err)
{
    return sql_run(
        sql, err,
        "INSERT INTO jobs (state, change, request, dataset, test, validation, dataset_id, test_id, "
        "validation_id, model,"
        " version, epoch, epochs, task, task_reason, n_train, n_validation, n_test, created, started, ended,"
        " error_code, error_row, error_column, error_field, error_msg, priority, weight, max_seconds, "
        "from_version)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
        "?19, 0, 0, '', '', '',"
        " ?20, ?21, ?22, ?23)",
        "tittttiiitittiiitttiidi", job_state_name(row->state), (int64_t)row->change, request_json,
        row->dataset, row->test, row->validation, row->dataset_id, row->test_id, row->validation_id,
        row->model, (int64_t)row->epochs, task_name(row->task), row->task_reason, (int64_t)row->n_train,
        (int64_t)row->n_validation, (int64_t)row->n_test, row->created, row->started, row->ended,
        (int64_t)row->priority, (int64_t)row->weight, row->max_seconds, (int64_t)row->from_version);
}

bool sql_job_put(struct sql *sql, const struct job_row *row, const char *request, struct err *err)
{
    return sql_run(sql, err, "DELETE FROM jobs WHERE id = ?1", "i", row->id) &&
           sql_run(sql, err, "DELETE FROM doomed WHERE folder = 'checkpoints' AND id = ?1", "i", row->id) &&
           insert(sql, row, request, err) &&
           sql_run(sql, err, "UPDATE jobs SET id = ?2, epoch = ?3, settings = ?4, title = ?5 WHERE id = ?1",
                   "iiiit", (int64_t)sqlite3_last_insert_rowid(sql->db), row->id, (int64_t)row->epoch,
                   (int64_t)row->settings, row->title);
}

bool store_job_insert(struct store *store, struct job_row *row, const char *request_json,
                      const struct warnings *warnings, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok = dataset_there(sql, row->dataset_id, row->dataset, "dataset", err) &&
              dataset_there(sql, row->test_id, row->test, "test", err) &&
              dataset_there(sql, row->validation_id, row->validation, "validation", err) &&
              insert(sql, row, request_json, err);
    int64_t id = sqlite3_last_insert_rowid(sql->db);
    ok = ok && (!warnings || sql_warnings_put(sql, id, 0, warnings, err));
    if (!sql_end(sql, ok, err))
        return false;
    store_abouts_write(store);
    row->id = id;
    return true;
}

bool store_job_get(struct store *store, int64_t id, struct job_row *row, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT " COLUMNS " FROM jobs WHERE id = ?1", "i", id) : NULL;
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 0)
        return missing(id, err);
    if (there < 0)
        return false;
    job_read(statement, row);
    sql_stop(statement);
    return true;
}

bool store_job_list(struct store *store, int64_t before, uint32_t limit, struct job_row **rows,
                    size_t *n_rows, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT " COLUMNS " FROM jobs WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                        "ii", before > 0 ? before : INT64_MAX, limit > 0 ? (int64_t)limit : -1)
            : NULL;
    void *items = NULL;
    if (!sql_collect(sql, statement, sizeof **rows, job_read, &items, n_rows, err))
        return false;
    *rows = items;
    return true;
}

bool store_job_unfinished(struct store *store, struct job_row **rows, size_t *n_rows, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT " COLUMNS " FROM jobs WHERE " UNFINISHED " ORDER BY id", "") : NULL;
    void *items = NULL;
    if (!sql_collect(sql, statement, sizeof **rows, job_read, &items, n_rows, err))
        return false;
    *rows = items;
    return true;
}

bool store_job_request(struct store *store, int64_t id, char **json, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT request FROM jobs WHERE id = ?1", "i", id) : NULL;
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 0)
        return missing(id, err);
    if (there < 0)
        return false;
    const unsigned char *text = sqlite3_column_text(statement, 0);
    char *copy = text ? strdup((const char *)text) : NULL;
    sql_stop(statement);
    if (!copy)
        return err_memory(err, "a job's request");
    *json = copy;
    return true;
}

bool sql_job_update(struct sql *sql, const struct job_row *row, struct err *err)
{
    return sql_run(sql, err,
                   "UPDATE jobs SET state = ?2, change = ?3, version = ?4, epochs = ?5, n_train = ?6, "
                   "n_validation = ?7, n_test = ?8,"
                   " started = ?9, ended = ?10, error_code = ?11, error_row = ?12, error_column = ?13, "
                   "error_field = ?14, error_msg = ?15"
                   " WHERE id = ?1 AND change < ?3",
                   "itiiiiiittiittt", row->id, job_state_name(row->state), (int64_t)row->change,
                   (int64_t)row->version, (int64_t)row->epochs, (int64_t)row->n_train,
                   (int64_t)row->n_validation, (int64_t)row->n_test, row->started, row->ended,
                   (int64_t)row->error.code, (int64_t)row->error.row, row->error.column, row->error.field,
                   row->error.msg);
}

bool store_job_update(struct store *store, const struct job_row *row, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_job_update(sql, row, err))
        return false;
    store_abouts_write(store);
    return true;
}

bool store_job_settings(struct store *store, const struct job_row *row, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql ||
        !sql_run(sql, err,
                 "UPDATE jobs SET settings = ?2, title = ?3, priority = ?4, weight = ?5, max_seconds = ?6"
                 " WHERE id = ?1 AND settings < ?2",
                 "iitiid", row->id, (int64_t)row->settings, row->title, (int64_t)row->priority,
                 (int64_t)row->weight, row->max_seconds))
        return false;
    store_abouts_write(store);
    return true;
}

bool store_job_rewind(struct store *store, const struct job_row *row, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok = sql_run(sql, err, "DELETE FROM epochs WHERE job = ?1", "i", row->id) &&
              sql_run(sql, err, "UPDATE jobs SET epoch = 0 WHERE id = ?1", "i", row->id) &&
              sql_job_update(sql, row, err);
    return sql_end(sql, ok, err);
}

bool store_job_delete(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok = sql_run(sql, err, "DELETE FROM epochs WHERE job = ?1", "i", id) &&
              sql_run(sql, err, "DELETE FROM warnings WHERE job = ?1", "i", id) &&
              sql_run(sql, err, "DELETE FROM jobs WHERE id = ?1", "i", id) &&
              (sqlite3_changes(sql->db) > 0 || missing(id, err));
    return sql_end(sql, ok, err);
}

#define METRICS_TEXT_SIZE ((2 * N_METRICS + 1) * 48)

/* "loss=0.25 val_loss=0.5 ... learning_rate=0.001 ": what is defined. */
static void metrics_print(const struct epoch_metrics *m, char text[METRICS_TEXT_SIZE])
{
    const double *const sides[] = {m->train, m->validation};
    size_t n = 0;
    text[0] = '\0';
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < N_METRICS; i++)
            if (!isnan(sides[side][i]))
                n += (size_t)snprintf(text + n, METRICS_TEXT_SIZE - n, "%s%s=%.17g ", side ? "val_" : "",
                                      metric_name((enum metric)i), sides[side][i]);
    if (!isnan(m->learning_rate))
        snprintf(text + n, METRICS_TEXT_SIZE - n, "learning_rate=%.17g ", m->learning_rate);
}

/* Where the word is kept; NULL: of another mlpd. */
static double *metric_place(struct epoch_metrics *m, const char *word)
{
    bool validation = !strncmp(word, "val_", 4);
    int metric = metric_find(word + (validation ? 4 : 0));
    if (metric >= 0)
        return validation ? &m->validation[metric] : &m->train[metric];
    return strcmp(word, "learning_rate") ? NULL : &m->learning_rate;
}

static void metrics_parse(struct epoch_metrics *m, const char *text)
{
    char word[32];
    double value;
    int n;
    for (int i = 0; i < N_METRICS; i++)
        m->train[i] = m->validation[i] = NAN;
    m->learning_rate = NAN;
    for (; sscanf(text, "%31[^=]=%lf %n", word, &value, &n) == 2; text += n) {
        double *place = metric_place(m, word);
        if (place)
            *place = value;
    }
}

bool store_epochs_append(struct store *store, const struct job_epoch *epochs, size_t n_epochs,
                         struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n_epochs; i++) {
        const struct epoch_metrics *m = &epochs[i].metrics;
        char text[METRICS_TEXT_SIZE];
        metrics_print(m, text);
        ok = sql_run(sql, err, "INSERT INTO epochs VALUES (?1, ?2, ?3, ?4)", "iidt", epochs[i].job,
                     (int64_t)m->epoch, m->seconds, text);
        if (ok && (i + 1 == n_epochs || epochs[i + 1].job != epochs[i].job))
            ok = sql_run(sql, err, "UPDATE jobs SET epoch = ?2 WHERE id = ?1", "ii", epochs[i].job,
                         (int64_t)m->epoch);
    }
    return sql_end(sql, ok, err);
}

bool store_job_seconds(struct store *store, int64_t job, double *seconds, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err, "SELECT total(seconds) FROM epochs WHERE job = ?1", "i", job) : NULL;
    if (!statement || sql_step(sql, statement, err) != 1)
        return false;
    *seconds = sqlite3_column_double(statement, 0);
    sql_stop(statement);
    return true;
}

static void epoch_read(sqlite3_stmt *statement, void *item)
{
    struct epoch_metrics *metrics = item;
    metrics->epoch = (uint32_t)sql_count(statement, 0);
    metrics->seconds = sql_number(statement, 1);
    metrics_parse(metrics, (const char *)sqlite3_column_text(statement, 2));
}

bool store_epochs(struct store *store, int64_t job, uint32_t after, uint32_t limit,
                  struct epoch_metrics **epochs, size_t *n_epochs, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement = sql ? sql_query(sql, err,
                                              "SELECT epoch, seconds, metrics FROM epochs"
                                              " WHERE job = ?1 AND epoch > ?2 ORDER BY epoch LIMIT ?3",
                                              "iii", job, (int64_t)after, limit > 0 ? (int64_t)limit : -1)
                                  : NULL;
    void *items = NULL;
    if (!sql_collect(sql, statement, sizeof **epochs, epoch_read, &items, n_epochs, err))
        return false;
    *epochs = items;
    return true;
}
