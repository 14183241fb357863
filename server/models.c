/* Models by name and version. The cache has the only lock. */
#include "models.h"
#include "files.h"
#include "log.h"
#include "mlp/file.h"
#include "model_file.h"
#include "models_cache.h"
#include "models_live.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_BYTES_DEFAULT (1u << 30)

struct models {
    struct store *store;
    struct models_cache *cache;
    struct models_live *live;
};

struct models *models_open(struct store *store, uint64_t cache_bytes, struct err *err)
{
    struct models *models = calloc(1, sizeof *models);
    if (!models) {
        err_memory(err, "the models");
        return NULL;
    }
    models->store = store;
    models->cache = models_cache_new(cache_bytes ? cache_bytes : CACHE_BYTES_DEFAULT, err);
    models->live = models->cache ? models_live_new(err) : NULL;
    if (models->live)
        return models;
    models_close(models);
    return NULL;
}

void models_close(struct models *models)
{
    if (!models)
        return;
    models_cache_free(models->cache);
    models_live_free(models->live);
    free(models);
}

static struct model *model_read(void *self, int64_t id, struct err *err)
{
    struct models *models = self;
    char path[PATH_SIZE];
    if (!store_path(models->store, "models", id, ".model", path, err))
        return NULL;
    return model_file_read(path, NULL, err);
}

/* Whether the file of a version cannot be read, now or later. */
static bool file_lost(const struct err *err)
{
    return err->code == ERR_CORRUPT || err->code == ERR_NOT_FOUND;
}

/* The newest finished version older than row's that can be read: what a name means where its own version is lost. NULL: none. */
static struct model *older_get(struct models *models, struct model_row *row)
{
    struct model_row *rows = NULL, lost = *row;
    struct model *model = NULL;
    struct err ignored;
    size_t n = 0;
    if (!store_model_versions(models->store, row->name, &rows, &n, &ignored))
        return NULL;
    for (size_t i = 0; i < n && !model; i++) {
        if (rows[i].version >= lost.version || rows[i].state != MODEL_FINISHED)
            continue;
        model = models_cache_get(models->cache, rows[i].id, model_read, models, &ignored);
        *row = rows[i];
    }
    free(rows);
    if (model)
        log_warning("version %" PRIu32 " answers in the place of version %" PRIu32 " of model %s", row->version, lost.version, row->name);
    return model;
}

static void row_fill(struct model_row *row, const struct model *model, const struct evaluation *evaluation)
{
    row->task = model->recipe->task;
    row->n_params = network_n_params(model->network);
    row->loss = row->accuracy = row->rmse = row->mae = row->r2 = NAN;
    row->n_rows = 0;
    if (!evaluation) {
        row->evaluated_on = ROWS_NONE;
        row->dataset_id = 0;
        return;
    }
    row->n_rows = evaluation->n_rows;
    row->loss = evaluation->values[METRIC_LOSS];
    row->accuracy = evaluation->values[METRIC_ACCURACY];
    row->rmse = evaluation->values[METRIC_RMSE];
    row->mae = evaluation->values[METRIC_MAE];
    row->r2 = evaluation->values[METRIC_R2];
}

/* Whether name and version no longer mean the model id: a version was published, promoted or deleted meanwhile. */
static bool version_moved(struct models *models, const char *name, uint32_t version, int64_t id)
{
    struct model_row row;
    struct err err;
    bool found = store_model_find(models->store, name, version, &row, &err);
    return found ? row.id != id : err.code == ERR_NOT_FOUND;
}

/* The stored version's model; *row is filled. */
static struct model *stored_get(struct models *models, const char *name, uint32_t version, struct model_row *row, struct err *err)
{
    struct model_row found;
    uint64_t turn;
    struct model *model = models_cache_find(models->cache, name, version, row);
    if (model)
        return model;
    do {
        turn = models_cache_turn(models->cache);
        if (!models_find(models, name, version, &found, err))
            return NULL;
        model = models_cache_get(models->cache, found.id, model_read, models, err);
    } while (!model && file_lost(err) && version_moved(models, name, version, found.id));
    if (!model && file_lost(err)) {
        log_error("models/%" PRId64 ".model (model %s, version %" PRIu32 ") cannot be read: %s", found.id, name, found.version, err->msg);
        model = version == 0 ? older_get(models, &found) : NULL;
    }
    if (!model)
        return NULL;
    models_cache_learn(models->cache, version, &found, turn);
    *row = found;
    return model;
}

/* Of what the bare name may mean: a finished version, or one that was promoted, else what is being trained, else a partial version. */
static struct model *better_of(struct models *models, const char *name, struct model *stored, struct model_row *row)
{
    if (stored && (row->state == MODEL_FINISHED || row->version == row->promoted))
        return stored;
    struct model *live = models_live_find(models->live, name, row);
    if (!live)
        return stored;
    model_unref(stored);
    return live;
}

