/* Training jobs: the queue, their states, and the one scheduler that runs them
 * on the one pool.
 *
 * States: queued -> running <-> paused -> succeeded | failed | cancelled;
 * queued and paused jobs may be cancelled too. A cancelled one whose model
 * takes long to keep is cancelling meanwhile: it trains no more. Up to 64 jobs
 * run at once, as memory allows, in slices of 100 ms: next comes the one that
 * has had the least time by its share, which is its weight times two to the
 * power of its priority. So a short job does not wait for a long one, and none
 * starves. An unfinished job goes on by jobs_open from its last checkpoint, to
 * the same bits as if nothing had been.
 *
 * Threads: three of its own. The scheduler owns every trainer and is worker 0
 * of the pool; it never waits for a write. The writer stores epochs (at most
 * one commit in 200 ms), publishes models and ends jobs. The saver writes
 * checkpoints, of a job at most one in a second and at least one in about five.
 * An epoch is shown (in GET, in history, to events) once it is stored, so that
 * the three never disagree, and never take anything back. Every call below may
 * come from any thread; those marked "slow" sync and belong on a service
 * thread. What cannot be stored (a full disk) is tried again every second, a
 * finished model too; whoever waits for it gets the error.
 *
 * Locks: jobs, then events. No SQL, I/O or training under either.
 * Lifetime: opened after store, datasets, models and events; jobs_stop first of
 * all at the end. */
#ifndef MLPD_JOBS_JOBS_H
#define MLPD_JOBS_JOBS_H

#include "base/heartbeat.h"
#include "datasets/datasets.h"
#include "jobs/events.h"
#include "models/models.h"

#define JOBS_QUEUE_MAX 1000
#define CANCEL_NS 70000000u /* and the rest of 100 ms for the disk and the reply */

/* What to train, wholly validated by itself; what depends on the data (columns,
 * classes) jobs_submit checks. Zero bytes, then job_request_init, is a request
 * for nothing. Strings on the heap are owned: job_request_done frees them. */
struct job_request {
    char dataset[NAME_SIZE];
    int64_t dataset_id;         /* this one of the name and no other; 0: the one that is ready */
    char test[NAME_SIZE];       /* a dataset to evaluate on; "": none */
    char validation[NAME_SIZE]; /* a dataset to validate on; "": none */
    char model[NAME_SIZE];      /* "": the dataset's name */
    char from[NAME_SIZE];       /* a model to train further: its recipe, layers, loss and weights; "": none */
    uint32_t from_version;      /* 0: what the bare name means */
    char *target;               /* NULL: a column called label, class, target or y, else the last */
    enum task task;
    char **ignore; /* (n_ignore) columns to leave out */
    uint32_t n_ignore;
    char *sample_weight; /* the column that says what each row counts; it is no input. NULL: none */
    bool class_balanced; /* classes count as if each had as many rows */
    struct class_weight {
        char *label;
        float weight;
    } * class_weights; /* (n_class_weights) what rows of some classes count */
    uint32_t n_class_weights;
    char **features; /* (n_features) the only columns to use; 0: all but those to ignore */
    uint32_t n_features;
    struct recipe_override
        *overrides; /* (n_overrides) encodings of columns, names owned; the others' are chosen */
    uint32_t n_overrides;
    double validation_split; /* share of the rows left after test_split; negative: 0.1 where there is no
                                `validation`, else 0 */
    double test_split;       /* share of all rows held out; 0: none */
    /* train.layers: hidden layers, and the output layer if the user listed it.
     * It is taken for the output layer where it is softmax, or where it is
     * linear with as many units as the target needs, or has one unit and the
     * loss is poisson, or is sigmoid and the loss is binary_crossentropy. Else
     * one is appended: softmax over the classes (for binary_crossentropy
     * sigmoid, 1 unit for two classes), or for a number linear 1 (softplus for
     * poisson). */
    struct train_options
        train;                 /* seed and optimizer as they shall be; the rest may be left open as follows */
    bool layers_given;         /* false: jobs chooses the layers (train.n_layers is not looked at) */
    bool early_stopping_given; /* false: jobs chooses where it chooses the epochs */
    bool optimizer_given, schedule_given;
    bool batch_size_given;   /* false: jobs chooses; train.batch_size 0 means full */
                             /* train.epochs 0: jobs chooses */
    int32_t priority;        /* PRIORITY_MIN .. PRIORITY_MAX, higher ones first */
    uint32_t weight;         /* 1 .. WEIGHT_MAX: share of the time beside other jobs */
    double max_seconds;      /* of training; NaN: no limit */
    const atomic_bool *stop; /* ends what a submission takes long for with ERR_STOPPED; NULL: nothing does.
                                The job does not keep it */
    char *json; /* the request's JSON text, kept with the job; job_parser must give this request again from it
                 */
};
void job_request_init(struct job_request *request);
void job_request_done(struct job_request *request);

