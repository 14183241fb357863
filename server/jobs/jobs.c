/* Jobs as others see them: submit, look, pause, resume, cancel, delete; start
 * and stop of the three threads. */
#define _GNU_SOURCE
#include "base/log.h"
#include "jobs/checkpoints.h"
#include "jobs/private.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAST_SAVES_NS                                                                                        \
    1500000000u /* of the two seconds that a stop may take; a checkpoint that does not make it leaves the    \
                   one before */

uint64_t jobs_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void jobs_wait(struct jobs *jobs, pthread_cond_t *condition, uint64_t ns)
{
    if (ns == UINT64_MAX) {
        pthread_cond_wait(condition, &jobs->lock);
        return;
    }
    struct timespec at = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    pthread_cond_timedwait(condition, &jobs->lock, &at);
}

struct job *jobs_find(struct jobs *jobs, int64_t id)
{
    struct job *job = jobs->list;
    while (job && job->row.id != id)
        job = job->next;
    return job;
}

void job_event(struct jobs *jobs, struct job *job, enum job_event event)
{
    enum job_phase to = job_phase_next(job->phase, event);
    assert(to != PHASE_NONE);
    job->phase = to;
    enum job_state word = job_word_next(to, event, job->row.state);
    if (word == job->row.state)
        return;
    job->row.state = word;
    job->row.change++;
    events_job_state(jobs->options.events, &job->row);
}

void jobs_unlink(struct jobs *jobs, struct job *job)
{
    for (struct job **at = &jobs->list; *at; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            return;
        }
}

void job_free(struct job *job)
{
    if (!job)
        return;
    training_free(job->training);
    model_unref(job->snapshot);
    model_unref(job->model);
    evaluation_free(job->evaluation);
    free(job->warnings);
    free(job->pending);
    free(job->checkpoint.bytes);
    job_request_done(&job->request);
    free(job);
}

void jobs_link(struct jobs *jobs, struct job *job)
{
    struct job **at = &jobs->list;
    while (*at && (*at)->row.id < job->row.id)
        at = &(*at)->next;
    job->next = *at;
    *at = job;
}

/* A job of an earlier daemon that cannot go on ends here. */
static bool revive_fail(struct jobs *jobs, struct job *job, const struct err *why, struct err *err)
{
    job->row.state = JOB_FAILED;
    job->row.error = *why;
    job->row.change++;
    store_stamp(job->row.ended);
    bool ok = store_job_update(jobs->options.store, &job->row, err);
    if (ok)
        checkpoints_remove(jobs->options.store, job->row.id);
    job_free(job);
    return ok;
}

/* Whether a job goes on from a checkpoint, and how its row stands then. Epochs
 * that were stored after the checkpoint stay: they come out once more with the
 * same bits. Without one the history goes: it may be of another build. */
static bool revive_row(struct jobs *jobs, struct job *job, struct err *err)
{
    struct train_place place;
    struct store *store = jobs->options.store;
    job->checkpoint.from = checkpoint_choose(store, &job->row, &place);
    job->checkpoint.slot = job->checkpoint.from == 0;
    job->phase = job_phase_revived(job->row.state);
    if (job->row.state == JOB_RUNNING)
        job->row.state = JOB_QUEUED;
    job->row.change++;
    if (job->checkpoint.from < 0) {
        job->row.epoch = 0;
        return store_job_rewind(store, &job->row, err);
    }
    if (!store_job_seconds(store, job->row.id, &job->seconds_before, err))
        return false;
    job->fraction = job->row.epochs ? (double)place.epoch / job->row.epochs : 0;
    return store_job_update(store, &job->row, err);
}

/* Take up one unfinished job: it goes on from its checkpoint, or from its
 * beginning, in either case to the same bits. */
static bool revive(struct jobs *jobs, const struct job_row *row, struct err *err)
{
    struct err why;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return err_memory(err, "a job");
    job->row = *row;
    job_request_init(&job->request);
    if (!store_job_request(jobs->options.store, row->id, &job->request.json, err)) {
        job_free(job);
        return false;
    }
    if (!jobs->options.parse(job->request.json, &job->request, &why)) {
        log_warning("job %" PRId64 " cannot be taken up again: %s", row->id, why.msg);
        return revive_fail(jobs, job, &why, err);
    }
    job->request.stop = &jobs->halt;
    struct warnings warnings;
    if (!revive_row(jobs, job, err) || !store_warnings(jobs->options.store, row->id, &warnings, err) ||
        !events_job_open(jobs->options.events, &job->row, err)) {
        job_free(job);
        return false;
    }
    events_job_warnings(jobs->options.events, row->id, &warnings);
    log_info("job %" PRId64 " is taken up again: %s", row->id, job_state_name(job->row.state));
    jobs_link(jobs, job);
    return true;
}

