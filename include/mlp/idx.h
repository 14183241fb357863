/* IDX files, as MNIST comes in: 0, 0, the type (8: bytes), the number of
 * dimensions, each dimension as four bytes, highest first, then the values.
 * Threads: any; no state. */
#ifndef MLP_IDX_H
#define MLP_IDX_H

#include "mlp/stop.h"

#include <stddef.h>
#include <stdint.h>

/* Whether a file that begins so is one. */
bool idx_known(const char *bytes, size_t n);
/* Write the pictures in the regular file images_fd as CSV behind what is in
 * csv_fd: a column a pixel, called 1x1, 1x2 ... by row and column (p1, p2 ...
 * where they have not two dimensions), and before them, where labels_fd is not
 * -1, the column label out of that file. A file of labels alone is one column
 * label. ERR_INPUT tells what does not fit; ERR_STOPPED once `stop` is set. */
bool idx_to_csv(int images_fd, int labels_fd, int csv_fd, const atomic_bool *stop, struct err *err);

#endif
