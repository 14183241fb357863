/* Models: lists, what is in one, its file out and in. */
#include "api/routes.h"
#include "base/files.h"
#include "base/log.h"
#include "jobs/json_field.h"
#include "models/file.h"
#include "json/model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void scores_write(struct writer *writer, const struct model_row *row)
{
    writer_key(writer, "evaluation");
    if (row->evaluated_on == ROWS_NONE) {
        writer_null(writer);
        return;
    }
    writer_open(writer, '{');
    writer_put_string(writer, "on", rows_kind_name(row->evaluated_on));
    writer_put_uint(writer, "rows", row->n_rows);
    writer_put_double(writer, "loss", row->loss);
    if (row->task == TASK_CLASSIFICATION) {
        writer_put_double(writer, "accuracy", row->accuracy);
    } else {
        writer_put_double(writer, "rmse", row->rmse);
        writer_put_double(writer, "mae", row->mae);
        writer_put_double(writer, "r2", row->r2);
    }
    writer_close(writer, '}');
}

/* Without the closing bracket: more may follow. */
static void row_write(struct writer *writer, const struct model_row *row)
{
    writer_open(writer, '{');
    writer_put_string(writer, "name", row->name);
    writer_put_uint(writer, "version", row->version);
    writer_put_string(writer, "state", model_state_name(row->state));
    writer_put_bool(writer, "partial", row->state != MODEL_FINISHED);
    writer_put_string(writer, "task", task_name(row->task));
    writer_put_string(writer, "created", row->created);
    writer_key(writer, "job");
    if (row->job)
        writer_int(writer, row->job);
    else
        writer_null(writer);
    writer_put_uint(writer, "epochs", row->epochs);
    writer_put_uint(writer, "parameters", row->n_params);
    writer_put_uint(writer, "bytes", row->bytes);
    writer_put_double(writer, "test_accuracy", row->evaluated_on == ROWS_TEST ? row->accuracy : NAN);
    scores_write(writer, row);
}

/* Of the name, not of the version. */
static void promoted_write(struct writer *writer, const struct model_row *row)
{
    writer_key(writer, "promoted");
    if (row->promoted)
        writer_uint(writer, row->promoted);
    else
        writer_null(writer);
}

void fallback_write(struct writer *writer, struct server *server, const struct model_row *row)
{
    char reason[DAMAGE_REASON_SIZE];
    if (!models_wanted(server->models, row, reason))
        return;
    writer_key(writer, "fallback");
    writer_open(writer, '{');
    writer_put_uint(writer, "wanted", row->wanted);
    writer_put_string(writer, "reason", reason);
    writer_close(writer, '}');
}

void fallback_headers(struct reply *reply, struct server *server, const struct model_row *row)
{
    char reason[DAMAGE_REASON_SIZE];
    reply_header(reply, "Mlpd-Model-Version", "%" PRIu32, row->version);
    if (models_wanted(server->models, row, reason))
        reply_header(reply, "Mlpd-Warning",
                     "version %" PRIu32 " is damaged (%s): version %" PRIu32 " answers", row->wanted, reason,
                     row->version);
}

/* Of the version: what is wrong with its file. */
static void damage_write(struct writer *writer, struct server *server, const struct model_row *row)
{
    char reason[DAMAGE_REASON_SIZE];
    writer_put_string(writer, "damage", models_damaged(server->models, row, reason) ? reason : NULL);
}

/* version= of the query; 0: the newest. */
static bool query_version(const struct request *request, uint32_t *version, struct reply *reply)
{
    uint64_t number;
    if (!query_number(request, "version", 0, UINT32_MAX, &number, reply))
        return false;
    *version = (uint32_t)number;
    return true;
}

void models_get_all(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct model_row *rows = NULL;
    struct writer writer;
    struct err err = {0};
    size_t n = 0;
    if (!models_list(server->models, &rows, &n, &err)) {
        reply_problem(reply, &err);
        return;
    }
    reply_writer(reply, &writer);
    writer_open(&writer, '{');
    writer_key(&writer, "models");
    writer_open(&writer, '[');
    for (size_t i = 0; i < n; i++) {
        row_write(&writer, &rows[i]);
        promoted_write(&writer, &rows[i]);
        writer_put_uint(&writer, "n_versions", rows[i].n_versions);
        damage_write(&writer, server, &rows[i]);
        fallback_write(&writer, server, &rows[i]);
        writer_close(&writer, '}');
    }
    writer_close(&writer, ']');
    writer_close(&writer, '}');
    free(rows);
    reply_json(reply, 200, &writer);
}

