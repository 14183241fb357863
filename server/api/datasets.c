/* Datasets: uploads, profiles, names. Their rows are in api/rows.c. */
#include "api/routes.h"
#include "base/log.h"
#include "base/near.h"
#include "datasets/early.h"
#include "datasets/profile.h"
#include "datasets/take.h"
#include "mlp/association.h"
#include "json/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool incoming_field(const char *name)
{
    return !strcmp(name, "name") || !strcmp(name, "replace") || csv_query_knows(name);
}

static void incoming_drop(struct work_item *item)
{
    struct incoming *incoming = (struct incoming *)item;
    datasets_abort(incoming->upload);
    csv_query_done(&incoming->csv);
    free(incoming);
}

void incoming_free(struct incoming *incoming)
{
    if (incoming)
        incoming_drop(&incoming->item);
}

static bool has_type(const struct request *request, const char *type)
{
    const char *found = request_header(request, "Content-Type");
    return found && !strncasecmp(found, type, strlen(type));
}

struct incoming *incoming_new(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    struct incoming *incoming = calloc(1, sizeof *incoming);
    if (!incoming) {
        err_memory(&err, "the upload");
        reply_problem(reply, &err);
        return NULL;
    }
    incoming->item.run = incoming_drop;
    incoming->form = has_type(request, "multipart/");
    incoming->json = has_type(request, "application/json");
    incoming->lines_dropped = has_type(request, "application/x-www-form-urlencoded");
    struct csv_values values = csv_query_values(request);
    if (!csv_query_find(&incoming->csv, &values, &err) ||
        !body_unpack(request_body(request), INFLATE_GUESS, server->max_body, &err)) {
        reply_problem(reply, &err);
    } else if (query_flag(request, "replace", &incoming->replace, reply)) {
        request_keep(request, &incoming->item);
        return incoming;
    }
    csv_query_done(&incoming->csv);
    free(incoming);
    return NULL;
}

bool incoming_fields(struct request *request, struct incoming *incoming, struct err *err)
{
    if (!incoming->form)
        return true; /* the query was read when its head came */
    const char *replace = request_query(request, "replace");
    if (replace && *replace && strcmp(replace, "true") && strcmp(replace, "1") && strcmp(replace, "false") &&
        strcmp(replace, "0")) {
        err_set(err, ERR_INPUT, "\"replace\": expected true or false, found \"%.40s\"", replace);
        return err_field(err, "replace");
    }
    incoming->replace = replace && strcmp(replace, "false") && strcmp(replace, "0");
    struct csv_values values = csv_query_values(request);
    return csv_query_find(&incoming->csv, &values, err);
}

/* The file that the body is, or its beginning. */
static struct taken_file taken_file(const struct incoming *incoming, int fd)
{
    return (struct taken_file){.fd = fd,
                               .labels_fd = -1,
                               .options = &incoming->csv.options,
                               .charset = incoming->csv.charset,
                               .json = incoming->json,
                               .lines_dropped = incoming->lines_dropped};
}

/* A body whose length and name are known is read while it arrives. */
static void early_go(const struct request *request, struct incoming *incoming, const struct body *body)
{
    uint64_t n_bytes = request_length(request);
    if (incoming->early) {
        datasets_arrived(incoming->upload, body->size);
    } else if (n_bytes >= EARLY_LEAST && body->size >= EARLY_BEGIN) {
        const struct taken_file file = taken_file(incoming, body->fd);
        incoming->early = true;
        take_early(incoming->upload, &file, body->size, n_bytes);
    }
}

void incoming_progress(struct request *request)
{
    struct incoming *incoming = (struct incoming *)request_kept(request);
    const struct body *body = request_body(request);
    if (!incoming || !incoming->upload)
        return;
    datasets_received(incoming->upload, body->flushed, request_length(request));
    if (!incoming->form && body_plain(body))
        early_go(request, incoming, body);
}

bool incoming_finish(struct request *request, struct incoming *incoming, struct dataset_info *info,
                     struct err *err)
{
    struct server *server = request_app(request);
    struct upload *upload = incoming->upload;
    int fd = body_file(request_body(request), err);
    if (fd < 0)
        return false;
    if (request_body(request)->size == 0)
        return err_set(err, ERR_INPUT,
                       "the body is empty: expected a CSV file, as with curl --data-binary @file.csv");
    const char *compression = inflate_name(body_compression(request_body(request)));
    if (compression)
        datasets_compressed(upload, compression);
    incoming->upload = NULL;
    struct body *body = request_body(request);
    struct csv_values values = csv_query_values(request);
    char *told = csv_query_told(&values, err);
    if (!told) {
        datasets_abort(upload);
        return false;
    }
    struct taken_file file = taken_file(incoming, fd);
    file.told = told;
    file.labels_fd = body_labels(body);
    file.most = server->max_body;
    file.claim = request_claim(request);
    file.stop = body->stop;
    bool ok = take_file(server->datasets, upload, &file, info, err);
    free(told);
    if (!ok)
        return false;
    log_info("dataset %s: %llu rows, %llu columns, %llu bytes", info->row.name,
             (unsigned long long)info->row.n_rows, (unsigned long long)info->row.n_columns,
             (unsigned long long)info->row.bytes);
    return true;
}

