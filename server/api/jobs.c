/* Jobs: lists, history, events, and what one can do to them. */
#include "api/routes.h"
#include "base/log.h"
#include "base/near.h"
#include "jobs/json_field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_DEFAULT 100
#define JOBS_MOST 1000
#define HISTORY_SHOWN 2000 /* newest epochs that stand with the job */
#define HISTORY_MOST 10000 /* epochs of a page */

static void rows_used_write(struct writer *writer, const struct job_row *row)
{
    writer_key(writer, "rows");
    writer_open(writer, '{');
    writer_put_uint(writer, "train", row->n_train);
    writer_put_uint(writer, "validation", row->n_validation);
    writer_put_uint(writer, "test", row->n_test);
    writer_close(writer, '}');
}

static void name_or_null(struct writer *writer, const char *key, const char *text)
{
    writer_put_string(writer, key, *text ? text : NULL);
}

static void job_fields_write(struct writer *writer, const struct job_info *info)
{
    const struct job_row *row = &info->row;
    writer_put_int(writer, "id", row->id);
    writer_put_string(writer, "state", job_state_name(row->state));
    name_or_null(writer, "title", row->title);
    writer_put_int(writer, "priority", row->priority);
    writer_put_uint(writer, "weight", row->weight);
    writer_put_double(writer, "max_seconds", row->max_seconds);
    writer_put_string(writer, "dataset", row->dataset);
    name_or_null(writer, "validation", row->validation);
    name_or_null(writer, "test", row->test);
    writer_put_string(writer, "model", row->model);
    writer_key(writer, "version");
    if (row->version)
        writer_uint(writer, row->version);
    else
        writer_null(writer);
    writer_put_uint(writer, "epoch", row->epoch);
    writer_put_uint(writer, "epochs", row->epochs);
    writer_put_double(writer, "fraction", info->fraction);
    writer_put_double(writer, "eta_seconds", info->eta_seconds);
    writer_put_double(writer, "samples_per_second", info->samples_per_second);
    writer_key(writer, "memory_bytes");
    if (info->bytes)
        writer_uint(writer, info->bytes);
    else
        writer_null(writer);
    writer_put_string(writer, "task", task_name(row->task));
    writer_put_string(writer, "task_reason", row->task_reason);
    rows_used_write(writer, row);
    name_or_null(writer, "created", row->created);
    name_or_null(writer, "started", row->started);
    name_or_null(writer, "ended", row->ended);
    writer_key(writer, "error");
    if (row->error.code == ERR_OK)
        writer_null(writer);
    else
        problem_write(writer, problem_status(&row->error), &row->error);
}

void job_write(struct writer *writer, const struct job_info *info)
{
    writer_open(writer, '{');
    job_fields_write(writer, info);
    writer_close(writer, '}');
}

void jobs_get_all(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct job_info *list = NULL;
    struct writer writer;
    struct err err = {0};
    uint64_t before, limit;
    size_t n = 0;
    if (!query_number(request, "before", 0, INT64_MAX, &before, reply) ||
        !query_number(request, "limit", JOBS_DEFAULT, JOBS_MOST, &limit, reply))
        return;
    if (!jobs_list(server->jobs, (int64_t)before, (uint32_t)limit, &list, &n, &err)) {
        reply_problem(reply, &err);
        return;
    }
    reply_writer(reply, &writer);
    writer_open(&writer, '{');
    writer_key(&writer, "jobs");
    writer_open(&writer, '[');
    for (size_t i = 0; i < n; i++)
        job_write(&writer, &list[i]);
    writer_close(&writer, ']');
    writer_close(&writer, '}');
    free(list);
    reply_json(reply, 200, &writer);
}

static void history_write(struct writer *writer, const struct epoch_metrics *epochs, size_t n)
{
    char text[EPOCH_JSON_SIZE];
    writer_key(writer, "history");
    writer_open(writer, '[');
    for (size_t i = 0; i < n; i++)
        writer_raw(writer, text, epoch_json(text, &epochs[i]));
    writer_close(writer, ']');
}

static void warnings_write(struct writer *writer, const struct warnings *warnings)
{
    char text[WARNING_JSON_SIZE];
    writer_key(writer, "warnings");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < warnings->n; i++)
        writer_raw(writer, text, warning_json(text, &warnings->list[i]));
    writer_close(writer, ']');
}

