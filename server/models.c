/* Models by name and version. One lock guards the list of loaded models; it is never held across I/O or SQL. */
#include "models.h"
#include "evaluations.h"
#include "files.h"
#include "model_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_BYTES_DEFAULT (1u << 30)

struct loaded {
    int64_t id;
    struct model *model; /* NULL while a thread reads it */
    bool doomed;         /* deleted while it was being read */
    uint64_t bytes, used;
    struct loaded *next;
};

struct models {
    struct store *store;
    uint64_t cache_bytes;
    pthread_mutex_t lock;
    pthread_cond_t read; /* a model has been read: threads that want the same one wait here */
    /* under lock */
    struct loaded *loaded;
    uint64_t bytes, clock;
};

struct models *models_open(struct store *store, uint64_t cache_bytes, struct err *err)
{
    struct models *models = calloc(1, sizeof *models);
    if (!models) {
        err_memory(err, "the models");
        return NULL;
    }
    models->store = store;
    models->cache_bytes = cache_bytes ? cache_bytes : CACHE_BYTES_DEFAULT;
    pthread_mutex_init(&models->lock, NULL);
    pthread_cond_init(&models->read, NULL);
    return models;
}

void models_close(struct models *models)
{
    if (!models)
        return;
    while (models->loaded) {
        struct loaded *next = models->loaded->next;
        model_unref(models->loaded->model);
        free(models->loaded);
        models->loaded = next;
    }
    pthread_cond_destroy(&models->read);
    pthread_mutex_destroy(&models->lock);
    free(models);
}

/* Lock held. */
static struct loaded *cache_find(struct models *models, int64_t id)
{
    struct loaded *loaded = models->loaded;
    while (loaded && loaded->id != id)
        loaded = loaded->next;
    return loaded;
}

/* Lock held: take the entry off the list and free it; its model, to be unreferenced without the lock, is returned. */
static struct model *cache_remove(struct models *models, struct loaded *gone)
{
    struct model *model = gone->model;
    for (struct loaded **at = &models->loaded; *at; at = &(*at)->next)
        if (*at == gone) {
            *at = gone->next;
            break;
        }
    models->bytes -= gone->bytes;
    free(gone);
    return model;
}

/* Drop what was not used for longest until the limit holds; `kept` stays. */
static void cache_trim(struct models *models, int64_t kept)
{
    for (;;) {
        struct loaded *oldest = NULL;
        struct model *model = NULL;
        pthread_mutex_lock(&models->lock);
        for (struct loaded *at = models->loaded; at; at = at->next)
            if (at->model && at->id != kept && (!oldest || at->used < oldest->used))
                oldest = at;
        if (oldest && models->bytes > models->cache_bytes)
            model = cache_remove(models, oldest);
        pthread_mutex_unlock(&models->lock);
        if (!model)
            return;
        model_unref(model);
    }
}

/* Lock held: an entry without a model yet. NULL: out of memory. */
static struct loaded *cache_add(struct models *models, int64_t id)
{
    struct loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded) {
        loaded->id = id;
        loaded->next = models->loaded;
        models->loaded = loaded;
    }
    return loaded;
}

/* Lock held: the entry has its model from now on; the cache keeps a reference. */
static void cache_fill(struct models *models, struct loaded *loaded, struct model *model)
{
    loaded->model = model_ref(model);
    loaded->bytes = (uint64_t)model->network->n_floats * sizeof(float);
    loaded->used = ++models->clock;
    models->bytes += loaded->bytes;
}

static struct model *model_read(struct models *models, int64_t id, struct err *err)
{
    char path[PATH_SIZE];
    if (!store_path(models->store, "models", id, ".model", path, err))
        return NULL;
    return model_file_read(path, NULL, err);
}

static struct model *cache_get(struct models *models, int64_t id, struct err *err)
{
    struct loaded *loaded;
    pthread_mutex_lock(&models->lock);
    while ((loaded = cache_find(models, id)) && !loaded->model)
        pthread_cond_wait(&models->read, &models->lock);
    if (loaded) {
        loaded->used = ++models->clock;
        struct model *model = model_ref(loaded->model);
        pthread_mutex_unlock(&models->lock);
        return model;
    }
    loaded = cache_add(models, id);
    pthread_mutex_unlock(&models->lock);
    if (!loaded) {
        err_memory(err, "a model");
        return NULL;
    }
    struct model *model = model_read(models, id, err);
    pthread_mutex_lock(&models->lock);
    if (model && !loaded->doomed)
        cache_fill(models, loaded, model);
    else
        cache_remove(models, loaded);
    pthread_cond_broadcast(&models->read);
    pthread_mutex_unlock(&models->lock);
    if (model)
        cache_trim(models, id);
    return model;
}