static void versions_write(struct writer *writer, struct server *server, const struct model_row *versions,
                           size_t n)
{
    writer_key(writer, "versions");
    writer_open(writer, '[');
    for (size_t i = 0; i < n; i++) {
        row_write(writer, &versions[i]);
        damage_write(writer, server, &versions[i]);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
}

static void model_write(struct writer *writer, const struct model_row *row, const struct model *model)
{
    writer_put_string(writer, "target", model->recipe->target);
    writer_put_uint(writer, "inputs", model->recipe->n_inputs);
    if (row->task == TASK_CLASSIFICATION) {
        writer_key(writer, "classes");
        writer_open(writer, '[');
        for (uint32_t i = 0; i < model->recipe->n_classes; i++)
            writer_string(writer, model->recipe->classes[i]);
        writer_close(writer, ']');
    }
    writer_key(writer, "network");
    json_write_network(writer, model->network, model->loss);
    writer_key(writer, "recipe");
    json_write_recipe(writer, model->recipe);
}

static void model_reply(struct server *server, const char *name, uint32_t version, struct reply *reply)
{
    struct model_row row = {0}, *versions = NULL;
    struct writer writer;
    struct err err = {0};
    size_t n = 0;
    struct model *model = models_get(server->models, name, version, &row, &err);
    bool there = model && models_versions(server->models, name, &versions, &n, &err);
    if (!there && !(model && row.state == MODEL_TRAINING)) { /* which may be the first of its name */
        reply_problem(reply, &err);
    } else {
        reply_writer(reply, &writer);
        row_write(&writer, &row);
        promoted_write(&writer, n > 0 ? versions : &row);
        model_write(&writer, &row, model);
        fallback_write(&writer, server, &row);
        versions_write(&writer, server, versions, n);
        writer_close(&writer, '}');
        reply_json(reply, 200, &writer);
    }
    free(versions);
    model_unref(model);
}

void models_get_one(struct request *request, struct reply *reply)
{
    uint32_t version;
    if (query_version(request, &version, reply))
        model_reply(request_app(request), request_param(request, 0), version, reply);
}

static bool change_take(void *self, const struct message *member, struct err *err)
{
    struct model_change *change = self;
    static const struct field promoted = {
        .name = "promoted", .least = 1, .most = UINT32_MAX, .expected = "a version's number, or null"};
    double number = 0;
    if (!strcmp(message_name(member), "name")) {
        if (message_kind(member) != MESSAGE_STRING)
            return field_wrong(err, "name", "a name", member);
        if (!store_name_check(message_string(member), "name", err))
            return false;
        snprintf(change->name, sizeof change->name, "%s", message_string(member));
        return true;
    }
    if (strcmp(message_name(member), "promoted"))
        return field_unknown(err, message_name(member), "name promoted");
    if (message_kind(member) != MESSAGE_NULL && !field_whole(&promoted, member, &number, err))
        return false;
    change->promote = true;
    change->promoted = (uint32_t)number;
    return true;
}

void models_patch_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct model_change change = {0};
    struct err err = {0};
    if (!request_members(request, change_take, &change, &err) ||
        !models_change(server->models, name, &change, &err)) {
        reply_problem(reply, &err);
        return;
    }
    log_info("model %s: renamed %s, promoted version %" PRIu32, name, *change.name ? change.name : "not",
             change.promoted);
    model_reply(server, *change.name ? change.name : name, 0, reply);
}

void models_delete_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    uint32_t version;
    if (!query_version(request, &version, reply))
        return;
    if (!models_delete(server->models, request_param(request, 0), version, &err))
        reply_problem(reply, &err);
    else
        reply_empty(reply, 204);
}

void models_get_file(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct model_row row = {0};
    struct err err = {0};
    uint32_t version;
    if (!query_version(request, &version, reply))
        return;
    reply->fd = models_file(server->models, request_param(request, 0), version, &row, &err);
    if (reply->fd < 0) {
        reply_problem(reply, &err);
        return;
    }
    reply->n_fd = row.bytes;
    reply->status = 200;
    reply->type = "application/octet-stream";
    reply_header(reply, "Content-Disposition", "attachment; filename=\"%s-%" PRIu32 ".safetensors\"",
                 row.name, row.version);
    fallback_headers(reply, server, &row);
    reply_header(reply, "ETag", "\"%" PRId64 "\"",
                 row.id); /* names and versions may come to mean another one, rows never */
}

/* The body into a file with a name, which models_import takes over. */
static bool file_copy(struct server *server, struct body *body, char path[PATH_SIZE], struct err *err)
{
    int from = body_file(body, err);
    if (from < 0)
        return false;
    if (body->size > server->model_memory + MODEL_FILE_HEADER_MAX)
        return err_set(
            err, ERR_LIMIT,
            "the file has %.1f MB, and models may take %.1f MB of memory together (--model-memory)",
            (double)body->size / 1e6, (double)server->model_memory / 1e6);
    int to = store_temp(server->store, path, err);
    if (to < 0)
        return false;
    bool ok = files_copy(from, to, body->size, body->stop, err);
    close(to);
    if (!ok)
        unlink(path);
    return ok;
}

void models_put_file(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct model_row row = {0};
    struct writer writer;
    struct err err = {0};
    char path[PATH_SIZE];
    if (!store_name_check(name, "name", &err) || !file_copy(server, request_body(request), path, &err) ||
        !models_import(server->models, name, path, &row, &err)) {
        reply_problem(reply, &err);
        return;
    }
    log_info("model %s version %" PRIu32 " imported", row.name, row.version);
    reply_writer(reply, &writer);
    row_write(&writer, &row);
    writer_close(&writer, '}');
    reply_json(reply, 201, &writer);
    reply_header(reply, "Location", "/models/%s?version=%" PRIu32, row.name, row.version);
}
