/* Models of jobs that are still being trained. One lock guards the list; a
 * reader keeps his reference whatever comes after. */
#include "models/live.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct offer {
    struct model *model; /* owned reference */
    struct model_row row;
    struct offer *next; /* the newest job first */
};

struct models_live {
    pthread_mutex_t lock;
    struct offer *offers; /* under lock */
};

struct models_live *models_live_new(struct err *err)
{
    struct models_live *live = calloc(1, sizeof *live);
    if (!live) {
        err_memory(err, "the models in training");
        return NULL;
    }
    pthread_mutex_init(&live->lock, NULL);
    return live;
}

void models_live_free(struct models_live *live)
{
    if (!live)
        return;
    while (live->offers) {
        struct offer *next = live->offers->next;
        model_unref(live->offers->model);
        free(live->offers);
        live->offers = next;
    }
    pthread_mutex_destroy(&live->lock);
    free(live);
}

void models_live_offer(struct models_live *live, struct model *model, const struct model_row *row)
{
    struct model *before = NULL;
    pthread_mutex_lock(&live->lock);
    struct offer **at = &live->offers;
    while (*at && (*at)->row.job > row->job)
        at = &(*at)->next;
    struct offer *offer = *at && (*at)->row.job == row->job ? *at : NULL;
    if (!offer && (offer = calloc(1, sizeof *offer))) {
        offer->next = *at;
        *at = offer;
    }
    if (offer) {
        before = offer->model;
        offer->model = model_ref(model);
        offer->row = *row;
    }
    pthread_mutex_unlock(&live->lock);
    model_unref(before);
}

void models_live_withdraw(struct models_live *live, int64_t job)
{
    struct offer *gone = NULL;
    pthread_mutex_lock(&live->lock);
    for (struct offer **at = &live->offers; *at; at = &(*at)->next)
        if ((*at)->row.job == job) {
            gone = *at;
            *at = gone->next;
            break;
        }
    pthread_mutex_unlock(&live->lock);
    if (gone)
        model_unref(gone->model);
    free(gone);
}

struct model *models_live_find(struct models_live *live, const char *name, struct model_row *row)
{
    struct model *model = NULL;
    pthread_mutex_lock(&live->lock);
    for (const struct offer *offer = live->offers; offer && !model; offer = offer->next)
        if (!strcmp(offer->row.name, name)) {
            model = model_ref(offer->model);
            if (row)
                *row = offer->row;
        }
    pthread_mutex_unlock(&live->lock);
    return model;
}
