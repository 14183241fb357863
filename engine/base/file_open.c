/* Opening files. See the header. */
#include "mlp/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int irregular(const char *path, struct err *err)
{
    err_set(err, ERR_CORRUPT, "%.200s is not a regular file", file_name(path));
    errno = EINVAL;
    return -1;
}

int file_open(const char *path, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 &&
        (errno == ELOOP || errno == ENXIO)) /* a symbolic link; a socket or a device that is not there */
        return irregular(path, err);
    if (fd < 0) {
        err_errno(err, "opening %.200s", file_name(path));
        return -1;
    }
    bool known = fstat(fd, &status) == 0;
    if (known && S_ISREG(status.st_mode))
        return fd;
    if (known)
        irregular(path, err);
    else
        err_errno(err, "looking at %.200s", file_name(path));
    int number = errno;
    close(fd);
    errno = number;
    return -1;
}

int file_create(const char *path, struct err *err)
{
    int fd = -1;
    if (unlink(path) == 0 || errno == ENOENT)
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        err_errno(err, "creating %.200s", file_name(path));
    return fd;
}