/* A model that was just published is likely to be asked for next. */
static void cache_put(struct models *models, int64_t id, struct model *model)
{
    pthread_mutex_lock(&models->lock);
    struct loaded *loaded = cache_find(models, id) ? NULL : cache_add(models, id);
    if (loaded)
        cache_fill(models, loaded, model);
    pthread_mutex_unlock(&models->lock);
    cache_trim(models, id);
}

static void cache_drop(struct models *models, int64_t id)
{
    struct model *model = NULL;
    pthread_mutex_lock(&models->lock);
    struct loaded *loaded = cache_find(models, id);
    if (loaded && loaded->model)
        model = cache_remove(models, loaded);
    else if (loaded)
        loaded->doomed = true;
    pthread_mutex_unlock(&models->lock);
    model_unref(model);
}

struct model *models_get(struct models *models, const char *name, uint32_t version, struct model_row *row, struct err *err)
{
    struct model_row found;
    if (!models_find(models, name, version, &found, err))
        return NULL;
    struct model *model = cache_get(models, found.id, err);
    if (model && row)
        *row = found;
    return model;
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
    if (!store_model_delete(models->store, name, version, &ids, &n_ids, err))
        return false;
    for (size_t i = 0; i < n_ids; i++) {
        cache_drop(models, ids[i]);
        files_remove(models, ids[i]);
    }
    free(ids);
    return true;
}

int models_file(struct models *models, const char *name, uint32_t version, struct model_row *row, struct err *err)
{
    struct model_row found;
    char path[PATH_SIZE];
    if (!models_find(models, name, version, &found, err) || !store_path(models->store, "models", found.id, ".model", path, err))
        return -1;
    int fd = files_open(path, err);
    if (fd >= 0)
        *row = found;
    return fd;
}

struct evaluation *models_evaluation(struct models *models, const char *name, uint32_t version, uint64_t offset, uint64_t limit,
                                     uint64_t *n_guesses, struct model_row *row, struct err *err)
{
    struct model_row found;
    char path[PATH_SIZE];
    if (!models_find(models, name, version, &found, err))
        return NULL;
    if (found.evaluated_on == ROWS_NONE) {
        err_set(err, ERR_NOT_FOUND, "version %" PRIu32 " of %s has no evaluation: it was not trained here", found.version, found.name);
        return NULL;
    }
    if (!store_path(models->store, "models", found.id, ".eval", path, err))
        return NULL;
    int fd = files_open(path, err);
    if (fd < 0)
        return NULL;
    struct evaluation *evaluation = evaluations_read(fd, offset, limit, n_guesses, err);
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
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "cannot create a file in the state folder");
    bool ok = evaluations_write(fd, evaluation, err);
    close(fd);
    return ok && files_publish(temp, path, err);
}

static void row_fill(struct model_row *row, const struct model *model, const struct evaluation *evaluation)
{
    row->task = model->recipe->task;
    row->n_params = network_n_params(model->network);
    row->loss = row->accuracy = row->rmse = row->mae = row->r2 = NAN;
    row->n_rows = 0;
    if (!evaluation) {
        row->evaluated_on = ROWS_NONE;
        return;
    }
    row->n_rows = evaluation->n_rows;
    row->loss = evaluation->loss;
    if (row->task == TASK_CLASSIFICATION) {
        row->accuracy = evaluation->accuracy;
    } else {
        row->rmse = evaluation->rmse;
        row->mae = evaluation->mae;
        row->r2 = evaluation->r2;
    }
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

bool models_publish(struct models *models, struct model *model, const struct evaluation *evaluation, const char *request_json,
                    struct model_row *row, struct job_row *job, struct err *err)
{
    struct model_row made = *row;
    if (!row_begin(models, &made, model, evaluation, err))
        return false;
    if (model_write(models, model, request_json, &made, err) && (!evaluation || evaluation_write(models, evaluation, made.id, err)) &&
        store_model_publish(models->store, &made, job, err)) {
        cache_put(models, made.id, model);
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
    if (ok && !(file_adopt(models, path, &made, err) && store_model_publish(models->store, &made, NULL, err))) {
        row_abandon(models, made.id);
        ok = false;
    }
    if (ok) {
        cache_put(models, made.id, model);
        if (row)
            *row = made;
    }
    unlink(path); /* where it was adopted it is gone already */
    model_unref(model);
    return ok;
}
