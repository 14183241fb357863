/* A state folder for a test. See the header. */
#include "helper_state.h"

#include "base/files.h"
#include "base/log.h"

#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_NS 60000000000u /* a cancel has ended the job when it returns, however slow the machine */

void state_open(struct state *state)
{
    struct err err = {0};
    state->store = store_open(state->dir, &err);
    ck_assert_msg(state->store != NULL, "%s", err.msg);
    state->datasets = datasets_open(state->store, 1, &err);
    state->models = models_open(state->store, 0, &err);
    state->events = events_open(state->store, &err);
    state->jobs = NULL;
    ck_assert(state->datasets && state->models && state->events);
}

void state_new(struct state *state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(state->dir, sizeof state->dir, "%s/mlpd-test-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(state->dir));
    state_open(state);
}

void state_close(struct state *state)
{
    jobs_close(state->jobs);
    events_close(state->events);
    models_close(state->models);
    datasets_close(state->datasets);
    store_close(state->store);
}

static void tree_remove(const char *folder)
{
    char path[1024];
    struct dirent *entry;
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    while ((entry = readdir(listing))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0)
            tree_remove(path);
    }
    closedir(listing);
    rmdir(folder);
}

void state_remove(struct state *state)
{
    state_close(state);
    tree_remove(state->dir);
}

bool state_has(const struct state *state, const char *path)
{
    char full[512];
    struct stat status;
    snprintf(full, sizeof full, "%s/%s", state->dir, path);
    return stat(full, &status) == 0;
}

static bool parse(const char *json, struct job_request *request, struct err *err)
{
    if (sscanf(json, "\"%64s %" SCNu32 " %" SCNu32 " %" SCNu64, request->dataset, &request->train.epochs,
               &request->train.batch_size, &request->train.seed) != 4)
        return err_set(err, ERR_INPUT, "not a test's request");
    request->batch_size_given = true;
    return true;
}

void state_jobs(struct state *state, uint32_t queue_max)
{
    state_jobs_on(state, queue_max, 2);
}

void state_jobs_on(struct state *state, uint32_t queue_max, uint32_t n_threads)
{
    struct err err = {0};
    log_open(LOG_LEVEL_ERROR);
    struct jobs_options options = {.store = state->store,
                                   .datasets = state->datasets,
                                   .models = state->models,
                                   .events = state->events,
                                   .n_threads = n_threads,
                                   .queue_max = queue_max,
                                   .memory = state->job_memory,
                                   .max_seconds = state->max_seconds,
                                   .cancel_ns = state->cancel_ns ? state->cancel_ns : PATIENCE_NS,
                                   .parse = parse};
    state->jobs = jobs_open(&options, &err);
    ck_assert_msg(state->jobs != NULL, "%s", err.msg);
}

int state_spool(struct state *state, const char *text)
{
    struct err err = {0};
    int fd = store_temp(state->store, NULL, &err);
    ck_assert_msg(fd >= 0, "%s", err.msg);
    ck_assert(files_write(fd, text, strlen(text), &err));
    return fd;
}

void state_upload(struct state *state, const char *name, const char *csv, bool replace)
{
    struct err err = {0};
    struct csv_options options = {0};
    int fd = state_spool(state, csv);
    struct upload *upload = datasets_begin(state->datasets, name, replace, &err);
    ck_assert_msg(upload != NULL, "%s", err.msg);
    ck_assert_msg(datasets_finish(upload, fd, &options, NULL, NULL, &err), "%s", err.msg);
    close(fd);
}

static char *csv_make(bool classes)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    fprintf(out, classes ? "x1,x2,label\n" : "x1,x2,y\n");
    for (int i = 0; i < 240; i++) {
        double a = (i * 37 % 101) / 50.0 - 1, b = (i * 61 % 97) / 48.0 - 1;
        if (classes)
            fprintf(out, "%.3f,%.3f,%s\n", a + (i % 2 ? 2 : -2), b, i % 2 ? "right" : "left");
        else
            fprintf(out, "%.3f,%.3f,%.4f\n", a, b, 2 * a - b);
    }
    fclose(out);
    return text;
}