struct model *models_get(struct models *models, const char *name, uint32_t version, struct model_row *row, struct err *err)
{
    struct model_row found = {0};
    struct err why = {0};
    struct model *model = stored_get(models, name, version, &found, &why);
    if (version == 0 && (model || why.code == ERR_NOT_FOUND))
        model = better_of(models, name, model, &found);
    if (!model && version == 0 && why.code == ERR_NOT_FOUND) /* its job may have ended in between: now it is stored */
        model = stored_get(models, name, version, &found, &why);
    if (!model)
        *err = why;
    else if (row)
        *row = found;
    return model;
}

struct model *models_get_loaded(struct models *models, const char *name, uint32_t version, struct model_row *row)
{
    struct model_row found = {0};
    struct model *model = models_cache_find(models->cache, name, version, &found);
    if (model && version == 0)
        model = better_of(models, name, model, &found);
    if (model && row)
        *row = found;
    return model;
}

void models_offer(struct models *models, struct model *model, const struct model_row *row)
{
    struct model_row made = *row;
    row_fill(&made, model, NULL);
    made.state = MODEL_TRAINING;
    store_stamp(made.created);
    models_live_offer(models->live, model, &made);
}

void models_withdraw(struct models *models, int64_t job)
{
    models_live_withdraw(models->live, job);
}

bool models_find(struct models *models, const char *name, uint32_t version, struct model_row *row, struct err *err)
{
    struct model_row found = {0};
    if (!store_model_find(models->store, name, version, &found, err))
        return false;
    *row = found;
    return true;
}

bool models_list(struct models *models, struct model_row **rows, size_t *n_rows, struct err *err)
{
    return store_model_list(models->store, rows, n_rows, err);
}

bool models_versions(struct models *models, const char *name, struct model_row **rows, size_t *n_rows, struct err *err)
{
    return store_model_versions(models->store, name, rows, n_rows, err);
}

/* Remove a version's files; what stays is swept at the next start. */
static void files_remove(struct models *models, int64_t id)
{
    static const char *const folders[] = {"tmp", "models"}, *const suffixes[] = {".model", ".eval"};
    struct err ignored;
    char path[PATH_SIZE];
    for (int i = 0; i < 4; i++)
        if (store_path(models->store, folders[i / 2], id, suffixes[i % 2], path, &ignored))
            unlink(path);
}

bool models_delete(struct models *models, const char *name, uint32_t version, struct err *err)
{
    int64_t *ids;
    size_t n_ids;
    models_cache_change(models->cache, name);
    bool ok = store_model_delete(models->store, name, version, &ids, &n_ids, err);
    models_cache_changed(models->cache);
    if (!ok)
        return false;
    for (size_t i = 0; i < n_ids; i++) {
        models_cache_drop(models->cache, ids[i]);
        files_remove(models, ids[i]);
    }
    free(ids);
    return true;
}

bool models_change(struct models *models, const char *name, const struct model_change *change, struct err *err)
{
    models_cache_change(models->cache, name);
    models_cache_change(models->cache, change->name);
    bool ok = store_model_change(models->store, name, change, err);
    models_cache_changed(models->cache);
    models_cache_changed(models->cache);
    return ok;
}

/* The version's file, open for reading. -1 on failure. */
static int version_file(struct models *models, const char *name, uint32_t version, const char *suffix, struct model_row *row,
                        struct err *err)
{
    char path[PATH_SIZE];
    struct err why = {0};
    int fd;
    do {
        if (!models_find(models, name, version, row, err) || !store_path(models->store, "models", row->id, suffix, path, err))
            return -1;
        fd = files_open(path, &why);
    } while (fd < 0 && why.code == ERR_NOT_FOUND && version_moved(models, name, version, row->id));
    if (fd < 0)
        *err = why;
    return fd;
}

int models_file(struct models *models, const char *name, uint32_t version, struct model_row *row, struct err *err)
{
    struct model_row found;
    int fd = version_file(models, name, version, ".model", &found, err);
    if (fd >= 0)
        *row = found;
    return fd;
}

struct evaluation *models_evaluation(struct models *models, const char *name, uint32_t version, const struct evaluation_page *page,
                                     uint64_t *n_guesses, uint64_t *n_matching, struct model_row *row, struct err *err)
{
    struct model_row found = {.evaluated_on = ROWS_NONE};
    struct err why = {0};
    int fd = version_file(models, name, version, ".eval", &found, &why);
    if (found.id && found.evaluated_on == ROWS_NONE)
        err_set(&why, ERR_NOT_FOUND, "version %" PRIu32 " of %s has no evaluation: it was not trained here", found.version, found.name);
    if (fd < 0) {
        *err = why;
        return NULL;
    }
    struct evaluation *evaluation = evaluations_read(fd, page, n_guesses, n_matching, err);
    close(fd);
    if (evaluation && row)
        *row = found;
    return evaluation;
}

