/* One model's evaluation as a file: metrics, importance of the columns,
 * confusion matrix, and the guesses, read a page at a time.
 *
 * Little-endian: head; metrics by name; importance; confusion (n_classes^2
 * uint64); one hash a block of 4,096 guesses; the hash of all before it; then
 * the guesses twice (20 bytes each): in the rows' order, and the largest loss
 * first. A page reads and checks only the blocks that it touches, unless it
 * filters. Files of the first layout (no loss of a row, one order) are read
 * too. Any thread; no state. */
#ifndef MLPD_MODELS_EVALUATIONS_H
#define MLPD_MODELS_EVALUATIONS_H

#include "base/ledger.h"
#include "mlp/evaluation.h"
#include "mlp/stop.h"
#include "mlp/train.h"

/* Which guesses are wanted: [offset, offset + limit) of those that match. */
struct evaluation_page {
    uint64_t offset, limit;
    bool worst;              /* the largest loss first */
    int64_t label, guess;    /* only of this class; -1: any */
    const atomic_bool *stop; /* ends reading with ERR_STOPPED; NULL: nothing does */
    struct claim
        *claim; /* what is read is reserved from it, for as long as the caller keeps it; NULL: nothing is */
};

/* Write it to fd and sync. */
bool evaluations_write(int fd, const struct evaluation *evaluation, struct err *err);
/* Read it with the page's guesses: *n_guesses, of *n_matching. ERR_CORRUPT.
 * NULL on failure; free it with evaluation_free. */
struct evaluation *evaluations_read(int fd, const struct evaluation_page *page, uint64_t *n_guesses,
                                    uint64_t *n_matching, struct err *err);

#endif
