/* The saver: the thread that writes checkpoints, and what the scheduler calls
 * to take them.
 *
 * The scheduler copies a training's state in memory between two slices; the
 * saver seals and writes the copy once the epochs before it are stored, so that
 * a checkpoint is never ahead of the history. A job's copy passes between the
 * two by checkpoint.state, under the lock. */
#include "base/log.h"
#include "jobs/checkpoints.h"
#include "jobs/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define INTERVAL_MIN_NS 1000000000u
#define INTERVAL_MAX_NS 5000000000u
#define RETRY_NS 1000000000u

/* ---- the scheduler's ---- */

/* Lock held: how long until the next one: a hundredth of the training's time
 * and a tenth of the saver's, within bounds. */
static uint64_t interval_ns(const struct checkpoint *checkpoint)
{
    uint64_t copies = 100 * checkpoint->take_ns, writes = 10 * checkpoint->write_ns,
             wanted = copies > writes ? copies : writes;
    return wanted < INTERVAL_MIN_NS ? INTERVAL_MIN_NS : wanted > INTERVAL_MAX_NS ? INTERVAL_MAX_NS : wanted;
}

void checkpoint_begin(struct job *job)
{
    job->checkpoint.next_ns = jobs_now_ns() + INTERVAL_MIN_NS;
}

/* Copy the state; false where memory is short: then the older checkpoints must
 * do. */
static bool copy(struct job *job)
{
    struct checkpoint *checkpoint = &job->checkpoint;
    const struct ensemble *ensemble = job->training->ensemble;
    if (!checkpoint->bytes)
        checkpoint->bytes = malloc(ensemble_save_size(ensemble)); /* the same at every save */
    if (!checkpoint->bytes)
        return false;
    checkpoint->n = ensemble_save(ensemble, checkpoint->bytes);
    checkpoint->epoch = ensemble_epoch(ensemble);
    return true;
}

void checkpoint_take(struct jobs *jobs, struct job *job, bool last)
{
    struct checkpoint *checkpoint = &job->checkpoint;
    uint64_t begin_ns = jobs_now_ns();
    if ((!last && begin_ns < checkpoint->next_ns) || !ensemble_can_save(job->training->ensemble))
        return;
    pthread_mutex_lock(&jobs->lock);
    while (last && checkpoint->state == CHECKPOINT_SAVING)
        pthread_cond_wait(&jobs->changed, &jobs->lock);
    bool free_to = checkpoint->state != CHECKPOINT_SAVING;
    if (free_to)
        checkpoint->state = CHECKPOINT_TAKING;
    pthread_mutex_unlock(&jobs->lock);
    if (!free_to)
        return; /* after the next slice */
    bool taken = copy(job);
    pthread_mutex_lock(&jobs->lock);
    uint64_t now_ns = jobs_now_ns();
    checkpoint->state = taken ? CHECKPOINT_READY : CHECKPOINT_NONE;
    checkpoint->take_ns = now_ns - begin_ns;
    checkpoint->next_ns = now_ns + interval_ns(checkpoint);
    pthread_cond_signal(&jobs->saves);
    pthread_mutex_unlock(&jobs->lock);
}

bool checkpoint_resume(struct jobs *jobs, struct job *job, struct training *training)
{
    void *bytes = NULL;
    size_t n;
    struct err err;
    struct train_place place;
    if (job->checkpoint.from < 0)
        return false;
    const struct checkpoint_file file = {
        .store = jobs->options.store, .job = job->row.id, .slot = job->checkpoint.from};
    bool ok = checkpoint_read(&file, ensemble_save_size(training->ensemble), &bytes, &n, &err) &&
              ensemble_restore(training->ensemble, bytes, n, &err) &&
              ensemble_state_look(bytes, n, &place, &err);
    free(bytes);
    if (ok)
        log_info("job %" PRId64 " goes on from its checkpoint: after epoch %" PRIu32 ", step %" PRIu64,
                 job->row.id, place.epoch, place.step);
    else
        log_warning("job %" PRId64 " starts again, its checkpoint cannot be used: %s", job->row.id, err.msg);
    return ok;
}