void jobs_get_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct job_info info = {0};
    struct epoch_metrics *epochs = NULL;
    struct warnings warnings;
    struct writer writer;
    struct err err = {0};
    char *json = NULL;
    size_t n = 0;
    int64_t id;
    if (!param_job(request, &id, reply))
        return;
    bool found = jobs_get(server->jobs, id, &info, &err);
    uint32_t after = info.row.epoch > HISTORY_SHOWN ? info.row.epoch - HISTORY_SHOWN : 0;
    /* The history is read before the rest: it may end before `epoch`, never
     * after it. */
    if (!found || !jobs_history(server->jobs, id, after, HISTORY_SHOWN, &epochs, &n, &err) ||
        !jobs_get(server->jobs, id, &info, &err) || !jobs_request(server->jobs, id, &json, &err) ||
        !jobs_warnings(server->jobs, id, &warnings, &err)) {
        reply_problem(reply, &err);
    } else {
        reply_writer(reply, &writer);
        writer_open(&writer, '{');
        job_fields_write(&writer, &info);
        writer_key(&writer, "request");
        writer_raw(&writer, json, strlen(json));
        warnings_write(&writer, &warnings);
        writer_put_uint(&writer, "history_after", after);
        history_write(&writer, epochs, n);
        writer_close(&writer, '}');
        reply_json(reply, 200, &writer);
    }
    free(epochs);
    free(json);
}

void jobs_get_history(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct epoch_metrics *epochs = NULL;
    struct writer writer;
    struct err err = {0};
    uint64_t after, limit;
    size_t n = 0;
    int64_t id;
    if (!param_job(request, &id, reply) || !query_number(request, "after", 0, UINT32_MAX, &after, reply) ||
        !query_number(request, "limit", HISTORY_SHOWN, HISTORY_MOST, &limit, reply))
        return;
    /* A limit of 0 means all to jobs_history. */
    if (!jobs_history(server->jobs, id, (uint32_t)after, limit ? (uint32_t)limit : 1, &epochs, &n, &err)) {
        reply_problem(reply, &err);
        return;
    }
    n = limit ? n : 0;
    reply_writer(reply, &writer);
    writer_open(&writer, '{');
    history_write(&writer, epochs, n);
    writer_key(&writer, "next");
    if (limit && n == limit)
        writer_uint(&writer, epochs[n - 1].epoch);
    else
        writer_null(&writer);
    writer_close(&writer, '}');
    reply_json(reply, 200, &writer);
    free(epochs);
}

/* One subscriber and the reply's source that reads it. */
struct follow {
    struct events *events;
    struct subscriber *subscriber;
    struct source *source;
};

static int follow_read(void *self, char *text, size_t size, size_t *n)
{
    struct follow *follow = self;
    struct err err = {0};
    switch (events_next(follow->subscriber, text, size, n, &err)) {
    case EVENTS_TEXT:
        return 1;
    case EVENTS_NOTHING:
        *n = 0;
        return 0;
    case EVENTS_END:
        break;
    case EVENTS_ERROR:
        log_warning("a stream of events ends early: %s", err.msg);
        break;
    }
    *n = 0;
    return -1;
}

static void follow_wait(void *self)
{
    struct follow *follow = self;
    events_wait(follow->subscriber);
}

static void follow_wake(void *self)
{
    struct follow *follow = self;
    http_source_wake(follow->source);
}

static void follow_free(void *self)
{
    struct follow *follow = self;
    events_unsubscribe(follow->subscriber);
    free(follow);
}

static struct source *follow_new(struct request *request, int64_t id, const char *last, struct err *err)
{
    struct server *server = request_app(request);
    struct follow *follow = calloc(1, sizeof *follow);
    if (!follow) {
        err_memory(err, "the stream");
        return NULL;
    }
    /* No wake comes before the source has called follow_wait. */
    follow->subscriber = events_subscribe(server->events, id, last, follow_wake, follow, err);
    if (follow->subscriber) {
        const struct reply_source from = {
            .read = follow_read, .wait = follow_wait, .free = follow_free, .self = follow, .idle = ":\n\n"};
        follow->source = http_source_new(request, &from, err);
        if (follow->source)
            return follow->source;
    }
    follow_free(follow);
    return NULL;
}

