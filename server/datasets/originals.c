/* Kept uploads. See originals.h. One lock, for the wait; nothing is held while
 * a file is read. */
#define _GNU_SOURCE /* SCHED_IDLE, syscall */
#include "datasets/originals.h"
#include "base/files.h"
#include "base/log.h"
#include "base/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "datasets"
#define IO_IDLE (3 << 13) /* of ioprio_set: the idle class */

struct originals {
    struct store *store;
    struct keep_limit limit;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool due; /* under lock: there may be something to do */
};

static const char *const suffixes[] = {STORE_ORIGINAL, STORE_PACKED};

/* A kept file. */
struct kept {
    int64_t id;
    bool packed;
    ino_t inode;
    uint64_t bytes;
    struct timespec came;
};

struct list {
    struct originals *originals;
    struct kept *items; /* (n) */
    size_t n, capacity;
    bool packed; /* which files are being listed */
    bool failed;
};

static bool file_look(struct originals *originals, int64_t id, bool packed, struct stat *status)
{
    char path[PATH_SIZE];
    struct err ignored;
    return store_path(originals->store, FOLDER, id, suffixes[packed], path, &ignored) &&
           lstat(path, status) == 0 && S_ISREG(status->st_mode);
}

static void list_add(void *self, int64_t id)
{
    struct list *list = self;
    struct stat status;
    if (list->failed || !file_look(list->originals, id, list->packed, &status))
        return;
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct kept *items = realloc(list->items, capacity * sizeof *items);
        if (!items) {
            list->failed = true;
            return;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] =
        (struct kept){id, list->packed, status.st_ino, (uint64_t)status.st_blocks * 512, status.st_mtim};
}

/* The newest first; one file under two names (a dataset read again) stands
 * together. */
static int kept_compare(const void *left, const void *right)
{
    const struct kept *a = left, *b = right;
    if (a->came.tv_sec != b->came.tv_sec)
        return a->came.tv_sec < b->came.tv_sec ? 1 : -1;
    if (a->came.tv_nsec != b->came.tv_nsec)
        return a->came.tv_nsec < b->came.tv_nsec ? 1 : -1;
    return a->inode < b->inode ? -1 : a->inode > b->inode;
}

static bool list_make(struct originals *originals, struct list *list)
{
    struct err err;
    *list = (struct list){.originals = originals};
    for (int i = 0; i < 2; i++) {
        list->packed = i != 0;
        if (!store_files_each(originals->store, suffixes[i], list_add, list, &err)) {
            list->failed = true;
            return false;
        }
    }
    if (list->n > 0)
        qsort(list->items, list->n, sizeof *list->items, kept_compare);
    return !list->failed;
}

static void kept_drop(struct originals *originals, const struct kept *kept)
{
    struct err err;
    if (!store_file_drop(originals->store, FOLDER, kept->id, suffixes[kept->packed], &err))
        log_warning("a kept upload that is to go stays: %s", err.msg);
    else
        log_info("the upload of dataset %" PRId64 " is no longer kept: all have reached --keep-uploads",
                 kept->id);
}

/* Remove what is beyond the limit, the oldest first. *next: when the oldest that
 * stays comes of age, 0: never. */
static void limit_hold(struct originals *originals, const struct list *list, time_t *next)
{
    const struct keep_limit *limit = &originals->limit;
    time_t now = time(NULL);
    uint64_t bytes = 0;
    *next = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct kept *kept = &list->items[i];
        bool again = i > 0 && kept->inode == list->items[i - 1].inode;
        bool large = limit->bytes > 0 && bytes + (again ? 0 : kept->bytes) > limit->bytes;
        bool old = limit->seconds > 0 && (uint64_t)(now - kept->came.tv_sec) >= limit->seconds &&
                   now >= kept->came.tv_sec;
        if (large || old) {
            kept_drop(originals, kept);
            continue;
        }
        bytes += again ? 0 : kept->bytes;
        if (limit->seconds > 0)
            *next = kept->came.tv_sec + (time_t)limit->seconds;
    }
}

/* Compress `from` into a new file with its times, synced. */
static bool pack_to(struct originals *originals, int from, int to, struct err *err)
{
    struct stat status;
    if (fstat(from, &status) != 0)
        return err_errno(err, "cannot look at a kept upload");
    struct timespec times[] = {status.st_mtim, status.st_mtim};
    return pack_file(from, to, &originals->stop, err) &&
           (futimens(to, times) == 0 || err_errno(err, "cannot date a kept upload")) && files_sync(to, err);
}

static bool pack_one(struct originals *originals, int64_t id, struct err *err)
{
    char path[PATH_SIZE], temp[PATH_SIZE];
    struct stat status;
    if (file_look(originals, id, true, &status)) /* killed between the two */
        return store_file_drop(originals->store, FOLDER, id, STORE_ORIGINAL, err);
    if (!store_path(originals->store, FOLDER, id, STORE_ORIGINAL, path, err))
        return false;
    int from = files_open(path, err), to = from < 0 ? -1 : store_temp(originals->store, temp, err);
    bool ok = to >= 0 && pack_to(originals, from, to, err);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    ok = ok && store_publish_beside(originals->store, temp, FOLDER, id, STORE_PACKED, err);
    if (to >= 0 && !ok)
        unlink(temp);
    return ok && store_file_drop(originals->store, FOLDER, id, STORE_ORIGINAL, err);
}

