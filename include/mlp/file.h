/* Opening files of the state folder: only regular files, and never so that the
 * open waits for somebody.
 *
 * Threads: any; no state. */
#ifndef MLP_FILE_H
#define MLP_FILE_H

#include "mlp/err.h"

/* Open for reading, close-on-exec. A fifo, folder, device, socket or symbolic
 * link in the file's place is ERR_CORRUPT, and is not waited for. -1 on
 * failure; errno is ENOENT where there is no such file. */
int file_open(const char *path, struct err *err);

/* A new file for reading and writing, mode 0600; whatever was there under its
 * name is unlinked first. -1 on failure. */
int file_create(const char *path, struct err *err);

/* What follows the path's last slash. */
const char *file_name(const char *path);

#endif
