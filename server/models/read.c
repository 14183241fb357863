/* Models found by name and version, and read: where the file of the version
 * that a bare name means is damaged, an older version answers, and says so. */
#include "base/files.h"
#include "base/log.h"
#include "models/file.h"
#include "models/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Take what is wanted of the row's version, its model or its file. */
struct use {
    bool (*take)(struct models *models, const struct model_row *row, struct use *use, struct err *err);
    struct model *model; /* owned reference */
    int fd;
    const struct model_room *room; /* for reading the file; NULL: a guest of the models in memory */
    bool read;                     /* the file, not memory */
    struct file_stamp stamp;       /* of the file before that */
};

/* One row's model on its way from the file. */
struct reading {
    struct models *models;
    struct use *use;
};

static struct model *model_read(void *self, int64_t id, const struct model_room *room, struct err *err)
{
    struct reading *reading = self;
    struct damage damage;
    char path[PATH_SIZE];
    if (!store_path(reading->models->store, "models", id, ".model", path, err))
        return NULL;
    reading->use->stamp = file_stamp_of(path);
    if (!models_damage_find(reading->models->damage, id, &reading->use->stamp, &damage)) {
        reading->use->read = true;
        return model_file_read(path, room, NULL, err);
    }
    err_set(err, ERR_CORRUPT, "%s", damage.reason);
    return NULL;
}

static bool model_take(struct models *models, const struct model_row *row, struct use *use, struct err *err)
{
    struct reading reading = {.models = models, .use = use};
    const struct model_reader reader = {.read = model_read, .self = &reading};
    use->model = models_cache_get(models->cache, row->id, &reader, err);
    return use->model != NULL;
}

/* The file, its checksums verified. */
static bool file_take(struct models *models, const struct model_row *row, struct use *use, struct err *err)
{
    char path[PATH_SIZE];
    if (!store_path(models->store, "models", row->id, ".model", path, err))
        return false;
    use->stamp = file_stamp_of(path);
    use->read = true;
    use->fd = files_open(path, err);
    struct models_guest guest = {.cache = models->cache};
    const struct model_room room = {.hold = models_guest_hold, .self = &guest};
    bool ok = use->fd >= 0 && model_file_check(use->fd, use->room ? use->room : &room, err);
    models_guest_end(&guest);
    if (ok)
        return true;
    if (use->fd >= 0)
        close(use->fd);
    use->fd = -1;
    return false;
}

/* Whether the failure is the file's: it is missing, cannot be read, or is not
 * what was written. */
static bool file_lost(const struct err *err)
{
    return err->code == ERR_CORRUPT || err->code == ERR_NOT_FOUND || err->code == ERR_IO;
}

bool models_moved(struct models *models, const struct model_row *row)
{
    struct model_row now;
    struct err err;
    bool found = store_model_find(models->store, row->name, row->version, &now, &err);
    return found ? now.id != row->id : err.code == ERR_NOT_FOUND;
}

/* The row's version is damaged: keep that in mind, and say which it is. */
static void damage_note(struct models *models, const struct model_row *row, const struct use *use,
                        struct err *err)
{
    struct damage damage = {.id = row->id, .version = row->version};
    memcpy(damage.name, row->name, sizeof damage.name);
    snprintf(damage.reason, sizeof damage.reason, "%.159s", err->msg);
    if (use->read && models_damage_put(models->damage, &damage, &use->stamp))
        log_error("models/%" PRId64 ".model (model %s, version %" PRIu32 ") cannot be read: %s", row->id,
                  row->name, row->version, err->msg);
    err_set(err, ERR_CORRUPT, "version %" PRIu32 " of model %s is damaged (models/%" PRId64 ".model): %s",
            row->version, row->name, row->id, damage.reason);
    err_field(err, "model");
}

/* Take what is wanted of this version and no other. ERR_NOT_FOUND: the
 * catalogue has it no longer; ERR_CORRUPT: its file is damaged. */
static bool version_take(struct models *models, const struct model_row *row, struct use *use, struct err *err)
{
    if (use->take(models, row, use, err)) {
        if (use->read && models_damage_drop(models->damage, row->id))
            log_info("models/%" PRId64 ".model (model %s, version %" PRIu32 ") can be read again", row->id,
                     row->name, row->version);
        return true;
    }
    if (!file_lost(err))
        return false;
    if (models_moved(models, row))
        return err_set(err, ERR_NOT_FOUND, "version %" PRIu32 " of model %s is gone", row->version,
                       row->name);
    damage_note(models, row, use, err);
    return false;
}

