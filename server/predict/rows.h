/* Rows that have come in, through the model and into the reply's text: some at
 * a time, so that what is on its way stays in the cache, and many of them on
 * several threads.
 *
 * Threads: any; what a thread needs for it is kept until the thread ends. */
#ifndef MLPD_PREDICT_ROWS_H
#define MLPD_PREDICT_ROWS_H

#include "base/executor.h"
#include "base/writer.h"
#include "predict/instances.h"
#include "predict/predictions.h"

/* What a thread keeps from one prediction to the next. */
struct predict_scratch {
    struct workspace *workspace;
    float *x; /* (capacity): lent to instances */
    size_t capacity;
    float *block; /* (block_capacity): inputs and outputs of the rows that are on their way */
    size_t block_capacity;
};
#define PREDICT_SCRATCH_MAX (1u << 16)   /* floats that are kept in each */
#define PREDICT_WORKSPACE_MAX (1u << 20) /* bytes of a workspace that is kept */

/* This thread's; NULL: ERR_MEMORY. */
struct predict_scratch *predict_scratch(struct err *err);

/* All rows of `instances`, predicted by the model, as elements of an array that
 * the writer has open. What that takes is reserved as the writer's claim says.
 * executor NULL: on this thread alone; else with the help of up to n_threads -
 * 1 from the interactive queue. The text is the same. ERR_INPUT where rows that
 * were left as they came are wrong: of raw floats it names the first;
 * ERR_MEMORY; ERR_STOPPED; as claim_take. Where the writer has failed, it says
 * why. */
bool predict_rows(const struct model *model, const struct instances *instances, struct executor *executor,
                  uint32_t n_threads, struct writer *writer, struct err *err);

#endif
