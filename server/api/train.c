/* POST /train: a JSON request about a dataset that is there, or a CSV and its
 * settings as query parameters, all in one call. */
#include "api/routes.h"
#include "base/log.h"
#include "jobs/json_train.h"
#include "json/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_BYTES 512 /* of a body that are looked at to know what it is */

#define NAMES_TRIED 10000

enum body_kind { BODY_JSON, BODY_CSV, BODY_UNKNOWN };

/* The body is the CSV where its type says so, or the query says what to learn
 * from it. Under curl's own type it may be either: then its first byte
 * tells. */
static enum body_kind body_kind(const struct request *request)
{
    const char *type = request_header(request, "Content-Type");
    if (type && !strncasecmp(type, "application/json", 16) && !request_query(request, "target"))
        return BODY_JSON;
    if ((type && (!strncasecmp(type, "text/csv", 8) || !strncasecmp(type, "multipart/form-data", 19))) ||
        request_query(request, "target"))
        return BODY_CSV;
    return request_length(request) > HTTP_SMALL_MAX ? BODY_CSV : BODY_UNKNOWN;
}

/* Where only the body itself can tell: JSON is an object. An empty body is told
 * that JSON was expected. */
static bool body_begins_json(struct request *request)
{
    char bytes[HEAD_BYTES];
    char first = scan_first(bytes, body_head(request_body(request), bytes, sizeof bytes));
    return !first || first == '{';
}

struct settings {
    struct message *object;
    struct err *err;
};

static bool setting_take(void *self, const char *name, const char *value)
{
    struct settings *settings = self;
    return incoming_field(name) || train_add(settings->object, name, value, settings->err);
}

/* Query parameters and form fields as the request that they stand for. */
static bool settings_read(const struct request *request, const char *dataset, struct job_request *job,
                          struct err *err)
{
    struct settings settings = {.object = message_new(), .err = err};
    if (!settings.object)
        return err_memory(err, "the request");
    bool ok = (message_add_string(settings.object, "dataset", dataset) || err_memory(err, "the request")) &&
              request_queries(request, setting_take, &settings);
    char *text = ok ? message_print(settings.object) : NULL;
    if (ok)
        ok = text ? train_read(text, strlen(text), job, err) : err_memory(err, "the request");
    free(text);
    message_free(settings.object);
    return ok;
}

/* Reserve the name given, else the model's or "data" with the first free
 * number. */
static bool name_reserve(struct server *server, const struct request *request, struct incoming *incoming,
                         struct err *err)
{
    const char *name = request_query(request, "name"), *model = request_query(request, "model");
    struct err reason = {0};
    if (name) {
        incoming->upload = datasets_begin(server->datasets, name, incoming->replace, err);
        snprintf(incoming->name, sizeof incoming->name, "%s", name);
        return incoming->upload != NULL;
    }
    for (uint32_t i = 1; i < NAMES_TRIED; i++) {
        if (model && i == 1)
            snprintf(incoming->name, sizeof incoming->name, "%s", model);
        else
            snprintf(incoming->name, sizeof incoming->name, "%.54s-%" PRIu32, model ? model : "data", i);
        reason = (struct err){0};
        incoming->upload = datasets_begin(server->datasets, incoming->name, false, &reason);
        if (incoming->upload || reason.code != ERR_CONFLICT)
            break;
    }
    if (!incoming->upload)
        *err = reason;
    return incoming->upload != NULL;
}

/* Whether the settings make sense by themselves: told before the body is
 * read. */
static bool settings_check(const struct request *request, struct err *err)
{
    struct job_request job = {0};
    job_request_init(&job);
    bool ok = settings_read(request, "data", &job, err);
    job_request_done(&job);
    return ok;
}