/* The newest finished version older than *row that can be used: what the bare
 * name gets where its own version is damaged. */
static bool older_take(struct models *models, struct model_row *row, struct use *use)
{
    struct model_row *rows = NULL, lost = *row;
    struct err ignored;
    size_t n = 0;
    bool ok = false;
    if (!store_model_versions(models->store, row->name, &rows, &n, &ignored))
        return false;
    for (size_t i = 0; i < n && !ok; i++) {
        if (rows[i].version >= lost.version || rows[i].state != MODEL_FINISHED)
            continue;
        *row = rows[i];
        ok = version_take(models, row, use, &ignored);
    }
    free(rows);
    if (models_damage_answers(models->damage, lost.id, ok ? row->version : 0) && ok)
        log_warning("version %" PRIu32 " answers in the place of version %" PRIu32 " of model %s",
                    row->version, lost.version, row->name);
    row->wanted = lost.version;
    return ok;
}

/* Take what is wanted of what name and version mean. *turn: before they were
 * looked up. */
static bool stored_take(struct models *models, uint32_t version, struct model_row *row, struct use *use,
                        uint64_t *turn, struct err *err)
{
    char name[NAME_SIZE];
    struct err why = {0};
    memcpy(name, row->name, sizeof name);
    do {
        *turn = models_cache_turn(models->cache);
        if (!models_find(models, name, version, row, err))
            return false;
        if (version_take(models, row, use, &why))
            return true;
    } while (why.code == ERR_NOT_FOUND);
    if (why.code == ERR_CORRUPT && version == 0 && older_take(models, row, use))
        return true;
    *err = why;
    return false;
}

/* The stored version's model; *row is filled. */
static struct model *stored_get(struct models *models, const char *name, uint32_t version,
                                struct model_row *row, struct err *err)
{
    struct model_row found = {.id = 0};
    struct use use = {.take = model_take};
    uint64_t turn;
    struct model *model = models_cache_find(models->cache, name, version, row);
    if (model)
        return model;
    snprintf(found.name, sizeof found.name, "%s", name);
    if (!stored_take(models, version, &found, &use, &turn, err))
        return NULL;
    if (!found.wanted) /* else the next request looks whether the damaged file has changed */
        models_cache_learn(models->cache, version, &found, turn);
    *row = found;
    return use.model;
}

/* Of what the bare name may mean: a finished version, or one that was promoted,
 * else what is being trained, else a partial version. */
static struct model *better_of(struct models *models, const char *name, struct model *stored,
                               struct model_row *row)
{
    if (stored && (row->state == MODEL_FINISHED || row->version == row->promoted))
        return stored;
    struct model *live = models_live_find(models->live, name, row);
    if (!live)
        return stored;
    model_unref(stored);
    return live;
}

struct model *models_get(struct models *models, const char *name, uint32_t version, struct model_row *row,
                         struct err *err)
{
    struct model_row found = {0};
    struct err why = {0};
    struct model *model = stored_get(models, name, version, &found, &why);
    if (version == 0 && (model || why.code == ERR_NOT_FOUND))
        model = better_of(models, name, model, &found);
    if (!model && version == 0 &&
        why.code == ERR_NOT_FOUND) /* its job may have ended in between: now it is stored */
        model = stored_get(models, name, version, &found, &why);
    if (!model)
        *err = why;
    else if (row)
        *row = found;
    return model;
}

struct model *models_get_loaded(struct models *models, const char *name, uint32_t version,
                                struct model_row *row)
{
    struct model_row found = {0};
    struct model *model = models_cache_find(models->cache, name, version, &found);
    if (model && version == 0)
        model = better_of(models, name, model, &found);
    if (model && row)
        *row = found;
    return model;
}

bool models_find(struct models *models, const char *name, uint32_t version, struct model_row *row,
                 struct err *err)
{
    struct model_row found = {0};
    if (!store_model_find(models->store, name, version, &found, err))
        return false;
    *row = found;
    return true;
}

int models_file(struct models *models, const char *name, uint32_t version, struct model_row *row,
                struct err *err)
{
    struct model_row found = {.id = 0};
    struct use use = {.take = file_take, .fd = -1};
    uint64_t turn;
    snprintf(found.name, sizeof found.name, "%s", name);
    if (!stored_take(models, version, &found, &use, &turn, err))
        return -1;
    *row = found;
    return use.fd;
}