/* Reserve the name. A form may hold it as a field, which is read later. */
static bool upload_begin(struct request *request, struct incoming *incoming, bool last, struct err *err)
{
    struct server *server = request_app(request);
    const char *name = request_query(request, "name");
    const char *type = request_header(request, "Content-Type");
    if (!name && !last && type && !strncasecmp(type, "multipart/", 10))
        return true;
    if (!name) {
        err_set(err, ERR_INPUT,
                "\"name\" is missing: expected POST /datasets?name=my-data with the CSV as the body");
        return err_field(err, "name");
    }
    incoming->upload = datasets_begin(server->datasets, name, incoming->replace, err);
    return incoming->upload != NULL;
}

void datasets_post_head(struct request *request, struct reply *reply)
{
    struct err err = {0};
    struct incoming *incoming = incoming_new(request, reply);
    if (incoming && !upload_begin(request, incoming, false, &err))
        reply_problem(reply, &err);
}

static void progress_write(struct writer *writer, const struct dataset_info *info)
{
    writer_key(writer, "progress");
    writer_open(writer, '{');
    writer_put_uint(writer, "bytes_received", info->bytes_received);
    writer_key(writer, "bytes_expected");
    if (info->bytes_expected)
        writer_uint(writer, info->bytes_expected);
    else
        writer_null(writer);
    writer_put_uint(writer, "bytes_parsed", info->bytes_parsed);
    writer_put_uint(writer, "rows_parsed", info->rows_parsed);
    writer_close(writer, '}');
}

static void mark_write(struct writer *writer, const char *name, char mark)
{
    writer_key(writer, name);
    if (mark)
        writer_string_n(writer, &mark, 1);
    else
        writer_null(writer);
}

/* How the file was read: what was told, and what was guessed. */
static void reading_write(struct writer *writer, const struct dataset_row *row)
{
    mark_write(writer, "separator", row->separator);
    writer_put_bool(writer, "header", row->header);
    mark_write(writer, "quote", row->quote);
    mark_write(writer, "decimal", row->decimal);
    mark_write(writer, "comment", row->comment);
    writer_put_string(writer, "encoding", csv_encoding_name(row->encoding));
    writer_put_uint(writer, "title_lines", row->n_titles);
    writer_put_bool(writer, "count_line", row->count_line);
    writer_put_string(writer, "compression", *row->compression ? row->compression : NULL);
    writer_put_uint(writer, "skipped_rows", row->n_skipped);
}

/* Rows that cannot be had, where there are such. */
static void damaged_write(struct writer *writer, const struct damaged_rows *damage)
{
    if (damage->n == 0)
        return;
    writer_key(writer, "damaged");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < damage->n; i++) {
        writer_open(writer, '{');
        writer_put_uint(writer, "first", damage->ranges[i].first);
        writer_put_uint(writer, "last", damage->ranges[i].last);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
}

/* Whether the file that was uploaded is still there. */
static void original_write(struct writer *writer, const struct dataset_info *info)
{
    writer_key(writer, "original");
    writer_open(writer, '{');
    writer_put_bool(writer, "kept", info->original_kept);
    writer_put_uint(writer, "bytes", info->original_kept ? info->row.bytes : 0);
    writer_close(writer, '}');
}

void dataset_write(struct writer *writer, const struct dataset_info *info, const char *profile)
{
    const struct dataset_row *row = &info->row;
    bool ready = row->state == DATASET_READY;
    writer_open(writer, '{');
    writer_put_string(writer, "name", row->name);
    writer_put_string(writer, "state", dataset_state_name(row->state));
    if (*row->created)
        writer_put_string(writer, "created", row->created);
    if (!ready || info->replacing)
        progress_write(writer, info);
    if (ready) {
        writer_put_uint(writer, "rows", row->n_rows);
        writer_put_uint(writer, "bytes", row->bytes);
        reading_write(writer, row);
        damaged_write(writer, &info->damage);
        original_write(writer, info);
        if (!profile)
            writer_put_uint(writer, "columns", row->n_columns);
        else
            writer_raw(writer, profile + 1, strlen(profile) - 2); /* its members, without the braces */
    }
    writer_close(writer, '}');
}

bool profile_reply(struct server *server, struct reply *reply, unsigned status,
                   const struct dataset_info *info, struct err *err)
{
    struct writer writer;
    char *profile = NULL;
    if (info->row.state == DATASET_READY &&
        !(profile = datasets_profile(server->datasets, info->row.id, err)))
        return false;
    reply_writer(reply, &writer);
    dataset_write(&writer, info, profile);
    free(profile);
    reply_json(reply, status, &writer);
    return true;
}

void stored_reply(struct server *server, struct reply *reply, unsigned status,
                  const struct dataset_info *info)
{
    struct writer writer;
    struct err ignored;
    if (profile_reply(server, reply, status, info, &ignored))
        return;
    reply_writer(reply, &writer);
    dataset_write(&writer, info, NULL);
    reply_json(reply, status, &writer);
}