void train_post_head(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    enum body_kind kind = body_kind(request);
    if (kind == BODY_JSON) {
        if (request_length(request) > HTTP_SMALL_MAX)
            reply_refuse(reply, 413,
                         "a request to train is at most %d bytes of JSON; a CSV comes as text/csv",
                         HTTP_SMALL_MAX);
        return;
    }
    request_move(request, ROUTE_BULK);
    if (kind == BODY_UNKNOWN) {
        if (!body_unpack(request_body(request), INFLATE_GUESS, server->max_body, &err))
            reply_problem(reply, &err);
        return;
    }
    const char *type = request_header(request, "Content-Type");
    bool form = type && !strncasecmp(type, "multipart/", 10); /* its fields come with the body */
    if (!settings_check(request, &err)) {
        reply_problem(reply, &err);
        return;
    }
    struct incoming *incoming = incoming_new(request, reply);
    if (incoming && !form && !name_reserve(server, request, incoming, &err))
        reply_problem(reply, &err);
}

static bool job_submit(struct request *request, struct job_request *job, struct reply *reply, struct err *err)
{
    struct server *server = request_app(request);
    struct job_info info = {0};
    struct writer writer;
    job->stop = request_stop(request);
    if (!jobs_submit(server->jobs, job, &info, err))
        return false;
    log_info("job %" PRId64 ": model %s from dataset %s, %" PRIu32 " epochs", info.row.id, info.row.model,
             info.row.dataset, info.row.epochs);
    reply_writer(reply, &writer);
    job_write(&writer, &info);
    reply_json(reply, 202, &writer);
    reply_header(reply, "Location", "/jobs/%" PRId64, info.row.id);
    return true;
}

/* The CSV becomes a dataset, and the dataset a job. Where the job is refused
 * the dataset goes again, so that a second try may take its name. */
static bool csv_train(struct request *request, struct incoming *incoming, struct reply *reply,
                      struct err *err)
{
    struct server *server = request_app(request);
    struct job_request job = {0};
    struct dataset_info info = {0};
    struct err ignored;
    job_request_init(&job);
    bool there = incoming_fields(request, incoming, err) &&
                 (incoming->upload || name_reserve(server, request, incoming, err)) &&
                 incoming_finish(request, incoming, &info, err);
    bool ok = there && settings_read(request, incoming->name, &job, err);
    job.dataset_id = info.row.id; /* the rows that came, whatever the name means since */
    ok = ok && job_submit(request, &job, reply, err);
    if (there && !ok && !incoming->replace) /* not what another client may have put in its place */
        datasets_delete(server->datasets, incoming->name, info.row.id, &ignored);
    job_request_done(&job);
    return ok;
}

/* Beside JSON a query parameter would say nothing. */
static bool no_parameter(void *self, const char *name, const char *value)
{
    struct err *err = self;
    (void)value;
    err_set(err, ERR_INPUT,
            "the parameter \"%.60s\" goes with a CSV as the body: expected it as a field of the JSON", name);
    return err_field(err, name);
}

static bool json_train(struct request *request, struct reply *reply, struct err *err)
{
    struct job_request job = {0};
    const char *bytes;
    size_t n;
    job_request_init(&job);
    if (!request_queries(request, no_parameter, err))
        return false;
    bool ok = request_body(request)->size <= HTTP_SMALL_MAX;
    if (!ok)
        err_set(err, ERR_LIMIT, "a request to train is at most %d bytes of JSON", HTTP_SMALL_MAX);
    ok = ok && body_view(request_body(request), &bytes, &n, err) &&
         claim_take(request_claim(request), 2 * message_bytes(bytes, n),
                    err); /* the message, and the request made of it */
    ok = ok && train_read(bytes, n, &job, err) && job_submit(request, &job, reply, err);
    job_request_done(&job);
    return ok;
}

void train_post_run(struct request *request, struct reply *reply)
{
    struct incoming *incoming = (struct incoming *)request_kept(request);
    struct err err = {0};
    if (!incoming && body_kind(request) == BODY_UNKNOWN && !body_begins_json(request)) {
        if (!settings_check(request, &err))
            reply_problem(reply, &err);
        else
            incoming = incoming_new(request, reply);
        if (!incoming)
            return;
    }
    bool ok = incoming ? csv_train(request, incoming, reply, &err) : json_train(request, reply, &err);
    if (!ok)
        reply_problem(reply, &err);
    request_keep(request, NULL);
    incoming_free(incoming);
}
