/* The rows of a catalogue, made to agree with the files and with the records
 * beside them (about.h).
 *
 * A record is believed where it differs from the row, unless `stale` says that
 * the row has changed since. Without a record the row stands, and without
 * either what the file itself says. No single file fails the recovery: a
 * damaged one moves to lost/. */
#define _XOPEN_SOURCE 700
#include "base/files.h"
#include "base/log.h"
#include "store/about.h"
#include "store/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct rebuild {
    struct store *store;
    struct sql *sql;
    enum store_folder folder;
    bool had_records;
    uint64_t n_changes;
    uint64_t change; /* the largest number that a record holds */
    int64_t *ids;    /* (n) of the folder's objects, ascending */
    size_t n, capacity;
    int64_t largest[N_FOLDERS];
};

/* Whose word counts. */
enum source { SOURCE_ROW, SOURCE_RECORD, SOURCE_FILE, SOURCE_NOTHING };

static void largest_raise(struct rebuild *rebuild, enum store_folder folder, int64_t id)
{
    if (id > rebuild->largest[folder])
        rebuild->largest[folder] = id;
}

/* ---- listing ---- */

static bool id_take(void *self, const char *name, struct err *err)
{
    struct rebuild *rebuild = self;
    char path[PATH_SIZE];
    const char *suffix;
    struct stat status;
    int64_t id;
    if (!store_file_parse(rebuild->folder, name, &id, &suffix))
        return true;
    largest_raise(rebuild, rebuild->folder, id);
    if (strcmp(suffix, store_layouts[rebuild->folder].object) != 0)
        return true;
    if (!store_path(rebuild->store, store_layouts[rebuild->folder].name, id, suffix, path, err))
        return false;
    if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return true;
    if (rebuild->n == rebuild->capacity) {
        size_t larger = rebuild->capacity ? 2 * rebuild->capacity : 64;
        int64_t *grown = realloc(rebuild->ids, larger * sizeof *grown);
        if (!grown)
            return err_memory(err, "a list of files");
        rebuild->ids = grown;
        rebuild->capacity = larger;
    }
    rebuild->ids[rebuild->n++] = id;
    return true;
}

