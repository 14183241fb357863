/* The scheduler: the one thread that trains. It runs live jobs by turns in
 * slices and hands what there is to store to the writer.
 *
 * Its loop begins with the lock held, and gives it up while it makes, runs or
 * evaluates a training. Only it touches job->training and job->snapshot, and it
 * never waits for a write. */
#include "base/log.h"
#include "jobs/private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_NS 100000000u
#define SNAPSHOT_NS 1000000000u

/* Lock held: the queued job to start now: the first of the highest priority
 * that has room. NULL: none. */
static struct job *next_start(struct jobs *jobs)
{
    struct job *first = NULL;
    uint32_t n_running = 0;
    for (struct job *job = jobs->list; job; job = job->next)
        if (job->phase == PHASE_RUNNING)
            n_running++;
    for (struct job *job = jobs->list; job && n_running < JOBS_ACTIVE_MAX; job = job->next)
        if (job->phase == PHASE_QUEUED && (!first || job->row.priority > first->row.priority) &&
            (job->training || jobs_room(jobs, job->bytes)))
            first = job;
    return first;
}

/* Lock held: the running job that has had the least by its share. NULL:
 * none. */
static struct job *next_slice(struct jobs *jobs)
{
    struct job *least = NULL;
    for (struct job *job = jobs->list; job; job = job->next) {
        if (job->phase != PHASE_RUNNING || job->n_pending == PENDING_MAX)
            continue;
        job->spent = fmax(job->spent, jobs->spent);
        if (!least || job->spent < least->spent)
            least = job;
    }
    return least;
}

/* Lock held: whether what a job came to under an earlier daemon is still only
 * in its checkpoint. */
static bool is_stored(const struct job *job)
{
    return !job->training && job->checkpoint.from >= 0;
}

/* Lock held: who is to be stopped, then who is to start, then who goes on.
 * NULL: nobody. */
static struct job *next_job(struct jobs *jobs)
{
    for (struct job *job = jobs->list; job; job = job->next) {
        bool fits = !is_stored(job) || jobs_room(jobs, job->bytes);
        if (job->phase == PHASE_DELETING || (job->phase == PHASE_CANCELLING && fits))
            return job;
    }
    struct job *job = next_start(jobs);
    return job ? job : next_slice(jobs);
}

/* Lock held: seconds that the job may still train; infinite where there is no
 * limit. Where none are left *err says so. */
static double seconds_left(const struct jobs *jobs, const struct job *job, struct err *err)
{
    double asked = isnan(job->row.max_seconds) ? INFINITY : job->row.max_seconds;
    double most = jobs->options.max_seconds > 0 ? jobs->options.max_seconds : INFINITY;
    double left = fmin(asked, most) - job->run_seconds - job->seconds_before;
    if (left <= 0)
        err_set(err, ERR_TIME,
                "it was stopped after %g seconds of training, as %s says; the model so far is kept",
                fmin(asked, most), asked <= most ? "max_seconds" : "--max-job-seconds");
    return left;
}

/* Hand the training back to its parts; progress keeps the last figure. */
static void training_drop(struct jobs *jobs, struct job *job)
{
    pthread_mutex_lock(&jobs->lock);
    struct training *training = job->training;
    if (training)
        job->fraction = ensemble_fraction(training->ensemble);
    job->training = NULL;
    pthread_mutex_unlock(&jobs->lock);
    training_free(training);
}

/* The model that the job leaves: a succeeded or cancelled one as it stands, a
 * failed one, or one that was stopped while its weights changed, as it last
 * stood well. NULL: none. */
static struct model *model_left(struct job *job, enum job_state *end, struct err *err)
{
    struct err why;
    if (!job->training || ensemble_epoch(job->training->ensemble) == 0)
        return NULL;
    if (*end == JOB_FAILED || !ensemble_can_save(job->training->ensemble))
        return job->snapshot ? model_ref(job->snapshot) : NULL;
    struct model *model = ensemble_model(job->training->ensemble, &why);
    if (!model && *end == JOB_SUCCEEDED) {
        *end = JOB_FAILED;
        *err = why;
    }
    return model;
}

/* The evaluation of the model and, unless a request waits for it (`hurry`), the
 * importance of the columns. NULL: *err. */