char *csv_classes(void)
{
    return csv_make(true);
}

char *csv_numbers(void)
{
    return csv_make(false);
}

void state_with_tables(struct state *state)
{
    char *classes = csv_classes(), *numbers = csv_numbers();

    state_new(state);
    state_upload(state, "c", classes, false);
    state_upload(state, "n", numbers, false);
    free(classes);
    free(numbers);
}

void request_make(struct job_request *request, const char *dataset, uint32_t epochs, uint32_t batch,
                  uint64_t seed)
{
    char json[200];
    snprintf(json, sizeof json, "\"%s %" PRIu32 " %" PRIu32 " %" PRIu64 "\"", dataset, epochs, batch, seed);
    job_request_init(request);
    request->json = strdup(json);
    ck_assert(request->json && parse(json, request, NULL));
}

int64_t submit(struct state *state, struct job_request *request)
{
    struct err err = {0};
    struct job_info info;
    ck_assert_msg(jobs_submit(state->jobs, request, &info, &err), "%s", err.msg);
    job_request_done(request);
    ck_assert_int_gt(info.row.id, 0);
    return info.row.id;
}

int64_t submit_simple(struct state *state, const char *dataset, uint32_t epochs)
{
    struct job_request request;

    request_make(&request, dataset, epochs, 32, 1);
    return submit(state, &request);
}

static void wake(void *self)
{
    sem_post(self);
}

void follower_begin(struct follower *follower, struct events *events, int64_t job, const char *last_event_id)
{
    struct err err = {0};
    memset(follower, 0, sizeof *follower);
    sem_init(&follower->woken, 0, 0);
    follower->text = calloc(1, 1);
    follower->subscriber = events_subscribe(events, job, last_event_id, wake, &follower->woken, &err);
    ck_assert_msg(follower->subscriber != NULL, "%s", err.msg);
}

bool follower_wait(struct follower *follower, const char *word)
{
    char piece[EVENT_SIZE + 100];
    struct err err = {0};
    size_t length;
    while (!follower->ended && !strstr(follower->text, word)) {
        enum events_next next = events_next(follower->subscriber, piece, sizeof piece, &length, &err);
        ck_assert_msg(next != EVENTS_ERROR, "%s", err.msg);
        follower->ended = next == EVENTS_END;
        if (next == EVENTS_NOTHING) {
            events_wait(follower->subscriber);
            sem_wait(&follower->woken);
        }
        if (next == EVENTS_TEXT) {
            follower->text = realloc(follower->text, follower->length + length + 1);
            ck_assert_ptr_nonnull(follower->text);
            memcpy(follower->text + follower->length, piece, length);
            follower->length += length;
            follower->text[follower->length] = '\0';
        }
    }
    return strstr(follower->text, word) != NULL;
}

void follower_end(struct follower *follower)
{
    events_unsubscribe(follower->subscriber);
    sem_destroy(&follower->woken);
    free(follower->text);
}

bool job_wait(struct state *state, int64_t job, const char *word)
{
    struct follower follower;
    follower_begin(&follower, state->events, job, NULL);
    bool found = follower_wait(&follower, word);
    follower_end(&follower);
    return found;
}

struct job_info job_end(struct state *state, int64_t job)
{
    struct err err = {0};
    struct job_info info;
    ck_assert(job_wait(state, job, "event: done\n"));
    ck_assert_msg(jobs_get(state->jobs, job, &info, &err), "%s", err.msg);
    return info;
}

static struct model *model_of(struct state *state, const char *name, uint32_t version)
{
    struct err err = {0};
    struct model *model = models_get(state->models, name, version, NULL, &err);

    ck_assert_msg(model != NULL, "%s", err.msg);
    return model;
}

void models_equal(struct state *state, const char *name, uint32_t a, uint32_t b)
{
    struct model *first = model_of(state, name, a), *second = model_of(state, name, b);

    ck_assert_uint_eq(first->network->n_floats, second->network->n_floats);
    ck_assert_mem_eq(first->network->params, second->network->params,
                     first->network->n_floats * sizeof(float));
    model_unref(first);
    model_unref(second);
}
