/* The scrub. See the header. One lock, for the wait; nothing is held while a
 * file is read. */
#define _GNU_SOURCE /* SCHED_IDLE */
#include "daemon/scrub.h"
#include "base/log.h"
#include "datasets/damaged_rows.h"
#include "models/file.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define QUIET_MS 500u /* without a request, and no job runs */
#define ROUND_MS ((uint64_t)24 * 3600 * 1000)
#define BYTES_AT_ONCE (64u << 10) /* less is not waited for by itself */

struct scrub {
    struct scrub_options options;
    pthread_t thread;
    atomic_ullong busy_ms; /* when somebody last asked for something */
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping; /* under lock */
    /* the thread's own */
    uint64_t n_unpaid; /* bytes read that the rate has not been kept for */
    struct damaged_rows damage;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* So long, or until the scrub stops: false. */
static bool wait_ms(struct scrub *scrub, uint64_t ms)
{
    uint64_t until = now_ms() + ms;
    const struct timespec end = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    int code = 0;
    pthread_mutex_lock(&scrub->lock);
    while (!scrub->stopping && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&scrub->stop, &scrub->lock, &end);
    bool inherits = !scrub->stopping;
    pthread_mutex_unlock(&scrub->lock);
    return inherits;
}

/* How long to wait before looking whether it is quiet; 0: it is. */
static uint64_t noise_ms(struct scrub *scrub)
{
    uint32_t counts[JOB_STATES_LIVE] = {0};
    uint64_t quiet = atomic_load(&scrub->busy_ms) + QUIET_MS, now = now_ms();
    if (now < quiet)
        return quiet - now;
    jobs_count(scrub->options.jobs, counts);
    return counts[JOB_QUEUED] + counts[JOB_RUNNING] + counts[JOB_CANCELLING] > 0 ? QUIET_MS : 0;
}

/* After n more bytes were read: keep the rate, then wait until it is quiet. */
static bool tick(void *self, uint64_t n_bytes)
{
    struct scrub *scrub = self;
    scrub->n_unpaid += n_bytes;
    if (scrub->n_unpaid >= BYTES_AT_ONCE) {
        uint64_t rate = scrub->options.bytes_per_second, ms = scrub->n_unpaid * 1000 / rate;
        scrub->n_unpaid -= ms * rate / 1000;
        if (!wait_ms(scrub, ms))
            return false;
    }
    for (uint64_t ms; (ms = noise_ms(scrub)) > 0;)
        if (!wait_ms(scrub, ms))
            return false;
    return true;
}

static void rows_damaged(void *self, uint64_t first, uint64_t last)
{
    damaged_rows_add(&((struct scrub *)self)->damage, first, last);
}

/* False: the scrub stops. */
static bool table_look(struct scrub *scrub, const struct dataset_row *row)
{
    struct table_scrub look = {.tick = tick, .damaged = rows_damaged, .self = scrub};
    char path[PATH_SIZE];
    struct err err;
    scrub->damage = (struct damaged_rows){0};
    if (!store_path(scrub->options.store, "datasets", row->id, ".table", path, &err))
        return true;
    bool read = table_scrub(path, &look, &err), lost = !read && err.code == ERR_CORRUPT;
    if (lost)
        damaged_rows_add(&scrub->damage, 1, row->n_rows);
    if (access(path, F_OK) != 0) /* it was deleted meanwhile */
        return true;
    if ((!read && !lost) ||
        !damaged_tables_set(datasets_damaged(scrub->options.datasets), row->id, &scrub->damage))
        return read || err.code != ERR_STOPPED;
    if (lost)
        log_error("datasets/%" PRId64 ".table (dataset %s) cannot be read: %s", row->id, row->name, err.msg);
    for (uint32_t i = 0; !lost && i < scrub->damage.n; i++)
        log_error("datasets/%" PRId64 ".table (dataset %s): rows %" PRIu64 " to %" PRIu64 " are damaged",
                  row->id, row->name, scrub->damage.ranges[i].first, scrub->damage.ranges[i].last);
    return true;
}

/* Likewise. */
static bool model_look(struct scrub *scrub, const struct model_row *row)
{
    const struct model_room room = {.tick = tick, .self = scrub};
    struct err err = {0};
    return models_verify(scrub->options.models, row, &room, &err) || err.code != ERR_STOPPED;
}

static bool tables_look(struct scrub *scrub)
{
    struct dataset_row *rows = NULL;
    struct err ignored;
    size_t n = 0;
    bool inherits = true;
    if (!store_dataset_list(scrub->options.store, &rows, &n, &ignored))
        return true;
    for (size_t i = 0; inherits && i < n; i++)
        if (rows[i].state == DATASET_READY)
            inherits = table_look(scrub, &rows[i]);
    free(rows);
    return inherits;
}

static bool models_look(struct scrub *scrub)
{
    struct model_row *rows = NULL;
    struct err ignored;
    size_t n = 0;
    bool inherits = true;
    if (!store_model_list(scrub->options.store, &rows, &n, &ignored))
        return true;
    for (size_t i = 0; inherits && i < n; i++)
        inherits = model_look(scrub, &rows[i]);
    free(rows);
    return inherits;
}

static void *scrub_run(void *self)
{
    struct scrub *scrub = self;
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_IDLE,
                             &none); /* where the system lets it; else the rate is bound enough */
    while (tick(scrub, 0) && tables_look(scrub) && models_look(scrub)) {
        log_info("all tables and models were read: %" PRIu32 " tables are damaged",
                 damaged_tables_count(datasets_damaged(scrub->options.datasets)));
        if (!wait_ms(scrub, ROUND_MS))
            break;
    }
    return NULL;
}

struct scrub *scrub_new(const struct scrub_options *options, struct err *err)
{
    struct scrub *scrub = calloc(1, sizeof *scrub);
    pthread_condattr_t monotonic;
    if (!scrub) {
        err_memory(err, "the scrub");
        return NULL;
    }
    scrub->options = *options;
    atomic_init(&scrub->busy_ms, now_ms());
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&scrub->lock, NULL);
    pthread_cond_init(&scrub->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&scrub->thread, NULL, scrub_run, scrub) == 0) {
        pthread_setname_np(scrub->thread, "scrub");
        return scrub;
    }
    err_set(err, ERR_THREAD, "the scrub's thread could not be started");
    pthread_cond_destroy(&scrub->stop);
    pthread_mutex_destroy(&scrub->lock);
    free(scrub);
    return NULL;
}

void scrub_stop(struct scrub *scrub)
{
    if (!scrub)
        return;
    pthread_mutex_lock(&scrub->lock);
    scrub->stopping = true;
    pthread_cond_signal(&scrub->stop);
    pthread_mutex_unlock(&scrub->lock);
}

void scrub_free(struct scrub *scrub)
{
    if (!scrub)
        return;
    scrub_stop(scrub);
    pthread_join(scrub->thread, NULL);
    pthread_cond_destroy(&scrub->stop);
    pthread_mutex_destroy(&scrub->lock);
    free(scrub);
}

void scrub_busy(struct scrub *scrub)
{
    if (scrub)
        atomic_store_explicit(&scrub->busy_ms, now_ms(), memory_order_relaxed);
}