static struct evaluation *evaluate(struct jobs *jobs, const struct job *job, const struct model *model,
                                   bool hurry, enum rows_kind *kind, struct err *err)
{
    const struct importance_options options = {.seed = job->request.train.seed, .stop = &jobs->halt};
    struct err unimportant;
    struct rows rows = *training_evaluation_rows(job->training, kind);
    rows.weights = NULL;
    struct evaluation *evaluation = model_evaluate(model, &rows, jobs->pool, &jobs->halt, err);
    if (evaluation && !hurry &&
        !evaluation_importance(evaluation, model, &rows, jobs->pool, &options, &unimportant) &&
        unimportant.code != ERR_STOPPED)
        log_warning("job %" PRId64 ": no importance of the columns: %s", job->row.id, unimportant.msg);
    if (stop_check(&jobs->halt, err))
        return evaluation;
    evaluation_free(evaluation);
    return NULL;
}

/* What is to be said about the training; NULL: nothing, or no memory for it. */
static struct warnings *warnings_left(const struct job *job, enum job_state end, const struct err *err)
{
    struct warnings *warnings = calloc(1, sizeof *warnings);
    if (warnings && end == JOB_FAILED && err->code == ERR_NUMERIC)
        warnings_add(warnings, WARNING_DIVERGENCE, NULL, "%s.", err->msg);
    else if (warnings && end != JOB_FAILED && job->training)
        warnings_of_ensemble(warnings, job->training->ensemble);
    if (warnings && warnings->n > 0)
        return warnings;
    free(warnings);
    return NULL;
}

/* The training is over: make model and evaluation, and pass all to the writer.
 * err: why it failed, where it did. */
static void finish(struct jobs *jobs, struct job *job, enum job_state end, const struct err *err)
{
    struct err end_err = err ? *err : (struct err){0}, why;
    enum rows_kind kind = ROWS_NONE;
    bool cancelled = end == JOB_CANCELLED && !err;
    struct model *model = model_left(job, &end, &end_err);
    struct evaluation *evaluation = model ? evaluate(jobs, job, model, cancelled, &kind, &why) : NULL;
    if (model && !evaluation &&
        why.code == ERR_STOPPED) { /* the next start does all this again, from the checkpoint */
        model_unref(model);
        return;
    }
    if (model && !evaluation && end == JOB_SUCCEEDED) {
        end = JOB_FAILED;
        end_err = why;
    }
    struct warnings *warnings = warnings_left(job, end, &end_err);
    training_drop(jobs, job);
    model_unref(job->snapshot);
    job->snapshot = NULL;
    pthread_mutex_lock(&jobs->lock);
    job->end = end;
    job->end_err = end_err;
    job->model = model;
    job->model_state = end == JOB_SUCCEEDED ? MODEL_FINISHED : MODEL_PARTIAL;
    job->evaluation = evaluation;
    job->evaluated_on = evaluation ? kind : ROWS_NONE;
    job->warnings = warnings;
    job_event(jobs, job, EVENT_END);
    atomic_store(&job->checkpoint.give_up_ns, GIVE_UP_NOW);
    if (job->checkpoint.state == CHECKPOINT_READY)
        job->checkpoint.state = CHECKPOINT_NONE; /* no longer of use */
    pthread_cond_signal(&jobs->unsaved);
    pthread_mutex_unlock(&jobs->lock);
}

/* What the job came to under an earlier daemon is what it leaves where it fails
 * before its next epoch ends: on rows that are damaged now. */
static void snapshot_resume(struct job *job, const struct training *training)
{
    struct err ignored;
    if (ensemble_epoch(training->ensemble) == 0 || job->snapshot)
        return;
    job->snapshot = ensemble_model(training->ensemble, &ignored); /* without memory there is none */
    job->snapshot_loss = NAN;                                     /* any epoch's end beats it */
}

/* Make the training of a job that was not made ready ahead, and go on from its
 * checkpoint. *training NULL: it has to wait for memory; false: it can never
 * run. */
static bool make(struct jobs *jobs, struct job *job, struct job_row *row, struct training **training,
                 struct err *err)
{
    struct training *made = training_new(&jobs->options, &job->request, row, NULL, err);
    *training = NULL;
    if (!made || !jobs_fits(jobs, made->bytes, err)) {
        training_free(made);
        return false;
    }
    pthread_mutex_lock(&jobs->lock);
    job->bytes = made->bytes;
    bool room = jobs_room(jobs, job->bytes);
    pthread_mutex_unlock(&jobs->lock);
    if (!room || !training_ready(made, err)) {
        training_free(made);
        return !room;
    }
    if (checkpoint_resume(jobs, job, made)) {
        job->fraction_before = ensemble_fraction(made->ensemble);
        snapshot_resume(job, made);
    }
    *training = made;
    return true;
}

