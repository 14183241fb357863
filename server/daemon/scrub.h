/* The scrub: one thread that reads every table and model while nothing else
 * happens, slowly, to find damage before somebody needs what is damaged. A
 * round at the start, then one a day; what is found is logged once and shown
 * with the dataset.
 *
 * Lifetime: from scrub_new to scrub_free; store, datasets, models and jobs
 * outlive it. */
#ifndef MLPD_DAEMON_SCRUB_H
#define MLPD_DAEMON_SCRUB_H

#include "datasets/datasets.h"
#include "jobs/jobs.h"
#include "models/models.h"
#include "store/store.h"

struct scrub_options {
    struct store *store;
    struct datasets *datasets;
    struct models *models;
    struct jobs *jobs;
    uint64_t bytes_per_second; /* at least 1 */
};

struct scrub;
/* NULL on failure. */
struct scrub *scrub_new(const struct scrub_options *options, struct err *err);
/* Tell it to end, without waiting. Takes NULL. */
void scrub_stop(struct scrub *scrub);
void scrub_free(struct scrub *scrub); /* stops it, joins; takes NULL */
/* Somebody has asked for something: the scrub waits until it is quiet again.
 * Any thread; cheap. Takes NULL. */
void scrub_busy(struct scrub *scrub);

#endif
