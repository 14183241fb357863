/* Mappings and the SIGBUS handler that knows them. See the header.
 *
 * The handler may run in any thread at any instruction, so what it reads is a
 * fixed array of atomics: one place a mapping. A place is its mapping's while
 * `taken`; `begin` is zero where nothing is mapped. */
#define _GNU_SOURCE /* syscall */
#include "mlp/map.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PLACES_MAX = 8192 };

struct map_place {
    atomic_bool taken;
    atomic_bool faulted;
    atomic_uintptr_t begin, end;
};

static struct map_place places[PLACES_MAX];
static atomic_uint n_places; /* no place from here on was ever taken */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sigaction before; /* written before the handler is there */
static uintptr_t page_bytes;

/* ---- in the handler ---- */

/* NULL: none of ours. */
static struct map_place *place_of(uintptr_t at, uintptr_t *end)
{
    for (unsigned i = 0, n = atomic_load(&n_places); i < n; i++) {
        uintptr_t begin = atomic_load(&places[i].begin);
        *end = atomic_load(&places[i].end);
        if (begin != 0 && at >= begin && at < *end && atomic_load(&places[i].begin) == begin)
            return &places[i];
    }
    return NULL;
}

/* As if this handler were not there. */
static void fault_pass_on(int number, siginfo_t *info, void *context)
{
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
        signal(number, before.sa_handler);
        raise(number);
    } else {
        before.sa_handler(number);
    }
}

/* Zeros from the page at `at` to the mapping's end: with a page at a time a cut
 * file could use up the process's mappings. By the system call, for a
 * sanitizer's mmap is not made for handlers. */
static bool zeros_map(uintptr_t at, uintptr_t end)
{
    uintptr_t page = at & ~(page_bytes - 1);
    long got = syscall(SYS_mmap, page, end - page, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0L);
    return got == (long)page;
}

static void fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    uintptr_t at = (uintptr_t)info->si_addr, end = 0;
    struct map_place *place =
        info->si_code > 0 ? place_of(at, &end) : NULL; /* 0 and below: sent by a process */
    if (place)
        atomic_store(&place->faulted, true);
    if (!place || !zeros_map(at, end))
        fault_pass_on(number, info, context);
    errno = saved;
}

/* ---- outside ---- */

static void handler_install(void)
{
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, NULL, &before);
    sigaction(SIGBUS, &action, NULL);
}

/* NULL: all are taken. */
static struct map_place *place_take(void)
{
    for (unsigned i = 0; i < PLACES_MAX; i++) {
        bool taken = false;
        if (!atomic_compare_exchange_strong(&places[i].taken, &taken, true))
            continue;
        unsigned n = atomic_load(&n_places);
        while (n <= i && !atomic_compare_exchange_weak(&n_places, &n, i + 1))
            continue;
        return &places[i];
    }
    return NULL;
}

static void place_give_back(struct map_place *place)
{
    atomic_store(&place->begin, 0);
    atomic_store(&place->end, 0);
    atomic_store(&place->faulted, false);
    atomic_store(&place->taken, false);
}

/* The file's length; -1 where the system does not say. */
static long long file_length(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? (long long)status.st_size : -1;
}

bool map_file(struct map *map, int fd, size_t n_bytes, struct err *err)
{
    *map = (struct map){.n_bytes = n_bytes};
    pthread_once(&once, handler_install);
    if (file_length(fd) < (long long)n_bytes)
        return err_set(err, ERR_CORRUPT, "the file has %lld bytes, expected at least %zu", file_length(fd),
                       n_bytes);
    struct map_place *place = place_take();
    if (!place)
        return err_set(err, ERR_BUSY, "%d files are mapped already", PLACES_MAX);
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    void *bytes = own < 0 ? MAP_FAILED : mmap(NULL, n_bytes, PROT_READ, MAP_SHARED, own, 0);
    if (bytes == MAP_FAILED) {
        err_errno(err, "mapping a file");
        if (own >= 0)
            close(own);
        place_give_back(place);
        return false;
    }
    uintptr_t begin = (uintptr_t)bytes;
    atomic_store(&place->end, begin + (n_bytes + page_bytes - 1) / page_bytes * page_bytes);
    atomic_store(&place->begin, begin);
    map->bytes = bytes;
    map->fd = own;
    map->place = place;
    return true;
}

void map_done(struct map *map)
{
    if (!map->bytes)
        return;
    place_give_back(map->place); /* first: what is mapped there next has a place of its own */
    munmap((void *)(uintptr_t)map->bytes, map->n_bytes);
    close(map->fd);
    *map = (struct map){0};
}

bool map_check(const struct map *map, const char *what, struct err *err)
{
    if (atomic_load(&map->place->faulted))
        return err_set(err, ERR_CORRUPT, "%s cannot be read: a part of it is missing, or the disk has failed",
                       what);
    return file_length(map->fd) >= (long long)map->n_bytes ||
           err_set(err, ERR_CORRUPT, "%s has been cut while it was in use", what);
}
