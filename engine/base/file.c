/* Files read and written whole. See the header. */
#include "base/file.h"
#include "mlp/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IO_BYTES_MAX = 1 << 30 };

bool file_write_at(int fd, const void *bytes, size_t n_bytes, uint64_t at, const char *what, struct err *err)
{
    const char *from = bytes;
    while (n_bytes > 0) {
        ssize_t n = pwrite(fd, from, n_bytes < IO_BYTES_MAX ? n_bytes : IO_BYTES_MAX, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, "writing %s", what);
        from += n;
        at += (uint64_t)n;
        n_bytes -= (size_t)n;
    }
    return true;
}

bool file_read_at(int fd, void *bytes, size_t n_bytes, uint64_t at, const char *what, struct err *err)
{
    char *to = bytes;
    while (n_bytes > 0) {
        ssize_t n = pread(fd, to, n_bytes < IO_BYTES_MAX ? n_bytes : IO_BYTES_MAX, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, "reading %s", what);
        if (n == 0)
            return err_set(err, ERR_CORRUPT, "%s ends too early", what);
        to += n;
        at += (uint64_t)n;
        n_bytes -= (size_t)n;
    }
    return true;
}

int file_unnamed(const char *path, const char *suffix, struct err *err)
{
    size_t n = strlen(path) + strlen(suffix) + 2;
    char *name = malloc(n);
    if (!name) {
        err_memory(err, "a file's name");
        return -1;
    }
    snprintf(name, n, "%s.%s", path, suffix);
    int fd = file_create(name, err);
    if (fd >= 0)
        unlink(name);
    free(name);
    return fd;
}