/* End it with the model so far: one that has not run since the start is taken
 * up for that, where need be as soon as there is room. */
static void cancel(struct jobs *jobs, struct job *job)
{
    struct err why;
    pthread_mutex_lock(&jobs->lock);
    struct job_row row = job->row;
    bool stored = is_stored(job);
    pthread_mutex_unlock(&jobs->lock);
    if (stored) {
        struct training *training;
        bool possible = make(jobs, job, &row, &training, &why);
        if (possible ? !training : why.code == ERR_STOPPED)
            return;
        pthread_mutex_lock(&jobs->lock);
        job->training = training;
        pthread_mutex_unlock(&jobs->lock);
    }
    finish(jobs, job, JOB_CANCELLED, NULL);
}

/* Queued to running. */
static bool start(struct jobs *jobs, struct job *job)
{
    struct err err;
    pthread_mutex_lock(&jobs->lock);
    struct job_row row = job->row;
    pthread_mutex_unlock(&jobs->lock);
    struct training *training = job->training;
    if (!training && !make(jobs, job, &row, &training, &err)) {
        if (err.code == ERR_STOPPED)
            return false;
        finish(jobs, job, JOB_FAILED, &err);
        return false;
    }
    if (!training)
        return false;
    checkpoint_begin(job);
    pthread_mutex_lock(&jobs->lock);
    job->training = training;
    bool started = job->phase == PHASE_QUEUED;
    if (started) {
        job->row.epochs = row.epochs;
        job->row.n_train = row.n_train;
        job->row.n_validation = row.n_validation;
        job->row.n_test = row.n_test;
        if (!job->row.started[0])
            store_stamp(job->row.started);
        job_event(jobs, job, EVENT_START);
        job->state_unstored = true;
        pthread_cond_signal(&jobs->unsaved);
    }
    pthread_mutex_unlock(&jobs->lock);
    return started;
}

/* Room for one more epoch; before the epoch is run, so that none is lost. */
static bool pending_reserve(struct jobs *jobs, struct job *job, struct err *err)
{
    bool ok = true;
    pthread_mutex_lock(&jobs->lock);
    if (job->n_pending == job->pending_capacity) {
        size_t capacity = job->pending_capacity ? 2 * job->pending_capacity : 16;
        struct epoch_metrics *grown = realloc(job->pending, capacity * sizeof *grown);
        ok = grown != NULL;
        if (ok) {
            job->pending = grown;
            job->pending_capacity = capacity;
        }
    }
    pthread_mutex_unlock(&jobs->lock);
    return ok || err_memory(err, "the history of a job");
}

/* An epoch that an earlier daemon stored before it ended, after its last
 * checkpoint, has come out once more, with the same bits. */
static bool pending_add(struct jobs *jobs, struct job *job, const struct epoch_metrics *metrics)
{
    pthread_mutex_lock(&jobs->lock);
    if (metrics->epoch > job->row.epoch)
        job->pending[job->n_pending++] = *metrics;
    if (job->n_pending == 1)
        pthread_cond_signal(&jobs->unsaved);
    bool room = job->n_pending < PENDING_MAX;
    pthread_mutex_unlock(&jobs->lock);
    return room;
}

/* Whether the epoch's end is better than the snapshot: by the validation loss,
 * where there is one. */
static bool snapshot_is_beaten(const struct job *job, double loss)
{
    return !job->snapshot || isnan(loss) || isnan(job->snapshot_loss) || loss < job->snapshot_loss;
}

/* The best model so far, taken at most once a second: served while the job
 * trains, and what a diverged one leaves. Without memory the older one
 * stays. */
static void snapshot_take(struct jobs *jobs, struct job *job, const struct epoch_metrics *metrics,
                          uint64_t now_ns)
{
    struct err ignored;
    struct model_row row = {.job = job->row.id, .epochs = metrics->epoch};
    double loss = metrics->validation[METRIC_LOSS];
    if ((job->snapshot && now_ns - job->snapshot_ns < SNAPSHOT_NS) || !snapshot_is_beaten(job, loss))
        return;
    struct model *model = ensemble_model(job->training->ensemble, &ignored);
    if (!model)
        return;
    model_unref(job->snapshot);
    job->snapshot = model;
    job->snapshot_ns = now_ns;
    job->snapshot_loss = loss;
    memcpy(row.name, job->row.model, sizeof row.name); /* never changes */
    models_offer(jobs->options.models, model, &row);
}

