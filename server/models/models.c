/* Models by name and version: made, published, changed. The cache, the models
 * in training and the damaged ones have a lock each; none is held here. */
#include "base/files.h"
#include "base/log.h"
#include "mlp/file.h"
#include "models/file.h"
#include "models/private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_BYTES_DEFAULT (1u << 30)

struct models *models_open(struct store *store, uint64_t cache_bytes, struct err *err)
{
    struct models *models = calloc(1, sizeof *models);
    if (!models) {
        err_memory(err, "the models");
        return NULL;
    }
    models->store = store;
    pthread_mutex_init(&models->lock, NULL);
    models->cache = models_cache_new(cache_bytes ? cache_bytes : CACHE_BYTES_DEFAULT, err);
    models->live = models->cache ? models_live_new(err) : NULL;
    models->damage = models->live ? models_damage_new(err) : NULL;
    if (models->damage)
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
    models_damage_free(models->damage);
    for (struct draft *draft; (draft = models->abandoned);) {
        models->abandoned = draft->next;
        draft_end(draft);
    }
    pthread_mutex_destroy(&models->lock);
    free(models);
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

bool models_delete(struct models *models, const char *name, uint32_t version, struct err *err)
{
    int64_t *ids;
    size_t n_ids;
    models_tidy(models);
    models_cache_change(models->cache, name);
    bool ok = store_model_delete(models->store, name, version, &ids, &n_ids, err);
    models_cache_changed(models->cache);
    if (!ok)
        return false;
    for (size_t i = 0; i < n_ids; i++) {
        models_cache_drop(models->cache, ids[i]);
        models_damage_drop(models->damage, ids[i]);
        models_files_remove(models, ids[i]);
    }
    free(ids);
    return true;
}

bool models_change(struct models *models, const char *name, const struct model_change *change,
                   struct err *err)
{
    models_cache_change(models->cache, name);
    models_cache_change(models->cache, change->name);
    bool ok = store_model_change(models->store, name, change, err);
    models_cache_changed(models->cache);
    models_cache_changed(models->cache);
    if (ok && *change->name)
        models_damage_rename(models->damage, name, change->name);
    return ok;
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

/* The notes that stand in the file: where the model comes from. The caller
 * frees them. NULL: out of memory. */
static char *notes_make(const struct model_row *row, const char *request_json)
{
    static const char form[] = "{\"name\":\"%s\",\"created\":\"%s\",\"state\":\"%s\",\"job\":%" PRId64
                               ",\"epochs\":%" PRIu32 ",\"request\":%s}";
    const char *request = request_json ? request_json : "null";
    size_t size = sizeof form + 256 + strlen(request);
    char *text = malloc(size);
    if (text)
        snprintf(text, size, form, row->name, row->created, model_state_name(row->state), row->job,
                 row->epochs, request);
    return text;
}

static bool model_write(struct models *models, const struct model *model, const char *request_json,
                        struct model_row *row, struct err *err)
{
    char temp[PATH_SIZE];
    char *notes = notes_make(row, request_json);
    if (!notes)
        return err_memory(err, "a model's notes");
    bool ok = store_path(models->store, "tmp", row->id, ".model", temp, err) &&
              model_file_write(temp, model, notes, err) && file_settle(temp, &row->bytes, err) &&
              store_publish(models->store, temp, "models", row->id, ".model", err);
    free(notes);
    return ok;
}

static bool evaluation_write(struct models *models, const struct evaluation *evaluation, int64_t id,
                             struct err *err)
{
    char temp[PATH_SIZE];
    if (!store_path(models->store, "tmp", id, ".eval", temp, err))
        return false;
    int fd = file_create(temp, err);
    if (fd < 0)
        return false;
    bool ok = evaluations_write(fd, evaluation, err);
    close(fd);
    return ok && store_publish(models->store, temp, "models", id, ".eval", err);
}

/* NULL: *err. */
static struct draft *row_begin(struct models *models, struct model_row *row, const struct model *model,
                               const struct evaluation *evaluation, struct err *err)
{
    models_tidy(models);
    store_stamp(row->created);
    row_fill(row, model, evaluation);
    struct draft *draft = draft_begin(models, err);
    if (draft)
        row->id = draft->id;
    return draft;
}

static bool row_publish(struct models *models, struct model_row *row, struct job_row *job, struct err *err)
{
    models_cache_change(models->cache, row->name);
    bool ok = store_model_publish(models->store, row, job, err);
    models_cache_changed(models->cache);
    return ok;
}

bool models_publish(struct models *models, struct model *model, const struct evaluation *evaluation,
                    const char *request_json, struct model_row *row, struct job_row *job, struct err *err)
{
    struct model_row made = *row;
    struct draft *draft = row_begin(models, &made, model, evaluation, err);
    if (!draft)
        return false;
    if (model_write(models, model, request_json, &made, err) &&
        (!evaluation || evaluation_write(models, evaluation, made.id, err)) &&
        row_publish(models, &made, job, err)) {
        draft_end(draft);
        models_cache_put(models->cache, made.id, model);
        *row = made;
        return true;
    }
    draft_abandon(models, draft);
    return false;
}

/* The file at `path` becomes the row's file. */
static bool file_adopt(struct models *models, const char *path, struct model_row *row, struct err *err)
{
    return file_settle(path, &row->bytes, err) &&
           store_publish(models->store, path, "models", row->id, ".model", err);
}

bool models_import(struct models *models, const char *name, const char *path, struct model_row *row,
                   struct err *err)
{
    struct model_row made = {.state = MODEL_FINISHED};
    struct model *model = NULL;
    struct models_guest guest = {.cache = models->cache};
    const struct model_room room = {.hold = models_guest_hold, .self = &guest};
    bool ok = store_name_check(name, "model", err) && (model = model_file_read(path, &room, NULL, err));
    if (!ok && err->code == ERR_CORRUPT)
        err->code = ERR_INPUT; /* the user's file, not one of ours */
    if (ok)
        snprintf(made.name, sizeof made.name, "%s", name);
    struct draft *draft = ok ? row_begin(models, &made, model, NULL, err) : NULL;
    ok = draft && file_adopt(models, path, &made, err) && row_publish(models, &made, NULL, err);
    if (ok)
        draft_end(draft);
    else if (draft)
        draft_abandon(models, draft);
    models_guest_end(&guest);
    if (ok) {
        models_cache_put(models->cache, made.id, model);
        if (row)
            *row = made;
    }
    unlink(path); /* where it was adopted it is gone already */
    model_unref(model);
    return ok;
}
