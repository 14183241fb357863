/* A state folder of its own for each test, with the rooms above it, and jobs
 * that are followed by their events. What fails ends the test. */
#ifndef HELPER_STATE_H
#define HELPER_STATE_H

#include "jobs/jobs.h"

#include <semaphore.h>

struct state {
    char dir[256];
    struct store *store;
    struct datasets *datasets;
    struct models *models;
    struct events *events;
    struct jobs *jobs; /* NULL until state_jobs */
    /* limits that state_jobs passes on; 0: none, for cancel_ns a minute */
    uint64_t job_memory;
    double max_seconds;
    uint64_t cancel_ns;
};

/* A new folder, and store, datasets, models and events on it. */
void state_new(struct state *state);
/* Close all, as a stop of the daemon does; the folder stays. */
void state_close(struct state *state);
/* Open the folder again. */
void state_open(struct state *state);
/* A new folder with the tables c and n, of csv_classes and csv_numbers. */
void state_with_tables(struct state *state);
/* Start jobs with two threads; queue_max as in jobs_options. */
void state_jobs(struct state *state, uint32_t queue_max);
/* Likewise with any number of threads. */
void state_jobs_on(struct state *state, uint32_t queue_max, uint32_t n_threads);
/* Close, and remove the folder. */
void state_remove(struct state *state);
/* Whether the folder holds the file, by its path within. */
bool state_has(const struct state *state, const char *path);

/* Upload CSV text. */
void state_upload(struct state *state, const char *name, const char *csv, bool replace);
/* A descriptor of an unnamed file with the text. */
int state_spool(struct state *state, const char *text);
/* 240 rows of x1, x2 and label (two classes, apart); or with y = 2 * x1 - x2 as
 * the target. The caller frees it. */
char *csv_classes(void);
char *csv_numbers(void);

/* A request whose JSON text is a string, "dataset epochs batch seed", which the
 * parser of state_jobs understands. */
void request_make(struct job_request *request, const char *dataset, uint32_t epochs, uint32_t batch,
                  uint64_t seed);
/* Submit and free the request; the job's id. */
int64_t submit(struct state *state, struct job_request *request);
/* Likewise, of a table and a number of epochs, in batches of 32 and with seed
 * 1. */
int64_t submit_simple(struct state *state, const char *dataset, uint32_t epochs);

/* A subscriber that sleeps until it is woken. */
struct follower {
    struct subscriber *subscriber;
    sem_t woken;
    char *text; /* all that has come, terminated */
    size_t length;
    bool ended;
};
void follower_begin(struct follower *follower, struct events *events, int64_t job, const char *last_event_id);
/* Until the text contains `word`, or the stream ends; whether it does contain
 * it. */
bool follower_wait(struct follower *follower, const char *word);
void follower_end(struct follower *follower);
/* Follow the job until a frame with the word has come. */
bool job_wait(struct state *state, int64_t job, const char *word);
/* Follow it to its end, and look at it. */
struct job_info job_end(struct state *state, int64_t job);

/* Two versions of a model have the same parameters, to the bit. */
void models_equal(struct state *state, const char *name, uint32_t a, uint32_t b);

#endif
