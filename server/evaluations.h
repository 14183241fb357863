/* One model's evaluation as a file: scores, confusion matrix, and the guesses, read a page at a time.
 *
 * Little-endian: magic, counts, scores, confusion (n_classes^2 uint64), one hash a block of 4,096 guesses, the hash of all before
 * it; then the guesses (16 bytes each). A page reads and checks only the blocks that it touches. Any thread; no state. */
#ifndef MLPD_EVALUATIONS_H
#define MLPD_EVALUATIONS_H

#include "mlp/train.h"

/* Write it to fd and sync. */
bool evaluations_write(int fd, const struct evaluation *evaluation, struct err *err);
/* Read it with guesses [offset, offset + limit), as many as there are: *n_guesses. ERR_CORRUPT. NULL on failure; free it with
 * evaluation_free. */
struct evaluation *evaluations_read(int fd, uint64_t offset, uint64_t limit, uint64_t *n_guesses, struct err *err);

#endif