/* Reads request->json again after a restart: fills *request, which
 * job_request_init has prepared, save `json`. The caller calls job_request_done
 * in any case. */
typedef bool job_parser(const char *json, struct job_request *request, struct err *err);

struct job_info {
    struct job_row row;        /* row.epoch, .epochs, .state, .error, ... */
    double fraction;           /* 0..1 of the training done */
    double eta_seconds;        /* NaN: not known */
    double samples_per_second; /* while it runs; NaN: not known */
    uint64_t bytes;            /* of memory that its training takes, about; 0: not known */
};

struct jobs_options {
    struct store *store;
    struct datasets *datasets;
    struct models *models;
    struct events *events;
    uint32_t n_threads; /* of the pool; at least 1 */
    uint32_t queue_max; /* jobs that may wait or be paused at a time; 0: JOBS_QUEUE_MAX */
    uint64_t memory;    /* bytes that the trainings of all jobs may take together; 0: no limit */
    double max_seconds; /* that a job may train, whatever it asks for; 0: no limit */
    uint64_t cancel_ns; /* that a cancel waits for the job's end; 0: CANCEL_NS */
    int nice_level;     /* of the training threads */
    job_parser *parse;
};

struct jobs;
/* Starts the threads and takes up what an earlier daemon left unfinished. NULL
 * on failure. */
struct jobs *jobs_open(const struct jobs_options *options, struct err *err);
/* Stop training and both threads, within 2 s; unfinished jobs stay as they are
 * in the store. Calls that wait return ERR_STOPPED. After it only jobs_close
 * may be called, and queries. */
void jobs_stop(struct jobs *jobs);
void jobs_close(struct jobs *jobs); /* stops if need be; takes NULL */
/* A sign of life of the writer, the saver or the pool, and a wake. Does not
 * block. */
struct pulse jobs_pulse(struct jobs *jobs, enum heart heart);
/* What trains lets others have the processors for a moment. Any thread;
 * cheap. */
void jobs_yield(struct jobs *jobs);

/* Check the request against the data, store the job and queue it. Errors are
 * ERR_INPUT with field or column, ERR_NOT_FOUND (field "dataset", "test",
 * "validation"), ERR_CONFLICT (still loading), ERR_FULL (too many wait),
 * ERR_SPACE (larger than the memory for jobs) ... Slow. */
bool jobs_submit(struct jobs *jobs, const struct job_request *request, struct job_info *info,
                 struct err *err);

bool jobs_get(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err); /* ERR_NOT_FOUND */
/* Newest first, at most `limit` of those with id < before (0: all). The caller
 * frees *list. */
bool jobs_list(struct jobs *jobs, int64_t before, uint32_t limit, struct job_info **list, size_t *n_list,
               struct err *err);
/* The request's JSON text. The caller frees *json. */
bool jobs_request(struct jobs *jobs, int64_t id, char **json, struct err *err);
/* What the user should know about its data and its training. */
bool jobs_warnings(struct jobs *jobs, int64_t id, struct warnings *warnings, struct err *err);
/* The epochs after `after`, at most `limit` (0: all). The caller frees *epochs.
 * Print them with epoch_json (events.h). */
bool jobs_history(struct jobs *jobs, int64_t id, uint32_t after, uint32_t limit,
                  struct epoch_metrics **epochs, size_t *n_epochs, struct err *err);

/* Each stops or starts the training at once, and returns when the new state is
 * on disk. ERR_NOT_FOUND; ERR_CONFLICT where the state does not allow it
 * (pausing a paused or cancelling a cancelled job is no error). `info` may be
 * NULL. Slow. */
bool jobs_pause(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err);
bool jobs_resume(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err);
/* Keeps the model so far, marked partial, where an epoch has ended. Where that
 * takes longer than options->cancel_ns it returns with the job cancelling,
 * which outlives a restart, and the rest follows. */
bool jobs_cancel(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err);
/* Stops it if need be, and forgets job and history; published models stay. */
bool jobs_delete(struct jobs *jobs, int64_t id, struct err *err);

/* What a PATCH changes of a job. */
struct job_change {
    bool has_title, has_priority, has_weight, has_max_seconds;
    char title[TITLE_SIZE];
    int32_t priority;
    uint32_t weight;
    double max_seconds;
};
/* Takes effect at once, and is on disk when it returns. Of a job that has ended
 * only the title: else ERR_CONFLICT. Slow. */
bool jobs_change(struct jobs *jobs, int64_t id, const struct job_change *change, struct job_info *info,
                 struct err *err);

/* A dataset has another name now: jobs that use it show it. */
void jobs_dataset_renamed(struct jobs *jobs, int64_t id, const char *name);

/* How many jobs are in each state that is none of their ends: for /metrics.
 * Indexed by enum job_state. */
void jobs_count(struct jobs *jobs, uint32_t counts[JOB_STATES_LIVE]);

#endif
