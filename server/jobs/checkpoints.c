/* Checkpoint files. See the header. */
#include "jobs/checkpoints.h"

#include "base/files.h"
#include "base/log.h"
#include "mlp/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "checkpoints"
#define PIECE_BYTES ((size_t)8 << 20)

static const char *const suffixes[CHECKPOINT_SLOTS] = {".0", ".1"};

static bool late(const atomic_ullong *give_up_ns)
{
    struct timespec now;
    uint64_t at = atomic_load(give_up_ns);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return at != 0 && (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec >= at;
}

/* Synced piece by piece, so that neither giving up nor anybody else's sync
 * waits for all of it. */
static bool pieces_write(int fd, const char *bytes, size_t n, const atomic_ullong *give_up_ns,
                         struct err *err)
{
    for (size_t at = 0, piece; at < n; at += piece) {
        piece = n - at < PIECE_BYTES ? n - at : PIECE_BYTES;
        if (late(give_up_ns))
            return err_set(err, ERR_STOPPED, "there is no time left to write a checkpoint");
        if (!files_write(fd, bytes + at, piece, err) || !files_sync(fd, err))
            return false;
    }
    return true;
}

bool checkpoint_write(const struct checkpoint_file *file, const void *bytes, size_t n,
                      const atomic_ullong *give_up_ns, struct err *err)
{
    char path[PATH_SIZE], temp[PATH_SIZE];
    if (!store_path(file->store, FOLDER, file->job, suffixes[file->slot], path, err))
        return false;
    int fd = store_temp(file->store, temp, err);
    if (fd < 0)
        return false;
    bool ok = pieces_write(fd, bytes, n, give_up_ns, err);
    if (close(fd) != 0 && ok)
        ok = err_errno(err, "cannot close a checkpoint");
    ok = ok && files_publish(temp, path, err);
    if (!ok)
        unlink(temp);
    return ok;
}

/* Its descriptor and size; -1: *err. */
static int file_begin(const struct checkpoint_file *file, uint64_t *size, struct err *err)
{
    char path[PATH_SIZE];
    if (!store_path(file->store, FOLDER, file->job, suffixes[file->slot], path, err))
        return -1;
    int fd = files_open(path, err);
    if (fd >= 0 && !files_size(fd, size, err)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool checkpoint_read(const struct checkpoint_file *file, size_t most, void **bytes, size_t *n,
                     struct err *err)
{
    uint64_t size = 0;
    int fd = file_begin(file, &size, err);
    if (fd < 0)
        return false;
    void *read = NULL;
    bool ok =
        size <= most || err_set(err, ERR_CORRUPT,
                                "it has %" PRIu64 " bytes, a state of this training at most %zu", size, most);
    if (ok && !(read = malloc((size_t)size + 1)))
        ok = err_memory(err, "a checkpoint");
    ok = ok && files_read_at(fd, read, (size_t)size, 0, err);
    close(fd);
    if (!ok) {
        free(read);
        return false;
    }
    *bytes = read;
    *n = (size_t)size;
    return true;
}

bool checkpoint_look(const struct checkpoint_file *file, struct train_place *place, struct err *err)
{
    uint64_t size = 0;
    struct map map;
    int fd = file_begin(file, &size, err);
    if (fd < 0)
        return false;
    bool ok = size > 0 || err_set(err, ERR_CORRUPT, "it is empty");
    bool mapped = ok && map_file(&map, fd, (size_t)size, err);
    close(fd);
    if (!mapped)
        return false;
    ok = ensemble_state_look(map.bytes, map.n_bytes, place, err) && map_check(&map, "a checkpoint", err);
    map_done(&map);
    return ok;
}

void checkpoints_remove(struct store *store, int64_t job)
{
    struct err err;
    bool gone;
    if (!store_files_remove(store, FOLDER, job, &gone, &err))
        log_warning("the checkpoints of job %" PRId64 " are not removed before the next start: %s", job,
                    err.msg);
}

/* Whether the slot holds a checkpoint to go on from. */
static bool slot_look(struct store *store, const struct job_row *row, int slot, struct train_place *place)
{
    const struct checkpoint_file file = {.store = store, .job = row->id, .slot = slot};
    struct err err;
    bool ok = checkpoint_look(&file, place, &err);
    if (ok && place->epoch > row->epoch)
        ok = err_set(&err, ERR_CONFLICT,
                     "it is ahead of the job's history (%" PRIu32 " epochs, not %" PRIu32 ")", row->epoch,
                     place->epoch);
    if (ok || err.code == ERR_NOT_FOUND)
        return ok;
    log_warning("job %" PRId64 ": the checkpoint " FOLDER "/%" PRId64 "%s cannot be used: %s", row->id,
                row->id, suffixes[slot], err.msg);
    if ((err.code == ERR_CORRUPT ||
         err.code == ERR_CONFLICT) && /* a later start must not take it for the newest */
        !store_file_lose(store, FOLDER, row->id, suffixes[slot], "cannot be used", &err))
        log_warning("job %" PRId64 ": %s", row->id, err.msg);
    return false;
}

static bool later(const struct train_place *a, const struct train_place *b)
{
    if (a->epoch != b->epoch)
        return a->epoch > b->epoch;
    return a->step != b->step ? a->step > b->step : a->chunk > b->chunk;
}

int checkpoint_choose(struct store *store, const struct job_row *row, struct train_place *place)
{
    struct train_place at;
    int chosen = -1;
    for (int slot = 0; slot < CHECKPOINT_SLOTS; slot++)
        if (slot_look(store, row, slot, &at) && (chosen < 0 || later(&at, place))) {
            chosen = slot;
            *place = at;
        }
    return chosen;
}
