/* The state folder: lock, layout, names, temporary files. Rows are in
 * store/datasets.c, store/jobs.c and store/models.c. */
#define _GNU_SOURCE /* realpath, O_TMPFILE */
#include "base/files.h"
#include "base/log.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const dataset_states[] = {"loading", "ready"};
static const char *const job_states[] = {"queued",    "running", "paused",   "cancelling",
                                         "succeeded", "failed",  "cancelled"};
static const char *const model_states[] = {"finished", "partial", "training"};
static const char *const rows_kinds[] = {"", "test", "validation", "train"};
static const char *const tasks[] = {"", "classification", "regression"};

const char *dataset_state_name(enum dataset_state state)
{
    return dataset_states[state];
}

const char *job_state_name(enum job_state state)
{
    return job_states[state];
}

const char *model_state_name(enum model_state state)
{
    return model_states[state];
}

const char *rows_kind_name(enum rows_kind kind)
{
    return rows_kinds[kind];
}

const char *task_name(enum task task)
{
    return tasks[task];
}

bool job_state_final(enum job_state state)
{
    return state >= JOB_STATES_LIVE;
}

bool store_name_check(const char *name, const char *field, struct err *err)
{
    size_t length = strnlen(name, NAME_SIZE);
    bool ok = length > 0 && length < NAME_SIZE;
    for (size_t i = 0; ok && i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        ok = word || (i > 0 && (c == '.' || c == '_' || c == '-'));
    }
    if (ok)
        return true;
    err_set(err, ERR_INPUT,
            "a name has 1 to %d letters, digits, '.', '_' or '-', and begins with a letter or digit",
            NAME_SIZE - 1);
    return err_field(err, field);
}

void store_stamp(char stamp[STAMP_SIZE])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(stamp, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + length, STAMP_SIZE - length, ".%03ldZ", now.tv_nsec / 1000000);
}

static bool join(char path[PATH_SIZE], const char *folder, const char *name, struct err *err)
{
    int length = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return (length > 0 && length < PATH_SIZE) ||
           err_set(err, ERR_INPUT, "the state folder's path is too long");
}

bool store_path(const struct store *store, const char *folder, int64_t id, const char *suffix,
                char path[PATH_SIZE], struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%" PRId64 "%s", folder, id, suffix);
    return join(path, store->dir, name, err);
}

int store_temp(struct store *store, char path[PATH_SIZE], struct err *err)
{
    char name[PATH_SIZE];
    int nameless =
        path || !join(name, store->dir, "tmp", err) ? -1 : open(name, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (nameless >= 0)
        return nameless;
    if (!join(name, store->dir, "tmp/XXXXXX", err))
        return -1;
    int fd = mkstemp(name);
    if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        err_errno(err, "cannot create a temporary file in the state folder");
        if (fd >= 0) {
            close(fd);
            unlink(name);
        }
        return -1;
    }
    if (path)
        memcpy(path, name, sizeof name);
    else
        unlink(name);
    return fd;
}

/* Where the disk does not link what has no name. */
static bool link_copy(int fd, const char *path, struct err *err)
{
    uint64_t size;
    int copy = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (copy < 0)
        return err_errno(err, "cannot create %s", path);
    bool ok = files_size(fd, &size, err) && files_copy(fd, copy, size, NULL, err);
    if (close(copy) != 0 && ok)
        ok = err_errno(err, "cannot write %s", path);
    if (!ok)
        unlink(path);
    return ok;
}

bool store_link(struct store *store, int fd, const char *folder, int64_t id, const char *suffix,
                struct err *err)
{
    char path[PATH_SIZE], own[64];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    if (!store_path(store, folder, id, suffix, path, err))
        return false;
    return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 || link_copy(fd, path, err);
}

const char *store_dir(const struct store *store)
{
    return store->dir;
}

/* The connection of a thread that ends. */
static void connection_end(void *self)
{
    struct sql *sql = self;
    struct store *store = sql->store;
    pthread_mutex_lock(&store->lock);
    for (struct sql **at = &store->connections; *at; at = &(*at)->next)
        if (*at == sql) {
            *at = sql->next;
            break;
        }
    pthread_mutex_unlock(&store->lock);
    sql_free(sql);
}

