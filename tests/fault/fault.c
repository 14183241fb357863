/* A preloaded library that makes calls of the daemon and of its libraries fail:
 * the k-th allocation, write, fsync, rename, thread or accept from the moment
 * that the test says; and that sets its wall clock. Test and daemon share a
 * file (MLPD_FAULT_FILE) that holds `struct control`; the test writes it with
 * ordinary writes. Any thread. Under a sanitizer its own functions come next in
 * line, so they see the failures too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { MALLOC, WRITE, FSYNC, RENAME, THREAD, ACCEPT, N_KINDS };

/* As tests/fault/fault.mjs knows it: little-endian 64-bit words. */
struct control {
    _Atomic uint64_t calls[N_KINDS];    /* since the test last wrote 0 */
    _Atomic uint64_t fail_at[N_KINDS];  /* the call that fails, 1-based; 0: none */
    _Atomic uint64_t fail_for[N_KINDS]; /* how many calls fail from there on */
    _Atomic uint64_t failed[N_KINDS];
    _Atomic uint64_t error; /* errno of failed writes and syncs; of accept: EMFILE */
    _Atomic int64_t clock;  /* seconds by which the wall clock is ahead */
};

static struct control *control;
static bool ready; /* written before there are threads */

/* Lost on purpose (MLPD_FAULT_LEAK): whoever looks for leaks must find it. */
static void block_lose(void)
{
    static void *(*volatile take)(size_t n) = malloc;
    char *volatile block = getenv("MLPD_FAULT_LEAK") ? take(1000) : NULL;
    (void)block;
}

__attribute__((constructor)) static void control_open(void)
{
    ready = true;
    block_lose();
    const char *path = getenv("MLPD_FAULT_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        control = map;
}

static __thread bool spared; /* this thread's calls neither count nor fail */

static bool fails(enum kind kind)
{
    if (!control || spared)
        return false;
    uint64_t call = atomic_fetch_add(&control->calls[kind], 1) + 1, at = atomic_load(&control->fail_at[kind]);
    if (at == 0 || call < at || call >= at + atomic_load(&control->fail_for[kind]))
        return false;
    atomic_fetch_add(&control->failed[kind], 1);
    return true;
}

static bool fails_errno(enum kind kind)
{
    if (!fails(kind))
        return false;
    errno = (int)atomic_load(&control->error);
    return true;
}

/* The function that comes after ours. */
#define NEXT(name) ((__typeof__(&name))next_of(&next_##name, #name))
#define SLOT(name) static _Atomic(void *) next_##name
static void *next_of(_Atomic(void *) *slot, const char *name)
{
    void *found = atomic_load(slot);
    if (!found) {
        found = dlsym(RTLD_NEXT, name);
        if (!found)
            abort();
        atomic_store(slot, found);
    }
    return found;
}

SLOT(malloc);
SLOT(calloc);
SLOT(realloc);
SLOT(free);
SLOT(posix_memalign);
SLOT(aligned_alloc);
SLOT(write);
SLOT(pwrite);
SLOT(pwrite64);
SLOT(ftruncate);
SLOT(ftruncate64);
SLOT(fsync);
SLOT(fdatasync);
SLOT(rename);
SLOT(pthread_create);
SLOT(accept4);
SLOT(accept);
SLOT(pthread_getattr_np);
SLOT(clock_gettime);
SLOT(gettimeofday);
SLOT(time);

/* ---- memory ---- */

/* Before the constructor has run, a sanitizer may still be at its own
 * beginnings and dlsym out of reach: such allocations come from here, each
 * behind its size, and are never given back. */
static _Alignas(16) char arena[1 << 20];
static size_t arena_used;

static void *arena_take(size_t n)
{
    size_t whole = (n + 31) & ~(size_t)15;
    if (whole < n || sizeof arena - arena_used < whole)
        return NULL;
    size_t *head = (size_t *)(void *)(arena + arena_used);
    *head = n;
    arena_used += whole;
    return (char *)head + 16;
}

static bool in_arena(const void *p)
{
    return (const char *)p >= arena && (const char *)p < arena + sizeof arena;
}

static void *arena_leave(void *p, size_t n)
{
    size_t old = *(size_t *)(void *)((char *)p - 16);
    void *grown = malloc(n);
    return grown ? memcpy(grown, p, old < n ? old : n) : NULL;
}

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* A sanitizer asks for a new thread's stack this way and cannot live without
 * the answer, which takes memory; the daemon does not ask. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    spared = true;
    int failed = NEXT(pthread_getattr_np)(thread, attributes);
    spared = false;
    return failed;
}