void jobs_get_events(struct request *request, struct reply *reply)
{
    const char *last = request_header(request, "Last-Event-ID");
    struct err err = {0};
    int64_t id;
    if (!param_job(request, &id, reply))
        return;
    if (events_over(last)) {
        reply_empty(reply, 204);
        return;
    }
    reply->source = follow_new(request, id, last, &err);
    if (!reply->source) {
        reply_problem(reply, &err);
        return;
    }
    reply->status = 200;
    reply->type = "text/event-stream";
    reply_header(reply, "Cache-Control", "no-store");
    reply_header(reply, "X-Accel-Buffering", "no"); /* proxies would hold events back */
}

typedef bool job_action(struct jobs *jobs, int64_t id, struct job_info *info, struct err *err);

static bool no_field_take(void *self, const struct message *member, struct err *err)
{
    struct near near;
    (void)self;
    near_init(&near, message_name(member));
    return near_unknown(&near, "field",
                        "none; PATCH /jobs/{j} changes title, priority, weight and max_seconds", err);
}

/* Actions take no fields: no body, or an object without any. */
static bool action_check(struct request *request, struct err *err)
{
    const char *bytes;
    size_t n;
    return body_view(request_body(request), &bytes, &n, err) &&
           (n == 0 || request_members(request, no_field_take, NULL, err));
}

static void act(struct request *request, struct reply *reply, job_action *action)
{
    struct server *server = request_app(request);
    struct job_info info = {0};
    struct writer writer;
    struct err err = {0};
    int64_t id;
    if (!param_job(request, &id, reply))
        return;
    if (!action_check(request, &err) || !action(server->jobs, id, &info, &err)) {
        reply_problem(reply, &err);
        return;
    }
    log_info("job %" PRId64 ": %s", id, job_state_name(info.row.state));
    reply_writer(reply, &writer);
    job_write(&writer, &info);
    reply_json(reply, info.row.state == JOB_CANCELLING ? 202 : 200, &writer);
}

void jobs_post_cancel(struct request *request, struct reply *reply)
{
    act(request, reply, jobs_cancel);
}

void jobs_post_pause(struct request *request, struct reply *reply)
{
    act(request, reply, jobs_pause);
}

void jobs_post_resume(struct request *request, struct reply *reply)
{
    act(request, reply, jobs_resume);
}

static bool title_read(const struct message *value, struct job_change *change, struct err *err)
{
    bool none = message_kind(value) == MESSAGE_NULL, text = message_kind(value) == MESSAGE_STRING;
    if ((!none && !text) || (text && strlen(message_string(value)) >= TITLE_SIZE))
        return field_wrong(err, "title", "a text of at most 200 bytes, or null", value);
    snprintf(change->title, sizeof change->title, "%s", text ? message_string(value) : "");
    change->has_title = true;
    return true;
}

static bool change_take(void *self, const struct message *member, struct err *err)
{
    struct job_change *change = self;
    static const struct field priority = FIELD_PRIORITY, weight = FIELD_WEIGHT,
                              max_seconds = FIELD_MAX_SECONDS;
    const char *name = message_name(member);
    double number = NAN;
    if (!strcmp(name, "title"))
        return title_read(member, change, err);
    if (!strcmp(name, "priority") && field_whole(&priority, member, &number, err)) {
        change->has_priority = true;
        change->priority = (int32_t)number;
    } else if (!strcmp(name, "weight") && field_whole(&weight, member, &number, err)) {
        change->has_weight = true;
        change->weight = (uint32_t)number;
    } else if (!strcmp(name, "max_seconds") &&
               (message_kind(member) == MESSAGE_NULL || field_number(&max_seconds, member, &number, err))) {
        change->has_max_seconds = true;
        change->max_seconds = number;
    } else {
        return *err->field ? false : field_unknown(err, name, "title priority weight max_seconds");
    }
    return true;
}

void jobs_patch_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct job_change change = {0};
    struct job_info info = {0};
    struct writer writer;
    struct err err = {0};
    int64_t id;
    if (!param_job(request, &id, reply))
        return;
    if (!request_members(request, change_take, &change, &err) ||
        !jobs_change(server->jobs, id, &change, &info, &err)) {
        reply_problem(reply, &err);
        return;
    }
    reply_writer(reply, &writer);
    job_write(&writer, &info);
    reply_json(reply, 200, &writer);
}

void jobs_delete_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    int64_t id;
    if (!param_job(request, &id, reply))
        return;
    if (!jobs_delete(server->jobs, id, &err))
        reply_problem(reply, &err);
    else
        reply_empty(reply, 204);
}
