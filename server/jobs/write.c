/* The writer: stores epochs and states, publishes models, ends jobs, and tells
 * events what is stored.
 *
 * Epochs of all jobs are committed together, at once where the last commit is
 * 200 ms ago, else when it is. What cannot be stored is tried again a second
 * later; the jobs go on meanwhile. Its loop begins with the lock held, and
 * gives it up to write. */
#include "base/log.h"
#include "jobs/checkpoints.h"
#include "jobs/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT_NS 200000000u
#define RETRY_NS 1000000000u
#define END_CHANGES                                                                                          \
    (1u << 20) /* an end counts more than any state that is on its way to the disk in that moment */

/* Lock held: copy what is to be stored; the jobs stay marked `writing` until
 * batch_done. */
static void batch_fill(struct jobs *jobs, struct batch *batch)
{
    batch->n_epochs = batch->n_states = 0;
    for (struct job *job = jobs->list; job; job = job->next) {
        if (job_phase_is_going(job->phase))
            continue;
        if (job->state_unstored && batch->n_states < BATCH_STATES) {
            batch->states[batch->n_states++] = job->row;
            job->state_unstored = false;
            job->writing = true;
        }
        for (size_t i = 0; i < job->n_pending && batch->n_epochs < BATCH_EPOCHS; i++) {
            batch->epochs[batch->n_epochs++] =
                (struct job_epoch){.job = job->row.id, .metrics = job->pending[i]};
            job->writing = true;
        }
    }
}

static bool batch_store(struct jobs *jobs, const struct batch *batch, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < batch->n_states; i++)
        ok = store_job_update(jobs->options.store, &batch->states[i], err);
    return ok && (batch->n_epochs == 0 ||
                  store_epochs_append(jobs->options.store, batch->epochs, batch->n_epochs, err));
}

/* Lock held: these epochs of one job are stored: show them. */
static void epochs_show(struct jobs *jobs, const struct job_epoch *epochs, size_t n)
{
    struct job *job = jobs_find(jobs, epochs[0].job); /* `writing` keeps it there */
    job->row.epoch = epochs[n - 1].metrics.epoch;
    events_job_epochs(jobs->options.events, job->row.id, job->pending, n);
    memmove(job->pending, job->pending + n, (job->n_pending - n) * sizeof *job->pending);
    if (job->n_pending == PENDING_MAX)
        pthread_cond_signal(&jobs->work); /* it had to wait for this */
    job->n_pending -= n;
    if (job->checkpoint.state == CHECKPOINT_READY)
        pthread_cond_signal(&jobs->saves); /* it may have waited for these epochs */
}

/* Lock held. */
static void batch_done(struct jobs *jobs, const struct batch *batch, bool stored)
{
    for (size_t i = 0, n; stored && i < batch->n_epochs; i += n) {
        for (n = 1; i + n < batch->n_epochs && batch->epochs[i + n].job == batch->epochs[i].job;)
            n++;
        epochs_show(jobs, batch->epochs + i, n);
    }
    for (size_t i = 0; !stored && i < batch->n_states; i++)
        jobs_find(jobs, batch->states[i].id)->state_unstored = true;
    for (struct job *job = jobs->list; job; job = job->next)
        job->writing = false;
    pthread_cond_broadcast(&jobs->changed);
}

/* Lock held: how the last attempt to write went, for those who wait for it. */
static void outcome_note(struct jobs *jobs, bool stored, const struct err *err)
{
    bool first = !stored && jobs->write_err.code == ERR_OK; /* one line for a trouble, not one a second */
    jobs->n_write_errs += !stored;
    if (stored)
        jobs->write_err.code = ERR_OK;
    else
        jobs->write_err = *err;
    if (first)
        log_error("jobs cannot be stored, it is tried again every second: %s", err->msg);
}

/* Lock held at the beginning and at the end. */
static bool batch_write(struct jobs *jobs, struct batch *batch)
{
    struct err err;
    batch_fill(jobs, batch);
    if (batch->n_epochs + batch->n_states == 0)
        return true;
    pthread_mutex_unlock(&jobs->lock);
    bool stored = batch_store(jobs, batch, &err);
    pthread_mutex_lock(&jobs->lock);
    jobs->committed_ns = jobs_now_ns();
    batch_done(jobs, batch, stored);
    outcome_note(jobs, stored, &err);
    return stored;
}

/* Whether the cause may go by itself: a full disk is emptied some day. */
static bool passing(const struct err *err)
{
    return err->code == ERR_SPACE || err->code == ERR_IO || err->code == ERR_BUSY || err->code == ERR_MEMORY;
}

/* The dataset that these rows are of. */
static int64_t dataset_evaluated_on(const struct job_row *row, enum rows_kind kind)
{
    int64_t own = kind == ROWS_TEST ? row->test_id : kind == ROWS_VALIDATION ? row->validation_id : 0;
    return own ? own : row->dataset_id;
}

/* Store how the job ended. A model that cannot be published waits for better
 * times, unless the user no longer wants to (`hurry`); then, or where it can
 * never be, the job ends without it. */