void datasets_post_run(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct incoming *incoming = (struct incoming *)request_kept(request);
    struct dataset_info info = {0};
    struct err err = {0};
    bool ok = incoming_fields(request, incoming, &err) &&
              (incoming->upload || upload_begin(request, incoming, true, &err)) &&
              incoming_finish(request, incoming, &info, &err);
    if (!ok) {
        reply_problem(reply, &err);
    } else {
        stored_reply(server, reply, 201, &info);
        reply_header(reply, "Location", "/datasets/%s", info.row.name);
    }
    request_keep(request, NULL);
    incoming_free(incoming);
}

void datasets_get_all(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct dataset_info *list = NULL;
    struct writer writer;
    struct err err = {0};
    size_t n = 0;
    if (!datasets_list(server->datasets, &list, &n, &err)) {
        reply_problem(reply, &err);
        return;
    }
    reply_writer(reply, &writer);
    writer_open(&writer, '{');
    writer_key(&writer, "datasets");
    writer_open(&writer, '[');
    for (size_t i = 0; i < n; i++)
        dataset_write(&writer, &list[i], NULL);
    writer_close(&writer, ']');
    writer_close(&writer, '}');
    free(list);
    reply_json(reply, 200, &writer);
}

/* What each column tells about the target. NULL: *err. */
static double *association_make(struct request *request, int64_t id, const char *target, uint32_t *n,
                                struct err *err)
{
    struct server *server = request_app(request);
    struct table *table = datasets_table_id(server->datasets, id, err);
    int64_t found = table ? table_find(table, target) : -1;
    double *association = NULL;
    if (table && found < 0) {
        err_set(err, ERR_INPUT, "\"target\": there is no column '%.60s'", target);
        err_field(err, "target");
    } else if (table) {
        struct claim *claim = request_claim(request);
        uint64_t bytes = table_association_bytes(table, (uint32_t)found);
        *n = table_n_columns(table);
        association = malloc(*n * sizeof *association); /* smaller than the reply */
        bool held = association ? claim_take(claim, bytes, err) : err_memory(err, "the associations");
        if (!held || !table_check(table, 0, table_n_rows(table), err) ||
            !table_association(table, (uint32_t)found, association, request_stop(request), err) ||
            !table_check_read(table, err)) {
            free(association);
            association = NULL;
        }
        claim_give(claim, held ? bytes : 0);
    }
    table_unref(table);
    return association;
}

static bool associated_reply(struct request *request, struct reply *reply, const struct dataset_info *info,
                             const char *target, struct err *err)
{
    struct server *server = request_app(request);
    uint32_t n = 0;
    double *association = association_make(request, info->row.id, target, &n, err);
    char *profile = association ? datasets_profile(server->datasets, info->row.id, err) : NULL;
    char *associated = profile ? profile_associate(profile, association, n, err) : NULL;
    struct writer writer;
    if (associated) {
        reply_writer(reply, &writer);
        dataset_write(&writer, info, associated);
        reply_json(reply, 200, &writer);
    }
    free(association);
    free(profile);
    free(associated);
    return associated != NULL;
}

void datasets_get_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0), *target = request_query(request, "target");
    struct dataset_info info = {0};
    struct err err = {0};
    bool found, ok;
    do {
        found = datasets_find(server->datasets, name, &info, &err);
        if (found && target && info.row.state == DATASET_READY)
            ok = associated_reply(request, reply, &info, target, &err);
        else
            ok = found && profile_reply(server, reply, 200, &info, &err);
    } while (found && !ok && datasets_moved(server->datasets, name, info.row.id));
    if (!ok)
        reply_problem(reply, &err);
}

void datasets_delete_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    if (!datasets_delete(server->datasets, request_param(request, 0), 0, &err))
        reply_problem(reply, &err);
    else
        reply_empty(reply, 204);
}

/* {"name":"new"} */
static bool new_name_read(struct request *request, char name[NAME_SIZE], struct err *err)
{
    struct message *message = request_message(request, err);
    bool ok = false;
    if (!message)
        return false;
    for (const struct message *member = message_first(message); member; member = message_next(member))
        if (strcmp(message_name(member), "name")) {
            words_unknown("name", "field", message_name(member), err);
            goto out;
        }
    const struct message *wanted = message_get(message, "name");
    if (!wanted || message_kind(wanted) != MESSAGE_STRING) {
        err_set(err, ERR_INPUT, "\"name\": expected the dataset's new name as a text");
        err_field(err, "name");
    } else if (store_name_check(message_string(wanted), "name", err)) {
        memcpy(name, message_string(wanted), strlen(message_string(wanted)) + 1);
        ok = true;
    }
out:
    message_free(message);
    return ok;
}

void datasets_patch_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct dataset_info info = {0};
    struct err err = {0};
    char name[NAME_SIZE];
    if (!new_name_read(request, name, &err) ||
        !datasets_rename(server->datasets, request_param(request, 0), name, &info, &err)) {
        reply_problem(reply, &err);
        return;
    }
    jobs_dataset_renamed(server->jobs, info.row.id, name);
    stored_reply(server, reply, 200, &info);
    reply_header(reply, "Location", "/datasets/%s", name);
}