/* Train until the deadline, a stop, or the end. */
static enum train_state train(struct jobs *jobs, struct job *job, uint64_t deadline_ns, struct err *err)
{
    struct epoch_metrics metrics;
    enum train_state state = TRAIN_EPOCH;
    bool room = true;
    while (state == TRAIN_EPOCH && room && !atomic_load(&job->stop) && jobs_now_ns() < deadline_ns) {
        if (!pending_reserve(jobs, job, err))
            return TRAIN_FAILED;
        state = ensemble_run(job->training->ensemble, jobs->pool, &job->stop, deadline_ns, &metrics, err);
        if (state == TRAIN_EPOCH) {
            snapshot_take(jobs, job, &metrics,
                          jobs_now_ns()); /* first: who has seen the epoch finds its model */
            room = pending_add(jobs, job, &metrics);
        }
    }
    return state;
}

static void slice(struct jobs *jobs, struct job *job)
{
    struct err err, time_err;
    uint64_t begin_ns = jobs_now_ns();
    pthread_mutex_lock(&jobs->lock);
    jobs->spent = job->spent = fmax(job->spent, jobs->spent);
    job->slice_ns = begin_ns;
    double left = seconds_left(jobs, job, &time_err);
    pthread_mutex_unlock(&jobs->lock);
    uint64_t slice_ns = left < SLICE_NS * 1e-9 ? (uint64_t)(fmax(left, 0) * 1e9) : SLICE_NS;
    enum train_state state = train(jobs, job, begin_ns + slice_ns, &err);
    double seconds = (double)(jobs_now_ns() - begin_ns) * 1e-9;
    pthread_mutex_lock(&jobs->lock);
    job->run_seconds += seconds;
    job->spent += seconds / job_share(&job->row);
    job->slice_ns = 0;
    left = seconds_left(jobs, job, &time_err);
    pthread_mutex_unlock(&jobs->lock);
    if (state == TRAIN_DONE) {
        finish(jobs, job, JOB_SUCCEEDED, NULL);
    } else if (state == TRAIN_FAILED) {
        finish(jobs, job, JOB_FAILED, &err);
    } else if (left <= 0) {
        finish(jobs, job, JOB_CANCELLED, &time_err);
    } else {
        checkpoint_take(jobs, job, false);
    }
}

/* A delete waits for this: the training goes, the rest is the caller's. */
static void park(struct jobs *jobs, struct job *job)
{
    training_drop(jobs, job);
    model_unref(job->snapshot);
    job->snapshot = NULL;
    models_withdraw(jobs->options.models, job->row.id);
    pthread_mutex_lock(&jobs->lock);
    job_event(jobs, job, EVENT_PARK);
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
}

/* One turn of the job, without the lock. */
static void turn(struct jobs *jobs, struct job *job, enum job_phase phase)
{
    if (phase == PHASE_DELETING)
        park(jobs, job);
    else if (phase == PHASE_CANCELLING)
        cancel(jobs, job);
    else if (phase == PHASE_RUNNING || start(jobs, job))
        slice(jobs, job);
}

/* The scheduler stops: keep what the trainings have come to. Lock held at the
 * beginning and at the end; only jobs that are ending or parked are taken
 * off the list by others, so it stays whole around each of these. */
static void last_checkpoints(struct jobs *jobs)
{
    for (struct job *job = jobs->list; job; job = job->next) {
        if (!job->training || (job->phase != PHASE_RUNNING && job->phase != PHASE_PAUSED))
            continue;
        pthread_mutex_unlock(&jobs->lock);
        checkpoint_take(jobs, job, true);
        pthread_mutex_lock(&jobs->lock);
    }
}

void *jobs_schedule(void *self)
{
    struct jobs *jobs = self;
    pool_background(jobs->options.nice_level);
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stopping) {
        atomic_fetch_add(&jobs->n_turns[HEART_POOL], 1);
        struct job *job = next_job(jobs);
        if (!job) {
            pthread_cond_wait(&jobs->work, &jobs->lock);
            continue;
        }
        enum job_phase phase = job->phase;
        atomic_store(&job->stop, false); /* who wants something sets it again under the lock, after this */
        pthread_mutex_unlock(&jobs->lock);
        turn(jobs, job, phase);
        pthread_mutex_lock(&jobs->lock);
    }
    last_checkpoints(jobs);
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}