/* Lock what the path names. The lock is worth something only while the path
 * names the same file afterwards. 1: it is ours, 0: another has it, -1: the
 * file has no locks, or is another one now. */
static int file_lock(int fd, const char *path)
{
    struct stat locked, named;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? 0 : -1;
    if (fstat(fd, &locked) == 0 && stat(path, &named) == 0 && locked.st_dev == named.st_dev &&
        locked.st_ino == named.st_ino)
        return 1;
    errno = ESTALE;
    return -1;
}

/* The folder itself is locked, which nobody can remove as long as the daemon
 * works in it, and the file `lock` for daemons of earlier versions. */
static bool folder_lock(struct store *store, struct err *err)
{
    char path[PATH_SIZE];
    if (!join(path, store->dir, "lock", err))
        return false;
    store->dir_fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (store->dir_fd < 0 || store->lock_fd < 0)
        return err_errno(err, "cannot open %s", store->dir_fd < 0 ? store->dir : path);
    int dir = file_lock(store->dir_fd, store->dir), file = dir ? file_lock(store->lock_fd, path) : 0;
    if (dir < 0)
        log_warning("the folder %s itself cannot be locked (%s): do not remove its file lock", store->dir,
                    strerror(errno));
    if (file > 0)
        return true;
    if (file < 0)
        return err_errno(err, "cannot lock %s", path);
    return err_set(err, ERR_BUSY,
                   "another mlpd uses the state folder %s: stop it, or choose another with --state-dir",
                   store->dir);
}

static bool folders_make(struct store *store, struct err *err)
{
    static const char *const names[] = {"tmp", "datasets", "models", "checkpoints"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!join(path, store->dir, names[i], err) || !files_make_folder(path, err))
            return false;
    return true;
}

static bool dir_resolve(struct store *store, const char *dir, struct err *err)
{
    if (!files_make_folder(dir, err))
        return false;
    char *absolute = realpath(dir, NULL);
    if (!absolute)
        return err_errno(err, "cannot resolve the path of %s", dir);
    int length = snprintf(store->dir, sizeof store->dir, "%s", absolute);
    free(absolute);
    /* room for the names inside */
    return length < PATH_SIZE - 128 ||
           err_set(err, ERR_INPUT, "the state folder's path is longer than %d bytes", PATH_SIZE - 129);
}

bool store_connect(struct store *store, struct err *err)
{
    if (!store->has_key && pthread_key_create(&store->key, connection_end) != 0)
        return err_set(err, ERR_THREAD, "no thread-specific key is left");
    store->has_key = true;
    return true;
}

void store_disconnect(struct store *store)
{
    if (store->has_key)
        pthread_key_delete(store->key);
    store->has_key = false;
    while (store->connections) {
        struct sql *next = store->connections->next;
        sql_free(store->connections);
        store->connections = next;
    }
}

static bool catalogue_open(struct store *store, struct err *err)
{
    if (!store_check_file(store, err) || !store_connect(store, err) || !store_check_rows(store, err))
        return false;
    struct sql *sql = sql_of(store, err);
    return sql && sql_migrate(sql, err) && files_sync_folder(store->dir, err);
}

struct store *store_begin(const char *dir, const char *catalogue, struct err *err)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store) {
        err_memory(err, "the store");
        return NULL;
    }
    store->catalogue = catalogue;
    store->lock_fd = store->dir_fd = -1;
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->about_lock, NULL);
    pthread_mutex_init(&store->lost_lock, NULL);
    if (dir_resolve(store, dir, err) && folder_lock(store, err) && folders_make(store, err))
        return store;
    store_close(store);
    return NULL;
}

struct store *store_open(const char *dir, struct err *err)
{
    struct store *store = store_begin(dir, "mlpd.db", err);
    if (store && store_swap_finish(store, err) && catalogue_open(store, err) &&
        store_files_settle(store, err)) {
        store_abouts_write(store);
        return store;
    }
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_disconnect(store);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    if (store->dir_fd >= 0)
        close(store->dir_fd);
    pthread_mutex_destroy(&store->lost_lock);
    pthread_mutex_destroy(&store->about_lock);
    pthread_mutex_destroy(&store->lock);
    free(store);
}