static bool revive_all(struct jobs *jobs, struct err *err)
{
    struct job_row *rows;
    size_t n_rows;
    if (!store_job_unfinished(jobs->options.store, &rows, &n_rows, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n_rows; i++)
        ok = revive(jobs, &rows[i], err);
    free(rows);
    return ok;
}

static bool threads_start(struct jobs *jobs, struct err *err)
{
    jobs->has_writer = pthread_create(&jobs->writer, NULL, jobs_write, jobs) == 0;
    jobs->has_saver = jobs->has_writer && pthread_create(&jobs->saver, NULL, jobs_save, jobs) == 0;
    jobs->has_scheduler = jobs->has_saver && pthread_create(&jobs->scheduler, NULL, jobs_schedule, jobs) == 0;
    if (!jobs->has_scheduler)
        return err_set(err, ERR_THREAD, "the threads that train could not be started");
    pthread_setname_np(jobs->writer, "writer");
    pthread_setname_np(jobs->saver, "saver");
    pthread_setname_np(jobs->scheduler, "scheduler");
    return true;
}

/* The scheduler is one of the pool's workers: it waits, without processor time,
 * where another of them does not get on. */
struct pulse jobs_pulse(struct jobs *jobs, enum heart heart)
{
    pthread_t thread = heart == HEART_WRITER  ? jobs->writer
                       : heart == HEART_SAVER ? jobs->saver
                                              : jobs->scheduler;
    pthread_cond_t *condition = heart == HEART_WRITER  ? &jobs->unsaved
                                : heart == HEART_SAVER ? &jobs->saves
                                                       : &jobs->work;
    struct pulse pulse = {.has_work = true, .beats = atomic_load(&jobs->n_turns[heart])};
    clockid_t clock;
    if (pthread_getcpuclockid(thread, &clock) == 0)
        pulse.beats += thread_cpu_ns(clock);
    pthread_cond_broadcast(condition);
    return pulse;
}

static void locks_init(struct jobs *jobs)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->work, NULL);
    pthread_cond_init(&jobs->changed, &monotonic);
    pthread_cond_init(&jobs->unsaved, &monotonic);
    pthread_cond_init(&jobs->saves, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct jobs *jobs_open(const struct jobs_options *options, struct err *err)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        err_memory(err, "the jobs");
        return NULL;
    }
    jobs->options = *options;
    if (!jobs->options.queue_max)
        jobs->options.queue_max = JOBS_QUEUE_MAX;
    if (!jobs->options.cancel_ns)
        jobs->options.cancel_ns = CANCEL_NS;
    locks_init(jobs);
    jobs->pool = pool_new(options->n_threads, options->nice_level, err);
    if (jobs->pool && revive_all(jobs, err) && threads_start(jobs, err))
        return jobs;
    jobs_close(jobs);
    return NULL;
}

void jobs_stop(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    atomic_store(&jobs->halt, true);
    for (struct job *job = jobs->list; job; job = job->next) {
        atomic_store(&job->checkpoint.give_up_ns, jobs_now_ns() + LAST_SAVES_NS);
        atomic_store(&job->stop, true);
    }
    pthread_cond_broadcast(&jobs->work);
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    if (jobs->has_scheduler)
        pthread_join(jobs->scheduler, NULL);
    pthread_mutex_lock(&jobs->lock);
    jobs->writer_stopping = true;
    pthread_cond_broadcast(&jobs->unsaved);
    pthread_mutex_unlock(&jobs->lock);
    if (jobs->has_writer)
        pthread_join(jobs->writer, NULL);
    pthread_mutex_lock(&jobs->lock);
    jobs->saver_stopping = true; /* after the writer: checkpoints wait for their epochs */
    pthread_cond_broadcast(&jobs->saves);
    pthread_mutex_unlock(&jobs->lock);
    if (jobs->has_saver)
        pthread_join(jobs->saver, NULL);
    jobs->has_scheduler = jobs->has_writer = jobs->has_saver = false;
}