/* Compress all that came. One that cannot be stays as it is until the next
 * comes. */
static bool list_pack(struct originals *originals, const struct list *list)
{
    bool any = false;
    for (size_t i = 0; i < list->n && pack_is_there() && !atomic_load(&originals->stop); i++) {
        struct err err = {0};
        if (list->items[i].packed)
            continue;
        if (pack_one(originals, list->items[i].id, &err))
            any = true;
        else if (err.code != ERR_STOPPED && err.code != ERR_NOT_FOUND)
            log_warning("the upload of dataset %" PRId64 " stays as it is: %s", list->items[i].id, err.msg);
    }
    return any;
}

/* Until there is something to do; false: the end. */
static bool work_wait(struct originals *originals, time_t next)
{
    struct timespec end = {.tv_sec = next + 1};
    int code = 0;
    pthread_mutex_lock(&originals->lock);
    while (!originals->due && !atomic_load(&originals->stop) && code != ETIMEDOUT)
        code = next ? pthread_cond_timedwait(&originals->wake, &originals->lock, &end)
                    : pthread_cond_wait(&originals->wake, &originals->lock);
    originals->due = false;
    pthread_mutex_unlock(&originals->lock);
    return !atomic_load(&originals->stop);
}

static void *originals_run(void *self)
{
    struct originals *originals = self;
    time_t next = 0;
    (void)sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}); /* else it is only less polite */
    (void)syscall(SYS_ioprio_set, 1, 0, IO_IDLE);
    (void)pthread_setname_np(pthread_self(), "originals");
    do {
        /* what is still to be compressed counts as what comes of it */
        for (bool again = true; again && !atomic_load(&originals->stop);) {
            struct list list;
            again = list_make(originals, &list) && list_pack(originals, &list);
            if (!again && !list.failed && !atomic_load(&originals->stop))
                limit_hold(originals, &list, &next);
            free(list.items);
        }
    } while (work_wait(originals, next));
    return NULL;
}

struct originals *originals_open(struct store *store, const struct keep_limit *limit, struct err *err)
{
    struct originals *originals = calloc(1, sizeof *originals);
    if (!originals) {
        err_memory(err, "the kept uploads");
        return NULL;
    }
    originals->store = store;
    originals->limit = *limit;
    pthread_mutex_init(&originals->lock, NULL);
    pthread_cond_init(&originals->wake, NULL);
    if (pthread_create(&originals->thread, NULL, originals_run, originals) == 0)
        return originals;
    err_set(err, ERR_THREAD, "the thread of the kept uploads could not be started");
    pthread_cond_destroy(&originals->wake);
    pthread_mutex_destroy(&originals->lock);
    free(originals);
    return NULL;
}

void originals_close(struct originals *originals)
{
    if (!originals)
        return;
    pthread_mutex_lock(&originals->lock);
    atomic_store(&originals->stop, true);
    pthread_cond_signal(&originals->wake);
    pthread_mutex_unlock(&originals->lock);
    pthread_join(originals->thread, NULL);
    pthread_cond_destroy(&originals->wake);
    pthread_mutex_destroy(&originals->lock);
    free(originals);
}

void originals_ready(struct originals *originals)
{
    if (!originals)
        return;
    pthread_mutex_lock(&originals->lock);
    originals->due = true;
    pthread_cond_signal(&originals->wake);
    pthread_mutex_unlock(&originals->lock);
}

void originals_keep(struct originals *originals, int64_t id, int fd)
{
    struct err err;
    if (originals && !store_link(originals->store, fd, FOLDER, id, STORE_ORIGINAL, &err))
        log_warning("an upload is not kept: %s", err.msg);
}

void originals_carry(struct originals *originals, int64_t from, int64_t to)
{
    char old[PATH_SIZE], new[PATH_SIZE];
    struct err ignored;
    /* what stands uncompressed may be compressed meanwhile: that comes last */
    for (int i = 0; originals && i < 2; i++)
        if (store_path(originals->store, FOLDER, from, suffixes[i], old, &ignored) &&
            store_path(originals->store, FOLDER, to, suffixes[i], new, &ignored) && link(old, new) == 0)
            return;
}

static int kept_open(struct originals *originals, int64_t id, bool packed, struct err *err)
{
    char path[PATH_SIZE];
    return store_path(originals->store, FOLDER, id, suffixes[packed], path, err) ? files_open(path, err) : -1;
}

int originals_read(struct originals *originals, int64_t id, const atomic_bool *stop, struct err *err)
{
    if (!originals) {
        err_set(err, ERR_NOT_FOUND, "uploads are not kept (--keep-uploads)");
        return -1;
    }
    int fd = kept_open(originals, id, false, err);
    if (fd >= 0 || err->code != ERR_NOT_FOUND)
        return fd;
    int packed = kept_open(originals, id, true, err);
    if (packed < 0)
        return -1;
    fd = store_temp(originals->store, NULL, err);
    if (fd >= 0 && !unpack_file(packed, fd, stop, err)) {
        close(fd);
        fd = -1;
    }
    close(packed);
    return fd;
}

bool originals_has(struct originals *originals, int64_t id)
{
    struct stat status;
    return originals && (file_look(originals, id, false, &status) || file_look(originals, id, true, &status));
}
