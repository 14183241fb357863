/* See faults.h. Threads: any; which call is number k is certain only where one
 * thread calls. */
#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>

static atomic_bool armed, hit;
static atomic_uint count, chosen;

void faults_arm(uint32_t fail)
{
    atomic_store(&count, 0);
    atomic_store(&chosen, fail);
    atomic_store(&hit, false);
    atomic_store(&armed, true);
}

uint32_t faults_disarm(void)
{
    atomic_store(&armed, false);
    return atomic_load(&count);
}

bool faults_hit(void)
{
    return atomic_load(&hit);
}

static bool fails(int code)
{
    if (!atomic_load(&armed) || atomic_fetch_add(&count, 1) + 1 != atomic_load(&chosen))
        return false;
    atomic_store(&hit, true);
    errno = code;
    return true;
}

/* What the linker calls instead of NAME, and how that reaches the true one. */
#define WRAP(type, name, parameters, arguments, code, failure)                                               \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fails(code) ? failure : __real_##name arguments;                                              \
    }

WRAP(void *, malloc, (size_t n), (n), ENOMEM, NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), ENOMEM, NULL)
WRAP(void *, realloc, (void *from, size_t n), (from, n), ENOMEM, NULL)
WRAP(void *, aligned_alloc, (size_t alignment, size_t n), (alignment, n), ENOMEM, NULL)
WRAP(char *, strdup, (const char *text), (text), ENOMEM, NULL)
WRAP(char *, strndup, (const char *text, size_t n), (text, n), ENOMEM, NULL)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *self),
     (thread, attributes, run, self), EAGAIN, EAGAIN)
WRAP(void *, mmap, (void *at, size_t n, int protection, int flags, int fd, off_t offset),
     (at, n, protection, flags, fd, offset), ENOMEM, MAP_FAILED)
WRAP(ssize_t, pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at), ENOSPC, -1)
WRAP(ssize_t, pread, (int fd, void *bytes, size_t n, off_t at), (fd, bytes, n, at), EIO, -1)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), EIO, -1)
WRAP(int, fsync, (int fd), (fd), EIO, -1)