/* Sync the file and learn its size. */
static bool file_settle(const char *path, uint64_t *n_bytes, struct err *err)
{
    int fd = files_open(path, err);
    if (fd < 0)
        return false;
    bool ok = files_size(fd, n_bytes, err) && files_sync(fd, err);
    close(fd);
    return ok;
}

/* The notes that stand in the file: where the model comes from. The caller frees them. NULL: out of memory. */
static char *notes_make(const struct model_row *row, const char *request_json)
{
    static const char form[] =
        "{\"name\":\"%s\",\"created\":\"%s\",\"state\":\"%s\",\"job\":%" PRId64 ",\"epochs\":%" PRIu32 ",\"request\":%s}";
    const char *request = request_json ? request_json : "null";
    size_t size = sizeof form + 256 + strlen(request);
    char *text = malloc(size);
    if (text)
        snprintf(text, size, form, row->name, row->created, model_state_name(row->state), row->job, row->epochs, request);
    return text;
}

static bool model_write(struct models *models, const struct model *model, const char *request_json, struct model_row *row, struct err *err)
{
    char path[PATH_SIZE];
    char *notes = notes_make(row, request_json);
    if (!notes)
        return err_memory(err, "a model's notes");
    bool ok = store_path(models->store, "models", row->id, ".model", path, err) && model_file_write(path, model, notes, err) &&
              file_settle(path, &row->bytes, err);
    free(notes);
    return ok;
}

static bool evaluation_write(struct models *models, const struct evaluation *evaluation, int64_t id, struct err *err)
{
    char temp[PATH_SIZE], path[PATH_SIZE];
    if (!store_path(models->store, "tmp", id, ".eval", temp, err) || !store_path(models->store, "models", id, ".eval", path, err))
        return false;
    int fd = file_create(temp, err);
    if (fd < 0)
        return false;
    bool ok = evaluations_write(fd, evaluation, err);
    close(fd);
    return ok && files_publish(temp, path, err);
}

/* Reserve a number; without files yet. */
static bool row_begin(struct models *models, struct model_row *row, const struct model *model, const struct evaluation *evaluation,
                      struct err *err)
{
    store_stamp(row->created);
    row_fill(row, model, evaluation);
    return store_model_reserve(models->store, &row->id, err);
}

static void row_abandon(struct models *models, int64_t id)
{
    struct err ignored;
    store_model_forget(models->store, id, &ignored); /* else the next start does it */
    files_remove(models, id);
}

static bool row_publish(struct models *models, struct model_row *row, struct job_row *job, struct err *err)
{
    models_cache_change(models->cache, row->name);
    bool ok = store_model_publish(models->store, row, job, err);
    models_cache_changed(models->cache);
    return ok;
}

bool models_publish(struct models *models, struct model *model, const struct evaluation *evaluation, const char *request_json,
                    struct model_row *row, struct job_row *job, struct err *err)
{
    struct model_row made = *row;
    if (!row_begin(models, &made, model, evaluation, err))
        return false;
    if (model_write(models, model, request_json, &made, err) && (!evaluation || evaluation_write(models, evaluation, made.id, err)) &&
        row_publish(models, &made, job, err)) {
        models_cache_put(models->cache, made.id, model);
        *row = made;
        return true;
    }
    row_abandon(models, made.id);
    return false;
}

/* The file at `path` becomes the row's file. */
static bool file_adopt(struct models *models, const char *path, struct model_row *row, struct err *err)
{
    char final[PATH_SIZE];
    return store_path(models->store, "models", row->id, ".model", final, err) && file_settle(path, &row->bytes, err) &&
           files_publish(path, final, err);
}

bool models_import(struct models *models, const char *name, const char *path, struct model_row *row, struct err *err)
{
    struct model_row made = {.state = MODEL_FINISHED};
    struct model *model = NULL;
    bool ok = store_name_check(name, "model", err) && (model = model_file_read(path, NULL, err));
    if (!ok && err->code == ERR_CORRUPT)
        err->code = ERR_INPUT; /* the user's file, not one of ours */
    if (ok)
        snprintf(made.name, sizeof made.name, "%s", name);
    ok = ok && row_begin(models, &made, model, NULL, err);
    if (ok && !(file_adopt(models, path, &made, err) && row_publish(models, &made, NULL, err))) {
        row_abandon(models, made.id);
        ok = false;
    }
    if (ok) {
        models_cache_put(models->cache, made.id, model);
        if (row)
            *row = made;
    }
    unlink(path); /* where it was adopted it is gone already */
    model_unref(model);
    return ok;
}
