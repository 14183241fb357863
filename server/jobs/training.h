/* Private to the jobs: one job's data and trainer, made from its request.
 *
 * Threads: made by any thread, then used by one at a time; ensemble_fraction
 * and ensemble_epoch by any. */
#ifndef MLPD_JOBS_TRAINING_H
#define MLPD_JOBS_TRAINING_H

#include "jobs/jobs.h"
#include "mlp/ensemble.h"

#include "mlp/split.h"
#include "mlp/warning.h"

struct training {
    struct recipe *recipe;
    struct binding *binding; /* of the training dataset */
    struct binding
        *validation_binding;      /* of its own dataset; NULL where the rows come from the training dataset */
    struct binding *test_binding; /* likewise */
    struct rows train, validation, test;
    bool is_ensemble;             /* the daemon has chosen one: mlp/ensemble.h */
    uint32_t *indices[3];         /* owned: rows of train, validation, test */
    struct train_options options; /* resolved: nothing is left open */
    uint64_t bytes;               /* of memory that it takes with its trainer, about */
    struct model *base;           /* owned reference: what is trained further; NULL: nothing */
    uint64_t n_left_out;          /* training rows without a usable target */
    float *weights;               /* owned: what each row of the training dataset counts; NULL: 1 */
    struct ensemble *ensemble;    /* NULL until training_ready */
};

/* Take the datasets (by row's numbers where they are set, else by the request's
 * names), split the rows, fit the recipe, fill in what the request leaves open;
 * whatever is wrong with the request is found here. Fills row's datasets, task,
 * epochs and counts of rows, and what is to be said about the data (warnings
 * may be NULL). NULL on failure. */
struct training *training_new(const struct jobs_options *rooms, const struct job_request *request,
                              struct job_row *row, struct warnings *warnings, struct err *err);
/* Make the trainer: this takes the memory. */
bool training_ready(struct training *training, struct err *err);
void training_free(struct training *training); /* takes NULL */

/* The rows that a model of this training is evaluated on: test rows, else
 * validation rows, else training rows. */
const struct rows *training_evaluation_rows(const struct training *training, enum rows_kind *kind);

/* *made: by row of the table, what the request's weights make of the training
 * rows; NULL where it has none. The caller frees it. ERR_INPUT names the field,
 * and the row where one is to blame. */
bool weights_make(float **made, const struct rows *rows, const struct table *table,
                  const struct job_request *request, struct err *err);

/* What the request leaves open, chosen by the recipe and the rows. ERR_INPUT,
 * field "layers". */
bool jobs_defaults(const struct job_request *request, const struct training *training,
                   struct train_options *options, struct err *err);

/* Whether the request leaves network, epochs and their end to the daemon, and
 * whether it then trains an ensemble. */
bool is_auto_configured(const struct job_request *request);
bool choice_is_ensemble(const struct job_request *request, uint64_t n_rows, uint32_t n_columns);
/* Choose all that, the hidden layers without the output layer. `validated`:
 * there are rows that tell when to stop. */
void choice_make(const struct job_request *request, const struct recipe *recipe, uint64_t n_train,
                 bool ensemble, bool validated, struct train_options *options);

/* Deep copy, json included. On failure *copy may be passed to
 * job_request_done. */
bool job_request_copy(struct job_request *copy, const struct job_request *request, struct err *err);

#endif