static bool end_store(struct jobs *jobs, struct job *job, struct job_row *row, bool hurry, struct err *err)
{
    struct model_row model_row = {
        .state = job->model_state, .job = row->id, .epochs = row->epoch, .evaluated_on = job->evaluated_on};
    model_row.dataset_id = dataset_evaluated_on(row, job->evaluated_on);
    row->state = job->end;
    row->error = job->end_err;
    row->change += END_CHANGES;
    store_stamp(row->ended);
    if (!job->model)
        return store_job_update(jobs->options.store, row, err);
    memcpy(model_row.name, row->model, sizeof model_row.name);
    if (models_publish(jobs->options.models, job->model, job->evaluation, job->request.json, &model_row, row,
                       err))
        return true;
    if (passing(err) && !hurry)
        return false;
    if (job->end == JOB_SUCCEEDED) {
        job->end = hurry ? JOB_CANCELLED : JOB_FAILED;
        job->end_err = hurry ? (struct err){0} : *err;
    }
    model_unref(job->model);
    job->model = NULL;
    return end_store(jobs, job, row, hurry, err); /* once: there is no model now */
}

static void datasets_let_go(struct jobs *jobs, const struct job_row *row)
{
    datasets_release(jobs->options.datasets, row->dataset_id);
    datasets_release(jobs->options.datasets, row->test_id);
    datasets_release(jobs->options.datasets, row->validation_id);
}

static void end_log(const struct job_row *row)
{
    if (row->state == JOB_FAILED)
        log_warning("job %" PRId64 " failed after %" PRIu32 " epochs: %s", row->id, row->epoch,
                    row->error.msg);
    else if (row->state == JOB_SUCCEEDED)
        log_info("job %" PRId64 " succeeded: model %s, version %" PRIu32, row->id, row->model, row->version);
}

/* Lock held at the beginning and at the end: end a job whose epochs are all
 * stored. */
static void end_write(struct jobs *jobs, struct job *job)
{
    struct err err;
    struct job_row row = job->row;
    bool hurry = job->phase != PHASE_ENDING;
    pthread_mutex_unlock(&jobs->lock);
    bool ended = (!job->warnings ||
                  store_warnings_put(jobs->options.store, row.id, WARNINGS_MAX, job->warnings, &err)) &&
                 end_store(jobs, job, &row, hurry, &err);
    if (ended) {
        models_withdraw(jobs->options.models,
                        row.id); /* after what it published is there: the name always means something */
        checkpoints_remove(jobs->options.store, row.id);
    }
    pthread_mutex_lock(&jobs->lock);
    outcome_note(jobs, ended, &err);
    if (!ended) {
        job->retry_ns = jobs_now_ns() + RETRY_NS;
        pthread_cond_broadcast(&jobs->changed);
        return;
    }
    jobs_unlink(jobs, job);
    if (job->warnings)
        events_job_warnings(jobs->options.events, row.id, job->warnings);
    events_job_done(jobs->options.events, row.id, &row);
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    job_free(job);
    end_log(&row);
    datasets_let_go(jobs, &row);
    pthread_mutex_lock(&jobs->lock);
}

/* Lock held: a job that has ended, but whose checkpoint is still being written:
 * the saver signals `unsaved` when it is not. */
static bool end_waits(const struct job *job)
{
    return job_phase_is_ending(job->phase) && job->checkpoint.state == CHECKPOINT_SAVING;
}

/* Lock held: a job to end now. NULL: none. */
static struct job *end_next(struct jobs *jobs, uint64_t now_ns)
{
    struct job *job = jobs->list;
    while (job && (!job_phase_is_ending(job->phase) || job->n_pending > 0 || job->state_unstored ||
                   job->retry_ns > now_ns || end_waits(job)))
        job = job->next;
    return job;
}

/* Lock held: when there is something to do; UINT64_MAX: not before a signal. */
static uint64_t due_ns(const struct jobs *jobs)
{
    uint64_t due = UINT64_MAX;
    uint64_t commit = jobs->committed_ns + (jobs->write_err.code == ERR_OK ? COMMIT_NS : RETRY_NS);
    for (const struct job *job = jobs->list; job; job = job->next) {
        bool unstored = (job->n_pending > 0 || job->state_unstored) && !job_phase_is_going(job->phase);
        bool ending = job_phase_is_ending(job->phase);
        uint64_t at = UINT64_MAX;
        if (unstored)
            at = ending && jobs->write_err.code == ERR_OK
                     ? 0
                     : commit; /* nobody waits for the end of a job for long */
        else if (ending && !end_waits(job))
            at = job->retry_ns;
        if (at < due)
            due = at;
    }
    return due;
}

/* Lock held: one round of all that is due. */
static void round_write(struct jobs *jobs)
{
    batch_write(jobs, &jobs->batch);
    struct job *job = end_next(jobs, jobs_now_ns());
    if (job)
        end_write(jobs, job);
}

/* Lock held: what the scheduler left when it stopped. Errors leave it to the
 * next start. */
static void last_round(struct jobs *jobs)
{
    struct job *job;
    while (batch_write(jobs, &jobs->batch) && jobs->batch.n_epochs + jobs->batch.n_states > 0)
        ;
    for (job = jobs->list; job; job = end_waits(job) ? job : job->next)
        if (end_waits(job))
            pthread_cond_wait(&jobs->unsaved, &jobs->lock);
    uint64_t n_errs = jobs->n_write_errs;
    while (n_errs == jobs->n_write_errs && (job = end_next(jobs, jobs_now_ns())))
        end_write(jobs, job);
}

void *jobs_write(void *self)
{
    struct jobs *jobs = self;
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->writer_stopping) {
        atomic_fetch_add(&jobs->n_turns[HEART_WRITER], 1);
        uint64_t due = due_ns(jobs);
        if (due > jobs_now_ns())
            jobs_wait(jobs, &jobs->unsaved, due);
        else
            round_write(jobs);
    }
    last_round(jobs);
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}
