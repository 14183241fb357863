/* Files in memory, so that a fault while reading one is an error of that file
 * alone.
 *
 * Where a mapped file has been cut, or the disk cannot read it, the system
 * sends SIGBUS, which ends the process. Here a handler maps zeros in the place
 * of what cannot be had and notes it. So a reader calls map_check afterwards,
 * before anything that came of what it read is shown, stored or sent.
 *
 * The handler is installed with the first mapping; faults elsewhere go to the
 * handler that was there before. SIGBUS must not be blocked in a thread that
 * reads. Threads: any. */
#ifndef MLP_MAP_H
#define MLP_MAP_H

#include "mlp/err.h"

#include <stddef.h>

struct map {
    const void *bytes; /* (n_bytes); NULL: none */
    size_t n_bytes;
    int fd;                  /* its own */
    struct map_place *place; /* what the handler knows it by */
};

/* Map the first n_bytes > 0 bytes of the file for reading; a shorter file is
 * ERR_CORRUPT. `fd` stays the caller's. */
bool map_file(struct map *map, int fd, size_t n_bytes, struct err *err);
/* Once nobody reads it any more. Takes one that is all zero. */
void map_done(struct map *map);
/* Whether all that was read so far came from the file: nothing was missing, and
 * the file is as long as it was. Else ERR_CORRUPT, naming the file as `what`.
 * One system call. */
bool map_check(const struct map *map, const char *what, struct err *err);

#endif
