/* Files made whole or not at all. No state; any thread. */
#include "base/files.h"
#include "mlp/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COPY_BYTES 65536
#define RESERVE_MOST ((uint64_t)1 << 30)
#define RESERVE_PART 20

bool files_write(int fd, const void *bytes, size_t n_bytes, struct err *err)
{
    const char *next = bytes;
    while (n_bytes > 0) {
        ssize_t n = write(fd, next, n_bytes < (1u << 30) ? n_bytes : (1u << 30));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, "cannot write a file in the state folder");
        next += n;
        n_bytes -= (size_t)n;
    }
    return true;
}

bool files_read_at(int fd, void *bytes, size_t n_bytes, uint64_t offset, struct err *err)
{
    char *next = bytes;
    while (n_bytes > 0) {
        ssize_t n = pread(fd, next, n_bytes < (1u << 30) ? n_bytes : (1u << 30), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, "cannot read a file in the state folder");
        if (n == 0)
            return err_set(err, ERR_CORRUPT, "a file in the state folder is shorter than it says");
        next += n;
        n_bytes -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

bool files_copy(int from, int to, uint64_t n_bytes, const atomic_bool *stop, struct err *err)
{
    char piece[COPY_BYTES];
    for (uint64_t at = 0; at < n_bytes;) {
        size_t n = n_bytes - at < sizeof piece ? (size_t)(n_bytes - at) : sizeof piece;
        if (!stop_check(stop, err) || !files_read_at(from, piece, n, at, err) || !files_reserve(to, n, err) ||
            !files_write(to, piece, n, err))
            return false;
        at += n;
    }
    return true;
}

bool files_reserve(int fd, uint64_t n_bytes, struct err *err)
{
    struct statvfs disk;
    if (fstatvfs(fd, &disk))
        return err_errno(err, "cannot look at the disk of the state folder");
    uint64_t part = (uint64_t)disk.f_blocks * disk.f_frsize / RESERVE_PART,
             left = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t reserve = part < RESERVE_MOST ? part : RESERVE_MOST;
    return left >= reserve + n_bytes ||
           err_set(err, ERR_SPACE, "the disk is full, but for %.0f MB that uploads leave free",
                   (double)reserve / 1e6);
}

bool files_size(int fd, uint64_t *n_bytes, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return err_errno(err, "cannot look at a file in the state folder");
    *n_bytes = (uint64_t)status.st_size;
    return true;
}

bool files_sync(int fd, struct err *err)
{
    return fsync(fd) == 0 || err_errno(err, "cannot sync a file in the state folder");
}

bool files_sync_folder(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "cannot open the folder %s", folder);
    bool ok = fsync(fd) == 0 || err_errno(err, "cannot sync the folder %s", folder);
    close(fd);
    return ok;
}

int files_open(const char *path, struct err *err)
{
    int fd = file_open(path, err);
    if (fd < 0 && errno == ENOENT)
        err_set(err, ERR_NOT_FOUND, "the file %s is missing from the state folder", file_name(path));
    return fd;
}

/* Sync the folder that the entry `path` stands in. */
static bool sync_parent(const char *path, struct err *err)
{
    char folder[4096];
    int length = snprintf(folder, sizeof folder, "%s", path);
    if (length < 0 || (size_t)length >= sizeof folder)
        return err_set(err, ERR_IO, "a path is longer than %zu bytes", sizeof folder - 1);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return files_sync_folder(".", err);
    slash[slash == folder ? 1 : 0] = '\0';
    return files_sync_folder(folder, err);
}

bool files_publish(const char *temp, const char *path, struct err *err)
{
    if (rename(temp, path) != 0)
        return err_errno(err, "cannot rename a finished file to %s", path);
    return sync_parent(path, err);
}

bool files_make_folder(const char *folder, struct err *err)
{
    struct stat status;
    if (mkdir(folder, 0700) == 0)
        return sync_parent(folder, err);
    if (errno != EEXIST)
        return err_errno(err, "cannot create the folder %s", folder);
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return err_set(err, ERR_INPUT, "%s is there, but it is not a folder", folder);
    return true;
}

bool files_each(const char *folder, bool (*visit)(void *self, const char *name, struct err *err), void *self,
                struct err *err)
{
    DIR *listing = opendir(folder);
    if (!listing)
        return err_errno(err, "cannot list the folder %s", folder);
    bool ok = true;
    struct dirent *entry;
    while (ok && (entry = readdir(listing)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = visit(self, entry->d_name, err);
    closedir(listing);
    return ok;
}

uint64_t files_hash(uint64_t hash, const void *bytes, size_t n_bytes)
{
    const unsigned char *next = bytes;
    for (; n_bytes >= 8; n_bytes -= 8, next += 8) {
        uint64_t word = 0;
        for (int i = 7; i >= 0; i--)
            word = word << 8 | next[i];
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29; /* FNV alone never carries high bits down, and a word is wider than its byte */
    }
    for (; n_bytes > 0; n_bytes--)
        hash = (hash ^ *next++) * 0x100000001b3u;
    return hash;
}
