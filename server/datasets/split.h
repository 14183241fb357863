/* A dataset's rows dealt to two new datasets.
 *
 * Threads: any; one call, one thread. */
#ifndef MLPD_DATASETS_SPLIT_H
#define MLPD_DATASETS_SPLIT_H

#include "datasets/datasets.h"

struct split {
    char names[2][NAME_SIZE];
    double share;            /* of the rows that go to the second; 0 < share < 1 */
    uint64_t seed;           /* draws them */
    const char *stratify;    /* a column whose every value is dealt by the share; NULL: none */
    const atomic_bool *stop; /* ends the work with ERR_STOPPED; NULL: nothing does */
    struct claim *claim;     /* what it needs is reserved from; NULL: it is not */
};

/* Both are ready when it returns, their rows in the dataset's order; on failure
 * neither is there. ERR_NOT_FOUND, ERR_CONFLICT, ERR_INPUT with field, and as
 * claim_take. infos: (2). Slow. */
bool split_dataset(struct datasets *datasets, const char *name, const struct split *split,
                   struct dataset_info infos[2], struct err *err);

#endif
