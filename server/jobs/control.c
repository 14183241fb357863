/* Jobs as others move them: submit, pause, resume, cancel, delete. Called by
 * service threads; each returns when it is on disk. */
#include "jobs/checkpoints.h"
#include "jobs/private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool stopping_err(struct err *err)
{
    return err_set(err, ERR_STOPPED, "mlpd is stopping: try again when it is back");
}

/* Whether one more may wait, and whether one of so many bytes may be made ready
 * ahead. */
static bool queue_look(struct jobs *jobs, uint64_t bytes, bool *ahead, struct err *err)
{
    uint32_t n_waiting = 0, n_ready = 0;
    pthread_mutex_lock(&jobs->lock);
    bool stopping = jobs->stopping;
    for (const struct job *job = jobs->list; job; job = job->next) {
        if (job_phase_is_waiting(job->phase))
            n_waiting++;
        if (job->training)
            n_ready++;
    }
    *ahead = n_ready < JOBS_ACTIVE_MAX && jobs_room(jobs, bytes);
    pthread_mutex_unlock(&jobs->lock);
    if (stopping)
        return stopping_err(err);
    if (n_waiting >= jobs->options.queue_max)
        return err_set(err, ERR_FULL,
                       "%" PRIu32 " jobs are waiting already, no more are taken: try again later", n_waiting);
    return true;
}

static bool row_begin(struct job_row *row, const struct job_request *request, struct err *err)
{
    const char *model = request->model[0] ? request->model : request->dataset;
    if (!store_name_check(model, "model", err))
        return false;
    *row = (struct job_row){.state = JOB_QUEUED,
                            .change = 1,
                            .priority = request->priority,
                            .weight = request->weight,
                            .max_seconds = request->max_seconds};
    memcpy(row->dataset, request->dataset, sizeof row->dataset);
    row->dataset_id = request->dataset_id;
    memcpy(row->test, request->test, sizeof row->test);
    memcpy(row->validation, request->validation, sizeof row->validation);
    memcpy(row->model, model, strlen(model) + 1);
    store_stamp(row->created);
    return true;
}

/* Check the job against its data and store it. */
static bool job_prepare(struct jobs *jobs, struct job *job, const struct job_request *request,
                        struct err *err)
{
    struct err ignored;
    struct warnings warnings = {.n = 0};
    bool ahead = false;
    if (!queue_look(jobs, 0, &ahead, err) || !row_begin(&job->row, request, err) ||
        !job_request_copy(&job->request, request, err))
        return false;
    job->phase = PHASE_QUEUED;
    job->checkpoint.from = -1; /* as long as it is not submitted, its stop is the request's */
    job->training = training_new(&jobs->options, &job->request, &job->row, &warnings, err);
    if (!job->training)
        return false;
    job->bytes = job->training->bytes;
    if (!jobs_fits(jobs, job->bytes, err) || !queue_look(jobs, job->bytes, &ahead, err))
        return false;
    if (ahead && !training_ready(job->training, err))
        return false;
    if (!ahead) { /* hundreds of waiting jobs must not hold their rows and networks in memory */
        training_free(job->training);
        job->training = NULL;
    }
    job->request.stop = &jobs->halt;
    if (!store_job_insert(jobs->options.store, &job->row, request->json ? request->json : "{}", &warnings,
                          err))
        return false;
    if (events_job_open(jobs->options.events, &job->row, err)) {
        events_job_warnings(jobs->options.events, job->row.id, &warnings);
        return true;
    }
    if (store_job_delete(jobs->options.store, job->row.id, &ignored))
        checkpoints_remove(jobs->options.store, job->row.id); /* its record for --recover */
    return false;
}

