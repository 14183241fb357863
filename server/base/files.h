/* Files made whole or not at all: written aside, synced, renamed, the folder
 * synced. Any thread; no state. */
#ifndef MLPD_BASE_FILES_H
#define MLPD_BASE_FILES_H

#include "mlp/stop.h"

#include <stddef.h>
#include <stdint.h>

/* All n bytes. */
bool files_write(int fd, const void *bytes, size_t n_bytes, struct err *err);
/* Exactly n bytes from the offset on; ERR_CORRUPT where the file is shorter. */
bool files_read_at(int fd, void *bytes, size_t n_bytes, uint64_t offset, struct err *err);
/* All n bytes of one file at the end of another. ERR_STOPPED once `stop` is
 * set. */
bool files_copy(int from, int to, uint64_t n_bytes, const atomic_bool *stop, struct err *err);
/* Whether n bytes more leave some of fd's disk free for the catalogue, models
 * and checkpoints: 1 GB, of a small disk a twentieth. ERR_SPACE. */
bool files_reserve(int fd, uint64_t n_bytes, struct err *err);
bool files_size(int fd, uint64_t *n_bytes, struct err *err);
bool files_sync(int fd, struct err *err);
bool files_sync_folder(const char *folder, struct err *err);
/* file_open (mlp/file.h), but ERR_NOT_FOUND where there is no such file. */
int files_open(const char *path, struct err *err);
/* Rename the synced file `temp` to `path` and sync path's folder: on return it
 * is there for good. */
bool files_publish(const char *temp, const char *path, struct err *err);
/* The folder is there (mode 0700) after this, its entry synced. */
bool files_make_folder(const char *folder, struct err *err);
/* Hand each entry's name, "." and ".." left out, to `visit`, until that returns
 * false with *err. The entry may be unlinked or renamed. */
bool files_each(const char *folder, bool (*visit)(void *self, const char *name, struct err *err), void *self,
                struct err *err);
/* 64-bit FNV-1a over 8-byte little-endian words, the tail byte by byte; `hash`
 * chains (begin with FILES_HASH). */
#define FILES_HASH 0xcbf29ce484222325u
uint64_t files_hash(uint64_t hash, const void *bytes, size_t n_bytes);

#endif
