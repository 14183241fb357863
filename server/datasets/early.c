/* See early.h. The lock guards what is told to the thread and what it tells;
 * it is not held while bytes are read. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "datasets/early.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct early {
    struct csv_file file;
    struct csv_options options;
    char path[PATH_SIZE];
    int rejects_fd;
    struct table_progress progress;
    struct csv_report report;
    pthread_t thread;
    bool joined;
    bool made; /* after the join: there is a table */
    pthread_mutex_t lock;
    pthread_cond_t arrived; /* n_there or over has changed; readers wait on it (CLOCK_MONOTONIC) */
    /* under the lock */
    uint64_t n_there;
    bool over;               /* no more is waited for */
    const atomic_bool *stop; /* NULL: nobody waits for the table yet */
};

static struct timespec patience_end(void)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += EARLY_PATIENCE_MS / 1000;
    return end;
}

/* Several readers wait at once; where one gives up, all do. */
static bool bytes_wait(void *self, uint64_t end, struct err *err)
{
    struct early *early = self;
    const struct timespec until = patience_end();
    pthread_mutex_lock(&early->lock);
    while (early->n_there < end && !early->over)
        if (pthread_cond_timedwait(&early->arrived, &early->lock, &until) && early->n_there < end) {
            early->over = true;
            pthread_cond_broadcast(&early->arrived);
        }
    bool there = !early->over;
    pthread_mutex_unlock(&early->lock);
    return there || err_set(err, ERR_STOPPED, "the upload does not go on");
}

static bool early_tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows)
{
    struct early *early = self;
    early->progress.tick(early->progress.self, bytes_done, bytes_all, rows);
    pthread_mutex_lock(&early->lock);
    bool on = !early->over && !(early->stop && atomic_load(early->stop));
    pthread_mutex_unlock(&early->lock);
    return on;
}

static void *early_run(void *self)
{
    struct early *early = self;
    const struct table_progress progress = {.tick = early_tick, .self = early};
    struct err ignored;
    early->made =
        table_ingest_file(&early->file, &early->options, early->path, &progress, &early->report, &ignored);
    return NULL;
}

static bool thread_start(struct early *early)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the daemon's main thread's */
    bool started = pthread_create(&early->thread, NULL, early_run, early) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_setname_np(early->thread, "early");
    return started;
}

/* Without its thread. */
static void early_done(struct early *early)
{
    pthread_cond_destroy(&early->arrived);
    pthread_mutex_destroy(&early->lock);
    close(early->file.fd);
    free(early);
}

struct early *early_begin(const struct early_source *source)
{
    struct early *early = calloc(1, sizeof *early);
    int fd = early ? fcntl(source->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0) {
        free(early);
        return NULL;
    }
    *early = (struct early){.options = *source->options,
                            .rejects_fd = source->rejects_fd,
                            .progress = source->progress,
                            .n_there = source->n_there};
    early->file = (struct csv_file){.fd = fd, .n_bytes = source->n_bytes, .wait = bytes_wait, .self = early};
    early->options.rejects_fd = source->rejects_fd;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&early->lock, NULL);
    pthread_cond_init(&early->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int n = snprintf(early->path, sizeof early->path, "%s", source->path);
    if (n < (int)sizeof early->path && thread_start(early))
        return early;
    early_done(early);
    return NULL;
}

void early_arrived(struct early *early, uint64_t n_there)
{
    pthread_mutex_lock(&early->lock);
    early->n_there = n_there;
    pthread_cond_broadcast(&early->arrived);
    pthread_mutex_unlock(&early->lock);
}

static bool is_same_file(const struct early *early, int fd)
{
    struct stat ours, theirs;
    return fstat(early->file.fd, &ours) == 0 && fstat(fd, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino && (uint64_t)ours.st_size == early->file.n_bytes;
}

bool early_finish(struct early *early, int fd, const struct csv_options *options, const atomic_bool *stop,
                  struct csv_report *report)
{
    bool same = is_same_file(early, fd) && options->encoding == early->options.encoding;
    pthread_mutex_lock(&early->lock);
    early->stop = stop;
    early->over = early->over || !same;
    early->n_there = same ? early->file.n_bytes : early->n_there;
    pthread_cond_broadcast(&early->arrived);
    pthread_mutex_unlock(&early->lock);
    pthread_join(early->thread, NULL);
    early->joined = true;
    if (!early->made || !same)
        return false;
    early->made = false; /* it is the caller's now */
    *report = early->report;
    return true;
}

int early_rejects(const struct early *early)
{
    return early->rejects_fd;
}

void early_free(struct early *early)
{
    if (!early)
        return;
    pthread_mutex_lock(&early->lock);
    early->over = true;
    pthread_cond_broadcast(&early->arrived);
    pthread_mutex_unlock(&early->lock);
    if (!early->joined)
        pthread_join(early->thread, NULL);
    if (early->made)
        unlink(early->path);
    close(early->rejects_fd);
    early_done(early);
}