bool models_verify(struct models *models, const struct model_row *row, const struct model_room *room,
                   struct err *err)
{
    struct use use = {.take = file_take, .fd = -1, .room = room};
    if (!version_take(models, row, &use, err))
        return false;
    close(use.fd);
    return true;
}

/* Whether the row's file is damaged, as far as that is known without reading
 * it: by its size, and by the last read. */
static bool row_damaged(struct models *models, const struct model_row *row, struct damage *damage)
{
    char path[PATH_SIZE];
    struct err err;
    if (!store_path(models->store, "models", row->id, ".model", path, &err))
        return false;
    struct file_stamp stamp = file_stamp_of(path);
    if (models_damage_find(models->damage, row->id, &stamp, damage))
        return true;
    if (models_damage_of(models->damage, row->name, row->version,
                         damage)) { /* and it has changed since: read it */
        model_unref(models_get(models, row->name, row->version, NULL, &err));
        return models_damage_of(models->damage, row->name, row->version, damage);
    }
    if (stamp.there && stamp.size == row->bytes)
        return false;
    snprintf(damage->reason, sizeof damage->reason,
             stamp.there ? "the file has another size than it was written with" : "the file is missing");
    return true;
}

bool models_damaged(struct models *models, const struct model_row *row, char reason[DAMAGE_REASON_SIZE])
{
    struct damage damage;
    bool found = row->state != MODEL_TRAINING && row_damaged(models, row, &damage);
    if (found)
        memcpy(reason, damage.reason, sizeof damage.reason);
    return found;
}

bool models_wanted(struct models *models, const struct model_row *row, char reason[DAMAGE_REASON_SIZE])
{
    struct damage damage = {.reason = "its file is damaged"}; /* which was repaired since */
    if (!row->wanted)
        return false;
    models_damage_of(models->damage, row->name, row->wanted, &damage);
    memcpy(reason, damage.reason, sizeof damage.reason);
    return true;
}

size_t models_damages(struct models *models, struct damage *list, size_t most)
{
    return models_damage_list(models->damage, list, most);
}

bool models_list(struct models *models, struct model_row **rows, size_t *n_rows, struct err *err)
{
    struct damage damage;
    struct err ignored;
    if (!store_model_list(models->store, rows, n_rows, err))
        return false;
    for (size_t i = 0; i < *n_rows; i++)
        if (row_damaged(models, &(*rows)[i], &damage)) /* the row of what answers, then */
            model_unref(models_get(models, (*rows)[i].name, 0, &(*rows)[i], &ignored));
    return true;
}

bool models_versions(struct models *models, const char *name, struct model_row **rows, size_t *n_rows,
                     struct err *err)
{
    return store_model_versions(models->store, name, rows, n_rows, err);
}

/* The version's evaluation file, open for reading. -1 on failure. */
static int evaluation_open(struct models *models, const char *name, uint32_t version, struct model_row *row,
                           struct err *err)
{
    char path[PATH_SIZE];
    struct err why = {0};
    int fd = -1;
    do {
        row->id = 0;
        if (!models_find(models, name, version, row, err) ||
            !store_path(models->store, "models", row->id, ".eval", path, err))
            return -1;
        if (row->evaluated_on == ROWS_NONE) {
            err_set(err, ERR_NOT_FOUND,
                    "version %" PRIu32 " of %s has no evaluation: it was not trained here", row->version,
                    row->name);
            return -1;
        }
        fd = files_open(path, &why);
    } while (fd < 0 && why.code == ERR_NOT_FOUND && models_moved(models, row));
    if (fd < 0)
        *err = why;
    return fd;
}

struct evaluation *models_evaluation(struct models *models, const char *name, uint32_t version,
                                     const struct evaluation_page *page, uint64_t *n_guesses,
                                     uint64_t *n_matching, struct model_row *row, struct err *err)
{
    struct model_row found = {.id = 0};
    struct evaluation *evaluation = NULL;
    struct err why = {0};
    int fd = evaluation_open(models, name, version, &found, &why);
    if (fd >= 0) {
        evaluation = evaluations_read(fd, page, n_guesses, n_matching, &why);
        close(fd);
    }
    if (evaluation && row)
        *row = found;
    if (evaluation)
        return evaluation;
    bool lost = found.id && found.evaluated_on != ROWS_NONE && file_lost(&why);
    *err = why;
    if (lost)
        err_set(err, ERR_CORRUPT,
                "the evaluation of version %" PRIu32 " of model %s is damaged (models/%" PRId64 ".eval): %s",
                found.version, found.name, found.id, why.msg);
    return NULL;
}
