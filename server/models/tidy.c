/* Numbers reserved for versions, and the files of those that came to nothing or
 * were deleted. Any thread; the lock is held for a look at the lists. */
#include "base/log.h"
#include "models/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define FOLDER "models"

struct draft *draft_begin(struct models *models, struct err *err)
{
    struct draft *draft = calloc(1, sizeof *draft);
    if (!draft) {
        err_memory(err, "a version's number");
        return NULL;
    }
    if (store_model_reserve(models->store, &draft->id, err))
        return draft;
    free(draft);
    return NULL;
}

void draft_end(struct draft *draft)
{
    free(draft);
}

static void untidy(struct models *models)
{
    pthread_mutex_lock(&models->lock);
    models->untidy = true;
    pthread_mutex_unlock(&models->lock);
}

void models_files_remove(struct models *models, int64_t id)
{
    struct err err;
    bool gone;
    if (store_files_remove(models->store, FOLDER, id, &gone, &err))
        return;
    log_warning("the files of models/%" PRId64 " are not removed yet: %s", id, err.msg);
    untidy(models);
}

static void temporary_remove(struct models *models, int64_t id)
{
    static const char *const suffixes[] = {".model", ".eval"};
    struct err ignored;
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (store_path(models->store, "tmp", id, suffixes[i], path, &ignored))
            unlink(path);
}

void draft_abandon(struct models *models, struct draft *draft)
{
    struct err ignored;
    temporary_remove(models, draft->id);
    if (store_model_forget(models->store, draft->id, &ignored)) {
        models_files_remove(models, draft->id);
        free(draft);
        return;
    }
    pthread_mutex_lock(&models->lock);
    draft->next = models->abandoned;
    models->abandoned = draft;
    pthread_mutex_unlock(&models->lock);
}

void models_tidy(struct models *models)
{
    struct err ignored;
    pthread_mutex_lock(&models->lock);
    struct draft *abandoned = models->abandoned;
    bool due = models->untidy;
    models->abandoned = NULL;
    models->untidy = false;
    pthread_mutex_unlock(&models->lock);
    while (abandoned) {
        struct draft *draft = abandoned;
        abandoned = draft->next;
        draft_abandon(models, draft);
    }
    if (due && !store_doomed_sweep(models->store, FOLDER, &ignored))
        untidy(models);
}
