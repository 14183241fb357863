/* Keeps the records beside the files (about.h) as new as the catalogue.
 *
 * Triggers note in `stale` whose record is out of date, in the transaction that
 * makes it so. Whoever has committed such a change writes the records at once;
 * what could not be written then (a full disk, a crash) is written after the
 * next change or at the next start. Lines of `stale` stay until many have come
 * together, so that this costs no commit of its own; a record says which change
 * it holds. */
#define _GNU_SOURCE /* syncfs */
#include "base/files.h"
#include "base/log.h"
#include "store/about.h"
#include "store/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STALE_KEPT 256 /* lines of `stale` that stay */
#define SYNC_ALONE 4   /* more records than this are synced together */

struct stale {
    enum store_folder folder;
    int64_t id;
    uint64_t change;
};

static void stale_read(sqlite3_stmt *statement, void *item)
{
    struct stale *stale = item;
    char folder[16];
    sql_text(statement, 0, folder, sizeof folder);
    for (stale->folder = 0;
         stale->folder < N_FOLDERS && strcmp(store_layouts[stale->folder].name, folder) != 0;)
        stale->folder++;
    stale->id = sqlite3_column_int64(statement, 1);
    stale->change = sql_count(statement, 2);
}

/* Whether an unfinished job needs the dataset's file. -1: *err. */
static int needed(struct sql *sql, int64_t id, struct err *err)
{
    sqlite3_stmt *statement = sql_query(
        sql, err,
        "SELECT EXISTS (SELECT 1 FROM jobs WHERE state IN ('queued', 'running', 'paused', 'cancelling')"
        " AND ?1 IN (dataset_id, test_id, validation_id))",
        "i", id);
    if (!statement || sql_step(sql, statement, err) != 1)
        return -1;
    int answer = sqlite3_column_int(statement, 0);
    sql_stop(statement);
    return answer;
}

int store_about_make(struct sql *sql, enum store_folder folder, int64_t id, struct about *about,
                     struct err *err)
{
    struct store *store = sql->store;
    int there;
    *about = (struct about){.id = id};
    switch (folder) {
    case FOLDER_DATASETS:
        about->kind = ABOUT_DATASET;
        if ((there = sql_dataset_get(sql, id, &about->dataset, err)) == 1)
            return store_dataset_profile(store, id, &about->text, err) ? 1 : -1;
        about->deleted = true;
        return there < 0 ? -1 : needed(sql, id, err);
    case FOLDER_MODELS:
        about->kind = ABOUT_MODEL;
        there = sql_model_get(sql, id, &about->model, &about->newest, err);
        if (about->model.promoted != about->model.version)
            about->model.promoted = 0;
        return there;
    default:
        about->kind = ABOUT_JOB;
        there = store_job_get(store, id, &about->job, err) ? 1 : err->code == ERR_NOT_FOUND ? 0 : -1;
        if (there <= 0 || job_state_final(about->job.state))
            return there < 0 ? -1 : 0;
        return store_job_request(store, id, &about->text, err) ? 1 : -1;
    }
}

static bool about_publish(struct store *store, const struct stale *stale, const struct about *about,
                          bool sync, struct err *err)
{
    char temp[PATH_SIZE], path[PATH_SIZE];
    if (!store_path(store, store_layouts[stale->folder].name, stale->id, ".about", path, err))
        return false;
    int fd = store_temp(store, temp, err);
    if (fd < 0)
        return false;
    bool ok = about_write(fd, about, sync, err);
    close(fd);
    ok = ok && (rename(temp, path) == 0 || err_errno(err, "cannot rename a record to %s", path));
    if (!ok)
        unlink(temp);
    return ok;
}

static bool stale_write(struct sql *sql, const struct stale *stale, bool sync, struct err *err)
{
    struct about *about = calloc(1, sizeof *about);
    if (!about)
        return err_memory(err, "a record");
    int there = stale->folder < N_FOLDERS ? store_about_make(sql, stale->folder, stale->id, about, err) : 0;
    about->change = stale->change;
    bool ok = there >= 0 && (there == 0 || about_publish(sql->store, stale, about, sync, err));
    about_done(about);
    free(about);
    return ok;
}

/* Lock held: the lines up to `change` are written; forget them once they are
 * many, and their records on disk. */
static bool stale_forget(struct sql *sql, uint64_t change, size_t n, struct err *err)
{
    struct store *store = sql->store;
    store->n_stale += n;
    store->about_written = change;
    if (store->n_stale <= STALE_KEPT)
        return true;
    if (syncfs(store->dir_fd) != 0)
        return err_errno(err, "cannot sync the state folder");
    store->n_stale = 0;
    return sql_run(sql, err, "DELETE FROM stale WHERE change <= ?1", "i", (int64_t)change);
}

/* Lock held. */
static bool abouts_write(struct sql *sql, struct err *err)
{
    void *items = NULL;
    size_t n = 0;
    sqlite3_stmt *statement = sql_query(
        sql, err, "SELECT folder, id, max(change) FROM stale WHERE change > ?1 GROUP BY 1, 2 ORDER BY 3", "i",
        (int64_t)sql->store->about_written);
    if (!sql_collect(sql, statement, sizeof(struct stale), stale_read, &items, &n, err))
        return false;
    const struct stale *stale = items;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = stale_write(sql, &stale[i], n <= SYNC_ALONE, err);
    ok = ok && (n == 0 || stale_forget(sql, stale[n - 1].change, n, err));
    free(items);
    return ok;
}

void store_abouts_write(struct store *store)
{
    struct err err;
    struct sql *sql = sql_of(store, &err);
    pthread_mutex_lock(&store->about_lock);
    bool ok = sql && abouts_write(sql, &err);
    if (!ok && !store->about_failed) /* one line for a trouble */
        log_warning("what the files say of themselves for --recover is out of date: %s", err.msg);
    store->about_failed = !ok;
    pthread_mutex_unlock(&store->about_lock);
}