void jobs_close(struct jobs *jobs)
{
    if (!jobs)
        return;
    jobs_stop(jobs);
    while (jobs->list) {
        struct job *next = jobs->list->next;
        job_free(jobs->list);
        jobs->list = next;
    }
    pool_free(jobs->pool);
    pthread_cond_destroy(&jobs->saves);
    pthread_cond_destroy(&jobs->unsaved);
    pthread_cond_destroy(&jobs->changed);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

void jobs_yield(struct jobs *jobs)
{
    pool_yield(jobs->pool);
}

double job_share(const struct job_row *row)
{
    return ldexp(row->weight, row->priority);
}

bool jobs_room(const struct jobs *jobs, uint64_t bytes)
{
    uint64_t taken = 0;
    for (const struct job *job = jobs->list; job; job = job->next)
        taken += job->training ? job->bytes : 0;
    return !jobs->options.memory || taken == 0 ||
           bytes <= jobs->options.memory - (taken < jobs->options.memory ? taken : jobs->options.memory);
}

bool jobs_fits(const struct jobs *jobs, uint64_t bytes, struct err *err)
{
    const double gb = 1e9;
    if (!jobs->options.memory || bytes <= jobs->options.memory)
        return true;
    return err_set(err, ERR_SPACE,
                   "the training takes about %.3g GB of memory, and jobs may take %.3g GB together "
                   "(--job-memory): make the layers smaller",
                   (double)bytes / gb, (double)jobs->options.memory / gb);
}

void jobs_info(struct jobs *jobs, const struct job *job, struct job_info *info)
{
    double shares = 0; /* of all that run */
    for (const struct job *at = jobs->list; at; at = at->next)
        if (at->phase == PHASE_RUNNING)
            shares += job_share(&at->row);
    info->row = job->row;
    info->bytes = job->bytes;
    info->fraction = job->training ? ensemble_fraction(job->training->ensemble) : job->fraction;
    double seconds = job->run_seconds + (job->slice_ns ? (double)(jobs_now_ns() - job->slice_ns) * 1e-9 : 0);
    info->eta_seconds = info->samples_per_second = NAN;
    double done = info->fraction - job->fraction_before; /* in those seconds */
    if (job->row.state != JOB_RUNNING || seconds <= 0 || done <= 0)
        return;
    info->eta_seconds = seconds * (1 - info->fraction) / done * fmax(shares / job_share(&job->row), 1);
    info->samples_per_second = done * (double)job->row.epochs * (double)job->row.n_train / seconds;
}

/* A job that is only in the store. */
static void info_stored(const struct job_row *row, struct job_info *info)
{
    *info = (struct job_info){.row = *row, .eta_seconds = NAN, .samples_per_second = NAN};
    info->fraction = row->epochs ? (double)row->epoch / row->epochs : 0;
}

/* Whether it is live; then *info is filled. */
static bool info_live(struct jobs *jobs, int64_t id, struct job_info *info)
{
    pthread_mutex_lock(&jobs->lock);
    struct job *job = jobs_find(jobs, id);
    if (job)
        jobs_info(jobs, job, info);
    pthread_mutex_unlock(&jobs->lock);
    return job != NULL;
}

bool jobs_get(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err)
{
    struct job_row row = {0};
    if (info_live(jobs, id, info))
        return true;
    if (!store_job_get(jobs->options.store, id, &row, err))
        return false;
    info_stored(&row, info);
    return true;
}

bool jobs_list(struct jobs *jobs, int64_t before, uint32_t limit, struct job_info **list, size_t *n_list,
               struct err *err)
{
    struct job_row *rows;
    struct err gone;
    size_t n_rows, n = 0;
    if (!store_job_list(jobs->options.store, before, limit, &rows, &n_rows, err))
        return false;
    struct job_info *infos = calloc(n_rows + 1, sizeof *infos);
    if (!infos) {
        free(rows);
        return err_memory(err, "the list of jobs");
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (job_state_final(rows[i].state))
            info_stored(&rows[i], &infos[n++]);
        else
            n += jobs_get(jobs, rows[i].id, &infos[n],
                          &gone); /* it may have ended, or been deleted, in this moment */
    }
    free(rows);
    *list = infos;
    *n_list = n;
    return true;
}

bool jobs_request(struct jobs *jobs, int64_t id, char **json, struct err *err)
{
    return store_job_request(jobs->options.store, id, json, err);
}

bool jobs_warnings(struct jobs *jobs, int64_t id, struct warnings *warnings, struct err *err)
{
    return store_warnings(jobs->options.store, id, warnings, err);
}

bool jobs_history(struct jobs *jobs, int64_t id, uint32_t after, uint32_t limit,
                  struct epoch_metrics **epochs, size_t *n_epochs, struct err *err)
{
    struct job_row row;
    return store_job_get(jobs->options.store, id, &row, err) &&
           store_epochs(jobs->options.store, id, after, limit, epochs, n_epochs, err);
}

void jobs_count(struct jobs *jobs, uint32_t counts[JOB_STATES_LIVE])
{
    memset(counts, 0, JOB_STATES_LIVE * sizeof *counts);
    pthread_mutex_lock(&jobs->lock);
    for (const struct job *job = jobs->list; job; job = job->next)
        counts[job->row.state]++;
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_dataset_renamed(struct jobs *jobs, int64_t id, const char *name)
{
    pthread_mutex_lock(&jobs->lock);
    for (struct job *job = jobs->list; job; job = job->next) {
        struct job_row *row = &job->row;
        if (row->dataset_id == id)
            snprintf(row->dataset, sizeof row->dataset, "%s", name);
        if (row->test_id == id)
            snprintf(row->test, sizeof row->test, "%s", name);
        if (row->validation_id == id)
            snprintf(row->validation, sizeof row->validation, "%s", name);
    }
    pthread_mutex_unlock(&jobs->lock);
}
