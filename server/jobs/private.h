/* Private to the jobs: the structs that API (jobs.c), scheduler (jobs/run.c),
 * writer (jobs/write.c) and saver (jobs/save.c) share.
 *
 * A live job is one that is not final in the store. It is on the list from
 * jobs_submit until the writer has stored its end, or until a delete has
 * removed it. Its training belongs to the scheduler, its result to the writer
 * from the end of the training on (job_phase_is_ending). */
#ifndef MLPD_JOBS_PRIVATE_H
#define MLPD_JOBS_PRIVATE_H

#include "jobs/jobs.h"
#include "jobs/phase.h"
#include "jobs/training.h"

#include <pthread.h>
#include <stdatomic.h>

#define JOBS_ACTIVE_MAX 64     /* jobs that run by turns, or are made ready ahead */
#define PENDING_MAX (1u << 16) /* epochs that wait for the writer before the job has to wait, too */
#define BATCH_EPOCHS 4096      /* of one commit */
#define BATCH_STATES 64
#define GIVE_UP_NOW 1 /* checkpoint.give_up_ns of a job that needs none any more */

/* Whose the copy of a training's state is: the scheduler's while it is taken,
 * the saver's while it is written. */
enum checkpoint_state { CHECKPOINT_NONE, CHECKPOINT_TAKING, CHECKPOINT_READY, CHECKPOINT_SAVING };

struct checkpoint {
    int from;         /* the slot that the job goes on from; -1: none. Never changes once the threads run */
    int slot;         /* where the next one is written; the saver's */
    uint64_t next_ns; /* the scheduler's: when to take the next */
    void *bytes;      /* (n), by state; kept for the next, freed with the job */
    size_t n;
    uint32_t epoch;
    /* under jobs->lock */
    enum checkpoint_state state;
    uint64_t take_ns, write_ns; /* how long the last one took */
    uint64_t retry_ns;          /* not written before */
    atomic_ullong give_up_ns;   /* when it is no longer worth writing; 0: never */
};

struct job {
    struct job_request request; /* never changes */
    atomic_bool stop;           /* ends the slice under way; set under jobs->lock */
    /* the scheduler's; `training` is written under jobs->lock, as others look
     * at its progress */
    struct training *training;
    struct model *snapshot; /* the best so far, looked at once a second: served meanwhile, and what a diverged
                               job leaves */
    uint64_t snapshot_ns;
    double snapshot_loss; /* its validation loss, NaN where there is none */
    struct checkpoint checkpoint;
    /* under jobs->lock */
    struct job *next;              /* by id */
    struct job_row row;            /* as shown; row.epoch: stored epochs */
    enum job_phase phase;          /* changes by job_event alone */
    bool writing;                  /* the writer has a copy of something of this job in hand */
    bool state_unstored;           /* the scheduler changed row.state: for the writer to store */
    double run_seconds;            /* time in slices that have ended */
    double seconds_before;         /* the same by earlier daemons */
    double spent;                  /* its time so far by its share: the job with the least runs next */
    uint64_t bytes;                /* that its training takes, about; 0: not known */
    uint64_t slice_ns;             /* when the slice under way began; 0: none is */
    double fraction;               /* at the last look, for when the training is gone */
    double fraction_before;        /* done by earlier daemons: not in run_seconds */
    struct epoch_metrics *pending; /* epochs not yet stored */
    size_t n_pending, pending_capacity;
    /* the writer's while job_phase_is_ending */
    uint64_t retry_ns; /* not before */
    enum job_state end;
    struct err end_err;
    struct model *model; /* NULL: none */
    enum model_state model_state;
    struct evaluation *evaluation; /* NULL: none */
    struct warnings *warnings;     /* about the training; NULL: none */
    enum rows_kind evaluated_on;
};

/* What the writer has in hand. */
struct batch {
    struct job_epoch epochs[BATCH_EPOCHS];
    size_t n_epochs;
    struct job_row states[BATCH_STATES];
    size_t n_states;
};

struct jobs {
    struct jobs_options options;
    struct pool *pool;
    pthread_t scheduler, writer, saver;
    bool has_scheduler, has_writer, has_saver;
    _Atomic uint64_t n_turns[N_HEARTS]; /* of the loops of the writer, the saver and the scheduler */
    bool save_failed;                   /* the saver's */
    pthread_mutex_t lock;
    pthread_cond_t work; /* the scheduler waits: something to run, or stopping */
    pthread_cond_t
        unsaved; /* the writer waits: epochs, states or results to store, or stopping (CLOCK_MONOTONIC) */
    pthread_cond_t changed; /* callers wait: a job has left the list, was parked, is no longer written; or
                               stopping (CLOCK_MONOTONIC) */
    pthread_cond_t saves;   /* the saver waits: a checkpoint to write, or stopping (CLOCK_MONOTONIC) */
    atomic_bool halt;       /* the scheduler ends: what is made or evaluated stays for the next start */
    /* under lock */
    bool stopping;         /* the scheduler ends */
    bool writer_stopping;  /* the writer ends, after one last round */
    bool saver_stopping;   /* the saver ends, after one last round */
    struct job *list;      /* live jobs, by id */
    double spent;          /* of the job that ran last: who comes new or from a pause begins here */
    uint64_t committed_ns; /* when the writer last stored epochs */
    struct batch batch;    /* the writer's own */
    struct err write_err;  /* what the writer last error; ERR_OK: all is well */
    uint64_t n_write_errs;
};

uint64_t jobs_now_ns(void); /* CLOCK_MONOTONIC */
/* Wait for one of the conditions with CLOCK_MONOTONIC, until `ns` at most;
 * UINT64_MAX: for ever. */
void jobs_wait(struct jobs *jobs, pthread_cond_t *condition, uint64_t ns);

/* Lock held. */
struct job *jobs_find(struct jobs *jobs, int64_t id);
/* Lock held: the job moves on by the table (phase.h), which must allow it;
 * where the word that is shown changes, row.change counts it and subscribers
 * are told. */
void job_event(struct jobs *jobs, struct job *job, enum job_event event);
/* How much of the time the job gets beside others. */
double job_share(const struct job_row *row);
/* Lock held: whether a training of so many bytes has room beside those that are
 * there; 0 bytes: not known, yes. */
bool jobs_room(const struct jobs *jobs, uint64_t bytes);
/* ERR_SPACE where a training of so many bytes can never have room. */
bool jobs_fits(const struct jobs *jobs, uint64_t bytes, struct err *err);
/* Lock held: what is to be said of a live job. */
void jobs_info(struct jobs *jobs, const struct job *job, struct job_info *info);
/* Lock held: put it on the list, by id. */
void jobs_link(struct jobs *jobs, struct job *job);
/* Lock held: take it off the list; the caller frees it. */
void jobs_unlink(struct jobs *jobs, struct job *job);
void job_free(struct job *job);

/* The threads. self: struct jobs. */
void *jobs_schedule(void *self);
void *jobs_write(void *self);
void *jobs_save(void *self);

/* The scheduler's, without the lock. begin: the training starts to run. take:
 * copy its state for the saver, if it is time; `last`: in any case, as the
 * scheduler stops. resume: let a new training go on from the job's checkpoint;
 * false: it begins at its beginning. */
void checkpoint_begin(struct job *job);
void checkpoint_take(struct jobs *jobs, struct job *job, bool last);
bool checkpoint_resume(struct jobs *jobs, struct job *job, struct training *training);

#endif