static void job_queue(struct jobs *jobs, struct job *job, struct job_info *info)
{
    pthread_mutex_lock(&jobs->lock);
    jobs_link(jobs, job);
    if (info)
        jobs_info(jobs, job, info);
    pthread_cond_signal(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
}

/* Whether a dataset was replaced, renamed or deleted since the row took its
 * number. */
static bool data_moved(const struct jobs *jobs, const struct job_row *row)
{
    struct datasets *datasets = jobs->options.datasets;
    return (row->dataset_id && datasets_moved(datasets, row->dataset, row->dataset_id)) ||
           (row->test_id && datasets_moved(datasets, row->test, row->test_id)) ||
           (row->validation_id && datasets_moved(datasets, row->validation, row->validation_id));
}

bool jobs_submit(struct jobs *jobs, const struct job_request *request, struct job_info *info, struct err *err)
{
    struct err why = {0};
    for (bool moved = true; moved;) {
        struct job *job = calloc(1, sizeof *job);
        if (!job)
            return err_memory(err, "a job");
        if (job_prepare(jobs, job, request, &why)) {
            job_queue(jobs, job, info);
            return true;
        }
        moved = (why.code == ERR_CONFLICT || request->dataset_id) && data_moved(jobs, &job->row);
        job_free(job);
        if (moved && request->dataset_id) {
            err_set(err, ERR_CONFLICT,
                    "the dataset %s was replaced or deleted before its job was taken: send it again",
                    request->dataset);
            return err_field(err, "dataset");
        }
    }
    *err = why;
    return false;
}

/* Of a job that is not live: why it cannot be moved. */
static bool ended_err(struct jobs *jobs, int64_t id, struct err *err)
{
    struct job_row row;
    if (!store_job_get(jobs->options.store, id, &row, err))
        return false;
    return err_set(err, ERR_CONFLICT, "the job %" PRId64 " has ended: it %s", id,
                   row.state == JOB_CANCELLED ? "was cancelled" : job_state_name(row.state));
}

/* Lock held: the live job, if its state may still be changed. NULL: *ending
 * says whether it is live but about to end. */
static struct job *find_open(struct jobs *jobs, int64_t id, bool *ending)
{
    struct job *job = jobs_find(jobs, id);
    *ending = job && !job_phase_is_open(job->phase);
    return *ending ? NULL : job;
}

/* Change the state of a live job in memory; *row is what is to be stored. */
static bool state_change(struct jobs *jobs, int64_t id, bool pause, struct job_row *row, struct err *err)
{
    bool ending = false;
    pthread_mutex_lock(&jobs->lock);
    struct job *job = jobs->stopping ? NULL : find_open(jobs, id, &ending);
    bool stopping = jobs->stopping;
    if (job) {
        enum job_state before = job->row.state;
        job_event(jobs, job, pause ? EVENT_PAUSE : EVENT_RESUME);
        if (job->row.state == before)
            job->row.change++; /* stored once more: an equal request may still be on its way to the disk */
        atomic_store(&job->stop, pause);
        pthread_cond_signal(&jobs->work);
        *row = job->row;
    }
    pthread_mutex_unlock(&jobs->lock);
    if (job)
        return true;
    if (stopping)
        return stopping_err(err);
    if (ending)
        return err_set(err, ERR_CONFLICT, "the job %" PRId64 " is about to end", id);
    return ended_err(jobs, id, err);
}

static bool state_move(struct jobs *jobs, int64_t id, bool pause, struct job_info *info, struct err *err)
{
    struct job_row row = {0};
    return state_change(jobs, id, pause, &row, err) && store_job_update(jobs->options.store, &row, err) &&
           (!info || jobs_get(jobs, id, info, err));
}

bool jobs_pause(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err)
{
    return state_move(jobs, id, true, info, err);
}

bool jobs_resume(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err)
{
    return state_move(jobs, id, false, info, err);
}

/* Lock held. How far the job is ahead of the others counts by its new share
 * from now on: else what it had at a small one would keep it waiting however
 * large it is now. */
static void share_changed(const struct jobs *jobs, struct job *job, double before)
{
    double ahead = fmax(job->spent - jobs->spent, 0);
    job->spent = jobs->spent + ahead * before / job_share(&job->row);
}

static void change_apply(struct job_row *row, const struct job_change *change)
{
    if (change->has_title)
        memcpy(row->title, change->title, sizeof row->title);
    if (change->has_priority)
        row->priority = change->priority;
    if (change->has_weight)
        row->weight = change->weight;
    if (change->has_max_seconds)
        row->max_seconds = change->max_seconds;
    row->settings++;
}

bool jobs_change(struct jobs *jobs, int64_t id, const struct job_change *change, struct job_info *info,
                 struct err *err)
{
    struct job_row row = {0};
    pthread_mutex_lock(&jobs->lock);
    struct job *job = jobs_find(jobs, id);
    if (job) {
        double before = job_share(&job->row);
        change_apply(&job->row, change);
        share_changed(jobs, job, before);
        row = job->row;
        pthread_cond_signal(&jobs->work);
    }
    pthread_mutex_unlock(&jobs->lock);
    if (!job) {
        if (!store_job_get(jobs->options.store, id, &row, err))
            return false;
        if (change->has_priority || change->has_weight || change->has_max_seconds)
            return ended_err(jobs, id, err);
        change_apply(&row, change);
    }
    return store_job_settings(jobs->options.store, &row, err) && jobs_get(jobs, id, info, err);
}

/* Lock held: a cancel or a delete, told to the scheduler. The slice under way,
 * of any job, is cut short. */
static void end_ask(struct jobs *jobs, struct job *job, enum job_event event)
{
    job_event(jobs, job, event);
    for (struct job *other = jobs->list; other; other = other->next)
        if (other == job || other->slice_ns)
            atomic_store(&other->stop, true);
    atomic_store(&job->checkpoint.give_up_ns, GIVE_UP_NOW);
    if (job_phase_is_ending(job->phase)) {
        job->retry_ns = 0; /* a model that waits for the disk waits no longer */
        pthread_cond_signal(&jobs->unsaved);
    }
    pthread_cond_signal(&jobs->work);
}

/* Lock held: whether only a deleter may have the job in hand. */
static bool is_left_alone(const struct job *job)
{
    return job->phase == PHASE_PARKED && !job->writing && job->checkpoint.state != CHECKPOINT_SAVING;
}

/* Lock held: wait until the job has left the list or, for a delete, is left
 * alone; until `until_ns` at most, unless it is just ending in another way than
 * one cancelled. false: *err. */
static bool wait_gone(struct jobs *jobs, int64_t id, enum job_event event, uint64_t until_ns, struct err *err)
{
    uint64_t n_write_errs = jobs->n_write_errs;
    struct job *job;
    while ((job = jobs_find(jobs, id)) && !(event == EVENT_DELETE && is_left_alone(job))) {
        uint64_t until = job_phase_is_ending(job->phase) && job->end != JOB_CANCELLED ? UINT64_MAX : until_ns;
        if (jobs_now_ns() >= until)
            break;
        if (jobs->stopping)
            return stopping_err(err);
        if (jobs->n_write_errs != n_write_errs && jobs->write_err.code != ERR_OK) {
            *err = jobs->write_err;
            return false;
        }
        jobs_wait(jobs, &jobs->changed, until);
    }
    return true;
}

/* Lock held at the beginning and at the end: the job does not end yet, but that
 * it will is on disk. */
static bool cancelling_store(struct jobs *jobs, struct job *job, struct err *err)
{
    enum job_state before = job->row.state;
    job_event(jobs, job, EVENT_CANCEL_TAKES_LONG);
    if (job->row.state == before)
        job->row.change++; /* as in state_change */
    struct job_row row = job->row;
    pthread_mutex_unlock(&jobs->lock);
    bool ok = store_job_update(jobs->options.store, &row, err);
    pthread_mutex_lock(&jobs->lock);
    return ok;
}

bool jobs_cancel(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err)
{
    struct job_info ended;
    bool ok = true;
    uint64_t until_ns = jobs_now_ns() + jobs->options.cancel_ns;
    pthread_mutex_lock(&jobs->lock);
    struct job *job = jobs_find(jobs, id);
    if (job && job_phase_next(job->phase, EVENT_CANCEL) == PHASE_NONE) {
        ok = err_set(err, ERR_CONFLICT, "the job %" PRId64 " is being deleted", id);
    } else if (job) {
        end_ask(jobs, job, EVENT_CANCEL);
        ok = wait_gone(jobs, id, EVENT_CANCEL, until_ns, err);
        job = jobs_find(jobs, id);
        if (ok && job)
            ok = cancelling_store(jobs, job, err);
    }
    pthread_mutex_unlock(&jobs->lock);
    if (!ok || !jobs_get(jobs, id, &ended, err))
        return false;
    if (ended.row.state != JOB_CANCELLED && ended.row.state != JOB_CANCELLING)
        return ended_err(jobs, id, err);
    if (info)
        *info = ended;
    return true;
}

/* Lock held: a parked job, which only its deleter has. Where the store cannot
 * forget it, it stays stopped until a delete can, or until the next start. */
static bool parked_delete(struct jobs *jobs, struct job *job, struct err *err)
{
    int64_t id = job->row.id;
    job_event(jobs, job, EVENT_FORGET);
    pthread_mutex_unlock(&jobs->lock);
    bool ok = store_job_delete(jobs->options.store, id, err);
    pthread_mutex_lock(&jobs->lock);
    if (ok) {
        jobs_unlink(jobs, job);
        events_job_done(jobs->options.events, id, NULL);
    } else {
        job_event(jobs, job, EVENT_FORGET_FAILED);
    }
    pthread_cond_broadcast(&jobs->changed);
    return ok;
}

bool jobs_delete(struct jobs *jobs, int64_t id, struct err *err)
{
    struct job_row row;
    if (!store_job_get(jobs->options.store, id, &row, err))
        return false;
    pthread_mutex_lock(&jobs->lock);
    struct job *job = jobs_find(jobs, id);
    if (job)
        end_ask(jobs, job, EVENT_DELETE);
    bool ok = !job || wait_gone(jobs, id, EVENT_DELETE, UINT64_MAX, err);
    struct job *parked = ok ? jobs_find(jobs, id) : NULL;
    if (parked)
        ok = parked_delete(jobs, parked, err);
    pthread_mutex_unlock(&jobs->lock);
    if (!ok)
        return false;
    job_free(parked);
    if (!parked && !store_job_delete(jobs->options.store, id, err))
        return false;
    checkpoints_remove(jobs->options.store, id);
    datasets_release(jobs->options.datasets, row.dataset_id);
    datasets_release(jobs->options.datasets, row.test_id);
    datasets_release(jobs->options.datasets, row.validation_id);
    return true;
}