/* ---- the saver's ---- */

/* Lock held: whether it may be written: the epochs before it are stored, and
 * the job goes on. */
static bool ready(const struct job *job)
{
    return job->checkpoint.state == CHECKPOINT_READY && job->row.epoch >= job->checkpoint.epoch &&
           job_phase_is_open(job->phase);
}

/* Lock held: the job whose checkpoint is to be written now; NULL: none before
 * *due_ns. */
static struct job *save_next(const struct jobs *jobs, uint64_t now_ns, uint64_t *due_ns)
{
    *due_ns = UINT64_MAX;
    for (struct job *job = jobs->list; job; job = job->next) {
        if (!ready(job))
            continue;
        if (job->checkpoint.retry_ns <= now_ns)
            return job;
        if (job->checkpoint.retry_ns < *due_ns)
            *due_ns = job->checkpoint.retry_ns;
    }
    return NULL;
}

/* Lock held at the beginning and at the end. */
static bool save(struct jobs *jobs, struct job *job)
{
    struct checkpoint *checkpoint = &job->checkpoint;
    struct err err;
    int64_t id = job->row.id;
    checkpoint->state = CHECKPOINT_SAVING;
    pthread_mutex_unlock(&jobs->lock);
    uint64_t begin_ns = jobs_now_ns();
    ensemble_state_seal(checkpoint->bytes, checkpoint->n);
    const struct checkpoint_file file = {.store = jobs->options.store, .job = id, .slot = checkpoint->slot};
    bool ok = checkpoint_write(&file, checkpoint->bytes, checkpoint->n, &checkpoint->give_up_ns, &err);
    uint64_t end_ns = jobs_now_ns();
    bool unwanted = !ok && atomic_load(&checkpoint->give_up_ns) == GIVE_UP_NOW;
    if (!ok && !unwanted &&
        (!jobs->save_failed || err.code == ERR_STOPPED)) /* one line for a trouble, not one a second */
        log_warning("the checkpoint of job %" PRId64 " is not written: %s", id, err.msg);
    if (ok && jobs->save_failed)
        log_info("checkpoints can be written again");
    jobs->save_failed = !ok && !unwanted;
    pthread_mutex_lock(&jobs->lock);
    checkpoint->write_ns = end_ns - begin_ns;
    checkpoint->state = ok ? CHECKPOINT_NONE : CHECKPOINT_READY;
    checkpoint->retry_ns = ok ? 0 : end_ns + RETRY_NS;
    if (ok)
        checkpoint->slot = 1 - checkpoint->slot;
    pthread_cond_broadcast(&jobs->changed);
    if (job_phase_is_ending(job->phase))
        pthread_cond_signal(&jobs->unsaved); /* its end waits for this */
    return ok;
}

/* Lock held. */
static void wait_until(struct jobs *jobs, uint64_t due_ns)
{
    struct timespec at = {.tv_sec = (time_t)(due_ns / 1000000000u), .tv_nsec = (long)(due_ns % 1000000000u)};
    if (due_ns == UINT64_MAX)
        pthread_cond_wait(&jobs->saves, &jobs->lock);
    else
        pthread_cond_timedwait(&jobs->saves, &jobs->lock, &at);
}

void *jobs_save(void *self)
{
    struct jobs *jobs = self;
    struct job *job;
    uint64_t due_ns;
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->saver_stopping) {
        atomic_fetch_add(&jobs->n_turns[HEART_SAVER], 1);
        if ((job = save_next(jobs, jobs_now_ns(), &due_ns)))
            save(jobs, job);
        else
            wait_until(jobs, due_ns);
    }
    /* What the scheduler took when it stopped. */
    while ((job = save_next(jobs, jobs_now_ns(), &due_ns)) && save(jobs, job)) {}
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}