void *malloc(size_t n)
{
    if (!ready)
        return arena_take(n);
    return fails(MALLOC) ? no_memory() : NEXT(malloc)(n);
}

void *calloc(size_t n, size_t size)
{
    if (!ready)
        return arena_take(n * size);
    return fails(MALLOC) ? no_memory() : NEXT(calloc)(n, size);
}

void *realloc(void *p, size_t n)
{
    if (!ready || in_arena(p))
        return p ? arena_leave(p, n) : arena_take(n);
    return fails(MALLOC) ? no_memory() : NEXT(realloc)(p, n);
}

int posix_memalign(void **p, size_t alignment, size_t n)
{
    return fails(MALLOC) ? ENOMEM : NEXT(posix_memalign)(p, alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails(MALLOC) ? no_memory() : NEXT(aligned_alloc)(alignment, n);
}

void free(void *p)
{
    if (!p || in_arena(p))
        return;
    if (ready)
        NEXT(free)(p);
}

/* ---- files: sockets, pipes and events do not fill up ---- */

static bool is_file(int fd)
{
    struct stat status;
    int error = errno;
    bool file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    errno = error;
    return file;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return is_file(fd) && fails_errno(WRITE) ? -1 : NEXT(write)(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return is_file(fd) && fails_errno(WRITE) ? -1 : NEXT(pwrite)(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    return is_file(fd) && fails_errno(WRITE) ? -1 : NEXT(pwrite64)(fd, bytes, n, at);
}

int ftruncate(int fd, off_t n)
{
    return fails_errno(WRITE) ? -1 : NEXT(ftruncate)(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return fails_errno(WRITE) ? -1 : NEXT(ftruncate64)(fd, n);
}

int fsync(int fd)
{
    return fails_errno(FSYNC) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails_errno(FSYNC) ? -1 : NEXT(fdatasync)(fd);
}

int rename(const char *from, const char *to)
{
    return fails_errno(RENAME) ? -1 : NEXT(rename)(from, to);
}

/* ---- threads and connections ---- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *self)
{
    return fails(THREAD) ? EAGAIN : NEXT(pthread_create)(thread, attributes, run, self);
}

static bool refused(void)
{
    if (!fails(ACCEPT))
        return false;
    errno = EMFILE;
    return true;
}

/* A call that finds no connection is no acceptance: it does not count. */
static bool waits(int fd)
{
    fd_set set;
    struct timeval now = {0};
    FD_ZERO(&set);
    if (fd >= FD_SETSIZE)
        return true;
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, &now) == 1;
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return waits(fd) && refused() ? -1 : NEXT(accept4)(fd, address, size, flags);
}

int accept(int fd, struct sockaddr *address, socklen_t *size)
{
    return waits(fd) && refused() ? -1 : NEXT(accept)(fd, address, size);
}

/* ---- the wall clock: what is measured by it goes wrong when it jumps ---- */

static time_t ahead(void)
{
    return control ? (time_t)atomic_load(&control->clock) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = NEXT(clock_gettime)(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += ahead();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int result = NEXT(gettimeofday)(now, zone);
    if (result == 0)
        now->tv_sec += ahead();
    return result;
}

time_t time(time_t *now)
{
    time_t at = NEXT(time)(NULL) + ahead();
    if (now)
        *now = at;
    return at;
}