static int id_order(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

static bool ids_list(struct rebuild *rebuild, struct err *err)
{
    char path[PATH_SIZE];
    rebuild->n = 0;
    int length =
        snprintf(path, sizeof path, "%s/%s", rebuild->store->dir, store_layouts[rebuild->folder].name);
    if (length < 0 || length >= PATH_SIZE || !files_each(path, id_take, rebuild, err))
        return length < 0 || length >= PATH_SIZE
                   ? err_set(err, ERR_INPUT, "the state folder's path is too long")
                   : false;
    if (rebuild->n > 0)
        qsort(rebuild->ids, rebuild->n, sizeof *rebuild->ids, id_order);
    return true;
}

/* ---- whose word counts ---- */

/* The last change that `stale` notes of it. */
static bool change_last(struct rebuild *rebuild, int64_t id, uint64_t *change, struct err *err)
{
    sqlite3_stmt *statement =
        sql_query(rebuild->sql, err, "SELECT max(change) FROM stale WHERE folder = ?1 AND id = ?2", "ti",
                  store_layouts[rebuild->folder].name, id);
    if (!statement || sql_step(rebuild->sql, statement, err) != 1)
        return false;
    *change = sql_count(statement, 0);
    sql_stop(statement);
    return true;
}

/* Whether record and row say the same; -1: *err. */
static int same(struct rebuild *rebuild, const struct about *record, bool *has_row, struct err *err)
{
    struct about *row = calloc(1, sizeof *row);
    if (!row)
        return err_memory(err, "a record"), -1;
    int there = store_about_make(rebuild->sql, rebuild->folder, record->id, row, err),
        answer = there < 0 ? -1 : 0;
    *has_row = there == 1 && !row->deleted;
    row->change = record->change;
    char *texts[] = {there == 1 ? about_print(record, err) : NULL, there == 1 ? about_print(row, err) : NULL};
    if (there == 1)
        answer = texts[0] && texts[1] ? !strcmp(texts[0], texts[1]) : -1;
    free(texts[0]);
    free(texts[1]);
    about_done(row);
    free(row);
    return answer;
}

/* Errors that another file would meet, too; a sector that can't be read is of
 * one file. */
static bool serious(const struct err *err)
{
    return err->code == ERR_MEMORY || err->code == ERR_SPACE || err->code == ERR_BUSY ||
           err->code == ERR_THREAD;
}

/* The record, where there is one that can be read: 1, else 0; -1: *err. */
static int record_read(struct rebuild *rebuild, int64_t id, struct about *record, struct err *err)
{
    static const enum about_kind kinds[N_FOLDERS] = {ABOUT_DATASET, ABOUT_MODEL, ABOUT_JOB};
    const char *folder = store_layouts[rebuild->folder].name;
    char path[PATH_SIZE];
    struct err why;
    if (!store_path(rebuild->store, folder, id, ".about", path, err))
        return -1;
    bool ok = about_read(path, record, &why);
    if (ok && (record->kind != kinds[rebuild->folder] || record->id != id)) {
        about_done(record);
        ok = err_set(&why, ERR_CORRUPT, "it is of something else");
    }
    if (ok)
        return 1;
    if (serious(&why)) {
        *err = why;
        return -1;
    }
    if (why.code != ERR_NOT_FOUND)
        log_warning("%s/%" PRId64 ".about cannot be used: %s", folder, id, why.msg);
    *record = (struct about){0};
    return 0;
}

/* Whether the catalogue says that nothing is to be taken up: it was deleted,
 * has ended, or (no record) was never finished. */
static bool closed(struct rebuild *rebuild, int64_t id, bool has_record, bool *answer, struct err *err)
{
    enum standing standing;
    sqlite3_stmt *statement =
        sql_query(rebuild->sql, err, "SELECT EXISTS (SELECT 1 FROM doomed WHERE folder = ?1 AND id = ?2)",
                  "ti", store_layouts[rebuild->folder].name, id);
    if (!statement || sql_step(rebuild->sql, statement, err) != 1)
        return false;
    bool doomed = sqlite3_column_int(statement, 0) != 0;
    sql_stop(statement);
    if (!store_file_standing(rebuild->store, rebuild->folder, id, &standing, err))
        return false;
    *answer = doomed || standing == STANDING_ENDED || (standing == STANDING_UNFINISHED && !has_record);
    return true;
}

static bool source_of(struct rebuild *rebuild, int64_t id, struct about *record, enum source *source,
                      struct err *err)
{
    uint64_t change = 0;
    bool shut, has_row = false;
    int read = record_read(rebuild, id, record, err);
    record->id = id;
    if (read < 0 || !closed(rebuild, id, read == 1, &shut, err))
        return false;
    *source = SOURCE_NOTHING;
    if (shut)
        return true;
    int equal = same(rebuild, record, &has_row, err);
    if (equal < 0 || (read == 1 && !change_last(rebuild, id, &change, err)))
        return false;
    if (record->change > rebuild->change)
        rebuild->change = record->change;
    bool row = equal == 1 || (has_row && (read == 0 || change > record->change));
    *source = row ? SOURCE_ROW : read == 1 ? SOURCE_RECORD : SOURCE_FILE;
    return true;
}

/* ---- names ---- */

/* 1: another row has the name, *id, 0: none has, -1: *err. */
static int holder(struct sql *sql, const char *query, const char *name, int64_t version, int64_t *id,
                  struct err *err)
{
    sqlite3_stmt *statement = sql_query(sql, err, query, "ti", name, version);
    int there = statement ? sql_step(sql, statement, err) : -1;
    if (there == 1) {
        *id = sqlite3_column_int64(statement, 0);
        sql_stop(statement);
    }
    return there;
}

/* Of two datasets of one name the newer has it: the older was replaced. */
static bool dataset_put(struct rebuild *rebuild, struct about *record, struct err *err)
{
    struct dataset_row *row = &record->dataset;
    char fallback[NAME_SIZE];
    int64_t other = 0;
    if (!row->name[0])
        snprintf(row->name, sizeof row->name, "recovered-%" PRId64, row->id);
    int taken =
        holder(rebuild->sql, "SELECT id FROM datasets WHERE name = ?1 AND state = 'ready' AND id != ?2",
               row->name, row->id, &other, err);
    if (taken == 1 && other > row->id)
        snprintf(row->name, sizeof row->name, "recovered-%" PRId64, row->id);
    snprintf(fallback, sizeof fallback, "recovered-%" PRId64, other);
    if (taken < 0 ||
        (taken == 1 && other < row->id &&
         !sql_run(rebuild->sql, err, "UPDATE datasets SET name = ?2 WHERE id = ?1", "it", other, fallback)))
        return false;
    log_info("dataset %s is taken up from datasets/%" PRId64 ".table: %" PRIu64 " rows", row->name, row->id,
             row->n_rows);
    return sql_dataset_put(rebuild->sql, row, record->text ? record->text : "", err);
}

/* A version without a number of its own gets the next one. */
static bool model_put(struct rebuild *rebuild, struct about *record, struct err *err)
{
    struct model_row *row = &record->model;
    int64_t other;
    if (!row->name[0])
        snprintf(row->name, sizeof row->name, "recovered-%" PRId64, row->id);
    int taken = row->version ? holder(rebuild->sql, "SELECT id FROM models WHERE name = ?1 AND version = ?2",
                                      row->name, row->version, &other, err)
                             : 1;
    if (taken == 1) {
        int there = holder(rebuild->sql, "SELECT version FROM model_names WHERE name = ?1 AND ?2 = 0",
                           row->name, 0, &other, err);
        taken = there < 0 ? -1 : 1;
        row->version = there == 1 ? (uint32_t)other + 1 : 1;
        row->promoted = 0;
    }
    if (taken < 0)
        return false;
    largest_raise(rebuild, FOLDER_CHECKPOINTS, row->job);
    largest_raise(rebuild, FOLDER_DATASETS, row->dataset_id);
    log_info("model %s, version %" PRIu32 " is taken up from models/%" PRId64 ".model", row->name,
             row->version, row->id);
    return sql_model_put(rebuild->sql, row, record->newest, err);
}

static bool job_put(struct rebuild *rebuild, struct about *record, struct err *err)
{
    struct job_row *row = &record->job, before = {0};
    struct err why;
    row->id = record->id;
    row->epoch = rebuild->store->readers->epoch(rebuild->store, row->id);
    if (store_job_get(rebuild->store, row->id, &before, &why) && before.epoch > row->epoch)
        row->epoch = before.epoch;
    largest_raise(rebuild, FOLDER_DATASETS, row->dataset_id);
    log_info("job %" PRId64 " is taken up from its record: %s, %" PRIu32 " epochs", row->id,
             job_state_name(row->state), row->epoch);
    return sql_job_put(rebuild->sql, row, record->text, err);
}

/* ---- objects ---- */

/* All files of an object whose main one is damaged. */
static bool object_lose(struct rebuild *rebuild, int64_t id, const char *why, struct err *err)
{
    const char *folder = store_layouts[rebuild->folder].name;
    char path[PATH_SIZE], what[300];
    struct stat status;
    snprintf(what, sizeof what, "is damaged (%.250s)", why);
    rebuild->n_changes++;
    for (const char *const *suffix = store_layouts[rebuild->folder].suffixes; *suffix; suffix++)
        if (!store_path(rebuild->store, folder, id, *suffix, path, err) ||
            (lstat(path, &status) == 0 && !store_file_lose(rebuild->store, folder, id, *suffix, what, err)))
            return false;
    return true;
}

static bool record_put(struct rebuild *rebuild, struct about *record, struct err *err)
{
    record->dataset.id = record->model.id = record->id;
    record->dataset.state = DATASET_READY;
    rebuild->n_changes++;
    switch (rebuild->folder) {
    case FOLDER_DATASETS:
        return dataset_put(rebuild, record, err);
    case FOLDER_MODELS:
        return model_put(rebuild, record, err);
    default:
        return job_put(rebuild, record, err);
    }
}

static bool doom(struct rebuild *rebuild, int64_t id, struct err *err)
{
    rebuild->n_changes++;
    return sql_run(rebuild->sql, err, "DELETE FROM datasets WHERE id = ?1", "i", id) &&
           sql_run(rebuild->sql, err, "INSERT OR IGNORE INTO doomed VALUES ('datasets', ?1)", "i", id);
}

static bool object_put(struct rebuild *rebuild, struct about *record, enum source source, struct err *err)
{
    char path[PATH_SIZE];
    struct err why;
    if (source == SOURCE_RECORD && record->deleted)
        return doom(rebuild, record->id, err);
    if (!store_path(rebuild->store, store_layouts[rebuild->folder].name, record->id,
                    store_layouts[rebuild->folder].object, path, err))
        return false;
    record->dataset.id = record->model.id = record->id;
    bool whole = source == SOURCE_RECORD ? store_file_whole(rebuild->store, rebuild->folder, path, &why)
                 : rebuild->folder == FOLDER_DATASETS
                     ? rebuild->store->readers->table(path, &record->dataset, &why)
                 : rebuild->folder == FOLDER_MODELS
                     ? rebuild->store->readers->model(rebuild->store, path, &record->model, &why)
                     : err_set(&why, ERR_CORRUPT, "without its record a job cannot resume");
    if (whole)
        return record_put(rebuild, record, err);
    if (serious(&why)) {
        *err = why;
        return false;
    }
    return object_lose(rebuild, record->id, why.msg, err);
}

static bool object_each(struct rebuild *rebuild, enum source wanted,
                        bool (*act)(struct rebuild *, struct about *, enum source, struct err *),
                        struct err *err)
{
    enum source source;
    bool ok = true;
    struct about *record = calloc(1, sizeof *record);
    if (!record)
        return err_memory(err, "a record");
    for (size_t i = 0; ok && i < rebuild->n; i++) {
        ok = source_of(rebuild, rebuild->ids[i], record, &source, err) &&
             (source != wanted || act(rebuild, record, source, err));
        about_done(record);
    }
    free(record);
    return ok;
}

/* A row that is going to be replaced must not stand in the way of another's
 * name. */
static bool row_clear(struct rebuild *rebuild, struct about *record, enum source source, struct err *err)
{
    (void)source;
    if (rebuild->folder == FOLDER_DATASETS)
        return sql_run(rebuild->sql, err, "DELETE FROM datasets WHERE id = ?1", "i", record->id) &&
               sql_run(rebuild->sql, err, "DELETE FROM doomed WHERE folder = 'datasets' AND id = ?1", "i",
                       record->id);
    return rebuild->folder != FOLDER_MODELS ||
           (sql_run(rebuild->sql, err, "DELETE FROM models WHERE id = ?1", "i", record->id) &&
            sql_run(rebuild->sql, err, "DELETE FROM doomed WHERE folder = 'models' AND id = ?1", "i",
                    record->id));
}

/* ---- rows without files ---- */

struct orphan {
    int64_t id;
    char name[NAME_SIZE];
};

static void orphan_read(sqlite3_stmt *statement, void *item)
{
    struct orphan *orphan = item;
    orphan->id = sqlite3_column_int64(statement, 0);
    sql_text(statement, 1, orphan->name, sizeof orphan->name);
}

/* Whether neither file nor record is there: then it was deleted after this
 * catalogue was written. */
static bool vanished(struct rebuild *rebuild, int64_t id)
{
    const char *folder = store_layouts[rebuild->folder].name;
    char path[PATH_SIZE];
    struct stat status;
    struct err ignored;
    return store_path(rebuild->store, folder, id, store_layouts[rebuild->folder].object, path, &ignored) &&
           lstat(path, &status) != 0 && store_path(rebuild->store, folder, id, ".about", path, &ignored) &&
           lstat(path, &status) != 0;
}

/* A job without a record has ended since: as its model says. */
static bool job_end(struct rebuild *rebuild, int64_t id, struct err *err)
{
    if (!rebuild->had_records)
        return true;
    rebuild->n_changes++;
    log_warning("job %" PRId64 " had ended after this catalogue was written", id);
    return sql_run(rebuild->sql, err,
                   "UPDATE jobs SET version = coalesce((SELECT version FROM models WHERE job = ?1 AND "
                   "version IS NOT NULL"
                   " ORDER BY id DESC LIMIT 1), 0), state = coalesce((SELECT CASE state WHEN 'finished' THEN "
                   "'succeeded' ELSE 'cancelled'"
                   " END FROM models WHERE job = ?1 AND version IS NOT NULL ORDER BY id DESC LIMIT 1), "
                   "'failed'), error_code = ?2,"
                   " error_msg = 'how it ended was lost with the catalogue' WHERE id = ?1",
                   "ii", id, (int64_t)ERR_NOT_FOUND) &&
           sql_run(rebuild->sql, err,
                   "UPDATE jobs SET error_code = 0, error_msg = '' WHERE id = ?1 AND state != 'failed'", "i",
                   id);
}

static bool orphan_settle(struct rebuild *rebuild, const struct orphan *orphan, struct err *err)
{
    if (!vanished(rebuild, orphan->id))
        return true;
    if (rebuild->folder == FOLDER_CHECKPOINTS)
        return job_end(rebuild, orphan->id, err);
    rebuild->n_changes++;
    log_warning("%s/%" PRId64 "%s of %s is not there: its row goes", store_layouts[rebuild->folder].name,
                orphan->id, store_layouts[rebuild->folder].object, orphan->name);
    return rebuild->folder == FOLDER_DATASETS
               ? sql_run(rebuild->sql, err, "DELETE FROM datasets WHERE id = ?1", "i", orphan->id)
               : sql_run(rebuild->sql, err, "DELETE FROM models WHERE id = ?1", "i", orphan->id);
}

static bool orphans_settle(struct rebuild *rebuild, struct err *err)
{
    static const char *const queries[N_FOLDERS] = {
        "SELECT id, name FROM datasets WHERE state = 'ready'",
        "SELECT id, name FROM models WHERE version IS NOT NULL",
        "SELECT id, '' FROM jobs WHERE state IN ('queued', 'running', 'paused', 'cancelling')"};
    void *items = NULL;
    size_t n = 0;
    bool ok = sql_collect(rebuild->sql, sql_query(rebuild->sql, err, queries[rebuild->folder], ""),
                          sizeof(struct orphan), orphan_read, &items, &n, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = orphan_settle(rebuild, &((const struct orphan *)items)[i], err);
    free(items);
    return ok;
}

/* ---- all ---- */

/* A job of an older catalogue may have gone on since. */
static bool epoch_raise(struct rebuild *rebuild, struct about *record, enum source source, struct err *err)
{
    struct job_row row;
    uint32_t epoch = rebuild->store->readers->epoch(rebuild->store, record->id);
    (void)source;
    if (rebuild->folder != FOLDER_CHECKPOINTS)
        return true;
    if (!store_job_get(rebuild->store, record->id, &row, err))
        return false;
    if (row.epoch >= epoch)
        return true;
    rebuild->n_changes++;
    return sql_run(rebuild->sql, err, "UPDATE jobs SET epoch = ?2 WHERE id = ?1", "ii", record->id,
                   (int64_t)epoch);
}

static bool folder_rebuild(struct rebuild *rebuild, struct err *err)
{
    return ids_list(rebuild, err) && object_each(rebuild, SOURCE_RECORD, row_clear, err) &&
           object_each(rebuild, SOURCE_RECORD, object_put, err) &&
           object_each(rebuild, SOURCE_FILE, object_put, err) &&
           object_each(rebuild, SOURCE_ROW, epoch_raise, err) && orphans_settle(rebuild, err);
}

/* No number is given again, and every record is written again. */
static bool numbers_settle(struct rebuild *rebuild, struct err *err)
{
    static const char *const tables[N_FOLDERS] = {"datasets", "models", "jobs"};
    bool ok = true;
    for (enum store_folder folder = 0; ok && folder < N_FOLDERS; folder++)
        ok = sql_number_reserve(rebuild->sql, tables[folder], rebuild->largest[folder], err);
    return ok && sql_number_reserve(rebuild->sql, "stale", (int64_t)rebuild->change, err) &&
           sql_run(rebuild->sql, err,
                   "INSERT INTO stale (folder, id) SELECT 'datasets', id FROM datasets WHERE state = 'ready'"
                   " UNION ALL SELECT 'models', id FROM models WHERE version IS NOT NULL"
                   " UNION ALL SELECT 'checkpoints', id FROM jobs WHERE state IN ('queued', 'running', "
                   "'paused', 'cancelling')",
                   "") &&
           sql_run(rebuild->sql, err,
                   "UPDATE model_names SET promoted = NULL"
                   " WHERE NOT EXISTS (SELECT 1 FROM models m WHERE m.name = model_names.name AND m.version "
                   "= promoted)",
                   "");
}

bool store_rebuild(struct store *store, bool had_records, uint64_t *n_changes, struct err *err)
{
    struct rebuild rebuild = {.store = store, .sql = sql_of(store, err), .had_records = had_records};
    if (!rebuild.sql || !store_lost_return(store, &rebuild.n_changes, err) || !sql_begin(rebuild.sql, err))
        return false;
    bool ok = true;
    for (rebuild.folder = 0; ok && rebuild.folder < N_FOLDERS; rebuild.folder++)
        ok = folder_rebuild(&rebuild, err);
    ok = ok && numbers_settle(&rebuild, err);
    free(rebuild.ids);
    *n_changes = rebuild.n_changes;
    return sql_end(rebuild.sql, ok, err);
}
