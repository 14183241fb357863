/* Files read and written whole, by descriptor. No state; any thread. */
#ifndef MLP_ENGINE_BASE_FILE_H
#define MLP_ENGINE_BASE_FILE_H

#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

/* pwrite and pread until all is done. `what` is named in the error. A short
 * file is ERR_CORRUPT. */
bool file_write_at(int fd, const void *bytes, size_t n_bytes, uint64_t at, const char *what, struct err *err);
bool file_read_at(int fd, void *bytes, size_t n_bytes, uint64_t at, const char *what, struct err *err);

/* A new file beside `path` without a name: gone once it is closed. -1 on
 * failure. */
int file_unnamed(const char *path, const char *suffix, struct err *err);

#endif
